//! Roster, a gRPC identity service: does this user exist, who is this, what groups and roles do they hold?
//!
//! A request flows through the modules in this order: [`transport`] and [`layers`] let it in, [`rpc`] reads and answers it,
//! [`store`] holds the rules and queries, [`entity`] the tables. `ARCHITECTURE.md` draws the picture.

pub mod api_key;
pub mod cli;
pub mod clock;
pub mod config;
pub mod entity;
pub mod error;
pub mod layers;
pub mod limits;
pub mod normalize;
pub mod page_token;
pub mod password;
pub mod policy;
pub mod proto;
pub mod rpc;
pub mod scope;
pub mod secret_key;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod user_token;
pub mod validate;
