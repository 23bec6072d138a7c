//! What only one replica may do at a time. SQLite has one writer anyway.

use sea_orm::{ConnectionTrait, DbBackend, EntityName, EntityTrait, QuerySelect};

use crate::entity::lock;
use crate::error::{Error, Result};

/// How long a transaction may wait from then on, where what is locked takes long.
const WAIT_LONGER: &str = "SET LOCAL lock_timeout = '30s'";

/// Keeps all others from writing into the table, and waits for those who do, until the transaction ends. Where it is the first
/// that the transaction does, that sees all they wrote under whatever isolation: taking it takes no snapshot (PostgreSQL's
/// documentation, 13.3.1).
pub(in crate::store) async fn table(connection: &impl ConnectionTrait, table: impl EntityName) -> Result<()> {
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared(&format!("LOCK TABLE {} IN EXCLUSIVE MODE", table.table_name())).await?;
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
