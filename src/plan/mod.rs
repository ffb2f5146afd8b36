//! What `publish` would do, decided before anything happens: [`make`] is a pure function of [`Facts`].
//!
//! A plan is a forecast: it holds what the gate would let through at that time, and no proof of it. `publish` opens each
//! letter and each page with a gate of its own. `explain` says a plan in words and as JSON, `again` knows when what was deferred is due, `seen` keeps a later plan to what was shown,
//! `suspended` knows from whom letters are kept because they come back, `calls` who has to be phoned, `outlook` says who
//! would get a letter if nobody had it yet.
//! Nothing is read, rendered or sent here.

mod again;
mod calls;
mod expiring;
mod explain;
mod outlook;
mod seen;
mod suspended;

pub use again::{Again, again, pause};
pub use calls::{Call, Callee, Missing, calls};
pub use expiring::Expiring;
pub use explain::{
    expiring_json, expiring_words, json, stuck, suspended_json, suspended_words, words,
};
pub use outlook::{Prospect, Whom, Withheld, outlook};
pub use seen::Seen;
pub use suspended::{Colleague, Suspended, suspended};

use crate::{
    advisory::{Advisory, Reader, Status},
    artefact::Digest,
    receipt::{DeliveryKey, DocumentVersion, Frozen, History, Mail, MemberHash, Receipt, State},
    roster::{Contact, Delivery, Encrypt, KeyState, List, Roster},
    settings::Settings,
    terms::{Address, Fingerprint, Id, Lang, Moment},
    tlp::{Cover, Forecast, Public, Refusal},
};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashSet};

/// All that a plan depends on.
pub struct Facts<'a> {
    /// What the team says.
    pub advisories: &'a [Advisory],
    /// And what it has to say of its RFC 2350 document.
    pub announcement: Option<&'a Advisory>,
    /// Whom it warns.
    pub roster: &'a Roster,
    /// How it publishes.
    pub settings: &'a Settings,
    /// What can be done with a certificate at `now`.
    pub key_state: &'a dyn Fn(&Fingerprint) -> KeyState,
    /// What happened so far.
    pub history: &'a History,
    /// How the ledger knows a recipient.
    pub member: &'a dyn Fn(&Address) -> MemberHash,
    /// Of the RFC 2350 document's content as it would be made now.
    pub document: Option<Digest>,
    /// The time.
    pub now: &'a Moment,
    /// What was asked for.
    pub request: &'a Request,
}

impl<'a> Facts<'a> {
    /// Everything that may be mailed.
    fn all(&self) -> impl Iterator<Item = &'a Advisory> + use<'a> {
        self.advisories.iter().chain(self.announcement)
    }

    /// From whom letters are kept because others came back.
    fn suspended(&self) -> Vec<Suspended<'a>> {
        suspended(self.roster, &self.history.returns, self.member, self.now)
    }
}

/// What staff asked for on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Ids named there; empty means all.
    pub ids: Vec<Id>,
    /// Only one of the channels.
    pub only: Option<Only>,
}

/// One of the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the two words of --only")]
pub enum Only {
    Mail,
    Site,
}

/// Who gets one copy.
#[derive(Debug, Clone)]
pub struct Recipient<'a> {
    /// Where it goes.
    pub address: &'a Address,
    /// The person, unless it is a list server.
    pub contact: Option<&'a Contact>,
    /// What is encrypted to, under an encrypted cover.
    pub certificate: Option<&'a Fingerprint>,
    /// How the ledger knows the address.
    pub member: MemberHash,
    /// An earlier try broke off, so this copy may be the second.
    pub may_be_second: bool,
    /// Not before this, since an earlier try was deferred.
    // (in a box, since it is rare, and recipients are many)
    pub due: Option<Box<Moment>>,
}

/// The same letter for several recipients: one advisory, one audience, one language, one cover.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// What it carries.
    pub advisory: &'a Advisory,
    /// Whom it is for.
    pub whom: Whom<'a>,
    /// The letter's language.
    pub lang: &'a Lang,
    /// Signed or encrypted.
    pub cover: Cover,
    /// Of a try that broke off: this one has the same, whatever was changed since.
    pub message_id: Option<&'a str>,
    /// Never empty.
    pub recipients: Vec<Recipient<'a>>,
}

