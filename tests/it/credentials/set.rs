//! What a new password does: it is the user's from then on, whoever is named how, and their row tells of it.

use std::time::Duration;

use roster::proto::{
    BatchCreateUsersItem, BatchCreateUsersRequest, CreateUserRequest, IdentityProvider, PasswordSecurityLevel,
    SetPasswordRequest, UpdateUserRequest, UserDto, UserIdType, VerifyPasswordResponse,
};

use super::{Caller, IMPORTED, RIGHT, WRONG, giving, importing, updating, user, verifying};
use crate::calls::{BOB_IDS, bob, creating, masking};
use crate::harness::Client;
use crate::identities::identity;

#[tokio::test]
async fn a_password_is_set_and_checked_by_every_type_of_id() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    let identities = vec![identity("idp", IdentityProvider::Lark, "a:b")];
    client.create(UserDto { identities, ..bob() }).await.unwrap();
    let others = [(UserIdType::Identity, "idp:a:b"), (UserIdType::SyncRelation, "lark:a:b")];
    for (number, (kind, id)) in BOB_IDS.iter().chain(&others).enumerate() {
        let password = format!("password {number}");
        client.set_password(SetPasswordRequest { user_id_type: (*kind).into(), ..giving(id, &password) }).await.unwrap();
        for (kind, id) in BOB_IDS.iter().chain(&others) {
            for (password, verified) in [(password.as_str(), true), (WRONG, false)] {
                let answer = client.credentials().verify_password(verifying(*kind, id, password)).await.unwrap().into_inner();
                assert_eq!(answer, VerifyPasswordResponse { verified, reset_required: false }, "{kind:?} {id}");
            }
        }
    }
}

#[tokio::test]
async fn every_way_to_a_password_leads_there() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    let create = CreateUserRequest { password: Some("created".to_owned()), ..creating(user("ann")) };
    client.users().create_user(create).await.unwrap();
    assert!(client.is_password("ann", "created").await);
    let item = |id: &str, password: Option<&str>| BatchCreateUsersItem {
        user: Some(user(id)),
        password: password.map(ToOwned::to_owned),
        ..BatchCreateUsersItem::default()
    };
    for atomic in [false, true] {
        let (a, b) = (format!("a-{atomic}"), format!("b-{atomic}"));
        let users = vec![item(&a, Some("of a")), item(&format!("c-{atomic}"), None), item(&b, Some("of b"))];
        let batch = BatchCreateUsersRequest { users, atomic };
        client.users().batch_create_users(batch).await.unwrap();
        assert!(client.is_password(&a, "of a").await && client.is_password(&b, "of b").await);
        assert!(!client.is_password(&a, "of b").await);
    }
    client.update(updating("ann", "updated")).await.unwrap();
    assert!(client.is_password("ann", "updated").await && !client.is_password("ann", "created").await);
    let create = CreateUserRequest { password_hash: Some(IMPORTED[0].to_owned()), ..creating(user("bob")) };
    client.users().create_user(create).await.unwrap();
    client.set_password(importing("ann", IMPORTED[1])).await.unwrap();
    assert!(client.is_password("ann", RIGHT).await && client.is_password("bob", RIGHT).await);
    assert!(!client.is_password("ann", "updated").await);
}

#[tokio::test]
async fn spellings_of_one_password_are_the_same_and_others_are_not() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    client.create(user("ann")).await.unwrap();
    let (composed, decomposed) = ("caf\u{e9} \u{c5}", "cafe\u{301} A\u{30a}");
    for stored in [composed, decomposed, "cafe\u{301} \u{212b}"] {
        client.set_password(giving("ann", stored)).await.unwrap();
        assert!(client.is_password("ann", composed).await && client.is_password("ann", decomposed).await);
        for other in ["cafe A", "CAF\u{c9} \u{c5}", " caf\u{e9} \u{c5}", "caf\u{e9} \u{c5}\0"] {
            assert!(!client.is_password("ann", other).await, "{other:?}");
        }
    }
    // A password is not a text of a profile: any character is fine.
    for odd in [" ", "\t\n", "\0", "a\0b", &"é".repeat(256), "\u{202e}"] {
        client.set_password(giving("ann", odd)).await.unwrap();
        assert!(client.is_password("ann", odd).await && !client.is_password("ann", "a").await, "{odd:?}");
    }
}

