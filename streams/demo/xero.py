"""The sandbox of Xero, seen from beside: its books, its log of calls, orders for faults, a person at its screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

CALLS_A_MINUTE: Final = 60
MINUTE: Final = timedelta(minutes=1)
_TOO_MANY: Final = 429
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
    """What the accounting API was asked so far; `recent` within the last minute by the clock on the wall.
    `refused`: the last call was answered 429."""

    total: int
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
        await self._ask("POST", f"{self._admin}/organisations/{self._tenant}/contacts/{contact_id}/archive")

    async def _ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        async with self._session.request(method, url, json=body) as response:
            answer = await response.json()
            if response.status != 200:
                raise RuntimeError(f"the sandbox refused {method} {url}: {answer}")
            return answer
