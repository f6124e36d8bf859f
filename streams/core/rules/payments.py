"""Money that moved becomes payments, refunds with their credit notes, and reversals."""

import datetime as dt
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from connectors.xero.totals import LineAmountTypes
from schemas import keys
from schemas.commands import Command, RecordPayment, RecordRefund, ReversePayment, UpsertCreditNote
from schemas.events import PaymentFailed, PaymentReceived, RefundIssued
from schemas.events.fields import OrderRef
from schemas.money import parse_amount, parse_decimal
from streams.core.refusal import Unbookable
from streams.core.routing import Facts, possible_tenants
from streams.core.rules.context import Context, document_number, local_date, reference
from streams.core.rules.lines import balanced, document_lines
from streams.core.rules.sales import INVOICE, numbers_of, trace_url
from streams.core.tenants import Tenant

PAYMENT: Final = "payment"
DECLINED: Final = "the payment was declined and never counted"
TOLD_BY_ANOTHER: Final = "the tenant file names another source that reports the money of this gateway"
_CORRECT_REFUND: Final = "Send a RefundIssued with the right lines, in a new event of its own id, and discard this one."


def payment_received(context: Context, event: PaymentReceived) -> tuple[Command, ...]:
    """The gross amount into the gateway's clearing account, against the order's invoice."""
    order = _order(context, event.order, "payment")
    return _of_owner(context, order.source, event.currency, lambda tenant: _payment(context, event, order, tenant))


def _payment(context: Context, event: PaymentReceived, order: OrderRef, tenant: Tenant) -> tuple[Command, ...]:
    clearing = _clearing(context, tenant, event.gateway, event.currency)
    if clearing is None:
        return ()
    invoice = _invoice_effect(order)
    effect = keys.effect_key(context.entity, PAYMENT)
    payload = RecordPayment(
        invoice=invoice,
        account_code=clearing,
        date=local_date(event.received_at, tenant.zone, "received_at"),
        amount=parse_amount(event.amount, event.currency),
        currency=event.currency,
        reference=reference(event.reference or event.payment_id, effect),
        currency_rate=parse_decimal(event.exchange_rate) if event.exchange_rate else None,
        told_by_several=event.told_by_several,
    )
    return (context.command(PAYMENT, payload, tenant=tenant.name, effect=effect, depends_on=(invoice,)),)


def payment_failed(context: Context, event: PaymentFailed) -> tuple[Command, ...]:
    """A payment that counted is taken back; one that never counted changes nothing."""
    if event.kind == "declined" or _is_told_by_another(context, event.gateway):
        return ()
    payment = keys.effect_key(context.entity, PAYMENT)
    # A deleted payment has no date of its own in Xero; this one is for people only.
    payload = ReversePayment(
        payment=payment, date=local_date(event.failed_at, dt.UTC, "failed_at"), reason=event.reason
    )
    effect = keys.effect_key(context.entity, "reversal")
    return (context.command("reversal", payload, tenant=None, effect=effect, depends_on=(payment,)),)


def refund_issued(context: Context, event: RefundIssued) -> tuple[Command, ...]:
    """A credit note that mirrors the invoice, and its payment out of the clearing account."""
    seller = _seller(context, event)
    return _of_owner(context, seller, event.currency, lambda tenant: _refund(context, event, tenant))


def _refund(context: Context, event: RefundIssued, tenant: Tenant) -> tuple[Command, ...]:
    clearing = _clearing(context, tenant, event.gateway, event.currency)
    if clearing is None:
        return ()
    invoice = _credited(context, event)
    note_effect = keys.effect_key(context.entity, "credit_note")
    note = context.command(
        "credit_note",
        _credit_note(context, tenant, event, invoice, note_effect),
        tenant=tenant.name,
        effect=note_effect,
        depends_on=(invoice,),
        sequence=context.sequence,
    )
    if event.lines_only:
        return (note,)
    refund_effect = keys.effect_key(context.entity, "refund")
    payload = RecordRefund(
        credit_note=note_effect,
        account_code=clearing,
        date=local_date(event.refunded_at, tenant.zone, "refunded_at"),
        amount=parse_amount(event.amount, event.currency),
        currency=event.currency,
        reference=reference(event.refund_id, refund_effect),
        currency_rate=parse_decimal(event.exchange_rate) if event.exchange_rate else None,
    )
    refund = context.command("refund", payload, tenant=tenant.name, effect=refund_effect, depends_on=(note_effect,))
    return note, refund


def _credited(context: Context, event: RefundIssued) -> str:
    """The invoice of the order; a gateway that does not know the order names the payment that it returns."""
    if event.order is None and event.payment_id is not None:
        return keys.effect_key(keys.entity_key(context.envelope.source, "payment", event.payment_id), PAYMENT)
    return _invoice_effect(_order(context, event.order, "refund"))


