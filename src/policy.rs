//! What is asked of the callers of a method: the table of all methods is generated from the options in the protos.

use crate::scope::Scope;

/// A method of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its path, such as `/roster.v1.UserService/GetUser`.
    pub path: &'static str,
    /// What its callers must hold.
    pub access: Access,
    /// What becomes of the metadata `idempotency-key`.
    pub repeat: Repeat,
    /// Whether it is refused to keys that are bound to an organization.
    pub pool_only: bool,
    /// Whether it only reads, so that it does no harm to answer a call and then keep the answer back.
    pub safe: bool,
}

/// What a method's callers must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any valid key.
    AnyKey,
    /// A key that holds all of these scopes.
    Scoped(&'static [Scope]),
}

/// What a method does with the metadata `idempotency-key` (contract §1, "retries").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Takes no notice: it may be repeated by itself.
    Anyway,
    /// Answers a repeat as the first call, without doing anything again.
    Replayable,
    /// Refuses it, since it hands out or checks a secret.
    Refused,
}
