//! Takes requests: gathers the facts, lets `request` decide, and carries the decision out.
//!
//! What a mail causes is durable before it is remembered, and remembered before it is answered: a run that breaks off does
//! the same once more, and at worst an answer is lost.

use super::{
    answer::Addressed,
    files::replace,
    mail::Mail,
    pending::{MOST, Pending, PendingError, Request, plain},
    request::{self, Asked, Decision, Doors, Facts, Idle, Token, Wish},
    signed::{self, Flaw, Signed},
};
use crate::{
    ledger::{Ledger, LedgerError, Mark},
    openpgp::Certificate,
    receipt::MemberHash,
    render::letter::Said,
    roster::{
        Contact, List,
        edit::{self, EditError},
    },
    terms::{Address, Fingerprint, Moment, Slug},
    workspace::{ReadError, Workspace},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How many answers one sender gets in a day.
const ANSWERS: u32 = 4;

/// And all senders together: somebody may write in the names of many.
const ANSWERS_IN_ALL: u32 = 500;

/// Why a request was not taken. Its mail has to stay where it is.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum TakeError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Pending(#[from] PendingError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error("cannot use `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// What became of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// None is due.
    None,
    /// It went out.
    Sent,
    /// The sender, or all senders, had enough answers today.
    Enough,
    /// It could not be sent, and is not tried again.
    Failed(String),
}

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What the mail asked.
    pub asked: Asked,
    /// What came of it.
    pub decision: Decision,
    /// Why the sender proved nothing, for staff.
    pub flaw: Option<String>,
    /// The name of the request that waits for staff.
    pub request: Option<String>,
    /// Whether a file of the workspace changed: whoever read it before has to read it again.
    pub changed: bool,
    /// What became of the answer.
    pub reply: Reply,
}

impl Taken {
    /// The decision in a word, for programs.
    pub fn word(&self) -> &'static str {
        match &self.decision {
            Decision::Nothing(Idle::Known) => "seen-before",
            Decision::Nothing(_) => "ignored",
            Decision::Explain(_) => "explained",
            Decision::NothingNew => "nothing-new",
            Decision::Keep(_) => "request",
            Decision::ChallengeAgain => "challenged-again",
            Decision::AskWhetherToLeave => "asked-to-confirm",
            Decision::Leave => "left",
            Decision::Prove => "proven",
            Decision::ChangeKey(_) => "key-changed",
        }
    }

    /// Whether staff have to look at the mail: it asks, and nothing came of it.
    pub fn is_for_staff(&self) -> bool {
        // A member who asks for what they have may have meant something else: a new key, and forgot to attach it.
        matches!(
            self.decision,
            Decision::NothingNew | Decision::Nothing(Idle::NoSender | Idle::BadToken | Idle::Full)
        )
    }

    /// In a sentence, for staff. No address stands in it.
    pub fn words(&self) -> String {
        let list = &self.asked.list;
        let what = match &self.decision {
            Decision::Nothing(idle) => format!(
                "`{}` for list `{list}` does nothing: {}",
                self.asked.wish.as_str(),
                idle.words()
            ),
            Decision::Explain(None) => format!("asks for help with list `{list}`"),
            Decision::Explain(Some(_)) => format!("would join list `{list}`, and is no request"),
            Decision::NothingNew => format!("asks to join list `{list}`, and is on it"),
            Decision::Keep(_) => format!("a request for list `{list}` waits for you"),
            Decision::ChallengeAgain => {
                format!("asks to join list `{list}` again, and was asked again for a proof")
            }
            Decision::AskWhetherToLeave => {
                format!("would leave list `{list}`, and was asked to confirm it")
            }
            Decision::Leave => format!("left list `{list}`"),
            Decision::Prove => format!("proved to read encrypted mail of list `{list}`"),
            Decision::ChangeKey(_) => {
                "changed the key, signed with the old one; what is encrypted waits for a proof"
                    .into()
            }
        };
        let flaw = self
            .flaw
            .as_ref()
            .map(|flaw| format!(" ({flaw})"))
            .unwrap_or_default();
        let reply = match &self.reply {
            Reply::None | Reply::Sent => String::new(),
            Reply::Enough => "; no answer, since there were enough today".into(),
            Reply::Failed(why) => format!("; the answer could not be sent: {why}"),
        };
        format!("{what}{flaw}{reply}")
    }
}

