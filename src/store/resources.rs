//! Resources that are rows: groups, roles, organizations, departments, posts. How one is found, created, changed and deleted is written
//! here once; each of them says what is its own.

mod create;
mod delete;
mod update;

pub use create::Create;
pub use delete::Delete;
pub use update::Update;

use std::future::Future;

use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    ModelTrait, PartialModelTrait, QueryFilter, QuerySelect, Select,
};

use super::engine::Reading;
use super::{Level, Store, Tx, etag};
use crate::error::{Error, Result};
use crate::proto::reflect::Reflect;

/// A kind of resource.
pub trait Resource: Send + Sync + 'static {
    /// Its table.
    type Entity: EntityTrait<Model = Self::Model, ActiveModel = Self::Row, Column = Self::Column>;
    /// A row of it.
    type Model: ModelTrait<Entity = Self::Entity> + FromQueryResult + Send + Sync;
    /// A row to be written.
    type Row: ActiveModelTrait<Entity = Self::Entity> + ActiveModelBehavior + Send;
    /// Its columns.
    type Column: ColumnTrait;
    /// One on the wire.
    type Dto: PartialModelTrait + IntoActiveModel<Self::Row> + Reflect + Clone + Send + Sync + 'static;
    /// What a caller names one by, together with where they may look for it.
    type Key: Clone + Send + Sync + 'static;

    /// The resource's name in requests.
    const NAME: &'static str;
    /// What other tables refer to it by.
    const ID: Self::Column;
    /// How its row is locked by who changes or deletes it.
    const CHANGE: LockType = LockType::Update;
    /// The columns that tell of changes; `None`: it has none.
    const STAMPS: Option<Stamps<Self::Column>>;

    /// The one of this key, if there is one within the caller's reach: there is no other way to it.
    fn find(key: &Self::Key) -> Select<Self::Entity>;

    /// That there is none.
    fn not_found(key: &Self::Key) -> Error;

    /// Refuses a key whose level is not there.
    fn require(connection: &impl ConnectionTrait, key: &Self::Key) -> impl Future<Output = Result<()>> + Send;

    /// As [`Resource::require`], and until the transaction ends the level stays. Before anything else is locked.
    fn keep(tx: &Tx, key: &Self::Key) -> impl Future<Output = Result<()>> + Send;

    /// Puts a new row where it is to stand.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`] for a level where nothing can stand.
    fn stand(row: &mut Self::Row, level: &Level) -> Result<()>;

    /// Waits where only one write at a time may give a field of this name a value. Before anything is locked.
    fn wait(tx: &Tx, gives: &(dyn Fn(&str) -> bool + Sync)) -> impl Future<Output = Result<()>> + Send {
        let _ = (tx, gives);
        std::future::ready(Ok(()))
    }

    /// Refuses a row that cannot stand so beside the others: a new one, or what is to change of the stored one.
    fn settle(tx: &Tx, row: &Self::Row, stored: Option<&Self::Model>) -> impl Future<Output = Result<()>> + Send {
        let _ = (tx, row, stored);
        std::future::ready(Ok(()))
    }

    /// Fills in what lies in other tables: one query for all. Fewer, from the first on, where it is more than is read at once.
    fn complete(
        connection: &impl ConnectionTrait,
        rows: Vec<Self::Dto>,
    ) -> impl Future<Output = Result<Vec<Self::Dto>>> + Send {
        let _ = connection;
        std::future::ready(Ok(rows))
    }

    /// Deletes the row.
    fn delete(tx: &Tx, stored: &Self::Model) -> impl Future<Output = Result<()>> + Send {
        let delete = Self::Entity::delete_many().filter(Self::ID.eq(id::<Self>(stored)));
        async move {
            delete.exec(&tx.connection).await?;
            Ok(())
        }
    }
}

/// The columns of a row that tell of its changes.
#[derive(Clone, Copy, Debug)]
pub struct Stamps<C> {
    /// The etag.
    pub etag: C,
    /// When the row was created.
    pub created_at: C,
    /// When it last changed.
    pub updated_at: C,
}

impl<C: ColumnTrait> Stamps<C> {
    /// Refuses a write that expects another state than the stored one.
    fn require<M>(&self, expected: Option<&str>, stored: &M) -> Result<()>
    where
        M: ModelTrait,
        M::Entity: EntityTrait<Column = C>,
    {
        etag::require(expected, &text(stored, self.etag))
    }
}

impl Store {
    /// The resource of this key.
    ///
    /// # Errors
    /// That it is not there, or its level is not.
    pub async fn resource<R: Resource>(&self, key: &R::Key) -> Result<R::Dto> {
        let sought = key.clone();
        let read = move |reading: Reading| {
            let key = sought.clone();
            async move {
                R::require(&reading.connection(), &key).await?;
                let select = R::Dto::select_cols(R::find(&key).select_only());
                let found = select.into_model::<R::Dto>().one(&reading.connection()).await?;
                whole::<R>(&reading.connection(), found.ok_or_else(|| R::not_found(&key))?).await
            }
        };
        self.engine.read(read).await
    }
}

/// The row of this key in the transaction at hand.
pub(super) async fn find<R: Resource>(connection: &impl ConnectionTrait, key: &R::Key) -> Result<R::Model> {
    R::require(connection, key).await?;
    R::find(key).one(connection).await?.ok_or_else(|| R::not_found(key))
}

/// As [`find`], and until the transaction ends nobody changes or deletes it.
pub(super) async fn find_to_keep<R: Resource>(tx: &Tx, key: &R::Key) -> Result<R::Model> {
    R::keep(tx, key).await?;
    R::find(key).lock_shared().one(&tx.connection).await?.ok_or_else(|| R::not_found(key))
}

/// As [`find`], and until the transaction ends nobody else changes or deletes it.
pub(super) async fn find_to_change<R: Resource>(tx: &Tx, key: &R::Key) -> Result<R::Model> {
    R::keep(tx, key).await?;
    R::find(key).lock(R::CHANGE).one(&tx.connection).await?.ok_or_else(|| R::not_found(key))
}

/// The row of this id, as the wire has it.
async fn read<R: Resource>(connection: &impl ConnectionTrait, id: &str) -> Result<R::Dto> {
    let select = R::Dto::select_cols(R::Entity::find().select_only()).filter(R::ID.eq(id));
    let found = select.into_model::<R::Dto>().one(connection).await?;
    whole::<R>(connection, found.ok_or_else(|| Error::internal("a row is gone within its transaction"))?).await
}

/// The one with what lies in other tables.
async fn whole<R: Resource>(connection: &impl ConnectionTrait, row: R::Dto) -> Result<R::Dto> {
    R::complete(connection, vec![row]).await?.pop().ok_or(Error::MessageTooLarge { fit: None })
}

/// The id of a row, which every row has.
pub(super) fn id<R: Resource + ?Sized>(row: &R::Model) -> String {
    text(row, R::ID)
}

/// A text column that is never absent.
pub(super) fn text<M: ModelTrait>(row: &M, column: <M::Entity as EntityTrait>::Column) -> String {
    row.get(column).unwrap::<Option<String>>().unwrap_or_default()
}
