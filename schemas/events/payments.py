"""Money that moved: payments, refunds, disputes, payouts.

`payment_id` and its like are the gateway's own ids of the money's movement, so that one movement told by several
events stays one effect.
"""

from typing import Literal

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


class PaymentFailed(Contract, frozen=True, kw_only=True):
    """A payment did not happen (`declined`: it never counted) or came undone (`reversed`: it had been received)."""

    payment_id: Identifier
    gateway: Identifier
    failed_at: Instant
    kind: Literal["declined", "reversed"]
    reason: ShortText | None = None


class RefundIssued(Contract, frozen=True, kw_only=True):
    """Money went back to the customer. Without `lines` the amount is spread over the invoice's lines in proportion.

    `lines_only`: another event of the same refund tells the money, and this one of what it was.
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
    """The dispute is decided."""

    dispute_id: Identifier
    payment_id: Identifier
    gateway: Identifier
    outcome: Literal["won", "lost", "withdrawn"]
    closed_at: Instant


class PayoutPaid(Contract, frozen=True, kw_only=True):
    """The gateway paid out to the bank: `net` = gross less `fees` and refunds."""

    payout_id: Identifier
    gateway: Identifier
    net: Amount
    currency: Currency
    paid_at: Instant
    fees: Amount | None = None
