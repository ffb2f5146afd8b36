//! The Traffic Light Protocol, and the one gate through which anything leaves.
//!
//! A [`Marked`] thing and an [`Audience`] go into [`Gate::open`]; what comes out is [`Shareable`], and only
//! from a `Shareable` can a page, a feed entry or a letter be made. Its fields are private and nothing else
//! makes one, so a path that forgets the gate does not compile:
//!
//! ```compile_fail
//! use advise::tlp::{Public, Shareable};
//! let leak = Shareable { thing: "a secret", audience: Public }; // the fields are private
//! ```
//! ```compile_fail
//! use advise::tlp::{Public, Shareable};
//! let leak: Shareable<String, Public> = Default::default(); // nothing comes from nowhere
//! ```
//! ```compile_fail
//! use advise::tlp::{Public, Shareable};
//! let leak: Shareable<&str, Public> = "a secret".into(); // nothing is simply declared shareable
//! ```
//! Many things become one public thing only by [`Gate::open_all`], and a list without anything in it asks a gate too:
//! ```compile_fail
//! use advise::{advisory::Advisory, tlp::{Public, Shareable}};
//! let empty: Shareable<Vec<&Advisory>, Public> = Shareable::gather([]); // there is no such function
//! ```
//! ```compile_fail
//! use advise::tlp::{Gate, Public};
//! fn leak(gate: &Gate) { gate.open("a text without a label", Public); } // what has no label cannot enter
//! ```
//! A [`Forecast`] says what the gate would say at another moment, and opens nothing:
//! ```compile_fail
//! use advise::{advisory::Advisory, tlp::{Forecast, Public}};
//! fn leak(forecast: &Forecast, advisory: &Advisory) { let _ = forecast.open(advisory, Public); } // it has no `open`
//! ```
//! ```compile_fail
//! use advise::{terms::Moment, tlp::Gate};
//! fn ahead(later: &Moment) -> Gate { Gate::new(later) } // the clock has to be named too, and the earlier moment counts
//! ```
//! What was opened for a closed list is not a thing for the public:
//! ```compile_fail
//! use advise::{advisory::Advisory, roster::List, tlp::{Public, Shareable}};
//! fn leak<'a>(closed: Shareable<&'a Advisory, &'a List>) -> Shareable<&'a Advisory, Public> { closed }
//! ```
//! And a thing cannot be swapped for another on the way: [`Shareable::make`] takes no closure, only a recipe
//! ([`Made`]) that sees the thing and its workshop:
//! ```compile_fail
//! use advise::tlp::{Public, Shareable};
//! fn leak(shared: Shareable<String, Public>, secret: String) { shared.make::<String>(|_| secret); }
//! ```
//! Nobody but `make` follows a recipe:
//! ```compile_fail
//! use advise::{advisory::Advisory, render::site::{page::Room, plain_text::Twin}, tlp::{Made, Public}};
//! fn leak(closed: &&Advisory, room: &Room<'_>) { let _ = Twin::made(closed, &Public, room); } // it asks for a `ByMake`
//! ```
//! [`Staff`], who look at their own workspace before anything leaves it, are no audience: the gate does not open for
//! them, nothing is signed or addressed for them, and what is made for them is nothing that the public can be shown:
//! ```compile_fail
//! use advise::{advisory::Advisory, tlp::{Gate, Staff}};
//! fn leak(gate: &Gate, advisory: &Advisory) { let _ = gate.open(advisory, Staff); } // no `Audience`
//! ```
//! ```compile_fail
//! use advise::{render::preview::Sheet, tlp::{Public, Shareable, Staff}};
//! fn leak(seen: Shareable<Sheet, Staff>) -> Shareable<Sheet, Public> { seen }
//! ```
//! ```compile_fail
//! use advise::{artefact::Artefact, channels::site::Stage, tlp::{Shareable, Staff}};
//! fn leak(stage: &Stage, page: &Shareable<Artefact, Staff>) { let _ = stage.put(page); } // the site takes `Public`
//! ```
//! ```compile_fail
//! use advise::{render::preview::Sheet, tlp::{Shareable, Staff}};
//! fn leak(page: Shareable<Sheet, Staff>) { let _ = page.into_artefact(); } // a sheet is no file of the site
//! ```
//! ```compile_fail
//! use advise::{openpgp::{Signed, TeamKey}, render::letter::Letter, tlp::{Shareable, Staff}};
//! fn leak(seen: Shareable<Letter, Staff>, key: &TeamKey) { let _ = seen.make::<Signed<Letter>>(key); } // unsigned
//! ```
//! ```compile_fail
//! use advise::{openpgp::Signed, render::letter::{Letter, Message, Packing}, tlp::{Shareable, Staff}};
//! fn leak(seen: Shareable<Signed<Letter>, Staff>) { let _ = seen.make::<Message>(&Packing::Signed); } // no mail
//! ```
//! Nor does the preview's channel take what was made for anybody else:
//! ```compile_fail
//! use advise::{channels::preview, render::preview::Sheet, tlp::{Public, Shareable}};
//! fn leak(page: Shareable<Sheet, Public>) { let _ = preview::answer(page); }
//! ```
//!
//! Text and colours are those of FIRST's Standards Definitions and Usage Guidance, version 2.0 (August 2022).

