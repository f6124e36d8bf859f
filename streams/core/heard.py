"""What changed between two sights of a document in Xero, as a domain event. Pure.

A sight is what we keep of a body to compare it with: few fields, each as a text. It compares with what was told last,
not with what was seen last, so that an answer to our own write in between hides nothing, and a webhook that comes late,
twice, or in another order tells nothing anew.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec
import orjson

from connectors.xero.wire import amount, day
from schemas.events.fields import Contract
from schemas.events.xero import CreditNoteChanged, InvoiceStatusChanged, XeroContactChanged
from schemas.money import for_people, to_text
from streams.core.merge import agrees, field, is_tax_overridden, taxes

Told = Literal["Invoices", "CreditNotes", "Contacts"]
TOLD: Final[tuple[Told, ...]] = ("Invoices", "CreditNotes", "Contacts")
Sight = Mapping[str, str]
Body = Mapping[str, Any]

# What a person edits; the rest follows from it, or from payments. TaxAmount is that of each line, which Xero computes
# and a person may override.
_CONTENT: Final[Mapping[Told, tuple[str, ...]]] = {
    "Invoices": (
        "InvoiceNumber",
        "Reference",
        "Contact",
        "Date",
        "DueDate",
        "CurrencyCode",
        "LineAmountTypes",
        "LineItems",
        "TaxAmount",
    ),
    "CreditNotes": (
        "CreditNoteNumber",
        "Reference",
        "Contact",
        "Date",
        "CurrencyCode",
        "LineAmountTypes",
        "LineItems",
        "TaxAmount",
    ),
    "Contacts": (
        "Name",
        "ContactNumber",
        "FirstName",
        "LastName",
        "EmailAddress",
        "TaxNumber",
        "Phones",
        "Addresses",
    ),
}
_SLOTS: Final[Mapping[str, frozenset[str]]] = {
    "Phones": frozenset({"DEFAULT", "DDI", "MOBILE", "FAX"}),
    "Addresses": frozenset({"STREET", "POBOX"}),
}
_MONEY: Final[Mapping[Told, tuple[str, ...]]] = {
    "Invoices": ("Total", "AmountDue", "AmountPaid", "AmountCredited"),
    "CreditNotes": ("Total", "RemainingCredit"),
    "Contacts": (),
}
_STATUS: Final[Mapping[Told, str]] = {
    "Invoices": "Status",
    "CreditNotes": "Status",
    "Contacts": "ContactStatus",
}
_SENT: Final = "SentToContact"
_OVERDUE: Final = "overdue"
_MERGED: Final = "MergedToContactID"
# What a write of ours can do to a document. Whether it was ours to give it this status, the one we posted tells.
_BY_US: Final = frozenset({"created", "edited", "status", "voided", "deleted"})
_BY_STATUS: Final = frozenset({"status", "voided", "deleted"})
_ENDS: Final = {"VOIDED": "voided", "DELETED": "deleted"}
_SHOWN_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One document as Xero shows it now. `ours` is what we posted of it, None where we did not make it; `effect` its
    effect key. `changed_at` is Xero's time of its last change. `is_answer`: it is what Xero answered to our own write.
    `is_old`: it may have been there before we listened, where it was not seen before."""

    tenant: str
    resource: Told
    xero_id: str
    body: Body
    changed_at: dt.datetime
    ours: Body | None = None
    effect: str | None = None
    is_answer: bool = False
    is_old: bool = False


def is_sale(resource: str, body: Body) -> bool:
    """Whether a document is told of at all: bills and suppliers' credit notes are not."""
    return resource not in ("Invoices", "CreditNotes") or str(body.get("Type", "ACCREC")).startswith("ACCREC")


def sight(resource: Told, body: Body, *, overdue: bool = False) -> Sight:
    """What is kept to compare with."""
    found = {name: _text(name, body) for name in _CONTENT[resource]}
    currency = str(body.get("CurrencyCode") or "GBP")
    found |= {name: for_people(_money(name, body), currency) for name in _MONEY[resource]}
    found[_STATUS[resource]] = str(body.get(_STATUS[resource]) or "")
    if resource == "Invoices":
        found[_SENT] = str(body.get(_SENT) is True)
        found[_OVERDUE] = str(overdue)
    if resource == "Contacts":
        found[_MERGED] = str(body.get(_MERGED) or "")
    return found


