//! What PostgreSQL itself does with what Roster sends it: pgbench with the same statements, as the server has logged them, in one
//! transaction, and with bare INSERTs of the same columns.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::Result;
use crate::people;
use crate::postgres::Postgres;
use crate::requests::{TOKEN, new_numbers};
use crate::stage::Stage;

/// How a line of the log begins while statements are looked at, so that what they go on with is told apart.
const PREFIX: &str = "roster-bench> ";
/// Numbers that are set aside for a client: more rows than it can write.
const NUMBERS: u64 = 100_000;
/// How a user's number is spelled in a script.
const VARIABLE: &str = ":number::text";

/// A script and how many rows it writes.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    file: PathBuf,
    rows: u64,
}

impl Script {
    /// One that runs the statements, which spell the user by [`TOKEN`], so many times in one transaction.
    fn new(stage: &Stage, name: &str, statements: &str, rows: u64) -> Result<Self> {
        let one = format!("\\set number :number + 1\n{statements}");
        // A number for each client, beside those of the others.
        let mut script =
            format!("\\set row :row + 1\n\\set number {{first}} + :client_id * {NUMBERS} + :row * {rows}\nBEGIN;\n");
        (0..rows).for_each(|_| script += &one);
        script += "COMMIT;\n";
        let file = stage.file(name);
        fs::write(&file, script)?;
        Ok(Self { file, rows })
    }

    /// Rows a second, of so many clients.
    pub(crate) fn run(&self, stage: &Stage, database: &str, clients: u64, window: Duration) -> Result<f64> {
        let first = new_numbers(NUMBERS * clients);
        let run = self.file.with_extension("run.sql");
        fs::write(&run, fs::read_to_string(&self.file)?.replace("{first}", &first.to_string()))?;
        let seconds = window.as_secs_f64().ceil().max(1.0);
        let arguments =
            ["-c", &clients.to_string(), "-j", "2", "-T", &format!("{seconds:.0}"), "-D", "row=0"].map(ToOwned::to_owned);
        let said = stage.server()?.pgbench(database, &run, &arguments)?;
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
        Ok(rate.ok_or("pgbench does not say how fast it was")? * crate::tally::float(self.rows))
    }
}

/// The statements that Roster sends while a user is created, who is spelled by [`TOKEN`].
pub(crate) fn as_logged(stage: &Stage, mut create: impl FnMut() -> Result<()>) -> Result<Script> {
    let postgres = stage.server()?;
    set(postgres, &[("log_statement", "all"), ("log_line_prefix", PREFIX)])?;
    let before = fs::read_to_string(postgres.log())?.len();
    let created = create();
    let log = fs::read_to_string(postgres.log())?;
    set(postgres, &[])?;
    created?;
    let statements = parse(&log[before..]).join("\n");
    if !statements.contains(VARIABLE) {
        return Err("the log of PostgreSQL has no statement with a new user".into());
    }
    Script::new(stage, "create.sql", &(statements + "\n"), 1)
}

/// Bare INSERTs of the row that Roster wrote for the user with the number that stands for others, so many in one transaction.
pub(crate) fn inserts(stage: &Stage, database: &str, rows: u64) -> Result<Script> {
    let sql = format!(
        "SELECT format('INSERT INTO users (%s) VALUES (%s);', string_agg(quote_ident(field), ', '), \
         string_agg(quote_nullable(content), ', ')) FROM users u, json_each_text(row_to_json(u)) AS e (field, content) \
         WHERE user_id = '{}'",
        people::user_id(TOKEN)
    );
    let insert = stage.server()?.ask(database, &sql)?;
    Script::new(stage, "insert.sql", &(with_number(&insert) + "\n"), rows)
}

/// Sets these, and leaves all else as it is by default.
fn set(postgres: &Postgres, settings: &[(&str, &str)]) -> Result<()> {
    postgres.ask("postgres", "ALTER SYSTEM RESET ALL")?;
    for (name, value) in settings {
        postgres.ask("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"))?;
    }
    postgres.count_statements(false)
}

