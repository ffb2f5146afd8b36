//! What of an advisory is long and often not wanted: of ten thousand advisories, a run shows a few.

use super::Reference;
use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Something at hand, or on a shelf from which it is taken for as long as somebody reads it.
#[derive(Clone)]
pub struct Shelvable<T>(Place<T>);

/// Markdown with `\n` line ends.
pub type Body = Shelvable<String>;

/// What to read on.
pub type References = Shelvable<Vec<Reference>>;

#[derive(Clone)]
enum Place<T> {
    Hand(T),
    Shelf(Arc<Shelved<T>>),
}

struct Shelved<T> {
    /// What somebody reads now, so that who reads it at the same time need not fetch it.
    taken: Mutex<Weak<T>>,
    shelf: Box<dyn Shelf<T>>,
}

/// What is kept, in the hands of who reads it.
#[derive(Debug)]
pub enum Taken<'k, T> {
    /// It is at hand anyway.
    Hand(&'k T),
    /// It goes back to its shelf when the last of its readers is done.
    Shelf(Arc<T>),
}

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Taken::Hand(thing) => thing,
            Taken::Shelf(thing) => thing,
        }
    }
}

/// From where something is fetched that was left there.
pub trait Shelf<T>: Send + Sync {
    /// It, exactly as it was when it was left, or nothing.
    fn fetch(&self) -> Result<T, Gone>;
}

/// A text that is not what it was when the facts about it were learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has changed in this moment, after it was looked at; run the command again")]
pub struct Gone {
    /// Relative to the workspace, with `/`.
    pub path: String,
}

impl<T> Shelvable<T> {
    /// Something that can be fetched.
    pub fn shelved(shelf: impl Shelf<T> + 'static) -> Shelvable<T> {
        let shelved = Shelved {
            taken: Mutex::new(Weak::new()),
            shelf: Box::new(shelf),
        };
        Shelvable(Place::Shelf(Arc::new(shelved)))
    }

    /// What is kept.
    pub fn read(&self) -> Result<Taken<'_, T>, Gone> {
        match &self.0 {
            Place::Hand(thing) => Ok(Taken::Hand(thing)),
            Place::Shelf(shelved) => {
                let mut taken = shelved.taken.lock().unwrap_or_else(PoisonError::into_inner);
                let thing = match taken.upgrade() {
                    Some(thing) => thing,
                    None => Arc::new(shelved.shelf.fetch()?),
                };
                *taken = Arc::downgrade(&thing);
                Ok(Taken::Shelf(thing))
            }
        }
    }
}

#[cfg(test)]
impl<T> Shelvable<T> {
    /// What is at hand, to be changed.
    pub fn written(&mut self) -> &mut T {
        match &mut self.0 {
            Place::Hand(thing) => thing,
            Place::Shelf(_) => panic!("no test changes what is on its shelf"),
        }
    }
}

impl<T> From<T> for Shelvable<T> {
    fn from(thing: T) -> Shelvable<T> {
        Shelvable(Place::Hand(thing))
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Body {
        Shelvable(Place::Hand(text.into()))
    }
}

impl<T: fmt::Debug> fmt::Debug for Shelvable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Hand(thing) => write!(f, "{thing:?}"),
            Place::Shelf(_) => f.write_str("(on its shelf)"),
        }
    }
}
