//! Letters through the real program: which earlier ones they answer, what they say of an embargo, in whose language,
//! and that no field of the workspace can write a header.

use crate::harness::{Mail, World};
use mail_parser::MessageParser;
use std::{collections::BTreeSet, fs};

const OPEN: &str = "tlp: CLEAR\naudience: [open-announce]";

/// A reader's own mail, the newest revision first.
fn mail_of(world: &World, reader: &str) -> Vec<Mail> {
    let number = |mail: &Mail| {
        (2..9)
            .find(|n| mail.header("Subject").contains(&format!(" r{n}:")))
            .unwrap_or(1)
    };
    let mut all: Vec<Mail> = world
        .mail()
        .into_iter()
        .filter(|mail| mail.recipient() == reader)
        .collect();
    all.sort_by_key(|mail| std::cmp::Reverse(number(mail)));
    all
}

/// What is read: of a signed letter, or of the inside of an encrypted one.
fn text(bytes: &[u8]) -> String {
    let mail = MessageParser::default().parse(bytes).expect("a mail");
    mail.body_text(0).expect("a text").replace("\r\n", "\n")
}

/// A reader of the sample's open list who is told in English.
fn reader(world: &World) -> String {
    world
        .recipients("")
        .into_iter()
        .find(|one| {
            mail_of(world, one)
                .iter()
                .any(|mail| text(&mail.raw).contains("Identifier:"))
        })
        .expect("an English reader")
}

fn revisions(summaries: &[&str]) -> String {
    let one = |(at, summary): (usize, &&str)| {
        format!(
            "\n  - {{number: \"{}\", date: 2026-11-2{at}, summary: {summary}}}",
            at + 1
        )
    };
    format!(
        "{OPEN}\nrevisions:{}",
        summaries.iter().enumerate().map(one).collect::<String>()
    )
}

#[test]
fn a_letter_answers_what_was_really_sent_and_tells_what_was_missed() {
    let id = "EX-2026-0101";
    let world = World::without_advisories()
        .advisory(id, OPEN)
        .run("publish --yes")
        .has_mails(3);
    let reader = reader(&world);
    let first = mail_of(&world, &reader)[0].header("Message-ID").to_string();
    // Since then the team writes from another address, and the second revision was on the site only.
    let world = world
        .change(
            "advise.yaml",
            "from: cert@cert.example.org ",
            "from: alerts@mail.example.org ",
        )
        .advisory(id, &revisions(&["First", "Versions added"]))
        .run("publish --yes --only site")
        .has_mails(3)
        .advisory(id, &revisions(&["First", "Versions added", "A workaround"]))
        .run("publish --yes")
        .has_mails(6);
    let third = &mail_of(&world, &reader)[0];
    assert!(third.header("Message-ID").ends_with("@mail.example.org>"));
    assert_eq!(
        (third.header("In-Reply-To"), third.header("References")),
        (first.as_str(), first.as_str())
    );
    let text = text(&third.raw);
    let news = "| What changed (Revision 2, 2026-11-21)\n| Versions added\n| What changed (Revision 3, 2026-11-22)\n| A workaround\n\n";
    assert!(text.contains(news), "{text}");
}

#[test]
fn what_another_list_was_told_is_no_news_for_this_one() {
    let id = "EX-2026-0101";
    let secret = "The victim is a bank";
    let fields = |label: &str, count: usize| {
        let revision = |n: usize| {
            format!(
                "\n  - {{number: \"{n}\", date: 2026-11-2{}, summary: {}}}",
                n - 1,
                ["First", secret, "Open"][n - 1]
            )
        };
        format!(
            "{label}\nrevisions:{}",
            (1..=count).map(revision).collect::<String>()
        )
    };
    // Two revisions under AMBER; one reader of the first, who is on the open list too, did not get the second.
    let world = World::without_advisories()
        .advisory(id, &fields("tlp: AMBER\naudience: [universities]", 1))
        .run("publish --yes")
        .exits(1)
        .whatever_it_says()
        .advisory(id, &fields("tlp: AMBER\naudience: [universities]", 2))
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    let ledger =
        rusqlite::Connection::open(world.path(".advise/ledger.sqlite")).expect("the ledger");
    let failed = ledger
        .execute(
            "UPDATE delivery SET state = 'failed' WHERE revision = '2' AND mail = 'letter'",
            [],
        )
        .expect("written");
    assert!(failed > 0);
    drop(ledger);
    let closed: BTreeSet<String> = world
        .mail()
        .iter()
        .map(|mail| mail.header("Message-ID").to_string())
        .collect();
    let world = world
        .advisory(
            id,
            &fields("tlp: CLEAR\naudience: [community, universities]", 3),
        )
        .run("publish --yes")
        .whatever_it_says();
    let open: Vec<Mail> = world
        .mail()
        .into_iter()
        .filter(|mail| mail.is("signed") && mail.header("Subject").contains(" r3:"))
        .collect();
    assert!(!open.is_empty());
    for mail in open {
        let raw = String::from_utf8_lossy(&mail.raw);
        assert!(!text(&mail.raw).contains(secret), "{raw}");
        if mail.header("List-Id").contains("community") {
            assert!(closed.iter().all(|id| !raw.contains(id.as_str())), "{raw}");
        }
    }
}

