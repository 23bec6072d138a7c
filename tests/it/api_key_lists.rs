//! API keys listed: oldest first, page by page, revoked and expired ones among them.

use std::time::Duration;

use roster::proto::{CountMode, ListApiKeysRequest};
use tonic::Code;

use crate::calls::assert_refused;
use crate::harness::{Client, Roster, assert_invalid};
use crate::key_calls::{called, ending};

/// A server with the client's own key and so many others, each younger than the one before but the last two, which are of one
/// moment. Gives their ids in the order in which they were made.
async fn started(others: usize) -> (Roster, Client, Vec<String>) {
    let roster = Roster::start().await;
    let holder = roster.holder("*").await;
    let mut ids = vec![holder.id];
    for index in 1..=others {
        if index < others {
            roster.clock.advance(Duration::from_micros(1));
        }
        let (created, _) = holder.client.create_key(called(&index.to_string())).await.unwrap();
        ids.push(created.api_key_id().to_owned());
    }
    // Those of one moment stand by their ids.
    let tied = ids.len().saturating_sub(2);
    ids[tied..].sort_unstable();
    (roster, holder.client, ids)
}

async fn ids(client: &Client, request: ListApiKeysRequest) -> (Vec<String>, String) {
    let (keys, _, next) = client.list_keys(request).await.unwrap();
    (keys.iter().map(|key| key.api_key_id().to_owned()).collect(), next)
}

#[tokio::test]
async fn keys_are_listed_oldest_first() {
    let (_roster, client, made) = started(12).await;
    let (first, next) = ids(&client, ListApiKeysRequest::default()).await;
    assert_eq!(first, made[..10], "ten on a page unless the caller says more");
    assert!(!next.is_empty());
    let (all, next) = ids(&client, ListApiKeysRequest { limit: Some(1_000), ..Default::default() }).await;
    assert_eq!((all, next.as_str()), (made, ""));
}

#[tokio::test]
async fn pages_by_number_and_by_token_have_the_same_keys() {
    let (_roster, client, made) = started(10).await;
    let (mut numbered, mut walked, mut token) = (Vec::new(), Vec::new(), String::new());
    for page in 1..=4 {
        let by_number = ListApiKeysRequest { page: Some(page), limit: Some(3), ..Default::default() };
        numbered.extend(ids(&client, by_number).await.0);
        let by_token = ListApiKeysRequest { page_token: token.clone(), limit: Some(3), ..Default::default() };
        let (keys, next) = ids(&client, by_token).await;
        assert_eq!(next.is_empty(), page == 4);
        walked.extend(keys);
        token = next;
    }
    assert_eq!((&numbered, &walked), (&made, &made));
    let beyond = ListApiKeysRequest { page: Some(5), limit: Some(3), ..Default::default() };
    assert_eq!(ids(&client, beyond).await, (Vec::new(), String::new()));
}

#[tokio::test]
async fn a_walk_by_token_meets_keys_that_are_made_meanwhile() {
    let (roster, client, mut made) = started(4).await;
    let (mut walked, token) = ids(&client, ListApiKeysRequest { limit: Some(2), ..Default::default() }).await;
    client.revoke_key(&made[3], false).await.unwrap();
    roster.clock.advance(Duration::from_secs(1));
    made.push(client.create_key(called("late")).await.unwrap().0.api_key_id().to_owned());
    let rest = ListApiKeysRequest { page_token: token, limit: Some(100), ..Default::default() };
    walked.extend(ids(&client, rest).await.0);
    assert_eq!(walked, made);
}

#[tokio::test]
async fn revoked_and_expired_keys_stay_on_the_list() {
    let (roster, client, made) = started(2).await;
    let revoked = client.revoke_key(&made[1], false).await.unwrap();
    let (expiring, _) = client.create_key(ending(roster.clock.now().plus(Duration::from_secs(1)))).await.unwrap();
    roster.clock.advance(Duration::from_secs(2));
    let (keys, total, _) = client.list_keys(ListApiKeysRequest::default()).await.unwrap();
    assert_eq!((keys.len(), total), (4, Some(4)));
    assert!(keys.contains(&revoked) && keys.contains(&expiring), "{keys:?}");
    assert_eq!(client.get_key(&made[1]).await.unwrap(), revoked);
}

#[tokio::test]
async fn keys_are_counted_as_is_asked() {
    let (_roster, client, made) = started(4).await;
    for limit in [1, 1_000] {
        for (count, expected) in [(CountMode::Unspecified, Some(5)), (CountMode::Exact, Some(5)), (CountMode::None, None)] {
            let request = ListApiKeysRequest { limit: Some(limit), count: count.into(), ..Default::default() };
            let (keys, total, _) = client.list_keys(request).await.unwrap();
            assert_eq!((keys[0].api_key_id(), total), (made[0].as_str(), expected), "{count:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_asked_for_badly_is_refused_by_field() {
    let (_roster, client, _) = started(2).await;
    let list = async |request| client.list_keys(request).await;
    let page = |page, limit| ListApiKeysRequest { page: Some(page), limit: Some(limit), ..Default::default() };
    for (request, fields) in [
        (page(0, 10), &["page"][..]),
        (page(-1, 10), &["page"]),
        (page(1, 0), &["limit"]),
        (page(1, 1_001), &["limit"]),
        (page(0, -1), &["page", "limit"]),
        (page(1_002, 10), &["page"]),
        (ListApiKeysRequest { count: 3, ..Default::default() }, &["count"]),
    ] {
        assert_invalid(list(request).await, fields);
    }
    let (_, _, token) = list(ListApiKeysRequest { limit: Some(1), ..Default::default() }).await.unwrap();
    let both = ListApiKeysRequest { page: Some(1), page_token: token.clone(), ..Default::default() };
    assert_invalid(list(both).await, &["page"]);
    let by_token = |page_token| ListApiKeysRequest { page_token, ..Default::default() };
    let flipped = format!("{}{}", if token.starts_with('A') { 'B' } else { 'A' }, &token[1..]);
    for bad in [flipped, "x".to_owned(), token[..token.len() - 1].to_owned()] {
        assert_refused(list(by_token(bad)).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_a_day_and_for_this_list() {
    let (roster, client, made) = started(3).await;
    let (_, token) = ids(&client, ListApiKeysRequest { limit: Some(2), ..Default::default() }).await;
    let groups = roster::proto::ListGroupsRequest { page_token: token.clone(), ..Default::default() };
    assert_refused(client.groups().list_groups(groups).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    let request = || ListApiKeysRequest { page_token: token.clone(), ..Default::default() };
    roster.clock.advance(Duration::from_hours(24).saturating_sub(Duration::from_micros(1)));
    assert_eq!(ids(&client, request()).await.0, made[2..]);
    roster.clock.advance(Duration::from_secs(2));
    assert_refused(client.list_keys(request()).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}
