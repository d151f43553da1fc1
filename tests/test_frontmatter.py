"""Front matter: a refusal has its position and quotes nothing; the rest agrees with an oracle."""

from __future__ import annotations

import ast
import json
import math
import random
import re
import resource
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from yaml._yaml import CParser

from feedhub.errors import ArticleError, FeedhubError
from feedhub.sources import fields, frontmatter, toml_tree, tree, yaml_tree
from feedhub.sources.frontmatter import MAX_BYTES, read_front_matter
from feedhub.sources.gate_neighbours import NEIGHBOURS
from feedhub.sources.tree import MAX_DEPTH, MAX_NODES, Mapping, Node, Scalar, Sequence

HERE = Path(__file__).parent
BAD_INPUT = HERE / "bad_input"
SEEDS = sorted((HERE.parent / "seeds").glob("*.txt"))
SLY = "\x85\u2028\u2029\ufeff"
CANARY = "Zq9canary"

# File -> code, line and, where it is worth saying, column.
REFUSED: dict[str, tuple[str, int] | tuple[str, int, int]] = {
    "alias-as-key.md": ("yaml-alias", 3),
    "alias-billion-laughs.md": ("too-many-nodes", 8),
    "alias-bold-markdown.md": ("yaml-syntax", 3),
    "alias-cycle.md": ("yaml-alias", 3),
    "alias-inside-secured.md": ("yaml-alias", 3),
    "alias-undefined.md": ("yaml-alias", 3),
    "anchor-inside-secured.md": ("yaml-anchor", 4),
    "anchor-on-key.md": ("yaml-anchor", 3),
    "bom-hides-key-in-mapping.md": ("invisible-character", 4),
    "control-c0.md": ("control-character", 4, 9),
    "control-c1.md": ("control-character", 4, 9),
    "control-del.md": ("control-character", 4, 9),
    "control-escape.md": ("control-character", 4, 9),
    "control-fffe.md": ("control-character", 4, 9),
    "control-ffff.md": ("control-character", 4, 9),
    "control-in-comment.md": ("control-character", 3),
    "control-nul.md": ("control-character", 4, 9),
    "control-vertical-tab.md": ("control-character", 4, 9),
    "depth-17-block.md": ("too-deep", 4),
    "depth-17-flow.md": ("too-deep", 3, 24),
    "depth-17-in-secured.md": ("too-deep", 3),
    "depth-17-mappings.md": ("too-deep", 3),
    "directive-in-block.md": ("yaml-syntax", 3),
    "directive-second-document.md": ("yaml-syntax", 5),
    "duplicate-flow.md": ("duplicate-key", 3, 21),
    "duplicate-nested.md": ("duplicate-key", 5),
    "duplicate-published-case.md": ("duplicate-key", 4),
    "duplicate-published.md": ("duplicate-key", 4),
    "duplicate-quoted.md": ("duplicate-key", 4),
    "duplicate-removed.md": ("duplicate-key", 5),
    "duplicate-secured.md": ("duplicate-key", 4),
    "duplicate-title.md": ("duplicate-key", 3),
    "escape-surrogate-pair.md": ("yaml-syntax", 3),
    "escape-surrogate.md": ("yaml-syntax", 3),
    "escape-too-large.md": ("yaml-syntax", 3),
    "escape-unknown.md": ("yaml-syntax", 3),
    "fence-as-key.md": ("bad-fence", 3),
    "fence-four-hyphens.md": ("bad-fence", 3),
    "fence-indented.md": ("no-closing-fence", 1),
    "fence-missing.md": ("no-closing-fence", 1),
    "fence-of-the-other-kind.md": ("no-closing-fence", 1),
    "fence-opening-only.md": ("no-closing-fence", 1),
    "fence-two-hyphens.md": ("no-closing-fence", 1),
    "fence-with-text.md": ("bad-fence", 3),
    "flow-depth-1000-unclosed.md": ("too-deep", 3),
    "indent-tab.md": ("yaml-syntax", 4),
    "indent-uneven.md": ("yaml-syntax", 5),
    "jinja-value.md": ("yaml-key", 3),
    "key-bom.md": ("invisible-character", 3),
    "key-escaped-null.md": ("invisible-character", 3),
    "key-is-list.md": ("yaml-key", 3),
    "key-is-mapping.md": ("yaml-key", 3),
    "key-nonbreaking-space.md": ("invisible-character", 3),
    "key-without-colon.md": ("yaml-syntax", 3),
    "key-zero-width-space.md": ("invisible-character", 3),
    "line-separator-before-quoted-value.md": ("invisible-character", 3, 16),
    "line-separator-before-tag.md": ("yaml-tag", 3),
    "line-separator-closes-fence.md": ("no-closing-fence", 1),
    "line-separator-in-block-scalar.md": ("invisible-character", 4),
    "line-separator-in-comment.md": ("invisible-character", 3),
    "line-separator-injects-key.md": ("invisible-character", 3, 15),
    "list-indent-uneven.md": ("yaml-syntax", 5),
    "list-unclosed.md": ("yaml-syntax", 4),
    "mapping-unclosed.md": ("yaml-syntax", 4),
    "merge-doubling.md": ("yaml-merge", 4),
    "merge-key-nested.md": ("yaml-merge", 4),
    "merge-key.md": ("yaml-merge", 4),
    "nel-injects-key.md": ("invisible-character", 3, 15),
    "paragraph-separator-injects-key.md": ("invisible-character", 3, 15),
    "plain-at-sign.md": ("yaml-syntax", 3, 9),
    "plain-backtick.md": ("yaml-syntax", 3, 9),
    "plain-colon.md": ("yaml-syntax", 3, 10),
    "plain-percent.md": ("yaml-syntax", 3, 9),
    "quote-crosses-document-end.md": ("yaml-syntax", 3),
    "quote-inside-quote.md": ("yaml-syntax", 3),
    "quote-single-unclosed.md": ("yaml-syntax", 3),
    "quote-then-text.md": ("yaml-syntax", 3),
    "quote-unclosed.md": ("yaml-syntax", 3),
    "root-alias.md": ("yaml-alias", 2),
    "root-list.md": ("not-a-mapping", 2),
    "root-null.md": ("not-a-mapping", 2),
    "root-quoted-empty.md": ("not-a-mapping", 2),
    "root-text.md": ("not-a-mapping", 2),
    "tag-binary.md": ("yaml-tag", 3),
    "tag-bool.md": ("yaml-tag", 3),
    "tag-float.md": ("yaml-tag", 3),
    "tag-handle-undefined.md": ("yaml-syntax", 3),
    "tag-inside-secured.md": ("yaml-tag", 4),
    "tag-int.md": ("yaml-tag", 3),
    "tag-local.md": ("yaml-tag", 3),
    "tag-mapping.md": ("yaml-tag", 3),
    "tag-nonspecific-quoted.md": ("yaml-tag", 3),
    "tag-nonspecific.md": ("yaml-tag", 3),
    "tag-on-key.md": ("yaml-tag", 3),
    "tag-python.md": ("yaml-tag", 3),
    "tag-sequence.md": ("yaml-tag", 3),
    "tag-str.md": ("yaml-tag", 3),
    "tag-timestamp.md": ("yaml-tag", 3),
    "tag-verbatim.md": ("yaml-tag", 3),
    "toml-bad-date.md": ("toml-syntax", 3),
    "toml-bare-word.md": ("toml-syntax", 3),
    "toml-control.md": ("control-character", 3, 9),
    "toml-depth-17-tables.md": ("too-deep", 3),
    "toml-depth-17.md": ("too-deep", 3),
    "toml-depth-30.md": ("too-deep", 3),
    "toml-dotted-key.md": ("too-deep", 3),
    "toml-duplicate-case.md": ("duplicate-key", 4),
    "toml-duplicate-table.md": ("toml-syntax", 4),
    "toml-duplicate.md": ("duplicate-key", 4),
    "toml-escape-surrogate.md": ("toml-syntax", 3),
    "toml-fence-missing.md": ("no-closing-fence", 1),
    "toml-fence-of-yaml.md": ("no-closing-fence", 1),
    "toml-key-zero-width-space.md": ("invisible-character", 3),
    "toml-long-integer.md": ("toml-syntax", 4),
    "toml-unclosed-list.md": ("toml-syntax", 4),
    "toml-unclosed-string.md": ("toml-syntax", 3),
    "torn-published.md": ("no-closing-fence", 1),
    "two-documents.md": ("yaml-syntax", 4),
    "utf16-be-bom.md": ("not-utf8", 1),
    "utf16-be.md": ("not-utf8", 1),
    "utf16-le-bom.md": ("not-utf8", 1),
    "utf16-le.md": ("not-utf8", 1),
    "utf8-bad-after-cr-and-bom.md": ("not-utf8", 3, 4),
    "utf8-bad-in-body.md": ("not-utf8", 4, 1),
    "utf8-beyond.md": ("not-utf8", 4, 10),
    "utf8-cut.md": ("not-utf8", 4, 10),
    "utf8-latin1.md": ("not-utf8", 4, 13),
    "utf8-overlong.md": ("not-utf8", 4, 10),
    "utf8-surrogate.md": ("not-utf8", 4, 10),
}


