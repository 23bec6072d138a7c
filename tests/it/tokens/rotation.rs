//! Keys that follow each other while tokens are handed out and verified: none that is good is refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use roster::clock::Clock;
use tokio::task::JoinHandle;

use super::{EXPIRED, GOOD, INVALID, SECOND, kid, kids, refresh, refusal, started_with, token};
use crate::harness::{Client, Roster};
use crate::replicas::rounds;

/// A key signs for 10 s, is known for 5 s before, and stays for 30 s and a minute.
pub(super) const SETTINGS: [(&str, &str); 2] = [("token_key_rotation", "10s"), ("token_ttl", "30s")];
/// How many callers there are.
const CALLERS: usize = 4;

/// Those who hand out tokens at one server and verify them at another, until they are told to stop.
pub(super) struct Callers {
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Callers {
    /// Each has the clock of its second server.
    pub(super) fn start(clients: &[Client], clocks: &[Clock]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let call = |index: usize| {
            let (from, to) = (index % clients.len(), (index + 1) % clients.len());
            let (maker, verifier, clock) = (clients[from].clone(), clients[to].clone(), clocks[to].clone());
            let stop = stop.clone();
            tokio::spawn(async move {
                let (mut calls, mut failures) = (0, Vec::new());
                while !stop.load(Ordering::SeqCst) {
                    calls += 1;
                    match refresh(&maker, "ann").await {
                        Err(status) => failures.push(format!("not handed out: {status:?}")),
                        Ok(given) => {
                            let answer = refusal(&verifier, &given.token).await;
                            let over = answer == EXPIRED && clock.now().seconds >= given.exp;
                            if answer != GOOD && !over {
                                failures.push(format!("{answer:?}: {}", kid(&given.token)));
                            }
                        }
                    }
                }
                (calls, failures)
            })
        };
        Self { running: (0..CALLERS).map(call).collect(), stop }
    }

    /// Stops them, of whom none may have failed, and gives how often they have called.
    pub(super) async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = 0;
        for caller in self.running {
            let (calls, failures) = caller.await.unwrap();
            assert!(calls > 0 && failures.is_empty(), "{} of {calls}: {:?}", failures.len(), failures.first());
            all += calls;
        }
        all
    }
}

/// Moves the clocks on, a second at a time.
async fn advance(servers: &[Roster], seconds: u32) {
    for _ in 0..seconds {
        for server in servers {
            server.clock.advance(SECOND);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until another key is known than the one that signs.
async fn next(client: &Client, signing: &str) -> String {
    for _ in 0..600 {
        let latest = kids(client).await.remove(0);
        if latest != signing {
            return latest;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no other key comes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_good_token_is_refused_while_keys_follow_each_other_and_each_is_known_before_it_signs() {
    let (first, client) = started_with(&SETTINGS).await;
    let second = first.beside_with(&SETTINGS).await;
    let clients = [client, second.client("*").await];
    let servers = [first, second];
    let callers = Callers::start(&clients, &[servers[0].clock.clone(), servers[1].clock.clone()]);
    let (mut signing, mut handed_out) = (kid(&token(&clients[0], "ann").await), Vec::new());
    let rotations = rounds(4);
    for rotation in 0..rotations {
        let old = token(&clients[rotation % 2], "ann").await;
        assert_eq!(kid(&old), signing, "{rotation}");
        // Into the time in which the next one is known.
        advance(&servers, 6).await;
        let next = next(&clients[rotation % 2], &signing).await;
        for client in &clients {
            assert_eq!(kid(&token(client, "ann").await), signing, "{rotation}: the next one signs before its time");
            assert_eq!(kids(client).await[..2], [next.clone(), signing.clone()]);
        }
        advance(&servers, 4).await;
        // Where the next one was made late, it signs later: it is known for its 5 s.
        for _ in 0..6 {
            if kid(&token(&clients[0], "ann").await) != next {
                advance(&servers, 1).await;
            }
        }
        handed_out.push(old);
        for client in &clients {
            assert_eq!(kid(&token(client, "ann").await), next, "{rotation}");
            for old in handed_out.iter().rev().take(2) {
                assert_eq!(refusal(client, old).await, GOOD, "{rotation}: of a key that signs no more");
            }
        }
        signing = next;
    }
    println!("{} tokens were handed out and verified over {rotations} rotations", callers.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_known_before_it_signs_also_where_nobody_has_looked_at_the_schedule_in_time() {
    let (first, client) = started_with(&SETTINGS).await;
    let second = first.beside_with(&SETTINGS).await;
    let clients = [client, second.client("*").await];
    let clocks = [first.clock.clone(), second.clock.clone()];
    let callers = Callers::start(&clients, &clocks);
    let (mut seen, mut handed_out, mut known) = (BTreeSet::new(), Vec::new(), kids(&clients[0]).await);
    for round in 0..rounds(10) {
        for clock in &clocks {
            clock.advance(SECOND * 11);
        }
        let token = token(&clients[round % 2], "ann").await;
        assert!(known.contains(&kid(&token)), "{round}: nobody who has asked since the clock was moved knows the key");
        known = kids(&clients[round % 2]).await;
        seen.insert(kid(&token));
        handed_out.push(token);
        // They are good for 30 s, of which each round takes 11.
        for token in handed_out.iter().rev().take(3) {
            assert_eq!(refusal(&clients[(round + 1) % 2], token).await, GOOD, "{round}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(seen.len() > rounds(10) / 2, "each signs for its time: {}", seen.len());
    println!("{} tokens were handed out and verified over {} rotations", callers.stop().await, seen.len());
    drop((first, second));
}

#[tokio::test]
async fn a_key_stays_until_its_last_token_is_over_and_then_goes() {
    let (roster, client) = started_with(&SETTINGS).await;
    let first = token(&client, "ann").await;
    // From now on the next one is known.
    roster.clock.advance(SECOND * 5);
    assert_eq!(kid(&token(&client, "ann").await), kid(&first));
    roster.clock.advance(SECOND * 5);
    let second = kid(&token(&client, "ann").await);
    assert_ne!(second, kid(&first));
    roster.clock.advance(SECOND * 19);
    assert_eq!(refusal(&client, &first).await, GOOD, "its key has signed no more for 19 s");
    roster.clock.advance(SECOND);
    assert_eq!(refusal(&client, &first).await, EXPIRED);
    // The second took over 90 s ago: the 30 s of a token, and a minute.
    roster.clock.advance(SECOND * 70);
    token(&client, "ann").await;
    let known = kids(&client).await;
    assert!(known.len() > 2 && [&second, &kid(&first)].iter().all(|kid| known.contains(kid)), "{known:?}");
    assert_eq!(refusal(&client, &first).await, EXPIRED);
    roster.clock.advance(SECOND * 10);
    assert_eq!(kid(&token(&client, "ann").await), known[0], "it signs now, and was known before");
    let known = kids(&client).await;
    assert!(!known.contains(&kid(&first)) && known.contains(&second), "{known:?}");
    assert_eq!(refusal(&client, &first).await, INVALID, "nobody knows its key any more");
}
