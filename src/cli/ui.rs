//! The only printer. Data goes to standard output, talk to standard error.

use super::failure::Failure;
use crate::diag::{self, Findings, Level};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Whether data could not be written, for another reason than that the reader had seen enough.
static LOST: AtomicBool = AtomicBool::new(false);

/// Talk. Nobody may be listening any more (`2>&1 | head`), which must not end the work.
fn talk(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}

/// Words of others without what would move the cursor or colour the screen: a server says what it likes, before
/// anybody knows whose it is.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && !matches!(c, '\n' | '\t') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// How to speak.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    quiet: bool,
    verbose: bool,
    json: bool,
    colour: bool,
}

impl Ui {
    /// Colour only on a terminal, and not if `NO_COLOR` is set (https://no-color.org).
    pub fn new(quiet: bool, verbose: bool, json: bool) -> Ui {
        let colour = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            && io::stdout().is_terminal()
            && io::stderr().is_terminal();
        Ui {
            quiet,
            verbose,
            json,
            colour,
        }
    }

    /// Whether one JSON document is wanted on standard output.
    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Data, for people. Ends as it is given.
    pub fn data(&self, text: &str) {
        match io::stdout()
            .write_all(text.as_bytes())
            .and_then(|()| io::stdout().flush())
        {
            Ok(()) => {}
            // A reader who closed the pipe (`| head`) has seen enough; the work goes on without them.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                LOST.store(true, Ordering::Relaxed);
                self.warning(&format!("cannot write to standard output: {error}"));
            }
        }
    }

    /// Whether some data could not be written.
    pub fn lost_data(&self) -> bool {
        LOST.load(Ordering::Relaxed)
    }

    /// Data, for programs.
    pub fn json(&self, value: &Value) {
        self.data(&format!("{value:#}\n"));
    }

    /// One thing that was done.
    pub fn deed(&self, text: &str) {
        if !self.quiet {
            talk(&format!("{}\n", harmless(text)));
        }
    }

    /// Something only those want to know who asked for more.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            talk(&format!("{}\n", harmless(text)));
        }
    }

    /// Something that must not be missed.
    pub fn warning(&self, text: &str) {
        talk(&format!(
            "{}: {}\n",
            self.paint("warning", "1;33"),
            harmless(text)
        ));
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }

    /// Findings as text, with their level in colour.
    pub fn findings(&self, findings: &Findings, least: Level) -> String {
        let mut text = String::new();
        for finding in findings.iter().filter(|finding| finding.level <= least) {
            let shown = diag::show(finding);
            let (word, code) = if finding.level == Level::Error {
                ("error", "1;31")
            } else {
                ("warning", "1;33")
            };
            text.push_str(&self.paint(word, code));
            text.push_str(&shown[word.len()..]);
            text.push('\n');
        }
        text
    }

    /// Findings that stop or accompany a command other than `check`.
    pub fn talk_findings(&self, findings: &Findings, least: Level) {
        talk(&self.findings(findings, least));
    }

    /// Why a command failed, with what to do.
    pub fn failure(&self, failure: &Failure) {
        let mut text = String::new();
        for cause in failure.error.chain().map(ToString::to_string) {
            // Many an error says its cause itself.
            if !text.contains(&cause) {
                text.push_str(if text.is_empty() { "" } else { ": " });
                text.push_str(&cause);
            }
        }
        if self.json {
            self.json(&serde_json::json!({ "error": text, "hints": failure.hints }));
        }
        talk(&format!(
            "{}: {}\n",
            self.paint("error", "1;31"),
            harmless(&text)
        ));
        for hint in &failure.hints {
            talk(&format!("  = hint: {}\n", harmless(hint)));
        }
    }

    /// A progress bar on standard error; invisible if that is no terminal.
    pub fn progress(&self, length: u64, what: &'static str) -> ProgressBar {
        if self.quiet {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(length);
        let style = ProgressStyle::with_template("{msg:>12} [{bar:32}] {pos}/{len} {eta}")
            .expect("the template is well formed");
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Whether somebody can be asked.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks for a yes. Only `y` and `yes` are one.
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        talk(&format!("{question} [y/N] "));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a passphrase without showing it.
    pub fn passphrase(&self, what: &str) -> io::Result<String> {
        rpassword::prompt_password(format!("Passphrase of {what}: "))
    }
}

/// A table with aligned columns, a heading, and no trailing spaces.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let mut widths: Vec<usize> = heading.iter().map(|cell| cell.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())))
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(heading.to_vec());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// "1 letter", "2 letters".
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
