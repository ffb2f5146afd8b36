//! One document without a fault in all forms in which teams publish: it says the same in each, and gets no fault.

use super::{
    base::{FRENCH, GERMAN, RUSSIAN, SECTIONS},
    *,
};

/// A section as a form writes it.
type Section<'s> = (&'s str, &'s str, &'s str);

fn text(title: &str, section: impl Fn(Section) -> String) -> String {
    std::iter::once(format!("{title}\n\n"))
        .chain(SECTIONS.iter().map(|one| section(*one)))
        .collect()
}

fn plain((number, title, body): Section) -> String {
    format!("{number} {title}\n\n{body}\n\n")
}

fn titled(titles: &[&str; 34]) -> String {
    let sections = SECTIONS
        .iter()
        .zip(titles)
        .map(|((number, _, body), title)| plain((number, title, body)));
    std::iter::once("RFC 2350\n\n".to_string())
        .chain(sections)
        .collect()
}

/// What every form has to give.
fn is_the_same(what: &str, bytes: &[u8]) {
    let document = read(bytes);
    let known = document
        .sections
        .iter()
        .filter(|section| section.is_known)
        .count();
    assert_eq!(
        known,
        SECTIONS.len(),
        "{what}: {:?}",
        document
            .sections
            .iter()
            .map(|s| s.heading.clone())
            .collect::<Vec<_>>()
    );
    let numbers: Vec<String> = document
        .sections
        .iter()
        .filter_map(|s| s.number.as_ref())
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        numbers,
        SECTIONS.map(|(number, _, _)| number.to_string()),
        "{what}"
    );
    let imported = imported(&document);
    assert_eq!(
        names(&imported.faults),
        [],
        "{what}: {:#?}",
        imported.faults
    );
    let en = advise::terms::Lang::english();
    let team = &imported.parsed;
    assert_eq!(
        (team.name.in_lang(&en), team.short(&en)),
        ("Marshland Response Team", "MARSH-CERT"),
        "{what}"
    );
    assert_eq!(
        (team.email.as_str(), team.phone.as_deref()),
        ("cert@marsh.example", Some("+49 40 555 0100")),
        "{what}"
    );
    assert_eq!(
        (team.time_zone.as_str(), team.country.as_deref()),
        ("Europe/Berlin", Some("DE")),
        "{what}"
    );
    assert_eq!(
        team.website.as_deref(),
        Some("https://cert.marsh.example/about"),
        "{what}"
    );
    assert_eq!(team.default_tlp, Some(advise::tlp::Tlp::Amber), "{what}");
    let address = team
        .address
        .as_ref()
        .map(|address| address.in_lang(&en).lines().count());
    assert_eq!(address, Some(4), "{what}: {:?}", team.address);
    assert!(
        imported
            .team
            .contains("8C1B20DE93A7F64E0B5271C9E3D84AF69B05D217"),
        "{what}"
    );
    let sources = words(&format!("{}\n{}", imported.prose, imported.team));
    for (number, _, body) in SECTIONS {
        for sentence in body
            .split_inclusive(['.', '\n'])
            .filter(|sentence| sentence.split_whitespace().count() > 1)
        {
            if body.contains("\n ")
                || sentence.contains("duty\n")
                || sentence.contains("marsh.example")
                || sentence.contains("2.0")
            {
                continue;
            }
            assert!(
                sources.contains(&words(sentence)),
                "{what}: {number}: {sentence:?}"
            );
        }
    }
    // Nothing of one section has got into another.
    assert!(
        imported.prose.contains("sluices") && imported.prose.matches("dikes,").count() == 1,
        "{what}"
    );
}

