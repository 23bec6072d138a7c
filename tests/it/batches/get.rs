//! `BatchGetUsers`.

use roster::proto::{BatchGetUsersItem, BatchGetUsersRequest, BatchGetUsersResult, GetUserRequest, UserIdType};
use tonic::{Code, Status};

use crate::calls::BOB_IDS;
use crate::collections::{Groups, Roles, add, begun, made, users};
use crate::custom_data::{bob_with, nested, object};
use crate::existence::row_error;
use crate::harness::{Client, assert_invalid, refused};

fn item(kind: impl Into<i32>, id: &str) -> BatchGetUsersItem {
    BatchGetUsersItem { user_id: Some(id.to_owned()), user_id_type: kind.into() }
}

async fn get(client: &Client, request: BatchGetUsersRequest) -> Result<Vec<BatchGetUsersResult>, Status> {
    Ok(client.users().batch_get_users(request).await?.into_inner().results)
}

/// Items of every type, known, unknown, ill-formed and twice, in no order.
fn mixed() -> Vec<BatchGetUsersItem> {
    let long = "x".repeat(257);
    let mut items = vec![
        item(UserIdType::UserId, "ann"),
        item(UserIdType::UserId, "nobody"),
        item(UserIdType::Email, "ann"),
        item(UserIdType::Email, "nobody@example.com"),
        item(UserIdType::Email, " Bob@EXAMPLE.com. "),
        item(UserIdType::Phone, "188xxxx8888"),
        item(UserIdType::Phone, "110"),
        item(UserIdType::Phone, "+11111111111"),
        item(UserIdType::Phone, "188-1234-8888"),
        item(UserIdType::Username, "Bob"),
        item(UserIdType::Username, "ann"),
        item(UserIdType::Username, ""),
        item(UserIdType::ExternalId, "10010 "),
        item(UserIdType::ExternalId, &long),
        item(UserIdType::ExternalId, &long[1..]),
        item(UserIdType::UserId, "a\0b"),
        item(UserIdType::UserId, ""),
        item(UserIdType::UserId, "bob"),
        item(99, "ann"),
        item(-1, ""),
        item(99, ""),
        BatchGetUsersItem::default(),
        BatchGetUsersItem { user_id: None, user_id_type: UserIdType::Email.into() },
        item(UserIdType::UserId, "cat"),
    ];
    for (index, (kind, id)) in BOB_IDS.iter().enumerate() {
        items.insert(index * 3, item(*kind, id));
        items.push(item(*kind, id));
    }
    items
}

/// Asserts that each result is what `GetUser` says of the item alone.
async fn assert_as_alone(client: &Client, request: BatchGetUsersRequest) {
    let results = get(client, request.clone()).await.unwrap();
    assert_eq!(results.len(), request.users.len());
    for (item, result) in request.users.into_iter().zip(results) {
        let alone = GetUserRequest {
            user_id: item.user_id.clone(),
            user_id_type: item.user_id_type,
            with_custom_data: request.with_custom_data,
            flat_custom_data: request.flat_custom_data,
            with_groups: request.with_groups,
            with_roles: request.with_roles,
            ..Default::default()
        };
        match client.users().get_user(alone).await {
            Ok(alone) => assert_eq!((result.user, result.error), (alone.into_inner().user, None), "{item:?}"),
            Err(status) => {
                assert_eq!(result.user, None, "{item:?}");
                let mut alone = refused(Err::<(), _>(status));
                let mut row = row_error(result.error.unwrap());
                assert_eq!(row.kind(), alone.kind(), "{item:?}");
                alone.violations.sort();
                row.violations.sort();
                assert_eq!((row.violations, row.metadata), (alone.violations, alone.metadata), "{item:?}");
            }
        }
    }
}

#[tokio::test]
async fn each_item_is_answered_in_its_place_as_a_call_of_its_own() {
    let (_roster, client) = begun().await;
    let data = object([("age", 22.into()), ("home", nested([("city", "BJ".into())]))]);
    users(&client, &["ann", "cat"]).await;
    client
        .update(crate::calls::setting("bob-1", roster::proto::UserDto { custom_data: Some(data), ..Default::default() }))
        .await
        .unwrap();
    for code in ["b", "a"] {
        made::<Groups>(&client, &[code]).await;
        made::<Roles>(&client, &[code]).await;
        add::<Groups>(&client, code, &["bob-1", "ann"]).await;
        add::<Roles>(&client, code, &["bob-1"]).await;
    }
    for bits in 0..16_u8 {
        let request = BatchGetUsersRequest {
            users: mixed(),
            with_custom_data: bits & 1 != 0,
            flat_custom_data: bits & 2 != 0,
            with_groups: bits & 4 != 0,
            with_roles: bits & 8 != 0,
            ..Default::default()
        };
        assert_as_alone(&client, request).await;
    }
}

#[tokio::test]
async fn the_errors_of_rows_name_fields_of_the_item() {
    let (_roster, client) = begun().await;
    let items = vec![
        item(UserIdType::UserId, "nobody"),
        item(UserIdType::Email, "bob"),
        BatchGetUsersItem::default(),
        item(99, "bob-1"),
    ];
    let results = get(&client, BatchGetUsersRequest { users: items, ..Default::default() }).await.unwrap();
    let errors: Vec<_> = results.into_iter().map(|result| row_error(result.error.unwrap())).collect();
    let expected: [(Code, &str, &[&str]); 4] = [
        (Code::NotFound, "USER_NOT_FOUND", &[]),
        (Code::InvalidArgument, "INVALID_FIELD", &["user_id"]),
        (Code::InvalidArgument, "INVALID_FIELD", &["user_id"]),
        (Code::InvalidArgument, "INVALID_FIELD", &["user_id_type"]),
    ];
    for (error, (code, reason, fields)) in errors.iter().zip(expected) {
        assert_eq!((error.kind(), error.fields().as_slice()), ((code, reason), fields), "{error:?}");
        assert!(!error.message.is_empty());
    }
}

#[tokio::test]
async fn a_batch_reads_1_to_1000_users() {
    let (_roster, client) = begun().await;
    client.create(bob_with(object([("age", 22.into())]))).await.unwrap();
    let batch = |count: usize| {
        let nth = |index: usize| match index % 3 {
            0 => item(BOB_IDS[index % BOB_IDS.len()].0, BOB_IDS[index % BOB_IDS.len()].1),
            1 => item(UserIdType::Username, &format!("nobody-{index}")),
            _ => item(UserIdType::Email, "bob"),
        };
        BatchGetUsersRequest { users: (0..count).map(nth).collect(), with_custom_data: true, ..Default::default() }
    };
    for count in [0, 1_001, 5_000] {
        assert_invalid(get(&client, batch(count)).await, &["users"]);
    }
    let bob = client.get("bob-1").await.unwrap();
    for count in [1, 1_000] {
        let results = get(&client, batch(count)).await.unwrap();
        assert_eq!(results.len(), count);
        for (index, result) in results.into_iter().enumerate() {
            assert_eq!(result.user, (index % 3 == 0).then(|| bob.clone()), "{index}");
            let code = result.error.map(|error| error.code);
            assert_eq!(code, [None, Some(Code::NotFound as i32), Some(Code::InvalidArgument as i32)][index % 3], "{index}");
        }
    }
}
