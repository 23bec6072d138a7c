//! Roster, a gRPC identity service: does this user exist, who is this, what groups and roles do they hold?
//!
//! A request flows through the modules in this order: [`transport`] and [`layers`] let it in, [`rpc`] reads and answers it,
//! [`store`] holds the rules and queries, [`entity`] the tables. `ARCHITECTURE.md` draws the picture.

pub mod clock;
pub mod error;
pub mod limits;
pub mod proto;
pub mod scope;
pub mod validate;
pub mod transport {
    pub use tonic_prost::ProstCodec as Codec;
}
pub mod entity;
