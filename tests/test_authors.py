"""People as front matter names them: the name, an address on the web, never a mailbox."""

from __future__ import annotations

import pytest

from feedhub.article import Author
from tests.readings import article_of


@pytest.mark.parametrize(
    ("written", "name", "url"),
    [
        ("Jane", "Jane", ""),
        ("Jane <jane@example.org>", "Jane", ""),
        ("Jane Doe <https://x.example>", "Jane Doe", "https://x.example/"),
        ("[Jane](https://x.example)", "Jane", "https://x.example/"),
        ("[Jane](mailto:jane@example.org)", "Jane", ""),
        ("jane@example.org (Jane Doe)", "Jane Doe", ""),
        ("jane@example.org", "jane", ""),
        ("mailto:jane@example.org", "jane", ""),
        ("Jane <javascript:x>", "Jane", ""),
        ("J <3 D", "J <3 D", ""),
    ],
)
@pytest.mark.parametrize("field", ["author: '{}'", "author: {{name: '{}'}}", "authors: ['{}']"])
def test_an_author_is_a_name(field, written, name, url):
    matter = field.format(written)
    assert article_of(matter).authors == (Author(name=name, url=url),)
