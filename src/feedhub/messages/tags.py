"""Tags of languages (BCP 47): read them, or the names that people write instead, and name them.

`names.tsv` has the languages of the Unicode CLDR, which `make messages` takes from Babel: what it
knows is found at once. For all else langcodes asks the registry of IANA; its import takes 0.04 s.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

NAMES = Path(__file__).parent / "names.tsv"
_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
# Where Chinese is written with traditional characters.
_TRADITIONAL = {"hk", "mo", "tw"}


class Names(NamedTuple):
    """What is known of languages: their own names by tag, tags by names, and codes of regions."""

    own: dict[str, str]
    tags: dict[str, str]
    regions: frozenset[str]


@lru_cache(512)
def parse_language(text: str) -> str:
    """Return the tag of a language, which may be given by its name in English or its own.

    A tag stays as it is written if its language and region are common, an underscore for a hyphen
    and an encoding behind it aside. Raises ValueError where a part of it is not registered.
    """
    names = known_names()
    tag = text.strip().partition(".")[0].replace("_", "-")
    language, hyphen, region = tag.partition("-")
    if language.lower() in names.own and (not hyphen or region.upper() in names.regions):
        return tag
    if found := names.tags.get(" ".join(text.casefold().split())):
        return found
    if not _TAG.fullmatch(tag):
        raise ValueError("it is no tag")
    from langcodes import standardize_tag, tag_is_valid  # for uncommon languages alone

    if not tag_is_valid(tag):
        raise ValueError("a part of it is not registered")
    return standardize_tag(tag)


def language_or_none(text: str) -> str:
    """Return the tag of a language, or "" where the text is none."""
    try:
        return parse_language(text)
    except ValueError:
        return ""


@lru_cache(512)
def without_region(tag: str) -> str:
    """Return the language of a tag and, if it tells readers apart, its script: `de`, `zh-Hant`."""
    language, *parts = tag.lower().split("-")
    script = next((part for part in parts if len(part) == 4 and part.isalpha()), "")
    if language == "zh" and not script:
        script = "hant" if _TRADITIONAL & set(parts) else "hans"
    return f"{language}-{script.capitalize()}" if script else language


def own_name(tag: str) -> str:
    """Return the name of a language in itself, such as `Deutsch`, or the tag."""
    own = known_names().own
    language = without_region(tag)
    return own.get(language.lower()) or own.get(language.partition("-")[0]) or tag


@lru_cache(1)
def known_names() -> Names:
    """Return what `names.tsv` says: codes of regions, then tag, English and own name in lines."""
    regions, *lines = NAMES.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    tags: dict[str, str] = {}
    # Where several have a name, the English one and the language without a region come first.
    for column in (1, 2):
        for row in rows:
            tags.setdefault(row[column].casefold(), row[0])
    tags.pop("")
    return Names({tag.lower(): own for tag, _, own in rows}, tags, frozenset(regions.split()))
