"""Values as people write them in front matter: texts, dates, addresses, labels, people, images."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from feedhub import limits
from feedhub.article import Author, Image, Provider, Related
from feedhub.dates import parse_clock
from feedhub.errors import ArticleError
from feedhub.sources.article_path import YEARS
from feedhub.sources.fields import Fields
from feedhub.sources.simple_yaml import texts_of
from feedhub.sources.tree import Mapping, Node, Scalar, Sequence, as_int, as_text, node_error
from feedhub.sources.urls import UrlError, absolute_url, image_media_type, rooted_url
from feedhub.text import cut, label_key, one_line, plain_text

_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z0-9-]{2,}")

_DATETIME = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"(?:(?:[Tt]| +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
    r" *(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
# RFC 822, 5, with the year of RFC 1123; the zones are the only ones that have one meaning.
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MAIL_ZONES = {"UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6}
_MAIL_ZONES |= {"PST": -8, "PDT": -7}
_MAIL_DATETIME = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +)?(?P<day>[0-9]{1,2}) +(?P<month>[A-Z][a-z]{2}) +"
    r"(?P<year>[0-9]{4}) +(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    r" *(?P<zone>Z|UTC|GMT|[ECMP][SD]T|UT|[+-][0-9]{4})?"
)
# Most dates, and what every version of Python reads alike; some months have no day after the 28th.
_TIMESTAMP = re.compile(
    r"(?:19|[2-8][0-9])[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
)
_DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,6})W)?(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9})(?:\.[0-9]+)?S)?)?"
)
_MAILBOX = re.compile(r"(?:mailto:)?[^\s@<>()]+@[^\s@<>()]+")
_PERSON = re.compile(
    r"(?P<before>[^<>\[\]]+?)<(?P<link>[^<>\s]+)>"
    r"|(?P<mailbox>[^\s@<>()]++@[^\s@<>()]++)\s++\((?P<name>[^()]+)\)"
    r"|\[(?P<label>[^\[\]]+)\]\((?P<target>[^()\s]+)\)"
)
_CALENDAR_DURATION = re.compile(r"P[0-9WD.]*+(?<=[0-9.])[YM]")
# No place is further from UTC; a larger one is still a time.
_FAR_OFFSET = re.compile(r":[0-9.]{2,12} *[+-](?:1[5-9]|2[0-9]|14:?(?!00)[0-9]{2})")


def parse_datetime(text: str, zone: tzinfo = UTC) -> datetime:
    """Return the time of `text` in UTC, whole seconds; a text without a zone is in `zone`.

    Reads RFC 3339 and the other forms that Jekyll, Hugo and YAML allow (`2015-1-1`, `2015/01/01`,
    `2015-01-01 10:00 +0200`), and RFC 822. A date alone is its midnight. Raises ValueError, whose
    message never quotes `text`.
    """
    if _TIMESTAMP.fullmatch(text):
        return datetime.fromisoformat(text)
    return parse_any_datetime(text, zone)


def parse_any_datetime(text: str, zone: tzinfo) -> datetime:
    """Return what `parse_datetime` does, for every form of a date."""
    match = _DATETIME.fullmatch(text.strip()) or _MAIL_DATETIME.fullmatch(text.strip())
    name = match["month"].lower() if match else ""
    if not match or not (name.isdigit() or name in _MONTHS):
        raise ValueError("this is no date")
    year, day = int(match["year"]), int(match["day"])
    month = int(name) if name.isdigit() else _MONTHS.index(name) + 1
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if year not in YEARS:
        raise ValueError("the year is not between 1900 and 9998")
    offset = parse_offset(match["zone"]) if match["zone"] else zone
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=offset)
    except ValueError:
        raise ValueError("there is no such date or time of day") from None
    return local.astimezone(UTC)


def parse_offset(zone: str) -> tzinfo:
    """Return the time zone of `Z`, `UTC`, `GMT`, `+02`, `+0200` or `+02:00`; raises ValueError."""
    if zone[0] not in "+-":
        return timezone(timedelta(hours=_MAIL_ZONES.get(zone, 0)))
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError("the offset from UTC has more than 59 minutes")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size >= timedelta(hours=24):
        raise ValueError("the offset from UTC is a day or more")
    return timezone(-size if zone[0] == "-" else size)


def parse_duration(text: str) -> int:
    """Return the whole seconds of an ISO 8601 duration such as `PT2H44M`, or of `2:44:00`.

    Raises ValueError for any other text; years and months have no fixed length and are refused.
    """
    if (seconds := parse_clock(text)) is not None:
        return seconds
    match = _DURATION.fullmatch(text.strip())
    if match and any(match.groups()):
        lengths = {unit: int(number) for unit, number in match.groupdict("0").items()}
        return int(timedelta(**lengths).total_seconds())
    if _CALENDAR_DURATION.match(text.strip()):
        raise ValueError("years and months have no fixed length: say days, hours or minutes")
    raise ValueError("this is not a duration such as PT2H44M")


def read_text(node: Node, limit: int = 0) -> str:
    """Read plain text: entities decoded once, on one line. Refuse one longer than a `limit`."""
    text = as_text(node, limit)
    return plain_text(text) if text else ""


def read_name(node: Node) -> str:
    """Read the name of a person or publisher, or its domain, as it is written."""
    return as_text(node, limits.MAX_LABEL) or ""


def read_short_text(node: Node) -> str:
    """Read a text that becomes a part of an address."""
    return read_text(node, limits.MAX_ADDRESS)


def read_title(node: Node) -> str:
    """Read the title of an image or a related article."""
    return cut(read_text(node), limits.MAX_TITLE)


def date_reader(zone: tzinfo) -> Callable[[Node], datetime]:
    """Return a reader of dates; those without a zone are in `zone`."""

    def read(node: Node) -> datetime:
        try:
            return parse_datetime(as_text(node, limits.MAX_WORD) or "", zone)
        except ValueError as error:
            message = f"{error}; write it as 2020-06-09 or 2020-06-09T11:36:00Z"
            raise node_error(node, "bad-date", message) from None

    return read


def has_far_offset(node: Node) -> bool:
    """Return whether a date has an offset from UTC that no place on earth has."""
    return type(node) is Scalar and bool(_FAR_OFFSET.search(node.text))


def read_duration(node: Node) -> int:
    """Read an ISO 8601 duration as seconds."""
    try:
        return parse_duration(as_text(node, limits.MAX_WORD) or "")
    except ValueError as error:
        raise node_error(node, "bad-duration", f"the length is not usable: {error}") from None


def address_reader(base: str, *, rooted: bool = False) -> Callable[[Node], str]:
    """Return a reader of addresses; `rooted` keeps the base's path before a root-relative one."""
    resolve = rooted_url if rooted else absolute_url

    def read(node: Node) -> str:
        try:
            return resolve(as_text(node) or "", base)
        except UrlError as error:
            raise node_error(node, "bad-url", f"the address is not usable: {error}") from None

    return read


