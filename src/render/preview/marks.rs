//! What may not leave yet, and says so.

use crate::{advisory::Advisory, terms::Moment};

/// Why an advisory does not stand where staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Its writers have not let go of it.
    Draft,
    /// A draft with a mistake: as it was before.
    Broken,
    /// Not before this moment.
    Embargo(Moment),
}

impl Mark {
    /// For the bar, and for texts.
    pub fn words(&self) -> String {
        match self {
            Mark::Draft => "DRAFT: nobody gets it while its status is draft".into(),
            Mark::Broken => "DRAFT with a mistake: this is how it was before".into(),
            Mark::Embargo(until) => format!("EMBARGO: not public before {until}"),
        }
    }

    /// Before a title.
    fn before(&self) -> String {
        match self {
            Mark::Draft | Mark::Broken => "[DRAFT]".into(),
            Mark::Embargo(until) => format!("[EMBARGO until {until}]"),
        }
    }

    /// Before the name of a file.
    pub(super) fn slug(&self) -> &'static str {
        match self {
            Mark::Draft | Mark::Broken => "DRAFT",
            Mark::Embargo(_) => "EMBARGO",
        }
    }
}

/// The same advisory with the mark in each of its titles, so that it stands wherever a title does.
pub fn marked(advisory: &Advisory, mark: &Mark) -> Advisory {
    let mut advisory = advisory.clone();
    for text in advisory.texts.values_mut() {
        text.title = format!("{} {}", mark.before(), text.title);
    }
    advisory
}
