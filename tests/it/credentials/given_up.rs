//! Who gives up has not guessed, and who sets many passwords keeps nobody from checking theirs.

use std::time::Duration;

use roster::proto::{BatchCreateUsersItem, BatchCreateUsersRequest, UserIdType};
use tokio::task::JoinSet;
use tonic::{Code, Request};

use super::{Caller, RIGHT, WRONG, giving, importing, user, verifying};
use crate::calls::assert_refused;

/// It takes some tenths of a second, unoptimized, to find that it is of no password that is tried.
const SLOW: &str = "$pbkdf2-sha256$i=50000$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEpo";
/// A hash that takes some milliseconds.
const SOME: (&str, &str) = ("password_argon2", "m=4096,t=1,p=1");

fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_password_whose_caller_stops_waiting_is_no_wrong_guess() {
    let Caller { roster, client, .. } = Caller::new(&[("password_guesses", "5/1m")]).await;
    client.create(user("ann")).await.unwrap();
    client.set_password(giving("ann", RIGHT)).await.unwrap();
    let mut slow = JoinSet::new();
    for number in 0..cores() {
        let id = format!("slow-{number}");
        client.create(user(&id)).await.unwrap();
        client.set_password(importing(&id, SLOW)).await.unwrap();
        let client = client.clone();
        slow.spawn(async move {
            for _ in 0..5 {
                assert!(!client.is_password(&id, WRONG).await);
            }
        });
    }
    // Those who come before all turns are taken are answered.
    let mut given_up = 0;
    while given_up <= 5 && slow.try_join_next().is_none() {
        let mut calls = JoinSet::new();
        for _ in 0..4 {
            let mut request = Request::new(verifying(UserIdType::UserId, "ann", RIGHT));
            request.set_timeout(Duration::from_millis(40));
            let mut credentials = client.credentials();
            calls.spawn(async move { credentials.verify_password(request).await.map(drop) });
        }
        while let Some(call) = calls.join_next().await {
            let late = call.unwrap().is_err_and(|status| [Code::DeadlineExceeded, Code::Cancelled].contains(&status.code()));
            given_up += usize::from(late);
        }
    }
    assert!(given_up > 5, "more than the limit: {given_up}");
    while let Some(ended) = slow.join_next().await {
        ended.unwrap();
    }
    // What was taken back is written behind those who have left.
    let guesses = "SELECT 1 FROM password_guesses WHERE guesses > 1";
    for _ in 0..100 {
        if roster.database.query(guesses).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..4 {
        assert!(!client.is_password("ann", WRONG).await);
    }
    assert!(client.is_password("ann", RIGHT).await);
    assert!(!client.is_password("ann", WRONG).await);
    assert_refused(client.verify_password("ann", RIGHT).await, Code::ResourceExhausted, "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_batches_set_passwords_one_is_checked_beside_them() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[SOME]).await;
    client.create(user("ann")).await.unwrap();
    client.set_password(giving("ann", RIGHT)).await.unwrap();
    let mut batches = JoinSet::new();
    for batch in 0..cores() + 8 {
        let item = |number: usize| BatchCreateUsersItem {
            user: Some(user(&format!("u-{batch}-{number}"))),
            password: Some(WRONG.to_owned()),
            ..BatchCreateUsersItem::default()
        };
        let request = BatchCreateUsersRequest { users: (0..50).map(item).collect(), atomic: true };
        let mut users = client.users();
        batches.spawn(async move { users.batch_create_users(request).await.map(drop) });
    }
    let (mut checked, mut refused) = (0, 0);
    while !batches.is_empty() {
        tokio::select! {
            Some(batch) = batches.join_next() => if let Err(status) = batch.unwrap() {
                assert_refused::<()>(Err(status), Code::ResourceExhausted, "OVERLOADED");
                refused += 1;
            },
            () = async { assert!(client.is_password("ann", RIGHT).await) } => checked += 1,
        }
    }
    assert!(checked > 0 && refused > 0, "{checked} checks beside them, {refused} batches too many");
}