#[test]
fn plain_texts_of_all_kinds_say_the_same() {
    is_the_same("plainly", text("RFC 2350 of MARSH-CERT", plain).as_bytes());
    is_the_same(
        "dots",
        text("RFC 2350", |(n, t, b)| format!("{n}. {t}\n{b}\n\n")).as_bytes(),
    );
    is_the_same(
        "capitals",
        text("RFC 2350", |(n, t, b)| {
            format!("{n}  {}\n\n{b}\n\n", t.to_uppercase())
        })
        .as_bytes(),
    );
    is_the_same(
        "sections",
        text("RFC 2350", |(n, t, b)| {
            format!("Section {n}: {t}\n\n{b}\n\n")
        })
        .as_bytes(),
    );
    is_the_same(
        "underlined",
        text("RFC 2350", |(n, t, b)| {
            format!("{n} {t}\n{}\n{b}\n\n", "-".repeat(t.len() + 4))
        })
        .as_bytes(),
    );
    is_the_same(
        "indented",
        text("RFC 2350", |(n, t, b)| {
            format!("{n}\t{t}\n\n   {}\n\n", b.replace('\n', "\n   "))
        })
        .as_bytes(),
    );
    is_the_same(
        "glued",
        text("RFC 2350", |(n, t, b)| format!("{n}.{t}\n{b}\n\n")).as_bytes(),
    );
    is_the_same(
        "without numbers",
        text("RFC 2350", |(_, t, b)| format!("{t}\n\n{b}\n\n")).as_bytes(),
    );
    is_the_same(
        "with colons",
        text("RFC 2350", |(n, t, b)| format!("{n} {t}:\n\n{b}\n\n")).as_bytes(),
    );
    let body_beside = |(n, t, b): Section| {
        let gap = if b.starts_with('-') || b.is_empty() {
            "\n"
        } else {
            ": "
        };
        format!("{n} {t}{gap}{b}\n\n")
    };
    is_the_same("beside", text("RFC 2350", body_beside).as_bytes());
    let two = text("RFC 2350", plain)
        .replace("Charter\n\n\n\n3.1", "Charter 3.1")
        .replace("Services\n\n\n\n5.1", "Services 5.1");
    assert!(two.contains("3 Charter 3.1 Mission"));
    is_the_same("two in a line", two.as_bytes());
    let broken = text("RFC 2350", plain).replace(
        "Interaction and Disclosure of Information",
        "Interaction and Disclosure\n    of Information",
    );
    is_the_same("a title in two lines", broken.as_bytes());
    let label = format!("TLP:CLEAR\n\n{}\nTLP:CLEAR\n", text("RFC 2350", plain));
    is_the_same("label", label.as_bytes());
}

#[test]
fn a_table_of_contents_is_none_of_the_document() {
    let list = |end: &dyn Fn(usize) -> String| -> String {
        SECTIONS
            .iter()
            .enumerate()
            .map(|(at, (n, t, _))| format!("  {n} {t}{}\n", end(at)))
            .collect()
    };
    for (what, entries) in [
        ("plain", list(&|_| String::new())),
        ("dots", list(&|at| format!(" ........... {}", at / 5 + 1))),
        ("tabs", list(&|at| format!("\t{}", at / 5 + 1))),
        ("loose", list(&|_| "\n".into())),
    ] {
        let document = format!(
            "RFC 2350\n\nTable of Contents\n\n{entries}\n\n{}",
            SECTIONS.map(plain).concat()
        );
        is_the_same(what, document.as_bytes());
    }
}

#[test]
fn pages_of_a_printer_are_joined_again() {
    let whole = text("RFC 2350", plain);
    let lines: Vec<&str> = whole.lines().collect();
    let pages = lines.chunks(42).count();
    for feed in ["\u{c}", ""] {
        let mut out = String::new();
        for (at, page) in lines.chunks(42).enumerate() {
            out.push_str(&page.join("\n"));
            out.push_str(&format!("\n\nMARSH-CERT                 TLP:CLEAR                 Page {} of {pages}\n{feed}RFC 2350 of MARSH-CERT - Public\n\n", at + 1));
        }
        if feed.is_empty() {
            out = out.replace("RFC 2350 of MARSH-CERT - Public\n", "");
        }
        is_the_same(
            if feed.is_empty() {
                "without feeds"
            } else {
                "with feeds"
            },
            out.as_bytes(),
        );
    }
}

#[test]
fn encodings_and_line_ends_make_no_difference() {
    let text = text("RFC 2350", plain);
    is_the_same("crlf", text.replace('\n', "\r\n").as_bytes());
    is_the_same("cr", text.replace('\n', "\r").as_bytes());
    is_the_same("mark", format!("\u{feff}{text}").as_bytes());
    is_the_same("nbsp", text.replace(" of ", "\u{a0}of ").as_bytes());
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    is_the_same("utf-16", &[&[0xff, 0xfe][..], &wide].concat());
    let doubled: String = text
        .lines()
        .map(|line| {
            if line.is_empty() {
                "\n".into()
            } else {
                format!("{line}\n\n")
            }
        })
        .collect();
    is_the_same("double", doubled.as_bytes());
}

