"""Work on the ledger begins anew after a conflict or a lost connection, within limits, and in every method."""

import inspect
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import IntegrityError

from streams.ledger import Ledger
from streams.ledger.engine import Store
from streams.ledger.repeat import TryAgain, repeated
from tests.support.clock import ManualClock


class Conflict(Exception):
    """What PostgreSQL says where another transaction wrote the same key first."""

    sqlstate = "23505"


class Broken(Exception):
    """What it says where a row breaks a check; it may have been written from what another transaction changed."""

    sqlstate = "23514"


class Fault(Exception):
    """What it says where a row is at fault by itself: nothing where a value must be."""

    sqlstate = "23502"


CONFLICT = TryAgain("another transaction was quicker", away=False)
AWAY = TryAgain("no server answers", away=True)
UNIQUE = IntegrityError("INSERT", {}, Conflict())
CHECK = IntegrityError("UPDATE", {}, Broken())
NULL = IntegrityError("INSERT", {}, Fault())


class Work:
    """Fails as it is told, then succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.times = 0

    @repeated
    async def do(self) -> str:
        self.times += 1
        if self._failures:
            raise self._failures.pop(0)
        return "done"


@pytest.mark.parametrize(
    ("failures", "times"),
    [((), 1), ((CONFLICT,), 2), ((UNIQUE, CONFLICT), 3), ((CHECK,), 2), ((CONFLICT,) * 4, 5), ((AWAY,) * 3, 4)],
)
async def test_begins_anew_until_it_succeeds(failures: tuple[Exception, ...], times: int) -> None:
    work = Work(*failures)
    assert (await work.do(), work.times) == ("done", times)


@pytest.mark.parametrize(
    ("failures", "times"), [((CONFLICT,) * 5, 5), ((UNIQUE,) * 5, 5), ((CHECK,) * 5, 5), ((NULL,), 1)]
)
async def test_gives_up_with_the_last_error(failures: tuple[Exception, ...], times: int) -> None:
    work = Work(*failures)
    with pytest.raises(type(failures[-1])):
        await work.do()
    assert work.times == times


async def test_a_server_that_stays_away_is_waited_for_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0

    def monotonic() -> float:
        return now

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("streams.ledger.repeat.time", SimpleNamespace(monotonic=monotonic))
    monkeypatch.setattr("streams.ledger.repeat.asyncio", SimpleNamespace(sleep=sleep))
    with pytest.raises(TryAgain):
        await Work(*[AWAY] * 1000).do()
    assert 29.0 <= now - 1000.0 <= 30.0


def methods() -> Iterator[tuple[str, object]]:
    """Every coroutine that the ledger's facade offers."""
    facade = Ledger(Store("sqlite:///:memory:"), ManualClock())
    parts = {name: part for name, part in vars(facade).items() if not name.startswith("_")}
    for place, part in {"ledger": facade, **parts}.items():
        for name, member in inspect.getmembers(type(part), inspect.iscoroutinefunction):
            if not name.startswith("_"):
                yield f"{place}.{name}", member


# They consist of several transactions, each repeated by itself; `close` has none.
MADE_OF_OTHERS = {
    "ledger.close",
    "intake.take_in",
    "replays.retranslate_pending",
    "audits.audit_records",
    "publishing.is_mine",
    "publishing.give_back",
}


def test_every_method_of_the_facade_begins_anew() -> None:
    once = {name for name, member in methods() if not hasattr(member, "__wrapped__")}
    assert once == MADE_OF_OTHERS
