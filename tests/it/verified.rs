//! Whether an email or a phone was verified is said of that one: another is not verified until the caller says so.

use roster::proto::UserDto;

use crate::calls::{masking, setting, started};
use crate::dto::texts;

/// Email and phone verified, as created.
fn verified() -> UserDto {
    let both = texts(&[("user_id", "bob-1"), ("username", "bob"), ("email", "bob@example.com"), ("phone", "18812348888")]);
    UserDto { email_verified: Some(true), phone_verified: Some(true), ..both }
}

/// What is sent, the mask if there is one, and whether email and phone are verified then.
type Write = (UserDto, Option<&'static [&'static str]>, [bool; 2]);

fn says(email: Option<bool>, phone: Option<bool>, fields: &[(&str, &str)]) -> UserDto {
    UserDto { email_verified: email, phone_verified: phone, ..texts(fields) }
}

#[tokio::test]
async fn a_new_user_is_verified_only_if_the_create_says_so() {
    let (_roster, client) = started().await;
    for (email, phone) in [(None, None), (Some(true), None), (None, Some(true)), (Some(true), Some(true))] {
        let created = client.create(UserDto { email_verified: email, phone_verified: phone, ..verified() }).await.unwrap();
        let expected = (Some(email.unwrap_or_default()), Some(phone.unwrap_or_default()));
        assert_eq!((created.email_verified, created.phone_verified), expected);
        client.delete("bob-1").await.unwrap();
    }
}

#[tokio::test]
async fn another_email_or_phone_is_not_verified_unless_the_write_says_so() {
    let (_roster, client) = started().await;
    let (yes, no) = (Some(true), Some(false));
    let email = ("email", "robert@example.com");
    let phone = ("phone", "18812340000");
    let writes: Vec<Write> = vec![
        (texts(&[email]), None, [false, true]),
        (texts(&[phone]), None, [true, false]),
        (texts(&[email, phone]), None, [false, false]),
        (says(yes, None, &[email]), None, [true, true]),
        (says(None, yes, &[phone]), None, [true, true]),
        (says(yes, None, &[phone]), None, [true, false]),
        (says(no, no, &[]), None, [false, false]),
        (texts(&[("phone_country_code", "49")]), None, [true, false]),
        (texts(&[("phone", "+4918812348888")]), None, [true, false]),
        // The same one, spelled in another way.
        (texts(&[("email", "BOB@EXAMPLE.COM."), ("phone", "+86 188-1234-8888")]), None, [true, true]),
        (texts(&[("phone_country_code", "86")]), None, [true, true]),
        (texts(&[("nickname", "Bobby"), ("username", "robert")]), None, [true, true]),
        // Under a mask only what it names is said.
        (says(yes, yes, &[email, phone]), Some(&["email", "phone"]), [false, false]),
        (says(yes, yes, &[email, phone]), Some(&["email", "email_verified", "phone"]), [true, false]),
        (says(yes, yes, &[email, phone]), Some(&["email", "phone", "phone_verified"]), [false, true]),
        (says(no, no, &[email, phone]), Some(&["nickname"]), [true, true]),
        // Cleared: there is nothing left that was verified.
        (UserDto::default(), Some(&["email"]), [false, true]),
        (UserDto::default(), Some(&["phone"]), [true, false]),
    ];
    for (user, mask, expected) in writes {
        client.create(verified()).await.unwrap();
        let request = mask.map_or_else(|| setting("bob-1", user.clone()), |mask| masking("bob-1", user.clone(), mask));
        let updated = client.update(request).await.unwrap();
        assert_eq!([updated.email_verified(), updated.phone_verified()], expected, "{user:?} {mask:?}");
        assert_eq!(client.get("bob-1").await.unwrap(), updated);
        client.delete("bob-1").await.unwrap();
    }
}
