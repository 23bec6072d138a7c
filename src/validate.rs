//! What callers send, held against the rules: every problem of a request is found before any is reported.

pub mod custom_data;
pub mod fields;
pub mod mask;
pub mod text;
mod violations;

pub use violations::{Violation, Violations, quote};
