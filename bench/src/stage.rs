//! Where it all takes place: a directory with the databases, Roster's binary, and a PostgreSQL where there is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Result;
use crate::load;
use crate::postgres::{Postgres, open_to_pass};
use crate::process::{Process, bound, output};
use crate::progress::say;

/// What is encrypted in these databases is nobody's.
const SECRET_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What Roster keeps users in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Engine {
    /// A file
    Sqlite,
    /// A server
    Postgres,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A database of Roster's, and a key that may do everything with it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) engine: Engine,
    /// What it is called: the file without its ending, or the database of the server.
    pub(crate) name: String,
    pub(crate) key: String,
    /// How many users were loaded.
    pub(crate) users: u64,
}

/// How Roster is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    /// What its environment has beside the settings.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Whether one core has to do.
    pub(crate) one_core: bool,
}

/// The place.
#[derive(Debug)]
pub(crate) struct Stage {
    directory: PathBuf,
    roster: PathBuf,
    pub(crate) postgres: Option<Postgres>,
    // Dropped last: the databases are in it.
    _temporary: Option<TempDir>,
}

impl Stage {
    /// Sets it up: in the directory, which keeps the loaded databases for the next time, or in one that is gone afterwards.
    pub(crate) fn new(data: Option<&Path>, roster: PathBuf, engines: &[Engine]) -> Result<Self> {
        let temporary = if data.is_some() { None } else { Some(tempfile::tempdir()?) };
        let directory = match (data, &temporary) {
            (Some(data), _) => data,
            (None, Some(temporary)) => temporary.path(),
            (None, None) => Path::new("."),
        };
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let mut postgres = None;
        if engines.contains(&Engine::Postgres) {
            open_to_pass(&directory)?;
            postgres = Postgres::start(&directory.join("postgres"))?;
            if postgres.is_none() {
                say("PostgreSQL is left out: its binaries (initdb, postgres, psql, pgbench) were not found");
            }
        }
        Ok(Self { directory, roster, postgres, _temporary: temporary })
    }

    /// The engines of these that there are.
    pub(crate) fn engines(&self, wanted: &[Engine]) -> Vec<Engine> {
        let there = |engine: &Engine| *engine == Engine::Sqlite || self.postgres.is_some();
        wanted.iter().copied().filter(there).collect()
    }

    /// Roster's binary.
    pub(crate) fn binary(&self) -> &Path {
        &self.roster
    }

    /// A file beside the databases.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The file of an SQLite database.
    pub(crate) fn sqlite_file(&self, name: &str) -> PathBuf {
        self.file(&format!("{name}.db"))
    }

    /// The server, which the caller knows to be there.
    pub(crate) fn server(&self) -> Result<&Postgres> {
        self.postgres.as_ref().ok_or_else(|| "there is no PostgreSQL".into())
    }

    fn url(&self, engine: Engine, name: &str) -> Result<String> {
        Ok(match engine {
            Engine::Sqlite => format!("sqlite://{}?mode=rwc", self.sqlite_file(name).display()),
            Engine::Postgres => self.server()?.url(name),
        })
    }

    /// A database with so many users, loaded where an earlier run has not left it.
    pub(crate) fn database(&self, engine: Engine, users: u64) -> Result<Database> {
        let name = format!("users_{users}");
        let marker = self.file(&format!("{name}.{engine}.key"));
        if let Ok(key) = fs::read_to_string(&marker) {
            return Ok(Database { engine, name, key, users });
        }
        match engine {
            Engine::Sqlite => self.remove_sqlite(&name)?,
            Engine::Postgres => self.server()?.make(&name, None)?,
        }
        let mut keys = self.command(engine, &name, &Launch::default())?;
        let key = output(keys.args(["keys", "create", "--name", "bench", "--scopes", "*"]))?.trim().to_owned();
        let database = Database { engine, name, key, users };
        let server = self.serve(&database, &Launch::default())?;
        load::load(&server.address, &database.key, users, &format!("{engine} with {users} users"))?;
        server.stop()?;
        match engine {
            Engine::Sqlite => self.checkpoint(&database)?,
            Engine::Postgres => drop(self.server()?.ask(&database.name, "VACUUM ANALYZE")?),
        }
        fs::write(marker, &database.key)?;
        Ok(database)
    }