#[test]
fn pages_say_the_same() {
    let paragraphs = |body: &str| -> String {
        let one = |part: &str| match part.starts_with("- ") {
            true => format!(
                "<ul>{}</ul>",
                part.replace("\n  ", " ")
                    .split('\n')
                    .map(|item| format!("<li>{}</li>\n", &item[2..]))
                    .collect::<String>()
            ),
            false => format!("<p>{}</p>", part.replace('\n', "<br>\n")),
        };
        body.split("\n\n")
            .filter(|part| !part.is_empty())
            .map(one)
            .collect()
    };
    let around = |inner: String| {
        format!(
            "<!DOCTYPE html>\n<html lang=en><head><title>RFC 2350 | MARSH-CERT</title><meta charset=utf-8><style>p {{ x }}</style></head><body>\n\
             <header class=site-header><nav><ul><li><a href=/>Home</a><li><a href=/about>About us</a></ul></nav></header>\n\
             <div class=\"cookie-notice\"><p>We use cookies to make this page better.</p><button>Accept all</button></div>\n\
             <main><h1>RFC 2350</h1>\n{inner}</main>\n<footer><p>Copyright 2026 MARSH-CERT</p><a href=/privacy>Privacy</a></footer>\
             <script>document.write('<h2>9 Nothing</h2>')</script></body></html>\n"
        )
    };
    let all = |section: &dyn Fn(Section) -> String| {
        around(SECTIONS.iter().map(|one| section(*one)).collect())
    };
    let level = |number: &str| number.matches('.').count() + 2;
    is_the_same(
        "headings",
        all(&|(n, t, b)| format!("<h{0}>{n} {t}</h{0}>{1}\n", level(n), paragraphs(b))).as_bytes(),
    );
    is_the_same(
        "bold",
        all(&|(n, t, b)| format!("<p><strong>{n}. {t}</strong></p>{}\n", paragraphs(b))).as_bytes(),
    );
    is_the_same(
        "without numbers",
        all(&|(_, t, b)| format!("<h3>{t}</h3>{}\n", paragraphs(b))).as_bytes(),
    );
    is_the_same(
        "table",
        around(format!(
            "<table>{}</table>",
            SECTIONS
                .map(|(n, t, b)| format!("<tr><td>{n}<td>{t}<td>{}\n", paragraphs(b)))
                .concat()
        ))
        .as_bytes(),
    );
    is_the_same(
        "pre",
        around(format!("<pre>{}</pre>", text("", plain))).as_bytes(),
    );
    let linked = around(
        SECTIONS
            .map(|(n, t, _)| format!("<li><a href='#{n}'>{n} {t}</a>"))
            .concat()
            + &SECTIONS
                .map(|(n, t, b)| format!("<h2 id='{n}'>{n} {t}</h2>{}", paragraphs(b)))
                .concat(),
    );
    is_the_same("contents", linked.as_bytes());
    let form = all(&|(n, t, b)| format!("<h2>{n} {t}</h2>{}", paragraphs(b)))
        .replace("<main>", "<div class=menu>")
        .replace("</main>", "</div>");
    is_the_same("the wrong name around it", form.as_bytes());
    let document = read(linked.as_bytes());
    let told: Vec<&str> = document
        .chrome
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    for words in [
        "Home",
        "We use cookies to make this page better.",
        "Copyright 2026 MARSH-CERT",
    ] {
        assert!(told.contains(&words), "{words}: {told:?}");
    }
}

#[test]
fn markdown_says_the_same() {
    let level = |number: &str| "#".repeat(number.matches('.').count() + 2);
    let hard = |body: &str| {
        if body.starts_with("Full") || body.contains("\nDike") {
            body.replace('\n', "  \n")
        } else {
            body.to_string()
        }
    };
    is_the_same(
        "hashes",
        text("# RFC 2350", |(n, t, b)| {
            format!("{} {n} {t}\n\n{}\n\n", level(n), hard(b))
        })
        .as_bytes(),
    );
    is_the_same(
        "escaped",
        text("# RFC 2350", |(n, t, b)| {
            format!(
                "{} **{}\\. {t}**\n\n{}\n\n",
                level(n),
                n.replace('.', "\\."),
                hard(b)
            )
        })
        .as_bytes(),
    );
}

