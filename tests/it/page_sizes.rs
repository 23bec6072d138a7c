//! Answers that would pass 4 MiB: a page by token ends early, a page by number and a batch say how much fits, and nobody is ever
//! left out in silence.

use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use roster::proto::{
    BatchGetUsersItem, BatchGetUsersRequest, BatchGetUsersResponse, ListGroupMembersRequest, ListUsersRequest,
    SearchUsersRequest, UserDto,
};
use tonic::{Code, Status};

use crate::calls::assert_refused;
use crate::custom_data::object;
use crate::dto::texts;
use crate::harness::{Client, Refusal, Roster, named, refused};
use crate::pages::{create_many, group, heavy, id, ids, list, members, numbered, numbered_page, pool, search};

const MESSAGE: usize = 4 * 1024 * 1024;
/// Users of 64 KiB each, more than two messages hold.
const USERS: usize = 140;
/// The most that could fit into one message.
const MOST: usize = MESSAGE / (64 * 1024);

/// A server of [`USERS`] users with 64 KiB of custom data each.
async fn heavy_pool() -> (Roster, Client) {
    let (roster, client) = pool(0).await;
    let users: Vec<_> = numbered(0..USERS).into_iter().map(heavy).collect();
    create_many(&client, &users).await;
    (roster, client)
}

fn upwards(users: usize) -> Vec<String> {
    (0..users).map(id).collect()
}

fn downwards(users: usize) -> Vec<String> {
    (0..users).rev().map(id).collect()
}

/// Asks for page after page, from the answers' users and tokens; each must fit into a message and have somebody.
async fn walk(mut page: impl AsyncFnMut(String) -> (usize, Vec<UserDto>, String)) -> Vec<Vec<UserDto>> {
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let (bytes, users, next) = page(token).await;
        assert!(bytes <= MESSAGE && !users.is_empty(), "{bytes} bytes of {} users", users.len());
        pages.push(users);
        if next.is_empty() {
            return pages;
        }
        token = next;
    }
}

/// [`walk`] of `ListUsers`.
async fn walk_list(client: &Client, request: &ListUsersRequest) -> Vec<Vec<UserDto>> {
    walk(async |page_token| {
        let page = list(client, ListUsersRequest { page_token, ..request.clone() }).await.unwrap();
        (page.encoded_len(), page.users, page.next_page_token)
    })
    .await
}

/// Asserts that these pages have exactly the users, in this order, and that their sizes were what cut them.
#[track_caller]
fn assert_cut(pages: &[Vec<UserDto>], expected: &[String]) {
    let found: Vec<_> = pages.iter().flat_map(|users| ids(users)).collect();
    assert_eq!(found, expected);
    for users in &pages[..pages.len() - 1] {
        assert!((MOST - 2..=MOST).contains(&users.len()), "{} users on a page", users.len());
        let expected = 64 * 1024;
        assert!(users.iter().all(|user| user.encoded_len() > expected), "each with all of its custom data");
    }
}

/// How many fit, as the refusal says.
#[track_caller]
fn fit<T>(answer: Result<T, Status>) -> usize {
    let refusal = assert_refused(answer, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    assert!(refusal.message.contains(&refusal.metadata["fit"]), "{refusal:?}");
    refusal.metadata["fit"].parse().unwrap()
}

fn number(users: usize) -> i32 {
    i32::try_from(users).unwrap()
}

#[tokio::test]
async fn a_page_by_token_ends_early_and_the_next_goes_on_there() {
    let (_roster, client) = heavy_pool().await;
    for (with_custom_data, flat_custom_data) in [(true, false), (false, true), (true, true)] {
        let request =
            ListUsersRequest { limit: Some(1_000), with_custom_data, flat_custom_data, ..ListUsersRequest::default() };
        assert_cut(&walk_list(&client, &request).await, &downwards(USERS));
        // Where the limit cuts first, it does.
        let request = ListUsersRequest { limit: Some(40), ..request };
        let pages = walk_list(&client, &request).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [40, 40, 40, 20]);
    }
    let silent = list(&client, ListUsersRequest { limit: Some(1_000), ..ListUsersRequest::default() }).await.unwrap();
    assert_eq!((silent.users.len(), silent.next_page_token.as_str()), (USERS, ""));
}

