//! What the tests of users ask for again and again, a line each.

use roster::proto::find_user_request::By;
use roster::proto::{
    CreateUserRequest, DeleteUserRequest, FindUserRequest, GetUserRequest, UpdateUserRequest, UserDto, UserExistsRequest,
    UserExistsResponse, UserIdType,
};
use tonic::{Code, Status};

use crate::dto::texts;
use crate::harness::{Client, Refusal, Roster, refused};

/// Ids of every type that [`bob`] has.
pub(crate) const BOB_IDS: &[(UserIdType, &str)] = &[
    (UserIdType::Unspecified, "bob-1"),
    (UserIdType::UserId, "bob-1"),
    (UserIdType::Username, "bob"),
    (UserIdType::Email, "BOB@example.com"),
    (UserIdType::Phone, "+86 188 1234 8888"),
    (UserIdType::Phone, "18812348888"),
    (UserIdType::ExternalId, "10010"),
];

/// A user with all identifiers.
pub(crate) fn bob() -> UserDto {
    texts(&[
        ("user_id", "bob-1"),
        ("username", "bob"),
        ("email", "bob@example.com"),
        ("phone", "18812348888"),
        ("external_id", "10010"),
    ])
}

/// A server and a client that may do all that the tests of users need.
pub(crate) async fn started() -> (Roster, Client) {
    let roster = Roster::start().await;
    let client = roster.client("users:write,users:token").await;
    (roster, client)
}

/// The request that creates the user.
pub(crate) fn creating(user: UserDto) -> CreateUserRequest {
    CreateUserRequest { user: Some(user), ..Default::default() }
}

/// The request that sets every field present.
pub(crate) fn setting(user_id: &str, user: UserDto) -> UpdateUserRequest {
    UpdateUserRequest { user_id: Some(user_id.to_owned()), user: Some(user), ..Default::default() }
}

/// The request that sets exactly the fields of the mask.
pub(crate) fn masking(user_id: &str, user: UserDto, paths: &[&str]) -> UpdateUserRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    UpdateUserRequest { update_mask: Some(prost_types::FieldMask { paths }), ..setting(user_id, user) }
}

/// The request that reads the user with all that a read can show.
pub(crate) fn getting(kind: UserIdType, id: &str) -> GetUserRequest {
    GetUserRequest {
        user_id: Some(id.to_owned()),
        user_id_type: kind.into(),
        with_custom_data: true,
        ..GetUserRequest::default()
    }
}

/// The request that finds the user with all that a read can show.
pub(crate) fn finding(by: By) -> FindUserRequest {
    FindUserRequest { by: Some(by), with_custom_data: true, ..FindUserRequest::default() }
}

impl Client {
    pub(crate) async fn update(&self, request: UpdateUserRequest) -> Result<UserDto, Status> {
        Ok(self.users().update_user(request).await?.into_inner().user.unwrap())
    }

    pub(crate) async fn get_by(&self, kind: UserIdType, id: &str) -> Result<UserDto, Status> {
        Ok(self.users().get_user(getting(kind, id)).await?.into_inner().user.unwrap())
    }

    pub(crate) async fn find(&self, request: FindUserRequest) -> Result<UserDto, Status> {
        Ok(self.users().find_user(request).await?.into_inner().user.unwrap())
    }

    pub(crate) async fn delete(&self, user_id: &str) -> Result<(), Status> {
        let request = DeleteUserRequest { user_id: Some(user_id.to_owned()), ..Default::default() };
        self.users().delete_user(request).await.map(drop)
    }

    pub(crate) async fn exists(&self, check: UserExistsRequest) -> Result<UserExistsResponse, Status> {
        Ok(self.users().user_exists(check).await?.into_inner())
    }

    /// The refusals of all that is done to a user by their id, for an id that each must refuse.
    pub(crate) async fn refusals_by_id(&self, kind: i32, id: Option<&str>) -> [Refusal; 3] {
        let (user_id, user_id_type) = (id.map(ToOwned::to_owned), kind);
        let get = GetUserRequest { user_id: user_id.clone(), user_id_type, ..Default::default() };
        let update = UpdateUserRequest { user_id: user_id.clone(), user_id_type, ..Default::default() };
        let delete = DeleteUserRequest { user_id, user_id_type, ..Default::default() };
        [
            refused(self.users().get_user(get).await),
            refused(self.users().update_user(update).await),
            refused(self.users().delete_user(delete).await),
        ]
    }
}

/// Asserts code and reason of a refusal, and gives it.
#[track_caller]
pub(crate) fn assert_refused<T>(answer: Result<T, Status>, code: Code, reason: &str) -> Refusal {
    let refusal = refused(answer);
    assert_eq!(refusal.kind(), (code, reason), "{refusal:?}");
    refusal
}

/// Asserts that nobody has the id.
#[track_caller]
pub(crate) fn assert_not_found<T>(answer: Result<T, Status>) {
    assert_refused(answer, Code::NotFound, "USER_NOT_FOUND");
}

/// Asserts that exactly these identifiers are taken, by their reasons in the contract's order.
#[track_caller]
pub(crate) fn assert_taken<T>(answer: Result<T, Status>, reasons: &[&str]) {
    let refusal = assert_refused(answer, Code::AlreadyExists, reasons[0]);
    assert_eq!(refusal.metadata["conflicts"], reasons.join(","), "{refusal:?}");
}
