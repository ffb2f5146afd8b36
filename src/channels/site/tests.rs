//! The site as files: what a reader sees before, during and after a switch.

use super::*;
use crate::tlp::{ByMake, Gate, Made, Marked, Tlp};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

struct Note(&'static str, String);

impl Marked for Note {
    fn tlp(&self) -> Tlp {
        Tlp::Clear
    }
    fn is_addressed_to(&self, _: &str) -> bool {
        true
    }
}

impl Made<Note, Public> for Artefact {
    type Shop<'s> = ();
    type Error = std::convert::Infallible;
    fn made(note: &Note, _: &Public, _: &(), _: ByMake) -> Result<Artefact, Self::Error> {
        Ok(Artefact::new(note.0, "text/html", note.1.clone()))
    }
}

fn page(path: &'static str, text: &str) -> Shareable<Artefact, Public> {
    let now = "2026-07-01".parse().expect("a moment");
    let gate = Gate::new(&now, &now);
    gate.open(Note(path, text.into()), Public)
        .expect("clear")
        .make(&())
        .expect("an artefact")
}

fn publish(public: &Path, pages: &[(&'static str, &str)]) -> Changes {
    let stage = Stage::begin(public).expect("a stage");
    for (path, text) in pages {
        stage.put(&page(path, text)).expect("put");
    }
    stage
        .finish()
        .expect("finished")
        .commit()
        .expect("switched")
}

fn beside(public: &Path) -> Vec<String> {
    let entries = fs::read_dir(public.parent().expect("a parent")).expect("a folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

fn paths(all: &[&str]) -> Vec<String> {
    all.iter().map(|path| path.to_string()).collect()
}

#[test]
fn what_stays_keeps_its_file_and_what_goes_is_gone() {
    let temp = tempfile::tempdir().expect("a folder");
    let public = temp.path().join("public");
    let first = publish(
        &public,
        &[
            ("index.html", "one"),
            ("a/b/index.html", "same"),
            ("old/index.html", "old"),
        ],
    );
    assert_eq!(
        first.added,
        paths(&["a/b/index.html", "index.html", "old/index.html"])
    );
    let same = || {
        fs::metadata(public.join("a/b/index.html"))
            .map(|m| (m.ino(), m.mtime_nsec()))
            .expect("is there")
    };
    let before = same();

    let second = publish(
        &public,
        &[
            ("index.html", "two"),
            ("a/b/index.html", "same"),
            ("new.txt", ""),
        ],
    );
    let expected = Changes {
        added: paths(&["new.txt"]),
        changed: paths(&["index.html"]),
        removed: paths(&["old/index.html"]),
    };
    assert_eq!(second, expected);
    assert_eq!(same(), before, "the same file, not a copy");
    assert!(!public.join("old").exists());
    assert_eq!(
        fs::read_to_string(public.join("index.html")).expect("readable"),
        "two"
    );
    assert_eq!(beside(&public), ["public"]);
}

#[test]
fn when_nothing_changed_nothing_is_touched() {
    let temp = tempfile::tempdir().expect("a folder");
    let public = temp.path().join("public");
    publish(&public, &[("index.html", "one"), ("a/index.html", "a")]);
    let folder = fs::metadata(&public).expect("is there").ino();
    let changes = publish(&public, &[("index.html", "one"), ("a/index.html", "a")]);
    assert!(changes.is_empty());
    assert_eq!(fs::metadata(&public).expect("is there").ino(), folder);
    assert_eq!(beside(&public), ["public"]);
}

#[test]
fn a_stage_that_is_not_switched_leaves_nothing() {
    let temp = tempfile::tempdir().expect("a folder");
    let public = temp.path().join("public");
    publish(&public, &[("index.html", "one")]);
    let leftover = temp.path().join(".public.new-1-0");
    fs::create_dir_all(leftover.join("a")).expect("a crashed run's stage");
    let stage = Stage::begin(&public).expect("a stage");
    assert!(!leftover.exists(), "nobody holds it");
    stage.put(&page("index.html", "two")).expect("put");
    let other = Stage::begin(&public).expect("a second stage does not remove the first");
    assert_eq!(beside(&public).len(), 3);
    drop(other);
    assert!(!stage.finish().expect("finished").changes().is_empty());
    assert_eq!(beside(&public), ["public"]);
    assert_eq!(
        fs::read_to_string(public.join("index.html")).expect("readable"),
        "one"
    );
}

#[test]
fn two_pages_cannot_have_one_path() {
    let temp = tempfile::tempdir().expect("a folder");
    let stage = Stage::begin(&temp.path().join("public")).expect("a stage");
    stage.put(&page("index.html", "one")).expect("put");
    assert!(matches!(
        stage.put(&page("index.html", "one")),
        Err(SiteError::Twice(_))
    ));
    assert!(
        stage.put(&page("index.html/more.html", "one")).is_err(),
        "a file is no folder"
    );
    assert!(matches!(stage.finish(), Err(SiteError::Incomplete(_))));
}

#[test]
fn a_link_to_the_site_stays_a_link() {
    let temp = tempfile::tempdir().expect("a folder");
    fs::create_dir(temp.path().join("www")).expect("a folder");
    let public = temp.path().join("public");
    std::os::unix::fs::symlink("www", &public).expect("a link");
    publish(&public, &[("index.html", "one")]);
    assert!(public.is_symlink());
    assert_eq!(
        fs::read_to_string(temp.path().join("www/index.html")).expect("readable"),
        "one"
    );
}

#[test]
fn a_named_folder_is_replaced_only_if_it_was_a_site() {
    let temp = tempfile::tempdir().expect("a folder");
    let home = temp.path().join("home");
    fs::create_dir(&home).expect("a folder");
    drop(Stage::into_folder(&home).expect("an empty folder is taken"));
    fs::write(home.join("thesis.txt"), "years of work").expect("written");
    assert!(matches!(
        Stage::into_folder(&home),
        Err(SiteError::NotASite(_))
    ));
    publish(
        &temp.path().join("out"),
        &[("rss.xml", "<rss/>"), ("advisories/index.html", "all")],
    );
    drop(Stage::into_folder(&temp.path().join("out")).expect("an earlier site is taken"));
    drop(Stage::into_folder(&temp.path().join("a/b/new")).expect("a new folder is made"));
}

#[test]
fn several_threads_may_put() {
    let temp = tempfile::tempdir().expect("a folder");
    let public = temp.path().join("public");
    let stage = Stage::begin(&public).expect("a stage");
    let names: Vec<&'static str> = (0..400)
        .map(|n| &*Box::leak(format!("advisories/{}/{n}/index.html", n % 7).into_boxed_str()))
        .collect();
    names
        .par_iter()
        .for_each(|name| assert_eq!(stage.put(&page(name, name)).expect("put"), Put::Written));
    assert_eq!(
        stage
            .finish()
            .expect("finished")
            .commit()
            .expect("switched")
            .added
            .len(),
        400
    );
    assert!(
        names
            .iter()
            .all(|name| fs::read_to_string(public.join(name)).is_ok_and(|text| text == *name))
    );
}

#[test]
fn readers_never_miss_a_page() {
    let temp = tempfile::tempdir().expect("a folder");
    let public = temp.path().join("public");
    publish(&public, &[("index.html", "0"), ("a/index.html", "0")]);
    let (over, index) = (AtomicBool::new(false), public.join("index.html"));
    let reads = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !over.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&index).expect("there is an index at every moment");
                assert!(!text.is_empty());
                reads += 1;
            }
            reads
        });
        for n in 1..60 {
            publish(
                &public,
                &[
                    ("index.html", &n.to_string()),
                    ("a/index.html", &n.to_string()),
                ],
            );
        }
        over.store(true, Ordering::Relaxed);
        reader.join().expect("the reader")
    });
    assert!(reads > 0);
}