use crate::{
    artefact::Artefact,
    terms::{Moment, Wrong, one_of, shorten},
};
use std::{borrow::Cow, fmt, str::FromStr};

/// A label of TLP 2.0. The order is from the widest reach to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the five labels of TLP 2.0")]
pub enum Tlp {
    Clear,
    Green,
    Amber,
    AmberStrict,
    Red,
}

impl Tlp {
    /// All, from the widest to the narrowest.
    pub const ALL: [Tlp; 5] = [
        Tlp::Clear,
        Tlp::Green,
        Tlp::Amber,
        Tlp::AmberStrict,
        Tlp::Red,
    ];

    /// As in front matter: `AMBER+STRICT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Tlp::Clear => "CLEAR",
            Tlp::Green => "GREEN",
            Tlp::Amber => "AMBER",
            Tlp::AmberStrict => "AMBER+STRICT",
            Tlp::Red => "RED",
        }
    }

    /// The label exactly as the standard writes it: `TLP:AMBER+STRICT`. Never translated.
    pub fn label(self) -> &'static str {
        match self {
            Tlp::Clear => "TLP:CLEAR",
            Tlp::Green => "TLP:GREEN",
            Tlp::Amber => "TLP:AMBER",
            Tlp::AmberStrict => "TLP:AMBER+STRICT",
            Tlp::Red => "TLP:RED",
        }
    }

    /// Small letters, for class names and template keys: `amber-strict`.
    pub fn slug(self) -> &'static str {
        match self {
            Tlp::Clear => "clear",
            Tlp::Green => "green",
            Tlp::Amber => "amber",
            Tlp::AmberStrict => "amber-strict",
            Tlp::Red => "red",
        }
    }

    /// Whether mail under this label has to be encrypted, whatever a list says.
    pub fn must_encrypt(self) -> bool {
        self >= Tlp::Amber
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tlp {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Tlp, Wrong> {
        if let Some(tlp) = Tlp::ALL.into_iter().find(|t| t.as_str() == text) {
            return Ok(tlp);
        }
        let wrong = Wrong::new(format!("`{}` is not a label of TLP 2.0", shorten(text)));
        let bare = text.trim().to_uppercase().replace(' ', "");
        let bare = bare.strip_prefix("TLP:").unwrap_or(&bare);
        Err(match bare {
            "WHITE" => wrong.hint("TLP 2.0 calls it `CLEAR`"),
            "AMBER-STRICT" | "AMBERSTRICT" => wrong.hint("write `AMBER+STRICT`"),
            _ => match Tlp::ALL.into_iter().find(|t| t.as_str() == bare) {
                Some(tlp) => wrong.hint(format!("write `{tlp}`: capitals, without `TLP:`")),
                None => wrong.hint(one_of(text, &Tlp::ALL.map(Tlp::as_str))),
            },
        })
    }
}

/// What carries a label.
pub trait Marked {
    /// How far it may go.
    fn tlp(&self) -> Tlp;

    /// Before this moment it goes to nobody who may pass it on to everybody.
    fn embargo(&self) -> Option<Moment> {
        None
    }

    /// Whether its writers have let go of it; a draft goes nowhere.
    fn is_final(&self) -> bool {
        true
    }

    /// Whether its writers addressed it to the audience of this name.
    fn is_addressed_to(&self, audience: &str) -> bool;
}

impl<T: Marked> Marked for &T {
    fn tlp(&self) -> Tlp {
        (**self).tlp()
    }
    fn embargo(&self) -> Option<Moment> {
        (**self).embargo()
    }
    fn is_final(&self) -> bool {
        (**self).is_final()
    }
    fn is_addressed_to(&self, audience: &str) -> bool {
        (**self).is_addressed_to(audience)
    }
}

/// Who may be reached.
pub trait Audience {
    /// The narrowest label that may be shown to it.
    fn ceiling(&self) -> Tlp;

    /// As it is written in an `audience:` field.
    fn name(&self) -> Cow<'_, str>;
}

impl<A: Audience> Audience for &A {
    fn ceiling(&self) -> Tlp {
        (**self).ceiling()
    }
    fn name(&self) -> Cow<'_, str> {
        (**self).name()
    }
}

