"""Conditional requests: every rule of RFC 9110, 13.1 and 13.2.2, by example and for any tag."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedhub.dates import format_http_date
from feedhub.document.preconditions import evaluate, tags_of

OPAQUE = "0123456789abcdef0123456789abcdef-rss"
ETAG = f'"{OPAQUE}"'
LAST = 1_591_700_000
AT, BEFORE, AFTER = (format_http_date(LAST + beside) for beside in (0, -1, 1))
LONG_AFTER = "Fri, 01 Jan 2098 00:00:00 GMT"
LONG_BEFORE = "Thu, 01 Jan 1970 00:00:00 GMT"
NO_DATES = [
    "",
    "0",
    "yesterday",
    str(LAST + 1),
    "2098-01-01T00:00:00Z",
    "Sun, 99 Jan 2098 00:00:00 GMT",
    "Sun, 01 Foo 2098 00:00:00 GMT",
    f"{AFTER}, {AFTER}",
]


def status_of(**conditions: str) -> int:
    """Return the status of a request with these fields; `_` is `-` in their names."""
    fields = {name.replace("_", "-"): value for name, value in conditions.items()}
    return evaluate(fields, ETAG, LAST)


def test_a_request_without_conditions_is_a_200():
    assert status_of() == 200


@pytest.mark.parametrize(
    "listed",
    [
        ETAG,
        f"W/{ETAG}",
        "*",
        " * ",
        f" {ETAG} ",
        f'"a", W/"b" ,"c,d",{ETAG}',
        f'"a",{ETAG},"b"',
        f'"a", W/{ETAG}',
        f"W/{ETAG},W/{ETAG}",
        f",, ,{ETAG},",
        f'"",{ETAG}',
        f'"a"\t,\t{ETAG}',
        f'"back\\",{ETAG}',
        OPAQUE,  # some clients lose the quotes
        f"a, {OPAQUE}",
    ],
)
def test_a_matching_tag_is_a_304(listed):
    assert status_of(if_none_match=listed) == 304


@pytest.mark.parametrize(
    "listed",
    [
        '"nope"',
        'W/"nope"',
        "",
        " ",
        '"',
        '""',
        'W/""',
        ",,,",
        "nope",
        '"*"',
        '*, "nope"',
        ETAG[:-2] + '"',
        '"' + ETAG[2:],
        f'"{OPAQUE}-gzip"',
        f'"x{OPAQUE}"',
        f'" {OPAQUE}"',
        f'"{OPAQUE} "',
        f'"a,{OPAQUE}"',
        f'"{OPAQUE},a"',
        f'"{OPAQUE.upper()}"',
        f"'{OPAQUE}'",
        f'"{OPAQUE}',
        f"w/{OPAQUE}",
    ],
)
def test_another_tag_is_a_200(listed):
    wanted = 304 if listed == f'"{OPAQUE}' else 200  # cut short, but the tag is there

    assert status_of(if_none_match=listed) == wanted


@pytest.mark.parametrize(
    ("since", "status"), [(AT, 304), (AFTER, 304), (LONG_AFTER, 304), (BEFORE, 200)]
)
def test_if_modified_since(since, status):
    assert status_of(if_modified_since=since) == status


@pytest.mark.parametrize("since", ["Tuesday, 09-Jun-20 10:53:20 GMT", "Tue Jun  9 10:53:20 2020"])
def test_if_modified_since_in_obsolete_forms(since):
    assert status_of(if_modified_since=since) == 304


@pytest.mark.parametrize("since", NO_DATES)
def test_an_invalid_date_is_ignored(since):
    assert status_of(if_modified_since=since) == 200
    assert status_of(if_unmodified_since=since) == 200


@pytest.mark.parametrize(
    ("listed", "since", "status"),
    [
        ('"nope"', LONG_AFTER, 200),
        ("", LONG_AFTER, 200),
        (ETAG, LONG_BEFORE, 304),
        (ETAG, "yesterday", 304),
        ("*", LONG_BEFORE, 304),
    ],
)
def test_if_modified_since_is_ignored_beside_if_none_match(listed, since, status):
    """RFC 9110, 13.1.3."""
    assert status_of(if_none_match=listed, if_modified_since=since) == status


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        (ETAG, 200),
        ("*", 200),
        (" * ", 200),
        (f'"a", {ETAG}', 200),
        (OPAQUE, 200),  # some clients lose the quotes
        (f"W/{ETAG}, {ETAG}", 200),
        (f"W/{ETAG}", 412),
        (f'"a", W/{ETAG}', 412),
        ('"nope"', 412),
        ("", 412),
        ('"*"', 412),
    ],
)
def test_if_match_compares_strongly(listed, status):
    """RFC 9110, 13.1.1: a weak tag never matches."""
    assert status_of(if_match=listed) == status


@pytest.mark.parametrize(
    ("since", "status"), [(AT, 200), (AFTER, 200), (BEFORE, 412), (LONG_BEFORE, 412)]
)
def test_if_unmodified_since(since, status):
    assert status_of(if_unmodified_since=since) == status


def test_if_unmodified_since_is_ignored_beside_if_match():
    """RFC 9110, 13.1.4."""
    assert status_of(if_match=ETAG, if_unmodified_since=LONG_BEFORE) == 200
    assert status_of(if_match='"nope"', if_unmodified_since=LONG_AFTER) == 412


def test_the_comparisons_of_the_table_in_the_standard():
    """The examples of RFC 9110, 8.8.3.2; feedhub's own tag is always strong."""
    for theirs, strong, weak in (('W/"1"', 412, 304), ('W/"2"', 412, 200), ('"1"', 200, 304)):
        assert evaluate({"if-match": theirs}, '"1"', LAST) == strong
        assert evaluate({"if-none-match": theirs}, '"1"', LAST) == weak


