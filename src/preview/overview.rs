//! All advisories with what would become of each: the first page of the preview.

use super::{letters, session::Session};
use crate::{
    advisory::{Advisory, Status},
    render::preview::{Group, Overview, Row, State, Workshop},
    tlp::Forecast,
};

/// How many advisories stand on one page.
const ROWS: usize = 100;

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// One page of it, from 1.
pub(super) fn page(session: &Session<'_>, page: usize, workshop: &Workshop) -> Option<Overview> {
    let snapshot = session.snapshot;
    let plan = session.plan();
    let all = &snapshot.workspace.advisories;
    let is_open = |one: &Advisory| {
        one.status == Status::Draft || plan.lines.contains_key(&one.id) || !is_out(session, one)
    };
    let (open, out): (Vec<&Advisory>, Vec<&Advisory>) = all.iter().partition(|one| is_open(one));
    let pages = all.len().div_ceil(ROWS).max(1);
    if page == 0 || page > pages {
        return None;
    }
    let first = (page - 1) * ROWS;
    let rows = |some: &[&Advisory], before: usize| -> Vec<Row> {
        let skip = first.saturating_sub(before).min(some.len());
        let take = (first + ROWS).saturating_sub(before + skip);
        some.iter()
            .skip(skip)
            .take(take)
            .map(|one| row(session, one, workshop))
            .collect()
    };
    let groups = [
        Group {
            title: format!("On the way ({})", open.len()),
            rows: rows(&open, 0),
        },
        Group {
            title: format!("Out ({})", out.len()),
            rows: rows(&out, open.len()),
        },
    ];
    let at = |page: usize| {
        if page == 1 {
            workshop.link("")
        } else {
            workshop.link(&format!("page/{page}/"))
        }
    };
    let mut notes = Vec::new();
    if !snapshot.has_ledger {
        notes.push(
            "There is no ledger: nothing is known of earlier runs, and `publish` will not begin."
                .into(),
        );
    }
    let drafts = all.iter().filter(|one| one.status == Status::Draft).count();
    Some(Overview {
        team: snapshot
            .workspace
            .team
            .name
            .in_lang(snapshot.workspace.settings.site.default_lang())
            .to_string(),
        as_of: snapshot.now.rfc3339(),
        count: count(all.len(), "advisory", "advisories"),
        drafts: format!("{} of them", count(drafts, "draft", "drafts")),
        notes,
        plan: plan
            .words
            .trim_end()
            .lines()
            .next_back()
            .unwrap_or_default()
            .to_string(),
        plan_href: workshop.link("plan/"),
        warnings: snapshot.warnings.clone(),
        groups: groups.into_iter().collect(),
        page,
        pages,
        newer: (page > 1).then(|| at(page - 1)),
        older: (page < pages).then(|| at(page + 1)),
    })
}

/// Whether this revision was published.
fn is_out(session: &Session<'_>, advisory: &Advisory) -> bool {
    let history = &session.snapshot.history;
    let key = (advisory.id.clone(), advisory.revision().number.clone());
    history.frozen.contains_key(&key)
        || history
            .on_site
            .get(&advisory.id)
            .is_some_and(|(number, _)| *number == key.1)
}

fn states(session: &Session<'_>, advisory: &Advisory) -> Vec<State> {
    let snapshot = session.snapshot;
    let state = |slug, word: &str| State {
        slug,
        word: word.into(),
    };
    let mut states = vec![match advisory.status {
        Status::Draft => state("draft", "draft"),
        Status::Final => state("final", "final"),
        Status::Withdrawn => state("withdrawn", "withdrawn"),
    }];
    if snapshot.stale.contains(&advisory.id) {
        states.push(state("broken", "has a mistake now: shown as it was before"));
    }
    if let Some(until) = advisory
        .embargo
        .as_ref()
        .filter(|until| snapshot.now < **until)
    {
        states.push(state("embargoed", &format!("embargo until {until}")));
    }
    let key = (advisory.id.clone(), advisory.revision().number.clone());
    match snapshot.history.frozen.get(&key) {
        Some(frozen) if frozen.digest != advisory.digest => {
            states.push(state("changed", "changed since it was published"))
        }
        _ if is_out(session, advisory) => states.push(state("published", "published")),
        _ => {}
    }
    states
}

fn row(session: &Session<'_>, advisory: &Advisory, workshop: &Workshop) -> Row {
    let mut does = session
        .plan()
        .lines
        .get(&advisory.id)
        .cloned()
        .unwrap_or_default();
    if advisory.status == Status::Draft {
        does.push("nothing while it is a draft; once it is final:".into());
        does.extend(letters::in_words(session, advisory));
        match Forecast::at(&session.snapshot.now).once_final(advisory, &crate::tlp::Public) {
            Ok(()) => does.push("site: appears".into()),
            Err(crate::tlp::Refusal::NotAddressed) => {}
            Err(refusal) => does.push(format!("not now → public: {refusal}")),
        }
    }
    let audience: Vec<String> = advisory.audience.iter().map(ToString::to_string).collect();
    Row {
        id: advisory.id.to_string(),
        title: advisory.title().to_string(),
        path: advisory.path.to_string(),
        tlp: advisory.tlp.label(),
        tlp_slug: advisory.tlp.slug(),
        severity: advisory.severity.as_str(),
        revision: advisory.revision().number.clone(),
        date: advisory.updated().to_string(),
        audience: audience.join(", "),
        states: states(session, advisory),
        does,
        page: session.page_of(advisory, workshop.prefix()),
        letters: letters::links(session, advisory, None, workshop),
    }
}
