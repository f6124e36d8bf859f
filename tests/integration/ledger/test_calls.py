"""Calls: never without a slot, never over the limit, the exact bytes, one key a write, and only the owner's."""

import datetime as dt
import itertools

import msgspec
import pytest

from connectors.xero.ticket import Answer, NoAnswer, Purpose, Ticket, XeroRequest
from streams.core.results import Back
from streams.ledger import Ledger
from streams.ledger.calls import Wait
from streams.ledger.errors import FenceLost, NotPossible
from tests.support.clock import ManualClock
from tests.support.ledger import REQUEST, fence, invoice, of, opened, planned, posted, ready, settled, take_in

GET = XeroRequest(method="GET", path="/Invoices", query=(("IDs", "1"),))


async def read(
    ledger: Ledger,
    purpose: Purpose = "read",
    root: int | None = None,
    tenant: str = "uk",
    *,
    is_urgent: bool = True,
) -> Ticket | Wait:
    """A call that a person waits for, unless it is said otherwise: it may have every slot."""
    token = await fence(ledger, tenant)
    return await ledger.calls.open((), GET, purpose, tenant, "xero-uk-1", token, root, is_urgent=is_urgent)


async def used_up(ledger: Ledger, number: int, answer: Answer | NoAnswer | None) -> Wait:
    """Open this many reads, answering each if there is an answer; then what the next one gets."""
    for _ in range(number):
        ticket = await read(ledger)
        assert isinstance(ticket, Ticket), ticket
        if answer is not None:
            await ledger.calls.answered(ticket, answer)
    waiting = await read(ledger)
    assert isinstance(waiting, Wait)
    return waiting


OK = Answer(status=200, body=b"")


