//! What is no password: refused before anything is hashed, and never shown to whoever sent it.

use roster::proto::{
    BatchCreateUsersItem, BatchCreateUsersRequest, BatchCreateUsersResult, CreateUserRequest, SetPasswordRequest,
    UpdateUserRequest, UserDto, UserIdType, VerifyPasswordRequest,
};
use tonic::{Code, Status};

use super::{Caller, IMPORTED, RIGHT, giving, importing, updating, user, verifying};
use crate::batches::outcomes;
use crate::calls::{assert_not_found, creating, masking};
use crate::harness::{Client, assert_invalid, refused};

/// One byte too long, of two bytes a character but for the first.
fn long() -> String {
    format!("a{}", "é".repeat(256))
}

fn item(id: &str) -> BatchCreateUsersItem {
    BatchCreateUsersItem { user: Some(user(id)), ..BatchCreateUsersItem::default() }
}

fn with_password(id: &str, password: &str) -> BatchCreateUsersItem {
    BatchCreateUsersItem { password: Some(password.to_owned()), ..item(id) }
}

fn with_hash(id: &str, hash: &str) -> BatchCreateUsersItem {
    BatchCreateUsersItem { password_hash: Some(hash.to_owned()), ..item(id) }
}

async fn batch(client: &Client, users: Vec<BatchCreateUsersItem>, atomic: bool) -> Result<Vec<BatchCreateUsersResult>, Status> {
    Ok(client.users().batch_create_users(BatchCreateUsersRequest { users, atomic }).await?.into_inner().results)
}

#[tokio::test]
async fn a_password_has_1_to_512_bytes_and_another_is_never_hashed() {
    let Caller { roster, client, .. } = Caller::new(&[]).await;
    client.create(user("ann")).await.unwrap();
    assert_eq!(long().len(), 513);
    for bad in ["", &long()] {
        assert_invalid(client.set_password(giving("ann", bad)).await, &["password"]);
        assert_invalid(client.verify_password("ann", bad).await, &["password"]);
        assert_invalid(client.update(updating("ann", bad)).await, &["password"]);
        let create = CreateUserRequest { password: Some(bad.to_owned()), ..creating(user("bob")) };
        assert_invalid(client.users().create_user(create).await, &["password"]);
        let results = batch(&client, vec![with_password("bob", bad)], false).await.unwrap();
        assert_eq!(outcomes(results)[0].as_ref().unwrap_err().fields(), ["password"]);
        assert_invalid(batch(&client, vec![item("bob"), with_password("carl", bad)], true).await, &["users[1].password"]);
    }
    let absent = SetPasswordRequest { password: None, ..giving("ann", "") };
    assert_invalid(client.set_password(absent).await, &["password"]);
    let absent = VerifyPasswordRequest { password: None, ..verifying(UserIdType::UserId, "ann", "") };
    assert_invalid(client.credentials().verify_password(absent).await, &["password"]);
    assert_eq!(roster.store.computed_hashes(), 0);
    // One byte less is hashed.
    client.set_password(giving("ann", &long()[1..])).await.unwrap();
    assert!(client.is_password("ann", &long()[1..]).await);
    assert_eq!(roster.store.computed_hashes(), 2);
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    assert_invalid(client.set_password(SetPasswordRequest::default()).await, &["user_id", "password"]);
    let verify = client.credentials().verify_password(VerifyPasswordRequest::default()).await;
    assert_invalid(verify, &["user_id", "password"]);
}

#[tokio::test]
async fn a_password_does_not_stand_beside_a_hash() {
    let Caller { roster, client, .. } = Caller::new(&[]).await;
    client.create(user("ann")).await.unwrap();
    let hash = Some(IMPORTED[0].to_owned());
    let both = SetPasswordRequest { password_hash: hash.clone(), ..giving("ann", RIGHT) };
    assert_invalid(client.set_password(both).await, &["password_hash"]);
    let both = CreateUserRequest { password: Some(RIGHT.to_owned()), password_hash: hash, ..creating(user("bob")) };
    assert_invalid(client.users().create_user(both).await, &["password_hash"]);
    let both = BatchCreateUsersItem { password: Some(RIGHT.to_owned()), ..with_hash("bob", IMPORTED[0]) };
    let results = batch(&client, vec![both.clone()], false).await.unwrap();
    assert_eq!(outcomes(results)[0].as_ref().unwrap_err().fields(), ["password_hash"]);
    assert_invalid(batch(&client, vec![both], true).await, &["users[0].password_hash"]);
    assert_eq!(roster.store.computed_hashes(), 0);
}

#[tokio::test]
async fn a_mask_does_not_name_a_password() {
    let Caller { roster, client, .. } = Caller::new(&[]).await;
    client.create(user("ann")).await.unwrap();
    for path in ["password", "password_hash", "user.password", "keep_tokens", "password_last_set_at", "password_security_level"]
    {
        let masked = UpdateUserRequest { password: Some(RIGHT.to_owned()), ..masking("ann", UserDto::default(), &[path]) };
        assert_invalid(client.update(masked).await, &["update_mask"]);
    }
    assert_eq!(roster.store.computed_hashes(), 0);
    // Nor does it keep one out.
    let user = UserDto { nickname: Some("A".to_owned()), ..UserDto::default() };
    let masked = UpdateUserRequest { password: Some(RIGHT.to_owned()), ..masking("ann", user, &["nickname"]) };
    assert_eq!(client.update(masked).await.unwrap().nickname(), "A");
    assert!(client.is_password("ann", RIGHT).await);
}

