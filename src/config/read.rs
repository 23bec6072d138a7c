//! From what the sources say to the typed [`Config`]: every setting is read, and every problem kept, before anything fails.

use std::net::SocketAddr;

use crate::limits;
use crate::validate::text::printable;

use super::settings::{Kind, SETTINGS, Setting, State, find};
use super::sources::{Given, Source, Sources};
use super::{Config, DatabaseUrl, UserTokens, credentials, database_url, values};

/// The most signing keys that may be needed at a time.
const MOST_KEYS: u32 = 100;

/// Something is wrong; what, is among the problems of the sources.
#[derive(Clone, Copy)]
pub(super) struct Kept;

/// The configuration, as far as each setting by itself is good: there may be problems all the same.
pub(super) fn config(sources: &mut Sources) -> Result<Config, Kept> {
    unbuilt(sources);
    let database_url = required(sources, "database_url", DatabaseUrl::parse);
    let database_max_connections = optional(sources, "database_max_connections", values::max_connections);
    let database_statement_cache = optional(sources, "database_statement_cache", values::statement_cache);
    let listen = required(sources, "listen", values::listen);
    let insecure = required(sources, "insecure", values::switch);
    let reflection = required(sources, "reflection", values::reflection);
    let metrics_listen = optional(sources, "metrics_listen", values::listen);
    let metrics_listen_is_default = sources.given.get("metrics_listen").is_some_and(|given| given.source == Source::Default);
    let bootstrap_api_key = optional(sources, "bootstrap_api_key", values::bootstrap_api_key);
    let secret_key = optional(sources, "secret_key", values::secret_key);
    let user_tokens = user_tokens(sources);
    let password_guesses = required(sources, "password_guesses", credentials::password_guesses);
    let password_argon2 = required(sources, "password_argon2", credentials::password_argon2);
    let phone_country_code = required(sources, "phone_country_code", values::phone_country_code);
    let log = required(sources, "log", values::log);
    let log_format = required(sources, "log_format", values::log_format);
    let exposed = |address: SocketAddr| !values::is_loopback(address) && insecure.is_ok_and(|insecure| !insecure);
    if listen.is_ok_and(exposed) {
        beyond_loopback(sources, "listen", "API keys and personal data would travel unencrypted");
    }
    if metrics_listen.is_ok_and(|address| address.is_some_and(exposed)) {
        beyond_loopback(sources, "metrics_listen", "who stands in between could give others' keys for ours");
    }
    Ok(Config {
        database_url: database_url?,
        database_max_connections: database_max_connections?,
        database_statement_cache: database_statement_cache?,
        listen: listen?,
        metrics_listen: metrics_listen?,
        metrics_listen_is_default,
        bootstrap_api_key: bootstrap_api_key?,
        secret_key: secret_key?,
        user_tokens: user_tokens?,
        password_guesses: password_guesses?,
        password_argon2: password_argon2?,
        phone_country_code: phone_country_code?,
        reflection: reflection?,
        log: log?,
        log_format: log_format?,
    })
}

fn user_tokens(sources: &mut Sources) -> Result<UserTokens, Kept> {
    let issuer = required(sources, "token_issuer", credentials::token_name);
    let audience = required(sources, "token_audience", credentials::token_name);
    let ttl = required(sources, "token_ttl", credentials::token_ttl);
    let key_rotation = required(sources, "token_key_rotation", credentials::token_key_rotation);
    let tokens = UserTokens { issuer: issuer?, audience: audience?, ttl: ttl?, key_rotation: key_rotation? };
    if tokens.ttl / MOST_KEYS > tokens.key_rotation {
        let (ttl, rotation) = ("token_ttl", "token_key_rotation");
        sources
            .problems
            .push(format!("{rotation}: must be at least a {MOST_KEYS}th of {ttl}: so many keys are told to all who verify"));
        return Err(Kept);
    }
    Ok(tokens)
}

