//! Where the binary is run: a directory, and what it said there.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use roster::config::DatabaseUrl;
use roster::proto::GetVersionResponse;
use tempfile::TempDir;
use tonic::Code;

use crate::harness::database::{Database, apart, on_postgres};
use crate::wire::{Answer, Wire};

/// The binary.
pub(crate) const ROSTER: &str = env!("CARGO_BIN_EXE_roster");
/// The variable that names the database.
pub(crate) const DATABASE: &str = "ROSTER_DATABASE_URL";
/// How long a command, or what it is waited for, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A directory to run the binary in.
pub(crate) struct Place {
    directory: TempDir,
    /// What runs there work on, unless they are told of another one.
    pub(crate) database: Database,
    /// Standard output and error of each run: outside the directory, so that a test sees what the binary itself put there.
    outputs: TempDir,
    /// Whether the test has done to the database what no caller could.
    damaged: std::cell::Cell<bool>,
}

/// A run that has not ended.
pub(crate) struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

#[expect(clippy::disallowed_methods, reason = "how long a process took is no business of the service's clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

impl Place {
    pub(crate) fn new() -> Self {
        let (directory, outputs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { database: Database::new(directory.path()), directory, outputs, damaged: false.into() }
    }

    /// Says that the test does to the database what no caller could: it need not be sound at the end.
    pub(crate) fn damage(&self) {
        self.damaged.set(true);
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The path of the file, once it is written.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Waits until the file is there.
    pub(crate) fn wait_for(&self, name: &str) {
        let begun = now();
        while !self.path(name).exists() {
            assert!(begun.elapsed() < PATIENCE, "{name} does not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The names of the files in it.
    pub(crate) fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// What messages call its database.
    pub(super) fn database_name(&self) -> String {
        if on_postgres() { DatabaseUrl::parse(&self.database.url).unwrap().to_string() } else { "roster.db".to_owned() }
    }

    /// Asserts that nothing was begun: there are these files alone, and no table on a server.
    #[track_caller]
    pub(super) fn assert_untouched(&self, files: &[&str]) {
        assert_eq!(self.files(), files);
        let (database, tables) = (&self.database, "SELECT 1 FROM pg_tables WHERE schemaname = current_schema()");
        assert!(!on_postgres() || apart(async { database.query(tables).await.is_empty() }), "there are tables");
    }

    /// The program, to be run in it; the environment is `PATH` and what is given.
    pub(crate) fn start_program(&self, program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let output = |kind: &str| {
            let run = fs::read_dir(self.outputs.path()).unwrap().count();
            self.outputs.path().join(format!("{run}.{kind}"))
        };
        let (stdout, stderr) = (output("out"), output("err"));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.directory.path()).env_clear().stdin(std::process::Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        // The default address is one for all that run at once.
        command.env("ROSTER_METRICS_LISTEN", "");
        // SQLite's file is the one that is used when nothing is said.
        command.envs(on_postgres().then_some((DATABASE, &self.database.url))).envs(environment.iter().copied());
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        Running { child: command.spawn().unwrap(), stdout, stderr }
    }

    /// Starts the binary with these arguments, parted by spaces.
    pub(crate) fn start(&self, arguments: &str, environment: &[(&str, &str)]) -> Running {
        self.start_program(ROSTER, &arguments.split_whitespace().collect::<Vec<_>>(), environment)
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &str, environment: &[(&str, &str)]) -> Ended {
        self.start(arguments, environment).wait()
    }

    /// Runs it to its end, which must be good, and gives its standard output.
    #[track_caller]
    pub(crate) fn output(&self, arguments: &str) -> String {
        let ended = self.run(arguments, &[]);
        assert_eq!(ended.status, Some(0), "{arguments}: {ended:?}");
        ended.stdout
    }

    /// Starts serving on any free port.
    pub(crate) fn serve(&self, environment: &[(&str, &str)]) -> Running {
        self.start("--listen 127.0.0.1:0", environment)
    }

    /// A key for everything: what the file with the first key holds, or one that is made where none was made at the start.
    pub(crate) fn root_key(&self) -> String {
        if on_postgres() {
            return self.output("keys create --name root --scopes *").trim().to_owned();
        }
        fs::read_to_string(self.path("roster.db.root-key")).unwrap().trim().to_owned()
    }
}

/// Whatever was done in it, the database there is sound in the end; one of a schema that is not ours is nobody's to judge.
impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() || self.damaged.get() || !(on_postgres() || self.path("roster.db").exists()) {
            return;
        }
        let ended = self.run("verify", &[]);
        assert!(!ended.stdout.contains("FAULTS"), "{ended:?}");
    }
}

impl Running {
    /// Waits until it says where it listens.
    #[track_caller]
    pub(crate) fn address(&mut self) -> SocketAddr {
        let begun = now();
        loop {
            let said = self.stdout();
            if let Some(address) = said.lines().find_map(|line| line.strip_prefix("listening on "))
                && said.ends_with('\n')
            {
                return address.parse().unwrap();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{ended:?} {said} {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Calls, with this key, what any key may call.
    pub(crate) async fn call(&mut self, key: &str) -> Answer {
        let wire = Wire::connect(self.address()).await;
        wire.call("/roster.v1.MetaService/GetVersion", &[("x-api-key", key)], &()).await
    }

    /// Asserts that the key is good for everything.
    pub(crate) async fn assert_root(&mut self, key: &str) {
        self.call(key).await.message::<GetVersionResponse>();
        let wire = Wire::connect(self.address()).await;
        let answer = wire.call("/roster.v1.UserService/DeleteUser", &[("x-api-key", key)], &()).await;
        answer.assert_refused(Code::InvalidArgument, "INVALID_FIELD");
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdout(&self) -> String {
        read(&self.stdout)
    }

    pub(crate) fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Stops it as a service manager does.
    pub(crate) fn stop(self) -> Ended {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let begun = now();
        let status: ExitStatus = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => panic!("it does not end: {} {}", self.stdout(), self.stderr()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        Ended { status: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Ended {
    /// Asserts that it failed with this status, said nothing but one line, and there all of these.
    #[track_caller]
    pub(crate) fn assert_one_line(&self, status: i32, parts: &[&str]) {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), ""), "{self:?}");
        let lines: Vec<_> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{self:?}");
        for part in parts.iter().chain(&["roster: "]) {
            assert!(lines[0].contains(part), "no {part:?} in {:?}", lines[0]);
        }
    }
}

/// What the file holds; a binary output is shown as far as it is text.
fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}
