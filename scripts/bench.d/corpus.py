#!/usr/bin/env python3
"""Writes advisories for the benchmarks, the same bytes for the same arguments.

    corpus.py OUT N [--real DIR] [--hugo OUT2]

OUT gets N files `ID.md` in the front matter of `advise`. With --real they are the advisories found in DIR,
repeated under fresh ids and dates until there are N; without it they are made up here, in the sizes that real
ones have: the tables below are quantiles measured on 468 published advisories, the words are our own.
--hugo writes each file a second time with `year:` in its front matter, which Hugo needs for its archive.
No clock, no network, nothing but the standard library.
"""
import argparse
import datetime
import itertools
import json
import os
import random
import re

FIRST_YEAR, YEARS, LAST_DAY = 2006, 20, datetime.date(2025, 12, 31)

# ---------------------------------------------------------------- measured: (share of advisories, value)
CVES = [(0, 1), (.575, 1), (.60, 2), (.69, 2), (.75, 3), (.85, 4.4), (.90, 6), (.95, 10), (.98, 18), (.99, 29), (1, 47)]
AFFECTED = [(0, 1), (.40, 1), (.50, 2), (.60, 2), (.70, 4), (.80, 6), (.85, 8), (.90, 11), (.95, 23), (.97, 31), (.98, 59), (.99, 128), (1, 186)]
REFERENCES = {  # by number of CVEs
    1: [(0, 3), (.1, 4), (.2, 6), (.5, 7), (.6, 8), (.7, 10), (.8, 11), (.9, 12), (.98, 13), (1, 18)],
    2: [(0, 3), (.1, 6), (.2, 8), (.5, 10), (.7, 12), (.8, 14), (.95, 17), (1, 22)],
    5: [(0, 5), (.1, 12), (.3, 14), (.5, 17), (.7, 22), (.8, 29), (.9, 39), (.97, 44), (1, 49)],
}
REVISIONS = [(0, 1), (.82, 1), (.83, 2), (.94, 2), (.97, 4), (.99, 7), (1, 10)]
SEVERITIES = [("critical", .271), ("high", .498), ("medium", .216), ("low", .015)]
# lengths in bytes, headings included
SUMMARY = [(0, 26), (.05, 73), (.2, 107), (.5, 153), (.8, 212), (.9, 304), (.95, 421), (.99, 582), (1, 922)]
CVE_SECTION = [(0, 291), (.10, 430), (.25, 489), (.5, 564), (.75, 658), (.9, 771), (.95, 898), (.99, 1781), (1, 3410)]
MITIGATION = [(0, 66), (.1, 204), (.3, 411), (.5, 722), (.7, 1070), (.85, 1538), (.95, 2492), (.98, 3325), (1, 6138)]
PRACTICES = [(0, 121), (.05, 862), (.2, 984), (.5, 1053), (.7, 1268), (.8, 1735), (.9, 2135), (.99, 2226), (1, 2939)]
THANKS = [(0, 60), (.2, 78), (.5, 94), (.8, 134), (.9, 186), (.97, 295), (1, 665)]

