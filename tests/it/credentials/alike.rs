//! Who has no such password is told the same as everybody, byte for byte; who has it is told more.

use roster::proto::{UserDto, UserIdType, UserStatus, VerifyPasswordResponse};
use tonic::Code;

use super::{Caller, IMPORTED, RIGHT, WRONG, giving, importing, told, user};
use crate::calls::{assert_refused, setting};

#[tokio::test]
async fn nobody_no_password_and_a_wrong_one_are_answered_alike() {
    let caller = Caller::new(&[]).await;
    for id in ["with", "due", "imported", "without", "blocked"] {
        caller.client.create(user(id)).await.unwrap();
    }
    caller.client.set_password(giving("with", RIGHT)).await.unwrap();
    let due = roster::proto::SetPasswordRequest { reset_password_on_next_login: true, ..giving("due", RIGHT) };
    caller.client.set_password(due).await.unwrap();
    caller.client.set_password(importing("imported", IMPORTED[0])).await.unwrap();
    caller.client.set_password(giving("blocked", RIGHT)).await.unwrap();
    caller.client.update(setting("blocked", UserDto { blocked: Some(true), ..UserDto::default() })).await.unwrap();
    let unverified = caller.verify(UserIdType::UserId, "nobody", RIGHT).await;
    assert_eq!(unverified.message::<VerifyPasswordResponse>(), VerifyPasswordResponse::default());
    for (kind, id, password) in [
        (UserIdType::UserId, "with", WRONG),
        (UserIdType::UserId, "due", WRONG),
        (UserIdType::UserId, "imported", WRONG),
        (UserIdType::UserId, "without", RIGHT),
        (UserIdType::UserId, "blocked", WRONG),
        (UserIdType::Username, "Nobody", RIGHT),
        (UserIdType::Email, "nobody@example.com", RIGHT),
        (UserIdType::Phone, "+8618812340000", RIGHT),
        (UserIdType::ExternalId, "nobody", RIGHT),
        (UserIdType::Identity, "idp:nobody", RIGHT),
        (UserIdType::SyncRelation, "lark:nobody", RIGHT),
    ] {
        let answer = caller.verify(kind, id, password).await;
        assert_eq!(told(&answer), told(&unverified), "{kind:?} {id}");
    }
    // What looks at the bytes sees a difference where there is one.
    assert_ne!(told(&caller.verify(UserIdType::UserId, "with", RIGHT).await), told(&unverified));
}

#[tokio::test]
async fn only_the_right_password_tells_that_the_user_cannot_log_in() {
    let Caller { roster: _roster, client, .. } = Caller::new(&[]).await;
    client.create(user("ann")).await.unwrap();
    client.set_password(giving("ann", RIGHT)).await.unwrap();
    let status = |status: UserStatus| UserDto { status: Some(status.into()), ..UserDto::default() };
    let blocked = |blocked| UserDto { blocked: Some(blocked), ..UserDto::default() };
    let hindrances = [
        (status(UserStatus::Suspended), status(UserStatus::Activated)),
        (status(UserStatus::Deactivated), status(UserStatus::Activated)),
        (status(UserStatus::Resigned), status(UserStatus::Activated)),
        (status(UserStatus::Archived), status(UserStatus::Activated)),
        (blocked(true), blocked(false)),
    ];
    for (hindered, free) in hindrances {
        client.update(setting("ann", hindered)).await.unwrap();
        assert_refused(client.verify_password("ann", RIGHT).await, Code::FailedPrecondition, "USER_NOT_ACTIVE");
        assert_eq!(client.verify_password("ann", WRONG).await.unwrap(), VerifyPasswordResponse::default());
        client.update(setting("ann", free)).await.unwrap();
        assert!(client.is_password("ann", RIGHT).await);
    }
    // They may be given another one all the same.
    client.update(setting("ann", blocked(true))).await.unwrap();
    client.set_password(giving("ann", WRONG)).await.unwrap();
    assert_refused(client.verify_password("ann", WRONG).await, Code::FailedPrecondition, "USER_NOT_ACTIVE");
}
