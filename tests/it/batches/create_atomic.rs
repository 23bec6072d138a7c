//! `BatchCreateUsers` with `atomic`: all or none.

use roster::proto::{BatchCreateUsersItem, BatchCreateUsersRequest, UserDto};
use tonic::Code;

use super::{count, create, outcomes};
use crate::calls::{assert_refused, assert_taken, bob};
use crate::collections::begun;
use crate::dto::{filled, sent, texts};
use crate::harness::{assert_invalid, named, refused};

#[tokio::test]
async fn all_are_created() {
    let (_roster, client) = begun().await;
    let users = [filled(1), named("ann"), filled(2)];
    let results = create(&client, &users, true).await.unwrap();
    for (user, result) in users.into_iter().zip(&results) {
        let stored = client.get(result.user_id()).await.unwrap();
        assert_eq!(stored.etag, result.etag);
        assert_eq!(stored.username, user.username);
        if user.user_id.is_some() {
            assert_eq!(sent(&stored), user);
        }
    }
    assert!(outcomes(results).iter().all(Result::is_ok));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_with_its_place_and_nobody_is_created() {
    let (_roster, client) = begun().await;
    client.create(bob()).await.unwrap();
    let users = [
        Some(named("good")),
        Some(texts(&[("email", "bob"), ("username", "a b")])),
        // That these clash is not looked at yet.
        Some(bob()),
        Some(named("good")),
        None,
        Some(UserDto::default()),
        Some(UserDto {
            register_source: vec!["ok".to_owned(), "\0".to_owned()],
            group_codes: vec!["g".to_owned()],
            ..named("r")
        }),
    ];
    let items = users.into_iter().map(|user| BatchCreateUsersItem { user, ..Default::default() }).collect();
    let mut refusal = refused(client.users().batch_create_users(BatchCreateUsersRequest { users: items, atomic: true }).await);
    assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"));
    assert_eq!(refusal.metadata["violations"], "6");
    refusal.violations.sort();
    let expected = [
        "users[1].user.email",
        "users[1].user.username",
        "users[4].user",
        "users[5].user",
        "users[6].user.group_codes",
        "users[6].user.register_source[1]",
    ];
    assert_eq!(refusal.fields(), expected);
    assert_eq!(count(&client).await, 1);
}

#[tokio::test]
async fn of_many_violations_twenty_are_told_and_all_are_counted() {
    let (_roster, client) = begun().await;
    let bad = UserDto { register_source: vec!["\u{7}".to_owned(); 32], ..named("bad") };
    let users: Vec<_> = (0..1_000).map(|index| if index == 7 { named("good") } else { bad.clone() }).collect();
    let refusal = refused(create(&client, &users, true).await);
    assert_eq!((refusal.violations.len(), refusal.metadata["violations"].as_str()), (20, "31968"));
    assert_eq!(refusal.violations[0].0, "users[0].user.register_source[0]");
    assert_eq!(count(&client).await, 0);
}

#[tokio::test]
async fn the_first_that_clashes_fails_all_and_leaves_nothing_behind() {
    let (_roster, client) = begun().await;
    client.create(bob()).await.unwrap();
    let several = texts(&[("username", "bob"), ("email", "ANN@example.com"), ("phone", "18812348888")]);
    let ann = texts(&[("user_id", "ann"), ("username", "ann"), ("email", "ann@example.com")]);
    let users = [filled(1), ann.clone(), several, named("bob"), named("cat")];
    let taken = ["EMAIL_EXISTS", "PHONE_NUMBER_EXISTS", "USERNAME_EXISTS"];
    let refusal = refused(create(&client, &users, true).await);
    assert_eq!(refusal.kind(), (Code::AlreadyExists, "EMAIL_EXISTS"));
    assert_eq!((refusal.metadata["conflicts"].as_str(), refusal.metadata["item"].as_str()), (&*taken.join(","), "users[2]"));
    assert!(refusal.message.contains("users[2]") && !refusal.message.contains("example.com"), "{refusal:?}");
    assert_taken(create(&client, &users, true).await, &taken);
    assert_eq!(count(&client).await, 1);
    // Whatever came before it is free, custom data included.
    assert!(outcomes(create(&client, &[filled(1), ann, named("cat")], true).await.unwrap()).iter().all(Result::is_ok));
}

#[tokio::test]
async fn two_of_a_batch_that_clash_fail_all() {
    let (_roster, client) = begun().await;
    let emails = ["ann@example.com", "bob@example.com", " ANN@example.com. "];
    let users = emails.map(|email| texts(&[("email", email)]));
    let refusal = assert_refused(create(&client, &users, true).await, Code::AlreadyExists, "EMAIL_EXISTS");
    assert_eq!(refusal.metadata["item"], "users[2]");
    assert_eq!(count(&client).await, 0);
    assert_invalid(create(&client, &[], true).await, &["users"]);
}