# ---------------------------------------------------------------- words
VENDORS = """Aldersea Controls|Brightmoor|Calder & Finch|Dunholm Automation|Eastlake Systems|Fernbank Networks|Garrow Instruments
Hollowbrook|Inverdale Software|Juniper Row|Kestrel Vale Electronics|Lowmark|Marlstone Medical|Northquay|Ostrava Drive Works
Pinecrest Data|Quillon|Ravensworth Power|Silverbeck|Thornaby Robotics|Umber Hill|Valewood Imaging|Westerhope|Yarrow & Sons""".replace("\n", "|").split("|")
PRODUCTS = """Gateway|Process Historian|Remote Terminal|Station Manager|Web Console|Motion Controller|Asset Monitor|Access Panel
Field Router|Batch Server|Patient Monitor|Flow Computer|Image Archive|Meter Concentrator|Edge Node|Panel Editor
Alarm Server|License Service|Fleet Portal|Update Agent|Safety Relay|Radio Modem|Data Logger|Charging Point""".replace("\n", "|").split("|")
WEAKNESSES = [
    ("CWE-20", "Improper Input Validation"), ("CWE-22", "Path Traversal"), ("CWE-78", "OS Command Injection"),
    ("CWE-79", "Cross-site Scripting"), ("CWE-89", "SQL Injection"), ("CWE-119", "Memory Buffer Bounds Not Kept"),
    ("CWE-121", "Stack-based Buffer Overflow"), ("CWE-122", "Heap-based Buffer Overflow"), ("CWE-125", "Out-of-bounds Read"),
    ("CWE-190", "Integer Overflow or Wraparound"), ("CWE-200", "Exposure of Sensitive Information"), ("CWE-287", "Improper Authentication"),
    ("CWE-306", "Missing Authentication for Critical Function"), ("CWE-352", "Cross-Site Request Forgery"), ("CWE-400", "Uncontrolled Resource Consumption"),
    ("CWE-416", "Use After Free"), ("CWE-476", "NULL Pointer Dereference"), ("CWE-502", "Deserialization of Untrusted Data"),
    ("CWE-522", "Insufficiently Protected Credentials"), ("CWE-611", "XML External Entity Reference"), ("CWE-787", "Out-of-bounds Write"),
    ("CWE-798", "Use of Hard-coded Credentials"), ("CWE-862", "Missing Authorization"), ("CWE-918", "Server-Side Request Forgery"),
]
WHO = ["an attacker on the same network", "a remote attacker without an account", "a user with few rights", "someone who can send a crafted packet",
       "an attacker who lures an operator to a page", "a local user", "anyone who reaches the management port"]
HOW = ["does not check the length of a field before copying it", "passes a file name to the shell unchanged", "trusts a header that the client sets",
       "keeps a fixed password in its firmware", "frees a session twice when a request is cut off", "answers requests before the session is checked",
       "reads past the end of a buffer when a message is malformed", "unpacks objects that arrive from outside", "puts what was typed into a page as it is"]
EFFECT = ["run code with the rights of the service", "stop the device until somebody restarts it", "read files that hold settings and passwords",
          "change the configuration", "take over the session of another user", "write outside the intended folder", "learn addresses of other devices"]
PART = ["the web interface", "the update service", "the file import", "the engineering protocol", "the login form", "the licence component", "the TLS library", "the report viewer"]
WHEN = ["when logging is turned on", "in its default configuration", "if the port is reachable", "while a project is being opened", "after a failed update", "on units with the older boot loader"]
ADVICE = ["Update to the version named above as soon as a maintenance window allows it.", "Keep the device behind a firewall and apart from the office network.",
          "Allow the management port from known addresses only.", "Turn off the service where it is not needed.",
          "Change the passwords that came with the device, also on units in storage.", "Use a VPN for remote work, and keep the VPN itself up to date.",
          "Open project files only from sources that you know.", "Look for unusual sign-ins in the logs of the last weeks.",
          "Make a backup of the configuration before the update, and test that it can be read back.", "Tell users to be careful with links and attachments in mail that they did not expect.",
          "Judge the effect and the risk on your own systems before protective measures go live.", "Report what looks like an attack to us, so that it can be compared with other cases.",
          "Follow the hardening guide of the vendor and review it once a year.", "Plan the replacement of units that no longer get updates."]
PEOPLE = ["Ada Quist", "Bruno Hale", "Chiara Nobel", "Daulet Serik", "Elif Aksoy", "Farid Noor", "Greta Lund", "Hamza Ortiz", "Ines Varga", "Jonas Petit"]
PLACES = ["Worldwide", "Europe and Central Asia", "North America", "Worldwide, except for one region", "South America, Africa"]
SEATS = ["Germany", "Japan", "United States", "Taiwan", "Switzerland", "Kazakhstan"]
SECTORS = ["Energy", "Water and Wastewater", "Health", "Transport", "Manufacturing", "Food and Agriculture, Manufacturing", "Energy, Water and Wastewater, Chemicals"]


def from_table(r, table):
    """A value drawn from a table of quantiles, linear between its rows."""
    u = r.random()
    for (p, v), (q, w) in zip(table, table[1:]):
        if u <= q:
            return v + (w - v) * (u - p) / (q - p)
    return table[-1][1]


def whole(r, table):
    return max(1, int(from_table(r, table) + 0.5))


def one(r, things):
    # Only `random()` itself is promised to stay the same from one Python to the next, so `choice` is not used.
    return things[int(r.random() * len(things))]


