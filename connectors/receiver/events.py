"""`POST /v1/events`: CloudEvents from producers, checked against their contracts and put into `events.*`."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from aiohttp import web

from connectors import auth
from connectors.base import HttpRequest, Unauthentic, VerifiedBody
from connectors.cloudevents.reading import Element, UnsupportedMediaType, read
from connectors.cloudevents.records import Prepared, prepare
from connectors.receiver import admission, problems, publishing, reading, tracing
from connectors.receiver.parts import PARTS, TRAIL, Parts, Result, Trail
from connectors.receiver.problems import ProblemDetails, Refusal
from schemas.codec import Refused, shorten, to_json
from schemas.envelope import BATCH, STRUCTURED
from schemas.events import UnknownType


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The broker has the event."""

    result: ClassVar[Result] = "accepted"
    status: ClassVar[int] = 202

    id: str
    source: str
    topic: str
    partition: int
    offset: int


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The event would be accepted. `draft`: no rule uses its type yet, so it would wait."""

    result: ClassVar[Result] = "validated"
    status: ClassVar[int] = 200

    id: str
    source: str
    type: str
    subject: str
    entity: str
    topic: str
    draft: bool


class BatchResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event of a batch: `event` if it is well, else `problem`. `index` counts from 0."""

    index: int
    status: int
    id: str | None = None
    event: Accepted | Checked | None = None
    problem: ProblemDetails | None = None


@dataclass(frozen=True, slots=True)
class _Door:
    """One request at the door: who is proven, and whether events are only checked."""

    parts: Parts
    verified: VerifiedBody
    validate: bool


async def post_events(request: web.Request) -> web.Response:
    """202, 200 with `?validate=true`, 207 for a batch; Refusal for everything else."""
    parts, trail = request.app[PARTS], request[TRAIL]
    validate = _validate(request)
    received = await reading.receive(request, parts.limits.body_bytes_max, parts)
    with admission.at_work(parts):
        return await _answered(_Door(parts, _proven(parts, trail, received), validate), trail)


async def _answered(door: _Door, trail: Trail) -> web.Response:
    try:
        elements = read(door.verified)
    except Refused as refused:
        raise problems.malformed(refused) from None
    except UnsupportedMediaType as error:
        raise problems.unsupported(
            f"the content type is {shorten(error.got) or 'missing'}",
            f"send {STRUCTURED}, {BATCH}, or application/json with ce-* headers",
        ) from None
    if isinstance(elements, tuple):
        return await _batch(door, trail, elements)
    answer = await _take(door, elements)
    trail.result = answer.result
    return _json(answer, answer.status)


def _validate(request: web.Request) -> bool:
    # A mistyped `validate` must not book anything, so no other parameter is let pass.
    for name, value in request.query.items():
        if name != "validate" or value not in ("true", "false"):
            raise problems.malformed(Refused("query", shorten(f"{name}={value}"), "validate=true or validate=false"))
    return request.query.get("validate") == "true"


def _proven(parts: Parts, trail: Trail, received: HttpRequest) -> VerifiedBody:
    claimed = received.values(auth.SOURCE_HEADER.lower())
    if claimed and claimed[0] in parts.sources:
        trail.source = claimed[0]
    producers = {name: config for name, config in parts.sources.items() if config.connector == "cloudevents"}
    try:
        verified = VerifiedBody(received, lambda raw: auth.authenticate(raw, producers, parts.clock.now()))
    except Unauthentic as error:
        raise problems.unauthentic(error) from None
    trail.source = verified.sources[0].name
    bytes_max = min(config.body_bytes_max for config in verified.sources)
    if len(verified.body) > bytes_max:
        raise problems.too_large(bytes_max)
    admission.admit(parts, verified.sources[0])
    return verified


async def _take(door: _Door, element: Element) -> Accepted | Checked:
    """The event's answer once the broker has it; Refusal otherwise."""
    prepared = _prepared(door, element)
    event = prepared.envelope
    if door.validate:
        return Checked(
            id=event.id,
            source=event.source,
            type=event.type,
            subject=event.subject or "",
            entity=prepared.entity,
            topic=prepared.topic,
            draft=prepared.row.draft,
        )
    timeout_s = door.parts.limits.publish_timeout_s
    position = await publishing.publish(door.parts, prepared.topic, prepared.record(), timeout_s)
    return Accepted(
        id=event.id,
        source=event.source,
        topic=position.topic,
        partition=position.partition,
        offset=position.offset,
    )


def _prepared(door: _Door, element: Element) -> Prepared:
    event = element.event
    if isinstance(event, Refused):
        raise _misfit(door, event, None)
    if not door.verified.speaks_for(event.source):
        raise problems.unauthentic(Unauthentic())
    given = (event.traceparent, *door.verified.request.values("traceparent"))
    trace = tracing.traceparent(given, door.parts.random_bytes)
    try:
        return prepare(event, now=door.parts.clock.now(), traceparent=trace)
    except UnknownType as error:
        raise problems.unknown_type(str(error), shorten(event.type)) from None
    except Refused as refused:
        raise _misfit(door, refused, event.type) from None


def _misfit(door: _Door, refused: Refused, event_type: str | None) -> Refusal:
    if not door.validate:
        door.parts.metrics.schema_rejection(event_type)
    return problems.malformed(refused, event_type)


async def _batch(door: _Door, trail: Trail, elements: tuple[Element, ...]) -> web.Response:
    """207 with one result each, in order. 503 if Kafka took none of them, so that no sender takes 2xx for an accepted
    event when there is none."""
    answers = await asyncio.gather(*(_settled(door, element) for element in elements))
    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    unavailable = [refusal for refusal in refusals if refusal.result == "unavailable"]
    if unavailable and len(refusals) == len(answers):
        raise unavailable[0]
    mixed = 0 < len(refusals) < len(answers)
    trail.result = "partly_accepted" if mixed else answers[0].result
    results = [_result(index, *pair) for index, pair in enumerate(zip(elements, answers, strict=True))]
    return _json(results, 207)


async def _settled(door: _Door, element: Element) -> Accepted | Checked | Refusal:
    try:
        return await _take(door, element)
    except Refusal as refusal:
        return refusal


def _result(index: int, element: Element, answer: Accepted | Checked | Refusal) -> BatchResult:
    if isinstance(answer, Refusal):
        return BatchResult(index=index, status=answer.details.status, id=element.id, problem=answer.details)
    return BatchResult(index=index, status=answer.status, id=element.id, event=answer)


def _json(value: object, status: int) -> web.Response:
    return web.Response(body=to_json(value), status=status, content_type="application/json")
