//! A PostgreSQL server of our own, from the binaries that are installed: made in a temporary directory, gone with it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Where packages put the binaries, with `*` for a version.
const PLACES: &[&str] =
    &["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql*/bin"];
/// Who may run the server where we are root, whom it refuses.
const UNPRIVILEGED: &[&str] = &["postgres", "nobody"];
/// The locale of the cluster, where it says so: else en_US.UTF-8 where the system has it, as its order is not that of code points.
const LOCALE: &str = "ROSTER_TEST_POSTGRES_LOCALE";
/// Nothing here has to outlive a power cut.
const SETTINGS: &[&str] =
    &["fsync=off", "full_page_writes=off", "max_connections=300", "log_min_messages=warning", "unix_socket_directories="];

/// A running server; it ends with this, and with this process.
pub(crate) struct Cluster {
    binaries: PathBuf,
    port: u16,
    server: Child,
    /// What it is told beside [`SETTINGS`].
    settings: Vec<String>,
    /// What order its texts have by default.
    pub(crate) locale: String,
    // Dropped last: the server's files are in it.
    directory: TempDir,
}

impl Cluster {
    /// Makes one and starts it; `None`: PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// As [`Cluster::start`], with these settings, each as `name=value`.
    pub(crate) fn start_with(settings: &[&str]) -> Option<Self> {
        let binaries = binaries()?;
        let directory = tempfile::tempdir().unwrap();
        if let Some(user) = other_user() {
            assert!(Command::new("chown").arg(user).arg(directory.path()).status().unwrap().success());
        }
        let (locale, flags) = locale();
        let mut initdb = command(&binaries.join("initdb"));
        initdb.args(["--username=roster", "--auth=trust", "--encoding=UTF8", "--no-sync"]).args(flags);
        let made = initdb.arg("--pgdata").arg(directory.path().join("data")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings: Vec<_> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let server = serve(&binaries, directory.path(), port, &settings);
        let cluster = Self { binaries, port, server, settings, locale, directory };
        cluster.wait_until_it_takes_connections();
        Some(cluster)
    }

    /// Where it is: a user who may do everything, and a database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://roster@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A file of its own.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("data").join(name)
    }

    /// Kills all its processes at once, as the kernel does when memory is short.
    pub(crate) fn kill(&mut self) {
        // Stopped first: else it would begin to mend what its children leave behind.
        self.signal("STOP");
        self.signal_children("KILL");
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Lets none of its processes go on: what is sent to it is taken, and never answered.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
        self.signal_children("STOP");
    }

    /// Lets them go on.
    pub(crate) fn resume(&self) {
        self.signal_children("CONT");
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let server = self.server.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &server]).status().unwrap().success());
    }

    fn signal_children(&self, name: &str) {
        let (signal, server) = (format!("-{name}"), self.server.id().to_string());
        assert!(Command::new("pkill").args([&signal, "-P", &server]).status().unwrap().success(), "it has children");
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.server = serve(&self.binaries, self.directory.path(), self.port, &self.settings);
    }

    /// Waits until somebody can connect.
    pub(crate) fn wait_until_it_takes_connections(&self) {
        let ask = || {
            let mut asked = Command::new(self.binaries.join("pg_isready"));
            asked.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).stdout(Stdio::null()).status().unwrap().success()
        };
        for _ in 0..3_000 {
            if ask() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{}", fs::read_to_string(self.directory.path().join("log")).unwrap_or_default());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if matches!(self.server.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

fn serve(binaries: &Path, directory: &Path, port: u16, settings: &[String]) -> Child {
    let log = File::options().create(true).append(true).open(directory.join("log")).unwrap();
    let mut server = command(&binaries.join("postgres"));
    server.arg("-D").arg(directory.join("data")).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    server.args(SETTINGS.iter().copied().chain(settings.iter().map(String::as_str)).flat_map(|setting| ["-c", setting]));
    server.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
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
    let has_all = |place: &PathBuf| ["initdb", "postgres", "pg_isready"].iter().all(|name| place.join(name).exists());
    packaged.chain(on_path).find(has_all)
}

/// The program as a user whom the server accepts. It ends when we do, however we end.
fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).current_dir("/");
    if let Some(user) = other_user() {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// Who is to run the server, where we must not.
fn other_user() -> Option<&'static str> {
    let id = |arguments: &[&str]| Command::new("id").args(arguments).stderr(Stdio::null()).output().unwrap();
    let root = String::from_utf8_lossy(&id(&["-u"]).stdout).trim() == "0";
    root.then(|| *UNPRIVILEGED.iter().find(|user| id(&["-u", user]).status.success()).expect("a user who is not root"))
}

fn locale() -> (String, Vec<String>) {
    let chosen = std::env::var(LOCALE).unwrap_or_else(|_| "en_US.UTF-8".to_owned());
    let known = Command::new("locale").arg("-a").output().map(|known| known.stdout).unwrap_or_default();
    let plain = |name: &str| name.to_lowercase().replace('-', "");
    if chosen == "C" || String::from_utf8_lossy(&known).lines().any(|name| plain(name) == plain(&chosen)) {
        return (chosen.clone(), vec![format!("--locale={chosen}")]);
    }
    let flags = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
    ("en-US of ICU".to_owned(), flags.map(ToOwned::to_owned).to_vec())
}
