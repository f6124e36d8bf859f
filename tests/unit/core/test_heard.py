"""What is told of a change in Xero: which words, whose doing, with before and after."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from schemas.events.xero import CreditNoteChanged, InvoiceStatusChanged, XeroContactChanged
from streams.core.heard import Seen, Told, due_on, is_sale, sight, told_by

AT = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
LINE = {"Description": "Mug", "Quantity": 2, "UnitAmount": "10.00", "AccountCode": "200", "TaxType": "OUTPUT2"}
INVOICE = {
    "Type": "ACCREC",
    "InvoiceNumber": "S1-1001",
    "Reference": "1001 LSABC",
    "Contact": {"ContactID": "c-1"},
    "DateString": "2026-11-20T00:00:00",
    "DueDateString": "2026-12-04T00:00:00",
    "CurrencyCode": "GBP",
    "LineAmountTypes": "Inclusive",
    "LineItems": [LINE],
    "Status": "AUTHORISED",
    "Total": "20.00",
    "AmountDue": "20.00",
    "AmountPaid": "0.00",
    "AmountCredited": "0.00",
}
POSTED = {
    "InvoiceNumber": "S1-1001",
    "Reference": "1001 LSABC",
    "DueDate": "2026-12-04",
    "LineItems": [LINE],
    "Status": "AUTHORISED",
}
NOTE = {
    "Type": "ACCRECCREDIT",
    "CreditNoteNumber": "S1-CN-1",
    "Contact": {"ContactID": "c-1"},
    "Status": "AUTHORISED",
    "Total": "5.00",
    "RemainingCredit": "5.00",
    "CurrencyCode": "GBP",
}
CONTACT = {
    "Name": "Ada Lovelace",
    "ContactNumber": "shop-1:c1",
    "EmailAddress": "ada@example.com",
    "ContactStatus": "ACTIVE",
    "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "1"}, {"PhoneType": "FAX", "PhoneNumber": ""}],
}


def told(
    resource: Told,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    ours: dict[str, Any] | None = None,
    *,
    is_answer: bool = False,
    is_old: bool = False,
) -> Any:
    seen = Seen(
        tenant="uk",
        resource=resource,
        xero_id="id-1",
        body=after,
        changed_at=AT,
        ours=ours,
        is_answer=is_answer,
        is_old=is_old,
    )
    return told_by(sight(resource, before) if before else None, sight(resource, after), seen)


def changed(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**body, **fields}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"SentToContact": True}, ("sent",)),
        ({"AmountPaid": "5.00", "AmountDue": "15.00"}, ("part_paid",)),
        ({"AmountPaid": "20.00", "AmountDue": "0.00", "Status": "PAID"}, ("paid",)),
        ({"AmountCredited": "5.00", "AmountDue": "15.00"}, ("credited",)),
        ({"AmountCredited": "20.00", "AmountDue": "0.00", "Status": "PAID"}, ("paid", "credited")),
        ({"Status": "VOIDED", "AmountDue": "0.00"}, ("voided",)),
        ({"Status": "DELETED", "AmountDue": "0.00"}, ("deleted",)),
        ({"DueDateString": "2027-01-01T00:00:00"}, ("edited",)),
        ({"LineItems": [{**LINE, "Quantity": 3}]}, ("edited",)),
        ({"Contact": {"ContactID": "c-2"}}, ("edited",)),
        # Nothing that is compared by its name changed, and it comes to less.
        ({"Total": "18.00", "AmountDue": "18.00"}, ("edited",)),
    ],
)
def test_what_becomes_of_an_invoice(fields: dict[str, Any], words: tuple[str, ...]) -> None:
    event = told("Invoices", INVOICE, changed(INVOICE, **fields))
    assert isinstance(event, InvoiceStatusChanged)
    assert (event.changes, event.by) == (words, "others")
    assert (event.number, event.previous_status, event.changed_at) == ("S1-1001", "AUTHORISED", AT)
    assert {one.field for one in event.fields} >= {name.removesuffix("String") for name in fields if name != "Contact"}


def test_a_payment_that_was_taken_back() -> None:
    paid = changed(INVOICE, AmountPaid="20.00", AmountDue="0.00", Status="PAID")
    event = told("Invoices", paid, INVOICE)
    assert (event.changes, event.status, event.previous_status) == (("payment_removed",), "AUTHORISED", "PAID")


def test_an_approved_draft() -> None:
    assert told("Invoices", changed(INVOICE, Status="DRAFT"), INVOICE).changes == ("status",)


def test_what_is_as_it_was_is_not_told() -> None:
    # The same amount in other words, a date in Xero's other form, and fields that nobody compares.
    again = changed(INVOICE, Total=20, DueDateString=None, DueDate="/Date(1796342400000+0000)/", UpdatedDateUTC="x")
    assert told("Invoices", INVOICE, again) is None


def test_before_and_after_are_told() -> None:
    event = told("Invoices", INVOICE, changed(INVOICE, Reference="by hand"))
    assert [(one.field, one.before, one.after) for one in event.fields] == [("Reference", "1001 LSABC", "by hand")]


@pytest.mark.parametrize(
    ("by_hand", "fields"),
    [
        ({"DiscountRate": 10, "LineAmount": "18.00"}, {"LineItems"}),
        # Where the total has the tax in it, it stays as it is.
        ({"TaxAmount": "0.00"}, {"TaxAmount"}),
    ],
)
def test_a_discount_or_a_tax_by_hand_is_a_persons_edit(by_hand: dict[str, Any], fields: set[str]) -> None:
    line = {**LINE, "LineAmount": "20.00", "TaxAmount": "3.33"}
    before, after = (changed(INVOICE, LineItems=[one]) for one in (line, {**line, **by_hand}))
    event = told("Invoices", before, after, {**POSTED, "LineItems": [{**LINE, "TaxAmount": "3.33"}]})
    assert (event.changes, event.by) == (("edited",), "others")
    assert {one.field for one in event.fields} == fields


def test_amounts_are_told_as_people_write_them() -> None:
    lines = [{**LINE, "Quantity": 1, "UnitAmount": "100.00", "TaxAmount": "20.00"}]
    event = told("Invoices", INVOICE, changed(INVOICE, LineItems=lines))
    items, tax = event.fields
    assert items.before == '["Mug","2","10","200","OUTPUT2","","20"]'.join("[]")
    assert items.after == '["Mug","1","100","200","OUTPUT2","","100"]'.join("[]")
    assert (tax.field, tax.before, tax.after) == ("TaxAmount", '[""]', '["20"]')


@pytest.mark.parametrize(
    ("before", "after", "changes", "by"),
    [
        # Our update changed the lines, and nothing else did.
        ({"LineItems": [{**LINE, "Quantity": 1}]}, {}, ("edited",), "us"),
        # What a person had changed before, and was told of, makes our update no person's.
        (
            {"Reference": "by hand", "LineItems": [{**LINE, "Quantity": 1}]},
            {"Reference": "by hand"},
            ("edited",),
            "us",
        ),
        # A person changed something between our last sight of it and our update.
        ({"LineItems": [{**LINE, "Quantity": 1}]}, {"Reference": "by hand"}, ("edited",), "others"),
        # Nobody of us ever wrote the field.
        ({"CurrencyCode": "USD"}, {}, ("edited",), "others"),
        # It comes to something else by what we never wrote.
        ({"Total": "19.00"}, {}, ("edited",), "others"),
        # Our draft is ours to approve, and our sale to call off, where we posted that.
        ({"Status": "DRAFT"}, {}, ("status",), "us"),
        ({"Status": "DRAFT"}, {"Status": "SUBMITTED"}, ("status",), "others"),
        ({}, {"Status": "VOIDED", "AmountDue": "0.00"}, ("voided",), "others"),
        ({}, {"SentToContact": True}, ("sent",), "others"),
    ],
)
def test_our_own_write_is_told_from_a_persons_edit(
    before: dict[str, Any], after: dict[str, Any], changes: tuple[str, ...], by: str
) -> None:
    event = told("Invoices", changed(INVOICE, **before), changed(INVOICE, **after), POSTED, is_answer=True)
    assert (event.changes, event.by) == (changes, by)


def test_what_we_called_off_is_voided_by_us() -> None:
    body = changed(INVOICE, Status="VOIDED", AmountDue="0.00", Total="0.00")
    event = told("Invoices", INVOICE, body, {**POSTED, "Status": "VOIDED"}, is_answer=True)
    assert (event.changes, event.by, event.amount_credited) == (("voided",), "us", "0.00")


@pytest.mark.parametrize(
    ("resource", "body", "ours"),
    [
        ("Contacts", changed(CONTACT, ContactStatus="ARCHIVED"), CONTACT),
        ("CreditNotes", changed(NOTE, Status="PAID", RemainingCredit="0.00"), {**NOTE, "Status": "PAID"}),
    ],
)
def test_what_no_write_of_ours_does_is_not_ours(resource: Told, body: dict[str, Any], ours: dict[str, Any]) -> None:
    before = CONTACT if resource == "Contacts" else NOTE
    assert told(resource, before, body, ours, is_answer=True).by == "others"


def test_a_credit_that_the_answer_to_a_write_does_not_show_is_not_taken_back() -> None:
    credited = changed(INVOICE, AmountCredited="5.00", AmountDue="15.00")
    answer = {name: value for name, value in credited.items() if name != "AmountCredited"}
    assert told("Invoices", credited, answer) is None
    assert told("Invoices", answer, credited) is None


def test_what_we_made_is_ours_and_what_somebody_made_is_not() -> None:
    assert (told("Invoices", None, INVOICE, POSTED).changes, told("Invoices", None, INVOICE, POSTED).by) == (
        ("created",),
        "us",
    )
    assert told("Invoices", None, INVOICE).by == "others"
    # A payment bears a mark of its own; the invoice does not say whose it is.
    assert told("Invoices", INVOICE, changed(INVOICE, AmountPaid="5.00"), POSTED).by == "others"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ("created",)),
        ({"AmountPaid": "20.00", "AmountDue": "0.00", "Status": "PAID"}, ("created", "paid")),
        ({"AmountPaid": "5.00", "AmountDue": "15.00"}, ("created", "part_paid")),
        ({"Status": "VOIDED"}, ("created", "voided")),
        ({"SentToContact": True}, ("created", "sent")),
    ],
)
def test_what_had_become_of_it_before_we_saw_it(fields: dict[str, Any], words: tuple[str, ...]) -> None:
    event = told("Invoices", None, changed(INVOICE, **fields))
    assert (event.changes, event.total) == (words, "20.00")


def test_a_credit_note_that_was_deleted_before_we_saw_it() -> None:
    assert told("CreditNotes", None, changed(NOTE, Status="DELETED")).changes == ("created", "deleted")
    assert told("CreditNotes", None, NOTE).changes == ("created",)


def test_what_people_did_to_ours_before_we_saw_it_is_told_with_what_it_was() -> None:
    lines = [{**LINE, "TaxAmount": "3.33"}]
    body = changed(INVOICE, Reference="by hand", LineItems=[{**LINE, "TaxAmount": "0.00"}])
    event = told("Invoices", None, body, {**POSTED, "LineItems": lines})
    assert (event.changes, event.by) == (("created", "edited"), "others")
    assert [(one.field, one.before, one.after) for one in event.fields] == [
        ("Reference", "1001 LSABC", "by hand"),
        ("TaxAmount", '["3.33"]', '["0"]'),
    ]
    approved = told("Invoices", None, INVOICE, {**POSTED, "Status": "DRAFT"})
    assert (approved.changes, approved.by) == (("created", "status"), "others")
    # What Xero makes of our own write is nobody's edit, but it is not what we wrote.
    answer = told("Invoices", None, body, {**POSTED, "LineItems": lines}, is_answer=True)
    assert (answer.changes, answer.by) == (("created",), "others")


def test_what_may_have_been_there_before_we_listened_is_not_told_as_created() -> None:
    event = told("Invoices", None, changed(INVOICE, Status="PAID", AmountPaid="20.00", AmountDue="0.00"), is_old=True)
    assert (event.changes, event.by, event.fields) == (("edited",), "others", ())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ("created",)),
        ({"ContactStatus": None}, ("created",)),
        ({"ContactStatus": "ARCHIVED"}, ("created", "archived")),
        ({"ContactStatus": "ARCHIVED", "MergedToContactID": "c-2"}, ("created", "merged")),
    ],
)
def test_what_had_become_of_a_contact_before_we_saw_it(fields: dict[str, Any], words: tuple[str, ...]) -> None:
    event = told("Contacts", None, changed(CONTACT, **fields), CONTACT)
    assert (event.changes, event.by) == (words, "us" if words == ("created",) else "others")


def test_overdue_is_told_once() -> None:
    seen = Seen(tenant="uk", resource="Invoices", xero_id="id-1", body=INVOICE, changed_at=AT)
    before, after = sight("Invoices", INVOICE), sight("Invoices", INVOICE, overdue=True)
    event = told_by(before, after, seen)
    assert isinstance(event, InvoiceStatusChanged)
    assert event.changes == ("overdue",)
    assert told_by(after, after, seen) is None
    # That it is not overdue any more is told by what was done about it.
    assert told_by(after, before, seen) is None


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ({}, "2026-12-04"),
        ({"Status": "PAID", "AmountDue": "0.00"}, None),
        ({"Status": "DRAFT"}, None),
        ({"AmountDue": "0.00"}, None),
        ({"DueDateString": None}, None),
    ],
)
def test_from_when_an_invoice_is_overdue(fields: dict[str, Any], day: str | None) -> None:
    assert due_on(changed(INVOICE, **fields)) == day


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"RemainingCredit": "2.00"}, ("allocated",)),
        ({"RemainingCredit": "0.00", "Status": "PAID"}, ("status", "allocated")),
        ({"RemainingCredit": "0.00", "Status": "VOIDED"}, ("voided",)),
        ({"CreditNoteNumber": "other"}, ("edited",)),
    ],
)
def test_what_becomes_of_a_credit_note(fields: dict[str, Any], words: tuple[str, ...]) -> None:
    event = told("CreditNotes", NOTE, changed(NOTE, **fields))
    assert isinstance(event, CreditNoteChanged)
    assert (event.changes, event.credit_note_id, event.currency) == (words, "id-1", "GBP")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ContactStatus": "ARCHIVED"}, ("archived",)),
        ({"ContactStatus": "ARCHIVED", "MergedToContactID": "c-2"}, ("merged",)),
        ({"EmailAddress": "ada@elsewhere.example"}, ("edited",)),
        ({"Phones": [{"PhoneType": "FAX", "PhoneNumber": "2"}]}, ("edited",)),
    ],
)
def test_what_becomes_of_a_contact(fields: dict[str, Any], words: tuple[str, ...]) -> None:
    event = told("Contacts", CONTACT, changed(CONTACT, **fields))
    assert isinstance(event, XeroContactChanged)
    assert (event.changes, event.name, event.email) == (
        words,
        "Ada Lovelace",
        fields.get("EmailAddress", "ada@example.com"),
    )


def test_a_contact_that_came_back() -> None:
    assert told("Contacts", changed(CONTACT, ContactStatus="ARCHIVED"), CONTACT).changes == ("restored",)


def test_a_slot_that_we_never_spoke_of_does_not_make_our_update_a_persons() -> None:
    ours = {"Name": "Ada L.", "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "1"}]}
    after = changed(CONTACT, Name="Ada L.", Phones=[*ours["Phones"], {"PhoneType": "FAX", "PhoneNumber": "9"}])
    before = changed(after, Name="Ada Lovelace")
    assert told("Contacts", before, after, ours).by == "us"


def test_bills_are_not_told_of() -> None:
    assert is_sale("Invoices", INVOICE)
    assert not is_sale("Invoices", {"Type": "ACCPAY"})
    assert not is_sale("CreditNotes", {"Type": "ACCPAYCREDIT"})
    assert is_sale("Contacts", {})


def test_an_event_is_as_its_contract_says() -> None:
    event = told("Invoices", None, INVOICE, POSTED)
    assert msgspec.json.decode(msgspec.json.encode(event), type=InvoiceStatusChanged) == event
