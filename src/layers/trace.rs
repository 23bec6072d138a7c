//! What the log says of a call. At debug level all of it stands under one span, and a line tells how it was answered; else there is
//! no span, which would cost as much as a look-up, and the few who have something to say ask [`telemetry::call`].

use std::future::Future;

use http::Response;
use tonic::body::Body;
use tracing::{Instrument, Span};

use crate::clock;
use crate::telemetry::{self, CALL};

/// Follows a call to its answer.
pub(super) async fn follow<E>(
    call: telemetry::Call,
    answer: impl Future<Output = Result<Response<Body>, E>>,
) -> Result<Response<Body>, E> {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return CALL.scope(call, answer).await;
    }
    let (method, request_id) = (call.method(), call.request_id());
    let span = tracing::debug_span!("call", method, request_id, api_key_id = tracing::field::Empty);
    let begun = clock::monotonic();
    let followed = async {
        let answered = answer.await;
        if let Ok(response) = &answered {
            let status = response.headers().get("grpc-status").and_then(|status| status.to_str().ok()).unwrap_or("0");
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::debug!(grpc_status = status, micros, "answered");
        }
        answered
    };
    CALL.scope(call, followed.instrument(span)).await
}

/// Notes whose call it is.
pub(super) fn note_key(api_key_id: &std::sync::Arc<str>) {
    telemetry::note_key(api_key_id);
    Span::current().record("api_key_id", api_key_id.as_ref());
}
