//! `CredentialService` and every other way to a password: set, imported, checked, counted, and never shown.

mod alike;
mod bound;
mod canary;
mod given_up;
mod guesses;
mod imported;
mod load;
mod refused;
mod repeats;
mod set;
mod work;

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;
use roster::proto::{
    SetPasswordRequest, UpdateUserRequest, UserDto, UserIdType, VerifyPasswordRequest, VerifyPasswordResponse,
};
use tonic::Status;

use crate::dto::texts;
use crate::harness::{Client, Roster};
use crate::wire::{Answer, Wire, framed};

const RIGHT: &str = "Pässword 1";
const WRONG: &str = "Pässword 2";
/// Hashes that are in the tests' database or not, as the test says.
const HASHES: &str = "SELECT password_hash FROM user_credentials ORDER BY user_id";
/// The default parameters.
const OWASP: (&str, &str) = ("password_argon2", "m=19456,t=2,p=1");

/// One of each scheme, all of [`RIGHT`], made by argon2-cffi, bcrypt, hashlib, passlib and Django.
const IMPORTED: [&str; 9] = [
    "$argon2id$v=16$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$0D3Kk0YpgOA4Q/Vpab3k2FTzHKin2Tf4+8sXJpUufzU",
    "$argon2i$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$+p5ufY+ECDJCobPr82/EbWWB59d9V9kNSvwnAC5JHTI",
    "$2a$04$nk.v9H6FuFdGY883PjifquTbMZjPsQiv61DEjLZvz3jTKIqquEdy.",
    "$2b$04$HZIM3iVzo2o4y2y7nVtiU.urb4Lce/3WkSy1b4gkqHUfFiRXTyMZ6",
    "$scrypt$ln=4,r=8,p=2$c2l4dGVlbiBieXRlcyBvaw$x14QD5xP1rhW5mOYAef0GBsurRyFzXCFd5OncDLOE24",
    "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEpo",
    "$pbkdf2-sha512$i=1000,l=32$c2l4dGVlbiBieXRlcyBvaw$5yIzV680WDgpxsDt/61MGlMpoxaB22yqhDecYLpf0Iw",
    "$pbkdf2-sha256$100$./v7./v7./v7./v7./v7.w$y6vgitr1vXwJ06tG5XknJ5pUkflubF/uksWaHTQJVoQ",
    "pbkdf2_sha256$100$Y8vGkx3qLm0aWz5t2R7dNe$Xa4dinUFKYP66lvfOkRFmGGPDSF2dN6y0URhAAxbh9A=",
];

/// A server and a caller who may do everything, by client and by wire.
struct Caller {
    roster: Roster,
    client: Client,
    wire: Wire,
    api_key: String,
}

impl Caller {
    async fn new(settings: &[(&str, &str)]) -> Self {
        Self::of(Roster::start_with(settings).await).await
    }

    async fn of(roster: Roster) -> Self {
        let api_key = roster.key("*", None).await.secret.expose().to_owned();
        let client = roster.client_with_key(Some(&api_key)).await;
        let wire = Wire::connect(roster.address).await;
        Self { roster, client, wire, api_key }
    }

    /// Calls, under the idempotency key if there is one.
    async fn call(&self, rpc: &str, key: Option<&str>, request: &impl Message) -> Answer {
        let mut headers = vec![("x-api-key", self.api_key.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.wire.send(&format!("/roster.v1.{rpc}"), &headers, framed(&request.encode_to_vec())).await
    }

    async fn verify(&self, kind: UserIdType, id: &str, password: &str) -> Answer {
        self.call("CredentialService/VerifyPassword", None, &verifying(kind, id, password)).await
    }

    /// What is kept of the only password that there is.
    async fn hash(&self) -> String {
        let rows = self.roster.database.query(HASHES).await;
        assert_eq!(rows.len(), 1);
        rows[0].try_get_by_index(0).unwrap()
    }
}

/// All that an answer tells, but for what is another with each call.
fn told(answer: &Answer) -> (Bytes, Vec<String>) {
    let all = |headers: &HeaderMap| {
        let own = |name: &str| name == "x-request-id" || name == "date";
        let told = headers.iter().filter(|(name, _)| !own(name.as_str())).map(|header| format!("{header:?}"));
        told.collect::<Vec<_>>()
    };
    (answer.body.clone(), [all(&answer.headers), all(&answer.trailers)].concat())
}

fn verifying(kind: UserIdType, id: &str, password: &str) -> VerifyPasswordRequest {
    let (user_id, password) = (Some(id.to_owned()), Some(password.to_owned()));
    VerifyPasswordRequest { user_id, user_id_type: kind.into(), password }
}

fn giving(id: &str, password: &str) -> SetPasswordRequest {
    let (user_id, password) = (Some(id.to_owned()), Some(password.to_owned()));
    SetPasswordRequest { user_id, password, ..SetPasswordRequest::default() }
}

fn importing(id: &str, hash: &str) -> SetPasswordRequest {
    SetPasswordRequest { password: None, password_hash: Some(hash.to_owned()), ..giving(id, "") }
}

fn updating(id: &str, password: &str) -> UpdateUserRequest {
    let (user_id, password) = (Some(id.to_owned()), Some(password.to_owned()));
    UpdateUserRequest { user_id, password, ..UpdateUserRequest::default() }
}

/// A user of this id.
fn user(id: &str) -> UserDto {
    texts(&[("user_id", id), ("username", id)])
}

impl Client {
    async fn set_password(&self, request: SetPasswordRequest) -> Result<(), Status> {
        self.credentials().set_password(request).await.map(drop)
    }

    async fn verify_password(&self, id: &str, password: &str) -> Result<VerifyPasswordResponse, Status> {
        let request = verifying(UserIdType::Unspecified, id, password);
        Ok(self.credentials().verify_password(request).await?.into_inner())
    }

    /// Whether it is the password of the user of this id.
    async fn is_password(&self, id: &str, password: &str) -> bool {
        self.verify_password(id, password).await.unwrap().verified
    }
}
