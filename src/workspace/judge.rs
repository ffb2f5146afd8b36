//! What only the whole workspace shows: references between files, duplicates, the state of certificates.

use super::{Named, Origin, Parts, Published};
use crate::{
    advisory::{Reader, Status},
    diag::{Finding, Findings, Source, Span},
    openpgp::Certificate,
    rfc2350,
    roster::{Contact, KeyState, List, ParsedConstituent, REMINDERS, parse_constituent},
    terms::{Address, Fingerprint, Id, Moment, Slug, nearest},
};
use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

/// How many days before its end a certificate is worth a warning.
const EXPIRY_WARNING_DAYS: i64 = REMINDERS[REMINDERS.len() - 1];

/// How old the RFC 2350 description may be before somebody should look whether it is still true.
const DOCUMENT_AGE_DAYS: i64 = 365;

/// Judges everything.
pub fn all(parts: &Parts, now: &Moment, published: &Published, findings: &mut Findings) {
    let named = &parts.named;
    let lists: BTreeMap<&Slug, &List> = named
        .lists
        .iter()
        .map(|(_, parsed)| (&parsed.list.name, &parsed.list))
        .collect();
    let mut others = Findings::new();
    rayon::join(
        || {
            audiences(parts, &lists, published, findings);
            opened(parts, published, findings);
        },
        || {
            ids(parts, &mut others);
            dates(parts, now, &mut others);
            addresses(parts, &mut others);
        },
    );
    findings.append(others);
    for (origin, parsed) in &named.lists {
        if let Some((fingerprint, span)) = &parsed.certificate_span {
            certificate(
                named,
                now,
                fingerprint,
                &parsed.list.address,
                findings,
                |code, message| origin.error(*span, code, message),
            );
        }
    }
    team(parts, now, findings);
    document(parts, published, now, findings);
}

/// Judges what one constituent names, while its text is at hand.
pub fn constituent(
    named: &Named,
    source: &Source,
    parsed: &ParsedConstituent,
    now: &Moment,
    findings: &mut Findings,
) {
    for (name, span) in &parsed.list_spans {
        known_list(named, name, findings, |message| {
            source.error(*span, "unknown-list", message)
        });
    }
    // Both stand in the order of the file: each contact is judged with its own, even if two name the same.
    let with_certificate = parsed
        .constituent
        .contacts
        .iter()
        .filter(|contact| contact.certificate.is_some());
    for ((fingerprint, span), contact) in parsed.certificate_spans.iter().zip(with_certificate) {
        certificate(
            named,
            now,
            fingerprint,
            &contact.address,
            findings,
            |code, message| source.error(*span, code, message),
        );
    }
}

/// One mailbox in two files, with two certificates.
fn addresses(parts: &Parts, findings: &mut Findings) {
    let contacts = parts
        .constituents
        .iter()
        .flat_map(|constituent| &constituent.contacts);
    let mut contacts: Vec<&Contact> = contacts.map(|contact| &**contact).collect();
    // Who has the same stays in the order of the files.
    contacts.sort_by(|a, b| a.address.cmp_keys(&b.address));
    for (before, contact) in contacts.iter().zip(contacts.iter().skip(1)) {
        if before.address.cmp_keys(&contact.address).is_ne()
            || before.constituent == contact.constituent
            || before.certificate == contact.certificate
        {
            continue;
        }
        let path = |contact: &Contact| format!("constituents/{}.yaml", contact.constituent);
        let place = |source: &Source| {
            let parsed =
                parse_constituent(source, contact.constituent.clone(), &mut Findings::new());
            let places = parsed
                .map(|parsed| parsed.address_spans)
                .unwrap_or_default();
            places
                .iter()
                .find(|(address, _)| *address == contact.address)
                .map_or(Span::default(), |(_, span)| *span)
        };
        let message = format!(
            "this address stands in `{}` too, with another certificate",
            path(before)
        );
        findings.push(
            Origin::new(&parts.home, path(contact).into())
                .error_where(place, "duplicate-address", message)
                .hint("one person has one certificate: write the same in both files"),
        );
    }
}

