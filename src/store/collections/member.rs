//! Who is in which group or role: many users of one, or one user in many.

use std::collections::HashMap;
use std::marker::PhantomData;

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::AT_ONCE;
use super::list::{of_user, with_members};
use super::{Collection, Holder, Peopled, Place};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::store::engine::{Reading, keys::any_of};
use crate::store::resources::{find_to_keep, id};
use crate::store::standing::at;
use crate::store::users::Brief;
use crate::store::{Identifier, Level, Mutation, Store, Tx, lookup, organizations};

/// What a write does to memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Makes them; those that are there stay.
    Add,
    /// Ends them; those that are not there are passed over.
    Remove,
}

/// Puts users into one group or role, or takes them out of it.
pub struct ChangeMembers<C: Collection> {
    /// Which.
    pub place: Place,
    /// Who.
    pub users: Vec<Identifier>,
    /// What is done.
    pub holding: Holding,
    /// Whether it is a group or a role.
    pub kind: PhantomData<C>,
}

impl<C: Collection> Mutation for ChangeMembers<C> {
    /// For each user whether it was done.
    type Answer = Vec<Result<()>>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<Result<()>>> {
        let collection = find_to_keep::<C>(tx, &self.place).await?;
        let mut found = lookup::find::<Brief>(&tx.connection, tx.tenant(), &self.users).await?;
        if self.holding == Holding::Add {
            refuse_strangers(tx, &self.place.level, &mut found).await?;
        }
        let user_ids: Vec<_> = found.iter().flatten().map(|user| user.user_id.clone()).collect();
        change::<C>(tx, self.holding, &self.place.level, &[id::<C>(&collection)], &user_ids).await?;
        Ok(found.into_iter().map(|user| user.map(drop)).collect())
    }
}

/// Puts one user into groups or roles, or takes them out, all or nothing.
pub struct ChangeHolding<C: Collection> {
    /// Who, and at which level.
    pub holder: Holder,
    /// The codes.
    pub codes: Vec<String>,
    /// What is done.
    pub holding: Holding,
    /// Whether they are groups or roles.
    pub kind: PhantomData<C>,
}

impl<C: Collection> Mutation for ChangeHolding<C> {
    /// All that the user is in now, by code.
    type Answer = Vec<C::Dto>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<C::Dto>> {
        let level = &self.holder.level;
        level.keep(tx).await?;
        let ids = ids::<C>(tx, level, &self.codes).await?;
        // Locked, so that the answer is what the user holds after this call and after no other one; behind the groups or roles,
        // as by everybody who locks both.
        let user = lookup::find_one_to_change::<Brief>(tx, &self.holder.user).await?;
        let place = |code: &String| Place { level: level.clone(), code: code.clone() };
        let known = self.codes.iter().zip(ids).map(|(code, id)| id.ok_or_else(|| C::not_found(&place(code))));
        let ids = known.collect::<Result<Vec<_>>>()?;
        let user = if self.holding == Holding::Add { refuse_stranger(tx, level, user).await? } else { user };
        change::<C>(tx, self.holding, level, &ids, std::slice::from_ref(&user.user_id)).await?;
        let now = of_user::<C>(level, &user.user_id).order_by_asc(C::CODE);
        Ok(now.into_model::<C::Dto>().all(&tx.connection).await?)
    }
}

/// The ids of these codes; until the transaction ends nobody deletes what has them.
async fn ids<C: Collection>(tx: &Tx, level: &Level, codes: &[String]) -> Result<Vec<Option<String>>> {
    let select = at::<C>(level).select_only().column(C::CODE).column(C::ID);
    let select = select.filter(any_of(&tx.connection, C::CODE, codes)).order_by_asc(C::ID).lock_shared();
    let rows = select.into_tuple::<(String, String)>().all(&tx.connection).await?;
    let known: HashMap<_, _> = rows.into_iter().collect();
    Ok(codes.iter().map(|code| known.get(code).cloned()).collect())
}

