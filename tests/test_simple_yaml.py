"""The reader of simple YAML: what it takes, it reads as the strict reader does."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
import yaml
from hypothesis import event, example, given
from hypothesis import strategies as st

from feedhub.errors import ArticleError
from feedhub.sources import ReadOptions, frontmatter, simple_yaml
from feedhub.sources.reading import read_article
from feedhub.sources.tree import MAX_NODES, Mapping, Sequence
from feedhub.sources.yaml_tree import read_yaml
from tests.strategies import NAMES, NODE, ODD_TEXT, TEXT

HERE = Path(__file__).parent
SEEDS = sorted((HERE.parent / "seeds").iterdir())


def head_of(data: bytes) -> str:
    """Return what is between the fences with the first of them; all of it, if that fails."""
    try:
        return frontmatter.split_front_matter(frontmatter.decode(data))[0]
    except ArticleError:
        return frontmatter.unify_line_ends(data.decode("utf-8", "replace"))


HEADS = [head_of(seed.read_bytes()) for seed in SEEDS]
LINES = [head.splitlines(keepends=True) for head in HEADS]


def read_simple(text: str) -> Mapping | None:
    return simple_yaml.read_simple_yaml(text.encode("utf-8", "surrogatepass"))


def strict(text: str) -> Mapping | None:
    try:
        return read_yaml(text).fields
    except ArticleError:
        return None


def order(node: object) -> list[object]:
    """Return the keys of a tree in order, which equality does not look at."""
    if isinstance(node, Mapping):
        return [(key, order(value)) for key, value in node.entries.items()]
    return [order(item) for item in node.items] if isinstance(node, Sequence) else []


def is_simple(text: str) -> bool:
    """Return whether the simple reader reads `text`; the strict one must then read the same."""
    tree = read_simple(text)
    if tree is None:
        return False
    expected = strict(text)
    assert expected is not None, text
    assert tree == expected, text
    assert order(tree) == order(expected)
    assert repr(tree) == repr(expected)
    return True


# Files.


@pytest.mark.parametrize("head", HEADS, ids=[seed.stem for seed in SEEDS])
def test_the_seeds_are_simple(head: str) -> None:
    assert is_simple(head)


def test_the_real_articles_are_simple(shared: Path) -> None:
    files = [file for file in (shared / "corpus" / "real").rglob("*") if file.is_file()]
    refused = [file.name for file in files if not is_simple(head_of(file.read_bytes()))]
    assert len(files) == 51
    assert len(refused) <= 1, refused


def test_generated_articles_are_simple(shared: Path, tmp_path: Path) -> None:
    make = [sys.executable, str(shared / "corpus" / "make_corpus.py"), "300", str(tmp_path)]
    subprocess.run(make, check=True, capture_output=True)
    assert all(is_simple(head_of(file.read_bytes())) for file in tmp_path.iterdir())


def test_both_readers_agree_on_bad_input_and_on_sites() -> None:
    files = [file for room in ("bad_input", "sites") for file in (HERE / room).rglob("*")]
    count = sum(is_simple(head_of(file.read_bytes())) for file in files if file.is_file())
    assert len(files) > 200
    assert count > 20


def test_both_readers_agree_on_truncated_files() -> None:
    chance = random.Random(1)
    for head in HEADS:
        cuts = {*range(400), *(chance.randrange(len(head)) for _ in range(400))}
        assert sum(is_simple(head[:cut]) for cut in cuts) > 20


# Forms.

SIMPLE_BLOCKS = [
    "a: b",
    "a:",
    "a: ",
    "a:\nb: c",
    "\n\na: b\n\n\nc: d\n\n",
    "a:\n  b: c",
    "a:\n\n  b: c\n\nd: e",
    "a:\n      b: c\nd: e",
    "a:\n- b\n- c\nd: e",
    "a:\n  - b\n  - c\nd: e",
    "a:\n- b: c\n  d: e\n- f: g",
    "a:\n  - b:\n    - c\n    - d\n    e: f\n  - g: h\ni: j",
    "a:\n  - b:\n      c: d\n      e:\n  - f:\n  - g\n  - h: i",
    "a: \"\"\nb: ''\nc: \" d \"\ne: ' f '",
    'a: "b \\"c\\" d"\ne: \'it\'\'s\'\nf: "it\'s"\ng: \'a "b" \\ c\'',
    "a: \"# x: - y\"\nb: '# x: - y'",
    "a: b#c\nd: e:f\ng: https://h.example/?i=j&k=l#m\nn: a :b\no: -1\np: -x\nq: x  y",
    "a: null\nb: true\nc: 1.5\nd: 2020-06-09T11:36:00Z\ne: <<\nf: ...".replace("e: <<\n", ""),
    "a: .5\nb: +1\nc: /d\ne: (f)\ng: _h\ni: .",
    "a: “b”\nc: ✅ d\ne: 中文\nf: 👩‍👩‍👧\ng: b\u00a0c\nh: \u00a0\ni: ．",
    'a:\n- "b: c"\n- \'d: e\'\n- "f"\n- https://g.example\n- h:i\n- 1',
    "secured: x\na: b",
    "Secured:\n  a:\n  - b: c\nd: e",
    "a:\n  secured: x\n  b: c",
    "a:\n- secured: x\n- b",
    "a-b: c\n_d: e\n1: f\nnull: g\nn-: h\ny: i",
    "a: b, [c] {d} & *e !f | > % @ `g` \"h\" 'i' ? - j",
]


@pytest.mark.parametrize("block", SIMPLE_BLOCKS)
def test_these_blocks_are_simple(block: str) -> None:
    assert is_simple(f"---\n{block}\n")
    assert is_simple(f"---\n{block}")


NASTY = [
    *("[", "]", "{", "}", "[]", "{}", "[a, b]", "{a: b}", "&a", "*a", "&a b", "!t", "!!str a"),
    *("|", ">", "|-\n  a", ">\n  a\n  b", "%a", "@a", "`a", "? a", "?", "- a", "-", "- - a", ",a"),
    *("#", "# a", "a # b", "a #b", "#a", "a: b", "a:", ":", ": a", ":a", "a:\n  b", "a\n  b"),
    *("<<", "<<: a", "~", "=", "---", "--- a", "...", "... a", "\n---\n", "\n...\n", "a\n---"),
    *("a ", "a\t", "\ta", " a", "a\tb", "a\t# b", " ", "\t", "", '"a" ', '"a"\t', '"a" b', '"a"b'),
    *('"', "'", '"a', "'a", 'a"', "a'", '"a\n  b"', "'a\n  b'", '"a""b"', "'a'b'", "'a''", '"\\"'),
    *('"\\\\"', '"\\n"', '"\\x41"', '"\\q"', '"a\\', '"a\\"', "'a\\'", '"a": b', "'a': b"),
    *("'a' # b", '"a"#b', "\u2028", "a\u2028b", '"\u2028"', '"\x85"', "\x85", "\ufeff", '"\ufeff"'),
    *("a\rb", "a\r\nb", "a\x0bb", "a\x0cb", "a\x1cb", "\0", "\x7f", '"\x80"', "\xa0", "\ud800"),
    *("a\n\n  b", "\n  a", "\n  - a", "\n - a", "\n- a", "\n  a: b", "\n a: b\n  c: d", "\n   a:"),
    *("\n  - a\n - b", "\n - a\n  - b", "\n- a\nb", "\n  a: b\n c: d", "\n  - a: b\n   c: d"),
    *(
        "\n  - a: b\n     c: d",
        "\n  - a\n    b: c",
        "\n  - a:\n   - b",
        "\n  a: b\n  - c",
        "a\n- b",
    ),
    *("\n  -a: b", "\n  -  a: b", "\n  -  a", "\n  - a : b", "\n  - a:b: c", "\n  - ", "\n  -"),
    *("\n  - \n    a: b", "\n  b: c\n  B: d", "\n  a: b\n  a: c", "\n  secured: a\n  SECURED: b"),
    *(
        "- a: - b",
        "- a: b",
        "\n  - - a",
        "\n  - a\n\n\n  - b\n",
        "\n  'a': b",
        '\n  "a": b',
        "\n  é: b",
    ),
    *(
        "\n  a b: c",
        "\n  a.b: c",
        "\n  ? a\n  : b",
        "\n  !t a: b",
        "\n  <<: a",
        "\n  a::b",
        "\n  a:: b",
    ),
]
# Values of a key, the lines behind it, or lines of their own.
SNIPPETS = [
    *NASTY,
    "a",
    '""',
    "''",
    '"b c"',
    "'d'",
    "\n- a",
    "\n  - a\n  - b",
    "\n  a: b",
    "\n    a: b",
    "e:",
]


@pytest.mark.parametrize("snippet", SNIPPETS)
@pytest.mark.parametrize(
    "frame",
    [
        "a: {}\n",
        "a: {}\nb: c\n",
        "a: {}\n  b: c\n",
        "a: {}\n- b\n",
        "a: {}\n  - b: c\n",
        "a:\n  b: {}\n  c: d\n",
        "a:\n- {}\n- b\n",
        "a:\n  - b: {}\n    c: d\n",
        "{}\na: b\n",
        "{}: b\n",
        "a: b\n{}\n",
        "a:{}\nc: d",
        "a:\n{}\nc: d",
    ],
)
def test_both_readers_agree_on_hostile_values(frame: str, snippet: str) -> None:
    is_simple("---\n" + frame.replace("{}", snippet))


@pytest.mark.parametrize(
    "text",
    [
        *("", "---", "---\n", "---\n\n", "--- a\n", "---\t\na: b\n", "--- \na: b\n", "a: b\n"),
        *("\n---\na: b\n", "---\n a: b\n", "---\n- a\n", "---\n- a: b\n", "---\na: b\n---\n"),
        *(
            "---\na: b\n...\n",
            "---\na\n",
            "---\n  - a: b",
            "---\na: b\nA: c\n",
            "---\na: b\na: c\n",
        ),
        *("---\na:\nA:\n", "---\na:\n- b: 1\n  b: 2\n", "---\nsecured:\nSecured: a\n"),
        *("---\na:\n- b\na: c", "---\na:\n  b: c\na: d", "---\na: '\ud800'\n", "---\na: \ud800\n"),
        *(
            "---\na: b\n c: d\n",
            '---\na: "b"\n c: d\n',
            "---\na:\n  b: c\n d: e\n",
            "---\na: b\n- c",
        ),
        *("---\n# a\na: b\n", f"---\n{'a' * 65}: b\n", f"---\na:\n{' ' * 100}b: c\n"),
    ],
)
def test_these_texts_are_not_simple(text: str) -> None:
    assert read_simple(text) is None


def test_the_depth_of_lists_and_mappings_has_a_limit() -> None:
    """Three lists with three mappings before each and one behind the last are simple."""
    lines, indent = [], ""
    for level in range(3):
        lines += [f"{indent}a:", f"{indent}  b:", f"{indent}    c:"]
        indent += "    "
        lines.append(f"{indent}- d:")
        indent += "  "
        lines[-1:] = [f"{indent[:-2]}- d: {level}"]
    text = "---\n" + "\n".join(lines) + "\n"
    assert is_simple(text)
    assert not is_simple(text + f"{indent}a:\n{indent}- b\n")


@pytest.mark.parametrize("step", ["", "- "])
def test_the_depth_of_mappings_has_a_limit(step: str) -> None:
    lead = "a:\n" if step else ""
    at = " " * len(step)
    assert is_simple(f"---\n{lead}{step}b:\n{at}  c:\n{at}    d: e\n")
    assert not is_simple(f"---\n{lead}{step}b:\n{at}  c:\n{at}    d:\n{at}      e: f\n")


def test_the_number_of_lines_has_a_limit() -> None:
    lines = ["- a: b\n"] * (MAX_NODES // 8 - 2)
    assert is_simple("---\nk:\n" + "".join(lines))
    assert read_simple("---\nk:\n" + "".join(lines) + "\n") is None


def test_the_number_of_keys_of_a_record_has_a_limit() -> None:
    lines = [f"k{n}: a\n" for n in range(100)]
    assert is_simple("---\n" + "".join(lines))
    assert read_simple("---\n" + "".join(lines) + "l: a\n") is None


def test_the_cache_of_layouts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full cache is cleared; layouts in use stay valid."""
    monkeypatch.setattr(simple_yaml, "MAX_CACHED_KEYS", 300)
    for number in range(200):
        assert is_simple(f"---\na{number}:\n- b{number}: c\n  d:\n  - e\nf: g\n")
        assert simple_yaml._cached_keys <= 310
        assert len(simple_yaml.ROOT.next) + len(simple_yaml._item_layouts) <= 310
    simple_yaml.clear_layouts()
    assert not simple_yaml.ROOT.next
    assert is_simple(HEADS[0])


