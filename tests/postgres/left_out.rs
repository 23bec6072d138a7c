//! The tests that are of SQLite alone, and why.

/// The beginning of their names, and why they say nothing of PostgreSQL.
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[
    ("shape::", "of the sources, not of a database"),
    ("cli::backup::", "roster backup copies SQLite's file; cli::postgres has what it says here"),
    ("cli::fsync::", "the process that syncs is not ours but the server's"),
    ("cli::key_file::", "of the file beside an SQLite database"),
    ("cli::full_disk::", "the process that writes files is not ours but the server's"),
    ("cli::sqlite::", "of SQLite's file and the first key beside it; cli::postgres has what is here instead"),
    ("verify::a_damaged_file_is_told", "of SQLite's file; a server's are for the server's own tools"),
];
