//! What the transport and the codec refuse before a handler is reached (contract §1, "Errors"): in the contract's codes, with
//! `ErrorInfo`, and with the request id that the log has.

use std::fmt::Write;
use std::time::Duration;

use http::{HeaderValue, Request};
use prost::Message;
use roster::proto::{GetUserRequest, GetVersionRequest, GetVersionResponse};
use tonic::Code::{InvalidArgument, NotFound, ResourceExhausted, Unauthenticated, Unimplemented};
use tonic::codec::CompressionEncoding::Gzip;

use crate::harness::{Roster, named, refused};
use crate::trap;
use crate::wire::{Answer, Wire, frame, framed};

const VERSION: &str = "/roster.v1.MetaService/GetVersion";
const GET_USER: &str = "/roster.v1.UserService/GetUser";
/// The most bytes of a message.
const LIMIT: usize = 4 * 1024 * 1024;

async fn start() -> (Roster, Wire, String) {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    (roster, wire, key)
}

/// A message of exactly so many bytes that says nothing: one field that no message has.
fn padding(bytes: usize) -> Vec<u8> {
    // The tag takes two bytes (field 1000, length-delimited), the length four at the sizes that count here.
    let mut message = Vec::new();
    prost::encoding::string::encode(1_000, &"x".repeat(bytes - 6), &mut message);
    assert_eq!(message.len(), bytes);
    message
}

#[tokio::test]
async fn what_is_no_message_is_an_invalid_message() {
    let (_roster, wire, key) = start().await;
    let text = GetUserRequest { user_id: Some("x".to_owned()), ..Default::default() }.encode_to_vec();
    for (what, body) in [
        ("nothing at all", vec![]),
        ("part of a frame's head", vec![0, 0, 0]),
        ("a frame that ends too early", frame(0, 10, &text).to_vec()),
        ("a frame without its message", frame(0, 3, &[]).to_vec()),
        ("a tag that does not end", framed(&[0xff]).to_vec()),
        ("a text that ends too early", framed(&[0x0a, 0x7f, b'x']).to_vec()),
        ("a text that is not UTF-8", framed(&[0x0a, 0x02, 0xff, 0xfe]).to_vec()),
        ("half a surrogate pair", framed(&[0x0a, 0x03, 0xed, 0xa0, 0x80]).to_vec()),
        ("a number where a text belongs", framed(&[0x08, 0x01]).to_vec()),
        ("a group that does not end", framed(&[0x0b]).to_vec()),
        ("the field number zero", framed(&[0x02, 0x00]).to_vec()),
        ("a compressed frame, without an encoding", frame(1, 3, &text).to_vec()),
        ("a flag that means nothing", frame(2, 3, &text).to_vec()),
        ("no gRPC", b"{\"user_id\":\"x\"}".to_vec()),
    ] {
        let answer = wire.send(GET_USER, &[("x-api-key", &key)], body).await;
        let refusal = answer.refusal();
        assert_eq!(refusal.kind(), (InvalidArgument, "INVALID_MESSAGE"), "{what}: {refusal:?}");
    }
    let gzip = [("x-api-key", key.as_str()), ("grpc-encoding", "gzip")];
    wire.send(GET_USER, &gzip, frame(1, 3, &text)).await.assert_refused(InvalidArgument, "INVALID_MESSAGE");
    wire.send(GET_USER, &gzip, framed(&text)).await.assert_refused(NotFound, "USER_NOT_FOUND");
}

#[tokio::test]
async fn every_method_wants_a_message_even_where_it_says_nothing() {
    let (_roster, wire, key) = start().await;
    wire.send(VERSION, &[("x-api-key", &key)], framed(&[])).await.message::<GetVersionResponse>();
    wire.send(VERSION, &[("x-api-key", &key)], vec![]).await.assert_refused(InvalidArgument, "INVALID_MESSAGE");
    let unknown = wire.send(VERSION, &[("x-api-key", &key)], framed(&padding(LIMIT))).await;
    unknown.message::<GetVersionResponse>();
}

