//! The gates that a mail passes, in their order. The first that claims it gives the verdict; nothing behind it looks.
//!
//! A gate is a small question about one mail. None of them has an effect: what a verdict causes is done by who asked.

use super::{
    Mail, Unreadable,
    bounce::{self, Bounce, Report},
    request::{Asked, Doors, asked},
};
use crate::terms::Address;
use std::cell::OnceCell;

/// What a mail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It breaks a limit, or is no mail.
    Unreadable(Unreadable),
    /// We wrote it ourselves.
    Own,
    /// It says that letters did not arrive.
    Bounce(Vec<Bounce>),
    /// A program wants proof that a person wrote our letter.
    Challenge,
    /// Somebody is away.
    Vacation,
    /// Somebody calls our letter unwanted.
    Complaint,
    /// No person wrote it, and nothing above knows it. It gets no answer.
    Automatic,
    /// Somebody asks to join a list, to leave it, or for help, or sends a token back.
    Request(Asked),
    /// None of the gates knows it.
    Unknown,
}

impl Verdict {
    /// The word for it in JSON and tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Unreadable(_) => "unreadable",
            Verdict::Own => "own",
            Verdict::Bounce(_) => "bounce",
            Verdict::Challenge => "challenge",
            Verdict::Vacation => "vacation",
            Verdict::Complaint => "complaint",
            Verdict::Automatic => "automatic",
            Verdict::Request(_) => "request",
            Verdict::Unknown => "unknown",
        }
    }

    /// Whether staff have to look at it, because nothing here can. Of what no person wrote, too: a bounce that is not known
    /// for one is among it.
    pub fn is_for_staff(&self) -> bool {
        !matches!(
            self,
            Verdict::Own | Verdict::Bounce(_) | Verdict::Vacation | Verdict::Request(_)
        )
    }

    /// Why it was not read.
    pub fn why(&self) -> Option<String> {
        match self {
            Verdict::Unreadable(why) => Some(why.to_string()),
            _ => None,
        }
    }

    /// What bounced.
    pub fn bounces(&self) -> &[Bounce] {
        match self {
            Verdict::Bounce(bounces) => bounces,
            _ => &[],
        }
    }
}

/// What is ours, by which some gates know a mail.
#[derive(Debug, Clone, Default)]
pub struct House {
    /// The addresses from which we write: the team's, and those of the lists.
    pub addresses: Vec<Address>,
    /// What stands before the token in the envelope sender of our letters: `bounces@cert.example.org`.
    pub bounces: Option<Address>,
    /// The addresses that take requests.
    pub doors: Doors,
}

impl House {
    /// The token of the letter that a mail is about, if it came to an address that was made for one letter.
    pub fn token(&self, mail: &Mail) -> Option<String> {
        let base = self.bounces.as_ref()?;
        let token = |to: &Address| {
            let (local, token) = to.local().split_once('+')?;
            (local.eq_ignore_ascii_case(base.local())
                && to.domain() == base.domain()
                && !token.is_empty())
            .then(|| token.to_string())
        };
        mail.recipients().iter().find_map(token)
    }
}

/// A gate: its name, and whether it claims a mail.
pub struct Gate {
    /// One word, as `advise inbox --json` shows it.
    pub name: &'static str,
    ask: fn(&Look) -> Option<Verdict>,
}

/// What the gates look at.
struct Look<'m> {
    mail: &'m Mail,
    house: &'m House,
    report: OnceCell<Report>,
}

impl Look<'_> {
    fn report(&self) -> &Report {
        self.report.get_or_init(|| bounce::judge(self.mail))
    }
}

/// All gates behind the first, which is [`Mail::read`].
pub const GATES: &[Gate] = &[
    Gate {
        name: "own",
        ask: own,
    },
    Gate {
        name: "bounce",
        ask: bounced,
    },
    Gate {
        name: "challenge",
        ask: challenge,
    },
    Gate {
        name: "vacation",
        ask: vacation,
    },
    Gate {
        name: "complaint",
        ask: complaint,
    },
    Gate {
        name: "automatic",
        ask: automatic,
    },
    Gate {
        name: "request",
        ask: request,
    },
];

/// A verdict, and which gates it passed on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What the mail is.
    pub verdict: Verdict,
    /// The gates that let it pass, in order.
    pub passed: Vec<&'static str>,
    /// The gate that claimed it; none for [`Verdict::Unknown`].
    pub claimed_by: Option<&'static str>,
}

impl Judged {
    /// What is said of a mail that was not even fetched.
    pub fn unreadable(why: Unreadable) -> Judged {
        Judged {
            verdict: Verdict::Unreadable(why),
            passed: Vec::new(),
            claimed_by: Some(READABLE),
        }
    }
}

/// The name of the first gate.
pub const READABLE: &str = "readable";

/// Leads a mail through the gates. The mail comes back too, if it can be read.
pub fn pass(bytes: Vec<u8>, house: &House) -> (Judged, Option<Mail>) {
    let mail = match Mail::read(bytes) {
        Ok(mail) => mail,
        Err(why) => return (Judged::unreadable(why), None),
    };
    let mut passed = vec![READABLE];
    let look = Look {
        mail: &mail,
        house,
        report: OnceCell::new(),
    };
    for gate in GATES {
        if let Some(verdict) = (gate.ask)(&look) {
            return (
                Judged {
                    verdict,
                    passed,
                    claimed_by: Some(gate.name),
                },
                Some(mail),
            );
        }
        passed.push(gate.name);
    }
    (
        Judged {
            verdict: Verdict::Unknown,
            passed,
            claimed_by: None,
        },
        Some(mail),
    )
}

