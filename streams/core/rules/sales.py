"""Orders and jobs become a contact that must exist and an invoice."""

import datetime as dt
from typing import Final, Literal

from connectors.xero.totals import LineAmountTypes
from schemas import keys
from schemas.commands import CancelInvoice, Command, UpsertInvoice
from schemas.events import JobCompleted, OrderCancelled, OrderPlaced
from schemas.events.orders import SalesDocument
from schemas.money import parse_amount, parse_decimal
from streams.core.refusal import Unbookable
from streams.core.routing import Facts, definite_tenant, tenant_of
from streams.core.rules.contacts import contact_for
from streams.core.rules.context import Context, document_number, local_date, reference
from streams.core.rules.lines import balanced, document_lines
from streams.core.tenant_file import Numbers
from streams.core.tenants import Tenant

INVOICE: Final = "invoice"
_CORRECT_ORDER: Final = "Send a corrected OrderUpdated with a higher sequence; it takes this one's place."
_CORRECT_JOB: Final = "Send a corrected JobCompleted with a higher sequence; it takes this one's place."


def order(context: Context, event: OrderPlaced) -> tuple[Command, ...]:
    """OrderPlaced and OrderUpdated alike: whichever version is the highest is the invoice."""
    return _sale(context, event, event.placed_at, event.channel, _CORRECT_ORDER)


def job(context: Context, event: JobCompleted) -> tuple[Command, ...]:
    """A finished job is invoiced at the day of its completion."""
    return _sale(context, event, event.completed_at, None, _CORRECT_JOB)


def order_cancelled(context: Context, event: OrderCancelled) -> tuple[Command, ...]:
    """The order's invoice must not be owed. Its organisation is that of the order, which intake knows."""
    tenant = tenant_of(context.tenants, context.envelope.source, Facts(currency=event.currency))
    return (
        context.command(
            "cancel",
            CancelInvoice(reason=event.reason, paid=event.paid),
            tenant=tenant.name if tenant else None,
            effect=keys.effect_key(context.entity, INVOICE),
            sequence=context.sequence,
        ),
    )


def numbers_of(tenant: Tenant, source: str) -> Numbers:
    """What the document numbers of a source begin with; Unbookable if the tenant file does not say."""
    numbers = tenant.file.numbers.get(source)
    if numbers is None:
        raise Unbookable(
            "source",
            source,
            f"The tenant file {tenant.name}.yaml has no document numbers for {source}.",
            f"Add {source} under numbers in {tenant.name}.yaml, then replay.",
        )
    return numbers


def trace_url(tenant: Tenant, effect: str) -> str | None:
    """The address behind "Go to ..." in Xero, if the tenant has one."""
    return f"{tenant.file.trace_url.rstrip('/')}/{keys.mark(effect)}" if tenant.file.trace_url else None


def _sale(
    context: Context, sale: SalesDocument, when: dt.datetime, channel: str | None, correction: str
) -> tuple[Command, ...]:
    source = context.envelope.source
    tenant = definite_tenant(context.tenants, source, Facts(sale.currency, _country(sale), channel))
    contact = contact_for(context, tenant, sale.customer)
    effect = keys.effect_key(context.entity, INVOICE)
    invoice = context.command(
        INVOICE,
        _invoice(tenant, source, sale, when, contact.effect_key, effect, correction),
        tenant=tenant.name,
        effect=effect,
        depends_on=(contact.effect_key,),
        sequence=context.sequence,
    )
    return contact, invoice


def _invoice(
    tenant: Tenant, source: str, sale: SalesDocument, when: dt.datetime, contact: str, effect: str, correction: str
) -> UpsertInvoice:
    types: LineAmountTypes = "Inclusive" if sale.taxes_included else "Exclusive"
    lines = document_lines(tenant, sale.lines, sale.currency, correction)
    lines, tax = balanced(tenant, lines, types, sale.total, sale.total_tax, correction)
    date = local_date(when, tenant.zone, "placed_at" if isinstance(sale, OrderPlaced) else "completed_at")
    words = " · ".join(part for part in (sale.number, sale.reference, sale.purchase_order) if part)
    return UpsertInvoice(
        number=document_number(numbers_of(tenant, source).invoice, sale.number, "number"),
        contact=contact,
        date=date,
        due_date=sale.due_date or date + dt.timedelta(days=tenant.file.terms_days),
        currency=sale.currency,
        line_amount_types=types,
        lines=lines,
        total=parse_amount(sale.total, sale.currency),
        total_tax=tax,
        reference=reference(words, effect),
        currency_rate=parse_decimal(sale.exchange_rate) if sale.exchange_rate else None,
        status=_status(tenant),
        url=trace_url(tenant, effect),
    )


def _status(tenant: Tenant) -> Literal["DRAFT", "SUBMITTED", "AUTHORISED"]:
    return tenant.file.status


def _country(sale: SalesDocument) -> str | None:
    for address in (sale.shipping_address, sale.customer.address):
        if address is not None and address.country is not None:
            return address.country
    return None
