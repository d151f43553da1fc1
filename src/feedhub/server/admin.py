"""The operator's own address: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from feedhub.server.metrics import exposition

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from feedhub.server.metrics import Metrics
    from feedhub.server.status import Status

_HEADERS = {"cache-control": "no-store"}
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def make_admin(metrics: Metrics, status: Callable[[], Status]) -> Starlette:
    """Return the application of the admin address."""

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def readyz(_: Request) -> Response:
        now = status()
        return JSONResponse(now.facts(), 200 if now.ready else 503, headers=_HEADERS)

    async def metricsz(_: Request) -> Response:
        body = exposition(metrics, status)
        return Response(body, headers=_HEADERS | {"content-type": _EXPOSITION})

    app = Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metricsz)]
    )
    app.router.redirect_slashes = False
    return app
