"""`POST /admin/api/{version}/graphql.json`: the Admin API, with its access, its cost limit and its errors."""

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.shopify.sandbox import nodes
from connectors.shopify.sandbox.answer import Answering, Root, Unknown, reckoned
from connectors.shopify.sandbox.deliveries import Deliveries
from connectors.shopify.sandbox.nodes import Connection, Node
from connectors.shopify.sandbox.question import Unreadable, read
from connectors.shopify.sandbox.shop import Shop
from connectors.xero.sandbox.clock import Clock

SCOPES: Final = (
    "read_orders",
    "read_customers",
    "read_shopify_payments_disputes",
    "read_shopify_payments_payouts",
)
# What a topic needs; those of orders and their money need read_orders.
_TOPIC_SCOPES: Final = {"customers": "read_customers", "disputes": "read_shopify_payments_disputes"}
COST_MAX: Final = 1000
BUCKET: Final = 2000
RESTORED_A_SECOND: Final = 100.0
_FILTER: Final = re.compile(r"(\w+):(>=|<=|>|<)?'?([^'\s]+)'?")
_COMPARED: Final[Mapping[str, Callable[[str, str], bool]]] = {
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    "": lambda left, right: left == right,
}


class AccessDenied(ValueError):
    """The app lacks a scope."""


@dataclass(slots=True)
class Bucket:
    """The app's points: as many as `size`, and filled up again by so many a second of the clock."""

    clock: Clock
    size: float = BUCKET
    restored_a_second: float = RESTORED_A_SECOND
    held: float = BUCKET
    seen_s: float = 0.0

    def available(self) -> float:
        now_s = self.clock.seconds()
        self.held = min(self.size, self.held + (now_s - self.seen_s) * self.restored_a_second)
        self.seen_s = now_s
        return self.held

    def take(self, points: float) -> None:
        self.held = self.available() - points


