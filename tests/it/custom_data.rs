//! Custom data: kept as written, shown in two forms, replaced whole or changed key by key.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use roster::proto::find_user_request::By;
use roster::proto::{FindUserRequest, GetUserRequest, UpdateUserRequest, UserDto};

use crate::calls::{bob, creating, finding, masking, setting, started};
use crate::harness::assert_invalid;

pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Struct {
    Struct { fields: members.map(|(key, value)| (key.to_owned(), value)).into() }
}

/// The object as a value.
pub(crate) fn nested<const N: usize>(members: [(&str, Value); N]) -> Value {
    Kind::StructValue(object(members)).into()
}

fn null() -> Value {
    Kind::NullValue(0).into()
}

fn list(values: Vec<Value>) -> Value {
    Kind::ListValue(ListValue { values }).into()
}

/// Bob with this custom data.
pub(crate) fn bob_with(data: Struct) -> UserDto {
    UserDto { custom_data: Some(data), ..bob() }
}

/// The request that changes single keys of Bob's.
pub(crate) fn merging(set: Struct, unset: &[&str]) -> UpdateUserRequest {
    UpdateUserRequest {
        user_id: Some("bob-1".to_owned()),
        custom_data_set: Some(set),
        custom_data_unset: unset.iter().map(|key| (*key).to_owned()).collect(),
        ..UpdateUserRequest::default()
    }
}

#[tokio::test]
async fn every_kind_of_value_is_kept() {
    let (_roster, client) = started().await;
    let numbers = [0.0, -0.0, 1.0, -1.0, 22.0, 0.1, 1e-7, 1e21, 1e300, f64::MAX, f64::MIN, 5e-324, 9_007_199_254_740_993.0];
    let texts = ["", "a", "\"\\/", "tab\tnewline\n", "界😀", "עברית", "null", "{}", "a\u{200d}b", "\u{feff}"];
    let data = object([
        ("numbers", list(numbers.map(Value::from).into())),
        ("texts", list(texts.map(Value::from).into())),
        ("flags", list(vec![true.into(), false.into()])),
        ("null", null()),
        ("empty-list", list(vec![])),
        ("empty-object", nested([])),
        ("deep", nested([("a", nested([("b", list(vec![nested([("c", null())]), list(vec![list(vec![])])]))]))])),
        ("0", 1.into()),
        ("-", 1.into()),
        ("_", 1.into()),
        ("A", 1.into()),
        ("a", 2.into()),
        (&"k".repeat(64), 1.into()),
    ]);
    let created = client.create(bob_with(data.clone())).await.unwrap();
    let read = client.get("bob-1").await.unwrap();
    assert_eq!((created.custom_data.as_ref(), read.custom_data.as_ref()), (Some(&data), Some(&data)));
    let Some(Kind::ListValue(stored)) = &read.custom_data.unwrap().fields["numbers"].kind.clone() else { panic!("no list") };
    let signs = stored.values.iter().map(|value| match value.kind {
        Some(Kind::NumberValue(number)) => number.is_sign_negative(),
        _ => panic!("no number"),
    });
    assert!(signs.eq(numbers.map(f64::is_sign_negative)), "zero has a sign");
}

#[tokio::test]
async fn it_is_shown_when_asked_for_and_flat_when_that_is_asked_for() {
    let (_roster, client) = started().await;
    let data = object([
        ("school", "x".into()),
        ("address", nested([("city", "BJ".into()), ("geo", nested([("lat", 39.9.into())]))])),
        ("tags", list(vec![nested([("a", 1.into())]), 2.into()])),
        ("empty", nested([])),
        ("none", nested([("empty", nested([])), ("null", null())])),
    ]);
    let flat = [
        ("school", "x".into()),
        ("address.city", "BJ".into()),
        ("address.geo.lat", 39.9.into()),
        ("tags", list(vec![nested([("a", 1.into())]), 2.into()])),
        ("empty", nested([])),
        ("none.empty", nested([])),
        ("none.null", null()),
    ];
    let flat = flat.map(|(key, value): (&str, Value)| (key.to_owned(), value)).into();
    let created = client.create(bob_with(data)).await.unwrap();
    let plain = UserDto { custom_data: None, ..created.clone() };
    let flattened = UserDto { flat_custom_data: flat, ..plain.clone() };
    for (with_custom_data, flat_custom_data, expected) in
        [(false, false, &plain), (true, false, &created), (false, true, &flattened), (true, true, &flattened)]
    {
        let get = GetUserRequest {
            user_id: Some("bob-1".to_owned()),
            with_custom_data,
            flat_custom_data,
            ..GetUserRequest::default()
        };
        let read = client.users().get_user(get).await.unwrap().into_inner().user.unwrap();
        let by = finding(By::Email("bob@example.com".to_owned()));
        let found = client.find(FindUserRequest { with_custom_data, flat_custom_data, ..by }).await.unwrap();
        assert_eq!((&read, &found), (expected, expected));
    }
}

#[tokio::test]
async fn create_and_update_answer_with_all_of_it() {
    let (_roster, client) = started().await;
    let data = object([("age", 22.into()), ("school", "x".into())]);
    assert_eq!(client.create(bob_with(data.clone())).await.unwrap().custom_data, Some(data.clone()));
    let nickname = UserDto { nickname: Some("Bobby".to_owned()), ..UserDto::default() };
    assert_eq!(client.update(setting("bob-1", nickname.clone())).await.unwrap().custom_data, Some(data.clone()));
    assert_eq!(client.update(masking("bob-1", nickname, &["nickname"])).await.unwrap().custom_data, Some(data));
}