#[test]
fn a_withdrawal_answers_the_warning_and_says_why_in_its_first_lines() {
    let id = "EX-2026-0101";
    let world = World::without_advisories()
        .advisory(id, OPEN)
        .run("publish --yes")
        .has_mails(3);
    let reader = reader(&world);
    let first = mail_of(&world, &reader)[0].header("Message-ID").to_string();
    let world = world
        .advisory(
            id,
            &format!(
                "status: withdrawn\n{}",
                revisions(&["First", "\"The vendor was wrong: no version is affected\""])
            ),
        )
        .run("publish --yes")
        .has_mails(6);
    let withdrawal = &mail_of(&world, &reader)[0];
    assert_eq!(
        withdrawal.header("Subject"),
        "[TLP:CLEAR] EX-2026-0101 r2: Withdrawn: Example Gateway: a fault"
    );
    assert_eq!(withdrawal.header("In-Reply-To"), first);
    let text = text(&withdrawal.raw);
    let top: Vec<&str> = text.lines().take(10).collect();
    assert!(
        top.contains(&"| WITHDRAWN")
            && top.contains(&"| The vendor was wrong: no version is affected"),
        "{text}"
    );
}

#[test]
fn until_an_embargo_ends_subject_and_first_lines_say_so() {
    let fields = "tlp: CLEAR\nembargo: 2026-12-01T09:00:00+05:00\naudience: [community, public]";
    let world = World::without_advisories()
        .advisory("EX-2026-0101", fields)
        .run("publish --yes")
        .whatever_it_says();
    let signed: Vec<(String, String)> = world
        .mail()
        .iter()
        .filter(|mail| mail.is("signed") && !mail.header("List-Id").is_empty())
        .map(|mail| {
            let subject = MessageParser::default()
                .parse(&mail.raw)
                .and_then(|mail| mail.subject().map(str::to_string));
            (
                subject.expect("a subject"),
                text(&mail.raw).replace('\n', " "),
            )
        })
        .collect();
    assert!(!signed.is_empty());
    let (mut english, mut russian) = (0, 0);
    for (subject, text) in signed {
        if subject == "[TLP:CLEAR] [EMBARGO] EX-2026-0101: Medium: Example Gateway: a fault" {
            english += 1;
            let until = "TLP:CLEAR EMBARGO until 2026-12-01T09:00:00+05:00. Until then, share this only with those in your \
                         organisation who need to know it. https://www.first.org/tlp/ ";
            assert!(text.starts_with(until), "{text}");
        } else {
            russian += 1;
            assert!(
                subject.starts_with("[TLP:CLEAR] [ЭМБАРГО] EX-2026-0101: Средняя: "),
                "{subject}"
            );
            assert!(
                text.starts_with(
                    "TLP:CLEAR ЭМБАРГО до 2026-12-01T09:00:00+05:00. До этого времени делитесь"
                ),
                "{text}"
            );
        }
    }
    assert!(english > 0 && russian > 0, "{english} and {russian}");
    // Afterwards, whoever hears of it reads what the label means.
    let world = World::without_advisories()
        .advisory("EX-2026-0101", &fields.replace("2026-12-01", "2026-11-20"))
        .run("publish --yes")
        .whatever_it_says();
    assert!(
        world
            .mail()
            .iter()
            .all(|mail| !mail.header("Subject").contains("EMBARGO")
                && !text(&mail.raw).contains("EMBARGO"))
    );
}

