"""Contacts, credit notes and money: literal command and document → literal write."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from connectors.xero import elements
from schemas import keys
from schemas.commands import RecordRefund, RecordSpend, RecordTransfer, ReversePayment, UpsertContact
from streams.core.decide import decide
from streams.core.decisions import NeedsRead, Waits, Write
from streams.core.results import Asked, Rejected, Same
from streams.core.situation import EffectLink, ReadyCommand
from tests.unit.sender.values import (
    CONTACT,
    DAY,
    NOW,
    ORDER,
    RATES,
    contact,
    credit_note,
    document,
    invoice,
    line,
    link,
    payment,
    ready,
    replaced,
    standing,
)

PERSON = {
    "ContactID": "contact-id",
    "Name": "John Smith",
    "ContactNumber": "shop-1:c1",
    "EmailAddress": "john@example.com",
    "ContactStatus": "ACTIVE",
    "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": ""}, {"PhoneType": "MOBILE", "PhoneNumber": "07700 900000"}],
}


def known(payload: UpsertContact, body: dict[str, Any] | None, **more: Any) -> ReadyCommand:
    effect = link(
        CONTACT,
        "Contacts",
        "contact-id",
        posted_body=elements.contact(contact()),
        document=None if body is None else document("Contacts", "contact-id", body),
    )
    return ready(payload, effect, **more)


def sent(decision: object) -> dict[str, Any]:
    assert isinstance(decision, Write), decision
    return dict(decision.planned.element)


def test_a_new_contact_is_put_under_our_number() -> None:
    decision = decide(ready(contact(phone="123"), link(CONTACT)), RATES)
    assert isinstance(decision, Write)
    assert (decision.method, decision.path, decision.planned.number) == ("PUT", "/Contacts", "shop-1:c1")
    assert decision.planned.element == {
        "Name": "John Smith",
        "ContactNumber": "shop-1:c1",
        "EmailAddress": "john@example.com",
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "123"}],
    }


def test_the_alias_is_taken_where_a_refusal_taught_so() -> None:
    assert sent(decide(ready(contact(), link(CONTACT), hints={"name": "alias"}), RATES))["Name"] == (
        "John Smith (shop-1:c1)"
    )


def test_an_order_leaves_a_known_contact_as_it_is() -> None:
    assert isinstance(decide(known(contact(email="other@example.com"), None), RATES), Same)


def test_an_update_sends_what_the_source_changed() -> None:
    update = contact(ensure=False, email="new@example.com", phone="0113 496 0000")
    assert decide(known(update, None), RATES) == NeedsRead("Contacts", "contact-id")
    decision = decide(known(update, PERSON), RATES)
    assert isinstance(decision, Write)
    assert (decision.method, decision.path) == ("POST", "/Contacts")
    assert decision.planned.element == {
        "ContactID": "contact-id",
        "EmailAddress": "new@example.com",
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "0113 496 0000"}],
    }
    assert isinstance(decide(known(contact(ensure=False), PERSON), RATES), Same)


def test_a_persons_edit_is_kept_and_a_clash_asked_about() -> None:
    edited = {**PERSON, "EmailAddress": "person@example.com"}
    assert isinstance(decide(known(contact(ensure=False), edited), RATES), Same)
    clash = known(contact(ensure=False, email="new@example.com"), edited)
    question = decide(clash, RATES)
    assert isinstance(question, Asked)
    assert question.theirs == {"EmailAddress": "person@example.com"}
    assert sent(decide(replaced(clash, decision="source"), RATES))["EmailAddress"] == "new@example.com"
    assert isinstance(decide(replaced(clash, decision="xero"), RATES), Same)


@pytest.mark.parametrize("body", [{}, {**PERSON, "ContactStatus": "ARCHIVED"}])
def test_a_contact_that_is_gone_or_archived_is_a_dead_letter(body: dict[str, Any]) -> None:
    assert isinstance(decide(known(contact(ensure=False), body), RATES), Rejected)


def test_a_contact_that_was_merged_cannot_be_restored_so_nobody_is_told_to() -> None:
    merged = {**PERSON, "ContactStatus": "ARCHIVED", "MergedToContactID": "the-other"}
    letter = decide(known(contact(ensure=False), merged), RATES)
    assert isinstance(letter, Rejected)
    assert (letter.evidence.field, letter.evidence.value) == ("MergedToContactID", "the-other")
    assert "merged into another one" in letter.evidence.message
    assert "Restore" not in (letter.evidence.remedy or "")
    assert "dlq discard" in (letter.evidence.remedy or "")


def with_invoice(payload: Any, body: dict[str, Any] | None, read_at: dt.datetime = NOW) -> ReadyCommand:
    found = None if body is None else document("Invoices", "invoice-id", body, read_at)
    effect = link("stripe-1:refund:re_1#credit_note")
    return ready(payload, effect, depends_on=(link(ORDER, "Invoices", "invoice-id", document=found),))


def test_a_credit_note_mirrors_the_invoice_as_it_stands() -> None:
    assert decide(with_invoice(credit_note(), None), RATES) == NeedsRead("Invoices", "invoice-id")
    items = [
        {"AccountCode": "200", "TaxType": "OUTPUT2", "LineAmount": "10.00", "TaxAmount": "2.00"},
        {"AccountCode": "200", "TaxType": "RROUTPUT", "LineAmount": "10.00", "TaxAmount": "0.50"},
        {"AccountCode": "425", "TaxType": "OUTPUT2", "LineAmount": "5.00", "TaxAmount": "1.00"},
    ]
    body = standing(LineAmountTypes="Exclusive", LineItems=items)
    decision = decide(with_invoice(credit_note(), body), RATES)
    assert isinstance(decision, Write)
    assert (decision.method, decision.path, decision.planned.number) == ("PUT", "/CreditNotes", "CN-1")
    element = decision.planned.element
    assert element["Contact"] == {"ContactID": "contact-id"}
    assert element["LineAmountTypes"] == "Inclusive"
    assert [(one["AccountCode"], one["TaxType"], one["UnitAmount"]) for one in element["LineItems"]] == [
        ("200", "OUTPUT2", "2.9500"),
        ("200", "RROUTPUT", "2.5800"),
        ("425", "OUTPUT2", "1.4700"),
    ]
    assert element["Reference"].endswith(keys.mark("stripe-1:refund:re_1#credit_note"))


def test_a_credit_note_with_lines_is_checked_to_the_penny() -> None:
    own = credit_note(lines=(line("3.50"),))
    assert sent(decide(with_invoice(own, standing()), RATES))["LineItems"][0]["UnitAmount"] == "3.5000"
    off = credit_note(lines=(line("3.49"),))
    assert isinstance(decide(with_invoice(off, standing()), RATES), Rejected)


def test_a_credit_note_without_an_invoice_to_mirror() -> None:
    assert isinstance(decide(with_invoice(credit_note(), standing(LineItems=[])), RATES), Rejected)
    assert isinstance(decide(with_invoice(credit_note(), {}), RATES), Rejected)
    never = ready(credit_note(), link("e"), depends_on=(link(ORDER),))
    assert isinstance(decide(never, RATES), Rejected)
    done = ready(credit_note(), link("e", "CreditNotes", "note-id", posted_digest="old"))
    assert isinstance(decide(done, RATES), Rejected)


@pytest.mark.parametrize(
    ("types", "tax_type", "amount", "tax", "same"),
    [
        ("Inclusive", "OUTPUT2", "7.00", "1.17", True),
        ("Exclusive", "OUTPUT2", "5.83", "1.17", True),
        ("Inclusive", "NONE", "7.00", "0.00", False),
        ("Inclusive", "OUTPUT2", "6.00", "1.00", False),
    ],
)
def test_what_a_booked_credit_note_was_for_is_compared_with_what_it_says(
    types: str, tax_type: str, amount: str, tax: str, same: bool
) -> None:
    """A refund may be spread and booked before its lines are told."""
    item = {"AccountCode": "200", "TaxType": tax_type, "LineAmount": amount, "TaxAmount": tax}
    body = {"LineAmountTypes": types, "LineItems": [item]}
    own = credit_note(lines=(line("3.50"),))
    unread = ready(own, link("e", "CreditNotes", "note-id", posted_digest="old"))
    assert decide(unread, RATES) == NeedsRead("CreditNotes", "note-id")
    effect = link("e", "CreditNotes", "note-id", document=document("CreditNotes", "note-id", body))
    assert isinstance(decide(ready(own, effect), RATES), Same if same else Rejected)
    assert isinstance(decide(ready(own, effect), {}), Rejected)
    gone = link("e", "CreditNotes", "note-id", document=document("CreditNotes", "note-id", {}))
    assert isinstance(decide(ready(own, gone), {}), Rejected)


def earlier(total: str, **more: Any) -> EffectLink:
    """A credit note that came before."""
    body = {"Total": total, "LineAmountTypes": "Inclusive", "LineItems": [], "Status": "PAID", **more}
    return link("earlier", "CreditNotes", "n", document=document("CreditNotes", "n", body))


def test_no_more_goes_back_than_was_sold_unless_a_person_wants_it_so() -> None:
    command = replaced(with_invoice(credit_note(), standing()), credited=(earlier("13.00"),))
    assert isinstance(decide(command, RATES), Write)  # 7.00 of 20.00
    command = replaced(command, credited=(earlier("8.00"), earlier("5.01"), earlier("9.99", Status="VOIDED")))
    question = decide(command, RATES)
    assert isinstance(question, Asked)
    assert (question.kind, question.ours["Total"], question.theirs["credited before"]) == (
        "refund_above_sale",
        "7.00",
        "13.01",
    )
    assert isinstance(decide(replaced(command, decision="source"), RATES), Write)
    assert isinstance(decide(replaced(command, decision="xero"), RATES), Same)


def test_a_refund_waits_for_those_before_it() -> None:
    under_way = link("earlier")
    assert isinstance(decide(replaced(with_invoice(credit_note(), standing()), credited=(under_way,)), RATES), Waits)


def test_the_tax_of_a_mirrored_invoice_is_sent_with_it() -> None:
    [item] = sent(decide(with_invoice(credit_note(), standing()), RATES))["LineItems"]
    assert (item["UnitAmount"], item["TaxAmount"]) == ("7.0000", "1.17")
    untaxed = standing(LineAmountTypes="NoTax")
    [item] = sent(decide(with_invoice(credit_note(), untaxed), RATES))["LineItems"]
    assert "TaxAmount" not in item


@pytest.mark.parametrize("known", ["shown", "sent"])
def test_money_of_another_currency_never_counts_as_the_documents(known: str) -> None:
    body = standing(CurrencyCode="EUR")
    effect = (
        link(ORDER, "Invoices", "invoice-id", document=document("Invoices", "invoice-id", body))
        if known == "shown"
        else link(ORDER, "Invoices", "invoice-id", posted_body=body)
    )
    for payload in (payment(), credit_note()):
        refused = decide(ready(payload, link("e"), depends_on=(effect,)), RATES)
        assert isinstance(refused, Rejected)
        assert (refused.evidence.field, refused.evidence.value) == ("currency", "GBP")
        assert "in EUR" in refused.evidence.message


def test_a_payment_names_invoice_and_account_by_what_we_know() -> None:
    effect = link("stripe-1:payment:pi_1#payment")
    decision = decide(ready(payment(currency_rate=Decimal("1.15")), effect), RATES)
    assert isinstance(decision, Write)
    assert (decision.method, decision.path) == ("PUT", "/Payments")
    assert decision.planned.element == {
        "Invoice": {"InvoiceID": "invoice-id"},
        "Account": {"Code": "091"},
        "Date": "2026-11-20",
        "Amount": "20.00",
        "Reference": f"pi_1 {effect.mark}",
        "CurrencyRate": "1.15",
    }


def test_payments_that_cannot_be() -> None:
    assert isinstance(decide(ready(payment(amount=Decimal(0)), link("p")), RATES), Rejected)
    assert isinstance(decide(ready(payment(), link("p"), depends_on=(link(ORDER),)), RATES), Rejected)
    assert isinstance(decide(ready(payment(), link("p", "Payments", "payment-id")), RATES), Rejected)


def test_a_credit_note_continues_the_numbers_of_the_source_whose_invoice_it_credits() -> None:
    command = with_invoice(credit_note(own_number="B1-CN-1"), standing())
    assert sent(decide(replaced(command, source="stripe-1"), RATES))["CreditNoteNumber"] == credit_note().number
    own = decide(command, RATES)
    assert isinstance(own, Write)
    assert (own.planned.number, own.planned.element["CreditNoteNumber"]) == ("B1-CN-1", "B1-CN-1")


def test_a_refund_pays_the_credit_note() -> None:
    note = "stripe-1:refund:re_1#credit_note"
    payload = RecordRefund(
        credit_note=note, account_code="091", date=DAY, amount=Decimal("7.00"), currency="GBP", reference="re_1"
    )
    command = ready(payload, link("r"), depends_on=(link(note, "CreditNotes", "note-id"),))
    assert sent(decide(command, RATES))["CreditNote"] == {"CreditNoteID": "note-id"}


def test_a_reversal_deletes_one_payment_by_its_path() -> None:
    paid = "stripe-1:payment:pi_1#payment"
    payload = ReversePayment(payment=paid, date=DAY)
    command = ready(payload, link("x"), depends_on=(link(paid, "Payments", "payment-id"),))
    decision = decide(command, RATES)
    assert isinstance(decision, Write)
    assert (decision.method, decision.path, decision.batch_max) == ("POST", "/Payments/payment-id", 1)
    assert decision.planned.element == {"PaymentID": "payment-id", "Status": "DELETED"}
    assert isinstance(decide(replaced(command, depends_on=(link(paid),)), RATES), Same)


def test_what_no_release_books_yet_waits() -> None:
    fee = RecordSpend(
        account_code="091",
        contact=CONTACT,
        date=DAY,
        lines=(),
        total=Decimal(1),
        currency="GBP",
        reference="x",
    )
    transfer = RecordTransfer(
        from_code="091", to_code="090", date=DAY, amount=Decimal(1), currency="GBP", reference="x"
    )
    assert isinstance(decide(ready(fee), RATES), Waits)
    assert isinstance(decide(ready(transfer), RATES), Waits)


def test_what_builds_on_something_that_was_never_booked() -> None:
    note = "stripe-1:refund:re_1#credit_note"
    payload = RecordRefund(
        credit_note=note, account_code="091", date=DAY, amount=Decimal("7.00"), currency="GBP", reference="re_1"
    )
    assert isinstance(decide(ready(payload, link("r"), depends_on=(link(note),)), RATES), Rejected)
    assert isinstance(decide(ready(invoice(), link(ORDER), depends_on=(link(CONTACT),)), RATES), Rejected)
