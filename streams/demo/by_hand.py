"""A person at Xero's screen: one invoice is edited, one is paid, and the events that tell it are waited for."""

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from streams.demo.expected import Money
from streams.demo.heard import Hear, Told, of_people
from streams.demo.xero import Xero

# The two invoices of the Irish organisation, whose minute at Xero nobody else uses up: it is heard at once.
EDITED: Final = "S1E-1301"
PAID: Final = "S1E-1302"
_LONGER: Final = dt.timedelta(days=14)
_LOOK_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class Done:
    """What the person did: the invoice's due day before and after, and the payment that was recorded."""

    due: tuple[str, str]
    payment: Money


async def work(xero: Xero) -> Done:
    """Give one customer two weeks more, and record what came to the bank account for another."""
    rows = {row["number"]: row for row in (await xero.books())["invoices"]}
    edited, paid = rows[EDITED], rows[PAID]
    later = (dt.date.fromisoformat(edited["due_date"]) + _LONGER).isoformat()
    await xero.edit(edited["id"], {"DueDate": later})
    payment = Money(f"BACS-{PAID}", PAID, Decimal(paid["amount_due"]))
    await xero.pay(paid["id"], payment.amount, f"{payment.id} by bank transfer")
    return Done((edited["due_date"], later), payment)


async def told(hear: Hear, patience_s: float = 30.0) -> tuple[Told, ...]:
    """The events of both, once they are there, or whatever there is after `patience_s` seconds."""
    until = time.monotonic() + patience_s
    while True:
        everything = await hear()
        found = [*of_people(everything, EDITED), *of_people(everything, PAID)]
        if not missing(found) or time.monotonic() > until:
            return tuple(found)
        await asyncio.sleep(_LOOK_S)


def missing(events: Sequence[Told]) -> list[str]:
    """What was done and is not told."""
    heard = {(one.document, change) for one in events for change in one.data["changes"]}
    return [
        f"{number} {change}" for number, change in ((EDITED, "edited"), (PAID, "paid")) if (number, change) not in heard
    ]
