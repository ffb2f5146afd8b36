//! The way to the server: TCP, TLS, and between them STARTTLS, which is done here and not by lettre.
//!
//! lettre takes plaintext that follows the answer to STARTTLS for the first answer inside TLS. Here nothing may
//! follow it, and later too a server that answers before it is asked is not trusted any more.
//!
//! All of it blocks, up to the time that [`Meter`] has: each connection has a thread of its own, and to be woken by a
//! runtime costs as much as the mail itself. lettre's futures are done at their first [`poll`](at_once) then.

use super::super::PostError;
use crate::settings::Security;
use lettre::transport::smtp::{client::AsyncTokioStream, extension::ClientId};
use native_tls::{Certificate, HandshakeError, Protocol, TlsConnector, TlsStream};
use std::{
    fmt, fs,
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    path::PathBuf,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whose certificates are believed: the system's authorities, and those of a file.
pub(super) struct Trust(TlsConnector);

impl Trust {
    pub(super) fn new(authorities: Option<PathBuf>) -> Result<Trust, PostError> {
        let mut builder = TlsConnector::builder();
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
        builder
            .build()
            .map(Trust)
            .map_err(|_| PostError::Authority(path))
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
    pub(super) meter: Arc<Meter>,
}

pub(super) fn open(
    host: &str,
    port: u16,
    security: Security,
    trust: &Trust,
    connect: Duration,
    greeting: Duration,
) -> Result<Open, Refused> {
    let host = host.trim_matches(['[', ']']);
    let meter = Arc::new(Meter::new(connect));
    let tcp = dial(host, port, &meter)?;
    let (name, peer) = (own_name(tcp.local_addr()?), tcp.peer_addr()?);
    let tcp = Timed {
        tcp,
        meter: meter.clone(),
        wakes: Duration::ZERO,
    };
    meter.grant(greeting);
    let stream: Box<dyn AsyncTokioStream> = match security {
        Security::None => Box::new(Talk::new(tcp, peer, b"", &meter)),
        Security::Tls => Box::new(Talk::new(guard(host, trust, tcp)?, peer, b"", &meter)),
        Security::StartTls => {
            let mut plain = Talk::new(tcp, peer, b"", &meter);
            plain.ask_for_tls(&name)?;
            meter.grant(greeting);
            let guarded = guard(host, trust, plain.whole)?;
            // The greeting came before TLS and does not come again; lettre waits for one.
            Box::new(Talk::new(guarded, peer, b"220 inside TLS\r\n", &meter))
        }
    };
    Ok(Open {
        stream,
        name,
        meter,
    })
}

fn dial(host: &str, port: u16, meter: &Meter) -> Result<TcpStream, io::Error> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, meter.left()?) {
            Ok(tcp) => {
                // Short commands wait for answers: with Nagle's algorithm each mail would take 40 ms.
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Err(e) if e.kind() == io::ErrorKind::TimedOut => last = late(),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

/// RFC 5321, 4.1.4: the primary host name; without one, the address "SHOULD" be given.
fn own_name(local: SocketAddr) -> ClientId {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'.';
    match local.ip() {
        _ if name.contains('.') && !name.starts_with('.') && name.bytes().all(plain) => {
            ClientId::Domain(name)
        }
        IpAddr::V4(ip) => ClientId::Ipv4(ip),
        IpAddr::V6(ip) => ClientId::Ipv6(ip),
    }
}

fn guard(host: &str, trust: &Trust, tcp: Timed) -> Result<TlsStream<Timed>, Refused> {
    trust.0.connect(host, tcp).map_err(|e| match e {
        HandshakeError::Failure(e) => Refused::Because(format!("TLS failed: {e}")),
        // A socket that blocks is never left in the middle.
        HandshakeError::WouldBlock(_) => Refused::Because("TLS failed".into()),
    })
}

/// Until when the server may answer, and how much of a message it has still to be given.
#[derive(Debug)]
pub(super) struct Meter {
    end: Mutex<Instant>,
    unsent: AtomicUsize,
}

impl Meter {
    fn new(limit: Duration) -> Meter {
        Meter {
            end: Mutex::new(Instant::now() + limit),
            unsent: AtomicUsize::new(0),
        }
    }

    /// From now on so long.
    pub(super) fn grant(&self, limit: Duration) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + limit;
    }

    fn left(&self) -> Result<Duration, io::Error> {
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
            .ok_or_else(late)
    }

    /// A message begins, so long with the line that ends it.
    pub(super) fn begin(&self, length: usize) {
        self.unsent.store(length, Ordering::Relaxed);
    }

    /// Whether all of it was handed to the system.
    pub(super) fn ended(&self) -> bool {
        self.unsent.load(Ordering::Relaxed) == 0
    }

    fn note(&self, written: usize) {
        let unsent = self.unsent.load(Ordering::Relaxed);
        self.unsent
            .store(unsent.saturating_sub(written), Ordering::Relaxed);
    }
}

/// A socket that waits as long as the [`Meter`] says, and not longer.
struct Timed {
    tcp: TcpStream,
    meter: Arc<Meter>,
    /// After which time the system wakes a wait, so that one can look at the meter. Zero before the first.
    wakes: Duration,
}

impl Timed {
    fn wait<T>(
        &mut self,
        mut act: impl FnMut(&mut TcpStream) -> Result<T, io::Error>,
    ) -> Result<T, io::Error> {
        loop {
            let wakes = self.meter.left()?.min(Duration::from_secs(1));
            if wakes != self.wakes {
                self.tcp.set_read_timeout(Some(wakes))?;
                self.tcp.set_write_timeout(Some(wakes))?;
                self.wakes = wakes;
            }
            match act(&mut self.tcp) {
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    self.meter.left()?
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                done => return done,
            };
        }
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, io::Error> {
        self.wait(|tcp| tcp.read(into))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, io::Error> {
        self.wait(|tcp| tcp.write(bytes))
    }

    fn flush(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

/// Says nothing of what is said on it.
impl fmt::Debug for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timed")
    }
}

/// The value of a future that waits for nothing but a stream which blocks.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a stream that blocks is never pending"),
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
    meter: Arc<Meter>,
}

impl<S> Talk<S> {
    fn new(whole: S, peer: SocketAddr, unread: &[u8], meter: &Arc<Meter>) -> Talk<S> {
        Talk {
            whole,
            peer,
            received: unread.to_vec(),
            given: 0,
            meter: meter.clone(),
        }
    }

    fn unread(&self) -> &[u8] {
        &self.received[self.given..]
    }
}

impl<S: Read + Write> Talk<S> {
    /// What is there of the next line, up to so many bytes; nothing if the server has gone.
    fn line(&mut self, most: usize) -> Result<&[u8], io::Error> {
        if self.unread().is_empty() {
            self.received.resize(2048, 0);
            self.given = self.received.len();
            let read = self.whole.read(&mut self.received)?;
            self.received.truncate(read);
            self.given = 0;
        }
        let from = self.given;
        let unread = self.unread();
        let length = unread
            .iter()
            .position(|b| *b == b'\n')
            .map_or(unread.len(), |at| at + 1)
            .min(most);
        self.given += length;
        Ok(&self.received[from..from + length])
    }

    fn say(&mut self, bytes: &[u8]) -> Result<usize, io::Error> {
        if !self.unread().is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server answered before it was asked",
            ));
        }
        let written = self.whole.write(bytes)?;
        self.meter.note(written);
        Ok(written)
    }
}

