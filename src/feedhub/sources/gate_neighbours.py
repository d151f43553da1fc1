"""Keys that are none of the gate's but may be meant to hide: misspelt, or of other systems."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from unicodedata import combining, normalize

from feedhub.errors import ArticleError
from feedhub.sources.fields import NAMES, keys_by_field
from feedhub.sources.simple_yaml import names_of
from feedhub.sources.tree import SECURED, Mapping, Node, Scalar, is_null, node_error
from feedhub.sources.values import date_reader


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def plain_key(key: str) -> str:
    """Return a key without what does not count, and without any other sign."""
    if not key.isascii():  # `publié` is near to `published`, as `publie` is
        key = "".join(sign for sign in normalize("NFKD", key) if not combining(sign))
    return re.sub(r"[\W_]+", "", key).casefold()


class Neighbour(NamedTuple):
    """Keys, the value that `hides`, what feedhub does then, and what it means in which system."""

    keys: str
    hides: str
    action: str
    meaning: str


#: Hidden where the system keeps such an article out of lists and feeds. Rejected where it may only
#: mean a menu, or some of the readers: feedhub guesses nothing.
NEIGHBOURS = tuple(
    Neighbour(*re.split(r"\s*\|\s*", row))
    for row in """\
publish dg-publish | false | hidden | Obsidian, VuePress: not published
unlisted hidden private | true | hidden | Docusaurus, Hexo, Nanoc, Lektor, Gatsby: in no list
excludeFromFeed excludeFromRss noFeed noRss rssIgnore | true | hidden | themes: not in the feed
feed rss article includeInFeed includeInRss | false | hidden | VuePress: not in the feed or a list
public visible enabled active live online listed | false | rejected | Grav, Craft, Wagtail, Django
discoverable show display list render approved | false | rejected | Bear, Hugo's build, Zola
unpublished deleted remove trashed withdrawn retracted | true | rejected | databases: taken back
notPublished noPublish dontPublish doNotPublish unfinished draftMode | true | rejected | not yet
hide exclude skip ignore disabled inactive headless wip | true | rejected | Hugo and themes
secret confidential internal protected encrypted embargoed | true | rejected | not for everyone
scheduled membersOnly paidOnly emailOnly saveAsDraft | true | rejected | Ghost, Substack, Hashnode
password | any text | rejected | WordPress, Hexo: only for those who know it
unpublish deletedAt removedAt withdrawnAt retractedAt trashedAt | any text | rejected | databases
visibility | not public | rejected | WordPress, Ghost: for members, or for nobody
state access audience workflow stage | draft, private ... | rejected | Tumblr, Drupal, Substack
publishedAt publishedOn publishedDate publishAt publishOn | a later date | rejected | Forem, Sanity
datePublished pubDatetime postDate goLiveAt embargo | a later date | rejected | AstroPaper, Wagtail
goLive embargoUntil visibleFrom showAfter availableFrom | a later date | rejected | Drupal, Joomla
scheduledFor scheduledAt scheduledDate | a later date | rejected | Ghost, Hashnode
expires expiresAt expiresOn expireAt expireDate expiry | a date | rejected | Wagtail, Craft
expirationDate expiration unpublishAt unpublishOn | a date | rejected | WordPress, Drupal
visibleUntil availableUntil validUntil hideAfter | a date | rejected | Joomla
removeAt removeOn removeAfter | a date | rejected | databases
noindex robots sitemap search share archived | nothing | ignored | not of lists""".splitlines()
)

# Mappings whose keys are the article's own: Hugo, Zola, exports.
_WRAPPERS = _words("params extra meta metadata data build _build attributes page post feed rss")
# Good keys one letter from one of the gate's: they hide by a value that says so, not by others.
_UNRELATED = _words("craft daft gate late rate data dates stats publisher")
_TRUE, _FALSE = _words("true yes on 1 y"), _words("false no off 0 n never")
PUBLIC = _TRUE | _words("public published publish visible everyone all open live")
PRIVATE = _FALSE | _words(
    "draft hidden skip pending private trash unlisted unpublished password protected members paid "
    "tiers secret internal scheduled queued queue embargoed removed deleted withdrawn "
    "wip confidential"
)
# The words that show the article by a value that `hides`, and those that hide it.
_VALUES = {"false": (_TRUE, _FALSE), "true": (_FALSE, _TRUE), "any text": (_FALSE, _words(""))}
# However a date is written, it has a year or three numbers.
_DATE = re.compile(r"[0-9]{4}|[0-9]\W[0-9]{1,2}\W[0-9]")
# A key in YAML or TOML that cannot be parsed; its value, perhaps indented on the next line, is only
# looked at, because a key may stand in it.
_PAIR = re.compile(
    r"""(?:^|[{,])[ \t"']{0,40}([\w.-]{1,40})["']?[ \t]{0,9}[:=\uff1a]"""
    r"""(?=[ \t]{0,9}(?:\n[ \t]{1,9})?(?:[!&]\S{0,40}\s)?["']?([^\n"',}#]{0,40}))""",
    re.MULTILINE,
)
_CLOSING = re.compile(r"\n(?:---|\+\+\+)[ \t]*(?:\n|\Z)")
_FENCES = ("---", "+++")
_HEAD_BYTES = 16 * 1024
_FOREIGN = {
    plain_key(key): row._replace(
        keys={"a later date": "publishDate", "a date": "expiryDate"}.get(row.hides, "published")
    )
    for row in NEIGHBOURS
    for key in row.keys.split()
}
# Only keys that hide for certain: `tocVisible` is near to `visible`, and hides no article.
_SPELLED = [word for word, row in _FOREIGN.items() if row.action == "hidden"]
_GATE = {
    plain_key(name): Neighbour(name, hides, "misspelt", "")
    for field, hides in {
        "is_published": "false",
        **dict.fromkeys(("is_removed", "is_draft", "is_excluded"), "true"),
        "status": "draft, private ...",
        "published": "a later date",
        "expires": "a past date",
    }.items()
    for name in NAMES[field]
}
_KNOWN = {plain_key(name) for names in NAMES.values() for name in names}
_KNOWN -= _GATE.keys() | _FOREIGN.keys() | _UNRELATED
_KNOWN |= _words("update moved remote")  # no nearer than two letters


_READ = {plain_key(name) for names in NAMES.values() for name in names}


def may_stand_twice(key: str) -> bool:
    """Return whether nothing depends on a key: no field reads it, and it cannot mean to hide."""
    read = plain_key(key) in _READ or key.casefold() in (SECURED, *_WRAPPERS)
    return not (read or neighbours_of(key))


@lru_cache(maxsize=4096)
def neighbours_of(key: str) -> tuple[Neighbour, ...]:
    """Return what a key may be meant for, the nearest first, with the name to write as `keys`."""
    word = plain_key(key).removeprefix("is")
    if word in _KNOWN or len(word) > 40:
        return ()
    if exact := _GATE.get(word) or _FOREIGN.get(word):
        return () if exact.action == "ignored" else (exact,)
    near = [_GATE[name] for name in get_close_matches(word, _GATE, cutoff=0.75)]
    if word in _UNRELATED:
        return tuple(row._replace(action="unrelated") for row in near)
    # Misspelt, an end that is still to come would be missed too.
    near = [row._replace(hides="a date") if row.hides == "a past date" else row for row in near]
    spelled = () if near else get_close_matches(word, _SPELLED, cutoff=0.85)
    return (*near, *(_FOREIGN[name]._replace(action="rejected") for name in spelled))


def hides(neighbour: Neighbour, node: Node, zone: tzinfo, now: datetime) -> bool:
    """Return whether the value of such a key hides the article at `now`."""
    kind = neighbour.hides
    if type(node) is not Scalar:
        return kind == "not public"
    text = node.text.strip().lower()
    if not text or is_null(node):
        return False
    if kind.endswith("date"):
        try:
            return bool(_DATE.search(text)) and (
                kind == "a date" or (date_reader(zone)(node) > now) == (kind == "a later date")
            )
        except ArticleError:
            return neighbour.action != "unrelated"
    shown, hidden = _VALUES.get(kind, (PUBLIC, PRIVATE))
    unclear = neighbour.action == "misspelt" and len(text) < 6  # a misspelt flag too
    return text in hidden or (text not in shown and (unclear or kind in ("any text", "not public")))


@lru_cache(maxsize=256)
def unread_keys(written: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys among those written that no field reads, or only where nothing else does."""
    fields = keys_by_field(written)
    always = NAMES.keys() & fields.keys() - {"published_elsewhere"}
    read = {key for field in always for key in fields[field]}
    return tuple(key for key in written if key not in read or plain_key(key) in _UNRELATED)


def is_hidden_elsewhere(
    mapping: Mapping, zone: tzinfo, now: datetime, date: Node | None = None
) -> bool:
    """Return whether a key of other systems hides the article; `date` is where its own date stands.

    Raises ArticleError that withdraws where only its author knows whether a key is meant to.
    """
    entries, found = mapping.entries, []
    for key in unread_keys(names_of(entries)):
        pairs = [(key, entries[key])] if neighbours_of(key) and entries[key] != date else []
        if key.casefold() in _WRAPPERS and isinstance(inner := entries[key], Mapping):
            pairs += inner.entries.items()
        found += [(*pair, row) for pair in pairs for row in neighbours_of(pair[0])]
    hiding = [(key, node, row) for key, node, row in found if hides(row, node, zone, now)]
    for key, node, row in hiding:
        if row.action != "hidden":
            message = f"the key {key} may be meant to hide this article; did you mean {row.keys}?"
            message += " Rename it or remove it"
            raise node_error(node, "hiding-key", message, withdraws=True)
    return bool(hiding)


def has_hiding_line(data: bytes, zone: tzinfo, now: datetime) -> bool:
    """Return whether a line of a file that cannot be parsed hides the article."""
    text = data[:_HEAD_BYTES].replace(b"\0", b"").decode(errors="replace").replace("\r", "\n")
    text = text.lstrip("\ufeff\ufffd \t\n")
    # Of a file that begins otherwise, as with a comment or the sign of a conflict, or whose opening
    # fence is lost, nobody knows which fence closes: all is looked at up to the second.
    closings = list(islice(_CLOSING.finditer(text), 1 if text.startswith(_FENCES) else 2))
    if closings:
        text = text[: closings[-1].start() + 1]
    for found in _PAIR.finditer(text):
        value, last = found[2].strip(), found[1].rpartition(".")[2]  # `params.draft` in TOML
        neighbours = (*neighbours_of(found[1]), *neighbours_of(last))
        if value.startswith("*") and neighbours:
            return True  # what the alias stands for may be what cannot be parsed
        # The file may have been cut within its last value: then only a whole word counts.
        if found.end(2) < len(text) or value.lower() in _TRUE | PRIVATE:
            node = Scalar(value, 1, 1, plain=True)
            if any(hides(neighbour, node, zone, now) for neighbour in neighbours):
                return True
    return False
