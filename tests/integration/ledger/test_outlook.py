"""One reading of what is ready is enough for several calls: for a short while, as long as nothing is new, and with a
look at the opening of each call whether its commands are as they were read.
"""

from typing import Any

import pytest

from connectors.xero.ticket import Ticket
from streams.core.results import Back
from streams.ledger import Ledger
from streams.ledger.calls import Wait
from streams.sender.outlook import KEPT_S, Outlook
from streams.sender.parts import Parts
from tests.support.clock import ManualClock
from tests.support.ledger import REQUEST, fence, invoice, of, opened, planned, settled, take_in

NOBODY: Any = None


@pytest.fixture
async def outlook(ledger: Ledger, clock: ManualClock) -> Outlook:
    """Of an organisation with more than a call full of new invoices."""
    await take_in(ledger, *(of(invoice(f"e{n}", str(n)), n) for n in range(60)))
    return Outlook(Parts(ledger=ledger, client=NOBODY, clock=clock, metrics=NOBODY, owner="w"), "uk")


async def numbers(outlook: Outlook) -> int:
    return len((await outlook.situation()).ready)


async def test_what_was_not_sent_is_planned_on_for_a_while(
    outlook: Outlook, ledger: Ledger, clock: ManualClock
) -> None:
    situation = await outlook.situation()
    outlook.keep(situation, [one.command_id for one in situation.ready[:5]])
    await take_in(ledger, of(invoice("new", "new"), 60), at=60)
    assert await numbers(outlook) == 55
    clock.advance(KEPT_S + 0.1)
    assert await numbers(outlook) == 61


async def test_news_and_too_little_to_fill_a_call_are_a_new_reading(outlook: Outlook, ledger: Ledger) -> None:
    situation = await outlook.situation()
    outlook.keep(situation, [one.command_id for one in situation.ready[:5]])
    outlook.forget()
    assert await numbers(outlook) == 60
    outlook.keep(situation, [one.command_id for one in situation.ready[:11]])
    assert await numbers(outlook) == 60


async def test_what_was_stopped_since_planning_is_not_sent(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    plan = planned((await ledger.situation.read("uk")).ready)
    await ledger.stops.add(tenant="uk", reason="wait", actor="ann")
    waiting = await ledger.calls.open(plan, REQUEST, "write", "uk", "x", await fence(ledger))
    assert isinstance(waiting, Wait)
    assert waiting.limit == "changed"
    assert await ledger.recovery.open_calls("uk") == ()


async def test_a_command_of_which_something_was_learnt_since_planning_is_planned_anew(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    read_then = (await ledger.situation.read("uk")).ready
    back = Back(command_id="shop-1:e1#invoice", cause="transient", reason="again", hints={"batch": "1"})
    await settled(ledger, await opened(ledger), back)
    read_now = (await ledger.situation.read("uk")).ready
    answers = [
        await ledger.calls.open(planned(read), REQUEST, "write", "uk", "x", await fence(ledger), read=read)
        for read in (read_then, read_now)
    ]
    assert isinstance(answers[0], Wait)
    assert answers[0].limit == "changed"
    assert isinstance(answers[1], Ticket)
