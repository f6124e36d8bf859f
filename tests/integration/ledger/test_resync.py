"""Reading Xero's lists anew from a moment: every one of them begins again, whatever it is at."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from streams.core.situation import Document
from streams.core.surveys import BACKFILLED, PAGE, SURVEYS, Survey
from streams.ledger import Ledger
from streams.ledger.listening import Organisation
from tests.support.clock import ManualClock
from tests.support.ledger import fence

UK = Organisation(
    tenant="uk", xero_tenant_id="xero-uk-1", source="xero-1", every=timedelta(hours=1), zone=ZoneInfo("Europe/London")
)


async def due(ledger: Ledger, clock: ManualClock) -> Survey | None:
    return (await ledger.listening.look(UK)).survey


async def test_a_list_that_is_read_for_the_first_time_begins_again_too(ledger: Ledger, clock: ManualClock) -> None:
    token = await fence(ledger)
    await ledger.listening.begin(UK)
    for _ in SURVEYS:
        survey = await due(ledger, clock)
        assert survey is not None
        full = [Document(resource="Contacts", xero_id=f"c{n}", body={}, read_at=clock.now()) for n in range(PAGE)]
        found = full if survey.name == "Contacts" else []
        await ledger.listening.surveyed(UK, survey, found, clock.now(), token)
        clock.advance(1)
    going_on = await due(ledger, clock)
    assert going_on is not None
    assert (going_on.name, going_on.page, going_on.modified_since, going_on.is_first) == ("Contacts", 2, None, True)
    since = clock.now() - timedelta(days=30)
    assert await ledger.listening.resync(["uk"], since, "asked for") == len(BACKFILLED)
    begun: dict[str, tuple[int, bool]] = {}
    while (survey := await due(ledger, clock)) is not None:
        begun[survey.name] = (survey.page, survey.modified_since == (None if survey.name == "Contacts" else since))
        await ledger.listening.surveyed(UK, survey, [], clock.now(), token)
    assert begun == dict.fromkeys(BACKFILLED, (1, True))
