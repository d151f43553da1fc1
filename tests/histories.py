"""Histories of a robot's repository, made of real files, and a model of what subscribers see.

The model reads front matter with PyYAML and uses none of feedhub's code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any, NamedTuple

import yaml

from tests.kit import article_text

State = dict[str, bytes]
Change = dict[str, bytes | None]
MARKERS = ("first", "second")
# Keys that the robot rewrites every two hours, and no subscriber sees.
UNSEEN = ("secured", "heat", "quality")
# The names of feeds below the folder of their kind.
LABELS = ("topics", "providers", "categories", "authors")


class Commit(NamedTuple):
    """What a commit does, and the files that it changes."""

    kind: str
    changes: Change


class History:
    """Commits one after the other; `state` is the source after the last one."""

    def __init__(self, real: Path, seed: int) -> None:
        self._random = Random(seed)
        files = sorted(path for path in real.rglob("*") if path.is_file())
        every = {path.relative_to(real).as_posix(): path.read_bytes() for path in files}
        late = set(self._random.sample(sorted(every), 8))
        self._unpublished = {path: every[path] for path in sorted(late)}
        self.state: State = {}
        self.commits: list[Commit] = []
        self._add("start", {path: data for path, data in every.items() if path not in late})

    def grow(self, count: int, noise: float, *, marked: bool = False) -> None:
        """Add commits, of which this share changes nothing that a subscriber sees.

        `marked` adds the `markers` of its number to each.
        """
        for _ in range(count):
            is_noise = self._random.random() < noise
            step = self._random.choice(NOISE if is_noise else CHANGES)
            changes = step(self) or _reencrypt(self)
            if marked:
                changes |= markers(len(self.commits))
            self._add(step.__name__.lstrip("_"), changes)

    def _add(self, kind: str, changes: Change) -> None:
        for path, data in changes.items():
            if data is None:
                del self.state[path]
            else:
                self.state[path] = data
        self.commits.append(Commit(kind, changes))

    def some(self, most: int, *, shown: bool = False) -> list[str]:
        """Return the paths of up to `most` files."""
        paths = [
            path
            for path, data in sorted(self.state.items())
            if not path.startswith("_markers") and (visible(path, data) or not shown)
        ]
        return self._random.sample(paths, self._random.randint(1, min(most, len(paths))))

    def token(self) -> str:
        """Return a word that was not there before."""
        return f"{self._random.getrandbits(48):012x}"


def set_key(data: bytes, key: str, value: str) -> bytes:
    """Return a file with a top-level key of one line set to a value, as YAML has it."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    line = f"{key}: {value}".encode()
    changed, count = re.subn(rb"(?m)^%s:[^\r\n]*" % key.encode(), lambda _: line, data, count=1)
    return changed if count else data.replace(b"---" + end, b"---" + end + line + end, 1)


def unset_key(data: bytes, key: str) -> bytes:
    """Return a file without a top-level key of one line."""
    return re.sub(rb"(?m)^%s:[^\r\n]*\r?\n" % key.encode(), b"", data, count=1)


def _reencrypt(history: History) -> Change:
    """The robot writes many files again: only `secured` differs."""
    files = history.some(20)
    return {
        path: set_key(history.state[path], "secured", f'"{history.token()};x=="') for path in files
    }


def _score(history: History) -> Change:
    files = history.some(5)
    number = history.token()[:1]
    score = str(int(number, 16) * 7 - 1)
    return {
        path: set_key(set_key(history.state[path], "heat", score), "quality", score)
        for path in files
    }


def _line_ends(history: History) -> Change:
    changed: Change = {}
    for path in history.some(6):
        unix = history.state[path].replace(b"\r\n", b"\n")
        changed[path] = unix if unix != history.state[path] else unix.replace(b"\n", b"\r\n")
    return changed


def _move_collection(history: History) -> Change:
    """A collection goes to the archive, or comes back: its name, and so every id, stays."""
    folders = {PurePosixPath(path).parent.name for path in history.state}
    names = sorted(name for name in folders if name[:1] == "_" and name != "_markers")
    chosen = names[len(history.commits) % len(names)]
    moved: Change = {}
    for path, data in history.state.items():
        folder, _, file = path.rpartition("/")
        if folder.rpartition("/")[2] == chosen:
            target = f"_archive/{chosen}" if folder == chosen else chosen
            moved |= {path: None, f"{target}/{file}": data}
    return moved


def _other_file(history: History) -> Change:
    return {"assets/data.json": history.token().encode()}


def _summary(history: History) -> Change:
    """The text of one article becomes boilerplate, as it did when a page could not be fetched."""
    [path] = history.some(1, shown=True)
    text = f'"Disclaimer | Accessibility | Made In {history.token()}"'
    return {path: set_key(history.state[path], "excerpt", text)}


def _flip_address(history: History) -> Change:
    """One article alternates between two publishers' addresses."""
    path = sorted(path for path in history.state if visible(path, history.state[path]))[0]
    # Its own: of two articles with one address, one is published.
    other = f'"https://business.example/{PurePosixPath(path).stem}/{len(history.commits) % 2}/"'
    return {path: set_key(history.state[path], "webUrl", other)}


def _date(history: History) -> Change:
    [path] = history.some(1, shown=True)
    day = 1 + int(history.token()[:1], 16)
    date = f"2021-0{1 + day % 6}-{day:02}T0{day % 10}:00:{day:02}Z"
    return {path: set_key(history.state[path], "publishedDateTime", date)}


