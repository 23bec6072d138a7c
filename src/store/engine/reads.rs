//! The reads that are asked most: which API key this is, and which user has an identifier. They travel in rounds
//! ([`super::rounds`]), and go from the columns to the wire's bytes with nothing in between ([`crate::proto::wire`]).

mod layout;
mod postgres;
mod sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prost::bytes::Bytes;

use super::Engine;
use super::postgres::{Own, Pool, Pools};
use super::prepared::Prepared;
use super::rounds::{Rounds, Source, Ticket};
use super::sqlite::connection::Settings;
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::store::Tenant;

pub(super) use layout::ENCODED;
pub(in crate::store) use layout::{Layout, encoded};

/// Bytes of a user, as it is guessed.
const USER: usize = 512;

/// How long rounds keep their connections to a server when nobody asks.
const STAY: Duration = Duration::from_millis(50);

/// The texts of all queries that rounds make.
#[derive(Debug)]
pub(in crate::store) struct Queries {
    /// The key of a secret's hash: [`KeyRow`]'s columns in their order, behind the hash.
    pub(in crate::store) key: Prepared,
    /// Users by their identifiers; a [`Look`] says which of these.
    pub(in crate::store) users: Vec<Prepared>,
}

/// A look for the user who has an identifier.
#[derive(Clone, Debug)]
pub(in crate::store) struct Look {
    /// Which of [`Queries::users`].
    pub(in crate::store) query: usize,
    /// What the identifier is matched by.
    pub(in crate::store) key: String,
    /// Who asks.
    pub(in crate::store) tenant: Tenant,
}

/// Who was found.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) enum Found {
    Nobody,
    One(User),
    /// Several have it.
    Several,
}

/// A user who was found.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct User {
    /// `UserDto` on the wire, of the columns that were asked for.
    pub(in crate::store) bytes: Bytes,
    /// Whether the tenant sees them; only some queries find whom they do not.
    pub(in crate::store) seen: bool,
}

impl Found {
    /// Takes in another row that answers the same look: an account may be known to several connections, and be one user's.
    fn add(&mut self, user: User) {
        match self {
            Self::Nobody => *self = Self::One(user),
            Self::One(first) if *first != user => *self = Self::Several,
            _ => {}
        }
    }
}

/// What is read of an API key by the hash of a secret.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct KeyRow {
    pub(in crate::store) api_key_id: String,
    pub(in crate::store) scopes: String,
    pub(in crate::store) organization_id: Option<String>,
    pub(in crate::store) revoked_at: Option<Timestamp>,
    pub(in crate::store) expires_at: Option<Timestamp>,
    /// When the secret ends, which a rotation has replaced.
    pub(in crate::store) secret_expires_at: Option<Timestamp>,
}

/// What is asked.
#[derive(Clone)]
pub(super) enum Question {
    Key(String),
    User(Look),
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Answer {
    Key(Option<Arc<KeyRow>>),
    User(Found),
}

/// The rounds of one runtime.
#[derive(Clone)]
pub(in crate::store) struct Reads(Rounds<Database>);

impl std::fmt::Debug for Reads {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Reads")
    }
}

/// What the rounds of all runtimes share.
#[derive(Debug)]
pub(super) struct Hot {
    queries: Queries,
    place: Place,
    /// Whether the engine is closed.
    closed: AtomicBool,
}

impl Hot {
    pub(super) fn new(queries: Queries, place: Place) -> Self {
        Self { queries, place, closed: AtomicBool::new(false) }
    }

    /// The connections of all runtimes.
    pub(super) fn opened(&self) -> Vec<Arc<Own>> {
        match &self.place {
            Place::Sqlite(_) => Vec::new(),
            Place::Postgres(pools) => pools.opened(),
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

/// Where rounds read.
#[derive(Debug)]
pub(super) enum Place {
    /// In a file, by connections that are made like this.
    Sqlite(Settings),
    /// On a server, by pools that are made like this.
    Postgres(Box<Pools>),
}

struct Database {
    engine: Engine,
    connections: Connections,
}

enum Connections {
    Sqlite(sqlite::Connection),
    Postgres(Pool),
}

impl Reads {
    /// The rounds of the runtime that they will be asked on, by connections of their own.
    /// Those at home, where few ask, share the connections of all other reads.
    pub(super) fn new(engine: &Engine, at_home: bool) -> Self {
        let connections = match &engine.hot.place {
            Place::Sqlite(settings) => Connections::Sqlite(sqlite::Connection::new(settings.clone())),
            Place::Postgres(pools) if !at_home => Connections::Postgres(pools.open(engine)),
            Place::Postgres(pools) => Connections::Postgres(pools.shared()),
        };
        // They have the connections for one at a time.
        Self(Rounds::new(Database { engine: engine.clone(), connections }, 1))
    }

    /// Asks for the key with a secret of this hash.
    pub(in crate::store) fn key(&self, hash: String) -> KeyTicket {
        KeyTicket(self.0.ask(Question::Key(hash)))
    }

    /// Looks for a user.
    ///
    /// # Errors
    /// Those of the database; [`crate::error::Error::Overloaded`] when too many wait.
    pub(in crate::store) async fn user(&self, look: Look) -> Result<Found> {
        if look.key.contains('\0') {
            // No stored one has it, and not every engine takes it as a parameter.
            return Ok(Found::Nobody);
        }
        match self.0.ask(Question::User(look)).answer().await? {
            Answer::User(found) => Ok(found),
            Answer::Key(_) => Ok(Found::Nobody),
        }
    }

    /// Closes its connections.
    pub(in crate::store) async fn close(&self) {
        match &self.0.source().connections {
            Connections::Sqlite(connection) => connection.close(),
            Connections::Postgres(pool) => pool.close().await,
        }
    }
}

/// The answer to come about a key.
#[derive(Debug)]
pub(in crate::store) struct KeyTicket(Ticket<Answer>);

impl KeyTicket {
    /// Waits for it; `None`: no key has such a secret.
    ///
    /// # Errors
    /// As [`Reads::user`].
    pub(in crate::store) async fn answer(self) -> Result<Option<Arc<KeyRow>>> {
        match self.0.answer().await? {
            Answer::Key(key) => Ok(key),
            Answer::User(_) => Ok(None),
        }
    }
}

impl Source for Database {
    type Question = Question;
    type Answer = Answer;

    fn stays(&self) -> Option<Duration> {
        matches!(self.connections, Connections::Postgres(Pool::Own(_))).then_some(STAY)
    }

    fn rest(&self) {
        if let Connections::Postgres(pool) = &self.connections {
            pool.rest();
        }
    }

    async fn answer(&self, questions: Arc<Vec<Question>>) -> Result<Vec<Answer>> {
        if self.engine.hot.closed.load(Ordering::Relaxed) {
            return Err(Error::StoreUnavailable { outcome_unknown: false, cause: "it is closed".into() });
        }
        match &self.connections {
            Connections::Sqlite(connection) => {
                self.engine.attempts(|| std::future::ready(connection.answer(&self.engine, &questions))).await
            }
            Connections::Postgres(pool @ Pool::Own(..)) => {
                self.engine.attempts(|| Box::pin(postgres::answer(pool, &self.engine, &questions))).await
            }
            Connections::Postgres(Pool::Shared(shared)) => {
                let (engine, pool) = (self.engine.clone(), Pool::Shared(shared.clone()));
                let at_home = async move {
                    let _permit = engine.reads.enter().await?;
                    engine.attempts(|| Box::pin(postgres::answer(&pool, &engine, &questions))).await
                };
                self.engine.at_home(at_home).await
            }
        }
    }
}
