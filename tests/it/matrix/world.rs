//! The world of the matrix: a server with the things of [`super::names`], put into its database past it, and again whenever a
//! call has changed them.

use std::fmt::Write;

use prost::Message;
use prost_reflect::DynamicMessage;
use prost_reflect::Value;
use roster::proto::IdentityProvider;
use roster::store::api_keys::RevokeApiKey;
use roster::store::{Context, Identifier, Tenant};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::names::{Level, Noun, OBJECTS, Object};
use super::secrets;
use super::{Method, input};
use crate::dto;
use crate::harness::{Client, Roster};
use crate::wire::{Answer, Wire, framed};

/// A server, the way to it, and the way to its database.
pub(super) struct World {
    pub(super) roster: Roster,
    wire: Wire,
    connection: DatabaseConnection,
    /// The secret of a key that is revoked, and stays so.
    pub(super) revoked: String,
    /// What the tokens of users are called, and the tokens.
    tokens: Vec<(String, String)>,
    /// What puts everything back.
    script: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let roster = Roster::start_with(&[("password_guesses", "off")]).await;
        let key = roster.key("*", None).await;
        let (revoked, id) = (key.secret.expose().to_owned(), key.api_key.api_key_id().to_owned());
        roster.store.write(Context::default(), RevokeApiKey { api_key_id: id.clone(), with_descendants: false }).await.unwrap();
        let (wire, connection) = (Wire::connect(roster.address).await, roster.database.connect().await);
        let mut world = Self { roster, wire, connection, revoked, tokens: Vec::new(), script: script(&id, "") };
        let mut former = String::new();
        user(&mut former, Object::Absent);
        for sql in [&world.script, &former] {
            world.connection.execute_unprepared(sql).await.unwrap();
        }
        for object in OBJECTS {
            let whose = Identifier::UserId(Noun::User.name(object));
            let token = world.roster.store.refresh_user_token(&Tenant::Pool, &whose).await.unwrap().token;
            world.tokens.push((object.text("token"), token));
        }
        world.script = script(&id, &secrets::of(&world.roster).await);
        world.restore().await;
        world
    }

    /// What is called so: a token of a user; of one who is not there, of one who was.
    pub(super) fn token(&self, object: Object) -> &str {
        let name = object.text("token");
        self.tokens.iter().find_map(|(known, token)| (*known == name).then_some(token)).unwrap()
    }

    /// The same with a view in the place of the table of memberships, which nothing can be written into.
    pub(super) async fn where_everybody_is_a_member(mut self) -> Self {
        self.roster.damage();
        self.script = String::new();
        let everybody =
            "SELECT organization_id, user_id, users.created_at AS user_created_at FROM organizations CROSS JOIN users";
        let view = format!("CREATE VIEW organization_members AS {everybody}");
        for sql in ["ALTER TABLE organization_members RENAME TO kept", &view] {
            self.connection.execute_unprepared(sql).await.unwrap();
        }
        self
    }

    /// Puts everything back.
    pub(super) async fn restore(&self) {
        self.connection.execute_unprepared(&self.script).await.unwrap();
    }

    /// The secret of a new key.
    pub(super) async fn key(&self, scopes: &str, bound: Level) -> String {
        let organization_id = bound.organization_id();
        let created = self.roster.bound_key(scopes, None, organization_id.as_deref()).await;
        created.secret.expose().to_owned()
    }

    /// A client with a new key.
    pub(super) async fn client(&self, scopes: &str, bound: Level) -> Client {
        self.roster.client_with_key(Some(&self.key(scopes, bound).await)).await
    }

    /// Calls with the request that the text spells.
    pub(super) async fn call(&self, method: &Method, key: Option<&str>, request: &str) -> Answer {
        self.send(method, key, "matrix", &input(method, request)).await
    }

    /// Calls under this request id.
    pub(super) async fn send(&self, method: &Method, key: Option<&str>, id: &str, request: &DynamicMessage) -> Answer {
        let text = |field: &str| Some(request.get_field_by_name(field)?.as_str()?.to_owned());
        let whose = |name: &str| OBJECTS.into_iter().find(|object| name == Noun::Identity.name(*object));
        let end_user = text("identity_id").filter(|_| method.name() == "GetIdentityTokens").and_then(|name| whose(&name));
        let bearer = end_user.map(|object| format!("Bearer {}", self.token(object)));
        let mut sent = request.clone();
        if let Some(text) = text("token") {
            let token = self.tokens.iter().fold(text, |text, (name, token)| text.replace(name, token));
            sent.set_field_by_name("token", Value::String(token));
        }
        self.send_for(method, key, id, bearer.as_deref(), &sent).await
    }

    /// Calls with this in the metadata `authorization`.
    pub(super) async fn send_for(
        &self,
        method: &Method,
        key: Option<&str>,
        id: &str,
        authorization: Option<&str>,
        request: &DynamicMessage,
    ) -> Answer {
        let headers = [("x-api-key", key), ("x-request-id", Some(id)), ("authorization", authorization)];
        let headers: Vec<_> = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        self.wire.send(&path, &headers, framed(&request.encode_to_vec())).await
    }
}

