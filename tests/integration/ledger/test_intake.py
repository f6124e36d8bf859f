"""Intake: each event once, whatever comes again, and every record counted once."""

import datetime as dt
from decimal import Decimal

import msgspec
import pytest

from schemas import keys
from schemas.commands import (
    Command,
    CommandRecord,
    Commands,
    Duplicate,
    Evidence,
    Ignored,
    Pending,
    RecordPayment,
    UpsertCreditNote,
)
from schemas.envelope import VIA_SWEEP
from streams.core.results import Rejected
from streams.ledger import Ledger
from streams.ledger.errors import NotPossible
from tests.support.ledger import (
    DAY,
    NOON,
    cancel,
    contact,
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

ORDER = "shop-1:order:1001"


async def counts(ledger: Ledger) -> tuple[int, int, int, int]:
    report = await ledger.audits.audit()
    assert report.problems == ()
    return (
        sum(one.records for one in report.topics),
        sum(one.events for one in report.topics),
        sum(one.duplicates for one in report.topics),
        sum(one.refused for one in report.topics),
    )


async def test_the_same_event_twice_in_one_run_and_in_another(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0), order_placed("e1", "1001", 1))
    await take_in(ledger, order_placed("e1", "1001", 2), at=2)
    assert await counts(ledger) == (3, 1, 2, 0)
    assert await states(ledger, ORDER) == {"shop-1:e1#contact": "pending", "shop-1:e1#invoice": "pending"}


async def test_a_run_that_comes_again_is_skipped(ledger: Ledger) -> None:
    run = [order_placed("e1", "1001", 0), refused("e2", 1)]
    first = await ledger.intake.take_in(run, (0, 2))
    again = await ledger.intake.take_in(run, (0, 2))
    assert (first.skipped, again.skipped) == (False, True)
    assert await ledger.intake.offsets([0, 1]) == {0: 2}
    assert await counts(ledger) == (2, 1, 0, 1)


async def test_records_that_come_again_under_new_offsets_of_commands_count_nothing(ledger: Ledger) -> None:
    run = [
        order_placed("e1", "1001", 0),
        order_placed("e1", "1001", 1),
        refused("e2", 2),
        record("e3", Ignored("x"), 3),
    ]
    await take_in(ledger, *run)
    report = await ledger.intake.take_in(run, (0, 8))
    assert report.counts.repeated == 4
    assert await counts(ledger) == (4, 2, 1, 1)


async def test_records_that_were_delayed_behind_later_ones_are_still_taken_in(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e9", "1009", 9))
    await take_in(ledger, order_placed("e1", "1001", 1), order_placed("e9", "1009", 9), at=1)
    assert await counts(ledger) == (2, 2, 0, 0)


async def test_one_id_with_two_contents_is_a_question_and_never_a_retry(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0), order_placed("e1", "1001", 1, total="99.00"))
    await take_in(ledger, order_placed("e1", "1001", 2, total="99.00"), at=2)
    [asked] = await ledger.questions.list()
    assert asked.kind == "event_conflict"
    assert [option.name for option in asked.options] == ["keep", "take"]
    # Neither can be read as an event here, so their digests are all that is told apart.
    assert asked.ours["digest"] != asked.theirs["digest"]
    assert await counts(ledger) == (3, 1, 2, 0)
    await ledger.questions.answer(asked.question_id, "take", "ann")
    commands = (await ledger.timeline.trace(ORDER)).commands
    assert [one.payload["total"] for one in commands if one.kind == "UpsertInvoice"] == ["99.00"]


async def test_a_second_telling_cannot_take_the_place_of_what_is_booked(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0), order_placed("e1", "1001", 1, total="99.00"))
    await post_all(ledger)
    [asked] = await ledger.questions.list()
    [keep] = asked.options
    assert (keep.name, "higher sequence" in keep.does) == ("keep", True)
    with pytest.raises(NotPossible, match="higher sequence") as refused:
        await ledger.questions.answer(asked.question_id, "take", "ann")
    assert "undo" not in str(refused.value)
    await ledger.questions.answer(asked.question_id, "keep", "ann")
    assert await ledger.questions.list() == []


async def test_what_translate_calls_a_duplicate_needs_no_content(ledger: Ledger) -> None:
    again = msgspec.structs.replace(order_placed("e1", "1001", 1), outcome=Duplicate(), value=None, headers=())
    await take_in(ledger, order_placed("e1", "1001", 0), again)
    assert await counts(ledger) == (2, 1, 1, 0)
    assert await ledger.questions.list() == []