def fill(r, size, sentence, join=" "):
    """Sentences until about `size` bytes are there, one at least."""
    out, length = [], 0
    while not out or length + length / len(out) / 2 < size:
        out.append(sentence(r))
        length += len(out[-1].encode()) + len(join)
    return join.join(out)


def sentence(r):
    kind = int(r.random() * 4)
    if kind == 0:
        return f"In affected versions {one(r, PART)} {one(r, HOW)}, so {one(r, WHO)} could {one(r, EFFECT)}."
    if kind == 1:
        return f"{one(r, PART).capitalize()} {one(r, HOW)} {one(r, WHEN)}."
    if kind == 2:
        return f"With it {one(r, WHO)} may {one(r, EFFECT)} or {one(r, EFFECT)}."
    return f"{one(r, WHO).capitalize()} could use this to {one(r, EFFECT)}."


def step(r):
    if r.random() < 0.3:
        return f"- Update to version {version(r)} or later ([notes](<https://support.example.com/{one(r, PART)[4:].replace(' ', '-')}/{int(r.random() * 9e5)}>))"
    return "- " + " ".join(one(r, ADVICE) for _ in range(1 + int(r.random() * 4)))


def practice(r):
    return "- " + " ".join(one(r, ADVICE) for _ in range(2 + int(r.random() * 4)))


def version(r):
    return f"{1 + int(r.random() * 9)}.{int(r.random() * 20)}" + (f".{int(r.random() * 400)}" if r.random() < 0.6 else "")


# ---------------------------------------------------------------- CVSS 3
WEIGHT = {
    "AV": {"N": .85, "A": .62, "L": .55, "P": .2}, "AC": {"L": .77, "H": .44}, "UI": {"N": .85, "R": .62},
    "PR": {"U": {"N": .85, "L": .62, "H": .27}, "C": {"N": .85, "L": .68, "H": .5}},
    "CIA": {"H": .56, "L": .22, "N": 0},
}


def score(av, ac, pr, ui, s, c, i, a):
    """The base score of CVSS 3.1, section 7.1 of its specification."""
    iss = 1 - (1 - WEIGHT["CIA"][c]) * (1 - WEIGHT["CIA"][i]) * (1 - WEIGHT["CIA"][a])
    impact = 6.42 * iss if s == "U" else 7.52 * (iss - 0.029) - 3.25 * (iss - 0.02) ** 15
    if impact <= 0:
        return 0.0
    ease = 8.22 * WEIGHT["AV"][av] * WEIGHT["AC"][ac] * WEIGHT["PR"][s][pr] * WEIGHT["UI"][ui]
    hundred_thousandths = round(min((impact + ease) * (1 if s == "U" else 1.08), 10) * 100000)
    return (hundred_thousandths + 9999) // 10000 / 10  # rounded up to one decimal


def word(base):
    return "none" if base == 0 else "low" if base < 4 else "medium" if base < 7 else "high" if base < 9 else "critical"


VECTORS = {}
for m in itertools.product("NALP", "LH", "NLH", "NR", "UC", "HLN", "HLN", "HLN"):
    VECTORS.setdefault(word(score(*m)), []).append((score(*m), "/".join(map(":".join, zip(("AV", "AC", "PR", "UI", "S", "C", "I", "A"), m)))))
ORDER = ["low", "medium", "high", "critical"]


def vector(r, severity):
    base, text = one(r, VECTORS[severity])
    return base, f"CVSS:3.{int(r.random() * 2)}/{text}" + ("/E:P/RL:O/RC:C" if r.random() < 0.35 else "")


# ---------------------------------------------------------------- one advisory
def quoted(text):
    return json.dumps(text, ensure_ascii=False)  # what JSON quotes, YAML reads the same


def block(name, rows):
    if not rows:
        return [name + ": []"]
    return [name + ":"] + ["  - {" + ", ".join(f"{k}: {v}" for k, v in row) + "}" for row in rows]


