//! What everything is measured by: a tonic server as the documentation has it, which decodes a request and answers with as many
//! bytes as its path says.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::Result;

/// The longest answer: a batch or a page.
static ANSWER: [u8; 1 << 20] = [0; 1 << 20];

/// Any request of ours as far as it is looked at, and the answer. Its bytes are shared, so that to answer copies nothing but what
/// goes onto the wire.
#[derive(Clone, PartialEq, prost::Message)]
struct Payload {
    #[prost(bytes = "bytes", optional, tag = "1")]
    bytes: Option<Bytes>,
}

impl Payload {
    /// One whose encoding has this many bytes, or one less where none has just as many.
    fn of(encoded: usize) -> Self {
        let length_bytes = if encoded < 130 { 1 } else { 1 + (encoded - 3).max(128).ilog2() as usize / 7 };
        let bytes = encoded.saturating_sub(1 + length_bytes).min(ANSWER.len());
        Self { bytes: Some(Bytes::from_static(&ANSWER[..bytes])) }
    }
}

/// The path that is answered with so many bytes of message.
pub(crate) fn path(bytes: usize) -> String {
    format!("/{}/{bytes}", Echo::NAME)
}

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "roster.bench.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let bytes = request.uri().path().rsplit('/').next().and_then(|bytes| bytes.parse().ok()).unwrap_or_default();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(Answer(bytes), request).await) })
    }
}

/// The handler, which knows how many bytes are wanted.
struct Answer(usize);

impl UnaryService<Payload> for Answer {
    type Response = Payload;
    type Future = Ready<std::result::Result<Response<Payload>, Status>>;

    fn call(&mut self, _: Request<Payload>) -> Self::Future {
        ready(Ok(Response::new(Payload::of(self.0))))
    }
}

/// Serves until it is killed, and says where.
#[tokio::main]
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Ok(Server::builder().add_service(Echo).serve_with_incoming(incoming).await?)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn an_answer_is_as_long_as_asked() {
        for bytes in [2, 3, 50, 128, 129, 131, 132, 471, 16_000, 16_386, 16_389, 23_456, 400_000] {
            assert_eq!(Payload::of(bytes).encoded_len(), bytes);
        }
    }
}