fn ids(parts: &Parts, findings: &mut Findings) {
    let mut first: HashMap<String, (&Origin, &Id)> = HashMap::with_capacity(parts.advisories.len());
    let all =
        || -> HashSet<String> { parts.ids.iter().map(|id| id.to_ascii_lowercase()).collect() };
    let mut taken = None;
    for (origin, parsed) in &parts.advisories {
        let id = &parsed.advisory.id;
        if id.as_str().eq_ignore_ascii_case(super::ANNOUNCEMENT) {
            let message = format!(
                "the id `{id}` is taken: changes of the RFC 2350 description are announced under it"
            );
            findings.push(
                origin
                    .error(parsed.id, "reserved-id", message)
                    .hint("choose another one"),
            );
        }
        match first.entry(id.key()) {
            Entry::Vacant(free) => {
                free.insert((origin, id));
            }
            Entry::Occupied(known) => {
                let (other, own) = known.get();
                let capitals = if *own == id {
                    ""
                } else {
                    " (capitals do not count)"
                };
                let message = format!("id `{id}` is taken already{capitals}, by `{}`", other.path);
                let finding = origin.error(parsed.id, "duplicate-id", message);
                let free = free_id(own.as_str(), taken.get_or_insert_with(all));
                findings.push(match free {
                    Some(free) => {
                        finding.hint(format!("`{free}` is free: rename the file and its id"))
                    }
                    None => finding.hint("ids that differ in capitals only count as the same"),
                });
            }
        }
    }
}

/// The next id after this one in which only the last number differs.
fn free_id(id: &str, taken: &mut HashSet<String>) -> Option<String> {
    let digits = id.len() - id.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (before, number) = id.split_at(digits);
    let (width, start) = (number.len(), number.parse::<u64>().ok()?);
    let free = (start + 1..start + 100_000)
        .map(|n| format!("{before}{n:0width$}"))
        .find(|id| !taken.contains(&id.to_ascii_lowercase()))?;
    taken.insert(free.to_ascii_lowercase());
    Some(free)
}

