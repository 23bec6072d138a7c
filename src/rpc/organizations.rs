//! `OrganizationService`: organizations and their members, departments and posts.

mod departments;
mod posts;

use tonic::Request;

use super::batches::Targets;
use super::paging::Paging;
use super::resources::{self, Named};
use super::{Call, Reply, identifiers, reply, write};
use crate::error::Error;
use crate::proto::organization_service_server::OrganizationService;
use crate::proto::reflect::Reflect;
use crate::proto::served::{ListDepartmentMembersResponse, ListOrganizationMembersResponse};
use crate::proto::{
    AddDepartmentMembersRequest, AddDepartmentMembersResponse, AddOrganizationMembersRequest, AddOrganizationMembersResponse,
    CreateDepartmentRequest, CreateDepartmentResponse, CreateOrganizationRequest, CreateOrganizationResponse,
    CreatePostRequest, CreatePostResponse, DeleteDepartmentRequest, DeleteDepartmentResponse, DeleteOrganizationRequest,
    DeleteOrganizationResponse, DeletePostRequest, DeletePostResponse, GetDepartmentRequest, GetDepartmentResponse,
    GetOrganizationRequest, GetOrganizationResponse, ListDepartmentMembersRequest, ListDepartmentsRequest,
    ListDepartmentsResponse, ListOrganizationMembersRequest, ListOrganizationsRequest, ListOrganizationsResponse,
    ListPostsRequest, ListPostsResponse, ListUserOrganizationsRequest, ListUserOrganizationsResponse,
    RemoveDepartmentMembersRequest, RemoveDepartmentMembersResponse, RemoveOrganizationMembersRequest,
    RemoveOrganizationMembersResponse, SetUserPostsRequest, SetUserPostsResponse, UpdateDepartmentRequest,
    UpdateDepartmentResponse, UpdateOrganizationRequest, UpdateOrganizationResponse,
};
use crate::store::departments::Departments;
use crate::store::organizations::{AddMembers, Organizations as Kind, RemoveMembers};
use crate::store::posts::Posts;
use crate::store::users::View;
use crate::store::{Identifier, Level, Store, Tenant};
use crate::validate::Violations;

/// Implements `OrganizationService`.
#[derive(Clone, Debug)]
pub struct Organizations {
    store: Store,
}

impl Organizations {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Named for Kind {
    fn key(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Level> {
        identifiers::organization(request, tenant, violations)
    }
}

#[tonic::async_trait]
impl OrganizationService for Organizations {
    async fn create_organization(&self, request: Request<CreateOrganizationRequest>) -> Reply<CreateOrganizationResponse> {
        let answer = |organization| CreateOrganizationResponse { organization: Some(organization) };
        resources::create::<Kind, _, _>(&self.store, Call::open(request)?, |sent| sent.organization, answer).await
    }

    async fn get_organization(&self, request: Request<GetOrganizationRequest>) -> Reply<GetOrganizationResponse> {
        let found = resources::get::<Kind, _>(&self.store, Call::open(request)?);
        reply(GetOrganizationResponse { organization: Some(found.await?) })
    }

    async fn update_organization(&self, request: Request<UpdateOrganizationRequest>) -> Reply<UpdateOrganizationResponse> {
        let change = |sent: UpdateOrganizationRequest| (sent.organization, sent.update_mask);
        let answer = |organization| UpdateOrganizationResponse { organization: Some(organization) };
        resources::update::<Kind, _, _>(&self.store, Call::open(request)?, change, answer).await
    }

    async fn delete_organization(&self, request: Request<DeleteOrganizationRequest>) -> Reply<DeleteOrganizationResponse> {
        let deleted = resources::delete::<Kind, _, _>(&self.store, Call::open(request)?).await?;
        self.store.organization_deleted();
        Ok(deleted)
    }

    async fn list_organizations(&self, request: Request<ListOrganizationsRequest>) -> Reply<ListOrganizationsResponse> {
        let Call { message, violations, caller, .. } = Call::open(request)?;
        let paging = Paging::read(&self.store, &message, &caller.tenant, &Level::Pool, &[], violations).await?;
        reply(paging.answer(self.store.organizations(&caller.tenant, &paging.page).await?).await?.into())
    }

    async fn add_organization_members(
        &self,
        request: Request<AddOrganizationMembersRequest>,
    ) -> Reply<AddOrganizationMembersResponse> {
        let Call { message, mut violations, caller, context, .. } = Call::open(request)?;
        let organization = identifiers::organization(&message, &caller.tenant, &mut violations).unwrap_or_default();
        let targets = Targets::read(&message, &self.store, violations)?;
        let add = AddMembers { organization, users: targets.good() };
        write(&self.store, context, add, move |done| AddOrganizationMembersResponse { results: targets.results(done) }).await
    }

