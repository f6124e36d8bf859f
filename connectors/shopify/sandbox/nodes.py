"""The same things as GraphQL has them: every field that the sweep's questions, or a person's, may name.

A dictionary is an object, a tuple a list, and `Connection` a list that is asked for in pages.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.shopify.sandbox.books import (
    BalanceTransaction,
    Customer,
    Dispute,
    Line,
    Order,
    Payout,
    Refund,
    Shipping,
    Transaction,
    tax_in,
)
from connectors.shopify.sandbox.catalogue import Person
from connectors.shopify.sandbox.rest import presentment

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """Nodes in the order of their keys, which are what a cursor says."""

    nodes: tuple[tuple[str, Node], ...]


def order(order: Order) -> Node:
    """Order."""
    person = order.person
    return {
        "id": gid("Order", order.id),
        "legacyResourceId": str(order.id),
        "name": f"#{order.number}",
        "test": order.test,
        "currencyCode": order.currency,
        "presentmentCurrencyCode": presentment(order, Decimal(0))[0],
        "taxesIncluded": order.taxes_included,
        "createdAt": moment(order.created),
        "updatedAt": moment(order.updated),
        "processedAt": moment(order.created),
        "cancelledAt": moment(order.cancelled),
        "cancelReason": None if order.cancel_reason is None else order.cancel_reason.upper(),
        "displayFinancialStatus": order.financial_status.upper(),
        "email": person.email,
        "phone": None,
        "sourceName": "web",
        "poNumber": order.po_number,
        "totalPriceSet": _bag(order, order.total),
        "currentTotalPriceSet": _bag(order, order.current_total),
        "totalTaxSet": _bag(order, order.tax),
        "totalOutstandingSet": _bag(order, order.outstanding),
        "totalTipReceivedSet": _bag(order, order.tip),
        "customer": customer(order.customer),
        "billingAddress": _address(order.person),
        "shippingAddress": _address(order.person),
        "lineItems": listed(_line(order, line) for line in order.lines),
        "shippingLines": listed(_shipping(order, way) for way in order.shipping),
        "transactions": tuple(_transaction(order, one) for one in order.transactions),
        "refunds": tuple(refund(order, one) for one in order.refunds),
    }


def refund(order: Order, one: Refund) -> Node:
    """Refund."""
    ways = [] if one.shipping is None else [one.shipping]
    return {
        "id": gid("Refund", one.id),
        "note": one.note,
        "createdAt": moment(one.created),
        "refundLineItems": listed(
            {
                "quantity": part.quantity,
                "subtotalSet": _bag(order, part.subtotal),
                "totalTaxSet": _bag(order, part.tax),
                "lineItem": _line(order, part.line),
            }
            for part in one.lines
        ),
        "refundShippingLines": listed(
            {
                "subtotalAmountSet": _bag(order, way.price),
                "taxAmountSet": _bag(order, tax_in(way.price, way.rate, included=order.taxes_included)),
                "shippingLine": _shipping(order, way),
            }
            for way in ways
        ),
        "transactions": listed(_transaction(order, moved) for moved in one.transactions),
    }


def customer(one: Customer) -> Node:
    """Customer."""
    return {
        "id": gid("Customer", one.id),
        "firstName": one.person.first_name,
        "lastName": one.person.last_name,
        "defaultEmailAddress": {"emailAddress": one.person.email},
        "defaultPhoneNumber": None,
        "defaultAddress": _address(one.person),
        "createdAt": moment(one.created),
        "updatedAt": moment(one.updated),
    }


def dispute(one: Dispute) -> Node:
    """ShopifyPaymentsDispute."""
    return {
        "id": gid("ShopifyPaymentsDispute", one.id),
        "type": one.type.upper(),
        "status": one.status.upper(),
        "initiatedAt": moment(one.initiated),
        "finalizedOn": None if one.finalized is None else one.finalized.date().isoformat(),
        "amount": _money(one.amount, one.order.currency),
        "order": {"id": gid("Order", one.order.id)},
    }


def payout(one: Payout, currency: str) -> Node:
    """ShopifyPaymentsPayout."""
    nothing = _money(Decimal(0), currency)
    return {
        "id": gid("ShopifyPaymentsPayout", one.id),
        "status": one.status.upper(),
        "issuedAt": moment(one.issued),
        "net": _money(one.net, currency),
        "summary": {
            "chargesFee": _money(one.fee("CHARGE"), currency),
            "refundsFee": _money(one.fee("REFUND"), currency),
            "adjustmentsFee": nothing,
            "reservedFundsFee": nothing,
            "retriedPayoutsFee": nothing,
        },
    }


def balance_transaction(one: BalanceTransaction) -> Node:
    """ShopifyPaymentsBalanceTransaction."""
    currency, payout = one.order.currency, one.payout
    return {
        "id": gid("ShopifyPaymentsBalanceTransaction", one.id),
        "type": one.type,
        "test": one.order.test,
        "transactionDate": moment(one.at),
        "sourceOrderTransactionId": str(one.transaction.id),
        "amount": _money(one.amount, currency),
        "fee": _money(one.fee, currency),
        "net": _money(one.amount - one.fee, currency),
        "associatedOrder": {"id": gid("Order", one.order.id)},
        "associatedPayout": {
            "id": None if payout is None else gid("ShopifyPaymentsPayout", payout.id),
            "status": None if payout is None else payout.status.upper(),
        },
    }


def listed(nodes: Any) -> Connection:
    """A connection in the order that the nodes have."""
    return Connection(tuple((f"{at:06}", node) for at, node in enumerate(nodes)))


def gid(kind: str, identifier: int) -> str:
    """A global id."""
    return f"gid://shopify/{kind}/{identifier}"


def moment(at: datetime | None) -> str | None:
    """A time as GraphQL writes it."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _money(amount: Decimal, currency: str) -> Node:
    # GraphQL leaves the last zero out: 10.0.
    plain = format(amount.normalize(), "f")
    return {"amount": plain if "." in plain else f"{plain}.0", "currencyCode": currency}


