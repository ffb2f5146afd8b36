//! Whatever is written: the bytes keep the rules that a signature lives by, and every mail program finds the same again.

use super::*;
use crate::markdown::columns;
use std::fmt::Write as _;

/// Numbers that are the same each time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }

    fn words(&mut self, most: usize) -> String {
        let number = 1 + self.below(most);
        (0..number)
            .map(|_| self.of(WORDS))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

const WORDS: &[&str] = &[
    "From",
    "from",
    ".",
    "..",
    "-",
    "--",
    ">",
    "<",
    "=",
    "=20",
    "=?utf-8?q?x?=",
    "a",
    "the",
    "OpenSSH",
    "9.8p1",
    "update",
    "\"quoted\"",
    "O'Brien",
    "back\\slash",
    "шлюз",
    "Критическая",
    "уязвимость",
    "удалённое",
    "深刻な脆弱性",
    "攻撃者は認証なしで任意のコードを実行できます。",
    "تسمح",
    "الثغرة",
    "برمجية",
    "ช่องโหว่ที่ร้ายแรงในเซิร์ฟเวอร์ทำให้ผู้โจมตีเรียกใช้โค้ดได้โดยไม่ต้องยืนยันตัวตนและควรปรับปรุงทันที",
    "🚨",
    "👨‍👩‍👧‍👦",
    "⚠️",
    "🇰🇿",
    "e\u{301}\u{302}",
    "zero\u{200b}width",
    "nb\u{a0}sp",
    "soft\u{ad}hyphen",
    "\u{feff}bom",
    "\u{200f}",
    "\u{202e}turned\u{202c}",
    "https://vendor.example/a?b=c&d=%20",
    "CVE-2026-12345",
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a089f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
];

/// Markdown with everything that it can hold. Each line of its code has the sign `¤`.
fn markdown(dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..1 + dice.below(6) {
        let words = dice.words(30);
        let _ = match dice.below(14) {
            0 => writeln!(out, "## {}", dice.words(20)),
            1 => writeln!(out, "> {words}\n> > {}", dice.words(20)),
            2 => writeln!(out, "> [!WARNING]\n> {words}"),
            3 => writeln!(
                out,
                "```\nFrom ¤ {words} \n\t¤\t\n.¤{}\n```",
                "x".repeat(dice.below(1_200))
            ),
            4 => writeln!(out, "    ¤ {words}   "),
            5 => writeln!(out, "{}{words}", "- ".repeat(dice.below(45))),
            6 => writeln!(
                out,
                "{}. {words}\n1. [x] y\n- [ ] {}",
                1 + dice.below(99_999_999),
                dice.words(20)
            ),
            7 => {
                let cells = |dice: &mut Dice, most| {
                    (0..3)
                        .map(|_| dice.words(most))
                        .collect::<Vec<_>>()
                        .join(" | ")
                };
                let most = 1 + dice.below(6);
                writeln!(
                    out,
                    "| {} |\n|---|--:|:-:|\n| {} |\n| {} |",
                    cells(dice, 2),
                    cells(dice, most),
                    cells(dice, most)
                )
            }
            8 => writeln!(
                out,
                "[{words}](https://vendor.example/{}) and [b](/pgp/)",
                "z".repeat(dice.below(300))
            ),
            9 => writeln!(out, "{words}[^n]\n\n[^n]: {}", dice.words(30)),
            10 => writeln!(
                out,
                "*{}* **{}** `{}` ~~x~~\\\nhard  \nbreak",
                dice.of(WORDS),
                dice.of(WORDS),
                dice.of(WORDS)
            ),
            11 => writeln!(out, "{}", "y".repeat(dice.below(2_500))),
            12 => writeln!(out, "{}", "> ".repeat(dice.below(45)) + &words),
            _ => writeln!(out, "{words}"),
        };
        out.push('\n');
    }
    out
}

fn name(dice: &mut Dice) -> String {
    let stem = match dice.below(5) {
        0 => "ж".repeat(1 + dice.below(120)),
        1 => "long".repeat(1 + dice.below(60)),
        2 => "it's \"quoted\"; filename=\"x.exe\"".into(),
        3 => "../\u{202e}fdp\r\nBcc: x@y".into(),
        _ => dice.words(3),
    };
    format!(
        "{stem}.{}",
        dice.of(&["csv", "txt", "pdf", "asc", "bin", "данные"])
    )
}

/// What was put in, and the letter that came out.
struct Sample {
    letter: Letter,
    attachments: Vec<Attachment>,
}

fn sample(dice: &mut Dice) -> Sample {
    let cover = if dice.below(2) == 0 {
        Cover::Signed
    } else {
        Cover::Encrypted
    };
    let mut written = advisory(
        if cover == Cover::Signed {
            Tlp::Green
        } else {
            Tlp::Amber
        },
        &markdown(dice),
    );
    if dice.below(2) == 0 {
        written = revised(written);
        written.revisions[1].summary = dice.words(30);
    }
    if let Some(text) = written.texts.get_mut(&Lang::english()) {
        text.title = dice.words(25);
    }
    written.affected[0].versions = dice.words(15);
    written.references[0].title = dice.words(15);
    for _ in 0..dice.below(3) {
        let bytes: Vec<u8> = (0..dice.below(400))
            .map(|_| dice.below(256) as u8)
            .collect();
        let bytes = if dice.below(3) == 0 {
            dice.words(40).into_bytes()
        } else {
            bytes
        };
        written.attachments.push(Attachment {
            name: name(dice),
            bytes: bytes.into(),
        });
    }
    let list_facts = ListFacts {
        title: dice.words(8),
        ..facts()
    };
    let case = Case {
        team: team(&dice.words(6)),
        words: english(),
        facts: list_facts,
        ada: ada(),
        advisory: written,
    };
    let letter = case.letter(cover, false).expect("a letter");
    Sample {
        letter,
        attachments: case.advisory.attachments,
    }
}

/// The rules of RFC 3156, 5 and RFC 5322, 2.1.1, said once more in other words than in `canonical`.
fn keeps_the_rules(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("ASCII");
    assert!(text.is_ascii() && text.ends_with("\r\n"), "{text}");
    assert_eq!(
        text.matches('\r').count(),
        text.matches("\r\n").count(),
        "a bare CR"
    );
    assert_eq!(
        text.matches('\n').count(),
        text.matches("\r\n").count(),
        "a bare LF"
    );
    for line in text.split("\r\n") {
        assert!(!line.starts_with("From "), "{text}");
        assert!(!line.ends_with([' ', '\t']), "{line:?}");
        assert!(
            line.bytes().all(|c| c == b'\t' || (32..127).contains(&c)),
            "{line:?}"
        );
        // An address in a header has no place to fold.
        assert!(
            line.len() <= 78 || line.contains(": <mailto:") && line.len() <= 998,
            "{} bytes: {line}",
            line.len()
        );
    }
}

/// Whether a line may be wider than a letter: code, or what has to be copied whole.
fn is_whole(line: &str) -> bool {
    let mark = |word: &&str| {
        word.chars()
            .all(|c| c.is_ascii_digit() || "|*.[]x^".contains(c))
    };
    let mut words = line
        .split_whitespace()
        .skip_while(mark)
        .filter(|word| !word.is_empty());
    let word = words.next().unwrap_or_default();
    let bare = word.trim_matches(|c: char| matches!(c, '\u{2066}'..='\u{2069}'));
    line.contains('¤') || words.next().is_none() && (bare.is_ascii() || word.contains("://"))
}

#[test]
fn whatever_is_written_keeps_the_rules_and_is_found_again() {
    let (mut dice, sealed_once) = (Dice(42), ciphertext());
    for number in 0..2_500 {
        let Sample {
            letter,
            attachments,
        } = sample(&mut dice);
        keeps_the_rules(letter.payload());
        let message = match letter.cover() {
            Cover::Signed => pack::with_signature(&letter, SIGNATURE),
            Cover::Encrypted => pack::with_ciphertext(&letter, &sealed_once),
        };
        let message = message.expect("a message");
        keeps_the_rules(&message.bytes);
        let outer = MessageParser::default()
            .parse(&message.bytes)
            .expect("a mail");
        match letter.cover() {
            Cover::Signed => assert_eq!(outer.subject(), Some(letter.subject()), "{number}"),
            Cover::Encrypted => assert_eq!(outer.subject(), Some("[TLP:AMBER] […]")),
        }
        let inner = MessageParser::default()
            .parse(letter.payload())
            .expect("a part");
        assert_eq!(inner.subject(), Some(letter.subject()), "{number}");
        let text = inner.body_text(0).expect("a text").replace("\r\n", "\n");
        let read = match letter.cover() {
            Cover::Signed => text.as_str(),
            Cover::Encrypted => text.split_once("\n\n").expect("the display").1,
        };
        assert_eq!(read, letter.text(), "{number}");
        let found: Vec<(&str, &[u8])> = inner
            .attachments()
            .map(|file| (file.attachment_name().unwrap_or_default(), file.contents()))
            .collect();
        let sent: Vec<(String, &[u8])> = attachments
            .iter()
            .map(|one| (file_name(&one.name), &*one.bytes))
            .collect();
        assert_eq!(
            found,
            sent.iter()
                .map(|(name, bytes)| (name.as_str(), *bytes))
                .collect::<Vec<_>>(),
            "{number}"
        );
        for line in letter.text().lines() {
            assert!(
                columns(line) <= body::WIDTH || is_whole(line),
                "{number}: {} columns: {line}\n{}",
                columns(line),
                letter.text()
            );
        }
    }
}

/// Opens each mail as a recipient's program would and compares it with what was put in.
const READER: &str = r#"
import email, email.policy, hashlib, json, re, subprocess, sys
home, folder = sys.argv[1:]
def gpg(*args):
    run = subprocess.run(["gpg", "--homedir", home, "--batch", "--trust-model", "always", "--status-fd", "2", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.returncode == 0 and b"VALIDSIG" in run.stderr, run.stderr
    return run.stdout
def flat(text): return text.replace("\r\n", "\n")
def unfolded(text): return text.replace("\r\n ", " ")
for number, sent in enumerate(json.load(open(folder + "/sent.json"))):
    raw = open(f"{folder}/{number}.mail", "rb").read()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects, mail.defects
    pieces = re.split(rb"\r\n--" + re.escape(mail.get_boundary().encode()) + rb"(?:--)?\r\n", raw)
    assert len(pieces) == 4, len(pieces)
    first, second = pieces[1], email.message_from_bytes(pieces[2]).get_payload(decode=True)
    open(folder + "/second", "wb").write(second)
    if sent["cover"] == "signed":
        assert mail.get_content_type() == "multipart/signed" and mail["subject"] == sent["subject"], (number, mail["subject"])
        open(folder + "/first", "wb").write(first)
        gpg("--verify", folder + "/second", folder + "/first")
    else:
        assert mail.get_content_type() == "multipart/encrypted" and mail["subject"] == "[TLP:AMBER] […]", mail["subject"]
        first = gpg("--decrypt", folder + "/second")
    inner = email.message_from_bytes(first, policy=email.policy.default)
    assert not inner.defects and inner["subject"] == sent["subject"], (number, inner["subject"], sent["subject"])
    assert inner.get_param("hp") == ("clear" if sent["cover"] == "signed" else "cipher")
    outside = [unfolded(f"{k}: {v}") for k, v in email.message_from_bytes(raw).items() if k != "MIME-Version" and not k.startswith("Content-")]
    record = [unfolded(v) for v in email.message_from_bytes(first).get_all("HP-Outer", [])]
    assert record == ([] if sent["cover"] == "signed" else outside), (number, record, outside)
    body = inner.get_body()
    text = flat(body.get_content())
    assert (body.get_param("hp-legacy-display") == "1") == (sent["cover"] == "encrypted")
    if sent["cover"] == "encrypted":
        shown, text = text.split("\n\n", 1)
        assert "".join(shown.split()) == "".join(("Subject: " + sent["subject"]).split()), (number, shown)
    assert text == sent["text"], (number, text, sent["text"])
    files = [[a.get_filename(), hashlib.sha256(a.get_payload(decode=True)).hexdigest()] for a in inner.iter_attachments()] if inner.is_multipart() else []
    assert files == sent["files"], (number, files, sent["files"])
print(number + 1)
"#;

#[test]
fn python_and_gnupg_find_the_same_again() {
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
    let mut dice = Dice(7);
    let mut sent = Vec::new();
    for number in 0..60 {
        let Sample {
            letter,
            attachments,
        } = sample(&mut dice);
        sent.push(serde_json::json!({
            "cover": letter.cover().as_str(),
            "subject": letter.subject(),
            "text": letter.text(),
            "files": attachments.iter().map(|one| (file_name(&one.name), Digest::of(&one.bytes).hex())).collect::<Vec<_>>(),
        }));
        let signed = key.sign(letter).expect("a signature");
        let message = match signed.thing().cover() {
            Cover::Signed => in_clear(&signed),
            Cover::Encrypted => {
                let now = term("2026-07-02");
                let keys = ada.certificate.judge(&now).expect("usable");
                let ciphertext = Sealer::new(&signed.inline())
                    .seal(&keys, &now)
                    .expect("a ciphertext");
                sealed(&signed, &ciphertext)
            }
        };
        peer.file(
            &format!("{number}.mail"),
            &message.expect("a message").bytes,
        );
    }
    peer.file(
        "sent.json",
        serde_json::Value::from(sent).to_string().as_bytes(),
    );
    let home = peer.0.path();
    let python = Command::new("python3")
        .args(["-c", READER])
        .arg(home)
        .arg(home)
        .output()
        .expect("python3 runs");
    assert!(
        python.status.success(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    assert_eq!(python.stdout, b"60\n");
}
