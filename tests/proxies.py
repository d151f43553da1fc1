"""The configurations of deploy/ started as they are shipped, on free ports of this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.launching import NOBODY, as_nobody
from tests.servers import free_port

DEPLOY = Path(__file__).parent.parent / "deploy"
CACHE_PURGE = Path("/usr/lib/nginx/modules/ngx_http_cache_purge_module.so")
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
NAME = "feeds.example.org"
START = 20.0

# nginx.conf as Debian has it around conf.d/*.conf, `gzip on` and its mime.types included.
_NGINX = """
user root;
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
{modules}
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/feedhub.conf;
}}
"""

Upstream = tuple[str, int] | Path


@dataclass
class Proxy:
    """A running nginx or Caddy: where it listens, what it wrote."""

    address: tuple[str, int]
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def log(self) -> str:
        """Return the access log so far: one JSON object a line."""
        path = self.folder / "access.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def errors(self) -> str:
        """Return what the program complained of."""
        return (self.folder / "error.log").read_text(encoding="utf-8", errors="replace")


def need(program: str) -> str:
    """Return a program's path, or skip the test."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{program} is missing: apt-get install {program}")
    return path


def changed(text: str, changes: dict[str, str]) -> str:
    """Replace each pattern, which must be there: a shipped file that moved on is an error."""
    for pattern, new in changes.items():
        text, times = re.subn(pattern, new.replace("\\", r"\\"), text, flags=re.MULTILINE)
        assert times, f"no line matches {pattern}"
    return text


@contextmanager
def _running(
    command: Sequence[str], folder: Path, port: int, env: dict[str, str] | None = None
) -> Iterator[Proxy]:
    """Start a server in a process group of its own, wait until it listens, and stop the group."""
    with (folder / "error.log").open("ab") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
    proxy = Proxy(("127.0.0.1", port), folder, process)
    try:
        _wait_for(proxy)
        yield proxy
    finally:
        _stop(process)


