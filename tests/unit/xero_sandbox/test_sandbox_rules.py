"""The rules of documents without HTTP: paid edits, states, batches that fail, and books that always add up."""

from decimal import Decimal
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.xero.sandbox.books.document_rules import TRANSITIONS
from connectors.xero.sandbox.books.records import Document, DocumentStatus
from connectors.xero.sandbox.books.tables import Table
from connectors.xero.sandbox.totals import LineAmountTypes
from tests.unit.xero_sandbox.desk import Desk, invoice, payment

LINE_NUMBERS = ("Quantity", "UnitAmount", "LineAmount", "TaxAmount", "DiscountRate", "DiscountAmount")
PAID_EDIT = "This document cannot be edited as it has a payment or credit note allocated to it."


@pytest.fixture
def paid() -> tuple[Desk, dict[str, Any]]:
    """A desk with an invoice that is part paid."""
    desk = Desk()
    created = desk.good("PUT", "Invoices", invoice())
    desk.good("PUT", "Payments", payment())
    return desk, created


@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        ({"Reference": "r"}, True),
        ({"DueDate": "2026-12-01"}, True),
        ({"InvoiceNumber": "A-9"}, True),
        ({"BrandingThemeID": "b"}, True),
        ({"Url": "https://x.example"}, True),
        ({"Contact": {"Name": "Bea"}}, True),
        ({"Date": "2026-09-13"}, False),
        ({"CurrencyCode": "EUR"}, False),
        ({"LineAmountTypes": "Inclusive"}, False),
        ({"LineItems": []}, False),
    ],
)
def test_what_may_change_after_a_payment(
    paid: tuple[Desk, dict[str, Any]], change: dict[str, Any], is_allowed: bool
) -> None:
    desk, created = paid
    body = {"InvoiceID": created["InvoiceID"], **change}
    if is_allowed:
        desk.good("POST", "Invoices", body)
    else:
        assert PAID_EDIT in desk.refused("POST", "Invoices", body)


@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        ({"Description": "Cup"}, True),
        ({"AccountCode": "260"}, True),
        ({"Tracking": [{"Name": "Region", "Option": "North"}]}, True),
        ({"Quantity": 3}, False),
        ({"UnitAmount": 9}, False),
        ({"TaxType": "ZERORATEDOUTPUT"}, False),
    ],
)
def test_what_may_change_in_a_line_after_a_payment(
    paid: tuple[Desk, dict[str, Any]], change: dict[str, Any], is_allowed: bool
) -> None:
    desk, created = paid
    old = created["LineItems"][0]
    kept = {name: old[name] for name in ("LineItemID", "Description", "Quantity", "UnitAmount", "AccountCode")}
    body = {"InvoiceID": created["InvoiceID"], "LineItems": [{**kept, **change}]}
    if is_allowed:
        assert desk.good("POST", "Invoices", body)["Total"] == created["Total"]
    else:
        assert PAID_EDIT in desk.refused("POST", "Invoices", body)


def test_a_new_due_date_of_a_part_paid_invoice_leaves_the_moment_of_change(paid: tuple[Desk, dict[str, Any]]) -> None:
    desk, created = paid
    path = f"Invoices/{created['InvoiceID']}"
    before = desk.good("GET", path)["UpdatedDateUTC"]
    assert desk.good("POST", path, {"DueDate": "2026-12-01"})["UpdatedDateUTC"] == before
    assert desk.good("GET", path)["DueDateString"] == "2026-12-01T00:00:00"
    assert desk.good("POST", path, {"Reference": "r"})["UpdatedDateUTC"] > before


def test_a_resource_of_one_object_is_always_summarised() -> None:
    reply = Desk().call("PUT", "Accounts", {"Code": "200"}, summarizeerrors="false")
    assert (reply.status, orjson.loads(reply.body)["ErrorNumber"]) == (400, 10)
    two = Desk().call("PUT", "Currencies", {"Currencies": [{"Code": "CHF"}, {"Code": "SEK"}]})
    assert (two.status, orjson.loads(two.body)["ErrorNumber"]) == (400, 14)


@pytest.mark.parametrize("path", ["Contacts", "Invoices", "CreditNotes", "Payments"])
def test_what_is_not_there_is_a_404_and_what_cannot_be_done_a_501(path: str) -> None:
    desk = Desk()
    assert desk.call("GET", f"{path}/none").status == 404
    assert desk.call("POST", f"{path}/none", {"Status": "DELETED"}).status == 404
    assert desk.call("DELETE", f"{path}/none").status == 501
    assert desk.call("POST", "Organisation", {}).status == 501


