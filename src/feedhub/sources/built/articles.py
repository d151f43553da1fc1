"""The article of an entry of the site's own feed."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from msgspec import structs

from feedhub import limits
from feedhub.article import Article, Author, Image, Media
from feedhub.errors import ArticleError, Problem
from feedhub.feed_reader import Enclosure, ParsedEntry
from feedhub.feed_reader.dates import parse_feed_date
from feedhub.sources import ReadOptions, ReadResult
from feedhub.sources.bodies import all_text, first_text, html_body
from feedhub.sources.built.additions import Additions
from feedhub.sources.built.entries import SiteEntry
from feedhub.sources.built.pages import (
    Element,
    article_html,
    compile_selector,
    text_of,
    unsure_container,
)
from feedhub.sources.gate import Flags, judge
from feedhub.sources.urls import UrlError, absolute_url, audio_or_video_type, image_media_type
from feedhub.sources.values import unique_labels
from feedhub.text import cut, legal, one_line, slugify

# Enough of an untitled note to know it by.
TITLE_FROM_TEXT = 80


class EntryPage(NamedTuple):
    """What an article is made of: the entry, its page if it is needed, and what the head says.

    `language` and `image` are "" where nothing says so.
    """

    entry: SiteEntry
    root: Element | None
    language: str
    image: str
    additions: Additions


def read_entry(page: EntryPage, options: ReadOptions, now: datetime) -> ReadResult:
    """Return what is published of an entry as of `now`; raises ArticleError."""
    entry, path = page.entry.entry, page.entry.path
    problems: list[Problem] = list(page.additions.problems)
    published = (
        entry.published or entry.updated or page_date(page, options.built.date, options.zone)
    )
    verdict = judge(Flags(date=published), now)
    if published is None:
        message = "the entry has no date in the feed: have the generator write one, or set "
        message += "source.date to the CSS selector of its date in the page"
        problem = Problem(path=path, level="warning", code="no-date", message=message)
        return ReadResult(state="undated", problems=(problem,))
    if verdict.state != "shown":
        return ReadResult(state=verdict.state, due=verdict.due)
    updated = entry.updated if entry.updated and entry.updated <= now else None
    article = make_article(page, options, published, max(published, updated or published))
    adopted = options.adopted.find(path, article.url)
    built = options.built
    if built.content == "page" and not built.article and (css := unsure_container(page.root)):
        message = f"the text is found in {css}, which may hold more: look at it, and set "
        message += f"source.article, to {css} if it is right"
        problems.append(Problem(path=path, level="warning", code="unsure-text", message=message))
    return ReadResult(
        state="shown",
        article=structs.replace(article, id=adopted) if adopted else article,
        replaced_id=article.id if adopted else "",
        dated_update=bool(updated and updated > published),
        dated_by_build=True,
        problems=tuple(problems),
    )


def page_date(page: EntryPage, selector: str, zone: tzinfo) -> datetime | None:
    """Return the date that a page shows at a selector, or None."""
    if not selector or page.root is None:
        return None
    for element in compile_selector(selector)(page.root):
        for text in (element.get("datetime"), element.get("content"), text_of(element)):
            if moment := parse_feed_date(text or "", zone):
                return moment
    return None


def make_article(
    page: EntryPage, options: ReadOptions, published: datetime, updated: datetime
) -> Article:
    """Return the article of an entry; id, link, title, dates, people and labels are the feed's."""
    entry, site_entry = page.entry.entry, page.entry
    try:
        url = absolute_url(entry.link or site_entry.page, base=f"{options.base_url}/")
    except UrlError as error:
        raise ArticleError("bad-url", f"the link of the entry is not usable: {error}") from None
    if site_entry.is_older:
        body, summary = read_older_body(page, options, url)
    else:
        body = read_body(page, options, url)
        summary = read_summary(entry, body, url)
    title = entry.title or first_text(body, TITLE_FROM_TEXT) or cut(summary, TITLE_FROM_TEXT)
    slug = slug_of(site_entry, title)
    additions = page.additions
    return Article(
        id=identity(site_entry, options.authority),
        slug=slug,
        title=cut(title or slug.replace("-", " ").capitalize(), limits.MAX_TITLE),
        summary=summary,
        content_html=body,
        url=url,
        published=published.astimezone(UTC),
        updated=updated.astimezone(UTC),
        language=page.language,
        provider=additions.provider,
        authors=tuple(usable(author, url) for author in entry.authors[: limits.MAX_LABELS]),
        topics=unique_labels(
            label
            for label in entry.categories[: limits.MAX_LABELS]
            if len(label) <= limits.MAX_LABEL
        ),
        images=find_images(entry, page.image, url),
        media=find_media(entry, url),
        related=tuple(other for other in additions.related if other.url != url),
        quality=additions.quality,
        heat=additions.heat,
    )