/// Why a letter waits for its recipient's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The contact's file names no certificate, and the cover is encrypted.
    NoCertificate,
    /// It names one that cannot be used.
    Certificate(Fingerprint, KeyState),
    /// It came by mail, and its owner was asked at this moment to show that they can read what is encrypted to it.
    Unproven(Moment),
}

/// A recipient who cannot get a letter yet, because it cannot be encrypted to them.
#[derive(Debug, Clone)]
pub struct Held<'a> {
    /// What it carries.
    pub advisory: &'a Advisory,
    /// Whom it is for.
    pub whom: Whom<'a>,
    /// The person, unless it is a list server.
    pub contact: Option<&'a Contact>,
    /// Where it would go.
    pub address: &'a Address,
    /// How the ledger knows the address.
    pub member: MemberHash,
    /// The reason.
    pub why: Why,
    /// Whether a notice without content is due.
    pub notice: bool,
    /// When it is, if it was deferred and that is not now.
    pub next: Option<Moment>,
}

/// A letter that is kept from a member, because others came back: see [`Suspended`].
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// What it carries.
    pub advisory: &'a Advisory,
    /// The list.
    pub whom: Whom<'a>,
    /// The person.
    pub contact: &'a Contact,
    /// How the ledger knows the address.
    pub member: MemberHash,
}

/// Something that is not done now, and why.
#[derive(Debug, Clone)]
pub struct Waiting<'a> {
    /// The advisory.
    pub advisory: &'a Advisory,
    /// The list, the person (masked), `public` or `mail`.
    pub audience: String,
    /// The reason.
    pub reason: Reason,
}

/// Why something is not done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The gate is shut.
    Refused(Refusal),
    /// Older than `mail.max_age` days and not named on the command line.
    TooOld,
    /// The list has no member.
    NobodyThere,
    /// So many copies failed for good; name the id to try again.
    FailedBefore(usize),
    /// So many copies were deferred and wait for their next try, the first of them until this moment.
    Later(usize, Moment),
    /// So many copies were deferred for days; name the id to try again.
    GivenUp(usize),
    /// So many who got an earlier revision are in the audience no more, and do not hear of the withdrawal.
    Unheard(usize),
    /// So many copies are kept from members whose letters come back.
    Suspended(usize),
}

impl Reason {
    /// Whether somebody has to do something about it.
    pub fn is_stuck(&self) -> bool {
        match self {
            Reason::NobodyThere
            | Reason::FailedBefore(_)
            | Reason::GivenUp(_)
            | Reason::Unheard(_)
            | Reason::Suspended(_) => true,
            Reason::Refused(_) | Reason::TooOld | Reason::Later(..) => false,
        }
    }
}

/// What changes on the site for one advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words speak for themselves")]
pub enum Change {
    Appears,
    /// Appears, and with it the summaries of earlier revisions that went to closed audiences only.
    Opens,
    Changes,
    Withdrawn,
    Disappears,
}

/// A revision that was published and whose file changed since.
#[derive(Debug, Clone)]
pub struct Conflict<'a> {
    /// As it is now.
    pub advisory: &'a Advisory,
    /// As it was published.
    pub frozen: &'a Frozen,
}

/// What would happen to the RFC 2350 document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentChange {
    /// Stays as it is.
    Unchanged(DocumentVersion),
    /// Gets this version.
    New(DocumentVersion),
}

