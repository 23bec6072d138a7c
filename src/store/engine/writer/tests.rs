//! What becomes of changes that share a transaction.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

/// What a change does once it has inserted its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Succeed,
    Fail,
    Panic,
    /// Begins a part, and does not end it.
    LeavePart,
    /// More than fits.
    Fill,
    /// Goes on although it filled the disk.
    FillAndGoOn,
}

/// A writer with a table of its own, and whoever looks at it from outside.
struct Bench {
    writer: Writer,
    outside: rusqlite::Connection,
    _directory: TempDir,
}

impl Bench {
    fn new(pragmas: Vec<(&'static str, &'static str)>, careless: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let outside = rusqlite::Connection::open(&path).unwrap();
        outside.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE made (number INTEGER UNIQUE, data BLOB)").unwrap();
        let pragmas = [vec![("temp_store", "MEMORY")], pragmas].concat();
        let settings = Settings { path, statements: 8, busy_timeout: Duration::from_secs(5), pragmas, read_only: false };
        let mut connection = Connection::open(settings).unwrap();
        connection.careless = careless;
        Self { writer: Writer::on(connection).unwrap(), outside, _directory: directory }
    }

    /// Makes what `changes` say in one group: what is queued while one change takes its time.
    async fn make(&self, changes: &[(i64, Then)]) -> Vec<Result<i64>> {
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = self.writer.clone();
        let first = tokio::spawn({
            let (begun, go) = (begun.clone(), go.clone());
            let work = move |transaction| {
                let (begun, go) = (begun.clone(), go.clone());
                async move {
                    begun.notify_one();
                    go.notified().await;
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    (transaction, Ok(()))
                }
            };
            async move { slow.write(Arc::new(work), None).await }
        });
        begun.notified().await;
        let mut tasks = Vec::new();
        for (number, then) in changes.iter().copied() {
            tasks.push(self.ask(number, then));
            tokio::task::yield_now().await;
        }
        go.notify_one();
        first.await.unwrap().unwrap();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    }

    /// Asks for a change, which answers how many rows it sees.
    fn ask(&self, number: i64, then: Then) -> JoinHandle<Result<i64>> {
        let writer = self.writer.clone();
        let work = move |transaction| async move {
            let answer = change(&transaction, number, then).await;
            (transaction, answer)
        };
        tokio::spawn(async move { writer.write(Arc::new(work), None).await })
    }

    fn made(&self) -> Vec<i64> {
        let mut rows = self.outside.prepare("SELECT number FROM made ORDER BY number").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(rusqlite::Result::unwrap).collect()
    }
}

async fn change(transaction: &Transaction, number: i64, then: Then) -> Result<i64> {
    transaction.execute_unprepared(&format!("INSERT INTO made (number) VALUES ({number})")).await?;
    let fill = "INSERT INTO made (number, data) VALUES (-1, zeroblob(10000000))";
    match then {
        Then::Succeed => {}
        Then::Fail => return Err(Error::EtagMismatch),
        Then::Panic => panic!("as the test wants it"),
        Then::LeavePart => {
            let part = transaction.begin().await?;
            part.execute_unprepared("INSERT INTO made (number) VALUES (-2)").await?;
        }
        Then::Fill => return Err(transaction.execute_unprepared(fill).await.unwrap_err().into()),
        Then::FillAndGoOn => {
            transaction.execute_unprepared(fill).await.unwrap_err();
            transaction.execute_unprepared("INSERT INTO made (number) VALUES (-3)").await.unwrap_err();
        }
    }
    let count = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT COUNT(*) FROM made");
    Ok(transaction.query_one_raw(count).await?.unwrap().try_get_by_index(0)?)
}

const MIXED: [(i64, Then); 7] = [
    (1, Then::Succeed),
    (2, Then::Fail),
    (3, Then::Succeed),
    (4, Then::Panic),
    // Unique: the first has it.
    (1, Then::Succeed),
    (5, Then::LeavePart),
    (6, Then::Succeed),
];