/// Everything as it was: what calls have made goes, what they have changed or deleted comes back. Organizations come first, so
/// that nobody clears a deleted one meanwhile; `secrets` last.
fn script(revoked: &str, secrets: &str) -> String {
    let mut script = format!(
        "BEGIN;
        UPDATE organizations SET deleted_at = NULL WHERE deleted_at IS NOT NULL;
        UPDATE api_keys SET revoked_at = NULL WHERE revoked_at IS NOT NULL AND api_key_id <> '{revoked}';
        DELETE FROM users;
        DELETE FROM groups;
        DELETE FROM roles;
        DELETE FROM departments;
        DELETE FROM posts;
        DELETE FROM organizations;
        DELETE FROM api_keys WHERE name <> 'test';"
    );
    for object in Noun::Organization.present() {
        let id = Noun::Organization.name(object);
        named(&mut script, "organizations", object, &[("organization_id", &id), ("code", &object.text("acme"))]);
    }
    for object in Noun::ApiKey.present() {
        let organization = object.homes().first().and_then(|home| home.organization_id());
        let mut columns = vec![("api_key_id", Noun::ApiKey.name(object)), ("name", object.text("keyname"))];
        columns.push(("scopes", String::new()));
        columns.extend(organization.map(|id| ("organization_id", id)));
        insert(&mut script, "api_keys", &columns, &["created_at"]);
    }
    for object in Noun::User.present() {
        user(&mut script, object);
    }
    for (noun, sets, members) in [(Noun::Group, "groups", "group_members"), (Noun::Role, "roles", "role_members")] {
        let id = format!("{}_id", &sets[..sets.len() - 1]);
        for set in noun.present() {
            let home = set.homes().first().copied();
            let level = home.and_then(Level::organization_id).unwrap_or_default();
            let (name, set_id) = (noun.name(set), set.text(&id));
            named(&mut script, sets, set, &[(&id, &set_id), ("code", &name), ("level", &level)]);
            let within = |user: &Object| home.is_none_or(|home| user.homes().contains(&home));
            for user in Noun::User.present().into_iter().filter(within) {
                let columns = [(id.as_str(), set_id.clone()), ("user_id", Noun::User.name(user)), ("level", level.clone())];
                insert(&mut script, members, &columns, &[]);
            }
        }
    }
    for object in Noun::Department.present() {
        department_and_post(&mut script, object);
    }
    script + secrets + "COMMIT;"
}

/// A department that all its level's users lead, and a post that they hold.
fn department_and_post(script: &mut String, object: Object) {
    let home = object.homes().first().copied();
    let level = home.and_then(Level::organization_id).unwrap_or_default();
    let (department, post) = (Noun::Department.name(object), Noun::Post.name(object));
    let text = |name: &'static str| (name, object.text(&format!("departments_{name}")));
    let its = [("department_id", department.clone()), ("level", level.clone()), text("code"), text("name"), text("etag")];
    insert(script, "departments", &its, &["created_at", "updated_at"]);
    let its = [("post_id", post.clone()), ("level", level.clone()), text("code"), text("name")];
    insert(script, "posts", &its, &[]);
    let within = |user: &Object| home.is_none_or(|home| user.homes().contains(&home));
    for user in Noun::User.present().into_iter().filter(within) {
        let whose = [("user_id", Noun::User.name(user)), ("level", level.clone())];
        let [user_id, level] = &whose;
        let led = [("department_id", department.clone()), user_id.clone(), level.clone()];
        insert(script, "department_members", &led, &["is_leader", "is_main"]);
        insert(script, "post_members", &[("post_id", post.clone()), user_id.clone(), level.clone()], &[]);
    }
}

