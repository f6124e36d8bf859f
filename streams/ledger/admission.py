"""A new command meets its effect: what `streams.core.effects` decides, done to the rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.commands import Command
from schemas.keys import mark
from schemas.states import CommandState
from streams.core.effects import KEEP, TAKE, Conflict, Current, Same, Superseded, compare, encode_payload, incoming_of
from streams.core.lanes import PERSON_S, target_s
from streams.core.results import Option
from streams.ledger.questions import EFFECT_CONFLICT, question_row
from streams.ledger.rows import CommandRow, EffectRow
from streams.ledger.transitions import WORKER, Why
from streams.ledger.work import Work


@dataclass(frozen=True, slots=True)
class Origin:
    """The event that a command comes from. `look_first`: it was there before a backup was put back."""

    event_key: str
    source: str
    look_first: bool = False


def admit(work: Work, origin: Origin, command: Command, actor: str) -> None:
    """Put a command of a new event into its place. Its effect and those it builds on must be loaded.

    What a person takes in (a replay, an answer) is a person's command: someone waits for it.
    """
    effect, current = work.effects.get(command.effect_key), work.current(command.effect_key)
    verdict = compare(effect.existing(current) if effect and current else None, incoming_of(command))
    match verdict:
        case Current():
            row = _row(work, origin, command, "pending", actor)
            work.add(row, Why(actor=actor, reason=verdict.reason))
            make_current(work, row, actor, supersedes=verdict.supersedes)
            _outdate(work, row, actor)
        case Superseded():
            row = _row(work, origin, command, "superseded", actor)
            work.add(row, Why(actor=actor, reason=verdict.reason))
            _route(work, row)
        case Same():
            row = _row(work, origin, command, "same", actor)
            work.add(row, Why(actor=actor, reason=verdict.reason))
            _route(work, row)
            if verdict.raises_sequence and effect is not None:
                effect.highest_sequence = command.sequence
                effect.changed = True
        case Conflict():
            assert current is not None, "nothing conflicts with a new effect"
            _contest(work, _row(work, origin, command, "pending", actor), current, verdict.reason, actor)


def _contest(work: Work, row: CommandRow, current: CommandRow, reason: str, actor: str) -> None:
    """A person chooses between the two contents; whoever tells one of them again changes nothing."""
    rivals = work.contested.setdefault(row.effect_key, [])
    if any(row.digest == rival.digest for rival in rivals):
        row.state = "same"
        work.add(row, Why(actor=actor, reason=f"{reason}; a question about this one is open"))
        return
    work.add(row, Why(actor=actor, reason=reason, cause="conflict"))
    rivals.append(row)
    work.questions.append(_question(work, row, current, reason))


def _outdate(work: Work, row: CommandRow, actor: str) -> None:
    """A newer version settles which of two older ones was right: neither need be booked any more."""
    for rival in work.contested.get(row.effect_key, ()):
        older = rival.sequence is not None and row.sequence is not None and rival.sequence < row.sequence
        if older and rival.state == "pending":
            work.supersede(rival, f"superseded by {row.command_id}", actor)


def _route(work: Work, row: CommandRow) -> None:
    """Whatever tells of an effect may be the first to say which organisation it belongs to."""
    effect, current = work.effects[row.effect_key], work.commands[work.effects[row.effect_key].current_command]
    if effect.tenant is None and row.tenant is not None:
        effect.tenant, effect.changed = row.tenant, True
        if current.state == "pending" and current.tenant is None:
            current.tenant = row.tenant
            work.touch(current)


def make_current(work: Work, row: CommandRow, actor: str, *, supersedes: bool) -> None:
    """Let the command be what its effect must end up with. `supersedes`: the old one need not be sent any more."""
    effect = work.effects.get(row.effect_key)
    if effect is None:
        work.effects[row.effect_key] = _new_effect(row)
        return
    old = work.commands[effect.current_command]
    if supersedes:
        work.supersede(old, f"superseded by {row.command_id}", actor)
    effect.current_command = row.command_id
    effect.highest_digest = row.digest
    if row.sequence is not None:
        effect.highest_sequence = row.sequence
    effect.tenant = effect.tenant or row.tenant
    effect.changed = True


def _new_effect(row: CommandRow) -> EffectRow:
    return EffectRow(
        effect_key=row.effect_key,
        entity_key=row.entity_key,
        tenant=row.tenant,
        current_command=row.command_id,
        highest_sequence=row.sequence,
        highest_digest=row.digest,
        mark=mark(row.effect_key),
        new=True,
    )


def _row(work: Work, origin: Origin, command: Command, state: CommandState, actor: str) -> CommandRow:
    return CommandRow(
        command_id=command.command_id,
        event_key=origin.event_key,
        effect_key=command.effect_key,
        entity_key=command.entity_key,
        tenant=tenant_of(work, command),
        source=origin.source,
        kind=command.kind,
        payload=encode_payload(command.payload).decode(),
        payload_version=command.version,
        digest=incoming_of(command).digest,
        sequence=command.sequence,
        state=state,
        revision=1,
        attempts=0,
        changes=0,
        ready_since=None,
        due_at=None,
        priority_s=target_s(command.kind) if actor == WORKER else PERSON_S,
        not_before=None,
        cause=None,
        reason=None,
        decision=None,
        hints={},
        look_first=origin.look_first,
        created_at=work.now,
        changed_at=work.now,
        depends_on=command.depends_on,
    )


def tenant_of(work: Work, command: Command) -> str | None:
    """The organisation: the effect's own, else that of what it builds on, else what routing said."""
    for key in (command.effect_key, *command.depends_on):
        effect = work.effects.get(key)
        if effect is not None and effect.tenant is not None:
            return effect.tenant
    return command.tenant


def _question(work: Work, row: CommandRow, current: CommandRow, reason: str) -> Mapping[str, Any]:
    return question_row(
        kind=EFFECT_CONFLICT,
        subject=f"{row.command_id}|{row.revision}",
        command=row,
        text=f"{row.effect_key}: {reason}",
        ours=msgspec.json.decode(current.payload),
        theirs=msgspec.json.decode(row.payload),
        options=(
            Option(KEEP, f"keep what {current.command_id} says and discard the other"),
            Option(TAKE, f"take what {row.command_id} says"),
        ),
        cause="conflict",
        now=work.now,
    )