#[test]
fn whoever_reads_another_language_gets_its_words_and_a_note_until_the_text_is_translated() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", OPEN)
        .run("publish --yes")
        .has_mails(3);
    let note = "Этот текст не переведён. Он показан на том языке, на котором написан.";
    let readers: Vec<String> = world
        .recipients("")
        .into_iter()
        .filter(|one| text(&mail_of(&world, one)[0].raw).contains(note))
        .collect();
    let [russian] = readers.as_slice() else {
        panic!("one reader of Russian, not {readers:?}")
    };
    let letter = text(&mail_of(&world, russian)[0].raw);
    assert!(
        letter.contains("Номер:") && letter.contains("Something is wrong with Example Gateway."),
        "{letter}"
    );
    let first = mail_of(&world, russian)[0].header("Message-ID").to_string();
    let world = world
        .advisory("EX-2026-0101", &revisions(&["First", "Translated"]))
        .file(
            "advisories/2026/EX-2026-0101.ru.md",
            "---\ntitle: Ошибка в Example Gateway\n---\nОбновите шлюз.\n",
        )
        .run("publish --yes")
        .has_mails(6);
    let second = &mail_of(&world, russian)[0];
    let letter = text(&second.raw);
    assert!(
        letter.contains("Обновите шлюз.") && !letter.contains(note),
        "{letter}"
    );
    assert_eq!(second.header("In-Reply-To"), first);
}

#[test]
fn a_letter_of_which_nobody_knows_whether_it_arrived_goes_again_under_its_first_message_id() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", OPEN)
        .run("publish --yes")
        .has_mails(3);
    let reader = reader(&world);
    let first = mail_of(&world, &reader)[0].header("Message-ID").to_string();
    // The run ended between "sending" and the answer, and what it had put into the outbox is gone.
    let ledger =
        rusqlite::Connection::open(world.path(".advise/ledger.sqlite")).expect("the ledger");
    let changed = ledger
        .execute(
            "UPDATE delivery SET state = 'sending', reply = '' WHERE message_id = ?1",
            [&first],
        )
        .expect("written");
    assert_eq!(changed, 2);
    drop(ledger);
    // Meanwhile everything that a Message-ID is made of was changed.
    let world = world
        .without("outbox")
        .change(
            "advise.yaml",
            "from: cert@cert.example.org ",
            "from: alerts@mail.example.org ",
        )
        .run("publish --yes")
        .says("sent 2 letters")
        .has_mails(2);
    assert!(
        world
            .mail()
            .iter()
            .all(|mail| mail.header("Message-ID") == first)
    );
    world
        .run("publish --yes")
        .says("nothing to do")
        .has_mails(2);
}

/// Where a text of the workspace comes into a letter: file, and what stands before and after it there.
const FIELDS: [(&str, &str, &str); 12] = [
    ("advisories/2026/EX-2026-0101.md", "\ntitle: \"", "\""),
    ("advisories/2026/EX-2026-0101.md", "vendor: \"", "\""),
    ("advisories/2026/EX-2026-0101.md", "product: \"", "\""),
    ("advisories/2026/EX-2026-0101.md", "versions: \"", "\""),
    ("advisories/2026/EX-2026-0101.md", "fixed: \"", "\""),
    (
        "advisories/2026/EX-2026-0101.md",
        "references: [{title: \"",
        "\"",
    ),
    ("advisories/2026/EX-2026-0101.md", "summary: \"", "\""),
    ("advisories/2026/EX-2026-0101.ru.md", "title: \"", "\""),
    ("lists/community.yaml", "title: \"", "\""),
    ("team.yaml", "name: \"", "\""),
    ("templates/words/en.yaml", "letter_embargo_mark: \"", "\""),
    ("templates/words/en.yaml", "severity_medium: \"", "\""),
];