#[tokio::test]
async fn a_change_that_fails_is_undone_alone() {
    let bench = Bench::new(Vec::new(), false);
    let answers = bench.make(&MIXED).await;
    // Each sees those before it, before anybody outside could: they are of one transaction.
    let seen: Vec<_> = answers.iter().map(|answer| answer.as_ref().ok().copied()).collect();
    assert_eq!(seen, [Some(1), None, Some(2), None, None, Some(3), Some(4)]);
    assert!(matches!(answers[1], Err(Error::EtagMismatch)) && answers[3].is_err() && answers[4].is_err());
    assert_eq!(bench.made(), [1, 3, 5, 6]);
}

/// The control: without savepoints, the test above would see what failed.
#[tokio::test]
async fn without_savepoints_what_failed_would_be_committed() {
    let bench = Bench::new(Vec::new(), true);
    bench.make(&MIXED).await;
    assert_eq!(bench.made(), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_full_disk_fails_the_whole_group_and_nothing_after_it() {
    for fill in [Then::Fill, Then::FillAndGoOn] {
        let bench = Bench::new(vec![("max_page_count", "50")], false);
        assert!(bench.ask(0, Then::Succeed).await.unwrap().is_ok());
        let answers = bench.make(&[(1, Then::Succeed), (2, Then::Fail), (3, fill), (4, Then::Succeed)]).await;
        for answer in &answers[..3] {
            let Err(Error::StoreUnavailable { outcome_unknown: false, .. }) = answer else { panic!("{answer:?}") };
        }
        // It came next, in a group of its own.
        assert_eq!(*answers[3].as_ref().unwrap(), 2);
        assert_eq!(bench.made(), [0, 4], "{fill:?}");
    }
}

#[tokio::test]
async fn whoever_leaves_the_queue_changes_nothing() {
    let bench = Bench::new(Vec::new(), false);
    bench.outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tasks: Vec<_> = (0..4).map(|number| bench.ask(number, Then::Succeed)).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    // The first is the next to begin, as soon as the lock is free.
    tasks[0].abort();
    tasks[2].abort();
    tokio::time::sleep(Duration::from_millis(10)).await;
    bench.outside.execute_batch("ROLLBACK").unwrap();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.is_ok(), number % 2 == 1);
    }
    assert_eq!(bench.made(), [1, 3]);
}

#[tokio::test]
async fn what_is_queued_when_it_is_closed_is_made_and_nothing_after_that() {
    let bench = Bench::new(Vec::new(), false);
    let before: Vec<_> = (0..4).map(|number| bench.ask(number, Then::Succeed)).collect();
    tokio::task::yield_now().await;
    let connection = bench.writer.close().await;
    assert!(connection.is_some_and(|connection| Arc::strong_count(&connection) == 1));
    for task in before {
        task.await.unwrap().unwrap();
    }
    let after = bench.ask(9, Then::Succeed).await.unwrap();
    assert!(matches!(after, Err(Error::StoreUnavailable { outcome_unknown: false, .. })));
    assert_eq!(bench.made(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn another_process_gets_its_turn_however_busy_the_writer_is() {
    let bench = Bench::new(Vec::new(), false);
    let writer = bench.writer.clone();
    // Each takes longer than a group may, so that one follows the other.
    let busy = tokio::spawn(async move {
        let work = Arc::new(|transaction| async move {
            tokio::time::sleep(Duration::from_millis(25)).await;
            (transaction, Ok(()))
        });
        futures_util::future::join_all((0..200).map(|_| writer.write(work.clone(), None))).await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    bench.outside.busy_timeout(Duration::from_secs(5)).unwrap();
    let outside = tokio::task::spawn_blocking(move || bench.outside.execute_batch("BEGIN IMMEDIATE; COMMIT"));
    outside.await.unwrap().unwrap();
    busy.abort();
}

#[tokio::test]
async fn whoever_closes_it_has_the_last_connection() {
    for _ in 0..200 {
        let bench = Bench::new(Vec::new(), false);
        bench.writer.write(Arc::new(|transaction| async { (transaction, Ok(())) }), None).await.unwrap();
        let last = bench.writer.close().await.unwrap();
        // A thread that still has it would close it whenever it comes to that: the write-ahead log would still be there.
        assert_eq!(Arc::strong_count(&last), 1);
    }
}
