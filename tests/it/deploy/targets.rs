//! `advise deploy` with a real rsync, while readers follow links.

use super::served::published;
use crate::harness::{World, has, skip};
use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Links to places of the site, as paths of files.
pub fn links(page: &str) -> impl Iterator<Item = String> + '_ {
    let values = page
        .split("href=\"")
        .chain(page.split("src=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    values
        .filter(|link| link.starts_with('/') && !link.starts_with("//"))
        .map(|link| {
            let path = link
                .split(['?', '#'])
                .next()
                .unwrap_or_default()
                .trim_start_matches('/');
            if path.is_empty() || path.ends_with('/') {
                format!("{path}index.html")
            } else {
                path.to_string()
            }
        })
}

/// Follows all links from the home pages on. A link that leads nowhere counts only if the page, read once more, still
/// has it: between two looks the page may have become a newer one.
pub fn crawl(read: impl Fn(&str) -> Option<String>) -> Result<usize, String> {
    let mut open = VecDeque::from(["index.html".to_string()]);
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    let mut pages = 0;
    while let Some(path) = open.pop_front() {
        let Some(page) = read(&path) else { continue };
        pages += 1;
        for link in links(&page) {
            if read(&link).is_none()
                && read(&path).is_some_and(|now| links(&now).any(|one| one == link))
                && read(&link).is_none()
            {
                return Err(format!("{path} leads to {link}, which is not there"));
            }
            if link.ends_with(".html") && seen.insert(link.clone()) {
                open.push_back(link);
            }
        }
    }
    Ok(pages)
}

pub fn with_target(world: World, target: &str) -> World {
    let settings = world.text("advise.yaml");
    let line = settings
        .lines()
        .find(|line| line.starts_with("  languages:"))
        .expect("languages")
        .to_string();
    world.file(
        "advise.yaml",
        &settings.replace(&line, &format!("{line}\n  deploy:\n{target}")),
    )
}

fn ready(story: &str) -> bool {
    has("rsync") || {
        skip(story, "there is no `rsync`");
        false
    }
}

/// Every file below, with its content.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut open, mut all) = (vec![root.to_path_buf()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false => all.push((
                    path.strip_prefix(root)
                        .expect("below")
                        .display()
                        .to_string(),
                    fs::read(&path).expect("a file"),
                )),
            }
        }
    }
    all.sort();
    all
}

#[test]
fn rsync_keeps_every_link_whole_at_every_moment() {
    if !ready("readers follow links while rsync copies") {
        return;
    }
    let world = World::sample();
    let www = world.beside().join("www");
    let target = format!(
        "    - name: www\n      rsync: {}\n      keep: [.well-known/acme-challenge]\n",
        www.display()
    );
    let world = with_target(world, &target);
    let world = world
        .run("deploy")
        .exits(2)
        .says("cannot find")
        .whatever_it_says();
    let world = world.run("publish --yes").exits(1).whatever_it_says();

    let world = world
        .run("deploy --dry-run")
        .says("  add     advisories/EX-2026-0012/index.html")
        .does_not_say("EX-2026-0009");
    assert!(!www.exists(), "a dry run makes nothing");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut rounds, mut most) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                most = most.max(crawl(|path| fs::read_to_string(www.join(path)).ok())?);
                rounds += 1;
            }
            Ok::<_, String>((rounds, most))
        });
        let same = |world: &World| {
            let there: Vec<_> = files(&www)
                .into_iter()
                .filter(|(path, _)| !path.contains("acme-challenge"))
                .collect();
            assert!(
                there == files(&world.path("public")),
                "the copy is not the site"
            );
        };
        let world = world.run("deploy").says("www: ");
        same(&world);
        fs::create_dir_all(www.join(".well-known/acme-challenge")).expect("a folder");
        fs::write(
            www.join(".well-known/acme-challenge/token"),
            "of the web server",
        )
        .expect("written");
        let mut world = world
            .run("deploy")
            .says("nothing to do: it has everything already");
        for n in 1..=4 {
            let fields = format!(
                "tlp: CLEAR\naudience: [public]\naffected: [{{vendor: Vendor {n}, product: Thing}}]"
            );
            world = world
                .advisory(&format!("EX-2026-01{n:02}"), &fields)
                .run("publish --only site --yes")
                .whatever_it_says();
            world = world.run("deploy www").says("www: ").look(same);
        }
        // And away with one of them again.
        world = world.change(
            "advisories/2026/EX-2026-0103.md",
            "audience: [public]",
            "audience: [universities]",
        );
        world = world.change("advisories/2026/EX-2026-0103.md", "\n---\n##", "\nrevisions:\n  - {number: \"1\", date: 2026-11-20, summary: First}\n  - {number: \"2\", date: 2026-11-21, summary: Closed}\n---\n##");
        world = world.run("publish --only site --yes").whatever_it_says();
        world = world
            .run("deploy --dry-run")
            .says("  remove  advisories/EX-2026-0103/index.html")
            .does_not_say("acme-challenge");
        world = world.run("deploy").says("www: ").look(same);
        over.store(true, Ordering::Relaxed);
        assert!(
            !www.join("advisories/EX-2026-0103").exists(),
            "no empty folder stays"
        );
        assert!(
            www.join(".well-known/acme-challenge/token").is_file(),
            "what is not ours stays"
        );
        let (rounds, most) = reader
            .join()
            .expect("the reader")
            .unwrap_or_else(|missing| panic!("{missing}"));
        assert!(
            rounds > 3 && most > 40,
            "{rounds} rounds of at most {most} pages"
        );
        drop(world);
    });
}

