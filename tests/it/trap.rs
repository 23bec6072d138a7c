//! Services that misbehave under the name of `UserService`: what the layers make of handlers that panic or take for ever.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tower::Service;

/// Panics before there is a future.
pub(crate) const PANIC_AT_ONCE: &str = "/roster.v1.UserService/GetUser";
/// Panics in its future, after it has waited.
pub(crate) const PANIC_LATER: &str = "/roster.v1.UserService/FindUser";
/// Panics with what is no text.
pub(crate) const PANIC_WITHOUT_TEXT: &str = "/roster.v1.UserService/CreateUser";
/// Never answers.
pub(crate) const HANG: &str = "/roster.v1.UserService/CheckUser";
/// Answers after [`SLOW_FOR`].
pub(crate) const SLOW: &str = "/roster.v1.UserService/UserExists";
/// Answers at once.
pub(crate) const GOOD: &str = "/roster.v1.UserService/DeleteUser";

/// How long [`SLOW`] takes.
pub(crate) const SLOW_FOR: Duration = Duration::from_millis(600);

/// The service; which method is called decides what it does.
#[derive(Clone)]
struct Trap;

impl NamedService for Trap {
    const NAME: &'static str = "roster.v1.UserService";
}

impl Service<Request<Body>> for Trap {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        assert_ne!(path, PANIC_AT_ONCE, "SELECT * FROM /tmp/roster.db");
        Box::pin(async move {
            match path.as_str() {
                PANIC_LATER => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    panic!("at /tmp/src/secret.rs");
                }
                PANIC_WITHOUT_TEXT => std::panic::panic_any(42),
                HANG => pending().await,
                SLOW => tokio::time::sleep(SLOW_FOR).await,
                _ => {}
            }
            Ok(Status::ok("").into_http())
        })
    }
}

/// The trap, to be served.
pub(crate) fn routes() -> Routes {
    let mut routes = RoutesBuilder::default();
    routes.add_service(Trap);
    routes.routes()
}
