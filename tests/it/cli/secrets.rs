//! `roster secrets rotate`: everything opens before, while and after it goes; a new master key takes the place of an old one.

use std::collections::BTreeSet;

use roster::clock::Clock;
use roster::error::Error;
use roster::store::identity_tokens::{ProviderTokens, SetProviderTokens};
use roster::store::{Context, Store, Tenant};

use super::place::Place;
use crate::harness::config;

/// The variable that gives the master key.
pub(super) const SECRET_KEY: &str = "ROSTER_SECRET_KEY";
const FIRST: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
const SECOND: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const THIRD: &str = "2222222222222222222222222222222222222222222222222222222222222222";
/// The beginning of every token.
pub(super) const TOKEN: &str = "plain-token-";
const ROTATE: &str = "secrets rotate";

/// The store of the place, as a replica with this master key has it.
pub(super) async fn store(place: &Place, master: &[(&str, &str)]) -> Store {
    let settings = [("secret_key", master.first().map_or("", |(_, key)| *key))];
    Store::open(&config(&place.database.url, &settings), Clock::default()).await.unwrap()
}

fn id(number: usize) -> String {
    format!("identity-{number}")
}

pub(super) fn tokens(text: &str) -> ProviderTokens {
    ProviderTokens { access_token: Some(format!("{TOKEN}{text}")), refresh_token: None }
}

/// Gives identities with tokens to a user.
pub(super) async fn fill(place: &Place, store: &Store, identities: usize) {
    let user = "INSERT INTO users (user_id, created_at, updated_at, status, work_status, gender, email_verified, phone_verified, \
                user_source_type, status_changed_at, etag, username) VALUES ('u', 1, 1, 1, 1, 3, FALSE, FALSE, 3, 1, 'e', 'n')";
    place.database.execute(user).await;
    let many = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) INSERT INTO identities SELECT \
         'identity-' || i, 'u', 'idp', 1, 'generic', 'account-' || i, '{{}}', '[]' FROM n",
        identities - 1
    );
    place.database.execute(&many).await;
    let all = (0..identities).map(|number| (id(number), tokens(&number.to_string()))).collect();
    store.write(Context::default(), SetProviderTokens(all)).await.unwrap();
}

async fn assert_open(store: &Store, identities: usize) {
    for number in 0..identities {
        assert_eq!(
            store.provider_tokens(&Tenant::Pool, "u", &id(number)).await.unwrap(),
            tokens(&number.to_string()),
            "{number}"
        );
    }
}

