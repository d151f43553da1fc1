"""WebSub with a hub that others wrote: Flask-WebSub, with threads instead of Celery."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.hubs import Subscriber, running_subscriber
from tests.kit import article_text
from tests.servers import TIMEOUT, Server, free_port, request, serve, until

flask = pytest.importorskip("flask", reason="flask-websub is missing: pip install flask-websub")
flask_websub_hub = pytest.importorskip("flask_websub.hub")
TOPICS = [
    f"{feed}.{suffix}" for feed in ("all", "topics/one") for suffix in ("atom", "json", "rss")
]


class Queue:
    """What the hub needs of Celery: a thread runs each task."""

    def task(self, *, bind: bool = False, **_: Any) -> Callable[[Any], SimpleNamespace]:
        def tasked(work: Any) -> SimpleNamespace:
            def delay(*arguments: Any) -> None:
                threading.Thread(
                    target=work, args=(None, *arguments) if bind else arguments
                ).start()

            return SimpleNamespace(delay=delay)

        return tasked


@contextmanager
def running(database: Path) -> Iterator[str]:
    """Run the hub with its database at a path, and yield its address."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = flask.Flask("hub")
    app.config["PUBLISH_SUPPORTED"] = True
    storage = flask_websub_hub.SQLite3HubStorage(database)
    how = {"SIGNATURE_ALGORITHM": "sha256", "REQUEST_TIMEOUT": TIMEOUT}
    hub = flask_websub_hub.Hub(storage, Queue(), **how)
    app.register_blueprint(hub.build_blueprint(url_prefix="/hub"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hub"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write(folder: Path, title: str, topic: str, **fields: object) -> None:
    text = article_text(title, "", topics=[topic], **fields)
    (folder / ".new").write_text(text, encoding="utf-8")
    (folder / ".new").replace(folder / f"{topic}.md")


def subscribe(reader: Subscriber, database: Path, address: str) -> str:
    """Subscribe, and wait until the hub has verified and stored the subscription."""
    topic = reader.request_subscription(address)
    count = "SELECT count(*) FROM hub WHERE topic_url = ?"

    def is_stored() -> bool:
        with closing(sqlite3.connect(database)) as storage:
            return bool(storage.execute(count, (topic,)).fetchone()[0])

    until(is_stored, "the hub did not subscribe the reader")
    return topic


def waiting(server: Server) -> int:
    answer = request(server.admin_address, "GET", "/readyz")
    return int(json.loads(answer.body)["hub"]["waiting"])


def test_the_hub_of_flask_websub_hands_on_each_change_once(tmp_path: Path):
    articles, database, port = tmp_path / "articles", tmp_path / "hub.db", free_port()
    articles.mkdir()
    write(articles, "One", "one")
    write(articles, "Two", "two")
    with running_subscriber() as reader, running(database) as hub:
        toml = f'[websub]\nhub = "{hub}"\n[feeds]\nkinds = ["all", "topic"]\n'
        base = f"http://127.0.0.1:{port}"
        with serve(tmp_path, articles, "--port", str(port), base_url=base, toml=toml) as server:
            topics = [subscribe(reader, database, f"{base}/{path}") for path in TOPICS]
            assert topics == [f"{base}/{path}" for path in TOPICS]
            write(articles, "Two, edited unseen", "two", published=False)
            until(lambda: len(reader.received) == 3, lambda: str(reader.received))
            write(articles, "One, edited", "one")
            until(lambda: len(reader.received) == 9, lambda: str(reader.received))
            until(lambda: waiting(server) == 0, "something waits still")
    assert sorted(topic for topic, _ in reader.received[:3]) == sorted(topics[:3])
    assert sorted(topic for topic, _ in reader.received[3:]) == sorted(topics)
    for topic, body in reader.received[3:]:
        assert b"One, edited" in body, topic
    assert not any(b"Two" in body for _, body in reader.received)
