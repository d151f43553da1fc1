"""Addresses: absolute, ASCII, one spelling, and nothing that runs or hides."""

from __future__ import annotations

import contextlib
import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.limits import MAX_ADDRESS
from feedhub.sources import urls
from feedhub.sources.urls import UrlError, absolute_url, rooted_url

BASE = "https://example.org/blog/post"
# RFC 3986, appendix B and 2: everything that may stand in a URI, written again for the tests.
URI = re.compile(
    r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?"
    r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:#(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
TIMES = (
    "https://ca-times.brightspotcdn.com/dims4/default/8e2d8a1/2147483647/strip/true/crop/6000x3150"
    "+0+425/resize/1200x630!/quality/90/?url=https%3A%2F%2Fcalifornia-times-brightspot.s3.amazonaws"
    ".com%2F3f%2F52%2Fla-photo.jpg"
)


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("https://h/a", "https://h/a"),
        (" \t\nhttps://h/a\r\n", "https://h/a"),
        ("HTTPS://EXAMPLE.org/A", "https://example.org/A"),
        ("https://h", "https://h/"),
        ("https://h?q", "https://h/?q"),
        ("https://h#f", "https://h/#f"),
        ("https://h:443/", "https://h/"),
        ("http://h:80/", "http://h/"),
        ("http://h:443/", "http://h:443/"),
        ("https://h:/", "https://h/"),
        ("https://h:08443/", "https://h:8443/"),
        ("//cdn.embedly.com/x", "https://cdn.embedly.com/x"),
        ("/x", "https://example.org/x"),
        ("x", "https://example.org/blog/x"),
        ("../../x", "https://example.org/x"),
        ("?q=1", "https://example.org/blog/post?q=1"),
        ("#top", "https://example.org/blog/post#top"),
        ("https://i❤.example/", "https://xn--i-7iq.example/"),
        ("https://☕.bücher.example/", "https://xn--53h.xn--bcher-kva.example/"),
        ("https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/"),
        ("https://h/a b", "https://h/a%20b"),
        ('https://h/"<>\\^`{|}', "https://h/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("https://h/é?é#é", "https://h/%C3%A9?%C3%A9#%C3%A9"),
        ("https://h/😀", "https://h/%F0%9F%98%80"),
        ("https://h/%2f%C3%A9", "https://h/%2f%C3%A9"),
        ("https://h/100%", "https://h/100%25"),
        ("https://h/%zz%2", "https://h/%25zz%252"),
        ("https://h/[a]?[b]#[c]", "https://h/%5Ba%5D?%5Bb%5D#%5Bc%5D"),
        ("https://h/!$&'()*+,;=:@-._~", "https://h/!$&'()*+,;=:@-._~"),
        ("https://h/a#b#c", "https://h/a#b%23c"),
        ("https://h//a///b", "https://h//a///b"),
        ("https://h/a/../b", "https://h/a/../b"),
        ("https://h/x;", "https://h/x;"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"),
        ("https://a_b.example./", "https://a_b.example./"),
        ("http://[2001:DB8::0:1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("https://127.0.0.1/", "https://127.0.0.1/"),
        (TIMES, TIMES),
        (
            "https://venturebeat.com/a.jpg?w=1200&#038;strip=all",
            "https://venturebeat.com/a.jpg?w=1200&strip=all",
        ),
        ("https://h/?a=1&amp;b=2", "https://h/?a=1&b=2"),
        ("https://h/?a=1&copy=2&section", "https://h/?a=1&copy=2&section"),
        ("https://h/?a&amp;#038;b", "https://h/?a&#038%3Bb"),
        ("https://h/?a&amp;amp;b", "https://h/?a&amp%3Bb"),
    ],
)
def test_an_address_has_one_spelling(raw, url):
    assert absolute_url(raw, BASE) == url


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "  ",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "java&#9;script:alert(1)",
        "java&Tab;script:alert(1)",
        "javascript&colon;alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "mailto:a@b",
        "ftp://h/",
        "vbscript:x",
        "http:",
        "http:x",
        "http:/x",
        "https:///x",
        "///x",
        "//",
        "https://",
        "https://?q",
        "https://:80/",
        "https://user@h/",
        "https://u:p@h/",
        "https://h\\@evil.example/",
        "https://h%00.example/",
        "https://h:0/",
        "https://h:65536/",
        "https://h:x/",
        "https://h:-1/",
        "https://h:\u0661/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[v1.a]/",
        "https://[1::2::3]/",
        "https://[fe80::1%25eth0]/",
        "https://a b/",
        "https://a..b/",
        "https://-a.example/",
        "https://.a/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        f"https://{'ü' * 300}/",
        "https://exa%6dple.org/",
        "https://☕ü-.example/",
        f"https://{'☕' * 60}.example/",
        "https://b%C3%BC%6dcher.example/",
        "https://b%FCcher.example/",
        "https://%E2%84%80.example/",
        "https://\u2100.example/",
        "https://xn\u2010a\u0000/",
        "https://ü-.example/",
        "https://h/\x00",
        "https://h/\x1b",
        "https://h/\x7f",
        "https://h/\x85b",
        "https://h/\ud800",
        "https://h/\u202egpj.exe",
        "https://h/\u2066",
        "https://h/\u061c",
        "https://h/\u200e",
        f"https://h/{'a' * MAX_ADDRESS}",
        f"https://h/{'é' * 1000}",
    ],
)
def test_other_texts_are_refused_and_not_quoted(raw):
    with pytest.raises(UrlError) as error:
        absolute_url(raw, "https://example.org/")
    assert not raw.strip() or raw.strip() not in str(error.value)


