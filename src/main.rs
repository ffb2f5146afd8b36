//! The `advise` program: parse, run, exit code.

fn main() {}
