"""What servers of images say of them, by address, and the articles that it is said with.

Only images of published articles stand here: what no published article uses any more goes with the
next sync.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from feedhub.catalog.database import transaction
from feedhub.catalog.records import decode_article
from feedhub.dates import month_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from feedhub.article import Article, Image

State = Literal["known", "none", "gone", "failing", "busy"]

# A digest over what the file says has so many bytes; behind it stands that of what servers say.
OWN = 16


class ImageFacts(NamedTuple):
    """What a server says of an image: `length` in bytes, size in pixels; None is unknown."""

    media_type: str = ""
    length: int | None = None
    width: int | None = None
    height: int | None = None


class Wanted(NamedTuple):
    """An image to ask for: whether its size is wanted too, and how often asking failed."""

    url: str
    sized: bool
    failures: int


class ImageRecord(NamedTuple):
    """What came of asking: `known`, `none` (no image), `gone`, `failing` or `busy`.

    `asked` and `again`, when it may be asked again, are Unix times. `facts` of one that is not
    `known` are not looked at: what was known stays.
    """

    url: str
    state: State
    asked: int
    again: int
    failures: int = 0
    facts: ImageFacts = ImageFacts()


class _Pictured(msgspec.Struct):
    """As much of an article's record as tells its images."""

    images: list[_Picture]


class _Picture(msgspec.Struct):
    url: str


_images = msgspec.msgpack.Decoder(_Pictured)
_facts = msgspec.msgpack.Decoder(dict[str, ImageFacts])


def with_facts(article: Article, facts: bytes | None) -> Article:
    """Return the article with what servers say of its images, as `ImageSync` keeps it."""
    if facts is None:
        return article
    known = _facts.decode(facts)
    images = tuple(_told(image, known.get(image.url)) for image in article.images)
    return replace(article, images=images)


def _told(image: Image, facts: ImageFacts | None) -> Image:
    """A type that the bytes tell wins over what the address is called; a size is taken whole."""
    if facts is None:
        return image
    sized = image.width is not None and image.height is not None
    told = sized or facts.width is None or facts.height is None
    width, height = (image.width, image.height) if told else (facts.width, facts.height)
    return replace(
        image,
        media_type=facts.media_type or image.media_type,
        length=facts.length,
        width=width,
        height=height,
    )


class Images:
    """The answers in an open catalog."""

    def __init__(
        self, connection: sqlite3.Connection, guard: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._sql = connection
        self._guard = guard

    def wanted(self, now: int) -> list[Wanted]:
        """Return what may be asked at a Unix time, the images of the newest articles first.

        That is every image: no file says how long one is.
        """
        with self._guard():
            known = {url: row for url, *row in self._sql.execute(_ALL)}
            wanted: dict[str, Wanted] = {}
            for (record,) in self._sql.execute(_NEWEST):
                for image in decode_article(record).images:
                    again, failures = known.get(image.url, (0, 0))
                    if again <= now:
                        before = wanted.get(image.url)
                        sized = image.width is None or image.height is None
                        sized = sized or (before is not None and before.sized)
                        wanted[image.url] = Wanted(image.url, sized, failures)
            return list(wanted.values())

    def used(self) -> set[str]:
        """Return the address of every image of a published article."""
        with self._guard():
            rows = self._sql.execute(_NEWEST)
            return {image.url for row in rows for image in _images.decode(row[0]).images}

    def put(self, answers: Iterable[ImageRecord]) -> None:
        """Keep answers; the next sync puts them into the feeds."""
        with self._guard(), transaction(self._sql):
            for answer in answers:
                state = (answer.state, answer.asked, answer.again, answer.failures)
                self._sql.execute(_PUT, (answer.url, *state))
                if answer.state == "known":
                    self._sql.execute(_PUT_FACTS, (*answer.facts, answer.url))


class ImageSync:
    """Brings the articles up to what is known of their images, in the transaction of a sync."""

    def __init__(self, connection: sqlite3.Connection, generation: int) -> None:
        self._sql = connection
        self._generation = generation

    def run(self, touched: dict[int, set[str]]) -> None:
        """Note what each published article is told with; add the months that moves to `touched`.

        An article's own digest stays as it is, so that its date does.
        """
        if not self._sql.execute(_ANYTHING).fetchone()[0]:
            return
        facts = {url: ImageFacts(*row) for url, *row in self._sql.execute(_KNOWN)}
        used: set[str] = set()
        changes: list[tuple[int, bytes, bytes | None, bool]] = []
        for number, digest, record, before in self._sql.execute(_PICTURED):
            urls = [image.url for image in _images.decode(record).images]
            used.update(urls)
            told = {url: facts[url] for url in urls if url in facts}
            now = msgspec.msgpack.encode(told) if told else None
            full = digest[:OWN] + (hashlib.blake2b(now, digest_size=8).digest() if now else b"")
            if (now, full) != (before, digest):
                changes.append((number, full, now, now != before))
        for number, full, now, moved in changes:
            self._sql.execute("UPDATE articles SET digest = ? WHERE number = ?", (full, number))
            if moved:
                self._tell(number, now, touched)
        self._forget(used)

    def _tell(self, number: int, facts: bytes | None, touched: dict[int, set[str]]) -> None:
        if facts is None:
            self._sql.execute("DELETE FROM pictured WHERE number = ?", (number,))
        else:
            self._sql.execute("INSERT OR REPLACE INTO pictured VALUES (?, ?)", (number, facts))
        for feed, published in self._sql.execute(_LABELS, (number,)).fetchall():
            touched.setdefault(feed, set()).add(month_of(published))
        # Whoever holds an older document is given the article once more (RFC 3229).
        changed = (self._generation, number)
        self._sql.execute("UPDATE labels SET generation = ? WHERE article = ?", changed)

    def _forget(self, used: set[str]) -> None:
        """Keep nothing of what no published article uses."""
        self._sql.execute(_NOT_PICTURED)
        every = [row[0] for row in self._sql.execute("SELECT url FROM images")]
        unused = [(url,) for url in every if url not in used]
        self._sql.executemany("DELETE FROM images WHERE url = ?", unused)


_ALL = "SELECT url, again, failures FROM images"
_NEWEST = """
SELECT record FROM articles JOIN records USING (number) WHERE state = 'shown'
ORDER BY published DESC, id
"""
_PUT = """
INSERT INTO images (url, state, asked, again, failures) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (url) DO UPDATE SET
    state = excluded.state, asked = excluded.asked, again = excluded.again,
    failures = excluded.failures
"""
_PUT_FACTS = """
UPDATE images SET media_type = ?, length = ?, width = ?, height = ? WHERE url = ?
"""
_ANYTHING = "SELECT EXISTS (SELECT 1 FROM images) OR EXISTS (SELECT 1 FROM pictured)"
_KNOWN = """
SELECT url, media_type, length, width, height FROM images
WHERE media_type <> '' OR length IS NOT NULL
"""
_PICTURED = """
SELECT articles.number, digest, record, facts
FROM articles JOIN records USING (number) LEFT JOIN pictured USING (number)
WHERE state = 'shown'
"""
_LABELS = "SELECT feed, published FROM labels WHERE article = ?"
_NOT_PICTURED = """
DELETE FROM pictured WHERE NOT EXISTS
    (SELECT 1 FROM articles WHERE articles.number = pictured.number AND state = 'shown')
"""
