"""Bodies of webhooks: the REST resources, with the fields that Shopify's reference shows for them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.shopify.sandbox.books import (
    Customer,
    Dispute,
    Line,
    Order,
    Refund,
    RefundLine,
    Shipping,
    Transaction,
    tax_in,
)
from connectors.shopify.sandbox.catalogue import Person
from schemas.money import round_half_up

Json = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """A time as REST writes it, with the shop's own offset."""
    return None if at is None else at.isoformat(timespec="seconds")


def text(amount: Decimal) -> str:
    """Money as REST writes it: always two places."""
    return format(round_half_up(amount), "f")


def presentment(order: Order, amount: Decimal) -> tuple[str, Decimal]:
    """The amount as the customer sees it: currency and value."""
    if order.abroad is None:
        return order.currency, amount
    currency, rate = order.abroad
    return currency, round_half_up(amount * rate)


def order(order: Order) -> Json:
    """The body of orders/create and of everything that changes an order. Its transactions are not in it."""
    person = order.person
    discount = sum((line.discount for line in order.lines), Decimal(0))
    return {
        "id": order.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.id}",
        "billing_address": _address(order.person),
        "cancel_reason": order.cancel_reason,
        "cancelled_at": moment(order.cancelled),
        "closed_at": None,
        "confirmed": True,
        "contact_email": person.email,
        "created_at": moment(order.created),
        "currency": order.currency,
        "current_total_price": text(order.current_total),
        "current_total_price_set": _set(order, order.current_total),
        "customer": customer(order.customer),
        "email": person.email,
        "financial_status": order.financial_status,
        "fulfillment_status": None,
        "line_items": [_line(order, line) for line in order.lines],
        "name": f"#{order.number}",
        "note": None,
        "number": order.number - 1000,
        "order_number": order.number,
        "payment_gateway_names": sorted({one.gateway for one in order.transactions}),
        "phone": None,
        "po_number": order.po_number,
        "presentment_currency": presentment(order, Decimal(0))[0],
        "processed_at": moment(order.created),
        "refunds": [refund(one, order) for one in order.refunds],
        "shipping_address": _address(order.person),
        "shipping_lines": [_shipping(order, way) for way in order.shipping],
        "source_name": "web",
        "tags": "",
        "taxes_included": order.taxes_included,
        "test": order.test,
        "total_discounts": text(discount),
        "total_outstanding": text(order.outstanding),
        "total_price": text(order.total),
        "total_price_set": _set(order, order.total),
        "total_tax": text(order.tax),
        "total_tip_received": text(order.tip),
        "updated_at": moment(order.updated),
    }


def transaction(one: Transaction, order: Order) -> Json:
    """The body of order_transactions/create: its amount is in the currency that was paid with."""
    currency, amount = presentment(order, one.amount)
    held = Decimal(0)
    return {
        "id": one.id,
        "admin_graphql_api_id": f"gid://shopify/OrderTransaction/{one.id}",
        "amount": text(amount),
        "authorization": f"auth-{one.id}",
        "created_at": moment(one.created),
        "currency": currency,
        "error_code": None,
        "gateway": one.gateway,
        "kind": one.kind,
        "message": "Transaction approved" if one.status == "success" else None,
        "order_id": order.id,
        "parent_id": one.parent,
        "payment_id": one.payment_id,
        "processed_at": moment(one.processed),
        "receipt": {},
        "source_name": "web",
        "status": one.status,
        "test": order.test,
        "total_unsettled_set": {
            "presentment_money": {"amount": text(held), "currency": currency},
            "shop_money": {"amount": text(held), "currency": order.currency},
        },
        "user_id": None,
    }


def refund(one: Refund, order: Order) -> Json:
    """The body of refunds/create, and a refund of an order."""
    return {
        "id": one.id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{one.id}",
        "created_at": moment(one.created),
        "note": one.note,
        "order_adjustments": [],
        "order_id": order.id,
        "processed_at": moment(one.created),
        "refund_line_items": [_returned(order, part) for part in one.lines],
        "refund_shipping_lines": [] if one.shipping is None else [_sent_back(order, one.shipping)],
        "restock": True,
        "transactions": [transaction(moved, order) for moved in one.transactions],
        "user_id": None,
    }


