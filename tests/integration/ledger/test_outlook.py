"""One reading of what is ready is enough for several calls, for a short while and as long as nothing is new."""

from typing import Any

import pytest

from streams.ledger import Ledger
from streams.sender.outlook import KEPT_S, Outlook
from streams.sender.parts import Parts
from tests.support.clock import ManualClock
from tests.support.ledger import invoice, of, take_in

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
    await take_in(ledger, of(invoice("new", "new"), 60), at=1)
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
