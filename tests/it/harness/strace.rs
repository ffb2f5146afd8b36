//! `strace` makes system calls fail, or kills at one.

use super::{crowd::Place, has};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Whether it is there and may trace; or why not.
pub fn allowed() -> Result<(), String> {
    if !has("strace") {
        return Err("there is no `strace`".into());
    }
    let run = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .output();
    match run.map_err(|error| error.to_string())? {
        run if run.status.success() => Ok(()),
        run => Err(format!(
            "`strace` may not trace here: {}",
            String::from_utf8_lossy(&run.stderr).trim()
        )),
    }
}

/// What to write before a command, so that these calls are made to fail, or to kill.
pub fn inject(log: &Path, calls: &[&str], how: &str) -> Vec<String> {
    let mut words = trace(log, calls);
    // (strace 6.1 loses the signals that it shall send when it lets the kernel choose the calls)
    words.retain(|word| !(how.contains("signal=") && word == "--seccomp-bpf"));
    words.extend(["-e".into(), format!("inject={}:{how}", calls.join(","))]);
    words
}

fn trace(log: &Path, calls: &[&str]) -> Vec<String> {
    let log = log.display().to_string();
    let words = [
        "strace",
        "-f",
        "-y",
        "--seccomp-bpf",
        "-o",
        &log,
        "-e",
        "signal=none",
        "-e",
        &format!("trace={}", calls.join(",")),
    ];
    words.map(str::to_string).to_vec()
}

/// How often a run of `publish` makes each of these calls, in the thread that makes it most often: `when=` counts in
/// each thread anew.
pub fn census<'c>(place: &Place, calls: &[&'c str]) -> Vec<(&'c str, usize)> {
    let log = place.beside("census");
    let run = place
        .publish(&trace(&log, calls))
        .output()
        .expect("strace runs");
    assert_eq!(
        run.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let text = fs::read_to_string(log).expect("a log");
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let name = rest.trim_start().split('(').next().unwrap_or_default();
        *counts.entry((name, thread)).or_default() += 1;
    }
    let most = |call: &str| {
        counts
            .iter()
            .filter(|((name, _), _)| *name == call)
            .map(|(_, count)| *count)
            .max()
    };
    calls
        .iter()
        .filter_map(|call| most(call).map(|count| (*call, count)))
        .collect()
}

/// Whether what the program had to say was among the calls that were made to fail.
pub fn silenced(log: &Path) -> bool {
    hit(log).iter().any(|line| line.contains("write(2<"))
}

/// The folders at the top of the workspace, by their whole paths, in which a call was made to fail.
pub fn folders_hit(log: &Path, root: &Path) -> Vec<String> {
    let root = format!("{}/", root.display());
    hit(log)
        .iter()
        .filter_map(|line| line.split_once(&root))
        .map(|(_, rest)| rest.split(['/', '>', '"']).next().unwrap_or_default())
        .map(|top| format!("{root}{top}"))
        .collect()
}

/// The calls that were made to fail.
fn hit(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).expect("a log");
    let (mut begun, mut hit) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').unwrap_or_default();
        // Where another thread comes between, the path stands in a line before.
        if rest.ends_with("<unfinished ...>") {
            begun.insert(thread, rest);
        }
        if rest.contains("(INJECTED)") {
            let call = if rest.contains(" resumed>") {
                begun.get(thread).copied().unwrap_or_default()
            } else {
                rest
            };
            hit.push(call.to_string());
        }
    }
    hit
}
