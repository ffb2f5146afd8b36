//! What somebody asks of a list by mail, and what comes of it: pure values, and one function that decides.
//!
//! A mail can cause no more than a [`Decision`] says. The farthest-reaching, to leave and to change a key, need the member's
//! own signature over the very words, or a token that only the member's mailbox saw.

use super::{
    mail::Mail,
    signed::{Flaw, Signed},
};
use crate::{
    render::letter::{Hindrance, command_address},
    roster::{Contact, List, Roster},
    team::Team,
    terms::{Address, Fingerprint, Slug},
};

/// Letters in a token.
const TOKEN: usize = 26;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To join, or to change a key.
    Subscribe,
    /// To leave.
    Unsubscribe,
    /// How this works.
    Help,
    /// A token comes back.
    Confirm(String),
}

impl Wish {
    /// The word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Wish::Subscribe => "subscribe",
            Wish::Unsubscribe => "unsubscribe",
            Wish::Help => "help",
            Wish::Confirm(_) => "confirm",
        }
    }
}

/// A request, as far as the mail's addresses and commands say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub wish: Wish,
    /// Of which list.
    pub list: Slug,
}

/// The addresses that take requests.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// Each list's name and address: `LIST-subscribe@…` and the like belong to it.
    pub lists: Vec<(Slug, Address)>,
    /// Takes a command for any of them: the team's own address.
    pub desk: Option<Address>,
}

impl Doors {
    /// Those of a workspace.
    pub fn of(roster: &Roster, team: &Team) -> Doors {
        let lists = roster
            .lists
            .values()
            .map(|list| (list.name.clone(), list.address.clone()));
        Doors {
            lists: lists.collect(),
            desk: Some(team.email.clone()),
        }
    }
}

/// What a mail asks, if it is a request: one that came to `LIST-subscribe@…` and the like, or to the team with a command as
/// its subject or in its first line.
pub fn asked(mail: &Mail, doors: &Doors) -> Option<Asked> {
    let recipients = mail.recipients();
    let token = token(mail);
    for recipient in &recipients {
        for (list, address) in &doors.lists {
            for wish in [Wish::Subscribe, Wish::Unsubscribe, Wish::Help] {
                if recipient.key() == command_address(address, wish.as_str()).to_ascii_lowercase() {
                    let wish = token.map_or(wish, Wish::Confirm);
                    return Some(Asked {
                        wish,
                        list: list.clone(),
                    });
                }
            }
        }
    }
    let is_desk = |recipient: &Address| {
        doors
            .desk
            .as_ref()
            .is_some_and(|desk| desk.key() == recipient.key())
    };
    if !recipients.iter().any(is_desk) {
        return None;
    }
    let text = mail.text();
    let lines = [
        mail.subject(),
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default(),
    ];
    lines.into_iter().find_map(|line| command(line, doors))
}

/// `subscribe LIST`: a command and the name, or the address, of a list, and nothing else.
fn command(line: &str, doors: &Doors) -> Option<Asked> {
    let mut words = line.split_whitespace();
    let (first, name) = (words.next()?, words.next()?);
    let wish = [Wish::Subscribe, Wish::Unsubscribe, Wish::Help]
        .into_iter()
        .find(|wish| first.eq_ignore_ascii_case(wish.as_str()))?;
    let is_called = |list: &Slug, address: &Address| {
        [list.as_str(), address.as_str(), address.local()]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    let (list, _) = doors
        .lists
        .iter()
        .find(|(list, address)| is_called(list, address))?;
    words.next().is_none().then(|| Asked {
        wish,
        list: list.clone(),
    })
}

/// The token after the word `confirm` in the subject, or in a line of the text.
fn token(mail: &Mail) -> Option<String> {
    let in_line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_token = |word: &&str| {
            word.len() == TOKEN && word.bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7'))
        };
        words
            .windows(2)
            .find(|two| two[0].eq_ignore_ascii_case("confirm") && is_token(&two[1]))
            .map(|two| two[1].to_string())
    };
    in_line(mail.subject()).or_else(|| mail.text().lines().take(200).find_map(in_line))
}

