//! Stages the public files: pages, feeds, signed texts, the RFC 2350 description.

use super::{Job, Keyring, PublishError, document, document_version};
use crate::{
    artefact::{Artefact, Digest, Unit},
    channels::site::{Changes, SiteError, Stage, Switch},
    diag::Findings,
    ledger::Ledger,
    openpgp::Clearsigned,
    plan::Change,
    receipt::DocumentVersion,
    render::{
        rfc2350::Document,
        site::{self, Beside, DocumentView, Extent, KeyView, OwnPage, Sink, SiteShop, Supplies},
        text::{Twin, has_twin},
        words::{self, Words},
    },
    settings::Site,
    terms::{Fingerprint, Lang, Moment},
    tlp::{Made, Public, Shareable},
    workspace::Workspace,
};
use rayon::prelude::*;
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
    /// The signed RFC 2350 texts.
    pub(super) documents: Vec<(Lang, String)>,
}

/// The workshop in which texts are signed; a text that was signed before keeps its signature.
struct Signatory<'s> {
    /// The ledger, for one thread at a time; and whose signatures are looked for there.
    ledger: Mutex<&'s mut Ledger>,
    signer: Option<Fingerprint>,
    fresh: Mutex<Vec<(Digest, String)>>,
    keyring: &'s dyn Keyring,
    /// The site's default language.
    default: &'s Lang,
}

impl Signatory<'_> {
    fn sign(&self, text: &str) -> Result<Clearsigned, PublishError> {
        let digest = Digest::of(text.as_bytes());
        if let Some(signer) = &self.signer {
            let ledger = self.ledger.lock().expect("nobody panics with the ledger in hand");
            if let Some(block) = ledger.signature(digest, signer)? {
                return Ok(Clearsigned::assemble(text, &block));
            }
        }
        let signed = self.keyring.key()?.clearsign(text)?;
        let mut fresh = self.fresh.lock().expect("nobody panics with the signatures in hand");
        fresh.push((digest, signed.block().to_string()));
        Ok(signed)
    }
}

/// A clear-signed text of the site.
struct SignedText(Artefact);

impl From<SignedText> for Artefact {
    fn from(text: SignedText) -> Artefact {
        text.0
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

impl Made<Twin, Public> for SignedText {
    type Shop<'s> = Signatory<'s>;
    type Error = PublishError;

    fn made(twin: &Twin, _: &Public, signatory: &Signatory<'_>) -> Result<SignedText, PublishError> {
        Ok(SignedText(Artefact::new(twin.path(), TEXT, signatory.sign(twin.text())?.document())))
    }
}

impl Made<Document, Public> for SignedText {
    type Shop<'s> = Signatory<'s>;
    type Error = PublishError;

    fn made(document: &Document, _: &Public, signatory: &Signatory<'_>) -> Result<SignedText, PublishError> {
        let path = text_path(document.lang(), signatory.default);
        Ok(SignedText(Artefact::new(path, TEXT, signatory.sign(&document.text())?.document())))
    }
}

/// Where the signed description of a language stands.
pub(super) fn text_path(lang: &Lang, default: &Lang) -> String {
    if lang == default { "rfc2350.txt".into() } else { format!("{lang}/rfc2350.txt") }
}

/// What a site is made of besides advisories, in the form in which its makers want it.
pub struct Stock<'a> {
    workspace: &'a Workspace,
    extent: Extent,
    words: BTreeMap<Lang, Words>,
    keys: Vec<KeyView>,
    views: BTreeMap<Lang, DocumentView>,
    pages: Vec<OwnPage<'a>>,
    /// The RFC 2350 description in each language.
    pub documents: Vec<Shareable<Document, Public>>,
}

impl<'a> Stock<'a> {
    /// Gathers it. Without a version there is no RFC 2350 description.
    pub fn of(
        workspace: &'a Workspace,
        version: Option<&DocumentVersion>,
        now: &Moment,
        extent: Extent,
    ) -> Result<Stock<'a>, PublishError> {
        let settings = &workspace.settings.site;
        let mut findings = Findings::new();
        let words = words::read(&settings.languages, &workspace.templates, &mut findings);
        if findings.has_errors() {
            return Err(PublishError::Words(findings));
        }
        let keys: Vec<KeyView> = workspace
            .team
            .keys
            .iter()
            .filter_map(|fingerprint| workspace.certificates.of_team(fingerprint))
            .map(|key| KeyView {
                fingerprint: key.fingerprint().clone(),
                user_ids: key.user_ids(),
                algorithm: Some(key.algorithm()),
                created: Some(key.created()),
                expires: key.expires(now),
                armored: key.armored().into_bytes(),
            })
            .collect();
        let documents =
            version.map_or_else(Vec::new, |version| document::documents(workspace, version.version, &version.date, now));
        let views: BTreeMap<Lang, DocumentView> = documents
            .iter()
            .map(|shared| {
                let document = shared.thing();
                let view = DocumentView {
                    html: document.html(),
                    version: document.version().to_string(),
                    date: document.date().clone(),
                    text_path: (extent == Extent::Full).then(|| text_path(document.lang(), settings.default_lang())),
                };
                (document.lang().clone(), view)
            })
            .collect();
        let pages: Vec<OwnPage<'_>> = workspace
            .pages
            .iter()
            .map(|page| OwnPage {
                name: page.name.as_str(),
                lang: &page.lang,
                title: &page.title,
                nav: page.nav,
                markdown: &page.body,
            })
            .collect();
        Ok(Stock { workspace, extent, words, keys, views, pages, documents })
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
            beside: Beside { text: self.extent == Extent::Full, ..Beside::NOTHING },
            extent: self.extent,
        }
    }
}

