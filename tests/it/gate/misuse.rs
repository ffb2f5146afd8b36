//! Ways around the gate that somebody could try with an editor, between two runs or before the first. After each
//! nothing has been sent, and nothing is in public that was not there before.

use crate::{
    gate::oracle::{Advisory, Embargo, Key, Label, Reader, Status},
    gate::traces::{CANARY, files, trace_in_any_form, without_public_names},
    harness::from_facts::{NOW, World, address_of, list, member},
};
use std::{fs, path::PathBuf};

fn small() -> World {
    let lists = vec![
        list("amber", Label::Amber, false, None),
        list("open", Label::Clear, false, None),
    ];
    let members = vec![
        member(1, &["amber"], Key::Usable),
        member(2, &["open"], Key::NoneNamed),
    ];
    let advisory = |number, label, audience: &[Reader]| Advisory {
        number,
        label,
        status: Status::Final,
        embargo: Embargo::None,
        audience: audience.to_vec(),
    };
    let (closed, open) = (Reader::List("amber".into()), Reader::List("open".into()));
    let advisories = vec![
        advisory(1, Label::Amber, std::slice::from_ref(&closed)),
        advisory(2, Label::Clear, &[Reader::Public, open]),
        advisory(3, Label::Red, &[Reader::Person(address_of(1))]),
    ];
    World::new(lists, members, advisories)
}

const CLOSED: &str = "advisories/EX-2026-0001.md";
const RED: &str = "advisories/EX-2026-0003.md";

/// Edits a file; the text to be replaced has to be there.
fn edit(world: &World, path: &str, changes: &[(&str, &str)]) {
    let mut text = world.read(path);
    for (old, new) in changes {
        assert!(text.contains(old), "`{old}` is not in {path}");
        text = text.replace(old, new);
    }
    world.write(path, text);
}

fn everything(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    ["public", "outbox"]
        .iter()
        .flat_map(|folder| files(&world.path(folder)))
        .collect()
}

/// Whatever way is asked for, the program refuses with exit code 2, says why, and leaves all as it was.
fn refused(world: &World, says: &str) {
    let before = everything(world);
    for args in [
        &["publish", "--yes"][..],
        &["publish", "--yes", "--only", "site"],
        &["publish", "--yes", "--only", "mail"],
        &["publish", "--yes", "EX-2026-0001"],
        &["publish", "--yes", "EX-2026-0002"],
        &["publish", "--yes", "--json"],
        &["build"],
    ] {
        let output = world.run(NOW, args);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {talk}");
        assert!(
            talk.contains(says),
            "{args:?} does not say `{says}`: {talk}"
        );
        assert!(everything(world) == before, "{args:?} changed something");
    }
    for (path, bytes) in files(&world.path(".advise")) {
        let bytes = without_public_names(world, &path, bytes);
        assert_eq!(
            trace_in_any_form(&bytes, CANARY),
            None,
            "{}",
            path.display()
        );
    }
}

