//! Users by the many, and lists gone through page by page.

use prost_types::{Struct, Value};
use roster::proto::{
    AddGroupMembersRequest, AddRoleMembersRequest, BatchCreateUsersItem, BatchCreateUsersRequest, CreateGroupRequest,
    CreateRoleRequest, GroupDto, ListGroupMembersRequest, ListGroupMembersResponse, ListUsersRequest, ListUsersResponse,
    RoleDto, SearchUsersRequest, SearchUsersResponse, UserDto,
};
use tonic::Status;

use crate::dto::texts;
use crate::harness::{Client, Roster};

/// The most items of a batch.
pub(crate) const BATCH: usize = 1_000;
/// The most bytes of custom data.
const CUSTOM_DATA: usize = 64 * 1024;

/// A server with so many users of one moment, and a client that may do everything.
pub(crate) async fn pool(users: usize) -> (Roster, Client) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    create_many(&client, &numbered(0..users)).await;
    (roster, client)
}

/// The id of the user of this number: in the order of the numbers.
pub(crate) fn id(number: usize) -> String {
    format!("user-{number:06}")
}

/// Users by their numbers.
pub(crate) fn numbered(numbers: std::ops::Range<usize>) -> Vec<UserDto> {
    numbers.map(id).map(|id| texts(&[("user_id", &id), ("username", &id)])).collect()
}

/// The user with custom data of exactly 64 KiB.
pub(crate) fn heavy(user: UserDto) -> UserDto {
    let text = "x".repeat(CUSTOM_DATA - r#"{"k":""}"#.len());
    UserDto { custom_data: Some(Struct { fields: [("k".to_owned(), Value::from(text))].into() }), ..user }
}

/// Creates the users, in as few batches as may be.
pub(crate) async fn create_many(client: &Client, users: &[UserDto]) {
    // So many of the largest users fit into a message.
    let batch = if users.iter().any(|user| user.custom_data.is_some()) { 50 } else { BATCH };
    for users in users.chunks(batch) {
        let users = users.iter().map(|user| BatchCreateUsersItem { user: Some(user.clone()), ..Default::default() }).collect();
        client.users().batch_create_users(BatchCreateUsersRequest { users, atomic: true }).await.unwrap();
    }
}

/// Makes a group of these users.
pub(crate) async fn group(client: &Client, code: &str, members: &[String]) {
    let code = Some(code.to_owned());
    let group = Some(GroupDto { code: code.clone(), ..GroupDto::default() });
    client.groups().create_group(CreateGroupRequest { group }).await.unwrap();
    for members in members.chunks(BATCH) {
        let request = AddGroupMembersRequest { code: code.clone(), user_ids: members.to_vec(), ..Default::default() };
        client.groups().add_group_members(request).await.unwrap();
    }
}

/// Makes a role of these users.
pub(crate) async fn role(client: &Client, code: &str, members: &[String]) {
    let code = Some(code.to_owned());
    let role = Some(RoleDto { code: code.clone(), ..RoleDto::default() });
    client.roles().create_role(CreateRoleRequest { role }).await.unwrap();
    for members in members.chunks(BATCH) {
        let request = AddRoleMembersRequest { code: code.clone(), user_ids: members.to_vec(), ..Default::default() };
        client.roles().add_role_members(request).await.unwrap();
    }
}

/// Puts so many users into the table past the server, which is quicker. Their ids are those of [`id`]. The second half is of this
/// moment, and the first of those before, seven users at a time.
pub(crate) async fn insert_many(roster: &Roster, users: usize) {
    let now = roster.clock.now().seconds * 1_000_000;
    let insert = format!(
        "WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < {users})
        INSERT INTO users (user_id, created_at, updated_at, status, work_status, username, gender, email_verified,
            phone_verified, user_source_type, status_changed_at, etag)
        SELECT name, born, born, 1, 1, name, 3, FALSE, FALSE, 3, born, 'e'
        FROM (SELECT replace(format('user-%6s', number), ' ', '0') AS name,
            {now} - CASE WHEN number < {users} / 2 THEN ({users} / 2 - number) / 7 ELSE 0 END AS born FROM numbers) AS named"
    );
    roster.database.execute(&insert).await;
}

/// So many users a page.
pub(crate) fn by(limit: i32) -> ListUsersRequest {
    ListUsersRequest { limit: Some(limit), ..ListUsersRequest::default() }
}

/// The page of this number, of so many users.
pub(crate) fn numbered_page(page: i32, limit: i32) -> ListUsersRequest {
    ListUsersRequest { page: Some(page), ..by(limit) }
}

pub(crate) async fn list(client: &Client, request: ListUsersRequest) -> Result<ListUsersResponse, Status> {
    Ok(client.users().list_users(request).await?.into_inner())
}

pub(crate) async fn search(client: &Client, request: SearchUsersRequest) -> Result<SearchUsersResponse, Status> {
    Ok(client.users().search_users(request).await?.into_inner())
}

pub(crate) async fn members(client: &Client, request: ListGroupMembersRequest) -> Result<ListGroupMembersResponse, Status> {
    Ok(client.groups().list_group_members(request).await?.into_inner())
}

/// The ids of the users.
pub(crate) fn ids(users: &[UserDto]) -> Vec<&str> {
    users.iter().map(UserDto::user_id).collect()
}

/// The ids on this page and on all that follow it by token, page by page. None of them is empty but the only one of a list.
pub(crate) async fn walk(client: &Client, first: ListUsersRequest) -> Vec<Vec<String>> {
    let (mut pages, mut request) = (Vec::new(), first);
    loop {
        let page = list(client, request.clone()).await.unwrap();
        pages.push(page.users.into_iter().map(|user| user.user_id.unwrap()).collect());
        if page.next_page_token.is_empty() {
            return pages;
        }
        assert!(!pages[pages.len() - 1].is_empty(), "more is promised behind nothing");
        request = ListUsersRequest { page: None, page_token: page.next_page_token, ..request };
    }
}
