//! One span a call, and at debug level one line when it is answered.

use std::future::Future;

use http::{HeaderValue, Response};
use tonic::body::Body;
use tracing::Span;

use crate::clock;

/// The span that all a call logs stands under.
pub(super) fn span(method: &str, id: &HeaderValue) -> Span {
    tracing::error_span!("call", method, request_id = id.to_str().unwrap_or_default(), api_key_id = tracing::field::Empty)
}

/// Logs how the call was answered.
pub(super) async fn follow<E>(answer: impl Future<Output = Result<Response<Body>, E>>) -> Result<Response<Body>, E> {
    let begun = clock::monotonic();
    let answered = answer.await;
    if let Ok(response) = &answered {
        let status = response.headers().get("grpc-status").and_then(|status| status.to_str().ok()).unwrap_or("0");
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(grpc_status = status, micros, "answered");
    }
    answered
}
