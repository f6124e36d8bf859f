"""Two workers on one ledger: one owner a tenant, its fence in every write of a call, and slots that both count."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from connectors.xero.ticket import Answer, NoAnswer, Ticket, XeroRequest
from streams.core.after import Look, Patience, Resend, after
from streams.core.results import Same
from streams.core.situation import Document
from streams.ledger import Ledger, open_ledger
from streams.ledger.calls import Wait
from streams.ledger.errors import FenceLost, NotPossible
from tests.support.clock import ManualClock
from tests.support.ledger import (
    REQUEST,
    fence,
    invoice,
    of,
    opened,
    order_placed,
    payment,
    planned,
    posted,
    ready,
    states,
    take_in,
)

GET = XeroRequest(method="GET", path="/Invoices")
ID = "shop-1:e1#invoice"
LOOK_S = 65.0


@pytest.fixture
async def other(url: str, clock: ManualClock, ledger: Ledger) -> AsyncIterator[Ledger]:
    """A second worker's way to the ledger of the first."""
    opened_ = await open_ledger(url, clock)
    yield opened_
    await opened_.close()


async def taken_over(other: Ledger, clock: ManualClock) -> int:
    """The second worker owns the tenant; its fence."""
    clock.advance(61)
    lease = await other.leases.acquire("uk", "w2", 60)
    assert lease is not None
    return lease.fence


Write = Callable[[Ledger, Ticket], Awaitable[object]]


def _open(purpose: str) -> Write:
    async def write(ledger: Ledger, ticket: Ticket) -> object:
        root = None if purpose == "write" else ticket.root
        writes = planned((await ledger.situation.read("uk")).ready) if purpose == "write" else ()
        return await ledger.calls.open(writes, REQUEST, purpose, "uk", "x", ticket.fence, root)  # type: ignore[arg-type]  # a literal

    return write


