//! Bodies: requests are held until the answer begins, because a call is repeated after a 401;
//! answers stream, and the client's reading is the back-pressure.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use byokey_auth::AuthManager;
use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::error::Refusal;
use crate::backend::BrokenOff;

const MIB: usize = 1024 * 1024;
/// Longest body of a request.
const MAX_BODY: usize = 64 * MIB;
/// Most bytes of all bodies that are held.
const MAX_BODIES: usize = 128 * MIB;
/// Longest silence within a body.
const BODY_IDLE: Duration = Duration::from_secs(30);
/// Time between looks at the store while a request is in progress.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Room in a body for what is added to make it fit. It does not count.
const EDITS: usize = 1024;

/// The room for the bodies of all requests.
#[derive(Debug, Default)]
pub(super) struct Room(AtomicUsize);

/// The part of it that one body takes. It is free again on drop.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Room>,
    size: usize,
}

impl Share {
    /// Takes a part.
    pub(super) fn of(room: &Arc<Room>, size: usize) -> Result<Self, Refusal> {
        let mut share = Self {
            room: Arc::clone(room),
            size: 0,
        };
        share.grow(size)?;
        Ok(share)
    }

    fn grow(&mut self, more: usize) -> Result<(), Refusal> {
        let fits = |taken: usize| taken.checked_add(more).filter(|sum| *sum <= MAX_BODIES);
        let taken = self
            .room
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        if taken.is_err() {
            let text = format!(
                "the bodies of the requests in progress have more than {} MiB. Try again when one \
                 is answered.",
                MAX_BODIES / MIB
            );
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "bodies_too_large",
                text,
            ));
        }
        self.size += more;
        Ok(())
    }

    fn shrink(&mut self, less: usize) {
        self.room.0.fetch_sub(less, Ordering::Relaxed);
        self.size -= less;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// The body of a request, and its share of the room.
#[derive(Debug)]
pub(super) struct HeldBody {
    pub(super) bytes: Vec<u8>,
    share: Share,
}

/// A body with fixed bytes. They are held by its call; the share goes with this value.
#[derive(Debug)]
pub(super) struct SharedBody {
    pub(super) bytes: Bytes,
    _share: Share,
}

impl HeldBody {
    /// Reads the body of a request with a good bearer.
    pub(super) async fn read(mut body: Incoming, room: &Arc<Room>) -> Result<Self, Refusal> {
        let mut share = Share::of(room, 0)?;
        let announced = body.size_hint().exact();
        let announced = announced.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > MAX_BODY) {
            return Err(too_large());
        }
        if let Some(length) = announced {
            share.grow(length)?;
        }
        let mut bytes = Vec::with_capacity(announced.map_or(0, |length| length + EDITS));
        loop {
            let next = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            let frame = match tokio::time::timeout(BODY_IDLE, next).await {
                Err(_) => return Err(unfinished("was silent for too long")),
                Ok(None) => break,
                Ok(Some(Err(_))) => return Err(unfinished("broke off")),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let length = bytes.len() + data.len();
            if length > MAX_BODY {
                return Err(too_large());
            }
            if length > share.size {
                // Doubled as usual, but only up to the limit. While it grows, the old block and the
                // new one count.
                let (before, wanted) = (share.size, (2 * share.size).clamp(length, MAX_BODY));
                share.grow(wanted)?;
                bytes.reserve_exact(wanted + EDITS - bytes.len());
                share.shrink(before);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Self { bytes, share })
    }

    /// Fixes the bytes.
    pub(super) fn into_shared(self) -> SharedBody {
        SharedBody {
            bytes: self.bytes.into(),
            _share: self.share,
        }
    }
}

fn too_large() -> Refusal {
    let text = format!("the request has more than {} MiB.", MAX_BODY / MIB);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", text)
}

fn unfinished(what: &str) -> Refusal {
    let text = format!("the request's body {what}.");
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_unfinished", text)
}

/// Chunks of an answer.
pub(super) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, BrokenOff>> + Send>>;

/// The body of an answer.
pub(super) enum AnswerBody {
    /// A short document.
    Whole(Option<Bytes>),
    /// A stream, which is read from the backend as the client reads it, and what goes with it.
    Stream { chunks: Chunks, _cut: Option<Cut> },
}

impl AnswerBody {
    pub(super) const fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }

    pub(super) const fn stream(chunks: Chunks) -> Self {
        Self::Stream { chunks, _cut: None }
    }
}

/// Looks whether another process has logged out, while a request is in progress.
#[derive(Debug)]
pub(super) struct StoreWatch(AbortHandle);

impl StoreWatch {
    pub(super) fn new(auth: &Arc<AuthManager>) -> Self {
        let auth = Arc::clone(auth);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_AGAIN).await;
                auth.follow_store().await;
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for StoreWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Notifies the connection of an answer when the user logs out: the stream itself is not polled
/// while its client does not read. The task ends with the answer.
#[derive(Debug)]
pub(super) struct Cut {
    task: AbortHandle,
    _watch: StoreWatch,
}

impl Cut {
    pub(super) fn new(
        signed_out: impl Future<Output = ()> + Send + 'static,
        connection: Arc<Notify>,
        _watch: StoreWatch,
    ) -> Self {
        let task = tokio::spawn(async move {
            signed_out.await;
            connection.notify_one();
        });
        Self {
            task: task.abort_handle(),
            _watch,
        }
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").finish_non_exhaustive()
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream { chunks, .. } => {
                let chunk = chunks.as_mut().poll_next(context);
                chunk.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Stream { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Stream { .. } => SizeHint::default(),
        }
    }
}
