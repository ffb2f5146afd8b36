//! A sample workspace and the real program, so that a test reads as a story.
//!
//! What a story does not mention must not happen. After each command the world checks that it ended with 0 or with
//! the code that the story names, that it said nothing else on standard error than deeds and what the story quotes,
//! that no file appeared or changed but where this command may write, and that a command that failed sent nothing.

pub mod authority;
pub mod crowd;
pub mod from_facts;
pub mod postfix;
pub mod smtp_server;
pub mod strace;

use advise::{
    openpgp::{self, Kind},
    terms::Moment,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// When most stories happen.
pub const NOW: &str = "2026-11-22T12:00:00Z";

const DAY: Duration = Duration::from_secs(86_400);

/// What commands report on standard error when all is well.
const DEEDS: [&str; 16] = [
    "site: ",
    "sent ",
    "told ",
    "built ",
    "checked ",
    "wrote a ",
    "wrote certs/",
    "wrote constituents/",
    "resumed ",
    "next: ",
    "no new mail",
    "nothing to do: everything is published already",
    "1 letter is held; `advise plan` says how to mend it",
    "2 letters are held; `advise plan` says how to mend it",
    "3 letters are held; `advise plan` says how to mend it",
    "6 letters are held; `advise plan` says how to mend it",
];

/// The program.
pub fn advise() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_advise"))
}

