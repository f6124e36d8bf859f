"""CloudEvents pass the suite: what comes in at /v1/events, signed as deploy/docs/receiver.md says."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from connectors.base import Secret, SourceConfig
from schemas.envelope import BATCH, STRUCTURED
from tests.conformance.case import Sample, document
from tests.conformance.suite import Conformance
from tests.unit.receiver.support import event, order


def told(number: str, **more: Any) -> dict[str, Any]:
    return event(f"evt_{number}", data=order(number), time=f"2026-11-24T09:0{number}:00Z", sequence=number, **more)


class TestCloudEvents(Conformance):
    kind = "cloudevents"
    source = SourceConfig(
        name="shop-1",
        connector="cloudevents",
        secrets=(Secret("the secret of last year"), Secret("the secret of this year")),
        tokens=(Secret("the-token-of-shop-1"),),
    )
    samples = tuple(Sample(document(told(number)), (f"shop-1:evt_{number}",)) for number in ("1", "2", "3"))
    batch = Sample(
        document([told(number) for number in ("4", "5", "6")]), ("shop-1:evt_4", "shop-1:evt_5", "shop-1:evt_6")
    )
    partly = Sample(
        document([told("7"), told("8", type="com.example.unknown"), told("9")]), ("shop-1:evt_7", "shop-1:evt_9")
    )
    unknown = (
        document(told("7", type="com.example.unknown")),
        document(told("8", type="com.ledgerstream.OrderPlaced.v2")),
    )
    tolerance_s = 300
    content_type = STRUCTURED

    def batch_headers(self, body: bytes) -> dict[str, str]:
        return {**super().batch_headers(body), "Content-Type": BATCH}

    def signed(self, body: bytes, secret: Secret, at: int, url: str) -> Mapping[str, str]:
        mac = hmac.new(secret.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256)
        return {"Ledgerstream-Signature": f"t={at},v1={mac.hexdigest()}"}
