//! API keys: no key reaches one that is stronger than itself.

use std::time::Duration;

use prost::Message;
use roster::proto::{self, ApiKeyDto, Timestamp};
use tonic::Code;

use super::answer::Refused;
use super::caller::{Cx, Step, allows, stop};
use super::pages::{Order, asked, listed};
use super::resource::{self, API_KEY, Purpose};
use super::rpcs::{Request, Response};
use super::sets::read_code;
use super::state::{DAY, Key, World};
use crate::dto::descriptor;

/// Every scope of the contract's table, in its order.
const SCOPES: &[&str] = &[
    "users:exists",
    "users:read",
    "users:write",
    "users:verify",
    "users:password",
    "users:token",
    "groups:read",
    "groups:write",
    "roles:read",
    "roles:write",
    "organizations:read",
    "organizations:write",
    "identities:read",
    "identities:write",
    "identities:tokens",
    "keys:manage",
    "events:read",
];

const EXPIRES_AT: &str = "api_key.expires_at";
const NAME: &str = "api_key.name";

impl World {
    pub(super) fn about_keys(&mut self, cx: &mut Cx<'_>, request: &Request) -> Option<Step<Response>> {
        Some(match request {
            Request::CreateApiKey(request) => self.create_key(cx, request),
            Request::UpdateApiKey(request) => self.update_key(cx, request),
            Request::ListApiKeys(request) => self.list_keys(cx, request),
            Request::GetApiKey(request) => self
                .key_of(cx, request.api_key_id.as_deref())
                .map(|place| Response::GetApiKey(proto::GetApiKeyResponse { api_key: Some(self.keys[place].dto.clone()) })),
            Request::GetCallerApiKey(_) => {
                let api_key = Some(self.keys[cx.caller].dto.clone());
                Ok(Response::GetCallerApiKey(proto::GetCallerApiKeyResponse { api_key }))
            }
            Request::RotateApiKey(request) => self.rotate_key(cx, request),
            Request::RevokeApiKey(request) => self.revoke_key(cx, request),
            _ => return None,
        })
    }

    /// Whether the caller's key has all that the other has.
    fn reaches(&self, caller: usize, key: &Key) -> bool {
        let own = &self.keys[caller].dto.scopes;
        key.dto.scopes.iter().all(|scope| if scope == "*" { own.contains(scope) } else { allows(own, scope) })
    }

    /// The place of the key of the id, once the call is settled.
    fn key_of(&self, cx: &mut Cx<'_>, id: Option<&str>) -> Step<usize> {
        let id = cx.take(read_code("api_key_id", id));
        self.settle(cx)?;
        let id = id.unwrap();
        let place = self.keys.iter().position(|key| key.id() == id && self.reaches(cx.caller, key));
        place.map_or_else(no_key, Ok)
    }

    fn create_key(&mut self, cx: &mut Cx<'_>, request: &proto::CreateApiKeyRequest) -> Step<Response> {
        let sent = request.api_key.clone();
        if let Some(sent) = &sent {
            let known = |scope: &&String| *scope == "*" || SCOPES.contains(&scope.as_str());
            let wanted: Vec<_> = sent.scopes.iter().filter(known).cloned().collect();
            let own = &self.keys[cx.caller].dto.scopes;
            let lacking = |scope: &&str| wanted.iter().any(|wanted| wanted == scope) && !allows(own, scope);
            let all = Some("*").filter(|_| wanted.iter().any(|scope| scope == "*") && !own.contains(&"*".to_owned()));
            if let Some(scope) = all.or_else(|| SCOPES.iter().copied().find(lacking)) {
                return stop(Refused::new(Code::PermissionDenied, "SCOPE_DENIED").with("scope", scope));
            }
            let wrong = sent.scopes.iter().enumerate().filter(|(_, scope)| !known(scope));
            cx.faults.extend(wrong.map(|(index, _)| format!("api_key.scopes[{index}]")));
            let faults = resource::faults(&sent.encode_to_vec(), &key_descriptor(), "api_key", &Purpose::Create, &API_KEY);
            let late = later(sent.expires_at, self.keys[cx.caller].dto.expires_at) && !faults.contains(&EXPIRES_AT.to_owned());
            cx.faults.extend(faults);
            if late {
                cx.fault(EXPIRES_AT);
            }
            if sent.name.as_deref() == Some("") {
                cx.fault(NAME);
            }
        } else {
            cx.fault("api_key");
        }
        self.settle(cx)?;
        let sent = sent.unwrap();
        let dto = ApiKeyDto {
            api_key_id: Some(self.seen.id(cx.made, 0)),
            name: sent.name,
            scopes: in_order(&sent.scopes),
            created_at: Some(self.now),
            created_by: self.keys[cx.caller].dto.api_key_id.clone(),
            expires_at: sent.expires_at.map(micros).or(self.keys[cx.caller].dto.expires_at),
            ..ApiKeyDto::default()
        };
        let secret = self.seen.secret(cx.made);
        self.keys.push(Key { dto: dto.clone(), secrets: vec![(secret.clone(), None)] });
        Ok(Response::CreateApiKey(proto::CreateApiKeyResponse { api_key: Some(dto), secret }))
    }