#[tokio::test]
async fn an_encoding_that_is_not_taken_is_refused() {
    let (_roster, wire, key) = start().await;
    for encoding in ["br", "zstd", "deflate", "snappy", "GZIP "] {
        let headers = [("x-api-key", key.as_str()), ("grpc-encoding", encoding)];
        let answer = wire.send(GET_USER, &headers, frame(1, 3, &[0; 3])).await;
        answer.assert_refused(InvalidArgument, "INVALID_MESSAGE");
    }
}

#[tokio::test]
async fn a_message_of_up_to_4_mib_is_taken_and_no_more() {
    let (_roster, wire, key) = start().await;
    let send = async |bytes: usize| wire.send(GET_USER, &[("x-api-key", &key)], framed(&padding(bytes))).await;
    // It says nothing, so the handler that gets it misses the id.
    send(LIMIT).await.assert_refused(InvalidArgument, "INVALID_FIELD");
    let announced = wire.send(GET_USER, &[("x-api-key", &key)], frame(0, u32::MAX, &[])).await;
    for answer in [send(LIMIT + 1).await, send(5 << 20).await, announced] {
        let refusal = answer.assert_refused(ResourceExhausted, "MESSAGE_TOO_LARGE");
        assert!(refusal.message.contains(&LIMIT.to_string()), "{refusal:?}");
    }
}

#[tokio::test]
async fn compression_saves_nobody_from_the_limit() {
    let roster = Roster::start().await;
    let mut client = roster.client("*").await.users().send_compressed(Gzip);
    let name = |bytes: usize| GetUserRequest { user_id: Some("x".repeat(bytes)), ..Default::default() };
    assert_eq!(refused(client.get_user(name(5)).await).kind(), (NotFound, "USER_NOT_FOUND"));
    assert_eq!(refused(client.get_user(name(LIMIT - 100)).await).kind(), (InvalidArgument, "INVALID_FIELD"));
    for bytes in [5 << 20, 64 << 20] {
        assert_eq!(refused(client.get_user(name(bytes)).await).kind(), (ResourceExhausted, "MESSAGE_TOO_LARGE"));
    }
}

#[tokio::test]
async fn a_compressed_request_is_taken_and_plainly_answered() {
    let roster = Roster::start().await;
    let client = roster.client("users:write").await;
    let created = client.create(named("ann")).await.unwrap();
    let request = GetUserRequest { user_id: created.user_id.clone(), ..Default::default() };
    let answer = client.users().send_compressed(Gzip).accept_compressed(Gzip).get_user(request).await.unwrap();
    assert_eq!(answer.into_inner().user, Some(created));
    client.meta().send_compressed(Gzip).get_version(GetVersionRequest {}).await.unwrap();
}

#[tokio::test]
async fn the_limits_of_http_2_are_set_and_hurt_the_offender_alone() {
    let (roster, wire, key) = start().await;
    let headers = [("x-api-key", key.as_str())];
    wire.send(VERSION, &headers, framed(&[])).await.message::<GetVersionResponse>();
    assert!((1..=1_024).contains(&wire.streams()), "{} at a time", wire.streams());

    let offender = Wire::connect(roster.address).await;
    let outcome = tokio::time::timeout(Duration::from_secs(10), offender.begin_and_reset(VERSION, 5_000)).await;
    outcome.expect("it is either served or thrown out").unwrap_or_default();
    wire.send(VERSION, &headers, framed(&[])).await.message::<GetVersionResponse>();
    let next = Wire::connect(roster.address).await;
    next.send(VERSION, &headers, framed(&[])).await.message::<GetVersionResponse>();
}

