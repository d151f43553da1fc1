"""Fuzz a reader of untrusted bytes: `python -m tests.torture.fuzz TARGET CORPUS [OPTIONS]`.

Needs atheris. A target raises where a promise is broken; libFuzzer writes the input to a file.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["feedhub"]):
    from feedhub import dates, selection
    from feedhub.document import negotiation, preconditions
    from feedhub.errors import ArticleError
    from feedhub.formats.entries import encode_entry
    from feedhub.sources import ReadOptions, bodies, urls, values
    from feedhub.sources.reading import read_article, read_file
    from feedhub.stats import log_lines

from lxml import etree, html

from tests.golden.sample import CHANNEL

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
BASE = "https://feeds.example.org/site/"
OPTIONS = ReadOptions(authority="example.org,2026", base_url=BASE, unknown_keys=True)
ETAG = '"0123456789abcdef-rss-br"'
_CODES = {200, 304, 412}
_ACTIVE = {"script", "style", "iframe", "object", "embed", "form", "input", "svg", "math", "base"}


def text_of(data: bytes) -> str:
    """Return bytes as text in which lone surrogates may stand too."""
    return data.decode("utf-8", "surrogateescape")


def article(data: bytes) -> None:
    """A file is published in well-formed entries, or is rejected with a line and no surprise."""
    name = ("a.md", "a.html", "a.txt", "a.yml")[len(data) % 4]
    result = read_file(name, lambda _: data, "root", "", OPTIONS, NOW, lambda _: "")
    for problem in result.problems:
        assert problem.code != "unexpected", problem
        assert problem.line >= 1, problem
    if result.article is None:
        assert result.state != "shown"
        return
    entry = encode_entry(result.article, CHANNEL)
    for name in ("rss", "atom"):
        wrapped = b'<x xmlns:media="m" xmlns:content="c" xmlns:dc="d" xmlns:atom="a">%b</x>'
        etree.fromstring(wrapped % entry[name])
    assert json.loads(entry["json"])["id"] == result.article.id


def hidden(data: bytes) -> None:
    """What stands before or after the flag in a file that hides, it is not shown."""
    head = data.replace(b"\r", b"\n").partition(b"\n---")[0]
    for flag in (b"published: false", b"removed: true", b"draft: true", b"status: draft"):
        whole = b"---\n%b\n%b\n---\ntext" % (flag, head)
        with contextlib.suppress(ArticleError):
            result = read_article(
                "a.md", whole, root="root", generator="", options=OPTIONS, now=NOW
            )
            assert result.state not in ("shown", "scheduled", "plain"), whole
            assert result.article is None


def url(data: bytes) -> None:
    """An address is absolute, ASCII, http or https, and stays the same; or it is refused."""
    raw = text_of(data)
    for reader in (urls.absolute_url, urls.rooted_url):
        try:
            found = reader(raw, BASE)
        except urls.UrlError:
            continue
        assert found.startswith(("http://", "https://")), found
        assert found.isascii(), found
        assert not set(found) & set(' "<>\t\n\r\\`{}|^'), found
        assert urls.absolute_url(found, BASE) == found
        urls.image_media_type(found)


def date(data: bytes) -> None:
    """A date is read as an aware moment that can be written, or refused by ValueError alone."""
    text = text_of(data)
    with contextlib.suppress(ValueError):
        moment = values.parse_datetime(text)
        assert moment.tzinfo is not None
        dates.format_rfc822(moment)
        assert values.parse_datetime(dates.format_rfc3339(moment)) == moment
    with contextlib.suppress(ValueError):
        assert values.parse_duration(text) >= 0
    if (seconds := dates.parse_http_date(text)) is not None:
        assert dates.parse_http_date(dates.format_http_date(seconds)) == seconds


def precondition(data: bytes) -> None:
    """Any header field gets a status, and a list with the tag in it is always a match."""
    text = data.decode("latin-1")
    names = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
    for name in names:
        assert preconditions.evaluate({name: text}, ETAG, 1_700_000_000) in _CODES
    if text.count('"') % 2 == 0:
        conditions = {"if-none-match": f"{text}, {ETAG}"}
        assert preconditions.evaluate(conditions, ETAG, 0) == 304, text
    assert isinstance(negotiation.choose_coding(text), str)


def query(data: bytes) -> None:
    """A query is a selection whose own query gives the same selection, or is refused."""
    with contextlib.suppress(selection.SelectionError):
        found = selection.parse_query(data)
        canonical = selection.canonical_query(found)
        assert canonical_selection(canonical) == found, canonical


def canonical_selection(canonical: str) -> selection.Selection | str:
    """Return the selection of a canonical query, which is never refused."""
    try:
        return selection.parse_query(canonical.encode())
    except selection.SelectionError as error:
        return str(error)


def log_line(data: bytes) -> None:
    """Any chunk of an access log gives rows and errors, each line one of them."""
    rows, errors = log_lines.parse_lines(data)
    filled = [line for line in data.split(b"\n") if line.strip()]
    assert len(rows) + len(errors) == len(filled) or data.startswith(b"{")
    for line in filled:
        row = log_lines.parse_line(line)
        if not isinstance(row, str):
            log_lines.parse_request(row[3] if isinstance(row[3], tuple) else b"")


def sanitiser(data: bytes) -> None:
    """A cleaned body has no active element, handler or odd address, and stays as it is."""
    raw = text_of(data)
    for reader in (bodies.html_body, bodies.markdown_body):
        body = reader(raw, base=BASE)
        assert bodies.html_body(body, base=BASE) == body
        if not body.strip():
            continue
        tree = html.fragment_fromstring(body, create_parent="div")
        for element in tree.iter():
            assert isinstance(element.tag, str), body
            assert element.tag not in _ACTIVE, body
            for name, value in element.items():
                assert not name.startswith("on"), body
                assert name != "style", body
                if name in ("href", "src", "cite", "poster"):
                    more = ("mailto:", "tel:") if name == "href" else ()
                    assert value.startswith(("http://", "https://", *more)), body
        bodies.first_text(body)


#: A target and the inputs from which it starts.
TARGETS: dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]] = {
    "article": (
        article,
        (
            b"---\ntitle: A\npublished: 2020-01-01\nurl: https://a.example/x\ntopics: [AI, Law]\n"
            b"images:\n  - {url: https://a.example/i.png, width: 3}\nauthor: Jane\n---\n# Text\n",
            b"+++\ntitle = 'A'\ndate = 2020-01-01T00:00:00Z\ndraft = false\n+++\n<p>Text</p>",
        ),
    ),
    "hidden": (
        hidden,
        (b"title: A\ndate: 2020-01-01\nparams: {draft: false}", b"? published\n: true", b"- a"),
    ),
    "url": (url, (b"https://a.example/x?y=%20#z", b"//h/p", b"/x", b"http://[::1]:80/")),
    "date": (date, (b"2020-01-01 10:00 +0200", b"PT2H4M", b"Sun, 06 Nov 1994 08:49:37 GMT")),
    "precondition": (precondition, (b'W/"a", "b"', b"*", b"gzip;q=0.5, br")),
    "query": (query, (b"topic=ai&q=%22a+b%22+-c*&since=2020-01-01&limit=5", b"not_topic=a")),
    "log_line": (
        log_line,
        (
            b'1.2.3.4 - - [06/Nov/2026:08:49:37 +0000] "GET /a HTTP/1.1" 200 5 "-" "b"',
            b'{"ts":1.5,"status":200,"size":3,"request":{"method":"GET","uri":"/"}}',
        ),
    ),
    "sanitiser": (
        sanitiser,
        (b"<p onclick=x>a<img src=/b.png><iframe src=https://v.example>", b"[a](b) **c**\n\n<svg>"),
    ),
}


def main() -> None:
    """Run the target that the first argument names, with the corpus in the folder of the second."""
    target, seeds = TARGETS[sys.argv.pop(1)]
    for number, seed in enumerate(seeds):
        Path(sys.argv[1], f"seed{number}").write_bytes(seed)
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
