"""Everything of the model in one place: the log in Kafka, the ledger's file and its backup, processes, time, Xero."""

import contextlib
import re
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal

from schemas.commands import CommandRecord
from streams.ledger import Ledger, open_ledger
from tests.model.books import Document
from tests.model.owner import TENANT, ModelStore, Owner, Process, Quiet
from tests.model.shop import Shop, check_books, marks, stamped
from tests.model.xero import Xero
from tests.support.clock import HeldClock, ManualClock

_OWNERS_MAX: Final = 3
_DRAIN_LEAPS: Final = 200
_UNFINISHED: Final = (
    "SELECT command_id, state, not_before, cause FROM commands "
    "WHERE state = 'sent' OR (state = 'pending' AND ready_since IS NOT NULL)"
)
_OPEN: Final = "SELECT number, opened_at, looks, next_look_at FROM calls WHERE state = 'open' AND purpose = 'write'"
_VERSION: Final = re.compile(r" v(\d+)( |$)")


async def make_empty(path: Path) -> None:
    """The file of a ledger that was just made: to copy it is faster than to migrate each time."""
    await (await open_ledger(f"sqlite:///{path}", ManualClock())).close()


class World:
    """Made within a running event loop. `folder` is the test's own; `empty` what `make_empty` made.
    `is_shared`: several workers may own the ledger, as on PostgreSQL."""

    def __init__(
        self,
        folder: Path,
        empty: Path,
        *,
        key_in_flight: Literal["409", "400"] = "409",
        phase_s: float = 0.0,
        is_shared: bool = True,
    ) -> None:
        self.time = ManualClock()
        self.quiet = Quiet()
        self.xero = Xero(self.time, self._kept, key_in_flight=key_in_flight, phase_s=phase_s)
        self.shop = Shop()
        self.log: list[CommandRecord] = []
        self.owners: list[Owner] = []
        self.database = folder / "ledger.db"
        self._backup = folder / "backup.db"
        self._newest: dict[str, int] = {}
        self._names = 0
        self._is_shared = is_shared
        shutil.copy(empty, self.database)
        self._open()

    def _open(self) -> None:
        # The agent's own connection: what a person does and what comes in goes through it.
        self.ledger = Ledger(ModelStore(self.database, self.quiet, Process()), HeldClock(self.time))

    # What comes in.

    async def feed(self, record: CommandRecord | None) -> None:
        """A record comes, and is taken in at once."""
        if record is None:
            return
        self.log.append(stamped(record, len(self.log), self.time.now()))
        await self._take_in()

    async def _take_in(self) -> None:
        offset = (await self.ledger.intake.offsets([0])).get(0, 0)
        if offset < len(self.log):
            await self.ledger.intake.take_in(self.log[offset:], (0, len(self.log)))
        await self.wake()

    async def take_in_again(self) -> None:
        """The acknowledgement of the last run was lost: it comes once more, and changes nothing."""
        if self.log:
            again = await self.ledger.intake.take_in(self.log[-1:], (0, len(self.log)))
            assert again.skipped

    async def wake(self) -> None:
        for owner in self.owners:
            if not owner.process.is_frozen:
                owner.sender.wake()
        await self.calm()

    # Processes.

    async def start(self) -> None:
        """One more, up to three; a ledger that is not shared lets only one in, frozen or not."""
        if len(self.owners) == (_OWNERS_MAX if self._is_shared else 1):
            return
        self._names += 1
        name = f"w{self._names}" if self._is_shared else "worker"
        owner = Owner(name, self.database, self.time, self.xero, self.quiet, is_shared=self._is_shared)
        self.owners.append(owner)
        await self.calm()

    async def kill(self, owner: Owner) -> None:
        self.owners.remove(owner)
        await owner.kill()

    async def calm(self) -> None:
        """Until everybody waits; who was killed at a point is taken away."""
        await self.quiet.come()
        for owner in list(self.owners):
            if owner.is_dead:
                await self.kill(owner)
            else:
                owner.check_alive()

    async def advance(self, seconds: float, hops: int = 1) -> None:
        """Time passes, in so many hops; in each of them everybody goes on whose time has come."""
        for _ in range(hops):
            self.time.advance(seconds / hops)
            self.xero.pass_time()
            for owner in list(self.owners):
                await owner.wake_sleepers()
            await self.calm()

    # The ledger's file.

    async def back_up(self) -> None:
        await self.calm()
        with (
            contextlib.closing(sqlite3.connect(self.database)) as source,
            contextlib.closing(sqlite3.connect(self._backup)) as target,
        ):
            source.backup(target)

    async def restore(self) -> None:
        """The machine is lost; the backup is put back, and what came since comes again from Kafka."""
        if not self._backup.exists():
            return
        highest = (await self.ledger.identity.read()).highest_call
        for owner in list(self.owners):
            await self.kill(owner)
        await self.ledger._store.close()
        self.xero.traffic.under_way.clear()
        for file in self.database.parent.glob("ledger.db*"):
            file.unlink()
        shutil.copy(self._backup, self.database)
        self._open()
        if (await self.ledger.identity.read()).highest_call < highest:
            await self.ledger.identity.restored(highest)
        await self._take_in()

    # The end.

    async def drain(self) -> None:
        """Heal everything, and let time pass until nothing is left to do, and Xero has done what it is still at."""
        self.xero.fates.clear()
        self.xero.read_fates.clear()
        self.xero.is_connected = True
        for owner in list(self.owners):
            owner.die_at = owner.freeze_at = owner.process.freeze_in = None
            owner.process.thaw()
        await self.calm()
        if not self.owners:
            await self.start()
        for leap in range(_DRAIN_LEAPS):
            await self.ledger.stops.lift(tenant=TENANT, actor="ann")
            await self.wake()
            if not self._busy() and not self.xero.late_commits():
                return
            await self.advance(2.0 if leap % 10 < 8 else 61.0)
        raise AssertionError(f"it does not come to rest: {self._rows(_UNFINISHED)} {self._rows(_OPEN)}")

    def _busy(self) -> bool:
        return bool(self._rows(_UNFINISHED) or self._rows(_OPEN))

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]

    async def check_end(self) -> None:
        """Nothing lost, nothing doubled, and the books as the events say."""
        report = await self.ledger.audits.audit()
        assert report.problems == ()
        assert sum(one.records for one in report.topics) == len(self.log)
        duplicates = sum(one.duplicates for one in report.topics)
        assert sum(report.dispositions.values()) + duplicates == len(self.log)
        assert await self.ledger.sweep() == 0
        letters = [one.letter.subject for one in await self.ledger.dead_letters.list()]
        questions = [str(one.command_id or one.event_key) for one in await self.ledger.questions.list()]
        check_books(self.shop, self.xero.books, [*letters, *questions])

    def check_always(self) -> None:
        """G2, G3 and one sender at a time, at any moment."""
        assert self.xero.traffic.wrong == [], self.xero.traffic.wrong
        tables = self.xero.books.tables
        for resource in ("Invoices", "CreditNotes", "Payments"):
            live = [one for one in tables[resource].values() if one["Status"] not in ("VOIDED", "DELETED")]
            twice = [mark for mark, times in Counter(map(marks, live)).items() if times > 1]
            assert not twice, f"booked twice: {twice}"

    def _kept(self, resource: str, document: Document) -> None:
        """G5: a version never comes after a newer one."""
        if resource not in ("Invoices", "Contacts") or document.get("Status") == "VOIDED":
            return
        number = document.get("InvoiceNumber") or document["ContactNumber"]
        found = _VERSION.search(document.get("Reference") or document["Name"])
        version = int(found[1]) if found else 0
        assert version >= self._newest.get(number, 0), f"{number}: version {version} after {self._newest[number]}"
        self._newest[number] = version

    async def close(self) -> None:
        for owner in list(self.owners):
            await self.kill(owner)
        await self.ledger._store.close()