# File -> how its `value` is read, and what that gives.
READ: dict[str, tuple[str, str | None]] = {
    "text-bom-quoted.md": ("as_text", "a\ufeffb"),
    "text-date-february-30.md": ("as_text", "2020-02-30"),
    "text-date-hour-25.md": ("as_text", "2020-01-01T25:00:00Z"),
    "text-date-month-13.md": ("as_text", "2020-13-45"),
    "text-date-offset-99.md": ("as_text", "2020-01-01T00:00:00+99:00"),
    "text-date-second-60.md": ("as_text", "2020-01-01T00:00:60Z"),
    "text-date-short.md": ("as_text", "2020-6-9"),
    "text-date-year-0.md": ("as_text", "0000-01-01"),
    "text-date.md": ("as_text", "2020-01-01"),
    "text-emoji.md": ("as_text", "😀"),
    "text-empty.md": ("as_text", None),
    "text-equals.md": ("as_text", "="),
    "text-escaped-c0.md": ("as_text", "\x01"),
    "text-escaped-fffe.md": ("as_text", "\ufffe"),
    "text-escaped-nul.md": ("as_text", "a\x00b"),
    "text-exponent-huge.md": ("as_text", "1e999"),
    "text-exponent.md": ("as_text", "1e3"),
    "text-folded-block.md": ("as_text", "a b"),
    "text-hash-in-word.md": ("as_text", "a#b"),
    "text-hexadecimal.md": ("as_text", "0x1F"),
    "text-infinity.md": ("as_text", ".inf"),
    "text-leading-zero.md": ("as_text", "09"),
    "text-line-separator-quoted.md": ("as_text", "a\u2028b"),
    "text-long-integer.md": (
        "as_text",
        "11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
    ),
    "text-long-sexagesimal.md": (
        "as_text",
        "1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1.5",
    ),
    "text-merge-as-value.md": ("as_text", "<<"),
    "text-nel-quoted.md": ("as_text", "a b"),
    "text-not-a-number.md": ("as_text", ".nan"),
    "text-null-quoted.md": ("as_text", "null"),
    "text-null-title.md": ("as_text", None),
    "text-null-upper.md": ("as_text", None),
    "text-null.md": ("as_text", None),
    "text-octal-yaml11.md": ("as_text", "017"),
    "text-ratio-sexagesimal.md": ("as_text", "3:16"),
    "text-tab-after-colon.md": ("as_text", "x"),
    "text-tilde.md": ("as_text", None),
    "text-time-sexagesimal.md": ("as_text", "12:30:45"),
    "text-underscores.md": ("as_text", "1_000"),
    "text-word-5g.md": ("as_text", "5G"),
    "text-word-no.md": ("as_text", "no"),
    "text-word-off.md": ("as_text", "Off"),
    "text-word-on.md": ("as_text", "on"),
    "text-word-y.md": ("as_text", "Y"),
    "text-word-yes.md": ("as_text", "yes"),
    "text-year.md": ("as_text", "2020"),
    "text-zero-width-space.md": ("as_text", "a\u200bb"),
}

MISREAD: dict[str, tuple[str, str]] = {
    "flag-date.md": ("as_bool", "not-boolean"),
    "flag-empty.md": ("as_bool", "not-boolean"),
    "flag-list.md": ("as_bool", "not-boolean"),
    "flag-mapping.md": ("as_bool", "not-boolean"),
    "flag-mixed-case.md": ("as_bool", "not-boolean"),
    "flag-no.md": ("as_bool", "not-boolean"),
    "flag-null.md": ("as_bool", "not-boolean"),
    "flag-off.md": ("as_bool", "not-boolean"),
    "flag-quoted.md": ("as_bool", "not-boolean"),
    "flag-torn-f.md": ("as_bool", "not-boolean"),
    "flag-torn-tru.md": ("as_bool", "not-boolean"),
    "flag-yes.md": ("as_bool", "not-boolean"),
    "flag-zero.md": ("as_bool", "not-boolean"),
    "text-list.md": ("as_text", "wrong-type"),
    "text-mapping.md": ("as_text", "wrong-type"),
}

