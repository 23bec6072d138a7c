//! `roster verify`: nothing on a clean database, and each kind of fault by its row. Every other test ends with it too.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use roster::proto::{
    AddGroupMembersRequest, AddUserRolesRequest, CreateGroupRequest, CreateRoleRequest, GroupDto, ListUsersRequest,
    RefreshUserTokenRequest, RoleDto, SetPasswordRequest,
};
use roster::store::Context;
use roster::store::identity_tokens::{ProviderTokens, SetProviderTokens};
use roster::store::verify::{Report, verify};

use crate::custom_data::object;
use crate::dto::filled;
use crate::harness::database::on_postgres;
use crate::harness::{Client, Roster};
use crate::organizations::organization;
use roster::proto::UserDto;

/// What is wrong, how it comes about, in which check it is found, and a part of what is told.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "an email key that is not the email's",
        "UPDATE users SET email_key = 'x@y.z' WHERE user_id = 'user_id-1'",
        "users",
        "email_key",
    ),
    (
        "a phone key that is not the phone's",
        "UPDATE users SET phone_key = '+8618812340009' WHERE user_id = 'user_id-1'",
        "users",
        "phone_key",
    ),
    (
        "a phone without its code",
        "UPDATE users SET phone_country_code = NULL WHERE user_id = 'user_id-1'",
        "users",
        "phone_key",
    ),
    (
        "a username that nobody can look up",
        "UPDATE users SET username = 'A\u{30a}' WHERE user_id = 'user_id-1'",
        "users",
        "normal form",
    ),
    (
        "a user without identifiers or identities",
        "UPDATE users SET username = NULL, email = NULL, email_key = NULL, phone = NULL, phone_country_code = NULL, \
      phone_key = NULL, external_id = NULL WHERE user_id = 'other'",
        "users",
        "no identifier",
    ),
    ("a user without an etag", "UPDATE users SET etag = '' WHERE user_id = 'user_id-1'", "users", "no etag"),
    ("a status that there is not", "UPDATE users SET status = 99 WHERE user_id = 'user_id-1'", "users", "status"),
    (
        "a change before the creation",
        "UPDATE users SET updated_at = created_at - 1 WHERE user_id = 'user_id-1'",
        "users",
        "before it was created",
    ),
    (
        "two users with one email",
        "DROP INDEX users_email_key; UPDATE users SET email_key = (SELECT email_key FROM users WHERE \
      user_id = 'user_id-1')",
        "identifiers",
        "same email_key",
    ),
    ("a missing index", "DROP INDEX users_phone_key", "schema", "index users_phone_key is missing"),
    (
        "an index of some rows in its place",
        "DROP INDEX users_username; CREATE UNIQUE INDEX users_username ON users (username) WHERE name IS NULL",
        "schema",
        "not as it was made",
    ),
    (
        "another index in its place",
        "DROP INDEX users_username; CREATE INDEX users_username ON users (name)",
        "schema",
        "not as it was made",
    ),
    (
        "a group of nobody",
        "{unchecked}; INSERT INTO group_members (group_id, user_id) SELECT group_id, 'ghost' FROM groups",
        "foreign keys",
        "group_members",
    ),
    (
        "a role that is not there",
        "{unchecked}; INSERT INTO role_members (role_id, user_id) VALUES ('ghost', 'user_id-1')",
        "foreign keys",
        "role_members",
    ),
    (
        "custom data of nobody",
        "{unchecked}; INSERT INTO user_custom_data VALUES ('ghost', 'k', '1')",
        "foreign keys",
        "user_custom_data",
    ),
    ("custom data that is no JSON", "INSERT INTO user_custom_data VALUES ('user_id-1', 'k', '{')", "custom data", "not JSON"),
    (
        "a key of custom data that none may be",
        "INSERT INTO user_custom_data VALUES ('user_id-1', 'a b', '1')",
        "custom data",
        "key",
    ),
    ("too much custom data", "INSERT INTO user_custom_data VALUES ('user_id-1', 'k', '\"{long}\"')", "custom data", "bytes"),
    ("a code that none may be", "UPDATE groups SET code = 'a b'", "groups", "code"),
    ("a role without an etag", "UPDATE roles SET etag = ''", "roles", "etag"),
    ("a scope that there is not", "UPDATE api_keys SET scopes = 'users:fly'", "API keys", "scope"),
    (
        "a key that is stronger than what made it",
        "INSERT INTO api_keys (api_key_id, name, scopes, created_at, created_by) \
      SELECT 'strong', 'x', '*', created_at, api_key_id FROM api_keys WHERE scopes = 'users:read'",
        "API keys",
        "stronger",
    ),
    (
        "a free key that a bound one made",
        "UPDATE api_keys SET organization_id = 'acme' WHERE scopes = 'users:read'; INSERT INTO api_keys \
      (api_key_id, name, scopes, created_at, created_by) SELECT 'free', 'x', '', created_at, api_key_id FROM api_keys WHERE scopes = 'users:read'",
        "API keys",
        "stronger",
    ),
    (
        "a key of an organization that is not there",
        "UPDATE api_keys SET organization_id = 'nowhere' WHERE scopes = 'users:read'",
        "API keys",
        "not there",
    ),
    ("an organization's code that none may be", "UPDATE organizations SET code = 'a b'", "organizations", "code"),
    (
        "two organizations of one code",
        "DROP INDEX organizations_code; INSERT INTO organizations (organization_id, code, etag, created_at, updated_at) \
      VALUES ('second', 'acme', 'e', 1, 1)",
        "organizations",
        "another one",
    ),
    (
        "a member of another age",
        "UPDATE organization_members SET user_created_at = 1",
        "organization members",
        "when the user was created",
    ),
    ("an owner whose member they are not", "UPDATE users SET tenant_id = 'acme'", "organization members", "owns them"),
    (
        "a member of an organization that is not there",
        "{unchecked}; DELETE FROM organizations",
        "organization members",
        "not there",
    ),
    (
        "a group's member who is a stranger",
        "{unchecked}; INSERT INTO groups (group_id, code, etag, created_at, updated_at, level) VALUES ('g', 'c', 'e', 1, 1, 'acme'); \
      INSERT INTO group_members (group_id, user_id, level) VALUES ('g', 'other', 'acme')",
        "groups",
        "without being its member",
    ),
    (
        "a secret that is no hash",
        "UPDATE api_key_secrets SET secret_hash = 'x' || substr(secret_hash, 2)",
        "API key secrets",
        "SHA-256",
    ),
    ("a provider that there is not", "UPDATE identities SET provider = 99", "identities", "provider"),
    ("an account without an id", "UPDATE identities SET user_id_in_idp = ''", "identities", "user_id_in_idp"),
    ("a connection that none may be", "UPDATE identities SET ext_idp_id = 'a\nb'", "identities", "ext_idp_id"),
    ("what a provider says that is no JSON", "UPDATE identities SET user_info_in_idp = '{'", "identities", "no JSON object"),
    ("what a provider says that is no object", "UPDATE identities SET user_info_in_idp = '[]'", "identities", "no JSON object"),
    ("too much that a provider says", "UPDATE identities SET user_info_in_idp = '{\"k\":\"{long}\"}'", "identities", "bytes"),
    ("connections that are no list", "UPDATE identities SET origin_conn_ids = '{}'", "identities", "no list of texts"),
    ("an identity of nobody", "{unchecked}; UPDATE identities SET user_id = 'ghost'", "identities", "its user is not there"),
    (
        "an account that two have",
        "DROP INDEX identities_user_id_in_idp; INSERT INTO identities SELECT 'identity-2', 'other', ext_idp_id, provider, type, \
      user_id_in_idp, user_info_in_idp, origin_conn_ids FROM identities",
        "identities",
        "same account",
    ),
    (
        "a hash of a password that is none",
        "UPDATE user_credentials SET password_hash = '$argon2id$x'",
        "passwords",
        "its hash is none",
    ),
    ("a password that is told of and not there", "DELETE FROM user_credentials", "passwords", "and have none"),
    ("a password that is not told of", "UPDATE users SET password_last_set_at = NULL", "passwords", "not told of"),
    ("a password of nobody", "{unchecked}; UPDATE user_credentials SET user_id = 'ghost'", "foreign keys", "user_credentials"),
    ("a public key that is none", "UPDATE signing_keys SET public_key = 'x'", "signing keys", "its public part is none"),
    (
        "a public key of another signing key",
        "UPDATE signing_keys SET public_key = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'",
        "secrets",
        "no pair",
    ),
    ("a signing key that is cut", "UPDATE signing_keys SET private_key = substr(private_key, 5)", "secrets", "private_key"),
    (
        "a token in another column",
        "UPDATE identity_tokens SET refresh_token = access_token",
        "secrets",
        "refresh_token does not",
    ),
    ("a token that is cut", "UPDATE identity_tokens SET access_token = substr(access_token, 5)", "secrets", "access_token"),
    ("a data key that nothing opens", "DELETE FROM secret_key_wraps", "secrets", "no master key opens it"),
    ("a data key that is none", "UPDATE secret_key_wraps SET wrapped = 'x'", "secrets", "not an encrypted key"),
    (
        "a data key in the place of another",
        "INSERT INTO secret_keys VALUES ('other', 1); UPDATE secret_key_wraps SET key_id = 'other'",
        "secrets",
        "does not open it",
    ),
    ("a data key that is not there", "{unchecked}; DELETE FROM secret_keys", "secrets", "is not there"),
    ("a sealing key that is none", "UPDATE sealing_keys SET key = 'x'", "sealing keys", "32 bytes"),
    (
        "an answer that cannot be read",
        "INSERT INTO idempotency_records VALUES ('r', 'm', 'h', 1); INSERT INTO idempotency_answers \
      VALUES ('r', NULL, '?')",
        "idempotency answers",
        "base64",
    ),
    (
        "a password of a call whose hash is none",
        "INSERT INTO idempotency_records VALUES ('r', 'm', 'h', 1); INSERT INTO idempotency_passwords VALUES ('r', 0, NULL, '?')",
        "idempotency answers",
        "its hash is none",
    ),
];