/// An answer of every kind that can come back of a call, by what it is.
async fn answers_of_every_kind(headers: &[(&str, &str)]) -> Vec<(&'static str, Answer)> {
    let (roster, wire, key) = start().await;
    let behind = Roster::start_serving(trap::routes()).await;
    let trapped = Wire::connect(behind.address).await;
    let other_key = behind.key("*", None).await.secret.expose().to_owned();
    let none = roster.key("", None).await.secret.expose().to_owned();
    let with = |key: &'static str, value: &str| -> Vec<(String, String)> {
        let all = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        all.chain([(key.to_owned(), value.to_owned())]).collect()
    };
    let send = async |wire: &Wire, path: &str, headers: Vec<(String, String)>, body| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        wire.send(path, &headers, body).await
    };
    let health = "/grpc.health.v1.Health/Check";
    let mut late = with("x-api-key", &key);
    late.push(("grpc-timeout".to_owned(), "1n".to_owned()));
    vec![
        ("good", send(&wire, VERSION, with("x-api-key", &key), framed(&[])).await),
        ("no key", send(&wire, VERSION, with("x", "y"), framed(&[])).await),
        ("a bad key", send(&wire, VERSION, with("x-api-key", "?"), framed(&[])).await),
        ("no scope", send(&wire, GET_USER, with("x-api-key", &none), framed(&[])).await),
        ("no such method", send(&wire, "/no/such", with("x-api-key", &key), framed(&[])).await),
        ("undecodable", send(&wire, GET_USER, with("x-api-key", &key), framed(&[0xff])).await),
        ("too large", send(&wire, GET_USER, with("x-api-key", &key), frame(0, u32::MAX, &[])).await),
        ("an unknown encoding", send(&wire, GET_USER, with("grpc-encoding", "br"), frame(1, 0, &[])).await),
        ("invalid", send(&wire, GET_USER, with("x-api-key", &key), framed(&[])).await),
        ("not found", send(&wire, GET_USER, with("x-api-key", &key), framed(&[0x0a, 0x01, b'x'])).await),
        ("late", send(&wire, GET_USER, late, framed(&[])).await),
        ("a panic", send(&trapped, trap::PANIC_LATER, with("x-api-key", &other_key), framed(&[])).await),
        ("health", send(&wire, health, with("x", "y"), framed(&[])).await),
        ("no such service", send(&wire, health, with("x", "y"), framed(&[0x0a, 0x01, b'x'])).await),
        (
            "reflection",
            send(&wire, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", with("x", "y"), framed(&[])).await,
        ),
    ]
}

#[tokio::test]
async fn every_answer_carries_the_request_id_it_was_given() {
    let longest = "~".repeat(128);
    for id in ["a", "trace:42/~!", &longest] {
        for (what, answer) in answers_of_every_kind(&[("x-request-id", id)]).await {
            assert_eq!(answer.request_id(), id, "{what}");
        }
    }
}

#[tokio::test]
async fn every_answer_gets_a_request_id_of_its_own_where_none_was_given() {
    let too_long = "x".repeat(129);
    let mut seen = std::collections::BTreeSet::new();
    for headers in [&[][..], &[("x-request-id", "")], &[("x-request-id", "a b")], &[("x-request-id", &too_long)]] {
        for (what, answer) in answers_of_every_kind(headers).await {
            let id = answer.request_id();
            assert_eq!(uuid::Uuid::parse_str(id).map(|id| id.get_version_num()), Ok(7), "{what}: {id}");
            assert!(seen.insert(id.to_owned()), "{what}: {id} was given twice");
        }
    }
}

#[tokio::test]
async fn a_request_id_that_is_no_text_is_replaced() {
    let (_roster, wire, key) = start().await;
    let request = Request::post(format!("http://roster{VERSION}"));
    let request = request.header("content-type", "application/grpc").header("x-api-key", key);
    let request = request.header("x-request-id", HeaderValue::from_bytes(&[b'a', 0xc3, 0xa9]).unwrap());
    let answer = wire.exchange(request.body(()).unwrap(), framed(&[])).await;
    assert_eq!(answer.request_id().len(), 36);
}

#[tokio::test]
async fn every_refusal_says_why_and_nothing_of_the_inside() {
    let expected = [
        ("no key", (Unauthenticated, "API_KEY_MISSING")),
        ("an unknown encoding", (Unauthenticated, "API_KEY_MISSING")),
        ("no such method", (Unimplemented, "UNKNOWN_METHOD")),
    ];
    let mut listing = String::new();
    for (what, answer) in answers_of_every_kind(&[]).await {
        if !["good", "health", "no such service", "reflection"].contains(&what) {
            // It is looked at there: details, domain, headers, words.
            let refusal = answer.refusal();
            writeln!(listing, "{what}: {:?} {}: {}", refusal.code, refusal.reason, refusal.message).unwrap();
            if let Some((_, kind)) = expected.iter().find(|(expected, _)| *expected == what) {
                assert_eq!(refusal.kind(), *kind, "{what}");
            }
        }
    }
    assert_eq!(listing.lines().count(), 11, "{listing}");
}
