//! Lists by page, by number and by token.

use roster::proto::CountMode;
use tonic::Code;

use super::answer::Refused;
use super::caller::{Cx, Step, stop};
use super::state::{DAY, Token, World};

/// Where an item stands.
pub(super) type Place = (i64, String);

/// What a request says of its page.
pub(super) struct Asked {
    pub(super) page: Option<i32>,
    pub(super) limit: Option<i32>,
    pub(super) token: String,
    pub(super) count: i32,
    /// What a token is good for, beside the RPC.
    pub(super) question: String,
}

/// Where a page begins.
pub(super) enum Start {
    Offset(usize),
    Behind(Place),
}

/// A page as an answer has it.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) total: Option<i32>,
    pub(super) token: String,
}

/// The order of a list's places.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Up,
    Down,
}

macro_rules! asked {
    ($request:expr, $question:expr) => {
        $crate::model::pages::Asked {
            page: $request.page,
            limit: $request.limit,
            token: $request.page_token.clone(),
            count: $request.count,
            question: $question,
        }
    };
}
pub(super) use asked;

/// Makes an answer of a page.
macro_rules! listed {
    ($rpc:ident $response:ident { $items:ident: $page:expr }) => {{
        let page = $page;
        let (total_count, next_page_token) = (page.total, page.token);
        Response::$rpc(proto::$response { $items: page.items, total_count, total_is_capped: false, next_page_token })
    }};
}
pub(super) use listed;

impl Asked {
    /// Notes what is wrong with it.
    pub(super) fn check(&self, cx: &mut Cx<'_>) {
        let page = self.page.filter(|page| *page >= 1);
        if self.page.is_some() && page.is_none() {
            cx.fault("page");
        }
        let limit = self.limit.filter(|limit| (1..=1_000).contains(limit));
        if self.limit.is_some() && limit.is_none() {
            cx.fault("limit");
        }
        if i64::from(page.unwrap_or(1) - 1) * i64::from(limit.unwrap_or(10)) > 10_000 {
            cx.fault("page");
        }
        if self.page.is_some() && !self.token.is_empty() {
            cx.fault("page");
        }
        if CountMode::try_from(self.count).is_err() {
            cx.fault("count");
        }
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.unwrap_or(10)).unwrap()
    }
}

impl World {
    /// Ends the call if anything is wrong with it, else gives where its page begins.
    pub(super) fn start(&self, cx: &mut Cx<'_>, asked: &Asked) -> Step<Start> {
        asked.check(cx);
        self.settle(cx)?;
        if asked.token.is_empty() {
            return Ok(Start::Offset(usize::try_from(asked.page.unwrap_or(1) - 1).unwrap() * asked.limit()));
        }
        let good = |token: &&Token| {
            let same = token.request.path() == cx.call.request.path() && token.question == asked.question;
            token.text == asked.token && same && self.now < token.at.plus(DAY)
        };
        if let Some(token) = self.tokens.iter().find(good) {
            return Ok(Start::Behind(token.place.clone()));
        }
        let refused = Refused::new(Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        stop(Refused { fields: vec!["page_token".to_owned()], ..refused })
    }

    /// The page of all these items.
    pub(super) fn page<T>(
        &mut self,
        cx: &Cx<'_>,
        asked: &Asked,
        start: Start,
        order: Order,
        mut all: Vec<(Place, T)>,
    ) -> Page<T> {
        all.sort_by(|(one, _), (other, _)| if order == Order::Up { one.cmp(other) } else { other.cmp(one) });
        let total = i32::try_from(all.len()).unwrap();
        let mut left: Vec<_> = match start {
            Start::Offset(offset) => all.into_iter().skip(offset).collect(),
            Start::Behind(last) => {
                let behind = |place: &Place| if order == Order::Up { *place > last } else { *place < last };
                all.into_iter().filter(|(place, _)| behind(place)).collect()
            }
        };
        let more = left.len() > asked.limit();
        left.truncate(asked.limit());
        let text = if more { self.seen.token(cx.made) } else { String::new() };
        if let Some((place, _)) = left.last().filter(|_| more) {
            let (question, request) = (asked.question.clone(), cx.call.request.clone());
            self.tokens.push(Token { text: text.clone(), at: self.now, question, place: place.clone(), request });
        }
        let total = (asked.count != i32::from(CountMode::None)).then_some(total);
        Page { items: left.into_iter().map(|(_, item)| item).collect(), total, token: text }
    }
}