#[test]
fn what_would_write_a_header_is_found_by_check_or_writes_none() {
    let poisons = [
        "\\r\\nBcc: x@y.example",
        "\\nBcc: x@y.example",
        "\\rBcc: x@y.example",
        "\\0Bcc: x@y.example",
        "\\u0085Bcc: x@y.example",
        "\\u2028Bcc: x@y.example",
        "\\u202EBcc: x@y.example",
        "=?utf-8?q?=0D=0ABcc:_x@y.example?=",
        "\\\", <x@y.example>, \\\"",
    ];
    let world = World::without_advisories()
        .file("lists/community.yaml", "title: \"Open\"\naddress: community@lists.cert.example.org\ntlp: GREEN\n")
        .file("templates/words/en.yaml", "letter_embargo_mark: \"E\"\nseverity_medium: \"M\"\n")
        .file("advisories/2026/EX-2026-0101.ru.md", "---\ntitle: \"T\"\n---\nТекст.\n")
        .advisory_with_body(
            "EX-2026-0101",
            "title: \"T\"\nembargo: 2026-12-01T09:00:00+05:00\naffected: [{vendor: \"V\", product: \"P\", versions: \"1\", fixed: \"2\"}]\n\
             references: [{title: \"R\", url: \"https://vendor.example/\"}]\n\
             revisions:\n  - {number: \"1\", date: 2026-11-20, summary: x}\n  - {number: \"2\", date: 2026-11-21, summary: \"S\"}\n\
             tlp: CLEAR\naudience: [community, public]",
            "Text.",
        );
    let team = world.text("team.yaml");
    let end = team
        .find("\nshort_name:")
        .or_else(|| team.find("\naddress:"))
        .expect("the name ends somewhere");
    let world = world.file(
        "team.yaml",
        &format!("name: \"Example CERT\"{}", &team[end..]),
    );
    let clean = FIELDS.map(|(file, ..)| world.text(file));
    let headers = |world: &World| -> Vec<BTreeSet<String>> {
        let names = |mail: &Mail| {
            let text = String::from_utf8_lossy(&mail.raw).into_owned();
            let head = text.split("\n\n").next().unwrap_or_default().to_string();
            head.lines()
                .filter(|line| !line.starts_with([' ', '\t']))
                .filter_map(|line| Some(line.split_once(':')?.0.into()))
                .collect()
        };
        world
            .mail()
            .iter()
            .filter(|mail| mail.is("signed") && !mail.header("List-Id").is_empty())
            .map(names)
            .collect()
    };
    let mut world = world.run("publish --yes").exits(0);
    let expected = headers(&world).first().expect("a letter").clone();
    let (mut refused, mut sent) = (0, 0);
    for poison in poisons {
        // Poisoned are all fields at once; what `check` complains about is mended, and the rest published.
        let mut poisoned: Vec<usize> = (0..FIELDS.len()).collect();
        loop {
            for at in 0..FIELDS.len() {
                world = world.file(FIELDS[at].0, &clean[at]);
            }
            for at in &poisoned {
                let (file, before, after) = FIELDS[*at];
                let text = world.text(file);
                let begin = text.find(before).expect("the field") + before.len();
                let end = begin + text[begin..].find(after).expect("its end");
                world = world.file(file, &format!("{}{poison}{}", &text[..end], &text[end..]));
            }
            let run = world
                .command("check --json")
                .output()
                .expect("the program runs");
            let found: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
            let bad: BTreeSet<String> = found["findings"]
                .as_array()
                .expect("findings")
                .iter()
                .filter(|one| one["level"] == "error")
                .map(|one| one["path"].as_str().unwrap_or_default().to_string())
                .collect();
            if bad.is_empty() {
                break;
            }
            let before = poisoned.len();
            poisoned.retain(|at| !bad.contains(FIELDS[*at].0));
            refused += before - poisoned.len();
            assert!(poisoned.len() < before, "{found:#}");
        }
        drop(fs::remove_dir_all(world.path("outbox")));
        for end in ["", "-wal", "-shm"] {
            drop(fs::remove_file(
                world.path(&format!(".advise/ledger.sqlite{end}")),
            ));
        }
        let run = world
            .command("publish --yes --first-run --only mail")
            .output()
            .expect("the program runs");
        let all = headers(&world);
        match run.status.code() {
            // A word of the templates that is no line is refused when a letter is made of it: nothing has left.
            Some(2) => assert!(
                world.mail().is_empty(),
                "{}",
                String::from_utf8_lossy(&run.stderr)
            ),
            _ => assert!(!all.is_empty(), "{}", String::from_utf8_lossy(&run.stderr)),
        }
        sent += all.len();
        assert!(
            all.iter().all(|names| *names == expected),
            "{poison}: {all:?}"
        );
        for mail in world.mail() {
            assert!(
                MessageParser::default()
                    .parse(&mail.raw)
                    .is_some_and(|mail| mail.bcc().is_none()),
                "{poison}"
            );
        }
    }
    assert!(
        refused > 50 && sent > 0,
        "{refused} fields refused, {sent} letters sent"
    );
}
