//! Etags: they change with the user and only then, and a write that brings an old one is refused.

use std::time::Duration;

use prost_types::Struct;
use roster::proto::{DeleteUserRequest, Timestamp, UpdateUserRequest, UserDto};
use tonic::{Code, Status};

use crate::calls::{assert_not_found, assert_refused, bob, masking, setting, started};
use crate::dto::{changeable, filled, sample, sent, texts, value, with};
use crate::harness::{assert_invalid, named};

#[track_caller]
fn assert_mismatch<T>(answer: Result<T, Status>) {
    let refusal = assert_refused(answer, Code::Aborted, "ETAG_MISMATCH");
    // The call as it is would fail again: there is nothing to wait for.
    assert_eq!(refusal.retry_after, None);
}

fn with_etag(request: UpdateUserRequest, etag: &str) -> UpdateUserRequest {
    UpdateUserRequest { etag: Some(etag.to_owned()), ..request }
}

#[tokio::test]
async fn a_change_with_an_old_etag_is_refused_and_changes_nothing() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let change = |nickname: &str| setting("bob-1", texts(&[("nickname", nickname)]));
    let first = client.update(with_etag(change("first"), created.etag())).await.unwrap();
    assert_mismatch(client.update(with_etag(change("second"), created.etag())).await);
    assert_eq!(client.get("bob-1").await.unwrap(), first);
    let second = client.update(with_etag(change("second"), first.etag())).await.unwrap();
    assert_eq!(second.nickname(), "second");
}

#[tokio::test]
async fn an_etag_that_the_user_never_had_is_refused() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let alice = client.create(named("alice")).await.unwrap();
    let (upper, padded) = (created.etag().to_uppercase() + "A", format!(" {}", created.etag()));
    for etag in ["", "*", "x", "\0", alice.etag(), &upper, &padded, &"x".repeat(10_000)] {
        // Also where the write would change nothing.
        assert_mismatch(client.update(with_etag(setting("bob-1", UserDto::default()), etag)).await);
        assert_mismatch(client.update(with_etag(setting("bob-1", named("bob")), etag)).await);
        let request =
            DeleteUserRequest { user_id: Some("bob-1".to_owned()), etag: Some(etag.to_owned()), ..Default::default() };
        assert_mismatch(client.users().delete_user(request).await);
    }
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn every_change_of_any_field_changes_the_etag() {
    let (_roster, client) = started().await;
    let created = client.create(filled(1)).await.unwrap();
    let (mut seen, mut current) = (vec![created.etag.clone()], created.clone());
    for field in changeable() {
        let samples = [2, 1].map(|variant| sample(&field, variant));
        let other = samples.into_iter().find(|sample| value(&current, field.name()).as_ref() != Some(sample)).unwrap();
        let change = with(&UserDto::default(), [(field.name(), other)]);
        current = client.update(setting(created.user_id(), change)).await.unwrap();
        assert!(!seen.contains(&current.etag), "{}", field.name());
        seen.push(current.etag.clone());
    }
    // Going back to what was is a change too.
    let last = client.update(setting(created.user_id(), UserDto { user_id: None, ..sent(&created) })).await.unwrap();
    assert!(!seen.contains(&last.etag));
}

#[tokio::test]
async fn a_user_made_anew_has_another_etag() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    client.delete("bob-1").await.unwrap();
    assert_not_found(client.update(with_etag(setting("bob-1", named("bob")), created.etag())).await);
    assert_ne!(client.create(bob()).await.unwrap().etag, created.etag);
    assert_mismatch(client.update(with_etag(setting("bob-1", named("bob")), created.etag())).await);
}

#[tokio::test]
async fn a_delete_with_an_etag_needs_the_current_one() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let updated = client.update(setting("bob-1", texts(&[("city", "BJ")]))).await.unwrap();
    let request = |etag: Option<String>| DeleteUserRequest { user_id: Some("bob-1".to_owned()), etag, ..Default::default() };
    assert_mismatch(client.users().delete_user(request(created.etag)).await);
    assert_eq!(client.get("bob-1").await.unwrap(), updated);
    client.users().delete_user(request(updated.etag)).await.unwrap();
    assert_not_found(client.users().delete_user(request(None)).await);
}

