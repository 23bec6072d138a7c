//! The binary killed with SIGKILL under load, at any moment: what was acknowledged is there, what was not can be repeated.

// The whole campaign, with its figures:
// ROSTER_TEST_CRASH_ROUNDS=10 ROSTER_TEST_CRASH_WRITES=1000 cargo test --release --test it cli::crash -- --nocapture --test-threads=1

use std::time::Duration;

use futures_util::future::join_all;
use roster::proto::CreateUserResponse;
use sea_orm::ConnectionTrait;
use tonic::Code::{Aborted, NotFound, Ok as OK};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::hasty;
use super::load::{Journal, KEYED, Load, Model, Sent, Stored, Write, differences, make_group, model, stored};
use super::place::{Place, Running, now};
use crate::wire::{Answer, Wire};

/// How many write at once.
const CALLERS: usize = 16;

/// A number from the environment.
pub(crate) fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn rounds() -> usize {
    setting("ROSTER_TEST_CRASH_ROUNDS", 2)
}

fn writes() -> usize {
    setting("ROSTER_TEST_CRASH_WRITES", 150)
}

/// Any time up to this.
pub(crate) fn any_time(most: Duration) -> Duration {
    let most = u64::try_from(most.as_micros()).unwrap();
    Duration::from_micros(u64::from_le_bytes(roster::clock::random()) % most)
}

/// A bit of everything; what a write needs is there by then, and some of it stays.
pub(crate) fn mixed(prefix: &str, step: usize) -> Write {
    let cycle = step / 8;
    let id = |name: &str| format!("{prefix}{cycle}-{name}");
    match step % 8 {
        0 => Write::Create(id("ann")),
        1 => Write::CreateBatch(["bob", "carol", "dora", "emil"].map(id).to_vec()),
        2 => Write::Update(id("ann"), 1),
        3 => Write::Join(["ann", "bob", "carol"].map(id).to_vec()),
        4 => Write::Update(id("carol"), 1),
        5 => Write::Delete(id("bob")),
        6 => Write::Update(id("ann"), 2),
        _ if cycle.is_multiple_of(2) => Write::Delete(id("ann")),
        _ => Write::Update(id("dora"), 1),
    }
}

pub(crate) fn creates(prefix: &str, step: usize) -> Write {
    Write::Create(format!("{prefix}{step}"))
}

/// Starts the binary and waits until it serves: it, a connection, and how long that took.
async fn start(place: &Place) -> (Running, Wire, Duration) {
    let begun = now();
    let mut running = place.serve(KEYED);
    let wire = Wire::connect(running.address()).await;
    let answer = wire.call("/grpc.health.v1.Health/Check", &[], &HealthCheckRequest::default()).await;
    assert_eq!(answer.message::<HealthCheckResponse>().status(), ServingStatus::Serving);
    let took = begun.elapsed();
    (running, wire, took)
}

fn kill(running: Running) {
    running.signal("KILL");
    assert_eq!(running.wait().status, None, "a signal ended it");
}

/// Lets callers write and kills the server at some moment.
async fn killed_under_load(place: &Place, name: &str) -> Vec<Journal> {
    let (mut running, wire, _) = start(place).await;
    make_group(&wire).await;
    let mut load = Load::start(running.address(), name, CALLERS, mixed).await;
    load.acknowledge(writes()).await;
    tokio::time::sleep(any_time(Duration::from_millis(20))).await;
    kill(running);
    load.end().await
}

/// How many writes of each caller are stored; or what was acknowledged and is lost, or half there.
pub(crate) fn survivors(journals: &[Journal], stored: &Stored) -> Result<Vec<usize>, Vec<String>> {
    let found = journals.iter().map(|journal| journal.find(journal.acknowledged(), stored));
    let (found, wrong): (Vec<_>, Vec<_>) = found.partition(Result::is_ok);
    let wrong: Vec<_> = wrong.into_iter().flat_map(Result::unwrap_err).collect();
    if wrong.is_empty() { Ok(found.into_iter().flatten().collect()) } else { Err(wrong) }
}

/// Repeats what nobody knows of, of which `found` writes are stored: it is made now, or was and is told again.
async fn repeat_unknown(wire: &Wire, journal: &mut Journal, found: usize) {
    let acknowledged = journal.acknowledged();
    for (index, sent) in journal.sent.iter_mut().enumerate().skip(acknowledged) {
        let answer = sent.write.attempt(wire, &sent.key).await.unwrap();
        assert_eq!(answer.status.code(), OK, "{sent:?}: {:?}", answer.status);
        let replayable = !matches!(sent.write, Write::Join(_));
        assert_eq!(was_replayed(&answer), replayable && index < found, "{sent:?}");
        sent.answer = Some(answer);
    }
}

/// Repeats all that was acknowledged: nothing is made again, and whoever is there still is told of in the same words.
async fn repeat_acknowledged(wire: &Wire, journal: &Journal) {
    let there = model(&journal.sent);
    for sent in journal.sent.iter().filter(|sent| !matches!(sent.write, Write::Join(_))) {
        let (first, again) = (sent.answer.as_ref().unwrap(), sent.write.attempt(wire, &sent.key).await.unwrap());
        if sent.shows().is_some_and(|id| !there.contains_key(id)) {
            again.assert_refused(NotFound, "USER_NOT_FOUND");
        } else {
            assert!(was_replayed(&again) && again.body == first.body, "{sent:?}: {again:?}");
        }
    }
}

