//! Checking a password. Whoever is asked about, the same is done: an id that nobody has costs what a wrong password costs.

use sea_orm::{ColumnTrait, DerivePartialModel, EntityTrait, PartialModelTrait, QueryFilter, QuerySelect, Select};

use super::guesses::Guess;
use crate::entity::user;
use crate::entity::user_credential::{Column, Entity};
use crate::error::{Error, Result};
use crate::password::{Checked, Password, PasswordHash, Turn, Work};
use crate::store::engine::Reading;
use crate::store::lookup::Shape;
use crate::store::users::is_active;
use crate::store::{Context, Identifier, Mutation, Store, Tenant, Tx, lookup};

/// What came of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Whether there is such a user and it is their password.
    pub verified: bool,
    /// Whether they have to choose another one.
    pub reset_required: bool,
}

/// What a check needs of a user.
#[derive(Clone, DerivePartialModel)]
#[sea_orm(entity = "user::Entity")]
struct Guarded {
    user_id: String,
    status: i32,
    blocked: Option<bool>,
    reset_password_on_next_login: Option<bool>,
}

impl Shape for Guarded {
    fn select() -> Select<user::Entity> {
        Self::select_cols(user::Entity::find().select_only())
    }
}

/// Puts a costlier hash of the same password in the place of one, unless the user has got another password meanwhile.
struct Upgrade {
    user_id: String,
    from: PasswordHash,
    to: PasswordHash,
}

impl Mutation for Upgrade {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let theirs = Column::UserId.eq(&self.user_id);
        let upgrade = Entity::update_many().col_expr(Column::PasswordHash, self.to.as_str().into());
        upgrade.filter(theirs).filter(Column::PasswordHash.eq(self.from.as_str())).exec(&tx.connection).await?;
        Ok(())
    }
}

impl Store {
    /// Whether it is the password of the user who has the identifier and whom the tenant sees. A hash that is weaker than those that
    /// are made now is replaced when the password is right.
    ///
    /// A caller who stops waiting leaves the queue, and has not guessed; once it is their turn the check runs to its end.
    ///
    /// # Errors
    /// [`Error::UserNotActive`] when it is, and the user cannot log in; [`Error::RateLimited`] when too many were wrong;
    /// [`Error::Overloaded`] when too many are being checked; [`Error::IdentityAmbiguous`].
    pub async fn verify_password(&self, tenant: &Tenant, identifier: &Identifier, password: Password) -> Result<Verified> {
        // Before anything is read or counted: who is refused here has cost nothing.
        let place = self.hashing.place(Work::Check)?;
        let guess = self.count_guess(tenant, identifier).await?;
        let found = self.guarded(tenant, identifier).await?;
        let turn = place.turn().await?;
        let store = self.clone();
        let task = async move {
            let _place = place;
            store.check(turn, guess, found, password).await
        };
        self.engine.at_home(task).await
    }

    /// Checks the password of the user who was found, if one was.
    async fn check(
        &self,
        turn: Turn,
        guess: Guess,
        found: Option<(Guarded, Option<PasswordHash>)>,
        password: Password,
    ) -> Result<Verified> {
        let stored = found.as_ref().and_then(|(_, stored)| stored.clone());
        let Checked { matches, upgraded } = turn.check(stored.clone(), password).await?;
        let Some((user, _)) = found.filter(|_| matches) else {
            guess.keep();
            return Ok(Verified::default());
        };
        guess.forget().await;
        if let (Some(from), Some(to)) = (stored, upgraded) {
            self.upgrade(Upgrade { user_id: user.user_id, from, to }).await;
        }
        if !is_active(user.status, user.blocked) {
            return Err(Error::UserNotActive);
        }
        Ok(Verified { verified: true, reset_required: user.reset_password_on_next_login.unwrap_or_default() })
    }

    /// The user and the hash of their password, if they have one, of one moment.
    async fn guarded(&self, tenant: &Tenant, identifier: &Identifier) -> Result<Option<(Guarded, Option<PasswordHash>)>> {
        let (tenant, identifier) = (tenant.clone(), identifier.clone());
        let read = move |reading: Reading| {
            let (tenant, identifier) = (tenant.clone(), identifier.clone());
            async move {
                let connection = reading.connection();
                let user = match lookup::find_one::<Guarded>(&connection, &tenant, &identifier).await {
                    Err(Error::UserNotFound) => None,
                    user => Some(user?),
                };
                // Nobody has an empty id; it is looked for all the same.
                let user_id = user.as_ref().map(|user| user.user_id.clone()).unwrap_or_default();
                let stored = Entity::find_by_id(user_id).one(&connection).await?;
                let read = |stored: &str| {
                    PasswordHash::stored(stored).ok_or_else(|| Error::internal("the stored hash of a password is none"))
                };
                let stored = stored.map(|stored| read(&stored.password_hash)).transpose()?;
                Ok(user.map(|user| (user, stored)))
            }
        };
        self.engine.snapshot(read).await
    }

    /// The password was right, whether or not this can be noted now.
    async fn upgrade(&self, upgrade: Upgrade) {
        if let Err(error) = self.write(Context::default(), upgrade).await {
            tracing::warn!(%error, "a weaker hash of a password stays for now");
        }
    }
}
