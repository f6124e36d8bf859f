"""Invoices: literal command and document → literal write."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from connectors.xero import elements
from schemas.commands import CancelInvoice
from streams.core.decide import decide
from streams.core.decisions import NeedsRead, Write
from streams.core.results import Asked, Posted, Rejected, Same
from streams.core.situation import ReadyCommand
from tests.unit.sender.values import (
    NOW,
    ORDER,
    ORDER_MARK,
    RATES,
    document,
    invoice,
    line,
    link,
    ready,
    replaced,
    standing,
)

POSTED = elements.invoice(invoice(), "contact-id", ORDER_MARK)


def linked(payload: Any, body: dict[str, Any] | None, **more: Any) -> ReadyCommand:
    """A command of an invoice that is in Xero as `body`, and was posted as `invoice()`."""
    effect = link(
        ORDER,
        "Invoices",
        "invoice-id",
        number="S1-1001",
        posted_digest="old",
        posted_body=POSTED,
        document=None if body is None else document("Invoices", "invoice-id", body),
    )
    return ready(payload, effect, **more)


def sent(decision: object) -> dict[str, Any]:
    assert isinstance(decision, Write), decision
    return dict(decision.planned.element)


def test_a_new_invoice_is_put() -> None:
    decision = decide(ready(invoice(url="https://shop.example/1001")), RATES)
    assert isinstance(decision, Write)
    assert (decision.method, decision.path, decision.planned.number) == ("PUT", "/Invoices", "S1-1001")
    assert decision.planned.element == {
        "Type": "ACCREC",
        "InvoiceNumber": "S1-1001",
        "Contact": {"ContactID": "contact-id"},
        "Date": "2026-11-20",
        "DueDate": "2026-11-20",
        "LineAmountTypes": "Inclusive",
        "CurrencyCode": "GBP",
        "Reference": f"1001 {ORDER_MARK}",
        "Status": "AUTHORISED",
        "Url": "https://shop.example/1001",
        "LineItems": [
            {
                "Description": "Mug",
                "Quantity": "2",
                "UnitAmount": "10.0000",
                "AccountCode": "200",
                "TaxType": "OUTPUT2",
            }
        ],
    }


def test_a_penny_off_is_never_sent() -> None:
    decision = decide(ready(invoice(total=Decimal("20.01"))), RATES)
    assert isinstance(decision, Rejected)
    assert "20.00" in decision.evidence.message
    assert "20.01" in decision.evidence.message
    assert decision.evidence.field == "total"


def test_a_tax_type_without_rate_is_refused_by_name() -> None:
    decision = decide(ready(invoice(lines=(line(tax_type="OUTPUT9"),))), RATES)
    assert isinstance(decision, Rejected)
    assert decision.evidence.value == "OUTPUT9"


def test_what_is_posted_already_costs_no_call() -> None:
    assert isinstance(decide(replaced(linked(invoice(), None), digest="old"), RATES), Same)


def test_a_change_reads_first_and_not_what_was_known_before() -> None:
    change = invoice(due_date=dt.date(2026, 12, 1))
    assert decide(linked(change, None), RATES) == NeedsRead("Invoices", "invoice-id")
    old = document("Invoices", "invoice-id", standing(), NOW - dt.timedelta(seconds=1))
    effect = link(ORDER, "Invoices", "invoice-id", posted_body=POSTED, document=old)
    assert decide(ready(change, effect), RATES) == NeedsRead("Invoices", "invoice-id")
    hinted = linked(change, standing(), hints={"read_after": (NOW + dt.timedelta(seconds=1)).isoformat()})
    assert decide(hinted, RATES) == NeedsRead("Invoices", "invoice-id")


def test_only_what_changed_is_sent_and_lines_keep_their_ids() -> None:
    change = invoice(lines=(line("11.00"), line("1.00", "1")), total=Decimal("23.00"))
    decision = decide(linked(change, standing()), RATES)
    element = sent(decision)
    assert isinstance(decision, Write)
    assert (decision.method, decision.path) == ("POST", "/Invoices")
    assert element.keys() == {"InvoiceID", "LineItems", "LineAmountTypes"}
    assert [item.get("LineItemID") for item in element["LineItems"]] == ["line-1", None]
    assert element["LineItems"][0]["UnitAmount"] == "11.0000"


def test_a_persons_edit_of_another_field_is_kept() -> None:
    body = standing(DueDateString="2026-12-24T00:00:00")
    element = sent(decide(linked(invoice(reference=f"1001b {ORDER_MARK}"), body), RATES))
    assert element == {"InvoiceID": "invoice-id", "Reference": f"1001b {ORDER_MARK}"}


DEARER = invoice(lines=(line("11.00"),), total=Decimal("22.00"))


@pytest.mark.parametrize(
    "by_hand",
    [
        {"DiscountRate": "10", "LineAmount": "18.00"},
        {"DiscountAmount": "2.00", "LineAmount": "18.00"},
        {"TaxAmount": "0.00"},
    ],
)
def test_a_persons_discount_or_tax_is_asked_about_before_the_lines_are_overwritten(by_hand: dict[str, Any]) -> None:
    """Written over, the person's discount would be gone without a word."""
    posted = {**POSTED, "LineItems": [{**POSTED["LineItems"][0], "TaxAmount": "3.33"}]}
    body = standing(LineItems=[{**standing()["LineItems"][0], **by_hand}])
    effect = link(
        ORDER, "Invoices", "invoice-id", posted_body=posted, document=document("Invoices", "invoice-id", body)
    )
    question = decide(ready(DEARER, effect), RATES)
    assert isinstance(question, Asked)
    assert question.kind == "changed_in_xero"
    assert question.theirs["LineItems"] == body["LineItems"]
    assert sent(decide(replaced(ready(DEARER, effect), decision="source"), RATES))["LineItems"]
    # Where the source changes something else, it stays as the person left it.
    other = invoice(reference=f"1001b {ORDER_MARK}")
    assert sent(decide(ready(other, effect), RATES)).keys() == {"InvoiceID", "Reference"}


