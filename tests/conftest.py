"""Fixtures and settings of all tests: folders, a clean environment, skips that may not be."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.judges")

# Only `make torture` and `make generators` name them.
collect_ignore = ["generators", "torture"]

ROOT = Path(__file__).parent.parent
NO_SKIPS = "CI_NO_SKIPS"

# Set by coverage where it measures the processes that tests start.
_COVERAGE_VARIABLE = "COVERAGE_PROCESS_CONFIG"
_COVERAGE_OF_PROCESSES = os.environ.get(_COVERAGE_VARIABLE, "")

# nohup ignores it, and what is ignored is ignored by every process that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A slow or busy machine must not fail tests: examples have no deadline.
_NO_DEADLINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", parent=_NO_DEADLINE, max_examples=100)
# The same examples for each merge; the nightly run looks for new ones.
settings.register_profile("ci", parent=_NO_DEADLINE, max_examples=100, derandomize=True)
settings.register_profile("nightly", parent=_NO_DEADLINE, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


_NUMBERS = count()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    """Hide the FEEDHUB_* variables and the cache of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("FEEDHUB_")]:
        monkeypatch.delenv(name)
    # Not `mktemp`, which looks at the folders of all tests before: who needs this one makes it.
    cache = tmp_path_factory.getbasetemp() / "caches" / str(next(_NUMBERS))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait in this process for what is missing or was written a moment ago."""
    monkeypatch.setattr("feedhub.sources.files.SETTLE_SECONDS", 0)
    monkeypatch.setattr("feedhub.sources.files.QUIET_NS", 0)


@pytest.fixture
def front(bench: Any) -> Iterator[Any]:
    """Serve the site of the test's bench; return what asks the server."""
    from tests.fronts import front_of  # the server, which most tests do not need

    with front_of(bench) as running:
        yield running


@pytest.fixture
def behind() -> Iterator[Any]:
    """Run an origin that the test holds in its hand, for a proxy to stand before."""
    from tests.origin import origin

    with origin() as running:
        yield running


@pytest.fixture
def default_sigint() -> Iterator[None]:
    """Let the processes that a test starts receive SIGINT.

    A shell starts background jobs with SIGINT ignored (`make test &`): their children inherit
    that, and Python then installs no handler.
    """
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The folder of the five seed articles."""
    return ROOT / "seeds"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` next to the repository, with the large corpus; skip without it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"the corpus is not part of the repository: {folder} is missing")
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Measure the coverage of the processes that a test starts only where the test asks for it.

    A measured process takes twice the CPU time.
    """
    if _COVERAGE_OF_PROCESSES:
        if item.get_closest_marker("measured"):
            os.environ[_COVERAGE_VARIABLE] = _COVERAGE_OF_PROCESSES
        else:
            os.environ.pop(_COVERAGE_VARIABLE, None)


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(NO_SKIPS) and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and {NO_SKIPS} is set: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a skipped test as failed, if skips are forbidden."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Report a module that skips itself as failed, if skips are forbidden."""
    report = yield
    _forbid_skip(report)
    return report
