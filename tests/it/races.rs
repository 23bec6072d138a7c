//! Callers at the same moment: identifiers stay unique, no update is lost, and changes of different fields both stay. Where it
//! is simple a race is also run without what guards it, to show that it can be lost.

use std::future::Future;
use std::sync::Arc;

use roster::proto::{DeleteUserRequest, UpdateUserRequest, UserDto, UserIdType};
use tokio::sync::Barrier;
use tonic::{Code, Status};
use unicode_normalization::UnicodeNormalization;

use crate::calls::{assert_not_found, bob, creating, masking, setting, started};
use crate::custom_data::{merging, object};
use crate::dto::{sent, texts, without};
use crate::harness::{Client, Refusal, Roster, named};

/// Callers of one user.
const CALLERS: i32 = 32;

/// How often a race is run: so many times, or as many as `ROSTER_TEST_RACE_ROUNDS` says.
pub(crate) fn rounds(usual: usize) -> usize {
    std::env::var("ROSTER_TEST_RACE_ROUNDS").map_or(usual, |rounds| rounds.parse().unwrap())
}

/// Runs what is made for each number at the same moment and gives the answers in their order.
pub(crate) async fn at_once<F>(count: usize, make: impl Fn(usize) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let run = |index| {
        let (start, call) = (start.clone(), make(index));
        tokio::spawn(async move {
            start.wait().await;
            call.await
        })
    };
    let running: Vec<_> = (0..count).map(run).collect();
    let mut answers = Vec::new();
    for call in running {
        answers.push(call.await.unwrap());
    }
    answers
}

/// A server and several connections to it.
async fn connected() -> (Roster, [Client; 4]) {
    let (roster, first) = started().await;
    let others = [roster.client("users:write").await, roster.client("users:write").await, roster.client("users:write").await];
    let [second, third, fourth] = others;
    (roster, [first, second, third, fourth])
}

/// Creates the users at once: those that were created, and the refusals of the others.
async fn create_all(clients: &[Client; 4], user: impl Fn(usize) -> UserDto, count: usize) -> (Vec<UserDto>, Vec<Refusal>) {
    let create = |index: usize| {
        let (client, user) = (clients[index % clients.len()].clone(), user(index));
        async move { client.create(user).await }
    };
    let (created, refused): (Vec<_>, Vec<_>) = at_once(count, create).await.into_iter().partition(Result::is_ok);
    (
        created.into_iter().map(Result::unwrap).collect(),
        refused.into_iter().map(|answer| answer.map(drop).unwrap_err()).collect(),
    )
}

/// One email in 32 spellings, by the bits of the number.
pub(crate) fn spelling(number: usize) -> String {
    let bit = |place: usize| number >> place & 1 == 1;
    let mut email = "josé.ångström@exämple.org".to_owned();
    if bit(0) {
        email = email.to_uppercase();
    }
    if bit(1) {
        email = email.nfd().collect();
    }
    if bit(2) {
        email.push('.');
    }
    if bit(3) {
        let wide = |character: char| match character {
            '!'..='~' => char::from_u32(u32::from(character) + 0xfee0).unwrap(),
            other => other,
        };
        email = email.chars().map(wide).collect();
    }
    if bit(4) { format!(" \t{email}\u{3000}") } else { email }
}

