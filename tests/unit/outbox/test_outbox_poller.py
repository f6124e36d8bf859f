"""A poller on a real SQLite file: what it sends, in which order, and what it does when something is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import aiosqlite
import pytest

from connectors.base import OutboxConfig, PublishFailed, RecordPosition, Secret
from connectors.outbox.errors import LeaseLost, OutboxUnavailable
from connectors.outbox.figures import Figures
from connectors.outbox.poller import ROWS_AT_ONCE, Poller
from connectors.outbox.store import Outbox
from tests.support.clock import ManualClock
from tests.support.kafka import until
from tests.unit.receiver.support import MemoryPublisher, order

UPDATED = "com.ledgerstream.OrderUpdated.v1"
LEASE_S = 30.0


@dataclass
class Told:
    """Metrics that remember."""

    figures: list[Figures] = field(default_factory=list)
    polled: int = 0
    misfits: list[str | None] = field(default_factory=list)

    def outbox_stands(self, source: str, figures: Figures) -> None:
        self.figures.append(figures)

    def outbox_polled(self, source: str, at: datetime) -> None:
        self.polled += 1

    def schema_rejection(self, event_type: str | None) -> None:
        self.misfits.append(event_type)


@dataclass
class Company:
    """An application with a SQLite file, a broker in memory, and as many pollers as a test wants."""

    file: Path
    publisher: MemoryPublisher
    told: Told
    clock: ManualClock
    boxes: list[Outbox] = field(default_factory=list)

    def poller(self, owner: str = "one", lease_s: float = LEASE_S, publisher: MemoryPublisher | None = None) -> Poller:
        url = f"sqlite:///{self.file}"
        box = Outbox(url, "outbox")
        self.boxes.append(box)
        config = OutboxConfig(url=Secret(url), poll_s=0.01, keep_days=7)
        return Poller(
            "erp-1", config, box, publisher or self.publisher, self.told, self.clock, owner=owner, lease_s=lease_s
        )

    async def sql(self, statement: str) -> list[tuple[object, ...]]:
        async with aiosqlite.connect(self.file) as connection:
            rows = [tuple(row) for row in await connection.execute_fetchall(statement)]
            await connection.commit()
            return rows

    async def told_by(self, question: str) -> tuple[object, ...]:
        """The first row that the question gives, as soon as it gives one."""
        async with asyncio.timeout(20):
            while True:
                if rows := await self.sql(question):
                    return rows[0]
                await asyncio.sleep(0.02)

    async def place(self, *orders: tuple[str, int], payload: str | None = None) -> None:
        """Rows for orders, each with the version that is told."""
        async with aiosqlite.connect(self.file) as connection:
            for order_id, version in orders:
                text = payload or json.dumps(order(order_id, reference=f"version {version}"))
                await connection.execute(
                    "INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', ?, ?, ?)",
                    (order_id, UPDATED, text),
                )
            await connection.commit()

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Order and version of each record, as the broker has them."""
        return [(key.decode(), json.loads(value)["reference"][8:]) for _, key, value, _ in self.publisher.records]


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    file = tmp_path / "company.db"
    file.touch()
    found = Company(file, MemoryPublisher(), Told(), ManualClock(datetime.now(UTC)))
    box = Outbox(f"sqlite:///{file}", "outbox")
    await box.install(datetime.now(UTC))
    await box.close()
    yield found
    for box in found.boxes:
        await box.close()


async def test_what_waits_is_sent_once_and_marked(company: Company) -> None:
    await company.place(("1", 1), ("2", 1), ("1", 2))
    poller = company.poller()
    assert await poller.turn() == 0.01
    assert sorted(company.sent) == [("1", "1"), ("1", "2"), ("2", "1")]
    assert await poller.turn() == 0.01
    assert len(company.sent) == 3
    assert await company.sql("SELECT count(*), sum(attempts) FROM outbox WHERE published_at IS NOT NULL") == [(3, 3)]
    assert company.told.polled == 2


