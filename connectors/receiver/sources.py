"""`POST /v1/sources/{source}`: webhooks of systems that sign in their own way, put into `raw` as they came."""

from typing import Final

from aiohttp import web

from connectors.base import Connector, HttpRequest, SourceConfig, Unauthentic, VerifiedBody
from connectors.receiver import admission, problems, publishing, reading, tracing
from connectors.receiver.parts import PARTS, TRAIL, Parts
from schemas import raw
from schemas.codec import shorten, to_json
from schemas.raw import RawRecord

_SHARE_OF_WAITING: Final = 0.9


async def post_source(request: web.Request) -> web.Response:
    """What the source expects once the broker has the request, and for a bad signature; Refusal for everything else."""
    parts = request.app[PARTS]
    config, connector = _door(parts, request.match_info["source"])
    request[TRAIL].source = config.name
    bytes_max = min(config.body_bytes_max, parts.limits.body_bytes_max)
    received = await reading.receive(request, bytes_max, parts)
    answers = connector.answers
    with admission.at_work(parts):
        record = _record(parts, connector, _proven(parts, received, config, connector))
        admission.admit(parts, config)
        # An answer that comes when the source has hung up is none, and the rest of the way takes time too.
        timeout_s = min(parts.limits.publish_timeout_s, answers.within_s * _SHARE_OF_WAITING)
        await publishing.publish(parts, "raw", raw.to_kafka(record), timeout_s)
    request[TRAIL].result = "accepted"
    if answers.empty:
        return web.Response(status=answers.accepted)
    return web.Response(body=to_json({"received": True}), status=answers.accepted, content_type="application/json")


def _door(parts: Parts, source: str) -> tuple[SourceConfig, Connector]:
    config = parts.sources.get(source)
    connector = parts.connectors.get(config.connector) if config else None
    if config is None or connector is None:
        raise problems.not_found(
            f"no source {shorten(source)} takes webhooks here",
            "check the address against the sources of the tenant files; CloudEvents go to /v1/events",
        )
    return config, connector


def _proven(parts: Parts, received: HttpRequest, config: SourceConfig, connector: Connector) -> VerifiedBody:
    def verifier(request: HttpRequest) -> tuple[SourceConfig, ...]:
        connector.verify(request, config, parts.clock.now())
        return (config,)

    try:
        return VerifiedBody(received, verifier)
    except Unauthentic as error:
        raise problems.bad_signature(error, connector.answers) from None


def _record(parts: Parts, connector: Connector, verified: VerifiedBody) -> RawRecord:
    request = verified.request
    return RawRecord(
        source=verified.sources[0].name,
        connector=connector.kind,
        body=verified.body,
        received_at=parts.clock.now(),
        content_type=next(iter(request.values("content-type")), None),
        traceparent=tracing.traceparent(request.values("traceparent"), parts.random_bytes),
        headers={name: value for name, value in request.headers if name in connector.kept_headers},
    )
