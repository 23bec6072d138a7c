//! The services: each handler opens its call, acts through the store, and answers. No rule lives here and no SQL.

pub mod api_keys;
mod batches;
mod call;
mod collections;
pub mod credentials;
mod end_user;
pub mod groups;
mod identifiers;
pub mod identities;
pub mod meta;
pub mod organizations;
mod paging;
mod reply;
mod resources;
pub mod roles;
pub mod tokens;
pub mod users;

pub(crate) use call::Call;
use reply::{Reply, reply, write};