#[tokio::test]
async fn an_update_replaces_it_whole() {
    let (_roster, client) = started().await;
    client.create(bob_with(object([("age", 22.into()), ("deep", nested([("a", 1.into()), ("b", 2.into())]))]))).await.unwrap();
    let replaced = |data: Struct| UserDto { custom_data: Some(data), ..UserDto::default() };
    let new = object([("deep", nested([("a", 3.into())])), ("new", null())]);
    assert_eq!(client.update(setting("bob-1", replaced(new.clone()))).await.unwrap().custom_data, Some(new));
    let new = object([("age", 23.into())]);
    let updated = client.update(masking("bob-1", replaced(new.clone()), &["custom_data"])).await.unwrap();
    assert_eq!(updated.custom_data, Some(new.clone()));
    // With nothing in it, or named by a mask and absent: all of it goes.
    let gone = [
        setting("bob-1", replaced(Struct::default())),
        masking("bob-1", replaced(Struct::default()), &["custom_data"]),
        masking("bob-1", UserDto::default(), &["custom_data"]),
    ];
    for request in gone {
        client.update(setting("bob-1", replaced(new.clone()))).await.unwrap();
        let updated = client.update(request).await.unwrap();
        assert!(updated.custom_data.as_ref().is_none_or(|data| data.fields.is_empty()), "{updated:?}");
        assert_eq!(client.get("bob-1").await.unwrap(), updated);
    }
}

#[tokio::test]
async fn single_keys_are_set_and_removed() {
    let (_roster, client) = started().await;
    client
        .create(bob_with(object([("a", 1.into()), ("b", nested([("x", 1.into()), ("y", 2.into())])), ("c", 3.into())])))
        .await
        .unwrap();
    // A key's whole value is replaced, null is a value, and what is not named stays.
    let set = object([("b", nested([("x", 9.into())])), ("d", null()), ("e", nested([]))]);
    let updated = client.update(merging(set, &["c", "nope"])).await.unwrap();
    let expected = object([("a", 1.into()), ("b", nested([("x", 9.into())])), ("d", null()), ("e", nested([]))]);
    assert_eq!(updated.custom_data, Some(expected));
    assert_eq!(client.get("bob-1").await.unwrap(), updated);
    let updated = client.update(merging(object([("a", null())]), &["d", "d", "b", "e"])).await.unwrap();
    assert_eq!(updated.custom_data, Some(object([("a", null())])));
    let emptied = client.update(merging(Struct::default(), &["a"])).await.unwrap();
    assert!(emptied.custom_data.is_none_or(|data| data.fields.is_empty()));
}

#[tokio::test]
async fn keys_that_differ_in_case_are_different_keys() {
    let (_roster, client) = started().await;
    client.create(bob_with(object([("key", 1.into()), ("Key", 2.into())]))).await.unwrap();
    let updated = client.update(merging(object([("KEY", 3.into())]), &["Key"])).await.unwrap();
    assert_eq!(updated.custom_data, Some(object([("key", 1.into()), ("KEY", 3.into())])));
}

#[tokio::test]
async fn single_keys_and_other_fields_change_in_one_call() {
    let (_roster, client) = started().await;
    client.create(bob_with(object([("a", 1.into())]))).await.unwrap();
    let user = Some(UserDto { nickname: Some("Bobby".to_owned()), ..UserDto::default() });
    let updated = client.update(UpdateUserRequest { user, ..merging(object([("b", 2.into())]), &[]) }).await.unwrap();
    assert_eq!((updated.nickname.as_deref(), updated.custom_data.unwrap().fields.len()), (Some("Bobby"), 2));
    // The mask governs the user alone; the custom data that is sent back outside it is not looked at.
    let read = client.get("bob-1").await.unwrap();
    let back = masking("bob-1", UserDto { city: Some("BJ".to_owned()), ..read }, &["city"]);
    let request = UpdateUserRequest { custom_data_set: Some(object([("c", 3.into())])), ..back };
    let updated = client.update(request).await.unwrap();
    assert_eq!((updated.city.as_deref(), updated.custom_data.unwrap().fields.len()), (Some("BJ"), 3));
}

#[tokio::test]
async fn it_is_not_replaced_and_changed_in_one_call() {
    let (_roster, client) = started().await;
    let created = client.create(bob_with(object([("a", 1.into())]))).await.unwrap();
    let user = Some(UserDto { custom_data: Some(object([("b", 2.into())])), ..UserDto::default() });
    let set = merging(object([("c", 3.into())]), &[]);
    let unset = merging(Struct::default(), &["a"]);
    for (request, field) in [(set, "custom_data_set"), (unset, "custom_data_unset")] {
        let whole = UpdateUserRequest { user: user.clone(), ..request.clone() };
        assert_invalid(client.update(whole).await, &[field]);
        let mask = masking("bob-1", UserDto::default(), &["custom_data"]).update_mask;
        assert_invalid(client.update(UpdateUserRequest { update_mask: mask, ..request }).await, &[field]);
    }
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn a_key_is_not_both_set_and_removed() {
    let (_roster, client) = started().await;
    let created = client.create(bob_with(object([("a", 1.into())]))).await.unwrap();
    let both = client.update(merging(object([("a", 2.into())]), &["b", "a"])).await;
    assert_invalid(both, &["custom_data_unset[1]"]);
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn what_is_sent_flat_is_refused() {
    let (_roster, client) = started().await;
    let flat = UserDto { flat_custom_data: [("a.b".to_owned(), 1.into())].into(), ..UserDto::default() };
    let created = UserDto { flat_custom_data: flat.flat_custom_data.clone(), ..bob() };
    assert_invalid(client.users().create_user(creating(created)).await, &["user.flat_custom_data"]);
    client.create(bob()).await.unwrap();
    assert_invalid(client.update(setting("bob-1", flat)).await, &["user.flat_custom_data"]);
}