#[tokio::test]
async fn the_row_tells_how_hard_the_password_is_to_guess_and_since_when_it_is_there() {
    let Caller { roster, client, .. } = Caller::new(&[]).await;
    let before = client.create(user("ann")).await.unwrap();
    assert_eq!((before.password_last_set_at, before.password_security_level), (None, None));
    for (password, level) in [
        ("a1!b2", PasswordSecurityLevel::Low),
        ("abcdef", PasswordSecurityLevel::Low),
        ("abc123", PasswordSecurityLevel::Medium),
        ("abc12!", PasswordSecurityLevel::High),
        ("e\u{301}e\u{301}1!a", PasswordSecurityLevel::Low),
    ] {
        for by_update in [false, true] {
            let before = client.get("ann").await.unwrap();
            roster.clock.advance(Duration::from_millis(1_500));
            if by_update {
                let answered = client.update(updating("ann", password)).await.unwrap();
                assert_eq!(answered, client.get("ann").await.unwrap());
            } else {
                client.set_password(giving("ann", password)).await.unwrap();
            }
            let after = client.get("ann").await.unwrap();
            assert_eq!(after.password_last_set_at, Some(roster.clock.now()));
            assert_eq!(after.updated_at, Some(roster.clock.now()));
            assert_eq!(after.password_security_level(), level, "{password}");
            assert_ne!(after.etag, before.etag);
        }
    }
    roster.clock.advance(Duration::from_secs(1));
    client.set_password(importing("ann", IMPORTED[0])).await.unwrap();
    let imported = client.get("ann").await.unwrap();
    assert_eq!((imported.password_last_set_at, imported.password_security_level), (Some(roster.clock.now()), None));
    // Checking changes nothing of it, not even when the hash is replaced.
    roster.clock.advance(Duration::from_secs(1));
    assert!(!client.is_password("ann", WRONG).await && client.is_password("ann", RIGHT).await);
    assert_eq!(client.get("ann").await.unwrap(), imported);
}

#[tokio::test]
async fn an_etag_that_is_not_current_keeps_the_password() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    let first = client.create(user("ann")).await.unwrap();
    client.update(UpdateUserRequest { etag: first.etag.clone(), ..updating("ann", "first") }).await.unwrap();
    let stale = client.update(UpdateUserRequest { etag: first.etag, ..updating("ann", "second") }).await;
    crate::calls::assert_refused(stale, tonic::Code::Aborted, "ETAG_MISMATCH");
    assert!(client.is_password("ann", "first").await && !client.is_password("ann", "second").await);
}

/// What a check tells of whether another password is due.
async fn is_due(client: &Client, password: &str) -> bool {
    let wrong = client.verify_password("ann", "another").await.unwrap();
    assert_eq!(wrong, VerifyPasswordResponse::default(), "told to nobody else");
    let right = client.verify_password("ann", password).await.unwrap();
    assert!(right.verified);
    assert_eq!(right.reset_required, client.get("ann").await.unwrap().reset_password_on_next_login());
    right.reset_required
}

#[tokio::test]
async fn another_password_is_due_until_there_is_one() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    client.create(user("ann")).await.unwrap();
    let due = |password| SetPasswordRequest { reset_password_on_next_login: true, ..giving("ann", password) };
    let flagged = |flag| UserDto { reset_password_on_next_login: Some(flag), ..UserDto::default() };
    let with = |password: &str, user, mask: Option<&[&str]>| {
        let plain = masking("ann", user, mask.unwrap_or_default());
        UpdateUserRequest { password: Some(password.to_owned()), ..plain }
    };
    client.set_password(due("1")).await.unwrap();
    assert!(is_due(&client, "1").await && is_due(&client, "1").await, "a check does not end it");
    client.set_password(giving("ann", "2")).await.unwrap();
    assert!(!is_due(&client, "2").await);
    client.update(masking("ann", flagged(true), &["reset_password_on_next_login"])).await.unwrap();
    assert!(is_due(&client, "2").await);
    client.update(updating("ann", "3")).await.unwrap();
    assert!(!is_due(&client, "3").await);
    client.update(with("4", flagged(true), None)).await.unwrap();
    assert!(is_due(&client, "4").await, "named by the same call");
    client.update(with("5", flagged(true), Some(&["reset_password_on_next_login"]))).await.unwrap();
    assert!(is_due(&client, "5").await, "named by its mask");
    client.update(with("6", flagged(true), Some(&["nickname"]))).await.unwrap();
    assert!(!is_due(&client, "6").await, "not named by its mask");
    let create = CreateUserRequest {
        password: Some("7".to_owned()),
        ..creating(UserDto { reset_password_on_next_login: Some(true), ..user("bob") })
    };
    client.users().create_user(create).await.unwrap();
    assert!(client.verify_password("bob", "7").await.unwrap().reset_required);
}

#[tokio::test]
async fn a_password_goes_with_its_user() {
    let Caller { roster, client, .. } = Caller::new(&[]).await;
    for _ in 0..2 {
        client.create(user("ann")).await.unwrap();
        assert!(!client.is_password("ann", RIGHT).await, "a new user of the same id has none");
        client.set_password(giving("ann", RIGHT)).await.unwrap();
        assert!(client.is_password("ann", RIGHT).await);
        client.delete("ann").await.unwrap();
        assert!(!client.is_password("ann", RIGHT).await);
        assert!(roster.database.query(super::HASHES).await.is_empty());
    }
}