#[tokio::test]
async fn the_etag_of_a_user_sent_back_under_a_mask_counts() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let back = |user: &UserDto, nickname: &str| {
        masking("bob-1", UserDto { nickname: Some(nickname.to_owned()), ..user.clone() }, &["nickname"])
    };
    let first = client.update(back(&created, "first")).await.unwrap();
    assert_mismatch(client.update(back(&created, "second")).await);
    // The request's own comes before it, be it current or not.
    let second = client.update(with_etag(back(&created, "second"), first.etag())).await.unwrap();
    assert_mismatch(client.update(with_etag(back(&second, "third"), created.etag())).await);
    assert_mismatch(client.update(with_etag(back(&second, "third"), "")).await);
    assert_eq!(client.get("bob-1").await.unwrap(), second);
}

#[tokio::test]
async fn without_a_mask_the_etag_inside_the_user_is_an_error() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let back = setting("bob-1", texts(&[("etag", created.etag()), ("nickname", "Bobby")]));
    assert_invalid(client.update(with_etag(back.clone(), created.etag())).await, &["user.etag"]);
    assert_invalid(client.update(back).await, &["user.etag"]);
    let empty = setting("bob-1", texts(&[("etag", "")]));
    assert_invalid(client.update(empty).await, &["user.etag"]);
}

#[tokio::test]
async fn a_write_that_changes_nothing_leaves_etag_and_time_alone() {
    let (roster, client) = started().await;
    let data = Struct { fields: [("age".to_owned(), 22.into()), ("tags".to_owned(), vec![1.into()].into())].into() };
    let created = client.create(UserDto { custom_data: Some(data.clone()), ..filled(1) }).await.unwrap();
    let id = created.user_id();
    let same = UserDto { user_id: None, ..sent(&created) };
    let names: Vec<_> = changeable().map(|field| field.name().to_owned()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let time = created.last_login.map(|time| Timestamp { nanos: time.nanos + 999, ..time });
    let number = format!("+49 {}", created.phone());
    let padded = format!("  {} ", created.email());
    let nothing = UserDto::default();
    let mut writes = vec![
        setting(id, nothing.clone()),
        UpdateUserRequest { user: None, ..setting(id, nothing.clone()) },
        setting(id, same.clone()),
        masking(id, same.clone(), &names),
        masking(id, same.clone(), &["nickname"]),
        masking(id, same.clone(), &["phone_country_code"]),
        masking(id, created.clone(), &["email", "phone", "status"]),
        with_etag(setting(id, same.clone()), created.etag()),
        // Other ways to write what is stored.
        setting(id, UserDto { last_login: time, ..nothing.clone() }),
        setting(id, texts(&[("phone", &number)])),
        setting(id, texts(&[("phone_country_code", "49")])),
        setting(id, texts(&[("email", &padded)])),
        UpdateUserRequest { custom_data_set: Some(data.clone()), ..setting(id, nothing.clone()) },
        UpdateUserRequest { custom_data_set: Some(Struct::default()), ..setting(id, nothing.clone()) },
        UpdateUserRequest { custom_data_unset: vec!["nope".to_owned()], ..setting(id, nothing.clone()) },
    ];
    writes.push(UpdateUserRequest { user: None, ..writes[12].clone() });
    for write in writes {
        roster.clock.advance(Duration::from_secs(1));
        assert_eq!(client.update(write.clone()).await.unwrap(), created, "{write:?}");
        assert_eq!(client.get(id).await.unwrap(), created, "{write:?}");
    }
}

#[tokio::test]
async fn clearing_what_is_absent_changes_nothing() {
    let (roster, client) = started().await;
    let created = client.create(named("bob")).await.unwrap();
    roster.clock.advance(Duration::from_secs(1));
    let absent = ["nickname", "email", "phone", "external_id", "last_login", "register_source", "custom_data", "blocked"];
    let updated = client.update(masking(created.user_id(), UserDto::default(), &absent)).await.unwrap();
    assert_eq!(updated, created);
}

#[tokio::test]
async fn a_change_moves_the_time_of_the_update_only() {
    let (roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    roster.clock.advance(Duration::from_micros(1));
    let updated = client.update(setting("bob-1", texts(&[("city", "BJ")]))).await.unwrap();
    assert_eq!((updated.created_at, updated.updated_at), (created.created_at, Some(roster.clock.now())));
    assert_eq!(updated.updated_at.unwrap().nanos, 1_000);
}
