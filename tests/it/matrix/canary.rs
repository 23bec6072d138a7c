//! Canaries: every text of everybody whom A's keys may not see says so, and A's whole key asks for all of it in every way that
//! there is. No such text may come back, in an answer, a header, an error or the log, but what the request itself had. A negative
//! control takes the scope filter away and has the same routine find them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use prost_reflect::{DynamicMessage, Kind, Value};
use tonic::Code;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::EnvFilter;

use super::answers::{leaks, message, said};
use super::names::{Aim, By, Level, Noun, Object};
use super::table::TABLE;
use super::world::World;
use super::{Method, input, is_read, methods};

/// What a search looks into.
const SEARCHED: [&str; 10] = [
    "username",
    "nickname",
    "email",
    "company",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "profile",
    "preferred_username",
];

/// What placeholders stand for.
const NAMED: [(&str, Noun); 10] = [
    ("{user", Noun::User),
    ("{email}", Noun::User),
    ("{account}", Noun::User),
    ("{token}", Noun::User),
    ("{phone}", Noun::User),
    ("{group}", Noun::Group),
    ("{role}", Noun::Role),
    ("{department}", Noun::Department),
    ("{post}", Noun::Post),
    ("{key}", Noun::ApiKey),
];

/// Requests beside those of the table, with `{user}` and its like for somebody hidden.
const BESIDE: &[(&str, &str)] = &[
    ("UserService.SearchUsers", "query: 'kanari' {level}"),
    ("UserService.SearchUsers", "query: '{phone}' {level}"),
    ("UserService.SearchUsers", "query: '-' fields: 'nickname' {level}"),
    ("UserService.BatchGetUsers", "users { user_id: 'kanari-user-own' } users { {user} } users { user_id: 'x' } {level}"),
    ("UserService.BatchDeleteUsers", "user_ids: 'kanari-user-own' {users}"),
    ("UserService.CreateUser", "user { user_id: 'kanari-user-oth' username: 'new' }"),
    (
        "UserService.CreateUser",
        "user { phone: '{phone}' external_id: '{external_id}' email: '{email}' username: '{username}' }",
    ),
    ("UserService.BatchCreateUsers", "users { user { username: 'new' } } users { user { email: '{email}' } } atomic: true"),
    ("UserService.UpdateUser", "user_id: 'kanari-user-own' user { email: '{email}' phone: '{phone}' }"),
    ("UserService.UpdateUser", "user_id: 'kanari-user-own' user { tenant_id: 'kanari-organization-oth' }"),
    ("UserService.UpdateUser", "{user} user { tenant_id: 'kanari-organization-own' }"),
    ("UserService.UpdateUser", "{user} update_mask { paths: 'tenant_id' }"),
    ("UserService.UpdateUser", "{user} custom_data_unset: 'x' etag: 'x'"),
    ("UserService.UpdateUser", "{user} password: 'kanari-password-own' keep_tokens: true"),
    ("UserService.UpdateUser", "{user} user { token_expired_at { seconds: 1 } }"),
    ("UserService.DeleteUser", "{user} etag: 'x'"),
    ("UserService.AddUserRoles", "{user} role_codes: ['{role}', 'kanari-role-own', 'kanari-role-oth', 'x'] {level}"),
    ("GroupService.CreateGroup", "group { code: 'kanari-group-oth' {level} }"),
    ("GroupService.UpdateGroup", "code: 'kanari-group-own' group { code: 'kanari-group-oth' } {level}"),
    ("GroupService.DeleteGroup", "code: '{group}' etag: 'x' {level}"),
    ("RoleService.CreateRole", "role { code: 'kanari-role-pol' {level} }"),
    (
        "OrganizationService.UpdateOrganization",
        "organization_id: 'kanari-organization-own' organization { code: 'kanari-acme-oth' }",
    ),
    ("OrganizationService.CreateOrganization", "organization { code: 'kanari-acme-oth' }"),
    ("OrganizationService.CreateDepartment", "department { code: 'kanari-departments_code-oth' {level} }"),
    (
        "OrganizationService.UpdateDepartment",
        "department_id: '{department}' department { parent_department_id: 'kanari-department-own' }",
    ),
    (
        "OrganizationService.UpdateDepartment",
        "department_id: 'kanari-department-own' department { parent_department_id: '{department}' }",
    ),
    ("OrganizationService.CreatePost", "post { code: 'kanari-departments_code-oth' {level} }"),
    ("OrganizationService.SetUserPosts", "user_id: 'kanari-user-own' post_ids: ['{post}', 'kanari-post-own']"),
    (
        "IdentityService.LinkIdentity",
        "user_id: 'kanari-user-own' identity { ext_idp_id: 'idp' provider: IDENTITY_PROVIDER_LARK \
         user_id_in_idp: '{account}' }",
    ),
    (
        "UserService.CreateUser",
        "user { identities { ext_idp_id: 'idp' provider: IDENTITY_PROVIDER_LARK user_id_in_idp: '{account}' } }",
    ),
    ("CredentialService.SetPassword", "{user} password: 'kanari-password-own' keep_tokens: true"),
    ("CredentialService.VerifyPassword", "{user} password: 'kanari-password-own'"),
    ("TokenService.VerifyUserToken", "token: '{token}.'"),
    ("ApiKeyService.RotateApiKey", "api_key_id: '{key}' overlap { seconds: 0 }"),
];

