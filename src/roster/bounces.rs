//! `bounces:` of a list's file: after how many letters that came back a member gets no more.

use crate::{
    diag::{Findings, Source},
    terms::{Wrong, shorten},
    yaml::{Fields, Node},
};
use std::str::FromStr;

/// The fields of `bounces`.
pub const BOUNCES_FIELDS: &[&str] = &["suspend", "hard", "soft", "within"];

/// When a member of a list is suspended because letters to their address come back.
///
/// What is counted are days, not letters: five that came back on one day say no more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounces {
    /// Whether anybody is.
    pub suspend: bool,
    /// So many days with a letter that came back for good are enough.
    pub hard: u32,
    /// And so many with one that came back for now; both count together, each as its part of the whole.
    pub soft: u32,
    /// Only letters of so many last days count.
    pub within: u32,
}

impl Default for Bounces {
    fn default() -> Bounces {
        Bounces {
            suspend: true,
            hard: 2,
            soft: 6,
            within: 60,
        }
    }
}

/// Reads `bounces`; what is wrong becomes a finding, and the default stands in its place.
pub(super) fn parse(source: &Source, node: Node<'_>, findings: &mut Findings) -> Option<Bounces> {
    let mut fields = Fields::open(source, node, BOUNCES_FIELDS, findings)?;
    let usual = Bounces::default();
    Some(Bounces {
        suspend: fields.flag("suspend", findings).unwrap_or(usual.suspend),
        hard: fields
            .optional::<Count<100>>("hard", findings)
            .map_or(usual.hard, |(count, _)| count.0),
        soft: fields
            .optional::<Count<100>>("soft", findings)
            .map_or(usual.soft, |(count, _)| count.0),
        within: fields
            .optional::<Count<365>>("within", findings)
            .map_or(usual.within, |(count, _)| count.0),
    })
}

/// A number from 1 to `MOST`.
struct Count<const MOST: u32>(u32);

impl<const MOST: u32> FromStr for Count<MOST> {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Count<MOST>, Wrong> {
        let number = text
            .parse()
            .ok()
            .filter(|number| (1..=MOST).contains(number));
        number.map(Count).ok_or_else(|| {
            let wrong = Wrong::new(format!(
                "`{}` is not a number from 1 to {MOST}",
                shorten(text)
            ));
            match text {
                "0" | "never" => wrong
                    .hint("write `suspend: false` if nobody is to be suspended because of bounces"),
                _ => wrong,
            }
        })
    }
}
