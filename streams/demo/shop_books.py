"""What Xero must hold of the Shopify shop, from the shop's own books, as its merchant sees them. Pure.

It shares no code with the connector: it adds up orders, payments and refunds, and knows nothing of webhooks.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from connectors.shopify.sandbox import Shop
from connectors.shopify.sandbox.books import Order, tax_in
from streams.demo.doors import SHOPIFY
from streams.demo.expected import UNTAXED, Expected, Money, Sale

_HUNDRED: Final = Decimal(100)


def shop_books(shop: Shop, prefixes: Mapping[tuple[str, str], str]) -> Expected:
    """The books to be. Test orders are no business; an order that was called off leaves no invoice."""
    of_invoice, of_note = prefixes[SHOPIFY, "invoice"], prefixes[SHOPIFY, "credit_note"]
    sold = [order for order in shop.orders.values() if not order.test and order.cancelled is None]
    sales = {f"{of_invoice}{order.number}": _sale(f"{of_invoice}{order.number}", order) for order in sold}
    payments: dict[str, Money] = {}
    refunds: dict[str, Money] = {}
    for order in sold:
        for paid in order.transactions:
            if paid.kind == "sale":
                identifier = paid.payment_id or str(paid.id)
                payments[identifier] = Money(identifier, f"{of_invoice}{order.number}", paid.amount)
        for refund in order.refunds:
            back = sum((one.amount for one in refund.transactions), Decimal(0))
            refunds[str(refund.id)] = Money(str(refund.id), f"{of_note}{refund.id}", back)
    contacts = frozenset((SHOPIFY, str(customer)) for customer in shop.customers)
    return Expected(
        sales=sales,
        payments=payments,
        refunds=refunds,
        contacts=contacts,
        guests=frozenset(),
        known=contacts,
        held=(),
    )


def _sale(number: str, order: Order) -> Sale:
    vat: dict[str, tuple[Decimal, Decimal]] = {}
    parts = [*((line.net, line.rate) for line in order.lines), *((way.price, way.rate) for way in order.shipping)]
    for amount, share in parts:
        # Shopify tells no tax where there is none, so it is none of a rate either.
        rate = f"{share * _HUNDRED:f}".rstrip("0").rstrip(".") if share else UNTAXED
        tax = tax_in(amount, share, included=order.taxes_included)
        net, sofar = vat.get(rate, (Decimal(0), Decimal(0)))
        vat[rate] = (net + amount - (tax if order.taxes_included else 0), sofar + tax)
    return Sale(SHOPIFY, number, order.total, order.tax, vat)
