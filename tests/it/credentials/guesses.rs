//! How often a password may be guessed for an id: so often within a time, on all servers together, whoever has the id.

use std::time::Duration;

use roster::proto::{SetPasswordRequest, UserDto, UserIdType, VerifyPasswordResponse};
use tonic::Code::{self, ResourceExhausted};
use tonic::Status;

use super::{Caller, RIGHT, WRONG, giving, told, updating, user};
use crate::calls::{assert_refused, bob, setting};
use crate::harness::{Client, Refusal, Roster};
use crate::organizations::organization;
use crate::races::{at_once, rounds};

const FIVE: [(&str, &str); 1] = [("password_guesses", "5/1m")];
const MINUTE: Duration = Duration::from_mins(1);

/// A caller of a server where five may be wrong, and a user with a password.
async fn five() -> Caller {
    let caller = Caller::new(&FIVE).await;
    caller.client.create(bob()).await.unwrap();
    caller.client.set_password(giving("bob-1", RIGHT)).await.unwrap();
    caller
}

async fn guess(client: &Client, id: &str, times: usize) {
    for _ in 0..times {
        assert!(!client.is_password(id, WRONG).await);
    }
}

#[track_caller]
fn assert_limited<T>(answer: Result<T, Status>) -> Refusal {
    assert_refused(answer, ResourceExhausted, "RATE_LIMITED")
}

#[tokio::test]
async fn after_five_wrong_ones_the_right_one_is_refused_too_until_the_time_is_over() {
    let Caller { roster, client, .. } = five().await;
    guess(&client, "bob-1", 3).await;
    roster.clock.advance(Duration::from_secs(20));
    guess(&client, "bob-1", 2).await;
    let computed = roster.store.computed_hashes();
    for password in [WRONG, RIGHT, RIGHT] {
        let refusal = assert_limited(client.verify_password("bob-1", password).await);
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(40)), "counted from the first");
    }
    assert_eq!(roster.store.computed_hashes(), computed, "nothing was checked");
    roster.clock.advance(Duration::from_millis(39_999));
    let refusal = assert_limited(client.verify_password("bob-1", RIGHT).await);
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(1)));
    roster.clock.advance(Duration::from_millis(1));
    guess(&client, "bob-1", 4).await;
    assert!(client.is_password("bob-1", RIGHT).await);
    guess(&client, "bob-1", 1).await;
    assert_limited(client.verify_password("bob-1", RIGHT).await);
}

