//! Calls that are repeated under an idempotency key: made once, answered alike, for a day and for the caller alone.

use std::time::Duration;

use prost::Message;
use roster::proto::{
    ApiKeyDto, BatchDeleteUsersRequest, CreateApiKeyRequest, CreateUserRequest, CreateUserResponse, DeleteUserRequest,
    GetUserRequest, ListUsersRequest, ListUsersResponse, RotateApiKeyRequest, UpdateUserRequest, UserDto,
};

use tonic::Code::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Ok as OK};

use crate::calls::{bob, creating, setting};
use crate::dto::texts;
use crate::harness::{Roster, named};
use crate::wire::{Answer, Wire, framed};

const DAY: Duration = Duration::from_hours(24);

/// A server, a connection and an API key.
struct Caller {
    roster: Roster,
    wire: Wire,
    api_key: String,
}

impl Caller {
    async fn new() -> Self {
        let roster = Roster::start().await;
        let api_key = roster.key("*", None).await.secret.expose().to_owned();
        let wire = Wire::connect(roster.address).await;
        Self { roster, wire, api_key }
    }

    async fn call(&self, rpc: &str, key: &str, request: &impl Message) -> Answer {
        let headers = [("x-api-key", self.api_key.as_str()), ("idempotency-key", key)];
        self.wire.send(&format!("/roster.v1.{rpc}"), &headers, framed(&request.encode_to_vec())).await
    }

    async fn create(&self, key: &str, user: UserDto) -> Answer {
        self.call("UserService/CreateUser", key, &creating(user)).await
    }

    async fn count(&self) -> usize {
        let all = ListUsersRequest { limit: Some(1_000), ..ListUsersRequest::default() };
        self.call("UserService/ListUsers", "not looked at", &all).await.message::<ListUsersResponse>().users.len()
    }

    /// Whatever of the database is asked for in SQL, as a number.
    async fn number(&self, sql: &str) -> i64 {
        self.roster.database.query(sql).await[0].try_get_by_index(0).unwrap()
    }
}

fn was_replayed(answer: &Answer) -> bool {
    answer.headers.get("x-roster-replayed").is_some_and(|value| value == "true")
}

