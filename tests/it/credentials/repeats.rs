//! Calls with a password that are repeated under an idempotency key: a repeat brings the password again, of which nothing is kept
//! but a hash.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost::Message;
use roster::proto::{
    BatchCreateUsersItem, BatchCreateUsersRequest, CreateUserRequest, CreateUserResponse, UpdateUserRequest, UpdateUserResponse,
};
use sha2::{Digest, Sha256};
use tonic::Code::{Aborted, FailedPrecondition, NotFound, Ok as OK};

use super::{Caller, IMPORTED, RIGHT, WRONG, giving, updating, user};
use crate::calls::{creating, masking};
use crate::races::{at_once, rounds};
use crate::wire::{Answer, framed};

const CREATE: &str = "UserService/CreateUser";
const UPDATE: &str = "UserService/UpdateUser";
const BATCH: &str = "UserService/BatchCreateUsers";

fn creating_with(password: Option<&str>) -> CreateUserRequest {
    CreateUserRequest { password: password.map(ToOwned::to_owned), ..creating(user("ann")) }
}

fn updating_with(password: Option<&str>) -> UpdateUserRequest {
    UpdateUserRequest { password: password.map(ToOwned::to_owned), ..masking("ann", user("ann"), &["nickname"]) }
}

fn batch_with(passwords: [Option<&str>; 3]) -> BatchCreateUsersRequest {
    let item = |(number, password): (usize, Option<&str>)| BatchCreateUsersItem {
        user: Some(user(&format!("u-{number}"))),
        password: password.map(ToOwned::to_owned),
        ..BatchCreateUsersItem::default()
    };
    BatchCreateUsersRequest { users: passwords.into_iter().enumerate().map(item).collect(), atomic: false }
}

#[track_caller]
fn assert_replays(answer: &Answer, first: &Answer) {
    assert_eq!(answer.headers.get("x-roster-replayed").map(|value| value.to_str().unwrap()), Some("true"), "{answer:?}");
    assert_eq!((answer.status.code(), &answer.body), (OK, &first.body));
}

#[track_caller]
fn assert_reused(answer: &Answer) {
    answer.assert_refused(FailedPrecondition, "IDEMPOTENCY_KEY_REUSED");
}

/// What the user has for a password is not what a repeat brought.
async fn assert_password(caller: &Caller, id: &str, password: &str) {
    assert!(caller.client.is_password(id, password).await && !caller.client.is_password(id, WRONG).await);
}

#[tokio::test]
async fn a_repeat_with_the_password_is_answered_as_the_first_call_and_one_with_another_is_none() {
    let caller = Caller::new(&[]).await;
    let first = caller.call(CREATE, Some("create"), &creating_with(Some(RIGHT))).await;
    first.message::<CreateUserResponse>();
    for same in [RIGHT, "Pa\u{308}ssword 1"] {
        assert_replays(&caller.call(CREATE, Some("create"), &creating_with(Some(same))).await, &first);
    }
    for other in [Some(WRONG), None] {
        assert_reused(&caller.call(CREATE, Some("create"), &creating_with(other)).await);
    }
    let hash = CreateUserRequest { password_hash: Some(IMPORTED[0].to_owned()), ..creating(user("ann")) };
    assert_reused(&caller.call(CREATE, Some("create"), &hash).await);
    assert_password(&caller, "ann", RIGHT).await;

    let first = caller.call(UPDATE, Some("update"), &updating_with(Some("updated"))).await;
    first.message::<UpdateUserResponse>();
    assert_replays(&caller.call(UPDATE, Some("update"), &updating_with(Some("updated"))).await, &first);
    for other in [Some(WRONG), Some(RIGHT), None] {
        assert_reused(&caller.call(UPDATE, Some("update"), &updating_with(other)).await);
    }
    assert_password(&caller, "ann", "updated").await;

    let passwords = [Some(RIGHT), None, Some("third")];
    let first = caller.call(BATCH, Some("batch"), &batch_with(passwords)).await;
    assert_eq!(first.status.code(), OK);
    assert_replays(&caller.call(BATCH, Some("batch"), &batch_with(passwords)).await, &first);
    for other in [
        [Some(RIGHT), None, Some(WRONG)],
        [Some(WRONG), None, Some("third")],
        [Some("third"), None, Some(RIGHT)],
        [Some(RIGHT), None, None],
        [Some(RIGHT), Some(WRONG), Some("third")],
        [None, Some(RIGHT), Some("third")],
        [None, None, None],
    ] {
        assert_reused(&caller.call(BATCH, Some("batch"), &batch_with(other)).await);
    }
    assert_password(&caller, "u-0", RIGHT).await;
    assert_password(&caller, "u-2", "third").await;
}

