//! `RoleService`: roles and who holds them.

use tonic::Request;

use super::{Call, Reply, collections, identifiers, reply, resources};
use crate::limits;
use crate::proto::role_service_server::RoleService;
use crate::proto::served::ListRoleMembersResponse;
use crate::proto::{
    AddRoleMembersRequest, AddRoleMembersResponse, CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest,
    DeleteRoleResponse, GetRoleRequest, GetRoleResponse, HasAnyRoleRequest, HasAnyRoleResponse, ListRoleMembersRequest,
    ListRolesRequest, ListRolesResponse, RemoveRoleMembersRequest, RemoveRoleMembersResponse, UpdateRoleRequest,
    UpdateRoleResponse,
};
use crate::store::Store;
use crate::store::collections::Holding;
use crate::store::roles::Roles as Kind;

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
        let answer = |role| CreateRoleResponse { role: Some(role) };
        resources::create::<Kind, _, _>(&self.store, Call::open(request)?, |sent| sent.role, answer).await
    }

    async fn get_role(&self, request: Request<GetRoleRequest>) -> Reply<GetRoleResponse> {
        let found = resources::get::<Kind, _>(&self.store, Call::open(request)?);
        reply(GetRoleResponse { role: Some(found.await?) })
    }

    async fn update_role(&self, request: Request<UpdateRoleRequest>) -> Reply<UpdateRoleResponse> {
        let change = |sent: UpdateRoleRequest| (sent.role, sent.update_mask);
        let answer = |role| UpdateRoleResponse { role: Some(role) };
        resources::update::<Kind, _, _>(&self.store, Call::open(request)?, change, answer).await
    }

    async fn delete_role(&self, request: Request<DeleteRoleRequest>) -> Reply<DeleteRoleResponse> {
        resources::delete::<Kind, _, _>(&self.store, Call::open(request)?).await
    }

    async fn list_roles(&self, request: Request<ListRolesRequest>) -> Reply<ListRolesResponse> {
        reply(resources::list::<Kind, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn list_role_members(&self, request: Request<ListRoleMembersRequest>) -> Reply<ListRoleMembersResponse> {
        reply(collections::members::<Kind, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn add_role_members(&self, request: Request<AddRoleMembersRequest>) -> Reply<AddRoleMembersResponse> {
        let answer = |results| AddRoleMembersResponse { results };
        collections::change_members::<Kind, _, _>(&self.store, Call::open(request)?, Holding::Add, answer).await
    }

    async fn remove_role_members(&self, request: Request<RemoveRoleMembersRequest>) -> Reply<RemoveRoleMembersResponse> {
        let answer = |results| RemoveRoleMembersResponse { results };
        collections::change_members::<Kind, _, _>(&self.store, Call::open(request)?, Holding::Remove, answer).await
    }

    async fn has_any_role(&self, request: Request<HasAnyRoleRequest>) -> Reply<HasAnyRoleResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let holder = collections::holder(&message, &self.store, &caller, &mut violations);
        let codes = identifiers::codes("role_codes", &message.role_codes, limits::ASKED_ROLES, &mut violations);
        let holder = violations.none_or_some(holder)?;
        reply(HasAnyRoleResponse { has_any_role: self.store.has_any_role(&holder, &codes).await? })
    }
}
