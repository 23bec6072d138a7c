//! The keys that tokens are signed with: made once, kept across a restart, of no use without the master key, missed when gone.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sea_orm::QueryResult;
use tonic::Code;

use super::{GOOD, INVALID, jwks, kid, kids, refresh, refusal, started, token};
use crate::calls::assert_refused;
use crate::harness::Roster;
use crate::races::at_once;
use crate::replicas::rounds;

/// Another master key than that of tests.
const OTHER_KEY: (&str, &str) = ("secret_key", "7777777777777777777777777777777777777777777777777777777777777777");

async fn rows(roster: &Roster) -> Vec<QueryResult> {
    roster.database.query("SELECT kid, public_key, private_key FROM signing_keys").await
}

#[tokio::test]
async fn a_token_is_good_after_a_restart() {
    let (roster, client) = started().await;
    let old = token(&client, "ann").await;
    let keys = jwks(&client).await;
    // Dropped last: the database goes with them.
    let (_directory, database) = (roster.directory.clone(), roster.database.clone());
    roster.stop().await.unwrap();
    let again = Roster::start_on(&database.url, &[]).await;
    let client = again.client("*").await;
    assert_eq!(refusal(&client, &old).await, GOOD);
    assert_eq!(jwks(&client).await, keys);
    assert_eq!(kid(&token(&client, "ann").await), kid(&old));
}

/// Asks all servers at the same moment for what needs the first key.
async fn the_first_key_is_made_once(servers: usize, usual: usize) {
    for _ in 0..rounds(usual) {
        let (first, client) = started().await;
        let (mut all, mut clients) = (vec![first], vec![client]);
        while all.len() < servers {
            let other = all[0].beside().await;
            clients.push(other.client("*").await);
            all.push(other);
        }
        let ask = |index: usize| {
            let client = clients[index % servers].clone();
            async move {
                if (index / servers).is_multiple_of(2) {
                    kid(&token(&client, "ann").await)
                } else {
                    jwks(&client).await[0].kid().to_owned()
                }
            }
        };
        let named = at_once(4 * servers, ask).await;
        assert_eq!(rows(&all[0]).await.len(), 1);
        assert!(named.iter().all(|kid| *kid == named[0]), "{named:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_key_is_made_once_by_two_servers() {
    the_first_key_is_made_once(2, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn the_first_key_is_made_once_by_three_servers() {
    the_first_key_is_made_once(3, 5).await;
}

#[tokio::test]
async fn asking_for_the_keys_makes_the_first() {
    let (_roster, client) = started().await;
    let keys = jwks(&client).await;
    assert_eq!(keys.len(), 1);
    let key = &keys[0];
    assert_eq!([key.kty(), key.crv(), key.alg(), key.r#use()], ["OKP", "Ed25519", "EdDSA", "sig"]);
    assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(key.x()).unwrap().len(), 32);
    assert_eq!(kid(&token(&client, "ann").await), key.kid());
}

#[tokio::test]
async fn whoever_has_the_database_without_the_master_key_can_verify_but_not_sign() {
    let (roster, client) = started().await;
    let good = token(&client, "ann").await;
    let thief = Roster::start_on(&roster.database.url, &[OTHER_KEY]).await;
    let stolen = thief.client("*").await;
    assert_refused(refresh(&stolen, "ann").await, Code::FailedPrecondition, "SECRET_KEY_MISSING");
    assert_eq!(refusal(&stolen, &good).await, GOOD);
    assert_eq!(kids(&stolen).await, [kid(&good)], "no other key is made");
    for row in rows(&roster).await {
        let [public, private] = [1, 2].map(|column| row.try_get_by_index::<String>(column).unwrap());
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(public).unwrap().len(), 32, "so it would be found if it were in clear");
        for decoded in [BASE64_URL_SAFE_NO_PAD.decode(&private), BASE64_STANDARD.decode(&private)] {
            assert!(decoded.map_or(0, |bytes| bytes.len()) != 32, "it is as long as a key");
        }
        let hexadecimal = private.len() == 64 && private.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(!hexadecimal && private.len() > 64, "nor in hexadecimal");
    }
}

#[tokio::test]
async fn tokens_of_a_key_that_is_taken_away_are_invalid_by_the_next_call() {
    let (roster, client) = started().await;
    let other = roster.beside().await;
    let old = token(&client, "ann").await;
    let beside = other.client("*").await;
    assert_eq!((refusal(&client, &old).await, refusal(&beside, &old).await), (GOOD, GOOD));
    roster.database.execute("DELETE FROM signing_keys").await;
    assert_eq!((refusal(&client, &old).await, refusal(&beside, &old).await), (INVALID, INVALID));
    let new = token(&beside, "ann").await;
    assert_ne!(kid(&new), kid(&old));
    assert_eq!((refusal(&client, &old).await, refusal(&client, &new).await), (INVALID, GOOD));
}
