"""An event that was mended, or is read with mended rules: what that means for its commands (design section 6)."""

from typing import Final

from sqlalchemy import delete, select

from schemas.commands import Command, CommandRecord, Commands, Ignored, UpsertContact
from streams.core.effects import encode_payload, payload_digest
from streams.core.lanes import PERSON_S
from streams.ledger import bulk, tables
from streams.ledger.admission import Origin, admit, tenant_of
from streams.ledger.errors import NotPossible
from streams.ledger.known import key_of
from streams.ledger.rows import CommandRow
from streams.ledger.transitions import Why
from streams.ledger.work import Work

_commands: Final = tables.commands.c


async def revise(work: Work, record: CommandRecord, actor: str) -> None:
    """Give the event's unfinished commands what the record says now. NotPossible: nothing may be changed."""
    key = key_of(record)
    found = select(_commands.command_id).where(_commands.event_key == key)
    ids = [row[0] for row in await work.connection.execute(found)]
    wanted = record.outcome.commands if isinstance(record.outcome, Commands) else ()
    await work.load_with_effects(ids)
    await work.load_effects(effect for one in wanted for effect in (one.effect_key, *one.depends_on))
    for command in wanted:
        old = work.commands.get(command.command_id)
        if old is None:
            admit(work, Origin(key, record.source or ""), command, actor)
        else:
            await _revise(work, old, command, actor)
    reason = record.outcome.reason if isinstance(record.outcome, Ignored) else "the mended event does not ask for it"
    for gone in set(ids) - {command.command_id for command in wanted}:
        discard(work, work.commands[gone], actor, reason)


def discard(work: Work, command: CommandRow, actor: str, reason: str) -> None:
    """A person decides that the command is not needed; one that is finished or under way is left alone."""
    if command.state not in ("pending", "rejected"):
        return
    if command.state == "rejected":
        work.close_letter(command.command_id, actor, f"discarded: {reason}")
    work.change(command, "discarded", Why(actor=actor, reason=reason))


async def _revise(work: Work, old: CommandRow, command: Command, actor: str) -> None:
    digest = payload_digest(command.payload)
    if old.state in ("superseded", "discarded") or (old.state == "pending" and digest == old.digest):
        return
    if old.state == "sent":
        raise NotPossible(f"{old.command_id} is on its way to Xero: try again in a minute")
    if old.state in ("posted", "same"):
        if digest == old.digest or (isinstance(command.payload, UpsertContact) and command.payload.ensure):
            return
        raise NotPossible(
            f"{old.command_id} is booked with other content: send an update of it from its source, under a new id and "
            "with a higher sequence"
        )
    if old.effect_key != command.effect_key:
        raise NotPossible(
            f"{old.command_id} would book {command.effect_key} in the place of {old.effect_key}: discard this letter "
            "and send the event again with a new id"
        )
    _renew(work, old, command, digest)
    await _depend(work, old, command.depends_on)
    if old.state == "rejected":
        work.close_letter(old.command_id, actor, "replayed")
    work.change(old, "pending", Why(actor=actor, reason=f"revision {old.revision}"))


def _renew(work: Work, old: CommandRow, command: Command, digest: str) -> None:
    old.payload, old.payload_version = encode_payload(command.payload).decode(), command.version
    old.kind, old.digest, old.sequence = command.kind, digest, command.sequence
    old.revision += 1
    old.hints, old.decision, old.not_before = {}, None, None
    old.priority_s = PERSON_S
    effect = work.effects[old.effect_key]
    if effect.xero_id is None and effect.current_command == old.command_id:
        effect.tenant = None
        effect.tenant = tenant_of(work, command) or old.tenant
        old.tenant = effect.tenant
    if effect.current_command == old.command_id:
        effect.highest_digest = digest
        if command.sequence is not None:
            effect.highest_sequence = max(command.sequence, effect.highest_sequence or command.sequence)
        effect.changed = True


async def _depend(work: Work, old: CommandRow, depends_on: tuple[str, ...]) -> None:
    table = tables.dependencies
    await work.connection.execute(delete(table).where(table.c.command_id == old.command_id))
    rows = [
        {"command_id": old.command_id, "effect_key": key, "position": position}
        for position, key in enumerate(depends_on)
    ]
    await bulk.insert(work.connection, table, rows)
