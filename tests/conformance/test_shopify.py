"""Shopify passes the suite. No Python library signs its webhooks, so the signature is written here once more."""

import hashlib
import hmac
import json
import random
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from connectors.base import Secret, SourceConfig
from tests.conformance.case import Api, Sample, document
from tests.conformance.suite import Conformance
from tests.unit.shopify.payloads import customer, dispute, order, refund, transaction
from tests.unit.shopify.running import decided, running
from tests.unit.shopify.test_shopify_random_days import one_day

EDITED = {"order_edit": {"id": 78912328793, "order_id": 450789469, "line_items": {"additions": [], "removals": []}}}
# A field that only the bodies of one topic have.
TOPICS = {
    "line_items": "orders/create",
    "refund_line_items": "refunds/create",
    "parent_id": "order_transactions/create",
    "verified_email": "customers/update",
    "evidence_due_by": "disputes/create",
    "order_edit": "orders/edited",
    "vendor": "products/update",
    "myshopify_domain": "app/uninstalled",
}


def read(body: bytes) -> dict[str, Any]:
    """The fields of a body; of garbage, none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def topic_of(body: bytes) -> str:
    """The topic that Shopify would send a body under; of garbage, an order's."""
    return next((topic for field, topic in TOPICS.items() if field in read(body)), "orders/create")


def sample(told: dict[str, Any], *parts: str) -> Sample:
    body = document(told)
    key = f"shop-1:evt-{told['id']}:{topic_of(body)}"
    return Sample(body, (key, *(f"{key}:{part}" for part in parts)))


class TestShopify(Conformance):
    kind = "shopify"
    source = SourceConfig(
        name="shop-1",
        connector="shopify",
        secrets=(Secret("shpss_of_last_year"), Secret("shpss_of_this_year")),
        tokens=(Secret("the-token-of-shop-1"),),
        gateway="shop-1",
    )
    samples = (
        sample(order()),
        sample(transaction()),
        sample(refund()),
        sample(order(id=2, refunds=[refund(id=3)], transactions=[transaction(id=4)]), "payment:4", "refund:3"),
        sample(customer()),
        sample(dispute(status="lost", finalized_on="2026-12-20"), "closed"),
    )
    unknown = (
        document({"id": 632910392, "title": "Mug", "vendor": "Potter"}),
        document({"id": 690933842, "myshopify_domain": "mugs.myshopify.com"}),
    )
    thin = document(EDITED)
    test_mode = sample(order(test=True))

    def beside(self, body: bytes) -> Mapping[str, str]:
        return {
            "X-Shopify-Topic": topic_of(body),
            "X-Shopify-Event-Id": f"evt-{read(body).get('id', 0)}",
            "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Shop-Domain": "mugs.myshopify.com",
        }

    def signed(self, body: bytes, secret: Secret, at: int, url: str) -> Mapping[str, str]:
        mac = hmac.new(secret.reveal().encode(), body, hashlib.sha256)
        return {"X-Shopify-Hmac-SHA256": b64encode(mac.digest()).decode()}

    @asynccontextmanager
    async def api(self) -> AsyncIterator[Api]:
        async with running() as shop:
            bucket = shop.sandbox.api.bucket
            bucket.size = bucket.held = bucket.restored_a_second = 10**9
            days = iter(range(10**6))

            async def change() -> None:
                one_day(shop.sandbox.shop, random.Random(next(days)), shop.clock.advance)
                await shop.sandbox.deliveries.settled()

            for _ in range(5):
                await change()
            decided(shop.sandbox.shop)
            shop.sandbox.shop.pay_out()
            await shop.sandbox.deliveries.settled()
            yield Api(shop.sweeper(), shop.config(), lambda: shop.clock.now() + timedelta(minutes=1), change)
            await shop.sandbox.deliveries.close()
