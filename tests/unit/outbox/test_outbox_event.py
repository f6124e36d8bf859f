"""A row becomes the event that a producer would have sent, or is told by column, value and remedy why it is none."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.cloudevents.records import Prepared
from connectors.outbox.event import Rejected, Row, event_of
from schemas.codec import BODY_BYTES_MAX
from schemas.envelope import from_kafka
from tests.unit.receiver.support import NOW, ORDER_TYPE, order

ROW = Row(
    position=1_764_000_000_000_007,
    id="3ca2a743-e647-7bd9-cc88-60b6d1fab918",
    aggregatetype="order",
    aggregateid="1001",
    type=ORDER_TYPE,
    payload=json.dumps(order()),
    created_at=datetime(2026, 11, 24, 9, 15, tzinfo=UTC),
)
MEND = (
    "Correct the row and set its rejected_at to NULL; it is then sent. If a later row says it all, "
    "`ledgerstream outbox discard` ends this one."
)


def prepared(**columns: Any) -> Prepared:
    found = event_of(dataclasses.replace(ROW, **columns), "erp-1", NOW)
    assert isinstance(found, Prepared)
    return found


def rejected(**columns: Any) -> Rejected:
    found = event_of(dataclasses.replace(ROW, **columns), "erp-1", NOW)
    assert isinstance(found, Rejected)
    assert found.reason.endswith(MEND)
    return found


def test_a_row_is_a_whole_cloud_event() -> None:
    event = prepared()
    key, value, headers = event.record()
    assert (event.topic, event.entity, key) == ("events.orders", "erp-1:order:1001", b"1001")
    told = from_kafka(headers, value)
    assert (told.id, told.source, told.type) == (ROW.id, "erp-1", ORDER_TYPE)
    assert (told.time, told.subject, told.sequence) == ("2026-11-24T09:15:00+00:00", "order:1001", str(ROW.position))
    assert json.loads(told.data) == order()


def test_the_same_row_is_the_same_record_whenever_it_is_sent() -> None:
    later = event_of(ROW, "erp-1", datetime(2026, 12, 1, tzinfo=UTC))
    assert isinstance(later, Prepared)
    assert later.record() == prepared().record()
    assert prepared(id="another").envelope.traceparent != prepared().envelope.traceparent


def test_an_application_may_number_the_versions_itself() -> None:
    assert prepared(sequence=3).envelope.sequence == "3"


def test_a_time_that_says_nothing_is_the_time_of_sending() -> None:
    assert prepared(created_at=None).envelope.time == NOW.isoformat()


def test_a_bug_of_ours_stops_no_other_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("connectors.outbox.event.prepare", broken)
    found = rejected()
    assert found.reason.startswith("payload: ZeroDivisionError, which is a bug of Ledgerstream: report it. ")


@pytest.mark.parametrize(
    ("columns", "column", "reason"),
    [
        ({"id": None}, "id", "id: got nothing, expected a value: CloudEvents requires the attribute."),
        ({"id": "a\x00b"}, "id", "id: got 'a\\x00b', expected at most 1024 characters, no control characters."),
        ({"id": "a\udc80"}, "id", "id: got 'a\\udc80', expected UTF-8 text."),
        (
            {"aggregateid": ""},
            "aggregateid",
            "aggregateid: got nothing, expected the id of what must stay in order, such as the order's.",
        ),
        (
            {"aggregateid": "1\n"},
            "aggregateid",
            "aggregateid: got '1\\n', expected at most 1024 characters, no control characters.",
        ),
        ({"type": None}, "type", "type: got nothing, expected a value: CloudEvents requires the attribute."),
        (
            {"type": "OrderPlaced"},
            "type",
            "type: got OrderPlaced, expected a type of this release. GET /v1/schemas lists the types; a newer type "
            "needs a newer release of Ledgerstream.",
        ),
        (
            {"payload": None},
            "payload",
            "payload: got nothing, expected the event's data as JSON: an outbox takes no tombstones.",
        ),
        (
            {"payload": "{"},
            "payload",
            "payload: got {, expected JSON (unexpected end of data at byte 1).",
        ),
        (
            {"payload": '{"order_id": "\udcff"}'},
            "payload",
            None,
        ),
        (
            {"payload": json.dumps(order(total="12,00"))},
            "payload.total",
            None,
        ),
        (
            {"payload": json.dumps(order(lines=[{"id": "1", "description": "Mug", "unit_amount": "x"}]))},
            "payload.lines[0].unit_amount",
            None,
        ),
        (
            {"payload": '"' + "x" * BODY_BYTES_MAX},
            "payload",
            f"payload: got {BODY_BYTES_MAX + 1} bytes, expected at most {BODY_BYTES_MAX} bytes.",
        ),
        ({"sequence": "v3"}, "sequence", None),
        ({"sequence": -1}, "sequence", None),
    ],
)
def test_what_is_no_event_is_told_by_its_column(columns: dict[str, Any], column: str, reason: str | None) -> None:
    found = rejected(**columns)
    assert found.column == column
    assert found.reason.startswith(f"{column}: got ")
    if reason is not None:
        assert found.reason == f"{reason} {MEND}"
    assert found.reason.encode()