# Where YAML and UTF-8 make a difference; the rest of Unicode is letters and signs to both.
@pytest.mark.parametrize(
    "block",
    [
        range(0x300),
        range(0x2000, 0x2070),
        range(0x3000, 0x3010),
        range(0xD7F0, 0xD810),
        range(0xDFF0, 0xE010),
        range(0xFDD0, 0xFE10),
        range(0xFEF0, 0x10010),
        range(0x1F300, 0x1F310),
    ],
)
def test_both_readers_agree_on_any_character(block: range) -> None:
    for number in block:
        char = chr(number)
        for form in ('"{}"', '"a{}b"', "'{}'", "{}", "a{}", "{}a", "a{}b", "a {} b", "a{} b"):
            is_simple(f"---\nk: {form.replace('{}', char)}\nl: m\n")


@pytest.mark.parametrize("rare", ["", "\u00a0", "\uff0c"])
@pytest.mark.parametrize("odd", [*"\0\t\r\x1f\x7f\x80\x85\x9f\u2028\u2029\ud800\ufeff\ufffe\uffff"])
def test_odd_characters_are_refused_next_to_rare_ones(rare: str, odd: str) -> None:
    assert is_simple(f'---\na: "b{rare}c"\n')
    assert read_simple(f'---\na: "b{rare}c{odd}d"\n') is None


