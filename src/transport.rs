//! What carries the calls: HTTP/2 with every limit set on purpose, our codec, and our answers where tonic would give its own.

mod codec;
pub(crate) mod refusal;

pub use codec::Codec;

use std::time::Duration;

use tonic::transport::Server;

/// Calls under way on one connection. tonic's own default is unlimited.
const CONCURRENT_STREAMS: u32 = 1_024;
/// Resets that our side may cause before the connection is ended. tonic's default switches hyper's limit off
/// (RUSTSEC-2024-0003).
const LOCAL_ERROR_RESETS: usize = 1_024;
/// Streams that a peer may have opened and reset, unseen by us, before the connection is ended (CVE-2023-44487). h2's own 20
/// was seen to cut off honest clients whose deadlines passed together.
const PENDING_ACCEPT_RESETS: usize = 256;
/// Bytes of a request's header list.
const HEADER_LIST_BYTES: u32 = 16 * 1024;
/// How often an idle connection is asked for a sign of life, and how long it may take.
const KEEPALIVE_INTERVAL: Duration = Duration::from_mins(1);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// When a connection is asked to make place for a new one, so that clients find new replicas. There is no grace: with one,
/// tonic sends no GOAWAY and kills what is under way.
const CONNECTION_AGE: Duration = Duration::from_mins(30);

/// tonic's server with our limits.
#[must_use]
pub fn server() -> Server {
    Server::builder()
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .http2_max_local_error_reset_streams(Some(LOCAL_ERROR_RESETS))
        .http2_max_pending_accept_reset_streams(Some(PENDING_ACCEPT_RESETS))
        .http2_max_header_list_size(HEADER_LIST_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_connection_age(CONNECTION_AGE)
}