/// What a token that came back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// None came, or one that is worth nothing here.
    Nothing,
    /// Of a mail that asked this sender whether they want to leave this list.
    Leaving,
    /// Of an encrypted mail to a new member.
    Challenge,
}

/// All that a decision depends on.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What is asked.
    pub wish: &'a Wish,
    /// Of which list.
    pub list: &'a List,
    /// Who wrote, if the mail has one sender with an address that we write to.
    pub from: Option<&'a Address>,
    /// Who signed it.
    pub proof: &'a Result<Signed, Flaw>,
    /// Whether it was taken before: the mail, or what it signs.
    pub is_known: bool,
    /// Who has the sender's address here.
    pub contact: Option<&'a Contact>,
    /// Whether the contact has still to prove that they can read.
    pub is_unproven: bool,
    /// What came back.
    pub token: Token,
    /// Whether staff can be given more requests.
    pub has_room: bool,
}

/// Everything that a mail can cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, and no answer.
    Nothing(Idle),
    /// An answer that says how to ask; and, to who tried to join, why that was none.
    Explain(Option<Hindrance>),
    /// The answer that a request has arrived, which says nothing; everything is as was asked.
    NothingNew,
    /// Staff decide.
    Keep(Purpose),
    /// The same challenge again, to a member who asks before they have answered it.
    ChallengeAgain,
    /// A mail that asks whether the sender wants to leave.
    AskWhetherToLeave,
    /// The sender gets no mail from the list any more, if they got any.
    Leave,
    /// The member whose challenge came back has proven that they can read.
    Prove,
    /// The member gets a new certificate, by word of the old one, and has to prove it.
    ChangeKey(Fingerprint),
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "`words` says each")]
pub enum Idle {
    NoSender,
    Known,
    BadToken,
    Full,
}

impl Idle {
    /// For staff.
    pub fn words(self) -> &'static str {
        match self {
            Idle::NoSender => "its sender is not one plain address",
            Idle::Known => "it was taken before: the same mail, or the same signature in another",
            Idle::BadToken => "its token is none of ours, is another's, or is too old",
            Idle::Full => "too many requests wait for staff already",
        }
    }
}

/// What staff are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To let somebody in.
    Join,
    /// To take another certificate for a contact.
    NewKey,
}

impl Purpose {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Join => "join",
            Purpose::NewKey => "new-key",
        }
    }
}

/// Decides.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let Some(from) = facts.from else {
        return Decision::Nothing(Idle::NoSender);
    };
    if facts.is_known {
        return Decision::Nothing(Idle::Known);
    }
    match facts.wish {
        Wish::Help => Decision::Explain(None),
        Wish::Confirm(_) => match facts.token {
            Token::Challenge => Decision::Prove,
            Token::Leaving => Decision::Leave,
            Token::Nothing => Decision::Nothing(Idle::BadToken),
        },
        Wish::Unsubscribe => match own_signature(facts) {
            Some(signed) if names(signed, "unsubscribe", facts.list) => Decision::Leave,
            _ => Decision::AskWhetherToLeave,
        },
        Wish::Subscribe => match facts.proof {
            Err(flaw) => Decision::Explain(Some(hindrance(flaw))),
            Ok(signed) => subscribe(facts, signed, from),
        },
    }
}

