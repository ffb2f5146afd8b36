//! The preview on a socket: what staff are shown, to the browser of who started it and to nobody else. The one door of
//! `hyper`.
//!
//! Closed texts go over this wire, so everything that might widen its reach is shut: it listens on loopback only, and no
//! setting changes that; the address has 128 random bits, without which there is no answer, so that neither another user
//! of this computer nor a page from elsewhere in the same browser gets one; a request has to name this computer as
//! its host, so that no name that was bound to 127.0.0.1 afterwards leads here; only GET and HEAD are known. No answer may
//! be kept, framed, or read by another origin. It takes only what was made for [`Staff`] ([`crate::tlp`]).

use crate::{
    render::preview::{OWN, Sheet, Status},
    tlp::{Shareable, Staff},
};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, Semaphore, watch},
};

/// How long a page waits for news before it asks anew.
const PATIENCE: Duration = Duration::from_secs(25);

/// For the header of a request.
const HURRY: Duration = Duration::from_secs(10);

/// More connections at once than this wait.
const CONNECTIONS: usize = 64;

/// How often another port is tried, if the first is free for one kind of address only.
const TRIES: usize = 20;

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum PreviewError {
    #[error("port {port} of this computer cannot be used: {source}")]
    Port { port: u16, source: io::Error },
    #[error("no port of this computer is free for IPv4 and IPv6")]
    NoPort,
    #[error("no randomness to be had: {0}")]
    Random(openssl::error::ErrorStack),
    #[error("the preview cannot be served: {0}")]
    Io(#[from] io::Error),
}

/// Tells the pages that wait that there is something new.
#[derive(Debug, Clone)]
pub struct Pulse(watch::Sender<u64>);

impl Pulse {
    /// Before the first reading.
    pub fn new() -> Pulse {
        Pulse(watch::Sender::new(0))
    }

    /// From now on this is the newest.
    pub fn beat(&self, generation: u64) {
        self.0.send_replace(generation);
    }
}

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse::new()
    }
}

/// Gives the sheet of a path, or nothing if nobody makes them any more. It may take its time, and is called from several
/// threads.
pub type Show = Arc<dyn Fn(&str) -> Option<Shareable<Sheet, Staff>> + Send + Sync>;

/// An open port of this computer, and the secret part of its address.
#[derive(Debug)]
pub struct Door {
    sockets: Vec<TcpListener>,
    port: u16,
    token: String,
}

impl Door {
    /// Opens a port on 127.0.0.1 and ::1, any that is free if none is named.
    pub fn open(port: Option<u16>) -> Result<Door, PreviewError> {
        let mut secret = [0; 16];
        openssl::rand::rand_priv_bytes(&mut secret).map_err(PreviewError::Random)?;
        let token = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let bind = |ip: IpAddr, port: u16| {
            TcpListener::bind(SocketAddr::new(ip, port))
                .map_err(|source| PreviewError::Port { port, source })
        };
        for _ in 0..TRIES {
            let first = bind(Ipv4Addr::LOCALHOST.into(), port.unwrap_or(0))?;
            let at = first.local_addr()?.port();
            match bind(Ipv6Addr::LOCALHOST.into(), at) {
                Ok(second) => {
                    return Ok(Door {
                        sockets: vec![first, second],
                        port: at,
                        token,
                    });
                }
                // Another program's: who types `localhost` would ask that one, with the secret in the question.
                Err(PreviewError::Port { source, .. })
                    if source.kind() == io::ErrorKind::AddrInUse && port.is_none() => {}
                Err(error @ PreviewError::Port { .. }) => match &error {
                    PreviewError::Port { source, .. }
                        if source.kind() == io::ErrorKind::AddrInUse =>
                    {
                        return Err(error);
                    }
                    // This computer has no IPv6.
                    _ => {
                        return Ok(Door {
                            sockets: vec![first],
                            port: at,
                            token,
                        });
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Err(PreviewError::NoPort)
    }

    /// Where the preview stands on it: `/TOKEN/`.
    pub fn prefix(&self) -> String {
        format!("/{}/", self.token)
    }

    /// The address of the overview. It is a secret: not for the arguments of another program, nor for a log.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}{}{OWN}", self.port, self.prefix())
    }

    /// Answers until somebody ends the program with Ctrl-C or a signal to end.
    pub fn serve(self, show: Show, pulse: &Pulse) -> Result<(), PreviewError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(8)
            .build()?;
        let port = self.port;
        let guard = Arc::new(Guard {
            token: self.token,
            hosts: ["127.0.0.1", "[::1]", "localhost"]
                .map(|host| format!("{host}:{port}"))
                .to_vec(),
            show,
            news: pulse.0.clone(),
        });
        let done: Result<(), PreviewError> = runtime.block_on(async {
            let ended = Arc::new(Notify::new());
            for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
                let (mut signal, ended) = (signal(kind)?, ended.clone());
                tokio::spawn(async move {
                    signal.recv().await;
                    ended.notify_one();
                });
            }
            let places = Arc::new(Semaphore::new(CONNECTIONS));
            for socket in self.sockets {
                socket.set_nonblocking(true)?;
                let socket = tokio::net::TcpListener::from_std(socket)?;
                tokio::spawn(accept(socket, guard.clone(), places.clone()));
            }
            ended.notified().await;
            Ok(())
        });
        // A page that is being made is not waited for.
        runtime.shutdown_background();
        done
    }
}

async fn accept(socket: tokio::net::TcpListener, guard: Arc<Guard>, places: Arc<Semaphore>) {
    while let Ok(place) = places.clone().acquire_owned().await {
        let stream = match socket.accept().await {
            Ok((stream, _)) => stream,
            // Too many open files, or the caller is gone already: neither is for ever.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let guard = guard.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer_to(&guard, request));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(HURRY)
                .max_buf_size(16 << 10);
            // A browser that went away is no fault.
            drop(http.serve_connection(TokioIo::new(stream), service).await);
            drop(place);
        });
    }
}

