"""The fast paths that most values take return what the slow ones do."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedhub import limits, text
from feedhub.sources import ReadOptions, fields, files, tree, urls, values
from tests.strategies import DATE, TEXT, URL

MARKS = "\x00\t\n\x0b\x1c\x85\xa0\xad\u0600\u061c\u200b\u200d\u2028\u3000\ufdd0\ufeff\ue000"
#: Texts that are clean but for one mark, if any.
NEARLY_CLEAN = st.tuples(
    st.text("aé字 \u0301", max_size=6),
    st.sampled_from(["", " ", "  ", *MARKS, "\ud800", "\U0001f1e9", "\U000e0001"]),
    st.text("aé字 \u0301", max_size=6),
).map("".join)


def _outcome(call, *arguments):
    try:
        return call(*arguments)
    except ValueError as error:
        return type(error), str(error)


def _pieces(*choices: str, most: int = 6) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(choices), max_size=most).map("".join)


def _mostly(usual: list[str], odd: list[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(usual), st.sampled_from(usual), st.sampled_from(odd))


def test_every_character_that_is_printable_is_clean():
    for point in range(sys.maxunicode + 1):
        around = f"a{chr(point)}b"
        assert text.one_line(around) == text._collapse(around), hex(point)


@given(st.one_of(TEXT, st.text(), NEARLY_CLEAN))
@example("a  b")
@example(" a ")
def test_one_line(written):
    assert text.one_line(written) == text._collapse(written)


@given(st.one_of(TEXT, NEARLY_CLEAN), st.one_of(TEXT, NEARLY_CLEAN), st.integers(0, 12))
@example("ABCDEFGHI", "abcdefghi", 0)
@example("e\u0301", "\u00e9", 0)
@example("abcdefgh\u0301", "abcdefg\u1e25", 0)
def test_same_label(one, other, common):
    one, other = text.one_line(one), text.one_line(other)
    for pair in ((one, other), (other, one), (one, one[:common].upper() + one[common:])):
        expected = text.label_key(pair[0]) == text.label_key(pair[1])
        assert text.same_label(*pair) == expected


@given(
    st.one_of(
        TEXT,
        _pieces(*"az09-_A.é ", "--", "-_", "#", "+", "\n"),
        st.sampled_from(["a" * 119, "a" * 120, "a" * 121, "a-" * 60 + "a", "a_" * 59 + "a"]),
    )
)
@example("a--b")
@example("a-_b")
def test_slug(label):
    assert text.slugify(label) == text._build_slug(label)


ADDRESS = st.tuples(
    _mostly(
        ["http://", "https://"], ["HTTPS://", "//", "https:/", "https:///", "ftp://", " https://"]
    ),
    _mostly(
        ["h", "www.a-b.example", "a_b.c."],
        ["", "É", "A", "a..b", "-a", "u@h", "h:80", "h:", "[::1]", "x" * 64],
    ),
    _mostly(
        ["/", "//a/../b.html", "/%2F%aa+~*'()!"],
        ["", "/%", "/%2", "/%zz", "/é", "/a b", "/\n", "/^", "/\\"],
    ),
    _mostly(
        ["", "?q", "?a=1&b=%20/?", "#f?", "?a#b"],
        ["?", "#", "?#", "?#f", "?q#", "#f#g", "?%", "?;", "? ", "?[]"],
    ),
    _mostly([""], ["&amp;", "&amp", "&copy=2;", "&amp;amp;", ";", "\n", "\u200b", "\ud800"]),
).map("".join)


@given(st.one_of(URL, ADDRESS, ADDRESS), st.sampled_from(["", "https://h/site", "http://h/"]))
@example("https://h/?", "")
@example("https://h/#", "")
@example("https://h/&amp;", "")
@example("https://h/%", "")
@example("https:///h/", "")
@example("HTTPS://h/", "")
def test_address(raw, base):
    assert _outcome(urls.absolute_url, raw, base) == _outcome(urls.normalise, raw, base)


@pytest.mark.parametrize("length", [252, 253, 254, 255])
@pytest.mark.parametrize("end", ["", "."])
def test_long_host(length, end):
    host = ("a." * 200)[: length - len(end) - 1] + "b"
    url = f"https://{host.replace('..', '.')}{end}/"
    assert _outcome(urls.absolute_url, url) == _outcome(urls.normalise, url, "")


@pytest.mark.parametrize("length", [limits.MAX_ADDRESS, limits.MAX_ADDRESS + 1])
def test_long_address(length):
    url = "https://h/".ljust(length, "a")
    assert _outcome(urls.absolute_url, url) == _outcome(urls.normalise, url, "")


TIMESTAMP = st.tuples(
    _mostly(["1900", "1999", "2021", "8999", "9998"], ["0000", "1899", "9999", "२०२१", "99"]),
    _mostly(["-01", "-02", "-09", "-12"], ["-00", "-13", "-1", ""]),
    _mostly(["-01", "-09", "-19", "-28"], ["-00", "-29", "-30", "-31", "-32", "-1", "-W01-1"]),
    _mostly(["T00", "T09", "T19", "T23"], ["T24", "T25", "T1", "t00", " 00", ""]),
    _mostly([":00", ":59"], [":60", ":99", "00"]),
    _mostly([":00", ":59"], [":60", ":99", ":00.5", ""]),
    _mostly(["Z"], ["z", "", "+00:00", "+02:00", "Z\n", " Z"]),
).map("".join)


@given(st.one_of(DATE, TIMESTAMP), st.sampled_from([UTC, timezone(timedelta(hours=2))]))
@example("1899-01-01T00:00:00Z", UTC)
@example("9999-01-01T00:00:00Z", UTC)
def test_date(written, zone):
    quick, slow = (
        _outcome(read, written, zone) for read in (values.parse_datetime, values.parse_any_datetime)
    )
    assert (quick, repr(quick)) == (slow, repr(slow))


@given(
    st.one_of(
        URL,
        st.tuples(
            st.sampled_from(["https://", "HTTP://", "ftp://", ""]),
            st.sampled_from(["h", "H.example", "h:80", ""]),
            _pieces(
                *("/", "a", "F_webp", "f_webp", "f", "_", "png", ".PNG", ".jpg", ",", ":large"),
                *("format(webp)", "%2e", "%2E", ".html", "\u212a", "é", ";"),
            ),
            st.sampled_from(["", ".jpg", ".JPEG", ".png:large", ".xyz", ".jpg\n", "."]),
            st.sampled_from(["", "?", "?w=1", "?&", "#a", "?a?b", " "]),
            _pieces(
                *("f=webp", "&fm=png", "&FORMAT=gif", "&output=avif", "ext=svg", "f", "buf=png"),
                *("&url=a.gif", "&amp;f=png", "%66=png", "+f=png", "&w=2", "&f=", "\u017f=1"),
                most=3,
            ),
        ).map("".join),
    )
)
def test_media_type(url):
    assert urls.image_media_type(url) == urls.find_media_type(url)


@given(
    st.builds(
        tree.Scalar,
        st.one_of(TEXT, st.sampled_from(["~", "null", "NULL", " ", ""])),
        st.just(1),
        st.just(1),
        st.booleans(),
    )
)
def test_null(node):
    null = tree.is_null(node)
    found = fields.Fields(tree.Mapping({"title": node}, 1, 1), "a.md", []).node("title")
    assert (found is None) == (null or not node.text.strip())
    assert (tree.as_text(node) is None) == null


KEYS = sorted({name for names in fields.NAMES.values() for name in names} | {"params", "other"})
SPELLINGS = (str, str.upper, str.swapcase, lambda key: "-".join(key), lambda key: "_".join(key))
NODES = st.builds(
    tree.Scalar, st.sampled_from(["", " ", "null", "a"]), st.just(1), st.just(1), st.booleans()
)
MAPPINGS = st.dictionaries(
    st.builds(lambda key, spell: spell(key), st.sampled_from(KEYS), st.sampled_from(SPELLINGS)),
    NODES,
)


@given(MAPPINGS)
def test_field(entries):
    """A field is found by each of its names; the first that has a value counts."""
    mapping = fields.Fields(tree.Mapping(entries, 1, 1), "a.md", [])
    nodes = {fields.normal_key(key): node for key, node in reversed(entries.items())}
    for field, names in fields.NAMES.items():
        present = [nodes[key] for key in map(fields.normal_key, names) if key in nodes]
        filled = [node for node in present if not tree.is_null(node) and node.text.strip()]
        assert mapping.raw_node(field) is (present[0] if present else None)
        assert mapping.node(field) is (filled[0] if filled else None)


STEPS = ("a", "b", "out", "up", "file.md", "..", ".", "")
TARGETS = (
    "a",
    "b",
    "../a",
    "../b",
    "..",
    "../outside",
    "../../outside",
    "a/../../outside",
    "b/../out",
    "a/../up",
    "/nowhere",
)


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "out", "up", "a/b", "a/out", "b/a"]),
        st.sampled_from([None, *TARGETS]),
        max_size=5,
    ),
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=4).map("/".join),
)
@example({"b": "b"}, "b//a")
@example({}, "/a")
def test_open_file(items, path):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder), "root")
        Path(root.parent, "outside").mkdir()
        root.mkdir()
        for name, target in sorted(items.items()):
            _make(root / name, target)
        found = files.FilesSource(root, ReadOptions(authority="a", base_url="https://h"))
        whole = os.path.realpath(os.path.join(root, path))  # noqa: PTH118 - keeps doubled slashes
        inside = os.path.realpath(whole).startswith(f"{root}/")
        opened = _identity(lambda: found.open_file(path))
        assert opened == (_identity(lambda: os.open(whole, os.O_RDONLY)) if inside else "outside")


def _identity(opening: Callable[[], int]) -> object:
    """Return which file or folder was opened, if one was."""
    try:
        descriptor = opening()
    except OSError:
        return "none"
    if descriptor < 0:
        return "outside"
    status = os.fstat(descriptor)
    os.close(descriptor)
    return (status.st_dev, status.st_ino)


def _make(path: Path, target: str | None) -> None:
    """Make a folder or a link; never through a link, which may lead anywhere."""
    if path.parent.is_symlink() or not path.parent.is_dir():
        return
    if target is None:
        path.mkdir()
    else:
        path.symlink_to(target)
