//! What an API key may do: the scopes of the contract (§5) and which of them include which.

use std::{fmt, str::FromStr};

use crate::validate::quote;

/// A permission that an API key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is its wire name, see `NAMES`; the contract says what it opens")]
pub enum Scope {
    UsersExists,
    UsersRead,
    UsersWrite,
    UsersVerify,
    UsersPassword,
    UsersToken,
    GroupsRead,
    GroupsWrite,
    RolesRead,
    RolesWrite,
    OrganizationsRead,
    OrganizationsWrite,
    IdentitiesRead,
    IdentitiesWrite,
    IdentitiesTokens,
    KeysManage,
    EventsRead,
}

use Scope::{
    EventsRead, GroupsRead, GroupsWrite, IdentitiesRead, IdentitiesTokens, IdentitiesWrite, KeysManage, OrganizationsRead,
    OrganizationsWrite, RolesRead, RolesWrite, UsersExists, UsersPassword, UsersRead, UsersToken, UsersVerify, UsersWrite,
};

/// Every scope by its wire name.
const NAMES: &[(Scope, &str)] = &[
    (UsersExists, "users:exists"),
    (UsersRead, "users:read"),
    (UsersWrite, "users:write"),
    (UsersVerify, "users:verify"),
    (UsersPassword, "users:password"),
    (UsersToken, "users:token"),
    (GroupsRead, "groups:read"),
    (GroupsWrite, "groups:write"),
    (RolesRead, "roles:read"),
    (RolesWrite, "roles:write"),
    (OrganizationsRead, "organizations:read"),
    (OrganizationsWrite, "organizations:write"),
    (IdentitiesRead, "identities:read"),
    (IdentitiesWrite, "identities:write"),
    (IdentitiesTokens, "identities:tokens"),
    (KeysManage, "keys:manage"),
    (EventsRead, "events:read"),
];

/// The wire name of all scopes together.
const ALL: &str = "*";

impl Scope {
    /// Every scope.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(scope, _)| *scope)
    }

    /// The wire name, such as `users:read`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// The scopes that this one includes beside itself: a `…:write` its `…:read`, `users:read` also `users:exists`.
    fn included(self) -> &'static [Self] {
        match self {
            UsersRead => &[UsersExists],
            UsersWrite => &[UsersRead, UsersExists],
            GroupsWrite => &[GroupsRead],
            RolesWrite => &[RolesRead],
            OrganizationsWrite => &[OrganizationsRead],
            IdentitiesWrite => &[IdentitiesRead],
            _ => &[],
        }
    }

    fn bit(self) -> u32 {
        1 << (self as u8)
    }
}

/// The scopes of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    granted: u32,
    all: bool,
}

impl Scopes {
    /// All of them, also those of later releases: `*`.
    pub const ALL: Self = Self { granted: 0, all: true };

    /// Whether the key may do what the scope opens.
    #[must_use]
    pub fn allows(self, scope: Scope) -> bool {
        self.all || self.granted().any(|held| held == scope || held.included().contains(&scope))
    }

    /// What is wanted and not held, if anything: the first of it by name. Only `*` holds `*`, which has the scopes of later
    /// releases too.
    #[must_use]
    pub fn lacking(self, wanted: Self) -> Option<&'static str> {
        if self.all {
            return None;
        }
        let lacked = || wanted.granted().find(|scope| !self.allows(*scope));
        if wanted.all { Some(ALL) } else { lacked().map(Scope::name) }
    }

    /// Everything that is not held, by name: a key with any of it is stronger than this one.
    pub fn beyond(self) -> impl Iterator<Item = &'static str> {
        let scopes = Scope::all().filter(move |scope| !self.allows(*scope)).map(Scope::name);
        Some(ALL).filter(|_| !self.all).into_iter().chain(scopes)
    }

    /// Adds the scope of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn grant(&mut self, name: &str) -> Result<(), UnknownScope> {
        if name == ALL {
            self.all = true;
            return Ok(());
        }
        let known = NAMES.iter().find(|(_, known)| *known == name);
        self.granted |= known.ok_or_else(|| UnknownScope(quote(name)))?.0.bit();
        Ok(())
    }

    /// The names, in the contract's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Some(ALL).filter(|_| self.all).into_iter().chain(self.granted().map(Scope::name))
    }

    fn granted(self) -> impl Iterator<Item = Scope> {
        Scope::all().filter(move |scope| self.granted & scope.bit() != 0)
    }
}

/// A name that is no scope.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a scope; scopes are `*`, {list}", list = NAMES.iter().map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
pub struct UnknownScope(String);

impl FromStr for Scopes {
    type Err = UnknownScope;

    /// Reads names parted by commas or spaces; none at all is fine.
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let mut scopes = Self::default();
        text.split([',', ' ']).filter(|word| !word.is_empty()).try_for_each(|word| scopes.grant(word))?;
        Ok(scopes)
    }
}

impl fmt::Display for Scopes {
    /// Names parted by spaces, in the contract's order.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_numbers() {
        for (index, (scope, _)) in NAMES.iter().enumerate() {
            assert_eq!(*scope as usize, index);
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for text in ["", "*", "users:exists", "users:read keys:manage", "* users:read"] {
            assert_eq!(text.parse::<Scopes>().unwrap().to_string(), text);
        }
        assert_eq!("users:read,groups:read".parse::<Scopes>(), "groups:read users:read".parse());
        assert!("users:fly".parse::<Scopes>().unwrap_err().to_string().contains("\"users:fly\""));
    }

    #[test]
    fn nothing_is_lacked_by_whoever_holds_it_or_what_includes_it() {
        let lacking = |held: &str, wanted: &str| held.parse::<Scopes>().unwrap().lacking(wanted.parse().unwrap());
        for (held, wanted) in [("", ""), ("*", "*"), ("*", "users:read"), ("users:write", "users:exists"), ("users:read", "")] {
            assert_eq!(lacking(held, wanted), None, "{held} {wanted}");
        }
        assert_eq!(lacking("users:read", "users:write"), Some("users:write"));
        let all: Vec<_> = Scope::all().map(Scope::name).collect();
        assert_eq!(lacking(&all.join(" "), "*"), Some("*"));
        for held in ["", "*", "users:write keys:manage", &all.join(" ")] {
            let held: Scopes = held.parse().unwrap();
            let beyond: Vec<_> = held.beyond().collect();
            for name in all.iter().chain(["*"].iter()) {
                assert_eq!(held.lacking(name.parse().unwrap()).is_some(), beyond.contains(name), "{held} {name}");
            }
        }
    }

    #[test]
    fn write_includes_read_and_read_includes_exists() {
        let write: Scopes = "users:write".parse().unwrap();
        assert!(write.allows(UsersWrite) && write.allows(UsersRead) && write.allows(UsersExists));
        assert!(!write.allows(UsersPassword) && !write.allows(GroupsRead));
        let exists: Scopes = "users:exists".parse().unwrap();
        assert!(exists.allows(UsersExists) && !exists.allows(UsersRead));
        assert!(Scope::all().all(|scope| Scopes::ALL.allows(scope)));
        assert!(Scope::all().all(|scope| !Scopes::default().allows(scope)));
    }
}
