//! The process is killed, again and again, at every step of the protocol, at every durable step and at random; then
//! it is run until it is done. Everybody has the letter, and nobody twice without a mark.

use crate::harness::{
    crowd::{Crowd, LARGE, Place, Run, Verdict, arrived},
    skip,
    smtp_server::{Act, Event, Server, Step},
    strace,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// In which the server sees the client die.
const STEPS: [Step; 10] = [
    Step::Connect,
    Step::Ehlo,
    Step::StartTls,
    Step::Mail,
    Step::Rcpt,
    Step::Data,
    Step::Middle,
    Step::Dot,
    Step::Answered,
    Step::Quit,
];

/// What makes things durable, or visible.
const DURABLE: [&str; 9] = [
    "fdatasync",
    "fsync",
    "renameat2",
    "rename",
    "pwrite64",
    "ftruncate",
    "unlink",
    "mkdir",
    "openat",
];

/// How often a workspace's runs are killed before it may go on to the end.
const IN_A_ROW: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Protocol,
    Durable,
    Random,
}

#[test]
fn kills() {
    let wanted = std::env::var("ADVISE_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(60);
    let begin = Instant::now();
    let sum = kill(
        wanted,
        std::env::var("ADVISE_SEED")
            .ok()
            .and_then(|n| n.parse().ok())
            .unwrap_or(20_261_122),
    );
    println!("{sum} in {} s", begin.elapsed().as_secs());
    assert!(sum.kills >= wanted, "{sum}");
    assert!(sum.verdict.lost == 0 && sum.verdict.unmarked == 0, "{sum}");
}

/// What came of all.
#[derive(Default)]
struct Sum {
    kills: usize,
    by_kind: BTreeMap<Kind, usize>,
    workspaces: usize,
    members: usize,
    verdict: Verdict,
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Verdict {
            mails,
            in_doubt,
            lost,
            marked,
            twice,
            unmarked,
        } = self.verdict;
        let at = |kind: &Kind| match kind {
            Kind::Protocol => "at a step of the protocol",
            Kind::Durable => "at a durable step",
            Kind::Random => "at random",
        };
        let kinds: Vec<String> = self
            .by_kind
            .iter()
            .map(|(kind, n)| format!("{n} {}", at(kind)))
            .collect();
        write!(
            f,
            "kills {} ({}), workspaces {}, mails owed {}, copies {mails}, lost {lost}, twice {twice}, marked {marked}, twice and unmarked {unmarked}, notices in doubt {in_doubt}",
            self.kills,
            kinds.join(", "),
            self.workspaces,
            self.members,
        )
    }
}

