//! `roster backup` and `roster verify` as commands: beside writers, on what is damaged, old or not there, and cut off half-way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use roster::proto::CreateUserResponse;
use sea_orm::{ConnectionTrait, Database};

use super::load::{Journal, KEYED, Load, Stored, Write, stored};
use super::place::{Ended, Place, ROSTER, Running};
use crate::wire::Wire;

const DATABASE: &str = "ROSTER_DATABASE_URL";
/// A name of which a URL, a shell or SQL could make another one.
const ODD: &str = "all of it, 100%41 or more? it's #1.db";
/// Many users, by SQL: with so many a backup takes its time.
const MANY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) \
    INSERT INTO users (user_id, created_at, updated_at, status, work_status, gender, email_verified, phone_verified, \
    user_source_type, status_changed_at, etag, username) SELECT 'u' || i, 1, 1, 1, 1, 3, 0, 0, 3, 1, 'e', 'n' || i FROM n";

/// The URL of a file, whatever its name.
fn url(path: &Path) -> String {
    let encode = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let encoded = |part: &str| part.bytes().map(encode).collect::<String>();
    format!("sqlite://{}", path.to_str().unwrap().split('/').map(encoded).collect::<Vec<_>>().join("/"))
}

fn backup(place: &Place, to: &str) -> Running {
    place.start_program(ROSTER, &["backup", to], &[])
}

/// What a command says of the database in the file.
fn run_on(place: &Place, file: &str, command: &str) -> Ended {
    place.run(command, &[(DATABASE, &url(&place.path(file)))])
}

async fn execute(place: &Place, sql: &str) {
    let database = Database::connect(url(&place.path("roster.db"))).await.unwrap();
    database.execute_unprepared(sql).await.unwrap();
    database.close().await.unwrap();
}

/// A directory with a database that nobody serves.
fn with_database() -> Place {
    let place = Place::new();
    place.output("keys create --name before");
    place
}

/// Changes of profile and custom data between creates; nobody goes.
fn creates_and_updates(prefix: &str, step: usize) -> Write {
    let user_id = format!("{prefix}{}", step / 3);
    match step % 3 {
        0 => Write::Create(user_id),
        1 => Write::Update(user_id, 1),
        _ => Write::CreateBatch((0..3).map(|number| format!("{user_id}-{number}")).collect()),
    }
}

/// Who is in the file, as a server on it tells.
async fn stored_in(place: &Place, file: &str) -> Stored {
    let url = url(&place.path(file));
    let mut running = place.serve(&[KEYED[0], (DATABASE, &url)]);
    let wire = Wire::connect(running.address()).await;
    let stored = stored(&wire).await;
    drop(wire);
    assert_eq!(running.stop().status, Some(0));
    stored
}

/// Backs up beside callers at work: their journals, and how many writes of each were acknowledged before.
async fn backed_up_under_load(place: &Place, to: &str) -> (Vec<Journal>, Vec<usize>) {
    let mut running = place.serve(KEYED);
    let mut load = Load::start(running.address(), "w", 4, creates_and_updates).await;
    load.acknowledge(100).await;
    let before = load.acknowledged();
    let ended = backup(place, to).wait();
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains("users ") && ended.stdout.contains(to), "{ended:?}");
    let after = load.acknowledged();
    load.acknowledge(20).await;
    running.signal("KILL");
    running.wait();
    let count = |acknowledged: &[usize]| acknowledged.iter().sum::<usize>();
    eprintln!("{} writes acknowledged before, {} during the backup", count(&before), count(&after) - count(&before));
    (load.end().await, before)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_four_writers_is_of_one_moment_and_holds_all_that_was_acknowledged_before() {
    let place = Place::new();
    let (journals, before) = backed_up_under_load(&place, ODD).await;
    assert_eq!(fs::metadata(place.path(ODD)).unwrap().permissions().mode() & 0o777, 0o600);
    let beside = place.files().into_iter().filter(|file| file.starts_with(ODD)).collect::<Vec<_>>();
    assert_eq!(beside, [ODD], "no .roster-partial, no journal");
    assert!(!place.path("all").exists() && !place.path("all of it, 100%41 or more").exists());

    let verified = run_on(&place, ODD, "verify");
    assert_eq!(verified.status, Some(0), "{verified:?}");
    let copied = stored_in(&place, ODD).await;
    let (mut users, mut later) = (0, 0);
    for (journal, least) in journals.iter().zip(before) {
        // A caller writes one after the other: of its writes the copy has the first, and no other.
        let found = journal.find(least, &copied).unwrap_or_else(|wrong| panic!("{}", wrong.join("\n")));
        later += found - least;
        users += copied.keys().filter(|id| id.starts_with(&journal.prefix)).count();
    }
    eprintln!("{later} of the writes during the backup are in it");
    assert_eq!(users, copied.len());
    assert_eq!(run_on(&place, ODD, "verify").status, Some(0), "also once it has been served");
    place.output("verify");
}

