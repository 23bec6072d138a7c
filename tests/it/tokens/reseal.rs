//! `roster secrets rotate` encrypts anew what tokens are signed with, while they are handed out and verified.

use std::collections::BTreeSet;

use tonic::Code;

use super::rotation::Callers;
use super::{GOOD, jwks, refresh, refusal, token};
use crate::calls::assert_refused;
use crate::cli::place::Place;
use crate::harness::Roster;
use crate::organizations::user;
use crate::replicas::rounds;

const MASTER: &str = "1111111111111111111111111111111111111111111111111111111111111111";

/// How the keys are encrypted now: with which data keys, and what came of it.
async fn sealed(place: &Place) -> BTreeSet<[String; 2]> {
    let rows = place.database.query("SELECT key_id, private_key FROM signing_keys").await;
    rows.iter().map(|row| [0, 1].map(|column| row.try_get_by_index(column).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_what_signs_tokens_is_encrypted_anew() {
    let place = Place::new();
    let first = Roster::start_on(&place.database.url, &[("secret_key", MASTER)]).await;
    let second = Roster::start_on(&place.database.url, &[("secret_key", MASTER)]).await;
    let clients = [first.client("*").await, second.client("*").await];
    user(&clients[0], "ann").await;
    let (old, keys) = (token(&clients[0], "ann").await, jwks(&clients[0]).await);
    let callers = Callers::start(&clients, &[first.clock.clone(), second.clock.clone()]);
    let mut before = sealed(&place).await;
    let times = rounds(5);
    for _ in 0..times {
        let ended = place.run("secrets rotate", &[("ROSTER_SECRET_KEY", MASTER)]);
        assert_eq!(ended.stdout, "rotated: 1 new key, 1 rows re-encrypted, 1 old keys deleted\n", "{ended:?}");
        let after = sealed(&place).await;
        assert!(after.len() == 1 && after.is_disjoint(&before), "{before:?} {after:?}");
        before = after;
    }
    println!("{} tokens were handed out and verified beside {times} rotations", callers.stop().await);
    assert_eq!(refusal(&clients[1], &old).await, GOOD);
    assert_eq!(jwks(&clients[1]).await, keys, "the keys themselves are the same");

    // What does not open signs nothing: a call that was in the way of a rotation would have been seen.
    place.damage();
    first.damage();
    second.damage();
    place.database.execute("UPDATE signing_keys SET private_key = 'AAAA'").await;
    assert_refused(refresh(&clients[0], "ann").await, Code::Internal, "INTERNAL");
}
