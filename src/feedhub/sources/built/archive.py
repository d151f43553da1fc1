"""Older pages, which a feed that stops at ten or twenty entries holds no more, and their gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from fnmatch import fnmatchcase
from functools import partial
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from feedhub.article import Author
from feedhub.dates import from_timestamp
from feedhub.feed_reader import ParsedEntry
from feedhub.feed_reader.xml import join
from feedhub.fingerprint import fingerprint
from feedhub.sources.bodies import all_text, html_body
from feedhub.sources.built.entries import SiteEntry
from feedhub.sources.built.folder import SiteFolder, path_of, trusted_stamp
from feedhub.sources.built.pages import (
    Element,
    PageFacts,
    PageMemory,
    compile_selector,
    facts_of,
    parse_page,
)
from feedhub.sources.built.rules import (
    MAX_SAMPLES,
    PageSample,
    Rules,
    count_words,
    date_of,
    learn_rules,
    title_of,
)

_KEY_BYTES = 8
_SAFE = "%/!$&'()*+,;=:@~?#"


class OlderPage(Struct, frozen=True, array_like=True):
    """What is known of a page of the site under some rules.

    `day` is a Unix time, None for a page that is no article. The title is kept only while the page
    is published. `may_be_found` is false for one that sends robots away, or to another page.
    `links` are the keys of the pages to which it links, one behind the other.
    """

    page: PageMemory
    title: str = ""
    day: int | None = None
    may_be_found: bool = False
    links: bytes = b""


class ArchiveMemory(Struct, frozen=True, array_like=True):
    """What an earlier look has learned: from which samples, which rules, and of each page."""

    samples: str = ""
    rules: Rules | None = None
    pages: dict[str, OlderPage] = {}


class Archive(NamedTuple):
    """The entries of older pages, and how many pages are younger than the feed allows."""

    older: list[SiteEntry]
    younger: int
    memory: ArchiveMemory


def find_older_pages(
    folder: SiteFolder,
    entries: list[SiteEntry],
    hashes: dict[str, bytes],
    memory: ArchiveMemory,
    *,
    ids: dict[str, str],
    prefix: str,
    exclude: tuple[str, ...],
    zone: tzinfo,
) -> Archive:
    """Return the pages that look like articles and are older than all entries of their feed.

    A page in no feed may be hidden on purpose. So it must also be linked from another page, may not
    ask robots to stay away, and must be the canonical one. A younger page was left out by whoever
    made the feed. `hashes` are those of the pages of `entries`, `ids` those that pages had while in
    a feed, `prefix` is the path below which the site is mounted.
    """
    key, rules = find_rules(folder, entries, hashes, memory, zone)
    if rules is None:
        return Archive([], 0, ArchiveMemory(samples=key))
    known = memory.pages if rules == memory.rules else {}
    read = OlderPages(folder, rules, prefix, zone)
    pages = {path: read.page(path, known.get(path)) for path in html_files(folder)}
    linked: set[bytes] = set()
    for path, page in pages.items():
        linked |= keys_in(page.links) - {key_of(path)}
    addresses, authors = Addresses(entries), common_authors(entries)
    listed = {entry.page for entry in entries}
    older, younger = [], 0
    for path, page in pages.items():
        pages[path] = without_title(page)
        if path in listed or any(fnmatchcase(path, pattern) for pattern in exclude):
            continue
        if page.day is None or not page.may_be_found or key_of(path) not in linked:
            continue
        language = page.page.facts.language
        feed = nearest_feed(entries, language)
        if page.day >= oldest(entries, feed):
            younger += 1
            continue
        # One that was hidden before has no title here.
        pages[path] = page if page.title else read.page(path, None)
        link = addresses.of(path)
        entry = ParsedEntry(
            id=ids.get(path) or addresses.id_of(link),
            link=link,
            title=pages[path].title,
            published=from_timestamp(page.day),
            authors=authors.get(feed, ()),
        )
        older.append(SiteEntry(path, path, feed, entry, language, True, rules.text))
    return Archive(older, younger, ArchiveMemory(key, rules, pages))


def find_rules(
    folder: SiteFolder,
    entries: list[SiteEntry],
    hashes: dict[str, bytes],
    memory: ArchiveMemory,
    zone: tzinfo,
) -> tuple[str, Rules | None]:
    """Return the rules that the entries teach, and what stands for that from which they do."""
    picked = [entry for entry in entries if entry.page in hashes and entry.entry.title]
    picked = [entry for entry in picked if entry.entry.published][:MAX_SAMPLES]
    key = fingerprint([(hashes[entry.page], *sample_values(entry.entry)) for entry in picked])
    if key == memory.samples:
        return key, memory.rules
    samples = map(partial(read_sample, folder), picked)
    return key, learn_rules([sample for sample in samples if sample], zone)


def without_title(page: OlderPage) -> OlderPage:
    """Return what may be kept of a page that is not published: nothing that it says of itself."""
    facts = PageFacts(language=page.page.facts.language)
    return replace(page, title="", page=replace(page.page, facts=facts))


def sample_values(entry: ParsedEntry) -> tuple[str, float]:
    """Return what is learned from an entry, for a fingerprint, besides its page."""
    moment = entry.published.timestamp() if entry.published else 0.0
    return f"{entry.title}\n{entry.content.html or entry.summary.html}", moment


def read_sample(folder: SiteFolder, site_entry: SiteEntry) -> PageSample | None:
    """Return the page of an entry and what the feed says of it, or None if it has gone."""
    entry, root = site_entry.entry, parse_page(folder.read_or_nothing(site_entry.page))
    if root is None or entry.published is None:
        return None
    text = entry.content.html or (entry.summary.html if "<" in entry.summary.html else "")
    words = count_words(all_text(html_body(text, base="https://site.invalid/")))
    return PageSample(root, entry.title, entry.published, words)


def html_files(folder: SiteFolder) -> list[str]:
    """Return the paths of all pages of the site, in order."""
    start = len(folder.root) + 1
    names = (
        entry.path[start:] for entry in folder.walk() if entry.name.endswith((".html", ".htm"))
    )
    return sorted(names)


class OlderPages:
    """Reads pages by rules; `prefix` is the path below which the site is mounted."""

    def __init__(self, folder: SiteFolder, rules: Rules, prefix: str, zone: tzinfo) -> None:
        self._folder = folder
        self._rules = rules
        self._prefix = f"{prefix}/" if prefix else ""
        self._zone = zone

    def page(self, path: str, known: OlderPage | None) -> OlderPage:
        """Return what there is to know of a page; it is read only if its status has changed."""
        stamp = trusted_stamp(self._folder.status(path))
        if known and stamp and known.page.status == stamp:
            return known
        data = self._folder.read_or_nothing(path)
        digest = blake2b(data, digest_size=16).digest()
        if known and known.page.hash == digest:
            return replace(known, page=replace(known.page, status=stamp))
        root = parse_page(data)
        page = PageMemory(stamp, digest, facts_of(root))
        if root is None or page.facts.refresh:
            return OlderPage(page)
        return self._read(root, path, page)

    def _read(self, root: Element, path: str, page: PageMemory) -> OlderPage:
        rules = self._rules
        titles, dates = compile_selector(rules.title)(root), compile_selector(rules.date)(root)
        is_list = len(titles) > rules.titles or len(dates) > rules.dates
        title = title_of(titles[0]) if titles else ""
        moment = date_of(dates[0], self._zone) if dates and title and not is_list else None
        return OlderPage(
            page,
            title,
            int(moment.timestamp()) if moment else None,
            self._may_be_found(path, page.facts),
            b"".join(sorted(self._links(root, path))),
        )

    def _links(self, root: Element, path: str) -> set[bytes]:
        """Return the keys of the pages to which a page links."""
        hrefs = (element.get("href", "").strip() for element in root.iter("a"))
        return {self._key(href, path) for href in hrefs if href and not href.startswith("#")}

    def _key(self, href: str, path: str) -> bytes:
        """Return the key of the page at an address in the page at a path."""
        return key_of(path_of(join(f"/{self._prefix}{path}", href)).removeprefix(self._prefix))

    def _may_be_found(self, path: str, facts: PageFacts) -> bool:
        """Return whether a page does not send robots away, or to another page."""
        is_canonical = not facts.canonical or self._key(facts.canonical, path) == key_of(path)
        return is_canonical and not facts.noindex


def key_of(path: str) -> bytes:
    """Return what stands for a page, whichever of its paths is given."""
    plain = path.removesuffix("index.html").removesuffix(".html").rstrip("/")
    return blake2b(plain.encode(), digest_size=_KEY_BYTES).digest()


def keys_in(links: bytes) -> set[bytes]:
    """Return the keys that stand one behind the other."""
    return {links[start : start + _KEY_BYTES] for start in range(0, len(links), _KEY_BYTES)}


def nearest_feed(entries: Iterable[SiteEntry], language: str) -> str:
    """Return the feed of a page's language, else the first one."""
    feeds = {entry.language.lower()[:2]: entry.feed for entry in reversed(list(entries))}
    return feeds.get(language.lower()[:2]) or next(entry.feed for entry in entries)


