//! What calls cost in statements: so many, however many users they are about.

use roster::proto::{
    AddDepartmentMembersRequest, AddGroupMembersRequest, AddRoleMembersRequest, AddUserRolesRequest, AddUserToGroupRequest,
    BatchDeleteUsersRequest, BatchGetUsersItem, BatchGetUsersRequest, GetLimitsRequest, GetUserRequest, HasAnyRoleRequest,
    IdentityProvider, ListDepartmentMembersRequest, ListDepartmentsRequest, ListGroupMembersRequest, ListGroupsRequest,
    ListPostsRequest, ListRoleMembersRequest, ListUserGroupsRequest, ListUserRolesRequest, ListUsersRequest,
    RemoveGroupMembersRequest, RemoveUserRolesRequest, SearchUsersRequest, UserDto, UserIdType,
};

use crate::departments::adding;
use crate::dto::texts;
use crate::harness::{Client, Roster};
use crate::identities::{identity, link};
use crate::pages::{create_many, group, id, list, members, pool, role, search};
use crate::posts::set;
use crate::races::at_once;

/// What the key check of every call costs.
const KEY: usize = 1;
const KINDS: [UserIdType; 5] =
    [UserIdType::UserId, UserIdType::Username, UserIdType::Email, UserIdType::Phone, UserIdType::ExternalId];

/// What the call costs beside the key check. It is made thrice, since the server notes now and then when keys were used.
async fn cost(roster: &Roster, mut call: impl AsyncFnMut()) -> usize {
    let mut least = usize::MAX;
    for _ in 0..3 {
        let before = roster.statements();
        call().await;
        least = least.min(roster.statements() - before);
    }
    least - KEY
}

/// An id of this kind of the user of this number.
fn id_of(kind: UserIdType, number: usize) -> String {
    match kind {
        UserIdType::Email => format!("User-{number}@example.com"),
        UserIdType::Phone => format!("+86188{number:08}"),
        UserIdType::Username => format!("name-{number}"),
        UserIdType::ExternalId => format!("external-{number}"),
        _ => id(number),
    }
}

/// A server of so many users with all identifiers, all of them in a group and a role, and the key for page tokens made.
async fn served(users: usize) -> (Roster, Client) {
    let (roster, client) = pool(0).await;
    create_many(&client, &(0..users).map(identified).collect::<Vec<_>>()).await;
    let members: Vec<_> = (0..users).map(id).collect();
    for code in ["a", "b"] {
        group(&client, code, &members).await;
        role(&client, code, &members).await;
    }
    list(&client, ListUsersRequest { limit: Some(1), ..Default::default() }).await.unwrap();
    (roster, client)
}

fn identified(number: usize) -> UserDto {
    let names = ["user_id", "username", "email", "phone", "external_id"];
    let ids = KINDS.map(|kind| id_of(kind, number));
    texts(&names.iter().zip(&ids).map(|(name, id)| (*name, id.as_str())).collect::<Vec<_>>())
}

#[tokio::test]
async fn the_key_check_is_one_statement() {
    let (roster, client) = served(1).await;
    assert_eq!(cost(&roster, async || drop(client.meta().get_limits(GetLimitsRequest {}).await.unwrap())).await, 0);
}

#[tokio::test]
async fn one_user_is_one_statement_and_one_more_for_each_thing_beside() {
    let (roster, client) = served(2).await;
    for kind in KINDS {
        let read = GetUserRequest { user_id: Some(id_of(kind, 1)), user_id_type: kind.into(), ..Default::default() };
        for (request, expected) in [
            (read.clone(), 1),
            (GetUserRequest { with_groups: true, ..read.clone() }, 2),
            (GetUserRequest { with_groups: true, with_roles: true, ..read.clone() }, 3),
            (GetUserRequest { with_groups: true, with_roles: true, flat_custom_data: true, ..read }, 4),
        ] {
            let call = async || drop(client.users().get_user(request.clone()).await.unwrap());
            assert_eq!(cost(&roster, call).await, expected, "{request:?}");
        }
    }
}

