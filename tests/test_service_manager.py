"""`feedhub serve` under systemd: notifications, passed sockets; and unix sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kit import article_text
from tests.launching import activated, service_manager
from tests.servers import children, free_port, request, serve, start, until

pytestmark = pytest.mark.measured


@pytest.fixture
def source(tmp_path) -> Path:
    """A folder `articles` of one good article."""
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "one.md").write_text(article_text("One"), encoding="utf-8")
    return tmp_path / "articles"


def signals(pid: int, kind: str) -> set[int]:
    """Return the signals that a process ignores (`SigIgn`) or catches (`SigCgt`)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="latin-1")
    mask = int(status.partition(f"{kind}:")[2].split()[0], 16)
    return {number for number in range(1, 32) if mask >> (number - 1) & 1}


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize(
    "command",
    [
        ["serve", "articles", "--port", "0"],
        ["serve", "articles", "--port", "0", "--workers", "2"],
        ["sync", "articles", "--watch"],
        ["ping", "--watch"],
    ],
)
def test_sighup_never_ends_a_command_that_is_starting(tmp_path, source, command):
    arguments = [*command, "--catalog", "catalog.db"]
    arguments += [] if command[0] == "ping" else ["--base-url", "https://feeds.example.org"]
    with start(tmp_path, arguments) as server:
        pid = server.process.pid
        until(lambda: signal.SIGHUP in signals(pid, "SigIgn"), "SIGHUP is not ignored")
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            server.process.send_signal(signal.SIGHUP)
            for child in children(pid):
                # Until it executes its own command, a child still shows the handlers of the server.
                own = command_line(child) != command_line(pid)
                if own and signals(child, "SigCgt") | signals(child, "SigIgn") >= {signal.SIGHUP}:
                    os.kill(child, signal.SIGHUP)
            time.sleep(0.02)
        assert server.process.poll() is None, server.stderr()
        until(lambda: signal.SIGTERM in signals(pid, "SigCgt"), "it does not start")
        assert server.stop() == 0
        assert "restarting" not in server.stderr()


@pytest.mark.parametrize("command", ["serve", "sync", "ping", "render"])
def test_sighup_is_ignored_before_the_command_is_loaded(command):
    code = (
        "import signal, sys\n"
        "from feedhub import cli\n"
        "ignored = lambda _: sys.exit(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)\n"
        "cli.registry.parse = ignored\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, command], check=False)
    assert done.returncode == (command != "render")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_at_once_ends_no_process_and_reaches_all(tmp_path, source, workers):
    toml = '[site]\ntitle = "First"\n'
    with serve(tmp_path, source, "--workers", str(workers), toml=toml, wait=False) as server:
        until(lambda: "admin on" in server.stderr(), "it does not start")
        text = '[site]\ntitle = "Second"\n[http]\nmax_age = 1234\n'
        (tmp_path / "feedhub.toml").write_text(text, encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        server.wait_until_ready()
        until(lambda: b"Second" in request(server, "GET", "/all.rss").body, "the title stays")
        for _ in range(8):  # from each worker
            answer = request(server, "GET", "/all.rss")
            assert answer["cache-control"].startswith("public, max-age=1234,")
        assert "restarting" not in server.stderr()
        assert 'feedhub_process_restarts_total{process="feedhub sync"} 0.0' in server.metrics()


@pytest.mark.parametrize("workers", [1, 2])
def test_systemd_is_notified_of_ready_reload_and_stop(tmp_path, source, workers):
    port = free_port()
    arguments = ("--port", str(port), "--workers", str(workers))
    with service_manager(tmp_path) as manager:
        env = {"NOTIFY_SOCKET": str(manager.path)}
        with serve(tmp_path, source, *arguments, env=env, wait=False) as server:
            manager.wait_for("READY=1")
            assert manager.received == ["READY=1"]
            socket.create_connection(("127.0.0.1", port), timeout=30).close()
            server.wait_until_ready()
            server.process.send_signal(signal.SIGHUP)
            manager.wait_for("READY=1", times=2)
            assert server.stop() == 0
        received = manager.listen()
    assert [message.split("\n")[0] for message in received] == [
        "READY=1",
        "RELOADING=1",
        "READY=1",
        "STOPPING=1",
    ]
    assert received[1].split("\n")[1].startswith("MONOTONIC_USEC=")


def test_the_watchdog_is_notified_while_the_server_works(tmp_path, source):
    with service_manager(tmp_path) as manager:
        env = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "600000"}
        with serve(tmp_path, source, env=env) as server:
            manager.wait_for("WATCHDOG=1", times=3)
            server.process.send_signal(signal.SIGSTOP)
            received = len(manager.listen())
            with pytest.raises(AssertionError, match="in vain"):
                until(lambda: len(manager.listen()) > received + 1, "a sign of life", 1.5)
            server.process.send_signal(signal.SIGCONT)
            manager.wait_for("WATCHDOG=1", times=received + 1)


def test_without_a_watchdog_it_is_not_notified(tmp_path, source):
    with service_manager(tmp_path) as manager:
        with serve(tmp_path, source, env={"NOTIFY_SOCKET": str(manager.path)}) as server:
            assert server.stop() == 0
        assert manager.listen() == ["READY=1", "STOPPING=1"]


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_sockets_of_systemd_are_served_and_left_open(tmp_path, source, kind):
    public, admin = listener(tmp_path / "public.sock", kind), listener(tmp_path / "admin", kind)
    with public, admin:
        named = {"public": public, "admin": admin}
        arguments = ["serve", str(source), "--base-url", "https://feeds.example.org"]
        with activated(tmp_path, named, [*arguments, "--catalog", "catalog.db"]) as server:
            # A connection made before it is up is answered too.
            early = request(public.getsockname(), "GET", "/all.atom", timeout=60)
            assert early.status in (200, 503)
            address = admin.getsockname()
            until(lambda: request(address, "GET", "/readyz").status == 200, server.stderr)
            answer = request(public.getsockname(), "GET", "/all.atom")
            assert b"<title>One</title>" in answer.body
            assert server.stop() == 0
        assert kind == "tcp" or (tmp_path / "public.sock").exists()
        # systemd still listens: who comes now is answered by the next one.
        with activated(tmp_path, named, [*arguments, "--catalog", "catalog.db"]):
            again = request(public.getsockname(), "GET", "/all.atom", timeout=60)
            assert again["etag"] == answer["etag"]


def listener(address: Path, kind: str) -> socket.socket:
    if kind == "tcp":
        return socket.create_server(("127.0.0.1", 0))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(address))
    listening.listen()
    return listening


