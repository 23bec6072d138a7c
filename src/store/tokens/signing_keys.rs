//! The keys that user tokens are signed with. Each is known to verifiers before it signs, signs until the next one does, and stays
//! known until the last token that it has signed is over. The first is made when somebody asks for it.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::config::UserTokens;
use crate::entity::signing_key::{ActiveModel, Column, Entity, Model};
use crate::error::{Error, Result};
use crate::proto::{JwkDto, Timestamp};
use crate::store::engine::{Reading, keys::any_of, locks};
use crate::store::{Context, Mutation, Store, Tx};
use crate::user_token::SigningKey;

/// The lock of those who make or delete keys.
const LOCK: &str = "signing_keys";
/// How long before it signs a key is known at most; verifiers that keep the set for long ask within this time.
const LEAD: Duration = Duration::from_hours(24);
/// How long verifiers may keep the set at most.
const KEPT: Duration = Duration::from_mins(1);
/// How much longer than the last token that it has signed a key is kept: the clocks of replicas differ a little.
const SLACK: Duration = Duration::from_mins(1);
/// How often the schedule is looked at, at most and at least.
const INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Does what the schedule asks for: makes the first key, or the next; deletes those whose tokens are over.
struct RotateSigningKeys(UserTokens);

impl Mutation for RotateSigningKeys {
    /// The key that was made, if one was.
    type Answer = Option<String>;

    async fn apply(&self, tx: &Tx) -> Result<Option<String>> {
        locks::alone(&tx.connection, LOCK).await?;
        let keys = all(&tx.connection).await?;
        let made = match next_from(&keys, &self.0, tx.now) {
            // Before any row is locked, since it locks the data key, as whoever seals does.
            Some(active_from) => match self.make(tx, active_from).await {
                // Those that are there go on.
                Err(Error::SecretKeyMissing) if !keys.is_empty() => None,
                made => Some(made?),
            },
            None => None,
        };
        self.keep_token_ttl(tx, &keys).await?;
        delete_over(tx, &keys).await?;
        Ok(made)
    }
}

/// From when on the next key is to sign, if it is time to make it: long enough from now for all verifiers to know it, however late
/// this is; the first one at once.
fn next_from(keys: &[Model], tokens: &UserTokens, now: Timestamp) -> Option<Timestamp> {
    let (Some(latest), Some(active)) = (keys.first(), active(keys, now)) else { return Some(now) };
    let until = active.active_from.plus(tokens.key_rotation);
    let known = now.plus(lead(tokens));
    (latest.kid == active.kid && until <= known).then(|| until.max(known))
}

impl RotateSigningKeys {
    /// Makes a key that signs from then on.
    async fn make(&self, tx: &Tx, active_from: Timestamp) -> Result<String> {
        let key = SigningKey::generate(tx.clock.new_id());
        let sealed = tx.sealer().await?.seal::<Entity, _>(key.kid(), [(Column::PrivateKey, Some(&key.to_bytes()))])?;
        let [private_key] = sealed.columns;
        let row = ActiveModel {
            kid: Set(key.kid().to_owned()),
            active_from: Set(active_from),
            token_ttl: Set(micros(self.0.ttl)),
            public_key: Set(key.public()),
            key_id: Set(sealed.key_id),
            private_key: Set(private_key.ok_or_else(|| Error::internal("the key was not encrypted"))?),
        };
        Entity::insert(row).exec_without_returning(&tx.connection).await?;
        Ok(key.kid().to_owned())
    }

    /// Notes that tokens are good for longer than was known.
    async fn keep_token_ttl(&self, tx: &Tx, keys: &[Model]) -> Result<()> {
        let ttl = micros(self.0.ttl);
        if keys.iter().all(|key| key.token_ttl >= ttl) {
            return Ok(());
        }
        let longer = Entity::update_many().col_expr(Column::TokenTtl, Expr::value(ttl));
        longer.filter(Column::TokenTtl.lt(ttl)).exec(&tx.connection).await?;
        Ok(())
    }
}

/// All keys, the latest first.
async fn all(connection: &impl ConnectionTrait) -> Result<Vec<Model>> {
    let latest_first = Entity::find().order_by_desc(Column::ActiveFrom).order_by_desc(Column::Kid);
    Ok(latest_first.all(connection).await?)
}

/// The key that signs now. The clocks of replicas differ a little: where none has come yet, the one that comes first.
fn active(keys: &[Model], now: Timestamp) -> Option<&Model> {
    keys.iter().find(|key| key.active_from <= now).or(keys.last())
}

