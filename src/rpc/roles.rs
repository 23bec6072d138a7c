//! `RoleService`: roles and who holds them.

use tonic::Request;

use super::batches::{Targets, change_members};
use super::paging::Paging;
use super::{Call, Reply, identifiers, reply};
use crate::limits;
use crate::proto::role_service_server::RoleService;
use crate::proto::{
    AddRoleMembersRequest, AddRoleMembersResponse, CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest,
    DeleteRoleResponse, GetRoleRequest, GetRoleResponse, HasAnyRoleRequest, HasAnyRoleResponse, ListRoleMembersRequest,
    ListRoleMembersResponse, ListRolesRequest, ListRolesResponse, RemoveRoleMembersRequest, RemoveRoleMembersResponse,
    UpdateRoleRequest, UpdateRoleResponse,
};
use crate::store::Store;
use crate::store::collections::{Create, Delete, Holding, Update};
use crate::store::roles as collection;
use crate::store::users::View;

/// Implements `RoleService`.
#[derive(Clone, Debug)]
pub struct Roles {
    store: Store,
}

impl Roles {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl RoleService for Roles {
    async fn create_role(&self, request: Request<CreateRoleRequest>) -> Reply<CreateRoleResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let create = Create::<collection::Roles>::read(call.message.role, call.violations)?;
        reply(CreateRoleResponse { role: Some(self.store.write(context, create).await?) })
    }

    async fn get_role(&self, request: Request<GetRoleRequest>) -> Reply<GetRoleResponse> {
        let Call { message, mut violations, .. } = Call::open(request)?;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations);
        let code = violations.none_or_some(code)?;
        reply(GetRoleResponse { role: Some(self.store.collection::<collection::Roles>(&code).await?) })
    }

    async fn update_role(&self, request: Request<UpdateRoleRequest>) -> Reply<UpdateRoleResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations);
        let (role, mask) = (message.role.unwrap_or_default(), message.update_mask.as_ref());
        let update = Update::<collection::Roles>::read(code, role, mask, message.etag, violations)?;
        reply(UpdateRoleResponse { role: Some(self.store.write(context, update).await?) })
    }

    async fn delete_role(&self, request: Request<DeleteRoleRequest>) -> Reply<DeleteRoleResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations);
        let code = violations.none_or_some(code)?;
        self.store.write(context, Delete::<collection::Roles>::new(code, message.etag)).await?;
        reply(DeleteRoleResponse {})
    }

    async fn list_roles(&self, request: Request<ListRolesRequest>) -> Reply<ListRolesResponse> {
        let Call { message, violations, .. } = Call::open(request)?;
        let paging = Paging::read(&self.store, &message, &[], violations).await?;
        let listed = self.store.collections::<collection::Roles>(&paging.page).await?;
        reply(paging.answer(listed).await?.into())
    }

    async fn list_role_members(&self, request: Request<ListRoleMembersRequest>) -> Reply<ListRoleMembersResponse> {
        let Call { message, mut violations, .. } = Call::open(request)?;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations).unwrap_or_default();
        let paging = Paging::read(&self.store, &message, &[&code], violations).await?;
        let listed = self.store.members::<collection::Roles>(&code, &paging.page, View::of(&message)).await?;
        reply(paging.answer(listed).await?.into())
    }

    async fn add_role_members(&self, request: Request<AddRoleMembersRequest>) -> Reply<AddRoleMembersResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations).unwrap_or_default();
        let targets = Targets::read(message.user_ids, message.user_id_type, &self.store, violations)?;
        let change = change_members::<collection::Roles>(&self.store, context, code, targets, Holding::Add);
        reply(AddRoleMembersResponse { results: change.await? })
    }

    async fn remove_role_members(&self, request: Request<RemoveRoleMembersRequest>) -> Reply<RemoveRoleMembersResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations).unwrap_or_default();
        let targets = Targets::read(message.user_ids, message.user_id_type, &self.store, violations)?;
        let change = change_members::<collection::Roles>(&self.store, context, code, targets, Holding::Remove);
        reply(RemoveRoleMembersResponse { results: change.await? })
    }

    async fn has_any_role(&self, request: Request<HasAnyRoleRequest>) -> Reply<HasAnyRoleResponse> {
        let Call { message, mut violations, .. } = Call::open(request)?;
        let user = identifiers::user(&message, &self.store, &mut violations);
        let codes = identifiers::codes("role_codes", &message.role_codes, limits::ASKED_ROLES, &mut violations);
        let user = violations.none_or_some(user)?;
        reply(HasAnyRoleResponse { has_any_role: self.store.holds_any::<collection::Roles>(&user, &codes).await? })
    }
}
