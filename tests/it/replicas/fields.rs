//! Changes of one user on several servers at the same moment: those of different fields all stay, and of those who name an etag
//! one wins.

use roster::proto::{UpdateUserRequest, UserDto};
use tonic::{Code, Status};

use super::{REPLICAS, Replicas, repeated, rounds};
use crate::calls::{bob, setting};
use crate::custom_data::{merging, object};
use crate::dto::{sent, texts, without};
use crate::harness::Refusal;
use crate::races::at_once;

/// Makes each of the changes on a server of its own, all at the same moment.
async fn on_all(replicas: &Replicas, changes: &[UpdateUserRequest; REPLICAS], repeats: bool) -> Vec<Result<UserDto, Status>> {
    let change = |index: usize| {
        let (client, request) = (replicas.clients[index].clone(), changes[index].clone());
        async move {
            let call = || client.update(request.clone());
            if repeats { repeated(call).await } else { call().await }
        }
    };
    at_once(REPLICAS, change).await
}

async fn changes_all_stay(replicas: Replicas, usual: usize, repeats: bool) {
    replicas.clients[0].create(bob()).await.unwrap();
    for round in 0..rounds(usual) {
        let text = |field: &str| format!("{field} {round}");
        let fields = ["nickname", "city", "name"];
        let changes = fields.map(|field| setting("bob-1", texts(&[(field, &text(field))])));
        for answer in on_all(&replicas, &changes, repeats).await {
            answer.unwrap();
        }
        let stored = replicas.clients[round % REPLICAS].get("bob-1").await.unwrap();
        assert_eq!([stored.nickname(), stored.city(), stored.name()], fields.map(text), "{round}");

        let keys = [0, 1, 2].map(|index| format!("key-{round}-{index}"));
        let changes = keys.each_ref().map(|key| merging(object([(key, true.into())]), &[]));
        for answer in on_all(&replicas, &changes, repeats).await {
            answer.unwrap();
        }
        let stored = replicas.clients[round % REPLICAS].get("bob-1").await.unwrap().custom_data.unwrap();
        assert_eq!(stored.fields.keys().cloned().collect::<Vec<_>>(), keys, "{round}");
        let gone: Vec<_> = keys.iter().map(String::as_str).collect();
        repeated(|| replicas.clients[round % REPLICAS].update(merging(object([]), &gone))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn changes_of_different_fields_and_keys_on_different_servers_all_stay() {
    Box::pin(changes_all_stay(Replicas::start().await, 30, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn changes_of_different_fields_and_keys_all_stay_where_all_is_serializable() {
    Box::pin(changes_all_stay(Replicas::start_serializable().await, 10, true)).await;
}

async fn of_those_with_an_etag_one_wins(replicas: Replicas, usual: usize, repeats: bool) {
    let mut etag = replicas.clients[0].create(bob()).await.unwrap().etag;
    for round in 0..rounds(usual) {
        let change = |index: usize| {
            let change = texts(&[("nickname", &format!("Bob {round} {index}"))]);
            UpdateUserRequest { etag: etag.clone(), ..setting("bob-1", change) }
        };
        let (won, lost): (Vec<_>, Vec<_>) =
            on_all(&replicas, &[0, 1, 2].map(change), repeats).await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, REPLICAS - 1), "{round}");
        for refusal in lost.into_iter().map(|answer| Refusal::from(answer.unwrap_err())) {
            assert_eq!(refusal.kind(), (Code::Aborted, "ETAG_MISMATCH"));
        }
        let stored = replicas.clients[round % REPLICAS].get("bob-1").await.unwrap();
        assert_eq!(Some(&stored.etag), won[0].as_ref().ok().map(|user| &user.etag));
        etag = stored.etag;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn of_changes_with_one_etag_on_different_servers_one_wins() {
    Box::pin(of_those_with_an_etag_one_wins(Replicas::start().await, 30, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn of_changes_with_one_etag_one_wins_where_all_is_serializable() {
    Box::pin(of_those_with_an_etag_one_wins(Replicas::start_serializable().await, 10, true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_caller_that_sends_fields_it_did_not_change_would_undo_the_others() {
    let replicas = Replicas::start().await;
    let old = texts(&[("nickname", "old"), ("city", "old"), ("name", "old")]);
    let created = UserDto { nickname: old.nickname, city: old.city, name: old.name, ..bob() };
    let read = without(&sent(&replicas.clients[0].create(created).await.unwrap()), &["user_id"]);
    let new = || Some("new".to_owned());
    let changes =
        [UserDto { nickname: new(), ..read.clone() }, UserDto { city: new(), ..read.clone() }, UserDto { name: new(), ..read }];
    for answer in on_all(&replicas, &changes.map(|change| setting("bob-1", change)), false).await {
        answer.unwrap();
    }
    let stored = replicas.clients[0].get("bob-1").await.unwrap();
    assert_ne!([stored.nickname(), stored.city(), stored.name()], ["new"; 3]);
}
