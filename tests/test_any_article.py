"""Any file is either published correctly in every format, or rejected with a problem."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import feedparser
import yaml
from hypothesis import assume, event, example, given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace as changed

from feedhub.article import Article
from feedhub.formats import SUBSCRIBED, opml
from feedhub.kinds import KINDS
from tests.golden.sample import CHANNEL, NOTHING, STATE, sample_feed
from tests.index_pages import Balance
from tests.judges import atom, json_feed_schema, rss
from tests.kit import article_text, make_bench
from tests.strategies import DATE, FRONT_MATTER, NAMES, NONEMPTY, TEXT, URL, articles

SCHEMA = json_feed_schema()
GOOD = article_text("A good article", topics=["AI"])


@contextmanager
def bench_with(data: bytes, name: str):
    """Yield a synced bench with this file and a good one, and the changes of the sync."""
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder))
        bench.write("good.md", GOOD)
        (bench.root / name).write_bytes(data)
        yield bench, bench.sync()
        bench.catalog.close()


def check_published(data: bytes, name: str = "any.md") -> None:
    """Publish a file beside a good one: it is correct in all formats, or reported as a problem."""
    with bench_with(data, name) as (bench, changes):
        articles = {article.id: article for _, article in bench.catalog.articles()}
        documents = {path: document.body for path, document in bench.documents().items()}
        assert "A good article" in bench.titles()
        event(f"{len(articles)} published, {changes.rejected} rejected")
        errors = [problem for problem in changes.problems if problem.level == "error"]
        if errors:
            assert len(articles) == 1
            (error,) = errors
            assert error.path.endswith(name)
            assert error.code != "unexpected"
            assert error.line >= 1
        found = {path: judge(path, body, articles) for path, body in documents.items()}
        assert all(found[f"all{row.suffix}"] == articles.keys() for row in SUBSCRIBED.values())


def judge(path: str, body: bytes, articles: dict[str, Article]) -> set[str]:
    """Check one document by its format's rules, and its titles; return its ids."""
    if path.endswith(".html"):
        Balance(body.decode("utf-8"))
        return set()
    if path.endswith((".txt", ".ico", ".png")):
        return set()
    if path.endswith(".json"):
        document = json.loads(body.decode("utf-8"))
        assert [error.message for error in SCHEMA.iter_errors(document)] == []
        titles = {item["id"]: item["title"] for item in document["items"]}
    else:
        etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        if path.endswith((".opml", ".svg", ".xml")):
            return set()
        complaints = (atom if path.endswith(".atom") else rss).complaints(body)
        assert [line for line in complaints if not is_about_text(line)] == []
        titles = titles_of(body)
    known = {id_: articles[id_].title for id_ in titles}
    assert titles in (known, {id_: undo_double_encoding(title) for id_, title in known.items()})
    return set(titles)


def is_about_text(complaint: str) -> bool:
    """Tell whether a complaint may be wrong: texts may mention `&amp;` and `href=`."""
    return complaint.startswith("R9") or "the relative address" in complaint


def titles_of(body: bytes) -> dict[str, str]:
    parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return {entry.id: entry.title for entry in parsed.entries}


def undo_double_encoding(title: str) -> str:
    """Decode what looks encoded twice, as feedparser does: it takes `Ã©` for `é`."""
    with suppress(UnicodeError):
        return title.encode("iso-8859-1").decode("utf-8")
    return title


def file_with(fields: dict[str, object], body: str = "") -> bytes:
    """Return a file with these fields; what YAML or UTF-8 cannot hold becomes what they can."""
    matter = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)
    return f"---\n{matter}---\n{body}".encode("utf-8", "surrogatepass")


COMPLETE = yaml.safe_load(GOOD.split("---\n")[1]) | {
    "title": "Another",
    "webUrl": "https://news.example/other",
}


@given(fields=FRONT_MATTER, body=TEXT)
@example(fields={"id": "tag:<example>"}, body="")
def test_any_value_of_any_field(fields, body):
    check_published(file_with(COMPLETE | fields, body))


@given(name=st.sampled_from(NAMES), text=st.one_of(TEXT, URL, DATE))
def test_any_unquoted_text_of_any_field(name, text):
    matter = "".join(f"{key}: {value}\n" for key, value in COMPLETE.items() if key != name)
    check_published(f"---\n{matter}{name}: {text}\n---\n".encode("utf-8", "surrogatepass"))


@given(
    data=st.one_of(
        st.binary(max_size=200), TEXT.map(lambda text: f"---\n{text}".encode("utf-8", "replace"))
    )
)
def test_any_bytes(data):
    check_published(data)


@given(body=TEXT, suffix=st.sampled_from(["md", "html", "txt"]))
def test_any_body(body, suffix):
    check_published(file_with(COMPLETE, body), f"any.{suffix}")


@example(article=changed(NOTHING, title="Â¡"), kind="all", label="a", title="a")
@given(
    article=articles(),
    kind=st.sampled_from(sorted(KINDS.keys() - {"language"})),
    label=NONEMPTY,
    title=NONEMPTY,
)
def test_any_article_in_any_kind_of_feed(article, kind, label, title):
    assume(article.updated.year < 9999)
    slug = "q=any" if kind == "search" else STATE.slug
    state = replace(STATE, kind=kind, slug=slug, label=label, updated=article.updated)
    feed = sample_feed(replace(CHANNEL, title=title), state, (article,))
    for row in SUBSCRIBED.values():
        assert judge(row.suffix, feed.encode(row.name), {article.id: article}) == {article.id}
    judge(".opml", opml.encode(feed.channel, [(label, [feed])], ".rss"), {})
