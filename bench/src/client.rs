//! Calls over HTTP/2 with as little around them as can be: what the client uses, the servers on the same cores lack.

use std::future::poll_fn;

use bytes::Bytes;
use h2::client::SendRequest;
use http::header::{CONTENT_TYPE, HeaderName, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use tokio::net::TcpStream;

use crate::Result;

/// What may be on its way to us, on a stream and on a connection, so that no server ever waits for us.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 64 << 20;
/// gRPC's status for a call that went well.
pub(crate) const OK: i32 = 0;

/// Whom a call is for and what it carries beside the message.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    /// Of calls to this path with this API key.
    pub(crate) fn new(path: &str, key: &str) -> Result<Self> {
        let uri = format!("http://roster.bench{path}").parse()?;
        let mut headers = HeaderMap::new();
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(HeaderName::from_static("x-api-key"), key.parse()?);
        Ok(Self { uri, headers })
    }

    /// With a deadline that the server is told.
    pub(crate) fn with_timeout(mut self, milliseconds: u64) -> Result<Self> {
        self.headers.insert(HeaderName::from_static("grpc-timeout"), format!("{milliseconds}m").parse()?);
        Ok(self)
    }
}

/// A connection. Its clones share it.
#[derive(Clone)]
pub(crate) struct Connection(SendRequest<Bytes>);

impl Connection {
    /// Connects; the connection is driven by a task of the [`tokio::task::LocalSet`] that this runs in.
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW).enable_push(false);
        let (send, connection) = builder.handshake(stream).await?;
        // What goes wrong with it goes wrong with its calls, which tell.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Self(send))
    }

    /// Calls with a framed message, waits for the end of the answer, and gives its `grpc-status`.
    ///
    /// # Errors
    /// When the connection fails, or what answers does not speak gRPC.
    pub(crate) async fn call(&mut self, head: &Head, frame: Bytes, mut answer: Option<&mut Vec<u8>>) -> Result<i32> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        request.uri_mut().clone_from(&head.uri);
        request.headers_mut().clone_from(&head.headers);
        poll_fn(|context| self.0.poll_ready(context)).await?;
        let (response, mut stream) = self.0.send_request(request, false)?;
        stream.send_data(frame, true)?;
        let response = response.await?;
        if let Some(status) = status(response.headers()) {
            return Ok(status);
        }
        if !response.status().is_success() {
            return Err(format!("the server answered with HTTP's {}", response.status()).into());
        }
        let mut body = response.into_body();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            if let Some(answer) = &mut answer {
                answer.extend_from_slice(&chunk);
            }
        }
        let trailers = body.trailers().await?.unwrap_or_default();
        status(&trailers).ok_or_else(|| "an answer without grpc-status".into())
    }
}

fn status(headers: &HeaderMap) -> Option<i32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
