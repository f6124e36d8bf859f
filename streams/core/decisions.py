"""What planning can decide about one ready command, and the words it uses for the ends without a call."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from schemas.codec import shorten
from schemas.commands import Evidence
from streams.core.results import Asked, Option, Rejected, Result
from streams.core.situation import Document, EffectLink, PlannedWrite, ReadyCommand, Resource

REPLAY: Final = "then `ledgerstream dlq replay ID`"
# What brings back the sale that money was for.
ANEW: Final = (
    "If money came for the order, have its source send it as it was sold, as an OrderUpdated with a higher sequence; "
    f"{REPLAY}, the payment's letter first."
)


@dataclass(frozen=True, slots=True)
class Write:
    """One element for a call of `method` to `path`. `batch_max`: how many elements its call may have."""

    planned: PlannedWrite
    method: Literal["PUT", "POST"]
    path: str
    batch_max: int


@dataclass(frozen=True, slots=True)
class NeedsRead:
    """What Xero holds must be known first."""

    resource: Resource
    xero_id: str


@dataclass(frozen=True, slots=True)
class Waits:
    """Nothing can be done yet: a later release knows how, or something else comes first. Looked at again after
    `seconds`."""

    reason: str
    cause: Literal["upgrade", "dependency"] = "upgrade"
    seconds: int = 3600


BATCH_MAX: Final = 50
# Hints: what an earlier answer taught, kept with the command.
READ_AFTER: Final = "read_after"
BATCH_HINT: Final = "batch_max"

Decision = Write | NeedsRead | Waits | Result

Rates = Mapping[str, Decimal]
"""Each tax type's rate in percent, from the tenant file."""

LEAVE: Final = Option("xero", "leave what Xero holds; this version of the source is not booked")
OVERWRITE: Final = Option("source", "overwrite the fields shown with what the source says")


def fresh(command: ReadyCommand, document: Document | None, resource: Resource, xero_id: str) -> Document | NeedsRead:
    """What is known of a document if it was read since the command became ready, else the wish to read it.

    A refusal that shows that what we read was outdated leaves the hint `read_after`.
    """
    if document is None or document.xero_id != xero_id or document.read_at < command.ready_since:
        return NeedsRead(resource, xero_id)
    if document.read_at.isoformat() < command.hints.get(READ_AFTER, ""):
        return NeedsRead(resource, xero_id)
    return document


def rejected(command: ReadyCommand, message: str, remedy: str, field: str, value: object) -> Rejected:
    """A dead letter made at planning."""
    evidence = Evidence(message=message, field=field, value=shorten(value), remedy=remedy)
    return Rejected(command_id=command.command_id, cause="data", evidence=evidence)


def wrong_currency(command: ReadyCommand, currency: str, document: EffectLink, what: str) -> Rejected | None:
    """Money of one currency never counts in another: 100 EUR are not 100 GBP. None where it is the document's."""
    if document.currency in (None, currency):
        return None
    return rejected(
        command,
        f"The money is in {currency}, and the {what} that it belongs to in {document.currency}.",
        "If the source told the wrong currency, have it send the event under a new id with the right one; else book "
        "the money in Xero by hand. Then `ledgerstream dlq discard ID`.",
        "currency",
        currency,
    )


def gone(command: ReadyCommand, what: str, xero_id: str) -> Rejected:
    """The document that we made is not to be had any more."""
    return rejected(
        command,
        f"Xero no longer shows the {what} that was booked for this.",
        f"Find out in Xero what became of it, {REPLAY}; or `ledgerstream dlq discard ID`.",
        "document",
        xero_id,
    )


def asked(
    command: ReadyCommand,
    kind: str,
    text: str,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    *options: Option,
) -> Asked:
    """A question about a document that a person must answer."""
    return Asked(command_id=command.command_id, kind=kind, text=text, ours=ours, theirs=theirs, options=options)


def write(
    command: ReadyCommand,
    resource: Resource,
    element: Mapping[str, Any],
    step: str,
    method: Literal["PUT", "POST"],
    *,
    number: str | None = None,
    path: str | None = None,
    batch_max: int = BATCH_MAX,
) -> Write:
    """The decision for one element. A refusal of a whole call leaves the hint how small the next one must be."""
    hinted = int(command.hints.get(BATCH_HINT, BATCH_MAX))
    planned = PlannedWrite(
        command_id=command.command_id,
        effect_key=command.effect.effect_key,
        resource=resource,
        element=element,
        step=step,
        number=number,
    )
    return Write(planned, method, path or f"/{resource}", min(batch_max, hinted))