/// Puts the whole site of the plan into a stage.
pub fn stage(job: &Job<'_>, ledger: &mut Ledger, stage: &Stage, extent: Extent) -> Result<Kept, PublishError> {
    let workspace = job.workspace;
    let settings = &workspace.settings.site;
    let version = document_version(job.plan);
    let stock = Stock::of(workspace, version, job.now, extent)?;
    let signer = workspace.settings.signing.as_ref().map(|signing| signing.fingerprint.clone());
    let default = settings.default_lang();
    let signatory =
        Signatory { ledger: Mutex::new(ledger), signer: signer.clone(), fresh: Mutex::default(), keyring: job.keyring, default };
    let shop = SiteShop::open(stock.supplies(settings))?;
    let public = &job.plan.public;
    job.watch.begin("site", public.thing().len());
    let sink = OnStage(stage);
    let put = |file: Shareable<Artefact, Public>| sink.put(file);
    site::render(&shop, public, &sink)?;
    let mut signed = Vec::new();
    if extent == Extent::Full {
        twins(job, &shop, &signatory, &sink)?;
        for document in &stock.documents {
            let text = document.make::<SignedText>(&signatory)?.into_artefact();
            signed.push((document.thing().lang().clone(), String::from_utf8_lossy(&text.thing().bytes).into_owned()));
            put(text)?;
        }
        for file in document::earlier(job, version.map_or(1, |version| version.version))? {
            put(file.into_artefact())?;
        }
    }
    job.watch.end();
    let signatures = signatory.fresh.into_inner().expect("nobody panics with the signatures in hand");
    Ok(Kept { signatures, signer, documents: signed })
}

/// The stage as the render floor sees it.
struct OnStage<'s>(&'s Stage);

impl Sink<PublishError> for OnStage<'_> {
    fn put(&self, file: Shareable<Artefact, Public>) -> Result<(), PublishError> {
        self.0.put(&file)?;
        Ok(())
    }
    fn has(&self, unit: &Unit) -> bool {
        self.0.has(unit)
    }
    fn put_of(&self, unit: &Unit, file: Shareable<Artefact, Public>) -> Result<(), PublishError> {
        self.0.put_of(unit, &file)?;
        Ok(())
    }
}

impl From<site::SiteError<PublishError>> for PublishError {
    fn from(error: site::SiteError<PublishError>) -> PublishError {
        match error {
            site::SiteError::Render(error) => PublishError::Render(error),
            site::SiteError::Sink(error) => error,
        }
    }
}

