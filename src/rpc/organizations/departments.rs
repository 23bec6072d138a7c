//! Departments: how requests name one, and who is in it.

use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::proto::reflect::Reflect;
use crate::proto::{
    AddDepartmentMembersRequest, AddDepartmentMembersResponse, ListDepartmentMembersRequest, RemoveDepartmentMembersRequest,
    RemoveDepartmentMembersResponse,
};
use crate::rpc::batches::Targets;
use crate::rpc::paging::{Paged, Paging};
use crate::rpc::reply::Reply;
use crate::rpc::resources::Named;
use crate::rpc::{Call, identifiers, write};
use crate::store::departments::{AddDepartmentMembers, Departments, RemoveDepartmentMembers};
use crate::store::users::View;
use crate::store::{Level, Located, Store, Tenant};
use crate::validate::Violations;

impl Named for Departments {
    fn key(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Located> {
        identifiers::located("department_id", request, tenant, violations)
    }
}

/// Puts users into the department, and says what they are in it.
pub(super) async fn add_members(store: &Store, call: Call<AddDepartmentMembersRequest>) -> Reply<AddDepartmentMembersResponse> {
    let Call { message, mut violations, caller, context, .. } = call;
    let department = Departments::key(&message, &caller.tenant, &mut violations).unwrap_or_default();
    let targets = Targets::read(&message, store, violations)?;
    let AddDepartmentMembersRequest { is_leader, is_main, .. } = message;
    let add = AddDepartmentMembers { department, users: targets.good(), is_leader, is_main };
    write(store, context, add, move |done| AddDepartmentMembersResponse { results: targets.results(done) }).await
}

/// Takes users out of the department.
pub(super) async fn remove_members(
    store: &Store,
    call: Call<RemoveDepartmentMembersRequest>,
) -> Reply<RemoveDepartmentMembersResponse> {
    let Call { message, mut violations, caller, context, .. } = call;
    let department = Departments::key(&message, &caller.tenant, &mut violations).unwrap_or_default();
    let targets = Targets::read(&message, store, violations)?;
    let remove = RemoveDepartmentMembers { department, users: targets.good() };
    write(store, context, remove, move |done| RemoveDepartmentMembersResponse { results: targets.results(done) }).await
}

/// A page of those who are in the department, or also in one below it.
pub(super) async fn members(store: &Store, call: Call<ListDepartmentMembersRequest>) -> Result<Paged<Bytes>> {
    let Call { message, mut violations, caller, .. } = call;
    let department = Departments::key(&message, &caller.tenant, &mut violations);
    let Located { level, id } = department.clone().unwrap_or_default();
    let (level, below) = (level.unwrap_or_default(), message.include_children);
    let parts = [id.as_str(), if below { "below" } else { "" }];
    let paging = Paging::read(store, &message, &caller.tenant, &level, &parts, violations).await?;
    // Without an id there were violations.
    let department = department.ok_or(Error::DepartmentNotFound)?;
    let view = View::of(&message, &Level::Pool);
    let listed = store.department_members(&caller.tenant, &department, below, &paging.page, &view).await?;
    paging.answer(listed).await
}
