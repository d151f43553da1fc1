"""A newspaper: a folder of articles that is edited while a server publishes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.canaries import WORD
from tests.kit import article_text
from tests.servers import Server, request, until

FORMATS = ("rss", "atom", "json")
FEEDS = ("all", "topics/ai")
PAPER = {"name": "Paper", "domain": "paper.example"}


@dataclass
class Newspaper:
    """A source that is edited while a server publishes it."""

    folder: Path
    fields: dict[str, dict[str, object]] = field(default_factory=dict)
    hidden: int = 0
    server: Server = field(init=False)

    def write(self, name: str, title: str, body: str, **fields: object) -> None:
        """Write an article file atomically; `fields` are added to those it had before."""
        fields = self.fields.setdefault(name, {"topics": ["AI"]}) | fields
        (self.folder / ".new").write_text(article_text(title, body, **fields), encoding="utf-8")
        (self.folder / ".new").replace(self.folder / f"{name}.md")

    def validators(self) -> dict[str, tuple[str, str]]:
        """Return ETag and Last-Modified of every feed."""
        feeds = [f"{feed}.{suffix}" for feed in FEEDS for suffix in FORMATS]
        replies = {feed: request(self.server, "HEAD", f"/{feed}") for feed in feeds}
        return {feed: (reply["etag"], reply["last-modified"]) for feed, reply in replies.items()}

    def publish(self, name: str, title: str, body: str, **fields: object) -> None:
        """Write an article and wait until every feed has new validators."""
        before = self.validators().items()
        self.write(name, title, body, **fields)
        until(lambda: not before & self.validators().items(), f"{title} does not appear")

    def settle(self) -> None:
        """Wait until all files written so far were read, by writing a hidden one last."""
        self.hidden += 1
        self.write(f"hidden-{self.hidden}", f"Hidden {WORD}", WORD, published=False)
        counted = re.compile(rf'feedhub_articles{{state="unpublished"}} {self.hidden}(\.0)?\n')
        until(lambda: counted.search(self.server.metrics()), "a hidden file is not counted")

    def documents(self) -> dict[str, bytes]:
        """Return body and header fields of every address in every coding, undecoded."""
        listed = request(self.server, "GET", "/feeds.opml").body.decode()
        paths = {"/", "/feeds.opml", *re.findall(r'xmlUrl="http://[^/]+(/[^"]+)\.', listed)}
        paths |= {f"/all/2020-0{month}" for month in range(1, 10)}
        suffixes = ("", *(f".{suffix}" for suffix in FORMATS))
        found = {}
        for path in [f"{path}{suffix}" for path in paths for suffix in suffixes]:
            for coding in ("identity", "gzip", "br"):
                answer = request(self.server, "GET", path, [("Accept-Encoding", coding)])
                found[f"{coding} {path}"] = answer.body
                found[f"headers of {coding} {path}"] = repr(answer.headers).encode()
        return found
