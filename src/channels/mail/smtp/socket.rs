//! The way to the server: TCP, TLS, and between them STARTTLS, which is done here and not by lettre.
//!
//! lettre takes plaintext that follows the answer to STARTTLS for the first answer inside TLS. Here nothing may
//! follow it, and later too a server that answers before it is asked is not trusted any more.

use super::super::PostError;
use crate::settings::Security;
use lettre::transport::smtp::{client::AsyncTokioStream, extension::ClientId};
use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_native_tls::{
    TlsConnector, TlsStream,
    native_tls::{Certificate, Protocol},
};

/// Whose certificates are believed: the system's authorities, and those of a file.
pub(super) struct Trust(TlsConnector);

impl Trust {
    pub(super) fn new(authorities: Option<PathBuf>) -> Result<Trust, PostError> {
        let mut builder = tokio_native_tls::native_tls::TlsConnector::builder();
        // RFC 8996: TLS 1.0 and 1.1 "MUST NOT be used".
        builder.min_protocol_version(Some(Protocol::Tlsv12));
        let path = authorities.unwrap_or_default();
        if path.as_os_str() != "" {
            let pem = fs::read(&path).map_err(PostError::io(&path))?;
            let certificates = Certificate::stack_from_pem(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(PostError::Authority(path));
            }
            for certificate in certificates {
                builder.add_root_certificate(certificate);
            }
        }
        builder.build().map(|connector| Trust(connector.into())).map_err(|_| PostError::Authority(path))
    }
}

/// Why there is no connection.
pub(super) enum Refused {
    NoTls,
    Because(String),
}

impl From<io::Error> for Refused {
    fn from(e: io::Error) -> Refused {
        Refused::Because(e.to_string())
    }
}

/// A way to a server that is about to greet.
pub(super) struct Open {
    pub(super) stream: Box<dyn AsyncTokioStream>,
    /// How we name ourselves.
    pub(super) name: ClientId,
    pub(super) progress: Arc<Progress>,
}

pub(super) async fn open(
    host: &str,
    port: u16,
    security: Security,
    trust: &Trust,
    connect: Duration,
    greeting: Duration,
) -> Result<Open, Refused> {
    let host = host.trim_matches(['[', ']']);
    let late = || Refused::Because("no answer in time".into());
    let tcp = timeout(connect, dial(host, port)).await.map_err(|_| late())??;
    let (name, peer) = (own_name(tcp.local_addr()?), tcp.peer_addr()?);
    let progress = Arc::new(Progress::default());
    let stream: Box<dyn AsyncTokioStream> = match security {
        Security::None => Box::new(Talk::new(tcp, peer, b"", &progress)),
        Security::Tls => Box::new(Talk::new(guard(host, trust, tcp, greeting).await?, peer, b"", &progress)),
        Security::StartTls => {
            let mut plain = Talk::new(tcp, peer, b"", &progress);
            timeout(greeting, ask_for_tls(&mut plain, &name)).await.map_err(|_| late())??;
            let guarded = guard(host, trust, plain.whole, greeting).await?;
            // The greeting came before TLS and does not come again; lettre waits for one.
            Box::new(Talk::new(guarded, peer, b"220 inside TLS\r\n", &progress))
        }
    };
    Ok(Open { stream, name, progress })
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, io::Error> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                // Short commands wait for answers: with Nagle's algorithm each mail would take 40 ms.
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// RFC 5321, 4.1.4: the primary host name; without one, the address "SHOULD" be given.
fn own_name(local: SocketAddr) -> ClientId {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'.';
    match local.ip() {
        _ if name.contains('.') && !name.starts_with('.') && name.bytes().all(plain) => ClientId::Domain(name),
        IpAddr::V4(ip) => ClientId::Ipv4(ip),
        IpAddr::V6(ip) => ClientId::Ipv6(ip),
    }
}

async fn guard(host: &str, trust: &Trust, tcp: TcpStream, limit: Duration) -> Result<TlsStream<TcpStream>, Refused> {
    match timeout(limit, trust.0.connect(host, tcp)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(Refused::Because(format!("TLS failed: {e}"))),
        Err(_) => Err(Refused::Because("no answer in time".into())),
    }
}

/// Greeting, EHLO, STARTTLS. RFC 3207, 4.2: what was learnt before TLS is forgotten; lettre asks anew inside.
async fn ask_for_tls(plain: &mut Talk<TcpStream>, name: &ClientId) -> Result<(), Refused> {
    plain.expect(220).await?;
    plain.write_all(format!("EHLO {name}\r\n").as_bytes()).await?;
    let offers = plain.expect(250).await?;
    if !offers.iter().skip(1).any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(Refused::NoTls);
    }
    plain.write_all(b"STARTTLS\r\n").await?;
    plain.expect(220).await?;
    match plain.unread().is_empty() {
        true => Ok(()),
        // Whatever follows was put there by somebody on the way, or by a server with that same fault.
        false => Err(Refused::Because("plain text follows the answer to STARTTLS".into())),
    }
}

