//! A key never makes, nor reaches, a key with more than it has itself (contract §5): to one that is bound to an organization there
//! are the keys of this organization, and they end with it. Page tokens are good under keys of one binding alone.

use roster::proto::{ApiKeyDto, DeleteOrganizationRequest, GetUserRequest, ListApiKeysRequest};
use tonic::Code;

use super::answers::{message, said};
use super::names::{Aim, By, Level, Noun, Object};
use super::table::TABLE;
use super::world::World;
use super::{Method, methods};
use crate::calls::assert_refused;
use crate::harness::refused;
use crate::key_calls::{assert_denied, assert_ended, assert_no_key, called, changing, for_scopes};

/// A key to be made, for these scopes and bound to this organization.
fn bound(scopes: &[&str], organization: Level) -> ApiKeyDto {
    ApiKeyDto { organization_id: organization.organization_id(), ..for_scopes(scopes) }
}

#[tokio::test]
async fn a_bound_key_makes_keys_of_its_own_binding_alone() {
    let world = World::new().await;
    let client = world.client("keys:manage,users:read", Level::A).await;
    for asked in [Level::Pool, Level::A] {
        let (made, secret) = client.create_key(bound(&["users:read"], asked)).await.unwrap();
        assert_eq!(made.organization_id, Level::A.organization_id(), "absent: its own");
        let made = world.roster.client_with_key(Some(&secret)).await;
        assert_eq!(made.get(&Noun::User.name(Object::Own)).await.unwrap().tenant_id, Level::A.organization_id());
        let other = made.get(&Noun::User.name(Object::Other)).await.unwrap_err();
        assert_eq!(other.kind(), (Code::NotFound, "USER_NOT_FOUND"));
    }
    let before = world.roster.store.api_keys().await.unwrap();
    let tell = async |organization| refused(client.create_key(bound(&["users:read"], organization)).await);
    assert_eq!(tell(Level::B).await.kind(), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
    assert_eq!(tell(Level::B).await, tell(Level::Nowhere).await);
    for (scopes, lacking) in [("users:write", "users:write"), ("*", "*"), ("organizations:read", "organizations:read")] {
        for organization in [Level::Pool, Level::A, Level::B] {
            assert_denied(client.create_key(bound(&[scopes], organization)).await, lacking);
        }
    }
    assert_eq!(world.roster.store.api_keys().await.unwrap(), before);
}

#[tokio::test]
async fn a_key_of_the_whole_pool_makes_keys_of_any_binding() {
    let world = World::new().await;
    let client = world.client("keys:manage,users:read", Level::Pool).await;
    for organization in [Level::Pool, Level::A, Level::B] {
        let (made, secret) = client.create_key(bound(&["users:read"], organization)).await.unwrap();
        assert_eq!(made.organization_id, organization.organization_id());
        assert_eq!(client.get_key(made.api_key_id()).await.unwrap(), made);
        let made = world.roster.client_with_key(Some(&secret)).await;
        assert_eq!(made.own_key().await.unwrap().organization_id, organization.organization_id());
    }
    let nowhere = client.create_key(bound(&["users:read"], Level::Nowhere)).await;
    assert_refused(nowhere, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    assert_denied(client.create_key(bound(&["users:write"], Level::A)).await, "users:write");
}

#[tokio::test]
async fn a_bound_key_changes_nothing_of_keys_of_another_binding() {
    let world = World::new().await;
    let client = world.client("*", Level::A).await;
    let before = world.roster.store.api_keys().await.unwrap();
    for object in [Object::Other, Object::Pool, Object::Absent] {
        let id = Noun::ApiKey.name(object);
        assert_no_key(client.get_key(&id).await);
        assert_no_key(client.update_key(changing(&id, called("mine"))).await);
        assert_no_key(client.rotate_key(&id, Some(0)).await);
        for with_descendants in [false, true] {
            assert_no_key(client.revoke_key(&id, with_descendants).await);
        }
    }
    assert_eq!(world.roster.store.api_keys().await.unwrap(), before);
    let request = ListApiKeysRequest { limit: Some(1_000), ..Default::default() };
    let (keys, total, _) = client.list_keys(request.clone()).await.unwrap();
    assert!(keys.iter().all(|key| key.organization_id == Level::A.organization_id()), "{keys:?}");
    assert_eq!((keys.len(), total), (2, Some(2)), "its own and one beside it");
    let whole = world.client("*", Level::Pool).await;
    let (keys, ..) = whole.list_keys(request).await.unwrap();
    for object in Noun::ApiKey.present() {
        assert!(keys.iter().any(|key| key.api_key_id() == Noun::ApiKey.name(object)), "{object:?}");
    }
}

#[tokio::test]
async fn who_made_a_bound_key_is_out_of_its_reach_and_what_it_made_ends_with_it() {
    let world = World::new().await;
    let whole = world.client("*", Level::Pool).await;
    let maker = whole.own_key().await.unwrap().api_key_id.unwrap();
    let (first, secret) = whole.create_key(bound(&["*"], Level::A)).await.unwrap();
    let client = world.roster.client_with_key(Some(&secret)).await;
    let (second, secret) = client.create_key(bound(&["*"], Level::Pool)).await.unwrap();
    assert_eq!(first.created_by.as_ref(), Some(&maker));
    assert_no_key(client.get_key(&maker).await);
    assert_no_key(client.revoke_key(&maker, true).await);
    let stranger = world.client("*", Level::B).await;
    assert_no_key(stranger.revoke_key(first.api_key_id(), true).await);
    let beside = world.client("*", Level::A).await;
    beside.revoke_key(first.api_key_id(), true).await.unwrap();
    assert!(beside.get_key(second.api_key_id()).await.unwrap().revoked_at.is_some());
    for ended in [client, world.roster.client_with_key(Some(&secret)).await] {
        assert_ended(ended.ping().await, "API_KEY_REVOKED");
    }
    for good in [whole, stranger, beside] {
        good.ping().await.unwrap();
    }
}

#[tokio::test]
async fn keys_of_a_deleted_organization_are_refused_from_the_next_call_on() {
    let world = World::new().await;
    let (whole, stranger) = (world.client("*", Level::Pool).await, world.client("*", Level::B).await);
    let clients = [world.client("*", Level::A).await, world.client("", Level::A).await];
    // Both secrets of a key that was rotated.
    let id = clients[0].own_key().await.unwrap().api_key_id.unwrap();
    let (_, second) = clients[0].rotate_key(&id, None).await.unwrap();
    let organization_id = Level::A.organization_id();
    let delete = DeleteOrganizationRequest { organization_id: organization_id.clone(), ..Default::default() };
    whole.organizations().delete_organization(delete).await.unwrap();
    for client in clients.into_iter().chain([world.roster.client_with_key(Some(&second)).await]) {
        assert_ended(client.ping().await, "API_KEY_REVOKED");
        let request = GetUserRequest { user_id: Some(Noun::User.name(Object::Own)), ..Default::default() };
        assert_ended(client.users().get_user(request).await, "API_KEY_REVOKED");
    }
    assert!(whole.get_key(&id).await.unwrap().revoked_at.is_some());
    assert!(whole.get_key(&Noun::ApiKey.name(Object::Own)).await.unwrap().revoked_at.is_some());
    assert!(whole.get_key(&Noun::ApiKey.name(Object::Other)).await.unwrap().revoked_at.is_none());
    stranger.ping().await.unwrap();
    assert_refused(whole.create_key(bound(&[], Level::A)).await, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    assert_refused(whole.rotate_key(&id, None).await, Code::NotFound, "API_KEY_NOT_FOUND");
    world.roster.store.clear_organizations().await.unwrap();
    let left = world.roster.client_with_key(Some(&second)).await;
    assert_ended(left.ping().await, "API_KEY_REVOKED");
    assert_eq!(whole.get_key(&id).await.unwrap().organization_id, organization_id, "it never becomes the whole pool's");
}

/// Whoever asks for a list: how they are bound, and which organization they name.
const ASKERS: [(Level, Option<Level>); 5] =
    [(Level::Pool, None), (Level::Pool, Some(Level::A)), (Level::A, None), (Level::A, Some(Level::A)), (Level::B, None)];

/// The list of the row, for the guest and for what is there at every level.
fn list(template: &str, level: Level, named: Option<Level>) -> String {
    let aim = Aim { noun: Noun::Nothing, object: Object::Own, by: By::Id, level: named.unwrap_or(level), named };
    let twins = [("{group}", "twin"), ("{role}", "twin"), ("{username}", "example"), ("limit: 1000", "")];
    aim.fill(&twins.iter().fold(template.to_owned(), |template, (placeholder, text)| template.replace(placeholder, text)))
}

/// A world with a second one of everything that is listed.
async fn twins() -> World {
    let world = World::new().await;
    let (key, methods) = (world.key("*", Level::Pool).await, methods());
    let make = async |rpc: &str, request: String| {
        let answer = world.call(&methods[rpc], Some(&key), &request).await;
        assert_eq!(answer.status.code(), Code::Ok, "{rpc} {request}: {}", said(&answer));
    };
    let guest = Noun::User.name(Object::Guest);
    let members = [Object::Guest, Object::Member].map(|user| format!("user_ids: '{}'", Noun::User.name(user))).join(" ");
    for level in [Level::Pool, Level::A, Level::B] {
        let level = level.organization_id().map_or_else(String::new, |id| format!("organization_id: '{id}'"));
        make("GroupService.CreateGroup", format!("group {{ code: 'twin' {level} }}")).await;
        make("GroupService.AddGroupMembers", format!("code: 'twin' {members} {level}")).await;
        make("RoleService.CreateRole", format!("role {{ code: 'twin' {level} }}")).await;
        make("RoleService.AddRoleMembers", format!("code: 'twin' {members} {level}")).await;
        make("OrganizationService.CreateDepartment", format!("department {{ code: 'twin' {level} }}")).await;
        make("OrganizationService.CreatePost", format!("post {{ code: 'twin' {level} }}")).await;
    }
    let account = "ext_idp_id: 'twin' provider: IDENTITY_PROVIDER_LARK user_id_in_idp: 'twin'";
    make("IdentityService.LinkIdentity", format!("user_id: '{guest}' identity {{ {account} }}")).await;
    world
}

/// The token behind the first item; empty where there is no more.
async fn token(world: &World, method: &Method, key: &str, request: &str) -> String {
    let answer = world.call(method, Some(key), &format!("{request} limit: 1")).await;
    assert_eq!(answer.status.code(), Code::Ok, "{} {request}: {}", method.name(), said(&answer));
    let token = message(method, &answer).get_field_by_name("next_page_token").unwrap().into_owned();
    token.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_token_is_good_under_keys_of_the_same_binding_alone() {
    let world = twins().await;
    let mut keys = Vec::new();
    for (bound, _) in ASKERS {
        keys.push([world.key("*", bound).await, world.key("*", bound).await]);
    }
    let lists = TABLE.iter().filter(|row| methods()[row.rpc].input().get_field_by_name("page_token").is_some());
    let mut tried = 0;
    for row in lists {
        let method = &methods()[row.rpc];
        let template = row.requests[row.requests.len() - 1];
        for ((bound, named), [key, _]) in ASKERS.iter().zip(&keys) {
            let token = token(&world, method, key, &list(template, *bound, *named)).await;
            // A bound key is in one organization.
            let alone = *bound != Level::Pool && row.rpc.ends_with("Organizations");
            assert_eq!(token.is_empty(), alone, "{} of {bound:?}", row.rpc);
            for ((other, others), [_, key]) in ASKERS.iter().zip(&keys).filter(|_| !alone) {
                let request = format!("{} page_token: '{token}'", list(template, *other, *others));
                let answer = world.call(method, Some(key), &request).await;
                let level = |bound: Level, named: Option<Level>| (template.contains("{level}"), named.unwrap_or(bound));
                let same = other == bound && (level(*bound, *named) == level(*other, *others) || !level(*bound, *named).0);
                if same {
                    assert_eq!(answer.status.code(), Code::Ok, "{} {request}: {}", row.rpc, said(&answer));
                } else {
                    answer.assert_refused(Code::InvalidArgument, "PAGE_TOKEN_INVALID");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
}
