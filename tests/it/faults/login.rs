//! A real Postfix with TLS and a login; `advise` runs as a user of no importance.

use crate::harness::{
    advise,
    crowd::{Crowd, Place, Run, SMALL, smtp},
    has,
    postfix::Postfix,
    skip, strace, wait_until,
};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, lchown},
    path::Path,
    process::Command,
};

const STORY: &str = "letters go through a real Postfix that wants a login";
/// `nobody`, as everywhere.
const NOBODY: u32 = 65_534;

#[test]
fn letters_go_through_a_real_postfix_that_wants_a_login() {
    const WORD: &str = "Tr0ub4dor and 3 more";
    let Some(server) = Postfix::start_with_login(STORY, "advise", WORD) else {
        return;
    };
    if !has("setpriv") {
        return skip(STORY, "there is no `setpriv`");
    }
    let login = ", user: advise, password_command: cat .advise/word";
    let crowd = Crowd::new(SMALL, &smtp(server.port, "starttls", login));
    let place = crowd.copy();
    let (word, program) = (place.root().join(".advise/word"), place.beside("advise"));
    fs::write(place.root().join("ca.pem"), server.authority()).expect("written");
    // (the program as it was built may lie where nobody may go)
    fs::copy(advise(), &program).expect("copied");
    fs::set_permissions(place.beside(""), fs::Permissions::from_mode(0o755))
        .expect("its owner may");
    let publish = |given: &str| {
        fs::write(&word, format!("{given}\n")).expect("written");
        everything_belongs_to(&place.root(), NOBODY);
        as_nobody(&place, &program, given)
    };

    let run = publish("an old word of the 1980s");
    assert!(
        run.code == Some(2)
            && run
                .stderr
                .contains("error: the mail server `localhost` refuses the login: 535"),
        "{}",
        run.stderr
    );
    assert!(server.delivered().is_empty() && !place.root().join("public").exists());
    // Not even tried: Postfix writes down whose mail it takes.
    assert!(
        !server
            .log()
            .contains("client=localhost[127.0.0.1], sasl_method"),
        "{}",
        server.log()
    );

    let run = publish(WORD);
    assert_eq!(run.code, Some(1), "{}\n{}", run.stderr, server.log());
    wait_until("all mail is delivered", || {
        server.delivered().len() >= crowd.mails()
    });
    let arrived: Vec<_> = server
        .delivered()
        .iter()
        .map(|mail| (mail.recipient(), mail.header("Message-ID").to_string()))
        .collect();
    let verdict = crowd.judge(&place, &arrived, STORY);
    assert_eq!((verdict.mails, verdict.marked), (crowd.mails(), 0));
    for mail in server.delivered() {
        assert!(
            mail.header("Received").contains("ESMTPSA"),
            "with TLS and a login: {}",
            mail.header("Received")
        );
    }
    let foreign = foreign(&place.root(), NOBODY);
    assert!(
        foreign.is_empty(),
        "these belong to somebody else: {foreign:?}"
    );
}

/// Runs it; what it says, and the arguments and variables of every process that it starts, are without the password.
fn as_nobody(place: &Place, program: &Path, password: &str) -> Run {
    let log = place.beside("processes");
    let mut before: Vec<String> = Vec::new();
    if strace::allowed().is_ok() {
        let log = log.display().to_string();
        before.extend(
            [
                "strace",
                "-f",
                "-v",
                "-s",
                "100000",
                "-e",
                "trace=execve",
                "-o",
                &log,
            ]
            .map(str::to_string),
        );
    }
    before.extend(
        [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ]
        .map(str::to_string),
    );
    let mut command = Command::new(&before[0]);
    let words = place
        .publish(&[])
        .get_args()
        .map(ToOwned::to_owned)
        .collect::<Vec<_>>();
    let output = command
        .args(&before[1..])
        .arg(program)
        .args(words)
        .output()
        .expect("the program runs");
    let said = [
        &output.stdout[..],
        &output.stderr[..],
        &fs::read(&log).unwrap_or_default(),
    ]
    .concat();
    let base64 = |text: String| openssl::base64::encode_block(text.as_bytes());
    for secret in [
        password.to_string(),
        base64(password.into()),
        base64(format!("\0advise\0{password}")),
    ] {
        assert!(
            !crate::harness::contains(&said, &secret),
            "the password is told"
        );
    }
    if before[0] == "strace" {
        assert!(
            crate::harness::contains(&said, ".advise/word"),
            "the log shows what was run"
        );
    }
    Run::of(output)
}

fn everything_belongs_to(root: &Path, owner: u32) {
    for path in all(root) {
        lchown(path, Some(owner), Some(owner)).expect("root may");
    }
}

fn foreign(root: &Path, owner: u32) -> Vec<std::path::PathBuf> {
    all(root)
        .into_iter()
        .filter(|path| fs::symlink_metadata(path).expect("it is there").uid() != owner)
        .collect()
}

/// A folder and everything in it.
fn all(root: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![root.to_path_buf()];
    let mut at = 0;
    while at < found.len() {
        if found[at].is_dir() {
            found.extend(
                fs::read_dir(&found[at])
                    .expect("a folder")
                    .map(|entry| entry.expect("an entry").path())
                    .collect::<Vec<_>>(),
            );
        }
        at += 1;
    }
    found
}
