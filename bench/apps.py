"""Other applications on the uvicorn that feedhub uses, set up alike.

python -m bench.apps bare ANSWER PORT      sends what stands in a file, whatever is asked
python -m bench.apps static FOLDER PORT    Starlette's StaticFiles
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from bench.asking import Answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# Whoever sends them says them anew; uvicorn must not add its own.
_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


def keep(answer: Answer, place: Path) -> Path:
    """Write an answer down for `bare`."""
    headers = [[n, v] for n, v in answer.headers.items() if n not in _CONNECTION]
    told = {"status": answer.status, "headers": headers, "body": answer.body.hex()}
    place.write_text(json.dumps(told), encoding="utf-8")
    return place


def bare(place: Path) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the least that can send an answer."""
    told = json.loads(place.read_text(encoding="utf-8"))
    headers = [(name.encode(), value.encode()) for name, value in told["headers"]]
    start = {"type": "http.response.start", "status": told["status"], "headers": headers}
    body = {"type": "http.response.body", "body": bytes.fromhex(told["body"])}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start)
        await send(body)

    return app


def static(folder: Path) -> Starlette:
    """Return Starlette with nothing but files."""
    return Starlette(routes=[Mount("/", StaticFiles(directory=folder))])


def main() -> None:
    """Run one of them until it is ended."""
    kind, place, port = sys.argv[1:]
    app: ASGIApp = bare(Path(place)) if kind == "bare" else static(Path(place))
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
