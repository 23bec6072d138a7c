//! The setting `database_url`: which engine, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

const SQLITE: &str = "sqlite://";
const POSTGRES: &[&str] = &["postgres://", "postgresql://"];

/// Where everything is kept. Shown, it has no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl {
    text: String,
    location: Location,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a file of this machine.
    Sqlite(SqliteFile),
    /// On a server.
    Postgres,
}

/// The file of an SQLite database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteFile {
    /// Its path, relative to the working directory unless absolute.
    pub path: PathBuf,
    /// Whether it may be made where it is not there: unless the URL says `mode=rw`.
    pub may_make: bool,
}

impl DatabaseUrl {
    /// Reads a URL such as `sqlite://roster.db?mode=rwc` or `postgres://user:password@host:5432/database`.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let location = if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) {
            check_postgres(text).map(|()| Location::Postgres)?
        } else {
            Location::Sqlite(sqlite_file(text)?)
        };
        Ok(Self { text: text.to_owned(), location })
    }

    /// The database of a file that is there.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let encoded: String = path.to_string_lossy().chars().map(encoded).collect();
        let file = SqliteFile { path: path.to_owned(), may_make: false };
        Self { text: format!("{SQLITE}{encoded}?mode=rw"), location: Location::Sqlite(file) }
    }

    /// The URL as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where the database is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Sqlite(file) => file.path.display().fmt(formatter),
            Location::Postgres => formatter.write_str(&without_password(&self.text)),
        }
    }
}

fn sqlite_file(text: &str) -> Result<SqliteFile, String> {
    if in_memory(text) {
        return Err("but a database in memory would be lost at every stop; use a file: sqlite://FILE".to_owned());
    }
    let location = text.strip_prefix(SQLITE).ok_or("expected sqlite://FILE or postgres://USER@HOST/DATABASE")?;
    if location.is_empty() || location.starts_with('?') {
        return Err("which names no file; expected sqlite://FILE".to_owned());
    }
    // The driver says which file it is going to open, so that nobody else opens another.
    let options: SqliteConnectOptions = text.parse().map_err(|error| format!("which SQLite does not take: {error}"))?;
    let path = options.get_filename().to_owned();
    // SQLite reads a name that starts like this as a URI, with parameters of its own.
    if path.to_string_lossy().starts_with("file:") {
        return Err("expected a plain path after sqlite://".to_owned());
    }
    // What SQLite or the driver takes beside would be of some connections and not of others.
    let mut parameters = location.split_once('?').map_or("", |(_, parameters)| parameters).split('&');
    if parameters.any(|parameter| !parameter.is_empty() && !parameter.starts_with("mode=")) {
        return Err("which has parameters beside mode".to_owned());
    }
    match mode(text) {
        Some("ro") => Err("but a server writes: leave mode=ro out".to_owned()),
        mode => Ok(SqliteFile { path, may_make: mode != Some("rw") }),
    }
}

/// The parameters of a PostgreSQL URL that the driver knows; it would pass over any other, a misspelt `sslmode` among them.
const PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

fn check_postgres(text: &str) -> Result<(), String> {
    let parameters = text.split_once('?').map_or("", |(_, parameters)| parameters);
    let names = parameters.split('&').filter_map(|parameter| parameter.split('=').next()).filter(|name| !name.is_empty());
    for name in names {
        // Brackets come as they are, and as libraries encode them.
        let option = ["options[", "options%5B", "options%5b"].iter().any(|start| name.starts_with(start));
        if !PARAMETERS.contains(&name) && !option {
            return Err(format!("whose parameter {name} is not known; these are: {}", PARAMETERS.join(", ")));
        }
    }
    let parsed: Result<PgConnectOptions, _> = text.parse();
    parsed.map(drop).map_err(|error| format!("which PostgreSQL does not take: {error}"))
}

/// A character of a path as it stands in a URL.
fn encoded(character: char) -> String {
    match character {
        '%' | '?' | '#' => format!("%{:02X}", u32::from(character)),
        plain => plain.to_string(),
    }
}

