"""The configuration: which value overrides which, what is refused, and the messages."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.config import Config, default_authority, load_config, starter_toml
from feedhub.config.tables import KEYS, SECTIONS
from feedhub.errors import ConfigError

DEFAULTS = load_config(None, {})
# Tables fit into no variable.
TABLES = {name for name, key in KEYS.items() if "record" in key.metadata}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_config(folder: Path, text: str | bytes) -> Path:
    """Write feedhub.toml; return its path relative to the current folder."""
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "feedhub.toml").write_bytes(data)
    return Path("feedhub.toml")


def error_of(
    path: Path | None, environ: Mapping[str, str] = {}, flags: Mapping[str, object] = {}
) -> str:
    """Return the message of the ConfigError that loading must raise."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ, flags)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def load_or_message(
    environ: Mapping[str, str] = {}, flags: Mapping[str, object] = {}
) -> Config | str:
    """Return the configuration, or the message of the error."""
    try:
        return load_config(None, environ, flags)
    except ConfigError as error:
        return str(error)


def test_defaults(folder: Path) -> None:
    config = load_config(None, {})

    assert config.site.base_url == "http://127.0.0.1:8000"
    assert config.site.authority == "127.0.0.1,2026"
    assert config.source.base_url == config.site.base_url
    assert config.feeds == Config().feeds
    assert config.feeds.formats == ("rss", "atom", "json", "html")


def test_the_file_in_the_current_folder_is_read(folder: Path) -> None:
    write_config(folder, '[site]\ntitle = "Here"\n')

    assert load_config(None, {}).site.title == "Here"


def test_options_override_variables_and_variables_the_file(folder: Path) -> None:
    path = write_config(folder, "[feeds]\nlimit = 1\ndays = 1\n[http]\nmax_age = 1\n")
    environ = {"FEEDHUB_FEEDS_LIMIT": "2", "FEEDHUB_FEEDS_DAYS": "2", "PATH": "/bin"}
    config = load_config(path, environ, {"feeds.limit": 3, "http.max_age": None})

    assert (config.feeds.limit, config.feeds.days, config.http.max_age) == (3, 2, 1)


def test_authority_and_source_default_to_the_base_url(folder: Path) -> None:
    flags = {"site.base_url": "https://Feeds.Example.org:8443/a/"}
    config = load_config(None, {}, flags)
    own = load_config(
        None,
        {"FEEDHUB_SITE_AUTHORITY": "me@example.org,2026-01-31"},
        {"source.base_url": "https://b/c"},
    )

    assert config.site.base_url == "https://feeds.example.org:8443/a"
    assert config.site.authority == "feeds.example.org,2026"
    assert config.source.base_url == config.site.base_url
    assert own.site.authority == "me@example.org,2026-01-31"
    assert own.source.base_url == "https://b/c"


def test_a_base_url_without_host_name_needs_an_authority() -> None:
    with pytest.raises(ConfigError, match=r"site\.authority must be set"):
        default_authority("http://[::1]:8000")


def test_config_is_frozen_and_hashable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULTS.site.title = "x"  # type: ignore[misc]
    assert all(isinstance(hash(getattr(DEFAULTS, name)), int) for name in SECTIONS)


