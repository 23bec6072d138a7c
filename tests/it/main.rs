//! Behaviour through the wire, against a server of its own for each test.

mod calls;
mod deadline;
mod dto;
mod etags;
mod existence;
mod faults;
mod gate;
mod gate_scopes;
mod harness;
mod identifiers;
mod masks;
mod phones;
mod smoke;
mod transport;
mod trap;
mod user_changes;
mod users;
mod verified;
mod wire;
