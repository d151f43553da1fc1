"""Fields built to cost time: reading one takes time that grows with its length, not its square."""

from __future__ import annotations

import subprocess
import sys

import pytest

from feedhub.document.negotiation import choose_coding
from feedhub.document.preconditions import evaluate

ETAG = '"e"'
# What row 48 of the HTTP table sends, as large as a server lets through.
FIELDS = {
    "1,800 tags": ", ".join(f'"tag-{number}"' for number in range(1_800)),
    "27 KB of half a tag": 'W/"' * 9_000,
    "3,000 codings": ", ".join(f"coding-{number};q=0.5" for number in range(3_000)),
}
# So many that a square takes minutes where a line takes a fraction of a second.
REPEATED = """
from feedhub.dates import parse_http_date
from feedhub.document.negotiation import choose_coding
from feedhub.document.preconditions import evaluate

MANY = 200_000
for part in ('"', 'W/"', '"a",', 'W/', ',', ' ', 'a', 'a ', 'a"', 'gzip,', ';q=0', '; '):
    many = part * MANY
    evaluate({"if-none-match": many}, '"e"', 0)
    evaluate({"if-none-match": many + '"'}, '"e"', 0)
    evaluate({"if-match": '"' + many}, '"e"', 0)
    parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT" + many)
    for text in (many + "?", "gzip" + many + "?", "gzip;q=0" + many + "?"):
        choose_coding(text)
"""


@pytest.mark.parametrize("name", FIELDS)
def test_a_long_field_is_read_to_its_end(name):
    text = FIELDS[name]

    assert evaluate({"if-none-match": text}, ETAG, 0) == 200
    assert evaluate({"if-none-match": f"{ETAG},{text}"}, ETAG, 0) == 304
    assert evaluate({"if-match": text}, ETAG, 0) == 412
    assert choose_coding(text) == ""
    assert choose_coding(f"{text.replace('q=0.5', 'q=1')},gzip") in {"", "gzip"}


def test_the_last_of_many_is_found():
    assert evaluate({"if-none-match": f"{FIELDS['1,800 tags']}, {ETAG}"}, ETAG, 0) == 304
    assert choose_coding(f"{FIELDS['3,000 codings']}, gzip") == "gzip"


def test_no_field_takes_the_square_of_its_length():
    subprocess.run([sys.executable, "-c", REPEATED], check=True, timeout=120)
