//! Where a link may lead. The same judgement serves `lint`, which complains, and the makers, which leave out.

use url::Url;

/// What a link's address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// `http`, `https` or `ftp`.
    Remote,
    /// `mailto`.
    Mail,
    /// `#…`
    Fragment,
    /// `/…`
    Site,
    /// `name` or `../name`: means another page on each page.
    Relative,
    /// Everything else: a scheme that runs, reads or hides something.
    Dangerous,
}

/// Judges an address as a browser would read it.
pub(super) fn judge(url: &str) -> Target {
    // WHATWG URL, 4.4: "Remove any leading and trailing C0 control or space from input" and "Remove all ASCII
    // tab or newline from input". What needs either to be read is not an honest address.
    if url.chars().any(|c| c.is_control()) {
        return Target::Dangerous;
    }
    let url = url.trim();
    let scheme = url
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .filter(|scheme| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
    let is = |known: &str| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(known));
    match scheme {
        Some(_) if is("https") || is("http") || is("ftp") => Target::Remote,
        Some(_) if is("mailto") => Target::Mail,
        Some(_) => Target::Dangerous,
        None if url.starts_with('#') => Target::Fragment,
        // `//host/` and `/\host/` lead to another host with a scheme that nobody chose.
        None if url.starts_with("//") || url.contains('\\') => Target::Dangerous,
        None if url.starts_with('/') => Target::Site,
        None => Target::Relative,
    }
}

/// The address in ASCII with everything encoded that RFC 3986 does not allow; `None` for what no client
/// could follow, such as `http://example.com%2F127.0.0.1/`.
pub(super) fn encoded(url: &str) -> Option<String> {
    let url = url.trim();
    match judge(url) {
        Target::Dangerous => return None,
        Target::Remote => {
            let parsed = Url::parse(url).ok()?;
            // A host outside ASCII is written in its `xn--` form by the parser, which is what a mail needs.
            if !url.is_ascii() {
                return Some(escape(parsed.as_str()));
            }
            let rest = url.split_once(':').map_or("", |(_, rest)| rest);
            // `http:host` is read by browsers, but it is not an address; nor is one whose user part hides the host.
            if !rest.starts_with("//")
                || !parsed.username().is_empty()
                || parsed.password().is_some()
            {
                return None;
            }
        }
        Target::Mail | Target::Fragment | Target::Site | Target::Relative => {}
    }
    Some(escape(url))
}

fn escape(url: &str) -> String {
    let bytes = url.as_bytes();
    let host_ends = url.find("://").map_or(0, |at| {
        at + 3
            + url[at + 3..]
                .find(['/', '?', '#'])
                .unwrap_or(url.len() - at - 3)
    });
    let fragment = url.find('#').unwrap_or(url.len());
    let mut out = String::with_capacity(url.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let hex = |i: usize| bytes.get(at + i).is_some_and(u8::is_ascii_hexdigit);
        let fits = match byte {
            b'%' => hex(1) && hex(2),
            b'[' | b']' => at < host_ends,
            b'#' => at == fragment,
            b'-'
            | b'.'
            | b'_'
            | b'~'
            | b':'
            | b'/'
            | b'?'
            | b'@'
            | b'!'
            | b'$'
            | b'&'..=b','
            | b';'
            | b'=' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        match fits {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_seen_through_its_disguise() {
        for url in [
            "javascript:x",
            "JaVascript:x",
            " javascript:x",
            "\tjavascript:x",
            "java\nscript:x",
            "data:text/html,x",
        ] {
            assert_eq!(judge(url), Target::Dangerous, "{url:?}");
        }
        for url in [
            "file:///etc/passwd",
            "vbscript:x",
            "//evil.example",
            "/\\evil.example",
            "tel:1",
            "x:y",
        ] {
            assert_eq!(judge(url), Target::Dangerous, "{url:?}");
        }
        for url in [
            "http://mailto:a@b.example",
            "HTTPS://x.example",
            "ftp://x.example",
            "https://x/?q=javascript:1",
        ] {
            assert_eq!(judge(url), Target::Remote, "{url:?}");
        }
        assert_eq!(judge("a/b:c"), Target::Relative);
        assert_eq!(judge("/a:b"), Target::Site);
        assert_eq!(judge("#a:b"), Target::Fragment);
    }

    #[test]
    fn addresses_become_what_a_checker_takes() {
        let of = |url| encoded(url).unwrap_or_else(|| "-".into());
        assert_eq!(
            of("https://x.example/a b|c?d=[1]#e#f"),
            "https://x.example/a%20b%7Cc?d=%5B1%5D#e%23f"
        );
        assert_eq!(
            of("https://[2001:db8::1]/%zz%41"),
            "https://[2001:db8::1]/%25zz%41"
        );
        assert_eq!(
            of("https://пример.example/ж"),
            "https://xn--e1afmkfd.example/%D0%B6"
        );
        assert_eq!(of("http://example.com%2F127.0.0.1/"), "-");
        assert_eq!(of("http://mailto:a@b.example"), "-");
        assert_eq!(of("https:x"), "-");
        assert_eq!(of("http://"), "-");
        assert_eq!(of("https://who@x.example/"), "-");
        assert_eq!(of("https://x.example/%"), "https://x.example/%25");
        for unchanged in [
            "https://nvd.nist.gov/vuln/detail/CVE-2026-1234",
            "https://x.example/a?b=c&d=%41#e",
            "https://x.example",
            "https://x.example:8080/",
            "HTTPS://x.example/../y",
            "https://127.0.0.1/",
        ] {
            assert_eq!(of(unchanged), unchanged);
        }
    }
}
