//! A server that answers `CreateUser` before it has committed: the crash test must see what that loses.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use roster::clock::Clock;
use roster::config::{Config, Overrides};
use roster::proto::user_service_server::UserServiceServer;
use roster::rpc::users::Users;
use roster::store::Store;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::RoutesBuilder;
use tower::Service;

use super::load::KEY;
use super::place::{Place, Running};

/// Where the process that serves finds its database.
const DATABASE: &str = "ROSTER_TEST_HASTY_DATABASE";

/// The service, but for its haste.
#[derive(Clone)]
struct Hasty<S>(S);

impl<S: NamedService> NamedService for Hasty<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Hasty<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let hasty = request.uri().path().ends_with("/CreateUser");
        let answer = self.0.call(request);
        if !hasty {
            return Box::pin(answer);
        }
        tokio::spawn(answer);
        // An empty message in its frame.
        let response = Status::ok("").into_http::<()>().map(|()| Body::new("\0\0\0\0\0".to_owned()));
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// Serves on any free port, in a process of its own: this program, asked to run the test below.
pub(crate) fn serve(place: &Place) -> Running {
    serve_on(place, &place.database.url)
}

/// As [`serve`], on this database.
pub(crate) fn serve_on(place: &Place, database: &str) -> Running {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "cli::hasty::it_serves_in_a_process_that_is_told_to", "--nocapture"];
    place.start_program(program.to_str().unwrap(), &arguments, &[(DATABASE, database)])
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_in_a_process_that_is_told_to() {
    let Ok(database) = std::env::var(DATABASE) else { return };
    let values = [("database_url", database), ("bootstrap_api_key", KEY.to_owned())];
    let overrides = Overrides::of(values.map(|(name, value)| (name.to_owned(), value)).to_vec());
    let config = Config::load(&overrides, std::iter::empty()).unwrap().config;
    let store = Store::open(&config, Clock::default()).await.unwrap();
    roster::server::ensure_first_key(&store, &config, Some(Box::new(|_| Ok(())))).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The test runner has begun a line of its own.
    writeln!(io::stdout(), "\nlistening on {}", listener.local_addr().unwrap()).unwrap();
    let mut routes = RoutesBuilder::default();
    routes.add_service(Hasty(UserServiceServer::new(Users::new(store.clone()))));
    let routes = routes.routes();
    roster::server::serve_routes(move |_| routes.clone(), store, true, listener, pending()).await.unwrap();
}
