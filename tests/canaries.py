"""Canaries: marked words in every string that must not be published, and a search for them."""

from __future__ import annotations

import base64
import gzip
import html
import io
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

import brotli

from feedhub.cli import main
from tests.kit import files_below

WORD = "kanarikq"
_IN_BASE64 = [
    base64.b64encode(b"\0" * shift + WORD.encode())[2 + shift : 2 + shift + 7] for shift in range(3)
]
CANARY = re.compile(b"|".join([b"(?i:%b)" % WORD.encode(), *map(re.escape, _IN_BASE64)]))

ARTICLE = """---
id: tag:secret.example,2026:CANARY
title: Title CANARY
slug: slug-CANARY
excerpt: Excerpt CANARY
publishedDateTime: 2020-06-09T11:00:00Z
webUrl: https://secret.example/CANARY
ampWebUrl: https://secret.example/amp/CANARY
type: CANARY
note CANARY: a key
LABELS
images:
  - {url: "https://cdn.example/CANARY.jpg", title: "Picture CANARY", width: 800}
related:
  - title: Related CANARY
    webUrl: https://related.example/CANARY
    provider: {name: "Paper CANARY", domain: CANARY.example}
featuredContent: '<iframe src="https://www.youtube.com/embed/CANARY"></iframe>'
secured: "CANARY;CANARY=="
HIDDEN
---
Body CANARY with [a link](https://body.example/CANARY) and {{ CANARY }}.
"""
LABELS = """category: category CANARY
provider: {name: "Provider CANARY", domain: CANARY.example.com}
authors: [{name: "Author CANARY", url: "https://author.example/CANARY"}]
topics: [Topic CANARY]
tags: [Tag CANARY]"""
PUBLIC_LABELS = "category: news\ntopics: [AI]"
SECURED = """---
title: Public NUMBER
excerpt: A summary.
publishedDateTime: 2020-06-09T11:00:00Z
webUrl: https://public.example/NUMBER
ampWebUrl: https://public.example/amp/CANARY
category: news
topics: [AI]
provider: {name: Public, domain: public.example, secured: CANARY, images: [{secured: CANARY}]}
authors: [{name: Ann, secured: {deep: [CANARY, {deeper: CANARY}]}}]
images: [{url: "https://cdn.example/1.jpg", secured: "CANARY"}]
related:
  - {title: Other, webUrl: "https://other.example/", secured: CANARY}
secured:
  CANARY: CANARY
---
A body.
"""
# What hides an article for good, or until its time comes.
HIDES = {
    "unpublished": "published: false",
    "removed": "removed: true",
    "draft": "draft: true",
    "status": "status: draft",
    "status-hidden": "status: hidden",
    "excluded": "eleventyExcludeFromCollections: true",
    "future": "date: 2020-01-01\npublishDate: 2998-01-01T00:00:00Z",
    "expired": "expiryDate: 2020-06-10",
    "text": 'published: "false"',
    "no": "published: no",
    "zero": "published: 0",
    "null": "published: null",
    "empty": "published:",
    "word": "published: CANARY",
    "bad-status": "status: not CANARY",
    "twice": "published: true\npublished: false",
    "removed-text": 'removed: "true"',
}
# What makes a file unusable: it is not published, and an earlier version of it stays.
REJECTED = {
    "open-list": "broken: [CANARY",
    "open-quote": 'broken: "CANARY',
    "alias": "broken: *CANARY",
    "tag": "broken: !CANARY text",
    "indent": "broken:\n    a: CANARY\n  b: CANARY",
    "no-colon": "CANARY",
    "twice-title": "title: Again CANARY",
    "fence": "----",
    "control": "broken: CANARY \x01",
    "deep": "broken: " + "[" * 40 + "CANARY" + "]" * 40,
}


def canaries(text: str) -> str:
    """Replace each CANARY by a word of its own."""
    numbers = itertools.count()
    return re.sub("CANARY", lambda _: f"{WORD}{next(numbers):03}", text)


def secret(hidden: str = "", labels: str = LABELS) -> str:
    """Return an article full of canaries, hidden by a line."""
    text = ARTICLE.replace("LABELS", labels).replace("HIDDEN", hidden or "x: y")
    if "publishDate:" in hidden:
        text = text.replace("publishedDateTime: 2020-06-09T11:00:00Z\n", "")
    return canaries(text)


def undated() -> str:
    return secret().replace("publishedDateTime: 2020-06-09T11:00:00Z\n", "")


class Workspace:
    """A folder with a source, an output, a catalog and a cache, and all that feedhub printed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source, self.out = root / "source", root / "out"
        self.catalog = root / "catalog" / "catalog.sqlite"
        self.printed = ""
        for number in range(3):
            self.write(f"public-{number}.md", canaries(SECURED.replace("NUMBER", str(number))))

    def write(self, name: str, text: str | bytes) -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(self, *arguments: str | Path) -> int:
        """Run one command and add its output to `printed`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([str(argument) for argument in arguments])
        self.printed += out.getvalue() + err.getvalue()
        return code

    def render(self, *flags: str) -> int:
        return self.run("render", self.source, self.out, "--catalog", self.catalog, *flags)

    def sync(self, *flags: str) -> int:
        return self.run("sync", self.source, "--catalog", self.catalog, *flags)

    def print_all(self) -> None:
        """Run every command that prints something about the source."""
        for form in ("text", "json", "github"):
            self.run("check", self.source, "--format", form)
        self.run("feeds", self.source)
        self.run("feeds", self.source, "--json")

    def leaks(self) -> list[str]:
        """Return the files and outputs with a canary in any encoding; the source does not count."""
        found = {
            path: body
            for path, body in files_below(self.root).items()
            if not path.startswith("source/")
        }
        found |= {f"name {path}": path.encode() for path in found} | {
            "printed": self.printed.encode()
        }
        return [where for where, body in found.items() if any(map(CANARY.search, disguises(body)))]


def disguises(body: bytes) -> Iterator[bytes]:
    """Yield the bytes as they are, and decoded in every way that may hide a word."""
    yield body
    for undo in (gzip.decompress, brotli.decompress):
        with suppress(OSError, EOFError, brotli.error):
            body = undo(body)
            yield body
    yield unquote_to_bytes(body)
    yield html.unescape(body.decode("utf-8", "replace")).encode()
    with suppress(ValueError):
        yield json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