def test_every_status_has_its_transitions_and_none_leads_to_paid() -> None:
    assert set(TRANSITIONS) == set(get_args(DocumentStatus))
    assert not any("PAID" in targets for targets in TRANSITIONS.values())
    assert [status for status, targets in TRANSITIONS.items() if not targets] == ["PAID", "VOIDED", "DELETED"]


@pytest.mark.parametrize("status", ["VOIDED", "DELETED", "PAID"])
def test_nothing_begins_at_its_end(status: str) -> None:
    assert "Invoice not of valid status for modification" in Desk().refused("PUT", "Invoices", invoice(Status=status))


def test_a_draft_may_be_incomplete_and_an_approved_invoice_may_not() -> None:
    desk = Desk()
    draft = desk.good("PUT", "Invoices", invoice(Status="DRAFT", LineItems=[{"Description": "later"}], DueDate=None))
    assert (draft["Status"], draft["Total"]) == ("DRAFT", 0.0)
    texts = desk.refused("POST", "Invoices", {"InvoiceID": draft["InvoiceID"], "Status": "AUTHORISED"})
    assert texts == ["Account code or ID must be specified"]


def test_a_due_date_is_required_where_the_switch_says_so() -> None:
    body = invoice(DueDate=None)
    assert Desk().good("PUT", "Invoices", body)["Status"] == "AUTHORISED"
    assert Desk(due_date_required=True).refused("PUT", "Invoices", body) == ["Due Date cannot be empty"]


def test_today_is_the_organisations_today() -> None:
    desk = Desk()
    desk.now = desk.now.replace(hour=23, minute=30)
    assert desk.good("PUT", "Invoices", invoice(Date=None))["DateString"] == "2026-09-15T00:00:00"


def test_two_equal_numbers_in_one_call_are_one_invoice_and_one_refusal() -> None:
    desk = Desk()
    reply = desk.call("PUT", "Invoices", {"Invoices": [invoice(), invoice()]}, summarizeerrors="false")
    outcomes = orjson.loads(reply.body)["Invoices"]
    assert [outcome["StatusAttributeString"] for outcome in outcomes] == ["OK", "ERROR"]


def test_other_fields_of_a_documents_contact_change_the_contact_and_drop_its_persons() -> None:
    desk = Desk()
    ann = desk.good("PUT", "Contacts", {"Name": "Ann", "ContactPersons": [{"FirstName": "P"}]})["ContactID"]
    desk.good("PUT", "Invoices", invoice("A-1", Contact={"ContactID": ann, "Name": "ann", "HasErrors": False}))
    assert desk.good("GET", f"Contacts/{ann}")["ContactPersons"] != []
    desk.good("PUT", "Invoices", invoice("A-2", Contact={"ContactID": ann, "EmailAddress": "a@example.com"}))
    changed = desk.good("GET", f"Contacts/{ann}")
    assert (changed["EmailAddress"], changed["ContactPersons"]) == ("a@example.com", [])


def test_a_name_of_an_archived_contact_follows_the_switch() -> None:
    archived = "Old Customer (archived)"
    assert Desk().good("PUT", "Contacts", {"Name": archived})["Name"] == archived
    texts = Desk(archived_name_is_free=False).refused("PUT", "Contacts", {"Name": archived})
    assert "already assigned to another contact" in texts[0]
    assert "matched an archived contact" in Desk().refused("POST", "Contacts", {"Name": archived})[0]
    assert "has been archived" in Desk().refused("PUT", "Invoices", invoice(Contact={"Name": archived}))[0]


def test_whether_a_list_of_ids_shows_archived_contacts_follows_the_switch() -> None:
    desk = Desk()
    gone = desk.good("PUT", "Contacts", {"Name": "Bob", "ContactNumber": "c-9"})["ContactID"]
    desk.good("POST", "Contacts", {"ContactID": gone, "ContactStatus": "ARCHIVED"})
    assert desk.good("GET", "Contacts", ids=gone)["ContactID"] == gone
    desk.switches = desk.switches.changed(archived_by_ids=False)
    assert orjson.loads(desk.call("GET", "Contacts", ids=gone).body)["Contacts"] == []
    assert desk.good("GET", "Contacts", ids=gone, includearchived="true")["ContactID"] == gone


def test_a_foreign_payment_shows_the_banks_amount() -> None:
    desk = Desk()
    desk.good("PUT", "Invoices", invoice(CurrencyCode="EUR", CurrencyRate="1.25"))
    paid = desk.good("PUT", "Payments", payment(amount=10))
    assert (paid["Amount"], paid["BankAmount"], paid["CurrencyRate"]) == (10.0, 8.0, 1.25)


