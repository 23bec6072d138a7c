//! Users created, and read by whatever identifies them.

use roster::proto::find_user_request::By;
use roster::proto::{
    CreateUserRequest, FindUserRequest, Gender, Timestamp, UserDto, UserIdType, UserSourceType, UserStatus, WorkStatus,
};
use tonic::Code;
use uuid::Uuid;

use crate::calls::{BOB_IDS, assert_not_found, assert_taken, bob, creating, finding, started};
use crate::dto::{filled, sent, texts};
use crate::harness::{assert_invalid, named, refused};

#[tokio::test]
async fn a_new_user_has_an_id_defaults_and_times() {
    let (roster, client) = started().await;
    let created = client.create(named("bob")).await.unwrap();
    let id = Uuid::parse_str(created.user_id()).unwrap();
    assert_eq!((id.get_version_num(), id.hyphenated().to_string().as_str()), (7, created.user_id()));
    assert!(!created.etag().is_empty());
    let now = Some(roster.clock.now());
    let expected = UserDto {
        user_id: created.user_id.clone(),
        etag: created.etag.clone(),
        created_at: now,
        updated_at: now,
        status_changed_at: now,
        status: Some(UserStatus::Activated.into()),
        work_status: Some(WorkStatus::Active.into()),
        gender: Some(Gender::U.into()),
        user_source_type: Some(UserSourceType::AdminCreated.into()),
        email_verified: Some(false),
        phone_verified: Some(false),
        ..named("bob")
    };
    assert_eq!(created, expected);
    assert_eq!(client.get(created.user_id()).await.unwrap(), expected);
}

#[tokio::test]
async fn every_field_that_is_written_is_read_back_equal() {
    let (_roster, client) = started().await;
    for variant in [1, 2] {
        let user = filled(variant);
        let created = client.create(user.clone()).await.unwrap();
        assert_eq!(sent(&created), user);
        assert_eq!(client.get(user.user_id()).await.unwrap(), created);
    }
}

#[tokio::test]
async fn empty_texts_are_not_absent_ones() {
    let (_roster, client) = started().await;
    let user = texts(&[("username", "bob"), ("name", ""), ("address", ""), ("photo", "")]);
    let created = client.create(user).await.unwrap();
    let read = client.get(created.user_id()).await.unwrap();
    assert_eq!((read.name.as_deref(), read.address.as_deref(), read.photo.as_deref()), (Some(""), Some(""), Some("")));
    assert_eq!((read.nickname, read.email), (None, None));
}

#[tokio::test]
async fn a_caller_may_choose_the_user_id() {
    let (_roster, client) = started().await;
    for id in ["6229ffa00000cade3e3d9", "auth0|5f7c", "a.b_c:d|e@f+g-h", "A", "a", &"x".repeat(128)] {
        let user = UserDto { user_id: Some(id.to_owned()), ..named(id) };
        assert_eq!(client.create(user).await.unwrap().user_id(), id);
        assert_eq!(client.get(id).await.unwrap().user_id(), id);
    }
    for id in ["", " ", "a b", "a/b", "é", "a\0", "%", "<a>", &"x".repeat(129)] {
        let user = UserDto { user_id: Some(id.to_owned()), ..named("bob") };
        assert_invalid(client.users().create_user(creating(user)).await, &["user.user_id"]);
    }
}

#[tokio::test]
async fn a_create_without_identifiers_is_refused() {
    let (_roster, client) = started().await;
    let without = texts(&[("user_id", "bob-1"), ("name", "Bob"), ("unionid", "u"), ("openid", "o")]);
    for user in [None, Some(UserDto::default()), Some(without)] {
        assert_invalid(client.users().create_user(CreateUserRequest { user, ..Default::default() }).await, &["user"]);
    }
    assert_not_found(client.get_by(UserIdType::UserId, "bob-1").await);
}

