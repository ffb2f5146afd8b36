//! Bulk mail as the library makes it, and the floor below it; run by `scripts/bench mail`, which holds both against
//! GnuPG. Each command prints one JSON object.
//!
//!     mail certificates FILE N        makes N members' certificates: a fingerprint, then the armor, and so on
//!     mail letter DIR                 writes what GnuPG is to encrypt, and the key that it is to sign with
//!     mail compose FILE ROSTER N      signs one letter, seals and composes it for N members of a list of ROSTER
//!     mail floor N BYTES              two X25519 multiplications and a copy of BYTES for each of N

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program of its own, whose output is read by `scripts/bench`"
)]

use advise::{
    advisory::{self, Advisory, Attachment},
    channels::mail::{Fit, Wire as _},
    diag::{Findings, Source},
    openpgp::{Certificate, EncryptionKeys, Generated, Kind, Sealer, Signed, TeamKey, generate},
    render::{
        letter::{Letter, LetterShop, LetterWords, ListFacts, Message, Packing, Recipient},
        words::Words,
    },
    roster::{self, Contact, List, Roster},
    team::{self, Team},
    terms::{Address, Lang, Moment},
    tlp::{Cover, Gate, Shareable},
};
use openssl::{derive::Deriver, pkey::PKey};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::{
    env, fmt::Debug, fs, hint::black_box, io::Write as _, path::Path, str::FromStr, time::Instant,
};

const TEXT: usize = 20 << 10;
const ATTACHMENT: usize = 100 << 10;

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["certificates", file, n] => certificates(Path::new(file), term(n)),
        ["letter", dir] => letter(Path::new(dir)),
        ["compose", file, roster, n] => compose(Path::new(file), term(roster), term(n)),
        ["floor", n, bytes] => floor(term(n), term(bytes)),
        // `cargo bench` without arguments: a run small enough for everybody, and no figure worth keeping.
        [] => {
            let file = env::temp_dir().join(format!("advise-bench-{}", std::process::id()));
            certificates(&file, 100);
            let result = compose(&file, 100, 100);
            fs::remove_file(&file).expect("it was just written");
            result
        }
        _ => {
            eprintln!("see the first lines of benches/mail.rs");
            std::process::exit(2);
        }
    };
    println!("{result}");
}

fn term<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

fn now() -> Moment {
    term("2026-07-02T09:00:00Z")
}

fn member(i: usize) -> String {
    format!("member-{i}@unit-{i}.example.org")
}

fn made(kind: Kind, who: &str) -> Generated {
    generate(&[who], kind, None, &term("2026-01-01"), None).expect("a key")
}

fn certificates(file: &Path, n: usize) -> Value {
    let mut out = std::io::BufWriter::new(fs::File::create(file).expect("a file"));
    for start in (0..n).step_by(1_000) {
        let some: Vec<String> = (start..n.min(start + 1_000))
            .into_par_iter()
            .map(|i| {
                let made = made(Kind::Member, &format!("Member <{}>", member(i)));
                format!(
                    "{}\n{}",
                    made.certificate.fingerprint(),
                    made.certificate.armored()
                )
            })
            .collect();
        some.iter()
            .try_for_each(|one| out.write_all(one.as_bytes()))
            .expect("written");
    }
    out.flush().expect("written");
    json!({ "certificates": n })
}