/// A request, and who signed it; nothing has come of it yet.
pub struct Examined<'m> {
    mail: &'m Mail,
    asked: Asked,
    from: Option<Address>,
    proof: Result<Signed, Flaw>,
}

/// Takes requests at one moment.
pub struct Clerk<'a> {
    /// What the team decided, as it is on the disk now.
    pub workspace: &'a Workspace,
    /// `.advise/`.
    pub work: &'a Path,
    /// The time.
    pub now: &'a Moment,
    /// Asks the sender's Web Key Directory.
    pub find: &'a dyn Fn(&Address) -> Vec<Certificate>,
}

/// Sends one answer, or says why not.
pub type Send<'s> = dyn FnMut(&Addressed<'_>) -> Result<(), String> + 's;

impl Clerk<'_> {
    /// Looks at a mail that may be a request: what it asks, and who signed it. Automatic mail is none, whatever it says
    /// (RFC 3834, 2). This may ask a directory that the sender chose, and take its time: nobody should have to wait for it.
    pub fn examine<'m>(&self, mail: &'m Mail) -> Result<Option<Examined<'m>>, TakeError> {
        let roster = &self.workspace.roster;
        let asked = request::asked(mail, &Doors::of(roster, &self.workspace.team));
        let Some(asked) = asked.filter(|_| !mail.is_automatic() && !self.is_ours(mail)) else {
            return Ok(None);
        };
        let from = mail.from();
        let contact = from
            .as_ref()
            .and_then(|from| roster.contact(from))
            .map(|contact| &**contact);
        let proof = self.proof(&asked.wish, mail, from.as_ref(), contact)?;
        Ok(Some(Examined {
            mail,
            asked,
            from,
            proof,
        }))
    }

    /// Decides on a request and does what that says.
    pub fn take(
        &self,
        examined: Examined<'_>,
        ledger: &mut Ledger,
        send: &mut Send<'_>,
    ) -> Result<Taken, TakeError> {
        let Examined {
            mail,
            asked,
            from,
            proof,
        } = examined;
        let roster = &self.workspace.roster;
        let list = roster
            .lists
            .get(&asked.list)
            .expect("only a list of this roster is asked for");
        let contact = from
            .as_ref()
            .and_then(|from| roster.contact(from))
            .map(|contact| &**contact);
        let marks = marks(ledger, mail, &asked.wish, from.as_ref(), &proof);
        let mut is_known = false;
        for mark in &marks {
            is_known |= ledger.knows(*mark)?;
        }
        let challenged = match &asked.wish {
            Wish::Confirm(token) => ledger.challenged(token)?,
            _ => None,
        };
        is_known |= challenged.as_ref().is_some_and(|proven| !proven.is_new);
        let token = match (&asked.wish, &from, &challenged) {
            (_, _, Some(_)) => Token::Challenge,
            (Wish::Confirm(token), Some(from), None)
                if ledger.is_leaving_token(token, from, &list.name, self.now) =>
            {
                Token::Leaving
            }
            _ => Token::Nothing,
        };
        let pending = Pending::of(self.work);
        let facts = Facts {
            wish: &asked.wish,
            list,
            from: from.as_ref(),
            proof: &proof,
            is_known,
            contact,
            is_unproven: match contact {
                Some(contact) => ledger
                    .unproven()?
                    .contains_key(&ledger.member(&contact.address)),
                None => false,
            },
            token,
            has_room: pending.ids()?.len() < MOST,
        };
        let decision = request::decide(&facts);
        let flaw = match &proof {
            Err(flaw) if matches!(asked.wish, Wish::Subscribe | Wish::Unsubscribe) => {
                Some(flaw.to_string())
            }
            _ => None,
        };
        let mut taken = Taken {
            asked,
            decision,
            flaw,
            request: None,
            changed: false,
            reply: Reply::None,
        };
        let Some(from) = from else { return Ok(taken) };
        let deed = Deed {
            clerk: self,
            mail,
            ledger,
            from: &from,
            list,
            contact,
            proof: proof.as_ref().ok(),
        };
        deed.carry_out(
            &mut taken,
            challenged.map(|proven| proven.member),
            &marks,
            &pending,
            send,
        )?;
        Ok(taken)
    }

    /// Whether we wrote it ourselves, or somebody would have us answer ourselves.
    fn is_ours(&self, mail: &Mail) -> bool {
        let settings = &self.workspace.settings.mail;
        let ours = [
            Some(&self.workspace.team.email),
            settings.from.as_ref(),
            settings.bounces.as_ref(),
        ];
        let lists = self
            .workspace
            .roster
            .lists
            .values()
            .map(|list| &list.address);
        let from = mail.addresses("from").concat().to_ascii_lowercase();
        ours.into_iter().flatten().chain(lists).any(|address| {
            from == address.key()
                || from
                    .strip_prefix(&address.local().to_ascii_lowercase())
                    .is_some_and(|rest| rest.starts_with(['-', '+']))
                    && from.ends_with(&format!("@{}", address.domain()))
        })
    }

    fn proof(
        &self,
        wish: &Wish,
        mail: &Mail,
        from: Option<&Address>,
        contact: Option<&Contact>,
    ) -> Result<Result<Signed, Flaw>, TakeError> {
        if !matches!(wish, Wish::Subscribe | Wish::Unsubscribe) {
            return Ok(Err(Flaw::NotSigned));
        }
        let known = match contact.and_then(|contact| contact.certificate.as_ref()) {
            Some(fingerprint) => self.workspace.certificates.read(fingerprint)?,
            None => None,
        };
        let find = || from.map(|from| (self.find)(from)).unwrap_or_default();
        let proof = signed::check(mail, known.as_ref(), &find, self.now);
        let (Ok(signed), Some(from)) = (&proof, from) else {
            return Ok(proof);
        };
        // We may know more of a certificate than the copy that came, whosever it is here.
        let merged = self
            .workspace
            .certificates
            .merged(signed.certificate.clone(), from)?;
        Ok(if merged.can_sign(self.now) {
            proof
        } else {
            Err(Flaw::Unfit(merged.state(self.now).to_string()))
        })
    }

    /// Domains that constituents have, read from their files: only who asks to join is looked for among them.
    fn domains(&self) -> Result<Vec<(String, &Slug)>, TakeError> {
        let mut all = Vec::new();
        for constituent in &self.workspace.roster.constituents {
            let profile = self.workspace.profile(&constituent.slug)?;
            all.extend(
                profile
                    .into_iter()
                    .flat_map(|profile| profile.domains)
                    .map(|domain| (domain, &constituent.slug)),
            );
        }
        Ok(all)
    }

    fn request(
        &self,
        id: String,
        mail: &Mail,
        from: &Address,
        list: &List,
        signed: &Signed,
        purpose: request::Purpose,
    ) -> Result<Request, TakeError> {
        let (domain, domains) = (from.domain(), self.domains()?);
        let is_in = |known: &str| domain == known || domain.ends_with(&format!(".{known}"));
        let own = domains.iter().filter(|(known, _)| is_in(known));
        let mut domain_of: Vec<Slug> = own.map(|(_, slug)| Slug::clone(slug)).collect();
        domain_of.dedup();
        let others = || domains.iter().map(|(domain, _)| domain.as_str());
        let resembles = if domain_of.is_empty() {
            resembling(domain, others())
        } else {
            None
        };
        Ok(Request {
            id,
            purpose,
            list: list.name.clone(),
            address: from.clone(),
            name: display_name(mail),
            certificate: signed.certificate.fingerprint().clone(),
            came: self.now.clone(),
            signed: signed.made.clone(),
            text: plain(signed.text.trim(), 2_000),
            says_so: signed.says("subscribe", list.address.as_str())
                || signed.says("subscribe", list.name.as_str()),
            domain_of,
            resembles,
            relay: self
                .workspace
                .settings
                .mail
                .authserv_id
                .as_ref()
                .and_then(|ours| relay(mail, ours)),
        })
    }
}

