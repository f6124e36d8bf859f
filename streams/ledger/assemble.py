"""Rows as the values that planning works with: commands with their effects, what they build on, and its documents."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Text, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.commands import decode_payload
from streams.core.situation import Document, EffectLink, ReadyCommand, Resource
from streams.ledger import credited, tables
from streams.ledger.among import among
from streams.ledger.columns import LazyJson
from streams.ledger.rows import chunks, grouped

_commands: Final = tables.commands
_effects: Final = tables.effects
_documents: Final = tables.documents
_dependencies: Final = tables.dependencies

# What `commands` is given of each row. One that is not ready (in an open call that a backup brought back) is due since
# it came.
COLUMNS: Final[tuple[ColumnElement[Any], ...]] = (
    _commands.c.command_id,
    _commands.c.event_key,
    _commands.c.effect_key,
    _commands.c.entity_key,
    _commands.c.source,
    _commands.c.payload,
    _commands.c.digest,
    _commands.c.revision,
    _commands.c.attempts,
    _commands.c.created_at,
    func.coalesce(_commands.c.ready_since, _commands.c.created_at),
    func.coalesce(_commands.c.due_at, _commands.c.created_at),
    _commands.c.decision,
    _commands.c.hints,
    _commands.c.kind,
)


class _Effect(NamedTuple):
    """The columns of `effects` that a link is made of."""

    tenant: str | None = None
    current_command: str | None = None
    mark: str = ""
    resource: Resource | None = None
    xero_id: str | None = None
    number: str | None = None
    posted_digest: str | None = None
    posted_body: str | None = None


# Xero shows it of a contact that was merged (facts 4).
_MERGED: Final = "MergedToContactID"
_NO_EFFECT: Final = _Effect()
# Where a document is: tenant, resource and id.
_Place = tuple[str | None, Resource | None, str | None]
_EFFECT_COLUMNS: Final = [_effects.c[name] for name in _Effect._fields[:-1]]


@dataclass(frozen=True, slots=True)
class _Documents:
    """What Xero is known to hold. `merged`: of contacts that people merged into others, into which."""

    found: dict[_Place, Document]
    merged: dict[_Place, _Place]

    def left_of(self, place: _Place) -> _Place:
        """The contact that is left where others were merged into it, one after another; else the place itself."""
        seen = {place}
        while (into := self.merged.get(place)) is not None and into not in seen:
            seen.add(into)
            place = into
        return place


async def commands(connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> tuple[ReadyCommand, ...]:
    """Rows of `commands`, read as COLUMNS, as ReadyCommands, in their order."""
    needs = await _needs(connection, [row[0] for row in rows])
    keys = {row[2] for row in rows} | {key for found in needs.values() for key in found}
    effects = await _read_effects(connection, keys)
    effects |= await _beyond_payments(connection, needs, effects)
    notes = {row[0]: _invoice_among(needs.get(row[0], []), effects) for row in rows if row[-1] == "UpsertCreditNote"}
    earlier = await credited.before(connection, notes) if notes else {}
    effects |= await _read_effects(connection, {key for found in earlier.values() for key in found})
    documents = await _read_documents(connection, {_place(one) for one in effects.values()})
    return tuple([_command(row, needs.get(row[0], []), earlier.get(row[0], []), effects, documents) for row in rows])


def _invoice_among(needs: Sequence[str], effects: Mapping[str, _Effect]) -> str:
    """The invoice that a credit note credits: it names it, or a payment of it."""
    return next((key for key in needs if effects.get(key, _NO_EFFECT).resource == "Invoices"), "")


def _command(
    row: Sequence[Any],
    needs: Sequence[str],
    earlier: Sequence[str],
    effects: Mapping[str, _Effect],
    documents: _Documents,
) -> ReadyCommand:
    (
        command_id,
        event,
        key,
        entity,
        source,
        payload,
        digest,
        revision,
        attempts,
        came,
        ready,
        due,
        decision,
        hints,
        _,
    ) = row
    effect = effects.get(key, _NO_EFFECT)
    return ReadyCommand(
        command_id=command_id,
        event_key=event,
        effect=_link(key, effect, documents, current=effect.current_command == command_id),
        entity_key=entity,
        source=source,
        payload=decode_payload(payload.encode()),
        digest=digest,
        revision=revision,
        attempts=attempts,
        taken_in=came,
        ready_since=ready,
        due=due,
        depends_on=tuple([_needed(one, effects.get(one, _NO_EFFECT), documents) for one in needs]),
        decision=decision,
        hints=hints,
        credited=tuple([_link(one, effects[one], documents, current=True) for one in earlier]),
    )


def _needed(key: str, effect: _Effect, documents: _Documents) -> EffectLink:
    """What a command builds on. A contact that a person merged into another one is that one (facts 4)."""
    if documents.merged:
        effect = effect._replace(xero_id=documents.left_of(_place(effect))[2])
    return _link(key, effect, documents, current=True)


def _link(key: str, effect: _Effect, documents: _Documents, *, current: bool) -> EffectLink:
    return EffectLink(
        effect_key=key,
        mark=effect.mark,
        resource=effect.resource,
        xero_id=effect.xero_id,
        number=effect.number,
        posted_digest=effect.posted_digest,
        posted_body=None if effect.posted_body is None else LazyJson(effect.posted_body),
        document=documents.found.get(_place(effect)),
        current=current,
    )


async def _needs(connection: AsyncConnection, command_ids: Iterable[str]) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for ids in chunks(command_ids):
        statement = (
            select(_dependencies.c.command_id, _dependencies.c.effect_key)
            .where(among(_dependencies.c.command_id, ids))
            .order_by(_dependencies.c.position)
        )
        for command, effect in await connection.execute(statement):
            needs.setdefault(command, []).append(effect)
    return needs


async def _beyond_payments(
    connection: AsyncConnection, needs: dict[str, list[str]], effects: Mapping[str, _Effect]
) -> dict[str, _Effect]:
    """A refund may name the payment that it returns: what that payment is for belongs to its situation as well."""
    needed = {key for found in needs.values() for key in found}
    payments = {
        key: str(effect.current_command)
        for key, effect in effects.items()
        if effect.resource == "Payments" and key in needed
    }
    paid = await _needs(connection, payments.values())
    for found in needs.values():
        found += [invoice for key in found if key in payments for invoice in paid.get(payments[key], [])]
    return await _read_effects(connection, {key for keys in paid.values() for key in keys})


async def _read_effects(connection: AsyncConnection, effect_keys: Iterable[str]) -> dict[str, _Effect]:
    found: dict[str, _Effect] = {}
    for keys in chunks(effect_keys):
        statement = select(_effects.c.effect_key, *_EFFECT_COLUMNS, type_coerce(_effects.c.posted_body, Text))
        for key, *values in await connection.execute(statement.where(among(_effects.c.effect_key, keys))):
            found[key] = _Effect(*values)
    return found


def _place(effect: _Effect) -> _Place:
    return effect.tenant, effect.resource, effect.xero_id


async def _read_documents(connection: AsyncConnection, places: Set[_Place]) -> _Documents:
    """The documents there, and the contacts that some of them were merged into."""
    documents, looked = _Documents({}, {}), set[_Place]()
    while ahead := (places | set(documents.merged.values())) - looked:
        looked |= ahead
        for tenant, resource, ids in grouped((one[0], one[1], one[2]) for one in ahead if one[2] is not None):
            body = type_coerce(_documents.c.body, Text)
            statement = select(_documents.c.xero_id, body, _documents.c.read_at).where(
                _documents.c.tenant == tenant, _documents.c.resource == resource, among(_documents.c.xero_id, ids)
            )
            for xero_id, text, read_at in await connection.execute(statement):
                assert resource is not None, "a document has a resource"
                document = Document(resource=resource, xero_id=xero_id, body=LazyJson(text), read_at=read_at)
                documents.found[tenant, resource, xero_id] = document
                # Nearly none was, and to decode a document takes time.
                if resource == "Contacts" and _MERGED in text and (into := _merged_into(document.body)):
                    documents.merged[tenant, resource, xero_id] = (tenant, resource, into)
    return documents


def _merged_into(contact: Mapping[str, Any]) -> str | None:
    into = contact.get(_MERGED)
    return into if contact.get("ContactStatus") == "ARCHIVED" and isinstance(into, str) else None
