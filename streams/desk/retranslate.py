"""A stored record read with today's rules and tenant files: what a replay takes in. Pure."""

from connectors.base import Events
from schemas import envelope
from schemas.commands import CommandRecord
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
    if not isinstance(outcome, Events):
        return ended_record(record, outcome, stored.topic, stored.partition, tenants.sources)
    if len(outcome.envelopes) != 1:
        raise NotPossible(
            f"the request tells {len(outcome.envelopes)} events, and a letter becomes one: have the source send it "
            "again, then discard this letter"
        )
    return _translated(stored, *envelope.to_kafka(outcome.envelopes[0]), tenants)


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