fn with_email(number: usize) -> UserDto {
    texts(&[("email", &spelling(number))])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_creates_of_one_email_in_its_spellings_one_succeeds() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(6) {
        // Another spelling goes first in each round.
        let (created, refused) = create_all(&clients, |index| with_email(index + round * 11), 64).await;
        assert_eq!((created.len(), refused.len()), (1, 63));
        for refusal in refused {
            assert_eq!(refusal.kind(), (Code::AlreadyExists, "EMAIL_EXISTS"));
            assert_eq!(refusal.metadata["conflicts"], "EMAIL_EXISTS");
        }
        for number in 0..32 {
            assert_eq!(clients[0].get_by(UserIdType::Email, &spelling(number)).await.unwrap(), created[0]);
        }
        clients[0].delete(created[0].user_id()).await.unwrap();
        assert_not_found(clients[0].get_by(UserIdType::Email, &spelling(round)).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_s_constraint_more_than_one_would() {
    let (roster, clients) = connected().await;
    roster.damage();
    roster.database.execute("DROP INDEX users_email_key").await;
    let (created, _) = create_all(&clients, with_email, 64).await;
    assert!(created.len() > 1, "what decides is not the constraint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_creates_of_any_one_identifier_one_succeeds() {
    let (_roster, clients) = connected().await;
    let (composed, decomposed) = ("\u{c5}sa", "A\u{30a}sa");
    for (field, spellings, reason) in [
        ("user_id", ["bob-1", "bob-1"], "USER_ID_EXISTS"),
        ("phone", ["+8618812348888", "188 1234-8888"], "PHONE_NUMBER_EXISTS"),
        ("username", [composed, decomposed], "USERNAME_EXISTS"),
        ("external_id", ["10010", "10010"], "EXTERNAL_ID_EXISTS"),
    ] {
        let user = |index: usize| texts(&[("email", &format!("{field}-{index}@x.org")), (field, spellings[index % 2])]);
        let (created, refused) = create_all(&clients, user, 32).await;
        assert_eq!((created.len(), refused.len()), (1, 31), "{field}");
        for refusal in refused {
            assert_eq!(refusal.kind(), (Code::AlreadyExists, reason));
        }
        clients[0].delete(created[0].user_id()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_users_who_want_one_name_one_gets_it() {
    let (_roster, clients) = connected().await;
    let (users, _) = create_all(&clients, |index| named(&format!("user-{index}")), 32).await;
    for round in 0..rounds(4) {
        let name = format!("wanted-{round}");
        let want = |index: usize| {
            let (client, name) = (clients[index % clients.len()].clone(), named(&name));
            let user_id = users[index].user_id.clone().unwrap();
            async move {
                // Some make another user of it instead.
                if index.is_multiple_of(4) {
                    client.users().create_user(creating(name)).await.map(drop)
                } else {
                    client.update(setting(&user_id, name)).await.map(drop)
                }
            }
        };
        let (got, lost): (Vec<_>, Vec<_>) = at_once(users.len(), want).await.into_iter().partition(Result::is_ok);
        assert_eq!((got.len(), lost.len()), (1, users.len() - 1));
        for refusal in lost.into_iter().map(|answer| Refusal::from(answer.unwrap_err())) {
            assert_eq!(refusal.kind(), (Code::AlreadyExists, "USERNAME_EXISTS"));
        }
    }
}

/// Adds one to the counter that it has read, until nobody was in between; gives how often somebody was.
async fn count_up(client: Client, all_have_read: Arc<Barrier>, with_etag: bool) -> Result<u32, Status> {
    let mut refused = 0;
    loop {
        let read = client.get_by(UserIdType::UserId, "bob-1").await?;
        if refused == 0 {
            all_have_read.wait().await;
        }
        let change = UserDto { logins_count: Some(read.logins_count() + 1), ..UserDto::default() };
        let etag = read.etag.filter(|_| with_etag);
        match client.update(UpdateUserRequest { etag, ..setting("bob-1", change) }).await {
            Ok(_) => return Ok(refused),
            Err(status) => {
                assert_eq!(Refusal::from(status).kind(), (Code::Aborted, "ETAG_MISMATCH"));
                refused += 1;
            }
        }
    }
}

/// What the counter stands at when all have added one.
async fn count_of_all(with_etag: bool) -> (i32, u32) {
    let (_roster, clients) = connected().await;
    clients[0].create(bob()).await.unwrap();
    let all_have_read = Arc::new(Barrier::new(CALLERS.try_into().unwrap()));
    let count = |index: usize| count_up(clients[index % clients.len()].clone(), all_have_read.clone(), with_etag);
    let refused = at_once(CALLERS.try_into().unwrap(), count).await;
    let refused = refused.into_iter().map(Result::unwrap).sum();
    (clients[0].get("bob-1").await.unwrap().logins_count(), refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_with_an_etag_is_lost() {
    let (count, refused) = count_of_all(true).await;
    assert_eq!(count, CALLERS);
    assert!(refused >= 31, "only {refused} were in each other's way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_etag_updates_would_be_lost() {
    let (count, _) = count_of_all(false).await;
    assert!(count < CALLERS, "the callers were not in each other's way");
}

/// Makes the two changes at the same moment.
async fn both(clients: &[Client; 4], changes: [UpdateUserRequest; 2]) -> [Result<UserDto, Status>; 2] {
    let change = |index: usize| {
        let (client, request) = (clients[index].clone(), changes[index].clone());
        async move { client.update(request).await }
    };
    at_once(2, change).await.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_different_fields_at_once_both_stay() {
    let (_roster, clients) = connected().await;
    clients[0].create(bob()).await.unwrap();
    for round in 0..rounds(100) {
        let (nickname, city) = (format!("Bob {round}"), format!("City {round}"));
        let read = clients[0].get("bob-1").await.unwrap();
        let masked = |change: UserDto, name: &str| {
            // Both send back all that they have read, with one change.
            masking("bob-1", UserDto { etag: None, ..change }, &[name])
        };
        let changes = if round % 2 == 0 {
            [setting("bob-1", texts(&[("nickname", &nickname)])), setting("bob-1", texts(&[("city", &city)]))]
        } else {
            let nicknamed = UserDto { nickname: Some(nickname.clone()), ..read.clone() };
            let moved = UserDto { city: Some(city.clone()), ..read };
            [masked(nicknamed, "nickname"), masked(moved, "city")]
        };
        for answer in both(&clients, changes).await {
            answer.unwrap();
        }
        let stored = clients[0].get("bob-1").await.unwrap();
        assert_eq!((stored.nickname(), stored.city()), (nickname.as_str(), city.as_str()), "{round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_sends_fields_it_did_not_change_would_undo_the_other() {
    let (_roster, clients) = connected().await;
    let created = clients[0].create(UserDto { city: Some("old".to_owned()), nickname: Some("old".to_owned()), ..bob() }).await;
    let read = without(&sent(&created.unwrap()), &["user_id"]);
    let nicknamed = UserDto { nickname: Some("new".to_owned()), ..read.clone() };
    let moved = UserDto { city: Some("new".to_owned()), ..read };
    for answer in both(&clients, [setting("bob-1", nicknamed), setting("bob-1", moved)]).await {
        answer.unwrap();
    }
    let stored = clients[0].get("bob-1").await.unwrap();
    assert_ne!((stored.nickname(), stored.city()), ("new", "new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_different_keys_of_custom_data_all_stay() {
    let (_roster, clients) = connected().await;
    for _ in 0..rounds(4) {
        clients[0].create(bob()).await.unwrap();
        let set = |index: usize| {
            let client = clients[index % clients.len()].clone();
            async move { client.update(merging(object([(&format!("key-{index}"), true.into())]), &[])).await }
        };
        for answer in at_once(32, set).await {
            answer.unwrap();
        }
        assert_eq!(clients[0].get("bob-1").await.unwrap().custom_data.unwrap().fields.len(), 32);
        clients[0].delete("bob-1").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_clear_the_last_two_identifiers_one_is_refused() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(25) {
        let two = texts(&[("user_id", "bob-1"), ("email", "bob@example.com"), ("phone", "18812348888")]);
        clients[0].create(two).await.unwrap();
        let clear = |name: &str| masking("bob-1", UserDto::default(), &[name]);
        let (cleared, refused): (Vec<_>, Vec<_>) =
            both(&clients, [clear("email"), clear("phone")]).await.into_iter().partition(Result::is_ok);
        assert_eq!((cleared.len(), refused.len()), (1, 1), "{round}");
        let refusal = Refusal::from(refused.into_iter().next().unwrap().unwrap_err());
        assert_eq!(refusal.kind(), (Code::FailedPrecondition, "LAST_IDENTIFIER"));
        clients[0].delete("bob-1").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_deleted_once_and_stays_deleted() {
    let (_roster, clients) = connected().await;
    for _ in 0..10 {
        clients[0].create(bob()).await.unwrap();
        let act = |index: usize| {
            let client = clients[index % clients.len()].clone();
            async move {
                let deletes = index.is_multiple_of(2);
                let request = DeleteUserRequest { user_id: Some("bob-1".to_owned()), ..Default::default() };
                let answer = if deletes {
                    client.users().delete_user(request).await.map(drop)
                } else {
                    client.update(merging(object([("key", true.into())]), &[])).await.map(drop)
                };
                (deletes, answer)
            }
        };
        let answers = at_once(16, act).await;
        assert_eq!(answers.iter().filter(|(deletes, answer)| *deletes && answer.is_ok()).count(), 1);
        for (_, answer) in answers.into_iter().filter(|(_, answer)| answer.is_err()) {
            assert_not_found(answer);
        }
        assert_not_found(clients[0].get_by(UserIdType::UserId, "bob-1").await);
        assert_eq!(clients[0].create(bob()).await.unwrap().custom_data, None);
        clients[0].delete("bob-1").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_never_sees_half_a_write() {
    let (_roster, clients) = connected().await;
    clients[0].create(bob()).await.unwrap();
    // The city and the custom data always say the same.
    let write = |round: i32| UpdateUserRequest {
        custom_data_set: Some(object([("round", round.into())])),
        ..setting("bob-1", texts(&[("city", &round.to_string())]))
    };
    clients[0].update(write(0)).await.unwrap();
    let writer = clients[0].clone();
    let writing = tokio::spawn(async move {
        for round in 1..=100 {
            writer.update(write(round)).await.unwrap();
        }
    });
    while !writing.is_finished() {
        let read = clients[1].get("bob-1").await.unwrap();
        let round: i32 = read.city().parse().unwrap();
        assert_eq!(read.custom_data, Some(object([("round", round.into())])));
    }
    writing.await.unwrap();
}
