"""PostgreSQL as it is in real life: connections break, servers restart, workers start together on nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from streams.ledger import Ledger, locks, open_ledger
from streams.ledger import postgres as postgres_engines
from streams.ledger.engine import Store
from streams.ledger.errors import LedgerUnavailable
from streams.ledger.tables import effects, leases
from tests.support.clock import ManualClock
from tests.support.cutting import Cut, Line, line_to
from tests.support.kafka import until
from tests.support.ledger import fence, invoice, of, opened, order_placed, posted, ready, take_in
from tests.support.postgres import PostgresServer, query


@pytest.fixture
def url(emptied: Callable[[], str]) -> str:
    return emptied()


@pytest.fixture
async def line(postgres: PostgresServer) -> AsyncIterator[Line]:
    async with line_to(postgres.port) as found:
        yield found


@pytest.fixture
async def far(url: str, line: Line, clock: ManualClock) -> AsyncIterator[Ledger]:
    """The ledger at the other end of a line that breaks."""
    address = make_url(url).set(port=line.port).render_as_string(hide_password=False)
    opened_ = await open_ledger(address, clock)
    yield opened_
    await opened_.close()


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_commit_without_an_answer_is_read_back_and_never_guessed(
    far: Ledger, line: Line, ledger: Ledger, cut: Cut
) -> None:
    for number in range(3):
        line.cut = cut
        report = await far.intake.take_in([order_placed(f"e{number}", str(number), number)], (0, number + 1))
        # Begun anew after it had been committed, it would say that the run was taken in before.
        assert (report.skipped, report.counts.events) == (False, 1)
    assert line.cuts == 3
    assert (await ledger.audits.audit()).topics[0].events == 3


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_call_whose_commit_had_no_answer_is_opened_once(
    far: Ledger, line: Line, ledger: Ledger, cut: Cut
) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    await fence(far)
    line.cut = cut
    ticket = await opened(far)
    line.cut = cut
    await far.results.settle(ticket.root, [posted("shop-1:e1#invoice", "Invoices")], ticket.fence)
    assert (line.cuts, (await ledger.identity.read()).highest_call) == (2, 1)
    assert await ledger.recovery.open_calls("uk") == ()


async def test_a_server_that_restarts_in_the_middle_of_a_commit(
    far: Ledger, line: Line, ledger: Ledger, postgres: PostgresServer
) -> None:
    line.cut = "after"
    taking = asyncio.ensure_future(far.intake.take_in([order_placed("e1", "1", 0)], (0, 1)))
    await until(lambda: line.cuts == 1, "the commit")
    await asyncio.to_thread(postgres.restart, crash=True)
    report = await taking
    assert (report.skipped, report.counts.events) == (False, 1)
    assert (await ledger.audits.audit()).topics[0].events == 1


@pytest.mark.parametrize("crash", [False, True])
async def test_a_restart_of_the_server_is_waited_for(ledger: Ledger, postgres: PostgresServer, crash: bool) -> None:
    await take_in(ledger, order_placed("e1", "1001", 0))
    restarting = asyncio.ensure_future(asyncio.to_thread(postgres.restart, crash=crash, away_s=0.5))
    await asyncio.sleep(0.2)
    await asyncio.gather(
        take_in(ledger, order_placed("e2", "1002", 1), at=1), ready(ledger), ledger.leases.acquire("uk", "w1", 60)
    )
    await restarting
    assert (await ledger.audits.audit()).topics[0].events == 2


async def test_a_session_that_the_server_ends_is_replaced(ledger: Ledger, url: str) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    for number in range(3):
        await query(url, others + "AND pid <> pg_backend_pid()")
        await take_in(ledger, order_placed(f"e{number}", str(number), number), at=number)
        await query(url, others + "AND pid <> pg_backend_pid()")
        assert len(await ready(ledger)) == 1
    assert (await ledger.audits.audit()).topics[0].events == 3


async def test_the_loser_of_a_deadlock_begins_anew(ledger: Ledger, url: str) -> None:
    await take_in(ledger, of(invoice("e1"), 0))
    ticket = await opened(ledger)
    other = Store(url)
    async with other.write() as connection:
        await connection.execute(effects.select().with_for_update())
        settling = asyncio.ensure_future(
            ledger.results.settle(ticket.root, [posted("shop-1:e1#invoice", "Invoices")], ticket.fence)
        )
        await asyncio.sleep(0.3)
        # Ours waits for the effect, and holds the lease that we ask for now.
        await connection.execute(leases.select().with_for_update())
    assert (await settling).closed
    await other.close()


async def test_a_lock_that_is_held_for_longer_than_one_wait_ends_no_worker(
    ledger: Ledger, url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stands still loses its transactions one after another; the others used to end meanwhile."""
    monkeypatch.setitem(postgres_engines._SETTINGS, "lock_timeout", "200ms")
    ours, other = await open_ledger(url, clock), Store(url)
    async with other.write() as connection:
        await locks.take_turn(connection)
        taking = asyncio.ensure_future(take_in(ours, of(invoice("e1"), 0)))
        await asyncio.sleep(0.7)
        assert not taking.done()
    await taking
    assert await ready(ledger) == ["shop-1:e1#invoice"]
    await ours.close()
    await other.close()


