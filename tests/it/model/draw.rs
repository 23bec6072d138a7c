//! How operations are drawn: from a seed and from what the model knows, so that most of them meet something.

use std::time::Duration;

use roster::proto;

use super::pools;
use super::rpcs::{Call, Repeat, Request};
use super::state::{DAY, Kind, Token, User, World};

/// One step of a sequence.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Call(Box<Call>),
    Advance(Duration),
}

/// Numbers that look like chance (splitmix64).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// Whether what happens this often in a hundred does now.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Mostly one of the first, which are good.
    pub(super) fn mostly<'a, T>(&mut self, of: &'a [T], good: usize) -> &'a T {
        if self.percent(94) { &of[self.below(good)] } else { self.one(of) }
    }
}

/// Draws from what is known.
pub(super) struct Draw<'a> {
    pub(super) chance: Chance,
    pub(super) world: &'a World,
}

/// The operation of this number in the sequence of the seed.
pub(super) fn operation(seed: u64, number: usize, world: &World) -> Operation {
    let start = Chance::new(seed).next() ^ (number as u64).wrapping_mul(0xd134_2543_de82_ef95);
    let mut draw = Draw { chance: Chance::new(start), world };
    if draw.chance.percent(8) {
        return Operation::Advance(draw.while_passing());
    }
    Operation::Call(Box::new(draw.call()))
}

