"""Three versions of a document - what we posted last, what Xero holds, what the source says now - made into one.

A person's edit of a field that the source did not change is kept. Where both changed the same field, a person decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from connectors.xero.wire import amount, day
from schemas.money import EXACT, round_half_up

_AMOUNTS: Final = frozenset({"Quantity", "UnitAmount", "DiscountAmount", "TaxAmount", "CurrencyRate"})
_DATES: Final = frozenset({"Date", "DueDate"})
# Lists of which Xero shows every slot, also those that we never send: slot by its kind.
_SLOTS: Final = {"Phones": "PhoneType", "Addresses": "AddressType"}

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """`send`: fields to be changed in Xero. `conflicts`: fields that both sides changed, left out of `send`."""

    send: dict[str, Any]
    conflicts: tuple[str, ...]


def merge(wanted: Fields, posted: Fields | None, standing: Fields, decision: str | None) -> Merged:
    """What must be sent so that Xero holds what the source says.

    `posted` is None for a document that was adopted: then all that stands counts as ours. `decision`: the answer of a
    person, "source" overwrites what both changed, "xero" leaves it.
    """
    send: dict[str, Any] = {}
    conflicts: list[str] = []
    for name, value in wanted.items():
        kinds = _kinds(name, value)
        ours, theirs = canonical(name, value), field(standing, name, kinds)
        if ours == theirs:
            continue
        before = theirs if posted is None else field(posted, name, kinds)
        if posted is not None and ours == before:
            continue
        is_kept = theirs == before and not (name == "LineItems" and is_tax_overridden(posted or {}, standing))
        if is_kept or theirs == _EMPTY or decision == "source":
            send[name] = value
        elif decision != "xero":
            conflicts.append(name)
    return Merged(send, tuple(conflicts))


def agrees(name: str, value: Any, standing: Fields) -> bool:
    """Whether a field of what Xero holds is as `value` says; slots that it does not speak of are passed over."""
    return bool(canonical(name, value) == field(standing, name, _kinds(name, value)))


def is_tax_overridden(posted: Fields, standing: Fields) -> bool:
    """Whether a line bears another tax than Xero made of it when we posted it: a person overrode it. Of lines whose tax
    one side does not tell, nothing is known."""
    return any(
        ours != theirs and _EMPTY not in (ours, theirs)
        for ours, theirs in zip(taxes(posted), taxes(standing), strict=False)
    )


def taxes(document: Fields) -> tuple[Any, ...]:
    """The tax of each line in comparable form. It is Xero's to compute, so the source's lines do not tell it."""
    return tuple(canonical("TaxAmount", item.get("TaxAmount")) for item in document.get("LineItems") or ())


_EMPTY: Final = ""


def _kinds(name: str, slots: Any) -> frozenset[str] | None:
    """The kinds of the slots that the source speaks of: what a person put into others is none of its business."""
    return frozenset(slot[_SLOTS[name]] for slot in slots) if name in _SLOTS else None


def field(document: Fields, name: str, kinds: frozenset[str] | None = None) -> Any:
    """A field of an element or of Xero's answer in comparable form; of slots only those of `kinds`."""
    if name in _DATES:
        return day(document, name) or _EMPTY
    value = document.get(name)
    if kinds is not None:
        value = [slot for slot in value or () if slot.get(_SLOTS[name]) in kinds]
    return canonical(name, value)


def canonical(name: str, value: Any) -> Any:
    """A value in the form in which two writings of it are equal."""
    if name in _AMOUNTS:
        found = amount(value)
        return found.normalize() if found is not None else _EMPTY
    if name in _DATES:
        return str(value or _EMPTY)[:10]
    if name == "Contact":
        return (value or {}).get("ContactID") or _EMPTY
    if name == "LineItems":
        return tuple(_line(item) for item in value or ())
    if name in _SLOTS:
        return _slots(_SLOTS[name], value or ())
    return " ".join(str(value).split()) if value is not None else _EMPTY


def _line(item: Fields) -> tuple[Any, ...]:
    names = ("Description", "Quantity", "UnitAmount", "AccountCode", "TaxType")
    discount = amount(item.get("DiscountAmount"))
    return (
        *(canonical(name, item.get(name)) for name in names),
        discount.normalize() if discount else _EMPTY,
        _line_amount(item, discount or Decimal(0)),
    )


def _line_amount(item: Fields, discount: Decimal) -> Any:
    """What the line comes to: as Xero shows it, else as Xero will make it of what we send (facts 5). A discount shows
    here however a person gave it, as a rate or as an amount."""
    shown, quantity, unit_amount = (amount(item.get(name)) for name in ("LineAmount", "Quantity", "UnitAmount"))
    if shown is None and quantity is not None and unit_amount is not None:
        shown = round_half_up(EXACT.subtract(EXACT.multiply(quantity, unit_amount), discount))
    return shown.normalize() if shown is not None else _EMPTY


def _slots(kind_key: str, slots: Any) -> Any:
    """Only what is filled in, or empty: an empty slot is none."""
    filled = {}
    for slot in slots:
        content = tuple(sorted((key, item) for key, item in slot.items() if key != kind_key and item))
        if content:
            filled[slot.get(kind_key)] = content
    return tuple(sorted(filled.items())) or _EMPTY
