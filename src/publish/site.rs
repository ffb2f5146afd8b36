//! Stages the public files: pages, feeds, signed texts, the RFC 2350 description.

use super::{Job, Keyring, PublishError, document, document_version};
use crate::{
    artefact::{Artefact, Digest},
    channels::{
        deploy::Record,
        site::{Changes, Stage, Switch},
    },
    diag::Findings,
    ledger::Ledger,
    openpgp::{Certificate, Clearsigned},
    plan::Change,
    render::{
        rfc2350::Document,
        site::{self, Beside, DocumentView, Extent, KeyView, OwnPage, SiteShop, Supplies},
        text::{Twin, has_twin},
        wellknown::{self, SecurityTxt},
        words,
    },
    terms::{Fingerprint, Lang},
    tlp::{Gate, Made, Public, Shareable},
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Mutex,
};

/// What is to be recorded once the site is switched.
pub struct Kept {
    /// Signatures made in this run: digest of the text, armored signature.
    signatures: Vec<(Digest, String)>,
    signer: Option<Fingerprint>,
    /// All files, with their digests.
    files: Vec<(String, Digest)>,
    /// The signed RFC 2350 texts.
    pub(super) documents: Vec<(Lang, String)>,
}

/// The workshop in which texts are signed; a text that was signed before keeps its signature.
struct Signatory<'s> {
    known: HashMap<Digest, String>,
    fresh: Mutex<Vec<(Digest, String)>>,
    keyring: &'s dyn Keyring,
}

