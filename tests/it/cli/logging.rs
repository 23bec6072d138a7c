//! The log: on standard error, in either format, under the request id, and without what nobody may read there.

use roster::proto::{
    ApiKeyDto, CreateApiKeyRequest, CreateApiKeyResponse, CreateUserRequest, CreateUserResponse, RotateApiKeyRequest,
    RotateApiKeyResponse, UserDto,
};
use tonic::Code::InvalidArgument;

use super::place::Place;
use crate::wire::Wire;

const CREATE: &str = "/roster.v1.UserService/CreateUser";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_found_by_its_request_id_and_its_secrets_are_not() {
    let place = Place::new();
    let bootstrap = "hunter2-".repeat(5);
    for format in ["text", "json"] {
        let environment = [("ROSTER_LOG", "trace"), ("ROSTER_LOG_FORMAT", format), ("ROSTER_BOOTSTRAP_API_KEY", &bootstrap)];
        let mut running = place.serve(&environment);
        let wire = Wire::connect(running.address()).await;
        let user = |identity_number: String| CreateUserRequest {
            user: Some(UserDto {
                username: Some(format!("ann-{format}")),
                identity_number: Some(identity_number),
                ..UserDto::default()
            }),
            ..Default::default()
        };
        let headers = [("x-api-key", bootstrap.as_str()), ("x-request-id", "find-me-42")];
        let refused = wire.call(CREATE, &headers, &user("hunter2".repeat(50))).await;
        let refusal = refused.assert_refused(InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.fields(), ["user.identity_number"]);
        assert!(!format!("{refusal:?}").contains("hunter2"), "{refusal:?}");
        wire.call(CREATE, &headers, &user("hunter2".to_owned())).await.message::<CreateUserResponse>();
        let wrong = [("x-api-key", "rk_hunter2"), ("x-request-id", "find-me-43")];
        wire.call(CREATE, &wrong, &user("hunter2".to_owned())).await.refusal();
        let ended = running.stop();
        assert!(ended.stderr.lines().any(|line| line.contains("find-me-42") && line.contains(CREATE)), "{ended:?}");
        assert!(ended.stderr.contains("find-me-43"), "refused calls, too: {ended:?}");
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_new_key_is_not_in_the_log() {
    let place = Place::new();
    let bootstrap = "hunter2-".repeat(5);
    let mut running = place.serve(&[("ROSTER_LOG", "trace"), ("ROSTER_BOOTSTRAP_API_KEY", &bootstrap)]);
    let wire = Wire::connect(running.address()).await;
    let headers = [("x-api-key", bootstrap.as_str()), ("x-request-id", "find-me-44")];
    let create = CreateApiKeyRequest { api_key: Some(ApiKeyDto::default()) };
    let created: CreateApiKeyResponse = wire.call("/roster.v1.ApiKeyService/CreateApiKey", &headers, &create).await.message();
    let rotate = RotateApiKeyRequest { api_key_id: created.api_key.unwrap().api_key_id, overlap: None };
    let rotated: RotateApiKeyResponse = wire.call("/roster.v1.ApiKeyService/RotateApiKey", &headers, &rotate).await.message();
    let ended = running.stop();
    assert!(ended.stderr.contains("find-me-44"), "{ended:?}");
    for secret in [&created.secret, &rotated.secret] {
        assert!(!ended.stderr.contains(secret.rsplit('_').next().unwrap()), "{}", ended.stderr);
    }
}

#[test]
fn the_log_is_machine_readable_where_it_is_asked_for_and_never_on_standard_output() {
    let place = Place::new();
    let mut running = place.serve(&[("ROSTER_LOG_FORMAT", "json"), ("ROSTER_LOG", "debug"), ("ROSTER_TOKEN_TTL", "1h")]);
    let address = running.address();
    let ended = running.stop();
    assert_eq!(ended.stdout, format!("listening on {address}\n"));
    assert!(ended.stderr.lines().count() >= 3, "{ended:?}");
    for line in ended.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    let mut quiet = place.serve(&[("ROSTER_LOG", "off")]);
    quiet.address();
    assert_eq!(quiet.stop().stderr, "");
}
