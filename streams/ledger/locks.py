"""Who waits for whom on PostgreSQL. SQLite lets one transaction write at a time, so there nobody meets anybody.

Rows are locked in this order, so that no two transactions wait for each other: the turn (below), a cursor, the call
that is settled, the lease of its tenant, the tenant's budget, effects by their keys, commands by their places, the one
row of `ledger`. Whoever changes a command's state holds the lock of its effect, or of the command itself; two that
changed one state from the same base would write one number of its transitions, which its constraint refuses.

Only one transaction at a time takes new events in or carries out what a person decided: it has the turn. Two of them
could each make what the other one looks for (the invoice that a payment builds on, the next place of a lane), and a
row that is not committed yet can be neither seen nor locked.
"""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

# Numbers of our own within the one space that advisory locks have.
_TURN: Final = 7_340_001
_TABLES: Final = 7_340_002


async def take_turn(connection: AsyncConnection) -> None:
    """Be the only one that takes in or decides, until the transaction ends."""
    await _lock(connection, _TURN)


async def own_tables(connection: AsyncConnection) -> None:
    """Be the only one that makes or changes tables, until the transaction ends."""
    await _lock(connection, _TABLES)


async def _lock(connection: AsyncConnection, number: int) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(number)))
