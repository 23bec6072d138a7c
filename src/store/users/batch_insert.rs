//! Inserting many users at the cost of few statements.

use super::{CreateUser, CreatedUser, custom_data};
use crate::entity::user::Column;
use crate::error::{Error, Result};
use crate::store::engine::insert::unless_taken;
use crate::store::{Tx, identities};

/// How many are inserted together.
const TOGETHER: usize = 500;

/// Inserts users in their order. Those who clash are not inserted; which conflict it is may be left open. Where it is `all` or
/// none, it may end with the first who is not inserted.
pub(super) async fn insert(tx: &Tx, users: &[&CreateUser], all: bool) -> Result<Vec<Result<CreatedUser>>> {
    let mut results = Vec::with_capacity(users.len());
    for users in users.chunks(TOGETHER) {
        results.extend(insert_some(tx, users, all).await?);
        if all && results.iter().any(Result::is_err) {
            break;
        }
    }
    Ok(results)
}

/// Inserts them together; one by one where that does not tell who clashes, as it is with identities, or who comes first.
async fn insert_some(tx: &Tx, users: &[&CreateUser], all: bool) -> Result<Vec<Result<CreatedUser>>> {
    let savepoint = tx.savepoint().await?;
    match insert_together(&savepoint, users).await {
        Ok(results) if !(all && results.iter().any(Result::is_err)) => {
            savepoint.release().await?;
            return Ok(results);
        }
        Ok(_) | Err(Error::AlreadyExists(_) | Error::SecretKeyMissing) => savepoint.undo().await?,
        Err(error) => return Err(error),
    }
    let mut results = Vec::with_capacity(users.len());
    for user in users {
        results.push(insert_one(tx, user).await?);
        if all && results.last().is_some_and(Result::is_err) {
            break;
        }
    }
    Ok(results)
}

/// Inserts one user. One who clashes is undone alone; any other failure undoes all.
pub(super) async fn insert_one(tx: &Tx, user: &CreateUser) -> Result<Result<CreatedUser>> {
    let savepoint = tx.savepoint().await?;
    match user.insert(&savepoint).await {
        Ok(created) => {
            savepoint.release().await?;
            Ok(Ok(created))
        }
        Err(error @ (Error::AlreadyExists(_) | Error::SecretKeyMissing)) => {
            savepoint.undo().await?;
            Ok(Err(error))
        }
        Err(error) => Err(error),
    }
}

async fn insert_together(tx: &Tx, users: &[&CreateUser]) -> Result<Vec<Result<CreatedUser>>> {
    let new = users.iter().map(|user| user.new_row(tx)).collect::<Result<Vec<_>>>()?;
    let (rows, created): (Vec<_>, Vec<_>) = new.into_iter().unzip();
    let inserted = unless_taken(&tx.connection, rows, Column::Etag).await?;
    let made = || users.iter().zip(&created).zip(&inserted).filter(|(_, inserted)| **inserted).map(|(made, _)| made);
    let data = made().map(|(user, created)| (created.user_id.as_str(), user.custom_data()));
    custom_data::insert(&tx.connection, data).await?;
    let linked = made().flat_map(|(user, created)| user.identities().iter().map(|new| (created.user_id.as_str(), new)));
    let linked = linked.collect();
    identities::insert_all(tx, linked).await?;
    for (user, created) in made() {
        if let Some(credential) = user.credential() {
            credential.write(tx, &created.user_id).await?;
        }
    }
    let result = |(created, inserted)| if inserted { Ok(created) } else { Err(Error::AlreadyExists(Vec::new())) };
    Ok(created.into_iter().zip(inserted).map(result).collect())
}
