//! Callers at the same moment: an account is one user's, a user keeps an identifier and has at most 64 identities.

use roster::proto::{UserDto, UserIdType};
use tonic::{Code, Status};

use super::{get, lark, link, list, started, unlink};
use crate::calls::{assert_not_found, masking};
use crate::dto::texts;
use crate::harness::{Client, Refusal, Roster};
use crate::races::{at_once, rounds};

/// A server and several connections to it.
async fn connected() -> (Roster, [Client; 4]) {
    let (roster, first) = started().await;
    let [second, third, fourth] = [roster.client("*").await, roster.client("*").await, roster.client("*").await];
    (roster, [first, second, third, fourth])
}

/// Asserts that one of the calls was answered and the others were refused so.
#[track_caller]
fn assert_one(answers: &[Result<(), Status>], kind: (Code, &str)) {
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.clone().err()).map(Refusal::from).collect();
    assert_eq!(refused.len() + 1, answers.len(), "{answers:?}");
    assert!(refused.iter().all(|refusal| refusal.kind() == kind), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_link_one_account_one_gets_it() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(8) {
        let account = format!("account-{round}");
        let make = |index: usize| {
            let (client, account) = (clients[index % clients.len()].clone(), account.clone());
            async move { link(&client, ["ann", "bob"][index % 2], lark(&account)).await }
        };
        let answers = at_once(8, make).await;
        let owner = get(&clients[0], UserIdType::Identity, &format!("idp:{account}")).await.unwrap();
        for (index, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(linked) => {
                    assert_eq!(owner.user_id(), ["ann", "bob"][index % 2]);
                    assert!(owner.identities.contains(&linked));
                }
                Err(status) => {
                    assert_ne!(owner.user_id(), ["ann", "bob"][index % 2]);
                    assert_eq!(Refusal::from(status).kind(), (Code::AlreadyExists, "IDENTITY_EXISTS"));
                }
            }
        }
        unlink(&clients[0], owner.identities.iter().find(|identity| identity.user_id_in_idp() == account).unwrap())
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_a_user_is_found_by_the_last_stays() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(8) {
        let user_id = format!("user-{round}");
        let user = UserDto {
            identities: vec![lark(&format!("a{round}")), lark(&format!("b{round}"))],
            ..texts(&[("user_id", &user_id), ("username", &user_id)])
        };
        clients[0].create(user).await.unwrap();
        let identities = get(&clients[0], UserIdType::UserId, &user_id).await.unwrap().identities;
        let make = |index: usize| {
            let (client, identities, user_id) = (clients[index].clone(), identities.clone(), user_id.clone());
            async move {
                match index {
                    0 => client.update(masking(&user_id, UserDto::default(), &["username"])).await.map(drop),
                    index => unlink(&client, &identities[index - 1]).await,
                }
            }
        };
        assert_eq!(at_once(3, make).await.iter().filter(|answer| answer.is_ok()).count(), 2);
        let left = get(&clients[1], UserIdType::UserId, &user_id).await.unwrap();
        assert_eq!(usize::from(left.username.is_some()) + left.identities.len(), 1, "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_never_has_more_than_sixty_four() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(2) {
        let user_id = format!("user-{round}");
        let identities = (0..60).map(|number| lark(&format!("{round}-{number}"))).collect();
        clients[0].create(UserDto { identities, ..texts(&[("user_id", &user_id)]) }).await.unwrap();
        let make = |index: usize| {
            let (client, user_id) = (clients[index % clients.len()].clone(), user_id.clone());
            async move { link(&client, &user_id, lark(&format!("{round}-more-{index}"))).await }
        };
        let answers = at_once(12, make).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 4);
        for status in answers.into_iter().filter_map(Result::err) {
            assert_eq!(Refusal::from(status).fields(), ["identity"]);
        }
        assert_eq!(list(&clients[1], &user_id).await.unwrap().len(), 64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_deleted_while_linked_leaves_nothing_behind() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(6) {
        let (user_id, account) = (format!("user-{round}"), format!("account-{round}"));
        clients[0].create(texts(&[("user_id", &user_id), ("username", &user_id)])).await.unwrap();
        let make = |index: usize| {
            let (client, user_id, account) = (clients[index].clone(), user_id.clone(), account.clone());
            async move {
                match index {
                    0 => client.delete(&user_id).await,
                    _ => link(&client, &user_id, super::full(&account)).await.map(drop),
                }
            }
        };
        let mut answers = at_once(3, make).await;
        answers.remove(0).unwrap();
        for status in answers.into_iter().filter_map(Result::err) {
            assert_eq!(Refusal::from(status).kind(), (Code::NotFound, "USER_NOT_FOUND"));
        }
        assert_not_found(get(&clients[1], UserIdType::Identity, &format!("idp:{account}")).await);
        link(&clients[2], "ann", lark(&account)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_unlink_one_identity_one_does() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(4) {
        let linked = link(&clients[0], "ann", lark(&round.to_string())).await.unwrap();
        let make = |index: usize| {
            let (client, linked) = (clients[index].clone(), linked.clone());
            async move { unlink(&client, &linked).await }
        };
        assert_one(&at_once(4, make).await, (Code::NotFound, "IDENTITY_NOT_FOUND"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_users_who_are_created_with_the_same_accounts_one_is() {
    let (_roster, clients) = connected().await;
    for round in 0..rounds(6) {
        let make = |index: usize| {
            let client = clients[index].clone();
            let mut identities: Vec<_> = (0..8).map(|number| lark(&format!("{round}-{number}"))).collect();
            if index % 2 == 1 {
                identities.reverse();
            }
            async move {
                let user = UserDto { identities, ..UserDto::default() };
                client.users().create_user(crate::calls::creating(user)).await.map(drop)
            }
        };
        assert_one(&at_once(4, make).await, (Code::AlreadyExists, "IDENTITY_EXISTS"));
    }
}