class Api:
    """The API of one shop. `scopes` are those that the app has."""

    def __init__(self, shop: Shop, deliveries: Deliveries, token: str, clock: Clock) -> None:
        self._shop = shop
        self._deliveries = deliveries
        self._token = token
        self.bucket = Bucket(clock, seen_s=clock.seconds())
        self.scopes = set(SCOPES)
        self.asked = 0
        self.throttled = 0

    def is_known(self, token: str) -> bool:
        """Whether the token is the app's."""
        return hmac.compare_digest(token.encode(errors="surrogateescape"), self._token.encode())

    def answer(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The whole answer, which has the status 200 whatever is wrong with the question."""
        self.asked += 1
        try:
            kind, fields = read(document, variables)
        except Unreadable as error:
            return _error(str(error), "syntaxError")
        wanted = 10 if kind == "mutation" else reckoned(fields)
        if wanted > COST_MAX:
            said = f"Query cost is {wanted}, which exceeds the single query max cost limit ({COST_MAX})."
            return {**_error(said, "MAX_COST_EXCEEDED"), "extensions": self._cost(wanted, None)}
        if wanted > self.bucket.available():
            self.throttled += 1
            return {**_error("Throttled", "THROTTLED"), "extensions": self._cost(wanted, None)}
        answering = Answering(self._root())
        try:
            data = answering.answer(fields)
        except Unknown as error:
            return _error(str(error), "undefinedField")
        except AccessDenied as error:
            return {**_error(str(error), "ACCESS_DENIED"), "data": None, "extensions": self._cost(wanted, 1)}
        cost = wanted if kind == "mutation" else min(wanted, answering.cost)
        self.bucket.take(cost)
        return {"data": data, "extensions": self._cost(wanted, cost)}

    def _cost(self, wanted: int, actual: int | None) -> dict[str, Any]:
        status = {
            "maximumAvailable": self.bucket.size,
            "currentlyAvailable": int(self.bucket.available()),
            "restoreRate": self.bucket.restored_a_second,
        }
        return {"cost": {"requestedQueryCost": wanted, "actualQueryCost": actual, "throttleStatus": status}}

    def _root(self) -> Root:
        shop = self._shop
        return {
            "orders": lambda asked: self._listed("orders", "updatedAt", map(nodes.order, shop.orders.values()), asked),
            "order": self._order,
            "refund": self._refund,
            "customers": lambda asked: self._listed(
                "customers", "updatedAt", map(nodes.customer, shop.customers.values()), asked
            ),
            "disputes": lambda asked: self._listed(
                "shopify_payments_disputes", "initiatedAt", map(nodes.dispute, shop.disputes.values()), asked
            ),
            "shopifyPaymentsAccount": self._account,
            "webhookSubscriptions": lambda _asked: nodes.listed(
                {"id": nodes.gid("WebhookSubscription", one.id), "topic": _word(one.topic), "uri": one.uri}
                for one in self._deliveries.subscriptions.values()
            ),
            "webhookSubscriptionCreate": self._subscribe,
        }

    def _order(self, asked: Mapping[str, Any]) -> Node | None:
        self._needs("orders")
        found = next((one for one in self._shop.orders.values() if nodes.gid("Order", one.id) == asked.get("id")), None)
        return None if found is None else nodes.order(found)

    def _refund(self, asked: Mapping[str, Any]) -> Node | None:
        self._needs("orders")
        for order in self._shop.orders.values():
            for refund in order.refunds:
                if nodes.gid("Refund", refund.id) == asked.get("id"):
                    return nodes.refund(order, refund)
        return None

    def _account(self, _asked: Mapping[str, Any]) -> Node:
        self._needs("shopify_payments_payouts")
        shop = self._shop
        payouts = [nodes.payout(one, shop.currency) for one in shop.payouts.values()]
        return {
            "payouts": _sorted(payouts, "issuedAt"),
            "balanceTransactions": _sorted(map(nodes.balance_transaction, shop.balance), "transactionDate"),
        }

    def _subscribe(self, asked: Mapping[str, Any]) -> Node:
        wanted = asked.get("webhookSubscription")
        uri = str(wanted.get("uri", "")) if isinstance(wanted, dict) else ""
        try:
            topic = _topic(str(asked.get("topic")))
            scope = _TOPIC_SCOPES.get(topic.partition("/")[0], "read_orders")
            if scope not in self.scopes:
                raise AccessDenied(f"You do not have permission to create or update webhooks with {topic} topic")
            made = self._deliveries.subscribe(topic, uri)
        except ValueError as error:
            return {"webhookSubscription": None, "userErrors": ({"field": None, "message": str(error)},)}
        node = {"id": nodes.gid("WebhookSubscription", made.id), "topic": asked.get("topic"), "uri": uri}
        return {"webhookSubscription": node, "userErrors": ()}

    def _listed(self, scope: str, key: str, found: Iterable[Node], asked: Mapping[str, Any]) -> Connection:
        self._needs(scope)
        return _filtered(_sorted(found, key), asked)

    def _needs(self, scope: str) -> None:
        if f"read_{scope}" not in self.scopes:
            raise AccessDenied(f"Access denied. Required access: `read_{scope}` access scope.")


def _sorted(found: Iterable[Node], key: str) -> Connection:
    keyed = [(f"{node[key]}|{str(node['id']).rpartition('/')[2]:>20}", node) for node in found]
    return Connection(tuple(sorted(keyed, key=lambda pair: pair[0])))


def _filtered(connection: Connection, asked: Mapping[str, Any]) -> Connection:
    """The nodes that fit `query: "updated_at:>='...' ..."`: fields as a search writes them, texts as they stand."""
    rules = _FILTER.findall(str(asked.get("query") or ""))

    def fits(node: Node) -> bool:
        return all(_COMPARED[how](str(node.get(_camel(name), "")), value) for name, how, value in rules)

    return Connection(tuple((key, node) for key, node in connection.nodes if fits(node)))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _word(topic: str) -> str:
    return topic.replace("/", "_").upper()


def _topic(word: str) -> str:
    """`ORDER_TRANSACTIONS_CREATE` as webhooks write it: the last part is what happened."""
    thing, _, what = word.lower().rpartition("_")
    return f"{thing}/{what}"


def _error(message: str, code: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}
