"""What people decide: replay, discard, answers; each within one transaction, or tried without one."""

import msgspec
import pytest

from schemas.commands import CommandRecord, Commands, Evidence, Ignored, Outcome, Pending, RefusedEvent
from streams.core.results import Rejected
from streams.core.situation import Resource
from streams.ledger import Ledger
from streams.ledger.errors import NotPossible
from streams.ledger.replay import Retranslate, StoredRecord
from tests.support.ledger import (
    contact,
    contact_effect,
    fence,
    invoice,
    of,
    opened,
    order_placed,
    payment,
    post_all,
    posted,
    ready,
    record,
    refused,
    settled,
    states,
    take_in,
)

ID = "shop-1:e1#invoice"
ORDER = "shop-1:order:1001"


def gives(result: CommandRecord) -> Retranslate:
    """A translate that makes this of whatever it gets, with the bytes that it got."""

    def retranslate(stored: StoredRecord) -> CommandRecord:
        return msgspec.structs.replace(result, offset=stored.offset, value=stored.value)

    return retranslate


async def post(ledger: Ledger, command_id: str, resource: Resource) -> None:
    """Post one ready command."""
    await settled(ledger, await opened(ledger, command_id), posted(command_id, resource))


async def dead(ledger: Ledger, command_id: str = ID) -> str:
    """Let a ready command be refused by Xero; the letter's id."""
    ticket = await opened(ledger, command_id)
    refusal = Rejected(command_id=command_id, cause="data", evidence=Evidence(message="no such account"))
    await settled(ledger, ticket, refusal)
    [found] = [one for one in await ledger.dead_letters.list() if one.letter.subject == command_id]
    return found.letter.dlq_id


async def test_a_mended_event_goes_back_as_a_new_revision(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(payment("e2"), 1))
    letter = await dead(ledger)
    mended = of(invoice("e1", total="13.00"), 0)
    tried = await ledger.replays.replay(letter[:8], gives(mended), "ann", dry_run=True)
    assert tried.dry_run
    assert [(one.from_state, one.to_state) for one in tried.commands] == [("rejected", "pending")]
    assert (await states(ledger, ORDER))[ID] == "rejected"
    assert len(await ledger.dead_letters.list()) == 1
    done = await ledger.replays.replay(letter[:8], gives(mended), "ann")
    assert done.result == "replayed"
    [one] = (await ledger.situation.read("uk")).ready
    assert (one.revision, str(getattr(one.payload, "total", None))) == (2, "13.00")
    closed = await ledger.dead_letters.get(letter)
    assert (closed.state, closed.closed_by) == ("closed", "ann")
    assert await post_all(ledger) == 2
    with pytest.raises(NotPossible, match="closed by ann"):
        await ledger.replays.replay(letter, gives(mended), "bob")


