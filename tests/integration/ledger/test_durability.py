"""What a ledger keeps: through killed processes, other releases, backups that were put back."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from streams.core.results import Back
from streams.ledger import Ledger, migrations, open_ledger
from streams.ledger.engine import Store
from streams.ledger.errors import LedgerRefused
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


async def test_the_command_line_writes_beside_a_worker(ledger: Ledger, url: str, clock: ManualClock) -> None:
    ledger.claim()
    desk = await open_ledger(url, clock)

    async def work() -> None:
        for n in range(10):
            await take_in(ledger, of(invoice(f"e{n}", str(n)), n), at=n)

    await asyncio.gather(work(), *(desk.stops.add(tenant=f"t{n}", reason="x", actor="ann") for n in range(10)))
    assert len(await desk.stops.list()) == 10
    assert len(await ready(ledger)) == 10
    await desk.close()


async def test_a_ledger_of_a_newer_release_is_refused(bare_url: str, clock: ManualClock) -> None:
    await (await open_ledger(bare_url, clock)).close()
    store = Store(bare_url)
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    with pytest.raises(LedgerRefused, match=r"newer release .*9999"):
        await open_ledger(bare_url, clock)


def test_every_migration_is_in_a_file_of_its_name() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [script.revision for script in reversed(scripts)] == migrations.revisions()


async def test_migrations_make_exactly_the_tables_that_the_code_knows(bare_url: str) -> None:
    store = Store(bare_url)

    def differences(connection: Connection) -> list[object]:
        migrations.upgrade(connection)
        migrations.upgrade(connection)
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    indexes = (
        "SELECT name, sql FROM sqlite_master WHERE name LIKE 'uq_%_open'"
        if store.sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'uq_%_open'"
    )
    async with store.write() as connection:
        assert await connection.run_sync(differences) == []
        rows = await connection.execute(text(indexes))
        assert {name: "WHERE" in sql for name, sql in rows} == {
            "uq_writes_open": True,
            "uq_dead_letters_open": True,
            "uq_questions_open": True,
        }
    await store.close()


async def test_a_ledger_keeps_its_id(ledger: Ledger, url: str, clock: ManualClock) -> None:
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
    [told] = [one for one in (await ledger.timeline.trace("shop-1:order:1001")).calls if one.number == 41]
    assert (told.purpose, told.opened_at) == ("restored", clock.now()), "nothing was asked before the event came"
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
