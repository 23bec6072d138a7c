//! Groups and roles created, changed, renamed and deleted.

use std::time::Duration;

use tonic::Code;

use super::{
    Answer, Ask, Change, Dto, Holding, Kind, Show, add, assert_none, begun, both, coded, codes_of, described, made, member_ids,
    setting, users,
};
use crate::calls::{assert_refused, assert_taken};
use crate::harness::{Client, assert_invalid, refused};

both![
    a_new_one_has_what_was_sent_an_etag_and_times,
    texts_of_every_allowed_length_are_kept,
    an_ill_formed_code_is_refused_where_it_is_written,
    what_is_not_a_text_to_be_stored_is_refused,
    all_that_is_wrong_is_told_at_once,
    a_code_that_is_taken_is_refused,
    a_lookup_takes_any_code_of_1_to_256_characters,
    an_update_sets_what_is_present_and_nothing_else,
    an_update_of_nothing_changes_nothing,
    one_is_renamed_and_its_members_stay,
    nothing_is_renamed_to_a_code_that_is_taken,
    a_deleted_one_is_gone_with_its_memberships,
];

/// Codes that cannot be stored.
const BAD_CODES: &[&str] = &["", " ", "a b", " a", "a/b", "é", "界", "a\0", "a\n", "%", "a,b", "a@b", "a+b", "a|b"];

async fn a_new_one_has_what_was_sent_an_etag_and_times<K: Kind>() {
    let (roster, client) = begun().await;
    let now = Some(roster.clock.now());
    for sent in [described("eng", "Engineering", "Those who build.\n\tAll of them."), described("Eng", "", ""), coded("e")] {
        let created = K::create(&client, Some(sent.clone())).await.unwrap();
        assert!(created.etag.as_ref().is_some_and(|etag| !etag.is_empty()));
        assert_eq!(created, Dto { etag: created.etag.clone(), created_at: now, updated_at: now, ..sent.clone() });
        assert_eq!(K::get(&client, sent.code.as_deref()).await.unwrap(), created);
    }
    assert_none::<K, _>(K::get(&client, Some("ENG")).await);
}

async fn texts_of_every_allowed_length_are_kept<K: Kind>() {
    let (_roster, client) = begun().await;
    let (code, name, description) = ("a".repeat(64), "界".repeat(256), "界".repeat(2_048));
    for (code, name, description) in [(code.as_str(), name.as_str(), description.as_str()), ("AZaz09._:-", "'\"\\%", "{}\n")] {
        let sent = described(code, name, description);
        let created = K::create(&client, Some(sent.clone())).await.unwrap();
        let read = K::get(&client, Some(code)).await.unwrap();
        assert_eq!((&read, read.name.as_deref(), read.description.as_deref()), (&created, Some(name), Some(description)));
    }
}

/// What the create and the update of this are refused for.
async fn assert_unwritable<K: Kind>(client: &Client, dto: Dto, fields: &[&str]) {
    let fields: Vec<_> = fields.iter().map(|field| format!("{}.{field}", K::NAME)).collect();
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    let create = Dto { code: dto.code.clone().or(Some("new".to_owned())), ..dto.clone() };
    assert_invalid(K::create(client, Some(create)).await, &fields);
    assert_invalid(K::update(client, setting("eng", dto)).await, &fields);
}

async fn an_ill_formed_code_is_refused_where_it_is_written<K: Kind>() {
    let (_roster, client) = begun().await;
    made::<K>(&client, &["eng"]).await;
    for code in BAD_CODES.iter().copied().chain([&*"x".repeat(65), &*"x".repeat(10_000)]) {
        assert_unwritable::<K>(&client, coded(code), &["code"]).await;
    }
    let field = format!("{}.code", K::NAME);
    assert_invalid(K::create(&client, Some(Dto { code: None, ..described("", "E", "") })).await, &[&field]);
    assert_invalid(K::create(&client, None).await, &[K::NAME]);
    assert_eq!(K::list(&client, Ask::default()).await.unwrap().total_count, Some(1));
}

