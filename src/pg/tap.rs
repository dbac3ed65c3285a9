//! A session's byte stream with a tap on it: during a COPY its data leave, or enter, below the driver.
//!
//! The driver would take every row as a message of its own through two channels. A row's CopyData frame is the same in both
//! directions of the protocol (manual, "Message Formats"), so whole stretches of frames go as they come from one server's
//! tap to the other's, and the driver sees only what stands around them. Nothing here knows what is in a frame.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use postgres_protocol::message::backend::{
    COMMAND_COMPLETE_TAG, COPY_DATA_TAG, COPY_OUT_RESPONSE_TAG, ERROR_RESPONSE_TAG,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::tls::{ChannelBinding, TlsStream};
use tokio_util::sync::PollSender;

/// Bytes asked for per read, and the most that a stretch of frames holds. A longer frame goes in several.
const STRETCH: usize = 256 * 1024;
/// Bytes worth sending on while more are there to be read.
const ENOUGH: usize = 64 * 1024;
/// Stretches under way between two servers: what back-pressure leaves in memory.
const UNDER_WAY: usize = 4;
/// Tag and length.
const HEADER: usize = 5;

/// Frames on their way.
#[derive(Debug)]
pub(super) struct Stretch {
    bytes: Bytes,
    /// The last frame is whole, so something else may follow.
    is_whole: bool,
}

/// What has gone by, as the frames tell.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) frames: AtomicU64,
    /// The server's answer names the binary format, whose last frame is not a row but the trailer.
    pub(super) is_binary: AtomicBool,
    /// Payload, without the frames' headers.
    pub(super) bytes: AtomicU64,
    /// The rows that the source's command tag tells; 0 until it has come.
    pub(super) rows: AtomicU64,
}

impl Passed {
    /// A frame is a row. The binary header goes with the first of them, the trailer alone; as nobody knows that a frame is the
    /// last one before the end, the newest is not counted there.
    pub(super) fn rows_so_far(&self) -> u64 {
        let trailer = u64::from(self.is_binary.load(Ordering::Relaxed));
        let frames = self.frames.load(Ordering::Relaxed);
        frames.saturating_sub(trailer)
    }
}

/// The two ends of what goes from tap to tap.
pub(super) fn channel() -> (mpsc::Sender<Stretch>, mpsc::Receiver<Stretch>) {
    mpsc::channel(UNDER_WAY)
}

/// Switches a session's tap.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    mode: Mode,
    /// The task that drives the session, while it waits for its server.
    driver: Option<Waker>,
}

#[derive(Debug, Default)]
enum Mode {
    /// Everything belongs to the driver.
    #[default]
    Through,
    Out(Outflow),
    In(Inflow),
    /// A COPY was given up between two halves of a frame, or its server is gone: nothing can follow.
    Broken,
}

impl Tap {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on CopyData frames leave here; the sender is dropped at their end, or at once when the session is over.
    pub(super) fn divert(&self, sender: mpsc::Sender<Stretch>, passed: Arc<Passed>) {
        let mut shared = self.shared();
        if matches!(shared.mode, Mode::Broken) {
            return;
        }
        shared.mode = Mode::Out(Outflow {
            sender: Some(PollSender::new(sender)),
            passed,
            buffer: BytesMut::new(),
            pending: None,
            in_frame: 0,
            to_driver: 0,
        });
    }

    /// From now on what comes from `receiver` is written. The answer says whether all of it was; false when the server has
    /// refused it before. Nobody gives it when the session is over.
    pub(super) fn inject(&self, receiver: mpsc::Receiver<Stretch>) -> oneshot::Receiver<bool> {
        let (done, when_done) = oneshot::channel();
        let mut shared = self.shared();
        if matches!(shared.mode, Mode::Broken) {
            return when_done;
        }
        shared.mode = Mode::In(Inflow {
            done: Some(done),
            receiver: Some(receiver),
            current: None,
            answer: Answer::default(),
        });
        // It waits for its server, which waits for us.
        if let Some(driver) = shared.driver.take() {
            driver.wake();
        }
        when_done
    }
}

/// A stream with its tap.
#[derive(Debug)]
pub(super) struct Tapped<S> {
    inner: S,
    tap: Tap,
}

impl<S> Tapped<S> {
    pub(super) fn new(inner: S, tap: Tap) -> Self {
        Self { inner, tap }
    }
}

