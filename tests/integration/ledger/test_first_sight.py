"""What is told of a document that was not told of, or of which we do not know yet what our own write did to it."""

from datetime import timedelta
from typing import Any

import msgspec
import orjson
import pytest

from connectors.xero.ticket import Ticket
from schemas import keys
from streams.core.results import Posted
from streams.core.situation import Document
from streams.ledger import Ledger
from streams.ledger.calls import Wait
from tests.integration.ledger.test_overdue import AUCKLAND, invoice, listened
from tests.support.clock import ManualClock
from tests.support.ledger import REQUEST, fence, invoice_effect, of, planned, take_in
from tests.support.ledger import invoice as invoice_command

EFFECT = invoice_effect("1001")
MARK = keys.mark(EFFECT)
MONTHS_S = 60 * 86_400


async def heard(ledger: Ledger, clock: ManualClock, **body: Any) -> list[dict[str, Any]]:
    """A webhook named an invoice, and it was read; the news of it."""
    found = invoice(clock, "2027-06-01", **body)
    await ledger.listening.read(AUCKLAND, "Invoices", [found.xero_id], [found], clock.now(), await fence(ledger))
    return await news(ledger)


async def news(ledger: Ledger) -> list[dict[str, Any]]:
    return [orjson.loads(one.envelope.data) for one in await ledger.publishing.unpublished_news(100)]


async def begun(ledger: Ledger, clock: ManualClock) -> None:
    """We begin to listen, and the first lists are read."""
    clock.advance(MONTHS_S)
    await ledger.listening.begin(AUCKLAND)
    await listened(ledger, clock)
    clock.advance(3600)


async def test_what_we_booked_before_we_listened_is_compared_with_what_we_know_of_it(
    ledger: Ledger, clock: ManualClock
) -> None:
    known = invoice(clock, "2027-06-01", Status="PAID", AmountPaid="20.00", AmountDue="0.00", Reference="1001")
    await ledger.results.save_documents("uk", [known], await fence(ledger))
    await begun(ledger, clock)
    (taken_off,) = await heard(ledger, clock, Reference="1001")
    assert (taken_off["changes"], taken_off["previous_status"]) == (["payment_removed"], "PAID")
    assert {one["field"] for one in taken_off["fields"]} == {"Status", "AmountPaid", "AmountDue"}
    clock.advance(60)
    assert (await heard(ledger, clock, Reference="by hand"))[-1]["changes"] == ["edited"]


@pytest.mark.parametrize(("days", "changes"), [(0, ["created"]), (20, ["created"]), (100, ["edited"])])
async def test_what_may_be_older_than_the_first_lists_is_not_told_as_created(
    ledger: Ledger, clock: ManualClock, days: int, changes: list[str]
) -> None:
    await begun(ledger, clock)
    dated = (clock.now() - timedelta(days=days)).date().isoformat()
    (told,) = await heard(ledger, clock, DateString=f"{dated}T00:00:00")
    assert (told["changes"], told["by"], told["effect"]) == (changes, "others", None)


async def test_what_did_not_change_since_we_listen_is_only_remembered(ledger: Ledger, clock: ManualClock) -> None:
    before = invoice(clock, "2027-06-01").body["UpdatedDateUTC"]
    await begun(ledger, clock)
    assert await heard(ledger, clock, UpdatedDateUTC=before) == []
    assert [one["changes"] for one in await heard(ledger, clock, Reference="by hand")] == [["edited"]]


async def sent(ledger: Ledger, **element: Any) -> Ticket:
    """The invoice of the order is under way with this element, and nobody knows what became of it."""
    (found,) = (await ledger.situation.read("uk")).ready
    write = msgspec.structs.replace(planned([found])[0], number="S1-1001", element=element)
    ticket = await ledger.calls.open([write], REQUEST, "write", "uk", "xero-uk-1", await fence(ledger))
    assert not isinstance(ticket, Wait)
    return ticket


async def kept(ledger: Ledger, ticket: Ticket, event: str, document: Document) -> None:
    """Its answer comes in the end: Xero has it so."""
    result = Posted(
        command_id=f"shop-1:{event}#invoice",
        resource="Invoices",
        xero_id=document.xero_id,
        number="S1-1001",
        document=document,
        sent=document.body,
        reason="found",
    )
    await ledger.results.settle(ticket.root, [result], ticket.fence, voice=AUCKLAND.voice)


async def test_what_is_seen_before_we_know_what_became_of_our_write_is_ours(ledger: Ledger, clock: ManualClock) -> None:
    await begun(ledger, clock)
    await take_in(ledger, of(invoice_command("e1", "1001", sequence=1), 0))
    ours = {"InvoiceNumber": "S1-1001", "Reference": f"1001 {MARK}"}
    ticket = await sent(ledger, **ours)
    (created,) = await heard(ledger, clock, **ours)
    assert (created["changes"], created["by"], created["effect"]) == (["created"], "us", EFFECT)
    clock.advance(60)
    await kept(ledger, ticket, "e1", invoice(clock, "2027-06-01", **ours))
    assert await news(ledger) == [created]
    # So is what our update changes, but not what a person changed meanwhile.
    await take_in(ledger, of(invoice_command("e2", "1001", sequence=2, total="13.00"), 1, content="2"), at=1)
    ticket = await sent(ledger, InvoiceID="i-1", Reference=f"1001b {MARK}")
    clock.advance(60)
    answer = invoice(clock, "2027-06-01", Reference=f"1001b {MARK}")
    told = await heard(ledger, clock, Reference=f"1001b {MARK}")
    assert (told[-1]["changes"], told[-1]["by"]) == (["edited"], "us")
    clock.advance(60)
    told = await heard(ledger, clock, Reference=f"1001b {MARK}", CurrencyCode="EUR")
    assert (told[-1]["changes"], told[-1]["by"]) == (["edited"], "others")
    # The answer that a resend gets again is older than what was read since, and takes nothing back.
    await kept(ledger, ticket, "e2", answer)
    assert await news(ledger) == told
    (document,) = (await ledger.timeline.trace("shop-1:order:1001")).documents
    assert document.body["CurrencyCode"] == "EUR"


async def test_a_stranger_that_has_our_number_and_not_our_mark_is_nobody_of_ours(
    ledger: Ledger, clock: ManualClock
) -> None:
    await begun(ledger, clock)
    await take_in(ledger, of(invoice_command("e1", "1001", sequence=1), 0))
    await sent(ledger, InvoiceNumber="S1-1001", Reference=f"1001 {MARK}")
    (created,) = await heard(ledger, clock, InvoiceNumber="S1-1001", Reference="by hand")
    assert (created["by"], created["effect"]) == ("others", None)
