//! The table of settings (contract §6): each is spelled once, here, and is called the same in the file, in the environment
//! and as a flag. Its default is in `roster.default.toml`.

/// The defaults, and what there is to know about each setting.
pub(super) const DEFAULTS: &str = include_str!("../../roster.default.toml");
/// The file that is read when none is named.
pub(super) const FILE: &str = "roster.toml";
/// The variable that names the file.
pub(super) const FILE_VARIABLE: &str = "ROSTER_CONFIG";
/// The start of every variable that is ours.
pub(super) const PREFIX: &str = "ROSTER_";

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// The name in the file, such as `database_url`; the flag and the variable are made from it.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Whether it does something yet.
    pub state: State,
    /// One line about it, for `--help`.
    pub help: &'static str,
}

/// What the value of a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
    /// A text that is never shown.
    Secret,
}

/// Whether a setting does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Built,
    /// Not yet, and starting without would break what was asked for: an error that ends like this.
    Refused(&'static str),
}

impl Setting {
    /// The environment variable: `database_url` → `ROSTER_DATABASE_URL`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// The flag without its dashes: `database_url` → `database-url`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// The setting of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

const fn built(name: &'static str, kind: Kind, help: &'static str) -> Setting {
    Setting { name, kind, state: State::Built, help }
}

const fn refused(name: &'static str, why: &'static str) -> Setting {
    Setting { name, kind: Kind::Secret, state: State::Refused(why), help: "" }
}

const NO_TLS: &str = "TLS is not built yet; unset this, and put a proxy that ends TLS in front of Roster";
const NO_REPLICAS: &str = "read replicas are not built yet; unset this";

/// Every setting of the contract, in the order of `roster.default.toml`.
pub static SETTINGS: &[Setting] = &[
    built("database_url", Kind::Text, "Where everything is kept, as sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE"),
    built("database_max_connections", Kind::Number, "The most connections to keep open"),
    built("database_statement_cache", Kind::Number, "How many prepared statements a connection keeps, 0 for none"),
    refused("database_read_urls", NO_REPLICAS),
    built("listen", Kind::Text, "The address to serve gRPC on"),
    built("insecure", Kind::Switch, "Serve beyond loopback although nothing is encrypted"),
    refused("tls_cert", NO_TLS),
    refused("tls_key", NO_TLS),
    refused("tls_client_ca", NO_TLS),
    built("reflection", Kind::Text, "Who may ask for the descriptors: open or off"),
    built("metrics_listen", Kind::Text, "The address to serve public keys over HTTP on, empty for nowhere"),
    built(
        "bootstrap_api_key",
        Kind::Secret,
        "An API key to ensure at start; other processes can see flags, so rather use the variable",
    ),
    built(
        "secret_key",
        Kind::Secret,
        "The master key of what is encrypted at rest, 64 hexadecimal digits; rather use the variable",
    ),
    built("token_issuer", Kind::Text, "Who gives out user tokens, as they say it"),
    built("token_audience", Kind::Text, "Whom user tokens are for, as they say it"),
    built("token_ttl", Kind::Text, "How long a user token is good for, such as 15m"),
    built("token_key_rotation", Kind::Text, "How long a key signs user tokens before the next one takes over"),
    built("password_guesses", Kind::Text, "How many passwords may be guessed for an id in which time, or off"),
    built("password_argon2", Kind::Text, "What a hash of a password costs: memory in KiB, iterations and lanes of argon2id"),
    built("phone_country_code", Kind::Text, "The country code of phone numbers that come without one"),
    built("log", Kind::Text, "What to log: a level, or directives such as info,roster::store=debug"),
    built("log_format", Kind::Text, "How a line of the log reads: text or json"),
];

/// The default of a setting, as text.
pub(super) fn default_of(name: &str) -> Option<String> {
    let defaults: toml::Table = DEFAULTS.parse().ok()?;
    Some(match defaults.get(name)? {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_setting_stands_in_the_default_file_and_in_its_order() {
        let documented: Vec<_> =
            DEFAULTS.lines().filter_map(|line| line.trim_start_matches('#').split_once(" = ")).map(|(name, _)| name).collect();
        let built: Vec<_> =
            SETTINGS.iter().filter(|setting| setting.state == State::Built).map(|setting| setting.name).collect();
        assert_eq!(documented, built);
    }

    #[test]
    fn names_become_variables_and_flags() {
        let setting = find("database_url").unwrap();
        assert_eq!((setting.variable().as_str(), setting.flag().as_str()), ("ROSTER_DATABASE_URL", "database-url"));
        assert!(find("database-url").is_none());
    }
}