def _money(name: str, body: Body) -> Decimal:
    told = amount(body.get(name))
    if told is None and name == "AmountCredited" and body.get("Status") not in _ENDS and "AmountDue" in body:
        # The answer to a write leaves it out (facts 11): it is what is neither owed nor paid.
        return _money("Total", body) - _money("AmountDue", body) - _money("AmountPaid", body)
    return told or Decimal(0)


def due_on(body: Body) -> str | None:
    """The day after which the invoice is overdue, as 2026-11-24; None for what is not owed."""
    owed = amount(body.get("AmountDue")) or Decimal(0)
    return day(body, "DueDate") if body.get("Status") == "AUTHORISED" and owed > 0 else None


def told_by(before: Sight | None, after: Sight, seen: Seen) -> Contract | None:
    """The event that tells how the document came from one sight to the next; None where nothing is new."""
    changes = _changes(before, after, seen)
    if not changes:
        return None
    by: Literal["us", "others"] = "us" if _is_ours(changes, before, after, seen) else "others"
    common = {
        "tenant": seen.tenant,
        "changed_at": seen.changed_at,
        "changes": tuple(changes),
        "by": by,
        "effect": seen.effect,
        "fields": _fields(before, after) if before else _fields_since_posted(after, seen),
    }
    kind, own = _BUILDERS[seen.resource], _own(before, after, seen)
    return msgspec.convert({**common, **own}, kind, strict=False)


def _changes(before: Sight | None, after: Sight, seen: Seen) -> list[str]:
    if before is None:
        # Of what may be old nobody knows what it was before; somebody did something with it.
        return ["edited"] if seen.is_old else ["created", *_since_created(after, seen)]
    found: list[str] = []
    status = _STATUS[seen.resource]
    if before[status] != after[status]:
        found += _status_words(seen.resource, before[status], after[status])
    if seen.resource == "Invoices":
        found += _money_words(before, after)
        found += ["sent"] * (before[_SENT] == "False" and after[_SENT] == "True")
        found += [_OVERDUE] * (before[_OVERDUE] == "False" and after[_OVERDUE] == "True")
    if seen.resource == "CreditNotes" and Decimal(after["RemainingCredit"]) < Decimal(before["RemainingCredit"]):
        found += ["allocated"] if after[status] not in _ENDS else []
    if seen.resource == "Contacts" and before[_MERGED] != after[_MERGED]:
        found = [*(word for word in found if word != "archived"), "merged"]
    if any(before.get(name) != after[name] for name in _CONTENT[seen.resource]) or _has_another_total(before, after):
        found.append("edited")
    return list(dict.fromkeys(found))


def _has_another_total(before: Sight, after: Sight) -> bool:
    """Whether somebody changed what a document that stands comes to, be it by a field that nobody compares."""
    return after.get("Status") not in _ENDS and before.get("Total") != after.get("Total")


def _since_created(after: Sight, seen: Seen) -> list[str]:
    """What had become of a document before we saw it for the first time."""
    # What Xero makes of our own write is nobody's edit.
    edited = ["edited"] * bool(not seen.is_answer and _not_as_posted(seen))
    if seen.resource == "Contacts":
        gone = "merged" if after[_MERGED] else "archived"
        return [gone] * (after["ContactStatus"] not in ("ACTIVE", "")) + edited
    found = [_ENDS[after["Status"]]] if after["Status"] in _ENDS else []
    if not seen.is_answer and after["Status"] not in ((seen.ours or {}).get("Status", after["Status"]), "PAID", *_ENDS):
        found.append("status")
    if seen.resource == "Invoices":
        found += _money_words({**after, "Status": "AUTHORISED", "AmountPaid": "0", "AmountCredited": "0"}, after)
        found += ["sent"] * (after[_SENT] == "True")
    return found + edited


def _not_as_posted(seen: Seen) -> list[str]:
    """The content that is other than we posted it."""
    ours = seen.ours or {}
    return [name for name in _CONTENT[seen.resource] if _key(name) in ours and not _agrees(name, ours, seen.body)]


