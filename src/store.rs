//! The rules and the queries: what is true of users and keys, and how it is read and written.
//!
//! There are two doors. Every mutation goes through [`Store::write`], every lookup by identifier through [`Store::lookup`];
//! what all of them need is written there once.

pub mod api_keys;
mod engine;
mod etag;
mod lookup;
pub mod users;
mod write;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::normalize::phone::CallingCode;

pub use api_keys::{Caller, last_used::LastUsed};
pub use engine::OpenError;
pub use lookup::Identifier;
pub use write::{Context, Mutation, Tx};

/// The service's data. Clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    engine: engine::Engine,
    clock: Clock,
    calling_code: CallingCode,
    last_used: LastUsed,
}

impl Store {
    /// Connects to the database and brings its schema up to date; an empty one is fine.
    ///
    /// # Errors
    /// In words for whoever started the service.
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, OpenError> {
        let engine = engine::Engine::open(config).await?;
        Ok(Self { engine, clock, calling_code: config.phone_country_code, last_used: LastUsed::default() })
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
        self.engine.close().await;
    }
}
