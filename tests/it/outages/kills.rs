//! All processes of PostgreSQL killed with SIGKILL under load, and started again.

// The whole campaign, with its figures:
// ROSTER_TEST_OUTAGE_ROUNDS=10 cargo test --release --test postgres -- outages::kills --nocapture --test-threads=1

use std::time::Duration;

use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use super::writers::Writers;
use super::{SOON, cluster, now, roster_on, wait_for_health};
use crate::cli::crash::{any_time, creates, mixed, setting, survivors};
use crate::cli::hasty;
use crate::cli::load::{KEYED, Load, make_group, stored};
use crate::cli::place::{DATABASE, Place};
use crate::harness::database::Database;
use crate::wire::Wire;

/// How many write at once.
const CALLERS: usize = 16;
/// How many writes are acknowledged before a kill, at least.
const WRITES: usize = 100;

fn rounds() -> usize {
    setting("ROSTER_TEST_OUTAGE_ROUNDS", 3)
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn what_was_acknowledged_before_postgresql_is_killed_is_kept_and_callers_are_soon_answered_again() {
    let (mut cluster, place) = (cluster(), Place::new());
    place.damage();
    let roster = roster_on(&cluster.url(), &[]).await;
    let wire = Wire::connect(roster.address).await;
    make_group(&wire).await;
    let (mut took, mut refused) = (Vec::new(), 0);
    for round in 1..=rounds() {
        let writers = Writers::start(roster.address, &format!("r{round}"), CALLERS, mixed).await;
        writers.acknowledge(WRITES).await;
        tokio::time::sleep(any_time(Duration::from_millis(50))).await;
        let before = writers.acknowledged();
        cluster.kill();
        let killed = now();
        wait_for_health(&wire, NotServing).await;
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(killed.elapsed())).await;
        assert!(writers.acknowledged() < before + 2 * CALLERS, "there is nothing to write to");
        let restarted = now();
        cluster.restart();
        cluster.wait_until_it_takes_connections();
        let there = now();
        writers.acknowledge(writers.acknowledged() + WRITES).await;
        // Callers try more often than this process asks whether it is there: they may be first.
        let first = writers.first_after(restarted).unwrap().saturating_duration_since(there);
        wait_for_health(&wire, Serving).await;
        let ended = writers.end().await;
        ended.assert_stored(&wire).await;
        eprintln!("round {round}: {} writes, first OK after {first:?}, refused: {:?}", ended.writes(), ended.refusals);
        assert!(first <= SOON, "{first:?}");
        took.push(first);
        refused += ended.refusals.values().sum::<usize>();
        let verified = place.run("verify", &[(DATABASE, &cluster.url())]);
        assert_eq!(verified.status, Some(0), "{verified:?}");
    }
    let most = took.iter().max().copied();
    eprintln!("first OK after PostgreSQL took connections: at most {most:?}, median {:?}", middle(took));
    assert!(refused > 0, "nobody noticed");
    roster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn a_server_that_answers_before_it_commits_is_found_to_lose_writes_when_postgresql_is_killed() {
    let (mut cluster, place) = (cluster(), Place::new());
    place.damage();
    let url = cluster.url();
    let mut running = hasty::serve_on(&place, &url);
    let mut load = Load::start(running.address(), "hasty", CALLERS, creates).await;
    load.acknowledge(50).await;
    // What is answered from here on is only on its way.
    let _stopped = Database::at(&url).stop_writers().await;
    load.acknowledge(200).await;
    // Nobody is to be told that the database is gone.
    running.signal("STOP");
    cluster.kill();
    running.signal("KILL");
    running.wait();
    let journals = load.end().await;
    cluster.restart();
    cluster.wait_until_it_takes_connections();
    let environment: Vec<_> = KEYED.iter().copied().chain([(DATABASE, url.as_str())]).collect();
    let mut running = place.serve(&environment);
    let wire = Wire::connect(running.address()).await;
    let lost = survivors(&journals, &stored(&wire).await).unwrap_err();
    let count = lost.iter().filter(|lost| lost.ends_with(" is lost")).count();
    eprintln!("{count} lost");
    assert!(count >= 150, "{count} {lost:?}");
    drop(wire);
    assert_eq!(running.stop().status, Some(0));
}
