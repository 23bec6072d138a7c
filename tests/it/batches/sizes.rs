//! Answers of batches that do not fit into a message: a read says how many would fit, and a write is not done where its answer
//! cannot be given.

use roster::proto::{BatchDeleteUsersRequest, BatchGetUsersItem, BatchGetUsersRequest, UserDto};
use tonic::{Code, Status};

use super::{count, create, large};
use crate::calls::bob;
use crate::collections::{Groups, Holding, Kind, Roles, begun, made, member_ids, users};
use crate::custom_data::object;
use crate::harness::{named, refused};

#[tokio::test]
async fn a_read_that_does_not_fit_says_how_many_would() {
    let (_roster, client) = begun().await;
    client.create(large("a")).await.unwrap();
    client.create(large("b")).await.unwrap();
    let batch = |count: usize, id: &dyn Fn(usize) -> &'static str| BatchGetUsersRequest {
        users: (0..count).map(|index| BatchGetUsersItem { user_id: Some(id(index).to_owned()), user_id_type: 0 }).collect(),
        with_custom_data: true,
        ..BatchGetUsersRequest::default()
    };
    let mixed: &dyn Fn(usize) -> &'static str = &|index| ["a", "b", "nobody", "", "b"][index % 5];
    let same: &dyn Fn(usize) -> &'static str = &|_| "a";
    for ids in [mixed, same] {
        let refusal = refused(client.users().batch_get_users(batch(1_000, ids)).await);
        assert_eq!(refusal.kind(), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
        let fit = refusal.metadata["fit"].parse().unwrap();
        assert!((60..120).contains(&fit) && refusal.message.contains(&refusal.metadata["fit"]), "{refusal:?}");
        let results = client.users().batch_get_users(batch(fit, ids)).await.unwrap().into_inner().results;
        assert_eq!(results.len(), fit);
        assert!(client.users().batch_get_users(batch(fit + 3, ids)).await.is_err());
    }
}

/// A good id and 999 that are too long, which an answer gives back as they were sent.
fn long_ids() -> Vec<String> {
    let mut ids = vec!["x".repeat(4_100); 999];
    ids.push("bob-1".to_owned());
    ids
}

/// Asserts that an answer has a row for each, or else that nothing was done.
fn assert_answered<T>(answer: Result<Vec<T>, Status>, rows: usize, nothing_done: bool) {
    match answer {
        Ok(results) => assert_eq!(results.len(), rows),
        Err(status) => {
            let refusal = crate::harness::Refusal::from(status);
            assert_eq!(refusal.code, Code::ResourceExhausted, "{refusal:?}");
            assert!(nothing_done, "the call failed and was done all the same");
        }
    }
}

#[tokio::test]
async fn users_are_not_deleted_where_the_answer_cannot_be_given() {
    let (_roster, client) = begun().await;
    client.create(bob()).await.unwrap();
    let request = BatchDeleteUsersRequest { user_ids: long_ids(), user_id_type: 0 };
    let answer = client.users().batch_delete_users(request).await.map(|answer| answer.into_inner().results);
    let there = client.get("bob-1").await.is_ok();
    assert_answered(answer, 1_000, there);
}

/// Bob is put in and taken out among ids that are too long.
async fn members_are_not_changed<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    for holding in [Holding::Add, Holding::Remove] {
        let before = member_ids::<K>(&client, "eng").await;
        let answer = K::change_members(&client, holding, Some("eng"), long_ids(), 0).await;
        assert_answered(answer, 1_000, member_ids::<K>(&client, "eng").await == before);
        crate::collections::add::<K>(&client, "eng", &["bob-1"]).await;
    }
}

#[tokio::test]
async fn members_are_not_changed_where_the_answer_cannot_be_given() {
    members_are_not_changed::<Groups>().await;
    members_are_not_changed::<Roles>().await;
}

#[tokio::test]
async fn users_are_not_created_where_the_answer_cannot_be_given() {
    let (_roster, client) = begun().await;
    // Keys of control characters, which an error spells out.
    let key = |number: u8| "\u{1}".repeat(63) + &char::from(b'a' + number).to_string();
    let keys: [String; 12] = std::array::from_fn(|number| key(u8::try_from(number).unwrap()));
    let data = object(keys.each_ref().map(|key| (key.as_str(), 1.into())));
    let mut users = vec![UserDto { custom_data: Some(data), ..named("bad") }; 999];
    users.push(named("good"));
    let answer = create(&client, &users, false).await;
    assert_answered(answer, 1_000, count(&client).await == 0);
}