async fn what_is_not_a_text_to_be_stored_is_refused<K: Kind>() {
    let (_roster, client) = begun().await;
    made::<K>(&client, &["eng"]).await;
    for name in ["a\0", "a\nb", "a\tb", "a\u{7f}", "a\u{202e}b", "a\u{2069}", &"x".repeat(257)] {
        assert_unwritable::<K>(&client, Dto { name: Some(name.to_owned()), ..Dto::default() }, &["name"]).await;
    }
    for text in ["a\0", "a\rb", "a\u{85}", "a\u{202a}b", "a\u{2066}", &"x".repeat(2_049)] {
        assert_unwritable::<K>(&client, Dto { description: Some(text.to_owned()), ..Dto::default() }, &["description"]).await;
    }
}

async fn all_that_is_wrong_is_told_at_once<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", ""))).await.unwrap();
    let bad = Dto { etag: Some(String::new()), ..described("a b", "\0", "\u{202e}") };
    let bad = Dto { created_at: created.created_at, updated_at: created.updated_at, ..bad };
    assert_unwritable::<K>(&client, bad.clone(), &["code", "name", "description", "etag", "created_at", "updated_at"]).await;
    let refusal = refused(K::update(&client, Change { code: Some(String::new()), ..setting("", bad) }).await);
    assert_eq!((refusal.fields()[0], refusal.metadata["violations"].as_str()), ("code", "7"), "{refusal:?}");
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), created);
}

async fn a_code_that_is_taken_is_refused<K: Kind>() {
    let (_roster, client) = begun().await;
    let first = K::create(&client, Some(described("eng", "first", ""))).await.unwrap();
    assert_taken(K::create(&client, Some(described("eng", "second", ""))).await, &["CODE_EXISTS"]);
    assert_taken(K::create(&client, Some(coded("eng"))).await, &["CODE_EXISTS"]);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), first);
    // Upper and lower case are two codes.
    K::create(&client, Some(coded("ENG"))).await.unwrap();
}

/// The answers of all that is done by a code.
async fn by_code<K: Kind>(client: &Client, code: Option<&str>) -> [Answer<()>; 6] {
    let change = Change { code: code.map(ToOwned::to_owned), dto: Some(described("x", "X", "")), ..Change::default() };
    let ids = || vec!["bob-1".to_owned(), "nobody".to_owned(), String::new()];
    [
        K::get(client, code).await.map(drop),
        K::update(client, change).await.map(drop),
        K::delete(client, code, Some("no etag")).await,
        K::members(client, code, Ask::default(), Show::default()).await.map(drop),
        K::change_members(client, Holding::Add, code, ids(), 0).await.map(drop),
        K::change_members(client, Holding::Remove, code, ids(), 0).await.map(drop),
    ]
}

async fn a_lookup_takes_any_code_of_1_to_256_characters<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    let longest = "界".repeat(256);
    for code in BAD_CODES[1..].iter().copied().chain(["ENG", "eng ", "e%", "_ng", "*", &"x".repeat(65), &longest]) {
        for answer in by_code::<K>(&client, Some(code)).await {
            assert_none::<K, _>(answer);
        }
    }
    for code in [None, Some(""), Some(&*"x".repeat(257)), Some(&*"x".repeat(10_000))] {
        for answer in by_code::<K>(&client, code).await {
            assert_invalid(answer, &["code"]);
        }
    }
}

