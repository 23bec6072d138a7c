//! Identifiers: create, update, every lookup and existence see one normalised form, and no two users share one.

use roster::proto::find_user_request::By;
use roster::proto::{CheckUserRequest, CheckUsernameAvailabilityRequest, UserDto, UserExistsRequest, UserIdType};
use tonic::Code;

use crate::calls::{assert_not_found, assert_refused, assert_taken, bob, creating, finding, masking, setting, started};
use crate::dto::texts;
use crate::harness::{Client, assert_invalid, named};

/// Whose a spelling is, by all that looks an identifier up: each must say the same.
async fn owner(client: &Client, field: &str, spelling: &str) -> Option<UserDto> {
    let spelled = spelling.to_owned();
    let check = UserExistsRequest::default();
    let (kind, by, check) = match field {
        "email" => {
            (UserIdType::Email, Some(By::Email(spelled.clone())), UserExistsRequest { email: Some(spelled.clone()), ..check })
        }
        "phone" => {
            (UserIdType::Phone, Some(By::Phone(spelled.clone())), UserExistsRequest { phone: Some(spelled.clone()), ..check })
        }
        "username" => (
            UserIdType::Username,
            Some(By::Username(spelled.clone())),
            UserExistsRequest { username: Some(spelled.clone()), ..check },
        ),
        _ => (UserIdType::ExternalId, None, UserExistsRequest { external_id: Some(spelled.clone()), ..check }),
    };
    let found = client.get_by(kind, spelling).await.ok();
    if let Some(by) = by {
        assert_eq!(client.find(finding(by)).await.ok(), found, "{spelling}");
    }
    assert_eq!(client.exists(check).await.unwrap().exists, found.is_some(), "{spelling}");
    let asked = match field {
        "email" => Some(CheckUserRequest { email: Some(spelled.clone()), phone_number: None }),
        "phone" => Some(CheckUserRequest { email: None, phone_number: Some(spelled.clone()) }),
        _ => None,
    };
    if let Some(asked) = asked {
        let answer = client.users().check_user(asked).await.unwrap().into_inner();
        assert_eq!((answer.exists, answer.created_at), (found.is_some(), found.as_ref().and_then(|user| user.created_at)));
    }
    if field == "username" {
        let asked = CheckUsernameAvailabilityRequest { username: Some(spelled) };
        let answer = client.users().check_username_availability(asked).await.unwrap().into_inner();
        assert_eq!(answer.available, found.is_none(), "{spelling}");
    }
    found
}

/// Spellings that are one identifier: its field, the conflict's reason, and for each the form it is stored in.
type OneIdentifier = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const ONE: &[OneIdentifier] = &[
    (
        "email",
        "EMAIL_EXISTS",
        &[
            ("josé@müller.example", "josé@müller.example"),
            ("JOSÉ@MÜLLER.EXAMPLE", "JOSÉ@MÜLLER.EXAMPLE"),
            ("jose\u{301}@mu\u{308}ller.example", "jose\u{301}@mu\u{308}ller.example"),
            (" \t josé@müller.example\u{a0}\n", "josé@müller.example"),
            ("josé@müller.example.", "josé@müller.example."),
            ("josé@xn--mller-kva.example", "josé@xn--mller-kva.example"),
            ("josé@XN--MLLER-KVA.example.", "josé@XN--MLLER-KVA.example."),
            ("ｊｏｓé＠ｍüｌｌｅｒ．ｅｘａｍｐｌｅ", "ｊｏｓé＠ｍüｌｌｅｒ．ｅｘａｍｐｌｅ"),
            ("josé@müller。example", "josé@müller。example"),
        ],
    ),
    (
        "phone",
        "PHONE_NUMBER_EXISTS",
        &[
            ("18812348888", "18812348888"),
            ("188 1234 8888", "18812348888"),
            (" (188) 1234-8888 ", "18812348888"),
            ("188.1234.8888", "18812348888"),
            ("+8618812348888", "18812348888"),
            ("+86 188-1234-8888", "18812348888"),
            (" +86 (188) 1234 8888 ", "18812348888"),
            ("018812348888", "18812348888"),
        ],
    ),
    ("username", "USERNAME_EXISTS", &[("Åsa", "Åsa"), ("A\u{30a}sa", "Åsa"), ("\u{212b}sa", "Åsa")]),
];

