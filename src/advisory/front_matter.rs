//! Cuts a file into front matter and body. Knows nothing of what stands in either.

use crate::diag::{Finding, Source, Span};
use memchr::memmem;

/// The two pieces of a file, as places in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces {
    /// The YAML between the lines `---`.
    pub yaml: Span,
    /// The Markdown after the second one.
    pub body: Span,
}

/// Finds the front matter. The text has `\n` line ends.
pub fn split(source: &Source) -> Result<Pieces, Finding> {
    let text = &*source.text;
    let first = text.split('\n').next().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(
            Finding::of_file(&source.path, "empty-file", "the file is empty")
                .hint("write it, or remove the file"),
        );
    }
    if first.trim_end() != "---" {
        let at = Span::new(0, first.len().max(1));
        return Err(source
            .error(
                at,
                "no-front-matter",
                "the file does not begin with front matter",
            )
            .hint("its first line has to be `---`"));
    }
    let start = first.len() + 1;
    for found in memmem::find_iter(&text.as_bytes()[first.len()..], b"\n---") {
        let at = start + found;
        let end = text[at..]
            .find('\n')
            .map_or(text.len(), |length| at + length + 1);
        if text[at..end].trim_end() == "---" {
            return Ok(Pieces {
                yaml: Span::new(start, at),
                body: Span::new(end, text.len()),
            });
        }
    }
    Err(source
        .error(
            Span::new(0, 3),
            "no-closing-line",
            "the front matter that begins here has no closing `---`",
        )
        .hint("put a line `---` between front matter and text"))
}

/// Whether front matter that cannot be read says in so many words that it is a draft. Where it does not say so,
/// it may have been meant to leave.
pub fn says_draft(source: &Source) -> bool {
    let end = source
        .text
        .match_indices("\n---")
        .next()
        .map_or(source.text.len(), |(at, _)| at);
    let statuses = source.text[..end]
        .lines()
        .filter(|line| line.trim_start().to_lowercase().starts_with("status"));
    let mut statuses = statuses.map(|line| line.split('#').next().unwrap_or_default().trim_end());
    statuses.next() == Some("status: draft") && statuses.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Result<(String, String), String> {
        let source = Source::new("a.md", text);
        let pieces = split(&source).map_err(|finding| finding.code.to_string())?;
        Ok((
            text[pieces.yaml.start..pieces.yaml.end].into(),
            text[pieces.body.start..pieces.body.end].into(),
        ))
    }

    #[test]
    fn a_file_is_cut_at_the_closing_line() {
        assert_eq!(
            cut("---\na: 1\n---\n\ntext\n---\n"),
            Ok(("a: 1\n".into(), "\ntext\n---\n".into()))
        );
        assert_eq!(cut("---\n---"), Ok((String::new(), String::new())));
    }

    #[test]
    fn a_draft_says_so_in_so_many_words() {
        let says = |text: &str| says_draft(&Source::new("a.md", text));
        for text in [
            "---\nstatus: draft\na: [\n---\nText",
            "---\nstatus: draft # not yet\n---\n",
            "---\na: 1\nstatus: draft",
        ] {
            assert!(says(text), "{text}");
        }
        for text in [
            "---\na: 1\n---\nText",
            "---\nstatus: final\n---\n",
            "---\n# status: draft\n---\n",
            "---\nstatus: draft\nstatus: final\n---\n",
            "---\nstatus: draft\nStatus: final\n---\n",
            "---\nother:\n  status: draft\n---\n",
            "---\nstatus: \"draft\"\n---\n",
            "---\nstatus: drafted\n---\n",
            "---\na: 1\n---\nstatus: draft\n",
        ] {
            assert!(!says(text), "{text}");
        }
    }

    #[test]
    fn what_has_no_front_matter_or_no_end_of_it_is_told_apart() {
        assert_eq!(cut("# title\n"), Err("no-front-matter".into()));
        assert_eq!(cut(""), Err("empty-file".into()));
        assert_eq!(cut("---\na: 1\n"), Err("no-closing-line".into()));
        assert_eq!(cut("---"), Err("no-closing-line".into()));
    }
}
