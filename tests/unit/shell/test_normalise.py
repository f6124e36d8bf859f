"""Normalise: the end of a raw record that yields no event."""

from datetime import UTC, datetime

from connectors.base import SourceConfig
from schemas import raw
from schemas.commands import RefusedEvent
from schemas.raw import RawRecord
from streams.kafka.records import Record
from streams.normalise import normalise

SOURCES = {"shop-1": SourceConfig(name="shop-1", connector="cloudevents")}


def of(source: str) -> Record:
    request = RawRecord(source=source, connector="stripe", body=b"{}", received_at=datetime(2026, 11, 24, tzinfo=UTC))
    key, value, headers = raw.to_kafka(request)
    return Record(key, value, tuple(headers), 7, 1_795_000_000_000)


def refusal(source: str) -> RefusedEvent:
    outcome = normalise(of(source), SOURCES)
    assert isinstance(outcome, RefusedEvent)
    return outcome


def test_a_source_of_cloudevents_has_nothing_in_raw() -> None:
    refused = refusal("shop-1")
    assert (refused.cause, refused.stage) == ("data", "normalise")
    assert (refused.evidence.field, refused.evidence.value) == ("ls_source", "shop-1")
    assert refused.evidence.message == (
        "ls_source is shop-1, expected a source whose webhooks come to /v1/sources (its connector is cloudevents)."
    )
    assert refused.evidence.remedy is not None
    assert "/v1/events" in refused.evidence.remedy
    assert "ledgerstream dlq discard ID" in refused.evidence.remedy
    assert refused.evidence.stacktrace is None


def test_a_source_that_nobody_configured_is_named() -> None:
    refused = refusal("shop-9")
    assert (refused.cause, refused.evidence.value) == ("poison", "shop-9")
    assert refused.evidence.remedy == "Add the source shop-9 to sources.yaml, then replay."
