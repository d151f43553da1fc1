"""Sites that real generators have built are read as their own feeds say."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import feedparser
import pytest

from tests.kit import NOW, Bench, make_bench

HERE = Path(__file__).parent
CANARY = "canary-of-a-hidden-page"
BASE = "https://blog.example"
NODE = HERE / "node_modules" / ".bin"
PYTHON = HERE / ".venv" / "bin"


@dataclass(frozen=True)
class Source:
    """A post as its author writes it."""

    name: str
    title: str
    body: str
    date: str = "2024-01-02 03:04:05"
    tags: tuple[str, ...] = ()
    state: str = ""


def sources() -> list[Source]:
    """Return twelve posts, of which four may not be published."""
    posts = [
        Source(
            f"post-{n}",
            f"Post {n}",
            f"Text of **{n}**, [a link](/about/).",
            f"2024-01-{n:02} 10:00:0{n}",
        )
        for n in range(1, 6)
    ]
    return [
        *posts,
        Source("amp", 'AT&T <b> "x"', "Text & more.", "2024-02-01 00:00:01", ("R&D", "C++")),
        Source("文章-é", "文章", "中文。", "2024-02-02 00:00:02"),
        Source("picture", "Picture", "![alt](pic.png) and `code < 1`.", "2024-02-03 00:00:03"),
        Source("note", "Note", "A note[^1].\n\n[^1]: The foot.", "2024-02-04 00:00:04"),
        Source("draft", CANARY, CANARY, "2024-02-05 00:00:05", state="draft"),
        Source("hidden", CANARY, CANARY, "2024-02-06 00:00:06", state="hidden"),
        Source("future", "Future", "Later.", "2031-02-07 00:00:07"),
    ]


def write(path: Path, text: str) -> None:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run(command: list[str | Path], folder: Path) -> None:
    """Run a generator; it must succeed."""
    if not Path(command[0]).exists():
        pytest.skip(f"{command[0]} is missing: make generators")
    environ = os.environ | {"NO_UPDATE_NOTIFIER": "1", "TZ": "UTC"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def matter(post: Source, **more: str) -> str:
    """Return front matter in YAML."""
    lines = {"title": json.dumps(post.title, ensure_ascii=False), "date": post.date, **more}
    if post.tags:
        lines["tags"] = json.dumps(post.tags)
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in lines.items()) + "---\n"


def pelican(folder: Path, posts: list[Source]) -> Path:
    """Build with Pelican; hidden is one of its states."""
    write(
        folder / "pelicanconf.py",
        f'SITEURL="{BASE}"\nSITENAME="Blog"\nAUTHOR="Ann"\nTIMEZONE="UTC"\nDEFAULT_LANG="en"\n'
        'FEED_ALL_ATOM="feeds/all.atom.xml"\nPATH="content"\nWITH_FUTURE_DATES=True\n'
        'MARKDOWN={"extension_configs":{"markdown.extensions.footnotes":{}}}\n',
    )
    for post in posts:
        status = f"Status: {post.state}\n" if post.state else ""
        tags = f"Tags: {', '.join(post.tags)}\n" if post.tags else ""
        head = f"Title: {post.title}\nDate: {post.date}\nSlug: {post.name}\n{status}{tags}\n"
        write(folder / "content" / f"{post.name}.md", head + post.body)
    run([PYTHON / "pelican", "content", "-s", "pelicanconf.py", "-q"], folder)
    return folder / "output"


def eleventy(folder: Path, posts: list[Source]) -> Path:
    """Build with Eleventy and its RSS plugin, a feed for each of two languages.

    A hidden page is in no collection.
    """
    write(folder / "package.json", '{"type": "module"}')
    if not (folder / "node_modules").exists() and NODE.exists():
        (folder / "node_modules").symlink_to(HERE / "node_modules")
    plugins = "".join(
        f'  config.addPlugin(feedPlugin, {{type: "atom", outputPath: "/{place}feed.xml",\n'
        f'    inputPath: "feed-{language}.njk",\n'
        f'    collection: {{name: "{language}", limit: 0}}, metadata: {{language: "{language}",\n'
        f'    title: "Blog", base: "{BASE}/{place}", author: {{name: "Ann"}}}}}});\n'
        for language, place in (("en", ""), ("de", "de/"))
    )
    write(
        folder / "eleventy.config.js",
        'import { feedPlugin } from "@11ty/eleventy-plugin-rss";\n'
        "export default (config) => {\n" + plugins + "};\n",
    )
    write(
        folder / "_includes/base.html",
        '<!doctype html><html lang="{{ lang }}"><head><title>{{ title }}</title>'
        '<link rel="alternate" type="application/atom+xml" href="/{{ place }}feed.xml"></head>'
        "<body><main>{{ content }}</main></body></html>",
    )
    write(folder / "index.html", "---\nlayout: base.html\nlang: en\n---\nHome")
    german = "---\nlayout: base.html\nlang: de\nplace: de/\n---\nStart"
    write(folder / "de/index.html", german)
    for post in posts:
        if post.state == "draft":
            continue  # Eleventy has none: whoever wants them leaves the file out of the build
        language = "de" if post.name in ("post-1", "文章-é") else "en"
        more = {"layout": "base.html", "lang": language}
        more |= {"eleventyExcludeFromCollections": "true"} if post.state else {}
        date = f"{post.date}Z".replace(" ", "T")
        text = matter(replace(post, date=date, tags=(language,)), **more)
        write(folder / "posts" / f"{post.name}.md", text + post.body)
    run([NODE / "eleventy", "--quiet"], folder)
    return folder / "_site"


def hexo(folder: Path, posts: list[Source]) -> Path:
    """Build with Hexo and its feed; drafts lie in a folder of their own."""
    write(
        folder / "package.json",
        '{"name": "x", "version": "0.0.0", "hexo": {"version": ""}, "dependencies": '
        '{"hexo": "*", "hexo-generator-feed": "*", "hexo-generator-index": "*", '
        '"hexo-renderer-ejs": "*", "hexo-renderer-marked": "*"}}',
    )
    if not (folder / "node_modules").exists() and NODE.exists():
        (folder / "node_modules").symlink_to(HERE / "node_modules")
    write(
        folder / "_config.yml",
        f"title: Blog\nauthor: Ann\nurl: {BASE}\nlanguage: en\ntimezone: UTC\nfuture: true\n"
        "theme: plain\npermalink: :year/:title/\nfeed:\n  enable: true\n  type: atom\n  limit: 0\n"
        "  path: atom.xml\n  content: true\nupdated_option: date\n",
    )
    page = '<!doctype html><html lang="en"><head><%- feed_tag("atom.xml") %></head><body>'
    write(folder / "themes/plain/layout/index.ejs", f"{page}Home</body></html>")
    write(
        folder / "themes/plain/layout/post.ejs",
        f"{page}<article><%- page.content %></article></body></html>",
    )
    for post in posts:
        place = "_drafts" if post.state else "_posts"
        write(folder / "source" / place / f"{post.name}.md", matter(post) + post.body)
    run([NODE / "hexo", "generate", "--silent"], folder)
    return folder / "public"


def mkdocs(folder: Path, posts: list[Source]) -> Path:
    """Build with MkDocs Material, its blog and its RSS plugin, whose feeds have excerpts."""
    write(
        folder / "mkdocs.yml",
        f"site_name: Blog\nsite_url: {BASE}/docs/\ntheme: {{name: material}}\n"
        "markdown_extensions: [footnotes]\nplugins:\n  - blog:\n      draft: false\n"
        "  - rss:\n      match_path: blog/posts/.*\n      date_from_meta: {as_creation: date}\n"
        "      use_git: false\n      length: 1000\n",
    )
    write(folder / "docs/index.md", "# Home\n")
    write(folder / "docs/blog/index.md", "# Blog\n")
    for post in posts:
        more = {"draft": "true"} if post.state else {}
        write(
            folder / "docs/blog/posts" / f"{post.name}.md",
            matter(post, **more) + f"# {post.title}\n\n{post.body}",
        )
    run([PYTHON / "mkdocs", "build", "--quiet"], folder)
    return folder / "site"


GENERATORS: dict[str, Callable[[Path, list[Source]], Path]] = {
    "pelican": pelican,
    "eleventy": eleventy,
    "hexo": hexo,
    "mkdocs": mkdocs,
}
FEEDS = {
    "pelican": ("feeds/all.atom.xml",),
    "eleventy": ("feed.xml", "de/feed.xml"),
    "hexo": ("atom.xml",),
    "mkdocs": ("feed_rss_created.xml",),
}


def items(bench: Bench) -> list[dict]:
    """Return the items of the feed of all articles."""
    site = bench.site
    return json.loads(site.document(site.plan()["all.json"]).body)["items"]


def date_of(entry: feedparser.FeedParserDict) -> tuple[int, ...]:
    """Return the date of an entry; Eleventy states no other than its update."""
    return tuple(entry.get("published_parsed") or entry.updated_parsed)[:6]


def words(html: str) -> list[str]:
    """Return the words of HTML."""
    return re.findall(r"\w+", unescape(re.sub(r"<[^>]*>", " ", html)))


@pytest.mark.parametrize("name", GENERATORS)
def test_a_site_is_read_as_its_own_feed_says(name: str, tmp_path: Path):
    build = GENERATORS[name]
    posts = sources()
    bench = make_bench(tmp_path)
    bench.root = build(tmp_path / "source", posts)
    changes = bench.sync()
    own = {}
    for path in FEEDS[name]:
        parsed = feedparser.parse((bench.root / path).read_bytes())
        for entry in parsed.entries:
            if date_of(entry)[0] < 2030:
                own[entry.id] = (entry, parsed.feed.get("language", "en"))
    assert len(own) >= 9
    ours = items(bench)
    assert [p.message for p in changes.problems if p.level == "error"] == []
    assert {item["id"] for item in ours} == own.keys()
    for item in ours:
        entry, language = own[item["id"]]
        assert item.get("language", "en")[:2] == language[:2]
        assert item["date_published"][:19] == "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(
            *date_of(entry)
        )
        assert words(item["title"]) == words(entry.title)
        text = entry.content[0].value if "content" in entry else entry.summary
        assert words(text)[:20] == words(item.get("content_html") or item.get("summary", ""))[:20]
        assert set(item.get("tags", ())) >= {tag.term for tag in entry.get("tags", ())} - {"misc"}
    everything = b"".join(document.body for document in bench.documents().values())
    assert CANARY.encode() not in everything
    assert b"Later." not in everything
    # A second build changes nothing, an edit one article.
    build(tmp_path / "source", posts)
    assert bench.sync().changed == 0
    posts[0] = Source(posts[0].name, posts[0].title, "Another text.", posts[0].date)
    build(tmp_path / "source", posts)
    bench.sync(NOW)
    assert (
        len([item for item, before in zip(items(bench), ours, strict=True) if item != before]) == 1
    )
