"""An invoice is overdue when its day has ended where the organisation is, and what Xero shows was read since."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from streams.core.situation import Document
from streams.core.surveys import SURVEYS
from streams.ledger import Ledger
from streams.ledger.listening import Organisation
from tests.support.clock import ManualClock
from tests.support.ledger import fence

AUCKLAND = Organisation(
    tenant="uk",
    xero_tenant_id="xero-uk-1",
    source="xero-1",
    every=timedelta(hours=1),
    zone=ZoneInfo("Pacific/Auckland"),
)


def invoice(clock: ManualClock, due: str, **more: Any) -> Document:
    """One that was changed a moment ago."""
    at = int(clock.now().timestamp() * 1000)
    body = {
        "InvoiceID": "i-1",
        "InvoiceNumber": "S1-1001",
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Total": "20.00",
        "AmountDue": "20.00",
        "DueDateString": f"{due}T00:00:00",
        "UpdatedDateUTC": f"/Date({at}+0000)/",
        **more,
    }
    return Document(resource="Invoices", xero_id="i-1", body=body, read_at=clock.now())


async def listened(ledger: Ledger, clock: ManualClock, *found: Document) -> None:
    """Read all lists that are due; the one of invoices shows what is found."""
    token = await fence(ledger)
    for _ in SURVEYS:
        survey = (await ledger.listening.look(AUCKLAND)).survey
        if survey is not None:
            shown = found if survey.name == "Invoices" else ()
            await ledger.listening.surveyed(AUCKLAND, survey, shown, clock.now(), token)


async def is_due(ledger: Ledger) -> bool:
    """Whether the clock has something to tell, as who wakes the organisation sees it and as it sees itself."""
    waked = "uk" in (await ledger.listening.due([AUCKLAND]))[1]
    assert not (await ledger.listening.look(AUCKLAND)).is_overdue or waked
    return (await ledger.listening.look(AUCKLAND)).is_overdue


async def changes(ledger: Ledger) -> list[list[str]]:
    return [orjson.loads(one.envelope.data)["changes"] for one in await ledger.publishing.unpublished_news(100)]


async def test_the_day_ends_where_the_organisation_is_and_its_lists_are_read_first(
    ledger: Ledger, clock: ManualClock
) -> None:
    await ledger.listening.begin(AUCKLAND)
    # The day ends in Auckland 13 hours before it does in London.
    clock.advance((datetime(2026, 11, 25, 10, 30, tzinfo=UTC) - clock.now()).total_seconds())
    await listened(ledger, clock, invoice(clock, "2026-11-25"))
    assert not await is_due(ledger)
    assert (await ledger.listening.due([AUCKLAND]))[1] == frozenset()
    clock.advance(3600)
    assert not await is_due(ledger), "no list was read since the day turned"
    clock.advance(4 * 3600)
    await listened(ledger, clock)
    assert await is_due(ledger)
    assert "uk" in (await ledger.listening.due([AUCKLAND]))[1]
    assert await ledger.listening.tell_overdue(AUCKLAND, await fence(ledger)) == 1
    assert (await changes(ledger))[-1] == ["overdue"]
    assert not await is_due(ledger)


async def test_an_invoice_with_a_later_due_date_is_overdue_anew_when_that_has_passed(
    ledger: Ledger, clock: ManualClock
) -> None:
    await ledger.listening.begin(AUCKLAND)
    clock.advance(1)
    day = clock.now().date()
    await listened(ledger, clock, invoice(clock, (day - timedelta(days=3)).isoformat()))
    await ledger.listening.tell_overdue(AUCKLAND, await fence(ledger))
    clock.advance(3600)
    # An edit of something else leaves it overdue, and so does another day that has passed.
    await listened(ledger, clock, invoice(clock, (day - timedelta(days=2)).isoformat(), Reference="reminded"))
    assert not await is_due(ledger)
    clock.advance(3600)
    await listened(ledger, clock, invoice(clock, (day + timedelta(days=3)).isoformat()))
    assert not await is_due(ledger)
    clock.advance(5 * 86_400)
    assert not await is_due(ledger)
    await listened(ledger, clock)
    assert await is_due(ledger)
    await ledger.listening.tell_overdue(AUCKLAND, await fence(ledger))
    assert [words for words in await changes(ledger) if "overdue" in words] == [["overdue"]] * 2
