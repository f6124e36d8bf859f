"""The blocks of deploy/docs/cloudevents.md, run in order, and what they put into Kafka read as translate reads it."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

from schemas.envelope import from_kafka
from schemas.events import decode_event
from tests.integration.receiver.test_receiver_on_kafka import receiver
from tests.support.kafka import read_all
from tests.unit.receiver.support import SHOP

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "deploy" / "docs" / "cloudevents.md").read_text()
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


async def run(kind: str, block: str, environment: dict[str, str]) -> str:
    start = [sys.executable, "-c", block] if kind == "python" else ["bash", "-c", f"set -euo pipefail\n{block}"]
    process = await asyncio.create_subprocess_exec(
        *start, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, wrong = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, (block, wrong.decode())
    return printed.decode()


async def test_every_way_puts_its_event_into_its_topic(broker: str, topic_prefix: str) -> None:
    async with receiver(broker, topic_prefix) as client:
        environment = {
            "PATH": os.environ["PATH"],
            "RECEIVER": client.url,
            "TOKEN": SHOP.tokens[0].reveal(),
            "KAFKA": broker,
            "PREFIX": topic_prefix,
        }
        printed = [await run(kind, block, environment) for kind, block in BLOCKS]
    assert printed[0].startswith("202 ")
    told = {}
    for topic in ("events.orders", "events.payments"):
        for record in await read_all(broker, topic_prefix + topic):
            event = from_kafka(record.headers, record.value)
            decode_event(event)
            told[event.id] = (topic, event.type.split(".")[2], event.subject, event.sequence)
    assert told == {
        "order-1001-placed": ("events.orders", "OrderPlaced", "order:1001", "1"),
        "payment-1001": ("events.payments", "PaymentReceived", "payment:p-1001", None),
        "order-1002-placed": ("events.orders", "OrderPlaced", "order:1002", "1"),
        "order-1002-cancelled": ("events.orders", "OrderCancelled", "order:1002", "2"),
        "order-1001-updated": ("events.orders", "OrderUpdated", "order:1001", "2"),
        "payment-1001-undone": ("events.payments", "PaymentFailed", "payment:p-1001", None),
    }


def test_what_the_page_names_is_in_the_asyncapi_document() -> None:
    document = json.loads((ROOT / "schemas" / "generated" / "asyncapi.json").read_text())
    named = set(re.findall(r"com\.ledgerstream\.[A-Za-z]+\.v1", GUIDE))
    assert named
    assert all(name in json.dumps(document) for name in named)
    assert document["asyncapi"].startswith("3.")
