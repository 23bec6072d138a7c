//! The users by page, the latest first. Pages that show profiles alone are read together where they are asked for at the same
//! time, and are counted together.

use std::sync::Arc;

use prost::bytes::Bytes;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter};

use super::row::EncodedRow;
use super::search::Search;
use super::view::{View, show};
use crate::entity::{organization::member, user::Column};
use crate::error::{Error, Result};
use crate::store::engine::rounds::{Rounds, Source};
use crate::store::engine::{Engine, Reading};
use crate::store::lookup::Shape;
use crate::store::paging::{Count, Keyset, Listed, Page, Total, count, uncounted};
use crate::store::{Level, Store, Tenant, organizations};

/// How many rounds of a runtime may be under way: the place of a page by number may be far.
const AT_ONCE: usize = 2;
/// The most users of a page for which others can wait.
const QUICK: usize = 100;

/// The rounds of one runtime.
#[derive(Clone)]
pub(in crate::store) struct Lists(Rounds<Lister>);

struct Lister(Engine);

/// Which page is asked for, and by whom.
#[derive(Debug, PartialEq)]
struct Question {
    tenant: Tenant,
    page: Page,
    view: View,
}

/// What was counted at one moment: of which level, and how.
type Totals = Vec<(Level, Count, Option<Total>)>;

impl std::fmt::Debug for Lists {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Lists")
    }
}

impl Lists {
    pub(in crate::store) fn new(engine: &Engine) -> Self {
        Self(Rounds::new(Lister(engine.clone()), AT_ONCE))
    }
}

impl Store {
    /// A page of the users who match, or of all without a search: of those of the pool, or of the members of the organization
    /// that the view is of.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`].
    pub async fn list_users(
        &self,
        tenant: &Tenant,
        search: Option<&Search>,
        page: &Page,
        view: &View,
    ) -> Result<Listed<Bytes>> {
        let question = Arc::new(Question { tenant: tenant.clone(), page: page.clone(), view: view.clone() });
        if search.is_none() && question.is_quick() {
            return self.lists.0.ask(question).answer().await?;
        }
        let search = search.cloned();
        let read = move |reading: Reading| {
            let (question, search) = (question.clone(), search.clone());
            async move { question.answer(&reading.connection(), search.as_ref(), &mut Totals::new()).await }
        };
        self.engine.scan(read).await
    }
}

impl Question {
    /// Whether it is answered so soon, without a search, that others can wait for it.
    fn is_quick(&self) -> bool {
        self.page.limit <= QUICK && self.page.count != Count::Exact && !self.view.is_more()
    }

    async fn answer(
        &self,
        connection: &impl ConnectionTrait,
        search: Option<&Search>,
        totals: &mut Totals,
    ) -> Result<Listed<Bytes>> {
        let level = &self.view.level;
        level.require(connection).await?;
        let matching = search.map_or_else(Condition::all, |search| search.condition(connection));
        // By the columns of an index in each case.
        let (select, latest_first) = if *level == Level::Pool {
            (EncodedRow::select(), [Column::CreatedAt, Column::UserId].map(ColumnTrait::into_expr))
        } else {
            let member = [member::Column::UserCreatedAt, member::Column::UserId].map(ColumnTrait::into_expr);
            (organizations::members(level), member)
        };
        let select = select.filter(matching);
        let mode = self.page.count;
        let total = if let Some((.., total)) = totals.iter().find(|(of, by, _)| of == level && *by == mode) {
            *total
        } else {
            let total = count(connection, select.clone(), mode).await?;
            totals.push((level.clone(), mode, total));
            total
        };
        let listed = uncounted(connection, select, &Keyset::descending(latest_first), &self.page).await?;
        show(connection, &self.tenant, Listed { total, ..listed }, &self.view).await
    }
}

impl Source for Lister {
    type Question = Arc<Question>;
    type Answer = Result<Listed<Bytes>>;
    const ROUND: usize = 32;

    async fn answer(&self, questions: Arc<Vec<Arc<Question>>>) -> Result<Vec<Result<Listed<Bytes>>>> {
        let read = move |reading: Reading| {
            let questions = questions.clone();
            async move { answer(&reading.connection(), &questions).await }
        };
        self.0.scan(read).await
    }
}

/// Of one moment; what several ask for is read once.
async fn answer(connection: &impl ConnectionTrait, questions: &[Arc<Question>]) -> Result<Vec<Result<Listed<Bytes>>>> {
    let mut totals = Totals::new();
    let mut answers: Vec<Result<Listed<Bytes>>> = Vec::with_capacity(questions.len());
    for (index, question) in questions.iter().enumerate() {
        let same = questions[..index].iter().position(|other| other == question);
        let answer = match same.map(|place| &answers[place]) {
            Some(Ok(listed)) => Ok(listed.clone()),
            _ => question.answer(connection, None, &mut totals).await,
        };
        answers.push(match answer {
            Err(error @ (Error::OrganizationNotFound | Error::PageTokenInvalid)) => Err(error),
            answered => Ok(answered?),
        });
    }
    Ok(answers)
}
