//! The log: where it goes, what it lets through and how a line reads.

use std::io::{self, IsTerminal};
use std::sync::{Arc, OnceLock};

use http::{HeaderValue, Uri};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Config, LogFormat};

/// Libraries that tell of every frame, statement and phone number below `warn`. A target stands for all that start like it.
const CHATTY: &[&str] = &["h2", "hyper", "tonic", "tower", "sqlx", "sea_orm_migration", "rlibphonenumber"];

tokio::task_local! {
    /// The call that a task is answering.
    pub(crate) static CALL: Call;
}

/// By what a call is found in the log.
#[derive(Debug)]
pub(crate) struct Call {
    uri: Uri,
    request_id: HeaderValue,
    api_key_id: OnceLock<Arc<str>>,
}

impl Call {
    pub(crate) fn new(uri: Uri, request_id: HeaderValue) -> Self {
        Self { uri, request_id, api_key_id: OnceLock::new() }
    }

    pub(crate) fn method(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

/// Notes whose call it is.
pub(crate) fn note_key(api_key_id: &Arc<str>) {
    // There is none to note it of outside of a call; and that it is the same the second time.
    let _ = CALL.try_with(|call| call.api_key_id.set(api_key_id.clone()));
}

/// Method, request id and API key id of the call at hand, as far as there are any.
pub(crate) fn call() -> (String, String, String) {
    let told = |call: &Call| {
        let api_key_id = call.api_key_id.get().map_or_else(String::new, ToString::to_string);
        (call.method().to_owned(), call.request_id().to_owned(), api_key_id)
    };
    CALL.try_with(told).unwrap_or_default()
}

/// Starts the log, on standard error: standard output is for what commands answer. Only the first call of a process counts.
pub fn init(config: &Config) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives(&config.log)))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    // It fails when a log has been started, by a test for instance; that one then stays.
    let _ = match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}

/// The directives with `warn` for the chatty libraries in front, where what follows may name them otherwise. A general level
/// that is no noisier than that, or none, is left to stand for them too.
fn directives(log: &str) -> String {
    // The last one counts; an empty one would read as a level too.
    let mut words = log.rsplit(',').filter(|word| !word.is_empty());
    let general = words.find_map(|word| word.parse::<LevelFilter>().ok());
    if general.is_none_or(|level| level <= LevelFilter::WARN) {
        return log.to_owned();
    }
    // Of what befalls a connection the store tells itself.
    let quiet = CHATTY.iter().map(|target| format!("{target}=warn,")).chain(["sqlx=error,sqlx_core=error,".to_owned()]);
    quiet.chain([log.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Which of some events come through.
    fn heard(log: &str) -> String {
        #[derive(Clone, Default)]
        struct Lines(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(directives(log)))
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_level(false)
            .with_target(false)
            .finish();
        tracing::subscriber::with_default(log, || {
            tracing::info!(target: "roster::store", "roster-info");
            tracing::warn!(target: "h2::codec", "h2-warn");
            tracing::debug!(target: "h2::codec", "h2-debug");
            tracing::info!(target: "sqlx::query", "sqlx-info");
            tracing::info!(target: "hyper_util::client", "hyper-info");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn libraries_stay_at_warn_unless_they_are_named() {
        assert_eq!(heard("info"), "roster-info h2-warn");
        assert_eq!(heard("trace"), "roster-info h2-warn");
        assert_eq!(heard("error,info,"), "roster-info h2-warn");
        assert_eq!(heard("info,h2=debug"), "roster-info h2-warn h2-debug");
        assert_eq!(heard("sqlx=info,hyper_util=debug,INFO"), "roster-info h2-warn sqlx-info hyper-info");
    }

    #[test]
    fn a_quieter_log_is_not_made_louder() {
        assert_eq!(heard("warn"), "h2-warn");
        assert_eq!(heard("error"), "");
        assert_eq!(heard("off"), "");
        assert_eq!(heard("roster=info"), "roster-info");
    }
}
