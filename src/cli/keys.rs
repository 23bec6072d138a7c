//! `roster keys`: API keys from the command line, on the database itself.

use std::fmt::Write;
use std::time::Duration;

use clap::Subcommand;
use jiff::{Span, SpanRelativeTo};

use super::{Failure, print};
use crate::clock::Clock;
use crate::entity::api_key;
use crate::limits;
use crate::proto::Timestamp;
use crate::proto::reflect::TextRule;
use crate::scope::Scopes;
use crate::store::api_keys::{CreateApiKey, CreatedApiKey, RevokeApiKey, RotateApiKey};
use crate::store::{Context, Store, Tenant};
use crate::validate::text;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key and print it: it cannot be shown again
    #[command(after_help = "Example:\n  roster keys create --name billing --scopes users:exists,users:read --expires-in 90d")]
    Create {
        /// What to call it
        #[arg(long, value_parser = name)]
        name: String,
        /// What it may do: scopes parted by commas, or * for all
        #[arg(long, value_name = "SCOPES", default_value = "")]
        scopes: Scopes,
        /// How long it is good for, such as 90d or 12h; without it, until it is revoked
        #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
        expires_in: Option<Duration>,
        /// The id of the organization to bind it to; without it, it is good for the whole pool
        #[arg(long, value_name = "ORGANIZATION_ID")]
        organization: Option<String>,
    },
    /// List all keys, revoked ones included
    List,
    /// Give a key a new secret and print it; the old one lives on for a while
    Rotate {
        /// The key's id, as `list` shows it
        api_key_id: String,
        /// How long the old secret lives on, up to 7d
        #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true, default_value = "24h")]
        overlap: Duration,
    },
    /// End a key for good
    Revoke {
        /// The key's id, as `list` shows it
        api_key_id: String,
    },
}

/// Runs the command and closes the store.
pub(super) async fn run(keys: Keys, store: Store) -> Result<(), Failure> {
    let done = act(keys, &store).await;
    store.close().await;
    print(done?.as_bytes())
}

async fn act(keys: Keys, store: &Store) -> Result<String, Failure> {
    let context = Context::default();
    match keys {
        Keys::Create { name, scopes, expires_in, organization } => {
            let level = Tenant::Pool.level(organization.as_deref());
            let expires_at = expires_in.map(|after| Clock::default().now().plus(after));
            let created = store.write(context, CreateApiKey { name, scopes, expires_at, level }).await?;
            Ok(secret(&created))
        }
        Keys::List => Ok(table(&store.api_keys().await?)),
        Keys::Rotate { overlap, .. } if overlap > limits::OVERLAP => Err("--overlap must be at most 7d".into()),
        Keys::Rotate { api_key_id, overlap } => Ok(secret(&store.write(context, RotateApiKey { api_key_id, overlap }).await?)),
        Keys::Revoke { api_key_id } => {
            let revoked = store.write(context, RevokeApiKey { api_key_id, with_descendants: false }).await?;
            Ok(format!("revoked {} ({})\n", revoked.api_key_id(), revoked.name()))
        }
    }
}

/// The key alone on its line, so that a script can take it; who it is goes to the log.
fn secret(created: &CreatedApiKey) -> String {
    let key = &created.api_key;
    let (id, name, scopes) = (key.api_key_id(), key.name(), key.scopes.join(" "));
    let organization_id = key.organization_id.as_deref().unwrap_or("-");
    tracing::info!(api_key_id = id, name, scopes, organization_id, "keep this key: it is not shown again");
    format!("{}\n", created.secret.expose())
}

fn table(keys: &[api_key::Model]) -> String {
    let mut lines = format!(
        "{:36}  {:7}  {:20}  {:20}  {:20}  {:36}  NAME (SCOPES)\n",
        "ID", "STATE", "CREATED", "EXPIRES", "LAST USED", "ORGANIZATION"
    );
    let now = Clock::default().now();
    for key in keys {
        let state = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now => "expired",
            _ => "active",
        };
        let [created, expires, used] = [Some(key.created_at), key.expires_at, key.last_used_at].map(time);
        let (id, name, scopes) = (&key.api_key_id, &key.name, &key.scopes);
        let organization = key.organization_id.as_deref().unwrap_or("-");
        let _ =
            writeln!(lines, "{id:36}  {state:7}  {created:20}  {expires:20}  {used:20}  {organization:36}  {name} ({scopes})");
    }
    lines
}

/// RFC 3339 to the second, or a dash.
fn time(time: Option<Timestamp>) -> String {
    let time = time.and_then(|time| jiff::Timestamp::from_second(time.seconds).ok());
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// Reads what a key is called: something, on one line.
fn name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    text::check(TextRule::Line, text).map(|()| text.to_owned())
}

/// Reads `90d`, `12h`, `1h 30m`; a day has 24 hours.
fn duration(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}; write 90d, 12h or 30m"))?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    Duration::try_from(duration).map_err(|_| "must not be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("30m", 1_800), ("1h 30m", 5_400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "soon", "-1h", "5"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
