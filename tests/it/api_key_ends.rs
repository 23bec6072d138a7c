//! API keys rotated and revoked: when a secret ends, and what ends with a key.

use std::time::Duration;

use roster::proto::{ApiKeyDto, RevokeApiKeyRequest, RotateApiKeyRequest};
use tonic::{Code, Status};

use crate::calls::assert_refused;
use crate::harness::{Client, Roster, assert_invalid, refused};
use crate::key_calls::{Holder, assert_denied, assert_ended, assert_no_key, called, changing, changing_only, for_scopes};

const INSTANT: Duration = Duration::from_micros(1);
const DAY: Duration = Duration::from_hours(24);

/// Rotates with an overlap that is spelled out.
async fn rotate_spelled(client: &Client, id: &str, seconds: i64, nanos: i32) -> Result<ApiKeyDto, Status> {
    let overlap = Some(prost_types::Duration { seconds, nanos });
    let request = RotateApiKeyRequest { api_key_id: Some(id.to_owned()), overlap };
    Ok(client.api_keys().rotate_api_key(request).await?.into_inner().api_key.unwrap())
}

/// Whether each of the secrets is still taken.
async fn alive(roster: &Roster, secrets: &[&str]) -> Vec<bool> {
    let mut alive = Vec::new();
    for secret in secrets {
        let answer = roster.client_with_key(Some(secret)).await.ping().await;
        alive.push(answer.is_ok());
        if answer.is_err() {
            assert_eq!(refused(answer).code, Code::Unauthenticated);
        }
    }
    alive
}

async fn started() -> (Roster, Holder, Holder) {
    let roster = Roster::start().await;
    let (manager, target) = (roster.holder("*").await, roster.holder("users:read").await);
    (roster, manager, target)
}

#[tokio::test]
async fn a_rotated_key_is_the_same_key_with_another_secret() {
    let (roster, manager, target) = started().await;
    let before = manager.client.get_key(&target.id).await.unwrap();
    roster.clock.advance(DAY);
    let (rotated, secret) = manager.client.rotate_key(&target.id, None).await.unwrap();
    assert_eq!(rotated, before);
    assert_ne!(secret, target.secret);
    let client = roster.client_with_key(Some(&secret)).await;
    assert_eq!(client.own_key().await.unwrap(), before);
    assert_eq!(client.get("nobody").await.unwrap_err().kind(), (Code::NotFound, "USER_NOT_FOUND"), "its scopes are the same");
}

#[tokio::test]
async fn the_old_secret_lives_on_for_a_day_unless_the_caller_says_otherwise() {
    let (roster, manager, target) = started().await;
    let (_, second) = manager.client.rotate_key(&target.id, None).await.unwrap();
    let secrets = [target.secret.as_str(), &second];
    assert_eq!(alive(&roster, &secrets).await, [true, true]);
    roster.clock.advance(DAY.checked_sub(INSTANT).unwrap());
    assert_eq!(alive(&roster, &secrets).await, [true, true]);
    roster.clock.advance(INSTANT);
    assert_eq!(alive(&roster, &secrets).await, [false, true]);
}

#[tokio::test]
async fn the_old_secret_ends_when_the_caller_says() {
    let (roster, manager, target) = started().await;
    let (_, second) = manager.client.rotate_key(&target.id, Some(0)).await.unwrap();
    assert_eq!(alive(&roster, &[&target.secret, &second]).await, [false, true], "at once");
    let (_, third) = manager.client.rotate_key(&target.id, Some(7 * 86_400)).await.unwrap();
    roster.clock.advance((7 * DAY).checked_sub(INSTANT).unwrap());
    assert_eq!(alive(&roster, &[&second, &third]).await, [true, true]);
    roster.clock.advance(INSTANT);
    assert_eq!(alive(&roster, &[&second, &third]).await, [false, true]);
    rotate_spelled(&manager.client, &target.id, 0, 1_000).await.unwrap();
    assert_eq!(alive(&roster, &[&third]).await, [true]);
    roster.clock.advance(INSTANT);
    assert_eq!(alive(&roster, &[&third]).await, [false]);
}

