//! Mutated mails through the whole way in, for seconds in every run of the tests and for as long as somebody asks:
//!
//! ```sh
//! ADVISE_FUZZ_SECONDS=1800 cargo test --release --test it inbox::chaos -- --nocapture
//! ```
//!
//! A mail that breaks something is written to `target/chaos/`; `ADVISE_SEED` begins with another number.

use super::samples;
use crate::harness::work;
use advise::inbound::{
    Mail,
    gates::{self, House},
    request::Doors,
};
use advise::openpgp;
use std::{
    collections::BTreeMap,
    fs, panic,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// Whatever is done with a mail before somebody decides, all of it.
pub fn everything(bytes: Vec<u8>) -> &'static str {
    let house = House {
        addresses: vec!["cert@example.org".parse().expect("an address")],
        bounces: Some("bounces@cert.example.org".parse().expect("an address")),
        doors: Doors {
            lists: vec![(
                "universities".parse().expect("a list"),
                "universities@lists.cert.example.org"
                    .parse()
                    .expect("an address"),
            )],
            desk: Some("cert@example.org".parse().expect("an address")),
        },
    };
    let (judged, mail) = gates::pass(bytes, &house);
    if let Some(mail) = &mail {
        look_at(mail, &house);
        // Whoever is asked who signed it: the certificates that come along are hostile too.
        let now = "2026-11-22T12:00:00Z".parse().expect("a moment");
        drop(advise::inbound::signed::check(mail, None, &Vec::new, &now));
        // What a signature covers is read as a mail of its own.
        if let Some(Ok(inner)) = mail.signed_part().map(|signed| Mail::read(signed.entity)) {
            look_at(&inner, &house);
        }
    }
    judged.verdict.as_str()
}

fn look_at(mail: &Mail, house: &House) {
    let _ = (
        mail.from(),
        mail.reply_to(),
        mail.recipients(),
        mail.message_id(),
        mail.date().map(|date| date.rfc3339()),
    );
    let _ = (
        mail.text().len(),
        mail.attachments().len(),
        mail.is_automatic(),
        mail.encrypted().map(|bytes| bytes.len()),
    );
    let _ = (house.token(mail), mail.signed_part().is_some());
    assert!(mail.raw().len() <= advise::inbound::mime::MAX_BYTES);
    for name in ["from", "to", "subject", "message-id", "content-type"] {
        assert!(
            mail.headers(name)
                .all(|value| !value.contains(char::is_control)),
            "a field is on one line"
        );
    }
}

/// Numbers that look like chance and can be had again (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Pieces in which mails differ from noise.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\r\n\r\n",
    b"--",
    b"--b",
    b"--b--\r\n",
    b": ",
    b"=?utf-8?B?",
    b"=?iso-2022-jp?B?GyRC?=",
    b"=?utf-8?Q?=",
    b"?=",
    b"=\r\n",
    b"=3D",
    b"=FF",
    b"\xff\xfe",
    b"\xc3",
    b"\x1b$B",
    b"<",
    b">",
    b"@",
    b"\"",
    b"\\",
    b"(",
    b")",
    b";",
    b",",
    b"\t",
    b" ",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
    b"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n",
    b"Content-Type: application/pgp-signature\r\n\r\n",
    b"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b"Content-Type: text/html; charset=\"gb18030\"\r\n\r\n<p>&#x110000;",
    b"Content-Type: text/plain; charset=utf-7\r\n\r\n+",
    b"Content-Transfer-Encoding: base64\r\n\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
    b"boundary=\"\"",
    b"charset=iso-2022-jp",
    b"charset=utf-16",
    b"Final-Recipient: rfc822; ",
    b"Action: failed\r\n",
    b"Status: 5.1.1\r\n",
    b"Diagnostic-Code: smtp; 550 ",
    b"X-Failed-Recipients: a@b.example\r\n",
    b"Return-Path: <>\r\n",
    b"From: MAILER-DAEMON@x.example\r\n",
    b"From: <>\r\n",
    b"Date: Sun, 99 Foo 99999 25:61:61 +9999\r\n",
    b"Date: Fri, 31 Dec 9999 23:59:59 -1200\r\n",
    b"could not be delivered to\r\n<a@b.example>:\r\n",
    b"--- Below this line is a copy of the message.\r\n",
    b"SMTP=",
    b"{\"bounce\":{\"bouncedRecipients\":[",
    b"notificationType",
    "\u{130}".as_bytes(),
    "\u{2028}".as_bytes(),
    "収件人：".as_bytes(),
    "\u{feff}".as_bytes(),
    b"a@b.example",
    b"a@[1.2.3.4]",
    b"5.1.1",
    b"#5.1.1",
];

