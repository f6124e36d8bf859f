"""Discarding a dead letter: nothing will be booked for it, and who decided so (design section 6)."""

from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.clock import Clock
from streams.ledger import dead_letters, letters, locks, tables, transitions
from streams.ledger.dead_letters import LetterRow
from streams.ledger.engine import Rollback, Store
from streams.ledger.errors import NotPossible
from streams.ledger.repeat import repeated
from streams.ledger.revising import discard
from streams.ledger.rows import chunks
from streams.ledger.transitions import Why
from streams.ledger.work import Work

_commands: Final = tables.commands.c
_dependencies: Final = tables.dependencies.c


class DiscardReport(msgspec.Struct, frozen=True, kw_only=True):
    """`discarded` are command ids, the letter's own first; `freed` is how many others may go now."""

    dlq_id: str
    discarded: tuple[str, ...]
    freed: int
    dry_run: bool = False


class Discarding:
    """Discards letters."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @repeated
    async def discard(
        self, dlq_id: str, reason: str, actor: str, *, followers: bool = False, dry_run: bool = False
    ) -> DiscardReport:
        """Close the letter for good. Those after it in its lane go on.

        What builds on it can never be booked: with `followers` it is discarded as well, else NotPossible names it.
        """
        report: DiscardReport | None = None
        try:
            async with self._store.write() as connection:
                await locks.take_turn(connection)
                letter = await dead_letters.get(connection, dlq_id)
                if letter.state != "open":
                    raise NotPossible(f"{dlq_id} was closed by {letter.closed_by}: {letter.closed_reason}")
                report = await self._discard(connection, letter, reason, actor, followers)
                if dry_run:
                    raise Rollback
        except Rollback:
            assert report is not None
            return msgspec.structs.replace(report, dry_run=True)
        return report

    async def _discard(
        self, connection: AsyncConnection, letter: LetterRow, reason: str, actor: str, followers: bool
    ) -> DiscardReport:
        work = Work(connection, self._clock.now())
        if letter.command_id is None:
            await self._record(work, letter, reason, actor)
            return DiscardReport(dlq_id=letter.letter.dlq_id, discarded=(), freed=0)
        await work.load_with_effects([letter.command_id])
        building = await _built_on(connection, work, letter.command_id)
        if building and not followers:
            raise NotPossible(
                f"{', '.join(building)} build on it and could never be booked: discard them too with --followers, or "
                "mend it and replay"
            )
        await work.load_with_effects(building)
        for command in (letter.command_id, *building):
            discard(work, work.commands[command], actor, reason)
        freed = await work.finish()
        return DiscardReport(dlq_id=letter.letter.dlq_id, discarded=(letter.command_id, *building), freed=freed)

    @staticmethod
    async def _record(work: Work, letter: LetterRow, reason: str, actor: str) -> None:
        subject = letter.letter.subject
        await letters.close(work.connection, [subject], work.now, actor, f"discarded: {reason}")
        number = await transitions.next_number(work.connection, subject)
        entity = letter.entity_key or subject
        why = Why(actor=actor, reason=reason)
        row = transitions.of_subject(
            subject, number, entity, "discarded", work.now, why, event_key=letter.event_key, from_state="rejected"
        )
        await transitions.write(work.connection, [row])


async def _built_on(connection: AsyncConnection, work: Work, command_id: str) -> list[str]:
    """Unfinished commands that need the command's effect, and those that need theirs; none if it is in the books."""
    effect = work.effects[work.commands[command_id].effect_key]
    if effect.xero_id is not None or effect.current_command != command_id:
        return []
    found: dict[str, None] = {}
    frontier = [effect.effect_key]
    while frontier:
        following: list[str] = []
        for keys in chunks(frontier):
            statement = (
                select(_commands.command_id, _commands.effect_key)
                .join(tables.dependencies, _dependencies.command_id == _commands.command_id)
                .where(_dependencies.effect_key.in_(keys), _commands.state.in_(("pending", "rejected")))
                .order_by(_commands.position)
            )
            for command, key in await connection.execute(statement):
                if command not in found:
                    found[command] = None
                    following.append(key)
        frontier = following
    return list(found)
