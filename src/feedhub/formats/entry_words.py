"""The words that feedhub adds to entries, and how they are marked."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from feedhub.article import Article
from feedhub.feed import Channel
from feedhub.messages import attributes_of, direction_of, messages_of


class EntryWords:
    """The words that feedhub adds to an entry: in its own language, else in that of the feed.

    `around` is the language of the entry. Words in another language are marked.
    """

    def __init__(self, around: str, feed_language: str) -> None:
        self.around = around
        self.messages = messages = messages_of(around, feed_language)
        self.direction = direction_of(around)
        # Not left to readers, which show an entry in the direction of its feed, or from the left.
        is_turned = "rtl" in (self.direction, direction_of(feed_language))
        self.wrapper = attributes_of(around) if is_turned else ""
        gettext = messages.gettext
        # How a link to an article of each type says what a person does there, with and without
        # the name of its publisher.
        self.invitations = {
            "": (gettext("<a>Read the article</a> at {publisher}"), gettext("Read on {site}")),
            "audio": (
                gettext("<a>Listen to the episode</a> at {publisher}"),
                gettext("Listen on {site}"),
            ),
            "course": (
                gettext("<a>Take the course</a> at {publisher}"),
                gettext("Take the course on {site}"),
            ),
            "video": (
                gettext("<a>Watch the video</a> at {publisher}"),
                gettext("Watch on {site}"),
            ),
        }
        self.follow_story = gettext("Follow this story")
        self.related_coverage = gettext("Related coverage:")
        self.publisher_and_day = gettext("{publisher}, {day}")

    def mark(self, text: str) -> str:
        """Return the attributes of an element with this text, with a blank before them, or ""."""
        return self.messages.mark(text, self.around)

    def xml_mark(self, text: str) -> str:
        """Return the same for an element of XML."""
        language = self.messages.language_of(text)
        return f' xml:lang="{language}"' if self.mark(text) else ""

    def paragraph(self, text: str, html: str = "") -> str:
        """Return a paragraph of a text, written as `html` if that is not the text itself."""
        return f"<p{self.mark(text)}>{html or text}</p>"

    def name(self, html: str, text: str) -> str:
        """Return a name that stands in a paragraph of a text, in the language of the entry."""
        return f"<span{attributes_of(self.around)}>{html}</span>" if self.mark(text) else html

    def day(self, moment: datetime) -> str:
        """Return a day as HTML."""
        text = self.messages.day(moment)
        mark = self.mark(text)
        return f"<span{mark}>{text}</span>" if mark else text


@lru_cache(64)
def _entry_words(around: str, feed_language: str) -> EntryWords:
    return EntryWords(around, feed_language)


def entry_words(article: Article, channel: Channel) -> EntryWords:
    """Return the words of an article's entry."""
    return _entry_words(article.language or channel.language, channel.language)
