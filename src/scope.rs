//! What an API key may do: the scopes of the contract (§5) and which of them include which.

use std::{fmt, str::FromStr};

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

/// What a method asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any valid key.
    AnyKey,
    /// A key that holds the scope.
    Scoped(Scope),
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
        self.all
            || Scope::all().any(|held| self.granted & held.bit() != 0 && (held == scope || held.included().contains(&scope)))
    }
}

/// A name that is no scope.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope; scopes are `*`, {list}", list = NAMES.iter().map(|(_, name)| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
pub struct UnknownScope(String);

impl FromStr for Scopes {
    type Err = UnknownScope;

    /// Reads names parted by commas or spaces; none at all is fine.
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let mut scopes = Self::default();
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            if word == ALL {
                scopes.all = true;
            } else {
                let known = NAMES.iter().find(|(_, name)| *name == word);
                scopes.granted |= known.ok_or_else(|| UnknownScope(word.to_owned()))?.0.bit();
            }
        }
        Ok(scopes)
    }
}

impl fmt::Display for Scopes {
    /// Names parted by spaces, in the contract's order.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let granted = Scope::all().filter(|scope| self.granted & scope.bit() != 0).map(Scope::name);
        let names: Vec<_> = self.all.then_some(ALL).into_iter().chain(granted).collect();
        formatter.write_str(&names.join(" "))
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
        assert!("users:fly".parse::<Scopes>().unwrap_err().to_string().contains("`users:fly`"));
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
