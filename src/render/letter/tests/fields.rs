//! No field can write a header. The fields are enumerated by taking the structs apart: a new one does not compile
//! until somebody has said here whether it is a text.

use super::*;
use crate::{diag::Findings, markdown, render::words::Words};

type Texts<'c> = Vec<(&'static str, &'c mut String)>;

fn of_advisory(advisory: &mut Advisory) -> Texts<'_> {
    // What is passed over has a type of its own, which can hold no line end.
    let Advisory {
        id: _,
        kind: _,
        status: _,
        date: _,
        tlp: _,
        severity: _,
        audience: _,
        embargo: _,
        cves: _,
        cvss: _,
        cwes: _,
        affected,
        references,
        revisions,
        lang: _,
        texts,
        attachments,
        digest: _,
        path: _,
    } = advisory;
    let mut all: Texts<'_> = Vec::new();
    for Affected {
        vendor,
        product,
        versions,
        fixed,
    } in affected
    {
        all.extend([
            ("vendor", vendor),
            ("product", product),
            ("versions", versions),
        ]);
        all.extend(fixed.as_mut().map(|fixed| ("fixed", fixed)));
    }
    for Reference { title, url } in references {
        all.extend([("reference", title), ("url", url)]);
    }
    for Revision {
        number,
        date: _,
        summary,
    } in revisions
    {
        all.extend([("number", number), ("summary", summary)]);
    }
    for text in texts.values_mut() {
        let Text { title, body } = &mut **text;
        all.extend([("title", title), ("body", body)]);
    }
    for Attachment { name, bytes: _ } in attachments {
        all.push(("attachment", name));
    }
    all
}

fn of_team(team: &mut Team) -> Texts<'_> {
    let Team {
        name,
        short_name,
        address,
        country,
        time_zone,
        hours,
        holidays,
        phone,
        emergency_phone,
        fax,
        other_telecommunication,
        email: _,
        website,
        keys: _,
        key_servers: _,
        members,
        constituency,
        affiliation: _,
        default_tlp: _,
        notifications: _,
        reviewed: _,
    } = team;
    let mut all: Texts<'_> = vec![("time_zone", time_zone)];
    for (field, text) in [
        ("country", country),
        ("phone", phone),
        ("emergency", emergency_phone),
        ("fax", fax),
        ("website", website),
    ] {
        all.extend(text.as_mut().map(|text| (field, text)));
    }
    let wordings = [
        Some(name),
        short_name.as_mut(),
        address.as_mut(),
        hours.as_mut(),
        holidays.as_mut(),
    ];
    let more = [
        other_telecommunication.as_mut(),
        members.as_mut(),
        constituency.as_mut(),
    ];
    for wording in wordings.into_iter().chain(more).flatten() {
        if let Wording::One(text) = wording {
            all.push(("text of the team", text));
        }
    }
    all
}

fn of_words(words: &mut LetterWords) -> Texts<'_> {
    let LetterWords {
        tlp_clear,
        tlp_green,
        tlp_amber,
        tlp_amber_strict,
        tlp_red,
        severity_none,
        severity_low,
        severity_medium,
        severity_high,
        severity_critical,
        withdrawn,
        withdrawn_notice,
        untranslated,
        changed,
        embargo,
        embargo_meaning,
        embargo_mark,
        id,
        revision,
        published,
        updated,
        severity,
        cves,
        affected,
        fixed_in,
        on_the_web,
        attachments,
        references,
        questions,
        markdown:
            markdown::Words {
                note,
                tip,
                important,
                warning,
                caution,
                links,
                table,
                back,
            },
    } = words;
    let all = [
        tlp_clear,
        tlp_green,
        tlp_amber,
        tlp_amber_strict,
        tlp_red,
        severity_none,
        severity_low,
        severity_medium,
        severity_high,
        severity_critical,
        withdrawn,
        withdrawn_notice,
        untranslated,
        changed,
        embargo,
        embargo_meaning,
        embargo_mark,
        id,
        revision,
        published,
        updated,
        severity,
        cves,
        affected,
        fixed_in,
        on_the_web,
        attachments,
        references,
        questions,
        note,
        tip,
        important,
        warning,
        caution,
        links,
        table,
        back,
    ];
    all.into_iter().map(|text| ("a word", text)).collect()
}

fn texts(case: &mut Case) -> Texts<'_> {
    let Case {
        advisory,
        team,
        words,
        facts,
        ada,
    } = case;
    let ListFacts {
        name: _,
        title,
        address: _,
        help: _,
        owner: _,
    } = facts;
    let Contact {
        name,
        address: _,
        certificate: _,
        language: _,
        phone,
        lists: _,
        joined: _,
        suspended: _,
        constituent: _,
    } = ada;
    let mut all = vec![("title of the list", title), ("name of the contact", name)];
    all.extend(phone.as_mut().map(|phone| ("phone of the contact", phone)));
    all.extend(of_advisory(advisory));
    all.extend(of_team(team));
    all.extend(of_words(words));
    all
}

