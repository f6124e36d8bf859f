"""Xero's validation texts: what they mean, and what a person can do about them. Pure.

Texts are those of facts 2, 4 and 5; a text that nobody has seen yet is `other`, a dead letter with Xero's own words.
The first line of the table that matches wins, so what decides more stands above what often comes along with it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.codec import shorten
from schemas.commands import Evidence
from schemas.states import Cause

RefusalKind = Literal[
    "contact_number_taken",
    "name_taken",
    "archived_contact",
    "number_taken",
    "already_deleted",
    "reconciled",
    "exceeds",
    "not_authorised",
    "has_payments",
    "period_locked",
    "account",
    "payment_account",
    "tax_type",
    "currency",
    "contact",
    "document",
    "other",
]

REPLAY: Final = "then `ledgerstream dlq replay ID`"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Xero did not keep an element. `evidence` is complete but for the status and correlation id of the call."""

    kind: RefusalKind
    cause: Cause
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: RefusalKind
    pattern: re.Pattern[str]
    cause: Cause
    message: str
    remedy: str
    field: str | None = None


def _rule(kind: RefusalKind, pattern: str, cause: Cause, message: str, remedy: str, field: str | None = None) -> _Rule:
    return _Rule(kind, re.compile(pattern, re.IGNORECASE), cause, message, remedy, field)


_RULES: Final = (
    _rule(
        "contact_number_taken",
        r"contact number .*already assigned|contact has this contact number",
        "conflict",
        "Another contact in Xero has our customer number.",
        f"Clear the contact code of that contact in Xero, {REPLAY}.",
        "ContactNumber",
    ),
    _rule(
        "name_taken",
        r"contact name .*already assigned",
        "data",
        "Another contact in Xero has this name, and also the name with the customer number behind it.",
        f"Rename the other contact in Xero, or the customer in the source, {REPLAY}.",
        "Name",
    ),
    _rule(
        "archived_contact",
        r"archived contact|contact .*has been archived",
        "archived_contact",
        "The customer is archived in Xero, so nothing can be booked for it.",
        f"Restore the contact in Xero (Contacts > Archived), {REPLAY}. Where it was merged into another one, the "
        "replay alone books it for that one.",
        "Contact",
    ),
    _rule(
        "number_taken",
        r"# must be unique|number must be unique",
        "conflict",
        "A document with this number is in Xero already.",
        f"Give one of the two another number, {REPLAY}.",
        "Number",
    ),
    _rule(
        "already_deleted",
        r"already been deleted",
        "conflict",
        "It was already deleted in Xero.",
        "Nothing is left to do: `ledgerstream dlq discard ID`.",
        "Status",
    ),
    _rule(
        "reconciled",
        r"reconciled and cannot be deleted|within a batch cannot be deleted",
        "data",
        "The payment is matched with a bank statement (or part of a batch) in Xero and cannot be taken back.",
        f"Unreconcile it in Xero, {REPLAY}; or book the reversal in Xero and `ledgerstream dlq discard ID`.",
        "Status",
    ),
    _rule(
        "exceeds",
        r"exceeds the amount outstanding",
        "data",
        "More was paid than the document still owes in Xero.",
        f"Compare the payments of the document in Xero; where one is wrong delete it, {REPLAY}. "
        "If the customer did pay too much, record an overpayment in Xero and `ledgerstream dlq discard ID`.",
        "Amount",
    ),
    _rule(
        "not_authorised",
        r"only be made against authorised",
        "data",
        "The document is not approved in Xero (a draft, or voided), so it cannot be paid.",
        f"Approve it in Xero, {REPLAY}. If it was voided on purpose, book the money in Xero and discard this letter.",
        "Status",
    ),
    _rule(
        "has_payments",
        r"payments? or credit notes? allocated",
        "conflict",
        "The document has payments or credit notes in Xero, so it can no longer be changed or voided.",
        f"Remove them in Xero, {REPLAY}.",
        "Status",
    ),
    _rule(
        "period_locked",
        r"cannot be before the .*lock date|lock date",
        "period_locked",
        "The date lies in a period that is locked in Xero.",
        f"Move the lock date in Xero (Settings > Financial settings), {REPLAY}; or send the event with a later date.",
        "Date",
    ),
    _rule(
        "account",
        r"account code .*(not a valid code|has been archived|has been deleted)|account code or id must be",
        "data",
        "An account code of the lines is unknown, archived or of the wrong kind in Xero.",
        f"Correct `accounts` in the tenant file, or restore the account in Xero, {REPLAY}.",
        "AccountCode",
    ),
    _rule(
        "payment_account",
        r"account could not be found|not a valid account for payments",
        "data",
        "The clearing account is unknown in Xero, or payments into it are not enabled.",
        f"Correct the payment account in the tenant file, or enable payments on it in Xero, {REPLAY}.",
        "Account.Code",
    ),
    _rule(
        "tax_type",
        r"tax ?type",
        "data",
        "Xero does not take this tax type with this account.",
        f"Correct the tax types in the tenant file, {REPLAY}.",
        "TaxType",
    ),
    _rule(
        "currency",
        r"not subscribed to currency",
        "data",
        "The currency is not enabled in this organisation.",
        f"Add the currency in Xero (Settings > Currencies), or route it to another organisation, {REPLAY}.",
        "CurrencyCode",
    ),
    _rule(
        "contact",
        r"contact with the specified contactid|contact must be specified|identify the contact|contact name must be",
        "data",
        "Xero does not know the customer that the document names.",
        f"Send the customer again (a ContactUpdated event), {REPLAY}.",
        "Contact",
    ),
    _rule(
        "document",
        r"could not be found",
        "data",
        "Xero does not know the document that this builds on.",
        f"Find out what became of it in Xero, {REPLAY}.",
    ),
)


