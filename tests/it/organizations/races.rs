//! Two at the same moment, one of whom ends what the other builds on: nothing is left that hangs on what is gone. What each test
//! leaves, `roster verify` looks at when its server stops.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use roster::proto::{
    AddOrganizationMembersRequest, AddUserRolesRequest, CreateRoleRequest, DeleteOrganizationRequest,
    RemoveOrganizationMembersRequest, RoleDto, UpdateUserRequest, UserDto,
};
use tonic::{Code, Status};

use super::{cleared, delete, organization, text, user};
use crate::harness::{Client, Refusal, Roster};

/// How often each pair meets; a campaign has thousands of rounds.
fn rounds(usual: usize) -> usize {
    env::var("ROSTER_TEST_TENANCY_ROUNDS").map_or(usual, |rounds| rounds.parse().unwrap())
}

/// Rows of organizations that are not there, and of users who are not their members.
const LEFT: &str =
    "SELECT COUNT(*) FROM organization_members WHERE organization_id NOT IN (SELECT organization_id FROM organizations)";
const STRANGERS: &str = "SELECT COUNT(*) FROM role_members AS held WHERE level <> '' AND NOT EXISTS (SELECT 1 FROM organization_members AS m \
     WHERE m.organization_id = held.level AND m.user_id = held.user_id)";

async fn number(roster: &Roster, sql: &str) -> i64 {
    roster.database.query(sql).await[0].try_get_by_index(0).unwrap()
}

/// Whether it was done; if not, then since what it needs is gone, or another was in the way.
fn done(answer: Result<Option<tonic_types::pb::Status>, Status>, gone: &str) -> bool {
    match answer {
        Ok(None) => true,
        Ok(Some(error)) => {
            assert!(error.message.contains("not a member"), "{error:?}");
            false
        }
        Err(status) if status.code() == Code::Aborted => false,
        Err(status) => {
            assert_eq!(Refusal::from(status).reason, gone);
            false
        }
    }
}

async fn role(client: &Client, organization_id: &str) {
    let role = RoleDto { code: text("admin"), organization_id: text(organization_id), ..RoleDto::default() };
    client.roles().create_role(CreateRoleRequest { role: Some(role) }).await.unwrap();
}

async fn leave(client: &Client, organization_id: &str, user_id: &str) -> Result<Option<tonic_types::pb::Status>, Status> {
    let user_ids = vec![user_id.to_owned()];
    let request = RemoveOrganizationMembersRequest { organization_id: text(organization_id), user_ids, ..Default::default() };
    let answer = client.organizations().remove_organization_members(request).await?;
    Ok(answer.into_inner().results.remove(0).error)
}

async fn join(client: &Client, organization_id: &str, user_id: &str) -> Result<Option<tonic_types::pb::Status>, Status> {
    let user_ids = vec![user_id.to_owned()];
    let request = AddOrganizationMembersRequest { organization_id: text(organization_id), user_ids, ..Default::default() };
    let answer = client.organizations().add_organization_members(request).await?;
    Ok(answer.into_inner().results.remove(0).error)
}

async fn hold(client: &Client, organization_id: &str, user_id: &str) -> Result<Option<tonic_types::pb::Status>, Status> {
    let role_codes = vec!["admin".to_owned()];
    let (user_id, organization_id) = (text(user_id), text(organization_id));
    client.users().add_user_roles(AddUserRolesRequest { user_id, role_codes, organization_id, ..Default::default() }).await?;
    Ok(None)
}

