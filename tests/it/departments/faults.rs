//! What `roster verify` finds wrong with departments and posts.

use roster::proto::AddDepartmentMembersRequest;
use roster::store::verify::verify;

use super::{adding, begun, organization, users};
use crate::harness::database::on_postgres;
use crate::posts::set;

/// What is wrong, how it comes about, in which check it is found, and a part of what is told.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("a code that none may be", "UPDATE departments SET code = 'a b' WHERE level <> ''", "departments", "code"),
    ("a department without an etag", "UPDATE departments SET etag = ''", "departments", "etag"),
    ("a change before the creation", "UPDATE departments SET updated_at = created_at - 1", "departments", "before"),
    (
        "a code twice",
        "DROP INDEX departments_code; UPDATE departments SET code = 'x'",
        "departments",
        "another one has its code",
    ),
    (
        "a department under itself",
        "UPDATE departments SET parent_department_id = department_id",
        "departments",
        "it stands under itself",
    ),
    (
        "a parent of another level",
        "{unchecked}; UPDATE departments SET parent_department_id = (SELECT MAX(department_id) FROM departments WHERE level <> '') \
      WHERE level = ''",
        "departments",
        "parent",
    ),
    (
        "two main departments",
        "DROP INDEX department_members_main; UPDATE department_members SET is_main = TRUE",
        "departments",
        "two main departments",
    ),
    (
        "a membership of another level",
        "{unchecked}; UPDATE department_members SET level = (SELECT organization_id FROM organizations)",
        "departments",
        "another level",
    ),
    (
        "a department of nobody",
        "{unchecked}; INSERT INTO department_members (department_id, user_id, is_leader, is_main) \
      SELECT department_id, 'ghost', FALSE, FALSE FROM departments WHERE level = ''",
        "departments",
        "ghost",
    ),
    ("a code of a post that none may be", "UPDATE posts SET code = ''", "posts", "code"),
    (
        "a post that is not there",
        "{unchecked}; INSERT INTO post_members (post_id, user_id) VALUES ('ghost', 'ann')",
        "posts",
        "ghost",
    ),
    ("an index that is missing", "DROP INDEX department_members_main", "schema", "department_members_main"),
];

#[tokio::test]
async fn every_kind_of_fault_is_found_where_it_is() {
    for (what, sql, name, part) in FAULTS {
        let (roster, client) = begun().await;
        let organization_id = organization(&client, "acme").await;
        users(&client, Some(&organization_id), &["ann"]).await;
        let root = client.made(None, None, "root").await;
        let below = client.made(None, Some(&root), "below").await;
        client.made(Some(&organization_id), None, "other").await;
        client.put(AddDepartmentMembersRequest { is_main: true, ..adding(&root, &["ann"]) }).await;
        client.put(adding(&below, &["ann"])).await;
        let post = client.made_post(None, "post").await;
        set(&client, "ann", None, &[post]).await.unwrap();
        let sound = verify(&roster.config, &|_, _| {}).await.unwrap();
        assert_eq!(sound.faults(), 0, "{sound:?}");
        roster.damage();
        let unchecked = if on_postgres() { "SET session_replication_role = replica" } else { "PRAGMA foreign_keys = OFF" };
        roster.database.execute(&sql.replace("{unchecked}", unchecked)).await;
        let report = verify(&roster.config, &|_, _| {}).await.unwrap();
        let check = report.checks.iter().find(|check| check.name == *name).unwrap_or_else(|| panic!("{what}: {report:?}"));
        assert!(check.faults > 0 && check.told.iter().any(|told| told.contains(part)), "{what}: {report:?}");
    }
}