async def test_a_full_batch_is_followed_by_the_next_at_once(company: Company) -> None:
    await company.place(*((str(number), 1) for number in range(ROWS_AT_ONCE + 1)))
    poller = company.poller()
    assert await poller.turn() == 0.0
    assert await poller.turn() == 0.01
    assert len(company.sent) == ROWS_AT_ONCE + 1


async def test_what_the_broker_does_not_take_holds_up_its_own_aggregate_alone(company: Company) -> None:
    await company.place(("1", 1), ("2", 1), ("2", 2), ("1", 2), ("3", 1))
    company.publisher.refused_keys = {b"1"}
    poller = company.poller()
    with pytest.raises(PublishFailed):
        await poller.turn()
    assert sorted(company.sent) == [("2", "1"), ("2", "2"), ("3", "1")]
    waiting = await company.sql("SELECT aggregateid, attempts FROM outbox WHERE published_at IS NULL ORDER BY position")
    assert waiting == [("1", 1), ("1", 0)]
    company.publisher.refused_keys = set()
    await poller.turn()
    assert company.sent[3:] == [("1", "1"), ("1", "2")]


async def test_a_row_that_is_no_event_holds_up_nobody_and_is_sent_when_it_is_mended(company: Company) -> None:
    await company.place(("1", 1))
    await company.place(("1", 2), payload=json.dumps(order("1", reference="version 2", total="12,00")))
    await company.place(("1", 3))
    poller = company.poller()
    await poller.turn()
    assert company.sent == [("1", "1"), ("1", "3")]
    [(reason, attempts)] = await company.sql("SELECT error, attempts FROM outbox WHERE rejected_at IS NOT NULL")
    assert str(reason).startswith("payload.total: got 12,00, expected ")
    assert "Correct the row and set its rejected_at to NULL; it is then sent." in str(reason)
    assert attempts == 1
    assert company.told.misfits == [UPDATED]
    await company.sql(
        "UPDATE outbox SET payload = replace(payload, '12,00', '12.00'), rejected_at = NULL "
        "WHERE rejected_at IS NOT NULL"
    )
    await poller.turn()
    assert company.sent == [("1", "1"), ("1", "3"), ("1", "2")]
    sequences = [int(headers["ce_sequence"]) for _, _, _, headers in company.publisher.records]
    assert sequences == [sequences[0], sequences[0] + 2, sequences[0] + 1]


async def test_bytes_that_are_no_text_are_rejected_beside_rows_that_go_on(company: Company) -> None:
    await company.place(("1", 1), ("2", 1), ("3", 1))
    await company.sql("UPDATE outbox SET payload = CAST(X'7BFF7D' AS TEXT) WHERE aggregateid = '1'")
    await company.sql("UPDATE outbox SET sequence = 'v1' WHERE aggregateid = '2'")
    await company.poller().turn()
    assert company.sent == [("3", "1")]
    errors = await company.sql("SELECT error FROM outbox WHERE rejected_at IS NOT NULL ORDER BY position")
    assert [str(error).partition(":")[0] for (error,) in errors] == ["payload", "sequence"]


async def test_only_one_of_two_sends_and_the_other_takes_over_at_once_when_it_stops(company: Company) -> None:
    await company.place(("1", 1))
    leader, standby = company.poller("leader"), company.poller("standby", lease_s=0.4)
    running = asyncio.ensure_future(leader.run())
    await until(lambda: len(company.sent) == 1, "the leader's record")
    assert await standby.turn() == 0.1
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await company.place(("1", 2))
    await standby.turn()
    assert company.sent == [("1", "1"), ("1", "2")]


class _Dying(MemoryPublisher):
    """A broker that takes one record, during whose acknowledgement the poller ends."""

    def __init__(self, company: Company) -> None:
        super().__init__()
        self._company = company
        self.marked: list[tuple[object, ...]] = []

    async def publish(self, *record: Any) -> NoReturn:
        await super().publish(*record)
        self.marked += await self._company.sql("SELECT id FROM outbox WHERE published_at IS NOT NULL")
        raise asyncio.CancelledError


