//! What is known of a certificate, as data: the plan asks for it, `openpgp` finds it.

use crate::terms::Moment;
use std::fmt;

/// How many days before its certificate's end a member is told: the last word first.
pub const REMINDERS: [i64; 4] = [7, 14, 30, 60];

/// What can be done with a certificate at the moment it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// It can be encrypted to; it expires at this moment, if ever.
    Usable {
        /// When it ends.
        expires: Option<Moment>,
    },
    /// No file `certs/FINGERPRINT.asc`.
    Missing,
    /// Since this moment.
    Expired(Moment),
    /// Its owner took it back; the reason, if one was given.
    Revoked(String),
    /// It has no (living) key for encryption.
    CannotEncrypt,
    /// The policy refuses it: SHA-1, too short, or broken.
    Weak(String),
}

impl KeyState {
    /// Whether mail can be encrypted to it.
    pub fn is_usable(&self) -> bool {
        matches!(self, KeyState::Usable { .. })
    }

    /// When a usable certificate ends, if ever.
    pub fn ends(&self) -> Option<&Moment> {
        match self {
            KeyState::Usable { expires } => expires.as_ref(),
            _ => None,
        }
    }

    /// Whole days until a usable certificate ends, if it ever does.
    pub fn days_left(&self, now: &Moment) -> Option<i64> {
        self.ends().map(|at| now.days_until(at))
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyState::Usable { expires: None } => f.write_str("usable"),
            KeyState::Usable { expires: Some(at) } => write!(f, "usable until {}", at.date()),
            KeyState::Missing => f.write_str("certificate is missing"),
            KeyState::Expired(at) => write!(f, "certificate expired on {}", at.date()),
            KeyState::Revoked(why) if why.is_empty() => f.write_str("certificate is revoked"),
            KeyState::Revoked(why) => write!(f, "certificate is revoked ({why})"),
            KeyState::CannotEncrypt => f.write_str("certificate cannot encrypt"),
            KeyState::Weak(why) => write!(f, "certificate is refused: {why}"),
        }
    }
}
