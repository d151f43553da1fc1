"""What servers say of images, audio and video, by address, and what each article shows of that.

Only those of published articles are stored: a sync deletes the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from feedhub.article import Article, Image, Media
from feedhub.catalog.database import Database, upsert
from feedhub.catalog.records import FILE_DIGEST_BYTES, decode_article, values_of
from feedhub.dates import month_of
from feedhub.fingerprint import Value, digest, named_values

State = Literal["known", "none", "gone", "failing", "busy"]


class ImageFacts(NamedTuple):
    """What a server says of a file: `length` in bytes, size in pixels; None is unknown."""

    media_type: str = ""
    length: int | None = None
    width: int | None = None
    height: int | None = None

    def values(self) -> Value:
        """Return what a fingerprint needs of them."""
        return named_values(
            media_type=self.media_type, length=self.length, width=self.width, height=self.height
        )


class WantedImage(NamedTuple):
    """An image to look up: whether its size is wanted too, and how many look-ups failed.

    `is_media` tells that it is audio or video.
    """

    url: str
    sized: bool
    failures: int
    is_media: bool = False


class ImageRecord(NamedTuple):
    """The result of looking an image up: `known`, `none` (no image), `gone`, `failing` or `busy`.

    `looked_up_at` and `retry_at`, when it may be looked up again, are Unix times. `facts` count
    only where it is `known`; else the earlier ones stay.
    """

    url: str
    state: State
    looked_up_at: int
    retry_at: int
    failures: int = 0
    facts: ImageFacts = ImageFacts()


class ImageAddress(msgspec.Struct):
    """As much of an image's record as is needed here: to decode less takes less time."""

    url: str


class ArticleImages(msgspec.Struct):
    """As much of an article's record as is needed here."""

    images: list[ImageAddress]
    media: list[ImageAddress] = []

    def addresses(self) -> list[str]:
        """Return the addresses of all of them."""
        return [file.url for file in (*self.images, *self.media)]


_images = msgspec.msgpack.Decoder(ArticleImages)
_facts = msgspec.msgpack.Decoder(dict[str, ImageFacts])


def with_facts(article: Article, facts: bytes | None) -> Article:
    """Return the article with what servers say of its images, as `ImageSync` stores it."""
    if facts is None:
        return article
    known = _facts.decode(facts)
    images = tuple(image_with_facts(image, known.get(image.url)) for image in article.images)
    media = tuple(media_with_facts(file, known.get(file.url)) for file in article.media)
    return replace(article, images=images, media=media)


def image_with_facts(image: Image, facts: ImageFacts | None) -> Image:
    """Return the image with what its server says of it.

    The type that the bytes show wins over the one that the address suggests; width and height come
    from one source.
    """
    if facts is None:
        return image
    # A width from the file with a height from the server would show a distorted image.
    width, height = image.width, image.height
    if (width is None or height is None) and None not in (facts.width, facts.height):
        width, height = facts.width, facts.height
    return replace(
        image,
        media_type=facts.media_type or image.media_type,
        length=facts.length,
        width=width,
        height=height,
    )


def media_with_facts(file: Media, facts: ImageFacts | None) -> Media:
    """Return the audio or video file with what its server says of it.

    Servers know lengths better than files, and types worse: many have one for all files.
    """
    if facts is None:
        return file
    return replace(
        file,
        media_type=file.media_type or facts.media_type,
        length=facts.length or file.length,
    )


