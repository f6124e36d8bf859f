"""Shopify's GraphQL Admin API: one question at a time, at the pace that its cost limit allows.

An app has a bucket of points (2,000 on most plans) that fills up again by so many a second; each answer says how full
it is. Too little in it is no error of HTTP: the status is 200, and the error's code THROTTLED. Source: Shopify's page
"API limits".
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from connectors.base import Secret
from connectors.fetching import Fetcher, SourceRefused, SourceUnavailable
from connectors.shopify.queries import API_VERSION, PATH
from schemas.codec import shorten

_PAUSE_S_MAX: Final = 30.0


class Denied(SourceRefused):
    """The token is good, and may not read this."""


class Admin:
    """One shop's API. Raises SourceUnavailable and SourceRefused."""

    def __init__(self, fetcher: Fetcher, token: Secret) -> None:
        self._fetcher = fetcher
        self._token = token
        self._pause_s = 0.0

    async def ask(self, query: str, /, **variables: Any) -> Mapping[str, Any]:
        """The `data` of the answer. Waits first for as long as the last answer said that the bucket needs."""
        await asyncio.sleep(self._pause_s)
        # Revealed here and nowhere else, into the one header that needs it.
        headers = {"X-Shopify-Access-Token": self._token.reveal()}
        answer = await self._fetcher.post(PATH, {"query": query, "variables": variables}, headers=headers)
        missing_s = _missing_s(answer)
        self._pause_s = min(missing_s, _PAUSE_S_MAX)
        errors = inner(answer, "errors")
        if errors:
            error = self._error(errors, missing_s)
            if isinstance(error, SourceUnavailable):
                self._pause_s = 0.0  # whoever asks again has waited
            raise error
        data = inner(answer, "data")
        if not isinstance(data, Mapping):
            raise SourceUnavailable(f"{self._fetcher.host} answered without data: {shorten(answer)}")
        return data

    def _error(self, errors: Any, missing_s: float) -> SourceUnavailable | SourceRefused:
        first = errors[0] if isinstance(errors, list) else errors
        code, said = inner(first, "extensions", "code"), shorten(inner(first, "message") or first)
        host = self._fetcher.host
        match code:
            case "THROTTLED":
                return SourceUnavailable(f"{host} is asked too much: {said}", missing_s)
            case "INTERNAL_SERVER_ERROR":
                return SourceUnavailable(f"{host} has an error of its own: {said}")
            case "ACCESS_DENIED":
                return Denied(f"{host} denies this: {said}", "Give the app in Shopify the scope that it names.")
            case _:
                return SourceRefused(
                    f"{host} refuses the question: {said}",
                    f"This release asks API version {API_VERSION}: if Shopify has retired it, take a newer release.",
                )


def inner(thing: Any, *path: str) -> Any:
    """What stands at a path of an answer; None where there is nothing."""
    for part in path:
        thing = thing.get(part) if isinstance(thing, Mapping) else None
    return thing


def _missing_s(answer: Any) -> float:
    """Seconds until the bucket holds what this question was reckoned at, which the next one will need too."""
    cost = inner(answer, "extensions", "cost")
    wanted, held, rate = (
        inner(cost, "requestedQueryCost"),
        inner(cost, "throttleStatus", "currentlyAvailable"),
        inner(cost, "throttleStatus", "restoreRate"),
    )
    if not all(isinstance(one, int | float) for one in (wanted, held, rate)) or rate <= 0:
        return 0.0
    return max(0.0, float(wanted - held) / float(rate))
