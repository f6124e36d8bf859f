"""Credit notes of one invoice: which came before another, so that together they give back no more than was sold."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from streams.ledger import tables
from streams.ledger.among import among
from streams.ledger.rows import chunks

_commands: Final = tables.commands
_effects: Final = tables.effects
_needs: Final = tables.dependencies
_Note = tuple[str, str, int, str]


async def before(connection: AsyncConnection, notes: Mapping[str, str]) -> dict[str, list[str]]:
    """The effects of the credit notes that came before each of these and are booked or on their way.

    `notes`: the invoice's effect of each credit note, by command id; so is the answer.
    """
    found: dict[str, list[str]] = {}
    for keys in chunks(set(notes.values())):
        known = sorted({note for way in (_direct(keys), _by_payment(keys)) for note in await _read(connection, way)})
        places = {command: (invoice, place) for invoice, command, place, _ in known}
        for command, _ in notes.items():
            invoice, place = places.get(command, ("", 0))
            earlier = [effect for of, _, at, effect in known if of == invoice and at < place]
            if earlier:
                found[command] = list(dict.fromkeys(earlier))
    return found


async def _read(connection: AsyncConnection, way: Select[Any]) -> Iterable[_Note]:
    return [(row[0], row[1], row[2], row[3]) for row in await connection.execute(way)]


def _notes() -> Select[Any]:
    """Current credit notes that have a document, are ready or are sent; one that waits for a person is none of them."""
    return (
        select(_needs.c.effect_key, _commands.c.command_id, _commands.c.position, _commands.c.effect_key)
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
