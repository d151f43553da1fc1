"""The parts of an article in front matter: texts, labels, people, publishers, pictures and more."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from feedhub.article import Author, Image, Provider, Related
from feedhub.errors import ArticleError
from feedhub.sources.dates import parse_datetime, parse_duration
from feedhub.sources.fields import Asked, quick_texts, quick_written
from feedhub.sources.media_type import image_media_type
from feedhub.sources.simple_yaml import text_of
from feedhub.sources.tree import Scalar, Sequence, as_int, as_text
from feedhub.sources.urls import UrlError, absolute_url, is_normal, rooted_url
from feedhub.text import label_key, one_line, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, tzinfo

    from feedhub.sources.fields import Fields
    from feedhub.sources.simple_yaml import text_of
from feedhub.sources.tree import Node

_LABEL_LIMIT = 200
_RELATED_LIMIT = 100
_IMAGE_LIMIT = 50
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z0-9-]{2,}")


_IMAGE = Asked(("image_url",), ("image_title",), ("width",), ("height",))
_PROVIDER = Asked(("name",), ("domain",))
_RELATED = Asked(
    ("related_url",),
    ("title",),
    ("published",),
    ("provider", "name"),
    ("provider", "domain"),
)


def refuse(node: Node, code: str, message: str) -> ArticleError:
    """Return the error for one place in the file."""
    return ArticleError(code, message, line=node.line, column=node.column)


def read_text(node: Node) -> str:
    """Read plain text: entities decoded once, on one line."""
    text = as_text(node)
    return plain_text(text) if text else ""


def date_reader(zone: tzinfo) -> Callable[[Node], datetime]:
    """Return a reader of dates; those without a zone are in `zone`."""

    def read(node: Node) -> datetime:
        try:
            return parse_datetime(as_text(node) or "", zone)
        except ValueError as error:
            advice = "write it as 2020-06-09T11:36:00Z"
            raise refuse(node, "bad-date", f"the date is not usable: {error}; {advice}") from None

    return read


def read_duration(node: Node) -> int:
    """Read an ISO 8601 duration as seconds."""
    try:
        return parse_duration(as_text(node) or "")
    except ValueError as error:
        raise refuse(node, "bad-duration", f"the length is not usable: {error}") from None


def address_reader(base: str, *, rooted: bool = False) -> Callable[[Node], str]:
    """Return a reader of addresses; `rooted` keeps the base's path before a root-relative one."""
    resolve = rooted_url if rooted else absolute_url

    def read(node: Node) -> str:
        try:
            return resolve(as_text(node) or "", base)
        except UrlError as error:
            raise refuse(node, "bad-url", f"the address is not usable: {error}") from None

    return read


def read_labels(node: Node, *, spaced: bool = False) -> tuple[str, ...]:
    """Read labels from a list, or from one text, each once, in the order of the file.

    Between the labels of a text stand semicolons, else commas, else, if `spaced`, blanks.
    """
    texts = _texts(node) if isinstance(node, Sequence) else _divided(node, spaced=spaced)
    return distinct(text for text in texts if len(text) <= _LABEL_LIMIT)


def _texts(node: Sequence) -> Iterator[str]:
    return (read_text(item) for item in node.items if isinstance(item, Scalar))


def _divided(node: Node, *, spaced: bool = False) -> Iterator[str]:
    text = plain_text(as_text(node) or "")
    divider = next((sign for sign in ";," if sign in text), " " if spaced else ",")
    return (part.strip() for part in text.split(divider))


def distinct(labels: Iterable[str]) -> tuple[str, ...]:
    """Return each label once, as it is first spelled, in order; empty ones are left out.

    A comma inside a label becomes a blank: readers take it for the end of the label.
    """
    found: dict[str, str] = {}
    for label in labels:
        text = one_line(label.replace(",", " "))
        found.setdefault(label_key(text), text)
    found.pop("", None)
    return tuple(found.values())


def read_provider(fields: Fields, node: Node) -> Provider | None:
    """Read a publisher: a name, or a mapping with name and domain."""
    if isinstance(node, Scalar):
        return Provider(name=read_text(node)) if read_text(node) else None
    texts = quick_texts(node, _PROVIDER)
    if texts and (not texts[1] or _DOMAIN.fullmatch(texts[1])):
        return _provider(*texts)
    inner = fields.within(node)
    name = inner.want("name", read_text, "")
    domain = inner.want("domain", read_text, "").lower()
    if domain and not _DOMAIN.fullmatch(domain):
        inner.warn("bad-domain", "the publisher's domain is not a host name; left out")
        domain = ""
    return Provider(name=name or domain, domain=domain) if name or domain else None


