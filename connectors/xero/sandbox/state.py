"""The state file: a journal of changes, one line for each save, written within 100 ms of a change.

    {"ledgerstream_xero_sandbox": 1}
    [["<tenant>", "invoices", "<id>", {...}], ["<tenant>", "counters", "", {...}], ["", "oauth", "", {...}], ...]

The last entry of a record wins. A start and a clean stop rewrite the file to one line by a temporary file, fsync and
rename. A last line without its end is what a kill left behind: it is dropped, whole. Anything else that cannot be read
is a `SandboxError`. Quota windows, faults and the log of calls are not kept: they begin anew.
"""

import asyncio
import contextlib
import fcntl
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from connectors.xero.sandbox.books.records import Organisation
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.engine import Engine
from connectors.xero.sandbox.keys import Entry
from connectors.xero.sandbox.oauth import OAuthState
from connectors.xero.sandbox.problems import SandboxError
from connectors.xero.sandbox.webhooks.delivery import Subscription
from connectors.xero.sandbox.wire import Reply

SAVE_EVERY_S: Final = 0.1
_HEADER: Final = {"ledgerstream_xero_sandbox": 1}

Change = tuple[str, str, str, Any]


class StateFile:
    """Keeps an engine's state in one file. `load` it, then `run` while it is `owned`."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._engine = engine

    def load(self) -> None:
        """Take in what the file holds, if it exists. Raises SandboxError."""
        try:
            data = self._path.read_bytes() if self._path.exists() else b""
        except OSError as error:
            raise SandboxError(f"the state file {self._path} cannot be read: {error.strerror or error}") from None
        if data:
            self._take_in(data)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Keep other sandboxes off the file, and compact it at both ends. Raises SandboxError."""
        lock = self._locked()
        try:
            self.compact()
            yield
            self.compact()
        finally:
            os.close(lock)

    def _locked(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._refused(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise SandboxError(
                f"the state file {self._path} is in use by another sandbox: stop it, or name another one with --state"
            ) from None
        return lock

    async def run(self, stop: asyncio.Event) -> None:
        """Append what changed, again and again, until `stop` is set. Raises SandboxError when the disk refuses."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SAVE_EVERY_S)
            changes = list(_changes(self._engine))
            if changes:
                # The disk takes its time; calls go on meanwhile.
                await asyncio.to_thread(self._append, msgspec.json.encode(changes) + b"\n")

    def _append(self, line: bytes) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> SandboxError:
        reason = error.strerror or error
        return SandboxError(f"the state file {self._path} cannot be written: {reason}; name another one with --state")

    def compact(self) -> None:
        """Rewrite the whole file. Raises SandboxError when the disk refuses."""
        list(_changes(self._engine))
        everything = list(_everything(self._engine))
        temporary = self._path.with_name(self._path.name + ".tmp")
        try:
            with temporary.open("wb") as file:
                file.write(orjson.dumps(_HEADER) + b"\n" + msgspec.json.encode(everything) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._refused(error) from None

    def _take_in(self, data: bytes) -> None:
        lines = data.split(b"\n")
        # What follows the last line end is torn (or nothing).
        complete = lines[:-1]
        try:
            if not complete or orjson.loads(complete[0]) != _HEADER:
                raise ValueError("it does not begin as a state file of this version")
            for line in complete[1:]:
                for tenant_id, table, row_id, value in msgspec.json.decode(line, type=list[Change]):
                    self._apply(tenant_id, table, row_id, value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SandboxError(
                f"the state file {self._path} is corrupt ({error}): move it away to begin with empty books"
            ) from None

    def _apply(self, tenant_id: str, table: str, row_id: str, value: Any) -> None:
        engine = self._engine
        if table == "oauth":
            engine.oauth.state = msgspec.convert(value, OAuthState)
            return
        if table == "webhook":
            engine.webhook.subscription = msgspec.convert(value, Subscription | None)
            return
        if table == "keys":
            engine.keys.entries[row_id] = _entry(row_id, value)
            return
        book = engine.books[tenant_id]
        if table == "organisation":
            book.organisation = msgspec.convert(value, Organisation)
        elif table == "counters":
            book.counters = msgspec.convert(value, dict[str, int])
        else:
            found = next(known for known in book.tables if known.name == table)
            found.put(msgspec.convert(value, found.kind))


def _changes(engine: Engine) -> Iterable[Change]:
    """What changed since the last time; forgets that it did."""
    for tenant_id, book in engine.books.items():
        if book.dirty:
            tables = {table.name: table for table in book.tables}
            dirty, book.dirty = book.dirty, set()
            for name, row_id in sorted(dirty):
                row = tables[name].rows.get(row_id)
                # A row that an undo removed was never there.
                if row is not None:
                    yield (tenant_id, name, row_id, row)
            yield (tenant_id, "counters", "", book.counters)
    for tenant_id in engine.changed_organisations:
        yield (tenant_id, "organisation", "", engine.books[tenant_id].organisation)
    engine.changed_organisations = set()
    if engine.oauth.is_dirty:
        engine.oauth.is_dirty = False
        yield ("", "oauth", "", engine.oauth.state)
    if engine.webhook.is_dirty:
        engine.webhook.is_dirty = False
        yield ("", "webhook", "", engine.webhook.subscription)
    keys, engine.changed_keys = engine.changed_keys, set()
    for key in sorted(keys):
        entry = engine.keys.entries.get(key)
        if entry is not None and entry.reply is not None:
            yield ("", "keys", key, _kept(entry, entry.reply))


def _everything(engine: Engine) -> Iterable[Change]:
    for tenant_id, book in engine.books.items():
        yield (tenant_id, "organisation", "", book.organisation)
        yield (tenant_id, "counters", "", book.counters)
        for row in _rows(book):
            yield (tenant_id, *row)
    yield ("", "oauth", "", engine.oauth.state)
    yield ("", "webhook", "", engine.webhook.subscription)
    for key, entry in engine.keys.entries.items():
        if entry.reply is not None:
            yield ("", "keys", key, _kept(entry, entry.reply))


def _rows(book: Book) -> Iterable[tuple[str, str, msgspec.Struct]]:
    for table in book.tables:
        for row_id, row in table.rows.items():
            yield (table.name, row_id, row)


def _kept(entry: Entry, reply: Reply) -> dict[str, Any]:
    return {
        "fingerprint": entry.fingerprint,
        "first_at": entry.first_at,
        "status": reply.status,
        "type": reply.content_type,
        "body": b64encode(reply.body).decode(),
    }


def _entry(key: str, value: dict[str, Any]) -> Entry:
    done = asyncio.Event()
    done.set()
    reply = Reply(value["status"], b64decode(value["body"]), value["type"])
    return Entry(key, value["fingerprint"], value["first_at"], reply, done)