WRITES: dict[str, Write] = {
    "plans another call": _open("write"),
    "sends again": _open("resend"),
    "looks": _open("look"),
    "notes that it looked": lambda ledger, ticket: ledger.recovery.mark_looked(ticket.root, None, ticket.fence),
    "settles": lambda ledger, ticket: ledger.results.settle(ticket.root, [posted(ID, "Invoices")], ticket.fence),
    "settles without a call": lambda ledger, ticket: ledger.results.settle_without_call(
        [Same(command_id="shop-1:e2#invoice", reason="x")], "uk", ticket.fence
    ),
    "keeps what it read": lambda ledger, ticket: ledger.results.save_documents(
        "uk", [Document(resource="Invoices", xero_id="i", body={}, read_at=dt.datetime.now(dt.UTC))], ticket.fence
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_the_fence_stops_every_write_of_an_owner_that_lost_the_tenant(
    ledger: Ledger, other: Ledger, clock: ManualClock, write: Write
) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(invoice("e2", "2002"), 1))
    ticket = await opened(ledger, ID)
    await taken_over(other, clock)
    before = await states(other, "shop-1:order:1001"), await ready(other)
    with pytest.raises(FenceLost, match="held by w2"):
        await write(ledger, ticket)
    assert (await states(other, "shop-1:order:1001"), await ready(other)) == before


async def test_a_late_answer_of_the_old_owner_counts_for_the_limit_and_settles_nothing(
    ledger: Ledger, other: Ledger, clock: ManualClock
) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    await taken_over(other, clock)
    await ledger.calls.answered(ticket, Answer(status=200, body=b"{}"))
    assert (await other.calls.budget("uk")).minute_left == 59
    [call] = await other.recovery.open_calls("uk")
    assert (call.call, [one.write.command_id for one in call.writes]) == (ticket.call, [ID])


async def test_a_new_owner_sends_again_at_once_and_looks_only_when_nothing_can_be_under_way(
    ledger: Ledger, other: Ledger, clock: ManualClock
) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    await opened(ledger)
    await taken_over(other, clock)
    [call] = await other.recovery.open_calls("uk")
    assert after(call, Patience(), clock.now()) == Resend(clock.now())
    # The clock was set forward: the call seems to be old, but may have left a moment before the lease was lost.
    clock.advance(600)
    third = await other.leases.acquire("uk", "w3", 60)
    assert third is not None
    [call] = await other.recovery.open_calls("uk")
    assert after(call, Patience(), clock.now()) == Look(clock.now() + dt.timedelta(seconds=60))


async def test_a_lease_that_was_given_back_is_anothers_at_once(ledger: Ledger, other: Ledger) -> None:
    lease = await ledger.leases.acquire("uk", "w1", 60)
    assert lease is not None
    assert await other.leases.acquire("uk", "w2", 60) is None
    await ledger.leases.release(lease)
    second = await other.leases.acquire("uk", "w2", 60)
    assert second is not None
    assert second.fence == lease.fence + 1
    await ledger.leases.release(lease)
    assert await ledger.leases.acquire("uk", "w1", 60) is None


async def test_one_of_many_gets_the_lease(ledger: Ledger, other: Ledger) -> None:
    asked = [(ledger, other)[n % 2].leases.acquire("uk", f"w{n}", 60) for n in range(8)]
    found = [lease for lease in await asyncio.gather(*asked) if lease is not None]
    assert [lease.fence for lease in found] == [1]


async def test_where_the_clock_was_set_back_no_key_is_used_again(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    await ledger.calls.answered(ticket, NoAnswer(left=True, detail="dropped"))
    clock.advance(400)
    lease = await ledger.leases.acquire("uk", "w1", 60)
    assert lease is not None
    assert lease.fence == ticket.fence
    clock.advance(-390)
    again = await ledger.leases.acquire("uk", "w1", 60)
    assert again is not None
    assert again.fence == lease.fence + 1
    [call] = await ledger.recovery.open_calls("uk")
    assert isinstance(after(call, Patience(), clock.now()), Look)


@pytest.mark.parametrize("by_s", [600.0, -600.0])
async def test_where_the_time_was_set_the_owner_starts_anew_and_looks(
    ledger: Ledger, clock: ManualClock, by_s: float
) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    to = clock.now() + dt.timedelta(seconds=by_s)
    await ledger.leases.clock_was_set("w1", to, LOOK_S)
    clock.advance(by_s)
    with pytest.raises(FenceLost):
        await ledger.results.settle(ticket.root, [posted(ID, "Invoices")], ticket.fence)
    lease = await ledger.leases.acquire("uk", "w1", 60)
    assert lease is not None
    assert lease.fence == ticket.fence + 1
    [call] = await ledger.recovery.open_calls("uk")
    assert after(call, Patience(), clock.now()) == Look(to + dt.timedelta(seconds=LOOK_S))


async def test_five_at_once_whoever_opens_them(ledger: Ledger, other: Ledger) -> None:
    token = await fence(ledger)
    found = await asyncio.gather(
        *((ledger, other)[n % 2].calls.open((), GET, "read", "uk", "x", token, is_urgent=True) for n in range(12))
    )
    tickets = [one for one in found if isinstance(one, Ticket)]
    assert len(tickets) == 5
    assert len({ticket.call for ticket in tickets}) == 5
    assert {one.limit for one in found if isinstance(one, Wait)} == {"in_flight"}


async def test_sixty_a_minute_whoever_opens_them(ledger: Ledger, other: Ledger) -> None:
    token = await fence(ledger)
    for number in range(61):
        one = (ledger, other)[number % 2]
        found = await one.calls.open((), GET, "read", "uk", "x", token, is_urgent=True)
        if isinstance(found, Wait):
            break
        await one.calls.answered(found, Answer(status=200, body=b""))
    assert (number, isinstance(found, Wait)) == (60, True)


async def test_a_command_that_two_plan_is_sent_once(ledger: Ledger, other: Ledger) -> None:
    await take_in(ledger, *(of(invoice(f"e{n}", str(n)), n) for n in range(3)))
    plan = planned((await ledger.situation.read("uk")).ready)
    token = await fence(ledger)
    found = await asyncio.gather(
        *((ledger, other)[n % 2].calls.open(plan, REQUEST, "write", "uk", "x", token) for n in range(6))
    )
    assert sum(isinstance(one, Ticket) for one in found) == 1
    assert {one.limit for one in found if isinstance(one, Wait)} <= {"changed", "in_flight"}
    assert (await ledger.audits.audit()).problems == ()


async def test_a_result_and_a_newer_version_that_meet(ledger: Ledger, other: Ledger, clock: ManualClock) -> None:
    """Whatever comes first, the newer version is booked in the end, and nothing that may go is overlooked."""
    for number in range(15):
        order, at = str(number), 2 * number
        await take_in(ledger, of(invoice(f"a{number}", order), at), at=at)
        ticket = await opened(ledger, f"shop-1:a{number}#invoice")
        newer = of(invoice(f"b{number}", order, sequence=2, total="20.00"), at + 1)
        result = posted(f"shop-1:a{number}#invoice", "Invoices")
        await asyncio.gather(
            ledger.results.settle(ticket.root, [result], ticket.fence), take_in(other, newer, at=at + 1)
        )
        assert await other.sweep() == 0
        assert f"shop-1:b{number}#invoice" in await ready(other)
        clock.advance(61)
    assert (await ledger.audits.audit()).problems == ()


async def test_what_a_result_sets_free_while_a_newer_version_takes_its_place(
    ledger: Ledger, other: Ledger, clock: ManualClock
) -> None:
    """The customer is booked, so the invoice may go; in the same moment a newer version comes, of another customer: so
    the two transactions lock nothing that both need."""
    for number in range(40):
        order, at = str(number), 2 * number
        await take_in(ledger, order_placed(f"a{number}", order, at, customer=f"c{number}"), at=at)
        ticket = await opened(ledger, f"shop-1:a{number}#contact")
        newer = order_placed(f"b{number}", order, at + 1, customer=f"d{number}", sequence=2, total="20.00")
        result = posted(f"shop-1:a{number}#contact", "Contacts", f"contact-{number}")
        report, _ = await asyncio.gather(
            other.intake.take_in([newer], (0, at + 2)),
            ledger.results.settle(ticket.root, [result], ticket.fence),
        )
        assert report.counts.poison == 0
        assert f"shop-1:b{number}#contact" in await ready(other)
        clock.advance(61)
    assert await other.sweep() == 0
    assert (await ledger.audits.audit()).problems == ()


async def test_two_intakes_of_which_each_makes_what_the_other_looks_for(ledger: Ledger, other: Ledger) -> None:
    for number in range(15):
        order = of(invoice(f"o{number}", str(number)), 2 * number)
        paid = of(payment(f"p{number}", f"pay{number}", order=str(number)), 2 * number + 1)
        await asyncio.gather(
            ledger.intake.take_in([order], (0, number + 1)), other.intake.take_in([paid], (1, number + 1))
        )
        [waiting] = (await other.timeline.trace(f"stripe-1:payment:pay{number}")).commands
        assert (waiting.tenant, waiting.waits_for) == ("uk", "dependency")
    assert await other.sweep() == 0


async def test_one_event_that_two_take_in_at_once_is_one(ledger: Ledger, other: Ledger) -> None:
    for number in range(10):
        first, again = (order_placed(f"e{number}", str(number), 2 * number + at) for at in (0, 1))
        await asyncio.gather(
            ledger.intake.take_in([first], (0, number + 1)), other.intake.take_in([again], (1, number + 1))
        )
    report = await ledger.audits.audit()
    assert report.problems == ()
    assert [(one.events, one.duplicates, one.refused) for one in report.topics] == [(10, 10, 0)]


async def test_two_that_decide_one_question_do_not_both(ledger: Ledger, other: Ledger) -> None:
    await take_in(ledger, of(payment("e1"), 0), of(payment("e2", amount="13.00"), 1))
    [asked] = await ledger.questions.list()
    found = await asyncio.gather(
        ledger.questions.answer(asked.question_id, "keep", "ann"),
        other.questions.answer(asked.question_id, "take", "bob"),
        return_exceptions=True,
    )
    assert [isinstance(one, NotPossible) for one in found].count(True) == 1
    assert (await ledger.audits.audit()).problems == ()
