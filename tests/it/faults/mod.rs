//! Crashes and faults, from outside: the real program against a server that does what the test wants, a system whose
//! calls fail, a hand that kills, and real peers that want to be satisfied.
//!
//! In `harness`, `smtp_server` is that server, with certificates of an `authority`, `crowd` the workspace and the judge of
//! what came of it, and `strace` makes system calls fail. `kills` kills the process, `answers` are faults of the server and `full` of
//! the disk; `login` is a real Postfix, `schleuder` a real list server, `pinentry` a real gpg-agent.
//!
//! More of it than in every run of the tests:
//!
//! ```text
//! ADVISE_KILLS=300 cargo test --release --test it faults::kills -- --nocapture    # ADVISE_SEED=N for other ones
//! ADVISE_FAULTS=all cargo test --release --test it faults::full -- --nocapture    # every call, one after the other
//! ```

mod answers;
mod full;
mod kills;
mod login;
mod pinentry;
mod schleuder;
