//! A publish makes and touches only what depends on what has changed. What readers then see is what a full build into
//! an empty folder gives, whatever was edited, and whenever a run was killed.

use crate::harness::{World, advise, has, skip};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    fs,
    os::unix::{fs::MetadataExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

/// As it is written, and written again.
#[derive(Clone)]
struct One {
    id: String,
    vendor: &'static str,
    severity: &'static str,
    label: &'static str,
    audience: &'static str,
    status: &'static str,
    embargo: Option<&'static str>,
    revisions: usize,
    translated: bool,
}

impl One {
    fn new(number: usize) -> One {
        One {
            id: format!("EX-2026-{:04}", 1000 + number),
            vendor: ["Acme", "Initech", "Globex", "Umbrella"][number % 4],
            severity: ["low", "medium", "high", "critical"][number % 3],
            label: "CLEAR",
            audience: "[public]",
            status: "final",
            embargo: None,
            revisions: 1,
            translated: false,
        }
    }

    fn write(&self, world: World) -> World {
        let number: usize = self.id[8..].parse().expect("a number");
        let day = |revision: usize| {
            format!(
                "2026-{:02}-{:02}",
                1 + (number - 1000) / 28 + revision / 10,
                1 + number % 28
            )
        };
        let mut fields = format!(
            "tlp: {}\naudience: {}\nstatus: {}\nseverity: {}\ndate: {}\n\
             affected: [{{vendor: {}, product: Gateway {}, versions: \"< 2\"}}]\nrevisions:",
            self.label,
            self.audience,
            self.status,
            self.severity,
            day(0),
            self.vendor,
            number % 7
        );
        for revision in 0..self.revisions {
            let _ = write!(
                fields,
                "\n  - {{number: \"{}\", date: {}, summary: Word {revision}}}",
                revision + 1,
                day(revision * 10)
            );
        }
        if let Some(embargo) = self.embargo {
            let _ = write!(fields, "\nembargo: {embargo}");
        }
        let body = format!(
            "## Summary\n\nText {} of {}, see [the list](/advisories/).",
            self.revisions, self.id
        );
        let world = world.advisory_with_body(&self.id, &fields, &body);
        match self.translated {
            false => world,
            true => world.file(
                &format!("advisories/2026/{}.ru.md", self.id),
                &format!(
                    "---\ntitle: \"Шлюз: ошибка {}\"\n---\nТекст {}.\n",
                    self.revisions, self.revisions
                ),
            ),
        }
    }
}

/// A team with an archive whose lists have several pages.
fn archive(count: usize) -> (World, Vec<One>) {
    let ones: Vec<One> = (0..count).map(One::new).collect();
    let world = ones.iter().fold(
        World::without_advisories().at("2026-11-22T12:30:00Z"),
        |world, one| one.write(world),
    );
    (world, ones)
}

fn publish(world: World) -> World {
    world.run("publish --yes --only site").whatever_it_says()
}

/// Files below a folder: path and bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut open) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(here) = open.pop() {
        for entry in fs::read_dir(&here).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    let name = path
                        .strip_prefix(folder)
                        .expect("below")
                        .display()
                        .to_string();
                    all.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
    }
    all
}

/// What stands is what a full build gives, which reads, makes and writes everything.
fn is_as_if_built_anew(world: World, after: &str) -> World {
    let fresh = world.beside().join("fresh");
    let _ = fs::remove_dir_all(&fresh);
    let world = world
        .run(&format!("build --out {}", fresh.display()))
        .whatever_it_says();
    let (stands, built) = (files(&world.path("public")), files(&fresh));
    let names: BTreeSet<&String> = stands.keys().chain(built.keys()).collect();
    let differ: Vec<&&String> = names
        .iter()
        .filter(|name| stands.get(**name) != built.get(**name))
        .collect();
    assert!(differ.is_empty(), "after {after}: {differ:?}");
    world
}

