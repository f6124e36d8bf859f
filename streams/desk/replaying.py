"""Replaying letters one after another, oldest first, at a pace; each says what became of it."""

from collections.abc import AsyncIterator, Iterable
from typing import Final, Literal

import msgspec

from streams.clock import Clock
from streams.core.differences import Change, differences
from streams.desk.lines import what
from streams.ledger import Ledger
from streams.ledger.errors import NotPossible
from streams.ledger.replay import Replayed, ReplayReport, Retranslate

_MINUTE_S: Final = 60.0


class CommandChange(msgspec.Struct, frozen=True, kw_only=True):
    """A command before and after. `from_state` None: it is new."""

    command_id: str
    kind: str
    tenant: str | None
    from_state: str | None
    to_state: str
    changes: tuple[Change, ...]


class Went(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one letter (a contract). `result` is `refused` where it did not go back, `text` says why."""

    id: str
    what: str
    result: Literal["replayed", "refused", "ignored", "waiting"]
    text: str
    dry_run: bool
    commands: tuple[CommandChange, ...] = ()
    remedy: str | None = None

    @property
    def ok(self) -> bool:
        return self.result != "refused"


async def replay_all(
    ledger: Ledger,
    clock: Clock,
    ids: Iterable[str],
    retranslate: Retranslate,
    actor: str,
    *,
    edited: bytes | None = None,
    dry_run: bool = False,
    per_minute: float | None = None,
) -> AsyncIterator[Went]:
    """Replay the letters in this order, at most so many a minute. A letter that is refused does not end it.

    Raises LedgerUnavailable.
    """
    first = True
    for identifier in ids:
        if per_minute is not None and not first:
            await clock.sleep(_MINUTE_S / per_minute)
        first = False
        yield await _replay(ledger, identifier, retranslate, actor, edited, dry_run)


async def _replay(
    ledger: Ledger, identifier: str, retranslate: Retranslate, actor: str, edited: bytes | None, dry_run: bool
) -> Went:
    about = identifier
    try:
        letter = await ledger.dead_letters.get(identifier)
        about = what(letter)
        report = await ledger.replays.replay(identifier, retranslate, actor, edited=edited, dry_run=dry_run)
    except NotPossible as error:
        return Went(id=identifier, what=about, result="refused", text=str(error), dry_run=dry_run)
    return _went(report, about)


def _went(report: ReplayReport, about: str) -> Went:
    return Went(
        id=report.dlq_id,
        what=about,
        result=report.result,
        text=report.text,
        dry_run=report.dry_run,
        commands=tuple(_command(one) for one in report.commands),
        remedy=report.evidence.remedy if report.evidence is not None else None,
    )


def _command(one: Replayed) -> CommandChange:
    return CommandChange(
        command_id=one.command_id,
        kind=one.kind,
        tenant=one.tenant,
        from_state=one.from_state,
        to_state=one.to_state,
        changes=tuple(differences(one.payload_before, one.payload_after)),
    )