# Text of `value` -> how it is read, and what that gives or the code of the refusal.
INLINE: list[tuple[str, str, Any]] = [
    ("true", "as_bool", True),
    ("True", "as_bool", True),
    ("TRUE", "as_bool", True),
    ("false", "as_bool", False),
    ("False", "as_bool", False),
    ("FALSE", "as_bool", False),
    ("19", "as_int", 19),
    ("-17", "as_int", -17),
    ("+3", "as_int", 3),
    ("09", "as_int", 9),
    ("017", "as_int", 17),
    ("9" * 15, "as_int", 10**15 - 1),
    ("~", "as_int", None),
    ("4.4396553", "as_number", 4.4396553),
    ("1e3", "as_number", 1000.0),
    ("-.5", "as_number", -0.5),
    ("5.", "as_number", 5.0),
    ("7", "as_number", 7.0),
    ("", "as_number", None),
    ("1" * 16, "as_int", "not-a-number"),
    ("2" * 5000, "as_int", "not-a-number"),
    ("0x1F", "as_int", "not-a-number"),
    ("0o17", "as_int", "not-a-number"),
    ("1_000", "as_int", "not-a-number"),
    ("3:16", "as_int", "not-a-number"),
    ('"19"', "as_int", "not-a-number"),
    ("1.0", "as_int", "not-a-number"),
    ("٣", "as_int", "not-a-number"),
    ("[1]", "as_int", "not-a-number"),
    ("many", "as_int", "not-a-number"),
    (".inf", "as_number", "not-a-number"),
    ("-.INF", "as_number", "not-a-number"),
    (".nan", "as_number", "not-a-number"),
    ("inf", "as_number", "not-a-number"),
    ("1.0e+999", "as_number", "not-a-number"),
    (".", "as_number", "not-a-number"),
    ("0x1F", "as_number", "not-a-number"),
    ('"1.5"', "as_number", "not-a-number"),
    ("1:1:1.5", "as_number", "not-a-number"),
    ("{a: 1}", "as_number", "not-a-number"),
]


def refusal(data: bytes) -> ArticleError:
    """Return the error that `data` must raise, checked for what every error has to be."""
    with pytest.raises(ArticleError) as caught:
        read_front_matter(data)
    return check_error(caught.value, data)


def check_error(error: ArticleError, data: bytes) -> ArticleError:
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
    assert 1 <= error.line <= lines
    assert error.column >= 1
    assert re.sub(r"the key [\w-]{1,40} appears", "a key appears", str(error)) in MESSAGES
    context = error.__context__
    assert error.__cause__ is None
    assert context is None or not context.args
    return error


def _constants(module: Any) -> Iterator[str]:
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


# Every message there can be stands in the source as it is, apart from three limits of our own and
# the name of a key that appears twice.
MESSAGES = {
    *_constants(tree),
    *_constants(yaml_tree),
    *_constants(toml_tree),
    *_constants(frontmatter),
    *(str(make(1, 1)) for make in (tree.too_deep, tree.too_many)),
    f"the file is larger than {MAX_BYTES // 1024} KiB; shorten it",
    "a key appears twice (upper and lower case count as one); keep one of them",
}


def accepted(data: bytes) -> frontmatter.FrontMatter:
    """Return the front matter of `data`, which must have one."""
    front = read_front_matter(data)
    assert front is not None
    return front


def outcome(data: bytes) -> frontmatter.FrontMatter | ArticleError | None:
    """Return what reading `data` gives, a checked error among it."""
    try:
        return read_front_matter(data)
    except ArticleError as error:
        return check_error(error, data)


def plain(node: Node) -> Any:
    """Return a tree as dicts, lists and strings."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.text


def walk(node: Node) -> Iterator[Node]:
    yield node
    children = node.entries.values() if isinstance(node, Mapping) else ()
    for child in node.items if isinstance(node, Sequence) else children:
        yield from walk(child)


def without_secured(value: Any) -> Any:
    """Return what an oracle read, without the keys that are dropped."""
    if isinstance(value, dict):
        return {k: without_secured(v) for k, v in value.items() if k.casefold() != "secured"}
    return [without_secured(item) for item in value] if isinstance(value, list) else value


def oracle(data: bytes) -> Any:
    """Return what libyaml's own composer makes of the block, every scalar as its text."""
    block = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    block = block[: block.index("\n---", 3) + 1]
    return without_secured(yaml.load(block, Loader=yaml.CBaseLoader)) or {}  # noqa: S506


def read_value(data: bytes, reader: str) -> Any:
    node = accepted(data).fields.entries["value"]
    try:
        return getattr(tree, reader)(node)
    except ArticleError as raised:
        error = raised
    check_error(error, data)
    assert (error.line, error.column) == (node.line, node.column)
    assert error.withdraws == (reader == "as_bool")
    return error.code


# The table


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_bad_file_is_refused_with_its_position(name: str) -> None:
    error = refusal((BAD_INPUT / name).read_bytes())
    expected = REFUSED[name]
    assert (error.code, error.line, error.column)[: len(expected)] == expected


@pytest.mark.parametrize("name", sorted(READ))
def test_odd_value_is_read_as_written(name: str) -> None:
    data = (BAD_INPUT / name).read_bytes()
    reader, expected = READ[name]
    assert read_value(data, reader) == expected
    assert plain(accepted(data).fields) == oracle(data)


@pytest.mark.parametrize("name", sorted(MISREAD))
def test_value_of_the_wrong_kind_is_refused(name: str) -> None:
    reader, code = MISREAD[name]
    assert read_value((BAD_INPUT / name).read_bytes(), reader) == code


@pytest.mark.parametrize(("text", "reader", "expected"), INLINE)
def test_typed_values(text: str, reader: str, expected: Any) -> None:
    value = read_value(f"---\nvalue: {text}\n---\n".encode(), reader)
    assert value == expected
    assert type(value) is type(expected)


def test_every_bad_file_has_an_expected_result() -> None:
    assert {path.name for path in BAD_INPUT.iterdir()} == {*REFUSED, *READ, *MISREAD}


@pytest.mark.parametrize("name", sorted(name for name in REFUSED if "duplicate" in name))
def test_only_a_doubled_flag_withdraws(name: str) -> None:
    error = refusal((BAD_INPUT / name).read_bytes())
    flag = "published" in name or "removed" in name or name.startswith("toml-duplicate")
    quoted = name == "duplicate-quoted.md"
    assert error.withdraws == ((flag or quoted) and error.code == "duplicate-key")


def test_a_syntax_error_does_not_withdraw() -> None:
    assert not refusal(b"---\npublished: [\n---\n").withdraws