#[test]
fn a_backup_opens_as_what_it_is_a_copy_of() {
    let place = with_database();
    let ended = backup(&place, "copy.db").wait();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(run_on(&place, "copy.db", "keys list").stdout, place.output("keys list"));
    assert_eq!(run_on(&place, "copy.db", "migrate --status").status, Some(0));
    // A copy can be copied, and the copy of a directory is not in this one.
    fs::create_dir(place.path("elsewhere")).unwrap();
    let ended = place.run("backup elsewhere/copy.db", &[(DATABASE, &url(&place.path("copy.db")))]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(fs::read_dir(place.path("elsewhere")).unwrap().count(), 1);
}

#[test]
fn a_name_that_is_no_plain_one_is_that_of_a_whole_copy_or_refused() {
    let place = with_database();
    for name in ["file:copy.db", "08:30@home.db", ":memory:", "a'b\"c;d.db", "copy.db?mode=memory", "-- ", "été.db"] {
        let ended = place.start_program(ROSTER, &["backup", "--", name], &[]).wait();
        assert_eq!(ended.status, Some(0), "{name}: {ended:?}");
        assert_eq!(run_on(&place, name, "verify").status, Some(0), "{name}");
        assert!(run_on(&place, name, "keys list").stdout.contains("before"), "{name}");
    }
    let command = format!(r"exec {ROSTER} backup $'not\xffUTF-8.db'");
    place.start_program("bash", &["-c", &command], &[]).wait().assert_one_line(1, &["not", "UTF-8"]);
    let left =
        std::process::Command::new("sh").arg("-c").arg("ls | grep -a -e UTF-8 -e partial").current_dir(place.path("")).output();
    assert_eq!(left.unwrap().stdout, b"");
}

#[test]
fn a_backup_replaces_nothing_and_needs_a_directory() {
    let place = with_database();
    place.write("there.db", "precious");
    fs::create_dir(place.path("folder")).unwrap();
    std::os::unix::fs::symlink("nowhere.db", place.path("dangling.db")).unwrap();
    let before = place.files();
    for to in ["there.db", "folder", "dangling.db", "roster.db"] {
        backup(&place, to).wait().assert_one_line(1, &[to, "exists"]);
    }
    backup(&place, "nowhere/copy.db").wait().assert_one_line(1, &["nowhere/copy.db", "No such file or directory"]);
    backup(&place, "there.db/copy.db").wait().assert_one_line(1, &["there.db/copy.db", "Not a directory"]);
    assert_eq!(fs::read_to_string(place.path("there.db")).unwrap(), "precious");
    assert_eq!(fs::read_dir(place.path("folder")).unwrap().count(), 0);
    assert_eq!(place.files(), before);
    place.output("verify");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_half_way_leaves_no_file_and_can_be_made_again() {
    let place = with_database();
    execute(&place, MANY).await;
    for round in 0..3 {
        let running = backup(&place, "copy.db");
        place.wait_for("copy.db.roster-partial");
        // While it copies, or while it verifies the copy.
        std::thread::sleep(std::time::Duration::from_millis(round * 30));
        running.signal("KILL");
        let ended = running.wait();
        assert_eq!((ended.status, ended.stdout.as_str()), (None, ""), "{round}: too late to kill it");
        assert!(!place.path("copy.db").exists(), "{round}");
    }
    let ended = backup(&place, "copy.db").wait();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(!place.files().iter().any(|file| file.starts_with("copy.db.")), "{:?}", place.files());
    assert_eq!(run_on(&place, "copy.db", "verify").status, Some(0));
    place.output("verify");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_backups_to_one_file_one_is_made() {
    let place = with_database();
    execute(&place, MANY).await;
    let first = backup(&place, "copy.db");
    place.wait_for("copy.db.roster-partial");
    let ended = [backup(&place, "copy.db").wait(), first.wait()];
    let made = ended.iter().filter(|ended| ended.status == Some(0)).count();
    assert_eq!(made, 1, "{ended:?}");
    assert!(!place.path("copy.db.roster-partial").exists());
    assert_eq!(run_on(&place, "copy.db", "verify").status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_told_by_verify_and_keeps_a_backup_from_being_made() {
    let place = Place::new();
    let mut running = place.serve(KEYED);
    let wire = Wire::connect(running.address()).await;
    let created = Write::Create("ann".to_owned()).attempt(&wire, "key").await.unwrap();
    created.message::<CreateUserResponse>();
    place.output("verify");
    place.damage();
    execute(&place, "UPDATE users SET etag = ''").await;
    let ended = place.run("verify", &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("1 FAULTS") && ended.stdout.contains("no etag"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    let refused = backup(&place, "copy.db").wait();
    refused.assert_one_line(1, &["faults", "roster verify"]);
    assert!(!place.files().iter().any(|file| file.starts_with("copy.db")), "{:?}", place.files());
    drop(wire);
    assert_eq!(running.stop().status, Some(0));
}

#[test]
fn a_database_that_is_not_there_is_told_and_not_made() {
    let place = Place::new();
    place.write("text.db", "This is a text and no database, however long it may be. ".repeat(100));
    for command in ["verify", "backup copy.db"] {
        place.run(command, &[]).assert_one_line(1, &["roster.db"]);
        run_on(&place, "text.db", command).assert_one_line(1, &["text.db"]);
    }
    assert_eq!(place.files(), ["text.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_earlier_schema_is_to_be_migrated_first() {
    let place = with_database();
    let last = "DELETE FROM seaql_migrations WHERE version = (SELECT MAX(version) FROM seaql_migrations)";
    execute(&place, last).await;
    for command in ["verify", "backup copy.db"] {
        place.run(command, &[]).assert_one_line(1, &["roster migrate"]);
    }
    assert!(!place.files().iter().any(|file| file.starts_with("copy.db")), "{:?}", place.files());
}
