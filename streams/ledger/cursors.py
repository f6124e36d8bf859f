"""How far each topic partition was taken in, and how many of its records."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import and_, case, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import tables
from streams.ledger.known import Position

COMMANDS: Final = "commands"
_cursors: Final = tables.cursors


@dataclass(slots=True)
class Advance:
    """What a transaction adds: per topic partition the next offset, and the records counted."""

    next_offset: dict[tuple[str, int], int] = field(default_factory=dict)
    records: dict[tuple[str, int], int] = field(default_factory=dict)

    def advance(self, position: Position, *, counted: bool) -> None:
        """A record was taken in."""
        at = (position.topic, position.partition)
        self.next_offset[at] = max(self.next_offset.get(at, 0), position.offset + 1)
        self.records[at] = self.records.get(at, 0) + int(counted)


async def offsets(connection: AsyncConnection, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """The first offset not taken in, for those of the partitions of which something was."""
    statement = select(_cursors.c.partition, _cursors.c.next_offset).where(
        _cursors.c.topic == topic, _cursors.c.partition.in_(list(partitions))
    )
    return {row[0]: row[1] for row in await connection.execute(statement)}


async def save(connection: AsyncConnection, advance: Advance) -> None:
    """Add to the cursors; an offset never goes back."""
    rows = [
        {"topic": topic, "partition": partition, "next_offset": offset, "records": advance.records[topic, partition]}
        for (topic, partition), offset in sorted(advance.next_offset.items())
    ]
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(_cursors)
    new = statement.excluded
    further = case((new.next_offset > _cursors.c.next_offset, new.next_offset), else_=_cursors.c.next_offset)
    statement = statement.on_conflict_do_update(
        index_elements=["topic", "partition"],
        set_={"next_offset": further, "records": _cursors.c.records + new.records},
    )
    await connection.execute(statement, rows)


async def passed(connection: AsyncConnection, topic: str, partition: int, next_offset: int) -> bool:
    """Whether everything before `next_offset` was taken in; locks the cursor."""
    statement = (
        select(_cursors.c.next_offset)
        .where(and_(_cursors.c.topic == topic, _cursors.c.partition == partition))
        .with_for_update(key_share=True)
    )
    found = (await connection.execute(statement)).scalar()
    return found is not None and found >= next_offset
