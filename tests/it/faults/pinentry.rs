//! gpg-agent holds the team's key and asks for its passphrase by way of a pinentry, as it does at a desk.

use crate::harness::{
    crowd::{Crowd, Run, SMALL},
    has, skip,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

/// Speaks as little of a pinentry's protocol as there is, gives what is in its file, and counts how often.
const PINENTRY: &str = r#"#!/bin/sh
echo "OK at your service"
while read -r word rest; do
    case $word in
        GETPIN) echo asked >> "$0.asked"; echo "D $(cat "$0.word")"; echo OK ;;
        BYE) echo OK; exit 0 ;;
        *) echo OK ;;
    esac
done
"#;

#[test]
fn gpg_agent_asks_its_pinentry_for_the_passphrase_of_the_teams_key() {
    if !has("gpg-agent") || !has("gpg") || !has("script") || !cfg!(feature = "gpg-agent") {
        return skip(
            "gpg-agent asks a pinentry",
            "there is no `gpg-agent` or no `script`, or this build goes without",
        );
    }
    let crowd = Crowd::new(SMALL, "transport: outbox");
    let place = crowd.copy();
    let only_mine = fs::Permissions::from_mode(0o700);
    let home = tempfile::Builder::new()
        .prefix("g")
        .permissions(only_mine.clone())
        .tempdir_in("/tmp")
        .expect("a folder");
    let pinentry = home.path().join("pinentry");
    fs::write(&pinentry, PINENTRY).expect("written");
    fs::set_permissions(&pinentry, only_mine).expect("executable");
    fs::write(
        home.path().join("gpg-agent.conf"),
        format!(
            "pinentry-program {}\nallow-loopback-pinentry\n",
            pinentry.display()
        ),
    )
    .expect("written");
    let word = fs::read_to_string(place.root().join(".advise/keys/team.passphrase"))
        .expect("the passphrase");
    let says = |word: &str| fs::write(home.path().join("pinentry.word"), word).expect("written");
    let asked = || {
        fs::read_to_string(home.path().join("pinentry.asked"))
            .map_or(0, |text| text.lines().count())
    };
    let run = Command::new("gpg")
        .arg("--homedir")
        .arg(home.path())
        .args([
            "--batch",
            "--no-tty",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            word.trim(),
            "--import",
        ])
        .arg(place.root().join(".advise/keys/team.key"))
        .stdin(Stdio::null())
        .output()
        .expect("gpg runs");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    // A fresh agent knows no passphrase.
    end_agent(home.path());
    let settings = fs::read_to_string(place.root().join("advise.yaml")).expect("settings");
    let with_agent = settings
        .replace("key: .advise/keys/team.key", "key: agent")
        .replace("passphrase_command:", "# passphrase_command:");
    fs::write(place.root().join("advise.yaml"), with_agent).expect("written");
    fs::remove_file(place.root().join(".advise/keys/team.key")).expect("removed");
    // At a desk: where there is no terminal, the agent is told to ask nobody.
    let at_a_terminal = || -> Run {
        let command = place.publish(&[]);
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_str().expect("a word in UTF-8")))
            .collect();
        let mut script = Command::new("script");
        script
            .args(["-qefc", &words.join(" "), "/dev/null"])
            .env("GNUPGHOME", home.path())
            .stdin(Stdio::null());
        let output = script.output().expect("script runs");
        Run {
            code: output.status.code(),
            signal: None,
            stderr: String::from_utf8_lossy(&output.stdout).into_owned(),
        }
    };
    let refused = "gpg-agent did not sign with the key of certificate";
    let nothing_sent = |run: &Run| {
        assert!(
            run.code == Some(2) && run.stderr.contains(refused),
            "{:?}: {}",
            run.code,
            run.stderr
        );
        assert!(place.outbox().is_empty() && !place.root().join("public").exists());
    };

    says(word.trim());
    nothing_sent(&Run::of(
        place
            .publish(&[])
            .env("GNUPGHOME", home.path())
            .output()
            .expect("the program runs"),
    ));
    assert_eq!(asked(), 0, "nobody is there to be asked");

    says("a wrong one");
    nothing_sent(&at_a_terminal());
    assert!(asked() > 0);

    end_agent(home.path());
    says(word.trim());
    let before = asked();
    let run = at_a_terminal();
    end_agent(home.path());
    assert!(
        run.code == Some(1) && !run.stderr.contains(word.trim()),
        "{:?}: {}",
        run.code,
        run.stderr
    );
    assert_eq!(asked() - before, 1, "once for all letters");
    let verdict = crowd.judge(&place, &place.outbox(), "gpg-agent asks a pinentry");
    assert_eq!((verdict.mails, verdict.marked), (crowd.mails(), 0));
}

fn end_agent(home: &Path) {
    let _ = Command::new("gpgconf")
        .arg("--homedir")
        .arg(home)
        .args(["--kill", "all"])
        .status();
}
