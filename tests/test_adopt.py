"""Adopting the ids of an earlier feed: what was read stays read, in every format."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import reader
import tomlkit

from feedhub.adopt import adopt, loose_address, read_old_feeds
from feedhub.config import starter_toml
from feedhub.config.writing import add_move
from feedhub.errors import ConfigError, NewIdsError
from feedhub.feed_reader import read_feed
from feedhub.sources.adopted_ids import AdoptedId, encode_adopted_ids, read_adopted_ids
from tests.built_sites import BuiltSite, posts
from tests.command_line import BASE, is_one_line, runner, write
from tests.kit import NOW, Bench, article_text, make_bench, parse
from tests.subscribers import Newsboat, Reader

OLD, NEW = "https://old.example", "https://new.example"
POSTS = range(1, 21)


def date(number: int) -> str:
    return f"2020-06-{number:02}T10:00:00"


def jekyll() -> str:
    """As the template of jekyll-feed: the id is that of the post, without the ending."""
    entries = "".join(
        f'<entry><title type="html">Post {n}</title><link href="{OLD}/2020/06/{n:02}/post-{n}.html"'
        f' rel="alternate" type="text/html" title="Post {n}" /><published>{date(n)}+00:00'
        f"</published><updated>{date(n)}+00:00</updated><id>{OLD}/2020/06/{n:02}/post-{n}</id>"
        f'<content type="html" xml:base="{OLD}/2020/06/{n:02}/post-{n}.html">'
        f"<![CDATA[<p>Text {n}.</p>]]></content></entry>"
        for n in POSTS
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" >'
        '<generator uri="https://jekyllrb.com/" version="4.3.3">Jekyll</generator>'
        f'<link href="{OLD}/feed.xml" rel="self" type="application/atom+xml" />'
        f'<link href="{OLD}/" rel="alternate" type="text/html" /><updated>{date(20)}+00:00'
        f'</updated><id>{OLD}/feed.xml</id><title type="html">Old</title>{entries}</feed>'
    )


def hugo() -> str:
    """As Hugo's own template: the guid is the address."""
    items = "".join(
        f"<item><title>Post {n}</title><link>{OLD}/2020/06/{n:02}/post-{n}/</link>"
        f"<pubDate>Mon, {n:02} Jun 2020 10:00:00 +0000</pubDate>"
        f"<guid>{OLD}/2020/06/{n:02}/post-{n}/</guid><description>Text {n}.</description></item>"
        for n in POSTS
    )
    return (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?><rss version="2.0" '
        f'xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Old</title><link>{OLD}/</link>'
        "<description>Recent content on Old</description><generator>Hugo</generator>"
        f'<atom:link href="{OLD}/index.xml" rel="self" type="application/rss+xml" />{items}'
        "</channel></rss>"
    )


def eleventy() -> str:
    """As the virtual template of @11ty/eleventy-plugin-rss."""
    entries = "".join(
        f'<entry><title>Post {n}</title><link href="{OLD}/2020/06/{n:02}/post-{n}/" />'
        f"<updated>{date(n)}Z</updated><id>{OLD}/2020/06/{n:02}/post-{n}/</id>"
        f'<content type="html">&lt;p&gt;Text {n}.&lt;/p&gt;</content></entry>'
        for n in POSTS
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        f'xml:lang="en"><title>Old</title><link href="{OLD}/feed.xml" rel="self" />'
        f'<link href="{OLD}/" /><updated>{date(20)}Z</updated><id>{OLD}/</id>'
        f"<author><name>Ann</name></author>{entries}</feed>"
    )


def wordpress() -> str:
    """As WordPress: the guid is an address that nobody opens."""
    items = "".join(
        f"<item><title>Post {n}</title><link>{OLD}/2020/06/{n:02}/post-{n}/</link>"
        f"<dc:creator><![CDATA[ann]]></dc:creator><pubDate>Mon, {n:02} Jun 2020 10:00:00 +0000"
        f'</pubDate><category><![CDATA[News]]></category><guid isPermaLink="false">'
        f"http://old.example/?p={n + 100}</guid><description><![CDATA[Text {n}.]]></description>"
        f"<content:encoded><![CDATA[<p>Text {n}.</p>]]></content:encoded></item>"
        for n in POSTS
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Old</title>'
        f'<atom:link href="{OLD}/feed/" rel="self" type="application/rss+xml" /><link>{OLD}</link>'
        f"<description>Just another site</description>{items}</channel></rss>"
    )