#[test]
fn a_certificate_in_the_text_is_a_file_and_no_prose() {
    let made = advise::openpgp::generate(
        &["MARSH-CERT <cert@marsh.example>"],
        advise::openpgp::Kind::Team,
        None,
        &now(),
        None,
    )
    .expect("a key");
    let armored = made.certificate.armored();
    let key = format!(
        "Fingerprint: {}\n\n",
        made.certificate.fingerprint().spaced()
    );
    let markdown = text("# RFC 2350", |(n, t, b)| match n {
        "2.8" => format!("## {n} {t}\n\n{key}```\n{armored}```\n\nAsk for it.\n\n"),
        _ => format!("## {n} {t}\n\n{b}\n\n"),
    });
    let plainly = text("RFC 2350", |(n, t, b)| {
        if n == "2.8" {
            format!("{n} {t}\n\n{key}{armored}\n")
        } else {
            plain((n, t, b))
        }
    });
    for text in [markdown, plainly] {
        let document = read(text.as_bytes());
        assert_eq!(document.certificates.len(), 1);
        let read = advise::openpgp::Certificate::read(document.certificates[0].as_bytes())
            .expect("a certificate");
        assert_eq!(read.fingerprint(), made.certificate.fingerprint());
        let imported = imported(&document);
        assert_eq!(names(&imported.faults), []);
        assert!(
            !imported.prose.contains("BEGIN PGP") && !imported.prose.contains("```"),
            "{}",
            imported.prose
        );
    }
}

#[test]
fn titles_may_be_in_other_languages() {
    for (what, titles) in [
        ("German", &GERMAN),
        ("French", &FRENCH),
        ("Russian", &RUSSIAN),
    ] {
        let document = titled(titles);
        is_the_same(what, document.as_bytes());
        let bare: String = SECTIONS
            .iter()
            .zip(titles)
            .map(|((_, _, body), title)| format!("{title}\n\n{body}\n\n"))
            .collect();
        is_the_same(
            &format!("{what}, without numbers"),
            format!("RFC 2350\n\n{bare}").as_bytes(),
        );
    }
}

#[test]
fn sections_may_stand_in_another_order() {
    let mut order = SECTIONS;
    order[9..17].reverse();
    let text: String = std::iter::once("RFC 2350\n\n".to_string())
        .chain(order.iter().map(|one| plain(*one)))
        .collect();
    let document = read(text.as_bytes());
    assert_eq!(
        document
            .sections
            .iter()
            .filter(|section| section.is_known)
            .count(),
        SECTIONS.len()
    );
    assert_eq!(names(&imported(&document).faults), []);
}

#[test]
fn a_team_without_a_fax_has_other_numbers_and_the_same_sections() {
    // 2.5 is left out, and what comes after it moves up.
    let moved = |number: &str| match number
        .strip_prefix("2.")
        .and_then(|n| n.parse::<u32>().ok())
    {
        Some(n) if n > 5 => format!("2.{}", n - 1),
        _ => number.to_string(),
    };
    let text: String = SECTIONS
        .iter()
        .filter(|(n, _, _)| *n != "2.5")
        .map(|(n, t, b)| plain((&moved(n), t, b)))
        .collect();
    let document = read(format!("RFC 2350\n\n{text}").as_bytes());
    let number = |title: &str| {
        document
            .sections
            .iter()
            .find(|s| s.title == title)
            .and_then(|s| s.number.clone())
            .map(|n| n.to_string())
    };
    assert_eq!(number("Electronic Mail Address").as_deref(), Some("2.7"));
    assert_eq!(
        number("Points of Customer Contact").as_deref(),
        Some("2.11")
    );
    assert_eq!(
        names(&imported(&document).faults)
            .iter()
            .map(|(_, name)| *name)
            .collect::<Vec<_>>(),
        ["missing-section"]
    );
}