impl Draw<'_> {
    fn while_passing(&mut self) -> Duration {
        let hour = Duration::from_hours(1);
        let moment = Duration::from_micros(1);
        let times =
            [moment, Duration::from_millis(1), Duration::from_secs(5), hour, hour, DAY.saturating_sub(moment), DAY, DAY + hour];
        *self.chance.one(&times)
    }

    fn call(&mut self) -> Call {
        if self.chance.percent(6)
            && let Some(call) = self.repeated()
        {
            return call;
        }
        let request = match self.chance.below(100) {
            0..7 if !self.world.tokens.is_empty() => self.next_page(),
            _ => self.request(),
        };
        let keyed = match request.repeat() {
            Repeat::Replayable => self.chance.percent(30),
            _ => self.chance.percent(2),
        };
        let repeat_key = keyed.then(|| (*self.chance.mostly(&["k1", "k2", "k3", "k4", "", "k 5"], 4)).to_owned());
        Call { secret: self.secret(), repeat_key, request }
    }

    /// A call that was made before, or nearly.
    fn repeated(&mut self) -> Option<Call> {
        let mut records: Vec<_> = self.world.records.iter().collect();
        // Ids of keys are chance, places are not.
        records.sort_by_key(|((id, key), _)| (self.world.keys.iter().position(|known| known.id() == id), key.clone()));
        if records.is_empty() {
            return None;
        }
        let ((key_id, key), record) = *self.chance.one(&records);
        let other = self.chance.percent(15);
        let request = if other { self.request() } else { record.request.clone() };
        let owner = self.world.keys.iter().find(|known| known.id() == key_id)?;
        let secret = if self.chance.percent(90) { Some(owner.secrets.last()?.0.clone()) } else { self.secret() };
        Some(Call { secret, repeat_key: Some(key.clone()), request })
    }

    /// What a caller presents: mostly what may do everything.
    fn secret(&mut self) -> Option<String> {
        let keys = &self.world.keys;
        let key = if self.chance.percent(82) { &keys[0] } else { self.chance.one(keys) };
        match self.chance.below(100) {
            0 => None,
            1 => Some("rk_nobody".to_owned()),
            2..6 => Some(self.chance.one(&key.secrets).0.clone()),
            _ => key.secrets.last().map(|(secret, _)| secret.clone()),
        }
    }

    /// The request that a page token was an answer to, with the token; now and then another one.
    fn next_page(&mut self) -> Request {
        let Token { text, mut request, .. } = self.chance.one(&self.world.tokens).clone();
        let again = if self.chance.percent(10) { self.request() } else { request.clone() };
        let text = if self.chance.percent(4) { "nobody-gave-this".to_owned() } else { text };
        let limit = self.chance.percent(50).then(|| *self.chance.one(&[1, 2, 3, 100]));
        let with_page = self.chance.percent(4);
        macro_rules! go_on {
            ($($rpc:ident)*) => {
                match (&mut request, again) {
                    $((Request::$rpc(request), Request::$rpc(again)) => {
                        *request = again;
                        request.page_token = text;
                        request.page = with_page.then_some(1);
                        request.limit = limit.or(request.limit);
                    })*
                    _ => {}
                }
            };
        }
        go_on! {
            ListUsers SearchUsers ListUserGroups ListUserRoles ListGroups ListGroupMembers ListRoles ListRoleMembers ListApiKeys
        }
        request
    }

    /// An identifier of a user, with its type: mostly one that somebody has.
    pub(super) fn user_id(&mut self) -> (Option<String>, i32) {
        let users = self.world.by_number();
        let kind = self.chance.below(6);
        if !users.is_empty() && self.chance.percent(80) {
            let user = *self.chance.one(&users);
            if let Some(id) = self.spelled(user, kind) {
                return (Some(id), i32::try_from(kind).unwrap());
            }
            return (user.dto.user_id.clone(), 1);
        }
        let id = match kind {
            2 => *self.chance.one(pools::PHONES),
            3 => self.chance.one(pools::EMAILS).0,
            4 => *self.chance.one(pools::USERNAMES),
            5 => *self.chance.one(pools::EXTERNAL_IDS),
            _ => *self.chance.one(pools::USER_IDS),
        };
        match self.chance.below(20) {
            0 => (None, i32::try_from(kind).unwrap()),
            1 => (Some(id.to_owned()), 99),
            2 => (Some("x".repeat(257)), 1),
            _ => (Some(id.to_owned()), i32::try_from(kind).unwrap()),
        }
    }

    /// A spelling of the user's identifier of this type, if they have one.
    fn spelled(&mut self, user: &User, kind: usize) -> Option<String> {
        match kind {
            2 => {
                let phone = user.phone()?;
                let plain = phone.code == "+86" && self.chance.percent(50);
                Some(if plain { phone.national } else { phone.key() })
            }
            3 => {
                let key = user.email_key()?;
                let spellings: Vec<_> = pools::EMAILS.iter().filter(|(_, of)| *of == Some(key.as_str())).collect();
                Some(self.chance.one(&spellings).0.to_owned())
            }
            4 => user.dto.username.clone(),
            5 => user.dto.external_id.clone(),
            _ => user.dto.user_id.clone(),
        }
    }

    /// Ids of users, of one type.
    pub(super) fn user_ids(&mut self) -> (Vec<String>, i32) {
        let count = if self.chance.percent(4) { 0 } else { 1 + self.chance.below(4) };
        let drawn: Vec<_> = (0..count).map(|_| self.user_id()).collect();
        let kind = drawn.first().map_or(0, |(_, kind)| *kind);
        // Those of another type do not fit; these are looked for all the same where any text may be.
        let texts = [0, 1, 4, 5];
        let fits = |other: i32| other == kind || (texts.contains(&kind) && texts.contains(&other));
        (drawn.into_iter().filter(|(_, other)| fits(*other)).filter_map(|(id, _)| id).collect(), kind)
    }

    /// A code, mostly one that such a set has.
    pub(super) fn code_of(&mut self, kind: Kind) -> Option<String> {
        let sets = &self.world.sets[kind as usize];
        if sets.is_empty() || self.chance.percent(20) {
            return self.code();
        }
        self.chance.one(sets).dto.code.clone()
    }

    pub(super) fn code(&mut self) -> Option<String> {
        if self.chance.percent(2) {
            return None;
        }
        Some((*self.chance.mostly(pools::CODES, pools::STORABLE_CODES)).to_owned())
    }

    /// An etag for a write to be refused by, mostly none.
    pub(super) fn etag(&mut self, current: Option<String>) -> Option<String> {
        match self.chance.below(100) {
            0..70 => None,
            70..90 => current,
            90..97 => {
                let number = self.chance.below(1_000);
                self.world.seen.any_etag(number).cloned()
            }
            _ => Some("nobody-gave-this".to_owned()),
        }
    }

    /// A page by its number, mostly good.
    pub(super) fn page(&mut self) -> (Option<i32>, Option<i32>, i32) {
        let page = self.chance.percent(40).then(|| *self.chance.mostly(&[1, 2, 3, 0, -1, 10_001, i32::MAX], 3));
        let limit = self.chance.percent(75).then(|| *self.chance.mostly(&[1, 2, 3, 5, 1_000, 0, -1, 1_001], 5));
        (page, limit, *self.chance.mostly(&[0, 1, 2, 99], 3))
    }

    pub(super) fn key_id(&mut self) -> Option<String> {
        match self.chance.below(30) {
            0 => None,
            1 => Some(String::new()),
            2 => Some("nobody".to_owned()),
            _ => self.chance.one(&self.world.keys).dto.api_key_id.clone(),
        }
    }

    /// The id of a key that the sequence can do without.
    pub(super) fn spare_key_id(&mut self) -> Option<String> {
        let root = self.world.keys[0].dto.api_key_id.clone();
        self.key_id().filter(|id| Some(id) != root.as_ref()).or_else(|| Some("nobody".to_owned()))
    }

    pub(super) fn time(&mut self) -> proto::Timestamp {
        let offsets = [-3_600, 1, 3_600, 86_400, 90_000];
        let seconds = self.world.now.seconds + *self.chance.one(&offsets);
        let nanos = *self.chance.mostly(&[0, 123_456_000, 123_456_789, -1, 1_000_000_000], 3);
        proto::Timestamp { seconds, nanos }
    }
}