/// What our own mail server found of DKIM and SPF. It writes above what came with the mail, so its first word is its own
/// (RFC 8601, 5: it has to take away what others wrote in its name).
fn relay(mail: &Mail, ours: &str) -> Option<String> {
    let is_ours = |value: &&str| {
        let name = value
            .split(';')
            .next()
            .and_then(|name| name.split_whitespace().next());
        name.is_some_and(|name| name.eq_ignore_ascii_case(ours))
    };
    let field = mail.headers("authentication-results").find(is_ours)?;
    let found = field.split(';').skip(1).filter_map(|result| {
        let mut words = result.split_whitespace();
        let (method, verdict) = words.next()?.split_once('=')?;
        let known = ["dkim", "spf", "dmarc"]
            .into_iter()
            .find(|known| method.eq_ignore_ascii_case(known))?;
        let verdict: String = verdict
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(12)
            .collect();
        let of = words.find_map(|word| {
            word.strip_prefix("header.d=")
                .or_else(|| word.strip_prefix("smtp.mailfrom="))
        });
        let of: String = of
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(80)
            .collect();
        Some(if of.is_empty() {
            format!("{known} {verdict}")
        } else {
            format!("{known} {verdict} ({of})")
        })
    });
    let found: Vec<String> = found.take(6).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// A known domain that a stranger's looks like.
fn resembling<'d>(domain: &str, known: impl Iterator<Item = &'d str>) -> Option<String> {
    // What is mistaken for something else at a glance, in Latin letters; anything else is `xn--…` here and is seen.
    let seen = |domain: &str| {
        domain
            .replace("rn", "m")
            .replace("vv", "w")
            .replace('0', "o")
            .replace(['1', 'i'], "l")
            .replace('-', "")
    };
    let known: Vec<&str> = known.collect();
    let twin = known.iter().find(|known| seen(known) == seen(domain));
    twin.copied()
        .or_else(|| crate::terms::nearest(domain, known))
        .map(str::to_string)
}

