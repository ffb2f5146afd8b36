use super::*;
use crate::{
    advisory::{Affected, Attachment, Kind, Reader, Reference, Revision, Score, Text},
    openpgp::{Kind as KeyKind, Sealed, Sealer, TeamKey, generate},
    roster::{Contact, Delivery, Encrypt, List},
    terms::Severity,
    tlp::{Gate, Shareable},
    yaml::Wording,
};
use mail_parser::{MessageParser, MimeHeaders as _};
use std::{process::Command, sync::LazyLock};

mod any;
mod fields;

fn term<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

fn team(name: &str) -> Team {
    Team {
        name: Wording::One(name.into()),
        short_name: None,
        address: None,
        country: None,
        time_zone: "Asia/Almaty".into(),
        hours: None,
        holidays: None,
        phone: Some("+7 727 555 0100".into()),
        emergency_phone: None,
        fax: None,
        other_telecommunication: None,
        email: term("cert@cert.example.org"),
        website: Some("https://cert.example.org/".into()),
        keys: Vec::new(),
        key_servers: Vec::new(),
        members: None,
        constituency: None,
        affiliation: Vec::new(),
        default_tlp: None,
        notifications: Vec::new(),
        reviewed: None,
    }
}

fn advisory(tlp: Tlp, body: &str) -> Advisory {
    let lang = Lang::english();
    let text = Text {
        title: "OpenSSH: remote code execution before authentication".into(),
        body: body.into(),
    };
    Advisory {
        id: term("EX-2026-0042"),
        kind: Kind::Advisory,
        status: Status::Final,
        date: term("2026-07-01"),
        tlp,
        severity: Severity::Critical,
        audience: vec![
            Reader::List(term("universities")),
            Reader::Person(term("ada@uni.example.org")),
        ],
        embargo: None,
        cves: vec![term("CVE-2026-12345")],
        cvss: vec![Score {
            cve: None,
            cvss: term("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
        }],
        cwes: Vec::new(),
        affected: vec![Affected {
            vendor: "OpenBSD".into(),
            product: "OpenSSH".into(),
            versions: "< 9.8p1".into(),
            fixed: Some("9.8p1".into()),
        }],
        references: vec![Reference {
            title: "Vendor notice".into(),
            url: "https://vendor.example/1".into(),
        }],
        revisions: vec![Revision {
            number: "1".into(),
            date: term("2026-07-01"),
            summary: "Initial publication".into(),
        }],
        texts: [(lang.clone(), Box::new(text))].into(),
        lang,
        attachments: Vec::new(),
        digest: Digest::of(b""),
        path: "advisories/EX-2026-0042.md".into(),
    }
}

fn revised(mut advisory: Advisory) -> Advisory {
    advisory.revisions.push(Revision {
        number: "2".into(),
        date: term("2026-07-02"),
        summary: "Fixed versions added".into(),
    });
    advisory
}

fn list() -> List {
    List {
        name: term("universities"),
        title: Wording::One("Universities".into()),
        description: None,
        address: term("universities@lists.cert.example.org"),
        tlp: Tlp::AmberStrict,
        encrypt: Encrypt::ByLabel,
        delivery: Delivery::Direct,
        notify_held: None,
        bounces: crate::roster::Bounces::default(),
        members: Vec::new(),
    }
}

fn facts() -> ListFacts {
    ListFacts {
        name: term("universities"),
        title: "Университеты, all".into(),
        address: term("universities@lists.cert.example.org"),
        help: term("help+lists@cert.example.org"),
        owner: term("owner@cert.example.org"),
    }
}

fn ada() -> Contact {
    Contact {
        name: "Ada Example".into(),
        address: term("ada@uni.example.org"),
        certificate: None,
        language: None,
        phone: None,
        lists: [].into(),
        joined: None,
        suspended: None,
        constituent: term("uni"),
    }
}

fn english() -> LetterWords {
    static ENGLISH: LazyLock<LetterWords> = LazyLock::new(LetterWords::english);
    ENGLISH.clone()
}

/// All that a letter is made of and people write.
struct Case {
    advisory: Advisory,
    team: Team,
    words: LetterWords,
    facts: ListFacts,
    ada: Contact,
}

impl Case {
    fn letter(&self, cover: Cover, to_ada: bool) -> Result<Letter, LetterError> {
        match to_ada {
            true => {
                let to = Recipient::Person {
                    name: &self.ada.name,
                    address: &self.ada.address,
                };
                composed(
                    &self.advisory,
                    &self.ada,
                    &LetterShop {
                        to,
                        ..shop(&self.team, &self.words, &self.facts, cover)
                    },
                )
            }
            false => composed(
                &self.advisory,
                &list(),
                &shop(&self.team, &self.words, &self.facts, cover),
            ),
        }
    }
}

fn shop<'s>(
    team: &'s Team,
    words: &'s LetterWords,
    facts: &'s ListFacts,
    cover: Cover,
) -> LetterShop<'s> {
    static FROM: LazyLock<Address> = LazyLock::new(|| term("alerts@cert.example.org"));
    static DATE: LazyLock<Moment> = LazyLock::new(|| term("2026-07-02T09:30:00+05:00"));
    static LANG: LazyLock<Lang> = LazyLock::new(Lang::english);
    static THREAD: LazyLock<[String; 2]> = LazyLock::new(|| {
        [
            "<token-0@cert.example.org>".into(),
            "<token-1@cert.example.org>".into(),
        ]
    });
    LetterShop {
        lang: &LANG,
        words,
        team,
        from: &FROM,
        to: Recipient::List(facts),
        message_id: "<token-2@cert.example.org>",
        in_reply_to: &THREAD[1..],
        references: &THREAD[..],
        missed: &[],
        date: &DATE,
        cover,
        page: None,
        site: Some("https://cert.example.org/"),
    }
}

