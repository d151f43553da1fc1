"""Pages for people: templates, one style and one script, and the policy that lets in no other."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from feedhub.dates import SHORT_MONTHS, format_day, format_rfc3339

if TYPE_CHECKING:
    from feedhub.feed import Channel

# Languages that are written from right to left.
_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi"}


def write(name: str, channel: Channel, **values: object) -> bytes:
    """Return the page that a template makes in UTF-8; equal values give equal bytes."""
    english = channel.language.lower().split("-")[0] == "en"
    page = _ROOM.get_template(name).render(
        channel=channel,
        site=channel.titled(channel.title),
        direction=_direction(channel.language),
        # The words of the page are English, those of the site are in its own language.
        ours="" if english else Markup(' lang="en"'),
        theirs="" if english else Markup(' lang="{}"').format(channel.language),
        **values,
    )
    return page.encode()


def _direction(language: str) -> str:
    return "rtl" if language.lower().split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def _read(name: str) -> str:
    return (files("feedhub.formats.pages") / name).read_text(encoding="utf-8")


def _squeezed(text: str) -> str:
    """Return a style or a script without comments and indentation: it stands in every page."""
    bare = re.sub(r"/\*.*?\*/\n?", "", text, flags=re.DOTALL)
    return "\n".join(line.strip() for line in bare.splitlines() if line.strip())


def _hash(text: str) -> str:
    """Return how a policy names what may stand in a page (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


STYLE = _squeezed(_read("style.css"))
SCRIPT = _squeezed(_read("script.js"))
ICON = _read("icon.svg")
# What stands in the page's own head; frame-ancestors counts in a header field only.
POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; "
    "img-src http: https: data:; base-uri 'none'; form-action 'self'"
)
CSP = f"{POLICY}; frame-ancestors 'none'"

_ROOM = Environment(
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    loader=FunctionLoader(_read),
    auto_reload=False,
)
_ROOM.filters |= {
    "day": partial(format_day, months=SHORT_MONTHS),
    "moment": format_rfc3339,
    "number": "{:,}".format,
}
_ROOM.globals |= {
    "policy": POLICY,
    "style": Markup(STYLE),  # noqa: S704 - our own files
    "script": Markup(SCRIPT),  # noqa: S704
}
