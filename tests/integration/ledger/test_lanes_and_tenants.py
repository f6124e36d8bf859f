"""Which command may go, for which organisation, and how soon."""

import datetime as dt

from schemas.commands import Evidence
from streams.core.plan import Settle, next_step
from streams.core.results import Asked, Back, Option, Posted, Rejected
from streams.ledger import Ledger
from tests.support.clock import ManualClock
from tests.support.ledger import (
    cancel,
    contact,
    contact_effect,
    invoice,
    invoice_effect,
    of,
    opened,
    order_placed,
    payment,
    post_all,
    posted,
    ready,
    reversal,
    settled,
    states,
    take_in,
)


async def test_contact_then_invoice_then_payment(ledger: Ledger) -> None:
    await take_in(ledger, of(payment("e2"), 0), order_placed("e1", "1001", 1))
    for expected in (["shop-1:e1#contact"], ["shop-1:e1#invoice"], ["shop-1:e2#payment"], []):
        assert await ready(ledger) == expected
        if expected:
            kind = {"contact": "Contacts", "invoice": "Invoices", "payment": "Payments"}[expected[0].partition("#")[2]]
            await settled(ledger, await opened(ledger), posted(expected[0], kind))  # type: ignore[arg-type]  # a literal
    assert await ledger.sweep() == 0


async def test_a_payment_takes_its_organisation_from_the_order_whichever_comes_first(ledger: Ledger) -> None:
    await take_in(ledger, of(payment("e1", "p1"), 0))
    before = (await ledger.timeline.trace("stripe-1:payment:p1")).commands[0]
    assert (before.tenant, before.waits_for) == (None, "routing")
    await take_in(ledger, of(invoice("e2", tenant="eu"), 1), of(payment("e3", "p2", tenant="uk"), 2), at=1)
    for key in ("p1", "p2"):
        assert (await ledger.timeline.trace(f"stripe-1:payment:{key}")).commands[0].tenant == "eu"
    assert await post_all(ledger, "eu") == 3


async def test_a_routed_guess_gives_way_to_the_order(ledger: Ledger) -> None:
    await take_in(ledger, of(payment("e1", tenant="uk"), 0), of(invoice("e2", tenant="eu"), 1))
    assert (await ledger.timeline.trace("stripe-1:payment:p1")).commands[0].tenant == "eu"


async def test_an_order_stays_where_it_was_routed_first(ledger: Ledger) -> None:
    await take_in(
        ledger, of(invoice("e1", tenant="uk"), 0), of(invoice("e2", sequence=2, total="9.00", tenant="eu"), 1)
    )
    assert {one.tenant for one in (await ledger.timeline.trace("shop-1:order:1001")).commands} == {"uk"}


async def test_a_cancellation_takes_its_organisation_from_an_older_version_that_comes_later(ledger: Ledger) -> None:
    await take_in(ledger, of(cancel("e1", sequence=2, tenant=None), 0))
    assert (await ledger.timeline.trace("shop-1:order:1001")).commands[0].waits_for == "routing"
    await take_in(ledger, of(invoice("e2", tenant="eu"), 1), at=1)
    assert await states(ledger, "shop-1:order:1001") == {
        "shop-1:e1#cancel": "pending",
        "shop-1:e2#invoice": "superseded",
    }
    assert await ready(ledger, "eu") == ["shop-1:e1#cancel"]


async def test_a_reversal_that_comes_before_its_payment_waits_behind_it(ledger: Ledger) -> None:
    await take_in(ledger, of(reversal("e1"), 0), of(payment("e2"), 1), of(invoice("e3"), 2))
    await settled(ledger, await opened(ledger), posted("shop-1:e3#invoice", "Invoices"))
    assert await ready(ledger) == ["shop-1:e2#payment"]
    await settled(ledger, await opened(ledger), posted("shop-1:e2#payment", "Payments"))
    assert await ready(ledger) == ["shop-1:e1#reversal"]


async def test_a_cancellation_waits_for_the_invoice_that_is_on_its_way(ledger: Ledger) -> None:
    """What the invoice builds on does not let the cancellation past it."""
    await take_in(ledger, order_placed("e1", "1001", 0))
    await settled(ledger, await opened(ledger), posted("shop-1:e1#contact", "Contacts"))
    ticket = await opened(ledger)
    await take_in(ledger, of(cancel("e2", sequence=2), 1), at=1)
    assert await ready(ledger) == []
    assert (await ledger.timeline.trace("shop-1:order:1001")).commands[-1].waits_for == "lane"
    await settled(ledger, ticket, posted("shop-1:e1#invoice", "Invoices"))
    assert await ready(ledger) == ["shop-1:e2#cancel"]


