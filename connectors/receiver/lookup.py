"""What senders and orchestrators may ask: what became of an event, what may be sent, whether the receiver works."""

from collections.abc import Mapping
from functools import cache

import msgspec
from aiohttp import web

from connectors import auth
from connectors.base import StatusUnavailable, Unauthentic, VerifiedBody
from connectors.receiver import admission, problems, reading
from connectors.receiver.parts import PARTS, TRAIL
from schemas.codec import shorten, to_json
from schemas.events import EVENT_TYPES
from schemas.events.table import unknown_type_message


async def get_event(request: web.Request) -> web.Response:
    """200 with an EventStatus for the event's own source; 404 while the ledger does not know the event."""
    parts, source, event_id = request.app[PARTS], request.match_info["source"], request.match_info["id"]
    if source in parts.sources:
        request[TRAIL].source = source
    try:
        verified = VerifiedBody(
            reading.bare(request, parts), lambda raw: auth.authenticate(raw, parts.sources, parts.clock.now())
        )
        if not verified.speaks_for(source):
            raise Unauthentic
    except Unauthentic as error:
        raise problems.unauthentic(error) from None
    admission.admit(parts, parts.sources[source])
    try:
        with admission.at_work(parts):
            status = await parts.status.of_event(source, event_id)
    except StatusUnavailable:
        raise problems.unavailable("the ledger cannot be asked just now", parts.limits.retry_after_s) from None
    if status is None:
        raise problems.not_found(
            f"the ledger does not know event {shorten(event_id)} of {source} (yet)",
            "accepted events appear within seconds: ask again; if it stays unknown, send it again with the same id",
        )
    return _json(to_json(status))


async def get_schemas(request: web.Request) -> web.Response:
    """The list of event types."""
    return _json(_catalogue())


async def get_schema(request: web.Request) -> web.Response:
    """The JSON Schema of one event type's data."""
    type_ = request.match_info["type"]
    schema = _schemas().get(type_)
    if schema is None:
        raise problems.not_found(unknown_type_message(type_), "GET /v1/schemas lists the types")
    return _json(schema, "application/schema+json")


async def healthz(request: web.Request) -> web.Response:
    """200 while the process answers."""
    return _json(to_json({"status": "ok"}))


async def readyz(request: web.Request) -> web.Response:
    """200 if requests would be accepted, else 503 with what is missing."""
    parts = request.app[PARTS]
    missing = await parts.not_ready() if parts.sources else "no source is configured: add one to the tenant files"
    if missing is not None:
        raise problems.unavailable(missing, parts.limits.retry_after_s)
    return _json(to_json({"status": "ready", "sources": len(parts.sources)}))


@cache
def _schemas() -> Mapping[str, bytes]:
    return {type_: to_json(msgspec.json.schema(row.data)) for type_, row in EVENT_TYPES.items()}


@cache
def _catalogue() -> bytes:
    types = [
        {
            "type": type_,
            "description": (row.data.__doc__ or "").strip(),
            "topic": row.topic,
            "draft": row.draft,
            "schema": f"/v1/schemas/{type_}",
        }
        for type_, row in EVENT_TYPES.items()
    ]
    return to_json({"types": types})


def _json(body: bytes, content_type: str = "application/json") -> web.Response:
    return web.Response(body=body, content_type=content_type)