/// A server, and two callers of it.
async fn begun() -> (Roster, Client, Client) {
    let roster = Roster::start().await;
    let (one, other) = (roster.client("*").await, roster.client("*").await);
    user(&one, "ann").await;
    (roster, one, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_joins_an_organization_that_is_deleted_meanwhile() {
    let (roster, one, other) = begun().await;
    let (mut joined, all) = (0, rounds(30));
    for round in 0..all {
        let id = format!("o-{round}");
        organization(&roster, &id, &[""; 0]).await;
        let delete = DeleteOrganizationRequest { organization_id: text(&id), ..Default::default() };
        let mut organizations = one.organizations();
        let (deleted, added) = if round % 2 == 0 {
            tokio::join!(organizations.delete_organization(delete), join(&other, &id, "ann"))
        } else {
            let (added, deleted) = tokio::join!(join(&other, &id, "ann"), organizations.delete_organization(delete));
            (deleted, added)
        };
        deleted.unwrap();
        joined += usize::from(done(added, "ORGANIZATION_NOT_FOUND"));
        assert_eq!(Refusal::from(join(&other, &id, "ann").await.unwrap_err()).reason, "ORGANIZATION_NOT_FOUND");
    }
    cleared(&roster).await;
    assert_eq!((number(&roster, LEFT).await, number(&roster, "SELECT COUNT(*) FROM organizations").await), (0, 0));
    println!("delete against join: {all} rounds, {joined} joined first, 0 left");
}

/// Those who write in it all the time, more and more of them, do not keep it: their locks are not the deletion's business.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_is_always_written_in_is_deleted_all_the_same() {
    let (roster, one, other) = begun().await;
    organization(&roster, "acme", &["ann"]).await;
    role(&one, "acme").await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..24)
        .map(|_| {
            let (client, stop) = (other.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    drop(hold(&client, "acme", "ann").await);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let deleted = tokio::time::timeout(Duration::from_secs(20), delete(&one, "acme")).await;
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    deleted.expect("nobody waits for writers who come and go").unwrap();
    cleared(&roster).await;
    assert_eq!(number(&roster, LEFT).await, 0);
}

/// Whoever is given another owner while the organization that owned them is cleared keeps that one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_owner_outlives_the_clearing_of_the_old_one() {
    let (roster, one, other) = begun().await;
    organization(&roster, "new", &[""; 0]).await;
    for round in 0..rounds(20) {
        let old = format!("old-{round}");
        organization(&roster, &old, &[""; 0]).await;
        let owned = async |client: &Client, owner: &str| {
            let user = Some(UserDto { tenant_id: text(owner), ..UserDto::default() });
            client.users().update_user(UpdateUserRequest { user_id: text("ann"), user, ..Default::default() }).await
        };
        owned(&one, &old).await.unwrap();
        delete(&one, &old).await.unwrap();
        let (swept, given) = tokio::join!(roster.store.clear_organizations(), owned(&other, "new"));
        swept.unwrap();
        given.unwrap();
        cleared(&roster).await;
        let kept = "SELECT COUNT(*) FROM users WHERE user_id = 'ann' AND tenant_id = 'new'";
        assert_eq!(number(&roster, kept).await, 1, "round {round}");
    }
}

/// One leaves while given a role: how often the role came first.
async fn leaves_and_holds(roster: &Roster, one: &Client, other: &Client, all: usize) -> usize {
    let mut held = 0;
    organization(roster, "acme", &["ann"]).await;
    role(one, "acme").await;
    for _ in 0..all {
        assert_eq!(join(one, "acme", "ann").await.unwrap(), None);
        let (left, given) = tokio::join!(leave(one, "acme", "ann"), hold(other, "acme", "ann"));
        assert!(done(left, "") || leave(one, "acme", "ann").await.unwrap().is_none());
        held += usize::from(done(given, "NOT_A_MEMBER"));
    }
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_keeps_a_role_of_an_organization_that_they_leave_meanwhile() {
    let (roster, one, other) = begun().await;
    let all = rounds(50);
    let held = leaves_and_holds(&roster, &one, &other, all).await;
    assert_eq!(number(&roster, STRANGERS).await, 0);
    println!("leave against add-role: {all} rounds, {held} held first, 0 left");
}

/// The control: what holds here is the foreign key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn without_the_foreign_key_a_stranger_would_keep_a_role() {
    let (roster, one, other) = begun().await;
    roster.damage();
    let keys = "SELECT conname FROM pg_constraint WHERE conrelid = 'role_members'::regclass AND confrelid = 'organization_members'::regclass";
    let name: String = roster.database.query(keys).await[0].try_get_by_index(0).unwrap();
    roster.database.execute(&format!("ALTER TABLE role_members DROP CONSTRAINT {name}")).await;
    for round in 0.. {
        let _ = leaves_and_holds(&roster, &one, &other, 20).await;
        if number(&roster, STRANGERS).await > 0 {
            break;
        }
        assert!(round < 20, "nobody was in anybody's way");
        roster
            .database
            .execute("DELETE FROM role_members; DELETE FROM roles; DELETE FROM organization_members; DELETE FROM organizations")
            .await;
    }
}
