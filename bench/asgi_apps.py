"""Other applications on feedhub's web server (uvicorn), configured like feedhub.

python -m bench.asgi_apps fixed FILE PORT       sends one saved response to any request
python -m bench.asgi_apps static FOLDER PORT    Starlette's StaticFiles
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.load_test import HttpResponse

# These fields belong to one connection: uvicorn adds its own.
CONNECTION_FIELDS = {"connection", "keep-alive", "transfer-encoding"}


def save_response(response: HttpResponse, path: Path) -> Path:
    """Write a response to the file that `fixed_response` sends; return its path."""
    headers = [[n, v] for n, v in response.headers.items() if n not in CONNECTION_FIELDS]
    saved = {"status": response.status, "headers": headers, "body": response.body.hex()}
    path.write_text(json.dumps(saved), encoding="utf-8")
    return path


def fixed_response(path: Path) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the smallest application that can send a saved response."""
    saved = json.loads(path.read_text(encoding="utf-8"))
    headers = [(name.encode(), value.encode()) for name, value in saved["headers"]]
    start = {"type": "http.response.start", "status": saved["status"], "headers": headers}
    body = {"type": "http.response.body", "body": bytes.fromhex(saved["body"])}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start)
        await send(body)

    return app


def main() -> None:
    """Run one of the applications until the process is terminated."""
    kind, path, port = sys.argv[1:]
    app: ASGIApp
    if kind == "fixed":
        app = fixed_response(Path(path))
    else:
        app = Starlette(routes=[Mount("/", StaticFiles(directory=path))])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
