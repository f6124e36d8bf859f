"""Three worker processes on one PostgreSQL: whichever ends, however it ends, the others go on, and nothing is twice."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.xero.sandbox import Fault
from streams.sender.loop import STOP_S
from streams.sender.ownership import LEFT_OVER_S, lease_s
from tests.integration.workers.crowd import CALL_S, Crowd, crowd
from tests.support.postgres import PostgresServer

TIMEOUT_S = 2.0
# The next worker looks for free leases once a second, and this machine may be slow.
SLACK_S = 10.0


@pytest.fixture
async def three(broker: str, topic_prefix: str, tmp_path: Path, postgres: PostgresServer) -> AsyncIterator[Crowd]:
    async with crowd(broker, topic_prefix, tmp_path, postgres) as found:
        found.system.sandbox.order(Fault(delay_s=CALL_S, times=0))
        for _ in range(3):
            await found.system.worker()
        yield found


@pytest.mark.timeout(400)
async def test_one_is_killed_and_one_stands_still_for_longer_than_its_lease(three: Crowd) -> None:
    await three.send(range(1, 11))
    of_uk, of_ie = await three.shared()
    await three.send(range(11, 31))
    await three.another_call("uk")
    of_uk.kill()
    of_ie.send_signal(signal.SIGSTOP)
    await three.send(range(31, 41))
    # The one that is left may believe for so long that the others take their share.
    within_s = lease_s(TIMEOUT_S) + LEFT_OVER_S + SLACK_S
    await asyncio.gather(three.taken_over("uk", of_uk, within_s), three.taken_over("ie", of_ie, within_s))
    await three.booked_once(range(1, 41))
    of_ie.send_signal(signal.SIGCONT)
    await three.send(range(41, 51))
    await three.booked_once(range(1, 51))
    await asyncio.sleep(2 * TIMEOUT_S)
    await three.booked_once(range(1, 51))
    assert of_ie.returncode is None


@pytest.mark.timeout(400)
async def test_one_is_stopped_and_hands_over_at_once(three: Crowd) -> None:
    await three.send(range(1, 11))
    of_uk, _ = await three.shared()
    await three.send(range(11, 31))
    await three.another_call("uk")
    of_uk.terminate()
    await three.taken_over("uk", of_uk, STOP_S + SLACK_S)
    assert await three.system.ended(of_uk, 20) == 0
    await three.send(range(31, 41))
    await three.booked_once(range(1, 41))


@pytest.mark.timeout(400)
async def test_the_database_restarts_under_three_workers(three: Crowd, postgres: PostgresServer) -> None:
    await three.send(range(1, 11))
    await three.another_call("uk")
    for number, crash in enumerate((False, True)):
        await three.send(range(11 + 20 * number, 31 + 20 * number))
        await three.another_call("uk")
        await asyncio.to_thread(postgres.restart, crash=crash, away_s=2.0)
    await three.booked_once(range(1, 51))
    assert [process.returncode for process in three.system.processes] == [None, None, None]