fn twins(job: &Job<'_>, shop: &SiteShop<'_>, signatory: &Signatory<'_>, sink: &OnStage<'_>) -> Result<(), PublishError> {
    let public = &job.plan.public;
    let signer = Digest::of(signatory.signer.as_ref().map_or("", |signer| signer.as_str()).as_bytes());
    (0..public.thing().len()).into_par_iter().try_for_each(|at| {
        let Some(advisory) = public.nth(at) else { return Ok(()) };
        let one = advisory.thing();
        job.watch.step();
        sink.once(&shop.unit("text", one.id.as_str(), [&one.digest, &signer]), |put| {
            for room in shop.rooms() {
                if has_twin(one, &room.lang, &job.workspace.settings.site) {
                    put(advisory.make::<Twin>(room)?.make::<SignedText>(signatory)?.into_artefact())?;
                }
            }
            Ok(())
        })
    })
}

/// Stages the site beside `public/` and compares the two. Signatures are kept at once: they are good whatever
/// happens next, and made again they would differ.
///
/// Where something leaves the site, nothing that was noted of it is trusted: all is made anew, and a whole new tree takes
/// the place of the old one, in which nothing can be left.
pub(super) fn stage_and_compare(job: &Job<'_>, ledger: &mut Ledger, folder: &Path) -> Result<(Switch, Kept), PublishError> {
    let record = standing(&job.work);
    let disappears = job.plan.site.iter().any(|(_, _, change)| *change == Change::Disappears);
    let staged = if disappears { Stage::recording(folder, &record) } else { Stage::trusting(folder, &record) }?;
    let kept = stage(job, ledger, &staged, Extent::Full)?;
    kept.keep_signatures(ledger)?;
    match staged.finish() {
        Err(SiteError::Missing(_)) => {}
        switch => return Ok((switch?, kept)),
    }
    let staged = Stage::recording(folder, &record)?;
    let kept = stage(job, ledger, &staged, Extent::Full)?;
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
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PublishError::Io { path, error }),
        _ => Ok(()),
    }
}

impl Kept {
    /// Writes the signatures of this run into the ledger.
    pub fn keep_signatures(&self, ledger: &mut Ledger) -> Result<(), PublishError> {
        let Some(signer) = self.signer.as_ref().filter(|_| !self.signatures.is_empty()) else { return Ok(()) };
        let batch = ledger.batch()?;
        for (digest, block) in &self.signatures {
            batch.keep_signature(*digest, signer, block)?;
        }
        batch.commit()?;
        Ok(())
    }
}

/// Records what now stands on the site.
pub(super) fn record(job: &Job<'_>, ledger: &mut Ledger, kept: &Kept) -> Result<(), PublishError> {
    let batch = ledger.batch()?;
    for (id, _, change) in &job.plan.site {
        match (change, job.workspace.advisory(id)) {
            (Change::Disappears, _) | (_, None) => batch.site_removed(id)?,
            (_, Some(advisory)) => batch.site_published(id, &advisory.revision().number, advisory.digest, job.now)?,
        }
    }
    if let (Some(version), false) = (document_version(job.plan), kept.documents.is_empty()) {
        batch.document_published(version)?;
    }
    batch.commit()?;
    Ok(())
}

/// Says what was done.
pub(super) fn deeds(job: &Job<'_>, changes: &Changes) {
    let watch = job.watch;
    for (id, revision, change) in job.plan.site.iter().take(20) {
        let revision = if revision.is_empty() { String::new() } else { format!(" r{revision}") };
        watch.deed(&format!("site: {id}{revision} {}", change.as_str()));
    }
    if job.plan.site.len() > 20 {
        watch.deed(&format!("site: … and {} more advisories", job.plan.site.len() - 20));
    }
    if let Some(crate::plan::DocumentChange::New(version)) = &job.plan.document {
        watch.deed(&format!("site: RFC 2350 description, version {}", version.version));
    }
    let (added, changed, removed) = (changes.added.len(), changes.changed.len(), changes.removed.len());
    if !changes.is_empty() {
        watch.deed(&format!("site: {added} files added, {changed} changed, {removed} removed"));
    }
}
