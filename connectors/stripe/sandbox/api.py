"""The API, as far as somebody who sweeps asks it: lists by pages with their filters, and Stripe's errors."""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connectors.stripe.sandbox.billing import Billing
from connectors.stripe.sandbox.book import Book, Json, NotPossible
from connectors.stripe.sandbox.deliveries import Deliveries

_TYPES: Final = re.compile(r"types\[[0-9]*\]")
_TYPES_MAX: Final = 20
_BOUNDS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "created[gt]": lambda created, bound: created > bound,
    "created[gte]": lambda created, bound: created >= bound,
    "created[lt]": lambda created, bound: created < bound,
    "created[lte]": lambda created, bound: created <= bound,
}


class Refusal(Exception):
    """What the API answers instead: a status and an error."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": "invalid_request_error", "message": message, **({"code": code} if code else {})}}


class Api:
    """`asked` are the paths that were asked for; the next `busy` questions are told that they are too many."""

    def __init__(self, book: Book, billing: Billing, deliveries: Deliveries, token: str) -> None:
        self._book = book
        self._billing = billing
        self._deliveries = deliveries
        self._authorization = f"Bearer {token}".encode()
        self.asked: list[str] = []
        self.busy = 0

    def check(self, authorization: str, path: str) -> None:
        """Raises Refusal for a wrong key, and while it is busy."""
        self.asked.append(path)
        if not hmac.compare_digest(authorization.encode(errors="surrogateescape"), self._authorization):
            raise Refusal(401, "Invalid API Key provided")
        if self.busy:
            self.busy -= 1
            raise Refusal(429, "Too many requests hit the API too quickly.", "rate_limit")

    def events(self, query: Sequence[tuple[str, str]]) -> Json:
        """GET /v1/events: the newest first, of the last 30 days."""
        types = {value for name, value in query if name == "type" or _TYPES.fullmatch(name)}
        if len(types) > _TYPES_MAX:
            raise Refusal(400, f"You may only specify up to {_TYPES_MAX} values for `types`.")
        found = [event for event in self._book.listed_events() if not types or event["type"] in types]
        return _page("/v1/events", found[::-1], query)

    def balance_transactions(self, query: Sequence[tuple[str, str]]) -> Json:
        """GET /v1/balance_transactions: all, or those of an automatic payout."""
        payout = dict(query).get("payout")
        found = [one for one, of in self._book.balance if payout in (None, of)]
        if payout is not None and not self._known(payout, "payout")["automatic"]:
            raise Refusal(400, "Balance transaction history can only be filtered on automatic transfers, not manual.")
        if ("expand[]", "data.source") in query:
            found = [{**one, "source": self._book.thing(one["source"])} for one in found]
        return _page("/v1/balance_transactions", found[::-1], query)

    def payout(self, identifier: str) -> Json:
        """GET /v1/payouts/{id}"""
        return self._known(identifier, "payout")

    def invoice_lines(self, identifier: str, query: Sequence[tuple[str, str]]) -> Json:
        """GET /v1/invoices/{id}/lines: in their order."""
        self._known(identifier, "invoice")
        return _page(f"/v1/invoices/{identifier}/lines", self._billing.lines[identifier], query)

    def endpoints(self, query: Sequence[tuple[str, str]]) -> Json:
        """GET /v1/webhook_endpoints"""
        return _page("/v1/webhook_endpoints", list(self._deliveries.endpoints.values())[::-1], query)

    def change_endpoint(self, identifier: str, form: Mapping[str, str]) -> Json:
        """POST /v1/webhook_endpoints/{id}"""
        try:
            return self._deliveries.change(identifier, form)
        except NotPossible as error:
            raise Refusal(404, str(error), "resource_missing") from None

    def _known(self, identifier: str, kind: str) -> Json:
        try:
            return self._book.get(identifier, kind)
        except NotPossible as error:
            raise Refusal(404, str(error), "resource_missing") from None


def _page(path: str, things: Sequence[Json], query: Sequence[tuple[str, str]]) -> Json:
    asked = dict(query)
    limit, after = _number(asked.get("limit", "10"), "limit"), asked.get("starting_after")
    if not 1 <= limit <= 100:
        raise Refusal(400, "Invalid limit: it must be between 1 and 100.")
    for name, holds in _BOUNDS.items():
        if name in asked:
            bound = _number(asked[name], name)
            things = [one for one in things if holds(one["created"], bound)]
    ids = [one["id"] for one in things]
    if after is not None and after not in ids:
        raise Refusal(400, f"No such object: '{after}'", "resource_missing")
    rest = things[ids.index(after) + 1 :] if after is not None else things
    return {"object": "list", "url": path, "has_more": len(rest) > limit, "data": list(rest[:limit])}


def _number(text: str, name: str) -> int:
    if not text.isdecimal():
        raise Refusal(400, f"Invalid integer: {text}: {name}")
    return int(text)
