//! `advise`: what a CSIRT runs to warn the people it protects.
//!
//! The modules stand in reading order. Each may use those above it and none below
//! (`tests/floors.rs` checks it); ARCHITECTURE.md is the map in words.

// ground: knows nothing, touches nothing
pub use advise_base::{diag, terms};

pub mod yaml;

pub mod artefact;

pub mod tlp;

pub mod markdown;

// nouns: text in, a true value or all its findings out
pub mod advisory;

pub mod team;

pub mod roster;

pub mod receipt;

pub mod settings;

pub mod rfc2350;

// makers
pub mod openpgp;

pub mod render;

pub mod workspace;

pub mod plan;

pub mod ledger;

// the world
pub mod channels;

pub mod inbound;

// conductor and desk
pub mod publish;

pub mod preview;

pub mod cli;
