//! Many users put into a group or given a role, and taken out again, in one call.

use roster::proto::UserIdType;
use tonic::Code;

use super::{Ask, Holding, Kind, Show, add, assert_none, begun, both, change, codes_of, made, member_ids, users};
use crate::calls::{BOB_IDS, bob};
use crate::existence::row_error;
use crate::harness::{assert_invalid, refused};

both![
    each_id_is_answered_in_its_place_and_the_good_ones_count,
    a_member_is_named_by_an_id_of_any_type,
    an_id_that_cannot_be_of_its_type_is_wrong_in_its_row,
    adding_twice_and_removing_who_is_not_in_change_nothing,
    only_the_one_that_is_named_changes,
    a_call_names_1_to_1000_ids,
    without_such_a_code_the_whole_call_fails,
    members_show_what_is_asked_for,
    a_deleted_user_is_in_nothing_any_more,
];

const BOTH: [Holding; 2] = [Holding::Add, Holding::Remove];

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

async fn each_id_is_answered_in_its_place_and_the_good_ones_count<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann", "cat"]).await;
    made::<K>(&client, &["eng"]).await;
    let long = "x".repeat(257);
    let ids = ["nobody", "cat", "", "bob-1", "cat", &long, "Cat", "cat ", "%", "a\0", "bob-1", "nobody"];
    for (holding, expected) in [(Holding::Add, &["bob-1", "cat"][..]), (Holding::Remove, &[])] {
        let errors = change::<K>(&client, holding, "eng", &ids).await;
        for (id, error) in ids.into_iter().zip(errors) {
            match id {
                "cat" | "bob-1" => assert!(error.is_none(), "{error:?}"),
                id if id.is_empty() || id == long => {
                    let error = error.unwrap();
                    assert_eq!((error.kind(), error.fields()), ((Code::InvalidArgument, "INVALID_FIELD"), vec!["user_id"]));
                    assert_eq!(error.metadata["violations"], "1");
                }
                _ => assert_eq!(error.unwrap().kind(), (Code::NotFound, "USER_NOT_FOUND"), "{id}"),
            }
        }
        assert_eq!(member_ids::<K>(&client, "eng").await, expected);
    }
    // Not one good id is fine too.
    let errors = change::<K>(&client, Holding::Add, "eng", &["", "nobody"]).await;
    assert!(errors.iter().all(Option::is_some) && member_ids::<K>(&client, "eng").await.is_empty());
}

async fn a_member_is_named_by_an_id_of_any_type<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<K>(&client, &["eng"]).await;
    for (kind, id) in BOB_IDS {
        for (holding, expected) in [(Holding::Add, &["bob-1"][..]), (Holding::Remove, &[])] {
            let results = K::change_members(&client, holding, Some("eng"), owned(&[id, id]), (*kind).into()).await.unwrap();
            assert!(results.iter().all(|result| result.error.is_none() && result.user_id == *id), "{kind:?} {results:?}");
            assert_eq!(member_ids::<K>(&client, "eng").await, expected, "{kind:?}");
        }
    }
    for holding in BOTH {
        let unknown = K::change_members(&client, holding, Some("eng"), owned(&["bob-1"]), 99).await;
        assert_invalid(unknown, &["user_id_type"]);
    }
}

async fn an_id_that_cannot_be_of_its_type_is_wrong_in_its_row<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    for (kind, bad, unknown, good) in [
        (UserIdType::Email, "bob", "nobody@example.com", " bob@EXAMPLE.com."),
        (UserIdType::Phone, "188xxxx8888", "+8618812340000", "188-1234-8888"),
    ] {
        for holding in BOTH {
            let ids = owned(&[bad, good, "", unknown, bad]);
            let results = K::change_members(&client, holding, Some("eng"), ids, kind.into()).await.unwrap();
            let errors: Vec<_> = results.into_iter().map(|result| result.error.map(row_error)).collect();
            assert!(errors[1].is_none(), "{errors:?}");
            for index in [0, 2, 4] {
                assert_eq!(errors[index].as_ref().unwrap().fields(), ["user_id"]);
            }
            assert_eq!(errors[3].as_ref().unwrap().kind(), (Code::NotFound, "USER_NOT_FOUND"));
            let expected: &[&str] = if holding == Holding::Add { &["bob-1"] } else { &[] };
            assert_eq!(member_ids::<K>(&client, "eng").await, expected);
        }
    }
}

