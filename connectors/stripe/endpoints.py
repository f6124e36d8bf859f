"""The webhook endpoints of an account that lead to us: whether they are enabled, and hear enough.

Stripe disables an endpoint whose deliveries failed for days, and mails the account's owner. Source: Stripe's API
reference (Webhook Endpoint) and its page "Receive Stripe events in your webhook endpoint".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.stripe.api import StripeApi
from connectors.stripe.normalise import TYPES
from connectors.sweeping import Subscription

# API versions before 2024-10-28 tell refunds by these; the others have events of their own.
_OLD: Final = ("charge.refunded", "charge.refund.updated")
WANTED: Final = tuple(type_ for type_ in TYPES if type_ not in _OLD)
# Without these money is not told at all.
NEEDED: Final = ("payment_intent.succeeded", "refund.created")


async def state_of_webhooks(api: StripeApi, source: str, version: str | None) -> Subscription:
    """What Stripe says of our endpoints; one that is disabled is enabled again.

    `version` is the account's own API version, as its listed events have it, or None where that is not known.
    """
    ours = [
        one
        async for one in api.every("/v1/webhook_endpoints", {})
        if str(one.get("url", "")).endswith(f"/v1/sources/{source}")
    ]
    if not ours:
        words = f"Stripe has no webhook endpoint for /v1/sources/{source}: make one as deploy/docs/stripe.md shows"
        return Subscription(active=False, words=words)
    repaired = [await _enable(api, one) for one in ours if one.get("status") == "disabled"]
    heard = {type_ for one in ours for type_ in _events(one)}
    missing = [] if "*" in heard else [type_ for type_ in WANTED if type_ not in heard]
    said = [
        f"{len(repaired)} that was disabled is enabled again" if repaired else "the webhook endpoint is enabled",
        *([f"it does not hear {', '.join(missing)}: add these events to it in Stripe"] if missing else []),
        *_other_versions(ours, version),
    ]
    return Subscription(
        active=not any(type_ in missing for type_ in NEEDED), words="; ".join(said), repaired=bool(repaired)
    )


async def _enable(api: StripeApi, endpoint: Mapping[str, Any]) -> str:
    identifier = str(endpoint.get("id"))
    await api.change("webhook_endpoints", identifier, {"disabled": "false"})
    return identifier


def _events(endpoint: Mapping[str, Any]) -> Sequence[str]:
    listed = endpoint.get("enabled_events")
    return [str(one) for one in listed] if isinstance(listed, list) else []


def _other_versions(endpoints: Sequence[Mapping[str, Any]], version: str | None) -> list[str]:
    """One event is listed as the account's API version shows it, and delivered as the endpoint's does. Where they show
    it differently, the ledger takes the two for two contents of one event."""
    others = {str(one["api_version"]) for one in endpoints if one.get("api_version") not in (None, version)}
    if version is None or not others:
        return []
    return [
        f"it has API version {', '.join(sorted(others))} and the account {version}: give both the same in Stripe, so "
        "that webhook and sweep show one event alike"
    ]
