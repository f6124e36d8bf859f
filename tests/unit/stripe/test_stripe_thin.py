"""Thin events of Stripe: they name a thing, which a sweep finds; where there is none, a person is told."""

import dataclasses
import json
from typing import Any

import pytest

from connectors.base import ApiConfig, Normalised, Secret, SourceConfig
from connectors.stripe.normalise import normalise
from schemas.commands import Ignored, RefusedEvent
from schemas.raw import RawRecord
from tests.unit.receiver.support import NOW
from tests.unit.stripe.payloads import LIVE


def thin(type_: str, **more: Any) -> dict[str, Any]:
    """An event that only names what it is about."""
    related = {"id": "ch_3PAY", "type": "charge", "url": "/v1/charges/ch_3PAY"}
    named = {"id": "evt_t", "object": "v2.core.event", "created": "2026-11-24T09:30:00.000Z", "livemode": True}
    return {**named, "related_object": related, "type": type_, **more}


def taken(document: dict[str, Any], config: SourceConfig) -> Normalised:
    """What we make of a body; Stripe's library takes no thin event as an event."""
    raw = RawRecord(source="stripe-1", connector="stripe", body=json.dumps(document).encode(), received_at=NOW)
    return normalise(raw, config)


def test_what_only_names_a_payment_is_left_to_the_sweep_or_is_a_letter() -> None:
    """Without a sweep nothing reads the thing itself."""
    swept = dataclasses.replace(LIVE, api=ApiConfig(url="https://api.example.com", token=Secret("rk")))
    assert taken(thin("v1.charge.succeeded"), swept) == Ignored(
        "v1.charge.succeeded only names a thing: the sweep finds what happened to it"
    )
    found = taken(thin("v1.charge.succeeded"), LIVE)
    assert isinstance(found, RefusedEvent)
    assert found.evidence.message == "Stripe's event v1.charge.succeeded only names ch_3PAY, and does not tell it."
    assert "give the source an api in sources.yaml" in (found.evidence.remedy or "")
    assert taken(thin("v1.charge.succeeded", livemode=False), LIVE) == Ignored(
        "Stripe's test-mode data does not reach live books"
    )


@pytest.mark.parametrize("type_", ["v2.core.event_destination.ping", "v1.customer.created"])
def test_what_only_names_something_else_is_ignored(type_: str) -> None:
    assert taken(thin(type_), LIVE) == Ignored(f"{type_} only names a thing, and none that is booked")
