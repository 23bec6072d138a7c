//! A start that cannot be: the database or the address will not have it. One line that says which, and status 1.

use std::net::TcpListener;

use sea_orm::{ConnectionTrait, Database};

use super::place::Place;

const DATABASE: &str = "ROSTER_DATABASE_URL";

#[test]
fn a_database_that_cannot_be_opened_is_told_by_its_path() {
    let place = Place::new();
    place.write("text.db", "This is a text and no database, however long it may be. ".repeat(100));
    place.write("file", "");
    std::fs::create_dir(place.path("directory.db")).unwrap();
    for path in ["text.db", "file/roster.db", "directory.db", "nowhere/roster.db", "/proc/roster.db"] {
        for command in ["--listen 127.0.0.1:0", "keys list"] {
            let url = format!("sqlite://{path}?mode=rwc");
            place.run(command, &[(DATABASE, &url)]).assert_one_line(1, &[path]);
        }
    }
    assert!(std::fs::read_to_string(place.path("text.db")).unwrap().starts_with("This is a text"), "it is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_release_is_refused_and_left_alone() {
    let place = Place::new();
    place.output("keys create --name before");
    let url = format!("sqlite://{}", place.path("roster.db").display());
    let database = Database::connect(&url).await.unwrap();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('9999_of_a_later_release', 1)";
    database.execute_unprepared(newer).await.unwrap();
    for command in ["--listen 127.0.0.1:0", "keys list"] {
        place.run(command, &[]).assert_one_line(1, &["roster.db", "newer", "9999_of_a_later_release"]);
    }
    database.execute_unprepared("DELETE FROM seaql_migrations WHERE version LIKE '9999%'").await.unwrap();
    assert!(place.output("keys list").contains("before"));
}

#[test]
fn an_address_that_is_taken_is_told_and_no_key_is_lost() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    place.run(&format!("--listen {address}"), &[]).assert_one_line(1, &[&address, "in use"]);
    let mut running = place.serve(&[]);
    running.address();
    assert!(place.root_key().starts_with("rk_"), "the first start that serves makes the first key");
    assert_eq!(running.stop().status, Some(0));
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
fn a_start_that_waits_for_a_migration_ends_on_a_signal() {
    let place = Place::new();
    let lock = std::fs::File::create(place.path("roster.db.lock")).unwrap();
    lock.lock().unwrap();
    let running = place.serve(&[]);
    // It has made the file once it asks for the lock.
    place.wait_for("roster.db");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(running.stdout(), "", "it waits");
    assert_eq!(running.stop().status, Some(0));
    drop(lock);
    let mut running = place.serve(&[]);
    running.address();
    assert_eq!(running.stop().status, Some(0));
}

#[test]
fn a_file_is_not_made_where_the_url_says_so() {
    let place = Place::new();
    place.run("keys list", &[(DATABASE, "sqlite://typo.db?mode=rw")]).assert_one_line(1, &["typo.db"]);
    place.run("keys list", &[(DATABASE, "sqlite://typo.db?mode=ro")]).assert_one_line(2, &["mode=ro"]);
    assert!(!place.path("typo.db").exists());
}