/// Which files of the site are others than before, by inode and time of change.
fn stamps(public: &Path) -> BTreeMap<String, (u64, i64, i64)> {
    let stamp = |name: &String| {
        let m = fs::metadata(public.join(name)).expect("is there");
        (m.ino(), m.mtime(), m.mtime_nsec())
    };
    files(public)
        .keys()
        .map(|name| (name.clone(), stamp(name)))
        .collect()
}

#[test]
fn whatever_is_edited_the_site_is_as_if_built_anew() {
    let (world, mut ones) = archive(56);
    let world = publish(world);
    let mut world = is_as_if_built_anew(publish(world), "nothing");
    let row = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/row.html"))
        .expect("a template");
    let steps = [
        "add",
        "revise",
        "translate",
        "add",
        "withdraw",
        "relabel",
        "add",
        "words",
        "revise the oldest",
        "embargo",
        "remove",
        "add",
        "attach",
        "template",
        "embargo ends",
        "team",
        "page",
        "add many",
        "relabel back",
        "other vendor",
        "page gone",
    ];
    let mut relabelled = Vec::new();
    for (turn, step) in steps.into_iter().enumerate() {
        let at = (turn * 17 + 5) % ones.len();
        let mut one = ones[at].clone();
        one.revisions += 1;
        let add = |mut world: World, ones: &mut Vec<One>, count: usize| {
            for _ in 0..count {
                let one = One::new(ones.len());
                world = one.write(world);
                ones.push(one);
            }
            world
        };
        world = match step {
            "add" => add(world, &mut ones, 1),
            "add many" => add(world, &mut ones, 30),
            "revise" => one.write(world),
            "revise the oldest" => {
                one = ones[0].clone();
                one.revisions += 1;
                one.write(world)
            }
            "translate" => {
                one.translated = true;
                one.write(world)
            }
            "withdraw" => {
                one.status = "withdrawn";
                one.write(world)
            }
            "relabel" => {
                (one.label, one.audience) = ("AMBER", "[universities]");
                relabelled.push(one.clone());
                one.write(world)
            }
            "relabel back" => {
                one = relabelled.pop().expect("one that was closed");
                (one.label, one.audience, one.revisions) = ("CLEAR", "[public]", one.revisions + 1);
                one.write(world)
            }
            "other vendor" => {
                one.vendor = "Cyberdyne";
                one.write(world)
            }
            "remove" => {
                let path = format!("advisories/2026/{}.md", one.id);
                world.without(&path)
            }
            "attach" => {
                let path = format!("advisories/2026/{}/rules.txt", one.id);
                one.write(world).file(&path, "alert tcp any any")
            }
            "embargo" => {
                let mut fresh = One::new(ones.len());
                fresh.embargo = Some("2026-11-22T12:40:00Z");
                ones.push(fresh.clone());
                fresh.write(world)
            }
            "embargo ends" => world.at("2026-11-22T12:50:00Z"),
            "words" => world.file("templates/words/en.yaml", "page_number: \"Leaf {page}\"\n"),
            "template" => world.file("templates/row.html", &format!("{row}<!-- ours -->\n")),
            "team" => world.change(
                "team.yaml",
                "website:",
                "website: https://other.example.org #",
            ),
            "page" => world.file(
                "site/pages/jobs.md",
                "---\ntitle: Jobs\nnav: 90\n---\nNone now.\n",
            ),
            "page gone" => world.without("site/pages/jobs.md"),
            other => unreachable!("{other}"),
        };
        if let Some(known) = ones.iter_mut().find(|known| known.id == one.id) {
            *known = one.clone();
        }
        world = is_as_if_built_anew(publish(world), &format!("`{step}` of {}", one.id));
        if matches!(step, "relabel" | "remove") {
            world = world.leaves_no_page(&one.id);
        }
    }
    assert!(world.path("public/advisories/page/1/index.html").is_file());
}