SHORT = ["a:", "b: c", "- a:", "- b: c", "- d"]
FORMS = ["", *(" " * width + form for width in range(5) for form in SHORT)]


def test_both_readers_agree_on_all_forms_of_four_lines() -> None:
    found = [is_simple("---\n" + "\n".join(["a:", *lines])) for lines in product(FORMS, repeat=3)]
    assert len(found) > 10_000
    assert sum(found) > 500


# Chance.


def changed(draw: st.DrawFn, lines: list[str]) -> None:
    """Change one thing in `lines`."""
    at = draw(st.integers(0, max(len(lines) - 1, 0)))
    change = draw(
        st.sampled_from(["delete", "double", "swap", "indent", "insert", "value", "line"])
    )
    if not lines:
        lines.append("a: b\n")
    elif change == "delete":
        del lines[at]
    elif change == "double":
        lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
    elif change == "swap":
        to = draw(st.integers(0, len(lines) - 1))
        lines[at], lines[to] = lines[to], lines[at]
    elif change == "indent":
        stripped = lines[at].lstrip(" ")
        lines[at] = " " * draw(st.integers(0, 8)) + draw(st.sampled_from(["", "- "])) + stripped
    elif change == "insert":
        cut = draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:cut] + draw(ODD_TEXT | st.sampled_from(SNIPPETS)) + lines[at][cut:]
    elif change == "value":
        lead = lines[at].partition(":")[0]
        lines[at] = f"{lead}: {draw(st.sampled_from(SNIPPETS) | TEXT)}\n"
    else:
        lines.insert(at, draw(st.sampled_from(SNIPPETS)) + "\n")


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """Build a part of a seed with a few things changed."""
    seed = draw(st.sampled_from(LINES))
    start = draw(st.sampled_from([1, 1, draw(st.integers(1, len(seed) - 1))]))
    lines = seed[start : start + draw(st.integers(1, 60))]
    for _ in range(draw(st.integers(0, 3))):
        changed(draw, lines)
    return "".join(["---\n", *lines])


