//! Callers at the same moment, where groups, roles and batches meet users that come and go: no membership is left behind without
//! its user or group, and of users that clash across batches each is there once.

use std::collections::HashMap;

use roster::proto::{BatchDeleteUsersRequest, UserDto, UserIdType};
use tonic::{Code, Status};

use crate::batches::{create, outcomes};
use crate::calls::bob;
use crate::collections::{
    Ask, Change, Groups, Holding, Kind, Roles, Show, coded, codes_of, described, made, member_ids, setting,
};
use crate::dto::texts;
use crate::existence::row_error;
use crate::harness::{Client, Refusal, Roster};
use crate::races::at_once;

const ROUNDS: usize = 24;
/// How many act at a time, one of whom deletes.
const CALLERS: usize = 8;

/// A server and several connections to it.
async fn connected() -> (Roster, Vec<Client>) {
    let roster = Roster::start().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(roster.client("*").await);
    }
    (roster, clients)
}

/// Puts Bob into `eng` in one of the ways: whether he is in it then.
pub(crate) async fn join<K: Kind>(client: &Client, way: usize) -> Result<(), Status> {
    let (kind, id) = [(UserIdType::UserId, "bob-1"), (UserIdType::Email, "bob@example.com")][way % 2];
    if way.is_multiple_of(3) {
        return K::hold(client, Holding::Add, Some(id), kind.into(), "eng").await;
    }
    let ids = vec![id.to_owned(), id.to_owned()];
    let results = K::change_members(client, Holding::Add, Some("eng"), ids, kind.into()).await?;
    let error = results.into_iter().find_map(|result| result.error);
    match error {
        None => Ok(()),
        Some(error) => {
            assert_eq!(row_error(error.clone()).kind(), (Code::NotFound, "USER_NOT_FOUND"));
            Err(Status::with_details(Code::NotFound, error.message.clone(), prost::Message::encode_to_vec(&error).into()))
        }
    }
}

/// Bob is deleted while others put him in: whoever comes too late is told so.
async fn a_user_goes_while_joining<K: Kind>() {
    let (_roster, clients) = connected().await;
    made::<K>(&clients[0], &["eng"]).await;
    let (mut joined, mut late) = (0, 0);
    for round in 0..ROUNDS {
        clients[0].create(bob()).await.unwrap();
        let act = |index: usize| {
            let client = clients[index % clients.len()].clone();
            async move {
                // The one who deletes comes early or late.
                if index != round % CALLERS {
                    return Some(join::<K>(&client, index).await);
                }
                delete_bob(&client, round).await;
                None
            }
        };
        for answer in at_once(CALLERS, act).await.into_iter().flatten() {
            match answer {
                Ok(()) => joined += 1,
                Err(status) => {
                    assert_eq!(Refusal::from(status).kind(), (Code::NotFound, "USER_NOT_FOUND"));
                    late += 1;
                }
            }
        }
        assert!(member_ids::<K>(&clients[1], "eng").await.is_empty());
        clients[2].create(bob()).await.unwrap();
        assert!(codes_of::<K>(&clients[3], "bob-1").await.is_empty());
        assert!(member_ids::<K>(&clients[1], "eng").await.is_empty());
        clients[0].delete("bob-1").await.unwrap();
    }
    assert!(joined > 0 && late > 0, "{joined} joined, {late} came too late: nobody was in anybody's way");
}