fn deleting(user_id: &str) -> DeleteUserRequest {
    DeleteUserRequest { user_id: Some(user_id.to_owned()), ..DeleteUserRequest::default() }
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_call_and_changes_nothing() {
    let caller = Caller::new().await;
    let first = caller.create("a", bob()).await;
    assert!(!was_replayed(&first));
    caller.roster.clock.advance(DAY.saturating_sub(Duration::from_secs(1)));
    let again = caller.create("a", bob()).await;
    assert!(was_replayed(&again));
    assert_eq!((again.status.code(), &again.body), (OK, &first.body));
    assert_eq!(caller.count().await, 1);
    let get = GetUserRequest { user_id: Some("bob-1".to_owned()), ..GetUserRequest::default() };
    let stored = caller.call("UserService/GetUser", "a", &get).await;
    assert!(!was_replayed(&stored), "a read takes no notice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_at_once_one_is_made_and_all_are_answered_alike() {
    let caller = Caller::new().await;
    for round in 0..20 {
        let (key, user) = (format!("round-{round}"), named(&format!("user-{round}")));
        let calls = (0..10).map(|_| caller.create(&key, user.clone()));
        let answers = futures_util::future::join_all(calls).await;
        let (good, late): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status.code() == OK);
        for answer in late {
            answer.assert_refused(Aborted, "CONFLICT_RETRY");
        }
        assert!(good.iter().all(|answer| answer.body == good[0].body));
        assert_eq!(good.iter().filter(|answer| !was_replayed(answer)).count(), 1);
        assert_eq!(caller.count().await, round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_key_nine_of_ten_are_told_that_they_failed() {
    let caller = Caller::new().await;
    let client = caller.roster.client_with_key(Some(&caller.api_key)).await;
    let calls = (0..10).map(|_| client.create(named("bob")));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_key_stands_for_one_method_and_one_request() {
    let caller = Caller::new().await;
    caller.create("a", bob()).await.message::<CreateUserResponse>();
    let others = [
        caller.create("a", named("carol")).await,
        caller.call("UserService/DeleteUser", "a", &deleting("bob-1")).await,
        caller.call("UserService/UpdateUser", "a", &setting("bob-1", named("rob"))).await,
    ];
    for other in others {
        other.assert_refused(FailedPrecondition, "IDEMPOTENCY_KEY_REUSED");
    }
    // What is wrong with a request comes first.
    caller.create("a", texts(&[("email", "x")])).await.assert_refused(InvalidArgument, "INVALID_FIELD");
    assert_eq!(caller.count().await, 1);
}

#[tokio::test]
async fn an_error_is_not_remembered() {
    let caller = Caller::new().await;
    caller.create("a", bob()).await.message::<CreateUserResponse>();
    let clashing = UserDto { user_id: None, ..bob() };
    caller.create("b", clashing.clone()).await.assert_refused(AlreadyExists, "EMAIL_EXISTS");
    caller.call("UserService/DeleteUser", "c", &deleting("bob-1")).await;
    let second = caller.create("b", clashing).await;
    assert!(!was_replayed(&second));
    second.message::<CreateUserResponse>();
    // Nor does a failed call keep its key: it may stand for another one.
    caller
        .create("d", texts(&[("user_id", "x"), ("email", "bob@example.com")]))
        .await
        .assert_refused(AlreadyExists, "EMAIL_EXISTS");
    caller.create("d", named("dora")).await.message::<CreateUserResponse>();
}

#[tokio::test]
async fn a_late_repeat_does_not_bring_a_deleted_user_back_and_shows_nothing_of_them() {
    let caller = Caller::new().await;
    caller.create("create", bob()).await.message::<CreateUserResponse>();
    let update = setting("bob-1", texts(&[("name", "Bob Secretname")]));
    caller.call("UserService/UpdateUser", "update", &update).await;
    let delete = deleting("bob-1");
    let deleted = caller.call("UserService/DeleteUser", "delete", &delete).await;
    for _ in 0..2 {
        caller.create("create", bob()).await.assert_refused(NotFound, "USER_NOT_FOUND");
        caller.call("UserService/UpdateUser", "update", &update).await.assert_refused(NotFound, "USER_NOT_FOUND");
        let again = caller.call("UserService/DeleteUser", "delete", &delete).await;
        assert!(was_replayed(&again) && again.body == deleted.body);
        assert_eq!(caller.count().await, 0);
    }
    assert_eq!(caller.number("SELECT COUNT(*) FROM idempotency_answers WHERE user_id IS NOT NULL").await, 0);
    // Another user under the same id is another user: the old answers do not come back.
    caller.create("again", bob()).await.message::<CreateUserResponse>();
    caller.create("create", bob()).await.assert_refused(NotFound, "USER_NOT_FOUND");
    assert_eq!(caller.count().await, 1);
    let batch = BatchDeleteUsersRequest { user_ids: vec!["bob-1".to_owned()], ..Default::default() };
    caller.call("UserService/BatchDeleteUsers", "batch", &batch).await;
    caller.create("again", bob()).await.assert_refused(NotFound, "USER_NOT_FOUND");
}

#[tokio::test]
async fn another_api_key_s_equal_key_is_its_own() {
    let mut caller = Caller::new().await;
    caller.create("a", bob()).await.message::<CreateUserResponse>();
    caller.api_key = caller.roster.key("*", None).await.secret.expose().to_owned();
    let other = caller.create("a", named("carol")).await;
    assert!(!was_replayed(&other));
    other.message::<CreateUserResponse>();
    assert_eq!(caller.count().await, 2);
}

#[tokio::test]
async fn a_rotated_api_key_is_the_same_caller() {
    let mut caller = Caller::new().await;
    let key = caller.roster.key("users:write", None).await;
    caller.api_key = key.secret.expose().to_owned();
    let first = caller.create("a", bob()).await;
    let rotate = RotateApiKeyRequest { api_key_id: key.api_key.api_key_id, ..Default::default() };
    let client = caller.roster.client_with_key(Some(&caller.api_key)).await;
    caller.api_key = client.api_keys().rotate_api_key(rotate).await.unwrap().into_inner().secret;
    let again = caller.create("a", bob()).await;
    assert!(was_replayed(&again) && again.body == first.body);
}

#[tokio::test]
async fn after_a_day_a_key_is_new_and_its_record_goes() {
    let caller = Caller::new().await;
    caller.create("a", named("bob")).await.message::<CreateUserResponse>();
    caller.create("b", named("carol")).await.message::<CreateUserResponse>();
    caller.roster.clock.advance(DAY);
    caller.create("a", named("bob")).await.assert_refused(AlreadyExists, "USERNAME_EXISTS");
    caller.create("a", named("dora")).await.message::<CreateUserResponse>();
    caller.roster.store.purge_idempotency_records().await;
    assert_eq!(caller.number("SELECT COUNT(*) FROM idempotency_records").await, 1);
    assert_eq!(caller.number("SELECT COUNT(*) FROM idempotency_answers").await, 1);
    let again = caller.create("a", named("dora")).await;
    assert!(was_replayed(&again));
}

#[tokio::test]
async fn many_old_records_go_in_steps() {
    let caller = Caller::new().await;
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700) \
                INSERT INTO idempotency_records SELECT 'r' || i, 'm', 'h', i FROM n";
    caller.roster.database.execute(many).await;
    let before = caller.roster.statements();
    caller.roster.store.purge_idempotency_records().await;
    assert_eq!(caller.number("SELECT COUNT(*) FROM idempotency_records").await, 0);
    assert!(caller.roster.statements() - before >= 8, "in steps of 500");
}

#[tokio::test]
async fn what_hands_out_a_secret_refuses_a_key() {
    let caller = Caller::new().await;
    let create = CreateApiKeyRequest { api_key: Some(ApiKeyDto::default()) };
    caller.call("ApiKeyService/CreateApiKey", "a", &create).await.assert_refused(InvalidArgument, "IDEMPOTENCY_UNSUPPORTED");
    let rotate = RotateApiKeyRequest { api_key_id: Some("x".to_owned()), ..Default::default() };
    caller.call("ApiKeyService/RotateApiKey", "a", &rotate).await.assert_refused(InvalidArgument, "IDEMPOTENCY_UNSUPPORTED");
    assert_eq!(caller.number("SELECT COUNT(*) FROM api_keys").await, 1);
}

#[tokio::test]
async fn a_key_is_1_to_128_visible_characters() {
    let caller = Caller::new().await;
    for (number, key) in ["a", &"k".repeat(128), "!~{}\"'/\\"].into_iter().enumerate() {
        caller.create(key, named(&format!("user-{number}"))).await.message::<CreateUserResponse>();
    }
    for key in ["", &"k".repeat(129), "a b", "a\tb"] {
        let refusal = caller.create(key, named("other")).await.assert_refused(InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.fields(), ["idempotency-key"], "{key:?}");
    }
    // Together with all else that is wrong.
    let refusal = caller.create("", texts(&[("email", "x")])).await.refusal();
    assert_eq!(refusal.fields(), ["idempotency-key", "user.email"]);
    assert_eq!(caller.count().await, 3);
    let update = UpdateUserRequest::default();
    let refusal = caller.call("UserService/UpdateUser", "", &update).await.refusal();
    assert_eq!(refusal.fields(), ["idempotency-key", "user_id"]);
    caller
        .call("UserService/CreateUser", "x", &CreateUserRequest::default())
        .await
        .assert_refused(InvalidArgument, "INVALID_FIELD");
}