/// Texts that look alike and are different identifiers.
const DIFFERENT: &[(&str, &[&str])] = &[
    (
        "email",
        &["bobsmith@x.org", "bob.smith@x.org", "bob@x.org", "bob+a@x.org", "bob@x.com", "bob@straße.de", "bob@strasse.de"],
    ),
    ("phone", &["18812348888", "18812348889", "+118812348888", "+4918812348888"]),
    ("username", &["bob", "Bob", "BOB", "ｂｏｂ", "b\u{43e}b", "bob.", "bob@x.org", "18812348888"]),
    ("external_id", &["a", "A", " a", "a ", "ａ", "á", "a\u{301}", "a\u{200d}", "ﬃ", "ffi"]),
];

#[tokio::test]
async fn every_spelling_is_stored_as_it_should_be_and_found_by_all_others() {
    let (_roster, client) = started().await;
    for (field, _, spellings) in ONE {
        for (spelling, stored) in *spellings {
            let created = client.create(texts(&[("user_id", "it"), (field, spelling)])).await.unwrap();
            assert_eq!(client.get("it").await.unwrap(), created);
            let shown = match *field {
                "email" => created.email(),
                "phone" => created.phone(),
                _ => created.username(),
            };
            assert_eq!(shown, *stored);
            for (other, _) in *spellings {
                assert_eq!(owner(&client, field, other).await.as_ref(), Some(&created), "{spelling:?} by {other:?}");
            }
            client.delete("it").await.unwrap();
            for (other, _) in *spellings {
                assert_eq!(owner(&client, field, other).await, None, "{other}");
            }
        }
    }
}

#[tokio::test]
async fn no_spelling_of_what_is_taken_can_be_had() {
    let (_roster, client) = started().await;
    client.create(named("other")).await.unwrap();
    let other = client.get_by(UserIdType::Username, "other").await.unwrap();
    for (field, reason, spellings) in ONE {
        client.create(texts(&[("user_id", "it"), (field, spellings[0].0)])).await.unwrap();
        for (spelling, _) in *spellings {
            let user = texts(&[(field, spelling)]);
            assert_taken(client.users().create_user(creating(user.clone())).await, &[reason]);
            assert_taken(client.update(setting(other.user_id(), user.clone())).await, &[reason]);
            assert_taken(client.update(masking(other.user_id(), user.clone(), &[field])).await, &[reason]);
            // Their own they may spell as they like.
            client.update(setting("it", user)).await.unwrap();
        }
        client.delete("it").await.unwrap();
    }
    assert_eq!(client.get(other.user_id()).await.unwrap(), other);
}

