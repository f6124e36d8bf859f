"""A ledger that was put back from a backup: what it does not know to be posted is looked for before it is sent.

Xero may hold what was sent after the backup was made. So each command that existed then is put into an open call whose
idempotency key is too old to be used again, as soon as it may go; recovery finds the call and looks (design 6 and 7.7).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import (
    AllocateCredit,
    CancelInvoice,
    RecordPayment,
    RecordReceive,
    RecordRefund,
    RecordSpend,
    RecordTransfer,
    ReversePayment,
    UpsertContact,
    UpsertCreditNote,
    UpsertInvoice,
    decode_payload,
)
from streams.core.situation import RESTORED
from streams.ledger import bulk, tables, transitions
from streams.ledger.among import among
from streams.ledger.rows import chunks
from streams.ledger.transitions import Why

_commands: Final = tables.commands
_ledger: Final = tables.ledger
_CALL_ELEMENTS_MAX: Final = 50
# Longer ago than any idempotency key lives, so that nothing is sent again under it.
_LONG_AGO: Final = timedelta(days=1)

_RESOURCES: Final[Mapping[type, str]] = {
    UpsertContact: "Contacts",
    UpsertInvoice: "Invoices",
    CancelInvoice: "Invoices",
    UpsertCreditNote: "CreditNotes",
    RecordPayment: "Payments",
    RecordRefund: "Payments",
    ReversePayment: "Payments",
    AllocateCredit: "Allocations",
    RecordSpend: "BankTransactions",
    RecordReceive: "BankTransactions",
    RecordTransfer: "BankTransfers",
}


async def begin(connection: AsyncConnection, now: datetime, highest_call: int) -> int:
    """Mark every command that is not posted; call numbers go on after `highest_call`, so that no key is used twice.

    How many commands were marked. Commands of events that come again from Kafka are marked at intake.
    """
    higher = case((_ledger.c.last_call < highest_call, highest_call), else_=_ledger.c.last_call)
    await connection.execute(update(_ledger).values(restored_at=now, last_call=higher))
    marked = await connection.execute(
        update(_commands)
        .where(or_(_commands.c.state == "pending", _commands.c.state == "rejected"))
        .values(look_first=True)
    )
    ready = select(_commands.c.command_id).where(_commands.c.state == "pending", _commands.c.ready_since.is_not(None))
    await look_first(connection, now, [row[0] for row in await connection.execute(ready)])
    return marked.rowcount


async def look_first(connection: AsyncConnection, now: datetime, command_ids: Sequence[str]) -> None:
    """Put those of these ready commands that are marked into open calls that nobody sends."""
    for ids in chunks(command_ids):
        statement = select(_commands).where(among(_commands.c.command_id, ids), _commands.c.look_first)
        rows = [dict(row) for row in (await connection.execute(statement)).mappings()]
        rows.sort(key=_group)
        for _, group in groupby(rows, key=_group):
            members = list(group)
            for start in range(0, len(members), _CALL_ELEMENTS_MAX):
                await _open(connection, now, members[start : start + _CALL_ELEMENTS_MAX])


def _resource(row: Mapping[str, Any]) -> str:
    return _RESOURCES[type(decode_payload(row["payload"].encode()))]


def _group(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["tenant"], _resource(row)


async def _open(connection: AsyncConnection, now: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    await connection.execute(update(_ledger).values(last_call=_ledger.c.last_call + 1))
    number = (await connection.execute(select(_ledger.c.last_call))).scalar_one()
    resource = _resource(rows[0])
    opened = min(now - _LONG_AGO, *(row["created_at"] for row in rows))
    call = {
        "number": number,
        "root": number,
        "purpose": "write",
        "tenant": rows[0]["tenant"],
        "xero_tenant_id": "",
        "method": "PUT",
        "path": f"/{resource}",
        "query": [],
        "idempotency_key": f"{RESTORED}-{number}-{int(now.timestamp())}",
        "body": b"",
        "fence": 0,
        "opened_at": opened,
        "send_before": 0.0,
        "ends_at": opened,
        "left_us": True,
        "state": "open",
        "looks": 0,
    }
    await bulk.insert(connection, tables.calls, [call])
    writes = [
        {
            "call": number,
            "position": position,
            "command_id": row["command_id"],
            "effect_key": row["effect_key"],
            "resource": resource,
            "element": {},
            "step": RESTORED,
            "number": getattr(decode_payload(row["payload"].encode()), "number", None),
        }
        for position, row in enumerate(rows)
    ]
    await bulk.insert(connection, tables.writes, writes)
    why = Why(reason="a backup was put back: Xero is asked before it is sent", call=number)
    await transitions.write(
        connection,
        [
            transitions.of_subject(
                row["command_id"],
                row["changes"] + 1,
                row["entity_key"],
                "sent",
                now,
                why,
                **{name: row[name] for name in ("event_key", "effect_key", "tenant", "kind")},
                from_state="pending",
            )
            for row in rows
        ],
    )
    await _mark_sent(connection, rows)


async def _mark_sent(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    changed = [
        {"command_id": row["command_id"], "state": "sent", "changes": row["changes"] + 1, "look_first": False}
        for row in rows
    ]
    await bulk.update_by(connection, _commands, "command_id", changed)
