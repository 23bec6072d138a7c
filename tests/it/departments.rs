//! Departments: trees at the pool's own level or in an organization, and who is in them.

mod faults;
mod lists;
mod members;
mod races;
mod shown;
mod tree;
mod writes;

use prost_types::FieldMask;
use roster::proto::{
    AddDepartmentMembersRequest, AddOrganizationMembersRequest, CreateDepartmentRequest, CreateOrganizationRequest,
    DeleteDepartmentRequest, DepartmentDto, GetDepartmentRequest, ListDepartmentMembersRequest, OrganizationDto,
    RemoveDepartmentMembersRequest, UpdateDepartmentRequest, UserDto, UserResult,
};
use tonic::{Code, Status};

use crate::dto::texts;
use crate::existence::row_error;
use crate::harness::{Client, Refusal, Roster, refused};

/// A server, and a client that may do everything.
pub(crate) async fn begun() -> (Roster, Client) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    (roster, client)
}

/// A new organization of this code: its id.
pub(crate) async fn organization(client: &Client, code: &str) -> String {
    let organization = Some(OrganizationDto { code: Some(code.to_owned()), ..OrganizationDto::default() });
    let created = client.organizations().create_organization(CreateOrganizationRequest { organization }).await.unwrap();
    created.into_inner().organization.unwrap().organization_id.unwrap()
}

/// New users of these ids, members of the organization if one is given.
pub(crate) async fn users(client: &Client, organization_id: Option<&str>, ids: &[&str]) {
    for id in ids {
        client.create(texts(&[("user_id", id), ("username", id)])).await.unwrap();
    }
    if let Some(organization_id) = organization_id {
        join(client, organization_id, ids).await;
    }
}

/// Makes users members of an organization.
pub(crate) async fn join(client: &Client, organization_id: &str, ids: &[&str]) {
    let organization_id = Some(organization_id.to_owned());
    let request = AddOrganizationMembersRequest { organization_id, user_ids: owned(ids), ..Default::default() };
    client.organizations().add_organization_members(request).await.unwrap();
}

pub(crate) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A department of this name, in the organization if one is given, under the parent if one is.
pub(crate) fn department(organization_id: Option<&str>, parent: Option<&str>, name: &str) -> DepartmentDto {
    DepartmentDto {
        organization_id: organization_id.map(ToOwned::to_owned),
        parent_department_id: parent.map(ToOwned::to_owned),
        name: Some(name.to_owned()),
        ..DepartmentDto::default()
    }
}

/// Users to be put into a department.
pub(crate) fn adding(id: &str, user_ids: &[&str]) -> AddDepartmentMembersRequest {
    AddDepartmentMembersRequest { department_id: Some(id.to_owned()), user_ids: owned(user_ids), ..Default::default() }
}

/// What is to change, under a mask of these fields.
pub(crate) fn masking(id: &str, department: DepartmentDto, paths: &[&str]) -> UpdateDepartmentRequest {
    UpdateDepartmentRequest {
        department_id: Some(id.to_owned()),
        department: Some(department),
        update_mask: Some(FieldMask { paths: owned(paths) }),
        ..Default::default()
    }
}

/// The request that moves the department under the parent; to the top without one.
pub(crate) fn moving(id: &str, parent: Option<&str>) -> UpdateDepartmentRequest {
    let to = DepartmentDto { parent_department_id: parent.map(ToOwned::to_owned), ..DepartmentDto::default() };
    masking(id, to, &["parent_department_id"])
}

impl Client {
    pub(crate) async fn create_department(&self, department: DepartmentDto) -> Result<DepartmentDto, Status> {
        let request = CreateDepartmentRequest { department: Some(department) };
        Ok(self.organizations().create_department(request).await?.into_inner().department.unwrap())
    }

    /// The id of a new department.
    pub(crate) async fn made(&self, organization_id: Option<&str>, parent: Option<&str>, name: &str) -> String {
        self.create_department(department(organization_id, parent, name)).await.unwrap().department_id.unwrap()
    }