/// The data keys that rows are sealed with, and all that there are.
async fn keys(place: &Place) -> (BTreeSet<String>, usize) {
    let used = place.database.query("SELECT DISTINCT key_id FROM identity_tokens").await;
    let used = used.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    (used, place.database.query("SELECT key_id FROM secret_keys").await.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_beside_replicas_that_write_leaves_nothing_with_the_old_key_and_needs_no_restart() {
    let (place, master) = (Place::new(), [(SECRET_KEY, FIRST), ("ROSTER_LOG", "trace")]);
    let serving = store(&place, &master[..1]).await;
    fill(&place, &serving, 1_000).await;
    let (before, _) = keys(&place).await;
    let writing = serving.clone();
    let writer = tokio::spawn(async move {
        for number in (0..1_000).rev().step_by(7) {
            let again = SetProviderTokens(vec![(id(number), tokens(&number.to_string()))]);
            writing.write(Context::default(), again).await.unwrap();
        }
    });
    let running = place.start(ROTATE, &master);
    let reading = async {
        for number in 0..1_000 {
            assert_eq!(serving.provider_tokens(&Tenant::Pool, "u", &id(number)).await.unwrap(), tokens(&number.to_string()));
        }
    };
    let (written, ()) = tokio::join!(writer, reading);
    written.unwrap();
    let ended = running.wait();
    let words: Vec<_> = ended.stdout.split(' ').collect();
    let rows: usize = words[4].parse().unwrap();
    assert!((1..=1_000).contains(&rows), "{ended:?}");
    assert_eq!(ended.stdout, format!("rotated: 1 new key, {rows} rows re-encrypted, 1 old keys deleted\n"));
    assert!(!ended.stderr.contains(TOKEN) && !ended.stderr.contains(FIRST), "a secret is in the log");
    let (after, all) = keys(&place).await;
    assert!(after.is_disjoint(&before) && after.len() == 1 && all == 1, "{before:?} {after:?} {all}");
    assert_open(&serving, 1_000).await;
    let verified = place.run("verify", &master[..1]);
    assert!(verified.status == Some(0) && !verified.stdout.contains("not opened"), "{verified:?}");
    serving.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_encrypt_first_at_the_same_moment_have_one_key() {
    let (place, master) = (Place::new(), [(SECRET_KEY, FIRST)]);
    let stores = [store(&place, &master).await, store(&place, &master).await, store(&place, &master).await];
    fill(&place, &stores[0], 3).await;
    place.database.execute("DELETE FROM identity_tokens").await;
    place.database.execute("DELETE FROM secret_keys").await;
    let set = |number: usize| SetProviderTokens(vec![(id(number), tokens(&number.to_string()))]);
    let writes = stores.iter().enumerate().map(|(number, store)| store.write(Context::default(), set(number)));
    for written in futures_util::future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!(keys(&place).await.1, 1);
    for store in stores {
        assert_open(&store, 3).await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rotations_at_once_and_one_that_is_cut_off_lose_nothing() {
    let (place, master) = (Place::new(), [(SECRET_KEY, FIRST)]);
    let serving = store(&place, &master).await;
    fill(&place, &serving, 2_000).await;
    let cut_off = place.start(ROTATE, &master);
    while keys(&place).await.0.len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    cut_off.signal("KILL");
    assert_eq!(cut_off.wait().status, None);
    let (used, all) = keys(&place).await;
    assert_eq!((used.len(), all), (2, 2), "it was cut off on its way");
    assert_open(&serving, 2_000).await;
    for running in [place.start(ROTATE, &master), place.start(ROTATE, &master)] {
        let ended = running.wait();
        assert!(ended.status == Some(0) && ended.stdout.starts_with("rotated: 1 new key, "), "{ended:?}");
    }
    let (used, all) = keys(&place).await;
    assert_eq!((used.len(), all), (1, 1));
    assert_open(&serving, 2_000).await;
    serving.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_key_opens_everything_beside_the_old_one_until_a_rotation_with_it() {
    let (place, first, second) = (Place::new(), [(SECRET_KEY, FIRST)], [(SECRET_KEY, SECOND)]);
    let old = store(&place, &first).await;
    fill(&place, &old, 10).await;
    let new = store(&place, &second).await;
    assert!(matches!(new.provider_tokens(&Tenant::Pool, "u", &id(0)).await, Err(Error::SecretKeyMissing)));
    let write = SetProviderTokens(vec![(id(0), tokens("x"))]);
    assert!(matches!(new.write(Context::default(), write).await, Err(Error::SecretKeyMissing)));
    place.run(ROTATE, &second).assert_one_line(1, &["is not the one that opens what is encrypted"]);

    place.write("new.key", format!("{SECOND}\n"));
    let prepare = format!("{ROTATE} --new-master-key-file new.key");
    assert_eq!(place.run(&prepare, &first).status, Some(0));
    for (number, store) in [(8, &old), (9, &new), (8, &new), (9, &old)] {
        let again = SetProviderTokens(vec![(id(number), tokens(&number.to_string()))]);
        store.write(Context::default(), again).await.unwrap();
        assert_open(store, 10).await;
    }
    // What only the old one could open must not come to be by mistake.
    place.run(ROTATE, &first).assert_one_line(1, &["has come after the one at hand", "--forget-newer-master-key"]);
    place.run(&prepare, &second).assert_one_line(1, &["is the one that is in use"]);
    assert_eq!(place.run(&prepare, &first).status, Some(0), "it can be repeated");

    assert_eq!(place.run(ROTATE, &second).stdout, "rotated: 1 new key, 10 rows re-encrypted, 1 old keys deleted\n");
    assert_open(&new, 10).await;
    assert!(matches!(old.provider_tokens(&Tenant::Pool, "u", &id(0)).await, Err(Error::SecretKeyMissing)));
    assert_eq!(place.database.query("SELECT 1 FROM secret_key_wraps").await.len(), 1);

    place.write("new.key", THIRD);
    assert_eq!(place.run(&prepare, &second).status, Some(0));
    let forgotten = place.run(&format!("{ROTATE} --forget-newer-master-key"), &second);
    assert_eq!(forgotten.status, Some(0), "{forgotten:?}");
    place.run(ROTATE, &[(SECRET_KEY, THIRD)]).assert_one_line(1, &["is not the one"]);
    assert_open(&new, 10).await;
    old.close().await;
    new.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_open_is_left_with_its_key_and_told() {
    let (place, master) = (Place::new(), [(SECRET_KEY, FIRST)]);
    let serving = store(&place, &master).await;
    fill(&place, &serving, 3).await;
    place.damage();
    let of_another = "UPDATE identity_tokens SET access_token = (SELECT access_token FROM identity_tokens WHERE \
                      identity_id = 'identity-0') WHERE identity_id = 'identity-1'";
    place.database.execute(of_another).await;
    assert!(matches!(serving.provider_tokens(&Tenant::Pool, "u", &id(1)).await, Err(Error::Internal(_))));
    let ended = place.run(ROTATE, &master);
    assert_eq!(ended.stdout, "rotated: 1 new key, 2 rows re-encrypted, 0 old keys deleted\n");
    assert!(ended.status == Some(1) && ended.stderr.contains("1 rows do not open"), "{ended:?}");
    let verified = place.run("verify", &master);
    let told = "identity_tokens identity-1: its access_token does not open";
    assert!(verified.status == Some(1) && verified.stdout.contains(told), "{verified:?}");
    assert!(place.run("verify", &[]).stdout.contains("3 rows were not opened: there is no master key"));
    serving.close().await;
}

#[test]
fn a_key_that_is_none_is_told_without_being_shown() {
    let place = Place::new();
    place.output("keys create --name x");
    for bad in ["hunter2", &FIRST[1..], &format!("{FIRST}0")] {
        let ended = place.run(ROTATE, &[(SECRET_KEY, bad)]);
        ended.assert_one_line(2, &[SECRET_KEY, "64 hexadecimal digits"]);
        place.write("new.key", bad);
        let with_file = place.run(&format!("{ROTATE} --new-master-key-file new.key"), &[(SECRET_KEY, FIRST)]);
        with_file.assert_one_line(1, &["new.key", "64 hexadecimal digits"]);
        assert!(!ended.stderr.contains(bad) && !with_file.stderr.contains(bad));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn without_a_master_key_a_server_serves_and_says_so() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    running.address();
    let ended = running.stop();
    assert!(ended.stderr.contains(SECRET_KEY) && ended.stderr.contains("SECRET_KEY_MISSING"), "{ended:?}");
    place.run(ROTATE, &[]).assert_one_line(1, &["there is no master key", SECRET_KEY]);
    let mut running = place.serve(&[(SECRET_KEY, FIRST)]);
    running.address();
    assert!(!running.stop().stderr.contains(SECRET_KEY));
    assert_eq!(place.files(), [""; 0], "no file is made");
}
