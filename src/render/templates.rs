//! The one door of the template engine.
//!
//! The built-in templates are in the repository's `templates/` and are part of the program; a file of the
//! workspace's `templates/` takes the place of its namesake. They are given as text: no files are read here.

use crate::{markdown, terms::nearest};
use include_dir::{Dir, include_dir};
use serde::Serialize;
use std::collections::BTreeMap;
use tera::{Context, ErrorKind, Tera};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// A template that cannot be read or filled in: which, where and why.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// At a place of a file.
    #[error("template `templates/{file}`, line {line}, column {column}: {message}")]
    At {
        /// Relative to `templates/`.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong, with the name of the variable where it is one.
        message: String,
    },
    /// Without a place: a template that is missing, or one that extends itself.
    #[error("template `templates/{file}`: {message}")]
    Whole {
        /// Relative to `templates/`.
        file: String,
        /// What is wrong.
        message: String,
    },
}

fn error(file: &str, error: &tera::Error) -> TemplateError {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let span = report.span();
            let file = if report.filename().is_empty() {
                file
            } else {
                report.filename()
            };
            let message = sentence(report.message());
            TemplateError::At {
                file: file.into(),
                line: span.start_line,
                column: span.start_col + 1,
                message,
            }
        }
        ErrorKind::MissingParent { current, parent } => TemplateError::Whole {
            file: current.clone(),
            message: format!("it extends `{parent}`, which does not exist"),
        },
        ErrorKind::Msg(text) => reported(file, text),
        _ => TemplateError::Whole {
            file: file.into(),
            message: sentence(&error.to_string()),
        },
    }
}

/// The first of the mistakes that the engine found when it looked at all templates, which come as a text for people:
/// `error: Unknown filter …`, and a line ` --> FILE:LINE:COLUMN` below.
fn reported(file: &str, text: &str) -> TemplateError {
    let message = text.lines().next().unwrap_or_default();
    let message = sentence(message.strip_prefix("error: ").unwrap_or(message));
    let place = text.lines().find_map(|line| {
        let (rest, column) = line
            .trim_start()
            .strip_prefix("--> ")?
            .trim_end_matches(']')
            .rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some((
            file.trim_start_matches('['),
            line.parse().ok()?,
            column.parse().ok()?,
        ))
    });
    match place {
        Some((file, line, column)) => TemplateError::At {
            file: file.into(),
            line,
            column,
            message,
        },
        None => TemplateError::Whole {
            file: file.into(),
            message,
        },
    }
}

/// One sentence in our manner. The engine lists all names that there are; the nearest one is enough.
fn sentence(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let (line, known) = line.split_once(". Available ").unwrap_or((line, ""));
    let mut letters = line.trim_end_matches('.').chars();
    let line: String = letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    });
    let names = known
        .split_once(": ")
        .map_or("", |(_, names)| names)
        .split(", ");
    match line
        .split('`')
        .nth(1)
        .and_then(|given| nearest(given.rsplit('.').next().unwrap_or(given), names))
    {
        Some(near) if !near.is_empty() => format!("{line}; did you mean `{near}`?"),
        _ => line,
    }
}

/// A text of the workspace's `templates/`, or the built-in one of that name.
pub fn file<'t>(overrides: &'t [(String, String)], name: &str) -> Option<&'t str> {
    let own = overrides
        .iter()
        .find(|(file, _)| file == name)
        .map(|(_, text)| text.as_str());
    own.or_else(|| built_in(name))
}

/// A built-in text.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN
        .get_file(name)
        .and_then(|file| file.contents_utf8())
}

/// All templates, read and ready to be filled in, with what all pages share.
#[derive(Debug, Clone)]
pub struct Templates {
    tera: Tera,
}

impl Templates {
    /// Reads the built-in templates and those of a workspace: name relative to `templates/`, and text.
    pub fn new(overrides: &[(String, String)]) -> Result<Templates, TemplateError> {
        let is_template = |name: &str| {
            [".html", ".xml", ".txt"]
                .iter()
                .any(|end| name.ends_with(end))
        };
        let built_in = BUILT_IN
            .files()
            .filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
        let own = overrides
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        let all: BTreeMap<&str, &str> = built_in
            .chain(own)
            .filter(|(name, _)| is_template(name))
            .collect();
        let mut tera = Tera::default();
        tera.autoescape_on([".html", ".xml"]);
        // The engine's own hands over one byte at a time.
        tera.set_escape_fn(|text, out| {
            markdown::pieces(text).try_for_each(|piece| out.write_all(piece.as_bytes()))
        });
        tera.add_raw_templates(all).map_err(|e| error("", &e))?;
        Ok(Templates { tera })
    }

    /// The same templates with values that every page sees, so that no page has to carry them.
    pub fn sharing(&self, shared: &impl Serialize) -> Result<Templates, TemplateError> {
        let mut tera = self.tera.clone();
        tera.global_context()
            .extend(Context::from_serialize(shared).map_err(|e| error("", &e))?);
        Ok(Templates { tera })
    }

    /// Fills in a template with the fields of a view.
    pub fn render(&self, name: &str, view: &impl Serialize) -> Result<String, TemplateError> {
        let context = Context::from_serialize(view).map_err(|e| error(name, &e))?;
        self.tera
            .render(name, &context)
            .map_err(|e| error(name, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct View {
        title: &'static str,
    }

    fn own(text: &str) -> Vec<(String, String)> {
        vec![("own.html".to_string(), text.to_string())]
    }

    #[test]
    fn what_comes_from_writers_is_escaped() {
        let templates = Templates::new(&own("<p>{{ title }}</p>")).expect("good templates");
        let made = templates
            .render(
                "own.html",
                &View {
                    title: "a < b & \"c\"",
                },
            )
            .expect("a page");
        assert!(made.contains("a &lt; b &amp; "), "{made}");
        assert!(!made.contains("\"c\""), "{made}");
    }

    #[test]
    fn an_error_names_file_line_and_variable() {
        let templates = Templates::new(&own("<p>\n  {{ titel }}</p>")).expect("good templates");
        let wrong = templates
            .render("own.html", &View { title: "" })
            .expect_err("no such variable")
            .to_string();
        assert!(
            wrong.starts_with("template `templates/own.html`, line 2, column 6: "),
            "{wrong}"
        );
        assert!(wrong.contains("titel"), "{wrong}");
        assert!(wrong.ends_with("did you mean `title`?"), "{wrong}");
        for (text, said) in [
            (
                "<p>\n{{ title | uper }}",
                "line 2, column 12: unknown filter `uper`",
            ),
            (
                "<p>\n\n{% include \"nowhere.html\" %}",
                "line 3, column 12: unknown template `nowhere.html`",
            ),
            (
                "{% extends \"bass.html\" %}",
                "own.html`: it extends `bass.html`, which does not exist",
            ),
        ] {
            let wrong = Templates::new(&own(text))
                .expect_err("a mistake")
                .to_string();
            assert!(
                wrong.contains("own.html`") && wrong.contains(said),
                "{wrong}"
            );
        }
        let wrong = Templates::new(&own("{% if title %}\n<p>"))
            .expect_err("an open block")
            .to_string();
        assert!(wrong.contains("templates/own.html`, line"), "{wrong}");
    }

    #[test]
    fn a_file_of_the_workspace_takes_the_place_of_its_namesake() {
        let templates = Templates::new(&[("notice.html".into(), "mine: {{ title }}".into())])
            .expect("good templates");
        assert_eq!(
            templates
                .render("notice.html", &View { title: "x" })
                .expect("a page"),
            "mine: x"
        );
    }
}