    pub(crate) async fn department(&self, id: &str) -> Result<DepartmentDto, Status> {
        let request = GetDepartmentRequest { department_id: Some(id.to_owned()), ..Default::default() };
        Ok(self.organizations().get_department(request).await?.into_inner().department.unwrap())
    }

    pub(crate) async fn update_department(&self, request: UpdateDepartmentRequest) -> Result<DepartmentDto, Status> {
        Ok(self.organizations().update_department(request).await?.into_inner().department.unwrap())
    }

    pub(crate) async fn delete_department(&self, id: &str) -> Result<(), Status> {
        let request = DeleteDepartmentRequest { department_id: Some(id.to_owned()), ..Default::default() };
        self.organizations().delete_department(request).await.map(drop)
    }

    pub(crate) async fn add(&self, request: AddDepartmentMembersRequest) -> Result<Vec<UserResult>, Status> {
        Ok(self.organizations().add_department_members(request).await?.into_inner().results)
    }

    /// Puts users into a department, all of whom can be.
    pub(crate) async fn put(&self, request: AddDepartmentMembersRequest) {
        let results = self.add(request).await.unwrap();
        assert!(results.iter().all(|result| result.error.is_none()), "{results:?}");
    }

    pub(crate) async fn take(&self, id: &str, user_ids: &[&str]) -> Result<Vec<UserResult>, Status> {
        let (department_id, user_ids) = (Some(id.to_owned()), owned(user_ids));
        let request = RemoveDepartmentMembersRequest { department_id, user_ids, ..Default::default() };
        Ok(self.organizations().remove_department_members(request).await?.into_inner().results)
    }

    pub(crate) async fn members(&self, request: ListDepartmentMembersRequest) -> Result<Vec<UserDto>, Status> {
        Ok(self.organizations().list_department_members(request).await?.into_inner().users)
    }

    /// The ids of those who are in a department, or also in one below it.
    pub(crate) async fn member_ids(&self, id: &str, include_children: bool) -> Vec<String> {
        let (department_id, limit) = (Some(id.to_owned()), Some(1_000));
        let request = ListDepartmentMembersRequest { department_id, include_children, limit, ..Default::default() };
        self.members(request).await.unwrap().into_iter().map(|user| user.user_id.unwrap()).collect()
    }

    /// All that can be asked of a department by its id, each of which must be refused.
    pub(crate) async fn refusals_of_department(&self, id: &str, organization_id: Option<&str>) -> Vec<Refusal> {
        let (department_id, organization_id) = (Some(id.to_owned()), organization_id.map(ToOwned::to_owned));
        let mut service = self.organizations();
        let get = GetDepartmentRequest { department_id: department_id.clone(), organization_id: organization_id.clone() };
        let update = UpdateDepartmentRequest {
            organization_id: organization_id.clone(),
            ..masking(id, department(None, None, "x"), &["name"])
        };
        let delete = DeleteDepartmentRequest {
            department_id: department_id.clone(),
            organization_id: organization_id.clone(),
            etag: None,
        };
        let add = AddDepartmentMembersRequest { organization_id: organization_id.clone(), ..adding(id, &["ann"]) };
        let remove = RemoveDepartmentMembersRequest {
            department_id: department_id.clone(),
            organization_id: organization_id.clone(),
            user_ids: owned(&["ann"]),
            user_id_type: 0,
        };
        let members = ListDepartmentMembersRequest { department_id, organization_id, ..Default::default() };
        vec![
            refused(service.get_department(get).await),
            refused(service.update_department(update).await),
            refused(service.delete_department(delete).await),
            refused(service.add_department_members(add).await),
            refused(service.remove_department_members(remove).await),
            refused(service.list_department_members(members).await),
        ]
    }
}

/// Asserts that each refusal is this.
#[track_caller]
pub(crate) fn assert_each(refusals: Vec<Refusal>, code: Code, reason: &str) {
    for refusal in refusals {
        assert_eq!(refusal.kind(), (code, reason), "{refusal:?}");
    }
}

/// Code and reason of what became of each.
pub(crate) fn reasons(results: Vec<UserResult>) -> Vec<Option<String>> {
    results.into_iter().map(|result| result.error.map(|error| row_error(error).reason)).collect()
}
