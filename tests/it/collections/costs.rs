//! What calls cost, counted in statements: as much for many users as for one.

use roster::proto::{
    BatchDeleteUsersRequest, BatchGetUsersItem, BatchGetUsersRequest, GetVersionRequest, ListUsersRequest, SearchUsersRequest,
    UserDto, UserIdType,
};

use super::{Ask, Groups, Holding, Kind, Roles, Show, add, begun, made};
use crate::batches::create;
use crate::dto::texts;
use crate::harness::{Client, Roster};

/// A hundred users with every identifier.
fn hundred() -> Vec<UserDto> {
    let user = |number: usize| {
        texts(&[
            ("user_id", &format!("user-{number}")),
            ("username", &format!("name-{number}")),
            ("email", &format!("user-{number}@example.com")),
            ("phone", &format!("188123400{number:02}")),
            ("external_id", &format!("external-{number}")),
        ])
    };
    (0..100).map(user).collect()
}

/// The hundred, all of them in three groups and holding three roles.
async fn peopled(client: &Client) {
    create(client, &hundred(), true).await.unwrap();
    let ids: Vec<_> = (0..100).map(|number| format!("user-{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    for code in ["a", "b", "c"] {
        made::<Groups>(client, &[code]).await;
        made::<Roles>(client, &[code]).await;
        add::<Groups>(client, code, &ids).await;
        add::<Roles>(client, code, &ids).await;
    }
}

/// How many statements the call takes beside the key check.
async fn cost<T>(roster: &Roster, client: &Client, call: impl AsyncFn() -> T) -> usize {
    let before = roster.statements();
    client.meta().get_version(GetVersionRequest {}).await.unwrap();
    let between = roster.statements();
    call().await;
    roster.statements() - between - (between - before)
}

#[tokio::test]
async fn a_page_of_users_with_groups_and_roles_takes_one_query_a_relation() {
    let (roster, client) = begun().await;
    peopled(&client).await;
    let show = Show { custom_data: false, groups: true, roles: true };
    // The first page token makes the key that all are sealed with.
    client.users().list_users(ListUsersRequest::default()).await.unwrap();
    for limit in [Some(1), Some(100)] {
        let list = ListUsersRequest { limit, with_groups: true, with_roles: true, ..Default::default() };
        let listing = cost(&roster, &client, async || client.users().list_users(list.clone()).await.unwrap()).await;
        let query = Some("user".to_owned());
        let search = SearchUsersRequest { query, limit, with_groups: true, with_roles: true, ..Default::default() };
        let searching = cost(&roster, &client, async || client.users().search_users(search.clone()).await.unwrap()).await;
        assert!(listing <= 4 && searching <= 4, "{listing}, {searching}");
        // One more finds the group or role.
        let ask = || Ask { limit, ..Ask::default() };
        let in_group = cost(&roster, &client, async || Groups::members(&client, Some("a"), ask(), show).await.unwrap()).await;
        let with_role = cost(&roster, &client, async || Roles::members(&client, Some("a"), ask(), show).await.unwrap()).await;
        assert!(in_group <= 5 && with_role <= 5, "{in_group}, {with_role}");
    }
}

#[tokio::test]
async fn a_batch_of_a_thousand_mixed_ids_takes_one_query_a_kind() {
    let (roster, client) = begun().await;
    peopled(&client).await;
    let item = |number: usize| {
        let user = number / 10 % 100;
        let (kind, id) = match number % 6 {
            0 => (UserIdType::UserId, format!("user-{user}")),
            1 => (UserIdType::Username, format!("name-{user}")),
            2 => (UserIdType::Email, format!("USER-{user}@example.com")),
            3 => (UserIdType::Phone, format!("188-1234-00{user:02}")),
            4 => (UserIdType::ExternalId, format!("external-{user}")),
            _ => (UserIdType::UserId, format!("nobody-{user}")),
        };
        BatchGetUsersItem { user_id: Some(id), user_id_type: kind.into() }
    };
    let mut batch = BatchGetUsersRequest { users: (0..1_000).map(item).collect(), ..Default::default() };
    let get = async |batch: &BatchGetUsersRequest| {
        let results = client.users().batch_get_users(batch.clone()).await.unwrap().into_inner().results;
        assert!(results.iter().enumerate().all(|(index, result)| result.user.is_some() == (index % 6 != 5)));
    };
    let plain = cost(&roster, &client, async || get(&batch).await).await;
    (batch.with_groups, batch.with_roles) = (true, true);
    let related = cost(&roster, &client, async || get(&batch).await).await;
    assert!(plain <= 5 && related <= 7, "{plain}, {related}");
}

/// Puts the users in and takes them out again: what each costs.
async fn memberships<K: Kind>(roster: &Roster, client: &Client, users: usize) -> [usize; 2] {
    let ids: Vec<_> = (0..users).map(|number| format!("user-{number}")).collect();
    let change = async |holding: Holding| {
        let call = async || K::change_members(client, holding, Some("a"), ids.clone(), 0).await.unwrap();
        cost(roster, client, call).await
    };
    [change(Holding::Remove).await, change(Holding::Add).await]
}

#[tokio::test]
async fn many_are_put_in_taken_out_and_deleted_at_the_cost_of_one() {
    let (roster, client) = begun().await;
    peopled(&client).await;
    assert_eq!(memberships::<Groups>(&roster, &client, 100).await, memberships::<Groups>(&roster, &client, 1).await);
    assert_eq!(memberships::<Roles>(&roster, &client, 100).await, memberships::<Roles>(&roster, &client, 1).await);
    let delete = async |users: std::ops::Range<usize>| {
        let user_ids = users.map(|number| format!("user-{number}")).collect();
        let request = BatchDeleteUsersRequest { user_ids, user_id_type: 0 };
        cost(&roster, &client, async || client.users().batch_delete_users(request.clone()).await.unwrap()).await
    };
    assert_eq!(delete(0..1).await, delete(1..100).await);
}

#[tokio::test]
async fn what_stood_in_the_way_of_many_is_found_at_one_query_a_kind() {
    let (roster, client) = begun().await;
    peopled(&client).await;
    let users = hundred();
    let clashing = async |users: &[UserDto]| {
        let results = create(&client, users, false).await.unwrap();
        assert!(results.iter().all(|result| result.error.is_some()));
    };
    let one = cost(&roster, &client, async || clashing(&users[..1]).await).await;
    let all = cost(&roster, &client, async || clashing(&users).await).await;
    // Each row is an insert that fails; the rest does not depend on how many they are.
    assert!(all - one <= 99, "{one}, {all}");
}