#[tokio::test]
async fn an_overlap_is_nothing_to_seven_days() {
    let (roster, manager, target) = started().await;
    let week = 7 * 86_400;
    for (seconds, nanos) in [(week, 1), (week + 1, 0), (-1, 0), (0, -1), (i64::MAX, 999_999_999), (i64::MIN, 0)] {
        let answer = rotate_spelled(&manager.client, &target.id, seconds, nanos).await;
        assert_invalid(answer, &["overlap"]);
    }
    assert_eq!(alive(&roster, &[&target.secret]).await, [true]);
    roster.clock.advance(DAY);
    assert_eq!(alive(&roster, &[&target.secret]).await, [true], "nothing was rotated");
    let request = RotateApiKeyRequest { api_key_id: None, overlap: Some(prost_types::Duration { seconds: -1, nanos: 0 }) };
    assert_invalid(manager.client.api_keys().rotate_api_key(request).await, &["api_key_id", "overlap"]);
}

#[tokio::test]
async fn rotating_again_ends_the_older_secret_at_once() {
    let (roster, manager, target) = started().await;
    let (_, second) = manager.client.rotate_key(&target.id, Some(7 * 86_400)).await.unwrap();
    let (_, third) = manager.client.rotate_key(&target.id, None).await.unwrap();
    assert_eq!(alive(&roster, &[&target.secret, &second, &third]).await, [false, true, true]);
    let (_, fourth) = manager.client.rotate_key(&target.id, Some(0)).await.unwrap();
    assert_eq!(alive(&roster, &[&second, &third, &fourth]).await, [false, false, true]);
    roster.clock.advance(30 * DAY);
    assert_eq!(alive(&roster, &[&target.secret, &second, &third, &fourth]).await, [false, false, false, true]);
}

#[tokio::test]
async fn any_key_can_rotate_itself() {
    let roster = Roster::start().await;
    for scopes in ["", "users:read", "keys:manage", "*"] {
        let holder = roster.holder(scopes).await;
        let (_, second) = holder.client.rotate_key(&holder.id, None).await.unwrap();
        assert_eq!(alive(&roster, &[&holder.secret, &second]).await, [true, true], "{scopes}");
        // By the secret that is on its way out.
        let (_, third) = holder.client.rotate_key(&holder.id, None).await.unwrap();
        assert_eq!(alive(&roster, &[&holder.secret, &second, &third]).await, [false, true, true], "{scopes}");
        let newest = roster.client_with_key(Some(&third)).await;
        let (_, fourth) = newest.rotate_key(&holder.id, Some(0)).await.unwrap();
        assert_eq!(alive(&roster, &[&second, &third, &fourth]).await, [false, false, true], "{scopes}");
    }
}

#[tokio::test]
async fn another_key_is_rotated_only_by_one_that_manages_keys() {
    let (_roster, manager, target) = started().await;
    for id in [manager.id.as_str(), "nobody", "", &target.id.to_uppercase(), &"x".repeat(257)] {
        assert_denied(target.client.rotate_key(id, None).await, "keys:manage");
        assert_denied(rotate_spelled(&target.client, id, -1, 0).await, "keys:manage");
    }
    let nameless = RotateApiKeyRequest::default();
    assert_denied(target.client.api_keys().rotate_api_key(nameless.clone()).await, "keys:manage");
    assert_invalid(manager.client.api_keys().rotate_api_key(nameless).await, &["api_key_id"]);
    assert_invalid(manager.client.rotate_key(&"x".repeat(257), None).await, &["api_key_id"]);
    assert_no_key(manager.client.rotate_key("nobody", None).await);
}

