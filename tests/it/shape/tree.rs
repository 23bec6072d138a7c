//! The source tree as the rules look at it.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of Rust.
pub(super) struct Source {
    /// From the root of the repository.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

/// The root of the repository.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of Rust under these folders, as `git` would have them.
pub(super) fn sources(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in folders {
        gather(&root().join(folder), &mut sources);
    }
    assert!(!sources.is_empty(), "nothing under {folders:?}");
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn gather(path: &Path, sources: &mut Vec<Source>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            gather(&entry.unwrap().path(), sources);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let path_from_root = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        sources.push(Source { path: path_from_root, text: fs::read_to_string(path).unwrap() });
    }
}

impl Source {
    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Its lines with their numbers, without comments and unit tests.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..tests].lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The lines of code that have one of the words; a word stands by itself, so that `Code::` is not found in `ErrorCode::`.
    pub(super) fn naming(&self, words: &[impl AsRef<str>]) -> Vec<String> {
        let names = |line: &str| words.iter().any(|word| names(line, word.as_ref()));
        let found = self.code().filter(|(_, line)| names(line));
        found.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim())).collect()
    }
}

fn names(line: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(start, _)| !line[..start].ends_with(is_part))
}

#[test]
fn a_word_stands_by_itself() {
    for (line, word, found) in [
        ("use sea_orm::Set;", "sea_orm", true),
        ("ErrorCode::Ok", "Code::", false),
        ("tonic::Code::Ok", "Code::", true),
        ("my_sea_orm::x", "sea_orm", false),
    ] {
        assert_eq!(names(line, word), found, "{line}");
    }
}
