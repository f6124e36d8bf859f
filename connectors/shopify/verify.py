"""Shopify's signature: base64 of an HMAC-SHA256 over the raw body, with the app's client secret as key.

No time and no other header is part of it: a body that is sent again is the same business, told under the same keys, and
what a topic's header says is never believed where the body says otherwise. Source: Shopify's page "Verify webhook
deliveries". Its Python library has no function for it.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

from connectors.base import HttpRequest, Secret, SourceConfig, Unauthentic

SIGNATURE_HEADER: Final = "X-Shopify-Hmac-SHA256"


def verify(request: HttpRequest, source: SourceConfig, _now: datetime) -> None:
    """Returns if one of the source's secrets signed the raw body; raises Unauthentic otherwise."""
    values = request.values(SIGNATURE_HEADER.lower())
    if len(values) != 1:
        raise Unauthentic
    # Header bytes that are not UTF-8 arrive as surrogates: no signature has them.
    given = values[0].encode(errors="surrogateescape")
    # A list, so that the time does not tell which of the secrets fitted.
    if not any([hmac.compare_digest(_mac(secret, request.body), given) for secret in source.secrets]):
        raise Unauthentic


def _mac(secret: Secret, body: bytes) -> bytes:
    return base64.b64encode(hmac.new(secret.reveal().encode(), body, hashlib.sha256).digest())
