//! `BatchCreateUsers` with a result for each user.

use roster::proto::{BatchCreateUsersItem, BatchCreateUsersRequest, UserDto, UserIdType};
use tonic::Code;
use uuid::Uuid;

use super::{count, create, outcomes};
use crate::calls::{assert_not_found, bob, creating};
use crate::collections::begun;
use crate::custom_data::object;
use crate::dto::{filled, sent, texts, without};
use crate::existence::row_error;
use crate::harness::{assert_invalid, named, refused};
use crate::races::spelling;

#[tokio::test]
async fn each_user_is_created_as_by_a_call_of_its_own() {
    let (roster, client) = begun().await;
    let data = object([("age", 22.into()), ("tags", "x".into())]);
    let source = vec!["web".to_owned(), "\"app\",".to_owned()];
    let rich = UserDto { custom_data: Some(data), register_source: source, ..named("rich") };
    let users = [filled(1), named("ann"), filled(2), rich, texts(&[("external_id", "x")])];
    let results = create(&client, &users, false).await.unwrap();
    assert_eq!(results.len(), users.len());
    let mut ids = Vec::new();
    for (user, result) in users.iter().zip(results) {
        assert_eq!(result.error, None);
        let stored = client.get(result.user_id.as_deref().unwrap()).await.unwrap();
        assert_eq!((&result.user_id, &result.etag), (&stored.user_id, &stored.etag));
        // As CreateUser would have stored it, at the same moment of a clock that stands still.
        client.delete(stored.user_id()).await.unwrap();
        let alone = client.create(user.clone()).await.unwrap();
        let expected = UserDto { user_id: alone.user_id.clone(), etag: alone.etag.clone(), ..stored.clone() };
        assert_eq!((alone, stored.created_at), (expected, Some(roster.clock.now())));
        if user.user_id.is_none() {
            assert_eq!(Uuid::parse_str(stored.user_id()).unwrap().get_version_num(), 7);
        }
        ids.push(stored.user_id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), users.len());
}

