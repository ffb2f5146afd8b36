//! Letters leave: a [`Parcel`] is handed to a [`Post`], which says how that ended.
//!
//! Three posts: `smtp` (a server), `sendmail` (a program), `outbox` (a Maildir). A parcel is made only of what
//! went through the gate, and only for an address that this very audience has, so no letter can reach anybody
//! by way of a wrong address or without its gate:
//! ```compile_fail
//! use advise::{channels::mail::Parcel, terms::Address};
//! fn leak(to: &Address, letter: &[u8]) { let _ = Parcel::new(&letter, None, to); } // plain bytes are no parcel
//! ```
//! ```compile_fail
//! use advise::{channels::mail::Parcel, terms::Address};
//! fn leak<'a>(recipient: Address, wire: std::sync::Arc<dyn advise::channels::mail::Wire + 'a>) -> Parcel<'a> {
//!     Parcel { sender: None, recipient, wire, dots: false } // the fields are private
//! }
//! ```
//! The same with a letter for a list is fine:
//! ```
//! use advise::{channels::mail::{Parcel, Wire}, roster::List, terms::Address, tlp::Shareable};
//! fn post<'a>(letter: &'a Shareable<impl Wire, &'a List>, member: &Address) {
//!     let parcel = Parcel::new(letter, None, member);
//! }
//! ```

mod outbox;
mod sendmail;
mod smtp;

use crate::{
    receipt::Outcome,
    render::letter::Message,
    roster::{Contact, Delivery, List},
    settings::{self, Transport},
    terms::Address,
    tlp::{Audience, Shareable},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A whole message as it travels: headers and body, every line ended by CRLF, nothing outside ASCII.
pub trait Wire: Send + Sync {
    /// The message.
    fn bytes(&self) -> &[u8];
    /// As in its header, with the angle brackets.
    fn message_id(&self) -> &str;
}

impl Wire for Message {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    fn message_id(&self) -> &str {
        &self.message_id
    }
}

impl<P: Wire, A: Send + Sync> Wire for Shareable<P, A> {
    fn bytes(&self) -> &[u8] {
        self.thing().bytes()
    }
    fn message_id(&self) -> &str {
        self.thing().message_id()
    }
}

impl<W: Wire> Wire for &W {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
    fn message_id(&self) -> &str {
        (**self).message_id()
    }
}

/// An audience that has addresses.
pub trait Reaches: Audience {
    /// Whether this address is one of them.
    fn reaches(&self, address: &Address) -> bool;

    /// The one at this place, counted from 0.
    fn nth(&self, place: usize) -> Option<&Address>;
}

/// A direct list has its members' addresses, a relay list its own.
impl Reaches for List {
    fn reaches(&self, address: &Address) -> bool {
        match self.delivery {
            Delivery::Direct => self
                .members
                .iter()
                .any(|member| same(&member.address, address)),
            Delivery::Relay(_) => same(&self.address, address),
        }
    }

    fn nth(&self, place: usize) -> Option<&Address> {
        match self.delivery {
            Delivery::Direct => self.members.get(place).map(|member| &member.address),
            Delivery::Relay(_) => Some(&self.address).filter(|_| place == 0),
        }
    }
}

impl Reaches for Contact {
    fn reaches(&self, address: &Address) -> bool {
        same(&self.address, address)
    }

    fn nth(&self, place: usize) -> Option<&Address> {
        Some(&self.address).filter(|_| place == 0)
    }
}

impl<A: Reaches> Reaches for &A {
    fn reaches(&self, address: &Address) -> bool {
        (**self).reaches(address)
    }

    fn nth(&self, place: usize) -> Option<&Address> {
        (**self).nth(place)
    }
}

fn same(one: &Address, other: &Address) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// A letter that was looked through and found fit to travel: once, for all its copies.
#[derive(Clone)]
pub struct Fit<'p, A> {
    wire: Arc<dyn Wire + 'p>,
    dots: bool,
    audience: A,
}

/// A letter for one recipient, ready for the post.
#[derive(Clone)]
pub struct Parcel<'p> {
    sender: Option<Address>,
    recipient: Address,
    wire: Arc<dyn Wire + 'p>,
    /// Whether a line begins with a dot.
    dots: bool,
}

/// Why no parcel can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParcelError {
    /// The letter was opened for an audience that does not have this address.
    #[error("the recipient is not reached by `{audience}`")]
    NotReached {
        /// Its name.
        audience: String,
    },
    /// A bare CR or LF, or a last line without an end.
    #[error("a line of the message does not end with CRLF")]
    LineEnds,
    /// A byte outside ASCII.
    #[error("the message has a byte outside ASCII")]
    NotAscii,
    /// The Message-ID is not `<left@right>` in plain characters.
    #[error("the message has no proper Message-ID")]
    MessageId,
}

impl ParcelError {
    fn not_reached(audience: &impl Reaches) -> ParcelError {
        ParcelError::NotReached {
            audience: audience.name().into_owned(),
        }
    }
}

