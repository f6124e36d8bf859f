"""What was seen in Xero → the end of writes that nobody answered, or that were refused as doubles."""

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.xero import elements, refusals
from connectors.xero.ticket import Answer
from schemas import keys
from streams.core import conclude, search
from streams.core import posted as posting
from streams.core.results import Asked, Back, Posted, Rejected
from streams.core.settle import Refused
from streams.core.situation import OpenWrite
from tests.unit.sender.values import (
    CONTACT,
    NOW,
    ORDER,
    ORDER_MARK,
    contact,
    document,
    invoice,
    link,
    open_write,
    payment,
    ready,
    standing,
)

PAYMENT = "stripe-1:payment:pi_1#payment"


def invoice_write(**more: Any) -> OpenWrite:
    element = elements.invoice(invoice(), "contact-id", ORDER_MARK)
    return open_write(ready(invoice(), **more), element, number="S1-1001")


def payment_write(**more: Any) -> OpenWrite:
    effect = link(PAYMENT)
    element = elements.payment(payment(), "invoice-id", effect.mark)
    return open_write(ready(payment(), effect, **more), element, resource="Payments")


def contact_write(*, ensure: bool = True, **more: Any) -> OpenWrite:
    payload = contact(ensure=ensure)
    element = elements.contact(payload)
    return open_write(ready(payload, link(CONTACT), **more), element, resource="Contacts", number=payload.number)


def paid(**more: Any) -> dict[str, Any]:
    body = {
        "PaymentID": "payment-id",
        "Invoice": {"InvoiceID": "INVOICE-ID"},
        "Amount": Decimal("20.00"),
        "Reference": f"pi_1 {link(PAYMENT).mark}",
        "Status": "AUTHORISED",
    }
    return {**body, **more}


def refused(item: OpenWrite, *messages: str) -> Refused:
    return Refused(item, refusals.explain(item.write.resource, item.write.element, messages))


def seen(items: list[OpenWrite], resource: str, *bodies: dict[str, Any]) -> list[list[Any]]:
    encoder = msgspec.json.Encoder(decimal_format="number")
    found = search.sightings(items, Answer(status=200, body=encoder.encode({resource: bodies})))
    assert found is not None
    return found


def test_where_creates_are_looked_for() -> None:
    request = search.look([invoice_write()], NOW)
    assert (request.method, request.path, dict(request.query)["InvoiceNumbers"]) == ("GET", "/Invoices", "S1-1001")
    request = search.look([payment_write()], NOW)
    assert dict(request.query)["where"] == 'Invoice.InvoiceID==Guid("invoice-id")'
    request = search.look([contact_write()], NOW)
    assert dict(request.query)["where"] == 'ContactNumber=="shop-1:c1"'
    assert dict(request.query)["includeArchived"] == "true"
    assert request.modified_since == NOW - dt.timedelta(minutes=1)
    assert search.look([contact_write()]).modified_since is None


def test_where_changes_are_looked_for() -> None:
    update = open_write(ready(invoice()), {"InvoiceID": "invoice-id", "Reference": "x"}, "update")
    assert dict(search.look([update], NOW).query)["IDs"] == "invoice-id"
    reversal = open_write(ready(payment()), {"PaymentID": "p-id", "Status": "DELETED"}, "delete", "Payments")
    assert search.look([reversal], NOW).path == "/Payments/p-id"


def test_found_is_posted_and_not_found_is_sent_anew() -> None:
    item = invoice_write()
    (found,) = seen([item], "Invoices", standing(InvoiceNumber="s1-1001"), standing(InvoiceNumber="S1-10"))
    assert isinstance(conclude.unknown(item, found, NOW), Posted)
    (nothing,) = seen([item], "Invoices")
    result = conclude.unknown(item, nothing, NOW)
    assert isinstance(result, Back)
    assert result.cause == "transient"


@pytest.mark.parametrize("body", [standing(Reference="somebody else's"), standing(Status="VOIDED")])
def test_what_is_not_ours_or_voided_was_not_our_create(body: dict[str, Any]) -> None:
    item = invoice_write()
    assert isinstance(conclude.unknown(item, [body], NOW), Back)


def test_found_with_another_total_is_a_question() -> None:
    result = conclude.unknown(invoice_write(), [standing(Total=Decimal("20.02"))], NOW)
    assert isinstance(result, Asked)
    assert result.kind == "difference"


@pytest.mark.parametrize(
    "other",
    [
        {"Reference": "pi_1"},
        {"Amount": Decimal("19.99")},
        {"Invoice": {"InvoiceID": "another"}},
    ],
)
def test_a_payment_is_known_by_invoice_mark_and_amount(other: dict[str, Any]) -> None:
    item = payment_write()
    (found,) = seen([item], "Payments", paid())
    assert isinstance(conclude.unknown(item, found, NOW), Posted)
    (nothing,) = seen([item], "Payments", paid(**other))
    assert nothing == []


