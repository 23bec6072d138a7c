//! What tonic answers by itself, before a handler is reached, in the contract's codes and with its details.

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tonic::{Code, Status, body::Body};

use crate::error::Error;

/// Which encodings we take; tonic sends it with the refusal of another.
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

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
    let Some(error) = Status::from_header_map(headers).and_then(|status| contract_error(&status, headers)) else {
        return response;
    };
    let mut restated = answer(error);
    if let Some(accepted) = response.headers().get(ACCEPT_ENCODING) {
        restated.headers_mut().insert(ACCEPT_ENCODING, accepted.clone());
    }
    restated
}

fn contract_error(status: &Status, headers: &HeaderMap<HeaderValue>) -> Option<Error> {
    match status.code() {
        // Larger than what a service decodes, which other implementations of gRPC call RESOURCE_EXHAUSTED.
        Code::OutOfRange | Code::ResourceExhausted => Some(Error::MessageTooLarge { fit: None }),
        // An encoding that we do not take; tonic lists those that we do.
        Code::Unimplemented if headers.contains_key(ACCEPT_ENCODING) => {
            Some(Error::InvalidMessage(status.message().to_owned().into()))
        }
        Code::Unimplemented => Some(Error::UnknownMethod),
        // No message, a cut one, or a broken frame: tonic blames itself.
        Code::Internal | Code::Unknown => Some(Error::InvalidMessage(status.message().to_owned().into())),
        _ => None,
    }
}
