//! A mail server that does what the test tells it, and keeps what it took.
//!
//! A mail is kept before its 250 is written: what a client was told was taken is there. At each step a `Manner` says
//! how to behave; the server asks it for every connection anew, so a fault can be mended while the server runs.

use super::authority::{Authority, Shown};
use openssl::ssl::{SslAcceptor, SslStream};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Where a conversation stands, before the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    Connect,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// Some lines of a message have come.
    Middle,
    /// The dot has come.
    Dot,
    /// The dot was answered with 250.
    Answered,
    Rset,
    Quit,
    Other,
}

/// What the client just did.
pub struct Event<'e> {
    pub step: Step,
    /// How often this step was seen, on all connections, from 1.
    pub number: usize,
    /// Of the transaction; empty before RCPT.
    pub recipient: &'e str,
}

/// How the server answers.
#[derive(Clone, Copy)]
pub enum Act {
    /// As a good server does.
    Usual,
    /// With these bytes; a message is not kept.
    Say(&'static str),
    /// The same, and then it closes the connection.
    SayAndHangUp(&'static str),
    /// With these bytes, but the message is kept.
    KeepAndSay(&'static str),
    /// It closes the connection, without an answer and without keeping a message.
    HangUp,
    /// It keeps the message and closes the connection without an answer.
    KeepAndHangUp,
    /// As a good server does, and then it closes the connection.
    UsualAndHangUp,
    /// As a good server does, byte for byte, with such a pause before each.
    Slowly(Duration),
}

/// How to behave.
pub type Manner = Arc<dyn Fn(&Event<'_>) -> Act + Send + Sync>;

/// A mail that was taken.
#[derive(Clone)]
pub struct Taken {
    pub recipient: String,
    pub message_id: String,
    pub bytes: Vec<u8>,
    pub inside_tls: bool,
}

struct Shared {
    taken: Mutex<Vec<Taken>>,
    heard: Mutex<Vec<String>>,
    manner: Mutex<Manner>,
    counts: Mutex<HashMap<Step, usize>>,
    shown: Mutex<Shown>,
    offers: Mutex<Vec<&'static str>>,
    login: Mutex<Option<(String, String)>>,
    authority: Authority,
    open: AtomicUsize,
    implicit: bool,
}

/// The server.
pub struct Server {
    pub port: u16,
    shared: Arc<Shared>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panicked with it")
}

/// What a good server of today offers.
pub const OFFERS: [&str; 5] = ["PIPELINING", "SIZE 50000000", "DSN", "8BITMIME", "STARTTLS"];

pub fn good() -> Manner {
    Arc::new(|_| Act::Usual)
}

impl Server {
    pub fn start() -> Server {
        Server::new(false)
    }

    /// With TLS from the first byte.
    pub fn start_with_tls() -> Server {
        Server::new(true)
    }

    fn new(implicit: bool) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            taken: Mutex::default(),
            heard: Mutex::default(),
            manner: Mutex::new(good()),
            counts: Mutex::default(),
            shown: Mutex::new(Shown::Right),
            offers: Mutex::new(OFFERS.to_vec()),
            login: Mutex::default(),
            authority: Authority::new(),
            open: AtomicUsize::new(0),
            implicit,
        });
        let for_all = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = for_all.clone();
                shared.open.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    // A connection that breaks is what these tests are about.
                    drop(Talk::with(stream, &shared).and_then(|talk| talk.go_on()));
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server { port, shared }
    }

    /// The certificate of its authority, in PEM.
    pub fn authority(&self) -> String {
        self.shared.authority.pem()
    }

    /// From now on it behaves like this; steps are counted anew.
    pub fn behaves(&self, manner: Manner) {
        locked(&self.shared.counts).clear();
        *locked(&self.shared.manner) = manner;
    }

    pub fn shows(&self, shown: Shown) {
        *locked(&self.shared.shown) = shown;
    }

    pub fn offers(&self, offers: &[&'static str]) {
        *locked(&self.shared.offers) = offers.to_vec();
    }

    pub fn wants_login(&self, user: &str, password: &str) {
        *locked(&self.shared.login) = Some((user.into(), password.into()));
    }

    /// How often a step was seen since the last change of behaviour.
    pub fn count(&self, step: Step) -> usize {
        locked(&self.shared.counts).get(&step).copied().unwrap_or(0)
    }

    /// Forgets everything.
    pub fn forget(&self) {
        self.quiet();
        locked(&self.shared.taken).clear();
        locked(&self.shared.heard).clear();
    }

    /// Every command, and every line of messages that did not come to their end, since `forget`.
    pub fn heard(&self) -> Vec<String> {
        self.quiet();
        locked(&self.shared.heard).clone()
    }

    /// Every mail, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.quiet();
        locked(&self.shared.taken).clone()
    }

    /// Waits until no connection is open: a client that died may have left commands on the way.
    fn quiet(&self) {
        super::wait_until("all connections are closed", || {
            self.shared.open.load(Ordering::SeqCst) == 0
        });
    }
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// One connection.
struct Talk<'s> {
    shared: &'s Shared,
    raw: TcpStream,
    stream: BufReader<Box<dyn Stream>>,
    inside_tls: bool,
    recipients: Vec<String>,
    logged_in: bool,
}

/// The connection is over.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Over {
        Over
    }
}