/// The driver has ended, perhaps before anything was diverted: who waits for rows, or for their end, waits for nobody then.
impl<S> Drop for Tapped<S> {
    fn drop(&mut self) {
        self.tap.shared().mode = Mode::Broken;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut shared = this.tap.shared();
        let read = shared.mode.poll_read(&mut this.inner, cx, out);
        if read.is_pending() {
            shared.driver = Some(cx.waker().clone());
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    /// The driver writes nothing during a COPY but its end: what is left of a stretch goes first.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut shared = this.tap.shared();
        if let Mode::In(inflow) = &mut shared.mode {
            let written = ready!(inflow.poll_current(&mut this.inner, cx));
            shared.mode = match written {
                Ok(()) => inflow.end(false),
                Err(error) => {
                    shared.mode = Mode::Broken;
                    return Poll::Ready(Err(error));
                }
            };
        }
        match shared.mode {
            Mode::Broken => Poll::Ready(Err(abandoned())),
            _ => Pin::new(&mut this.inner).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl Mode {
    fn poll_read<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Self::In(inflow) = self {
            match inflow.poll_pump(inner, cx) {
                Poll::Ready(Ok(())) => *self = inflow.end(true),
                Poll::Ready(Err(error)) => {
                    *self = Self::Broken;
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {}
            }
        }
        match self {
            Self::Through => Pin::new(inner).poll_read(cx, out),
            Self::Broken => Poll::Ready(Err(abandoned())),
            Self::Out(outflow) => {
                let read = outflow.poll_read(inner, cx, out);
                if outflow.is_over() || matches!(read, Poll::Ready(Err(_))) {
                    *self = Self::Through;
                }
                read
            }
            Self::In(inflow) => {
                let before = out.filled().len();
                let read = ready!(Pin::new(inner).poll_read(cx, out));
                let heard = out.filled().get(before..).unwrap_or_default();
                if read.is_err() || heard.is_empty() {
                    // The server is gone. Whoever sends rows, or waits for their end, must know: the driver's end alone does not
                    // reach them.
                    *self = Self::Broken;
                } else {
                    inflow.hear(heard);
                }
                Poll::Ready(read)
            }
        }
    }
}

impl<S: TlsStream + Unpin> TlsStream for Tapped<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

fn abandoned() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "a COPY was given up in the middle of a row",
    )
}

/// COPY … TO STDOUT: frames leave.
#[derive(Debug)]
struct Outflow {
    /// None once the data have ended.
    sender: Option<PollSender<Stretch>>,
    passed: Arc<Passed>,
    /// What was read and has gone nowhere yet.
    buffer: BytesMut,
    /// Cut off and waiting for its turn.
    pending: Option<Stretch>,
    /// Bytes of a long frame still to come.
    in_frame: usize,
    /// Bytes at the head of `buffer` that are the driver's.
    to_driver: usize,
}

impl Outflow {
    fn is_over(&self) -> bool {
        self.sender.is_none() && self.buffer.is_empty() && self.to_driver == 0
    }

    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.pending.is_some() {
                ready!(self.poll_send(cx))?;
            }
            if self.to_driver > 0 && !self.buffer.is_empty() {
                let length = self.to_driver.min(self.buffer.len()).min(out.remaining());
                out.put_slice(&self.buffer.split_to(length));
                self.to_driver -= length;
                return Poll::Ready(Ok(()));
            }
            if self.buffer.capacity() - self.buffer.len() < STRETCH / 2 {
                self.buffer.reserve(STRETCH);
            }
            let read = tokio_util::io::poll_read_buf(Pin::new(&mut *inner), cx, &mut self.buffer)?;
            match read {
                Poll::Ready(0) | Poll::Pending if self.cut() => {}
                Poll::Ready(0) => {
                    // The end of the stream, which the driver must see, with what it cannot make sense of.
                    self.sender = None;
                    self.to_driver = self.buffer.len();
                    if self.buffer.is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                }
                // Many frames at a time cost as much as one.
                Poll::Ready(_) if self.buffer.len() < ENOUGH => {}
                Poll::Ready(_) => {
                    self.cut();
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(sender) = &mut self.sender else {
            self.pending = None;
            return Poll::Ready(Ok(()));
        };
        // The other side has ended: reading on would only fill the void.
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the rows any more");
        ready!(sender.poll_reserve(cx)).map_err(gone)?;
        if let Some(stretch) = self.pending.take() {
            sender.send_item(stretch).map_err(gone)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Finds the next stretch of frames, or the next message of the driver's. False when more must be read first.
    fn cut(&mut self) -> bool {
        let mut end = self.in_frame.min(self.buffer.len());
        self.in_frame -= end;
        let mut is_whole = self.in_frame == 0;
        let (mut frames, mut payload) = (0, 0);
        while is_whole {
            let Some(header) = self.buffer.get(end..end + HEADER) else {
                break;
            };
            let (tag, length) = parse(header);
            if tag != COPY_DATA_TAG {
                // What tells the format, and how many rows there were, is looked at as a whole.
                let is_read = matches!(tag, COPY_OUT_RESPONSE_TAG | COMMAND_COMPLETE_TAG);
                let is_there = !is_read || self.buffer.len() - end > length;
                if end == 0 && is_there {
                    self.pass(tag, 1 + length);
                    return true;
                }
                break;
            }
            let left = self.buffer.len() - end;
            let is_long = 1 + length > STRETCH;
            if left < 1 + length && !is_long {
                break;
            }
            frames += 1;
            payload += (length - 4) as u64;
            let taken = left.min(1 + length);
            end += taken;
            self.in_frame = 1 + length - taken;
            is_whole = self.in_frame == 0;
        }
        if end == 0 {
            return false;
        }
        self.passed.frames.fetch_add(frames, Ordering::Relaxed);
        self.passed.bytes.fetch_add(payload, Ordering::Relaxed);
        self.pending = Some(Stretch {
            bytes: self.buffer.split_to(end).freeze(),
            is_whole,
        });
        true
    }

    /// A message of the driver's. After an error, or the command's end, no data come any more.
    fn pass(&mut self, tag: u8, length: usize) {
        self.to_driver = length;
        if tag == COMMAND_COMPLETE_TAG {
            let body = self.buffer.get(HEADER..length);
            let rows = body.and_then(rows_of_tag).unwrap_or(0);
            self.passed.rows.store(rows, Ordering::Relaxed);
        }
        if tag == COPY_OUT_RESPONSE_TAG {
            let is_binary = self.buffer.get(HEADER) == Some(&1);
            self.passed.is_binary.store(is_binary, Ordering::Relaxed);
        }
        if matches!(tag, COMMAND_COMPLETE_TAG | ERROR_RESPONSE_TAG) {
            self.sender = None;
        }
    }
}

/// Tag and length; the length counts itself but not the tag. Less than itself is a broken stream, taken for empty.
fn parse(header: &[u8]) -> (u8, usize) {
    let mut header = header;
    let tag = header.get_u8();
    (tag, usize::try_from(header.get_i32()).unwrap_or(4).max(4))
}

/// `COPY 42`, with a zero byte behind it.
fn rows_of_tag(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?.trim_end_matches('\0');
    text.strip_prefix("COPY ")?.parse().ok()
}

/// COPY … FROM STDIN: frames enter.
#[derive(Debug)]
struct Inflow {
    /// Stands before the receiver, and so is dropped before it: when the source finds that nobody takes its rows any more, the
    /// reason is known.
    done: Option<oneshot::Sender<bool>>,
    /// None once nothing more is taken.
    receiver: Option<mpsc::Receiver<Stretch>>,
    current: Option<Stretch>,
    answer: Answer,
}

impl Inflow {
    /// Writes what comes; ready when nothing more does.
    fn poll_pump<S: AsyncWrite + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(receiver) = &mut self.receiver {
            ready!(poll_write_all(&mut self.current, inner, cx))?;
            match ready!(receiver.poll_recv(cx)) {
                Some(stretch) => self.current = Some(stretch),
                None => return Poll::Ready(Ok(())),
            }
        }
        // Refused: the driver ends it.
        Poll::Pending
    }

    fn poll_current<S: AsyncWrite + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        poll_write_all(&mut self.current, inner, cx)
    }

    /// What the server says during a COPY, but for notices, is that it wants no more.
    fn hear(&mut self, bytes: &[u8]) {
        if self.answer.has_error(bytes) {
            // In this order, for the same reason.
            self.tell(false);
            self.receiver = None;
        }
    }

    fn tell(&mut self, is_all: bool) {
        if let Some(done) = self.done.take() {
            // Who does not wait for the answer has given the COPY up.
            let _unheard = done.send(is_all).is_err();
        }
    }

    /// What the tap does afterwards. Between two halves of a frame nothing else can be said.
    fn end(&mut self, is_all: bool) -> Mode {
        let is_whole = self.current.as_ref().is_none_or(|stretch| stretch.is_whole);
        self.tell(is_all && is_whole);
        if is_whole {
            Mode::Through
        } else {
            Mode::Broken
        }
    }
}

fn poll_write_all<S: AsyncWrite + Unpin>(
    current: &mut Option<Stretch>,
    inner: &mut S,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while let Some(stretch) = current.as_mut().filter(|stretch| !stretch.bytes.is_empty()) {
        let written = ready!(Pin::new(&mut *inner).poll_write(cx, &stretch.bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        stretch.bytes.advance(written);
    }
    Poll::Ready(Ok(()))
}

/// Finds the beginnings of the messages in what a server sends.
#[derive(Debug, Default)]
struct Answer {
    header: Vec<u8>,
    /// Bytes left of the message whose header was read.
    left: usize,
}

impl Answer {
    fn has_error(&mut self, mut bytes: &[u8]) -> bool {
        let mut has_error = false;
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes.advance(skipped);
            let wanted = (HEADER - self.header.len()).min(bytes.len());
            if self.left == 0 && wanted > 0 {
                self.header
                    .extend_from_slice(bytes.get(..wanted).unwrap_or_default());
                bytes.advance(wanted);
            }
            if self.header.len() == HEADER {
                let (tag, length) = parse(&self.header);
                has_error |= tag == ERROR_RESPONSE_TAG;
                self.left = length - 4;
                self.header.clear();
            }
        }
        has_error
    }
}

#[cfg(test)]
mod tests;
