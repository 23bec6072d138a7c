//! The public keys over HTTP: the same set as `GetJwks`, where and only where the binary is told to serve it; and tokens across a
//! kill.

use std::net::SocketAddr;

use roster::proto::{
    CreateUserResponse, GetJwksRequest, GetJwksResponse, JwkDto, RefreshUserTokenRequest, RefreshUserTokenResponse,
    VerifyUserTokenRequest, VerifyUserTokenResponse,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::calls::{bob, creating};
use crate::cli::place::{Place, ROSTER, Running};
use crate::organizations::text;
use crate::wire::Wire;

const LISTEN: &str = "ROSTER_METRICS_LISTEN";
const DEFAULT: &str = "127.0.0.1:9464";
const SAID: &str = "the keys of user tokens are at /.well-known/jwks.json address=";
const SECRET_KEY: (&str, &str) = ("ROSTER_SECRET_KEY", "1111111111111111111111111111111111111111111111111111111111111111");

/// Where it says that it serves the keys.
fn said(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once(SAID)?;
    Some(rest.split_whitespace().next().unwrap().parse().unwrap())
}

/// The set that is served there.
async fn served(address: SocketAddr) -> Value {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: roster\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    serde_json::from_str(body).unwrap()
}

fn as_json(key: &JwkDto) -> Value {
    json!({"kty": key.kty(), "crv": key.crv(), "kid": key.kid(), "alg": key.alg(), "use": key.r#use(), "x": key.x()})
}

/// Asserts that both ways tell the same keys, and gives them.
async fn assert_agree(running: &mut Running, key: &str) -> Value {
    let wire = Wire::connect(running.address()).await;
    let answer = wire.call("/roster.v1.TokenService/GetJwks", &[("x-api-key", key)], &GetJwksRequest {}).await;
    let keys: Vec<_> = answer.message::<GetJwksResponse>().keys.iter().map(as_json).collect();
    let served = served(said(&running.stderr()).unwrap()).await;
    assert_eq!(served, json!({"keys": keys}));
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn the_set_is_that_of_the_call_and_outlives_a_kill_with_the_tokens() {
    let place = Place::new();
    let environment = [SECRET_KEY, (LISTEN, "127.0.0.1:0")];
    let mut running = place.serve(&environment);
    running.address();
    // Nobody has asked for a token yet.
    let first = served(said(&running.stderr()).unwrap()).await;
    assert_eq!(first["keys"].as_array().unwrap().len(), 1);
    let key = place.root_key();
    assert_eq!(assert_agree(&mut running, &key).await, first);
    let headers = [("x-api-key", key.as_str())];
    let wire = Wire::connect(running.address()).await;
    wire.call("/roster.v1.UserService/CreateUser", &headers, &creating(bob())).await.message::<CreateUserResponse>();
    let refresh = RefreshUserTokenRequest { user_id: text("bob-1"), ..Default::default() };
    let refreshed: RefreshUserTokenResponse =
        wire.call("/roster.v1.UserService/RefreshUserToken", &headers, &refresh).await.message();
    running.signal("KILL");
    running.wait();

    let mut running = place.serve(&environment);
    let wire = Wire::connect(running.address()).await;
    let check = VerifyUserTokenRequest { token: Some(refreshed.token) };
    let answer: VerifyUserTokenResponse =
        wire.call("/roster.v1.TokenService/VerifyUserToken", &headers, &check).await.message();
    assert_eq!((answer.active, answer.user_id()), (true, "bob-1"));
    assert_eq!(assert_agree(&mut running, &key).await, first);
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_address_that_is_taken_is_warned_of_and_one_that_was_chosen_ends_the_start() {
    // Whoever has it, it is taken.
    let _taken = TcpListener::bind(DEFAULT).await;
    let place = Place::new();
    let script = format!("unset {LISTEN}; exec {ROSTER} --listen 127.0.0.1:0");
    let mut running = place.start_program("sh", &["-c", &script], &[]);
    let key = {
        running.address();
        place.root_key()
    };
    running.assert_root(&key).await;
    let ended = running.stop();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let warned = ended.stderr.lines().find(|line| line.contains(DEFAULT)).unwrap();
    assert!(warned.contains("WARN") && warned.contains("cannot listen on") && said(&ended.stderr).is_none(), "{ended:?}");

    let chosen = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let _taken = TcpListener::bind(chosen).await.unwrap();
    let chosen = chosen.to_string();
    let ended = place.run("--listen 127.0.0.1:0", &[(LISTEN, &chosen)]);
    ended.assert_one_line(1, &["cannot listen on", &chosen, "for keys over HTTP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_address_is_nowhere() {
    let place = Place::new();
    let mut running = place.serve(&[(LISTEN, "")]);
    let grpc = running.address();
    assert_eq!(listening(&running), [grpc.port()], "the port of calls alone");
    let ended = running.stop();
    assert!(said(&ended.stderr).is_none() && !ended.stderr.contains("jwks"), "{ended:?}");
    let mut running = place.serve(&[(LISTEN, "127.0.0.1:0")]);
    running.address();
    assert_eq!(listening(&running).len(), 2, "it would be seen");
    running.stop();
}

/// The TCP ports that the process listens on.
fn listening(running: &Running) -> Vec<u16> {
    let links = std::fs::read_dir(format!("/proc/{}/fd", running.id())).unwrap();
    let targets = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
    let sockets: Vec<_> =
        targets.filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
    let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", running.id())).unwrap();
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    // The second word is the address, the fourth the state, of which 0A is "listening", the tenth the socket.
    let ours = rows.filter(|row| row[3] == "0A" && sockets.iter().any(|socket| *socket == row[9]));
    ours.map(|row| u16::from_str_radix(row[1].rsplit_once(':').unwrap().1, 16).unwrap()).collect()
}
