"""Pages for people: templates, one style and one script, and the policy that lets in no other."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from feedhub.dates import format_rfc3339
from feedhub.feed import Channel
from feedhub.kinds import KINDS
from feedhub.messages import (
    SOURCE_LANGUAGE,
    attributes_of,
    direction_of,
    is_missing,
    messages_of,
)


def write(name: str, channel: Channel, **values: object) -> bytes:
    """Return the page that a template makes in UTF-8; equal values give equal bytes."""
    page = template(name, channel).render(
        channel=channel,
        site=channel.display_title(channel.title),
        sections=[
            (KINDS[kind].heading, channel.url(f"{KINDS[kind].folder}/"))
            for kind in channel.links.listed
        ],
        **values,
    )
    return page.encode()


def not_found(channel: Channel) -> bytes:
    """Return the page for an address that has no document."""
    title = page_title(channel, gettext("Page not found"))
    return write("not_found.html.j2", channel, title=title, url=channel.url(""))


def bad_search(channel: Channel, reason: str) -> bytes:
    """Return the page for a search with a wrong parameter; the reason is English."""
    title = page_title(channel, gettext("Search"))
    return write("bad_search.html.j2", channel, title=title, url=channel.url(""), reason=reason)


def page_title(channel: Channel, text: str) -> str:
    """Return the title of a page about something: the site's alone where it would be English."""
    messages = messages_of(channel.language)
    found = messages.gettext(text)
    if is_missing(found) or not messages.is_of(channel.language):
        return channel.display_title(channel.title)
    return channel.display_title(f"{found} · {channel.title}")


def gettext(message: str) -> str:
    """Return a message as it is: a mark for what looks for messages."""
    return message


def template(name: str, channel: Channel) -> Template:
    """Return a template whose words are in the language of a channel, or English."""
    return _environment(channel.language).get_template(name)


def read_file(name: str) -> str:
    """Return the text of a file of this package."""
    return (files("feedhub.formats.pages") / name).read_text(encoding="utf-8")


def read_bytes(name: str) -> bytes:
    """Return the bytes of a file of this package."""
    return (files("feedhub.formats.pages") / name).read_bytes()


def minify(text: str) -> str:
    """Return a style or a script without comments and indentation, as every page holds it."""
    bare = re.sub(r"/\*(?:[^*]|\*(?!/))*+(?:\*/\n?)?", "", text)
    return "\n".join(line.strip() for line in bare.splitlines() if line.strip())


def csp_hash(text: str) -> str:
    """Return the hash by which a policy allows a style or a script (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


STYLE = minify(read_file("style.css"))
SCRIPT = minify(read_file("script.js"))
ICON = read_file("icon.svg")
# For the page's own head; frame-ancestors counts in a header field only.
POLICY = (
    f"default-src 'none'; style-src {csp_hash(STYLE)}; script-src {csp_hash(SCRIPT)}; "
    "img-src http: https: data:; base-uri 'none'; form-action 'self'"
)
# For the head of a page with players.
PLAYER_POLICY = POLICY.replace("; base-uri", "; media-src http: https:; base-uri")
# The script of a page that tells of new articles while it is open.
EVENTS_SCRIPT = minify(read_file("events.js"))


def with_events(policy: str) -> str:
    """Return the policy of a page that tells of new articles."""
    scripts = f"script-src {csp_hash(SCRIPT)}"
    return policy.replace(scripts, f"{scripts} {csp_hash(EVENTS_SCRIPT)}; connect-src 'self'")


CSP = f"{PLAYER_POLICY}; frame-ancestors 'none'"
# A server's pages may tell of new articles, if their own policy lets them.
SERVER_CSP = with_events(CSP)


@lru_cache(4)
def _environment(language: str) -> Environment:
    """Return the templates with the words for a language: a site has one."""
    messages = messages_of(language)
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=FunctionLoader(read_file),
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True

    english = Markup(attributes_of(SOURCE_LANGUAGE))  # noqa: S704 - our own

    def words(text: str) -> Markup:
        """Return a text of the catalog as HTML, marked if it is English for want of one."""
        html = Markup(text)  # noqa: S704 - our own
        return Markup("<span{}>{}</span>").format(english, html) if is_missing(text) else html

    environment.install_gettext_callables(  # type: ignore[attr-defined] # of the extension
        lambda text: words(messages.gettext(text)),
        lambda one, many, count: words(messages.ngettext(one, many, count)),
        newstyle=True,
        pgettext=lambda context, text: words(messages.pgettext(context, text)),
        npgettext=lambda context, one, many, count: words(
            messages.npgettext(context, one, many, count)
        ),
    )

    def labelled(attribute: str, text: str, **values: object) -> Markup:
        """Return an attribute with a text, and behind it how the text is marked, if it is."""
        found = messages.gettext(text)
        label = Markup(' {}="{}"').format(attribute, found % values)
        return label + english if is_missing(found) else label

    def named(text: str) -> Markup:
        """Return the label of an element around others, which have no mark: none in English."""
        return Markup() if is_missing(messages.gettext(text)) else labelled("aria-label", text)

    environment.filters |= {
        "day": lambda moment: words(messages.short_day(moment)),
        "long_day": lambda moment: words(messages.day(moment)),
        "month": lambda period: words(messages.month(period)),
        "moment": format_rfc3339,
        "number": messages.number,
    }
    # Without a catalog the words of the page are English; those of the site never are.
    foreign = not messages.is_of(language)
    theirs = Markup(attributes_of(language)) if foreign else ""  # noqa: S704 - escaped

    def in_language(tag: str) -> Markup | str:
        """Return how a text in a language is marked."""
        return theirs if tag == language else Markup(attributes_of(tag))  # noqa: S704 - escaped

    def inside(message: str, tag: str) -> Markup | str:
        """Return how a name in a language is marked within a message, which may be English."""
        if is_missing(messages.gettext(message)):
            return Markup(attributes_of(tag))  # noqa: S704 - escaped
        return in_language(tag)

    environment.globals |= {
        "inside": inside,
        "direction": direction_of(language),
        "ours": english if foreign else "",
        "theirs": theirs,
        "in_language": in_language,
        "policy": POLICY,
        "style": Markup(STYLE),  # noqa: S704 - our own files
        "script": Markup(SCRIPT),  # noqa: S704
        "labelled": labelled,
        "named": named,
    }
    return environment
