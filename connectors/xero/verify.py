"""Xero's signature of its webhooks: base64 of an HMAC-SHA256 over the raw body, with the webhook's key as key.

It has no time. Source: Xero's page "Configuring your server" of its webhooks.
"""

from datetime import datetime
from typing import Final

from connectors.auth import check_body
from connectors.base import HttpRequest, SourceConfig

SIGNATURE_HEADER: Final = "x-xero-signature"


def verify(request: HttpRequest, source: SourceConfig, _now: datetime) -> None:
    """Returns if one of the source's webhook keys signed the raw body; raises Unauthentic otherwise."""
    # Xero's keys look like base64, and are used as the text that they are.
    check_body(request, SIGNATURE_HEADER, source)
