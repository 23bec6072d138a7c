//! Field masks of groups and roles: an update sets exactly what its mask names, and looks at nothing else.

use tonic::Code;

use super::{Change, Dto, Kind, begun, both, coded, described, masking, setting};
use crate::calls::{assert_refused, assert_taken};
use crate::harness::assert_invalid;

both![
    a_mask_sets_what_it_names_and_nothing_else,
    what_a_mask_names_and_the_update_lacks_is_cleared,
    a_code_under_a_mask_needs_a_value,
    a_code_under_a_mask_renames,
    a_mask_names_only_what_can_be_written,
    what_stands_outside_the_mask_is_not_looked_at,
    all_that_was_read_can_be_sent_back_under_a_mask_only,
];

async fn a_mask_sets_what_it_names_and_nothing_else<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    let brought = described("ops", "N", "new");
    let updated = K::update(&client, masking("eng", brought.clone(), &["name"])).await.unwrap();
    let expected =
        Dto { name: brought.name.clone(), etag: updated.etag.clone(), updated_at: updated.updated_at, ..created.clone() };
    assert_eq!(updated, expected);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), updated);
    // A path that stands twice counts once; an empty mask is none.
    let updated = K::update(&client, masking("eng", brought, &["description", "description"])).await.unwrap();
    assert_eq!((updated.code, updated.description.as_deref()), (created.code, Some("new")));
    let unmasked = Dto { description: Some("all".to_owned()), ..Dto::default() };
    let updated = K::update(&client, masking("eng", unmasked, &[])).await.unwrap();
    assert_eq!((updated.name.as_deref(), updated.description.as_deref()), (Some("N"), Some("all")));
}

async fn what_a_mask_names_and_the_update_lacks_is_cleared<K: Kind>() {
    let (_roster, client) = begun().await;
    K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    let cleared = K::update(&client, masking("eng", Dto::default(), &["name"])).await.unwrap();
    assert_eq!((cleared.name.as_deref(), cleared.description.as_deref()), (None, Some("old")));
    let without = Change { dto: None, ..masking("eng", Dto::default(), &["description", "name"]) };
    let cleared = K::update(&client, without).await.unwrap();
    assert_eq!((cleared.name.as_deref(), cleared.description.as_deref()), (None, None));
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), cleared);
}

async fn a_code_under_a_mask_needs_a_value<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    let field = format!("{}.code", K::NAME);
    let without = Dto { name: Some("N".to_owned()), ..Dto::default() };
    assert_invalid(K::update(&client, masking("eng", without.clone(), &["code"])).await, &[&field]);
    assert_invalid(K::update(&client, masking("eng", without, &["name", "code"])).await, &[&field]);
    assert_invalid(K::update(&client, masking("eng", coded(""), &["code"])).await, &[&field]);
    assert_invalid(K::update(&client, Change { dto: None, ..masking("eng", Dto::default(), &["code"]) }).await, &[&field]);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), created);
}

async fn a_code_under_a_mask_renames<K: Kind>() {
    let (_roster, client) = begun().await;
    K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    K::create(&client, Some(coded("ops"))).await.unwrap();
    assert_taken(K::update(&client, masking("eng", coded("ops"), &["code"])).await, &["CODE_EXISTS"]);
    let renamed = K::update(&client, masking("eng", described("e", "N", "new"), &["code"])).await.unwrap();
    assert_eq!(
        (renamed.code.as_deref(), renamed.name.as_deref(), renamed.description.as_deref()),
        (Some("e"), Some("E"), Some("old"))
    );
    assert_eq!(K::get(&client, Some("e")).await.unwrap(), renamed);
    assert_refused(K::get(&client, Some("eng")).await, Code::NotFound, K::NOT_FOUND);
}

async fn a_mask_names_only_what_can_be_written<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    let (inside, long) = (format!("{}.name", K::NAME), "x".repeat(10_000));
    for path in [
        "*",
        "",
        "nope",
        K::NAME,
        &inside,
        "name ",
        "Name",
        "name.x",
        "name,description",
        "update_mask",
        "etag",
        "created_at",
        "updated_at",
        "createdAt",
        "na\0me",
        &long,
    ] {
        let brought = described("eng", "N", "new");
        assert_invalid(K::update(&client, masking("eng", brought.clone(), &[path])).await, &["update_mask"]);
        assert_invalid(K::update(&client, masking("eng", brought.clone(), &["name", path])).await, &["update_mask"]);
    }
    let all = K::update(&client, masking("", Dto::default(), &["nope", "etag", "code"])).await;
    let field = format!("{}.code", K::NAME);
    assert_invalid(all, &["code", "update_mask", "update_mask", &field]);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), created);
}

async fn what_stands_outside_the_mask_is_not_looked_at<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    let wrong = Dto { created_at: created.updated_at, ..described("a b", "N", "\0") };
    let updated = K::update(&client, masking("eng", wrong, &["name"])).await.unwrap();
    assert_eq!(
        (&updated.code, updated.name.as_deref(), &updated.description),
        (&created.code, Some("N"), &created.description)
    );
}

async fn all_that_was_read_can_be_sent_back_under_a_mask_only<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(described("eng", "E", "old"))).await.unwrap();
    let back = Dto { name: Some("N".to_owned()), ..created.clone() };
    let fields = ["etag", "created_at", "updated_at"].map(|field| format!("{}.{field}", K::NAME));
    let fields = fields.each_ref().map(String::as_str);
    assert_invalid(K::update(&client, setting("eng", back.clone())).await, &fields);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), created);
    let updated = K::update(&client, masking("eng", back.clone(), &["name"])).await.unwrap();
    assert_eq!(updated, Dto { etag: updated.etag.clone(), updated_at: updated.updated_at, ..back });
}