impl<'s> Talk<'s> {
    fn with(stream: TcpStream, shared: &'s Shared) -> Result<Talk<'s>, Over> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let raw = stream.try_clone()?;
        let (stream, inside_tls): (Box<dyn Stream>, bool) = match shared.implicit {
            true => (Box::new(Talk::guarded(shared, stream)?), true),
            false => (Box::new(stream), false),
        };
        Ok(Talk {
            shared,
            raw,
            stream: BufReader::new(stream),
            inside_tls,
            recipients: Vec::new(),
            logged_in: false,
        })
    }

    fn guarded(shared: &Shared, stream: TcpStream) -> Result<SslStream<TcpStream>, Over> {
        let acceptor: SslAcceptor = shared.authority.acceptor(*locked(&shared.shown));
        acceptor.accept(stream).map_err(|_| Over)
    }

    fn act(&self, step: Step) -> Act {
        let number = {
            let mut counts = locked(&self.shared.counts);
            let count = counts.entry(step).or_default();
            *count += 1;
            *count
        };
        let manner = locked(&self.shared.manner).clone();
        manner(&Event {
            step,
            number,
            recipient: self.recipients.last().map_or("", String::as_str),
        })
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let to = self.stream.get_mut();
        to.write_all(bytes)?;
        Ok(to.flush()?)
    }

    /// Answers; gives whether it was with the usual words.
    fn answer(&mut self, act: Act, usual: &str) -> Result<bool, Over> {
        match act {
            Act::Usual => self.say(usual.as_bytes())?,
            Act::Say(words) | Act::KeepAndSay(words) => {
                self.say(words.as_bytes())?;
                return Ok(false);
            }
            Act::SayAndHangUp(words) => {
                self.say(words.as_bytes())?;
                return Err(self.hang_up());
            }
            Act::HangUp | Act::KeepAndHangUp => return Err(self.hang_up()),
            Act::UsualAndHangUp => {
                self.say(usual.as_bytes())?;
                return Err(self.hang_up());
            }
            Act::Slowly(pause) => {
                for byte in usual.as_bytes() {
                    thread::sleep(pause);
                    self.say(&[*byte])?;
                }
            }
        }
        Ok(true)
    }

    fn hang_up(&self) -> Over {
        // The other side may be gone already.
        drop(self.raw.shutdown(Shutdown::Both));
        Over
    }

    fn line(&mut self) -> Result<String, Over> {
        let mut bytes = Vec::new();
        self.stream.read_until(b'\n', &mut bytes)?;
        match bytes.strip_suffix(b"\r\n") {
            Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
            None => Err(Over), // the end, or not a line of SMTP
        }
    }

