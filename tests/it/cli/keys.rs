//! `roster keys`: beside a serving process, on the same database.

use std::time::Duration;

use roster::proto::GetVersionResponse;
use tonic::Code::{PermissionDenied, Unauthenticated};

use super::place::{Place, Running};
use crate::wire::Wire;

/// The line of `keys list` about the key of this name.
fn listed(place: &Place, name: &str) -> String {
    let list = place.output("keys list");
    list.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name} in {list}")).to_owned()
}

/// The id of the key of this name.
fn id(place: &Place, name: &str) -> String {
    listed(place, name).split_whitespace().next().unwrap().to_owned()
}

/// The key that the command prints, alone on its line.
fn printed(place: &Place, arguments: &str) -> String {
    let output = place.output(arguments);
    assert!(output.starts_with("rk_") && output.ends_with('\n') && output.lines().count() == 1, "{output}");
    output.trim().to_owned()
}

async fn assert_good(running: &mut Running, key: &str) {
    running.call(key).await.message::<GetVersionResponse>();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_bound_to_an_organization_that_is_there() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    running.address();
    place.run("keys create --name acme --organization nowhere", &[]).assert_one_line(1, &["no such organization"]);
    let acme =
        "INSERT INTO organizations (organization_id, code, etag, created_at, updated_at) VALUES ('o-1', 'acme', 'e', 1, 1)";
    place.database.execute(acme).await;
    let key = printed(&place, "keys create --name acme --organization o-1");
    assert_good(&mut running, &key).await;
    assert!(listed(&place, "acme").contains(" o-1 "));
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_listed_rotated_and_revoked_beside_a_serving_process() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    running.address();
    let first = printed(&place, "keys create --name billing --scopes users:exists,users:read");
    assert_good(&mut running, &first).await;
    let line = listed(&place, "billing");
    assert!(line.contains("users:exists users:read") && line.contains("active") && !line.contains("rk_"), "{line}");

    let billing = id(&place, "billing");
    let second = printed(&place, &format!("keys rotate {billing}"));
    for key in [&first, &second] {
        assert_good(&mut running, key).await;
    }
    let third = printed(&place, &format!("keys rotate {billing} --overlap 0s"));
    running.call(&first).await.refusal();
    running.call(&second).await.refusal();
    assert_good(&mut running, &third).await;

    for _ in 0..2 {
        assert!(place.output(&format!("keys revoke {billing}")).contains(&billing), "again is fine");
    }
    running.call(&third).await.assert_refused(Unauthenticated, "API_KEY_REVOKED");
    assert!(listed(&place, "billing").contains("revoked"));
    place.run(&format!("keys rotate {billing}"), &[]).assert_one_line(1, &["revoked"]);
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_the_scopes_it_was_given_and_ends_when_it_was_told() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    let wire = Wire::connect(running.address()).await;
    let none = printed(&place, "keys create --name none");
    let all = printed(&place, "keys create --name all --scopes * --expires-in 90d");
    let brief = printed(&place, "keys create --name brief --expires-in 1s");
    let denied = wire.call("/roster.v1.UserService/CheckUser", &[("x-api-key", &none)], &()).await;
    denied.assert_refused(PermissionDenied, "SCOPE_DENIED");
    assert_good(&mut running, &none).await;
    running.assert_root(&all).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    running.call(&brief).await.assert_refused(Unauthenticated, "API_KEY_EXPIRED");
    assert!(listed(&place, "brief").contains("expired") && listed(&place, "all").contains("active"));
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_key_was_last_used_is_kept_over_a_stop() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    running.address();
    assert_good(&mut running, &place.root_key()).await;
    assert_eq!(running.stop().status, Some(0));
    let line = listed(&place, "root");
    let times = line.split_whitespace().filter(|word| word.contains('T') && word.ends_with('Z')).count();
    assert_eq!(times, 2, "created and last used: {line}");
}

#[test]
fn what_cannot_be_done_is_told_in_a_line() {
    let place = Place::new();
    place.output("migrate");
    for (arguments, status, part) in [
        ("keys revoke 0190c0ff-ee00-7000-8000-000000000001", 1, "no such API key"),
        ("keys rotate nobody", 1, "no such API key"),
        ("keys rotate nobody --overlap 8d", 1, "7d"),
    ] {
        place.run(arguments, &[]).assert_one_line(status, &[part]);
    }
    for (arguments, part) in [
        ("keys create --name x --scopes users:fly", "users:fly"),
        ("keys create --name x --expires-in soon", "90d"),
        ("keys create --name x --expires-in -1h", "--expires-in"),
        ("keys revoke", "API_KEY_ID"),
    ] {
        let ended = place.run(arguments, &[]);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{arguments}");
        assert!(ended.stderr.contains(part), "{arguments}: {ended:?}");
    }
    assert_eq!(place.output("keys list").lines().count(), 1, "no key was made");
}
