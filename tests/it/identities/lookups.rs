//! Users found by their identities: by the connection to the provider, and by the provider.

use roster::proto::{
    AddGroupMembersRequest, BatchDeleteUsersRequest, BatchGetUsersItem, BatchGetUsersRequest, CreateGroupRequest,
    DeleteUserRequest, GroupDto, IdentityProvider, LinkIdentityRequest, ListIdentitiesRequest, UpdateUserRequest, UserDto,
    UserIdType,
};
use tonic::Code;

use super::{get, identity, lark, link, started};
use crate::calls::{assert_not_found, assert_refused};
use crate::dto::texts;
use crate::existence::row_error;
use crate::harness::{Client, Refusal, assert_invalid, refused};
use crate::organizations::organization;

const IDENTITY: UserIdType = UserIdType::Identity;
const SYNC_RELATION: UserIdType = UserIdType::SyncRelation;

/// The ids of the users, or why there is none, all in one batch.
async fn batch(client: &Client, ids: &[(UserIdType, &str)]) -> Vec<Result<String, Box<Refusal>>> {
    let item =
        |(kind, id): &(UserIdType, &str)| BatchGetUsersItem { user_id: Some((*id).to_owned()), user_id_type: (*kind).into() };
    let request = BatchGetUsersRequest { users: ids.iter().map(item).collect(), ..Default::default() };
    let results = client.users().batch_get_users(request).await.unwrap().into_inner().results;
    let found = |result: roster::proto::BatchGetUsersResult| match result.error {
        Some(error) => Err(Box::new(row_error(error))),
        None => Ok(result.user.unwrap().user_id.unwrap()),
    };
    results.into_iter().map(found).collect()
}

