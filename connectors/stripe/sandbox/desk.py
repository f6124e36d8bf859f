"""What a test or a person may make happen in the account; each answers with what it made."""

from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from connectors.stripe.sandbox.billing import Billing
from connectors.stripe.sandbox.book import Book, Json
from connectors.stripe.sandbox.deliveries import Deliveries
from connectors.stripe.sandbox.payments import Payments
from connectors.stripe.sandbox.payouts import Payouts

_SHOWN: Final = ("payment_intent", "refund", "dispute", "payout", "invoice", "credit_note")
Does = Callable[[web.Request, Json], Json]


class Desk:
    """The desk of one account. Raises NotPossible, KeyError, TypeError and ValueError for what cannot be done."""

    def __init__(
        self, book: Book, payments: Payments, payouts: Payouts, billing: Billing, deliveries: Deliveries
    ) -> None:
        self._book = book
        self._payments = payments
        self._payouts = payouts
        self._billing = billing
        self._deliveries = deliveries

    def paths(self) -> Mapping[str, Does]:
        """What stands behind which path."""
        return {
            "charges": self._charge,
            "charges/{payment_intent}/capture": lambda request, asked: self._payments.capture(
                self._one(request, "payment_intent"), _amount(asked)
            ),
            "charges/{payment_intent}/refund": lambda request, asked: self._payments.refund(
                self._one(request, "payment_intent"), _amount(asked)
            ),
            "charges/{payment_intent}/dispute": lambda request, asked: self._payments.dispute(
                self._one(request, "payment_intent"), inquiry=asked.get("inquiry") is True
            ),
            "refunds/{refund}/fail": lambda request, _asked: self._payments.fail_refund(self._one(request, "refund")),
            "disputes/{dispute}": lambda request, asked: self._payments.decide(
                self._one(request, "dispute"), str(asked["status"])
            ),
            "payouts": lambda _request, asked: self._payouts.pay_out(
                currency=str(asked.get("currency", "gbp")), automatic=asked.get("automatic") is not False
            ),
            "payouts/{payout}/fail": lambda request, _asked: self._payouts.fail(self._one(request, "payout")),
            "invoices": self._invoice,
            "invoices/{invoice}/pay": lambda request, _asked: self._billing.pay(self._one(request, "invoice")),
            "invoices/{invoice}/void": lambda request, _asked: self._billing.void(self._one(request, "invoice")),
            "invoices/{invoice}/credit": lambda request, asked: self._billing.credit(
                self._one(request, "invoice"),
                int(asked["amount"]),
                how=str(asked.get("how", "refund")),
                lines=asked.get("lines", ()),
            ),
            "endpoints": lambda _request, asked: self._deliveries.add(
                str(asked["url"]), [str(one) for one in asked.get("events", ["*"])]
            ),
            "thin": lambda _request, asked: self._book.named(
                str(asked["type"]), self._book.get(str(asked["id"]), str(asked["object"]))
            ),
            "deliveries": self._misbehave,
        }

    def state(self, _request: web.Request, _asked: Json) -> Json:
        """Everything that there is."""
        return {
            **{f"{kind}s": self._book.every(kind) for kind in _SHOWN},
            "events": [{"id": one["id"], "type": one["type"]} for one in self._book.events],
            "endpoints": list(self._deliveries.endpoints.values()),
            "deliveries": [
                {"event_id": one.event_id, "type": one.type, "state": one.state, "tries": one.tries}
                for one in self._deliveries.log
            ],
        }

    def _charge(self, _request: web.Request, asked: Json) -> Json:
        currency = str(asked.get("currency", "gbp"))
        if asked.get("declined") is True:
            return self._payments.decline(int(asked["amount"]), currency=currency)
        return self._payments.charge(
            int(asked["amount"]),
            currency=currency,
            metadata={str(name): str(value) for name, value in asked.get("metadata", {}).items()},
            capture=asked.get("capture") is not False,
            live=asked.get("live") is not False,
        )

    def _invoice(self, _request: web.Request, asked: Json) -> Json:
        return self._billing.finalize(
            asked["lines"],
            currency=str(asked.get("currency", "gbp")),
            inclusive=asked.get("inclusive") is True,
            customer=int(asked.get("customer", 1)),
        )

    def _misbehave(self, _request: web.Request, asked: Json) -> Json:
        orders = self._deliveries.orders
        for name in ("lose", "double", "reorder"):
            setattr(orders, name, int(asked.get(name, getattr(orders, name))))
        return {name: getattr(orders, name) for name in ("lose", "double", "reorder")}

    def _one(self, request: web.Request, kind: str) -> Json:
        return self._book.get(request.match_info[kind], kind)


def _amount(asked: Json) -> int | None:
    amount = asked.get("amount")
    return None if amount is None else int(amount)
