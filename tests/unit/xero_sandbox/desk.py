"""The rules of the books without HTTP: one organisation, and calls carried out at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from connectors.xero.sandbox import Switches
from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.dispatch import Counts, answer, target_of
from connectors.xero.sandbox.seed import books
from connectors.xero.sandbox.wire import Reply


class Desk:
    """A British organisation; time moves on by a second with each call, ids are counted."""

    def __init__(self, **switches: Any) -> None:
        self.book = books()[0]
        self.switches = replace(Switches(), **switches)
        self.now = datetime(2026, 9, 14, 8, tzinfo=UTC)
        self._ids = 0

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:08d}-0000-4000-8000-000000000000"

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Reply:
        """The answer to one call; `path` is below the API's prefix."""
        self.now += timedelta(seconds=1)
        target = target_of(f"/api.xro/2.0/{path}")
        assert target is not None
        call = Call(
            book=self.book, switches=self.switches, now=self.now, new_id=self.new_id, client_id="app", query=query
        )
        return answer(call, target, method, b"" if body is None else orjson.dumps(body), Counts())

    def good(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The one element of an answer that must be 200."""
        reply = self.call(method, path, body, **query)
        assert reply.status == 200, reply.body
        payload = orjson.loads(reply.body)
        return next(value for value in payload.values() if isinstance(value, list))[0]

    def refused(self, method: str, path: str, body: Any) -> list[str]:
        """The texts of an answer that must be a validation error."""
        reply = self.call(method, path, body)
        assert reply.status == 400, reply.body
        elements = orjson.loads(reply.body)["Elements"]
        return [error["Message"] for element in elements for error in element["ValidationErrors"]]


def invoice(number: str = "A-1", **fields: Any) -> dict[str, Any]:
    return {
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Contact": {"Name": "Ann"},
        "InvoiceNumber": number,
        "Date": "2026-09-14",
        "DueDate": "2026-09-30",
        "LineItems": [{"Description": "Mug", "Quantity": 2, "UnitAmount": 10, "AccountCode": "200"}],
        **fields,
    }


def payment(number: str = "A-1", amount: Any = 10) -> dict[str, Any]:
    return {"Invoice": {"InvoiceNumber": number}, "Account": {"Code": "091"}, "Amount": amount, "Date": "2026-09-15"}