/// What has been written since the message began: whether its end is out.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU64);

impl Progress {
    pub(super) fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the line with the dot was handed to the system. In a message itself no line has only a dot: it
    /// would have two.
    pub(super) fn ended(&self) -> bool {
        self.0.load(Ordering::Relaxed) & 0xff_ffff_ffff == 0x0d_0a_2e_0d_0a
    }

    fn note(&self, bytes: &[u8]) {
        let last = self.0.load(Ordering::Relaxed);
        let tail = &bytes[bytes.len().saturating_sub(8)..];
        self.0.store(tail.iter().fold(last, |last, byte| last << 8 | u64::from(*byte)), Ordering::Relaxed);
    }
}

/// A stream that gives out one line at a time, so that nobody reads ahead, and that refuses to speak while
/// an answer is there that nobody asked for.
struct Talk<S> {
    whole: S,
    peer: SocketAddr,
    /// What was received, and up to where it was given out.
    received: Vec<u8>,
    given: usize,
    progress: Arc<Progress>,
}

impl<S> Talk<S> {
    fn new(whole: S, peer: SocketAddr, unread: &[u8], progress: &Arc<Progress>) -> Talk<S> {
        Talk { whole, peer, received: unread.to_vec(), given: 0, progress: progress.clone() }
    }

    fn unread(&self) -> &[u8] {
        &self.received[self.given..]
    }
}

impl Talk<TcpStream> {
    /// The lines of the next answer, which has to have this code.
    async fn expect(&mut self, code: u16) -> Result<Vec<String>, Refused> {
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        loop {
            let mut piece = [0; 512];
            let read = self.read(&mut piece).await?;
            line.extend_from_slice(&piece[..read]);
            // RFC 5321, 4.5.3.1.5: 512 octets in a reply line; more is taken, but not without end.
            if read == 0 || line.len() > 2000 || lines.len() > 200 {
                return Err(Refused::Because("the connection ended before the answer".into()));
            }
            if !line.ends_with(b"\n") {
                continue;
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_string();
            line.clear();
            let (digits, rest) = text.split_at_checked(3).unwrap_or((&text, ""));
            if digits.parse() != Ok(code) {
                return Err(Refused::Because(format!("unexpected answer: {text}")));
            }
            lines.push(rest.get(1..).unwrap_or_default().to_string());
            if !rest.starts_with('-') {
                return Ok(lines);
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Talk<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.unread().is_empty() {
            let mut space = [0; 2048];
            let mut fresh = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut this.whole).poll_read(cx, &mut fresh))?;
            this.received.clear();
            this.given = 0;
            this.received.extend_from_slice(fresh.filled());
        }
        let unread = &this.received[this.given..];
        let line = unread.iter().position(|b| *b == b'\n').map_or(unread.len(), |at| at + 1).min(buf.remaining());
        buf.put_slice(&unread[..line]);
        this.given += line;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Talk<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.unread().is_empty() {
            let why = "the server answered before it was asked";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
        }
        let written = ready!(Pin::new(&mut self.whole).poll_write(cx, bytes))?;
        self.progress.note(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.whole).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.whole).poll_shutdown(cx)
    }
}

/// Says nothing of what is said on it.
impl<S> fmt::Debug for Talk<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Talk with {}", self.peer)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Talk<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
