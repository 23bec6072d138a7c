//! Users as they come straight from the columns, beside the same ones by way of `UserDto`: byte by byte alike.

use prost::Message;
use roster::proto::find_user_request::By;
use roster::proto::{
    BatchGetUsersItem, BatchGetUsersRequest, BatchGetUsersResponse, CreateUserRequest, FindUserRequest, GetUserRequest,
    UserDto, UserIdType,
};

use crate::dto::{descriptor, filled};
use crate::harness::{Roster, named};
use crate::organizations::organization;
use crate::wire::Wire;

/// What lies in other tables than the profile.
const ELSEWHERE: &[&str] = &[
    "custom_data",
    "department_ids",
    "flat_custom_data",
    "group_codes",
    "identities",
    "main_department_id",
    "organization_ids",
    "post_id_list",
    "role_codes",
];

/// `GetUserResponse` and `FindUserResponse` with the user as it came.
#[derive(Clone, PartialEq, Message)]
struct Raw {
    #[prost(bytes = "vec", tag = "1")]
    user: Vec<u8>,
}

/// Who asks.
struct Asker {
    wire: Wire,
    key: String,
}

impl Asker {
    async fn ask<M: Message + Default>(&self, method: &str, request: &impl Message) -> M {
        let path = format!("/roster.v1.UserService/{method}");
        self.wire.call(&path, &[("x-api-key", &self.key)], request).await.message()
    }

    /// The user by way of sea-orm and `UserDto`.
    async fn typed(&self, user_id: &str) -> Vec<u8> {
        let users = vec![BatchGetUsersItem { user_id: Some(user_id.to_owned()), ..BatchGetUsersItem::default() }];
        let request = BatchGetUsersRequest { users, ..BatchGetUsersRequest::default() };
        let answer: BatchGetUsersResponse = self.ask("BatchGetUsers", &request).await;
        answer.results[0].user.clone().unwrap().encode_to_vec()
    }
}

#[tokio::test]
async fn every_field_is_written_as_the_message_writes_it() {
    let roster = Roster::start().await;
    organization(&roster, "a", &[] as &[&str]).await;
    let bound = roster.bound_key("*", None, Some("a")).await;
    let pool = roster.key("*", None).await;
    let client = roster.client_with_key(Some(bound.secret.expose())).await;
    let mut users = vec![named("bob")];
    users.extend([1, 2].map(|variant| UserDto { custom_data: None, ..filled(variant) }));
    let mut unset: Vec<_> = descriptor().fields().map(|field| field.name().to_owned()).collect();
    for user in users {
        let request = CreateUserRequest { user: Some(user), password: Some("correct horse".to_owned()), ..Default::default() };
        let user = client.users().create_user(request).await.unwrap().into_inner().user.unwrap();
        let phone = user.phone.as_ref().map(|number| format!("{}{number}", user.phone_country_code()));
        for key in [&bound, &pool] {
            let asker = Asker { wire: Wire::connect(roster.address).await, key: key.secret.expose().to_owned() };
            let expected = asker.typed(user.user_id()).await;
            let dynamic = prost_reflect::DynamicMessage::decode(descriptor(), expected.as_slice()).unwrap();
            unset.retain(|name| !dynamic.has_field_by_name(name));
            for (user_id, kind) in [
                (&user.user_id, UserIdType::UserId),
                (&user.email, UserIdType::Email),
                (&phone, UserIdType::Phone),
                (&user.username, UserIdType::Username),
                (&user.external_id, UserIdType::ExternalId),
            ] {
                let Some(user_id) = user_id.clone() else { continue };
                let request = GetUserRequest { user_id: Some(user_id), user_id_type: kind.into(), ..Default::default() };
                assert_eq!(asker.ask::<Raw>("GetUser", &request).await.user, expected, "{kind:?}");
            }
            let by = user.username.clone().map(By::Username);
            if by.is_some() {
                let request = FindUserRequest { by, ..FindUserRequest::default() };
                assert_eq!(asker.ask::<Raw>("FindUser", &request).await.user, expected);
            }
        }
    }
    unset.sort();
    assert_eq!(unset, ELSEWHERE, "what no user of the test has");
}