#[tokio::test]
async fn a_page_that_ends_early_counts_everybody() {
    let (_roster, client) = heavy_pool().await;
    let request = ListUsersRequest { limit: Some(1_000), with_custom_data: true, ..ListUsersRequest::default() };
    let page = list(&client, request).await.unwrap();
    assert!(page.users.len() < USERS);
    assert_eq!((page.total_count, page.total_is_capped), (Some(number(USERS)), false));
}

#[tokio::test]
async fn a_page_by_number_says_how_many_would_fit() {
    let (_roster, client) = heavy_pool().await;
    for flat_custom_data in [false, true] {
        let request =
            |limit: usize| ListUsersRequest { with_custom_data: true, flat_custom_data, ..numbered_page(1, number(limit)) };
        let fit = fit(list(&client, request(1_000)).await);
        assert!((MOST - 2..=MOST).contains(&fit), "{fit}");
        let page = list(&client, request(fit)).await.unwrap();
        assert!(page.encoded_len() <= MESSAGE);
        assert_eq!(ids(&page.users), downwards(USERS)[..fit]);
        assert_ne!(page.next_page_token, "");
        assert_eq!(self::fit(list(&client, request(fit + 1)).await), fit);
        // The page's own users count, not those before it.
        let second = ListUsersRequest { page: Some(2), ..request(fit + 1) };
        assert_eq!(self::fit(list(&client, second).await), fit);
    }
}

#[tokio::test]
async fn a_search_is_cut_like_a_list() {
    let (_roster, client) = heavy_pool().await;
    let request = |page_token| SearchUsersRequest {
        query: Some("user".to_owned()),
        limit: Some(1_000),
        with_custom_data: true,
        page_token,
        ..SearchUsersRequest::default()
    };
    let pages = walk(async |page_token| {
        let page = search(&client, request(page_token)).await.unwrap();
        (page.encoded_len(), page.users, page.next_page_token)
    });
    assert_cut(&pages.await, &downwards(USERS));
    let numbered = |users| SearchUsersRequest { page: Some(1), limit: Some(number(users)), ..request(String::new()) };
    let fit = fit(search(&client, numbered(USERS)).await);
    assert_eq!(search(&client, numbered(fit)).await.unwrap().users.len(), fit);
    assert_eq!(self::fit(search(&client, numbered(fit + 1)).await), fit);
}

#[tokio::test]
async fn a_list_of_members_is_cut_like_a_list() {
    let (_roster, client) = heavy_pool().await;
    group(&client, "g", &upwards(USERS)).await;
    for flat_custom_data in [false, true] {
        let request = |page_token| ListGroupMembersRequest {
            code: Some("g".to_owned()),
            limit: Some(1_000),
            with_custom_data: true,
            flat_custom_data,
            page_token,
            ..ListGroupMembersRequest::default()
        };
        let pages = walk(async |page_token| {
            let page = members(&client, request(page_token)).await.unwrap();
            (page.encoded_len(), page.users, page.next_page_token)
        });
        assert_cut(&pages.await, &upwards(USERS));
        let numbered = |users| ListGroupMembersRequest { page: Some(1), limit: Some(number(users)), ..request(String::new()) };
        let fit = fit(members(&client, numbered(USERS)).await);
        assert_eq!(members(&client, numbered(fit)).await.unwrap().users.len(), fit);
        assert_eq!(self::fit(members(&client, numbered(fit + 1)).await), fit);
    }
}

