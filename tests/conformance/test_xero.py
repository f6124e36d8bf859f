"""Xero passes the suite. Its webhooks only name what changed, so none of them tells an event."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.base import Secret, SourceConfig
from connectors.xero.sandbox import ManualClock, Sandbox
from connectors.xero.webhook import parse
from schemas.commands import Ignored
from tests.conformance.case import Sample, document
from tests.conformance.suite import Conformance
from tests.contract.xero_sandbox.ear import Ear, Line, until
from tests.contract.xero_sandbox.wire_client import wired
from tests.unit.receiver.support import NOW

TENANT = "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f"


def event(resource_id: str, **fields: Any) -> dict[str, Any]:
    """As Xero's page "Events" shows one."""
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Contacts/{resource_id}",
        "resourceId": resource_id,
        "eventDateUtc": "2017-06-21T01:15:39.902",
        "eventType": "Update",
        "eventCategory": "CONTACT",
        "tenantId": TENANT,
        "tenantType": "ORGANISATION",
        **fields,
    }


def delivery(*events: dict[str, Any], first: int = 1) -> bytes:
    last = first + len(events) - 1 if first else 0
    return document(
        {"events": events, "lastEventSequence": last, "firstEventSequence": first, "entropy": "S0m3r4Nd0mt3xt"}
    )


CONTACT = event("717f2bfc-c6d4-41fd-b238-3f2f0c0cf777")
INVOICE = event("0aab8ee3-8f5b-4ae7-9a8e-2c2e2f3b2d11", eventCategory="INVOICE", eventType="CREATE")
NOTE = event(
    "5c0e1dd6-4f7d-4c1c-8f2e-1f8d0a4b7e22",
    eventCategory="CREDITNOTE",
    data={"Type": "ACCRECCREDIT", "Status": "AUTHORISED"},
)
SUBSCRIPTION = {"eventCategory": "SUBSCRIPTION", "tenantType": "APPLICATION", "eventType": "CREATE"}


class TestXero(Conformance):
    kind = "xero"
    source = SourceConfig(
        name="xero-1",
        connector="xero",
        secrets=(Secret("S2V5IG9mIGxhc3QgeWVhcg=="), Secret("S2V5IG9mIHRoaXMgeWVhcg==")),
        tokens=(Secret("the-token-of-xero-1"),),
    )
    samples = (
        Sample(delivery(CONTACT), ()),
        Sample(delivery(INVOICE, NOTE, first=2), ()),
    )
    unknown = (delivery(SUBSCRIPTION), delivery(event(TENANT, eventCategory="PREPAYMENT")))
    thin = delivery(CONTACT, INVOICE, NOTE)

    def signed(self, body: bytes, secret: Secret, at: int, url: str) -> Mapping[str, str]:
        mac = hmac.new(secret.reveal().encode(), body, hashlib.sha256)
        return {"x-xero-signature": base64.b64encode(mac.digest()).decode()}

    @pytest.mark.parametrize(("is_good", "status"), [(True, 200), (False, 401)])
    async def test_the_intent_to_receive_is_answered_right(self, is_good: bool, status: int) -> None:
        body = delivery(first=0)
        async with self.receiver() as receiver:
            key = self.source.secrets[0] if is_good else Secret("bm90IHRoZSBrZXk=")
            reply = await self.post(receiver, body, self.headers(body, secret=key))
            assert (reply.status, reply.body, "Set-Cookie" in reply.headers) == (status, b"", False)
            assert [type(self.told(record)) for record in receiver.publisher.records] == [Ignored] * is_good

    async def test_the_sandbox_enables_the_webhook_and_brings_again_what_kafka_did_not_take(self) -> None:
        """The sandbox was written from Xero's documentation without a look at ours."""
        clock = ManualClock(NOW)
        async with self.receiver() as receiver, wired(Sandbox(clock=clock)) as wire:
            ear = Ear(key=self.source.secrets[0].reveal(), url=receiver.url + self.path)
            talk = Line(wire, ear, clock)
            assert (await talk.subscribe())["status"] == "ok"
            receiver.publisher.records.clear()
            receiver.publisher.away = True
            await talk.sent("Ann")
            assert receiver.publisher.records == []
            receiver.publisher.away = False
            await talk.after(5, lambda: len(receiver.publisher.records) == 1)
            await until(lambda: wire.sandbox.webhook.shown()["deliveries"][0]["progress"] == "delivered")
            [record] = receiver.publisher.records
            assert [change.resource for change in parse(record[2]).changes] == ["Contacts"]
