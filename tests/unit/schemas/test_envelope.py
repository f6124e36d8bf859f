"""Envelopes: what fits, what is refused and how it is told. `test_envelope_sdk` holds them to the real package."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Refused
from schemas.envelope import (
    STRUCTURED,
    Envelope,
    from_attributes,
    from_document,
    from_kafka,
    from_structured,
    parse_time,
    to_kafka,
)

ATTRIBUTES: dict[str, Any] = {"specversion": "1.0", "id": "evt_1", "source": "shop-1", "type": "t"}
EVENT = Envelope(id="evt_1", source="shop-1", type="t", data=b"{}")
FULL = Envelope(
    id="evt:1#é",
    source="shop-1",
    type="com.ledgerstream.OrderPlaced.v1",
    data='{"note": "naïve"}'.encode(),
    time="2026-11-24T09:30:00.5+01:00",
    subject="order:1001",
    dataschema="https://ledgerstream.example/schemas/OrderPlaced",
    partitionkey="order:1001",
    sequence="7",
    correlationid="c-1",
    causationid="c-0",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    extras={"region": "eu"},
)
MOMENT = "RFC 3339 with a time zone, such as 2026-11-24T09:30:00Z"
OFFSETS = st.integers(-1439, 1439)
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=20)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def headers(**attributes: str) -> list[tuple[str, bytes]]:
    return [(f"ce_{name}", text.encode()) for name, text in {**ATTRIBUTES, **attributes}.items()]


def test_an_event_comes_back_from_a_record_as_it_went() -> None:
    key, value, written = to_kafka(FULL)
    assert (key, value) == (b"order:1001", FULL.data)
    assert from_kafka(written, value) == FULL
    assert dict(written)["content-type"] == b"application/json"
    assert dict(written)["ce_region"] == b"eu"


def test_an_event_comes_back_from_a_document_as_it_went() -> None:
    document = {**FULL.attributes(), "data": json.loads(FULL.data)}
    back = from_structured(json.dumps(document).encode())
    assert json.loads(back.data) == json.loads(FULL.data)
    assert back.attributes() == FULL.attributes()


@given(
    st.dictionaries(st.sampled_from(["subject", "partitionkey", "correlationid", "causationid", "region"]), TEXTS),
    st.integers(0, 10**18 - 1) | st.none(),
    st.binary(max_size=20),
)
def test_any_event_comes_back_from_its_record(texts: dict[str, str], sequence: int | None, data: bytes) -> None:
    event = from_attributes({**ATTRIBUTES, **texts, "sequence": sequence}, data)
    key, value, written = to_kafka(event)
    assert from_kafka(written, value) == event
    assert key.decode() == (texts.get("partitionkey") or texts.get("subject") or "evt_1")


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        ({"partitionkey": "p", "subject": "s"}, b"p"),
        ({"subject": "s"}, b"s"),
        ({"partitionkey": "", "subject": "s"}, b"s"),
        ({}, b"evt_1"),
    ],
)
def test_the_key_of_a_record(attributes: dict[str, str], key: bytes) -> None:
    assert to_kafka(from_attributes({**ATTRIBUTES, **attributes}, b"{}"))[0] == key


def test_the_event_key_is_source_and_id() -> None:
    assert FULL.key == "shop-1:evt:1#é"


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize("left", ["absent", None, ""])
def test_a_required_attribute_is_named_when_it_is_missing(name: str, left: str | None) -> None:
    attributes = {**ATTRIBUTES, name: left}
    if left == "absent":
        del attributes[name]
    with pytest.raises(Refused) as caught:
        from_attributes(attributes, b"{}")
    assert caught.value.path == name
    assert caught.value.expected == (
        '"1.0"' if name == "specversion" else "a value: CloudEvents requires the attribute"
    )


@pytest.mark.parametrize(
    ("name", "value", "got", "expected"),
    [
        ("specversion", "0.3", "0.3", '"1.0"'),
        ("specversion", 1.0, "1.0", '"1.0"'),
        ("id", " evt_1", "' evt_1'", "no blanks at its ends"),
        ("id", "e" * 256, "e" * 79 + "…", "1 to 255 characters"),
        ("id", "evt\n1", r"'evt\n1'", "at most 1024 characters, no control characters"),
        ("source", "https://shop.example", "https://shop.example", "the name of a configured source, such as shop-1"),
        ("source", "Shop-1", "Shop-1", "the name of a configured source, such as shop-1"),
        ("type", ["t"], '["t"]', "a text"),
        ("type", 1.5, "1.5", "a text"),
        ("subject", {"order": 1}, '{"order":1}', "a text"),
        ("subject", "s" * 1025, "s" * 79 + "…", "at most 1024 characters, no control characters"),
        ("region", "e\x00u", r"'e\x00u'", "at most 1024 characters, no control characters"),
        ("sequence", "v2", "v2", "a whole number: the source's own version of the entity"),
        ("sequence", -1, "-1", "a whole number: the source's own version of the entity"),
        ("sequence", "1" * 19, "1" * 19, "a whole number: the source's own version of the entity"),
        ("sequence", "٣", "٣", "a whole number: the source's own version of the entity"),
        ("sequence", True, "true", "a whole number: the source's own version of the entity"),
        ("time", "yesterday", "yesterday", MOMENT),
        ("datacontenttype", "application/xml", "application/xml", "application/json"),
        ("datacontenttype", "application/cloudevents", "application/cloudevents", "application/json"),
    ],
)
def test_an_attribute_that_does_not_fit(name: str, value: Any, got: str, expected: str) -> None:
    with pytest.raises(Refused) as caught:
        from_attributes({**ATTRIBUTES, name: value}, b"{}")
    assert (caught.value.path, caught.value.value, caught.value.expected) == (name, got, expected)


@pytest.mark.parametrize(
    "kind", [None, "", "application/json", "Application/JSON; charset=utf-8", "application/x+json"]
)
def test_data_is_json_by_any_of_its_names(kind: str | None) -> None:
    assert from_attributes({**ATTRIBUTES, "datacontenttype": kind}, b"{}") == EVENT


def test_numbers_and_truth_become_text() -> None:
    event = from_document({**ATTRIBUTES, "id": 7, "sequence": 12, "draft": True, "final": False, "data": None})
    assert (event.id, event.sequence, event.data) == ("7", "12", b"null")
    assert event.extras == {"draft": "true", "final": "false"}


@pytest.mark.parametrize(
    ("document", "path", "got", "expected"),
    [
        ([], "$", "[]", "one CloudEvent as a JSON object"),
        ("text", "$", "text", "one CloudEvent as a JSON object"),
        ({**ATTRIBUTES, "data_base64": "e30="}, "data_base64", "base64", "`data` with the event as JSON"),
        (ATTRIBUTES, "data", "nothing", "the event as a JSON object"),
    ],
)
def test_a_document_that_is_no_event(document: Any, path: str, got: str, expected: str) -> None:
    with pytest.raises(Refused) as caught:
        from_structured(json.dumps(document).encode())
    assert (caught.value.path, caught.value.value, caught.value.expected) == (path, got, expected)


@pytest.mark.parametrize("content_type", [STRUCTURED, f"{STRUCTURED}; charset=UTF-8", "Application/CloudEvents+JSON"])
def test_the_content_type_says_that_a_record_is_structured(content_type: str) -> None:
    value = json.dumps({**ATTRIBUTES, "data": {}}).encode()
    named = [("content-type", content_type.encode()), ("ce_id", b"ignored")]
    assert from_kafka(named, value) == EVENT


@pytest.mark.parametrize(
    ("named", "value", "path", "got", "expected"),
    [
        (headers(), None, "$", "no value", "a CloudEvent: events topics take no tombstones"),
        ([], b'{"order": 1}', "$", "no ce_ headers", f"a CloudEvent: ce_ headers, or content-type {STRUCTURED}"),
        ([("content-type", b"application/json")], b"", "$", "no ce_ headers", "a CloudEvent: ce_ headers"),
        ([("content-type", STRUCTURED.encode())], b"", "$", "''", "JSON ("),
        ([("ce_id", b"\xff")], b"{}", "ce_id", r"b'\xff'", "UTF-8 text"),
        (headers(source="Shop"), b"{}", "source", "Shop", "the name of a configured source"),
        ([*headers(), ("content-type", b"text/csv")], b"1,2", "datacontenttype", "text/csv", "application/json"),
    ],
)
def test_a_record_that_is_no_event(
    named: list[tuple[str, bytes]], value: bytes | None, path: str, got: str, expected: str
) -> None:
    with pytest.raises(Refused) as caught:
        from_kafka(named, value)
    assert (caught.value.path, caught.value.value) == (path, got)
    assert caught.value.expected.startswith(expected)


def test_headers_of_others_are_left_alone() -> None:
    odd: Any = [*headers(), ("x-hop", b"\xff"), ("ce_empty", None)]
    assert from_kafka(odd, b"{}") == from_attributes({**ATTRIBUTES, "empty": ""}, b"{}")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T09:30:00Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24t09:30:00z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24 10:30:00.25+01:00", datetime(2026, 11, 24, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-11-24T09:30:00.123456789-00:00", datetime(2026, 11, 24, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_rfc_3339(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-11-24", "2026-11-24T09:30:00", "2026-11-24T09:30Z", "20261124T093000Z", "1795512600",
     "2026-W48-2T09:30:00Z", "2026-11-24T09:30:00,5Z", "2026-11-24T09:30:00+0100", "2026-02-30T00:00:00Z",
     "2026-11-24T24:00:00Z", "2026-11-24T09:30:60Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00",
     "２026-11-24T09:30:00Z", "2026-11-24T09:30:00Z\n"],
)  # fmt: skip
def test_any_other_time_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_time(text)
    assert (caught.value.path, caught.value.expected) == ("time", MOMENT)


@given(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.builds(timezone, st.builds(minutes, OFFSETS)))
)
def test_every_time_that_python_writes_is_read(moment: datetime) -> None:
    assert parse_time(moment.isoformat()) == moment
