"""What became of an event: the answer to the producer that asks for it."""

from datetime import datetime

import msgspec

from schemas.states import Cause, CommandState, Disposition, WaitReason


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What does not fit and what to do about it, in plain words. `field` is a path in the event."""

    message: str
    field: str | None = None
    value: str | None = None
    remedy: str | None = None
    cause: Cause | None = None


class DocumentStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document in the books: Xero's id, and its number where its kind has one."""

    id: str
    number: str | None = None


class CommandStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One effect of the event. `waits_for` says why a pending one is not sent yet, `until` how long at least."""

    command_id: str
    kind: str
    state: CommandState
    tenant: str | None = None
    document: DocumentStatus | None = None
    waits_for: WaitReason | None = None
    until: datetime | None = None
    error: Problem | None = None


class EventStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the event stands. `reason` says why it was ignored or waits as a whole, `error` why it was refused."""

    source: str
    id: str
    disposition: Disposition
    type: str | None = None
    taken_in_at: datetime | None = None
    reason: str | None = None
    error: Problem | None = None
    commands: tuple[CommandStatus, ...] = ()
