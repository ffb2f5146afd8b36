//! Facts as bytes and back. Words are written as people write them and read by their own parsers, so that whatever the
//! bytes are, what comes out is well formed.

use crate::{
    advisory::{Advisory, Affected, Parsed, Reader, References, Revision, Score, Text},
    artefact::Digest,
    diag::Span,
    terms::{Cvss, Lang, Moment},
};
use std::{collections::BTreeMap, fmt::Display, str::FromStr, sync::Arc};

/// Writes the facts of an advisory, and the places of what is judged together with others.
pub fn encode(to: &mut Encoder, parsed: &Parsed) {
    // Each field is named here, so that a new one cannot be forgotten.
    let Parsed {
        advisory,
        id: id_span,
        dated,
        audience: readers,
    } = parsed;
    let Advisory {
        id,
        kind,
        status,
        date,
        tlp,
        severity,
        audience: _, // the same as `readers`
        embargo,
        cves,
        cvss,
        cwes,
        affected,
        references: _, // in their file, as the texts are
        revisions,
        lang,
        texts: _,       // written by who knows their files
        attachments: _, // what has any is not remembered
        digest,
        path: _,
    } = advisory;
    to.text(id.as_str());
    to.word(kind);
    to.word(status);
    to.word(date);
    to.word(tlp);
    to.word(severity);
    to.many(readers, |to, (reader, span)| {
        to.word(reader);
        to.span(*span);
    });
    to.maybe(embargo.as_ref(), Encoder::word);
    to.many(cves, Encoder::word);
    to.many(cvss, |to, score| {
        to.maybe(score.cve.as_ref(), Encoder::word);
        to.text(score.cvss.vector());
        // Computing ten thousand scores takes longer than reading all the rest.
        to.numbers(&[score.cvss.score().to_bits().cast_signed()]);
    });
    to.many(cwes, Encoder::word);
    to.many(affected, |to, one| {
        let Affected {
            vendor,
            product,
            versions,
            fixed,
        } = one;
        [vendor, product, versions]
            .into_iter()
            .for_each(|text| to.text(text));
        to.maybe(fixed.as_ref(), |to, fixed| to.text(fixed));
    });
    to.many(
        revisions,
        |to,
         Revision {
             number,
             date,
             summary,
         }| {
            to.text(number);
            to.word(date);
            to.text(summary);
        },
    );
    to.word(lang);
    to.digest(digest);
    to.span(*id_span);
    to.span(*dated);
}

/// Reads what [`encode`] wrote. `texts`: the original under no language, and the translations.
pub fn decode(
    from: &mut Decoder<'_>,
    path: Arc<str>,
    texts: Vec<(Option<Lang>, Text)>,
    references: References,
) -> Option<Parsed> {
    let id = from.word()?;
    let (kind, status, date) = (from.word()?, from.word()?, from.word::<Moment>()?);
    let (tlp, severity) = (from.word()?, from.word()?);
    let readers: Vec<(Reader, Span)> = from.many(|from| Some((from.word()?, from.span()?)))?;
    let embargo = from.maybe(Decoder::word)?;
    let cves = from.many(Decoder::word)?;
    let cvss = from.many(|from| {
        Some(Score {
            cve: from.maybe(Decoder::word)?,
            cvss: from.cvss()?,
        })
    })?;
    let cwes = from.many(Decoder::word)?;
    let affected = from.many(|from| {
        Some(Affected {
            vendor: from.own()?,
            product: from.own()?,
            versions: from.own()?,
            fixed: from.maybe(Decoder::own)?,
        })
    })?;
    let revisions = from.many(|from| {
        Some(Revision {
            number: from.own()?,
            date: from.word()?,
            summary: from.own()?,
        })
    })?;
    let lang: Lang = from.word()?;
    let (digest, id_span, dated) = (from.digest()?, from.span()?, from.span()?);
    let own =
        |(of, text): (Option<Lang>, Text)| (of.unwrap_or_else(|| lang.clone()), Box::new(text));
    let texts: BTreeMap<Lang, Box<Text>> = texts.into_iter().map(own).collect();
    if !from.is_at_end() || revisions.is_empty() || !texts.contains_key(&lang) {
        return None;
    }
    let audience = readers.iter().map(|(reader, _)| reader.clone()).collect();
    let advisory = Advisory {
        id,
        kind,
        status,
        date,
        tlp,
        severity,
        audience,
        embargo,
        cves,
        cvss,
        cwes,
        affected,
        references,
        revisions,
        lang,
        texts,
        attachments: Vec::new(),
        digest,
        path,
    };
    Some(Parsed {
        advisory,
        id: id_span,
        dated,
        audience: readers,
    })
}

