"""The sandbox's books and counts over plain HTTP, as anybody could read them; nothing of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Books:
    """Every organisation's books by its currency, and how many 429s the client earned by itself."""

    by_currency: Mapping[str, Mapping[str, Any]]
    earned_429s: int
    calls: int


async def read(session: aiohttp.ClientSession, admin: str) -> Books:
    """All of it, as it is now. `admin` is the address of the sandbox's admin surface."""
    found = {}
    for organisation in await _get(session, f"{admin}/organisations"):
        found[organisation["currency"]] = await _get(session, f"{admin}/books/{organisation['tenant_id']}")
    told = await _get(session, f"{admin}/calls")
    return Books(found, told["throttled"].get("earned", 0), len(told["calls"]))


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        response.raise_for_status()
        return await response.json()