/// A loop, or a copy of what we sent: no person wrote it. What a colleague wrote from the team's address is not lost.
fn own(look: &Look) -> Option<Verdict> {
    let from = look.mail.from().filter(|_| look.mail.is_automatic())?;
    look.house
        .addresses
        .iter()
        .any(|ours| ours.key() == from.key())
        .then_some(Verdict::Own)
}

fn bounced(look: &Look) -> Option<Verdict> {
    match look.report() {
        Report::Bounces(bounces) => Some(Verdict::Bounce(bounces.clone())),
        _ => None,
    }
}

fn challenge(look: &Look) -> Option<Verdict> {
    (*look.report() == Report::Challenge).then_some(Verdict::Challenge)
}

fn vacation(look: &Look) -> Option<Verdict> {
    (*look.report() == Report::Vacation).then_some(Verdict::Vacation)
}

fn complaint(look: &Look) -> Option<Verdict> {
    (*look.report() == Report::Complaint).then_some(Verdict::Complaint)
}

fn automatic(look: &Look) -> Option<Verdict> {
    look.mail.is_automatic().then_some(Verdict::Automatic)
}

/// What a person asks of a list. Nothing in it is believed yet.
fn request(look: &Look) -> Option<Verdict> {
    asked(look.mail, &look.house.doors).map(Verdict::Request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> House {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        House {
            addresses: vec![
                address("cert@example.org"),
                address("universities@example.org"),
            ],
            bounces: Some(address("bounces@example.org")),
            doors: Doors {
                lists: vec![(
                    "universities".parse().expect("a name"),
                    address("universities@example.org"),
                )],
                desk: Some(address("cert@example.org")),
            },
        }
    }

    #[track_caller]
    fn check(text: &str, verdict: &str, claimed_by: Option<&str>) {
        let (judged, _) = pass(text.replace('\n', "\r\n").into_bytes(), &house());
        assert_eq!(
            (judged.verdict.as_str(), judged.claimed_by),
            (verdict, claimed_by),
            "{text}"
        );
        let before: Vec<&str> = std::iter::once(READABLE)
            .chain(GATES.iter().map(|gate| gate.name))
            .take_while(|name| Some(*name) != claimed_by)
            .collect();
        assert_eq!(judged.passed, before, "the gates are passed in their order");
    }

    #[test]
    fn the_first_gate_that_claims_a_mail_gives_the_verdict() {
        check("no header at all", "unreadable", Some("readable"));
        check(
            "From: CERT@example.org\nAuto-Submitted: auto-generated\nSubject: Re: [TLP:GREEN]\n\nour own\n",
            "own",
            Some("own"),
        );
        check(
            "From: CERT@example.org\nSubject: a question\n\nDid this come through?\n",
            "unknown",
            None,
        );
        check(
            "From: MAILER-DAEMON@x.example.net\nReturn-Path: <>\nSubject: failure notice\n\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<ada@x.example.net>:\nno such user\n",
            "bounce",
            Some("bounce"),
        );
        check(
            "From: ada@x.example.net\nSubject: Please confirm your message\nIn-Reply-To: <1@example.org>\n\nProve that you are human: ...\n",
            "challenge",
            Some("challenge"),
        );
        check(
            "From: ada@x.example.net\nAuto-Submitted: auto-replied\nSubject: Out of office: alert\n\nBack on Monday.\n",
            "vacation",
            Some("vacation"),
        );
        check(
            "From: x@x.example.net\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nspam\n--b--\n",
            "complaint",
            Some("complaint"),
        );
        check(
            "From: news@x.example.net\nList-Id: <news.x.example.net>\n\nnews\n",
            "automatic",
            Some("automatic"),
        );
        check(
            "From: ada@x.example.net\nTo: universities-help@example.org\n\nHow?\n",
            "request",
            Some("request"),
        );
        check(
            "From: ada@x.example.net\nTo: cert@example.org\nSubject: subscribe universities\n\n",
            "request",
            Some("request"),
        );
        check(
            "From: ada@x.example.net\nSubject: hello\n\nWho are you?\n",
            "unknown",
            None,
        );
    }

    #[test]
    fn a_token_that_a_person_sends_back_is_a_request_and_one_that_a_program_quotes_is_none() {
        let reply = |field: &str| {
            format!(
                "From: ada@x.example.net\nTo: universities-unsubscribe@example.org\nSubject: Re: Example CERT: confirm aaaqeayeaudaocajbifqydiob4\nIn-Reply-To: <1@example.org>\n{field}\n\n> Somebody, probably you, asked that ada@x.example.net gets no more mail from the list Universities.\n> If you want that, answer this mail and leave its subject as it is; or send a mail with this line as its subject:\n>\n>     confirm aaaqeayeaudaocajbifqydiob4\n"
            )
        };
        check(&reply("X-Mailer: mutt"), "request", Some("request"));
        check(
            &reply("Auto-Submitted: auto-replied"),
            "automatic",
            Some("automatic"),
        );
        let away = reply("X-Mailer: x").replace("Subject: Re:", "Subject: Out of office: Re:");
        check(&away, "vacation", Some("vacation"));
    }

    #[test]
    fn the_token_is_what_stands_behind_our_own_address() {
        let of = |to: &str| {
            let mail = Mail::read(format!("To: {to}\r\n\r\n").into_bytes()).expect("a mail");
            house().token(&mail)
        };
        assert_eq!(of("bounces+k3x@example.org").as_deref(), Some("k3x"));
        assert_eq!(of("Bounces+K3x@Example.ORG").as_deref(), Some("K3x"));
        assert_eq!(of("bounces@example.org"), None);
        assert_eq!(of("bounces+k3x@elsewhere.example"), None);
        assert_eq!(of("ada+k3x@example.org"), None);
    }
}
