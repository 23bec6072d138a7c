//! What a key may do to others (contract §5): nothing to a stronger one, which is to it exactly as one that does not exist.

use std::time::Duration;

use prost::Message;
use roster::proto::{ApiKeyDto, CountMode, ListApiKeysRequest, RotateApiKeyRequest, UpdateApiKeyRequest};
use roster::scope::Scope;
use tonic::{Code, Status};

use crate::harness::Roster;
use crate::key_calls::{Holder, assert_denied, assert_no_key, called, changing, changing_only, ending, for_scopes};

/// An id of the same form that nobody has.
const NOBODY: &str = "0190c0ff-ee00-7000-8000-000000000001";

/// Scopes of a weaker and of a stronger key: the stronger has everything, one scope more, one that includes more, or the one
/// word that will also mean the scopes of later releases.
fn pairs() -> Vec<(String, String)> {
    let all: Vec<_> = Scope::all().map(Scope::name).collect();
    let pair = |weak: &str, strong: &str| (weak.to_owned(), strong.to_owned());
    let but = |lacked: &str| all.iter().filter(|name| **name != lacked).copied().collect::<Vec<_>>().join(",");
    vec![
        pair("keys:manage", "*"),
        pair("keys:manage", "keys:manage,events:read"),
        pair("keys:manage", "users:exists"),
        pair("keys:manage,users:read", "users:write"),
        pair("keys:manage,users:write", "keys:manage,users:write,users:password"),
        pair("keys:manage,groups:read,roles:write", "groups:write"),
        pair(&but("identities:tokens"), &all.join(",")),
        pair(&all.join(","), "*"),
        pair(&all.join(","), "*,users:read"),
    ]
}

/// A weaker key, a stronger one, and one as strong that was revoked.
struct Pair {
    weak: Holder,
    strong: Holder,
    revoked: String,
    scopes: String,
}

impl Pair {
    async fn new(roster: &Roster, (weak, strong): (String, String)) -> Self {
        let scopes = format!("{weak} against {strong}");
        let revoked = roster.holder(&strong).await.id;
        roster.client("*").await.revoke_key(&revoked, false).await.unwrap();
        Self { weak: roster.holder(&weak).await, strong: roster.holder(&strong).await, revoked, scopes }
    }
}

/// Asserts for every pair that what the weaker key tries is answered for each of the stronger keys as for an id that nobody has,
/// byte for byte, and that it changes nothing.
async fn assert_hidden<T: std::fmt::Debug>(expected: Code, attempt: impl AsyncFn(&Holder, &str) -> Result<T, Status>) {
    let roster = Roster::start().await;
    for pair in pairs() {
        let pair = Pair::new(&roster, pair).await;
        let before = roster.store.api_keys().await.unwrap();
        let unknown = told(attempt(&pair.weak, NOBODY).await);
        assert_eq!(unknown.0, expected, "{}", pair.scopes);
        for id in [&pair.strong.id, &pair.revoked] {
            assert_eq!(told(attempt(&pair.weak, id).await), unknown, "{}", pair.scopes);
        }
        assert_eq!(roster.store.api_keys().await.unwrap(), before, "{}", pair.scopes);
        pair.strong.client.ping().await.unwrap();
    }
}

