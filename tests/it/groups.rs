//! What is a group's alone: one user put into one group. What groups have in common with roles stands in `collections/`.

use roster::proto::{AddUserToGroupRequest, ListUserGroupsRequest, RemoveUserFromGroupRequest, UserIdType};
use tonic::Code;

use crate::calls::{assert_not_found, assert_refused};
use crate::collections::{Groups, begun, codes_of, made, users};
use crate::harness::{Client, Refusal, assert_invalid, refused};

fn adding(user_id: Option<&str>, group_code: Option<&str>) -> AddUserToGroupRequest {
    let text = |text: Option<&str>| text.map(ToOwned::to_owned);
    AddUserToGroupRequest { user_id: text(user_id), user_id_type: 0, group_code: text(group_code), ..Default::default() }
}

fn removing(user_id: Option<&str>, group_code: Option<&str>) -> RemoveUserFromGroupRequest {
    let AddUserToGroupRequest { user_id, user_id_type, group_code, .. } = adding(user_id, group_code);
    RemoveUserFromGroupRequest { user_id, user_id_type, group_code, ..Default::default() }
}

/// The refusals of both calls.
async fn refusals(client: &Client, user_id: Option<&str>, group_code: Option<&str>) -> [Refusal; 2] {
    [
        refused(client.users().add_user_to_group(adding(user_id, group_code)).await),
        refused(client.users().remove_user_from_group(removing(user_id, group_code)).await),
    ]
}

#[tokio::test]
async fn a_user_joins_one_group_and_leaves_it() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<Groups>(&client, &["eng", "ops"]).await;
    for code in ["ops", "eng"] {
        client.users().add_user_to_group(adding(Some("bob-1"), Some(code))).await.unwrap();
    }
    assert_eq!(codes_of::<Groups>(&client, "bob-1").await, ["eng", "ops"]);
    client.users().remove_user_from_group(removing(Some("bob-1"), Some("ops"))).await.unwrap();
    assert_eq!(codes_of::<Groups>(&client, "bob-1").await, ["eng"]);
    assert!(codes_of::<Groups>(&client, "ann").await.is_empty());
}

#[tokio::test]
async fn the_group_is_named_by_group_code() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    for code in [None, Some(""), Some(&*"x".repeat(257))] {
        for refusal in refusals(&client, Some("bob-1"), code).await {
            assert_eq!(refusal.fields(), ["group_code"], "{refusal:?}");
        }
        for refusal in refusals(&client, None, code).await {
            assert_eq!(refusal.fields(), ["user_id", "group_code"], "{refusal:?}");
        }
    }
    for refusal in refusals(&client, Some("bob-1"), Some("eng")).await {
        assert_eq!(refusal.kind(), (Code::NotFound, "GROUP_NOT_FOUND"));
    }
}

#[tokio::test]
async fn a_list_of_groups_says_what_each_is() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<Groups>(&client, &["eng"]).await;
    client.users().add_user_to_group(adding(Some("bob-1"), Some("eng"))).await.unwrap();
    let list = |id: &str, kind: UserIdType| ListUserGroupsRequest {
        user_id: Some(id.to_owned()),
        user_id_type: kind.into(),
        ..ListUserGroupsRequest::default()
    };
    let all = client.groups().list_groups(roster::proto::ListGroupsRequest::default()).await.unwrap().into_inner().groups;
    let listed = client.users().list_user_groups(list("bob", UserIdType::Username)).await.unwrap().into_inner();
    assert_eq!((listed.groups, listed.total_count, listed.next_page_token.as_str()), (all, Some(1), ""));
    assert_not_found(client.users().list_user_groups(list("bob", UserIdType::UserId)).await);
    assert_invalid(client.users().list_user_groups(list("bob", UserIdType::Email)).await, &["user_id"]);
    let elsewhere = ListUserGroupsRequest { page_token: "x".to_owned(), ..list("bob-1", UserIdType::UserId) };
    assert_refused(client.users().list_user_groups(elsewhere).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}