    /// Puts all that an SQLite database has into its one file. No server may have it open.
    pub(crate) fn checkpoint(&self, database: &Database) -> Result<()> {
        let connection = rusqlite::Connection::open(self.sqlite_file(&database.name))?;
        Ok(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?)
    }

    /// Starts PostgreSQL anew, with these variables.
    pub(crate) fn restart_postgres(&mut self, variables: &[(&'static str, String)]) -> Result<()> {
        self.postgres.as_mut().map_or(Ok(()), |postgres| postgres.restart(variables))
    }

    /// A copy that may be written to. No server may have the database open.
    pub(crate) fn copy(&self, of: &Database, name: &str) -> Result<Database> {
        match of.engine {
            Engine::Sqlite => {
                self.remove_sqlite(name)?;
                fs::copy(self.sqlite_file(&of.name), self.sqlite_file(name))?;
            }
            Engine::Postgres => self.server()?.make(name, Some(&of.name))?,
        }
        Ok(Database { name: name.to_owned(), ..of.clone() })
    }

    /// Removes a copy.
    pub(crate) fn remove(&self, database: &Database) -> Result<()> {
        match database.engine {
            Engine::Sqlite => self.remove_sqlite(&database.name),
            Engine::Postgres => self.server()?.drop_database(&database.name),
        }
    }

    fn remove_sqlite(&self, name: &str) -> Result<()> {
        for ending in ["db", "db-wal", "db-shm"] {
            let file = self.file(&format!("{name}.{ending}"));
            if file.exists() {
                fs::remove_file(file)?;
            }
        }
        Ok(())
    }

    /// Starts Roster on the database.
    pub(crate) fn serve(&self, database: &Database, launch: &Launch) -> Result<Process> {
        let command = self.command(database.engine, &database.name, launch)?;
        Process::serve(command, &self.file(&format!("roster.{}.log", database.engine)))
    }

    fn command(&self, engine: Engine, name: &str, launch: &Launch) -> Result<Command> {
        let mut command = bound(Path::new("env"));
        command.args(launch.variables.iter().map(|(name, value)| format!("{name}={value}")));
        if launch.one_core {
            command.args(["taskset", "--cpu-list", "0"]);
        }
        command.arg(&self.roster).current_dir(&self.directory);
        // What is set for the one who runs this is not meant for it.
        for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ROSTER_")) {
            command.env_remove(variable);
        }
        command.env("ROSTER_DATABASE_URL", self.url(engine, name)?).env("ROSTER_LISTEN", "127.0.0.1:0");
        command.env("ROSTER_METRICS_LISTEN", "").env("ROSTER_SECRET_KEY", SECRET_KEY).env("ROSTER_LOG", "warn");
        Ok(command)
    }
}

/// Roster's binary, built now, or the one that is named.
pub(crate) fn roster(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.canonicalize().map_err(|error| format!("{}: {error}", named.display()))?);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    say("building Roster");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Together with us: alone, it would have other features of what both use, and all of that would be built once more.
    let packages = ["--package", "roster", "--package", "roster-bench"];
    let mut command = Command::new(cargo);
    // What cargo says of us to us: some build scripts of others look at it, and would run again, and all that needs them after.
    for (variable, _) in std::env::vars_os().filter(|(name, _)| is_about_us(&name.to_string_lossy())) {
        command.env_remove(variable);
    }
    let built = command.args(["build", "--release"]).args(packages).current_dir(&root).status()?;
    if !built.success() {
        return Err("Roster does not build".into());
    }
    // Where cargo puts it is where it has put us.
    let place = std::env::current_exe()?;
    Ok(place.with_file_name("roster"))
}

/// Whether a variable is one that `cargo run` sets for what it runs.
fn is_about_us(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|start| variable.starts_with(start))
}
