//! `UserService`: users found, listed, created, changed and deleted, and what they belong to and hold.

mod batch;
mod existence;
mod memberships;

use tonic::Request;

use super::batches::Targets;
use super::paging::Paging;
use super::{Call, Reply, collections, identifiers, reply, write};
use crate::error::Result;
use crate::proto::find_user_request::By;
use crate::proto::served::{BatchGetUsersResponse, FindUserResponse, GetUserResponse, ListUsersResponse, SearchUsersResponse};
use crate::proto::user_service_server::UserService;
use crate::proto::{
    AddUserRolesRequest, AddUserRolesResponse, AddUserToGroupRequest, AddUserToGroupResponse, BatchCreateUsersRequest,
    BatchCreateUsersResponse, BatchDeleteUsersRequest, BatchDeleteUsersResponse, BatchGetUsersRequest, BatchUserExistsRequest,
    BatchUserExistsResponse, CheckUserRequest, CheckUserResponse, CheckUsernameAvailabilityRequest,
    CheckUsernameAvailabilityResponse, CreateUserRequest, CreateUserResponse, DeleteUserRequest, DeleteUserResponse,
    FindUserRequest, GetUserRequest, ListUserGroupsRequest, ListUserGroupsResponse, ListUserRolesRequest,
    ListUserRolesResponse, ListUsersRequest, RefreshUserTokenRequest, RefreshUserTokenResponse, RemoveUserFromGroupRequest,
    RemoveUserFromGroupResponse, RemoveUserRolesRequest, RemoveUserRolesResponse, SearchUsersRequest, UpdateUserRequest,
    UpdateUserResponse, UserExistsRequest, UserExistsResponse,
};
use crate::store::Store;
use crate::store::collections::Holding;
use crate::store::credentials::{Credential, GivenPassword};
use crate::store::groups::Groups;
use crate::store::roles::Roles;
use crate::store::tokens::UserToken;
use crate::store::users::{BatchDeleteUsers, CreateUser, DeleteUser, Search, UpdateUser, View};

/// Implements `UserService`.
#[derive(Clone, Debug)]
pub struct Users {
    store: Store,
}

impl Users {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl UserService for Users {
    async fn user_exists(&self, request: Request<UserExistsRequest>) -> Reply<UserExistsResponse> {
        reply(existence::user_exists(&self.store, Call::open(request)?).await?)
    }

    async fn batch_user_exists(&self, request: Request<BatchUserExistsRequest>) -> Reply<BatchUserExistsResponse> {
        reply(existence::batch_user_exists(&self.store, Call::open(request)?).await?)
    }

    async fn check_user(&self, request: Request<CheckUserRequest>) -> Reply<CheckUserResponse> {
        reply(existence::check_user(&self.store, Call::open(request)?).await?)
    }

    async fn check_username_availability(
        &self,
        request: Request<CheckUsernameAvailabilityRequest>,
    ) -> Reply<CheckUsernameAvailabilityResponse> {
        reply(existence::check_username_availability(&self.store, Call::open(request)?).await?)
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Reply<GetUserResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let target = identifiers::user(&message, &self.store, &mut violations);
        let level = identifiers::level("", &message, &caller.tenant, &mut violations);
        let target = violations.none_or_some(target)?;
        reply(GetUserResponse { user: self.store.user(&caller.tenant, &target, &View::of(&message, &level)).await? })
    }

    async fn find_user(&self, request: Request<FindUserRequest>) -> Reply<FindUserResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let code = message.phone_country_code.as_deref();
        if code.is_some() && !matches!(message.by, Some(By::Phone(_))) {
            violations.add("phone_country_code", "has no phone to belong to");
        }
        let target = match &message.by {
            Some(By::Username(username)) => identifiers::username("username", username, &mut violations),
            Some(By::Email(email)) => identifiers::email("email", email, &mut violations),
            Some(By::Phone(phone)) => {
                let default = self.store.calling_code();
                identifiers::phone("phone", "phone_country_code", phone, code, default, &mut violations)
            }
            None => violations.refuse("username", "must be given, or email, or phone"),
        };
        let level = identifiers::level("", &message, &caller.tenant, &mut violations);
        let target = violations.none_or_some(target)?;
        reply(FindUserResponse { user: self.store.user(&caller.tenant, &target, &View::of(&message, &level)).await? })
    }

    async fn create_user(&self, request: Request<CreateUserRequest>) -> Reply<CreateUserResponse> {
        let Call { message, mut violations, caller, context, .. } = Call::open(request)?;
        let given = GivenPassword::read(&message, &mut violations);
        let create = CreateUser::read(message.user, &caller.tenant, self.store.calling_code(), violations)?;
        let create = create.with(credential(&self.store, given).await?);
        write(&self.store, context, create, |user| CreateUserResponse { user: Some(user) }).await
    }