/// Everybody: the web, feeds, CSAF. Its ceiling is CLEAR, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Public;

impl Audience for Public {
    fn ceiling(&self) -> Tlp {
        Tlp::Clear
    }
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed("public")
    }
}

/// Staff, before anything leaves: who has the files and looks at what would become of them (`advise serve`).
///
/// It is no [`Audience`]. What is made for it is made by recipes of its own, which mark it, and only
/// `channels::preview`, which speaks with this computer alone, takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staff;

/// Why the gate stays shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The label is narrower than the audience's ceiling.
    TooNarrow {
        /// Of the thing.
        label: Tlp,
        /// Of the audience.
        ceiling: Tlp,
    },
    /// Not before this moment.
    Embargoed(Moment),
    /// Its writers have not let go of it.
    Draft,
    /// Its writers did not address it to this audience.
    NotAddressed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::TooNarrow { label, ceiling } => {
                write!(
                    f,
                    "{} is narrower than {}, the most this audience may see",
                    label.label(),
                    ceiling.label()
                )
            }
            Refusal::Embargoed(until) => write!(f, "under embargo until {until}"),
            Refusal::Draft => f.write_str("still a draft"),
            Refusal::NotAddressed => f.write_str("not addressed to this audience"),
        }
    }
}

impl std::error::Error for Refusal {}

/// The one gate. Only what it opened can leave. It knows what time it is, and nothing else.
#[derive(Debug, Clone)]
pub struct Gate {
    now: Moment,
}

impl Gate {
    /// A gate for a run that takes `now` for the time, while the system's clock shows `clock`. It judges embargoes by the
    /// earlier of the two: a run with `--now` in the future ends no embargo before its time, and a run that began in the
    /// past keeps to its past.
    pub fn new(clock: &Moment, now: &Moment) -> Gate {
        let now = if clock < now { clock } else { now };
        Gate { now: now.clone() }
    }

    /// Lets a thing through to an audience, or says why not.
    ///
    /// An embargo holds for every audience whose ceiling is CLEAR: who may see only what everybody may see
    /// is the public, whether it reads the site or an open list.
    pub fn open<T: Marked, A: Audience>(
        &self,
        thing: T,
        audience: A,
    ) -> Result<Shareable<T, A>, Refusal> {
        judge(&self.now, &thing, &audience)?;
        Ok(Shareable { thing, audience })
    }

    /// Lets many things through together, for pages and feeds that are made of many; all of them or none.
    pub fn open_all<T: Marked, A: Audience>(
        &self,
        things: impl IntoIterator<Item = T>,
        audience: A,
    ) -> Result<Shareable<Vec<T>, A>, Refusal> {
        let thing: Vec<T> = things.into_iter().collect();
        thing
            .iter()
            .try_for_each(|one| judge(&self.now, one, &audience))?;
        Ok(Shareable { thing, audience })
    }

    /// Says whether [`open`](Gate::open) would let a thing through.
    pub fn is_open<T: Marked, A: Audience>(&self, thing: &T, audience: &A) -> bool {
        judge(&self.now, thing, audience).is_ok()
    }
}

/// Says how the gate would judge at some moment, also a future one. It opens nothing, so nothing that leaves can be made
/// with it: it is for commands that only show what would happen (`plan`, `serve`).
#[derive(Debug, Clone)]
pub struct Forecast {
    at: Moment,
}

impl Forecast {
    /// The gate's judgement as it would be at this moment.
    pub fn at(moment: &Moment) -> Forecast {
        Forecast { at: moment.clone() }
    }

    /// Whether the gate would let a thing through, or why not.
    pub fn judge<T: Marked, A: Audience>(&self, thing: &T, audience: &A) -> Result<(), Refusal> {
        judge(&self.at, thing, audience)
    }

    /// How the gate would judge once the writers have let go of it.
    pub fn once_final<T: Marked, A: Audience>(
        &self,
        thing: &T,
        audience: &A,
    ) -> Result<(), Refusal> {
        once_final(&self.at, thing, audience)
    }
}