#[test]
fn one_advisory_more_touches_only_what_depends_on_it() {
    let (world, ones) = archive(120);
    let world = publish(world);
    let public = world.path("public");
    let (before, folder) = (
        stamps(&public),
        fs::metadata(&public).expect("is there").ino(),
    );
    let world = publish(One::new(ones.len()).write(world));
    let after = stamps(&public);
    assert_eq!(
        fs::metadata(&public).expect("is there").ino(),
        folder,
        "the tree itself stays"
    );
    assert!(before.keys().all(|name| after.contains_key(name)));
    let touched: Vec<&str> = after
        .iter()
        .filter(|(name, stamp)| before.get(*name) != Some(stamp))
        .map(|(name, _)| name.as_str())
        .collect();
    let depends = |name: &str| {
        let name = name
            .strip_prefix("ru/")
            .or_else(|| name.strip_prefix("ar/"))
            .unwrap_or(name);
        let list = [
            "",
            "archive/",
            "advisories/2026/05/",
            "advisories/",
            "advisories/2026/",
            "severity/low/",
            "severity/medium/",
            "severity/high/",
            "kind/advisory/",
        ]
        .into_iter()
        .chain([
            "vendor/acme/",
            "vendor/initech/",
            "vendor/globex/",
            "vendor/umbrella/",
            "vendor/",
        ])
        .find(|list| {
            name.strip_prefix(list)
                .is_some_and(|rest| !rest.contains('/'))
        });
        list.is_some() || name.starts_with("advisories/EX-2026-1120") || name.starts_with("search/")
    };
    assert!(touched.iter().all(|name| depends(name)), "{touched:?}");
    assert!(touched.len() < 75, "{touched:?}");
    drop(is_as_if_built_anew(world, "one more"));
}

/// Where a page leads on the site.
fn links(html: &str) -> Vec<String> {
    let href = |rest: &&str| rest.split('"').next().unwrap_or_default().to_string();
    let local = |link: &String| link.starts_with('/') && !link.starts_with("//");
    let all: Vec<String> = html
        .split("href=\"")
        .skip(1)
        .map(|rest| href(&rest))
        .filter(local)
        .collect();
    all.into_iter()
        .map(|link| {
            link.split(['?', '#'])
                .next()
                .unwrap_or_default()
                .to_string()
        })
        .collect()
}

/// A reader: from the home page to everything that links lead to, again and again. Whatever is linked is there, whole.
struct Wanderer {
    public: PathBuf,
    gnupg: PathBuf,
    verified: BTreeSet<Vec<u8>>,
}