impl Talk<Timed> {
    fn say_all(&mut self, mut bytes: &[u8]) -> Result<(), io::Error> {
        while !bytes.is_empty() {
            bytes = &bytes[self.say(bytes)?..];
        }
        Ok(())
    }

    /// Greeting, EHLO, STARTTLS. RFC 3207, 4.2: what was learnt before TLS is forgotten; lettre asks anew inside.
    fn ask_for_tls(&mut self, name: &ClientId) -> Result<(), Refused> {
        self.expect(220)?;
        self.say_all(format!("EHLO {name}\r\n").as_bytes())?;
        let offers = self.expect(250)?;
        if !offers
            .iter()
            .skip(1)
            .any(|line| line.trim().eq_ignore_ascii_case("STARTTLS"))
        {
            return Err(Refused::NoTls);
        }
        self.say_all(b"STARTTLS\r\n")?;
        self.expect(220)?;
        match self.unread().is_empty() {
            true => Ok(()),
            // Whatever follows was put there by somebody on the way, or by a server with that same fault.
            false => Err(Refused::Because(
                "plain text follows the answer to STARTTLS".into(),
            )),
        }
    }

    /// The lines of the next answer, which has to have this code.
    fn expect(&mut self, code: u16) -> Result<Vec<String>, Refused> {
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        loop {
            let piece = self.line(512)?;
            let ended = piece.is_empty();
            line.extend_from_slice(piece);
            // RFC 5321, 4.5.3.1.5: 512 octets in a reply line; more is taken, but not without end.
            if ended || line.len() > 2000 || lines.len() > 200 {
                return Err(Refused::Because(
                    "the connection ended before the answer".into(),
                ));
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

impl<S: Read + Write + Unpin> AsyncRead for Talk<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = buf.remaining();
        Poll::Ready(self.line(most).map(|line| buf.put_slice(line)))
    }
}

impl<S: Read + Write + Unpin> AsyncWrite for Talk<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.say(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.whole.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Says nothing of what is said on it.
impl<S> fmt::Debug for Talk<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Talk with {}", self.peer)
    }
}

impl<S: Read + Write + Send + Sync + Unpin> AsyncTokioStream for Talk<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