def _seller(context: Context, event: RefundIssued) -> str:
    """The source whose numbers the credit note continues."""
    if event.order is not None:
        return event.order.source
    source = context.tenants.sources.get(context.envelope.source)
    return source.order_source if source and source.order_source else context.envelope.source


def _credit_note(context: Context, tenant: Tenant, event: RefundIssued, invoice: str, effect: str) -> UpsertCreditNote:
    types: LineAmountTypes = "Inclusive" if event.taxes_included else "Exclusive"
    lines = document_lines(tenant, event.lines, event.currency, _CORRECT_REFUND)
    if lines:
        lines, _ = balanced(tenant, lines, types, event.amount, None, _CORRECT_REFUND)
    number = document_number(numbers_of(tenant, _seller(context, event)).credit_note, event.refund_id, "refund_id")
    of = event.order.id if event.order else event.payment_id or event.refund_id
    words = f"{of} · {event.reason}" if event.reason else of
    return UpsertCreditNote(
        number=number,
        invoice=invoice,
        date=local_date(event.refunded_at, tenant.zone, "refunded_at"),
        currency=event.currency,
        total=parse_amount(event.amount, event.currency),
        reference=reference(words, effect),
        line_amount_types=types,
        lines=lines,
        currency_rate=parse_decimal(event.exchange_rate) if event.exchange_rate else None,
        url=trace_url(tenant, effect),
        own_number=_own_number(context, tenant, event),
    )


def _own_number(context: Context, tenant: Tenant, event: RefundIssued) -> str | None:
    """A gateway may sell as well: a refund that names its payment alone may be of an invoice of its own, and continues
    the numbers of that."""
    source = context.envelope.source
    numbers = tenant.file.numbers.get(source)
    if event.order is not None or numbers is None or _seller(context, event) == source:
        return None
    return document_number(numbers.credit_note, event.refund_id, "refund_id")


def _order(context: Context, order: OrderRef | None, what: str) -> OrderRef:
    if order is not None:
        return order
    source = context.tenants.sources.get(context.envelope.source)
    keys_ = " or ".join(source.order_metadata_keys) if source else ""
    how = f"have the gateway's metadata carry {keys_}" if keys_ else "send `order` with source and id"
    raise Unbookable(
        "order",
        None,
        f"The {what} does not say which order it belongs to.",
        f"For the next ones {how}. For this one: `ledgerstream dlq show ID --data > event.json`, set `order` in it "
        "(source and id), then `ledgerstream dlq replay ID --edit event.json`.",
    )


def _of_owner(
    context: Context, seller: str, currency: str, book: Callable[[Tenant], tuple[Command, ...]]
) -> tuple[Command, ...]:
    """Booked for the organisation that owns the invoice: the one whose routes take the seller's orders.

    Money carries no country and no channel, so a shop that is routed by them leaves it open. The ledger gives such
    commands the organisation of what they build on, if all that could own it book it alike.
    """
    possible = possible_tenants(context.tenants, seller, Facts(currency=currency))
    if len(possible) == 1:
        return book(possible[0])
    first, *others = (tuple(replace(command, tenant=None) for command in book(tenant)) for tenant in possible)
    if any(other != first for other in others):
        names = " and ".join(tenant.name for tenant in possible)
        raise Unbookable(
            "currency",
            currency,
            f"{names} could both own this, and their files book it differently.",
            f"Give {seller} routes with currencies in their files, or the same clearing account, number prefix for "
            "credit notes, time zone and trace_url, then replay.",
        )
    return first


def _invoice_effect(order: OrderRef) -> str:
    return keys.effect_key(keys.entity_key(order.source, order.kind, order.id), INVOICE)


def _clearing(context: Context, tenant: Tenant, gateway: str, currency: str) -> str | None:
    """The account that the money goes through; None where another source reports it, so that it is not booked twice."""
    entry = tenant.clearing.get((gateway, currency))
    if entry is None:
        raise Unbookable(
            "gateway",
            gateway,
            f"The tenant file {tenant.name}.yaml names no clearing account for {gateway} in {currency}.",
            f"Add gateway {gateway}, currency {currency} and its bank account under payments in {tenant.name}.yaml, "
            "then replay.",
        )
    source = context.envelope.source
    if entry.source is not None:
        return entry.account if entry.source == source else None
    rivals = [name for name, one in context.tenants.sources.items() if one.gateway == gateway]
    if rivals and source not in rivals:
        raise Unbookable(
            "gateway",
            gateway,
            f"{source} tells of money of {gateway}, which {' and '.join(rivals)} may report too.",
            f"Name the one that reports it as source under payments in {tenant.name}.yaml: what the other tells then "
            "changes nothing. Then replay.",
        )
    return entry.account


def _is_told_by_another(context: Context, gateway: str) -> bool:
    """Whether no organisation books what this source tells of a gateway."""
    entries = [one for tenant in context.tenants.tenants.values() for one in tenant.file.payments]
    named = {one.source for one in entries if one.gateway == gateway}
    return bool(named) and not named & {None, context.envelope.source}
