"""What the desk tells of one id with two contents, and of what changed nothing."""

from typing import Any

import pytest

from schemas import raw
from schemas.commands import Ignored
from schemas.raw import RawRecord
from streams import tenants
from streams.kafka.records import Record
from streams.normalise import ended_record, normalise
from tests.support.desk import SECRETS, Office, order
from tests.support.ledger import NOON


def line(amount: str) -> dict[str, Any]:
    return {"id": "1", "description": "Tea", "unit_amount": amount, "tax_rate": "20"}


def test_one_id_with_two_contents_shows_where_they_differ(office: Office) -> None:
    other = {"lines": [line("99.00")], "total": "99.00", "customer": {"id": "c2", "name": "Bo"}}
    office.take_in(order("e1", "1001"), order("e1", "1001", more=other))
    [question] = office.type("ledgerstream ask list --json").json
    places = ("data.customer.id", "data.customer.name", "data.lines[0].unit_amount")
    assert f"({', '.join(places)} and 1 more places)" in question["text"]
    assert tuple(question["ours"][name] for name in places) == ("c1", "Ada Lovelace", "12.00")
    assert tuple(question["theirs"][name] for name in places) == ("c2", "Bo", "99.00")
    assert {*question["ours"], *question["theirs"]} == {"position", *places}
    shown = office.type("ledgerstream ask list").out
    assert "data.lines[0].unit_amount" in shown


def test_what_came_in_an_earlier_run_is_shown_too_and_a_field_that_is_new(office: Office) -> None:
    office.take_in(order("e1", "1001"))
    office.take_in(order("e1", "1001", more={"reference": "PO 7"}))
    [question] = office.type("ledgerstream ask list --json").json
    assert (question["ours"]["data.reference"], question["theirs"]["data.reference"]) == ("nothing", "PO 7")


@pytest.mark.parametrize("key", ["stripe-1:evt_2", "record:raw:0:7"])
def test_a_request_that_was_ignored_is_traced_by_the_id_that_its_source_gave_it(office: Office, key: str) -> None:
    body = b'{"id": "evt_2", "type": "charge.succeeded", "livemode": false}'
    request = RawRecord(source="stripe-1", connector="stripe", body=body, received_at=NOON)
    name, value, headers = raw.to_kafka(request)
    record = Record(name, value, tuple(headers), 7, 1_795_000_000_000)
    sources = tenants.load(office.tenants, SECRETS).sources
    outcome = normalise(record, sources)
    assert isinstance(outcome, Ignored)
    ended = ended_record(record, outcome, "raw", 0, sources)
    office.on_ledger(lambda ledger: ledger.intake.take_in([ended], (0, 8)))
    told = office.type(f"ledgerstream trace {key}")
    assert (told.code, told.error) == (0, "")
    assert "charge.succeeded came (raw:0:7), ignored: Stripe's test-mode data does not reach live books" in told.out
    assert "Now" not in told.out
    status = office.on_ledger(lambda ledger: ledger.status.of_event("stripe-1", "evt_2"))
    assert status is not None
    assert (status.disposition, status.reason) == ("ignored", outcome.reason)
    assert office.type("ledgerstream trace stripe-1:evt_3").code == 1


def test_an_event_of_an_unknown_type_is_traced_by_its_id(office: Office) -> None:
    event = order("e9", "1001")
    event = type(event)(id="e9", source="shop-1", type="com.ledgerstream.Unheard.v1", data=event.data)
    office.take_in(event)
    told = office.type("ledgerstream trace shop-1:e9")
    assert told.code == 0, told.error
    assert "Unheard came (events.orders:0:0), pending" in told.out
