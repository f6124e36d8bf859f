"""What a sweep found, in the shapes of webhooks: the same order is the same value, whichever way it came."""

from connectors.shopify.told import graphql, shapes
from connectors.shopify.told.graphql import Bag, identity


def order(node: graphql.Order) -> shapes.Order:
    """Raises Refused for an order of which the sweep could not read everything."""
    number = identity(node.id)
    return shapes.Order(
        id=number,
        name=node.name,
        currency=node.currency_code,
        total_price=node.total_price_set.amount,
        taxes_included=node.taxes_included,
        created_at=node.created_at,
        updated_at=node.updated_at,
        line_items=tuple(_line(line) for line in node.line_items.whole("lineItems")),
        total_tax=_amount(node.total_tax_set),
        current_total_price=_amount(node.current_total_price_set),
        total_outstanding=_amount(node.total_outstanding_set),
        total_tip_received=_amount(node.total_tip_received_set),
        processed_at=node.processed_at,
        cancelled_at=node.cancelled_at,
        cancel_reason=node.cancel_reason,
        financial_status=node.display_financial_status,
        test=node.test,
        email=node.email,
        phone=node.phone,
        customer=None if node.customer is None else customer(node.customer),
        billing_address=_address(node.billing_address),
        shipping_address=_address(node.shipping_address),
        shipping_lines=tuple(_shipping(line) for line in node.shipping_lines.whole("shippingLines")),
        refunds=tuple(_refund(refund, number, node.currency_code) for refund in node.refunds),
        transactions=tuple(_transaction(one, number, node.currency_code) for one in node.transactions),
        source_name=node.source_name,
        po_number=node.po_number,
    )


def customer(node: graphql.Customer) -> shapes.Customer:
    """A customer, of an order or by itself."""
    return shapes.Customer(
        id=identity(node.id),
        first_name=node.first_name,
        last_name=node.last_name,
        email=None if node.default_email_address is None else node.default_email_address.email_address,
        phone=None if node.default_phone_number is None else node.default_phone_number.phone_number,
        default_address=_address(node.default_address),
        updated_at=node.updated_at,
    )


def dispute(node: graphql.Dispute) -> shapes.Dispute:
    """A dispute of Shopify Payments."""
    return shapes.Dispute(
        id=identity(node.id),
        type=node.type,
        status=node.status,
        amount=node.amount.amount,
        currency=node.amount.currency_code,
        initiated_at=node.initiated_at,
        order_id=None if node.order is None else identity(node.order.id),
        finalized_on=node.finalized_on,
    )


def _amount(bag: Bag | None) -> str | None:
    return None if bag is None else bag.amount


def _address(node: graphql.Address | None) -> shapes.Address | None:
    if node is None:
        return None
    return shapes.Address(
        name=node.name,
        company=node.company,
        address1=node.address1,
        address2=node.address2,
        city=node.city,
        province=node.province,
        zip=node.zip,
        country_code=node.country_code_v2,
        phone=node.phone,
    )


def _taxes(lines: tuple[graphql.Tax, ...]) -> tuple[shapes.TaxLine, ...]:
    return tuple(shapes.TaxLine(price=line.price_set.amount, rate=line.rate) for line in lines)


def _discounts(allocations: tuple[graphql.Allocated, ...]) -> tuple[shapes.Allocation, ...]:
    return tuple(shapes.Allocation(amount=one.allocated_amount_set.amount) for one in allocations)


def _line(node: graphql.Line) -> shapes.LineItem:
    return shapes.LineItem(
        id=identity(node.id),
        price=node.original_unit_price_set.amount,
        quantity=node.quantity,
        name=node.name,
        sku=node.sku,
        product_id=None if node.product is None else identity(node.product.id),
        gift_card=node.is_gift_card,
        discount_allocations=_discounts(node.discount_allocations),
        tax_lines=_taxes(node.tax_lines),
    )


def _shipping(node: graphql.Shipping) -> shapes.ShippingLine:
    return shapes.ShippingLine(
        id=None if node.id is None else identity(node.id),
        price=node.original_price_set.amount,
        title=node.title,
        is_removed=node.is_removed,
        discount_allocations=_discounts(node.discount_allocations),
        tax_lines=_taxes(node.tax_lines),
    )


def _transaction(node: graphql.Transaction, order: int, currency: str) -> shapes.Transaction:
    return shapes.Transaction(
        id=identity(node.id),
        kind=node.kind,
        status=node.status,
        gateway=node.gateway or "",
        amount=node.amount_set.amount,
        currency=currency,
        created_at=node.created_at,
        order_id=order,
        processed_at=node.processed_at,
        parent_id=None if node.parent_transaction is None else identity(node.parent_transaction.id),
        payment_id=node.payment_id,
        test=node.test,
    )


def _refund(node: graphql.Refund, order: int, currency: str) -> shapes.Refund:
    return shapes.Refund(
        id=identity(node.id),
        order_id=order,
        created_at=node.created_at,
        note=node.note,
        refund_line_items=tuple(
            shapes.RefundLine(
                quantity=line.quantity,
                line_item=_line(line.line_item),
                subtotal_set=line.subtotal_set.money_set,
                total_tax_set=line.total_tax_set.money_set,
            )
            for line in node.refund_line_items.whole("refunds.refundLineItems")
        ),
        refund_shipping_lines=tuple(
            shapes.RefundShipping(
                shipping_line=_shipping(line.shipping_line),
                subtotal_amount_set=line.subtotal_amount_set.money_set,
                tax_amount_set=line.tax_amount_set.money_set,
            )
            for line in node.refund_shipping_lines.whole("refunds.refundShippingLines")
        ),
        transactions=tuple(
            _transaction(one, order, currency) for one in node.transactions.whole("refunds.transactions")
        ),
    )
