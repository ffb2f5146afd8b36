//! Answers leave: composed, signed, let through the gate for one correspondent, and handed to the post with the null sender.

use crate::{
    channels::mail::{Parcel, ParcelError, Post, PostError, Reaches},
    diag::Findings,
    openpgp::{Certificate, Sealer, Signed, SignerError, TeamKey},
    receipt::Outcome,
    render::{
        letter::{Answer, AnswerShop, LetterError, ListFacts, Message, PackError, Packing, Said},
        words::Words,
    },
    roster::{KeyState, List},
    terms::{Address, Lang, Moment},
    tlp::{Audience, Cover, Gate, Refusal, Shareable, Tlp},
    workspace::Workspace,
};
use std::borrow::Cow;

/// Somebody who wrote to a list, member or not. They may see what everybody may see, and the gate lets nothing else through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correspondent(pub Address);

impl Audience for Correspondent {
    fn ceiling(&self) -> Tlp {
        Tlp::Clear
    }
    fn name(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.key())
    }
}

impl Reaches for Correspondent {
    fn reaches(&self, address: &Address) -> bool {
        self.0.key() == address.key()
    }
    fn nth(&self, place: usize) -> Option<&Address> {
        Some(&self.0).filter(|_| place == 0)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It cannot be written.
    #[error(transparent)]
    Letter(#[from] LetterError),
    /// It cannot be signed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// It cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The gate is shut.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not fit to travel.
    #[error(transparent)]
    Parcel(#[from] ParcelError),
    /// The post is closed.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The reader's certificate cannot be encrypted to.
    #[error("it cannot be encrypted: {0}")]
    Certificate(KeyState),
    /// A challenge without a certificate.
    #[error("it has to be encrypted, and there is no certificate")]
    NoCertificate,
    /// The server does not take it.
    #[error("the mail server answers: {0}")]
    NotTaken(String),
}

/// Where answers are written and signed.
pub struct Office<'a> {
    /// What the team decided.
    pub workspace: &'a Workspace,
    /// Signs.
    pub key: &'a TeamKey,
    /// The time.
    pub now: &'a Moment,
    /// Opens answers for their readers.
    pub gate: &'a Gate,
}

/// An answer to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Addressed<'a> {
    /// To whom: who wrote the mail, never where it wants its answers.
    pub to: &'a Address,
    /// About which list.
    pub list: &'a List,
    /// The reader's, if it is known; `None` is the team's own.
    pub lang: Option<&'a Lang>,
    /// What it says.
    pub said: Said<'a>,
    /// What it is encrypted to, if it has to be.
    pub certificate: Option<&'a Certificate>,
    /// What stands before the `@` of its Message-ID.
    pub token: &'a str,
    /// Of the mail that it answers, without brackets.
    pub in_reply_to: Option<&'a str>,
}

impl Office<'_> {
    /// Composes and signs it.
    pub fn compose(
        &self,
        answer: &Addressed<'_>,
    ) -> Result<Shareable<Message, Correspondent>, AnswerError> {
        let (team, settings) = (&self.workspace.team, &self.workspace.settings);
        let lang = answer.lang.unwrap_or_else(|| settings.site.default_lang());
        let from = settings.mail.from.as_ref().unwrap_or(&team.email);
        let words = Words::read(lang, &self.workspace.templates, &mut Findings::new());
        let list = ListFacts {
            name: answer.list.name.clone(),
            title: answer.list.title.in_lang(lang).to_string(),
            address: answer.list.address.clone(),
            help: team.email.clone(),
            owner: team.email.clone(),
        };
        let in_reply_to = answer.in_reply_to.map(|id| format!("<{id}>"));
        let shop = AnswerShop {
            lang,
            words: &words,
            team,
            from,
            to: answer.to,
            list: &list,
            signing: self.key.certificate().fingerprint(),
            message_id: &format!("<{}@{}>", answer.token, from.domain()),
            in_reply_to: in_reply_to.as_deref(),
            date: self.now,
        };
        let written = Answer::new(answer.said, &shop)?;
        let signed = self
            .gate
            .open(written, Correspondent(answer.to.clone()))?
            .make::<Signed<Answer>>(self.key)?;
        match answer.said.cover() {
            Cover::Signed => Ok(signed.make::<Message>(&Packing::Signed)?),
            Cover::Encrypted => {
                let certificate = answer.certificate.ok_or(AnswerError::NoCertificate)?;
                let keys = certificate
                    .judge(self.now)
                    .map_err(AnswerError::Certificate)?;
                let inline = signed.thing().inline();
                let packing = Packing::Encrypted {
                    sealer: &Sealer::new(&inline),
                    certificate: &keys,
                    now: self.now,
                };
                Ok(signed.make::<Message>(&packing)?)
            }
        }
    }
}

