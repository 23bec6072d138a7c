//! `LinkIdentity` under an idempotency key: linked once, answered alike, and forgotten with the user.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost::Message;
use roster::proto::{CreateUserResponse, LinkIdentityResponse, UnlinkIdentityRequest, UserDto};
use tonic::Code;

use super::{full, lark, linking, list, started, unlink};
use crate::calls::creating;
use crate::harness::{Client, Roster};
use crate::wire::{Answer, Wire, framed};

/// A caller of a server who repeats calls.
struct Caller {
    roster: Roster,
    client: Client,
    wire: Wire,
    api_key: String,
}

impl Caller {
    async fn new() -> Self {
        let (roster, client) = started().await;
        let api_key = roster.key("*", None).await.secret.expose().to_owned();
        let wire = Wire::connect(roster.address).await;
        Self { roster, client, wire, api_key }
    }

    async fn call(&self, rpc: &str, key: &str, request: &impl Message) -> Answer {
        let headers = [("x-api-key", self.api_key.as_str()), ("idempotency-key", key)];
        self.wire.send(&format!("/roster.v1.{rpc}"), &headers, framed(&request.encode_to_vec())).await
    }
}

const LINK: &str = "IdentityService/LinkIdentity";

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_call_also_when_the_identity_is_gone() {
    let caller = Caller::new().await;
    let first = caller.call(LINK, "a", &linking("ann", full("a"))).await;
    let linked = first.message::<LinkIdentityResponse>().identity.unwrap();
    unlink(&caller.client, &linked).await.unwrap();
    let again = caller.call(LINK, "a", &linking("ann", full("a"))).await;
    assert_eq!((&again.body, again.headers.contains_key("x-roster-replayed")), (&first.body, true));
    assert!(list(&caller.client, "ann").await.unwrap().is_empty(), "it was not linked again");
    caller.call(LINK, "a", &linking("ann", lark("a"))).await.assert_refused(Code::FailedPrecondition, "IDEMPOTENCY_KEY_REUSED");
    // Unlinking takes no notice of a key.
    let request = UnlinkIdentityRequest { identity_id: linked.identity_id };
    for _ in 0..2 {
        let answer = caller.call("IdentityService/UnlinkIdentity", "a", &request).await;
        answer.assert_refused(Code::NotFound, "IDENTITY_NOT_FOUND");
    }
}

#[tokio::test]
async fn what_was_answered_goes_with_the_user() {
    let caller = Caller::new().await;
    let user = creating(UserDto { identities: vec![full("c")], ..UserDto::default() });
    let created = caller.call("UserService/CreateUser", "create", &user).await.message::<CreateUserResponse>();
    let created = created.user.unwrap();
    caller.call(LINK, "link", &linking(created.user_id(), full("a"))).await.message::<LinkIdentityResponse>();
    let answers = caller.roster.database.query("SELECT answer FROM idempotency_answers WHERE user_id IS NOT NULL").await;
    assert_eq!(answers.len(), 2);
    for answer in answers {
        let answer = BASE64_STANDARD.decode(answer.try_get_by_index::<String>(0).unwrap()).unwrap();
        let holds = |text: &[u8]| answer.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"access") && !holds(b"refresh"));
    }
    caller.client.delete(created.user_id()).await.unwrap();
    assert!(caller.roster.database.query("SELECT 1 FROM idempotency_answers").await.is_empty());
    let again = caller.call(LINK, "link", &linking(created.user_id(), full("a"))).await;
    again.assert_refused(Code::NotFound, "USER_NOT_FOUND");
    caller.call("UserService/CreateUser", "create", &user).await.assert_refused(Code::NotFound, "USER_NOT_FOUND");
}