#[tokio::test]
async fn a_hash_that_a_batch_has_left_goes_with_its_user_and_the_others_stay() {
    let caller = Caller::new(&[]).await;
    let passwords = [Some(RIGHT), None, Some("third")];
    let first = caller.call(BATCH, Some("batch"), &batch_with(passwords)).await;
    assert_eq!(kept(&caller).await.1.len(), 2);
    caller.client.delete("u-0").await.unwrap();
    assert_eq!(kept(&caller).await.1.len(), 1, "of u-2 alone");
    assert_replays(&caller.call(BATCH, Some("batch"), &batch_with(passwords)).await, &first);
    assert_reused(&caller.call(BATCH, Some("batch"), &batch_with([Some(RIGHT), None, Some(WRONG)])).await);
}

#[tokio::test]
async fn a_password_is_not_added_by_a_repeat() {
    let caller = Caller::new(&[]).await;
    let first = caller.call(CREATE, Some("a"), &creating_with(None)).await;
    first.message::<CreateUserResponse>();
    assert_reused(&caller.call(CREATE, Some("a"), &creating_with(Some(RIGHT))).await);
    assert_replays(&caller.call(CREATE, Some("a"), &creating_with(None)).await, &first);
    let first = caller.call(BATCH, Some("b"), &batch_with([None; 3])).await;
    assert_reused(&caller.call(BATCH, Some("b"), &batch_with([None, None, Some(RIGHT)])).await);
    assert_replays(&caller.call(BATCH, Some("b"), &batch_with([None; 3])).await, &first);
    assert!(!caller.client.is_password("ann", RIGHT).await);
    let first = caller.call(UPDATE, Some("c"), &updating_with(None)).await;
    assert_reused(&caller.call(UPDATE, Some("c"), &updating_with(Some(RIGHT))).await);
    assert_replays(&caller.call(UPDATE, Some("c"), &updating_with(None)).await, &first);
    assert!(!caller.client.is_password("ann", RIGHT).await);
}

