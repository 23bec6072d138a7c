//! A request's body that can be sent in once more: what has been read of it is kept, which copies nothing.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use crate::error::Error;
use crate::limits;

/// The most bytes that are kept: those of a message and its frame.
const MOST: usize = limits::MESSAGE_BYTES + 5;

/// What has been read of a body.
#[derive(Clone, Default)]
pub(super) struct Tape(Arc<Mutex<Parts>>);

#[derive(Default)]
struct Parts {
    read: Vec<Bytes>,
    /// Its bytes; more than [`MOST`]: nothing is kept any more.
    bytes: usize,
}

impl Parts {
    fn keep(&mut self, data: &Bytes) {
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes > MOST {
            self.read = Vec::new();
        } else {
            self.read.push(data.clone());
        }
    }
}

impl Tape {
    /// Keeps what is read of the body.
    pub(super) fn record(body: Body) -> (Self, Body) {
        let tape = Self::default();
        (tape.clone(), Body::new(Recorded { body, tape }))
    }

    /// What was read, as a body.
    ///
    /// # Errors
    /// [`Error::MessageTooLarge`] where it was more than a message may be.
    pub(super) fn replay(self) -> Result<Body, Error> {
        let Parts { mut read, bytes } = std::mem::take(&mut *self.parts());
        if bytes > MOST {
            return Err(Error::MessageTooLarge { fit: None });
        }
        read.reverse();
        Ok(Body::new(Replayed(read)))
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Recorded {
    body: Body,
    tape: Tape,
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.tape.parts().keep(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The parts to come, the next one last.
struct Replayed(Vec<Bytes>);

impl http_body::Body for Replayed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.0.pop().map(|data| Ok(Frame::data(data))))
    }
}
