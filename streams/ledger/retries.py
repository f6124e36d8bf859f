"""Payments of more than their invoice owes wait for a newer version of the order, and go on as soon as it is booked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.core.conclude import EXCEEDS_SINCE
from streams.ledger import tables
from streams.ledger.among import among
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_dependencies: Final = tables.dependencies


async def bring_forward(connection: AsyncConnection, invoices: Sequence[str], now: datetime) -> None:
    """Let what these invoices (effect keys) were too small for be tried now: they have been updated in Xero."""
    waiting: list[str] = []
    for keys in chunks(invoices):
        statement = (
            select(_commands.c.command_id, _commands.c.hints)
            .join(_dependencies, _dependencies.c.command_id == _commands.c.command_id)
            .where(
                among(_dependencies.c.effect_key, keys),
                _commands.c.state == "pending",
                _commands.c.not_before > now,
            )
        )
        waiting += [row.command_id for row in await connection.execute(statement) if EXCEEDS_SINCE in row.hints]
    for ids in chunks(waiting):
        again = update(_commands).where(among(_commands.c.command_id, ids))
        await connection.execute(again.values(not_before=None, changed_at=now))
