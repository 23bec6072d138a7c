//! Field masks: an update sets exactly what its mask names, and looks at nothing else.

use roster::proto::{PasswordSecurityLevel, Timestamp, UpdateUserRequest, UserDto};
use tonic::Code;

use crate::calls::{assert_refused, bob, creating, masking, setting, started};
use crate::dto::{self, NEVER_ABSENT, OUTPUT_ONLY, changeable, filled, sample, sent, texts, value, with, without};
use crate::harness::{assert_invalid, refused};

#[tokio::test]
async fn a_mask_sets_what_it_names_and_nothing_else() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let brought = texts(&[("nickname", "Bobby"), ("city", "BJ"), ("email", "robert@example.com")]);
    let updated = client.update(masking("bob-1", brought, &["nickname"])).await.unwrap();
    assert_eq!((updated.nickname.as_deref(), updated.city.as_deref()), (Some("Bobby"), None));
    assert_eq!(updated.email(), "bob@example.com");
    assert_eq!(client.get("bob-1").await.unwrap(), updated);
}

#[tokio::test]
async fn each_field_can_be_set_alone() {
    let (_roster, client) = started().await;
    let (before, after) = (filled(1), filled(2));
    let id = before.user_id();
    client.create(before.clone()).await.unwrap();
    let mut expected = before.clone();
    for field in changeable() {
        let name = field.name();
        expected = with(&expected, [(name, sample(&field, 2))]);
        // A change of these resets the other, unless that is named too.
        let named: &[&str] = match name {
            "email" => &["email", "email_verified"],
            "phone" => &["phone", "phone_verified"],
            "phone_country_code" => &["phone_country_code", "phone_verified"],
            name => &[name],
        };
        let brought = with(&after, named.iter().map(|name| (*name, value(&expected, name).unwrap())));
        let updated = client.update(masking(id, brought, named)).await.unwrap();
        assert_eq!(sent(&updated), expected, "{name}");
    }
    assert_eq!(sent(&client.get(id).await.unwrap()), UserDto { user_id: before.user_id.clone(), ..after });
}

#[tokio::test]
async fn each_field_can_be_cleared_alone() {
    let (_roster, client) = started().await;
    let mut expected = filled(1);
    let id = expected.user_id().to_owned();
    client.create(expected.clone()).await.unwrap();
    let kept = [NEVER_ABSENT, &["username", "phone_country_code"]].concat();
    for field in changeable().filter(|field| !kept.contains(&field.name())) {
        let name = field.name();
        expected = without(&expected, &[name]);
        match name {
            "email" => expected.email_verified = Some(false),
            "phone" => (expected.phone_country_code, expected.phone_verified) = (None, Some(false)),
            _ => {}
        }
        // Absent in the user that is sent, or no user at all: both clear.
        let user = field.number().is_multiple_of(2).then(|| without(&filled(2), &[name]));
        let request = UpdateUserRequest { user, ..masking(&id, UserDto::default(), &[name]) };
        assert_eq!(sent(&client.update(request).await.unwrap()), expected, "{name}");
    }
    let left = [NEVER_ABSENT, &["user_id", "username"]].concat();
    let read = sent(&client.get(&id).await.unwrap());
    for field in dto::descriptor().fields() {
        assert_eq!(value(&read, field.name()).is_some(), left.contains(&field.name()), "{}", field.name());
    }
}

#[tokio::test]
async fn all_fields_can_be_cleared_at_once() {
    let (_roster, client) = started().await;
    let user = filled(1);
    client.create(user.clone()).await.unwrap();
    let names: Vec<_> = changeable().map(|field| field.name().to_owned()).collect();
    let cleared = names.iter().map(String::as_str).filter(|name| *name != "username" && !NEVER_ABSENT.contains(name));
    let cleared: Vec<_> = cleared.collect();
    let updated = client.update(masking(user.user_id(), UserDto::default(), &cleared)).await.unwrap();
    let expected = UserDto { email_verified: Some(false), phone_verified: Some(false), ..without(&user, &cleared) };
    assert_eq!(sent(&updated), expected);
}