def _withdraw(history: History) -> Change:
    [path] = history.some(1, shown=True)
    hidden = set_key(history.state[path], "published", "false")
    return {path: set_key(hidden, "removed", "true") if len(history.commits) % 2 else hidden}


def _return(history: History) -> Change:
    hidden = [
        path
        for path, data in sorted(history.state.items())
        if b"publishedDateTime" in data and not visible(path, data)
    ]
    return {
        path: set_key(unset_key(history.state[path], "removed"), "published", "true")
        for path in hidden[:2]
    }


def _late(history: History) -> Change:
    """A file comes days after its date, below the top of its feeds."""
    for path in list(history._unpublished)[:1]:
        return {path: history._unpublished.pop(path)}
    return {}


def _delete(history: History) -> Change:
    [path] = history.some(1, shown=True)
    history._unpublished[path] = history.state[path]
    return {path: None}


def _topic(history: History) -> Change:
    """An article gets a topic, or loses the one that it got."""
    [path] = history.some(1, shown=True)
    data = history.state[path]
    without = re.sub(rb"(?m)^  - Added \d\r?\n", b"", data)
    if without != data:
        return {path: without}
    added = b"  - Added %d" % (len(history.commits) % 3)
    changed = re.sub(rb"(?m)^topics:(\r?\n)", rb"topics:\1%s\1" % added, data, count=1)
    return {path: changed} if changed != data else {}


def _rename_folder(history: History) -> Change:
    """A folder that is no collection gets another name: its articles are others from then on."""
    old, new = "videos", "clips"
    if not any(path.startswith("videos/") for path in history.state):
        old, new = new, old
    moved: Change = {}
    for path, data in history.state.items():
        if path.startswith(f"{old}/"):
            moved |= {path: None, path.replace(old, new, 1): data}
    return moved


Step = Callable[[History], Change]
# About as often as in the history of the real robot.
NOISE: tuple[Step, ...] = (
    *[_reencrypt] * 12,
    *[_score] * 3,
    *[_line_ends] * 2,
    _move_collection,
    _other_file,
)
CHANGES: tuple[Step, ...] = (
    *[_summary] * 3,
    *[_flip_address] * 3,
    *[_date] * 2,
    *[_withdraw] * 2,
    *[_return] * 2,
    *[_late] * 2,
    _delete,
    _topic,
    _topic,
    _rename_folder,
)


def markers(number: int) -> Change:
    """Return two articles that say in all their parts which commit they are of."""
    return {
        f"_markers/{name}.md": article_text(
            f"Marker {number}",
            f"Body {number}",
            excerpt=f"Summary {number}",
            webUrl=f"https://marker.example/{name}/{number}",
        ).encode()
        for name in MARKERS
    }


class Visible(NamedTuple):
    """What a subscriber sees of an article, and the feeds that hold it."""

    content: str
    feeds: frozenset[str]


@lru_cache(maxsize=1_000)
def visible(path: str, data: bytes) -> Visible | None:
    """Return what is published of a file, or None."""
    text = data.decode().replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return None
    _, head, body = text.split("---\n", 2)
    fields: dict[str, Any] = yaml.load(head, yaml.CSafeLoader)
    if "publishedDateTime" not in fields:
        return None
    if fields.get("published") is False or fields.get("removed") is True:
        return None
    provider = fields.get("provider") or {}
    labels = {
        "topics": fields.get("topics") or [],
        "providers": [provider["name"]] if provider else [],
        "categories": [fields["category"]] if "category" in fields else [],
        "authors": [author["name"] for author in provider.get("authors", [])],
    }
    feeds = {f"{kind}/{slug(label)}" for kind in LABELS for label in labels[kind]}
    seen = {key: value for key, value in fields.items() if key not in (*UNSEEN, "published")}
    return Visible(f"{identity(path)} {seen!r} {body}", frozenset(feeds | {"all"}))


def identity(path: str) -> str:
    """Return what the id of an article is made of: its path below its collection."""
    parts = PurePosixPath(path).with_suffix("").parts
    above = [number for number, part in enumerate(parts[:-1]) if part.startswith("_")]
    return "/".join(parts[above[-1] :] if above else parts)


def slug(label: str) -> str:
    """Return the file name of a label's feed."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("'", "")).strip("-")


def published_ids(state: State) -> set[str]:
    """Return what the ids of the published articles end with."""
    return {identity(path).removeprefix("_") for path, data in state.items() if visible(path, data)}


class Model:
    """The feeds of a source, brought up to date commit by commit."""

    def __init__(self) -> None:
        self._articles: dict[str, Visible] = {}
        self.feeds: dict[str, frozenset[str]] = {}

    def apply(self, changes: Change) -> set[str]:
        """Apply the changes of a commit; return the names of the feeds that they change."""
        for path, data in changes.items():
            self._articles.pop(path, None)
            if data is not None and (found := visible(path, data)):
                self._articles[path] = found
        contents: defaultdict[str, set[str]] = defaultdict(set)
        for content, feeds in self._articles.values():
            for feed in feeds:
                contents[feed].add(content)
        before, after = self.feeds, {feed: frozenset(seen) for feed, seen in contents.items()}
        # A feed that has lost its last article stays, and is empty.
        self.feeds = dict.fromkeys(before, frozenset()) | after
        return {feed for feed in self.feeds if self.feeds[feed] != before.get(feed)}