@given(text=mutants())
def test_both_readers_agree_on_changed_seeds(text: str) -> None:
    event("simple" if is_simple(text) else "strict")


LINE = st.builds(
    "{}{}{}{}\n".format,
    st.sampled_from(["", "", " ", "  ", "  ", "    ", "      "]),
    st.sampled_from(["", "", "- ", "-"]),
    st.sampled_from(
        ["a: ", "b: ", "c: ", "A: ", "d:", "e:", "f:", "secured: ", "secured:", "", "a"]
    ),
    st.sampled_from(["", "", "", "x", "1", '"y"', "'z'", *NASTY]),
)


@given(lines=st.lists(LINE, max_size=9))
@example(lines=["a:\n", "- b:\n", " - c\n"])
@example(lines=["a:\n", "- b:\n", "- c\n", "d: e\n"])
def test_both_readers_agree_on_random_lines(lines: list[str]) -> None:
    event("simple" if is_simple("---\n" + "".join(lines)) else "strict")


PLAINER = st.recursive(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
    | st.sampled_from(
        ["", "a b", "a: b", "it's", 'a "b"', "- a", "#a", "1", "null", "a\nb", "é", "’"]
    )
    | st.integers()
    | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*NAMES, "a", "b", "A", "é"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(
    fields=st.dictionaries(st.sampled_from(NAMES), PLAINER | NODE, max_size=5),
    style=st.sampled_from([None, None, '"', "'"]),
    flow=st.sampled_from([False, False, None, True]),
    width=st.sampled_from([10, 80, 10_000]),
    indent=st.sampled_from([2, 4, 7]),
    plain=st.booleans(),
)
def test_both_readers_agree_on_the_output_of_pyyaml(
    fields, style, flow, width, indent, plain
) -> None:
    text = yaml.safe_dump(
        fields,
        default_style=style,
        default_flow_style=flow,
        width=width,
        indent=indent,
        allow_unicode=plain,
        sort_keys=False,
    )
    event("simple" if is_simple(f"---\n{text}") else "strict")


# Whole files: read by way of the simple reader and of the strict one.

ODD_VALUES = [
    *("", "~", "null", '""', '" "', "''", "'a b'", "'it''s'", "x", '"x"'),
    *("https://h.example/a", '"https://h.example/b.png"', "'https://h.example/c'", "HTTP://H"),
    *('"https://h.example/?a=1&amp;b=2"', "https://", "http://h/a b", "/d.jpg", "ftp://h/"),
    *("2020-02-03T04:05:06Z", '"2020-02-03"', "yesterday", "2020-02-30", "2020-02-03 4:05 +02"),
    *("Name", '"AT&amp;T"', '"\\"A\\" b"', "“B”", '"\u200b"', "Name.Example", "name.example"),
    *("300", '"300"', "0", "0300", "-5", "1234567", "3.5", "true"),
]
VALUES = st.sampled_from(ODD_VALUES)
KEYS = st.sampled_from(
    ["webUrl", "url", "title", "alt", "publishedDateTime", "date", "width", "height", "name"]
)
PROVIDER = st.dictionaries(st.sampled_from(["name", "domain", "Title", "o"]), VALUES, max_size=3)
PROVIDERS = VALUES | PROVIDER.map(
    lambda keys: "".join(f"\n      {key}: {value}" for key, value in keys.items())
)


@st.composite
def items(draw: st.DrawFn) -> str:
    keys = draw(st.dictionaries(KEYS, VALUES, max_size=6))
    lines = [f"    {key}: {value}\n" for key, value in keys.items()]
    if draw(st.booleans()):
        lines.append(f"    provider: {draw(PROVIDERS)}\n".replace(": \n", ":\n"))
    return "".join(["  - src: ", draw(VALUES), "\n", *draw(st.permutations(lines))])


def reading(data: bytes, *, simple: bool) -> object:
    with pytest.MonkeyPatch.context() as patch:
        if not simple:
            patch.setattr(frontmatter, "read_simple_yaml", lambda head: None)
        try:
            return read_article(
                *("a.md", data),
                root="news",
                generator="",
                options=ReadOptions(authority="h.example,2020", base_url="https://h.example/s/"),
                now=datetime(2026, 1, 1, tzinfo=UTC),
            )
        except ArticleError as error:
            return error.at("a.md")


@given(
    part=st.sampled_from(["related", "images"]),
    found=st.lists(items(), max_size=4),
    provider=PROVIDERS,
)
def test_articles_with_random_parts_are_read_alike(
    part: str, found: list[str], provider: str
) -> None:
    publisher = f"provider: {provider}\n".replace(": \n", ":\n")
    head = f"title: A\ndate: 2020-01-01\n{part}:\n" + "".join(found) + publisher
    data = f"---\n{head}---\nbody\n".encode()
    simple = reading(data, simple=True)
    event("simple" if is_simple(f"---\n{head}") else "strict")
    assert simple == reading(data, simple=False)


GOOD = """---
title: A
date: 2020-01-01
related:
  - title: "B"
    webUrl: "https://h.example/b"
    publishedDateTime: 2020-02-03T04:05:06Z
    provider:
      name: "C D"
      domain: c.example
images:
  - url: "https://h.example/e.png"
    width: 30
    height: 40
    title: "F"
---
"""


@pytest.mark.parametrize("line", [line for line in GOOD.split("\n") if line.startswith("  ")])
def test_articles_with_one_odd_value_are_read_alike(line: str) -> None:
    key = line.partition(":")[0]
    others = [f"{key}: {value}" if value else f"{key}:" for value in ODD_VALUES]
    for other in [*others, "      odd: 1"]:
        data = GOOD.replace(line, other).encode()
        assert reading(data, simple=True) == reading(data, simple=False), other


@given(
    text=mutants(), end=st.sampled_from(["\n", "\r\n", "\r"]), mark=st.sampled_from(["", "\ufeff"])
)
def test_articles_with_changed_lines_are_read_alike(text: str, end: str, mark: str) -> None:
    whole = f"{text}published: true\ndate: 2020-01-01\n---\nbody\n".replace("\n", end)
    data = (mark + whole).encode("utf-8", "surrogatepass")
    assert reading(data, simple=True) == reading(data, simple=False)