def _wait_for(proxy: Proxy) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert proxy.process.poll() is None, proxy.errors()
        with suppress(OSError), socket.create_connection(proxy.address, timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"it does not listen after {START} s:\n{proxy.errors()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    # Workers of a master that was killed are in its group still.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@contextmanager
def _nginx(
    folder: Path, text: str, changes: dict[str, str], names: str, *, bots: bool = False
) -> Iterator[Proxy]:
    nginx = need("nginx")
    if bots:
        text = changed(text, {r"^    # if \(\$feedhub_bot\)": "    if ($feedhub_bot)"})
        text = f"{(DEPLOY / 'nginx/bots.conf').read_text(encoding='utf-8')}{text}"
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    changes |= {
        r"^    listen 80\b": f"    listen 127.0.0.1:{port}",
        r"^    listen \[::\]:80.*$": "",
        rf"\b{re.escape(NAME)} ": f"{names} ",
        r"/var/log/nginx/feedhub\.log": f"{folder}/access.log",
    }
    used = {BROTLI: "\n    brotli_static on;", CACHE_PURGE: "\n        proxy_cache_purge "}
    modules = " ".join(f"load_module {path};" for path, line in used.items() if line in text)
    main = _NGINX.format(folder=folder, modules=modules)
    if os.geteuid() != 0:
        main = main.replace("user root;\n", "")
    (folder / "feedhub.conf").write_text(changed(text, changes), encoding="utf-8")
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    (folder / "error.log").touch()
    command = [nginx, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-p", f"{folder}"]
    with _running(command, folder, port) as proxy:
        yield proxy


@contextmanager
def nginx_proxy(
    folder: Path,
    upstreams: Sequence[Upstream],
    *,
    names: str = f"{NAME} 127.0.0.1",
    text: str | None = None,
    bots: bool = False,
) -> Iterator[Proxy]:
    """Run deploy/nginx/proxy.conf before the upstreams (addresses, or paths of unix sockets).

    `text` is what the file has become for a site of another name, `names`. With `bots` it stops
    robots.
    """
    if text is None:
        text = (DEPLOY / "nginx/proxy.conf").read_text(encoding="utf-8")
    else:
        text = text.replace(f"server_name {names} ", f"server_name {NAME} ")
    places = [f"unix:{up}" if isinstance(up, Path) else f"{up[0]}:{up[1]}" for up in upstreams]
    shipped = re.search(r"^    server unix:/run/feedhub/serve\.sock(.*);$", text, re.MULTILINE)
    assert shipped, "proxy.conf has no upstream"
    lines = "\n".join(f"    server {place}{shipped[1]};" for place in places)
    changes = {
        r"^    server unix:/run/feedhub/serve\.sock.*;$": lines,
        r"/var/cache/nginx/feedhub": f"{folder}/cache",
    }
    with _nginx(folder, text, changes, names, bots=bots) as proxy:
        yield proxy


@contextmanager
def nginx_static(
    folder: Path, public: Path, *, names: str = f"{NAME} 127.0.0.1", brotli: bool = False
) -> Iterator[Proxy]:
    """Run deploy/nginx/static.conf on a rendered folder; `brotli` needs Debian's module."""
    text = (DEPLOY / "nginx/static.conf").read_text(encoding="utf-8")
    if brotli:
        if not BROTLI.exists():
            pytest.skip("a module is missing: apt-get install libnginx-mod-http-brotli-static")
        text = changed(text, {r"^    # brotli_static on;": "    brotli_static on;"})
    with _nginx(folder, text, {r"/var/www/feedhub;": f"{public};"}, names) as proxy:
        yield proxy


@contextmanager
def _caddy(folder: Path, text: str, changes: dict[str, str]) -> Iterator[Proxy]:
    caddy = need("caddy")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    changes |= {
        r"^\tadmin .*$": "\tadmin off",
        rf"^{re.escape(NAME)} ": f"http://{NAME}:{port}, http://127.0.0.1:{port} ",
        r"^:80 ": f":{port} ",
        r"/var/log/caddy/feedhub\.log": f"{folder}/access.log",
    }
    (folder / "Caddyfile").write_text(changed(text, changes), encoding="utf-8")
    command = [caddy, "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]
    home = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), f"{folder}")
    with _running(command, folder, port, home) as proxy:
        yield proxy


@contextmanager
def caddy_proxy(folder: Path, upstream: Upstream, *, bots: bool = False) -> Iterator[Proxy]:
    """Run deploy/caddy/Caddyfile before one upstream; with `bots` it stops robots."""
    text = (DEPLOY / "caddy/Caddyfile").read_text(encoding="utf-8")
    if bots:
        shown = {
            r"^# import bots.caddy": "import bots.caddy",
            "# import feedhub_bots": "import feedhub_bots",
        }
        text = changed(text, shown)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEPLOY / "caddy/bots.caddy", folder)
    place = f"unix/{upstream}" if isinstance(upstream, Path) else f"{upstream[0]}:{upstream[1]}"
    changes = {r"reverse_proxy unix//run/feedhub/serve\.sock": f"reverse_proxy {place}"}
    with _caddy(folder, text, changes) as proxy:
        yield proxy


@contextmanager
def caddy_static(folder: Path, public: Path) -> Iterator[Proxy]:
    """Run deploy/caddy/static.Caddyfile on a rendered folder."""
    text = (DEPLOY / "caddy/static.Caddyfile").read_text(encoding="utf-8")
    with _caddy(folder, text, {r"/var/www/feedhub$": f"{public}"}) as proxy:
        yield proxy


# What Debian's apache2.conf says around sites-enabled, with the modules that are on, and the ones
# that the files name.
_APACHE = """
ServerRoot {folder}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
ServerName {name}
Timeout 300
KeepAlive On
Listen 127.0.0.1:{port}
{modules}
TypesConfig /etc/mime.types
AddType application/x-gzip .gz .tgz
AddOutputFilterByType DEFLATE text/html text/plain text/xml text/css application/rss+xml
AddOutputFilterByType DEFLATE application/xml image/svg+xml application/xhtml+xml
RequestReadTimeout header=20-40,minrate=500 body=10,minrate=500
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all denied
</Directory>
Include {folder}/feedhub.conf
"""
_APACHE_MODULES = (
    "mpm_event authz_core authz_host alias deflate dir env filter mime negotiation reqtimeout "
    "setenvif headers rewrite proxy proxy_http"
).split()