#[tokio::test]
async fn an_id_that_nobody_has_is_refused_alike() {
    let caller = five().await;
    let ids = [
        (UserIdType::UserId, "bob-1"),
        (UserIdType::UserId, "nobody"),
        (UserIdType::Email, "nobody@example.com"),
        (UserIdType::Identity, "idp:nobody"),
    ];
    let mut refusals = Vec::new();
    for (kind, id) in ids {
        for _ in 0..5 {
            let answer = caller.verify(kind, id, WRONG).await.message::<VerifyPasswordResponse>();
            assert_eq!(answer, VerifyPasswordResponse::default());
        }
        let refused = caller.verify(kind, id, RIGHT).await;
        assert_eq!(refused.assert_refused(ResourceExhausted, "RATE_LIMITED").retry_after, Some(MINUTE));
        refusals.push(told(&refused));
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
    // Later the delay is another one, and nothing else.
    caller.roster.clock.advance(Duration::from_secs(1));
    let later = caller.verify(UserIdType::UserId, "nobody", RIGHT).await;
    assert_ne!(told(&later), refusals[0], "the bytes can tell");
    assert_eq!(later.refusal().retry_after, Some(Duration::from_secs(59)));
}

#[tokio::test]
async fn spellings_of_an_id_are_one_id_and_other_ids_are_not_concerned() {
    let caller = five().await;
    let spellings = ["bob@example.com", "BOB@EXAMPLE.COM", " bob@example.com", "Bob@example.com.", "ｂob@example.com"];
    for spelling in spellings {
        caller.verify(UserIdType::Email, spelling, WRONG).await.message::<VerifyPasswordResponse>();
    }
    for spelling in spellings {
        caller.verify(UserIdType::Email, spelling, RIGHT).await.assert_refused(ResourceExhausted, "RATE_LIMITED");
    }
    for (kind, id) in [(UserIdType::Email, "bob@example.org"), (UserIdType::UserId, "bob@example.com")] {
        assert!(!caller.verify(kind, id, RIGHT).await.message::<VerifyPasswordResponse>().verified);
    }
    assert!(caller.client.is_password("bob-1", RIGHT).await, "another id of theirs");
    for phone in ["+86 188 1234 8888", "18812348888", "188-1234-8888", "+8618812348888", "(188) 12348888"] {
        caller.verify(UserIdType::Phone, phone, WRONG).await.message::<VerifyPasswordResponse>();
    }
    caller.verify(UserIdType::Phone, "18812348888", RIGHT).await.assert_refused(ResourceExhausted, "RATE_LIMITED");
}

#[tokio::test]
async fn a_right_password_is_no_guess() {
    let Caller { roster: _roster, client, .. } = five().await;
    guess(&client, "bob-1", 4).await;
    for _ in 0..20 {
        assert!(client.is_password("bob-1", RIGHT).await);
    }
    client.update(setting("bob-1", UserDto { blocked: Some(true), ..UserDto::default() })).await.unwrap();
    for _ in 0..6 {
        assert_refused(client.verify_password("bob-1", RIGHT).await, Code::FailedPrecondition, "USER_NOT_ACTIVE");
    }
    guess(&client, "bob-1", 1).await;
    assert_limited(client.verify_password("bob-1", RIGHT).await);
}

#[tokio::test]
async fn a_new_password_ends_it_under_every_id_and_bad_input_does_not_count() {
    let caller = five().await;
    let client = &caller.client;
    for _ in 0..10 {
        drop(client.verify_password("bob-1", "").await.unwrap_err());
    }
    let ids = [(UserIdType::UserId, "bob-1"), (UserIdType::Email, "bob@example.com"), (UserIdType::Username, "bob")];
    for new in ["set", "updated"] {
        for (kind, id) in ids {
            for _ in 0..5 {
                caller.verify(kind, id, WRONG).await.message::<VerifyPasswordResponse>();
            }
            caller.verify(kind, id, WRONG).await.assert_refused(ResourceExhausted, "RATE_LIMITED");
        }
        guess(client, "nobody", if new == "set" { 5 } else { 0 }).await;
        if new == "set" {
            client.set_password(SetPasswordRequest { keep_tokens: true, ..giving("bob-1", new) }).await.unwrap();
        } else {
            client.users().update_user(updating("bob-1", new)).await.unwrap();
        }
        for (kind, id) in ids {
            assert!(caller.verify(kind, id, new).await.message::<VerifyPasswordResponse>().verified, "{id}");
        }
        assert_limited(client.verify_password("nobody", RIGHT).await);
    }
}

/// Lets this many callers guess at once on two servers; gives how many were answered, and how many refused.
async fn crowd(settings: &[(&str, &str)], callers: usize) -> (usize, usize) {
    let first = Caller::new(settings).await;
    let second = Roster::start_on(&first.roster.database.url, settings).await;
    first.client.create(user("ann")).await.unwrap();
    first.client.set_password(giving("ann", RIGHT)).await.unwrap();
    let clients = [first.client.clone(), second.client_with_key(Some(&first.api_key)).await];
    let before = first.roster.store.computed_hashes() + second.store.computed_hashes();
    let guess = |number: usize| {
        let client = clients[number % 2].clone();
        async move { repeated(&client).await }
    };
    let answers = at_once(callers, guess).await;
    let (answered, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(answered.iter().flatten().all(|answer| !answer.verified));
    for refusal in &refused {
        assert_eq!(refusal.as_ref().unwrap_err().kind(), (ResourceExhausted, "RATE_LIMITED"), "{refusal:?}");
    }
    let computed = first.roster.store.computed_hashes() + second.store.computed_hashes() - before;
    assert_eq!(usize::try_from(computed).unwrap(), answered.len(), "whoever was refused was not checked");
    (answered.len(), refused.len())
}

/// A wrong guess, again while others are in the way.
async fn repeated(client: &Client) -> Result<VerifyPasswordResponse, Refusal> {
    loop {
        match client.verify_password("ann", WRONG).await.map_err(Refusal::from) {
            Err(refusal) if refusal.kind() == (Code::Aborted, "CONFLICT_RETRY") => {}
            answer => return answer,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_50_guesses_at_once_on_two_servers_five_are_checked() {
    for _ in 0..rounds(2) {
        assert_eq!(crowd(&FIVE, 50).await, (5, 45));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_off_all_are_checked() {
    assert_eq!(crowd(&[("password_guesses", "off")], 50).await, (50, 0));
}

#[tokio::test]
async fn a_server_that_is_started_again_remembers() {
    let caller = five().await;
    guess(&caller.client, "bob-1", 5).await;
    let (database, key) = (caller.roster.database.clone(), caller.api_key.clone());
    let _directory = caller.roster.stop_and_keep().await;
    let roster = Roster::start_on(&database.url, &FIVE).await;
    let client = roster.client_with_key(Some(&key)).await;
    let refusal = assert_limited(client.verify_password("bob-1", RIGHT).await);
    assert_eq!(refusal.retry_after, Some(MINUTE));
}

#[tokio::test]
async fn guesses_under_a_bound_key_lock_nobody_else_out() {
    let Caller { roster, client, .. } = five().await;
    organization(&roster, "acme", &["bob-1"]).await;
    organization(&roster, "other", &["bob-1"]).await;
    let (acme, other) = (roster.bound_client("*", "acme").await, roster.bound_client("*", "other").await);
    guess(&acme, "bob-1", 5).await;
    assert_limited(acme.verify_password("bob-1", RIGHT).await);
    let colleague = roster.bound_client("*", "acme").await;
    assert_limited(colleague.verify_password("bob-1", RIGHT).await);
    assert!(client.is_password("bob-1", RIGHT).await && other.is_password("bob-1", RIGHT).await);
    guess(&client, "bob-1", 5).await;
    assert_limited(client.verify_password("bob-1", RIGHT).await);
    assert!(other.is_password("bob-1", RIGHT).await);
}

#[tokio::test]
async fn what_is_kept_of_a_guess_names_nobody() {
    let Caller { roster, client, .. } = five().await;
    guess(&client, "secret-id", 1).await;
    let rows = roster.database.query("SELECT guessed_id FROM password_guesses").await;
    let kept: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert!(kept.len() == 1 && kept[0].len() == 44, "{kept:?}");
}
