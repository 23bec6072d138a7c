//! Calls as they stand on the wire, so that a test can send what no client would and see all that comes back.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use prost::Message;
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::harness::Refusal;

/// An HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Wire(SendRequest<Bytes>);

/// What came back of a call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The response's headers.
    pub(crate) headers: HeaderMap,
    /// The status, from wherever it stood.
    pub(crate) status: Status,
    /// The body with its frames.
    pub(crate) body: Bytes,
    /// What came behind it.
    pub(crate) trailers: HeaderMap,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(send)
    }

    /// How many calls the server takes at a time on this connection.
    pub(crate) fn streams(&self) -> usize {
        self.0.current_max_send_streams()
    }

    /// Begins calls of which nobody waits for the answer.
    pub(crate) async fn begin_and_reset(&self, path: &str, calls: usize) -> Result<(), h2::Error> {
        for _ in 0..calls {
            let request = Request::post(format!("http://roster{path}")).header("content-type", "application/grpc");
            let mut send = self.0.clone().ready().await?;
            let (_, mut stream) = send.send_request(request.body(()).unwrap(), false)?;
            stream.send_reset(h2::Reason::CANCEL);
        }
        Ok(())
    }

    /// Sends a message in its frame, as every client does.
    pub(crate) async fn call(&self, path: &str, headers: &[(&str, &str)], message: &impl Message) -> Answer {
        self.send(path, headers, framed(&message.encode_to_vec())).await
    }

    /// Sends these bytes as the body; none at all end with the headers.
    pub(crate) async fn send(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        self.exchange(posting(path, headers), body.into()).await
    }

    /// Sends the request and waits for its answer.
    pub(crate) async fn exchange(&self, request: Request<()>, body: Bytes) -> Answer {
        let path = request.uri().path().to_owned();
        self.attempt(request, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Does so with a server that may be gone before it has answered.
    pub(crate) async fn attempt(&self, request: Request<()>, body: Bytes) -> Result<Answer, h2::Error> {
        let path = request.uri().path().to_owned();
        let mut send = self.0.clone().ready().await?;
        let (response, mut stream) = send.send_request(request, body.is_empty())?;
        if !body.is_empty() {
            // A call that is refused may be over before its body is sent; its answer tells.
            drop(stream.send_data(body, true));
        }
        let (head, mut received) = response.await?.into_parts();
        assert_eq!(head.status, 200, "{path}");
        let mut body = BytesMut::new();
        while let Some(data) = received.data().await {
            let data = data?;
            received.flow_control().release_capacity(data.len())?;
            body.put(data);
        }
        let trailers = received.trailers().await?.unwrap_or_default();
        let status = Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&head.headers));
        let status = status.unwrap_or_else(|| panic!("{path}: no status"));
        Ok(Answer { status, headers: head.headers, body: body.freeze(), trailers })
    }
}

impl Answer {
    /// The request id that the answer carries: exactly one.
    pub(crate) fn request_id(&self) -> &str {
        let ids: Vec<_> = self.headers.get_all("x-request-id").iter().collect();
        assert_eq!(ids.len(), 1, "{:?}", self.headers);
        ids[0].to_str().unwrap()
    }

    /// Code and reason, once all that every refusal must be is checked.
    #[track_caller]
    pub(crate) fn refusal(&self) -> Refusal {
        assert_ne!(self.status.code(), Code::Ok, "the call should have been refused");
        let details = pb::Status::decode(self.status.details()).unwrap();
        assert_eq!((details.code, details.message.as_str()), (self.status.code().into(), self.status.message()));
        let content_type = self.headers["content-type"].to_str().unwrap();
        assert!(content_type.starts_with("application/grpc"), "{content_type}");
        let refusal = Refusal::from(self.status.clone());
        assert_tells_nothing(&refusal);
        assert!(!refusal.message.contains(self.request_id()), "{refusal:?}");
        refusal
    }

    /// Asserts code and reason.
    #[track_caller]
    pub(crate) fn assert_refused(&self, code: Code, reason: &str) -> Refusal {
        let refusal = self.refusal();
        assert_eq!(refusal.kind(), (code, reason), "{refusal:?}");
        refusal
    }

    /// The message of a call that went well.
    #[track_caller]
    pub(crate) fn message<M: Message + Default>(&self) -> M {
        assert_eq!(self.status.code(), Code::Ok, "{:?}", self.status);
        let (head, message) = self.body.split_at(5);
        assert_eq!(head, framed(message)[..5].to_vec(), "one uncompressed frame");
        M::decode(message).unwrap()
    }
}

/// The head of a call.
pub(crate) fn posting(path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::post(format!("http://roster{path}")).header("te", "trailers");
    for (name, value) in [("content-type", "application/grpc")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// The bytes as one uncompressed gRPC frame.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    frame(0, u32::try_from(message.len()).unwrap(), message)
}

/// A frame whose head says this, whether or not it is so.
pub(crate) fn frame(compressed: u8, length: u32, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(compressed);
    frame.put_u32(length);
    frame.put_slice(message);
    frame.freeze()
}

/// Asserts that the message has nothing of the inside: no SQL, no path, no name of a library.
#[track_caller]
pub(crate) fn assert_tells_nothing(refusal: &Refusal) {
    let texts = refusal.violations.iter().map(|(_, description)| description).chain([&refusal.message]);
    for text in texts.chain(refusal.metadata.values()) {
        for inside in
            ["SELECT", "INSERT", "UPDATE ", "SQL", "sqlite", "sqlx", "sea_orm", "roster.db", "src/", ".rs", "/tmp", "panic"]
        {
            assert!(!text.contains(inside), "{text:?} tells of {inside}");
        }
    }
}