async fn delete_bob(client: &Client, round: usize) {
    if round.is_multiple_of(2) {
        return client.delete("bob-1").await.unwrap();
    }
    let request = BatchDeleteUsersRequest { user_ids: vec!["bob".to_owned()], user_id_type: UserIdType::Username.into() };
    let results = client.users().batch_delete_users(request).await.unwrap().into_inner().results;
    assert_eq!(results[0].error, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_leaves_no_group_behind_whoever_puts_them_into_one() {
    a_user_goes_while_joining::<Groups>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_leaves_no_role_behind_whoever_gives_them_one() {
    a_user_goes_while_joining::<Roles>().await;
}

/// `eng` is deleted while Bob is put into it.
async fn it_goes_while_joined<K: Kind>() {
    let (_roster, clients) = connected().await;
    clients[0].create(bob()).await.unwrap();
    let (mut joined, mut late) = (0, 0);
    for round in 0..ROUNDS {
        made::<K>(&clients[0], &["eng"]).await;
        let act = |index: usize| {
            let client = clients[index % clients.len()].clone();
            async move {
                if index != round % CALLERS {
                    return Some(join::<K>(&client, index).await);
                }
                K::delete(&client, Some("eng"), None).await.unwrap();
                None
            }
        };
        for answer in at_once(CALLERS, act).await.into_iter().flatten() {
            match answer {
                Ok(()) => joined += 1,
                Err(status) => {
                    assert_eq!(Refusal::from(status).kind(), (Code::NotFound, K::NOT_FOUND));
                    late += 1;
                }
            }
        }
        assert!(codes_of::<K>(&clients[1], "bob-1").await.is_empty());
        K::create(&clients[2], Some(coded("eng"))).await.unwrap();
        let members = K::members(&clients[3], Some("eng"), Ask::default(), Show::default()).await.unwrap();
        assert!(members.items.is_empty() && codes_of::<K>(&clients[1], "bob-1").await.is_empty());
        K::delete(&clients[0], Some("eng"), None).await.unwrap();
    }
    assert!(joined > 0 && late > 0, "{joined} joined, {late} came too late: nobody was in anybody's way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_group_leaves_no_member_behind_whoever_joins_it() {
    it_goes_while_joined::<Groups>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_role_leaves_no_holder_behind_whoever_is_given_it() {
    it_goes_while_joined::<Roles>().await;
}

/// Everybody wants one code: some make another of it, the others rename theirs.
async fn one_code_is_wanted_by_many<K: Kind>() {
    let (_roster, clients) = connected().await;
    let codes: Vec<_> = (0..16).map(|number| format!("code-{number}")).collect();
    made::<K>(&clients[0], &codes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for round in 0..4 {
        let wanted = coded(&format!("wanted-{round}"));
        let want = |index: usize| {
            let (client, wanted, code) = (clients[index % clients.len()].clone(), wanted.clone(), codes[index].clone());
            async move {
                match index % 4 {
                    0 => K::create(&client, Some(wanted)).await,
                    _ => K::update(&client, setting(&code, wanted)).await,
                }
            }
        };
        let (got, lost): (Vec<_>, Vec<_>) = at_once(codes.len(), want).await.into_iter().partition(Result::is_ok);
        // Who was renamed before is not found any more.
        assert_eq!((got.len(), lost.len()), (1, codes.len() - 1));
        for refusal in lost.into_iter().map(|answer| Refusal::from(answer.unwrap_err())) {
            assert!(
                [(Code::AlreadyExists, "CODE_EXISTS"), (Code::NotFound, K::NOT_FOUND)].contains(&refusal.kind()),
                "{refusal:?}"
            );
        }
        assert_eq!(K::get(&clients[0], wanted.code.as_deref()).await.unwrap(), got.into_iter().next().unwrap().unwrap());
    }
}

/// Everybody changes the same one, of whose etag they have read the first.
async fn one_etag_is_good_for_one_change<K: Kind>() {
    let (_roster, clients) = connected().await;
    let mut stored = K::create(&clients[0], Some(coded("eng"))).await.unwrap();
    for round in 0..4 {
        let act = |index: usize| {
            let (client, etag) = (clients[index % clients.len()].clone(), stored.etag.clone());
            let change = setting("eng", described("eng", &format!("name {round} {index}"), ""));
            async move { K::update(&client, Change { etag, ..change }).await }
        };
        let (made, lost): (Vec<_>, Vec<_>) = at_once(16, act).await.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), lost.len()), (1, 15));
        for refusal in lost.into_iter().map(|answer| Refusal::from(answer.unwrap_err())) {
            assert_eq!(refusal.kind(), (Code::Aborted, "ETAG_MISMATCH"));
        }
        stored = K::get(&clients[0], Some("eng")).await.unwrap();
        assert_eq!(stored, made.into_iter().next().unwrap().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_one_code_one_gets_it() {
    one_code_is_wanted_by_many::<Groups>().await;
    one_code_is_wanted_by_many::<Roles>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_of_a_group_or_role_with_an_etag_is_lost() {
    one_etag_is_good_for_one_change::<Groups>().await;
    one_etag_is_good_for_one_change::<Roles>().await;
}

/// Creates users with these emails in one call: for each the id or the refusal.
async fn batch(client: &Client, emails: &[String], atomic: bool) -> Result<Vec<Result<String, Box<Refusal>>>, Status> {
    let users: Vec<_> = emails.iter().map(|email| texts(&[("email", email)])).collect();
    Ok(outcomes(create(client, &users, atomic).await?))
}

/// The emails that a caller wants: each shares most of them with the others, in other spellings and another order.
fn emails(round: usize, caller: usize) -> Vec<String> {
    let email = |number: usize| {
        let email = format!("u{round}-{number}@example.com");
        [email.clone(), email.to_uppercase(), format!(" {email}"), format!("{email}.")][caller].clone()
    };
    let numbers = caller * 10..caller * 10 + 40;
    if caller.is_multiple_of(2) { numbers.map(email).collect() } else { numbers.rev().map(email).collect() }
}

/// The user who has the email.
async fn by_email(client: &Client, email: &str) -> UserDto {
    client.get_by(UserIdType::Email, email).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_email_in_several_batches_at_once_one_user_is_made() {
    let (_roster, clients) = connected().await;
    for round in 0..3 {
        let call = |caller: usize| {
            let (client, emails) = (clients[caller].clone(), emails(round, caller));
            async move { batch(&client, &emails, false).await.unwrap() }
        };
        let answers = at_once(clients.len(), call).await;
        let (mut made, mut owners) = (0, HashMap::new());
        for (caller, outcomes) in answers.into_iter().enumerate() {
            for (email, outcome) in emails(round, caller).into_iter().zip(outcomes) {
                let stored = by_email(&clients[0], &email).await;
                match outcome {
                    Ok(id) => {
                        assert_eq!((stored.user_id(), stored.email()), (id.as_str(), email.trim()));
                        made += 1;
                    }
                    Err(refusal) => {
                        assert_eq!(refusal.kind(), (Code::AlreadyExists, "EMAIL_EXISTS"));
                        assert_eq!(refusal.metadata["conflicts"], "EMAIL_EXISTS");
                    }
                }
                *owners.entry(stored.user_id.unwrap()).or_insert(0) += 1;
            }
        }
        // Numbers 0 to 69, of which two to four callers wanted the middle ones.
        assert_eq!((made, owners.len(), owners.values().sum::<usize>()), (70, 70, 160));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_atomic_batches_that_overlap_one_is_there_whole() {
    let (_roster, clients) = connected().await;
    for round in 0..6 {
        let call = |caller: usize| {
            let (client, emails) = (clients[caller].clone(), emails(round, caller));
            async move { batch(&client, &emails, true).await }
        };
        let answers = at_once(clients.len(), call).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        let winner = answers.iter().position(Result::is_ok).unwrap();
        for answer in answers.into_iter().filter_map(Result::err) {
            assert_eq!(Refusal::from(answer).kind(), (Code::AlreadyExists, "EMAIL_EXISTS"));
        }
        for email in emails(round, winner) {
            assert_eq!(by_email(&clients[0], &email).await.email(), email.trim());
        }
        let list = roster::proto::ListUsersRequest::default();
        let total = clients[1].users().list_users(list).await.unwrap().into_inner().total_count;
        assert_eq!(total, i32::try_from((round + 1) * 40).ok());
    }
}
