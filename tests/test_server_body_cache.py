"""The cache of documents: each built once for all who wait, of bounded size, never mixed up."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.server.builder import BodyCache
from feedhub.server.catalog_reader import BuiltDocument


def resource(path: str = "all.rss", fingerprint: str = "f") -> Any:
    return SimpleNamespace(planned=SimpleNamespace(path=path, fingerprint=fingerprint))


class Builder:
    """A fake builder that waits until it may build, and records its calls."""

    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.calls: list[tuple[str, str, bytes | None]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.error: Exception | None = None
        self.successor: Any = None

    async def __call__(self, wanted: Any, coding: str, plain: bytes | None) -> BuiltDocument:
        self.calls.append((wanted.planned.path, coding, plain))
        await self.free.wait()
        if self.error:
            raise self.error
        built = self.successor or wanted
        body = f"{built.planned.path} {built.planned.fingerprint} ".encode().ljust(self.size, b".")
        return BuiltDocument(built, body, body[: self.size // 2] if coding else body)


def test_a_built_document_is_cached():
    async def run() -> None:
        bodies = BodyCache(1_000, Builder())
        assert bodies.get(resource(), "") is None

        built = await bodies.get_or_build(resource(), "")

        assert built.body == built.plain == bodies.get(resource(), "")
        assert bodies.get(resource(), "gzip") is None
        assert bodies.get(resource("all.atom"), "") is None
        assert bodies.get(resource(fingerprint="another"), "") is None

    asyncio.run(run())


def test_a_coding_is_made_from_the_cached_bytes():
    async def run() -> None:
        builder = Builder(20)
        bodies = BodyCache(1_000, builder)
        plain = (await bodies.get_or_build(resource(), "")).plain
        coded = (await bodies.get_or_build(resource(), "gzip")).body

        assert builder.calls == [("all.rss", "", None), ("all.rss", "gzip", plain)]
        assert bodies.get(resource(), "gzip") == coded
        assert bodies.get(resource(), "") == plain

    asyncio.run(run())


def test_building_a_coding_caches_the_plain_bytes_too():
    async def run() -> None:
        bodies = BodyCache(1_000, Builder(20))
        built = await bodies.get_or_build(resource(), "br")

        assert bodies.get(resource(), "") == built.plain
        assert bodies.get(resource(), "br") == built.body

    asyncio.run(run())


def test_a_hundred_requests_at_once_build_one_document():
    async def run() -> None:
        builder = Builder()
        builder.free.clear()
        bodies = BodyCache(1_000, builder)
        waiting = [asyncio.ensure_future(bodies.get_or_build(resource(), "")) for _ in range(100)]
        waiting += [asyncio.ensure_future(bodies.get_or_build(resource("all.atom"), ""))]
        await asyncio.sleep(0)
        builder.free.set()
        answers = await asyncio.gather(*waiting)

        assert [path for path, _, _ in builder.calls] == ["all.rss", "all.atom"]
        assert len({id(answer.body) for answer in answers}) == 2

    asyncio.run(run())


def test_two_versions_are_built_separately():
    async def run() -> None:
        builder = Builder()
        builder.free.clear()
        bodies = BodyCache(1_000, builder)
        waiting = [
            asyncio.ensure_future(bodies.get_or_build(resource(fingerprint=f), "")) for f in "ab"
        ]
        await asyncio.sleep(0)
        builder.free.set()
        old, new = await asyncio.gather(*waiting)

        assert (old.body.split()[1], new.body.split()[1]) == (b"a", b"b")

    asyncio.run(run())


def test_a_client_that_hangs_up_does_not_stop_the_others():
    async def run() -> None:
        builder = Builder()
        builder.free.clear()
        bodies = BodyCache(1_000, builder)
        first, second = (
            asyncio.ensure_future(bodies.get_or_build(resource(), "")) for _ in range(2)
        )
        await asyncio.sleep(0)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        builder.free.set()

        assert (await second).body
        assert len(builder.calls) == 1

    asyncio.run(run())


def test_an_error_is_raised_for_every_waiting_request_and_not_cached():
    async def run() -> None:
        builder = Builder()
        builder.error = OSError("gone")
        bodies = BodyCache(1_000, builder)
        results = await asyncio.gather(
            *(bodies.get_or_build(resource(), "") for _ in range(3)), return_exceptions=True
        )
        assert results == [builder.error] * 3
        assert len(builder.calls) == 1

        builder.error = None
        assert (await bodies.get_or_build(resource(), "")).body

    asyncio.run(run())


def test_an_error_that_nothing_waits_for_is_not_logged():
    logged: list[Any] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: logged.append(what))
        builder = Builder()
        builder.error = OSError("gone")
        builder.free.clear()
        bodies = BodyCache(1_000, builder)
        only = asyncio.ensure_future(bodies.get_or_build(resource(), ""))
        await asyncio.sleep(0)
        only.cancel()
        with suppress(asyncio.CancelledError):
            await only
        builder.free.set()
        await asyncio.sleep(0.01)

    asyncio.run(run())
    assert logged == []


def test_the_end_of_the_loop_is_no_error():
    logged: list[Any] = []

    async def run() -> BodyCache:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: logged.append(what))
        builder = Builder()
        builder.free.clear()
        bodies = BodyCache(1_000, builder)
        asyncio.ensure_future(bodies.get_or_build(resource(), ""))  # noqa: RUF006 - left alone on purpose
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return bodies

    assert asyncio.run(run()).size == 0
    assert logged == []


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_document_that_changed_while_it_was_built_is_cached_as_the_new_one(coding):
    async def run() -> None:
        builder = Builder()
        builder.successor = resource(fingerprint="new")
        bodies = BodyCache(1_000, builder)
        built = await bodies.get_or_build(resource(fingerprint="old"), coding)

        assert built.resource is builder.successor
        assert bodies.get(resource(fingerprint="old"), coding) is None
        assert bodies.get(builder.successor, coding) == built.body
        assert bodies.get(builder.successor, "") == built.plain

    asyncio.run(run())


def test_the_least_recently_used_document_goes_first():
    async def run() -> None:
        bodies = BodyCache(30, Builder(10))
        for path in "abc":
            await bodies.get_or_build(resource(path), "")
        assert bodies.get(resource("a"), "")
        await bodies.get_or_build(resource("d"), "")

        assert [path for path in "abcd" if bodies.get(resource(path), "")] == ["a", "c", "d"]
        assert bodies.size == 30

    asyncio.run(run())


def test_a_document_larger_than_the_cache_is_built_and_not_cached():
    async def run() -> None:
        bodies = BodyCache(5, Builder(10))

        assert (await bodies.get_or_build(resource(), "")).body
        assert bodies.get(resource(), "") is None
        assert bodies.size == 0

    asyncio.run(run())


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from("12"), st.sampled_from(["", "br"]), st.booleans()
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 60), st.sampled_from([8, 11, 20]))
def test_the_cache_behaves_like_a_plain_list(steps, max_bytes, size):
    """The model is a list of the documents in the order of their last use."""
    model: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()

    def keep(path: str, coding: str, fingerprint: str, length: int) -> None:
        model.pop((path, coding), None)
        if length > max_bytes:  # it would push out everything else
            return
        model[path, coding] = (fingerprint, length)
        while sum(length for _, length in model.values()) > max_bytes:
            del model[next(iter(model))]

    def touch(path: str, coding: str, fingerprint: str) -> bool:
        found = model.get((path, coding))
        if found is None:
            return False
        model.move_to_end((path, coding))
        return found[0] == fingerprint

    async def run() -> None:
        bodies = BodyCache(max_bytes, Builder(size))
        for path, fingerprint, coding, build in steps:
            wanted = resource(path, fingerprint)
            if build:
                await bodies.get_or_build(wanted, coding)
                touch(path, "", fingerprint)
                keep(path, "", fingerprint, size)
                if coding:
                    keep(path, coding, fingerprint, size // 2)
            else:
                assert (bodies.get(wanted, coding) is not None) == touch(path, coding, fingerprint)
            assert bodies.size == sum(length for _, length in model.values()) <= max_bytes

    asyncio.run(run())


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_bytes_and_fingerprint_always_match(coding):
    """While documents change, each result names the document that it is of."""

    async def run() -> None:
        builder = Builder(30)
        bodies = BodyCache(100, builder)

        async def reader(number: int) -> None:
            for turn in range(20):
                wanted = resource("all.rss", str((number + turn) % 5))
                builder.successor = resource("all.rss", str(turn % 5))
                built = await bodies.get_or_build(wanted, coding)
                name = built.resource.planned.fingerprint.encode()
                assert built.plain.split()[1] == name
                cached = bodies.get(built.resource, coding)
                assert cached is None or cached.split()[1] == name

        await asyncio.gather(*(reader(number) for number in range(8)))

    asyncio.run(run())