async fn an_update_sets_what_is_present_and_nothing_else<K: Kind>() {
    let (roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    let other = K::create(&client, Some(described("other", "O", "old"))).await.unwrap();
    roster.clock.advance(Duration::from_micros(1));
    let change = Dto { description: Some("new".to_owned()), ..Dto::default() };
    let updated = K::update(&client, setting("eng", change.clone())).await.unwrap();
    let expected = Dto { etag: updated.etag.clone(), updated_at: Some(roster.clock.now()), ..created };
    assert_eq!(updated, Dto { description: change.description, ..expected });
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), updated);
    assert_eq!(K::get(&client, Some("other")).await.unwrap(), other);
    let emptied = K::update(&client, setting("eng", Dto { name: Some(String::new()), ..Dto::default() })).await.unwrap();
    assert_eq!((emptied.name.as_deref(), emptied.description.as_deref()), (Some(""), Some("new")));
    assert_none::<K, _>(K::update(&client, setting("Eng", Dto::default())).await);
}

async fn an_update_of_nothing_changes_nothing<K: Kind>() {
    let (roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    roster.clock.advance(Duration::from_secs(1));
    let nothing = setting("eng", Dto::default());
    assert_eq!(K::update(&client, Change { dto: None, ..nothing.clone() }).await.unwrap(), created);
    assert_eq!(K::update(&client, nothing).await.unwrap(), created);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), created);
}

async fn one_is_renamed_and_its_members_stay<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    let created = K::create(&client, Some(described("eng", "E", ""))).await.unwrap();
    add::<K>(&client, "eng", &["ann", "bob-1"]).await;
    let renamed = K::update(&client, setting("eng", coded("engineering"))).await.unwrap();
    assert_eq!((renamed.code.as_deref(), &renamed.name), (Some("engineering"), &created.name));
    assert_ne!(renamed.etag, created.etag);
    assert_eq!(K::get(&client, Some("engineering")).await.unwrap(), renamed);
    assert_eq!(member_ids::<K>(&client, "engineering").await, ["ann", "bob-1"]);
    assert_eq!(codes_of::<K>(&client, "ann").await, ["engineering"]);
    for answer in by_code::<K>(&client, Some("eng")).await {
        assert_none::<K, _>(answer);
    }
    // The old code is free at once, and whoever takes it has no members.
    made::<K>(&client, &["eng"]).await;
    assert!(member_ids::<K>(&client, "eng").await.is_empty());
    // Another case of the same letters is another code.
    K::update(&client, setting("eng", coded("ENG"))).await.unwrap();
}

async fn nothing_is_renamed_to_a_code_that_is_taken<K: Kind>() {
    let (_roster, client) = begun().await;
    let [eng, ops] = [described("eng", "E", ""), described("ops", "O", "")];
    let eng = K::create(&client, Some(eng)).await.unwrap();
    let ops = K::create(&client, Some(ops)).await.unwrap();
    assert_taken(K::update(&client, setting("eng", described("ops", "new", "new"))).await, &["CODE_EXISTS"]);
    assert_taken(K::update(&client, Change { etag: eng.etag.clone(), ..setting("eng", coded("ops")) }).await, &["CODE_EXISTS"]);
    // An old etag comes before.
    let stale = Change { etag: ops.etag.clone(), ..setting("eng", coded("ops")) };
    assert_refused(K::update(&client, stale).await, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!([K::get(&client, Some("eng")).await.unwrap(), K::get(&client, Some("ops")).await.unwrap()], [eng, ops]);
}

async fn a_deleted_one_is_gone_with_its_memberships<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<K>(&client, &["eng", "ops"]).await;
    let before = client.get("bob-1").await.unwrap();
    for code in ["eng", "ops"] {
        add::<K>(&client, code, &["ann", "bob-1"]).await;
    }
    K::delete(&client, Some("eng"), None).await.unwrap();
    for answer in by_code::<K>(&client, Some("eng")).await {
        assert_none::<K, _>(answer);
    }
    assert_eq!(codes_of::<K>(&client, "bob-1").await, ["ops"]);
    assert_eq!(client.get("bob-1").await.unwrap(), before);
    made::<K>(&client, &["eng"]).await;
    assert!(member_ids::<K>(&client, "eng").await.is_empty());
    assert_eq!(member_ids::<K>(&client, "ops").await, ["ann", "bob-1"]);
}
