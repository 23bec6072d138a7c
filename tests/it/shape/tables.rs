//! A table is spelled twice and means the same: in a migration and as an entity. A user is spelled once more, on the wire.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::DescriptorPool;
use roster::entity::{
    api_key, api_key_secret, department, group, idempotency_answer, idempotency_password, idempotency_record, identity,
    identity_token, lock, organization, password_guess, post, role, sealing_key, secret_key, secret_key_wrap, signing_key,
    user, user_credential, user_custom_data,
};
use roster::proto::DESCRIPTORS;
use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, IdenStatic, Iterable, Statement};

use crate::harness::Roster;

/// Columns by name and whether they take NULL, in order.
type Columns = Vec<(String, bool)>;

/// What has no column: it lies in a table of its own.
const NOT_COLUMNS: [&str; 9] = [
    "custom_data",
    "department_ids",
    "flat_custom_data",
    "group_codes",
    "identities",
    "main_department_id",
    "organization_ids",
    "post_id_list",
    "role_codes",
];
/// What has no field: only the store's look-ups and what tokens are held against need it.
const NOT_FIELDS: [&str; 4] = ["email_key", "phone_key", "token_generation", "tokens_refused_before"];
/// What is told of a password or of tokens, and is neither.
const TOLD_OF_SECRETS: [&str; 6] = [
    "password_last_set_at",
    "password_security_level",
    "reset_password_on_next_login",
    "token_expired_at",
    "token_generation",
    "tokens_refused_before",
];

/// The entities: one that is forgotten here is missed by its table.
fn entities() -> BTreeMap<String, Columns> {
    [
        entity::<user::Entity>(),
        entity::<user_credential::Entity>(),
        entity::<user_custom_data::Entity>(),
        entity::<api_key::Entity>(),
        entity::<api_key_secret::Entity>(),
        entity::<department::Entity>(),
        entity::<department::member::Entity>(),
        entity::<group::Entity>(),
        entity::<group::member::Entity>(),
        entity::<idempotency_answer::Entity>(),
        entity::<idempotency_password::Entity>(),
        entity::<idempotency_record::Entity>(),
        entity::<identity::Entity>(),
        entity::<identity_token::Entity>(),
        entity::<lock::Entity>(),
        entity::<organization::Entity>(),
        entity::<organization::member::Entity>(),
        entity::<password_guess::Entity>(),
        entity::<post::Entity>(),
        entity::<post::member::Entity>(),
        entity::<role::Entity>(),
        entity::<role::member::Entity>(),
        entity::<sealing_key::Entity>(),
        entity::<secret_key::Entity>(),
        entity::<secret_key_wrap::Entity>(),
        entity::<signing_key::Entity>(),
    ]
    .into()
}

fn entity<E: EntityTrait + Default>() -> (String, Columns) {
    let columns = E::Column::iter().map(|column| (column.as_str().to_owned(), column.def().is_null()));
    (E::default().table_name().to_owned(), columns.collect())
}

async fn rows(database: &DatabaseConnection, sql: String) -> Vec<sea_orm::QueryResult> {
    database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap()
}

/// The tables that the migrations make of nothing.
async fn tables() -> BTreeMap<String, Columns> {
    let roster = Roster::start().await;
    let database = roster.database.connect().await;
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('seaql_migrations', 'schema_steps')";
    let mut tables = BTreeMap::new();
    for table in rows(&database, names.to_owned()).await {
        let table: String = table.try_get("", "name").unwrap();
        let columns =
            rows(&database, format!("SELECT name, \"notnull\" FROM pragma_table_xinfo('{table}') ORDER BY cid")).await;
        let column =
            |row: &sea_orm::QueryResult| (row.try_get("", "name").unwrap(), row.try_get::<i32>("", "notnull").unwrap() == 0);
        tables.insert(table, columns.iter().map(column).collect());
    }
    tables
}

#[tokio::test]
async fn migrations_and_entities_have_the_same_columns_in_the_same_order() {
    let (mut tables, mut entities) = (tables().await, entities());
    assert_eq!(tables.keys().collect::<Vec<_>>(), entities.keys().collect::<Vec<_>>());
    // What a release adds to a table that exists comes last there; the entity keeps the order of the wire.
    for columns in tables.values_mut().chain(entities.values_mut()) {
        columns.sort();
    }
    assert_eq!(tables, entities);
}

#[test]
fn a_user_has_the_fields_of_the_wire_as_columns() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let user = pool.get_message_by_name("roster.v1.UserDto").unwrap();
    let fields: BTreeSet<_> = user.fields().map(|field| field.name().to_owned()).collect();
    let columns: BTreeSet<_> = user::Column::iter().map(|column| column.as_str().to_owned()).collect();
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| these.difference(those).cloned().collect::<Vec<_>>();
    assert_eq!(only(&fields, &columns), NOT_COLUMNS);
    assert_eq!(only(&columns, &fields), NOT_FIELDS);
}

#[test]
fn secrets_have_no_column_beside_the_profile() {
    let words = ["password", "secret", "token", "hash", "credential"];
    let named =
        user::Column::iter().map(|column| column.as_str()).filter(|column| words.iter().any(|word| column.contains(word)));
    let named: BTreeSet<_> = named.collect();
    assert_eq!(named, TOLD_OF_SECRETS.into());
    // Times, numbers and flags: none of them could hold one.
    for column in user::Column::iter().filter(|column| named.contains(column.as_str())) {
        let kind = column.def().get_column_type().clone();
        let small = matches!(kind, ColumnType::BigInteger | ColumnType::Integer | ColumnType::Boolean);
        assert!(small, "{}: {kind:?}", column.as_str());
    }
}

#[test]
fn sql_of_a_migration_runs_on_every_engine() {
    let folder = super::tree::root().join("migrations/sql");
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        let sql = std::fs::read_to_string(&entry).unwrap();
        assert!(sql.starts_with("-- "), "{name} does not say what it makes");
        if name.ends_with(".sqlite.sql") || name.ends_with(".postgres.sql") {
            continue;
        }
        for word in [
            "AUTOINCREMENT",
            "WITHOUT ROWID",
            "STRICT",
            "COLLATE",
            "SERIAL",
            "JSONB",
            "DATETIME",
            "TIMESTAMP",
            "CREATE EXTENSION",
            "::",
        ] {
            assert!(!sql.contains(word), "{name}: {word} is one engine's");
        }
    }
}
