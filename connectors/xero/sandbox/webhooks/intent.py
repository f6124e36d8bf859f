"""Xero's "intent to receive": before a webhook is enabled, its address must tell good signatures from bad ones."""

from collections.abc import Callable
from typing import Final

import orjson

from connectors.xero.sandbox.webhooks.posting import Poster, sign
from connectors.xero.sandbox.wire import Json

_GOOD: Final = 200
_BAD: Final = 401


def body_of(events: list[Json], first: int, last: int, entropy: str) -> bytes:
    """The bytes of a delivery."""
    return orjson.dumps({"events": events, "firstEventSequence": first, "lastEventSequence": last, "entropy": entropy})


async def check(poster: Poster, url: str, key: str, new_id: Callable[[], str]) -> str:
    """Post several empty deliveries, some signed wrongly. Returns what is wrong with the answers ("": nothing)."""
    for is_good in (True, False, False, True):
        body = body_of([], 0, 0, new_id())
        # Wrong ones have a signature's form: what only looks whether the header is there must fail.
        signature = sign(key if is_good else f"not {key}", body)
        tried = await poster.post(url, body, signature, _GOOD if is_good else _BAD)
        if tried.wrong:
            return f"intent to receive, a {'right' if is_good else 'wrong'} signature: {tried.wrong}"
    return ""