/// Everything `publish` would do, and everything it would not do, with the reasons.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// Letters to send.
    pub batches: Vec<Batch<'a>>,
    /// Letters that were deferred and whose next try is not due: not sent.
    pub later: Vec<Batch<'a>>,
    /// Recipients who cannot get theirs yet.
    pub held: Vec<Held<'a>>,
    /// Letters that are kept from members whose letters come back.
    pub kept: Vec<Kept<'a>>,
    /// Those members, whether a letter is kept from them now or not; empty if mail is not asked for.
    pub suspended: Vec<Suspended<'a>>,
    /// Who hears of it, or has.
    pub colleagues: Vec<Colleague<'a>>,
    /// What is not done now.
    pub waiting: Vec<Waiting<'a>>,
    /// What stands on the site afterwards. Who makes the site opens these with a gate once more.
    pub public: Vec<&'a Advisory>,
    /// What changes there.
    pub site: Vec<(Id, String, Change)>,
    /// The RFC 2350 document.
    pub document: Option<DocumentChange>,
    /// The sections that a new version of it changes: `2.4, 2.8`; empty if that is not known.
    pub document_news: String,
    /// Copies of newest revisions that failed for good, or were deferred for days, and are still meant for somebody.
    pub stranded: Vec<DeliveryKey>,
    /// Published revisions that changed: `publish` stops.
    pub conflicts: Vec<Conflict<'a>>,
    /// Letters that were begun and whose advisory is gone, or a draft again: how many of each.
    pub orphans: Vec<(Id, usize)>,
    /// Members whose certificates end soon, whether they are told now or not; empty if mail is not asked for.
    pub expiring: Vec<Expiring<'a>>,
    /// Whether mail is part of the request.
    pub mail: bool,
    /// Whether the site is part of the request.
    pub web: bool,
}

impl Plan<'_> {
    /// How many letters would be sent.
    pub fn letters(&self) -> usize {
        self.batches
            .iter()
            .map(|batch| batch.recipients.len())
            .sum()
    }

    /// How many mails wait for their next try: letters, and notices and reminders.
    pub fn deferred(&self) -> usize {
        let letters: usize = self.later.iter().map(|batch| batch.recipients.len()).sum();
        let notices: HashSet<_> = self
            .held
            .iter()
            .filter(|held| held.next.is_some())
            .map(|held| held.member)
            .collect();
        let reminders = self
            .expiring
            .iter()
            .filter(|expiring| expiring.next.is_some())
            .count();
        letters
            + notices.len()
            + reminders
            + self
                .colleagues
                .iter()
                .filter(|colleague| colleague.next.is_some())
                .count()
    }

    /// When the first of them is due.
    pub fn next_try(&self) -> Option<&Moment> {
        let letters = self
            .later
            .iter()
            .flat_map(|batch| &batch.recipients)
            .filter_map(|recipient| recipient.due.as_deref());
        let notices = self.held.iter().filter_map(|held| held.next.as_ref());
        let reminders = self
            .expiring
            .iter()
            .filter_map(|expiring| expiring.next.as_ref());
        let colleagues = self
            .colleagues
            .iter()
            .filter_map(|colleague| colleague.next.as_ref());
        letters
            .chain(notices)
            .chain(reminders)
            .chain(colleagues)
            .min()
    }

    /// How many notices would be sent: one for each member, however much is held.
    pub fn notices(&self) -> usize {
        self.held
            .iter()
            .filter(|held| held.notice)
            .map(|held| held.member)
            .collect::<HashSet<_>>()
            .len()
    }

    /// How many reminders of ending certificates would be sent.
    pub fn reminders(&self) -> usize {
        self.expiring.iter().filter(|expiring| expiring.due).count()
    }

    /// How many colleagues would be told that somebody's mail comes back.
    pub fn warnings(&self) -> usize {
        self.colleagues
            .iter()
            .filter(|colleague| colleague.due)
            .count()
    }

    /// How many mails would be sent: letters, and those without content.
    pub fn mails(&self) -> usize {
        self.letters() + self.notices() + self.reminders() + self.warnings()
    }

    /// Whether something may have to be signed: a mail, or a text that was not on the site before.
    pub fn signs(&self) -> bool {
        let appears = self
            .site
            .iter()
            .any(|(_, _, change)| *change != Change::Disappears);
        self.mails() > 0 || appears || matches!(self.document, Some(DocumentChange::New(_)))
    }

    /// Letters that somebody is to get and has not got: to be sent now or later, held, kept, or stranded.
    pub fn unsettled(&self) -> HashSet<DeliveryKey> {
        let batches = self.batches.iter().chain(&self.later);
        let copies = batches.flat_map(|batch| {
            batch
                .recipients
                .iter()
                .map(|one| letter_key(batch.advisory, one.member))
        });
        copies
            .chain(self.held())
            .chain(self.kept())
            .chain(self.stranded.iter().cloned())
            .collect()
    }

    /// Letters that wait for their recipient's certificate.
    pub fn held(&self) -> impl Iterator<Item = DeliveryKey> {
        self.held
            .iter()
            .map(|held| letter_key(held.advisory, held.member))
    }

    /// Letters that are kept from members whose letters come back.
    pub fn kept(&self) -> impl Iterator<Item = DeliveryKey> {
        self.kept
            .iter()
            .map(|kept| letter_key(kept.advisory, kept.member))
    }

    /// Whether the plan cannot tell what becomes of this advisory's letters: it is gone, a draft again, or changed
    /// without a new revision.
    pub fn is_at_a_loss_with(&self, id: &Id) -> bool {
        self.orphans.iter().any(|(orphan, _)| orphan == id)
            || self
                .conflicts
                .iter()
                .any(|conflict| conflict.advisory.id == *id)
    }

    /// Whether somebody has to look: something is held, or stuck.
    pub fn needs_attention(&self) -> bool {
        !self.held.is_empty() || self.is_stuck()
    }

    /// Whether a letter that should reach someone does not, and no certificate would mend that.
    pub fn is_stuck(&self) -> bool {
        !self.orphans.is_empty()
            || !self.suspended.is_empty()
            || self.waiting.iter().any(|waiting| waiting.reason.is_stuck())
    }

    /// Whether nothing would be sent and nothing known would change in public.
    pub fn is_empty(&self) -> bool {
        self.mails() == 0
            && self.site.is_empty()
            && !matches!(self.document, Some(DocumentChange::New(_)))
    }
}

