"""Normalise: what sources said becomes domain events (a Faust agent).

A raw record that yields events is gone once they are acknowledged; one that yields none leaves a record in
`commands` that says why, so that its end is a row in the ledger (design section 3).
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping

import msgspec

from connectors.base import Events, Normalised, SourceConfig
from connectors.registry import CONNECTORS
from schemas import envelope, raw
from schemas.codec import Refused, to_json
from schemas.commands import CommandRecord, Ignored, RefusedEvent
from schemas.envelope import VIA
from schemas.events import event_type
from schemas.topics import TOPICS, name_of
from streams.core.refusal import bug, refused
from streams.kafka.producer import Producer
from streams.kafka.records import Outgoing, Record, Run

Sources = Mapping[str, SourceConfig]


class Normalise:
    """`sources` is asked anew for each run, because tenant files may be mended while we run."""

    def __init__(self, producer: Producer, prefix: str, sources: Callable[[], Sources]) -> None:
        self._producer = producer
        self._prefix = prefix
        self._sources = sources

    async def on_run(self, run: Run) -> Awaitable[object]:
        """Ends when everything is handed to the producer; the future ends when all of it is acknowledged."""
        sources = self._sources()
        outgoing = [out for record in run.records for out in self._outgoing(run, record, sources)]
        return await self._producer.enqueue(outgoing)

    def _outgoing(self, run: Run, record: Record, sources: Sources) -> Iterator[Outgoing]:
        outcome = normalise(record, sources)
        if isinstance(outcome, Events):
            for event in outcome.envelopes:
                key, value, headers = envelope.to_kafka(event)
                topic = TOPICS[event_type(event.type).topic].full_name(self._prefix)
                yield Outgoing(topic, key, value, tuple(headers))
            return
        place = (name_of(run.topic, self._prefix), run.partition)
        ended = to_json(ended_record(record, outcome, *place, sources))
        yield Outgoing(TOPICS["commands"].full_name(self._prefix), record.key, ended, (), run.partition)


def ended_record(
    record: Record, outcome: Ignored | RefusedEvent, topic: str, partition: int, sources: Sources
) -> CommandRecord:
    """The row of a raw record that yields no event: known by its position, and by what its source calls it."""
    event_id, type_ = _named(record, sources)
    return CommandRecord(
        topic=topic,
        partition=partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        outcome=outcome,
        source=record.key.decode(errors="replace") or None,
        event_id=event_id,
        event_type=type_,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


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
        return _via_sweep(found) if request.swept and isinstance(found, Events) else found
    except Refused as error:
        return refused(error, "poison", "normalise", "Send the request to the receiver again; it writes these headers.")
    except Exception as error:
        return bug(error, "normalise")


def _via_sweep(events: Events) -> Events:
    """The events with the mark that their source did not tell them by itself: metrics show how many these are."""
    return Events(tuple(msgspec.structs.replace(one, extras={**one.extras, VIA: "sweep"}) for one in events.envelopes))


def _no_door(config: SourceConfig) -> Normalised:
    """Only the receiver writes into `raw`, and never for a source that sends CloudEvents."""
    expected = f"a source whose webhooks come to /v1/sources (its connector is {config.connector})"
    remedy = (
        f"If sources.yaml names the wrong connector for {config.name}, correct it, then `ledgerstream dlq replay ID`. "
        "Else send the event to POST /v1/events or into its topic, find out who writes into raw, then "
        "`ledgerstream dlq discard ID`."
    )
    return refused(Refused("ls_source", config.name, expected), "data", "normalise", remedy)
