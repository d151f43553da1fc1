"""Ipv6Socket sockets: opened, replaced, or passed by the process that started the server."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from feedhub.errors import ConfigError
from feedhub.server.sockets import (
    activated_sockets,
    format_address,
    from_descriptor,
    listen_tcp,
    listen_unix,
)


def test_a_free_port_is_found_and_formatted():
    with listen_tcp("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert format_address(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(ConfigError) as refused:
            listen_tcp("127.0.0.1", port)
        why = "cannot listen: Address already in use; choose another port"
        assert str(refused.value) == f"127.0.0.1:{port}: {why}"


class Ipv6Socket:
    """A socket of IPv6, which not every machine has."""

    family = socket.AF_INET6

    def getsockname(self):
        return ("::1", 8000, 0, 0)


def test_an_ipv6_address_is_in_brackets():
    assert format_address(Ipv6Socket()) == "http://[::1]:8000"  # type: ignore[arg-type]


def test_an_unknown_host_is_refused():
    with pytest.raises(ConfigError, match="cannot listen"):
        listen_tcp("no such host", 0)


def test_a_unix_socket_has_the_permissions_given(tmp_path):
    path = tmp_path / "s"
    with listen_unix(path, 0o660) as listener:
        assert path.stat().st_mode & 0o777 == 0o660
        assert format_address(listener) == f"unix:{path}"
        with pytest.raises(ConfigError, match="cannot listen"):
            listen_unix(path, 0o660)  # the first one accepts connections


def test_a_stale_socket_is_replaced(tmp_path):
    path = tmp_path / "s"
    listen_unix(path, 0o660).close()
    assert path.exists()

    with listen_unix(path, 0o600):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_a_socket_is_not_replaced(tmp_path):
    path = tmp_path / "s"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="cannot listen"):
        listen_unix(path, 0o660)

    assert path.read_text() == "mine"


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot listen"):
        listen_unix(tmp_path / "none" / "s", 0o660)


def duplicate(listener: Any) -> int:
    return os.dup(listener.fileno())


def test_a_listening_descriptor_is_used(tmp_path):
    with listen_tcp("127.0.0.1", 0) as tcp, listen_unix(tmp_path / "s", 0o600) as unix:
        for listener in (tcp, unix):
            with from_descriptor(duplicate(listener)) as copy:
                assert copy.getsockname() == listener.getsockname()


def test_a_socket_that_does_not_listen_is_refused():
    with socket.socket() as listener, pytest.raises(ConfigError, match="does not listen"):
        from_descriptor(duplicate(listener))


def test_a_descriptor_of_a_file_is_refused(tmp_path):
    with Path(tmp_path / "f").open("wb") as file, pytest.raises(ConfigError, match="not a socket"):
        from_descriptor(file.fileno())


class TestActivation:
    """sd_listen_fds(3): sockets from the third descriptor on, perhaps with names."""

    @pytest.fixture
    def listeners(self, monkeypatch):
        with listen_tcp("127.0.0.1", 0) as one, listen_tcp("127.0.0.1", 0) as two:
            listener = {3: one, 4: two}
            monkeypatch.setattr("feedhub.server.sockets.from_descriptor", listener.__getitem__)
            yield one, two

    def activated(self, **environ: str) -> dict[str, socket.socket]:
        return activated_sockets({"LISTEN_PID": str(os.getpid()), **environ})

    def test_sockets_for_another_process_are_ignored(self, listeners):
        assert activated_sockets({"LISTEN_PID": "1", "LISTEN_FDS": "2"}) == {}
        assert activated_sockets({}) == {}

    def test_no_sockets_may_be_passed(self, listeners):
        assert self.activated() == {}

    def test_a_socket_without_a_name_is_public(self, listeners):
        assert self.activated(LISTEN_FDS="1") == {"public": listeners[0]}

    def test_a_socket_named_admin_is_the_admin_address(self, listeners):
        sockets = self.activated(LISTEN_FDS="2", LISTEN_FDNAMES="admin:feedhub.socket")

        assert sockets == {"admin": listeners[0], "public": listeners[1]}


@pytest.mark.parametrize("number", [-3, 999_999])
def test_a_number_that_is_no_descriptor_is_refused(number):
    with pytest.raises(ConfigError, match=f"--fd {number}: not a socket: "):
        from_descriptor(number)