def test_a_doubled_flag_of_a_part_does_not_withdraw() -> None:
    assert not refusal(b"---\nprovider: {removed: a, removed: b}\n---\n").withdraws
    assert not refusal(b"+++\ntitle = 1\ntitle = 2\n+++\n").withdraws


# Fences and bytes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"-",
        b"--",
        b"title: x\n",
        b"\n---\ntitle: x\n---\n",
        b" ---\ntitle: x\n---\n",
        b"----\ntitle: x\n---\n",
        b"--- # x\ntitle: x\n---\n",
        b"---x",
        b"---\x0b\n---\n",
        "---\u2028a: b\n---\n".encode(),
        b"\xef\xbb\xbf\xef\xbb\xbf---\n---\n",
        b"\xff",
        b"x" * (MAX_BYTES + 1),
    ],
)
def test_a_file_without_an_opening_fence_is_not_an_article(data: bytes) -> None:
    assert read_front_matter(data) is None


@pytest.mark.parametrize("fence", ["---", "+++"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("blank", ["", " ", "\t", " \t "])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_fences(fence: str, end: str, blank: str, mark: str) -> None:
    lines = [fence + blank, fence + blank, "a", "", "\0b\u2028c\x85", fence, ""]
    front = accepted((mark + end.join(lines)).encode())
    assert front.fields == Mapping({}, front.fields.line, 1)
    assert front.body == "\n".join(lines[2:])


@pytest.mark.parametrize("block", ["", "# note\n", "\n\n", "  # note\n\n", "...\n", "{}\n"])
def test_nothing_between_the_fences_is_an_empty_mapping(block: str) -> None:
    front = accepted(f"---\n{block}---".encode())
    assert front.fields.entries == {}
    assert front.body == ""


def test_size_limit() -> None:
    head = b"---\na: b\n---\n"
    assert MAX_BYTES == 256 * 1024  # as the documentation says
    assert len(accepted(head + b"x" * (MAX_BYTES - len(head))).body) == MAX_BYTES - len(head)
    error = refusal(head + b"x" * (MAX_BYTES - len(head) + 1))
    assert (error.code, error.line) == ("too-large", 1)


@given(st.binary(max_size=60), st.sampled_from(["\n", "\r\n", "\r"]))
def test_undecodable_bytes_are_found(tail: bytes, end: str) -> None:
    data = f"---{end}title: é{end}".encode() + tail
    good = data.decode("utf-8", "replace").split("\ufffd")[0]
    assume("\ufffd".encode() not in data)
    assume(len(good.encode()) < len(data))
    before = good.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    error = refusal(data)
    assert (error.code, error.line) == ("not-utf8", len(before))
    assert error.column == len(before[-1]) + 1


def interesting_characters() -> Iterator[int]:
    for start, stop in [(0, 0x250), (0x600, 0x610), (0x2000, 0x2100), (0x3000, 0x3010)]:
        yield from range(start, stop)
    for start, stop in [(0xD7F0, 0xD800), (0xE000, 0xE010), (0xFDC0, 0xFE10), (0xFEF0, 0x10010)]:
        yield from range(start, stop)
    yield from (0x1FFFE, 0x1FFFF, 0x10FFFE, 0x10FFFF)


@pytest.mark.parametrize("form", ['---\na: "x{}y"\n---\n', '+++\na = "x{}y"\n+++\n'])
def test_raw_characters(form: str) -> None:
    for point in interesting_characters():
        char = chr(point)
        if char in '\n\r"\\':
            continue
        result = outcome(form.format(char).encode())
        if char == "\t" or char.isprintable() or (point > 0x9F and point not in (0xFFFE, 0xFFFF)):
            assert isinstance(result, frontmatter.FrontMatter), hex(point)
            if char not in SLY and char != "\t":
                assert plain(result.fields) == {"a": f"x{char}y"}
        elif point == 0x85:
            assert isinstance(result, frontmatter.FrontMatter)
        else:
            assert isinstance(result, ArticleError), hex(point)
            assert (result.code, result.line) == ("control-character", 2)


# YAML against libyaml's own composer


def corpus() -> list[Path]:
    root = HERE.parents[1] / "shared" / "corpus" / "real"
    return sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def real_files() -> list[Path]:
    """The real files; they lie outside the repository."""
    return corpus() or pytest.skip("the corpus of real files is not here")


def agrees(data: bytes) -> None:
    front = accepted(data)
    assert plain(front.fields) == oracle(data)
    lines = data.decode().replace("\r\n", "\n").split("\n")
    for node in walk(front.fields):
        if isinstance(node, Scalar) and node.text and "\n" not in node.text and node.plain:
            assert lines[node.line - 1][node.column - 1 :].startswith(node.text.split(" ")[0])
    text = "\n".join(lines)
    head = text[: len(text) - len(front.body)]
    assert text == head + front.body
    assert head.removesuffix("\n").split("\n")[-1].rstrip(" \t") in ("---", "+++")


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem[:3])
def test_seeds_agree_with_the_oracle(path: Path) -> None:
    agrees(path.read_bytes())
    assert "secured" not in accepted(path.read_bytes()).fields.entries


def test_real_files_agree_with_the_oracle(real_files: list[Path]) -> None:
    assert len(real_files) >= 51
    for path in real_files:
        agrees(path.read_bytes())


def fails_or_equals(data: bytes, cuts: range) -> None:
    whole = accepted(data).fields
    for cut in cuts:
        result = outcome(data[:cut])
        if isinstance(result, frontmatter.FrontMatter):
            assert result.fields == whole, cut


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem[:3])
def test_a_torn_seed_is_never_misread(path: Path) -> None:
    data = path.read_bytes()
    fails_or_equals(data, range(len(data)))


def test_a_torn_real_file_is_never_misread(real_files: list[Path]) -> None:
    for path in real_files:
        data = path.read_bytes()
        close = data.index(b"\n---", 3)
        fails_or_equals(data, range(close - 60, min(close + 12, len(data))))


def test_a_torn_toml_file_is_never_misread() -> None:
    data = TOML.encode()
    fails_or_equals(data, range(len(data)))


@pytest.mark.parametrize("key", ["secured", "Secured", "SECURED", '"secured"'])
@pytest.mark.parametrize(
    "value", [f" {CANARY}", f" [{CANARY}, {{a: {CANARY}}}]", f"\n  a:\n  - {CANARY}", "", " []"]
)
def test_secured_is_dropped_at_any_level(key: str, value: str) -> None:
    inner = value.replace("\n", "\n  ")
    text = f"---\na: b\n{key}:{value}\nc:\n  {key}:{inner}\n  d: e\nf: g\n---\n"
    front = accepted(text.encode())
    assert plain(front.fields) == {"a": "b", "c": {"d": "e"}, "f": "g"}
    assert CANARY not in repr(front)


