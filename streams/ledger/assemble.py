"""Rows as the values that planning works with: commands with their effects, what they build on, and its documents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import decode_payload
from streams.core.situation import Document, EffectLink, ReadyCommand
from streams.ledger import tables
from streams.ledger.rows import chunks, grouped

_commands: Final = tables.commands
_effects: Final = tables.effects
_documents: Final = tables.documents
_dependencies: Final = tables.dependencies

_NO_EFFECT: Final[Mapping[str, Any]] = {}


async def commands(connection: AsyncConnection, rows: Sequence[RowMapping]) -> tuple[ReadyCommand, ...]:
    """The rows of `commands` as ReadyCommands, in their order.

    A row that is not ready (in an open call that a backup brought back) is due since it came.
    """
    needs = await _needs(connection, [row["command_id"] for row in rows])
    keys = {row["effect_key"] for row in rows} | {key for found in needs.values() for key in found}
    effects = await _read_effects(connection, keys)
    effects |= await _beyond_payments(connection, needs, effects)
    documents = await _read_documents(connection, effects.values())
    return tuple(_command(row, needs.get(row["command_id"], []), effects, documents) for row in rows)


def _command(
    row: RowMapping,
    needs: Sequence[str],
    effects: Mapping[str, Mapping[str, Any]],
    documents: Mapping[tuple[str, ...], Document],
) -> ReadyCommand:
    effect = effects.get(row["effect_key"], _NO_EFFECT)
    return ReadyCommand(
        command_id=row["command_id"],
        event_key=row["event_key"],
        effect=_link(row["effect_key"], effect, documents, current=effect.get("current_command") == row["command_id"]),
        entity_key=row["entity_key"],
        source=row["source"],
        payload=decode_payload(row["payload"].encode()),
        digest=row["digest"],
        revision=row["revision"],
        attempts=row["attempts"],
        ready_since=row["ready_since"] or row["created_at"],
        due=row["due_at"] or row["created_at"],
        depends_on=tuple(_link(key, effects.get(key, _NO_EFFECT), documents, current=True) for key in needs),
        decision=row["decision"],
        hints=row["hints"],
    )


def _link(
    key: str, effect: Mapping[str, Any], documents: Mapping[tuple[str, ...], Document], *, current: bool
) -> EffectLink:
    place = (effect.get("tenant"), effect.get("resource"), effect.get("xero_id"))
    return EffectLink(
        effect_key=key,
        mark=effect.get("mark") or "",
        resource=effect.get("resource"),
        xero_id=effect.get("xero_id"),
        number=effect.get("number"),
        posted_digest=effect.get("posted_digest"),
        posted_body=effect.get("posted_body"),
        document=documents.get(tuple(str(part) for part in place)),
        current=current,
    )


async def _needs(connection: AsyncConnection, command_ids: Iterable[str]) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for ids in chunks(command_ids):
        statement = (
            select(_dependencies.c.command_id, _dependencies.c.effect_key)
            .where(_dependencies.c.command_id.in_(ids))
            .order_by(_dependencies.c.position)
        )
        for command, effect in await connection.execute(statement):
            needs.setdefault(command, []).append(effect)
    return needs


async def _beyond_payments(
    connection: AsyncConnection, needs: dict[str, list[str]], effects: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """A refund may name the payment that it returns: what that payment is for belongs to its situation as well."""
    payments = {
        key: row["current_command"]
        for key, row in effects.items()
        if row["resource"] == "Payments" and any(key in found for found in needs.values())
    }
    paid = await _needs(connection, payments.values())
    for found in needs.values():
        found += [invoice for key in found if key in payments for invoice in paid.get(payments[key], [])]
    return await _read_effects(connection, {key for keys in paid.values() for key in keys})


async def _read_effects(connection: AsyncConnection, effect_keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for keys in chunks(effect_keys):
        rows = await connection.execute(select(_effects).where(_effects.c.effect_key.in_(keys)))
        found |= {row["effect_key"]: dict(row) for row in rows.mappings()}
    return found


async def _read_documents(
    connection: AsyncConnection, effects: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, ...], Document]:
    places = [(row["tenant"], row["resource"], row["xero_id"]) for row in effects if row["xero_id"] is not None]
    found: dict[tuple[str, ...], Document] = {}
    for tenant, resource, ids in grouped(places):
        statement = select(_documents).where(
            _documents.c.tenant == tenant, _documents.c.resource == resource, _documents.c.xero_id.in_(ids)
        )
        for row in (await connection.execute(statement)).mappings():
            found[row["tenant"], row["resource"], row["xero_id"]] = Document(
                resource=row["resource"], xero_id=row["xero_id"], body=row["body"], read_at=row["read_at"]
            )
    return found