#[test]
fn nothing_leaves_that_the_site_channel_did_not_make() {
    if !ready("deploy refuses what is not ours") {
        return;
    }
    let world = published();
    let www = world.beside().join("www");
    let settings = world.text("advise.yaml");
    let world = with_target(
        world,
        &format!("    - name: www\n      rsync: {}\n", www.display()),
    );
    let refused =
        |world: World, words: &str| world.run("deploy").exits(2).says(words).whatever_it_says();

    let world = refused(
        world.file("public/advisories/secret.html", "TLP:RED"),
        "`advisories/secret.html` in",
    );
    assert!(!www.exists());
    let world = world.without("public/advisories/secret.html");
    let page = world.text("public/index.html");
    let world = refused(
        world.file(
            "public/index.html",
            &page.replace("</main>", "TLP:RED</main>"),
        ),
        "`index.html` in",
    );
    let world = refused(world.without("public/index.html"), "1 are missing");
    assert!(!www.exists());
    // `publish` makes it as it should be.
    let world = world.run("publish --only site --yes").whatever_it_says();

    fs::create_dir_all(&www).expect("a folder");
    fs::write(www.join("thesis.txt"), "years of work").expect("written");
    let world = refused(
        world,
        "the target holds 1 other files, such as `thesis.txt`",
    );
    assert_eq!(files(&www).len(), 1);
    let world = world.run("deploy --take-over").says("www: ");
    assert!(!www.join("thesis.txt").exists() && www.join("index.html").is_file());

    let mut world = world;
    let (inside, around) = (
        world.path("site/assets/www").display().to_string(),
        world.beside().display().to_string(),
    );
    for (to, words) in [
        (inside.as_str(), "is a part of the workspace, or holds it"),
        (&around, "is a part of the workspace, or holds it"),
        (
            "rsync://www.example.org/cert",
            "rsync's own protocol has no protection",
        ),
        (
            "www.example.org::cert",
            "rsync's own protocol has no protection",
        ),
        ("-e/bin/sh", "it would be read as something else"),
        ("web@www.example.org:", "after the host comes a folder"),
    ] {
        world = with_target(
            world.file("advise.yaml", &settings),
            &format!("    - name: www\n      rsync: \"{to}\"\n"),
        );
        world = refused(world, words);
    }
}

#[test]
fn what_was_closed_leaves_every_target_that_can_be_reached() {
    if !ready("deploy takes away what was closed") {
        return;
    }
    let id = "EX-2026-0101";
    let world = published()
        .advisory(id, "tlp: CLEAR\naudience: [public]\ndate: 2026-11-20")
        .run("publish --yes --only site")
        .whatever_it_says();
    let (one, two) = (world.beside().join("one"), world.beside().join("two"));
    let target = |name: &str, to: &str| format!("    - name: {name}\n      rsync: {to}\n");
    let both =
        target("one", &one.display().to_string()) + &target("two", &two.display().to_string());
    let world = with_target(world, &both)
        .run("deploy")
        .says("one: ")
        .says("two: ")
        .whatever_it_says();
    let page = format!("advisories/{id}/index.html");
    assert!(one.join(&page).is_file() && two.join(&page).is_file());

    // Closed, and not published again yet: nothing of it goes anywhere.
    let revisions = "revisions: [{number: '1', date: 2026-11-20, summary: First}, {number: '2', date: 2026-11-21, summary: Closed}]";
    let world = world.advisory(
        id,
        &format!("tlp: AMBER\naudience: [universities]\ndate: 2026-11-20\n{revisions}"),
    );
    let world = world
        .run("deploy")
        .exits(2)
        .says("EX-2026-0101 stands in `public/` and is not public any more")
        .whatever_it_says();

    // However it left `public/`, it leaves the targets, also those behind one that cannot be reached.
    let world = world
        .without("public")
        .run("publish --yes --only site")
        .says("next: `advise deploy`")
        .whatever_it_says();
    fs::remove_dir_all(&one).expect("removed");
    fs::write(&one, "no folder").expect("written");
    let world = world
        .run("deploy")
        .exits(3)
        .says("target `one`")
        .says("two: ")
        .whatever_it_says();
    assert!(!two.join(&page).exists() && two.join("index.html").is_file());
    let world = world
        .run("status")
        .exits(1)
        .says("next: `advise deploy` copies the site to `one`")
        .whatever_it_says();
    fs::remove_file(&one).expect("removed");
    let _world = world
        .run("deploy")
        .says("one: ")
        .whatever_it_says()
        .run("publish --yes --only site")
        .whatever_it_says();
    assert!(!one.join(&page).exists() && one.join("index.html").is_file());
}
