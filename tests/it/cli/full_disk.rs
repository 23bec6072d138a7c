//! A disk that is full for a while: what is acknowledged is kept, what is not is refused, and nobody has to restart anything.

use std::process::Command;

use prost_types::{Struct, Value, value::Kind};
use roster::proto::user_service_client::UserServiceClient;
use roster::proto::{CreateUserRequest, GetUserRequest, UserDto};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::place::{Place, ROSTER};
use crate::harness::Refusal;

const KEY: &str = "a-key-of-thirty-two-characters-or-more";

fn keyed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-api-key", KEY.parse().unwrap());
    request
}

/// Creates a user that takes some room.
async fn create(users: &mut UserServiceClient<Channel>, user_id: String) -> Result<String, Status> {
    let text = Value { kind: Some(Kind::StringValue("x".repeat(50_000))) };
    let custom_data = Some(Struct { fields: [("text".to_owned(), text)].into() });
    let user =
        UserDto { user_id: Some(user_id.clone()), external_id: Some(user_id.clone()), custom_data, ..UserDto::default() };
    users.create_user(keyed(CreateUserRequest { user: Some(user), ..Default::default() })).await.map(|_| user_id)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_on_a_full_disk_is_kept_and_it_recovers() {
    let place = Place::new();
    // No file may grow beyond a megabyte or so: to the process that is a full disk.
    let command = format!("trap '' XFSZ; ulimit -S -f 1200; exec {ROSTER} --listen 127.0.0.1:0");
    let mut running = place.start_program("bash", &["-c", &command], &[("ROSTER_BOOTSTRAP_API_KEY", KEY)]);
    let channel = Channel::from_shared(format!("http://{}", running.address())).unwrap().connect().await.unwrap();
    let mut users = UserServiceClient::new(channel);
    let (mut kept, mut refused) = (Vec::new(), 0);
    for index in 0..60 {
        match create(&mut users, format!("user-{index}")).await {
            Ok(user_id) => kept.push(user_id),
            Err(status) => {
                let refusal = Refusal::from(status);
                assert_eq!(refusal.kind(), (Code::Unavailable, "STORE_UNAVAILABLE"), "{refusal:?}");
                assert!(refusal.retry_after.is_some());
                refused += 1;
            }
        }
    }
    assert!(!kept.is_empty() && refused > 0, "{} kept, {refused} refused", kept.len());

    let limit = Command::new("prlimit").args(["--pid", &running.id().to_string(), "--fsize=unlimited"]).status();
    assert!(limit.unwrap().success());
    kept.push(create(&mut users, "afterwards".to_owned()).await.unwrap());
    for user_id in kept {
        let request = GetUserRequest { user_id: Some(user_id.clone()), ..GetUserRequest::default() };
        users.get_user(keyed(request)).await.unwrap_or_else(|status| panic!("{user_id} was acknowledged: {status:?}"));
    }
    drop(users);
    assert_eq!(running.stop().status, Some(0));
}
