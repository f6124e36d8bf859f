"""A request with several events of which some do not fit: the others are taken, and a letter names what does not."""

from pathlib import Path

import pytest

from schemas.commands import decode_record
from schemas.envelope import from_kafka
from schemas.topics import PREFIX
from streams import tenants
from streams.kafka.records import Record
from streams.normalise import outgoing
from tests.support.batches import body, payment, request, take_the_place_of_stripe
from tests.support.desk import SECRETS, Office, Typed


@pytest.fixture(autouse=True)
def batches(monkeypatch: pytest.MonkeyPatch) -> None:
    take_the_place_of_stripe(monkeypatch)


def happen(office: Office, record: Record) -> None:
    """The record through normalise, translate and intake."""
    *events, ended = outgoing(record, "raw", 0, tenants.load(office.tenants, SECRETS).sources, PREFIX)
    office.take_in(*(from_kafka(one.headers, one.value) for one in events), topic="events.payments")
    told = [decode_record(ended.value)]
    office.on_ledger(lambda ledger: ledger.intake.take_in(told, (1, record.offset + 1)))


def letters(office: Office) -> list[dict[str, str]]:
    found: list[dict[str, str]] = office.type("ledgerstream dlq list --json").json
    return found


def trace(office: Office, key: str) -> Typed:
    return office.type(f"ledgerstream trace {key} --json")


def balanced(office: Office) -> bool:
    return bool(office.type("ledgerstream audit --json").json["problems"] == [])


def test_one_that_does_not_fit_keeps_no_other_back_and_is_replayed_by_itself(office: Office, tmp_path: Path) -> None:
    happen(office, request(payment(20), payment(21, "pounds"), payment(22)))
    for number in (20, 22):
        assert trace(office, f"stripe-1:evt_{number}").code == 0
    [letter] = letters(office)
    assert "currency: got pounds" in str(letter)
    assert "stripe-1:evt_21" in str(letter)
    assert "currency: got pounds" in trace(office, "stripe-1:evt_21").out
    assert balanced(office)
    tried = office.type(f"ledgerstream dlq replay {letter['id']}")
    assert (tried.code, len(letters(office))) == (1, 1), tried
    mended = tmp_path / "mended.json"
    for others in ((payment(20), payment(22)), (payment(23),)):
        mended.write_bytes(body(*others))
        tried = office.type(f"ledgerstream dlq replay {letter['id']} --edit {mended}")
        assert (tried.code, len(letters(office))) == (1, 1), "the letter is of another event"
    mended.write_bytes(body(payment(20), payment(21), payment(22)))
    done = office.type(f"ledgerstream dlq replay {letter['id']} --edit {mended}")
    assert (done.code, letters(office)) == (0, []), done
    assert "RecordPayment" in trace(office, "stripe-1:evt_21").out
    assert balanced(office)


def test_what_is_told_well_later_closes_its_letter(office: Office) -> None:
    happen(office, request(payment(20), payment(21, "pounds")))
    assert len(letters(office)) == 1
    happen(office, request(payment(21), payment(22, "pounds"), offset=1))
    assert [("stripe-1:evt_22" in str(letter)) for letter in letters(office)] == [True]
    assert balanced(office)


def test_several_that_do_not_fit_are_one_letter_that_no_replay_closes_for_all(office: Office) -> None:
    happen(office, request(payment(1), *(payment(number, "pounds") for number in range(2, 14))))
    [letter] = letters(office)
    assert "12 events of this request do not fit; the others were taken. evt_2: " in str(letter)
    assert "And 2 more." in str(letter)
    assert office.type(f"ledgerstream dlq replay {letter['id']}").code == 1
    assert len(letters(office)) == 1
    assert balanced(office)
