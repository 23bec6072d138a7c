//! What a key may do to keys (contract §5): it never makes, sees, changes, rotates or revokes one that is stronger than itself.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::Caller;
use super::row::ApiKeyRow;
use crate::entity::api_key::{self, Column};
use crate::error::{Error, Result};
use crate::proto::{ApiKeyDto, Timestamp};
use crate::store::engine::{Reading, keys::is};
use crate::store::{Store, Tx};

/// The path of a key's end.
pub(super) const EXPIRES_AT: &str = "api_key.expires_at";

/// The keys within the caller's reach: those of its own binding, or any where it has none, that have no scope that it lacks. The
/// command line reaches all.
pub(super) fn condition(caller: Option<&Caller>) -> Condition {
    let bound = caller.and_then(|caller| caller.tenant.organization_id()).map(|id| Column::OrganizationId.eq(id));
    let beyond = caller.into_iter().flat_map(|caller| caller.scopes.beyond());
    // Names are parted by spaces, and none is a part of another with them around it.
    let parted = || Expr::val(" ").binary(BinOper::Custom("||"), Column::Scopes.into_expr()).binary(BinOper::Custom("||"), " ");
    beyond.fold(Condition::all().add_option(bound), |within, scope| within.add(parted().not_like(format!("% {scope} %"))))
}

/// The key of this id, if it is within the caller's reach, and the caller's own key is still good: while the call waited for its
/// turn, it may have been revoked.
pub(super) async fn find(tx: &Tx, api_key_id: &str) -> Result<api_key::Model> {
    // Locked before the caller's own: it may be the same, and a lock that only keeps it from changing cannot grow.
    let reached =
        api_key::Entity::find().filter(condition(tx.context.caller.as_ref())).filter(is(Column::ApiKeyId, api_key_id));
    let found = reached.lock_exclusive().one(&tx.connection).await?;
    require_good(tx).await?;
    found.ok_or(Error::ApiKeyNotFound)
}

/// Refuses what a key asks for that has been revoked or has expired since, and keeps it from being revoked until the transaction
/// ends: what it makes is then there to be revoked along with it.
pub(super) async fn require_good(tx: &Tx) -> Result<()> {
    let Some(caller) = &tx.context.caller else { return Ok(()) };
    let own = api_key::Entity::find_by_id(caller.api_key_id.as_ref()).lock_shared().one(&tx.connection).await?;
    let own = own.ok_or(Error::ApiKeyInvalid)?;
    super::require_good(own.revoked_at, own.expires_at, tx.now)
}

/// The key of this id as the wire has it, if it is within the caller's reach.
pub(super) async fn read(connection: &impl ConnectionTrait, caller: Option<&Caller>, api_key_id: &str) -> Result<ApiKeyDto> {
    let select = ApiKeyRow::select().filter(condition(caller)).filter(is(Column::ApiKeyId, api_key_id));
    let found = select.into_model::<ApiKeyRow>().one(connection).await?;
    found.map(ApiKeyRow::into_dto).ok_or(Error::ApiKeyNotFound)
}

/// When a key that the caller makes or extends ends: with the caller's own at the latest, and with it where nothing is asked
/// for.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub(super) fn end(caller: Option<&Caller>, asked: Option<Timestamp>) -> Result<Option<Timestamp>, &'static str> {
    // Held against each other as they are stored, to the microsecond.
    let asked = asked.map(|asked| Timestamp::from_micros(asked.micros()));
    match (asked, caller.and_then(|caller| caller.expires_at)) {
        (Some(asked), Some(own)) if asked > own => Err("must not be later than when your own key expires"),
        (asked, own) => Ok(asked.or(own)),
    }
}

impl Store {
    /// The key of this id.
    ///
    /// # Errors
    /// [`Error::ApiKeyNotFound`], also for a key that is stronger than the caller's.
    pub async fn api_key(&self, caller: &Caller, api_key_id: &str) -> Result<ApiKeyDto> {
        let (caller, api_key_id) = (caller.clone(), api_key_id.to_owned());
        let read = move |reading: Reading| {
            let (caller, api_key_id) = (caller.clone(), api_key_id.clone());
            async move { read(&reading.connection(), Some(&caller), &api_key_id).await }
        };
        self.engine.read(read).await
    }
}
