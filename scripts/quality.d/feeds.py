"""Feeds as a feed reader understands them: paths on standard input, faults on standard output."""
import os
import sys

import feedparser

root, faulty = sys.argv[1], False
for path in sys.stdin.read().split("\n"):
    if not path:
        continue
    with open(os.path.join(root, path), "rb") as f:
        feed = feedparser.parse(f.read())
    said = []
    if feed.bozo:
        said.append(f"not well-formed: {feed.bozo_exception}")
    if not feed.version:
        said.append("not a feed")
    if not feed.feed.get("title") or not feed.feed.get("link"):
        said.append("no title or no link")
    ids = [entry.get("id") for entry in feed.entries]
    if None in ids or len(set(ids)) != len(ids):
        said.append("entries without an id, or two with the same")
    for entry in feed.entries:
        if not entry.get("link", "").startswith("http") or not entry.get("title"):
            said.append(f"{entry.get('id')}: no title or no link")
        if not (entry.get("published_parsed") or entry.get("updated_parsed")):
            said.append(f"{entry.get('id')}: no date that a reader understands")
        if not any(content.value for content in entry.get("content", [])):
            said.append(f"{entry.get('id')}: no text")
    faulty = faulty or bool(said)
    for line in said:
        print(f"{path}: {line}")
sys.exit(1 if faulty else 0)