    fn go_on(mut self) -> Result<(), Over> {
        let act = self.act(Step::Connect);
        self.answer(act, "220 mail.example.test ESMTP\r\n")?;
        loop {
            let line = self.line()?;
            locked(&self.shared.heard).push(line.clone());
            let upper = line.to_ascii_uppercase();
            let step = match upper.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => Step::Ehlo,
                "STARTTLS" => Step::StartTls,
                "AUTH" => Step::Auth,
                "MAIL" => Step::Mail,
                "RCPT" => Step::Rcpt,
                "DATA" => Step::Data,
                "RSET" => Step::Rset,
                "QUIT" => Step::Quit,
                _ => Step::Other,
            };
            if step == Step::Rcpt {
                let address = line
                    .split(['<', '>'])
                    .nth(1)
                    .unwrap_or_default()
                    .to_string();
                self.recipients.push(address);
            }
            let act = self.act(step);
            let usual = self.usual(step, &line);
            if step == Step::StartTls {
                let go_on = matches!(act, Act::Say(words) if words.starts_with("220"));
                if self.answer(act, &usual)? || go_on {
                    let stream = Talk::guarded(self.shared, self.raw.try_clone()?)?;
                    self.stream = BufReader::new(Box::new(stream));
                    self.inside_tls = true;
                }
                continue;
            }
            let as_usual = self.answer(act, &usual)?;
            match step {
                Step::Rcpt if !as_usual || !usual.starts_with('2') => drop(self.recipients.pop()),
                Step::Mail | Step::Rset => self.recipients.clear(),
                Step::Quit => return Err(self.hang_up()),
                Step::Data
                    if usual.starts_with("354")
                        && (as_usual || matches!(act, Act::Say(w) if w.starts_with("354"))) =>
                {
                    self.message()?;
                }
                _ => {}
            }
        }
    }

    fn usual(&mut self, step: Step, line: &str) -> String {
        let login = locked(&self.shared.login).clone();
        let may_send = login.is_none() || self.logged_in;
        match step {
            Step::Ehlo => {
                let mut offers = vec!["mail.example.test"];
                let all = locked(&self.shared.offers);
                offers.extend(
                    all.iter()
                        .filter(|offer| **offer != "STARTTLS" || !self.inside_tls),
                );
                if login.is_some() && self.inside_tls {
                    offers.push("AUTH PLAIN");
                }
                let last = offers.len() - 1;
                offers
                    .iter()
                    .enumerate()
                    .map(|(at, offer)| {
                        format!("250{}{offer}\r\n", if at < last { '-' } else { ' ' })
                    })
                    .collect()
            }
            Step::StartTls => "220 2.0.0 go ahead\r\n".into(),
            Step::Auth => {
                let given = line
                    .split(' ')
                    .nth(2)
                    .and_then(|word| openssl::base64::decode_block(word).ok())
                    .unwrap_or_default();
                let wanted =
                    login.map(|(user, password)| format!("\0{user}\0{password}").into_bytes());
                self.logged_in = self.inside_tls && wanted.is_some_and(|wanted| given == wanted);
                if self.logged_in {
                    "235 2.7.0 welcome\r\n"
                } else {
                    "535 5.7.8 authentication failed\r\n"
                }
                .into()
            }
            Step::Mail if !may_send => "530 5.7.0 authentication required\r\n".into(),
            Step::Data if self.recipients.is_empty() => "503 5.5.1 no valid recipients\r\n".into(),
            Step::Data => "354 go on\r\n".into(),
            Step::Quit => "221 2.0.0 bye\r\n".into(),
            Step::Other => "500 5.5.2 what?\r\n".into(),
            _ => "250 2.1.0 ok\r\n".into(),
        }
    }

    fn message(&mut self) -> Result<(), Over> {
        let (mut bytes, mut lines) = (Vec::new(), 0);
        loop {
            let Ok(line) = self.line() else {
                locked(&self.shared.heard)
                    .push(format!("(a message that broke off after {lines} lines)"));
                return Err(Over);
            };
            if line == "." {
                break;
            }
            lines += 1;
            bytes.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
            bytes.extend_from_slice(b"\r\n");
            if lines == 10 {
                match self.act(Step::Middle) {
                    Act::Usual => {}
                    act => drop(self.answer(act, "")?),
                }
            }
        }
        let act = self.act(Step::Dot);
        if matches!(
            act,
            Act::Usual
                | Act::Slowly(_)
                | Act::KeepAndHangUp
                | Act::KeepAndSay(_)
                | Act::UsualAndHangUp
        ) {
            self.keep(&bytes);
        }
        let as_usual = self.answer(act, "250 2.0.0 queued\r\n")?;
        self.recipients.clear();
        if as_usual {
            match self.act(Step::Answered) {
                Act::Usual => {}
                act => drop(self.answer(act, "")?),
            }
        }
        Ok(())
    }

    fn keep(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let field = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let message_id = field
            .lines()
            .find_map(|line| line.strip_prefix("Message-ID: "))
            .expect("every mail has one")
            .trim();
        for recipient in &self.recipients {
            locked(&self.shared.taken).push(Taken {
                recipient: recipient.clone(),
                message_id: message_id.to_string(),
                bytes: bytes.to_vec(),
                inside_tls: self.inside_tls,
            });
        }
    }
}
