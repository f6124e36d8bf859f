"""The SDK pays, over-pays, takes payments back, and refunds credit notes."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from xero_python.accounting import models as m
from xero_python.exceptions import NotFoundException

from tests.contract.xero_sandbox.sdk import DAY, Sdk, Served, line, refusal


def note(sdk: Sdk, contact: Any, number: str = "CN-1", **fields: Any) -> Any:
    values: dict[str, Any] = {
        "type": "ACCRECCREDIT",
        "status": "AUTHORISED",
        "contact": m.Contact(contact_id=contact.contact_id),
        "date": DAY,
        "credit_note_number": number,
        "line_items": [line()],
    }
    notes = m.CreditNotes(credit_notes=[m.CreditNote(**{**values, **fields})])
    return sdk.api.create_credit_notes(sdk.tenant, notes).credit_notes[0]


def delete(sdk: Sdk, payment: Any) -> Any:
    deleted = m.PaymentDelete(status="DELETED")
    return sdk.api.delete_payment(sdk.tenant, payment.payment_id, deleted).payments[0]


def test_a_payment_is_created_read_and_listed(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact())
    payment = sdk.pay(invoice, 10, reference="ch_1")
    read = sdk.api.get_payment(sdk.tenant, payment.payment_id).payments[0]
    assert (read.amount, read.payment_type, read.status) == (Decimal(10), "ACCRECPAYMENT", "AUTHORISED")
    assert (read.account.code, read.invoice.invoice_number, read.date) == ("091", "A-1", DAY)
    where = f'Invoice.InvoiceId==Guid("{invoice.invoice_id}") AND Reference=="ch_1"'
    assert [row.payment_id for row in sdk.api.get_payments(sdk.tenant, where=where).payments] == [payment.payment_id]
    assert sdk.api.get_payments(sdk.tenant, page=1).pagination.item_count == 1


def test_an_invoice_is_named_by_its_number(sdk: Sdk) -> None:
    sdk.invoice(sdk.contact())
    payment = m.Payment(invoice=m.Invoice(invoice_number="A-1"), account=m.Account(code="090"), date=DAY, amount=24)
    assert sdk.api.create_payment(sdk.tenant, payment).payments[0].invoice.invoice_number == "A-1"


def test_the_second_payment_of_a_paid_invoice_is_refused_twice_over(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact())
    sdk.pay(invoice)
    text = refusal(lambda: sdk.pay(invoice))
    assert "Payment amount exceeds the amount outstanding on this document" in text
    assert "Payments can only be made against Authorised documents" in text


def test_more_than_is_due_is_refused(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact())
    text = refusal(lambda: sdk.pay(invoice, 24.01))
    assert text == "Payment amount exceeds the amount outstanding on this document"


def test_a_draft_cannot_be_paid(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact(), status="DRAFT")
    assert refusal(lambda: sdk.pay(invoice)) == "Payments can only be made against Authorised documents"


def test_an_account_must_take_payments(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact())

    def pay_into(code: str) -> Any:
        payment = m.Payment(invoice=m.Invoice(invoice_number="A-1"), account=m.Account(code=code), date=DAY, amount=1)
        return sdk.api.create_payments(sdk.tenant, m.Payments(payments=[payment]))

    assert refusal(lambda: pay_into("nope")) == "Account could not be found."
    assert "not a valid account for payments" in refusal(lambda: pay_into("200"))
    assert pay_into("835").payments[0].invoice.invoice_id == invoice.invoice_id


def test_exactly_one_document_is_paid(sdk: Sdk) -> None:
    sdk.invoice(sdk.contact())
    payment = m.Payment(account=m.Account(code="091"), date=DAY, amount=1)
    text = refusal(lambda: sdk.api.create_payments(sdk.tenant, m.Payments(payments=[payment])))
    assert "exactly one of Invoice, CreditNote" in text


def test_deleting_a_payment_reopens_the_invoice(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact())
    payment = sdk.pay(invoice)
    assert delete(sdk, payment).status == "DELETED"
    reopened = sdk.api.get_invoice(sdk.tenant, invoice.invoice_id).invoices[0]
    assert (reopened.status, reopened.amount_due, reopened.payments) == ("AUTHORISED", Decimal(24), [])
    assert reopened.fully_paid_on_date is None
    assert "already been deleted" in refusal(lambda: delete(sdk, payment))


def test_a_reconciled_payment_stays(sdk: Sdk) -> None:
    payment = sdk.pay(sdk.invoice(sdk.contact()), is_reconciled=True)
    assert refusal(lambda: delete(sdk, payment)) == "This payment has been reconciled and cannot be deleted"


def test_a_payment_in_a_locked_period_is_refused(sdk: Sdk, served: Served) -> None:
    invoice = sdk.invoice(sdk.contact())
    served.sandbox.set_organisation(sdk.tenant, period_lock_date=date(2026, 9, 30))
    assert "payment date cannot be before the period lock date" in refusal(lambda: sdk.pay(invoice))


def test_an_unknown_payment_is_not_found(sdk: Sdk) -> None:
    with pytest.raises(NotFoundException):
        sdk.api.get_payment(sdk.tenant, "11111111-1111-1111-1111-111111111111")


def test_payments_have_outcomes_of_their_own(sdk: Sdk) -> None:
    invoice = sdk.invoice(sdk.contact())
    one = m.Payment(
        invoice=m.Invoice(invoice_id=invoice.invoice_id), account=m.Account(code="091"), date=DAY, amount=20
    )
    outcomes = sdk.api.create_payments(sdk.tenant, m.Payments(payments=[one, one]), summarize_errors=False).payments
    assert [outcome.status_attribute_string for outcome in outcomes] == ["OK", "ERROR"]
    assert [outcome.has_validation_errors for outcome in outcomes] == [False, True]


def test_a_credit_note_is_created_read_changed_and_refunded(sdk: Sdk) -> None:
    contact = sdk.contact()
    created = note(sdk, contact, status="DRAFT")
    assert created.remaining_credit == Decimal(24)
    approved = m.CreditNotes(credit_notes=[m.CreditNote(status="AUTHORISED", reference="back")])
    sdk.api.update_credit_note(sdk.tenant, created.credit_note_id, approved)
    refund = m.Payment(
        credit_note=m.CreditNote(credit_note_id=created.credit_note_id),
        account=m.Account(code="091"),
        date=DAY,
        amount=24,
    )
    payment = sdk.api.create_payments(sdk.tenant, m.Payments(payments=[refund])).payments[0]
    assert payment.payment_type == "ARCREDITPAYMENT"
    assert payment.credit_note.credit_note_number == "CN-1"
    read = sdk.api.get_credit_note(sdk.tenant, created.credit_note_id).credit_notes[0]
    assert (read.status, read.remaining_credit, read.reference) == ("PAID", Decimal(0), "back")
    assert read.payments[0].payment_id == payment.payment_id
    assert delete(sdk, payment).status == "DELETED"
    assert sdk.api.get_credit_note(sdk.tenant, "CN-1").credit_notes[0].remaining_credit == Decimal(24)


def test_credit_note_numbers_are_unique_for_sales_alone(sdk: Sdk) -> None:
    contact = sdk.contact()
    note(sdk, contact)
    assert refusal(lambda: note(sdk, contact)) == "Credit Note # must be unique."
    for _ in range(2):
        note(sdk, contact, type="ACCPAYCREDIT", line_items=[line(account_code="429")])
    assert sdk.api.get_credit_notes(sdk.tenant, page=1).pagination.item_count == 3


def test_a_refund_above_what_remains_is_refused(sdk: Sdk) -> None:
    created = note(sdk, sdk.contact())
    refund = m.Payment(
        credit_note=m.CreditNote(credit_note_id=created.credit_note_id),
        account=m.Account(code="091"),
        date=DAY,
        amount=25,
    )
    assert "exceeds the amount outstanding" in refusal(
        lambda: sdk.api.create_payments(sdk.tenant, m.Payments(payments=[refund]))
    )
