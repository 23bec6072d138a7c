//! A start that cannot be: the database or the address will not have it. One line that says which, and status 1.

use std::fs::File;
use std::net::TcpListener;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::place::Place;
use crate::harness::database::{on_postgres, statement};

/// The lock under which a database is migrated, in the hands of a test: until this is dropped nobody else has it.
enum MigrationLock {
    File { _held: File },
    Row(DatabaseConnection),
}

impl MigrationLock {
    async fn take(place: &Place) -> Self {
        if !on_postgres() {
            let lock = File::create(place.path("roster.db.lock")).unwrap();
            lock.lock().unwrap();
            return Self::File { _held: lock };
        }
        let connection = place.database.connect().await;
        for sql in [
            "CREATE TABLE schema_lock (id INTEGER NOT NULL PRIMARY KEY)",
            "INSERT INTO schema_lock VALUES (1)",
            "BEGIN",
            "SELECT id FROM schema_lock FOR UPDATE",
        ] {
            connection.execute_unprepared(sql).await.unwrap();
        }
        Self::Row(connection)
    }

    /// Waits until somebody waits for it.
    async fn is_wanted(&self, place: &Place) {
        match self {
            Self::File { .. } => {
                // It has made the file once it asks for the lock.
                place.wait_for("roster.db");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Self::Row(connection) => {
                let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
                for _ in 0..1_000 {
                    if connection.query_one_raw(statement(waiting)).await.unwrap().is_some() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                panic!("nobody wants it");
            }
        }
    }

    async fn give_back(self) {
        if let Self::Row(connection) = self {
            connection.execute_unprepared("ROLLBACK").await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_release_is_refused_and_left_alone() {
    let place = Place::new();
    place.output("keys create --name before");
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('9999_of_a_later_release', 1)";
    place.database.execute(newer).await;
    for command in ["--listen 127.0.0.1:0", "keys list"] {
        let parts = [&place.database_name(), "newer", "9999_of_a_later_release"];
        place.run(command, &[]).assert_one_line(1, &parts);
    }
    place.database.execute("DELETE FROM seaql_migrations WHERE version LIKE '9999%'").await;
    assert!(place.output("keys list").contains("before"));
}

#[test]
fn an_address_that_is_taken_is_told_and_no_key_is_lost() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    place.run(&format!("--listen {address}"), &[]).assert_one_line(1, &[&address, "in use"]);
    place.assert_untouched(&[]);
    let mut running = place.serve(&[]);
    running.address();
    assert!(place.root_key().starts_with("rk_"), "the first start that serves makes the first key");
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_for_a_migration_ends_on_a_signal() {
    let place = Place::new();
    let lock = MigrationLock::take(&place).await;
    let running = place.serve(&[]);
    lock.is_wanted(&place).await;
    assert_eq!(running.stdout(), "", "it waits");
    assert_eq!(running.stop().status, Some(0));
    lock.give_back().await;
    let mut running = place.serve(&[]);
    running.address();
    assert_eq!(running.stop().status, Some(0));
}
