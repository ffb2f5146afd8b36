//! Hands over letters and notices: packers make the copies, this thread writes the ledger, each post sends.
//!
//! The ledger has one writer. Whatever begins and whatever ended while it wrote goes into its next entry together, so
//! that one wait for the disk serves many copies; a copy is handed to a post only when `sending` is durable, and an
//! answer is durable one entry after it came. A kill leaves some copies `sending`: those that were on their way, and
//! those that would have been next. Nobody can tell the two apart, so there are as few as `window` finds enough.

use super::{
    pack::{MemoryBudget, Packer},
    queue::{Ended, Event, Outgoing, PackedCopy},
};
use crate::publish::{Clock, Job, Pace, PublishError, Report, mail::in_flight_limit::Window};
use crate::{
    channels::mail::{Parcel, Post, PostError},
    ledger::Ledger,
    plan::letter_key,
    receipt::{DeliveryKey, Mail as MailKind, MemberHash, Outcome},
};
use std::{
    collections::{HashSet, VecDeque},
    iter,
    sync::{
        Condvar, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Hands over everything; stops when no post is left.
pub(in crate::publish) fn deliver(
    job: &Job<'_>,
    ledger: &mut Ledger,
    mail: &Outgoing<'_, '_>,
    posts: Vec<Box<dyn Post>>,
    pace: Option<&mut Pace>,
    report: &mut Report,
) -> Result<(), PublishError> {
    let clock = Clock::starts(job.now);
    let letters: usize = mail
        .ready
        .iter()
        .map(|ready| ready.batch.recipients.len())
        .sum();
    let all = letters + mail.notices.len();
    job.watch.begin("mail", all);
    let mut tally = Progress {
        job,
        mail,
        left: all,
        open: Vec::new(),
        told: 0,
        reminded: 0,
        warned: 0,
        report,
    };
    tally.open = mail
        .ready
        .iter()
        .map(|ready| (ready.batch.recipients.len(), 0))
        .collect();
    let there = settle_what_is_there(ledger, posts.first().map(|post| &**post), &mut tally)?;
    let (room, line, members) = (
        MemoryBudget::new(posts.len()),
        WorkQueue::new(),
        ledger.members(),
    );
    let packer = Packer {
        job,
        members,
        room: &room,
        there: &there,
    };
    let posts: Vec<_> = posts.into_iter().take(tally.left.max(1)).collect();
    let group = posts.iter().map(|post| post.group()).max().unwrap_or(1);
    let mut desk = LedgerWriter {
        clock,
        waiting: VecDeque::new(),
        ended: Vec::new(),
        window: Window::new(posts.len(), group),
        under_way: 0,
        posts: posts.len(),
        packing: true,
        said_limit: false,
        error: None,
        room: &room,
        line: &line,
        pace,
    };
    let (tell, events) = channel();
    let done = thread::scope(|scope| {
        let packers = tell.clone();
        let (line, room) = (&line, &room);
        scope.spawn(|| {
            let (tell, _alarm) = (packers, PanicGuard { line, room });
            packer.run(mail, &tell);
        });
        for post in posts {
            let tell = tell.clone();
            scope.spawn(move || {
                let _alarm = PanicGuard { line, room };
                work(post, line, &tell);
            });
        }
        drop(tell);
        let done = desk.run(ledger, &events, &mut tally);
        room.close();
        line.close();
        // Each post says goodbye, and what became of its servers.
        for event in events {
            if let Event::Left(_, _, served) = event {
                tally.report.served = served;
            }
        }
        done
    });
    tally.end();
    done
}

/// Lets all threads end when one of them panics, instead of waiting for it for ever.
struct PanicGuard<'d, 'm> {
    line: &'d WorkQueue<PackedCopy<'m>>,
    room: &'d MemoryBudget,
}

impl Drop for PanicGuard<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.line.close();
            self.room.close();
        }
    }
}

/// Copies of a run that broke off, where the post can tell what became of them: they are no question any more.
fn settle_what_is_there(
    ledger: &mut Ledger,
    post: Option<&dyn Post>,
    tally: &mut Progress<'_, '_, '_>,
) -> Result<HashSet<(usize, MemberHash)>, PublishError> {
    let mut there = HashSet::new();
    let now = tally.job.now;
    for (number, ready) in tally.mail.ready.iter().enumerate() {
        for recipient in ready
            .batch
            .recipients
            .iter()
            .filter(|recipient| recipient.may_be_second)
        {
            let Some(taken) =
                post.and_then(|post| post.was_taken(&ready.message_id, recipient.address))
            else {
                continue;
            };
            let key = letter_key(ready.advisory(), recipient.member);
            if !taken {
                ledger.take_back(&key, "an earlier run broke off before it", now)?;
                continue;
            }
            let outcome = Outcome::Accepted("found where an earlier run had put it".into());
            ledger.settle(&key, &outcome, now)?;
            there.insert((number, recipient.member));
            tally.count(&key, Some(number), &outcome);
        }
    }
    Ok(there)
}

