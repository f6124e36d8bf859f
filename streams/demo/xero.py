"""The sandbox of Xero, seen from beside: its books, its log of calls, orders for faults, a person at its screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import aiohttp

from streams.demo import DemoFailed

CALLS_A_MINUTE: Final = 60
MINUTE: Final = timedelta(minutes=1)
_TOO_MANY: Final = 429
_TAKEN: Final = 200
# Of the four that try whether signatures are checked, two are signed right.
_CHECKS: Final = 2
_BANK: Final = "090"
# What goes wrong at Xero on the demo's day: a batch of invoices is booked but the connection dies before the answer;
# another is half booked and answered 500; payments are refused once, because all clients of the app together are said
# to have used up its minute.
FAULTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"answer": "drop", "commit": "all", "method": "PUT", "path": "/Invoices$", "nth": 2},
    {"answer": "500", "commit": "half", "method": "PUT", "path": "/Invoices$", "nth": 4},
    {"answer": "429-appminute", "method": "PUT", "path": "/Payments$", "nth": 2, "retry_after_s": 3},
)


@dataclass(frozen=True, slots=True)
class Calls:
    """What the accounting API was asked so far, of which `reads` were questions; `recent` within the last minute by the
    clock on the wall. `refused`: the last call was answered 429."""

    total: int
    reads: int
    recent: int
    refused: bool
    ordered_429: int
    earned_429: int


class Xero:
    """The admin surface of the sandbox, for one organisation."""

    def __init__(self, session: aiohttp.ClientSession, admin_url: str, tenant_id: str) -> None:
        self._session = session
        self._admin = admin_url
        self._tenant = tenant_id
        self._organisation = f"{admin_url}/organisations/{tenant_id}"

    @property
    def books_url(self) -> str:
        """Where the books can be seen."""
        return f"{self._admin}/books/{self._tenant}"

    async def books(self) -> Mapping[str, Any]:
        """Every document, with decimal strings."""
        found: Mapping[str, Any] = await self._ask("GET", self.books_url)
        return found

    async def calls(self) -> Calls:
        """Counts over the log of calls."""
        answer = await self._ask("GET", f"{self._admin}/calls")
        throttled, calls = answer["throttled"], answer["calls"]
        since = datetime.now(UTC) - MINUTE
        return Calls(
            total=len(calls),
            reads=sum(call["method"] == "GET" for call in calls),
            recent=sum(datetime.fromisoformat(call["at"]) > since for call in calls),
            refused=bool(calls) and calls[-1]["status"] == _TOO_MANY,
            ordered_429=throttled.get("ordered", 0),
            earned_429=throttled.get("earned", 0),
        )

    async def order_faults(self) -> None:
        """Order what the day has in store."""
        for fault in FAULTS:
            await self._ask("POST", f"{self._admin}/faults", {"tenant_id": self._tenant, **fault})

    async def faults_acted(self) -> int:
        """How many of them have happened."""
        return sum(fault["acted"] for fault in await self._ask("GET", f"{self._admin}/faults"))

    async def archive(self, contact_id: str) -> None:
        """Archive a contact, as a person would on the screen."""
        await self._ask("POST", f"{self._organisation}/contacts/{contact_id}/archive")

    async def listen(self, url: str, key: str) -> None:
        """Have Xero tell what changes, as a person does in the developer portal. Raises DemoFailed."""
        answer = await self._ask("PUT", f"{self._admin}/webhooks", {"url": url, "key": key})
        if answer["status"] != "ok":
            raise DemoFailed(f"Xero's sandbox does not enable its webhook: {answer['wrong']}")

    async def told(self) -> int:
        """How many of its webhooks were taken, the two that only tried whether signatures are checked among them."""
        deliveries = (await self._ask("GET", f"{self._admin}/webhooks"))["deliveries"]
        taken: int = sum(tried["status"] == _TAKEN for one in deliveries for tried in one["tries"])
        return _CHECKS + taken

    async def edit(self, invoice_id: str, changes: Mapping[str, Any]) -> None:
        """Change an invoice on the screen; `changes` in Xero's own names."""
        await self._ask("PATCH", f"{self._organisation}/invoices/{invoice_id}", changes)

    async def pay(self, invoice_id: str, amount: Decimal, reference: str) -> None:
        """Record on the screen that the whole or a part of an invoice came to the bank account."""
        payment = {
            "Invoice": {"InvoiceID": invoice_id},
            "Account": {"Code": _BANK},
            "Amount": f"{amount:.2f}",
            "Reference": reference,
        }
        await self._ask("POST", f"{self._organisation}/payments", payment)

    async def _ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        async with self._session.request(method, url, json=body) as response:
            answer = await response.json()
            if response.status != 200:
                raise RuntimeError(f"the sandbox refused {method} {url}: {answer}")
            return answer
