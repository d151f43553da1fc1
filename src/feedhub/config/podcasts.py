"""A feed that is a podcast: what podcast directories require of its channel."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from feedhub.config import rules
from feedhub.config.rules import record_key
from feedhub.errors import did_you_mean

# The categories and subcategories of Apple Podcasts, which other directories use too.
CATEGORIES = {
    "Arts": "Books|Design|Fashion & Beauty|Food|Performing Arts|Visual Arts",
    "Business": "Careers|Entrepreneurship|Investing|Management|Marketing|Non-Profit",
    "Comedy": "Comedy Interviews|Improv|Stand-Up",
    "Education": "Courses|How To|Language Learning|Self-Improvement",
    "Fiction": "Comedy Fiction|Drama|Science Fiction",
    "Government": "",
    "History": "",
    "Health & Fitness": "Alternative Health|Fitness|Medicine|Mental Health|Nutrition|Sexuality",
    "Kids & Family": "Education for Kids|Parenting|Pets & Animals|Stories for Kids",
    "Leisure": "Animation & Manga|Automotive|Aviation|Crafts|Games|Hobbies|Home & Garden"
    "|Video Games",
    "Music": "Music Commentary|Music History|Music Interviews",
    "News": "Business News|Daily News|Entertainment News|News Commentary|Politics|Sports News"
    "|Tech News",
    "Religion & Spirituality": "Buddhism|Christianity|Hinduism|Islam|Judaism|Religion|Spirituality",
    "Science": "Astronomy|Chemistry|Earth Sciences|Life Sciences|Mathematics|Natural Sciences"
    "|Nature|Physics|Social Sciences",
    "Society & Culture": "Documentary|Personal Journals|Philosophy|Places & Travel|Relationships",
    "Sports": "Baseball|Basketball|Cricket|Fantasy Sports|Football|Golf|Hockey|Rugby|Running"
    "|Soccer|Swimming|Tennis|Volleyball|Wilderness|Wrestling",
    "Technology": "",
    "True Crime": "",
    "TV & Film": "After Shows|Film History|Film Interviews|Film Reviews|TV Reviews",
}
_NAMES = {name.casefold(): name for name in CATEGORIES} | {
    f"{name} > {part}".casefold(): f"{name} > {part}"
    for name, parts in CATEGORIES.items()
    for part in filter(None, parts.split("|"))
}


def categories(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return categories in the spelling of the directories, at least one."""
    found = []
    for text in texts:
        key = " > ".join(part.strip() for part in text.split(">")).casefold()
        if key not in _NAMES:
            raise ValueError(f"{text!r} is none{did_you_mean(text, list(_NAMES.values()))}")
        found.append(_NAMES[key])
    return rules.at_least_one_name(tuple(found))


def artwork(text: str) -> str:
    """Return the address of a JPEG or PNG file."""
    address = rules.url(text)
    if not address.partition("?")[0].lower().endswith((".jpg", ".jpeg", ".png")):
        raise ValueError("it must end with .jpg or .png")
    return address


def mailbox(text: str) -> str:
    """Return an e-mail address."""
    name, at, host = text.strip().rpartition("@")
    if not (name and at and "." in host) or any(sign in text.strip() for sign in " <>(),"):
        raise ValueError("write it as owner@example.org")
    return text.strip()


def guid(text: str) -> str:
    """Return a UUID in its one spelling."""
    return str(UUID(text))


def path(text: str) -> str:
    """Return the path of a feed without slashes around it."""
    return rules.feed_paths((text,))[0]


_NEEDED = "directories of podcasts need it"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodcastConfig:
    """A feed that is a podcast; `name` is its path."""

    name: str = record_key(
        "", "topics/talks", "the path of a feed", path, needed="it is the path of the feed"
    )
    author: str = record_key(
        "", "Example Radio", "text that is not empty", rules.non_empty, needed=_NEEDED
    )
    email: str = record_key("", "owner@example.org", "an e-mail address", mailbox, needed=_NEEDED)
    category: tuple[str, ...] = record_key(
        (),
        ["Technology", "Society & Culture > Documentary"],
        "a list of categories of Apple Podcasts",
        categories,
        needed=_NEEDED,
    )
    image: str = record_key(
        "",
        "https://example.org/cover.jpg",
        "the http(s) address of a JPEG or PNG",
        artwork,
        needed=_NEEDED,
    )
    explicit: bool = record_key(False, False, needed=_NEEDED)
    type: str = record_key("", "episodic", "episodic or serial", rules.choice("episodic", "serial"))
    guid: str = record_key("", "917393e3-1b1e-5cef-ace4-edaa54e1f810", "a UUID", guid)
    locked: str = record_key("", "yes", "yes or no", rules.choice("yes", "no"))