/// The one thread that writes the ledger.
struct LedgerWriter<'d, 'm> {
    clock: Clock<'d>,
    waiting: VecDeque<PackedCopy<'m>>,
    ended: Vec<Ended>,
    window: Window,
    /// How many are.
    under_way: usize,
    /// How many posts are left.
    posts: usize,
    packing: bool,
    /// Whether it was said that mails wait because of the limit a minute.
    said_limit: bool,
    error: Option<PublishError>,
    room: &'d MemoryBudget,
    line: &'d WorkQueue<PackedCopy<'m>>,
    pace: Option<&'d mut Pace>,
}

impl<'m> LedgerWriter<'_, 'm> {
    fn run(
        &mut self,
        ledger: &mut Ledger,
        events: &Receiver<Event<'m>>,
        tally: &mut Progress<'_, '_, '_>,
    ) -> Result<(), PublishError> {
        loop {
            while let Ok(event) = events.try_recv() {
                self.note(event, tally);
            }
            let (begun, wait) = self.next();
            if !begun.is_empty() || !self.ended.is_empty() {
                self.write(ledger, &begun, tally)?;
                self.under_way += begun.len();
                self.line.add(begun);
                continue;
            }
            let nothing_comes = (!self.packing && self.waiting.is_empty()) || self.posts == 0;
            if self.under_way == 0 && nothing_comes {
                return self.error.take().map_or(Ok(()), Err);
            }
            if wait.is_some() && self.under_way == 0 && !self.said_limit {
                self.said_limit = true;
                let (limit, left) = (
                    self.pace
                        .as_ref()
                        .map(|pace| pace.words())
                        .unwrap_or_default(),
                    tally.left,
                );
                tally.job.watch.deed(&format!(
                    "{limit}: {left} {}",
                    if left == 1 { "waits" } else { "wait" }
                ));
            }
            let event = match wait {
                Some(wait) => events.recv_timeout(wait),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(event) => self.note(event, tally),
                Err(RecvTimeoutError::Timeout) => {}
                // All threads are gone, and one of them by a panic, which goes on in this one.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// What may begin now, or how long that takes.
    fn next(&mut self) -> (Vec<PackedCopy<'m>>, Option<Duration>) {
        let mut room = self
            .window
            .size()
            .saturating_sub(self.under_way)
            .min(self.waiting.len());
        if self.posts == 0 || room == 0 {
            return (Vec::new(), None);
        }
        if let Some(pace) = &mut self.pace {
            let now = pace.watch();
            match pace.room(now) {
                Ok(most) => room = room.min(most),
                Err(wait) => return (Vec::new(), Some(wait)),
            }
            pace.note(now, room);
        }
        (self.waiting.drain(..room).collect(), None)
    }

    fn note(&mut self, event: Event<'m>, tally: &mut Progress<'_, '_, '_>) {
        match event {
            Event::Packed(Ok(load)) if self.error.is_none() => self.waiting.push_back(load),
            Event::Packed(Ok(_)) => {}
            // One letter that cannot be packed: nothing more begins, and what is under way comes to its end.
            Event::Packed(Err(error)) => {
                self.error.get_or_insert(error);
                self.packing = false;
                self.waiting.clear();
                self.room.close();
            }
            Event::AllPacked => self.packing = false,
            Event::Ended(all) => {
                all.iter()
                    .for_each(|ended| self.window.copy_took(ended.took));
                self.ended.extend(all);
            }
            Event::Left(error, back, served) => {
                self.posts -= 1;
                tally.report.served = served;
                if self.posts > 0 {
                    return self.line.add_in_front(back);
                }
                let Some(error) = error else { return };
                let words = error.to_string();
                let untried = |load| ended(load, Err(words.clone()), Duration::ZERO);
                self.ended
                    .extend(back.into_iter().chain(self.line.take_all()).map(untried));
                tally.report.closed = Some(error);
                self.room.close();
            }
        }
    }

    /// One entry for all that ended and all that begins.
    fn write(
        &mut self,
        ledger: &mut Ledger,
        begun: &[PackedCopy<'m>],
        tally: &mut Progress<'_, '_, '_>,
    ) -> Result<(), PublishError> {
        let start = Instant::now();
        let (now, batch) = (&self.clock.now(), ledger.batch()?);
        for ended in &self.ended {
            for key in iter::once(&ended.key).chain(&ended.more) {
                match &ended.outcome {
                    Ok(outcome) => batch.settle(key, outcome, now)?,
                    Err(why) => batch.take_back(key, why, now)?,
                }
            }
        }
        for key in begun
            .iter()
            .flat_map(|load| iter::once(&load.key).chain(&load.more))
        {
            batch.begin(key, now)?;
        }
        batch.commit()?;
        self.window.entry_took(start.elapsed());
        self.under_way -= self.ended.len();
        self.room
            .give_back(self.ended.iter().map(|ended| ended.size).sum());
        for ended in self.ended.drain(..) {
            if let Ok(outcome) = &ended.outcome {
                tally.count(&ended.key, ended.batch, outcome);
            }
        }
        Ok(())
    }
}

fn ended(load: PackedCopy<'_>, outcome: Result<Outcome, String>, took: Duration) -> Ended {
    let PackedCopy {
        key,
        batch,
        more,
        size,
        ..
    } = load;
    Ended {
        key,
        batch,
        more,
        size,
        outcome,
        took,
    }
}

/// One post at work.
fn work<'m>(mut post: Box<dyn Post>, line: &WorkQueue<PackedCopy<'m>>, tell: &Sender<Event<'m>>) {
    // Where nobody listens any more, the ledger could not be written; the next run asks what became of these.
    let (error, back) = match post.group() {
        1 => one_by_one(&mut *post, line, tell),
        group => in_groups(&mut *post, group, line, tell),
    };
    let _ = tell.send(Event::Left(error, back, post.served()));
}

/// Each answer is told at once, and the post knows what comes next. Gives what was not handed over, and why.
fn one_by_one<'m>(
    post: &mut dyn Post,
    line: &WorkQueue<PackedCopy<'m>>,
    tell: &Sender<Event<'m>>,
) -> (Option<PostError>, Vec<PackedCopy<'m>>) {
    let mut in_hand: Option<PackedCopy<'m>> = None;
    while let Some(load) = in_hand.take().or_else(|| line.take(1).pop()) {
        in_hand = line.take_if_there();
        let start = Instant::now();
        match post.send_before(&load.parcel, in_hand.as_ref().map(|next| &next.parcel)) {
            Ok(outcome) => {
                let _ = tell.send(Event::Ended(vec![ended(
                    load,
                    Ok(outcome),
                    start.elapsed(),
                )]));
            }
            Err(error) => return (Some(error), iter::once(load).chain(in_hand).collect()),
        }
    }
    (None, Vec::new())
}

/// Several together, for a post that makes them durable together.
fn in_groups<'m>(
    post: &mut dyn Post,
    group: usize,
    line: &WorkQueue<PackedCopy<'m>>,
    tell: &Sender<Event<'m>>,
) -> (Option<PostError>, Vec<PackedCopy<'m>>) {
    loop {
        let mut loads = line.take(group);
        if loads.is_empty() {
            return (None, Vec::new());
        }
        let start = Instant::now();
        let parcels: Vec<Parcel<'m>> = loads.iter().map(|load| load.parcel.clone()).collect();
        let mut outcomes = Vec::with_capacity(parcels.len());
        let mut error = None;
        for result in post.send_all(&parcels) {
            match result {
                Ok(outcome) => outcomes.push(outcome),
                Err(why) => error = Some(why),
            }
        }
        let back = loads.split_off(outcomes.len());
        let took = start.elapsed() / u32::try_from(outcomes.len()).unwrap_or(u32::MAX).max(1);
        let all = loads
            .into_iter()
            .zip(outcomes)
            .map(|(load, outcome)| ended(load, Ok(outcome), took))
            .collect();
        let _ = tell.send(Event::Ended(all));
        if error.is_some() || !back.is_empty() {
            return (error, back);
        }
    }
}