    async fn update_user(&self, request: Request<UpdateUserRequest>) -> Reply<UpdateUserResponse> {
        let Call { message, mut violations, caller, context, .. } = Call::open(request)?;
        let calling_code = self.store.calling_code();
        let target = identifiers::user(&message, &self.store, &mut violations);
        let given = GivenPassword::read(&message, &mut violations);
        let update = UpdateUser::read(message, target, &caller.tenant, calling_code, violations)?;
        let update = update.with(credential(&self.store, given).await?);
        write(&self.store, context, update, |user| UpdateUserResponse { user: Some(user) }).await
    }

    async fn delete_user(&self, request: Request<DeleteUserRequest>) -> Reply<DeleteUserResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let target = identifiers::user(&message, &self.store, &mut violations);
        let target = violations.none_or_some(target)?;
        write(&self.store, context, DeleteUser { target, etag: message.etag }, |()| DeleteUserResponse {}).await
    }

    async fn batch_get_users(&self, request: Request<BatchGetUsersRequest>) -> Reply<BatchGetUsersResponse> {
        reply(batch::get(&self.store, Call::open(request)?).await?)
    }

    async fn batch_create_users(&self, request: Request<BatchCreateUsersRequest>) -> Reply<BatchCreateUsersResponse> {
        batch::create(&self.store, Call::open(request)?).await
    }

    async fn batch_delete_users(&self, request: Request<BatchDeleteUsersRequest>) -> Reply<BatchDeleteUsersResponse> {
        let Call { message, violations, context, .. } = Call::open(request)?;
        let targets = Targets::read(&message, &self.store, violations)?;
        let delete = BatchDeleteUsers { targets: targets.good() };
        write(&self.store, context, delete, move |deleted| BatchDeleteUsersResponse { results: targets.results(deleted) }).await
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Reply<ListUsersResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let level = identifiers::level("", &message, &caller.tenant, &mut violations);
        let paging = Paging::read(&self.store, &message, &caller.tenant, &level, &[], violations).await?;
        let view = View::of(&message, &level);
        let listed = self.store.list_users(&caller.tenant, None, &paging.page, &view).await?;
        reply(paging.answer(listed).await?.into())
    }

    async fn search_users(&self, request: Request<SearchUsersRequest>) -> Reply<SearchUsersResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let search = Search::read(message.query.as_deref(), &message.fields, &mut violations);
        let level = identifiers::level("", &message, &caller.tenant, &mut violations);
        let paging = Paging::read(&self.store, &message, &caller.tenant, &level, &search.question(), violations).await?;
        let view = View::of(&message, &level);
        let listed = self.store.list_users(&caller.tenant, Some(&search), &paging.page, &view).await?;
        reply(paging.answer(listed).await?.into())
    }

    async fn list_user_groups(&self, request: Request<ListUserGroupsRequest>) -> Reply<ListUserGroupsResponse> {
        reply(collections::list_of_user::<Groups, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn add_user_to_group(&self, request: Request<AddUserToGroupRequest>) -> Reply<AddUserToGroupResponse> {
        memberships::change_group(&self.store, Call::open(request)?, Holding::Add).await?;
        reply(AddUserToGroupResponse {})
    }

    async fn remove_user_from_group(&self, request: Request<RemoveUserFromGroupRequest>) -> Reply<RemoveUserFromGroupResponse> {
        memberships::change_group(&self.store, Call::open(request)?, Holding::Remove).await?;
        reply(RemoveUserFromGroupResponse {})
    }

    async fn list_user_roles(&self, request: Request<ListUserRolesRequest>) -> Reply<ListUserRolesResponse> {
        reply(collections::list_of_user::<Roles, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn add_user_roles(&self, request: Request<AddUserRolesRequest>) -> Reply<AddUserRolesResponse> {
        let (total_count, roles) = memberships::change_roles(&self.store, Call::open(request)?, Holding::Add).await?;
        reply(AddUserRolesResponse { total_count, roles })
    }

    async fn remove_user_roles(&self, request: Request<RemoveUserRolesRequest>) -> Reply<RemoveUserRolesResponse> {
        let (total_count, roles) = memberships::change_roles(&self.store, Call::open(request)?, Holding::Remove).await?;
        reply(RemoveUserRolesResponse { total_count, roles })
    }

    async fn refresh_user_token(&self, request: Request<RefreshUserTokenRequest>) -> Reply<RefreshUserTokenResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let target = identifiers::user(&message, &self.store, &mut violations);
        let target = violations.none_or_some(target)?;
        let UserToken { token, iat, exp } = self.store.refresh_user_token(&caller.tenant, &target).await?;
        reply(RefreshUserTokenResponse { token, iat, exp })
    }
}

/// The password that a user is given, if they are given one.
async fn credential(store: &Store, given: Option<GivenPassword>) -> Result<Option<Credential>> {
    match given {
        Some(given) => store.credential(given).await.map(Some),
        None => Ok(None),
    }
}