    async fn remove_organization_members(
        &self,
        request: Request<RemoveOrganizationMembersRequest>,
    ) -> Reply<RemoveOrganizationMembersResponse> {
        let Call { message, mut violations, caller, context, .. } = Call::open(request)?;
        let organization = identifiers::organization(&message, &caller.tenant, &mut violations).unwrap_or_default();
        let targets = Targets::read(&message, &self.store, violations)?;
        let remove = RemoveMembers { organization, users: targets.good() };
        let answer = move |done| RemoveOrganizationMembersResponse { results: targets.results(done) };
        write(&self.store, context, remove, answer).await
    }

    async fn list_organization_members(
        &self,
        request: Request<ListOrganizationMembersRequest>,
    ) -> Reply<ListOrganizationMembersResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let level = identifiers::organization(&message, &caller.tenant, &mut violations).unwrap_or_default();
        let paging = Paging::read(&self.store, &message, &caller.tenant, &level, &[], violations).await?;
        let view = View::of(&message, &level);
        reply(paging.answer(self.store.organization_members(&caller.tenant, &paging.page, &view).await?).await?.into())
    }

    async fn list_user_organizations(
        &self,
        request: Request<ListUserOrganizationsRequest>,
    ) -> Reply<ListUserOrganizationsResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let user = identifiers::user(&message, &self.store, &mut violations);
        let (kind, key) = user.as_ref().map(Identifier::parts).unwrap_or_default();
        let paging = Paging::read(&self.store, &message, &caller.tenant, &Level::Pool, &[kind, key], violations).await?;
        // Without a user there were violations.
        let user = user.as_ref().ok_or(Error::UserNotFound)?;
        reply(paging.answer(self.store.organizations_of(&caller.tenant, user, &paging.page).await?).await?.into())
    }

    async fn create_department(&self, request: Request<CreateDepartmentRequest>) -> Reply<CreateDepartmentResponse> {
        let answer = |department| CreateDepartmentResponse { department: Some(department) };
        resources::create::<Departments, _, _>(&self.store, Call::open(request)?, |sent| sent.department, answer).await
    }

    async fn get_department(&self, request: Request<GetDepartmentRequest>) -> Reply<GetDepartmentResponse> {
        let found = resources::get::<Departments, _>(&self.store, Call::open(request)?);
        reply(GetDepartmentResponse { department: Some(found.await?) })
    }

    async fn update_department(&self, request: Request<UpdateDepartmentRequest>) -> Reply<UpdateDepartmentResponse> {
        let change = |sent: UpdateDepartmentRequest| (sent.department, sent.update_mask);
        let answer = |department| UpdateDepartmentResponse { department: Some(department) };
        resources::update::<Departments, _, _>(&self.store, Call::open(request)?, change, answer).await
    }

    async fn delete_department(&self, request: Request<DeleteDepartmentRequest>) -> Reply<DeleteDepartmentResponse> {
        resources::delete::<Departments, _, _>(&self.store, Call::open(request)?).await
    }

    async fn list_departments(&self, request: Request<ListDepartmentsRequest>) -> Reply<ListDepartmentsResponse> {
        reply(resources::list::<Departments, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn add_department_members(
        &self,
        request: Request<AddDepartmentMembersRequest>,
    ) -> Reply<AddDepartmentMembersResponse> {
        departments::add_members(&self.store, Call::open(request)?).await
    }

    async fn remove_department_members(
        &self,
        request: Request<RemoveDepartmentMembersRequest>,
    ) -> Reply<RemoveDepartmentMembersResponse> {
        departments::remove_members(&self.store, Call::open(request)?).await
    }

    async fn list_department_members(
        &self,
        request: Request<ListDepartmentMembersRequest>,
    ) -> Reply<ListDepartmentMembersResponse> {
        reply(departments::members(&self.store, Call::open(request)?).await?.into())
    }

    async fn create_post(&self, request: Request<CreatePostRequest>) -> Reply<CreatePostResponse> {
        let answer = |post| CreatePostResponse { post: Some(post) };
        resources::create::<Posts, _, _>(&self.store, Call::open(request)?, |sent| sent.post, answer).await
    }

    async fn list_posts(&self, request: Request<ListPostsRequest>) -> Reply<ListPostsResponse> {
        reply(resources::list::<Posts, _>(&self.store, Call::open(request)?).await?.into())
    }

    async fn delete_post(&self, request: Request<DeletePostRequest>) -> Reply<DeletePostResponse> {
        resources::delete::<Posts, _, _>(&self.store, Call::open(request)?).await
    }

    async fn set_user_posts(&self, request: Request<SetUserPostsRequest>) -> Reply<SetUserPostsResponse> {
        posts::set_of_user(&self.store, Call::open(request)?).await
    }
}
