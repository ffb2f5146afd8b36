//! Crashes and faults, from outside: the real program against a server that does what the test wants, a system whose
//! calls fail, a hand that kills, and real peers that want to be satisfied.
//!
//! `server` is that server, with certificates of an `authority`; `crowd` the workspace and the judge of what came of
//! it; `strace` makes system calls fail. `kills` kills the process, `answers` are faults of the server and `full` of
//! the disk; `login` is a real Postfix, `schleuder` a real list server, `pinentry` a real gpg-agent.
//!
//! More of it than in every run of the tests:
//!
//! ```text
//! ADVISE_KILLS=300 cargo test --release --test faults kills -- --nocapture    # ADVISE_SEED=N for other ones
//! ADVISE_FAULTS=all cargo test --release --test faults full -- --nocapture    # every call, one after the other
//! ```

#[path = "faults/answers.rs"]
mod answers;
#[path = "faults/authority.rs"]
mod authority;
#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/full.rs"]
mod full;
#[path = "faults/kills.rs"]
mod kills;
#[path = "faults/login.rs"]
mod login;
#[path = "faults/pinentry.rs"]
mod pinentry;
#[path = "faults/schleuder.rs"]
mod schleuder;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/strace.rs"]
mod strace;
mod world;
