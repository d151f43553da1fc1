"""Small sites as generators leave them: pages in a frame, and the feed that each writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

BASE = "https://blog.example"
# What must never be published: it stands in hidden pages.
CANARY = "canary-of-a-hidden-page"


@dataclass
class Post:
    """A post of a site: its page's path, and what the feed says of it."""

    path: str
    title: str
    text: str
    date: str = "2024-01-02T03:04:05+00:00"
    updated: str = ""
    id: str = ""
    tags: tuple[str, ...] = ()
    author: str = "Ann"
    in_feed: bool = True
    is_linked: bool | None = None
    link: str = ""
    head: str = ""


@dataclass
class BuiltSite:
    """A site in `root`; `frame` stands around every text, `mount` before every address."""

    root: Path
    posts: list[Post]
    frame: str = "Frame 1"
    language: str = "en"
    mount: str = ""
    folder: str = ""
    feed: str = "feed.xml"
    container: str = (
        '<article class="post"><h1>{title}</h1><div class="post-content">{text}</div></article>'
    )
    announce: bool = True
    kind: str = "atom"
    full_text: bool = True
    encodes: bool = True

    def address(self, post: Post) -> str:
        """Return the address of a post's page, as the generator writes it."""
        path = post.path.removesuffix("index.html")
        path = f"{self.mount}/{self.folder}{path}"
        return post.link or BASE + (quote(path) if self.encodes else path)

    def build(self) -> BuiltSite:
        """Write everything, as a generator does at each build."""
        types = {
            "atom": "application/atom+xml",
            "rss": "application/rss+xml",
            "json": "application/feed+json",
        }
        href = f"{self.mount}/{self.folder}{self.feed}"
        announced = (
            f'<link rel="alternate" type="{types[self.kind]}" href="{href}">'
            if self.announce
            else ""
        )
        links = "".join(
            f'<a href="{self.address(post)}">{post.title}</a>'
            for post in self.posts
            if (post.in_feed if post.is_linked is None else post.is_linked)
        )
        self.write("index.html", self.page("Home", f"<main>{links}</main>", announced))
        for post in self.posts:
            if not post.link:
                body = self.container.format(
                    title=escape(post.title), text=post.text, date=post.date
                )
                self.write(post.path, self.page(post.title, body, post.head))
        self.write(self.feed, getattr(self, f"_{self.kind}")())
        return self

    def write(self, path: str, text: str) -> None:
        """Write one file below the site's folder."""
        file = self.root / self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def page(self, title: str, body: str, head: str = "") -> str:
        """Return a page: the body in the frame."""
        return (
            f'<!DOCTYPE html>\n<html lang="{self.language}"><head><meta charset="utf-8">'
            f"<title>{title}</title>{head}</head><body><nav>{self.frame} menu</nav>{body}"
            f"<footer>{self.frame} foot</footer></body></html>"
        )

    @property
    def listed(self) -> list[Post]:
        """The posts that are in the feed."""
        return [post for post in self.posts if post.in_feed]

    def excerpt(self, post: Post) -> str:
        """Return what an excerpt feed has of a post."""
        return post.text if self.full_text else "The beginning."

    def _atom(self) -> str:
        entries = "".join(
            f"<entry><id>{post.id or self.address(post)}</id>"
            f'<title type="html">{escape(escape(post.title))}</title>'
            f'<link href="{self.address(post)}"/><published>{post.date}</published>'
            f"<updated>{post.updated or post.date}</updated>"
            f"<author><name>{post.author}</name></author>"
            + "".join(f'<category term="{escape(tag)}"/>' for tag in post.tags)
            + (f'<content type="html">{escape(post.text)}</content>' if self.full_text else "")
            + '<summary type="html">The beginning.</summary></entry>'
            for post in self.listed
        )
        return (
            f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title>'
            f'<link href="{BASE}{self.mount}/"/><id>x</id>{entries}</feed>'
        )

    def _rss(self) -> str:
        items = "".join(
            f"<item><title>{escape(post.title)}</title><link>{self.address(post)}</link>"
            f'<guid isPermaLink="false">{post.id or self.address(post)}</guid>'
            f"<dc:date>{post.date}</dc:date><dc:creator>{post.author}</dc:creator>"
            + "".join(f"<category><![CDATA[{tag}]]></category>" for tag in post.tags)
            + f"<description>{escape(self.excerpt(post))}</description></item>"
            for post in self.listed
        )
        return (
            '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Blog</title>'
            f"<link>{BASE}{self.mount}/{self.folder}</link><language>{self.language}</language>{items}</channel></rss>"
        )

    def _json(self) -> str:
        items = [
            {
                "id": post.id or self.address(post),
                "url": self.address(post),
                "title": post.title,
                "content_html": self.excerpt(post),
                "date_published": post.date,
                "tags": list(post.tags),
                "authors": [{"name": post.author}],
            }
            for post in self.listed
        ]
        return json.dumps(
            {"version": "https://jsonfeed.org/version/1.1", "title": "Blog", "items": items}
        )


def posts(count: int = 3, pattern: str = "posts/{name}/index.html") -> list[Post]:
    """Return that many posts, the newest first."""
    return [
        Post(
            path=pattern.format(name=f"post-{number}"),
            title=f"Post {number} & more",
            text=f'<p>Text of {number}, <a href="../other/">a link</a> and '
            '<img src="pic.png" alt="p">.</p>',
            date=f"2024-01-{number:02}T03:04:0{number % 10}+00:00",
            tags=("R&D", f"tag {number}"),
        )
        for number in range(count, 0, -1)
    ]