def test_a_table_finds_the_last_and_all_and_forgets_what_is_removed() -> None:
    desk = Desk()
    for _ in range(2):
        desk.good("PUT", "Invoices", invoice("B-1", Type="ACCPAY"))
    rows: Table[Document] = desk.book.invoices
    first, second = rows.find_all("any_number", "b-1")
    assert rows.find("any_number", "B-1") == second
    rows.remove(second.document_id)
    assert rows.find("any_number", "B-1") == first
    rows.remove(first.document_id)
    assert rows.find("any_number", "B-1") is None
    assert rows.remove("nothing") is None


def test_a_rollback_brings_back_rows_and_indexes() -> None:
    desk = Desk()
    before = dict(desk.book.contacts.rows)
    reply = desk.call("PUT", "Contacts", {"Contacts": [{"Name": "Ann"}, {"Name": "Bea"}, {"Name": ""}]})
    assert reply.status == 400
    assert desk.book.contacts.rows == before
    assert desk.book.contacts.find("name", "Ann") is None


operations = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "pay", "delete", "void", "edit"]),
        st.integers(1, 4),
        st.decimals("0.01", "30", places=2),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(operations)
def test_whatever_is_done_the_books_add_up(steps: list[tuple[str, int, Decimal]]) -> None:
    desk = Desk()
    for what, which, amount in steps:
        number = f"A-{which}"
        found = desk.book.invoices.find("number", number)
        if what == "invoice":
            line = {"Description": "x", "Quantity": which, "UnitAmount": str(amount), "AccountCode": "200"}
            desk.call("PUT", "Invoices", invoice(number, LineItems=[line]))
        elif what == "pay":
            desk.call("PUT", "Payments", payment(number, str(amount)))
        elif found and what == "delete" and found.payment_ids:
            desk.good("POST", f"Payments/{found.payment_ids[0]}", {"Status": "DELETED"})
        elif found and what in ("void", "edit"):
            change = {"Status": "VOIDED"} if what == "void" else {"Reference": "x"}
            desk.call("POST", f"Invoices/{found.document_id}", change)
    payments = desk.book.payments.rows.values()
    for row in desk.book.invoices.rows.values():
        live = [p for p in payments if p.document_id == row.document_id and p.status == "AUTHORISED"]
        assert sum((p.amount for p in live), Decimal(0)) == row.amount_paid
        assert {p.payment_id for p in live} == set(row.payment_ids)
        assert row.total == row.sub_total + row.total_tax
        assert 0 <= row.amount_paid <= row.total
        assert (row.status == "PAID") == (row.amount_paid == row.total and row.status != "VOIDED")


keys = st.sampled_from(
    """Type Status Contact ContactID Name LineItems Quantity UnitAmount LineAmount TaxType TaxAmount AccountCode Date
    DueDate InvoiceNumber InvoiceID CurrencyCode CurrencyRate LineAmountTypes DiscountRate Tracking Amount Account Code
    Invoice CreditNote PaymentID Phones Addresses ContactPersons EmailAddress Invoices Contacts Payments""".split()
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["ACCREC", "AUTHORISED", "2026-09-14", "/Date(1)/", "200", "NaN", "1e40"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["Invoices", "CreditNotes", "Contacts", "Payments", "Accounts", "TaxRates", "Currencies"]),
    st.sampled_from(["PUT", "POST"]),
    st.dictionaries(keys, values, max_size=8) | values,
)
def test_no_body_breaks_the_server(path: str, method: str, body: Any) -> None:
    try:
        orjson.dumps(body)
    except (TypeError, orjson.JSONEncodeError):
        return
    reply = Desk().call(method, path, body, summarizeerrors="false")
    assert reply.status in (200, 400, 404, 501)


numbers = st.integers(-(10**19), 10**19) | st.floats(allow_nan=False, allow_infinity=False) | st.decimals(places=8)


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(LINE_NUMBERS, numbers)), st.sampled_from(get_args(LineAmountTypes))
)
def test_no_number_breaks_the_arithmetic(fields: dict[str, Any], types: str) -> None:
    line = {name: str(value) if isinstance(value, Decimal) else value for name, value in fields.items()}
    body = invoice(LineAmountTypes=types, LineItems=[{"Description": "x", "AccountCode": "200", **line}])
    try:
        orjson.dumps(body)
    except orjson.JSONEncodeError:
        return
    assert Desk().call("PUT", "Invoices", body).status in (200, 400)
