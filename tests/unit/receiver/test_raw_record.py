"""The shape of a record in `raw`."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas.codec import Refused
from schemas.raw import RawRecord, from_kafka, to_kafka

RECORD = RawRecord(
    source="stripe-1",
    connector="stripe",
    body=b"\x00\xff any bytes",
    received_at=datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC),
    content_type="application/json",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    headers={"x-shop-topic": "orders/paid"},
)


def test_a_record_comes_back_as_it_went() -> None:
    key, value, headers = to_kafka(RECORD)
    assert (key, value) == (b"stripe-1", RECORD.body)
    assert from_kafka(headers, value) == RECORD


def test_what_is_not_there_is_left_out() -> None:
    bare = RawRecord(source="s", connector="stripe", body=b"", received_at=RECORD.received_at)
    _, value, headers = to_kafka(bare)
    assert [name for name, _ in headers] == ["ls_source", "ls_connector", "ls_received_at"]
    assert from_kafka(headers, value) == bare


def test_the_time_is_in_utc() -> None:
    summer = RECORD.received_at.astimezone(timezone(timedelta(hours=2)))
    _, _, headers = to_kafka(RawRecord(source="s", connector="stripe", body=b"", received_at=summer))
    assert dict(headers)["ls_received_at"] == b"2026-11-24T09:30:00.123456+00:00"


def test_header_bytes_that_are_not_text_survive() -> None:
    odd = RawRecord(source="s", connector="stripe", body=b"", received_at=RECORD.received_at, headers={"x": "\udcff"})
    _, value, headers = to_kafka(odd)
    assert dict(headers)["http_x"] == b"\xff"
    assert from_kafka(headers, value) == odd


@pytest.mark.parametrize("name", ["ls_source", "ls_connector", "ls_received_at"])
def test_a_record_of_somebody_else_is_refused(name: str) -> None:
    _, value, headers = to_kafka(RECORD)
    for others in ([pair for pair in headers if pair[0] != name], [*headers, (name, b"")]):
        with pytest.raises(Refused, match="a value") as caught:
            from_kafka(others, value)
        assert caught.value.path == name


def test_a_broken_time_and_a_tombstone_are_refused() -> None:
    _, value, headers = to_kafka(RECORD)
    with pytest.raises(Refused, match="ls_received_at: got yesterday"):
        from_kafka([*headers, ("ls_received_at", b"yesterday")], value)
    with pytest.raises(Refused, match="no value"):
        from_kafka(headers, None)
