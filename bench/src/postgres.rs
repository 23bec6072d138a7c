//! A PostgreSQL server of our own, from the binaries that are installed, with its defaults for all that makes it durable.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::Result;
use crate::machine::memory;
use crate::process::{end, output, tail};

/// Where packages put the binaries, with `*` for a version.
const PLACES: &[&str] =
    &["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql*/bin"];
/// What is used of them.
const PROGRAMS: &[&str] = &["initdb", "postgres", "pg_isready", "psql", "pgbench"];
/// Who may run the server where we are root, whom it refuses.
const UNPRIVILEGED: &[&str] = &["postgres", "nobody"];
/// Beside the defaults: memory, as the manual advises for a server that has some, and statements that can be counted where
/// somebody asks for it.
const SETTINGS: &[&str] = &["max_wal_size=4GB", "max_connections=200", "unix_socket_directories="];
const COUNTING: &[&str] = &["shared_preload_libraries=pg_stat_statements"];

/// A running server.
#[derive(Debug)]
pub(crate) struct Postgres {
    binaries: PathBuf,
    directory: PathBuf,
    port: u16,
    server: Child,
    /// Whether it can count statements.
    counts: bool,
}

impl Postgres {
    /// Starts it in this directory, where it finds what it left there; `None`: it is not installed.
    pub(crate) fn start(directory: &Path) -> Result<Option<Self>> {
        let Some(binaries) = binaries() else { return Ok(None) };
        fs::create_dir_all(directory)?;
        if let Some(user) = other_user()? {
            output(Command::new("chown").arg(user).arg(directory))?;
        }
        let data = directory.join("data");
        if !data.join("PG_VERSION").exists() {
            let mut initdb = command(&binaries.join("initdb"), &[])?;
            output(initdb.args(["--username=roster", "--auth=trust", "--encoding=UTF8", "--locale=C", "--pgdata"]).arg(&data))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let counts = can_count(&binaries);
        let server = serve(&binaries, directory, port, counts, &[])?;
        let postgres = Self { binaries, directory: directory.to_owned(), port, server, counts };
        postgres.wait()?;
        postgres.count_statements(false)?;
        Ok(Some(postgres))
    }

    /// Has the database in its buffers, as far as it fits, where it was installed with the module for it.
    pub(crate) fn warm(&self, database: &str) -> Result<()> {
        const RELATIONS: &str = "relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace";
        if self.ask(database, "CREATE EXTENSION IF NOT EXISTS pg_prewarm").is_err() {
            return Ok(());
        }
        self.ask(database, &format!("SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE {RELATIONS}")).map(drop)
    }

    /// Starts it anew where it was, with these variables.
    pub(crate) fn restart(&mut self, variables: &[(&str, String)]) -> Result<()> {
        end(&mut self.server, "INT")?;
        self.server = serve(&self.binaries, &self.directory, self.port, self.counts, variables)?;
        self.wait()
    }

    /// Where the database is.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://roster@127.0.0.1:{}/{database}", self.port)
    }

    /// The number of the process that all others come from.
    pub(crate) fn id(&self) -> u32 {
        self.server.id()
    }

    /// The version, as the server says it.
    pub(crate) fn version(&self) -> Result<String> {
        self.ask("postgres", "SHOW server_version")
    }

    /// What the statements answer, without headings, columns parted by `|`.
    pub(crate) fn ask(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1"]);
        psql.args(["--dbname", &self.url(database), "--command", sql]);
        Ok(output(&mut psql)?.trim_end().to_owned())
    }

    /// Makes the database, a copy of the template where one is named, in the place of one that is there.
    pub(crate) fn make(&self, database: &str, template: Option<&str>) -> Result<()> {
        self.drop_database(database)?;
        let template = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
        self.ask("postgres", &format!("CREATE DATABASE {database}{template}")).map(drop)
    }

    /// Drops the database where it is.
    pub(crate) fn drop_database(&self, database: &str) -> Result<()> {
        self.ask("postgres", &format!("DROP DATABASE IF EXISTS {database}")).map(drop)
    }

