"""What happens to a SQLite ledger's file: a second worker, a full disk, damage, another process's lock."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from streams.ledger import Ledger, open_ledger
from streams.ledger.engine import Store
from streams.ledger.errors import LedgerRefused, LedgerUnavailable
from tests.support.clock import ManualClock
from tests.support.ledger import invoice, of, order_placed, take_in


@pytest.fixture
def url(file_url: str, empty_file: Path) -> str:
    shutil.copy(empty_file, file_url.removeprefix("sqlite:///"))
    return file_url


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