/// A row with a name, a description and an etag.
fn named(script: &mut String, table: &str, object: Object, columns: &[(&str, &str)]) {
    let mut columns: Vec<_> = columns.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    let field = |name: &str| object.text(&format!("{table}_{name}"));
    columns.extend(["name", "description", "etag"].map(|name| (name, field(name))));
    insert(script, table, &columns, &["created_at", "updated_at"]);
}

/// A user with a text in every field that takes one, custom data, and their memberships.
fn user(script: &mut String, object: Object) {
    let identifiers = [
        ("user_id", Noun::User.name(object)),
        ("email", object.email()),
        ("phone", object.phone()),
        ("phone_country_code", "+86".to_owned()),
        ("birthdate", "2001-02-03".to_owned()),
    ];
    let user_id = Noun::User.name(object);
    let mut columns: Vec<_> =
        dto::writable().filter(dto::is_text).map(|field| (field.name().to_owned(), object.text(field.name()))).collect();
    for (name, text) in &mut columns {
        if let Some((_, own)) = identifiers.iter().find(|(identifier, _)| identifier == name) {
            text.clone_from(own);
        }
    }
    let owner = object.owner().and_then(Level::organization_id);
    columns.extend(owner.map(|owner| ("tenant_id".to_owned(), owner)));
    for (name, text) in [
        ("email_key", object.email()),
        ("phone_key", format!("+86{}", object.phone())),
        ("register_source", format!("[\"{}\"]", object.text("register_source"))),
        ("etag", object.text("etag")),
    ] {
        columns.push((name.to_owned(), text));
    }
    let columns: Vec<_> = columns.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let numbers = ["created_at", "updated_at", "status_changed_at", "status", "work_status", "gender", "user_source_type"];
    let others = ["password_last_set_at", "password_security_level", "token_expired_at", "email_verified", "phone_verified"];
    insert(script, "users", &columns, &[&numbers[..], &others].concat());
    let data = [("user_id", user_id.clone()), ("key", object.text("key")), ("value", format!("\"{}\"", object.text("value")))];
    insert(script, "user_custom_data", &data, &[]);
    let identity = [
        ("identity_id", Noun::Identity.name(object)),
        ("user_id", user_id.clone()),
        ("ext_idp_id", "idp".to_owned()),
        ("provider", i32::from(IdentityProvider::Lark).to_string()),
        ("type", object.text("type")),
        ("user_id_in_idp", object.text("account")),
        ("user_info_in_idp", format!("{{\"info\":\"{}\"}}", object.text("info"))),
        ("origin_conn_ids", format!("[\"{}\"]", object.text("origin"))),
    ];
    insert(script, "identities", &identity, &[]);
    for home in object.homes() {
        let membership = [("organization_id", home.organization_id().unwrap()), ("user_id", user_id.clone())];
        insert(script, "organization_members", &membership, &["user_created_at"]);
    }
}

/// A row of these texts, and of ones, or of truths where the column takes these.
pub(super) fn insert(script: &mut String, table: &str, texts: &[(&str, String)], ones: &[&str]) {
    let one = |name: &&str| if name.ends_with("_verified") || name.starts_with("is_") { "TRUE" } else { "1" };
    let names: Vec<_> = texts.iter().map(|(name, _)| *name).chain(ones.iter().copied()).collect();
    let values = texts.iter().map(|(_, text)| format!("'{text}'")).chain(ones.iter().map(|name| one(name).to_owned()));
    let (names, values) = (names.join(", "), values.collect::<Vec<_>>().join(", "));
    writeln!(script, "INSERT INTO {table} ({names}) VALUES ({values});").unwrap();
}