/// Bytes in the making. Numbers have eight bytes, lengths and counts four.
#[derive(Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// For so many bytes.
    pub fn with_capacity(bytes: usize) -> Encoder {
        Encoder(Vec::with_capacity(bytes))
    }

    /// As they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// How many of something come.
    pub fn count(&mut self, count: usize) {
        let count = u32::try_from(count).expect("files are limited to a few megabytes");
        self.0.extend(count.to_le_bytes());
    }

    /// With the length before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }

    /// With the length before it.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A fixed number of them.
    pub fn numbers(&mut self, numbers: &[i64]) {
        numbers
            .iter()
            .for_each(|number| self.0.extend(number.to_le_bytes()));
    }

    /// All of it.
    pub fn digest(&mut self, digest: &Digest) {
        self.0.extend(digest.0);
    }

    fn word(&mut self, word: &impl Display) {
        self.text(&word.to_string());
    }

    fn span(&mut self, span: Span) {
        self.count(span.start);
        self.count(span.end);
    }

    fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Encoder, T)) {
        self.count(usize::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn many<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Encoder, &T)) {
        self.count(values.len());
        values.iter().for_each(|value| write(self, value));
    }

    /// All of them.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes that are read; `None` wherever they are not what was written.
pub struct Decoder<'b>(&'b [u8]);

impl<'b> Decoder<'b> {
    /// From the beginning.
    pub fn new(bytes: &'b [u8]) -> Decoder<'b> {
        Decoder(bytes)
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// How many of something come.
    pub fn count(&mut self) -> Option<usize> {
        let four: [u8; 4] = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    }

    /// With the length before them.
    pub fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.count()?;
        self.take(length)
    }

    /// With the length before it.
    pub fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// So many of them.
    pub fn numbers<const N: usize>(&mut self) -> Option<[i64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = i64::from_le_bytes(self.take(8)?.try_into().ok()?);
        }
        Some(numbers)
    }

    /// All of it.
    pub fn digest(&mut self) -> Option<Digest> {
        self.take(32)?.try_into().ok().map(Digest)
    }

    fn own(&mut self) -> Option<String> {
        self.text().map(str::to_string)
    }

    fn cvss(&mut self) -> Option<Cvss> {
        let vector = self.text()?;
        let [score] = self.numbers()?;
        Cvss::remembered(vector, f64::from_bits(score.cast_unsigned()))
    }

    fn word<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    fn span(&mut self) -> Option<Span> {
        Some(Span::new(self.count()?, self.count()?))
    }

    fn maybe<T>(&mut self, read: impl FnOnce(&mut Decoder<'b>) -> Option<T>) -> Option<Option<T>> {
        match self.count()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn many<T>(&mut self, mut read: impl FnMut(&mut Decoder<'b>) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        // A length that is a lie must not ask for more memory than there are bytes.
        let mut values = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            values.push(read(self)?);
        }
        Some(values)
    }

    fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        advisory::{self, Reference},
        diag::{Findings, Source},
    };

    const TEXT: &str = "---\nid: EX-2026-0001\nkind: alert\nstatus: withdrawn\ntitle: \"T\"\ndate: 2026-07-01T09:30:00+05:00\n\
        tlp: AMBER+STRICT\nseverity: high\naudience: [universities]\nembargo: 2026-07-03T12:00:00Z\ncves: [CVE-2026-12345]\n\
        cvss: [{cve: CVE-2026-12345, vector: \"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H\"}]\ncwes: [CWE-787]\n\
        affected: [{vendor: V, product: P, versions: \"< 2\", fixed: \"2\"}, {vendor: V, product: Q}]\n\
        references: [{title: R, url: \"https://example.com/\"}]\n\
        revisions: [{number: \"1\", date: 2026-07-01, summary: A}, {number: \"2\", date: 2026-07-02, summary: B}]\n---\nText\n";

    fn written() -> (Parsed, Vec<u8>) {
        let lang = Lang::english();
        let source = Source::new("advisories/EX-2026-0001.md", TEXT);
        let parsed = advisory::parse(&source, "EX-2026-0001", &lang, &mut Findings::new())
            .expect("a good advisory");
        let mut encoder = Encoder::default();
        encode(&mut encoder, &parsed);
        (parsed, encoder.finish())
    }

    fn read(bytes: &[u8]) -> Option<Parsed> {
        let text = Text {
            title: "T".into(),
            body: "Text\n".into(),
        };
        let references = vec![Reference {
            title: "R".into(),
            url: "https://example.com/".into(),
        }]
        .into();
        decode(
            &mut Decoder::new(bytes),
            "advisories/EX-2026-0001.md".into(),
            vec![(None, text)],
            references,
        )
    }

    #[test]
    fn what_is_remembered_is_what_was_read() {
        let (parsed, bytes) = written();
        assert_eq!(
            format!("{:?}", read(&bytes).expect("as it was written")),
            format!("{parsed:?}")
        );
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        let (_, bytes) = written();
        assert!((0..bytes.len()).all(|length| read(&bytes[..length]).is_none()));
        assert!(read(&[&bytes[..], b"x"].concat()).is_none());
    }
}