/// Refuses the users who are no members of the level's organization; the pool's own level is everybody's.
pub(in crate::store) async fn refuse_strangers(tx: &Tx, level: &Level, users: &mut [Result<Brief>]) -> Result<()> {
    let Some(organization_id) = level.organization_id() else { return Ok(()) };
    let user_ids = users.iter().flatten().map(|user| &user.user_id);
    let members = organizations::members_among(&tx.connection, organization_id, user_ids).await?;
    for user in users.iter_mut() {
        if user.as_ref().is_ok_and(|user| !members.contains(&user.user_id)) {
            // To a bound key whoever has just left is as absent as everybody else.
            let bound = tx.tenant().organization_id().is_some();
            *user = Err(if bound { Error::UserNotFound } else { Error::NotAMember });
        }
    }
    Ok(())
}

/// As [`refuse_strangers`], for one.
pub(in crate::store) async fn refuse_stranger(tx: &Tx, level: &Level, user: Brief) -> Result<Brief> {
    let mut users = [Ok(user)];
    refuse_strangers(tx, level, &mut users).await?;
    let [user] = users;
    user
}

/// Makes or ends the memberships of each of the users in each of the sets, all of which stand at the level.
pub(in crate::store) async fn change<C: Peopled>(
    tx: &Tx,
    holding: Holding,
    level: &Level,
    ids: &[String],
    user_ids: &[String],
) -> Result<()> {
    if holding == Holding::Remove {
        let gone = any_of(&tx.connection, C::MEMBER_OF, ids).and(any_of(&tx.connection, C::MEMBER, user_ids));
        C::Members::delete_many().filter(gone).exec(&tx.connection).await?;
        return Ok(());
    }
    let pairs = Query::select()
        .expr(C::ID.into_expr())
        .expr(user::Column::UserId.into_expr())
        .expr(C::LEVEL.into_expr())
        .from(C::Entity::default())
        .inner_join(user::Entity, Expr::value(true))
        .and_where(level.is(C::LEVEL))
        .and_where(any_of(&tx.connection, C::ID, ids))
        .and_where(any_of(&tx.connection, user::Column::UserId, user_ids))
        .to_owned();
    let insert = Query::insert()
        .into_table(C::Members::default())
        .columns([C::MEMBER_OF, C::MEMBER, C::MEMBER_LEVEL])
        .select_from(pairs)
        .map_err(Error::internal)?
        .on_conflict(OnConflict::columns([C::MEMBER_OF, C::MEMBER]).do_nothing().to_owned())
        .to_owned();
    tx.connection.execute(&insert).await?;
    Ok(())
}

/// What each of the users is in at a level, by this column and in its order; `None`: there are more than are read at once.
pub(in crate::store) async fn held<C: Peopled>(
    connection: &impl ConnectionTrait,
    level: &Level,
    user_ids: &[String],
    shown: C::Column,
) -> Result<Option<HashMap<String, Vec<String>>>> {
    let select = with_members::<C>(level).select_only().column_as(C::MEMBER, "user_id").column_as(shown, "shown");
    let select = select.filter(any_of(connection, C::MEMBER, user_ids)).order_by_asc(shown).limit(AT_ONCE as u64 + 1);
    let rows = select.into_tuple::<(String, String)>().all(connection).await?;
    if rows.len() > AT_ONCE {
        return Ok(None);
    }
    let mut held: HashMap<_, Vec<_>> = HashMap::new();
    for (user_id, shown) in rows {
        held.entry(user_id).or_default().push(shown);
    }
    Ok(Some(held))
}

impl Store {
    /// Whether a user is in any of the groups or roles; a code that none has is not held.
    pub(in crate::store) async fn holds_any<C: Collection>(&self, holder: &Holder, codes: &[String]) -> Result<bool> {
        let (holder, codes) = (holder.clone(), codes.to_vec());
        let read = move |reading: Reading| {
            let (holder, codes) = (holder.clone(), codes.clone());
            async move {
                let connection = &reading.connection();
                let user_id = holder.find(connection).await?;
                let held = of_user::<C>(&holder.level, &user_id).filter(any_of(connection, C::CODE, codes)).limit(1);
                Ok(held.into_model::<C::Dto>().one(connection).await?.is_some())
            }
        };
        self.engine.snapshot(read).await
    }
}