pub(crate) fn was_replayed(answer: &Answer) -> bool {
    answer.headers.get("x-roster-replayed").is_some_and(|value| value == "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_kept_whole_and_what_was_not_can_be_repeated() {
    let (place, mut everybody) = (Place::new(), Model::new());
    for round in 1..=rounds() {
        let mut journals = killed_under_load(&place, &format!("r{round}")).await;
        let (running, wire, took) = start(&place).await;
        let found = survivors(&journals, &stored(&wire).await).unwrap_or_else(|wrong| panic!("{}", wrong.join("\n")));
        let acknowledged: usize = journals.iter().map(Journal::acknowledged).sum();
        let unknown = journals.iter().map(|journal| journal.sent.len()).sum::<usize>() - acknowledged;
        let made = found.iter().sum::<usize>() - acknowledged;
        eprintln!("round {round}: {acknowledged} acknowledged, {unknown} unknown of which {made} made, ready after {took:?}");
        for (journal, found) in journals.iter_mut().zip(found) {
            repeat_unknown(&wire, journal, found).await;
            repeat_acknowledged(&wire, journal).await;
            everybody.extend(model(&journal.sent));
        }
        assert_eq!(differences(&everybody, &stored(&wire).await), [""; 0], "after all repeats");
        place.output("verify");
        drop(wire);
        // The next round finds what a kill, or what a stop leaves.
        if round.is_multiple_of(2) { assert_eq!(running.stop().status, Some(0)) } else { kill(running) }
    }
    place.output("verify");
}

/// The write by ten callers at once, who may find the server gone.
async fn ten_at_once(wires: &[Wire], write: &Write) -> Vec<Result<Answer, h2::Error>> {
    join_all(wires.iter().map(|wire| write.attempt(wire, "one-key-of-ten"))).await
}

async fn connect_ten(running: &mut Running) -> Vec<Wire> {
    let address = running.address();
    join_all((0..10).map(|_| Wire::connect(address))).await
}

/// Lets ten callers repeat the write until each was answered.
async fn ten_repeat(wires: &[Wire], write: &Write) -> Vec<Answer> {
    loop {
        let answers: Vec<_> = ten_at_once(wires, write).await.into_iter().map(Result::unwrap).collect();
        // One that has waited for two seconds is told to come again.
        if answers.iter().all(|answer| answer.status.code() != Aborted) {
            return answers;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_calls_with_one_key_that_a_kill_cuts_off_make_one_row_and_are_answered_alike() {
    for round in 1..=rounds() * 3 {
        let (place, write) = (Place::new(), Write::Create(format!("user-{round}")));
        let (mut running, ..) = start(&place).await;
        let wires = connect_ten(&mut running).await;
        let killed = async {
            tokio::time::sleep(any_time(Duration::from_millis(10))).await;
            kill(running);
        };
        let (answers, ()) = tokio::join!(ten_at_once(&wires, &write), killed);
        let before: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
        let (mut running, wire, _) = start(&place).await;
        let made = stored(&wire).await.len();
        let after = ten_repeat(&connect_ten(&mut running).await, &write).await;
        eprintln!("round {round}: {} of 10 answered before the kill, {made} row made", before.len());
        assert!(made <= 1 && made >= usize::from(!before.is_empty()));
        for answer in before.iter().chain(&after) {
            answer.message::<CreateUserResponse>();
            assert_eq!(answer.body, after[0].body);
        }
        assert_eq!(after.iter().filter(|answer| !was_replayed(answer)).count(), 1 - made);
        let answer = after.into_iter().next();
        let sent = [Sent { write, key: String::new(), answer }];
        assert_eq!(differences(&model(&sent), &stored(&wire).await), [""; 0]);
        place.output("verify");
        drop(wire);
        assert_eq!(running.stop().status, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_before_it_commits_is_found_to_lose_writes() {
    let place = Place::new();
    let mut running = hasty::serve(&place);
    let address = running.address();
    let mut load = Load::start(address, "hasty", CALLERS, creates).await;
    load.acknowledge(50).await;
    // What is answered from here on is only on its way; some was answered before the lock could be had.
    let stopped = place.database.stop_writers().await;
    load.acknowledged();
    load.acknowledge(200).await;
    kill(running);
    let journals = load.end().await;
    stopped.execute_unprepared("ROLLBACK").await.unwrap();

    let (running, wire, _) = start(&place).await;
    let lost = survivors(&journals, &stored(&wire).await).unwrap_err();
    let count = lost.iter().filter(|lost| lost.ends_with(" is lost")).count();
    eprintln!("{count} of {} lost", journals.iter().map(Journal::acknowledged).sum::<usize>());
    assert!(count >= 150, "{} {lost:?}", lost.len());
    place.output("verify");
    drop(wire);
    assert_eq!(running.stop().status, Some(0));
}