/// Text of real length in short paragraphs, and bytes that no compression makes smaller.
fn advisory() -> Advisory {
    let mut body = String::new();
    let mut paragraph = 0;
    while body.len() < TEXT {
        paragraph += 1;
        body.push_str(&format!(
            "Paragraph {paragraph}. Update the gateway to the fixed version today, and look through its logs of the last \
             thirty days for logins that nobody made; whoever finds one tells us, by telephone if need be.\n\n"
        ));
    }
    let head = "---\nid: EX-2026-0042\nstatus: final\ntitle: \"Example Gateway: remote code execution\"\ndate: 2026-07-01\n\
                tlp: AMBER\nseverity: critical\naudience: [members]\n---\n";
    let source = Source::new("advisories/EX-2026-0042.md", format!("{head}{body}"));
    let mut findings = Findings::new();
    let parsed = advisory::parse(&source, "EX-2026-0042", &Lang::english(), &mut findings);
    let advisory = parsed.unwrap_or_else(|| panic!("{findings:#?}")).advisory;
    let mut state = 42u64;
    let noise: Vec<u8> = (0..ATTACHMENT)
        .map(|_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 56) as u8
        })
        .collect();
    advisory.with(
        Vec::new(),
        vec![Attachment {
            name: "indicators.zip".into(),
            bytes: noise.into(),
        }],
    )
}

/// A list of the roster, with this many members.
fn list(certificates: &[EncryptionKeys], members: usize) -> List {
    let mut findings = Findings::new();
    let text = "title: Members\naddress: members@lists.cert.example.org\ntlp: AMBER\n";
    let list = roster::parse_list(
        &Source::new("lists/members.yaml", text),
        term("members"),
        &mut findings,
    );
    let list = list.unwrap_or_else(|| panic!("{findings:#?}")).list;
    let contact = |i: usize| Contact {
        name: format!("Member {i}"),
        address: term(&member(i)),
        certificate: Some(certificates[i % certificates.len()].fingerprint().clone()),
        language: None,
        phone: None,
        lists: [list.name.clone()].into(),
        joined: None,
        suspended: None,
        constituent: term("unit"),
    };
    let members = (0..members).map(contact).map(Into::into).collect();
    Roster::new(
        [List {
            members,
            ..list.clone()
        }],
        [],
    )
    .lists
    .into_values()
    .next()
    .expect("the list")
}

fn team() -> Team {
    let text = "name: Bench CERT\nemail: cert@cert.example.org\ntime_zone: Asia/Almaty\n";
    let mut findings = Findings::new();
    team::parse(&Source::new("team.yaml", text), &mut findings)
        .unwrap_or_else(|| panic!("{findings:#?}"))
}

fn team_key() -> (TeamKey, Generated) {
    let made = made(Kind::Team, "Bench CERT <cert@cert.example.org>");
    let key = TeamKey::from_file(made.secret.expose(), None, made.certificate.clone(), &now())
        .expect("the key");
    (key, made)
}

fn signed<'a>(
    advisory: &'a Advisory,
    list: &'a List,
    team: &Team,
    key: &TeamKey,
) -> Shareable<Signed<Letter>, &'a List> {
    let opened = Gate::new(&now(), &now())
        .open(advisory, list)
        .expect("an open gate");
    let (lang, from): (Lang, Address) = (Lang::english(), team.email.clone());
    let facts = ListFacts {
        name: list.name.clone(),
        title: "Members".into(),
        address: list.address.clone(),
        help: from.clone(),
        owner: from.clone(),
    };
    let words = LetterWords::of(&Words::read(&lang, &[], &mut Findings::new()));
    let shop = LetterShop {
        lang: &lang,
        words: &words,
        team,
        from: &from,
        to: Recipient::List(&facts),
        message_id: "<aaaaaaaaaaaaaaaaaaaaaaaaaa@cert.example.org>",
        in_reply_to: &[],
        references: &[],
        missed: &[],
        date: &now(),
        cover: Cover::Encrypted,
        page: None,
        site: None,
    };
    let letter = opened.make::<Letter>(&shop).expect("a letter");
    letter.make::<Signed<Letter>>(key).expect("a signature")
}

fn letter(dir: &Path) -> Value {
    let (key, made) = team_key();
    let (advisory, team) = (advisory(), team());
    let judged = made.certificate.judge(&now()).expect("usable");
    let list = list(&[judged], 1);
    let signed = signed(&advisory, &list, &team, &key);
    fs::write(
        dir.join("payload"),
        advise::openpgp::Payload::payload(signed.thing().thing()),
    )
    .expect("written");
    fs::write(dir.join("team.key"), made.secret.expose()).expect("written");
    json!({ "fingerprint": made.certificate.fingerprint().to_string() })
}

