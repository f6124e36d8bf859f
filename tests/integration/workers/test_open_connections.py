"""What G1 and G2 depend on, read from the connections of a worker that runs, not from the code that asked for it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from streams import bootstrap, settings
from streams.ledger.engine import Store
from streams.sender.gate import open_gate
from tests.support.postgres import PostgresServer
from tests.support.system import SECRETS as SOURCES
from tests.support.system import running

SHOWN: dict[str, dict[str, object]] = {
    "sqlite": {"PRAGMA synchronous": 2, "PRAGMA journal_mode": "wal", "PRAGMA foreign_keys": 1},
    "postgresql": {"SHOW synchronous_commit": "on", "SHOW fsync": "on", "SHOW full_page_writes": "on"},
}


SECRETS = [f"LEDGERSTREAM_SECRET_{name}" for name in SOURCES]


class Worker:
    """A worker in this process, as bootstrap builds it; what it holds open is looked up where it keeps it."""

    def __init__(self, running_: Any) -> None:
        self.store: Store = running_.send.__self__._parts.ledger._store
        self.producer = running_.publish.__self__._producer._producer
        self.faust = running_.app._app


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def worker(url: str, broker: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Worker]:
    async with running(broker, topic_prefix, tmp_path) as system, AsyncExitStack() as stack:
        chosen = settings.load({**system.settings, "LEDGERSTREAM_LEDGER_URL": url})
        with pytest.MonkeyPatch.context() as patch:
            # Tenant files name variables of the environment.
            for name in ("LEDGERSTREAM_TENANT_UK", "LEDGERSTREAM_TENANT_IE", *SECRETS):
                patch.setenv(name, system.settings[name])
            built = await bootstrap._build(stack, chosen, open_gate, None, restored=False)
        await built.running.app.start()
        await built.running.app.wait_ready()
        yield Worker(built.running)
        assert await built.running.app.stop()


async def test_nothing_that_was_acknowledged_can_be_lost(worker: Worker) -> None:
    shown = SHOWN["sqlite" if worker.store.sqlite else "postgresql"]
    for transaction in (worker.store.write, worker.store.read):
        async with transaction() as connection:
            assert {one: (await connection.execute(text(one))).scalar() for one in shown} == shown
    assert worker.producer._sender._acks == -1  # all replicas that are in sync
    assert worker.producer._txn_manager is not None  # idempotent: a retry of the client is no second record
    consumer = worker.faust.consumer._thread._consumer
    assert consumer._auto_offset_reset == "earliest"
    assert consumer._enable_auto_commit is False
    assert consumer._isolation_level == "read_uncommitted"
