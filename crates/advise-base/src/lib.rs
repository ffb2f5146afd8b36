//! What all parts of `advise` know: the terms of the field as types, findings with their place in a file, and the
//! sections that RFC 2350 asks for. No file is read here and no clock asked.

pub mod diag;
pub mod outline;
pub mod terms;