/// Kills so many times, on two threads, each with its server: one speaks TLS, one does not.
fn kill(wanted: usize, seed: u64) -> Sum {
    let injects = strace::allowed();
    if let Err(why) = &injects {
        skip("kills at every durable step", why);
    }
    let left = Arc::new(AtomicUsize::new(wanted));
    let sum = Arc::new(Mutex::new(Sum::default()));
    let workers: Vec<_> = ["none", "starttls"]
        .into_iter()
        .zip([seed, seed ^ 0x5eed])
        .map(|(security, seed)| {
            let (left, sum, injects) = (left.clone(), sum.clone(), injects.is_ok());
            thread::spawn(move || {
                let server = Server::start();
                let mut killer = Killer::new(
                    Crowd::for_server(LARGE, &server, security, ""),
                    server,
                    seed,
                    injects,
                );
                while left.load(Ordering::SeqCst) > 0 {
                    let (kinds, verdict) = killer.story();
                    let mut sum = sum.lock().expect("no thread panicked with it");
                    let died = kinds.len();
                    left.fetch_sub(died.min(left.load(Ordering::SeqCst)), Ordering::SeqCst);
                    sum.kills += died;
                    kinds
                        .into_iter()
                        .for_each(|kind| *sum.by_kind.entry(kind).or_default() += 1);
                    sum.workspaces += 1;
                    sum.members += killer.crowd.mails();
                    sum.verdict = sum.verdict + verdict;
                }
            })
        })
        .collect();
    // (a panic in a worker is its test's)
    workers.into_iter().for_each(|worker| {
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    Arc::into_inner(sum)
        .expect("the workers are done")
        .into_inner()
        .expect("no thread panicked with it")
}

impl std::ops::Add for Verdict {
    type Output = Verdict;
    fn add(self, other: Verdict) -> Verdict {
        Verdict {
            mails: self.mails + other.mails,
            in_doubt: self.in_doubt + other.in_doubt,
            lost: self.lost + other.lost,
            marked: self.marked + other.marked,
            twice: self.twice + other.twice,
            unmarked: self.unmarked + other.unmarked,
        }
    }
}

struct Killer {
    crowd: Crowd,
    server: Server,
    chance: Chance,
    /// What a whole run does: how often the server sees each step, which calls it makes, and how long it takes.
    steps: BTreeMap<usize, usize>,
    calls: Vec<(&'static str, usize)>,
    lasts: Duration,
    turn: usize,
}

impl Killer {
    /// Watches one run that nobody disturbs.
    fn new(crowd: Crowd, server: Server, seed: u64, injects: bool) -> Killer {
        let place = crowd.copy();
        let begin = Instant::now();
        place.heal("a run that nobody disturbs");
        let lasts = begin.elapsed();
        let steps = STEPS
            .iter()
            .enumerate()
            .map(|(at, step)| (at, server.count(*step)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let verdict = crowd.judge(
            &place,
            &arrived(&server.taken()),
            "a run that nobody disturbs",
        );
        assert_eq!(
            (verdict.mails, verdict.twice, verdict.marked),
            (crowd.mails(), 0, 0)
        );
        let calls = match injects {
            true => strace::census(&crowd.copy(), &DURABLE),
            false => Vec::new(),
        };
        Killer {
            crowd,
            server,
            chance: Chance(seed | 1),
            steps,
            calls,
            lasts,
            turn: 0,
        }
    }

    /// One workspace: killed some times in a row, then run until it is done. Gives the kills that hit.
    fn story(&mut self) -> (Vec<Kind>, Verdict) {
        self.server.forget();
        let place = self.crowd.copy();
        let (mut hits, mut story) = (Vec::new(), String::new());
        for _ in 0..IN_A_ROW {
            self.turn += 1;
            let (kind, words, run) = match self.turn % 3 {
                0 if !self.calls.is_empty() => self.at_a_durable_step(&place),
                1 => self.at_random(&place),
                _ => self.at_a_step(&place),
            };
            story.push_str(&format!("{words}; "));
            self.server.behaves(crate::harness::smtp_server::good());
            assert!(!run.stderr.contains("panicked"), "{story}: {}", run.stderr);
            match (run.signal, run.code) {
                (Some(9), _) => hits.push(kind),
                // It was done before it came to that.
                (None, Some(1)) => break,
                other => panic!("{story}: {other:?}: {}", run.stderr),
            }
        }
        place.heal(&story);
        place.ledger_is_whole(&story);
        let verdict = self
            .crowd
            .judge(&place, &arrived(&self.server.taken()), &story);
        // Once more: nothing is left to do.
        let before = self.server.taken().len();
        let run = place.run();
        assert!(
            run.stderr.contains("nothing to do") && self.server.taken().len() == before,
            "{story}: {}",
            run.stderr
        );
        (hits, verdict)
    }

    /// The server kills the client at a step, before it answers.
    fn at_a_step(&mut self, place: &Place) -> (Kind, String, Run) {
        let steps: Vec<(usize, usize)> =
            self.steps.iter().map(|(at, count)| (*at, *count)).collect();
        let (at, count) = steps[self.turn % steps.len()];
        let left = self
            .crowd
            .mails()
            .saturating_sub(self.server.taken().len())
            .max(1);
        let number = 1 + self.chance.below(count.min(left));
        let victim: Arc<Mutex<Option<Pid>>> = Arc::default();
        let its = victim.clone();
        let step = STEPS[at];
        self.server.behaves(Arc::new(move |event: &Event<'_>| {
            if event.step != step || event.number != number {
                return Act::Usual;
            }
            let pid = || *its.lock().expect("no thread panicked with it");
            crate::harness::wait_until("the process is known", || pid().is_some());
            // (an error would say that it is done: after QUIT nothing keeps it)
            let _ = pid().map(|pid| kill_process(pid, Signal::KILL));
            Act::HangUp
        }));
        let child = place.publish(&[]).spawn().expect("the program runs");
        *victim.lock().expect("no thread panicked with it") =
            Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        let run = Run::of(child.wait_with_output().expect("it ends"));
        (Kind::Protocol, format!("killed at {step:?} {number}"), run)
    }

    /// The system kills the process when it makes a call for the Nth time.
    fn at_a_durable_step(&mut self, place: &Place) -> (Kind, String, Run) {
        let (call, count) = self.calls[self.chance.below(self.calls.len())];
        // Earlier ones more often: a later run has less to do.
        let most = 1 + self.chance.below(count);
        let number = 1 + self.chance.below(most);
        let before = strace::inject(
            &place.beside("log"),
            &[call],
            &format!("signal=SIGKILL:when={number}"),
        );
        let run = Run::of(place.publish(&before).output().expect("strace runs"));
        (Kind::Durable, format!("killed at {call} {number}"), run)
    }

    fn at_random(&mut self, place: &Place) -> (Kind, String, Run) {
        let most = usize::try_from(self.lasts.as_micros()).expect("a run is not that long");
        let pause = Duration::from_micros(u64::try_from(self.chance.below(most)).expect("it fits"));
        let mut child = place.publish(&[]).spawn().expect("the program runs");
        thread::sleep(pause);
        // (an error would say that it is done)
        drop(child.kill());
        let run = Run::of(child.wait_with_output().expect("it ends"));
        (Kind::Random, format!("killed after {pause:?}"), run)
    }
}

/// Numbers that look random and are the same for the same seed (xorshift64*).
struct Chance(u64);

impl Chance {
    /// Less than `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(mixed).expect("31 bits") % end.max(1)
    }
}