/// What stands before the address in `From`, or what stands before the `@`.
fn display_name(mail: &Mail) -> String {
    let from = mail.header("from").unwrap_or_default();
    let name = plain(from.rsplit_once('<').map_or("", |(name, _)| name), 80)
        .replace(['"', '\\', '\n'], "");
    match name.trim() {
        "" => mail
            .from()
            .map(|from| from.local().to_string())
            .unwrap_or_default(),
        name => name.to_string(),
    }
}

/// What makes a request the same as another: its mail; and, whatever mail they stand in, the token that came back and what
/// was signed.
fn marks(
    ledger: &Ledger,
    mail: &Mail,
    wish: &Wish,
    from: Option<&Address>,
    proof: &Result<Signed, Flaw>,
) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let (Wish::Confirm(token), Some(from)) = (wish, from) {
        marks.push(ledger.mark("token", [from.key().as_bytes(), token.as_bytes()]));
    }
    if let Some((from, id)) = from.zip(mail.message_id()) {
        marks.push(ledger.mark("mail", [from.key().as_bytes(), id.as_bytes()]));
    }
    if let Ok(signed) = proof {
        let made = signed.made.unix().to_be_bytes();
        marks.push(ledger.mark(
            "signed",
            [
                signed.certificate.fingerprint().to_string().as_bytes(),
                &made[..],
                &signed.digest.0[..],
            ],
        ));
    }
    marks
}

/// A decision on its way.
struct Deed<'d> {
    clerk: &'d Clerk<'d>,
    mail: &'d Mail,
    ledger: &'d mut Ledger,
    from: &'d Address,
    list: &'d List,
    contact: Option<&'d Contact>,
    proof: Option<&'d Signed>,
}