def read_authors(fields: Fields, node: Node, *, several: bool = False) -> tuple[Author, ...]:
    """Read people: one, or a list; each a name, or a mapping with name and url.

    `several` says that one text may hold many, with semicolons or commas between them.
    """
    if several and isinstance(node, Scalar):
        return _each_once(Author(name=name) for name in _divided(node))
    nodes = node.items if isinstance(node, Sequence) else (node,)
    nobody = Author(name="")
    return _each_once(fields.try_read(item, lambda n: _author(fields, n), nobody) for item in nodes)


def _each_once(authors: Iterable[Author]) -> tuple[Author, ...]:
    found: dict[str, Author] = {}
    for author in authors:
        found.setdefault(label_key(author.name), author)
    found.pop("", None)
    return tuple(found.values())


def _author(fields: Fields, node: Node) -> Author:
    if isinstance(node, Scalar):
        return Author(name=read_text(node))
    inner = fields.within(node)
    url = inner.want("person_url", address_reader(""), "")
    return Author(name=inner.want("name", read_text, ""), url=url)


def read_images(
    fields: Fields, node: Node, read_address: Callable[[Node], str]
) -> tuple[Image, ...]:
    """Read pictures: one, or a list; each an address, or a mapping with url, width and so on."""
    nodes = node.items if isinstance(node, Sequence) else (node,)
    found: dict[str, Image] = {}
    for item in nodes[:_IMAGE_LIMIT]:
        image = _quick_image(item) or fields.try_read(
            item, lambda item: _image(fields, item, read_address), None
        )
        if image is not None:
            found.setdefault(image.url, image)
    return tuple(found.values())


def _image(fields: Fields, node: Node, read_address: Callable[[Node], str]) -> Image | None:
    if isinstance(node, Scalar):
        url = read_address(node) if as_text(node) else ""
        return Image(url=url, media_type=image_media_type(url)) if url else None
    inner = fields.within(node)
    url = inner.need("image_url", read_address) or ""
    if not url:
        return None
    return Image(
        url=url,
        width=_pixels(inner, "width"),
        height=_pixels(inner, "height"),
        title=inner.want("image_title", read_text, ""),
        media_type=image_media_type(url),
    )


def _quick_image(node: Node) -> Image | None:
    """Return what `_image` does where nobody can complain of anything, else None."""
    written = quick_written(node, _IMAGE)
    if not written:
        return None
    address, title, width, height = written
    url, text = (text_of(value) if value else "" for value in (address, title))
    if not is_normal(url) or (title and not text):
        return None
    if not _are_pixels(width) or not _are_pixels(height):
        return None
    return Image(
        url=url,
        width=int(width) if width else None,
        height=int(height) if height else None,
        title=plain_text(text),
        media_type=image_media_type(url),
    )


def _are_pixels(written: bytes) -> bool:
    return not written or (written.isdigit() and len(written) < 7 and written[:1] != b"0")


def _pixels(fields: Fields, field: str) -> int | None:
    pixels = fields.want(field, as_int, None)
    return pixels if 0 < (pixels or 0) < 1_000_000 else None


def read_related(fields: Fields, node: Node, own_url: str, zone: tzinfo) -> tuple[Related, ...]:
    """Read coverage of the same story: each address once, never the article's own."""
    if not isinstance(node, Sequence):
        raise refuse(node, "wrong-type", "related must be a list")
    found: dict[str, Related] = {}
    for item in node.items[:_RELATED_LIMIT]:
        related = _quick_related(item, zone) or fields.try_read(
            item, lambda item: _related(fields, item, zone), None
        )
        if related is not None and related.url != own_url:
            found.setdefault(related.url, related)
    return tuple(found.values())


def _quick_related(node: Node, zone: tzinfo) -> Related | None:
    """Return what `_related` does where nobody can complain of anything, else None."""
    texts = quick_texts(node, _RELATED)
    if not texts:
        return None
    address, title, moment, name, domain = texts
    provider = _provider(name, domain)
    title = plain_text(title)
    if not title or (domain and (not provider or not provider.domain)):
        return None
    try:
        url = absolute_url(address)
        published = parse_datetime(moment, zone) if moment else None
    except ValueError:
        return None
    return Related(title=title, url=url, provider=provider, published=published)


@lru_cache(maxsize=1024)
def _provider(name: str, domain: str) -> Provider | None:
    name, domain = plain_text(name), plain_text(domain).lower()
    if domain and not _DOMAIN.fullmatch(domain):
        domain = ""
    return Provider(name=name or domain, domain=domain) if name or domain else None


def _related(fields: Fields, node: Node, zone: tzinfo) -> Related | None:
    inner = fields.within(node)
    url = inner.need("related_url", address_reader(""))
    title = inner.want("title", read_text, "")
    if not url or not title:
        inner.warn("related-incomplete", "a related item needs a title and a webUrl; left out")
        return None
    return Related(
        title=title,
        url=url,
        provider=inner.want("provider", lambda n: read_provider(inner, n), None),
        published=inner.want("published", date_reader(zone), None),
    )
