"""The order of acts: start, send, book, mend, prove."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.demo import DemoFailed, by_hand, company, report
from streams.demo.accountant import Accountant
from streams.demo.boutique import Boutique
from streams.demo.desk import Desk, Letter
from streams.demo.doors import COMPANY, SHOPIFY, XERO
from streams.demo.heard import Hear, Told
from streams.demo.home import Home
from streams.demo.oracle import Findings
from streams.demo.outcome import Outcome, audited, waiting
from streams.demo.producers import World
from streams.demo.shop import SHOP, Day
from streams.demo.stage import Stage
from streams.demo.teller import Teller
from streams.demo.xero import CALLS_A_MINUTE, Calls, Xero
from streams.desk.lines import short

# Which letters the day must bring, by entity: what the demo does about each of them is told in `_mend`.
_RATE_MISSING: Final = (f"{SHOP}:order:1289", f"{SHOP}:order:1290")
_WRONG_TOTAL: Final = f"{SHOP}:order:1291"
_ARCHIVED: Final = f"{SHOP}:order:1293"
_NO_ORDER: Final = "stripe-1:payment:pi_unknown"
LETTERS: Final = frozenset({*_RATE_MISSING, _WRONG_TOTAL, _ARCHIVED, _NO_ORDER})
LEFT: Final = frozenset({_WRONG_TOTAL})

_LOOK_S: Final = 0.4
_STUCK_S: Final = 75.0
_AUDITS: Final = 15
_QUIET_S: Final = 1.0


class Stuck(DemoFailed):
    """Nothing moved for a long time; the message says what is missing."""


@dataclass(slots=True, kw_only=True)
class Story:
    """Everybody on the stage."""

    teller: Teller
    home: Home
    accountant: Accountant
    stage: Stage
    day: Day
    world: World
    boutique: Boutique
    xero: Xero
    hear: Hear
    desk: Desk
    speed: float

    async def play(self) -> Outcome:
        """From the first order to the audit. Raises Stuck, PartFailed, DeskFailed or NotAnswered."""
        await self._send()
        self.teller.act("Into the books")
        await self._until_booked(mended=False)
        told = await self._by_hand()
        letters = await self._letters(LETTERS)
        self.teller.act(f"On a person's desk: {len(letters)} dead letters")
        for position, letter in enumerate(letters, 1):
            self.teller.show(report.letter(position, letter))
            self.teller.verbatim(f"   command  {letter.command}")
        replayed = await self._mend({letter.entity: letter for letter in letters})
        findings = await self._until_booked(mended=True)
        outcome = await self._outcome(findings, replayed, told)
        await self._tell(outcome)
        return outcome

    async def _send(self) -> None:
        self.teller.act("A day of business, through every door")
        await self.xero.order_faults()
        key = self.home.credentials[XERO].secret
        await self.xero.listen(f"{self.stage.receiver}/v1/sources/{XERO}", key)
        self.teller.say("Xero will cut one answer after booking, answer one 500 half-way, and one 429.")
        deliveries = [*self.day.events, *self.day.irish, self.day.malformed]
        with self.teller.progress("Events sent", len(deliveries)) as moved:
            await self.world.send(deliveries, lambda count: moved(count, ""))
        for refusal in self.world.log.refused:
            field, value = (refusal.problem.get(name) for name in ("field", "value"))
            self.teller.say(f"{refusal.status} for {refusal.event.id}: {field} is {value}. It was not accepted.")
        await self._trade()
        # So calls to Xero are full from the first on, and the day fits into one of Xero's minutes.
        with self.teller.step("Worker") as done:
            await self.stage.start_worker()
            done("started only now: what was accepted waits in Kafka")
        with self.teller.step("A person archives a contact in Xero") as done:
            await self._archive()
            await self.world.send([self.day.after_archive], lambda _: None)
            done(f"({self.day.archived.name}); then she orders again")

    async def _trade(self) -> None:
        with self.teller.step("A Shopify shop") as done:
            await self.boutique.trade(f"{self.stage.receiver}/v1/sources/{SHOPIFY}")
            shop = self.boutique
            done(f"{len(shop.shop.orders)} orders, {shop.webhooks} webhooks; {shop.lost} were lost on their way")
        company.found(self.home.database)
        await self._type(f"ledgerstream outbox install {COMPANY} --apply")
        with self.teller.step("A company's own database") as done:
            told = company.work(self.home.database, self.day.date)
            self.world.log.accepted += told
            done(f"{len(told)} rows in its outbox, and one transaction rolled back")

    async def _by_hand(self) -> tuple[Told, ...]:
        self.teller.act("A person at Xero's screen")
        did = await by_hand.work(self.accountant.irish)
        self.accountant.by_hand.append(did.payment)
        before, after = did.due
        self.teller.say(f"{by_hand.EDITED} gets two weeks more: due {after} instead of {before}.")
        self.teller.say(f"{by_hand.PAID} was paid by bank transfer: €{did.payment.amount:,.2f} are recorded by hand.")
        with self.teller.step("The topic events.xero") as done:
            told = await by_hand.told(self.hear)
            done(f"tells {len(told)} changes by others")
        self.teller.show(report.heard(told))
        return told

    async def _archive(self) -> None:
        wanted = f"{SHOP}:{self.day.archived.id}"
        until = time.monotonic() + _STUCK_S
        while time.monotonic() < until:
            self.stage.check()
            books = await self.xero.books()
            ordered = {row["contact_id"] for row in books["invoices"]}
            found = [row["id"] for row in books["contacts"] if row["number"] == wanted]
            if found and found[0] in ordered:
                await self.xero.archive(found[0])
                return
            await asyncio.sleep(_LOOK_S)
        raise Stuck(f"The contact {wanted} and its invoice did not come into the books within {_STUCK_S:g} s.")

    async def _until_booked(self, *, mended: bool) -> Findings:
        """Look at the books until nothing is missing or different. Raises Stuck if nothing moves for long."""
        wanted = self.accountant.wanted(mended=mended)
        moved_at, seen = time.monotonic(), (0, 0)
        with self.teller.progress("Documents in Xero", wanted.documents) as moved:
            while True:
                self.stage.check()
                findings = await self.accountant.compare(wanted)
                calls = await self.xero.calls()
                if (calls.total, findings.documents) != seen:
                    moved_at, seen = time.monotonic(), (calls.total, findings.documents)
                quiet_s = time.monotonic() - moved_at
                moved(wanted.documents - len(findings.missing), _waits_for(calls, quiet_s))
                if not (findings.missing or findings.different):
                    return findings
                if quiet_s > _STUCK_S:
                    raise Stuck(self._stuck(findings))
                await asyncio.sleep(_LOOK_S)

    def _stuck(self, findings: Findings) -> str:
        absent = [*findings.missing, *findings.different]
        return (
            f"Nothing moved in Xero's books for {_STUCK_S:g} s, and {len(absent)} documents are missing or different, "
            f"such as {', '.join(absent[:3])}. The logs are in {self.home.folder / 'logs'}."
        )

    async def _letters(self, wanted: frozenset[str]) -> list[Letter]:
        """The open letters, once there is one for each entity of `wanted`, or after a while whatever there is."""
        until = time.monotonic() + _STUCK_S / 3
        with self.teller.step("Dead letters") as done:
            while True:
                letters = await self.desk.letters()
                if {letter.entity for letter in letters} == wanted or time.monotonic() > until:
                    done(f"{len(letters)} open")
                    return letters

    async def _mend(self, letters: dict[str, Letter]) -> int:
        self.teller.act("Mended")
        self.home.mend()
        self.teller.say(
            f"{self.home.tenant_file.name} gets the line `{self.home.forgotten.strip()}`. Then, as printed:"
        )
        replays = [letters[entity].command for entity in _RATE_MISSING if entity in letters]
        for command in replays:
            await self._type(command)
        self.teller.say("The shop sends the order of the archived contact again, under the customer's new account.")
        await self.world.send([self.day.correction], lambda _: None)
        if _NO_ORDER in letters:
            self.teller.say("The payment without an order is booked by hand, and its letter discarded:")
            letter = short(letters[_NO_ORDER].id)
            await self._type(f"ledgerstream dlq discard {letter} --reason 'booked in Xero by hand'")
        return len(replays)

    async def _type(self, command: str) -> None:
        self.teller.verbatim(f"$ {command}")
        typed = await self.desk.type(command)
        for line in typed.said.splitlines():
            self.teller.say(f"  {line}")

    async def _outcome(self, findings: Findings, replayed: int, told: tuple[Told, ...]) -> Outcome:
        left = await self._letters(LEFT)
        audit, from_xero = await self._settled_audit()
        return Outcome(
            accepted=self._accepted,
            swept=self.boutique.swept,
            from_xero=from_xero,
            by_hand=told,
            refused=tuple(self.world.log.refused),
            findings=findings,
            calls=await self.xero.calls(),
            faults=await self.xero.faults_acted(),
            audit=audit,
            left=tuple(left),
            left_on_purpose=len(LEFT),
            replayed=replayed,
        )

    @property
    def _accepted(self) -> int:
        return len(self.world.log.accepted) + self.boutique.accepted

    async def _settled_audit(self) -> tuple[Any, int]:
        """The audit, once nothing waits and all that Xero tells is in it, and how much that is: Xero has a document a
        moment before the ledger knows, and tells of it a moment later."""
        for _ in range(_AUDITS):
            audit = await self.desk.audit()
            from_xero = len(await self.hear()) + await self.xero.told()
            if (
                audit["ok"]
                and not waiting(audit)
                and audited(audit) == self._accepted + self.boutique.swept + from_xero
            ):
                break
            await asyncio.sleep(_LOOK_S)
        return audit, from_xero

    async def _tell(self, outcome: Outcome) -> None:
        self.teller.act("What an accountant wants to see")
        self.teller.show(report.events(outcome))
        self.teller.show(report.documents(outcome.findings.kinds))
        self.teller.show(report.sources(outcome.findings.sources))
        for number in self.boutique.untold:
            self.teller.say(f"No webhook told of order {number} of {SHOPIFY}: the sweep found it.")
        self.teller.show(report.vat(outcome.findings.vat))
        self._say_all(report.held(self.accountant.wanted(mended=True).british.held))
        self.teller.show(report.calls(outcome, self.speed))
        self.teller.act("$ ledgerstream audit")
        typed = await self.desk.type("ledgerstream audit", codes=(0, 1))
        self._say_all(typed.said.splitlines())

    def _say_all(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.teller.say(line)


def _waits_for(calls: Calls, quiet_s: float) -> str:
    """Why nothing moves, as far as it can be seen from outside."""
    if quiet_s < _QUIET_S:
        return ""
    if calls.refused:
        return "Xero answered 429: waiting as long as it asked"
    if calls.recent >= CALLS_A_MINUTE - 1:
        return f"waiting for Xero's minute: {calls.recent} of {CALLS_A_MINUTE} calls used"
    return ""
