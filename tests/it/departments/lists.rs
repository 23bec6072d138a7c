//! Departments of a level, page by page.

use std::time::Duration;

use roster::proto::{DepartmentDto, ListDepartmentsRequest};
use tonic::Code;

use super::{adding, begun, organization, users};
use crate::calls::assert_refused;
use crate::harness::{Client, assert_invalid};

async fn all(client: &Client, organization_id: Option<&str>, limit: i32) -> Vec<DepartmentDto> {
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let organization_id = organization_id.map(ToOwned::to_owned);
        let request = ListDepartmentsRequest { organization_id, limit: Some(limit), page_token, ..Default::default() };
        let page = client.organizations().list_departments(request).await.unwrap().into_inner();
        assert!(page.departments.len() <= usize::try_from(limit).unwrap());
        listed.extend(page.departments);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return listed;
        }
    }
}

#[tokio::test]
async fn a_list_has_those_of_one_level_in_the_order_of_their_creation_with_their_leaders() {
    let (roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann", "bob", "cat"]).await;
    for level in [None, Some(organization_id.as_str())] {
        let mut made = Vec::new();
        for name in ["c", "a", "b", "d", "e"] {
            made.push(client.made(level, made.first().map(String::as_str), name).await);
            roster.clock.advance(Duration::from_millis(1));
        }
        for (id, leaders) in [(&made[0], &["bob", "ann"][..]), (&made[3], &["cat"])] {
            client.put(roster::proto::AddDepartmentMembersRequest { is_leader: true, ..adding(id, leaders) }).await;
        }
        client.put(adding(&made[1], &["ann"])).await;
        for limit in [1, 2, 1_000] {
            let listed = all(&client, level, limit).await;
            assert_eq!(listed.iter().map(DepartmentDto::department_id).collect::<Vec<_>>(), made);
            let leaders: Vec<_> = listed.iter().map(|department| department.leader_user_ids.join(" ")).collect();
            assert_eq!(leaders, ["ann bob", "", "", "cat", ""]);
            for department in listed {
                assert_eq!(client.department(department.department_id()).await.unwrap(), department);
            }
        }
    }
}

#[tokio::test]
async fn a_list_of_a_level_that_is_not_there_is_refused() {
    let (_roster, client) = begun().await;
    let list = |organization_id: &str| ListDepartmentsRequest {
        organization_id: Some(organization_id.to_owned()),
        ..Default::default()
    };
    assert_refused(client.organizations().list_departments(list("nowhere")).await, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    assert_invalid(client.organizations().list_departments(list("")).await, &["organization_id"]);
}
