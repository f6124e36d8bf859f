"""A backup was put back: what of it Xero is asked for, and what its answer means."""

from decimal import Decimal
from typing import Any

import pytest

from schemas.commands import AnyPayload, CancelInvoice, ReversePayment
from streams.core import conclude, search
from streams.core.restored import is_bare, planned
from streams.core.results import Asked, Back, Posted
from streams.core.situation import RESTORED, EffectLink, OpenWrite, Resource
from tests.unit.sender.test_conclude import PAYMENT, PERSON, paid, seen
from tests.unit.sender.values import (
    CONTACT,
    NOW,
    ORDER,
    ORDER_MARK,
    RATES,
    contact,
    credit_note,
    document,
    invoice,
    line,
    link,
    open_write,
    payment,
    ready,
    standing,
)


def bare(payload: AnyPayload, effect: EffectLink, resource: Resource, **more: Any) -> OpenWrite:
    return open_write(ready(payload, effect, **more), {}, RESTORED, resource)


def looked_for(item: OpenWrite) -> OpenWrite:
    assert is_bare(item)
    (found,), back = planned([item], RATES, NOW)
    assert back == ()
    assert not is_bare(found)
    return found


def test_what_would_be_made_is_looked_for_where_it_would_be() -> None:
    order = looked_for(bare(invoice(), link(ORDER), "Invoices"))
    assert dict(search.look([order], NOW).query)["InvoiceNumbers"] == "S1-1001"
    person = looked_for(bare(contact(), link(CONTACT), "Contacts"))
    assert dict(search.look([person], NOW).query)["where"] == 'ContactNumber=="shop-1:c1"'
    money = looked_for(bare(payment(), link(PAYMENT), "Payments"))
    assert dict(search.look([money], NOW).query)["where"] == 'Invoice.InvoiceID==Guid("invoice-id")'
    invoiced = link(ORDER, "Invoices", "invoice-id", document=document("Invoices", "invoice-id", standing()))
    note = bare(credit_note(), link("r#credit_note"), "CreditNotes", depends_on=(invoiced,))
    assert dict(search.look([looked_for(note)], NOW).query)["where"] == 'CreditNoteNumber=="CN-1"'


def test_what_changes_a_document_is_decided_from_what_xero_holds() -> None:
    update = bare(invoice(), link(ORDER, "Invoices", "invoice-id"), "Invoices")
    reversal = ReversePayment(payment=PAYMENT, date=NOW.date())
    taken_back = bare(reversal, link("p#reversal"), "Payments", depends_on=(link(PAYMENT, "Payments", "payment-id"),))
    nothing, back = planned([update, taken_back], RATES, NOW)
    assert nothing == ()
    assert [one.hints for one in back] == [{"read_after": NOW.isoformat()}] * 2


def test_found_counts_as_sent_after_the_backup() -> None:
    item = looked_for(bare(payment(), link(PAYMENT), "Payments"))
    for status in ("AUTHORISED", "DELETED"):
        (found,) = seen([item], "Payments", paid(Status=status))
        assert isinstance(conclude.unknown(item, found, NOW), Posted)
    both = [paid(PaymentID="deleted", Status="DELETED"), paid()]
    result = conclude.unknown(item, both, NOW)
    assert isinstance(result, Posted)
    assert result.xero_id == "payment-id"
    twice = conclude.unknown(item, [paid(), paid(PaymentID="second")], NOW)
    assert isinstance(twice, Asked)
    assert twice.kind == "doubled"
    person = looked_for(bare(contact(), link(CONTACT), "Contacts"))
    assert isinstance(conclude.unknown(person, [PERSON], NOW), Posted)


def test_not_found_is_sent() -> None:
    item = looked_for(bare(invoice(), link(ORDER), "Invoices"))
    for nothing in ([], [standing(Reference="somebody else's")]):
        result = conclude.unknown(item, nothing, NOW)
        assert isinstance(result, Back)


@pytest.mark.parametrize(
    ("body", "is_question"),
    [
        (standing(), False),
        (standing(Status="VOIDED"), False),
        (standing(Total=Decimal("20.02")), True),
        (standing(Total=Decimal("40.00"), Reference=standing()["Reference"].replace("1001", "1001 again")), False),
    ],
    ids=["as it was sent", "voided since", "another total than predicted", "a newer version"],
)
def test_an_invoice_counts_as_it_stands(body: dict[str, Any], is_question: bool) -> None:
    """What came after it comes again from Kafka; a total that Xero made of our own lines is a person's business."""
    item = looked_for(bare(invoice(), link(ORDER), "Invoices"))
    result = conclude.unknown(item, [body], NOW)
    assert isinstance(result, Asked if is_question else Posted)


def newer(
    payload: AnyPayload, *replaced: AnyPayload, effect: str = ORDER, resource: Resource = "Invoices"
) -> OpenWrite:
    """The write of a command that took the place of earlier versions."""
    older = tuple(ready(one, link(effect)) for one in replaced)
    return looked_for(bare(payload, link(effect), resource, replaced=older))


