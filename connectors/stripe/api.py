"""Stripe's API, as far as a sweep asks it: things by their id, and lists a page at a time, newest first.

Source: Stripe's API reference (Authentication, Pagination).
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from connectors.base import Secret
from connectors.fetching import Fetcher, SourceUnavailable, bearer
from schemas.codec import shorten

PAGE: Final = 100


class StripeApi:
    """One account's API. Raises SourceUnavailable and SourceRefused."""

    def __init__(self, fetcher: Fetcher, token: Secret) -> None:
        self._fetcher = fetcher
        self._token = token

    async def thing(self, kind: str, identifier: str) -> Mapping[str, Any]:
        """One thing, such as ("payouts", "po_1")."""
        path = f"/v1/{kind}/{quote(identifier, safe='')}"
        return self._object(await self._fetcher.get(path, headers=bearer(self._token)), path)

    async def page(
        self, path: str, query: Mapping[str, str], after: str | None = None
    ) -> tuple[list[Mapping[str, Any]], str | None]:
        """Up to 100 things of a list behind the one with the id `after`; and the id behind which there are more."""
        asked = {**query, "limit": str(PAGE), **({} if after is None else {"starting_after": after})}
        answer = await self._fetcher.get(path, asked, headers=bearer(self._token))
        listed = self._object(answer, path).get("data")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise SourceUnavailable(f"{self._fetcher.host} answered {shorten(answer)} where {path} was asked for")
        if answer.get("has_more") is not True:
            return listed, None
        last = listed[-1].get("id") if listed else None
        if not isinstance(last, str):
            raise SourceUnavailable(f"{self._fetcher.host} says that there is more of {path}, and not behind what")
        return listed, last

    async def every(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
        """All things of a list."""
        after: str | None = None
        while True:
            listed, after = await self.page(path, query, after)
            for one in listed:
                yield one
            if after is None:
                return

    async def change(self, kind: str, identifier: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The thing with these fields changed."""
        path = f"/v1/{kind}/{quote(identifier, safe='')}"
        return self._object(await self._fetcher.post(path, form=form, headers=bearer(self._token)), path)

    def _object(self, answer: Any, path: str) -> Mapping[str, Any]:
        if not isinstance(answer, dict):
            raise SourceUnavailable(f"{self._fetcher.host} answered {shorten(answer)} where {path} was asked for")
        return answer
