"""What happens to the file: killed processes, full disks, second workers, other releases, backups."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from streams.core.results import Back
from streams.ledger import Ledger, migrations, open_ledger
from streams.ledger.engine import Store
from streams.ledger.errors import LedgerRefused, LedgerUnavailable
from streams.ledger.tables import metadata
from tests.support.clock import ManualClock
from tests.support.ledger import (
    invoice,
    of,
    opened,
    order_placed,
    payment,
    post_all,
    posted,
    ready,
    settled,
    states,
    take_in,
)

ROOT = Path(__file__).parents[3]


async def test_killed_in_the_middle_of_a_transaction_nothing_of_it_is_there(url: str, clock: ManualClock) -> None:
    script = Path(__file__).with_name("killed_intake.py")
    worker = await asyncio.create_subprocess_exec(
        sys.executable, str(script), url, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert worker.stdout is not None
    line = await asyncio.wait_for(worker.stdout.readline(), 30)
    assert line.strip() == b"IN TRANSACTION"
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    ledger = await open_ledger(url, clock)
    try:
        assert await ledger.intake.offsets([0]) == {0: 10}
        report = await ledger.audits.audit()
        assert (report.problems, report.topics[0].records) == ((), 10)
        await ledger.intake.take_in([order_placed(f"k{n}", f"9{n}", 10 + n) for n in range(10)], (0, 20))
        assert (await ledger.audits.audit()).topics[0].records == 20
    finally:
        await ledger.close()


async def test_a_second_worker_is_refused_with_who_holds_the_ledger(
    ledger: Ledger, url: str, clock: ManualClock
) -> None:
    ledger.claim()
    other = await open_ledger(url, clock)
    with pytest.raises(LedgerRefused, match=f"process {os.getpid()} on .*LEDGERSTREAM_LEDGER_URL"):
        other.claim()
    await ledger.close()
    other.claim()
    await other.close()


async def test_the_command_line_writes_beside_a_worker(ledger: Ledger, url: str, clock: ManualClock) -> None:
    ledger.claim()
    desk = await open_ledger(url, clock)
    await asyncio.gather(
        *(take_in(ledger, of(invoice(f"e{n}", str(n)), n), at=n) for n in range(10)),
        *(desk.stops.add(tenant=f"t{n}", reason="x", actor="ann") for n in range(10)),
    )
    assert len(await desk.stops.list()) == 10
    assert len(await ready(ledger)) == 10
    await desk.close()


async def test_a_full_disk_is_a_sentence_and_nothing_is_lost(ledger: Ledger) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    held = ledger._store._held
    assert held is not None
    pages = (await held.exec_driver_sql("PRAGMA page_count")).scalar()
    await held.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    await held.commit()
    many = [order_placed(f"f{n}", f"8{n}", 1 + n) for n in range(300)]
    with pytest.raises(LedgerUnavailable, match="The disk is full: free some space"):
        await ledger.intake.take_in(many, (0, 301))
    assert await ledger.intake.offsets([0]) == {0: 1}
    await held.exec_driver_sql("PRAGMA max_page_count = 1000000")
    await held.commit()
    await ledger.intake.take_in(many, (0, 301))
    assert (await ledger.audits.audit()).topics[0].records == 301


async def test_a_damaged_file_and_a_folder_that_cannot_be_made(tmp_path: Path, clock: ManualClock) -> None:
    damaged = tmp_path / "ledger.db"
    damaged.write_bytes(b"this is no database at all" * 1000)
    with pytest.raises(LedgerUnavailable, match="damaged: put back the last backup"):
        await open_ledger(f"sqlite:///{damaged}", clock)
    with pytest.raises(LedgerUnavailable, match="LEDGERSTREAM_LEDGER_URL to another place"):
        await open_ledger(f"sqlite:///{damaged / 'below' / 'ledger.db'}", clock)
    with pytest.raises(ValueError, match="expected sqlite:///FILE or postgresql"):
        await open_ledger("mysql://localhost/x", clock)


async def test_a_ledger_that_another_process_locks(ledger: Ledger, url: str) -> None:
    store = Store(url, busy_timeout_s=0.1)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        async with store.read() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM ledger"))).scalar() == 1
        with pytest.raises(LedgerUnavailable, match="Another process holds it"):
            async with store.write():
                pass
    finally:
        other.execute("ROLLBACK")
        other.close()
        await store.close()


async def test_a_ledger_of_a_newer_release_is_refused(ledger: Ledger, url: str, clock: ManualClock) -> None:
    await ledger.close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.close()
    with pytest.raises(LedgerRefused, match=r"newer release .*9999"):
        await open_ledger(url, clock)


async def test_migrations_make_exactly_the_tables_that_the_code_knows(url: str) -> None:
    store = Store(url)

    def differences(connection: Connection) -> list[object]:
        migrations.upgrade(connection)
        migrations.upgrade(connection)
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with store.write() as connection:
        assert await connection.run_sync(differences) == []
        rows = await connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name LIKE 'uq_%_open'"))
        assert {name: "WHERE" in sql for name, sql in rows} == {
            "uq_writes_open": True,
            "uq_dead_letters_open": True,
            "uq_questions_open": True,
        }
    await store.close()


async def test_the_file_keeps_what_was_committed(ledger: Ledger, url: str, clock: ManualClock) -> None:
    async with ledger._store.read() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == 2
        assert (await connection.execute(text("PRAGMA foreign_keys"))).scalar() == 1
    known = await ledger.identity.read()
    await ledger.close()
    again = await open_ledger(url, clock)
    assert await again.identity.read() == known
    assert not known.has_taken_in
    await again.close()


async def test_after_a_backup_was_put_back_everything_is_looked_for_before_it_is_sent(
    ledger: Ledger, clock: ManualClock
) -> None:
    await take_in(ledger, of(invoice("e1"), 0), of(payment("e2"), 1), of(invoice("e0", "7"), 2))
    await settled(ledger, await opened(ledger, "shop-1:e0#invoice"), posted("shop-1:e0#invoice", "Invoices"))
    assert await ledger.identity.restored(highest_call=40) == 2
    assert await ready(ledger) == []
    [call] = await ledger.recovery.open_calls("uk")
    assert [one.write.command_id for one in call.writes] == ["shop-1:e1#invoice"]
    assert (call.call, call.writes[0].write.number) == (41, "S1-1001")
    assert (clock.now() - call.sends[0][0]).total_seconds() >= 86_400
    # Found: what builds on it is looked for in its turn. Not found: it is sent as if it were new.
    await ledger.results.settle(call.call, [posted("shop-1:e1#invoice", "Invoices")], await token(ledger))
    [following] = await ledger.recovery.open_calls("uk")
    assert [one.write.command_id for one in following.writes] == ["shop-1:e2#payment"]
    missing = Back(command_id="shop-1:e2#payment", cause="transient", reason="not found")
    await ledger.results.settle(following.call, [missing], await token(ledger))
    assert await ready(ledger) == ["shop-1:e2#payment"]
    assert await post_all(ledger) == 1
    # Events that come again from Kafka were there before the backup was put back, and may be booked as well.
    await take_in(ledger, of(invoice("e9", "9"), 9), at=9)
    assert (await states(ledger, "shop-1:order:9")) == {"shop-1:e9#invoice": "sent"}
    assert (await ledger.audits.audit()).problems == ()


async def token(ledger: Ledger) -> int:
    lease = await ledger.leases.acquire("uk", "w1", 60)
    assert lease is not None
    return lease.fence
