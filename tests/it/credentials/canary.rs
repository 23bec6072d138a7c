//! Secrets that go through every RPC that takes or gives them, rightly and wrongly: none is in the log, in a refusal, in a file or
//! in a table where it has no business.

use http::HeaderMap;
use prost::Message;
use roster::proto::{
    ApiKeyDto, BatchCreateUsersItem, BatchCreateUsersRequest, BatchCreateUsersResponse, CheckUsernameAvailabilityRequest,
    CreateApiKeyRequest, CreateApiKeyResponse, CreateUserRequest, GetIdentityTokensRequest, IdentityProvider,
    LinkIdentityResponse, RefreshUserTokenRequest, RefreshUserTokenResponse, RotateApiKeyRequest, RotateApiKeyResponse,
    SetPasswordRequest, UpdateUserRequest, UserDto, UserIdType, VerifyPasswordResponse, VerifyUserTokenRequest,
    VerifyUserTokenResponse,
};
use tonic::Code;

use super::{IMPORTED, RIGHT, giving, importing, updating, user, verifying};
use crate::calls::{creating, masking};
use crate::cli::place::Place;
use crate::harness::database::{Database, on_postgres};
use crate::identities::identity;
use crate::wire::{Answer, Wire, framed};

/// A password, and the first API key.
const PASSWORD: &str = "canary-password-7c1e";
const KEY: &str = "canary-api-key-of-more-than-32-characters";
/// What is not secret, and so is found: of the log, and of refusals.
const SHOWN: &str = "seen-7c1e";
const ECHOED: &str = "echoed-7c1e";

/// The part of an imported hash that is nobody else's.
fn digest(hash: &str) -> &str {
    hash.rsplit('$').next().unwrap()
}

/// A caller who remembers all that they were told by other ways than the message of an answer.
struct Caller {
    wire: Wire,
    told: Vec<u8>,
}

impl Caller {
    /// Calls with this key, and these headers beside it.
    async fn call_with(&mut self, key: &str, headers: &[(&str, &str)], rpc: &str, request: &impl Message) -> Answer {
        let headers = [&[("x-api-key", key), ("x-request-id", SHOWN)], headers].concat();
        let answer = self.wire.send(&format!("/roster.v1.{rpc}"), &headers, framed(&request.encode_to_vec())).await;
        let values = |headers: &HeaderMap| headers.values().flat_map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>();
        self.told.extend([values(&answer.headers), values(&answer.trailers)].concat());
        self.told.extend(answer.status.message().bytes().chain(answer.status.details().iter().copied()));
        answer
    }

    async fn call(&mut self, rpc: &str, request: &impl Message) -> Answer {
        self.call_with(KEY, &[], rpc, request).await
    }

    /// Passwords and hashes, set, created, updated and checked.
    async fn passwords(&mut self) {
        let password = || Some(PASSWORD.to_owned());
        let (long, spoiled) = (PASSWORD.repeat(30), format!("{}{PASSWORD}", IMPORTED[5]));
        let create = CreateUserRequest { password: password(), ..creating(user("ann")) };
        let good = self.call_with(KEY, &[("idempotency-key", "a")], "UserService/CreateUser", &create).await;
        assert_eq!(good.status.code(), Code::Ok);
        for (password, code) in [(PASSWORD, Code::Ok), (&format!("{PASSWORD}!"), Code::FailedPrecondition)] {
            let repeat = CreateUserRequest { password: Some(password.to_owned()), ..creating(user("ann")) };
            let answer = self.call_with(KEY, &[("idempotency-key", "a")], "UserService/CreateUser", &repeat).await;
            assert_eq!(answer.status.code(), code);
        }
        self.call("UserService/CreateUser", &create).await.assert_refused(Code::AlreadyExists, "USER_ID_EXISTS");
        let item = |id: &str, hash: Option<String>| BatchCreateUsersItem {
            user: Some(user(id)),
            password: hash.is_none().then(|| PASSWORD.to_owned()),
            password_hash: hash,
        };
        for (key, atomic) in [("b", false), ("c", true)] {
            let id = format!("bob-{atomic}");
            let users = vec![item(&id, None), item("carl", Some(spoiled.clone())), item("ann", None)];
            let batch = BatchCreateUsersRequest { users, atomic };
            let answer = self.call_with(KEY, &[("idempotency-key", key)], "UserService/BatchCreateUsers", &batch).await;
            // Of a batch whose rows fail by themselves, their errors are told.
            if !atomic {
                let results = answer.message::<BatchCreateUsersResponse>().results;
                assert_eq!(results.iter().filter(|result| result.error.is_some()).count(), 2);
                self.told.extend(answer.body);
            }
        }
        let reset = UserDto { reset_password_on_next_login: Some(true), ..UserDto::default() };
        let update = masking("ann", reset, &["reset_password_on_next_login", ECHOED]);
        let update = UpdateUserRequest { password: password(), ..update };
        for update in [updating("ann", PASSWORD), updating("nobody", PASSWORD), updating("ann", &long), update] {
            self.call("UserService/UpdateUser", &update).await;
        }
        let both = SetPasswordRequest { password_hash: Some(spoiled.clone()), ..giving("ann", PASSWORD) };
        for set in [giving("ann", PASSWORD), giving("nobody", PASSWORD), giving("ann", &long), both, importing("ann", &spoiled)]
        {
            self.call("CredentialService/SetPassword", &set).await;
        }
        self.call_with(KEY, &[("idempotency-key", "d")], "CredentialService/SetPassword", &giving("ann", PASSWORD))
            .await
            .refusal();
        for (id, password) in [("ann", PASSWORD), ("ann", &PASSWORD[1..]), ("nobody", PASSWORD), ("ann", &long)] {
            self.call("CredentialService/VerifyPassword", &verifying(UserIdType::UserId, id, password)).await;
        }
    }