/// Decides. The order of audiences in an advisory decides by which of several lists a member gets it, once.
pub fn make<'a>(facts: &Facts<'a>) -> Plan<'a> {
    let forecast = Forecast::at(facts.now);
    let mail = facts.request.only != Some(Only::Site);
    let web = facts.request.only != Some(Only::Mail);
    let news = facts.announcement.map(Advisory::revision);
    let document = facts
        .document
        .filter(|_| web)
        .map(|digest| document_change(facts.history, digest, facts.now));
    let is_new = |number: &str| matches!(&document, Some(DocumentChange::New(new)) if new.version.to_string() == number);
    let document_news = news
        .filter(|news| is_new(&news.number))
        .map(|news| news.summary.clone())
        .unwrap_or_default();
    let suspended = if mail { facts.suspended() } else { Vec::new() };
    let mut plan = Plan {
        batches: Vec::new(),
        later: Vec::new(),
        held: Vec::new(),
        kept: Vec::new(),
        colleagues: suspended::colleagues(facts, &suspended),
        waiting: Vec::new(),
        public: Vec::new(),
        site: Vec::new(),
        document,
        document_news,
        stranded: Vec::new(),
        conflicts: Vec::new(),
        orphans: if mail { orphans(facts) } else { Vec::new() },
        expiring: if mail {
            expiring::expiring(facts, &suspended)
        } else {
            Vec::new()
        },
        suspended,
        mail,
        web,
    };
    let named = |advisory: &Advisory| facts.request.ids.contains(&advisory.id);
    let all: Vec<&Advisory> = facts
        .all()
        .filter(|advisory| advisory.status != Status::Draft)
        .collect();
    let history = facts.history;
    let another = |advisory: &&Advisory| {
        let frozen = history
            .frozen
            .get(&(advisory.id.clone(), advisory.revision().number.clone()));
        frozen.filter(|frozen| frozen.digest != advisory.digest)
    };
    let frozen: Vec<Option<&Frozen>> = all.par_iter().map(another).collect();
    for (advisory, frozen) in all.into_iter().zip(frozen) {
        let asked = facts.request.ids.is_empty() || named(advisory);
        if let Some(frozen) = frozen {
            plan.conflicts.push(Conflict { advisory, frozen });
            continue;
        }
        if mail && asked {
            letters(facts, &forecast, advisory, named(advisory), &mut plan);
        }
    }
    public(facts, &forecast, &mut plan);
    plan
}