fn composed<A: Audience + Clone>(
    advisory: &Advisory,
    audience: A,
    shop: &LetterShop<'_>,
) -> Result<Letter, LetterError> {
    let shared: Shareable<&Advisory, A> = Gate::new(&term("2026-07-05"), &term("2026-07-05"))
        .open(advisory, audience)
        .expect("an open gate");
    Ok(shared.make::<Letter>(shop)?.thing().clone())
}

fn made_for<A: Audience + Clone>(
    advisory: &Advisory,
    audience: A,
    to: Recipient<'_>,
    cover: Cover,
) -> Result<Letter, LetterError> {
    let (team, words, facts) = (team("Example CERT"), english(), facts());
    composed(
        advisory,
        audience,
        &LetterShop {
            to,
            ..shop(&team, &words, &facts, cover)
        },
    )
}

fn made(advisory: &Advisory, cover: Cover) -> Letter {
    made_for(advisory, &list(), Recipient::List(&facts()), cover).expect("a letter")
}

const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----\n\nxxxx\n-----END PGP SIGNATURE-----\n";

fn ciphertext() -> Sealed {
    let now = term("2026-07-02");
    let ada = generate(
        &["Ada <ada@uni.example.org>"],
        KeyKind::Member,
        None,
        &now,
        None,
    )
    .expect("a key");
    Sealer::new(b"a message")
        .seal(&ada.certificate.judge(&now).expect("usable"), &now)
        .expect("sealed")
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("ASCII")
}

