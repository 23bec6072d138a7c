//! Callers at the same moment: no cycle, no child without its parent, one main department, and nobody in what they have left.

use roster::proto::{AddDepartmentMembersRequest, GetUserRequest, RemoveOrganizationMembersRequest};
use tonic::Code;

use super::{adding, department, join, moving, organization, owned, reasons, users};
use crate::harness::{Client, Refusal, Roster};
use crate::races::at_once;

const ROUNDS: usize = 16;

/// A server and several connections to it.
async fn connected() -> (Roster, Vec<Client>) {
    let roster = Roster::start().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(roster.client("*").await);
    }
    (roster, clients)
}

/// Each of a ring is put under the next: one of them must stay, or all would stand under themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moves_at_once_make_no_cycle() {
    let (_roster, clients) = connected().await;
    for round in 0..ROUNDS {
        let size = 2 + round % 3;
        let mut ring = Vec::new();
        for number in 0..size {
            ring.push(clients[0].made(None, None, &number.to_string()).await);
        }
        let act = |index: usize| {
            let (client, request) = (clients[index].clone(), moving(&ring[index], Some(&ring[(index + 1) % size])));
            async move { client.update_department(request).await }
        };
        let (moved, stayed): (Vec<_>, Vec<_>) = at_once(size, act).await.into_iter().partition(Result::is_ok);
        assert_eq!((moved.len(), stayed.len()), (size - 1, 1));
        for refusal in stayed.into_iter().map(|answer| Refusal::from(answer.unwrap_err())) {
            assert_eq!(refusal.kind(), (Code::FailedPrecondition, "DEPARTMENT_CYCLE"));
        }
        // From each, a root is reached.
        for id in &ring {
            let (mut here, mut steps) = (id.clone(), 0);
            while let Some(parent) = clients[0].department(&here).await.unwrap().parent_department_id {
                (here, steps) = (parent, steps + 1);
                assert!(steps < size, "a cycle");
            }
        }
    }
}

/// A parent goes while a child is made: whoever comes too late is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_child_is_left_without_its_parent() {
    let (_roster, clients) = connected().await;
    let (mut stayed, mut gone) = (0, 0);
    for round in 0..ROUNDS * 2 {
        let parent = clients[0].made(None, None, "parent").await;
        let act = |index: usize| {
            let (client, parent) = (clients[index].clone(), parent.clone());
            async move {
                if index == round % 2 {
                    client.delete_department(&parent).await
                } else {
                    client.create_department(department(None, Some(&parent), "child")).await.map(drop)
                }
            }
        };
        let mut answers = at_once(2, act).await;
        let (deleted, created) = (answers.remove(round % 2), answers.remove(0));
        match (deleted, created) {
            (Ok(()), Err(late)) => {
                assert_eq!(Refusal::from(late).kind(), (Code::NotFound, "DEPARTMENT_NOT_FOUND"));
                gone += 1;
            }
            (Err(late), Ok(())) => {
                assert_eq!(Refusal::from(late).kind(), (Code::FailedPrecondition, "NOT_EMPTY"));
                clients[1].department(&parent).await.unwrap();
                stayed += 1;
            }
            both => panic!("{both:?}"),
        }
    }
    assert!(stayed > 0 && gone > 0, "{stayed} stayed, {gone} went: nobody was in anybody's way");
}

/// Each makes another department the main one of the same users, in another order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_one_main_department_whoever_makes_one_so() {
    let (_roster, clients) = connected().await;
    users(&clients[0], None, &["ann", "bob", "cat"]).await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(clients[0].made(None, None, &number.to_string()).await);
    }
    for _ in 0..ROUNDS {
        let act = |index: usize| {
            let (client, id) = (clients[index % 4].clone(), ids[index].clone());
            let who = if index.is_multiple_of(2) { ["ann", "bob", "cat"] } else { ["cat", "bob", "ann"] };
            async move { client.put(AddDepartmentMembersRequest { is_main: true, ..adding(&id, &who) }).await }
        };
        at_once(ids.len(), act).await;
        let mut mains = Vec::new();
        for user in ["ann", "bob", "cat"] {
            let (user_id, with_department_ids) = (Some(user.to_owned()), true);
            let request = GetUserRequest { user_id, with_department_ids, ..Default::default() };
            let user = clients[0].users().get_user(request).await.unwrap().into_inner().user.unwrap();
            assert_eq!(user.department_ids.len(), ids.len());
            mains.push(user.main_department_id.unwrap());
        }
        // The last call is the last for all of them.
        mains.dedup();
        assert_eq!(mains.len(), 1);
    }
}

/// Ann leaves the organization while she is put into its department.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_left_an_organization_is_in_none_of_its_departments() {
    let (_roster, clients) = connected().await;
    let organization_id = organization(&clients[0], "acme").await;
    users(&clients[0], None, &["ann"]).await;
    let id = clients[0].made(Some(&organization_id), None, "a").await;
    let (mut joined, mut late) = (0, 0);
    for round in 0..ROUNDS {
        join(&clients[0], &organization_id, &["ann"]).await;
        let act = |index: usize| {
            let (client, id, organization_id) = (clients[index].clone(), id.clone(), organization_id.clone());
            async move {
                if index == round % 4 {
                    let (organization_id, user_ids) = (Some(organization_id), owned(&["ann"]));
                    let leave = RemoveOrganizationMembersRequest { organization_id, user_ids, ..Default::default() };
                    client.organizations().remove_organization_members(leave).await.unwrap();
                    return None;
                }
                Some(reasons(client.add(adding(&id, &["ann"])).await.unwrap()).remove(0))
            }
        };
        for reason in at_once(4, act).await.into_iter().flatten() {
            match reason.as_deref() {
                None => joined += 1,
                Some("NOT_A_MEMBER") => late += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(clients[1].member_ids(&id, false).await.is_empty());
    }
    assert!(joined > 0 && late > 0, "{joined} joined, {late} came too late: nobody was in anybody's way");
}
