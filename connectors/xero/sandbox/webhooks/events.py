"""What a call changed in the books, as events of the webhook. Pure.

Shape: Xero's page "Events" of its webhooks, and xero-webhooks.yaml of Xero-OpenAPI. How eventDateUtc relates to
UpdatedDateUTC is not said: here it is the moment of the event, which is never before the other.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from connectors.xero.sandbox.books.documents import is_silent
from connectors.xero.sandbox.books.records import Contact, Document
from connectors.xero.sandbox.books.tables import Changed
from connectors.xero.sandbox.switches import Switches
from connectors.xero.sandbox.wire import Json

# Table, then category and resource. Payments, accounts and the rest have no events.
_CATEGORIES: Final = {
    "contacts": ("CONTACT", "Contacts"),
    "invoices": ("INVOICE", "Invoices"),
    "credit_notes": ("CREDITNOTE", "CreditNotes"),
}


def events_of(
    changes: Iterable[Changed], tenant_id: str, api_url: str, now: datetime, switches: Switches
) -> list[Json]:
    """The events of one call in one organisation; `api_url` is where the resources are, without a slash at the end."""
    return [
        _event(change, tenant_id, api_url, now, switches)
        for change in changes
        if change.table in _CATEGORIES and (switches.webhook_of_silent_changes or not _silent(change))
    ]


def _event(change: Changed, tenant_id: str, api_url: str, now: datetime, switches: Switches) -> Json:
    category, resource = _CATEGORIES[change.table]
    kind = "CREATE" if change.before is None else "UPDATE"
    in_title_case = switches.webhook_case == "title"
    event: Json = {
        "resourceUrl": f"{api_url}/{resource}/{change.row_id}",
        "resourceId": change.row_id,
        "tenantId": tenant_id,
        "tenantType": "ORGANISATION",
        "eventCategory": category.title() if in_title_case else category,
        "eventType": kind.title() if in_title_case else kind,
        "eventDateUtc": now.replace(tzinfo=None).isoformat(timespec="milliseconds"),
    }
    if isinstance(change.after, Document) and change.after.is_credit:
        event["data"] = {"Type": change.after.type, "Status": change.after.status}
    return event


def _silent(change: Changed) -> bool:
    """Whether the change does not move UpdatedDateUTC: whether Xero tells of it then, it does not say."""
    match change.before, change.after:
        case Document() as before, Document() as after:
            return is_silent(before, after)
        case Contact() as before, Contact() as after:
            roles = {"is_customer": before.is_customer, "is_supplier": before.is_supplier}
            return msgspec.structs.replace(after, **roles) == before
    return False
