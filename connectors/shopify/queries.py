"""The questions that a sweep asks of Shopify's GraphQL Admin API, version 2026-10.

A query may cost 1,000 points at most, and everything that a list could bring counts: an object 1, a connection 2 and
its nodes (Shopify's page "API limits"). So orders are asked few at a time, each with the beginnings of its lists, and
the rest of an order that has more is asked by itself.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

API_VERSION: Final = "2026-10"
PATH: Final = f"/admin/api/{API_VERSION}/graphql.json"
# An order with as many may have more: these lists do not say whether they go on.
REFUNDS: Final = 2
TRANSACTIONS: Final = 5

_MONEY: Final = "{ shopMoney { amount currencyCode } }"
_PLAIN: Final = "{ amount currencyCode }"
_PAGE: Final = "pageInfo { hasNextPage endCursor }"
_ADDRESS: Final = "{ name company address1 address2 city province zip countryCodeV2 phone }"
_PERSON: Final = "id firstName lastName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber }"
_RATES: Final = f"discountAllocations {{ allocatedAmountSet {_MONEY} }} taxLines {{ rate priceSet {_MONEY} }}"
_LINE: Final = f"id name sku quantity isGiftCard product {{ id }} originalUnitPriceSet {_MONEY} {_RATES}"
_SHIPPING: Final = f"id title isRemoved originalPriceSet {_MONEY} {_RATES}"
_TRANSACTION: Final = (
    f"id kind status gateway test paymentId createdAt processedAt parentTransaction {{ id }} amountSet {_MONEY}"
)


def _refund(lines: int, others: int) -> str:
    return f"""id note createdAt
      refundLineItems(first: {lines}) {{
        nodes {{ quantity subtotalSet {_MONEY} totalTaxSet {_MONEY} lineItem {{ {_LINE} }} }} {_PAGE}
      }}
      refundShippingLines(first: {others}) {{
        nodes {{ subtotalAmountSet {_MONEY} taxAmountSet {_MONEY} shippingLine {{ {_SHIPPING} }} }} {_PAGE}
      }}
      transactions(first: {others}) {{ nodes {{ {_TRANSACTION} }} {_PAGE} }}"""


_ORDER: Final = f"""
    id name test currencyCode taxesIncluded createdAt updatedAt processedAt
    cancelledAt cancelReason displayFinancialStatus
    email phone sourceName poNumber
    totalPriceSet {_MONEY} currentTotalPriceSet {_MONEY} totalTaxSet {_MONEY}
    totalOutstandingSet {_MONEY} totalTipReceivedSet {_MONEY}
    customer {{ {_PERSON} }} billingAddress {_ADDRESS} shippingAddress {_ADDRESS}
    lineItems(first: 10) {{ nodes {{ {_LINE} }} {_PAGE} }}
    shippingLines(first: 3) {{ nodes {{ {_SHIPPING} }} {_PAGE} }}
    transactions(first: {TRANSACTIONS}) {{ {_TRANSACTION} }}
    refunds(first: {REFUNDS}) {{ {_refund(3, 2)} }}"""

# The rest of one order.
LINES: Final = f"""query($id: ID!, $after: String) {{
  order(id: $id) {{ lineItems(first: 50, after: $after) {{ nodes {{ {_LINE} }} {_PAGE} }} }}
}}"""
MONEY: Final = f"""query($id: ID!) {{
  order(id: $id) {{ refunds(first: 100) {{ id }} transactions(first: 100) {{ {_TRANSACTION} }} }}
}}"""
REFUND: Final = f"query($id: ID!) {{ refund(id: $id) {{ {_refund(40, 10)} }} }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One list of Shopify's. `path` leads to it in an answer; `by` is what it is filtered by, `back` how far behind the
    last sweep that begins. A `daily` one is asked once a day: it tells no changes, so all of a while is read again.
    `scope` is what an app needs to read it."""

    query: str
    path: tuple[str, ...]
    by: str
    back: timedelta
    scope: str
    daily: bool = False


def _listing(name: str, first: int, fields: str, arguments: str = "", around: str = "") -> str:
    asked = f"""{name}(first: {first}, after: $after, query: $query{arguments}) {{
    nodes {{ {fields} }} {_PAGE}
  }}"""
    return f"query($after: String, $query: String!) {{ {f'{around} {{ {asked} }}' if around else asked} }}"


_BY_CHANGE: Final = ", sortKey: UPDATED_AT"
_ACCOUNT: Final = "shopifyPaymentsAccount"
# Shopify's lists are behind its books by seconds; what was found before comes again, and is known by its key.
_OVERLAP: Final = timedelta(minutes=10)
_FEES: Final = " ".join(
    f"{name} {_PLAIN}"
    for name in ("chargesFee", "refundsFee", "adjustmentsFee", "reservedFundsFee", "retriedPayoutsFee")
)

RESOURCES: Final[dict[str, Resource]] = {
    "orders": Resource(
        query=_listing("orders", 2, _ORDER, _BY_CHANGE),
        path=("orders",),
        by="updated_at",
        back=_OVERLAP,
        scope="read_orders",
    ),
    "customers": Resource(
        query=_listing("customers", 50, f"{_PERSON} updatedAt defaultAddress {_ADDRESS}", _BY_CHANGE),
        path=("customers",),
        by="updated_at",
        back=_OVERLAP,
        scope="read_customers",
    ),
    "disputes": Resource(
        query=_listing("disputes", 50, f"id type status initiatedAt finalizedOn amount {_PLAIN} order {{ id }}"),
        path=("disputes",),
        by="initiated_at",
        back=timedelta(days=120),
        scope="read_shopify_payments_disputes",
        daily=True,
    ),
    "payouts": Resource(
        query=_listing("payouts", 50, f"id status issuedAt net {_PLAIN} summary {{ {_FEES} }}", around=_ACCOUNT),
        path=(_ACCOUNT, "payouts"),
        by="issued_at",
        back=timedelta(days=14),
        scope="read_shopify_payments_payouts",
        daily=True,
    ),
    "balance_transactions": Resource(
        query=_listing(
            "balanceTransactions",
            50,
            f"id type test transactionDate sourceOrderTransactionId amount {_PLAIN} fee {_PLAIN} net {_PLAIN} "
            "associatedOrder { id } associatedPayout { id status }",
            around=_ACCOUNT,
        ),
        path=(_ACCOUNT, "balanceTransactions"),
        by="processed_at",
        back=timedelta(days=2),
        scope="read_shopify_payments_payouts",
        daily=True,
    ),
}

# The topics as GraphQL writes them; deploy/docs/shopify.md has them as webhooks do. Without the first ones money is
# not heard of at once; an app may be without the scopes of the others.
NEEDED: Final = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_PAID",
    "ORDERS_CANCELLED",
    "ORDER_TRANSACTIONS_CREATE",
    "REFUNDS_CREATE",
)
WANTED: Final = ("CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "DISPUTES_CREATE", "DISPUTES_UPDATE")
SUBSCRIPTIONS: Final = f"""query($after: String) {{
  webhookSubscriptions(first: 100, after: $after) {{ nodes {{ topic uri }} {_PAGE} }}
}}"""
SUBSCRIBE: Final = """mutation($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { topic } userErrors { message }
  }
}"""
