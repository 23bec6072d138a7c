//! Reflection in both versions (contract §1): what tools such as grpcurl need to call the service and to print its errors, with
//! the comments and options that the protos have.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use roster::proto::DESCRIPTORS;
use tonic::transport::Channel;

use crate::harness::Roster;

/// What is served beside reflection, of which each version knows itself alone.
const SERVICES: [&str; 10] = [
    "grpc.health.v1.Health",
    "roster.v1.ApiKeyService",
    "roster.v1.CredentialService",
    "roster.v1.GroupService",
    "roster.v1.IdentityService",
    "roster.v1.MetaService",
    "roster.v1.OrganizationService",
    "roster.v1.RoleService",
    "roster.v1.TokenService",
    "roster.v1.UserService",
];

/// A question to reflection.
#[derive(Clone, Copy, Debug)]
enum Ask<'a> {
    Services,
    Symbol(&'a str),
    File(&'a str),
}

/// An answer of reflection, the same in both versions.
#[derive(PartialEq)]
enum Told {
    Services(BTreeSet<String>),
    Files(Vec<Vec<u8>>),
    Error(i32),
    Other,
}

/// `ask` in one version of the protocol; the generated modules differ in their names alone.
macro_rules! asks {
    ($name:ident, $version:ident) => {
        async fn $name(channel: &Channel, question: Ask<'_>) -> Told {
            use pb::server_reflection_request::MessageRequest;
            use pb::server_reflection_response::MessageResponse;
            use tonic_reflection::pb::$version as pb;
            let message_request = Some(match question {
                Ask::Services => MessageRequest::ListServices(String::new()),
                Ask::Symbol(symbol) => MessageRequest::FileContainingSymbol(symbol.to_owned()),
                Ask::File(name) => MessageRequest::FileByFilename(name.to_owned()),
            });
            let request = pb::ServerReflectionRequest { host: String::new(), message_request };
            let mut client = pb::server_reflection_client::ServerReflectionClient::new(channel.clone());
            let answer = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
            // An error ends the stream with a status in some implementations, and is an answer in others.
            match answer.into_inner().message().await.map(|answer| answer.unwrap().message_response.unwrap()) {
                Ok(MessageResponse::ListServicesResponse(list)) => {
                    Told::Services(list.service.into_iter().map(|service| service.name).collect())
                }
                Ok(MessageResponse::FileDescriptorResponse(files)) => Told::Files(files.file_descriptor_proto),
                Ok(MessageResponse::ErrorResponse(error)) => Told::Error(error.error_code),
                Ok(_) => Told::Other,
                Err(status) => Told::Error(status.code().into()),
            }
        }
    };
}

asks!(ask_v1, v1);
asks!(ask_v1alpha, v1alpha);

/// The answer, which both versions give.
async fn ask(channel: &Channel, question: Ask<'_>) -> Told {
    let told = ask_v1(channel, question).await;
    assert!(told == ask_v1alpha(channel, question).await, "the versions differ on {question:?}");
    told
}

async fn start() -> (Roster, Channel) {
    let roster = Roster::start().await;
    let channel = roster.client_with_key(None).await.channel;
    (roster, channel)
}

/// The file that has the symbol, and all that it imports, as they are served.
async fn files_of(channel: &Channel, symbol: &str) -> BTreeMap<String, Vec<u8>> {
    let Told::Files(mut waiting) = ask(channel, Ask::Symbol(symbol)).await else { panic!("{symbol} is not known") };
    let mut files = BTreeMap::new();
    while let Some(bytes) = waiting.pop() {
        let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
        for import in file.dependency.iter().filter(|import| !files.contains_key(*import)) {
            let Told::Files(imported) = ask(channel, Ask::File(import)).await else { panic!("{import} is not known") };
            waiting.extend(imported);
        }
        files.insert(file.name().to_owned(), bytes);
    }
    files
}

/// The files as one pool, which checks that they fit together.
fn pool(files: &BTreeMap<String, Vec<u8>>) -> DescriptorPool {
    // The field `file` of a FileDescriptorSet, byte for byte: decoding would drop the custom options.
    let mut set = Vec::new();
    for file in files.values() {
        prost::encoding::bytes::encode(1, file, &mut set);
    }
    DescriptorPool::decode(set.as_slice()).unwrap()
}

#[tokio::test]
async fn both_versions_list_every_service() {
    let (_roster, channel) = start().await;
    let [v1, v1alpha] = [ask_v1(&channel, Ask::Services).await, ask_v1alpha(&channel, Ask::Services).await];
    for (version, told) in [("v1", v1), ("v1alpha", v1alpha)] {
        let Told::Services(mut listed) = told else { panic!("{version} gives no list") };
        assert!(listed.remove(&format!("grpc.reflection.{version}.ServerReflection")), "{version} does not list itself");
        assert_eq!(listed, SERVICES.map(ToOwned::to_owned).into(), "{version}");
    }
}

#[tokio::test]
async fn every_listed_service_can_be_described_with_all_its_messages() {
    let (_roster, channel) = start().await;
    for service in SERVICES {
        let pool = pool(&files_of(&channel, service).await);
        let described = pool.get_service_by_name(service).unwrap();
        assert!(described.methods().count() > 0, "{service}");
    }
}

#[tokio::test]
async fn error_details_can_be_printed() {
    let (_roster, channel) = start().await;
    for symbol in ["google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo", "google.rpc.Status"] {
        let files = files_of(&channel, symbol).await;
        assert!(pool(&files).get_message_by_name(symbol).is_some(), "{symbol}");
    }
    let Told::Files(_) = ask(&channel, Ask::File("google/rpc/error_details.proto")).await else { panic!("by its own name") };
    let reasons = pool(&files_of(&channel, "roster.v1.ErrorReason").await).get_enum_by_name("roster.v1.ErrorReason").unwrap();
    assert!(reasons.values().any(|reason| reason.name() == "ERROR_REASON_API_KEY_MISSING"));
}

#[tokio::test]
async fn symbols_of_every_kind_are_found_and_others_are_not() {
    let (_roster, channel) = start().await;
    for symbol in [
        "roster.v1.UserService",
        "roster.v1.UserService.GetUser",
        "roster.v1.UserDto",
        "roster.v1.UserDto.email",
        "roster.v1.UserStatus",
        "roster.v1.FieldRule",
        "google.protobuf.FieldMask",
    ] {
        assert!(matches!(ask(&channel, Ask::Symbol(symbol)).await, Told::Files(_)), "{symbol}");
    }
    for unknown in [Ask::Symbol("roster.v1.Nobody"), Ask::Symbol(""), Ask::File("roster/v1/nobody.proto")] {
        assert!(ask(&channel, unknown).await == Told::Error(tonic::Code::NotFound.into()), "{unknown:?}");
    }
}

#[tokio::test]
async fn what_is_served_is_what_was_compiled_with_comments_and_options() {
    let (_roster, channel) = start().await;
    let files = files_of(&channel, "roster.v1.UserService").await;
    let ours = FileDescriptorSet::decode(DESCRIPTORS).unwrap().file;
    for file in ours.iter().filter(|file| file.package() == "roster.v1") {
        let Told::Files(served) = ask(&channel, Ask::File(file.name())).await else { panic!("{} is not known", file.name()) };
        assert_eq!(served.len(), 1);
        let served = FileDescriptorProto::decode(served[0].as_slice()).unwrap();
        assert_eq!(&served, file);
        assert!(served.source_code_info.is_some(), "{} has lost its comments", file.name());
    }

    let pool = pool(&files);
    let [scope, rule] = ["roster.v1.scope", "roster.v1.rule"].map(|name| pool.get_extension_by_name(name).unwrap());
    let service = pool.get_service_by_name("roster.v1.UserService").unwrap();
    let scopes: Vec<_> =
        service.methods().map(|method| method.options().get_extension(&scope).as_str().unwrap().to_owned()).collect();
    assert_eq!((scopes[0].as_str(), scopes[4].as_str()), ("users:exists", "users:read"));
    let email = pool.get_message_by_name("roster.v1.UserDto").unwrap().get_field_by_name("etag").unwrap();
    let output_only =
        email.options().get_extension(&rule).as_message().unwrap().get_field_by_name("output_only").unwrap().as_bool();
    assert_eq!(output_only, Some(true));
}
