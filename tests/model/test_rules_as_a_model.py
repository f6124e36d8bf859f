"""The life of commands and calls under whatever may happen, driven by chance: nothing lost, doubled, or out of order.

The real rules, ledger and sender work against an abstract Xero. Each rule is one thing that may happen; after each
one the books hold nothing twice and no limit was overstepped, and in the end they are what the events say.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from schemas.commands import CommandRecord
from streams.ledger.errors import NotPossible
from streams.ledger.replay import StoredRecord
from streams.sender.gate import POINTS, Point
from tests.model.fates import READ_FATES, WRITE_FATES, Fate
from tests.model.shop import BAD_ACCOUNT, PRICES
from tests.model.world import World

_OFTEN = ("order", "same price", "payment")
_SELDOM = ("cancel", "reversal", "refund", "customer", "again", "contradiction", "refused")
# Kind, order number, and which version, part or earlier record it is.
EVENTS = st.tuples(st.sampled_from(_OFTEN * 3 + _SELDOM), st.sampled_from(["1001", "1002", "1003"]), st.integers(1, 4))
TOLD = st.lists(EVENTS, min_size=1, max_size=4)
Told = list[tuple[str, str, int]]


class Life(RuleBasedStateMachine):
    """One shop, one organisation, up to three processes."""

    empty: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._folder = Path(tempfile.mkdtemp())

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        self._loop.run_until_complete(work)

    @initialize(
        in_flight=st.sampled_from(["409", "400"]),
        phase_s=st.sampled_from([0.0, 17.0]),
        is_shared=st.booleans(),
        told=TOLD,
    )
    def begin(self, in_flight: Any, phase_s: float, is_shared: bool, told: Told) -> None:
        async def make() -> None:
            self.world = World(self._folder, self.empty, key_in_flight=in_flight, phase_s=phase_s, is_shared=is_shared)
            await self.world.start()

        self.do(make())
        self.events_come([("order", "1001", 1), ("same price", "1002", 1), *told])

    # What the sources tell.

    @rule(told=TOLD)
    def events_come(self, told: Told) -> None:
        for kind, number, place in told:
            self.do(self.world.feed(self._record(kind, number, place)))

    def _record(self, kind: str, number: str, place: int) -> CommandRecord | None:
        shop, log = self.world.shop, self.world.log
        match kind:
            case "order":
                return shop.order(number, place, PRICES[place % 3])
            case "same price":
                # It changes no amount, so it may come after payments too.
                return shop.order(number, place, PRICES[0])
            case "refused":
                # Xero refuses it until a person has made the account.
                self.world.xero.books.missing_accounts.add(BAD_ACCOUNT)
                return shop.order(number, place, PRICES[1], account=BAD_ACCOUNT)
            case "cancel":
                return shop.cancel(number, place + 2)
            case "payment":
                return shop.payment(number, place)
            case "reversal":
                return shop.reversal(number, place)
            case "refund":
                return shop.refund(number)
            case "customer":
                return shop.customer("abc"[int(number) % 3], place)
        if not log:
            return None
        earlier = log[(int(number) + 7 * place) % len(log)]
        return earlier if kind == "again" else shop.contradiction(earlier)

    @rule()
    def last_run_comes_again(self) -> None:
        self.do(self.world.take_in_again())

    # What befalls calls and processes.

    @rule(fates=st.lists(st.sampled_from(WRITE_FATES), min_size=1, max_size=3))
    def writes_suffer(self, fates: list[Fate]) -> None:
        self.world.xero.fates.extend(fates)

    @rule(fates=st.lists(st.sampled_from(READ_FATES), min_size=1, max_size=2))
    def reads_suffer(self, fates: list[Fate]) -> None:
        self.world.xero.read_fates.extend(fates)

    @rule(seconds=st.sampled_from([1.0, 3.0, 21.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        """Whoever looks after the processes starts one where none is left."""
        if not self.world.owners:
            self.do(self.world.start())
        self.do(self.world.advance(seconds, hops=1 if seconds < 3 else 3))

    @rule(seconds=st.sampled_from([35.0, 400.0, 1000.0]))
    def all_sleep(self, seconds: float) -> None:
        """The machine sleeps, or is so slow that a long time passes at once."""
        self.do(self.world.advance(seconds))

    @rule(point=st.sampled_from(POINTS))
    def will_be_killed(self, point: Point) -> None:
        """At the next such point of whoever comes first."""
        for owner in self.world.owners:
            owner.die_at = point

    @rule()
    def is_killed(self) -> None:
        if self.world.owners:
            self.do(self.world.kill(self.world.owners[0]))

    @rule(steps=st.integers(1, 8))
    def will_freeze(self, steps: int) -> None:
        """As SIGSTOP does, some steps from now; another one takes over when it may."""
        if self.world.owners:
            self.world.owners[0].process.freeze_in = steps
            self.do(self.world.start())

    @rule()
    def thaws(self) -> None:
        async def thaw() -> None:
            for owner in self.world.owners:
                owner.process.thaw()
            await self.world.calm()
            await self.world.advance(0.0)

        self.do(thaw())

    @rule()
    def another_starts(self) -> None:
        self.do(self.world.start())

    @rule()
    def backed_up(self) -> None:
        self.do(self.world.back_up())

    @rule(told=TOLD, seconds=st.sampled_from([0.0, 1.0, 61.0]))
    def lost_and_put_back(self, told: Told, seconds: float) -> None:
        """The machine is lost some time after the backup that is put back."""
        self.events_come(told)
        self.do(self.world.advance(seconds))
        self.do(self.world.restore())

    # What people do.

    @rule()
    def account_is_made_and_letters_replayed(self) -> None:
        self.world.xero.books.missing_accounts.clear()
        self.do(self._replay())

    async def _replay(self) -> None:
        records = {one.event_key: one for one in self.world.log}
        for row in await self.world.ledger.dead_letters.list():
            record = records[row.letter.subject.partition("#")[0]]

            def today(stored: StoredRecord, record: Any = record) -> Any:
                return record

            try:
                await self.world.ledger.replays.replay(row.letter.dlq_id, today, "ann")
            except NotPossible:
                continue
        await self.world.wake()

    @rule(place=st.integers(0, 3))
    def answers(self, place: int) -> None:
        async def answer() -> None:
            for asked in await self.world.ledger.questions.list():
                option = asked.options[place % len(asked.options)].name
                # What is on its way to Xero just now cannot be decided; the question stays, and is answered later.
                with suppress(NotPossible):
                    await self.world.ledger.questions.answer(asked.question_id, option, "ann")
            await self.world.wake()

        self.do(answer())

    @rule()
    def resumed(self) -> None:
        async def resume() -> None:
            self.world.xero.is_connected = True
            await self.world.ledger.stops.lift(tenant="uk", actor="ann")
            await self.world.wake()

        self.do(resume())

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check_always()

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.do(self._end())
        finally:
            self._loop.close()
            shutil.rmtree(self._folder)

    async def _end(self) -> None:
        try:
            await self.world.drain()
            self.world.check_always()
            await self.world.check_end()
        finally:
            await self.world.close()


def live(empty: Path, examples: int, steps: int) -> None:
    """So many lives of so many steps."""
    Life.empty = empty
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_whatever_happens_the_books_are_what_the_events_say(empty: Path) -> None:
    live(empty, examples=20, steps=25)


@pytest.mark.all
@pytest.mark.timeout(1800)
def test_long_lives(empty: Path) -> None:
    live(empty, examples=300, steps=50)