impl Deed<'_> {
    fn carry_out(
        mut self,
        taken: &mut Taken,
        proven: Option<MemberHash>,
        marks: &[Mark],
        pending: &Pending,
        send: &mut Send<'_>,
    ) -> Result<(), TakeError> {
        let now = self.clerk.now;
        let mut command = String::new();
        let mut certificate = None;
        // What was decided comes first, then the memory of it, then the answer.
        match &taken.decision {
            Decision::Keep(purpose) => {
                let signed = self.proof.expect("only what is signed is kept");
                let copy = Certificate::renewed(None, &signed.certificate, self.from)
                    .unwrap_or_else(|| signed.certificate.clone());
                // With the name: what staff have looked at does not become something else before they approve it.
                let name = display_name(self.mail);
                let parts = [
                    self.from.key(),
                    copy.fingerprint().to_string(),
                    self.list.name.to_string(),
                    name,
                ];
                let id = self
                    .ledger
                    .name("pending", parts.iter().map(String::as_bytes))[..10]
                    .to_string();
                let request = self
                    .clerk
                    .request(id, self.mail, self.from, self.list, signed, *purpose)?;
                pending.keep(&request, &copy, self.mail.raw())?;
                taken.request = Some(request.id);
            }
            Decision::Leave => {
                taken.changed = write_all(&self.clerk.without_list(self.from, &self.list.name)?)?
            }
            Decision::Prove => {
                let member = proven.expect("a challenge is somebody's");
                self.ledger.prove(member, now)?;
            }
            Decision::ChangeKey(fingerprint) => {
                let offered = self.proof.iter().flat_map(|signed| &signed.offered);
                let new = offered
                    .into_iter()
                    .find(|one| one.fingerprint() == fingerprint)
                    .expect("it was among them");
                let new = Certificate::renewed(None, new, self.from).unwrap_or_else(|| new.clone());
                let new = self.clerk.workspace.certificates.merged(new, self.from)?;
                let edits = self.clerk.with_key(self.from, &new)?;
                // Held first: not one letter goes to a key that nobody has proven.
                command = self.challenge()?;
                write(
                    &self
                        .clerk
                        .workspace
                        .root
                        .join(format!("certs/{}.asc", new.fingerprint())),
                    new.armored().as_bytes(),
                )?;
                taken.changed = write_all(&edits)?;
                certificate = Some(new);
            }
            Decision::ChallengeAgain if self.may_answer()? => {
                command = self.challenge()?;
                certificate = self.proof.map(|signed| signed.certificate.clone());
            }
            Decision::AskWhetherToLeave => {
                command = format!(
                    "confirm {}",
                    self.ledger.leaving_token(self.from, &self.list.name, now)
                );
            }
            Decision::ChallengeAgain
            | Decision::Nothing(_)
            | Decision::Explain(_)
            | Decision::NothingNew => {}
        }
        if matches!(taken.decision, Decision::Nothing(_)) {
            return Ok(());
        }
        self.ledger.remember(marks, now)?;
        let is_members = proven.is_some_and(|member| member == self.ledger.member(self.from));
        let said = match &taken.decision {
            Decision::Nothing(_) => return Ok(()),
            Decision::Explain(why) => Said::Help(*why),
            Decision::NothingNew | Decision::Keep(_) => Said::Received,
            Decision::ChallengeAgain => Said::Welcome {
                ceiling: self.list.tlp,
                command: Some(&command),
            },
            Decision::AskWhetherToLeave => Said::ConfirmLeaving(&command),
            Decision::Leave => Said::Left,
            // Only the mailbox that was asked hears that it was.
            Decision::Prove if !is_members => return Ok(()),
            Decision::Prove => Said::Proven,
            Decision::ChangeKey(fingerprint) => Said::NewKey {
                certificate: fingerprint,
                command: &command,
            },
        };
        let is_owed = matches!(taken.decision, Decision::ChangeKey(_));
        if !is_owed && !self.may_answer()? {
            taken.reply = Reply::Enough;
            return Ok(());
        }
        self.ledger.count_answer(self.from, now)?;
        let id = self.mail.message_id().unwrap_or_default();
        let at = now.unix().to_be_bytes();
        let token = self.ledger.name(
            "answer",
            [
                self.from.key().as_bytes(),
                id.as_bytes(),
                taken.asked.wish.as_str().as_bytes(),
                &at[..],
            ],
        );
        let answer = Addressed {
            to: self.from,
            list: self.list,
            // In clear all get the team's language: another would tell that the address is known.
            lang: certificate
                .as_ref()
                .and(self.contact)
                .and_then(|contact| contact.language.as_ref()),
            said,
            certificate: certificate.as_ref(),
            token: &token,
            in_reply_to: self.mail.message_id(),
        };
        taken.reply = match send(&answer) {
            Ok(()) => Reply::Sent,
            Err(why) => Reply::Failed(why),
        };
        Ok(())
    }

    fn may_answer(&self) -> Result<bool, LedgerError> {
        let so_far = self.ledger.answered(self.from, self.clerk.now)?;
        Ok(so_far.to_sender < ANSWERS && so_far.to_all < ANSWERS_IN_ALL)
    }

    fn challenge(&mut self) -> Result<String, LedgerError> {
        let member = self.ledger.member(self.from);
        Ok(format!(
            "confirm {}",
            self.ledger
                .challenge(member, &self.list.name, self.clerk.now)?
        ))
    }
}