def identity(entry: SiteEntry, authority: str) -> str:
    """Return the id as it stands in the feed: readers know the article by it."""
    return legal(entry.entry.id)[: limits.MAX_ADDRESS] or f"tag:{authority}:{entry.path}"


def slug_of(entry: SiteEntry, title: str) -> str:
    """Return a slug: the last part of the page's address, else that of the title."""
    parts = entry.page.removesuffix("/index.html").removesuffix(".html").split("/")
    return slugify(parts[-1]) or slugify(title) or "article"


def read_body(page: EntryPage, options: ReadOptions, url: str) -> str:
    """Return the text of the feed, or of the page if that is asked for."""
    entry, built = page.entry.entry, options.built
    if built.content == "page" and page.entry.page:
        html = article_html(
            page.root, selector=built.article, remove=built.remove, title=entry.title
        )
        return html_body(html, base=url)
    text = entry.content if entry.content.html else entry.summary
    if text is entry.summary and "<" not in text.html:
        return ""  # a plain summary, which stands as such
    return html_body(text.html, base=resolved(text.base, url))


def read_older_body(page: EntryPage, options: ReadOptions, url: str) -> tuple[str, str]:
    """Return the text of an older page, and its summary; no text where the feed has excerpts."""
    built, text = options.built, page.entry.text
    html = article_html(
        page.root,
        selector=built.article or text,
        remove=built.remove,
        title=page.entry.entry.title,
    )
    body = html_body(html, base=url)
    return body if text or built.content == "page" else "", first_text(body)


def resolved(base: str, url: str) -> str:
    """Return a base that is absolute: the one stated, else the address of the entry itself."""
    try:
        return absolute_url(base, base=url) if base else url
    except UrlError:
        return url


def read_summary(entry: ParsedEntry, body: str, url: str) -> str:
    """Return the summary as plain text: the feed's, where it is not the text itself."""
    own = entry.summary.html
    if own and (entry.content.html or "<" not in own):
        text = all_text(html_body(own, base=url))
        if text and text != all_text(body):
            return cut(text, limits.MAX_SUMMARY)
    return first_text(body)


def usable(author: Author, base: str) -> Author:
    """Return an author whose address is absolute, or "" where it cannot be used."""
    try:
        url = absolute_url(author.url, base=base) if author.url else ""
    except UrlError:
        url = ""
    return Author(name=cut(one_line(author.name), limits.MAX_LABEL), url=url)


def find_media(entry: ParsedEntry, url: str) -> tuple[Media, ...]:
    """Return the audio and video files of an entry."""
    found: dict[str, Media] = {}
    for enclosure in entry.enclosures:
        stated = enclosure.media_type
        media_type = stated if stated.startswith(("audio/", "video/")) else ""
        # Many servers and feeds say octet-stream of what they do not know.
        if stated in ("", "application/octet-stream"):
            media_type = audio_or_video_type(enclosure.url)
        try:
            address = absolute_url(enclosure.url, base=url) if media_type else ""
        except UrlError:
            continue
        if address:
            media = Media(
                url=address,
                media_type=media_type,
                length=enclosure.length,
                duration=enclosure.duration,
                title=cut(enclosure.title, limits.MAX_TITLE),
            )
            found.setdefault(address, media)
    return tuple(found.values())[: limits.MAX_MEDIA]


def find_images(entry: ParsedEntry, page_image: str, url: str) -> tuple[Image, ...]:
    """Return the images of an entry, or else the one that its page names."""
    found: dict[str, Image] = {}
    for enclosure in (*entry.enclosures, Enclosure(url=page_image, media_type="image/*")):
        if found and enclosure.url == page_image:
            break
        try:
            address = absolute_url(enclosure.url, base=url)
        except UrlError:
            continue
        media_type = image_media_type(address)
        stated = enclosure.media_type if enclosure.media_type.startswith("image/") else ""
        if stated or (media_type and not enclosure.media_type):
            image = Image(
                url=address,
                width=enclosure.width,
                height=enclosure.height,
                title=cut(enclosure.title, limits.MAX_TITLE),
                media_type=media_type or stated.removesuffix("image/*"),
                length=enclosure.length,
            )
            found.setdefault(address, image)
    return tuple(found.values())[: limits.MAX_IMAGES]
