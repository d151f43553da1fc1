"""The queue of searches and stories: fair to clients, deaf to those that have hung up."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from feedhub.config import HttpConfig
from feedhub.errors import CatalogError
from feedhub.server.on_demand import MAX_WAITING, FairQueue, HungUpError
from feedhub.server.run import make_server
from tests.fronts import Front, bench_on_disk, call_app, front_of, scope_of

BUSY, OTHER = "192.0.2.1", "198.51.100.9"


async def listening() -> Any:
    """Receive nothing: the client waits."""
    await asyncio.Event().wait()


async def hung_up() -> Any:
    return {"type": "http.disconnect"}


class Turns:
    """Requests in a queue; `log` has the client of each that got a turn."""

    def __init__(self) -> None:
        self.queue = FairQueue()
        self.log: list[str] = []

    async def request(self, client: str, receive: Callable[[], Awaitable[Any]] = listening) -> None:
        async with self.queue.turn(client, receive):
            self.log.append(client)
            await asyncio.sleep(0.001)

    def start(
        self, clients: str, receive: Callable[[], Awaitable[Any]] = listening
    ) -> list[asyncio.Task[None]]:
        """Start a request of each client, in this order."""
        return [asyncio.ensure_future(self.request(client, receive)) for client in clients]


def run(test: Callable[[Turns], Awaitable[None]]) -> None:
    turns = Turns()
    asyncio.run(test(turns))  # type: ignore[arg-type]
    queue = turns.queue
    assert (dict(queue._waiting), queue._client_locks, queue._lock.locked()) == ({}, {}, False)


def test_a_client_waits_for_one_request_of_each_other_client():
    async def test(turns: Turns) -> None:
        await asyncio.gather(*turns.start("AAAAAAAABBBBS"))
        assert "".join(turns.log) == "ABSABABABAAAA"

    run(test)


def test_one_request_runs_at_a_time():
    async def test(turns: Turns) -> None:
        running: list[int] = []

        async def request(client: str) -> None:
            async with turns.queue.turn(client, listening):
                running.append(1)
                await asyncio.sleep(0)
                assert len(running) == 1
                running.clear()

        await asyncio.gather(*map(request, "AABBCAC"))

    run(test)


def test_a_client_that_has_hung_up_gets_no_turn():
    async def test(turns: Turns) -> None:
        tasks = turns.start("A") + turns.start("ABCD", hung_up) + turns.start("S")
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert turns.log == ["A", "S"]
        assert [type(result) for result in results[1:5]] == [HungUpError] * 4

    run(test)


def test_a_cancelled_request_passes_its_turn_on():
    async def test(turns: Turns) -> None:
        tasks = turns.start("AABBS")
        await asyncio.sleep(0)
        for task in tasks[1:4]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert turns.log == ["A", "S"]

    run(test)


def test_a_request_that_fails_passes_its_turn_on():
    async def test(turns: Turns) -> None:
        with pytest.raises(ValueError, match="wrong"):
            async with turns.queue.turn("A", listening):
                raise ValueError("wrong")
        await asyncio.gather(*turns.start("AB"))
        assert turns.log == ["A", "B"]

    run(test)


def test_a_client_with_too_many_requests_is_refused_and_no_other():
    async def test(turns: Turns) -> None:
        tasks = turns.start("A" * MAX_WAITING)
        await asyncio.sleep(0)
        with pytest.raises(CatalogError, match="too many"):
            await turns.request("A")
        await turns.request("S")
        assert turns.log == ["A", "S"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(test)


def test_the_number_of_waiting_clients_is_bounded():
    async def test(turns: Turns) -> None:
        tasks = [asyncio.ensure_future(turns.request(str(n))) for n in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(CatalogError, match="too many"):
            await turns.request("S")
        await asyncio.gather(*tasks)
        await turns.request("S")

    run(test)


@pytest.fixture
def front(tmp_path) -> Iterator[Front]:
    """A server with two articles, whose searches take 20 milliseconds; `slow.count` of them."""
    bench = bench_on_disk(tmp_path, feeds__search="yes")
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench) as front:
        find = front.reader.on_demand

        def slow(*given: Any) -> Any:
            front.reader.looked_up += 1
            time.sleep(0.02)
            return find(*given)

        front.reader.looked_up = 0
        front.reader.on_demand = slow
        yield front
    bench.catalog.close()


def test_one_search_of_a_client_overtakes_the_many_of_another(front):
    ended: list[str] = []

    async def search(client: str, number: int) -> None:
        scope = scope_of(f"/search.rss?q=first&not_topic=x{number}", host="h")
        scope["client"] = (client, 1)
        assert (await call_app(front.app, scope)).status == 200
        ended.append(client)

    async def send_all() -> None:
        busy = [search(BUSY, number) for number in range(20)]
        await asyncio.gather(*busy, search(OTHER, 99))

    front.runner.run(send_all())
    assert ended.index(OTHER) <= 2


def test_equal_searches_are_looked_up_once(front):
    async def send_all() -> None:
        requests = [
            call_app(front.app, scope_of("/search.rss?q=first", host="h")) for _ in range(20)
        ]
        assert {reply.status for reply in await asyncio.gather(*requests)} == {200}

    front.runner.run(send_all())
    assert front.reader.looked_up == 1


def test_a_wrong_or_a_cached_search_does_not_wait(front):
    front.get("/search.rss?q=first")
    front.builder.on_demand_queue.turn = SimpleNamespace  # which is no context to wait in
    assert front.get("/search.rss?since=never").status == 400
    assert front.get("/search.rss?since=never", "POST").status == 405
    assert front.get("/search.rss?q=first").status == 200


@pytest.mark.parametrize("parser", ["h11", "httptools"])
def test_searches_of_clients_that_hang_up_are_dropped(front, parser):
    """Through the HTTP parser, which tells who is gone."""

    async def send_all() -> bytes:
        listener = socket.create_server(("127.0.0.1", 0))
        server = make_server(front.app, HttpConfig(parser=parser), dates=False)
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        writers = []
        for number in range(30):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            target = f"/search.rss?q=first&not_topic=x{number}"
            writer.write(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            writers.append(writer)
            if number == 0:
                await asyncio.sleep(0.01)
        for writer in writers[:-1]:
            writer.close()
        answer = await asyncio.wait_for(reader.read(15), 20)
        writers[-1].close()
        server.should_exit = True
        await serving
        return answer

    assert front.runner.run(send_all()) == b"HTTP/1.1 200 OK"
    assert front.reader.looked_up < 8
    front.refresh()
    assert front.log.getvalue().count('" 499 0 ') > 20
