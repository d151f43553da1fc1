"""Pages for people: templates, one style and one script, and the policy that lets in no other."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from feedhub.dates import SHORT_MONTHS, format_day, format_rfc3339
from feedhub.feed import Channel

# Languages that are written from right to left.
_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi"}


def write(name: str, channel: Channel, **values: object) -> bytes:
    """Return the page that a template makes in UTF-8; equal values give equal bytes."""
    language = channel.language.lower().split("-")[0]
    english = language == "en"
    page = environment.get_template(name).render(
        channel=channel,
        site=channel.display_title(channel.title),
        direction="rtl" if language in _RIGHT_TO_LEFT else "ltr",
        # The words of the page are English, those of the site are in its own language.
        ours="" if english else Markup(' lang="en"'),
        theirs="" if english else Markup(' lang="{}"').format(channel.language),
        **values,
    )
    return page.encode()


def read_file(name: str) -> str:
    """Return the text of a file of this package."""
    return (files("feedhub.formats.pages") / name).read_text(encoding="utf-8")


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
CSP = f"{PLAYER_POLICY}; frame-ancestors 'none'"

environment = Environment(
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    loader=FunctionLoader(read_file),
    auto_reload=False,
)
environment.filters |= {
    "day": partial(format_day, months=SHORT_MONTHS),
    "moment": format_rfc3339,
    "number": "{:,}".format,
}
environment.globals |= {
    "policy": POLICY,
    "style": Markup(STYLE),  # noqa: S704 - our own files
    "script": Markup(SCRIPT),  # noqa: S704
}
