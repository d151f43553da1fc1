"""Finding the feeds of a built site: what its home pages announce, else well-known names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import tzinfo
from typing import NamedTuple
from urllib.parse import urljoin

from feedhub.errors import ConfigError
from feedhub.feed_reader import (
    MAX_FEED_BYTES,
    FeedContent,
    FeedReadError,
    looks_like_feed,
    read_feed,
)
from feedhub.messages.tags import language_or_none
from feedhub.sources.built.entries import find_prefix
from feedhub.sources.built.folder import SiteFolder, path_of
from feedhub.sources.built.pages import Element, facts_of, links_of, parse_page

FEED_NAMES = (
    *("atom.xml", "feed.xml", "rss.xml", "index.xml", "rss2.xml", "feed.json", "feed/index.xml"),
    *("feed/feed.xml", "feed/index.html", "feeds/all.atom.xml", "feeds/all.rss.xml"),
    *("blog/atom.xml", "blog/feed.xml", "blog/rss.xml", "blog/index.xml", "blog/feed.json"),
    *("posts/index.xml", "post/index.xml", "feed_rss_created.xml", "feed_rss.xml"),
)
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_JSON_TYPE = "application/json"
# A feed of one tag, of comments or of changed pages is not that of the site.
_PARTIAL = re.compile(
    r"(?:^|[/._-])(?:tags?|topics?|categor(?:y|ies)|comments?|authors?|series|updated)(?:[/._-]|$)",
    re.IGNORECASE,
)
# Another feed must have more than this times as much text to be taken instead of the one announced
# first: the choice must not change from one build to the next, for with it change the ids.
FULLER = 1.5
_LANGUAGE_FOLDER = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?")
# Enough to see which of them is best.
MAX_CANDIDATES = 12
_BEGINNING_BYTES = 4096


class SiteFeed(NamedTuple):
    """A feed of the site: its path, what it says, and the language of the home page it is of."""

    path: str
    content: FeedContent
    language: str


class HomePage(NamedTuple):
    """A home page: its folder, "" or with a slash at its end, its language and its elements."""

    folder: str
    language: str
    root: Element


def looks_built(folder: SiteFolder) -> bool:
    """Return whether a folder is a built site: it has a home page that is HTML, and a feed.

    Where the feed is missing, a site without any source file is taken for one that is being built.
    """
    try:
        beginning = folder.read("index.html", _BEGINNING_BYTES)
    except OSError:
        return False
    head = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head.startswith((b"<!doctype", b"<html", b"<!--")):
        return False
    home = read_home(folder, "")
    if home and (candidates(folder, home) or candidates(folder, home._replace(folder=""))):
        return True
    return bool(language_homes(folder, home)) or not any(
        entry.name.lower().endswith((".md", ".markdown", ".yml", ".yaml"))
        for entry in folder.walk()
    )


def find_feeds(
    folder: SiteFolder, *, paths: tuple[str, ...], languages: tuple[str, ...], zone: tzinfo
) -> list[SiteFeed]:
    """Return the feeds at `paths`, else those found, one for each language, the first one first.

    Only those in one of the `languages`, if any are given. Raises ConfigError where there is none,
    or one cannot be read.
    """
    if paths:
        return [SiteFeed(path, read_feed_file(folder, path, zone), "") for path in paths]
    home = read_home(folder, "")
    if home is None:
        raise ConfigError(
            f"{folder.root}: there is no index.html: SOURCE must be the folder that the generator "
            "writes, such as _site or public"
        )
    homes = [home, *language_homes(folder, home)]
    if home.folder and not any(candidates(folder, place) for place in homes):
        homes = [home._replace(folder="")]  # the home page sends readers on, the feed is beside it
    found: dict[str, SiteFeed] = {}
    for place in homes:
        if languages and place.language and not matches(place.language, languages):
            continue
        best = best_feed(folder, candidates(folder, place), place.language, zone)
        if best is not None:
            found.setdefault(best.path, best)
    if not found:
        names = ", ".join(FEED_NAMES[:6])
        raise ConfigError(
            f"{folder.root}: no feed is found: the home page announces none that is here, and "
            f"there is no {names} and so on; have the generator write a feed, or set source.feed "
            "to its path"
        )
    return list(found.values())


def matches(language: str, wanted: tuple[str, ...]) -> bool:
    """Return whether a language is one of those wanted, or a variety of one (RFC 4647, 3.3.1)."""
    tag = language.lower()
    return any(tag == word or tag.startswith(f"{word}-") for word in map(str.lower, wanted))


def read_home(folder: SiteFolder, place: str) -> HomePage | None:
    """Return the home page of a folder; one that only sends the reader on counts for its target."""
    try:
        root = parse_page(folder.read(f"{place}index.html"))
    except OSError:
        return None
    if root is None:
        return None
    facts = facts_of(root)
    target = folder.find(urljoin(f"/{place}", facts.refresh)) if facts.refresh else ""
    target_folder = target.removesuffix("index.html")
    # A target is below, so this ends.
    if (
        target.endswith("/index.html")
        and target_folder != place
        and target_folder.startswith(place)
    ):
        return read_home(folder, target_folder) or HomePage(place, facts.language, root)
    return HomePage(place, facts.language, root)


def language_homes(folder: SiteFolder, home: HomePage | None) -> list[HomePage]:
    """Return the home pages of the other languages: announced, or in a folder named after one."""
    homes: dict[str, HomePage] = {}
    for link in links_of(home.root, "alternate") if home else ():
        target = folder.find(link.get("href", "")) if link.get("hreflang") else ""
        found = read_home(folder, target.removesuffix("index.html")) if target else None
        if found is not None:
            homes.setdefault(found.folder, found)
    for name in filter(_LANGUAGE_FOLDER.fullmatch, folder.folders()):
        found, named = read_home(folder, f"{name}/"), language_or_none(name)
        # A folder called `no` need not be Norwegian.
        if found is not None and (found.language or named)[:2].lower() == named[:2]:
            homes.setdefault(found.folder, found._replace(language=found.language or named))
    if home is not None:
        homes.pop(home.folder, None)
    return list(homes.values())


def candidates(folder: SiteFolder, home: HomePage) -> list[str]:
    """Return the paths of the feeds that a home page announces, else those of well-known names."""
    announced = dict.fromkeys(filter(None, announced_feeds(folder, home)))
    names = (f"{home.folder}{name}" for name in FEED_NAMES)
    found = list(announced) or [path for path in names if is_feed(folder, path)]
    return found[:MAX_CANDIDATES]


def announced_feeds(folder: SiteFolder, home: HomePage) -> Iterator[str]:
    """Yield the local path of each feed that a home page announces, or "" where it has none."""
    for link in links_of(home.root, "alternate"):
        kind, href = link.get("type", "").lower().strip(), link.get("href", "").strip()
        if kind not in (*_FEED_TYPES, _JSON_TYPE) or _PARTIAL.search(path_of(href)):
            continue
        yield find_file(folder, urljoin(f"/{home.folder}", href))


def find_file(folder: SiteFolder, address: str) -> str:
    """Return the feed at an address, wherever the site is mounted, or ""."""
    parts = path_of(address).split("/")
    for start in range(len(parts)):
        path = "/".join(parts[start:])
        found = folder.find(path, "") if path else ""
        if found and is_feed(folder, found):
            return found
    return ""


def is_feed(folder: SiteFolder, path: str) -> bool:
    """Return whether a file of the site begins like a feed."""
    try:
        return looks_like_feed(folder.read(path, _BEGINNING_BYTES))
    except OSError:
        return False


def best_feed(folder: SiteFolder, paths: list[str], language: str, zone: tzinfo) -> SiteFeed | None:
    """Return the feed whose entries meet most files; of equal ones the first with full text.

    Raises ConfigError where none can be read, though some are there.
    """
    best, best_met, best_text, problem = None, -1, 0.0, None
    for path in paths:
        try:
            content = read_feed_file(folder, path, zone)
        except ConfigError as error:
            problem = error
            continue
        prefix = find_prefix(folder, content)
        met = sum(1 for entry in content.entries if folder.find(entry.link, prefix))
        text = sum(len(entry.content.html) or len(entry.summary.html) for entry in content.entries)
        if met > best_met or (met == best_met and text > best_text * FULLER):
            best, best_met, best_text = SiteFeed(path, content, language), met, text
    if best is None and problem is not None:
        raise problem
    return best


def read_feed_file(folder: SiteFolder, path: str, zone: tzinfo) -> FeedContent:
    """Return what the feed at a path says; raises ConfigError where it cannot be read."""
    try:
        return read_feed(folder.read(path, MAX_FEED_BYTES + 1), zone=zone)
    except FeedReadError as error:
        raise ConfigError(f"{folder.root}/{path}:{error.line}: the feed {error}") from None
    except OSError as error:
        raise ConfigError(
            f"{folder.root}/{path}: the feed cannot be read: {error.strerror}"
        ) from None
