//! What tonic answers by itself, before a handler is reached, in the contract's codes and with its details.

use http::{HeaderMap, HeaderValue, Response};
use tonic::{Code, Status, body::Body};

use crate::error::Error;

/// Answers with the error.
pub(crate) fn answer(error: Error) -> Response<Body> {
    Status::from(error).into_http()
}

/// Replaces an error that tonic made by the contract's. Ours are told by their details.
pub(crate) fn restate(response: Response<Body>) -> Response<Body> {
    let headers = response.headers();
    if !headers.contains_key("grpc-status") || headers.contains_key("grpc-status-details-bin") {
        return response;
    }
    match Status::from_header_map(headers).and_then(|status| contract_error(&status, headers)) {
        Some(error) => answer(error),
        None => response,
    }
}

fn contract_error(status: &Status, headers: &HeaderMap<HeaderValue>) -> Option<Error> {
    match status.code() {
        // Larger than what a service decodes, which other implementations of gRPC call RESOURCE_EXHAUSTED.
        Code::OutOfRange | Code::ResourceExhausted => Some(Error::MessageTooLarge),
        // An encoding that we do not take; tonic lists those that we do.
        Code::Unimplemented if headers.contains_key("grpc-accept-encoding") => {
            Some(Error::InvalidMessage(status.message().to_owned().into()))
        }
        Code::Unimplemented => Some(Error::UnknownMethod),
        // No message, a cut one, or a broken frame: tonic blames itself.
        Code::Internal | Code::Unknown => Some(Error::InvalidMessage(status.message().to_owned().into())),
        _ => None,
    }
}