async fn batch(client: &Client, ids: &[&str], flat_custom_data: bool) -> Result<BatchGetUsersResponse, Status> {
    let item = |id: &&str| BatchGetUsersItem { user_id: Some((*id).to_owned()), user_id_type: 0 };
    let users = ids.iter().map(item).collect();
    let request = BatchGetUsersRequest { users, with_custom_data: true, flat_custom_data, ..Default::default() };
    Ok(client.users().batch_get_users(request).await?.into_inner())
}

#[tokio::test]
async fn a_batch_says_how_many_of_its_items_would_fit() {
    let (_roster, client) = heavy_pool().await;
    let all = upwards(USERS);
    let everybody: Vec<_> = all.iter().map(String::as_str).collect();
    // Some that are nobody or nothing, and their errors, stand between; one may stand there a thousand times.
    let mixed: Vec<_> = everybody.iter().flat_map(|id| [*id, "nobody", ""]).collect();
    for asked in [everybody, mixed, vec!["user-000001"; 1_000]] {
        for flat in [false, true] {
            let fit = fit(batch(&client, &asked, flat).await);
            let answer = batch(&client, &asked[..fit], flat).await.unwrap();
            assert!(answer.encoded_len() <= MESSAGE);
            assert_eq!(answer.results.len(), fit);
            for (result, asked) in answer.results.iter().zip(&asked) {
                assert_eq!(result.user.as_ref().map(UserDto::user_id), Some(*asked).filter(|id| id.starts_with("user")));
                assert_eq!(result.user.is_none(), result.error.is_some());
            }
            assert_eq!(self::fit(batch(&client, &asked[..=fit], flat).await), fit);
            let users = answer.results.iter().filter(|result| result.user.is_some()).count();
            assert!((MOST - 2..=MOST).contains(&users), "{users}");
        }
    }
}

#[tokio::test]
async fn long_profiles_cut_a_page_without_any_custom_data() {
    let (_roster, client) = pool(0).await;
    let long = "𐐀".repeat(2_048);
    let filled = |user: UserDto| UserDto { formatted: Some(long.clone()), browser: Some(long.clone()), ..user };
    let users: Vec<_> = numbered(0..400).into_iter().map(filled).collect();
    for users in users.chunks(200) {
        create_many(&client, users).await;
    }
    let request = ListUsersRequest { limit: Some(1_000), ..ListUsersRequest::default() };
    let pages = walk_list(&client, &request).await;
    assert!(pages.len() > 1);
    assert_eq!(pages.iter().flat_map(|users| ids(users)).collect::<Vec<_>>(), downwards(400));
    let fit = fit(list(&client, numbered_page(1, 1_000)).await);
    assert_eq!(pages[0].len(), fit);
    assert_eq!(list(&client, numbered_page(1, number(fit))).await.unwrap().users.len(), fit);
}

/// Puts the users into so many groups with the longest codes.
async fn join_groups(roster: &Roster, groups: usize, whose: &str) {
    let insert = format!(
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {groups})
        INSERT INTO groups (group_id, code, etag, created_at, updated_at)
        SELECT 'group-' || number, replace(format('%64s', number), ' ', '0'), 'e', 0, 0 FROM numbers;
        INSERT INTO group_members (group_id, user_id) SELECT group_id, user_id FROM groups CROSS JOIN users WHERE {whose}"
    );
    roster.database.execute(&insert).await;
}

#[tokio::test]
async fn many_groups_cut_a_page_too() {
    let (roster, client) = pool(80).await;
    join_groups(&roster, 1_000, "TRUE").await;
    let request = ListUsersRequest { limit: Some(100), with_groups: true, ..ListUsersRequest::default() };
    let pages = walk_list(&client, &request).await;
    assert!(pages.len() > 1);
    assert_eq!(pages.iter().flat_map(|users| ids(users)).collect::<Vec<_>>(), downwards(80));
    assert!(pages.iter().flatten().all(|user| user.group_codes.len() == 1_000));
    assert_eq!(fit(list(&client, ListUsersRequest { page: Some(1), ..request }).await), pages[0].len());
}

