//! Departments by themselves: made, read, changed and deleted, and where they stand.

use roster::proto::{
    CreateDepartmentRequest, DeleteDepartmentRequest, DeleteOrganizationRequest, DepartmentDto, GetDepartmentRequest,
    ListDepartmentsRequest, UpdateDepartmentRequest,
};
use tonic::Code;

use super::{assert_each, begun, department, masking, organization, users};
use crate::calls::assert_refused;
use crate::harness::assert_invalid;

#[tokio::test]
async fn a_department_is_what_was_sent_and_what_the_server_adds() {
    let (_roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    for organization_id in [None, Some(organization_id.as_str())] {
        let sent = DepartmentDto { code: Some("eng".to_owned()), ..department(organization_id, None, "Engineering") };
        let created = client.create_department(sent.clone()).await.unwrap();
        assert!(created.etag.is_some() && created.created_at.is_some() && created.created_at == created.updated_at);
        assert_eq!(client.department(created.department_id()).await.unwrap(), created);
        let DepartmentDto { department_id, etag, created_at, updated_at, .. } = created.clone();
        assert_eq!(created, DepartmentDto { department_id, etag, created_at, updated_at, ..sent });
        assert_eq!(created.department_id().len(), 36);
    }
    // It need not have a code nor a name.
    for _ in 0..2 {
        client.create_department(DepartmentDto::default()).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_is_told_by_its_field() {
    let (_roster, client) = begun().await;
    let id = client.made(None, None, "a").await;
    let text = |text: &str| Some(text.to_owned());
    for (bad, field) in [
        (DepartmentDto { department_id: text("x"), ..Default::default() }, "department_id"),
        (DepartmentDto { organization_id: text(""), ..Default::default() }, "organization_id"),
        (DepartmentDto { parent_department_id: text(""), ..Default::default() }, "parent_department_id"),
        (DepartmentDto { parent_department_id: text(&"x".repeat(257)), ..Default::default() }, "parent_department_id"),
        (DepartmentDto { code: text("a b"), ..Default::default() }, "code"),
        (DepartmentDto { code: text(""), ..Default::default() }, "code"),
        (DepartmentDto { name: text(&"x".repeat(257)), ..Default::default() }, "name"),
        (DepartmentDto { etag: text("x"), ..Default::default() }, "etag"),
        (DepartmentDto { leader_user_ids: vec!["ann".to_owned()], ..Default::default() }, "leader_user_ids"),
    ] {
        let field = format!("department.{field}");
        assert_invalid(client.create_department(bad.clone()).await, &[&field]);
        let update = UpdateDepartmentRequest { department_id: text(&id), department: Some(bad), ..Default::default() };
        assert_invalid(client.update_department(update).await, &[&field]);
    }
    assert_invalid(client.organizations().create_department(CreateDepartmentRequest::default()).await, &["department"]);
    for field in ["leader_user_ids", "organization_id", "department_id", "etag", "*", "level"] {
        let update = masking(&id, department(None, None, "b"), &[field]);
        assert_invalid(client.update_department(update).await, &["update_mask"]);
    }
    for id in [None, text(""), text(&"x".repeat(257))] {
        let get = GetDepartmentRequest { department_id: id, ..Default::default() };
        assert_invalid(client.organizations().get_department(get).await, &["department_id"]);
    }
}

#[tokio::test]
async fn a_code_is_unique_at_its_level_and_may_go() {
    let (_roster, client) = begun().await;
    let (one, other) = (organization(&client, "one").await, organization(&client, "other").await);
    let coded =
        |organization_id, code: &str| DepartmentDto { code: Some(code.to_owned()), ..department(organization_id, None, "a") };
    for level in [None, Some(one.as_str()), Some(other.as_str())] {
        let first = client.create_department(coded(level, "a")).await.unwrap();
        let taken = assert_refused(client.create_department(coded(level, "a")).await, Code::AlreadyExists, "CODE_EXISTS");
        assert_eq!(taken.metadata["conflicts"], "CODE_EXISTS");
        let second = client.create_department(coded(level, "A")).await.unwrap();
        let rename = masking(second.department_id(), coded(None, "a"), &["code"]);
        assert_refused(client.update_department(rename.clone()).await, Code::AlreadyExists, "CODE_EXISTS");
        let cleared =
            client.update_department(masking(first.department_id(), coded(None, "x"), &["name", "code"])).await.unwrap();
        assert_eq!(cleared.code(), "x");
        let cleared =
            client.update_department(masking(first.department_id(), DepartmentDto::default(), &["code"])).await.unwrap();
        assert_eq!((cleared.code.as_deref(), cleared.name()), (None, "a"));
        client.update_department(rename).await.unwrap();
    }
}

#[tokio::test]
async fn an_etag_changes_with_the_department_and_guards_it() {
    let (_roster, client) = begun().await;
    let created = client.create_department(department(None, None, "a")).await.unwrap();
    let id = created.department_id();
    let same = client.update_department(masking(id, department(None, None, "a"), &["name"])).await.unwrap();
    assert_eq!(same, created);
    let changed = client.update_department(masking(id, department(None, None, "b"), &["name"])).await.unwrap();
    assert_ne!(changed.etag, created.etag);
    let stale = UpdateDepartmentRequest { etag: created.etag.clone(), ..masking(id, department(None, None, "c"), &["name"]) };
    assert_refused(client.update_department(stale).await, Code::Aborted, "ETAG_MISMATCH");
    let delete = |etag| DeleteDepartmentRequest { department_id: Some(id.to_owned()), etag, ..Default::default() };
    assert_refused(
        client.organizations().delete_department(delete(created.etag.clone())).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
    client.organizations().delete_department(delete(changed.etag)).await.unwrap();
    assert_each(client.refusals_of_department(id, None).await, Code::NotFound, "DEPARTMENT_NOT_FOUND");
}

#[tokio::test]
async fn an_id_is_found_wherever_it_stands_and_a_level_that_is_named_must_be_its_own() {
    let (_roster, client) = begun().await;
    let (one, other) = (organization(&client, "one").await, organization(&client, "other").await);
    let of_pool = client.made(None, None, "pool").await;
    let of_one = client.made(Some(&one), None, "one").await;
    client.department(&of_pool).await.unwrap();
    assert_eq!(client.department(&of_one).await.unwrap().organization_id(), one);
    let get = GetDepartmentRequest { department_id: Some(of_one.clone()), organization_id: Some(one) };
    client.organizations().get_department(get).await.unwrap();
    for id in [&of_pool, &of_one] {
        let refusals = client.refusals_of_department(id, Some(&other)).await;
        assert_each(refusals, Code::NotFound, "DEPARTMENT_NOT_FOUND");
        let refusals = client.refusals_of_department(id, Some("nowhere")).await;
        assert_each(refusals, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    }
    for id in ["nothing", "a\0", "%"] {
        assert_each(client.refusals_of_department(id, None).await, Code::NotFound, "DEPARTMENT_NOT_FOUND");
    }
    let nowhere = client.create_department(department(Some("nowhere"), None, "a")).await;
    assert_refused(nowhere, Code::NotFound, "ORGANIZATION_NOT_FOUND");
}

#[tokio::test]
async fn a_bound_key_finds_its_own_and_tells_no_other_from_none() {
    let (roster, client) = begun().await;
    let (own, other) = (organization(&client, "own").await, organization(&client, "other").await);
    users(&client, Some(&own), &["ann"]).await;
    let bound = roster.bound_client("*", &own).await;
    let mine = bound.made(None, None, "mine").await;
    assert_eq!(bound.department(&mine).await.unwrap().organization_id(), own);
    let named = department(Some(&own), Some(&mine), "below");
    assert_eq!(bound.create_department(named).await.unwrap().organization_id(), own);
    let absent = bound.refusals_of_department("nothing", None).await;
    for id in [client.made(Some(&other), None, "theirs").await, client.made(None, None, "pool").await] {
        for (refusal, absent) in bound.refusals_of_department(&id, None).await.iter().zip(&absent) {
            assert_eq!(refusal.kind(), (Code::NotFound, "DEPARTMENT_NOT_FOUND"));
            assert_eq!((&refusal.message, &refusal.metadata), (&absent.message, &absent.metadata));
        }
        let under = bound.create_department(department(None, Some(&id), "x")).await;
        assert_refused(under, Code::NotFound, "DEPARTMENT_NOT_FOUND");
        for level in [other.as_str(), "nowhere"] {
            let refusals = bound.refusals_of_department(&id, Some(level)).await;
            assert_each(refusals, Code::NotFound, "ORGANIZATION_NOT_FOUND");
        }
    }
    let there = bound.create_department(department(Some(&other), None, "x")).await;
    assert_refused(there, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    let listed = bound.organizations().list_departments(ListDepartmentsRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.departments.len(), listed.total_count), (2, Some(2)));
}

#[tokio::test]
async fn those_of_a_deleted_organization_are_gone_at_once_and_cleared_behind_it() {
    let (roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann"]).await;
    let root = client.made(Some(&organization_id), None, "root").await;
    let mut parent = root.clone();
    for _ in 0..5 {
        parent = client.made(Some(&organization_id), Some(&parent), "below").await;
        client.put(super::adding(&parent, &["ann"])).await;
    }
    let delete = DeleteOrganizationRequest { organization_id: Some(organization_id.clone()), etag: None };
    client.organizations().delete_organization(delete).await.unwrap();
    for id in [&root, &parent] {
        assert_each(client.refusals_of_department(id, None).await, Code::NotFound, "DEPARTMENT_NOT_FOUND");
        let refusals = client.refusals_of_department(id, Some(&organization_id)).await;
        assert_each(refusals, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    }
    crate::organizations::cleared(&roster).await;
    for table in ["departments", "department_members", "organizations"] {
        let rows = roster.database.query(&format!("SELECT 1 FROM {table}")).await;
        assert!(rows.is_empty(), "{table}");
    }
}

#[tokio::test]
async fn rows_of_an_organization_that_is_not_cleared_yet_are_found_by_nobody() {
    let (roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann"]).await;
    let id = client.made(Some(&organization_id), None, "root").await;
    // As between the mark and the clearing.
    roster.damage();
    roster.database.execute("UPDATE organizations SET deleted_at = 1").await;
    assert_each(client.refusals_of_department(&id, None).await, Code::NotFound, "DEPARTMENT_NOT_FOUND");
}