def test_the_starter_file_explains_every_key_and_has_the_defaults(folder: Path) -> None:
    path = write_config(folder, starter_toml())
    tables = tomllib.loads(starter_toml())
    lines = starter_toml().splitlines()

    assert load_config(path, {}) == DEFAULTS
    plain = {name: known for name, known in KEYS.items() if "record" not in known.metadata}
    assert {f"{name}.{key}" for name, table in tables.items() for key in table} == set(plain)
    for name, known in plain.items():
        line = f"{known.name} = {json.dumps(known.default)}"
        assert line in lines, name
        assert f"# {known.metadata['about']}" in lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[site]\n\ntitel = "x"', "3: site.titel is not a known key; did you mean site.title?"),
        (
            "[feeds]\nbase_url = 1",
            "2: feeds.base_url is not a known key; did you mean site.base_url?",
        ),
        ("\n[fedes]\nlimit = 1", "2: fedes is not a known section; did you mean feeds?"),
        ("limit = 5", "1: limit is not a known section; did you mean feeds.limit?"),
        ("[site]\n'a b\\n' = 1", '2: site."a b\\\\n" is not a known key'),
        ("[zzz]", "1: zzz is not a known section"),
        ("site = 1", "1: site must be a table: [site]"),
        ("[source]\ncollection = 'a/b'", "2: source.collection must be the name of a folder"),
        (
            '[feeds]\nlimit = "many"',
            "2: feeds.limit must be a whole number (1 to 10000), not text",
        ),
        (
            "[feeds]\nlimit = 5.0",
            "2: feeds.limit must be a whole number (1 to 10000), not a decimal",
        ),
        (
            "[feeds]\nlimit = true",
            "2: feeds.limit must be a whole number (1 to 10000), not true or",
        ),
        ("[feeds]\nlimit = 0", "2: feeds.limit must be a whole number (1 to 10000): it is 0"),
        ("feeds.limit = 10001", "1: feeds.limit must be a whole number (1 to 10000): it is 10001"),
        ("[feeds]\narchives = 1", "2: feeds.archives must be true or false, not a whole number"),
        ("[site]\ntitle = 2026-01-01", "2: site.title must be text that is not empty, not a date"),
        ("[site]\ntitle.x = 1", "2: site.title must be text that is not empty, not a table"),
        ("[site]\ntitle = ' '", "2: site.title must be text that is not empty: it is empty"),
        ("[site]\ntitle = ['a']", "2: site.title must be text that is not empty, not a list"),
        ('[site]\ndescription = """a\nb"""', "2: site.description must be text, without control"),
        ("[feeds]\nkinds = 'all'", "2: feeds.kinds must be a list of names, not text"),
        ("[feeds]\nkinds = ['all', 1]", "2: feeds.kinds must be a list of names, each in quotes"),
        ("[feeds]\nkinds = []", "2: feeds.kinds must be a list of names: it is empty"),
        (
            "[feeds]\nkinds = ['a', 'a']",
            "2: feeds.kinds must be a list of names: a name is empty or",
        ),
        ("[feeds]\nkinds = ['']", "2: feeds.kinds must be a list of names: a name is empty or"),
        (
            "[render]\ncompress = ['zip']",
            "2: render.compress must be a list of names: choose from gzip",
        ),
        # The statement's first line, past strings and lists of several lines.
        ('a."""', "1: the file is not valid TOML"),
        (
            '[site]\n# limit = 1\ntitle = """a\\\nlimit = 2"""\n[feeds]\nlimit = -1',
            "6: feeds.limit",
        ),
        ("[feeds]\nkinds = [\n 'a',\n 'a',\n]\nlimit = 1", "2: feeds.kinds"),
        ("feeds = { days = 1, limit = 0 }", "1: feeds.limit"),
        ("[site]\r\nlanguage = 'en'\r\n\r\ntitel = 1", "4: site.titel"),
        (
            "[site]\ntitle = 'a'\ntitle = 'b'",
            "3: the file is not valid TOML: Cannot overwrite a value",
        ),
        ("[site]\ntitle = '''a\n", "3: the file is not valid TOML"),
        (b"[site]\n\ntitle = '\xff'", "3: the file is not UTF-8"),
    ],
)
def test_errors_in_a_file_have_line_and_key(folder: Path, text: str | bytes, message: str) -> None:
    assert error_of(write_config(folder, text)).startswith(f"feedhub.toml:{message}")


def test_unreadable_files_are_reported(folder: Path) -> None:
    assert error_of(Path("none.toml")) == "none.toml: cannot be read: No such file or directory"
    assert (
        error_of(write_config(folder, "#" * 40_000)) == "feedhub.toml: is longer than 32768 bytes"
    )


