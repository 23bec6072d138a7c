//! `OrganizationService`: organizations and their members.

use tonic::Request;

use super::batches::Targets;
use super::paging::Paging;
use super::resources::{self, Named};
use super::{Call, Reply, identifiers, reply, write};
use crate::error::Error;
use crate::proto::organization_service_server::OrganizationService;
use crate::proto::reflect::Reflect;
use crate::proto::{
    AddOrganizationMembersRequest, AddOrganizationMembersResponse, CreateOrganizationRequest, CreateOrganizationResponse,
    DeleteOrganizationRequest, DeleteOrganizationResponse, GetOrganizationRequest, GetOrganizationResponse,
    ListOrganizationMembersRequest, ListOrganizationMembersResponse, ListOrganizationsRequest, ListOrganizationsResponse,
    ListUserOrganizationsRequest, ListUserOrganizationsResponse, RemoveOrganizationMembersRequest,
    RemoveOrganizationMembersResponse, UpdateOrganizationRequest, UpdateOrganizationResponse,
};
use crate::store::organizations::{AddMembers, Organizations as Kind, RemoveMembers};
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
        let Call { message, mut violations, caller, context } = Call::open(request)?;
        let organization = identifiers::organization(&message, &caller.tenant, &mut violations).unwrap_or_default();
        let targets = Targets::read(&message, &self.store, violations)?;
        let add = AddMembers { organization, users: targets.good() };
        write(&self.store, context, add, move |done| AddOrganizationMembersResponse { results: targets.results(done) }).await
    }

    async fn remove_organization_members(
        &self,
        request: Request<RemoveOrganizationMembersRequest>,
    ) -> Reply<RemoveOrganizationMembersResponse> {
        let Call { message, mut violations, caller, context } = Call::open(request)?;
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
}