    fn update_key(&mut self, cx: &mut Cx<'_>, request: &proto::UpdateApiKeyRequest) -> Step<Response> {
        let sent = request.api_key.clone().unwrap_or_default();
        let mask = cx.take(resource::mask(request.update_mask.as_ref(), &key_descriptor(), &API_KEY)).flatten();
        let paths = request.update_mask.as_ref().map(|mask| mask.paths.clone()).filter(|paths| !paths.is_empty());
        let purpose = paths.map_or(Purpose::Update, Purpose::Masked);
        cx.faults.extend(resource::faults(&sent.encode_to_vec(), &key_descriptor(), "api_key", &purpose, &API_KEY));
        let looked_at = if let Purpose::Masked(paths) = &purpose { paths.iter().any(|path| path == "name") } else { true };
        if sent.name.as_deref() == Some("") && looked_at {
            cx.fault(NAME);
        }
        let place = self.key_of(cx, request.api_key_id.as_deref())?;
        let names = |field: &str| mask.as_ref().map(|mask| mask.iter().any(|path| path == field));
        let mut dto = self.keys[place].dto.clone();
        if names("name").unwrap_or(sent.name.is_some()) {
            dto.name.clone_from(&sent.name);
        }
        if names("expires_at").unwrap_or(sent.expires_at.is_some()) {
            let own = self.keys[cx.caller].dto.expires_at;
            let asked = sent.expires_at.map(micros);
            let sooner = asked.is_some_and(|asked| dto.expires_at.is_none_or(|stored| asked <= stored));
            if !sooner && later(asked, own) {
                return stop(Refused::invalid(vec![EXPIRES_AT.to_owned()]));
            }
            dto.expires_at = asked.or(own);
        }
        self.keys[place].dto = dto.clone();
        Ok(Response::UpdateApiKey(proto::UpdateApiKeyResponse { api_key: Some(dto) }))
    }

    fn list_keys(&mut self, cx: &mut Cx<'_>, request: &proto::ListApiKeysRequest) -> Step<Response> {
        let asked = asked!(request, String::new());
        let start = self.start(cx, &asked)?;
        let place = |key: &Key| (key.dto.created_at.unwrap().micros(), key.id().to_owned());
        let reached = self.keys.iter().filter(|key| self.reaches(cx.caller, key));
        let all = reached.map(|key| (place(key), key.dto.clone())).collect();
        let page = self.page(cx, &asked, start, Order::Up, all);
        Ok(listed!(ListApiKeys ListApiKeysResponse { api_keys: page }))
    }

    fn rotate_key(&mut self, cx: &mut Cx<'_>, request: &proto::RotateApiKeyRequest) -> Step<Response> {
        let overlap = request.overlap.map_or(Ok(DAY), Duration::try_from).ok().filter(|overlap| *overlap <= 7 * DAY);
        if overlap.is_none() {
            cx.fault("overlap");
        }
        let place = self.key_of(cx, request.api_key_id.as_deref())?;
        if self.keys[place].dto.revoked_at.is_some() {
            return no_key();
        }
        let (own, end) = (self.keys[cx.caller].dto.expires_at, self.keys[place].dto.expires_at);
        if place != cx.caller && own.is_some_and(|own| end.is_none_or(|end| end > own)) {
            return stop(Refused::invalid(vec!["api_key_id".to_owned()]));
        }
        let (now, key) = (self.now, &mut self.keys[place]);
        for (_, end) in &mut key.secrets {
            *end = Some(end.map_or(now.plus(overlap.unwrap()), |end| end.min(now)));
        }
        let secret = self.seen.secret(cx.made);
        self.keys[place].secrets.push((secret.clone(), None));
        let api_key = Some(self.keys[place].dto.clone());
        Ok(Response::RotateApiKey(proto::RotateApiKeyResponse { api_key, secret }))
    }

    fn revoke_key(&mut self, cx: &mut Cx<'_>, request: &proto::RevokeApiKeyRequest) -> Step<Response> {
        let place = self.key_of(cx, request.api_key_id.as_deref())?;
        let mut gone = vec![self.keys[place].id().to_owned()];
        // A key is made after the one that makes it, so that one way through them finds all.
        for key in self.keys.iter().filter(|_| request.with_descendants) {
            if key.dto.created_by.as_ref().is_some_and(|maker| gone.contains(maker)) {
                gone.push(key.id().to_owned());
            }
        }
        let now = self.now;
        for key in self.keys.iter_mut().filter(|key| gone.iter().any(|id| id == key.id())) {
            key.dto.revoked_at.get_or_insert(now);
        }
        let api_key = Some(self.keys[place].dto.clone());
        Ok(Response::RevokeApiKey(proto::RevokeApiKeyResponse { api_key }))
    }
}

fn no_key<T>() -> Step<T> {
    stop(Refused::new(Code::NotFound, "API_KEY_NOT_FOUND"))
}

fn key_descriptor() -> prost_reflect::MessageDescriptor {
    descriptor().parent_pool().get_message_by_name("roster.v1.ApiKeyDto").unwrap()
}

/// Whether what is asked for ends after the caller's own.
fn later(asked: Option<Timestamp>, own: Option<Timestamp>) -> bool {
    matches!((asked, own), (Some(asked), Some(own)) if micros(asked) > own)
}

fn micros(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.micros())
}

/// The scopes as answers have them: each once, in the contract's order.
fn in_order(scopes: &[String]) -> Vec<String> {
    ["*"].iter().chain(SCOPES).filter(|name| scopes.iter().any(|scope| scope == *name)).map(|name| (*name).to_owned()).collect()
}
