//! What a letter is composed with: the one way for those who sign it and for those who only look at it.

use crate::{
    advisory::Advisory,
    diag::Findings,
    ledger::Members,
    plan::Whom,
    receipt::{History, Mail, MemberHash, Receipt},
    render::{
        letter::{LetterShop, LetterWords, ListFacts, Recipient},
        words::Words,
    },
    terms::{Address, Lang, Moment},
    tlp::{Cover, Forecast, Public},
    workspace::Workspace,
};
use std::collections::{HashMap, HashSet};

/// Where letters are composed.
#[derive(Clone, Copy)]
pub struct Office<'a> {
    /// What the team decided.
    pub workspace: &'a Workspace,
    /// What was done before.
    pub history: &'a History,
    /// How the ledger names letters and members.
    pub members: &'a Members,
    /// The time.
    pub now: &'a Moment,
}

/// A letter to be composed: what, for whom, in which language and cover.
#[derive(Clone)]
pub struct Addressed<'a> {
    /// What it carries.
    pub advisory: &'a Advisory,
    /// Whom it is for.
    pub whom: Whom<'a>,
    /// Its language.
    pub lang: &'a Lang,
    /// Signed or encrypted.
    pub cover: Cover,
    /// Who gets a copy.
    pub members: Vec<MemberHash>,
    /// Of a try that broke off.
    pub message_id: Option<&'a str>,
}

impl<'a> Office<'a> {
    /// The `From` of all mail.
    pub fn sender(&self) -> &'a Address {
        self.workspace
            .settings
            .mail
            .from
            .as_ref()
            .unwrap_or(&self.workspace.team.email)
    }

    /// The words of a language. What is wrong in the workspace's own files is found when the site is made.
    pub fn words(&self, lang: &Lang) -> Words {
        Words::read(lang, &self.workspace.templates, &mut Findings::new())
    }

    /// The same for all members of a list, at every try; a named person's own.
    pub fn message_id(&self, advisory: &Advisory, whom: Whom<'_>, lang: &Lang) -> String {
        let audience = match whom {
            Whom::List(list) => list.name.to_string(),
            Whom::Person(contact) => {
                format!("person {}", self.members.hash(&contact.address).hex())
            }
        };
        let token = self
            .members
            .token(&advisory.id, &advisory.revision().number, &audience, lang);
        format!("<{token}@{}>", self.sender().domain())
    }

    /// Opens the workshop of a letter.
    pub fn compose<T>(&self, letter: &Addressed<'_>, make: impl FnOnce(&LetterShop<'_>) -> T) -> T {
        let Addressed {
            advisory,
            whom,
            lang,
            cover,
            ..
        } = *letter;
        let (team, site) = (&self.workspace.team, &self.workspace.settings.site);
        let message_id = letter
            .message_id
            .map_or_else(|| self.message_id(advisory, whom, lang), str::to_string);
        let Thread {
            in_reply_to,
            references,
            missed,
        } = thread(self.history, letter);
        let is_public = Forecast::at(self.now).once_final(advisory, &Public).is_ok();
        let page = is_public.then(|| {
            let is_other = lang != site.default_lang() && site.languages.contains(lang);
            let folder = if is_other {
                format!("{lang}/")
            } else {
                String::new()
            };
            site.link(&format!("{folder}advisories/{}/", advisory.id))
        });
        let list;
        let to = match whom {
            Whom::Person(contact) => Recipient::Person {
                name: &contact.name,
                address: &contact.address,
            },
            Whom::List(of) => {
                list = ListFacts {
                    name: of.name.clone(),
                    title: of.title.in_lang(lang).to_string(),
                    address: of.address.clone(),
                    help: team.email.clone(),
                    owner: team.email.clone(),
                };
                Recipient::List(&list)
            }
        };
        make(&LetterShop {
            lang,
            words: &LetterWords::of(&self.words(lang)),
            team,
            from: self.sender(),
            to,
            message_id: &message_id,
            in_reply_to: &in_reply_to,
            references: &references,
            missed: &missed,
            date: self.now,
            cover,
            page: page.as_deref(),
            site: Some(site.url.as_str()),
        })
    }
}

/// What the readers of a letter had of its earlier revisions.
struct Thread<'a> {
    in_reply_to: Vec<String>,
    references: Vec<String>,
    /// The numbers of those revisions that some of them missed.
    missed: Vec<&'a str>,
}

/// The letters that were sent, by the ledger: a revision may have been on the site only, or have gone in another
/// language, or from another address.
///
/// What went to another list is none of these readers' business, its summary and its Message-ID included, even where
/// one of them is on both lists. Nor is in a clear letter what was written for an encrypted one.
fn thread<'a>(history: &History, letter: &Addressed<'a>) -> Thread<'a> {
    let advisory = letter.advisory;
    let earlier = &advisory.revisions[..advisory.revisions.len() - 1];
    let list = letter.whom.name();
    let person = letter
        .members
        .first()
        .copied()
        .filter(|_| matches!(letter.whom, Whom::Person(_)));
    let same_readers = |letter: &&Receipt| {
        letter.intent.list == list && person.is_none_or(|person| letter.intent.key.member == person)
    };
    let of_advisory = |letter: &&Receipt| {
        letter.intent.key.advisory == advisory.id && letter.intent.key.mail == Mail::Letter
    };
    let (letters, elsewhere): (Vec<&Receipt>, Vec<&Receipt>) = history
        .deliveries
        .values()
        .filter(of_advisory)
        .partition(same_readers);
    let knows_it: HashSet<MemberHash> = letters
        .iter()
        .filter(|letter| letter.may_have_arrived())
        .map(|letter| letter.intent.key.member)
        .collect();
    let mut thread = Thread {
        in_reply_to: Vec::new(),
        references: Vec::new(),
        missed: Vec::new(),
    };
    for revision in earlier {
        let of_it: Vec<&&Receipt> = letters
            .iter()
            .filter(|letter| letter.intent.key.revision == revision.number)
            .collect();
        let arrived = of_it.iter().filter(|letter| letter.may_have_arrived());
        let had: HashMap<MemberHash, &str> = arrived
            .map(|letter| (letter.intent.key.member, letter.intent.message_id.as_str()))
            .collect();
        let mut ids: Vec<String> = Vec::new();
        let mut all = true;
        for member in &letter.members {
            match had.get(member) {
                Some(id) if !ids.iter().any(|known| known == id) => ids.push(id.to_string()),
                Some(_) => {}
                // To whom the advisory is new, nothing in it has changed.
                None => all &= !knows_it.contains(member),
            }
        }
        if !ids.is_empty() {
            thread.references.extend_from_slice(&ids);
            thread.in_reply_to = ids;
        }
        let narrower = letter.cover == Cover::Signed
            && of_it
                .iter()
                .any(|letter| letter.intent.cover == Cover::Encrypted);
        let of_others = of_it.is_empty()
            && elsewhere
                .iter()
                .any(|letter| letter.intent.key.revision == revision.number);
        if !all && !narrower && !of_others {
            thread.missed.push(&revision.number);
        }
    }
    thread
}
