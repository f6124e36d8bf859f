"""Xero's words: every text of the facts, its kind, its cause and what a person can do."""

from typing import Any

import pytest

from connectors.xero.answers import Elements, Trouble, element, read, window_of
from connectors.xero.refusals import explain, named
from connectors.xero.ticket import Answer

TEXTS = [
    (
        "Contacts",
        (
            "The contact name A is already assigned to another contact. The contact "
            "name must be unique across all active contacts."
        ),
        "name_taken",
        "data",
    ),
    (
        "Contacts",
        ("Another contact has this contact number. Please enter a different contact number."),
        "contact_number_taken",
        "conflict",
    ),
    (
        "Contacts",
        (
            "The contact number n is already assigned to another contact. The "
            "contact number must be unique across all contacts."
        ),
        "contact_number_taken",
        "conflict",
    ),
    (
        "Contacts",
        (
            "The specified contact details matched an archived contact. Archived "
            "contacts cannot currently be edited via the API."
        ),
        "archived_contact",
        "archived_contact",
    ),
    (
        "Invoices",
        (
            "The contact with the specified contact details has been archived. The contact must "
            "be un-archived before creating new invoices or credit notes."
        ),
        "archived_contact",
        "archived_contact",
    ),
    ("Invoices", "Invoice # must be unique.", "number_taken", "conflict"),
    ("CreditNotes", "Credit Note # must be unique", "number_taken", "conflict"),
    (
        "Invoices",
        ("The document date cannot be before the end of year lock date, currently set at 31 March 2026"),
        "period_locked",
        "period_locked",
    ),
    (
        "Invoices",
        ("The document date cannot be before the period lock date, currently set at 31 March 2026"),
        "period_locked",
        "period_locked",
    ),
    ("Invoices", "Account code '42a' is not a valid code for this document.", "account", "data"),
    (
        "Invoices",
        ("Account code '299' has been archived, or has been deleted. Each line item must reference a valid account."),
        "account",
        "data",
    ),
    ("Invoices", "The TaxType code 'OUTPUT9' cannot be used with account code '200'.", "tax_type", "data"),
    ("Invoices", "Organisation is not subscribed to currency CHF", "currency", "data"),
    (
        "Invoices",
        ("The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."),
        "has_payments",
        "conflict",
    ),
    (
        "Invoices",
        ("This document cannot be edited as it has a payment or credit note allocated to it."),
        "has_payments",
        "conflict",
    ),
    ("Payments", "Payment amount exceeds the amount outstanding on this document", "exceeds", "data"),
    ("Payments", "Payments can only be made against Authorised documents", "not_authorised", "data"),
    ("Payments", "Account could not be found.", "payment_account", "data"),
    ("Payments", "Account code '200' is not a valid account for payments.", "payment_account", "data"),
    ("Payments", "This payment has been reconciled and cannot be deleted", "reconciled", "data"),
    ("Payments", "Payments within a batch cannot be deleted.", "reconciled", "data"),
    ("Payments", "This payment has already been deleted", "already_deleted", "conflict"),
    ("Payments", "Invoice could not be found", "document", "data"),
    ("Contacts", "Email address must be valid.", "other", "data"),
    ("Invoices", "The length of Reference cannot exceed 255 characters.", "other", "data"),
]


@pytest.mark.parametrize(("resource", "text", "kind", "cause"), TEXTS, ids=[row[1][:50] for row in TEXTS])
def test_text(resource: str, text: str, kind: str, cause: str) -> None:
    refusal = explain(resource, {}, (text,))
    assert (refusal.kind, refusal.cause) == (kind, cause)
    assert refusal.evidence.xero_validation == (text,)
    assert refusal.evidence.message
    assert "dlq" in (refusal.evidence.remedy or "")


def test_two_refusals_that_come_together() -> None:
    both = ("Payments can only be made against Authorised documents", "Payment amount exceeds the amount outstanding")
    assert explain("Payments", {}, both).kind == "exceeds"


