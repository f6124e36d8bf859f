"""Xero's JSON, both ways: names of ids and numbers, exact amounts, dates. Pure.

Inside the product an element is plain JSON in which amounts are texts ("12.50"): any store keeps them exactly. On the
wire they are JSON numbers, as Xero's own SDK sends them, with every digit.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from schemas.money import to_text

ID_KEYS: Final[Mapping[str, str]] = {
    "Contacts": "ContactID",
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Payments": "PaymentID",
    # What is only read.
    "Accounts": "AccountID",
    "TaxRates": "TaxType",
    "Organisations": "OrganisationID",
}
NUMBER_KEYS: Final[Mapping[str, str]] = {
    "Contacts": "ContactNumber",
    "Invoices": "InvoiceNumber",
    "CreditNotes": "CreditNoteNumber",
}
ZERO_ID: Final = "00000000-0000-0000-0000-000000000000"
# 4 decimals of a unit amount, and an outcome for each element instead of one refusal for all (facts 2 and 5).
WRITE_QUERY: Final = (("summarizeErrors", "false"), ("unitdp", "4"))

_AMOUNTS: Final = frozenset({"Amount", "CurrencyRate", "DiscountAmount", "Quantity", "UnitAmount"})
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final = msgspec.json.Decoder(float_hook=str)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DATE: Final = re.compile(r"^/Date\((-?\d+)(?:[+-]\d{4})?\)/$")


def encode(resource: str, elements: Iterable[Mapping[str, Any]]) -> bytes:
    """The body of a call for several elements, such as {"Invoices": [...]}."""
    return _encoder.encode({resource: [_with_numbers(element) for element in elements]})


def encode_one(resource: str, element: Mapping[str, Any]) -> bytes:
    """The body of a call to one document's own path, which names the document already."""
    return _encoder.encode(_with_numbers({key: item for key, item in element.items() if key != ID_KEYS[resource]}))


def decode(body: bytes) -> Any:
    """JSON with decimals as texts; ValueError for anything else."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None


def text(value: Decimal) -> str:
    """An amount as an element holds it."""
    return to_text(value)


def amount(value: object) -> Decimal | None:
    """An amount out of an element, be it ours or Xero's; None where there is none."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def day(document: Mapping[str, Any], name: str) -> str | None:
    """A date of a document as 2026-11-24, from `DateString` or from /Date(ms+0000)/, which is midnight UTC."""
    written = document.get(f"{name}String") or document.get(name)
    if not isinstance(written, str):
        return None
    match = _DATE.match(written)
    if match is None:
        return written[:10]
    return (_EPOCH + dt.timedelta(milliseconds=int(match[1]))).date().isoformat()


def moment(document: Mapping[str, Any], name: str) -> dt.datetime | None:
    """A moment of a document such as `UpdatedDateUTC`, to the millisecond; None where it has none that can be read."""
    written = document.get(name)
    match = _DATE.match(written) if isinstance(written, str) else None
    return None if match is None else _EPOCH + dt.timedelta(milliseconds=int(match[1]))


def _with_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: Decimal(item) if key in _AMOUNTS and isinstance(item, str) else _with_numbers(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_with_numbers(item) for item in value]
    return value
