"""The receiver's aiohttp application."""

import secrets
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from connectors.base import Clock, Connector, ConnectorKind, Publisher, SourceConfig, Status
from connectors.receiver import events, lookup, sources
from connectors.receiver.crowd import Crowd
from connectors.receiver.guard import watched
from connectors.receiver.parts import PARTS, Limits, Parts, ReceiverMetrics
from connectors.receiver.rates import Rates


def create_app(
    sources_by_name: Mapping[str, SourceConfig],
    *,
    connectors: Mapping[ConnectorKind, Connector],
    publisher: Publisher,
    status: Status,
    metrics: ReceiverMetrics,
    clock: Clock,
    not_ready: Callable[[], Awaitable[str | None]],
    limits: Limits | None = None,
    public_url: str = "",
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> web.Application:
    """An application over these parts, whose only state is what is in flight and how often each source came. It starts
    and stops none of them.

    `sources_by_name` is looked into at each request, so a mapping that changes when files are mended is followed.
    `connectors` are those with a door of their own, by kind (connectors.registry). `not_ready` says in one sentence
    why nothing could be accepted just now, or None. `public_url` is where senders find the receiver, without a slash at
    the end.
    """
    app = web.Application(middlewares=[watched])
    app[PARTS] = Parts(
        sources=sources_by_name,
        connectors=connectors,
        publisher=publisher,
        status=status,
        metrics=metrics,
        clock=clock,
        random_bytes=random_bytes,
        not_ready=not_ready,
        limits=limits or Limits(),
        public_url=public_url,
        rates=Rates(),
        crowd=Crowd(),
    )
    app.router.add_post("/v1/events", events.post_events)
    app.router.add_get("/v1/events/{source}/{id:.+}", lookup.get_event)
    app.router.add_post("/v1/sources/{source}", sources.post_source)
    app.router.add_get("/v1/schemas", lookup.get_schemas)
    app.router.add_get("/v1/schemas/{type}", lookup.get_schema)
    app.router.add_get("/healthz", lookup.healthz)
    app.router.add_get("/readyz", lookup.readyz)
    return app
