"""Results: states, links, one letter a failure, and what each sets free."""

import datetime as dt
from decimal import Decimal

from schemas.commands import Command, Evidence, ReversePayment
from streams.core.conclude import EXCEEDS_SINCE
from streams.core.results import Asked, Back, Option, Posted, Rejected, Same, Stop
from streams.core.situation import Document
from streams.ledger import Ledger
from tests.support.clock import ManualClock
from tests.support.ledger import (
    DAY,
    contact,
    fence,
    invoice,
    invoice_effect,
    of,
    opened,
    order_placed,
    payment,
    post_all,
    posted,
    ready,
    settled,
    states,
    take_in,
)

ID = "shop-1:e1#invoice"
EVIDENCE = Evidence(
    message="Account code '999' is not valid", field="lines[0].account_code", xero_correlation_id="corr-1"
)


def rejected(command_id: str = ID) -> Rejected:
    return Rejected(command_id=command_id, cause="data", evidence=EVIDENCE)


async def test_a_posted_document_is_linked_and_kept_as_xero_answered_it(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    body = {"InvoiceID": "i-1", "Total": Decimal("12.50"), "Lines": [{"UnitAmount": Decimal("0.10")}]}
    document = Document(resource="Invoices", xero_id="i-1", body=body, read_at=clock.now())
    sent = {"Total": Decimal("12.50")}
    result = Posted(
        command_id=ID,
        resource="Invoices",
        xero_id="i-1",
        number="S1-1001",
        document=document,
        sent=sent,
        reason="created",
    )
    await settled(ledger, ticket, result)
    await take_in(ledger, of(invoice("e2", sequence=2, total="20.00"), 1), at=1)
    [one] = (await ledger.situation.read("uk")).ready
    assert (one.effect.xero_id, one.effect.number, one.effect.posted_body) == ("i-1", "S1-1001", sent)
    assert one.effect.document == document
    assert str(one.effect.document.body["Lines"][0]["UnitAmount"]) == "0.10"
    status = await ledger.status.of_event("shop-1", "e1")
    assert status is not None
    assert status.commands[0].document is not None
    assert status.commands[0].document.number == "S1-1001"
    assert (await ledger.timeline.trace("S1-1001")).entities == ("shop-1:order:1001",)


async def test_a_rejected_command_is_one_dead_letter_with_its_evidence(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    await settled(ledger, ticket, rejected())
    [row] = await ledger.dead_letters.list()
    letter = row.letter
    assert (letter.subject, letter.cause, letter.stage, letter.attempts) == (ID, "data", "send", 1)
    assert letter.evidence == EVIDENCE
    assert letter.idempotency_key == ticket.request.idempotency_key
    assert (letter.topic, letter.offset, letter.value, letter.headers) == (
        "events.orders",
        0,
        b"{}",
        (("ce_id", b"e1"),),
    )
    outbox = await ledger.publishing.unpublished(100)
    [told] = [one for one in outbox if one.letter is not None]
    assert (told.letter, told.outcome.to_state) == (letter, "rejected")


async def test_a_payment_of_too_much_goes_on_as_soon_as_its_invoice_is_changed(
    ledger: Ledger, clock: ManualClock
) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    await post_all(ledger)
    paid = payment("p1")
    await take_in(ledger, of(paid, 1), at=1)
    ticket = await opened(ledger)
    later = clock.now() + dt.timedelta(minutes=15)
    back = Back(
        command_id=paid.command_id,
        cause="transient",
        reason="more than the invoice owes",
        not_before=later,
        hints={EXCEEDS_SINCE: clock.now().isoformat()},
    )
    await settled(ledger, ticket, back)
    assert await ready(ledger) == []
    await take_in(ledger, of(invoice("e2", sequence=2, total="20.00"), 2), at=2)
    ticket = await opened(ledger)
    assert await ready(ledger) == []
    await settled(ledger, ticket, posted("shop-1:e2#invoice", "Invoices", "i-1"))
    assert await ready(ledger) == [paid.command_id]


async def test_what_is_not_current_any_more_needs_no_letter(ledger: Ledger) -> None:
    for number, result in enumerate([rejected(), Back(command_id=ID, cause="transient", reason="gone")]):
        order = str(2000 + number)
        event = f"e{number}"
        await take_in(ledger, of(invoice(event, order), 2 * number), at=2 * number)
        ticket = await opened(ledger)
        newer = of(invoice(f"n{number}", order, sequence=2, total="20.00"), 2 * number + 1)
        await take_in(ledger, newer, at=2 * number + 1)
        command = f"shop-1:{event}#invoice"
        again = (
            rejected(command)
            if isinstance(result, Rejected)
            else Back(command_id=command, cause="transient", reason="gone")
        )
        await settled(ledger, ticket, again)
        assert (await states(ledger, f"shop-1:order:{order}"))[command] == "superseded"
        assert f"shop-1:n{number}#invoice" in await ready(ledger)
        await post_all(ledger)
    assert await ledger.dead_letters.list(state=None) == []


async def test_found_as_it_should_be(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(invoice("e2", "2002"), 1))
    ticket = await opened(ledger, ID)
    await settled(ledger, ticket, Same(command_id=ID, reason="voided already"))
    same = Same(command_id="shop-1:e2#invoice", reason="nothing to do")
    await ledger.results.settle_without_call([same], "uk", await fence(ledger))
    assert await states(ledger, "shop-1:order:1001") == {ID: "posted"}
    assert await states(ledger, "shop-1:order:2002") == {"shop-1:e2#invoice": "same"}
    report = await ledger.audits.audit()
    assert (report.dispositions["posted"], report.problems) == (2, ())


async def test_a_result_without_a_call_leaves_alone_what_changed_meanwhile(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    await take_in(ledger, of(invoice("e2", sequence=2, total="20.00"), 1), at=1)
    await ledger.results.settle_without_call([rejected()], "uk", await fence(ledger))
    assert (await states(ledger, "shop-1:order:1001"))[ID] == "superseded"


async def test_one_document_never_belongs_to_two_facts(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1", "1"), 0), of(invoice("e2", "2"), 1))
    ticket = await opened(ledger)
    both = [posted("shop-1:e1#invoice", "Invoices", "same-id"), posted("shop-1:e2#invoice", "Invoices", "same-id")]
    await settled(ledger, ticket, *both)
    [asked] = await ledger.questions.list()
    assert (asked.kind, asked.command_id) == ("linked_twice", "shop-1:e2#invoice")
    assert await states(ledger, "shop-1:order:2") == {"shop-1:e2#invoice": "pending"}
    await ledger.questions.answer(asked.question_id, "discard", "ann")
    assert await states(ledger, "shop-1:order:2") == {"shop-1:e2#invoice": "discarded"}


async def test_a_reversal_shares_the_document_of_its_payment(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(payment("e2"), 1))
    await post_all(ledger)
    effect = "stripe-1:payment:p1#payment"
    reversal = Command(
        command_id="shop-1:e3#reversal",
        effect_key="stripe-1:payment:p1#reversal",
        entity_key="stripe-1:payment:p1",
        tenant=None,
        payload=ReversePayment(payment=effect, date=DAY),
        depends_on=(effect,),
    )
    await take_in(ledger, of(reversal, 2), at=2)
    result = posted("shop-1:e3#reversal", "Payments", "id-shop-1:e2#payment")
    await ledger.results.settle_without_call([result], "uk", await fence(ledger))
    assert (await states(ledger, "stripe-1:payment:p1"))["shop-1:e3#reversal"] == "posted"
    assert await ledger.questions.list() == []


async def test_a_stop_and_its_results_are_one_transaction(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    stop = Stop(cause="disconnected", evidence=Evidence(message="the app was disconnected", remedy="connect it again"))
    back = Back(command_id=ID, cause="disconnected", reason="403")
    await ledger.results.settle(ticket.root, [back], ticket.fence, stop)
    [row] = await ledger.stops.list()
    assert (row.tenant, row.cause, row.remedy) == ("uk", "disconnected", "connect it again")
    assert await ready(ledger) == []
    assert await ledger.dead_letters.list() == []


async def test_reads_are_kept_for_planning(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0))
    await settled(ledger, await opened(ledger), posted("shop-1:e1#contact", "Contacts", "c-1"))
    document = Document(resource="Contacts", xero_id="c-1", body={"Name": "Ada"}, read_at=clock.now())
    await ledger.results.save_documents("uk", [document], await fence(ledger))
    newer = Document(resource="Contacts", xero_id="c-1", body={"Name": "Bea"}, read_at=clock.now() + dt.timedelta(1))
    await ledger.results.save_documents("uk", [newer], await fence(ledger))
    [one] = (await ledger.situation.read("uk")).ready
    assert one.dependency("shop-1:customer:c1#contact:uk").document == newer


async def test_a_question_is_asked_again_after_its_answer_did_not_help(ledger: Ledger) -> None:
    await take_in(ledger, of(contact("e1"), 0))
    for answer in ("retry", "stop"):
        ticket = await opened(ledger)
        options = (Option("retry", "again"), Option("stop", "no more"))
        command = "shop-1:e1#contact"
        asked = Asked(command_id=command, kind="name", text="taken", ours={}, theirs={}, options=options)
        await settled(ledger, ticket, asked)
        [question] = await ledger.questions.list()
        await ledger.questions.answer(question.question_id, answer, "ann")
    assert len(await ledger.questions.list(state=None)) == 2


async def test_outcomes_come_in_order_and_once_marked_never_again(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    await post_all(ledger)
    outbox = await ledger.publishing.unpublished(100)
    assert [(one.outcome.number, one.outcome.from_state, one.outcome.to_state) for one in outbox] == [
        (1, None, "pending"),
        (2, "pending", "sent"),
        (3, "sent", "posted"),
    ]
    assert outbox[2].outcome.xero_id == f"id-{ID}"
    assert outbox[0].outcome.effect_key == invoice_effect("1001")
    await ledger.publishing.mark_published([one.transition for one in outbox[:2]])
    assert [one.outcome.number for one in await ledger.publishing.unpublished(100)] == [3]
