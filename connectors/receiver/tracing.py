"""W3C trace context: a trace that came in goes on, else one begins here."""

import re
from collections.abc import Callable, Iterable
from typing import Final

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED: Final = "01"


def traceparent(given: Iterable[str | None], random_bytes: Callable[[int], bytes]) -> str:
    """The first of the given ones that is valid; as the standard asks, a broken one is replaced by a new trace."""
    valid = (text for text in given if text is not None and _TRACEPARENT.fullmatch(text))
    return next(valid, None) or f"00-{random_bytes(16).hex()}-{random_bytes(8).hex()}-{_SAMPLED}"
