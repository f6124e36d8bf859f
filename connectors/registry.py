"""The connectors, one row each: how its requests are verified and read, and how a source of it is known to be alive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from connectors.base import Answers, Connector, ConnectorKind
from connectors.shopify import normalise as shopify
from connectors.shopify import verify as shopify_verify
from connectors.shopify.sweep import ShopifySweeper
from connectors.stripe import normalise as stripe
from connectors.stripe import verify as stripe_verify
from connectors.stripe.sweep import StripeSweeper
from connectors.sweeping import MakeSweeper
from connectors.xero import heard as xero_heard
from connectors.xero import verify as xero_verify


@dataclass(frozen=True, slots=True)
class Row:
    """`page` in deploy/docs tells people about it; `alive` how one learns that such a source still speaks.

    `webhooks` is set for what has a door of its own at /v1/sources: CloudEvents come in at /v1/events, and an outbox is
    polled. `sweep` is set for what has an API that says what changed.
    """

    page: str
    alive: str
    webhooks: Connector | None = None
    sweep: MakeSweeper | None = None


REGISTRY: Final[Mapping[ConnectorKind, Row]] = {
    "cloudevents": Row(page="cloudevents.md", alive="by the events that it sends"),
    "stripe": Row(
        page="stripe.md",
        alive="by the webhooks that it sends, and by a sweep where it has an api",
        webhooks=Connector(
            kind="stripe",
            verify=stripe_verify.verify,
            normalise=stripe.normalise,
            named=stripe.named,
            answers=Answers(accepted=200, unauthentic=400, within_s=10.0),
        ),
        sweep=StripeSweeper,
    ),
    "shopify": Row(
        page="shopify.md",
        alive="by the webhooks that it sends, and by the sweep of its API",
        webhooks=Connector(
            kind="shopify",
            verify=shopify_verify.verify,
            normalise=shopify.normalise,
            kept_headers=shopify.KEPT_HEADERS,
            named=shopify.named,
            answers=Answers(accepted=200, unauthentic=401, empty=True, within_s=5.0),
        ),
        sweep=ShopifySweeper,
    ),
    "xero": Row(
        page="xero.md",
        alive="by the webhooks that it sends, and by what is read of it each hour",
        webhooks=Connector(
            kind="xero",
            verify=xero_verify.verify,
            normalise=xero_heard.normalise,
            answers=Answers(accepted=200, unauthentic=401, empty=True, within_s=5.0),
        ),
    ),
    "outbox": Row(page="outbox.md", alive="by the rows that a worker reads; `ledgerstream outbox status` asks it"),
}

# Those with a door of their own.
CONNECTORS: Final[Mapping[ConnectorKind, Connector]] = {
    kind: row.webhooks for kind, row in REGISTRY.items() if row.webhooks is not None
}
