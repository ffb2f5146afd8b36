//! Each letter as each recipient will see it, before it is signed.

use super::session::{Session, letters};
use crate::{
    advisory::{Advisory, Status},
    plan::{Prospect, Whom, outlook},
    publish::{Addressed, Office},
    render::{
        letter::{Notice, NoticeShop, NoticeWords, Sketch},
        preview::{FileRow, HeadField, HeldRow, LetterPage, Link, Mark, NoticeView, Workshop},
    },
    roster::Contact,
    terms::{Lang, Moment},
    tlp::{Cover, Refusal, Shareable},
};

/// The letters of an advisory, each with its place in the preview's addresses; a person has a number there and no name.
fn prospects<'a>(session: &Session<'a>, advisory: &'a Advisory) -> Vec<(String, Prospect<'a>)> {
    let all = outlook(&session.facts, advisory);
    let mut persons = 0;
    let named = all.into_iter().map(|one| {
        let name = match one.whom {
            Whom::List(list) => list.name.to_string(),
            Whom::Person(_) => {
                persons += 1;
                format!("person-{persons}")
            }
        };
        (format!("{name}.{}.{}", one.lang, one.cover), one)
    });
    named.collect()
}

fn name(prospect: &Prospect<'_>) -> String {
    match prospect.whom {
        Whom::List(list) => format!("list {}", list.name),
        Whom::Person(contact) => contact.address.to_string(),
    }
}

/// In the words of `plan`, for what is not in a plan yet.
pub(super) fn in_words(session: &Session<'_>, advisory: &Advisory) -> Vec<String> {
    let Some(advisory) = session.snapshot.workspace.advisory(&advisory.id) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (_, one) in prospects(session, advisory) {
        match &one.refused {
            Some(refusal) => lines.push(format!("not now → {}: {refusal}", one.whom.name())),
            None if one.members.is_empty() && one.held.is_empty() => {
                lines.push(format!(
                    "not now → {}: nobody to send it to",
                    one.whom.name()
                ));
            }
            None => lines.push(format!(
                "sends {}: {} ({}, {})",
                name(&one),
                letters(one.members.len()),
                one.cover,
                one.lang
            )),
        }
        if !one.held.is_empty() {
            lines.push(format!(
                "HELD {} of {}",
                letters(one.held.len()),
                name(&one)
            ));
        }
    }
    lines
}

/// To all letters of an advisory.
pub(super) fn links(
    session: &Session<'_>,
    advisory: &Advisory,
    current: Option<&str>,
    workshop: &Workshop,
) -> Vec<Link> {
    let Some(advisory) = session.snapshot.workspace.advisory(&advisory.id) else {
        return Vec::new();
    };
    let link = |(slug, one): (String, Prospect<'_>)| {
        let held = if one.held.is_empty() {
            String::new()
        } else {
            format!(", {} held", one.held.len())
        };
        Link {
            href: workshop.link(&format!("letters/{}/{slug}/", advisory.id)),
            name: format!("{} ({}, {})", name(&one), one.lang, one.cover),
            detail: format!("{}{held}", letters(one.members.len())),
            current: current == Some(slug.as_str()),
        }
    };
    prospects(session, advisory).into_iter().map(link).collect()
}

