//! What each field takes, asked of every field that the descriptor has: one that is added is asked the same.

use std::collections::BTreeSet;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, Value};
use roster::proto::{Timestamp, UserDto};
use tonic::Code;

use crate::calls::{creating, masking, setting, started};
use crate::dto::{is_text, is_time, sample, sent, time, value, with, writable};
use crate::harness::{Client, Refusal, assert_invalid, named, refused};

/// Texts with rules of their own, which other files test.
const IDENTIFIERS: &[&str] = &["user_id", "external_id", "email", "phone", "phone_country_code", "username"];
/// Texts that may be 2,048 characters long (contract §1: URLs, `browser`, `formatted`); `profile` is by convention a link.
const LONG: &[&str] = &["photo", "profile", "website", "browser", "formatted"];
/// Texts in which tab and newline are fine.
const BLOCKS: &[&str] = &["address", "street_address", "formatted"];

/// The profile's texts, `register_source` among them.
fn texts() -> Vec<FieldDescriptor> {
    let text = |field: &FieldDescriptor| is_text(field) || field.name() == "register_source";
    let own_rule = |field: &FieldDescriptor| IDENTIFIERS.contains(&field.name()) || field.name() == "birthdate";
    writable().filter(|field| text(field) && !own_rule(field)).collect()
}

fn limit(field: &FieldDescriptor) -> usize {
    if LONG.contains(&field.name()) { 2_048 } else { 256 }
}

/// The text as the field holds it, and the path by which a violation names it.
fn holding(field: &FieldDescriptor, text: &str) -> (Value, String) {
    let (text, name) = (Value::String(text.to_owned()), field.name());
    if field.is_list() { (Value::List(vec![text]), format!("user.{name}[0]")) } else { (text, format!("user.{name}")) }
}

/// Bob with a text in each of the fields.
fn bob_with(fields: &[FieldDescriptor], text: impl Fn(&FieldDescriptor) -> String) -> UserDto {
    with(&named("bob"), fields.iter().map(|field| (field.name(), holding(field, &text(field)).0)))
}

/// Asserts that Bob's field is refused at the path in a create, an update, and an update under a mask.
async fn assert_bad(client: &Client, bob: &UserDto, field: &FieldDescriptor, bad: Value, path: &str) {
    let (name, shown) = (field.name(), format!("{bad:?}"));
    let user = with(&named("bob"), [(name, bad)]);
    for refusal in [
        refused(client.users().create_user(creating(user.clone())).await),
        refused(client.update(setting(bob.user_id(), user.clone())).await),
        refused(client.update(masking(bob.user_id(), user, &["username", name])).await),
    ] {
        assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"), "{name} {shown:.80}");
        assert_eq!(refusal.fields(), [path], "{name} {shown:.80}");
    }
}

/// Asserts that Bob's field takes the value in an update, and keeps it as `kept`.
async fn assert_good(client: &Client, bob: &UserDto, field: &FieldDescriptor, good: Value, kept: &Value) {
    let user = with(&UserDto::default(), [(field.name(), good)]);
    client.update(setting(bob.user_id(), user)).await.unwrap();
    let read = client.get(bob.user_id()).await.unwrap();
    assert_eq!(value(&read, field.name()).as_ref(), Some(kept), "{}", field.name());
}

#[tokio::test]
async fn every_text_takes_as_many_characters_as_the_contract_says() {
    let (_roster, client) = started().await;
    let texts = texts();
    // Characters, not bytes or UTF-16 units.
    for unit in ["x", "界", "😀"] {
        let user = bob_with(&texts, |field| unit.repeat(limit(field)));
        let created = client.create(user.clone()).await.unwrap();
        for field in &texts {
            assert_eq!(value(&created, field.name()), value(&user, field.name()), "{}", field.name());
            let (bad, path) = holding(field, &unit.repeat(limit(field) + 1));
            assert_bad(&client, &created, field, bad, &path).await;
        }
        assert_eq!(client.get(created.user_id()).await.unwrap(), created);
        client.delete(created.user_id()).await.unwrap();
    }
}

#[tokio::test]
async fn no_text_takes_control_or_bidi_characters() {
    let (_roster, client) = started().await;
    let texts = texts();
    let controls = ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}').chain('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
    // A carriage return is left out: whether it is part of a newline the contract does not say.
    for character in controls.filter(|character| *character != '\r') {
        let layout = matches!(character, '\t' | '\n');
        let expected = texts.iter().filter(|field| !(layout && BLOCKS.contains(&field.name()))).count();
        for text in [format!("a{character}b"), format!("{character}"), format!("b{character}"), format!("{character}b")] {
            let refusal = refused(client.users().create_user(creating(bob_with(&texts, |_| text.clone()))).await);
            assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"));
            assert_eq!(refusal.metadata["violations"], expected.to_string(), "{text:?}");
        }
    }
}