#[tokio::test]
async fn what_every_user_has_needs_a_value_under_a_mask() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    for name in NEVER_ABSENT {
        assert_invalid(client.update(masking("bob-1", UserDto::default(), &[name])).await, &[&format!("user.{name}")]);
    }
    let all = refused(client.update(masking("bob-1", UserDto::default(), NEVER_ABSENT)).await);
    assert_eq!(all.violations.len(), NEVER_ABSENT.len(), "{all:?}");
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn a_mask_names_only_what_can_be_written() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let long = "x".repeat(10_000);
    let unknown = [
        "*",
        "",
        " ",
        "nope",
        "user",
        "user.nickname",
        "nickname.",
        ".nickname",
        "nickname ",
        "Nickname",
        "preferredUsername",
        "user_id",
        "userId",
        "custom_data.age",
        "custom_data.",
        "custom_data_set",
        "update_mask",
        "password",
        "nick\0name",
        "nickname,city",
        "register_source[0]",
        "12",
        &long,
    ];
    for path in unknown.iter().chain(OUTPUT_ONLY) {
        let user = texts(&[("nickname", "Bobby")]);
        let refusal = refused(client.update(masking("bob-1", user.clone(), &[path])).await);
        assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"), "{path}");
        assert_eq!(refusal.fields(), ["update_mask"], "{path}");
        assert!(refusal.message.len() < 1_000 && refusal.violations[0].1.len() < 1_000, "{refusal:?}");
        assert_invalid(client.update(masking("bob-1", user, &["nickname", path])).await, &["update_mask"]);
    }
    let three = refused(client.update(masking("bob-1", UserDto::default(), &["nope", "*", "etag", "nickname"])).await);
    assert_eq!((three.fields(), three.metadata["violations"].as_str()), (vec!["update_mask"; 3], "3"));
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn a_bad_mask_and_bad_fields_are_told_together() {
    let (_roster, client) = started().await;
    let brought = texts(&[("nickname", "\0"), ("email", "bob"), ("name", "\0")]);
    let refusal = refused(client.update(masking("bob-1", brought, &["nope", "nickname", "email"])).await);
    let mut fields = refusal.fields();
    fields.sort_unstable();
    assert_eq!(fields, ["update_mask", "user.email", "user.nickname"]);
}

#[tokio::test]
async fn a_path_may_stand_in_a_mask_twice() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let brought = texts(&[("nickname", "Bobby")]);
    let updated = client.update(masking("bob-1", brought, &["nickname", "nickname", "city", "city"])).await.unwrap();
    assert_eq!(updated.nickname(), "Bobby");
}

#[tokio::test]
async fn an_empty_mask_is_none() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let updated = client.update(masking("bob-1", texts(&[("nickname", "Bobby")]), &[])).await.unwrap();
    assert_eq!((updated.nickname(), &updated.email), ("Bobby", &created.email));
    assert_invalid(client.update(masking("bob-1", texts(&[("etag", created.etag())]), &[])).await, &["user.etag"]);
}

#[tokio::test]
async fn a_user_that_was_read_is_sent_back_with_one_change() {
    let (_roster, client) = started().await;
    let created = client.create(filled(1)).await.unwrap();
    let brought = UserDto { nickname: Some("Bobby".to_owned()), ..created.clone() };
    let updated = client.update(masking(created.user_id(), brought.clone(), &["nickname"])).await.unwrap();
    assert_eq!(updated, UserDto { etag: updated.etag.clone(), updated_at: updated.updated_at, ..brought });
}