#[tokio::test]
async fn a_user_is_found_by_an_identity_in_one_statement_and_identities_are_one_more() {
    let (roster, _) = served(300).await;
    let client = roster.client("*").await;
    for number in 0..300 {
        link(&client, &id(number), identity("idp", IdentityProvider::Lark, &id(number))).await.unwrap();
    }
    for (kind, place) in [(UserIdType::Identity, "idp"), (UserIdType::SyncRelation, "lark")] {
        let item =
            |number: usize| BatchGetUsersItem { user_id: Some(format!("{place}:{}", id(number))), user_id_type: kind.into() };
        let BatchGetUsersItem { user_id, user_id_type } = item(7);
        let get = GetUserRequest { user_id, user_id_type, ..Default::default() };
        assert_eq!(cost(&roster, async || drop(client.users().get_user(get.clone()).await.unwrap())).await, 1);
        let get = GetUserRequest { with_identities: true, ..get };
        assert_eq!(cost(&roster, async || drop(client.users().get_user(get.clone()).await.unwrap())).await, 2);
        for items in [2, 1_000] {
            let batch = BatchGetUsersRequest { users: (0..items).map(item).collect(), ..Default::default() };
            let answer = client.users().batch_get_users(batch.clone()).await.unwrap().into_inner();
            assert_eq!(answer.results.iter().filter(|result| result.user.is_some()).count(), items.min(300));
            assert_eq!(cost(&roster, async || drop(client.users().batch_get_users(batch.clone()).await.unwrap())).await, 1);
            let batch = BatchGetUsersRequest { with_identities: true, ..batch };
            assert_eq!(cost(&roster, async || drop(client.users().batch_get_users(batch.clone()).await.unwrap())).await, 2);
        }
    }
    let page = ListUsersRequest { limit: Some(300), ..ListUsersRequest::default() };
    let plain = cost(&roster, async || drop(list(&client, page.clone()).await.unwrap())).await;
    let page = ListUsersRequest { with_identities: true, ..page };
    assert_eq!(cost(&roster, async || drop(list(&client, page.clone()).await.unwrap())).await, plain + 1);
    assert!(list(&client, page).await.unwrap().users.iter().all(|user| user.identities.len() == 1));
}

#[tokio::test]
async fn a_page_of_users_is_at_most_four_statements_with_groups_and_roles() {
    let (roster, client) = served(300).await;
    let request = ListUsersRequest { with_groups: true, with_roles: true, ..ListUsersRequest::default() };
    for limit in [1, 100, 300] {
        let request = ListUsersRequest { limit: Some(limit), ..request.clone() };
        let first = list(&client, request.clone()).await.unwrap();
        let next = ListUsersRequest { page_token: first.next_page_token, ..request.clone() };
        let by_number = ListUsersRequest { page: Some(1), ..request.clone() };
        for request in [request, next, by_number] {
            let call = async || drop(list(&client, request.clone()).await.unwrap());
            assert!(cost(&roster, call).await <= 4, "{request:?}");
        }
    }
    let page = list(&client, ListUsersRequest { limit: Some(100), ..request }).await.unwrap();
    assert!(page.users.len() == 100 && page.users.iter().all(|user| user.group_codes.len() + user.role_codes.len() == 4));
}

#[tokio::test]
async fn pages_that_are_asked_for_at_once_are_counted_once_and_the_same_ones_are_read_once() {
    let (roster, client) = served(30).await;
    let (asked, each) = (60, 2);
    let mut least = usize::MAX;
    for _ in 0..5 {
        let before = roster.statements();
        let call = |_| {
            let client = client.clone();
            async move { list(&client, ListUsersRequest::default()).await.unwrap() }
        };
        assert!(at_once(asked, call).await.iter().all(|page| page.total_count == Some(30)));
        least = least.min(roster.statements() - before);
    }
    assert!(least < asked * each / 2, "{least} statements for {asked} pages of {each}");
}