#[tokio::test]
async fn a_bad_character_is_told_of_the_field_that_has_it() {
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    for field in texts() {
        for text in ["\0", "a\u{202e}b", "\u{85}"] {
            let (bad, path) = holding(&field, text);
            assert_bad(&client, &bob, &field, bad, &path).await;
        }
    }
}

#[tokio::test]
async fn tab_and_newline_are_fine_in_addresses_and_nowhere_else() {
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    for field in texts() {
        let (layout, path) = holding(&field, "132, My Street\n\tKingston\n");
        if BLOCKS.contains(&field.name()) {
            assert_good(&client, &bob, &field, layout.clone(), &layout).await;
        } else {
            assert_bad(&client, &bob, &field, layout, &path).await;
        }
    }
}

#[tokio::test]
async fn texts_are_kept_as_they_are() {
    let (_roster, client) = started().await;
    let texts = texts();
    for text in [
        "",
        " ",
        "  a  ",
        "é",
        "e\u{301}",
        "ﬃ",
        "\u{212b}",
        "ＡＢ",
        "👩\u{200d}👩",
        "عربى",
        "עברית\u{200f}",
        "\u{feff}a",
        "\u{2028}",
        "\u{fffd}",
        "\u{e000}",
        "\u{10ffff}",
        "'; DROP TABLE users; --",
        "%_\\",
        "\"\"",
        "{}",
        "null",
        "0",
        "<script>",
        "GMT-08:00",
    ] {
        let created = client.create(bob_with(&texts, |_| text.to_owned())).await.unwrap();
        let read = client.get(created.user_id()).await.unwrap();
        for field in &texts {
            assert_eq!(value(&read, field.name()), Some(holding(field, text).0), "{} {text:?}", field.name());
        }
        client.delete(created.user_id()).await.unwrap();
    }
}

#[tokio::test]
async fn a_birthdate_is_a_day_of_the_calendar() {
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    let field = writable().find(|field| field.name() == "birthdate").unwrap();
    for date in ["2022-06-03", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1582-10-10"] {
        let date = Value::String(date.to_owned());
        assert_good(&client, &bob, &field, date.clone(), &date).await;
    }
    for date in [
        "",
        " ",
        "2022-6-3",
        "2023-02-29",
        "1900-02-29",
        "2022-13-01",
        "2022-00-10",
        "2022-01-00",
        "2022-04-31",
        "0000-01-01",
        "10000-01-01",
        "-001-01-01",
        "+2022-06-03",
        "20220603",
        "2022/06/03",
        "03-06-2022",
        "2022-06-03T00:00:00Z",
        "2022-06-03 ",
        " 2022-06-03",
        "2022-06-03\0",
        "2022-06",
        "2022-W22-5",
        "２０２２-06-03",
        "2022–06–03",
        "yesterday",
    ] {
        assert_bad(&client, &bob, &field, Value::String(date.to_owned()), "user.birthdate").await;
    }
}

#[tokio::test]
async fn every_enum_takes_its_values_and_no_other_number() {
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    let enums: Vec<_> = writable().filter_map(|field| Some((as_enum(&field)?, field))).collect();
    assert!(enums.len() >= 4);
    for (kind, field) in enums {
        let known: BTreeSet<i32> = kind.values().map(|value| value.number()).collect();
        let path = format!("user.{}", field.name());
        for number in [0, -1, known.last().unwrap() + 1, 99, i32::MAX, i32::MIN] {
            assert_bad(&client, &bob, &field, Value::EnumNumber(number), &path).await;
        }
        for number in known.into_iter().filter(|number| *number != 0) {
            assert_good(&client, &bob, &field, Value::EnumNumber(number), &Value::EnumNumber(number)).await;
        }
    }
}

fn as_enum(field: &FieldDescriptor) -> Option<EnumDescriptor> {
    if let Kind::Enum(kind) = field.kind() { Some(kind) } else { None }
}

#[tokio::test]
async fn every_flag_takes_both_values() {
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    for field in writable().filter(|field| field.kind() == Kind::Bool) {
        for flag in [true, false, true] {
            assert_good(&client, &bob, &field, Value::Bool(flag), &Value::Bool(flag)).await;
        }
    }
}

#[tokio::test]
async fn every_number_is_zero_or_more() {
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    for field in writable().filter(|field| field.kind() == Kind::Int32) {
        for number in [0, 1, i32::MAX] {
            assert_good(&client, &bob, &field, Value::I32(number), &Value::I32(number)).await;
        }
        for number in [-1, i32::MIN] {
            assert_bad(&client, &bob, &field, Value::I32(number), &format!("user.{}", field.name())).await;
        }
    }
}

