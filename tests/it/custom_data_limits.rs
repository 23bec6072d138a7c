//! What custom data may be: its keys, its numbers, its depth, its size.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use roster::proto::UserDto;
use tonic::Code;

use crate::calls::{assert_refused, bob, creating, masking, setting, started};
use crate::custom_data::{bob_with, merging, nested, object};
use crate::harness::{Client, assert_invalid, refused};

const LIMIT: usize = 64 * 1024;

/// Asserts that the data is refused wherever it can be sent, at a path that starts with that of the field.
async fn assert_refused_everywhere(client: &Client, data: &Struct, what: &str) {
    let change = UserDto { custom_data: Some(data.clone()), ..UserDto::default() };
    for (answer, path) in [
        (client.users().create_user(creating(bob_with(data.clone()))).await.map(drop), "user.custom_data"),
        (client.update(setting("bob-1", change.clone())).await.map(drop), "user.custom_data"),
        (client.update(masking("bob-1", change, &["custom_data"])).await.map(drop), "user.custom_data"),
        (client.update(merging(data.clone(), &[])).await.map(drop), "custom_data_set"),
    ] {
        let refusal = assert_refused(answer, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.violations.len(), 1, "{what} {refusal:?}");
        let below = refusal.fields()[0].strip_prefix(path);
        assert!(below.is_some_and(|below| below.is_empty() || below.starts_with(['.', '['])), "{what} {refusal:?}");
    }
}

/// Asserts that the data is taken wherever it can be sent, and read back equal.
async fn assert_taken_everywhere(client: &Client, data: &Struct) {
    client.delete("bob-1").await.unwrap();
    client.create(bob_with(data.clone())).await.unwrap();
    assert_eq!(client.get("bob-1").await.unwrap().custom_data.as_ref(), Some(data));
    client.delete("bob-1").await.unwrap();
    client.create(bob()).await.unwrap();
    assert_eq!(client.update(merging(data.clone(), &[])).await.unwrap().custom_data.as_ref(), Some(data));
    let change = UserDto { custom_data: Some(data.clone()), ..UserDto::default() };
    assert_eq!(client.update(setting("bob-1", change)).await.unwrap().custom_data.as_ref(), Some(data));
}

/// The value inside so many objects, or lists, or both in turn, the data itself counted as the first.
fn wrapped(levels: usize, innermost: &Value, kinds: &str) -> Struct {
    let mut value = innermost.clone();
    for level in (1..levels).rev() {
        value = match kinds.as_bytes()[level % kinds.len()] {
            b'o' => nested([("k", value)]),
            _ => Kind::ListValue(ListValue { values: vec![value] }).into(),
        };
    }
    object([("k", value)])
}

fn empty_list() -> Value {
    Kind::ListValue(ListValue::default()).into()
}

#[tokio::test]
async fn keys_keep_to_their_alphabet_at_every_depth() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let long = "k".repeat(65);
    for key in ["", " ", "a.b", "a b", "é", "$a", "a\0", "a/b", "a[0]", "\u{202e}", "*", &long] {
        let bad = nested([(key, 1.into())]);
        for data in [object([(key, 1.into())]), wrapped(1, &bad, "o"), wrapped(5, &bad, "o"), wrapped(5, &bad, "ol")] {
            assert_refused_everywhere(&client, &data, key).await;
        }
        assert_invalid(client.update(merging(Struct::default(), &["fine", key])).await, &["custom_data_unset[1]"]);
    }
    let longest = "k".repeat(64);
    assert_taken_everywhere(&client, &wrapped(4, &nested([(&longest, 1.into()), ("-_0aA", 1.into())]), "ol")).await;
}

#[tokio::test]
async fn values_are_finite_printable_and_of_a_kind() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let bad: [Value; 9] = [
        f64::NAN.into(),
        f64::INFINITY.into(),
        f64::NEG_INFINITY.into(),
        Value { kind: None },
        "a\0".into(),
        "\u{1b}[31m".into(),
        "\u{7f}".into(),
        "a\u{202e}b".into(),
        "\u{2066}".into(),
    ];
    for value in &bad {
        for data in [wrapped(1, value, "o"), wrapped(4, value, "o"), wrapped(4, value, "ol"), wrapped(8, value, "lo")] {
            assert_refused_everywhere(&client, &data, &format!("{value:?}")).await;
        }
    }
    let all = object([("a", bad[0].clone()), ("b", nested([("c", bad[3].clone())])), ("d", 1.into()), ("e f", 1.into())]);
    let refusal = refused(client.users().create_user(creating(bob_with(all))).await);
    assert_eq!(refusal.metadata["violations"], "3", "{refusal:?}");
}