def test_a_quoted_merge_key_is_a_key_like_others() -> None:
    assert plain(accepted(b'---\n"<<": {a: b}\n---\n').fields) == {"<<": {"a": "b"}}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("a: &x 1\nb: *x", {"a": "1", "b": "1"}),
        ("&root\na: b", {"a": "b"}),
        ("a: &x [&y {c: d}, *y]\nb: [*x, *y]", {"a": [D := {"c": "d"}, D], "b": [[D, D], D]}),
        ("a: &x {secured: " + CANARY + ", b: c}\nd: *x", {"a": {"b": "c"}, "d": {"b": "c"}}),
        ("a: &x |\n  text\nb: *x", {"a": "text\n", "b": "text\n"}),
    ],
)
def test_an_alias_is_the_value_of_its_anchor(block: str, expected: Any) -> None:
    data = f"---\n{block}\n---\n".encode()
    front = accepted(data)
    assert plain(front.fields) == expected == oracle(data)
    assert CANARY not in repr(front)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("a: &x 1\nb: &x [*x]", "yaml-alias"),  # its own list, which has no end
        ("secured: &x 1\nb: *x", "yaml-anchor"),
        ("a: &x 1\nsecured: *x", "yaml-alias"),
        ("a: &x " + "[" * 9 + "]" * 9 + "\nb: " + "[" * 8 + "*x" + "]" * 8, "too-deep"),
        ("a: &x " + "w" * 9_000 + "\nb: [" + "*x, " * 30 + "]", "too-many-nodes"),
        ("a: &x {" + "k" * 900 + ": v}\nb: [" + "*x, " * 300 + "]", "too-many-nodes"),
        ("a: &x []\nb: [" + "*x, " * 30_000 + "]", "too-many-nodes"),
    ],
)
def test_aliases_stand_for_no_more_than_could_be_written(block: str, code: str) -> None:
    assert refusal(f"---\n{block}\n---\n".encode()).code == code


def test_the_nearest_anchor_of_a_name_counts() -> None:
    """YAML 1.2.2, 7.1; PyYAML knows no second anchor of one name."""
    front = accepted(b"---\na: &x 1\nb: *x\nc: &x 2\nd: *x\n---\n")
    assert plain(front.fields) == {"a": "1", "b": "1", "c": "2", "d": "2"}


def test_as_deep_and_as_long_as_allowed() -> None:
    deep = "a: &x " + "[" * 9 + "]" * 9 + "\nb: " + "[" * 6 + "*x" + "]" * 6
    for block in (deep, "a: &x " + "w" * 9_000 + "\nb: [" + "*x, " * 29 + "]"):
        accepted(f"---\n{block}\n---\n".encode())


def test_a_key_that_nothing_reads_may_stand_twice() -> None:
    front = accepted(b"---\nmood: a\nx: {y: 1, Y: 2}\nmood: b\n---\n")
    assert plain(front.fields) == {"mood": "b", "x": {"y": "1", "Y": "2"}}
    assert front.repeated == (("Y", 3, 11), ("mood", 4, 1))


@pytest.mark.parametrize(
    "key",
    [
        *sorted({name for names in fields.NAMES.values() for name in names}),
        *(key for row in NEIGHBOURS if row.action != "ignored" for key in row.keys.split()),
        *("Canonical_URL", "publised", "isDraft", "params", "Extra", "secured", "drafts"),
    ],
)
def test_a_key_that_is_read_or_may_hide_stands_once(key: str) -> None:
    assert refusal(f"---\n{key}: a\n{key.upper()}: a\n---\n".encode()).code == "duplicate-key"


def test_positions_count_from_one_in_the_file() -> None:
    fields = accepted("\ufeff---\r\na: é\r\nb:\r\n  - {c: d}\r\n---".encode()).fields
    assert fields == Mapping(
        {
            "a": Scalar("é", 2, 4, plain=True),
            "b": Sequence((Mapping({"c": Scalar("d", 4, 9, plain=True)}, 4, 5),), 4, 3),
        },
        2,
        1,
    )


def test_ambiguous_characters_in_quotes_do_not_move_positions() -> None:
    text = '---\na: "x\x85y\u2028z"\nb: [\'\u2029\', "\ufeff", c]\nd: e\n---\n'
    fields = accepted(text.encode()).fields
    by_text = {node.text: node for node in walk(fields) if isinstance(node, Scalar)}
    assert by_text["c"][1:3] == (3, 15)
    assert by_text["e"][1:3] == (4, 4)


def many(least: int) -> settings:
    """Return settings for properties that need more than the usual number of examples."""
    return settings(max_examples=max(least, settings().max_examples), deadline=None)


def one_of(spaced: str, *more: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*spaced.split(" "), *more])


WORDS = one_of(
    "a b c x y z - : , . [ ] { } ? ! & * # | > % @ ` \" ' ~ = + \\ published Published secured null"
    " *a !!str --- ... %YAML '' \"\" \"x\" 'y' é {c:[d]} " + CANARY,
    *(" ", "\t", "\r", "\r\n", "\0", "\x7f", "\n", "\n", "\n  ", "\n- ", "\n  - ", ": ", ": "),
    *("a: ", "b: ", "c: ", "\nd: ", "\ne: ", "<<: ", "&a ", "! ", "--- ", "# ", "|-\n  ", "? "),
    *("[a, b]", "{a: b}", "{c: [d]}"),
)
SLY_WORDS = st.one_of(WORDS, st.sampled_from([*SLY, "\u200b", "\u00a0"]))
REFUSALS = {"yaml-syntax", "control-character"}


@many(1500)
@given(st.lists(WORDS, max_size=25).map("".join))
@example("a: b\n--- c\n")
def test_yaml_agrees_with_the_oracle_or_is_refused(block: str) -> None:
    data = f"---\n{block}\n---\n{block}".encode()
    result = outcome(data)
    if isinstance(result, frontmatter.FrontMatter):
        assert plain(result.fields) == oracle(data)
    elif isinstance(result, ArticleError) and result.code in REFUSALS:
        with pytest.raises(Exception):  # noqa: B017, PT011
            oracle(data)


@many(1500)
@given(st.lists(SLY_WORDS, max_size=25).map("".join))
def test_ambiguous_characters_never_change_the_values(block: str) -> None:
    assume(any(char in block for char in SLY))
    result = outcome(f"---\n{block}\n---\n".encode())
    if isinstance(result, frontmatter.FrontMatter):
        tame = block.translate({ord(char): "x" for char in SLY})
        same = accepted(f"---\n{tame}\n---\n".encode())
        assert [node[1:] for node in walk(result.fields) if isinstance(node, Scalar)] == [
            node[1:] for node in walk(same.fields) if isinstance(node, Scalar)
        ]
        assert [*result.fields.entries] == [*same.fields.entries]


