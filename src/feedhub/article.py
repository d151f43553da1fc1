"""An article as subscribers may see it: clean text, absolute URLs, aware UTC times."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Image(Struct, frozen=True, kw_only=True):
    """A picture: `url`, size in pixels or None, `media_type` or "", `length` in bytes or None."""

    url: str
    width: int | None = None
    height: int | None = None
    title: str = ""
    media_type: str = ""
    length: int | None = None


class Media(Struct, frozen=True, kw_only=True):
    """An audio or video file: `length` in bytes and `duration` in seconds, or None.

    `media_type` begins with audio/ or video/. It is "" while nothing tells it: then no document has
    the file, which may be a page with a player.
    """

    url: str
    media_type: str = ""
    length: int | None = None
    duration: int | None = None
    title: str = ""

    @property
    def medium(self) -> str:
        """`audio`, `video` or ""."""
        return self.media_type.partition("/")[0]


class Provider(Struct, frozen=True, kw_only=True):
    """A publisher, identified by its name; several may share a `domain`.

    `picture` is the address of its picture, or "": pages show it, feeds have no place for it.
    """

    name: str
    domain: str = ""
    picture: str = ""

    @property
    def url(self) -> str:
        """The publisher's home page, or "" without a domain."""
        return f"https://{self.domain}/" if self.domain else ""


class Author(Struct, frozen=True, kw_only=True):
    """A person who wrote the article; `url` is absolute or ""."""

    name: str
    url: str = ""


class Related(Struct, frozen=True, kw_only=True):
    """Coverage of the same story elsewhere; `published` is None if the file has no date."""

    title: str
    url: str
    provider: Provider | None = None
    published: datetime | None = None


class Article(Struct, frozen=True, kw_only=True, weakref=True):
    """One published article.

    All text is plain and unescaped except `content_html`, which is sanitised HTML. `id` never
    changes (RFC 4287, 4.2.6). `updated` is never before `published`; both have whole seconds.
    `type` is "audio", "video", "course" or, for what is read, "": links to the article say so.
    `player_url` is an embeddable player of a video, which lasts `duration` seconds. `quality` and
    `heat` are scores by which articles are ordered and filtered; no document contains them.
    """

    id: str
    slug: str
    title: str
    summary: str
    content_html: str
    url: str
    published: datetime
    updated: datetime
    language: str = ""
    provider: Provider | None = None
    authors: tuple[Author, ...] = ()
    topics: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    media: tuple[Media, ...] = ()
    related: tuple[Related, ...] = ()
    type: str = ""
    player_url: str = ""
    duration: int | None = None
    quality: float | None = None
    heat: float | None = None