/// A database with something in every table.
async fn stored() -> (Roster, Client) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    roster.client("users:read").await;
    client.create(UserDto { custom_data: Some(object([("a", 1.into())])), ..filled(1) }).await.unwrap();
    client.create(UserDto { user_id: Some("other".to_owned()), ..filled(2) }).await.unwrap();
    let code = || Some("code".to_owned());
    let group = GroupDto { code: code(), ..GroupDto::default() };
    client.groups().create_group(CreateGroupRequest { group: Some(group) }).await.unwrap();
    let role = RoleDto { code: code(), ..RoleDto::default() };
    client.roles().create_role(CreateRoleRequest { role: Some(role) }).await.unwrap();
    let add = AddGroupMembersRequest { code: code(), user_ids: vec!["user_id-1".to_owned()], ..Default::default() };
    client.groups().add_group_members(add).await.unwrap();
    let add = AddUserRolesRequest {
        user_id: Some("user_id-1".to_owned()),
        role_codes: vec!["code".to_owned()],
        ..Default::default()
    };
    client.users().add_user_roles(add).await.unwrap();
    organization(&roster, "acme", &["user_id-1"]).await;
    let identity = "INSERT INTO identities VALUES ('identity-1', 'user_id-1', 'idp', 1, 'generic', 'account', '{}', '[]')";
    roster.database.execute(identity).await;
    let tokens = ProviderTokens { access_token: Some("token".to_owned()), refresh_token: None };
    let set = SetProviderTokens(vec![("identity-1".to_owned(), tokens)]);
    roster.store.write(Context::default(), set).await.unwrap();
    let (user_id, password) = (|| Some("other".to_owned()), Some("hunter2".to_owned()));
    let set = SetPasswordRequest { user_id: user_id(), password, ..Default::default() };
    client.credentials().set_password(set).await.unwrap();
    let refresh = RefreshUserTokenRequest { user_id: user_id(), ..Default::default() };
    client.users().refresh_user_token(refresh).await.unwrap();
    client.made(None, None, "department").await;
    client.made_post(None, "post").await;
    client.users().list_users(ListUsersRequest { limit: Some(1), ..ListUsersRequest::default() }).await.unwrap();
    (roster, client)
}

