//! What the model knows: everything the service stores, in lists and maps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prost_types::Value;
use roster::proto::{ApiKeyDto, GetVersionResponse, GroupDto, Timestamp, UserDto, UserIdType};

use super::answer::Seen;
use super::pools;
use super::rpcs::{Request, Response};

pub(super) const DAY: Duration = Duration::from_hours(24);

/// A rule of the model that is changed on purpose, to see that the comparison would find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bent {
    /// Usernames are matched without regard to case.
    UsernamesFold,
    /// An email that changes stays verified.
    VerifiedStays,
    /// A deleted user's answers are given again.
    DeletedAreShown,
    /// An old etag is good.
    EtagsIgnored,
    /// A deleted group leaves its code to its members.
    MembersStay,
}

/// All of it.
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) users: BTreeMap<String, User>,
    /// Groups, and roles, in no order.
    pub(super) sets: [Vec<Set>; 2],
    pub(super) keys: Vec<Key>,
    /// What was answered under idempotency keys, by API key and key.
    pub(super) records: BTreeMap<(String, String), Record>,
    pub(super) tokens: Vec<Token>,
    pub(super) seen: Seen,
    /// How many users were created.
    pub(super) created: usize,
    pub(super) version: Option<GetVersionResponse>,
    pub(super) bent: Option<Bent>,
}

#[derive(Clone)]
pub(super) struct User {
    /// The profile as answers have it, without custom data.
    pub(super) dto: UserDto,
    pub(super) custom_data: BTreeMap<String, Value>,
    /// Their place among all that were ever created.
    pub(super) number: usize,
}

/// Which of the sets of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Group,
    Role,
}

/// A group or a role: both have the same fields.
pub(super) struct Set {
    pub(super) dto: GroupDto,
    pub(super) members: BTreeSet<String>,
}

pub(super) struct Key {
    pub(super) dto: ApiKeyDto,
    /// Each with its end, the newest last.
    pub(super) secrets: Vec<(String, Option<Timestamp>)>,
}

impl Key {
    pub(super) fn id(&self) -> &str {
        self.dto.api_key_id()
    }
}

/// A call that was made under an idempotency key.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) request: Request,
    pub(super) at: Timestamp,
    /// Blanked with the user whom it shows.
    pub(super) response: Option<Response>,
    pub(super) user_id: Option<String>,
}

/// A page token, with the request whose answer it was.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) at: Timestamp,
    pub(super) question: String,
    pub(super) place: (i64, String),
    pub(super) request: Request,
}

/// An identifier of a user in the form it is matched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Id {
    User(String),
    Email(String),
    Phone(String),
    Username(String),
    External(String),
}

impl World {
    pub(super) fn new(now: Timestamp, root: ApiKeyDto, secret: String, bent: Option<Bent>) -> Self {
        Self {
            now,
            users: BTreeMap::new(),
            sets: [Vec::new(), Vec::new()],
            keys: vec![Key { dto: root, secrets: vec![(secret, None)] }],
            records: BTreeMap::new(),
            tokens: Vec::new(),
            seen: Seen::default(),
            created: 0,
            version: None,
            bent,
        }
    }

    /// The id of the user who has the identifier.
    pub(super) fn owner(&self, id: &Id) -> Option<&String> {
        self.users.iter().find(|(_, user)| self.has(user, id)).map(|(user_id, _)| user_id)
    }

    /// The users in the order of their creation, which their ids need not be in.
    pub(super) fn by_number(&self) -> Vec<&User> {
        let mut users: Vec<_> = self.users.values().collect();
        users.sort_by_key(|user| user.number);
        users
    }

    fn has(&self, user: &User, id: &Id) -> bool {
        let folds = self.bent == Some(Bent::UsernamesFold);
        match id {
            Id::User(user_id) => user.dto.user_id() == user_id,
            Id::Email(key) => user.email_key().as_ref() == Some(key),
            Id::Phone(key) => user.phone().is_some_and(|phone| phone.key() == *key),
            Id::Username(name) if folds => user.dto.username().to_lowercase() == name.to_lowercase(),
            Id::Username(name) => user.dto.username.as_ref() == Some(name),
            Id::External(external_id) => user.dto.external_id.as_ref() == Some(external_id),
        }
    }