#[test]
fn a_signed_letter_reads_from_its_label_to_its_label() {
    let letter = made(
        &revised(advisory(Tlp::Green, "## Summary\n\nUpdate [now](/pgp/).\n")),
        Cover::Signed,
    );
    let expected = "\
TLP:GREEN
You may share this within your community, but not in public.
https://www.first.org/tlp/

OpenSSH: remote code execution before authentication
====================================================

| What changed (Revision 2, 2026-07-02)
| Fixed versions added

Identifier: EX-2026-0042
Revision:   2
Published:  2026-07-01
Updated:    2026-07-02
Severity:   Critical (CVSS 3.1: 9.8)
CVE:        CVE-2026-12345

Affected:
  * OpenBSD OpenSSH < 9.8p1 (fixed in 9.8p1)

Summary
~~~~~~~

Update now [1].

Links
~~~~~

[1] https://cert.example.org/pgp/

References
~~~~~~~~~~

[2] Vendor notice
    https://vendor.example/1

Questions and reports:
Example CERT
cert@cert.example.org, +7 727 555 0100, https://cert.example.org/

TLP:GREEN
";
    assert_eq!(letter.text(), expected);
    assert_eq!(
        letter.subject(),
        "[TLP:GREEN] EX-2026-0042 r2: Critical: OpenSSH: remote code execution before authentication"
    );
    let message = pack::with_signature(&letter, SIGNATURE).expect("a message");
    let mail = MessageParser::default()
        .parse(&message.bytes)
        .expect("a mail");
    assert_eq!(mail.subject(), Some(letter.subject()));
    assert_eq!(
        mail.body_text(0)
            .map(|text| text.replace('\r', ""))
            .as_deref(),
        Some(expected)
    );
    let header = |name: &'static str| mail.header_raw(name).map(str::trim);
    assert_eq!(header("List-Post"), Some("NO"));
    assert_eq!(header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(
        header("List-Unsubscribe"),
        Some("<mailto:help+lists@cert.example.org?subject=unsubscribe%20universities>")
    );
    assert!(
        header("List-Id").is_some_and(|id| id.ends_with("<universities.lists.cert.example.org>"))
    );
    assert_eq!(header("In-Reply-To"), Some("<token-1@cert.example.org>"));
    assert!(
        header("References").is_some_and(
            |ids| ids.contains("<token-0@cert.example.org> <token-1@cert.example.org>")
        )
    );
    assert_eq!(header("Date"), Some("Thu, 02 Jul 2026 09:30:00 +0500"));
}

#[test]
fn each_outer_field_is_protected_and_a_signed_letter_says_hp_clear() {
    let letter = made(&advisory(Tlp::Green, "x\n"), Cover::Signed);
    let (payload, outer) = (utf8(&letter.entity.payload), utf8(&letter.entity.outer));
    assert!(payload.starts_with(outer));
    assert!(
        payload.contains("Content-Type: text/plain; charset=\"utf-8\"; hp=\"clear\";\r\n protected-headers=\"v1\"\r\n"),
        "{payload}"
    );
    assert!(!payload.contains("HP-Outer") && !payload.contains("legacy"));
}

#[test]
fn an_encrypted_letter_shows_its_label_only() {
    let letter = made(&advisory(Tlp::Amber, "x\n"), Cover::Encrypted);
    let message = pack::with_ciphertext(&letter, &ciphertext()).expect("a message");
    let mail = MessageParser::default()
        .parse(&message.bytes)
        .expect("a mail");
    assert_eq!(mail.subject(), Some("[TLP:AMBER] […]"));
    let outside = utf8(&message.bytes);
    for secret in ["EX-2026", "OpenSSH", "Critical", "CVE"] {
        assert!(!outside.contains(secret), "{secret} is outside");
    }
    let payload = MessageParser::default()
        .parse(&letter.entity.payload)
        .expect("a part");
    assert_eq!(payload.subject(), Some(letter.subject()));
    let kind = payload.content_type().expect("a type");
    assert_eq!(
        (kind.attribute("hp"), kind.attribute("protected-headers")),
        (Some("cipher"), Some("v1"))
    );
    assert_eq!(kind.attribute("hp-legacy-display"), Some("1"));
    let text = payload.body_text(0).expect("a text").replace('\r', "");
    let (display, text) = text.split_once("\n\n").expect("a field, and the text");
    assert_eq!(
        (display.replace("\n ", " "), text),
        (format!("Subject: {}", letter.subject()), letter.text())
    );
    // One `HP-Outer` for each field outside, with the same value.
    let recorded: Vec<String> = payload
        .headers_raw()
        .filter(|(name, _)| *name == "HP-Outer")
        .map(|(_, v)| v.replace("\r\n", "").trim().into())
        .collect();
    let mut left = Vec::new();
    for (name, value) in mail
        .headers_raw()
        .filter(|(name, _)| !name.starts_with("MIME") && !name.starts_with("Content"))
    {
        let name = if name == "List-ID" { "List-Id" } else { name };
        left.push(
            format!("{name}:{}", value.replace("\r\n", ""))
                .trim()
                .to_string(),
        );
    }
    assert_eq!(recorded, left);
}

#[test]
fn a_letter_to_a_person_has_no_list_and_no_name_outside() {
    let (red, ada) = (advisory(Tlp::Red, "x\n"), ada());
    let person = Recipient::Person {
        name: &ada.name,
        address: &ada.address,
    };
    let letter = made_for(&red, &ada, person, Cover::Encrypted).expect("a letter");
    let message = pack::with_ciphertext(&letter, &ciphertext()).expect("a message");
    let outside = utf8(&message.bytes);
    assert!(
        outside.contains("To: ada@uni.example.org\r\n")
            && !outside.contains("List-")
            && !outside.contains("Ada Example")
    );
    let inside = utf8(&letter.entity.payload);
    assert!(
        inside.contains("To: \"Ada Example\" <ada@uni.example.org>\r\n"),
        "{inside}"
    );
    // RFC 9788, 5.2.1: each field that readers see goes into the legacy display when it is another outside.
    assert!(
        inside.contains("\r\nTo: Ada Example <ada@uni.example.org>\r\n\r\nTLP:RED\r\n"),
        "{inside}"
    );
}

#[test]
fn what_has_to_be_encrypted_cannot_become_a_signed_mail() {
    for tlp in [Tlp::Amber, Tlp::AmberStrict] {
        let refused = made_for(
            &advisory(tlp, "x\n"),
            &list(),
            Recipient::List(&facts()),
            Cover::Signed,
        )
        .err();
        assert_eq!(refused, Some(LetterError::MustEncrypt(tlp)));
    }
    let letter = made(&advisory(Tlp::Green, "x\n"), Cover::Encrypted);
    assert_eq!(
        pack::with_signature(&letter, SIGNATURE),
        Err(PackError::MustEncrypt(Tlp::Green))
    );
    let letter = made(&advisory(Tlp::Green, "x\n"), Cover::Signed);
    assert_eq!(
        pack::with_ciphertext(&letter, &ciphertext()),
        Err(PackError::MustNotEncrypt)
    );
    assert_eq!(
        pack::with_signature(&letter, &ciphertext().to_string()),
        Err(PackError::NotASignature)
    );
}

#[test]
fn a_shop_cannot_write_to_others_than_the_gate_was_opened_for() {
    let (ada, green) = (ada(), advisory(Tlp::Green, "x\n"));
    let person = Recipient::Person {
        name: &ada.name,
        address: &ada.address,
    };
    assert_eq!(
        made_for(&green, &list(), person, Cover::Signed).err(),
        Some(LetterError::OtherAudience)
    );
    let other = ListFacts {
        name: term("banks"),
        ..facts()
    };
    assert_eq!(
        made_for(&green, &list(), Recipient::List(&other), Cover::Signed).err(),
        Some(LetterError::OtherAudience)
    );
}

#[test]
fn nothing_can_break_the_form_that_is_signed() {
    let long = format!("{} From x\n", "y".repeat(2_000));
    let nasty = [
        "From here on\n\n    From the code \n    .\n\ttab \t\n\n`trailing`   \nhard  \nbreak\n",
        "-- \n\n--=_boundary\n\n.\n\n=20 =\n",
        "Обновите шлюз: \u{200b}ошибка используется. From тест 🚨\n",
        "تسمح هذه الثغرة للمهاجم بتنفيذ تعليمات برمجية عن بعد\n",
        "攻撃者は認証なしでサーバー上で任意のコードを実行することができます。\n",
        "| a | b |\n|---|---|\n| From | 深刻 |\n",
        &long,
        "",
    ];
    for body in nasty {
        let mut advisory = advisory(Tlp::Green, body);
        advisory.references[0].url = format!("https://vendor.example/{}", "z".repeat(1_500));
        for attached in [false, true] {
            if attached {
                advisory.attachments.push(Attachment {
                    name: "ж \u{202e}fdp.exe".into(),
                    bytes: (0..=255).collect(),
                });
            }
            for cover in [Cover::Signed, Cover::Encrypted] {
                let letter = made(&advisory, cover);
                assert_eq!(canonical(letter.payload()), Ok(()), "{body:?}");
                assert!(
                    utf8(letter.payload()).lines().all(|line| line.len() <= 100),
                    "{}",
                    utf8(letter.payload())
                );
                let part = MessageParser::default()
                    .parse(letter.payload())
                    .expect("a part");
                let text = part.body_text(0).expect("a text").replace('\r', "");
                assert!(text.ends_with(letter.text()), "{body:?}\n{text}");
                assert_eq!(part.attachment_count(), usize::from(attached));
                if let Some(file) = part.attachment(0) {
                    assert_eq!(file.attachment_name(), Some("ж _fdp.exe"));
                    assert_eq!(file.contents(), (0..=255).collect::<Vec<u8>>());
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_a_letter_is_refused() {
    let refused = |advisory: &Advisory| {
        made_for(advisory, &list(), Recipient::List(&facts()), Cover::Signed).err()
    };
    assert_eq!(
        refused(&advisory(Tlp::Green, "a\0b\n")),
        Some(LetterError::Control("body"))
    );
    assert_eq!(
        refused(&advisory(Tlp::Green, "a\u{1b}[0m\n")),
        Some(LetterError::Control("body"))
    );
    let mut injected = advisory(Tlp::Green, "x\n");
    if let Some(text) = injected.texts.get_mut(&Lang::english()) {
        text.title = "x\r\nBcc: everybody@example.org".into();
    }
    assert_eq!(refused(&injected), Some(LetterError::Control("title")));
    for id in [
        "",
        "x",
        "<x>",
        "<a b@c>",
        "<a@b>\r\nBcc: x@y",
        "<a@b@c>",
        "<ж@b>",
    ] {
        assert!(
            matches!(message_id(id), Err(LetterError::MessageId(_))),
            "{id:?}"
        );
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let mut one = advisory(Tlp::Amber, "x\n");
    one.attachments.push(Attachment {
        name: "a.txt".into(),
        bytes: b"x".as_slice().into(),
    });
    assert_eq!(
        made(&one, Cover::Encrypted).payload(),
        made(&one, Cover::Encrypted).payload()
    );
}

#[test]
fn a_withdrawn_advisory_says_so_first() {
    let mut withdrawn = revised(advisory(Tlp::Green, "x\n"));
    withdrawn.status = Status::Withdrawn;
    let letter = made(&withdrawn, Cover::Signed);
    assert!(
        letter
            .subject()
            .starts_with("[TLP:GREEN] EX-2026-0042 r2: Withdrawn: OpenSSH"),
        "{}",
        letter.subject()
    );
    let notice = "| WITHDRAWN\n| This has been withdrawn. What it said does not hold any more.\n| Fixed versions added\n";
    assert!(letter.text().contains(notice), "{}", letter.text());
}

#[test]
fn a_notice_says_only_that_something_waits() {
    let words =
        crate::render::words::Words::read(&Lang::english(), &[], &mut crate::diag::Findings::new());
    let shop = NoticeShop {
        lang: &Lang::english(),
        words: &NoticeWords::held(&words),
        team: &team("Пример CERT"),
        from: &term("alerts@cert.example.org"),
        to: &term("ada@uni.example.org"),
        help: &term("cert@cert.example.org"),
        ending: None,
        mailbox: None,
        message_id: "<notice-1@cert.example.org>",
        date: &term("2026-07-02T09:30:00+05:00"),
    };
    let notice = Notice::new(&shop).expect("a notice");
    assert!(
        notice.text().contains("send your current certificate")
            && notice.text().contains("cert@cert.example.org")
    );
    assert!(
        notice
            .text()
            .lines()
            .all(|line| line.chars().count() <= body::WIDTH)
    );
    let message = pack::signed(&notice.entity, SIGNATURE).expect("a message");
    let mail = MessageParser::default()
        .parse(&message.bytes)
        .expect("a mail");
    assert_eq!(
        mail.subject(),
        Some("Пример CERT: something is waiting for you")
    );
    assert!(!utf8(&message.bytes).contains("TLP") && !utf8(&message.bytes).contains("List-"));
    assert_eq!(canonical(notice.payload()), Ok(()));
}

#[test]
fn a_reminder_names_the_certificate_and_what_to_do() {
    let fingerprint: crate::terms::Fingerprint = term(&"0123456789ABCDEF0123".repeat(2));
    for (lang, ends) in [("en", "ends on 2026-12-24"), ("ru", "до 2026-12-24")] {
        let lang: Lang = term(lang);
        let words =
            crate::render::words::Words::read(&lang, &[], &mut crate::diag::Findings::new());
        let shop = NoticeShop {
            lang: &lang,
            words: &NoticeWords::expiring(&words),
            team: &team("Пример CERT"),
            from: &term("alerts@cert.example.org"),
            to: &term("ada@uni.example.org"),
            help: &term("cert@cert.example.org"),
            ending: Some((&fingerprint, &term("2026-12-24T23:00:00Z"))),
            mailbox: None,
            message_id: "<notice-1@cert.example.org>",
            date: &term("2026-12-01T09:30:00+05:00"),
        };
        let notice = Notice::new(&shop).expect("a reminder");
        assert!(
            notice
                .text()
                .lines()
                .all(|line| line.chars().count() <= body::WIDTH),
            "{}",
            notice.text()
        );
        assert!(!notice.text().contains(['{', '}']), "{}", notice.text());
        let export = format!("\n  gpg --armor --export {fingerprint} > key.asc\n");
        assert!(
            notice.text().contains(&export) && notice.text().contains("cert@cert.example.org"),
            "{}",
            notice.text()
        );
        let message = pack::signed(&notice.entity, SIGNATURE).expect("a message");
        let mail = MessageParser::default()
            .parse(&message.bytes)
            .expect("a mail");
        assert!(
            mail.subject()
                .is_some_and(|subject| subject.ends_with(ends)),
            "{:?}",
            mail.subject()
        );
        assert_eq!(canonical(notice.payload()), Ok(()));
    }
}

#[test]
fn word_to_a_colleague_names_the_mailbox_and_nothing_else() {
    let mailbox = term("ada@uni.example.org");
    for (lang, back) in [("en", "comes back"), ("ru", "возвращается"), ("ar", "يرتد")]
    {
        let lang: Lang = term(lang);
        let words =
            crate::render::words::Words::read(&lang, &[], &mut crate::diag::Findings::new());
        let shop = NoticeShop {
            lang: &lang,
            words: &NoticeWords::suspended(&words),
            team: &team("Пример CERT"),
            from: &term("alerts@cert.example.org"),
            to: &term("bob@uni.example.org"),
            help: &term("cert@cert.example.org"),
            ending: None,
            mailbox: Some(&mailbox),
            message_id: "<notice-1@cert.example.org>",
            date: &term("2026-12-01T09:30:00+05:00"),
        };
        let notice = Notice::new(&shop).expect("a notice");
        assert!(
            notice
                .text()
                .lines()
                .all(|line| line.chars().count() <= body::WIDTH),
            "{}",
            notice.text()
        );
        assert!(!notice.text().contains(['{', '}']), "{}", notice.text());
        assert!(
            notice.text().contains("\n    ada@uni.example.org\n")
                && notice.text().contains("cert@cert.example.org")
        );
        let message = pack::signed(&notice.entity, SIGNATURE).expect("a message");
        let mail = MessageParser::default()
            .parse(&message.bytes)
            .expect("a mail");
        assert!(
            mail.subject().is_some_and(|subject| subject.contains(back)),
            "{:?}",
            mail.subject()
        );
        assert!(!utf8(&message.bytes).contains("TLP") && !utf8(&message.bytes).contains("List-"));
        assert_eq!(canonical(notice.payload()), Ok(()));
    }
}

/// A home of GnuPG's own, with a folder for files, that ends with the test.
struct Peer(tempfile::TempDir);

impl Peer {
    fn new() -> Peer {
        Peer(tempfile::tempdir().expect("a folder"))
    }

    fn gpg(&self, args: &[&str]) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.0.path()).args([
            "--batch",
            "--quiet",
            "--trust-model",
            "always",
        ]);
        let output = command.args(args).output().expect("gpg runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("a path").to_string()
    }

    /// The message as Python's parser sees it: the two parts of its multipart, cut out byte by byte.
    fn parts(&self, message: &Message, check: &str) -> (String, String) {
        let script = format!(
            "
import email, email.policy, sys
raw = open(sys.argv[1], 'rb').read()
mail = email.message_from_bytes(raw, policy=email.policy.default)
assert not mail.defects, mail.defects
parts = raw.split(b'\\r\\n--' + mail.get_boundary().encode())
assert len(parts) == 4
first, second = mail.iter_parts()
{check}
open(sys.argv[2], 'wb').write(parts[1][2:])
open(sys.argv[3], 'wb').write(second.get_payload(decode=True))
"
        );
        let (mail, first, second) = (
            self.file("mail", &message.bytes),
            self.file("first", b""),
            self.file("second", b""),
        );
        let python = Command::new("python3")
            .args(["-c", &script, &mail, &first, &second])
            .output()
            .expect("python3 runs");
        assert!(
            python.status.success(),
            "{}",
            String::from_utf8_lossy(&python.stderr)
        );
        (first, second)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--kill", "all"])
            .status();
    }
}

fn team_key(peer: &Peer) -> TeamKey {
    let made = generate(
        &["Example CERT <cert@cert.example.org>"],
        KeyKind::Team,
        None,
        &term("2026-01-01"),
        None,
    )
    .expect("a key");
    peer.gpg(&[
        "--import",
        &peer.file("team.asc", made.certificate.armored().as_bytes()),
    ]);
    TeamKey::from_file(
        made.secret.expose(),
        None,
        made.certificate,
        &term("2026-07-02"),
    )
    .expect("the team's key")
}

#[test]
fn gnupg_verifies_what_a_mail_program_cuts_out() {
    let peer = Peer::new();
    let key = team_key(&peer);
    for body in [
        "From here \n\n.\n\n    code \n",
        "Обновите шлюз сегодня. From 🚨\n",
    ] {
        let mut advisory = advisory(Tlp::Green, body);
        advisory.attachments.push(Attachment {
            name: "rules.yar".into(),
            bytes: b"rule x {}\n".as_slice().into(),
        });
        let letter = key
            .sign(made(&advisory, Cover::Signed))
            .expect("a signature");
        let message = in_clear(&letter).expect("a message");
        let check = "
assert mail.get_content_type() == 'multipart/signed' and mail.get_param('micalg') == 'pgp-sha512'
assert mail['subject'].startswith('[TLP:GREEN] EX-2026-0042: Critical: OpenSSH'), mail['subject']
assert not first.defects and first['subject'] == mail['subject'] and first.get_param('hp') == 'clear'
assert [a.get_filename() for a in first.iter_attachments()] == ['rules.yar']
";
        let (signed, detached) = peer.parts(&message, check);
        assert_eq!(
            std::fs::read(&signed).expect("the part"),
            letter.thing().payload()
        );
        peer.gpg(&["--verify", &detached, &signed]);
    }
}

#[test]
fn gnupg_reads_what_was_sealed_for_it() {
    let peer = Peer::new();
    let key = team_key(&peer);
    let ada = generate(
        &["Ada <ada@uni.example.org>"],
        KeyKind::Member,
        None,
        &term("2026-01-01"),
        None,
    )
    .expect("a key");
    peer.gpg(&["--import", &peer.file("ada.asc", ada.secret.expose())]);
    let letter = key
        .sign(made(&advisory(Tlp::Amber, "Обновите.\n"), Cover::Encrypted))
        .expect("a signature");
    let now = term("2026-07-02");
    let inline = letter.inline();
    let ciphertext = Sealer::new(&inline)
        .seal(&ada.certificate.judge(&now).expect("usable"), &now)
        .expect("a ciphertext");
    let message = sealed(&letter, &ciphertext).expect("a message");
    let check = "
assert mail.get_content_type() == 'multipart/encrypted' and mail['subject'] == '[TLP:AMBER] […]', mail['subject']
assert first.get_content_type() == 'application/pgp-encrypted' and first.get_payload().strip() == 'Version: 1'
";
    let (_, encrypted) = peer.parts(&message, check);
    let plain = peer.gpg(&["--status-fd", "2", "--decrypt", &encrypted]);
    assert_eq!(plain, letter.thing().payload());
    assert!(utf8(&message.bytes).lines().all(|line| line.len() <= 100));
}

/// Four scripts, and every block that Markdown has. To be looked at by people: `UPDATE_SNAPSHOTS=1` writes it anew.
#[test]
fn a_hard_text_reads_as_it_did_when_people_looked_at_it() {
    let letter = made(
        &advisory(Tlp::Amber, include_str!("hard.md")),
        Cover::Encrypted,
    );
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/render/letter/tests/hard.txt"
    );
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, letter.text()).expect("written");
    }
    assert_eq!(
        letter.text(),
        std::fs::read_to_string(path).expect("the snapshot")
    );
}
