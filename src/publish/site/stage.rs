//! Stages the public files: pages, feeds, signed texts, the RFC 2350 description.

use super::{document, signatures::Signatory};
use crate::publish::{Job, PublishError, Watch, document_version};
use crate::{
    artefact::{Artefact, Digest, Unit},
    channels::{
        deploy::Record,
        site::{Changes, SiteError, Stage, Switch},
    },
    diag::Findings,
    ledger::Ledger,
    openpgp::Certificate,
    plan::Change,
    receipt::{Edition, History},
    render::{
        site::{
            pages::{self, KeyView, OwnPage, Sink, SiteShop, Supplies},
            plain_text::Twin,
            versions::DocumentView,
            wellknown::{self, SecurityTxt},
        },
        words::{self, Words},
    },
    rfc2350::{Document, facts::text_path},
    settings::Site,
    terms::{Fingerprint, Lang, Moment},
    tlp::{ByMake, Made, Public, Shareable, Staff},
    workspace::Workspace,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// What is to be recorded once the site is switched.
pub struct Kept {
    /// Signatures made in this run: digest of the text, armored signature.
    signatures: Vec<(Digest, String)>,
    signer: Option<Fingerprint>,
    /// All files that were made, with their digests.
    files: Vec<(String, Digest)>,
    /// All versions of the RFC 2350 description that stand on the site, with their signed texts.
    pub(in crate::publish) editions: Vec<Edition>,
}

impl Made<Twin, Public> for Vec<Artefact> {
    type Shop<'s> = Signatory<'s>;
    type Error = PublishError;

    fn made(
        twin: &Twin,
        _: &Public,
        signatory: &Signatory<'_>,
        _: ByMake,
    ) -> Result<Vec<Artefact>, PublishError> {
        signatory.files(twin.path(), twin.text())
    }
}

/// What a site is made of besides advisories, in the form in which its makers want it.
pub struct Stock<'a, A> {
    workspace: &'a Workspace,
    words: BTreeMap<Lang, Words>,
    keys: Vec<KeyView>,
    views: BTreeMap<Lang, DocumentView>,
    pages: Vec<OwnPage<'a>>,
    /// The RFC 2350 description in each language.
    pub documents: Vec<Shareable<Document, A>>,
}

impl<'a> Stock<'a, Staff> {
    /// What it would be now. Texts that are not out yet are without signatures.
    pub fn to_come(
        workspace: &'a Workspace,
        history: &History,
        now: &Moment,
    ) -> Result<Stock<'a, Staff>, PublishError> {
        let documents = document::version(workspace, history, now)
            .map_or_else(Vec::new, |version| {
                document::drafts(workspace, version.version, &version.date, now)
            });
        Stock::of(
            workspace,
            documents,
            &document::outlook(workspace, history, now),
            now,
        )
    }
}

impl<'a, A> Stock<'a, A> {
    /// Gathers it, with the RFC 2350 description in each language, and all of its versions.
    fn of(
        workspace: &'a Workspace,
        documents: Vec<Shareable<Document, A>>,
        editions: &[Edition],
        now: &Moment,
    ) -> Result<Stock<'a, A>, PublishError> {
        let settings = &workspace.settings.site;
        let mut findings = Findings::new();
        let words = words::read(&settings.languages, &workspace.templates, &mut findings);
        if findings.has_errors() {
            return Err(PublishError::Words(findings));
        }
        let views: BTreeMap<Lang, DocumentView> = documents
            .iter()
            .map(|shared| {
                let document = shared.thing();
                let view = DocumentView {
                    html: document.html(),
                    version: document.version().to_string(),
                    date: document.date().clone(),
                    text_path: text_path(settings, document.lang()),
                    editions: document::views(workspace, editions, document.lang()),
                };
                (document.lang().clone(), view)
            })
            .collect();
        let (keys, pages) = (key_views(workspace, now), own_pages(workspace));
        Ok(Stock {
            workspace,
            words,
            keys,
            views,
            pages,
            documents,
        })
    }

    /// For the workshop of the site, which is to stand at this address.
    pub fn supplies<'s>(&'s self, site: &'s Site) -> Supplies<'s> {
        Supplies {
            site,
            team: &self.workspace.team,
            words: &self.words,
            templates: &self.workspace.templates,
            keys: &self.keys,
            rfc2350: &self.views,
            pages: &self.pages,
            assets: &self.workspace.assets,
            signer: self
                .workspace
                .settings
                .signing
                .as_ref()
                .map(|signing| &signing.fingerprint),
        }
    }
}

impl Made<SecurityTxt, Public> for Vec<Artefact> {
    type Shop<'s> = Signatory<'s>;
    type Error = PublishError;

    fn made(
        text: &SecurityTxt,
        _: &Public,
        signatory: &Signatory<'_>,
        _: ByMake,
    ) -> Result<Vec<Artefact>, PublishError> {
        signatory.files(wellknown::SECURITY_TXT, text.text())
    }
}

