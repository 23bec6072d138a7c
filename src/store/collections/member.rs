//! Who is in which group or role: many users of one, or one user in many.

use std::collections::HashMap;
use std::marker::PhantomData;

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};

use super::list::{of_user, to_members};
use super::{Collection, find_to_keep, id};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::store::engine::{Reading, keys::any_of};
use crate::store::users::Brief;
use crate::store::{Identifier, Mutation, Store, Tx, lookup};

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
    /// Its code.
    pub code: String,
    /// Who.
    pub users: Vec<Identifier>,
    /// What is done.
    pub holding: Holding,
    /// Whether it is a group or a role.
    pub kind: PhantomData<C>,
}

impl<C: Collection> Mutation for ChangeMembers<C> {
    /// For each user whether there is one.
    type Answer = Vec<bool>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<bool>> {
        let collection = find_to_keep::<C>(tx, &self.code).await?;
        let found = lookup::find::<Brief>(&tx.connection, &self.users).await?;
        let user_ids: Vec<_> = found.iter().flatten().map(|user| user.user_id.clone()).collect();
        change::<C>(tx, self.holding, &[id::<C>(&collection)], &user_ids).await?;
        Ok(found.iter().map(Option::is_some).collect())
    }
}

/// Puts one user into groups or roles, or takes them out, all or nothing.
pub struct ChangeHolding<C: Collection> {
    /// Who.
    pub user: Identifier,
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
        let ids = ids::<C>(tx, &self.codes).await?;
        // Locked, so that the answer is what the user holds after this call and after no other one; behind the groups or roles,
        // as by everybody who locks both.
        let user = lookup::find_one_to_change::<Brief>(tx, &self.user).await?.ok_or(Error::UserNotFound)?;
        let known = self.codes.iter().zip(ids).map(|(code, id)| id.ok_or_else(|| C::not_found(code)));
        let ids = known.collect::<Result<Vec<_>>>()?;
        change::<C>(tx, self.holding, &ids, std::slice::from_ref(&user.user_id)).await?;
        let now = of_user::<C>(&user.user_id).order_by_asc(C::CODE);
        Ok(now.into_model::<C::Dto>().all(&tx.connection).await?)
    }
}

/// The ids of these codes; until the transaction ends nobody deletes what has them.
async fn ids<C: Collection>(tx: &Tx, codes: &[String]) -> Result<Vec<Option<String>>> {
    let select = C::Entity::find().select_only().column(C::CODE).column(C::ID);
    let select = select.filter(any_of(&tx.connection, C::CODE, codes)).order_by_asc(C::ID).lock_shared();
    let rows = select.into_tuple::<(String, String)>().all(&tx.connection).await?;
    let known: HashMap<_, _> = rows.into_iter().collect();
    Ok(codes.iter().map(|code| known.get(code).cloned()).collect())
}

/// Makes or ends the memberships of each of the users in each of the sets.
async fn change<C: Collection>(tx: &Tx, holding: Holding, ids: &[String], user_ids: &[String]) -> Result<()> {
    if holding == Holding::Remove {
        let gone = any_of(&tx.connection, C::MEMBER_OF, ids).and(any_of(&tx.connection, C::MEMBER, user_ids));
        C::Members::delete_many().filter(gone).exec(&tx.connection).await?;
        return Ok(());
    }
    let pairs = Query::select()
        .expr(C::ID.into_expr())
        .expr(user::Column::UserId.into_expr())
        .from(C::Entity::default())
        .inner_join(user::Entity, Expr::value(true))
        .and_where(any_of(&tx.connection, C::ID, ids))
        .and_where(any_of(&tx.connection, user::Column::UserId, user_ids))
        .to_owned();
    let insert = Query::insert()
        .into_table(C::Members::default())
        .columns([C::MEMBER_OF, C::MEMBER])
        .select_from(pairs)
        .map_err(Error::internal)?
        .on_conflict(OnConflict::columns([C::MEMBER_OF, C::MEMBER]).do_nothing().to_owned())
        .to_owned();
    tx.connection.execute(&insert).await?;
    Ok(())
}

/// How many memberships are read at once.
const AT_ONCE: usize = 100_000;

/// The codes of what each of the users is in, in their order; `None`: there are more than are read at once.
pub(in crate::store) async fn codes<C: Collection>(
    connection: &impl ConnectionTrait,
    user_ids: &[String],
) -> Result<Option<HashMap<String, Vec<String>>>> {
    let select = C::Entity::find().select_only().column_as(C::MEMBER, "user_id").column_as(C::CODE, "code");
    let select = select.join(JoinType::InnerJoin, to_members::<C>()).filter(any_of(connection, C::MEMBER, user_ids));
    let select = select.order_by_asc(C::CODE).limit(AT_ONCE as u64 + 1);
    let rows = select.into_tuple::<(String, String)>().all(connection).await?;
    if rows.len() > AT_ONCE {
        return Ok(None);
    }
    let mut codes: HashMap<_, Vec<_>> = HashMap::new();
    for (user_id, code) in rows {
        codes.entry(user_id).or_default().push(code);
    }
    Ok(Some(codes))
}

impl Store {
    /// Whether a user is in any of the groups or roles; a code that none has is not held.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn holds_any<C: Collection>(&self, user: &Identifier, codes: &[String]) -> Result<bool> {
        let (user, codes) = (user.clone(), codes.to_vec());
        let read = move |reading: Reading| {
            let (user, codes) = (user.clone(), codes.clone());
            async move {
                let connection = &reading.connection();
                let user = lookup::find_one::<Brief>(connection, &user).await?.ok_or(Error::UserNotFound)?;
                let held = of_user::<C>(&user.user_id).filter(any_of(connection, C::CODE, codes)).limit(1);
                Ok(held.into_model::<C::Dto>().one(connection).await?.is_some())
            }
        };
        self.engine.snapshot(read).await
    }
}
