//! How often a wrong password may be tried for an id. It is counted in the database, so that replicas share it, and for ids that
//! nobody has as well, so that it tells nothing. Those who are bound to an organization count apart: they neither lock others out
//! nor see that somebody guesses elsewhere.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::config::Guesses;
use crate::entity::password_guess::{ActiveModel, Column, Entity, Model};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::store::engine::Reading;
use crate::store::engine::keys::any_of;
use crate::store::{Context, Identifier, Mutation, Store, Tenant, Tx};

/// How often those that count no more are looked for, and how many go at once.
const INTERVAL: Duration = Duration::from_mins(1);
const STEP: u64 = 500;

/// What guesses are counted by: whose keys make them, and the id as it is matched. A mistyped id is nobody's to read.
fn guessed_id(tenant: &Tenant, identifier: &Identifier) -> String {
    let (kind, key) = identifier.parts();
    let parts = [tenant.organization_id().unwrap_or_default(), kind, key];
    let hasher = parts.into_iter().fold(Sha256::new(), |hasher, part| hasher.chain_update(part).chain_update("\0"));
    BASE64_STANDARD.encode(hasher.finalize())
}

/// Counts a guess before it is checked, so that many at once are not more than the limit.
struct CountGuess {
    guessed_id: String,
    guesses: Guesses,
}

impl Mutation for CountGuess {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let first = ActiveModel {
            guessed_id: Set(self.guessed_id.clone()),
            guesses: Set(0),
            ends_at: Set(tx.now.plus(self.guesses.window)),
        };
        // The row is there from then on, and locked.
        let or_lock = OnConflict::column(Column::GuessedId).value(Column::Guesses, stored(Column::Guesses)).to_owned();
        Entity::insert(first.clone()).on_conflict(or_lock).exec_without_returning(&tx.connection).await?;
        let found = Entity::find_by_id(&self.guessed_id).one(&tx.connection).await?;
        let found = found.ok_or_else(|| Error::internal("the guesses are gone"))?;
        let over = found.ends_at <= tx.now;
        if !over {
            require(&found, self.guesses, tx.now)?;
        }
        let mut row = if over { first } else { ActiveModel::default() };
        row.guesses = Set(if over { 1 } else { found.guesses + 1 });
        let this = Column::GuessedId.eq(&self.guessed_id);
        Entity::update_many().set(row).filter(this).exec(&tx.connection).await?;
        Ok(())
    }
}

/// A guess that was counted. Dropped, it is taken back: nothing was learnt by it.
pub(super) struct Guess(Option<(Store, String)>);

impl Guess {
    /// Lets it count: it was wrong.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }

    /// Takes it back: it was right, or none.
    pub(super) async fn forget(mut self) {
        if let Some((store, guessed_id)) = self.0.take() {
            forget(&store, guessed_id).await;
        }
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        if let (Some((store, guessed_id)), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { forget(&store, guessed_id).await });
        }
    }
}

/// Where it cannot be taken back it ends with its window.
async fn forget(store: &Store, guessed_id: String) {
    if let Err(error) = store.write(Context::default(), ForgetGuess(guessed_id)).await {
        tracing::warn!(%error, "a guess of a password that was none goes on counting");
    }
}

/// Takes back a guess that was none.
struct ForgetGuess(String);

impl Mutation for ForgetGuess {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let this = Column::GuessedId.eq(&self.0).and(Column::Guesses.gt(0));
        let fewer = Entity::update_many().col_expr(Column::Guesses, stored(Column::Guesses).sub(1));
        fewer.filter(this).exec(&tx.connection).await?;
        Ok(())
    }
}

/// Forgets what was guessed of the password that a user had, under each of their ids: there is another one now.
pub(super) async fn forget_all(tx: &Tx, target: &Identifier, user: &user::Model) -> Result<()> {
    let keys = [
        Some(target.clone()),
        Some(Identifier::UserId(user.user_id.clone())),
        user.email_key.clone().map(Identifier::Email),
        user.phone_key.clone().map(Identifier::Phone),
        user.username.clone().map(Identifier::Username),
        user.external_id.clone().map(Identifier::ExternalId),
    ];
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    let of = |tenant: &Tenant| keys.iter().map(|key| guessed_id(tenant, key)).collect::<Vec<_>>();
    let all = [of(&Tenant::Pool), of(tx.tenant())].concat();
    Entity::delete_many().filter(any_of(&tx.connection, Column::GuessedId, all)).exec(&tx.connection).await?;
    Ok(())
}

/// Deletes some that count no more.
struct PurgeGuesses;

impl Mutation for PurgeGuesses {
    /// How many went.
    type Answer = usize;

    async fn apply(&self, tx: &Tx) -> Result<usize> {
        let over = Column::EndsAt.lte(tx.now);
        let select = Entity::find().select_only().column(Column::GuessedId).filter(over.clone());
        let ids = select.order_by_asc(Column::EndsAt).limit(STEP).into_tuple::<String>().all(&tx.connection).await?;
        // Once more by time: one of them may count again meanwhile.
        let these = any_of(&tx.connection, Column::GuessedId, &ids).and(over);
        Entity::delete_many().filter(these).exec(&tx.connection).await?;
        Ok(ids.len())
    }
}

/// The column of the row that is there.
fn stored(column: Column) -> Expr {
    Expr::col((Entity, column))
}

/// Refuses another guess where there were too many.
fn require(found: &Model, guesses: Guesses, now: Timestamp) -> Result<()> {
    if i64::from(found.guesses) < i64::from(guesses.most) {
        return Ok(());
    }
    let micros = found.ends_at.micros().saturating_sub(now.micros());
    Err(Error::RateLimited { after: Duration::from_micros(micros.try_into().unwrap_or_default()) })
}

impl Store {
    /// Counts a guess for the identifier.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when there were too many.
    pub(super) async fn count_guess(&self, tenant: &Tenant, identifier: &Identifier) -> Result<Guess> {
        let Some(guesses) = self.guesses else { return Ok(Guess(None)) };
        let guessed_id = guessed_id(tenant, identifier);
        let query = Entity::find_by_id(&guessed_id);
        let read = move |reading: Reading| {
            let query = query.clone();
            async move { Ok(query.one(&reading.connection()).await?) }
        };
        // Looked at first: whoever is refused need not write.
        let now = self.clock.now();
        if let Some(found) = self.engine.read(read).await?.filter(|found| found.ends_at > now) {
            require(&found, guesses, now)?;
        }
        let store = self.clone();
        // On a task of its own, so that what a caller who has left has counted is taken back.
        let count = async move {
            store.write(Context::default(), CountGuess { guessed_id: guessed_id.clone(), guesses }).await?;
            Ok(Guess(Some((store, guessed_id))))
        };
        self.engine.at_home(count).await
    }

    /// Deletes the guesses that count no more, every now and then, for as long as it is polled.
    pub async fn keep_purging_password_guesses(&self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            while let Ok(1..) = self.write(Context::default(), PurgeGuesses).await {
                tokio::task::yield_now().await;
            }
        }
    }
}
