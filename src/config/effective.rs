//! What `roster config` shows: the settings in effect, as a file that can be read again; secrets are comments in it.

use super::Loaded;
use super::database_url::without_password;
use super::settings::{Kind, SETTINGS, Setting, State, default_of};
use super::sources::{Given, Source};

impl Loaded {
    /// The settings in effect as TOML, each with where it comes from. Secrets, and passwords in URLs, read `***`.
    #[must_use]
    pub fn effective(&self) -> String {
        SETTINGS
            .iter()
            .filter(|setting| setting.state == State::Built)
            .map(|setting| match self.sources.given.get(setting.name) {
                // A comment would bring the default back.
                Some(given) if !given.text.is_empty() || default_of(setting.name).is_some() => line(setting, given),
                Some(given) => format!("# {} is unset # from {}\n", setting.name, origin(setting, &given.source)),
                None => format!("# {} is unset\n", setting.name),
            })
            .collect()
    }
}

fn line(setting: &Setting, given: &Given) -> String {
    let comment = if setting.kind == Kind::Secret { "# " } else { "" };
    format!("{comment}{} = {} # from {}\n", setting.name, value(setting, &given.text), origin(setting, &given.source))
}

/// The value in TOML; it is known to be a good one.
fn value(setting: &Setting, text: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    match setting.kind {
        Kind::Text => quoted(&without_password(text)),
        Kind::Number => text.parse::<u64>().map_or_else(|_| quoted(text), |number| number.to_string()),
        Kind::Switch => text.to_owned(),
        Kind::Secret => quoted("***"),
    }
}

fn origin(setting: &Setting, source: &Source) -> String {
    match source {
        Source::Default => "the default".to_owned(),
        // A path may hold a line end, which would end the comment.
        Source::File(path) => path.display().to_string().escape_debug().to_string(),
        Source::Environment | Source::Flag => source.spelling(setting),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Overrides};

    #[test]
    fn shows_values_with_their_sources_and_hides_secrets() {
        let secret = "hidden".repeat(6);
        let key = "c0ffee00".repeat(8);
        let variables = [
            ("ROSTER_BOOTSTRAP_API_KEY", secret.as_str()),
            ("ROSTER_SECRET_KEY", &key),
            ("ROSTER_DATABASE_STATEMENT_CACHE", ""),
            ("ROSTER_METRICS_LISTEN", ""),
        ];
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let flags = [("listen", "127.0.0.1:0"), ("database_max_connections", "007"), ("insecure", "true")];
        let shown = Config::load(&Overrides::of(flags), variables).unwrap().effective();
        assert_eq!(
            shown,
            "database_url = \"sqlite://roster.db?mode=rwc\" # from the default\n\
             database_max_connections = 7 # from --database-max-connections\n\
             # database_statement_cache is unset # from ROSTER_DATABASE_STATEMENT_CACHE\n\
             listen = \"127.0.0.1:0\" # from --listen\n\
             insecure = true # from --insecure\n\
             reflection = \"open\" # from the default\n\
             metrics_listen = \"\" # from ROSTER_METRICS_LISTEN\n\
             # bootstrap_api_key = \"***\" # from ROSTER_BOOTSTRAP_API_KEY\n\
             # secret_key = \"***\" # from ROSTER_SECRET_KEY\n\
             token_issuer = \"roster\" # from the default\n\
             token_audience = \"roster\" # from the default\n\
             token_ttl = \"1h\" # from the default\n\
             token_key_rotation = \"30d\" # from the default\n\
             password_guesses = \"100/15m\" # from the default\n\
             password_argon2 = \"m=19456,t=2,p=1\" # from the default\n\
             phone_country_code = \"+86\" # from the default\n\
             log = \"info\" # from the default\n\
             log_format = \"text\" # from the default\n"
        );
    }

    #[test]
    fn can_be_read_again() {
        let file = tempfile::Builder::new().prefix("a # b").suffix(".toml").tempfile().unwrap();
        let text = "database_url = 'sqlite://it\"s.db'\nlog = 'info,roster=debug'\nmetrics_listen = ''\n";
        std::fs::write(file.path(), text).unwrap();
        let overrides = Overrides::default().with_file(file.path());
        let first = Config::load(&overrides, std::iter::empty()).unwrap();
        std::fs::write(file.path(), first.effective()).unwrap();
        let second = Config::load(&overrides, std::iter::empty()).unwrap();
        assert_eq!(second.config.database_url, first.config.database_url);
        assert_eq!(second.config.log, "info,roster=debug");
        assert_eq!(second.config.metrics_listen, None);
    }
}
