//! One connection: greeting, login, and one transaction after the other.
//!
//! Only lettre's low level is used: its pooled transport is slow (Nagle), its commands have no time limit, and a
//! send that was given up leaves a reply behind for the next mail. So every command here has its limit, every
//! answer its exact code, and a connection on which anything else happened is never used again.
//!
//! Where the server offers PIPELINING, the envelope of the next mail travels with the message before it, in one write,
//! and all answers come in one read. An envelope said ahead hands nothing over: the message follows its 354 only.

use super::{
    Limits, Relay,
    socket::{self, Meter, Refused, at_once},
};
use crate::{
    channels::mail::{Parcel, PostError},
    receipt::Outcome,
    settings::Smtp,
};
use lettre::transport::smtp::{
    Error,
    authentication::Mechanism,
    client::AsyncSmtpConnection,
    commands::{Data, Ehlo, Quit, Rset},
    response::Response,
};
use std::{
    fmt::{Display, Write as _},
    sync::Arc,
    time::Duration,
};

/// A server that has greeted us and takes mail.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    meter: Arc<Meter>,
    limits: Limits,
    /// Shows the [`Relay`] that this connection is there.
    _live: Arc<()>,
    dsn: bool,
    size: bool,
    pipelining: bool,
    /// The envelope that was said with the message before it, and whether that message was taken.
    ahead: Option<(String, bool)>,
}

/// How one command ended that did not end as it should.
enum Trouble {
    /// The server's own refusal: the code and the words.
    Refusal(u16, String),
    /// Anything that leaves no trust in the connection.
    Broken(String),
}

type Answer = Result<Response, Trouble>;

impl Connection {
    pub(super) fn open(relay: &Relay, limits: Limits) -> Result<Connection, PostError> {
        let Smtp {
            host,
            port,
            security,
            ..
        } = &relay.settings;
        let unreachable = |why: String| PostError::Unreachable {
            host: host.clone(),
            port: *port,
            why,
        };
        let opened = socket::open(
            host,
            *port,
            *security,
            &relay.trust,
            limits.connect,
            limits.greeting,
        );
        let socket::Open {
            stream,
            name,
            meter,
        } = opened.map_err(|refused| match refused {
            Refused::NoTls => PostError::NoTls { host: host.clone() },
            Refused::Because(why) => unreachable(why),
        })?;
        // Reads the greeting and says EHLO; both have to be positive, or it is an error.
        meter.grant(limits.greeting);
        let connected = at_once(AsyncSmtpConnection::connect_with_transport(stream, &name));
        let mut smtp = connected.map_err(|e| {
            unreachable(if e.is_timeout() {
                "no greeting in time".into()
            } else {
                reason(&e)
            })
        })?;
        // lettre forgets the extensions that it has no use for, so they are asked for once more.
        meter.grant(limits.greeting);
        let offers = exactly(at_once(smtp.command(Ehlo::new(name))), &[250]);
        let offers = offers.map_err(|trouble| unreachable(trouble.words().to_string()))?;
        let offers = |keyword: &str| {
            offers.message().skip(1).any(|line| {
                line.split(' ')
                    .next()
                    .is_some_and(|word| word.eq_ignore_ascii_case(keyword))
            })
        };
        let (dsn, size, pipelining) = (offers("DSN"), offers("SIZE"), offers("PIPELINING"));
        if let Some(credentials) = &relay.credentials {
            let refused = |why: String| PostError::Login {
                host: host.clone(),
                why,
            };
            meter.grant(limits.command);
            match at_once(smtp.auth(&[Mechanism::Plain, Mechanism::Login], credentials)) {
                Ok(answer) if answer.has_code(235) => {}
                Ok(answer) => return Err(refused(said(&answer))),
                Err(e) => return Err(refused(reason(&e))),
            }
        }
        Ok(Connection {
            smtp,
            meter,
            limits,
            _live: relay.live.clone(),
            dsn,
            size,
            pipelining,
            ahead: None,
        })
    }

    /// Says goodbye, unless the server waits for a message: then that would be one.
    pub(super) fn quit(&mut self) {
        if self.ahead.is_none() {
            self.meter.grant(Duration::from_secs(2));
            let _ = at_once(self.smtp.command(Quit));
        }
    }

    fn command(&mut self, command: impl Display, codes: &[u16]) -> Answer {
        self.meter.grant(self.limits.command);
        exactly(at_once(self.smtp.command(command)), codes)
    }

    fn answer(&mut self, codes: &[u16]) -> Answer {
        self.meter.grant(self.limits.command);
        exactly(at_once(self.smtp.read_response()), codes)
    }

    /// Whether the connection is fit for the next transaction.
    fn reset(&mut self) -> bool {
        self.meter.grant(self.limits.greeting);
        exactly(at_once(self.smtp.command(Rset)), &[250]).is_ok()
    }

