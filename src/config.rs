//! The configuration (contract §6): the defaults in `roster.default.toml`, then a TOML file, then the environment, then flags.
//! Everything that is wrong with it is told at once, by the names that were written.

mod credentials;
mod database_url;
mod effective;
mod overrides;
mod read;
pub mod settings;
mod sources;
mod values;

use std::{fmt, net::SocketAddr, path::Path, path::PathBuf};

pub use credentials::{Guesses, UserTokens};
pub use database_url::{DatabaseUrl, Location, SqliteFile};
pub use overrides::Overrides;
pub use sources::environment;
pub use values::LogFormat;

use crate::api_key::Secret;
use crate::normalize::phone::CallingCode;
use crate::password::Parameters;
use crate::secret_key::MasterKey;
use sources::Sources;

/// The settings, checked. What each of them means is said in `roster.default.toml`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything is kept.
    pub database_url: DatabaseUrl,
    /// The most connections to keep open, 1 to 1000; `None`: what suits the engine.
    pub database_max_connections: Option<u32>,
    /// How many prepared statements a connection keeps; `None`: what suits the engine.
    pub database_statement_cache: Option<usize>,
    /// The address to serve on; loopback, unless `insecure` was set.
    pub listen: SocketAddr,
    /// The address to serve public keys over HTTP on; loopback, unless `insecure` was set; `None`: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether nobody chose that address, so that a start goes on where another process has it.
    pub metrics_listen_is_default: bool,
    /// A key to ensure at start: at least 32 visible ASCII characters.
    pub bootstrap_api_key: Option<Secret>,
    /// The master key of what is encrypted at rest; `None` with SQLite: the one in the file beside the database.
    pub secret_key: Option<MasterKey>,
    /// What user tokens say, and how long they last.
    pub user_tokens: UserTokens,
    /// How often a password may be guessed; `None`: as often as anyone likes.
    pub password_guesses: Option<Guesses>,
    /// What the hash of a password costs.
    pub password_argon2: Parameters,
    /// The calling code of phone numbers that come without one.
    pub phone_country_code: CallingCode,
    /// Whether anyone may ask for the descriptors.
    pub reflection: bool,
    /// What to log: directives of `tracing_subscriber::EnvFilter`, known to parse.
    pub log: String,
    /// How a line of the log reads.
    pub log_format: LogFormat,
}

/// A configuration and what else there is to say about it.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What was set and does nothing, one line each; for the log.
    pub warnings: Vec<String>,
    sources: Sources,
}

/// What is wrong with a configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<String>);

impl Config {
    /// The same settings on the database of a file that is there.
    #[must_use]
    pub fn of_file(&self, path: &Path) -> Self {
        Self { database_url: DatabaseUrl::of_file(path), ..self.clone() }
    }

    /// The file with the master key: beside an SQLite database, where the setting does not give one.
    #[must_use]
    pub fn secret_key_file(&self) -> Option<PathBuf> {
        match (&self.secret_key, self.database_url.location()) {
            (None, Location::Sqlite(file)) => {
                let mut path = file.path.clone().into_os_string();
                path.push(".key");
                Some(path.into())
            }
            _ => None,
        }
    }
}

impl Problems {
    /// The lines.
    #[must_use]
    pub fn list(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Reads the configuration; the environment of this process is [`environment`].
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn load(overrides: &Overrides, environment: impl Iterator<Item = (String, String)>) -> Result<Loaded, Problems> {
        let mut sources = Sources::read(overrides, environment);
        let config = read::config(&mut sources);
        let problems = std::mem::take(&mut sources.problems);
        let warnings = std::mem::take(&mut sources.warnings);
        match config {
            Ok(config) if problems.is_empty() => Ok(Loaded { config, warnings, sources }),
            _ => Err(Problems(problems)),
        }
    }
}
