//! What only a database in a file has: where it lies, whether it is made, and a first key beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::first_key::FILE;
use super::place::{DATABASE, Place, ROSTER};

#[test]
fn a_database_that_cannot_be_opened_is_told_by_its_path() {
    let place = Place::new();
    place.write("text.db", "This is a text and no database, however long it may be. ".repeat(100));
    place.write("file", "");
    fs::create_dir(place.path("directory.db")).unwrap();
    for path in ["text.db", "file/roster.db", "directory.db", "nowhere/roster.db", "/proc/roster.db"] {
        for command in ["--listen 127.0.0.1:0", "keys list"] {
            let url = format!("sqlite://{path}?mode=rwc");
            place.run(command, &[(DATABASE, &url)]).assert_one_line(1, &[path]);
        }
    }
    assert!(fs::read_to_string(place.path("text.db")).unwrap().starts_with("This is a text"), "it is left alone");
}

#[test]
fn a_database_lies_where_the_setting_says() {
    let place = Place::new();
    let url = format!("sqlite://{}?mode=rwc", place.path("users of the pool.db").display());
    let mut running = place.serve(&[(DATABASE, &url)]);
    running.address();
    assert!(place.files().contains(&"users of the pool.db".to_owned()), "{:?}", place.files());
    assert!(place.files().iter().all(|file| file.starts_with("users of the pool.db")), "{:?}", place.files());
    assert_eq!(running.stop().status, Some(0));
}

#[test]
fn a_file_is_not_made_where_the_url_says_so() {
    let place = Place::new();
    place.run("keys list", &[(DATABASE, "sqlite://typo.db?mode=rw")]).assert_one_line(1, &["typo.db"]);
    place.run("keys list", &[(DATABASE, "sqlite://typo.db?mode=ro")]).assert_one_line(2, &["mode=ro"]);
    assert!(!place.path("typo.db").exists());
}

#[test]
fn a_command_that_needs_a_database_makes_none() {
    let place = Place::new();
    for command in ["keys list", "keys revoke x", "keys rotate x", "verify", "backup copy.db"] {
        place.run(command, &[]).assert_one_line(1, &["there is no database", "roster.db"]);
    }
    assert_eq!(place.files(), [""; 0]);
}

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
