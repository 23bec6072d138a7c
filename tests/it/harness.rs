//! A server in this process on a port and a database of its own, clients with keys, and refusals taken apart.

pub(crate) mod cluster;
pub(crate) mod database;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use database::{Database, apart};
use roster::clock::Clock;
use roster::config::{Config, Overrides};
use roster::proto::api_key_service_client::ApiKeyServiceClient;
use roster::proto::credential_service_client::CredentialServiceClient;
use roster::proto::group_service_client::GroupServiceClient;
use roster::proto::identity_service_client::IdentityServiceClient;
use roster::proto::meta_service_client::MetaServiceClient;
use roster::proto::organization_service_client::OrganizationServiceClient;
use roster::proto::role_service_client::RoleServiceClient;
use roster::proto::token_service_client::TokenServiceClient;
use roster::proto::user_service_client::UserServiceClient;
use roster::proto::{CreateUserRequest, GetUserRequest, Timestamp, UserDto};
use roster::store::api_keys::{CreateApiKey, CreatedApiKey};
use roster::store::verify::verify;
use roster::store::{Context, Store, Tenant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::service::{Interceptor, Routes};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// A running server.
pub(crate) struct Roster {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    /// Stands still until a test moves it.
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) database: Arc<Database>,
    statements: Arc<AtomicUsize>,
    /// Whether the test has done to the database what no caller could; all servers on it know.
    damaged: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<Result<(), roster::server::Failed>>>,
    // Dropped last: the database lives in it.
    pub(crate) directory: Arc<TempDir>,
}

impl Roster {
    /// A server with the default settings.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with these settings beside the defaults.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, None).await
    }

    /// A server whose services are these, behind the usual layers.
    pub(crate) async fn start_serving(routes: Routes) -> Self {
        Self::build(&[], Some(routes)).await
    }

    /// A server with these settings on a database that is there.
    pub(crate) async fn start_on(database_url: &str, settings: &[(&str, &str)]) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), Arc::new(Database::at(database_url)), settings, None).await
    }

    async fn build(settings: &[(&str, &str)], routes: Option<Routes>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Arc::new(Database::new(directory.path()));
        Self::on(Arc::new(directory), database, settings, routes).await
    }

    /// A server on PostgreSQL whose transactions are serializable where they do not say otherwise.
    pub(crate) async fn start_serializable() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut database = Database::new(directory.path());
        database.url = database.url_with("default_transaction_isolation", "serializable");
        Self::on(Arc::new(directory), Arc::new(database), &[], None).await
    }

    /// Another server with the default settings on the same database. The one that goes last looks whether it is sound.
    pub(crate) async fn beside(&self) -> Self {
        Box::pin(self.beside_with(&[])).await
    }

    /// One with these settings beside the defaults.
    pub(crate) async fn beside_with(&self, settings: &[(&str, &str)]) -> Self {
        let mut other = Self::on(self.directory.clone(), self.database.clone(), settings, None).await;
        other.damaged = self.damaged.clone();
        other
    }

    async fn on(directory: Arc<TempDir>, database: Arc<Database>, settings: &[(&str, &str)], routes: Option<Routes>) -> Self {
        let config = config(&database.url, settings);
        let clock = Clock::stopped_at(Timestamp { seconds: 1_800_000_000, nanos: 0 });
        let mut store = Store::open(&config, clock.clone()).await.unwrap();
        let statements = Arc::new(AtomicUsize::new(0));
        let counted = statements.clone();
        store.observe_statements(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = store.clone();
        let served = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            match routes {
                None => roster::server::serve(serving, config.reflection, listener, stopped).await,
                Some(routes) => {
                    roster::server::serve_routes(move |_| routes.clone(), serving, config.reflection, listener, stopped).await
                }
            }
        });
        let damaged = Arc::new(AtomicBool::new(false));
        Self { address, store, clock, config, database, statements, damaged, stop: Some(stop), served: Some(served), directory }
    }

    /// How many statements the database has got so far, beginnings and ends of transactions aside.
    pub(crate) fn statements(&self) -> usize {
        self.statements.load(Ordering::SeqCst)
    }

    /// A client with a new key for these scopes, parted by commas.
    pub(crate) async fn client(&self, scopes: &str) -> Client {
        let created = self.key(scopes, None).await;
        self.client_with_key(Some(created.secret.expose())).await
    }

    /// A client with this key, or with none.
    pub(crate) async fn client_with_key(&self, key: Option<&str>) -> Client {
        let channel = Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap();
        Client { channel, key: Key(key.map(|key| key.parse().unwrap())) }
    }

    /// A new key for these scopes.
    pub(crate) async fn key(&self, scopes: &str, expires_at: Option<Timestamp>) -> CreatedApiKey {
        self.bound_key(scopes, expires_at, None).await
    }

    /// A new key for these scopes, bound to the organization.
    pub(crate) async fn bound_key(
        &self,
        scopes: &str,
        expires_at: Option<Timestamp>,
        organization_id: Option<&str>,
    ) -> CreatedApiKey {
        let level = Tenant::Pool.level(organization_id);
        let create = CreateApiKey { name: "test".to_owned(), scopes: scopes.parse().unwrap(), expires_at, level };
        self.store.write(Context::default(), create).await.unwrap()
    }

    /// A client with a new key for these scopes that is bound to the organization.
    pub(crate) async fn bound_client(&self, scopes: &str, organization_id: &str) -> Client {
        let created = self.bound_key(scopes, None, Some(organization_id)).await;
        self.client_with_key(Some(created.secret.expose())).await
    }

    /// Says that the test does to the database what no caller could: it need not be sound at the end.
    pub(crate) fn damage(&self) {
        self.damaged.store(true, Ordering::SeqCst);
    }

    /// Stops it as SIGTERM would, and waits for the end.
    pub(crate) async fn stop(mut self) -> Result<(), roster::server::Failed> {
        drop(self.stop.take());
        self.served.take().unwrap().await.unwrap()
    }

    /// Stops it and keeps what it leaves behind.
    pub(crate) async fn stop_and_keep(self) -> Arc<TempDir> {
        let directory = self.directory.clone();
        self.stop().await.unwrap();
        directory
    }
}

