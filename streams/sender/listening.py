"""Hearing what changed in Xero: the reading of named documents and of lists, when no write needs the slots more.

What a write of ours was answered is told when it is settled. For the rest, documents are gathered for a moment and
read up to 50 a call; lists are read page by page. Both wait while calls are scarce, as everything does that fills up
(core.pace).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from connectors.xero import answers
from connectors.xero.answers import Elements
from connectors.xero.auth import AuthRefused, AuthUnavailable
from connectors.xero.ticket import Answer, Ticket, XeroRequest
from streams.core import pace, search, surveys
from streams.core.known_books import FRESH, READ_ANEW, UNREAD, KnownBooks, known
from streams.core.lanes import BACKFILL_S, READ_S
from streams.core.results import Back, Result
from streams.core.settle import shut_out, stop_for
from streams.core.situation import Budget, Document
from streams.core.surveys import SETTINGS, Survey
from streams.ledger.listening import READ_MAX, Organisation, Waiting
from streams.sender.drive import exchange
from streams.sender.parts import Organisation as Sent
from streams.sender.parts import Parts

# Xero gathers events for a moment as well; what one change touches comes together.
GATHER_S: Final = 0.3
_LOOK_S: Final = 0.2

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listen:
    """One call that reads. `what` is a survey's page, or documents that were named."""

    request: XeroRequest
    what: Survey | Waiting
    is_urgent: bool = False


class Listener:
    """One organisation's ears. `source` speaks for it; `every` is how often its lists are asked for."""

    def __init__(self, parts: Parts, sent: Sent, listened: Organisation) -> None:
        self._parts = parts
        self._sent = sent
        self._one = listened
        self._begun = False
        # One reading at a time: writes are to have the other slots, and nothing is read twice.
        self.is_reading = False
        # Whether something waits that is read in a moment, so that nobody may sleep until woken.
        self.is_gathering = False
        self._look_at = 0.0
        self._settings_wanted = False
        self.books: KnownBooks = UNREAD

    async def next(self, fence: int, budget: Budget, *, is_idle: bool) -> Listen | None:
        """What is to be read now, if anything: when no write is ready, or where it has waited for too long."""
        elapsed = self._parts.clock.elapsed()
        if elapsed < self._look_at or self.is_reading:
            return None
        self._look_at = elapsed + _LOOK_S
        listening, now = self._parts.ledger.listening, self._parts.clock.now()
        if not self._begun:
            await listening.begin(self._one)
            self.books = known(await listening.settings(self._one))
            self._begun = True
        look = await listening.look(self._one)
        if look.is_overdue:
            await listening.tell_overdue(self._one, fence)
            self._parts.news()
        if look.waiting is not None and await listening.drop_told(self._one, fence):
            look = await listening.look(self._one)
        waiting, survey = look.waiting, look.survey
        self.is_gathering = waiting is not None
        if waiting is not None and self._is_time(waiting, budget, now, is_idle=is_idle):
            return Listen(search.read(waiting.ids, waiting.resource), waiting)
        if survey is not None and self._settings_wanted and survey.resource in SETTINGS:
            return Listen(surveys.request(survey), survey)
        if survey is not None and is_idle and _may_go(budget, survey.began_at or now, BACKFILL_S, now):
            return Listen(surveys.request(survey), survey)
        return None

    async def read_settings_if(self, results: Sequence[Result]) -> None:
        """Read Xero's settings anew where planning waits for that."""
        if any(isinstance(one, Back) and one.reason == READ_ANEW for one in results):
            self._settings_wanted = True
            await self._parts.ledger.listening.read_settings(self._one)

    @staticmethod
    def _is_time(waiting: Waiting, budget: Budget, now: dt.datetime, *, is_idle: bool) -> bool:
        age_s = (now - waiting.since).total_seconds()
        if not is_idle:
            return age_s >= READ_S
        if len(waiting.ids) < READ_MAX and age_s < GATHER_S:
            return False
        return len(waiting.ids) >= READ_MAX or _may_go(budget, waiting.since, READ_S, now)

    async def read(self, ticket: Ticket, step: Listen) -> None:
        """Ask Xero, keep what it shows, and tell what is new. An answer that says nothing changes nothing."""
        try:
            await self._ask(ticket, step)
        finally:
            self.is_reading = False
            self._look_at = 0.0

    async def _ask(self, ticket: Ticket, step: Listen) -> None:
        try:
            outcome = await exchange(self._parts, ticket)
        except AuthRefused as error:
            await self._parts.stop(self._sent.tenant, stop_for("auth", error.message, error.remedy))
            return
        except AuthUnavailable as error:
            _log.warning("not heard", tenant=self._sent.tenant, reason=str(error))
            await self._parts.pause(self._parts.patience.look_again_s)
            return
        found = answers.read(outcome, step.what.resource) if isinstance(outcome, Answer) else None
        if isinstance(found, Elements):
            await self._keep(ticket, step.what, found)
            return
        if isinstance(step.what, Survey):
            await self._parts.ledger.listening.put_off(self._one, step.what)
        if found is None:
            return
        if (stop := shut_out(found)) is not None:
            await self._parts.stop(self._sent.tenant, stop)
            return
        _log.warning("not heard", tenant=self._sent.tenant, reason=found.message)
        await self._parts.pause(self._parts.patience.look_after_error_s)

    async def _keep(self, ticket: Ticket, what: Survey | Waiting, found: Elements) -> None:
        now, listening = self._parts.clock.now(), self._parts.ledger.listening
        documents = [
            Document(resource=what.resource, xero_id=one.xero_id, body=one.body, read_at=now)
            for one in found.outcomes
            if one.xero_id is not None
        ]
        if isinstance(what, Survey):
            news = await listening.surveyed(self._one, what, documents, ticket.opened_at, ticket.fence)
            self._parts.found(self._one.source, news)
            if what.resource in SETTINGS:
                self.books = known(await listening.settings(self._one))
                self._settings_wanted = self._settings_wanted and _is_old(self.books, now)
        else:
            await listening.read(self._one, what.resource, what.ids, documents, ticket.opened_at, ticket.fence)
        self._parts.news()


def _is_old(books: KnownBooks, now: dt.datetime) -> bool:
    return now - books.read_at > FRESH


def _may_go(budget: Budget, since: dt.datetime, target_s: int, now: dt.datetime) -> bool:
    due = since + dt.timedelta(seconds=target_s)
    return pace.held_until(budget, since, since, due, now) is None