@many(1000)
@given(st.binary(max_size=300), st.sampled_from([b"", b"---\n", b"+++\n", b"\xef\xbb\xbf---\r"]))
def test_any_bytes(data: bytes, head: bytes) -> None:
    outcome(head + data)


@many(1000)
@given(st.text(max_size=200), st.sampled_from(["---", "+++"]))
def test_any_text_between_fences(text: str, fence: str) -> None:
    outcome(f"{fence}\n{text}\n{fence}\n{text}".encode("utf-8", "replace"))


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem[:3])
def test_mutated_seeds(path: Path) -> None:
    chance = random.Random(path.name)
    data = path.read_bytes()
    for _ in range(400):
        at, length = chance.randrange(len(data)), chance.randrange(1, 8)
        other = chance.choice(
            [b"", b'"', b"'", b": ", b"\n", b"- ", b"[", b"\xff", b"\xe2\x80\xa8"]
        )
        mutated = data[:at] + other + data[at + length :]
        result = outcome(mutated)
        if isinstance(result, frontmatter.FrontMatter):
            assert plain(result.fields) == oracle(mutated)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# What TOML allows raw, or json.dumps escapes as TOML would.
TOML_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.characters(max_codepoint=31),
    max_size=30,
)
PRINTABLE = st.characters(exclude_categories=["C", "Z"]) | st.just(" ")
KEYS = st.text(PRINTABLE, max_size=20).filter(lambda key: key.casefold() != "secured")