#[tokio::test]
async fn departments_and_posts_are_one_statement_each_however_many_users_and_of_each() {
    let (roster, client) = served(300).await;
    let (organizations, mut posts, mut all) = (client.organizations(), Vec::new(), Vec::new());
    let members: Vec<_> = (0..300).map(id).collect();
    let members: Vec<_> = members.iter().map(String::as_str).collect();
    for name in ["a", "b", "c"] {
        let department = client.made(None, all.first().map(String::as_str), name).await;
        client.put(AddDepartmentMembersRequest { is_leader: true, is_main: true, ..adding(&department, &members) }).await;
        all.push(department);
        posts.push(client.made_post(None, name).await);
    }
    set(&client, members[0], None, &posts).await.unwrap();
    for limit in [1, 100, 300].map(Some) {
        let list_users = ListUsersRequest { limit, with_department_ids: true, with_post: true, ..Default::default() };
        let call = async || drop(list(&client, list_users.clone()).await.unwrap());
        assert!(cost(&roster, call).await <= 4, "{limit:?}");
        for include_children in [false, true] {
            let (department_id, with_department_ids, with_post) = (Some(all[0].clone()), true, true);
            let members = ListDepartmentMembersRequest {
                department_id,
                include_children,
                limit,
                with_department_ids,
                with_post,
                ..Default::default()
            };
            // One for the department itself.
            assert!(cost(&roster, async || drop(client.members(members.clone()).await.unwrap())).await <= 5, "{limit:?}");
        }
        let departments = ListDepartmentsRequest { limit, ..Default::default() };
        let call = async || drop(organizations.clone().list_departments(departments.clone()).await.unwrap());
        assert!(cost(&roster, call).await <= 3, "{limit:?}");
        let posts = ListPostsRequest { limit, ..Default::default() };
        let call = async || drop(organizations.clone().list_posts(posts.clone()).await.unwrap());
        assert!(cost(&roster, call).await <= 2, "{limit:?}");
    }
    let adds = async |users: usize| {
        let request = AddDepartmentMembersRequest { is_main: true, ..adding(&all[1], &members[..users]) };
        cost(&roster, async || client.put(request.clone()).await).await
    };
    let (two, many) = (adds(2).await, adds(300).await);
    assert_eq!(two, many);
    assert!(two <= 5, "{two}");
}

#[tokio::test]
async fn a_search_and_a_list_of_members_cost_no_more_than_a_page() {
    let (roster, client) = served(300).await;
    for limit in [1, 100, 300].map(Some) {
        let query = SearchUsersRequest {
            query: Some("name 1".to_owned()),
            limit,
            with_groups: true,
            with_roles: true,
            ..SearchUsersRequest::default()
        };
        assert!(cost(&roster, async || drop(search(&client, query.clone()).await.unwrap())).await <= 4, "{limit:?}");
        let code = Some("a".to_owned());
        let group = ListGroupMembersRequest { code: code.clone(), limit, ..Default::default() };
        // One for the group itself.
        assert!(cost(&roster, async || drop(members(&client, group.clone()).await.unwrap())).await <= 3, "{limit:?}");
        let group = ListGroupMembersRequest { with_groups: true, with_roles: true, ..group };
        assert!(cost(&roster, async || drop(members(&client, group.clone()).await.unwrap())).await <= 5, "{limit:?}");
        let role = ListRoleMembersRequest { code, limit, ..Default::default() };
        let call = async || drop(client.roles().list_role_members(role.clone()).await.unwrap());
        assert!(cost(&roster, call).await <= 3, "{limit:?}");
    }
}

#[tokio::test]
async fn a_batch_of_a_thousand_mixed_ids_is_one_statement_a_kind() {
    let (roster, client) = served(300).await;
    for (items, kinds) in [(10, 5), (1_000, 5), (1, 1), (2, 2), (1_000, 1), (1_000, 3)] {
        // Two in three of them are nobody's.
        let item = |index: usize| BatchGetUsersItem {
            user_id: Some(id_of(KINDS[index % kinds], index)),
            user_id_type: KINDS[index % kinds].into(),
        };
        let request = BatchGetUsersRequest { users: (0..items).map(item).collect(), ..Default::default() };
        let answer = client.users().batch_get_users(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.results.iter().filter(|result| result.user.is_some()).count(), items.min(300));
        let call = async || drop(client.users().batch_get_users(request.clone()).await.unwrap());
        assert_eq!(cost(&roster, call).await, kinds, "{items} of {kinds} kinds");
        let request = BatchGetUsersRequest { with_groups: true, with_roles: true, ..request.clone() };
        let call = async || drop(client.users().batch_get_users(request.clone()).await.unwrap());
        assert_eq!(cost(&roster, call).await, kinds + 2, "{items} of {kinds} kinds");
    }
}

#[tokio::test]
async fn a_thousand_users_are_deleted_by_as_many_statements_as_two() {
    let (roster, client) = pool(3_006).await;
    let mut left = (0..3_006).map(id);
    let mut deleting = async |users: usize| {
        cost(&roster, async || {
            let user_ids: Vec<_> = left.by_ref().take(users).collect();
            assert_eq!(user_ids.len(), users);
            let request = BatchDeleteUsersRequest { user_ids, ..Default::default() };
            let answer = client.users().batch_delete_users(request).await.unwrap().into_inner();
            assert!(answer.results.iter().all(|result| result.error.is_none()));
        })
        .await
    };
    let (two, thousand) = (deleting(2).await, deleting(1_000).await);
    assert_eq!(two, thousand);
    assert!(two <= 3, "{two}");
}