#[tokio::test]
async fn every_time_is_of_the_years_1_to_9999_and_kept_to_the_microsecond() {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    for field in writable().filter(is_time) {
        for (seconds, nanos, kept) in [
            (0, 0, 0),
            (1_656_818_430, 123_456_789, 123_456_000),
            (0, 999, 0),
            (-1, 999_999_999, 999_999_000),
            (-1, 500_000_500, 500_000_000),
            (FIRST, 0, 0),
            (FIRST, 1_000, 1_000),
            (LAST, 999_999_999, 999_999_000),
        ] {
            let kept = time(Timestamp { seconds, nanos: kept });
            assert_good(&client, &bob, &field, time(Timestamp { seconds, nanos }), &kept).await;
        }
        for (seconds, nanos) in [
            (FIRST - 1, 0),
            (FIRST - 1, 999_999_999),
            (LAST + 1, 0),
            (i64::MAX, 0),
            (i64::MIN, 0),
            (0, -1),
            (0, 1_000_000_000),
            (0, i32::MAX),
            (0, i32::MIN),
        ] {
            assert_bad(&client, &bob, &field, time(Timestamp { seconds, nanos }), &format!("user.{}", field.name())).await;
        }
    }
}

#[tokio::test]
async fn a_register_source_has_32_items_at_most() {
    let (_roster, client) = started().await;
    let bob = client.create(named("bob")).await.unwrap();
    let field = writable().find(|field| field.name() == "register_source").unwrap();
    let items = |count: usize, item: &str| Value::List(vec![Value::String(item.to_owned()); count]);
    for value in [items(1, ""), items(32, "x"), items(32, &"界".repeat(256))] {
        assert_good(&client, &bob, &field, value.clone(), &value).await;
    }
    for count in [33, 1_000] {
        assert_bad(&client, &bob, &field, items(count, "x"), "user.register_source").await;
    }
    let last = Value::List(["a", "b", "\0"].map(|item| Value::String(item.to_owned())).into());
    assert_bad(&client, &bob, &field, last, "user.register_source[2]").await;
    // An empty list is an absent one, so that without a mask it changes nothing.
    let kept = client.get(bob.user_id()).await.unwrap();
    let updated = client.update(setting(bob.user_id(), UserDto { register_source: vec![], ..UserDto::default() })).await;
    assert_eq!(updated.unwrap(), kept);
}

/// All that a refusal says.
fn words(refusal: &Refusal) -> String {
    format!("{} {:?} {:?}", refusal.message, refusal.violations, refusal.metadata)
}

#[tokio::test]
async fn input_is_echoed_in_small_pieces_and_never_that_of_a_secret() {
    let (_roster, client) = started().await;
    let long = "Z".repeat(10_000);
    for field in writable().filter(|field| is_text(field) || field.name() == "register_source") {
        for text in [&long, &format!("{long}\0"), &format!("{long}\u{202e}@")] {
            let (bad, _) = holding(&field, text);
            let refusal = refused(client.users().create_user(creating(with(&named("bob"), [(field.name(), bad)]))).await);
            assert!(!words(&refusal).contains(&"Z".repeat(65)), "{}", field.name());
        }
    }
    let field = writable().find(|field| field.name() == "identity_number").unwrap();
    for secret in ["hunter2\0", "hunter2\u{202e}", &"hunter2".repeat(40)] {
        let user = with(&named("bob"), [(field.name(), Value::String(secret.to_owned()))]);
        let refusal = refused(client.users().create_user(creating(user)).await);
        assert_eq!(refusal.fields(), ["user.identity_number"]);
        assert!(!words(&refusal).contains("hunter2"), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_write_at_every_limit_at_once_is_taken() {
    let (_roster, client) = started().await;
    let texts = texts();
    let mut user = bob_with(&texts, |field| "界".repeat(limit(field)));
    user.register_source = vec!["界".repeat(256); 32];
    for field in writable().filter(|field| !texts.contains(field) && !field.is_list() && !IDENTIFIERS.contains(&field.name())) {
        user = with(&user, [(field.name(), sample(&field, 1))]);
    }
    let key = || ("k".to_owned(), "x".repeat(64 * 1024 - 8).into());
    user.custom_data = Some(prost_types::Struct { fields: [key()].into() });
    user.email = Some(format!("{}@x.org", "界".repeat(248)));
    user.username = Some("界".repeat(128));
    user.external_id = Some("界".repeat(256));
    user.user_id = Some("x".repeat(128));
    let created = client.create(user.clone()).await.unwrap();
    assert_eq!(sent(&created), user);
    assert_eq!(client.get(user.user_id()).await.unwrap(), created);
    assert_invalid(client.users().create_user(creating(UserDto { name: Some("x".repeat(257)), ..user })).await, &["user.name"]);
}
