//! Answers, and how much of one fits into a message.

use prost::Message;
use tonic::Response;
use tonic::metadata::MetadataValue;

use crate::error::Error;
use crate::limits;
use crate::proto::reflect::Reflect;
use crate::store::{Context, Mutation, Store, Written};

/// The header of an answer that was given before.
const REPLAYED: &str = "x-roster-replayed";

/// What a handler returns.
pub(super) type Reply<T> = Result<Response<T>, tonic::Status>;

/// What a change is answered with.
pub(super) trait Answer: Message + Reflect + Default + 'static {}

impl<A: Message + Reflect + Default + 'static> Answer for A {}

/// What an answer has beside its items: counts and a page token.
const BESIDE: usize = 8 * 1024;

/// The answer, unless it is larger than a message may be.
///
/// # Errors
/// [`Error::MessageTooLarge`].
pub(super) fn reply<T: Message>(answer: T) -> Reply<T> {
    if answer.encoded_len() > limits::MESSAGE_BYTES {
        return Err(Error::MessageTooLarge { fit: None }.into());
    }
    Ok(Response::new(answer))
}

/// Makes a change and answers with what comes of it, once however often the call is repeated.
///
/// # Errors
/// Those of [`Store::write_once`].
pub(super) async fn write<M, A>(
    store: &Store,
    context: Context,
    mutation: M,
    answer: impl Fn(M::Answer) -> A + Send + Sync + 'static,
) -> Reply<A>
where
    M: Mutation,
    A: Answer,
{
    let Written { answer, replayed } = store.write_once(context, mutation, answer).await?;
    let mut response = reply(answer)?;
    if replayed {
        response.metadata_mut().insert(REPLAYED, MetadataValue::from_static("true"));
    }
    Ok(response)
}

/// How many of the items, from the first on, fit into one message.
pub(super) fn fitting<'a, T: Message + 'a>(items: impl IntoIterator<Item = &'a T>) -> usize {
    let mut left = limits::MESSAGE_BYTES - BESIDE;
    let fits = |item: &&T| {
        let length = item.encoded_len();
        let taken = 1 + prost::length_delimiter_len(length) + length;
        let left_then = left.checked_sub(taken);
        left = left_then.unwrap_or_default();
        left_then.is_some()
    };
    items.into_iter().take_while(fits).count()
}