/// One of an advisory's letters; the first if none is named.
pub(super) fn page<'a>(
    session: &Session<'a>,
    advisory: &'a Advisory,
    slug: &str,
    workshop: &Workshop,
) -> Option<LetterPage> {
    let snapshot = session.snapshot;
    let mut all = prospects(session, advisory);
    let at = if slug.is_empty() {
        0
    } else {
        all.iter().position(|(name, _)| name == slug)?
    };
    let mark = match advisory.status {
        Status::Draft if snapshot.stale.contains(&advisory.id) => Some(Mark::Broken.words()),
        Status::Draft => Some(Mark::Draft.words()),
        Status::Final | Status::Withdrawn => None,
    };
    let mut page = LetterPage {
        id: advisory.id.to_string(),
        title: advisory.title().to_string(),
        tlp: advisory.tlp.label(),
        tlp_slug: advisory.tlp.slug(),
        mark,
        page: session.page_of(advisory, workshop.prefix()),
        ..LetterPage::default()
    };
    if all.is_empty() {
        page.heading = "No letters".into();
        page.goes_to = "nobody: no list and no person is in its audience".into();
        page.cover = "none";
        page.error = Some("it is for the public only".into());
        return Some(page);
    }
    let (slug, prospect) = all.swap_remove(at);
    page.letters = links(session, advisory, Some(&slug), workshop);
    page.heading = format!("Letter to {}, {}", name(&prospect), prospect.lang);
    page.lang = prospect.lang.to_string();
    page.encrypted = prospect.cover == Cover::Encrypted;
    page.cover = match prospect.cover {
        Cover::Signed => {
            "signed, so that everybody on the way can read it; unsigned here, since a preview uses no key"
        }
        Cover::Encrypted => {
            "signed, and encrypted to each recipient's certificate; neither here, since a preview uses no key"
        }
    };
    page.goes_to = goes_to(&prospect);
    page.not_now = prospect.refused.as_ref().map(ToString::to_string);
    for held in &prospect.held {
        let who = held.contact.map_or_else(
            || held.address.to_string(),
            |one| format!("{} <{}>", one.name, one.address),
        );
        let constituent = held
            .contact
            .map_or("", |contact| contact.constituent.as_str());
        page.held.push(HeldRow {
            who,
            why: held.why.reason(),
            mend: held.why.mend(constituent, prospect.whom.name()),
        });
    }

    // A letter that waits for the end of an embargo is shown as of then.
    let date = match &prospect.refused {
        Some(Refusal::Embargoed(until)) => until,
        _ => &snapshot.now,
    };
    let office = Office {
        workspace: &snapshot.workspace,
        history: &snapshot.history,
        members: &snapshot.members,
        now: date,
    };
    let addressed = Addressed {
        advisory,
        whom: prospect.whom,
        lang: prospect.lang,
        cover: prospect.cover,
        members: prospect.members.clone(),
        message_id: None,
    };
    match office.compose(&addressed, |shop| {
        Shareable::past_the_gate(advisory).make::<Sketch>(shop)
    }) {
        Err(error) => page.error = Some(error.to_string()),
        Ok(sketch) => {
            let sketch = sketch.thing();
            (page.outer, page.inner, page.text) = (
                head(&sketch.outer),
                head(&sketch.inner),
                sketch.text.clone(),
            );
            let file = |one: &crate::render::letter::SketchedFile| FileRow {
                name: one.name.clone(),
                media_type: one.media_type,
                size: one.size,
            };
            page.attached = sketch.attached.iter().map(file).collect();
        }
    }
    let mut languages: Vec<&Lang> = Vec::new();
    for contact in prospect
        .held
        .iter()
        .filter(|held| held.is_told)
        .filter_map(|held| held.contact)
    {
        let lang = contact
            .language
            .as_ref()
            .unwrap_or_else(|| snapshot.workspace.settings.site.default_lang());
        if !languages.contains(&lang) {
            languages.push(lang);
            page.notices
                .extend(notice(&office, advisory, contact, lang, date));
        }
    }
    Some(page)
}

fn goes_to(prospect: &Prospect<'_>) -> String {
    match (prospect.whom, prospect.members.len()) {
        (_, 0) => "nobody now".into(),
        (Whom::Person(contact), _) => format!("{} <{}>", contact.name, contact.address),
        (Whom::List(list), _) if list.delivery != crate::roster::Delivery::Direct => {
            format!("the list server of {}, {}", list.name, list.address)
        }
        (Whom::List(list), 1) => format!("1 member of list {}", list.name),
        (Whom::List(list), n) => format!("{n} members of list {}, the same to each", list.name),
    }
}

fn head(fields: &[(&'static str, String)]) -> Vec<HeadField> {
    fields
        .iter()
        .map(|(name, value)| HeadField {
            name,
            value: value.clone(),
        })
        .collect()
}

/// What who is held gets meanwhile.
fn notice(
    office: &Office<'_>,
    advisory: &Advisory,
    contact: &Contact,
    lang: &Lang,
    date: &Moment,
) -> Option<NoticeView> {
    let team = &office.workspace.team;
    let member = office.members.hash(&contact.address);
    let token = office
        .members
        .token(&advisory.id, "notice", &member.hex(), lang);
    let notice = Notice::new(&NoticeShop {
        lang,
        words: &NoticeWords::held(&office.words(lang)),
        team,
        from: office.sender(),
        to: &contact.address,
        help: &team.email,
        ending: None,
        mailbox: None,
        message_id: &format!("<{token}@{}>", office.sender().domain()),
        date,
    });
    // `publish` says what is wrong with it, and it has nothing of the advisory in it.
    let Ok(sketch) = Shareable::past_the_gate(notice.ok()?).make::<Sketch>(&());
    let sketch = sketch.thing();
    Some(NoticeView {
        lang: lang.to_string(),
        head: head(&sketch.inner),
        text: sketch.text.clone(),
    })
}
