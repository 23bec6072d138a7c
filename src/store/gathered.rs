//! Users with what hangs on them, and whether they hold a role: what is asked at the same time is gathered together, at one query
//! a relation, and all of one moment.

use std::sync::Arc;

use prost::bytes::Bytes;
use sea_orm::ConnectionTrait;

use super::engine::rounds::{Rounds, Source};
use super::engine::{Engine, Reading};
use super::roles::Roles;
use super::users::{Brief, View, shown};
use super::{Identifier, Level, Store, Tenant, collections, lookup};
use crate::error::{Error, Result};
use crate::store::collections::Collection;

/// How many rounds of a runtime may be under way: one may have much to read.
const AT_ONCE: usize = 4;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Question {
    tenant: Tenant,
    user: Identifier,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    /// The profile with what the view asks for.
    User(View),
    /// The codes of the roles of a level.
    Roles(Level),
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Answer {
    User(Bytes),
    /// `None`: the users of the round have too many to be read at once.
    Roles(Option<Vec<String>>),
}

/// The rounds of one runtime.
#[derive(Clone)]
pub(super) struct Gathered(Rounds<Gatherer>);

struct Gatherer(Engine);

impl std::fmt::Debug for Gathered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Gathered")
    }
}

impl Gathered {
    pub(super) fn new(engine: &Engine) -> Self {
        Self(Rounds::new(Gatherer(engine.clone()), AT_ONCE))
    }
}

impl Store {
    /// The user with what the view asks for.
    pub(super) async fn gathered_user(&self, tenant: &Tenant, user: &Identifier, view: &View) -> Result<Bytes> {
        match self.gather(tenant, user, Wanted::User(view.clone())).await? {
            Answer::User(user) => Ok(user),
            Answer::Roles(_) => Err(Error::internal("an answer to another question")),
        }
    }

    /// The codes of the roles that a user holds at a level; `None`: they may be too many to be read at once.
    pub(super) async fn gathered_roles(
        &self,
        tenant: &Tenant,
        user: &Identifier,
        level: &Level,
    ) -> Result<Option<Vec<String>>> {
        match self.gather(tenant, user, Wanted::Roles(level.clone())).await? {
            Answer::Roles(codes) => Ok(codes),
            Answer::User(_) => Err(Error::internal("an answer to another question")),
        }
    }

    async fn gather(&self, tenant: &Tenant, user: &Identifier, wanted: Wanted) -> Result<Answer> {
        let question = Question { tenant: tenant.clone(), user: user.clone(), wanted };
        self.gathered.0.ask(question).answer().await?
    }
}

impl Source for Gatherer {
    type Question = Question;
    type Answer = Result<Answer>;

    async fn answer(&self, questions: Arc<Vec<Question>>) -> Result<Vec<Result<Answer>>> {
        let read = move |reading: Reading| {
            let questions = questions.clone();
            async move { answer(&reading.connection(), &questions).await }
        };
        self.0.snapshot(read).await
    }
}

/// Those who ask the same of their users, by their places.
struct Group<'a> {
    tenant: &'a Tenant,
    wanted: &'a Wanted,
    places: Vec<usize>,
    users: Vec<Identifier>,
}

async fn answer(connection: &impl ConnectionTrait, questions: &[Question]) -> Result<Vec<Result<Answer>>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (place, Question { tenant, user, wanted }) in questions.iter().enumerate() {
        let same = groups.iter_mut().find(|group| group.tenant == tenant && group.wanted == wanted);
        match same {
            Some(group) => {
                group.places.push(place);
                group.users.push(user.clone());
            }
            None => groups.push(Group { tenant, wanted, places: vec![place], users: vec![user.clone()] }),
        }
    }
    let mut answers: Vec<_> = questions.iter().map(|_| Err(Error::UserNotFound)).collect();
    for group in &groups {
        let level = match group.wanted {
            Wanted::User(view) => &view.level,
            Wanted::Roles(level) => level,
        };
        let answered = match level.require(connection).await {
            Err(Error::OrganizationNotFound) => group.places.iter().map(|_| Err(Error::OrganizationNotFound)).collect(),
            there => {
                there?;
                group.answer(connection).await?
            }
        };
        for (place, answer) in group.places.iter().zip(answered) {
            answers[*place] = answer;
        }
    }
    Ok(answers)
}

impl Group<'_> {
    async fn answer(&self, connection: &impl ConnectionTrait) -> Result<Vec<Result<Answer>>> {
        match self.wanted {
            Wanted::User(view) => self.profiles(connection, view).await,
            Wanted::Roles(level) => self.roles(connection, level).await,
        }
    }

    async fn profiles(&self, connection: &impl ConnectionTrait, view: &View) -> Result<Vec<Result<Answer>>> {
        let mut answers = Vec::with_capacity(self.users.len());
        // As many at a time as make a message, though each will have one of its own.
        while answers.len() < self.users.len() {
            let some = shown(connection, self.tenant, &self.users[answers.len()..], view).await?;
            if some.is_empty() {
                answers.push(Err(Error::MessageTooLarge { fit: None }));
            }
            answers.extend(some.into_iter().map(|user| user.map(Answer::User)));
        }
        Ok(answers)
    }

    async fn roles(&self, connection: &impl ConnectionTrait, level: &Level) -> Result<Vec<Result<Answer>>> {
        let found = lookup::find::<Brief>(connection, self.tenant, &self.users).await?;
        let user_ids: Vec<_> = found.iter().flatten().map(|user| user.user_id.clone()).collect();
        let held = collections::held::<Roles>(connection, level, &user_ids, Roles::CODE).await?;
        let codes = |user: Brief| held.as_ref().map(|held| held.get(&user.user_id).cloned().unwrap_or_default());
        Ok(found.into_iter().map(|user| user.map(|user| Answer::Roles(codes(user)))).collect())
    }
}
