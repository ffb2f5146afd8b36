//! The Markdown of an advisory, which is often not wanted: of ten thousand advisories, a run shows a few.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// Markdown with `\n` line ends: at hand, or on a shelf from which it is taken when it is read first.
#[derive(Clone)]
pub struct Body(Place);

#[derive(Clone)]
enum Place {
    Hand(String),
    Shelf(Arc<Shelved>),
}

struct Shelved {
    text: OnceLock<String>,
    shelf: Box<dyn Shelf>,
}

/// From where a text is fetched that was left there.
pub trait Shelf: Send + Sync {
    /// The text, exactly as it was when it was left, or nothing.
    fn fetch(&self) -> Result<String, Gone>;
}

/// A text that is not what it was when the facts about it were learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has changed in this moment, after it was looked at; run the command again")]
pub struct Gone {
    /// Relative to the workspace, with `/`.
    pub path: String,
}

impl Body {
    /// A text that can be fetched.
    pub fn shelved(shelf: impl Shelf + 'static) -> Body {
        Body(Place::Shelf(Arc::new(Shelved { text: OnceLock::new(), shelf: Box::new(shelf) })))
    }

    /// The text.
    pub fn read(&self) -> Result<&str, Gone> {
        match &self.0 {
            Place::Hand(text) => Ok(text),
            Place::Shelf(shelved) => match shelved.text.get() {
                Some(text) => Ok(text),
                None => {
                    let text = shelved.shelf.fetch()?;
                    Ok(shelved.text.get_or_init(|| text))
                }
            },
        }
    }
}

#[cfg(test)]
impl Body {
    /// A text that is at hand, to be changed.
    pub fn written(&mut self) -> &mut String {
        match &mut self.0 {
            Place::Hand(text) => text,
            Place::Shelf(_) => panic!("no test changes a text on its shelf"),
        }
    }
}

impl<T: Into<String>> From<T> for Body {
    fn from(text: T) -> Body {
        Body(Place::Hand(text.into()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Hand(text) => write!(f, "{text:?}"),
            Place::Shelf(_) => f.write_str("(on its shelf)"),
        }
    }
}
