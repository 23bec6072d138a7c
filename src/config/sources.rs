//! Where values come from: the defaults, the file, the environment, the flags, in this order; a later one wins. Here they are
//! text, whatever they are going to mean.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::overrides::{CONFIG_FLAG, Overrides};
use super::settings::{self, DEFAULTS, FILE, FILE_VARIABLE, PREFIX, SETTINGS, Setting};

/// Variables that only the tests read.
const TEST_PREFIX: &str = "ROSTER_TEST_";
/// A variable that cargo sets for whatever it runs, since the build script gives it to the compiler.
const BUILD_VARIABLE: &str = "ROSTER_GIT_COMMIT";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Default,
    File(PathBuf),
    Environment,
    Flag,
}

impl Source {
    /// The setting as it was written there, to be found again.
    pub(super) fn spelling(&self, setting: &Setting) -> String {
        match self {
            Self::Default => format!("the default of {}", setting.name),
            Self::File(path) => format!("{}: {}", path.display(), setting.name),
            Self::Environment => setting.variable(),
            Self::Flag => format!("--{}", setting.flag()),
        }
    }
}

/// A value as it was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) source: Source,
}

/// What all sources together say.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// By the name of the setting.
    pub(super) given: BTreeMap<&'static str, Given>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// The variables of this process that are ours. One that is not UTF-8 does not panic, as it would in [`env::vars`]; it reads
/// with U+FFFD in it, which no setting takes.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    env::vars_os().map(move |(name, value)| (text(name), text(value))).filter(|(name, _)| name.starts_with(PREFIX))
}

impl Sources {
    pub(super) fn read(overrides: &Overrides, environment: impl Iterator<Item = (String, String)>) -> Self {
        let mut variables: BTreeMap<_, _> = environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        let mut sources = Self::default();
        sources.read_text(DEFAULTS, &Source::Default, "the defaults");
        sources.read_file(overrides, variables.remove(FILE_VARIABLE).filter(|path| !path.is_empty()));
        sources.read_variables(variables);
        for (name, value) in &overrides.values {
            match settings::find(name) {
                Some(setting) => sources.give(setting, value.clone(), Source::Flag),
                None => sources.problems.push(format!("--{}: there is no such setting", name.replace('_', "-"))),
            }
        }
        sources
    }

    fn read_file(&mut self, overrides: &Overrides, variable: Option<String>) {
        let (path, named_by) = match (&overrides.file, variable) {
            (Some(path), _) => (path.clone(), format!("--{CONFIG_FLAG}: ")),
            (None, Some(path)) => (PathBuf::from(path), format!("{FILE_VARIABLE}: ")),
            (None, None) if overrides.no_default_file => return,
            (None, None) => (PathBuf::from(FILE), String::new()),
        };
        match fs::read_to_string(&path) {
            Ok(text) => self.read_text(&text, &Source::File(path.clone()), &path.display().to_string()),
            Err(error) if named_by.is_empty() && error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.problems.push(format!("{named_by}cannot read {}: {error}", show(&path))),
        }
    }

    fn read_text(&mut self, text: &str, source: &Source, name: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => return self.problems.push(broken(name, text, &error)),
        };
        for (key, value) in table {
            let Some(setting) = settings::find(&key) else {
                self.problems.push(format!("{name}: {}: there is no such setting", key.escape_debug()));
                continue;
            };
            match value {
                toml::Value::String(text) => self.give(setting, text, source.clone()),
                toml::Value::Integer(number) => self.give(setting, number.to_string(), source.clone()),
                toml::Value::Boolean(flag) => self.give(setting, flag.to_string(), source.clone()),
                other => {
                    let kind = other.type_str();
                    self.problems.push(format!(
                        "{}: expected a text, a whole number, true or false, not a value of the type {kind}",
                        source.spelling(setting)
                    ));
                }
            }
        }
    }

    fn read_variables(&mut self, variables: BTreeMap<String, String>) {
        for (name, value) in variables {
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) {
                self.give(setting, value, Source::Environment);
            } else if !name.starts_with(TEST_PREFIX) && name != BUILD_VARIABLE {
                self.warnings.push(format!("{}: there is no such setting; ignored", name.escape_debug()));
            }
        }
    }

    fn give(&mut self, setting: &'static Setting, text: String, source: Source) {
        self.given.insert(setting.name, Given { text, source });
    }
}