async def test_who_ends_before_the_mark_leaves_the_row_to_the_next_who_sends_the_same(company: Company) -> None:
    await company.place(("1", 1), ("1", 2))
    dying = _Dying(company)
    with pytest.raises(asyncio.CancelledError):
        await company.poller("old", lease_s=0.01, publisher=dying).turn()
    assert dying.marked == []
    await asyncio.sleep(0.05)
    await company.poller("new").turn()
    assert company.sent == [("1", "1"), ("1", "2")]
    assert dying.records == company.publisher.records[:1]


class _Overtaken(MemoryPublisher):
    """A broker that takes so long that another poller leads before it answers."""

    def __init__(self, other: Poller, company: Company) -> None:
        super().__init__()
        self._other = other
        self._company = company

    async def publish(self, *record: Any) -> RecordPosition:
        if not self._company.sent:
            await self._company.sql("UPDATE outbox_poller SET lease_until_ms = 0")
            await self._other.turn()
        return await super().publish(*record)


async def test_who_lost_the_lease_marks_nothing(company: Company) -> None:
    await company.place(("1", 1), ("1", 2))
    late = _Overtaken(company.poller("new"), company)
    with pytest.raises(LeaseLost):
        await company.poller("old", publisher=late).turn()
    assert company.sent == [("1", "1"), ("1", "2")]
    # What both sent is the same to the byte, so that it is booked once.
    assert late.records == company.publisher.records
    assert await company.sql("SELECT attempts FROM outbox") == [(1,), (1,)]


async def test_published_rows_are_pruned_when_they_are_old_and_others_never(company: Company) -> None:
    await company.place(("1", 1), ("2", 1))
    await company.place(("3", 1), payload="{}")
    poller = company.poller()
    await poller.turn()
    company.clock.advance(6 * 24 * 3600)
    await company.place(("4", 1))
    await poller.turn()
    assert await company.sql("SELECT count(*) FROM outbox") == [(4,)]
    company.clock.advance(24 * 3600 + 60)
    await poller.turn()
    assert await company.sql("SELECT aggregateid FROM outbox ORDER BY position") == [("3",), ("4",)]


async def test_figures_are_told_every_ten_seconds_by_whoever_leads_or_not(company: Company) -> None:
    await company.place(("1", 1))
    await company.place(("2", 1), payload="{}")
    await company.poller("leader").turn()
    standby = company.poller("standby")
    await standby.turn()
    await standby.turn()
    company.clock.advance(10)
    await company.place(("3", 1))
    await standby.turn()
    told = [(one.waiting, one.rejected, one.leader) for one in company.told.figures]
    assert told == [(2, 0, None), (0, 1, "leader"), (1, 1, "leader")]
    assert company.told.figures[-1].oldest is not None


async def test_a_database_that_is_away_is_asked_again_until_it_is_there(company: Company) -> None:
    await company.place(("1", 1))
    poller = company.poller()
    away = company.file.rename(company.file.with_suffix(".away"))
    with pytest.raises(OutboxUnavailable):
        await poller.turn()
    running = asyncio.ensure_future(poller.run())
    await asyncio.sleep(0.1)
    away.rename(company.file)
    await until(lambda: company.sent == [("1", "1")], "the record")
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_broker_that_is_away_is_told_to_people_and_asked_ever_more_rarely(company: Company) -> None:
    await company.place(("1", 1))
    company.publisher.away = True
    running = asyncio.ensure_future(company.poller().run())
    assert await company.told_by("SELECT error FROM outbox_poller WHERE error IS NOT NULL") == ("no broker",)
    company.publisher.away = False
    [tried] = await company.told_by("SELECT attempts FROM outbox WHERE published_at IS NOT NULL")
    assert company.sent == [("1", "1")]
    assert tried in (2, 3)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
