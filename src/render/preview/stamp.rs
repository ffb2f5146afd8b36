//! The bar, put into a page that a workspace's own templates may have made: it has to be there whatever they are.

/// The page with the preview's bar as the first thing in its body. What the page says of scripts that may run in it is
/// taken out, since that of the preview comes with the answer.
pub fn stamped(html: &str, head: &str, banner: &str) -> String {
    let html = without_policy(html);
    let lower = html.to_ascii_lowercase();
    let head_ends = lower.find("</head>");
    let body = lower
        .find("<body")
        .and_then(|at| Some(at + lower[at..].find('>')? + 1));
    match (head_ends, body) {
        (Some(end), Some(body)) if end < body => [
            &html[..end],
            head,
            &html[end..body],
            "\n",
            banner,
            &html[body..],
        ]
        .concat(),
        _ => [head, banner, &html].concat(),
    }
}

fn without_policy(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let (mut out, mut from) = (String::with_capacity(html.len()), 0);
    for (at, _) in lower.match_indices("<meta") {
        let Some(end) = lower[at..].find('>').map(|end| at + end + 1) else {
            break;
        };
        if lower[at..end].contains("content-security-policy") {
            out.push_str(&html[from..at]);
            from = end;
        }
    }
    out.push_str(&html[from..]);
    out
}

/// Links that begin at the root of the site (`base`) begin at the root of the preview instead.
pub fn rooted(text: &str, base: &str, prefix: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = ["=\"/", "='/"]
        .iter()
        .filter_map(|sign| rest.find(sign))
        .min()
    {
        let (before, link) = rest.split_at(at + 2);
        out.push_str(before);
        let is_link = ["href", "src", "action"]
            .iter()
            .any(|name| before[..at].ends_with(name));
        if is_link && !link.starts_with("//") && !link.starts_with(prefix) {
            out.push_str(prefix);
            rest = link.strip_prefix(base).unwrap_or(&link[1..]);
        } else {
            out.push('/');
            rest = &link[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_stands_in_every_page() {
        let page = "<html><head><META http-equiv='Content-Security-Policy' content=\"default-src 'none'\"><title>T</title></head>\
                    <body class=\"x\"><p>text</p></body></html>";
        let made = stamped(page, "<link>", "<aside>bar</aside>");
        assert_eq!(
            made,
            "<html><head><title>T</title><link></head><body class=\"x\">\n<aside>bar</aside><p>text</p></body></html>"
        );
        assert_eq!(stamped("<p>bare", "<link>", "bar"), "<link>bar<p>bare");
    }

    #[test]
    fn links_stay_in_the_preview() {
        for (base, link, made) in [
            ("/", "<a href=\"/pgp/\">", "<a href=\"/t/pgp/\">"),
            ("/", "<a href='/'>", "<a href='/t/'>"),
            ("/", "<img src=\"/t/a.svg\">", "<img src=\"/t/a.svg\">"),
            ("/in/", "<a href=\"/in/pgp/\">", "<a href=\"/t/pgp/\">"),
            (
                "/",
                "<a href=\"//host/\" title=\"/x\">",
                "<a href=\"//host/\" title=\"/x\">",
            ),
            (
                "/",
                "<a href=\"https://host/\">",
                "<a href=\"https://host/\">",
            ),
        ] {
            assert_eq!(rooted(link, base, "/t/"), made);
        }
    }
}
