//! The gate, from outside: for every combination of label, audience, ceiling, embargo, status and key, an oracle
//! that knows nothing of `src/` says who may get what; and no byte of a closed advisory is anywhere else.
//!
//! `oracle` is the table of DESIGN section 3 once more, `decisions` holds the plan against it, `bytes` publishes a
//! whole workspace (`harness::from_facts`) and looks into every file that came of it, `misuse` tries to get around, `traces`
//! finds words.

mod bytes;
mod decisions;
mod misuse;
pub mod oracle;
pub mod traces;