#[tokio::test]
async fn a_full_user_is_read_back_equal() {
    let (_roster, client) = begun().await;
    let results = outcomes(create(&client, &[filled(1), filled(2)], false).await.unwrap());
    for (user, created) in [filled(1), filled(2)].into_iter().zip(results) {
        let id = created.unwrap();
        assert_eq!((user.user_id(), sent(&client.get(&id).await.unwrap())), (id.as_str(), user.clone()));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_user_is_told_in_its_place_and_the_others_are_created() {
    let (_roster, client) = begun().await;
    let codes = UserDto { group_codes: vec!["a".to_owned()], role_codes: vec!["b".to_owned()], ..named("a") };
    let bad = [
        None,
        Some(UserDto::default()),
        Some(texts(&[("name", "Bob")])),
        Some(texts(&[("email", "bob")])),
        Some(texts(&[("username", "a b"), ("phone", "1-800-FLOWERS"), ("name", "\0"), ("etag", "x")])),
        Some(codes),
        Some(UserDto { status: Some(0), gender: Some(99), ..named("s") }),
        Some(UserDto { register_source: vec!["\u{7}".to_owned(); 32], ..named("r") }),
        Some(UserDto { custom_data: Some(object([("a b", 1.into())])), ..named("c") }),
    ];
    let good = |index: usize| Some(named(&format!("good-{index}")));
    let users: Vec<_> = bad.iter().cloned().enumerate().flat_map(|(index, bad)| [bad, good(index)]).collect();
    let items = users.into_iter().map(|user| BatchCreateUsersItem { user, ..Default::default() }).collect();
    let request = BatchCreateUsersRequest { users: items, atomic: false };
    let results = client.users().batch_create_users(request).await.unwrap().into_inner().results;
    assert_eq!(results.len(), 2 * bad.len());
    for (index, result) in results.into_iter().enumerate() {
        if index % 2 == 1 {
            let id = result.user_id.unwrap();
            assert_eq!(client.get(&id).await.unwrap().username(), format!("good-{}", index / 2));
            continue;
        }
        assert_eq!((result.user_id, result.etag), (None, None));
        let request = roster::proto::CreateUserRequest { user: bad[index / 2].clone(), ..Default::default() };
        let alone = refused(client.users().create_user(request).await);
        let row = row_error(result.error.unwrap());
        assert_eq!((row.kind(), &row.violations, &row.metadata), (alone.kind(), &alone.violations, &alone.metadata));
        assert_eq!((row.code, row.reason.as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
        assert!(row.fields().iter().all(|field| *field == "user" || field.starts_with("user.")), "{row:?}");
    }
    assert_eq!(count(&client).await, i32::try_from(bad.len()).unwrap());
}

/// Asserts what became of each: created, or these are taken.
#[track_caller]
fn assert_outcomes(results: Vec<roster::proto::BatchCreateUsersResult>, expected: &[&[&str]]) {
    let outcomes = outcomes(results);
    assert_eq!(outcomes.len(), expected.len());
    for (index, (outcome, taken)) in outcomes.into_iter().zip(expected).enumerate() {
        match outcome {
            Ok(_) => assert!(taken.is_empty(), "{index} was created"),
            Err(refusal) => {
                assert!(!taken.is_empty(), "{index}: {refusal:?}");
                assert_eq!(refusal.kind(), (Code::AlreadyExists, taken[0]), "{index}");
                assert_eq!(refusal.metadata["conflicts"], taken.join(","), "{index}");
            }
        }
    }
}

#[tokio::test]
async fn users_that_clash_with_stored_ones_or_earlier_ones_are_not_created() {
    let (_roster, client) = begun().await;
    client.create(bob()).await.unwrap();
    client.create(named("stored")).await.unwrap();
    let users = vec![
        // Each of Bob's identifiers, one by one and all at once.
        texts(&[("user_id", "bob-1"), ("username", "free-0")]),
        texts(&[("email", "Bob@EXAMPLE.com.")]),
        texts(&[("phone", "+86 188-1234-8888")]),
        named("bob"),
        texts(&[("external_id", "10010")]),
        bob(),
        // An earlier one of the batch is in the way as well as two stored ones.
        texts(&[("username", "new"), ("email", "new@example.com")]),
        texts(&[("username", "stored"), ("email", "NEW@example.com"), ("phone", "18812348888")]),
        // Whoever was not created is in nobody's way.
        named("free-0"),
        texts(&[("username", "bob"), ("email", "later@example.com")]),
        texts(&[("username", "later"), ("email", "later@example.com")]),
        texts(&[("user_id", "new-1"), ("username", "x1")]),
        texts(&[("user_id", "new-1"), ("username", "x2")]),
    ];
    let all = ["USER_ID_EXISTS", "EMAIL_EXISTS", "PHONE_NUMBER_EXISTS", "USERNAME_EXISTS", "EXTERNAL_ID_EXISTS"];
    let three: &[&str] = &["EMAIL_EXISTS", "PHONE_NUMBER_EXISTS", "USERNAME_EXISTS"];
    let expected: [&[&str]; 13] = [
        &all[..1],
        &all[1..2],
        &all[2..3],
        &all[3..4],
        &all[4..],
        &all,
        &[],
        three,
        &[],
        // The email is taken by now, but by one that came later.
        &all[3..4],
        &[],
        &[],
        &all[..1],
    ];
    assert_outcomes(create(&client, &users, false).await.unwrap(), &expected);
    assert_eq!(count(&client).await, 2 + 4);
    assert_eq!(client.get_by(UserIdType::Username, "later").await.unwrap().email(), "later@example.com");
    assert_not_found(client.get_by(UserIdType::Username, "x2").await);
}

#[tokio::test]
async fn of_the_spellings_of_one_email_the_first_is_created() {
    let (_roster, client) = begun().await;
    let users: Vec<_> = (0..32).map(|number| texts(&[("email", &spelling(number))])).collect();
    let mut expected: Vec<&[&str]> = vec![&["EMAIL_EXISTS"]; 32];
    expected[0] = &[];
    assert_outcomes(create(&client, &users, false).await.unwrap(), &expected);
    assert_eq!(client.get_by(UserIdType::Email, &spelling(31)).await.unwrap().email(), spelling(0));
    // Once more, and the first loses too; with other emails all are created.
    expected[0] = expected[1];
    assert_outcomes(create(&client, &users, false).await.unwrap(), &expected);
    assert_eq!(count(&client).await, 1);
}

#[tokio::test]
async fn a_user_that_clashed_leaves_nothing_behind() {
    let (_roster, client) = begun().await;
    client.create(named("bob")).await.unwrap();
    // The name is taken; all that stands before it in the row was free.
    let clashing = without(&filled(1), &["username"]);
    let clashing = UserDto { username: Some("bob".to_owned()), ..clashing };
    assert_outcomes(create(&client, std::slice::from_ref(&clashing), false).await.unwrap(), &[&["USERNAME_EXISTS"]]);
    assert_not_found(client.get_by(UserIdType::UserId, clashing.user_id()).await);
    client.users().create_user(creating(filled(1))).await.unwrap();
}

#[tokio::test]
async fn a_batch_creates_1_to_1000_users() {
    let (_roster, client) = begun().await;
    let users: Vec<_> = (0..1_001).map(|index| named(&format!("user-{index}"))).collect();
    for atomic in [false, true] {
        assert_invalid(create(&client, &[], atomic).await, &["users"]);
        assert_invalid(create(&client, &users, atomic).await, &["users"]);
    }
    assert_eq!(count(&client).await, 0);
    let created = outcomes(create(&client, &users[..1_000], false).await.unwrap());
    assert_eq!(count(&client).await, 1_000);
    let last = created[999].as_ref().unwrap();
    assert_eq!(client.get(last).await.unwrap().username(), "user-999");
    assert_outcomes(create(&client, &users[999..], false).await.unwrap(), &[&["USERNAME_EXISTS"], &[]]);
}
