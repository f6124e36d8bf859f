"""The SDK creates, reads, changes and voids invoices and bills; every rule of theirs that refuses."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from xero_python.accounting import models as m
from xero_python.exceptions import AccountingBadRequestException, NotFoundException

from tests.contract.xero_sandbox.sdk import DAY, Sdk, Served, draft, line, refusal

ZERO = "00000000-0000-0000-0000-000000000000"


def update(sdk: Sdk, invoice: Any, **fields: Any) -> Any:
    change = m.Invoices(invoices=[m.Invoice(**fields)])
    return sdk.api.update_invoice(sdk.tenant, invoice.invoice_id, change).invoices[0]


def read(sdk: Sdk, invoice: Any) -> Any:
    return sdk.api.get_invoice(sdk.tenant, invoice.invoice_id).invoices[0]


def test_an_invoice_is_created_and_read_by_id_and_by_number(sdk: Sdk) -> None:
    created = sdk.invoice(sdk.contact(), reference="order 1", url="https://shop.example/1")
    assert (created.sub_total, created.total_tax, created.total) == (Decimal(20), Decimal(4), Decimal(24))
    invoice = read(sdk, created)
    assert (invoice.status, invoice.amount_due, invoice.date, invoice.due_date) == ("AUTHORISED", 24, DAY, DAY)
    assert (invoice.reference, invoice.url) == ("order 1", "https://shop.example/1")
    assert invoice.line_items[0].tax_type == "OUTPUT2"
    assert invoice.contact.is_customer is True
    assert sdk.api.get_invoice(sdk.tenant, "A-1").invoices[0].invoice_id == created.invoice_id


def test_a_missing_number_is_given_automatically(sdk: Sdk) -> None:
    contact = sdk.contact()
    assert [sdk.invoice(contact, None).invoice_number for _ in range(2)] == ["INV-0001", "INV-0002"]


def test_put_refuses_a_taken_number_and_post_overwrites_silently(sdk: Sdk) -> None:
    contact = sdk.contact()
    invoice = sdk.invoice(contact)
    assert refusal(lambda: sdk.invoice(contact)) == "Invoice # must be unique."
    again = m.Invoices(invoices=[draft(contact, line_items=[line(quantity=3)])])
    overwritten = sdk.api.update_or_create_invoices(sdk.tenant, again).invoices[0]
    assert (overwritten.invoice_id, overwritten.total) == (invoice.invoice_id, Decimal(36))


def test_a_failed_element_echoes_what_was_asked_for(sdk: Sdk) -> None:
    contact = sdk.contact()
    invoice = sdk.invoice(contact)
    batch = m.Invoices(
        invoices=[
            m.Invoice(invoice_id=invoice.invoice_id, status="DELETED"),
            draft(contact, "A-2"),
            m.Invoice(invoice_id="11111111-1111-1111-1111-111111111111", status="VOIDED"),
        ]
    )
    outcomes = sdk.api.update_or_create_invoices(sdk.tenant, batch, summarize_errors=False).invoices
    assert [outcome.status_attribute_string for outcome in outcomes] == ["ERROR", "OK", "ERROR"]
    assert [outcome.has_errors for outcome in outcomes] == [True, False, True]
    assert (outcomes[0].invoice_id, outcomes[0].status) == (invoice.invoice_id, "DELETED")
    assert outcomes[0].validation_errors[0].message == "Invoice not of valid status for modification"
    assert outcomes[2].invoice_id == ZERO
    assert read(sdk, invoice).status == "AUTHORISED"


@pytest.mark.parametrize(
    ("start", "asked", "is_allowed"),
    [
        ("DRAFT", "SUBMITTED", True),
        ("DRAFT", "AUTHORISED", True),
        ("DRAFT", "DELETED", True),
        ("DRAFT", "VOIDED", False),
        ("SUBMITTED", "DRAFT", True),
        ("AUTHORISED", "VOIDED", True),
        ("AUTHORISED", "DRAFT", False),
        ("AUTHORISED", "DELETED", False),
        ("AUTHORISED", "PAID", False),
    ],
)
def test_the_state_machine(sdk: Sdk, start: str, asked: str, is_allowed: bool) -> None:
    invoice = sdk.invoice(sdk.contact(), status=start)
    if is_allowed:
        assert update(sdk, invoice, status=asked).status == asked
    else:
        assert "not of valid status" in refusal(lambda: update(sdk, invoice, status=asked))


def test_a_voided_invoice_is_closed_and_keeps_its_number(sdk: Sdk) -> None:
    contact = sdk.contact()
    invoice = sdk.invoice(contact)
    update(sdk, invoice, status="VOIDED")
    assert "not of valid status" in refusal(lambda: update(sdk, invoice, reference="x"))
    assert refusal(lambda: sdk.invoice(contact)) == "Invoice # must be unique."


def test_the_number_of_a_voided_invoice_is_free_when_the_switch_says_so(sdk: Sdk, served: Served) -> None:
    served.sandbox.switches = served.sandbox.switches.changed(number_reusable_after_void=True)
    contact = sdk.contact()
    update(sdk, sdk.invoice(contact), status="VOIDED")
    assert sdk.invoice(contact).status == "AUTHORISED"


def test_lines_are_kept_by_id_added_without_and_dropped_when_missing(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact(), line_items=[line(description="one"), line(description="two")])
    kept = m.LineItem(line_item_id=invoice.line_items[1].line_item_id, description="two!", quantity=1, unit_amount=5,
                      account_code="200")  # fmt: skip
    changed = update(sdk, invoice, line_items=[kept, line(description="three")])
    assert [row.description for row in changed.line_items] == ["two!", "three"]
    assert changed.line_items[0].line_item_id == invoice.line_items[1].line_item_id
    assert changed.line_items[1].line_item_id not in {row.line_item_id for row in invoice.line_items}
    assert changed.total == Decimal(30)


def test_after_a_payment_only_texts_may_change(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact())
    sdk.pay(invoice, 10)
    changed = update(sdk, invoice, reference="new", due_date=date(2026, 12, 1), url="https://x.example")
    assert (changed.reference, changed.due_date, changed.amount_due) == ("new", date(2026, 12, 1), Decimal(14))
    text = refusal(lambda: update(sdk, invoice, line_items=[line(quantity=9)]))
    assert text == "This document cannot be edited as it has a payment or credit note allocated to it."
    assert "VOIDED cannot be applied" in refusal(lambda: update(sdk, invoice, status="VOIDED"))


def test_a_paid_bill_cannot_be_edited(sdk: Sdk) -> None:
    bill = sdk.invoice(sdk.contact(), type="ACCPAY", line_items=[line(account_code="429")])
    sdk.pay(bill)
    assert "cannot be edited" in refusal(lambda: update(sdk, bill, due_date=date(2026, 12, 1)))


def test_bills_share_numbers(sdk: Sdk) -> None:
    contact = sdk.contact()
    bills = [sdk.invoice(contact, "B-1", type="ACCPAY", line_items=[line(account_code="429")]) for _ in range(2)]
    assert bills[0].invoice_id != bills[1].invoice_id
    listed = sdk.api.get_invoices(sdk.tenant, invoice_numbers=["B-1"], page=1).invoices
    assert {row.invoice_id for row in listed} == {bill.invoice_id for bill in bills}
    assert bills[0].contact.is_supplier is True


def test_an_archived_contact_gets_no_invoice(sdk: Sdk) -> None:
    contact = sdk.contact()
    sdk.api.update_contact(sdk.tenant, contact.contact_id, m.Contacts(contacts=[m.Contact(contact_status="ARCHIVED")]))
    assert "has been archived" in refusal(lambda: sdk.invoice(contact))


def test_a_contact_is_named_by_number_or_made_by_name(sdk: Sdk) -> None:
    contact = sdk.contact(contact_number="C-1")
    by_number = sdk.invoice(contact, "N-1", contact=m.Contact(contact_number="C-1"))
    assert by_number.contact.contact_id == contact.contact_id
    made = sdk.invoice(contact, "N-2", contact=m.Contact(name="New One"))
    assert made.contact.name == "New One"
    assert "at least 1 of the following" in refusal(
        lambda: sdk.invoice(contact, "N-3", contact=m.Contact(first_name="x"))
    )


def test_a_refused_invoice_makes_no_contact(sdk: Sdk) -> None:
    contact = sdk.contact()
    refusal(lambda: sdk.invoice(contact, contact=m.Contact(name="Ghost"), line_items=[line(account_code="nope")]))
    assert [row.name for row in sdk.api.get_contacts(sdk.tenant).contacts] == [contact.name]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"line_items": [line(account_code="999")]}, "Account code '999' is not a valid code for this document."),
        ({"line_items": [line(account_code="090")]}, "Account code '090' is not a valid code for this document."),
        ({"line_items": [line(account_code="299")]}, "has been archived, or has been deleted"),
        ({"line_items": [line(tax_type="INPUT2")]}, "'INPUT2' cannot be used with account code '200'"),
        ({"line_items": [line(tax_type="NOPE")]}, "The TaxType code 'NOPE' does not exist"),
        ({"line_items": []}, "line items must be specified"),
        ({"currency_code": m.CurrencyCode.JPY}, "Organisation is not subscribed to currency JPY"),
        ({"line_items": [line(line_amount=19)]}, "does not match the expected line total 20.00"),
        ({"line_items": [line(unit_amount=-10)]}, "cannot be less than zero"),
        ({"reference": "x" * 255, "status": "DRAFT", "sent_to_contact": True}, "SentToContact"),
    ],
)
def test_what_an_invoice_is_refused_for(sdk: Sdk, fields: dict[str, Any], text: str) -> None:
    contact = sdk.contact()
    assert text in refusal(lambda: sdk.invoice(contact, **fields))


def test_malformed_data_is_error_14_without_elements(sdk: Sdk) -> None:
    contact = sdk.contact()
    body = {"Invoices": [{"Type": "ACCREC", "Contact": {"ContactID": contact.contact_id}, "LineAmountTypes": "NO_TAX"}]}
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.api.create_invoices(sdk.tenant, body)
    data = caught.value.error_data
    assert (data["ErrorNumber"], data["Type"]) == (14, "PostDataInvalidException")
    assert "Path 'Invoices[0].LineAmountTypes'" in data["Message"]
    assert "Elements" not in data


def test_lock_dates_bind_all_but_an_adviser(sdk: Sdk, served: Served) -> None:
    contact = sdk.contact()
    early = {"date": date(2026, 3, 31)}
    served.sandbox.set_organisation(sdk.tenant, period_lock_date=date(2026, 3, 31))
    text = refusal(lambda: sdk.invoice(contact, "L-1", **early))
    assert text == "The document date cannot be before the period lock date, currently set at 31 March 2026"
    assert sdk.invoice(contact, "L-2", status="DRAFT", **early).status == "DRAFT"
    served.sandbox.set_organisation(sdk.tenant, adviser=True)
    assert sdk.invoice(contact, "L-3", **early).status == "AUTHORISED"
    served.sandbox.set_organisation(sdk.tenant, end_of_year_lock_date=date(2026, 3, 31))
    assert "end of year lock date" in refusal(lambda: sdk.invoice(contact, "L-4", **early))


def test_a_zero_invoice_is_paid_at_once(sdk: Sdk) -> None:
    assert sdk.invoice(sdk.contact(), line_items=[line(unit_amount=0)]).status == "PAID"


def test_foreign_currency_has_a_rate(sdk: Sdk) -> None:
    contact = sdk.contact()
    assert sdk.invoice(contact, "E-1", currency_code=m.CurrencyCode.EUR).currency_rate == Decimal("1.15")
    given = sdk.invoice(contact, "E-2", currency_code=m.CurrencyCode.EUR, currency_rate=1.2)
    assert given.currency_rate == Decimal("1.2")


def test_unit_amounts_have_four_places_only_on_request(sdk: Sdk) -> None:
    contact = sdk.contact()
    items = [line(quantity=100, unit_amount=7.7454)]
    assert sdk.invoice(contact, "U-2", line_items=items).sub_total == Decimal(775)
    four = m.Invoices(invoices=[draft(contact, "U-4", line_items=items)])
    created = sdk.api.create_invoices(sdk.tenant, four, unitdp=4).invoices[0]
    assert created.sub_total == Decimal("774.54")
    assert read(sdk, created).line_items[0].unit_amount == Decimal("7.75")
    exact = sdk.api.get_invoice(sdk.tenant, created.invoice_id, unitdp=4).invoices[0]
    assert exact.line_items[0].unit_amount == Decimal("7.7454")


def test_discounts_and_inclusive_amounts(sdk: Sdk) -> None:
    items = [line(quantity=1, unit_amount=100, discount_rate=10), line(quantity=1, unit_amount=50, discount_amount=5)]
    invoice = sdk.invoice(sdk.contact(), line_items=items, line_amount_types=m.LineAmountTypes.INCLUSIVE)
    assert [row.line_amount for row in invoice.line_items] == [Decimal(90), Decimal(45)]
    assert (invoice.sub_total, invoice.total_tax, invoice.total) == (Decimal("112.5"), Decimal("22.5"), Decimal(135))
    assert invoice.total_discount == Decimal(15)


def test_lists_by_number_status_contact_filter_and_search(sdk: Sdk) -> None:
    ann, bea = sdk.contact("Ann"), sdk.contact("Bea")
    sdk.invoice(ann, "A-1", reference="ref one")
    sdk.invoice(ann, "A-2", status="DRAFT")
    sdk.invoice(bea, "B-1")
    get, tenant = sdk.api.get_invoices, sdk.tenant

    def numbers(**query: Any) -> list[str]:
        return [row.invoice_number for row in get(tenant, page=1, **query).invoices]

    assert numbers(invoice_numbers=["B-1", "A-1", "none"]) == ["A-1", "B-1"]
    assert numbers(statuses=["DRAFT"]) == ["A-2"]
    assert numbers(contact_i_ds=[bea.contact_id]) == ["B-1"]
    assert numbers(search_term="ref one") == ["A-1"]
    assert numbers(where=f'Contact.ContactID==Guid("{ann.contact_id}") AND Status=="AUTHORISED"') == ["A-1"]
    assert numbers(where="Date>=DateTime(2026,09,14) && AmountDue>20", order="InvoiceNumber DESC") == [
        "B-1",
        "A-2",
        "A-1",
    ]
    assert numbers(created_by_my_app=True) == ["A-1", "A-2", "B-1"]
    assert get(tenant).invoices[0].line_items == []
    assert get(tenant, summary_only=True).invoices[0].line_items is None


def test_a_filter_that_cannot_be_read_is_a_query_error(sdk: Sdk) -> None:
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.api.get_invoices(sdk.tenant, where='Statuss=="DRAFT"')
    assert caught.value.error_data["Type"] == "QueryParseException"


def test_an_unknown_invoice_is_not_found(sdk: Sdk) -> None:
    with pytest.raises(NotFoundException):
        sdk.api.get_invoice(sdk.tenant, "no-such-number")


def test_a_paid_invoice_carries_its_payments(sdk: Sdk) -> None:
    created = sdk.invoice(sdk.contact())
    sdk.pay(created, reference="ch_1")
    invoice = read(sdk, created)
    assert (invoice.status, invoice.amount_paid, invoice.fully_paid_on_date) == ("PAID", Decimal(24), DAY)
    assert (invoice.payments[0].amount, invoice.payments[0].reference) == (Decimal(24), "ch_1")