/// A path as part of a line: it may hold anything.
fn show(path: &Path) -> String {
    format!("`{}`", path.display().to_string().escape_debug())
}

/// Why a file is no TOML, in one line. The lines of the file are not shown, since they may hold secrets.
fn broken(name: &str, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    format!("{name}: line {line}: {}", error.message().replace('\n', "; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
        let path = tempfile::NamedTempFile::new().unwrap();
        fs::write(path.path(), file).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut sources = Sources::read(&Overrides::of(flags.iter().copied()).with_file(path.path()), variables);
        let name = path.path().display().to_string();
        for problem in &mut sources.problems {
            *problem = problem.replace(&name, "FILE");
        }
        sources
    }

    #[test]
    fn a_later_source_wins() {
        let text = |sources: &Sources| sources.given["log"].text.clone();
        let file = "log = 'file'";
        assert_eq!(text(&read("", &[], &[])), settings::default_of("log").unwrap());
        assert_eq!(text(&read(file, &[], &[])), "file");
        assert_eq!(text(&read(file, &[("ROSTER_LOG", "variable")], &[])), "variable");
        assert_eq!(text(&read(file, &[("ROSTER_LOG", "variable")], &[("log", "flag")])), "flag");
        assert_eq!(read(file, &[("ROSTER_LOG", "")], &[]).given["log"].text, "");
    }

    #[test]
    fn a_file_takes_values_of_their_own_types_and_as_text() {
        let sources = read("insecure = true\nphone_country_code = 86\ndatabase_max_connections = \"7\"", &[], &[]);
        let text = |name| sources.given[name].text.as_str();
        assert_eq!((text("insecure"), text("phone_country_code"), text("database_max_connections")), ("true", "86", "7"));
        let problems = read("listen = 1.5\nlog = ['a']\n[insecure]\n[database]\nurl = 'x'", &[], &[]).problems;
        let types = "expected a text, a whole number, true or false, not a value of the type";
        assert_eq!(
            problems,
            [
                "FILE: database: there is no such setting".to_owned(),
                format!("FILE: insecure: {types} table"),
                format!("FILE: listen: {types} float"),
                format!("FILE: log: {types} array"),
            ]
        );
    }

    #[test]
    fn unknown_names_stop_in_a_file_and_warn_in_the_environment() {
        let variables = [("ROSTER_LISTN", "x"), ("ROSTER_TEST_DATABASE", "x"), ("ROSTER_GIT_COMMIT", "x"), ("PATH", "x")];
        let sources = read("listn = 'x'", &variables, &[("lisn_to", "x")]);
        assert_eq!(sources.problems, ["FILE: listn: there is no such setting", "--lisn-to: there is no such setting"]);
        assert_eq!(sources.warnings, ["ROSTER_LISTN: there is no such setting; ignored"]);
    }

    #[test]
    fn a_broken_file_is_told_by_its_line_without_showing_it() {
        let problems = read("log = 'info'\nbootstrap_api_key = hidden-value\n", &[], &[]).problems;
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("FILE: line 2: ") && !problems[0].contains("hidden"), "{problems:?}");
    }

    #[test]
    fn the_flag_names_the_file_before_the_variable_does() {
        let named = |overrides: &Overrides, path: &str| {
            Sources::read(overrides, [(FILE_VARIABLE.to_owned(), path.to_owned())].into_iter()).problems
        };
        let none = std::iter::empty::<(&str, &str)>;
        let problems = named(&Overrides::of(none()).with_file("/nowhere/flag.toml"), "/nowhere/variable.toml");
        assert!(problems[0].starts_with("--config: cannot read `/nowhere/flag.toml`: "), "{problems:?}");
        let problems = named(&Overrides::of(none()), "/nowhere/variable.toml");
        assert!(problems[0].starts_with("ROSTER_CONFIG: cannot read `/nowhere/variable.toml`: "), "{problems:?}");
        assert!(named(&Overrides::of(none()), "").is_empty());
    }
}
