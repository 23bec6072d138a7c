//! Settings (contract §6): defaults < file < environment < flags; what is bad stops the start with a line of its own.

use super::place::{DATABASE, Place, ROSTER};
use crate::harness::database::on_postgres;

/// A bad setting, and what the one line about it must have.
struct Bad {
    arguments: &'static str,
    environment: &'static [(&'static str, &'static str)],
    file: &'static str,
    parts: &'static [&'static str],
}

const GOOD: Bad = Bad { arguments: "--listen 127.0.0.1:0", environment: &[], file: "", parts: &[] };

const BAD: &[Bad] = &[
    Bad { file: "listn = '127.0.0.1:0'", parts: &["roster.toml", "listn"], ..GOOD },
    Bad { file: "[database]\nurl = 'sqlite://x'", parts: &["roster.toml", "database"], ..GOOD },
    Bad { file: "log = 'info'\nlisten = ", parts: &["roster.toml", "line 2"], ..GOOD },
    Bad { file: "log_format = ['json']", parts: &["roster.toml", "log_format"], ..GOOD },
    Bad { arguments: "--listen nowhere", parts: &["--listen", "nowhere", "127.0.0.1:"], ..GOOD },
    Bad { arguments: "--listen 127.0.0.1:65536", parts: &["--listen", "65536"], ..GOOD },
    Bad { arguments: "--listen 0.0.0.0:0", parts: &["--listen", "0.0.0.0:0", "insecure", "ROSTER_INSECURE"], ..GOOD },
    Bad { arguments: "--listen [::]:0", parts: &["--listen", "insecure"], ..GOOD },
    Bad { environment: &[("ROSTER_INSECURE", "yes")], parts: &["ROSTER_INSECURE", "yes", "true"], ..GOOD },
    Bad {
        environment: &[(DATABASE, "postgres://roster:hunter2@db:port/roster")],
        parts: &[DATABASE, "PostgreSQL", "port"],
        ..GOOD
    },
    Bad {
        environment: &[(DATABASE, "postgresql://roster:hunter2@db/roster?sslmod=require")],
        parts: &[DATABASE, "sslmod ", "sslmode"],
        ..GOOD
    },
    Bad {
        environment: &[(DATABASE, "postgres://db/roster?password=hunter2&sslmode=maybe")],
        parts: &[DATABASE, "PostgreSQL", "maybe"],
        ..GOOD
    },
    Bad { environment: &[(DATABASE, "roster:hunter2@db/roster")], parts: &[DATABASE, "postgres://"], ..GOOD },
    Bad { environment: &[(DATABASE, "mysql://db/x")], parts: &[DATABASE, "sqlite://"], ..GOOD },
    Bad { environment: &[(DATABASE, "sqlite::memory:")], parts: &[DATABASE, "file"], ..GOOD },
    Bad { environment: &[("ROSTER_DATABASE_MAX_CONNECTIONS", "0")], parts: &["ROSTER_DATABASE_MAX_CONNECTIONS"], ..GOOD },
    Bad { environment: &[("ROSTER_DATABASE_READ_URLS", "sqlite://x")], parts: &["ROSTER_DATABASE_READ_URLS"], ..GOOD },
    Bad { environment: &[("ROSTER_TLS_CERT", "cert.pem")], parts: &["ROSTER_TLS_CERT", "TLS"], ..GOOD },
    Bad { environment: &[("ROSTER_TLS_KEY", "key.pem")], parts: &["ROSTER_TLS_KEY", "TLS"], ..GOOD },
    Bad { environment: &[("ROSTER_TLS_CLIENT_CA", "ca.pem")], parts: &["ROSTER_TLS_CLIENT_CA", "TLS"], ..GOOD },
    Bad { environment: &[("ROSTER_SECRET_KEY", "hunter2")], parts: &["ROSTER_SECRET_KEY", "64 hexadecimal"], ..GOOD },
    Bad { environment: &[("ROSTER_METRICS_LISTEN", "9464")], parts: &["ROSTER_METRICS_LISTEN", "127.0.0.1:"], ..GOOD },
    Bad { environment: &[("ROSTER_TOKEN_ISSUER", "")], parts: &["ROSTER_TOKEN_ISSUER", "empty", "256"], ..GOOD },
    Bad { arguments: "--token-ttl 0s", parts: &["--token-ttl", "`0s`", "1s to 366d"], ..GOOD },
    Bad { file: "token_key_rotation = 30", parts: &["token_key_rotation", "`30`", "30d"], ..GOOD },
    Bad { environment: &[("ROSTER_PASSWORD_GUESSES", "0/15m")], parts: &["ROSTER_PASSWORD_GUESSES", "off", "100/15m"], ..GOOD },
    Bad { environment: &[("ROSTER_REFLECTION", "on")], parts: &["ROSTER_REFLECTION", "open", "off"], ..GOOD },
    Bad { environment: &[("ROSTER_LOG", "a=b=c")], parts: &["ROSTER_LOG"], ..GOOD },
    Bad { environment: &[("ROSTER_LOG_FORMAT", "xml")], parts: &["ROSTER_LOG_FORMAT", "text", "json"], ..GOOD },
    Bad { environment: &[("ROSTER_PHONE_COUNTRY_CODE", "+8x")], parts: &["ROSTER_PHONE_COUNTRY_CODE", "+8x"], ..GOOD },
    Bad { environment: &[("ROSTER_PHONE_COUNTRY_CODE", "999")], parts: &["ROSTER_PHONE_COUNTRY_CODE", "999"], ..GOOD },
    Bad { environment: &[("ROSTER_CONFIG", "nowhere.toml")], parts: &["ROSTER_CONFIG", "nowhere.toml"], ..GOOD },
    Bad { arguments: "--config nowhere.toml --listen 127.0.0.1:0", parts: &["--config", "nowhere.toml"], ..GOOD },
];

