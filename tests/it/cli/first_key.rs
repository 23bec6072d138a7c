//! The first key (contract §6): one of its own making, shown once; or the configuration's, ensured at every start.

use tonic::Code::Unauthenticated;

use super::place::Place;

/// The variable that gives it.
pub(super) const BOOTSTRAP: &str = "ROSTER_BOOTSTRAP_API_KEY";
/// Where SQLite puts one of its own making.
pub(super) const FILE: &str = "roster.db.root-key";

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_made_once_there_was_one() {
    let place = Place::new();
    let key = place.output("keys create --name only --scopes users:read").trim().to_owned();
    let id = place.output("keys list").lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    place.output(&format!("keys revoke {id}"));
    let mut running = place.serve(&[]);
    running.call(&key).await.assert_refused(Unauthenticated, "API_KEY_REVOKED");
    assert!(!place.path(FILE).exists(), "a revoked key has existed, too");
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configurations_key_is_ensured_and_another_value_adds_one() {
    let place = Place::new();
    let (first, second) = ("first-".repeat(6), format!("{}!", "x".repeat(31)));
    for keys in [&[&first][..], &[&first], &[&first, &second]] {
        let mut running = place.serve(&[(BOOTSTRAP, keys.last().unwrap())]);
        for key in keys {
            running.assert_root(key).await;
        }
        let ended = running.stop();
        assert_eq!(ended.status, Some(0));
        assert!(keys.iter().all(|key| !ended.stderr.contains(*key)), "{ended:?}");
        assert_eq!(place.output("keys list").lines().count(), 1 + keys.len());
    }
    assert!(!place.path(FILE).exists(), "no other is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configurations_key_may_be_one_of_rosters_making() {
    let (there, here) = (Place::new(), Place::new());
    let key = there.output("keys create --name elsewhere").trim().to_owned();
    let mut running = here.serve(&[(BOOTSTRAP, &key)]);
    running.assert_root(&key).await;
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_of_the_configuration_stays_revoked_and_the_log_says_so() {
    let place = Place::new();
    let key = "bootstrap".repeat(4);
    let running = place.serve(&[(BOOTSTRAP, &key)]);
    let mut running = running;
    running.assert_root(&key).await;
    let id = place.output("keys list").lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    place.output(&format!("keys revoke {id}"));
    running.call(&key).await.assert_refused(Unauthenticated, "API_KEY_REVOKED");
    running.stop();
    let mut running = place.serve(&[(BOOTSTRAP, &key)]);
    running.call(&key).await.assert_refused(Unauthenticated, "API_KEY_REVOKED");
    let ended = running.stop();
    assert!(ended.stderr.contains(BOOTSTRAP) && ended.stderr.contains("revoked"), "{ended:?}");
    assert_eq!(place.output("keys list").lines().count(), 2);
}

#[test]
fn a_key_that_can_be_none_is_told_without_being_shown() {
    let long = "rk_".to_owned() + &"x".repeat(40);
    for bad in ["short", &"x".repeat(31), &"has space".repeat(5), &long, &"ключ".repeat(10)] {
        let place = Place::new();
        let ended = place.run("--listen 127.0.0.1:0", &[(BOOTSTRAP, bad)]);
        ended.assert_one_line(2, &[BOOTSTRAP]);
        assert!(!ended.stderr.contains(bad), "{ended:?}");
        place.assert_untouched(&[]);
    }
}
