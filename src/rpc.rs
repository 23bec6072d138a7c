//! The services: each handler opens its call, acts through the store, and answers. No rule lives here and no SQL.

mod call;
mod identifiers;
pub mod meta;
pub mod users;

pub(crate) use call::Call;

/// What a handler returns.
type Reply<T> = Result<tonic::Response<T>, tonic::Status>;
