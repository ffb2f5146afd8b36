//! What a command needs, opened for it: workspace, ledger, the team's key.

use super::{
    failure::{Failure, Kind, not_ours},
    past::Past,
    ui::Ui,
};
use crate::{
    advisory::{self, Advisory},
    channels::deploy::Record,
    diag::{Finding, Findings, Level},
    inbound::kept::{self, Kept},
    ledger::Ledger,
    openpgp::{self, SignerError, TeamKey},
    plan::{self, Facts, Plan, Request},
    publish,
    receipt::{History, MemberHash},
    render::site::wellknown,
    roster::{KeyState, Profile},
    settings::{self, KeySource, Settings},
    terms::{Address, Fingerprint, Moment, Slug},
    tlp::Gate,
    workspace::{self, Published, ReadError, Reading, Workspace},
};
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

/// The folder for what happened, in a workspace.
pub const WORK: &str = ".advise";

/// Where a command sits.
#[derive(Debug)]
pub struct Desk {
    /// The workspace's folder.
    pub root: PathBuf,
    /// The time, or what `--now` says.
    pub now: Moment,
    /// The time by the clock.
    pub clock: Moment,
    /// How to speak.
    pub ui: Ui,
}

impl Desk {
    /// `.advise/`.
    pub fn work(&self) -> PathBuf {
        self.root.join(WORK)
    }

    /// Everything, read file by file, with all findings.
    pub fn reading(&self) -> Result<Reading, Failure> {
        let mut reading = workspace::read(&self.root, &self.now, &self.published()?)?;
        if let Some(finding) = self.security_txt(reading.workspace.as_ref())? {
            reading.findings.push(finding);
            reading.findings.sort();
        }
        Ok(reading)
    }

    /// What is out already. Without a ledger nothing counts as published: the stricter way.
    fn published(&self) -> Result<Published, Failure> {
        Ok(Published::of(
            &Ledger::open_read_only_or_empty(&self.work())?.history()?,
        ))
    }