def _bag(order: Order, amount: Decimal) -> Node:
    currency, seen = presentment(order, amount)
    return {"shopMoney": _money(amount, order.currency), "presentmentMoney": _money(seen, currency)}


def _taxes(order: Order, net: Decimal, rate: Decimal) -> tuple[Node, ...]:
    if not rate:
        return ()
    tax = tax_in(net, rate, included=order.taxes_included)
    return ({"title": "VAT", "rate": float(rate), "priceSet": _bag(order, tax)},)


def _line(order: Order, line: Line) -> Node:
    product = line.product
    return {
        "id": gid("LineItem", line.id),
        "name": line.name,
        "sku": None if product is None else product.sku,
        "quantity": line.quantity,
        "currentQuantity": order.left(line),
        "isGiftCard": product is not None and product.gift_card,
        "product": None if product is None else {"id": gid("Product", product.id)},
        "originalUnitPriceSet": _bag(order, line.price),
        "discountAllocations": ({"allocatedAmountSet": _bag(order, line.discount)},) if line.discount else (),
        "taxLines": _taxes(order, line.net, line.rate),
    }


def _shipping(order: Order, way: Shipping) -> Node:
    return {
        "id": gid("ShippingLine", way.id),
        "title": way.title,
        "isRemoved": False,
        "originalPriceSet": _bag(order, way.price),
        "discountAllocations": (),
        "taxLines": _taxes(order, way.price, way.rate),
    }


def _transaction(order: Order, one: Transaction) -> Node:
    return {
        "id": gid("OrderTransaction", one.id),
        "kind": one.kind.upper(),
        "status": one.status.upper(),
        "gateway": one.gateway,
        "test": order.test,
        "paymentId": one.payment_id,
        "createdAt": moment(one.created),
        "processedAt": moment(one.processed),
        "parentTransaction": None if one.parent is None else {"id": gid("OrderTransaction", one.parent)},
        "amountSet": _bag(order, one.amount),
    }


def _address(person: Person) -> Node:
    return {
        "name": f"{person.first_name} {person.last_name}",
        "company": None,
        "address1": person.street,
        "address2": None,
        "city": person.city,
        "province": None,
        "zip": person.zip,
        "countryCodeV2": person.country_code,
        "phone": None,
    }