#[tokio::test]
async fn any_one_identifier_is_enough() {
    let (_roster, client) = started().await;
    for identifier in [("username", "bob"), ("email", "bob@example.com"), ("phone", "18812348888"), ("external_id", "10010")] {
        client.create(texts(&[identifier])).await.unwrap();
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_create_is_told_at_once() {
    let (_roster, client) = started().await;
    let user = UserDto {
        status: Some(99),
        logins_count: Some(-1),
        last_login: Some(Timestamp { seconds: 0, nanos: -1 }),
        register_source: vec!["ok".to_owned(), "a\0".to_owned()],
        ..texts(&[
            ("user_id", "a b"),
            ("email", "bob"),
            ("phone", "1-800-FLOWERS"),
            ("username", "a b"),
            ("external_id", ""),
            ("name", "a\u{202e}b"),
            ("birthdate", "2023-02-29"),
            ("etag", "x"),
        ])
    };
    let refusal = refused(client.users().create_user(creating(user)).await);
    let mut fields = refusal.fields();
    fields.sort_unstable();
    let expected =
        "birthdate email etag external_id last_login logins_count name phone register_source[1] status user_id username";
    let expected: Vec<_> = expected.split(' ').map(|name| format!("user.{name}")).collect();
    assert_eq!(fields, expected);
    assert_eq!(refusal.metadata["violations"], "12");
    assert_not_found(client.get_by(UserIdType::UserId, "a b").await);
}

#[tokio::test]
async fn of_many_violations_twenty_are_told_and_all_are_counted() {
    let (_roster, client) = started().await;
    let source = vec!["\u{7}".to_owned(); 32];
    let user = UserDto { register_source: source, name: Some("\0".to_owned()), ..named("bob") };
    let refusal = refused(client.users().create_user(creating(user)).await);
    assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"));
    assert_eq!((refusal.violations.len(), refusal.metadata["violations"].as_str()), (20, "33"));
}

#[tokio::test]
async fn a_create_names_all_identifiers_that_are_taken() {
    let (_roster, client) = started().await;
    let owned = [
        ("user_id", "bob-1", "USER_ID_EXISTS"),
        ("email", "bob@example.com", "EMAIL_EXISTS"),
        ("phone", "18812348888", "PHONE_NUMBER_EXISTS"),
        ("username", "bob", "USERNAME_EXISTS"),
        ("external_id", "10010", "EXTERNAL_ID_EXISTS"),
    ];
    client.create(texts(&[("user_id", "bob-1"), ("username", "bob")])).await.unwrap();
    for (name, value, _) in &owned[1..] {
        if *name != "username" {
            client.create(texts(&[(name, value)])).await.unwrap();
        }
    }
    for subset in 1..1_u32 << owned.len() {
        let taken = owned.iter().enumerate().filter(|(index, _)| subset >> index & 1 == 1).map(|(_, identifier)| identifier);
        let (values, reasons): (Vec<_>, Vec<_>) = taken.map(|(name, value, reason)| ((*name, *value), *reason)).unzip();
        // A free one stands before those that are taken: it must not be there afterwards either.
        let user = texts(&[&[("username", "free"), ("email", "free@example.com")], values.as_slice()].concat());
        assert_taken(client.users().create_user(creating(user)).await, &reasons);
    }
    client.create(texts(&[("username", "free"), ("email", "free@example.com")])).await.unwrap();
}

#[tokio::test]
async fn a_user_is_read_by_an_id_of_any_type() {
    let (_roster, client) = started().await;
    client.create(named("alice")).await.unwrap();
    let created = client.create(bob()).await.unwrap();
    for (kind, id) in BOB_IDS {
        assert_eq!(client.get_by(*kind, id).await.unwrap(), created, "{kind:?} {id}");
    }
    // An id is looked for among those of its own type only.
    for (kind, _) in BOB_IDS {
        for (_, id) in BOB_IDS.iter().filter(|(_, id)| !BOB_IDS.contains(&(*kind, id))) {
            assert!(client.get_by(*kind, id).await.is_err(), "{kind:?} {id}");
        }
    }
}

#[tokio::test]
async fn a_user_is_found_by_exactly_one_identifier() {
    let (_roster, client) = started().await;
    let created = client.create(bob()).await.unwrap();
    let with_code = |phone: &str, code: &str| FindUserRequest {
        phone_country_code: Some(code.to_owned()),
        ..finding(By::Phone(phone.to_owned()))
    };
    for request in [
        finding(By::Username("bob".to_owned())),
        finding(By::Email("Bob@Example.COM".to_owned())),
        finding(By::Phone("18812348888".to_owned())),
        finding(By::Phone("+8618812348888".to_owned())),
        with_code("188-1234-8888", "86"),
        with_code("+86 188 1234 8888", "+86"),
    ] {
        assert_eq!(client.find(request.clone()).await.unwrap(), created, "{request:?}");
    }
    for request in [
        finding(By::Username("Bob".to_owned())),
        finding(By::Username("bob@example.com".to_owned())),
        finding(By::Email("alice@example.com".to_owned())),
        finding(By::Phone("18812348889".to_owned())),
        with_code("18812348888", "49"),
    ] {
        assert_not_found(client.find(request).await);
    }
}

#[tokio::test]
async fn a_find_without_a_well_formed_identifier_is_refused() {
    let (_roster, client) = started().await;
    let nothing = refused(client.find(FindUserRequest::default()).await);
    assert_eq!((nothing.kind(), nothing.violations.len()), ((Code::InvalidArgument, "INVALID_FIELD"), 1));
    let code = Some("+86".to_owned());
    for (by, field) in [
        (By::Username(String::new()), "username"),
        (By::Username("x".repeat(257)), "username"),
        (By::Email("bob".to_owned()), "email"),
        (By::Email(String::new()), "email"),
        (By::Phone("188xxxx8888".to_owned()), "phone"),
        (By::Phone("110".to_owned()), "phone"),
        (By::Phone(String::new()), "phone"),
    ] {
        assert_invalid(client.find(finding(by)).await, &[field]);
    }
    for (by, code, field) in [
        (By::Username("bob".to_owned()), "+86", "phone_country_code"),
        (By::Email("bob@example.com".to_owned()), "86", "phone_country_code"),
        (By::Phone("18812348888".to_owned()), "CN", "phone_country_code"),
        (By::Phone("18812348888".to_owned()), "", "phone_country_code"),
        (By::Phone("+8618812348888".to_owned()), "49", "phone_country_code"),
    ] {
        let request = FindUserRequest { phone_country_code: Some(code.to_owned()), ..finding(by) };
        assert_invalid(client.find(request).await, &[field]);
    }
    let alone = refused(client.find(FindUserRequest { phone_country_code: code, ..Default::default() }).await);
    assert!(alone.fields().contains(&"phone_country_code"), "{alone:?}");
}

#[tokio::test]
async fn an_id_that_nobody_has_is_not_found_whatever_it_looks_like() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let (long, wide) = ("x".repeat(256), "界".repeat(256));
    let odd =
        ["nobody", " ", " bob", "a\0b", "\0", "bob\0", "a\nb", "\u{202e}", "%", "b_b", "' OR 1=1 --", "\"", "{}", &long, &wide];
    for kind in [UserIdType::Unspecified, UserIdType::UserId, UserIdType::Username, UserIdType::ExternalId] {
        for id in odd {
            for refusal in client.refusals_by_id(kind.into(), Some(id)).await {
                assert_eq!(refusal.kind(), (Code::NotFound, "USER_NOT_FOUND"), "{kind:?} {id:?}");
            }
        }
    }
    for (kind, id) in [(UserIdType::Email, "alice@example.com"), (UserIdType::Phone, "+8618812348889")] {
        for refusal in client.refusals_by_id(kind.into(), Some(id)).await {
            assert_eq!(refusal.kind(), (Code::NotFound, "USER_NOT_FOUND"), "{kind:?} {id:?}");
        }
    }
}

#[tokio::test]
async fn an_id_that_is_not_of_its_type_is_refused() {
    let (_roster, client) = started().await;
    let (long, long_email) = ("x".repeat(257), format!("{}@x.org", "x".repeat(249)));
    let plain = [UserIdType::Unspecified, UserIdType::UserId, UserIdType::Username, UserIdType::ExternalId];
    let mut bad: Vec<_> =
        plain.iter().flat_map(|kind| [(*kind, None), (*kind, Some("")), (*kind, Some(long.as_str()))]).collect();
    let email = ["", "bob", "@", "a@b@c", "bob@-x.org", "a b@x.org", "a\0@x.org", &long_email];
    bad.extend(email.map(|id| (UserIdType::Email, Some(id))));
    let phone = ["", "bob", "188xxxx8888", "110", "+999123456", "1+8812348888", "+"];
    bad.extend(phone.map(|id| (UserIdType::Phone, Some(id))));
    bad.extend([(UserIdType::Email, None), (UserIdType::Phone, None)]);
    for (kind, id) in bad {
        for refusal in client.refusals_by_id(kind.into(), id).await {
            assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"), "{kind:?} {id:?}");
            assert_eq!(refusal.fields(), ["user_id"], "{kind:?} {id:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_type_of_id_is_refused() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    for kind in [8, 99, -1, i32::MIN, i32::MAX] {
        for refusal in client.refusals_by_id(kind, Some("bob-1")).await {
            assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"));
            assert_eq!(refusal.fields(), ["user_id_type"]);
        }
        for refusal in client.refusals_by_id(kind, None).await {
            assert_eq!(refusal.metadata["violations"], "2", "{refusal:?}");
        }
    }
}