const POISON: [&str; 14] = [
    "\r\nBcc: x@y.example",
    "\nBcc: x@y.example",
    "\rBcc: x@y.example",
    "\r\n\r\nBcc: x@y.example",
    "\n Bcc: x@y.example",
    "\0Bcc: x@y.example",
    "\u{85}Bcc: x@y.example",
    "\u{2028}Bcc: x@y.example",
    "\u{202e}Bcc: x@y.example\u{2066}",
    "=?utf-8?q?=0D=0ABcc:_x@y.example?=",
    "=?utf-8?B?DQpCY2M6IHhAeS5leGFtcGxl?=",
    "\", <x@y.example>, \"",
    "\\",
    "; name=\"x.exe\"\u{b}\u{c}",
];

fn case() -> Case {
    let mut advisory = revised(advisory(Tlp::Amber, "x\n"));
    advisory.attachments.push(Attachment {
        name: "a.csv".into(),
        bytes: b"x".as_slice().into(),
    });
    advisory.embargo = Some(term("2026-12-01T00:00:00Z"));
    let mut team = team("Example CERT");
    for field in [
        &mut team.short_name,
        &mut team.address,
        &mut team.hours,
        &mut team.holidays,
        &mut team.members,
    ] {
        *field = Some(Wording::One("x".into()));
    }
    Case {
        advisory,
        team,
        words: english(),
        facts: facts(),
        ada: ada(),
    }
}

/// The names of a header's fields, unfolded by nobody: each line is a field or goes on with one.
fn names(bytes: &[u8]) -> Vec<String> {
    let head = utf8(bytes)
        .split("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .trim_end();
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']));
    lines
        .map(|line| {
            line.split_once(':')
                .unwrap_or_else(|| panic!("`{line}` is no field"))
                .0
                .to_string()
        })
        .collect()
}

/// All headers that a letter has: outside, of the payload, and of its parts.
fn headers(letter: &Letter) -> Vec<Vec<String>> {
    let payload = utf8(letter.payload());
    let boundary = payload
        .split("boundary=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a boundary");
    let between = format!("\r\n--{boundary}\r\n");
    let parts = payload
        .split(&between)
        .skip(1)
        .map(|part| names(part.as_bytes()));
    [names(&letter.entity.outer), names(letter.payload())]
        .into_iter()
        .chain(parts)
        .collect()
}

#[test]
fn no_field_of_the_workspace_writes_a_header() {
    let (mut refused, mut harmless) = (0, 0);
    for (cover, person) in [
        (Cover::Encrypted, false),
        (Cover::Encrypted, true),
        (Cover::Signed, false),
    ] {
        let fresh = || {
            let mut fresh = case();
            fresh.advisory.tlp = if cover == Cover::Signed {
                Tlp::Green
            } else {
                Tlp::Amber
            };
            fresh
        };
        let clean = headers(&fresh().letter(cover, person).expect("a letter"));
        for at in 0..texts(&mut fresh()).len() {
            for (number, poison) in POISON.into_iter().enumerate() {
                let mut case = fresh();
                let (field, text) = texts(&mut case).swap_remove(at);
                *text = if (at + number) % 2 == 0 {
                    format!("{text}{poison}")
                } else {
                    format!("{poison}{text}")
                };
                let Ok(letter) = case.letter(cover, person) else {
                    refused += 1;
                    continue;
                };
                harmless += 1;
                assert_eq!(headers(&letter), clean, "{poison:?} in {field}");
                let mail = MessageParser::default()
                    .parse(letter.payload())
                    .expect("a part");
                assert_eq!(
                    mail.subject(),
                    Some(letter.subject()),
                    "{poison:?} in {field}"
                );
                let [to, from] =
                    [mail.to(), mail.from()].map(|all| all.map_or(0, |all| all.iter().count()));
                assert_eq!((to, from), (1, 1), "{poison:?} in {field}");
                assert!(
                    mail.bcc().is_none()
                        && mail
                            .to()
                            .and_then(|to| to.first())
                            .and_then(|to| to.address())
                            != Some("x@y.example")
                );
            }
        }
    }
    assert!(
        refused > 100 && harmless > 500,
        "{refused} refused, {harmless} harmless"
    );
}

#[test]
fn no_word_of_a_notice_writes_a_header() {
    let compose = |words: &NoticeWords, name: &str| {
        let shop = NoticeShop {
            lang: &Lang::english(),
            words,
            team: &team(name),
            from: &term("alerts@cert.example.org"),
            to: &term("ada@uni.example.org"),
            help: &term("cert@cert.example.org"),
            message_id: "<notice-1@cert.example.org>",
            ending: None,
            mailbox: None,
            date: &term("2026-07-02T09:30:00+05:00"),
        };
        Notice::new(&shop)
    };
    let english = NoticeWords::held(&Words::read(&Lang::english(), &[], &mut Findings::new()));
    let clean = names(
        compose(&english, "Example CERT")
            .expect("a notice")
            .payload(),
    );
    for poison in POISON {
        for at in 0..6 {
            let (mut words, mut name) = (english.clone(), "Example CERT".to_string());
            let NoticeWords {
                subject,
                waiting,
                mend,
                instead,
                check,
            } = &mut words;
            [subject, waiting, mend, instead, check, &mut name]
                .into_iter()
                .nth(at)
                .expect("six")
                .push_str(poison);
            if let Ok(notice) = compose(&words, &name) {
                assert_eq!(names(notice.payload()), clean, "{poison:?}");
            }
        }
    }
}