fn compose(file: &Path, roster: usize, n: usize) -> Value {
    let text = fs::read_to_string(file).expect("the certificates");
    let end = "-----END PGP PUBLIC KEY BLOCK-----\n";
    let armors: Vec<&str> = text.split_inclusive(end).collect();
    // As the workspace does it once in a run, before the plan is shown: parse, check self-signatures, keep the keys.
    let start = Instant::now();
    let read = |one: &&str| {
        Certificate::read(&one.as_bytes()[one.find('-').expect("armor")..]).expect("a certificate")
    };
    let certificates: Vec<EncryptionKeys> = armors
        .par_iter()
        .map(|one| read(one).judge(&now()).expect("usable"))
        .collect();
    let judging = start.elapsed().as_secs_f64();
    let distinct = certificates.len();
    drop(armors);
    drop(text);

    let (advisory, team, (key, _)) = (advisory(), team(), team_key());
    let list = list(&certificates, roster);
    let standing = memory("VmRSS");
    let now = now();
    let (start, spent) = (Instant::now(), processor());
    let signed = signed(&advisory, &list, &team, &key);
    let inline = signed.thing().inline();
    let sealer = Sealer::new(&inline);
    let bytes: usize = (0..n)
        .into_par_iter()
        .map(|place| {
            let packing = Packing::Encrypted {
                sealer: &sealer,
                certificate: &certificates[place % distinct],
                now: &now,
            };
            let message = signed.make::<Message>(&packing).expect("a message");
            let bytes = message.thing().bytes().len();
            let parcel = Fit::new(message)
                .expect("fit")
                .parcel_to_nth(Some(team.email.clone()), place);
            black_box(parcel.expect("a parcel"));
            bytes
        })
        .sum();
    let (seconds, spent) = (start.elapsed().as_secs_f64(), processor() - spent);
    json!({
        "mails": n, "seconds": seconds, "processor": spent, "bytes": bytes / n, "threads": rayon::current_num_threads(),
        "certificates": distinct, "judging": judging, "standing": standing, "peak": memory("VmHWM"),
    })
}

/// What no program can do without: a key of its own for each mail, its secret with the recipient's key, the bytes.
fn floor(n: usize, bytes: usize) -> Value {
    let recipient = PKey::generate_x25519()
        .expect("a key")
        .raw_public_key()
        .expect("its bytes");
    let message = vec![b'x'; bytes];
    let (start, spent) = (Instant::now(), processor());
    (0..n).into_par_iter().for_each(|_| {
        let recipient =
            PKey::public_key_from_raw_bytes(&recipient, openssl::pkey::Id::X25519).expect("a key");
        let own = PKey::generate_x25519().expect("a key");
        let mut deriver = Deriver::new(&own).expect("a deriver");
        deriver.set_peer(&recipient).expect("a peer");
        black_box((
            own.raw_public_key().expect("its bytes"),
            deriver.derive_to_vec().expect("a secret"),
        ));
    });
    let keys = start.elapsed().as_secs_f64();
    let start = Instant::now();
    (0..n).into_par_iter().for_each_init(
        || Vec::with_capacity(bytes),
        |copy, _| {
            copy.clear();
            copy.extend_from_slice(black_box(&message));
            black_box(&copy);
        },
    );
    json!({ "keys": keys, "copies": start.elapsed().as_secs_f64(), "processor": processor() - spent })
}

/// Seconds that this process has spent on all processors, which a busy machine does not stretch.
fn processor() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(") ").next().expect("fields").split(' ');
    // Fields 14 and 15 of the whole line, in hundredths: user and system.
    fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().expect("a number") / 100.0)
        .sum()
}

/// In MB, as the system counts it for this process.
fn memory(what: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(what)?.strip_prefix(':'))
        .expect(what);
    line.trim()
        .trim_end_matches(" kB")
        .parse::<f64>()
        .expect("a number")
        / 1024.0
}