    /// `MAIL`, as a line. What an [`Address`](crate::terms::Address) holds cannot end it.
    fn mail(&self, parcel: &Parcel<'_>) -> String {
        let mut line = format!("MAIL FROM:<{}>", parcel.sender());
        if self.size {
            // Writing to a String cannot fail.
            let _ = write!(line, " SIZE={}", parcel.bytes().len());
        }
        if self.dsn {
            // RFC 3461, 4.3 and 4.4: a bounce returns the header only, and says by ENVID which letter it is about.
            // ENVID is xtext (4): `+` and `=` are written in hexadecimal.
            let _ = write!(
                line,
                " RET=HDRS ENVID={}",
                parcel.token().replace('+', "+2B").replace('=', "+3D")
            );
        }
        line.push_str("\r\n");
        line
    }

    /// MAIL, RCPT and DATA in one, for a server that offers PIPELINING.
    fn pipelined(&self, parcel: &Parcel<'_>) -> String {
        format!(
            "{}RCPT TO:<{}>\r\nDATA\r\n",
            self.mail(parcel),
            parcel.recipient
        )
    }

    /// MAIL, RCPT and DATA, up to the first answer that ends it. `None` is a command that got no answer, since the
    /// one before had ended it all.
    ///
    /// RFC 2920, 3.1: "Client SMTP implementations that employ pipelining MUST check ALL statuses corresponding
    /// to a pipelined group".
    fn envelope(&mut self, parcel: &Parcel<'_>, early: bool) -> [Option<Answer>; 3] {
        let broken = |answer: &Answer| answer.as_ref().is_err_and(Trouble::is_broken);
        if self.pipelining {
            let first = if early {
                self.answer(&[250])
            } else {
                self.command(self.pipelined(parcel), &[250])
            };
            if broken(&first) {
                return [Some(first), None, None];
            }
            let second = self.answer(&[250, 251]);
            if broken(&second) {
                return [Some(first), Some(second), None];
            }
            let third = self.answer(&[354]);
            return [Some(first), Some(second), Some(third)];
        }
        let first = self.command(self.mail(parcel), &[250]);
        if first.is_err() {
            return [Some(first), None, None];
        }
        let second = self.command(
            format_args!("RCPT TO:<{}>\r\n", parcel.recipient),
            &[250, 251],
        );
        if second.is_err() {
            return [Some(first), Some(second), None];
        }
        let third = self.command(Data, &[354]);
        [Some(first), Some(second), Some(third)]
    }

    /// One transaction. The envelope of `next`, which has to be the parcel of the next call, may be said with it.
    pub(super) fn transact(&mut self, parcel: &Parcel<'_>, next: Option<&Parcel<'_>>) -> End {
        let (early, in_order) = match self.ahead.take() {
            None => (false, true),
            Some((envelope, in_order)) if envelope == self.pipelined(parcel) => (true, in_order),
            Some(_) => return End::stale("another envelope was said ahead".into()),
        };
        let answers = self.envelope(parcel, early);
        if let Some(at) = answers
            .iter()
            .position(|answer| matches!(answer, Some(Err(_))))
        {
            let end = self.refused(at, answers, parcel);
            // Where an answer is missing or one too many, or the message before was refused and who knows how much of
            // it was read, these may be the answers to something else. Nothing was handed over: once more, elsewhere.
            return if early && (!end.answered || !in_order && !end.usable) {
                End::stale(end.outcome.words().into())
            } else {
                end
            };
        }
        let mut text = message(parcel);
        self.meter.begin(text.len());
        // RFC 2920, 3.1: "the actual transfer of message content is explicitly allowed to be the first 'command' in a
        // group".
        let ahead = next
            .filter(|_| self.pipelining)
            .map(|next| self.pipelined(next));
        text.push_str(ahead.as_deref().unwrap_or_default());
        self.meter.grant(self.limits.message);
        match exactly(at_once(self.smtp.command(text)), &[250]) {
            Ok(answer) => {
                self.ahead = ahead.map(|ahead| (ahead, true));
                End {
                    outcome: Outcome::Accepted(parcel.hide(&said(&answer))),
                    usable: true,
                    stale: false,
                    answered: true,
                }
            }
            // A refusal of this one message (a filter, greylisting), which says nothing about the next. Whether the
            // server has read it to its end shows at RSET, or by the answers to the next envelope.
            Err(Trouble::Refusal(code, words)) if code != SHUTTING_DOWN && self.meter.ended() => {
                let outcome = refusal(code, parcel.hide(&words));
                self.ahead = ahead.map(|ahead| (ahead, false));
                let usable = self.ahead.is_some() || self.reset();
                End {
                    outcome,
                    usable,
                    stale: false,
                    answered: true,
                }
            }
            // A server may have given up in the middle of the message, and who knows what it read of the rest.
            Err(Trouble::Refusal(code, words)) => End::broken(refusal(code, parcel.hide(&words))),
            Err(Trouble::Broken(words)) if self.meter.ended() => {
                End::broken(Outcome::Unknown(parcel.hide(&words)))
            }
            Err(Trouble::Broken(words)) => End::broken(Outcome::Deferred(parcel.hide(&words))),
        }
    }