def made_up(i, ident, day):
    r = random.Random(f"advise-{i}")
    vendor = one(r, VENDORS)
    series = [one(r, PRODUCTS) for _ in range(1 + int(r.random() * 3))]
    title = f"{vendor} {' and '.join(dict.fromkeys(series))}" + (f" ({one(r, WEAKNESSES)[1]})" if r.random() < 0.2 else "")

    u, severity = r.random(), None
    for severity, share in SEVERITIES:
        u -= share
        if u < 0:
            break
    count = whole(r, CVES)
    flaws = []
    for k in range(count):
        worst = ORDER.index(severity)
        base, text = vector(r, severity if k == 0 else ORDER[max(0, worst - int(r.random() * 2))])
        flaws.append((f"CVE-{day.year}-{(i * 61 + k * 7) % 90000 + 10000}", one(r, WEAKNESSES), base, text))

    affected = []
    for _ in range(whole(r, AFFECTED)):
        model = f"{one(r, series)} {one(r, 'ABCEFGKMRSTX')}{int(r.random() * 9000) + 100}" + (f" (article {int(r.random() * 9e6) + 10**6})" if r.random() < 0.5 else "")
        limit = version(r)
        affected.append((vendor, model, one(r, [f"< {limit}", f"<= {limit}", f"<V{limit}", f"vers:all/<V{limit}", f">= 1.0 | < {limit}", "*", f"All versions before\u200b {limit}"])))

    low = ident.lower()
    references = [("Advisory of the vendor, text version", f"https://security.example.com/notices/{day.year}/{low}.txt"),
                  (f"Advisory {ident}, machine readable version", f"https://cert.example.org/.well-known/csaf/white/{day.year}/{low}.json")]
    for k in range(whole(r, REFERENCES[1 if count == 1 else 2 if count < 5 else 5]) - 2):
        if k < count:
            references.append((f"{flaws[k][0]} in the vulnerability database", f"https://vulnerabilities.example.net/view/detail?id={flaws[k][0]}"))
        else:
            references.append((one(r, ["Recommended practices", "Guide to defence in depth", "support.example.com", f"{vendor}: hardening guide"]),
                               f"https://support.example.com/documents/{one(r, PRODUCTS).lower().replace(' ', '-')}/{int(r.random() * 9e7)}-hardening-and-operation.pdf"))

    days = [day]
    for _ in range(whole(r, REVISIONS) - 1):
        days.append(min(days[-1] + datetime.timedelta(1 + int(r.random() * 90)), LAST_DAY))
    revisions = [(n + 1, d, "Initial publication of this advisory" if n == 0 else one(r, ["Fixed versions added for more products", "Correction of the affected versions", "Mitigation extended"]))
                 for n, d in enumerate(days)]

    head = ["---", f"id: {ident}", "status: final", "title: " + quoted(title), f"date: {day}"]
    head += [f"updated: {days[-1]}"] if len(days) > 1 else []
    head += ["tlp: CLEAR", f"severity: {severity}", "audience: [public]", f"cves: [{', '.join(f[0] for f in flaws)}]"]
    head += block("cvss", [[("cve", f[0]), ("vector", quoted(f[3]))] for f in flaws])
    head += [f"cwes: [{', '.join(dict.fromkeys(f[1][0] for f in flaws))}]"]
    head += block("affected", [[("vendor", quoted(v)), ("product", quoted(p)), ("versions", quoted(x))] for v, p, x in affected])
    head += block("references", [[("title", quoted(t)), ("url", quoted(x))] for t, x in references])
    head += block("revisions", [[("number", f'"{n}"'), ("date", d), ("summary", quoted(s))] for n, d, s in revisions])

    body = ["## Summary", fill(r, from_table(r, SUMMARY) - 12, sentence)]
    if r.random() < 0.69:
        body += ["## Exploitation", one(r, ["No attack that uses this is known to us, and no exploit has been published.",
                                            "No exploit is known in public. The attack is not hard to carry out from an adjacent network.",
                                            "Working exploit code has been published; attacks have to be expected."])]
    body += ["## Vulnerability details"]
    for cve, (cwe, name), base, text in flaws:
        body += [f"### {cve}", f"**Weakness:** [{cwe}](https://cwe.mitre.org/data/definitions/{cwe[4:]}.html) {name}",
                 fill(r, from_table(r, CVE_SECTION) - 255, sentence),
                 f"| CVSS base score | Severity | Vector |\n|---:|---|---|\n| {base} | {word(base)} | `{text}` |"]
    body += ["## Mitigation"]
    parts = 1 + (r.random() < 0.5)
    size = from_table(r, MITIGATION) / parts
    for name in ("Vendor fix", "Workaround")[:parts]:
        body += [f"### {name}", fill(r, size - 25, step, "\n")]
    if r.random() < 0.974:
        body += ["## Recommended practices", fill(r, from_table(r, PRACTICES) - 26, practice, "\n")]
    if r.random() < 0.942:
        body += ["## Background", "| Item | Value |\n|---|---|\n" + "\n".join(
            f"| {k} | {one(r, v)} |" for k, v in (("Critical infrastructure sectors", SECTORS), ("Countries and areas of use", PLACES), ("Seat of the vendor", SEATS)))]
    if r.random() < 0.972:
        body += ["## Acknowledgements", fill(r, from_table(r, THANKS) - 22, lambda r: f"- {one(r, PEOPLE)} of {one(r, VENDORS)} found this and told the vendor about it", "\n")]
    return "\n".join(head) + "\n---\n\n" + "\n\n".join(body) + "\n"