async def test_a_second_failure_is_a_second_letter_that_names_the_first(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    first = await dead(ledger)
    await ledger.replays.replay(first, gives(of(invoice("e1"), 0)), "ann")
    second = (await ledger.dead_letters.get(await dead(ledger))).letter
    assert second.dlq_id != first
    assert (second.replay_of, second.replay_count, second.attempts) == (first, 1, 2)


async def test_edited_bytes_go_on_and_the_letter_keeps_what_was_sent(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    letter = await dead(ledger)
    await ledger.replays.replay(letter, gives(of(invoice("e1", total="13.00"), 0)), "ann", edited=b'{"edited":1}')
    closed = (await ledger.dead_letters.get(letter)).letter
    assert (closed.edited_by, closed.value) == ("ann", b"{}")
    again = (await ledger.dead_letters.get(await dead(ledger))).letter
    assert again.value == b'{"edited":1}'
    other = of(invoice("e9"), 0)
    with pytest.raises(NotPossible, match="keep its id"):
        await ledger.replays.replay(again.dlq_id, gives(other), "ann")


async def test_a_refused_record_becomes_an_event_and_the_equation_holds(ledger: Ledger) -> None:
    await take_in(ledger, refused("e1", 0, entity=ORDER))
    [row] = await ledger.dead_letters.list()
    done = await ledger.replays.replay(row.letter.dlq_id, gives(order_placed("e1", "1001", 0)), "ann")
    assert [one.to_state for one in done.commands] == ["pending", "pending"]
    [first] = (await ledger.situation.read("uk")).ready
    assert first.due == first.ready_since, "a person waits for it, so its call is not filled first"
    closed = await ledger.dead_letters.get(row.letter.dlq_id)
    assert (closed.closed_by, closed.closed_reason) == ("ann", "replayed")
    report = await ledger.audits.audit()
    assert report.problems == ()
    assert [(one.records, one.events, one.refused) for one in report.topics] == [(1, 1, 0)]
    await ledger.intake.take_in([refused("e1", 0, entity=ORDER)], (0, 9))
    assert (await ledger.audits.audit()).problems == ()


async def test_what_still_cannot_be_booked_stays_a_letter_with_the_new_reason(ledger: Ledger) -> None:
    await take_in(ledger, refused("e1", 0, entity=ORDER))
    [row] = await ledger.dead_letters.list()
    evidence = Evidence(message="another reason")
    worse = record("e1", RefusedEvent(cause="bug", stage="translate", evidence=evidence), 0)
    done = await ledger.replays.replay(row.letter.dlq_id, gives(worse), "ann")
    assert (done.result, done.text) == ("refused", "another reason")
    [after] = await ledger.dead_letters.list()
    assert (after.letter.attempts, after.letter.cause, after.letter.evidence) == (2, "bug", evidence)
    assert (await ledger.audits.audit()).problems == ()


async def test_nothing_that_is_on_its_way_or_booked_is_changed_by_a_replay(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0))
    await post(ledger, "shop-1:e1#contact", "Contacts")
    letter = await dead(ledger)
    contact_changed = record("e1", Commands((contact("e1", ensure=False, name="B", sequence=1), invoice("e1"))), 0)
    with pytest.raises(NotPossible, match="booked with other content"):
        await ledger.replays.replay(letter, gives(contact_changed), "ann")
    elsewhere = record("e1", Commands((contact("e1"), invoice("e1", "7"))), 0)
    with pytest.raises(NotPossible, match="in the place of"):
        await ledger.replays.replay(letter, gives(elsewhere), "ann")
    assert (await states(ledger, ORDER))[ID] == "rejected"


async def test_an_event_with_a_command_on_its_way_must_wait(ledger: Ledger) -> None:
    two = record("e1", Commands((invoice("e1"), payment("e1", tenant="uk", order="7"))), 0)
    await take_in(ledger, two, of(invoice("e0", "7"), 1))
    letter = await dead(ledger)
    await post(ledger, "shop-1:e0#invoice", "Invoices")
    await opened(ledger, "shop-1:e1#payment")
    with pytest.raises(NotPossible, match="try again in a minute"):
        await ledger.replays.replay(letter, gives(two), "ann")


async def test_a_mended_event_may_ask_for_less_or_nothing(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0))
    letter = await dead(ledger, "shop-1:e1#contact")
    done = await ledger.replays.replay(letter, gives(record("e1", Ignored("a test order"), 0)), "ann")
    assert (done.result, done.text) == ("ignored", "a test order")
    assert set((await states(ledger, ORDER)).values()) == {"discarded"}
    assert (await ledger.audits.audit()).dispositions["discarded"] == 1