def test_an_older_version_that_stands_is_updated_from_there() -> None:
    first, second = invoice(reference=f"1001 v1 {ORDER_MARK}"), invoice(reference=f"1001 v2 {ORDER_MARK}")
    item = newer(invoice(lines=(line("12.00"),), total=Decimal("24.00")), first, second)
    back = conclude.unknown(item, [standing(Reference=f"1001 v1 {ORDER_MARK}")], NOW)
    assert isinstance(back, Back)
    assert back.document is not None
    assert back.document.xero_id == "invoice-id"
    assert back.sent is not None
    assert back.sent.element["Reference"] == f"1001 v1 {ORDER_MARK}"


def test_what_a_person_made_of_an_older_version_is_told_apart_from_it() -> None:
    item = newer(invoice(lines=(line("12.00"),), total=Decimal("24.00")), invoice())
    back = conclude.unknown(item, [standing(DueDateString="2026-12-31T00:00:00")], NOW)
    assert isinstance(back, Back)
    assert back.sent is not None
    assert back.sent.element["DueDate"] == "2026-11-20"


def test_the_newest_version_that_stands_is_there() -> None:
    item = newer(invoice(), invoice(reference=f"1001 v1 {ORDER_MARK}"))
    assert isinstance(conclude.unknown(item, [standing()], NOW), Posted)
    ended = newer(invoice(lines=(line("12.00"),), total=Decimal("24.00")), invoice())
    assert isinstance(conclude.unknown(ended, [standing(Status="VOIDED")], NOW), Posted)


def test_a_version_that_cannot_be_made_any_more_is_taken_for_ours() -> None:
    unknown_rate = invoice(lines=(line(tax_type="GONE"),))
    item = newer(invoice(lines=(line("12.00"),), total=Decimal("24.00")), unknown_rate)
    back = conclude.unknown(item, [standing()], NOW)
    assert isinstance(back, Back)
    assert back.document is not None
    assert back.sent is None


def linked(payload: AnyPayload, *replaced: AnyPayload) -> OpenWrite:
    """The same for a document that was booked before the backup."""
    effect = link(ORDER, "Invoices", "invoice-id", posted_digest="of v1", posted_body={"Reference": "v1"})
    return looked_for(bare(payload, effect, "Invoices", replaced=tuple(ready(one, effect) for one in replaced)))


def test_a_version_that_was_sent_after_the_backup_is_ours_and_no_persons() -> None:
    item = linked(invoice(lines=(line("12.00"),), total=Decimal("24.00")), invoice())
    assert dict(search.look([item], NOW).query)["InvoiceNumbers"] == "S1-1001"
    back = conclude.unknown(item, [standing()], NOW)
    assert isinstance(back, Back)
    assert back.sent is not None
    assert Decimal(back.sent.element["LineItems"][0]["UnitAmount"]) == 10


def test_what_is_none_of_the_versions_since_is_told_by_the_backup() -> None:
    item = linked(invoice(lines=(line("12.00"),), total=Decimal("24.00")), invoice())
    back = conclude.unknown(item, [standing(Reference=f"by hand {ORDER_MARK}")], NOW)
    assert isinstance(back, Back)
    assert back.sent is None
    assert back.document is not None


def test_the_newest_version_that_was_sent_after_the_backup_is_there() -> None:
    item = linked(invoice(), invoice(reference=f"1001 v1 {ORDER_MARK}"))
    assert isinstance(conclude.unknown(item, [standing()], NOW), Posted)


def test_what_a_cancellation_calls_off_is_looked_for() -> None:
    item = newer(CancelInvoice(), invoice())
    assert dict(search.look([item], NOW).query)["InvoiceNumbers"] == "S1-1001"
    back = conclude.unknown(item, [standing()], NOW)
    assert isinstance(back, Back)
    assert back.document is not None
    nothing = conclude.unknown(item, [], NOW)
    assert isinstance(nothing, Back)
    assert nothing.document is None
    _, (unknown,) = planned([bare(CancelInvoice(), link(ORDER), "Invoices")], RATES, NOW)
    assert unknown.document is None


def test_an_older_version_is_looked_for_before_its_customer_is_known_again() -> None:
    version = ready(invoice(), link(ORDER), depends_on=(link(CONTACT),))
    item = looked_for(bare(CancelInvoice(), link(ORDER), "Invoices", replaced=(version,)))
    assert item.write.number == "S1-1001"
    assert item.write.command_id == item.command.command_id


def test_a_contact_that_is_found_under_its_alias_was_given_that_name_by_us() -> None:
    item = looked_for(bare(contact(), link(CONTACT), "Contacts"))
    found = conclude.unknown(item, [{**PERSON, "Name": contact().alias}], NOW)
    assert isinstance(found, Posted)
    assert (found.sent or {})["Name"] == contact().alias


def test_a_contact_that_stands_as_an_older_version_is_updated_from_there() -> None:
    item = newer(contact(name="Ann Newname"), contact(), effect=CONTACT, resource="Contacts")
    back = conclude.unknown(item, [PERSON], NOW)
    assert isinstance(back, Back)
    assert back.sent is not None
    assert back.sent.element["Name"] == PERSON["Name"]
