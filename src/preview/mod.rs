//! What `advise serve` shows: the site with what is not out yet, and each letter, made when somebody looks at it.
//!
//! [`Studio`] reads the workspace, keeps the newest state that could be read, and makes sheets for [`Staff`] and nobody
//! else; `reading` reads, `session` is one state of it, `route` knows which page a path asks for, `overview` and `letters` fill those that are not of the
//! site, [`watch`] waits for somebody to save something. Nothing is written, signed or locked here: the ledger is read
//! and closed again, so that `publish` can run beside it.

mod letters;
mod overview;
mod reading;
mod route;
mod session;

use crate::{
    channels::preview::Pulse,
    render::preview::{Sheet, Status, Tool, Trouble, Word, Workshop},
    terms::Moment,
    tlp::{Shareable, Staff},
    workspace,
};
use reading::Snapshot;
use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

/// How often it is looked whether something was saved.
const PAUSE: Duration = Duration::from_millis(250);

/// Editors write a file in several steps; only when so much time went by without another is it read.
const SETTLED: Duration = Duration::from_millis(50);

/// What the studio is asked.
pub enum Ask {
    /// For the sheet of a path below the preview's own, without a slash before it.
    Show(String, Sender<Shareable<Sheet, Staff>>),
    /// To read the workspace anew.
    Read,
}

/// Where the preview is made.
pub struct Studio {
    /// The workspace's folder.
    pub root: PathBuf,
    /// `.advise/`.
    pub work: PathBuf,
    /// Where the preview stands: `/TOKEN/`.
    pub prefix: String,
    /// The time, asked at each reading.
    pub clock: Box<dyn Fn() -> Moment + Send>,
    /// Says one line to who started it.
    pub tell: Box<dyn Fn(&str) + Send>,
    /// Tells the pages.
    pub pulse: Pulse,
}

/// What came of reading anew.
enum Read {
    /// A state to be shown from now on.
    Fresh(Box<Snapshot>),
    /// Nothing that could be shown: why.
    Trouble(Trouble),
}

/// What comes after a state of the workspace.
enum Next {
    Show(Box<Snapshot>),
    /// Nobody asks any more.
    Over,
}

impl Studio {
    /// Makes what is asked for until nobody asks any more.
    pub fn run(self, asks: &Receiver<Ask>) -> Result<(), crate::render::templates::TemplateError> {
        let mut workshop = Workshop::open(&self.prefix)?;
        let mut generation = 0;
        let mut next = match self.read(None) {
            Read::Fresh(snapshot) => Next::Show(snapshot),
            Read::Trouble(trouble) => self.wait(trouble, asks, &mut workshop, &mut generation),
        };
        while let Next::Show(snapshot) = next {
            next = self.show(*snapshot, asks, &mut workshop, &mut generation);
        }
        Ok(())
    }

    /// The workspace as it is now, if its pages can be made at all.
    fn read(&self, before: Option<&Snapshot>) -> Read {
        let now = (self.clock)();
        match Snapshot::read(&self.root, &self.work, now, before) {
            Err(trouble) => Read::Trouble(trouble),
            Ok(snapshot) => match session::opens(&snapshot, &self.prefix) {
                Err(trouble) => Read::Trouble(trouble),
                Ok(()) => Read::Fresh(Box::new(snapshot)),
            },
        }
    }

    fn news(&self, workshop: &mut Workshop, generation: &mut u64, trouble: Option<Trouble>) {
        *generation += 1;
        match &trouble {
            Some(trouble) => (self.tell)(&format!(
                "{}: see the preview, or `advise check`",
                trouble.title
            )),
            None if workshop.has_trouble() => (self.tell)("mended"),
            None => {}
        }
        workshop.says(*generation, trouble);
        self.pulse.beat(*generation);
    }

    /// There was nothing yet that could be shown.
    fn wait(
        &self,
        trouble: Trouble,
        asks: &Receiver<Ask>,
        workshop: &mut Workshop,
        generation: &mut u64,
    ) -> Next {
        self.news(workshop, generation, Some(trouble));
        for ask in asks {
            match ask {
                Ask::Show(path, reply) => {
                    let heading = "There is nothing to show yet".to_string();
                    let text = "Once what is wrong is mended, the preview stands here.".to_string();
                    let word = Word {
                        status: Status::Broken,
                        heading,
                        text,
                    };
                    // Who has gone meanwhile needs no answer.
                    drop(reply.send(tool(&path).unwrap_or_else(|| word_of(word, workshop))));
                }
                Ask::Read => match self.read(None) {
                    Read::Fresh(snapshot) => return Next::Show(snapshot),
                    Read::Trouble(trouble) => self.news(workshop, generation, Some(trouble)),
                },
            }
        }
        Next::Over
    }

    /// Shows a state of the workspace until there is another that can be shown.
    fn show(
        &self,
        snapshot: Snapshot,
        asks: &Receiver<Ask>,
        workshop: &mut Workshop,
        generation: &mut u64,
    ) -> Next {
        self.news(workshop, generation, snapshot.trouble.clone());
        let fresh =
            session::with(&snapshot, &self.prefix, |session| {
                for ask in asks {
                    match ask {
                        Ask::Show(path, reply) => {
                            drop(reply.send(
                                tool(&path).unwrap_or_else(|| session.sheet(&path, workshop)),
                            ));
                        }
                        Ask::Read => match self.read(Some(&snapshot)) {
                            Read::Fresh(fresh) => return Next::Show(fresh),
                            Read::Trouble(mut trouble) => {
                                trouble.title.push_str(&format!(
                                    "; below is how it was at {}",
                                    snapshot.now.rfc3339()
                                ));
                                self.news(workshop, generation, Some(trouble));
                            }
                        },
                    }
                }
                Next::Over
            });
        match fresh {
            Ok(next) => next,
            // It opened when it was tried; a template that is gone since is met by the next reading.
            Err(trouble) => self.wait(trouble, asks, workshop, generation),
        }
    }
}

fn tool(path: &str) -> Option<Shareable<Sheet, Staff>> {
    let tool = match path.strip_prefix(crate::render::preview::OWN)? {
        "style.css" => Tool::Style,
        "live.js" => Tool::Script,
        _ => return None,
    };
    let Ok(sheet) = Shareable::past_the_gate(tool).make::<Sheet>(&());
    Some(sheet)
}

/// A few words instead of a page.
fn word_of(word: Word, workshop: &Workshop) -> Shareable<Sheet, Staff> {
    Shareable::past_the_gate(word)
        .make::<Sheet>(workshop)
        .expect("the preview's own templates are part of the program")
}

/// Asks for a reading each time that something in the workspace, or the ledger, was saved. Looks so often that a page is
/// new at once, and so seldom that a large archive does not keep the disk busy; ends when nobody listens.
///
/// `known` is the [`workspace::trace`] from before the studio first read.
pub fn watch(root: &Path, ledger: &Path, mut known: u64, asks: &Sender<Ask>) {
    loop {
        let begun = Instant::now();
        let mut seen = workspace::trace(root, &[ledger]);
        let took = begun.elapsed();
        if seen != known {
            loop {
                thread::sleep(SETTLED);
                let again = workspace::trace(root, &[ledger]);
                if again == seen {
                    break;
                }
                seen = again;
            }
            known = seen;
            if asks.send(Ask::Read).is_err() {
                return;
            }
        }
        thread::sleep(PAUSE.max(took * 10));
    }
}
