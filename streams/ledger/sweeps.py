"""How far the sweep of each source came. One worker leads a sweep at a time.

Two that both believe to lead find the same things twice, which books nothing twice; the cursor is the leader's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update

from streams.clock import Clock
from streams.ledger import bulk, tables
from streams.ledger.engine import Store
from streams.ledger.repeat import repeated

_NOBODY: Final = ""

_sweeps: Final = tables.sweeps


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepState:
    """What is known of a source's sweep. `is_active` is None where the source does not tell of its webhooks."""

    source: str
    cursor: str | None
    tried_at: datetime | None
    swept_at: datetime | None
    failure: str | None
    remedy: str | None
    is_active: bool | None
    subscription: str | None


class Sweeps:
    """Leads of sweeps, and their cursors. Every method raises LedgerUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def lead(self, source: str, owner: str, ttl_s: float) -> SweepState | None:
        """Lead the sweep of a source for `ttl_s`, or go on leading it; None while another owner does."""
        now = self._clock.now()
        until = now + timedelta(seconds=ttl_s)
        new = {"source": source, "owner": owner, "led_until": until}
        async with self._store.write() as connection:
            await bulk.insert_missing(connection, _sweeps, [new])
            statement = select(_sweeps).where(_sweeps.c.source == source).with_for_update(key_share=True)
            row = (await connection.execute(statement)).mappings().one()
            # A lead that ends far ahead was taken before the clock was set back.
            if row["owner"] != owner and now < row["led_until"] <= until:
                return None
            mine = update(_sweeps).where(_sweeps.c.source == source)
            await connection.execute(mine.values(owner=owner, led_until=until))
        return _state(row)

    @repeated
    async def give_back(self, source: str, owner: str) -> None:
        """Let another worker lead at once."""
        await self._by_leader(source, owner, owner=_NOBODY, led_until=self._clock.now())

    @repeated
    async def went_on(self, source: str, owner: str, cursor: str, ttl_s: float) -> bool:
        """Everything before the cursor is in Kafka. False if another owner leads by now, and then nothing is kept."""
        return await self._by_leader(
            source, owner, cursor=cursor, led_until=self._clock.now() + timedelta(seconds=ttl_s)
        )

    @repeated
    async def ended(self, source: str, owner: str, *, is_active: bool | None, subscription: str | None) -> None:
        """The source answered to the end: it is alive."""
        now = self._clock.now()
        values = {"tried_at": now, "swept_at": now, "failure": None, "remedy": None}
        await self._by_leader(source, owner, **values, is_active=is_active, subscription=subscription)

    @repeated
    async def failed(self, source: str, owner: str, failure: str, remedy: str | None) -> None:
        """The source did not answer, or refused."""
        await self._by_leader(source, owner, tried_at=self._clock.now(), failure=failure, remedy=remedy)

    @repeated
    async def list(self) -> dict[str, SweepState]:
        """Every source that was ever swept, by name."""
        async with self._store.read() as connection:
            rows = (await connection.execute(select(_sweeps))).mappings().all()
        return {row["source"]: _state(row) for row in rows}

    async def _by_leader(self, source: str, leader: str, **values: Any) -> bool:
        async with self._store.write() as connection:
            statement = update(_sweeps).where(_sweeps.c.source == source, _sweeps.c.owner == leader).values(**values)
            return (await connection.execute(statement)).rowcount == 1


def _state(row: Any) -> SweepState:
    return SweepState(**{name: row[name] for name in SweepState.__slots__})
