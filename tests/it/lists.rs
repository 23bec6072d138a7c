//! `ListUsers`: its order, its pages by number and by token, its counts, and what it shows of each user.

use std::time::Duration;

use prost_types::value::Kind;
use roster::proto::{CountMode, GetUserRequest, ListUsersRequest, ListUsersResponse, UserDto};
use tonic::Status;

use crate::calls::setting;
use crate::custom_data::{nested, object};
use crate::dto::{filled, texts};
use crate::harness::{Refusal, Roster, assert_invalid, named, refused};
use crate::organizations::organization;
use crate::pages::{by, create_many, group, id, ids, insert_many, list, numbered, numbered_page, pool, role, walk};
use crate::races::at_once;

/// The ids of users by their numbers from the highest to the lowest: the order of those of one moment.
fn downwards(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.rev().map(id).collect()
}

fn counting(count: CountMode) -> ListUsersRequest {
    ListUsersRequest { count: count.into(), ..by(1) }
}

fn total(page: &ListUsersResponse) -> (Option<i32>, bool) {
    (page.total_count, page.total_is_capped)
}

#[tokio::test]
async fn a_page_has_ten_users_unless_the_request_says_how_many() {
    let (_roster, client) = pool(1_005).await;
    for (limit, users) in [(None, 10), (Some(1), 1), (Some(11), 11), (Some(1_000), 1_000)] {
        let page = list(&client, ListUsersRequest { limit, ..Default::default() }).await.unwrap();
        assert_eq!(page.users.len(), users, "{limit:?}");
        assert_eq!(ids(&page.users), downwards(1_005 - users..1_005), "{limit:?}");
        assert_ne!(page.next_page_token, "", "{limit:?}");
    }
}

#[tokio::test]
async fn limits_beyond_1_to_1000_are_refused() {
    let (_roster, client) = pool(1).await;
    for limit in [0, -1, 1_001, i32::MAX, i32::MIN] {
        assert_invalid(list(&client, by(limit)).await, &["limit"]);
        assert_invalid(list(&client, numbered_page(1, limit)).await, &["limit"]);
    }
}

#[tokio::test]
async fn pages_are_counted_from_one() {
    let (_roster, client) = pool(3).await;
    for page in [0, -1, i32::MIN] {
        assert_invalid(list(&client, numbered_page(page, 1)).await, &["page"]);
    }
    for (page, expected) in [(1, 2), (2, 1), (3, 0)] {
        let page = list(&client, numbered_page(page, 1)).await.unwrap();
        assert_eq!(ids(&page.users), [id(expected)]);
    }
    assert_eq!(list(&client, numbered_page(1, 2)).await.unwrap().users, list(&client, by(2)).await.unwrap().users);
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let (_roster, client) = pool(1).await;
    let wrong = ListUsersRequest { page: Some(0), limit: Some(0), count: 9, ..Default::default() };
    let refusal = refused(list(&client, wrong).await);
    let mut fields = refusal.fields();
    fields.sort_unstable();
    assert_eq!((fields, refusal.reason.as_str()), (vec!["count", "limit", "page"], "INVALID_FIELD"), "{refusal:?}");
}

