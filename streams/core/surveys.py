"""The lists of Xero that are read in full, page by page: which, how often, and with which request. Pure.

Webhooks tell of invoices, credit notes and contacts, and get lost; nothing tells of payments, accounts, tax rates and
lock dates. A list that is asked for what was modified costs a call where nothing was. Some changes do not move the
modified date (facts 4: a part-paid invoice's due date, say), so each night what is still open is read by its status.

Lists come in the order in which their rows were modified, and one that is modified while the list is read moves to its
end: what stood behind it moves up, from the page that comes next into the one that was read. So a list goes on from the
time of the last row, not by the number of the page.
"""

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from connectors.xero.ticket import XeroRequest
from streams.core.situation import Resource, Setting

SurveyName = Literal[
    "Invoices", "CreditNotes", "Contacts", "Payments", "Accounts", "TaxRates", "Organisations", "OpenInvoices"
]
# Xero takes up to 1,000 (facts 4), and a page costs one call whatever its size.
PAGE: Final = 1000
_DAY: Final = dt.timedelta(days=1)
# What is asked for goes so far back behind the last time: clocks differ, and If-Modified-Since knows whole seconds.
_OVERLAP: Final = dt.timedelta(minutes=2)
# A page begins so far before the last row of the one before it: If-Modified-Since knows whole seconds only.
_BEFORE: Final = dt.timedelta(seconds=1)
# What an organisation did before it was connected is not told; of the time shortly before, only what stands.
_LOOK_BACK: Final = dt.timedelta(days=35)
_NIGHT: Final = dt.time(2)
# A page that could not be read is asked for again.
AGAIN: Final = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Survey:
    resource: Resource | Setting
    path: str
    query: tuple[tuple[str, str], ...] = ()
    paged: bool = True
    # How often; None: as often as the organisation's file says.
    every: dt.timedelta | None = None
    nightly: bool = False
    look_back: dt.timedelta | None = None


_DOCUMENT: Final = (("unitdp", "4"),)
SURVEYS: Final[Mapping[SurveyName, _Survey]] = {
    "Invoices": _Survey("Invoices", "/Invoices", _DOCUMENT, look_back=_LOOK_BACK),
    "CreditNotes": _Survey("CreditNotes", "/CreditNotes", _DOCUMENT, look_back=_LOOK_BACK),
    "Contacts": _Survey("Contacts", "/Contacts", (("includeArchived", "true"),)),
    "Payments": _Survey("Payments", "/Payments", look_back=_LOOK_BACK),
    "Accounts": _Survey("Accounts", "/Accounts", paged=False, every=_DAY / 4),
    "TaxRates": _Survey("TaxRates", "/TaxRates", paged=False, every=_DAY / 4),
    "Organisations": _Survey("Organisations", "/Organisation", paged=False),
    "OpenInvoices": _Survey(
        "Invoices", "/Invoices", (*_DOCUMENT, ("Statuses", "DRAFT,SUBMITTED,AUTHORISED")), nightly=True
    ),
}
# Those of which planning must know before it writes (streams.core.known_books).
SETTINGS: Final[tuple[SurveyName, ...]] = ("Accounts", "Organisations")
# What a backfill asks for: all that a webhook could have told.
BACKFILLED: Final[tuple[SurveyName, ...]] = ("Invoices", "CreditNotes", "Contacts", "Payments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """How far a survey is. `page` is the next one of what was modified since `modified_since`, which moves on with what
    was read; `began_at` is when the first of this time was asked for; `ended_at` is when the last time ended, None for
    the first. What changed before `listened_since` is not told."""

    name: SurveyName
    page: int
    modified_since: dt.datetime | None
    began_at: dt.datetime | None
    listened_since: dt.datetime
    ended_at: dt.datetime | None

    @property
    def resource(self) -> Resource | Setting:
        return SURVEYS[self.name].resource

    @property
    def is_first(self) -> bool:
        return self.ended_at is None


def request(survey: Survey) -> XeroRequest:
    """The call for the survey's next page."""
    row = SURVEYS[survey.name]
    paging = (("page", str(survey.page)), ("pageSize", str(PAGE))) if row.paged else ()
    return XeroRequest(method="GET", path=row.path, query=(*row.query, *paging), modified_since=survey.modified_since)


def first_since(name: SurveyName, now: dt.datetime) -> dt.datetime | None:
    """What the first survey of an organisation asks for; None: everything."""
    look_back = SURVEYS[name].look_back
    return now - look_back if look_back is not None else None


def is_last(survey: Survey, found: int) -> bool:
    """Whether a page of so many elements was the last one."""
    return not SURVEYS[survey.name].paged or found < PAGE


def goes_on(survey: Survey, found: Sequence[dt.datetime | None]) -> tuple[int, dt.datetime | None]:
    """The page that comes after a full one, and what it asks for: `found` is when each row of the full one was
    modified."""
    times = [at for at in found if at is not None]
    is_ordered = len(times) == len(found) and all(a <= b for a, b in itertools.pairwise(times))
    since = times[-1].replace(microsecond=0) - _BEFORE if is_ordered and times else None
    if since is None or (survey.modified_since is not None and since <= survey.modified_since):
        # A whole page of one moment, or in an order that we do not know.
        return survey.page + 1, survey.modified_since
    return 1, since


def next_since(survey: Survey, began_at: dt.datetime) -> dt.datetime | None:
    """What the next survey asks for, when this one has ended."""
    row = SURVEYS[survey.name]
    # What has no modified date to go by is read whole.
    return began_at - _OVERLAP if row.paged and not row.nightly else None


def next_at(name: SurveyName, began_at: dt.datetime, every: dt.timedelta, zone: ZoneInfo) -> dt.datetime:
    """When the survey is due again; `every` is what the organisation's file says."""
    row = SURVEYS[name]
    if not row.nightly:
        return began_at + (row.every or every)
    local = began_at.astimezone(zone)
    day = local.date() if local.time() < _NIGHT else local.date() + _DAY
    return dt.datetime.combine(day, _NIGHT, zone).astimezone(dt.UTC)
