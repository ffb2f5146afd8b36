//! When a copy that was not taken is tried again: a pure function of its receipt.

use crate::{
    receipt::{Receipt, State},
    terms::Moment,
};
use jiff::SignedDuration;

/// Pauses after the first, second, … try, in minutes; the last one stays. RFC 5321, 4.5.4.1: "the sender MUST delay
/// retrying", "In general, the retry interval SHOULD be at least 30 minutes" – for what a person waits for we begin
/// sooner, as a greylisting server wants it.
const PAUSES: [i64; 7] = [1, 5, 15, 30, 60, 120, 240];

/// RFC 5321, 4.5.4.1: "the give-up time generally needs to be at least 4-5 days".
const PATIENCE: SignedDuration = SignedDuration::from_hours(5 * 24);

/// What becomes of a copy that was tried and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// It is not open, was never tried, or its try broke off with the program: no pause.
    Now,
    /// Not before this moment.
    At(Moment),
    /// It was deferred for so long that it counts as failed.
    Never,
}

/// The pause after so many tries.
pub fn pause(tries: u32) -> SignedDuration {
    let nth = usize::try_from(tries)
        .unwrap_or(usize::MAX)
        .clamp(1, PAUSES.len());
    SignedDuration::from_mins(PAUSES[nth - 1])
}

/// When this copy is due. A copy whose message was handed over and never answered for waits like a deferred one: what
/// it would repeat may have arrived.
pub fn again(receipt: &Receipt) -> Again {
    let unanswered = receipt.state == State::Sending && !receipt.reply.is_empty();
    if receipt.state != State::Deferred && !unanswered {
        return Again::Now;
    }
    let last = receipt.at.timestamp();
    let first = receipt.first.as_ref().unwrap_or(&receipt.at).timestamp();
    // Between the first try and the last, not until now: nobody is given up for days on which nobody tried.
    if last.duration_since(first) >= PATIENCE {
        return Again::Never;
    }
    match last.checked_add(pause(receipt.attempts)) {
        Ok(due) => Again::At(Moment::from_timestamp(due)),
        Err(_) => Again::Never,
    }
}

/// Whether a mail without content is due, or else when it is. It goes at most once: one of which nobody knows whether it
/// arrived is not sent again.
pub(super) fn once(receipt: Option<&Receipt>, now: &Moment) -> (bool, Option<Moment>) {
    receipt.map_or((true, None), |receipt| {
        match (receipt.state, again(receipt)) {
            (State::Accepted | State::Sending | State::Failed, _) | (_, Again::Never) => {
                (false, None)
            }
            (_, Again::At(due)) if due > *now => (false, Some(due)),
            (_, Again::At(_) | Again::Now) => (true, None),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        receipt::{DeliveryKey, Intent, Mail, MemberHash},
        tlp::Cover,
    };

    fn receipt(state: State, attempts: u32, first: &str, at: &str, reply: &str) -> Receipt {
        let the = |text: &str| text.parse::<Moment>().expect(text);
        let key = DeliveryKey {
            advisory: "EX-2026-0001".parse().expect("an id"),
            revision: "1".into(),
            mail: Mail::Letter,
            member: MemberHash([0; 16]),
        };
        let lang = "en".parse().expect("a language");
        Receipt {
            intent: Intent {
                key,
                list: "operators".into(),
                lang,
                cover: Cover::Signed,
                message_id: "<a@b>".into(),
            },
            state,
            attempts,
            reply: reply.into(),
            possible_duplicate: false,
            at: the(at),
            first: Some(the(first)),
            run: None,
            bounce: None,
        }
    }

    #[test]
    fn pauses_grow_and_after_five_days_it_is_over() {
        let start = "2026-07-01T00:00:00Z";
        let mut at: Moment = start.parse().expect("a moment");
        let mut dues = Vec::new();
        for tries in 1.. {
            match again(&receipt(
                State::Deferred,
                tries,
                start,
                &at.rfc3339(),
                "450 later",
            )) {
                Again::At(due) => at = due,
                Again::Never => break,
                Again::Now => panic!("no pause"),
            }
            dues.push((at.unix() - start.parse::<Moment>().expect("a moment").unix()) / 60);
        }
        assert_eq!(dues[..9], [1, 6, 21, 51, 111, 231, 471, 711, 951]);
        let last = dues[dues.len() - 1];
        assert!(
            (5 * 24 * 60..5 * 24 * 60 + 240).contains(&last),
            "tried for five days: {last} minutes"
        );
    }

    #[test]
    fn only_what_was_answered_pauses() {
        let start = "2026-07-01T00:00:00Z";
        let of = |state, reply| again(&receipt(state, 1, start, start, reply));
        for state in [State::Intended, State::Accepted, State::Failed] {
            assert_eq!(of(state, "words"), Again::Now, "{state}");
        }
        assert_eq!(of(State::Sending, ""), Again::Now, "the program was killed");
        assert_eq!(
            of(State::Sending, "connection lost"),
            Again::At("2026-07-01T00:01:00Z".parse().expect("a moment"))
        );
        let slept = receipt(State::Deferred, 1, start, start, "450 later");
        assert_eq!(
            again(&slept),
            Again::At("2026-07-01T00:01:00Z".parse().expect("a moment")),
            "however late it is by now"
        );
    }
}