def test_a_byte_order_mark_is_accepted(folder: Path) -> None:
    path = write_config(folder, b"\xef\xbb\xbf[site]\ntitle = 'a'")

    assert load_config(path, {}).site.title == "a"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("FEEDHUB_FEEDS_LIMIT", "many", "FEEDHUB_FEEDS_LIMIT: feeds.limit must be a whole number"),
        ("FEEDHUB_FEEDS_LIMIT", "0", "FEEDHUB_FEEDS_LIMIT: feeds.limit must be a whole number"),
        ("FEEDHUB_FEEDS_LIMIT", "٣", "FEEDHUB_FEEDS_LIMIT: feeds.limit must be a whole number"),
        (
            "FEEDHUB_FEEDS_LIMIT",
            "9" * 5000,
            "FEEDHUB_FEEDS_LIMIT: feeds.limit must be a whole number",
        ),
        ("FEEDHUB_FEEDS_ARCHIVES", "yes", "FEEDHUB_FEEDS_ARCHIVES: feeds.archives must be true or"),
        (
            "FEEDHUB_FEEDS_KINDS",
            "",
            "FEEDHUB_FEEDS_KINDS: feeds.kinds must be a list of names: it is",
        ),
        (
            "FEEDHUB_FEEDS_KINDS",
            "all,",
            "FEEDHUB_FEEDS_KINDS: feeds.kinds must be a list of names: a",
        ),
        (
            "FEEDHUB_SITE_TITLE",
            "a\udc80",
            "FEEDHUB_SITE_TITLE: site.title must be text that is not",
        ),
        (
            "FEEDHUB_SITE_TITEL",
            "a",
            "FEEDHUB_SITE_TITEL is not a known variable; did you mean FEEDHUB_SITE_TITLE?",
        ),
        ("FEEDHUB_", "a", "FEEDHUB_ is not a known variable"),
    ],
)
def test_errors_in_variables_have_their_name(name: str, text: str, message: str) -> None:
    assert error_of(None, {name: text}).startswith(message)


def test_variables_hold_values_of_every_type() -> None:
    environ = {
        "FEEDHUB_FEEDS_ARCHIVES": "false",
        "FEEDHUB_FEEDS_KINDS": "all, topic",
        "FEEDHUB_RENDER_COMPRESS": "",
        "FEEDHUB_HTTP_MAX_AGE": "0",
        "FEEDHUB_HTTP_DELTA": "true",
        "FEEDHUB_HTTP_TRUSTED_PROXIES": "127.0.0.1, ::1",
        "FEEDHUB_FEEDS_GONE": "topics/a, /topics/b",
        "FEEDHUB_FEEDS_MOVED": "topics/c -> topics/d, topics/e->topics/d",
        "FEEDHUB_SITE_TITLE": "  Übersicht ",
    }
    config = load_config(None, environ)

    assert config.feeds.archives is False
    assert config.feeds.kinds == ("all", "topic")
    assert config.render.compress == ()
    assert config.http.max_age == 0
    assert config.http.delta is True
    assert config.http.trusted_proxies == ("127.0.0.1", "::1")
    assert config.feeds.gone == ("topics/a", "topics/b")
    assert config.feeds.moved == (("topics/c", "topics/d"), ("topics/e", "topics/d"))
    assert config.site.title == "Übersicht"