@pytest.mark.parametrize("raw", ["x", "/x", "?x", "#x", "../x"])
@pytest.mark.parametrize("base", ["", "mailto:a@b", "/x", "https://[::1/", "https://u@h/"])
def test_a_relative_address_needs_a_usable_base(raw, base):
    with pytest.raises(UrlError):
        absolute_url(raw, base)


def test_the_message_names_a_user_name_as_the_fault():
    with pytest.raises(UrlError, match="user name"):
        absolute_url("https://trusted.example@h/")


def test_a_broken_ipv6_host_is_refused_by_every_python():
    assert urls.normalise_ipv6("::1") == "[::1]"
    with pytest.raises(UrlError):
        urls.normalise_ipv6("1::2::3")


def test_a_scheme_relative_address_takes_the_scheme_of_its_base():
    assert absolute_url("//h/x", "http://b/") == "http://h/x"
    assert absolute_url("//h/x", "HTTP://b/") == "http://h/x"
    assert absolute_url("//h/x", "https://b/") == "https://h/x"
    assert absolute_url("//h/x") == "https://h/x"


def test_the_longest_address_is_accepted():
    url = f"https://h/{'a' * (MAX_ADDRESS - 10)}"
    assert absolute_url(url) == url
    with pytest.raises(UrlError, match="longer"):
        absolute_url(url + "a")


@pytest.mark.parametrize(
    ("raw", "base", "url"),
    [
        ("/assets/i.png", "https://h/b", "https://h/b/assets/i.png"),
        ("/assets/i.png", "https://h/b/", "https://h/b/assets/i.png"),
        ("/b/i.png", "https://h/b", "https://h/b/i.png"),
        ("/x", "https://h/b", "https://h/b/x"),
        ("/b", "https://h/b", "https://h/b"),
        ("/b?x", "https://h/b/", "https://h/b?x"),
        ("/b#x", "https://h/b/", "https://h/b#x"),
        ("/bc/i.png", "https://h/b", "https://h/b/bc/i.png"),
        ("/i.png", "https://h", "https://h/i.png"),
        (" /i.png ", "https://h/b", "https://h/b/i.png"),
        ("//cdn/i.png", "https://h/b", "https://cdn/i.png"),
        ("https://x/i.png", "https://h/b", "https://x/i.png"),
        ("i.png", "https://h/b/", "https://h/b/i.png"),
        (
            "/assets/images/organizations/microsoft.com-50x50.jpg",
            "https://smartableai.github.io/microsoft-power-apps",
            "https://smartableai.github.io/microsoft-power-apps/assets/images/organizations"
            "/microsoft.com-50x50.jpg",
        ),
    ],
)
def test_front_matter_addresses_start_at_the_path_of_the_site(raw, base, url):
    assert rooted_url(raw, base) == url


@pytest.mark.parametrize("base", ["", "https://[::1/b"])
def test_a_rooted_address_needs_a_usable_base(base):
    with pytest.raises(UrlError):
        rooted_url("/x", base)


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "http",
                "https",
                "://",
                ":",
                "//",
                "/",
                "?",
                "#",
                "@",
                "[",
                "]",
                "::1",
                "%",
                "%2",
                "%41",
                "&",
                "&amp;",
                "amp;",
                "#038;",
                ";",
                "&lt;",
                "..",
                "h.example",
                "ü.example",
                "xn--a",
                ":80",
                ":443",
                "\\",
                " ",
                "\t",
                "é",
                "\u202e",
                "\ud800",
                "javascript:",
            ]
        ),
        st.text(max_size=4),
    ),
    max_size=10,
).map("".join)


@given(st.one_of(PIECES, PIECES.map("https://h.example/".__add__), st.text()), PIECES)
def test_every_result_is_a_uri_that_stays_as_it_is(raw, base):
    for given_base in ("", BASE, base):
        try:
            url = absolute_url(raw, given_base)
        except UrlError:
            continue
        assert URI.fullmatch(url)
        assert len(url) <= MAX_ADDRESS
        assert absolute_url(url) == url
        assert absolute_url(url, "http://other.example/x") == url
        assert urlsplit(url).username is None


@given(st.text(), PIECES)
def test_rooted_addresses_are_uris_or_refused(raw, base):
    with contextlib.suppress(UrlError):
        assert URI.fullmatch(rooted_url(raw, base))


@given(st.text(alphabet=st.characters(codec="ascii", min_codepoint=33, max_codepoint=126)))
def test_a_legal_query_is_untouched(text):
    query = re.sub(r"[^A-Za-z0-9._~!$'()*+,;=:@/?-]", "", text)
    assert absolute_url(f"https://h/?x{query}") == f"https://h/?x{query}"
