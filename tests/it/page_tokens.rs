//! Page tokens: good for the question they were given to, for a day, whoever sends them; all others are refused alike.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};
use roster::proto::{DESCRIPTORS, IdentityProvider};
use roster::store::Store;
use tokio::net::TcpListener;
use tonic::Code;

use crate::harness::{Refusal, Roster, config};
use crate::identities::{identity, link};
use crate::organizations::organization;
use crate::pages::{create_many, group, id, numbered, role};
use crate::wire::{Wire, framed};

/// Every list, with a question of which each fixture below has three items; the requests in protobuf's text format.
const LISTS: &[(&str, &str)] = &[
    ("UserService.ListUsers", ""),
    ("UserService.SearchUsers", "query: 'user'"),
    ("UserService.ListUserGroups", "user_id: 'user-000000'"),
    ("UserService.ListUserRoles", "user_id: 'user-000000'"),
    ("GroupService.ListGroups", ""),
    ("GroupService.ListGroupMembers", "code: 'set-0'"),
    ("RoleService.ListRoles", ""),
    ("RoleService.ListRoleMembers", "code: 'set-0'"),
    ("IdentityService.ListIdentities", "user_id: 'user-000000'"),
    ("OrganizationService.ListOrganizations", ""),
    ("OrganizationService.ListOrganizationMembers", "organization_id: 'set-0'"),
    ("OrganizationService.ListUserOrganizations", "user_id: 'user-000000'"),
    ("OrganizationService.ListDepartments", ""),
    ("OrganizationService.ListDepartmentMembers", "department_id: 'set-0'"),
    ("OrganizationService.ListPosts", ""),
    ("ApiKeyService.ListApiKeys", ""),
];

const SETS: [&str; 3] = ["set-0", "set-1", "set-2"];
const DAY: Duration = Duration::from_hours(24);

/// A caller of a server.
struct Caller {
    wire: Wire,
    key: String,
}

impl Caller {
    async fn of(roster: &Roster) -> Self {
        let key = roster.key("*", None).await.secret.expose().to_owned();
        Self { wire: Wire::connect(roster.address).await, key }
    }

    /// The page that the request asks for, with this token unless it is empty.
    async fn ask(&self, rpc: &str, request: &str, token: &str) -> Result<DynamicMessage, Refusal> {
        let method = method(rpc);
        let mut message = DynamicMessage::parse_text_format(method.input(), request).unwrap();
        if !token.is_empty() {
            message.set_field_by_name("page_token", Value::String(token.to_owned()));
        }
        let path = format!("/roster.v1.{}", rpc.replace('.', "/"));
        let answer = self.wire.send(&path, &[("x-api-key", &self.key)], framed(&message.encode_to_vec())).await;
        if answer.status.code() != Code::Ok {
            return Err(answer.refusal());
        }
        Ok(DynamicMessage::decode(method.output(), &answer.body[5..]).unwrap())
    }

    /// The token behind the first item.
    async fn token(&self, rpc: &str, request: &str) -> String {
        let page = self.ask(rpc, &format!("{request} limit: 1"), "").await.unwrap();
        let token = page.get_field_by_name("next_page_token").unwrap().as_str().unwrap().to_owned();
        assert_ne!(token, "", "{rpc} {request}");
        token
    }

    async fn assert_good(&self, rpc: &str, request: &str, token: &str) {
        let page = self.ask(rpc, request, token).await.unwrap_or_else(|refusal| panic!("{rpc} {request}: {refusal:?}"));
        let items = page.fields().find_map(|(field, items)| field.is_list().then(|| items.as_list().unwrap().len()));
        assert!(items.is_some_and(|items| items > 0), "{rpc} {request}: {page}");
    }

    async fn assert_bad(&self, rpc: &str, request: &str, token: &str) {
        let refusal = self.ask(rpc, request, token).await.expect_err("the token should have been refused");
        assert_eq!(refusal.kind(), (Code::InvalidArgument, "PAGE_TOKEN_INVALID"), "{rpc} {request} {token}: {refusal:?}");
        assert!(token.len() < 20 || !refusal.message.contains(token), "{refusal:?}");
    }
}

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

fn method(rpc: &str) -> MethodDescriptor {
    let (service, method) = rpc.split_once('.').unwrap();
    let service = POOL.get_service_by_name(&format!("roster.v1.{service}")).unwrap();
    service.methods().find(|candidate| candidate.name() == method).unwrap()
}

/// A server of three users who are all in three groups, roles and departments, and a caller beside two more.
async fn served() -> (Roster, Caller) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    create_many(&client, &numbered(0..3)).await;
    let users: Vec<_> = (0..3).map(id).collect();
    for code in SETS {
        group(&client, code, &users).await;
        role(&client, code, &users).await;
        organization(&roster, code, &users).await;
    }
    for set in SETS {
        // Past the server, which makes their ids itself.
        let department = format!(
            "INSERT INTO departments (department_id, etag, created_at, updated_at) VALUES ('{set}', 'e', 0, 0);
             INSERT INTO department_members (department_id, user_id, is_leader, is_main)
                 SELECT '{set}', user_id, FALSE, FALSE FROM users;
             INSERT INTO posts (post_id) VALUES ('{set}')"
        );
        roster.database.execute(&department).await;
    }
    for account in SETS {
        link(&client, &id(0), identity("idp", IdentityProvider::Lark, account)).await.unwrap();
    }
    drop(roster.key("users:read", None).await);
    let caller = Caller::of(&roster).await;
    (roster, caller)
}