/// Whatever a test did, its database is sound in the end.
impl Drop for Roster {
    fn drop(&mut self) {
        let last = Arc::strong_count(&self.database) == 1;
        if !last || std::thread::panicking() || self.damaged.load(Ordering::SeqCst) {
            return;
        }
        let report = apart(verify(&self.config, &|_, _| {})).unwrap();
        assert_eq!(report.faults(), 0, "{report:?}");
    }
}

/// A byte of the master key of all servers, in hexadecimal.
const SECRET_KEY: &str = "5e";

/// The setting of a test that has no master key.
pub(crate) const NO_SECRET_KEY: (&str, &str) = ("secret_key", "");

/// What a hash of a password costs in tests that do not say: next to nothing.
const ARGON2: (&str, &str) = ("password_argon2", "m=8,t=1,p=1");

/// The settings of a test: its database, a master key, cheap hashes, and what the test adds.
pub(crate) fn config(database_url: &str, settings: &[(&str, &str)]) -> Config {
    let mut values = vec![("database_url".to_owned(), database_url.to_owned())];
    if settings.iter().all(|(name, _)| *name != "secret_key") {
        values.push(("secret_key".to_owned(), SECRET_KEY.repeat(32)));
    }
    if settings.iter().all(|(name, _)| *name != ARGON2.0) {
        values.push((ARGON2.0.to_owned(), ARGON2.1.to_owned()));
    }
    let given = settings.iter().filter(|setting| **setting != NO_SECRET_KEY);
    values.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Config::load(&Overrides::of(values), std::iter::empty()).unwrap().config
}

/// A connection that sends a key.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) channel: Channel,
    key: Key,
}

/// Puts the key into every call.
#[derive(Clone)]
pub(crate) struct Key(Option<MetadataValue<Ascii>>);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("x-api-key", key.clone());
        }
        Ok(request)
    }
}

impl Client {
    pub(crate) fn users(&self) -> UserServiceClient<InterceptedService<Channel, Key>> {
        UserServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn groups(&self) -> GroupServiceClient<InterceptedService<Channel, Key>> {
        GroupServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn credentials(&self) -> CredentialServiceClient<InterceptedService<Channel, Key>> {
        CredentialServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn tokens(&self) -> TokenServiceClient<InterceptedService<Channel, Key>> {
        TokenServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn identities(&self) -> IdentityServiceClient<InterceptedService<Channel, Key>> {
        IdentityServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn organizations(&self) -> OrganizationServiceClient<InterceptedService<Channel, Key>> {
        OrganizationServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn roles(&self) -> RoleServiceClient<InterceptedService<Channel, Key>> {
        RoleServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn api_keys(&self) -> ApiKeyServiceClient<InterceptedService<Channel, Key>> {
        ApiKeyServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    pub(crate) fn meta(&self) -> MetaServiceClient<InterceptedService<Channel, Key>> {
        MetaServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
    }

    /// Creates the user and gives what was stored.
    pub(crate) async fn create(&self, user: UserDto) -> Result<UserDto, Refusal> {
        let created = self.users().create_user(CreateUserRequest { user: Some(user), ..Default::default() }).await?;
        Ok(created.into_inner().user.unwrap())
    }

    /// Reads the user by id, custom data included.
    pub(crate) async fn get(&self, user_id: &str) -> Result<UserDto, Refusal> {
        let request = GetUserRequest { user_id: Some(user_id.to_owned()), with_custom_data: true, ..Default::default() };
        Ok(self.users().get_user(request).await?.into_inner().user.unwrap())
    }
}

/// A user with this username and nothing else.
pub(crate) fn named(username: &str) -> UserDto {
    UserDto { username: Some(username.to_owned()), ..UserDto::default() }
}

/// An error as a caller sees it, its details decoded.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) metadata: std::collections::HashMap<String, String>,
    /// Field and description of each violation.
    pub(crate) violations: Vec<(String, String)>,
    /// `RetryInfo`'s delay.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// Code and reason, to be compared at once.
    pub(crate) fn kind(&self) -> (Code, &str) {
        (self.code, &self.reason)
    }

    /// The fields of the violations.
    pub(crate) fn fields(&self) -> Vec<&str> {
        self.violations.iter().map(|(field, _)| field.as_str()).collect()
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        assert_eq!(info.domain, "roster");
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        Self {
            code: status.code(),
            reason: info.reason.clone(),
            message: status.message().to_owned(),
            metadata: info.metadata.clone(),
            violations: violations.into_iter().map(|violation| (violation.field, violation.description)).collect(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

/// The refusal of a call that must be refused.
pub(crate) fn refused<T>(answer: Result<T, Status>) -> Refusal {
    answer.map(drop).expect_err("the call should have been refused").into()
}

/// Asserts that the call is refused as `INVALID_ARGUMENT` `INVALID_FIELD` for exactly these fields.
#[track_caller]
pub(crate) fn assert_invalid<T>(answer: Result<T, Status>, fields: &[&str]) {
    let refusal = refused(answer);
    assert_eq!(refusal.kind(), (Code::InvalidArgument, "INVALID_FIELD"), "{refusal:?}");
    assert_eq!(refusal.fields(), fields, "{refusal:?}");
}
