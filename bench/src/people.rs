//! The users whom the databases are full of, and what they belong to. A user is spelled once, by number.

use prost_types::Struct;
use prost_types::value::Kind;
use roster::proto::{IdentityDto, IdentityProvider, UserDto};

/// Who is in a batch shares groups, roles and a department.
pub(crate) const BATCH: u64 = 1_000;
/// How many of each there are. The first role is everybody's.
pub(crate) const GROUPS: u64 = 100;
pub(crate) const ROLES: u64 = 20;
pub(crate) const ORGANIZATIONS: u64 = 10;
/// The role that everybody has.
pub(crate) const MEMBER: &str = "member";
/// A role that nobody has.
pub(crate) const NOBODY: &str = "auditor";

/// A user's number as it is spelled everywhere.
pub(crate) fn digits(number: u64) -> String {
    format!("{number:08}")
}

/// The id of a loaded user: as long as those that Roster makes, and like them later for later users.
pub(crate) fn user_id(digits: &str) -> String {
    format!("01920000-0000-7000-8000-0000{digits}")
}

/// The email address of a user.
pub(crate) fn email(digits: &str) -> String {
    format!("user-{digits}@example.com")
}

/// The username of a user.
pub(crate) fn username(digits: &str) -> String {
    format!("user-{digits}")
}

/// A user with identifiers of all kinds and a profile.
pub(crate) fn user(digits: &str) -> UserDto {
    let text = |text: &str| Some(text.to_owned());
    UserDto {
        username: Some(username(digits)),
        email: Some(email(digits)),
        phone: Some(format!("188{digits}")),
        external_id: Some(format!("employee-{digits}")),
        name: Some(format!("Ada Lovelace {digits}")),
        given_name: text("Ada"),
        family_name: text("Lovelace"),
        nickname: text("Countess"),
        photo: Some(format!("https://pictures.example.com/{digits}.jpg")),
        company: text("Analytical Engines Ltd"),
        country: text("GB"),
        city: text("London"),
        address: text("12 St James's Square"),
        postal_code: text("SW1Y 4JH"),
        website: Some(format!("https://people.example.com/{digits}")),
        preferred_username: text("ada.lovelace"),
        locale: text("en-GB"),
        zoneinfo: text("Europe/London"),
        ..UserDto::default()
    }
}

/// A user as they are loaded: with an id that can be guessed, an account elsewhere and data of their own.
pub(crate) fn loaded(digits: &str) -> UserDto {
    let string = |text: &str| prost_types::Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let number = prost_types::Value { kind: Some(Kind::NumberValue(7.0)) };
    let fields = [("level".to_owned(), number), ("team".to_owned(), string("engines"))];
    let identity = IdentityDto {
        ext_idp_id: Some("directory".to_owned()),
        provider: Some(IdentityProvider::Ldap.into()),
        user_id_in_idp: Some(format!("uid={digits},ou=people")),
        ..IdentityDto::default()
    };
    UserDto {
        user_id: Some(user_id(digits)),
        custom_data: Some(Struct { fields: fields.into_iter().collect() }),
        identities: vec![identity],
        ..user(digits)
    }
}

/// The codes of the two groups of a batch.
pub(crate) fn groups(batch: u64) -> [String; 2] {
    [group(batch % GROUPS), group((batch + 1 + batch / GROUPS) % GROUPS)]
}

/// The codes of the two roles of a batch.
pub(crate) fn roles(batch: u64) -> [String; 2] {
    [MEMBER.to_owned(), role(batch % ROLES)]
}

/// The code of a group.
pub(crate) fn group(number: u64) -> String {
    format!("group-{number:02}")
}

/// The code of a role.
pub(crate) fn role(number: u64) -> String {
    format!("role-{number:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_batch_are_two() {
        assert!((0..5_000).map(groups).all(|[one, other]| one != other));
    }
}
