"""Normalise: what sources said becomes domain events (a Faust agent).

A raw record that yields events is gone once they are acknowledged; one that yields none leaves a record in
`commands` that says why, so that its end is a row in the ledger (design section 3). So does one of several events of
which some do not fit: those that fit go on, and for the others there is that one record.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from connectors.base import Events, Normalised, SourceConfig, Unfit
from connectors.registry import CONNECTORS
from schemas import envelope, raw
from schemas.codec import Refused, to_json
from schemas.commands import CommandRecord, Ignored, RefusedEvent
from schemas.envelope import VIA
from schemas.events import event_type
from schemas.keys import event_key
from schemas.topics import TOPICS, name_of
from streams.core.refusal import bug, refused
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing, Record, Run

Sources = Mapping[str, SourceConfig]

# How many of a request's unfit events a letter spells out.
_UNFIT_SHOWN: Final = 10


class Normalise:
    """`sources` is asked anew for each run, because tenant files may be mended while we run."""

    def __init__(self, producer: Producer, prefix: str, sources: Callable[[], Sources]) -> None:
        self._producer = producer
        self._prefix = prefix
        self._sources = sources

    async def on_run(self, run: Run) -> Awaitable[object]:
        """Ends when everything is handed to the producer; the future ends when all of it is acknowledged."""
        sources = self._sources()
        place = (name_of(run.topic, self._prefix), run.partition)
        found = [out for record in run.records for out in outgoing(record, *place, sources, self._prefix)]
        return await self._producer.enqueue(found)


def outgoing(record: Record, topic: str, partition: int, sources: Sources, prefix: str) -> Iterator[Outgoing]:
    """What becomes of one raw record: its events, and a record in `commands` for what is none."""
    outcome = normalise(record, sources)
    if isinstance(outcome, Events):
        for event in outcome.envelopes:
            key, value, headers = envelope.to_kafka(event)
            yield Outgoing(TOPICS[event_type(event.type).topic].full_name(prefix), key, value, tuple(headers))
        if not outcome.unfit:
            return
    ended = to_json(ended_record(record, outcome, topic, partition, sources))
    yield Outgoing(TOPICS["commands"].full_name(prefix), record.key, ended, (), partition)


def ended_record(record: Record, outcome: Normalised, topic: str, partition: int, sources: Sources) -> CommandRecord:
    """The row of what yields no event in a raw record: known by its position, and by what its source calls it.

    The letter of one event beside others has the event's own key, so that it ends when the event is told well.
    """
    source = record.key.decode(errors="replace") or None
    key: str | None = None
    ended: Ignored | RefusedEvent
    if isinstance(outcome, Events):
        one = outcome.unfit[0] if len(outcome.unfit) == 1 else Unfit(refused=_together(outcome.unfit))
        event_id, type_, ended = one.id, one.type, one.refused
        key = event_key(source, event_id) if source and event_id else None
    else:
        (event_id, type_), ended = _named(record, sources), outcome
    return CommandRecord(
        topic=topic,
        partition=partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        outcome=ended,
        event_key=key,
        source=source,
        event_id=event_id,
        event_type=type_,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


def _together(unfit: Sequence[Unfit]) -> RefusedEvent:
    """One letter for them all, as it has one record; nothing of it can be replayed as one event."""
    first = unfit[0].refused
    each = [f"{one.id or 'one without an id'}: {one.refused.evidence.message}" for one in unfit[:_UNFIT_SHOWN]]
    more = f" And {len(unfit) - _UNFIT_SHOWN} more." if len(unfit) > _UNFIT_SHOWN else ""
    evidence = msgspec.structs.replace(
        first.evidence,
        message=f"{len(unfit)} events of this request do not fit; the others were taken. {' '.join(each)}{more}",
        remedy="Have the source send each of them again as it should be, then `ledgerstream dlq discard ID`.",
    )
    return msgspec.structs.replace(first, evidence=evidence)


def _named(record: Record, sources: Sources) -> tuple[str | None, str | None]:
    try:
        request = raw.from_kafka(record.headers, record.value)
    except Refused:
        return None, None
    config = sources.get(request.source)
    connector = None if config is None else CONNECTORS.get(config.connector)
    return (None, None) if connector is None else connector.named(request)


def normalise(record: Record, sources: Sources) -> Normalised:
    """Pure: what one raw record says. A bug in a connector is a dead letter, not the end of the process."""
    try:
        request = raw.from_kafka(record.headers, record.value)
        config = sources.get(request.source)
        if config is None:
            return refused(
                Refused("ls_source", request.source, "a configured source"),
                "poison",
                "normalise",
                f"Add the source {request.source} to sources.yaml, then replay.",
            )
        connector = CONNECTORS.get(config.connector)
        if connector is None:
            return _no_door(config)
        found = connector.normalise(request, config)
        if isinstance(found, Events) and not (found.envelopes or found.unfit):
            # Taken as it is, the request would have no end at all.
            raise ValueError("the connector told Events without any")
        return _via_sweep(found) if request.swept and isinstance(found, Events) else found
    except Refused as error:
        return refused(error, "poison", "normalise", "Send the request to the receiver again; it writes these headers.")
    except Exception as error:
        return bug(error, "normalise")


def _via_sweep(events: Events) -> Events:
    """The events with the mark that their source did not tell them by itself: metrics show how many these are."""
    marked = tuple(msgspec.structs.replace(one, extras={**one.extras, VIA: "sweep"}) for one in events.envelopes)
    return Events(marked, events.unfit)


def _no_door(config: SourceConfig) -> Normalised:
    """Only the receiver writes into `raw`, and never for a source that sends CloudEvents."""
    expected = f"a source whose webhooks come to /v1/sources (its connector is {config.connector})"
    remedy = (
        f"If sources.yaml names the wrong connector for {config.name}, correct it, then `ledgerstream dlq replay ID`. "
        "Else send the event to POST /v1/events or into its topic, find out who writes into raw, then "
        "`ledgerstream dlq discard ID`."
    )
    return refused(Refused("ls_source", config.name, expected), "data", "normalise", remedy)
