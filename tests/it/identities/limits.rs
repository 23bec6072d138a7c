//! How much an identity takes: its fields at their edges, and how many of them a user has.

use prost_types::{ListValue, Struct, Value, value::Kind};
use roster::proto::{IdentityDto, UserDto};

use super::{answered, lark, link, linking, list, started, unlink};
use crate::calls::creating;
use crate::custom_data::object;
use crate::dto::texts;
use crate::harness::assert_invalid;

/// An object of so many bytes as compact JSON.
fn of_bytes(bytes: usize) -> Struct {
    object([("k", "x".repeat(bytes - r#"{"k":""}"#.len()).into())])
}

/// So many objects and lists inside each other.
fn nested(depth: usize) -> Struct {
    let mut inner = Value { kind: Some(Kind::BoolValue(true)) };
    for _ in 1..depth {
        inner = Value { kind: Some(Kind::ListValue(ListValue { values: vec![inner] })) };
    }
    object([("k", inner)])
}

fn with(change: impl FnOnce(&mut IdentityDto)) -> IdentityDto {
    let mut identity = lark("a");
    change(&mut identity);
    identity
}

fn wide(characters: usize) -> String {
    "界".repeat(characters)
}

fn ascii(characters: usize) -> String {
    "x".repeat(characters)
}

/// Identities that are just good enough.
fn edges() -> Vec<IdentityDto> {
    let foreign = object([
        ("", Value { kind: Some(Kind::NullValue(0)) }),
        ("a.b c/$é", f64::from(-0_i32).into()),
        ("text", "tab\tline\n".into()),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress-and-more-than-64-characters", "x".into()),
    ]);
    vec![
        with(|identity| identity.ext_idp_id = Some(wide(256))),
        with(|identity| identity.ext_idp_id = Some("https://idp.example.com/saml".to_owned())),
        with(|identity| identity.user_id_in_idp = Some(wide(256))),
        with(|identity| identity.user_id_in_idp = Some(" CN=Ann, OU=x: ' \" \\ ".to_owned())),
        with(|identity| identity.r#type = Some(wide(256))),
        with(|identity| identity.user_info_in_idp = Some(of_bytes(16_384))),
        with(|identity| identity.user_info_in_idp = Some(nested(8))),
        with(|identity| identity.user_info_in_idp = Some(foreign)),
        with(|identity| identity.access_token = Some(ascii(16_384))),
        with(|identity| identity.refresh_token = Some(ascii(1))),
        with(|identity| identity.origin_conn_ids = vec![wide(256); 32]),
    ]
}

/// Identities that are not, with the field that is wrong.
fn beyond() -> Vec<(IdentityDto, &'static str)> {
    let value = |kind: Option<Kind>| object([("k", Value { kind })]);
    vec![
        (with(|identity| identity.ext_idp_id = None), "ext_idp_id"),
        (with(|identity| identity.ext_idp_id = Some(String::new())), "ext_idp_id"),
        (with(|identity| identity.ext_idp_id = Some(ascii(257))), "ext_idp_id"),
        (with(|identity| identity.ext_idp_id = Some("a\u{202e}".to_owned())), "ext_idp_id"),
        (with(|identity| identity.provider = None), "provider"),
        (with(|identity| identity.provider = Some(0)), "provider"),
        (with(|identity| identity.provider = Some(39)), "provider"),
        (with(|identity| identity.user_id_in_idp = None), "user_id_in_idp"),
        (with(|identity| identity.user_id_in_idp = Some(String::new())), "user_id_in_idp"),
        (with(|identity| identity.user_id_in_idp = Some(wide(257))), "user_id_in_idp"),
        (with(|identity| identity.user_id_in_idp = Some("a\nb".to_owned())), "user_id_in_idp"),
        (with(|identity| identity.user_id_in_idp = Some("a\0".to_owned())), "user_id_in_idp"),
        (with(|identity| identity.r#type = Some(ascii(257))), "type"),
        (with(|identity| identity.user_info_in_idp = Some(of_bytes(16_385))), "user_info_in_idp"),
        (with(|identity| identity.user_info_in_idp = Some(nested(9))), "user_info_in_idp"),
        (with(|identity| identity.user_info_in_idp = Some(value(None))), "user_info_in_idp"),
        (with(|identity| identity.user_info_in_idp = Some(value(Some(Kind::NumberValue(f64::NAN))))), "user_info_in_idp"),
        (with(|identity| identity.user_info_in_idp = Some(value(Some(Kind::NullValue(7))))), "user_info_in_idp"),
        (with(|identity| identity.user_info_in_idp = Some(object([("k", "\0".into())]))), "user_info_in_idp"),
        (with(|identity| identity.user_info_in_idp = Some(object([("k\u{7}", "".into())]))), "user_info_in_idp"),
        (with(|identity| identity.access_token = Some(ascii(16_385))), "access_token"),
        (with(|identity| identity.access_token = Some(String::new())), "access_token"),
        (with(|identity| identity.refresh_token = Some("a\nb".to_owned())), "refresh_token"),
        (with(|identity| identity.origin_conn_ids = vec![String::new(); 33]), "origin_conn_ids"),
        (with(|identity| identity.origin_conn_ids = vec!["a".to_owned(), "x".repeat(257)]), "origin_conn_ids[1]"),
        (with(|identity| identity.identity_id = Some("x".to_owned())), "identity_id"),
    ]
}

fn created(user_id: &str, identities: Vec<IdentityDto>) -> UserDto {
    UserDto { identities, ..texts(&[("user_id", user_id)]) }
}

#[tokio::test]
async fn what_is_just_good_enough_is_stored_as_it_is() {
    let (_roster, client) = started().await;
    for identity in edges() {
        let linked = link(&client, "ann", identity.clone()).await.unwrap();
        assert_eq!(linked, answered(identity.clone(), linked.identity_id.clone()));
        unlink(&client, &linked).await.unwrap();
        client.create(created("carl", vec![identity.clone()])).await.unwrap();
        let stored = list(&client, "carl").await.unwrap();
        assert_eq!(stored, [answered(identity, stored[0].identity_id.clone())]);
        client.delete("carl").await.unwrap();
    }
}

#[tokio::test]
async fn what_is_beyond_a_limit_is_told_by_its_field_and_not_shown() {
    let (_roster, client) = started().await;
    for (identity, field) in beyond() {
        let answer = client.identities().link_identity(linking("ann", identity.clone())).await;
        if let Err(status) = &answer {
            assert!(!status.message().contains("xxxx") && status.details().len() < 1_000, "{status:?}");
        }
        assert_invalid(answer, &[&format!("identity.{field}")]);
        let answer = client.users().create_user(creating(created("carl", vec![lark("b"), identity]))).await;
        assert_invalid(answer, &[&format!("user.identities[1].{field}")]);
    }
    assert_invalid(
        client.identities().link_identity(roster::proto::LinkIdentityRequest::default()).await,
        &["user_id", "identity"],
    );
    assert!(list(&client, "ann").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_user_has_sixty_four_identities_and_no_more() {
    let (_roster, client) = started().await;
    let many = |count: usize| (0..count).map(|number| lark(&number.to_string())).collect::<Vec<_>>();
    assert_invalid(client.users().create_user(creating(created("carl", many(65)))).await, &["user.identities"]);
    client.create(created("carl", many(64))).await.unwrap();
    let identities = list(&client, "carl").await.unwrap();
    assert_eq!(identities.len(), 64);
    assert_invalid(link(&client, "carl", lark("64")).await, &["identity"]);
    link(&client, "carl", lark("63")).await.unwrap();
    unlink(&client, &identities[7]).await.unwrap();
    link(&client, "carl", lark("64")).await.unwrap();
    assert_invalid(link(&client, "carl", lark("65")).await, &["identity"]);
    assert_eq!(list(&client, "carl").await.unwrap().len(), 64);
}
