//! Behaviour through the wire, against a server of its own for each test.

#![cfg(test)]

mod api_key_changes;
mod api_key_ends;
mod api_key_lists;
mod api_key_reach;
mod api_keys;
mod batches;
mod calls;
mod cli;
mod collections;
mod custom_data;
mod custom_data_limits;
mod deadline;
mod dto;
mod etags;
mod existence;
mod faults;
mod gate;
mod gate_scopes;
mod groups;
mod harness;
mod health;
mod idempotency;
mod identifiers;
mod key_calls;
mod limits_of_fields;
mod masks;
mod membership_races;
mod meta;
mod phones;
mod races;
mod reflection;
mod roles;
mod rpc_table;
mod shape;
mod transport;
mod trap;
mod user_changes;
mod users;
mod verified;
mod verify;
mod wire;
