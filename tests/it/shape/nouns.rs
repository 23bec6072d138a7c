//! The same noun names a file in every layer, so that the place of any line is a formula.

use std::fs;

use super::tree::{root, sources};

/// A noun and what it has no file in, with why.
struct Noun {
    service: &'static str,
    plural: &'static str,
    singular: &'static str,
    stored: Stored,
}

/// What rows a noun has.
enum Stored {
    Nothing,
    /// Of a resource, which has a Dto.
    Itself,
    /// What users have and no answer shows: its file in `entity/`, and migrations whose names say so.
    OfUsers(&'static str),
}

use Stored::{Itself, Nothing, OfUsers};

const NOUNS: &[Noun] = &[
    Noun { service: "api_key_service", plural: "api_keys", singular: "api_key", stored: Itself },
    Noun { service: "credential_service", plural: "credentials", singular: "credential", stored: OfUsers("user_credential") },
    Noun { service: "group_service", plural: "groups", singular: "group", stored: Itself },
    Noun { service: "identity_service", plural: "identities", singular: "identity", stored: Itself },
    Noun { service: "meta_service", plural: "meta", singular: "meta", stored: Nothing },
    Noun { service: "organization_service", plural: "organizations", singular: "organization", stored: Itself },
    Noun { service: "role_service", plural: "roles", singular: "role", stored: Itself },
    Noun { service: "token_service", plural: "tokens", singular: "token", stored: OfUsers("signing_key") },
    Noun { service: "user_service", plural: "users", singular: "user", stored: Itself },
];

#[test]
fn a_noun_has_its_file_in_every_layer() {
    for Noun { service, plural, singular, stored } in NOUNS {
        let mut files =
            vec![format!("proto/roster/v1/{service}.proto"), format!("src/rpc/{plural}.rs"), format!("tests/it/{plural}.rs")];
        let of = match stored {
            Nothing => None,
            Itself => {
                files.push(format!("proto/roster/v1/{singular}.proto"));
                Some((*singular, format!("_{plural}.sql")))
            }
            OfUsers(entity) => Some((*entity, format!("_user_{plural}.sql"))),
        };
        if let Some((entity, _)) = of {
            files.push(format!("src/store/{plural}.rs"));
            files.push(format!("src/entity/{entity}.rs"));
        }
        for file in files {
            assert!(root().join(&file).is_file(), "{file} is missing");
        }
        let migrations = fs::read_dir(root().join("migrations/sql")).unwrap();
        let ends = of.as_ref().map_or_else(|| format!("_{plural}.sql"), |(_, ends)| ends.clone());
        let migrated =
            migrations.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().ends_with(&ends)).count();
        assert_eq!(migrated > 0, of.is_some(), "migrations/sql/*{ends}");
    }
}

#[test]
fn every_service_is_a_noun_of_the_table() {
    let protos = fs::read_dir(root().join("proto/roster/v1")).unwrap();
    let services = protos.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut services: Vec<_> = services.filter_map(|name| name.strip_suffix(".proto").map(ToOwned::to_owned)).collect();
    services.retain(|name| name.ends_with("_service"));
    services.sort();
    assert_eq!(services, NOUNS.iter().map(|noun| noun.service).collect::<Vec<_>>());
}

#[test]
fn a_module_is_a_file_beside_its_folder() {
    let old: Vec<_> = sources(&["src", "tests/it"]).into_iter().filter(|source| source.path.ends_with("/mod.rs")).collect();
    assert!(old.is_empty(), "`users.rs` beside `users/`, not `users/mod.rs`");
}
