"""A company's own application: its database, and what it writes there, with its own drivers and connections."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from connectors.outbox.address import dialect_of
from connectors.outbox.store import Outbox
from tests.unit.receiver.support import order

UPDATED = "com.ledgerstream.OrderUpdated.v1"
_DRIVERS = {"postgresql": "postgresql+asyncpg", "mysql": "mysql+aiomysql", "sqlite": "sqlite+aiosqlite"}
_BUSY_S = 30
_INSERT = "INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', :order_id, :type, :payload)"
_INSERT_JSONB = _INSERT.replace(":payload", "CAST(:payload AS jsonb)")


@dataclass(frozen=True)
class Place:
    """Where a database is. `restart` blocks while its server falls and comes again; None where there is no server."""

    url: str
    restart: Callable[[], None] | None


class Database:
    """A database with the tables of an application."""

    def __init__(self, place: Place) -> None:
        self.url = place.url
        self.restart = place.restart
        self.dialect = dialect_of(self.url)
        parsed = make_url(self.url).set(drivername=_DRIVERS[self.dialect])
        busy = {"timeout": _BUSY_S} if self.dialect == "sqlite" else {}
        self.engine = create_async_engine(parsed, connect_args=busy, pool_size=20)

    def outbox(self) -> Outbox:
        """A poller's view of it, with connections of its own."""
        return Outbox(self.url, "outbox")

    async def install(self) -> None:
        """Make the outbox, as `outbox install --apply` does."""
        box = self.outbox()
        await box.install(datetime.now(UTC))
        await box.close()

    async def close(self) -> None:
        await self.engine.dispose()

    async def run(self, *statements: str, **values: Any) -> list[tuple[Any, ...]]:
        """Statements in a transaction of their own; what the last one gives."""
        async with self.engine.begin() as connection:
            for statement in statements:
                done = await connection.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else []

    async def script(self, statements: str) -> None:
        """Statements as they stand, whatever colons and percent signs are in them."""
        async with self.engine.begin() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            match self.dialect:
                case "postgresql":
                    await raw.execute(statements)
                case "sqlite":
                    await raw.executescript(statements)
                case "mysql":
                    cursor = await raw.cursor()
                    for statement in statements.split(";\n"):
                        if statement.strip():
                            await cursor.execute(statement)
                    await cursor.close()

    async def write(self, connection: AsyncConnection, order_id: str, version: int) -> None:
        """A row of the outbox: the order as it is in this version."""
        await self.insert(connection, order_id, json.dumps(order(order_id, reference=f"version {version}")))

    async def insert(self, connection: AsyncConnection, order_id: str, payload: str, type_: str = UPDATED) -> None:
        """Any row of the outbox."""
        statement = text(_INSERT_JSONB if self.dialect == "postgresql" else _INSERT)
        await connection.execute(statement, {"order_id": order_id, "payload": payload, "type": type_})
