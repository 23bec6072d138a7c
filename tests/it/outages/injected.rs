//! Every twentieth statement refused, in the ways in which a server that is well otherwise refuses one: callers do not notice, or
//! are told to come again, and what they are told is true.

// The whole campaign, with its figures:
// ROSTER_TEST_INJECTED_WRITES=5000 cargo test --release --test postgres -- outages::injected --nocapture --test-threads=1

use roster::proto::{CreateUserResponse, GetUserRequest};
use tonic::Code::{Aborted, Unavailable};

use super::proxy::{Fault, Proxy};
use super::writers::{Ended, Writers};
use super::{cluster, roster_on};
use crate::cli::crash::{mixed, setting, was_replayed};
use crate::cli::load::{KEY, Write, make_group};
use crate::harness::Refusal;
use crate::wire::Wire;

const ALL: &[Fault] = &[Fault::State("40001"), Fault::State("40P01"), Fault::State("25006"), Fault::Ended, Fault::EndedBehind];

/// Of ten thousand statements, so many fail.
const SHARE: u32 = 500;

fn writes() -> usize {
    setting("ROSTER_TEST_INJECTED_WRITES", 150)
}

/// Lets callers write while statements fail, and finds what they wrote.
async fn write_among_faults(option: Option<&str>, kinds: &[Fault]) -> (Ended, Proxy) {
    let cluster = cluster();
    let proxy = Proxy::start(cluster.port()).await;
    let roster = roster_on(&proxy.url(option), &[]).await;
    let wire = Wire::connect(roster.address).await;
    make_group(&wire).await;
    proxy.inject(SHARE, kinds);
    let writers = Writers::start(roster.address, "w", 8, mixed).await;
    writers.acknowledge(writes()).await;
    let ended = writers.end().await;
    proxy.inject(0, kinds);
    ended.assert_stored(&wire).await;
    let told: usize = ended.refusals.values().sum();
    let (made, injected, unknown) = (ended.writes(), proxy.injected(), proxy.unknown());
    eprintln!("{option:?} {kinds:?}: {made} writes, {injected} statements failed, {unknown} of them a COMMIT nobody knows of");
    eprintln!("  {told} failures reached callers: {:?}", ended.refusals);
    assert!(injected > made / 10, "{injected}");
    assert!(told < injected / 2, "most are repeated where nobody notices: {told} of {injected}");
    roster.stop().await.unwrap();
    (ended, proxy)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn statements_that_fail_in_passing_lose_nothing() {
    let (ended, proxy) = write_among_faults(None, ALL).await;
    let unknown = ended.refusals.get("STORE_UNAVAILABLE outcome unknown").copied().unwrap_or_default();
    assert!(unknown <= proxy.unknown(), "unknown is only what nobody can know: {unknown}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn statements_that_fail_in_passing_lose_nothing_where_transactions_are_serializable() {
    write_among_faults(Some("default_transaction_isolation=serializable"), ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn conflicts_of_transactions_are_never_of_unknown_outcome() {
    let (ended, proxy) = write_among_faults(None, &[Fault::State("40001"), Fault::State("40P01")]).await;
    assert_eq!(proxy.unknown(), 0);
    assert!(ended.refusals.keys().all(|how| how == "CONFLICT_RETRY"), "{:?}", ended.refusals);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn where_every_statement_fails_callers_are_told_what_to_do() {
    let cluster = cluster();
    let proxy = Proxy::start(cluster.port()).await;
    let roster = roster_on(&proxy.url(None), &[]).await;
    let wire = Wire::connect(roster.address).await;
    let get = GetUserRequest { user_id: Some("ann".to_owned()), ..Default::default() };
    let cases = [
        ("40001", Aborted, "CONFLICT_RETRY"),
        ("40P01", Aborted, "CONFLICT_RETRY"),
        ("25006", Unavailable, "STORE_UNAVAILABLE"),
        ("53200", Unavailable, "STORE_UNAVAILABLE"),
    ];
    for (state, code, reason) in cases {
        proxy.inject(10_000, &[Fault::State(state)]);
        let write = Write::Create("ann".to_owned()).attempt(&wire, "ann").await.unwrap();
        let read = wire.call("/roster.v1.UserService/GetUser", &[("x-api-key", KEY)], &get).await;
        proxy.inject(0, &[]);
        for refusal in [write.assert_refused(code, reason), read.assert_refused(code, reason)] {
            assert_told(&refusal, state);
        }
    }
    // The connections are ended, one after the other.
    proxy.inject(10_000, &[Fault::Ended]);
    let ended = Write::Create("ann".to_owned()).attempt(&wire, "ann").await.unwrap();
    assert_told(&ended.assert_refused(Unavailable, "STORE_UNAVAILABLE"), "57P01");
    proxy.inject(0, &[]);
    let made = Write::Create("ann".to_owned()).attempt(&wire, "ann").await.unwrap();
    made.message::<CreateUserResponse>();
    assert!(!was_replayed(&made), "it was never made before");
    roster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn a_commit_is_attempted_again_only_where_it_is_known_to_have_failed() {
    let cluster = cluster();
    let proxy = Proxy::start(cluster.port()).await;
    let roster = roster_on(&proxy.url(None), &[]).await;
    let wire = Wire::connect(roster.address).await;
    // The last is an answer of CockroachDB's: statement_completion_unknown.
    let faults = [Fault::State("40001"), Fault::Ended, Fault::EndedBehind, Fault::State("57014"), Fault::State("40003")];
    for (number, fault) in faults.into_iter().enumerate() {
        let (id, before) = (format!("user-{number}"), proxy.injected());
        let write = Write::Create(id.clone());
        proxy.inject_into_commits(&[fault]);
        let refused = write.attempt(&wire, &id).await.unwrap();
        proxy.inject(0, &[]);
        let attempts = proxy.injected() - before;
        let made = write.attempt(&wire, &id).await.unwrap();
        made.message::<CreateUserResponse>();
        if fault == Fault::State("40001") {
            assert_told(&refused.assert_refused(Aborted, "CONFLICT_RETRY"), "40001");
            assert!(attempts > 1, "{attempts}");
        } else {
            let refusal = refused.assert_refused(Unavailable, "STORE_UNAVAILABLE");
            assert_eq!(refusal.metadata["outcome"], "unknown", "{fault:?}");
            assert!(refusal.retry_after.is_some(), "{fault:?} {refusal:?}");
            assert_eq!(attempts, 1, "{fault:?}");
        }
        assert_eq!(was_replayed(&made), fault == Fault::EndedBehind, "{fault:?}");
    }
    roster.stop().await.unwrap();
}

#[track_caller]
fn assert_told(refusal: &Refusal, state: &str) {
    assert!(refusal.retry_after.is_some_and(|after| !after.is_zero()), "{state}: {refusal:?}");
    assert_eq!(refusal.metadata.get("outcome"), None, "{state}: no COMMIT was under way");
}
