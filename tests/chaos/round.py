"""One round: a mix is sent while faults strike, all is healed, time passes, and the books are compared."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from connectors.xero.sandbox import Switches
from tests.chaos import books, log, mix, oracle, schedule
from tests.chaos.environment import HURRIED_S, PATIENT_S
from tests.chaos.expected import expected
from tests.chaos.faults import Faults
from tests.chaos.mix import Size
from tests.chaos.oracle import Findings
from tests.chaos.schedule import Strike, Terms
from tests.chaos.site import Site

_RATES: Final = (5.0, 10.0, 20.0)
_IN_REAL_TIME: Final = 1 / 20
_SATURATED: Final = 1 / 12
# As many calls as a minute has must be possible in a minute of that pace.
_FULL: Final = Size(stories=10, given_back=7)
_FULL_RATE: Final = 4.0
# One set of credentials serves both organisations here. Calls are held back for minutes where a day has only 1,000 of
# them, which a round in real time cannot wait for.
_KEPT: Final = ("client_credentials_reach",)
_KEPT_IN_REAL_TIME: Final = (*_KEPT, "day_limit")
# So long Xero's faults that were ordered may still come after the others were healed.
_FAULTS_S: Final = 20.0
_ANSWERED_S: Final = 120.0
_LOOK_S: Final = 0.1
_STILL_S: Final = 0.3
_STILL_LOOKS: Final = 5
_DRAIN_RATE: Final = 4.0
_RESUME_S: Final = 5.0
_LEAP_S: Final = 150.0
_QUIET_DAY_S: Final = 25 * 3600.0
_PATIENCE_S: Final = 90.0
# In real time: the lease of a worker that was killed may last a minute, and longer by as much as the time was set back.
_REAL_PATIENCE_S: Final = 240.0
# So long may a call be held to be filled, for the day's sake, and one that nobody answered be looked for and sent anew.
# Where a payment and its reversal are both still held, the books look complete without either.
_SETTLE_S: Final = 4500.0
_SETTLE_LEAPS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a round is made of, all from its seed.

    `patience_s`: after the last fault everything must be in the books within so many seconds of the machine's time.
    """

    seed: int
    rate: float
    switches: Switches
    deliveries: Sequence[mix.Delivery]
    strikes: Sequence[Strike]
    patience_s: float = _PATIENCE_S

    @property
    def in_real_time(self) -> bool:
        return self.rate == 1.0


@dataclass(slots=True)
class Outcome:
    """How a round ended."""

    seed: int
    events: int
    findings: Findings
    earned_429s: int
    seconds: float
    struck: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        return self.findings.ok and not self.earned_429s


def plan(
    seed: int, *, calm: bool = False, size: Size | None = None, many: bool = False, saturate: bool = False
) -> Plan:
    """The round of a seed.

    `calm`: no faults. `many`: several workers share a database that can be restarted. `saturate`: more calls are needed
    than a minute has, as in some rounds anyway.
    """
    chance = random.Random(seed)
    is_full = saturate or chance.random() < _SATURATED
    rate = _FULL_RATE if is_full else 1.0 if chance.random() < _IN_REAL_TIME else chance.choice(_RATES)
    switches = Switches.drawn(chance, keep=_KEPT_IN_REAL_TIME if rate == 1.0 else _KEPT)
    size = size or (_FULL if is_full else Size())
    terms = Terms(size.seconds + 1.0, HURRIED_S if rate == 1.0 else PATIENT_S, rate != 1.0, many)
    deliveries = mix.draw(chance, f"{seed % 10**6:06d}", size)
    strikes = [] if calm else schedule.draw(chance, terms)
    patience_s = _REAL_PATIENCE_S if rate == 1.0 else _PATIENCE_S
    return Plan(seed=seed, rate=rate, switches=switches, deliveries=deliveries, strikes=strikes, patience_s=patience_s)


async def play(site: Site, plan: Plan) -> Outcome:
    """Play a round to its end."""
    return await _Round(site, plan).play()


