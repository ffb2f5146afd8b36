use super::{Wrong, shorten};
use std::{fmt, str::FromStr, sync::Arc};

/// A language tag (BCP 47, the simple forms): `en`, `ru`, `sr-Latn`, `pt-BR`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lang(Arc<str>);

impl Lang {
    /// English, the language of the built-in words.
    pub fn english() -> Lang {
        Lang("en".into())
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is written from right to left.
    pub fn is_rtl(&self) -> bool {
        let primary = self.0.split('-').next().unwrap_or_default();
        let script = self.0.split('-').find(|part| part.len() == 4);
        match script {
            Some(script) => matches!(script, "Arab" | "Hebr" | "Thaa" | "Syrc"),
            None => matches!(
                primary,
                "ar" | "he" | "fa" | "ur" | "ps" | "dv" | "yi" | "ug" | "sd" | "ckb"
            ),
        }
    }
}

impl FromStr for Lang {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Lang, Wrong> {
        let mut parts = text.split('-');
        let primary = parts.next().unwrap_or_default();
        let ok = (2..=3).contains(&primary.len())
            && primary.bytes().all(|c| c.is_ascii_lowercase())
            && text.len() <= 24
            && parts.all(|p| {
                (2..=8).contains(&p.len()) && p.bytes().all(|c| c.is_ascii_alphanumeric())
            });
        if ok {
            return Ok(Lang(text.into()));
        }
        Err(
            Wrong::new(format!("`{}` is not a language tag", shorten(text)))
                .hint("write it as `en`, `ru` or `sr-Latn` (BCP 47)"),
        )
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
