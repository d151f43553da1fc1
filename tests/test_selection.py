"""Selections: their parameters, their words, and the canonical query of each."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedhub.selection import (
    SelectionError,
    Term,
    canonical_query,
    describe,
    make_selection,
    parse_query,
)
from feedhub.tokenizer import tokenize
from tests.strategies import TEXT

NAMES = ["topic", "provider", "category", "author", "not_topic", "not_author"]
LETTERS = st.text(st.characters(codec="utf-8"), max_size=40)
GIVEN = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.one_of(TEXT, LETTERS), max_size=4)
).flatmap(
    lambda lists: st.fixed_dictionaries(
        {},
        optional={
            "all": st.sampled_from([["1"], ["0"], ["on"], [""]]),
            "q": st.lists(st.one_of(TEXT, LETTERS), max_size=1),
            "limit": st.integers(1, 200).map(lambda number: [str(number)]),
            "min_quality": st.floats(0, 999_999).map(lambda number: [f"{number:.6f}"]),
            "since": st.one_of(st.dates().map(str), st.datetimes().map(iso_seconds)).map(
                lambda t: [t]
            ),
        },
    ).map(lambda single: lists | single)
)


def iso_seconds(moment) -> str:
    return moment.replace(microsecond=0).isoformat()


def refusal(query: bytes) -> str:
    with pytest.raises(SelectionError) as caught:
        parse_query(query)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def canonical(query: bytes) -> str:
    return canonical_query(parse_query(query))


@pytest.mark.parametrize(
    ("query", "same"),
    [
        (b"", ""),
        (b"&&=&x", ""),
        (b"topic=b&topic=a&topic=b", "topic=a&topic=b"),
        (b"q=x&author=y&limit=7", "author=y&limit=7&q=x"),
        (b"utm_source=%FF&fbclid=%zz&Topic=A&null", ""),
        (b"q=&topic=&since=&limit=&min_quality=&all=", ""),
        (b"topic=&" * 60 + b"topic=+a" + b"+" * 300, "topic=a"),
        (b"topic=a+b&topic=a%20b&topic=%20a%20%20b", "topic=a%20b"),
        (b"t%6Fpic=a", "topic=a"),
        (b"all=1&topic=a&topic=b", "all=1&topic=a&topic=b"),
        (b"all=1&topic=a&author=b", "author=b&topic=a"),
        (b"all=0&topic=a&topic=b", "topic=a&topic=b"),
        (b"limit=50", ""),
        (b"limit=007", "limit=7"),
        (b"min_quality=0", "min_quality=0"),
        (b"min_quality=080.500", "min_quality=80.5"),
        (b"since=2020-06-01", "since=2020-06-01"),
        (b"since=2020-06-01T00:00:00Z", "since=2020-06-01"),
        (b"since=2020-06-01T02:00:00+02:00", "since=2020-06-01"),
        (b"since=2020-06-01T02:00:00%2B02:00", "since=2020-06-01"),
        (b"since=2020-06-01T12:30", "since=2020-06-01T12:30:00Z"),
        (b"limit=9&limit=9", "limit=9"),
        (b"q=B+a+b", "q=a%20b"),
        (b"q=Caf%C3%A9+CAFE", "q=cafe"),
        (b"q=%22New+York%22*+-ibm", "q=%22new%20york%22*%20-ibm"),
        (b"q=state-of-the-art", "q=%22state%20of%20the%20art%22"),
        (b"q=robot*", "q=robot*"),
        (b"q=-%22a+b%22", "q=-%22a%20b%22"),
        ("q=“a b”".encode(), "q=%22a%20b%22"),
        (b"q=%22open", "q=open"),
        (b"q=AND+OR+NOT+NEAR(a)", "q=and%20%22near%20a%22%20not%20or"),
        (b"q=a%22%3B+DROP+TABLE+words--", "q=a%20%22drop%20table%20words%22"),
        ("q=人工".encode(), "q=%22%E4%BA%BA%20%E5%B7%A5%22"),
    ],
)
def test_a_selection_has_one_canonical_query(query, same):
    assert canonical(query) == same
    assert canonical(same.encode()) == same


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (b"limit=abc", "limit must be a whole number from 1 to 200"),
        (b"limit=0", "limit must be"),
        (b"limit=201", "limit must be"),
        (b"limit=-1", "limit must be"),
        (b"limit=" + "٣".encode(), "limit must be"),
        (b"limit=1&limit=2", "limit is given more than once"),
        (b"since=yesterday", "since must be a date such as 2020-06-01"),
        (b"since=2020-02-30", "since must be"),
        (b"since=2020-W10-1", "since must be"),
        (b"since=0001-01-01T00:00:00%2B14:00", "since must be"),
        (b"min_quality=high", "min_quality must be a number"),
        (b"min_quality=-1", "min_quality must be"),
        (b"min_quality=nan", "min_quality must be"),
        (b"min_quality=1e9", "min_quality must be"),
        (b"all=perhaps", "all must be 1 or 0"),
        (b"q=%21%21", "q has no word in it"),
        (b"q=*", "q has no word in it"),
        (b"q=" + b"a" * 10_000, "q is longer than 1000 characters"),
        (b"q=" + b"a" * 201, "q has more than 200 letters"),
        (b"q=" + b"+".join(b"w%d" % n for n in range(13)), "q has more than 12 words or phrases"),
        (b"topic=" + b"a" * 201, "topic is longer than 200 characters"),
        (b"&".join(b"topic=t%d" % n for n in range(1_000)), "topic is given more than 50 times"),
        (b"topic=%zz", "topic has a % without two hexadecimal digits"),
        (b"topic=100%", "topic has a %"),
        (b"topic=%FF%FE", "topic is not UTF-8"),
        (b"q=%ED%A0%80", "q is not UTF-8"),
        (b"not_author=%C0%AF", "not_author is not UTF-8"),
        (b"x" * 65_537, "the query is too long"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(query, message):
    assert refusal(query).startswith(message)


def test_a_refusal_quotes_nothing_of_the_query():
    for name in (b"limit", b"since", b"min_quality", b"all", b"q", b"topic"):
        assert "%3Cscript" not in refusal(name + b"=%3Cscript%3E%FF")
        assert "script" not in refusal(name + b"=%3Cscript%3E%FF")


@given(query=st.binary(max_size=200))
@example(query=b"q=%ef%b7%ba")
def test_any_bytes_are_a_selection_or_refused(query):
    for text in (query, b"q=" + query, b"topic=" + query, b"since=" + query):
        try:
            selection = parse_query(text)
        except SelectionError:
            continue
        assert parse_query(canonical_query(selection).encode()) == selection


@given(given_values=GIVEN)
def test_a_canonical_query_parses_to_the_same_selection(given_values):
    try:
        selection = make_selection(given_values)
    except SelectionError:
        return
    query = canonical_query(selection)
    assert query.isascii()
    assert parse_query(query.encode()) == selection
    assert canonical_query(parse_query(query.encode())) == query


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("IBM ends it's", ["ibm", "ends", "it", "s"]),
        ("Café ÉCOLE e\u0301cole", ["cafe", "ecole", "ecole"]),
        ("snake_case v2.0", ["snake", "case", "v2", "0"]),
        ("Straße ﬁn ²", ["strasse", "fin", "2"]),
        ("日本の AI", ["日", "本", "の", "ai"]),
        ("AI日本", ["ai", "日", "本"]),
        ("한국어 뉴스", ["한국어", "뉴스"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("ดี ดุ ที่", ["ดี", "ดุ", "ที่"]),
        ("दिन दान हिन्दी।", ["दिन", "दान", "हिन्दी"]),
        ("ខ្មែរ", ["ខ្", "មែ", "រ"]),
        ("かがｶﾞ", ["か", "が", "ガ"]),
        ("שָׁלוֹם كِتَاب", ["שלום", "كتاب"]),
        ("1️⃣ ❤️ a❤️b", ["1", "a", "b"]),
        ("Ünïcode-İstanbul", ["unicode", "istanbul"]),
    ],
)
def test_tokenize(text, found):
    assert tokenize(text) == found


@given(text=st.text())
def test_words_are_alphanumeric_and_tokenize_to_themselves(text):
    found = tokenize(text)
    assert all(part.isalnum() or not part.isascii() for word in found for part in word)
    assert tokenize(" ".join(found)) == found


def test_a_selection_is_described_in_words():
    query = (
        b"topic=ai&topic=law&provider=cnet&not_author=bot&not_category=x&q=ibm+%22big+blue%22+watson*+-a+-b"
        b"&min_quality=80&since=2020-06-01"
    )
    names = {"ai": "AI", "cnet": "CNET"}

    def plain(query):
        return describe(parse_query(query), lambda _, slug: slug, "en")

    text = describe(parse_query(query), lambda _, slug: names.get(slug, slug), "en")
    assert text == (
        "about AI or law, from CNET, not in x, not by bot, "
        "with “big blue” and “ibm” and “watson…”, without “a” or “b”, "
        "of quality 80 or more, since 2020-06-01"
    )
    assert plain(b"topic=a&topic=b&all=1") == "about a and b"
    assert plain(b"") == "about everything"
    # Without a translation no word of ours, which could not be marked.
    signs = "CNET, AI, law, -bot, -x, “big blue”, “ibm”, “watson…”, -“a”, -“b”, ≥ 80, ≥ 2020-06-01"
    assert describe(parse_query(query), lambda _, slug: names.get(slug, slug), "sv") == signs
    assert describe(parse_query(b""), lambda _, slug: slug, "sv") == "*"


def test_a_term_is_written_as_in_a_query():
    assert str(Term(("a",), prefix=True)) == "a*"
    assert str(Term(("a", "b"), excluded=True)) == '-"a b"'