fn mode(text: &str) -> Option<&str> {
    text.split_once('?')?.1.split('&').find_map(|parameter| parameter.strip_prefix("mode="))
}

fn in_memory(text: &str) -> bool {
    let (location, parameters) = text.split_once('?').unwrap_or((text, ""));
    location.ends_with(":memory:") || parameters.split('&').any(|parameter| parameter == "mode=memory")
}

/// The text without what could be a password: what stands between the first `:` and the last `@` after the scheme, and the
/// value of parameters that end in `password`.
pub(super) fn without_password(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (&text[..scheme.len() + 3], rest));
    let mut shown = scheme.to_owned();
    match rest.rsplit_once('@') {
        // A path has no password in front of it, and may hold an `@`.
        Some((user, host)) if scheme != SQLITE => {
            let (name, password) = user.split_once(':').map_or((user, ""), |(name, _)| (name, ":***"));
            shown += name;
            shown += password;
            shown.push('@');
            shown += host;
        }
        _ => shown += rest,
    }
    let mut from = 0;
    while let Some(found) = shown[from..].find("password=") {
        let start = from + found + "password=".len();
        let end = shown[start..].find('&').map_or(shown.len(), |length| start + length);
        shown.replace_range(start..end, "***");
        from = start;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_that_the_driver_opens() {
        for (text, path) in [
            ("sqlite://roster.db?mode=rwc", "roster.db"),
            ("sqlite://data/roster.db", "data/roster.db"),
            ("sqlite:///var/lib/roster.db?mode=rwc", "/var/lib/roster.db"),
            ("sqlite://a%3Fb.db", "a?b.db"),
            ("sqlite://../x@y.db", "../x@y.db"),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            let file = SqliteFile { path: PathBuf::from(path), may_make: true };
            assert_eq!((url.as_str(), url.location()), (text, &Location::Sqlite(file)));
        }
    }

    #[test]
    fn says_what_is_wrong_with_others() {
        for (text, part) in [
            ("postgres://u@h:port/d", "invalid port number"),
            ("postgres://u@h/d?sslmod=require", "parameter sslmod is not known"),
            ("postgres://u@h/d?sslmode=maybe", "unknown value"),
            ("sqlite::memory:", "use a file"),
            (":memory:", "use a file"),
            ("sqlite://:memory:", "use a file"),
            ("sqlite://a?cache=shared&mode=memory", "use a file"),
            ("sqlite://", "names no file"),
            ("sqlite://?mode=rwc", "names no file"),
            ("sqlite://a?mode=fast", "unknown value"),
            ("sqlite://a?speed=fast", "unknown query parameter"),
            ("sqlite://a?mode=rw&vfs=unix-none", "parameters beside mode"),
            ("sqlite://a?cache=shared", "parameters beside mode"),
            ("sqlite://file:a", "plain path"),
            ("sqlite:a", "expected sqlite://FILE or postgres://"),
            ("mysql://h/d", "expected sqlite://FILE"),
            ("", "expected sqlite://FILE"),
        ] {
            let error = DatabaseUrl::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn servers_are_named_as_in_libpq() {
        for text in [
            "postgres://u:p@h:5432/d?options%5Bsearch_path%5D=s",
            "postgres://u:p@h:5432/d",
            "postgresql://u@h/d?sslmode=verify-full&application_name=roster",
            "postgres:///d?host=/run",
        ] {
            assert_eq!(DatabaseUrl::parse(text).unwrap().location(), &Location::Postgres, "{text}");
        }
        assert_eq!(DatabaseUrl::parse("postgres://u:p@h/d").unwrap().to_string(), "postgres://u:***@h/d");
    }

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("postgres://u:secret@h:5432/d", "postgres://u:***@h:5432/d"),
            ("postgres://u:se:c@r/et@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h/d?password=secret&x=1", "postgres://u@h/d?password=***&x=1"),
            ("u:secret@h", "u:***@h"),
            ("sqlite:///C:/x@y.db", "sqlite:///C:/x@y.db"),
            ("postgres://h/d", "postgres://h/d"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }
}
