"""What to do next for a tenant: one call, one read, or ends without a call (design 7.1). Pure.

Ready commands are taken earliest due first, so that nothing starves; a call takes along whatever goes to the same
place, in the same order.
"""

import datetime as dt
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from connectors.xero.ticket import XeroRequest
from connectors.xero.wire import ID_KEYS, WRITE_QUERY, encode, encode_one
from streams.core import by_hand, pace, search
from streams.core.decide import decide, earliest_first
from streams.core.decisions import BATCH_MAX, Decision, NeedsRead, Rates, Waits, Write
from streams.core.known_books import KnownBooks, forbidden
from streams.core.refusal import bug
from streams.core.results import Back, Rejected, Result
from streams.core.situation import OpenWrite, ReadyCommand, Resource, Situation

BODY_BYTES_MAX: Final = 3_000_000


@dataclass(frozen=True, slots=True)
class SendWrites:
    """One call with its writes, in the order of its elements. `is_urgent`: a person waits for it."""

    request: XeroRequest
    writes: tuple[OpenWrite, ...]
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class ReadDocuments:
    """One call that reads what some commands must know first."""

    request: XeroRequest
    resource: Resource
    ids: tuple[str, ...]
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Settle:
    """Commands whose end needs no call."""

    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now. `until` None: until something new comes in."""

    until: dt.datetime | None


Step = SendWrites | ReadDocuments | Settle | Wait


@dataclass(slots=True)
class _Batch:
    """A call being filled; the earliest command that goes there is its head. To size an element costs something, so
    what is offered is only taken in when it matters how full the call is."""

    head: ReadyCommand
    offered: list[tuple[ReadyCommand, Write]] = field(default_factory=list)
    writes: list[tuple[ReadyCommand, Write]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    size: int = 0
    limit: int = BATCH_MAX

    def fill(self) -> "_Batch":
        """Take in what was offered, as far as there is room."""
        for command, write in self.offered:
            self._take(command, write)
        self.offered.clear()
        return self

    def _take(self, command: ReadyCommand, write: Write) -> None:
        """Take the write along if it touches nothing that is in already."""
        limit = min(self.limit, write.batch_max)
        names = _names(command, write)
        size = len(encode_one(write.planned.resource, write.planned.element)) + 1
        if len(self.writes) >= limit or self.taken & names or (self.writes and self.size + size > BODY_BYTES_MAX):
            return
        self.writes.append((command, write))
        self.taken |= names
        self.size += size
        self.limit = limit

    @property
    def is_full(self) -> bool:
        return len(self.writes) >= self.limit

    def step(self) -> Step:
        writes = tuple(_open(command, write) for command, write in self.writes)
        return SendWrites(_request(self.writes), writes, is_urgent=_is_urgent(self.head))


@dataclass(slots=True)
class _Reads:
    """A call that reads documents of one resource."""

    head: ReadyCommand
    resource: Resource
    ids: list[str] = field(default_factory=list)

    def fill(self) -> "_Reads":
        return self

    def offer(self, need: NeedsRead) -> None:
        if need.xero_id not in self.ids and not self.is_full:
            self.ids.append(need.xero_id)

    @property
    def is_full(self) -> bool:
        return len(self.ids) >= (1 if self.resource == "Payments" else BATCH_MAX)

    def step(self) -> Step:
        request = search.read(self.ids, self.resource)
        return ReadDocuments(request, self.resource, tuple(self.ids), is_urgent=_is_urgent(self.head))


_Calls = dict[tuple[str, str], _Batch | _Reads]


def next_step(
    situation: Situation, rates: Rates, reading: Set[str] = frozenset(), books: KnownBooks | None = None
) -> Step:
    """The next thing to do. `reading`: ids of documents whose reading is under way; `books`: what is known of the
    organisation's settings, where we listen to it."""
    calls, ends = _Calls(), list[Result]()
    for command in sorted(situation.ready, key=earliest_first):
        decision = decided(command, rates)
        if books is not None and isinstance(decision, Write):
            decision = forbidden(command, decision, books, situation.now) or decision
        if isinstance(decision, Write):
            decision = by_hand.look_first(command, situation.now) or decision
        if isinstance(decision, Waits):
            ends.append(_later(command, decision, situation.now))
        elif isinstance(decision, NeedsRead):
            if decision.xero_id not in reading:
                _read(calls, command, decision)
        elif isinstance(decision, Write):
            _write(calls, command, decision)
            if not ends and next(iter(calls.values())).fill().is_full:
                break
        else:
            ends.append(decision)
    if ends:
        return Settle(tuple(ends))
    return _call_or_wait(situation, calls)


