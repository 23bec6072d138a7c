//! What only a database on a server has: how it is reached, and who makes the first key.

use super::first_key::BOOTSTRAP;
use super::place::{DATABASE, Place};

/// The URL with a password, which is one that the server does not ask for where it had none; and the password.
fn with_password(url: &str) -> (String, String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, host) = rest.split_once('@').unwrap();
    match user.split_once(':') {
        Some((_, password)) => (url.to_owned(), password.to_owned()),
        None => (format!("{scheme}://{user}:hunter2@{host}"), "hunter2".to_owned()),
    }
}

#[ignore = "on PostgreSQL alone"]
#[tokio::test(flavor = "multi_thread")]
async fn no_first_key_is_made_and_the_log_says_how_one_is() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    running.address();
    assert_eq!(place.output("keys list").lines().count(), 1);
    let log = running.stderr();
    let (_, told) = log.split_once("make an API key with roster ").unwrap_or_else(|| panic!("{log}"));
    let key = place.output(&told.lines().next().unwrap().replace('\'', ""));
    running.assert_root(key.trim()).await;
    assert_eq!(running.stop().status, Some(0));
    let mut running = place.serve(&[]);
    running.address();
    assert!(!running.stop().stderr.contains("keys create"), "there is one now");
    assert_eq!(place.files(), [""; 0]);
}

#[ignore = "on PostgreSQL alone"]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_to_make_a_key_where_the_configuration_has_one() {
    let (place, key) = (Place::new(), "bootstrap".repeat(4));
    let mut running = place.serve(&[(BOOTSTRAP, &key)]);
    running.assert_root(&key).await;
    let ended = running.stop();
    assert!(!ended.stderr.contains("keys create"), "{ended:?}");
}

#[ignore = "on PostgreSQL alone"]
#[test]
fn a_backup_is_left_to_the_tools_of_the_server() {
    let place = Place::new();
    place.run("backup copy.db", &[]).assert_one_line(1, &["roster backup copies SQLite databases", "pg_dump"]);
    place.assert_untouched(&[]);
}

#[ignore = "on PostgreSQL alone"]
#[test]
fn a_database_that_is_not_there_is_told_by_its_url() {
    let place = Place::new();
    let (url, password) = with_password(&place.database.url);
    let (server, rest) = url.rsplit_once('/').unwrap();
    let url = rest.find('?').map_or_else(|| format!("{server}/nowhere"), |end| format!("{server}/nowhere{}", &rest[end..]));
    for command in ["--listen 127.0.0.1:0", "keys list", "migrate", "migrate --status", "verify"] {
        let ended = place.run(command, &[(DATABASE, &url)]);
        ended.assert_one_line(1, &["cannot open the database postgres", ":***@", "/nowhere"]);
        assert!(!ended.stderr.contains(&password), "a password was shown: {ended:?}");
    }
}

#[ignore = "on PostgreSQL alone"]
#[test]
fn an_empty_database_is_not_made_ours_by_who_only_looks() {
    let place = Place::new();
    for command in ["keys list", "keys revoke x", "keys rotate x", "verify"] {
        place.run(command, &[]).assert_one_line(1, &["there is no database", "postgres://"]);
    }
    place.assert_untouched(&[]);
}

#[ignore = "on PostgreSQL alone"]
#[test]
fn one_connection_is_too_few() {
    let place = Place::new();
    place.run("--listen 127.0.0.1:0", &[("ROSTER_DATABASE_MAX_CONNECTIONS", "1")]).assert_one_line(1, &["at least 2"]);
    place.assert_untouched(&[]);
    let mut running = place.serve(&[("ROSTER_DATABASE_MAX_CONNECTIONS", "2")]);
    running.address();
    assert_eq!(running.stop().status, Some(0));
}

#[ignore = "on PostgreSQL alone"]
#[test]
fn the_password_is_not_in_the_log() {
    let place = Place::new();
    let (url, password) = with_password(&place.database.url);
    let mut running = place.serve(&[("ROSTER_LOG", "trace"), (DATABASE, &url)]);
    running.address();
    let ended = running.stop();
    assert!(!ended.stderr.is_empty() && !ended.stderr.contains(&password), "{}", ended.stderr);
}
