//! What comes before any RPC, in the contract's order: the key, its scopes, what is wrong with the request, and whether the
//! call was made before.

use roster::proto::UserDto;
use tonic::Code;

use super::answer::{Made, Outcome, Refused};
use super::rpcs::{Call, Repeat, Request, Response};
use super::state::{DAY, Record, World};

/// A call under way.
pub(super) struct Cx<'a> {
    pub(super) call: &'a Call,
    pub(super) made: &'a Made,
    /// The place of the caller's key.
    pub(super) caller: usize,
    /// The fields in which something is wrong so far.
    pub(super) faults: Vec<String>,
    /// What the call can be repeated by.
    repeat: Option<(String, String)>,
}

/// Why a call ends before it does anything.
pub(super) enum Stop {
    Refused(Refused),
    /// It was made before, and this was answered.
    Replayed(Box<Response>),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

pub(super) type Step<T> = Result<T, Stop>;

pub(super) fn stop<T>(refused: Refused) -> Step<T> {
    Err(Stop::Refused(refused))
}

/// Whether these scopes open what asks for that one.
pub(super) fn allows(held: &[String], scope: &str) -> bool {
    let opens = |held: &String| match held.as_str() {
        "*" => true,
        "users:write" => ["users:write", "users:read", "users:exists"].contains(&scope),
        "users:read" => ["users:read", "users:exists"].contains(&scope),
        held => held == scope || held.strip_suffix("write").is_some_and(|stem| scope == format!("{stem}read")),
    };
    held.iter().any(opens)
}

impl Cx<'_> {
    pub(super) fn fault(&mut self, field: &str) {
        self.faults.push(field.to_owned());
    }

    /// Notes what is wrong, and gives the value of what is right.
    pub(super) fn take<T>(&mut self, read: Result<T, Vec<String>>) -> Option<T> {
        read.map_err(|fields| self.faults.extend(fields)).ok()
    }
}

impl World {
    /// Answers a call; `made` are the values that the server has made up for it.
    pub(super) fn answer(&mut self, call: &Call, made: &Made) -> Outcome {
        match self.open(call, made) {
            Ok(response) => Outcome { answer: Ok(response), replayed: false },
            Err(Stop::Refused(refused)) => Outcome { answer: Err(refused), replayed: false },
            Err(Stop::Replayed(response)) => Outcome { answer: Ok(*response), replayed: true },
        }
    }

    fn open(&mut self, call: &Call, made: &Made) -> Step<Response> {
        let caller = self.authenticate(call.secret.as_deref())?;
        for scope in call.request.scopes().iter().copied().chain(scopes_of_fields(&call.request)) {
            self.require(caller, scope)?;
        }
        if let Request::RotateApiKey(request) = &call.request
            && request.api_key_id.as_deref() != Some(self.keys[caller].id())
        {
            self.require(caller, "keys:manage")?;
        }
        let mut cx = Cx { call, made, caller, faults: Vec::new(), repeat: None };
        match (&call.repeat_key, call.request.repeat()) {
            (None, _) | (_, Repeat::Anyway) => {}
            (_, Repeat::Refused) => return stop(Refused::new(Code::InvalidArgument, "IDEMPOTENCY_UNSUPPORTED")),
            (Some(key), Repeat::Replayable) if key.is_empty() || key.contains(' ') => cx.fault("idempotency-key"),
            (Some(key), Repeat::Replayable) => cx.repeat = Some((self.keys[caller].id().to_owned(), key.clone())),
        }
        let response = self.perform(&mut cx)?;
        if let Some(repeat) = cx.repeat {
            let user_id = match &response {
                Response::CreateUser(response) => response.user.as_ref(),
                Response::UpdateUser(response) => response.user.as_ref(),
                _ => None,
            };
            let user_id = user_id.and_then(|user| user.user_id.clone());
            let record = Record { request: call.request.clone(), at: self.now, response: Some(response.clone()), user_id };
            self.records.insert(repeat, record);
        }
        Ok(response)
    }