def _read(calls: _Calls, command: ReadyCommand, need: NeedsRead) -> None:
    found = calls.setdefault(("GET", need.resource), _Reads(command, need.resource))
    assert isinstance(found, _Reads), "writes are never a GET"
    found.offer(need)


def _write(calls: _Calls, command: ReadyCommand, write: Write) -> None:
    found = calls.setdefault((write.method, write.path), _Batch(command))
    assert isinstance(found, _Batch), "reads are always a GET"
    found.offered.append((command, write))


def _call_or_wait(situation: Situation, calls: _Calls) -> Step:
    """The call whose head is due first of those that need not wait: one that fills up does not hold up the others."""
    if not calls:
        return Wait(None)
    if situation.budget.not_before is not None and situation.budget.not_before > situation.now:
        return Wait(situation.budget.not_before)
    waits: list[dt.datetime] = []
    for call in calls.values():
        until = pace.hold(situation.budget, call.head, situation.now, is_full=call.fill().is_full)
        if until is None:
            return call.step()
        waits.append(until)
    return Wait(min(waits))


def decided(command: ReadyCommand, rates: Rates) -> Decision:
    """A command upon which our code fails is a dead letter; it holds nobody else up."""
    try:
        return decide(command, rates)
    except Exception as error:
        return Rejected(command_id=command.command_id, cause="bug", evidence=bug(error, "plan").evidence)


def _request(writes: Sequence[tuple[ReadyCommand, Write]]) -> XeroRequest:
    first = writes[0][1]
    resource = first.planned.resource
    if first.path != f"/{resource}":
        body = encode_one(resource, first.planned.element)
    else:
        body = encode(resource, [write.planned.element for _, write in writes])
    return XeroRequest(method=first.method, path=first.path, query=WRITE_QUERY, body=body)


def _open(command: ReadyCommand, write: Write) -> OpenWrite:
    return OpenWrite(write=write.planned, command=command, still_current=True)


def _is_urgent(head: ReadyCommand) -> bool:
    """A person's command is due as soon as it is ready."""
    return head.due <= head.ready_since


def _names(command: ReadyCommand, write: Write) -> set[str]:
    """What no second element of a call may touch: its entity, number, contact name, and document."""
    element = write.planned.element
    names = {f"entity {command.entity_key}", f"effect {command.effect.effect_key}"}
    names |= {f"number {number.casefold()}" for number in _texts(write.planned.number)}
    names |= {f"name {name.casefold()}" for name in _texts(element.get("Name"))}
    names |= {f"id {xero_id.lower()}" for xero_id in _texts(element.get(ID_KEYS[write.planned.resource]))}
    for document, key in (("Invoice", "InvoiceID"), ("CreditNote", "CreditNoteID")):
        # Two payments of one invoice in one call: which of them is refused as too much would be Xero's choice.
        names |= {f"pays {target.lower()}" for target in _texts((element.get(document) or {}).get(key))}
    return names


def _texts(*values: str | None) -> Iterable[str]:
    return (value for value in values if value)


def _later(command: ReadyCommand, waits: Waits, now: dt.datetime) -> Back:
    again = now + dt.timedelta(seconds=waits.seconds)
    return Back(command_id=command.command_id, cause=waits.cause, reason=waits.reason, not_before=again)