impl Wanderer {
    fn new(world: &World) -> Wanderer {
        let gnupg = world.beside().join("g");
        fs::create_dir_all(&gnupg).expect("a folder");
        fs::set_permissions(&gnupg, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("ours");
        let key = world.path("public/pgp-key.asc");
        let run = Command::new("gpg")
            .arg("--homedir")
            .arg(&gnupg)
            .args(["--batch", "--quiet", "--import"])
            .arg(key)
            .output();
        assert!(run.expect("gpg runs").status.success());
        Wanderer {
            public: world.path("public"),
            gnupg,
            verified: BTreeSet::new(),
        }
    }

    /// One walk; gives how many pages it saw.
    fn walk(&mut self, over: &dyn Fn() -> bool) -> usize {
        let (mut seen, mut open) = (BTreeSet::new(), VecDeque::from(["/".to_string()]));
        while let Some(link) = open.pop_front() {
            if over() || !seen.insert(link.clone()) {
                continue;
            }
            let path = if link.ends_with('/') {
                format!("{link}index.html")
            } else {
                link.clone()
            };
            let bytes = fs::read(self.public.join(&path[1..]))
                .unwrap_or_else(|error| panic!("{link}: {error}"));
            if path.ends_with(".html") {
                let html = String::from_utf8(bytes).expect("UTF-8");
                assert!(
                    html.trim_end().ends_with("</html>"),
                    "{link} is half a page"
                );
                open.extend(links(&html));
            } else if path.ends_with(".txt")
                && !path.ends_with("/form.txt")
                && self.verified.insert(bytes.clone())
            {
                self.verify(&link, &bytes);
            }
        }
        seen.len()
    }

    fn verify(&self, link: &str, bytes: &[u8]) {
        let file = self.gnupg.join("text");
        fs::write(&file, bytes).expect("written");
        let run = Command::new("gpg")
            .arg("--homedir")
            .arg(&self.gnupg)
            .args(["--batch", "--verify"])
            .arg(&file)
            .output();
        let run = run.expect("gpg runs");
        assert!(
            run.status.success(),
            "{link}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
    }
}

#[test]
fn who_reads_during_fifty_publishes_sees_whole_files_links_and_signatures() {
    let story = "who_reads_during_fifty_publishes_sees_whole_files_links_and_signatures";
    if !has("gpg") {
        return skip(story, "there is no `gpg`");
    }
    let (world, mut ones) = archive(52);
    let world = publish(world);
    let (over, pages) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut wanderer = Wanderer::new(&world);
    let world = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                pages.fetch_add(
                    wanderer.walk(&|| over.load(Ordering::Relaxed)),
                    Ordering::Relaxed,
                );
            }
        });
        let mut world = world;
        for turn in 0..50 {
            let at = match turn % 3 {
                0 => {
                    ones.push(One::new(ones.len()));
                    ones.len() - 1
                }
                _ => {
                    let at = (turn * 7) % ones.len();
                    ones[at].revisions += 1;
                    at
                }
            };
            world = publish(ones[at].write(world));
            assert!(!reader.is_finished(), "the reader has met something");
        }
        over.store(true, Ordering::Relaxed);
        world
    });
    assert!(pages.load(Ordering::Relaxed) > 100);
    drop(is_as_if_built_anew(world, "fifty publishes"));
}

#[test]
fn a_run_that_is_killed_while_it_moves_files_in_is_made_good_by_the_next() {
    let story = "a_run_that_is_killed_while_it_moves_files_in_is_made_good_by_the_next";
    if !has("strace") || !has("gpg") {
        return skip(story, "there is no `strace` or no `gpg`");
    }
    let (world, mut ones) = archive(52);
    let mut world = publish(world);
    let mut wanderer = Wanderer::new(&world);
    let (mut killed, mut halfway) = (0, 0);
    for at in [1, 2, 3, 5, 8, 12, 17, 23, 30, 38, 47, 60] {
        let one = One::new(ones.len());
        ones.push(one.clone());
        ones[at].revisions += 1;
        world = ones[at].clone().write(one.write(world));
        let before = files(&world.path("public"));
        let inject = format!("inject=rename,renameat,renameat2:signal=KILL:when={at}");
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=rename,renameat,renameat2",
            "-e",
            &inject,
        ]);
        command
            .arg(advise())
            .arg("-C")
            .arg(world.root())
            .args(["--now", "2026-11-22T12:30:00Z"]);
        let run = command
            .args(["publish", "--yes", "--only", "site"])
            .stdin(Stdio::null())
            .output()
            .expect("strace runs");
        killed += usize::from(run.status.signal() == Some(9));
        halfway +=
            usize::from(run.status.signal() == Some(9) && files(&world.path("public")) != before);
        wanderer.walk(&|| false);
        // It also clears away the stage that the killed run has left.
        let next = world
            .command("publish --yes --only site")
            .output()
            .expect("the program runs");
        assert!(
            next.status.success(),
            "{}",
            String::from_utf8_lossy(&next.stderr)
        );
        world = is_as_if_built_anew(world, &format!("a kill at rename {at}"));
        let left: Vec<String> = fs::read_dir(world.root())
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| name.starts_with(".public"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert!(
        killed > 5 && halfway > 3,
        "{killed} runs were killed, {halfway} of them halfway"
    );
}
