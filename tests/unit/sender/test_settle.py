"""Answers → results, element by element and for whole calls."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.xero import answers, elements
from connectors.xero.ticket import Answer, NoAnswer
from schemas.commands import AnyPayload
from streams.core.results import Asked, Back, Posted, Rejected
from streams.core.settle import LookFirst, Settled, Unknown, judge, shut_out
from streams.core.situation import OpenWrite
from tests.unit.sender.values import (
    CONTACT,
    NOW,
    ORDER,
    ORDER_MARK,
    contact,
    invoice,
    link,
    open_write,
    payment,
    ready,
    standing,
)


def answer(status: int = 200, body: Any = None, **more: Any) -> Answer:
    encoded = body if isinstance(body, bytes) else msgspec.json.Encoder(decimal_format="number").encode(body)
    return Answer(status=status, body=encoded, **more)


def invoices(*bodies: dict[str, Any]) -> Answer:
    return answer(body={"Invoices": bodies}, correlation_id="cor-1")


def item(number: str = "S1-1001", **more: Any) -> OpenWrite:
    command = ready(invoice(number=number), command_id=f"c-{number}", **more)
    element = elements.invoice(invoice(number=number), "contact-id", ORDER_MARK)
    return open_write(command, element, number=number)


def of(payload: AnyPayload, element: dict[str, Any], resource: Any, step: str = "create", **more: Any) -> OpenWrite:
    return open_write(ready(payload, **more), element, step, resource)


def refused(*messages: str, **more: Any) -> dict[str, Any]:
    body = standing(InvoiceID="00000000-0000-0000-0000-000000000000", HasErrors=True, StatusAttributeString="ERROR")
    return {**body, "ValidationErrors": [{"Message": message} for message in messages], **more}


def test_a_kept_element_is_posted_with_all_that_is_known() -> None:
    verdict = judge([item()], invoices(standing(StatusAttributeString="OK")), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Posted)
    assert (result.resource, result.xero_id, result.number) == ("Invoices", "invoice-id", "S1-1001")
    assert result.document is not None
    assert result.document.read_at == NOW
    element = item().write.element
    assert result.sent == {**element, "LineItems": [{**element["LineItems"][0], "TaxAmount": "3.33"}]}


@pytest.mark.parametrize("lines", [[], [{"LineAmount": "20.00"}]])
def test_a_tax_that_xero_does_not_tell_is_not_remembered(lines: list[dict[str, Any]]) -> None:
    verdict = judge([item()], invoices(standing(LineItems=lines)), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Posted)
    assert result.sent == item().write.element


def test_another_total_is_posted_and_asked_about() -> None:
    verdict = judge([item()], invoices(standing(Total=Decimal("20.01"))), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Asked)
    assert (result.kind, result.cause) == ("difference", "difference")
    assert result.posted is not None
    assert result.posted.xero_id == "invoice-id"


def test_another_tax_is_asked_about_though_the_total_is_right() -> None:
    """With tax inside, a wrong rate leaves the total as it is: only the VAT return would show it."""
    written = open_write(
        ready(invoice(total_tax=Decimal("3.33"))),
        {"InvoiceNumber": "S1-1001", "LineItems": []},
        "create",
        number="S1-1001",
    )
    verdict = judge([written], invoices(standing(TotalTax=Decimal("0.00"))), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Asked)
    assert "a tax of 0.00 instead of 3.33" in result.text
    assert result.ours == {"Total": "20.00", "TotalTax": "3.33"}
    verdict = judge([written], invoices(standing(TotalTax=Decimal("3.33"))), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert isinstance(verdict.results[0], Posted)


def test_an_update_remembers_all_that_was_ever_posted() -> None:
    effect = link(ORDER, "Invoices", "invoice-id", posted_body={"Reference": "old", "DueDate": "2026-11-20"})
    update = open_write(
        ready(invoice(), effect), {"InvoiceID": "invoice-id", "Reference": "new"}, "update", number="S1-1001"
    )
    verdict = judge([update], invoices(standing(Total=Decimal(99))), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Posted)
    assert result.sent == {"Reference": "new", "DueDate": "2026-11-20", "InvoiceID": "invoice-id"}


def test_each_element_has_its_own_end_by_position() -> None:
    sent = [item("S1-1"), item("S1-2"), item("S1-3")]
    found = invoices(
        standing(InvoiceNumber="S1-1"),
        refused("Account code '299' has been archived, or has been deleted.", InvoiceNumber="S1-2"),
        standing(InvoiceNumber="S1-3"),
    )
    verdict = judge(sent, found, first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert [type(result) for result in verdict.results] == [Posted, Rejected, Posted]
    letter = verdict.results[1]
    assert isinstance(letter, Rejected)
    assert letter.evidence.field == "AccountCode"
    assert letter.evidence.value == "299"
    assert letter.evidence.xero_correlation_id == "cor-1"
    assert letter.evidence.http_status == 200
    assert "dlq replay" in (letter.evidence.remedy or "")


@pytest.mark.parametrize(
    "found",
    [
        invoices(),
        invoices(standing(), standing()),
        invoices(standing(InvoiceNumber="S1-9999")),
        answer(body=b"<html>"),
        answer(body={"Contacts": []}),
        answer(status=502, body=b"<html>", content_type="text/html"),
        answer(status=504, body=b""),
        answer(status=500, body=b"An error occurred"),
        answer(status=503, body=b"The Organisation is offline"),
        answer(status=409, body={"Detail": "in progress"}),
        answer(status=400, body={"ErrorNumber": 10, "Message": "Idempotency Key: k is used with a different request."}),
        answer(status=302, body=b""),
        NoAnswer(left=True, detail="no answer: TimeoutError"),
    ],
)
def test_what_says_nothing_for_certain_is_unknown(found: Answer | NoAnswer) -> None:
    assert isinstance(judge([item()], found, first=True, now=NOW), Unknown)


PROOFS = [
    (answer(status=429, body=b"", rate_limit_problem="minute", retry_after_s=26.0), "throttled", 26.0),
    (answer(status=429, body=b"", rate_limit_problem="day", retry_after_s=3600.0), "quota", 3600.0),
    (answer(status=429, body=b"", rate_limit_problem="concurrent"), "throttled", 1.0),
    (answer(status=429, body=b"", rate_limit_problem="minute"), "throttled", 60.0),
    (answer(status=429, body=b"", rate_limit_problem="day"), "quota", 900.0),
    (answer(status=429, body=b"", retry_after_s=0.0), "throttled", 0.25),
    (answer(status=401, body={"Detail": "TokenExpired: token expired at 09/24/2021"}), "transient", None),
    (NoAnswer(left=False, detail="no connection to Xero"), "transient", None),
]


@pytest.mark.parametrize(("found", "cause", "wait_s"), PROOFS)
def test_what_proves_that_nothing_happened(found: Answer | NoAnswer, cause: str, wait_s: float | None) -> None:
    verdict = judge([item(), item("S1-2")], found, first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert verdict.stop is None
    assert len(verdict.results) == 2
    for result in verdict.results:
        assert isinstance(result, Back)
        assert result.cause == cause
        assert result.not_before is not None
        if wait_s is not None:
            assert (result.not_before - NOW).total_seconds() == wait_s
    # After an earlier send that nobody answered it decides nothing.
    assert isinstance(judge([item()], found, first=False, now=NOW), Unknown)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (answer(status=401, body={"Detail": "AuthenticationUnsuccessful"}), "auth"),
        (answer(status=401, body=b"", www_authenticate='Bearer error="insufficent_scope"'), "scope"),
        (answer(status=401, body=b"", www_authenticate='Bearer error="insufficient_scope"'), "scope"),
        (answer(status=403, body={"Detail": "AuthorizationUnsuccessful"}), "scope"),
        (answer(status=403, body={"Detail": "AuthenticationUnsuccessful"}), "disconnected"),
    ],
)
def test_a_closed_door_stops_the_tenant_and_makes_no_dead_letter(found: Answer, cause: str) -> None:
    verdict = judge([item()], found, first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert verdict.stop is not None
    assert verdict.stop.cause == cause
    assert "resume" in (verdict.stop.evidence.remedy or "")
    assert isinstance(verdict.results[0], Back)


def test_a_token_that_is_always_expired_stops_the_tenant_in_the_end() -> None:
    expired = answer(status=401, body={"Detail": "TokenExpired: token expired at 09/24/2021"})
    verdict = judge([item(attempts=5)], expired, first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert verdict.stop is not None


def test_a_malformed_call_names_its_culprit_or_is_halved() -> None:
    sent = [item(f"S1-{place}") for place in range(6)]
    named = answer(
        status=400,
        body={"ErrorNumber": 14, "Message": "Error converting value. Path 'Invoices[2].LineAmountTypes'."},
    )
    verdict = judge(sent, named, first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert [type(result) for result in verdict.results] == [Back, Back, Rejected, Back, Back, Back]
    letter = verdict.results[2]
    assert isinstance(letter, Rejected)
    assert (letter.cause, letter.evidence.xero_error_number) == ("poison", 14)
    unnamed = answer(status=400, body={"ErrorNumber": 14, "Message": "bad"})
    halved = judge(sent, unnamed, first=True, now=NOW)
    assert isinstance(halved, Settled)
    assert all(isinstance(result, Back) and result.hints == {"batch_max": "3"} for result in halved.results)
    small = judge(sent[:4], unnamed, first=True, now=NOW)
    assert isinstance(small, Settled)
    assert all(isinstance(result, Rejected) for result in small.results)


def test_halving_ends_within_eight_calls() -> None:
    size, calls = 50, 0
    while size > 4:
        size, calls = (size + 1) // 2, calls + 2
    assert calls <= 8


def test_a_double_is_looked_at_before_it_is_judged() -> None:
    verdict = judge(
        [item("S1-1"), item("S1-2")],
        invoices(standing(InvoiceNumber="S1-1"), refused("Invoice # must be unique.", InvoiceNumber="S1-2")),
        first=True,
        now=NOW,
    )
    assert isinstance(verdict, LookFirst)
    assert [type(result) for result in verdict.results] == [Posted]
    assert [one.refusal.kind for one in verdict.refused] == ["number_taken"]


def test_a_renamed_contact_whose_name_is_taken_gets_the_alias() -> None:
    taken = "The contact name John Smith is already assigned to another contact."
    body = {
        "Contacts": [{"ContactID": "contact-id", "HasValidationErrors": True, "ValidationErrors": [{"Message": taken}]}]
    }
    effect = link(CONTACT, "Contacts", "contact-id")
    element = {"ContactID": "contact-id", "Name": "John Smith"}
    update = of(contact(ensure=False), element, "Contacts", "update", effect=effect)
    verdict = judge([update], answer(body=body), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Back)
    assert result.hints == {"name": "alias"}
    again = of(contact(ensure=False), element, "Contacts", "update", effect=effect, hints={"name": "alias"})
    verdict = judge([again], answer(body=body), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert isinstance(verdict.results[0], Rejected)


def test_two_people_of_one_name_need_no_look_unless_our_number_is_taken_too() -> None:
    name = {"Message": "The contact name John Smith is already assigned to another contact."}
    code = {"Message": "Another contact has this contact number. Please enter a different contact number."}
    create = of(contact(), elements.contact(contact()), "Contacts", effect=link(CONTACT))
    verdict = judge([create], answer(body={"Contacts": [{"ValidationErrors": [name]}]}), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Back)
    assert result.hints == {"name": "alias"}
    verdict = judge([create], answer(body={"Contacts": [{"ValidationErrors": [name, code]}]}), first=True, now=NOW)
    assert isinstance(verdict, LookFirst)


def test_an_invoice_paid_between_read_and_update_is_read_again() -> None:
    effect = link(ORDER, "Invoices", "invoice-id")
    void = open_write(ready(invoice(), effect), {"InvoiceID": "invoice-id", "Status": "VOIDED"}, "void")
    message = "This document cannot be edited as it has a payment or credit note allocated to it."
    verdict = judge([void], invoices(refused(message, InvoiceID="invoice-id")), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Back)
    assert result.hints == {"read_after": NOW.isoformat()}


def test_a_payment_deleted_already_is_what_a_reversal_wants() -> None:
    body = {
        "Payments": [
            {
                "PaymentID": "payment-id",
                "HasValidationErrors": True,
                "ValidationErrors": [{"Message": "This payment has already been deleted"}],
            }
        ]
    }
    reversal = of(payment(), {"PaymentID": "payment-id", "Status": "DELETED"}, "Payments", "delete")
    verdict = judge([reversal], answer(body=body), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    (result,) = verdict.results
    assert isinstance(result, Posted)
    assert (result.resource, result.xero_id) == (None, None)


def test_a_missing_document_in_its_own_path_is_a_dead_letter() -> None:
    reversal = of(payment(), {"PaymentID": "payment-id", "Status": "DELETED"}, "Payments", "delete")
    verdict = judge([reversal], answer(status=404, body=b"", content_type="text/html"), first=True, now=NOW)
    assert isinstance(verdict, Settled)
    assert isinstance(verdict.results[0], Rejected)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (answer(401, {"Detail": "AuthenticationUnsuccessful"}), "auth"),
        (answer(403, {"Detail": "AuthorizationUnsuccessful"}), "scope"),
        (answer(403, {"Detail": "AuthenticationUnsuccessful"}), "disconnected"),
        (answer(401, {"Detail": "TokenExpired: token expired"}), None),
        (answer(503, b"The Organisation is offline"), None),
    ],
)
def test_who_is_shut_out_when_asking_stops_the_tenant(given: Answer, cause: str | None) -> None:
    trouble = answers.read(given, "Invoices")
    assert isinstance(trouble, answers.Trouble)
    stop = shut_out(trouble)
    assert (None if stop is None else stop.cause) == cause
    if stop is not None:
        assert stop.evidence.http_status == given.status
