"""The HTTP surface: the Admin API, and under `/_sandbox` what a test or a person may make happen."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from connectors.sandboxes.desk import Json, answered, body
from connectors.shopify.sandbox import rest
from connectors.shopify.sandbox.api import Api
from connectors.shopify.sandbox.books import Customer, Dispute, Order
from connectors.shopify.sandbox.deliveries import Deliveries
from connectors.shopify.sandbox.shop import NotPossible, Shop

_HELP = "connectors/shopify/sandbox/README.md lists the paths and what each takes"


def build(shop: Shop, api: Api, deliveries: Deliveries) -> web.Application:
    """The application of one shop."""
    application = web.Application()
    desk = _Desk(shop, api, deliveries)

    async def graphql(request: web.Request) -> web.Response:
        if not api.is_known(request.headers.get("X-Shopify-Access-Token", "")):
            said = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return web.json_response({"errors": said}, status=401)
        asked = await body(request)
        return web.json_response(api.answer(str(asked.get("query", "")), asked.get("variables") or {}))

    application.router.add_post("/admin/api/{version}/graphql.json", graphql)
    application.router.add_get("/_sandbox", answered(desk.state, _HELP))
    for path, does in (
        ("orders", desk.place),
        ("orders/{order}/pay", desk.pay),
        ("orders/{order}/settle", desk.settle),
        ("orders/{order}/refund", desk.refund),
        ("orders/{order}/edit", desk.edit),
        ("orders/{order}/cancel", desk.cancel),
        ("orders/{order}/dispute", desk.dispute),
        ("disputes/{dispute}", desk.decide),
        ("customers/{customer}", desk.rename),
        ("payouts", desk.pay_out),
        ("subscriptions", desk.subscribe),
        ("deliveries", desk.misbehave),
    ):
        application.router.add_post(f"/_sandbox/{path}", answered(does, _HELP))
    application.on_shutdown.append(lambda _app: deliveries.close())
    return application


class _Desk:
    """What may be made to happen; each answers with what it made."""

    def __init__(self, shop: Shop, api: Api, deliveries: Deliveries) -> None:
        self._shop = shop
        self._api = api
        self._deliveries = deliveries

    def state(self, _request: web.Request, _asked: Json) -> Json:
        return {
            "orders": [rest.order(one) for one in self._shop.orders.values()],
            "subscriptions": [{"topic": one.topic, "uri": one.uri} for one in self._deliveries.subscriptions.values()],
            "deliveries": [
                {"topic": one.subscription.topic, "event_id": one.event_id, "state": one.state, "tries": one.tries}
                for one in self._deliveries.log
            ],
            "api": {"asked": self._api.asked, "throttled": self._api.throttled},
        }

    def place(self, _request: web.Request, asked: Json) -> Json:
        shipping = asked.get("shipping", "4.95")
        abroad = asked.get("abroad")
        order = self._shop.place(
            dict(asked["items"]),
            person=int(asked.get("person", 0)),
            discount=Decimal(str(asked.get("discount", 0))),
            shipping=None if shipping is None else Decimal(str(shipping)),
            tip=Decimal(str(asked.get("tip", 0))),
            taxes_included=asked.get("taxes_included") is not False,
            abroad=None if abroad is None else (str(abroad["currency"]), Decimal(str(abroad["rate"]))),
            test=asked.get("test") is True,
        )
        return rest.order(order)

    def pay(self, request: web.Request, asked: Json) -> Json:
        order = self._order(request)
        paid = self._shop.pay(
            order,
            kind=str(asked.get("kind", "sale")),
            gateway=str(asked.get("gateway", "shopify_payments")),
            amount=_amount(asked),
            status=str(asked.get("status", "success")),
        )
        return rest.transaction(paid, order)

    def settle(self, request: web.Request, asked: Json) -> Json:
        order = self._order(request)
        self._shop.settle(order, int(asked["transaction"]), str(asked.get("status", "success")))
        return rest.order(order)

    def refund(self, request: web.Request, asked: Json) -> Json:
        order, lines = self._order(request), asked.get("lines")
        given = self._shop.refund(
            order,
            None if lines is None else {int(line): int(quantity) for line, quantity in lines.items()},
            amount=_amount(asked),
            shipping=asked.get("shipping") is True,
            status=str(asked.get("status", "success")),
            gateways=[str(one) for one in asked.get("gateways", ())],
            note=asked.get("note"),
        )
        return rest.refund(given, order)

    def edit(self, request: web.Request, asked: Json) -> Json:
        order = self._order(request)
        self._shop.edit(order, add=asked.get("add"), po_number=asked.get("po_number"))
        return rest.order(order)

    def cancel(self, request: web.Request, asked: Json) -> Json:
        order = self._order(request)
        self._shop.cancel(order, str(asked.get("reason", "customer")))
        return rest.order(order)

    def dispute(self, request: web.Request, asked: Json) -> Json:
        return rest.dispute(self._shop.dispute(self._order(request), str(asked.get("type", "chargeback"))))

    def decide(self, request: web.Request, asked: Json) -> Json:
        dispute: Dispute = _one(self._shop.disputes, request, "dispute")
        self._shop.decide(dispute, str(asked["status"]))
        return rest.dispute(dispute)

    def rename(self, request: web.Request, asked: Json) -> Json:
        customer: Customer = _one(self._shop.customers, request, "customer")
        self._shop.rename(customer, str(asked["email"]))
        return rest.customer(customer)

    def pay_out(self, _request: web.Request, asked: Json) -> Json:
        payout = self._shop.pay_out(str(asked.get("status", "paid")))
        return {"id": payout.id, "status": payout.status, "net": rest.text(payout.net)}

    def subscribe(self, _request: web.Request, asked: Json) -> Json:
        """Every topic of a list to one address."""
        made = [self._deliveries.subscribe(str(topic), str(asked["uri"])) for topic in asked["topics"]]
        return {"subscriptions": [{"topic": one.topic, "uri": one.uri} for one in made]}

    def misbehave(self, _request: web.Request, asked: Json) -> Json:
        orders = self._deliveries.orders
        for name in ("lose", "double", "reorder"):
            setattr(orders, name, int(asked.get(name, getattr(orders, name))))
        return {name: getattr(orders, name) for name in ("lose", "double", "reorder")}

    def _order(self, request: web.Request) -> Order:
        found: Order = _one(self._shop.orders, request, "order")
        return found


def _one(known: dict[int, Any], request: web.Request, kind: str) -> Any:
    found = known.get(int(request.match_info[kind]))
    if found is None:
        raise NotPossible(f"the shop has no {kind} {request.match_info[kind]}; it has {', '.join(map(str, known))}")
    return found


def _amount(asked: Json) -> Decimal | None:
    amount = asked.get("amount")
    return None if amount is None else Decimal(str(amount))
