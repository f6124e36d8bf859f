"""What a new command means for its effect: the comparison that books one business fact once.

Full-state commands are compared by the source's sequence: the highest is applied. Facts are compared by content. An
`ensure` (a contact that an order needs) never overwrites anything (design section 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.codec import to_json
from schemas.commands import (
    AnyPayload,
    CancelInvoice,
    Command,
    RecordPayment,
    RecordRefund,
    ReversePayment,
    UpsertContact,
    UpsertCreditNote,
    decode_payload,
)
from schemas.keys import digest
from schemas.states import CommandState


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """An effect as the ledger holds it: its current command's state, digest and payload, and what is in the books.

    `posted_digest` is None until something was posted; `linked`: a document in Xero belongs to the effect.
    """

    state: CommandState
    digest: str
    highest_sequence: int | None
    highest_digest: str
    posted_digest: str | None
    linked: bool
    payload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What is compared of a new command. `spares`: what it follows is booked all the same."""

    digest: str
    sequence: int | None
    full_state: bool
    ensure: bool
    spares: bool = False
    payload: AnyPayload | None = None


@dataclass(frozen=True, slots=True)
class Current:
    """It is what the books must end up with. `supersedes`: the old current command need not be sent any more."""

    supersedes: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer version is known already."""

    reason: str


@dataclass(frozen=True, slots=True)
class Same:
    """The effect says this already. `raises_sequence`: it is a newer version with the content that is booked."""

    reason: str
    raises_sequence: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two contents for one fact: a person must choose."""

    reason: str


Verdict = Current | Superseded | Same | Conflict

KEEP = "keep"
TAKE = "take"


def incoming_of(command: Command) -> Incoming:
    """What is compared of a command."""
    payload = command.payload
    return Incoming(
        digest=payload_digest(payload),
        sequence=command.sequence,
        full_state=payload.full_state,
        ensure=isinstance(payload, UpsertContact) and payload.ensure,
        spares=spares(payload),
        payload=payload,
    )


def spares(payload: AnyPayload) -> bool:
    """Whether what it follows is booked all the same: money came for the sale that it cancels."""
    return isinstance(payload, CancelInvoice) and payload.paid


def whole_states(commands: Sequence[Command]) -> list[Command]:
    """Those that leave nothing for what came before to tell: a cancellation that spares its sale, and the lines of a
    refund whose money another event tells, need what that says."""
    is_paid_out = any(isinstance(command.payload, RecordRefund) for command in commands)
    return [
        command
        for command in commands
        if not spares(command.payload) and (is_paid_out or not isinstance(command.payload, UpsertCreditNote))
    ]


def payload_digest(payload: AnyPayload) -> str:
    """What makes two commands of one effect the same content; `ensure` and `update` of one contact differ."""
    return digest(encode_payload(payload))


def makes_document(payload: AnyPayload) -> bool:
    """Whether the effect owns a document in Xero. A reversal only changes the payment's own."""
    return not isinstance(payload, ReversePayment)


def compare(existing: Existing | None, incoming: Incoming) -> Verdict:
    """The verdict on a new command. `existing` is None where the effect is new."""
    if existing is None:
        return Current(supersedes=False)
    if incoming.ensure:
        return _ensure(existing)
    if not incoming.full_state or incoming.sequence is None:
        return _fact(existing, incoming)
    return _full_state(existing, incoming, incoming.sequence)


def _ensure(existing: Existing) -> Verdict:
    if existing.linked or existing.state not in ("rejected", "discarded"):
        return Same("the contact is there or on its way; an order does not change it")
    return _replace(existing)


def _fact(existing: Existing, incoming: Incoming) -> Verdict:
    if incoming.digest in (existing.digest, existing.highest_digest):
        return Same("another event told the same fact")
    if _is_of_the_next_day(existing, incoming.payload):
        return Same("another event told the same payment, on the other side of midnight")
    return Conflict("two events tell one fact with different content")


def _is_of_the_next_day(existing: Existing, payload: AnyPayload | None) -> bool:
    """Whether it is the payment that is known, told by an event that came a moment before or after, on another day."""
    if not isinstance(payload, RecordPayment) or not payload.told_by_several:
        return False
    known = decode_payload(existing.payload.encode())
    return (
        isinstance(known, RecordPayment)
        and abs((known.date - payload.date).days) == 1
        and replace(known, date=payload.date, told_by_several=True) == payload
    )


def _full_state(existing: Existing, incoming: Incoming, sequence: int) -> Verdict:
    highest = existing.highest_sequence
    if highest is None or sequence > highest:
        if incoming.digest == existing.posted_digest == existing.digest and existing.state in ("posted", "same"):
            return Same("a newer version with the content that is booked", raises_sequence=True)
        if incoming.spares:
            return Current(supersedes=False, reason="money came for the order, so what was sold is booked first")
        return _replace(existing)
    if sequence < highest:
        return Superseded(f"version {highest} of it is known, this is version {sequence}")
    if incoming.digest == existing.highest_digest:
        return Same("another event told the same version")
    return Conflict(f"two events tell version {sequence} with different content")


def _replace(existing: Existing) -> Current:
    # What is under way may be booked already, so it stays: the lane sends the newer one after it.
    return Current(supersedes=existing.state in ("pending", "rejected"))


def encode_payload(payload: AnyPayload) -> bytes:
    """A payload as it is stored: fields in their declared order, so equal payloads give equal bytes."""
    return to_json(payload)
