//! Who may call what (contract §1 and §5): the API key, then the method's scope. Deny by default: a method that the policy does
//! not know is unknown to everybody, whatever is behind it.
//!
//! The key is read from the database on every call. A call that only reads need not wait for that: it goes on as the caller that
//! the key was of the last time, so that both reads travel in one round, and its answer is kept back until the key is known to
//! be the same still. Where it is not, the call is made again, or refused.

use std::future::poll_fn;

use http::{Request, Response};
use tonic::body::Body;
use tower::Service;

use super::tape::Tape;
use super::trace;
use crate::error::{Error, Result};
use crate::policy::{Access, Method};
use crate::proto;
use crate::store::api_keys::Check;
use crate::store::{Caller, Store};

/// The header that carries the API key.
const API_KEY: &str = "x-api-key";
/// What needs no key: health always, reflection where the configuration says so.
const HEALTH: &str = "/grpc.health.v1.Health/";
const REFLECTION: [&str; 2] = ["/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

/// What a service answers, or why it is not asked.
type Passed<E> = Result<Result<Response<Body>, E>>;

/// Lets calls through.
#[derive(Debug)]
pub(super) struct Gate {
    store: Store,
    open_reflection: bool,
}

impl Gate {
    pub(super) fn new(store: Store, open_reflection: bool) -> Self {
        Self { store, open_reflection }
    }

    /// Lets the request through with its `Caller` and [`crate::policy::Method`], or says why not. The scope comes after the key, and
    /// before the method's existence is told.
    pub(super) async fn pass<S>(&self, request: Request<Body>, inner: &mut S) -> Passed<S::Error>
    where
        S: Service<Request<Body>, Response = Response<Body>>,
    {
        let path = request.uri().path();
        if path.starts_with(HEALTH) || (self.open_reflection && REFLECTION.iter().any(|prefix| path.starts_with(prefix))) {
            return Ok(inner.call(request).await);
        }
        let method = proto::method(path);
        let key = request.headers().get(API_KEY).ok_or(Error::ApiKeyMissing)?;
        let check = self.store.check_key(key.to_str().map_err(|_| Error::ApiKeyInvalid)?)?;
        match (method, self.store.guess(&check)) {
            (Some(method), Some(guess)) if method.safe && may(&guess, method).is_ok() => {
                self.pass_ahead(request, inner, method, check, guess).await
            }
            _ => {
                let caller = self.store.caller(check).await?;
                Ok(enter(request, inner, method, caller)?.await)
            }
        }
    }

    /// Lets the request through as the guess, beside the check.
    async fn pass_ahead<S>(
        &self,
        request: Request<Body>,
        inner: &mut S,
        method: Method,
        check: Check,
        guess: Caller,
    ) -> Passed<S::Error>
    where
        S: Service<Request<Body>, Response = Response<Body>>,
    {
        let (parts, body) = request.into_parts();
        let (tape, body) = Tape::record(body);
        let answer = match enter(Request::from_parts(parts.clone(), body), inner, Some(method), guess.clone()) {
            Ok(answer) => Ok(answer.await),
            Err(error) => Err(error),
        };
        let caller = self.store.caller(check).await?;
        if caller == guess {
            return answer;
        }
        if let Err(error) = poll_fn(|context| inner.poll_ready(context)).await {
            return Ok(Err(error));
        }
        Ok(enter(Request::from_parts(parts, tape.replay()?), inner, Some(method), caller)?.await)
    }
}

/// Makes the call as the caller.
fn enter<S>(mut request: Request<Body>, inner: &mut S, method: Option<Method>, caller: Caller) -> Result<S::Future>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    trace::note_key(&caller.api_key_id);
    let method = method.ok_or(Error::UnknownMethod)?;
    may(&caller, method)?;
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(method);
    Ok(inner.call(request))
}

/// Whether the caller may call the method.
fn may(caller: &Caller, method: Method) -> Result<()> {
    match method.access {
        Access::AnyKey => Ok(()),
        Access::Scoped(scopes) => scopes.iter().try_for_each(|scope| caller.require(*scope)),
    }
}