impl<'p, A: Reaches + Clone + Send + Sync + 'p> Fit<'p, A> {
    /// Looks a letter through.
    pub fn new<P: Wire + 'p>(letter: Shareable<P, A>) -> Result<Fit<'p, A>, ParcelError> {
        let dots = look_through(letter.thing())?;
        let audience = letter.audience().clone();
        Ok(Fit {
            wire: Arc::new(letter),
            dots,
            audience,
        })
    }

    /// The copy for one address of the audience. `sender` is that of the envelope, to which bounces go; `None` is
    /// the null sender.
    pub fn parcel(
        &self,
        sender: Option<Address>,
        recipient: &Address,
    ) -> Result<Parcel<'p>, ParcelError> {
        match self.audience.reaches(recipient) {
            true => Ok(self.addressed(sender, recipient)),
            false => Err(ParcelError::not_reached(&self.audience)),
        }
    }

    /// The same for the address at a place of the audience: for long lists, where looking each address up
    /// among all of them would take longer than sending.
    pub fn parcel_to_nth(
        &self,
        sender: Option<Address>,
        place: usize,
    ) -> Result<Parcel<'p>, ParcelError> {
        let recipient = self
            .audience
            .nth(place)
            .ok_or_else(|| ParcelError::not_reached(&self.audience))?;
        Ok(self.addressed(sender, recipient))
    }

    fn addressed(&self, sender: Option<Address>, recipient: &Address) -> Parcel<'p> {
        Parcel {
            sender,
            recipient: recipient.clone(),
            wire: self.wire.clone(),
            dots: self.dots,
        }
    }
}

/// Whether a line begins with a dot, or why the message cannot travel.
fn look_through(wire: &impl Wire) -> Result<bool, ParcelError> {
    let (bytes, message_id) = (wire.bytes(), wire.message_id());
    if !bytes.is_ascii() {
        return Err(ParcelError::NotAscii);
    }
    let (odd, dots) = line_ends(bytes);
    // A bare LF before a dot ends the message for some servers, and what follows is taken for a second
    // mail (SMTP smuggling); and a signed part that a server mends on the way does not verify any more.
    if odd || !bytes.ends_with(b"\r\n") || bytes.starts_with(b"\n") {
        return Err(ParcelError::LineEnds);
    }
    let inner = message_id
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'))
        .and_then(|id| id.split_once('@'));
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._+=".contains(&c);
    match inner {
        Some((left, right))
            if [left, right]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(plain)) =>
        {
            Ok(bytes.starts_with(b".") || dots)
        }
        _ => Err(ParcelError::MessageId),
    }
}

/// Whether somewhere a CR stands without an LF or an LF without a CR, and whether a line but the first begins with a
/// dot. Every byte of every mail comes by here, so it is asked in a form that is answered for many bytes at once.
fn line_ends(bytes: &[u8]) -> (bool, bool) {
    let next = bytes.get(1..).unwrap_or_default();
    let (mut odd, mut dots) = (0, 0);
    for (these, next) in bytes[..next.len()].chunks(4096).zip(next.chunks(4096)) {
        for (this, next) in these.iter().zip(next) {
            odd |= u8::from(*this == b'\r') ^ u8::from(*next == b'\n');
            dots |= u8::from(*this == b'\n') & u8::from(*next == b'.');
        }
    }
    (odd != 0, dots != 0)
}

impl<'p> Parcel<'p> {
    /// A letter for one address of its audience; for one copy of many, see [`Fit`].
    pub fn new<P: Wire, A: Reaches + Send + Sync>(
        letter: &'p Shareable<P, A>,
        sender: Option<&Address>,
        recipient: &Address,
    ) -> Result<Parcel<'p>, ParcelError> {
        if !letter.audience().reaches(recipient) {
            return Err(ParcelError::not_reached(letter.audience()));
        }
        let dots = look_through(letter)?;
        Ok(Parcel {
            sender: sender.cloned(),
            recipient: recipient.clone(),
            wire: Arc::new(letter),
            dots,
        })
    }

    /// For the envelope: the sender's address, or nothing for the null sender.
    fn sender(&self) -> &str {
        self.sender.as_ref().map_or("", Address::as_str)
    }

    fn bytes(&self) -> &[u8] {
        self.wire.bytes()
    }

    /// What stands before the `@` of the Message-ID; it names the letter, and says nothing to others.
    fn token(&self) -> &str {
        token(self.wire.message_id())
    }

    /// The message with LF line ends, as programs and mailboxes of this system have it.
    fn unix_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes().len());
        for line in self.bytes().split_inclusive(|b| *b == b'\n') {
            bytes.extend_from_slice(line.strip_suffix(b"\r\n").unwrap_or(line));
            bytes.push(b'\n');
        }
        bytes
    }

    /// A server's words without the name of the recipient's mailbox, which many a server repeats.
    fn hide(&self, words: &str) -> String {
        let (lower, local) = (
            words.to_ascii_lowercase(),
            self.recipient.local().to_ascii_lowercase(),
        );
        if local.len() < 3 {
            return words.to_string();
        }
        let (mut clean, mut from) = (String::with_capacity(words.len()), 0);
        let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        for (at, name) in lower.match_indices(&local) {
            let end = at + name.len();
            if part_of_word(lower[..at].chars().next_back())
                || part_of_word(lower[end..].chars().next())
            {
                continue;
            }
            clean.push_str(&words[from..at]);
            clean.push('…');
            from = end;
        }
        clean.push_str(&words[from..]);
        clean
    }
}