#[tokio::test]
async fn a_repeat_brings_the_password_of_the_call_and_not_the_user_s() {
    let caller = Caller::new(&[]).await;
    let first = caller.call(CREATE, Some("create"), &creating_with(Some(RIGHT))).await;
    caller.client.set_password(giving("ann", "new")).await.unwrap();
    assert_replays(&caller.call(CREATE, Some("create"), &creating_with(Some(RIGHT))).await, &first);
    assert_reused(&caller.call(CREATE, Some("create"), &creating_with(Some("new"))).await);
    assert_password(&caller, "ann", "new").await;
    caller.client.delete("ann").await.unwrap();
    for password in [RIGHT, WRONG] {
        let late = caller.call(CREATE, Some("create"), &creating_with(Some(password))).await;
        late.assert_refused(NotFound, "USER_NOT_FOUND");
    }
    assert!(!caller.client.is_password("ann", RIGHT).await, "nobody comes back");
    assert!(caller.roster.database.query("SELECT 1 FROM idempotency_passwords").await.is_empty(), "nor is a hash left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_is_made_and_those_with_its_password_are_answered_alike() {
    let caller = Caller::new(&[]).await;
    for round in 0..rounds(10) {
        let key = format!("round-{round}");
        // By the first bit of the number with another password.
        let call = |number: usize| {
            let (wire, api_key, key) = (caller.wire.clone(), caller.api_key.clone(), key.clone());
            let request = framed(&creating_with(Some([RIGHT, WRONG][number % 2])).encode_to_vec());
            async move {
                let headers = [("x-api-key", api_key.as_str()), ("idempotency-key", key.as_str())];
                wire.send("/roster.v1.UserService/CreateUser", &headers, request).await
            }
        };
        let answers = at_once(8, call).await;
        let won =
            (0..2).find(|parity| answers.iter().skip(*parity).step_by(2).any(|answer| answer.status.code() == OK)).unwrap();
        for (number, answer) in answers.iter().enumerate() {
            match (number % 2 == won, answer.status.code()) {
                (true, OK) => {}
                (_, Aborted) => drop(answer.assert_refused(Aborted, "CONFLICT_RETRY")),
                (_, _) => assert_reused(answer),
            }
        }
        let good: Vec<_> = answers.iter().filter(|answer| answer.status.code() == OK).collect();
        assert_eq!(good.iter().filter(|answer| !answer.headers.contains_key("x-roster-replayed")).count(), 1);
        assert!(good.iter().all(|answer| answer.body == good[0].body));
        assert!(caller.client.is_password("ann", [RIGHT, WRONG][won]).await);
        caller.client.delete("ann").await.unwrap();
    }
}

/// All that is kept for those who repeat calls, and the hashes of it alone.
async fn kept(caller: &Caller) -> (String, Vec<String>) {
    let sql = "SELECT r.record_id, r.method, r.request_hash, a.answer FROM idempotency_records r \
               JOIN idempotency_answers a ON a.record_id = r.record_id";
    let hashes = caller.roster.database.query("SELECT password_hash FROM idempotency_passwords").await;
    let hashes: Vec<String> = hashes.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let mut all = hashes.clone();
    for row in caller.roster.database.query(sql).await {
        let columns: [String; 4] = std::array::from_fn(|column| row.try_get_by_index(column).unwrap());
        let decoded = BASE64_STANDARD.decode(&columns[3]).unwrap();
        all.push(format!("{} {}", columns.join(" "), String::from_utf8_lossy(&decoded)));
    }
    (all.join("\n"), hashes)
}

/// What could be guessed from as fast as one likes.
fn fast_hash(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn nothing_is_kept_of_a_password_but_a_hash() {
    let caller = Caller::new(&[]).await;
    let plain = ["hunter2-create", "hunter2-update", "hunter2-first", "hunter2-second"];
    caller.call(CREATE, Some("a"), &creating_with(Some(plain[0]))).await.message::<CreateUserResponse>();
    caller.call(UPDATE, Some("b"), &updating("ann", plain[1])).await.message::<UpdateUserResponse>();
    caller.call(BATCH, Some("c"), &batch_with([Some(plain[2]), None, Some(plain[3])])).await;
    let imported = CreateUserRequest { password_hash: Some(IMPORTED[0].to_owned()), ..creating(user("bob")) };
    caller.call(CREATE, Some("d"), &imported).await.message::<CreateUserResponse>();
    let without = creating(user("carl"));
    caller.call(CREATE, Some("e"), &without).await.message::<CreateUserResponse>();
    let (all, hashes) = kept(&caller).await;
    assert_eq!(hashes.len(), plain.len(), "of passwords alone");
    assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$")), "{hashes:?}");
    let encoded = plain.map(|plain| BASE64_STANDARD.encode(plain));
    let fast = plain.map(|plain| fast_hash(plain.as_bytes()));
    let request = fast_hash(&creating_with(Some(plain[0])).encode_to_vec());
    assert!(!all.contains(&request), "a hash of the whole request would be one of its password");
    for secret in plain.iter().copied().chain(encoded.iter().chain(&fast).map(String::as_str)).chain([IMPORTED[0], "hunter2"]) {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    let found = ["ann", "u-2", &fast_hash(&without.encode_to_vec())];
    assert!(found.iter().all(|found| all.contains(found)), "what is kept is found: {all}");
}
