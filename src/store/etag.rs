//! Etags (AIP-154): a new random one with every change of a row, so that none comes back, not even after a delete and a create
//! under the same id.

use crate::clock;
use crate::error::{Error, Result};

/// A new etag.
pub(super) fn new() -> String {
    base62::encode(u128::from_be_bytes(clock::random()) >> 32)
}

/// Refuses a write that expects another state than the stored one.
pub(super) fn require(expected: Option<&str>, stored: &str) -> Result<()> {
    match expected {
        Some(expected) if expected != stored => Err(Error::EtagMismatch),
        _ => Ok(()),
    }
}
