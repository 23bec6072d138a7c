//! The rules and the queries: what is true of users and keys, and how it is read and written.
//!
//! There are two doors. Every mutation goes through [`Store::write`], every lookup by identifier through [`lookup`]; what all of
//! them need is written there once.

pub mod api_keys;
pub mod backup;
mod changes;
pub mod collections;
pub mod credentials;
pub mod departments;
mod engine;
mod etag;
mod gathered;
pub mod groups;
mod idempotency;
pub mod identities;
pub mod identity_tokens;
mod lookup;
pub mod organizations;
pub mod paging;
pub mod posts;
pub mod resources;
pub mod roles;
mod sealing_keys;
pub mod secrets;
mod standing;
mod tenancy;
pub mod tokens;
pub mod users;
pub mod verify;
mod write;

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::clock::Clock;
use crate::config::{Config, Guesses, UserTokens};
use crate::error::Result;
use crate::normalize::phone::CallingCode;
use crate::page_token::PageTokens;
use crate::password::Hashing;
use crate::proto::Timestamp;

pub use api_keys::{Caller, last_used::LastUsed};
pub use engine::OpenError;
pub use idempotency::{RepeatKey, Written};
pub use lookup::{Account, Identifier};
pub use standing::{Located, Standing};
pub use tenancy::{Level, Tenant};
pub use write::{Context, Mutation, Tx};

/// The service's data. Clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    engine: engine::Engine,
    reads: engine::reads::Reads,
    gathered: gathered::Gathered,
    lists: users::Lists,
    callers: api_keys::Callers,
    clock: Clock,
    calling_code: CallingCode,
    last_used: LastUsed,
    page_tokens: Arc<OnceCell<PageTokens>>,
    secrets: secrets::Secrets,
    under_way: idempotency::UnderWay,
    clearing: organizations::Clearing,
    hashing: Hashing,
    guesses: Option<Guesses>,
    user_tokens: UserTokens,
}

impl Store {
    /// Connects to the database and brings its schema up to date; an empty one is fine.
    ///
    /// # Errors
    /// In words for whoever started the service.
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, OpenError> {
        let engine = engine::Engine::open(config).await?;
        Ok(Self {
            reads: engine.reads(true),
            gathered: gathered::Gathered::new(&engine),
            lists: users::Lists::new(&engine),
            callers: api_keys::Callers::default(),
            engine,
            clock,
            calling_code: config.phone_country_code,
            last_used: LastUsed::default(),
            page_tokens: Arc::default(),
            secrets: secrets::Secrets::of(config),
            under_way: idempotency::UnderWay::default(),
            clearing: organizations::Clearing::default(),
            hashing: Hashing::new(config.password_argon2),
            guesses: config.password_guesses,
            user_tokens: config.user_tokens.clone(),
        })
    }

    /// Which steps of the schema the database has had; nothing is changed.
    ///
    /// # Errors
    /// In words for whoever asks.
    pub async fn schema(config: &Config) -> Result<Vec<roster_migrations::Status>, OpenError> {
        engine::Engine::schema(config).await
    }

    /// The time by which the store goes.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells `observe` of every statement that goes to the database from now on: for tests and benchmarks, before anything is
    /// served.
    pub fn observe_statements(&mut self, observe: impl Fn() + Clone + Send + Sync + 'static) {
        self.engine.observe(observe);
        self.reads = self.engine.reads(true);
        self.gathered = gathered::Gathered::new(&self.engine);
        self.lists = users::Lists::new(&self.engine);
    }

    /// The same store for another runtime: what travels together is what is asked on one.
    #[must_use]
    pub fn for_runtime(&self) -> Self {
        let (reads, gathered) = (self.engine.reads(false), gathered::Gathered::new(&self.engine));
        let (lists, callers) = (users::Lists::new(&self.engine), api_keys::Callers::default());
        Self { reads, gathered, lists, callers, ..self.clone() }
    }

    /// Closes what is this runtime's own.
    pub async fn close_for_runtime(&self) {
        self.reads.close().await;
    }

    /// The calling code of phone numbers that name none.
    #[must_use]
    pub fn calling_code(&self) -> CallingCode {
        self.calling_code
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`crate::error::Error::StoreUnavailable`] where it does not.
    pub async fn ping(&self) -> Result<()> {
        self.engine.ping().await
    }

    /// Notes what is still to be noted, lets writers finish, and closes all connections.
    pub async fn close(self) {
        self.flush_last_used().await;
        self.reads.close().await;
        self.engine.close().await;
    }
}