def customer(one: Customer) -> Json:
    """The body of customers/create and customers/update."""
    home = _address(one.person)
    return {
        "id": one.id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{one.id}",
        "addresses": [home],
        "created_at": moment(one.created),
        "default_address": home,
        "email": one.person.email,
        "first_name": one.person.first_name,
        "last_name": one.person.last_name,
        "note": None,
        "phone": None,
        "state": "enabled",
        "tax_exempt": False,
        "updated_at": moment(one.updated),
        "verified_email": True,
    }


def dispute(one: Dispute) -> Json:
    """The body of disputes/create and disputes/update."""
    return {
        "id": one.id,
        "order_id": one.order.id,
        "type": one.type,
        "amount": text(one.amount),
        "currency": one.order.currency,
        "reason": "fraudulent",
        "network_reason_code": "4837",
        "status": one.status,
        "evidence_due_by": None,
        "evidence_sent_on": None,
        "finalized_on": moment(one.finalized),
        "initiated_at": moment(one.initiated),
    }


def edited(order: Order, identifier: int, added: list[Line]) -> Json:
    """The body of orders/edited: what was added, by id alone."""
    additions = [{"id": line.id, "delta": line.quantity} for line in added]
    return {
        "order_edit": {
            "id": identifier,
            "created_at": moment(order.updated),
            "line_items": {"additions": additions, "removals": []},
            "order_id": order.id,
            "staff_note": "",
        }
    }


def _set(order: Order, amount: Decimal) -> Json:
    currency, seen = presentment(order, amount)
    return {
        "shop_money": {"amount": text(amount), "currency_code": order.currency},
        "presentment_money": {"amount": text(seen), "currency_code": currency},
    }


def _taxes(order: Order, net: Decimal, rate: Decimal) -> list[Json]:
    if not rate:
        return []
    tax = tax_in(net, rate, included=order.taxes_included)
    return [{"title": "VAT", "price": text(tax), "rate": float(rate), "price_set": _set(order, tax)}]


def _discounts(order: Order, amount: Decimal) -> list[Json]:
    if not amount:
        return []
    return [{"amount": text(amount), "amount_set": _set(order, amount), "discount_application_index": 0}]


def _line(order: Order, line: Line) -> Json:
    product = line.product
    return {
        "id": line.id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line.id}",
        "current_quantity": order.left(line),
        "discount_allocations": _discounts(order, line.discount),
        "gift_card": product is not None and product.gift_card,
        "name": line.name,
        "price": text(line.price),
        "price_set": _set(order, line.price),
        "product_exists": product is not None,
        "product_id": None if product is None else product.id,
        "quantity": line.quantity,
        "requires_shipping": product is not None and not product.gift_card,
        "sku": None if product is None else product.sku,
        "tax_lines": _taxes(order, line.net, line.rate),
        "taxable": bool(line.rate),
        "title": line.name.partition(" - ")[0],
        "total_discount": "0.00",
        **({"tip_payment_gateway": "shopify_payments"} if product is None else {}),
    }


def _shipping(order: Order, way: Shipping) -> Json:
    return {
        "id": way.id,
        "code": way.title,
        "discount_allocations": [],
        "discounted_price": text(way.price),
        "is_removed": False,
        "price": text(way.price),
        "price_set": _set(order, way.price),
        "source": "shopify",
        "tax_lines": _taxes(order, way.price, way.rate),
        "title": way.title,
    }


def _returned(order: Order, part: RefundLine) -> Json:
    return {
        "id": part.line.id + 1,
        "line_item": _line(order, part.line),
        "line_item_id": part.line.id,
        "location_id": None,
        "quantity": part.quantity,
        "restock_type": "no_restock",
        "subtotal": float(part.subtotal),
        "subtotal_set": _set(order, part.subtotal),
        "total_tax": float(part.tax),
        "total_tax_set": _set(order, part.tax),
    }


def _sent_back(order: Order, way: Shipping) -> Json:
    tax = tax_in(way.price, way.rate, included=order.taxes_included)
    return {
        "id": way.id + 1,
        "shipping_line": _shipping(order, way),
        "subtotal_amount_set": _set(order, way.price),
        "tax_amount_set": _set(order, tax),
    }


def _address(person: Person) -> Json:
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "name": f"{person.first_name} {person.last_name}",
        "company": None,
        "address1": person.street,
        "address2": None,
        "city": person.city,
        "province": None,
        "zip": person.zip,
        "country": person.country_code,
        "country_code": person.country_code,
        "phone": None,
    }
