//! The flags: one for every setting that is built, made from the table, and `--config FILE`.

use std::{collections::BTreeMap, path::PathBuf, sync::LazyLock};

use clap::{Arg, ArgMatches, Command};

use super::settings::{FILE, FILE_VARIABLE, Kind, SETTINGS, Setting, State, default_of};

/// The flag that names the file, without its dashes.
pub(super) const CONFIG_FLAG: &str = "config";

/// The heading over the flags in `--help`.
const HEADING: &str = "Settings";

/// The settings that are built, each with its flag: clap wants names that live as long as the program.
static FLAGS: LazyLock<Vec<(&Setting, String)>> = LazyLock::new(|| {
    SETTINGS.iter().filter(|setting| setting.state == State::Built).map(|setting| (setting, setting.flag())).collect()
});

/// What was given on the command line. As `clap::Args` it is flattened into the program's own arguments; every flag is global,
/// so that it may stand before or after the subcommand.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The file that was named.
    pub(super) file: Option<PathBuf>,
    /// Whether `roster.toml` in the working directory is left alone.
    pub(super) no_default_file: bool,
    /// The values by the names of their settings.
    pub(super) values: BTreeMap<String, String>,
}

impl Overrides {
    /// Values by the names of their settings, for tests: they do not depend on a `roster.toml` that happens to lie around.
    pub fn of<Name: Into<String>, Value: Into<String>>(values: impl IntoIterator<Item = (Name, Value)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { file: None, no_default_file: true, values }
    }

    /// The same with a file to read.
    #[must_use]
    pub fn with_file(self, file: impl Into<PathBuf>) -> Self {
        Self { file: Some(file.into()), ..self }
    }
}

impl clap::Args for Overrides {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(CONFIG_FLAG)
            .long(CONFIG_FLAG)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!("The file of settings [env: {FILE_VARIABLE}] [default: {FILE}, if there]"));
        let flags = FLAGS.iter().map(|(setting, flag)| {
            let arg = Arg::new(setting.name).long(flag.as_str()).value_name("VALUE").help(help(setting));
            // The `=` keeps a subcommand after `--insecure` from being taken for its value.
            let switch = setting.kind == Kind::Switch;
            if switch { arg.num_args(0..=1).require_equals(true).default_missing_value("true") } else { arg }
        });
        command.args(std::iter::once(file).chain(flags).map(|arg| arg.global(true).help_heading(HEADING)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn help(setting: &Setting) -> String {
    let default = default_of(setting.name).map(|value| format!(" [default: {value}]")).unwrap_or_default();
    format!("{} [env: {}]{default}", setting.help, setting.variable())
}

impl clap::FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut overrides = Self::default();
        overrides.update_from_arg_matches(matches)?;
        Ok(overrides)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if let Some(file) = matches.get_one::<PathBuf>(CONFIG_FLAG) {
            self.file = Some(file.clone());
        }
        for (setting, _) in FLAGS.iter() {
            if let Some(value) = matches.get_one::<String>(setting.name) {
                self.values.insert(setting.name.to_owned(), value.clone());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    #[derive(Debug, clap::Parser)]
    #[command(name = "roster")]
    struct Program {
        #[command(flatten)]
        overrides: Overrides,
        #[command(subcommand)]
        command: Option<Subcommand>,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Subcommand {
        Serve,
    }

    fn parse(words: &str) -> Overrides {
        Program::try_parse_from(words.split(' ')).unwrap().overrides
    }

    #[test]
    fn flags_stand_before_and_after_the_subcommand() {
        for words in [
            "roster --database-url=a --insecure",
            "roster --database-url a --insecure serve",
            "roster serve --database-url a --insecure",
            "roster --database-url a serve --insecure=true",
        ] {
            let values: Vec<_> = parse(words).values.into_iter().collect();
            assert_eq!(values, [("database_url".into(), "a".into()), ("insecure".into(), "true".into())], "{words}");
        }
        assert_eq!(parse("roster --insecure=false serve").values["insecure"], "false");
        assert_eq!(parse("roster serve --config x.toml").file.as_deref(), Some(Path::new("x.toml")));
    }

    #[test]
    fn what_is_not_given_and_what_is_not_built_is_no_flag() {
        assert!(parse("roster serve").values.is_empty());
        assert!(Program::try_parse_from(["roster", "--tls-cert=x"]).is_err());
    }

    #[test]
    fn help_tells_the_variable_and_the_default() {
        let help = Program::try_parse_from(["roster", "--help"]).unwrap_err().to_string();
        assert!(help.contains("[env: ROSTER_LISTEN] [default: 127.0.0.1:50051]"), "{help}");
    }
}
