//! The Markdown of an advisory, which is often not wanted: of ten thousand advisories, a run shows a few.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Markdown with `\n` line ends: at hand, or on a shelf from which it is taken for as long as somebody reads it.
#[derive(Clone)]
pub struct Body(Place);

#[derive(Clone)]
enum Place {
    Hand(String),
    Shelf(Arc<Shelved>),
}

struct Shelved {
    /// What somebody reads now, so that who reads it at the same time need not fetch it.
    taken: Mutex<Weak<String>>,
    shelf: Box<dyn Shelf>,
}

/// A text in the hands of who reads it.
#[derive(Debug)]
pub enum Taken<'b> {
    /// It is at hand anyway.
    Hand(&'b str),
    /// It goes back to its shelf when the last of its readers is done.
    Shelf(Arc<String>),
}

impl Deref for Taken<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Taken::Hand(text) => text,
            Taken::Shelf(text) => text,
        }
    }
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
        Body(Place::Shelf(Arc::new(Shelved { taken: Mutex::default(), shelf: Box::new(shelf) })))
    }

    /// The text.
    pub fn read(&self) -> Result<Taken<'_>, Gone> {
        match &self.0 {
            Place::Hand(text) => Ok(Taken::Hand(text)),
            Place::Shelf(shelved) => {
                let mut taken = shelved.taken.lock().unwrap_or_else(PoisonError::into_inner);
                let text = match taken.upgrade() {
                    Some(text) => text,
                    None => Arc::new(shelved.shelf.fetch()?),
                };
                *taken = Arc::downgrade(&text);
                Ok(Taken::Shelf(text))
            }
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