/// Copies that wait for a post, the next for whichever is free first.
struct WorkQueue<T> {
    /// `None` once it is closed.
    waiting: Mutex<Option<VecDeque<T>>>,
    bell: Condvar,
}

impl<T> WorkQueue<T> {
    fn new() -> WorkQueue<T> {
        WorkQueue {
            waiting: Mutex::new(Some(VecDeque::new())),
            bell: Condvar::new(),
        }
    }

    fn with<R: Default>(&self, act: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.as_mut().map(act).unwrap_or_default()
    }

    fn add(&self, some: Vec<T>) {
        let count = some.len();
        self.with(|waiting| waiting.extend(some));
        self.ring(count);
    }

    fn add_in_front(&self, some: Vec<T>) {
        let count = some.len();
        self.with(|waiting| {
            some.into_iter()
                .rev()
                .for_each(|one| waiting.push_front(one))
        });
        self.ring(count);
    }

    fn ring(&self, count: usize) {
        for _ in 0..count {
            self.bell.notify_one();
        }
    }

    /// Waits for some; none if the line is closed.
    fn take(&self, most: usize) -> Vec<T> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match waiting.as_mut() {
                None => return Vec::new(),
                Some(all) if !all.is_empty() => {
                    let count = all.len().min(most);
                    return all.drain(..count).collect();
                }
                Some(_) => {
                    waiting = self
                        .bell
                        .wait(waiting)
                        .unwrap_or_else(PoisonError::into_inner)
                }
            }
        }
    }

    /// One, if it does not have to be waited for.
    fn take_if_there(&self) -> Option<T> {
        self.with(VecDeque::pop_front)
    }

    fn take_all(&self) -> Vec<T> {
        self.with(|waiting| waiting.drain(..).collect())
    }

    fn close(&self) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.bell.notify_all();
    }
}

