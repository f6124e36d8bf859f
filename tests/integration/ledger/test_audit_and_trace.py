"""The audit finds what is wrong, and the trace tells what happened."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from schemas import keys
from schemas.commands import Evidence, Ignored
from streams.core.results import Rejected
from streams.ledger import Ledger
from streams.ledger.audit import ReadRecord
from tests.integration.sender.stream import Stream
from tests.support.ledger import (
    invoice,
    of,
    opened,
    order_placed,
    payment,
    post_all,
    record,
    refused,
    settled,
    take_in,
)


async def a_day(ledger: Ledger) -> None:
    """One of everything."""
    await take_in(ledger, order_placed("e1", "1001", 0), of(payment("e2"), 1), of(payment("e3"), 2))
    await post_all(ledger)
    await take_in(ledger, order_placed("e1", "1001", 3), record("e4", Ignored("test"), 4), refused("e5", 5), at=3)
    await take_in(ledger, of(invoice("e6", "2002"), 6), of(payment("e7", "p2", order="2002"), 7), at=6)
    await settled(
        ledger,
        await opened(ledger, "shop-1:e6#invoice"),
        Rejected(command_id="shop-1:e6#invoice", cause="data", evidence=Evidence(message="no", remedy="mend it")),
    )
    await take_in(ledger, of(invoice("e8", "3003", sequence=3), 8), of(invoice("e9", "3003", sequence=2), 9), at=8)


async def test_the_audit_of_a_day_adds_up(ledger: Ledger) -> None:
    await a_day(ledger)
    report = await ledger.audits.audit()
    assert report.ok, report.problems
    assert report.dispositions == {
        "dead_lettered": 2,
        "waiting": 2,
        "discarded": 0,
        "posted": 3,
        "superseded": 1,
        "ignored": 1,
    }
    assert [(one.records, one.events, one.duplicates, one.refused) for one in report.topics] == [(10, 8, 1, 1)]
    assert report.waiting == {"dead_dependency": 1, "ready": 1}
    assert report.open_dead_letters == {"data": 2}
    assert report.unpublished > 0


async def test_what_says_the_same_shares_the_fate_of_what_it_repeats(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e0"), 0), of(payment("e1"), 1), of(payment("e2"), 2))
    await settled(
        ledger,
        await opened(ledger, "shop-1:e0#invoice"),
        Rejected(command_id="shop-1:e0#invoice", cause="data", evidence=Evidence(message="no")),
    )
    assert (await ledger.audits.audit()).dispositions["waiting"] == 2
    [row] = await ledger.dead_letters.list()
    await ledger.discarding.discard(row.letter.dlq_id, "test", "ann", followers=True)
    assert (await ledger.audits.audit()).dispositions["discarded"] == 3
    status = await ledger.status.of_event("shop-1", "e2")
    assert status is not None
    assert (status.disposition, status.commands[0].state) == ("discarded", "same")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("DELETE FROM duplicates", "records were taken in"),
        ("UPDATE cursors SET records = records + 1", "records were taken in"),
        ("UPDATE commands SET state = 'sent' WHERE command_id = 'shop-1:e7#payment'", "in no open call"),
        ("UPDATE commands SET state = 'rejected' WHERE command_id = 'shop-1:e7#payment'", "no open dead letter"),
        ("UPDATE effects SET posted_digest = NULL", "nothing says what was posted"),
    ],
)
async def test_the_audit_finds(ledger: Ledger, damage: str, word: str) -> None:
    await a_day(ledger)
    async with ledger._store.write() as connection:
        await connection.execute(text(damage))
    report = await ledger.audits.audit()
    assert not report.ok
    assert word in " ".join(report.problems)


async def read_again(*records: ReadRecord) -> AsyncIterator[ReadRecord]:
    for one in records:
        yield one


async def test_records_read_again_are_compared_with_the_rows(ledger: Ledger) -> None:
    await a_day(ledger)
    good = [
        ReadRecord("events.orders", 0, 0, "shop-1:e1", "e1/1/12.50"),
        ReadRecord("events.orders", 0, 3, "shop-1:e1", "e1/1/12.50"),
        ReadRecord("events.orders", 0, 5, "shop-1:e5", "e5/"),
        ReadRecord("events.orders", 0, 99, "shop-1:not-yet", "x"),
        ReadRecord("raw", 0, 0, None, None),
    ]
    assert await ledger.audits.audit_records(read_again(*good)) == []
    async with ledger._store.write() as connection:
        await connection.execute(text("DELETE FROM duplicates"))
    bad = [
        ReadRecord("events.orders", 0, 3, "shop-1:e1", "e1/1/12.50"),
        ReadRecord("events.orders", 0, 0, "shop-1:e1", "other"),
        ReadRecord("events.orders", 0, 0, "shop-1:e99", "e1/1/12.50"),
    ]
    lost, other, strange = await ledger.audits.audit_records(read_again(*bad))
    assert "lost: events.orders/0/3" in lost
    assert "other content" in other
    assert "the ledger has shop-1:e1" in strange


async def test_a_trace_tells_the_whole_story_under_every_name(ledger: Ledger) -> None:
    await a_day(ledger)
    story = await ledger.timeline.trace("shop-1:order:1001")
    assert [one.command_id for one in story.commands] == [
        "shop-1:e1#contact",
        "shop-1:e1#invoice",
        "shop-1:e2#payment",
        "shop-1:e3#payment",
    ]
    assert [one.effect_key for one in story.documents if one.xero_id is not None] == [
        "shop-1:customer:c1#contact:uk",
        "shop-1:order:1001#invoice",
        "stripe-1:payment:p1#payment",
    ]
    assert {(one.purpose, one.status, one.correlation_id) for one in story.calls} == {("write", 200, "corr-1")}
    changes = [one.to_state for one in story.transitions if one.subject == "shop-1:e1#invoice"]
    assert changes == ["pending", "sent", "posted"]
    mark = keys.mark("shop-1:order:1001#invoice")
    for key in ("shop-1:e1", "shop-1:e1#invoice", "shop-1:order:1001#invoice", "id-shop-1:e1#invoice", mark):
        assert "shop-1:order:1001" in await ledger.timeline.entities(key)
    dead = await ledger.timeline.trace("shop-1:order:2002")
    assert [one.letter.evidence.remedy for one in dead.dead_letters] == ["mend it"]


@pytest.mark.parametrize("paid", ["", "pi_1001"], ids=["of the invoice", "of the payment"])
async def test_the_story_of_an_order_goes_on_to_its_refunds(ledger: Ledger, paid: str) -> None:
    stream = Stream()
    records = [stream.order("1001"), stream.payment("1001", "22.34"), stream.refund("1001", "5.00", payment=paid)]
    await take_in(ledger, *records, stream.order("1002"))
    story = await ledger.timeline.trace("shop-1:order:1001")
    kinds = {one.kind for one in story.commands}
    assert kinds == {"UpsertInvoice", "RecordPayment", "UpsertCreditNote", "RecordRefund"}
    assert {one.event_key for one in story.events} >= {"stripe-1:refund-1001", "stripe-1:paid-pi_1001"}


async def test_the_number_of_what_is_not_in_xero_is_known_too(ledger: Ledger) -> None:
    await a_day(ledger)
    story = await ledger.timeline.trace("S1-2002")
    assert story.entities == ("shop-1:order:2002",)
    assert [letter.command_id for letter in story.dead_letters] == ["shop-1:e6#invoice"]
    # One that waits, and none.
    assert await ledger.timeline.entities("S1-3003") == ("shop-1:order:3003",)
    for strange in ("S1-9", "S1-200_", 'S1-2002","'):
        assert await ledger.timeline.entities(strange) == ()


async def test_an_unknown_key_has_similar_ones(ledger: Ledger) -> None:
    await a_day(ledger)
    assert (await ledger.timeline.trace("order:1001")).entities == ()
    assert await ledger.timeline.similar("order:1001") == ("shop-1:order:1001",)
    assert await ledger.status.of_event("shop-1", "nowhere") is None


async def test_the_sweep_mends_what_a_missed_promotion_left(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(payment("e2"), 1))
    assert await ledger.sweep() == 0
    async with ledger._store.write() as connection:
        await connection.execute(
            text(
                "UPDATE commands SET ready_since = CASE WHEN kind = 'RecordPayment' THEN created_at END, "
                "due_at = CASE WHEN kind = 'RecordPayment' THEN created_at END"
            )
        )
    assert await ledger.sweep() == 2
    assert await ledger.sweep() == 0
