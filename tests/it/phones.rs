//! Phone numbers: two fields that make one identifier, under a default calling code.

use roster::proto::find_user_request::By;
use roster::proto::{FindUserRequest, UserDto, UserExistsRequest, UserIdType};

use crate::calls::{assert_not_found, assert_taken, creating, finding, masking, setting, started};
use crate::dto::texts;
use crate::harness::{Roster, assert_invalid, refused};

const PHONE: &str = "user.phone";
const CODE: &str = "user.phone_country_code";

/// A user `bob` with these texts beside.
fn with(phone: &[(&str, &str)]) -> UserDto {
    texts(&[&[("user_id", "bob-1"), ("username", "bob")], phone].concat())
}

fn phone_of(user: &UserDto) -> (Option<&str>, Option<&str>) {
    (user.phone_country_code.as_deref(), user.phone.as_deref())
}

#[tokio::test]
async fn a_number_is_kept_as_code_and_national_digits() {
    let (_roster, client) = started().await;
    for (phone, code, stored) in [
        ("188 1234 8888", None, ("+86", "18812348888")),
        ("18812348888", Some("86"), ("+86", "18812348888")),
        ("18812348888", Some("+86"), ("+86", "18812348888")),
        ("+8618812348888", Some("86"), ("+86", "18812348888")),
        ("010-6552 9988", None, ("+86", "1065529988")),
        ("+44 (0) 7911-123.456", None, ("+44", "7911123456")),
        ("07911 123456", Some("44"), ("+44", "7911123456")),
        ("(650) 253-0000", Some("+1"), ("+1", "6502530000")),
        ("1 650 253 0000", Some("1"), ("+1", "6502530000")),
        ("+39 06 1234 5678", None, ("+39", "0612345678")),
        ("8 (912) 345-67-89", Some("7"), ("+7", "9123456789")),
        // Of the seeds: no range that was ever given out.
        ("+11111111111", None, ("+1", "1111111111")),
    ] {
        let mut user = with(&[("phone", phone)]);
        user.phone_country_code = code.map(ToOwned::to_owned);
        let created = client.create(user).await.unwrap();
        assert_eq!(phone_of(&created), (Some(stored.0), Some(stored.1)), "{phone}");
        let e164 = format!("{}{}", stored.0, stored.1);
        assert_eq!(client.get_by(UserIdType::Phone, &e164).await.unwrap(), created);
        client.delete("bob-1").await.unwrap();
    }
}