#[tokio::test]
async fn pages_by_number_begin_behind_ten_thousand_users_at_most() {
    let (roster, client) = pool(0).await;
    insert_many(&roster, 10_101).await;
    for (page, limit, first) in [(10_001, 1, 100), (1_001, 10, 100), (101, 100, 100), (11, 1_000, 100)] {
        let page = list(&client, numbered_page(page, limit)).await.unwrap();
        assert_eq!(page.users[0].user_id(), id(first), "{limit}");
    }
    for (page, limit) in [(10_002, Some(1)), (1_002, None), (1_002, Some(10)), (12, Some(1_000)), (i32::MAX, Some(1_000))] {
        let refusal = refused(list(&client, ListUsersRequest { page: Some(page), limit, ..Default::default() }).await);
        assert_eq!((refusal.reason.as_str(), refusal.fields()), ("INVALID_FIELD", vec!["page"]), "{refusal:?}");
        assert!(refusal.violations[0].1.contains("page_token"), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_page_past_the_end_is_empty_and_the_last() {
    let (_roster, client) = pool(3).await;
    let page = list(&client, numbered_page(3, 2)).await.unwrap();
    assert_eq!((page.users.len(), page.total_count, page.next_page_token.as_str()), (0, Some(3), ""));
}

#[tokio::test]
async fn a_page_by_number_and_by_token_at_once_is_refused() {
    let (_roster, client) = pool(3).await;
    let page_token = list(&client, by(1)).await.unwrap().next_page_token;
    for page in [1, 2] {
        let request = ListUsersRequest { page_token: page_token.clone(), ..numbered_page(page, 1) };
        assert_invalid(list(&client, request).await, &["page"]);
    }
}

#[tokio::test]
async fn the_latest_come_first_and_those_of_one_moment_by_user_id_downwards() {
    let (roster, client) = pool(0).await;
    for moment in [["b", "Z", "a"], ["A", "_", "0"], ["z", "C", "@"]] {
        for user_id in moment {
            client.create(texts(&[("user_id", user_id), ("username", user_id)])).await.unwrap();
        }
        roster.clock.advance(Duration::from_micros(1));
    }
    let expected = ["z", "C", "@", "_", "A", "0", "b", "a", "Z"];
    assert_eq!(walk(&client, by(100)).await.concat(), expected);
    for limit in 1..=9 {
        assert_eq!(walk(&client, by(limit)).await.concat(), expected, "{limit}");
    }
}

#[tokio::test]
async fn a_walk_by_token_meets_everybody_once_and_ends_where_nothing_is_left() {
    let (_roster, client) = pool(12).await;
    for limit in [1, 2, 3, 4, 5, 6, 7, 11, 12, 13] {
        let pages = walk(&client, by(limit)).await;
        let limit = usize::try_from(limit).unwrap();
        assert_eq!(pages.concat(), downwards(0..12), "{limit}");
        // The last is the last also where it is exactly full.
        assert_eq!(pages.len(), 12_usize.div_ceil(limit), "{limit}");
    }
}

#[tokio::test]
async fn every_page_by_number_with_more_to_come_can_be_gone_on_from_by_token() {
    let (_roster, client) = pool(12).await;
    for limit in [1, 3, 5, 12] {
        for page in 1..=12 / limit {
            let pages = walk(&client, numbered_page(page, limit)).await;
            let before = usize::try_from((page - 1) * limit).unwrap();
            assert_eq!(pages.concat(), downwards(0..12 - before), "page {page} of {limit}");
        }
        let last = list(&client, numbered_page((12 + limit - 1) / limit, limit)).await.unwrap();
        assert_eq!(last.next_page_token, "", "{limit}");
    }
}

#[tokio::test]
async fn users_are_counted_on_every_page_alike() {
    let (_roster, client) = pool(5).await;
    let first = list(&client, by(2)).await.unwrap();
    let next = ListUsersRequest { page_token: first.next_page_token.clone(), ..by(2) };
    for request in [by(2), next, numbered_page(3, 2), numbered_page(9, 2), counting(CountMode::Exact)] {
        assert_eq!(total(&list(&client, request).await.unwrap()), (Some(5), false));
    }
    assert_eq!(total(&list(&client, counting(CountMode::None)).await.unwrap()), (None, false));
    for count in [9, 3, -1] {
        assert_invalid(list(&client, ListUsersRequest { count, ..by(1) }).await, &["count"]);
    }
}

#[tokio::test]
async fn counting_stops_at_ten_thousand_unless_asked_for_exactly() {
    let (roster, client) = pool(0).await;
    insert_many(&roster, 10_000).await;
    for count in [CountMode::Unspecified, CountMode::Exact] {
        assert_eq!(total(&list(&client, counting(count)).await.unwrap()), (Some(10_000), false), "{count:?}");
    }
    client.create(named("one-more")).await.unwrap();
    for (count, expected) in [
        (CountMode::Unspecified, (Some(10_000), true)),
        (CountMode::Exact, (Some(10_001), false)),
        (CountMode::None, (None, false)),
    ] {
        assert_eq!(total(&list(&client, counting(count)).await.unwrap()), expected, "{count:?}");
    }
    client.delete(&id(0)).await.unwrap();
    assert_eq!(total(&list(&client, counting(CountMode::Unspecified)).await.unwrap()), (Some(10_000), false));
}

#[tokio::test]
async fn an_empty_pool_is_one_empty_page() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    let everything = ListUsersRequest {
        with_custom_data: true,
        flat_custom_data: true,
        with_groups: true,
        with_roles: true,
        ..ListUsersRequest::default()
    };
    for request in [ListUsersRequest::default(), numbered_page(1, 1_000), numbered_page(2, 1), everything] {
        let page = list(&client, request).await.unwrap();
        assert_eq!(page, ListUsersResponse { total_count: Some(0), ..Default::default() });
    }
}

#[tokio::test]
async fn a_page_shows_of_each_user_what_a_read_of_one_shows() {
    let (_roster, client) = pool(3).await;
    for variant in [1, 2] {
        client.create(filled(variant)).await.unwrap();
    }
    let everybody = walk(&client, by(10)).await.concat();
    group(&client, "g-b", &everybody[1..]).await;
    group(&client, "g-a", &everybody[2..]).await;
    role(&client, "r-1", &everybody[..3]).await;
    for asked in 0..16 {
        let asks = |bit: u8| asked >> bit & 1 == 1;
        let page = list(&client, viewing(asks)).await.unwrap();
        for (user, user_id) in page.users.iter().zip(&everybody) {
            let read = GetUserRequest {
                user_id: Some(user_id.clone()),
                with_custom_data: asks(0),
                flat_custom_data: asks(1),
                with_groups: asks(2),
                with_roles: asks(3),
                ..GetUserRequest::default()
            };
            let read = client.users().get_user(read).await.unwrap().into_inner().user.unwrap();
            assert_eq!(*user, read, "{asked:#b}");
        }
    }
    let page = list(&client, viewing(|_| true)).await.unwrap();
    assert_eq!(page.users.len(), 5);
    assert_eq!(page.users[2].group_codes, ["g-a", "g-b"]);
    assert_eq!(page.users[2].role_codes, ["r-1"]);
    assert_eq!((page.users[0].group_codes.len(), page.users[4].role_codes.len()), (0, 0));
}

fn viewing(asks: impl Fn(u8) -> bool) -> ListUsersRequest {
    ListUsersRequest {
        with_custom_data: asks(0),
        flat_custom_data: asks(1),
        with_groups: asks(2),
        with_roles: asks(3),
        ..ListUsersRequest::default()
    }
}

#[tokio::test]
async fn custom_data_is_shown_nested_or_flat_and_only_where_asked_for() {
    let (_roster, client) = pool(0).await;
    let data = object([("a", nested([("b", 1.into())])), ("c", "d".into())]);
    client.create(UserDto { custom_data: Some(data.clone()), ..named("with") }).await.unwrap();
    client.create(named("without")).await.unwrap();
    let show = async |request: ListUsersRequest| {
        let page = list(&client, request).await.unwrap();
        page.users.into_iter().find(|user| user.username() == "with").unwrap()
    };
    let (silent, flat) = (show(viewing(|_| false)).await, show(viewing(|bit| bit == 1)).await);
    assert_eq!((silent.custom_data, silent.flat_custom_data.len()), (None, 0));
    assert_eq!(show(viewing(|bit| bit == 0)).await.custom_data, Some(data));
    assert_eq!((flat.custom_data, flat.flat_custom_data.len()), (None, 2));
    assert_eq!(flat.flat_custom_data["a.b"].kind, Some(Kind::NumberValue(1.0)));
}

#[tokio::test]
async fn what_changes_between_two_pages_takes_nobody_else_out_or_in() {
    let (roster, client) = pool(10).await;
    let first = list(&client, by(4)).await.unwrap();
    assert_eq!(ids(&first.users), downwards(6..10));
    // The one that the token stands at goes, another that was seen changes, one ahead goes, and some come in on both sides.
    client.delete(&id(6)).await.unwrap();
    client.update(setting(&id(8), texts(&[("nickname", "changed")]))).await.unwrap();
    client.update(setting(&id(4), texts(&[("nickname", "changed"), ("username", "renamed")]))).await.unwrap();
    client.delete(&id(3)).await.unwrap();
    create_many(&client, &numbered(10..20)).await;
    client.create(texts(&[("user_id", "user-0000055"), ("username", "between")])).await.unwrap();
    roster.clock.advance(Duration::from_secs(1));
    create_many(&client, &numbered(20..30)).await;
    let rest = walk(&client, ListUsersRequest { page_token: first.next_page_token, ..by(4) }).await.concat();
    assert_eq!(rest, ["user-0000055", "user-000005", "user-000004", "user-000002", "user-000001", "user-000000"]);
}

#[tokio::test]
async fn a_walk_ends_early_where_the_rest_was_deleted() {
    let (_roster, client) = pool(6).await;
    let first = list(&client, by(3)).await.unwrap();
    for number in 0..6 {
        client.delete(&id(number)).await.unwrap();
    }
    let page = list(&client, ListUsersRequest { page_token: first.next_page_token, ..by(3) }).await.unwrap();
    assert_eq!((page.users.len(), page.next_page_token.as_str(), page.total_count), (0, "", Some(0)));
}

#[tokio::test]
async fn a_user_keeps_its_place_whatever_of_it_is_changed() {
    let (roster, client) = pool(4).await;
    roster.clock.advance(Duration::from_secs(10));
    let changed = texts(&[("username", "renamed"), ("email", "x@example.com")]);
    client.update(setting(&id(1), changed)).await.unwrap();
    assert_eq!(walk(&client, by(2)).await.concat(), downwards(0..4));
}

#[tokio::test]
async fn pages_that_are_asked_for_at_once_are_each_answered_for_their_own() {
    let (roster, client) = pool(30).await;
    organization(&roster, "acme", &[id(3), id(4)]).await;
    let bound = roster.bound_client("*", "acme").await;
    let of = |organization: &str| ListUsersRequest { organization_id: Some(organization.to_owned()), ..by(5) };
    let second = list(&client, by(7)).await.unwrap().next_page_token;
    let second = ListUsersRequest { page_token: second, ..by(7) };
    let elsewhere = ListUsersRequest { page_token: second.page_token.clone(), ..of("acme") };
    let asked = |number: usize| {
        let (client, bound, of) = (client.clone(), bound.clone(), of("acme"));
        let (second, elsewhere) = (second.clone(), elsewhere.clone());
        async move {
            match number % 7 {
                0 => check(list(&client, by(5)).await, Ok((downwards(25..30), Some(30)))),
                1 => check(list(&client, second).await, Ok((downwards(16..23), Some(30)))),
                2 => check(list(&client, numbered_page(2, 20)).await, Ok((downwards(0..10), Some(30)))),
                3 => check(list(&client, counting(CountMode::None)).await, Ok((downwards(29..30), None))),
                4 => check(list(&client, of).await, Ok((downwards(3..5), Some(2)))),
                5 => check(list(&bound, by(5)).await, Ok((downwards(3..5), Some(2)))),
                _ => check(list(&client, elsewhere).await, Err("PAGE_TOKEN_INVALID")),
            }
        }
    };
    at_once(70, asked).await;
    let nowhere = ListUsersRequest { organization_id: Some("nowhere".to_owned()), ..by(5) };
    let asked = |number: usize| {
        let (client, nowhere) = (client.clone(), nowhere.clone());
        async move {
            if number.is_multiple_of(2) {
                check(list(&client, by(1)).await, Ok((downwards(29..30), Some(30))));
            } else {
                check(list(&client, nowhere).await, Err("ORGANIZATION_NOT_FOUND"));
            }
        }
    };
    at_once(30, asked).await;
}

/// Asserts that the page has these users and this total, or is refused for this reason.
fn check(answer: Result<ListUsersResponse, Status>, expected: Result<(Vec<String>, Option<i32>), &str>) {
    match (answer, expected) {
        (Ok(page), Ok((users, total))) => {
            assert_eq!(ids(&page.users), users);
            assert_eq!(page.total_count, total);
        }
        (Err(status), Err(reason)) => assert_eq!(Refusal::from(status).kind().1, reason),
        (answer, expected) => panic!("{answer:?} where {expected:?} was expected"),
    }
}