/// Hands an answer over. RFC 3834, 3.3: "the MAIL FROM address … SHOULD be null", so that nothing answers an answer.
pub fn send(
    message: &Shareable<Message, Correspondent>,
    post: &mut dyn Post,
) -> Result<(), AnswerError> {
    let parcel = Parcel::new(message, None, &message.audience().0)?;
    match post.send(&parcel)? {
        Outcome::Accepted(_) => Ok(()),
        // The words may repeat the address, and this goes into logs.
        other => Err(AnswerError::NotTaken(without_addresses(other.words()))),
    }
}

fn without_addresses(words: &str) -> String {
    let hide = |word: &str| {
        if word.contains('@') {
            "…".to_string()
        } else {
            word.to_string()
        }
    };
    words
        .split_whitespace()
        .map(hide)
        .take(40)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diag::Source,
        openpgp::{Kind, generate},
        team,
    };

    #[test]
    fn a_challenge_has_no_way_into_clear_text_and_the_rest_none_to_anybody_else() {
        let now: Moment = "2026-11-22T12:00:00Z".parse().expect("a moment");
        let made =
            generate(&["Team <cert@example.org>"], Kind::Team, None, &now, None).expect("a key");
        let key = TeamKey::from_file(made.secret.expose(), None, made.certificate, &now)
            .expect("a key that signs");
        let team = team::parse(
            &Source::new(
                "team.yaml",
                "name: Example CERT\nemail: cert@example.org\ntime_zone: Etc/UTC\nkeys: []\n",
            ),
            &mut Findings::new(),
        );
        let (team, to): (_, Address) = (
            team.expect("a team"),
            "ada@uni.example.org".parse().expect("an address"),
        );
        let lang = Lang::english();
        let list = ListFacts {
            name: "universities".parse().expect("a name"),
            title: "Universities".into(),
            address: "universities@example.org".parse().expect("an address"),
            help: team.email.clone(),
            owner: team.email.clone(),
        };
        let shop = AnswerShop {
            lang: &lang,
            words: &Words::read(&lang, &[], &mut Findings::new()),
            team: &team,
            from: &team.email,
            to: &to,
            list: &list,
            signing: key.certificate().fingerprint(),
            message_id: "<1@example.org>",
            in_reply_to: Some("<x\r\nBcc: mallory@elsewhere.example>"),
            date: &now,
        };
        let gate = Gate::new(&now, &now);
        let signed = |said: Said<'_>| {
            let answer = Answer::new(said, &shop).expect("an answer");
            gate.open(answer, Correspondent(to.clone()))
                .expect("let through")
                .make::<Signed<Answer>>(&key)
                .expect("signed")
        };
        let welcome = signed(Said::Welcome {
            ceiling: Tlp::Amber,
            command: Some("confirm aaaqeayeaudaocajbifqydiob4"),
        });
        assert_eq!(
            welcome.make::<Message>(&Packing::Signed).err(),
            Some(PackError::Challenge)
        );
        let left = signed(Said::Left)
            .make::<Message>(&Packing::Signed)
            .expect("packed");
        let text = String::from_utf8_lossy(&left.thing().bytes).into_owned();
        assert!(
            !text.contains("mallory") && !text.contains("In-Reply-To"),
            "{text}"
        );
        let mallory: Address = "mallory@elsewhere.example".parse().expect("an address");
        assert!(matches!(
            Parcel::new(&left, None, &mallory),
            Err(ParcelError::NotReached { .. })
        ));
        let answer = Answer::new(Said::Left, &shop).expect("an answer");
        assert_eq!(
            gate.open(answer, Correspondent(mallory)).err(),
            Some(Refusal::NotAddressed)
        );
    }
}
