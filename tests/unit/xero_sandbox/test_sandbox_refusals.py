"""What elements are refused for, text by text, and how lists are read."""

from typing import Any

import orjson
import pytest

from tests.unit.xero_sandbox.desk import Desk, invoice, payment

SALE = {"Description": "Mug", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Name": "x" * 256}, "The length of Name cannot exceed 255 characters."),
        ({"ContactNumber": "x" * 51}, "The length of ContactNumber cannot exceed 50 characters."),
        ({"Name": "  "}, "The contact name must be specified."),
        ({"DefaultCurrency": "JPY"}, "Organisation is not subscribed to currency JPY"),
        ({"ContactPersons": [{"FirstName": "P"}] * 6}, "A contact can have a maximum of 5 ContactPersons."),
    ],
)
def test_contacts(fields: dict[str, Any], text: str) -> None:
    assert text in Desk().refused("PUT", "Contacts", {"Name": "Ann", **fields})


def test_a_contact_number_is_refused_in_either_wording() -> None:
    for switch, text in (("another", "Another contact has this contact number."), ("assigned", "is already assigned")):
        desk = Desk(contact_number_text=switch)
        desk.good("PUT", "Contacts", {"Name": "Ann", "ContactNumber": "C1"})
        assert text in desk.refused("PUT", "Contacts", {"Name": "Bea", "ContactNumber": "C1"})[0]


def test_names_may_be_shared_when_xero_drops_the_rule() -> None:
    desk = Desk(contact_names_unique=False)
    ids = {desk.good("PUT", "Contacts", {"Name": "John Smith"})["ContactID"] for _ in range(2)}
    assert len(ids) == 2


def test_an_unknown_phone_type_is_malformed_and_the_office_is_ignored() -> None:
    body = {"Name": "Ann", "Phones": [{"PhoneType": "PIGEON", "PhoneNumber": "1"}]}
    reply = Desk().call("PUT", "Contacts", body)
    assert (reply.status, orjson.loads(reply.body)["ErrorNumber"]) == (400, 14)
    office = {"Name": "Ann", "Phones": [{"PhoneType": "OFFICE", "PhoneNumber": "1"}]}
    assert all(phone["PhoneNumber"] == "" for phone in Desk().good("PUT", "Contacts", office)["Phones"])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"LineItemID": "11111111-1111-1111-1111-111111111111"}, "could not be found on this document"),
        ({"Description": "x" * 4001}, "The length of Description cannot exceed 4000 characters."),
        ({"Tracking": [{"Name": "a", "Option": "b"}] * 3}, "a maximum of 2 tracking categories"),
        ({"UnitAmount": 9_999_999_999, "Quantity": 2}, "The line amount cannot exceed 9999999999.99."),
        ({"AccountCode": None}, "Account code or ID must be specified"),
        ({"AccountCode": None, "AccountID": "nope"}, "Account could not be found."),
        ({"AccountCode": "610"}, "Account code '610' is not a valid code for this document."),
    ],
)
def test_lines(line: dict[str, Any], text: str) -> None:
    refused = Desk().refused("PUT", "Invoices", invoice(LineItems=[{**SALE, **line}]))
    assert any(text in error for error in refused)


def test_an_account_may_be_named_by_id_and_an_amount_given_without_a_price() -> None:
    desk = Desk()
    account = desk.book.accounts.find("code", "200")
    assert account is not None
    line = {"Description": "Mug", "LineAmount": 10, "Quantity": 4, "AccountID": account.account_id}
    made = desk.good("PUT", "Invoices", invoice(LineItems=[line]))["LineItems"][0]
    assert (made["UnitAmount"], made["AccountCode"], made["TaxType"]) == (2.5, "200", "OUTPUT2")


def test_discounts_are_for_sales() -> None:
    line = {**SALE, "AccountCode": "429", "DiscountRate": 10}
    refused = Desk().refused("PUT", "Invoices", invoice(Type="ACCPAY", LineItems=[line]))
    assert refused == ["Discounts can only be applied to sales documents."]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Reference": "x" * 256}, "The length of Reference cannot exceed 255 characters."),
        ({"InvoiceNumber": "x" * 256}, "The length of InvoiceNumber cannot exceed 255 characters."),
        ({"Contact": None}, "A Contact must be specified for this type of transaction"),
        ({"Contact": {"ContactID": "11111111-1111-1111-1111-111111111111"}}, "ContactID could not be found"),
        ({"Contact": {"Name": "Ann", "EmailAddress": "no"}}, "Email address must be valid."),
    ],
)
def test_documents(fields: dict[str, Any], text: str) -> None:
    assert any(text in error for error in Desk().refused("PUT", "Invoices", invoice(**fields)))


def test_a_document_without_a_type_is_echoed_bare() -> None:
    desk = Desk()
    reply = desk.call("PUT", "Invoices", invoice(Type=None), summarizeerrors="false")
    echo = orjson.loads(reply.body)["Invoices"][0]
    assert (echo["InvoiceID"][:8], echo["InvoiceNumber"], echo["Status"]) == ("00000000", "A-1", "AUTHORISED")
    assert (echo["HasErrors"], echo["StatusAttributeString"]) == (True, "ERROR")


