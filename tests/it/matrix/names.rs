//! The things of the matrix by name. Each noun is there once for each way of belonging to the organizations A and B, and once
//! not at all; all names of a noun are equally long, so that answers about two of them can be held against each other byte by
//! byte. Every text says whose it is.

/// What kinds of things requests name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noun {
    /// None: the request makes something, or says nothing.
    Nothing,
    User,
    Group,
    Role,
    Identity,
    Organization,
    Department,
    Post,
    ApiKey,
}

/// One thing of a kind, by whom it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// A's: a user whom it owns, or what stands in it.
    Own,
    /// A user who is a member of both, owned by B.
    Member,
    /// A user who is a member of both, owned by the pool.
    Guest,
    /// B's.
    Other,
    /// The pool's, and in no organization.
    Pool,
    /// What is not there.
    Absent,
}

/// Where a request is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Pool,
    A,
    B,
    /// An organization that is not there.
    Nowhere,
}

/// What a thing is to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Own,
    Member,
    Other,
    Absent,
}

/// The word that all texts of the world begin with.
pub(super) const CANARY: &str = "kanari";

/// The hash of a password, from another system.
pub(super) const HASH: &str = "$pbkdf2-sha256$i=1000$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEpo";

pub(super) const OBJECTS: [Object; 6] =
    [Object::Absent, Object::Own, Object::Member, Object::Guest, Object::Other, Object::Pool];

impl Object {
    /// The end of its texts.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Member => "mem",
            Self::Guest => "gst",
            Self::Other => "oth",
            Self::Pool => "pol",
            Self::Absent => "nil",
        }
    }

    /// The text of this field.
    pub(super) fn text(self, field: &str) -> String {
        format!("{CANARY}-{field}-{}", self.tag())
    }

    pub(super) fn email(self) -> String {
        format!("{}@example.com", self.text("email"))
    }

    /// The national digits.
    pub(super) fn phone(self) -> String {
        format!("1380013123{}", OBJECTS.iter().position(|object| *object == self).unwrap())
    }

    /// The organizations that it is in, its owner first where one owns it.
    pub(super) fn homes(self) -> &'static [Level] {
        match self {
            Self::Own => &[Level::A],
            Self::Member | Self::Guest => &[Level::B, Level::A],
            Self::Other => &[Level::B],
            Self::Pool | Self::Absent => &[],
        }
    }

    pub(super) fn owner(self) -> Option<Level> {
        self.homes().first().copied().filter(|_| self != Self::Guest)
    }

    /// Whether a key that is bound like this must not see it, nor what is in it.
    pub(super) fn is_hidden_from(self, bound: Level) -> bool {
        bound != Level::Pool && !self.homes().contains(&bound)
    }

    pub(super) fn to(self, organization: Level) -> Relation {
        match self {
            Self::Absent => Relation::Absent,
            _ if self.owner() == Some(organization) => Relation::Own,
            _ if self.homes().contains(&organization) => Relation::Member,
            _ => Relation::Other,
        }
    }
}

impl Noun {
    /// Those of the noun, what is not there first: of every sort, or one for each relation to A.
    pub(super) fn objects(self, every: bool) -> Vec<Object> {
        let known: &[Object] = match self {
            Self::Nothing => &[Object::Own],
            Self::User | Self::Identity if every => &OBJECTS,
            Self::User | Self::Identity => &[Object::Absent, Object::Own, Object::Member, Object::Other],
            Self::Group | Self::Role | Self::Department | Self::Post | Self::ApiKey if every => {
                &[Object::Absent, Object::Own, Object::Other, Object::Pool]
            }
            _ => &[Object::Absent, Object::Own, Object::Other],
        };
        known.to_vec()
    }

    /// Those of the noun that are there.
    pub(super) fn present(self) -> Vec<Object> {
        self.objects(true).into_iter().filter(|object| *object != Object::Absent).collect()
    }

    /// What a request calls one by: an id or a code.
    pub(super) fn name(self, object: Object) -> String {
        object.text(match self {
            Self::Nothing => "nothing",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Identity => "identity",
            Self::Organization => "organization",
            Self::Department => "department",
            Self::Post => "post",
            Self::ApiKey => "key",
        })
    }

    /// Whether one stands at a level.
    pub(super) fn is_of_level(self) -> bool {
        matches!(self, Self::Group | Self::Role | Self::Department | Self::Post)
    }
}

