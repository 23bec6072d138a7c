//! All users gone through page by page while others write: by token nobody who stays is missed or met twice, by number some are.
//!
//! `ROSTER_TEST_WALK_USERS` says of how many users the walk is, `ROSTER_TEST_WALK_LIMIT` how many a page has.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use roster::proto::{AddUserToGroupRequest, CountMode, ListGroupMembersRequest, ListUsersRequest, UserDto};
use tokio::task::JoinSet;

use crate::calls::setting;
use crate::dto::texts;
use crate::harness::{Client, Roster, named};
use crate::pages::{by, create_many, id, ids, insert_many, list, members, numbered, numbered_page, pool};

const WRITERS: usize = 16;
/// How many users of its own a writer lets stand.
const OWN: usize = 8;
/// The group that everybody belongs to.
const GROUP: &str = "g";

/// What a user of the start is there for, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Untouched,
    Updated,
    Deleted,
}

fn fate(number: usize) -> Fate {
    match number % 4 {
        0 => Fate::Deleted,
        2 => Fate::Updated,
        _ => Fate::Untouched,
    }
}

/// Another number for each, which leaps about.
fn leaping(number: usize) -> usize {
    number.wrapping_mul(2_654_435_761) % 1_048_576
}

/// How much was written.
#[derive(Debug, Default)]
struct Written {
    inserts: AtomicUsize,
    updates: AtomicUsize,
    deletes: AtomicUsize,
}

impl Written {
    fn now(&self) -> [usize; 3] {
        [&self.inserts, &self.updates, &self.deletes].map(|count| count.load(Ordering::SeqCst))
    }
}

/// One of those who write while others read.
struct Writer {
    client: Client,
    written: Arc<Written>,
    /// Which of them it is.
    place: usize,
    users: usize,
}

impl Writer {
    /// Writes until it is told to stop. It changes and deletes users of the start all over the list, and inserts and deletes
    /// users of its own, which stand before, between and behind those of the start.
    async fn run(self, stop: Arc<AtomicBool>) {
        let mut own = std::collections::VecDeque::new();
        let mut fated = self.numbers();
        for round in 0.. {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            own.push_back(self.insert(round).await);
            if own.len() > OWN {
                self.client.delete(&own.pop_front().unwrap()).await.unwrap();
                self.written.deletes.fetch_add(1, Ordering::SeqCst);
            }
            match fated.pop() {
                Some(number) if fate(number) == Fate::Deleted => self.delete(number).await,
                Some(number) => self.update(number, round).await,
                None => fated = self.numbers().into_iter().filter(|number| fate(*number) == Fate::Updated).collect(),
            }
        }
    }

    /// Its share of the users that are not to be left alone, in an order that leaps about.
    fn numbers(&self) -> Vec<usize> {
        let share = (0..self.users).filter(|number| fate(*number) != Fate::Untouched && number / 4 % WRITERS == self.place);
        let mut numbers: Vec<_> = share.collect();
        numbers.sort_unstable_by_key(|number| leaping(*number));
        numbers
    }

    async fn insert(&self, round: usize) -> String {
        let between = id(leaping(round * WRITERS + self.place) % self.users);
        let user_id = format!("{}.{}.{round}", ["a", &between, &between, "z"][round % 4], self.place);
        self.client.create(texts(&[("user_id", &user_id), ("username", &user_id)])).await.unwrap();
        let group_code = Some(GROUP.to_owned());
        let join = AddUserToGroupRequest { user_id: Some(user_id.clone()), group_code, ..Default::default() };
        self.client.users().add_user_to_group(join).await.unwrap();
        self.written.inserts.fetch_add(1, Ordering::SeqCst);
        user_id
    }

    async fn update(&self, number: usize, round: usize) {
        let change = texts(&[("nickname", &format!("{round}")), ("username", &format!("renamed-{number}-{round}"))]);
        self.client.update(setting(&id(number), change)).await.unwrap();
        self.written.updates.fetch_add(1, Ordering::SeqCst);
    }

    async fn delete(&self, number: usize) {
        self.client.delete(&id(number)).await.unwrap();
        self.written.deletes.fetch_add(1, Ordering::SeqCst);
    }
}

/// Lets the writers write as long as the walk takes; gives its result and what was written meanwhile.
async fn disturbed<T>(roster: &Roster, users: usize, walk: impl Future<Output = T>) -> (T, [usize; 3]) {
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(Written::default()));
    let mut writers = JoinSet::new();
    for place in 0..WRITERS {
        let client = roster.client("users:write,groups:write").await;
        let writer = Writer { client, written: written.clone(), place, users };
        writers.spawn(writer.run(stop.clone()));
    }
    while written.now().contains(&0) {
        tokio::task::yield_now().await;
    }
    let before = written.now();
    let result = walk.await;
    let after = written.now();
    stop.store(true, Ordering::SeqCst);
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    (result, std::array::from_fn(|kind| after[kind] - before[kind]))
}