async def test_two_organisations_of_one_customer_do_not_wait_for_each_other(ledger: Ledger) -> None:
    await take_in(ledger, of(contact("e1", tenant="uk"), 0), of(contact("e2", tenant="eu"), 1))
    assert await ready(ledger, "uk") == ["shop-1:e1#contact"]
    assert await ready(ledger, "eu") == ["shop-1:e2#contact"]


async def test_followers_of_a_dead_head_wait_and_say_so(ledger: Ledger) -> None:
    update = contact("e0", ensure=False, sequence=1)
    await take_in(ledger, of(update, 0), of(contact("e1", tenant="eu"), 1))
    ticket = await opened(ledger)
    await settled(
        ledger, ticket, Rejected(command_id="shop-1:e0#contact", cause="data", evidence=Evidence(message="no"))
    )
    await take_in(ledger, order_placed("e2", "1001", 2), at=2)
    [waiting] = [
        one for one in (await ledger.timeline.trace("shop-1:order:1001")).commands if one.kind == "UpsertInvoice"
    ]
    assert waiting.waits_for in ("dependency", "dead_dependency")
    assert (await ledger.audits.audit()).problems == ()


async def test_a_difference_holds_its_lane_until_it_is_answered(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    difference = Asked(
        command_id="shop-1:e1#invoice",
        kind="difference",
        cause="difference",
        text="Xero made 12.51 of it",
        ours={"Total": "12.50"},
        theirs={"Total": "12.51"},
        options=(Option("accept", "leave it"),),
        posted=posted("shop-1:e1#invoice", "Invoices"),
    )
    await settled(ledger, ticket, difference)
    await take_in(ledger, of(invoice("e2", sequence=2, total="20.00"), 1), of(payment("e3"), 2), at=1)
    assert await ready(ledger) == ["shop-1:e3#payment"]
    [asked] = await ledger.questions.list()
    [follower] = [one for one in (await ledger.timeline.trace("shop-1:order:1001")).commands if one.sequence == 2]
    assert (follower.waits_for, asked.question_id in (follower.why or "")) == ("lane", True)
    await ledger.questions.answer(asked.question_id, "accept", "ann")
    assert "shop-1:e2#invoice" in await ready(ledger)


async def test_a_question_about_a_command_leaves_it_out_and_its_answer_brings_it_back(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    options = (Option("source", "ours"), Option("xero", "theirs"))
    asked = Asked(command_id="shop-1:e1#invoice", kind="edited", text="?", ours={}, theirs={}, options=options)
    await settled(ledger, ticket, asked)
    assert await ready(ledger) == []
    [question] = await ledger.questions.list()
    await ledger.questions.answer(question.question_id, "source", "ann")
    [one] = (await ledger.situation.read("uk")).ready
    assert one.decision == "source"


async def test_what_others_build_on_is_as_urgent_as_they_are(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(
        ledger,
        of(contact("e0", "c9", ensure=False, sequence=1), 0),
        of(payment("e3"), 1),
        order_placed("e1", "1001", 2),
    )
    found = {one.command_id: one for one in (await ledger.situation.read("uk")).ready}
    now = clock.now()
    assert found["shop-1:e1#contact"].due == now + dt.timedelta(minutes=1)
    assert found["shop-1:e0#contact"].due == now + dt.timedelta(minutes=5)
    assert next(iter(found)) == "shop-1:e1#contact"


async def test_what_comes_back_keeps_its_place_and_is_not_tried_before_its_time(
    ledger: Ledger, clock: ManualClock
) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    [before] = (await ledger.situation.read("uk")).ready
    ticket = await opened(ledger)
    later = clock.now() + dt.timedelta(seconds=30)
    back = Back(
        command_id="shop-1:e1#invoice", cause="transient", reason="503", not_before=later, hints={"name": "alias"}
    )
    await settled(ledger, ticket, back)
    assert await ready(ledger) == []
    assert await ledger.situation.next_not_before("uk") == 30.0
    waiting = (await ledger.timeline.trace("shop-1:order:1001")).commands[0]
    assert (waiting.waits_for, waiting.until) == ("retry", later)
    clock.advance(30)
    [after] = (await ledger.situation.read("uk")).ready
    assert (after.ready_since, after.hints, after.attempts) == (before.ready_since, {"name": "alias"}, 1)


async def test_stops_leave_out_what_they_cover_and_nothing_else(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(invoice("e2", "2002", tenant="eu"), 1))
    await ledger.stops.add(tenant="uk", reason="year end", actor="ann")
    assert (await ready(ledger, "uk"), await ready(ledger, "eu")) == ([], ["shop-1:e2#invoice"])
    assert await ledger.situation.tenants_with_work() == ("eu",)
    assert (await ledger.timeline.trace("shop-1:order:1001")).commands[0].why == "stopped by ann: year end"
    await ledger.stops.add(tenant=None, source="shop-1", reason="noise", actor="bob")
    assert await ready(ledger, "eu") == []
    assert [one.scope for one in await ledger.stops.list()] == ["uk/*", "*/shop-1"]
    assert await ledger.stops.lift(tenant=None, source="shop-1", actor="bob")
    assert await ledger.stops.lift(tenant="uk", actor="ann")
    assert not await ledger.stops.lift(tenant="uk", actor="ann")
    assert await ready(ledger, "uk") == ["shop-1:e1#invoice"]


async def test_the_limit_of_a_situation_says_whether_there_is_more(ledger: Ledger) -> None:
    await take_in(ledger, *(of(invoice(f"e{n}", str(n)), n) for n in range(5)))
    some = await ledger.situation.read("uk", 3)
    assert (len(some.ready), some.more) == (3, True)
    assert not (await ledger.situation.read("uk", 5)).more


async def test_money_for_an_order_that_was_cancelled_before_it_was_booked_is_not_left_waiting(ledger: Ledger) -> None:
    """Its invoice never comes: planning makes a dead letter of the payment, and so a person learns of the money."""
    await take_in(ledger, of(invoice("e1"), 0), of(cancel("e2", sequence=2), 1), of(payment("e3"), 2))
    nothing = Posted(
        command_id="shop-1:e2#cancel",
        resource=None,
        xero_id=None,
        number=None,
        document=None,
        sent=None,
        reason="never booked",
    )
    lease = await ledger.leases.acquire("uk", "w1", 60)
    assert lease is not None
    await ledger.results.settle_without_call([nothing], "uk", lease.fence)
    assert (await states(ledger, "shop-1:order:1001"))["shop-1:e2#cancel"] == "posted"
    assert await ready(ledger) == ["shop-1:e3#payment"]
    step = next_step(await ledger.situation.read("uk"), {})
    assert isinstance(step, Settle)
    [letter] = step.results
    assert isinstance(letter, Rejected)
    assert "was never booked: it was cancelled or discarded before" in letter.evidence.message


async def test_what_comes_for_a_discarded_order_is_told_to_a_person(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    refused = Rejected(command_id="shop-1:e1#invoice", cause="data", evidence=Evidence(message="no"))
    await settled(ledger, ticket, refused)
    [letter] = await ledger.dead_letters.list()
    await ledger.discarding.discard(letter.letter.dlq_id, "a test", "ann")
    await take_in(ledger, of(payment("e2"), 1), at=1)
    assert await ready(ledger) == ["shop-1:e2#payment"]


async def test_everybody_behind_a_dead_letter_is_counted_shown_and_listed_with_it(
    ledger: Ledger,
) -> None:
    """A contact is refused: its orders wait for it, and the payment of one of them."""
    await take_in(ledger, order_placed("e1", "1001", 0), of(payment("e2"), 1), order_placed("e3", "1002", 2))
    ticket = await opened(ledger, "shop-1:e1#contact")
    refusal = Rejected(command_id="shop-1:e1#contact", cause="data", evidence=Evidence(message="no"))
    await settled(ledger, ticket, refusal)
    assert await ready(ledger) == []
    report = await ledger.audits.audit()
    assert report.problems == ()
    assert report.waiting == {"dead_dependency": 3}
    held = {one.command_id: one for one in await ledger.timeline.stranded_by("shop-1:e1#contact")}
    assert set(held) == {"shop-1:e1#invoice", "shop-1:e2#payment", "shop-1:e3#invoice"}
    [money] = (await ledger.timeline.trace("stripe-1:payment:p1")).commands
    assert money.waits_for == "dead_dependency"
    assert money.why == (
        f"{invoice_effect('1001')} is not booked yet, which waits: {contact_effect('c1')} is a dead letter"
    )


async def test_a_payment_whose_order_never_comes_says_so_after_an_hour(ledger: Ledger, clock: ManualClock) -> None:
    await take_in(ledger, of(payment("e1", tenant="uk"), 0), of(payment("e2", "p2", order="7"), 1))
    assert (await ledger.audits.audit()).waiting == {"dependency": 1, "routing": 1}
    clock.advance(3 * 3600 + 60)
    [late] = (await ledger.timeline.trace("stripe-1:payment:p1")).commands
    assert (late.waits_for, late.until) == ("late_dependency", None)
    assert f"no event told of {invoice_effect('1001')} for 3 h" in (late.why or "")
    assert (await ledger.audits.audit()).waiting == {"late_dependency": 2}
    await take_in(ledger, of(invoice("e3"), 2), at=2)
    [follower] = (await ledger.timeline.trace("stripe-1:payment:p1")).commands
    assert follower.waits_for == "dependency"
