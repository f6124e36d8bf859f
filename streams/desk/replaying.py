"""Replaying letters one after another, oldest first, at a pace; each says what became of it."""

from collections.abc import AsyncIterator, Iterable
from itertools import zip_longest
from typing import Any, Final, Literal

import msgspec

from streams.clock import Clock
from streams.desk.lines import what
from streams.ledger import Ledger
from streams.ledger.errors import NotPossible
from streams.ledger.replay import Replayed, ReplayReport, Retranslate

_MINUTE_S: Final = 60.0


class Change(msgspec.Struct, frozen=True):
    """One place of a payload that a replay changes; None where there was or is nothing."""

    path: str
    before: Any
    after: Any


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


def differences(before: Any, after: Any, path: str = "") -> list[Change]:
    """The places where two JSON values differ, as paths such as `lines[0].tax_type`."""
    sides = [side for side in (before, after) if side is not None]
    if sides and all(isinstance(side, dict) for side in sides):
        left, right = before or {}, after or {}
        names = dict.fromkeys((*left, *right))
        return [one for name in names for one in differences(left.get(name), right.get(name), _join(path, name))]
    if sides and all(isinstance(side, list) for side in sides):
        pairs = enumerate(zip_longest(before or [], after or []))
        return [one for number, (left, right) in pairs for one in differences(left, right, f"{path}[{number}]")]
    return [] if before == after else [Change(path, before, after)]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
