//! Calls that are repeated (contract §1, "retries"): the first OK answer is recorded in the transaction that made the change, and
//! given again to whoever repeats the call under its idempotency key within a day.

mod passwords;
mod purge;
mod under_way;

pub(super) use under_way::UnderWay;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost::Message;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};

use super::{Caller, Context, Mutation, Store, Tx};
use crate::entity::idempotency_record::{self, Column};
use crate::entity::{idempotency_answer, idempotency_password};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto::Timestamp;
use under_way::Turn;

/// What a call can be repeated by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatKey {
    record_id: String,
    method: &'static str,
    request_hash: String,
}

impl RepeatKey {
    /// That of a caller's call of a method with a request.
    #[must_use]
    pub fn new(caller: &Caller, key: &str, method: &'static str, request: &[u8]) -> Self {
        let record_id = hash([caller.api_key_id.as_bytes(), b"\0", key.as_bytes()]);
        Self { record_id, method, request_hash: hash([request]) }
    }
}

fn hash<const N: usize>(parts: [&[u8]; N]) -> String {
    let hasher = parts.into_iter().fold(Sha256::new(), Digest::chain_update);
    BASE64_STANDARD.encode(hasher.finalize())
}

/// The answer to a call that writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Written<A> {
    /// The message.
    pub answer: A,
    /// Whether it was given before, and nothing was done now.
    pub replayed: bool,
}

/// What came of a call.
struct Outcome<A> {
    written: Written<A>,
    /// Of a repeat: what the passwords that it brings have to fit.
    passwords: Vec<idempotency_password::Model>,
}

/// A mutation that is made once, however often its call is repeated.
struct Once<M, F> {
    mutation: M,
    answer: F,
    /// By what the call is repeated, and the turn among those who repeat it now.
    repeat: Option<(RepeatKey, Turn)>,
}

impl<M, A, F> Mutation for Once<M, F>
where
    M: Mutation,
    A: Message + Default + 'static,
    F: Fn(M::Answer) -> A + Send + Sync + 'static,
{
    type Answer = Outcome<A>;
    const BULK: bool = M::BULK;

    async fn apply(&self, tx: &Tx) -> Result<Outcome<A>> {
        // The record comes first: another replica that is at the same call waits here until this one has ended.
        if let Some((key, _)) = &self.repeat
            && !claim(tx, key).await?
        {
            return recorded(tx, key).await;
        }
        let done = self.mutation.apply(tx).await?;
        let shown = M::shown(&done).map(ToOwned::to_owned);
        let passwords = self.repeat.as_ref().map(|(key, _)| passwords::rows(key, &self.mutation, &done)).unwrap_or_default();
        let answer = (self.answer)(done);
        // A change whose answer cannot be given is not made: the caller could not tell it from a failure.
        if answer.encoded_len() > limits::MESSAGE_BYTES {
            return Err(Error::MessageTooLarge { fit: None });
        }
        if let Some((key, _)) = &self.repeat {
            keep(tx, key, shown, &answer).await?;
            passwords::keep(tx, passwords).await?;
        }
        Ok(Outcome { written: Written { answer, replayed: false }, passwords: Vec::new() })
    }

    async fn explain(&self, store: &Store, error: Error) -> Error {
        self.mutation.explain(store, error).await
    }
}

impl Store {
    /// Makes a change as [`Store::write`] does, and answers with the message made of it; a repeat of the call gets the same
    /// message, and nothing is changed again.
    ///
    /// # Errors
    /// Those of the mutation; [`Error::IdempotencyKeyReused`] under a key that stands for another call;
    /// [`Error::ConflictRetry`] when the same call has been under way for too long; [`Error::UserNotFound`] when the user whom
    /// the answer showed is deleted.
    pub async fn write_once<M, A>(
        &self,
        context: Context,
        mutation: M,
        answer: impl Fn(M::Answer) -> A + Send + Sync + 'static,
    ) -> Result<Written<A>>
    where
        M: Mutation,
        A: Message + Default + 'static,
    {
        let repeat = match context.repeat.clone() {
            Some(key) => {
                let turn = self.under_way.turn(&key.record_id).await?;
                Some((key, turn))
            }
            None => None,
        };
        let given = passwords::given(&mutation);
        let Outcome { written, passwords } = self.write(context, Once { mutation, answer, repeat }).await?;
        // Outside of the transaction, which nobody has to wait for meanwhile.
        if !self.fit(given, passwords).await? {
            return Err(Error::IdempotencyKeyReused);
        }
        Ok(written)
    }
}

/// Records that the call is made now; `false`: it was made before.
async fn claim(tx: &Tx, key: &RepeatKey) -> Result<bool> {
    let row = idempotency_record::ActiveModel {
        record_id: Set(key.record_id.clone()),
        method: Set(key.method.to_owned()),
        request_hash: Set(key.request_hash.clone()),
        created_at: Set(tx.now),
    };
    let insert = || {
        let unless_made = OnConflict::column(Column::RecordId).do_nothing().to_owned();
        let insert = idempotency_record::Entity::insert(row.clone()).on_conflict(unless_made);
        insert.exec_without_returning(&tx.connection)
    };
    if insert().await? == 1 {
        return Ok(true);
    }
    // It may be one that nothing can be repeated by any more.
    let same = idempotency_record::Entity::delete_many().filter(Column::RecordId.eq(&key.record_id));
    same.filter(Column::CreatedAt.lte(forgotten_by(tx.now))).exec(&tx.connection).await?;
    Ok(insert().await? == 1)
}

/// What was recorded then or before can be repeated no more.
fn forgotten_by(now: Timestamp) -> Timestamp {
    now.minus(limits::IDEMPOTENCY_AGE)
}

/// What the call was answered with.
async fn recorded<A: Message + Default>(tx: &Tx, key: &RepeatKey) -> Result<Outcome<A>> {
    let found = idempotency_record::Entity::find_by_id(&key.record_id).one(&tx.connection).await?;
    let found = found.ok_or(Error::ConflictRetry)?;
    if found.method != key.method || found.request_hash != key.request_hash {
        return Err(Error::IdempotencyKeyReused);
    }
    let answer = idempotency_answer::Entity::find_by_id(&key.record_id).one(&tx.connection).await?;
    let bytes = BASE64_STANDARD.decode(answer.ok_or(Error::UserNotFound)?.answer).map_err(Error::internal)?;
    let answer = A::decode(bytes.as_slice()).map_err(Error::internal)?;
    Ok(Outcome { written: Written { answer, replayed: true }, passwords: passwords::recorded(tx, key).await? })
}

/// Keeps the answer for who repeats the call.
async fn keep<A: Message>(tx: &Tx, key: &RepeatKey, shown: Option<String>, answer: &A) -> Result<()> {
    let row = idempotency_answer::ActiveModel {
        record_id: Set(key.record_id.clone()),
        user_id: Set(shown),
        answer: Set(BASE64_STANDARD.encode(answer.encode_to_vec())),
    };
    idempotency_answer::Entity::insert(row).exec_without_returning(&tx.connection).await?;
    Ok(())
}