#[tokio::test]
async fn under_a_mask_nothing_outside_it_is_looked_at() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let nan = prost_types::Struct { fields: [("a.b".to_owned(), f64::NAN.into())].into() };
    let brought = UserDto {
        status: Some(99),
        gender: Some(0),
        logins_count: Some(-1),
        last_login: Some(Timestamp { seconds: i64::MAX, nanos: -1 }),
        created_at: Some(Timestamp { seconds: i64::MIN, nanos: 0 }),
        register_source: vec!["\0".to_owned(); 33],
        custom_data: Some(nan),
        nickname: Some("Bobby".to_owned()),
        ..texts(&[
            ("user_id", "a b"),
            ("email", "bob"),
            ("phone", "1-800-FLOWERS"),
            ("phone_country_code", "CN"),
            ("username", " "),
            ("external_id", ""),
            ("name", "\0"),
            ("birthdate", "tomorrow"),
        ])
    };
    let updated = client.update(masking("bob-1", brought.clone(), &["nickname"])).await.unwrap();
    assert_eq!((updated.nickname(), updated.email(), updated.user_id()), ("Bobby", "bob@example.com", "bob-1"));
    // Without the mask each of them is an error.
    let refusal = refused(client.update(setting("bob-1", brought)).await);
    assert!(refusal.violations.len() >= 14, "{refusal:?}");
}

#[tokio::test]
async fn what_the_server_sets_cannot_be_written() {
    let (_roster, client) = started().await;
    let created = client.create(filled(1)).await.unwrap();
    let id = created.user_id();
    let mut flat = created.clone();
    flat.flat_custom_data = [("a".to_owned(), 1.into())].into();
    flat.group_codes = vec!["engineering".to_owned()];
    flat.role_codes = vec!["admin".to_owned()];
    flat.organization_ids = vec!["acme".to_owned()];
    flat.department_ids = vec!["sales".to_owned()];
    flat.main_department_id = Some("sales".to_owned());
    flat.post_id_list = vec!["clerk".to_owned()];
    flat.password_last_set_at = created.created_at;
    flat.password_security_level = Some(PasswordSecurityLevel::High.into());
    for name in dto::descriptor().fields().map(|field| field.name().to_owned()) {
        if !OUTPUT_ONLY.contains(&name.as_str()) {
            continue;
        }
        let only = value(&flat, &name).unwrap_or_else(|| panic!("no value for {name}"));
        let user = with(&texts(&[("username", "bob")]), [(name.as_str(), only)]);
        let field = format!("user.{name}");
        assert_invalid(client.users().create_user(creating(user.clone())).await, &[&field]);
        assert_invalid(client.update(setting(id, user)).await, &[&field]);
    }
    // The whole user sent back without a mask: each of them is told.
    let refusal = refused(client.update(setting(id, flat)).await);
    let mut expected = OUTPUT_ONLY.to_vec();
    expected.retain(|name| dto::descriptor().get_field_by_name(name).is_some());
    expected.push("user_id");
    let mut expected: Vec<_> = expected.iter().map(|name| format!("user.{name}")).collect();
    expected.sort();
    let mut fields = refusal.fields();
    fields.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!(client.get(id).await.unwrap(), created);
}

#[tokio::test]
async fn the_user_id_never_changes() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    for id in ["bob-1", "bob-2", "a b", ""] {
        assert_invalid(client.update(setting("bob-1", texts(&[("user_id", id)]))).await, &["user.user_id"]);
        assert_invalid(client.update(masking("bob-1", texts(&[("user_id", id)]), &["user_id"])).await, &["update_mask"]);
    }
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn a_mask_that_names_the_last_identifier_must_bring_one() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let all = ["username", "email", "phone", "external_id"];
    let nothing = client.update(masking("bob-1", UserDto::default(), &all)).await;
    assert_refused(nothing, Code::FailedPrecondition, "LAST_IDENTIFIER");
    let updated = client.update(masking("bob-1", texts(&[("external_id", "10011")]), &all)).await.unwrap();
    let identifiers = [updated.username, updated.email, updated.phone, updated.phone_country_code, updated.external_id];
    assert_eq!(identifiers, [None, None, None, None, Some("10011".to_owned())]);
}