class _Round:
    def __init__(self, site: Site, plan: Plan) -> None:
        self._site = site
        self._plan = plan
        self._faults = Faults(site)
        self._last_call: int | None = None
        self._still_since = 0.0

    async def play(self) -> Outcome:
        site, plan = self._site, self._plan
        began = asyncio.get_running_loop().time()
        ends = _ends(site)
        earned = (await books.read(site.session, site.admin)).earned_429s
        is_another_plan = (await site.ask_xero("GET", "/switches"))["day_limit"] != plan.switches.day_limit
        await site.ask_xero("PATCH", "/switches", {name: getattr(plan.switches, name) for name in Switches.__slots__})
        await site.wait_with(HURRIED_S if plan.in_real_time else PATIENT_S)
        if plan.in_real_time or is_another_plan:
            # A quiet day before a round in real time: else the pace of the day (design 7.2) rightly holds calls for
            # longer than we wait. And before another plan of Xero's: fewer calls a day than were made by then would be
            # refused, whatever we do.
            site.rig.hand.leap(_QUIET_DAY_S)
        site.rig.hand.run(plan.rate)
        assert site.senders is not None
        sending = asyncio.create_task(site.senders.send(plan.deliveries, _ANSWERED_S))
        await self._faults.run(plan.strikes)
        await self._faults.heal()
        await sending
        await self._faults.resume()
        findings = await self._drain()
        found = await books.read(site.session, site.admin)
        return Outcome(
            seed=plan.seed,
            events=len(plan.deliveries),
            findings=findings,
            earned_429s=found.earned_429s - earned,
            seconds=asyncio.get_running_loop().time() - began,
            struck=self._faults.struck,
            ends=_ends(site) - ends,
        )

    async def _drain(self) -> Findings:
        """Until the books are complete, and then as long as a double might still come."""
        self._site.rig.hand.run(min(self._plan.rate, _DRAIN_RATE))
        await self._until_complete(min(_FAULTS_S, self._plan.patience_s))
        await self._faults.end()
        findings = await self._until_complete(self._plan.patience_s)
        if findings.complete:
            await self._settle()
        return await self._compare()

    async def _settle(self) -> None:
        """Let so much time pass that nothing can be held or looked for any more; by leaps also after real time."""
        loop, hand = asyncio.get_running_loop(), self._site.rig.hand
        until, deadline = hand.elapsed() + _SETTLE_S, loop.time() + self._plan.patience_s
        while hand.elapsed() < until and loop.time() < deadline:
            await self._pass(_SETTLE_S / _SETTLE_LEAPS, may_leap=True)

    async def _until_complete(self, seconds: float) -> Findings:
        """Let time pass until the books hold everything, at most so many seconds of the machine's time."""
        loop = asyncio.get_running_loop()
        deadline, resume_at = loop.time() + seconds, loop.time() + _RESUME_S
        while not (findings := await self._compare()).complete and loop.time() < deadline:
            if loop.time() > resume_at:
                await self._faults.resume()
                resume_at = loop.time() + _RESUME_S
            await self._pass(_LEAP_S, may_leap=not self._plan.in_real_time)
        return findings

    async def _pass(self, seconds: float, *, may_leap: bool) -> None:
        """Time passes: at its rate while calls are made, by leaps while nothing happens.

        A call must leave within 5 s of the clock after it was written ahead, so a leap waits until nobody can be about
        to make one: the longer, the slower the machine is just now.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        is_idle, call = await self._faults.xero_is_idle(), await self._site.last_call()
        now = loop.time()
        if not is_idle or call is None or call != self._last_call:
            self._last_call, self._still_since = call, now
        elif now - self._still_since > max(_STILL_S, (now - began) * _STILL_LOOKS) and may_leap:
            self._site.rig.hand.leap(seconds)
            self._still_since = now
        await asyncio.sleep(_LOOK_S)

    async def _compare(self) -> Findings:
        found = await books.read(self._site.session, self._site.admin)
        wanted = expected(log.read(self._site.log.path))
        return oracle.compare(wanted, found.by_currency, await self._site.letters.read())


def _ends(site: Site) -> Counter[str]:
    """How often a process ended that nobody had told to, by its name and exit code."""
    return Counter(
        {
            f"{process.name} ended with {code}": number
            for process in site.processes
            for code, number in process.ends.items()
        }
    )
