"""Where to look for writes whose outcome is unknown: one list request for a whole call (design 7.7). Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.xero import answers
from connectors.xero.answers import Elements
from connectors.xero.ticket import Answer, XeroRequest
from connectors.xero.wire import ID_KEYS, NUMBER_KEYS, amount
from schemas.keys import marks_in
from streams.core.situation import RESTORED, OpenWrite, Resource

Body = Mapping[str, Any]

# One page holds all that 50 writes can have in Xero; the clocks of two machines differ a little.
_PAGE: Final = (("page", "1"), ("pageSize", "1000"), ("unitdp", "4"))
_CLOCKS: Final = dt.timedelta(minutes=1)
_CREATES: Final = frozenset({"create", RESTORED})
_ENDED: Final = frozenset({"DELETED", "VOIDED"})


def look(items: Sequence[OpenWrite], first_sent: dt.datetime | None = None) -> XeroRequest:
    """The one request that shows whether the writes of a call are there.

    Creates are looked for by their number or mark, everything else by id. With `first_sent` contacts are only looked
    for among those that changed since: Xero has no index over their numbers.
    """
    resource = items[0].write.resource
    if items[0].write.step not in _CREATES:
        return read([_target(item) for item in items], resource)
    if resource == "Invoices":
        numbers = ",".join(item.write.number or "" for item in items)
        return _list(resource, ("InvoiceNumbers", numbers))
    if resource == "CreditNotes":
        return _list(resource, ("where", _any(f'CreditNoteNumber=="{_quoted(item.write.number)}"' for item in items)))
    if resource == "Contacts":
        where = ("where", _any(f'ContactNumber=="{_quoted(item.write.number)}"' for item in items))
        since = None if first_sent is None else first_sent - _CLOCKS
        return _list(resource, where, ("includeArchived", "true"), since=since)
    return _list(resource, ("where", _any(_paid_document(item) for item in items)))


def read(ids: Sequence[str], resource: Resource) -> XeroRequest:
    """The documents of these ids, with their lines."""
    if resource == "Payments":
        # The list of payments takes no IDs; a payment is named by its path, and only ever one at a time.
        return XeroRequest(method="GET", path=f"/Payments/{ids[0]}")
    if resource == "CreditNotes":
        return _list(resource, ("where", _any(f'CreditNoteID==Guid("{xero_id}")' for xero_id in ids)))
    archived = (("includeArchived", "true"),) if resource == "Contacts" else ()
    return _list(resource, ("IDs", ",".join(ids)), *archived)


def sightings(items: Sequence[OpenWrite], answer: Answer) -> list[list[Body]] | None:
    """For each write the documents in the answer that may be it; None if the answer shows nothing."""
    found = answers.read(answer, items[0].write.resource)
    if not isinstance(found, Elements):
        # Only what is asked for by a path of its own can be missing: then there is nothing.
        by_path = items[0].write.resource == "Payments" and items[0].write.step not in _CREATES
        return [[] for _ in items] if found.kind == "not_found" and by_path else None
    bodies = [outcome.body for outcome in found.outcomes]
    return [[body for body in bodies if _is(item, body)] for item in items]


def is_live(body: Body) -> bool:
    """Whether the document still stands in the books."""
    return body.get("Status") not in _ENDED


def bears_mark(body: Body, mark: str) -> bool:
    """Whether the document says that we made it, for this effect."""
    return mark in str(body.get("Reference") or "") or mark in str(body.get("Url") or "")


def other_mark(body: Body, mark: str) -> str | None:
    """The mark of another effect that the document bears: it was made for something else."""
    found = (*marks_in(str(body.get("Reference") or "")), *marks_in(str(body.get("Url") or "")))
    return next((one for one in found if one != mark), None)


def _is(item: OpenWrite, body: Body) -> bool:
    write = item.write
    if write.step not in _CREATES:
        return str(body.get(ID_KEYS[write.resource])).lower() == _target(item).lower()
    if write.resource == "Payments":
        return _is_payment(item, body)
    number = body.get(NUMBER_KEYS[write.resource])
    is_sales = body.get("Type", write.element.get("Type")) == write.element.get("Type")
    return is_sales and isinstance(number, str) and number.casefold() == (write.number or "").casefold()


def _is_payment(item: OpenWrite, body: Body) -> bool:
    """Ours by its mark, of the same document and amount; it may have been deleted since."""
    element = item.write.element
    for name, key in (("Invoice", "InvoiceID"), ("CreditNote", "CreditNoteID")):
        if name in element and str((body.get(name) or {}).get(key)).lower() != str(element[name][key]).lower():
            return False
    return bears_mark(body, item.command.effect.mark) and amount(body.get("Amount")) == amount(element["Amount"])


def _target(item: OpenWrite) -> str:
    """The id of the document that a write changes."""
    return str(item.write.element.get(ID_KEYS[item.write.resource], ""))


def _paid_document(item: OpenWrite) -> str:
    element = item.write.element
    if "CreditNote" in element:
        return f'CreditNote.CreditNoteID==Guid("{element["CreditNote"]["CreditNoteID"]}")'
    return f'Invoice.InvoiceID==Guid("{element["Invoice"]["InvoiceID"]}")'


def _any(terms: Any) -> str:
    return " OR ".join(dict.fromkeys(terms))


def _quoted(text: str | None) -> str:
    return (text or "").replace("\\", "\\\\").replace('"', '\\"')


def _list(resource: str, *query: tuple[str, str], since: dt.datetime | None = None) -> XeroRequest:
    return XeroRequest(method="GET", path=f"/{resource}", query=(*query, *_PAGE), modified_since=since)
