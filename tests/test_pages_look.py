"""The look of the pages: they can be read by day, by night, by keyboard and by touch."""

from __future__ import annotations

import re

import pytest
from msgspec import structs

from tests.golden.sample import EVERYTHING, paged_page
from tests.index_pages import SITE, combine_page, page, parsed, row, searched, style_of
from tests.test_pages_lists import PAGES

# What stands on what: text, links, buttons, topics, the focus ring.
PAIRS = [
    *(
        (text, ground)
        for text in ("ink", "quiet", "accent", "press")
        for ground in ("paper", "card", "wash")
    ),
    ("on-accent", "accent"),
    ("on-accent", "press"),
    ("ink", "mark"),
]
STYLE = style_of(page())


def schemes() -> list[dict[str, str]]:
    """Return the colours of the light and of the dark scheme, by name."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, 1.4.3)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_in_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_in_both_schemes(scheme, text, ground):
    colours = schemes()[scheme]

    assert contrast(colours[text], colours[ground]) >= 4.5


def test_both_schemes_name_the_same_colours_and_the_style_uses_no_other():
    light, dark = schemes()
    rest = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)

    assert light.keys() == dark.keys() == set(re.findall(r"var\(--([a-z-]+)\)", rest))
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rest)
    assert "prefers-color-scheme: dark" in rest
    assert "color-scheme: light dark" in STYLE


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "card"])
def test_the_edges_of_controls_have_enough_contrast(scheme, ground):
    colours = schemes()[scheme]
    assert contrast(colours["edge"], colours[ground]) >= 3, "WCAG 2.2, 1.4.11"


def test_browser_controls_have_the_colours_of_the_page():
    papers = [scheme["paper"] for scheme in schemes()]
    root = parsed(page())
    assert root.xpath("//meta[@name='theme-color']/@content") == papers


def test_the_keyboard_focus_is_visible():
    assert re.search(r":focus-visible \{ outline: 3px solid var\(--accent\)", STYLE)
    assert not re.search(r"outline: ?(none|0)", STYLE)


def test_reduced_motion_is_respected():
    calm = re.search(r"@media \(prefers-reduced-motion: no-preference\) \{.*\}$", STYLE, re.M)
    assert calm
    assert not re.search(r"transition|animation|scroll-behavior", STYLE.replace(calm[0], ""))


def test_every_class_of_the_style_is_used():
    many = [row(f"T {n}", n, f"https://cdn.example/{n}.png") for n in range(900)]
    articles = [structs.replace(EVERYTHING, id=f"tag:x,2026:{n}") for n in range(9)]
    groups = SITE | {"provider": many}
    roots = [parsed(make()) for make in PAGES.values()]
    roots += [parsed(page(groups, searched(), articles)), parsed(combine_page(groups))]
    roots.append(parsed(paged_page().decode()))
    used = {name for root in roots for value in root.xpath("//@class") for name in value.split()}
    assert set(re.findall(r"\.([a-z]+)(?=[ ,{:+.>)])", STYLE)) == used
