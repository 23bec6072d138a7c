//! Etags of groups and roles: they change with the row and only then, and a write that brings an old one is refused.

use std::time::Duration;

use tonic::Code;

use super::{
    Answer, Change, Dto, Holding, Kind, add, assert_none, begun, both, change, coded, described, masking, setting, users,
};
use crate::calls::assert_refused;
use crate::harness::assert_invalid;

both![
    every_change_changes_the_etag,
    a_write_that_changes_nothing_leaves_etag_and_time_alone,
    memberships_leave_etags_and_times_alone,
    an_update_with_an_old_etag_is_refused_and_changes_nothing,
    a_delete_with_an_etag_needs_the_current_one,
    the_etag_inside_counts_under_a_mask_only,
    one_made_anew_has_another_etag,
];

#[track_caller]
fn assert_mismatch<T>(answer: Answer<T>) {
    let refusal = assert_refused(answer, Code::Aborted, "ETAG_MISMATCH");
    // The call as it is would fail again: there is nothing to wait for.
    assert_eq!(refusal.retry_after, None);
}

fn with_etag(change: Change, etag: Option<&String>) -> Change {
    Change { etag: etag.cloned(), ..change }
}

async fn every_change_changes_the_etag<K: Kind>() {
    let (_roster, client) = begun().await;
    let first = described("eng", "E", "old");
    let mut seen = vec![K::create(&client, Some(first.clone())).await.unwrap().etag];
    let name = Dto { name: Some("N".to_owned()), ..Dto::default() };
    let description = Dto { description: Some("new".to_owned()), ..Dto::default() };
    for change in [
        setting("eng", name),
        setting("eng", description),
        setting("eng", coded("e")),
        // Clearing, and going back to what was, are changes too.
        masking("e", Dto::default(), &["name"]),
        setting("e", first),
    ] {
        let etag = K::update(&client, change.clone()).await.unwrap().etag;
        assert!(!seen.contains(&etag), "{change:?}");
        seen.push(etag);
    }
}

async fn a_write_that_changes_nothing_leaves_etag_and_time_alone<K: Kind>() {
    let (roster, client) = begun().await;
    let same = Dto { description: None, ..described("eng", "E", "") };
    let created = K::create(&client, Some(same.clone())).await.unwrap();
    for change in [
        setting("eng", Dto::default()),
        setting("eng", same.clone()),
        setting("eng", coded("eng")),
        with_etag(setting("eng", same.clone()), created.etag.as_ref()),
        masking("eng", same, &["code", "name", "description"]),
        masking("eng", Dto::default(), &["description"]),
        masking("eng", described("other", "other", "other"), &[]),
    ] {
        roster.clock.advance(Duration::from_secs(1));
        let other = change.update_mask.as_ref().is_some_and(|mask| mask.paths.is_empty());
        let change = if other { Change { dto: None, ..change } } else { change };
        assert_eq!(K::update(&client, change.clone()).await.unwrap(), created, "{change:?}");
        assert_eq!(K::get(&client, Some("eng")).await.unwrap(), created, "{change:?}");
    }
}

async fn memberships_leave_etags_and_times_alone<K: Kind>() {
    let (roster, client) = begun().await;
    users(&client, &[]).await;
    let created = K::create(&client, Some(coded("eng"))).await.unwrap();
    let bob = client.get("bob-1").await.unwrap();
    for holding in [Holding::Add, Holding::Add, Holding::Remove, Holding::Remove] {
        roster.clock.advance(Duration::from_secs(1));
        change::<K>(&client, holding, "eng", &["bob-1", "nobody"]).await;
        K::hold(&client, holding, Some("bob-1"), 0, "eng").await.unwrap();
        assert_eq!(K::get(&client, Some("eng")).await.unwrap(), created);
        assert_eq!(client.get("bob-1").await.unwrap(), bob);
    }
}

async fn an_update_with_an_old_etag_is_refused_and_changes_nothing<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(coded("eng"))).await.unwrap();
    let other = K::create(&client, Some(coded("ops"))).await.unwrap();
    let name = |name: &str| setting("eng", Dto { name: Some(name.to_owned()), ..Dto::default() });
    let first = K::update(&client, with_etag(name("first"), created.etag.as_ref())).await.unwrap();
    let padded = first.etag.as_ref().map(|etag| format!(" {etag}"));
    let texts = ["", "*", "x", "\0", &*"x".repeat(10_000)].map(|etag| Some(etag.to_owned()));
    for etag in texts.iter().chain([&created.etag, &other.etag, &padded]) {
        assert_mismatch(K::update(&client, with_etag(name("second"), etag.as_ref())).await);
        // Also where the write would change nothing.
        assert_mismatch(K::update(&client, with_etag(name("first"), etag.as_ref())).await);
    }
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), first);
    K::update(&client, with_etag(name("second"), first.etag.as_ref())).await.unwrap();
}

async fn a_delete_with_an_etag_needs_the_current_one<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    let created = K::create(&client, Some(coded("eng"))).await.unwrap();
    add::<K>(&client, "eng", &["bob-1"]).await;
    let updated = K::update(&client, setting("eng", described("eng", "E", ""))).await.unwrap();
    for etag in [created.etag.as_deref(), Some(""), Some("x")] {
        assert_mismatch(K::delete(&client, Some("eng"), etag).await);
    }
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), updated);
    assert_eq!(super::member_ids::<K>(&client, "eng").await, ["bob-1"]);
    K::delete(&client, Some("eng"), updated.etag.as_deref()).await.unwrap();
    assert_none::<K, _>(K::delete(&client, Some("eng"), updated.etag.as_deref()).await);
}

async fn the_etag_inside_counts_under_a_mask_only<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(coded("eng"))).await.unwrap();
    let back = |dto: &Dto, name: &str| masking("eng", Dto { name: Some(name.to_owned()), ..dto.clone() }, &["name"]);
    let first = K::update(&client, back(&created, "first")).await.unwrap();
    assert_mismatch(K::update(&client, back(&created, "second")).await);
    // The request's own comes before it.
    let second = K::update(&client, with_etag(back(&created, "second"), first.etag.as_ref())).await.unwrap();
    assert_mismatch(K::update(&client, with_etag(back(&second, "third"), created.etag.as_ref())).await);
    let field = format!("{}.etag", K::NAME);
    let unmasked = setting("eng", Dto { etag: second.etag.clone(), ..Dto::default() });
    assert_invalid(K::update(&client, unmasked).await, &[&field]);
    assert_eq!(K::get(&client, Some("eng")).await.unwrap(), second);
}

async fn one_made_anew_has_another_etag<K: Kind>() {
    let (_roster, client) = begun().await;
    let created = K::create(&client, Some(coded("eng"))).await.unwrap();
    K::delete(&client, Some("eng"), None).await.unwrap();
    assert_none::<K, _>(K::update(&client, with_etag(setting("eng", coded("eng")), created.etag.as_ref())).await);
    assert_ne!(K::create(&client, Some(coded("eng"))).await.unwrap().etag, created.etag);
    assert_mismatch(K::delete(&client, Some("eng"), created.etag.as_deref()).await);
}
