//! `UserService`: users found, created, changed and deleted.

mod existence;

use tonic::{Request, Response};

use super::{Call, Reply, identifiers};
use crate::error::Error;
use crate::proto::find_user_request::By;
use crate::proto::user_service_server::UserService;
use crate::proto::{
    BatchUserExistsRequest, BatchUserExistsResponse, CheckUserRequest, CheckUserResponse, CheckUsernameAvailabilityRequest,
    CheckUsernameAvailabilityResponse, CreateUserRequest, CreateUserResponse, DeleteUserRequest, DeleteUserResponse,
    FindUserRequest, FindUserResponse, GetUserRequest, GetUserResponse, UpdateUserRequest, UpdateUserResponse,
    UserExistsRequest, UserExistsResponse,
};
use crate::store::Store;
use crate::store::users::{CreateUser, DeleteUser, UpdateUser, View};

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
        Ok(Response::new(existence::user_exists(&self.store, Call::open(request)?).await?))
    }

    async fn batch_user_exists(&self, request: Request<BatchUserExistsRequest>) -> Reply<BatchUserExistsResponse> {
        Ok(Response::new(existence::batch_user_exists(&self.store, Call::open(request)?).await?))
    }

    async fn check_user(&self, request: Request<CheckUserRequest>) -> Reply<CheckUserResponse> {
        Ok(Response::new(existence::check_user(&self.store, Call::open(request)?).await?))
    }

    async fn check_username_availability(
        &self,
        request: Request<CheckUsernameAvailabilityRequest>,
    ) -> Reply<CheckUsernameAvailabilityResponse> {
        Ok(Response::new(existence::check_username_availability(&self.store, Call::open(request)?).await?))
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Reply<GetUserResponse> {
        let Call { message, mut violations, .. } = Call::open(request)?;
        let id = message.user_id.as_deref();
        let target = identifiers::target(id, message.user_id_type, self.store.calling_code(), &mut violations);
        let target = violations.none_or_some(target)?;
        let user = self.store.user(&target, View::of(message.with_custom_data, message.flat_custom_data)).await?;
        Ok(Response::new(GetUserResponse { user: Some(user) }))
    }

    async fn find_user(&self, request: Request<FindUserRequest>) -> Reply<FindUserResponse> {
        let Call { message, mut violations, .. } = Call::open(request)?;
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
        let target = violations.none_or_some(target)?;
        let user = self.store.user(&target, View::of(message.with_custom_data, message.flat_custom_data)).await?;
        Ok(Response::new(FindUserResponse { user: Some(user) }))
    }

    async fn create_user(&self, request: Request<CreateUserRequest>) -> Reply<CreateUserResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let user = call.message.user.ok_or_else(|| Error::invalid("user", "must be given"))?;
        let created = self.store.write(context, CreateUser::read(user, self.store.calling_code())?).await?;
        Ok(Response::new(CreateUserResponse { user: Some(created) }))
    }

    async fn update_user(&self, request: Request<UpdateUserRequest>) -> Reply<UpdateUserResponse> {
        let call = Call::open(request)?;
        let (context, calling_code) = (call.context(), self.store.calling_code());
        let Call { message, mut violations, .. } = call;
        let id = message.user_id.as_deref();
        let target = identifiers::target(id, message.user_id_type, calling_code, &mut violations);
        let update = UpdateUser::read(message, target, calling_code, violations)?;
        let user = self.store.write(context, update).await?;
        Ok(Response::new(UpdateUserResponse { user: Some(user) }))
    }

    async fn delete_user(&self, request: Request<DeleteUserRequest>) -> Reply<DeleteUserResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let id = message.user_id.as_deref();
        let target = identifiers::target(id, message.user_id_type, self.store.calling_code(), &mut violations);
        let target = violations.none_or_some(target)?;
        self.store.write(context, DeleteUser { target, etag: message.etag }).await?;
        Ok(Response::new(DeleteUserResponse {}))
    }
}