def trees(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        pairs = st.tuples(KEYS, inner)
        return st.lists(pairs, max_size=5, unique_by=lambda pair: pair[0].casefold()).map(dict)

    return tables(
        st.recursive(
            values, lambda inner: st.lists(inner, max_size=4) | tables(inner), max_leaves=12
        )
    )


@many(500)
@given(trees(TEXTS), st.booleans(), st.sampled_from([None, True, False]))
def test_dumped_yaml_comes_back(value: dict[str, Any], wide: bool, flow: bool | None) -> None:
    text = yaml.safe_dump(value, allow_unicode=wide, default_flow_style=flow, sort_keys=False)
    assume(not any(char in text for char in SLY) or not wide)
    assert plain(accepted(f"---\n{text}---\n".encode()).fields) == value


# YAML's parser as it may fail


class Broken:
    """A parser that raises its argument."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __next__(self) -> Any:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ValueError(CANARY),
        KeyError(CANARY),
        AttributeError(CANARY),
        OverflowError(CANARY),
        RecursionError(CANARY),
        MemoryError(CANARY),
        UnicodeEncodeError("utf-8", CANARY, 0, 1, CANARY),
        yaml.YAMLError(CANARY),
        yaml.MarkedYAMLError(CANARY, None, CANARY, None),
        yaml.scanner.ScannerError(CANARY, None, "found unexpected end of stream", None),
        yaml.reader.ReaderError(CANARY, 3, 0, CANARY, CANARY),
    ],
)
def test_errors_of_the_parser_are_reported_without_quoting(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(yaml_tree, "parse_events", lambda text: Broken(error))
    error = refusal(b"---\na: [b]\n---\n")
    assert (error.code, error.line) == ("yaml-syntax", 1)
    assert CANARY not in str(error)


def test_without_libyaml_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    with pytest.raises(FeedhubError, match="libyaml") as caught:
        read_front_matter(b"---\na: [b]\n---\n")
    assert not isinstance(caught.value, ArticleError)


def test_a_second_document_is_refused_even_without_its_fence_check() -> None:
    with pytest.raises(ArticleError) as caught:
        yaml_tree.read_yaml("---\na: b\n--- c\n")
    assert (caught.value.code, caught.value.line) == ("yaml-documents", 3)


def test_advice_names_problems_that_libyaml_has() -> None:
    library = Path(sys.modules["yaml._yaml"].__file__ or "").read_bytes()
    # A wheel of PyYAML holds libyaml; a system's own build may link it.
    if b"while parsing a block mapping" in library:
        for problem in {*yaml_tree._ADVICE, *yaml_tree._BLAME_CONTEXT}:
            assert problem.encode() in library, problem


def events(block: str) -> int:
    parser, count = CParser(block), 0
    while parser.get_event() is not None:
        count += 1
    return count


@pytest.mark.parametrize("form", ["a: [{}]", "secured: [{}]", "a: {{{}}}", "a: \u2028[{}]"])
def test_event_limit_is_exact(form: str) -> None:
    ambiguous = "\u2028" in form
    form = form.replace("\u2028", "")
    tail = '\nlast: "\u2028"' if ambiguous else "\nlast: x"
    step = 2 if "{{" in form else 1
    spare = MAX_NODES - events("---\n" + form.format("") + tail + "\n")
    items = [f"k{n}" for n in range(spare // step + 1)]
    fits = form.format(",".join(items[:-1])) + tail
    assert MAX_NODES - step < events(f"---\n{fits}\n") <= MAX_NODES
    assert accepted(f"---\n{fits}\n---\n".encode())
    error = refusal(f"---\n{form.format(','.join(items))}{tail}\n---\n".encode())
    assert error.code == "too-many-nodes"
    assert error.line in (2, 3, 4)


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ("{a: ", "}")])
def test_depth_limit_is_exact(open_: str, close: str) -> None:
    for key in ("value", "secured"):
        fits = f"---\n{key}: {open_ * (MAX_DEPTH - 1)}{close * (MAX_DEPTH - 1)}\n---\n"
        assert accepted(fits.encode())
        error = refusal(f"---\n{key}: {open_ * MAX_DEPTH}{close * MAX_DEPTH}\n---\n".encode())
        assert (error.code, error.line) == ("too-deep", 2)


# TOML

TOML = '''+++
title = "A \\"title\\""      # a note with [ { " in it
text = """
[[[[[[[[[[[[[[[[[[[[[[[[[[ {{{{ " "" \\""" a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a
title = 1
"""
raw = \'\'\'C:\\[[[[[[[[[[[[[[[[[[[[[[[ ' ''\'\'\'
path = 'C:\\[[[[[[[[[[[[[[[[[[[[['
published = true
removed = false
heat = -1
quality = 1_000
ratio = 4.4396553
big = 1e3
when = 2020-06-09T11:36:00Z
local = 2020-06-09T11:36:00.5
day = 2020-06-09
hour = 11:36:00
topics = ["AI", 'no']
a.b."c d" = 1
SECURED = "Zq9canary"

[provider]
name = "IGN"
secured = "Zq9canary"

[[related]]
title = "one"
[related.provider]
name = "p"

[[related]]

title = "two"
inline = {x = 1, y = [{z = 2}]}
+++
body
'''
TOML_PLAIN = {
    "title": ('A "title"', 2, False),
    "raw": ("C:\\[[[[[[[[[[[[[[[[[[[[[[[ ' ''", 7, False),
    "path": ("C:\\[[[[[[[[[[[[[[[[[[[[[", 8, False),
    "published": ("true", 9, True),
    "removed": ("false", 10, True),
    "heat": ("-1", 11, True),
    "quality": ("1000", 12, True),
    "ratio": ("4.4396553", 13, True),
    "big": ("1000.0", 14, True),
    "when": ("2020-06-09T11:36:00+00:00", 15, True),
    "local": ("2020-06-09T11:36:00.500000", 16, True),
    "day": ("2020-06-09", 17, True),
    "hour": ("11:36:00", 18, True),
}


def test_toml_values_and_lines() -> None:
    front = accepted(TOML.encode())
    entries = front.fields.entries
    scalars = {k: n for k, n in entries.items() if isinstance(n, Scalar) and k in TOML_PLAIN}
    assert {k: (n.text, n.line, n.plain) for k, n in scalars.items()} == TOML_PLAIN
    assert front.body == "body\n"
    assert entries["topics"] == Sequence(
        (Scalar("AI", 19, 1, plain=False), Scalar("no", 19, 1, plain=False)), 19, 1
    )
    assert CANARY not in repr(front)
    assert tree.as_bool(entries["removed"]) is False
    assert tree.as_number(entries["ratio"]) == 4.4396553


def test_toml_tables_have_the_lines_of_their_headers() -> None:
    entries = accepted(TOML.encode()).fields.entries
    related = entries["related"]
    assert isinstance(related, Sequence)
    first, second = related.items
    assert isinstance(first, Mapping)
    assert isinstance(second, Mapping)
    assert (related.line, first.line, second.line) == (27, 27, 32)
    assert first.entries["title"] == Scalar("one", 28, 1, plain=False)
    assert first.entries["provider"].line == 29
    assert second.entries["title"] == Scalar("two", 34, 1, plain=False)
    assert {node.line for node in walk(second.entries["inline"])} == {35}
    assert entries["provider"] == Mapping({"name": Scalar("IGN", 24, 1, plain=False)}, 23, 1)
    assert plain(entries["a"]) == {"b": {"c d": "1"}}


def test_lines_inside_a_toml_array_are_no_headers() -> None:
    entries = accepted(b"+++\nrows = [\n  [1],\n]\nheat = 3\n+++\n").fields.entries
    assert entries["rows"].line == 2
    assert entries["heat"] == Scalar("3", 5, 1, plain=True)


def test_toml_agrees_with_tomllib() -> None:
    def texts(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: texts(v) for k, v in value.items()}
        return [texts(v) for v in value] if isinstance(value, list) else str(value).lower()

    expected = without_secured(tomllib.loads(TOML.split("+++")[1]))
    found = plain(accepted(TOML.encode()).fields)
    assert texts(found) == texts(expected) | {
        "when": "2020-06-09t11:36:00+00:00",
        "local": "2020-06-09t11:36:00.500000",
    }


def dump_toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k, ensure_ascii=False)} = {dump_toml(v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@many(300)
@given(trees(TOML_TEXTS))
def test_dumped_toml_comes_back(value: dict[str, Any]) -> None:
    lines = [f"{json.dumps(k, ensure_ascii=False)} = {dump_toml(v)}" for k, v in value.items()]
    text = "\n".join(["+++", *lines, "+++"])
    assert plain(accepted(text.encode()).fields) == value


TOML_WORDS = one_of(
    'a b = . , [ ] { } " \' # + - : 1 \\ = = [[ ]] true 1.5 "x" 2020-01-01 secured ' + CANARY,
    *(" ", "\t", "\n", "\n", " = ", '"""', "'''", "\na = ", "\nb = ", "\n[t]\n", "\n[[u]]\n", "\0"),
)


@many(1500)
@given(st.lists(TOML_WORDS, max_size=25).map("".join))
def test_toml_is_refused_only_where_tomllib_or_a_rule_refuses(block: str) -> None:
    assume("\n+++" not in f"\n{block}")
    result = outcome(f"+++\n{block}\n+++\n".encode())
    if isinstance(result, ArticleError) and result.code == "toml-syntax":
        with pytest.raises((tomllib.TOMLDecodeError, UnicodeError)):
            tomllib.loads(f"\n{block}\n")
    if isinstance(result, frontmatter.FrontMatter):
        table = without_secured(tomllib.loads(block))
        assert json.dumps(table, default=str).count(": ") >= len(result.fields.entries)
        assert [*table] == [*result.fields.entries]


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ("{a = ", "}")])
def test_toml_depth_limit_is_exact(open_: str, close: str) -> None:
    core = "" if open_ == "[" else "1"
    form = "+++\nvalue = {}{}{}\n+++\n"
    fits = form.format(open_ * (MAX_DEPTH - 1), core, close * (MAX_DEPTH - 1))
    assert accepted(fits.encode())
    error = refusal(form.format(open_ * MAX_DEPTH, core, close * MAX_DEPTH).encode())
    assert (error.code, error.line) == ("too-deep", 2)


def test_toml_part_limit_is_exact() -> None:
    # The equals sign and the bracket count too.
    fits = "1," * (MAX_NODES - 2)
    assert accepted(f"+++\na = [{fits}]\n+++\n".encode())
    error = refusal(f"+++\n\na = [{fits}1,]\n+++\n".encode())
    assert (error.code, error.line) == ("too-many-nodes", 3)


def test_numbers_that_toml_alone_has_are_refused() -> None:
    entries = accepted(b"+++\na = inf\nb = nan\nc = 1e400\n+++\n").fields.entries
    for node in entries.values():
        with pytest.raises(ArticleError):
            tree.as_number(node)
    assert math.isinf(tomllib.loads("c = 1e400")["c"])


# Large and hostile, each in a process of its own

CHILD = """
import resource, sys, time
from feedhub.sources.frontmatter import read_front_matter
from feedhub.errors import ArticleError
data = sys.stdin.buffer.read()
resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
start = time.process_time()
try:
    code = "accepted" if read_front_matter(data) else "none"
except ArticleError as error:
    code = error.code
print(code, time.process_time() - start)
"""


def fill(unit: str, fence: str = "---", head: str = "", tail: str = "") -> str:
    """Return a file that is as full of `unit` as the size limit allows."""
    spare = MAX_BYTES - len(f"{fence}\n{head}{tail}\n{fence}\n".encode())
    return f"{fence}\n{head}{unit * (spare // len(unit.encode()))}{tail}\n{fence}\n"


def numbered(form: str, fence: str = "---") -> str:
    lines = "".join(form.format(n) for n in range(MAX_BYTES // (len(form) + 4)))
    return f"{fence}\n{lines}\n{fence}\n"


LARGE = {
    "flow-depth-30000": ("---\na: " + "[" * 30000 + "]" * 30000 + "\n---\n", "too-deep"),
    "flow-depth-unclosed": (fill("[", head="a: "), "too-deep"),
    "flow-depth-at-the-root": (fill("["), "too-deep|yaml-key|yaml-syntax"),
    "flow-depth-many-lines": (fill("[\n", head="a: "), "too-deep"),
    "flow-mapping-depth": (fill("{a: ", head="a: "), "too-deep"),
    "flow-depth-secured": (fill("[", head="secured: "), "too-deep"),
    "block-depth": (fill("- ", head="a:\n  "), "too-deep"),
    "complex-keys": (fill("? "), "yaml-key"),
    "indent-staircase": (
        "---\n" + "".join(f"{' ' * n}a:\n" for n in range(500)) + "---\n",
        "too-deep",
    ),
    "list-items": (fill("a,", head="a: [", tail="]"), "too-many-nodes"),
    "list-empties": (fill("[],", head="a: [", tail="]"), "too-many-nodes"),
    "secured-items": (fill("a,", head="secured: [", tail="]"), "too-many-nodes"),
    "block-items": (fill("\n- a", head="a:"), "too-many-nodes"),
    "many-keys": (numbered("k{}: v\n"), "too-many-nodes"),
    "few-thousand-keys": (
        "---\n" + "".join(f"k{n}: v\n" for n in range(9990)) + "---\n",
        "accepted",
    ),
    "one-key-again": (fill("a: b\n"), "too-many-nodes"),
    "flow-pairs": (fill("a:b,", head="a: {", tail="}"), "duplicate-key|yaml-syntax|too-many-nodes"),
    "anchors": (numbered("k{0}: &a{0} v\n"), "too-many-nodes"),
    "aliases": (fill("*a,", head="a: [", tail="]"), "yaml-alias"),
    "merge-doubling": (
        "---\nm0: {a: 1}\n" + "".join(f"m{n}: {{<<: [x, x]}}\n" for n in range(1, 5000)) + "---\n",
        "yaml-merge",
    ),
    "plain-text": (fill("word ", head="a: "), "accepted"),
    "plain-lines": (fill("\n word", head="a:"), "accepted"),
    "sexagesimal": (fill("1:", head="a: ", tail="1.5"), "accepted"),
    "digits": (fill("1", head="a: "), "accepted"),
    "quoted-escapes": (fill('\\"', head='a: "', tail='"'), "accepted"),
    "quoted-unclosed": (fill("a ", head='a: "'), "yaml-syntax"),
    "quotes": (fill("''", head="a: '", tail="'"), "accepted"),
    "block-text": (fill("\n  x", head="a: |"), "accepted"),
    "long-key": (fill("k", tail=": v"), "not-a-mapping"),
    "long-tag": (fill("t", head="a: !", tail=" v"), "yaml-tag"),
    "long-anchor": (fill("t", head="a: &", tail=" v"), "accepted"),
    "comments": (fill("#\n"), "accepted"),
    "blank-lines": (fill("\n"), "accepted"),
    "tabs": (fill("\t", head="a:\n"), "yaml-syntax"),
    "ambiguous-quoted": (fill("\u2028", head='a: "', tail='"'), "accepted"),
    "ambiguous-plain": (fill("\x85", head="a: b"), "invisible-character"),
    "ambiguous-many-scalars": (fill('"\u2028",', head="a: [", tail="]"), "too-many-nodes"),
    "nul": (fill("\0", head="a: "), "control-character"),
    "carriage-returns": (fill("\r"), "accepted"),
    "fences": (fill("\n---x"), "bad-fence"),
    "hyphens": (fill("\n--", head="a: |"), "yaml-syntax|not-a-mapping|accepted"),
    "over-the-limit": ("---\n" + "a" * 50_000_000, "too-large"),
    "toml-depth": (fill("[", "+++", "a = "), "too-deep"),
    "toml-inline-depth": (fill("{a=", "+++", "a = "), "too-deep"),
    "toml-dotted-key": (fill("a.", "+++", tail="a = 1"), "too-deep"),
    "toml-dotted-quoted-key": (fill('"".', "+++", tail="a = 1"), "too-deep"),
    "toml-many-keys": (numbered("k{} = 1\n", "+++"), "too-many-nodes"),
    "toml-many-tables": (numbered("[k{}]\n", "+++"), "too-many-nodes"),
    "toml-many-deep-tables": (numbered("[a.b.c.d.e.f.g.h.i.j.k{}]\n", "+++"), "too-many-nodes"),
    "toml-items": (fill("1,", "+++", "a = [", "]"), "too-many-nodes"),
    "toml-escapes": (fill('\\"', "+++", 'a = "'), "toml-syntax"),
    "toml-multiline-escapes": (fill('\\"', "+++", 'a = """'), "toml-syntax"),
    "toml-multiline-quotes": (fill('" ', "+++", 'a = """'), "toml-syntax"),
    "toml-quotes": (fill('"', "+++"), "toml-syntax"),
    "toml-quote-lines": (fill('"\n', "+++"), "toml-syntax"),
    "toml-digits": (fill("1", "+++", "a = "), "toml-syntax"),
    "toml-hexadecimal": (fill("F", "+++", "a = 0x"), "toml-syntax"),
    "toml-spaces": (fill(" ", "+++", "a"), "toml-syntax"),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_input_is_quick_and_small(name: str) -> None:
    text, expected = LARGE[name]
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=text.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    code, seconds = done.stdout.decode().split()
    assert code in expected.split("|")
    # Half a second at most on an idle machine; coverage and busy neighbours take a multiple, and
    # what grows with the square takes minutes.
    assert float(seconds) < 4


def test_the_child_has_its_limits() -> None:
    assert resource.RLIMIT_AS != resource.RLIMIT_CPU
    hungry = CHILD.replace("read_front_matter(data)", "bytes(1 << 28)")
    done = subprocess.run(
        [sys.executable, "-c", hungry], input=b"", capture_output=True, check=False
    )
    assert b"MemoryError" in done.stderr
