//! The user on whose behalf a service calls (contract §1): what their token opens, under every binding of the key.

use std::io::{self, Write};

use super::answers::{leaks, said, told};
use super::names::{Aim, By, Level, Noun, OBJECTS, Object, Relation};
use super::world::World;
use super::{input, methods};

/// What stands in the metadata `authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behalf {
    Nobody,
    Garbage,
    /// A token of theirs, and nothing before it.
    Bare(Object),
    User(Object),
}

impl Behalf {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Nobody, Self::Garbage, Self::Bare(Object::Own)].into_iter().chain(OBJECTS.map(Self::User))
    }

    fn authorization(self, world: &World) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Garbage => Some("Bearer kanari".to_owned()),
            Self::Bare(object) => Some(world.token(object).to_owned()),
            Self::User(object) => Some(format!("Bearer {}", world.token(object))),
        }
    }

    /// Whose good token it is to a key of this binding.
    fn user(self, bound: Level) -> Option<Object> {
        let Self::User(object) = self else { return None };
        Some(object).filter(|object| *object != Object::Absent && !object.is_hidden_from(bound))
    }
}

const BINDINGS: [Level; 3] = [Level::Pool, Level::A, Level::B];

/// Asks about everybody, as the text names them, on everybody's behalf under keys of every binding; what differs from what is
/// expected, and where what is hidden is told from what is not there.
async fn ask(
    (rpc, scope): (&str, &str),
    (noun, template): (Noun, &str),
    expected: impl Fn(Object, Behalf, Level) -> &'static str,
) -> Vec<String> {
    let (world, method) = (World::new().await, &methods()[rpc]);
    let (mut cells, mut wrong) = (0, Vec::new());
    for bound in BINDINGS {
        let key = world.key(scope, bound).await;
        for behalf in Behalf::all() {
            let (authorization, mut absent) = (behalf.authorization(&world), None);
            for object in OBJECTS {
                let aim = Aim { noun, object, by: By::Id, level: bound, named: None };
                let text = aim.fill(template);
                let message = input(method, &text);
                let answer = world.send_for(method, Some(&key), "behalf", authorization.as_deref(), &message).await;
                cells += 1;
                let expected = expected(object, behalf, bound);
                let case = format!("{text} on behalf of {behalf:?} under {bound:?}");
                let told = told(method, &answer, "", expected);
                wrong.extend((told != expected).then(|| format!("{case}: {told}, not {expected}")));
                // What is given says whose it is; nothing else does.
                let given = expected == "ok";
                let leaked = leaks(&said(&answer), &text, |other| !given || other != object);
                wrong.extend(leaked.into_iter().map(|text| format!("{case}: shows {text}")));
                wrong.extend(
                    (given && !said(&answer).contains(&object.text("access_token"))).then(|| format!("{case}: nothing")),
                );
                let said = aim.anonymous(&said(&answer));
                let absent = absent.get_or_insert_with(|| said.clone());
                // Of a username the whole pool tells that it is taken.
                let alike = noun == Noun::Identity && object.is_hidden_from(bound);
                wrong.extend((alike && said != *absent).then(|| format!("{case}: told apart:\n  {said}\n  {absent}")));
            }
        }
    }
    writeln!(io::stdout(), "{rpc} on behalf of users: {cells} cells, {} mismatches", wrong.len()).unwrap();
    wrong
}

#[tokio::test]
async fn what_a_provider_gave_is_shown_on_behalf_of_its_user_alone() {
    let expected = |object: Object, behalf: Behalf, bound: Level| {
        let Some(user) = behalf.user(bound) else { return "USER_TOKEN_INVALID" };
        if object == Object::Absent || object.is_hidden_from(bound) {
            return "IDENTITY_NOT_FOUND";
        }
        match object.to(bound) {
            _ if user != object => "USER_TOKEN_INVALID",
            Relation::Own => "ok",
            _ if bound == Level::Pool => "ok",
            _ => "ORGANIZATION_DENIED",
        }
    };
    let rpc = ("IdentityService.GetIdentityTokens", "identities:tokens");
    let wrong = ask(rpc, (Noun::Identity, "identity_id: '{identity}'"), expected).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_username_is_available_on_behalf_of_who_has_it() {
    let expected = |object: Object, behalf: Behalf, bound: Level| match behalf.user(bound) {
        None if behalf != Behalf::Nobody => "USER_TOKEN_INVALID",
        user if object == Object::Absent || user == Some(object) => "yes",
        _ => "no",
    };
    let rpc = ("UserService.CheckUsernameAvailability", "users:exists");
    let wrong = ask(rpc, (Noun::User, "username: '{username}'"), expected).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