def test_a_deleted_payment_is_not_in_the_books_any_more() -> None:
    item = payment_write()
    (found,) = seen([item], "Payments", paid(Status="DELETED"))
    assert isinstance(conclude.unknown(item, found, NOW), Back)
    assert isinstance(conclude.refused(refused(item, NOT_APPROVED), found, NOW), Rejected)


def test_a_mark_found_twice_is_posted_and_a_person_told() -> None:
    result = conclude.unknown(payment_write(), [paid(), paid(PaymentID="second")], NOW)
    assert isinstance(result, Asked)
    assert result.kind == "doubled"
    assert result.posted is not None
    assert result.theirs == {"PaymentID": "second"}


def test_a_change_is_there_if_the_document_shows_it() -> None:
    effect = link(ORDER, "Invoices", "invoice-id")
    update = open_write(ready(invoice(), effect), {"InvoiceID": "invoice-id", "DueDate": "2026-12-01"}, "update")
    assert isinstance(conclude.unknown(update, [standing(DueDateString="2026-12-01T00:00:00")], NOW), Posted)
    result = conclude.unknown(update, [standing()], NOW)
    assert isinstance(result, Back)
    assert result.hints == {"read_after": NOW.isoformat()}
    assert isinstance(conclude.unknown(update, [], NOW), Back)


def test_a_look_that_says_nothing_is_none() -> None:
    item = invoice_write()
    assert search.sightings([item], Answer(status=429, body=b"")) is None
    assert search.sightings([item], Answer(status=200, body=b"not json")) is None
    missing = Answer(status=404, body=b"", content_type="text/html")
    assert search.sightings([item], missing) is None
    reversal = open_write(ready(payment()), {"PaymentID": "p-id", "Status": "DELETED"}, "delete", "Payments")
    assert search.sightings([reversal], missing) == [[]]


NUMBER_TAKEN = "Invoice # must be unique."


def test_a_taken_number_with_our_mark_is_adopted_or_updated() -> None:
    problem = refused(invoice_write(), NUMBER_TAKEN)
    assert isinstance(conclude.refused(problem, [standing()], NOW), Posted)
    for other in ({"Total": Decimal(21)}, {"CurrencyCode": "EUR"}, {"Contact": {"ContactID": "another"}}):
        result = conclude.refused(problem, [standing(**other)], NOW)
        assert isinstance(result, Back)
        assert result.document is not None
        assert result.document.xero_id == "invoice-id"


@pytest.mark.parametrize("body", [standing(Reference="PO 77"), standing(Status="VOIDED")])
def test_a_taken_number_without_our_mark_is_a_question(body: dict[str, Any]) -> None:
    problem = refused(invoice_write(), NUMBER_TAKEN)
    result = conclude.refused(problem, [body], NOW)
    assert isinstance(result, Asked)
    assert result.kind == "number_taken"
    assert result.theirs["InvoiceNumber"] == "S1-1001"
    adopted = conclude.refused(refused(invoice_write(decision="adopt"), NUMBER_TAKEN), [body], NOW)
    assert isinstance(adopted, Posted)
    assert isinstance(conclude.refused(problem, [], NOW), Rejected)


def test_two_sales_with_one_number_are_shown_by_what_an_accountant_compares() -> None:
    customer = link(CONTACT, "Contacts", "contact-id", document=document("Contacts", "contact-id", {"Name": "Ada"}))
    body = standing(Reference="PO 77", DateString=None, Date="/Date(1795478400000+0000)/", Total=Decimal("99.5"))
    for ours, links in (("Ada", (customer,)), ("contact-id", (link(CONTACT, "Contacts", "contact-id"),))):
        result = conclude.refused(refused(invoice_write(depends_on=links), NUMBER_TAKEN), [body], NOW)
        assert isinstance(result, Asked)
        told = {name: (result.ours.get(name), result.theirs.get(name)) for name in result.theirs}
        assert told == {
            "InvoiceNumber": ("S1-1001", "S1-1001"),
            "Contact": (ours, "John Smith"),
            "Date": ("2026-11-20", "2026-11-24"),
            "Total": ("20.00", "99.5"),
            "CurrencyCode": ("GBP", "GBP"),
            "Reference": (f"1001 {ORDER_MARK}", "PO 77"),
            "Status": ("AUTHORISED", "AUTHORISED"),
        }


@pytest.mark.parametrize("field", ["Reference", "Url"])
def test_what_bears_the_mark_of_something_else_is_not_offered_first(field: str) -> None:
    other = keys.mark("shop-2:order:1001#invoice")
    body = standing(**{"Reference": "1001", field: f"https://example.com/{other}"})
    result = conclude.refused(refused(invoice_write(), NUMBER_TAKEN), [body], NOW)
    assert isinstance(result, Asked)
    assert [option.name for option in result.options] == ["retry", "adopt"]
    assert f"`ledgerstream trace {other}`" in result.text
    by_hand = conclude.refused(refused(invoice_write(), NUMBER_TAKEN), [standing(Reference="PO 77")], NOW)
    assert isinstance(by_hand, Asked)
    assert [option.name for option in by_hand.options] == ["adopt", "retry"]