def explain(resource: str, element: Mapping[str, Any], messages: Sequence[str]) -> Refusal:
    """What the validation messages of one element mean, in plain words and with what to do."""
    for rule in _RULES:
        if any(rule.pattern.search(message) for message in messages):
            return _refusal(rule, resource, element, messages)
    said = "; ".join(messages)
    return Refusal(
        "other",
        "data",
        _evidence(
            f"Xero refused the {_noun(resource)}: {said}",
            f"Mend what Xero names, in the source or in the tenant file, {REPLAY}.",
            _named_field(messages),
            element,
            messages,
        ),
    )


def named(kind: RefusalKind, resource: str, element: Mapping[str, Any], messages: Sequence[str]) -> Refusal:
    """The refusal of a kind that was found out in another way than by Xero's words."""
    return _refusal(next(rule for rule in _RULES if rule.kind == kind), resource, element, messages)


def _refusal(rule: _Rule, resource: str, element: Mapping[str, Any], messages: Sequence[str]) -> Refusal:
    field = rule.field or resource
    return Refusal(rule.kind, rule.cause, _evidence(rule.message, rule.remedy, field, element, messages))


def _evidence(
    message: str, remedy: str, field: str | None, element: Mapping[str, Any], messages: Sequence[str]
) -> Evidence:
    value = _value_of(field, element, messages)
    return Evidence(message=message, field=field, value=value, remedy=remedy, xero_validation=tuple(messages))


def _value_of(field: str | None, element: Mapping[str, Any], messages: Sequence[str]) -> str | None:
    """The value that the field had: out of Xero's quotes where it gives one, else out of what was sent."""
    quoted = next((match[1] for message in messages if (match := re.search(r"'([^']+)'", message))), None)
    if field in ("AccountCode", "Account.Code", "TaxType") and quoted:
        return quoted
    if field == "Number":
        return shorten(element.get("InvoiceNumber") or element.get("CreditNoteNumber") or "")
    found: Any = element
    for part in (field or "").split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None else shorten(found)


def _named_field(messages: Sequence[str]) -> str | None:
    """Xero says `The length of Name cannot exceed …` and `Email address must be valid.`"""
    for message in messages:
        if match := re.search(r"length of (\w+)", message):
            return match[1]
        if "email" in message.lower():
            return "EmailAddress"
    return None


def _noun(resource: str) -> str:
    return {"Contacts": "contact", "Invoices": "invoice", "CreditNotes": "credit note", "Payments": "payment"}[resource]