#[tokio::test]
async fn one_who_does_not_fit_alone_is_not_passed_over() {
    let (roster, client) = pool(3).await;
    join_groups(&roster, 65_000, "user_id = 'user-000001'").await;
    let request = ListUsersRequest { limit: Some(10), with_groups: true, ..ListUsersRequest::default() };
    let page = list(&client, request.clone()).await.unwrap();
    assert_eq!(ids(&page.users), [id(2)]);
    let next = ListUsersRequest { page_token: page.next_page_token.clone(), ..request };
    assert_eq!(fit(list(&client, next.clone()).await), 0);
    // Without the groups the walk goes on.
    let rest = list(&client, ListUsersRequest { with_groups: false, ..next }).await.unwrap();
    assert_eq!(ids(&rest.users), [id(1), id(0)]);
    let read = roster::proto::GetUserRequest { user_id: Some(id(1)), with_groups: true, ..Default::default() };
    assert_refused(client.users().get_user(read).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
}

/// Custom data within its limits that takes some four megabytes when it is flat.
fn unfolding() -> Struct {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".map(char::from);
    let pairs = letters.iter().flat_map(|first| letters.iter().map(move |second| format!("{first}{second}")));
    let triples = letters.iter().flat_map(|first| letters.iter().map(move |second| format!("x{first}{second}")));
    let leaves = pairs.chain(triples.take(4_000)).map(|key| (key, Value::from(1)));
    let mut data = Struct { fields: leaves.collect() };
    for _ in 0..7 {
        data = object([(&"k".repeat(64), Kind::StructValue(data).into())]);
    }
    data
}

#[tokio::test]
async fn flat_custom_data_may_leave_one_user_a_page() {
    let (_roster, client) = pool(0).await;
    let users = numbered(0..3).into_iter().map(|user| UserDto { custom_data: Some(unfolding()), ..user });
    create_many(&client, &users.collect::<Vec<_>>()).await;
    client.create(texts(&[("user_id", "a"), ("username", "small")])).await.unwrap();
    let request = ListUsersRequest { limit: Some(10), flat_custom_data: true, ..ListUsersRequest::default() };
    let pages = walk_list(&client, &request).await;
    assert_eq!(pages.iter().map(|users| ids(users)).collect::<Vec<_>>(), [vec![id(2)], vec![id(1)], vec![id(0), "a".into()]]);
    assert!(pages.iter().all(|users| users[0].flat_custom_data.len() == 8_096));
    assert_eq!(fit(list(&client, ListUsersRequest { page: Some(1), ..request }).await), 1);
}

#[tokio::test]
async fn a_user_with_more_roles_than_are_read_at_once_is_refused_and_nobody_is_skipped() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    client.create(named("ann")).await.unwrap();
    let many = client.create(named("many")).await.unwrap();
    let roles = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) \
                 INSERT INTO roles (role_id, code, etag, created_at, updated_at) SELECT 'r' || i, 'r' || i, 'e', 1, 1 FROM n";
    roster.database.execute(roles).await;
    let holds = format!("INSERT INTO role_members (role_id, user_id) SELECT role_id, '{}' FROM roles", many.user_id());
    roster.database.execute(&holds).await;
    let get = roster::proto::GetUserRequest { user_id: many.user_id.clone(), with_roles: true, ..Default::default() };
    let refusal = refused(client.users().get_user(get).await);
    assert_eq!(refusal.kind(), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    let list = |page| roster::proto::ListUsersRequest { page, with_roles: true, ..Default::default() };
    let by_token = client.users().list_users(list(None)).await;
    let by_number = refused(client.users().list_users(list(Some(1))).await);
    assert_eq!(by_number.kind(), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    match by_token {
        Ok(page) => assert!(!page.into_inner().next_page_token.is_empty(), "there is more to come"),
        Err(status) => assert_eq!(Refusal::from(status).metadata["fit"], "0"),
    }
}
