//! `roster serve`: what it says, how it ends, and what survives.

use std::time::Duration;

use prost::Message;
use roster::proto::{CreateUserRequest, CreateUserResponse, GetUserRequest, GetUserResponse};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::place::{Place, Running, now};
use crate::harness::database::on_postgres;
use crate::harness::named;
use crate::wire::Wire;

/// Creates the user and gives what was stored.
async fn create(running: &mut Running, key: &str, username: &str) -> CreateUserResponse {
    let request = CreateUserRequest { user: Some(named(username)), ..Default::default() };
    let wire = Wire::connect(running.address()).await;
    wire.call("/roster.v1.UserService/CreateUser", &[("x-api-key", key)], &request).await.message()
}

/// Asserts that the user is there as it was stored.
async fn assert_stored(running: &mut Running, key: &str, created: &CreateUserResponse) {
    let user_id = created.user.as_ref().unwrap().user_id.clone();
    let request = GetUserRequest { user_id, ..Default::default() };
    let wire = Wire::connect(running.address()).await;
    let answer = wire.call("/roster.v1.UserService/GetUser", &[("x-api-key", key)], &request).await;
    assert_eq!(answer.message::<GetUserResponse>().user, created.user);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_where_it_listens_and_ends_in_order_on_a_signal() {
    for (arguments, signal) in
        [("--listen 127.0.0.1:0", "TERM"), ("serve --listen=127.0.0.1:0", "TERM"), ("--listen localhost:0 serve", "INT")]
    {
        let place = Place::new();
        let mut running = place.start(arguments, &[]);
        let address = running.address();
        assert!(address.ip().is_loopback() && address.port() != 0, "{address}");
        let idle = Wire::connect(address).await;
        let begun = now();
        running.signal(signal);
        let ended = running.wait();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(ended.stdout, format!("listening on {address}\n"), "nothing else is said where no terminal is");
        drop(idle);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_the_line_is_served_at_once() {
    let place = Place::new();
    for _ in 0..5 {
        let mut running = place.serve(&[]);
        let wire = Wire::connect(running.address()).await;
        for service in ["", "roster.v1.UserService", "liveness"] {
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer: HealthCheckResponse = wire.call("/grpc.health.v1.Health/Check", &[], &request).await.message();
            assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
        }
        assert_eq!(running.stop().status, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_being_killed() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    running.address();
    let key = place.root_key();
    let mut created = Vec::new();
    for user in 0..5 {
        created.push(create(&mut running, &key, &format!("user-{user}")).await);
    }
    running.signal("KILL");
    running.wait();
    let mut running = place.serve(&[]);
    for user in &created {
        assert_stored(&mut running, &key, user).await;
    }
    assert_eq!(running.stop().status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_on_nothing_all_serve() {
    let place = Place::new();
    let mut all: Vec<_> = (0..3).map(|_| place.serve(&[])).collect();
    for running in &mut all {
        running.address();
    }
    let key = place.root_key();
    for running in &mut all {
        running.assert_root(&key).await;
    }
    let made = all.iter().filter(|running| running.stderr().contains("root-key")).count();
    let expected = usize::from(!on_postgres());
    assert_eq!((made, place.output("keys list").lines().count()), (expected, 2), "one key was made, by one of them or by us");

    let created = create(&mut all[0], &key, "ann").await;
    assert_stored(&mut all[1], &key, &created).await;
    for running in all {
        assert_eq!(running.stop().status, Some(0));
    }
}

#[test]
fn the_descriptors_are_written_as_they_were_compiled() {
    let place = Place::new();
    let running = place.start_program("sh", &["-c", &format!("{} descriptor > roster.bin", super::place::ROSTER)], &[]);
    let ended = running.wait();
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    let written = std::fs::read(place.path("roster.bin")).unwrap();
    place.assert_untouched(&["roster.bin"]);
    assert!(written == roster::proto::DESCRIPTORS, "not the bytes that reflection serves");
    let files = prost_types::FileDescriptorSet::decode(written.as_slice()).unwrap().file;
    assert!(files.iter().any(|file| file.name() == "roster/v1/user_service.proto"));
    assert!(prost_reflect::DescriptorPool::decode(written.as_slice()).is_ok(), "all imports are in it");
}

#[test]
fn help_and_version_are_answers() {
    let place = Place::new();
    for (arguments, parts) in [
        ("--help", &["Examples:", "roster keys create", "roster config", "roster descriptor", "--listen", "ROSTER_LISTEN"][..]),
        ("keys --help", &["create", "list", "rotate", "revoke"]),
        ("keys create --help", &["Example", "--scopes", "--expires-in"]),
        ("--version", &[concat!("roster ", env!("CARGO_PKG_VERSION"))]),
    ] {
        let shown = place.output(arguments);
        for part in parts {
            assert!(shown.contains(part), "{arguments}: no {part:?} in {shown}");
        }
    }
    for (arguments, part) in
        [("--listn 127.0.0.1:0", "--listn"), ("sreve", "sreve"), ("keys", "Usage"), ("keys create", "--name")]
    {
        let ended = place.run(arguments, &[]);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{arguments}");
        assert!(ended.stderr.contains(part), "{arguments}: {ended:?}");
    }
    place.assert_untouched(&[]);
}
