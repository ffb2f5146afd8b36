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
//! fn leak<'a>(recipient: &'a Address, bytes: &'a [u8]) -> Parcel<'a> {
//!     Parcel { sender: None, recipient, message_id: "<a@b>", bytes } // the fields are private
//! }
//! ```
//! The same with a letter for a list is fine:
//! ```
//! use advise::{channels::mail::{Parcel, Wire}, roster::List, terms::Address, tlp::Shareable};
//! fn post<'a>(letter: &'a Shareable<impl Wire, &List>, member: &'a Address) {
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
    settings::Transport,
    terms::Address,
    tlp::{Audience, Shareable},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A whole message as it travels: headers and body, every line ended by CRLF, nothing outside ASCII.
pub trait Wire {
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
            Delivery::Direct => self.members.iter().any(|member| same(&member.address, address)),
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

/// A letter for one recipient, ready for the post.
#[derive(Clone, Copy)]
pub struct Parcel<'p> {
    sender: Option<&'p Address>,
    recipient: &'p Address,
    message_id: &'p str,
    bytes: &'p [u8],
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
        ParcelError::NotReached { audience: audience.name().into_owned() }
    }
}

impl<'p> Parcel<'p> {
    /// A letter for one address of its audience. `sender` is that of the envelope, to which bounces go; `None`
    /// is the null sender.
    pub fn new<P: Wire, A: Reaches>(
        letter: &'p Shareable<P, A>,
        sender: Option<&'p Address>,
        recipient: &'p Address,
    ) -> Result<Parcel<'p>, ParcelError> {
        if !letter.audience().reaches(recipient) {
            return Err(ParcelError::not_reached(letter.audience()));
        }
        Parcel::checked(letter.thing(), sender, recipient)
    }

    /// The same for the address at a place of the audience: for long lists, where looking each address up
    /// among all of them would take longer than sending.
    pub fn to_nth<P: Wire, A: Reaches>(
        letter: &'p Shareable<P, A>,
        sender: Option<&'p Address>,
        place: usize,
    ) -> Result<Parcel<'p>, ParcelError> {
        let recipient = letter.audience().nth(place).ok_or_else(|| ParcelError::not_reached(letter.audience()))?;
        Parcel::checked(letter.thing(), sender, recipient)
    }

    fn checked<P: Wire>(wire: &'p P, sender: Option<&'p Address>, recipient: &'p Address) -> Result<Parcel<'p>, ParcelError> {
        let (bytes, message_id) = (wire.bytes(), wire.message_id());
        if !bytes.is_ascii() {
            return Err(ParcelError::NotAscii);
        }
        // A bare LF before a dot ends the message for some servers, and what follows is taken for a second
        // mail (SMTP smuggling); and a signed part that a server mends on the way does not verify any more.
        let count = |byte: u8| bytes.iter().filter(|b| **b == byte).count();
        let pairs = bytes.windows(2).filter(|two| *two == b"\r\n").count();
        if !bytes.ends_with(b"\r\n") || count(b'\r') != pairs || count(b'\n') != pairs {
            return Err(ParcelError::LineEnds);
        }
        let inner = message_id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).and_then(|id| id.split_once('@'));
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._+=".contains(&c);
        match inner {
            Some((left, right)) if [left, right].iter().all(|part| !part.is_empty() && part.bytes().all(plain)) => {
                Ok(Parcel { sender, recipient, message_id, bytes })
            }
            _ => Err(ParcelError::MessageId),
        }
    }

    /// For the envelope: the sender's address, or nothing for the null sender.
    fn sender(&self) -> &str {
        self.sender.map_or("", Address::as_str)
    }

    /// What stands before the `@` of the Message-ID; it names the letter, and says nothing to others.
    fn token(&self) -> &str {
        self.message_id.trim_start_matches('<').split('@').next().unwrap_or_default()
    }

    /// The message with LF line ends, as programs and mailboxes of this system have it.
    fn unix_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for line in self.bytes.split_inclusive(|b| *b == b'\n') {
            bytes.extend_from_slice(line.strip_suffix(b"\r\n").unwrap_or(line));
            bytes.push(b'\n');
        }
        bytes
    }

    /// A server's words without the name of the recipient's mailbox, which many a server repeats.
    fn hide(&self, words: &str) -> String {
        let (lower, local) = (words.to_ascii_lowercase(), self.recipient.local().to_ascii_lowercase());
        if local.len() < 3 {
            return words.to_string();
        }
        let (mut clean, mut from) = (String::with_capacity(words.len()), 0);
        let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        for (at, name) in lower.match_indices(&local) {
            let end = at + name.len();
            if part_of_word(lower[..at].chars().next_back()) || part_of_word(lower[end..].chars().next()) {
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
    /// The runtime of the network cannot be made.
    #[error("cannot start the network's runtime")]
    Runtime(#[source] io::Error),
}

impl PostError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> PostError {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => PostError::Full(path.to_path_buf()),
            _ => PostError::Io { path: path.to_path_buf(), source },
        }
    }
}

/// A way by which parcels leave. One thread uses it; open several for several.
pub trait Post: Send {
    /// For people: `outbox`, or the server's name.
    fn name(&self) -> &str;

    /// Hands over one parcel. An error means that this parcel was not handed over, and that the next would not
    /// be either.
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<Outcome, PostError>;

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

    /// Whether an earlier try of this parcel, cut short, arrived; `None` where nobody can know.
    fn was_taken(&self, parcel: &Parcel<'_>) -> Option<bool>;
}

/// Opens the post that the settings name. `workspace` is where the outbox and named files are, `password` the
/// one for the server's login.
pub fn open(transport: &Transport, workspace: &Path, password: Option<&str>) -> Result<Box<dyn Post>, PostError> {
    Ok(match transport {
        Transport::Outbox => Box::new(outbox::Outbox::open(&workspace.join("outbox"))?),
        Transport::Smtp(settings) => Box::new(smtp::Server::open(settings, workspace, password)?),
        Transport::Sendmail { command } => Box::new(sendmail::Sendmail::open(command)?),
    })
}

#[cfg(test)]
mod tests;
