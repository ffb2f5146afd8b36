//! What staff change between two runs, and who must still hear of what: nobody is missed in silence, and what is
//! out already stops nobody.

use crate::harness::World;
use serde_json::json;

const CLOSED: &str = "tlp: AMBER\naudience: [universities]";
const OPEN: &str = "tlp: CLEAR\naudience: [open-announce, public]";
const FILE: &str = "advisories/2026/EX-2026-0101.md";

/// The same fields with so many revisions.
fn revised(fields: &str, count: usize) -> String {
    let revisions: String = (1..=count)
        .map(|n| format!("\n  - {{number: \"{n}\", date: 2026-11-20, summary: Change {n}}}"))
        .collect();
    format!("{fields}\nrevisions:{revisions}")
}

#[test]
fn a_letter_that_was_begun_is_not_forgotten_with_its_advisory() {
    // Two members are held, so their letters are owed.
    let world = World::without_advisories()
        .advisory("EX-2026-0101", CLOSED)
        .run("publish --yes")
        .exits(1)
        .says("2 letters are held")
        .has_mails(4 + 2);
    let owed = "EX-2026-0101: 2 letters were not sent, and the advisory is gone or a draft again";
    let stuck = |world: World| {
        world
            .run("plan")
            .exits(1)
            .says(owed)
            .run("--json plan")
            .exits(1)
            .gives(|plan| {
                assert_eq!(
                    plan["orphans"],
                    json!([{ "advisory": "EX-2026-0101", "letters": 2 }])
                );
                assert_eq!(plan["needs_attention"], true);
            })
            .run("publish --yes")
            .exits(1)
            .says(owed)
            .says("nothing to do now, but not everybody has what was meant for them")
            .has_mails(4 + 2)
    };
    let world = stuck(world.change(FILE, "status: final", "status: draft"));
    let text = world.text(FILE);
    let world = stuck(world.without(FILE));
    // The site has nothing to do with it.
    let world = world
        .run("publish --yes --only site")
        .says("nothing to do: everything is published already");
    // Back again, it goes on as if nothing had been.
    world
        .file(FILE, &text.replace("status: draft", "status: final"))
        .gets_certificate(
            "lakeside-university",
            "Marat Ibraev",
            "marat@lakeside.example.org",
        )
        .run("publish --yes")
        .exits(1)
        .does_not_say(owed)
        .says("sent 1 letter to list `universities`: EX-2026-0101 r1, encrypted, en")
        .says("1 letter is held")
        .has_mails(4 + 2 + 1);
}

#[test]
fn a_withdrawal_that_misses_who_was_warned_is_said() {
    let withdrawn = |fields: &str, count| format!("status: withdrawn\n{}", revised(fields, count));
    let missed =
        "EX-2026-0101 → mail: 3 who got an earlier revision would not hear of the withdrawal";
    let mut world = World::without_advisories()
        .advisory("EX-2026-0101", OPEN)
        .run("publish --yes")
        .has_mails(3);
    // Whether another list stands there now, or none.
    for (count, audience) in [(2, "[community, public]"), (3, "[public]")] {
        world = world
            .advisory(
                "EX-2026-0101",
                &withdrawn(&format!("tlp: CLEAR\naudience: {audience}"), count),
            )
            .run("plan")
            .exits(1)
            .says(missed)
            .run("publish --yes")
            .exits(1)
            .says(missed)
            .whatever_it_says()
            .has_mails(3);
    }
    world
        .advisory("EX-2026-0101", &withdrawn(OPEN, 4))
        .run("publish --yes")
        .says("sent 2 letters to list `open-announce`: EX-2026-0101 r4")
        .has_mails(6)
        // Who leaves after having heard of it has heard of it.
        .without("constituents/open-data-society.yaml")
        .run("publish --yes")
        .says("nothing to do: everything is published already")
        .has_mails(6);
}

#[test]
fn who_may_have_the_warning_hears_of_its_withdrawal() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", OPEN)
        .run("publish --yes")
        .has_mails(3);
    // A first try that nobody answered for, and a second that was refused.
    let ledger =
        rusqlite::Connection::open(world.path(".advise/ledger.sqlite")).expect("the ledger");
    let sql = "UPDATE delivery SET state = 'failed', possible_duplicate = 1";
    assert_eq!(ledger.execute(sql, []).expect("written"), 3);
    drop(ledger);
    world
        .advisory(
            "EX-2026-0101",
            &format!("status: withdrawn\n{}", revised(OPEN, 2)),
        )
        .run("publish --yes")
        .says("sent 2 letters to list `open-announce`: EX-2026-0101 r2")
        .has_mails(6);
}