/// All that a refusal tells.
#[track_caller]
fn told<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String, Vec<u8>) {
    let status = answer.expect_err("the call should have been refused");
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

#[tokio::test]
async fn a_weak_key_cannot_make_a_stronger_one() {
    let roster = Roster::start().await;
    for pair in pairs() {
        let pair = Pair::new(&roster, pair).await;
        let before = roster.store.api_keys().await.unwrap();
        let scopes = pair.strong.client.own_key().await.unwrap().scopes;
        let asked = ApiKeyDto { scopes, ..ApiKeyDto::default() };
        let status = pair.weak.client.create_key(asked).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{}", pair.scopes);
        assert_eq!(roster.store.api_keys().await.unwrap(), before, "{}", pair.scopes);
    }
}

#[tokio::test]
async fn a_weak_key_cannot_read_a_stronger_one() {
    assert_hidden(Code::NotFound, async |weak, id| weak.client.get_key(id).await).await;
}

#[tokio::test]
async fn a_weak_key_cannot_rename_a_stronger_one() {
    assert_hidden(Code::NotFound, async |weak, id| weak.client.update_key(changing(id, called("mine"))).await).await;
}

#[tokio::test]
async fn a_weak_key_cannot_end_a_stronger_one() {
    let now = Roster::start().await.clock.now();
    assert_hidden(Code::NotFound, async |weak, id| weak.client.update_key(changing(id, ending(now))).await).await;
}

#[tokio::test]
async fn a_weak_key_learns_nothing_by_an_update_under_a_mask_or_of_nothing() {
    let masked = |id: &str| changing_only(id, ApiKeyDto::default(), &["name", "expires_at"]);
    assert_hidden(Code::NotFound, async |weak, id| weak.client.update_key(masked(id)).await).await;
    let nothing = |id: &str| UpdateApiKeyRequest { api_key: None, ..changing(id, ApiKeyDto::default()) };
    assert_hidden(Code::NotFound, async |weak, id| weak.client.update_key(nothing(id)).await).await;
}

#[tokio::test]
async fn a_weak_key_learns_nothing_by_a_bad_update() {
    let bad = |id: &str| changing(id, for_scopes(&["*"]));
    assert_hidden(Code::InvalidArgument, async |weak, id| weak.client.update_key(bad(id)).await).await;
}

#[tokio::test]
async fn a_weak_key_that_ends_learns_nothing_by_an_end_beyond_its_own() {
    let roster = Roster::start().await;
    let [soon, later] = [1, 2].map(|hours| roster.clock.now().plus(Duration::from_hours(hours)));
    let strong = roster.holder("*").await;
    let weak = roster.holder_until("keys:manage", Some(soon)).await;
    let attempt = async |id: &str| told(weak.client.update_key(changing(id, ending(later))).await);
    assert_eq!(attempt(&strong.id).await, attempt(NOBODY).await);
    assert_no_key(weak.client.update_key(changing(&strong.id, ending(later))).await);
}

#[tokio::test]
async fn a_weak_key_cannot_rotate_a_stronger_one() {
    assert_hidden(Code::NotFound, async |weak, id| weak.client.rotate_key(id, None).await).await;
    assert_hidden(Code::NotFound, async |weak, id| weak.client.rotate_key(id, Some(0)).await).await;
}

#[tokio::test]
async fn a_weak_key_learns_nothing_by_a_bad_rotation() {
    let bad = |id: &str| RotateApiKeyRequest {
        api_key_id: Some(id.to_owned()),
        overlap: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
    };
    assert_hidden(Code::InvalidArgument, async |weak, id| weak.client.api_keys().rotate_api_key(bad(id)).await).await;
}

#[tokio::test]
async fn a_weak_key_cannot_revoke_a_stronger_one() {
    assert_hidden(Code::NotFound, async |weak, id| weak.client.revoke_key(id, false).await).await;
}

#[tokio::test]
async fn a_weak_key_cannot_revoke_a_stronger_one_with_its_descendants() {
    assert_hidden(Code::NotFound, async |weak, id| weak.client.revoke_key(id, true).await).await;
}

#[tokio::test]
async fn a_weak_key_cannot_revoke_the_stronger_one_that_made_it() {
    let roster = Roster::start().await;
    let strong = roster.holder("*").await;
    let weak = roster.child(&strong, &["keys:manage"]).await;
    assert_eq!(weak.client.own_key().await.unwrap().created_by, Some(strong.id.clone()));
    for with_descendants in [false, true] {
        assert_no_key(weak.client.revoke_key(&strong.id, with_descendants).await);
    }
    weak.client.revoke_key(&weak.id, true).await.unwrap();
    strong.client.ping().await.unwrap();
}

#[tokio::test]
async fn a_key_without_keys_manage_is_told_of_no_other_key_even_of_an_equal() {
    let roster = Roster::start().await;
    let (caller, equal, strong) =
        (roster.holder("users:read").await, roster.holder("users:read").await, roster.holder("*").await);
    let unknown = told(caller.client.rotate_key(NOBODY, None).await);
    for id in [&equal.id, &strong.id] {
        assert_eq!(told(caller.client.rotate_key(id, None).await), unknown);
        assert_denied(caller.client.get_key(id).await, "keys:manage");
    }
}

#[tokio::test]
async fn a_weak_key_does_not_list_or_count_stronger_ones() {
    for (weak, strong) in pairs() {
        let roster = Roster::start().await;
        let mut within = Vec::new();
        let caller = roster.holder(&weak).await;
        within.push(caller.id.clone());
        for scopes in [strong.as_str(), "", &strong, "keys:manage", &strong, &weak, &strong] {
            roster.clock.advance(Duration::from_secs(1));
            let id = roster.holder(scopes).await.id;
            within.extend(Some(id).filter(|_| scopes != strong));
        }
        for count in [CountMode::Unspecified, CountMode::Exact] {
            let request = ListApiKeysRequest { count: count.into(), ..Default::default() };
            let (keys, total, next) = caller.client.list_keys(request).await.unwrap();
            let ids: Vec<_> = keys.iter().map(ApiKeyDto::api_key_id).collect();
            assert_eq!(
                (ids, total, next.as_str()),
                (within.iter().map(String::as_str).collect(), Some(4), ""),
                "{weak}, {strong}"
            );
        }
    }
}

#[tokio::test]
async fn pages_of_a_weak_keys_list_have_no_gaps_where_stronger_ones_are() {
    let roster = Roster::start().await;
    let caller = roster.holder("keys:manage").await;
    let mut within = vec![caller.id.clone()];
    for index in 0..10 {
        let scopes = if index % 3 == 0 { "keys:manage" } else { "*" };
        let id = roster.holder(scopes).await.id;
        within.extend(Some(id).filter(|_| index % 3 == 0));
    }
    let (mut walked, mut token) = (Vec::new(), String::new());
    for page in 1..=3 {
        let by_number = ListApiKeysRequest { page: Some(page), limit: Some(2), ..Default::default() };
        let (numbered, total, _) = caller.client.list_keys(by_number).await.unwrap();
        let by_token = ListApiKeysRequest { page_token: token, limit: Some(2), ..Default::default() };
        let (keys, _, next) = caller.client.list_keys(by_token).await.unwrap();
        assert_eq!((&keys, total, next.is_empty()), (&numbered, Some(5), page == 3));
        walked.extend(keys.into_iter().map(|key| key.api_key_id.unwrap()));
        token = next;
    }
    within.sort_unstable();
    walked.sort_unstable();
    assert_eq!(walked, within);
}

#[tokio::test]
async fn a_stronger_keys_page_token_shows_a_weak_key_nothing_more() {
    let roster = Roster::start().await;
    let (strong, weak) = (roster.holder("*").await, roster.holder("keys:manage").await);
    roster.clock.advance(Duration::from_secs(1));
    roster.holder("users:read").await;
    let last = roster.holder("keys:manage").await.id;
    let first = ListApiKeysRequest { limit: Some(2), ..Default::default() };
    let (_, total, page_token) = strong.client.list_keys(first).await.unwrap();
    assert_eq!(total, Some(4));
    let rest = ListApiKeysRequest { page_token, ..Default::default() };
    let (keys, total, _) = weak.client.list_keys(rest).await.unwrap();
    assert_eq!((keys.len(), keys[0].api_key_id(), total), (1, last.as_str(), Some(2)));
}

#[tokio::test]
async fn what_a_stronger_key_did_says_nothing_to_a_weak_one_but_its_id() {
    let roster = Roster::start().await;
    let strong = roster.holder("*").await;
    let weak = roster.child(&strong, &["keys:manage"]).await;
    strong.client.update_key(changing(&strong.id, called("the strong one"))).await.unwrap();
    let (listed, ..) = weak.client.list_keys(ListApiKeysRequest::default()).await.unwrap();
    let shown: Vec<u8> = listed.iter().flat_map(Message::encode_to_vec).collect();
    assert!(!shown.windows(14).any(|window| window == b"the strong one"));
    assert_eq!((listed.len(), listed[0].created_by.as_ref()), (1, Some(&strong.id)));
}

#[tokio::test]
async fn a_stronger_key_can_do_all_of_it_to_a_weaker_one() {
    let roster = Roster::start().await;
    for (weaker, stronger) in pairs() {
        let strong = roster.holder(&format!("{weaker},{stronger},keys:manage")).await;
        let scopes = weaker.split(',').collect::<Vec<_>>();
        let id = strong.client.create_key(for_scopes(&scopes)).await.unwrap().0.api_key_id.unwrap();
        let client = &strong.client;
        assert_eq!(client.get_key(&id).await.unwrap().scopes.len(), scopes.len(), "{weaker}");
        assert_eq!(client.update_key(changing(&id, called("mine"))).await.unwrap().name(), "mine");
        let (_, secret) = client.rotate_key(&id, None).await.unwrap();
        roster.client_with_key(Some(&secret)).await.ping().await.unwrap();
        let (keys, ..) = client.list_keys(ListApiKeysRequest { limit: Some(1_000), ..Default::default() }).await.unwrap();
        assert!(keys.iter().any(|key| key.api_key_id() == id), "{weaker}");
        assert!(client.revoke_key(&id, true).await.unwrap().revoked_at.is_some(), "{weaker}");
    }
}

#[tokio::test]
async fn equals_can_do_all_of_it_to_each_other_however_their_scopes_are_spelled() {
    let roster = Roster::start().await;
    for (caller, other) in [
        ("keys:manage,users:write", "users:exists,users:read,users:write,keys:manage"),
        ("users:exists,users:read,users:write,keys:manage", "keys:manage,users:write"),
        ("*", "*,users:read"),
        ("*,users:read", "*"),
    ] {
        let (caller, other) = (roster.holder(caller).await, roster.holder(other).await);
        caller.client.get_key(&other.id).await.unwrap();
        caller.client.update_key(changing(&other.id, called("ours"))).await.unwrap();
        caller.client.rotate_key(&other.id, None).await.unwrap();
        caller.client.revoke_key(&other.id, false).await.unwrap();
    }
}