/// Deletes the keys whose last token is over.
async fn delete_over(tx: &Tx, keys: &[Model]) -> Result<()> {
    let over = |pair: &[Model]| {
        let [later, earlier] = pair else { return None };
        let ttl = Duration::from_micros(earlier.token_ttl.try_into().unwrap_or_default());
        (later.active_from.plus(ttl).plus(SLACK) < tx.now).then(|| earlier.kid.clone())
    };
    let over: Vec<_> = keys.windows(2).filter_map(over).collect();
    if !over.is_empty() {
        Entity::delete_many().filter(any_of(&tx.connection, Column::Kid, over)).exec(&tx.connection).await?;
    }
    Ok(())
}

/// How long before it signs a key is known.
fn lead(tokens: &UserTokens) -> Duration {
    LEAD.min(tokens.key_rotation / 2)
}

fn micros(duration: Duration) -> i64 {
    duration.as_micros().try_into().unwrap_or(i64::MAX)
}

impl Store {
    /// The key that signs now.
    ///
    /// # Errors
    /// [`Error::SecretKeyMissing`] where the master key is not at hand, or is another one.
    pub(super) async fn signing_key(&self) -> Result<SigningKey> {
        // What the schedule asks for is done first, where that can be done.
        if let Some(key) = self.read_signing_key(true).await? {
            return Ok(key);
        }
        self.rotate_signing_keys().await?;
        self.read_signing_key(false).await?.ok_or_else(|| Error::internal("there is no key that signs"))
    }

    /// The key that signs now, if there is one; with `on_schedule` only where nothing is left to be done about the keys.
    async fn read_signing_key(&self, on_schedule: bool) -> Result<Option<SigningKey>> {
        let (clock, tokens, secrets) = (self.clock.clone(), self.user_tokens.clone(), self.secrets.clone());
        let read = move |reading: Reading| {
            let (now, tokens, secrets) = (clock.now(), tokens.clone(), secrets.clone());
            async move {
                let connection = reading.connection();
                let keys = all(&connection).await?;
                let settled =
                    || next_from(&keys, &tokens, now).is_none() && keys.iter().all(|key| key.token_ttl >= micros(tokens.ttl));
                let Some(key) = active(&keys, now).filter(|_| !on_schedule || settled()) else { return Ok(None) };
                let sealed = [(Column::PrivateKey, Some(key.private_key.as_str()))];
                let [bytes] = secrets.open::<Entity, _>(&connection, &key.kid, &key.key_id, sealed).await?;
                let opened = bytes.and_then(|bytes| SigningKey::from_bytes(key.kid.clone(), &bytes));
                opened.map(Some).ok_or_else(|| Error::internal(format!("the signing key {} is none", key.kid)))
            }
        };
        self.engine.snapshot(read).await
    }

    /// What tokens are verified with, the latest first. Where there is none yet the first is made, if there is a master key.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn jwks(&self) -> Result<Vec<JwkDto>> {
        let read = |reading: Reading| async move { all(&reading.connection()).await };
        let mut keys = self.engine.read(read).await?;
        // Without a master key nobody has to wait for what cannot be done.
        if keys.is_empty() && self.secrets.master().is_ok() {
            match self.rotate_signing_keys().await {
                Ok(()) => keys = self.engine.read(read).await?,
                Err(Error::SecretKeyMissing) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(keys.into_iter().map(|key| jwk(key.kid, key.public_key)).collect())
    }

    /// How long what [`Store::jwks`] gives may be kept: the next key is known for longer before it signs.
    #[must_use]
    pub fn jwks_max_age(&self) -> Duration {
        KEPT.min(lead(&self.user_tokens) / 4)
    }

    async fn rotate_signing_keys(&self) -> Result<()> {
        if let Some(kid) = self.write(Context::default(), RotateSigningKeys(self.user_tokens.clone())).await? {
            tracing::info!(kid, "made a key that user tokens are signed with");
        }
        Ok(())
    }

    /// Keeps to the schedule once there is a key, for as long as it is polled.
    pub async fn keep_rotating_signing_keys(&self) {
        let interval = (lead(&self.user_tokens) / 4).clamp(INTERVAL.0, INTERVAL.1);
        loop {
            tokio::time::sleep(interval).await;
            let read = |reading: Reading| async move { Ok(!all(&reading.connection()).await?.is_empty()) };
            let rotated = match self.engine.read(read).await {
                Ok(true) => self.rotate_signing_keys().await,
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = rotated {
                tracing::warn!(%error, "the keys of user tokens are not rotated now");
            }
        }
    }
}

fn jwk(kid: String, x: String) -> JwkDto {
    let text = |text: &str| Some(text.to_owned());
    JwkDto { kty: text("OKP"), crv: text("Ed25519"), kid: Some(kid), alg: text("EdDSA"), r#use: text("sig"), x: Some(x) }
}