/// Counts what came of it, and says so.
struct Progress<'t, 'a, 'm> {
    job: &'t Job<'a>,
    mail: &'t Outgoing<'a, 'm>,
    left: usize,
    /// Of each letter: copies not yet ended, copies taken.
    open: Vec<(usize, usize)>,
    told: usize,
    reminded: usize,
    warned: usize,
    report: &'t mut Report,
}

impl Progress<'_, '_, '_> {
    fn count(&mut self, key: &DeliveryKey, batch: Option<usize>, outcome: &Outcome) {
        *self.report.outcomes.entry(outcome.kind()).or_default() += 1;
        self.left -= 1;
        self.job.watch.step();
        let taken = usize::from(matches!(outcome, Outcome::Accepted(_)));
        match batch {
            None if key.mail == MailKind::Reminder => self.reminded += taken,
            None if key.mail == MailKind::Suspension => self.warned += taken,
            None => self.told += taken,
            Some(number) => {
                let (open, sent) = &mut self.open[number];
                *open -= 1;
                *sent += taken;
                if *open == 0 {
                    self.deed(number);
                }
            }
        }
    }

    fn deed(&self, number: usize) {
        let (ready, (_, sent)) = (&self.mail.ready[number], self.open[number]);
        let advisory = ready.advisory();
        let all = ready.batch.recipients.len();
        let letters = if sent == 1 {
            "1 letter".to_string()
        } else {
            format!("{sent} letters")
        };
        let to = match ready.batch.whom.list() {
            Some(list) => format!("list `{}`", list.name),
            None => "a named contact".into(),
        };
        let (id, revision, cover, lang) = (
            &advisory.id,
            &advisory.revision().number,
            ready.batch.cover,
            ready.batch.lang,
        );
        let rest = if sent < all {
            format!("; {} not taken, see `advise status {id}`", all - sent)
        } else {
            String::new()
        };
        self.job.watch.deed(&format!(
            "sent {letters} to {to}: {id} r{revision}, {cover}, {lang}{rest}"
        ));
    }

    fn end(self) {
        // Letters that were begun and could not be brought to an end.
        for (number, (open, _)) in self.open.iter().enumerate() {
            if *open > 0 && *open < self.mail.ready[number].batch.recipients.len() {
                self.deed(number);
            }
        }
        let members = |count: usize| {
            if count == 1 {
                "1 member".into()
            } else {
                format!("{count} members")
            }
        };
        if self.told > 0 {
            self.job.watch.deed(&format!(
                "told {} that something is held for them (without content)",
                members(self.told)
            ));
        }
        if self.reminded > 0 {
            self.job.watch.deed(&format!(
                "told {} that their certificate ends soon",
                members(self.reminded)
            ));
        }
        if self.warned > 0 {
            self.job.watch.deed(&format!(
                "told {} that a colleague's mail comes back (without content)",
                members(self.warned)
            ));
        }
        if self.report.served.len() > 1 {
            for served in self.report.served.iter().filter(|served| served.taken > 0) {
                let mails = if served.taken == 1 {
                    "1 mail".into()
                } else {
                    format!("{} mails", served.taken)
                };
                let (host, port) = &served.server;
                self.job
                    .watch
                    .deed(&format!("sent {mails} by way of `{host}:{port}`"));
            }
        }
        self.report.untried = self.left;
        self.job.watch.end();
    }
}
