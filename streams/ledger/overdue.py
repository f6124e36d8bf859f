"""Which invoices are overdue: owed, due before today where the organisation is, and known to be so.

What was paid in time, or is due later by now, must be known first: else the clock would tell of it after a time in
which nobody listened. So each list that shows it must have been read since the day turned, and no webhook that names
the invoice may wait to be read.
"""

from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, or_, select

from streams.core.surveys import SurveyName
from streams.ledger import tables_hearing
from streams.ledger.among import among

# Payments name invoices of which no list tells; a due date that was moved shows in the nightly list alone (facts 4).
_READ: Final[tuple[SurveyName, ...]] = ("Invoices", "Payments", "OpenInvoices")

_told: Final = tables_hearing.told
_surveys: Final = tables_hearing.surveys
_readings: Final = tables_hearing.readings


def today(zone: ZoneInfo, now: datetime) -> str:
    """The day there, as 2026-11-24."""
    return now.astimezone(zone).date().isoformat()


def is_late(tenants: list[str], zone: ZoneInfo, now: datetime) -> ColumnElement[bool]:
    """Whether a row of `told` is an invoice, not told to be overdue, that is: of one of the tenants in that zone."""
    began_at = datetime.combine(now.astimezone(zone).date(), time.min, zone).astimezone(UTC)
    is_unread = exists(
        select(_surveys.c.name).where(
            _surveys.c.tenant == _told.c.tenant,
            _surveys.c.name.in_(_READ),
            or_(_surveys.c.ended_at.is_(None), _surveys.c.ended_at < began_at),
        )
    )
    is_due = (_told.c.resource == "Invoices") & (_told.c.due_on < today(zone, now))
    return among(_told.c.tenant, tenants) & is_due & ~is_unread


def is_named(xero_tenant_id: str) -> ColumnElement[bool]:
    """Whether the document of a row of `told` waits to be read."""
    return exists(
        select(_readings.c.xero_id).where(
            _readings.c.xero_tenant_id == xero_tenant_id.lower(),
            _readings.c.resource == _told.c.resource,
            _readings.c.xero_id == func.lower(_told.c.xero_id),
        )
    )
