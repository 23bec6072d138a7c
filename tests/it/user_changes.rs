//! Users changed and deleted.

use std::time::Duration;

use roster::proto::find_user_request::By;
use roster::proto::{
    CheckUserRequest, DeleteUserRequest, UpdateUserRequest, UserDto, UserExistsRequest, UserIdType, UserStatus, WorkStatus,
};

use crate::calls::{BOB_IDS, assert_not_found, bob, creating, finding, setting, started};
use crate::dto::{filled, json, sent, texts, with};
use crate::harness::{assert_invalid, named, refused};

#[tokio::test]
async fn an_update_sets_what_is_present_and_nothing_else() {
    let (roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    roster.clock.advance(Duration::from_mins(1));
    let updated = client.update(setting("bob-1", texts(&[("nickname", "Bobby"), ("city", "BJ")]))).await.unwrap();
    assert_ne!(updated.etag, created.etag);
    let expected = UserDto {
        nickname: Some("Bobby".to_owned()),
        city: Some("BJ".to_owned()),
        updated_at: Some(roster.clock.now()),
        etag: updated.etag.clone(),
        ..created
    };
    assert_eq!(updated, expected);
    assert_eq!(client.get("bob-1").await.unwrap(), expected);
}

#[tokio::test]
async fn every_field_can_be_changed() {
    let (_roster, client) = started().await;
    let before = filled(1);
    client.create(before.clone()).await.unwrap();
    let after = UserDto { user_id: None, ..filled(2) };
    let updated = client.update(setting(before.user_id(), after.clone())).await.unwrap();
    assert_eq!(sent(&updated), UserDto { user_id: before.user_id.clone(), ..after });
    assert_eq!(client.get(before.user_id()).await.unwrap(), updated);
}

#[tokio::test]
async fn the_time_of_the_status_moves_with_the_status_alone() {
    let (roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let set = |status: UserStatus| UserDto { status: Some(status.into()), ..UserDto::default() };
    for (change, moves) in [
        (texts(&[("nickname", "Bobby")]), false),
        (set(UserStatus::Activated), false),
        (set(UserStatus::Suspended), true),
        (UserDto { work_status: Some(WorkStatus::Closed.into()), ..set(UserStatus::Suspended) }, false),
        (UserDto { nickname: Some("Bob".to_owned()), ..set(UserStatus::Archived) }, true),
    ] {
        let before = client.get("bob-1").await.unwrap();
        roster.clock.advance(Duration::from_secs(1));
        let updated = client.update(setting("bob-1", change)).await.unwrap();
        let expected = if moves { Some(roster.clock.now()) } else { before.status_changed_at };
        assert_eq!((updated.status_changed_at, updated.created_at), (expected, created.created_at));
    }
}

#[tokio::test]
async fn status_hides_nothing() {
    let (_roster, client) = started().await;
    client.create(UserDto { blocked: Some(true), ..bob() }).await.unwrap();
    for status in 1..=5 {
        let change = UserDto { status: Some(status), ..UserDto::default() };
        let updated = client.update(setting("bob-1", change)).await.unwrap();
        for (kind, id) in BOB_IDS {
            assert_eq!(client.get_by(*kind, id).await.unwrap(), updated);
        }
        assert_eq!(client.find(finding(By::Username("bob".to_owned()))).await.unwrap(), updated);
        let check = UserExistsRequest { email: Some("bob@example.com".to_owned()), ..UserExistsRequest::default() };
        assert!(client.exists(check).await.unwrap().exists);
        let check = CheckUserRequest { phone_number: Some("18812348888".to_owned()), email: None };
        assert!(client.users().check_user(check).await.unwrap().into_inner().exists);
    }
}

#[tokio::test]
async fn a_user_is_changed_by_an_id_of_any_type() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    for (round, (kind, id)) in BOB_IDS.iter().enumerate() {
        let nickname = Some(format!("Bob {round}"));
        let change = UserDto { nickname: nickname.clone(), ..UserDto::default() };
        let request = UpdateUserRequest { user_id_type: (*kind).into(), ..setting(id, change) };
        assert_eq!(client.update(request).await.unwrap().nickname, nickname);
        assert_eq!(client.get("bob-1").await.unwrap().nickname, nickname);
    }
}

#[tokio::test]
async fn the_very_identifier_that_names_the_user_can_be_changed() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    for (kind, id, field, new) in [
        (UserIdType::Username, "bob", "username", "robert"),
        (UserIdType::Email, "bob@example.com", "email", "robert@example.com"),
        (UserIdType::Phone, "18812348888", "phone", "18812340000"),
        (UserIdType::ExternalId, "10010", "external_id", "10011"),
    ] {
        let request = UpdateUserRequest { user_id_type: kind.into(), ..setting(id, texts(&[(field, new)])) };
        let updated = client.update(request).await.unwrap();
        assert_eq!(updated.user_id(), "bob-1");
        assert_eq!(client.get_by(kind, new).await.unwrap(), updated);
        assert_not_found(client.get_by(kind, id).await);
    }
}

#[tokio::test]
async fn an_update_changes_nobody_else() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let alice = client.create(named("alice")).await.unwrap();
    client.update(setting("bob-1", texts(&[("nickname", "Bobby"), ("email", "robert@example.com")]))).await.unwrap();
    client.delete("bob-1").await.unwrap();
    assert_eq!(client.get(alice.user_id()).await.unwrap(), alice);
}

#[tokio::test]
async fn an_update_is_validated_before_the_user_is_looked_for() {
    let (_roster, client) = started().await;
    let bad = texts(&[("email", "bob"), ("name", "\0")]);
    let mut refusal = refused(client.update(setting("nobody", bad)).await);
    refusal.violations.sort();
    assert_eq!(refusal.fields(), ["user.email", "user.name"]);
    assert_not_found(client.update(setting("nobody", named("bob"))).await);
    let request = UpdateUserRequest { etag: Some("x".to_owned()), ..setting("nobody", named("bob")) };
    assert_not_found(client.update(request).await);
}

#[tokio::test]
async fn a_bad_update_changes_nothing() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let bad = texts(&[("nickname", "Bobby"), ("email", "nothing")]);
    assert_invalid(client.update(setting("bob-1", bad)).await, &["user.email"]);
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn a_user_is_deleted_by_an_id_of_any_type_with_all_that_is_theirs() {
    let (_roster, client) = started().await;
    let data = prost_types::Struct { fields: [("age".to_owned(), 22.into())].into() };
    for (kind, id) in BOB_IDS {
        client.create(with(&bob(), [("custom_data", json(&data))])).await.unwrap();
        let request = || DeleteUserRequest { user_id: Some((*id).to_owned()), user_id_type: (*kind).into(), etag: None };
        client.users().delete_user(request()).await.unwrap();
        assert_not_found(client.users().delete_user(request()).await);
        for (kind, id) in BOB_IDS {
            assert_not_found(client.get_by(*kind, id).await);
        }
        assert_not_found(client.find(finding(By::Email("bob@example.com".to_owned()))).await);
        // Identifiers are free at once, and whoever has the id next inherits nothing.
        let next = client.users().create_user(creating(bob())).await.unwrap().into_inner().user.unwrap();
        assert_eq!(next.custom_data, None);
        assert_eq!(client.get("bob-1").await.unwrap(), next);
        client.delete("bob-1").await.unwrap();
    }
}