/// Says that a story cannot be told here: as a failure where `ADVISE_REQUIRE_PEERS=1` stands, otherwise aloud, past what
/// the runner of the tests keeps to itself.
#[track_caller]
pub fn skip(story: &str, why: &str) {
    assert!(
        std::env::var_os("ADVISE_REQUIRE_PEERS").is_none_or(|required| required != "1"),
        "{story}: {why}, and ADVISE_REQUIRE_PEERS=1 wants this story told"
    );
    let line = format!("\n*** SKIPPED: {story}: {why} ***\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("standard error takes it");
}

/// Whether a program is there.
pub fn has(program: &str) -> bool {
    Command::new("sh")
        .arg("-c")
        .arg(format!("command -v {program}"))
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

type Tree = BTreeMap<String, Vec<u8>>;

/// A folder with a workspace, and the last command that ran there.
pub struct World {
    temp: tempfile::TempDir,
    root: PathBuf,
    now: String,
    variables: Vec<(String, String)>,
    last: Option<Run>,
}

struct Run {
    command: String,
    code: i32,
    stdout: String,
    stderr: Vec<(String, bool)>,
    expected: i32,
}

impl World {
    /// The complete sample, as `advise init --sample` writes it.
    pub fn sample() -> World {
        World::sample_in(tempfile::tempdir().expect("a folder"))
    }

    /// The same in a folder that is there.
    pub fn sample_in(temp: tempfile::TempDir) -> World {
        World::made(temp, NOW)
    }

    /// The same, written at another time.
    pub fn sample_of(now: &str) -> World {
        World::made(tempfile::tempdir().expect("a folder"), now)
    }

    fn made(temp: tempfile::TempDir, now: &str) -> World {
        let root = temp.path().join("w");
        let made = Command::new(advise())
            .args(["--now", now, "init", "--sample"])
            .arg(&root)
            .output()
            .expect("the program runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        World {
            temp,
            root,
            now: now.into(),
            variables: Vec::new(),
            last: None,
        }
    }

    /// The sample's team, lists and members, with no advisory yet.
    pub fn without_advisories() -> World {
        let world = World::sample();
        fs::remove_dir_all(world.root.join("advisories")).expect("removed");
        world
    }

    /// From now on it is this time.
    pub fn at(mut self, now: &str) -> World {
        self.settle();
        self.now = now.into();
        self
    }

    /// From now on commands see this variable.
    pub fn with(mut self, name: &str, value: &str) -> World {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Writes an advisory. What `fields` does not say is filled with something ordinary.
    pub fn advisory(self, id: &str, fields: &str) -> World {
        let body =
            "## Summary\n\nSomething is wrong with Example Gateway.\n\n## What to do\n\nUpdate it.";
        self.advisory_with_body(id, fields, body)
    }

    /// The same with a text of its own.
    pub fn advisory_with_body(self, id: &str, fields: &str, body: &str) -> World {
        let mut text = format!("---\nid: {id}\n");
        let ordinary = [
            ("status", "final"),
            ("title", "\"Example Gateway: a fault\""),
            ("date", "2026-11-20"),
            ("severity", "medium"),
        ];
        for (name, value) in ordinary {
            if !fields
                .lines()
                .any(|line| line.starts_with(&format!("{name}:")))
            {
                text.push_str(&format!("{name}: {value}\n"));
            }
        }
        text.push_str(&format!("{fields}\n---\n{body}\n"));
        self.file(&format!("advisories/2026/{id}.md"), &text)
    }

    /// Writes a file of the workspace.
    pub fn file(mut self, path: &str, text: &str) -> World {
        self.settle();
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
        self
    }

    /// Replaces words in a file, which must be there.
    pub fn change(self, path: &str, from: &str, to: &str) -> World {
        let text = fs::read_to_string(self.root.join(path)).expect("a readable file");
        assert!(text.contains(from), "`{from}` does not stand in {path}");
        self.file(path, &text.replace(from, to))
    }

    /// Removes a file or folder.
    pub fn without(mut self, path: &str) -> World {
        self.settle();
        let path = self.root.join(path);
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .expect("removed");
        self
    }

    /// Makes a certificate for a contact who had none, and names it in the constituent's file.
    pub fn gets_certificate(self, constituent: &str, name: &str, address: &str) -> World {
        let now: Moment = self.now.parse().expect("a time");
        let made = openpgp::generate(
            &[&format!("{name} <{address}>")],
            Kind::Member,
            Some(365 * DAY),
            &now,
            None,
        )
        .expect("a key");
        let fingerprint = made.certificate.fingerprint().to_string();
        let line = format!("    address: {address}\n");
        self.file(
            &format!("certs/{fingerprint}.asc"),
            &made.certificate.armored(),
        )
        .change(
            &format!("constituents/{constituent}.yaml"),
            &line,
            &format!("{line}    certificate: \"{fingerprint}\"\n"),
        )
    }

    /// Where the workspace is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A folder beside it, for what tests need themselves.
    pub fn beside(&self) -> &Path {
        self.temp.path()
    }

    /// A file's text.
    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The program, ready to be run with these words.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(advise());
        command
            .arg("-C")
            .arg(&self.root)
            .arg("--now")
            .arg(&self.now)
            .args(split(words));
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command
            .stdin(Stdio::null())
            .env_remove("NO_COLOR")
            .env_remove("VISUAL")
            .env_remove("EDITOR");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Runs `advise` with these words; those that belong together stand in double quotes.
    pub fn run(self, words: &str) -> World {
        let command = self.command(words);
        self.run_as(words, command)
    }

    /// Runs a shell command in the workspace, with the program as `$advise`.
    pub fn shell(self, script: &str) -> World {
        let mut command = Command::new("bash");
        let program = format!(
            "{} -C {} --now {}",
            advise().display(),
            self.root.display(),
            self.now
        );
        command
            .arg("-c")
            .arg(script)
            .env("advise", program)
            .current_dir(&self.root);
        self.prepare(&mut command);
        self.run_as(script, command)
    }

    fn run_as(mut self, words: &str, mut command: Command) -> World {
        self.settle();
        let before = tree(&self.root);
        let output = command.output().expect("the program runs");
        let writes: &[&str] = match words {
            _ if words.contains("publish") => &["public/", "outbox/", ".advise/"],
            _ if words.contains("build") => &["public/", ".advise/", "made/"],
            _ if words.contains("deploy") || words.contains("constituent resume") => &[".advise/"],
            _ if words.contains("new ") => &["advisories/"],
            _ if words.contains("constituent refresh") && !words.contains("--dry-run") => {
                &["certs/"]
            }
            _ if words.contains("--dry-run") => &[],
            _ if words.contains("constituent add") => &["constituents/", "certs/"],
            _ if ["suspend", "remove", "import"]
                .iter()
                .any(|verb| words.contains(&format!("constituent {verb}"))) =>
            {
                &["constituents/"]
            }
            _ if words.contains("inbox")
                || words.contains("constituent approve")
                || words.contains("constituent refuse") =>
            {
                &[".advise/", "outbox/", "certs/", "constituents/"]
            }
            _ if words.contains("constituent vouch") => &[".advise/"],
            _ if words.contains("key generate") => &["certs/", ".advise/keys/"],
            _ => &[],
        };
        let after = tree(&self.root);
        let changed: Vec<&String> = after
            .iter()
            .filter(|(path, bytes)| before.get(*path) != Some(bytes))
            .map(|(path, _)| path)
            .collect();
        let gone = before.keys().filter(|path| !after.contains_key(*path));
        for path in changed.iter().copied().chain(gone) {
            assert!(
                writes.iter().any(|folder| path.starts_with(folder)),
                "`{words}` touched `{path}`\n{}",
                shown(&output)
            );
        }
        if output.status.code() == Some(2) {
            let left: Vec<_> = changed
                .iter()
                .filter(|path| path.starts_with("public/") || path.starts_with("outbox/"))
                .collect();
            assert!(
                left.is_empty(),
                "`{words}` failed, and yet this is new: {left:?}"
            );
        }
        let stderr = String::from_utf8(output.stderr.clone()).expect("standard error is UTF-8");
        self.last = Some(Run {
            command: words.into(),
            code: output
                .status
                .code()
                .unwrap_or_else(|| panic!("`{words}` was ended by a signal\n{}", shown(&output))),
            stdout: String::from_utf8(output.stdout.clone()).expect("standard output is UTF-8"),
            stderr: stderr
                .lines()
                .map(|line| {
                    (
                        line.to_string(),
                        DEEDS.iter().any(|deed| line.starts_with(deed)),
                    )
                })
                .collect(),
            expected: 0,
        });
        self
    }

    /// Judges what the last command did beyond what the story mentioned.
    fn settle(&mut self) {
        let Some(run) = self.last.take() else { return };
        let stderr = || {
            run.stderr
                .iter()
                .map(|(line, _)| line.as_str())
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(
            run.code,
            run.expected,
            "`advise {}`\n{}\n{}",
            run.command,
            run.stdout,
            stderr()
        );
        let unexpected: Vec<&str> = run
            .stderr
            .iter()
            .filter(|(line, known)| !known && !line.is_empty())
            .map(|(line, _)| line.as_str())
            .collect();
        assert!(
            unexpected.is_empty(),
            "`advise {}` also said: {unexpected:#?}",
            run.command
        );
    }

    fn last(&mut self) -> &mut Run {
        self.last.as_mut().expect("a command was run")
    }

    /// The exit code of the last command; 0 if nothing is said.
    pub fn exits(mut self, code: i32) -> World {
        self.last().expected = code;
        self
    }

    /// The last command said this, on either stream. The paragraph of standard error that says it is mentioned by it.
    pub fn says(mut self, words: &str) -> World {
        let run = self.last();
        let mut found = run.stdout.contains(words);
        let at: Vec<usize> = run
            .stderr
            .iter()
            .enumerate()
            .filter(|(_, (line, _))| line.contains(words))
            .map(|(at, _)| at)
            .collect();
        for at in at {
            found = true;
            run.stderr[at].1 = true;
            // Its snippet and its hints belong to it.
            for (line, known) in run.stderr[at + 1..].iter_mut() {
                let trimmed = line.trim_start();
                if !(line.starts_with(' ')
                    && (trimmed.starts_with(['|', '=', '-', '^'])
                        || trimmed.starts_with(|c: char| c.is_ascii_digit())))
                {
                    break;
                }
                *known = true;
            }
        }
        let stderr: Vec<&str> = run.stderr.iter().map(|(line, _)| line.as_str()).collect();
        assert!(
            found,
            "`advise {}` did not say `{words}`:\n{}\n{}",
            run.command,
            run.stdout,
            stderr.join("\n")
        );
        self
    }

    /// The last command did not say this.
    pub fn does_not_say(mut self, words: &str) -> World {
        let run = self.last();
        assert!(
            !run.stdout.contains(words) && !run.stderr.iter().any(|(line, _)| line.contains(words)),
            "`{}` said `{words}`",
            run.command
        );
        self
    }

    /// What the last command said on standard error may be anything.
    pub fn whatever_it_says(mut self) -> World {
        self.last().stderr.clear();
        self
    }

    /// Standard output of the last command.
    pub fn output(&mut self) -> String {
        self.last().stdout.clone()
    }

    /// The JSON document that the last command printed.
    pub fn json(&mut self) -> Value {
        let run = self.last();
        serde_json::from_str(&run.stdout)
            .unwrap_or_else(|error| panic!("`{}`: {error}:\n{}", run.command, run.stdout))
    }

    /// Judges the JSON document of the last command.
    pub fn gives(mut self, judge: impl FnOnce(&Value)) -> World {
        let json = self.json();
        judge(&json);
        self
    }

    /// No page, text or feed of the site mentions it, and no file is named after it.
    pub fn leaves_no_page(self, id: &str) -> World {
        for (path, bytes) in tree(&self.root)
            .iter()
            .filter(|(path, _)| path.starts_with("public/"))
        {
            assert!(
                !path.contains(id) && !contains(bytes, id),
                "{path} tells of {id}"
            );
        }
        self
    }

    /// The site has this file.
    pub fn leaves_a_page(self, path: &str) -> World {
        assert!(
            self.path("public").join(path).is_file(),
            "there is no public/{path}"
        );
        self
    }

    /// This path does not exist.
    pub fn leaves_no(self, path: &str) -> World {
        assert!(!self.path(path).exists(), "there is `{path}`");
        self
    }

    /// All mail in the outbox.
    pub fn mail(&self) -> Vec<Mail> {
        let Ok(entries) = fs::read_dir(self.path("outbox/new")) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        paths.into_iter().map(Mail::read).collect()
    }

    /// Who has letters of this subject: addresses in alphabetical order, one for each letter.
    pub fn recipients(&self, subject: &str) -> Vec<String> {
        let mut all: Vec<String> = self
            .mail()
            .iter()
            .filter(|mail| mail.header("Subject").contains(subject))
            .map(Mail::recipient)
            .collect();
        all.sort();
        all
    }

    /// So many mails are in the outbox.
    pub fn has_mails(self, count: usize) -> World {
        let mail: Vec<String> = self
            .mail()
            .iter()
            .map(|mail| format!("{}: {}", mail.recipient(), mail.header("Subject")))
            .collect();
        assert_eq!(mail.len(), count, "{mail:#?}");
        self
    }

    /// Looks at the world in the middle of the story.
    pub fn look(self, look: impl FnOnce(&World)) -> World {
        look(&self);
        self
    }

    /// The same files stand in `public/` before and after.
    pub fn site(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.path("public"))
    }

    /// Starts a command and goes on with the story.
    pub fn starts(&self, words: &str) -> Child {
        self.command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs")
    }
}

/// The end of the story.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.settle();
        }
    }
}

