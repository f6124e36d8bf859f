"""Shopify's signature: base64 of an HMAC-SHA256 over the raw body, with the app's client secret as key.

No time and no other header is part of it: a body that is sent again is the same business, told under the same keys, and
what a topic's header says is never believed where the body says otherwise. Source: Shopify's page "Verify webhook
deliveries". Its Python library has no function for it.
"""

from datetime import datetime
from typing import Final

from connectors.auth import check_body
from connectors.base import HttpRequest, SourceConfig

SIGNATURE_HEADER: Final = "X-Shopify-Hmac-SHA256"


def verify(request: HttpRequest, source: SourceConfig, _now: datetime) -> None:
    """Returns if one of the source's secrets signed the raw body; raises Unauthentic otherwise."""
    check_body(request, SIGNATURE_HEADER, source)