    /// API keys: made, rotated, used, and used spoiled; gives their secrets.
    async fn api_keys(&mut self) -> Vec<String> {
        let api_key = Some(ApiKeyDto { name: Some(SHOWN.to_owned()), scopes: vec!["*".to_owned()], ..ApiKeyDto::default() });
        let created = self.call("ApiKeyService/CreateApiKey", &CreateApiKeyRequest { api_key }).await;
        let created: CreateApiKeyResponse = created.message();
        let rotate = RotateApiKeyRequest { api_key_id: created.api_key.unwrap().api_key_id, overlap: None };
        let rotated: RotateApiKeyResponse = self.call("ApiKeyService/RotateApiKey", &rotate).await.message();
        for secret in [&created.secret, &rotated.secret] {
            assert_eq!(self.call_with(secret, &[], "MetaService/GetVersion", &()).await.status.code(), Code::Ok);
            let spoiled = [format!("{secret}x"), secret[1..].to_owned(), format!("{secret} {secret}")];
            for spoiled in spoiled {
                let refused = self.call_with(&spoiled, &[], "MetaService/GetVersion", &()).await;
                refused.assert_refused(Code::Unauthenticated, "API_KEY_INVALID");
            }
        }
        vec![created.secret, rotated.secret]
    }

    /// A token of a user: handed out, checked, and carried by calls on their behalf; gives it.
    async fn user_token(&mut self) -> String {
        let link = roster::proto::LinkIdentityRequest {
            user_id: Some("bob-false".to_owned()),
            identity: Some(identity("idp", IdentityProvider::Lark, "bob")),
            ..Default::default()
        };
        let linked: LinkIdentityResponse = self.call("IdentityService/LinkIdentity", &link).await.message();
        let refresh = RefreshUserTokenRequest { user_id: Some("bob-false".to_owned()), ..Default::default() };
        let refreshed: RefreshUserTokenResponse = self.call("UserService/RefreshUserToken", &refresh).await.message();
        let token = refreshed.token;
        for (token, active) in
            [(token.clone(), true), (format!("{token}x"), false), (token[..token.len() - 4].to_owned(), false)]
        {
            let verify = VerifyUserTokenRequest { token: Some(token.clone()) };
            let verified = self.call("TokenService/VerifyUserToken", &verify).await;
            assert_eq!(verified.message::<VerifyUserTokenResponse>().active, active);
            let bearer = format!("Bearer {token}");
            for (authorization, good) in [(&bearer, active), (&token, false), (&format!("{bearer} {token}"), false)] {
                let headers = [("authorization", authorization.as_str())];
                let username = CheckUsernameAvailabilityRequest { username: Some("bob-false".to_owned()) };
                let answer = self.call_with(KEY, &headers, "UserService/CheckUsernameAvailability", &username).await;
                assert_eq!(answer.status.code() == Code::Ok, good);
                let tokens = GetIdentityTokensRequest { identity_id: linked.identity.as_ref().unwrap().identity_id.clone() };
                let answer = self.call_with(KEY, &headers, "IdentityService/GetIdentityTokens", &tokens).await;
                assert_eq!(answer.status.code() == Code::Ok, good);
            }
        }
        token
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The columns of the database in which the text stands, as SQL sees them.
async fn columns_with(database: &Database, text: &str) -> Vec<String> {
    let (columns, place) = if on_postgres() {
        let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                       WHERE table_schema = current_schema() ORDER BY 1, 2";
        (columns, "strpos")
    } else {
        let columns =
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, 2";
        (columns, "instr")
    };
    let mut found = Vec::new();
    for row in database.query(columns).await {
        let (table, column): (String, String) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
        let sql = format!("SELECT 1 FROM \"{table}\" WHERE {place}(CAST(\"{column}\" AS TEXT), '{text}') > 0 LIMIT 1");
        if !database.query(&sql).await.is_empty() {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

/// The files of the place in which the text stands.
fn files_with(place: &Place, text: &str) -> Vec<String> {
    let files = place.files().into_iter();
    files.filter(|file| holds(&std::fs::read(place.path(file)).unwrap(), text)).collect()
}

/// What nobody may find anywhere: of API keys and tokens also the part that makes them secret.
fn secrets(api_keys: &[String], token: &str) -> Vec<String> {
    let tails = api_keys.iter().map(|key| key.rsplit('_').next().unwrap().to_owned());
    let signature = token.rsplit('.').next().unwrap().to_owned();
    let fixed = [PASSWORD.to_owned(), KEY.to_owned(), signature, token.to_owned()];
    fixed.into_iter().chain(api_keys.iter().cloned()).chain(tails).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log_no_refusal_no_file_and_no_table() {
    for log in ["info,roster=trace", "trace"] {
        let (place, master) = (Place::new(), "5e".repeat(32));
        let environment = [("ROSTER_LOG", log), ("ROSTER_BOOTSTRAP_API_KEY", KEY), ("ROSTER_SECRET_KEY", &master)];
        let mut running = place.serve(&environment);
        let mut caller = Caller { wire: Wire::connect(running.address()).await, told: Vec::new() };
        caller.passwords().await;
        let (api_keys, token) = (caller.api_keys().await, caller.user_token().await);
        let secrets = secrets(&api_keys, &token);

        // While it is served: there is a log of writes beside SQLite's file.
        for secret in &secrets {
            assert_eq!(files_with(&place, secret), [""; 0], "{secret}");
            assert_eq!(columns_with(&place.database, secret).await, [""; 0], "{secret}");
        }
        assert!(
            columns_with(&place.database, "bob-false").await.contains(&"users.username".to_owned()),
            "what is there is found"
        );
        if !on_postgres() {
            place.output("backup copy.db");
            assert!(files_with(&place, "bob-false").contains(&"copy.db".to_owned()), "what is there is found");
            for secret in &secrets {
                assert_eq!(files_with(&place, secret), [""; 0], "{secret}");
            }
        }

        imported_hashes(&place, &mut caller).await;
        let ended = running.stop();
        for secret in secrets.iter().map(String::as_str).chain(IMPORTED.map(digest)).chain([RIGHT]) {
            assert!(!holds(&caller.told, secret), "{secret} was told");
            assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret), "{secret}: {}", ended.stderr);
        }
        assert!(holds(&caller.told, ECHOED) && ended.stderr.contains(SHOWN), "what is told and logged is found");
    }
}

/// An imported hash is in the table of hashes alone, and no more once its password was right.
async fn imported_hashes(place: &Place, caller: &mut Caller) {
    let hash = IMPORTED[5];
    let create = CreateUserRequest { password_hash: Some(hash.to_owned()), ..creating(user("dora")) };
    let answer = caller.call_with(KEY, &[("idempotency-key", "e")], "UserService/CreateUser", &create).await;
    assert_eq!(answer.status.code(), Code::Ok);
    assert_eq!(columns_with(&place.database, digest(hash)).await, ["user_credentials.password_hash"]);
    for (password, verified) in [("Pässword 3", false), (RIGHT, true)] {
        let check = verifying(UserIdType::UserId, "dora", password);
        let answer = caller.call("CredentialService/VerifyPassword", &check).await;
        assert_eq!(answer.message::<VerifyPasswordResponse>().verified, verified);
        let left = columns_with(&place.database, digest(hash)).await;
        assert_eq!(left.is_empty(), verified, "{left:?}");
    }
}
