//! More checks at once than are computed: those who find no place are refused at once, and others are served meanwhile. How fast
//! is printed and decides nothing. In full: `ROSTER_TEST_PASSWORD_CHECKS=500 cargo test --release --test it credentials::load --
//! --nocapture --test-threads=1`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use roster::proto::{GetUserResponse, UserIdType, VerifyPasswordResponse};
use tonic::Code::{self, ResourceExhausted};

use super::{Caller, OWASP, WRONG, user, verifying};
use crate::calls::{creating, getting};
use crate::cli::load::{KEY, KEYED};
use crate::cli::place::{Place, now};
use crate::wire::{Answer, Wire};

/// Connections that the checks come by.
const CONNECTIONS: usize = 10;

/// How many checks there are at once.
fn checks() -> usize {
    std::env::var("ROSTER_TEST_PASSWORD_CHECKS").map_or(200, |checks| checks.parse().unwrap())
}

/// How many can be at a time: 64 wait for all cores but one.
fn places() -> usize {
    64 + std::thread::available_parallelism().unwrap().get().saturating_sub(1).max(1)
}

/// What came of checks at once.
struct Crowd {
    /// How long those took that were answered, those that were refused, and the reads that were made meanwhile; the shortest first.
    answered: Vec<Duration>,
    refused: Vec<Duration>,
    reads: Vec<Duration>,
}

async fn read(wire: &Wire, key: &str) -> Answer {
    let request = getting(UserIdType::UserId, "ann");
    wire.call("/roster.v1.UserService/GetUser", &[("x-api-key", key)], &request).await
}

/// Reads the user until told to end; gives how long each took.
async fn reading(wire: Wire, key: String, end: Arc<AtomicBool>) -> Vec<Duration> {
    let mut took = Vec::new();
    while !end.load(Ordering::SeqCst) {
        let begun = now();
        read(&wire, &key).await.message::<GetUserResponse>();
        took.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    took.sort_unstable();
    took
}

/// Checks so many at once, each for another id that nobody has, while somebody reads.
async fn crowd(address: SocketAddr, key: &str, checks: usize) -> Crowd {
    let reader = Wire::connect(address).await;
    let create = reader.call("/roster.v1.UserService/CreateUser", &[("x-api-key", key)], &creating(user("ann"))).await;
    assert_eq!(create.status.code(), Code::Ok);
    let wires = join_all((0..CONNECTIONS).map(|_| Wire::connect(address))).await;
    let end = Arc::new(AtomicBool::new(false));
    let reads = tokio::spawn(reading(reader, key.to_owned(), end.clone()));
    let check = |number: usize| {
        let wire = &wires[number % CONNECTIONS];
        async move {
            let begun = now();
            let request = verifying(UserIdType::UserId, &format!("nobody-{number}"), WRONG);
            let headers = [("x-api-key", key)];
            (wire.call("/roster.v1.CredentialService/VerifyPassword", &headers, &request).await, begun.elapsed())
        }
    };
    let answers = join_all((0..checks).map(check)).await;
    end.store(true, Ordering::SeqCst);
    let reads = reads.await.unwrap();
    let (good, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|(answer, _)| answer.status.code() == Code::Ok);
    for (answer, _) in &good {
        assert_eq!(answer.message::<VerifyPasswordResponse>(), VerifyPasswordResponse::default());
    }
    for (answer, _) in &refused {
        assert!(answer.assert_refused(ResourceExhausted, "OVERLOADED").retry_after.is_some(), "{answer:?}");
    }
    let sorted = |of: Vec<&(Answer, Duration)>| {
        let mut took: Vec<_> = of.into_iter().map(|(_, took)| *took).collect();
        took.sort_unstable();
        took
    };
    Crowd { answered: sorted(good), refused: sorted(refused), reads }
}

fn print(crowd: &Crowd, more: &str) {
    for (name, took) in [("answered", &crowd.answered), ("refused", &crowd.refused), ("GetUser meanwhile", &crowd.reads)] {
        let percentile = |percent: usize| took.get(took.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default();
        let [median, most, longest] = [50, 95, 100].map(percentile);
        eprintln!("  {}, {name}: p50 {median:.1?}, p95 {most:.1?}, longest {longest:.1?}", took.len());
    }
    eprintln!("{more}");
}

/// Asserts that all were answered or refused, and some of more than there are places for refused.
fn assert_all_told(crowd: &Crowd, checks: usize) {
    let (answered, refused) = (crowd.answered.len(), crowd.refused.len());
    assert_eq!(answered + refused, checks);
    assert!(answered >= checks.min(places()), "{answered} answered");
    assert!(refused > 0 || checks < 2 * places(), "nobody was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_checks_those_that_are_answered_are_computed_and_no_others() {
    let caller = Caller::new(&[OWASP]).await;
    let crowd = crowd(caller.roster.address, &caller.api_key, checks()).await;
    print(&crowd, "");
    assert_all_told(&crowd, checks());
    assert_eq!(usize::try_from(caller.roster.store.computed_hashes()).unwrap(), crowd.answered.len());
}

/// A line of what the system knows of the process, in MiB.
fn mebibytes(process: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let value = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    value.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_its_own_bears_them_and_serves_on() {
    let place = Place::new();
    let mut running = place.serve(KEYED);
    let (address, process) = (running.address(), running.id());
    let before = mebibytes(process, "VmRSS");
    let crowd = crowd(address, KEY, checks()).await;
    print(&crowd, &format!("  {before} MiB before, {} MiB at the most", mebibytes(process, "VmHWM")));
    assert_all_told(&crowd, checks());
    let wire = Wire::connect(address).await;
    read(&wire, KEY).await.message::<GetUserResponse>();
    let check = verifying(UserIdType::UserId, "ann", WRONG);
    let answer = wire.call("/roster.v1.CredentialService/VerifyPassword", &[("x-api-key", KEY)], &check).await;
    answer.message::<VerifyPasswordResponse>();
    assert_eq!(running.stop().status, Some(0));
}