fn is_published(world: &World) {
    let output = world.publish(NOW);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn what_check_refuses_is_not_published_by_any_command() {
    for (path, changes, says) in [
        (
            CLOSED,
            &[("audience: [amber]", "audience: [amber, public]")][..],
            "never goes to the public",
        ),
        (
            CLOSED,
            &[("audience: [amber]", "audience: [public]")],
            "never goes to the public",
        ),
        (
            CLOSED,
            &[("audience: [amber]", "audience: [open]")],
            "narrower than list",
        ),
        (
            CLOSED,
            &[("tlp: AMBER", "tlp: AMBER+STRICT")],
            "narrower than list",
        ),
        (
            CLOSED,
            &[("tlp: AMBER", "tlp: RED")],
            "never goes to a list",
        ),
        (CLOSED, &[("tlp: AMBER\n", "")], "tlp"),
        (CLOSED, &[("tlp: AMBER", "tlp: Clear")], "CLEAR"),
        (CLOSED, &[("tlp: AMBER", "tlp: AMBER\ntlp: CLEAR")], "tlp"),
        (
            CLOSED,
            &[("audience: [amber]", "audience: [Public]")],
            "Public",
        ),
        (
            RED,
            &[
                ("tlp: RED", "tlp: RED"),
                ("audience: [", "audience: [amber, "),
            ],
            "never goes to a list",
        ),
        (
            RED,
            &[("audience: [", "audience: [public, ")],
            "never goes to the public",
        ),
        (
            RED,
            &[("Oriole0001@org1", "oriole0001@org2")],
            "nobody in `constituents/`",
        ),
        (
            "lists/amber.yaml",
            &[("tlp: AMBER", "tlp: GREEN")],
            "narrower than list",
        ),
        ("lists/amber.yaml", &[("tlp: AMBER", "tlp: RED")], "RED"),
        ("lists/amber.yaml", &[("tlp: AMBER\n", "")], "tlp"),
        (
            "lists/amber.yaml",
            &[("encrypt: by-label", "encrypt: never")],
            "never",
        ),
    ] {
        let world = small();
        edit(&world, path, changes);
        refused(&world, says);
        assert!(
            everything(&world).is_empty(),
            "something was published before: {changes:?}"
        );
    }
}

#[test]
fn a_published_revision_does_not_change_in_silence() {
    let world = small();
    is_published(&world);
    let told = "without a new revision";
    let before = world.read(CLOSED);
    for changes in [
        &[
            ("tlp: AMBER", "tlp: CLEAR"),
            ("audience: [amber]", "audience: [amber, public]"),
        ][..],
        &[
            ("tlp: AMBER", "tlp: CLEAR"),
            ("audience: [amber]", "audience: [public]"),
        ],
        &[("tlp: AMBER", "tlp: GREEN")],
        &[("A long text", "Another long text")],
        &[("status: final", "status: withdrawn")],
        &[("severity: high", "severity: low")],
    ] {
        edit(&world, CLOSED, changes);
        refused(&world, told);
        world.write(CLOSED, &before);
    }
    // What stands beside the file belongs to it.
    let beside = [
        "advisories/EX-2026-0001.ru.md",
        "advisories/EX-2026-0001/kanarek0001n.csv",
    ];
    for path in beside {
        let before = world.read(path);
        world.write(path, before.clone() + "more\n");
        refused(&world, told);
        fs::remove_file(world.path(path)).expect("removed");
        refused(&world, told);
        world.write(path, before);
    }
    world.write("advisories/EX-2026-0001/more.csv", "more\n");
    refused(&world, told);
    fs::remove_file(world.path("advisories/EX-2026-0001/more.csv")).expect("removed");

    let before = everything(&world);
    is_published(&world);
    assert!(
        everything(&world) == before,
        "with everything taken back there is nothing to do"
    );
}

#[test]
fn a_label_is_widened_by_a_new_revision_only() {
    let mut world = small();
    is_published(&world);
    let shown = |world: &World| {
        files(&world.path("public"))
            .iter()
            .any(|(_, bytes)| trace_in_any_form(bytes, "kanarek0001").is_some())
    };
    assert!(!shown(&world));
    world.advisories[0].label = Label::Clear;
    world.advisories[0].audience.push(Reader::Public);
    world.write_advisory(&world.advisories[0], 3);
    is_published(&world);
    assert!(shown(&world));

    // And back again: it disappears, every byte of it.
    world.advisories[0].label = Label::Amber;
    world.advisories[0].audience.pop();
    world.write_advisory(&world.advisories[0], 4);
    is_published(&world);
    assert!(
        !shown(&world),
        "a page of an advisory that is closed now is still there"
    );
}

#[test]
fn a_draft_again_or_a_lost_file_takes_its_pages_along() {
    for drafted in [true, false] {
        let world = small();
        is_published(&world);
        let path = "advisories/EX-2026-0002.md";
        match drafted {
            true => edit(&world, path, &[("status: final", "status: draft")]),
            false => {
                for path in [path, "advisories/EX-2026-0002.ru.md"] {
                    fs::remove_file(world.path(path)).expect("removed");
                }
                fs::remove_dir_all(world.path("advisories/EX-2026-0002")).expect("removed");
            }
        }
        let outbox = files(&world.path("outbox"));
        is_published(&world);
        let pages = files(&world.path("public"));
        assert!(
            !pages.is_empty()
                && pages
                    .iter()
                    .all(|(_, bytes)| trace_in_any_form(bytes, CANARY).is_none())
        );
        assert!(files(&world.path("outbox")) == outbox);
    }
}

#[test]
fn a_file_that_a_hand_put_into_public_does_not_outlive_the_next_switch() {
    let world = small();
    is_published(&world);
    let stray = [
        "public/advisories/EX-2026-0001/index.html",
        "public/leak/kanarek0001n.csv",
    ];
    for path in stray {
        world.write(path, world.read(CLOSED));
    }
    is_published(&world);
    for path in stray {
        assert!(!world.path(path).exists(), "{path} is still there");
    }
}

#[test]
fn a_secret_key_among_the_certificates_stops_everything() {
    let world = small();
    let key = world.read(".advise/keys/team.key");
    world.write("certs/0123456789ABCDEF0123456789ABCDEF01234567.asc", key);
    refused(&world, "secret key");
}

#[test]
fn a_certificate_that_is_swapped_for_anothers_gets_nothing_in_the_clear() {
    // The file of the member's fingerprint holds another's certificate: the workspace is not read at all.
    let world = small();
    let certs: Vec<_> = files(&world.path("certs"));
    let (other, bytes) = (certs[0].0.clone(), certs[1].1.clone());
    fs::write(other, bytes).expect("written");
    refused(&world, "fingerprint");
    assert!(everything(&world).is_empty());
}
