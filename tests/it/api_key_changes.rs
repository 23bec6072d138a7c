//! API keys changed: their names, and when they end, which is never later than the end of the key that changes them.

use std::time::Duration;

use prost_types::FieldMask;
use roster::proto::{ApiKeyDto, Timestamp, UpdateApiKeyRequest};
use tonic::Status;

use crate::harness::{Client, Roster, assert_invalid};
use crate::key_calls::{Holder, assert_ended, assert_no_key, called, changing, changing_only, ending, for_scopes, owned};

const HOUR: Duration = Duration::from_hours(1);

/// A server, a client whose key never ends, and a key called `old` that ends in an hour.
async fn started() -> (Roster, Client, ApiKeyDto) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    let end = roster.clock.now().plus(HOUR);
    let asked = ApiKeyDto { name: Some("old".to_owned()), scopes: owned(&["users:read"]), ..ending(end) };
    let target = client.create_key(asked).await.unwrap().0;
    (roster, client, target)
}

/// A key for managing keys that ends in an hour, and that end.
async fn ends_in_an_hour(roster: &Roster) -> (Holder, Timestamp) {
    let end = roster.clock.now().plus(HOUR);
    (roster.holder_until("*", Some(end)).await, end)
}

#[tokio::test]
async fn a_key_can_be_renamed_and_given_another_end() {
    let (_roster, client, target) = started().await;
    let (id, later) = (target.api_key_id(), target.expires_at.unwrap().plus(HOUR));
    let renamed = ApiKeyDto { name: Some("new".to_owned()), ..target.clone() };
    assert_eq!(client.update_key(changing(id, called("new"))).await.unwrap(), renamed);
    let extended = ApiKeyDto { expires_at: Some(later), ..renamed };
    assert_eq!(client.update_key(changing(id, ending(later))).await.unwrap(), extended);
    assert_eq!(client.get_key(id).await.unwrap(), extended);
    let both = ApiKeyDto { expires_at: target.expires_at, ..called("old") };
    assert_eq!(client.update_key(changing(id, both)).await.unwrap(), target);
}

#[tokio::test]
async fn an_update_that_says_nothing_changes_nothing() {
    let (_roster, client, target) = started().await;
    let id = target.api_key_id();
    let without = UpdateApiKeyRequest { api_key_id: Some(id.to_owned()), ..Default::default() };
    let empty_mask = UpdateApiKeyRequest { update_mask: Some(FieldMask::default()), ..without.clone() };
    for request in [without, empty_mask, changing(id, ApiKeyDto::default())] {
        assert_eq!(client.update_key(request).await.unwrap(), target);
    }
}

#[tokio::test]
async fn a_mask_sets_what_it_names_and_looks_at_nothing_else() {
    let (roster, client, target) = started().await;
    let id = target.api_key_id();
    // As a caller has it who read the key, changed it and sends all of it back.
    let brought = ApiKeyDto { expires_at: Some(Timestamp { seconds: 0, nanos: -1 }), ..called("new") };
    let brought = ApiKeyDto { created_at: target.created_at, scopes: owned(&["users:fly"]), ..brought };
    let renamed = ApiKeyDto { name: Some("new".to_owned()), ..target.clone() };
    assert_eq!(client.update_key(changing_only(id, brought, &["name"])).await.unwrap(), renamed);
    let sooner = roster.clock.now().plus(HOUR / 2);
    let brought = ApiKeyDto { name: Some("a\0".to_owned()), ..ending(sooner) };
    let ends_sooner = ApiKeyDto { expires_at: Some(sooner), ..renamed };
    assert_eq!(client.update_key(changing_only(id, brought, &["expires_at"])).await.unwrap(), ends_sooner);
}

#[tokio::test]
async fn a_mask_clears_what_the_key_lacks() {
    let (_roster, client, target) = started().await;
    let id = target.api_key_id();
    let nameless = ApiKeyDto { name: None, ..target.clone() };
    assert_eq!(client.update_key(changing_only(id, ApiKeyDto::default(), &["name"])).await.unwrap(), nameless);
    let endless = ApiKeyDto { expires_at: None, ..nameless };
    let cleared = UpdateApiKeyRequest { api_key: None, ..changing_only(id, ApiKeyDto::default(), &["name", "expires_at"]) };
    assert_eq!(client.update_key(cleared).await.unwrap(), endless);
}

#[tokio::test]
async fn an_end_that_is_cleared_becomes_that_of_the_callers_own_key() {
    let (roster, lasting, target) = started().await;
    let (endless, _) = lasting.create_key(ApiKeyDto::default()).await.unwrap();
    roster.clock.advance(HOUR / 2);
    let (caller, own) = ends_in_an_hour(&roster).await;
    for id in [target.api_key_id(), endless.api_key_id(), caller.id.as_str()] {
        let cleared = caller.client.update_key(changing_only(id, ApiKeyDto::default(), &["expires_at"])).await.unwrap();
        assert_eq!(cleared.expires_at, Some(own));
    }
}

