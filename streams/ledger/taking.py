"""Records become rows, within one transaction: events, duplicates, dead letters, commands (design section 6)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.commands import CommandRecord, Commands, Duplicate, Heard, Ignored, Pending, RefusedEvent
from schemas.envelope import VIA_SWEEP
from streams.core.effects import whole_states
from streams.ledger import bulk, conflicts, cursors, hearing, known, letters, tables, transitions
from streams.ledger.admission import Origin, admit
from streams.ledger.known import Known, KnownEvent, key_of, position_of
from streams.ledger.transitions import Why
from streams.ledger.work import Work


@dataclass(slots=True)
class Counts:
    """What a run was. `repeated` records were taken in before, from the very same position, and count nothing.

    `known` is what was there already, by source and kind of key: events (`event`) and commands' effects (`effect`).
    `swept_first` are events, by source, that a sweep brought and that tell something new.
    """

    events: int = 0
    commands: int = 0
    duplicates: int = 0
    refused: int = 0
    conflicts: int = 0
    repeated: int = 0
    poison: int = 0
    ready: int = 0
    known: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    swept_first: Counter[str | None] = field(default_factory=Counter)


class Taking:
    """One run's rows, gathered record by record and written together."""

    def __init__(self, work: Work, found: Known, actor: str) -> None:
        self._work = work
        self._known = found
        self._actor = actor
        self.counts = Counts()
        self._events: list[dict[str, Any]] = []
        self._duplicates: list[dict[str, Any]] = []
        self._fresh: list[CommandRecord] = []
        self._heard: list[tuple[str, Heard]] = []
        self._conflicts: list[tuple[CommandRecord, KnownEvent]] = []

    def add(self, record: CommandRecord) -> None:
        """Decide what the record is."""
        if isinstance(record.outcome, RefusedEvent):
            self._refused(record, record.outcome)
            return
        key = key_of(record)
        event = self._known.events.get(key)
        if event is not None or isinstance(record.outcome, Duplicate):
            self._again(record, event)
            return
        self._known.events[key] = KnownEvent(record.digest, position_of(record))
        self._events.append(_event_row(record, record.outcome, self._work.now))
        self._count(record)
        self.counts.events += 1
        if _tells_state(record) and record.entity_key is not None and record.sequence is not None:
            newest = self._known.newest_state.get(record.entity_key, record.sequence)
            self._known.newest_state[record.entity_key] = max(newest, record.sequence)
        self._mends(record, key)
        self._outcome(record, key)

    def _mends(self, record: CommandRecord, key: str) -> None:
        """A record may settle dead letters of records: the same event told well, or a newer state of its entity."""
        told = (*self._known.open_letters.pop(key, ()), *self._known.open_letters.pop(letters.failure_of(record), ()))
        for subject in dict.fromkeys(told):
            self._work.close_letter(subject, self._actor, "a later record told the event as it should be")
        if record.entity_key is None or record.sequence is None or not _tells_state(record):
            return
        for refused in self._known.refused_states.get(record.entity_key, ()):
            if refused.sequence <= record.sequence:
                self._work.close_letter(refused.subject, self._actor, f"superseded by {key}, which tells a newer state")

    def _outcome(self, record: CommandRecord, key: str) -> None:
        if isinstance(record.outcome, Commands):
            self._fresh.append(record)
            return
        if isinstance(record.outcome, Ignored) and record.outcome.heard is not None:
            self._heard.append((record.source or "", record.outcome.heard))
        to, reason = ("ignored", record.outcome.reason) if isinstance(record.outcome, Ignored) else ("pending", None)
        self._work.transitions.append(
            transitions.of_subject(
                key,
                1,
                record.entity_key or key,
                to,
                self._work.now,
                Why(actor=self._actor, reason=reason or getattr(record.outcome, "reason", None)),
                event_key=record.event_key,
            )
        )

    def _again(self, record: CommandRecord, event: KnownEvent | None) -> None:
        position = position_of(record)
        if position in self._known.duplicates or (event is not None and event.position == position):
            self.counts.repeated += 1
            return
        self._duplicate(record)
        if event is not None and not isinstance(record.outcome, Duplicate) and record.digest != event.digest:
            self.counts.conflicts += 1
            self._conflicts.append((record, event))

    def _duplicate(self, record: CommandRecord) -> None:
        position = position_of(record)
        self._known.duplicates.add(position)
        self._duplicates.append({**position._asdict(), "event_key": key_of(record), "digest": record.digest})
        self._count(record)
        self.counts.duplicates += 1
        self.counts.known[record.source, "event"] += 1

    def _refused(self, record: CommandRecord, refused: RefusedEvent) -> None:
        position = position_of(record)
        subject = letters.record_subject(*position)
        if subject in self._known.letters or position in self._known.taken or position in self._known.duplicates:
            self.counts.repeated += 1
            return
        failure = letters.failure_of(record)
        if failure in self._known.failures:
            # A webhook, its repetition and each sweep bring the same: whoever works one letter off has mended it.
            self._duplicate(record)
            return
        self._known.failures.add(failure)
        letter = letters.of_record(record, refused, self._work.now)
        self._work.letters.append(letter)
        self._count(record)
        self._known.letters.add(subject)
        self._outdated(record, subject)
        for name in (failure, record.event_key):
            if name is not None:
                self._known.open_letters.setdefault(name, []).append(subject)
        self.counts.refused += 1
        why = Why(actor=self._actor, reason=refused.evidence.message, cause=refused.cause, dlq_id=letter["dlq_id"])
        entity = record.entity_key or record.source or subject
        row = transitions.of_subject(subject, 1, entity, "rejected", self._work.now, why, event_key=record.event_key)
        self._work.transitions.append(row)

    def _outdated(self, record: CommandRecord, subject: str) -> None:
        """A refused state of an entity whose newer state is known needs nobody; else it waits for one."""
        if record.entity_key is None or record.sequence is None:
            return
        newest = self._known.newest_state.get(record.entity_key)
        if newest is not None and newest > record.sequence:
            self._work.close_letter(subject, self._actor, "superseded: a newer state was taken in before")
            return
        waiting = self._known.refused_states.setdefault(record.entity_key, [])
        waiting.append(known.RefusedState(subject, record.sequence))

    def _count(self, record: CommandRecord) -> None:
        position = position_of(record)
        known_position = letters.record_subject(*position) in self._known.letters
        self._work.cursors.advance(position, counted=not known_position)

    def _origin(self, record: CommandRecord) -> Origin:
        restored = self._known.restored_at
        before = restored is not None and record.timestamp_ms <= restored.timestamp() * 1000
        return Origin(key_of(record), record.source or "", look_first=before)

    async def write(self) -> Counts:
        """Write it all and set free what may go."""
        work = self._work
        await bulk.insert(work.connection, tables.events, self._events)
        await bulk.insert(work.connection, tables.duplicates, self._duplicates)
        work.questions += await conflicts.questions(work.connection, self._conflicts, work.now)
        commands = [
            (record, command)
            for record in self._fresh
            if isinstance(record.outcome, Commands)
            for command in record.outcome.commands
        ]
        for source, heard in self._heard:
            await hearing.note(work.connection, source, heard, work.now)
        await work.load_effects(key for _, one in commands for key in (one.effect_key, *one.depends_on))
        await work.load_contested(command.effect_key for _, command in commands)
        news: dict[tuple[int, int], CommandRecord] = {}
        for record, command in commands:
            admit(work, self._origin(record), command, self._actor)
            if work.commands[command.command_id].state == "same":
                self.counts.known[record.source, "effect"] += 1
            elif work.commands[command.command_id].state == "pending":
                news[record.partition, record.offset] = record
        self.counts.swept_first.update(record.source for record in news.values() if VIA_SWEEP in record.headers)
        self.counts.commands = len(commands)
        self.counts.ready = await work.finish()
        await cursors.save(work.connection, work.cursors)
        return self.counts