def test_errors_in_options_are_reported() -> None:
    assert error_of(None, {}, {"feeds.limti": 1}) == (
        "feeds.limti is not a known key; did you mean feeds.limit?"
    )
    assert error_of(None, {}, {"feeds.days": -1}).startswith("feeds.days must be a whole number")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("site.base_url", "HTTPS://EXAMPLE.org/", "https://example.org"),
        ("site.base_url", "http://[::01]:8000", "http://[::1]:8000"),
        ("site.base_url", "https://münchen.example/a", "https://xn--mnchen-3ya.example/a"),
        ("site.base_url", "http://my_host:80/a//", "http://my_host:80/a"),
        ("site.icon", "https://e.org/i.png?x=%20#a", "https://e.org/i.png?x=%20#a"),
        ("site.logo", "", ""),
        ("site.language", "zh-Hant-TW", "zh-Hant-TW"),
        ("site.language", "german", "de"),
        ("site.language", "en_US", "en-US"),
        ("site.authority", "a@b-c.example,2026-02", "a@b-c.example,2026-02"),
        ("source.permalink", "/:year/:month/:day/:slug/", "/:year/:month/:day/:slug/"),
        ("source.permalink", "https://e.org:8000/:path", "https://e.org:8000/:path"),
        (
            "source.folder_permalinks",
            ["/a/b/ -> /:slug/", "c->/:path"],
            (("a/b", "/:slug/"), ("c", "/:path")),
        ),
        ("source.timezone", "Europe/Berlin", "Europe/Berlin"),
        ("source.ignore", [], ()),
        ("source.ignore", ("a", "b"), ("a", "b")),
        ("feeds.gone", ["/topics/old/", " all "], ("topics/old", "all")),
        (
            "feeds.moved",
            ["topics/ml -> topics/machine-learning", "/authors/x/->/authors/y/"],
            (("topics/ml", "topics/machine-learning"), ("authors/x", "authors/y")),
        ),
        ("feeds.moved", ["a -> c", "b -> c"], (("a", "c"), ("b", "c"))),
        ("http.parser", "h11", "h11"),
        (
            "http.trusted_proxies",
            ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"],
            ("127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"),
        ),
    ],
)
def test_good_values_are_normalized(name: str, value: object, expected: object) -> None:
    section, _, key = name.partition(".")
    config = load_config(None, {}, {"site.authority": "e.org,2026", name: value})
    assert getattr(getattr(config, section), key) == expected


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("site.base_url", "", "must begin with http"),
        ("site.base_url", "feeds.example.org", "must begin with http"),
        ("site.base_url", "ftp://example.org", "must begin with http"),
        ("site.base_url", "//example.org", "must begin with http"),
        ("site.base_url", "http://", "host is missing"),
        ("site.base_url", "http://a..b", "host is missing"),
        ("site.base_url", "http://-a.b", "host is missing"),
        ("site.base_url", "http://a b", "host is missing"),
        ("site.base_url", "http://[::g]", ""),
        ("site.base_url", "http://[", ""),
        ("site.base_url", "http://a:b", ""),
        ("site.base_url", "http://a:99999", ""),
        ("site.base_url", "http://☃\u200d.example", ""),
        ("site.base_url", "http://a:b@c", "user name"),
        ("site.base_url", "http://a/?", "query"),
        ("site.base_url", "http://a/#b", "fragment"),
        ("site.base_url", "http://a/b c", "percent-encode"),
        ("site.base_url", "http://a/ü", "percent-encode"),
        ("site.icon", "icon.png", "must begin with http"),
        ("site.language", "klingonish", "a name such as German"),
        ("site.language", "", "it is no tag"),
        ("site.authority", "Example.org,2026", "RFC 4151"),
        ("site.authority", "example.org", "RFC 4151"),
        ("site.authority", "example.org,2026-13", ""),
        ("site.authority", "example.org,2026-02-30", ""),
        ("source.permalink", "posts/:slug", "must begin with http"),
        ("source.permalink", "/:name/", ":name is not known; choose from :path, :folder"),
        ("source.folder_permalinks", ["posts /:slug"], "write posts -> /blog/:slug/"),
        ("source.folder_permalinks", ["p -> /:slug", "p/ -> /:slug/"], "listed twice"),
        ("source.folder_permalinks", ["p -> /:year/"], "share one address"),
        ("source.permalink", "/:year/", "share one address"),
        ("source.timezone", "", "no such time zone"),
        ("source.timezone", "Mars/Olympus", "no such time zone"),
        ("source.timezone", "../../etc/passwd", "no such time zone"),
        ("source.timezone", "Europe", "no such time zone"),
        ("feeds.gone", [""], "a name is empty"),
        ("feeds.gone", ["/"], "a name is empty"),
        ("feeds.gone", ["topics/a", "/topics/a/"], "listed twice"),
        ("feeds.moved", ["topics/a"], "write topics/old -> topics/new"),
        ("feeds.moved", ["a -> b -> c"], "write topics/old -> topics/new"),
        ("feeds.moved", ["-> b"], "a name is empty"),
        ("feeds.moved", ["a ->"], "a name is empty"),
        ("feeds.moved", ["a -> a"], "listed twice"),
        ("feeds.moved", ["a -> b", "/a -> c"], "listed twice"),
        ("feeds.moved", ["a -> b", "b -> c"], "must not move itself"),
        ("feeds.moved", ["b -> c", "a -> b"], "must not move itself"),
        ("http.parser", "h12", "it is 'h12'"),
        ("http.parser", "", "it is ''"),
        ("http.trusted_proxies", ["proxy.example"], "proxy.example"),
        ("http.trusted_proxies", [""], "does not appear to be"),
        ("http.trusted_proxies", ["10.0.0.1/8"], "host bits"),
        ("http.trusted_proxies", ["::1", "::1"], "listed twice"),
    ],
)
def test_bad_values_are_refused_with_the_reason(name: str, value: object, reason: str) -> None:
    message = error_of(None, {}, {name: value})

    assert message.startswith(f"{name} must be {KEYS[name].metadata['must']}: ")
    assert reason in message


