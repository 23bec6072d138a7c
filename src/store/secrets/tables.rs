//! The tables that have something encrypted: a rotation and a verification go over all of them.

use std::future::Future;

use sea_orm::{EntityTrait, IdenStatic};

use crate::entity::{identity_token, signing_key};
use crate::error::Result;
use crate::secret_key::Place;

/// A table with columns that are sealed. Each row names the data key for all of them.
pub(in crate::store) trait SealedTable: EntityTrait<Model: Send + Sync> {
    /// The primary key: a text.
    const ROW: Self::Column;
    /// The data key's id; with an index that goes on with the primary key.
    const KEY_ID: Self::Column;
    /// What is sealed: texts, or none.
    const SEALED: &'static [Self::Column];
}

impl SealedTable for identity_token::Entity {
    const ROW: Self::Column = identity_token::Column::IdentityId;
    const KEY_ID: Self::Column = identity_token::Column::KeyId;
    const SEALED: &'static [Self::Column] = &[identity_token::Column::AccessToken, identity_token::Column::RefreshToken];
}

impl SealedTable for signing_key::Entity {
    const ROW: Self::Column = signing_key::Column::Kid;
    const KEY_ID: Self::Column = signing_key::Column::KeyId;
    const SEALED: &'static [Self::Column] = &[signing_key::Column::PrivateKey];
}

/// What is to be done with each of them.
pub(in crate::store) trait Visitor: Send {
    /// Does it with this one.
    fn visit<T: SealedTable>(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Does it with all of them: whoever adds a table adds its line.
pub(in crate::store) async fn visit_all(visitor: &mut impl Visitor) -> Result<()> {
    visitor.visit::<identity_token::Entity>().await?;
    visitor.visit::<signing_key::Entity>().await
}

/// Where something sealed lies.
pub(in crate::store) fn place<T: SealedTable>(row: &str, column: T::Column) -> Place<'_> {
    Place { table: T::default().as_str(), row, column: IdenStatic::as_str(&column) }
}
