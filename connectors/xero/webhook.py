"""Xero's webhooks: which contacts and documents a delivery says have changed. Pure.

A delivery holds no document, only which ones to look at, of several organisations and kinds at once. Sources:
Xero's page "Events" of its webhooks, and Xero-OpenAPI (xero-webhooks.yaml); its issue 789 shows both "Update" and
"UPDATE", so words are compared without their case.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from schemas.codec import Refused, decoder, shorten
from schemas.events.fields import Identifier

Resource = Literal["Invoices", "Contacts", "CreditNotes"]
# Above it, a ledger's whole number of 64 bits would not hold it.
_Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Change(msgspec.Struct, frozen=True):
    """One document or contact that changed. Ids are GUIDs in lower case, `at` is in UTC.

    `type` is CREATE, UPDATE, or a word that Xero thinks of later; archived, voided, deleted and paid are all UPDATE.
    `status` and `document_type` (ACCRECCREDIT, ACCPAYCREDIT) come with credit notes alone. Words are in capitals.
    """

    tenant_id: str
    resource: Resource
    resource_id: str
    at: datetime
    type: str
    status: str | None = None
    document_type: str | None = None


class Delivery(msgspec.Struct, frozen=True):
    """What one delivery says. `skipped` counts the events of categories that are not read.

    Sequences count a subscription's events; one that does not follow the delivery before it is the only hint at a
    loss. Both are 0 where Xero only tries whether signatures are checked ("intent to receive"), with no changes.
    """

    changes: tuple[Change, ...]
    first_sequence: int
    last_sequence: int
    skipped: int = 0


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    events: tuple[msgspec.Raw, ...]
    first_event_sequence: _Sequence
    last_event_sequence: _Sequence


class _Category(msgspec.Struct, frozen=True, rename="camel"):
    event_category: str


class _Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    resource_id: UUID
    tenant_id: UUID
    event_type: Identifier
    event_date_utc: datetime


class _Data(msgspec.Struct, frozen=True, rename="pascal"):
    type: Identifier | None = None
    status: Identifier | None = None


class _CreditNoteEvent(_Event, frozen=True, kw_only=True, rename="camel"):
    data: _Data | None = None


_read_body = decoder(_Body)
_read_category = decoder(_Category)
_Reader = Callable[[bytes], _Event]
_KNOWN: Final[Mapping[str, tuple[Resource, _Reader]]] = {
    "INVOICE": ("Invoices", decoder(_Event)),
    "CONTACT": ("Contacts", decoder(_Event)),
    "CREDITNOTE": ("CreditNotes", decoder(_CreditNoteEvent)),
}


def parse(body: bytes) -> Delivery:
    """The changes of one delivery, in its order. Raises Refused with the path of the field that does not fit.

    Events of other categories (SUBSCRIPTION is about the app, not about books) are counted and not looked into.
    """
    told = _read_body(body)
    first, last = told.first_event_sequence, told.last_event_sequence
    if last < first:
        raise Refused("$.lastEventSequence", str(last), f"{first} or more, as firstEventSequence is")
    changes = [change for place, event in enumerate(told.events) if (change := _change(place, bytes(event)))]
    return Delivery(
        changes=tuple(changes), first_sequence=first, last_sequence=last, skipped=len(told.events) - len(changes)
    )


def _change(place: int, body: bytes) -> Change | None:
    try:
        known = _KNOWN.get(_read_category(body).event_category.upper())
        if known is None:
            return None
        resource, read = known
        return _made(resource, read(body))
    except Refused as error:
        # The event was read on its own: its paths begin where it stands in the delivery.
        path = f"$.events[{place}]{error.path.removeprefix('$')}"
        raise Refused(path, error.value, error.expected) from None


def _made(resource: Resource, event: _Event) -> Change:
    data = (event.data if isinstance(event, _CreditNoteEvent) else None) or _Data()
    return Change(
        tenant_id=str(event.tenant_id),
        resource=resource,
        resource_id=str(event.resource_id),
        at=_moment(event.event_date_utc),
        type=event.event_type.upper(),
        status=data.status and data.status.upper(),
        document_type=data.type and data.type.upper(),
    )


def _moment(at: datetime) -> datetime:
    """Xero writes UTC without saying so; a zone that is there counts."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise Refused("$.eventDateUtc", shorten(at.isoformat()), "a time that UTC has") from None