#[tokio::test]
async fn there_is_one_null() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    // Its enum has one number; another is an unknown enum value.
    for number in [1, -1] {
        assert_refused_everywhere(&client, &wrapped(2, &Kind::NullValue(number).into(), "o"), "another null").await;
    }
}

#[tokio::test]
async fn it_is_eight_levels_deep_at_most() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    for kinds in ["o", "l", "ol", "lo"] {
        assert_taken_everywhere(&client, &wrapped(8, &"x".into(), kinds)).await;
        for levels in [9, 10, 20, 30] {
            assert_refused_everywhere(&client, &wrapped(levels, &"x".into(), kinds), kinds).await;
        }
    }
}

#[tokio::test]
async fn an_empty_object_or_list_is_a_level_too() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    for empty in [nested([]), empty_list()] {
        assert_taken_everywhere(&client, &wrapped(7, &empty, "ol")).await;
        assert_refused_everywhere(&client, &wrapped(8, &empty, "ol"), "nine levels, the last of them empty").await;
    }
}

#[tokio::test]
async fn what_is_nested_without_end_is_refused_whole() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    for levels in [40, 1_000] {
        let answer = client.users().create_user(creating(bob_with(wrapped(levels, &"x".into(), "o")))).await;
        assert_eq!(refused(answer).code, Code::InvalidArgument);
    }
    client.get("bob-1").await.unwrap();
}

#[tokio::test]
async fn it_is_64_kib_of_compact_json_at_most() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let around = r#"{"k":"","l":[true,null,{}]}"#.len();
    let list = vec![true.into(), Kind::NullValue(0).into(), nested([])];
    let data = |text: String| object([("k", text.into()), ("l", list.clone().into())]);
    // Bytes, not characters; what JSON escapes counts as escaped.
    for (unit, bytes) in [("x", 1), ("界", 3), ("\"", 2), ("\\", 2), ("\n", 2)] {
        let fits = (LIMIT - around) / bytes;
        let rest = "x".repeat((LIMIT - around) % bytes);
        assert_taken_everywhere(&client, &data(unit.repeat(fits) + &rest)).await;
        assert_refused_everywhere(&client, &data(unit.repeat(fits) + &rest + "x"), unit).await;
    }
    assert_refused_everywhere(&client, &data("x".repeat(3 * 1024 * 1024)), "three megabytes").await;
}

#[tokio::test]
async fn the_limit_is_that_of_what_a_merge_leaves() {
    let (_roster, client) = started().await;
    let half = "x".repeat(LIMIT / 2);
    let created = client.create(bob_with(object([("a", half.as_str().into())]))).await.unwrap();
    assert_invalid(client.update(merging(object([("b", half.as_str().into())]), &[])).await, &["custom_data_set"]);
    assert_eq!(client.get("bob-1").await.unwrap(), created);
    // What goes makes room in the same call.
    let updated = client.update(merging(object([("b", half.as_str().into())]), &["a"])).await.unwrap();
    assert_eq!(updated.custom_data, Some(object([("b", half.as_str().into())])));
    client.update(merging(object([("b", 1.into()), ("c", half.as_str().into())]), &[])).await.unwrap();
}

#[tokio::test]
async fn it_may_have_thousands_of_keys() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let keys = (0..5_000).map(|index| (format!("k{index}"), Value::from(true)));
    let data = Struct { fields: keys.collect() };
    assert_taken_everywhere(&client, &data).await;
    let updated = client.update(merging(object([("k4999", false.into())]), &["k0"])).await.unwrap();
    let data = updated.custom_data.unwrap();
    assert_eq!((data.fields.len(), data.fields["k4999"].clone()), (4_999, false.into()));
}

#[tokio::test]
async fn a_whole_number_takes_its_digits() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let ones = |count: usize| object([("k", vec![Value::from(1); count].into())]);
    let fits = (LIMIT - r#"{"k":[1]}"#.len()) / ",1".len() + 1;
    assert_refused_everywhere(&client, &ones(fits + 1), "one too many").await;
    assert_taken_everywhere(&client, &ones(fits)).await;
}

#[tokio::test]
async fn what_is_told_of_it_stays_small() {
    let (_roster, client) = started().await;
    let bad = (0..50).map(|index| (format!("bad-{index}"), Value::from(f64::NAN)));
    let mut data = Struct { fields: bad.collect() };
    for _ in 0..7 {
        data = object([(&"k".repeat(64), Kind::StructValue(data).into())]);
    }
    let refusal = refused(client.users().create_user(creating(bob_with(data))).await);
    let bytes: usize = refusal.violations.iter().map(|(field, description)| field.len() + description.len()).sum();
    assert!((1..20).contains(&refusal.violations.len()) && bytes <= 4 * 1024, "{bytes} {refusal:?}");
    assert_eq!(refusal.metadata["violations"], "50");
}
