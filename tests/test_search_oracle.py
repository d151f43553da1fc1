"""Set algebra: a search finds what a slow and simple look at each article finds."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from feedhub.article import Article, Author, Provider
from feedhub.catalog import Catalog
from feedhub.catalog.search_index import texts_of
from feedhub.config import load_config
from feedhub.formats import FORMATS
from feedhub.selection import MAX_LIMIT, make_selection
from feedhub.site import Site, source_of
from feedhub.sources import ReadResult, SourceFile
from tests.golden.sample import NOTHING
from tests.kit import NOW

LABELS = ["AI", "Law & Order", "C++", "C#", "日本"]
SLUGS = ["ai", "law-order", "c-plus-plus", "c-sharp", "日本"]
PEOPLE = ["Ann Lee", "Bob", "Ann"]
PAPERS = ["CNET", "The Next Web", "Café Daily"]
VOCABULARY = ["robot", "robots", "learn", "law", "a", "new", "york", "york's", "2020", "x-ray"]
TEXT = st.lists(st.sampled_from(VOCABULARY), max_size=6).map(" ".join)
DATES = st.sampled_from(["2020-06-01T00:00:00", "2020-06-08T11:00:00", "2021-01-01T00:00:00"])


@st.composite
def articles(draw, number: int) -> Article:
    published = datetime.fromisoformat(draw(DATES)).replace(tzinfo=UTC)
    return Article(
        id=f"tag:x,2026:{number}",
        slug=f"s{number}",
        title=draw(TEXT) or "Untitled",
        summary=draw(TEXT),
        content_html=draw(TEXT.map(lambda text: f'<p title="robot > law">{text} <b>bold</b></p>')),
        url=f"https://news.example/{number}",
        published=published,
        updated=published,
        provider=draw(st.none() | st.sampled_from(PAPERS).map(lambda name: Provider(name=name))),
        authors=tuple(Author(name=name) for name in draw(up_to_three(PEOPLE))),
        topics=draw(up_to_three(LABELS)),
        categories=draw(up_to_three(LABELS)),
        quality=draw(st.none() | st.sampled_from([0.0, 50.0, 79.5, 90.0])),
    )


def up_to_three(names: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), max_size=3, unique=True).map(tuple)


def label_values(labels: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([*labels, "nobody"]), min_size=1, max_size=3)


TERM = st.sampled_from(
    [
        "robot",
        "robot*",
        "-law",
        '"new york"',
        '-"new york"',
        '"learn rob"*',
        "x-ray",
        "ROBOTS",
        "s*",
    ]
)
PARAMETERS = {
    "topic": label_values(LABELS + SLUGS),
    "category": label_values(LABELS),
    "provider": label_values([*PAPERS, "the-next-web"]),
    "author": label_values([*PEOPLE, "ann-lee"]),
    "not_topic": label_values(LABELS + SLUGS),
    "not_category": label_values(LABELS),
    "not_provider": label_values(PAPERS),
    "not_author": label_values(PEOPLE),
    "min_quality": st.sampled_from([["0"], ["50"], ["79.6"]]),
    "since": st.sampled_from([["2020-06-08"], ["2020-06-08T11:00:01"], ["2020-06-01"]]),
    "q": st.lists(TERM, min_size=1, max_size=3).map(lambda terms: [" ".join(terms)]),
    "limit": st.sampled_from([["1"], ["3"], [str(MAX_LIMIT)]]),
}
# Few at once: a search with all parameters finds nothing.
SEARCHES = st.lists(
    st.sampled_from(sorted(PARAMETERS)), min_size=1, max_size=3, unique=True
).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: PARAMETERS[name] for name in names},
        optional={"all": st.sampled_from([["1"], ["0"]])},
    )
)


# The oracle: one article after the other, without an index.


def is_selected(article: Article, parameters: dict[str, list[str]]) -> bool:
    """Tell whether an article meets a search, by the words of the documentation."""
    facets = {
        "topic": set(article.topics),
        "category": set(article.categories),
        "provider": {article.provider.name} if article.provider else set(),
        "author": {author.name for author in article.authors},
    }
    for facet, labels in facets.items():
        has = [is_name_of(value, labels) for value in parameters.get(facet, [])]
        if has and not (all(has) if parameters.get("all") == ["1"] else any(has)):
            return False
        if any(is_name_of(value, labels) for value in parameters.get(f"not_{facet}", [])):
            return False
    if "min_quality" in parameters and not (
        article.quality is not None and article.quality >= float(parameters["min_quality"][0])
    ):
        return False
    if "since" in parameters:
        since = datetime.fromisoformat(parameters["since"][0]).replace(tzinfo=UTC)
        if article.published < since:
            return False
    return all(has_term(article, term) for term in split_terms(parameters.get("q", [""])[0]))


def is_name_of(value: str, labels: set[str]) -> bool:
    slug_of = dict(zip(LABELS, SLUGS, strict=True)) | {
        "CNET": "cnet", "The Next Web": "the-next-web", "Ann Lee": "ann-lee",
    }  # fmt: skip
    return any(value.lower() == label.lower() or value == slug_of.get(label) for label in labels)


def split_terms(q: str) -> list[str]:
    return re.findall(r'-?"[^"]*"\*?|\S+', q)


def has_term(article: Article, term: str) -> bool:
    bare = term.lstrip("-").lower()
    pattern = r"\b" + r"\W+".join(re.findall(r"\w+", bare)) + ("" if bare.endswith("*") else r"\b")
    names = [*article.topics, *article.categories, *(author.name for author in article.authors)]
    names += [article.provider.name] if article.provider else []
    body = re.sub(r'<p title="[^"]*">|</p>|<b>|</b>', " ", article.content_html)
    texts = [article.title, article.summary, body, *names]
    found = any(re.search(pattern, text.lower()) for text in texts)
    return not found if term.startswith("-") else found


def expected(found: list[Article], parameters: dict[str, list[str]]) -> list[str]:
    chosen = sorted(
        (article for article in found if is_selected(article, parameters)),
        key=lambda article: (-article.published.timestamp(), article.id),
    )
    return [article.id for article in chosen[: int(parameters.get("limit", ["50"])[0])]]


# The subject: a catalog that has synced the articles.


@dataclass
class MemorySource:
    """A source of articles without files; `version` tells its states apart."""

    articles: list[Article]
    version: int = 0
    key: str = "memory"
    signature: str = "memory"
    collection: str = ""

    def check(self) -> None:
        """Find nothing wrong."""

    def watch(self, stop: threading.Event, output: Path | None = None) -> Iterator[set[str] | None]:
        """Never change."""
        yield set()

    def scan(self):
        return [
            SourceFile(article.id, f"{self.version} {article!r}".encode())
            for article in self.articles
        ]

    def settle(self) -> None:
        """Return at once."""

    def read(self, path: str, now: datetime) -> ReadResult:
        (article,) = (one for one in self.articles if one.id == path)
        return ReadResult(state="shown", article=article)

    def locate(self, path: str) -> str:
        return path


def site_of(catalog: Catalog, parameters: dict[str, list[str]]) -> Site:
    custom = {name: value for name, value in parameters.items() if name not in ("limit", "all")}
    for name in ("since", "q"):
        if name in custom:
            custom[name] = custom[name][0]  # type: ignore[assignment]
    if "min_quality" in custom:
        custom["min_quality"] = float(custom["min_quality"][0])  # type: ignore[assignment]
        if not custom["min_quality"]:
            del custom["min_quality"]
    custom["all"] = parameters.get("all") == ["1"]  # type: ignore[assignment]
    keys = {"feeds.search": "yes", "feeds.limit": 10_000, "feeds.kinds": ["all"]}
    named = {"feeds.custom": [{"name": "mine", **custom}]}
    return Site(catalog, load_config(None, {}, keys | named))


def ids(site: Site, path: str) -> list[str]:
    return [item["id"] for item in json.loads(site.document(site.plan()[path]).body)["items"]]


def search_ids(site: Site, parameters: dict[str, list[str]]) -> list[str]:
    planned = site.on_demand(make_selection(parameters), FORMATS["json"])
    assert planned
    return [item["id"] for item in json.loads(site.document(planned).body)["items"]]


@settings(max_examples=settings().max_examples // 4)
@given(
    data=st.data(),
    count=st.integers(0, 16),
    searches=st.lists(SEARCHES, min_size=8, max_size=8),
)
def test_searches_equal_the_oracle(data, count, searches):
    first = [data.draw(articles(number)) for number in range(count)]
    with closing(Catalog(None)) as catalog:
        site = site_of(catalog, searches[0])
        source = MemorySource(first)
        site.sync(source, NOW)
        for _ in range(2):
            with site.snapshot():
                whole = {"limit": ["200"]}
                for search in searches:
                    assert search_ids(site, search) == expected(source.articles, search)
                named = searches[0] | whole
                if named.get("min_quality") != ["0"]:
                    assert ids(site, "custom/mine.json") == expected(source.articles, named)
            # Some articles are edited, some withdrawn, some new: searches find them at once.
            kept = [one for one in first if data.draw(st.booleans())]
            edited = [replace(one, quality=None, topics=("AI",)) for one in kept[:2]]
            new = [data.draw(articles(number)) for number in range(count, count + 2)]
            source = MemorySource([*edited, *kept[2:], *new], version=1)
            site.sync(source, NOW)


@cache
def seeds_site(folder):
    """Return a site with the seeds synced, and its articles."""
    config = load_config(None, {}, {"feeds.search": "yes", "feeds.limit": 10_000})
    catalog = Catalog(None)
    site = Site(catalog, config, drafts=True)
    assert site.sync(source_of(folder, config, drafts=True), NOW).rejected == 0
    return site, [article for _, article in catalog.articles()]


@settings(max_examples=settings().max_examples)
@given(data=st.data())
def test_searches_of_the_seeds_equal_the_oracle(seeds, data):
    site, real = seeds_site(seeds)
    assert len(real) == 5
    facets = {
        "topic": sorted({label for one in real for label in one.topics}),
        "category": sorted({label for one in real for label in one.categories}),
        "provider": sorted({one.provider.name for one in real if one.provider}),
    }
    word = st.sampled_from(
        sorted({w for one in real for w in re.findall("[a-z]{3,}", one.title.lower())})
    )
    parameters = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                **{name: label_values(labels) for name, labels in facets.items()},
                **{f"not_{name}": label_values(labels) for name, labels in facets.items()},
                "q": st.lists(word, min_size=1, max_size=2).map(lambda found: [" ".join(found)]),
                "min_quality": st.sampled_from([["50"], ["90"]]),
            },
        )
    )
    titles = [replace(one, content_html="", summary=one.summary) for one in real]
    assert search_ids(site, parameters) == expected(titles, parameters)


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p>H<sub>2</sub>O and <b>T</b>he <em>sea</em></p>", "h2o and the sea"),
        ("<p>one</p><p>two</p>", "one two"),
        (
            '<a href="https://a.example/?q=x>y">one</a><br>two<img alt="a > b">three',
            "one two three",
        ),
        ('<span title="not this > word">w</span>ord &amp; R&amp;D', "word r d"),
        ("<blockquote>quoted</blockquote><section>cut</section>", "quoted cut"),
        ("", ""),
    ],
)
def test_words_end_where_readers_see_them_end(html, found):
    assert texts_of(replace(NOTHING, content_html=html))[2] == found