/// Files as they have to be.
type Edits = Vec<(PathBuf, String)>;

impl Clerk<'_> {
    /// Takes an address off a list: the contact stays, with what staff know of it.
    fn without_list(&self, address: &Address, list: &Slug) -> Result<Edits, TakeError> {
        self.edits(address, |contact, path, text| {
            let rest: Vec<Slug> = contact
                .lists
                .iter()
                .filter(|one| *one != list)
                .cloned()
                .collect();
            match rest.len() == contact.lists.len() {
                true => Ok(text.to_string()),
                false => edit::with_lists(path, text, address, Some(&rest)),
            }
        })
    }

    fn with_key(&self, address: &Address, new: &Certificate) -> Result<Edits, TakeError> {
        let fingerprint: &Fingerprint = new.fingerprint();
        self.edits(address, |_, path, text| {
            edit::with_field(
                path,
                text,
                address,
                "certificate",
                Some(&fingerprint.to_string()),
            )
        })
    }

    /// Every constituent's file that has the address and changes.
    fn edits(
        &self,
        address: &Address,
        change: impl Fn(&Contact, &str, &str) -> Result<String, EditError>,
    ) -> Result<Edits, TakeError> {
        let mut edits = Edits::new();
        for contact in self
            .workspace
            .roster
            .contacts()
            .filter(|contact| contact.address.key() == address.key())
        {
            let name = format!("constituents/{}.yaml", contact.constituent);
            let path = self.workspace.root.join(&name);
            let text = fs::read_to_string(&path).map_err(|source| TakeError::Io {
                path: path.clone(),
                source,
            })?;
            let edited = change(contact, &name, &text)?;
            if edited != text {
                edits.push((path, edited));
            }
        }
        Ok(edits)
    }
}

/// Says whether there was anything to write.
fn write_all(edits: &Edits) -> Result<bool, TakeError> {
    edits
        .iter()
        .try_for_each(|(path, text)| write(path, text.as_bytes()))?;
    Ok(!edits.is_empty())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TakeError> {
    replace(path, bytes).map_err(|source| TakeError::Io {
        path: path.to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_mail_server_is_believed_about_a_mail() {
        let relay = |header: &str| {
            relay(
                &Mail::read(format!("{header}\r\n\r\n").into_bytes()).expect("a mail"),
                "mx.cert.example.org",
            )
        };
        let good = "Authentication-Results: mx.cert.example.org; dkim=pass header.d=uni.example.org; spf=fail\r\n smtp.mailfrom=x@y.example";
        assert_eq!(
            relay(good).as_deref(),
            Some("dkim pass (uni.example.org), spf fail (x@y.example)")
        );
        assert_eq!(
            relay(
                "Authentication-Results: mx.elsewhere.example; dkim=pass header.d=uni.example.org"
            ),
            None
        );
        assert_eq!(
            relay("Authentication-Results: mx.cert.example.org.elsewhere.example; dkim=pass"),
            None
        );
        let forged = "Authentication-Results: mx.cert.example.org; dkim=fail\r\nAuthentication-Results: mx.cert.example.org; dkim=pass";
        assert_eq!(relay(forged).as_deref(), Some("dkim fail"));
    }

    #[test]
    fn a_domain_that_looks_like_a_known_one_is_told() {
        let known = ["uni.example.org", "modern.example.net"];
        for (stranger, twin) in [
            ("un1.example.org", Some("uni.example.org")),
            ("modem.example.net", Some("modern.example.net")),
            ("uni-example.org", Some("uni.example.org")),
            ("elsewhere.example", None),
        ] {
            assert_eq!(
                resembling(stranger, known.into_iter()).as_deref(),
                twin,
                "{stranger}"
            );
        }
    }
}
