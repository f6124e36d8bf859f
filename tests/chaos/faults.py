"""The faults, carried out: signals to processes, the broker's end, the hand on the clock, orders to the sandbox."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import KafkaError

from tests.chaos.processes import Kept
from tests.chaos.schedule import Strike
from tests.chaos.site import Site
from tests.support.kafka import committed

_LOOK_S: Final = 0.02
_LOOKS: Final = 60
_AWAY_S: Final = 0.5
_COMMIT_LOOKS: Final = 200

More = Mapping[str, Any]


class Faults:
    """Strikes a site, and heals it. `struck` counts what happened: of Xero's faults, each call that met one."""

    def __init__(self, site: Site) -> None:
        self.struck: Counter[str] = Counter()
        self._site = site
        self._orders: dict[int, str] = {}
        self._disconnected = False
        self._chosen = 0
        self._ended = 0

    async def run(self, strikes: Sequence[Strike]) -> None:
        """All strikes at their times; returns when the last one is over."""
        async with asyncio.TaskGroup() as group:
            for strike in strikes:
                group.create_task(self._at(strike))

    async def heal(self) -> None:
        """Everything runs again. What was ordered of Xero's faults may still come: each of them ends by itself."""
        for organisation in self._site.xero["organisations"]:
            path = f"/organisations/{organisation['tenant_id']}"
            await self._site.ask_xero("PATCH", path, {"offline": False, "connected": True})
        for process in self._site.processes:
            process.signal(signal.SIGCONT)
        await self._site.rig.start_broker()

    async def end(self) -> None:
        """Nothing is to come any more; what came of Xero's faults is counted."""
        for ordered in await self._site.ask_xero("GET", "/faults"):
            self.struck[self._orders[ordered["number"]]] += ordered["acted"]
        await self._site.ask_xero("DELETE", "/faults")
        self.struck += Counter()

    async def resume(self) -> None:
        """A person connects again what Xero had disconnected."""
        if self._disconnected:
            for tenant in ("uk", "ie"):
                await self._site.ledgerstream("resume", "--tenant", tenant)

    async def xero_is_idle(self) -> bool:
        """Whether Xero is at work at no call."""
        calls = (await self._site.ask_xero("GET", f"/calls?after={self._ended}"))["calls"]
        under_way = [call["number"] for call in calls if not call["duration_s"]]
        if under_way:
            self._ended = min(under_way) - 1
        elif calls:
            self._ended = calls[-1]["number"]
        return not under_way

    async def _at(self, strike: Strike) -> None:
        await asyncio.sleep(strike.at)
        doing = _ACTS.get(strike.kind)
        if doing is None:
            ordered = await self._site.ask_xero("POST", "/faults", strike.more)
            self._orders[ordered["number"]] = strike.kind
        else:
            await doing(self, strike.more)
            self.struck[strike.kind] += 1

    # Processes.

    def _worker(self) -> Kept:
        """The next of the workers: each has its turn."""
        self._chosen += 1
        return self._site.workers[self._chosen % len(self._site.workers)]

    async def _kill_worker(self, more: More) -> None:
        self._worker().order_end(signal.SIGKILL, rest_s=more["rest_s"])

    async def _kill_worker_after_commit(self, more: More) -> None:
        """Where work counts as done too early, this is the moment that shows it."""
        before = await self._committed()
        for _ in range(_COMMIT_LOOKS):
            if await self._committed() != before:
                break
            await asyncio.sleep(_LOOK_S)
        await self._kill_worker(more)

    async def _committed(self) -> dict[int, int]:
        """What the workers' group has committed of the orders; nothing while nobody can tell."""
        settings, topic = self._site.settings, f"{self._site.name}.events.orders"
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(2):
                group = settings["LEDGERSTREAM_CONSUMER_GROUP"]
                return await committed(self._site.rig.broker.bootstrap, group, topic)
        return {}

    async def _trap_worker(self, more: More) -> None:
        self._worker().order_end(signal.SIGKILL, "--die-at", f"{more['point']}:{more['times']}", rest_s=0.0)

    async def _terminate_worker(self, more: More) -> None:
        self._worker().order_end(signal.SIGTERM, rest_s=more["rest_s"])

    async def _suspend_worker(self, more: More) -> None:
        await self._suspend(self._worker(), more)

    async def _kill_receiver(self, more: More) -> None:
        self._site.receiver.order_end(signal.SIGKILL, rest_s=more["rest_s"])

    async def _terminate_receiver(self, more: More) -> None:
        self._site.receiver.order_end(signal.SIGTERM, rest_s=more["rest_s"])

    async def _suspend_receiver(self, more: More) -> None:
        await self._suspend(self._site.receiver, more)

    async def _suspend(self, process: Kept, more: More) -> None:
        process.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(more["for_s"])
            if "leap_s" in more:
                await self._leap(more)
        finally:
            process.signal(signal.SIGCONT)

    async def _kill_broker(self, _more: More) -> None:
        await self._site.rig.kill_broker()
        await asyncio.sleep(_AWAY_S)
        await self._site.rig.start_broker()

    async def _restart_database(self, more: More) -> None:
        await self._site.rig.restart_database(crash=more["crash"])

    async def _send_worker_away(self, more: More) -> None:
        self._worker().order_end(signal.SIGTERM, rest_s=more["for_s"])

    # Time.

    async def _leap(self, more: More) -> None:
        """Time passes at once; not while Xero works at a call, which would have been answered long before."""
        await self._until_idle()
        self._site.rig.hand.leap(more["leap_s"])

    async def _step(self, more: More) -> None:
        self._site.rig.hand.step(more["step_s"])

    async def _until_idle(self) -> None:
        for _ in range(_LOOKS):
            if await self.xero_is_idle():
                return
            await asyncio.sleep(_LOOK_S)

    # Xero.

    async def _offline(self, more: More) -> None:
        await self._organisation(more, "offline", True, False)

    async def _disconnect(self, more: More) -> None:
        self._disconnected = True
        await self._organisation(more, "connected", False, True)

    async def _organisation(self, more: More, flag: str, bad: bool, good: bool) -> None:
        rows = self._site.xero["organisations"]
        tenant_id = next(row["tenant_id"] for row in rows if row["currency"] == more["currency"])
        await self._site.ask_xero("PATCH", f"/organisations/{tenant_id}", {flag: bad})
        await asyncio.sleep(more["for_s"])
        await self._site.ask_xero("PATCH", f"/organisations/{tenant_id}", {flag: good})


# What is not here is an order to the sandbox.
_ACTS: Final[Mapping[str, Callable[[Faults, More], Awaitable[None]]]] = {
    "worker killed": Faults._kill_worker,
    "worker killed after a commit": Faults._kill_worker_after_commit,
    "worker killed at a point": Faults._trap_worker,
    "worker terminated": Faults._terminate_worker,
    "worker suspended": Faults._suspend_worker,
    "worker suspended for minutes": Faults._suspend_worker,
    "receiver killed": Faults._kill_receiver,
    "receiver terminated": Faults._terminate_receiver,
    "receiver suspended": Faults._suspend_receiver,
    "broker killed": Faults._kill_broker,
    "database restarted": Faults._restart_database,
    "worker leaves and joins again": Faults._send_worker_away,
    "time leaps": Faults._leap,
    "clock steps forward": Faults._step,
    "clock steps back": Faults._step,
    "organisation offline": Faults._offline,
    "organisation disconnected": Faults._disconnect,
}
