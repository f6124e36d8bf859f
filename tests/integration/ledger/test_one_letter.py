"""One failure is one letter, however often deliveries and sweeps bring it."""

import msgspec

from schemas.commands import CommandRecord, Evidence, RefusedEvent
from schemas.envelope import VIA_SWEEP
from streams.ledger import Ledger
from tests.support.ledger import NOON, of, payment, refused, take_in


def _same(record: CommandRecord, event: str, offset: int) -> CommandRecord:
    """The same content under the id that a sweep gives it."""
    headers = (("ce_id", event.encode()), VIA_SWEEP)
    return msgspec.structs.replace(record, event_key=f"shop-1:{event}", event_id=event, offset=offset, headers=headers)


def _raw(offset: int, body: bytes, *, about: str | None = "credit_note:cn_1", value: str = "60.00") -> CommandRecord:
    evidence = Evidence(message=f"{value} was not given back", field="amount", value=value, remedy="book it by hand")
    return CommandRecord(
        topic="raw",
        partition=0,
        offset=offset,
        timestamp_ms=int(NOON.timestamp() * 1000),
        outcome=RefusedEvent(cause="data", stage="normalise", evidence=evidence, about=about),
        source="stripe-1",
        key=b"stripe-1",
        value=body,
        headers=(("ls_received_at", str(offset).encode()),),
    )


async def _letters(ledger: Ledger) -> int:
    return len(await ledger.dead_letters.list(state=None))


async def _balanced(ledger: Ledger, records: int) -> None:
    report = await ledger.audits.audit()
    assert report.problems == ()
    assert sum(one.records for one in report.topics) == records


async def test_repeated_and_swept_it_is_one_letter_and_the_repetitions_are_duplicates(ledger: Ledger) -> None:
    first = refused("e1", 0)
    await take_in(ledger, first, msgspec.structs.replace(first, offset=1), at=0)
    await take_in(ledger, _same(first, "sweep:1", 2), at=2)
    assert await _letters(ledger) == 1
    await _balanced(ledger, 3)
    # Taken in again after a crash, it changes nothing.
    await take_in(ledger, _same(first, "sweep:1", 2), at=2)
    await _balanced(ledger, 3)


async def test_who_sent_it_under_another_id_is_told_of_the_letter(ledger: Ledger) -> None:
    first = refused("e1", 0)
    await take_in(ledger, first, _same(first, "e2", 1))
    status = await ledger.status.of_event("shop-1", "e2")
    assert status is not None
    assert status.disposition == "dead_lettered"
    assert await ledger.status.of_event("shop-1", "e3") is None


async def test_a_discarded_failure_does_not_come_back(ledger: Ledger) -> None:
    first = refused("e1", 0)
    await take_in(ledger, first)
    [row] = await ledger.dead_letters.list()
    await ledger.discarding.discard(row.letter.dlq_id, "ann", "booked by hand")
    await take_in(ledger, _same(first, "sweep:1", 1), at=1)
    assert await ledger.dead_letters.list() == []
    await _balanced(ledger, 2)


async def test_what_is_booked_after_a_mended_rule_closes_the_letter_of_the_same_content(ledger: Ledger) -> None:
    booked = of(payment("e9"), 1)
    first = msgspec.structs.replace(_same(booked, "e1", 0), outcome=refused("e1", 0).outcome)
    await take_in(ledger, first)
    assert len(await ledger.dead_letters.list()) == 1
    await take_in(ledger, booked, at=1)
    assert await ledger.dead_letters.list() == []
    await _balanced(ledger, 2)


async def test_other_content_is_a_letter_of_its_own(ledger: Ledger) -> None:
    first = refused("e1", 0)
    await take_in(ledger, first, msgspec.structs.replace(first, offset=1, digest="other"))
    assert await _letters(ledger) == 2


async def test_a_thing_that_is_refused_for_one_reason_is_one_letter_whatever_brings_it(ledger: Ledger) -> None:
    await take_in(ledger, _raw(0, b'{"id":"evt_1"}'), _raw(1, b'{"id":"evt_2"}'), _raw(2, b'{"sweep":1}'))
    assert await _letters(ledger) == 1
    await take_in(ledger, _raw(3, b'{"id":"evt_3"}', value="70.00"), at=3)
    assert await _letters(ledger) == 2
    await _balanced(ledger, 4)


async def test_garbage_is_one_letter_for_the_same_bytes_only(ledger: Ledger) -> None:
    await take_in(ledger, *(_raw(place, body, about=None) for place, body in enumerate([b"{", b"{", b"["])))
    assert await _letters(ledger) == 2
    await _balanced(ledger, 3)