/// What the log got.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything that Roster logs on this thread, and on those of the servers that are started on it, as long as the guard lives.
    fn listen(&self) -> DefaultGuard {
        // Where there is one listener alone, an event that another thread, which has none, comes to first is lost to everybody.
        static NOBODY: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
        LazyLock::force(&NOBODY);
        let log = self.clone();
        let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("roster=trace")).with_ansi(false);
        tracing::subscriber::set_default(lines.with_writer(move || log.clone()).finish())
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(ToOwned::to_owned).collect()
    }
}

/// A caller who asks for what is hidden, and all that came of it.
struct Spy<'a> {
    world: &'a World,
    key: String,
    /// As texts; their places are their request ids.
    requests: Vec<String>,
    found: BTreeSet<String>,
}

impl Spy<'_> {
    /// Asks for everything that is hidden from A's keys: how often, and what came back.
    async fn ask(world: &World, log: &Log) -> (usize, BTreeSet<String>) {
        log.clear();
        let key = world.key("*", Level::A).await;
        let mut spy = Spy { world, key, requests: Vec::new(), found: BTreeSet::new() };
        let methods = methods();
        for row in TABLE {
            for (template, results) in row.requests.iter().flat_map(|template| row.results.iter().map(move |of| (template, of)))
            {
                spy.about(&methods[row.rpc], template, results.noun).await;
            }
        }
        for (rpc, template) in BESIDE {
            let named = NAMED.iter().filter(|(placeholder, _)| template.contains(placeholder)).map(|(_, noun)| *noun);
            let named: Vec<_> = named.collect();
            for noun in if named.is_empty() { vec![Noun::Nothing] } else { named } {
                spy.about(&methods[*rpc], template, noun).await;
            }
        }
        for field in SEARCHED {
            let query = format!("query: '{}' fields: '{field}'", Object::Other.text(field));
            spy.send(&methods["UserService.SearchUsers"], input(&methods["UserService.SearchUsers"], &query)).await;
        }
        let answered = log.lines().iter().filter(|line| line.contains("answered")).count();
        assert!(answered >= spy.requests.len(), "{answered} lines for {} calls", spy.requests.len());
        for line in log.lines() {
            spy.hold_against_request(&line);
        }
        (spy.requests.len(), spy.found)
    }

    /// Asks about each hidden thing of the noun, and of those who are in both organizations, by all ids and at every level.
    async fn about(&mut self, method: &Method, template: &str, noun: Noun) {
        for object in noun.present() {
            let hidden = object.is_hidden_from(Level::A) || noun == Noun::Nothing;
            for by in if hidden && template.contains("{user") { &By::ALL[..] } else { &By::ALL[..1] } {
                for named in [None, Some(Level::A), Some(Level::B), Some(Level::Nowhere)] {
                    if named.is_some() && (!template.contains("{level}") || *by != By::Id) {
                        continue;
                    }
                    let aim = Aim { noun, object, by: *by, level: Level::A, named };
                    for flat in [false, true] {
                        let mut request = input(method, &aim.fill(template));
                        let shows = show_all(&mut request, flat);
                        if shows || !flat {
                            self.walk(method, request).await;
                        }
                    }
                }
            }
        }
    }

    /// Sends the request; a list is walked to its end, an item a page, and then begun at places that other keys were given.
    async fn walk(&mut self, method: &Method, mut request: DynamicMessage) {
        if method.input().get_field_by_name("page_token").is_none() {
            self.send(method, request).await;
            return;
        }
        request.set_field_by_name("limit", Value::I32(1));
        for bound in [Level::B, Level::Pool] {
            let key = self.world.key("*", bound).await;
            let id = self.note(method, &request);
            let token = next(method, &self.world.send(method, Some(&key), &id, &request).await);
            if !token.is_empty() {
                let mut request = request.clone();
                request.set_field_by_name("page_token", Value::String(token));
                self.send(method, request).await;
            }
        }
        loop {
            let token = self.send(method, request.clone()).await;
            if token.is_empty() {
                break;
            }
            request.set_field_by_name("page_token", Value::String(token));
        }
    }

    /// Sends the request and looks at all that comes back: what the next page is had by.
    async fn send(&mut self, method: &Method, request: DynamicMessage) -> String {
        let id = self.note(method, &request);
        let answer = self.world.send(method, Some(&self.key), &id, &request).await;
        if answer.status.code() == Code::Ok && !is_read(method) {
            self.world.restore().await;
        }
        self.hold_against_request(&format!("{id}{}", said(&answer)));
        next(method, &answer)
    }

    /// The id of a request that is about to be sent.
    fn note(&mut self, method: &Method, request: &DynamicMessage) -> String {
        self.requests.push(format!("{} {}", method.name(), request.to_text_format()));
        format!("spy-{}-", self.requests.len() - 1)
    }

    /// Looks for what is hidden in a text that has the id of a request.
    fn hold_against_request(&mut self, text: &str) {
        let id = text.split_once("spy-").and_then(|(_, rest)| rest.split_once('-')?.0.parse::<usize>().ok());
        let request = id.map_or("", |id| &self.requests[id]);
        let leaked = leaks(text, request, |object| object.is_hidden_from(Level::A));
        self.found.extend(leaked.iter().map(|canary| format!("{canary} came of {request}")));
    }
}

