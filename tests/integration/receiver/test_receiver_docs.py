"""The blocks of deploy/docs/receiver.md, run in order by a shell against a receiver."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

from schemas.status import EventStatus
from tests.unit.receiver.support import SHOP, MachineClock, Running, running

GUIDE = Path(__file__).parents[3] / "deploy" / "docs" / "receiver.md"
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)


async def run(block: str, receiver: Running, folder: Path) -> list[Any]:
    """The JSON documents that the block's curls print, one a line."""
    environment = {
        "PATH": os.environ["PATH"],
        "RECEIVER": receiver.url,
        "TOKEN": SHOP.tokens[0].reveal(),
        "SECRET": SHOP.secrets[0].reveal(),
    }
    script = "set -euo pipefail\n" + re.sub(r"^curl ", r"curl -w '\\n' ", block, flags=re.MULTILINE)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    return [json.loads(line) for line in printed.splitlines()]


async def test_every_block_does_what_the_guide_says(tmp_path: Path) -> None:
    async with running(clock=MachineClock()) as receiver:
        receiver.status.known["shop-1", "order-1001-placed"] = EventStatus(
            source="shop-1", id="order-1001-placed", disposition="posted"
        )
        answers = [await run(block, receiver, tmp_path) for block in BLOCKS]
    sent, checked, signed, signed_check, binary, batch, status, schemas = answers
    assert sent[0]["topic"] == "ledgerstream.events.orders"
    assert checked[0]["entity"] == "shop-1:order:1001"
    assert signed[0]["id"] == "order-1001-placed"
    assert signed_check[0]["entity"] == "shop-1:order:1001"
    assert binary[0]["id"] == "order-1001-cancelled"
    assert [result["status"] for result in batch[0]] == [202, 400]
    assert status[0]["disposition"] == "posted"
    assert schemas[0]["types"]
    assert schemas[1]["$defs"]["OrderPlaced"]
    assert [record[3]["ce_id"] for record in receiver.publisher.records] == [
        b"order-1001-placed",
        b"order-1001-placed",
        b"order-1001-cancelled",
        b"order-1001-placed",
    ]
