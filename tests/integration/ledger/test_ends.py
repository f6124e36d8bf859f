"""The ends of events, as the metrics count them: each once, when the outbox tells of it."""

from schemas.commands import Evidence, Ignored, Pending
from streams.core.results import Rejected
from streams.ledger import Ledger
from tests.support.ledger import (
    contact,
    of,
    opened,
    order_placed,
    post_all,
    posted,
    ready,
    record,
    refused,
    settled,
    take_in,
)


async def published(ledger: Ledger, limit: int = 500) -> list[tuple[str | None, str]]:
    """Publish what waits, batch by batch: the type and disposition of every end."""
    found = []
    while batch := await ledger.publishing.unpublished(limit):
        found += [(one.type, one.disposition) for one in await ledger.ends.reached(batch)]
        await ledger.publishing.mark_published([one.transition for one in batch])
    return sorted(found, key=str)


ORDER = "com.ledgerstream.order.v1"


async def test_an_event_ends_when_its_last_command_does(ledger: Ledger) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0))
    assert await published(ledger) == []
    [first] = await ready(ledger)
    await settled(ledger, await opened(ledger), posted(first, "Contacts"))
    assert await published(ledger) == []
    await post_all(ledger)
    assert await published(ledger) == [(ORDER, "posted")]
    assert await published(ledger) == []


async def test_however_small_the_batches_are_each_end_is_told_once(ledger: Ledger) -> None:
    await take_in(ledger, *(order_placed(f"e{n}", str(n), n) for n in range(5)), refused("e9", 5))
    await post_all(ledger)
    assert await published(ledger, 1) == [(ORDER, "dead_lettered"), *[(ORDER, "posted")] * 5]


async def test_what_ends_without_a_command(ledger: Ledger) -> None:
    await take_in(
        ledger,
        record("e1", Ignored("no money moved"), 0),
        record("e2", Pending("no rule knows it"), 1),
        refused("e3", 2),
    )
    assert await published(ledger) == [(ORDER, "dead_lettered"), (ORDER, "ignored")]
    [letter] = await ledger.dead_letters.list()
    await ledger.discarding.discard(letter.letter.dlq_id, "not needed", "ada")
    assert await published(ledger) == [(ORDER, "discarded")]


async def test_a_dead_letter_that_is_mended_ends_twice(ledger: Ledger) -> None:
    await take_in(ledger, of(contact("e1"), 0))
    [command] = await ready(ledger)
    rejected = Rejected(command_id=command, cause="data", evidence=Evidence(message="no"))
    await settled(ledger, await opened(ledger), rejected)
    assert await published(ledger) == [(ORDER, "dead_lettered")]
    [letter] = await ledger.dead_letters.list()
    await ledger.replays.replay(letter.letter.dlq_id, lambda _stored: of(contact("e1", name="Eve"), 0), "ada")
    assert await published(ledger) == []
    await post_all(ledger)
    assert await published(ledger) == [(ORDER, "posted")]
