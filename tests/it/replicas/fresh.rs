//! What one server has answered, the next call on any other sees.

use roster::proto::{UserExistsRequest, UserIdType};
use sea_orm::{AccessMode, ConnectionTrait, IsolationLevel, TransactionTrait};

use super::{REPLICAS, Replicas, repeated, rounds};
use crate::calls::{assert_not_found, bob, creating, setting};
use crate::collections::{Groups, Holding, Kind, codes_of, made};
use crate::dto::texts;
use crate::harness::Client;
use crate::harness::database::statement;

/// Which server is written to in this round, and which is read from.
fn pair(replicas: &Replicas, round: usize) -> (&Client, &Client) {
    let (writer, reader) = (round % REPLICAS, (round + 1 + round / REPLICAS % (REPLICAS - 1)) % REPLICAS);
    assert_ne!(writer, reader);
    (&replicas.clients[writer], &replicas.clients[reader])
}

async fn exists(client: &Client) -> bool {
    let check = UserExistsRequest { username: Some("bob".to_owned()), ..UserExistsRequest::default() };
    client.exists(check).await.unwrap().exists
}

/// Bob comes, changes, joins, leaves and goes, each time on one server, and another is asked at once.
async fn nothing_is_stale(replicas: Replicas, usual: usize) {
    made::<Groups>(&replicas.clients[0], &["eng"]).await;
    for round in 0..rounds(usual) {
        let (writer, reader) = pair(&replicas, round);
        repeated(|| async { writer.users().create_user(creating(bob())).await }).await.unwrap();
        assert!(exists(reader).await, "{round}");

        let nickname = format!("Bob {round}");
        let update = || writer.update(setting("bob-1", texts(&[("nickname", &nickname)])));
        let updated = repeated(update).await.unwrap();
        let read = reader.get_by(UserIdType::UserId, "bob-1").await.unwrap();
        assert_eq!((read.nickname(), &read.etag), (nickname.as_str(), &updated.etag), "{round}");

        for (holding, expected) in [(Holding::Add, &["eng"][..]), (Holding::Remove, &[])] {
            repeated(|| Groups::hold(writer, holding, Some("bob-1"), 0, "eng")).await.unwrap();
            assert_eq!(codes_of::<Groups>(reader, "bob-1").await, expected, "{round}");
        }

        repeated(|| writer.delete("bob-1")).await.unwrap();
        assert_not_found(reader.get_by(UserIdType::UserId, "bob-1").await);
        assert!(!exists(reader).await, "{round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn what_one_server_has_answered_another_sees_at_once() {
    nothing_is_stale(Replicas::start().await, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn what_one_server_has_answered_another_sees_at_once_where_all_is_serializable() {
    nothing_is_stale(Replicas::start_serializable().await, 10).await;
}

#[tokio::test]
#[ignore = "on PostgreSQL alone"]
async fn a_read_of_a_state_of_before_would_be_found_stale() {
    let replicas = Replicas::start().await;
    replicas.clients[0].create(bob()).await.unwrap();
    let own = replicas.servers[0].database.connect().await;
    let old = own.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await.unwrap();
    let nickname = async || -> Option<String> {
        let rows = old.query_all_raw(statement("SELECT nickname FROM users")).await.unwrap();
        rows[0].try_get_by_index(0).unwrap()
    };
    assert_eq!(nickname().await, None);
    replicas.clients[1].update(setting("bob-1", texts(&[("nickname", "Bob")]))).await.unwrap();
    assert_eq!(nickname().await, None, "it would not do");
    assert_eq!(replicas.clients[2].get("bob-1").await.unwrap().nickname(), "Bob");
    old.rollback().await.unwrap();
}