    /// What pgbench prints of a script that it runs on the database.
    pub(crate) fn pgbench(&self, database: &str, script: &Path, arguments: &[String]) -> Result<String> {
        let mut pgbench = Command::new(self.binaries.join("pgbench"));
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--file"]).arg(script).args(arguments);
        output(pgbench.arg(self.url(database)))
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Counts all statements from now on, or no more.
    pub(crate) fn count_statements(&self, count: bool) -> Result<()> {
        if self.counts {
            let track = if count { "top" } else { "none" };
            self.ask("postgres", &format!("ALTER SYSTEM SET pg_stat_statements.track = '{track}'"))?;
            self.ask("postgres", "SELECT pg_reload_conf()")?;
            // Its processes look when they are between two statements.
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// How many statements it has counted in this database; `None`: it cannot count.
    pub(crate) fn statements(&self, database: &str) -> Result<Option<u64>> {
        if !self.counts {
            return Ok(None);
        }
        self.ask("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")?;
        let sum = format!(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
             WHERE d.datname = '{database}'"
        );
        Ok(Some(self.ask("postgres", &sum)?.parse()?))
    }

    fn wait(&self) -> Result<()> {
        for _ in 0..3_000 {
            let mut ask = Command::new(self.binaries.join("pg_isready"));
            ask.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).stdout(Stdio::null());
            if ask.status()?.success() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(format!("PostgreSQL does not start: {}", tail(&self.log())).into())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // There is nobody to tell; what is not written is found in its log of writes.
        drop(end(&mut self.server, "INT"));
    }
}

fn serve(binaries: &Path, directory: &Path, port: u16, counts: bool, variables: &[(&str, String)]) -> Result<Child> {
    let log = File::options().create(true).append(true).open(directory.join("log"))?;
    let mut server = command(&binaries.join("postgres"), variables)?;
    server.arg("-D").arg(directory.join("data")).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    let settings = SETTINGS.iter().chain(COUNTING.iter().filter(|_| counts));
    server.args(settings.flat_map(|setting| ["-c", setting]));
    // As its documentation advises for a server of its own.
    server.args(["-c", &format!("shared_buffers={}MB", memory()? / 4_000_000)]);
    Ok(server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

/// Whether the module that counts statements is there.
fn can_count(binaries: &Path) -> bool {
    let library = binaries.parent().map(|root| root.join("lib/pg_stat_statements.so"));
    library.is_some_and(|library| library.exists())
}

/// Where the newest binaries are.
fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let packaged = PLACES.iter().flat_map(|place| {
        let (before, after) = place.split_once('*').unwrap_or((place, ""));
        let (parent, prefix) = before.rsplit_once('/').unwrap_or_default();
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let named = entries.filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix));
        let mut found: Vec<_> = named.map(|entry| PathBuf::from(format!("{}{after}", entry.path().display()))).collect();
        found.sort();
        found.into_iter().rev()
    });
    let has_all = |place: &PathBuf| PROGRAMS.iter().all(|name| place.join(name).exists());
    packaged.chain(on_path).find(has_all)
}

/// The program as a user whom the server accepts. It ends when we do, however we end.
fn command(program: &Path, variables: &[(&str, String)]) -> Result<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).current_dir("/");
    if let Some(user) = other_user()? {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg("--").arg("env").args(variables.iter().map(|(name, value)| format!("{name}={value}"))).arg(program);
    Ok(command)
}

/// Who is to run the server, where we must not.
fn other_user() -> Result<Option<&'static str>> {
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Ok(None);
    }
    let known = UNPRIVILEGED.iter().find(|user| output(Command::new("id").args(["-u", user])).is_ok());
    known.map(|user| Some(*user)).ok_or_else(|| "PostgreSQL refuses root, and there is no other user to run it".into())
}

/// Lets the server's user pass through a directory of ours.
pub(crate) fn open_to_pass(directory: &Path) -> Result<()> {
    let mut permissions = fs::metadata(directory)?.permissions();
    permissions.set_mode(permissions.mode() | 0o011);
    Ok(fs::set_permissions(directory, permissions)?)
}