def common_authors(entries: Iterable[SiteEntry]) -> dict[str, tuple[Author, ...]]:
    """Return the authors of each feed whose entries all have the same."""
    found: dict[str, tuple[Author, ...]] = {}
    for entry in entries:
        authors = entry.entry.authors
        found[entry.feed] = authors if found.get(entry.feed, authors) == authors else ()
    return found


def oldest(entries: Iterable[SiteEntry], feed: str) -> float:
    """Return when the oldest entry of a feed was published, as a Unix time."""
    dates = [entry.entry.published for entry in entries if entry.feed == feed]
    moments = [date for date in dates if date] or [datetime.max.replace(tzinfo=UTC)]
    return min(moments).timestamp() // 86_400 * 86_400


class Addresses:
    """How the site's feed writes the address of a page: with `index.html`, `.html` or neither."""

    def __init__(self, entries: list[SiteEntry]) -> None:
        pairs = [(entry.entry.id, entry.entry.link) for entry in entries if entry.page]
        self._are_ids = all(identity == link for identity, link in pairs)
        self._are_decoded_ids = all(identity == unquote(link) for identity, link in pairs)
        self._is_encoded = all(link == quote(link, _SAFE) for _, link in pairs)
        votes: Counter[tuple[bool, int, str]] = Counter()
        for entry in entries:
            link = unquote(entry.entry.link)
            for number, form in enumerate(forms_of(entry.page)):
                if form and link.endswith(form):
                    votes[is_index(entry.page), number, link[: -len(form)]] += 1
                    break
        self._forms = {row[0]: row[1:] for row, _ in reversed(votes.most_common())}

    def id_of(self, link: str) -> str:
        """Return the id that the feed gives to the page at an address, or "" if that is no rule."""
        return link if self._are_ids else unquote(link) if self._are_decoded_ids else ""

    def of(self, page: str) -> str:
        """Return the address of a page."""
        anything = next(iter(self._forms.values()), (0, "/"))
        number, start = self._forms.get(is_index(page), (0, anything[1]))
        address = start + forms_of(page)[number]
        return quote(address, _SAFE) if self._is_encoded else address


def is_index(page: str) -> bool:
    """Return whether a page is that of its folder."""
    return f"/{page}".endswith("/index.html")


def forms_of(page: str) -> tuple[str, ...]:
    """Return the forms in which an address may end, by the path of its page."""
    if is_index(page):
        folder = page.removesuffix("index.html")
        return (folder, folder.rstrip("/"), page)
    return (page, page.removesuffix(".html"))