def rdf() -> str:
    items = "".join(
        f'<item rdf:about="urn:post:{n}"><title>Post {n}</title>'
        f"<link>{OLD}/2020/06/{n:02}/post-{n}/</link></item>"
        for n in POSTS
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns="http://purl.org/rss/1.0/"><channel rdf:about="{OLD}/"><title>Old</title>'
        f"<link>{OLD}/</link><description>Old</description></channel>{items}</rdf:RDF>"
    )


def titles_as_guids() -> str:
    return hugo().replace("<guid>", '<guid isPermaLink="false">Post, "&amp;" ')


def json_feed() -> str:
    items = [
        {"id": f"{n}", "url": f"{OLD}/2020/06/{n:02}/post-{n}/", "content_text": f"Text {n}."}
        for n in POSTS
    ]
    version = "https://jsonfeed.org/version/1"
    return json.dumps(
        {"version": version, "title": "Old", "home_page_url": f"{OLD}/", "items": items}
    )


GENERATORS: dict[str, Callable[[], str]] = {
    maker.__name__: maker for maker in (jekyll, hugo, eleventy, wordpress)
}
FORMATS = GENERATORS | {maker.__name__: maker for maker in (rdf, titles_as_guids, json_feed)}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The 20 posts on a new host, under addresses that end in a slash."""
    bench = make_bench(tmp_path, source__ids=str(tmp_path / "ids.jsonl"))
    for n in POSTS:
        address = f"{NEW}/2020/06/{n:02}/post-{n}/"
        moment = f"{date(n)}Z"
        bench.write(f"{n}.md", title=f"Post {n}", webUrl=address, publishedDateTime=moment)
    return bench


def adopt_into(bench: Bench, old: str) -> list[str]:
    """Adopt the ids of a feed, sync, and return those ids."""
    bench.sync()
    articles = [(path, article.url) for path, article in bench.catalog.articles()]
    content = read_feed(old.encode())
    adoption = adopt(content, articles, ())
    assert (adoption.added, adoption.passed_over) == (20, ())
    Path(bench.config.source.ids).write_bytes(encode_adopted_ids(adoption.ids))
    with pytest.raises(NewIdsError, match="take the ids of 20 articles out of"):
        bench.sync()  # it has published them already
    bench.site.sync(bench.source(), NOW, accept_new_ids=True)
    return [entry.id for entry in content.entries]


def test_a_built_site_may_have_the_ids_of_a_feed_before_its_own(tmp_path):
    site = BuiltSite(tmp_path / "_site", posts()).build()
    bench = make_bench(tmp_path, source__ids=str(tmp_path / "ids.jsonl"))
    bench.root = site.root
    (own, *_) = [site.address(post) for post in site.posts]
    rows = (AdoptedId(id="?p=1", url=own), AdoptedId(id="?p=9", url=f"{own}gone"))
    Path(bench.config.source.ids).write_bytes(encode_adopted_ids(rows))
    bench.sync()
    ids = [site.address(post) for post in site.posts[1:]]
    assert sorted(bench.ids("all.json")) == sorted([*ids, "?p=1"])
    # So another id in its own feed makes nothing new.
    site.posts[0].id = "tag:new"
    site.build()
    assert bench.sync().problems == ()
    assert "?p=1" in bench.ids("all.json")
    site.posts[1].id = "tag:other"
    site.build()
    assert [problem.code for problem in bench.sync().problems] == ["id-changed"]
    Path(bench.config.source.ids).unlink()
    with pytest.raises(NewIdsError, match="lacks 1 id of"):
        bench.sync()
    # Unless its own feed has the same.
    site.posts[0].id = "?p=1"
    site.build()
    assert bench.sync().published == 3


@pytest.mark.parametrize("old", FORMATS.values(), ids=FORMATS)
def test_every_id_of_every_format_keeps_its_bytes(bench, old):
    ids = sorted(adopt_into(bench, old()))
    documents = bench.documents()
    assert sorted(bench.ids("all.json")) == ids
    for suffix in ("rss", "atom"):
        found = [entry.id for entry in parse(documents[f"all.{suffix}"].body).entries]
        assert sorted(found) == ids


@pytest.mark.parametrize("old", GENERATORS.values(), ids=GENERATORS)
def test_what_was_read_in_the_earlier_feed_stays_read(bench, tmp_path, old):
    with serving(tmp_path) as address:
        url = f"{address}/feed.xml"
        newsboat = Newsboat(tmp_path / "newsboat", [url])
        other = Reader(tmp_path / "reader", [url])
        moved_on: list[int] = []

        def unread(body: bytes, *, mark: bool = False) -> tuple[int, int]:
            """Return how many entries are unread in each once they have this feed."""
            moved_on.append(1)
            (tmp_path / "feed.xml").write_bytes(body)
            os.utime(tmp_path / "feed.xml", (1_600_000_000 + 10 * len(moved_on),) * 2)
            newsboat.poll()
            other.poll()
            return unread_in_newsboat(newsboat, mark=mark), unread_in_reader(other, mark=mark)

        assert unread(old().encode(), mark=True) == (20, 20)
        adopt_into(bench, old())
        name = "all.rss" if "<rss" in old() else "all.atom"
        body = bench.documents()[name].body
        assert body.count(b"new.example") > 20
        assert unread(body) == (0, 0)
        # Without adoption all are unread: so the test sees something.
        Path(bench.config.source.ids).unlink()
        bench.site.sync(bench.source(), NOW, accept_new_ids=True)
        assert unread(bench.documents()[name].body) == (20, 20)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder as any static server does; return its address."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def unread_in_newsboat(newsboat: Newsboat, *, mark: bool = False) -> int:
    """Return how many entries are unread; `mark` then marks them as read."""
    with closing(sqlite3.connect(newsboat.folder / "cache.db")) as cache, cache:
        found: int = cache.execute("SELECT count(*) FROM rss_item WHERE unread").fetchone()[0]
        if mark:
            cache.execute("UPDATE rss_item SET unread = 0")
        return found


def unread_in_reader(subscriber: Reader, *, mark: bool = False) -> int:
    with closing(reader.make_reader(str(subscriber.folder / "reader.sqlite"))) as opened:
        unread = list(opened.get_entries(read=False))
        for entry in unread if mark else ():
            opened.mark_entry_as_read(entry)
        return len(unread)


def test_an_article_keeps_its_id_when_its_path_or_its_address_changes(bench):
    ids = adopt_into(bench, wordpress())
    path = bench.root / "1.md"
    text = path.read_text().replace("post-1/", "renamed/")
    path.write_text(text)
    (bench.root / "2.md").rename(bench.root / "two.md")
    bench.sync()
    assert sorted(bench.ids("all.json")) == sorted(ids)


class TestMatching:
    ARTICLES = (("a.md", f"{NEW}/a/"), ("b.md", f"{NEW}/b/"), ("c.md", "https://x.example/a"))

    def adopt(self, *items: tuple[str, str], known: tuple[AdoptedId, ...] = ()):
        entries = "".join(
            f"<item><title>T</title><link>{link}</link>"
            f'<guid isPermaLink="false">{guid}</guid></item>'
            for link, guid in items
        )
        old = f"<rss version='2.0'><channel><link>{OLD}/</link>{entries}</channel></rss>"
        return adopt(read_feed(old.encode()), self.ARTICLES, known)

    @pytest.mark.parametrize(
        ("link", "path"),
        [
            (f"{NEW}/b/", "b.md"),
            ("http://www.new.example/b.html", "b.md"),
            (f"{OLD}/b/index.html?utm_source=feed", "b.md"),
            ("https://x.example/a/", "c.md"),
        ],
    )
    def test_one_page_has_many_spellings(self, link, path):
        ((found,), _, added, _, passed_over) = self.adopt((link, "1"))
        assert (found.id, found.path, added, passed_over) == ("1", path, 1, ())
        assert found.url == dict(self.ARTICLES)[path]

    @pytest.mark.parametrize(
        ("link", "reason"),
        [
            (f"{OLD}/c/", "no article has this address"),
            (f"{OLD}/a/", "several articles may be it"),
            ("https://elsewhere.example/b/", "no article has this address"),
            (f"{OLD}/b/?p=1", "no article has this address"),
        ],
    )
    def test_an_id_without_an_article_waits_for_its_address(self, link, reason):
        adoption = self.adopt((link, "1"))
        assert adoption.ids == (AdoptedId(id="1", url=link),)
        assert adoption.passed_over == ((link, reason),)

    def test_one_id_is_never_that_of_two_addresses(self):
        adoption = self.adopt((f"{NEW}/a/", "1"), (f"{NEW}/b/", "1"))
        assert [row.path for row in adoption.ids] == ["a.md"]
        reason = "another article has the same id, and keeps it"
        assert adoption.passed_over == ((f"{NEW}/b/", reason),)

    def test_what_is_known_stays(self):
        known = (AdoptedId(id="1", url=f"{NEW}/a/", path="a.md"),)
        adoption = self.adopt((f"{NEW}/a/", "1"), (f"{OLD}/b/", "2"), known=known)
        assert (adoption.added, adoption.known) == (1, 1)
        adoption = self.adopt((f"{NEW}/a/", "9"), known=known)
        assert (adoption.ids, adoption.passed_over) == (
            known,
            ((f"{NEW}/a/", "it has another id already, which stays"),),
        )

    def test_what_no_feed_can_hold_is_told(self):
        items = [{"id": "a\u0000b", "url": f"{NEW}/a/"}, {"id": "c"}]
        version = "https://jsonfeed.org/version/1"
        old = json.dumps({"version": version, "title": "T", "items": items})
        adoption = adopt(read_feed(old.encode()), self.ARTICLES, ())
        reasons = [reason for _, reason in adoption.passed_over]
        assert (adoption.ids, reasons) == (
            (),
            ["no feed can hold its id", "the entry has no address"],
        )

    def test_addresses_that_are_no_pages_differ(self):
        assert loose_address("https://a.example/?p=1") != loose_address("https://a.example/?p=2")


class TestFile:
    def test_it_is_ordered_by_address_one_a_line(self, tmp_path):
        rows = (AdoptedId(id="2", url="b"), AdoptedId(id="ä", url="a", path="p.md"))
        (tmp_path / "ids").write_bytes(encode_adopted_ids(rows))
        text = (tmp_path / "ids").read_text("utf-8")
        assert text == '{"id":"ä","url":"a","path":"p.md"}\n{"id":"2","url":"b"}\n'
        assert read_adopted_ids(tmp_path / "ids").rows == rows[::-1]

    @pytest.mark.parametrize(
        "line", ["", "{", "[]", '{"id": "1"}', '{"id": "1", "url": "", "x": 1}']
    )
    def test_a_line_that_is_none_is_named(self, tmp_path, line):
        (tmp_path / "ids").write_text(f'{{"id": "1", "url": "a"}}\n{line}\n')
        with pytest.raises(ConfigError, match=r"ids:2: this is no adopted id: "):
            read_adopted_ids(tmp_path / "ids")

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
            read_adopted_ids(tmp_path)


class TestOldFeeds:
    def test_a_folder_of_a_site(self, tmp_path):
        (tmp_path / "b").mkdir()
        (tmp_path / "b/feed.xml").write_text(jekyll())
        (tmp_path / "feed.json").write_text(json_feed())
        (tmp_path / "sitemap.xml").write_text("<urlset/>")
        (tmp_path / "gone.xml").symlink_to(tmp_path / "nothing")
        paths = [feed.path.relative_to(tmp_path).as_posix() for feed in read_old_feeds(tmp_path)]
        assert paths == ["b/feed.xml", "feed.json"]

    def test_what_is_none(self, tmp_path, monkeypatch):
        with pytest.raises(ConfigError, match="there is no feed"):
            list(read_old_feeds(tmp_path / "nothing"))
        (tmp_path / "a.xml").write_text("<rss>\n<")
        with pytest.raises(ConfigError, match=r"a.xml:\d+: "):
            list(read_old_feeds(tmp_path / "a.xml"))

        def refuse(*_: object) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(ConfigError, match=r"a\.xml: cannot be read: Permission denied"):
            list(read_old_feeds(tmp_path / "a.xml"))
        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(ConfigError, match="there is no feed"):
            list(read_old_feeds(tmp_path))


class TestCommand:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for n in POSTS:
            address = f"{NEW}/2020/06/{n:02}/post-{n}/"
            write(f"{n}.md", article_text(f"Post {n}", webUrl=address))
        Path("old").mkdir()
        Path("old/feed.xml").write_text(jekyll())

    def test_it_says_what_it_would_do_and_does_it(self, capsys):
        run = runner(capsys)
        dry = run("adopt", "old", "articles", "--dry-run", *BASE)
        assert dry == (
            0,
            "old/feed.xml: 20 entries, 20 meet an article; 20 new ids, 0 known\n"
            "ids.jsonl: 20 ids; it would be written\n",
            "",
        )
        assert not Path("ids.jsonl").exists()
        assert run("adopt", "old", "articles", *BASE).out.endswith("was written: commit it\n")
        assert run("adopt", "old", "articles", *BASE).out.endswith("it stays as it is\n")
        assert run("render", "articles", "public", *BASE, "--quiet").code == 0
        assert f"{OLD}/2020/06/07/post-7</id>" in Path("public/all.atom").read_text()

    def test_the_file_lies_beside_the_configuration(self, capsys):
        Path("site").mkdir()
        Path("site/feedhub.toml").write_text('[source]\nids = "known.jsonl"\n')
        run = runner(capsys)
        config = ("--config", "site/feedhub.toml", "--quiet")
        assert run("adopt", "old", "articles", *config, *BASE) == (0, "", "")
        assert len(Path("site/known.jsonl").read_bytes().splitlines()) == 20
        Path("site/feedhub.toml").write_text('[source]\nids = ""\n')
        ran = run("adopt", "old", "articles", *config, *BASE)
        assert (ran.code, "source.ids: give it the name of a file" in ran.err) == (2, True)

    def test_an_entry_without_an_article_is_told(self, capsys):
        Path("articles/7.md").unlink()
        ran = runner(capsys)("adopt", "old/feed.xml", "articles", *BASE)
        address = f"{OLD}/2020/06/07/post-7.html"
        assert (ran.code, f"  {address}: no article has this address\n" in ran.out) == (1, True)

    def test_many_entries_without_an_article_are_counted(self, capsys):
        posts = "".join(f"<item><link>{OLD}/{n}</link><guid>{n}</guid></item>" for n in range(500))
        Path("old.xml").write_text(f"<rss><channel>{posts}</channel></rss>")
        ran = runner(capsys)("adopt", "old.xml", "articles", "--dry-run", *BASE)
        reason = "no article has this address"
        assert ran.out.splitlines() == [
            "old.xml: 500 entries, 0 meet an article; 500 new ids, 0 known",
            *(f"  {OLD}/{n}: {reason}" for n in range(5)),
            f"  495 more: {reason} (--verbose names them)",
            "ids.jsonl: 500 ids; it would be written",
        ]
        ran = runner(capsys)("adopt", "old.xml", "articles", "--dry-run", "--verbose", *BASE)
        assert ran.out.count(reason) == 500

    @pytest.mark.parametrize(
        ("old", "row"),
        [
            (jekyll, "feed.xml -> all.atom"),
            (hugo, "index.xml -> all.rss"),
            (wordpress, "feed -> all.rss"),
        ],
    )
    def test_the_old_address_leads_to_the_new_one_on_request(self, capsys, old, row):
        toml = '# Mine.\n[feeds]\nlimit = 7  # a week\n\n[[feeds.custom]]\nname = "a"\nq = "b"\n'
        Path("feedhub.toml").write_text(toml)
        Path("old/feed.xml").write_text(old())
        run, command = runner(capsys), ("adopt", "old", "articles", "--moved", *BASE)
        dry = run(*command, "--dry-run").out
        assert dry.endswith(f"feedhub.toml: feeds.moved: {row} would be written\n")
        assert Path("feedhub.toml").read_text() == toml
        assert run(*command).out.endswith(f"feedhub.toml: feeds.moved: {row} was written\n")
        ours = toml.replace("a week\n", f'a week\nmoved = ["{row}"]\n')
        assert Path("feedhub.toml").read_text() == ours
        assert f"{row}: nothing is written, for it leads to all." in run(*command).out
        assert Path("feedhub.toml").read_text() == ours
        assert run("check", "articles", *BASE) == (0, "", "")

    def test_a_new_configuration_is_made_where_there_is_none(self, capsys):
        text = json_feed().replace("{", f'{{"feed_url": "{NEW}/a/old.json", ', 1)
        Path("old/feed.xml").write_text(text)
        command = ("adopt", "old", "articles", "--moved", "--quiet", "--base-url", f"{NEW}/a")
        assert runner(capsys)(*command) == (0, "", "")
        assert Path("feedhub.toml").read_text() == '[feeds]\nmoved = ["old.json -> all.json"]\n'

    def test_an_address_that_has_not_changed_is_no_move(self, capsys):
        Path("old/feed.xml").write_text(jekyll().replace("/feed.xml", "/all.atom"))
        ran = runner(capsys)("adopt", "old", "articles", "--moved", *BASE)
        assert "nothing is written, for this is one address" in ran.out
        assert not Path("feedhub.toml").exists()

    @pytest.mark.parametrize(
        ("feeds", "message"),
        [
            ([jekyll, hugo], "old: has feeds of several addresses"),
            ([rdf], "0.xml: does not say what its address is"),
            ([lambda: wordpress().replace("/feed/", "/?feed=rss2")], "0.xml: its address is no "),
        ],
    )
    def test_an_address_that_cannot_move_is_told_and_nothing_is_written(
        self, capsys, feeds, message
    ):
        for number, feed in enumerate(feeds):
            Path(f"old/{number}.xml").write_text(feed())
        Path("old/feed.xml").unlink()
        ran = runner(capsys)("adopt", "old", "articles", "--moved", *BASE)
        assert (ran.code, message in ran.err, is_one_line(ran.err)) == (2, True, True)
        assert not list(Path().glob("*.*"))

    @pytest.mark.parametrize("name", ["feed.xml", "index.xml", "atom.xml", "rss.xml", "feed.json"])
    def test_the_first_render_beside_an_old_feed_names_the_command(self, capsys, name):
        Path("public").mkdir()
        Path(f"public/{name}").write_text(json_feed() if name == "feed.json" else hugo())
        run, render = runner(capsys), ("render", "articles", "public", *BASE)
        advice = f"feedhub: public/{name}: readers of this feed would show everything as new; "
        advice += f"feedhub adopt public/{name} articles keeps what they have read\n"
        assert run(*render).err == advice
        assert run(*render).err == "", "once"


class TestConfiguration:
    """A move is added to the owner's file."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", '[feeds]\nmoved = ["x -> y"]\n'),
            ("[site]\n# A\n", '[site]\n# A\n\n[feeds]\nmoved = ["x -> y"]\n'),
            ("[feeds]\r\nlimit = 3\r\n", '[feeds]\r\nlimit = 3\r\nmoved = ["x -> y"]\r\n'),
            ("feeds.limit = 3 # B\n", 'feeds.limit = 3 # B\nfeeds.moved = ["x -> y"]\n'),
            (
                '[feeds]\nmoved = [\n  "a -> b", # C\n]\n',
                '[feeds]\nmoved = [\n  "a -> b", # C\n  "x -> y",\n]\n',
            ),
            (starter_toml(), starter_toml().replace("moved = []", 'moved = ["x -> y"]')),
        ],
    )
    def test_what_its_owner_has_written_stays(self, tmp_path, before, after):
        path, link = tmp_path / "feedhub.toml", tmp_path / "link"
        path.write_bytes(before.encode())
        path.chmod(0o640)
        link.symlink_to(path)
        add_move(link, "x", "y")
        assert path.read_bytes().decode() == after
        assert (path.stat().st_mode & 0o777, link.is_symlink()) == (0o640, True)

    @pytest.mark.parametrize("text", ['[feeds]\nmoved = ["y -> z"]\n', "#" * 32_760 + "\n"])
    def test_what_could_not_be_read_again_is_not_written(self, tmp_path, text):
        path = tmp_path / "feedhub.toml"
        path.write_text(text)
        with pytest.raises(ConfigError, match=r'add "x -> y" to feeds\.moved yourself'):
            add_move(path, "x", "y")
        assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {path.name: text}

    def test_nothing_else_may_change(self, tmp_path, monkeypatch):
        path = tmp_path / "feedhub.toml"
        path.write_text("[feeds]\nlimit = 3\n")
        monkeypatch.setattr(tomlkit, "dumps", lambda _: '[feeds]\nmoved = ["x -> y"]\n')
        with pytest.raises(ConfigError, match="cannot be changed"):
            add_move(path, "x", "y")
        assert path.read_text() == "[feeds]\nlimit = 3\n"


