"""Receipts: each transaction on PostgreSQL leaves one, which tells afterwards whether it was committed.

A connection can break between a commit and its answer. Then nobody may assume anything: the receipt is read back. It is
a row of the connection's own that every transaction overwrites, so there are never more of them than connections. The
server's transaction numbers would not do: a standby that takes over gives the same numbers to others.
"""

import secrets
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from streams.ledger import tables

_receipts: Final = tables.receipts
_HOLDER: Final = "receipt_holder"
_KEPT: Final = timedelta(days=1)


class Receipt:
    """The receipt of one transaction. It is left as the transaction's last statement."""

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._token = secrets.token_hex(8)

    async def leave(self, connection: AsyncConnection) -> None:
        """Write it."""
        statement = _put(self._holder, self._token)
        await connection.execute(statement.on_conflict_do_update(index_elements=["holder"], set_=_new(statement)))

    async def is_there(self, engine: AsyncEngine) -> bool:
        """Whether the transaction was committed. Waits while the server still works on it.

        Raises what a database that is away raises.
        """
        async with engine.begin() as connection:
            # The statement waits for whoever holds the row; where there is none in the end, it puts one there.
            statement = _put(self._holder, "")
            unchanged = {"holder": _receipts.c.holder}
            found = await connection.execute(
                statement.on_conflict_do_update(index_elements=["holder"], set_=unchanged).returning(_receipts.c.token)
            )
            return bool(found.scalar_one() == self._token)


async def receipt_for(connection: AsyncConnection) -> Receipt:
    """A receipt for the transaction that the connection is in."""
    raw = await connection.get_raw_connection()
    return Receipt(raw.info.setdefault(_HOLDER, secrets.token_hex(8)))


async def forget_old(connection: AsyncConnection) -> None:
    """Remove the receipts of connections that are long gone."""
    if connection.dialect.name == "postgresql":
        await connection.execute(delete(_receipts).where(_receipts.c.left_at < func.now() - _KEPT))


def _put(holder: str, token: str) -> Any:
    return insert(_receipts).values(holder=holder, token=token, left_at=func.now())


def _new(statement: Any) -> dict[str, Any]:
    return {"token": statement.excluded.token, "left_at": statement.excluded.left_at}
