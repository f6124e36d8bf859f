"""One call of the accounting API, from its bytes to its answer: admission, idempotency key, faults, books."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from aiohttp import web

from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.calls import CallRecord
from connectors.xero.sandbox.dispatch import Counts, Target, answer, target_of
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.faults import Fault
from connectors.xero.sandbox.gateway import Admission, admit
from connectors.xero.sandbox.keys import KEY_CHARACTERS_MAX, METHODS, Entry, Mismatch, fingerprint
from connectors.xero.sandbox.wire import (
    Reply,
    dump,
    html_reply,
    not_found_reply,
    parse_moment,
    plain_reply,
    validation_reply,
)
from connectors.xero.sandbox.xml import wants_xml, xml_reply

_GATEWAY_TITLES: Final = {"502": "Bad Gateway", "504": "Gateway Timeout"}
_HANG_POLL_S: Final = 0.05
_LOG: Final = logging.getLogger(__name__)


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call read from the socket."""

    request: web.Request
    body: bytes
    target: Target | None
    fault: Fault | None
    record: CallRecord


async def handle(engine: Engine, request: web.Request) -> Reply:
    """Answer one call. Raises Dropped when a fault says that nobody answers."""
    record = engine.calls.open(engine.clock.now(), request.method, request.path, request.query_string)
    started_s = engine.clock.seconds()
    body = await request.read()
    tenant_id = request.headers.get("xero-tenant-id", "").strip().lower()
    record.tenant_id, record.key = tenant_id, request.headers.get("Idempotency-Key", "")
    fault = engine.faults.take(request.method, request.path, tenant_id)
    record.fault = "" if fault is None else f"{fault.answer}/{fault.commits}"
    incoming = Incoming(request, body, target_of(request.path), fault, record)
    try:
        reply = await _reply(engine, incoming)
        record.status = reply.status
        return reply
    finally:
        record.duration_s = engine.clock.seconds() - started_s


async def _reply(engine: Engine, incoming: Incoming) -> Reply:
    request, fault = incoming.request, incoming.fault
    if fault is not None and fault.commits == "none" and fault.answer in ("drop", "hang", "502", "504"):
        # Lost on the way: Xero's backend never saw it, so neither quota nor key is used.
        await engine.clock.sleep(fault.delay_s)
        return await _broken(engine, incoming, fault)
    admission = admit(engine, request.headers, request.method, incoming.target, fault, incoming.record)
    if isinstance(admission, Reply):
        return _stamped(engine, admission, incoming)
    tenant_id = admission.book.organisation.tenant_id
    try:
        reply = await _keyed(engine, incoming, admission)
        return _stamped(engine, reply, incoming)
    finally:
        engine.limits.leave(admission.client_id, tenant_id)


async def _keyed(engine: Engine, incoming: Incoming, admission: Admission) -> Reply:
    """Answer from an idempotency key's first call, or be that first call."""
    request, record, key = incoming.request, incoming.record, incoming.record.key
    if incoming.target is None:
        return not_found_reply()
    if len(incoming.body) > engine.switches.body_bytes_max:
        return plain_reply(413, "Request Entity Too Large")
    if not key or request.method not in METHODS:
        return await _executed(engine, incoming, admission, incoming.target, None)
    scope = admission.book.organisation.tenant_id if engine.switches.key_scope == "tenant" else ""
    scoped = f"{admission.client_id}:{scope}:{key}"
    mark = fingerprint(request.method, request.path_qs + scope, incoming.body, engine.switches.key_body)
    if len(key) > KEY_CHARACTERS_MAX:
        return validation_reply([], f"Idempotency Key: {key} with length {len(key)} is too long.")
    while True:
        try:
            entry = engine.keys.find(scoped, mark, _unix(engine), engine.switches)
        except Mismatch:
            return _mismatch(engine, key)
        if entry is None:
            entry = engine.keys.open(scoped, mark, _unix(engine))
            return await _executed(engine, incoming, admission, incoming.target, entry)
        if entry.reply is not None:
            record.replayed = True
            return entry.reply
        if engine.switches.key_in_flight != "wait":
            return _in_flight(engine, key)
        await entry.done.wait()