# ---------------------------------------------------------------- real ones, repeated
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def again(text, lap, ident, day):
    """A real advisory under another id and date. Works on lines, so that all else stays byte for byte as it was."""
    old = re.search(r"^id: *(\S+)$", text, re.M).group(1)
    text = text.replace(old, ident).replace(old.lower(), ident.lower())
    head, body = re.match(r"---\n(.*?\n)---\n(.*)", text, re.S).groups()
    shift = day - datetime.date.fromisoformat(re.search(r"^date: *(\S{10})", head, re.M).group(1))

    def moved(match):
        return str(min(datetime.date.fromisoformat(match.group()) + shift, LAST_DAY))

    lines = []
    for line in head.splitlines():
        if re.match(r"(date|updated): ", line):
            line = DATE.sub(moved, line, count=1)
        elif re.match(r"  - \{number: ", line):
            line = re.sub(r'(?<=, date: )\d{4}-\d\d-\d\d(?=, )', moved, line, count=1)
        elif lap and line.startswith("title: "):
            line = re.sub(r'("?)$', rf" (copy {lap})\1", line, count=1)
        lines.append(line)
        if line.startswith("id: ") and not re.search(r"^status: ", head, re.M):
            lines.append("status: final")
    return "---\n" + "\n".join(lines) + "\n---\n" + body


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out")
    parser.add_argument("n", type=int)
    parser.add_argument("--real", metavar="DIR", help="repeat the advisories in DIR instead of making them up")
    parser.add_argument("--hugo", metavar="OUT2", help="write a copy of each with `year:` for Hugo")
    args = parser.parse_args()
    if args.n < 1:
        parser.error("N must be at least 1")
    real = []
    if args.real:
        for name in sorted(os.listdir(args.real)):
            if name.endswith(".md"):
                with open(os.path.join(args.real, name), encoding="utf-8", newline="") as f:
                    real.append(f.read())
        if not real:
            parser.error(f"no advisories in {args.real}")
    for folder in filter(None, (args.out, args.hugo)):
        os.makedirs(folder, exist_ok=True)

    numbers, sizes = {}, []
    for i in range(args.n):
        year = FIRST_YEAR + i * YEARS // args.n
        day = datetime.date(year, 1, 1) + datetime.timedelta(days=i * 7919 % 365)
        numbers[year] = numbers.get(year, 0) + 1
        ident = f"EX-{year}-{numbers[year]:04}"
        text = again(real[i % len(real)], i // len(real), ident, day) if real else made_up(i, ident, day)
        sizes.append(len(text.encode()))
        with open(os.path.join(args.out, ident + ".md"), "w", encoding="utf-8", newline="") as f:
            f.write(text)
        if args.hugo:
            with open(os.path.join(args.hugo, ident + ".md"), "w", encoding="utf-8", newline="") as f:
                f.write(text.replace("---\n", f'---\nyear: "{year}"\n', 1))
    sizes.sort()
    print(f"{args.n} advisories, {sum(sizes) / 1e6:.1f} MB: median {sizes[len(sizes) // 2]}, mean {sum(sizes) // len(sizes)}, "
          f"p90 {sizes[len(sizes) * 9 // 10]} bytes a file; {f'{len(real)} real ones, repeated' if real else 'made up'}")


if __name__ == "__main__":
    main()
