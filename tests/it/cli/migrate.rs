//! Upgrades and steps back: a database of any earlier schema keeps what it holds, and a binary refuses only what is beyond it.

use std::fs;

use super::place::Place;
use crate::harness::database::on_postgres;

/// The steps by name, with their SQL, in order.
fn steps() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sql");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (ours, others) = if on_postgres() { (".postgres", ".sqlite") } else { (".sqlite", ".postgres") };
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let sql = || fs::read_to_string(&path).unwrap();
        (!name.ends_with(others)).then(|| (name.trim_end_matches(ours).to_owned(), sql()))
    };
    let mut steps: Vec<_> = files.filter_map(read).collect();
    steps.sort();
    steps
}

/// A database that has had these steps, and holds a user.
async fn with_steps(place: &Place, steps: &[(String, String)]) {
    let database = &place.database;
    let record = "CREATE TABLE seaql_migrations (version VARCHAR NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)";
    database.execute(record).await;
    for (number, (name, sql)) in steps.iter().enumerate() {
        // Texts are ordered by code point on every engine.
        let sql = if on_postgres() { sql.replace(" TEXT", " TEXT COLLATE \"C\"") } else { sql.clone() };
        database.execute(&sql).await;
        let record = format!("INSERT INTO seaql_migrations VALUES ('{name}', 1)");
        database.execute(&record).await;
        let user = format!(
            "INSERT INTO users (user_id, created_at, updated_at, status, work_status, gender, email_verified, phone_verified, \
             user_source_type, status_changed_at, etag, username) VALUES ('u{number:02}', 1, 1, 1, 1, 3, FALSE, FALSE, 3, 1, 'e', 'n{number}')"
        );
        database.execute(&user).await;
        if name == "0006_roles" {
            for noun in ["group", "role"] {
                let set =
                    format!("INSERT INTO {noun}s ({noun}_id, code, etag, created_at, updated_at) VALUES ('s', 'c', 'e', 1, 1)");
                let member = format!("INSERT INTO {noun}_members ({noun}_id, user_id) VALUES ('s', 'u00')");
                database.execute(&set).await;
                database.execute(&member).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_every_earlier_schema_is_brought_up_to_date_with_all_that_it_holds() {
    let steps = steps();
    for had in 1..=steps.len() {
        let place = Place::new();
        with_steps(&place, &steps[..had]).await;
        let status = place.run("migrate --status", &[]);
        let (done, to_do) = (status.stdout.matches(" done ").count(), status.stdout.matches(" to run ").count());
        assert_eq!((done, to_do), (had, steps.len() - had), "{status:?}");
        assert_eq!(status.status, Some(i32::from(had < steps.len())));
        let told = place.output("migrate");
        assert_eq!(told.matches("to run: ").count(), steps.len() - had, "{told}");
        assert!(place.output("migrate").starts_with("nothing to do"));
        assert_eq!(place.run("migrate --status", &[]).status, Some(0));
        let users = place.database.query("SELECT username FROM users ORDER BY user_id").await;
        let names: Vec<String> = users.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(names, (0..had).map(|number| format!("n{number}")).collect::<Vec<_>>());
        for noun in ["group", "role"] {
            let held = format!(
                "SELECT code FROM {noun}_members JOIN {noun}s USING ({noun}_id) WHERE user_id = 'u00' AND {noun}s.level = ''"
            );
            assert_eq!(place.database.query(&held).await.len(), usize::from(had >= 6), "{noun} {had}");
        }
    }
}

#[test]
fn what_there_is_to_do_is_told_without_a_database_and_none_is_made() {
    let place = Place::new();
    let status = place.run("migrate --status", &[]);
    assert_eq!(status.status, Some(1));
    assert_eq!(status.stdout.matches(" to run ").count(), steps().len());
    place.assert_untouched(&[]);
    place.output("migrate");
    assert!(place.output("migrate --status").contains("0001_users"));
}

/// Lets the database have had a step of a later release, which works with this one from `compatible_from` on.
async fn newer_step(place: &Place, compatible_from: Option<&str>) {
    let database = &place.database;
    database.execute("DELETE FROM seaql_migrations WHERE version LIKE '9999%'").await;
    database.execute("DELETE FROM schema_steps WHERE step LIKE '9999%'").await;
    database.execute("INSERT INTO seaql_migrations VALUES ('9999_later', 1)").await;
    if let Some(from) = compatible_from {
        let record = format!("INSERT INTO schema_steps VALUES ('9999_later', '{from}')");
        database.execute(&record).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_worked_on_as_long_as_it_says_so() {
    let place = Place::new();
    place.output("keys create --name before");
    for from in ["0.0.1", env!("CARGO_PKG_VERSION")] {
        newer_step(&place, Some(from)).await;
        assert!(place.output("keys list").contains("before"), "{from}");
        assert!(place.output("migrate --status").contains("newer"), "{from}");
        let mut running = place.serve(&[]);
        running.address();
        assert_eq!(running.stop().status, Some(0));
    }
    for (from, part) in [(Some("99.1.0"), "roster 99.1.0 or later"), (Some("soon"), "9999_later"), (None, "9999_later")] {
        newer_step(&place, from).await;
        for command in ["--listen 127.0.0.1:0", "keys list", "migrate"] {
            place.run(command, &[]).assert_one_line(1, &[&place.database_name(), "needs a newer release", part]);
        }
        assert!(place.run("migrate --status", &[]).stdout.contains("newer"), "the status is told all the same");
    }
}
