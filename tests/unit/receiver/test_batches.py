"""Batches: one result each, in order."""

import json
from typing import Any

import pytest

from schemas.envelope import BATCH
from tests.unit.receiver.support import BEARER, Reply, Running, event, order, signature


async def send(receiver: Running, documents: Any, query: str = "", headers: dict[str, str] = BEARER) -> Reply:
    return await receiver.send(json.dumps(documents).encode(), {"Content-Type": BATCH, **headers}, query)


def numbered(number: int, **attributes: Any) -> dict[str, Any]:
    return event(f"evt_{number}", data=order(str(number)), **attributes)


MIXED = [
    numbered(1),
    {**numbered(2), "data": {}},
    numbered(3, source="crm-1"),
    numbered(4, type="com.example.unknown"),
    "nonsense",
    {"id": 7},
    numbered(8),
]


async def test_the_good_ones_are_published_and_each_has_its_result(receiver: Running) -> None:
    reply = await send(receiver, MIXED)
    assert reply.status == 207
    results = reply.json
    assert [result["index"] for result in results] == list(range(7))
    assert [result["status"] for result in results] == [202, 400, 401, 400, 400, 400, 202]
    assert [result.get("id") for result in results] == ["evt_1", "evt_2", "evt_3", "evt_4", None, "7", "evt_8"]
    assert results[0]["event"]["topic"] == "ledgerstream.events.orders"
    assert results[1]["problem"]["field"] == "data.number"
    assert [record[1] for record in receiver.publisher.records] == [b"order:1", b"order:8"]
    assert receiver.last == ("shop-1", "partly_accepted")


async def test_a_whole_batch_is_accepted_in_order(receiver: Running) -> None:
    reply = await send(receiver, [numbered(number) for number in range(50)])
    assert {result["status"] for result in reply.json} == {202}
    assert [result["event"]["offset"] for result in reply.json] == list(range(50))
    assert [record[3]["ce_id"] for record in receiver.publisher.records] == [f"evt_{n}".encode() for n in range(50)]
    assert receiver.last == ("shop-1", "accepted")


async def test_a_signature_covers_the_batch(receiver: Running) -> None:
    body = json.dumps([numbered(1)]).encode()
    assert (await receiver.send(body, {"Content-Type": BATCH, **signature(body)})).status == 207
    assert (await receiver.send(body + b" ", {"Content-Type": BATCH, **signature(body)})).status == 401


async def test_validate_checks_each(receiver: Running) -> None:
    reply = await send(receiver, MIXED[:2], "?validate=true")
    assert [result["status"] for result in reply.json] == [200, 400]
    assert (await send(receiver, MIXED[:1], "?validate=true")).status == 207
    assert receiver.last == ("shop-1", "validated")
    assert receiver.publisher.records == []


async def test_a_batch_of_bad_ones_publishes_nothing(receiver: Running) -> None:
    reply = await send(receiver, MIXED[1:2])
    assert (reply.status, reply.json[0]["status"]) == (207, 400)
    assert receiver.last == ("shop-1", "unparseable")


@pytest.mark.parametrize("documents", [[], {}, "text", [{}] * 501])
async def test_a_body_that_is_no_batch_is_a_400(receiver: Running, documents: Any) -> None:
    reply = await send(receiver, documents)
    assert reply.status == 400
    assert "1 to 500" in reply.json["expected"]


async def test_garbage_is_a_400(receiver: Running) -> None:
    assert (await receiver.send(b"[", {"Content-Type": BATCH, **BEARER})).status == 400


async def test_nothing_accepted_is_never_a_2xx_while_kafka_is_away(receiver: Running) -> None:
    receiver.publisher.away = True
    for documents in (MIXED[:1], MIXED):
        reply = await send(receiver, documents)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert receiver.last == ("shop-1", "unavailable")


async def test_what_kafka_took_and_what_it_did_not_is_told_apart(receiver: Running) -> None:
    receiver.publisher.refused_keys = {b"order:2"}
    reply = await send(receiver, [numbered(1), numbered(2), numbered(3)])
    assert (reply.status, [result["status"] for result in reply.json]) == (207, [202, 503, 202])
    assert receiver.last == ("shop-1", "partly_accepted")