async fn adding_twice_and_removing_who_is_not_in_change_nothing<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann", "cat"]).await;
    made::<K>(&client, &["eng"]).await;
    for (holding, ids, expected) in [
        (Holding::Remove, &["ann", "bob-1"][..], &[][..]),
        (Holding::Add, &["ann"], &["ann"]),
        (Holding::Add, &["cat", "ann"], &["ann", "cat"]),
        (Holding::Add, &["ann", "cat"], &["ann", "cat"]),
        (Holding::Remove, &["bob-1"], &["ann", "cat"]),
        (Holding::Remove, &["bob-1", "ann"], &["cat"]),
        (Holding::Remove, &["ann"], &["cat"]),
    ] {
        assert!(change::<K>(&client, holding, "eng", ids).await.iter().all(Option::is_none));
        assert_eq!(member_ids::<K>(&client, "eng").await, expected, "{holding:?} {ids:?}");
    }
}

async fn only_the_one_that_is_named_changes<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<K>(&client, &["eng", "Eng", "ops"]).await;
    for code in ["eng", "Eng", "ops"] {
        add::<K>(&client, code, &["ann", "bob-1"]).await;
    }
    assert_eq!(change::<K>(&client, Holding::Remove, "eng", &["ann"]).await.len(), 1);
    assert_eq!(member_ids::<K>(&client, "eng").await, ["bob-1"]);
    assert_eq!((codes_of::<K>(&client, "ann").await, codes_of::<K>(&client, "bob-1").await.len()), (owned(&["Eng", "ops"]), 3));
}

async fn a_call_names_1_to_1000_ids<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    let ids = |count: usize| (0..count).map(|index| if index % 2 == 0 { "bob-1".to_owned() } else { format!("no-{index}") });
    for holding in BOTH {
        for count in [0, 1_001, 5_000] {
            let answer = K::change_members(&client, holding, Some("eng"), ids(count).collect(), 0).await;
            assert_invalid(answer, &["user_ids"]);
        }
        assert!(member_ids::<K>(&client, "eng").await.is_empty());
    }
    let results = K::change_members(&client, Holding::Add, Some("eng"), ids(1_000).collect(), 0).await.unwrap();
    assert_eq!(results.len(), 1_000);
    for (index, (id, result)) in ids(1_000).zip(results).enumerate() {
        assert_eq!((result.user_id, result.error.is_some()), (id, index % 2 == 1));
    }
    assert_eq!(member_ids::<K>(&client, "eng").await, ["bob-1"]);
}

async fn without_such_a_code_the_whole_call_fails<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    for holding in BOTH {
        for ids in [&["bob-1"][..], &["nobody"], &[""], &["", "bob-1", "nobody"]] {
            assert_none::<K, _>(K::change_members(&client, holding, Some("eng"), owned(ids), 0).await);
        }
        // What is wrong is told before, and all of it.
        let mut refusal = refused(K::change_members(&client, holding, None, vec![], 99).await);
        refusal.violations.sort();
        assert_eq!(refusal.fields(), ["code", "user_id_type", "user_ids"]);
    }
}

async fn members_show_what_is_asked_for<K: Kind>() {
    let (_roster, client) = begun().await;
    let data = crate::custom_data::object([("age", 22.into())]);
    client.create(crate::custom_data::bob_with(data.clone())).await.unwrap();
    made::<K>(&client, &["eng", "ops"]).await;
    add::<K>(&client, "ops", &["bob-1"]).await;
    add::<K>(&client, "eng", &["bob-1"]).await;
    let stored = client.get("bob-1").await.unwrap();
    for (custom_data, codes) in [(false, false), (true, false), (false, true), (true, true)] {
        let show = if codes { Show { custom_data, ..K::SHOWN } } else { Show { custom_data, ..Show::default() } };
        let page = K::members(&client, Some("ops"), Ask::default(), show).await.unwrap();
        let [bob] = page.items.try_into().unwrap();
        assert_eq!(bob.custom_data, custom_data.then(|| data.clone()));
        assert_eq!(K::codes(&bob), if codes { owned(&["eng", "ops"]) } else { vec![] });
        let profile =
            roster::proto::UserDto { group_codes: vec![], role_codes: vec![], custom_data: Some(data.clone()), ..bob };
        assert_eq!(profile, stored);
    }
}

async fn a_deleted_user_is_in_nothing_any_more<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<K>(&client, &["eng"]).await;
    add::<K>(&client, "eng", &["ann", "bob-1"]).await;
    let before = K::get(&client, Some("eng")).await.unwrap();
    client.delete("bob-1").await.unwrap();
    assert_eq!(member_ids::<K>(&client, "eng").await, ["ann"]);
    let errors = change::<K>(&client, Holding::Add, "eng", &["bob-1", "ann"]).await;
    assert_eq!(errors.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    // Whoever gets their id later gets nothing else of them.
    client.create(bob()).await.unwrap();
    assert!(codes_of::<K>(&client, "bob-1").await.is_empty());
    assert_eq!(member_ids::<K>(&client, "eng").await, ["ann"]);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), before);
}
