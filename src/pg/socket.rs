//! The network connection below a session: opened, told to notice a silent peer, tapped.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_postgres::tls::TlsConnect;

use crate::model::connection::{Endpoint, Silence};

use super::tap::{Tap, Tapped};

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// To `address`, or to the endpoint's socket directory.
    pub(super) async fn open(endpoint: &Endpoint, address: Option<IpAddr>) -> io::Result<Self> {
        let Some(address) = address else {
            return Self::open_local(endpoint).await;
        };
        let stream = TcpStream::connect((address, endpoint.port)).await?;
        stream.set_nodelay(true)?;
        watch(&stream, endpoint.silence)?;
        Ok(Self::Tcp(stream))
    }

    /// A name that begins with `@` is in Linux's abstract namespace, as for libpq.
    #[cfg(unix)]
    async fn open_local(endpoint: &Endpoint) -> io::Result<Self> {
        let path = format!("{}/.s.PGSQL.{}", endpoint.host, endpoint.port);
        let path = match path.strip_prefix('@') {
            Some(name) => format!("\0{name}"),
            None => path,
        };
        Ok(Self::Unix(UnixStream::connect(path).await?))
    }

    #[cfg(not(unix))]
    async fn open_local(_endpoint: &Endpoint) -> io::Result<Self> {
        std::future::ready(Err(io::ErrorKind::Unsupported.into())).await
    }
}

/// Sets what is not left to the system.
fn watch(stream: &TcpStream, silence: Silence) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let seconds = |secs: u32| (secs > 0).then(|| Duration::from_secs(secs.into()));
    if silence.keepalives {
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = seconds(silence.idle_secs) {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = seconds(silence.interval_secs) {
            keepalive = keepalive.with_interval(interval);
        }
        if silence.count > 0 {
            keepalive = keepalive.with_retries(silence.count);
        }
        socket.set_tcp_keepalive(&keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if silence.user_timeout_ms > 0 {
        let limit = Duration::from_millis(silence.user_timeout_ms.into());
        socket.set_tcp_user_timeout(Some(limit))?;
    }
    Ok(())
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, out),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, out),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// TLS as `inner` does it, with a tap on what comes out of it.
pub(super) struct TapTls<T> {
    pub(super) inner: T,
    pub(super) tap: Tap,
}

impl<S, T> TlsConnect<S> for TapTls<T>
where
    T: TlsConnect<S>,
    T::Future: Send + 'static,
    T::Stream: AsyncRead + AsyncWrite + Unpin,
{
    type Stream = Tapped<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let Self { inner, tap } = self;
        let handshake = inner.connect(stream);
        Box::pin(async move { Ok(Tapped::new(handshake.await?, tap)) })
    }
}