fn subscribe(facts: &Facts<'_>, signed: &Signed, from: &Address) -> Decision {
    if !signed.certificate.has_address(from) {
        return Decision::Explain(Some(Hindrance::OtherAddress));
    }
    let keep = |purpose| {
        if facts.has_room {
            Decision::Keep(purpose)
        } else {
            Decision::Nothing(Idle::Full)
        }
    };
    if let Some((contact, signed)) = facts.contact.zip(own_signature(facts)) {
        let offered = signed
            .offered
            .iter()
            .find(|one| Some(one.fingerprint()) != contact.certificate.as_ref());
        return match offered.filter(|one| one.has_address(from)) {
            // Only the words make it a wish: a new certificate may be attached to any signed mail, and be passed on.
            Some(new) if signed.names_key(new.fingerprint()) => {
                Decision::ChangeKey(new.fingerprint().clone())
            }
            _ if facts.is_unproven && contact.lists.contains(&facts.list.name) => {
                Decision::ChallengeAgain
            }
            _ if contact.lists.contains(&facts.list.name) => Decision::NothingNew,
            _ if !signed.state.is_usable() => Decision::Explain(Some(Hindrance::UnfitCertificate)),
            _ => keep(Purpose::Join),
        };
    }
    if !signed.state.is_usable() {
        return Decision::Explain(Some(Hindrance::UnfitCertificate));
    }
    match facts.contact {
        Some(contact) if contact.certificate.is_some() => keep(Purpose::NewKey),
        _ => keep(Purpose::Join),
    }
}

/// The signature, if it is by the certificate that staff have on file for the sender.
fn own_signature<'a>(facts: &Facts<'a>) -> Option<&'a Signed> {
    let named = facts.contact?.certificate.as_ref()?;
    facts
        .proof
        .as_ref()
        .ok()
        .filter(|signed| signed.certificate.fingerprint() == named)
}

fn names(signed: &Signed, command: &str, list: &List) -> bool {
    // The address, not the name alone: another team's list may have the same.
    signed.says(command, list.address.as_str())
}