    fn authenticate(&self, secret: Option<&str>) -> Step<usize> {
        let refused = |reason| stop(Refused::new(Code::Unauthenticated, reason));
        let Some(secret) = secret else { return refused("API_KEY_MISSING") };
        let found = self.keys.iter().enumerate().find_map(|(place, key)| {
            let (_, end) = key.secrets.iter().find(|(known, _)| known == secret)?;
            Some((place, key, end))
        });
        let Some((place, key, end)) = found else { return refused("API_KEY_INVALID") };
        if key.dto.revoked_at.is_some() {
            return refused("API_KEY_REVOKED");
        }
        if [key.dto.expires_at, *end].into_iter().flatten().any(|end| end <= self.now) {
            return refused("API_KEY_EXPIRED");
        }
        Ok(place)
    }

    pub(super) fn require(&self, caller: usize, scope: &str) -> Step<()> {
        if allows(&self.keys[caller].dto.scopes, scope) {
            return Ok(());
        }
        stop(Refused::new(Code::PermissionDenied, "SCOPE_DENIED").with("scope", scope))
    }

    /// Ends the call if anything is wrong with its request, or if it was made before.
    pub(super) fn settle(&self, cx: &Cx<'_>) -> Step<()> {
        if !cx.faults.is_empty() {
            return stop(Refused::invalid(cx.faults.clone()));
        }
        let Some(record) = cx.repeat.as_ref().and_then(|repeat| self.records.get(repeat)) else { return Ok(()) };
        if record.at.plus(DAY) <= self.now {
            return Ok(());
        }
        if record.request.path() != cx.call.request.path() || record.request.encode() != cx.call.request.encode() {
            return stop(Refused::new(Code::FailedPrecondition, "IDEMPOTENCY_KEY_REUSED"));
        }
        match &record.response {
            Some(response) => Err(Stop::Replayed(Box::new(response.clone()))),
            None => stop(Refused::no_user()),
        }
    }

    fn perform(&mut self, cx: &mut Cx<'_>) -> Step<Response> {
        let call = cx.call;
        match &call.request {
            Request::GetLimits(_) => Ok(Response::GetLimits(crate::meta::LIMITS)),
            Request::GetVersion(_) => Ok(Response::GetVersion(self.version.clone().unwrap_or_default())),
            request => {
                let users = self.about_users(cx, request);
                let sets = |world: &mut Self, cx: &mut Cx<'_>| world.about_sets(cx, request);
                let keys = |world: &mut Self, cx: &mut Cx<'_>| world.about_keys(cx, request);
                users.or_else(|| sets(self, cx)).or_else(|| keys(self, cx)).expect("every RPC is one of these")
            }
        }
    }
}

/// The scopes of what a request asks to be shown beside, and of what it sets.
fn scopes_of_fields(request: &Request) -> Vec<&'static str> {
    macro_rules! shown {
        ($($rpc:ident)*) => {
            match request {
                $(Request::$rpc(request) => (request.with_groups, request.with_roles),)*
                _ => (false, false),
            }
        };
    }
    let (groups, roles) = shown!(GetUser BatchGetUsers FindUser ListUsers SearchUsers ListGroupMembers ListRoleMembers);
    let named = [(groups, "groups:read"), (roles, "roles:read"), (ends_tokens(request), "users:token")];
    named.into_iter().filter_map(|(asked, scope)| asked.then_some(scope)).collect()
}

/// Whether the request says when tokens end, or leaves that to be cleared.
fn ends_tokens(request: &Request) -> bool {
    let says = |user: Option<&UserDto>| user.is_some_and(|user| user.token_expired_at.is_some());
    match request {
        Request::CreateUser(request) => says(request.user.as_ref()),
        Request::BatchCreateUsers(request) => request.users.iter().any(|item| says(item.user.as_ref())),
        Request::UpdateUser(request) => match request.update_mask.as_ref().filter(|mask| !mask.paths.is_empty()) {
            Some(mask) => mask.paths.iter().any(|path| path == "token_expired_at"),
            None => says(request.user.as_ref()),
        },
        _ => false,
    }
}
