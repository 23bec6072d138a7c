//! The first key (contract §6): one of its own making, shown once; or the configuration's, ensured at every start.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tonic::Code::Unauthenticated;

use super::place::{Place, ROSTER};

const BOOTSTRAP: &str = "ROSTER_BOOTSTRAP_API_KEY";
const FILE: &str = "roster.db.root-key";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_lies_in_a_file_of_its_owner_and_the_log_says_where() {
    let place = Place::new();
    // One that an earlier database left, for everybody to read.
    fs::set_permissions(place.write(FILE, "old\n"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut running = place.serve(&[]);
    running.address();
    let key = place.root_key();
    assert_eq!(fs::metadata(place.path(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    running.assert_root(&key).await;
    let ended = running.stop();
    assert!(ended.stderr.contains(FILE), "{ended:?}");
    assert!(!ended.stderr.contains(&key) && !ended.stdout.contains(&key), "the key itself is not logged");

    fs::remove_file(place.path(FILE)).unwrap();
    let mut running = place.serve(&[]);
    running.assert_root(&key).await;
    let ended = running.stop();
    assert!(!ended.stderr.contains("root"), "a second start makes none: {ended:?}");
    assert!(!place.path(FILE).exists());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_is_shown_once_and_kept_nowhere() {
    let place = Place::new();
    let command = format!("exec {ROSTER} --listen 127.0.0.1:0");
    let shown = |line: &str| line.split_whitespace().find(|word| word.starts_with("rk_")).map(ToOwned::to_owned);
    // util-linux's `script` gives it a terminal, and passes on what it says there.
    let mut running = place.start_program("script", &["-qefc", &command, "/dev/null"], &[]);
    running.address();
    let key = running.stdout().lines().find_map(shown).unwrap_or_else(|| panic!("no key in {}", running.stdout()));
    running.assert_root(&key).await;
    assert!(!place.path(FILE).exists());
    running.signal("TERM");
    drop(running);
    let mut running = place.start_program("script", &["-qefc", &command, "/dev/null"], &[]);
    running.assert_root(&key).await;
    assert_eq!(running.stdout().lines().find_map(shown), None);
    running.signal("TERM");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_could_not_be_handed_over_is_not_lost() {
    let place = Place::new();
    fs::create_dir(place.path(FILE)).unwrap();
    place.run("--listen 127.0.0.1:0", &[]).assert_one_line(1, &[FILE]);
    fs::remove_dir(place.path(FILE)).unwrap();
    let mut running = place.serve(&[]);
    running.address();
    assert!(place.path(FILE).exists(), "nobody has seen a key yet");
    running.assert_root(&place.root_key()).await;
    assert_eq!(running.stop().status, Some(0));
}

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
        assert_eq!(place.files(), [""; 0], "nothing was begun");
    }
}