async fn report(roster: &Roster) -> Report {
    verify(&roster.config, &|_, _| {}).await.unwrap()
}

#[tokio::test]
async fn a_clean_database_has_no_fault_and_every_table_is_looked_at() {
    let (roster, _client) = stored().await;
    let report = report(&roster).await;
    assert_eq!(report.faults(), 0, "{report:?}");
    for check in report.checks.iter().filter(|check| check.name != "idempotency answers") {
        assert!(check.rows > 0, "{check:?}");
    }
}

/// The SQL as the engine has it: how foreign keys are not checked, and a text longer than custom data may be.
fn spelled(sql: &str) -> String {
    let unchecked = if on_postgres() { "SET session_replication_role = replica" } else { "PRAGMA foreign_keys = OFF" };
    sql.replace("{unchecked}", unchecked).replace("{long}", &"0".repeat(80_000))
}

#[tokio::test]
async fn every_kind_of_fault_is_found_where_it_is() {
    for (what, sql, name, part) in FAULTS {
        let (roster, _client) = stored().await;
        roster.damage();
        roster.database.execute(&spelled(sql)).await;
        let report = report(&roster).await;
        let check = report.checks.iter().find(|check| check.name == *name).unwrap_or_else(|| panic!("{what}: {report:?}"));
        assert!(check.faults > 0 && check.told.iter().any(|told| told.contains(part)), "{what}: {report:?}");
        assert!(check.told.iter().all(|told| !told.contains("example.com")), "{what}: it tells personal data: {report:?}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_told() {
    let (roster, _client) = stored().await;
    roster.damage();
    let (path, config) = (roster.directory.path().join("roster.db"), roster.config.clone());
    let directory = roster.stop_and_keep().await;
    let length = std::fs::metadata(&path).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    // Everything but the first page, which says that it is a database, and the next, which may be unused.
    file.seek(SeekFrom::Start(8_192)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(length).unwrap() - 8_192]).unwrap();
    drop(file);
    match verify(&config, &|_, _| {}).await {
        Ok(report) => assert!(report.faults() > 0, "{report:?}"),
        Err(error) => assert!(error.to_string().contains("roster.db"), "{error}"),
    }
    drop(directory);
}
