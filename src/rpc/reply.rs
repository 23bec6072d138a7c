//! Answers, and how much of one fits into a message.

use prost::Message;
use tonic::Response;

use crate::error::Error;
use crate::limits;

/// What a handler returns.
pub(super) type Reply<T> = Result<Response<T>, tonic::Status>;

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