def test_a_tax_of_which_the_answer_to_our_own_write_said_nothing_is_no_persons() -> None:
    body = standing(LineItems=[{**standing()["LineItems"][0], "TaxAmount": "0.00"}])
    assert "LineItems" in sent(decide(linked(DEARER, body), RATES))


def test_a_field_that_both_changed_is_asked_about_and_the_answer_honoured() -> None:
    body = standing(DueDateString="2026-12-24T00:00:00")
    command = linked(invoice(due_date=dt.date(2026, 12, 1)), body)
    question = decide(command, RATES)
    assert isinstance(question, Asked)
    assert [option.name for option in question.options] == ["xero", "source"]
    assert question.ours == {"DueDate": "2026-12-01"}
    assert isinstance(decide(replaced(command, decision="xero"), RATES), Same)
    assert sent(decide(replaced(command, decision="source"), RATES)) == {
        "InvoiceID": "invoice-id",
        "DueDate": "2026-12-01",
    }


def test_an_adopted_invoice_counts_as_ours_whole() -> None:
    effect = link(ORDER, "Invoices", "invoice-id", document=document("Invoices", "invoice-id", standing()))
    element = sent(decide(ready(invoice(due_date=dt.date(2026, 12, 1)), effect), RATES))
    assert element == {"InvoiceID": "invoice-id", "DueDate": "2026-12-01"}


@pytest.mark.parametrize(
    "paid",
    [{"AmountPaid": Decimal("5.00")}, {"AmountCredited": "1.50"}, {"Status": "PAID", "AmountPaid": 20}],
)
def test_a_paid_invoice_changes_only_in_what_xero_lets_free(paid: dict[str, Any]) -> None:
    free = linked(invoice(due_date=dt.date(2026, 12, 1)), standing(**paid))
    assert sent(decide(free, RATES)) == {"InvoiceID": "invoice-id", "DueDate": "2026-12-01"}
    command = linked(invoice(lines=(line("11.00"),), total=Decimal("22.00")), standing(**paid))
    question = decide(command, RATES)
    assert isinstance(question, Asked)
    assert question.kind == "changed_after_payment"
    assert isinstance(decide(replaced(command, decision="keep"), RATES), Same)
    assert isinstance(decide(replaced(command, decision="retry"), RATES), Asked)


def test_a_voided_invoice_is_asked_about_and_booked_anew_under_another_number() -> None:
    command = linked(invoice(), standing(Status="VOIDED"))
    question = decide(command, RATES)
    assert isinstance(question, Asked)
    assert question.kind == "voided_in_xero"
    anew = decide(replaced(command, decision="source"), RATES)
    assert isinstance(anew, Write)
    assert (anew.method, anew.planned.number) == ("PUT", "S1-1001-R")
    assert isinstance(decide(replaced(command, decision="xero"), RATES), Same)
    renamed = linked(invoice(due_date=dt.date(2026, 12, 1)), standing(InvoiceNumber="S1-1001-R"))
    assert "InvoiceNumber" not in sent(decide(renamed, RATES))


def test_a_document_that_xero_does_not_show_is_a_dead_letter() -> None:
    assert isinstance(decide(linked(invoice(), {}), RATES), Rejected)
    assert isinstance(decide(linked(CancelInvoice(), {}), RATES), Rejected)


def test_cancelling() -> None:
    never = decide(ready(CancelInvoice()), RATES)
    assert isinstance(never, Posted)
    assert never.xero_id is None
    assert decide(linked(CancelInvoice(), None), RATES) == NeedsRead("Invoices", "invoice-id")
    voids = decide(linked(CancelInvoice(), standing()), RATES)
    assert isinstance(voids, Write)
    assert (voids.method, voids.planned.step) == ("POST", "void")
    assert voids.planned.element == {"InvoiceID": "invoice-id", "Status": "VOIDED"}
    assert sent(decide(linked(CancelInvoice(), standing(Status="DRAFT")), RATES))["Status"] == "DELETED"
    assert isinstance(decide(linked(CancelInvoice(), standing(Status="VOIDED")), RATES), Same)
    paid = linked(CancelInvoice(), standing(AmountPaid="20.00"))
    question = decide(paid, RATES)
    assert isinstance(question, Asked)
    assert question.kind == "cancelled_after_payment"
    assert isinstance(decide(replaced(paid, decision="keep"), RATES), Same)


def test_cancelling_what_was_paid_for_voids_nothing_before_the_money_is_there() -> None:
    command = linked(CancelInvoice(paid=True), standing())
    question = decide(command, RATES)
    assert isinstance(question, Asked)
    assert question.text.startswith("The order was cancelled, after money had come for it.")
    assert isinstance(decide(replaced(command, decision="keep"), RATES), Same)
    assert sent(decide(replaced(command, decision="retry"), RATES))["Status"] == "VOIDED"


def test_a_draft_may_be_approved_by_the_source() -> None:
    effect = link(
        ORDER,
        "Invoices",
        "invoice-id",
        posted_body={**POSTED, "Status": "DRAFT"},
        document=document("Invoices", "invoice-id", standing(Status="DRAFT")),
    )
    assert sent(decide(ready(invoice(), effect), RATES)) == {"InvoiceID": "invoice-id", "Status": "AUTHORISED"}
