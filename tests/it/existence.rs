//! Does this user exist: seeds 000, 001 and 002, one by one and in batches.

use std::time::Duration;

use roster::proto::{
    BatchUserExistsRequest, CheckUserCode, CheckUserRequest, CheckUserResponse, CheckUsernameAvailabilityRequest,
    UserExistsMatch, UserExistsRequest, UserExistsResponse, UserIdType, UsernameUnavailableReason,
};
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};

use crate::calls::{bob, creating, setting, started};
use crate::dto::texts;
use crate::harness::{Client, Refusal, assert_invalid, named, refused};

/// The check for these identifiers.
fn check(identifiers: &[(&str, &str)]) -> UserExistsRequest {
    let mut check = UserExistsRequest::default();
    for (name, value) in identifiers {
        let field = match *name {
            "username" => &mut check.username,
            "email" => &mut check.email,
            "phone" => &mut check.phone,
            "phone_country_code" => &mut check.phone_country_code,
            "external_id" => &mut check.external_id,
            other => panic!("{other} is no identifier"),
        };
        *field = Some((*value).to_owned());
    }
    check
}

/// What an answer says, matches in their order.
fn said(answer: &UserExistsResponse) -> (bool, Vec<UserIdType>, Option<bool>) {
    (answer.exists, answer.matches.iter().map(UserExistsMatch::r#type).collect(), answer.same_user)
}

/// Bob with all identifiers, and Alice with another of each.
async fn two(client: &Client) {
    client.create(bob()).await.unwrap();
    let alice = [("username", "alice"), ("email", "alice@x.org"), ("phone", "+447911123456"), ("external_id", "10011")];
    client.create(texts(&alice)).await.unwrap();
}

/// Checks with what they find, and what is wrong with those that are bad.
type Found = (&'static [(&'static str, &'static str)], &'static [UserIdType], Option<bool>);
type Bad = (&'static [(&'static str, &'static str)], &'static [&'static str]);

const FOUND: &[Found] = &[
    (&[("username", "bob")], &[UserIdType::Username], Some(true)),
    (&[("username", "Bob")], &[], None),
    (&[("email", "BOB@Example.com")], &[UserIdType::Email], Some(true)),
    (&[("email", "nobody@x.org")], &[], None),
    (&[("phone", "188-1234-8888")], &[UserIdType::Phone], Some(true)),
    (&[("phone", "188-1234-8888"), ("phone_country_code", "86")], &[UserIdType::Phone], Some(true)),
    (&[("phone", "+86 188 1234 8888"), ("phone_country_code", "86")], &[UserIdType::Phone], Some(true)),
    (&[("phone", "07911 123456"), ("phone_country_code", "+44")], &[UserIdType::Phone], Some(true)),
    (&[("phone", "18812348888"), ("phone_country_code", "49")], &[], None),
    (&[("external_id", "10010")], &[UserIdType::ExternalId], Some(true)),
    (&[("external_id", "10010 ")], &[], None),
    (
        &[("external_id", "10010"), ("phone", "18812348888"), ("email", "bob@example.com"), ("username", "bob")],
        &[UserIdType::Username, UserIdType::Email, UserIdType::Phone, UserIdType::ExternalId],
        Some(true),
    ),
    (&[("username", "bob"), ("email", "alice@x.org")], &[UserIdType::Username, UserIdType::Email], Some(false)),
    (&[("username", "bob"), ("external_id", "10011")], &[UserIdType::Username, UserIdType::ExternalId], Some(false)),
    (&[("username", "nobody"), ("email", "nobody@x.org"), ("external_id", "10010")], &[UserIdType::ExternalId], Some(true)),
    (&[("username", "nobody"), ("email", "nobody@x.org"), ("phone", "18812340000"), ("external_id", "0")], &[], None),
    // Well-formed in a lookup, though nobody could have it.
    (&[("username", "a b\0"), ("external_id", "\u{202e}")], &[], None),
];

const BAD: &[Bad] = &[
    (&[("username", "")], &["username"]),
    (&[("external_id", "")], &["external_id"]),
    (&[("email", "")], &["email"]),
    (&[("email", "bob")], &["email"]),
    (&[("phone", "")], &["phone"]),
    (&[("phone", "188xxxx8888")], &["phone"]),
    (&[("phone", "18812348888"), ("phone_country_code", "CN")], &["phone_country_code"]),
    (&[("username", "bob"), ("phone_country_code", "86")], &["phone_country_code"]),
    // One good identifier does not hide a bad one.
    (&[("username", "bob"), ("email", "bob")], &["email"]),
    (&[("username", ""), ("email", "@"), ("phone", "x"), ("external_id", "")], &["username", "email", "phone", "external_id"]),
];

#[tokio::test]
async fn existence_is_told_for_any_of_the_identifiers() {
    let (_roster, client) = started().await;
    two(&client).await;
    for (identifiers, matches, same_user) in FOUND {
        let answer = client.exists(check(identifiers)).await.unwrap();
        assert_eq!(said(&answer), (!matches.is_empty(), matches.to_vec(), *same_user), "{identifiers:?}");
    }
}

#[tokio::test]
async fn a_bad_check_is_refused() {
    let (_roster, client) = started().await;
    two(&client).await;
    for (identifiers, fields) in BAD {
        assert_invalid(client.exists(check(identifiers)).await, fields);
    }
    let long = "x".repeat(257);
    assert_invalid(client.exists(check(&[("username", &long)])).await, &["username"]);
    assert_invalid(client.exists(check(&[("external_id", &long)])).await, &["external_id"]);
    assert!(!client.exists(check(&[("username", &long[1..])])).await.unwrap().exists);
    let none = refused(client.exists(check(&[])).await);
    assert_eq!((none.kind(), none.violations.len()), ((Code::InvalidArgument, "INVALID_FIELD"), 1));
    let code = refused(client.exists(check(&[("phone_country_code", "86")])).await);
    assert!(code.fields().contains(&"phone_country_code"), "{code:?}");
}

#[tokio::test]
async fn existence_is_that_of_the_latest_write() {
    let (_roster, client) = started().await;
    let asked = || check(&[("email", "bob@example.com")]);
    for _ in 0..20 {
        assert!(!client.exists(asked()).await.unwrap().exists);
        client.create(bob()).await.unwrap();
        assert!(client.exists(asked()).await.unwrap().exists);
        client.update(setting("bob-1", texts(&[("email", "robert@example.com")]))).await.unwrap();
        assert!(!client.exists(asked()).await.unwrap().exists);
        client.delete("bob-1").await.unwrap();
    }
}

/// The error inside a row, taken apart as that of a call.
pub(crate) fn row_error(error: pb::Status) -> Refusal {
    let code = Code::from_i32(error.code);
    let details = prost::Message::encode_to_vec(&error);
    let status = Status::with_details(code, error.message, details.into());
    assert!(status.get_error_details().error_info().is_some());
    status.into()
}

#[tokio::test]
async fn each_row_of_a_batch_is_answered_as_a_call_of_its_own() {
    let (_roster, client) = started().await;
    two(&client).await;
    let mut checks = Vec::new();
    // Good and bad ones take turns, so that a shift would show.
    for (index, (identifiers, ..)) in FOUND.iter().enumerate() {
        checks.push(check(identifiers));
        checks.push(check(BAD[index % BAD.len()].0));
    }
    checks.push(check(&[]));
    checks.push(checks[0].clone());
    let batch = BatchUserExistsRequest { checks: checks.clone() };
    let results = client.users().batch_user_exists(batch).await.unwrap().into_inner().results;
    assert_eq!(results.len(), checks.len());
    for (check, result) in checks.into_iter().zip(results) {
        let row = UserExistsResponse { exists: result.exists, matches: result.matches, same_user: result.same_user };
        match client.exists(check.clone()).await {
            Ok(alone) => assert_eq!((said(&row), result.error), (said(&alone), None), "{check:?}"),
            Err(alone) => {
                assert_eq!(said(&row), (false, vec![], None));
                let (alone, row) = (refused(Err::<(), _>(alone)), row_error(result.error.unwrap()));
                assert_eq!(row.kind(), alone.kind());
                assert_eq!((row.message, row.violations, row.metadata), (alone.message, alone.violations, alone.metadata));
            }
        }
    }
}

#[tokio::test]
async fn a_batch_has_one_to_a_thousand_rows() {
    let (_roster, client) = started().await;
    two(&client).await;
    let batch = |rows: usize| {
        let row = |index: usize| match index % 3 {
            0 => bob_by_all(),
            1 => check(&[("username", &format!("nobody-{index}")), ("email", &format!("{index}@x.org"))]),
            _ => check(&[("email", "bob")]),
        };
        BatchUserExistsRequest { checks: (0..rows).map(row).collect() }
    };
    for rows in [0, 1_001, 5_000] {
        assert_invalid(client.users().batch_user_exists(batch(rows)).await, &["checks"]);
    }
    for rows in [1, 1_000] {
        let results = client.users().batch_user_exists(batch(rows)).await.unwrap().into_inner().results;
        assert_eq!(results.len(), rows);
        for (index, result) in results.iter().enumerate() {
            assert_eq!((result.exists, result.error.is_some()), (index % 3 == 0, index % 3 == 2), "{index}");
            assert_eq!(result.matches.len(), if index % 3 == 0 { 4 } else { 0 });
        }
    }
}

fn bob_by_all() -> UserExistsRequest {
    check(&[("username", "bob"), ("email", "bob@example.com"), ("phone", "18812348888"), ("external_id", "10010")])
}

fn asked(email: Option<&str>, phone_number: Option<&str>) -> CheckUserRequest {
    CheckUserRequest { email: email.map(ToOwned::to_owned), phone_number: phone_number.map(ToOwned::to_owned) }
}

#[tokio::test]
async fn a_user_is_checked_by_email_or_else_by_phone() {
    let (roster, client) = started().await;
    client.create(named("somebody")).await.unwrap();
    roster.clock.advance(Duration::from_millis(1_500));
    let created_at = client.create(bob()).await.unwrap().created_at;
    roster.clock.advance(Duration::from_secs(5));
    client.update(setting("bob-1", texts(&[("nickname", "Bobby")]))).await.unwrap();
    let answer = |code: CheckUserCode, message: &str| {
        let exists = code != CheckUserCode::UserNotFound;
        let created_at = created_at.filter(|_| exists);
        // The key is the whole pool's.
        let exists_in_current_organization = exists.then_some(false);
        let (code, message) = (code.into(), message.to_owned());
        CheckUserResponse { exists, code, message, created_at, exists_in_current_organization }
    };
    let by_email = answer(CheckUserCode::EmailExists, "Email already exists");
    let by_phone = answer(CheckUserCode::PhoneNumberExists, "Phone number already exists");
    let nobody = answer(CheckUserCode::UserNotFound, "User does not exist");
    for (email, phone, expected) in [
        (Some("Bob@Example.com "), None, &by_email),
        (None, Some("18812348888"), &by_phone),
        (None, Some("+86 188 1234 8888"), &by_phone),
        (Some("nobody@x.org"), None, &nobody),
        (None, Some("+11111111111"), &nobody),
        // With both the email decides, and the phone is not looked at, be it even none.
        (Some("bob@example.com"), Some("+11111111111"), &by_email),
        (Some("bob@example.com"), Some("not a phone"), &by_email),
        (Some("bob@example.com"), Some(""), &by_email),
        (Some("nobody@x.org"), Some("18812348888"), &nobody),
    ] {
        let answer = client.users().check_user(asked(email, phone)).await.unwrap().into_inner();
        assert_eq!(&answer, expected, "{email:?} {phone:?}");
    }
}

#[tokio::test]
async fn a_check_of_nothing_is_refused_in_the_seeds_words() {
    let (_roster, client) = started().await;
    let refusal = refused(client.users().check_user(asked(None, None)).await);
    assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"));
    assert_eq!(refusal.message, "Email or phone number is required.");
    assert_eq!((refusal.violations.len(), refusal.metadata["violations"].as_str()), (1, "1"));
    for (email, phone, field) in [
        (Some("bob"), None, "email"),
        (Some(""), None, "email"),
        (Some(""), Some("18812348888"), "email"),
        (Some("bob"), Some("18812348888"), "email"),
        (None, Some("188xxxx8888"), "phone_number"),
        (None, Some(""), "phone_number"),
        (None, Some("110"), "phone_number"),
    ] {
        assert_invalid(client.users().check_user(asked(email, phone)).await, &[field]);
    }
}

#[tokio::test]
async fn a_username_is_available_if_it_is_well_formed_and_nobodys() {
    let (_roster, client) = started().await;
    client.create(named("Åsa")).await.unwrap();
    let (taken, invalid) = (Some(UsernameUnavailableReason::Taken), Some(UsernameUnavailableReason::Invalid));
    let (longest, long, huge) = ("x".repeat(128), "界".repeat(129), "x".repeat(10_000));
    for (username, reason) in [
        ("Åsa", taken),
        ("A\u{30a}sa", taken),
        ("åsa", None),
        ("johndoe123", None),
        ("a@x.org", None),
        (&longest, None),
        (&long, invalid),
        (&huge, invalid),
        ("", invalid),
        (" ", invalid),
        ("Åsa ", invalid),
        ("a b", invalid),
        ("a\0", invalid),
        ("a\u{202e}b", invalid),
        ("a\u{200b}b", invalid),
    ] {
        let request = CheckUsernameAvailabilityRequest { username: Some(username.to_owned()) };
        let answer = client.users().check_username_availability(request).await.unwrap().into_inner();
        assert_eq!((answer.available, answer.reason), (reason.is_none(), reason.map(Into::into)), "{username:?}");
        // What is said to be free can be had, and nothing else.
        let created = client.users().create_user(creating(named(username))).await;
        assert_eq!(created.is_ok(), reason.is_none(), "{username:?}");
    }
    let request = CheckUsernameAvailabilityRequest { username: None };
    assert_invalid(client.users().check_username_availability(request).await, &["username"]);
}
