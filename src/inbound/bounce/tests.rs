use super::*;
use std::{collections::BTreeMap, fs, path::Path};

/// The samples of `tests/it/inbox/bounces.txt`: what each is, and the mail.
fn samples() -> Vec<(&'static str, &'static str, Mail)> {
    let text = include_str!("../../../tests/it/inbox/bounces.txt");
    let samples = text.split("\n### ").skip(1).map(|sample| {
        let (head, mail) = sample
            .split_once('\n')
            .expect("a line that says what it is");
        let (name, what) = head.split_once(" = ").expect("a name");
        (
            name,
            what,
            Mail::read(mail.replace('\n', "\r\n").into_bytes()).expect(name),
        )
    });
    samples.collect()
}

#[test]
fn reports_of_many_servers_are_told_from_what_people_write() {
    let mut wrong = Vec::new();
    for (name, what, mail) in samples() {
        let told = match judge(&mail) {
            Report::Bounces(bounces) => {
                let one = |b: &Bounce| {
                    [
                        Some(b.recipient.as_str()),
                        Some(b.verdict.as_str()),
                        b.status.as_deref(),
                    ]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" ")
                };
                bounces.iter().map(one).collect::<Vec<_>>().join(", ")
            }
            Report::Vacation => "vacation".into(),
            Report::Challenge => "challenge".into(),
            Report::Complaint => "complaint".into(),
            Report::None => {
                if mail.is_automatic() {
                    "automatic".into()
                } else {
                    "unknown".into()
                }
            }
        };
        if told != what {
            wrong.push(format!("{name}: `{told}`, not `{what}`"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Labels of the corpus that are wrong, and why. They count as misses all the same.
const DOUBTED: &[(&str, &str)] = &[
    (
        "s-lhost-amazonses-11.eml",
        "a complaint, and its recipient is a piece of JSON",
    ),
    (
        "s-lhost-zoho-03.eml",
        "two of three recipients are a Message-ID and the sender",
    ),
    (
        "s-lhost-zoho-05.eml",
        "two of three recipients are a Message-ID and the sender",
    ),
    (
        "s-rhost-yahooinc-03.eml",
        "the recipient of a bounce that bounced itself",
    ),
];

/// What a judge says about each real bounce; skipped where the corpus is not beside the repository.
#[test]
fn real_bounces_are_recognised() {
    let Some(folder) = corpus("bounces") else {
        return;
    };
    assert!(
        DOUBTED
            .iter()
            .all(|(file, why)| folder.join(file).is_file() && !why.is_empty())
    );
    let labels = fs::read_to_string(folder.join("labels.csv")).expect("labels");
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    let mut told: BTreeMap<String, Vec<Bounce>> = BTreeMap::new();
    for line in labels.lines().skip(1) {
        let (file, rest) = line.split_once(',').expect("a label");
        let (rest, source) = rest.rsplit_once(',').expect("a label");
        let (recipient, verdict) = rest.rsplit_once(',').expect("a label");
        let recipient = recipient
            .strip_prefix('"')
            .and_then(|quoted| quoted.strip_suffix('"'))
            .unwrap_or(recipient)
            .replace("\"\"", "\"");
        let bounces = told.entry(file.to_string()).or_insert_with(|| {
            match judge(&read(&folder.join(file))) {
                Report::Bounces(bounces) => bounces,
                _ => Vec::new(),
            }
        });
        all += 1;
        match bounces
            .iter()
            .any(|b| b.recipient.eq_ignore_ascii_case(&recipient) && b.verdict.as_str() == verdict)
        {
            true => right += 1,
            false => wrong.push(format!(
                "{file}: {recipient} {verdict} ({source}), not {:?}",
                bounces
                    .iter()
                    .map(|b| (b.recipient.as_str(), b.verdict, &b.status))
                    .collect::<Vec<_>>()
            )),
        }
    }
    assert!(
        right * 100 >= all * 95,
        "{right} of {all}\n{}",
        wrong.join("\n")
    );
}

#[test]
fn ordinary_mails_are_no_bounces() {
    let Some(folder) = corpus("mails") else {
        return;
    };
    for entry in fs::read_dir(folder).expect("mails") {
        let path = entry.expect("an entry").path();
        let report = judge(&read(&path));
        assert!(
            !matches!(report, Report::Bounces(_)),
            "{}: {report:?}",
            path.display()
        );
    }
}

fn corpus(name: &str) -> Option<std::path::PathBuf> {
    let root = std::env::var_os("ADVISE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        Into::into,
    );
    Some(root.join(name)).filter(|folder| folder.is_dir())
}

fn read(path: &Path) -> Mail {
    Mail::read(fs::read(path).expect("a mail"))
        .unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
