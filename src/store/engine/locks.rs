//! What only one replica may do at a time. SQLite has one writer anyway.

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QuerySelect};

use crate::entity::lock;
use crate::error::{Error, Result};

/// How long a transaction may wait from then on, where what is locked takes long.
const WAIT_LONGER: &str = "SET LOCAL lock_timeout = '30s'";

/// Goes by locks of rows alone, also where all transactions are to be serializable: for a change that locks whatever it decides by,
/// and that could otherwise be attempted in vain for as long as others make what it looks for. To be the first that a transaction
/// does.
pub(in crate::store) async fn by_rows(connection: &impl ConnectionTrait) -> Result<()> {
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    }
    Ok(())
}

/// Waits for the lock of this name, and holds it until the transaction ends.
pub(in crate::store) async fn alone(connection: &impl ConnectionTrait, name: &'static str) -> Result<()> {
    if connection.get_database_backend() == DbBackend::Sqlite {
        return Ok(());
    }
    connection.execute_unprepared(WAIT_LONGER).await?;
    let lock = lock::Entity::find_by_id(name).lock_exclusive().one(connection).await?;
    lock.map(drop).ok_or_else(|| Error::internal("the lock is gone"))
}