@pytest.mark.parametrize("host", ["e.org", "e\N{ACCOUNT OF}.org", "e.org:port", "[::"])
def test_no_message_contains_a_password(host: str) -> None:
    assert "hunter2" not in error_of(None, {"FEEDHUB_SITE_BASE_URL": f"http://me:hunter2@{host}"})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5
)


@given(name=st.sampled_from(sorted(KEYS)) | st.text(), value=VALUES)
def test_any_option_gives_a_config_or_one_error(name: str, value: object) -> None:
    config = load_or_message(flags={name: value})

    if isinstance(config, str):
        assert "\n" not in config
    else:
        section, _, key = name.partition(".")
        result = getattr(getattr(config, section), key)
        assert type(result) is type(KEYS[name].default)
        moved = [" -> ".join(pair) for pair in config.feeds.moved]
        same = moved if name == "feeds.moved" else result
        assert load_config(None, {}, {name: same}) == config


@given(name=st.sampled_from(sorted(set(KEYS) - TABLES)), text=st.text())
def test_any_variable_gives_a_config_or_one_error(name: str, text: str) -> None:
    variable = f"FEEDHUB_{name.replace('.', '_').upper()}"
    config = load_or_message({variable: text})

    if isinstance(config, str):
        assert config.startswith((f"{variable}: ", "site.authority must be set"))
        assert "\n" not in config


@given(
    before=st.lists(
        st.sampled_from(["", "# note", 'description = """a\\\n titel = 1"""']), max_size=4
    ),
    after=st.lists(st.sampled_from(["", "# titel = 1"]), max_size=3),
)
def test_the_line_is_that_of_the_statement(
    tmp_path_factory: Any, before: list[str], after: list[str]
) -> None:
    head = list(dict.fromkeys(before))
    lines = "\n".join(["[site]", *head]).split("\n")
    path = tmp_path_factory.mktemp("config") / "f.toml"
    path.write_text("\n".join([*lines, "titel = 1", *after]))

    assert error_of(path).startswith(f"{path}:{len(lines) + 1}: site.titel is not a known key")
