"""What is told of a document that was never told of: only of what we know that it is new, that it was created."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from streams.ledger import Ledger
from tests.integration.ledger.test_overdue import AUCKLAND, invoice, listened
from tests.support.clock import ManualClock
from tests.support.ledger import fence

MONTHS_S = 60 * 86_400


async def heard(ledger: Ledger, clock: ManualClock, **body: Any) -> list[dict[str, Any]]:
    """A webhook named an invoice, and it was read; the news of it."""
    found = invoice(clock, "2027-06-01", **body)
    await ledger.listening.read(AUCKLAND, "Invoices", [found.xero_id], [found], clock.now(), await fence(ledger))
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
