"""Every statement of an outbox, on every database that may hold one."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from connectors.outbox.errors import LeaseLost, OutboxUnavailable
from connectors.outbox.figures import Figures
from connectors.outbox.store import Outbox
from tests.integration.outbox.company import UPDATED, Database, Place
from tests.support.postgres import PostgresServer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LEASE_S = 30.0


async def fill(database: Database, *order_ids: str) -> None:
    async with database.engine.begin() as connection:
        for order_id in order_ids:
            await database.write(connection, order_id, 1)


async def test_rows_are_read_marked_counted_and_pruned(database: Database) -> None:
    box = database.outbox()
    before = datetime.now(UTC) - timedelta(seconds=5)
    await fill(database, "1001", "1002", "1003")
    assert await box.lead("one", LEASE_S)
    first, second, third = await box.waiting(10)
    assert (first.aggregate, first.type, first.sequence) == (("order", "1001"), UPDATED, None)
    assert first.payload is not None
    assert json.loads(first.payload)["order_id"] == "1001"
    assert first.position < second.position < third.position
    assert len({first.id, second.id, third.id}) == 3
    assert first.created_at is not None
    assert before < first.created_at < datetime.now(UTC) + timedelta(seconds=5)
    assert await box.waiting(1) == [first]
    await box.settle(
        "one", LEASE_S, NOW, published=[first.position], rejected={second.position: "payload: ünfit"}, failed=[]
    )
    await box.note_error("one", "no broker", NOW)
    assert await box.waiting(10) == [third]
    assert await box.figures() == Figures(
        waiting=1, oldest=third.created_at, rejected=1, leader="one", error="no broker", error_at=NOW
    )
    [rejected] = await box.rejected(10)
    assert (rejected.id, rejected.reason, rejected.rejected_at) == (second.id, "payload: ünfit", NOW)
    await database.run("UPDATE outbox SET rejected_at = NULL WHERE rejected_at IS NOT NULL")
    assert await box.waiting(10) == [second, third]
    assert await box.prunable(NOW) == 0
    assert await box.prunable(NOW + timedelta(seconds=1)) == 1
    assert await box.prune(NOW) == 0
    assert await box.prune(NOW + timedelta(seconds=1)) == 1
    assert await database.run("SELECT attempts FROM outbox ORDER BY position") == [(1,), (0,)]
    await box.close()


async def test_a_rejected_row_can_be_ended(database: Database) -> None:
    box = database.outbox()
    await fill(database, "1001", "1002", "1003")
    assert await box.lead("one", LEASE_S)
    sent, unfit, waiting = await box.waiting(10)
    await box.settle("one", LEASE_S, NOW, published=[sent.position], rejected={unfit.position: "payload: unfit."})
    everything = [sent.position, unfit.position, waiting.position]
    assert await box.are_rejected(everything) == [unfit.position]
    await box.discard(everything, "discarded by ada: told again.", NOW)
    assert (await box.are_rejected(everything), await box.rejected(10)) == ([], [])
    assert ((await box.figures()).rejected, await box.waiting(10)) == (0, [waiting])
    ended = await database.run("SELECT position, error FROM outbox WHERE error IS NOT NULL")
    assert ended == [(unfit.position, "discarded by ada: told again. payload: unfit.")]
    assert await box.prune(NOW + timedelta(seconds=1)) == 2
    await box.close()


async def test_one_poller_leads(database: Database) -> None:
    one, two = database.outbox(), database.outbox()
    await fill(database, "1001")
    [row] = await one.waiting(10)
    assert sorted(await asyncio.gather(one.lead("one", 0.5), two.lead("two", 0.5))) == [False, True]
    leads, waits = ("one", "two") if (await one.figures()).leader == "one" else ("two", "one")
    assert await one.lead(leads, 0.5)
    assert not await two.lead(waits, 0.5)
    assert (await one.figures()).lapsed is None
    await asyncio.sleep(0.6)
    lapsed = await one.figures()
    assert (lapsed.leader, lapsed.lapsed) == (None, leads)
    assert await two.lead(waits, LEASE_S)
    with pytest.raises(LeaseLost):
        await one.settle(leads, LEASE_S, NOW, published=[row.position], rejected={})
    assert await one.waiting(10) == [row]
    await one.release(leads)
    assert (await one.figures()).leader == waits
    await two.release(waits)
    assert await one.lead(leads, LEASE_S)
    await one.close()
    await two.close()


async def test_installing_again_keeps_the_rows_and_raises_the_numbers(database: Database) -> None:
    box = database.outbox()
    await fill(database, "1001")
    [row] = await box.waiting(10)
    later = datetime.now(UTC) + timedelta(days=30)
    await box.install(later)
    await fill(database, "1002")
    kept, new = await box.waiting(10)
    assert kept == row
    assert new.position >= int(later.timestamp() * 1_000_000) > row.position
    await box.install(datetime.now(UTC))
    await fill(database, "1003")
    assert (await box.waiting(10))[-1].position == new.position + 1
    await box.close()


async def test_another_table_or_schema_has_an_outbox_of_its_own(database: Database) -> None:
    table = "sales.company_outbox" if database.dialect == "postgresql" else "company_outbox"
    if database.dialect == "postgresql":
        await database.run("CREATE SCHEMA sales")
    box = Outbox(database.url, table)
    with pytest.raises(OutboxUnavailable, match="run `ledgerstream outbox install SOURCE`"):
        await box.waiting(1)
    await box.install(NOW)
    assert await box.lead("one", LEASE_S)
    assert list(await box.waiting(1)) == []
    other = database.outbox()
    assert await other.lead("two", LEASE_S)
    await other.close()
    await database.run(f"DELETE FROM {table}_poller")  # noqa: S608  one of two names of our own
    with pytest.raises(OutboxUnavailable, match="has no row: run `ledgerstream outbox install SOURCE`"):
        await box.lead("one", LEASE_S)
    await box.close()


async def test_a_huge_payload_is_not_read_whole(database: Database) -> None:
    box = database.outbox()
    async with database.engine.begin() as connection:
        await database.insert(connection, "1001", json.dumps("x" * 2_000_000))
    [row] = await box.waiting(1)
    assert row.payload is not None
    assert len(row.payload) == 300_001
    await box.close()


async def test_who_commits_late_is_not_passed_over(database: Database) -> None:
    """The number is given before the commit: whoever remembers the highest that was seen loses the row."""
    box = database.outbox()
    assert await box.lead("one", LEASE_S)
    if database.dialect == "sqlite":
        # There, one writes at a time: numbers and commits have one order.
        await fill(database, "1001", "1002")
        assert [row.aggregateid for row in await box.waiting(10)] == ["1001", "1002"]
        await box.close()
        return
    async with database.engine.connect() as slow:
        await database.write(slow, "1001", 1)
        await fill(database, "1002")
        [early] = await box.waiting(10)
        await box.settle("one", LEASE_S, NOW, published=[early.position], rejected={})
        assert list(await box.waiting(10)) == []
        await slow.commit()
    [late] = await box.waiting(10)
    assert (early.aggregateid, late.aggregateid) == ("1002", "1001")
    assert late.position < early.position
    await box.close()


def test_a_user_without_rights_is_told_what_to_grant(postgres: PostgresServer) -> None:
    database = Database(Place(postgres.new_database(), None))

    async def try_it() -> None:
        await database.install()
        await database.run("DROP ROLE IF EXISTS outsider", "CREATE ROLE outsider LOGIN")
        await database.close()
        box = Outbox(database.url.replace("ledgerstream@", "outsider@"), "outbox")
        with pytest.raises(OutboxUnavailable, match="grant it SELECT, UPDATE and DELETE on the outbox"):
            await box.lead("one", LEASE_S)
        await box.close()

    asyncio.run(try_it())


def test_times_that_no_calendar_has_hide_no_row(postgres: PostgresServer) -> None:
    database = Database(Place(postgres.new_database(), None))

    async def try_it() -> None:
        await database.install()
        times = ("infinity", "20000-01-01", "0044-03-15 BC", "2026-11-25 12:00:00+02")
        await fill(database, *times)
        await database.run("UPDATE outbox SET created_at = CAST(aggregateid AS timestamptz)")
        await database.close()
        box = database.outbox()
        assert [row.created_at for row in await box.waiting(10)] == [None, None, None, NOW - timedelta(hours=2)]
        assert (await box.figures()).oldest is None
        await box.close()

    asyncio.run(try_it())


async def test_only_what_is_written_counts(database: Database) -> None:
    box = database.outbox()
    async with database.engine.connect() as connection:
        await database.write(connection, "1001", 1)
        await connection.rollback()
    assert list(await box.waiting(10)) == []
    async with database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM outbox"))
    assert (await box.figures()).oldest is None
    await box.close()
