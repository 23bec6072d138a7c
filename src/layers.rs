//! What every call goes through, in this order, outermost first:
//!
//! 1. **request id**: taken or made, so that whatever follows can be found in the log, and returned on every answer;
//! 2. **trace**: what the log says of the call;
//! 3. **restating**: what tonic answers by itself gets the contract's codes;
//! 4. **panic** → `INTERNAL`: a fault in one call ends that call alone;
//! 5. **deadline** → `DEADLINE_EXCEEDED`: also for a call that waits for the key's check;
//! 6. **gate**: the API key and the method's scope. Behind it, a handler gets its request through `Call::open` alone, which checks
//!    the scopes of the fields.
//!
//! One service and one future: each step is a function of its own file.

mod deadline;
mod gate;
mod panic;
mod request_id;
mod tape;
mod trace;

use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use crate::store::Store;
use crate::telemetry;
use crate::transport::refusal;

/// Puts the layers around a server.
#[derive(Clone, Debug)]
pub struct Layers {
    gate: Arc<gate::Gate>,
}

impl Layers {
    /// Layers that check keys against the store; `open_reflection`: reflection needs no key.
    #[must_use]
    pub fn new(store: Store, open_reflection: bool) -> Self {
        Self { gate: Arc::new(gate::Gate::new(store, open_reflection)) }
    }
}

impl<S> Layer<S> for Layers {
    type Service = Layered<S>;

    fn layer(&self, inner: S) -> Layered<S> {
        Layered { inner, gate: self.gate.clone() }
    }
}

/// A server with the layers around it.
#[derive(Clone, Debug)]
pub struct Layered<S> {
    inner: S,
    gate: Arc<gate::Gate>,
}

impl<S> Service<Request<Body>> for Layered<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that was polled ready makes the call; its clone waits for the next.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let gate = self.gate.clone();
        let deadline = deadline::of(request.headers());
        let id = request_id::assign(request.headers());
        let call = telemetry::Call::new(request.uri().clone(), id.clone());
        // Each step has the one before it by reference: a future that holds another one by value holds room for several of them.
        Box::pin(async move {
            let passed = pin!(gate.pass(request, &mut inner));
            let in_time = pin!(deadline::enforce(deadline, passed));
            let guarded = pin!(panic::guard(in_time));
            let answer = pin!(async { guarded.await.unwrap_or_else(|error| Ok(refusal::answer(error))).map(refusal::restate) });
            let mut response = trace::follow(call, answer).await?;
            response.headers_mut().insert(request_id::HEADER, id);
            Ok(response)
        })
    }
}
