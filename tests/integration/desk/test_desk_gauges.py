"""Gauges from a real ledger, and a producer's question to it."""

from datetime import time, timedelta
from math import isnan
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.base import StatusUnavailable
from streams.core.silence import Expectation
from streams.gauges import Gauges
from streams.ledger import open_ledger
from streams.metrics import MetricsRegistry
from streams.status import LedgerStatus
from tests.support.clock import ManualClock
from tests.support.ledger import order_placed, post_all, refused, take_in


async def test_gauges_show_what_the_ledger_holds(tmp_path: Path) -> None:
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock())
    metrics = MetricsRegistry(("shop-1",))
    gauges = Gauges(ledger, metrics, {})
    await gauges.turn()
    await take_in(ledger, order_placed("e1", "1001", 0), refused("e2", 1))
    await gauges.turn()

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    assert value("ledgerstream_xero_commands_pending", priority="invoice") == 2
    assert value("ledgerstream_dlq_open_records", error_class="data") == 1
    now = ManualClock().now().timestamp()
    assert value("ledgerstream_xero_oldest_pending_command_timestamp_seconds") == now
    assert value("ledgerstream_dlq_oldest_open_timestamp_seconds") == now
    assert value("ledgerstream_source_last_event_timestamp_seconds", source="shop-1") == now

    await post_all(ledger)
    letter = (await ledger.dead_letters.list())[0]
    await ledger.discarding.discard(letter.letter.dlq_id, "not needed", "ada")
    await gauges.turn()
    assert value("ledgerstream_xero_commands_pending", priority="invoice") == 0
    assert value("ledgerstream_dlq_open_records", error_class="data") == 0
    oldest = value("ledgerstream_xero_oldest_pending_command_timestamp_seconds")
    assert oldest is not None
    assert isnan(oldest)
    assert value("ledgerstream_xero_rate_limit_remaining", window="minute") == 58
    await ledger.close()


async def test_silence_counts_in_hours_of_business(tmp_path: Path) -> None:
    clock = ManualClock()
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock)
    metrics = MetricsRegistry(("shop-1", "shop-2"))
    hours = Expectation(
        gap=timedelta(hours=4),
        days=frozenset(range(5)),
        opens=time(9),
        closes=time(17),
        zone=ZoneInfo("Europe/London"),
    )
    gauges = Gauges(ledger, metrics, {"shop-1": hours, "shop-2": hours, "shop-3": hours})

    async def silence(source: str) -> float | None:
        await gauges.turn()
        return metrics.registry.get_sample_value("ledgerstream_source_silent_seconds", {"source": source})

    await take_in(ledger, order_placed("e1", "1001", 0))
    await ledger.sweeps.lead("shop-2", "one", 60)
    await ledger.sweeps.ended("shop-2", "one", is_active=None, subscription=None)
    # Tuesday, 9:00 to Wednesday, 10:00: eight hours of a day, and one.
    clock.advance(25 * 3600)
    assert (await silence("shop-1"), await silence("shop-2")) == (9 * 3600, 9 * 3600)
    assert isnan(await silence("shop-3") or 0)
    expected = metrics.registry.get_sample_value("ledgerstream_source_expected_gap_seconds", {"source": "shop-1"})
    assert expected == 4 * 3600
    await ledger.close()


async def test_a_producer_learns_what_became_of_its_event(tmp_path: Path) -> None:
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock())
    await take_in(ledger, order_placed("e1", "1001", 0))
    status = LedgerStatus(ledger)
    found = await status.of_event("shop-1", "e1")
    assert found is not None
    assert found.disposition == "waiting"
    assert await status.of_event("shop-1", "e9") is None
    await ledger.close()
    (tmp_path / "ledger.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(StatusUnavailable, match="damaged"):
        await status.of_event("shop-1", "e1")
