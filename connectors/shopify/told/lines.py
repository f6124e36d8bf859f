"""Lines of orders and of refunds."""

from decimal import Decimal

from connectors.shopify.told import shapes
from connectors.shopify.told.facts import money, tax_rate, words
from schemas.events.fields import Line, LineKind
from schemas.money import to_text


def goods(
    item: shapes.LineItem, currency: str, quantity: int, discount: Decimal, tax: Decimal, kind: LineKind | None = None
) -> Line:
    """So many of a line's goods, with the money off and the tax of all of them together.

    A gift card that is sold is owed, and no revenue: its kind has an account of its own.
    """
    return Line(
        id=str(item.id),
        description=words(item.name, 4000) or words(item.title, 4000) or words(item.sku) or f"Line {item.id}",
        unit_amount=money(item.price, currency),
        quantity=str(quantity),
        discount_amount=money(to_text(discount), currency) if discount else None,
        tax_rate=tax_rate(item.tax_lines),
        tax_amount=money(to_text(tax), currency) if item.tax_lines else None,
        kind=kind or ("gift_card" if item.gift_card else "goods"),
        sku=words(item.sku),
    )


def shipping(way: shapes.ShippingLine, currency: str, price: str, discount: Decimal, tax: Decimal) -> Line:
    """A way of shipping."""
    return Line(
        id=f"shipping-{way.id or way.title or 'only'}"[:255].strip(),
        description=words(way.title, 4000) or "Shipping",
        unit_amount=money(price, currency),
        discount_amount=money(to_text(discount), currency) if discount else None,
        tax_rate=tax_rate(way.tax_lines),
        tax_amount=money(to_text(tax), currency) if way.tax_lines else None,
        kind="shipping",
    )