#[tokio::test]
async fn no_key_is_extended_beyond_the_callers_own_end() {
    let (roster, _, target) = started().await;
    let id = target.api_key_id();
    roster.clock.advance(HOUR / 2);
    let (caller, own) = ends_in_an_hour(&roster).await;
    let later = own.plus(Duration::from_micros(1));
    for id in [id, &caller.id] {
        for request in [changing(id, ending(later)), changing_only(id, ending(later), &["expires_at"])] {
            assert_invalid(caller.client.update_key(request).await, &["api_key.expires_at"]);
        }
    }
    let both = ApiKeyDto { name: Some("new".to_owned()), ..ending(later) };
    assert_invalid(caller.client.update_key(changing(id, both)).await, &["api_key.expires_at"]);
    assert_eq!(caller.client.get_key(id).await.unwrap(), target, "nothing has changed");
    assert_eq!(caller.client.own_key().await.unwrap().expires_at, Some(own));
    assert_eq!(caller.client.update_key(changing(id, ending(own))).await.unwrap().expires_at, Some(own));
}

#[tokio::test]
async fn a_key_that_ends_later_than_the_callers_own_can_be_shortened() {
    let (roster, lasting, _) = started().await;
    let (caller, own) = ends_in_an_hour(&roster).await;
    let (much_later, later) = (own.plus(3 * HOUR), own.plus(2 * HOUR));
    for created in [ApiKeyDto::default(), ending(much_later)] {
        let id = lasting.create_key(created).await.unwrap().0.api_key_id.unwrap();
        for end in [later, later, own.plus(HOUR), own, roster.clock.now().plus(HOUR / 2)] {
            assert_eq!(caller.client.update_key(changing(&id, ending(end))).await.unwrap().expires_at, Some(end));
        }
        assert_invalid(caller.client.update_key(changing(&id, ending(later))).await, &["api_key.expires_at"]);
    }
}

#[tokio::test]
async fn a_later_end_does_not_hinder_a_new_name() {
    let (roster, lasting, _) = started().await;
    let (caller, own) = ends_in_an_hour(&roster).await;
    let end = Some(own.plus(HOUR));
    let id = lasting.create_key(ending(own.plus(HOUR))).await.unwrap().0.api_key_id.unwrap();
    let renamed = caller.client.update_key(changing(&id, called("new"))).await.unwrap();
    assert_eq!((renamed.name(), renamed.expires_at), ("new", end));
    let sent_back = caller.client.update_key(changing_only(&id, renamed.clone(), &["name", "expires_at"])).await;
    assert_eq!(sent_back.unwrap(), renamed);
}

#[tokio::test]
async fn an_end_that_has_come_counts_from_the_next_call_on() {
    let (roster, lasting, _) = started().await;
    let target = roster.holder("users:read").await;
    target.client.ping().await.unwrap();
    lasting.update_key(changing(&target.id, ending(roster.clock.now()))).await.unwrap();
    assert_ended(target.client.ping().await, "API_KEY_EXPIRED");
}

#[tokio::test]
async fn scopes_cannot_be_changed() {
    let (_roster, client, target) = started().await;
    let id = target.api_key_id();
    for scopes in [&["users:read"][..], &["users:exists"], &["*"], &["users:fly"]] {
        assert_invalid(client.update_key(changing(id, for_scopes(scopes))).await, &["api_key.scopes"]);
        assert_invalid(client.update_key(changing_only(id, for_scopes(scopes), &["scopes"])).await, &["update_mask"]);
    }
    let with_name = ApiKeyDto { name: Some("new".to_owned()), ..for_scopes(&["*"]) };
    assert_invalid(client.update_key(changing(id, with_name)).await, &["api_key.scopes"]);
    assert_eq!(client.get_key(id).await.unwrap(), target);
}

#[tokio::test]
async fn what_the_server_sets_cannot_be_changed() {
    let (_roster, client, target) = started().await;
    let id = target.api_key_id();
    let sent_back = ApiKeyDto { last_used_at: target.created_at, revoked_at: target.created_at, ..target.clone() };
    let set = ["api_key_id", "created_at", "created_by", "last_used_at", "revoked_at"];
    let fields = ["api_key_id", "scopes", "created_at", "created_by", "last_used_at", "revoked_at"];
    let fields = fields.map(|name| format!("api_key.{name}"));
    assert_invalid(client.update_key(changing(id, sent_back.clone())).await, &fields.each_ref().map(String::as_str));
    for path in set {
        assert_invalid(client.update_key(changing_only(id, sent_back.clone(), &[path])).await, &["update_mask"]);
    }
    assert_eq!(client.get_key(id).await.unwrap(), target);
}

#[tokio::test]
async fn a_path_that_is_no_field_is_refused() {
    let (_roster, client, target) = started().await;
    let id = target.api_key_id();
    for path in ["*", "", "shoe_size", "Name", "api_key.name", "expiresAt", "expires_at.seconds", "scopes[0]"] {
        assert_invalid(client.update_key(changing_only(id, called("new"), &["name", path])).await, &["update_mask"]);
    }
    assert_eq!(client.get_key(id).await.unwrap(), target);
}

#[tokio::test]
async fn what_is_wrong_with_a_change_is_told_at_once() {
    let (_roster, client, target) = started().await;
    let worst = ApiKeyDto { name: Some("a\nb".to_owned()), ..ending(Timestamp { seconds: 0, nanos: -1 }) };
    let request = changing(target.api_key_id(), worst.clone());
    assert_invalid(client.update_key(request).await, &["api_key.name", "api_key.expires_at"]);
    for id in [None, Some(String::new()), Some("x".repeat(257))] {
        let request = UpdateApiKeyRequest { api_key_id: id, api_key: Some(called("new")), update_mask: None };
        assert_invalid(client.update_key(request).await, &["api_key_id"]);
    }
    let unknown: Result<_, Status> = client.update_key(changing("nobody", called("new"))).await;
    assert_no_key(unknown);
}
