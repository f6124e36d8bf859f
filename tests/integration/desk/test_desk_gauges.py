"""Gauges from a real ledger, and a producer's question to it."""

from datetime import time, timedelta
from math import isnan
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from connectors.base import StatusUnavailable
from schemas.commands import CommandRecord
from schemas.envelope import VIA_SWEEP
from streams.core.silence import Expectation
from streams.gauges import Gauges
from streams.ledger import open_ledger
from streams.ledger.listening import Organisation
from streams.metrics import MetricsRegistry
from streams.status import LedgerStatus
from tests.support.clock import ManualClock
from tests.support.ledger import fence, order_placed, post_all, refused, take_in


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


async def test_the_share_that_only_the_sweep_found_is_a_gauge_and_warned_of_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ManualClock()
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock)
    metrics = MetricsRegistry(("shop-1", "shop-2"))
    metrics.hearing.watch_polled(("shop-1", "shop-2"))
    metrics.hearing.watch_swept(("shop-1", "shop-2"))
    gauges = Gauges(ledger, metrics, {})

    async def shown(source: str) -> tuple[float | None, float | None]:
        await gauges.turn()
        names = ("ledgerstream_source_sweep_share", "ledgerstream_source_webhooks_failing")
        share, failing = (metrics.registry.get_sample_value(name, {"source": source}) for name in names)
        return share, failing

    def warnings() -> int:
        return capsys.readouterr().out.count("found by the sweep")

    await take_in(ledger, order_placed("e1", "1001", 0), order_placed("e2", "1002", 1))
    assert await shown("shop-1") == (0.0, 0.0)
    # What was before we heard the source, what it did not tell anew, and what told nothing, is nobody's fault.
    before = order_placed("e3", "1003", 2)
    assert before.event_time is not None
    old = msgspec.structs.replace(before, event_time=before.event_time - timedelta(days=2))
    again = msgspec.structs.replace(order_placed("e1", "1001", 3), headers=(VIA_SWEEP,))
    await take_in(ledger, swept(old), again, at=2)
    assert await shown("shop-1") == (0.0, 0.0)
    await take_in(ledger, swept(order_placed("e5", "1005", 4)), swept(order_placed("e6", "1006", 5)), at=4)
    assert await shown("shop-1") == (0.5, 0.0)
    assert warnings() == 0
    await take_in(ledger, swept(order_placed("e7", "1007", 6)), at=6)
    assert await shown("shop-1") == (0.6, 1.0)
    assert await shown("shop-1") == (0.6, 1.0)
    assert warnings() == 1
    share, failing = await shown("shop-2")
    assert (isnan(share or 0), failing) == (True, 0.0)
    # A day later it is over.
    clock.advance(86_401)
    assert (await shown("shop-1"))[1] == 0.0
    await ledger.close()


def swept(record: CommandRecord) -> CommandRecord:
    """The record as a sweep brings it."""
    return msgspec.structs.replace(record, headers=(*record.headers, VIA_SWEEP))


async def test_what_is_read_of_xero_each_hour_is_a_sign_of_life(tmp_path: Path) -> None:
    clock = ManualClock()
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock)
    always = Expectation(
        gap=timedelta(hours=4),
        days=frozenset(range(7)),
        opens=time(0),
        closes=time(0),
        zone=ZoneInfo("Europe/London"),
    )
    uk = Organisation(
        tenant="uk", xero_tenant_id="x-1", source="xero-1", every=timedelta(hours=1), zone=ZoneInfo("Europe/London")
    )
    token = await fence(ledger)
    await ledger.listening.begin(uk)

    async def silence() -> timedelta | None:
        return (await ledger.figures.silences({"xero-1": always}, ["xero-1"]))["xero-1"]

    assert (await silence(), await ledger.figures.last_surveyed()) == (None, None)
    while (survey := (await ledger.listening.look(uk)).survey) is not None:
        # Not before the last of them was read.
        assert await silence() is None
        await ledger.listening.surveyed(uk, survey, [], clock.now(), token)
        if survey.name == "Payments":
            break
    assert await ledger.figures.last_surveyed() == clock.now()
    clock.advance(7200)
    assert await silence() == timedelta(hours=2)
    # It is the sign of no other source.
    assert (await ledger.figures.silences({"shop-1": always}))["shop-1"] is None
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
