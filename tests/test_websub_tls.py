"""A hub with TLS: its certificate is checked, also after a redirect."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from feedhub import http_client
from feedhub.delivery.requests import ReceiverReply
from feedhub.http_client import HttpClient
from feedhub.websub.hub import send_ping
from tests.hubs import http_server

NAME = "hub.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of hub.example."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is missing: apt-get install openssl")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{file}"]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    command = [openssl, "req", "-x509", *key, *names, "-out", f"{file}.crt", "-days", "2"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """The port of the hub on this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with http_server(lambda *_: (204, {}, b""), tls=context) as url:
        yield int(url.rpartition(":")[2])


def ping_by_redirect(
    names: list[str], port: int, monkeypatch: pytest.MonkeyPatch
) -> list[ReceiverReply]:
    """Ping a hub that redirects to one of these hosts at a time; all are this machine."""

    async def this_machine(host: str, *_: object) -> str:
        assert host in names
        return "127.0.0.1"

    async def ping_all(url: str) -> list[ReceiverReply]:
        topic = "https://feeds.example.org/all.atom"
        async with HttpClient(use_proxies=True) as client:
            return [await send_ping(client, url, topic) for _ in names]

    monkeypatch.setattr(http_client, "public_address", this_machine)
    locations = iter([{"Location": f"https://{name}:{port}/hub"} for name in names])
    with http_server(lambda *_: (308, next(locations), b"")) as url:
        assert urlsplit(url).scheme == "http"
        return asyncio.run(ping_all(url))


def test_a_redirect_to_the_name_of_the_certificate_is_followed(port, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    assert ping_by_redirect([NAME, NAME], port, monkeypatch) == [
        ReceiverReply("accepted"),
        ReceiverReply("accepted"),
    ]


def test_a_redirect_to_another_name_than_the_certificate_fails(port, certificate, monkeypatch):
    """Also if a connection to the same IP address is open, under the right name."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    first, second = ping_by_redirect([NAME, "other.example"], port, monkeypatch)
    assert first == ReceiverReply("accepted")
    assert second.verdict == "failed"
    assert "certificate is not valid for 'other.example'" in second.reason


def test_a_self_signed_certificate_fails(port, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    (answer,) = ping_by_redirect([NAME], port, monkeypatch)
    assert answer.verdict == "failed"
    assert "self-signed certificate" in answer.reason
