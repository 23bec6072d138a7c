//! `GroupService`: groups and who belongs to them.

use tonic::Request;

use super::{Call, Reply, collections, reply, resources};
use crate::proto::group_service_server::GroupService;
use crate::proto::served::ListGroupMembersResponse;
use crate::proto::{
    AddGroupMembersRequest, AddGroupMembersResponse, CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest,
    DeleteGroupResponse, GetGroupRequest, GetGroupResponse, ListGroupMembersRequest, ListGroupsRequest, ListGroupsResponse,
    RemoveGroupMembersRequest, RemoveGroupMembersResponse, UpdateGroupRequest, UpdateGroupResponse,
};
use crate::store::Store;
use crate::store::collections::Holding;
use crate::store::groups::Groups as Kind;

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
        let answer = |group| CreateGroupResponse { group: Some(group) };
        resources::create::<Kind, _, _>(&self.store, Call::open(request)?, |sent| sent.group, answer).await
    }

    async fn get_group(&self, request: Request<GetGroupRequest>) -> Reply<GetGroupResponse> {
        let found = resources::get::<Kind, _>(&self.store, Call::open(request)?);
        reply(GetGroupResponse { group: Some(found.await?) })
    }

    async fn update_group(&self, request: Request<UpdateGroupRequest>) -> Reply<UpdateGroupResponse> {
        let change = |sent: UpdateGroupRequest| (sent.group, sent.update_mask);
        let answer = |group| UpdateGroupResponse { group: Some(group) };
        resources::update::<Kind, _, _>(&self.store, Call::open(request)?, change, answer).await
    }

    async fn delete_group(&self, request: Request<DeleteGroupRequest>) -> Reply<DeleteGroupResponse> {
        resources::delete::<Kind, _, _>(&self.store, Call::open(request)?).await
    }

    async fn list_groups(&self, request: Request<ListGroupsRequest>) -> Reply<ListGroupsResponse> {
        reply(resources::list::<Kind, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn list_group_members(&self, request: Request<ListGroupMembersRequest>) -> Reply<ListGroupMembersResponse> {
        reply(collections::members::<Kind, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn add_group_members(&self, request: Request<AddGroupMembersRequest>) -> Reply<AddGroupMembersResponse> {
        let answer = |results| AddGroupMembersResponse { results };
        collections::change_members::<Kind, _, _>(&self.store, Call::open(request)?, Holding::Add, answer).await
    }

    async fn remove_group_members(&self, request: Request<RemoveGroupMembersRequest>) -> Reply<RemoveGroupMembersResponse> {
        let answer = |results| RemoveGroupMembersResponse { results };
        collections::change_members::<Kind, _, _>(&self.store, Call::open(request)?, Holding::Remove, answer).await
    }
}
