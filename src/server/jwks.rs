//! The public keys of user tokens over plain HTTP, for whoever checks tokens without asking us. They are public, so anyone may.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::Status;

use crate::config::Config;
use crate::error::Result;
use crate::proto::JwkDto;
use crate::proto::reflect::Reflect;
use crate::store::Store;

/// Where clients look for them.
const PATH: &str = "/.well-known/jwks.json";
/// The most connections at a time; more wait for one of them to end.
const CONNECTIONS: usize = 256;
/// How long a connection may last, which is one request, and how long the store may take for it.
const CONNECTION: Duration = Duration::from_secs(5);
const STORE: Duration = Duration::from_secs(2);
/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// How long to wait where no connection can be taken, for want of file handles for instance.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes the address that is configured; `None`: there is none, or it is the default and cannot be had, which is warned of.
///
/// # Errors
/// Why an address that was set cannot be listened on.
pub async fn bind(config: &Config) -> Result<Option<TcpListener>, String> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) => {
            let problem = format!("cannot listen on {address} for keys over HTTP: {error}");
            if !config.metrics_listen_is_default {
                return Err(problem);
            }
            tracing::warn!("{problem}; going on without, until metrics_listen is another address");
            Ok(None)
        }
    }
}

/// Serves the keys of the store, for as long as it is polled.
pub(super) async fn serve(listener: TcpListener, store: Store) {
    let max_age = store.jwks_max_age();
    let keys = move || {
        let store = store.clone();
        async move { store.jwks().await }
    };
    serve_keys(listener, max_age, keys).await;
}

/// Serves what `keys` gives, to be kept for `max_age`.
async fn serve_keys<Keys, Given>(listener: TcpListener, max_age: Duration, keys: Keys)
where
    Keys: Fn() -> Given + Clone + Send + Sync + 'static,
    Given: Future<Output = Result<Vec<JwkDto>>> + Send,
{
    let cache = format!("public, max-age={}", max_age.as_secs());
    let router = Router::new().route(PATH, get(async move || answer(keys(), cache).await));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(timeout(CONNECTION, converse(stream, router.clone())))),
                Err(error) => {
                    tracing::warn!(%error, "a connection for keys over HTTP cannot be taken");
                    sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers the one request of a connection.
async fn converse(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    let connection =
        http1::Builder::new().keep_alive(false).max_buf_size(HEAD_BYTES).serve_connection(TokioIo::new(stream), service);
    // Whoever breaks it off or speaks no HTTP knows.
    drop(connection.await);
}

async fn answer(keys: impl Future<Output = Result<Vec<JwkDto>>>, cache: String) -> Response {
    match timeout(STORE, keys).await {
        Ok(Ok(keys)) => {
            // Where there is none yet, the first may come at any moment.
            let cache = if keys.is_empty() { "no-store" } else { &cache };
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, cache)];
            (headers, set(&keys).to_string()).into_response()
        }
        failed => {
            if let Ok(Err(error)) = failed {
                // It goes to the log as that of a call does.
                drop(Status::from(error));
            }
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response()
        }
    }
}

