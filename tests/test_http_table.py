"""Rows 1-22 of the HTTP table, through every front: documents, codings, tags and dates."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from tests.http_table import (
    BASE,
    CACHE_CONTROL,
    DOCUMENTS,
    FRONTS,
    NAMES,
    F,
    Front,
    decoded,
    http_date,
    is_304,
    opened,
    without_date,
)


@pytest.fixture(scope="module", params=FRONTS)
def front(request, tmp_path_factory) -> Iterator[Front]:
    with opened(request.param, tmp_path_factory.mktemp(request.param)) as front:
        yield front


documents = pytest.mark.parametrize("target", DOCUMENTS)
codings = pytest.mark.parametrize("coding", ["gzip", "br"])


@documents
def test_row_01_a_document_has_exactly_these_headers(front, target):
    answer = front.get(target)
    assert answer.status == 200
    assert answer["content-type"] == DOCUMENTS[target]
    assert int(answer["content-length"]) == len(answer.body) > 0
    assert re.fullmatch(rf'"[0-9a-f]{{16,64}}-{NAMES[target]}"', answer["etag"])
    date = parsedate_to_datetime(answer["date"])
    assert parsedate_to_datetime(answer["last-modified"]) <= date
    assert answer["last-modified"] == http_date(parsedate_to_datetime(answer["last-modified"]))
    assert answer["cache-control"] == CACHE_CONTROL
    assert answer["vary"] == "Accept-Encoding"
    assert answer["link"] == f'<{BASE}{target}>; rel="self"'
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["access-control-allow-origin"] == "*"
    exposed = {name.strip() for name in answer["access-control-expose-headers"].split(",")}
    assert exposed >= {"ETag", "Last-Modified", "Link"}
    assert answer["content-security-policy"].startswith("default-src 'none'")
    assert answer["referrer-policy"] == "no-referrer"
    assert answer["cross-origin-resource-policy"] == "cross-origin"
    assert answer.header("content-encoding") is None


@documents
def test_row_01_a_document_has_no_other_headers(front, target):
    names = [name for name, _ in front.get(target).headers]
    assert "set-cookie" not in names
    assert "expires" not in names
    assert len(set(names)) == len(names)
    if front.direct:
        assert "server" not in names
        assert not [
            name for name in names if name.startswith("x-") and name[2:] != "content-type-options"
        ]


def test_row_02_two_requests_get_the_same_document(front):
    first = {target: front.get(target) for target in DOCUMENTS}
    time.sleep(1.1)
    for target, before in first.items():
        again = front.get(target)
        assert (again.body, without_date(again.headers)) == (
            before.body,
            without_date(before.headers),
        )


@documents
@codings
def test_row_03_a_coding_has_its_own_tag_and_gives_the_same_text(front, target, coding):
    coded, plain = front.get(target, Accept_Encoding=coding), front.plain(target)
    assert coded["content-encoding"] == coding
    assert coded["etag"] == f'{plain["etag"][:-1]}-{coding}"'
    assert int(coded["content-length"]) == len(coded.body)
    assert decoded(coded) == plain.body
    own = {"content-encoding", "etag", "content-length"}
    assert [h for h in without_date(coded.headers) if h[0] not in own] == [
        h for h in without_date(plain.headers) if h[0] not in own
    ]
    assert front.get(target, Accept_Encoding=coding).body == coded.body


@pytest.mark.parametrize(
    "accept",
    ["gzip;q=0", "identity", "gzip;q=0.000, *;q=0", "", "br;q=0, gzip;q=0", "compress", "*;q=0"],
)
def test_row_04_a_refused_coding_is_not_used(front, accept):
    answer = front.get(Accept_Encoding=accept)
    assert answer.status == 200
    assert answer.header("content-encoding") is None
    assert (answer["etag"], answer.body) == (front.etag(), front.plain().body)


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate, gzip, br, zstd", "br"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, *", "gzip"),
        ("br,gzip", "br"),
    ],
)
def test_row_05_an_accepted_coding_is_used(front, accept, coding):
    wanted = front.says(coding, 5, accept)
    answer = front.get(Accept_Encoding=accept)
    assert answer.header("content-encoding") == (wanted or None)
    assert answer["etag"] == front.etag(coding=wanted)
    assert decoded(answer) == front.plain().body


@documents
def test_row_06_if_none_match_with_the_current_tag_is_304(front, target):
    assert is_304(front.get(target, If_None_Match=front.etag(target)), front.plain(target))


@documents
def test_row_07_a_weak_tag_is_304_too(front, target):
    assert is_304(front.get(target, If_None_Match=f"W/{front.etag(target)}"), front.plain(target))


@pytest.mark.parametrize("form", ['"a", W/"b" ,"c,d",{E}', '{E},"z"', '"z" , W/{E}', ",, {E} ,"])
def test_row_08_a_list_with_the_current_tag_is_304(front, form):
    assert is_304(front.get(If_None_Match=form.replace("{E}", front.etag())), front.plain())


def test_row_09_if_none_match_on_two_lines_is_304(front):
    for tags in (['"a"', front.etag()], [front.etag(), '"a"']):
        answer = front.ask("GET", F, *(("If-None-Match", tag) for tag in tags))
        assert answer.status == front.says(304, 9)


@documents
def test_row_10_if_none_match_star_is_304(front, target):
    assert is_304(front.get(target, If_None_Match="*"), front.plain(target))


@documents
@codings
def test_row_11_the_tag_of_the_coding_is_304_with_that_tag(front, target, coding):
    answer = front.get(target, If_None_Match=front.etag(target, coding), Accept_Encoding=coding)
    assert is_304(answer, front.plain(target, coding))


@codings
def test_row_12_the_tag_of_another_coding_is_200(front, coding):
    answer = front.get(If_None_Match=front.etag(), Accept_Encoding=coding)
    assert (answer.status, answer["etag"]) == (200, front.etag(coding=coding))
    answer = front.get(If_None_Match=front.etag(coding=coding))
    assert (answer.status, answer["etag"]) == (200, front.etag())


@pytest.mark.parametrize("tag", ['"nope"', "", "{part}", '"{part}"', '"', ",,,", '"{e}x"', "{e}x"])
def test_row_13_if_none_match_without_the_current_tag_is_200(front, tag):
    e = front.etag().strip('"')
    answer = front.get(If_None_Match=tag.format(e=e, part=e[:-3]))
    assert (answer.status, answer["etag"]) == (200, front.etag())


def test_row_14_a_tag_without_quotes_is_accepted(front):
    answer = front.get(If_None_Match=front.etag().strip('"'))
    assert answer.status == front.says(304, 14)


def test_row_15_another_tag_outweighs_a_later_date(front):
    answer = front.get(If_None_Match='"nope"', If_Modified_Since="Fri, 01 Jan 2098 00:00:00 GMT")
    assert answer.status == 200


def test_row_16_the_current_tag_outweighs_an_early_date(front):
    answer = front.get(
        If_None_Match=front.etag(), If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT"
    )
    assert answer.status == front.says(304, 16)


@documents
def test_row_17_if_modified_since_the_last_modification_or_later_is_304(front, target):
    for date in (front.plain(target)["last-modified"], "Wed, 01 Jan 2098 00:00:00 GMT"):
        assert is_304(front.get(target, If_Modified_Since=date), front.plain(target))
    assert is_304(front.get(If_Modified_Since=front.since(seconds=1)), front.plain())


@pytest.mark.parametrize("form", ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b {day} %H:%M:%S %Y"])
def test_row_18_the_older_forms_of_a_date_are_read(front, form):
    date = front.modified.strftime(form.format(day=f"{front.modified.day:2}"))
    assert is_304(front.get(If_Modified_Since=date), front.plain())


def test_row_19_if_modified_since_a_second_earlier_is_200(front):
    answer = front.get(If_Modified_Since=front.since(seconds=-1))
    assert (answer.status, answer.body) == (200, front.plain().body)


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "",
        "0",
        "2098-01-01T00:00:00Z",
        "Wed, 99 Jan 2098 00:00:00 GMT",
        "Wed, 01 Foo 2098 00:00:00 GMT",
        "Wed, 01 Jan 2098 00:00:00 GMT, Wed, 01 Jan 2098 00:00:00 GMT",
        "4039372800",
    ],
)
def test_row_20_an_invalid_date_is_ignored(front, date):
    assert front.get(If_Modified_Since=date).status == front.says(200, 20, date)


@documents
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_row_21_head_has_the_headers_of_get_and_no_body(front, target, coding):
    got = front.get(target, Accept_Encoding=coding)
    answer = front.ask("HEAD", target, ("Accept-Encoding", coding))
    assert (answer.status, answer.body, answer.rest) == (200, b"", b"")
    assert without_date(answer.headers) == without_date(got.headers)


@documents
def test_row_22_head_with_the_current_tag_is_304(front, target):
    answer = front.ask("HEAD", target, ("If-None-Match", front.etag(target)))
    assert is_304(answer, front.plain(target))
