"""Credit notes of one invoice: which count before another, so that together they give back no more than was sold."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import tables
from streams.ledger.among import among
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_effects: Final = tables.effects
_needs: Final = tables.dependencies


class _Note(NamedTuple):
    """`position` is the order in which they came; `is_first`: it is booked or sent, so it counts before all others."""

    position: int
    invoice: str
    command: str
    effect: str
    is_first: bool


async def before(connection: AsyncConnection, notes: Mapping[str, str]) -> dict[str, list[str]]:
    """The effects of the credit notes that count before each of these: what is booked or sent, and what came earlier.

    `notes`: the invoice's effect of each credit note, by command id; so is the answer.
    """
    found: dict[str, list[str]] = {}
    for keys in chunks(set(notes.values())):
        known = sorted({note for way in (_direct(keys), _by_payment(keys)) for note in await _read(connection, way)})
        positions = {note.command: note.position for note in known}
        for command, invoice in notes.items():
            others = (one for one in known if one.invoice == invoice and one.command != command)
            first = [one.effect for one in others if one.is_first or one.position < positions.get(command, 0)]
            if first:
                found[command] = list(dict.fromkeys(first))
    return found


async def _read(connection: AsyncConnection, way: Select[Any]) -> Iterable[_Note]:
    return [
        _Note(position, invoice, command, effect, is_first=state == "sent" or xero_id is not None)
        for position, invoice, command, effect, state, xero_id in await connection.execute(way)
    ]


def _notes() -> Select[Any]:
    """Current credit notes that have a document, are ready or are sent; one that waits for a person is none of them."""
    return (
        select(
            _commands.c.position,
            _needs.c.effect_key,
            _commands.c.command_id,
            _commands.c.effect_key,
            _commands.c.state,
            _effects.c.xero_id,
        )
        .join(_effects, _effects.c.current_command == _commands.c.command_id)
        .where(
            _commands.c.kind == "UpsertCreditNote",
            or_(
                _effects.c.xero_id.is_not(None),
                and_(_commands.c.state.in_(("pending", "sent")), _commands.c.ready_since.is_not(None)),
            ),
        )
    )


def _direct(invoices: list[str]) -> Select[Any]:
    return (
        _notes().join(_needs, _needs.c.command_id == _commands.c.command_id).where(among(_needs.c.effect_key, invoices))
    )


def _by_payment(invoices: list[str]) -> Select[Any]:
    """Notes that name the payment which they return: it builds on the invoice."""
    payment, of_payment = _effects.alias("payment"), _needs.alias("of_payment")
    return (
        _notes()
        .join(of_payment, of_payment.c.command_id == _commands.c.command_id)
        .join(payment, payment.c.effect_key == of_payment.c.effect_key)
        .join(_needs, _needs.c.command_id == payment.c.current_command)
        .where(among(_needs.c.effect_key, invoices))
    )
