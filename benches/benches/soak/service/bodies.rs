use std::{
    io, panic,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use http_body::{Body, Frame};

use super::ASKED_FOR;

static CHUNK: [u8; 1024] = [b'x'; 1024];

/// End of a body.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Complete,
    Error,
    Panic,
}

/// A body with this number of chunks, no declared length, and this end.
#[derive(Debug)]
pub(super) struct Chunks(pub(super) usize, pub(super) End);

impl Chunks {
    fn next(&mut self) -> Option<io::Result<Bytes>> {
        match (self.0.checked_sub(1), self.1) {
            (Some(left), _) => {
                self.0 = left;
                Some(Ok(Bytes::from_static(&CHUNK)))
            }
            (None, End::Complete) => None,
            (None, End::Error) => Some(Err(io::Error::other("the body fails"))),
            (None, End::Panic) => panic::panic_any(ASKED_FOR),
        }
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().map(|chunk| chunk.map(Frame::data)))
    }
}

impl MessageBody for Chunks {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        Poll::Ready(self.next())
    }
}
