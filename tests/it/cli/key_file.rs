//! The file with the master key beside an SQLite database: made once, read from then on, missed when it is gone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use roster::error::Error;
use roster::store::Tenant;

use super::place::Place;
use super::secrets::{SECRET_KEY, TOKEN, fill, store};

const FILE: &str = "roster.db.key";

/// Starts to serve, stops, and gives what was logged.
fn served(place: &Place, environment: &[(&str, &str)]) -> String {
    let mut running = place.serve(environment);
    running.address();
    let ended = running.stop();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    ended.stderr
}

#[test]
fn it_is_made_by_the_first_that_serves_and_kept() {
    let place = Place::new();
    place.output("keys create --name x");
    place.output("verify");
    assert!(!place.path(FILE).exists(), "who encrypts nothing makes no key");
    served(&place, &[(SECRET_KEY, &"a1".repeat(32))]);
    assert!(!place.path(FILE).exists(), "the configuration has one");
    let log = served(&place, &[]);
    let key = fs::read_to_string(place.path(FILE)).unwrap();
    assert!(key.len() == 65 && key.ends_with('\n') && !log.contains(key.trim()), "{log}");
    assert!(log.contains("made the master key") && log.contains(FILE), "{log}");
    assert_eq!(fs::metadata(place.path(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!served(&place, &[]).contains("master key"));
    assert_eq!(fs::read_to_string(place.path(FILE)).unwrap(), key);
    place.output("backup copy.db");
    assert!(!place.path("copy.db.key").exists());
}

#[test]
fn servers_that_start_at_once_make_one() {
    let place = Place::new();
    let mut running = [(); 3].map(|()| place.serve(&[]));
    let logs = running.each_mut().map(|one| (one.address(), one.stderr()).1);
    assert!(logs.iter().any(|log| log.contains("made the master key")), "{logs:?}");
    for one in running {
        let ended = one.stop();
        assert!(ended.status == Some(0) && !ended.stderr.contains("SECRET_KEY_MISSING"), "{ended:?}");
    }
    let keys: Vec<_> = place.files().into_iter().filter(|file| file.contains(".key")).collect();
    assert_eq!(keys, [FILE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_the_server_serves_says_what_to_do_and_makes_no_other() {
    let place = Place::new();
    served(&place, &[]);
    let before = store(&place, &[]).await;
    fill(&place, &before, 3).await;
    before.close().await;
    let key = fs::read_to_string(place.path(FILE)).unwrap();

    fs::remove_file(place.path(FILE)).unwrap();
    let log = served(&place, &[]);
    assert!(log.contains("is gone: put roster.db.key back") && log.contains("SECRET_KEY_MISSING"), "{log}");
    place.run("secrets rotate", &[]).assert_one_line(1, &["is gone: put roster.db.key back"]);
    assert!(!place.path(FILE).exists());
    let without = store(&place, &[]).await;
    assert!(matches!(without.provider_tokens(&Tenant::Pool, "u", "identity-0").await, Err(Error::SecretKeyMissing)));
    without.close().await;

    for (other, part) in [("hunter2", "64 hexadecimal digits"), (&"b2".repeat(32), "is not the one that opens")] {
        place.write(FILE, other);
        let log = served(&place, &[]);
        assert!(log.contains(part) && log.contains("SECRET_KEY_MISSING") && !log.contains(other), "{log}");
        assert_eq!(fs::read_to_string(place.path(FILE)).unwrap(), *other, "it is not ours to replace");
        let verified = place.run("verify", &[]);
        assert!(verified.status == Some(0) && verified.stdout.contains("3 rows were not opened"), "{verified:?}");
    }

    place.write(FILE, &key);
    assert!(!served(&place, &[]).contains("master key"));
    let after = store(&place, &[]).await;
    assert_eq!(
        after.provider_tokens(&Tenant::Pool, "u", "identity-2").await.unwrap().access_token.unwrap(),
        format!("{TOKEN}2")
    );
    after.close().await;
    let backed_up = place.output("backup copy.db");
    assert!(backed_up.contains("keep roster.db.key") && !backed_up.contains("not opened"), "{backed_up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_in_clear_in_any_file() {
    let place = Place::new();
    served(&place, &[]);
    let store = store(&place, &[]).await;
    fill(&place, &store, 100).await;
    let key = fs::read_to_string(place.path(FILE)).unwrap();
    let (mut files, digits) = (0, key.trim().as_bytes());
    for name in place.files().iter().filter(|name| *name != FILE) {
        let bytes = fs::read(place.path(name)).unwrap();
        files += usize::from(bytes.windows(8).any(|window| window == b"identity"));
        assert!(!bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()), "a token is in {name}");
        assert!(!bytes.windows(digits.len()).any(|window| window == digits), "the master key is in {name}");
    }
    assert!(files > 0, "the rows are somewhere");
    store.close().await;
}