    /// What is to be done when one of the three commands did not go through; `at` is the first.
    fn refused(&mut self, at: usize, answers: [Option<Answer>; 3], parcel: &Parcel<'_>) -> End {
        let all_in_order = !answers
            .iter()
            .flatten()
            .any(|answer| answer.as_ref().is_err_and(Trouble::is_broken));
        // A server that waits for a message although it took no sender or no recipient gets none, not even an empty
        // one: what it would do with that is anybody's guess, and the end of the connection ends the transaction
        // (RFC 5321, 4.1.1.5 and 3.8).
        let waits = matches!(answers[2], Some(Ok(_)));
        let Some(Some(Err(trouble))) = answers.into_iter().nth(at) else {
            return End::broken(Outcome::Deferred("no answer".into()));
        };
        let (stale, words) = (at == 0 && trouble.is_broken(), parcel.hide(trouble.words()));
        let outcome = match trouble {
            Trouble::Refusal(code, _) if code != SHUTTING_DOWN => match refusal(code, words) {
                // What is said before the recipient was named is about us, not about them: it can be mended here. But
                // for one thing, the size that we announced: this message never fits through this server.
                Outcome::Failed(words) if at == 0 && code != TOO_LARGE => {
                    Outcome::Deferred(format!("the sender is refused: {words}"))
                }
                other => other,
            },
            _ => Outcome::Deferred(words),
        };
        let usable = all_in_order && !waits && self.reset();
        End {
            outcome,
            usable,
            stale,
            answered: all_in_order,
        }
    }
}

/// The message as it travels, with its end.
fn message(parcel: &Parcel<'_>) -> String {
    let text = std::str::from_utf8(parcel.bytes()).expect("a parcel has nothing outside ASCII");
    let mut whole = String::with_capacity(text.len() + 1024);
    if parcel.dots {
        // RFC 5321, 4.5.2: a line that begins with a period gets "one additional period" at its beginning.
        for line in text.split_inclusive('\n') {
            if line.starts_with('.') {
                whole.push('.');
            }
            whole.push_str(line);
        }
    } else {
        whole.push_str(text);
    }
    whole.push_str(".\r\n");
    whole
}

/// How a transaction ended.
pub(super) struct End {
    pub(super) outcome: Outcome,
    /// The next parcel may take the same connection.
    pub(super) usable: bool,
    /// It ended at its first command, for a reason that is the connection's and not the parcel's.
    pub(super) stale: bool,
    /// The server said what it makes of this one mail, each answer in its order: that it is dropped then is no trouble.
    pub(super) answered: bool,
}

impl End {
    fn broken(outcome: Outcome) -> End {
        End {
            outcome,
            usable: false,
            stale: false,
            answered: false,
        }
    }

    fn stale(words: String) -> End {
        End {
            outcome: Outcome::Deferred(words),
            usable: false,
            stale: true,
            answered: false,
        }
    }
}

impl Trouble {
    fn words(&self) -> &str {
        match self {
            Trouble::Refusal(_, words) | Trouble::Broken(words) => words,
        }
    }

    fn is_broken(&self) -> bool {
        matches!(
            self,
            Trouble::Broken(_) | Trouble::Refusal(SHUTTING_DOWN, _)
        )
    }
}

/// RFC 5321, 3.8: said by a server that "needs to shut down the SMTP service", at any time.
const SHUTTING_DOWN: u16 = 421;

/// RFC 1870, 6.1: the answer to a `MAIL` whose SIZE is beyond what the server ever takes.
const TOO_LARGE: u16 = 552;

fn refusal(code: u16, words: String) -> Outcome {
    match code {
        400..=499 => Outcome::Deferred(words),
        _ => Outcome::Failed(words),
    }
}

/// The answer, if it has one of these codes.
fn exactly(answer: Result<Response, Error>, codes: &[u16]) -> Answer {
    match answer {
        Ok(answer) if codes.iter().any(|code| answer.has_code(*code)) => Ok(answer),
        Ok(answer) => Err(Trouble::Broken(format!(
            "unexpected answer: {}",
            said(&answer)
        ))),
        Err(e) => Err(match e.status() {
            Some(code) => Trouble::Refusal(code.into(), reason(&e)),
            None => Trouble::Broken(reason(&e)),
        }),
    }
}

/// Code and words of an answer in one line.
fn said(answer: &Response) -> String {
    answer
        .message()
        .fold(answer.code().to_string(), |words, line| words + " " + line)
}

/// Code and words of a refusal, or what went wrong with the connection, in one line.
fn reason(error: &Error) -> String {
    let cause = std::error::Error::source(error);
    match (error.status(), cause) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (Some(code), None) => code.to_string(),
        (None, Some(cause)) => cause.to_string(),
        (None, None) => error.to_string(),
    }
}
