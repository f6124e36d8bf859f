"""What a test or a person does to the sandbox itself, under /_sandbox/: never limited, never in the log of calls."""

from dataclasses import asdict
from datetime import date
from typing import Any, Final

import msgspec
from aiohttp import web

from connectors.xero.sandbox import people, report
from connectors.xero.sandbox.admin_requests import AdminError, Handler, number_after, object_of, routes_of
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.clock import ManualClock
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.faults import Fault

_ORGANISATION_FLAGS: Final = ("adviser", "offline")
_ORGANISATION_DATES: Final = ("period_lock_date", "end_of_year_lock_date")


def routes(engine: Engine) -> list[web.RouteDef]:
    """The admin surface of one sandbox."""
    admin = _Admin(engine)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/_sandbox/health", admin.health),
        ("GET", "/_sandbox/books/{tenant}", admin.books),
        ("GET", "/_sandbox/calls", admin.calls),
        ("DELETE", "/_sandbox/calls", admin.clear_calls),
        ("GET", "/_sandbox/faults", admin.faults),
        ("POST", "/_sandbox/faults", admin.order),
        ("DELETE", "/_sandbox/faults", admin.clear_faults),
        ("GET", "/_sandbox/switches", admin.switches),
        ("PATCH", "/_sandbox/switches", admin.switch),
        ("GET", "/_sandbox/organisations", admin.organisations),
        ("PATCH", "/_sandbox/organisations/{tenant}", admin.organisation),
        ("POST", "/_sandbox/organisations/{tenant}/contacts/{id}/archive", admin.archive),
        ("POST", "/_sandbox/organisations/{tenant}/contacts/{id}/merge", admin.merge),
        ("POST", "/_sandbox/organisations/{tenant}/contacts/{id}/restore", admin.restore),
        ("PATCH", "/_sandbox/organisations/{tenant}/{kind:contacts|invoices|creditnotes|payments}/{id}", admin.edit),
        ("POST", "/_sandbox/organisations/{tenant}/payments", admin.pay),
        ("POST", "/_sandbox/organisations/{tenant}/payments/{id}/reconcile", admin.reconcile),
        ("POST", "/_sandbox/time", admin.advance),
    ]
    return routes_of(table)


class _Admin:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def health(self, request: web.Request) -> Any:
        return {"status": "ok", "now": self._engine.clock.now()}

    async def books(self, request: web.Request) -> Any:
        return report.books(self._book(request))

    async def calls(self, request: web.Request) -> Any:
        after = number_after(request)
        records = [record for record in self._engine.calls.records if record.number > after]
        return {"throttled": dict(self._engine.calls.throttled), "calls": [asdict(record) for record in records]}

    async def clear_calls(self, request: web.Request) -> Any:
        self._engine.calls.clear()
        return {}

    async def faults(self, request: web.Request) -> Any:
        return [asdict(ordered) | {"spent": ordered.spent} for ordered in self._engine.faults.orders]

    async def order(self, request: web.Request) -> Any:
        body = await object_of(request)
        try:
            fault = msgspec.convert(body, Fault)
        except (msgspec.ValidationError, ValueError) as error:
            raise AdminError(f"the fault cannot be read: {error}") from None
        unknown = set(body) - set(Fault.__dataclass_fields__) if isinstance(body, dict) else set()
        if unknown:
            raise AdminError(
                f"a fault has no {', '.join(sorted(unknown))}: known are {', '.join(Fault.__dataclass_fields__)}"
            )
        return asdict(self._engine.faults.order(fault))

    async def clear_faults(self, request: web.Request) -> Any:
        self._engine.faults.clear()
        return {}

    async def switches(self, request: web.Request) -> Any:
        return asdict(self._engine.switches)

    async def switch(self, request: web.Request) -> Any:
        body = await object_of(request)
        try:
            self._engine.switches = self._engine.switches.changed(**body)
        except (TypeError, ValueError) as error:
            raise AdminError(str(error)) from None
        return asdict(self._engine.switches)

    async def organisations(self, request: web.Request) -> Any:
        return [report.organisation(self._engine, book) for book in self._engine.books.values()]

    async def organisation(self, request: web.Request) -> Any:
        book, body = self._book(request), await object_of(request)
        changes: dict[str, object] = {}
        for name, value in body.items():
            if name in _ORGANISATION_FLAGS and isinstance(value, bool):
                changes[name] = value
            elif name in _ORGANISATION_DATES and (value is None or isinstance(value, str)):
                changes[name] = None if value is None else _date(name, value)
            elif name == "connected" and isinstance(value, bool):
                people.connect(self._engine, book, connected=value)
            else:
                known = ", ".join((*_ORGANISATION_FLAGS, *_ORGANISATION_DATES, "connected"))
                raise AdminError(f"{name}: {value!r} cannot be set: known are {known} (flags; dates as 2026-03-31)")
        self._engine.change_organisation(book, **changes)
        return report.organisation(self._engine, book)

    async def archive(self, request: web.Request) -> Any:
        return people.archive(self._engine, self._book(request), request.match_info["id"])

    async def merge(self, request: web.Request) -> Any:
        body = await object_of(request)
        return people.archive(
            self._engine, self._book(request), request.match_info["id"], merged_to=str(body.get("into", ""))
        )

    async def restore(self, request: web.Request) -> Any:
        return people.restore(self._engine, self._book(request), request.match_info["id"])

    async def edit(self, request: web.Request) -> Any:
        kind, body = request.match_info["kind"], await object_of(request)
        return people.edit(self._engine, self._book(request), kind, request.match_info["id"], body)

    async def pay(self, request: web.Request) -> Any:
        return people.pay(self._engine, self._book(request), await object_of(request))

    async def reconcile(self, request: web.Request) -> Any:
        return people.reconcile(self._engine, self._book(request), request.match_info["id"])

    async def advance(self, request: web.Request) -> Any:
        body, clock = await object_of(request), self._engine.clock
        if not isinstance(clock, ManualClock):
            raise AdminError("time runs by itself here: only a sandbox with a manual clock can be advanced")
        try:
            clock.advance(float(body["advance_s"]))
        except (KeyError, TypeError, ValueError) as error:
            raise AdminError(f"expected {{'advance_s': seconds}}: {error}") from None
        return {"now": clock.now()}

    def _book(self, request: web.Request) -> Book:
        tenant_id = request.match_info["tenant"].lower()
        book = self._engine.books.get(tenant_id)
        if book is None:
            raise AdminError(f"there is no organisation {tenant_id!r}: known are {', '.join(self._engine.books)}")
        return book


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise AdminError(f"{name}: expected a date such as 2026-03-31, got {text!r}") from None
