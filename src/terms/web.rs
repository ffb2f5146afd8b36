//! Addresses of the web that need no parser.

/// The host of an address that every parser reads as it stands, and would write in the same way again; nearly all are so
/// plain. `None` says nothing: then a parser has to be asked.
pub fn plain_host(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split_at(rest.find('/')?);
    // No port, no user, no address in numbers, nothing that is not as it looks (`xn--`).
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let fits = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-';
        let ends = |c: Option<&u8>| c.is_some_and(|c| *c != b'-');
        bytes.iter().all(fits)
            && ends(bytes.first())
            && ends(bytes.last())
            && label.get(2..4) != Some("--")
    };
    let is_name = host.split('.').all(label)
        && host
            .rsplit('.')
            .next()
            .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
    // Nothing that is encoded by some, and no step up or on the spot, in whatever disguise.
    let (mut before, mut fragments) = (b' ', 0);
    let fits = |c: u8| {
        let steps = matches!((before, c), (b'/', b'.') | (b'%', b'2'));
        fragments += usize::from(c == b'#');
        before = c;
        !steps && fragments < 2 && PATH[usize::from(c)]
    };
    (is_name && path.bytes().all(fits)).then_some(host)
}

/// Which bytes a path, a query or a fragment may have.
const PATH: [bool; 256] = {
    let (mut path, signs, mut at) = ([false; 256], b"-_~/?=&,;:+@$!*()%#.", 0);
    while at < signs.len() {
        path[signs[at] as usize] = true;
        at += 1;
    }
    at = 0;
    while at < 256 {
        path[at] |= (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    path
};

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    #[test]
    fn a_parser_says_the_same_of_what_is_plain() {
        let parts = [
            "https://",
            "http://",
            "ftp://",
            "a",
            "b.example",
            "example.org",
            "1",
            "0x7f",
            "-",
            "--",
            "xn--",
            ".",
            "/",
            "//",
            "..",
            "%2e",
            "%",
            "?",
            "#",
            "&",
            "=",
            "@",
            ":",
            ":80",
            "[",
            "\\",
            " ",
            "\t",
            "\u{e9}",
            "A",
            "|",
            "^",
            "{",
            "'",
            "\"",
            "q=1",
            "~x",
        ];
        let mut seed = 1_u64;
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize
        };
        let mut plain = 0;
        for _ in 0..200_000 {
            let start = [
                "https://www.example.org/",
                "https://",
                "http://a.b.example/x/",
            ][next() % 3];
            let url: String = std::iter::once(start)
                .chain((0..next() % 7).map(|_| parts[next() % parts.len()]))
                .collect();
            let Some(host) = plain_host(&url) else {
                continue;
            };
            plain += 1;
            let parsed = Url::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (parsed.as_str(), parsed.host_str()),
                (url.as_str(), Some(host))
            );
        }
        assert!(plain > 5_000, "{plain}");
    }

    #[test]
    fn the_usual_addresses_are_plain() {
        for url in [
            "https://nvd.nist.gov/vuln/detail/CVE-2026-1234",
            "https://x.example/a?b=c&d=%41#e",
        ] {
            assert!(plain_host(url).is_some(), "{url}");
        }
        for url in [
            "https://x.example",
            "https://127.0.0.1/",
            "https://x.example:8080/",
            "HTTPS://x.example/",
            "https://x.example/../y",
        ] {
            assert_eq!(plain_host(url), None, "{url}");
        }
    }
}