#[test]
fn a_mistake_in_a_draft_stops_nobody_and_one_that_may_be_final_stops_all() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", OPEN)
        // One that reads well but for a word, and one that cannot be read at all.
        .advisory(
            "EX-2026-0102",
            "status: draft\nseverity: hgih\ntlp: CLEAR\naudience: [public]",
        )
        .advisory(
            "EX-2026-0103",
            "status: draft\ntitle: \"not closed\ntlp: RED\naudience: [public]",
        )
        .run("publish --yes")
        .says("2 mistakes in drafts, which stay where they are; `advise check` shows them")
        .has_mails(3)
        .leaves_no_page("EX-2026-0102")
        .leaves_no_page("EX-2026-0103")
        .run("check")
        .exits(1)
        .says("error: severity `hgih` is not known")
        .whatever_it_says();
    let mut world = world.advisory("EX-2026-0104", OPEN);
    for status in [
        "status: final",
        "status: finl",
        "stauts: draft",
        "# status: draft",
        "status: draft\nstatus: final",
    ] {
        let text = format!(
            "---\nid: EX-2026-0102\ntitle: A fault\ndate: 2026-11-20\n{status}\nseverity: hgih\ntlp: CLEAR\naudience: [public]\n---\nText\n"
        );
        world = world
            .file("advisories/2026/EX-2026-0102.md", &text)
            .run("publish --yes")
            .exits(2)
            .says("nothing was done")
            .whatever_it_says()
            .has_mails(3)
            .leaves_no_page("EX-2026-0104");
    }
}

#[test]
fn what_changes_around_a_published_revision_is_a_warning_and_around_a_new_one_an_error() {
    let narrower = "TLP:AMBER is narrower than list `universities` may carry, TLP:GREEN";
    let unknown = "nobody in `constituents/` has this address";
    let world = World::without_advisories()
        .advisory("EX-2026-0101", CLOSED)
        .advisory(
            "EX-2026-0102",
            "tlp: RED\naudience: [noc@telecom.example.net]",
        )
        .run("publish --yes")
        .exits(1)
        .whatever_it_says()
        .has_mails(4 + 1 + 2)
        // A list is narrowed, and a contact leaves.
        .change("lists/universities.yaml", "tlp: AMBER", "tlp: GREEN")
        .without("constituents/steppe-telecom.yaml")
        .run("check")
        .exits(1)
        .says(&format!("warning: {narrower}"))
        .says(&format!("warning: {unknown}"))
        .does_not_say("error: ")
        .whatever_it_says()
        .advisory("EX-2026-0103", OPEN)
        .run("publish --yes")
        .says("EX-2026-0101 → universities: TLP:AMBER is narrower than TLP:GREEN")
        .says("site: EX-2026-0103 r1 appears")
        .whatever_it_says()
        .has_mails(4 + 1 + 2 + 3);
    // The same in what is not out yet, be it a new advisory or a new revision.
    let refused = |world: World, finding: &str| {
        world
            .run("publish --yes")
            .exits(2)
            .says(&format!("error: {finding}"))
            .whatever_it_says()
            .has_mails(4 + 1 + 2 + 3)
    };
    let world = refused(world.advisory("EX-2026-0104", CLOSED), narrower)
        .without("advisories/2026/EX-2026-0104.md");
    let world = refused(
        world.advisory("EX-2026-0101", &revised(CLOSED, 2)),
        narrower,
    );
    let world = world.advisory("EX-2026-0101", CLOSED);
    drop(refused(
        world.advisory(
            "EX-2026-0102",
            &revised("tlp: RED\naudience: [noc@telecom.example.net]", 2),
        ),
        unknown,
    ));
}

#[test]
fn a_letter_that_nobody_is_to_get_any_more_keeps_no_status_open() {
    let standing = |run: World, states: serde_json::Value| {
        run.gives(|status| {
            assert_eq!(status["totals"]["states"], states);
            assert_eq!(status["stuck"], json!([]));
        })
    };
    // Two are held, get nothing of the second revision either, and were never warned of what is taken back then.
    let world = World::without_advisories()
        .advisory("EX-2026-0101", CLOSED)
        .run("publish --yes")
        .exits(1)
        .says("2 letters are held");
    let world = standing(
        world.run("status --json").exits(1),
        json!({ "accepted": 4, "held": 2 }),
    );
    let world = world
        .advisory("EX-2026-0101", &revised(CLOSED, 2))
        .run("publish --yes")
        .exits(1);
    let world = standing(
        world.run("status --json").exits(1),
        json!({ "accepted": 8, "dropped": 2, "held": 2 }),
    );
    let withdrawn = format!("status: withdrawn\n{}", revised(CLOSED, 3));
    let world = world
        .advisory("EX-2026-0101", &withdrawn)
        .run("publish --yes")
        .exits(0)
        .run("plan")
        .exits(0);
    let world = standing(
        world.run("status --json").exits(0),
        json!({ "accepted": 12, "dropped": 4 }),
    );
    world
        .run("status EX-2026-0101")
        .exits(0)
        .says("dropped")
        .does_not_say("Held");

    // Or they are of the audience no more.
    let marat = "address: marat@lakeside.example.org\n    suspended: left\n";
    let viktor = "address: viktor@physics.example.org\n    suspended: left\n";
    World::without_advisories()
        .advisory("EX-2026-0101", CLOSED)
        .run("publish --yes")
        .exits(1)
        .change(
            "constituents/lakeside-university.yaml",
            "address: marat@lakeside.example.org\n",
            marat,
        )
        .run("status")
        .exits(1)
        .says("1 dropped, 1 held")
        .change(
            "constituents/physics-institute.yaml",
            "address: viktor@physics.example.org\n",
            viktor,
        )
        .run("publish --yes")
        .exits(0)
        .run("status")
        .exits(0)
        .says("4 accepted, 2 dropped");
}