impl Level {
    /// The organization's id.
    pub(super) fn organization_id(self) -> Option<String> {
        let organization = match self {
            Self::Pool => return None,
            Self::A => Object::Own,
            Self::B => Object::Other,
            Self::Nowhere => Object::Absent,
        };
        Some(Noun::Organization.name(organization))
    }

    /// What a request at this level names beside what it is about: something good.
    fn resident(self, noun: Noun) -> Object {
        match (noun, self) {
            (Noun::User, _) => Object::Guest,
            (_, Self::Pool) if noun.is_of_level() => Object::Pool,
            (_, Self::B) => Object::Other,
            _ => Object::Own,
        }
    }
}

/// Kinds of users' ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Id,
    Phone,
    Email,
    Username,
    External,
    Identity,
    SyncRelation,
}

impl By {
    pub(super) const ALL: [Self; 7] =
        [Self::Id, Self::Phone, Self::Email, Self::Username, Self::External, Self::Identity, Self::SyncRelation];

    /// As the enum of the protos has it.
    pub(super) fn wire(self) -> &'static str {
        match self {
            Self::Id => "USER_ID_TYPE_USER_ID",
            Self::Phone => "USER_ID_TYPE_PHONE",
            Self::Email => "USER_ID_TYPE_EMAIL",
            Self::Username => "USER_ID_TYPE_USERNAME",
            Self::External => "USER_ID_TYPE_EXTERNAL_ID",
            Self::Identity => "USER_ID_TYPE_IDENTITY",
            Self::SyncRelation => "USER_ID_TYPE_SYNC_RELATION",
        }
    }

    pub(super) fn of(self, user: Object) -> String {
        match self {
            Self::Id => Noun::User.name(user),
            Self::Phone => user.phone(),
            Self::Email => user.email(),
            Self::Username => user.text("username"),
            Self::External => user.text("external_id"),
            Self::Identity => format!("idp:{}", user.text("account")),
            Self::SyncRelation => format!("lark:{}", user.text("account")),
        }
    }
}

/// What a request is about, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aim {
    pub(super) noun: Noun,
    pub(super) object: Object,
    /// By what a user is named.
    pub(super) by: By,
    /// Where all else is that the request names.
    pub(super) level: Level,
    /// The level that the request names; none: it is silent.
    pub(super) named: Option<Level>,
}

impl Aim {
    /// The request of the template, in protobuf's text format.
    pub(super) fn fill(self, template: &str) -> String {
        let object = |noun| if noun == self.noun { self.object } else { self.level.resident(noun) };
        let user = object(Noun::User);
        let kind = format!("user_id_type: {}", self.by.wire());
        let level = self.named.and_then(Level::organization_id);
        let level = level.map_or_else(String::new, |id| format!("organization_id: '{id}'"));
        let mut filled = template.to_owned();
        for (placeholder, text) in [
            ("{user}", format!("user_id: '{}' {kind}", self.by.of(user))),
            ("{users}", format!("user_ids: '{}' {kind}", self.by.of(user))),
            ("{username}", By::Username.of(user)),
            ("{email}", By::Email.of(user)),
            ("{phone}", By::Phone.of(user)),
            ("{external_id}", By::External.of(user)),
            ("{group}", Noun::Group.name(object(Noun::Group))),
            ("{role}", Noun::Role.name(object(Noun::Role))),
            ("{account}", user.text("account")),
            ("{password}", user.text("password")),
            ("{token}", user.text("token")),
            ("{hash}", HASH.to_owned()),
            ("{identity}", Noun::Identity.name(object(Noun::Identity))),
            ("{department}", Noun::Department.name(object(Noun::Department))),
            ("{post}", Noun::Post.name(object(Noun::Post))),
            ("{organization}", Noun::Organization.name(object(Noun::Organization))),
            ("{key}", Noun::ApiKey.name(object(Noun::ApiKey))),
            ("{level}", level),
        ] {
            filled = filled.replace(placeholder, &text);
        }
        filled
    }

    /// The text with one word for each name that the request had of what it is about and where.
    pub(super) fn anonymous(self, text: &str) -> String {
        let mut names: Vec<_> = By::ALL.iter().map(|by| by.of(self.object)).collect();
        names.push(self.noun.name(self.object));
        names.extend(self.named.and_then(Level::organization_id));
        names.iter().fold(text.to_owned(), |text, name| text.replace(name, &"*".repeat(name.len())))
    }
}