/// Words for GnuPG that stop its clock at this time. A clock that runs on from there would make signatures that lie in
/// the future of a command's `--now`, by as many seconds as the machine is slow.
pub fn stopped_clock(now: &str) -> [String; 2] {
    let digits: String = now.chars().filter(|c| !"-:Z".contains(*c)).collect();
    ["--faked-system-time".into(), format!("{digits}!")]
}

/// Waits until something is so; gives up only where nobody would wait any longer.
pub fn wait_until(what: &str, so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(
            begin.elapsed() < Duration::from_secs(300),
            "waited in vain: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What comes of it, and how long a processor worked on it in this thread: the same however busy the machine is. Zero
/// where the system does not say.
pub fn work<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let worked = || {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let nanos = stat.split(' ').next().and_then(|n| n.parse().ok());
        Duration::from_nanos(nanos.unwrap_or_default())
    };
    let before = worked();
    let came = what();
    (came, worked().saturating_sub(before))
}

/// Whether these bytes hold these words.
pub fn contains(bytes: &[u8], words: &str) -> bool {
    bytes
        .windows(words.len())
        .any(|window| window == words.as_bytes())
}

fn shown(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn split(words: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, part) in words.split('"').enumerate() {
        match at % 2 {
            0 => all.extend(part.split_whitespace().map(str::to_string)),
            _ => all.push(part.to_string()),
        }
    }
    all
}

/// Every file below a folder, by its path, with its bytes; folders end with `/`.
fn tree(root: &Path) -> Tree {
    let mut all = Tree::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(root)
                .expect("below")
                .display()
                .to_string();
            if path.is_dir() {
                all.insert(format!("{name}/"), Vec::new());
                open.push(path);
            } else if !name.ends_with(".sqlite-shm") && !name.ends_with(".sqlite-wal") {
                // (Those two are SQLite's own, and come with reading too.)
                all.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    all
}

/// A mail of the outbox or of a mailbox.
pub struct Mail {
    /// Its file.
    pub path: PathBuf,
    /// As it lies there.
    pub raw: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Mail {
    /// Reads a file of a Maildir.
    pub fn read(path: PathBuf) -> Mail {
        let raw = fs::read(&path).expect("a readable mail");
        let text = String::from_utf8_lossy(&raw);
        let head = text
            .split("\n\n")
            .next()
            .unwrap_or_default()
            .replace("\n ", " ")
            .replace("\n\t", " ");
        let headers = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        Mail { path, headers, raw }
    }

    /// A header field of the message, unfolded and not decoded; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(one, _)| one.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// Who gets it.
    pub fn recipient(&self) -> String {
        self.header("Delivered-To").to_string()
    }

    /// Whether it is a multipart of this kind (`signed`, `encrypted`).
    pub fn is(&self, kind: &str) -> bool {
        self.header("Content-Type")
            .starts_with(&format!("multipart/{kind}"))
    }

    /// The parts between the boundaries, as they lie there, without the line end before each boundary.
    pub fn parts(&self) -> Vec<Vec<u8>> {
        let kind = self.header("Content-Type");
        let boundary = kind
            .split("boundary=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a boundary");
        let mark = format!("\n--{boundary}");
        let at: Vec<usize> = (0..self.raw.len().saturating_sub(mark.len()))
            .filter(|at| self.raw[*at..].starts_with(mark.as_bytes()))
            .collect();
        at.windows(2)
            .map(|two| self.raw[two[0] + mark.len() + 1..two[1]].to_vec())
            .collect()
    }
}

/// The same names, each once.
pub fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_string).collect()
}
