"""Stripe's signature, checked by Stripe's own library.

The library compares in constant time and takes several `v1` at once (a secret that is rolled). It reads the
machine's clock and lets future times pass, so the age is checked here.
"""

import re
from datetime import datetime
from typing import Final

from stripe import SignatureVerificationError, WebhookSignature

from connectors.auth import check_age
from connectors.base import HttpRequest, Secret, SourceConfig, Unauthentic

SIGNATURE_HEADER: Final = "Stripe-Signature"
_TIMESTAMP: Final = re.compile(r"(?:^|,)t=([^,]*)")


def verify(request: HttpRequest, source: SourceConfig, now: datetime) -> None:
    """Returns if one of the source's secrets signed the raw body near `now`; raises Unauthentic otherwise."""
    values = request.values(SIGNATURE_HEADER.lower())
    if len(values) != 1:
        raise Unauthentic
    if not any([_signed(request.body, values[0], secret) for secret in source.secrets]):
        raise Unauthentic
    check_age(_timestamp(values[0]), now)


def _signed(body: bytes, header: str, secret: Secret) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, header, secret.reveal(), tolerance=None))
    except (SignatureVerificationError, UnicodeError, TypeError):
        # A body that is not UTF-8, or a signature that is not ASCII, makes the library raise these: no proof either.
        return False


def _timestamp(header: str) -> int:
    """The time that the signature covers. A second one could be judged in its place, so there must be one only."""
    found = _TIMESTAMP.findall(header)
    if len(found) != 1 or not re.fullmatch(r"[0-9]{1,12}", found[0]):
        raise Unauthentic
    return int(found[0])