/// The team's certificates, as the site shows them.
fn key_views(workspace: &Workspace, now: &Moment) -> Vec<KeyView> {
    let keys = workspace
        .team
        .keys
        .iter()
        .filter_map(|fingerprint| workspace.certificates.of_team(fingerprint));
    let view = |key: &Certificate| KeyView {
        fingerprint: key.fingerprint().clone(),
        user_ids: key.user_ids(),
        algorithm: Some(key.algorithm()),
        created: Some(key.created()),
        expires: key.expires(now),
        encryption_expires: key.state(now).ends().cloned(),
        armored: key.armored().into_bytes(),
    };
    keys.map(view).collect()
}

/// The team's own pages, in all languages.
fn own_pages(workspace: &Workspace) -> Vec<OwnPage<'_>> {
    workspace
        .pages
        .iter()
        .map(|page| OwnPage {
            name: page.name.as_str(),
            lang: &page.lang,
            title: &page.title,
            nav: page.nav,
            markdown: &page.body,
        })
        .collect()
}

/// Puts the whole site of the plan into a stage.
pub fn stage(job: &Job<'_>, ledger: &mut Ledger, stage: &Stage) -> Result<Kept, PublishError> {
    let workspace = job.workspace;
    let settings = &workspace.settings.site;
    let signer = workspace
        .settings
        .signing
        .as_ref()
        .map(|signing| signing.fingerprint.clone());
    let signatory = Signatory {
        ledger: Mutex::new(ledger),
        signer: signer.clone(),
        fresh: Mutex::default(),
        keyring: job.keyring,
    };
    let team = job.gate.open(&workspace.team, Public)?;
    let documents = document_version(job.plan).map_or_else(Vec::new, |version| {
        document::documents(workspace, &team, version.version, &version.date, job.now)
    });
    let editions = document::editions(job, &documents, &signatory)?;
    let stock = Stock::of(workspace, documents, &editions, job.now)?;
    let shop = SiteShop::open(stock.supplies(settings))?;
    let public = &job.gate.open_all(job.plan.public.iter().copied(), Public)?;
    job.watch.begin("site", public.thing().len());
    let sink = OnStage {
        stage,
        made: Mutex::default(),
        watch: job.watch,
    };
    pages::render(&shop, public, &sink, |twin, put| {
        Ok(twin
            .make::<Vec<Artefact>>(&signatory)?
            .each()
            .try_for_each(put)?)
    })?;
    document::files(job, &editions)?
        .into_iter()
        .try_for_each(|file| sink.put(file))?;
    well_known(job, &signatory, &sink)?;
    job.watch.end();
    let signatures = signatory
        .fresh
        .into_inner()
        .expect("nobody panics with the signatures in hand");
    let files = sink
        .made
        .into_inner()
        .expect("nobody panics with the list in hand");
    Ok(Kept {
        signatures,
        signer: signatory.signer,
        editions,
        files,
    })
}

/// The team's Web Key Directory, and its security.txt if there is a key to sign it with.
fn well_known(
    job: &Job<'_>,
    signatory: &Signatory<'_>,
    sink: &OnStage<'_>,
) -> Result<(), PublishError> {
    let workspace = job.workspace;
    let of_team = |fingerprint| workspace.certificates.of_team(fingerprint);
    let certificates: Vec<&Certificate> = workspace.team.keys.iter().filter_map(of_team).collect();
    let pages = workspace
        .pages
        .iter()
        .map(|page| page.name.as_str())
        .collect();
    let shop = wellknown::Shop {
        settings: &workspace.settings,
        certificates: &certificates,
        pages: &pages,
        now: job.now,
    };
    let team = job.gate.open(&workspace.team, Public)?;
    let Ok(directory) = team.make::<Vec<Artefact>>(&shop);
    directory.each().try_for_each(|file| sink.put(file))?;
    let signer = workspace
        .settings
        .signing
        .as_ref()
        .and_then(|signing| of_team(&signing.fingerprint));
    if let Some(Ok(text)) = signer.map(|signer| team.make::<SecurityTxt>(&(shop, signer))) {
        text.make::<Vec<Artefact>>(signatory)?
            .each()
            .try_for_each(|file| sink.put(file))?;
    }
    Ok(())
}

/// The stage as the render floor sees it.
struct OnStage<'s> {
    stage: &'s Stage,
    /// What it got, by path.
    made: Mutex<Vec<(String, Digest)>>,
    watch: &'s dyn Watch,
}

impl OnStage<'_> {
    fn note(&self, file: &Shareable<Artefact, Public>) {
        // A folder that somebody named is never deployed, so nobody asks for its digests.
        if !self.stage.is_recorded() {
            return;
        }
        let made = (file.thing().path.clone(), file.thing().digest());
        self.made
            .lock()
            .expect("nobody panics with the list in hand")
            .push(made);
    }
}

