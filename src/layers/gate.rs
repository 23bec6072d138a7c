//! Who may call what (contract §1 and §5): the API key, then the method's scope. Deny by default: a method that the policy does
//! not know is unknown to everybody, whatever is behind it.

use http::Request;
use tonic::body::Body;

use crate::error::{Error, Result};
use crate::policy::Access;
use crate::proto;
use crate::store::Store;

/// The header that carries the API key.
const API_KEY: &str = "x-api-key";
/// What needs no key: health always, reflection where the configuration says so.
const HEALTH: &str = "/grpc.health.v1.Health/";
const REFLECTION: [&str; 2] = ["/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

/// Lets calls through.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    store: Store,
    open_reflection: bool,
}

impl Gate {
    pub(super) fn new(store: Store, open_reflection: bool) -> Self {
        Self { store, open_reflection }
    }

    /// Lets the request through with its `Caller` and [`crate::policy::Method`], or says why not. The scope comes after the key, and
    /// before the method's existence is told.
    pub(super) async fn admit(&self, request: &mut Request<Body>) -> Result<()> {
        let path = request.uri().path();
        if path.starts_with(HEALTH) || (self.open_reflection && REFLECTION.iter().any(|prefix| path.starts_with(prefix))) {
            return Ok(());
        }
        let method = proto::method(path);
        let key = request.headers().get(API_KEY).ok_or(Error::ApiKeyMissing)?;
        let key = key.to_str().map_err(|_| Error::ApiKeyInvalid)?;
        let caller = self.store.authenticate(key).await?;
        tracing::Span::current().record("api_key_id", caller.api_key_id.as_ref());
        let method = method.ok_or(Error::UnknownMethod)?;
        match method.access {
            Access::AnyKey => {}
            Access::Scoped(scopes) => scopes.iter().try_for_each(|scope| caller.require(*scope))?,
        }
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(method);
        Ok(())
    }
}
