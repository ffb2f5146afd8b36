//! Letters through the real program: which earlier ones they answer, what they say of an embargo, in whose language,
//! and that no field of the workspace can write a header.

mod world;

use mail_parser::MessageParser;
use world::{Mail, World};

const OPEN: &str = "tlp: CLEAR\naudience: [open-announce]";

/// A reader's own mail, the newest revision first.
fn mail_of(world: &World, reader: &str) -> Vec<Mail> {
    let number = |mail: &Mail| (2..9).find(|n| mail.header("Subject").contains(&format!(" r{n}:"))).unwrap_or(1);
    let mut all: Vec<Mail> = world.mail().into_iter().filter(|mail| mail.recipient() == reader).collect();
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
        .find(|one| mail_of(world, one).iter().any(|mail| text(&mail.raw).contains("Identifier:")))
        .expect("an English reader")
}

fn revisions(summaries: &[&str]) -> String {
    let one =
        |(at, summary): (usize, &&str)| format!("\n  - {{number: \"{}\", date: 2026-11-2{at}, summary: {summary}}}", at + 1);
    format!("{OPEN}\nrevisions:{}", summaries.iter().enumerate().map(one).collect::<String>())
}

#[test]
fn a_letter_answers_what_was_really_sent_and_tells_what_was_missed() {
    let id = "EX-2026-0101";
    let world = World::without_advisories().advisory(id, OPEN).run("publish --yes").has_mails(3);
    let reader = reader(&world);
    let first = mail_of(&world, &reader)[0].header("Message-ID").to_string();
    // Since then the team writes from another address, and the second revision was on the site only.
    let world = world
        .change("advise.yaml", "from: cert@cert.example.org ", "from: alerts@mail.example.org ")
        .advisory(id, &revisions(&["First", "Versions added"]))
        .run("publish --yes --only site")
        .has_mails(3)
        .advisory(id, &revisions(&["First", "Versions added", "A workaround"]))
        .run("publish --yes")
        .has_mails(6);
    let third = &mail_of(&world, &reader)[0];
    assert!(third.header("Message-ID").ends_with("@mail.example.org>"));
    assert_eq!((third.header("In-Reply-To"), third.header("References")), (first.as_str(), first.as_str()));
    let text = text(&third.raw);
    let news =
        "| What changed (Revision 2, 2026-11-21)\n| Versions added\n| What changed (Revision 3, 2026-11-22)\n| A workaround\n\n";
    assert!(text.contains(news), "{text}");
}

#[test]
fn a_withdrawal_answers_the_warning_and_says_why_in_its_first_lines() {
    let id = "EX-2026-0101";
    let world = World::without_advisories().advisory(id, OPEN).run("publish --yes").has_mails(3);
    let reader = reader(&world);
    let first = mail_of(&world, &reader)[0].header("Message-ID").to_string();
    let world = world
        .advisory(
            id,
            &format!("status: withdrawn\n{}", revisions(&["First", "\"The vendor was wrong: no version is affected\""])),
        )
        .run("publish --yes")
        .has_mails(6);
    let withdrawal = &mail_of(&world, &reader)[0];
    assert_eq!(withdrawal.header("Subject"), "[TLP:CLEAR] EX-2026-0101 r2: Withdrawn: Example Gateway: a fault");
    assert_eq!(withdrawal.header("In-Reply-To"), first);
    let text = text(&withdrawal.raw);
    let top: Vec<&str> = text.lines().take(10).collect();
    assert!(top.contains(&"| WITHDRAWN") && top.contains(&"| The vendor was wrong: no version is affected"), "{text}");
}

#[test]
fn until_an_embargo_ends_subject_and_first_lines_say_so() {
    let fields = "tlp: CLEAR\nembargo: 2026-12-01T09:00:00+05:00\naudience: [community, public]";
    let world = World::without_advisories().advisory("EX-2026-0101", fields).run("publish --yes").whatever_it_says();
    let signed: Vec<(String, String)> = world
        .mail()
        .iter()
        .filter(|mail| mail.is("signed") && !mail.header("List-Id").is_empty())
        .map(|mail| {
            let subject = MessageParser::default().parse(&mail.raw).and_then(|mail| mail.subject().map(str::to_string));
            (subject.expect("a subject"), text(&mail.raw).replace('\n', " "))
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
            assert!(subject.starts_with("[TLP:CLEAR] [ЭМБАРГО] EX-2026-0101: Средняя: "), "{subject}");
            assert!(text.starts_with("TLP:CLEAR ЭМБАРГО до 2026-12-01T09:00:00+05:00. До этого времени делитесь"), "{text}");
        }
    }
    assert!(english > 0 && russian > 0, "{english} and {russian}");
    // Afterwards, whoever hears of it reads what the label means.
    let world = World::without_advisories()
        .at("2026-12-02T09:00:00Z")
        .advisory("EX-2026-0101", fields)
        .run("publish --yes")
        .whatever_it_says();
    assert!(world.mail().iter().all(|mail| !mail.header("Subject").contains("EMBARGO") && !text(&mail.raw).contains("EMBARGO")));
}

#[test]
fn whoever_reads_another_language_gets_its_words_and_a_note_until_the_text_is_translated() {
    let world = World::without_advisories().advisory("EX-2026-0101", OPEN).run("publish --yes").has_mails(3);
    let note = "Этот текст не переведён. Он показан на том языке, на котором написан.";
    let readers: Vec<String> =
        world.recipients("").into_iter().filter(|one| text(&mail_of(&world, one)[0].raw).contains(note)).collect();
    let [russian] = readers.as_slice() else { panic!("one reader of Russian, not {readers:?}") };
    let letter = text(&mail_of(&world, russian)[0].raw);
    assert!(letter.contains("Номер:") && letter.contains("Something is wrong with Example Gateway."), "{letter}");
    let first = mail_of(&world, russian)[0].header("Message-ID").to_string();
    let world = world
        .advisory("EX-2026-0101", &revisions(&["First", "Translated"]))
        .file("advisories/2026/EX-2026-0101.ru.md", "---\ntitle: Ошибка в Example Gateway\n---\nОбновите шлюз.\n")
        .run("publish --yes")
        .has_mails(6);
    let second = &mail_of(&world, russian)[0];
    let letter = text(&second.raw);
    assert!(letter.contains("Обновите шлюз.") && !letter.contains(note), "{letter}");
    assert_eq!(second.header("In-Reply-To"), first);
}

#[test]
fn a_letter_of_which_nobody_knows_whether_it_arrived_goes_again_under_its_first_message_id() {
    let world = World::without_advisories().advisory("EX-2026-0101", OPEN).run("publish --yes").has_mails(3);
    let reader = reader(&world);
    let first = mail_of(&world, &reader)[0].header("Message-ID").to_string();
    // The run ended between "sending" and the answer, and what it had put into the outbox is gone.
    let ledger = rusqlite::Connection::open(world.path(".advise/ledger.sqlite")).expect("the ledger");
    let changed = ledger.execute("UPDATE delivery SET state = 'sending' WHERE message_id = ?1", [&first]).expect("written");
    assert_eq!(changed, 2);
    drop(ledger);
    // Meanwhile everything that a Message-ID is made of was changed.
    let world = world
        .without("outbox")
        .change("advise.yaml", "from: cert@cert.example.org ", "from: alerts@mail.example.org ")
        .run("publish --yes")
        .says("sent 2 letters")
        .has_mails(2);
    assert!(world.mail().iter().all(|mail| mail.header("Message-ID") == first));
    world.run("status EX-2026-0101").whatever_it_says().says("duplicate").run("publish --yes").says("nothing to do").has_mails(2);
}
