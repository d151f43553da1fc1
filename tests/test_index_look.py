"""The look of the page that lists every feed: it can be read by day, by night and by keyboard."""

from __future__ import annotations

import re

import pytest

from tests.index_pages import page, style_of, tree

# What stands on what: text, links, buttons, the focus ring.
PAIRS = [
    *(
        (text, ground)
        for text in ("ink", "quiet", "accent", "press")
        for ground in ("paper", "card")
    ),
    ("on-accent", "accent"),
    ("on-accent", "press"),
]


def schemes() -> list[dict[str, str]]:
    """Return the colours of the light and of the dark scheme, by name."""
    blocks = re.findall(r":root \{(.*?)\}", style_of(page()), re.DOTALL)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, 1.4.3)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_the_guidelines_say():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_in_both_schemes(scheme, text, ground):
    colours = schemes()[scheme]

    assert contrast(colours[text], colours[ground]) >= 4.5


def test_both_schemes_name_the_same_colours_and_the_style_uses_no_other():
    light, dark = schemes()
    rest = re.sub(r":root \{.*?\}", "", style_of(page()), flags=re.DOTALL)

    assert light.keys() == dark.keys() == set(re.findall(r"var\(--([a-z-]+)\)", rest))
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rest)
    assert "prefers-color-scheme: dark" in rest
    assert "color-scheme: light dark" in style_of(page())


def test_whoever_uses_the_keyboard_sees_where_they_are():
    assert re.search(r"a:focus-visible \{ outline: 3px solid var\(--accent\)", style_of(page()))
    assert not re.search(r"outline: ?(none|0)", style_of(page()))


def test_the_style_speaks_of_no_class_that_the_page_has_not():
    used = {name for value in tree().xpath("//@class") for name in value.split()}

    assert set(re.findall(r"\.([a-z]+)(?=[ ,{:+])", style_of(page()))) == used
