//! The surface on one page: every service, the layers around them, and how serving begins and ends.

mod first_key;
mod health;
mod jwks;
mod master_key;
mod runtimes;

pub use first_key::{ensure_first_key, write_key_file};
pub use jwks::bind as bind_jwks;
pub use master_key::ensure_master_key;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::{Routes, RoutesBuilder};

use crate::layers::Layers;
use crate::proto::api_key_service_server::ApiKeyServiceServer;
use crate::proto::credential_service_server::CredentialServiceServer;
use crate::proto::group_service_server::GroupServiceServer;
use crate::proto::identity_service_server::IdentityServiceServer;
use crate::proto::meta_service_server::MetaServiceServer;
use crate::proto::organization_service_server::OrganizationServiceServer;
use crate::proto::role_service_server::RoleServiceServer;
use crate::proto::token_service_server::TokenServiceServer;
use crate::proto::user_service_server::UserServiceServer;
use crate::rpc::credentials::Credentials;
use crate::rpc::identities::Identities;
use crate::rpc::tokens::Tokens;
use crate::rpc::{api_keys::ApiKeys, groups::Groups, meta::Meta, organizations::Organizations, roles::Roles, users::Users};
use crate::store::Store;
use crate::{limits, proto, transport};
use runtimes::{Runtimes, Serve};

/// How long calls under way may take to end after the signal, and then the last writes: a stop takes under 10 s.
const DRAIN: Duration = Duration::from_secs(7);
const CLOSE: Duration = Duration::from_secs(2);

/// Where callers connect.
#[derive(Debug)]
pub struct Listeners {
    /// Over gRPC.
    pub grpc: TcpListener,
    /// For the public keys of user tokens over HTTP; `None`: they are served over gRPC alone.
    pub jwks: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(grpc: TcpListener) -> Self {
        Self { grpc, jwks: None }
    }
}

/// Serves the store on the listeners until `stop` resolves, then lets calls under way end.
///
/// # Errors
/// When the transport fails.
pub async fn serve(
    store: Store,
    reflection: bool,
    listeners: impl Into<Listeners>,
    stop: impl Future<Output = ()>,
) -> Result<(), Failed> {
    serve_routes(move |store| surface(store, reflection), store, reflection, listeners, stop).await
}

/// All that callers reach, but for health.
fn surface(store: &Store, reflection: bool) -> Routes {
    let mut routes = RoutesBuilder::default();
    // What a service decodes is limited, also after decompression; what it encodes is limited by its handlers.
    macro_rules! add {
        ($server:ident, $service:expr) => {
            routes.add_service($server::new($service).max_decoding_message_size(limits::MESSAGE_BYTES).accept_compressed(Gzip))
        };
    }
    add!(ApiKeyServiceServer, ApiKeys::new(store.clone()));
    add!(CredentialServiceServer, Credentials::new(store.clone()));
    add!(GroupServiceServer, Groups::new(store.clone()));
    add!(IdentityServiceServer, Identities::new(store.clone()));
    add!(MetaServiceServer, Meta);
    add!(OrganizationServiceServer, Organizations::new(store.clone()));
    add!(RoleServiceServer, Roles::new(store.clone()));
    add!(TokenServiceServer, Tokens::new(store.clone()));
    add!(UserServiceServer, Users::new(store.clone()));
    if reflection {
        match reflect() {
            Ok((v1, v1alpha)) => drop(routes.add_service(v1).add_service(v1alpha)),
            Err(error) => tracing::error!(%error, "reflection is off"),
        }
    }
    routes.routes()
}

/// Reflection in both versions that tools speak.
fn reflect() -> Result<
    (
        tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
        tonic_reflection::server::v1alpha::ServerReflectionServer<impl tonic_reflection::server::v1alpha::ServerReflection>,
    ),
    tonic_reflection::server::Error,
> {
    let files = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok((files().build_v1()?, files().build_v1alpha()?))
}

/// Why serving failed.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// [`serve`] with other routes on each runtime's store: for tests that need a service of their own behind the same layers.
///
/// # Errors
/// When the transport fails.
pub async fn serve_routes(
    routes: impl Fn(&Store) -> Routes + Send + Sync + 'static,
    store: Store,
    open_reflection: bool,
    listeners: impl Into<Listeners>,
    stop: impl Future<Output = ()>,
) -> Result<(), Failed> {
    let Listeners { grpc, jwks } = listeners.into();
    // Made now where there is none yet, so that no list has to wait for a write.
    if let Err(error) = store.page_tokens().await {
        tracing::warn!(%error, "the key of page tokens cannot be had yet");
    }
    let (mut health, health_service) = health::Health::new().await;
    health.check(&store).await;
    let mut background = background(&store);
    background.spawn(health.clone().watch(store.clone()));
    if let Some(listener) = jwks {
        background.spawn(jwks::serve(listener, store.clone()));
    }
    let serve: Serve = Arc::new(move |store, connections, stop| {
        let server = transport::server().layer(Layers::new(store.clone(), open_reflection)).add_routes(routes(&store));
        let serving = server.add_service(health_service.clone()).serve_with_incoming_shutdown(connections, stop);
        Box::pin(async move { Ok(serving.await?) })
    });
    let mut runtimes = Runtimes::start(&store, &serve)?;
    let dealing = runtimes.deal(grpc);
    let ended = tokio::select! {
        ended = runtimes.ended() => Some(ended),
        () = dealing => None,
        () = stop => None,
    };
    background.shutdown().await;
    // Health first, so that nobody sends more; then GOAWAY; then the watchers of health, who would never leave.
    health.drain().await;
    runtimes.drain();
    health.close().await;
    let ended = match ended {
        Some(ended) => ended,
        None => tokio::time::timeout(DRAIN, runtimes.ended()).await.unwrap_or_else(|_| {
            tracing::warn!("some calls did not end in time and are cut off");
            Ok(())
        }),
    };
    runtimes.cut_off().await;
    if tokio::time::timeout(CLOSE, store.close()).await.is_err() {
        tracing::warn!("a write did not end in time; the database settles it at the next start");
    }
    ended
}

/// What goes on beside the calls.
fn background(store: &Store) -> JoinSet<()> {
    let mut background = JoinSet::new();
    let flushing = store.clone();
    background.spawn(async move { flushing.keep_flushing_last_used().await });
    let purging = store.clone();
    background.spawn(async move { purging.keep_purging_idempotency_records().await });
    let purging = store.clone();
    background.spawn(async move { purging.keep_purging_password_guesses().await });
    let rotating = store.clone();
    background.spawn(async move { rotating.keep_rotating_signing_keys().await });
    let clearing = store.clone();
    background.spawn(async move { clearing.keep_clearing_organizations().await });
    background
}