#[tokio::test]
async fn a_number_that_cannot_be_one_is_refused() {
    let (_roster, client) = started().await;
    let created = client.create(with(&[("phone", "18812340000")])).await.unwrap();
    let long = "1".repeat(10_000);
    for phone in [
        "",
        " ",
        "+",
        "-",
        "()",
        "1-800-FLOWERS",
        "188xxxx8888",
        "1881234888O",
        "188 1234 8888 ext. 5",
        "188;1234",
        "188/1234/8888",
        "+86+18812348888",
        "86+18812348888",
        "++8618812348888",
        "18812348888\0",
        "188\t12348888",
        "188\n12348888",
        "１８８１２３４８８８８",
        "١٨٨١٢٣٤٨٨٨٨",
        "188\u{a0}12348888",
        "\u{202a}18812348888",
        "tel:+8618812348888",
        "*18812348888",
        "1",
        "110",
        "1881234888899",
        "+86188",
        "+1 253 0000",
        "+999 123 456 789",
        "+0 123 456 789",
        &long,
    ] {
        assert_invalid(client.users().create_user(creating(texts(&[("phone", phone)]))).await, &[PHONE]);
        assert_invalid(client.update(setting("bob-1", texts(&[("phone", phone)]))).await, &[PHONE]);
        assert_invalid(client.update(masking("bob-1", texts(&[("phone", phone)]), &["phone"])).await, &[PHONE]);
        let check = UserExistsRequest { phone: Some(phone.to_owned()), ..Default::default() };
        assert_invalid(client.exists(check).await, &["phone"]);
        assert_invalid(client.find(finding(By::Phone(phone.to_owned()))).await, &["phone"]);
        assert_invalid(client.get_by(UserIdType::Phone, phone).await, &["user_id"]);
    }
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn a_code_that_is_none_is_refused() {
    let (_roster, client) = started().await;
    client.create(with(&[("phone", "18812340000")])).await.unwrap();
    for code in
        ["", " ", "+", "CN", "+CN", "086", "0086", "++86", "8 6", " 86", "86 ", "８６", "0", "999", "86\0", "-86", "8612345"]
    {
        let user = texts(&[("phone", "18812348888"), ("phone_country_code", code)]);
        assert_invalid(client.users().create_user(creating(user.clone())).await, &[CODE]);
        assert_invalid(client.update(setting("bob-1", user)).await, &[CODE]);
        assert_invalid(client.update(setting("bob-1", texts(&[("phone_country_code", code)]))).await, &[CODE]);
        let check = UserExistsRequest {
            phone: Some("18812348888".to_owned()),
            phone_country_code: Some(code.to_owned()),
            ..Default::default()
        };
        assert_invalid(client.exists(check).await, &["phone_country_code"]);
    }
}

#[tokio::test]
async fn a_plus_beside_another_code_is_refused() {
    let (_roster, client) = started().await;
    client.create(with(&[("phone", "18812340000")])).await.unwrap();
    for (phone, code) in [("+8618812348888", "44"), ("+447911123456", "+86"), ("+12423651234", "7")] {
        let user = texts(&[("phone", phone), ("phone_country_code", code)]);
        assert_invalid(client.users().create_user(creating(user.clone())).await, &[CODE]);
        assert_invalid(client.update(setting("bob-1", user)).await, &[CODE]);
        let (phone, code) = (phone.to_owned(), Some(code.to_owned()));
        let check =
            UserExistsRequest { phone: Some(phone.clone()), phone_country_code: code.clone(), ..UserExistsRequest::default() };
        assert_invalid(client.exists(check).await, &["phone_country_code"]);
        let find = FindUserRequest { phone_country_code: code, ..finding(By::Phone(phone)) };
        assert_invalid(client.find(find).await, &["phone_country_code"]);
    }
}

#[tokio::test]
async fn a_bad_number_and_a_bad_code_are_told_together() {
    let (_roster, client) = started().await;
    let user = texts(&[("phone", "188xxxx8888"), ("phone_country_code", "CN")]);
    assert_invalid(client.users().create_user(creating(user)).await, &[PHONE, CODE]);
    let check = UserExistsRequest {
        phone: Some("188xxxx8888".to_owned()),
        phone_country_code: Some("CN".to_owned()),
        ..UserExistsRequest::default()
    };
    assert_invalid(client.exists(check).await, &["phone", "phone_country_code"]);
}

#[tokio::test]
async fn a_code_needs_a_number() {
    let (_roster, client) = started().await;
    let lone = || with(&[("phone_country_code", "+86")]);
    assert_invalid(client.users().create_user(creating(lone())).await, &[CODE]);
    client.create(with(&[])).await.unwrap();
    let change = texts(&[("phone_country_code", "+86")]);
    assert_invalid(client.update(setting("bob-1", change.clone())).await, &[CODE]);
    assert_invalid(client.update(masking("bob-1", change.clone(), &["phone_country_code"])).await, &[CODE]);
    assert_invalid(client.update(masking("bob-1", change, &["phone", "phone_country_code"])).await, &[CODE]);
    // A code is no identifier.
    let refusal = refused(client.users().create_user(creating(texts(&[("phone_country_code", "+86")]))).await);
    assert!(refusal.fields().contains(&CODE), "{refusal:?}");
}

#[tokio::test]
async fn a_number_alone_is_of_the_stored_code() {
    let (_roster, client) = started().await;
    client.create(with(&[("phone", "+44 7911 123456")])).await.unwrap();
    let digits = texts(&[("phone", "07911 123457")]);
    let updated = client.update(setting("bob-1", digits.clone())).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+44"), Some("7911123457")));
    // Also where the code that is sent along stands outside the mask.
    let brought = texts(&[("phone", "07911 123458"), ("phone_country_code", "+49")]);
    let updated = client.update(masking("bob-1", brought, &["phone"])).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+44"), Some("7911123458")));
    // What is possible under the default code is not what counts.
    assert_invalid(client.update(setting("bob-1", texts(&[("phone", "18812348888")]))).await, &[PHONE]);
    // Once there is none stored, it is the default again.
    client.update(masking("bob-1", UserDto::default(), &["phone"])).await.unwrap();
    let updated = client.update(setting("bob-1", texts(&[("phone", "18812348888")]))).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+86"), Some("18812348888")));
}

#[tokio::test]
async fn a_number_with_a_plus_changes_both_fields() {
    let (_roster, client) = started().await;
    client.create(with(&[("phone", "18812348888")])).await.unwrap();
    let number = texts(&[("phone", "+1 650 253 0000")]);
    let updated = client.update(setting("bob-1", number)).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+1"), Some("6502530000")));
    // Also where the code that was read is sent back outside the mask.
    let number = texts(&[("phone", "+44 7911 123456"), ("phone_country_code", "+1")]);
    let updated = client.update(masking("bob-1", number, &["phone"])).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+44"), Some("7911123456")));
    assert_not_found(client.get_by(UserIdType::Phone, "+16502530000").await);
}

#[tokio::test]
async fn a_code_alone_makes_another_number_of_the_stored_digits() {
    let (_roster, client) = started().await;
    client.create(with(&[("phone", "+44 7911 123456")])).await.unwrap();
    client.create(texts(&[("phone", "+49 7911123456")])).await.unwrap();
    let code = |code: &str| texts(&[("phone_country_code", code)]);
    let updated = client.update(setting("bob-1", code("1"))).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+1"), Some("7911123456")));
    assert_eq!(client.get_by(UserIdType::Phone, "+17911123456").await.unwrap(), updated);
    assert_not_found(client.get_by(UserIdType::Phone, "+447911123456").await);
    let updated = client.update(masking("bob-1", code("+44"), &["phone_country_code"])).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+44"), Some("7911123456")));
    assert_taken(client.update(setting("bob-1", code("49"))).await, &["PHONE_NUMBER_EXISTS"]);
    assert_eq!(client.get("bob-1").await.unwrap(), updated);
}

#[tokio::test]
async fn a_code_under_which_the_stored_digits_are_no_number_is_refused() {
    let (_roster, client) = started().await;
    let created = client.create(with(&[("phone", "18812348888")])).await.unwrap();
    // The number was not sent, so it is the code that cannot be.
    let code = texts(&[("phone_country_code", "+44")]);
    assert_invalid(client.update(setting("bob-1", code.clone())).await, &[CODE]);
    assert_invalid(client.update(masking("bob-1", code, &["phone_country_code"])).await, &[CODE]);
    assert_eq!(client.get("bob-1").await.unwrap(), created);
}

#[tokio::test]
async fn clearing_the_number_clears_the_code_and_the_code_alone_cannot_go() {
    let (_roster, client) = started().await;
    let created = client.create(with(&[("phone", "18812348888")])).await.unwrap();
    let nothing = UserDto::default;
    assert_invalid(client.update(masking("bob-1", nothing(), &["phone_country_code"])).await, &[CODE]);
    let number = texts(&[("phone", "18812340000")]);
    assert_invalid(client.update(masking("bob-1", number, &["phone", "phone_country_code"])).await, &[CODE]);
    assert_eq!(client.get("bob-1").await.unwrap(), created);
    for (brought, mask) in [
        (nothing(), &["phone"][..]),
        (nothing(), &["phone", "phone_country_code"]),
        (nothing(), &["phone_country_code", "phone"]),
        (texts(&[("phone_country_code", "+44")]), &["phone"]),
    ] {
        let cleared = client.update(masking("bob-1", brought, mask)).await.unwrap();
        assert_eq!(phone_of(&cleared), (None, None));
        assert_not_found(client.get_by(UserIdType::Phone, "18812348888").await);
        let again = client.update(setting("bob-1", texts(&[("phone", "18812348888")]))).await.unwrap();
        assert_eq!(phone_of(&again), (Some("+86"), Some("18812348888")));
    }
}

#[tokio::test]
async fn the_default_code_is_a_setting() {
    let roster = Roster::start_with(&[("phone_country_code", "+44")]).await;
    let client = roster.client("users:write").await;
    let created = client.create(with(&[("phone", "07911 123456")])).await.unwrap();
    assert_eq!(phone_of(&created), (Some("+44"), Some("7911123456")));
    assert_eq!(client.get_by(UserIdType::Phone, "7911123456").await.unwrap(), created);
    assert_eq!(client.find(finding(By::Phone("07911123456".to_owned()))).await.unwrap(), created);
    let check = |phone: &str, code: Option<&str>| UserExistsRequest {
        phone: Some(phone.to_owned()),
        phone_country_code: code.map(ToOwned::to_owned),
        ..UserExistsRequest::default()
    };
    assert!(client.exists(check("07911123456", None)).await.unwrap().exists);
    assert!(!client.exists(check("7911123456", Some("1"))).await.unwrap().exists);
    // A stored code comes before the default.
    let number = texts(&[("phone", "+8618812348888")]);
    client.update(setting("bob-1", number)).await.unwrap();
    let updated = client.update(setting("bob-1", texts(&[("phone", "18812340000")]))).await.unwrap();
    assert_eq!(phone_of(&updated), (Some("+86"), Some("18812340000")));
}

#[tokio::test]
async fn one_number_in_two_countries_is_two_numbers() {
    let (_roster, client) = started().await;
    let abroad = client.create(with(&[("phone", "+49 18812348888")])).await.unwrap();
    let check = |code: Option<&str>| UserExistsRequest {
        phone: Some("18812348888".to_owned()),
        phone_country_code: code.map(ToOwned::to_owned),
        ..UserExistsRequest::default()
    };
    assert!(!client.exists(check(None)).await.unwrap().exists);
    assert!(client.exists(check(Some("49"))).await.unwrap().exists);
    assert_not_found(client.get_by(UserIdType::Phone, "18812348888").await);
    client.create(texts(&[("phone", "18812348888")])).await.unwrap();
    assert_eq!(client.get_by(UserIdType::Phone, "+4918812348888").await.unwrap(), abroad);
}
