//! Cuts a file into front matter and body. Knows nothing of what stands in either.

use crate::diag::{Finding, Source, Span};

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
    if first.trim_end() != "---" {
        let at = Span::new(0, first.len().max(1));
        return Err(source
            .error(at, "no-front-matter", "the file does not begin with front matter")
            .hint("its first line has to be `---`"));
    }
    let start = first.len() + 1;
    let mut at = start.min(text.len());
    for line in text[at..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok(Pieces { yaml: Span::new(start, at), body: Span::new(at + line.len(), text.len()) });
        }
        at += line.len();
    }
    Err(source
        .error(Span::new(0, 3), "no-closing-line", "the front matter that begins here has no closing `---`")
        .hint("put a line `---` between front matter and text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Result<(String, String), String> {
        let source = Source::new("a.md", text);
        let pieces = split(&source).map_err(|finding| finding.code.to_string())?;
        Ok((text[pieces.yaml.start..pieces.yaml.end].into(), text[pieces.body.start..pieces.body.end].into()))
    }

    #[test]
    fn a_file_is_cut_at_the_closing_line() {
        assert_eq!(cut("---\na: 1\n---\n\ntext\n---\n"), Ok(("a: 1\n".into(), "\ntext\n---\n".into())));
        assert_eq!(cut("---\n---"), Ok((String::new(), String::new())));
    }

    #[test]
    fn what_has_no_front_matter_or_no_end_of_it_is_told_apart() {
        assert_eq!(cut("# title\n"), Err("no-front-matter".into()));
        assert_eq!(cut(""), Err("no-front-matter".into()));
        assert_eq!(cut("---\na: 1\n"), Err("no-closing-line".into()));
        assert_eq!(cut("---"), Err("no-closing-line".into()));
    }
}
