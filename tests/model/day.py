"""Days of a shop on the injected clock: the real plan, pace, ledger and drive against the abstract Xero."""

import datetime as dt
import shutil
from collections.abc import Sequence
from pathlib import Path

from connectors.xero.ticket import Answer, NoAnswer, Ticket
from schemas.commands import CommandRecord
from streams.ledger import Ledger
from streams.ledger.timeline import CommandView
from streams.sender.parts import Organisation, Parts
from tests.integration.sender.stream import TENANT, Stream
from tests.integration.sender.world import RATES, Counts
from tests.model.owner import ModelStore, Process, Quiet
from tests.model.xero import Xero
from tests.support.clock import ManualClock
from tests.support.turns import Turns

_CALL_S = 0.4


class Day:
    """A sender that works while orders come. `day_calls`: what the plan of the organisation allows in 24 hours."""

    def __init__(self, folder: Path, empty: Path, day_calls: int) -> None:
        database = folder / "ledger.db"
        shutil.copy(empty, database)
        self.clock = ManualClock()
        self.xero = Xero(self.clock, lambda _resource, _document: None, day_calls=day_calls)
        self.ledger = Ledger(ModelStore(database, Quiet(), Process()), self.clock)
        self._turns = Turns(
            Parts(self.ledger, self, self.clock, Counts(), "worker"), Organisation(TENANT, "x-uk", RATES)
        )
        self._stream = Stream()
        self._offset = 0
        self._orders: list[str] = []

    async def pass_with_orders(self, number: int, every_s: float, first: int = 0) -> None:
        """So many orders come, each with its payment, one after another in equal distances."""
        for place in range(first, first + number):
            order = str(10_000 + place)
            self._orders.append(order)
            await self._take_in([self._stream.order(order), self._stream.payment(order, "22.34")])
            ends = self.clock.now() + dt.timedelta(seconds=every_s)
            await self._turns.work(ends)
            self.clock.advance(max((ends - self.clock.now()).total_seconds(), 0.0))

    async def finish(self) -> None:
        """Until everything is sent."""
        await self._turns.work()

    async def waiting(self) -> list[CommandView]:
        """What is not booked yet, in the order in which it came."""
        stories = [await self.ledger.timeline.trace(f"shop-1:order:{order}") for order in self._orders]
        return [one for story in stories for one in story.commands if one.state == "pending"]

    async def passage_s(self) -> list[float]:
        """For each order, how many seconds its payment was booked after its invoice."""
        found = []
        for order in self._orders:
            story = await self.ledger.timeline.trace(f"shop-1:order:{order}")
            booked = [one.at for one in story.transitions if one.to_state == "posted"]
            found.append((max(booked) - min(booked)).total_seconds())
        return found

    async def _take_in(self, records: Sequence[CommandRecord]) -> None:
        self._offset += len(records)
        await self.ledger.intake.take_in(records, (0, self._offset))

    async def close(self) -> None:
        await self.ledger._store.close()

    # The way to Xero: each call takes a moment.

    async def authorise(self) -> None: ...

    async def send(self, ticket: Ticket) -> Answer | NoAnswer:
        answer = self.xero.receive(ticket.request).answer
        assert answer is not None, "this Xero is well"
        self.clock.advance(_CALL_S)
        return answer