async def take(work: Work, records: Sequence[CommandRecord], actor: str = transitions.WORKER) -> Counts:
    """Take the records in. Taking a record in again changes nothing."""
    taking = Taking(work, await known.load(work.connection, records), actor)
    for record in records:
        taking.add(record)
    return await taking.write()


def _tells_state(record: CommandRecord) -> bool:
    """Whether a command of the event says how its own entity must stand, so that it outdates what came before."""
    return isinstance(record.outcome, Commands) and any(
        command.payload.full_state and command.sequence is not None and command.entity_key == record.entity_key
        for command in whole_states(record.outcome.commands)
    )


def _event_row(record: CommandRecord, outcome: Commands | Ignored | Pending, now: Any) -> dict[str, Any]:
    return {
        "event_key": key_of(record),
        "source": record.source,
        "event_id": record.event_id,
        "type": record.event_type,
        "time": record.event_time,
        "entity_key": record.entity_key,
        "digest": record.digest,
        "outcome": {Commands: "commands", Ignored: "ignored", Pending: "pending"}[type(outcome)],
        "reason": None if isinstance(outcome, Commands) else outcome.reason,
        **position_of(record)._asdict(),
        "timestamp_ms": record.timestamp_ms,
        "key": record.key,
        "value": record.value,
        "headers": letters.stored_headers(record.headers),
        "traceparent": record.traceparent,
        "recorded_at": now,
    }
