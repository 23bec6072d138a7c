//! A disk that does not sync (strace answers for it): no write is acknowledged that is not kept, reads go on.

use std::process::Command;

use roster::proto::{CreateUserResponse, GetUserRequest, GetUserResponse};
use tonic::Code::{Ok as OK, Unavailable};

use super::load::{KEY, KEYED, Sent, Write, differences, model, stored};
use super::place::{Place, ROSTER, Running};
use crate::wire::{Answer, Wire};

/// How many writes are tried.
const WRITES: usize = 40;

/// Whether strace is here and may trace; if not, says that a test is left out.
fn strace_works() -> bool {
    let probe = ["-f", "-qq", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "true"];
    let works = Command::new("strace").args(probe).output().is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("left out: strace is not here or may not trace");
    }
    works
}

/// Serves; those syncs fail of which strace's `when` tells, counted in each thread.
fn serve_without_syncs(place: &Place, when: &str) -> Running {
    let inject = format!("inject=fdatasync,fsync:error=EIO:when={when}");
    let trace = ["-D", "-f", "-qq", "-o", "strace.txt", "-e", "trace=fdatasync,fsync", "-e", &inject];
    place.start_program("strace", &[&trace[..], &[ROSTER, "--listen", "127.0.0.1:0"]].concat(), KEYED)
}

/// A write that was tried.
struct Tried {
    sent: Sent,
    /// Whether its refusal says that nobody knows whether it was made.
    unknown: bool,
}

/// A database of one user, closed.
async fn stored_one(place: &Place) -> Tried {
    let mut running = place.serve(KEYED);
    let wire = Wire::connect(running.address()).await;
    let tried = create(&wire, "first").await;
    assert!(tried.sent.answer.is_some());
    drop(wire);
    assert_eq!(running.stop().status, Some(0));
    tried
}

/// Tries to create the user: any answer but OK tells of the store.
async fn create(wire: &Wire, user_id: &str) -> Tried {
    let (write, key) = (Write::Create(user_id.to_owned()), user_id.to_owned());
    let answer = write.attempt(wire, &key).await.unwrap();
    if answer.status.code() == OK {
        return Tried { sent: Sent { write, key, answer: Some(answer) }, unknown: false };
    }
    let refusal = answer.assert_refused(Unavailable, "STORE_UNAVAILABLE");
    assert!(refusal.retry_after.is_some(), "{refusal:?}");
    let unknown = refusal.metadata.get("outcome").is_some_and(|outcome| outcome == "unknown");
    Tried { sent: Sent { write, key, answer: None }, unknown }
}

async fn get(wire: &Wire, user_id: &str) -> Answer {
    let request = GetUserRequest { user_id: Some(user_id.to_owned()), ..Default::default() };
    wire.call("/roster.v1.UserService/GetUser", &[("x-api-key", KEY)], &request).await
}

/// Writes while syncs fail, kills the server, and looks at what is there: how many writes were acknowledged.
async fn written_without_syncs(when: &str) -> usize {
    let place = Place::new();
    let mut all = vec![stored_one(&place).await];
    let mut running = serve_without_syncs(&place, when);
    let wire = Wire::connect(running.address()).await;
    for number in 0..WRITES {
        all.push(create(&wire, &format!("user-{number}")).await);
        get(&wire, "first").await.message::<GetUserResponse>();
    }
    running.signal("KILL");
    running.wait();
    let trace = std::fs::read_to_string(place.path("strace.txt")).unwrap();
    let acknowledged = all.iter().filter(|tried| tried.sent.answer.is_some()).count() - 1;
    let failed = trace.matches("INJECTED").count();
    eprintln!("{when}: {acknowledged} of {WRITES} writes acknowledged, {failed} syncs failed");
    assert!(failed > 0, "{trace}");
    assert_kept(&place, all).await;
    acknowledged
}

/// Asserts that what was acknowledged is there, that the rest is there whole or not at all, and can be repeated.
async fn assert_kept(place: &Place, all: Vec<Tried>) {
    let mut running = place.serve(KEYED);
    let wire = Wire::connect(running.address()).await;
    let there = stored(&wire).await;
    let is_there = |sent: &Sent| there.contains_key(&sent.key);
    let expected = all.iter().map(|tried| &tried.sent).filter(|sent| sent.answer.is_some() || is_there(sent));
    assert_eq!(differences(&model(expected), &there), [""; 0]);
    let mut repeated = Vec::new();
    for Tried { mut sent, unknown } in all {
        let answer = sent.write.attempt(&wire, &sent.key).await.unwrap();
        answer.message::<CreateUserResponse>();
        assert_eq!(answer.headers.contains_key("x-roster-replayed"), is_there(&sent), "{sent:?}");
        assert!(sent.answer.is_some() || unknown || !is_there(&sent), "was refused outright and made: {sent:?}");
        sent.answer = Some(answer);
        repeated.push(sent);
    }
    assert_eq!(differences(&model(&repeated), &stored(&wire).await), [""; 0]);
    place.output("verify");
    drop(wire);
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_is_acknowledged_while_no_sync_succeeds() {
    if strace_works() {
        assert_eq!(written_without_syncs("1+").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_before_a_sync_fails_is_kept_and_what_it_was_for_is_refused() {
    if !strace_works() {
        return;
    }
    // A writer whose sync failed is replaced, and strace counts anew.
    for when in ["4+", "20+", "7", "8..10"] {
        let acknowledged = written_without_syncs(when).await;
        assert!(acknowledged > 0 && acknowledged < WRITES, "{when}: {acknowledged}");
    }
}