impl Signatory<'_> {
    fn sign(&self, text: &str) -> Result<Clearsigned, PublishError> {
        let digest = Digest::of(text.as_bytes());
        if let Some(block) = self.known.get(&digest) {
            return Ok(Clearsigned::assemble(text, block));
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
    type Shop<'s> = (&'s Signatory<'s>, &'s Lang);
    type Error = PublishError;

    fn made(document: &Document, _: &Public, (signatory, default): &(&Signatory<'_>, &Lang)) -> Result<SignedText, PublishError> {
        let path = text_path(document.lang(), default);
        Ok(SignedText(Artefact::new(path, TEXT, signatory.sign(&document.text())?.document())))
    }
}

impl Made<SecurityTxt, Public> for SignedText {
    type Shop<'s> = &'s Signatory<'s>;
    type Error = PublishError;

    fn made(text: &SecurityTxt, _: &Public, signatory: &&Signatory<'_>) -> Result<SignedText, PublishError> {
        Ok(SignedText(Artefact::new(wellknown::SECURITY_TXT, TEXT, signatory.sign(text.text())?.document())))
    }
}

fn text_path(lang: &Lang, default: &Lang) -> String {
    if lang == default { "rfc2350.txt".into() } else { format!("{lang}/rfc2350.txt") }
}

/// Puts the whole site of the plan into a stage.
pub fn stage(job: &Job<'_>, ledger: &Ledger, stage: &Stage, extent: Extent) -> Result<Kept, PublishError> {
    let workspace = job.workspace;
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
            expires: key.expires(job.now),
            encryption_expires: key.state(job.now).ends().cloned(),
            armored: key.armored().into_bytes(),
        })
        .collect();
    let signer = workspace.settings.signing.as_ref().map(|signing| signing.fingerprint.clone());
    let known = match &signer {
        Some(signer) if extent == Extent::Full => ledger.signatures(signer)?,
        _ => HashMap::new(),
    };
    let signatory = Signatory { known, fresh: Mutex::default(), keyring: job.keyring };
    let default = settings.default_lang();

    let version = document_version(job.plan);
    let documents =
        version.map_or_else(Vec::new, |version| document::documents(workspace, version.version, &version.date, job.now));

    let views: BTreeMap<Lang, DocumentView> = documents
        .iter()
        .map(|shared| {
            let document = shared.thing();
            let view = DocumentView {
                html: document.html(),
                version: document.version().to_string(),
                date: document.date().clone(),
                text_path: (extent == Extent::Full).then(|| text_path(document.lang(), default)),
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
    let beside = Beside { text: extent == Extent::Full, ..Beside::NOTHING };
    let supplies = Supplies {
        site: settings,
        team: &workspace.team,
        words: &words,
        templates: &workspace.templates,
        keys: &keys,
        rfc2350: &views,
        pages: &pages,
        assets: &workspace.assets,
        beside,
        extent,
    };
    let shop = SiteShop::open(supplies)?;
    let public = &job.plan.public;
    job.watch.begin("site", public.thing().len());
    let files = Mutex::new(Vec::new());
    let put = |file: Shareable<Artefact, Public>| -> Result<(), PublishError> {
        stage.put(&file)?;
        let made = (file.thing().path.clone(), file.thing().digest());
        files.lock().expect("nobody panics with the list in hand").push(made);
        Ok(())
    };
    site::render(&shop, public, &put).map_err(|error| match error {
        site::SiteError::Render(error) => PublishError::Render(error),
        site::SiteError::Sink(error) => error,
    })?;
    let mut signed = Vec::new();
    if extent == Extent::Full {
        twins(job, &shop, &signatory, &put)?;
        for document in &documents {
            let text = document.make::<SignedText>(&(&signatory, default))?.into_artefact();
            signed.push((document.thing().lang().clone(), String::from_utf8_lossy(&text.thing().bytes).into_owned()));
            put(text)?;
        }
        well_known(job, &signatory, &put)?;
        for file in document::earlier(job, version.map_or(1, |version| version.version))? {
            put(file.into_artefact())?;
        }
    }
    job.watch.end();
    let signatures = signatory.fresh.into_inner().expect("nobody panics with the signatures in hand");
    let files = files.into_inner().expect("nobody panics with the list in hand");
    Ok(Kept { signatures, signer, files, documents: signed })
}

/// The team's Web Key Directory, and its security.txt if there is a key to sign it with.
fn well_known(
    job: &Job<'_>,
    signatory: &Signatory<'_>,
    put: &dyn Fn(Shareable<Artefact, Public>) -> Result<(), PublishError>,
) -> Result<(), PublishError> {
    let workspace = job.workspace;
    let of_team = |fingerprint| workspace.certificates.of_team(fingerprint);
    let certificates: Vec<&Certificate> = workspace.team.keys.iter().filter_map(of_team).collect();
    let pages = workspace.pages.iter().map(|page| page.name.as_str()).collect();
    let shop = wellknown::Shop { settings: &workspace.settings, certificates: &certificates, pages: &pages, now: job.now };
    let team = Gate::at(job.now.clone()).open(&workspace.team, Public)?;
    let Ok(directory) = team.make::<Vec<Artefact>>(&shop);
    directory.each().try_for_each(put)?;
    let signer = workspace.settings.signing.as_ref().and_then(|signing| of_team(&signing.fingerprint));
    if let Some(Ok(text)) = signer.map(|signer| team.make::<SecurityTxt>(&(shop, signer))) {
        put(text.make::<SignedText>(&signatory)?.into_artefact())?;
    }
    Ok(())
}

fn twins(
    job: &Job<'_>,
    shop: &SiteShop<'_>,
    signatory: &Signatory<'_>,
    put: &(dyn Fn(Shareable<Artefact, Public>) -> Result<(), PublishError> + Sync),
) -> Result<(), PublishError> {
    let public = &job.plan.public;
    (0..public.thing().len()).into_par_iter().try_for_each(|at| {
        let Some(advisory) = public.nth(at) else { return Ok(()) };
        for room in shop.rooms() {
            if has_twin(advisory.thing(), &room.lang, &job.workspace.settings.site) {
                put(advisory.make::<Twin>(room)?.make::<SignedText>(signatory)?.into_artefact())?;
            }
        }
        job.watch.step();
        Ok(())
    })
}

/// Stages the site beside `public/` and compares the two. Signatures are kept at once: they are good whatever
/// happens next, and made again they would differ.
pub(super) fn stage_and_compare(job: &Job<'_>, ledger: &mut Ledger, folder: &Path) -> Result<(Switch, Kept), PublishError> {
    let staged = Stage::begin(folder)?;
    let kept = stage(job, ledger, &staged, Extent::Full)?;
    kept.keep_signatures(ledger)?;
    Ok((staged.finish()?, kept))
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

/// Records which files now stand in `public/`: nothing else is ever deployed.
pub(super) fn record_files(job: &Job<'_>, kept: Kept, changes: &Changes) -> Result<(), PublishError> {
    let mut record = Record::read(&job.work)?;
    record.follow(kept.files, changes);
    Ok(record.write(&job.work)?)
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
