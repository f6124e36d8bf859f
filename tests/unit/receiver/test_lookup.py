"""What may be asked of the receiver."""

from typing import Any

import jsonschema
import msgspec
import pytest

from schemas.events import EVENT_TYPES
from schemas.status import CommandStatus, DocumentStatus, EventStatus, Problem
from tests.unit.receiver.support import BEARER, ORDER_TYPE, Running, order, signature

POSTED = EventStatus(
    source="shop-1",
    id="evt/1 é",
    disposition="posted",
    commands=(
        CommandStatus(
            command_id="shop-1:evt/1 é#invoice",
            kind="UpsertInvoice",
            state="posted",
            tenant="uk",
            document=DocumentStatus(id="b1", number="S1-1001"),
        ),
        CommandStatus(
            command_id="shop-1:evt/1 é#contact",
            kind="UpsertContact",
            state="rejected",
            error=Problem(message="no such account", field="data.lines[0]", value="42a", remedy="mend the tenant file"),
        ),
    ),
)
PATH = "/v1/events/shop-1/evt/1%20%C3%A9"


@pytest.mark.parametrize("headers", [BEARER, signature(method="GET", target=PATH)])
async def test_a_producer_learns_what_became_of_its_event(receiver: Running, headers: dict[str, str]) -> None:
    receiver.status.known[("shop-1", "evt/1 é")] = POSTED
    reply = await receiver.call("GET", PATH, headers=headers)
    assert reply.status == 200
    assert msgspec.json.decode(reply.body, type=EventStatus) == POSTED
    assert receiver.last == ("shop-1", "answered")


async def test_an_event_that_is_not_known_yet_is_a_404_with_a_sentence(receiver: Running) -> None:
    reply = await receiver.call("GET", PATH, headers=BEARER)
    assert reply.status == 404
    assert "accepted events appear within seconds" in reply.json["remedy"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PATH, {}),
        (PATH, {"Authorization": "Bearer crm-1-token"}),
        (PATH, signature(method="GET", target="/v1/events/shop-1/evt_2")),
        (PATH, signature()),
        ("/v1/events/crm-1/evt_1", BEARER),
        ("/v1/events/nobody/evt_1", BEARER),
    ],
)
async def test_nobody_else_learns_it(receiver: Running, path: str, headers: dict[str, str]) -> None:
    receiver.status.known[("shop-1", "evt/1 é")] = POSTED
    reply = await receiver.call("GET", path, headers=headers)
    assert reply.status == 401
    assert reply.body == (await receiver.call("GET", PATH)).body


async def test_stripes_events_can_be_asked_for_with_its_token(receiver: Running) -> None:
    headers = {"Authorization": "Bearer stripe-1-token"}
    assert (await receiver.call("GET", "/v1/events/stripe-1/evt_1", headers=headers)).status == 404


async def test_a_ledger_that_cannot_be_asked_is_a_503(receiver: Running) -> None:
    receiver.status.away = True
    reply = await receiver.call("GET", PATH, headers=BEARER)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


async def test_the_schemas_say_what_may_be_sent(receiver: Running) -> None:
    types = (await receiver.call("GET", "/v1/schemas")).json["types"]
    assert [entry["type"] for entry in types] == list(EVENT_TYPES)
    for entry in types:
        reply = await receiver.call("GET", entry["schema"])
        assert reply.headers["Content-Type"].startswith("application/schema+json")
        jsonschema.Draft202012Validator.check_schema(reply.json)


@pytest.mark.parametrize(("data", "fits"), [(order(), True), (order(total=12.0), False)])
async def test_a_schema_agrees_with_the_receiver(receiver: Running, data: dict[str, Any], fits: bool) -> None:
    schema = (await receiver.call("GET", f"/v1/schemas/{ORDER_TYPE}")).json
    assert jsonschema.Draft202012Validator(schema).is_valid(data) is fits


async def test_a_schema_that_is_not_there_is_a_404(receiver: Running) -> None:
    reply = await receiver.call("GET", "/v1/schemas/com.ledgerstream.OrderPlaced.v2")
    assert reply.status == 404
    assert "up to version 1" in reply.json["detail"]


async def test_health_and_readiness(receiver: Running) -> None:
    assert (await receiver.call("GET", "/healthz")).status == 200
    ready = await receiver.call("GET", "/readyz")
    assert (ready.status, ready.json) == (200, {"status": "ready", "sources": 4})
    receiver.missing.append("Kafka is away: start it")
    reply = await receiver.call("GET", "/readyz")
    assert (reply.status, reply.json["detail"]) == (503, "Kafka is away: start it")
    assert (await receiver.call("GET", "/healthz")).status == 200
    assert receiver.metrics.requests == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/v1/events", 405)])
async def test_what_is_not_there_is_told_in_the_same_form(
    receiver: Running, method: str, path: str, status: int
) -> None:
    reply = await receiver.call(method, path)
    assert (reply.status, reply.json["status"]) == (status, status)
    assert "POST /v1/events" in reply.json["remedy"]
    assert (reply.headers.get("Allow") == "POST") is (status == 405)