/// The judgement of gate and forecast.
fn judge<T: Marked, A: Audience>(now: &Moment, thing: &T, audience: &A) -> Result<(), Refusal> {
    if !thing.is_final() {
        return Err(Refusal::Draft);
    }
    once_final(now, thing, audience)
}

fn once_final<T: Marked, A: Audience>(
    now: &Moment,
    thing: &T,
    audience: &A,
) -> Result<(), Refusal> {
    if !thing.is_addressed_to(&audience.name()) {
        return Err(Refusal::NotAddressed);
    }
    let (label, ceiling) = (thing.tlp(), audience.ceiling());
    if label > ceiling {
        return Err(Refusal::TooNarrow { label, ceiling });
    }
    match thing.embargo() {
        Some(until) if ceiling == Tlp::Clear && *now < until => Err(Refusal::Embargoed(until)),
        _ => Ok(()),
    }
}

/// A thing that may be shown to this audience: the proof that it went through the [`Gate`].
#[derive(Clone)]
pub struct Shareable<T, A> {
    thing: T,
    audience: A,
}

/// Neither the thing nor an address of its audience gets into a message or a log by `{:?}`.
impl<T, A> fmt::Debug for Shareable<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shareable").finish_non_exhaustive()
    }
}

/// A recipe: how `Self` is made of a `T` for an audience `A`, with the tools of a workshop (templates,
/// words, a signer). Whatever goes into the result comes from the thing or the workshop, so implementations
/// of this trait are the whole list of what can ever be made for anybody.
pub trait Made<T, A>: Sized {
    /// The tools.
    type Shop<'s>;
    /// What can go wrong.
    type Error;

    /// Makes it. Only [`Shareable::make`] and [`Shareable::as_for_public`] can call this: nothing else has a [`ByMake`].
    fn made(
        thing: &T,
        audience: &A,
        shop: &Self::Shop<'_>,
        by: ByMake,
    ) -> Result<Self, Self::Error>;
}

/// What only this module can give to a recipe, so that nothing is made past the gate.
#[derive(Debug)]
pub struct ByMake(());

impl<T, A> Shareable<T, A> {
    /// What may be shown.
    pub fn thing(&self) -> &T {
        &self.thing
    }

    /// To whom.
    pub fn audience(&self) -> &A {
        &self.audience
    }

    /// Makes something else of it, for the same audience.
    pub fn make<U: Made<T, A>>(&self, shop: &U::Shop<'_>) -> Result<Shareable<U, A>, U::Error>
    where
        A: Clone,
    {
        let thing = U::made(&self.thing, &self.audience, shop, ByMake(()))?;
        Ok(Shareable {
            thing,
            audience: self.audience.clone(),
        })
    }
}

impl<T, U, A: Clone> Shareable<(T, U), A> {
    /// Two things that were made together.
    pub fn apart(self) -> (Shareable<T, A>, Shareable<U, A>) {
        let (one, other) = self.thing;
        (
            Shareable {
                thing: one,
                audience: self.audience.clone(),
            },
            Shareable {
                thing: other,
                audience: self.audience,
            },
        )
    }
}

impl<T: Into<Artefact>, A> Shareable<T, A> {
    /// The same as a file to be, without a copy.
    pub fn into_artefact(self) -> Shareable<Artefact, A> {
        Shareable {
            thing: self.thing.into(),
            audience: self.audience,
        }
    }
}

impl<T> Shareable<T, Staff> {
    /// Makes for staff what would be made of a thing for the public. The result is for staff only.
    pub fn as_for_public<U>(thing: &U, shop: &T::Shop<'_>) -> Result<Shareable<T, Staff>, T::Error>
    where
        T: Made<U, Public>,
    {
        let thing = T::made(thing, &Public, shop, ByMake(()))?;
        Ok(Shareable {
            thing,
            audience: Staff,
        })
    }

    /// The thing alone, to be shown to staff.
    pub fn into_thing(self) -> T {
        self.thing
    }

    /// Whatever its label and status, past the gate and not through it: for the eyes of those who wrote it. There is
    /// no way from here to any audience.
    pub fn past_the_gate(thing: T) -> Shareable<T, Staff> {
        Shareable {
            thing,
            audience: Staff,
        }
    }
}

impl<T, A: Clone> Shareable<Vec<T>, A> {
    /// One of the many.
    pub fn nth(&self, index: usize) -> Option<Shareable<T, A>>
    where
        T: Clone,
    {
        self.thing.get(index).map(|one| Shareable {
            thing: one.clone(),
            audience: self.audience.clone(),
        })
    }

