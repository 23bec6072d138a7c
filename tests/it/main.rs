//! Behaviour through the wire, against a server of its own for each test.

mod calls;
mod dto;
mod harness;
mod smoke;
mod user_changes;
mod users;