fn letters<'a>(
    facts: &Facts<'a>,
    forecast: &Forecast,
    advisory: &'a Advisory,
    named: bool,
    plan: &mut Plan<'a>,
) {
    let too_old = advisory.updated().days_until(facts.now) > i64::from(facts.settings.mail.max_age);
    let mut reached: HashSet<MemberHash> = HashSet::new();
    let (mut failed, mut given_up) = (0, 0);
    let before = plan.later.len();
    let mut old = false;
    for reader in &advisory.audience {
        let (whom, judged) = match reader {
            Reader::List(name) => match facts.roster.lists.get(name) {
                Some(list) => (Whom::List(list), forecast.judge(advisory, list)),
                None => continue, // `check` has made sure that every list exists
            },
            Reader::Person(address) => match facts.roster.contact(address) {
                Some(contact) => (Whom::Person(contact), forecast.judge(advisory, &**contact)),
                None => continue, // likewise
            },
            Reader::Public => continue,
        };
        if let Err(refusal) = judged {
            plan.waiting.push(Waiting {
                advisory,
                audience: reader.to_string(),
                reason: Reason::Refused(refusal),
            });
            continue;
        }
        let recipients = recipients(facts, advisory, whom);
        // A withdrawal that nobody has to hear is nothing to wait for.
        if recipients.is_empty() && advisory.status != Status::Withdrawn {
            plan.waiting.push(Waiting {
                advisory,
                audience: reader.to_string(),
                reason: Reason::NobodyThere,
            });
        }
        let kept = plan.kept.len();
        for (address, contact, certificate) in recipients {
            let member = (facts.member)(address);
            if !reached.insert(member) {
                continue;
            }
            let is_kept = whom.list().is_some_and(|list| {
                plan.suspended
                    .iter()
                    .any(|one| one.member == member && one.list.name == list.name)
            });
            match (due(facts, advisory, member, named), contact) {
                (Due::Send { begun: false, .. }, _) if too_old && !named => old = true,
                (Due::Failed | Due::GivenUp | Due::Send { .. }, Some(contact)) if is_kept => {
                    plan.kept.push(Kept {
                        advisory,
                        whom,
                        contact,
                        member,
                    });
                }
                (Due::Done, _) => {}
                (Due::Failed, _) => {
                    failed += 1;
                    plan.stranded.push(letter_key(advisory, member));
                }
                (Due::GivenUp, _) => {
                    given_up += 1;
                    plan.stranded.push(letter_key(advisory, member));
                }
                (
                    Due::Send {
                        may_be_second, due, ..
                    },
                    contact,
                ) => {
                    let to = Copy {
                        address,
                        contact,
                        certificate,
                        member,
                        may_be_second,
                        due,
                    };
                    sort_in(facts, advisory, whom, to, plan);
                }
            }
        }
        let copies = plan.kept.len() - kept;
        if copies > 0 {
            plan.waiting.push(Waiting {
                advisory,
                audience: reader.to_string(),
                reason: Reason::Suspended(copies),
            });
        }
    }
    if advisory.status == Status::Withdrawn {
        let heard = |key: &DeliveryKey, receipt: &Receipt| {
            key.advisory == advisory.id && key.mail == Mail::Letter && receipt.may_have_arrived()
        };
        // Who heard of it and left since has heard of it.
        let knows = |member: &MemberHash| {
            let receipt = facts.history.deliveries.get(&letter_key(advisory, *member));
            receipt.is_some_and(|receipt| matches!(receipt.state, State::Accepted | State::Sending))
        };
        let told = facts
            .history
            .deliveries
            .iter()
            .filter(|(key, receipt)| heard(key, receipt))
            .map(|(key, _)| key.member);
        let unheard = told
            .filter(|member| !reached.contains(member) && !knows(member))
            .collect::<HashSet<_>>()
            .len();
        if unheard > 0 {
            plan.waiting.push(Waiting {
                advisory,
                audience: "mail".into(),
                reason: Reason::Unheard(unheard),
            });
        }
    }
    if old {
        plan.waiting.push(Waiting {
            advisory,
            audience: "mail".into(),
            reason: Reason::TooOld,
        });
    }
    let later = plan.later[before..]
        .iter()
        .flat_map(|batch| &batch.recipients)
        .filter_map(|recipient| recipient.due.as_deref().cloned());
    let later: Vec<Moment> = later.collect();
    let copies = later.len();
    if let Some(next) = later.into_iter().min() {
        plan.waiting.push(Waiting {
            advisory,
            audience: "mail".into(),
            reason: Reason::Later(copies, next),
        });
    }
    if failed > 0 {
        plan.waiting.push(Waiting {
            advisory,
            audience: "mail".into(),
            reason: Reason::FailedBefore(failed),
        });
    }
    if given_up > 0 {
        plan.waiting.push(Waiting {
            advisory,
            audience: "mail".into(),
            reason: Reason::GivenUp(given_up),
        });
    }
}

