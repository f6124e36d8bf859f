"""Money that moved: payments, refunds, disputes, payouts.

`payment_id` and its like are the gateway's own ids of the money's movement, so that one movement told by several
events stays one effect.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.events.fields import (
    Amount,
    Contract,
    Currency,
    Identifier,
    Instant,
    Line,
    OrderRef,
    PositiveAmount,
    ShortText,
)


class PaymentReceived(Contract, frozen=True, kw_only=True):
    """A customer's money arrived, gross. Without `order` nobody knows yet which document it pays.

    `told_by_several`: its source tells it by several events, each with a `received_at` of its own, moments apart.
    `fee` is what the gateway keeps of it, in the same currency, where it says so at once.
    """

    payment_id: Identifier
    gateway: Identifier
    amount: PositiveAmount
    currency: Currency
    received_at: Instant
    order: OrderRef | None = None
    exchange_rate: PositiveAmount | None = None
    reference: ShortText | None = None
    told_by_several: bool = False
    fee: Amount | None = None


class PaymentFailed(Contract, frozen=True, kw_only=True):
    """A payment did not happen (`declined`: it never counted) or came undone (`reversed`: it had been received)."""

    payment_id: Identifier
    gateway: Identifier
    failed_at: Instant
    kind: Literal["declined", "reversed"]
    reason: ShortText | None = None


class RefundIssued(Contract, frozen=True, kw_only=True):
    """Money went back to the customer. Without `lines` the amount is spread over the invoice's lines in proportion.

    `lines_only`: another event of the same refund tells the money, and this one of what it was. `settled_by` credit: no
    money moved, less is owed.
    """

    refund_id: Identifier
    gateway: Identifier
    amount: PositiveAmount
    currency: Currency
    refunded_at: Instant
    order: OrderRef | None = None
    payment_id: Identifier | None = None
    lines: tuple[Line, ...] = ()
    taxes_included: bool = True
    exchange_rate: PositiveAmount | None = None
    reason: ShortText | None = None
    lines_only: bool = False
    settled_by: Literal["money", "credit"] = "money"


class RefundFailed(Contract, frozen=True, kw_only=True):
    """A refund that was told as issued did not reach the customer: its money is back at the gateway."""

    refund_id: Identifier
    gateway: Identifier
    failed_at: Instant
    reason: ShortText | None = None


class DisputeOpened(Contract, frozen=True, kw_only=True):
    """The customer's bank took the money back, for now."""

    dispute_id: Identifier
    payment_id: Identifier
    gateway: Identifier
    amount: PositiveAmount
    currency: Currency
    opened_at: Instant
    fee: Amount | None = None


class DisputeClosed(Contract, frozen=True, kw_only=True):
    """The dispute is decided. `amount` and `fee` are what came back to the merchant, in `currency`; without them, what
    came back of a dispute that was won is all that it had taken but its fee."""

    dispute_id: Identifier
    payment_id: Identifier
    gateway: Identifier
    outcome: Literal["won", "lost", "withdrawn"]
    closed_at: Instant
    amount: PositiveAmount | None = None
    currency: Currency | None = None
    fee: Amount | None = None


ItemKind = Literal[
    "payment",
    "refund",
    "refund_failure",
    "dispute",
    "dispute_reversal",
    "fee",
    "payout_failure",
    "adjustment",
    "other",
]


class PayoutItem(Contract, frozen=True, kw_only=True):
    """One movement that a payout contains. `id` is that under which it is told by itself (a payment's, a refund's, a
    dispute's, an earlier payout's that failed); `amount` is what it added to the payout before its `fee`, below zero
    for what it took."""

    kind: ItemKind
    id: Identifier
    amount: Amount
    fee: Amount = "0"
    description: ShortText | None = None


class PayoutPaid(Contract, frozen=True, kw_only=True):
    """The gateway paid out to the bank: `net` = gross less `fees` and refunds. Below zero, it took money from the bank.

    `items`: what it contains; their amounts less their fees are then `net`. Without them nobody knows.
    """

    payout_id: Identifier
    gateway: Identifier
    net: Amount
    currency: Currency
    paid_at: Instant
    fees: Amount | None = None
    items: Annotated[tuple[PayoutItem, ...], Meta(max_length=2000)] = ()


class PayoutFailed(Contract, frozen=True, kw_only=True):
    """A payout that was told as paid came back to the gateway."""

    payout_id: Identifier
    gateway: Identifier
    failed_at: Instant
    reason: ShortText | None = None