    /// Whether the security.txt that stands is about to end, since then it is worth nothing to who finds it.
    pub fn security_txt(&self, workspace: Option<&Workspace>) -> Result<Option<Finding>, Failure> {
        const WARNED_DAYS: i64 = 60;
        let name = format!("public/{}", wellknown::SECURITY_TXT);
        let path = self.root.join(&name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::io(&path, error)),
        };
        let Some((end, days)) =
            wellknown::end_of(&text).map(|end| (end.clone(), self.now.days_until(&end)))
        else {
            return Ok(None);
        };
        if days > WARNED_DAYS {
            return Ok(None);
        }
        let signing = workspace.and_then(|workspace| {
            workspace
                .settings
                .signing
                .as_ref()
                .and_then(|signing| workspace.certificates.of_team(&signing.fingerprint))
        });
        let by_key = signing
            .and_then(|key| key.signs_until(&self.now))
            .is_some_and(|until| until <= end);
        let when = if days < 0 {
            format!("ended on {}", end.date())
        } else {
            format!("ends on {}", end.date())
        };
        let (why, hint) = match by_key {
            true => (
                " with the key that signs it",
                "renew the key first, then `advise publish`",
            ),
            false => ("", "`advise publish` renews it; then deploy the site"),
        };
        let message = format!("the security.txt that stands on the site {when}{why}");
        Ok(Some(
            Finding::of_file(&name, "security-txt-ends", message)
                .hint(hint)
                .warning(),
        ))
    }

    /// Says which targets do not have the site that stands.
    pub fn tell_of_targets(&self, settings: &Settings) {
        let targets = &settings.site.deploy;
        if targets.is_empty() || !Record::is_kept(&self.work()) {
            return;
        }
        let work = self.work();
        match Record::read(&work).and_then(|record| record.behind(&work, targets)) {
            Ok(behind) if behind.is_empty() => {}
            Ok(behind) => {
                let names: Vec<String> = behind.iter().map(|name| format!("`{name}`")).collect();
                self.ui.deed(&format!(
                    "next: `advise deploy` copies the site to {}",
                    names.join(", ")
                ));
            }
            // What was done is done, and is not called a failure because of this.
            Err(error) => self.ui.warning(&format!(
                "it is not known which targets have the site that stands: {error}"
            )),
        }
    }

    /// The same for commands that show no findings.
    pub fn warn_of_security_txt(&self, workspace: &Workspace) -> Result<(), Failure> {
        if let Some(finding) = self.security_txt(Some(workspace))? {
            self.ui.warning(&format!(
                "{}; {}",
                finding.message,
                finding.hint.unwrap_or_default()
            ));
        }
        Ok(())
    }

    /// The workspace, if it has no errors; else all of them are shown.
    pub fn workspace(&self) -> Result<Workspace, Failure> {
        let reading = self.reading()?;
        self.workspace_of(reading)
    }

    /// The workspace for a run of `publish`, and what happened so far, which is read at the same time.
    pub fn workspace_and_past(&self) -> Result<(Workspace, Past), Failure> {
        let work = self.work();
        let (reading, past) = thread::scope(|scope| {
            let other = scope.spawn(|| Past::read(&work));
            let mut past = None;
            let reading =
                workspace::read_beside(&self.root, &self.now, || -> Result<_, Failure> {
                    let (read, published) = other
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                    past = Some(read);
                    Ok(published)
                });
            reading.map(|reading| (reading, past))
        })?;
        let workspace = self.workspace_of(reading)?;
        Ok((
            workspace,
            past.expect("who judges a workspace asks what is published"),
        ))
    }

    fn workspace_of(&self, reading: Reading) -> Result<Workspace, Failure> {
        match reading.workspace {
            Some(workspace) => {
                let mistakes = reading.findings.count(Level::Error);
                if mistakes > 0 {
                    let mistakes = super::ui::count(mistakes, "mistake", "mistakes");
                    self.ui.deed(&format!(
                        "{mistakes} in drafts, which stay where they are; `advise check` shows them"
                    ));
                }
                Ok(workspace)
            }
            None => Err(self.mistakes(&reading.findings)),
        }
    }

    fn mistakes(&self, findings: &Findings) -> Failure {
        self.ui.talk_findings(findings, Level::Error);
        let count = super::ui::count(findings.count(Level::Error), "error", "errors");
        Failure {
            kind: Kind::Findings,
            error: anyhow::anyhow!("the workspace has {count}; nothing was done"),
            hints: vec!["`advise check` shows warnings too".into()],
        }
    }

    /// Settings and the ids that are taken, for `new`: other mistakes do not stand in its way.
    pub fn ids(&self) -> Result<(Settings, HashSet<String>), Failure> {
        let mut findings = Findings::new();
        let path = self.root.join("advise.yaml");
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::from(ReadError::NotAWorkspace(self.root.clone())),
            _ => Failure::io(&path, error),
        })?;
        let settings = settings::parse(
            &crate::diag::Source::new("advise.yaml", text),
            &mut findings,
        )
        .ok_or_else(|| self.mistakes(&findings))?;
        let taken = workspace::stems(&self.root)?
            .into_iter()
            .map(|stem| stem.to_ascii_lowercase())
            .collect();
        Ok((settings, taken))
    }

    /// The same desk at the time that it is now.
    pub fn later(&self) -> Desk {
        let now = Moment::from_timestamp(crate::cli::clock::now());
        Desk {
            root: self.root.clone(),
            clock: now.clone(),
            now,
            ui: self.ui,
        }
    }

    /// The ledger for reading. Where there is none it is an empty one, without a file, and that is said: what is shown
    /// of it may be wrong.
    pub fn ledger_to_read(&self) -> Result<Ledger, Failure> {
        if !Ledger::exists(&self.work())? {
            self.ui.warning(&format!(
                "there is no ledger in `{WORK}/`: nothing is known of earlier runs, and `publish` will not begin"
            ));
        }
        Ok(Ledger::open_read_only_or_empty(&self.work())?)
    }

    /// The gate for what this command lets out: `--now` in the future ends no embargo before its time.
    pub fn gate(&self) -> Gate {
        Gate::new(&self.clock, &self.now)
    }

    /// Refuses a `--now` that would end an embargo before its time: one may look ahead, but not act ahead.
    pub fn keeps_embargoes(&self, workspace: &Workspace) -> Result<(), Failure> {
        let too_early = |advisory: &&advisory::Advisory| {
            let shut = |until: &Moment| self.clock < *until && *until <= self.now;
            advisory.status != advisory::Status::Draft
                && advisory.embargo.as_ref().is_some_and(shut)
        };
        match workspace.advisories.iter().find(too_early) {
            None => Ok(()),
            Some(advisory) => Err(Failure::usage(format!(
                "`--now` would end the embargo of `{}` before its time",
                advisory.id
            ))
            .hint("nothing was done; `advise plan --now TIME` shows what will happen then")),
        }
    }

    /// Makes the plan of a workspace that was never locked, for commands that only look.
    pub fn planned<T>(
        &self,
        workspace: &Workspace,
        ledger: &Ledger,
        request: &Request,
        then: impl FnOnce(&Plan<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.considered(workspace, ledger, request, |facts| then(&plan::make(facts)))
    }

    /// Gathers all that a plan would depend on, for commands that only look.
    pub fn considered<T>(
        &self,
        workspace: &Workspace,
        ledger: &Ledger,
        request: &Request,
        then: impl FnOnce(&Facts<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut history = ledger.history()?;
        publish::take_over(workspace, &mut history, &self.now).map_err(not_ours)?;
        let members = ledger.members();
        let member = |address: &Address| members.hash(address);
        let key_state =
            |fingerprint: &Fingerprint| workspace.certificates.state(fingerprint, &self.now);
        let announcement = publish::announcement(workspace, &history, request.only, &self.now);
        then(&self.facts(
            workspace,
            &history,
            announcement.as_ref(),
            &key_state,
            &member,
            request,
        )?)
    }

    /// All that a plan depends on; ids on the command line that cannot be published are refused.
    pub fn facts<'a>(
        &'a self,
        workspace: &'a Workspace,
        history: &'a History,
        announcement: Option<&'a Advisory>,
        key_state: &'a dyn Fn(&Fingerprint) -> KeyState,
        member: &'a dyn Fn(&Address) -> MemberHash,
        request: &'a Request,
    ) -> Result<Facts<'a>, Failure> {
        for id in request
            .ids
            .iter()
            .filter(|id| announcement.is_none_or(|announcement| announcement.id != **id))
        {
            let advisory = workspace.advisory(id).ok_or_else(|| {
                let ids: Vec<&str> = workspace
                    .advisories
                    .iter()
                    .map(|advisory| advisory.id.as_str())
                    .collect();
                let failure = Failure::usage(format!("there is no advisory `{id}`"));
                match crate::terms::nearest(id.as_str(), ids) {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure,
                }
            })?;
            if advisory.status == advisory::Status::Draft {
                return Err(
                    Failure::usage(format!("`{id}` is still a draft")).hint(format!(
                        "write `status: final` in `{}` when it may leave",
                        advisory.path
                    )),
                );
            }
        }
        Ok(Facts {
            advisories: &workspace.advisories,
            announcement,
            roster: &workspace.roster,
            settings: &workspace.settings,
            key_state,
            history,
            member,
            document: publish::document_digest(workspace, &self.now),
            now: &self.now,
            request,
        })
    }

    /// What to say when published revisions have changed.
    pub fn conflict(&self, ledger: &Ledger, workspace: &Workspace, plan: &Plan<'_>) -> Failure {
        for conflict in &plan.conflicts {
            let path = workspace.root.join(&*conflict.advisory.path);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) => return Failure::io(&path, error),
            };
            let advisory = conflict.advisory;
            match ledger.frozen_lines(&advisory.id, &advisory.revision().number) {
                Ok(lines) => {
                    self.ui
                        .warning(&publish::difference(conflict, &lines, &text, &|line| {
                            ledger.line_hash(line)
                        }))
                }
                Err(error) => return error.into(),
            }
        }
        let first = plan
            .conflicts
            .first()
            .map_or("", |conflict| conflict.advisory.id.as_str());
        let n = plan.conflicts.len();
        let what = if n == 1 {
            format!("`{first}` was published and its file has changed since")
        } else {
            format!("{n} advisories were published and their files have changed since")
        };
        Failure::usage(format!("{what}, without a new revision; nothing was done"))
            .hint("add an entry to `revisions:` (and the date) so that readers learn of the change, or take the change back")
    }

    /// The team's key, ready to sign.
    pub fn team_key(&self, workspace: &Workspace) -> Result<TeamKey, Failure> {
        let signing = workspace.settings.signing.as_ref().ok_or_else(|| {
            Failure::usage("`advise.yaml` does not say with which key to sign")
                .hint("`advise key generate` makes one and says what to write")
        })?;
        let certificate = workspace
            .certificates
            .of_team(&signing.fingerprint)
            .cloned()
            .ok_or_else(|| {
                Failure::usage(format!(
                    "the team's certificate `certs/{}.asc` is missing",
                    signing.fingerprint
                ))
            })?;
        let key = match &signing.key {
            #[cfg(feature = "gpg-agent")]
            KeySource::Agent => {
                let key = TeamKey::from_agent(certificate, &self.now);
                if self.ui.can_ask() {
                    key
                } else {
                    key.map(TeamKey::without_asking)
                }
            }
            #[cfg(not(feature = "gpg-agent"))]
            KeySource::Agent => {
                return Err(Failure::usage("this build cannot sign with gpg-agent")
                    .hint("build with the cargo feature `gpg-agent`, or name a key file"));
            }
            KeySource::File(path) => {
                let full = workspace.root.join(path);
                let bytes = fs::read(&full).map_err(|error| {
                    Failure::usage(format!("cannot read the team's key `{path}`: {error}"))
                        .hint("`signing.key` in advise.yaml names the file; nothing was sent")
                })?;
                let passphrase = match openpgp::needs_passphrase(&bytes).map_err(signer_failure)? {
                    false => None,
                    true => Some(
                        self.passphrase(signing.passphrase_command.as_deref(), &workspace.root)?,
                    ),
                };
                TeamKey::from_file(&bytes, passphrase.as_ref(), certificate, &self.now)
            }
        };
        key.map_err(signer_failure)
    }

    /// Whether the team's key is opened without a question at this terminal. (What `passphrase_command` does is staff's own.)
    pub fn opens_key_unasked(&self, workspace: &Workspace) -> bool {
        let is_file = |signing: &settings::Signing| matches!(signing.key, KeySource::File(_));
        let signing = workspace
            .settings
            .signing
            .as_ref()
            .filter(|signing| is_file(signing));
        signing.is_some_and(|signing| signing.passphrase_command.is_some() || !self.ui.can_ask())
    }

    fn passphrase(&self, command: Option<&str>, root: &Path) -> Result<openpgp::Secret, Failure> {
        match command {
            Some(command) => secret_of(command, root, "passphrase_command"),
            None if self.ui.can_ask() => {
                let typed = self.ui.passphrase("the team's key").map_err(|error| {
                    Failure::usage(format!("cannot ask for the passphrase: {error}"))
                })?;
                Ok(openpgp::Secret::from(typed))
            }
            None => Err(Failure::usage(
                "the team's key needs a passphrase, and nobody can be asked here",
            )
            .hint("set `signing.passphrase_command` in advise.yaml")),
        }
    }

    /// The passwords for the mail servers, in their order, where they are set.
    pub fn mail_passwords(&self, workspace: &Workspace) -> Result<Vec<Option<String>>, Failure> {
        let settings::Transport::Smtp(relays) = &workspace.settings.mail.transport else {
            return Ok(Vec::new());
        };
        let password = |relay: &settings::Smtp| {
            let Some(command) = relay.password_command.as_deref() else {
                return Ok(None);
            };
            let secret = secret_of(command, &workspace.root, "password_command")?;
            Ok(Some(String::from_utf8_lossy(secret.expose()).into_owned()))
        };
        relays.iter().map(password).collect()
    }

    /// The password for the mailbox from which mail comes in.
    pub fn inbox_password(&self, mailbox: &settings::Imap, root: &Path) -> Result<String, Failure> {
        let secret = secret_of(&mailbox.password_command, root, "password_command")?;
        Ok(String::from_utf8_lossy(secret.expose()).into_owned())
    }

    /// The mail that was kept for staff.
    pub fn kept(&self) -> Result<Vec<Kept>, Failure> {
        kept::all(&self.work()).map_err(|error| Failure::io(&kept::folder(&self.work()), error))
    }
}