async def test_a_write_is_on_disk_with_its_exact_bytes_before_it_may_leave(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    [call] = await ledger.recovery.open_calls("uk")
    assert (call.method, call.path, call.query, call.body) == ("PUT", "/Invoices", REQUEST.query, REQUEST.body)
    assert call.idempotency_key == ticket.request.idempotency_key
    assert len(call.idempotency_key or "") <= 128
    assert (ticket.send_before, call.sends) == (clock.elapsed() + 5.0, ((clock.now(), None),))
    [write] = call.writes
    assert (write.write.command_id, write.still_current) == ("shop-1:e1#invoice", True)
    assert await ready(ledger) == []


async def test_every_write_has_a_key_of_its_own_and_reads_have_none(ledger: Ledger) -> None:
    await take_in(ledger, *(of(invoice(f"e{n}", str(n)), n) for n in range(3)))
    found = {(await opened(ledger, f"shop-1:e{n}#invoice")).request.idempotency_key for n in range(3)}
    assert len(found) == 3
    ticket = await read(ledger)
    assert isinstance(ticket, Ticket)
    assert ticket.request.idempotency_key is None


async def test_a_command_is_never_in_two_calls(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    plan = planned((await ledger.situation.read("uk")).ready)
    token = await fence(ledger)
    first = await ledger.calls.open(plan, REQUEST, "write", "uk", "x", token)
    again = await ledger.calls.open(plan, REQUEST, "write", "uk", "x", token)
    assert isinstance(first, Ticket)
    assert isinstance(again, Wait)
    assert again.limit == "changed"
    assert (await ledger.identity.read()).highest_call == 1


async def test_a_command_that_was_superseded_since_planning_is_not_sent(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    plan = planned((await ledger.situation.read("uk")).ready)
    await take_in(ledger, of(invoice("e2", sequence=2, total="20.00"), 1), at=1)
    found = await ledger.calls.open(plan, REQUEST, "write", "uk", "x", await fence(ledger))
    assert isinstance(found, Wait)
    assert await ready(ledger) == ["shop-1:e2#invoice"]
    assert await ledger.recovery.open_calls("uk") == ()


async def test_five_at_once_and_one_more_when_one_is_answered(ledger: Ledger) -> None:
    tickets = [await read(ledger) for _ in range(5)]
    assert (await used_up(ledger, 0, None)).limit == "in_flight"
    assert isinstance(await read(ledger, tenant="eu"), Ticket)
    assert isinstance(tickets[0], Ticket)
    await ledger.calls.answered(tickets[0], OK)
    assert isinstance(await read(ledger), Ticket)


async def test_sixty_a_minute_counted_from_the_answers(ledger: Ledger, clock: ManualClock) -> None:
    waiting = await used_up(ledger, 60, OK)
    assert (waiting.limit, waiting.seconds) == ("minute", 60.0)
    assert (await ledger.calls.budget("uk")).minute_left == 0
    clock.advance(59.9)
    assert isinstance(await read(ledger), Wait)
    clock.advance(0.2)
    assert isinstance(await read(ledger), Ticket)


async def test_a_call_that_nobody_answered_holds_its_slot_until_it_cannot_be_under_way(
    ledger: Ledger, clock: ManualClock
) -> None:
    await used_up(ledger, 5, NoAnswer(left=True, detail="connection dropped"))
    clock.advance(35.1)
    assert isinstance(await read(ledger), Ticket)
    assert (await ledger.calls.budget("uk")).minute_left == 54


async def test_a_call_that_never_left_costs_nothing(ledger: Ledger) -> None:
    ticket = await read(ledger)
    assert isinstance(ticket, Ticket)
    await ledger.calls.answered(ticket, NoAnswer(left=False, detail="connection refused"))
    left = await ledger.calls.budget("uk")
    assert (left.in_flight_left, left.minute_left, left.day_left) == (5, 60, 5000)


async def test_others_on_the_same_organisation_are_counted_from_what_xero_says(
    ledger: Ledger, clock: ManualClock
) -> None:
    ticket = await read(ledger)
    assert isinstance(ticket, Ticket)
    await ledger.calls.answered(ticket, Answer(status=200, body=b"", minute_remaining=10, day_remaining=100))
    left = await ledger.calls.budget("uk")
    assert (left.minute_left, left.day_left) == (10, 100)
    clock.advance(60)
    assert (await ledger.calls.budget("uk")).minute_left == 60


@pytest.mark.parametrize(("problem", "other_waits"), [("minute", False), ("appminute", True)])
async def test_retry_after_is_obeyed_by_those_it_concerns(
    ledger: Ledger, clock: ManualClock, problem: str, other_waits: bool
) -> None:
    ticket = await read(ledger)
    assert isinstance(ticket, Ticket)
    await ledger.calls.answered(ticket, Answer(status=429, body=b"", retry_after_s=17, rate_limit_problem=problem))
    waiting = await read(ledger)
    assert isinstance(waiting, Wait)
    assert (waiting.limit, waiting.seconds) == ("retry", 17.0)
    assert isinstance(await read(ledger, tenant="eu"), Wait) is other_waits
    clock.advance(17)
    assert isinstance(await read(ledger), Ticket)


@pytest.mark.parametrize(
    ("problem", "left", "seconds"),
    [("minute", {"minute_remaining": 0, "day_remaining": 344}, 26), ("day", {"day_remaining": 0}, 10_800)],
)
async def test_a_limit_that_others_used_up_is_free_when_xero_said_so(
    ledger: Ledger, clock: ManualClock, problem: str, left: dict[str, int], seconds: int
) -> None:
    ticket = await read(ledger)
    assert isinstance(ticket, Ticket)
    refused = Answer(status=429, body=b"", retry_after_s=seconds, rate_limit_problem=problem, **left)  # type: ignore[arg-type]  # mypy takes `left` for every field
    await ledger.calls.answered(ticket, refused)
    budget = await ledger.calls.budget("uk")
    assert (budget.minute_left if problem == "minute" else budget.day_left) == 0
    clock.advance(seconds - 0.1)
    assert isinstance(await read(ledger), Wait)
    clock.advance(0.2)
    assert isinstance(await read(ledger), Ticket)


async def test_a_shorter_wait_does_not_end_a_longer_one(ledger: Ledger, clock: ManualClock) -> None:
    first, second = await read(ledger), await read(ledger)
    assert isinstance(first, Ticket)
    assert isinstance(second, Ticket)
    day = Answer(status=429, body=b"", retry_after_s=10_800, rate_limit_problem="day")
    await ledger.calls.answered(first, day)
    await ledger.calls.answered(second, Answer(status=429, body=b"", rate_limit_problem="concurrent"))
    clock.advance(10_799)
    assert isinstance(await read(ledger), Wait)


@pytest.mark.parametrize(
    ("problem", "seconds"), [("concurrent", 1), ("minute", 60), ("appminute", 60), ("day", 900), (None, 10)]
)
async def test_a_429_that_does_not_say_how_long(
    ledger: Ledger, clock: ManualClock, problem: str | None, seconds: int
) -> None:
    ticket = await read(ledger)
    assert isinstance(ticket, Ticket)
    await ledger.calls.answered(ticket, Answer(status=429, body=b"", rate_limit_problem=problem))
    waiting = await read(ledger)
    assert isinstance(waiting, Wait)
    assert (waiting.limit, waiting.seconds) == ("retry", seconds)


async def test_a_nearly_empty_app_minute_waits_for_the_next(ledger: Ledger, clock: ManualClock) -> None:
    clock.advance(20)
    ticket = await read(ledger)
    assert isinstance(ticket, Ticket)
    await ledger.calls.answered(ticket, Answer(status=200, body=b"", app_minute_remaining=499))
    waiting = await read(ledger, tenant="eu")
    assert isinstance(waiting, Wait)
    assert waiting.seconds == 40.0


async def test_the_last_calls_of_the_day_are_kept_for_finding_out_and_for_people(
    ledger: Ledger, clock: ManualClock
) -> None:
    """Now and then one goes out all the same: nobody else tells that a new day has begun."""
    await take_in(ledger, of(invoice("e1"), 0))
    root = await opened(ledger)
    await ledger.calls.answered(root, Answer(status=500, body=b"", day_remaining=50))
    waiting = await read(ledger, is_urgent=False)
    assert isinstance(waiting, Wait)
    assert (waiting.limit, waiting.seconds) == ("day", 900.0)
    assert isinstance(await read(ledger, "look", root.call, is_urgent=False), Ticket)
    assert isinstance(await read(ledger), Ticket)
    clock.advance(900)
    asking = await read(ledger, is_urgent=False)
    assert isinstance(asking, Ticket)
    await ledger.calls.answered(asking, Answer(status=200, body=b"", day_remaining=4990))
    assert isinstance(await read(ledger, is_urgent=False), Ticket)
    assert (await ledger.calls.budget("uk")).day_limit == 5000


async def test_a_count_that_is_a_moment_younger_than_the_call_is_no_day_that_begins_later(
    ledger: Ledger, clock: ManualClock
) -> None:
    """Whoever opens a call may have looked at the clock before it waited for one that notes an answer: such a call was
    put off for a quarter of an hour, and what stands open with it."""
    await take_in(ledger, of(invoice("e1"), 0))
    root = await opened(ledger)
    clock.set_by(0.2)
    await ledger.calls.answered(root, Answer(status=500, body=b"", day_remaining=4990))
    clock.set_by(-0.2)
    assert isinstance(await read(ledger, "resend", root.call, is_urgent=False), Ticket)


@pytest.mark.parametrize(
    ("readings", "limit"),
    [
        ((995,), 1000),
        ((4995,), 5000),
        ((4995, 900, 40), 5000),
        ((40, 999), 1000),
        ((40, 4999), 5000),
        ((995, 4999, 4000), 5000),
        ((12_000,), 12_000),
    ],
)
async def test_the_first_count_of_a_day_tells_which_plan_it_is(
    ledger: Ledger, clock: ManualClock, readings: tuple[int, ...], limit: int
) -> None:
    for remaining in readings:
        ticket = await read(ledger)
        assert isinstance(ticket, Ticket)
        await ledger.calls.answered(ticket, Answer(status=200, body=b"", day_remaining=remaining))
        clock.advance(61)
    assert (await ledger.calls.budget("uk")).day_limit == limit


async def test_who_waits_for_a_slot_gets_the_next_one_before_the_sender(ledger: Ledger, clock: ManualClock) -> None:
    """Both wait for it; without a word of the person the sender, which is woken by it, would always be first."""
    tickets = [await read(ledger, is_urgent=False) for _ in range(5)]
    assert isinstance(await read(ledger), Wait)
    for ticket in tickets[:2]:
        assert isinstance(ticket, Ticket)
        await ledger.calls.answered(ticket, OK)
    sender = await read(ledger, is_urgent=False)
    assert isinstance(sender, Wait)
    assert (sender.text, sender.seconds) == ("a person goes first", 0.25)
    assert isinstance(await read(ledger), Ticket)
    assert isinstance(await read(ledger, is_urgent=False), Ticket)


async def test_a_person_who_does_not_come_again_holds_nobody_up(ledger: Ledger, clock: ManualClock) -> None:
    tickets = [await read(ledger, is_urgent=False) for _ in range(5)]
    assert isinstance(await read(ledger), Wait)
    assert isinstance(tickets[0], Ticket)
    await ledger.calls.answered(tickets[0], OK)
    clock.advance(1.2)
    assert isinstance(await read(ledger, is_urgent=False), Ticket)


async def test_the_second_half_of_a_minute_is_spread_over_what_is_left_of_it(
    ledger: Ledger, clock: ManualClock
) -> None:
    for _ in range(30):
        ticket = await read(ledger, is_urgent=False)
        assert isinstance(ticket, Ticket)
        await ledger.calls.answered(ticket, OK)
    began = clock.now()
    clock.advance(3)
    opened = []
    while clock.now() < began + dt.timedelta(seconds=60):
        found = await read(ledger, is_urgent=False)
        if isinstance(found, Ticket):
            opened.append((clock.now() - began).total_seconds())
            await ledger.calls.answered(found, OK)
        else:
            clock.advance(max(found.seconds, 0.001))
    assert len(opened) >= 29
    assert max(two - one for one, two in itertools.pairwise(opened)) <= 2.0
    assert isinstance(await read(ledger), Ticket), "a person does not wait for that"


async def test_a_resend_is_the_same_bytes_under_the_same_key(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    first = await opened(ledger)
    await ledger.calls.answered(first, NoAnswer(left=True, detail="dropped"))
    clock.advance(2)
    changed = msgspec.structs.replace(REQUEST, body=b"something else")
    again = await ledger.calls.open((), changed, "resend", "uk", "xero-uk-1", await fence(ledger), first.call)
    assert isinstance(again, Ticket)
    assert again.request == first.request
    assert (again.root, again.call) == (first.call, 2)
    await ledger.calls.answered(again, Answer(status=502, body=b""))
    [call] = await ledger.recovery.open_calls("uk")
    opened_at = clock.now() - dt.timedelta(seconds=2)
    assert call.sends == ((opened_at, None), (clock.now(), 502))
    await ledger.results.settle(first.root, [posted("shop-1:e1#invoice", "Invoices")], first.fence)
    with pytest.raises(NotPossible, match="not open"):
        await ledger.calls.open((), REQUEST, "resend", "uk", "xero-uk-1", first.fence, first.call)


async def test_looking_is_noted(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    root = await opened(ledger)
    later = clock.now() + dt.timedelta(minutes=10)
    await ledger.recovery.mark_looked(root.call, later, root.fence)
    call = await ledger.recovery.open_call(root.call)
    assert call is not None
    assert (call.looks, call.next_look_at) == (1, later)
    assert await ledger.situation.tenants_with_work() == ("uk",)


async def test_what_a_dead_worker_read_or_looked_for_is_no_work(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    root = await opened(ledger)
    await ledger.calls.open((), GET, "look", "uk", "xero-uk-1", root.fence, root.call)
    await ledger.calls.open((), GET, "read", "eu", "xero-eu-1", await fence(ledger, "eu"))
    await settled(ledger, root, posted("shop-1:e1#invoice", "Invoices"))
    assert await ledger.situation.tenants_with_work() == ()


async def test_a_lease_has_one_owner_and_the_fence_stops_the_one_that_lost_it(
    ledger: Ledger, clock: ManualClock
) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    assert await ledger.leases.acquire("uk", "w2", 60) is None
    clock.advance(61)
    second = await ledger.leases.acquire("uk", "w2", 60)
    assert second is not None
    assert second.fence == ticket.fence + 1
    result = posted("shop-1:e1#invoice", "Invoices")
    with pytest.raises(FenceLost, match="held by w2"):
        await ledger.results.settle(ticket.root, [result], ticket.fence)
    with pytest.raises(FenceLost):
        await ledger.calls.open((), GET, "look", "uk", "x", ticket.fence, ticket.root)
    await ledger.results.settle(ticket.root, [result], second.fence)
    await ledger.leases.release(second)
    third = await ledger.leases.acquire("uk", "w3", 60)
    assert third is not None
    assert third.fence == second.fence + 1


async def test_a_call_is_settled_once(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    result = posted("shop-1:e1#invoice", "Invoices")
    with pytest.raises(NotPossible, match="no open write"):
        await ledger.results.settle(ticket.root, [posted("other", "Invoices")], ticket.fence)
    await settled(ledger, ticket, result)
    with pytest.raises(NotPossible, match="not open"):
        await settled(ledger, ticket, result)


async def test_some_results_now_and_the_others_later(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1", "1"), 0), of(invoice("e2", "2"), 1))
    ticket = await opened(ledger)
    first = await ledger.results.settle(ticket.root, [posted("shop-1:e1#invoice", "Invoices")], ticket.fence)
    [call] = await ledger.recovery.open_calls("uk")
    assert not first.closed
    assert [write.write.command_id for write in call.writes] == ["shop-1:e2#invoice"]
    back = Back(command_id="shop-1:e2#invoice", cause="transient", reason="not found")
    assert (await ledger.results.settle(ticket.root, [back], ticket.fence)).closed
    assert await ready(ledger) == ["shop-1:e2#invoice"]
