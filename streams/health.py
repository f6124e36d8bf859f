"""The worker's own address: /metrics for Prometheus, /healthz and /readyz for whoever runs it."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from streams.metrics import MetricsRegistry
from streams.reload import BROKEN_FILES

NotReady = Callable[[], str | None]
"""Why the process cannot do its work just now, or None."""


def add_routes(
    app: web.Application,
    metrics: MetricsRegistry,
    not_ready: NotReady,
    broken_files: Callable[[], str | None] = lambda: None,
) -> None:
    """The three addresses. /healthz answers as long as the loop turns; /readyz says 503 and why, and in either case
    what is wrong with tenant files that were changed meanwhile: the last good ones stay in force."""
    add_metrics(app, metrics)

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        why = not_ready()
        broken = broken_files()
        words = f"{why or 'ready'}\n" + (f"{BROKEN_FILES}: {broken}\n" if broken else "")
        return web.Response(text=words, status=503 if why else 200)

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


def add_metrics(app: web.Application, metrics: MetricsRegistry) -> None:
    """/metrics alone, for an application that has the other two."""

    async def show_metrics(_request: web.Request) -> web.Response:
        # The content type carries its own charset, which aiohttp takes only as a header.
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/metrics", show_metrics)
