//! `IdentityService`: what users are known as at providers, linked, read, refreshed and taken away.

mod bound;
mod created;
mod limits;
mod lookups;
mod races;
mod replays;
mod tokens;

use prost_types::Struct;
use roster::proto::{
    GetUserRequest, IdentityDto, IdentityProvider, LinkIdentityRequest, ListIdentitiesRequest, UnlinkIdentityRequest, UserDto,
    UserIdType,
};
use tonic::{Code, Status};

use crate::calls::{assert_not_found, assert_refused, masking};
use crate::custom_data::object;
use crate::dto::texts;
use crate::harness::{Client, Roster, named};

/// An identity with what must be given.
pub(crate) fn identity(ext_idp_id: &str, provider: IdentityProvider, user_id_in_idp: &str) -> IdentityDto {
    IdentityDto {
        ext_idp_id: Some(ext_idp_id.to_owned()),
        provider: Some(provider.into()),
        user_id_in_idp: Some(user_id_in_idp.to_owned()),
        ..IdentityDto::default()
    }
}

/// One of the connection `idp`, at Lark.
fn lark(user_id_in_idp: &str) -> IdentityDto {
    identity("idp", IdentityProvider::Lark, user_id_in_idp)
}

/// An identity with a value in every field that a caller may send.
fn full(user_id_in_idp: &str) -> IdentityDto {
    IdentityDto {
        r#type: Some("openid".to_owned()),
        user_info_in_idp: Some(object([("Name é.$", "Bob".into()), ("n", 1.5.into())])),
        access_token: Some("access".to_owned()),
        refresh_token: Some("refresh".to_owned()),
        origin_conn_ids: vec!["conn-1".to_owned(), "conn-2".to_owned()],
        ..lark(user_id_in_idp)
    }
}

/// As an answer has it that was given without more than what must be.
fn answered(sent: IdentityDto, identity_id: Option<String>) -> IdentityDto {
    let origin = sent.ext_idp_id().to_owned();
    IdentityDto {
        identity_id,
        r#type: sent.r#type.or(Some("generic".to_owned())),
        user_info_in_idp: sent.user_info_in_idp.or(Some(Struct::default())),
        origin_conn_ids: if sent.origin_conn_ids.is_empty() { vec![origin] } else { sent.origin_conn_ids },
        access_token: None,
        refresh_token: None,
        ..sent
    }
}

fn linking(user_id: &str, identity: IdentityDto) -> LinkIdentityRequest {
    LinkIdentityRequest { user_id: Some(user_id.to_owned()), identity: Some(identity), ..LinkIdentityRequest::default() }
}

/// Links the identity to the user.
pub(crate) async fn link(client: &Client, user_id: &str, identity: IdentityDto) -> Result<IdentityDto, Status> {
    Ok(client.identities().link_identity(linking(user_id, identity)).await?.into_inner().identity.unwrap())
}

async fn unlink(client: &Client, identity: &IdentityDto) -> Result<(), Status> {
    let request = UnlinkIdentityRequest { identity_id: identity.identity_id.clone() };
    client.identities().unlink_identity(request).await.map(drop)
}

/// All identities of the user.
async fn list(client: &Client, user_id: &str) -> Result<Vec<IdentityDto>, Status> {
    let request = ListIdentitiesRequest { user_id: Some(user_id.to_owned()), limit: Some(100), ..Default::default() };
    Ok(client.identities().list_identities(request).await?.into_inner().identities)
}

/// The user with their identities.
async fn get(client: &Client, kind: UserIdType, id: &str) -> Result<UserDto, Status> {
    let request = GetUserRequest {
        user_id: Some(id.to_owned()),
        user_id_type: kind.into(),
        with_identities: true,
        ..GetUserRequest::default()
    };
    Ok(client.users().get_user(request).await?.into_inner().user.unwrap())
}

/// A server, a client that may do all, and two users: `ann` and `bob`.
async fn started() -> (Roster, Client) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    for name in ["ann", "bob"] {
        client.create(texts(&[("user_id", name), ("username", name)])).await.unwrap();
    }
    (roster, client)
}

#[tokio::test]
async fn what_is_not_given_has_its_default_and_all_but_the_tokens_is_answered() {
    let (_roster, client) = started().await;
    for sent in [lark("least"), full("most")] {
        let linked = link(&client, "ann", sent.clone()).await.unwrap();
        assert_eq!(linked, answered(sent, linked.identity_id.clone()));
        assert_eq!(linked.identity_id().len(), 36);
    }
    let listed = list(&client, "ann").await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.is_sorted_by_key(|identity| identity.identity_id().to_owned()));
    assert_eq!(get(&client, UserIdType::UserId, "ann").await.unwrap().identities, listed);
    assert!(client.get("ann").await.unwrap().identities.is_empty(), "only where they are asked for");
    assert!(list(&client, "bob").await.unwrap().is_empty());
}

