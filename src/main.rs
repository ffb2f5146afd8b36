//! The `advise` program: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    advise::cli::main()
}
