"""Stripe passes the suite; its own library signs."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from stripe import WebhookSignature

from connectors.base import Secret, SourceConfig
from tests.conformance.case import Api, Sample, document
from tests.conformance.suite import Conformance
from tests.unit.stripe.billing import credit_note, dispute, invoice, payout
from tests.unit.stripe.payloads import LIVE, charge, event, intent, refund
from tests.unit.stripe.running import running
from tests.unit.stripe.test_stripe_booked import one_day

INTENT = event("payment_intent.succeeded", intent())


def sample(told: dict[str, Any]) -> Sample:
    return Sample(document(told), (f"stripe-1:{told['id']}",))


class TestStripe(Conformance):
    kind = "stripe"
    source = SourceConfig(
        name="stripe-1",
        connector="stripe",
        secrets=(Secret("whsec_of_last_year"), Secret("whsec_of_this_year")),
        tokens=(Secret("the-token-of-stripe-1"),),
        order_source=LIVE.order_source,
        order_metadata_keys=LIVE.order_metadata_keys,
        gateway=LIVE.gateway,
    )
    samples = (
        sample(INTENT),
        sample(event("charge.succeeded", charge())),
        sample(event("refund.created", refund())),
        Sample(
            document(event("charge.refunded", charge(refunds={"data": [refund(), refund(id="re_4PAY")]}))),
            ("stripe-1:evt_charge.refunded:re_3PAY", "stripe-1:evt_charge.refunded:re_4PAY"),
        ),
        sample(event("charge.dispute.created", dispute())),
        sample(event("charge.dispute.funds_withdrawn", dispute())),
        Sample(
            document(event("charge.dispute.closed", dispute(status="lost"))),
            ("stripe-1:evt_charge.dispute.closed:opened", "stripe-1:evt_charge.dispute.closed:closed"),
        ),
        sample(event("payout.paid", payout())),
        sample(event("payout.reconciliation_completed", payout())),
        sample(event("invoice.finalized", invoice())),
        sample(event("invoice.paid", invoice())),
        sample(event("invoice.voided", invoice())),
        sample(event("credit_note.created", credit_note(refunds=[], out_of_band_amount=1200))),
    )
    unknown = (
        document(event("customer.created", {"id": "cus_1", "object": "customer"})),
        document(event("a.type.of.the.future", {"id": "x_1", "object": "x"})),
    )
    # An event of API version 2: it names an object, and has to be fetched to be known.
    thin = document(
        {
            "id": "evt_test_65R9Ijk8dKEYZcXeRWn16R9A7j1FSQ3w3TGDPLLGSM4CW0",
            "object": "v2.core.event",
            "type": "v1.billing.meter.error_report_triggered",
            "livemode": True,
            "created": "2026-11-24T09:30:00.000Z",
            "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
        }
    )
    test_mode = sample({**INTENT, "livemode": False})
    tolerance_s = 300

    def signed(self, body: bytes, secret: Secret, at: int, url: str) -> Mapping[str, str]:
        header = WebhookSignature.generate_signature_header(body.decode(), secret.reveal(), at)
        return {"Stripe-Signature": header}

    @asynccontextmanager
    async def api(self) -> AsyncIterator[Api]:
        async with running() as account:
            days = iter(range(10**6))

            async def change() -> None:
                account.clock.advance(3600)
                one_day(account.sandbox, random.Random(next(days)))
                await account.sandbox.deliveries.settled()

            for _ in range(6):
                await change()
            yield Api(account.sweeper(), account.config(), lambda: account.clock.now() + timedelta(minutes=1), change)
            await account.sandbox.deliveries.close()