MOVING = (Path(__file__).parent.parent / "docs/moving.md").read_text("utf-8")


def pelican() -> str:
    feed = re.sub(
        "<id>.*?/post-(.*?)/</id>", r"<id>tag:example.org,2020:/post-\1.html</id>", eleventy()
    )
    return re.sub("/(post-[0-9]+)/", r"/\1.html", feed)


# The feed of each generator and its path on the site, where it is built, the files of the
# articles, and where their pages are.
MOVES = {
    "Jekyll": (jekyll, "feed.xml", "_site/feed.xml", "_posts/2020-06-{:02}-post-{}.md", ""),
    "Hugo": (hugo, "index.xml", "public/index.xml", "content/posts/post-{1}.md", "/posts"),
    "Eleventy": (eleventy, "feed.xml", "_site/feed.xml", "posts/post-{1}.md", "/posts"),
    "Hexo": (
        lambda: eleventy().replace("feed.xml", "atom.xml"),
        "atom.xml",
        "public/atom.xml",
        "source/_posts/post-{1}.md",
        "",
    ),
    "Pelican": (
        lambda: pelican().replace("feed.xml", "feeds/all.atom.xml"),
        "feeds/all.atom.xml",
        "output/feeds/all.atom.xml",
        "output/2020/06/{:02}/post-{}.html",
        "",
    ),
    "WordPress": (wordpress, "feed", "old/1.xml", "articles/2020-06-{:02}-post-{}.md", ""),
    "Others": (hugo, "index.xml", "old.xml", "articles/posts/post-{1}.md", "/posts"),
}
PAGE = """<!DOCTYPE html><html lang="en"><head><title>Post {0}</title>
<link rel="alternate" type="application/atom+xml" href="/feeds/all.atom.xml"></head>
<body><article><h1>Post {0}</h1><p>Text {0}.</p></article></body></html>"""


