"""Hypothesis strategies for the contents of article files, and for Article itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape

from hypothesis import strategies as st

from feedhub.article import Article, Author, Image, Media, Provider, Related
from feedhub.sources.bodies import html_body
from feedhub.sources.urls import UrlError, absolute_url
from feedhub.text import one_line

# Text that has broken feeds: markup, ends of sections, entities, controls, directional marks,
# surrogates.
ODD_TEXT = st.sampled_from(
    [
        *("]]>", "<![CDATA[", "<!--", "-->", "<?xml?>", "<!DOCTYPE a>", "&", "<", ">", '"', "'"),
        *(
            "&amp;",
            "&amp;amp;",
            "&lt;b&gt;",
            "&#0;",
            "&#x8;",
            "&#38;",
            "&nbsp;",
            "&nosuch;",
            "&#xd800;",
        ),
        *(
            "<b>",
            "</b>",
            "<script>alert(1)</script>",
            "<br/>",
            "{{ a }}",
            "{% raw %}",
            "%zz",
            "\\x",
        ),
        *(
            "\0",
            "\x08",
            "\x0b",
            "\x1f",
            "\x7f",
            "\x85",
            "\x9f",
            "\ud800",
            "\udfff",
            "\ufffe",
            "\uffff",
        ),
        *("\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2028", "\u2029", "\u00ad", "\u0301"),
        *(
            "👩‍👩‍👧",
            "🏳️‍🌈",
            "é",
            "ไทย",
            "עברית",
            "\U0010ffff",
            "\U000e0001",
            "\r\n",
            "\t",
            "  ",
            ",",
            ":",
        ),
    ]
)
TEXT = st.lists(st.one_of(ODD_TEXT, st.text(max_size=8)), max_size=6).map("".join)
URL = st.one_of(
    TEXT,
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(
            ["https://", "http://", "HTTPS://", "//", "/", "", "javascript:", "data:", "ftp://"]
        ),
        st.sampled_from(
            ["a.example", "ä.example", "[::1]", "[", "u:p@a.example", "A.EXAMPLE:443", "1", "a..b"]
        ),
        st.sampled_from(
            ["", "/", "/a b", "/%zz", "/é", "/a?b=1&#038;c=2", "/\\..", ":99999", "/?a=[]#é#"]
        ),
        TEXT,
    ),
)
DATE = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.datetimes().map(str),
    st.dates().map(str),
    st.sampled_from(["2020-02-30", "2020-06-09T24:00:00Z", "2020-06-09T11:00:60Z", "0000-01-01"]),
    st.sampled_from(
        ["9999-12-31T23:59:59-14:00", "1900-01-01T00:00:00+14:00", "last modified", "now"]
    ),
    TEXT,
)
SCALAR = st.one_of(
    TEXT,
    URL,
    DATE,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=8),
    st.dates(),
    st.datetimes(),
)
NAMES = [
    *(
        "title",
        "excerpt",
        "publishedDateTime",
        "updatedDateTime",
        "webUrl",
        "originalUrl",
        "permalink",
    ),
    *(
        "id",
        "slug",
        "language",
        "provider",
        "authors",
        "topics",
        "tags",
        "category",
        "images",
        "image",
    ),
    *("related", "featuredContent", "length", "quality", "heat", "published", "removed", "draft"),
    *("status", "expiryDate", "name", "url", "domain", "width", "height", "type", "secured"),
]
NODE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)
ID = st.one_of(
    TEXT,
    st.builds(
        "{}:{}".format,
        st.sampled_from(["tag", "urn", "HTTP", "a"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    ),
)
PERSON = st.fixed_dictionaries({"name": TEXT}, optional={"domain": URL, "url": URL})
# Fields of the right shape, with any content.
WELL_SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXT,
        "excerpt": TEXT,
        "id": ID,
        "webUrl": URL,
        "publishedDateTime": DATE,
        "updatedDateTime": DATE,
        "provider": TEXT | PERSON,
        "authors": st.lists(TEXT | PERSON, max_size=3),
        "topics": st.lists(TEXT, max_size=3),
        "category": TEXT,
        "images": st.lists(st.fixed_dictionaries({"url": URL, "title": TEXT}), max_size=3),
        "related": st.lists(
            st.fixed_dictionaries({"title": TEXT, "webUrl": URL, "provider": PERSON}), max_size=2
        ),
        "length": st.sampled_from(["PT1H", "P1M", "PT999999999H"]) | TEXT,
        "featuredContent": URL.map(lambda url: f'<iframe src="{url}"></iframe>'),
    },
)
FRONT_MATTER = WELL_SHAPED | st.dictionaries(st.sampled_from(NAMES), NODE, max_size=5)


# Articles that keep the promises of the class.

LINE = TEXT.map(one_line)
NONEMPTY = LINE.filter(bool)


@st.composite
def urls(draw) -> str:
    try:
        return absolute_url(draw(URL))
    except UrlError:
        return "https://a.example/" + escape(
            draw(st.sampled_from(["", "x?a=1&b='2'", "%C3%A9#f"])), quote=False
        )


MOMENT = st.integers(-2_000_000_000, 200_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
PROVIDER = st.none() | st.builds(Provider, name=NONEMPTY, domain=st.sampled_from(["", "a.example"]))
AUTHOR = st.builds(Author, name=NONEMPTY, url=st.just("") | urls())
PIXELS = st.none() | st.integers(1, 999_999)
IMAGE = st.builds(
    Image,
    url=urls(),
    width=PIXELS,
    height=PIXELS,
    title=LINE,
    media_type=st.sampled_from(["", "image/png", "image/svg+xml"]),
    length=st.none() | st.integers(1, 10**12),
)
MEDIA = st.builds(
    Media,
    url=urls(),
    media_type=st.sampled_from(["", "audio/mpeg", "video/mp4"]),
    length=st.none() | st.integers(1, 10**12),
    duration=st.none() | st.integers(1, 10**6),
    title=LINE,
)
RELATED = st.builds(
    Related, title=NONEMPTY, url=urls(), provider=PROVIDER, published=st.none() | MOMENT
)


def up_to_three(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


@st.composite
def articles(draw) -> Article:
    """Draw an article that keeps the promises of its class."""
    published = draw(MOMENT)
    return Article(
        id="tag:example.org,2026:any",
        slug="any",
        title=draw(NONEMPTY),
        summary=draw(LINE),
        content_html=html_body(draw(TEXT), base="https://a.example/"),
        url=draw(urls()),
        published=published,
        updated=published + timedelta(seconds=draw(st.integers(0, 10**9))),
        language=draw(st.sampled_from(["", "en", "zh-Hant-TW"])),
        provider=draw(PROVIDER),
        authors=draw(up_to_three(AUTHOR)),
        topics=draw(up_to_three(NONEMPTY)),
        categories=draw(up_to_three(NONEMPTY)),
        images=draw(up_to_three(IMAGE)),
        media=draw(up_to_three(MEDIA)),
        related=draw(up_to_three(RELATED)),
        type=draw(st.sampled_from(("", "audio", "course", "video"))),
        player_url=draw(st.just("") | urls()),
        duration=draw(st.none() | st.integers(0, 10**9)),
        quality=draw(st.none() | st.floats()),
        heat=draw(st.none() | st.floats()),
    )
