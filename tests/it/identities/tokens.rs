//! The tokens of providers: taken, encrypted, and shown to nobody.

use roster::proto::{IdentityDto, IdentityProvider, LinkIdentityResponse, UserDto};
use roster::store::Tenant;
use roster::store::identity_tokens::ProviderTokens;
use tonic::Code;

use super::{full, identity, lark, link, linking, list, started};
use crate::calls::{assert_refused, creating};
use crate::cli::place::Place;
use crate::dto::texts;
use crate::harness::{NO_SECRET_KEY, Roster};
use crate::wire::Wire;

const LINK: &str = "/roster.v1.IdentityService/LinkIdentity";
/// What is looked for everywhere.
const CANARY: &str = "canary-f00d";

fn tokens(access: Option<&str>, refresh: Option<&str>) -> ProviderTokens {
    ProviderTokens { access_token: access.map(ToOwned::to_owned), refresh_token: refresh.map(ToOwned::to_owned) }
}

fn with_tokens(user_id_in_idp: &str, access: Option<&str>, refresh: Option<&str>) -> IdentityDto {
    let ProviderTokens { access_token, refresh_token } = tokens(access, refresh);
    IdentityDto { access_token, refresh_token, ..lark(user_id_in_idp) }
}

#[tokio::test]
async fn the_tokens_that_are_given_take_the_place_of_those_before_and_the_others_stay() {
    let (roster, client) = started().await;
    let (first, second, third) = (Some("access-1"), Some("refresh-1"), Some("access-2"));
    for (given, expected) in [
        ((None, None), (None, None)),
        ((first, None), (first, None)),
        ((None, second), (first, second)),
        ((third, None), (third, second)),
        ((None, None), (third, second)),
        ((first, Some("refresh-2")), (first, Some("refresh-2"))),
    ] {
        let linked = link(&client, "ann", with_tokens("a", given.0, given.1)).await.unwrap();
        let stored = roster.store.provider_tokens(&Tenant::Pool, "ann", linked.identity_id()).await.unwrap();
        assert!(stored == tokens(expected.0, expected.1), "{given:?}");
    }
    let user = UserDto { identities: vec![full("b"), lark("c")], ..texts(&[("user_id", "carl")]) };
    for created in client.create(user).await.unwrap().identities {
        let stored = roster.store.provider_tokens(&Tenant::Pool, "carl", created.identity_id()).await.unwrap();
        let sent = if created.user_id_in_idp() == "b" { tokens(Some("access"), Some("refresh")) } else { tokens(None, None) };
        assert!(stored == sent);
    }
}

#[tokio::test]
async fn without_a_master_key_an_identity_is_linked_but_with_tokens() {
    // Whether there is a file with one beside the database is SQLite's alone: none is made where nothing serves from the command line.
    let roster = Roster::start_with(&[NO_SECRET_KEY]).await;
    let client = roster.client("*").await;
    client.create(texts(&[("user_id", "ann"), ("username", "ann")])).await.unwrap();
    for sent in [with_tokens("a", Some("x"), None), with_tokens("a", None, Some("x"))] {
        assert_refused(link(&client, "ann", sent.clone()).await, Code::FailedPrecondition, "SECRET_KEY_MISSING");
        let user = UserDto { identities: vec![lark("b"), sent], ..texts(&[("user_id", "carl")]) };
        let created = client.users().create_user(creating(user)).await;
        assert_refused(created, Code::FailedPrecondition, "SECRET_KEY_MISSING");
    }
    assert!(list(&client, "ann").await.unwrap().is_empty(), "nothing is written");
    link(&client, "ann", lark("a")).await.unwrap();
    assert_refused(link(&client, "ann", full("a")).await, Code::FailedPrecondition, "SECRET_KEY_MISSING");
    assert_eq!(list(&client, "ann").await.unwrap()[0].r#type(), "generic", "nothing is written");
    client.create(UserDto { identities: vec![lark("b")], ..texts(&[("user_id", "carl")]) }).await.unwrap();
}

#[test]
fn what_shows_a_request_hides_its_tokens() {
    let sent = with_tokens("a", Some(CANARY), Some(CANARY));
    let user = UserDto { identities: vec![sent.clone()], ..UserDto::default() };
    for shown in [format!("{sent:?}"), format!("{:?}", linking("ann", sent)), format!("{:?}", creating(user))] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

/// All rows of a table as texts.
async fn dump(roster: &Roster, table: &str, columns: &[&str]) -> String {
    let all = columns.iter().map(|column| format!("COALESCE({column}, '')")).collect::<Vec<_>>().join(" || ' ' || ");
    let rows = roster.database.query(&format!("SELECT {all} FROM {table}")).await;
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}

#[tokio::test]
async fn tokens_are_in_no_table_and_no_file_in_clear() {
    let (roster, client) = started().await;
    link(&client, "ann", with_tokens("a", Some(CANARY), Some(CANARY))).await.unwrap();
    link(&client, "ann", with_tokens("a", Some(&format!("{CANARY}-2")), None)).await.unwrap();
    let user = UserDto { identities: vec![with_tokens("b", Some(CANARY), None)], ..UserDto::default() };
    client.create(user).await.unwrap();
    let kept = dump(&roster, "identity_tokens", &["access_token", "refresh_token"]).await;
    let shown = dump(&roster, "identities", &["type", "user_info_in_idp", "origin_conn_ids"]).await;
    assert!(!kept.is_empty() && shown.contains("generic") && !format!("{kept}{shown}").contains(CANARY));
    let directory = roster.stop_and_keep().await;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_in_no_log_and_no_error() {
    let place = Place::new();
    let (bootstrap, master) = ("x".repeat(40), "5e".repeat(32));
    let environment =
        [("ROSTER_LOG", "trace"), ("ROSTER_BOOTSTRAP_API_KEY", bootstrap.as_str()), ("ROSTER_SECRET_KEY", master.as_str())];
    let mut running = place.serve(&environment);
    let wire = Wire::connect(running.address()).await;
    let headers = [("x-api-key", bootstrap.as_str()), ("x-request-id", "find-me-42"), ("idempotency-key", "a")];
    let create = creating(texts(&[("user_id", "ann"), ("username", "ann")]));
    wire.call("/roster.v1.UserService/CreateUser", &headers, &create).await;
    let good = linking("ann", with_tokens("a", Some(CANARY), Some(CANARY)));
    let key = |key| [headers[0], headers[1], ("idempotency-key", key)];
    for name in ["b", "b", "c"] {
        let answer = wire.call(LINK, &key(name), &good).await;
        assert!(answer.message::<LinkIdentityResponse>().identity.unwrap().access_token.is_none());
    }
    let long = CANARY.repeat(2_000);
    for bad in [
        linking("ann", with_tokens("a", Some(&long), None)),
        linking("ann", with_tokens("a", Some(&format!("{CANARY}\n")), None)),
        linking("nobody", with_tokens("a", Some(CANARY), None)),
        linking("ann", IdentityDto { access_token: Some(CANARY.to_owned()), ..identity("", IdentityProvider::Lark, "a") }),
    ] {
        let refusal = wire.call(LINK, &key("d"), &bad).await.refusal();
        assert!(!format!("{refusal:?}").contains(CANARY), "{refusal:?}");
    }
    let ended = running.stop();
    assert!(ended.stderr.contains("find-me-42") && !ended.stderr.contains(CANARY), "{}", ended.stderr);
    for file in place.files() {
        let bytes = std::fs::read(place.path(&file)).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{file}");
    }
}