/// Who gets an answer, and which.
struct Guard {
    token: String,
    hosts: Vec<String>,
    show: Show,
    news: watch::Sender<u64>,
}

type Answer = Response<Full<Bytes>>;

async fn answer_to(guard: &Guard, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let answer = match guard.admit(&request) {
        Err((status, words)) => refusal(status, words),
        Ok(path) if path == format!("{OWN}changes") => {
            let query = request.uri().query().unwrap_or_default();
            let known = query
                .strip_prefix("since=")
                .and_then(|since| since.parse().ok())
                .unwrap_or(0);
            plain(StatusCode::OK, guard.changed_since(known).await.to_string())
        }
        Ok(path) => {
            let show = guard.show.clone();
            match tokio::task::spawn_blocking(move || show(&path)).await {
                Ok(Some(sheet)) => answer(sheet),
                Ok(None) | Err(_) => plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "this page could not be made; the terminal says more".into(),
                ),
            }
        }
    };
    // (hyper leaves the body of an answer to HEAD out by itself.)
    Ok(guarded(answer))
}

impl Guard {
    /// The path below the secret one, or why there is no answer.
    fn admit(&self, request: &Request<Incoming>) -> Result<String, (StatusCode, &'static str)> {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let host = hosts
            .next()
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        // A request may name its host in its target too (RFC 9112, 3.2.2); ours are never asked like that.
        if hosts.next().is_some()
            || !self.hosts.contains(&host)
            || request.uri().authority().is_some()
        {
            return Err((
                StatusCode::MISDIRECTED_REQUEST,
                "this is not the host that you asked for",
            ));
        }
        let path = request.uri().path().strip_prefix('/').unwrap_or_default();
        let (token, rest) = path.split_once('/').unwrap_or((path, ""));
        let is_ours = token.len() == self.token.len()
            && openssl::memcmp::eq(token.as_bytes(), self.token.as_bytes());
        // Fetch Metadata: what a page from elsewhere asks for, or one from another port of this computer.
        let from = request
            .headers()
            .get("sec-fetch-site")
            .map(HeaderValue::as_bytes);
        if !is_ours || !matches!(from, None | Some(b"same-origin" | b"none")) {
            return Err((
                StatusCode::FORBIDDEN,
                "the preview is at the whole address that `advise serve` printed",
            ));
        }
        match *request.method() {
            Method::GET | Method::HEAD => Ok(decoded(rest)),
            _ => Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are known here",
            )),
        }
    }

    async fn changed_since(&self, known: u64) -> u64 {
        let mut news = self.news.subscribe();
        match tokio::time::timeout(PATIENCE, news.wait_for(|newest| *newest != known)).await {
            Ok(Ok(newest)) => *newest,
            _ => known,
        }
    }
}

/// `%2B` and the like; what is no such thing stays as it is.
fn decoded(path: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut out) = (path.as_bytes(), Vec::with_capacity(path.len()));
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        match (first, digit(rest.first()), digit(rest.get(1))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                bytes = &rest[2..];
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A sheet as an answer.
pub fn answer(sheet: Shareable<Sheet, Staff>) -> Response<Full<Bytes>> {
    let sheet = sheet.thing();
    let status = match sheet.status() {
        Status::Found => StatusCode::OK,
        Status::Missing => StatusCode::NOT_FOUND,
        Status::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let kind = HeaderValue::from_str(sheet.media_type())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(sheet.bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    if let Some(name) = sheet.save_as() {
        let name: String = name
            .chars()
            .filter(|c| c.is_ascii_graphic() && *c != '"' && *c != '\\')
            .collect();
        let save = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
        answer.headers_mut().insert(
            header::CONTENT_DISPOSITION,
            save.unwrap_or(HeaderValue::from_static("attachment")),
        );
    }
    answer
}

fn refusal(status: StatusCode, words: &str) -> Answer {
    let mut answer = plain(status, format!("{words}\n"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    answer
}

fn plain(status: StatusCode, words: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(words)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    answer
}

/// No script but the preview's own, nothing from elsewhere, nothing for anybody else, nothing kept.
const HEADERS: [(HeaderName, &str); 9] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

fn guarded(mut answer: Answer) -> Answer {
    for (name, value) in HEADERS {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once() {
        for (path, made) in [
            ("a/b", "a/b"),
            ("a%2Bb", "a+b"),
            ("%252e", "%2e"),
            ("%zz%", "%zz%"),
            ("%FF", "\u{fffd}"),
        ] {
            assert_eq!(decoded(path), made);
        }
    }

    #[test]
    fn each_door_has_a_secret_of_its_own_and_listens_to_this_computer_only() {
        let (one, two) = (
            Door::open(None).expect("a port"),
            Door::open(None).expect("a port"),
        );
        assert_ne!(one.token, two.token);
        assert_eq!(one.token.len(), 32);
        for socket in one.sockets.iter().chain(&two.sockets) {
            assert!(socket.local_addr().expect("an address").ip().is_loopback());
        }
        assert!(
            matches!(Door::open(Some(one.port)), Err(PreviewError::Port { .. })),
            "it is taken"
        );
    }
}