#[tokio::test]
async fn a_revoked_key_cannot_be_rotated() {
    let (roster, manager, target) = started().await;
    let revoked = manager.client.revoke_key(&target.id, false).await.unwrap();
    assert_no_key(manager.client.rotate_key(&target.id, None).await);
    assert_ended(target.client.rotate_key(&target.id, None).await, "API_KEY_REVOKED");
    assert_eq!(manager.client.get_key(&target.id).await.unwrap(), revoked);
    assert_eq!(alive(&roster, &[&target.secret]).await, [false]);
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_the_next_call_on_with_all_its_secrets() {
    let (roster, manager, target) = started().await;
    let (before, second) = manager.client.rotate_key(&target.id, None).await.unwrap();
    roster.clock.advance(INSTANT);
    let revoked = manager.client.revoke_key(&target.id, false).await.unwrap();
    assert_eq!(revoked, ApiKeyDto { revoked_at: Some(roster.clock.now()), ..before });
    for secret in [&target.secret, &second] {
        assert_ended(roster.client_with_key(Some(secret)).await.ping().await, "API_KEY_REVOKED");
    }
}

#[tokio::test]
async fn revoking_again_is_fine_and_changes_nothing() {
    let (roster, manager, target) = started().await;
    let revoked = manager.client.revoke_key(&target.id, false).await.unwrap();
    for with_descendants in [false, true] {
        roster.clock.advance(DAY);
        assert_eq!(manager.client.revoke_key(&target.id, with_descendants).await.unwrap(), revoked);
    }
    assert_ended(target.client.ping().await, "API_KEY_REVOKED");
}

#[tokio::test]
async fn a_revoked_key_stays_so_whatever_is_changed_of_it() {
    let (roster, manager, target) = started().await;
    let revoked = manager.client.revoke_key(&target.id, false).await.unwrap();
    let cleared = changing_only(&target.id, called("back"), &["name", "expires_at"]);
    assert_eq!(manager.client.update_key(cleared).await.unwrap().revoked_at, revoked.revoked_at);
    assert_invalid(
        manager.client.update_key(changing_only(&target.id, ApiKeyDto::default(), &["revoked_at"])).await,
        &["update_mask"],
    );
    assert_eq!(alive(&roster, &[&target.secret]).await, [false]);
}

#[tokio::test]
async fn a_key_can_revoke_itself() {
    let roster = Roster::start().await;
    for (scopes, with_descendants) in [("keys:manage", false), ("*", true)] {
        let holder = roster.holder(scopes).await;
        let revoked = holder.client.revoke_key(&holder.id, with_descendants).await.unwrap();
        assert_eq!(revoked.revoked_at, Some(roster.clock.now()));
        assert_ended(holder.client.revoke_key(&holder.id, with_descendants).await, "API_KEY_REVOKED");
    }
}

#[tokio::test]
async fn only_a_key_that_there_is_can_be_revoked() {
    let (_roster, manager, _) = started().await;
    for unknown in ["nobody", "0190c0ff-ee00-7000-8000-000000000001", "%"] {
        assert_no_key(manager.client.revoke_key(unknown, true).await);
    }
    for bad in [None, Some(String::new()), Some("x".repeat(257))] {
        let request = RevokeApiKeyRequest { api_key_id: bad, with_descendants: true };
        assert_invalid(manager.client.api_keys().revoke_api_key(request).await, &["api_key_id"]);
    }
}

/// Four generations: a root, its two children, a child of each, and a child of the first of these.
async fn family(roster: &Roster) -> [Holder; 6] {
    let root = roster.holder("*").await;
    let (left, right) = (roster.child(&root, &["*"]).await, roster.child(&root, &["*"]).await);
    let (nephew, cousin) = (roster.child(&left, &["*"]).await, roster.child(&right, &["*"]).await);
    let last = roster.child(&nephew, &["users:read"]).await;
    [root, left, right, nephew, cousin, last]
}

/// Whether each of the family is still taken.
async fn living(roster: &Roster, family: &[Holder; 6]) -> Vec<bool> {
    alive(roster, &family.each_ref().map(|holder| holder.secret.as_str())).await
}

#[tokio::test]
async fn without_descendants_what_a_key_made_lives_on() {
    let roster = Roster::start().await;
    let family = family(&roster).await;
    let [root, left, ..] = &family;
    root.client.revoke_key(&left.id, false).await.unwrap();
    assert_eq!(living(&roster, &family).await, [true, false, true, true, true, true]);
    root.client.revoke_key(&root.id, false).await.unwrap();
    assert_eq!(living(&roster, &family).await, [false, false, true, true, true, true]);
}

#[tokio::test]
async fn with_descendants_all_that_a_key_made_ends_and_no_other() {
    let roster = Roster::start().await;
    let family = family(&roster).await;
    let [root, left, _, _, _, last] = &family;
    root.client.revoke_key(&left.id, true).await.unwrap();
    assert_eq!(living(&roster, &family).await, [true, false, true, false, true, false]);
    assert_eq!(root.client.get_key(&last.id).await.unwrap().revoked_at, Some(roster.clock.now()));
    root.client.revoke_key(&root.id, true).await.unwrap();
    assert_eq!(living(&roster, &family).await, [false; 6]);
}

#[tokio::test]
async fn a_revoked_key_in_between_does_not_hide_what_it_made() {
    let roster = Roster::start().await;
    let family = family(&roster).await;
    let [root, left, _, nephew, ..] = &family;
    for id in [&nephew.id, &left.id] {
        root.client.revoke_key(id, false).await.unwrap();
    }
    assert_eq!(living(&roster, &family).await, [true, false, true, false, true, true]);
    let before = root.client.get_key(&nephew.id).await.unwrap();
    roster.clock.advance(DAY);
    root.client.revoke_key(&left.id, true).await.unwrap();
    assert_eq!(living(&roster, &family).await, [true, false, true, false, true, false]);
    assert_eq!(root.client.get_key(&nephew.id).await.unwrap(), before, "when it was revoked stays as it was");
}

#[tokio::test]
async fn a_key_can_revoke_an_equal_that_made_it_and_stays_itself() {
    let roster = Roster::start().await;
    let family = family(&roster).await;
    let [root, _, _, nephew, ..] = &family;
    nephew.client.revoke_key(&root.id, false).await.unwrap();
    assert_eq!(living(&roster, &family).await, [false, true, true, true, true, true]);
    nephew.client.revoke_key(&root.id, true).await.unwrap();
    assert_eq!(living(&roster, &family).await, [false; 6], "its own maker's descendants have it among them");
}

#[tokio::test]
async fn nothing_makes_a_key_the_maker_of_what_made_it() {
    let roster = Roster::start().await;
    let family = family(&roster).await;
    let [root, left, _, nephew, ..] = &family;
    let adopted = ApiKeyDto { created_by: Some(nephew.id.clone()), ..ApiKeyDto::default() };
    let client = &root.client;
    assert_invalid(client.create_key(adopted.clone()).await, &["api_key.created_by"]);
    assert_invalid(client.update_key(changing(&left.id, adopted.clone())).await, &["api_key.created_by"]);
    assert_invalid(client.update_key(changing_only(&left.id, adopted, &["created_by"])).await, &["update_mask"]);
    assert_eq!(client.get_key(&left.id).await.unwrap().created_by, Some(root.id.clone()));
}

#[tokio::test]
async fn a_key_leaves_none_behind_that_it_was_making_while_it_was_revoked() {
    let roster = Roster::start().await;
    let root = roster.holder("*").await;
    for _ in 0..10 {
        let maker = roster.child(&root, &["*"]).await;
        let making: Vec<_> = (0..16)
            .map(|_| {
                let client = maker.client.clone();
                tokio::spawn(async move { client.create_key(for_scopes(&[])).await })
            })
            .collect();
        root.client.revoke_key(&maker.id, true).await.unwrap();
        for made in making {
            match made.await.unwrap() {
                Ok((_, secret)) => assert_eq!(alive(&roster, &[&secret]).await, [false], "it outlives what made it"),
                Err(status) => drop(assert_refused::<()>(Err(status), Code::Unauthenticated, "API_KEY_REVOKED")),
            }
        }
    }
}