struct Copy<'a> {
    address: &'a Address,
    contact: Option<&'a Contact>,
    certificate: Option<&'a Fingerprint>,
    member: MemberHash,
    may_be_second: bool,
    due: Option<Moment>,
}

/// Letters that wait for a try that the plan will never ask for.
fn orphans(facts: &Facts<'_>) -> Vec<(Id, usize)> {
    let alive: HashSet<&Id> = facts
        .all()
        .filter(|advisory| advisory.status != Status::Draft)
        .map(|advisory| &advisory.id)
        .collect();
    let mut orphans: BTreeMap<Id, usize> = BTreeMap::new();
    for (key, receipt) in &facts.history.deliveries {
        let open = matches!(
            receipt.state,
            State::Intended | State::Sending | State::Deferred
        );
        if open && key.mail == Mail::Letter && !alive.contains(&key.advisory) {
            *orphans.entry(key.advisory.clone()).or_default() += 1;
        }
    }
    orphans.into_iter().collect()
}

/// Puts one copy into its batch, or among the held.
fn sort_in<'a>(
    facts: &Facts<'a>,
    advisory: &'a Advisory,
    whom: Whom<'a>,
    to: Copy<'a>,
    plan: &mut Plan<'a>,
) {
    let always = whom
        .list()
        .is_some_and(|list| list.encrypt == Encrypt::Always);
    let cover = Cover::for_letter(advisory.tlp, always, to.certificate.is_some());
    if let Some(why) = hindrance(facts, cover, to.certificate, to.member) {
        let key = notice_key(&advisory.id, to.member);
        // At most once: one of which nobody knows whether it arrived is not sent again.
        let before = facts.history.deliveries.get(&key);
        let named = facts.request.ids.contains(&advisory.id);
        let (due, next) = before.map_or((true, None), |receipt| {
            match (receipt.state, again(receipt)) {
                (State::Accepted | State::Sending, _) => (false, None),
                (State::Failed, _) | (_, Again::Never) => (named, None),
                (_, Again::At(due)) if !named && due > *facts.now => (false, Some(due)),
                (_, Again::At(_) | Again::Now) => (true, None),
            }
        });
        // Who has to prove their key was asked to already, and the notice speaks of a certificate that is not good.
        let told = is_told(facts, whom.list(), to.contact) && !matches!(why, Why::Unproven(_));
        let (notice, next) = (told && due, next.filter(|_| told));
        let Copy {
            contact,
            address,
            member,
            ..
        } = to;
        plan.held.push(Held {
            advisory,
            whom,
            contact,
            address,
            member,
            why,
            notice,
            next,
        });
        return;
    }
    let lang = language(facts.settings, advisory, to.contact);
    let recipient = Recipient {
        address: to.address,
        contact: to.contact,
        certificate: to.certificate.filter(|_| cover == Cover::Encrypted),
        member: to.member,
        may_be_second: to.may_be_second,
        due: to.due.map(Box::new),
    };
    let before = facts
        .history
        .deliveries
        .get(&letter_key(advisory, to.member))
        .filter(|receipt| receipt.may_have_arrived());
    let message_id = before.map(|receipt| receipt.intent.message_id.as_str());
    let same = |batch: &&mut Batch<'_>| {
        batch.advisory.id == advisory.id
            && batch.lang == lang
            && batch.cover == cover
            && batch.message_id == message_id
            && match (batch.whom.list(), whom.list()) {
                (Some(a), Some(b)) => a.name == b.name,
                _ => false, // a letter to a person is made for that person alone
            }
    };
    let batches = if recipient.due.is_some() {
        &mut plan.later
    } else {
        &mut plan.batches
    };
    match batches.iter_mut().rev().find(same) {
        Some(batch) => batch.recipients.push(recipient),
        None => batches.push(Batch {
            advisory,
            whom,
            lang,
            cover,
            message_id,
            recipients: vec![recipient],
        }),
    }
}