/// A request that is signed, with its certificate.
fn request() -> Vec<u8> {
    let now = "2026-11-22T11:00:00Z".parse().expect("a moment");
    let made = openpgp::generate(
        &["Ada <ada@uni.example.org>"],
        openpgp::Kind::Member,
        None,
        &now,
        None,
    )
    .expect("a key");
    let key =
        openpgp::TeamKey::from_file(made.secret.expose(), None, made.certificate.clone(), &now)
            .expect("a key that signs");
    let armor = |text: String| text.replace('\n', "\r\n");
    let entity = format!(
        "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nsubscribe universities@cert.example.org\r\n--i\r\nContent-Type: application/pgp-keys\r\n\r\n{}\r\n--i--\r\n",
        armor(made.certificate.armored())
    );
    let signature = armor(key.detach(entity.as_bytes()).expect("a signature"));
    format!(
        "From: ada@uni.example.org\r\nTo: universities-subscribe@cert.example.org\r\nContent-Type: multipart/signed; boundary=o; protocol=\"application/pgp-signature\"\r\n\r\n--o\r\n{entity}\r\n--o\r\nContent-Type: application/pgp-signature\r\n\r\n{signature}\r\n--o--\r\n"
    )
    .into_bytes()
}

fn mutate(chance: &mut Chance, mail: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    for _ in 0..=chance.below(12) {
        let at = chance.below(mail.len() + 1);
        let to = (at + chance.below(200)).min(mail.len());
        match chance.below(9) {
            0 if at < mail.len() => mail[at] = chance.next() as u8,
            1 if at < mail.len() => mail[at] ^= 1 << chance.below(8),
            2 => drop(mail.drain(at..to)),
            3 => mail.splice(at..at, mail[at..to].to_vec()).for_each(drop),
            4 | 5 => mail
                .splice(at..at, PIECES[chance.below(PIECES.len())].iter().copied())
                .for_each(drop),
            6 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                let until = (from + chance.below(2_000)).min(other.len());
                mail.splice(at..to, other[from..until].iter().copied())
                    .for_each(drop);
            }
            7 => {
                let piece = PIECES[chance.below(PIECES.len())].repeat(1 + chance.below(300));
                mail.splice(at..at, piece).for_each(drop);
            }
            _ => mail.truncate(to.max(mail.len() / 2)),
        }
    }
    mail.truncate(1_000_000);
}

/// The pages of memory that this process holds, in bytes; zero where the system does not say.
fn held() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok())
        .unwrap_or_default()
        * 4096
}

/// No mail of a megabyte may need more of a processor, even without optimisation.
const LONG: Duration = Duration::from_secs(5);

const MAILS: usize = 1_500;

#[test]
fn no_mail_breaks_the_way_in() {
    // What this process holds is measured, so no other test may run beside it.
    let alone = "ADVISE_CHAOS_ALONE";
    if std::env::var_os(alone).is_none() {
        let run = Command::new(std::env::current_exe().expect("the binary of the tests"))
            .args(["--exact", "inbox::chaos::no_mail_breaks_the_way_in"])
            .arg("--nocapture")
            .env(alone, "1")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&run.stdout);
        println!("{said}");
        assert!(
            run.status.success() && said.contains("1 passed"),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        return;
    }
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
    };
    // So many seconds if somebody says so, and otherwise so many mails: as many on a busy machine as on any other.
    let duration = number("ADVISE_FUZZ_SECONDS").map(Duration::from_secs);
    let seed: u64 = number("ADVISE_SEED").unwrap_or(1);
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let own = samples::own().into_iter().map(|(_, mail)| mail);
    let seeds: Vec<Vec<u8>> = own
        .chain((0..4).map(|_| request()))
        .chain(samples::real())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/chaos");
    let (begun, mut mails, mut verdicts, mut slowest) = (
        Instant::now(),
        0_usize,
        BTreeMap::<&str, usize>::new(),
        Duration::ZERO,
    );
    let mut before = 0;
    while duration.map_or(mails < MAILS, |duration| begun.elapsed() < duration) {
        let mut mail = seeds[chance.below(seeds.len())].clone();
        mutate(&mut chance, &mut mail, &seeds);
        let (verdict, took) = work(|| panic::catch_unwind(|| everything(mail.clone())));
        let is_slow = took > LONG;
        if verdict.is_err() || is_slow {
            fs::create_dir_all(&folder).expect("a folder");
            let path = folder.join(format!("{seed}-{mails}.eml"));
            fs::write(&path, &mail).expect("written");
            panic!(
                "mail {mails} of seed {seed} {}: {}",
                if is_slow { "took too long" } else { "broke it" },
                path.display()
            );
        }
        *verdicts.entry(verdict.unwrap_or_default()).or_default() += 1;
        slowest = slowest.max(took);
        mails += 1;
        // When everything was done a few hundred times, nothing new has to be held any more.
        if mails == 500 {
            before = held();
        }
    }
    let grown = held().saturating_sub(before);
    println!(
        "{mails} mails in {:?}, the slowest in {slowest:?}, {} KiB grown: {verdicts:?}",
        begun.elapsed(),
        grown / 1024
    );
    assert!(
        mails < 500 || grown < 64 * 1024 * 1024,
        "{} MiB more are held after {mails} mails",
        grown >> 20
    );
    assert!(
        verdicts.contains_key("bounce") && verdicts.len() > 4,
        "the mails are of many kinds: {verdicts:?}"
    );
}
