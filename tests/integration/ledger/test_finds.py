"""What only sweeps found, and when Xero was last read: the figures of how sources are heard, on both databases."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from schemas.envelope import VIA_SWEEP
from streams.core.finds import Finds
from streams.ledger import Ledger
from streams.ledger.listening import Organisation
from tests.support.clock import ManualClock
from tests.support.ledger import fence, order_placed, take_in

UK = Organisation(
    tenant="uk", xero_tenant_id="xero-uk-1", source="xero-1", every=timedelta(hours=1), zone=ZoneInfo("Europe/London")
)


async def test_what_a_sweep_found_is_told_apart_from_what_the_source_told(ledger: Ledger, clock: ManualClock) -> None:
    assert await ledger.figures.finds(["shop-1"]) == {"shop-1": Finds(events=0, by_sweep=0)}
    began = clock.now()
    await take_in(ledger, order_placed("e1", "1001", 0))
    clock.advance(600)
    found = order_placed("e2", "1002", 1)
    await take_in(ledger, msgspec.structs.replace(found, headers=(("ce_id", b"e2"), VIA_SWEEP)), at=1)
    assert await ledger.figures.finds(["shop-1", "shop-2"]) == {
        "shop-1": Finds(events=2, by_sweep=1),
        "shop-2": Finds(events=0, by_sweep=0),
    }
    assert await ledger.figures.last_heard() == {"shop-1": began}


async def test_xero_was_read_when_all_lists_of_an_organisation_were(ledger: Ledger, clock: ManualClock) -> None:
    token = await fence(ledger)
    await ledger.listening.begin(UK)
    assert await ledger.figures.last_surveyed() is None
    while (survey := (await ledger.listening.look(UK)).survey) is not None:
        await ledger.listening.surveyed(UK, survey, [], clock.now(), token)
    assert await ledger.figures.last_surveyed() == clock.now()