#[tokio::test]
async fn a_thousand_members_come_and_go_by_as_many_statements_as_two() {
    let (roster, client) = served(1_000).await;
    for code in ["g", "r"] {
        group(&client, code, &[]).await;
        role(&client, code, &[]).await;
    }
    let costs = async |users: usize| {
        let (code, user_ids): (_, Vec<_>) = (Some("g".to_owned()), (0..users).map(id).collect());
        let add =
            AddGroupMembersRequest { code: code.clone(), user_ids: user_ids.clone(), user_id_type: 0, ..Default::default() };
        let give = AddRoleMembersRequest {
            code: Some("r".to_owned()),
            user_ids: user_ids.clone(),
            user_id_type: 0,
            ..Default::default()
        };
        let remove = RemoveGroupMembersRequest { code, user_ids, user_id_type: 0, ..Default::default() };
        [
            cost(&roster, async || drop(client.groups().add_group_members(add.clone()).await.unwrap())).await,
            cost(&roster, async || drop(client.roles().add_role_members(give.clone()).await.unwrap())).await,
            cost(&roster, async || drop(client.groups().remove_group_members(remove.clone()).await.unwrap())).await,
        ]
    };
    let (two, thousand) = (costs(2).await, costs(1_000).await);
    assert_eq!(two, thousand);
    assert!(two.into_iter().max() <= Some(3), "{two:?}");
}

#[tokio::test]
async fn a_user_gets_a_thousand_roles_by_as_many_statements_as_two() {
    let (roster, client) = served(1).await;
    let roles = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
        INSERT INTO roles (role_id, code, etag, created_at, updated_at) SELECT 'id-' || i, 'role-' || i, 'e', 0, 0 FROM n";
    roster.database.execute(roles).await;
    let costs = async |count: usize| {
        let role_codes: Vec<_> = (0..count).map(|number| format!("role-{number}")).collect();
        let add =
            AddUserRolesRequest { user_id: Some(id(0)), user_id_type: 0, role_codes: role_codes.clone(), ..Default::default() };
        let remove = RemoveUserRolesRequest { user_id: Some(id(0)), user_id_type: 0, role_codes, ..Default::default() };
        [
            cost(&roster, async || drop(client.users().add_user_roles(add.clone()).await.unwrap())).await,
            cost(&roster, async || drop(client.users().remove_user_roles(remove.clone()).await.unwrap())).await,
        ]
    };
    let (two, thousand) = (costs(2).await, costs(1_000).await);
    assert_eq!(two, thousand);
    assert!(two.into_iter().max() <= Some(4), "{two:?}");
}

#[tokio::test]
async fn what_is_asked_about_one_user_costs_the_same_by_whatever_id() {
    let (roster, client) = served(20).await;
    let codes: Vec<_> = (0..98).map(|number| format!("unknown-{number}")).chain(["a".into(), "b".into()]).collect();
    for kind in KINDS {
        let (user_id, user_id_type) = (Some(id_of(kind, 7)), kind.into());
        let holds =
            HasAnyRoleRequest { user_id: user_id.clone(), user_id_type, role_codes: codes.clone(), ..Default::default() };
        let call = async || assert!(client.roles().has_any_role(holds.clone()).await.unwrap().into_inner().has_any_role);
        assert!(cost(&roster, call).await <= 2, "{kind:?}");
        let groups = ListUserGroupsRequest { user_id: user_id.clone(), user_id_type, ..Default::default() };
        let call = async || drop(client.users().list_user_groups(groups.clone()).await.unwrap());
        assert!(cost(&roster, call).await <= 3, "{kind:?}");
        let roles = ListUserRolesRequest { user_id: user_id.clone(), user_id_type, ..Default::default() };
        let call = async || drop(client.users().list_user_roles(roles.clone()).await.unwrap());
        assert!(cost(&roster, call).await <= 3, "{kind:?}");
        let add = AddUserToGroupRequest { user_id, user_id_type, group_code: Some("a".to_owned()), ..Default::default() };
        let call = async || drop(client.users().add_user_to_group(add.clone()).await.unwrap());
        assert!(cost(&roster, call).await <= 4, "{kind:?}");
    }
    let call = async || drop(client.groups().list_groups(ListGroupsRequest::default()).await.unwrap());
    assert!(cost(&roster, call).await <= 2);
}
