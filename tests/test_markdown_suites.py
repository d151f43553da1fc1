"""The examples of CommonMark and of GitHub's extensions: what they ask for is what a feed holds.

`markdown_suites.json` has the examples of both specifications (CC-BY-SA 4.0): Markdown and HTML.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feedhub.sources.bodies import html_body, markdown_body

SUITES = json.loads((Path(__file__).parent / "markdown_suites.json").read_text("utf-8"))
BASE = "https://h.example/post"
GOES_ON = "Markdown goes on behind a closing block tag, as in kramdown and Python-Markdown"
ALL_HTML = "a body whose blocks are all HTML is HTML, whatever its indentation"
BARE = "a bare address is a link, as GitHub's extension asks for"
FILTER = "these elements go with their content instead of being shown as text"
DIFFERENT = {
    "commonmark-0.31.2": {
        **dict.fromkeys((151, 161, 186), GOES_ON),
        **dict.fromkeys((184, 190, 191), ALL_HTML),
        **dict.fromkeys((608, 611, 612), BARE),
    },
    "gfm-0.29": {22: FILTER},
}


@pytest.mark.parametrize("name", SUITES)
def test_the_examples_of_a_specification(name):
    different = {
        number
        for number, (markdown, html) in enumerate(SUITES[name], 1)
        # An address without a scheme is read as https, as in Hugo and in front matter.
        if markdown_body(markdown, base=BASE)
        != html_body(html.replace('"http://www', '"https://www'), base=BASE)
    }
    assert different == DIFFERENT[name].keys()