/// The statements of a log, with their parameters in place, but for those that begin and end transactions.
fn parse(log: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    // What goes on over lines begins with a tab from the second on.
    for entry in log.split(PREFIX).map(|entry| entry.trim_end().replace("\n\t", "\n")) {
        if let Some(parameters) = entry.strip_prefix("DETAIL:  ").and_then(|detail| Some(detail.split_once("arameters: ")?.1)) {
            if let Some(statement) = statements.last_mut() {
                *statement = fill_in(statement, parameters);
            }
        } else if let Some(logged) = entry.strip_prefix("LOG:  ") {
            let logged = logged.strip_prefix("execute ").or_else(|| logged.strip_prefix("statement"));
            statements.extend(logged.and_then(|logged| Some(logged.split_once(": ")?.1.to_owned())));
        }
    }
    let frames = ["BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION", "ALTER SYSTEM", "SELECT pg_reload_conf"];
    statements.retain(|statement| !frames.iter().any(|frame| statement.starts_with(frame)));
    statements.iter().map(|statement| format!("{};", with_number(statement.trim_end_matches(';')))).collect()
}

/// The statement with its parameters, which the log lists as `$1 = 'text', $2 = NULL`.
fn fill_in(statement: &str, parameters: &str) -> String {
    let mut values = Vec::new();
    let mut rest = parameters;
    while let Some((_, value)) = rest.split_once(" = ") {
        let end = value_end(value);
        values.push(&value[..end]);
        rest = &value[end..];
    }
    // From the last, as `$1` is a part of `$10`.
    let numbered = values.iter().enumerate().rev();
    numbered.fold(statement.to_owned(), |statement, (index, value)| statement.replace(&format!("${}", index + 1), value))
}

/// Where the value at the beginning ends: a quoted text, in which quotes are doubled, or a word.
fn value_end(text: &str) -> usize {
    let Some(quoted) = text.strip_prefix('\'') else { return text.find(',').unwrap_or(text.len()) };
    let mut inside = true;
    for (index, character) in quoted.char_indices() {
        match character {
            '\'' => inside = !inside,
            _ if !inside => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// The SQL with a variable in the place of [`TOKEN`], in all quoted texts that have it.
fn with_number(sql: &str) -> String {
    let mut made = String::new();
    let mut rest = sql;
    while let Some(start) = rest.find('\'') {
        let (before, quoted) = rest.split_at(start);
        let (value, behind) = quoted.split_at(value_end(quoted));
        made += before;
        if value.contains(TOKEN) {
            let list = if value.starts_with("'{") && value.ends_with("}'") { "::text[]" } else { "" };
            let value = value.replace(TOKEN, &format!("' || {VARIABLE} || '"));
            made.extend(["(", &value, ")", list]);
        } else {
            made += value;
        }
        rest = behind;
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_from_a_log() {
        let log = format!(
            "{PREFIX}LOG:  execute sqlx_s_1: BEGIN\n\
             {PREFIX}LOG:  execute sqlx_s_2: INSERT INTO users (a, b)\n\tVALUES ($1, $2, $10)\n\
             {PREFIX}DETAIL:  parameters: $1 = 'o''u{TOKEN}', $2 = NULL, $3 = '1', $4 = '1', $5 = '1', $6 = '1', $7 = '1', \
             $8 = '1', $9 = '1', $10 = '{{u{TOKEN}}}'\n{PREFIX}LOG:  execute sqlx_s_3: COMMIT\n"
        );
        let expected =
            "INSERT INTO users (a, b)\nVALUES (('o''u' || :number::text || ''), NULL, ('{u' || :number::text || '}')::text[]);";
        assert_eq!(parse(&log), [expected]);
    }

    #[test]
    fn what_has_no_number_stays() {
        assert_eq!(with_number("SELECT 'it''s', 'x' LIMIT 1"), "SELECT 'it''s', 'x' LIMIT 1");
    }
}
