//! `publish --wait`: stays and tries again, when it is due, what was not taken.
//!
//! Each round reads everything anew, for a contact may have left in the meantime, and does nothing that staff have
//! not seen in the first plan. Between rounds the lock is free.

use super::round::{RunState, once, with_job};
use crate::{
    channels::mail::PostError,
    cli::{
        desk::Desk,
        failure::{Failure, Kind},
        story::Story,
        ui::count,
    },
    ledger::{self, Ledger, LedgerError},
    plan::{Only, Request},
    publish::PublishError,
    settings::Settings,
    terms::Moment,
};
use std::{
    thread,
    time::{Duration, Instant},
};

/// A server that is away is looked for again after this, and so is a lock that somebody holds.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The longest that `--wait` takes: longer than that nobody stays at a terminal.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Reads `90s`, `10m`, `2h` or `1h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as `90s`, `10m`, `2h` or `1h30m`".to_string();
    let (mut whole, mut digits) = (Duration::ZERO, String::new());
    for c in text.chars() {
        let unit: u64 = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let number: u64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
        whole = whole.saturating_add(Duration::from_secs(number.saturating_mul(unit)));
    }
    match digits.is_empty() && !whole.is_zero() {
        true if whole <= LONGEST => Ok(whole),
        true => Err("seven days (`168h`) at most".into()),
        false => Err(wrong()),
    }
}

enum Next {
    Over,
    At(Moment),
    LookAgain,
    AtOnce,
}

/// Stays until all is through or the time is over. An error comes after something was done already.
pub fn stay(
    desk: &Desk,
    until: Instant,
    settings: &Settings,
    carried: &mut RunState,
    story: &mut Story,
) -> Result<(), Failure> {
    let mut next = if story.is_closed() {
        Next::LookAgain
    } else {
        Next::AtOnce
    };
    while story.open() > 0 {
        let wait = match &next {
            Next::Over => return Ok(()),
            Next::AtOnce => Duration::ZERO,
            Next::LookAgain => LOOK_AGAIN,
            Next::At(due) => until_then(due),
        };
        if Instant::now() + wait > until {
            desk.ui
                .deed("the next try is due after the time of `--wait`");
            return Ok(());
        }
        if !wait.is_zero() {
            let at = Moment::from_timestamp(
                crate::cli::clock::now()
                    .checked_add(wait)
                    .expect("`until` is at most a week away"),
            )
            .rfc3339();
            let wait = count(story.open(), "letter waits", "letters wait");
            desk.ui.deed(&format!("{wait} for the next try at {at}"));
        }
        thread::sleep(wait);
        next = round(desk, settings, carried, story).map_err(|failure| Failure {
            kind: Kind::Partly,
            ..failure
        })?;
    }
    Ok(())
}

/// Whether no server was reached, so that nothing was done.
fn is_away(failure: &Failure) -> bool {
    let error = failure.error.downcast_ref::<PublishError>();
    matches!(
        error,
        Some(PublishError::Post(
            PostError::Unreachable { .. } | PostError::NoneLeft(_)
        ))
    )
}

/// Tries the first round again while no server is reached; the last time when the time is over.
pub fn until_reached<T>(
    desk: &Desk,
    until: Instant,
    mut failure: Failure,
    mut round: impl FnMut(&Desk) -> Result<T, Failure>,
) -> Result<T, Failure> {
    while is_away(&failure) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let wait = LOOK_AGAIN.min(left);
        desk.ui.deed(&format!(
            "{:#}; nothing was sent, the next try is in {} s",
            failure.error,
            wait.as_secs().max(1)
        ));
        thread::sleep(wait);
        match round(&desk.later()) {
            // Somebody else publishes meanwhile, and will come to an end.
            Err(other) if matches!(other.error.downcast_ref(), Some(LedgerError::Held { .. })) => {}
            Err(other) => failure = other,
            done => return done,
        }
    }
    Err(failure)
}

/// One second more than to the moment itself, which is written in whole seconds.
fn until_then(due: &Moment) -> Duration {
    let seconds = due.unix() - crate::cli::clock::now().as_second();
    u64::try_from(seconds).map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds + 1))
}

fn round(
    desk: &Desk,
    settings: &Settings,
    carried: &mut RunState,
    story: &mut Story,
) -> Result<Next, Failure> {
    let desk = &desk.later();
    let workspace = desk.workspace()?;
    if workspace.settings.mail.transport != settings.mail.transport
        || workspace.settings.signing != settings.signing
    {
        return Err(Failure::usage(
            "the mail servers or the signing key were changed in advise.yaml meanwhile",
        )
        .hint("run `advise publish` again: it goes on where this stopped"));
    }
    let _lock = match ledger::lock(&desk.work(), &desk.now) {
        Err(LedgerError::Held { .. }) => return Ok(Next::LookAgain),
        lock => lock?,
    };
    let mut ledger = Ledger::open(&desk.work())?;
    // Without ids: to name one is to ask that it be tried at once, and that was done.
    let request = Request {
        ids: Vec::new(),
        only: Some(Only::Mail),
    };
    let mut history = ledger.history()?;
    with_job(
        desk,
        &workspace,
        &mut ledger,
        &mut history,
        &request,
        carried,
        |job, ledger, keys, carried| {
            if job.plan.letters() + job.plan.notices() + job.plan.reminders() == 0 {
                return Ok(job
                    .plan
                    .next_try()
                    .map_or(Next::Over, |next| Next::At(next.clone())));
            }
            match once(desk, job, ledger, keys, carried) {
                Ok(round) => {
                    story.and_then(round);
                    Ok(if story.is_closed() {
                        Next::LookAgain
                    } else {
                        Next::AtOnce
                    })
                }
                // Away, as it was before: nothing was lost, and there is time.
                Err(failure) if is_away(&failure) => {
                    story.closed(failure.error.to_string());
                    Ok(Next::LookAgain)
                }
                Err(failure) => Err(failure),
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_wait_has_a_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("2h", 7200),
            ("1h30m", 5400),
            ("168h", 604_800),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "10",
            "m",
            "10 m",
            "-1m",
            "1d",
            "0s",
            "169h",
            "99999999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
