//! The tests that are of SQLite alone, and why.

/// The beginning of their names, and why they say nothing of PostgreSQL.
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[("shape::", "of the sources, not of a database")];
