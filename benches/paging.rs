//! What a page by token costs deep in a list: page 1,000 against page 2, of all users and of a group's members.
//!
//! `cargo bench --bench paging` prints one figure a line. The server is in this process, on a database of its own.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use roster::clock::{Clock, monotonic};
use roster::config::{Config, Overrides};
use roster::proto::group_service_client::GroupServiceClient;
use roster::proto::user_service_client::UserServiceClient;
use roster::proto::{CountMode, ListGroupMembersRequest, ListUsersRequest};
use roster::store::api_keys::CreateApiKey;
use roster::store::{Context, Level, Store};
use sea_orm::{ConnectionTrait, Database};
use tokio::net::TcpListener;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USERS: usize = 110_000;
/// Users a page.
const LIMIT: i32 = 100;
/// The pages that are compared.
const NEAR: usize = 2;
const FAR: usize = 1_000;
/// Medians, and the calls of which each is one.
const RUNS: usize = 7;
const CALLS: usize = 101;
/// What page 1,000 may cost of page 2.
const GOAL: f64 = 1.3;

/// The lists that are measured.
#[derive(Clone, Copy)]
enum List {
    Users,
    GroupMembers,
}

/// A caller of the server.
struct Caller {
    users: UserServiceClient<Channel>,
    groups: GroupServiceClient<Channel>,
    key: MetadataValue<Ascii>,
}

impl Caller {
    /// Asks for the page of this token and gives the next one's.
    async fn page(&mut self, list: List, count: CountMode, page_token: String) -> Result<String> {
        let (limit, count) = (Some(LIMIT), count.into());
        let (users, next) = match list {
            List::Users => {
                let request = ListUsersRequest { limit, page_token, count, ..ListUsersRequest::default() };
                let page = self.users.list_users(keyed(request, &self.key)).await?.into_inner();
                (page.users.len(), page.next_page_token)
            }
            List::GroupMembers => {
                let code = Some("all".to_owned());
                let request = ListGroupMembersRequest { code, limit, page_token, count, ..Default::default() };
                let page = self.groups.list_group_members(keyed(request, &self.key)).await?.into_inner();
                (page.users.len(), page.next_page_token)
            }
        };
        if i32::try_from(users)? != LIMIT || next.is_empty() {
            return Err(format!("a page of {users} users in the midst of {USERS}").into());
        }
        Ok(next)
    }

    /// The tokens of the two pages that are compared.
    async fn tokens(&mut self, list: List) -> Result<[String; 2]> {
        let mut token = String::new();
        let mut near = String::new();
        for page in 1..FAR {
            token = self.page(list, CountMode::None, token).await?;
            if page + 1 == NEAR {
                near.clone_from(&token);
            }
        }
        Ok([near, token])
    }

    async fn time(&mut self, list: List, count: CountMode, token: &str) -> Result<Duration> {
        let start = monotonic();
        self.page(list, count, token.to_owned()).await?;
        Ok(start.elapsed())
    }

    /// The medians of a run in which both pages are asked for in turn.
    async fn run(&mut self, list: List, count: CountMode, tokens: &[String; 2]) -> Result<[Duration; 2]> {
        let mut times = [Vec::new(), Vec::new()];
        for call in 0..2 * CALLS {
            times[call % 2].push(self.time(list, count, &tokens[call % 2]).await?);
        }
        Ok(times.map(median))
    }
}

fn keyed<T>(message: T, key: &MetadataValue<Ascii>) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-api-key", key.clone());
    request
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values[values.len() / 2]
}

/// A server on a new database in the directory, until this process ends.
async fn serve(directory: &Path) -> Result<Caller> {
    let url = format!("sqlite://{}?mode=rwc", directory.join("roster.db").display());
    let config = Config::load(&Overrides::of([("database_url".to_owned(), url)]), std::iter::empty())?.config;
    let store = Store::open(&config, Clock::default()).await?;
    let create = CreateApiKey {
        name: "bench".to_owned(),
        scopes: "users:read,groups:read".parse()?,
        expires_at: None,
        level: Level::Pool,
    };
    let key = store.write(Context::default(), create).await?.secret.expose().parse()?;
    fill(directory, store.now().micros()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(roster::server::serve(store, config.reflection, listener, std::future::pending()));
    let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let (users, groups) = (UserServiceClient::new(channel.clone()), GroupServiceClient::new(channel));
    Ok(Caller { users, groups, key })
}

/// Puts the users and a group of all of them into the tables.
async fn fill(directory: &Path, now: i64) -> Result<()> {
    let database = Database::connect(format!("sqlite://{}", directory.join("roster.db").display())).await?;
    let fill = format!(
        "WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < {USERS}),
            drawn AS (SELECT number, lower(hex(randomblob(16))) AS id, {now} - abs(random() % 31536000) * 1000000 AS born
                FROM numbers)
        INSERT INTO users (user_id, created_at, updated_at, status, work_status, username, email, email_key, phone,
            phone_country_code, phone_key, name, nickname, company, city, country, gender, email_verified, phone_verified,
            user_source_type, status_changed_at, etag)
        SELECT id, born, born, 1, 1, 'user-' || number, 'user-' || number || '@example.com', 'user-' || number || '@example.com',
            printf('188%08d', number), '+86', printf('+86188%08d', number), 'Name ' || number, 'Nick ' || number,
            'Company ' || number % 100, 'Berlin', 'DE', 3, 1, 0, 3, born, id
        FROM drawn;
        INSERT INTO groups (group_id, code, etag, created_at, updated_at) VALUES ('all', 'all', 'e', {now}, {now});
        INSERT INTO group_members (group_id, user_id) SELECT 'all', user_id FROM users"
    );
    database.execute_unprepared(&fill).await?;
    database.close().await?;
    Ok(())
}

fn print(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Measures a list and prints what it found.
async fn measure(caller: &mut Caller, name: &str, list: List, count: CountMode) -> Result<()> {
    let tokens = caller.tokens(list).await?;
    caller.run(list, count, &tokens).await?;
    let mut medians = [Vec::new(), Vec::new()];
    for run in 1..=RUNS {
        let [near, far] = caller.run(list, count, &tokens).await?;
        eprintln!("{name}: run {run} of {RUNS}: page {NEAR} {near:?}, page {FAR} {far:?}");
        medians[0].push(near.as_secs_f64());
        medians[1].push(far.as_secs_f64());
    }
    let [near, far] = medians.map(median);
    print(&format!("{name} page_{NEAR}_microseconds {:.0}", near * 1e6))?;
    print(&format!("{name} page_{FAR}_microseconds {:.0}", far * 1e6))?;
    print(&format!("{name} ratio {:.2} (goal: at most {GOAL})", far / near))
}

#[tokio::main]
async fn main() -> Result<()> {
    let directory = tempfile::tempdir()?;
    eprintln!("making {USERS} users");
    let mut caller = serve(directory.path()).await?;
    for (name, list, count) in [
        ("list_users", List::Users, CountMode::None),
        ("list_group_members", List::GroupMembers, CountMode::None),
        ("list_users_counted", List::Users, CountMode::Unspecified),
        ("list_group_members_counted", List::GroupMembers, CountMode::Unspecified),
    ] {
        measure(&mut caller, name, list, count).await?;
    }
    Ok(())
}
