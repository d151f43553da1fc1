"""What is said of a built site as a whole: one message, however many pages it is about."""

from __future__ import annotations

from collections.abc import Iterator

from feedhub.feed_reader import ParsedEntry
from feedhub.feed_reader.xml import text_of_html
from feedhub.sources.built.archive import Archive
from feedhub.sources.built.pages import PageFacts

SUMMARIES_ONLY = (
    'the feed holds summaries only: set source.content = "page" to publish the pages\' text, or '
    '"feed" if they are meant'
)
# A page has words around its text, and a summary may be all that there is to say.
_SHARE, _MIN_DIFFERENCE = 2, 300


def has_summary_only(entry: ParsedEntry, page: PageFacts) -> bool:
    """Return whether the text of an entry is much shorter than the paragraphs of its page."""
    # Most markup is longer than its text: what is long enough with it need not be parsed.
    markup = max(entry.content.html, entry.summary.html, key=len)
    if len(markup) >= _SHARE * page.text_length:
        return False
    length = len(text_of_html(markup))
    return length * _SHARE < page.text_length and page.text_length - length >= _MIN_DIFFERENCE


def archive_messages(archive: Archive, count: int, *, wanted: bool) -> Iterator[tuple[str, str]]:
    """Yield the code and text of what is to be said of pages that are in no feed."""
    older = len(archive.older)
    if older and not wanted:
        message = f"the feed holds {count} entries, {older} older pages look like articles: "
        yield "older-pages", message + "source.archive = true publishes them"
    if wanted and not archive.memory.rules:
        message = "the pages of the feed's entries show no common place of title and date: "
        yield "no-archive", message + "no older page is read"
    if archive.younger:
        message = f"{archive.younger} younger pages are not in your feed: left out"
        yield "younger-pages", message


def missing_message(missing: list[tuple[str, str]], total: int) -> str:
    """Return that entries point to no file, and to which first."""
    link, path = missing[0]
    return (
        f"{len(missing)} of {total} entries point to no file: for the first, {link}, there is no "
        f"{path}; SOURCE must be the folder that is deployed, built anew"
    )
