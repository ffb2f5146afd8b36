//! Making what is read, of what passed the gate (`crate::tlp`). Nothing is read from disk or written to it.

pub mod letter;
pub mod locale;
pub mod preview;
pub mod site;
pub mod templates;
pub mod words;
