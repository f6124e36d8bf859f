"""One transaction's work on commands and effects: rows are read in bulk, changed as values, written in bulk.

Intake, settle, replay, answers and discards all change states through here, so every change leaves a transition, and
what it may have unblocked is looked at before the transaction ends.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.states import CommandState
from streams.ledger import bulk, inherit, letters, ready, tables, transitions
from streams.ledger.among import among
from streams.ledger.cursors import Advance
from streams.ledger.questions import EFFECT_CONFLICT
from streams.ledger.rows import (
    COMMAND_COLUMNS,
    EFFECT_COLUMNS,
    CommandRow,
    EffectRow,
    chunks,
    command_of,
    effect_of,
)
from streams.ledger.transitions import Why

_commands = tables.commands.c
_effects = tables.effects.c
_questions = tables.questions.c
# What stands in the place of an answer where something newer made the question needless.
SUPERSEDED: Final = "superseded"


class Work:
    """`now` is the moment of the transaction: everything it writes bears it."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.commands: dict[str, CommandRow] = {}
        self.effects: dict[str, EffectRow] = {}
        self.transitions: list[dict[str, Any]] = []
        self.questions: list[Mapping[str, Any]] = []
        self.letters: list[Mapping[str, Any]] = []
        self.cursors = Advance()
        # Commands that tell something else than their effect's current one, and wait for a person, by effect.
        self.contested: dict[str, list[CommandRow]] = {}
        self._closing: list[tuple[str, str, str]] = []
        self._outdated: dict[str, str] = {}
        self._entities: set[str] = set()
        self._linked: set[str] = set()

    async def load_effects(self, effect_keys: Iterable[str]) -> None:
        """Lock and read effects with their current commands; keys that are not there stay away."""
        # Always in the same order, so that two transactions never wait for each other (see `locks`).
        for keys in chunks(sorted(key for key in effect_keys if key not in self.effects)):
            statement = (
                select(*(_effects[name] for name in EFFECT_COLUMNS))
                .where(among(_effects.effect_key, keys))
                .order_by(_effects.effect_key)
                .with_for_update(key_share=True)
            )
            for row in await self.connection.execute(statement):
                self.effects[row[0]] = effect_of(row)
        await self.load_commands(effect.current_command for effect in self.effects.values())

    async def load_commands(self, command_ids: Iterable[str]) -> None:
        """Read commands; ids that are not there stay away."""
        for ids in chunks(one for one in command_ids if one not in self.commands):
            statement = select(*(_commands[name] for name in COMMAND_COLUMNS)).where(among(_commands.command_id, ids))
            for row in await self.connection.execute(statement):
                self.commands[row[0]] = command_of(row)

    async def load_with_effects(self, command_ids: Iterable[str]) -> None:
        """Lock and read the effects of commands, then read the commands: what they are, nobody changes meanwhile."""
        ids = list(command_ids)
        keys: list[str] = []
        for some in chunks(ids):
            statement = select(_commands.effect_key).where(among(_commands.command_id, some))
            keys += [row[0] for row in await self.connection.execute(statement)]
        await self.load_effects(keys)
        await self.load_commands(ids)

    async def load_contested(self, effect_keys: Iterable[str]) -> None:
        """Read the commands about which a person is asked which of two contents is right."""
        ids: list[str] = []
        for keys in chunks(effect_keys):
            statement = (
                select(_questions.command_id)
                .join(tables.commands, _commands.command_id == _questions.command_id)
                .where(_questions.state == "open", _questions.kind == EFFECT_CONFLICT)
                .where(among(_commands.effect_key, keys), _commands.state == "pending")
            )
            ids += [row[0] for row in await self.connection.execute(statement)]
        await self.load_commands(ids)
        for one in ids:
            self.contested.setdefault(self.commands[one].effect_key, []).append(self.commands[one])

    def current(self, effect_key: str) -> CommandRow | None:
        """The current command of a loaded effect."""
        effect = self.effects.get(effect_key)
        return None if effect is None else self.commands[effect.current_command]

    def is_current(self, command: CommandRow) -> bool:
        """Whether the command is what its effect must end up with."""
        return self.effects[command.effect_key].current_command == command.command_id

    def add(self, command: CommandRow, why: Why) -> None:
        """A new command in the state that it has."""
        command.new = True
        self.commands[command.command_id] = command
        self._note(command, None, why)

    def change(self, command: CommandRow, to: CommandState, why: Why) -> None:
        """Another state, with its transition. Only a pending command may be ready, and a sent one stays so."""
        before, command.state = command.state, to
        command.reason, command.cause = why.reason, why.cause
        if to != "sent":
            command.ready_since = command.due_at = None
        if to in ready.ENDED:
            # With a document or without one: what builds on it goes on.
            self._linked.add(command.effect_key)
        self._note(command, before, why)

    def touch(self, command: CommandRow) -> None:
        """The command's other columns were changed."""
        command.changed = True
        command.changed_at = self.now
        self._entities.add(command.entity_key)

    def linked(self, effect: EffectRow) -> None:
        """The effect got its document: what builds on it may be ready."""
        effect.changed = True
        self._linked.add(effect.effect_key)

    def supersede(self, command: CommandRow, reason: str, actor: str) -> None:
        """Something newer takes the command's place; its dead letter or question is settled by that."""
        if command.state == "rejected":
            self.close_letter(command.command_id, actor, reason)
        elif command.state == "pending":
            self._outdated[command.command_id] = actor
        self.change(command, "superseded", Why(actor=actor, reason=reason))

    def close_letter(self, subject: str, actor: str, reason: str) -> None:
        """The open dead letter of the subject needs nobody any more."""
        self._closing.append((subject, actor, reason))

    def _note(self, command: CommandRow, before: str | None, why: Why) -> None:
        command.changes += 1
        self.transitions.append(
            transitions.of_subject(
                command.command_id,
                command.changes,
                command.entity_key,
                command.state,
                self.now,
                why,
                event_key=command.event_key,
                effect_key=command.effect_key,
                tenant=command.tenant,
                kind=command.kind,
                from_state=before,
            )
        )
        self.touch(command)

    async def flush(self) -> None:
        """Write what was changed."""
        commands = [row for row in self.commands.values() if row.new or row.changed]
        new = [row for row in commands if row.new]
        effects = [row for row in self.effects.values() if row.new or row.changed]
        await bulk.save(self.connection, tables.commands, "command_id", commands)
        await bulk.insert(self.connection, tables.dependencies, [row for one in new for row in _dependencies(one)])
        fresh = {row.effect_key for row in effects if row.new} | {row.effect_key for row in new}
        await bulk.save(self.connection, tables.effects, "effect_key", effects)
        await self._write_rest()
        if fresh:
            await inherit.tenants(self.connection, fresh)
            await inherit.priorities(self.connection, fresh | {key for one in new for key in one.depends_on})
            self._linked |= fresh

    async def _write_rest(self) -> None:
        await bulk.insert(self.connection, tables.dead_letters, self.letters)
        for subject, actor, reason in self._closing:
            await letters.close(self.connection, [subject], self.now, actor, reason)
        await bulk.insert_missing(self.connection, tables.questions, self.questions)
        await self._close_questions()
        await transitions.write(self.connection, self.transitions)
        self.transitions, self.questions, self.letters, self._closing = [], [], [], []

    async def _close_questions(self) -> None:
        """Nobody need choose any more what is done with a version that was replaced."""
        for ids in chunks(self._outdated):
            closed = {"state": "closed", "answer": SUPERSEDED, "actor": self._outdated[ids[0]], "answered_at": self.now}
            asked = update(tables.questions).where(among(_questions.command_id, ids), _questions.state == "open")
            await self.connection.execute(asked.values(**closed))
        self._outdated = {}

    async def finish(self) -> int:
        """Write what was changed and set free what that unblocked; how many commands became ready."""
        await self.flush()
        found = await ready.promote(self.connection, self.now, self._entities, self._linked)
        self._entities, self._linked = set(), set()
        return found


def _dependencies(command: CommandRow) -> list[dict[str, Any]]:
    return [
        {"command_id": command.command_id, "effect_key": key, "position": position}
        for position, key in enumerate(command.depends_on)
    ]