#[tokio::test]
async fn a_user_is_found_by_connection_and_by_provider() {
    let (_roster, client) = started().await;
    link(&client, "ann", lark("ou_1")).await.unwrap();
    link(&client, "ann", identity("azure", IdentityProvider::AzureAd, "x:y:")).await.unwrap();
    let long = "界".repeat(256);
    link(&client, "bob", identity(&long, IdentityProvider::Wechatwork, &long)).await.unwrap();
    for (kind, id, user_id) in [
        (IDENTITY, "idp:ou_1".to_owned(), "ann"),
        (SYNC_RELATION, "lark:ou_1".to_owned(), "ann"),
        (IDENTITY, "azure:x:y:".to_owned(), "ann"),
        (SYNC_RELATION, "azure-ad:x:y:".to_owned(), "ann"),
        (IDENTITY, format!("{long}:{long}"), "bob"),
        (SYNC_RELATION, format!("wechatwork:{long}"), "bob"),
    ] {
        assert_eq!(get(&client, kind, &id).await.unwrap().user_id(), user_id, "{id}");
    }
    for (kind, id) in [
        (IDENTITY, "idp:OU_1"),
        (IDENTITY, "idp:ou_1 "),
        (IDENTITY, "IDP:ou_1"),
        (IDENTITY, "lark:ou_1"),
        (IDENTITY, "idp:x:y:"),
        (IDENTITY, "idp:\nou_1"),
        (IDENTITY, "idp:ou\0_1"),
        (SYNC_RELATION, "azure-ad:ou_1"),
        (SYNC_RELATION, "xiaomi:ou_1"),
    ] {
        assert_not_found(get(&client, kind, id).await);
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_told() {
    let (_roster, client) = started().await;
    let long = "x".repeat(257);
    for id in ["", "idp", ":", "idp:", ":x", &format!("{long}:x"), &format!("idp:{long}")] {
        assert_invalid(get(&client, IDENTITY, id).await, &["user_id"]);
        let rows = batch(&client, &[(UserIdType::UserId, "ann"), (IDENTITY, id)]).await;
        assert_eq!(rows[0], Ok("ann".to_owned()));
        assert_eq!(rows[1].as_ref().unwrap_err().fields(), ["user_id"]);
    }
    for id in
        ["lark", "Lark:x", "azure_ad:x", "unspecified:x", "nobody:x", "1:x", &format!("lark:{long}"), &format!("{long}:x")]
    {
        assert_invalid(get(&client, SYNC_RELATION, id).await, &["user_id"]);
    }
}

#[tokio::test]
async fn every_call_that_names_a_user_takes_identities() {
    let (_roster, client) = started().await;
    for account in ["a", "b"] {
        link(&client, "ann", lark(account)).await.unwrap();
    }
    for (kind, id) in [(IDENTITY, "idp:a"), (SYNC_RELATION, "lark:b")] {
        let (user_id, user_id_type) = (Some(id.to_owned()), i32::from(kind));
        let nickname = UserDto { nickname: Some(id.to_owned()), ..UserDto::default() };
        let update = UpdateUserRequest { user_id: user_id.clone(), user_id_type, user: Some(nickname), ..Default::default() };
        assert_eq!(client.update(update).await.unwrap().nickname(), id);
        let more = Some(identity("other", IdentityProvider::Line, id));
        let link = LinkIdentityRequest { user_id: user_id.clone(), user_id_type, identity: more };
        client.identities().link_identity(link).await.unwrap();
        let list = ListIdentitiesRequest { user_id, user_id_type, ..Default::default() };
        let listed = client.identities().list_identities(list).await.unwrap().into_inner();
        assert_eq!(usize::try_from(listed.total_count.unwrap()).unwrap(), listed.identities.len());
        let group = GroupDto { code: Some(format!("group-{}", i32::from(kind))), ..GroupDto::default() };
        client.groups().create_group(CreateGroupRequest { group: Some(group.clone()) }).await.unwrap();
        let add =
            AddGroupMembersRequest { code: group.code, user_ids: vec![id.to_owned()], user_id_type, ..Default::default() };
        let added = client.groups().add_group_members(add).await.unwrap().into_inner().results;
        assert_eq!((added[0].user_id.as_str(), &added[0].error), (id, &None));
    }
    let delete = BatchDeleteUsersRequest {
        user_ids: vec!["idp:a".to_owned(), "idp:b".to_owned(), "idp:c".to_owned(), "idp".to_owned()],
        user_id_type: IDENTITY.into(),
    };
    let rows = client.users().batch_delete_users(delete).await.unwrap().into_inner().results;
    let reasons: Vec<_> = rows.into_iter().map(|row| row.error.map(|error| row_error(error).reason)).collect();
    let reason = |reason: &str| Some(reason.to_owned());
    assert_eq!(reasons, [None, reason("USER_NOT_FOUND"), reason("USER_NOT_FOUND"), reason("INVALID_FIELD")]);
}

#[tokio::test]
async fn an_account_that_several_users_have_is_ambiguous_by_provider_alone() {
    let (_roster, client) = started().await;
    link(&client, "ann", lark("a")).await.unwrap();
    link(&client, "ann", identity("second", IdentityProvider::Lark, "a")).await.unwrap();
    assert_eq!(get(&client, SYNC_RELATION, "lark:a").await.unwrap().user_id(), "ann", "both are one user's");
    link(&client, "bob", identity("third", IdentityProvider::Lark, "a")).await.unwrap();
    link(&client, "bob", identity("fourth", IdentityProvider::Qq, "a")).await.unwrap();
    let refusal = assert_refused(get(&client, SYNC_RELATION, "lark:a").await, Code::FailedPrecondition, "IDENTITY_AMBIGUOUS");
    assert!(!refusal.message.contains("ann") && !refusal.message.contains("bob"), "{refusal:?}");
    let delete = DeleteUserRequest {
        user_id: Some("lark:a".to_owned()),
        user_id_type: SYNC_RELATION.into(),
        ..DeleteUserRequest::default()
    };
    assert_refused(client.users().delete_user(delete).await, Code::FailedPrecondition, "IDENTITY_AMBIGUOUS");
    let rows =
        batch(&client, &[(SYNC_RELATION, "lark:a"), (SYNC_RELATION, "qq:a"), (IDENTITY, "third:a"), (SYNC_RELATION, "lark:b")])
            .await;
    assert_eq!(rows[0].as_ref().unwrap_err().kind(), (Code::FailedPrecondition, "IDENTITY_AMBIGUOUS"));
    assert_eq!((&rows[1], &rows[2]), (&Ok("bob".to_owned()), &Ok("bob".to_owned())));
    assert_eq!(rows[3].as_ref().unwrap_err().kind(), (Code::NotFound, "USER_NOT_FOUND"));
}

#[tokio::test]
async fn whom_the_caller_does_not_see_makes_nothing_ambiguous() {
    let (roster, client) = started().await;
    link(&client, "ann", lark("a")).await.unwrap();
    link(&client, "bob", identity("second", IdentityProvider::Lark, "a")).await.unwrap();
    organization(&roster, "acme", &["ann"]).await;
    organization(&roster, "none", &[] as &[&str]).await;
    let bound = roster.bound_client("*", "acme").await;
    assert_eq!(get(&bound, SYNC_RELATION, "lark:a").await.unwrap().user_id(), "ann");
    assert_not_found(get(&bound, IDENTITY, "second:a").await);
    let stranger = roster.bound_client("*", "none").await;
    assert_eq!(refused(get(&stranger, SYNC_RELATION, "lark:a").await), refused(get(&stranger, SYNC_RELATION, "lark:z").await));
}

#[tokio::test]
async fn ids_of_all_kinds_are_mixed_in_a_batch_and_matched_pair_by_pair() {
    let (_roster, client) = started().await;
    let users = 20;
    for number in 0..users {
        let id = format!("u{number}");
        client.create(texts(&[("user_id", &id), ("username", &id)])).await.unwrap();
        // The same ids at other connections are other users'.
        link(&client, &id, identity("one", IdentityProvider::Lark, &number.to_string())).await.unwrap();
        let next = ((number + 1) % users).to_string();
        link(&client, &id, identity("two", IdentityProvider::Dingtalk, &next)).await.unwrap();
    }
    // A connection with a colon must not be taken for the pair that reads alike.
    link(&client, "ann", identity("one:1", IdentityProvider::Qq, "7")).await.unwrap();
    link(&client, "bob", identity("one", IdentityProvider::Qq, "1:7")).await.unwrap();
    let mut asked = Vec::new();
    for number in 0..users {
        let before = (number + users - 1) % users;
        asked.push((IDENTITY, format!("one:{number}"), Some(format!("u{number}"))));
        asked.push((IDENTITY, format!("two:{number}"), Some(format!("u{before}"))));
        asked.push((IDENTITY, format!("three:{number}"), None));
        asked.push((SYNC_RELATION, format!("lark:{number}"), Some(format!("u{number}"))));
        asked.push((SYNC_RELATION, format!("dingtalk:{number}"), Some(format!("u{before}"))));
        asked.push((UserIdType::Username, format!("u{number}"), Some(format!("u{number}"))));
    }
    asked.push((IDENTITY, "one:1:7".to_owned(), Some("bob".to_owned())));
    let ids: Vec<_> = asked.iter().map(|(kind, id, _)| (*kind, id.as_str())).collect();
    for (found, (kind, id, expected)) in batch(&client, &ids).await.into_iter().zip(&asked) {
        assert_eq!(found.ok(), *expected, "{kind:?} {id}");
    }
}
