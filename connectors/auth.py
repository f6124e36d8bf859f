"""Who sent this: HMAC signatures over the raw request, or over its body alone, and bearer tokens.

`Ledgerstream-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>]`, where v1 is HMAC-SHA256, with the source's secret as
key, over `<t>.` followed by what the request says:

| Request | What is signed after `<t>.` |
|---|---|
| POST, structured or batch | the body |
| POST, binary (it has `ce-*` headers) | lines `name=value`, sorted by byte; an empty line; the body |
| POST with a query (`?validate=true`) | `POST`, a blank, path with query as sent, a line feed, then as above |
| GET, HEAD | the method, a blank, and path with query as sent |

A POST with a query may also be signed as one without, as producers do who sign each event in one way. Such a signature
says nothing of the query, so it is good without it as well: whoever saw that an event was checked could send it.

The attributes are in it because else a signed body could be sent again under another id, type or source. A line is
the header's name in lower case without `ce-`, and its value as it stands in the header, percent-encoding included.
No text of one row is valid input in another: JSON begins with `{` or `[`. A request that is sent again within the
tolerance is the same event, and is booked once.

`Ledgerstream-Source` names the source; without it, every source whose credential fits is meant.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from connectors.base import HttpRequest, Secret, SourceConfig, Unauthentic

SIGNATURE_HEADER: Final = "Ledgerstream-Signature"
SOURCE_HEADER: Final = "Ledgerstream-Source"
TOLERANCE_S: Final = 300
_SIGNATURES_MAX: Final = 8
_ATTRIBUTE: Final = "ce-"
_TIMESTAMP: Final = re.compile(r"t=([0-9]{1,12})")
_SIGNATURE: Final = re.compile(r"v1=([0-9a-f]{64})")


def sign(secret: Secret, request: HttpRequest, timestamp: int) -> str:
    """The value of `Ledgerstream-Signature` for this request, sent at `timestamp` (unix seconds)."""
    return f"t={timestamp},v1={_hmac(secret, _signed(request, timestamp)[0])}"


def authenticate(request: HttpRequest, sources: Mapping[str, SourceConfig], now: datetime) -> tuple[SourceConfig, ...]:
    """The sources, by name in `sources`, whose credentials the request shows. Raises Unauthentic if there is none.

    A signature that is there decides alone: a token beside a bad signature does not help.
    """
    candidates = _candidates(request, sources)
    header = _only(request, SIGNATURE_HEADER)
    if header is not None:
        return _signers(request, header, candidates, now)
    token = _bearer(request)
    if token is None:
        raise Unauthentic
    return _proven(source for source in candidates if _any_equal(token, (known.reveal() for known in source.tokens)))


def check_body(request: HttpRequest, header: str, source: SourceConfig) -> None:
    """Returns if `header` is base64 of an HMAC-SHA256 over the raw body with one of the source's secrets as key, as
    Shopify and Xero sign; raises Unauthentic otherwise."""
    given = _only(request, header)
    if given is None or not _any_equal(given, [_body_mac(secret, request.body) for secret in source.secrets]):
        raise Unauthentic


def check_age(timestamp: int, now: datetime) -> None:
    """Raises Unauthentic (stale) for what was signed more than the tolerance ago, or as far in the future."""
    if abs(now.timestamp() - timestamp) > TOLERANCE_S:
        raise Unauthentic(stale=True)


def _candidates(request: HttpRequest, sources: Mapping[str, SourceConfig]) -> tuple[SourceConfig, ...]:
    name = _only(request, SOURCE_HEADER)
    if name is None:
        return tuple(sources.values())
    return (sources[name],) if name in sources else ()


def _signers(
    request: HttpRequest, header: str, candidates: tuple[SourceConfig, ...], now: datetime
) -> tuple[SourceConfig, ...]:
    timestamp, signatures = _parse(header)
    texts = _signed(request, timestamp)
    signers = _proven(
        source
        for source in candidates
        if any([_any_equal(_hmac(secret, text), signatures) for secret in source.secrets for text in texts])
    )
    check_age(timestamp, now)
    return signers


def _proven(sources: Iterable[SourceConfig]) -> tuple[SourceConfig, ...]:
    found = tuple(sources)
    if not found:
        raise Unauthentic
    return found


def _parse(header: str) -> tuple[int, tuple[str, ...]]:
    parts = [part.strip() for part in header.split(",", _SIGNATURES_MAX + 1)]
    timestamps = [match[1] for part in parts if (match := _TIMESTAMP.fullmatch(part))]
    signatures = tuple(match[1] for part in parts if (match := _SIGNATURE.fullmatch(part)))
    # Two timestamps would let the age be judged by one and the signature by the other.
    if len(timestamps) != 1 or not signatures:
        raise Unauthentic
    return int(timestamps[0]), signatures


def _signed(request: HttpRequest, timestamp: int) -> tuple[bytes, ...]:
    """What may be signed of the request; the first says most of it."""
    return tuple(f"{timestamp}.".encode() + said for said in _said(request))


def _said(request: HttpRequest) -> tuple[bytes, ...]:
    address = _bytes(f"{request.method} {request.target}")
    if request.method != "POST":
        return (address,)
    event = _event(request)
    return (address + b"\n" + event, event) if "?" in request.target else (event,)


def _event(request: HttpRequest) -> bytes:
    lines = sorted(
        f"{name.removeprefix(_ATTRIBUTE)}={value}\n" for name, value in request.headers if name.startswith(_ATTRIBUTE)
    )
    return _bytes("".join(lines)) + b"\n" + request.body if lines else request.body


def _hmac(secret: Secret, text: bytes) -> str:
    return hmac.new(secret.reveal().encode(), text, hashlib.sha256).hexdigest()


def _body_mac(secret: Secret, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.reveal().encode(), body, hashlib.sha256).digest()).decode()


def _any_equal(value: str, others: Iterable[str]) -> bool:
    # A list, not a generator: the time must not tell which of them fitted.
    return any([hmac.compare_digest(_bytes(value), _bytes(other)) for other in others])


def _bearer(request: HttpRequest) -> str | None:
    scheme, _, token = (_only(request, "Authorization") or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _only(request: HttpRequest, name: str) -> str | None:
    """The header's one value. Where it comes twice, parts of the way may read different ones: nothing is proven."""
    values = request.values(name.lower())
    if len(values) > 1:
        raise Unauthentic
    return values[0] if values else None


def _bytes(text: str) -> bytes:
    # Header bytes that are not UTF-8 arrive as surrogates, and are signed as the bytes that they were.
    return text.encode(errors="surrogateescape")