@pytest.mark.parametrize(
    ("resource", "sent", "text", "field", "value"),
    [
        ("Invoices", {}, "Account code '42a' is not a valid code for this document.", "AccountCode", "42a"),
        ("Payments", {"Account": {"Code": "091"}}, "Account could not be found.", "Account.Code", "091"),
        ("Payments", {"Amount": "9.99"}, "Payment amount exceeds the amount outstanding on", "Amount", "9.99"),
        ("Invoices", {"InvoiceNumber": "S1-1"}, "Invoice # must be unique.", "Number", "S1-1"),
        ("Contacts", {"EmailAddress": "x"}, "Email address must be valid.", "EmailAddress", "x"),
        ("Invoices", {"Reference": "r"}, "The length of Reference cannot exceed 255 characters.", "Reference", "r"),
        ("Invoices", {"Date": "2020-01-01"}, "The document date cannot be before the lock date", "Date", "2020-01-01"),
    ],
)
def test_evidence_names_field_and_value(resource: str, sent: dict[str, Any], text: str, field: str, value: str) -> None:
    evidence = explain(resource, sent, (text,)).evidence
    assert (evidence.field, evidence.value) == (field, value)


def test_a_refusal_found_out_otherwise() -> None:
    refusal = named("archived_contact", "Contacts", {}, ("Another contact has this contact number.",))
    assert refusal.cause == "archived_contact"


ZERO = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"InvoiceID": "i", "StatusAttributeString": "OK", "HasErrors": False}, True),
        ({"InvoiceID": "i"}, True),
        ({"InvoiceID": "i", "StatusAttributeString": "WARNING", "Warnings": [{"Message": "w"}]}, True),
        ({"InvoiceID": "i", "StatusAttributeString": "ERROR"}, False),
        ({"InvoiceID": "i", "HasErrors": True}, False),
        ({"InvoiceID": "i", "HasValidationErrors": True}, False),
        ({"InvoiceID": ZERO}, False),
        ({}, False),
        ({"InvoiceID": "i", "ValidationErrors": [{"Message": "m"}]}, False),
        ({"InvoiceID": "i", "ValidationErrors": [{"Description": "d"}]}, False),
        ({"InvoiceID": "i", "LineItems": [{"ValidationErrors": [{"Message": "deep"}]}]}, False),
        ({"InvoiceID": "i", "Contact": {"ValidationErrors": [{"Message": "deep"}]}}, False),
    ],
)
def test_kept_only_if_nothing_speaks_against_it(body: dict[str, Any], kept: bool) -> None:
    outcome = element(body, "Invoices")
    assert outcome.kept is kept
    assert bool(outcome.errors) is not kept


def answer(status: int, body: bytes = b"", **more: Any) -> Answer:
    return Answer(status=status, body=body, **more)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (
            answer(400, (b'{"ErrorNumber":14,"Type":"PostDataInvalidException","Message":"Error converting"}')),
            "malformed",
            "Error converting",
        ),
        (
            answer(
                400,
                (
                    b'{"ErrorNumber":10,"Message":"A validation exception '
                    b'occurred","Elements":[{"ValidationErrors":[{"Message":"Idempotency Key: k is '
                    b'used with a different request."}]}]}'
                ),
            ),
            "in_flight",
            "different request",
        ),
        (answer(400, b'{"ErrorNumber":16,"Message":"bad where"}'), "refused", "bad where"),
        (answer(400, b"<html>"), "refused", "without words"),
        (answer(404, b"<html>", content_type="text/html"), "not_found", "cannot find"),
        (answer(412, b"bad header"), "refused", "bad header"),
        (answer(500, b"<html>", content_type="text/html; charset=utf-8"), "unavailable", "status 500"),
        (answer(503, b"The Organisation is offline"), "unavailable", "offline"),
        (answer(502), "gateway", "status 502"),
        (answer(599), "unreadable", "status 599"),
        (answer(200, b"[]"), "unreadable", "no list"),
        (answer(200, b'{"Invoices":[1]}'), "unreadable", "no list"),
    ],
)
def test_troubles(given: Answer, kind: str, words: str) -> None:
    found = read(given, "Invoices")
    assert isinstance(found, Trouble)
    assert found.kind == kind
    assert words in found.message


def test_an_empty_list_is_an_answer() -> None:
    assert read(answer(200, b'{"Invoices":[]}'), "Invoices") == Elements(())
    # Some endpoints answer so where nothing changed since a moment.
    assert read(answer(304, b""), "Invoices") == Elements(())


@pytest.mark.parametrize(
    ("word", "window"),
    [
        ("minute", "minute"),
        ("Day", "day"),
        ("app-minute", "appminute"),
        ("concurrent", "concurrent"),
        ("new", "unknown"),
        (None, "unknown"),
    ],
)
def test_windows(word: str | None, window: str) -> None:
    assert window_of(word) == window