def test_a_unix_socket_is_served_and_removed_at_the_end(tmp_path, source):
    with serve(tmp_path, source, "--uds", "public.sock") as server:
        assert server.url == "unix:public.sock"
        assert request(server, "GET", "/all.atom").status == 200
        assert server.stop() == 0
        assert not (tmp_path / "public.sock").exists()


def test_behind_a_unix_socket_the_log_has_the_address_that_the_proxy_gives(tmp_path, source):
    with serve(tmp_path, source, "--uds", "public.sock", "--log", "json") as server:
        for text in ("192.0.2.8, 198.51.100.9", ""):
            request(server, "GET", "/all.atom", [("X-Forwarded-For", text)] if text else [])
        lines = until(
            lambda: len(found := server.stdout().splitlines()) == 2 and found, "two lines"
        )
    assert [json.loads(line)["client"] for line in lines] == ["198.51.100.9", "unix:"]


def test_without_a_base_url_addresses_begin_with_where_it_listens(tmp_path, source):
    port, host = str(free_port()), "0.0.0.0"  # noqa: S104 - what a container gives
    with serve(tmp_path, source, "--port", port, "--host", host, base_url=None) as server:
        url = f"http://127.0.0.1:{port}"
        assert f"every address begins with {url}: set site.base_url" in server.stderr()
        links = json.loads(request(("127.0.0.1", int(port)), "GET", "/all.json").body)
        assert links["feed_url"] == f"{url}/all.json"
        # The address that is configured later counts after a reload.
        text = '[site]\nbase_url = "https://feeds.example.org"\n'
        (tmp_path / "feedhub.toml").write_text(text, encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        feed = b"https://feeds.example.org/all.json"
        until(lambda: feed in request(server, "GET", "/all.json").body, "the address stays")


def test_without_a_configuration_of_its_own_a_server_uses_that_of_its_catalog(tmp_path, source):
    (tmp_path / "sync.toml").write_text("[http]\nmax_age = 1234\n", encoding="utf-8")
    sync = ["sync", "articles", "--catalog", "catalog.db", "--config", "sync.toml"]
    with start(tmp_path, sync) as ran:
        assert ran.process.wait(60) == 0
    with serve(tmp_path, base_url=None) as server:
        assert "max-age=1234," in request(server, "GET", "/all.rss")["cache-control"]
    with serve(tmp_path, base_url=None, toml="[http]\nmax_age = 77\n") as server:
        assert "max-age=77," in request(server, "GET", "/all.rss")["cache-control"]


def test_a_unix_socket_of_a_killed_server_is_replaced(tmp_path, source):
    with serve(tmp_path, source, "--uds", "public.sock") as server:
        server.kill()
    assert (tmp_path / "public.sock").exists()
    with serve(tmp_path, source, "--uds", "public.sock") as server:
        assert request(server, "GET", "/all.atom").status == 200