def test_the_type_and_the_id_of_a_document_are_given_once() -> None:
    desk = Desk()
    made = desk.good("PUT", "Invoices", invoice())["InvoiceID"]
    assert (
        "Type of an existing Invoice cannot be changed"
        in desk.refused("POST", "Invoices", {"InvoiceID": made, "Type": "ACCPAY"})[0]
    )
    assert "Invoice # must be unique." in desk.refused("PUT", "Invoices", {**invoice("A-2"), "InvoiceID": made})


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Amount": 0}, "Payment amount must be greater than zero"),
        ({"Amount": None}, "Payment amount must be greater than zero"),
        ({"Account": None}, "Account could not be found."),
        ({"Invoice": {"InvoiceNumber": "none"}}, "Invoice could not be found"),
        ({"Invoice": None, "CreditNote": {"CreditNoteNumber": "none"}}, "Credit Note could not be found"),
        ({"Invoice": None, "Prepayment": {"PrepaymentID": "p"}}, "Prepayment could not be found"),
        ({"CreditNote": {"CreditNoteNumber": "none"}}, "exactly one of Invoice, CreditNote"),
    ],
)
def test_payments(fields: dict[str, Any], text: str) -> None:
    desk = Desk()
    desk.good("PUT", "Invoices", invoice())
    assert any(text in error for error in desk.refused("PUT", "Payments", {**payment(), **fields}))


def test_payments_by_the_flat_names_of_the_fields() -> None:
    desk = Desk()
    desk.good("PUT", "Invoices", invoice())
    paid = desk.good("PUT", "Payments", {"InvoiceNumber": "A-1", "Code": "091", "Amount": "1.50"})
    assert (paid["Amount"], paid["Date"]) == (1.5, "/Date(1789344000000+0000)/")
    assert "cannot be edited" in desk.refused("POST", f"Payments/{paid['PaymentID']}", {"Amount": 2})[0]


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("PUT", "Accounts", {"Code": "777"}, "An account must have a Code, a Name and a Type"),
        ("PUT", "Accounts", {"Code": "777", "Name": "Sales", "Type": "REVENUE"}, "Please enter a unique Name."),
        ("PUT", "Accounts", {"Code": "777", "Name": "N", "Type": "REVENUE", "TaxType": "X"}, "'X' does not exist"),
        ("PUT", "TaxRates", {"Name": "No VAT"}, "A tax rate must have a Name and at least one of TaxComponents"),
        ("PUT", "TaxRates", {"Name": "No VAT", "TaxComponents": [{"Name": "a", "Rate": 1}]}, "already exists"),
        ("PUT", "Currencies", {"Code": "EURO"}, "Currency code 'EURO' is not valid"),
    ],
)
def test_settings(method: str, path: str, body: dict[str, Any], text: str) -> None:
    assert any(text in error for error in Desk().refused(method, path, body))


def test_an_account_in_use_is_not_deleted_and_a_system_account_not_archived() -> None:
    desk = Desk()
    desk.good("PUT", "Invoices", invoice())
    desk.good("PUT", "Payments", payment())
    for code in ("200", "091", "610"):
        account = desk.book.accounts.find("code", code)
        assert account is not None
        assert "cannot be deleted" in desk.refused("DELETE", f"Accounts/{account.account_id}", None)[0]
    system = desk.book.accounts.find("code", "610")
    assert system is not None
    refused = desk.refused("POST", f"Accounts/{system.account_id}", {"Status": "ARCHIVED"})
    assert refused == ["System accounts cannot be archived"]


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"page": "1", "pagesize": "-5"}])
def test_a_page_that_is_no_number_is_refused(query: dict[str, str]) -> None:
    reply = Desk().call("GET", "Contacts", **query)
    assert reply.status == 400
    assert "expected a whole number" in orjson.loads(reply.body)["Message"]


def test_a_page_is_clamped_and_lists_filter_by_related_fields() -> None:
    desk = Desk()
    desk.good("PUT", "Invoices", invoice())
    desk.good("PUT", "Payments", payment())
    listing = orjson.loads(desk.call("GET", "Invoices", page="1", pagesize="5000").body)
    assert listing["pagination"] == {"page": 1, "pageSize": 1000, "pageCount": 1, "itemCount": 1}
    for path, where in (
        ("Invoices", 'Contact.Name=="ann"'),
        ("Payments", 'Invoice.InvoiceNumber=="A-1"'),
        ("Payments", 'PaymentType=="ACCRECPAYMENT" AND Account.AccountID!=null'),
    ):
        assert desk.good("GET", path, where=where)
    assert orjson.loads(desk.call("GET", "Payments", where="CreditNote.CreditNoteID!=null").body)["Payments"] == []
