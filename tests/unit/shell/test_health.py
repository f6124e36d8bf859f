"""The worker's own address, asked over real HTTP, and the names of its metrics."""

import re
from math import isnan
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from streams import health
from streams.metrics import MetricsRegistry
from streams.reload import Reloading
from tests.support.clock import ManualClock
from tests.unit.tenant_file.folder import ENVIRON, FILES


async def test_ready_says_why_not() -> None:
    why: list[str] = ["the ledger is away"]
    app = web.Application()
    health.add_routes(app, MetricsRegistry(("shop-1",)), lambda: why[0] if why else None)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/healthz")).status == 200
        refused = await client.get("/readyz")
        assert (refused.status, await refused.text()) == (503, "the ledger is away\n")
        why.clear()
        assert (await client.get("/readyz")).status == 200
        shown = await (await client.get("/metrics")).text()
    assert 'ledgerstream_webhook_requests_total{result="bad_signature",source="shop-1"} 0.0' in shown


async def test_broken_tenant_files_are_told_while_the_good_ones_stay_in_force(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    configuration, metrics = Reloading(tmp_path, ENVIRON), MetricsRegistry(("shop-1",))
    metrics.watch_configuration(lambda: configuration.broken is None)
    app = web.Application()
    health.add_routes(app, metrics, lambda: None, lambda: configuration.broken)
    async with TestClient(TestServer(app)) as client:
        for text, value, words in (("version: 2", 0.0, "uk.yaml"), (FILES["uk.yaml"], 1.0, "ready\n")):
            (tmp_path / "uk.yaml").write_text(text)
            configuration.look()
            ready = await client.get("/readyz")
            assert (ready.status, words in await ready.text()) == (200, True)
            shown = await (await client.get("/metrics")).text()
            assert f"ledgerstream_config_last_reload_successful {value}" in shown
    assert "shop-1" in configuration().sources


async def test_names_follow_the_conventions_and_label_sets_start_at_zero() -> None:
    metrics = MetricsRegistry(("shop-1",))
    families = list(metrics.registry.collect())
    assert families
    for family in families:
        assert re.fullmatch(r"ledgerstream_[a-z_]+", family.name)
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        assert family.documentation.endswith(".")
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    assert labels.isdisjoint({"tenant", "order", "contact", "email", "event_key", "command_id", "number"})


def test_a_source_nobody_configured_does_not_grow_the_labels() -> None:
    metrics = MetricsRegistry(("shop-1",))
    assert metrics.source_label("shop-1") == "shop-1"
    assert metrics.source_label("attacker-4711") == "unknown"


def test_what_xero_left_of_the_apps_minute_is_true_for_a_minute() -> None:
    clock = ManualClock()
    metrics = MetricsRegistry(elapsed=clock.elapsed)

    def left() -> float | None:
        return metrics.registry.get_sample_value("ledgerstream_xero_rate_limit_remaining", {"window": "appminute"})

    assert left() == 10_000
    metrics.app_minute_left(420)
    clock.advance(59)
    assert left() == 420
    clock.advance(1)
    assert left() == 10_000


def test_a_moment_that_never_was_fires_no_alert_of_age() -> None:
    metrics = MetricsRegistry()
    for name in ("xero_oldest_pending_command", "dlq_oldest_open"):
        value = metrics.registry.get_sample_value(f"ledgerstream_{name}_timestamp_seconds")
        assert value is not None
        assert isnan(value)