fn known_list(
    named: &Named,
    name: &Slug,
    findings: &mut Findings,
    error: impl Fn(String) -> Finding,
) {
    // A list whose file has a mistake exists all the same, and the mistake was told.
    if named.list_names.contains(name.as_str()) {
        return;
    }
    let names: Vec<&str> = named.list_names.iter().map(String::as_str).collect();
    let hint = match nearest(name.as_str(), names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => format!("there is no list yet: write `lists/{name}.yaml`"),
        None => format!(
            "there are {}; a new one is a file `lists/{name}.yaml`",
            names
                .iter()
                .map(|n| format!("`{n}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    findings.push(error(format!("list `{name}` does not exist")).hint(hint));
}

fn audiences(
    parts: &Parts,
    lists: &BTreeMap<&Slug, &List>,
    published: &Published,
    all: &mut Findings,
) {
    // Of a hundred thousand contacts those few matter who are named.
    let named = parts
        .advisories
        .iter()
        .flat_map(|(_, parsed)| &parsed.audience)
        .filter_map(|(reader, _)| match reader {
            Reader::Person(address) => Some(address.key()),
            Reader::Public | Reader::List(_) => None,
        });
    let named: HashSet<String> = named.collect();
    let mut contacts: HashMap<String, bool> = HashMap::new();
    for contact in parts
        .constituents
        .iter()
        .flat_map(|constituent| &constituent.contacts)
        .filter(|_| !named.is_empty())
    {
        let key = contact.address.key();
        if named.contains(&key) {
            // Who is suspended in one place and not in another can be reached.
            *contacts.entry(key).or_insert(true) &= contact.suspended.is_some();
        }
    }
    for (origin, parsed) in &parts.advisories {
        let tlp = parsed.advisory.tlp;
        let findings = &mut Findings::new();
        for (reader, span) in &parsed.audience {
            match reader {
                Reader::Public => {}
                Reader::List(name) => {
                    known_list(&parts.named, name, findings, |message| {
                        origin.error(*span, "unknown-list", message)
                    });
                    if let Some(list) = lists
                        .get(name)
                        .filter(|list| tlp > list.tlp && tlp != crate::tlp::Tlp::Red)
                    {
                        let message = format!(
                            "{} is narrower than list `{name}` may carry, {}",
                            tlp.label(),
                            list.tlp.label()
                        );
                        let wide: Vec<String> = lists
                            .values()
                            .filter(|list| list.tlp >= tlp)
                            .map(|list| format!("`{}`", list.name))
                            .collect();
                        let hint = match wide.is_empty() {
                            true => format!("no list may carry {}", tlp.label()),
                            false => format!("{} may carry it", wide.join(", ")),
                        };
                        findings.push(origin.error(*span, "list-ceiling", message).hint(hint));
                    }
                }
                Reader::Person(address) => match contacts.get(&address.key()) {
                    Some(false) => {}
                    Some(true) => findings.push(
                        origin
                            .error(
                                *span,
                                "suspended-contact",
                                "this contact is suspended and would get nothing",
                            )
                            .hint(
                                "remove the address, or the suspension in the constituent's file",
                            ),
                    ),
                    None if !parts.has_all_constituents => {}
                    None => findings.push(
                        origin
                            .error(
                                *span,
                                "unknown-contact",
                                "nobody in `constituents/` has this address",
                            )
                            .hint("only contacts of constituents can be named; check the spelling"),
                    ),
                },
            }
        }
        if findings.is_empty() {
            continue;
        }
        let is_out = published.revisions.contains(&(
            parsed.advisory.id.clone(),
            parsed.advisory.revision().number.clone(),
        ));
        all.append(
            std::mem::take(findings)
                .into_iter()
                .map(|finding| if is_out { finding.warning() } else { finding })
                .collect(),
        );
    }
}

/// What was written for closed audiences and is public from now on: the page tells the summaries of all revisions.
fn opened(parts: &Parts, published: &Published, findings: &mut Findings) {
    for (origin, parsed) in &parts.advisories {
        let advisory = &parsed.advisory;
        let public = parsed
            .audience
            .iter()
            .find(|(reader, _)| *reader == Reader::Public);
        let Some((_, span)) = public.filter(|_| {
            advisory.status != Status::Draft && !published.on_site.contains(&advisory.id)
        }) else {
            continue;
        };
        let newest = advisory.revision();
        let numbers = advisory
            .revisions
            .iter()
            .map(|revision| revision.number.as_str());
        let is_out = |number: &&str| {
            published
                .revisions
                .contains(&(advisory.id.clone(), number.to_string()))
        };
        let closed: Vec<&str> = numbers
            .filter(|number| *number != newest.number)
            .filter(is_out)
            .collect();
        if !closed.is_empty() {
            let what = if closed.len() == 1 {
                "revision"
            } else {
                "revisions"
            };
            let message = format!(
                "{what} {} went out, but not to the public, which reads each summary from now on",
                closed.join(", ")
            );
            findings.push(
                origin
                    .error(*span, "opened-revisions", message)
                    .hint(
                        "the page, its text and the feed show all of `revisions:`; read them again",
                    )
                    .warning(),
            );
        }
    }
}

fn dates(parts: &Parts, now: &Moment, findings: &mut Findings) {
    for (origin, parsed) in &parts.advisories {
        let advisory = &parsed.advisory;
        if advisory.status != Status::Draft && now.days_until(advisory.updated()) > 1 {
            let message = format!(
                "`{}` is dated {}, in the future",
                advisory.id,
                advisory.updated().date()
            );
            findings.push(
                origin
                    .error(parsed.dated, "future-date", message)
                    .hint("use `embargo:` to keep something from the public until a moment")
                    .warning(),
            );
        }
    }
}

fn certificate(
    named: &Named,
    now: &Moment,
    fingerprint: &Fingerprint,
    address: &Address,
    findings: &mut Findings,
    error: impl Fn(&'static str, String) -> Finding,
) {
    let held = "letters that have to be encrypted are held for this contact until then";
    if !named.certificates.has(fingerprint) {
        if named.broken_certificates.contains(&fingerprint.to_string()) {
            return;
        }
        let finding = error(
            "certificate-missing",
            format!("there is no certificate `certs/{fingerprint}.asc`"),
        );
        findings.push(finding.hint(format!("put it there; {held}")).warning());
        return;
    }
    let state = named.certificates.state(fingerprint, now);
    let (code, hint) = match &state {
        KeyState::Usable { .. } => {
            if let Some(days) = state
                .days_left(now)
                .filter(|days| *days <= EXPIRY_WARNING_DAYS)
            {
                let finding = error(
                    "certificate-expiring",
                    format!("this certificate expires in {}", in_days(days)),
                );
                findings.push(
                    finding
                        .hint("ask for a renewed copy in time, or try `advise constituent refresh`")
                        .warning(),
                );
            }
            if !named.claims.has(fingerprint, address) {
                let finding = error(
                    "certificate-address",
                    format!(
                        "this certificate has no user ID with an address at `{}` that is this contact's",
                        address.domain()
                    ),
                );
                findings.push(
                    finding
                        .hint("make sure that it really is this contact's")
                        .warning(),
                );
            }
            return;
        }
        KeyState::Missing => return,
        KeyState::Expired(_) => ("certificate-expired", "ask for a renewed copy"),
        KeyState::Revoked(_) => ("certificate-revoked", "ask for the new certificate"),
        KeyState::CannotEncrypt => (
            "certificate-cannot-encrypt",
            "ask for a certificate with an encryption subkey",
        ),
        KeyState::Weak(_) => (
            "certificate-weak",
            "ask for a certificate made with today's algorithms",
        ),
    };
    findings.push(
        error(code, format!("this {state}"))
            .hint(format!("{hint}; {held}"))
            .warning(),
    );
}

fn in_days(days: i64) -> String {
    if days == 1 {
        "1 day".into()
    } else {
        format!("{days} days")
    }
}

fn team(parts: &Parts, now: &Moment, findings: &mut Findings) {
    let Some((source, team, places)) = &parts.team else {
        return;
    };
    let named = &parts.named;
    for (name, span) in &places.notifications {
        known_list(named, name, findings, |message| {
            source.error(*span, "unknown-list", message)
        });
    }
    let signing = parts
        .settings
        .as_ref()
        .and_then(|(_, settings)| settings.signing.as_ref())
        .map(|signing| &signing.fingerprint);
    let is_there = |fingerprint: &Fingerprint| {
        named.certificates.has(fingerprint)
            || named.broken_certificates.contains(&fingerprint.to_string())
    };
    for (fingerprint, span) in &places.keys {
        // Of the one that signs, the settings say so.
        if !is_there(fingerprint) && signing != Some(fingerprint) {
            let finding = source.error(
                *span,
                "certificate-missing",
                format!(
                    "there is no certificate `certs/{fingerprint}.asc` for this key of the team"
                ),
            );
            findings.push(
                finding
                    .hint("put the public certificate there: `gpg --export --armor FINGERPRINT`"),
            );
        }
    }
    if let Some((settings_source, settings)) = &parts.settings
        && let Some(signing) = &settings.signing
    {
        let digits = signing.fingerprint.to_string();
        let at = settings_source
            .text
            .find(&digits)
            .map(|at| Span::new(at, at + digits.len()));
        let finding = |code, message: &str| match at {
            Some(span) => settings_source.error(span, code, message),
            None => Finding::of_file(&settings_source.path, code, message),
        };
        match named.certificates.of_team(&signing.fingerprint) {
            None if is_there(&signing.fingerprint) => {}
            None => findings.push(
                finding("certificate-missing", "the team's certificate is missing")
                    .hint(format!("put it at `certs/{}.asc`", signing.fingerprint)),
            ),
            Some(certificate) => signing_certificate(certificate, now, &finding, findings),
        }
        if team.keys.first() != Some(&signing.fingerprint) && is_there(&signing.fingerprint) {
            findings.push(
                finding(
                    "signing-key",
                    "the first of the team's `keys` in `team.yaml` is another certificate than the one that signs",
                )
                .hint(format!(
                    "readers verify with the first one: write `keys: [\"{}\"]` there, older ones after it",
                    signing.fingerprint
                )),
            );
        }
    }
    let key = team
        .keys
        .first()
        .and_then(|fingerprint| named.certificates.of_team(fingerprint));
    let key = key.map(|key| rfc2350::KeyFacts::of(key, now));
    if key.is_some() || team.keys.is_empty() {
        // That the key which signs ends soon was said above.
        let is_said = |finding: &Finding| {
            signing == team.keys.first() && matches!(finding.code, "key-expires" | "key-expired")
        };
        findings.append(
            rfc2350::lint_key(team, key.as_ref(), now)
                .into_iter()
                .filter(|finding| !is_said(finding))
                .collect(),
        );
    }
    for prose in parts.prose.values() {
        findings.append(rfc2350::lint_prose(team, key.as_ref(), prose, now));
    }
    findings.append(rfc2350::lint_languages(team, &parts.prose));
}

/// What has become of the RFC 2350 description since it was published.
fn document(parts: &Parts, published: &Published, now: &Moment, findings: &mut Findings) {
    let Some((source, team, places)) = &parts.team else {
        return;
    };
    if let Some((day, span)) = places
        .reviewed
        .as_ref()
        .filter(|(day, _)| now.days_until(day) > 1)
    {
        let message = format!(
            "the description cannot have been reviewed on {}, in the future",
            day.date()
        );
        findings.push(
            source
                .error(*span, "future-date", message)
                .hint("write the day on which somebody has read it"),
        );
    }
    let Some((version, date, clocks)) = &published.document else {
        return;
    };
    // Judged with the prose, but published only if there is some.
    if parts.prose.is_empty() {
        return;
    }
    let days = date.days_until(now);
    if days > DOCUMENT_AGE_DAYS {
        let message = format!(
            "the RFC 2350 description is of {} (version {version}), more than a year old",
            date.date()
        );
        let hint = format!(
            "read it again; if it is still true, say so with `reviewed: {}`, which makes a new version",
            now.date()
        );
        findings.push(
            Finding::of_file(&source.path, "document-old", message)
                .hint(hint)
                .warning(),
        );
    }
    let says = rfc2350::Clocks::named(&team.time_zone, now).unwrap_or_default();
    let zone = format!("{}: ", team.time_zone);
    if let (Some(span), Some(was), Some(is)) = (
        places.time_zone,
        clocks.strip_prefix(&zone),
        says.strip_prefix(&zone),
    ) && was != is
    {
        let message = format!(
            "zone rule changed: version {version} of the RFC 2350 description says `{was}`, and now it is `{is}`"
        );
        let hint = "the next `advise publish` makes a new version that says so; change `hours` too, if they are others now";
        findings.push(
            source
                .error(span, "zone-rule-changed", message)
                .hint(hint)
                .warning(),
        );
    }
}

fn signing_certificate(
    certificate: &Certificate,
    now: &Moment,
    finding: &dyn Fn(&'static str, &str) -> Finding,
    findings: &mut Findings,
) {
    if !certificate.can_sign(now) {
        findings.push(
            finding(
                "certificate-cannot-sign",
                "the team's certificate cannot sign now: it has expired, is revoked, or has no key for signatures",
            )
            .hint("`advise key status` shows more"),
        );
    } else if let Some(days) = certificate
        .expires(now)
        .map(|at| now.days_until(&at))
        .filter(|days| *days <= EXPIRY_WARNING_DAYS)
    {
        findings.push(
            finding(
                "certificate-expiring",
                &format!("the team's certificate expires in {}", in_days(days)),
            )
            .hint("renew it in time, so that readers have the new copy")
            .warning(),
        );
    }
}