    /// One made thing for each of the many.
    pub fn each(self) -> impl Iterator<Item = Shareable<T, A>> {
        let audience = self.audience;
        self.thing.into_iter().map(move |thing| Shareable {
            thing,
            audience: audience.clone(),
        })
    }
}

/// How a letter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the two words speak for themselves")]
pub enum Cover {
    Signed,
    Encrypted,
}

impl Cover {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Cover::Signed => "signed",
            Cover::Encrypted => "encrypted",
        }
    }

    /// The cover that a label asks for on the way to one recipient (DESIGN section 3).
    ///
    /// `always`: the list encrypts whatever the label. `has_certificate`: the recipient names one, usable or
    /// not. If it turns out not to be usable, the letter is held: there is no way from here to clear text.
    pub fn for_letter(label: Tlp, always: bool, has_certificate: bool) -> Cover {
        match label {
            _ if label.must_encrypt() || always => Cover::Encrypted,
            Tlp::Green if has_certificate => Cover::Encrypted,
            _ => Cover::Signed,
        }
    }
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Note(Tlp, Option<Moment>, bool);

    impl Marked for Note {
        fn tlp(&self) -> Tlp {
            self.0
        }
        fn embargo(&self) -> Option<Moment> {
            self.1.clone()
        }
        fn is_final(&self) -> bool {
            self.2
        }
        fn is_addressed_to(&self, audience: &str) -> bool {
            audience == "public"
        }
    }

    fn at(text: &str) -> Moment {
        text.parse().expect("a moment")
    }

    fn gate(now: &str) -> Gate {
        Gate::new(&at(now), &at(now))
    }

    #[test]
    fn only_clear_reaches_the_public() {
        let gate = gate("2026-07-01");
        for label in Tlp::ALL {
            assert_eq!(
                gate.open(Note(label, None, true), Public).is_ok(),
                label == Tlp::Clear,
                "{label}"
            );
        }
    }

    #[test]
    fn what_is_shareable_shows_nothing_of_itself() {
        struct NoDebug;
        let seen = Shareable::past_the_gate(NoDebug);
        assert_eq!(format!("{seen:?}"), "Shareable { .. }");
    }

    #[test]
    fn an_embargo_ends_at_its_moment() {
        let note = |now| {
            gate(now)
                .open(
                    Note(Tlp::Clear, Some(at("2026-07-01T12:00:00Z")), true),
                    Public,
                )
                .err()
        };
        assert!(matches!(
            note("2026-07-01T11:59:59Z"),
            Some(Refusal::Embargoed(_))
        ));
        assert_eq!(note("2026-07-01T12:00:00Z"), None);
    }

    #[test]
    fn a_gate_keeps_to_the_earlier_of_clock_and_now() {
        let note = Note(Tlp::Clear, Some(at("2026-07-01")), true);
        let (before, after) = (at("2026-06-30"), at("2026-07-02"));
        for (clock, now, open) in [
            (&before, &after, false),
            (&after, &before, false),
            (&after, &after, true),
        ] {
            assert_eq!(Gate::new(clock, now).is_open(&note, &Public), open);
        }
        assert_eq!(Forecast::at(&after).judge(&note, &Public), Ok(()));
    }

    #[test]
    fn many_things_go_through_together_or_not_at_all() {
        let gate = gate("2026-07-01");
        let (open, closed) = (Note(Tlp::Clear, None, true), Note(Tlp::Green, None, true));
        let all = gate.open_all([&open, &open], Public).expect("both");
        assert_eq!(all.thing().len(), 2);
        assert!(gate.open_all([&open, &closed], Public).is_err());
        let none = gate.open_all(Vec::<Note>::new(), Public).expect("nothing");
        assert!(none.thing().is_empty());
    }

    #[test]
    fn a_draft_goes_nowhere() {
        let gate = gate("2026-07-01");
        assert_eq!(
            gate.open(Note(Tlp::Clear, None, false), Public).err(),
            Some(Refusal::Draft)
        );
    }

    #[test]
    fn labels_are_read_strictly() {
        assert_eq!("AMBER+STRICT".parse(), Ok(Tlp::AmberStrict));
        for text in [
            "WHITE",
            "amber",
            "TLP:AMBER",
            "AMBER + STRICT",
            "AMBER-STRICT",
            "YELLOW",
            "",
        ] {
            assert!(
                text.parse::<Tlp>().expect_err(text).hint.is_some(),
                "{text}"
            );
        }
    }
}