/// What keeps a letter under this cover from somebody.
fn hindrance(
    facts: &Facts<'_>,
    cover: Cover,
    certificate: Option<&Fingerprint>,
    member: MemberHash,
) -> Option<Why> {
    match (cover, certificate) {
        (Cover::Signed, _) => None,
        (Cover::Encrypted, None) => Some(Why::NoCertificate),
        (Cover::Encrypted, Some(fingerprint)) => {
            let state = (facts.key_state)(fingerprint);
            if !state.is_usable() {
                return Some(Why::Certificate(fingerprint.clone(), state));
            }
            facts
                .history
                .unproven
                .get(&member)
                .map(|since| Why::Unproven(since.clone()))
        }
    }
}

/// Whether who is held is told so. A list server is not.
fn is_told(facts: &Facts<'_>, list: Option<&List>, contact: Option<&Contact>) -> bool {
    contact.is_some()
        && list
            .and_then(|list| list.notify_held)
            .unwrap_or(facts.settings.mail.notify_held)
}

/// The language of somebody's letter: their own, where the text is there in it, or at least (with a note that the
/// text is not) the words around it; else that of the text.
pub fn language<'a>(
    settings: &'a Settings,
    advisory: &'a Advisory,
    contact: Option<&'a Contact>,
) -> &'a Lang {
    let own = contact.and_then(|contact| contact.language.as_ref());
    own.filter(|own| advisory.texts.contains_key(own) || settings.site.languages.contains(own))
        .unwrap_or(&advisory.lang)
}

/// What a notice is about: the advisory, whatever its revision, so that it is sent once.
pub fn notice_key(advisory: &Id, member: MemberHash) -> DeliveryKey {
    DeliveryKey {
        advisory: advisory.clone(),
        revision: String::new(),
        mail: Mail::Notice,
        member,
    }
}

/// What a letter is about.
pub fn letter_key(advisory: &Advisory, member: MemberHash) -> DeliveryKey {
    DeliveryKey {
        advisory: advisory.id.clone(),
        revision: advisory.revision().number.clone(),
        mail: Mail::Letter,
        member,
    }
}

type Addressee<'a> = (&'a Address, Option<&'a Contact>, Option<&'a Fingerprint>);

/// Everybody who belongs to the audience and may get this revision.
fn recipients<'a>(facts: &Facts<'a>, advisory: &Advisory, whom: Whom<'a>) -> Vec<Addressee<'a>> {
    let gets = |contact: &Contact| {
        contact.suspended.is_none()
            && contact
                .joined
                .as_ref()
                .is_none_or(|joined| joined.date() <= advisory.updated().date())
    };
    let told_before = |address: &Address| {
        let member = (facts.member)(address);
        advisory.revisions.iter().any(|revision| {
            let key = DeliveryKey {
                advisory: advisory.id.clone(),
                revision: revision.number.clone(),
                mail: Mail::Letter,
                member,
            };
            facts
                .history
                .deliveries
                .get(&key)
                .is_some_and(Receipt::may_have_arrived)
        })
    };
    let all: Vec<Addressee<'a>> = match whom {
        Whom::Person(contact) => {
            // Who is named is meant, whenever they joined.
            vec![contact]
                .into_iter()
                .filter(|c| c.suspended.is_none())
                .map(|c| (&c.address, Some(c), c.certificate.as_ref()))
                .collect()
        }
        Whom::List(list) => match &list.delivery {
            Delivery::Relay(certificate) => vec![(&list.address, None, certificate.as_ref())],
            Delivery::Direct => list
                .members
                .iter()
                .map(|c| &**c)
                .filter(|c| gets(c))
                .map(|c| (&c.address, Some(c), c.certificate.as_ref()))
                .collect(),
        },
    };
    // Only who got the warning needs to hear that it was withdrawn.
    match advisory.status {
        Status::Withdrawn => all
            .into_iter()
            .filter(|(address, ..)| told_before(address))
            .collect(),
        _ => all,
    }
}