/// The keys as RFC 7517 has them: the members are the fields.
fn set(keys: &[JwkDto]) -> Value {
    let members = |key: &JwkDto| key.each().filter_map(|(field, value)| Some((field.name, value.as_text()?.into()))).collect();
    let keys: Vec<BTreeMap<&str, Value>> = keys.iter().map(members).collect();
    json!({"keys": keys})
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::config::Overrides;
    use crate::error::Error;

    async fn start<Keys, Given>(keys: Keys) -> SocketAddr
    where
        Keys: Fn() -> Given + Clone + Send + Sync + 'static,
        Given: Future<Output = Result<Vec<JwkDto>>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_keys(listener, Duration::from_mins(1), keys));
        address
    }

    fn jwk(kid: &str) -> JwkDto {
        let text = |text: &str| Some(text.to_owned());
        JwkDto {
            kty: text("OKP"),
            crv: text("Ed25519"),
            kid: text(kid),
            alg: text("EdDSA"),
            r#use: text("sig"),
            x: text("AAAA"),
        }
    }

    async fn start_good() -> SocketAddr {
        start(async || Ok(vec![jwk("key-1"), jwk("key-2")])).await
    }

    /// The head and the body of the answer, which ends with the connection.
    async fn ask(address: SocketAddr, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{request} HTTP/1.1\r\nhost: roster\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn keys_are_served_as_a_set_that_may_be_kept_for_a_minute() {
        let address = start_good().await;
        let (head, body) = ask(address, "GET /.well-known/jwks.json").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for line in ["content-type: application/json", "cache-control: public, max-age=60", "connection: close"] {
            assert!(head.lines().any(|told| told == line), "no {line} in {head}");
        }
        let key = |kid| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "use": "sig", "x": "AAAA"});
        let expected = json!({"keys": [key("key-1"), key("key-2")]});
        assert_eq!(body.parse::<Value>().unwrap(), expected);
        let (only, nothing) = ask(address, "HEAD /.well-known/jwks.json").await;
        let length = format!("content-length: {}", body.len());
        assert!(only.starts_with("HTTP/1.1 200 OK\r\n") && only.contains(&length) && nothing.is_empty(), "{only}");
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        let address = start_good().await;
        for (request, status) in [
            ("POST /.well-known/jwks.json", "405"),
            ("DELETE /.well-known/jwks.json", "405"),
            ("GET /", "404"),
            ("GET /.well-known/jwks.json/", "404"),
            ("GET /.well-known/../.well-known/jwks.json", "404"),
            ("GET /.well-known/jwks.json?keys=all", "200"),
            ("nonsense", "400"),
            (&format!("GET /{}", "x".repeat(2 * HEAD_BYTES)), "431"),
        ] {
            let (head, body) = ask(address, request).await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.100}: {head}");
            assert!(status == "200" || body.is_empty(), "{request:.100}: {body}");
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_or_hangs_is_told_without_why() {
        let failing = start(async || Err(Error::internal("the secret reason"))).await;
        let hanging = start(std::future::pending).await;
        for address in [failing, hanging] {
            let (head, body) = ask(address, "GET /.well-known/jwks.json").await;
            assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nretry-after: 1\r\n"), "{head}");
            assert!(!head.contains("cache-control") && !head.contains("secret") && body.is_empty(), "{head}: {body}");
        }
    }

    #[tokio::test]
    async fn silent_connections_are_bounded_in_number_and_time() {
        let address = start_good().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut waiting = Box::pin(ask(address, "GET /.well-known/jwks.json"));
        assert!(timeout(Duration::from_millis(200), &mut waiting).await.is_err(), "one too many waits");
        tokio::time::pause();
        tokio::time::advance(CONNECTION).await;
        tokio::time::resume();
        assert!(waiting.await.0.starts_with("HTTP/1.1 200 "));
        for mut stream in silent {
            assert_eq!(stream.read(&mut [0]).await.unwrap_or_default(), 0);
        }
    }

    #[tokio::test]
    async fn an_address_that_is_taken_stops_only_who_chose_it() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let config =
            |address: &str| Config::load(&Overrides::of([("metrics_listen", address)]), std::iter::empty()).unwrap().config;
        let problem = bind(&config(&address)).await.unwrap_err();
        assert!(problem.starts_with(&format!("cannot listen on {address} for keys over HTTP: ")), "{problem}");
        let default = Config { metrics_listen_is_default: true, ..config(&address) };
        assert!(bind(&default).await.unwrap().is_none());
        assert!(bind(&config("")).await.unwrap().is_none());
        let free = bind(&config("127.0.0.1:0")).await.unwrap().unwrap();
        assert!(TcpStream::connect(free.local_addr().unwrap()).await.is_ok());
    }
}