/// How often each user was met.
type Met = HashMap<String, usize>;

/// Goes from page to page by token.
async fn walk(users: usize, mut page: impl AsyncFnMut(String) -> (Vec<UserDto>, String)) -> (Met, usize) {
    let (mut met, mut pages, mut token) = (Met::new(), 0, String::new());
    loop {
        let (items, next) = page(token).await;
        for user in items {
            *met.entry(user.user_id.unwrap()).or_default() += 1;
        }
        pages += 1;
        if users >= 10_000 && pages % 100 == 0 {
            eprintln!("page {pages}: {} users met", met.len());
        }
        if next.is_empty() {
            return (met, pages);
        }
        token = next;
    }
}

async fn walk_list(client: &Client, users: usize, limit: i32) -> (Met, usize) {
    walk(users, async |page_token| {
        let page = list(client, ListUsersRequest { page_token, count: CountMode::None.into(), ..by(limit) }).await.unwrap();
        (page.users, page.next_page_token)
    })
    .await
}

async fn walk_members(client: &Client, users: usize, limit: i32) -> (Met, usize) {
    walk(users, async |page_token| {
        let request = ListGroupMembersRequest {
            code: Some(GROUP.to_owned()),
            limit: Some(limit),
            page_token,
            count: CountMode::None.into(),
            ..ListGroupMembersRequest::default()
        };
        let page = members(client, request).await.unwrap();
        (page.users, page.next_page_token)
    })
    .await
}

/// Asserts that nobody was met twice and nobody missed who was there all the time.
fn assert_sound(met: &Met, users: usize) {
    let twice: Vec<_> = met.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "met more than once: {twice:?}");
    let stayed = (0..users).filter(|number| fate(*number) != Fate::Deleted);
    let missed: Vec<_> = stayed.map(id).filter(|id| !met.contains_key(id)).collect();
    assert!(missed.is_empty(), "missed: {missed:?}");
}

fn setting_of(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// A server of these users, who are all in one group.
async fn served(users: usize) -> (Roster, Client) {
    let (roster, client) = pool(0).await;
    insert_many(&roster, users).await;
    crate::pages::group(&client, GROUP, &[]).await;
    let join = "INSERT INTO group_members (group_id, user_id) SELECT group_id, user_id FROM groups CROSS JOIN users";
    roster.database.execute(join).await;
    (roster, client)
}

/// The size of the walk: users, and users a page.
fn size() -> (usize, i32) {
    let users = setting_of("ROSTER_TEST_WALK_USERS", 2_000);
    (users, i32::try_from(setting_of("ROSTER_TEST_WALK_LIMIT", if users < 10_000 { 20 } else { 100 })).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_stays_is_missed_or_met_twice_by_token_while_others_write() {
    let (users, limit) = size();
    let (roster, client) = served(users).await;
    let ((met, pages), written) = disturbed(&roster, users, walk_list(&client, users, limit)).await;
    eprintln!("ListUsers: {} users met on {pages} pages; {written:?} inserted, updated, deleted meanwhile", met.len());
    assert_sound(&met, users);
    assert!(!written.contains(&0), "{written:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_stays_a_member_is_missed_or_met_twice_by_token_while_others_write() {
    let (users, limit) = size();
    let (roster, client) = served(users).await;
    let ((met, pages), written) = disturbed(&roster, users, walk_members(&client, users, limit)).await;
    eprintln!("ListGroupMembers: {} users met on {pages} pages; {written:?} inserted, updated, deleted", met.len());
    assert_sound(&met, users);
    assert!(!written.contains(&0), "{written:?}");
}

#[tokio::test]
async fn by_number_an_insert_shows_one_twice_and_a_delete_hides_one() {
    let (roster, client) = pool(0).await;
    create_many(&client, &numbered(0..12)).await;
    roster.clock.advance(Duration::from_secs(1));
    let page = async |number: i32| list(&client, numbered_page(number, 3)).await.unwrap();
    let (first, by_token) = (page(1).await, list(&client, by(3)).await.unwrap().next_page_token);
    client.create(named("new")).await.unwrap();
    assert_eq!(ids(&page(2).await.users)[0], first.users[2].user_id(), "met twice");
    for number in [9, 10] {
        client.delete(&id(number)).await.unwrap();
    }
    assert_eq!(ids(&page(2).await.users), [id(7), id(6), id(5)], "8 is missed");
    // By token the same writes do no harm.
    let next = list(&client, ListUsersRequest { page_token: by_token, ..by(3) }).await.unwrap();
    assert_eq!(ids(&next.users), [id(8), id(7), id(6)]);
}
