//! Behaviour through the wire, against a server of its own for each test.

mod harness;
mod smoke;