async def test_a_payment_that_named_the_wrong_order_waits_for_the_right_one_after_replay(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e0"), 0), of(payment("e1"), 1))
    await post(ledger, "shop-1:e0#invoice", "Invoices")
    letter = await dead(ledger, "shop-1:e1#payment")
    await ledger.replays.replay(letter, gives(of(payment("e1", order="2002"), 1)), "ann")
    assert await ready(ledger) == []
    await take_in(ledger, of(invoice("e3", "2002"), 2), at=2)
    assert await post_all(ledger) == 2


async def test_discarding_names_what_builds_on_it_and_takes_it_along_when_told(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(payment("e2"), 1), of(payment("e3", "p2"), 2))
    letter = await dead(ledger)
    with pytest.raises(NotPossible, match="shop-1:e2#payment, shop-1:e3#payment build on it"):
        await ledger.discarding.discard(letter, "a test", "ann")
    tried = await ledger.discarding.discard(letter, "a test", "ann", followers=True, dry_run=True)
    assert tried.discarded == (ID, "shop-1:e2#payment", "shop-1:e3#payment")
    assert len(await ledger.dead_letters.list()) == 1
    await ledger.discarding.discard(letter, "a test", "ann", followers=True)
    report = await ledger.audits.audit()
    assert (report.dispositions["discarded"], report.problems) == (3, ())


async def test_discarding_a_refused_record(ledger: Ledger) -> None:
    await take_in(ledger, refused("e1", 0))
    [row] = await ledger.dead_letters.list()
    await ledger.discarding.discard(row.letter.dlq_id, "spam", "ann")
    status = await ledger.status.of_event("shop-1", "e1")
    assert status is not None
    assert (status.disposition, status.reason) == ("discarded", "discarded: spam")
    report = await ledger.audits.audit()
    assert (report.dispositions["discarded"], report.problems) == (1, ())


async def test_the_lane_goes_on_behind_a_discarded_head(ledger: Ledger) -> None:
    update = contact("e1", ensure=False, sequence=1)
    await take_in(ledger, of(update, 0))
    letter = await dead(ledger, "shop-1:e1#contact")
    await take_in(ledger, of(contact("e2", ensure=False, sequence=2, name="B"), 1), at=1)
    assert (await ledger.dead_letters.get(letter)).state == "closed"
    assert await ready(ledger) == ["shop-1:e2#contact"]


async def test_ids_must_be_known_and_unambiguous_and_options_exist(ledger: Ledger) -> None:
    with pytest.raises(NotPossible, match="no dead letter"):
        await ledger.dead_letters.get("zzz")
    with pytest.raises(NotPossible, match="no question"):
        await ledger.questions.answer("zzz", "keep", "ann")
    await take_in(ledger, refused("e1", 0), refused("e2", 1), of(payment("e3"), 2), of(payment("e4", amount="1.00"), 3))
    with pytest.raises(NotPossible, match="several"):
        await ledger.dead_letters.get("")
    [asked] = await ledger.questions.list()
    with pytest.raises(NotPossible, match="keep, take"):
        await ledger.questions.answer(asked.question_id, "maybe", "ann")
    tried = await ledger.questions.answer(asked.question_id, "keep", "ann", dry_run=True)
    assert (tried.state, tried.dry_run) == ("discarded", True)
    await ledger.questions.answer(asked.question_id, "keep", "ann")
    with pytest.raises(NotPossible, match="answered by ann"):
        await ledger.questions.answer(asked.question_id, "keep", "bob")


async def test_events_that_waited_for_a_rule_are_taken_up_by_the_release_that_has_it(ledger: Ledger) -> None:
    await take_in(ledger, *(record(f"e{n}", Pending("no rule"), n, entity=ORDER) for n in range(4)))
    evidence = Evidence(message="no")
    outcomes: dict[int, Outcome] = {
        0: Commands((invoice("e0"),)),
        1: Ignored("nothing to book"),
        2: RefusedEvent(cause="data", stage="translate", evidence=evidence),
        3: Pending("no rule yet"),
    }

    def retranslate(stored: StoredRecord) -> CommandRecord:
        return record(f"e{stored.offset}", outcomes[stored.offset], stored.offset, entity=ORDER)

    assert await ledger.replays.retranslate_pending(retranslate) == 3
    report = await ledger.audits.audit()
    assert report.problems == ()
    assert (report.dispositions["waiting"], report.dispositions["ignored"], report.dispositions["dead_lettered"]) == (
        2,
        1,
        1,
    )
    assert await ready(ledger) == ["shop-1:e0#invoice"]
    assert await ledger.replays.retranslate_pending(retranslate) == 0


async def test_events_that_go_on_waiting_hold_up_none_that_can_be_taken_up(ledger: Ledger) -> None:
    await take_in(ledger, *(record(f"e{n}", Pending("no rule"), n, entity=ORDER) for n in range(3)))

    def retranslate(stored: StoredRecord) -> CommandRecord:
        outcome = Commands((invoice("e2"),)) if stored.offset == 2 else Pending("no rule yet")
        return record(f"e{stored.offset}", outcome, stored.offset, entity=ORDER)

    assert await ledger.replays.retranslate_pending(retranslate, page=1) == 1
    assert await ready(ledger) == ["shop-1:e2#invoice"]


async def test_a_dead_contact_holds_the_order_and_its_replay_frees_it(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0))
    letter = await dead(ledger, "shop-1:e1#contact")
    [held] = [one for one in (await ledger.timeline.trace(ORDER)).commands if one.command_id == ID]
    assert (held.waits_for, contact_effect("c1") in (held.why or "")) == ("dead_dependency", True)
    await ledger.replays.replay(letter, gives(order_placed("e1", "1001", 0)), "ann")
    assert await post_all(ledger) == 2
    assert await fence(ledger) == 1
