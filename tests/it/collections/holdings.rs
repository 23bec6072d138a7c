//! What one user belongs to or holds: given, taken and listed by any id of theirs.

use roster::proto::UserIdType;

use super::{Ask, Holding, Kind, add, assert_none, begun, both, codes_of, made, users};
use crate::calls::{BOB_IDS, assert_not_found};
use crate::harness::assert_invalid;

both![
    a_user_is_named_by_an_id_of_any_type,
    giving_twice_and_taking_what_is_not_held_change_nothing,
    a_user_whom_nobody_knows_is_not_found,
    a_user_must_be_named_well,
    any_code_of_1_to_256_characters_is_looked_for,
];

const BOTH: [Holding; 2] = [Holding::Add, Holding::Remove];

async fn a_user_is_named_by_an_id_of_any_type<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<K>(&client, &["eng", "ops"]).await;
    add::<K>(&client, "ops", &["ann"]).await;
    for (kind, id) in BOB_IDS {
        let kind = i32::from(*kind);
        for (holding, expected) in [(Holding::Add, &["eng"][..]), (Holding::Remove, &[])] {
            K::hold(&client, holding, Some(id), kind, "eng").await.unwrap();
            let page = K::of_user(&client, Some(id), kind, Ask::default()).await.unwrap();
            let codes: Vec<_> = page.items.iter().filter_map(|dto| dto.code.as_deref()).collect();
            assert_eq!((codes.as_slice(), page.total_count), (expected, expected.len().try_into().ok()), "{kind} {id}");
        }
    }
    assert_eq!(codes_of::<K>(&client, "ann").await, ["ops"]);
}

async fn giving_twice_and_taking_what_is_not_held_change_nothing<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<K>(&client, &["eng", "ops"]).await;
    let (give, take) = (Holding::Add, Holding::Remove);
    for (holding, code, expected) in [
        (take, "eng", &[][..]),
        (give, "ops", &["ops"]),
        (give, "ops", &["ops"]),
        (give, "eng", &["eng", "ops"]),
        (take, "ops", &["eng"]),
        (take, "ops", &["eng"]),
    ] {
        K::hold(&client, holding, Some("bob-1"), 0, code).await.unwrap();
        assert_eq!(codes_of::<K>(&client, "bob-1").await, expected, "{holding:?} {code}");
        assert!(codes_of::<K>(&client, "ann").await.is_empty());
    }
}

async fn a_user_whom_nobody_knows_is_not_found<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    let longest = "x".repeat(256);
    for (kind, id) in [
        (UserIdType::UserId, "nobody"),
        (UserIdType::UserId, "a\0b"),
        (UserIdType::UserId, &longest),
        (UserIdType::Username, "Bob"),
        (UserIdType::Email, "nobody@example.com"),
        (UserIdType::Phone, "+11111111111"),
        (UserIdType::ExternalId, "bob"),
    ] {
        assert_not_found(K::of_user(&client, Some(id), kind.into(), Ask::default()).await);
        for holding in BOTH {
            assert_not_found(K::hold(&client, holding, Some(id), kind.into(), "eng").await);
        }
    }
}

async fn a_user_must_be_named_well<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    let long = "x".repeat(257);
    for (kind, id, field) in [
        (0, None, "user_id"),
        (0, Some(""), "user_id"),
        (0, Some(&*long), "user_id"),
        (UserIdType::Username.into(), Some(""), "user_id"),
        (UserIdType::Email.into(), Some("bob"), "user_id"),
        (UserIdType::Phone.into(), Some("188xxxx8888"), "user_id"),
        (99, Some("bob-1"), "user_id_type"),
    ] {
        assert_invalid(K::of_user(&client, id, kind, Ask::default()).await, &[field]);
        for holding in BOTH {
            // That there is no such code is not looked at yet.
            assert_invalid(K::hold(&client, holding, id, kind, "eng").await, &[field]);
        }
    }
}

async fn any_code_of_1_to_256_characters_is_looked_for<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    add::<K>(&client, "eng", &["bob-1"]).await;
    let longest = "界".repeat(256);
    for code in ["ENG", "eng ", "a b", "%", "_ng", "\0", "界", &"x".repeat(65), &longest] {
        for holding in BOTH {
            assert_none::<K, _>(K::hold(&client, holding, Some("bob-1"), 0, code).await);
        }
    }
    assert_eq!(codes_of::<K>(&client, "bob-1").await, ["eng"]);
}