def _status_words(resource: Told, before: str, after: str) -> list[str]:
    if resource == "Contacts":
        return ["archived" if after != "ACTIVE" else "restored"]
    if after in _ENDS:
        return [_ENDS[after]]
    # That an invoice is paid, or not any more, is told by its money.
    return [] if resource == "Invoices" and "PAID" in (before, after) else ["status"]


def _money_words(before: Sight, after: Sight) -> list[str]:
    if after["Status"] in _ENDS:
        return []
    paid = Decimal(after["AmountPaid"]) - Decimal(before["AmountPaid"])
    credited = Decimal(after["AmountCredited"]) - Decimal(before["AmountCredited"])
    found = ["payment_removed"] if paid < 0 else []
    if after["Status"] == "PAID" and before["Status"] != "PAID":
        found.append("paid")
    elif paid > 0:
        found.append("part_paid")
    return found + ["credited"] * (credited > 0)


def _is_ours(changes: list[str], before: Sight | None, after: Sight, seen: Seen) -> bool:
    """Whether all that changed is as we wrote it. Payments are told apart by their own marks, not here."""
    if seen.ours is None or not _BY_US.issuperset(changes):
        return False
    if not _BY_STATUS.isdisjoint(changes) and seen.ours.get("Status") != after["Status"]:
        return False
    if before is None:
        return not _not_as_posted(seen)
    ours, names = seen.ours, [name for name in _CONTENT[seen.resource] if before.get(name) != after[name]]
    # A total that is another though nothing of ours is, is none of our doing.
    is_explained = bool(names) or "edited" not in changes
    return is_explained and all(_key(name) in ours and _agrees(name, ours, seen.body) for name in names)


def _key(name: str) -> str:
    """The field of an element that says what a field of a sight shows."""
    return "LineItems" if name == "TaxAmount" else name


def _agrees(name: str, ours: Body, body: Body) -> bool:
    """Whether Xero's field is as we posted it."""
    return not is_tax_overridden(ours, body) if name == "TaxAmount" else agrees(name, ours[name], body)


def _fields(before: Sight, after: Sight) -> tuple[Mapping[str, str], ...]:
    return tuple(
        _field(name, before.get(name, ""), value) for name, value in after.items() if before.get(name, "") != value
    )


def _fields_since_posted(after: Sight, seen: Seen) -> tuple[Mapping[str, str], ...]:
    """What somebody changed before we saw the document for the first time."""
    return tuple(_field(name, _text(name, seen.ours or {}), after[name]) for name in _not_as_posted(seen))


def _field(name: str, before: str, after: str) -> Mapping[str, str]:
    return {"field": name, "before": before[:_SHOWN_MAX], "after": after[:_SHOWN_MAX]}


def _own(before: Sight | None, after: Sight, seen: Seen) -> dict[str, Any]:
    """The fields of the one kind of event."""
    if seen.resource == "Contacts":
        return {
            "contact_id": seen.xero_id,
            "name": after["Name"] or seen.xero_id,
            "status": after["ContactStatus"] or "ACTIVE",
            "number": after["ContactNumber"] or None,
            "email": after["EmailAddress"] or None,
            "merged_to": after[_MERGED] or None,
        }
    document = {
        "status": after["Status"],
        "previous_status": before["Status"] if before else None,
        "total": after["Total"],
        "currency": after["CurrencyCode"] or None,
        "contact_id": after["Contact"] or None,
    }
    if seen.resource == "CreditNotes":
        remaining = {"credit_note_id": seen.xero_id, "remaining": after["RemainingCredit"]}
        return {**document, **remaining, "number": after["CreditNoteNumber"]}
    return {
        **document,
        "invoice_id": seen.xero_id,
        "number": after["InvoiceNumber"],
        "amount_due": after["AmountDue"],
        "amount_paid": after["AmountPaid"],
        "amount_credited": after["AmountCredited"],
    }


_BUILDERS: Final[Mapping[Told, type[Contract]]] = {
    "Invoices": InvoiceStatusChanged,
    "CreditNotes": CreditNoteChanged,
    "Contacts": XeroContactChanged,
}


def _text(name: str, body: Body) -> str:
    return _shown(taxes(body) if name == "TaxAmount" else field(body, name, _SLOTS.get(name)))


def _shown(value: Any) -> str:
    """A comparable value as a text."""
    return value if isinstance(value, str) else orjson.dumps(value, default=to_text).decode()
