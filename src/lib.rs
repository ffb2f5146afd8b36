//! `advise`: what a CSIRT runs to warn the people it protects.

pub mod advisory;
pub mod artefact;
pub mod diag;
pub mod markdown;
pub mod openpgp;
pub mod receipt;
pub mod render;
pub mod roster;
pub mod settings;
pub mod team;
pub mod terms;
pub mod tlp;
pub mod yaml;
