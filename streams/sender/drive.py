"""One call from its ticket to its settled outcome: the same for a first send, a recovery and a restore."""

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import msgspec
import structlog

from connectors.xero import answers
from connectors.xero.answers import Trouble, window_of
from connectors.xero.auth import AuthRefused, AuthUnavailable
from connectors.xero.ticket import Answer, NoAnswer, Purpose, Ticket, XeroRequest
from schemas.states import Cause
from streams.core import conclude, restored, search, settle
from streams.core.after import Look, after, key_lives
from streams.core.reactions import retry_at
from streams.core.results import Back, Result, Stop
from streams.core.search import Body
from streams.core.settle import LookFirst, Refused, Settled, Unknown, Verdict
from streams.core.situation import OpenCall, OpenWrite
from streams.ledger.calls import Wait
from streams.sender.parts import Organisation, Parts, Stopping, log_stop

_log = structlog.get_logger()


class Drive:
    """Carries one call to its end. Raises Stopping, LedgerError; the call then stays open for recovery."""

    def __init__(self, parts: Parts, organisation: Organisation, fence: int, call: OpenCall) -> None:
        self._parts = parts
        self._organisation = organisation
        self._fence = fence
        self._call = call
        self._not_before = call.opened_at

    async def first(self, ticket: Ticket) -> None:
        """Send what was just opened, and see it through."""
        try:
            outcome = await self._exchange(ticket)
        except AuthRefused as error:
            await self._settle(self._backs("auth", error.message), settle.stop_for("auth", error.message, error.remedy))
            return
        except AuthUnavailable as error:
            await self._settle(self._backs("transient", str(error)))
            return
        self._sent(ticket, outcome)
        await self._take(settle.judge(self._call.writes, outcome, first=True, now=self._now()))
        await self.rest()

    async def rest(self) -> None:
        """See an open call through, whoever sent it first."""
        await self._plan_restored()
        while self._call.writes:
            now = self._now()
            step = after(self._call, self._parts.patience, now)
            at = max(step.at, self._not_before)
            if at > now:
                await self._parts.until(at)
            elif isinstance(step, Look):
                await self._look_for_all()
            else:
                await self._resend()

    async def _plan_restored(self) -> None:
        """Find out what the writes of a restored ledger would be, so that they can be looked for."""
        if any(map(restored.is_bare, self._call.writes)):
            looked_for, back = restored.planned(self._call.writes, self._organisation.rates, self._now())
            self._call = msgspec.structs.replace(self._call, writes=looked_for)
            if back:
                await self._settle(back)

    async def _resend(self) -> None:
        """The same bytes under the same key; the ledger has both. Not for a key that died while a slot was waited for:
        Xero would carry the request out once more."""
        ticket = await self._try_open(_nothing(self._call), "resend")
        if isinstance(ticket, Wait):
            self._not_before = self._now() + dt.timedelta(seconds=ticket.seconds)
            return
        if not key_lives(self._call, self._parts.patience, ticket.opened_at):
            await self._parts.ledger.calls.answered(ticket, NoAnswer(left=False, detail="its key is too old"))
            return
        outcome = await self._exchange_more(ticket)
        self._parts.gate("resent")
        if isinstance(outcome, NoAnswer) and not outcome.left:
            # Nobody was there, or no token: such a send takes nothing from the three that there are.
            self._not_before = self._now() + dt.timedelta(seconds=self._parts.patience.look_after_error_s)
            return
        self._sent(ticket, outcome)
        await self._take(settle.judge(self._call.writes, outcome, first=False, now=self._now()))

    async def _take(self, verdict: Verdict) -> None:
        match verdict:
            case Settled(results=results, stop=stop):
                await self._settle(results, stop)
            case LookFirst(results=results, refused=refused):
                if results:
                    await self._settle(results)
                await self._look_for_refused(refused)
            case Unknown(reason=reason, not_before=not_before):
                self._not_before = not_before or self._not_before
                _log.warning("outcome unknown", call=self._call.call, tenant=self._call.tenant, reason=reason)

    async def _look_for_all(self) -> None:
        items = self._call.writes
        seen = await self._look(items, self._call.sends[0][0])
        if seen is None:
            await self._look_again()
            return
        now = self._now()
        await self._settle([conclude.unknown(item, found, now) for item, found in zip(items, seen, strict=True)])

    async def _look_for_refused(self, refused: Sequence[Refused]) -> None:
        items = [one.item for one in refused]
        while (seen := await self._look(items, None)) is None:
            await self._parts.pause(self._parts.patience.look_again_s)
        now = self._now()
        await self._settle([conclude.refused(one, found, now) for one, found in zip(refused, seen, strict=True)])

    async def _look(self, items: Sequence[OpenWrite], first_sent: dt.datetime | None) -> list[list[Body]] | None:
        """What Xero shows of each write; None if it does not say."""
        ticket = await self._open(search.look(items, first_sent), "look")
        outcome = await self._exchange_more(ticket)
        self._parts.gate("looked")
        return search.sightings(items, outcome) if isinstance(outcome, Answer) else None

    async def _look_again(self) -> None:
        at = self._parts.patience.look_again_at(self._now(), self._call.looks)
        await self._parts.ledger.recovery.mark_looked(self._call.call, at, self._fence)
        self._call = msgspec.structs.replace(self._call, looks=self._call.looks + 1, next_look_at=at)

    async def _open(self, request: XeroRequest, purpose: Purpose) -> Ticket:
        """A ticket, when there is a slot for it. Raises Stopping: no new call starts while the worker stops."""
        while isinstance(opened := await self._try_open(request, purpose), Wait):
            with self._parts.waiting():
                await self._parts.pause(opened.seconds)
        return opened

    async def _try_open(self, request: XeroRequest, purpose: Purpose) -> Ticket | Wait:
        """A ticket, or how long to wait for one. Raises Stopping."""
        if self._parts.stopping.is_set():
            raise Stopping
        return await self._parts.ledger.calls.open(
            (),
            request,
            purpose,
            self._organisation.tenant,
            self._organisation.xero_tenant_id,
            self._fence,
            self._call.call,
            self._parts.patience.timeout_s,
        )

    async def _exchange(self, ticket: Ticket) -> Answer | NoAnswer:
        outcome = await exchange(self._parts, ticket)
        self._parts.gate("noted")
        return outcome

    async def _exchange_more(self, ticket: Ticket) -> Answer | NoAnswer:
        """For a resend or a look. That Xero does not let us in decides nothing about the call, but is a person's
        business; nothing left us where there was no token."""
        try:
            outcome = await self._exchange(ticket)
        except AuthUnavailable as error:
            return NoAnswer(left=False, detail=str(error))
        except AuthRefused as error:
            await self._stop(settle.stop_for("auth", error.message, error.remedy))
            return NoAnswer(left=False, detail=str(error))
        if isinstance(outcome, Answer):
            meaning = answers.read(outcome, self._call.writes[0].write.resource)
            if isinstance(meaning, Trouble) and (stop := settle.shut_out(meaning)) is not None:
                await self._stop(stop)
        return outcome

    async def _stop(self, stop: Stop) -> None:
        await self._parts.stop(self._organisation.tenant, stop)

    def _sent(self, ticket: Ticket, outcome: Answer | NoAnswer) -> None:
        status = outcome.status if isinstance(outcome, Answer) else None
        before = () if ticket.call == self._call.call else self._call.sends
        self._call = msgspec.structs.replace(self._call, sends=(*before, (ticket.opened_at, status)))

    async def _settle(self, results: Sequence[Result], stop: Stop | None = None) -> None:
        voice = self._organisation.voice
        await self._parts.ledger.results.settle(self._call.call, results, self._fence, stop, voice=voice)
        if voice is not None:
            self._parts.news()
        if stop is not None:
            log_stop(self._call.tenant, stop)
        ends: dict[str, list[str]] = {}
        for result in results:
            ends.setdefault(type(result).__name__.lower(), []).append(result.command_id)
        # A command id begins with its event key. One line a call: a line a command would cost what its SQL costs.
        _log.info("settled", call=self._call.call, tenant=self._call.tenant, **ends)
        self._parts.gate("settled")
        done = {result.command_id for result in results}
        rest = tuple(item for item in self._call.writes if item.command.command_id not in done)
        self._call = msgspec.structs.replace(self._call, writes=rest)

    def _backs(self, cause: Cause, reason: str) -> list[Result]:
        at = retry_at(self._now(), max(item.command.attempts for item in self._call.writes))
        return [
            Back(command_id=item.command.command_id, cause=cause, reason=reason, not_before=at)
            for item in self._call.writes
        ]

    def _now(self) -> dt.datetime:
        return self._parts.clock.now()


async def exchange(parts: Parts, ticket: Ticket) -> Answer | NoAnswer:
    """Send, and note at once that there was an answer, or none: slots and limits depend on it.

    Raises AuthRefused, AuthUnavailable when there was no token; nothing left then.
    """
    parts.gate("opened")
    parts.on_wire[ticket.tenant] += 1
    try:
        outcome = await parts.client.send(ticket)
    except (AuthRefused, AuthUnavailable) as error:
        await parts.ledger.calls.answered(ticket, NoAnswer(left=False, detail=str(error)))
        raise
    finally:
        parts.on_wire[ticket.tenant] -= 1
    parts.gate("answered")
    if isinstance(outcome, Answer) and outcome.status == 429:
        parts.metrics.throttled(window_of(outcome.rate_limit_problem))
    await parts.ledger.calls.answered(ticket, outcome)
    return outcome


def _nothing(call: OpenCall) -> XeroRequest:
    """A resend takes its request from the ledger, byte for byte."""
    method: Literal["PUT", "POST"] = "PUT" if call.method == "PUT" else "POST"
    return XeroRequest(method=method, path=call.path)
