"""The media type of a picture comes from its address or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.sources.urls import image_media_type

HERE = Path(__file__).parents[1]
CORPUS = HERE.parent / "shared" / "corpus" / "real"
JPEG, PNG, SVG = "image/jpeg", "image/png", "image/svg+xml"


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        # 1. what the query asks for
        ("https://i.insider.com/5ee0c76f2618b948095950e4?width=1200&format=jpeg", JPEG),
        ("https://h/a.png?fm=webp", "image/webp"),
        ("https://h/a.png?f=GIF", "image/gif"),
        ("https://h/a?output=avif", "image/avif"),
        ("https://h/a?EXT=svg", SVG),
        ("https://h/a.png?auto=format", PNG),
        ("https://h/a.png?format=auto", PNG),
        ("https://h/a?auto=format", ""),
        # 2. a transformation in the path
        (
            "https://thumbor.forbes.com/thumbor/fit-in/1200x0/filters%3Aformat%28jpg%29/https%3A%2F%2F"
            "specials-images.forbesimg.com%2Fimageserve%2F1190695006%2F0x0.jpg",
            JPEG,
        ),
        ("https://h/filters:format(webp)/a.jpg", "image/webp"),
        ("https://h/image/upload/w_10,f_jpg/392760", JPEG),
        ("https://h/image/upload/f_png/392760", PNG),
        ("https://h/self_png/392760", ""),
        (
            "https://images.jpost.com/image/upload/f_auto,fl_lossy/t_JM_ArticleMainImageFaceDetect/3",
            "",
        ),
        # 3. the extension
        ("https://h/a.JPG", JPEG),
        ("https://powerusers.microsoft.com//jgv/MatrixClockDisplay.PNG", PNG),
        ("https://h/a.jpe", JPEG),
        ("https://h/a.jfif", JPEG),
        ("https://h/a.jpeg", JPEG),
        ("https://h/a.svg", SVG),
        ("https://h/a.bmp", "image/bmp"),
        ("https://h/a.ico", "image/vnd.microsoft.icon"),
        ("https://h/a.tif", "image/tiff"),
        ("https://h/a.heic", "image/heic"),
        ("https://h/a.webp?x=1#y", "image/webp"),
        ("https://h/a.png&#038;b", ""),
        ("https://h/a.jpg?w=1200&#038;strip=all", JPEG),
        ("https://pbs.twimg.com/media/x.jpg:large", JPEG),
        ("https://h/x%2Ejpg%3Fw%3D1", JPEG),
        ("https://h/x%25252Epng", PNG),
        ("https://h/x?a=1&amp;format=png", PNG),
        ("https://h/photo.png%252F1200x630.png?signature=abc", PNG),
        ("https://h/Screenshot%20(7).png", PNG),
        # 4. an address in the query
        (
            "https://ca-times.brightspotcdn.com/dims4/default/strip/true/resize/1200x630!/quality/90/"
            "?url=https%3A%2F%2Fcalifornia-times-brightspot.s3.amazonaws.com%2F3f%2Fphoto.jpg",
            JPEG,
        ),
        ("https://h/x?src=https://o/a.gif", "image/gif"),
        ("https://h/x?image=/a.png", PNG),
        ("https://h/x.png?url=https://o/a.gif", PNG),
        ("https://h/x?url=https://o/?url=https://p/a.gif", ""),
        # 5. a picture further up the path
        ("https://h/photo.jpg/alternates/noext", JPEG),
        ("https://h/a.png/b.gif/c", "image/gif"),
        # 6. unknown
        (
            "https://powerusers.microsoft.com/t5/image/serverpage/image-id/54914i1738/image-size/large",
            "",
        ),
        ("https://www.thehindu.com/x/article1.ece/ALTERNATES/LANDSCAPE_615/x", ""),
        ("https://avatars.githubusercontent.com/u/1", ""),
        ("https://pbs.twimg.com/profile_banners/1/2/1500x500", ""),
        (
            "https://s3.reutersmedia.net/resources/r/?m=02&d=20200609&t=2&i=15&w=&r=LYNXMPEG5800L",
            "",
        ),
        ("https://h/a.php", ""),
        ("https://h.jpg/", ""),
        ("https://[::1/a.png", ""),
        ("", ""),
    ],
)
def test_rules_in_their_order(url, media_type):
    assert image_media_type(url) == media_type


def _addresses(folder):
    for path in sorted(folder.rglob("*.*")):
        for match in re.finditer(
            r"^images:\n((?:[ -].*\n)+)", path.read_text("utf-8"), re.MULTILINE
        ):
            yield from re.findall(r"url: \"?([^\"\n]+)", match[1])


def test_the_seeds_and_the_real_files():
    seeds = {url: image_media_type(url) for url in _addresses(HERE / "seeds")}
    assert set(seeds.values()) <= {JPEG, PNG, ""}
    if not CORPUS.exists():
        pytest.skip("the collected files are not here")
    unknown = {url for url in _addresses(CORPUS) if not image_media_type(url)}
    assert all("/image/serverpage/" in url for url in unknown)


def test_addresses_nested_many_times():
    assert image_media_type("https://h/?" + "url=?" * 50_000 + "a.png") == ""
    assert image_media_type("https://h/%" + "25" * 50_000 + "2e.png") == PNG


@given(st.text())
def test_any_text_gives_a_type_or_nothing(text):
    assert re.fullmatch(r"(image/[a-z.+]+)?", image_media_type(text))
    assert re.fullmatch(r"(image/[a-z.+]+)?", image_media_type(f"https://h/{text}.png?{text}"))
