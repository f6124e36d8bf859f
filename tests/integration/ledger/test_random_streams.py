"""Whatever comes, in whatever order: the equation holds, lanes are kept, and the newest version is booked."""

import asyncio
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.commands import CommandRecord, Evidence, Ignored
from streams.core.results import Back, Rejected, Result
from streams.ledger import Ledger, open_ledger
from streams.ledger.calls import Wait
from tests.support.clock import ManualClock
from tests.support.ledger import (
    REQUEST,
    RESOURCES,
    cancel,
    fence,
    invoice,
    of,
    order_placed,
    payment,
    planned,
    post_all,
    posted,
    record,
    refused,
    take_in,
)

Step = tuple[str, int, int]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order", "update", "cancel", "payment", "ignored", "refused", "again", "send"]),
        st.integers(1, 3),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=25,
)


def made(step: Step, event: str, offset: int, earlier: Sequence[CommandRecord]) -> CommandRecord:
    kind, number, sequence = step
    order = str(1000 + number)
    match kind:
        case "order":
            return order_placed(event, order, offset, customer=f"c{number}", sequence=sequence, total=f"{sequence}.00")
        case "update":
            return of(invoice(event, order, sequence=sequence, total=f"{sequence}.00"), offset)
        case "cancel":
            return of(cancel(event, order, sequence=10 + sequence), offset)
        case "payment":
            return of(payment(event, f"p{number}", order=order), offset)
        case "ignored":
            return record(event, Ignored("test"), offset)
        case "refused":
            return refused(event, offset, entity=f"shop-1:order:{order}")
    if earlier:
        return msgspec.structs.replace(earlier[(number * 7 + sequence) % len(earlier)], offset=offset)
    return record(event, Ignored("nothing earlier"), offset)


async def send(ledger: Ledger, chance: random.Random) -> None:
    """One call with everything that is ready, and a random result for each."""
    found = (await ledger.situation.read("uk")).ready
    if not found:
        return
    lanes = [one.entity_key for one in found]
    assert len(set(lanes)) == len(lanes), "two of one lane are ready"
    for one in found:
        assert all(link.xero_id is not None for link in one.depends_on)
    ticket = await ledger.calls.open(planned(found), REQUEST, "write", "uk", "x", await fence(ledger))
    assert not isinstance(ticket, Wait)
    results: list[Result] = []
    for one in found:
        choice = chance.random()
        if choice < 0.2:
            evidence = Evidence(message="no")
            results.append(Rejected(command_id=one.command_id, cause="data", evidence=evidence))
        elif choice < 0.4:
            results.append(Back(command_id=one.command_id, cause="transient", reason="503"))
        else:
            results.append(posted(one.command_id, RESOURCES[one.kind], one.effect.xero_id))
    await ledger.results.settle(ticket.root, results, ticket.fence)


async def run(steps: Sequence[Step], seed: int) -> None:
    chance = random.Random(seed)
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        ledger = await open_ledger(f"sqlite:///{Path(folder) / 'ledger.db'}", clock)
        try:
            records: list[CommandRecord] = []
            for step in steps:
                if step[0] == "send":
                    await send(ledger, chance)
                    clock.advance(61)
                    continue
                one = made(step, f"e{len(records)}", len(records), records)
                await take_in(ledger, one, at=len(records))
                records.append(one)
                if chance.random() < 0.3:
                    again = await ledger.intake.take_in([one], (0, len(records)))
                    assert again.skipped
            await check(ledger, len(records))
            await post_all(ledger)
            await check(ledger, len(records))
        finally:
            await ledger.close()


async def check(ledger: Ledger, number: int) -> None:
    report = await ledger.audits.audit()
    assert report.problems == ()
    assert sum(one.records for one in report.topics) == number
    duplicates = sum(one.duplicates for one in report.topics)
    assert sum(report.dispositions.values()) + duplicates == number
    assert await ledger.sweep() == 0
    for order in ("1001", "1002", "1003"):
        story = await ledger.timeline.trace(f"shop-1:order:{order}")
        mine = [one for one in story.commands if one.effect_key == f"shop-1:order:{order}#invoice"]
        alive = [one for one in mine if one.state in ("posted", "pending", "rejected")]
        numbers = [one.sequence or 0 for one in alive if one.waits_for != "question"]
        assert numbers == sorted(numbers), "an older version stands behind a newer one"


@settings(max_examples=15, deadline=None)
@given(STEPS, st.integers(0, 1000))
def test_random_streams(steps: Sequence[Step], seed: int) -> None:
    asyncio.run(run(steps, seed))
