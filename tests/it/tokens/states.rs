//! Tokens of users who are suspended, blocked, deleted, created again, or leave an organization.

use roster::proto::{AddOrganizationMembersRequest, RemoveOrganizationMembersRequest, UserDto, UserStatus};

use super::{GOOD, INVALID, MICROSECOND, REVOKED, USER_NOT_ACTIVE, refusal, started, token};
use crate::calls::setting;
use crate::harness::Client;
use crate::organizations::{organization, text, user};

const INACTIVE: [UserStatus; 4] = [UserStatus::Suspended, UserStatus::Deactivated, UserStatus::Resigned, UserStatus::Archived];

async fn set(client: &Client, status: UserStatus, blocked: Option<bool>) {
    let change = UserDto { status: Some(status.into()), blocked, ..Default::default() };
    client.update(setting("ann", change)).await.unwrap();
}

#[tokio::test]
async fn tokens_of_who_is_not_active_are_refused_and_stay_refused_when_they_are_again() {
    let (_roster, client) = started().await;
    let mut ended = Vec::new();
    for status in INACTIVE {
        let old = token(&client, "ann").await;
        assert_eq!(refusal(&client, &old).await, GOOD);
        set(&client, status, None).await;
        assert_eq!(refusal(&client, &old).await, USER_NOT_ACTIVE, "{status:?}");
        set(&client, UserStatus::Activated, None).await;
        ended.push(old);
        for old in &ended {
            assert_eq!(refusal(&client, old).await, REVOKED, "after {status:?}");
        }
    }
    assert_eq!(refusal(&client, &token(&client, "ann").await).await, GOOD);
}

#[tokio::test]
async fn tokens_of_who_is_blocked_are_refused_and_stay_refused_when_they_are_not() {
    let (_roster, client) = started().await;
    let old = token(&client, "ann").await;
    set(&client, UserStatus::Activated, Some(false)).await;
    assert_eq!(refusal(&client, &old).await, GOOD, "that changes nothing");
    set(&client, UserStatus::Activated, Some(true)).await;
    assert_eq!(refusal(&client, &old).await, USER_NOT_ACTIVE);
    set(&client, UserStatus::Activated, Some(false)).await;
    assert_eq!(refusal(&client, &old).await, REVOKED);
    assert_eq!(refusal(&client, &token(&client, "ann").await).await, GOOD);
}

#[tokio::test]
async fn tokens_stay_refused_however_a_user_goes_from_one_state_to_another() {
    let (_roster, client) = started().await;
    let old = token(&client, "ann").await;
    let way = [
        (UserStatus::Suspended, None),
        (UserStatus::Archived, None),
        (UserStatus::Archived, Some(true)),
        (UserStatus::Activated, Some(true)),
        (UserStatus::Resigned, Some(false)),
        (UserStatus::Suspended, None),
    ];
    for (status, blocked) in way {
        set(&client, status, blocked).await;
        assert_eq!(refusal(&client, &old).await, USER_NOT_ACTIVE, "{status:?}, {blocked:?}");
    }
    set(&client, UserStatus::Activated, None).await;
    assert_eq!(refusal(&client, &old).await, REVOKED);
}

#[tokio::test]
async fn tokens_of_who_is_deleted_are_invalid_also_when_another_has_the_id() {
    let (roster, client) = started().await;
    let old = token(&client, "ann").await;
    client.delete("ann").await.unwrap();
    assert_eq!(refusal(&client, &old).await, INVALID);
    roster.clock.advance(MICROSECOND);
    user(&client, "ann").await;
    assert_eq!(refusal(&client, &old).await, INVALID);
    let new = token(&client, "ann").await;
    assert_eq!((refusal(&client, &old).await, refusal(&client, &new).await), (INVALID, GOOD));
}

#[tokio::test]
async fn a_bound_key_takes_the_tokens_of_members_while_they_are_members() {
    let (roster, client) = started().await;
    organization(&roster, "acme", &["ann"]).await;
    let bound = roster.bound_client("*", "acme").await;
    let [anns, bobs] = [token(&client, "ann").await, token(&client, "bob").await];
    assert_eq!((refusal(&bound, &anns).await, refusal(&bound, &bobs).await), (GOOD, INVALID));

    let (organization_id, user_ids) = (text("acme"), vec!["ann".to_owned()]);
    let remove = RemoveOrganizationMembersRequest {
        organization_id: organization_id.clone(),
        user_ids: user_ids.clone(),
        ..Default::default()
    };
    client.organizations().remove_organization_members(remove).await.unwrap();
    assert_eq!((refusal(&bound, &anns).await, refusal(&client, &anns).await), (INVALID, GOOD));

    // It is the token of a user, not of a membership.
    let add = AddOrganizationMembersRequest { organization_id, user_ids, ..Default::default() };
    client.organizations().add_organization_members(add).await.unwrap();
    assert_eq!(refusal(&bound, &anns).await, GOOD);
    set(&client, UserStatus::Suspended, None).await;
    assert_eq!(refusal(&bound, &anns).await, USER_NOT_ACTIVE);
}
