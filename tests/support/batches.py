"""A connector that exists nowhere: one request tells several payments, and each of them fits by itself or not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Answers, Connector, Events, Normalised, SourceConfig, Unfit
from connectors.registry import CONNECTORS
from schemas import raw
from schemas.codec import Refused, to_json
from schemas.commands import Evidence, RefusedEvent
from schemas.envelope import Envelope
from schemas.events import decode_event
from schemas.raw import RawRecord
from streams.kafka.records import Record

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def take_the_place_of_stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source stripe-1 of the tenant files is then read by this connector."""
    fake = Connector(kind="stripe", verify=CONNECTORS["stripe"].verify, normalise=normalise, answers=Answers())
    monkeypatch.setitem(CONNECTORS, "stripe", fake)


def payment(number: int, currency: str = "GBP") -> dict[str, Any]:
    return {"id": f"evt_{number}", "currency": currency, "payment": f"ch_{number}"}


def request(*payments: dict[str, Any], offset: int = 0) -> Record:
    """A raw record that tells these payments."""
    told = RawRecord(source="stripe-1", connector="stripe", body=body(*payments), received_at=NOON)
    key, value, headers = raw.to_kafka(told)
    return Record(key, value, tuple(headers), offset, 1_795_000_000_000)


def body(*payments: dict[str, Any]) -> bytes:
    return json.dumps(payments).encode()


def normalise(record: RawRecord, config: SourceConfig) -> Normalised:
    told = [_told(one, config) for one in json.loads(record.body)]
    envelopes = tuple(one for one in told if isinstance(one, Envelope))
    return Events(envelopes, tuple(one for one in told if isinstance(one, Unfit)))


def _told(one: dict[str, Any], config: SourceConfig) -> Envelope | Unfit:
    data = {
        "payment_id": one["payment"],
        "gateway": "stripe",
        "amount": "24.00",
        "currency": one["currency"],
        "received_at": "2026-11-24T12:00:00Z",
        "order": {"source": "shop-1", "id": "1001"},
    }
    type_ = "com.ledgerstream.PaymentReceived.v1"
    told = Envelope(id=one["id"], source=config.name, type=type_, data=to_json(data))
    try:
        decode_event(told)
    except Refused as error:
        evidence = Evidence(message=f"{error}.", field=error.path, value=error.value, remedy="Mend it.")
        refused = RefusedEvent(cause="data", stage="normalise", evidence=evidence)
        return Unfit(refused=refused, id=one["id"], type="payment")
    return told