fn token(message_id: &str) -> &str {
    message_id
        .trim_start_matches('<')
        .split('@')
        .next()
        .unwrap_or_default()
}

/// Why the post is closed: nothing at all can leave this way, whoever the recipient.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The server is not reached, or is not the one it should be.
    #[error("cannot reach the mail server `{host}:{port}`: {why}")]
    Unreachable {
        /// As in the settings.
        host: String,
        /// As in the settings.
        port: u16,
        /// The network's, the TLS library's or the server's words.
        why: String,
    },
    /// The server does not offer STARTTLS, and mail does not travel without TLS.
    #[error("the mail server `{host}` does not offer STARTTLS, and nothing is sent without TLS")]
    NoTls {
        /// As in the settings.
        host: String,
    },
    /// The server does not take user and password.
    #[error("the mail server `{host}` refuses the login: {why}")]
    Login {
        /// As in the settings.
        host: String,
        /// The server's words.
        why: String,
    },
    /// A server that is not this machine, without TLS.
    #[error("mail to `{host}` would travel without TLS")]
    Unguarded {
        /// As in the settings.
        host: String,
    },
    /// None of several servers can be used, or not any more.
    #[error("no mail server can be used: {0}")]
    NoneLeft(String),
    /// The certificates that were named cannot be used.
    #[error("`{}` holds no certificates of an authority", .0.display())]
    Authority(PathBuf),
    /// The outbox's disk has no room.
    #[error("no space left on the disk for `{}`", .0.display())]
    Full(PathBuf),
    /// A file, folder or program of the post cannot be used.
    #[error("cannot use `{}`: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl PostError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> PostError {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                PostError::Full(path.to_path_buf())
            }
            _ => PostError::Io {
                path: path.to_path_buf(),
                source,
            },
        }
    }
}

/// One of the mail servers, and how it served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Host and port, as in the settings: two may stand on one host.
    pub server: (String, u16),
    /// How many mails it took.
    pub taken: usize,
    /// Why it was passed over, if it was.
    pub trouble: Option<String>,
}

/// A way by which parcels leave. One thread uses it; [`open`] gives one for each connection.
pub trait Post: Send {
    /// Hands over one parcel. An error means that this parcel was not handed over, and that the next would not
    /// be either.
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<Outcome, PostError>;

    /// The same where it is known which parcel comes right after it. A post may announce that one already; it hands it
    /// over with its own call only.
    fn send_before(
        &mut self,
        parcel: &Parcel<'_>,
        _next: Option<&Parcel<'_>>,
    ) -> Result<Outcome, PostError> {
        self.send(parcel)
    }

    /// How many parcels are best handed over together.
    fn group(&self) -> usize {
        1
    }

    /// The same for several, in order; a post that can makes them durable together. It ends with the first
    /// error: where fewer results come back than parcels went in, the rest was not handed over.
    fn send_all(&mut self, parcels: &[Parcel<'_>]) -> Vec<Result<Outcome, PostError>> {
        let mut results = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            results.push(self.send(parcel));
            if results.last().is_some_and(Result::is_err) {
                break;
            }
        }
        results
    }

    /// Whether an earlier try of this mail, cut short, arrived; `None` where nobody can know.
    fn was_taken(&self, _message_id: &str, _recipient: &Address) -> Option<bool> {
        None
    }

    /// The servers, where there is a choice of them; the same for all posts that were opened together.
    fn served(&self) -> Vec<Served> {
        Vec::new()
    }
}

/// Opens the posts that the settings name, never none: what cannot be used at all shows now. `workspace` is where the
/// outbox and named files are, `passwords` are those for the servers' logins, in their order.
pub fn open(
    mail: &settings::Mail,
    workspace: &Path,
    passwords: &[Option<String>],
) -> Result<Vec<Box<dyn Post>>, PostError> {
    Ok(match &mail.transport {
        Transport::Outbox => vec![Box::new(outbox::Outbox::open(&workspace.join("outbox"))?)],
        Transport::Smtp(relays) => smtp::open(relays, workspace, passwords, mail.connections)?,
        Transport::Sendmail { command } => {
            let open =
                || sendmail::Sendmail::open(command).map(|post| Box::new(post) as Box<dyn Post>);
            (0..mail.connections)
                .map(|_| open())
                .collect::<Result<_, _>>()?
        }
    })
}

#[cfg(test)]
mod tests;
