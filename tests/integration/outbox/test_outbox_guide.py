"""The triggers of deploy/docs/outbox.md, on an application that knows nothing of an outbox."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from connectors.cloudevents.records import Prepared
from connectors.outbox.event import event_of
from schemas.events import OrderCancelled, OrderUpdated, decode_event
from tests.integration.outbox.company import Database, Place
from tests.support.postgres import PostgresServer

GUIDE = Path(__file__).parents[3] / "deploy" / "docs" / "outbox.md"
TEMPLATES = dict(re.findall(r"^```sql (\w+)\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE))
APPLICATION = {
    "money": {"postgresql": "numeric(12,2)", "mysql": "decimal(12,2)", "sqlite": "integer"},
    "moment": {"postgresql": "timestamptz", "mysql": "datetime", "sqlite": "text"},
}
TABLES = (
    """\
CREATE TABLE orders (
  id bigint PRIMARY KEY, number varchar(20), status varchar(20), currency char(3), customer_id bigint,
  customer_name varchar(80), customer_email varchar(80), placed_at {moment}, cancelled_at {moment}, total {money}
)""",
    """\
CREATE TABLE order_lines (
  id bigint PRIMARY KEY, order_id bigint REFERENCES orders (id), description varchar(80), quantity integer,
  unit_amount {money}, tax_rate integer
)""",
)
NEW_ORDER = (
    "INSERT INTO orders (id, number, status, currency, customer_id, customer_name, placed_at, total) "
    "VALUES (1001, 'S-1001', 'new', 'GBP', 77, 'Ada \"the Countess\" Smith', '2026-11-24 09:30:00', {total})",
    "INSERT INTO order_lines VALUES (1, 1001, 'Mug', 2, {amount}, 20)",
    "INSERT INTO order_lines VALUES (2, 1001, 'Caf''e', 1, {other}, 20)",
    "UPDATE orders SET status = 'placed' WHERE id = 1001",
)


def amounts(dialect: str) -> dict[str, str]:
    """30.05 in all: as decimals, or as pence."""
    found = {"total": "30.05", "amount": "12.00", "other": "6.05"}
    return {name: text.replace(".", "") for name, text in found.items()} if dialect == "sqlite" else found


async def application(database: Database) -> None:
    kinds = {name: by_dialect[database.dialect] for name, by_dialect in APPLICATION.items()}
    await database.run(*(statement.format(**kinds) for statement in TABLES))
    await database.script(TEMPLATES[database.dialect])


async def told(database: Database) -> list[Prepared]:
    """The events that the outbox holds."""
    box = database.outbox()
    rows = await box.waiting(100)
    await box.close()
    events = []
    for row in rows:
        event = event_of(row, "erp-1", datetime.now(UTC))
        assert isinstance(event, Prepared), event
        assert row.aggregate == ("order", "1001")
        events.append(event)
    return events


async def test_an_order_of_an_application_that_knows_nothing_is_an_event(database: Database) -> None:
    await application(database)
    statements = [statement.format(**amounts(database.dialect)) for statement in NEW_ORDER]
    await database.run(*statements)
    placed = await told(database)
    _, order = decode_event(placed[-1].envelope)
    assert isinstance(order, OrderUpdated)
    assert (order.order_id, order.number, order.currency, order.total) == ("1001", "S-1001", "GBP", "30.05")
    assert order.placed_at == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert (order.customer.id, order.customer.name, order.customer.email) == ("77", 'Ada "the Countess" Smith', None)
    lines = sorted((line.id, line.description, line.quantity, line.unit_amount, line.tax_rate) for line in order.lines)
    assert lines == [("1", "Mug", "2", "12.00", "20"), ("2", "Caf'e", "1", "6.05", "20")]
    # However often it is told: the same content is booked once.
    assert len({json.dumps(json.loads(event.envelope.data), sort_keys=True) for event in placed}) == 1
    await database.run("UPDATE orders SET status = 'cancelled', cancelled_at = '2026-11-25 10:00:00' WHERE id = 1001")
    [*_, last] = await told(database)
    _, cancelled = decode_event(last.envelope)
    assert isinstance(cancelled, OrderCancelled)
    assert (cancelled.order_id, cancelled.cancelled_at) == ("1001", datetime(2026, 11, 25, 10, tzinfo=UTC))
    assert last.entity == placed[-1].entity == "erp-1:order:1001"


async def test_what_is_rolled_back_is_not_told(database: Database) -> None:
    await application(database)
    async with database.engine.connect() as connection:
        for statement in NEW_ORDER:
            await connection.execute(text(statement.format(**amounts(database.dialect))))
        await connection.rollback()
    assert await told(database) == []


async def test_amounts_below_zero_are_told_as_they_are(database: Database) -> None:
    await application(database)
    pence = ("2950", "-50", "3000") if database.dialect == "sqlite" else ("29.50", "-0.50", "30.00")
    values = dict(zip(("total", "amount", "other"), pence, strict=True))
    await database.run(*(statement.format(**values) for statement in NEW_ORDER))
    _, order = decode_event((await told(database))[-1].envelope)
    assert isinstance(order, OrderUpdated)
    assert (order.total, sorted(line.unit_amount for line in order.lines)) == ("29.50", ["-0.50", "30.00"])


def test_each_statement_by_itself_tells_no_order_without_lines(postgres: PostgresServer) -> None:
    """As an application does that commits after each."""
    database = Database(Place(postgres.new_database(), None))

    async def try_it() -> None:
        await database.install()
        await application(database)
        placed = NEW_ORDER[0].replace("'new'", "'placed'")
        for statement in (placed, *NEW_ORDER[1:3]):
            await database.run(statement.format(**amounts("postgresql")))
        orders = [decode_event(event.envelope)[1] for event in await told(database)]
        assert [len(order.lines) for order in orders if isinstance(order, OrderUpdated)] == [1, 2]
        await database.close()

    asyncio.run(try_it())


def test_two_who_add_a_line_to_one_order_are_both_told(postgres: PostgresServer) -> None:
    """Each holds the lock of the foreign key on the order's row when its trigger asks for that row."""
    database = Database(Place(postgres.new_database(), None))

    async def add(number: int, ready: asyncio.Event, other: asyncio.Event) -> None:
        async with database.engine.begin() as connection:
            line = text("INSERT INTO order_lines VALUES (:number, 1001, 'Tea', 1, 1.00, 20)")
            await connection.execute(line, {"number": number})
            ready.set()
            await other.wait()

    async def try_it() -> None:
        await database.install()
        await application(database)
        await database.run(*(statement.format(**amounts("postgresql")) for statement in NEW_ORDER))
        one, other = asyncio.Event(), asyncio.Event()
        await asyncio.gather(add(3, one, other), add(4, other, one))
        _, order = decode_event((await told(database))[-1].envelope)
        assert isinstance(order, OrderUpdated)
        assert [line.id for line in order.lines] == ["1", "2", "3", "4"]
        await database.close()

    asyncio.run(try_it())
