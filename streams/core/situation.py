"""What the sender knows when it decides: values read from the ledger in one transaction.

Everything that planning depends on is in here, so that planning twice gives the same writes.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from schemas.commands import AnyPayload

Resource = Literal["Contacts", "Invoices", "CreditNotes", "Payments"]
# What is only ever read.
Setting = Literal["Accounts", "TaxRates", "Organisations"]
# The step of a write of which only its command is known, because a backup was put back.
RESTORED: Final = "restored"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What Xero is known to hold: `body` is the element as Xero answered it, read at `read_at`."""

    resource: Resource | Setting
    xero_id: str
    body: Mapping[str, Any]
    read_at: dt.datetime


class EffectLink(msgspec.Struct, frozen=True, kw_only=True):
    """An effect and its document in Xero. `xero_id` is None until it is posted.

    `posted_digest` is the digest of the command that was posted last, `posted_body` the element that we sent for it,
    `mark` that of the effect which created the document.
    """

    effect_key: str
    mark: str
    resource: Resource | None = None
    xero_id: str | None = None
    number: str | None = None
    posted_digest: str | None = None
    posted_body: Mapping[str, Any] | None = None
    document: Document | None = None
    current: bool = True

    @property
    def currency(self) -> str | None:
        """That of the document, as Xero showed it or else as we sent it."""
        known = self.document.body if self.document is not None else self.posted_body
        return known.get("CurrencyCode") if known is not None else None


class ReadyCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command whose dependencies are posted, whose lane is free and which no stop or question covers.

    `taken_in` is when its event came into the ledger. `due` is ready since + the target of its class, or earlier where
    followers wait for it. `decision` is a person's
    answer to a question about it. `step` says which writes of it are already done (0 at first; see decide).
    `hints` are what earlier refusals taught (such as {"name": "alias"}). `credited`: for a credit note, those of the
    same invoice that came before it and are booked or on their way. `replaced`: in a restored call, the versions of the
    same effect that it took the place of, oldest first; Xero may hold one of them.
    """

    command_id: str
    event_key: str
    effect: EffectLink
    entity_key: str
    source: str
    payload: AnyPayload
    digest: str
    revision: int
    attempts: int
    taken_in: dt.datetime
    ready_since: dt.datetime
    due: dt.datetime
    depends_on: tuple[EffectLink, ...] = ()
    decision: str | None = None
    hints: Mapping[str, str] = {}
    credited: tuple[EffectLink, ...] = ()
    replaced: tuple["ReadyCommand", ...] = ()

    @property
    def kind(self) -> str:
        return type(self.payload).__name__

    def dependency(self, effect_key: str) -> EffectLink:
        """The link of an effect that this command builds on; KeyError if it does not."""
        for link in self.depends_on:
            if link.effect_key == effect_key:
                return link
        raise KeyError(effect_key)


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What may still be called. `minute_left` counts free slots; `hour_used` the calls of the last hour, which tell
    whether the day's will last, because nobody knows when Xero begins to count a day anew."""

    in_flight_left: int
    minute_left: int
    day_left: int
    day_limit: int
    hour_used: int
    minute_limit: int = 60
    not_before: dt.datetime | None = None


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's ready commands, earliest due first, and its budget."""

    tenant: str
    now: dt.datetime
    ready: tuple[ReadyCommand, ...]
    budget: Budget
    more: bool = False


class PlannedWrite(msgspec.Struct, frozen=True, kw_only=True):
    """One element of a call: which command it carries out, which step of it, and how the answer is recognised."""

    command_id: str
    effect_key: str
    resource: Resource
    element: Mapping[str, Any]
    step: str
    number: str | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One content of an effect: the digest of its command, and the element that is sent for it."""

    digest: str
    element: Mapping[str, Any]


class OpenWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A write of an open call with the command as it is now, for settling and looking. `older`: the versions that the
    command replaced, oldest first."""

    write: PlannedWrite
    command: ReadyCommand
    still_current: bool
    older: tuple[Version, ...] = ()


class OpenCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call without a settled outcome, as recovery finds it. `sends` are (sent at, answer status or None).

    `owned_since`: when whoever finds it became the one that sends for the tenant.
    """

    call: int
    tenant: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes
    idempotency_key: str | None
    opened_at: dt.datetime
    sends: tuple[tuple[dt.datetime, int | None], ...]
    looks: int
    next_look_at: dt.datetime | None
    writes: tuple[OpenWrite, ...]
    owned_since: dt.datetime | None = None