class Images:
    """What servers say of images, in an open catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wanted(self, now: int) -> list[WantedImage]:
        """Return the images to look up at a Unix time, those of the newest articles first.

        Every image is looked up: no file states its length. Audio and video are where something is
        unknown.
        """
        known = {url: row for url, *row in self._database.iterate(_ALL)}
        wanted: dict[str, WantedImage] = {}
        for (record,) in self._database.stream(_NEWEST):
            article = decode_article(record)
            for file in article.media:
                retry_at, failures = known.get(file.url, (0, 0))
                if retry_at <= now and not (file.media_type and file.length):
                    wanted[file.url] = WantedImage(file.url, False, failures, is_media=True)
            for image in article.images:
                retry_at, failures = known.get(image.url, (0, 0))
                if retry_at <= now:
                    before = wanted.get(image.url)
                    sized = image.width is None or image.height is None
                    sized = sized or (before is not None and before.sized)
                    wanted[image.url] = WantedImage(image.url, sized, failures)
        return list(wanted.values())

    def used(self) -> set[str]:
        """Return the address of every image of a published article."""
        rows = self._database.stream(_NEWEST)
        return {url for row in rows for url in _images.decode(values_of(row[0])).addresses()}

    def put(self, records: Iterable[ImageRecord]) -> None:
        """Store results; the next sync puts them into the feeds."""
        with self._database.transaction():
            for record in records:
                *row, facts = record
                self._database.execute(_PUT, row)
                if record.state == "known":
                    self._database.execute(_PUT_FACTS, (*facts, record.url))


class ImageSync:
    """Brings the articles up to what is known of their images, in the transaction of a sync."""

    def __init__(self, database: Database, generation: int) -> None:
        self._database = database
        self._generation = generation

    def run(self, touched: dict[int, set[str]], numbers: Collection[int] | None) -> set[int]:
        """Store the facts of each published article's images; add changed months to `touched`.

        `numbers` are those of the articles to look at, None stands for all. An article's own digest
        stays as it is, so that its date does. Returns the numbers of the articles that changed.
        """
        if not self._database.fetch_value(_ANYTHING):
            return set()
        if numbers is None:
            articles = self._database.stream(_SHOWN_WITH)
        else:
            rows = (self._database.fetch_one(_ONE_SHOWN_WITH, (number,)) for number in numbers)
            articles = iter([row for row in rows if row])
        every = {url: ImageFacts(*row) for url, *row in self._database.iterate(_KNOWN)}
        used: set[str] = set()
        changes: list[tuple[int, bytes, bytes | None, bool]] = []
        for number, file_digest, record, before in articles:
            urls = _images.decode(values_of(record)).addresses()
            used.update(urls)
            known = {url: every[url] for url in urls if url in every}
            now = msgspec.msgpack.encode(known) if known else None
            full = file_digest[:FILE_DIGEST_BYTES]
            full += digest({url: facts.values() for url, facts in known.items()}) if known else b""
            if (now, full) != (before, file_digest):
                changes.append((number, full, now, now != before))
        for number, full, now, moved in changes:
            self._database.execute(_SET_DIGEST, (full, number))
            if moved:
                self._put(number, now, touched)
        self._database.execute(_DELETE_WITHDRAWN)
        if numbers is not None:  # other articles may show the images that these no longer do
            return {number for number, *_ in changes}
        stored = self._database.fetch_all("SELECT url FROM images")
        unused = [row for row in stored if row[0] not in used]
        self._database.execute_many("DELETE FROM images WHERE url = ?", unused)
        return {number for number, *_ in changes}

    def _put(self, number: int, facts: bytes | None, touched: dict[int, set[str]]) -> None:
        if facts is None:
            self._database.execute("DELETE FROM image_facts WHERE number = ?", (number,))
        else:
            self._database.execute(_PUT_ARTICLE_FACTS, (number, facts))
        for feed, published in self._database.fetch_all(_LABELS, (number,)):
            touched.setdefault(feed, set()).add(month_of(published))
        # A delta from an older document holds the article once more (RFC 3229).
        changed = (self._generation, number)
        self._database.execute("UPDATE labels SET generation = ? WHERE article = ?", changed)


_ALL = "SELECT url, retry_at, failures FROM images"
_NEWEST = """
SELECT record FROM articles JOIN records USING (number) WHERE state = 'shown'
ORDER BY published DESC, id
"""
_PUT = upsert("images", "url", "state looked_up_at retry_at failures")
_PUT_FACTS = """
UPDATE images SET media_type = ?, length = ?, width = ?, height = ? WHERE url = ?
"""
_ANYTHING = "SELECT EXISTS (SELECT 1 FROM images) OR EXISTS (SELECT 1 FROM image_facts)"
_KNOWN = """
SELECT url, media_type, length, width, height FROM images
WHERE media_type <> '' OR length IS NOT NULL
"""
_SHOWN_WITH = """
SELECT articles.number, digest, record, facts
FROM articles JOIN records USING (number) LEFT JOIN image_facts USING (number)
WHERE state = 'shown'
"""
_ONE_SHOWN_WITH = f"{_SHOWN_WITH} AND articles.number = ?"
_PUT_ARTICLE_FACTS = upsert("image_facts", "number", "facts")
_SET_DIGEST = "UPDATE articles SET digest = ? WHERE number = ?"
_LABELS = "SELECT feed, published FROM labels WHERE article = ?"
_DELETE_WITHDRAWN = """
DELETE FROM image_facts WHERE NOT EXISTS
    (SELECT 1 FROM articles WHERE articles.number = image_facts.number AND state = 'shown')
"""