#[tokio::test]
async fn identifiers_that_only_look_alike_are_of_different_users() {
    let (_roster, client) = started().await;
    for (field, different) in DIFFERENT {
        let mut created = Vec::new();
        for text in *different {
            created.push(client.create(texts(&[(field, text)])).await.unwrap());
        }
        for (text, user) in different.iter().zip(created) {
            assert_eq!(owner(&client, field, text).await, Some(user), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_changed_is_found_by_the_new_one_alone() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    for (field, old, new, respelled) in [
        ("email", "bob@example.com", "Robert@Example.org", "ROBERT@example.ORG."),
        ("phone", "18812348888", "+44 (0) 7911 123456", "+447911123456"),
        ("username", "bob", "A\u{30a}sa", "Åsa"),
        ("external_id", "10010", " 10011", " 10011"),
    ] {
        let updated = client.update(setting("bob-1", texts(&[(field, new)]))).await.unwrap();
        assert_eq!(owner(&client, field, respelled).await, Some(updated));
        assert_eq!(owner(&client, field, old).await, None);
        // The old one is free at once.
        client.create(texts(&[(field, old)])).await.unwrap();
    }
}

#[tokio::test]
async fn an_update_names_all_identifiers_that_are_taken() {
    let (_roster, client) = started().await;
    let owned = [
        ("email", "bob@example.com", "EMAIL_EXISTS"),
        ("phone", "+4918812348888", "PHONE_NUMBER_EXISTS"),
        ("username", "bob", "USERNAME_EXISTS"),
        ("external_id", "10010", "EXTERNAL_ID_EXISTS"),
    ];
    for (name, value, _) in owned {
        client.create(texts(&[(name, value)])).await.unwrap();
    }
    let own = texts(&[("email", "Me@example.com"), ("phone", "18812340000"), ("username", "me"), ("external_id", "me")]);
    let me = client.create(own.clone()).await.unwrap();
    for subset in 1..1_u32 << owned.len() {
        let taken = owned.iter().enumerate().filter(|(index, _)| subset >> index & 1 == 1).map(|(_, identifier)| identifier);
        let (values, reasons): (Vec<_>, Vec<_>) = taken.map(|(name, value, reason)| ((*name, *value), *reason)).unzip();
        let names: Vec<_> = owned.iter().map(|(name, ..)| *name).collect();
        // Those of one's own that are sent along are no conflicts, in whatever spelling.
        let mine = [("email", "ME@EXAMPLE.COM"), ("phone", "188-1234-0000"), ("username", "me"), ("external_id", "me")];
        let user = texts(&[mine.as_slice(), values.as_slice()].concat());
        assert_taken(client.update(setting(me.user_id(), user.clone())).await, &reasons);
        assert_taken(client.update(masking(me.user_id(), user, &names)).await, &reasons);
        assert_eq!(client.get(me.user_id()).await.unwrap(), me);
    }
}

#[tokio::test]
async fn a_taken_identifier_under_an_old_etag_is_an_old_etag() {
    let (_roster, client) = started().await;
    client.create(named("alice")).await.unwrap();
    client.create(bob()).await.unwrap();
    let request = roster::proto::UpdateUserRequest { etag: Some("old".to_owned()), ..setting("bob-1", named("alice")) };
    assert_refused(client.update(request).await, Code::Aborted, "ETAG_MISMATCH");
}

#[tokio::test]
async fn two_users_can_swap_an_identifier_by_way_of_a_third() {
    let (_roster, client) = started().await;
    let (one, two) = (client.create(named("one")).await.unwrap(), client.create(named("two")).await.unwrap());
    assert_taken(client.update(setting(one.user_id(), named("two"))).await, &["USERNAME_EXISTS"]);
    client.update(setting(one.user_id(), named("between"))).await.unwrap();
    client.update(setting(two.user_id(), named("one"))).await.unwrap();
    client.update(setting(one.user_id(), named("two"))).await.unwrap();
    assert_eq!(owner(&client, "username", "one").await.unwrap().user_id, two.user_id);
    assert_eq!(owner(&client, "username", "between").await, None);
}

#[tokio::test]
async fn the_last_identifier_stays() {
    let (_roster, client) = started().await;
    for identifier in [("username", "bob"), ("email", "bob@example.com"), ("phone", "18812348888"), ("external_id", "10010")] {
        let created = client.create(texts(&[identifier])).await.unwrap();
        let id = created.user_id();
        let (name, _) = identifier;
        let cleared = client.update(masking(id, texts(&[("nickname", "Bobby")]), &[name, "nickname"])).await;
        assert_refused(cleared, Code::FailedPrecondition, "LAST_IDENTIFIER");
        assert_eq!(client.get(id).await.unwrap(), created);
        // Another in the same write takes its place.
        let (other, value) = if name == "username" { ("external_id", "10011") } else { ("username", "robert") };
        let updated = client.update(masking(id, texts(&[(other, value)]), &[name, other])).await.unwrap();
        assert_eq!(owner(&client, other, value).await, Some(updated));
        assert_eq!(owner(&client, name, identifier.1).await, None);
        client.delete(id).await.unwrap();
    }
}

#[tokio::test]
async fn one_of_two_identifiers_can_go() {
    let (_roster, client) = started().await;
    client.create(bob()).await.unwrap();
    let order = [("email", "bob@example.com"), ("phone", "18812348888"), ("external_id", "10010")];
    for (name, value) in order {
        client.update(masking("bob-1", UserDto::default(), &[name])).await.unwrap();
        assert_eq!(owner(&client, name, value).await, None);
        client.create(texts(&[(name, value)])).await.unwrap();
    }
    let last = client.update(masking("bob-1", UserDto::default(), &["username"])).await;
    assert_refused(last, Code::FailedPrecondition, "LAST_IDENTIFIER");
}

#[tokio::test]
async fn ill_formed_identifiers_are_not_stored() {
    let (_roster, client) = started().await;
    let (wide, long, id) = ("界".repeat(129), format!("{}@x.org", "x".repeat(249)), "x".repeat(257));
    client.create(named("bob")).await.unwrap();
    let bob = client.get_by(UserIdType::Username, "bob").await.unwrap();
    for (field, values) in [
        (
            "username",
            vec![
                "",
                " ",
                "a b",
                " a",
                "a ",
                "a\tb",
                "a\nb",
                "\0",
                "a\u{7f}",
                "a\u{a0}b",
                "a\u{ad}b",
                "a\u{200b}",
                "a\u{200d}b",
                "a\u{202e}b",
                "a\u{2066}b",
                "a\u{3000}b",
                "\u{feff}a",
                "a\u{e0041}",
                &wide,
            ],
        ),
        (
            "email",
            vec![
                "",
                " ",
                "bob",
                "@",
                "a@",
                "@x.org",
                "a@b@c",
                "a b@x.org",
                "a@x y.org",
                "a@x..org",
                "a@.x.org",
                "a\0@x.org",
                "a@x.org\0",
                "a\u{202e}@x.org",
                "a\u{200b}@x.org",
                "a\n@x.org",
                "a@-x.org",
                "a@x/y",
                "a@[::1]",
                "<a@x.org>",
                &long,
            ],
        ),
        ("external_id", vec!["", "\0", "a\0b", "a\tb", "a\nb", "a\u{1b}b", "a\u{85}b", "a\u{202a}b", "a\u{2069}b", &id]),
    ] {
        for value in values {
            let path = format!("user.{field}");
            assert_invalid(client.users().create_user(creating(texts(&[(field, value)]))).await, &[&path]);
            assert_invalid(client.update(setting(bob.user_id(), texts(&[(field, value)]))).await, &[&path]);
            assert_invalid(client.update(masking(bob.user_id(), texts(&[(field, value)]), &[field])).await, &[&path]);
        }
    }
    assert_eq!(client.get(bob.user_id()).await.unwrap(), bob);
}

#[tokio::test]
async fn identifiers_may_be_as_long_as_the_contract_says() {
    let (_roster, client) = started().await;
    for (field, value) in [
        ("username", "界".repeat(128)),
        ("username", "A\u{30a}".repeat(128)),
        ("username", "x".repeat(128)),
        ("email", format!("{}@x.org", "x".repeat(248))),
        ("email", format!("  {}@x.org  ", "y".repeat(248))),
        ("external_id", "界".repeat(256)),
        ("external_id", "x".repeat(256)),
    ] {
        let created = client.create(texts(&[(field, &value)])).await.unwrap();
        assert_eq!(owner(&client, field, &value).await, Some(created));
    }
    assert_not_found(client.get_by(UserIdType::ExternalId, &"X".repeat(256)).await);
}
