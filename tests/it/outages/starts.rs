//! A start without the database it needs, and with less of it than usual.

use std::net::TcpListener;
use std::time::Duration;

use roster::proto::{CreateUserResponse, ListUsersRequest, UserDto};
use sea_orm::ConnectionTrait;

use super::{cluster, now};
use crate::calls::{assert_not_found, setting};
use crate::cli::load::{KEYED, Write};
use crate::cli::place::{DATABASE, Ended, Place};
use crate::harness::database::Database;
use crate::harness::{Roster, named};
use crate::pages::list;
use crate::wire::Wire;

const SERVE: &str = "--listen 127.0.0.1:0";

/// A place where nothing is in the database of its own.
fn place() -> Place {
    let place = Place::new();
    place.damage();
    place
}

#[test]
#[ignore = "on PostgreSQL alone"]
fn a_server_that_never_comes_is_waited_for_and_told_of() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://roster:a-secret@127.0.0.1:{port}/postgres");
    let begun = now();
    let ended = place().run(SERVE, &[(DATABASE, &url)]);
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(8) && took < Duration::from_secs(20), "{took:?}");
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    let (last, before) = ended.stderr.lines().collect::<Vec<_>>().split_last().map(|(last, rest)| (*last, rest.len())).unwrap();
    assert!(last.starts_with("roster: cannot open the database") && last.contains("127.0.0.1"), "{ended:?}");
    assert!(before <= 1 && !ended.stderr.contains("a-secret"), "beside it one line says that it waits: {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn a_server_that_comes_while_it_is_waited_for_is_used() {
    let (mut cluster, place) = (cluster(), place());
    let url = cluster.url();
    cluster.kill();
    let environment: Vec<_> = KEYED.iter().copied().chain([(DATABASE, url.as_str())]).collect();
    let mut running = place.serve(&environment);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(running.stdout(), "", "it waits");
    cluster.restart();
    let wire = Wire::connect(running.address()).await;
    Write::Create("ann".to_owned()).attempt(&wire, "ann").await.unwrap().message::<CreateUserResponse>();
    drop(wire);
    assert_eq!(running.stop().status, Some(0));
}

/// Runs it where it cannot start, and must say so at once.
fn refused(url: &str) -> Ended {
    let begun = now();
    let ended = place().run(SERVE, &[(DATABASE, url)]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    ended
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn what_cannot_be_opened_is_told_in_one_line_at_once() {
    let cluster = cluster();
    let database = Database::at(&cluster.url());
    let to = |user: &str, name: &str| format!("postgres://{user}@127.0.0.1:{}/{name}", cluster.port());
    refused(&to("roster", "nowhere")).assert_one_line(1, &["127.0.0.1", "nowhere", "does not exist"]);
    let ascii = "CREATE DATABASE plain ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    database.execute(ascii).await;
    refused(&to("roster", "plain")).assert_one_line(1, &["plain", "SQL_ASCII", "UTF8"]);
    database.execute("CREATE ROLE app LOGIN PASSWORD 'a-good-secret'").await;
    // Asked for from the next connection on.
    let other = database.connect().await;
    std::fs::write(cluster.file("pg_hba.conf"), "host all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    other.execute_unprepared("SELECT pg_reload_conf()").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for user in ["app:a-wrong-secret", "app", "nobody:a-wrong-secret"] {
        let ended = refused(&to(user, "postgres"));
        ended.assert_one_line(1, &["127.0.0.1", "postgres"]);
        assert!(!ended.stderr.contains("secret"), "{ended:?}");
    }
}

#[tokio::test]
#[ignore = "on PostgreSQL alone"]
async fn without_prepared_statements_it_answers_the_same() {
    let roster = Roster::start_with(&[("database_statement_cache", "0")]).await;
    let client = roster.client("users:write").await;
    for number in 0..20 {
        let name = format!("user-{number}");
        let created = client.create(UserDto { user_id: Some(name.clone()), ..named(&name) }).await.unwrap();
        assert_eq!(client.get(&name).await.unwrap(), created);
        let nickname = UserDto { nickname: Some("Nick".to_owned()), ..UserDto::default() };
        let updated = client.update(setting(&name, nickname)).await.unwrap();
        assert_eq!((updated.nickname(), client.get(&name).await.unwrap()), ("Nick", updated.clone()));
        assert_eq!(list(&client, ListUsersRequest::default()).await.unwrap().users.len(), 1);
        client.delete(&name).await.unwrap();
        assert_not_found(client.delete(&name).await);
    }
}
