//! Rules about the files of Rust: which layer names what, how long things are, what nobody writes.

use super::tree::{Source, sources};

/// Everything that is ours.
const ALL: &[&str] = &["src", "bench/src", "build", "migrations/src", "tests"];

/// The most lines of a file, and of a handler.
const FILE_LINES: usize = 400;
const HANDLER_LINES: usize = 30;
/// What the median of the files may be.
const MEDIAN_LINES: usize = 140;

/// The constructors of `tonic::Status`.
const CONSTRUCTORS: &[&str] = &[
    "new",
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
    "with_details",
    "with_error_details",
    "with_metadata",
    "from_error",
];

#[track_caller]
fn assert_none(found: impl IntoIterator<Item = String>, rule: &str) {
    let found: Vec<_> = found.into_iter().collect();
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// The lines under the folder that name one of the words, but for those of these files.
fn naming(folders: &[&str], words: &[impl AsRef<str>], but: &[&str]) -> Vec<String> {
    let files = sources(folders).into_iter().filter(|source| !but.contains(&source.path.as_str()));
    files.flat_map(|source| source.naming(words)).collect()
}

#[test]
fn each_layer_keeps_to_its_libraries() {
    assert_none(naming(&["src/rpc"], &["sea_orm", "sqlx"], &[]), "rpc/ knows no database");
    assert_none(naming(&["src/store"], &["tonic"], &[]), "store/ knows no gRPC");
    assert_none(naming(&["src/entity", "src/normalize", "src/validate"], &["tonic"], &[]), "nor does what lies beneath");
    assert_none(naming(&["src/rpc", "src/layers"], &["entity::"], &[]), "tables are the store's");
    let engines = ["sqlx", "sqlite", "Sqlite", "postgres", "Postgres", "DbBackend"];
    let store: Vec<_> =
        sources(&["src/store"]).into_iter().filter(|source| !source.path.starts_with("src/store/engine")).collect();
    assert_none(store.iter().flat_map(|source| source.naming(&engines)), "which engine it is, store/engine/ alone knows");
}

#[test]
fn only_error_chooses_status_codes() {
    let constructors = CONSTRUCTORS.iter().map(|name| format!("Status::{name}("));
    let words: Vec<_> = constructors.chain(["Code::".to_owned()]).collect();
    assert_none(naming(&["src"], &words, &["src/error.rs", "src/transport/refusal.rs"]), "error.rs chooses the code");
}

#[test]
fn a_mutation_goes_through_its_door() {
    let doors = ["src/store/write.rs", "src/store/engine.rs"];
    let begin = ["begin_with_options", ".begin(", "transaction("];
    assert_none(naming(&["src/store", "src/rpc", "src/server", "src/cli"], &begin, &doors), "transactions begin at the door");
    let write = ["engine.begin", ".engine.write", "engine.turn"];
    assert_none(naming(&["src"], &write, &["src/store/write.rs", "src/store/engine.rs"]), "nobody writes around the door");
}

#[test]
fn a_handler_gets_its_request_by_opening_the_call() {
    let ways = ["into_inner(", "get_ref(", "get_mut(", "into_parts(", ".metadata(", ".extensions("];
    assert_none(naming(&["src/rpc"], &ways, &["src/rpc/call.rs"]), "a request is opened in call.rs");
    let handlers: Vec<_> = sources(&["src/rpc"]).iter().flat_map(handlers).collect();
    assert!(handlers.len() >= 11, "{} handlers found", handlers.len());
    let unopened = handlers.iter().filter(|(_, body)| !body.contains("Call::open(request)")).map(|(name, _)| name.clone());
    assert_none(unopened, "every handler opens its call");
    let long = handlers.iter().filter(|(_, body)| body.lines().count() > HANDLER_LINES).map(|(name, _)| name.clone());
    assert_none(long, "a handler has at most 30 lines");
}

/// The handlers of the services that the file implements, by name, each with its lines.
fn handlers(source: &Source) -> Vec<(String, String)> {
    let mut handlers = Vec::new();
    let (mut service, mut handler): (bool, Option<(String, String)>) = (false, None);
    for (_, line) in source.code() {
        if line.starts_with("impl ") {
            service = line.contains("Service for ");
        }
        if service && let Some((_, name)) = line.split_once("    async fn ") {
            handler = Some((format!("{}: {}", source.path, name.split('(').next().unwrap()), String::new()));
        }
        if let Some((_, body)) = &mut handler {
            *body += line;
            body.push('\n');
        }
        if line == "    }" {
            handlers.extend(handler.take());
        }
    }
    handlers
}

#[test]
fn files_are_as_short_as_their_subject() {
    let long = sources(ALL).into_iter().filter(|source| source.lines() > FILE_LINES);
    assert_none(long.map(|source| format!("{}: {} lines", source.path, source.lines())), "a file has at most 400 lines");
    let mut lines: Vec<_> = sources(&["src", "build", "migrations/src"]).iter().map(Source::lines).collect();
    lines.sort_unstable();
    let median = lines[lines.len() / 2];
    assert!(median <= MEDIAN_LINES, "the median is {median}");
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    let mute = sources(ALL).into_iter().filter(|source| !source.text.starts_with("//! "));
    assert_none(mute.map(|source| source.path), "one `//!` paragraph a file");
}

#[test]
fn nobody_writes_what_the_lints_would_have_to_allow() {
    // Put together, so that this file does not find itself.
    let never = ["#[al", "#![al"].map(|start| format!("{start}low"));
    let later = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!"));
    assert_none(naming(ALL, &[&never[..], &later].concat(), &[]), "`#[expect(…, reason)]`, and nothing half done");
    // Those of one engine are run by `tests/postgres`.
    let asleep = naming(ALL, &[["#[ign", "ore"].concat()], &[]).into_iter();
    assert_none(asleep.filter(|line| !line.ends_with("= \"on PostgreSQL alone\"]")), "a test that is not run");
    let unsafe_code = [["uns", "afe {"].concat(), ["uns", "afe fn"].concat()];
    assert_none(naming(ALL, &unsafe_code, &[]), "no unsafe code");
}
