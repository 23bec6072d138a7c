//! Fills a database through the API, as a customer would who moves to Roster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roster::proto::group_service_client::GroupServiceClient;
use roster::proto::organization_service_client::OrganizationServiceClient;
use roster::proto::role_service_client::RoleServiceClient;
use roster::proto::user_service_client::UserServiceClient;
use roster::proto::{
    AddDepartmentMembersRequest, AddGroupMembersRequest, AddOrganizationMembersRequest, AddRoleMembersRequest,
    BatchCreateUsersItem, BatchCreateUsersRequest, CreateDepartmentRequest, CreateGroupRequest, CreateOrganizationRequest,
    CreateRoleRequest, DepartmentDto, GroupDto, OrganizationDto, RoleDto, UserResult,
};
use tokio::task::JoinSet;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use crate::Result;
use crate::people::{self, BATCH, GROUPS, MEMBER, ORGANIZATIONS, ROLES};
use crate::progress::Progress;

/// Batches that are on their way at once.
const IN_FLIGHT: usize = 4;

/// Makes so many users, with all that they belong to.
///
/// # Errors
/// When a call fails, or anything in one does.
pub(crate) fn load(address: &str, key: &str, users: u64, what: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let caller = Caller::connect(address, key).await?;
        let tenants = Arc::new(caller.make_what_users_belong_to().await?);
        let batches = users.div_ceil(BATCH);
        let (next, mut loading) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..IN_FLIGHT {
            let (caller, tenants, next, done) = (caller.clone(), Arc::clone(&tenants), Arc::clone(&next), done.clone());
            loading.spawn(async move {
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch >= batches {
                        return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(());
                    }
                    let last = users.min((batch + 1) * BATCH);
                    caller.batch(batch, batch * BATCH..last, &tenants).await?;
                    // Who listens has gone only when all is lost.
                    let _ = done.send(last - batch * BATCH);
                }
            });
        }
        drop(done);
        let mut progress = Progress::new(format!("loading {what}"), users);
        let mut loaded = 0;
        while let Some(more) = finished.recv().await {
            loaded += more;
            progress.at(loaded, "users");
        }
        while let Some(ended) = loading.join_next().await {
            ended??;
        }
        Ok(())
    })
}

/// An organization and its department.
struct Tenant {
    organization: String,
    department: String,
}

#[derive(Clone)]
struct Caller {
    channel: Channel,
    key: MetadataValue<Ascii>,
}

impl Caller {
    async fn connect(address: &str, key: &str) -> Result<Self> {
        let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
        Ok(Self { channel, key: key.parse()? })
    }

    fn keyed<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-api-key", self.key.clone());
        request
    }

    async fn make_what_users_belong_to(&self) -> Result<Vec<Tenant>> {
        let mut groups = GroupServiceClient::new(self.channel.clone());
        for number in 0..GROUPS {
            let group = GroupDto { code: Some(people::group(number)), ..GroupDto::default() };
            groups.create_group(self.keyed(CreateGroupRequest { group: Some(group) })).await?;
        }
        let mut roles = RoleServiceClient::new(self.channel.clone());
        for code in (0..ROLES).map(people::role).chain([MEMBER.to_owned(), people::NOBODY.to_owned()]) {
            let role = RoleDto { code: Some(code), ..RoleDto::default() };
            roles.create_role(self.keyed(CreateRoleRequest { role: Some(role) })).await?;
        }
        let mut organizations = OrganizationServiceClient::new(self.channel.clone());
        let mut tenants = Vec::new();
        for number in 0..ORGANIZATIONS {
            let organization = OrganizationDto { code: Some(format!("organization-{number}")), ..OrganizationDto::default() };
            let request = CreateOrganizationRequest { organization: Some(organization) };
            let made = organizations.create_organization(self.keyed(request)).await?.into_inner().organization;
            let organization = made.ok_or("no organization")?.organization_id().to_owned();
            let department = DepartmentDto {
                organization_id: Some(organization.clone()),
                name: Some("Engines".to_owned()),
                ..DepartmentDto::default()
            };
            let request = CreateDepartmentRequest { department: Some(department) };
            let made = organizations.create_department(self.keyed(request)).await?.into_inner().department;
            let department = made.ok_or("no department")?.department_id().to_owned();
            tenants.push(Tenant { organization, department });
        }
        Ok(tenants)
    }

    async fn batch(&self, batch: u64, numbers: std::ops::Range<u64>, tenants: &[Tenant]) -> Result<()> {
        let digits: Vec<_> = numbers.map(people::digits).collect();
        let item = |digits: &String| BatchCreateUsersItem { user: Some(people::loaded(digits)), ..Default::default() };
        let request = BatchCreateUsersRequest { users: digits.iter().map(item).collect(), atomic: true };
        let made = UserServiceClient::new(self.channel.clone()).batch_create_users(self.keyed(request)).await?.into_inner();
        if let Some(error) = made.results.into_iter().find_map(|result| result.error) {
            return Err(format!("a user was not created: {}", error.message).into());
        }
        let user_ids: Vec<_> = digits.iter().map(|digits| people::user_id(digits)).collect();
        for code in people::groups(batch) {
            let request = AddGroupMembersRequest { code: Some(code), user_ids: user_ids.clone(), ..Default::default() };
            let added = GroupServiceClient::new(self.channel.clone()).add_group_members(self.keyed(request)).await?;
            all_well(added.into_inner().results)?;
        }
        for code in people::roles(batch) {
            let request = AddRoleMembersRequest { code: Some(code), user_ids: user_ids.clone(), ..Default::default() };
            let added = RoleServiceClient::new(self.channel.clone()).add_role_members(self.keyed(request)).await?;
            all_well(added.into_inner().results)?;
        }
        let tenant = &tenants[usize::try_from(batch)? % tenants.len()];
        let mut organizations = OrganizationServiceClient::new(self.channel.clone());
        let request = AddOrganizationMembersRequest {
            organization_id: Some(tenant.organization.clone()),
            user_ids: user_ids.clone(),
            ..Default::default()
        };
        all_well(organizations.add_organization_members(self.keyed(request)).await?.into_inner().results)?;
        let request = AddDepartmentMembersRequest {
            department_id: Some(tenant.department.clone()),
            organization_id: Some(tenant.organization.clone()),
            user_ids,
            ..Default::default()
        };
        all_well(organizations.add_department_members(self.keyed(request)).await?.into_inner().results)
    }
}

fn all_well(results: Vec<UserResult>) -> Result<()> {
    match results.into_iter().find_map(|result| result.error) {
        Some(error) => Err(format!("a user was not added: {}", error.message).into()),
        None => Ok(()),
    }
}
