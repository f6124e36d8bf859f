"""Every metric of the operations guide that belongs to what exists, scraped from a worker and a receiver at work."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.xero.sandbox import Fault
from tests.support.system import ROOT, System, order, payment, running

MOVES = {
    "ledgerstream_webhook_requests_total",
    "ledgerstream_webhook_request_duration_seconds",
    "ledgerstream_source_last_event_timestamp_seconds",
    "ledgerstream_events_total",
    "ledgerstream_events_deduplicated_total",
    "ledgerstream_event_processing_duration_seconds",
    "ledgerstream_event_age_seconds",
    "ledgerstream_schema_rejections_total",
    "ledgerstream_xero_requests_total",
    "ledgerstream_xero_request_duration_seconds",
    "ledgerstream_xero_rate_limit_remaining",
    "ledgerstream_xero_rate_limit_limit",
    "ledgerstream_xero_throttled_total",
    "ledgerstream_xero_throttle_wait_seconds_total",
    "ledgerstream_xero_commands_total",
    "ledgerstream_xero_commands_pending",
    "ledgerstream_xero_oldest_pending_command_timestamp_seconds",
    "ledgerstream_xero_response_bytes_total",
    "ledgerstream_xero_egress_month_bytes",
    "ledgerstream_dlq_records_total",
    "ledgerstream_dlq_open_records",
    "ledgerstream_dlq_oldest_open_timestamp_seconds",
    "ledgerstream_dlq_replays_total",
}
Figure = tuple[str, tuple[tuple[str, str], ...]]
STANDS = {
    "ledgerstream_build_info",
    "ledgerstream_config_last_reload_successful",
    "ledgerstream_xero_egress_allowance_bytes",
}
# A worker signs in before it is ready.
AT_START = {"ledgerstream_xero_token_expiry_timestamp_seconds", "ledgerstream_xero_token_refresh_total"}
# A worker shows them; they move only where a source is swept or is expected to speak
# (tests/integration/outbox and desk).
OF_SWEEPS = {
    "ledgerstream_source_poll_last_success_timestamp_seconds",
    "ledgerstream_source_silent_seconds",
    "ledgerstream_source_expected_gap_seconds",
}
PLACED = (("source", "shop-1"), ("event_type", "OrderPlaced"))
# Some of them, to the number: the name and its labels.
FIGURES: Mapping[Figure, float] = {
    ("events_total", (*PLACED, ("disposition", "posted"))): 2,
    ("events_total", (*PLACED, ("disposition", "dead_lettered"))): 2,
    ("events_deduplicated_total", (("source", "shop-1"), ("key_kind", "event"))): 1,
    ("events_deduplicated_total", (("source", "stripe-1"), ("key_kind", "effect"))): 1,
    ("schema_rejections_total", (("event_type", "OrderPlaced"), ("version", "1"))): 1,
    ("xero_commands_total", (("command", "RecordPayment"), ("state", "posted"))): 1,
    ("xero_commands_pending", (("priority", "payment"),)): 1,
    ("xero_throttled_total", (("window", "minute"),)): 1,
    ("xero_rate_limit_limit", (("window", "appminute"),)): 10_000,
    ("dlq_records_total", (("error_class", "data"), ("stage", "translate"))): 2,
    ("dlq_replays_total", (("result", "replayed"),)): 1,
}
Samples = Mapping[Figure, float]


@pytest.fixture
async def system(broker: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[System]:
    shutil.copytree(ROOT / "deploy" / "tenants", tmp_path / "tenants")
    async with running(broker, topic_prefix, tmp_path) as found:
        found.settings["LEDGERSTREAM_TENANTS"] = str(tmp_path / "tenants")
        found.settings["LEDGERSTREAM_RECEIVER_PORT"] = "0"
        yield found


async def address(system: System, before: str) -> str:
    """The address that a process printed when it was ready."""
    pattern = re.compile(re.escape(before) + r"(http://[0-9.:]+)")
    await system.until(lambda: pattern.search(system.log()), f"an address after {before!r}")
    found = pattern.search(system.log())
    assert found is not None
    return found[1]


async def scrape(session: aiohttp.ClientSession, url: str) -> tuple[set[str], Samples]:
    """The names that /metrics shows, as the guide writes them, and every sample."""
    async with session.get(f"{url}/metrics") as answer:
        text = await answer.text()
    names, samples = set(), {}
    for family in text_string_to_metric_families(text):
        names.add(family.name + ("_total" if family.type == "counter" else ""))
        for sample in family.samples:
            samples[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return names, samples


def moved(before: Samples, now: Samples) -> set[str]:
    """The metrics with a sample that is another than before; NaN, which says "none", is no sample."""
    changed = {name for (name, labels), value in now.items() if value == value and value != before.get((name, labels))}
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in changed}


async def post(session: aiohttp.ClientSession, url: str, event: Mapping[str, Any]) -> int:
    headers = {"Authorization": "Bearer secret-of-SHOP_2", "Content-Type": "application/cloudevents+json"}
    async with session.post(f"{url}/v1/events", data=json.dumps(event), headers=headers) as answer:
        return answer.status


async def a_lively_morning(system: System, session: aiohttp.ClientSession, receiver: str) -> None:
    """Something of everything: duplicates, a limit, what is malformed, what is mended, what waits for ever."""
    system.sandbox.order(Fault(answer="429-minute", retry_after_s=1, method="PUT", path="Invoices"))
    assert await post(session, receiver, {**order(1), "source": "shop-2"}) == 202
    assert await post(session, receiver, {**order(2), "source": "shop-2", "data": {"order_id": "2"}}) == 400
    unknown_rate = order(3)
    del unknown_rate["data"]["lines"][0]["tax_rate"]
    unknown_rate["data"]["lines"][0]["tax_code"] = "books"
    told_twice = {**payment(1), "id": "payment-1-told-by-another-event"}
    incomplete = {**order(4), "data": {"order_id": "4"}}
    for_nothing = payment(99)
    await system.send([order(1), order(1), payment(1), told_twice, unknown_rate, incomplete, for_nothing])
    await system.until(lambda: len(system.books()["payments"]) == 1, "the payment")
    file = Path(system.settings["LEDGERSTREAM_TENANTS"]) / "uk.yaml"
    file.write_text(
        file.read_text().replace("  codes:\n", '  codes:\n    books: {type: ZERORATEDOUTPUT, percent: "0"}\n', 1)
    )
    [letter] = json.loads((await system.cli("dlq", "list", "--entity", "shop-1:order:3", "--json")).stdout)
    replayed = await system.cli("dlq", "replay", letter["id"])
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.timeout(300)
async def test_every_metric_of_what_exists_moves_and_no_other_is_shown(system: System) -> None:
    await system.worker()
    worker = await address(system, "The worker is ready; ")
    await system.start("receiver")
    receiver = await address(system, "takes events at ")
    async with aiohttp.ClientSession() as session:
        names, at_work = await scrape(session, worker)
        names_too, at_door = await scrape(session, receiver)
        assert names_too == MOVES | STANDS | AT_START
        assert names == names_too | OF_SWEEPS
        assert {name for (name, _), value in at_work.items() if value > 0} >= AT_START
        await a_lively_morning(system, session, receiver)
        for _ in range(60):
            _, working = await scrape(session, worker)
            _, receiving = await scrape(session, receiver)
            still = MOVES - moved(at_work, working) - moved(at_door, receiving)
            figures = {
                (name, labels): working.get((f"ledgerstream_{name}", tuple(sorted(labels)))) for name, labels in FIGURES
            }
            if not still and figures == FIGURES:
                break
            await asyncio.sleep(0.5)
    assert not still
    assert figures == FIGURES
    waited = working["ledgerstream_xero_throttle_wait_seconds_total", ()]
    assert 0.5 < waited < 30
    left = working["ledgerstream_xero_rate_limit_remaining", (("window", "appminute"),)]
    assert 9_900 < left < 10_000
