//! Runs the behavioural tests of `tests/it` on PostgreSQL: the same binary, told to use a server. The server is the one that
//! `ROSTER_TEST_POSTGRES_URL` names, else one of our own, from the binaries that are installed; with neither they are left out,
//! and this says so. Arguments go to the tests: `cargo test --test postgres races`.

#![cfg(test)]

#[expect(dead_code, reason = "only the tests themselves kill a server")]
#[path = "../it/harness/cluster.rs"]
mod cluster;
mod left_out;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use cluster::Cluster;
use left_out::LEFT_OUT;

const URL: &str = "ROSTER_TEST_POSTGRES_URL";

fn main() -> ExitCode {
    let given = std::env::var(URL).ok().filter(|url| !url.is_empty());
    let cluster = if given.is_none() { Cluster::start() } else { None };
    let url = match (given, &cluster) {
        (Some(url), _) => {
            say("on the server that ROSTER_TEST_POSTGRES_URL names");
            url
        }
        (None, Some(cluster)) => {
            say(&format!("on a server of our own, whose locale is {}", cluster.locale));
            cluster.url()
        }
        (None, None) => {
            say("LEFT OUT: no PostgreSQL is installed here; install one, or name a server in ROSTER_TEST_POSTGRES_URL");
            return ExitCode::SUCCESS;
        }
    };
    for (tests, why) in LEFT_OUT {
        say(&format!("left out: {tests}: {why}"));
    }
    let mut tests = Command::new(behavioural_tests());
    tests.args(std::env::args_os().skip(1)).arg("--include-ignored");
    tests.args(LEFT_OUT.iter().flat_map(|(tests, _)| ["--skip", tests]));
    let ended = tests.env("ROSTER_TEST_ENGINE", "postgres").env(URL, url).status().unwrap();
    if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The binary of `tests/it`, as it was built beside this one.
fn behavioural_tests() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(|deps| deps.parent()).unwrap();
    let target = profile.parent().unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--test", "it", "--no-run", "--message-format", "json", "--target-dir"]).arg(target);
    // What Cargo told us of this package would have it build some dependencies anew.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|start| name.to_string_lossy().starts_with(start)) {
            cargo.env_remove(name);
        }
    }
    match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(name) => drop(cargo.args(["--profile", name])),
    }
    let built = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success());
    let messages = String::from_utf8(built.stdout).unwrap();
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut tests = messages.filter(|message| message["target"]["name"] == "it");
    tests.find_map(|message| message["executable"].as_str().map(PathBuf::from)).unwrap()
}

fn say(line: &str) {
    writeln!(io::stdout(), "PostgreSQL: {line}").unwrap();
}