#[test]
fn these_are_all_the_lists() {
    let methods = POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect::<Vec<_>>();
    let lists = methods.iter().filter(|method| method.input().get_field_by_name("page_token").is_some());
    let mut names: Vec<_> = lists.map(|list| format!("{}.{}", list.parent_service().name(), list.name())).collect();
    let mut known: Vec<_> = LISTS.iter().map(|(rpc, _)| *rpc).collect();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[tokio::test]
async fn a_token_is_good_for_its_own_list_and_as_often_as_it_is_sent() {
    let (_roster, caller) = served().await;
    for (rpc, request) in LISTS {
        let token = caller.token(rpc, request).await;
        let first = caller.ask(rpc, &format!("{request} limit: 1"), &token).await.unwrap();
        let again = caller.ask(rpc, &format!("{request} limit: 1"), &token).await.unwrap();
        let items = |page: &DynamicMessage| page.fields().find(|(field, _)| field.is_list()).unwrap().1.clone();
        assert_eq!(items(&first), items(&again), "{rpc}");
        caller.assert_good(rpc, request, &token).await;
    }
}

#[tokio::test]
async fn a_token_of_another_list_is_refused() {
    let (_roster, caller) = served().await;
    for (rpc, request) in LISTS {
        let token = caller.token(rpc, request).await;
        for (other, request) in LISTS.iter().filter(|(other, _)| other != rpc) {
            caller.assert_bad(other, request, &token).await;
        }
    }
}

#[tokio::test]
async fn a_token_of_another_question_is_refused() {
    let (_roster, caller) = served().await;
    for (rpc, question, others) in [
        (
            "UserService.SearchUsers",
            "query: 'user'",
            &[
                "query: 'use'",
                "query: 'user 0'",
                "query: 'user username'",
                "query: 'user' fields: 'username'",
                "query: 'user' fields: 'nickname'",
            ][..],
        ),
        (
            "UserService.SearchUsers",
            "query: 'user' fields: 'username'",
            &["query: 'user'", "query: 'user' fields: ['username', 'email']", "query: 'user' fields: 'email'"],
        ),
        ("UserService.ListUserGroups", "user_id: 'user-000000'", &["user_id: 'user-000001'"]),
        ("UserService.ListUserRoles", "user_id: 'user-000000'", &["user_id: 'user-000001'"]),
        ("GroupService.ListGroupMembers", "code: 'set-0'", &["code: 'set-1'"]),
        ("RoleService.ListRoleMembers", "code: 'set-0'", &["code: 'set-1'"]),
        ("OrganizationService.ListOrganizationMembers", "organization_id: 'set-0'", &["organization_id: 'set-1'"]),
        (
            "OrganizationService.ListDepartmentMembers",
            "department_id: 'set-0'",
            &["department_id: 'set-1'", "department_id: 'set-0' include_children: true"],
        ),
    ] {
        let token = caller.token(rpc, question).await;
        caller.assert_good(rpc, question, &token).await;
        for other in others {
            caller.assert_bad(rpc, other, &token).await;
        }
    }
}

#[tokio::test]
async fn how_much_is_asked_counted_and_shown_may_change_under_a_token() {
    let (_roster, caller) = served().await;
    for (rpc, request) in LISTS {
        let token = caller.token(rpc, request).await;
        for other in ["limit: 1", "limit: 2", "limit: 1000", "count: COUNT_MODE_EXACT", "count: COUNT_MODE_NONE"] {
            caller.assert_good(rpc, &format!("{request} {other}"), &token).await;
        }
        for flag in ["with_custom_data", "flat_custom_data", "with_groups", "with_roles", "with_department_ids", "with_post"] {
            if method(rpc).input().get_field_by_name(flag).is_some() {
                caller.assert_good(rpc, &format!("{request} {flag}: true"), &token).await;
            }
        }
    }
}

#[tokio::test]
async fn a_token_with_any_bit_flipped_is_refused() {
    let (_roster, caller) = served().await;
    let (rpc, request) = LISTS[0];
    let token = BASE64_URL_SAFE_NO_PAD.decode(caller.token(rpc, request).await).unwrap();
    for bit in 0..token.len() * 8 {
        let mut changed = token.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        caller.assert_bad(rpc, request, &BASE64_URL_SAFE_NO_PAD.encode(&changed)).await;
    }
}

#[tokio::test]
async fn a_token_with_any_character_changed_taken_or_added_is_refused() {
    let (_roster, caller) = served().await;
    let (rpc, request) = LISTS[0];
    let token = caller.token(rpc, request).await;
    for place in 0..token.len() {
        // The next of the alphabet; in the last place it differs perhaps in bits that mean nothing.
        let next = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        caller.assert_bad(rpc, request, &format!("{}{next}{}", &token[..place], &token[place + 1..])).await;
        caller.assert_bad(rpc, request, &format!("{}{}", &token[..place], &token[place + 1..])).await;
        caller.assert_bad(rpc, request, &format!("{}A{}", &token[..place], &token[place..])).await;
    }
    for place in 1..token.len() {
        caller.assert_bad(rpc, request, &token[..place]).await;
        caller.assert_bad(rpc, request, &token[place..]).await;
    }
}

#[tokio::test]
async fn what_is_no_token_is_refused_by_every_list() {
    let (_roster, caller) = served().await;
    for (rpc, request) in LISTS {
        let token = caller.token(rpc, request).await;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
        let long = token.repeat(5 * 1024 / token.len() + 1);
        let others = [".", "..", " ", "=", "0", "null", "!!!", "界", "%00", "AAAA", "../../etc/passwd", &"A".repeat(54), &long];
        for other in others {
            caller.assert_bad(rpc, request, other).await;
        }
        for around in [format!(" {token}"), format!("{token}\n"), format!("{token}="), format!("{token}.{token}")] {
            caller.assert_bad(rpc, request, &around).await;
        }
        let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        caller.assert_bad(rpc, request, &hex).await;
    }
}

#[tokio::test]
async fn a_token_in_another_alphabet_is_refused() {
    let (_roster, caller) = served().await;
    let (rpc, request) = LISTS[0];
    let mut tried = 0;
    // Some tokens read the same in both alphabets.
    for _ in 0..20 {
        let token = caller.token(rpc, request).await;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
        let others = [BASE64_STANDARD.encode(&bytes), BASE64_STANDARD_NO_PAD.encode(&bytes), BASE64_URL_SAFE.encode(&bytes)];
        for other in others.iter().filter(|other| **other != token) {
            caller.assert_bad(rpc, request, other).await;
            tried += 1;
        }
        caller.assert_bad(rpc, request, &token.to_lowercase()).await;
    }
    assert!(tried > 0);
}

#[tokio::test]
async fn a_token_is_good_for_a_day() {
    let (roster, caller) = served().await;
    let mut tokens = Vec::new();
    for (rpc, request) in LISTS {
        tokens.push(caller.token(rpc, request).await);
    }
    roster.clock.advance(DAY.checked_sub(Duration::from_secs(1)).unwrap());
    for ((rpc, request), token) in LISTS.iter().zip(&tokens) {
        caller.assert_good(rpc, request, token).await;
    }
    // One that was given on the way is younger than what led to it.
    let (rpc, request) = LISTS[0];
    let page = caller.ask(rpc, &format!("{request} limit: 1"), &tokens[0]).await.unwrap();
    let next = page.get_field_by_name("next_page_token").unwrap().as_str().unwrap().to_owned();
    roster.clock.advance(Duration::from_secs(1));
    for ((rpc, request), token) in LISTS.iter().zip(&tokens) {
        caller.assert_bad(rpc, request, token).await;
    }
    caller.assert_good(rpc, request, &next).await;
}

#[tokio::test]
async fn a_token_of_another_database_is_refused() {
    let ((_roster, caller), (_other, stranger)) = (served().await, served().await);
    for (rpc, request) in LISTS {
        let token = caller.token(rpc, request).await;
        stranger.assert_bad(rpc, request, &token).await;
        caller.assert_bad(rpc, request, &stranger.token(rpc, request).await).await;
    }
}

/// The same caller of another server on the same database.
async fn beside(roster: &Roster, caller: &Caller) -> Caller {
    let config = config(&roster.database.url, &[]);
    let store = Store::open(&config, roster.clock.clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(roster::server::serve(store, config.reflection, listener, std::future::pending()));
    Caller { wire: Wire::connect(address).await, key: caller.key.clone() }
}

#[tokio::test]
async fn servers_on_one_database_take_each_other_s_tokens() {
    let (roster, first) = served().await;
    let (second, third) = (beside(&roster, &first).await, beside(&roster, &first).await);
    // None of them has given a token before: whoever comes first makes the key for all.
    let (rpc, request) = LISTS[0];
    let tokens = tokio::join!(first.token(rpc, request), second.token(rpc, request), third.token(rpc, request));
    // A server that starts later, as after a restart, takes them too.
    let later = beside(&roster, &first).await;
    for token in [tokens.0, tokens.1, tokens.2] {
        for caller in [&first, &second, &third, &later] {
            caller.assert_good(rpc, request, &token).await;
        }
    }
}

#[tokio::test]
async fn a_token_may_be_sent_under_another_key() {
    let (roster, caller) = served().await;
    let other = Caller::of(&roster).await;
    for (rpc, request) in LISTS {
        other.assert_good(rpc, request, &caller.token(rpc, request).await).await;
    }
}

#[tokio::test]
async fn a_token_tells_nothing_of_where_it_leads() {
    let (_roster, caller) = served().await;
    let (rpc, request) = LISTS[0];
    let (one, other) = (caller.token(rpc, request).await, caller.token(rpc, request).await);
    assert_ne!(one, other);
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&one).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"user"));
}