def lines_of(generator: str) -> list[str]:
    """Return the lines of the page for a generator."""
    part = MOVING.partition(f"\n### {generator}\n")[2].partition("\n##")[0]
    return re.findall("^    (.*)$", part, re.MULTILINE)


def test_every_generator_of_the_page_is_tested():
    assert re.findall("^### (.*)$", MOVING, re.MULTILINE) == list(MOVES)


@pytest.mark.parametrize("generator", MOVES)
def test_the_lines_of_a_generator_are_the_whole_move(generator, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make, address, built, name, folder = MOVES[generator]
    text = make().replace(OLD, "https://example.org")
    if folder:
        text = re.sub(r"/2020/06/\d\d(?=/post-)", folder, text)
    write_file(built, text)
    for n in POSTS:
        matter = f"---\ntitle: Post {n}\ndate: {date(n)}\n---\nText {n}.\n"
        write_file(name.format(n, n), PAGE.format(n) if name.endswith("html") else matter)
    if generator == "Pelican":
        write_file("output/index.html", PAGE.format(0))
    lines = lines_of(generator)
    assert len(lines) <= 10
    run = runner(capsys)
    if "END" in lines:
        start, end = lines.index("cat > feedhub.toml <<'END'"), lines.index("END")
        Path("feedhub.toml").write_text("\n".join(lines[start + 1 : end]) + "\n")
    for line in lines:
        words = shlex.split(line)
        if words[:1] == ["cp"]:
            shutil.copy(*words[1:])
        elif words[:1] == ["feedhub"]:
            ran = run(*words[1:])
            assert ran.code == 0, ran
    entries = read_feed(text.encode()).entries
    items = json.loads(Path("feeds/all.json").read_text())["items"]
    assert sorted(item["id"] for item in items) == sorted(entry.id for entry in entries)
    assert sorted(item["url"] for item in items) == sorted(entry.link for entry in entries)
    suffix = "rss" if "<rss" in text else "atom"
    assert f'"{address} -> all.{suffix}"' in Path("feedhub.toml").read_text()


def write_file(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