def read_labels(node: Node) -> tuple[str, ...]:
    """Read labels from a list, or from one text with semicolons or else commas between them."""
    if isinstance(node, Sequence):
        labels = [read_text(item) for item in node.items if isinstance(item, Scalar)]
    else:
        labels = split_text(node)
    return tuple(label for label in labels if len(label) <= limits.MAX_LABEL)


def split_text(node: Node) -> list[str]:
    """Split a text at its semicolons, else its commas."""
    text = plain_text(as_text(node) or "")
    return [part.strip() for part in text.split(";" if ";" in text else ",")]


def unique_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Return each label once, as it is first spelled, in order, without empty ones.

    A comma inside a label becomes a blank: readers take it for the end of the label.
    """
    found: dict[str, str] = {}
    for label in labels:
        text = one_line(label.replace(",", " "))
        found.setdefault(label_key(text), text)
    found.pop("", None)
    return tuple(found.values())


# Few publishers stand in the related items of many files: what was read without a problem, by the
# bytes of the mapping.
MAX_PROVIDERS = 4_096
_providers: dict[tuple[object, ...] | None, Provider | None] = {}


def read_provider(fields: Fields, node: Node, *, picture: bool = False) -> Provider | None:
    """Read a publisher: a name, or a mapping with name, domain and, with `picture`, images."""
    if isinstance(node, Scalar):
        return make_provider(read_name(node), "")
    texts = texts_of(node.entries) if isinstance(node, Mapping) and not picture else None
    if texts in _providers:
        return _providers[texts]
    inner, problems = fields.nested(node), len(fields.problems)
    name, domain = inner.name("name"), inner.name("domain")
    provider = make_provider(name, domain, read_picture(inner) if picture else "")
    if domain and not (provider and provider.domain) and plain_text(domain):
        inner.warn("bad-domain", "the publisher's domain is not a host name; left out")
    if texts and len(fields.problems) == problems:
        if len(_providers) > MAX_PROVIDERS:
            _providers.clear()
        _providers[texts] = provider
    return provider


def make_provider(name: str, domain: str, picture: str = "") -> Provider | None:
    """Return a publisher without what is no host name; None if nothing is left."""
    name, domain = plain_text(name), plain_text(domain).lower()
    if not _DOMAIN.fullmatch(domain):
        domain = ""
    if not (name or domain):
        return None
    return Provider(name=name or domain, domain=domain, picture=picture)


def read_picture(fields: Fields) -> str:
    """Return the address of a publisher's first image, "" where none is a complete one.

    Pages can do without it, so nothing is warned about.
    """
    for field in ("images", "image"):
        node = fields.node(field)
        for item in items_of(node)[:1] if node is not None else ():
            url = fields.nested(item).node("image_url") if isinstance(item, Mapping) else item
            try:
                return absolute_url(as_text(url) or "") if url is not None else ""
            except (ArticleError, UrlError):
                return ""
    return ""


def read_authors(fields: Fields, node: Node, *, several: bool = False) -> tuple[Author, ...]:
    """Read people, each once: one, or a list; each a name, or a mapping with name and url.

    `several` says that one text may hold many, with semicolons or commas between them.
    """

    def read(item: Node) -> Author:
        if isinstance(item, Scalar):
            return parse_author(plain_text(read_name(item)))
        inner = fields.nested(item)
        url = inner.read_or_warn("person_url", address_reader(""), "")
        author = parse_author(plain_text(inner.name("name")))
        return Author(name=author.name, url=url or author.url)

    if several and isinstance(node, Scalar):
        names = fields.at_most(limits.MAX_LABELS, read_labels(node), "authors", "authors")
        authors = [parse_author(name) for name in names]
    else:
        nameless = Author(name="")
        items = fields.at_most(limits.MAX_LABELS, items_of(node), "authors", "authors", "author")
        authors = [fields.read_node_or_warn(item, read, nameless) for item in items]
    found: dict[str, Author] = {}
    for author in authors:
        found.setdefault(label_key(author.name), author)
    found.pop("", None)
    return tuple(found.values())


def parse_author(text: str) -> Author:
    """Return a person as people write one: the name, and an address on the web beside it.

    `Jane <jane@example.org>`, `jane@example.org (Jane)`, `[Jane](https://example.org)`. An e-mail
    address is never published: of one alone, what stands before the @ is the name.
    """
    match = _PERSON.fullmatch(text)
    if match is None:
        name, address = text, ""
    else:
        name = match["name"] or match["before"] or match["label"]
        address = match["link"] or match["target"] or ""
    if _MAILBOX.fullmatch(name.strip()):
        name = name.strip().removeprefix("mailto:").partition("@")[0]
    try:
        return Author(
            name=one_line(name).strip("\"' "), url=absolute_url(address) if address else ""
        )
    except UrlError:
        return Author(name=one_line(name).strip("\"' "))


def items_of(node: Node) -> tuple[Node, ...]:
    """Return the items of a list, or the one node that stands instead of a list."""
    return node.items if isinstance(node, Sequence) else (node,)


def read_images(
    fields: Fields, node: Node, read_address: Callable[[Node], str]
) -> tuple[Image, ...]:
    """Read images, each address once: one, or a list; each an address, or a mapping with url."""

    def read(item: Node) -> Image | None:
        if isinstance(item, Scalar):
            url = read_address(item) if as_text(item) else ""
            return Image(url=url, media_type=image_media_type(url)) if url else None
        inner = fields.nested(item)
        url = inner.read_or_reject("image_url", read_address) or ""
        if not url:
            return None
        return Image(
            url=url,
            width=read_pixels(inner, "width"),
            height=read_pixels(inner, "height"),
            title=inner.read_or_warn("image_title", read_title, ""),
            media_type=image_media_type(url),
        )

    found: dict[str, Image] = {}
    for item in fields.at_most(limits.MAX_IMAGES, items_of(node), "images", "images", "image"):
        image = fields.read_node_or_warn(item, read, None)
        if image is not None:
            found.setdefault(image.url, image)
    return tuple(found.values())


def read_pixels(fields: Fields, field: str) -> int | None:
    """Read a width or height in pixels, or None where there is none that an image can have."""
    pixels = fields.read_or_warn(field, as_int, None)
    return pixels if 0 < (pixels or 0) < 1_000_000 else None


def read_actions(fields: Fields, node: Node) -> tuple[tuple[str, str], ...]:
    """Read what a person can do with an article, such as download it: address and title of each."""

    def read(item: Node) -> tuple[str, str] | None:
        inner = fields.nested(item)
        url = inner.read_or_reject("action_url", address_reader(""))
        title = inner.read_or_warn("title", read_title, "")
        return (url, title) if url and title else None

    items = fields.at_most(limits.MAX_RELATED, items_of(node), "actions", "actions")
    actions = [fields.read_node_or_warn(item, read, None) for item in items]
    return tuple(dict.fromkeys(action for action in actions if action))


def read_related(fields: Fields, node: Node, own_url: str, zone: tzinfo) -> tuple[Related, ...]:
    """Read coverage of the same story: each address once, never the article's own."""

    read_address, read_date = address_reader(""), date_reader(zone)

    def read_publisher(node: Node) -> Provider | None:
        return read_provider(fields, node)

    def read(item: Node) -> Related | None:
        inner = fields.nested(item)
        url = inner.read_or_reject("related_url", read_address)
        title = inner.read_or_warn("title", read_title, "")
        if not url or not title:
            inner.warn("related-incomplete", "a related item needs a title and a webUrl; left out")
            return None
        return Related(
            title=title,
            url=url,
            provider=inner.read_or_warn("provider", read_publisher, None),
            published=inner.read_or_warn("published", read_date, None),
        )

    if not isinstance(node, Sequence):
        raise node_error(node, "wrong-type", "related must be a list")
    found: dict[str, Related] = {}
    for item in fields.at_most(limits.MAX_RELATED, node.items, "related articles", "related"):
        related = fields.read_node_or_warn(item, read, None)
        if related is not None and related.url != own_url:
            found.setdefault(related.url, related)
    return tuple(found.values())