def expected(match, unmodified, none_match, modified) -> int:
    """Return the status by the steps of RFC 9110, 13.2.2; None is an absent field."""
    if match is not None:
        if not match:
            return 412
    elif unmodified is False:
        return 412
    if none_match is not None:
        return 304 if not none_match else 200
    return 304 if modified is False else 200


TAGS = {None: None, ETAG: True, f"W/{ETAG}": False, '"nope"': False, "*": True}
NONE_TAGS = {None: None, ETAG: False, f"W/{ETAG}": False, '"nope"': True, "*": False}
UNMODIFIED = {None: None, AT: True, AFTER: True, BEFORE: False, "junk": None}
MODIFIED = {None: None, AT: False, AFTER: False, BEFORE: True, "junk": None}


@pytest.mark.parametrize("match", TAGS)
@pytest.mark.parametrize("none_match", NONE_TAGS)
def test_conditions_are_evaluated_in_the_order_of_the_standard(match, none_match):
    for unmodified, modified in product(UNMODIFIED, MODIFIED):
        fields = {
            "if-match": match,
            "if-unmodified-since": unmodified,
            "if-none-match": none_match,
            "if-modified-since": modified,
        }
        given_ = {name: value for name, value in fields.items() if value is not None}
        truths = TAGS[match], UNMODIFIED[unmodified], NONE_TAGS[none_match], MODIFIED[modified]

        assert evaluate(given_, ETAG, LAST) == expected(*truths), given_


# The characters of a tag (RFC 9110, 8.8.3): anything but controls, space, quote and delete.
CHARACTERS = [chr(code) for code in (0x21, *range(0x23, 0x7F), *range(0x80, 0x100))]
OPAQUES = st.text(st.sampled_from([*"ab,W/*\\", *CHARACTERS]), min_size=1, max_size=6)
LISTS = st.lists(st.tuples(st.booleans(), OPAQUES), min_size=1, max_size=6)
COMMAS = st.sampled_from([",", ", ", " ,", "\t,\t", ",,", ", ,"])


def written(tags: list[tuple[bool, str]], comma: str) -> str:
    return comma.join(f'{"W/" if weak else ""}"{opaque}"' for weak, opaque in tags)


@given(LISTS, COMMAS, OPAQUES)
@example([(False, ","), (True, "a,")], ",", "a")
@example([(False, "a"), (False, "b")], ",", ",")
def test_any_list_of_tags_is_compared_tag_by_tag(tags, comma, mine):
    text = written(tags, comma)
    held = any(opaque == mine for _, opaque in tags)
    held_strongly = any(opaque == mine and not weak for weak, opaque in tags)

    assert tags_of(text) == {opaque for _, opaque in tags}
    assert evaluate({"if-none-match": text}, f'"{mine}"', LAST) == (304 if held else 200)
    assert evaluate({"if-match": text}, f'"{mine}"', LAST) == (200 if held_strongly else 412)


@given(LISTS, COMMAS, st.data())
def test_a_tag_matches_anywhere_in_a_list(tags, comma, data):
    weak, mine = data.draw(st.sampled_from(tags))
    text = written(tags, comma)

    assert evaluate({"if-none-match": text}, f'"{mine}"', LAST) == 304
    assert weak or evaluate({"if-match": text}, f'"{mine}"', LAST) == 200


FIELDS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(st.characters(max_codepoint=255))))
def test_any_fields_have_a_status(fields):
    assert evaluate(fields, ETAG, LAST) in {200, 304, 412}


@given(st.text(st.characters(max_codepoint=255)).filter(lambda text: OPAQUE not in text))
def test_text_without_the_tag_is_never_a_304(text):
    assert text.strip() == "*" or evaluate({"if-none-match": text}, ETAG, LAST) == 200
