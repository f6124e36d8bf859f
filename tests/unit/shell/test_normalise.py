"""Normalise: the end of a raw record that yields no event."""

from datetime import UTC, datetime

import pytest

from connectors.base import Events, SourceConfig
from schemas import raw
from schemas.commands import Ignored, RefusedEvent
from schemas.raw import RawRecord
from streams.kafka.records import Record
from streams.normalise import ended_record, normalise
from tests.support import batches

SOURCES = {
    "shop-1": SourceConfig(name="shop-1", connector="cloudevents"),
    "stripe-1": SourceConfig(name="stripe-1", connector="stripe"),
}


def of(source: str, body: bytes = b"{}", swept: str | None = None) -> Record:
    request = RawRecord(
        source=source, connector="stripe", body=body, received_at=datetime(2026, 11, 24, tzinfo=UTC), swept=swept
    )
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


@pytest.mark.parametrize(
    ("source", "body", "names"),
    [
        ("stripe-1", b'{"id": "evt_1", "type": "charge.succeeded"}', ("evt_1", "charge.succeeded")),
        ("stripe-1", b'{"id": "evt\\u00001", "type": 7}', (None, None)),
        ("stripe-1", b"{", (None, None)),
        ("shop-1", b'{"id": "evt_1", "type": "x"}', (None, None)),
        ("shop-9", b'{"id": "evt_1", "type": "x"}', (None, None)),
    ],
)
def test_what_tells_no_event_keeps_the_name_that_its_source_gave_it(
    source: str, body: bytes, names: tuple[str | None, str | None]
) -> None:
    ended = ended_record(of(source, body), Ignored("test mode"), "raw", 0, SOURCES)
    assert (ended.event_id, ended.event_type) == names
    assert (ended.source, ended.event_key, ended.offset) == (source, None, 7)
    nobodys = ended_record(Record(b"x", b"", (), 1, 1), Ignored("no headers"), "raw", 0, SOURCES)
    assert (nobodys.event_id, nobodys.event_type) == (None, None)


def test_a_source_that_nobody_configured_is_named() -> None:
    refused = refusal("shop-9")
    assert (refused.cause, refused.evidence.value) == ("poison", "shop-9")
    assert refused.evidence.remedy == "Add the source shop-9 to sources.yaml, then replay."


def test_a_connector_that_tells_nothing_at_all_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken as it is, the request would have no end."""
    batches.take_the_place_of_stripe(monkeypatch)
    outcome = normalise(batches.request(), SOURCES)
    assert isinstance(outcome, RefusedEvent)
    assert outcome.cause == "bug"


PAID = (
    b'{"id": "evt_1", "type": "payment_intent.succeeded", "livemode": true, "created": 1795000000, "data": {"object": '
    b'{"id": "pi_1", "amount_received": 500, "currency": "gbp"}}}'
)


@pytest.mark.parametrize(("swept", "extras"), [(None, {}), ("events", {"via": "sweep"})])
def test_what_a_sweep_found_says_so_and_is_the_same_event(swept: str | None, extras: dict[str, str]) -> None:
    told = normalise(of("stripe-1", PAID, swept), SOURCES)
    assert isinstance(told, Events)
    (event,) = told.envelopes
    assert (event.key, dict(event.extras)) == ("stripe-1:evt_1", extras)