enum Due {
    Done,
    Failed,
    GivenUp,
    /// `due` is when, if that is not now.
    Send {
        may_be_second: bool,
        begun: bool,
        due: Option<Moment>,
    },
}

fn due(facts: &Facts<'_>, advisory: &Advisory, member: MemberHash, named: bool) -> Due {
    let Some(receipt) = facts.history.deliveries.get(&letter_key(advisory, member)) else {
        return Due::Send {
            may_be_second: false,
            begun: false,
            due: None,
        };
    };
    let may_be_second = receipt.state == State::Sending;
    match (receipt.state, again(receipt)) {
        (State::Accepted, _) => Due::Done,
        // Who names the id wants it tried now, whatever came before.
        _ if named => Due::Send {
            may_be_second,
            begun: true,
            due: None,
        },
        (State::Failed, _) => Due::Failed,
        (_, Again::Never) => Due::GivenUp,
        (_, Again::Now) => Due::Send {
            may_be_second,
            begun: true,
            due: None,
        },
        (_, Again::At(due)) => Due::Send {
            may_be_second,
            begun: true,
            due: Some(due).filter(|due| due > facts.now),
        },
    }
}

fn public<'a>(facts: &Facts<'a>, forecast: &Forecast, plan: &mut Plan<'a>) {
    let (mut open, mut stay) = (Vec::with_capacity(facts.advisories.len()), 0);
    let history = facts.history;
    let look = |advisory: &'a Advisory| {
        let opened = forecast.judge(advisory, &Public);
        let change = opened.is_ok().then(|| change(history, advisory)).flatten();
        (advisory, opened, change)
    };
    let looked: Vec<_> = facts.advisories.par_iter().map(look).collect();
    for (advisory, opened, change) in looked {
        match opened {
            Ok(()) => {
                open.push(advisory);
                stay += usize::from(!matches!(change, Some(Change::Appears | Change::Opens)));
                let number = &advisory.revision().number;
                plan.site.extend(
                    change
                        .filter(|_| plan.web)
                        .map(|change| (advisory.id.clone(), number.clone(), change)),
                );
            }
            Err(refusal @ Refusal::Embargoed(_)) if plan.web => {
                plan.waiting.push(Waiting {
                    advisory,
                    audience: "public".into(),
                    reason: Reason::Refused(refusal),
                });
            }
            // Not meant for the public: no word of it, here or there.
            Err(_) => {}
        }
    }
    if plan.web && stay < history.on_site.len() {
        let stays: HashSet<&Id> = open.iter().map(|one| &one.id).collect();
        let mut gone: Vec<&Id> = history
            .on_site
            .keys()
            .filter(|id| !stays.contains(id))
            .collect();
        gone.sort();
        plan.site.extend(
            gone.into_iter()
                .map(|id| (id.clone(), String::new(), Change::Disappears)),
        );
    }
    plan.public = open;
}

/// What becomes of an advisory on the site that is open to the public.
fn change(history: &History, advisory: &Advisory) -> Option<Change> {
    let now = &advisory.revision().number;
    match history.on_site.get(&advisory.id) {
        None => {
            let went_out = |number: &String| {
                history
                    .frozen
                    .contains_key(&(advisory.id.clone(), number.clone()))
            };
            let opens = advisory
                .revisions
                .iter()
                .any(|one| one.number != *now && went_out(&one.number));
            Some(if opens {
                Change::Opens
            } else {
                Change::Appears
            })
        }
        Some((number, digest)) if number == now && *digest == advisory.digest => None,
        Some(_) if advisory.status == Status::Withdrawn => Some(Change::Withdrawn),
        Some(_) => Some(Change::Changes),
    }
}

/// What publishing a document of this content would do.
pub fn document_change(history: &History, digest: Digest, now: &Moment) -> DocumentChange {
    match history.document() {
        Some(document) if document.digest == digest => DocumentChange::Unchanged(document.clone()),
        before => {
            let version = before.map_or(1, |document| document.version + 1);
            DocumentChange::New(DocumentVersion {
                version,
                digest,
                date: now.clone(),
            })
        }
    }
}