    /// Removes the user with all that is theirs.
    pub(super) fn remove_user(&mut self, user_id: &str) {
        self.users.remove(user_id);
        for set in self.sets.iter_mut().flatten() {
            set.members.remove(user_id);
        }
        if self.bent == Some(Bent::DeletedAreShown) {
            return;
        }
        let shown = |record: &&mut Record| record.user_id.as_deref() == Some(user_id);
        self.records.values_mut().filter(shown).for_each(|record| record.response = None);
    }

    pub(super) fn sets_of(&self, kind: Kind, user_id: &str) -> Vec<GroupDto> {
        let mut held: Vec<_> = self.sets[kind as usize].iter().filter(|set| set.members.contains(user_id)).collect();
        held.sort_by_key(|set| set.dto.code.clone());
        held.into_iter().map(|set| set.dto.clone()).collect()
    }
}

impl User {
    pub(super) fn email_key(&self) -> Option<String> {
        let written = self.dto.email.as_ref()?;
        pools::EMAILS.iter().find(|(spelling, _)| spelling.trim() == written)?.1.map(ToOwned::to_owned)
    }

    pub(super) fn phone(&self) -> Option<pools::Phone> {
        Some(pools::Phone { code: self.dto.phone_country_code.clone()?, national: self.dto.phone.clone()? })
    }

    /// Whether nobody could find them by a name of theirs.
    pub(super) fn is_nameless(&self) -> bool {
        let UserDto { username, email, phone, external_id, .. } = &self.dto;
        [username, email, phone, external_id].into_iter().all(Option::is_none)
    }

    /// What they claim to have alone, each with its reason, in the contract's order.
    pub(super) fn claims(&self) -> Vec<(&'static str, Id)> {
        let claims = [
            ("USER_ID_EXISTS", self.dto.user_id.clone().map(Id::User)),
            ("EMAIL_EXISTS", self.email_key().map(Id::Email)),
            ("PHONE_NUMBER_EXISTS", self.phone().map(|phone| Id::Phone(phone.key()))),
            ("USERNAME_EXISTS", self.dto.username.clone().map(Id::Username)),
            ("EXTERNAL_ID_EXISTS", self.dto.external_id.clone().map(Id::External)),
        ];
        claims.into_iter().filter_map(|(reason, id)| Some((reason, id?))).collect()
    }
}

/// The user that an id of this type names, or the fields that are wrong.
pub(super) fn identifier(id: Option<&str>, kind: i32) -> Result<Id, Vec<String>> {
    let (Some(id), Ok(known)) = (id, UserIdType::try_from(kind)) else {
        let missing = id.is_none().then(|| "user_id".to_owned());
        let unknown = UserIdType::try_from(kind).is_err().then(|| "user_id_type".to_owned());
        return Err(missing.into_iter().chain(unknown).collect());
    };
    let by = match known {
        UserIdType::Unspecified | UserIdType::UserId => plain(id).map(Id::User),
        UserIdType::Phone => pools::phone(id, None).ok().map(|phone| Id::Phone(phone.key())),
        UserIdType::Email => pools::email(id).map(|(_, key)| Id::Email(key)),
        UserIdType::Username => plain(&pools::username(id)).map(Id::Username),
        UserIdType::ExternalId => plain(id).map(Id::External),
        UserIdType::Identity | UserIdType::SyncRelation => None,
    };
    by.ok_or_else(|| vec!["user_id".to_owned()])
}

/// Any text of 1 to 256 characters may be looked for.
pub(super) fn plain(written: &str) -> Option<String> {
    (1..=256).contains(&written.chars().count()).then(|| written.to_owned())
}