#[tokio::test]
async fn linking_again_to_the_same_user_takes_on_what_is_given_and_nothing_else() {
    let (_roster, client) = started().await;
    let first = link(&client, "ann", full("a")).await.unwrap();
    let etag = client.get("ann").await.unwrap().etag;
    assert_eq!(link(&client, "ann", lark("a")).await.unwrap(), first, "what is absent stays");
    let other = IdentityDto { r#type: Some("unionid".to_owned()), ..identity("idp", IdentityProvider::Dingtalk, "a") };
    let again = link(&client, "ann", other.clone()).await.unwrap();
    assert_eq!(again, IdentityDto { provider: other.provider, r#type: other.r#type, ..first.clone() });
    let info = IdentityDto {
        user_info_in_idp: Some(Struct::default()),
        origin_conn_ids: vec!["x".to_owned()],
        ..identity("idp", IdentityProvider::Dingtalk, "a")
    };
    let again = link(&client, "ann", info.clone()).await.unwrap();
    assert_eq!((again.user_info_in_idp, again.origin_conn_ids), (info.user_info_in_idp, info.origin_conn_ids));
    assert_eq!(list(&client, "ann").await.unwrap().len(), 1);
    assert_eq!(client.get("ann").await.unwrap().etag, etag, "it is not the profile that changes");
}

#[tokio::test]
async fn an_account_belongs_to_one_user_and_is_free_when_unlinked() {
    let (_roster, client) = started().await;
    let linked = link(&client, "ann", lark("a")).await.unwrap();
    let refusal = assert_refused(link(&client, "bob", lark("a")).await, Code::AlreadyExists, "IDENTITY_EXISTS");
    assert_eq!(refusal.metadata["conflicts"], "IDENTITY_EXISTS");
    assert!(!refusal.message.contains("ann"), "{refusal:?}");
    // The account is told by the connection and the id together.
    link(&client, "bob", identity("other", IdentityProvider::Lark, "a")).await.unwrap();
    link(&client, "bob", lark("b")).await.unwrap();
    unlink(&client, &linked).await.unwrap();
    assert_refused(unlink(&client, &linked).await, Code::NotFound, "IDENTITY_NOT_FOUND");
    let again = link(&client, "bob", lark("a")).await.unwrap();
    assert_ne!(again.identity_id, linked.identity_id);
}

#[tokio::test]
async fn accounts_are_free_when_their_user_is_deleted() {
    let (_roster, client) = started().await;
    let linked = link(&client, "ann", full("a")).await.unwrap();
    client.delete("ann").await.unwrap();
    assert_refused(unlink(&client, &linked).await, Code::NotFound, "IDENTITY_NOT_FOUND");
    link(&client, "bob", lark("a")).await.unwrap();
}

#[tokio::test]
async fn who_is_not_there_is_not_found() {
    let (_roster, client) = started().await;
    assert_not_found(link(&client, "nobody", lark("a")).await);
    assert_not_found(list(&client, "nobody").await);
    for id in ["nothing", "a\0b"] {
        let nothing = IdentityDto { identity_id: Some(id.to_owned()), ..IdentityDto::default() };
        assert_refused(unlink(&client, &nothing).await, Code::NotFound, "IDENTITY_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_user_keeps_an_identifier_or_an_identity() {
    let (_roster, client) = started().await;
    let clear = || masking("ann", UserDto::default(), &["username"]);
    assert_refused(client.update(clear()).await, Code::FailedPrecondition, "LAST_IDENTIFIER");
    let first = link(&client, "ann", lark("a")).await.unwrap();
    let second = link(&client, "ann", lark("b")).await.unwrap();
    client.update(clear()).await.unwrap();
    unlink(&client, &first).await.unwrap();
    let refusal = assert_refused(unlink(&client, &second).await, Code::FailedPrecondition, "LAST_IDENTIFIER");
    assert!(refusal.message.contains("identities"), "{refusal:?}");
    assert_eq!(list(&client, "ann").await.unwrap(), std::slice::from_ref(&second));
    let named =
        roster::proto::UpdateUserRequest { user_id: Some("ann".to_owned()), user: Some(named("ann-2")), ..Default::default() };
    client.update(named).await.unwrap();
    unlink(&client, &second).await.unwrap();
}