@contextmanager
def apache(
    folder: Path, name: str, changes: dict[str, str], *, host: str = "127.0.0.1"
) -> Iterator[Proxy]:
    """Run a file of deploy/apache for the names `feeds.example.org` and `host`."""
    program = need("apache2")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    text = (DEPLOY / "apache" / name).read_text(encoding="utf-8")
    changes |= {
        r"^<VirtualHost \*:80>": f"<VirtualHost 127.0.0.1:{port}>",
        rf"ServerName {re.escape(NAME)}$": f"ServerName {NAME}\n    ServerAlias {host}",
        r"/var/log/apache2/feedhub\.log": f"{folder}/access.log",
    }
    (folder / "feedhub.conf").write_text(changed(text, changes), encoding="utf-8")
    modules = "\n".join(
        f"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so"
        for module in _APACHE_MODULES
    )
    main = _APACHE.format(folder=folder, name=NAME, port=port, modules=modules)
    (folder / "apache.conf").write_text(main, encoding="utf-8")
    (folder / "error.log").touch()
    command = [program, "-f", f"{folder}/apache.conf", "-DFOREGROUND"]
    if os.geteuid() == 0:  # it refuses to serve as root, and others may not enter the folders here
        command = [*as_nobody(), *command]
        for path in (folder, *folder.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    with _running(command, folder, port) as proxy:
        yield proxy


@contextmanager
def apache_static(folder: Path, public: Path) -> Iterator[Proxy]:
    """Run deploy/apache/static.conf on a rendered folder."""
    with apache(folder, "static.conf", {r"/var/www/feedhub\b": f"{public}"}) as proxy:
        yield proxy


@contextmanager
def apache_proxy(folder: Path, upstream: Upstream) -> Iterator[Proxy]:
    """Run deploy/apache/proxy.conf before one upstream."""
    place = (
        f"unix:{upstream}|http://localhost/"
        if isinstance(upstream, Path)
        else f"http://{upstream[0]}:{upstream[1]}/"
    )
    shipped = re.escape("unix:/run/feedhub/serve.sock|http://localhost/")
    with apache(folder, "proxy.conf", {shipped: place}) as proxy:
        yield proxy


@contextmanager
def varnish_proxy(
    folder: Path, upstream: tuple[str, int], *, purgers: str = "localhost"
) -> Iterator[Proxy]:
    """Run deploy/varnish/feedhub.vcl before one upstream, as the command in its head does.

    `folder` must be one that every user may enter: varnishd runs as one with few rights.
    """
    program = need("varnishd")
    if not any(Path("/usr/lib").glob("**/vmods/libvmod_xkey.so")):
        pytest.skip("a module is missing: apt-get install varnish-modules")
    text = (DEPLOY / "varnish/feedhub.vcl").read_text(encoding="utf-8")
    place = f'    .host = "{upstream[0]}";\n    .port = "{upstream[1]}";'
    changes = {
        r'^    \.path = "/run/feedhub/serve\.sock";': place,
        '^    "localhost";': f'    "{purgers}";',
    }
    (folder / "feedhub.vcl").write_text(changed(text, changes), encoding="utf-8")
    (folder / "error.log").touch()
    port = free_port()
    command = [program, "-j", "none", "-F", "-n", f"{folder}/work", "-a", f"127.0.0.1:{port}"]
    command += ["-f", f"{folder}/feedhub.vcl", "-s", "malloc,64m", "-p", "http_gzip_support=off"]
    if os.geteuid() == 0:
        command = [*as_nobody(), *command]
        os.chown(folder, NOBODY, NOBODY)
    with _running(command, folder, port) as proxy:
        yield proxy