/// Reads a setting that has a default.
fn required<T>(sources: &mut Sources, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Kept> {
    let (Some(setting), Some(given)) = (find(name), sources.given.get(name)) else {
        sources.problems.push(format!("{name}: has no value, not even a default"));
        return Err(Kept);
    };
    let result = clean(&given.text).and_then(|()| read(&given.text));
    result.map_err(|message| {
        sources.problems.push(complaint(setting, given, &message));
        Kept
    })
}

/// Reads a setting that may be unset or empty, which is the same.
fn optional<T>(sources: &mut Sources, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, Kept> {
    match sources.given.get(name) {
        Some(given) if !given.text.is_empty() => required(sources, name, read).map(Some),
        _ => Ok(None),
    }
}

/// Refuses what has no place in any setting: line ends would break the log and the listing of the settings.
fn clean(text: &str) -> Result<(), String> {
    printable(text, false).map_err(|message| format!("which {message}"))?;
    if text.contains(char::REPLACEMENT_CHARACTER) { Err("which is not UTF-8".to_owned()) } else { Ok(()) }
}

/// One line: which setting, what was given unless it is a secret, what is wrong.
fn complaint(setting: &Setting, given: &Given, message: &str) -> String {
    let spelling = given.source.spelling(setting);
    if setting.kind == Kind::Secret {
        return format!("{spelling}: {}", message.trim_start_matches("which "));
    }
    if given.text.is_empty() {
        return format!("{spelling}: got an empty value, {message}");
    }
    let shown = database_url::without_password(&given.text);
    let mut short: String = shown.chars().take(limits::ECHO_CHARACTERS).collect();
    if short.len() < shown.len() {
        short.push('…');
    }
    format!("{spelling}: got `{}`, {message}", short.escape_debug())
}

/// Keeps a problem for each setting that does nothing yet.
fn unbuilt(sources: &mut Sources) {
    for setting in SETTINGS {
        let Some(given) = sources.given.get(setting.name).filter(|given| !given.text.is_empty()) else { continue };
        let spelling = given.source.spelling(setting);
        if let State::Refused(why) = setting.state {
            sources.problems.push(format!("{spelling}: {why}"));
        }
    }
}

fn beyond_loopback(sources: &mut Sources, name: &str, consequence: &str) {
    let (Some(listen), Some(insecure)) = (find(name), find("insecure")) else { return };
    let Some(given) = sources.given.get(listen.name) else { return };
    let message = format!(
        "which is not a loopback address, so {consequence} (TLS is not built yet); \
         listen on loopback behind a proxy that ends TLS, or set {} = true ({}=true, --{}) where the network can be trusted",
        insecure.name,
        insecure.variable(),
        insecure.flag()
    );
    sources.problems.push(complaint(listen, given, &message));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Guesses, Loaded, Overrides, Problems};
    use super::*;

    fn load(variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, Problems> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(&Overrides::of(flags.iter().copied()), variables)
    }

    fn problems(variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Vec<String> {
        load(variables, flags).unwrap_err().list().to_vec()
    }

    #[test]
    fn the_defaults_are_good() {
        let loaded = load(&[], &[]).unwrap();
        let config = loaded.config;
        assert_eq!(config.database_url.as_str(), "sqlite://roster.db?mode=rwc");
        assert_eq!((config.database_max_connections, config.database_statement_cache), (None, None));
        assert_eq!(config.listen, "127.0.0.1:50051".parse().unwrap());
        assert_eq!(config.metrics_listen, Some("127.0.0.1:9464".parse().unwrap()));
        assert!(config.metrics_listen_is_default);
        assert_eq!(config.bootstrap_api_key, None);
        let (hour, month) = (Duration::from_hours(1), Duration::from_hours(30 * 24));
        let user_tokens = UserTokens { issuer: "roster".into(), audience: "roster".into(), ttl: hour, key_rotation: month };
        assert_eq!(config.user_tokens, user_tokens);
        assert_eq!(config.password_guesses, Some(Guesses { most: 100, window: Duration::from_mins(15) }));
        assert_eq!(config.phone_country_code.to_string(), "+86");
        assert!(config.reflection);
        assert_eq!((config.log.as_str(), config.log_format), ("info", values::LogFormat::Text));
        assert!(loaded.warnings.is_empty());
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let variables = [
            ("ROSTER_DATABASE_URL", "mysql://roster:hidden@db/roster"),
            ("ROSTER_LISTEN", ""),
            ("ROSTER_TLS_CERT", "cert.pem"),
            ("ROSTER_BOOTSTRAP_API_KEY", "hidden"),
            ("ROSTER_SECRET_KEY", "hidden"),
        ];
        let flags = [("database_max_connections", "many"), ("reflection", "on\n")];
        assert_eq!(
            problems(&variables, &flags),
            [
                "ROSTER_TLS_CERT: TLS is not built yet; unset this, and put a proxy that ends TLS in front of Roster",
                "ROSTER_DATABASE_URL: got `mysql://roster:***@db/roster`, expected sqlite://FILE or postgres://USER@HOST/DATABASE",
                "--database-max-connections: got `many`, expected a whole number from 1 to 1000",
                "ROSTER_LISTEN: got an empty value, expected an IP address or localhost, and a port, such as 127.0.0.1:4000 or \
                 [::1]:4000",
                "--reflection: got `on\\n`, which must not contain the character U+000A",
                "ROSTER_BOOTSTRAP_API_KEY: expected at least 32 visible ASCII characters, without spaces",
                "ROSTER_SECRET_KEY: expected 64 hexadecimal digits, such as openssl rand -hex 32 makes",
            ]
        );
    }

    #[test]
    fn beyond_loopback_is_served_only_on_request() {
        let problems = problems(&[("ROSTER_LISTEN", "0.0.0.0:0")], &[]);
        assert!(problems.len() == 1 && problems[0].starts_with("ROSTER_LISTEN: got `0.0.0.0:0`, which is not a loopback"));
        assert!(problems[0].contains("insecure = true (ROSTER_INSECURE=true, --insecure)"), "{problems:?}");
        assert!(load(&[("ROSTER_LISTEN", "0.0.0.0:0"), ("ROSTER_INSECURE", "true")], &[]).is_ok());
    }

    #[test]
    fn public_keys_are_served_on_loopback_or_on_request_elsewhere_or_nowhere() {
        let served = |text| {
            let config = load(&[("ROSTER_METRICS_LISTEN", text)], &[]).unwrap().config;
            (config.metrics_listen.map(|address| address.to_string()), config.metrics_listen_is_default)
        };
        let problems = problems(&[("ROSTER_METRICS_LISTEN", "0.0.0.0:80")], &[]);
        assert!(
            problems.len() == 1 && problems[0].starts_with("ROSTER_METRICS_LISTEN: got `0.0.0.0:80`, which is not a loopback")
        );
        assert_eq!(served("127.0.0.1:9464"), (Some("127.0.0.1:9464".to_owned()), false), "somebody chose it");
        assert_eq!(served(""), (None, false));
    }

    #[test]
    fn an_empty_value_unsets_what_has_no_default() {
        let empty = ["BOOTSTRAP_API_KEY", "DATABASE_MAX_CONNECTIONS", "DATABASE_STATEMENT_CACHE", "SECRET_KEY", "TLS_CERT"];
        let variables: Vec<_> = empty.iter().map(|name| (format!("ROSTER_{name}"), String::new())).collect();
        let loaded = Config::load(&Overrides::of([("database_max_connections", "")]), variables.into_iter()).unwrap();
        assert_eq!((loaded.config.database_max_connections, loaded.config.bootstrap_api_key), (None, None));
        assert!(loaded.warnings.is_empty());
    }

    #[test]
    fn what_is_not_built_stops() {
        for setting in SETTINGS.iter().filter(|setting| setting.state != State::Built) {
            let variable = setting.variable();
            assert!(problems(&[(&variable, "x")], &[])[0].contains("not built yet"), "{variable}");
        }
    }

    #[test]
    fn every_built_setting_is_read() {
        // No setting takes a control character; one that nothing reads would not notice.
        for setting in SETTINGS.iter().filter(|setting| setting.state == State::Built) {
            assert_eq!(problems(&[(&setting.variable(), "\0")], &[]).len(), 1, "{}", setting.name);
        }
    }

    #[test]
    fn long_and_unreadable_values_are_told_too() {
        let long = "x".repeat(1_000);
        let problems = problems(&[("ROSTER_LISTEN", &long), ("ROSTER_LOG", "\u{fffd}")], &[]);
        assert!(problems[0].contains(&format!("`{}…`", &long[..limits::ECHO_CHARACTERS])), "{problems:?}");
        assert!(problems[1].ends_with("which is not UTF-8"), "{problems:?}");
    }
}
