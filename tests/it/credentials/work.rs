//! The work of a check: whoever is asked about, at least one hash of the default parameters is computed. It is counted; how long
//! it took is printed beside it and decides nothing. More timings: `ROSTER_TEST_PASSWORD_TIMINGS=200 cargo test --release --test
//! it credentials::work -- --nocapture`.

use std::time::Duration;

use super::{Caller, IMPORTED, OWASP, RIGHT, WRONG, giving, importing, user};
use crate::cli::place::now;

/// What is checked: name, id, password, whether it is right, and what is imported before.
const KINDS: [(&str, &str, &str, bool, Option<&str>); 8] = [
    ("unknown user", "nobody", RIGHT, false, None),
    ("no password", "without", RIGHT, false, None),
    ("wrong password", "with", WRONG, false, None),
    ("right password", "with", RIGHT, true, None),
    ("weak argon2i, wrong", "weak", WRONG, false, Some(IMPORTED[1])),
    ("weak argon2i, right", "weak", RIGHT, true, Some(IMPORTED[1])),
    ("weak bcrypt, wrong", "weak", WRONG, false, Some(IMPORTED[3])),
    ("weak bcrypt, right", "weak", RIGHT, true, Some(IMPORTED[3])),
];

/// How often each is timed.
fn timings() -> usize {
    std::env::var("ROSTER_TEST_PASSWORD_TIMINGS").map_or(10, |times| times.parse().unwrap())
}

async fn users(caller: &Caller) {
    for id in ["without", "with", "weak"] {
        caller.client.create(user(id)).await.unwrap();
    }
    caller.client.set_password(giving("with", RIGHT)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_check_computes_a_hash_of_the_default_parameters() {
    let caller = Caller::new(&[OWASP, ("password_guesses", "off")]).await;
    users(&caller).await;
    let mut took = [const { Vec::new() }; KINDS.len()];
    for _ in 0..timings() {
        for ((kind, id, password, right, import), took) in KINDS.iter().zip(&mut took) {
            if let Some(hash) = import {
                caller.client.set_password(importing(id, hash)).await.unwrap();
            }
            let (before, begun) = (caller.roster.store.computed_hashes(), now());
            let verified = caller.client.is_password(id, password).await;
            took.push(begun.elapsed());
            assert_eq!(verified, *right, "{kind}");
            assert!(caller.roster.store.computed_hashes() > before, "{kind}");
        }
    }
    for ((kind, ..), took) in KINDS.iter().zip(&mut took) {
        took.sort_unstable();
        let milliseconds = |duration: &Duration| format!("{:.1}", duration.as_secs_f64() * 1_000.0);
        let (least, most) = (milliseconds(&took[0]), milliseconds(&took[took.len() - 1]));
        eprintln!("  {kind:<20} median {:>6} ms, {least} to {most} ms", milliseconds(&took[took.len() / 2]));
    }
}

#[tokio::test]
async fn what_computes_no_such_hash_is_seen() {
    // A refusal is the one answer that costs less; and a cheaper hash than those that are made now is not counted.
    let caller = Caller::new(&[OWASP]).await;
    users(&caller).await;
    let before = caller.roster.store.computed_hashes();
    drop(caller.client.verify_password("with", "").await.unwrap_err());
    caller.client.set_password(importing("weak", IMPORTED[0])).await.unwrap();
    assert_eq!(caller.roster.store.computed_hashes(), before);
}