async def _executed(
    engine: Engine, incoming: Incoming, admission: Admission, target: Target, entry: Entry | None
) -> Reply:
    """Carry the call out as its fault says, and settle the key with what Xero's backend would answer."""
    fault = incoming.fault
    carry_out = partial(_carry_out, engine, incoming, admission, target, entry)
    if fault is None:
        return carry_out()
    if fault.commits == "late":
        task = asyncio.create_task(_later(engine, fault.delay_s, carry_out))
        engine.late.add(task)
        task.add_done_callback(engine.late.discard)
        return await _broken(engine, incoming, fault)
    await engine.clock.sleep(fault.delay_s)
    if fault.answer == "normal":
        return carry_out()
    if fault.answer == "500" or fault.commits != "all":
        # The backend itself failed, so this failure is what its key replays.
        if fault.commits != "none":
            _run(engine, incoming, admission, target, half=fault.commits == "half")
        failure = _internal_error()
        _settle(engine, entry, failure)
        return await _broken(engine, incoming, fault)
    carry_out()
    return await _broken(engine, incoming, fault)


async def _later(engine: Engine, delay_s: float, carry_out: "partial[Reply]") -> None:
    await engine.clock.sleep(delay_s)
    carry_out()


def _carry_out(engine: Engine, incoming: Incoming, admission: Admission, target: Target, entry: Entry | None) -> Reply:
    reply = _run(engine, incoming, admission, target, half=False)
    _settle(engine, entry, reply)
    return reply


def _run(engine: Engine, incoming: Incoming, admission: Admission, target: Target, *, half: bool) -> Reply:
    request = incoming.request
    query = {name.lower(): value for name, value in request.query.items()}
    try:
        since = _since(request.headers.get("If-Modified-Since", ""))
    except ValueError:
        return plain_reply(412, "The If-Modified-Since header is not a valid date")
    call = Call(
        book=admission.book,
        switches=engine.switches,
        now=engine.now(),
        new_id=engine.new_id,
        client_id=admission.client_id,
        query=query,
        modified_since=since,
        unitdp=4 if query.get("unitdp") == "4" else 2,
    )
    counts = Counts()
    try:
        reply = answer(call, target, request.method, incoming.body, counts, half=half)
    except Exception:
        # A mistake of ours looks to the client like one of Xero's; a key in flight must not wait for ever.
        _LOG.exception("the sandbox failed at %s %s", request.method, request.path)
        call.book.rollback()
        reply = _internal_error()
    engine.notice(call.book)
    incoming.record.elements, incoming.record.committed = counts.elements, counts.committed
    return reply


def _settle(engine: Engine, entry: Entry | None, reply: Reply) -> None:
    if entry is not None:
        engine.keys.close(entry, reply)
        engine.changed_keys.add(entry.key)


async def _broken(engine: Engine, incoming: Incoming, fault: Fault) -> Reply:
    """What the client sees of a call that went wrong."""
    if fault.answer == "hang":
        transport = incoming.request.transport
        while transport is not None and not transport.is_closing() and not engine.closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(engine.closing.wait(), _HANG_POLL_S)
        raise Dropped
    if fault.answer == "drop":
        raise Dropped
    if fault.answer == "500":
        return _internal_error()
    return html_reply(int(fault.answer), _GATEWAY_TITLES[fault.answer])


def _internal_error() -> Reply:
    return plain_reply(500, "An error occurred in Xero. Check the API Status page http://status.xero.com")


def _mismatch(engine: Engine, key: str) -> Reply:
    text = f"Idempotency Key: {key} is used with a different request."
    if engine.switches.key_mismatch_place == "message":
        return validation_reply([], text)
    return validation_reply([{"ValidationErrors": [{"Message": text}]}])


def _in_flight(engine: Engine, key: str) -> Reply:
    text = f"Idempotency Key: {key} is used with a request that is still in progress."
    if engine.switches.key_in_flight == "400":
        return validation_reply([], text)
    return Reply(409, dump({"Type": None, "Title": "Conflict", "Status": 409, "Detail": text}))


def _stamped(engine: Engine, reply: Reply, incoming: Incoming) -> Reply:
    """The headers of every answer; what is left of the quota on those of an organisation."""
    headers = {"Xero-Correlation-Id": engine.new_id(), "Cache-Control": "no-store", **reply.headers}
    record = incoming.record
    if record.client_id:
        left = engine.limits.headers(record.client_id, record.tenant_id, engine.limit_seconds(), engine.switches)
        headers = {**left, **headers} if reply.status != 429 else headers
    stamped = Reply(reply.status, reply.body, reply.content_type, headers)
    return xml_reply(stamped) if wants_xml(incoming.request.headers.get("Accept", "")) else stamped


def _since(text: str) -> datetime | None:
    return parse_moment(text) if text else None


def _unix(engine: Engine) -> float:
    return engine.clock.now().timestamp()
