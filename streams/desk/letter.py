"""One dead letter with everything around it: the event, the command, the call to Xero and what waits for it."""

from datetime import datetime
from typing import Any

import msgspec

from schemas.codec import Refused, load_json
from schemas.commands import Evidence
from streams.desk.lines import LetterLine, line_of
from streams.ledger import Ledger
from streams.ledger.dead_letters import LetterRow
from streams.ledger.timeline import CallView, CommandView, TransitionView


class LetterView(msgspec.Struct, frozen=True, kw_only=True):
    """`dlq show --json` (a contract). `event` is the value as JSON, or as text where it is none;
    `request` the element of the command's last call to Xero."""

    line: LetterLine
    evidence: Evidence
    position: str
    headers: dict[str, str]
    event: Any
    command: CommandView | None
    request: Any
    calls: tuple[CallView, ...]
    history: tuple[TransitionView, ...]
    waiting_for_it: tuple[CommandView, ...]
    idempotency_key: str | None
    trace_id: str | None
    replay_of: str | None
    edited_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    closed_reason: str | None


async def letter_view(ledger: Ledger, identifier: str, now: datetime) -> LetterView:
    """Everything about one letter. Raises NotPossible where no or several letters fit."""
    row = await ledger.dead_letters.get(identifier)
    letter = row.letter
    story = await ledger.timeline.trace(row.command_id or row.event_key or row.entity_key or letter.subject)
    return LetterView(
        line=line_of(row, now),
        evidence=letter.evidence,
        position=f"{letter.topic}:{letter.partition}:{letter.offset}",
        headers={name: value.decode(errors="replace") for name, value in letter.headers},
        event=_json(letter.value),
        command=next((one for one in story.commands if one.command_id == row.command_id), None),
        request=await ledger.elements.last_of(row.command_id) if row.command_id is not None else None,
        calls=tuple(call for call in story.calls if row.command_id in call.commands),
        history=tuple(one for one in story.transitions if one.subject == letter.subject),
        waiting_for_it=await _waiting(ledger, row),
        idempotency_key=letter.idempotency_key,
        trace_id=letter.trace_id,
        replay_of=letter.replay_of,
        edited_by=letter.edited_by,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        closed_reason=row.closed_reason,
    )


async def _waiting(ledger: Ledger, row: LetterRow) -> tuple[CommandView, ...]:
    """What the letter holds up, whatever lies between."""
    if row.command_id is None or row.state != "open":
        return ()
    return await ledger.timeline.stranded_by(row.command_id)


def _json(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return load_json(value)
    except Refused:
        return value.decode(errors="replace")