#[test]
fn each_bad_setting_is_a_line_and_nothing_is_begun() {
    for bad in BAD {
        let place = Place::new();
        if !bad.file.is_empty() {
            place.write("roster.toml", bad.file);
        }
        let ended = place.run(bad.arguments, bad.environment);
        ended.assert_one_line(2, bad.parts);
        assert!(!ended.stderr.contains("hunter2"), "a password was shown: {ended:?}");
        place.assert_untouched(if bad.file.is_empty() { &[] } else { &["roster.toml"] });
    }
}

#[test]
fn all_that_is_bad_is_told_at_once() {
    let place = Place::new();
    place.write("roster.toml", "listn = 1\nlog_format = 'xml'\n");
    let ended = place.run("--listen nowhere keys list", &[("ROSTER_TLS_KEY", "x"), ("ROSTER_REFLECTION", "")]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(ended.stderr.lines().count(), 5, "{ended:?}");
    for part in ["listn", "log_format", "--listen", "ROSTER_TLS_KEY", "ROSTER_REFLECTION"] {
        assert!(ended.stderr.contains(part), "no {part} in {ended:?}");
    }
}

#[test]
fn an_unknown_variable_is_warned_of_and_stops_nobody() {
    let place = Place::new();
    let mut running = place.serve(&[("ROSTER_LISTN", "hunter2")]);
    running.address();
    let ended = running.stop();
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.stderr.lines().filter(|line| line.contains("ROSTER_LISTN")).count(), 1, "{ended:?}");
    assert!(!ended.stderr.contains("hunter2"), "what they hold may be a secret: {ended:?}");
}

#[test]
fn a_later_source_wins_and_the_listing_says_which() {
    let place = Place::new();
    place.write("roster.toml", "phone_country_code = '+44'\nlog = 'warn'\nreflection = 'off'\n");
    place.write("other.toml", "phone_country_code = '+49'\n");
    let environment = [("ROSTER_LOG", "debug"), ("ROSTER_REFLECTION", "open")];
    let shown = place.run("config --reflection off", &environment).stdout;
    let database = if on_postgres() {
        format!("database_url = \"{}\" # from {DATABASE}", place.database_name())
    } else {
        "database_url = \"sqlite://roster.db?mode=rwc\" # from the default".to_owned()
    };
    for line in [
        "phone_country_code = \"+44\" # from roster.toml",
        "log = \"debug\" # from ROSTER_LOG",
        "reflection = \"off\" # from --reflection",
        "listen = \"127.0.0.1:50051\" # from the default",
        &database,
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no {line:?} in {shown}");
    }
    for (arguments, environment) in [("config --config other.toml", &[][..]), ("config", &[("ROSTER_CONFIG", "other.toml")])] {
        let shown = place.run(arguments, environment).stdout;
        assert!(shown.contains("phone_country_code = \"+49\" # from other.toml"), "{shown}");
        assert!(shown.contains("log = \"info\""), "roster.toml is not read beside it: {shown}");
    }
    place.assert_untouched(&["other.toml", "roster.toml"]);
}

#[test]
fn the_listing_hides_secrets_and_is_taken_as_a_file() {
    let place = Place::new();
    let secret = "hunter2-".repeat(5);
    let key = "c0ffee00".repeat(8);
    let environment =
        [("ROSTER_BOOTSTRAP_API_KEY", secret.as_str()), ("ROSTER_LISTEN", "127.0.0.1:0"), ("ROSTER_SECRET_KEY", &key)];
    let shown = place.run("config", &environment);
    assert_eq!(shown.status, Some(0));
    assert!(
        !shown.stdout.contains("c0ffee") && !shown.stdout.contains("hunter2") && shown.stdout.contains("bootstrap_api_key"),
        "{shown:?}"
    );
    place.write("shown.toml", &shown.stdout);
    let again = place.run("config --config shown.toml", &[]);
    assert_eq!((again.status, again.stderr.as_str()), (Some(0), ""), "{}", shown.stdout);
    assert!(again.stdout.contains("listen = \"127.0.0.1:0\""), "{again:?}");
}

#[test]
fn an_output_that_nobody_reads_to_its_end_is_no_failure() {
    let place = Place::new();
    let command = format!("set -o pipefail; {ROSTER} descriptor | head -c 10 >/dev/null");
    let ended = place.start_program("bash", &["-c", &command], &[]).wait();
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
}
