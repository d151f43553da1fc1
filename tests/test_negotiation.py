"""Which coding a client gets (RFC 9110, 12.5.3), by example and against a slow, simple parser."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedhub.document import negotiation
from feedhub.document.negotiation import choose_coding

TOKEN = set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("br", "br"),
        ("GZIP", "gzip"),
        ("Br", "br"),
        ("x-gzip", "gzip"),
        ("X-GZip", "gzip"),
        ("gzip, br", "br"),
        ("br,gzip", "br"),
        ("deflate, gzip, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "br"),
        ("br;q=0.8, gzip;q=1.0", "gzip"),
        ("br;q=0.8, gzip;q=0.9, *;q=0.1", "gzip"),
        ("deflate", ""),
        ("identity", ""),
        ("zstd, deflate", ""),
        # The examples of RFC 9110, 12.5.3.
        ("compress, gzip", "gzip"),
        ("*", "br"),
        ("compress;q=0.5, gzip;q=1.0", "gzip"),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", "gzip"),
        # Forbidden is forbidden.
        ("gzip;q=0", ""),
        ("gzip;q=0.0", ""),
        ("gzip;q=0.", ""),
        ("gzip;q=0.000, *;q=0", ""),
        ("x-gzip;q=0", ""),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0, gzip;q=0, *", ""),
        ("br;q=0, *", "gzip"),
        ("*;q=0", ""),
        ("*;q=0, gzip", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("identity;q=0", ""),  # nothing is acceptable: better the plain bytes than a 406
        ("identity;q=0, gzip;q=0.001", "gzip"),
        # The plain bytes may be liked better.
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=0.1", "gzip"),
        ("*;q=0.1", "br"),
        ("gzip;q=0.5, *;q=0.4", "gzip"),
        ("gzip;q=0.5, *;q=0.6", "br"),
        ("gzip;q=0.1, br;q=0.2, *;q=0.5", "br"),  # a star is no wish for the plain bytes
        # White space, and lists with holes.
        (" gzip ", "gzip"),
        ("gzip ;\tq=0", ""),
        ("gzip; Q=0", ""),
        ("gzip;q = 0", ""),
        (",,gzip,,", "gzip"),
        (",", ""),
        # Of a name that is listed twice the first weight counts.
        ("gzip;q=0, gzip", ""),
        ("gzip, gzip;q=0", "gzip"),
        ("x-gzip;q=0, gzip", ""),
        # What does not follow the grammar is passed over.
        ("gzip;q=2", ""),
        ("gzip;q=-1", ""),
        ("gzip;q=1.001", ""),
        ("gzip;q=0.0001", ""),
        ("gzip;q=.5", ""),
        ("gzip;q=", ""),
        ("gzip;q", ""),
        ("gzip;", ""),
        ("gzip;level=9", ""),
        ("gzip;q=1;q=1", ""),
        ("gzip q=1", ""),
        ("g zip", ""),
        ('"gzip"', ""),
        ("gzip/1", ""),
        ("gzip;q=x, br", "br"),
        ("gzıp", ""),
        ("ｇｚｉｐ", ""),
        ("gzip;q=٠", ""),
        ("gzip;q=0.٥", ""),
        ("\xa0gzip", ""),
    ],
)
def test_a_client_gets_the_best_coding_it_accepts(accept, coding):
    assert choose_coding(accept) == coding


def weight_of(text: str) -> float | None:
    """Read a qvalue by its grammar: one digit, then perhaps a dot and at most three more."""
    whole, dot, rest = text.partition(".")
    if whole not in {"0", "1"} or len(rest) > 3 or not set(rest) <= set("0123456789"):
        return None
    if whole == "1" and rest.strip("0"):
        return None
    return float(f"{whole}.{rest or 0}") if dot else float(whole)


def read(accept: str) -> dict[str, float]:
    """Return the weights of a field, parsed slowly."""
    weights: dict[str, float] = {}
    for element in accept.split(","):
        name, semicolon, parameter = element.partition(";")
        name, weight = name.strip(" \t").lower(), 1.0
        if semicolon:
            key, equals, value = parameter.partition("=")
            number = weight_of(value.strip(" \t"))
            if key.strip(" \t").lower() != "q" or not equals or number is None:
                continue
            weight = number
        if name and set(name) <= TOKEN:
            weights.setdefault({"x-gzip": "gzip"}.get(name, name), weight)
    return weights


def expected(accept: str) -> str:
    """Return the coding by the rules of 12.5.3, brotli before gzip before none among equals."""
    weights = read(accept)

    def liked(name: str) -> float:
        return weights.get(name, weights.get("*", 0.0))

    plain = weights.get("identity", 0.0)
    able = [name for name in ("br", "gzip") if liked(name) > 0 and liked(name) >= plain]
    return max(able, key=liked, default="")


NAMES = st.sampled_from(
    ["gzip", "br", "x-gzip", "identity", "*", "zstd", "GZip", "BR", "g zip", ""]
)
GOOD = ["", ";q=0", ";q=1", ";q=0.5", "; q=0.501", ";q=0.000", ";q=1.000", ";Q=0.9", " ;\tq=0.1"]
BAD = [";q=", ";q=2", ";q=1.5", ";q=0.1234", ";x=1", ";q=a", ";q=1 ", ";q=0.", ";q=1."]
WEIGHTS = st.sampled_from(GOOD + BAD)
FIELDS = st.lists(st.tuples(NAMES, WEIGHTS).map("".join), max_size=6)


@given(FIELDS, st.sampled_from([",", ", ", " ,\t"]))
@example(["identity", "*;q=0.5"], ",")
def test_any_field_is_read_as_the_standard_requires(elements, comma):
    accept = comma.join(elements)

    assert choose_coding(accept) == expected(accept)


@given(st.text(st.sampled_from("gzipbr*x-;,q=01. \tGQ")) | st.text())
def test_any_text_gives_a_coding_or_none(accept):
    coding = choose_coding(accept)

    assert coding in {"", "gzip", "br"}
    assert not coding or coding in accept.lower() or "*" in accept


@given(FIELDS)
def test_a_forbidden_coding_is_never_chosen(elements):
    accept = ", ".join(elements)
    coding = choose_coding(accept)

    assert not coding or read(accept).get(coding, read(accept).get("*")) != 0


def test_the_cache_of_fields_is_bounded():
    for number in range(2_000):
        choose_coding(f"coding-{number}, gzip")

    assert negotiation.best_coding.cache_info().currsize <= 256


def test_a_long_field_is_read_but_not_cached():
    before = negotiation.best_coding.cache_info().currsize
    text = ", ".join(f"coding-{number}" for number in range(1_000))

    assert choose_coding(f"{text}, br") == "br"
    assert choose_coding(text) == ""
    assert negotiation.best_coding.cache_info().currsize == before
