"""The audit of the topic `raw`: each request of a source became events, or has a row that says why not."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from connectors.base import Events, Normalised
from schemas import envelope, raw
from schemas.codec import Refused
from schemas.commands import Ignored, decode_record
from streams.core.tenants import Tenants
from streams.kafka.records import Record, Reread
from streams.ledger import Ledger
from streams.ledger.audit_raw import RawRead
from streams.ledger.letters import RAW
from streams.normalise import Sources, normalise

_BATCH: Final = 500


class OnItsWay(NamedTuple):
    """What Kafka holds that the ledger has not taken in yet: event keys, and positions of requests that told none."""

    event_keys: frozenset[str]
    positions: frozenset[tuple[str, int, int]]

    def has(self, one: RawRead) -> bool:
        """Whether the request's end is among it."""
        events = bool(one.event_keys) and self.event_keys.issuperset(one.event_keys)
        if one.is_part and one.event_keys:
            return events
        return events or (RAW, one.partition, one.offset) in self.positions


async def compare_raw(
    ledger: Ledger, records: Reread, tenants: Callable[[], Tenants], not_taken_in: Callable[[], Reread]
) -> tuple[int, Sequence[str]]:
    """Compare requests that normalise has done with, read again, with the ledger: how many, and what is wrong.

    `tenants` is asked only if there are requests, `not_taken_in` only if the ledger does not know all of them.
    """
    number = 0
    unknown: list[RawRead] = []
    async for batch in _batches(records):
        sources = tenants().sources
        number += len(batch)
        unknown += await ledger.raw_audits.unknown(
            [read for place, record in batch for read in raw_reads(place, record, sources)]
        )
    if not unknown:
        return number, ()
    coming = await on_its_way(not_taken_in())
    return number, [_sentence(one) for one in unknown if not coming.has(one)]


async def _batches(records: Reread) -> AsyncIterator[list[tuple[int, Record]]]:
    batch: list[tuple[int, Record]] = []
    async for _, partition, record in records:
        batch.append((partition, record))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def raw_reads(partition: int, record: Record, sources: Sources) -> Sequence[RawRead]:
    """What a request is known by, and what it tells by today's rules and files: two parts, where some of its events do
    not fit."""
    try:
        request = raw.from_kafka(record.headers, record.value)
        source, traceparent = request.source, request.traceparent
    except Refused:
        source, traceparent = record.key.decode(errors="replace"), None
    outcome = normalise(record, sources)
    told = outcome.envelopes if isinstance(outcome, Events) else ()
    unfit = outcome.unfit if isinstance(outcome, Events) else ()
    whole = RawRead(
        partition=partition,
        offset=record.offset,
        source=source,
        traceparent=traceparent,
        event_keys=tuple(one.key for one in told),
        reason=_reason(outcome),
        is_part=bool(told and unfit),
    )
    return (whole, whole._replace(event_keys=())) if whole.is_part else (whole,)


def _reason(outcome: Normalised) -> str:
    if isinstance(outcome, Events):
        return outcome.unfit[0].refused.evidence.message if outcome.unfit else ""
    return outcome.reason if isinstance(outcome, Ignored) else outcome.evidence.message


async def on_its_way(records: Reread) -> OnItsWay:
    """What these records of `events.*` and `commands` tell of requests."""
    event_keys: set[str] = set()
    positions: set[tuple[str, int, int]] = set()
    async for topic, _, record in records:
        if topic == "commands":
            with suppress(msgspec.DecodeError):
                told = decode_record(record.value)
                positions.add((told.topic, told.partition, told.offset))
        else:
            with suppress(Refused):
                event_keys.add(envelope.from_kafka(record.headers, record.value).key)
    return OnItsWay(frozenset(event_keys), frozenset(positions))


def _sentence(one: RawRead) -> str:
    where = f"{RAW}/{one.partition}/{one.offset} of {one.source}"
    if one.event_keys:
        return f"lost: {where} tells {', '.join(one.event_keys)}, and neither the ledger nor a topic has all of that"
    tells = "an event that does not fit" if one.is_part else "no event today"
    return (
        f"{where} tells {tells} ({one.reason}), and the ledger has no row of it: it was lost, or sources.yaml "
        "or the release has changed since it came"
    )