impl Sink<PublishError> for OnStage<'_> {
    fn put(&self, file: Shareable<Artefact, Public>) -> Result<(), PublishError> {
        self.stage.put(&file)?;
        self.note(&file);
        Ok(())
    }
    fn has(&self, unit: &Unit) -> bool {
        self.stage.has(unit)
    }
    fn step(&self) {
        self.watch.step();
    }
    fn put_of(&self, unit: &Unit, file: Shareable<Artefact, Public>) -> Result<(), PublishError> {
        self.stage.put_of(unit, &file)?;
        self.note(&file);
        Ok(())
    }
}

impl From<pages::SiteError<PublishError>> for PublishError {
    fn from(error: pages::SiteError<PublishError>) -> PublishError {
        match error {
            pages::SiteError::Render(error) => PublishError::Render(error),
            pages::SiteError::Sink(error) => error,
        }
    }
}

/// Stages the site beside `public/` and compares the two. Signatures are kept at once: they are good whatever
/// happens next, and made again they would differ.
///
/// Where something leaves the site, nothing that was noted of it is trusted: all is made anew, and a whole new tree takes
/// the place of the old one, in which nothing can be left.
pub(in crate::publish) fn stage_and_compare(
    job: &Job<'_>,
    ledger: &mut Ledger,
    folder: &Path,
) -> Result<(Switch, Kept), PublishError> {
    let record = standing(&job.work);
    let disappears = job
        .plan
        .site
        .iter()
        .any(|(_, _, change)| *change == Change::Disappears);
    // (Without the digests of all files nothing could be deployed, so all are made again.)
    let anew = disappears || !Record::is_kept(&job.work);
    let staged = if anew {
        Stage::recording(folder, &record)
    } else {
        Stage::trusting(folder, &record)
    }?;
    let kept = stage(job, ledger, &staged)?;
    kept.keep_signatures(ledger)?;
    match staged.finish() {
        Err(SiteError::Missing(_)) => {}
        switch => return Ok((switch?, kept)),
    }
    let staged = Stage::recording(folder, &record)?;
    let kept = stage(job, ledger, &staged)?;
    kept.keep_signatures(ledger)?;
    Ok((staged.finish()?, kept))
}

/// Where it is noted in `.advise/` of which units the site is made.
fn standing(work: &Path) -> PathBuf {
    work.join("standing")
}

/// Forgets what was noted of the site, so that the next run makes and compares every file.
pub fn forget_standing(work: &Path) -> Result<(), PublishError> {
    let path = standing(work);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(PublishError::Io { path, error })
        }
        _ => Ok(()),
    }
}

impl Kept {
    /// Writes the signatures of this run into the ledger.
    pub fn keep_signatures(&self, ledger: &mut Ledger) -> Result<(), PublishError> {
        let Some(signer) = self.signer.as_ref().filter(|_| !self.signatures.is_empty()) else {
            return Ok(());
        };
        let batch = ledger.batch()?;
        for (digest, block) in &self.signatures {
            batch.keep_signature(*digest, signer, block)?;
        }
        batch.commit()?;
        Ok(())
    }
}

/// Records which files now stand in `public/`: nothing else is ever deployed. Until then there is no record of them, so a
/// run that breaks off leaves none, and the next one makes everything again.
pub(in crate::publish) fn record_files(
    job: &Job<'_>,
    kept: Kept,
    changes: &Changes,
    is_all_made: bool,
) -> Result<(), PublishError> {
    if changes.is_empty() && !is_all_made && Record::is_kept(&job.work) {
        return Ok(());
    }
    Ok(Record::follow(&job.work, kept.files, changes, is_all_made)?)
}

/// Records what now stands on the site.
pub(in crate::publish) fn record(job: &Job<'_>, ledger: &mut Ledger) -> Result<(), PublishError> {
    let batch = ledger.batch()?;
    for (id, _, change) in &job.plan.site {
        match (change, job.workspace.advisory(id)) {
            (Change::Disappears, _) | (_, None) => batch.site_removed(id)?,
            (_, Some(advisory)) => {
                batch.site_published(id, &advisory.revision().number, advisory.digest, job.now)?
            }
        }
    }
    batch.commit()?;
    Ok(())
}

/// Says what was done.
pub(in crate::publish) fn deeds(job: &Job<'_>, changes: &Changes) {
    let watch = job.watch;
    for (id, revision, change) in job.plan.site.iter().take(20) {
        let revision = if revision.is_empty() {
            String::new()
        } else {
            format!(" r{revision}")
        };
        watch.deed(&format!("site: {id}{revision} {}", change.as_str()));
    }
    if job.plan.site.len() > 20 {
        watch.deed(&format!(
            "site: … and {} more advisories",
            job.plan.site.len() - 20
        ));
    }
    if let Some(crate::plan::DocumentChange::New(version)) = &job.plan.document {
        watch.deed(&format!(
            "site: RFC 2350 description, version {}",
            version.version
        ));
    }
    let (added, changed, removed) = (
        changes.added.len(),
        changes.changed.len(),
        changes.removed.len(),
    );
    if !changes.is_empty() {
        watch.deed(&format!(
            "site: {added} files added, {changed} changed, {removed} removed"
        ));
    }
}
