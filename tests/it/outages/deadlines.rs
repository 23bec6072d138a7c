//! What another session holds up: a row that is locked, and a COMMIT that takes longer than its caller waits.

use std::time::Duration;

use roster::proto::find_user_request::By;
use roster::proto::{CreateUserResponse, UserDto};
use sea_orm::ConnectionTrait;
use tonic::Code::{Aborted, DeadlineExceeded};

use super::now;
use crate::calls::{bob, creating, finding, setting, started};
use crate::cli::crash::was_replayed;
use crate::custom_data::{merging, object};
use crate::harness::database::Database;
use crate::harness::{Refusal, Roster, named};
use crate::races::at_once;
use crate::wire::Wire;

#[tokio::test]
#[ignore = "on PostgreSQL alone"]
async fn a_row_that_another_session_holds_for_long_is_a_conflict() {
    let (roster, client) = started().await;
    for name in ["ann", "bob"] {
        client.create(UserDto { user_id: Some(name.to_owned()), ..named(name) }).await.unwrap();
    }
    let other = roster.database.connect().await;
    other.execute_unprepared("BEGIN; SELECT 1 FROM users WHERE user_id = 'ann' FOR UPDATE").await.unwrap();
    let nickname = |text: &str| UserDto { nickname: Some(text.to_owned()), ..UserDto::default() };
    let begun = now();
    let refusal = Refusal::from(client.update(setting("ann", nickname("Annie"))).await.unwrap_err());
    let took = begun.elapsed();
    assert_eq!(refusal.kind(), (Aborted, "CONFLICT_RETRY"), "{refusal:?}");
    assert!(refusal.retry_after.is_some_and(|after| !after.is_zero()), "{refusal:?}");
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(5), "{took:?}");
    client.update(setting("bob", nickname("Bobby"))).await.unwrap();
    other.execute_unprepared("ROLLBACK").await.unwrap();
    client.update(setting("ann", nickname("Annie"))).await.unwrap();
    // One that is held for a moment is waited for.
    other.execute_unprepared("BEGIN; SELECT 1 FROM users WHERE user_id = 'ann' FOR UPDATE").await.unwrap();
    let release = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        other.execute_unprepared("ROLLBACK").await.unwrap();
    };
    let (updated, ()) = tokio::join!(client.update(setting("ann", nickname("Anne"))), release);
    assert_eq!(updated.unwrap().nickname(), "Anne");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn where_transactions_are_serializable_callers_of_one_user_lose_no_change() {
    let first = Roster::start().await;
    let url = first.database.url_with("default_transaction_isolation", "serializable");
    let set = Database::at(&url).query("SHOW default_transaction_isolation").await;
    assert_eq!(set[0].try_get_by_index::<String>(0).unwrap(), "serializable");
    let roster = Roster::start_on(&url, &[]).await;
    let client = roster.client("users:write").await;
    client.create(bob()).await.unwrap();
    let update = |number: usize| {
        let (client, data) = (client.clone(), object([(&format!("caller-{number}"), true.into())]));
        async move { client.update(merging(data, &[])).await }
    };
    let mut made = Vec::new();
    for (number, answer) in at_once(16, update).await.into_iter().enumerate() {
        match answer {
            Ok(_) => made.push(format!("caller-{number}")),
            Err(refused) => assert_eq!(Refusal::from(refused).kind(), (Aborted, "CONFLICT_RETRY")),
        }
    }
    eprintln!("{} of 16 were made", made.len());
    let stored = client.get("bob-1").await.unwrap().custom_data.unwrap();
    made.sort();
    assert_eq!(stored.fields.into_keys().collect::<Vec<_>>(), made);
    assert!(made.len() >= 8, "most are repeated where nobody notices");
}

/// What makes each COMMIT of a new user take its time.
const SLOW: &str = "
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()";
const AS_BEFORE: &str = "DROP TRIGGER slow ON users; DROP FUNCTION slow()";

#[tokio::test]
#[ignore = "on PostgreSQL alone"]
async fn a_commit_that_is_under_way_is_not_ended_by_a_deadline() {
    let (roster, client) = started().await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    let wire = Wire::connect(roster.address).await;
    roster.database.execute(SLOW).await;
    let create = "/roster.v1.UserService/CreateUser";
    let headers = [("x-api-key", key.as_str()), ("idempotency-key", "late"), ("grpc-timeout", "500m")];
    let begun = now();
    wire.call(create, &headers, &creating(named("late"))).await.assert_refused(DeadlineExceeded, "DEADLINE");
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    let find = || client.find(finding(By::Username("late".to_owned())));
    assert!(find().await.is_err(), "it is not committed yet");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let found = find().await.unwrap();
    assert!(found.etag.is_some() && found.created_at.is_some(), "{found:?}");
    let again = wire.call(create, &headers[..2], &creating(named("late"))).await;
    assert!(was_replayed(&again), "its answer is kept with it");
    assert_eq!(again.message::<CreateUserResponse>().user.unwrap().user_id, found.user_id);
    roster.database.execute(AS_BEFORE).await;
}