#[tokio::test]
async fn a_batch_has_at_most_50_passwords_and_hashes_as_many_as_users() {
    let Caller { roster, client, .. } = Caller::new(&[]).await;
    let passwords = |count: usize| (0..count).map(|number| with_password(&format!("p-{number}"), RIGHT));
    for atomic in [false, true] {
        assert_invalid(batch(&client, passwords(51).collect(), atomic).await, &["users"]);
    }
    assert_eq!(roster.store.computed_hashes(), 0);
    let hashes = (0..950).map(|number| with_hash(&format!("h-{number}"), IMPORTED[number % IMPORTED.len()]));
    let results = batch(&client, passwords(50).chain(hashes).collect(), false).await.unwrap();
    assert!(results.len() == 1_000 && results.iter().all(|result| result.error.is_none()), "{results:?}");
    assert_eq!(roster.store.computed_hashes(), 50);
    assert!(client.is_password("p-49", RIGHT).await && client.is_password("h-949", RIGHT).await);
    let hashes = (0..1_000).map(|number| with_hash(&format!("a-{number}"), IMPORTED[number % IMPORTED.len()]));
    assert_eq!(batch(&client, hashes.collect(), true).await.unwrap().len(), 1_000);
    assert!(client.is_password("a-0", RIGHT).await);
}

#[tokio::test]
async fn a_bad_hash_in_a_batch_is_its_row_s_own_error() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    let rows = || vec![with_password("ann", RIGHT), with_hash("bob", "hunter2"), with_hash("carl", IMPORTED[0])];
    let refusal = refused(batch(&client, rows(), true).await);
    assert_eq!(refusal.fields(), ["users[1].password_hash"]);
    assert!(!format!("{refusal:?}").contains("hunter2"));
    assert_not_found(client.get_by(UserIdType::UserId, "ann").await);
    let results = outcomes(batch(&client, rows(), false).await.unwrap());
    let refusal = results[1].as_ref().unwrap_err();
    assert_eq!((refusal.kind(), refusal.fields()), ((Code::InvalidArgument, "INVALID_FIELD"), vec!["password_hash"]));
    assert!(!format!("{refusal:?}").contains("hunter2"));
    assert!(client.is_password("ann", RIGHT).await && client.is_password("carl", RIGHT).await);
}

#[tokio::test]
async fn no_refusal_shows_what_was_sent() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    client.create(user("ann")).await.unwrap();
    let secret = "hunter2-".repeat(65);
    let hash = format!("$2b$04${secret}");
    let short = "$2b$04$hunter2";
    let both = SetPasswordRequest { password_hash: Some(short.to_owned()), ..giving("ann", "hunter2") };
    let nobody = client.set_password(giving("nobody", "hunter2")).await;
    for refusal in [
        refused(client.set_password(giving("ann", &secret)).await),
        refused(client.verify_password("ann", &secret).await),
        refused(client.update(updating("ann", &secret)).await),
        refused(client.set_password(importing("ann", &hash)).await),
        refused(client.set_password(importing("ann", short)).await),
        refused(client.set_password(both).await),
        refused(nobody),
    ] {
        assert!(!format!("{refusal:?}").contains("hunter2"), "{refusal:?}");
    }
    // What is no secret is shown.
    let kind = VerifyPasswordRequest { user_id_type: 2, ..verifying(UserIdType::UserId, "hunter2", RIGHT) };
    let phone = refused(client.credentials().verify_password(kind).await);
    assert_eq!(phone.fields(), ["user_id"]);
    let mask = masking("ann", UserDto::default(), &["hunter2"]);
    assert!(format!("{:?}", refused(client.update(mask).await)).contains("hunter2"));
}

#[test]
fn what_shows_a_request_hides_its_passwords() {
    let batch = BatchCreateUsersRequest {
        users: vec![with_password("ann", "hunter2"), with_hash("bob", "hunter2")],
        ..Default::default()
    };
    for shown in [
        format!("{:?}", giving("ann", "hunter2")),
        format!("{:?}", importing("ann", "hunter2")),
        format!("{:?}", updating("ann", "hunter2")),
        format!("{:?}", verifying(UserIdType::UserId, "ann", "hunter2")),
        format!("{batch:?}"),
    ] {
        assert!(!shown.contains("hunter2") && shown.contains("<secret>"), "{shown}");
    }
}

#[tokio::test]
async fn no_check_and_no_set_is_repeated_under_a_key() {
    let caller = Caller::new(&[]).await;
    caller.client.create(user("ann")).await.unwrap();
    let computed = caller.roster.store.computed_hashes();
    let verify = verifying(UserIdType::UserId, "ann", RIGHT);
    for answer in [
        caller.call("CredentialService/SetPassword", Some("a"), &giving("ann", RIGHT)).await,
        caller.call("CredentialService/VerifyPassword", Some("a"), &verify).await,
    ] {
        answer.assert_refused(Code::InvalidArgument, "IDEMPOTENCY_UNSUPPORTED");
    }
    assert_eq!(caller.roster.store.computed_hashes(), computed);
    caller.call("CredentialService/SetPassword", None, &giving("ann", RIGHT)).await.message::<()>();
}
