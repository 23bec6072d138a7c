//! The tree: what may be under what, how deep, and what may go.

use roster::proto::{DepartmentDto, UpdateDepartmentRequest};
use tonic::Code;

use super::{begun, department, masking, moving, organization};
use crate::calls::assert_refused;
use crate::harness::assert_invalid;

/// The most levels of a tree.
const LEVELS: usize = 100;
/// What is told where a tree would have more.
const FIELD: &str = "department.parent_department_id";

#[tokio::test]
async fn a_department_moves_with_all_that_is_below_it() {
    let (_roster, client) = begun().await;
    let [a, b] = [client.made(None, None, "a").await, client.made(None, None, "b").await];
    let below = client.made(None, Some(&a), "below").await;
    let leaf = client.made(None, Some(&below), "leaf").await;
    let moved = client.update_department(moving(&below, Some(&b))).await.unwrap();
    assert_eq!(moved.parent_department_id(), b);
    assert_eq!(client.department(&leaf).await.unwrap().parent_department_id(), below);
    // Without a mask, what is present is set.
    let to = DepartmentDto { parent_department_id: Some(a.clone()), ..DepartmentDto::default() };
    let whole = UpdateDepartmentRequest { department_id: Some(below.clone()), department: Some(to), ..Default::default() };
    assert_eq!(client.update_department(whole).await.unwrap().parent_department_id(), a);
    let root = client.update_department(moving(&below, None)).await.unwrap();
    assert_eq!(root.parent_department_id, None);
    assert_ne!(root.etag, moved.etag);
    // A root of its own, what was above it may go below.
    client.update_department(moving(&a, Some(&leaf))).await.unwrap();
}

#[tokio::test]
async fn nothing_stands_under_itself() {
    let (_roster, client) = begun().await;
    let mut chain = vec![client.made(None, None, "0").await];
    for number in 1..6 {
        chain.push(client.made(None, chain.last().map(String::as_str), &number.to_string()).await);
    }
    for (index, id) in chain.iter().enumerate() {
        for below in &chain[index..] {
            let before = client.department(id).await.unwrap();
            assert_refused(
                client.update_department(moving(id, Some(below))).await,
                Code::FailedPrecondition,
                "DEPARTMENT_CYCLE",
            );
            assert_eq!(client.department(id).await.unwrap(), before);
        }
    }
    // Upwards is fine, and where it is already.
    client.update_department(moving(&chain[5], Some(&chain[0]))).await.unwrap();
    let before = client.department(&chain[1]).await.unwrap();
    assert_eq!(client.update_department(moving(&chain[1], Some(&chain[0]))).await.unwrap(), before);
}

#[tokio::test]
async fn a_parent_is_there_and_of_the_same_level() {
    let (_roster, client) = begun().await;
    let (one, other) = (organization(&client, "one").await, organization(&client, "other").await);
    let levels = [None, Some(one.as_str()), Some(other.as_str())];
    let mut roots = Vec::new();
    for level in levels {
        roots.push(client.made(level, None, "root").await);
    }
    for (level, root) in levels.iter().zip(&roots) {
        let below = client.made(*level, Some(root), "below").await;
        let others = roots.iter().filter(|other| *other != root).map(String::as_str);
        for parent in others.chain(["nothing", "%"]) {
            let created = client.create_department(department(*level, Some(parent), "x")).await;
            assert_refused(created, Code::NotFound, "DEPARTMENT_NOT_FOUND");
            let moved = client.update_department(moving(&below, Some(parent))).await;
            assert_refused(moved, Code::NotFound, "DEPARTMENT_NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn a_tree_has_a_hundred_levels_at_most() {
    let (_roster, client) = begun().await;
    let mut chain = vec![client.made(None, None, "1").await];
    for level in 2..=LEVELS {
        chain.push(client.made(None, chain.last().map(String::as_str), &level.to_string()).await);
    }
    let deeper = client.create_department(department(None, chain.last().map(String::as_str), "x")).await;
    assert_invalid(deeper, &[FIELD]);
    let pair = client.made(None, None, "pair").await;
    let child = client.made(None, Some(&pair), "child").await;
    assert_invalid(client.update_department(moving(&pair, Some(&chain[LEVELS - 2]))).await, &[FIELD]);
    client.update_department(moving(&pair, Some(&chain[LEVELS - 3]))).await.unwrap();
    assert_invalid(client.create_department(department(None, Some(&child), "x")).await, &[FIELD]);
    // The whole of it is one branch.
    let renamed = client.update_department(masking(&child, department(None, None, "y"), &["name"])).await.unwrap();
    assert_eq!(renamed.name(), "y");
    let own = client.update_department(moving(&chain[0], Some(&child))).await;
    assert_refused(own, Code::FailedPrecondition, "DEPARTMENT_CYCLE");
}

#[tokio::test]
async fn one_that_others_are_parts_of_stays() {
    let (_roster, client) = begun().await;
    let root = client.made(None, None, "root").await;
    let below = client.made(None, Some(&root), "below").await;
    assert_refused(client.delete_department(&root).await, Code::FailedPrecondition, "NOT_EMPTY");
    client.department(&root).await.unwrap();
    client.delete_department(&below).await.unwrap();
    client.delete_department(&root).await.unwrap();
    assert_refused(client.department(&root).await, Code::NotFound, "DEPARTMENT_NOT_FOUND");
}
