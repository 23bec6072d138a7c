//! What a rotation writes, each in a transaction of its own.

use std::marker::PhantomData;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::super::data_keys::{self, Found};
use super::super::{SealedTable, Sealer, Visitor, place, visit_all};
use super::Rotation;
use crate::entity::secret_key;
use crate::error::Result;
use crate::secret_key::{DataKey, MasterKey};
use crate::store::engine::keys::{any_of, is};
use crate::store::{Mutation, Tx};

/// How many rows are encrypted anew in a transaction: others wait for it.
const ROWS: u64 = 200;

/// Makes the new data key, and lets a new master key open all.
#[derive(Clone)]
pub(super) struct Begin(pub(super) Rotation);

/// Whether the rotation has begun.
pub(super) enum Begun {
    Yes,
    /// This master key has come after ours.
    Newer(String),
}

impl Mutation for Begin {
    type Answer = Begun;

    async fn apply(&self, tx: &Tx) -> Result<Begun> {
        data_keys::alone(tx).await?;
        let Rotation { new_master, forget_newer } = &self.0;
        let master = tx.secrets.master()?;
        let keys = data_keys::all(&tx.connection).await?;
        if let Some(newest) = keys.first() {
            // It must not be ours that nobody else can open what comes.
            tx.secrets.data_key(&tx.connection, &newest.key_id).await?;
            let last = data_keys::wraps(&tx.connection, &newest.key_id).await?.into_iter().next();
            let also = new_master.as_ref().map(MasterKey::id);
            let is_other = |id: &String| *id != master.id() && Some(id) != also.as_ref();
            if let Some(newer) = last.map(|wrap| wrap.master_id).filter(is_other).filter(|_| !forget_newer) {
                return Ok(Begun::Newer(newer));
            }
        }
        if let Some(new_master) = new_master {
            for key in &keys {
                if let Found::Key(key) = tx.secrets.find(&tx.connection, &key.key_id).await? {
                    data_keys::wrap(tx, &key, new_master).await?;
                }
            }
        }
        let masters: Vec<_> = std::iter::once(master).chain(new_master).collect();
        data_keys::make(tx, &masters).await?;
        Ok(Begun::Yes)
    }
}

/// Encrypts some rows of a data key anew with the newest: those that come next behind one.
pub(super) struct Reseal<T> {
    key_id: String,
    from: String,
    table: PhantomData<fn() -> T>,
}

/// What a step has done.
#[derive(Default)]
pub(super) struct Step {
    pub(super) done: u64,
    pub(super) left: u64,
    /// Where the next one goes on, unless this was the last.
    pub(super) last: Option<String>,
}

impl<T> Reseal<T> {
    pub(super) fn behind(key_id: &str, from: &str) -> Self {
        Self { key_id: key_id.to_owned(), from: from.to_owned(), table: PhantomData }
    }
}

impl<T> Clone for Reseal<T> {
    fn clone(&self) -> Self {
        Self::behind(&self.key_id, &self.from)
    }
}

impl<T: SealedTable> Mutation for Reseal<T> {
    type Answer = Step;

    async fn apply(&self, tx: &Tx) -> Result<Step> {
        let sealer = tx.sealer().await?;
        let old = match tx.secrets.find(&tx.connection, &self.key_id).await? {
            Found::Key(old) => Some(old),
            Found::Foreign | Found::Damaged => None,
            // Another rotation was faster.
            Found::Gone => return Ok(Step::default()),
        };
        let these = is(T::KEY_ID, &self.key_id).and(T::ROW.gt(&self.from));
        let rows = T::find().filter(these).order_by_asc(T::ROW).limit(ROWS).lock_exclusive().all(&tx.connection).await?;
        let mut step = Step::default();
        for row in &rows {
            let id = text(row, T::ROW).unwrap_or_default();
            match old.as_ref().and_then(|old| open::<T>(old, &id, row)) {
                Some(opened) => {
                    write::<T>(tx, &sealer, &id, &opened).await?;
                    step.done += 1;
                }
                None => step.left += 1,
            }
            step.last = Some(id);
        }
        Ok(step)
    }
}

/// The sealed columns of a row; `None`: one of them does not open.
fn open<T: SealedTable>(key: &DataKey, id: &str, row: &T::Model) -> Option<Vec<Option<Vec<u8>>>> {
    let open = |column: &T::Column| match text(row, *column) {
        Some(text) => key.open(place::<T>(id, *column), &text).map(Some),
        None => Some(None),
    };
    T::SEALED.iter().map(open).collect()
}

async fn write<T: SealedTable>(tx: &Tx, sealer: &Sealer, id: &str, opened: &[Option<Vec<u8>>]) -> Result<()> {
    let mut update = T::update_many().col_expr(T::KEY_ID, Expr::value(sealer.key_id())).filter(is(T::ROW, id));
    for (column, bytes) in T::SEALED.iter().zip(opened) {
        let text = bytes.as_ref().map(|bytes| sealer.seal_one::<T>(id, *column, bytes)).transpose()?;
        update = update.col_expr(*column, Expr::value(text));
    }
    update.exec(&tx.connection).await?;
    Ok(())
}

fn text<M: ModelTrait>(row: &M, column: <M::Entity as EntityTrait>::Column) -> Option<String> {
    row.get(column).unwrap()
}

/// Deletes the data keys that are not the newest and that no row names.
#[derive(Clone)]
pub(super) struct DeleteUnused;

impl Mutation for DeleteUnused {
    /// How many went, and how many stay beside the newest.
    type Answer = (u64, u64);

    async fn apply(&self, tx: &Tx) -> Result<(u64, u64)> {
        data_keys::alone(tx).await?;
        let old: Vec<_> = data_keys::all(&tx.connection).await?.into_iter().skip(1).map(|key| key.key_id).collect();
        let these = any_of(&tx.connection, secret_key::Column::KeyId, &old);
        // Whoever writes rows of theirs has begun before there was the newest, and ends first; then the rows are counted.
        let locked = secret_key::Entity::find().filter(these).order_by_asc(secret_key::Column::KeyId).lock_exclusive();
        locked.all(&tx.connection).await?;
        let mut unused = Unused { tx, keys: old };
        let before = unused.keys.len();
        visit_all(&mut unused).await?;
        let these = any_of(&tx.connection, secret_key::Column::KeyId, &unused.keys);
        secret_key::Entity::delete_many().filter(these).exec(&tx.connection).await?;
        Ok((unused.keys.len() as u64, (before - unused.keys.len()) as u64))
    }
}

/// Data keys, but for those that rows name.
struct Unused<'a> {
    tx: &'a Tx,
    keys: Vec<String>,
}

impl Visitor for Unused<'_> {
    async fn visit<T: SealedTable>(&mut self) -> Result<()> {
        let mut unused = Vec::new();
        for key_id in self.keys.drain(..) {
            if T::find().filter(is(T::KEY_ID, &key_id)).limit(1).count(&self.tx.connection).await? == 0 {
                unused.push(key_id);
            }
        }
        self.keys = unused;
        Ok(())
    }
}
