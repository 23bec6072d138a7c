//! Groups and roles: sets of users with a code. What is done with them is written here once; `groups.rs` and `roles.rs` say what
//! is a group's and what a role's.

mod create;
mod delete;
mod list;
mod member;
mod update;

pub use create::Create;
pub use delete::Delete;
pub(super) use member::codes;
pub use member::{ChangeHolding, ChangeMembers, Holding};
pub use update::Update;

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    ModelTrait, PartialModelTrait, QueryFilter, QuerySelect, Select,
};

use super::engine::{Reading, keys::is};
use super::{Store, Tx};
use crate::error::{Error, Result};
use crate::proto::reflect::Reflect;

/// A kind of set that users are in.
pub trait Collection: Send + Sync + 'static {
    /// The table of the sets.
    type Entity: EntityTrait<Model = Self::Model, ActiveModel = Self::Row, Column = Self::Column>;
    /// A row of it.
    type Model: ModelTrait<Entity = Self::Entity> + FromQueryResult + Send + Sync;
    /// A row to be written.
    type Row: ActiveModelTrait<Entity = Self::Entity> + ActiveModelBehavior + Send;
    /// Its columns.
    type Column: ColumnTrait;
    /// The table of who is in which.
    type Members: EntityTrait<Column = Self::MemberColumn>;
    /// Its columns.
    type MemberColumn: ColumnTrait;
    /// A set on the wire.
    type Dto: PartialModelTrait + IntoActiveModel<Self::Row> + Reflect + Clone + Send + Sync + 'static;

    /// The resource's name in requests.
    const NAME: &'static str;
    /// What members refer to.
    const ID: Self::Column;
    /// What callers name a set by.
    const CODE: Self::Column;
    /// The etag.
    const ETAG: Self::Column;
    /// When it was created.
    const CREATED_AT: Self::Column;
    /// When it last changed.
    const UPDATED_AT: Self::Column;
    /// Which set a member is in.
    const MEMBER_OF: Self::MemberColumn;
    /// Who it is.
    const MEMBER: Self::MemberColumn;

    /// That no set has the code.
    fn not_found(code: &str) -> Error;
}

impl Store {
    /// The group or role of this code.
    ///
    /// # Errors
    /// [`Error::GroupNotFound`] or [`Error::RoleNotFound`] if there is none.
    pub async fn collection<C: Collection>(&self, code: &str) -> Result<C::Dto> {
        let select = C::Dto::select_cols(by_code::<C>(code).select_only());
        let read = move |reading: Reading| {
            let select = select.clone();
            async move { Ok(select.into_model::<C::Dto>().one(&reading.connection()).await?) }
        };
        self.engine.read(read).await?.ok_or_else(|| C::not_found(code))
    }
}

fn by_code<C: Collection>(code: &str) -> Select<C::Entity> {
    C::Entity::find().filter(is(C::CODE, code))
}

/// The row of this code in the transaction at hand.
async fn find<C: Collection>(connection: &impl ConnectionTrait, code: &str) -> Result<C::Model> {
    by_code::<C>(code).one(connection).await?.ok_or_else(|| C::not_found(code))
}

/// As [`find`], and until the transaction ends nobody changes or deletes it.
async fn find_to_keep<C: Collection>(tx: &Tx, code: &str) -> Result<C::Model> {
    by_code::<C>(code).lock_shared().one(&tx.connection).await?.ok_or_else(|| C::not_found(code))
}

/// As [`find`], and until the transaction ends nobody else changes or deletes it.
async fn find_to_change<C: Collection>(tx: &Tx, code: &str) -> Result<C::Model> {
    by_code::<C>(code).lock_exclusive().one(&tx.connection).await?.ok_or_else(|| C::not_found(code))
}

/// The row of this id, as the wire has it.
async fn read<C: Collection>(connection: &impl ConnectionTrait, id: &str) -> Result<C::Dto> {
    let select = C::Dto::select_cols(C::Entity::find().select_only()).filter(C::ID.eq(id));
    let found = select.into_model::<C::Dto>().one(connection).await?;
    found.ok_or_else(|| Error::internal("a row is gone within its transaction"))
}

/// The id of a row, which every row has.
fn id<C: Collection>(row: &C::Model) -> String {
    text(row, C::ID)
}

/// A text column that is never absent.
pub(in crate::store) fn text<M: ModelTrait>(row: &M, column: <M::Entity as EntityTrait>::Column) -> String {
    row.get(column).unwrap::<Option<String>>().unwrap_or_default()
}
