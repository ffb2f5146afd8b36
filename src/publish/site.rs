//! Stages the public files: pages, feeds, signed texts, the RFC 2350 description.

use super::{Job, Keyring, PublishError, document, document_version};
use crate::{
    artefact::{Artefact, Digest},
    channels::site::{Changes, Stage, Switch},
    diag::Findings,
    ledger::Ledger,
    openpgp::Clearsigned,
    plan::Change,
    receipt::Edition,
    render::{
        rfc2350::facts::text_path,
        site::{self, Beside, DocumentView, Extent, KeyView, OwnPage, SiteShop, Supplies},
        text::{Twin, has_twin},
        words,
    },
    terms::{Fingerprint, Lang},
    tlp::{Made, Public, Shareable},
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
    /// All versions of the RFC 2350 description that stand on the site, with their signed texts.
    pub(super) editions: Vec<Edition>,
}

/// The workshop in which texts are signed; a text that was signed before keeps its signature.
pub struct Signatory<'s> {
    known: HashMap<Digest, String>,
    fresh: Mutex<Vec<(Digest, String)>>,
    keyring: &'s dyn Keyring,
}

impl Signatory<'_> {
    pub(super) fn sign(&self, text: &str) -> Result<Clearsigned, PublishError> {
        let digest = Digest::of(text.as_bytes());
        if let Some(block) = self.known.get(&digest) {
            return Ok(Clearsigned::assemble(text, block));
        }
        let signed = self.keyring.key()?.clearsign(text)?;
        self.made(digest, signed.block());
        Ok(signed)
    }

    /// A detached signature of a file as it stands on the site, for programs that verify no clear-signed text.
    pub(super) fn detach(&self, file: &[u8]) -> Result<String, PublishError> {
        let digest = Digest::of(file);
        if let Some(armor) = self.known.get(&digest) {
            return Ok(armor.clone());
        }
        let armor = self.keyring.key()?.detach(file)?;
        self.made(digest, &armor);
        Ok(armor)
    }

    fn made(&self, of: Digest, armor: &str) {
        let mut fresh = self.fresh.lock().expect("nobody panics with the signatures in hand");
        fresh.push((of, armor.to_string()));
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const SIGNATURE: &str = "application/pgp-signature";

/// A clear-signed file, and beside it the detached signature of its bytes.
///
/// The block in the file could not serve as both: it is of the text inside, without the lines around it, so it would
/// verify against no file that stands on the site.
pub(super) fn pair(path: &str, file: String, detached: &str) -> Vec<Artefact> {
    vec![Artefact::new(path, TEXT, file), Artefact::new(format!("{path}.asc"), SIGNATURE, detached)]
}

impl Made<Twin, Public> for Vec<Artefact> {
    type Shop<'s> = Signatory<'s>;
    type Error = PublishError;

    fn made(twin: &Twin, _: &Public, signatory: &Signatory<'_>) -> Result<Vec<Artefact>, PublishError> {
        let file = signatory.sign(twin.text())?.document();
        let detached = signatory.detach(file.as_bytes())?;
        Ok(pair(&twin.path(), file, &detached))
    }
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
            armored: key.armored().into_bytes(),
        })
        .collect();
    let signer = workspace.settings.signing.as_ref().map(|signing| signing.fingerprint.clone());
    let known = match &signer {
        Some(signer) if extent == Extent::Full => ledger.signatures(signer)?,
        _ => HashMap::new(),
    };
    let signatory = Signatory { known, fresh: Mutex::default(), keyring: job.keyring };

    let version = document_version(job.plan);
    let documents =
        version.map_or_else(Vec::new, |version| document::documents(workspace, version.version, &version.date, job.now));

    let editions = if extent == Extent::Full { document::editions(job, &documents, &signatory)? } else { Vec::new() };
    let views: BTreeMap<Lang, DocumentView> = documents
        .iter()
        .map(|shared| {
            let document = shared.thing();
            let view = DocumentView {
                html: document.html(),
                version: document.version().to_string(),
                date: document.date().clone(),
                text_path: (extent == Extent::Full).then(|| text_path(settings, document.lang())),
                editions: document::views(workspace, &editions, document.lang()),
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
    let put = |file: Shareable<Artefact, Public>| -> Result<(), PublishError> {
        stage.put(&file)?;
        Ok(())
    };
    site::render(&shop, public, &put).map_err(|error| match error {
        site::SiteError::Render(error) => PublishError::Render(error),
        site::SiteError::Sink(error) => error,
    })?;
    if extent == Extent::Full {
        twins(job, &shop, &signatory, &put)?;
        document::files(job, &editions)?.into_iter().try_for_each(put)?;
    }
    job.watch.end();
    let signatures = signatory.fresh.into_inner().expect("nobody panics with the signatures in hand");
    Ok(Kept { signatures, signer, editions })
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
                advisory.make::<Twin>(room)?.make::<Vec<Artefact>>(signatory)?.each().try_for_each(put)?;
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

/// Records what now stands on the site.
pub(super) fn record(job: &Job<'_>, ledger: &mut Ledger) -> Result<(), PublishError> {
    let batch = ledger.batch()?;
    for (id, _, change) in &job.plan.site {
        match (change, job.workspace.advisory(id)) {
            (Change::Disappears, _) | (_, None) => batch.site_removed(id)?,
            (_, Some(advisory)) => batch.site_published(id, &advisory.revision().number, advisory.digest, job.now)?,
        }
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