NAME_TAKEN = "The contact name John Smith is already assigned to another contact."
CODE_TAKEN = "Another contact has this contact number. Please enter a different contact number."
PERSON = {"ContactID": "contact-id", "ContactNumber": "shop-1:c1", "Name": "John Smith", "ContactStatus": "ACTIVE"}


def test_a_name_and_its_alias_both_taken_by_others() -> None:
    problem = refused(contact_write(hints={"name": "alias"}), NAME_TAKEN)
    assert isinstance(conclude.refused(problem, [], NOW), Rejected)


@pytest.mark.parametrize("messages", [(NAME_TAKEN,), (CODE_TAKEN,), (NAME_TAKEN, CODE_TAKEN)])
def test_a_contact_that_is_there_under_our_number(messages: tuple[str, ...]) -> None:
    assert isinstance(conclude.refused(refused(contact_write(), *messages), [PERSON], NOW), Posted)
    update = conclude.refused(refused(contact_write(ensure=False), *messages), [PERSON], NOW)
    assert isinstance(update, Back)
    assert update.document is not None
    archived = conclude.refused(refused(contact_write(), *messages), [{**PERSON, "ContactStatus": "ARCHIVED"}], NOW)
    assert isinstance(archived, Rejected)
    assert archived.cause == "archived_contact"


EXCEEDS = "Payment amount exceeds the amount outstanding on this document"
NOT_APPROVED = "Payments can only be made against Authorised documents"


def test_a_payment_refused_because_it_is_there() -> None:
    problem = refused(payment_write(), NOT_APPROVED, EXCEEDS)
    assert isinstance(conclude.refused(problem, [paid()], NOW), Posted)


def test_a_payment_above_what_is_owed_waits_a_quarter_of_an_hour() -> None:
    first = conclude.refused(refused(payment_write(), EXCEEDS), [], NOW)
    assert isinstance(first, Back)
    assert first.hints == {"exceeds_since": NOW.isoformat()}
    end = NOW + dt.timedelta(minutes=15)
    assert first.not_before == end, "no call asks again and again"
    problem = refused(payment_write(hints=first.hints), EXCEEDS)
    after_a_newer_version = conclude.refused(problem, [], NOW + dt.timedelta(minutes=4))
    assert isinstance(after_a_newer_version, Back)
    assert after_a_newer_version.not_before == end
    assert isinstance(conclude.refused(problem, [], end), Rejected)


def test_a_payment_of_a_draft_is_a_dead_letter() -> None:
    result = conclude.refused(refused(payment_write(), NOT_APPROVED), [], NOW)
    assert isinstance(result, Rejected)
    assert "Approve" in (result.evidence.remedy or "")


def test_credit_notes_refunds_and_changes_are_looked_for_by_what_xero_can_search() -> None:
    note = link("stripe-1:refund:re_1#credit_note")
    element = {"Type": "ACCRECCREDIT", "CreditNoteNumber": 'CN-"1"', "LineItems": []}
    create = open_write(ready(invoice(), note), element, resource="CreditNotes", number='CN-"1"')
    assert dict(search.look([create], NOW).query)["where"] == 'CreditNoteNumber=="CN-\\"1\\""'
    refund = open_write(ready(payment()), {"CreditNote": {"CreditNoteID": "n"}, "Amount": "1"}, resource="Payments")
    assert dict(search.look([refund], NOW).query)["where"] == 'CreditNote.CreditNoteID==Guid("n")'
    assert dict(search.read(["a", "b"], "CreditNotes").query)["where"] == (
        'CreditNoteID==Guid("a") OR CreditNoteID==Guid("b")'
    )
    update = open_write(ready(invoice()), {"InvoiceID": "INVOICE-id", "Reference": "x"}, "update")
    assert len(seen([update], "Invoices", standing(), standing(InvoiceID="another"))[0]) == 1


def test_a_contact_that_nobody_answered_for_is_known_by_its_number() -> None:
    item = contact_write()
    (found,) = seen([item], "Contacts", PERSON, {**PERSON, "ContactNumber": "shop-1:c2"})
    result = conclude.unknown(item, found, NOW)
    assert isinstance(result, Posted)
    assert result.xero_id == "contact-id"


def test_a_double_with_another_total_asks_about_the_total_first() -> None:
    bodies = [standing(Total=Decimal("20.02")), standing(InvoiceID="second")]
    result = conclude.unknown(invoice_write(), bodies, NOW)
    assert isinstance(result, Asked)
    assert result.kind == "difference"


def test_an_answer_that_names_no_document_leaves_no_snapshot() -> None:
    assert posting.document(invoice_write(), {"Status": "AUTHORISED"}, NOW) is None