async def test_ignored_and_unknown_events_are_rows(ledger: Ledger) -> None:
    await take_in(ledger, record("e1", Ignored("test mode"), 0), record("e2", Pending("unknown type"), 1))
    report = await ledger.audits.audit()
    assert report.dispositions["ignored"] == 1
    assert report.dispositions["waiting"] == 1
    known = await ledger.status.of_event("shop-1", "e1")
    assert known is not None
    assert (known.disposition, known.reason) == ("ignored", "test mode")


async def test_an_older_version_that_comes_late_is_superseded(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e2", "1001", 0, sequence=2, total="20.00"), order_placed("e1", "1001", 1))
    found = await states(ledger, ORDER)
    assert found["shop-1:e1#invoice"] == "superseded"
    assert found["shop-1:e2#invoice"] == "pending"
    assert found["shop-1:e1#contact"] == "same"


async def test_a_newer_version_replaces_one_that_is_pending(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0), of(cancel("e2", sequence=2), 1))
    found = await states(ledger, ORDER)
    assert found["shop-1:e1#invoice"] == "superseded"
    assert found["shop-1:e2#cancel"] == "pending"


async def test_a_newer_version_waits_behind_one_that_is_on_its_way(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    await take_in(ledger, of(invoice("e2", sequence=2, total="20.00"), 1), at=1)
    assert await ready(ledger) == []
    await settled(ledger, ticket, posted("shop-1:e1#invoice", "Invoices"))
    assert await ready(ledger) == ["shop-1:e2#invoice"]
    [one] = (await ledger.situation.read("uk")).ready
    assert one.effect.xero_id == "id-shop-1:e1#invoice"


async def test_a_newer_version_with_the_booked_content_needs_no_call(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    await post_all(ledger)
    await take_in(ledger, of(invoice("e2", sequence=2), 1), of(invoice("e0", sequence=1, total="5.00"), 2), at=1)
    found = await states(ledger, ORDER)
    assert found == {"shop-1:e1#invoice": "posted", "shop-1:e2#invoice": "same", "shop-1:e0#invoice": "superseded"}


async def test_two_events_that_tell_one_payment_book_it_once(ledger: Ledger) -> None:
    await take_in(ledger, of(payment("e1"), 0), of(payment("e2"), 1))
    assert await states(ledger, "stripe-1:payment:p1") == {"shop-1:e1#payment": "pending", "shop-1:e2#payment": "same"}


async def test_two_events_that_tell_one_payment_on_both_sides_of_midnight_book_it_once(ledger: Ledger) -> None:
    """The charge at 23:59:59 and the intent at 00:00:00."""
    before, after = payment("e1"), payment("e2")
    assert isinstance(before.payload, RecordPayment)
    told = msgspec.structs.replace(before.payload, told_by_several=True)
    later = msgspec.structs.replace(told, date=told.date + dt.timedelta(days=1))
    await take_in(
        ledger,
        of(msgspec.structs.replace(before, payload=told), 0),
        of(msgspec.structs.replace(after, payload=later), 1),
    )
    assert await states(ledger, "stripe-1:payment:p1") == {"shop-1:e1#payment": "pending", "shop-1:e2#payment": "same"}
    assert not await ledger.questions.list()


async def test_two_amounts_for_one_payment_are_a_question(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e0"), 0), of(payment("e1"), 1), of(payment("e2", amount="13.00"), 2))
    [asked] = await ledger.questions.list()
    assert asked.kind == "effect_conflict"
    assert (asked.ours["amount"], asked.theirs["amount"]) == ("12.50", "13.00")
    await post_all(ledger)
    assert (await states(ledger, "stripe-1:payment:p1"))["shop-1:e2#payment"] == "pending"
    await ledger.questions.answer(asked.question_id[:8], "keep", "ann")
    assert (await states(ledger, "stripe-1:payment:p1"))["shop-1:e2#payment"] == "discarded"


async def test_a_content_that_is_told_again_is_asked_about_once(ledger: Ledger) -> None:
    first, other = invoice("e1"), [invoice(event, total="13.00") for event in ("e2", "e3", "e4")]
    await take_in(ledger, of(first, 0), of(other[0], 1), of(other[1], 2))
    await take_in(ledger, of(other[2], 3), at=3)
    assert len(await ledger.questions.list()) == 1
    assert (await states(ledger, ORDER))["shop-1:e4#invoice"] == "same"


async def test_a_newer_version_settles_which_of_two_was_right(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(invoice("e2", total="13.00"), 1))
    await take_in(ledger, of(invoice("e3", sequence=2, total="14.00"), 2), at=2)
    assert await ledger.questions.list() == []
    [asked] = await ledger.questions.list(state=None)
    assert asked.answer == "superseded"
    assert await ready(ledger) == ["shop-1:e3#invoice"]
    assert (await states(ledger, ORDER))["shop-1:e2#invoice"] == "superseded"
    report = await ledger.audits.audit()
    assert report.problems == ()


async def test_the_other_content_can_be_taken(ledger: Ledger) -> None:
    await take_in(ledger, of(payment("e1"), 0), of(payment("e2", amount="13.00"), 1))
    [asked] = await ledger.questions.list()
    await ledger.questions.answer(asked.question_id, "take", "ann")
    assert await states(ledger, "stripe-1:payment:p1") == {
        "shop-1:e1#payment": "superseded",
        "shop-1:e2#payment": "pending",
    }
    await take_in(ledger, of(invoice("e0"), 2), at=2)
    await post_all(ledger)
    assert (await states(ledger, "stripe-1:payment:p1"))["shop-1:e2#payment"] == "posted"


async def test_a_refused_event_is_a_letter_with_its_whole_record(ledger: Ledger) -> None:
    await take_in(ledger, refused("e1", 7, entity=ORDER))
    [row] = await ledger.dead_letters.list()
    letter = row.letter
    assert letter.subject == "record:events.orders:0:7"
    assert (letter.value, letter.headers, letter.key) == (b"{}", (("ce_id", b"e1"),), b"order:1")
    assert letter.trace_id == "0af7651916cd43dd8448eb211c80319c"
    status = await ledger.status.of_event("shop-1", "e1")
    assert status is not None
    assert status.disposition == "dead_lettered"
    assert status.error is not None
    assert status.error.field == "lines[0].tax_rate"


async def test_the_same_event_told_well_closes_the_letter(ledger: Ledger) -> None:
    await take_in(ledger, refused("e1", 0), order_placed("e1", "1001", 1))
    assert await ledger.dead_letters.list() == []
    assert await counts(ledger) == (2, 1, 0, 1)


@pytest.mark.parametrize(("sequence", "minutes"), [(1, 5), (1, -5), (3, 5), (3, -5)])
async def test_a_newer_state_of_the_order_closes_the_letter_and_an_older_one_does_not(
    ledger: Ledger, sequence: int, minutes: int
) -> None:
    """The source's own version decides, whatever the events' times and the order in which they came."""
    bad = refused("e1", 0, entity=ORDER, sequence=2)
    good = of(invoice("e2", sequence=sequence), 1, time=NOON + dt.timedelta(minutes=minutes))
    await take_in(ledger, bad)
    await take_in(ledger, good, at=1)
    assert len(await ledger.dead_letters.list()) == (0 if sequence > 2 else 1)
    report = await ledger.audits.audit()
    assert report.dispositions["superseded" if sequence > 2 else "dead_lettered"] == 1


@pytest.mark.parametrize("is_refused_first", [True, False])
async def test_what_tells_only_the_lines_of_a_refund_closes_no_letter_about_its_money(
    ledger: Ledger, is_refused_first: bool
) -> None:
    entity = keys.entity_key("stripe-1", "refund", "re_1")
    note = Command(
        command_id="shop-1:e2#credit_note",
        effect_key=f"{entity}#credit_note",
        entity_key=entity,
        tenant="uk",
        payload=UpsertCreditNote(
            number="CN-1", invoice="i", date=DAY, currency="GBP", total=Decimal(1), reference="re_1"
        ),
        sequence=3,
    )
    first, then = refused("e1", 0, entity=entity, sequence=2), of(note, 1)
    for at, one in enumerate((first, then) if is_refused_first else (then, first)):
        await take_in(ledger, one, at=at)
    assert len(await ledger.dead_letters.list()) == 1


async def test_a_cancellation_of_what_was_paid_closes_no_letter_about_the_sale(ledger: Ledger) -> None:
    entity = keys.entity_key("shop-1", "order", "1001")
    await take_in(ledger, refused("e1", 0, entity=entity, sequence=1))
    await take_in(ledger, of(cancel("e2", sequence=2, is_paid=True), 1), at=1)
    assert len(await ledger.dead_letters.list()) == 1
    await take_in(ledger, of(cancel("e3", sequence=3), 2), at=2)
    assert not await ledger.dead_letters.list()


async def test_a_refused_state_that_is_outdated_when_it_comes_needs_nobody(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e2", sequence=2), 0, time=NOON - dt.timedelta(minutes=1)))
    await take_in(ledger, refused("e1", 1, entity=ORDER, sequence=1), at=1)
    assert await ledger.dead_letters.list() == []


async def test_a_payment_closes_no_letter_of_its_entity(ledger: Ledger) -> None:
    entity = "stripe-1:payment:p1"
    await take_in(ledger, refused("e1", 0, entity=entity), of(payment("e2"), 1, time=NOON + dt.timedelta(hours=1)))
    assert len(await ledger.dead_letters.list()) == 1


async def test_a_corrected_order_resolves_the_dead_letter(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    await settled(
        ledger, ticket, Rejected(command_id="shop-1:e1#invoice", cause="data", evidence=Evidence(message="no"))
    )
    assert len(await ledger.dead_letters.list()) == 1
    await take_in(ledger, of(invoice("e2", sequence=2, total="20.00"), 1), at=1)
    [letter] = await ledger.dead_letters.list(state=None)
    assert letter.closed_reason == "superseded by shop-1:e2#invoice"
    assert await ready(ledger) == ["shop-1:e2#invoice"]


async def test_one_poisoned_record_among_many_is_found_and_the_rest_goes_in(ledger: Ledger) -> None:
    # SQLite holds no whole number above 2^63, as PostgreSQL holds no U+0000.
    bad = msgspec.structs.replace(invoice("bad", "1666"), sequence=2**70)
    run = [order_placed(f"e{n}", str(1000 + n), n, customer=f"c{n}") for n in range(8)] + [of(bad, 8)]
    run += [order_placed(f"e{n}", str(1000 + n), n, customer=f"c{n}") for n in range(9, 12)]
    report = await ledger.intake.take_in(run, (0, 12))
    assert (report.counts.events, report.counts.poison) == (11, 1)
    [row] = await ledger.dead_letters.list()
    assert (row.letter.cause, row.letter.stage, row.letter.offset) == ("poison", "intake", 8)
    assert row.letter.evidence.remedy
    assert await ledger.intake.offsets([0]) == {0: 12}
    assert await counts(ledger) == (12, 11, 0, 1)


async def test_two_commands_of_one_id_are_poison(ledger: Ledger) -> None:
    twice = record("e1", Commands((invoice("e1"), invoice("e1"))), 0)
    report = await ledger.intake.take_in([twice], (0, 1))
    assert report.counts.poison == 1
    assert await counts(ledger) == (1, 0, 0, 1)


async def test_a_contact_that_an_order_needs_never_overwrites_one_that_is_to_be_updated(ledger: Ledger) -> None:
    update = contact("e1", ensure=False, name="Ada Lovelace", sequence=4)
    await take_in(ledger, of(update, 0), order_placed("e2", "1001", 1))
    found = (await ledger.situation.read("uk")).ready
    assert [(one.command_id, getattr(one.payload, "name", None)) for one in found] == [
        ("shop-1:e1#contact", "Ada Lovelace")
    ]


async def test_money_keeps_every_digit(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1", total="0.10000"), 0))
    [one] = (await ledger.situation.read("uk")).ready
    assert str(getattr(one.payload, "total", None)) == str(Decimal("0.10000"))


async def test_what_only_a_sweep_brought_is_counted(ledger: Ledger) -> None:
    """Not what a webhook had told before under another key, nor what is known by its key."""

    def swept(one: CommandRecord) -> CommandRecord:
        return msgspec.structs.replace(one, headers=(*one.headers, VIA_SWEEP))

    told = order_placed("e1", "1001", 0)
    again = swept(order_placed("sweep-1001", "1001", 1))
    new = swept(order_placed("sweep-1002", "1002", 2))
    report = await ledger.intake.take_in([told, again, new, swept(order_placed("e1", "1001", 3))], (0, 4))
    assert report.counts.swept_first == {"shop-1": 1}