async def test_who_stands_still_between_preparing_and_running_a_statement_loses_its_locks(
    ledger: Ledger, url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the server such a session is at work, so no timeout ends it; a frozen worker kept all the others out."""
    monkeypatch.setitem(postgres_engines._SETTINGS, "lock_timeout", "200ms")
    monkeypatch.setattr(postgres_engines, "_STANDSTILL_S", 0.5)
    frozen = await asyncpg.connect(url, server_settings={"application_name": "ledgerstream"})
    await frozen.execute("BEGIN")
    await frozen.execute(f"SELECT pg_advisory_xact_lock({locks._TURN})")
    await frozen.prepare("SELECT 1")
    ours = await open_ledger(url, clock)
    with capture_logs() as logs:
        await take_in(ours, of(invoice("e1"), 0))
    assert [one["reason"] for one in logs if one["event"] == "sessions ended"] == [
        f"a process of ours stood still and held locks: PostgreSQL's {frozen.get_server_pid()}"
    ]
    assert await ready(ledger) == ["shop-1:e1#invoice"]
    await until(frozen.is_closed, "the frozen session ended")
    frozen.terminate()
    await ours.close()


async def test_workers_that_start_together_on_an_empty_database(postgres: PostgresServer, clock: ManualClock) -> None:
    url = await asyncio.to_thread(postgres.new_database)
    found = await asyncio.gather(*(open_ledger(url, clock) for _ in range(4)))
    assert len({(await one.identity.read()).ledger_id for one in found}) == 1
    for one in found:
        await one.close()


SETTINGS = (
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "transaction_isolation",
    "transaction_read_only",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
)


async def test_every_open_connection_insists_on_what_once_depends_on(ledger: Ledger, url: str) -> None:
    await query(url, "ALTER ROLE ledgerstream SET synchronous_commit = off")
    try:
        for transaction in (ledger._store.write, ledger._store.read):
            async with transaction() as connection:
                shown = {name: (await connection.execute(text(f"SHOW {name}"))).scalar() for name in SETTINGS}
            reads = shown.pop("transaction_read_only") == "on"
            assert shown == {
                "synchronous_commit": "on",
                "fsync": "on",
                "full_page_writes": "on",
                "transaction_isolation": "repeatable read" if reads else "read committed",
                "idle_in_transaction_session_timeout": "5s",
                "lock_timeout": "10s",
            }
    finally:
        await query(url, "ALTER ROLE ledgerstream RESET synchronous_commit")


async def test_workers_share_the_time_of_the_server(ledger: Ledger, url: str) -> None:
    [(before,)] = await query(url, "SELECT clock_timestamp()")
    told = await ledger.server_time()
    [(after,)] = await query(url, "SELECT clock_timestamp()")
    assert before <= told <= after  # type: ignore[operator]  # three times of day


WRONG = {
    "database": ("postgresql://ledgerstream@127.0.0.1:{port}/nowhere", "Make it with `createdb`"),
    "user": ("postgresql://nobody@127.0.0.1:{port}/postgres", "Correct user and password"),
    "port": ("postgresql://ledgerstream:secret@127.0.0.1:1/postgres", "can be reached at that address"),
    "rights": ("postgresql://poor@127.0.0.1:{port}/postgres", "GRANT CREATE ON SCHEMA public"),
}


@pytest.mark.parametrize(("address", "remedy"), WRONG.values(), ids=WRONG)
async def test_an_address_that_does_not_fit_is_a_sentence_without_the_password(
    postgres: PostgresServer, clock: ManualClock, url: str, address: str, remedy: str
) -> None:
    await query(url, "DROP ROLE IF EXISTS poor")
    await query(url, "CREATE ROLE poor LOGIN")
    with pytest.raises(LedgerUnavailable, match=remedy) as caught:
        await open_ledger(address.format(port=postgres.port), clock)
    assert "secret" not in str(caught.value)
