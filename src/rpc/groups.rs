//! `GroupService`: groups and who belongs to them.

use tonic::Request;

use super::batches::{Targets, change_members};
use super::paging::Paging;
use super::{Call, Reply, identifiers, reply};
use crate::proto::group_service_server::GroupService;
use crate::proto::{
    AddGroupMembersRequest, AddGroupMembersResponse, CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest,
    DeleteGroupResponse, GetGroupRequest, GetGroupResponse, ListGroupMembersRequest, ListGroupMembersResponse,
    ListGroupsRequest, ListGroupsResponse, RemoveGroupMembersRequest, RemoveGroupMembersResponse, UpdateGroupRequest,
    UpdateGroupResponse,
};
use crate::store::Store;
use crate::store::collections::{Create, Delete, Holding, Update};
use crate::store::groups as collection;
use crate::store::users::View;

/// Implements `GroupService`.
#[derive(Clone, Debug)]
pub struct Groups {
    store: Store,
}

impl Groups {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl GroupService for Groups {
    async fn create_group(&self, request: Request<CreateGroupRequest>) -> Reply<CreateGroupResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let create = Create::<collection::Groups>::read(call.message.group, call.violations)?;
        reply(CreateGroupResponse { group: Some(self.store.write(context, create).await?) })
    }

    async fn get_group(&self, request: Request<GetGroupRequest>) -> Reply<GetGroupResponse> {
        let Call { message, mut violations, .. } = Call::open(request)?;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations);
        let code = violations.none_or_some(code)?;
        reply(GetGroupResponse { group: Some(self.store.collection::<collection::Groups>(&code).await?) })
    }

    async fn update_group(&self, request: Request<UpdateGroupRequest>) -> Reply<UpdateGroupResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations);
        let (group, mask) = (message.group.unwrap_or_default(), message.update_mask.as_ref());
        let update = Update::<collection::Groups>::read(code, group, mask, message.etag, violations)?;
        reply(UpdateGroupResponse { group: Some(self.store.write(context, update).await?) })
    }

    async fn delete_group(&self, request: Request<DeleteGroupRequest>) -> Reply<DeleteGroupResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations);
        let code = violations.none_or_some(code)?;
        self.store.write(context, Delete::<collection::Groups>::new(code, message.etag)).await?;
        reply(DeleteGroupResponse {})
    }

    async fn list_groups(&self, request: Request<ListGroupsRequest>) -> Reply<ListGroupsResponse> {
        let Call { message, violations, .. } = Call::open(request)?;
        let paging = Paging::read(&self.store, &message, &[], violations).await?;
        let listed = self.store.collections::<collection::Groups>(&paging.page).await?;
        reply(paging.answer(listed).await?.into())
    }

    async fn list_group_members(&self, request: Request<ListGroupMembersRequest>) -> Reply<ListGroupMembersResponse> {
        let Call { message, mut violations, .. } = Call::open(request)?;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations).unwrap_or_default();
        let paging = Paging::read(&self.store, &message, &[&code], violations).await?;
        let listed = self.store.members::<collection::Groups>(&code, &paging.page, View::of(&message)).await?;
        reply(paging.answer(listed).await?.into())
    }

    async fn add_group_members(&self, request: Request<AddGroupMembersRequest>) -> Reply<AddGroupMembersResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations).unwrap_or_default();
        let targets = Targets::read(message.user_ids, message.user_id_type, &self.store, violations)?;
        let change = change_members::<collection::Groups>(&self.store, context, code, targets, Holding::Add);
        reply(AddGroupMembersResponse { results: change.await? })
    }

    async fn remove_group_members(&self, request: Request<RemoveGroupMembersRequest>) -> Reply<RemoveGroupMembersResponse> {
        let call = Call::open(request)?;
        let context = call.context();
        let Call { message, mut violations, .. } = call;
        let code = identifiers::code("code", message.code.as_deref(), &mut violations).unwrap_or_default();
        let targets = Targets::read(message.user_ids, message.user_id_type, &self.store, violations)?;
        let change = change_members::<collection::Groups>(&self.store, context, code, targets, Holding::Remove);
        reply(RemoveGroupMembersResponse { results: change.await? })
    }
}
