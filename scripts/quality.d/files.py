"""What can be said of a site's files without a browser."""
import html.parser
import os
import re
import urllib.parse

PAGE_BYTES = 60_000


class Page(html.parser.HTMLParser):
    """Where a page leads, and the places in it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("href", "src", "action", "data-engine") and value:
                self.links.append(value)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def links(root, pages, address):
    """Links to nowhere. Its own address is the one it was made for, or what its home page says of itself."""
    parsed = {path: Page(read(root, path)) for path in pages}
    own = {address}
    canonical = re.search(r'<link rel="canonical" href="(https?://[^"/]+)', read(root, "index.html")) if "index.html" in parsed else None
    if canonical:
        own.add(canonical.group(1))
    faults = []
    for path, page in parsed.items():
        for link in page.links:
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(f"{address}/{path}", link))
            if f"{parts.scheme}://{parts.netloc}" not in own:
                continue
            target = urllib.parse.unquote(parts.path).lstrip("/")
            if target == "" or target.endswith("/"):
                target += "index.html"
            if not os.path.isfile(os.path.join(root, target)):
                faults.append(f"{path}: leads to {link}, which is not there")
            elif parts.fragment and target in parsed and urllib.parse.unquote(parts.fragment) not in parsed[target].ids:
                faults.append(f"{path}: leads to {link}, and there is no such place on that page")
    return faults


def sizes(root, pages):
    return [f"{path}: {size} bytes" for path in pages if (size := os.path.getsize(os.path.join(root, path))) > PAGE_BYTES]


def vendored(repository, tools):
    """The engine in the repository is the released one, with its licence before it."""
    ours = read(repository, "templates/minisearch.js")
    theirs = read(tools, "node_modules/minisearch/dist/es/index.js")
    licence = read(tools, "node_modules/minisearch/LICENSE.txt")
    head, _, body = ours.partition("*/\n")
    faults = []
    if body != re.sub(r"\n//# sourceMappingURL=.*\n?$", "\n", theirs):
        faults.append("templates/minisearch.js is not the released minisearch")
    if " ".join(licence.split()) not in " ".join(head.split()):
        faults.append("templates/minisearch.js does not have its licence before it")
    return faults


def kinds(pages):
    """Some pages of each kind and language: all are made of few templates."""
    most = {"advisory": 12}
    chosen, seen = [], {}
    for path in pages:
        lang = re.match(r"[a-z]{2,3}(?:-[A-Za-z]+)?/", path)
        rest = path[lang.end():] if lang and os.path.dirname(path) + "/" != lang.group() + "x" else path
        if re.match(r"(advisories/(?=[^/]*[A-Za-z])(?!page/)[^/]+/index\.html)", rest):
            kind = "advisory"
        else:
            kind = re.sub(r"[^/]*\d[^/]*", "N", rest)
            kind = re.sub(r"^(vendor|severity|kind|language)/[^/]+/", r"\1/X/", kind)
        key = (lang.group() if lang else "", kind)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= most.get(kind, 1):
            chosen.append(path)
    return chosen
