"""A stored record read with today's rules and tenant files: what a replay takes in. Pure."""

from collections.abc import Sequence

from connectors.base import Events
from schemas import envelope
from schemas.commands import CommandRecord
from schemas.envelope import Envelope
from streams.core.tenants import Tenants
from streams.core.translate import translate
from streams.kafka.records import Record
from streams.ledger.errors import NotPossible
from streams.ledger.replay import Retranslate, StoredRecord


def with_tenants(tenants: Tenants) -> Retranslate:
    """The way of a record through normalise, if it is of `raw`, and translate."""

    def retranslate(stored: StoredRecord) -> CommandRecord:
        if stored.topic == "raw":
            return _raw(stored, tenants)
        return _translated(stored, stored.key, stored.value, stored.headers, tenants)

    return retranslate


def _raw(stored: StoredRecord, tenants: Tenants) -> CommandRecord:
    # Only letters of `raw` need the connectors with their libraries, which take long to load.
    from streams.normalise import ended_record, normalise

    record = Record(stored.key or b"", stored.value or b"", stored.headers, stored.offset, stored.timestamp_ms)
    outcome = normalise(record, tenants.sources)
    events = _meant(outcome, stored) if isinstance(outcome, Events) else ()
    if isinstance(outcome, Events) and len(events) > 1:
        raise NotPossible(
            f"the request tells {len(events)} events, and a letter becomes one: have the source send it again, then "
            "discard this letter"
        )
    if not events:
        return ended_record(record, outcome, stored.topic, stored.partition, tenants.sources)
    return _translated(stored, *envelope.to_kafka(events[0]), tenants)


def _meant(outcome: Events, stored: StoredRecord) -> Sequence[Envelope]:
    """The event that the letter is of, where others came with it; none where it, or any of them, does not fit still."""
    if stored.event_key is not None:
        found = [one for one in outcome.envelopes if one.key == stored.event_key]
        if found:
            return found
    return () if outcome.unfit else outcome.envelopes


def _translated(
    stored: StoredRecord,
    key: bytes | None,
    value: bytes | None,
    headers: "list[tuple[str, bytes]] | tuple[tuple[str, bytes], ...]",
    tenants: Tenants,
) -> CommandRecord:
    return translate(
        topic=stored.topic,  # type: ignore[arg-type]  # the ledger keeps names of schemas.topics only
        partition=stored.partition,
        offset=stored.offset,
        timestamp_ms=stored.timestamp_ms,
        key=key,
        value=value,
        headers=headers,
        tenants=tenants,
    )
