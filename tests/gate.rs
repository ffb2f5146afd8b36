//! The gate, from outside: for every combination of label, audience, ceiling, embargo, status and key, an oracle
//! that knows nothing of `src/` says who may get what; and no byte of a closed advisory is anywhere else.
//!
//! `oracle` is the table of DESIGN section 3 once more, `decisions` holds the plan against it, `bytes` publishes a
//! whole workspace (`world`) and looks into every file that came of it, `misuse` tries to get around, `traces`
//! finds words.

#[path = "gate/bytes.rs"]
mod bytes;
#[path = "gate/decisions.rs"]
mod decisions;
#[path = "gate/misuse.rs"]
mod misuse;
#[path = "gate/oracle.rs"]
mod oracle;
#[path = "gate/traces.rs"]
mod traces;
#[path = "gate/world.rs"]
mod world;