/// What is known of a constituent besides its contacts.
pub fn profile(workspace: &Workspace, constituent: &Slug) -> Result<Profile, Failure> {
    workspace.profile(constituent)?.ok_or_else(|| {
        Failure::usage(format!(
            "`constituents/{constituent}.yaml` was changed meanwhile"
        ))
        .hint("`advise check` shows what is wrong with it")
    })
}

fn signer_failure(error: SignerError) -> Failure {
    Failure::new(error)
        .hint("nothing was sent; `advise key status` shows the state of the team's key")
}

/// The first line that a command prints. The command is the staff's own, from advise.yaml; its output is never shown.
fn secret_of(command: &str, root: &Path, setting: &str) -> Result<openpgp::Secret, Failure> {
    let output = Command::new("sh")
        .arg("-c")
        .arg(command)
        .current_dir(root)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output();
    let output =
        output.map_err(|error| Failure::usage(format!("cannot run `{setting}`: {error}")))?;
    if !output.status.success() {
        return Err(
            Failure::usage(format!("`{setting}` ended with {}", output.status))
                .hint("run it by hand to see why"),
        );
    }
    let mut bytes = output.stdout;
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(bytes.len());
    bytes.truncate(end);
    match bytes.is_empty() {
        true => Err(Failure::usage(format!("`{setting}` printed nothing"))),
        false => Ok(openpgp::Secret::new(bytes)),
    }
}
