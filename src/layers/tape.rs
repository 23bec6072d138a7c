//! A request's body that can be sent in once more: what has been read of it is kept, which copies nothing.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

/// What has been read of a body.
#[derive(Clone, Default)]
pub(super) struct Tape(Arc<Mutex<Vec<Bytes>>>);

impl Tape {
    /// Keeps what is read of the body.
    pub(super) fn record(body: Body) -> (Self, Body) {
        let tape = Self::default();
        (tape.clone(), Body::new(Recorded { body, tape }))
    }

    /// What was read, as a body.
    pub(super) fn replay(self) -> Body {
        let mut read = std::mem::take(&mut *self.parts());
        read.reverse();
        Body::new(Replayed(read))
    }

    fn parts(&self) -> MutexGuard<'_, Vec<Bytes>> {
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
            self.tape.parts().push(data.clone());
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