/// What the next page of an answer is had by.
fn next(method: &Method, answer: &crate::wire::Answer) -> String {
    if answer.status.code() != Code::Ok {
        return String::new();
    }
    let token = message(method, answer).get_field_by_name("next_page_token").map(Cow::into_owned);
    token.and_then(|token| token.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

/// Asks for everything that an answer can show; whether there is anything to ask for.
fn show_all(request: &mut DynamicMessage, flat: bool) -> bool {
    use prost_reflect::ReflectMessage;
    let kind = request.descriptor();
    let flags = kind.fields().filter(|field| field.kind() == Kind::Bool);
    for field in flags.filter(|field| field.name().starts_with("with_")) {
        request.set_field(&field, Value::Bool(true));
    }
    let shows = kind.get_field_by_name("flat_custom_data");
    shows.inspect(|field| request.set_field(field, Value::Bool(flat))).is_some()
}

#[tokio::test]
async fn nothing_of_others_comes_back_to_a_bound_key() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::new().await;
    let (calls, found) = Spy::ask(&world, &log).await;
    writeln!(io::stdout(), "canaries: {calls} calls, {} found", found.len()).unwrap();
    let some: Vec<_> = found.iter().take(20).collect();
    assert!(found.is_empty(), "{} canaries after {calls} calls: {some:#?}", found.len());
    assert!(calls > 1_000, "{calls}");
}

/// The negative control: a view takes the place of the table of memberships, under which everybody is a member of every
/// organization. Now the filter that every look at users goes through lets everybody pass, and the canaries must be found.
#[tokio::test]
async fn the_canaries_are_found_where_everybody_is_a_member() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::new().await.where_everybody_is_a_member().await;
    let (_, found) = Spy::ask(&world, &log).await;
    for text in ["kanari-nickname-oth", "kanari-identity_number-oth", "kanari-value-oth", "kanari-nickname-pol", "13800131234"]
    {
        assert!(found.iter().any(|found| found.starts_with(text)), "{text} is not among {} canaries", found.len());
    }
    for rpc in ["GetUser", "BatchGetUsers", "FindUser", "ListUsers", "SearchUsers", "ListOrganizationMembers"] {
        assert!(found.iter().any(|found| found.contains(&format!("of {rpc} "))), "{rpc}");
    }
}
