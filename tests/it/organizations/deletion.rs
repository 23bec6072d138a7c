//! A large organization is gone for callers at once, and what hung on it goes in steps, so that writers elsewhere hardly notice.

use std::env;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use roster::clock::monotonic;
use roster::proto::{GetUserRequest, ListOrganizationsRequest, ListUserOrganizationsRequest, ListUsersRequest, UserDto};
use tonic::Code;

use super::{delete, get, organization, text};
use crate::harness::{Client, Roster, refused};
use crate::pages::insert_many;

const WRITERS: usize = 8;

fn members() -> usize {
    env::var("ROSTER_TEST_ORGANIZATION_MEMBERS").map_or(2_000, |members| members.parse().unwrap())
}

/// Makes the organization `big` of that many members, all of them in its groups and roles, the last tenth owned by it.
async fn big(roster: &Roster, members: usize) {
    insert_many(roster, members).await;
    organization(roster, "big", &[""; 0]).await;
    let sql = format!(
        "INSERT INTO organization_members SELECT 'big', user_id, created_at FROM users;
        INSERT INTO groups (group_id, code, etag, created_at, updated_at, level) VALUES ('g', 'all', 'e', 1, 1, 'big');
        INSERT INTO roles (role_id, code, etag, created_at, updated_at, level) VALUES ('r', 'all', 'e', 1, 1, 'big');
        INSERT INTO group_members (group_id, user_id, level) SELECT 'g', user_id, 'big' FROM users;
        INSERT INTO role_members (role_id, user_id, level) SELECT 'r', user_id, 'big' FROM users;
        UPDATE users SET tenant_id = 'big' WHERE user_id >= 'user-{:06}'",
        members * 9 / 10
    );
    roster.database.execute(&sql).await;
}

/// Creates users until told to stop: how long each create took, in microseconds.
async fn write(client: Client, writer: usize, stop: Arc<AtomicBool>) -> Vec<u128> {
    let mut waits = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let begun = monotonic();
        client.create(UserDto { username: text(&format!("w{writer}-{number}")), ..UserDto::default() }).await.unwrap();
        waits.push(begun.elapsed().as_micros());
    }
    waits
}

/// What the writers wait while `work` is done: all of it, sorted.
async fn waits_beside(roster: &Roster, work: impl Future<Output = ()>) -> Vec<u128> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    let first = first_writer();
    for writer in first..first + WRITERS {
        writers.push(tokio::spawn(write(roster.client("*").await, writer, stop.clone())));
    }
    work.await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.store(true, Ordering::SeqCst);
    let mut waits = Vec::new();
    for writer in writers {
        waits.extend(writer.await.unwrap());
    }
    waits.sort_unstable();
    waits
}

/// Another number each time, so that writers' names never meet.
fn first_writer() -> usize {
    static WRITERS_BEFORE: AtomicUsize = AtomicUsize::new(0);
    WRITERS_BEFORE.fetch_add(WRITERS, Ordering::SeqCst)
}

fn told(what: &str, waits: &[u128]) {
    let at = |part: usize| waits[(waits.len() - 1) * part / 1_000] / 1_000;
    println!("{what}: {} writes, p50 {} ms, p99 {} ms, longest {} ms", waits.len(), at(500), at(990), at(1_000));
}

async fn number(roster: &Roster, sql: &str) -> i64 {
    roster.database.query(sql).await[0].try_get_by_index(0).unwrap()
}

/// Nothing of it is shown any more, whatever is left of it.
async fn assert_gone(client: &Client) {
    assert_eq!(refused(get(client, "big").await).kind(), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
    let organizations = client.organizations().list_organizations(ListOrganizationsRequest::default()).await.unwrap();
    assert_eq!(organizations.into_inner().total_count, Some(0));
    let last = format!("user-{:06}", members() - 1);
    let shown = GetUserRequest { user_id: text(&last), with_organizations: true, ..Default::default() };
    let user = client.users().get_user(shown).await.unwrap().into_inner().user.unwrap();
    assert_eq!((user.tenant_id, user.organization_ids.len()), (None, 0));
    let of_user = ListUserOrganizationsRequest { user_id: text(&last), ..Default::default() };
    assert!(client.organizations().list_user_organizations(of_user).await.unwrap().into_inner().organizations.is_empty());
    let members_of = ListUsersRequest { organization_id: text("big"), ..Default::default() };
    assert_eq!(refused(client.users().list_users(members_of).await).reason, "ORGANIZATION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_organization_is_gone_at_once_and_cleared_beside_writers() {
    let roster = Roster::start().await;
    big(&roster, members()).await;
    let client = roster.client("*").await;
    let key = roster.bound_client("*", "big").await;
    let before = waits_beside(&roster, tokio::time::sleep(Duration::from_millis(500))).await;
    told("before", &before);
    let beside = Box::pin(waits_beside(&roster, async {
        let begun = monotonic();
        delete(&client, "big").await.unwrap();
        println!("deleted in {} ms", begun.elapsed().as_millis());
        assert_gone(&client).await;
        assert_eq!(refused(get(&key, "big").await).kind(), (Code::Unauthenticated, "API_KEY_REVOKED"));
        while number(&roster, "SELECT COUNT(*) FROM organizations").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("cleared after {} ms", begun.elapsed().as_millis());
    }))
    .await;
    told("beside the clearing", &beside);
    assert_gone(&client).await;
    for table in ["organization_members", "groups", "group_members", "roles", "role_members"] {
        assert_eq!(number(&roster, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(number(&roster, "SELECT COUNT(*) FROM users WHERE tenant_id IS NOT NULL").await, 0);
}

/// The control: in one transaction, as the foreign keys would do it, writers wait as long as it takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_step_writers_would_wait_for_all_of_it() {
    let roster = Roster::start().await;
    big(&roster, members()).await;
    let beside = Box::pin(waits_beside(&roster, async {
        let begun = monotonic();
        let all = "BEGIN; UPDATE users SET tenant_id = NULL WHERE tenant_id IS NOT NULL; DELETE FROM groups; DELETE FROM roles; \
                   DELETE FROM organizations; COMMIT";
        roster.database.execute(all).await;
        println!("in one step: {} ms", begun.elapsed().as_millis());
    }))
    .await;
    told("beside one step", &beside);
}