fn hindrance(flaw: &Flaw) -> Hindrance {
    match flaw {
        Flaw::NotSigned => Hindrance::NotSigned,
        Flaw::NoCertificate => Hindrance::NoCertificate,
        Flaw::Altered | Flaw::Unreadable(_) => Hindrance::Altered,
        Flaw::NotInTime(_) => Hindrance::NotInTime,
        Flaw::Unfit(_) => Hindrance::UnfitCertificate,
        Flaw::OtherSender => Hindrance::OtherAddress,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        artefact::Digest,
        diag::{Findings, Source},
        openpgp::{Certificate, Kind, generate},
        roster::{self, KeyState},
        terms::Moment,
    };

    const ADA: &str = "ada@uni.example.org";

    fn now() -> Moment {
        "2026-11-22T12:00:00Z".parse().expect("a moment")
    }

    fn certificate(address: &str) -> Certificate {
        generate(
            &[&format!("Somebody <{address}>")],
            Kind::Member,
            None,
            &now(),
            None,
        )
        .expect("a key")
        .certificate
    }

    fn signed(certificate: &Certificate, text: &str) -> Result<Signed, Flaw> {
        let (certificate, state) = (certificate.clone(), KeyState::Usable { expires: None });
        let (subject, text, offered) = (String::new(), text.to_string(), Vec::new());
        Ok(Signed {
            certificate,
            state,
            made: now(),
            subject,
            text,
            offered,
            digest: Digest::of(b""),
        })
    }

    fn list() -> List {
        let source = Source::new(
            "lists/universities.yaml",
            "title: Universities\naddress: universities@lists.example.org\ntlp: AMBER\n",
        );
        let mut findings = Findings::new();
        let parsed = roster::parse_list(
            &source,
            "universities".parse().expect("a name"),
            &mut findings,
        );
        parsed.expect("a list").list
    }

    fn contact(certificate: Option<&Certificate>, lists: &[&str]) -> Contact {
        Contact {
            name: "Ada".into(),
            address: ADA.parse().expect("an address"),
            certificate: certificate.map(|one| one.fingerprint().clone()),
            language: None,
            phone: None,
            lists: lists
                .iter()
                .map(|list| list.parse().expect("a name"))
                .collect(),
            joined: None,
            suspended: None,
            constituent: "uni".parse().expect("a name"),
        }
    }

    /// What somebody asks in Ada's name; each story changes what is different.
    struct Case {
        wish: Wish,
        from: Option<Address>,
        proof: Result<Signed, Flaw>,
        contact: Option<Contact>,
        is_known: bool,
        is_unproven: bool,
        token: Token,
        has_room: bool,
    }

    impl Case {
        fn of(wish: Wish, proof: Result<Signed, Flaw>, contact: Option<Contact>) -> Case {
            let (from, token) = (ADA.parse().ok(), Token::Nothing);
            Case {
                wish,
                from,
                proof,
                contact,
                is_known: false,
                is_unproven: false,
                token,
                has_room: true,
            }
        }

        #[track_caller]
        fn gives(&self, decision: Decision) {
            let Case {
                wish,
                from,
                proof,
                contact,
                is_known,
                is_unproven,
                token,
                has_room,
            } = self;
            let (is_known, is_unproven, token, has_room) =
                (*is_known, *is_unproven, *token, *has_room);
            let (list, from, contact) = (list(), from.as_ref(), contact.as_ref());
            let facts = Facts {
                wish,
                list: &list,
                from,
                proof,
                is_known,
                contact,
                is_unproven,
                token,
                has_room,
            };
            assert_eq!(decide(&facts), decision);
        }
    }

    #[test]
    fn who_joins_is_for_staff_to_decide() {
        let ada = certificate(ADA);
        let join = || Case::of(Wish::Subscribe, signed(&ada, ""), None);
        join().gives(Decision::Keep(Purpose::Join));
        Case {
            has_room: false,
            ..join()
        }
        .gives(Decision::Nothing(Idle::Full));
        // A contact without a certificate, one of another list, and one who is on the list.
        Case {
            contact: Some(contact(None, &["universities"])),
            ..join()
        }
        .gives(Decision::Keep(Purpose::Join));
        Case {
            contact: Some(contact(Some(&ada), &["operators"])),
            ..join()
        }
        .gives(Decision::Keep(Purpose::Join));
        let member = || Case {
            contact: Some(contact(Some(&ada), &["universities"])),
            ..join()
        };
        member().gives(Decision::NothingNew);
        Case {
            is_unproven: true,
            ..member()
        }
        .gives(Decision::ChallengeAgain);
    }

    #[test]
    fn every_flaw_of_a_signature_is_no_request() {
        for (flaw, told) in [
            (Flaw::NotSigned, Hindrance::NotSigned),
            (Flaw::NoCertificate, Hindrance::NoCertificate),
            (Flaw::Altered, Hindrance::Altered),
            (Flaw::Unreadable(String::new()), Hindrance::Altered),
            (Flaw::NotInTime(now()), Hindrance::NotInTime),
            (
                Flaw::Unfit("certificate expired".into()),
                Hindrance::UnfitCertificate,
            ),
            (Flaw::OtherSender, Hindrance::OtherAddress),
        ] {
            let ada = certificate(ADA);
            Case::of(
                Wish::Subscribe,
                Err(flaw.clone()),
                Some(contact(Some(&ada), &["universities"])),
            )
            .gives(Decision::Explain(Some(told)));
            Case::of(
                Wish::Unsubscribe,
                Err(flaw),
                Some(contact(Some(&ada), &["universities"])),
            )
            .gives(Decision::AskWhetherToLeave);
        }
    }

    #[test]
    fn another_key_is_not_the_members() {
        let (ada, mallory) = (certificate(ADA), certificate("mallory@elsewhere.example"));
        let words = "unsubscribe universities@lists.example.org";
        let member = || Some(contact(Some(&ada), &["universities"]));
        Case::of(Wish::Subscribe, signed(&mallory, ""), member())
            .gives(Decision::Explain(Some(Hindrance::OtherAddress)));
        Case::of(Wish::Unsubscribe, signed(&mallory, words), member())
            .gives(Decision::AskWhetherToLeave);
        // Anybody can make a certificate that names Ada.
        let twin = certificate(ADA);
        Case::of(Wish::Unsubscribe, signed(&twin, words), member())
            .gives(Decision::AskWhetherToLeave);
        Case::of(Wish::Subscribe, signed(&twin, ""), member())
            .gives(Decision::Keep(Purpose::NewKey));
    }

    #[test]
    fn the_right_key_says_nothing_for_another_address() {
        let ada = certificate(ADA);
        let from = "ada@elsewhere.example".parse().ok();
        Case {
            from,
            ..Case::of(Wish::Subscribe, signed(&ada, ""), None)
        }
        .gives(Decision::Explain(Some(Hindrance::OtherAddress)));
    }

    #[test]
    fn to_leave_needs_the_members_own_words_or_a_token() {
        let ada = certificate(ADA);
        let leave = |text: &str| {
            Case::of(
                Wish::Unsubscribe,
                signed(&ada, text),
                Some(contact(Some(&ada), &["universities"])),
            )
        };
        leave("\n\n Unsubscribe  universities@LISTS.example.org \nThank you!")
            .gives(Decision::Leave);
        for text in [
            "",
            "hello",
            "> unsubscribe universities@lists.example.org",
            "unsubscribe universities@lists.other.example",
            "unsubscribe operators@lists.example.org",
            "do not unsubscribe universities@lists.example.org",
            "Thank you for the welcome. You wrote:\nunsubscribe universities@lists.example.org",
        ] {
            leave(text).gives(Decision::AskWhetherToLeave);
        }
        let confirm = |token| Case {
            token,
            ..Case::of(Wish::Confirm("x".into()), Err(Flaw::NotSigned), None)
        };
        confirm(Token::Leaving).gives(Decision::Leave);
        confirm(Token::Challenge).gives(Decision::Prove);
        confirm(Token::Nothing).gives(Decision::Nothing(Idle::BadToken));
    }

    #[test]
    fn a_key_is_changed_by_the_old_one_and_by_its_fingerprint_in_words() {
        let (old, new, others) = (
            certificate(ADA),
            certificate(ADA),
            certificate("bob@uni.example.org"),
        );
        let change = |offered: &Certificate, text: String| {
            let proof = signed(&old, &text).map(|signed| Signed {
                offered: vec![offered.clone()],
                ..signed
            });
            Case::of(
                Wish::Subscribe,
                proof,
                Some(contact(Some(&old), &["universities"])),
            )
        };
        let words = format!("key {}\nplease\n", new.fingerprint().spaced());
        change(&new, words.clone()).gives(Decision::ChangeKey(new.fingerprint().clone()));
        change(&new, "here is my new key".into()).gives(Decision::NothingNew);
        change(&others, format!("key {}", others.fingerprint())).gives(Decision::NothingNew);
        let stranger = Case {
            contact: None,
            ..change(&new, words)
        };
        stranger.gives(Decision::Keep(Purpose::Join));
    }

    #[test]
    fn what_was_taken_before_and_who_has_no_plain_address_causes_nothing() {
        let ada = certificate(ADA);
        for wish in [
            Wish::Subscribe,
            Wish::Unsubscribe,
            Wish::Help,
            Wish::Confirm("x".into()),
        ] {
            let case = || {
                Case::of(
                    wish.clone(),
                    signed(&ada, "unsubscribe universities@lists.example.org"),
                    Some(contact(Some(&ada), &["universities"])),
                )
            };
            Case {
                is_known: true,
                token: Token::Leaving,
                ..case()
            }
            .gives(Decision::Nothing(Idle::Known));
            Case {
                from: None,
                token: Token::Challenge,
                ..case()
            }
            .gives(Decision::Nothing(Idle::NoSender));
        }
    }
}
