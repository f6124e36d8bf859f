"""Design 7.7, cell by cell: what is done about a call whose outcome nobody knows, when, and with how many calls.

Each row is one way in which a call goes wrong; it happens to everything that is written to Xero: what makes a document
and what changes one. The books hold it exactly once in the end.
"""

import asyncio
import datetime as dt
import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from structlog.testing import capture_logs

from connectors.xero.sandbox import Fault, Switches
from schemas import keys
from schemas.commands import CommandRecord, Commands
from streams.sender.gate import Point
from tests.integration.sender.still import Died, StillWorld, still_world
from tests.integration.sender.stream import TENANT, Stream, command, person_of

PART = "5.00"
NOTE = "4.00"


@dataclass(frozen=True)
class Subject:
    """One kind of write: its call, and which rows of the books it is, of which there must be exactly one."""

    name: str
    method: str
    path: str
    kind: str
    row: dict[str, str]

    @property
    def order(self) -> str:
        """Each has an order of its own."""
        return str(1000 + SUBJECTS.index(self))

    @property
    def is_read_first(self) -> bool:
        """What is changed in Xero is read before that is decided."""
        return self.name.endswith(("changed", "voided"))

    def times(self, books: dict[str, Any]) -> int:
        return sum(all(one[name] == value for name, value in self.row.items()) for one in books[self.kind])


SUBJECTS = (
    Subject("contact", "PUT", "/Contacts$", "contacts", {"number": "shop-1:new"}),
    Subject("invoice", "PUT", "/Invoices$", "invoices", {"number": "S1-1001-B", "total": "22.34"}),
    Subject("credit note", "PUT", "/CreditNotes$", "credit_notes", {"number": "CN-1002"}),
    Subject("payment", "PUT", "/Payments$", "payments", {"document_number": "S1-1003"}),
    Subject("refund", "PUT", "/Payments$", "payments", {"document_number": "CN-1004"}),
    Subject("contact changed", "POST", "/Contacts$", "contacts", {"name": "Renamed"}),
    Subject("invoice changed", "POST", "/Invoices$", "invoices", {"number": "S1-1006", "total": "42.34"}),
    Subject("invoice voided", "POST", "/Invoices$", "invoices", {"number": "S1-1007", "status": "VOIDED"}),
    Subject("payment deleted", "POST", "/Payments/", "payments", {"status": "DELETED"}),
)
BY_NAME = {one.name: one for one in SUBJECTS}


def before(stream: Stream) -> list[CommandRecord]:
    """What must be in the books before: an order for each, a payment to be taken back, a note to be paid out."""
    for subject in SUBJECTS:
        stream.order(subject.order)
    stream.payment(BY_NAME["payment deleted"].order, PART, identifier="pi_taken_back")
    part_of_refund(stream, BY_NAME["refund"].order, 0)
    return list(stream.records)


def part_of_refund(stream: Stream, order: str, part: int) -> CommandRecord:
    """The credit note of a refund, or its payment, as an event of its own."""
    whole = Stream().refund(order, NOTE)
    assert isinstance(whole.outcome, Commands)
    return stream.event("stripe-1", f"refund-{order}-{part}", whole.outcome.commands[part])


def trial(stream: Stream, subject: Subject) -> CommandRecord:
    """The event whose write goes wrong."""
    match subject.name:
        case "contact":
            return customer(stream, "new", "Somebody New", sequence=None)
        case "invoice":
            return stream.order(f"{subject.order}-B", customer=f"c{subject.order}")
        case "credit note":
            return part_of_refund(stream, subject.order, 0)
        case "refund":
            return part_of_refund(stream, subject.order, 1)
        case "payment":
            return stream.payment(subject.order, PART)
        case "contact changed":
            return customer(stream, f"c{subject.order}", "Renamed", sequence=2)
        case "invoice changed":
            return stream.order(subject.order, price="20.00", sequence=2)
        case "invoice voided":
            return stream.cancel(subject.order)
    return stream.reversal("pi_taken_back")


def customer(stream: Stream, customer: str, name: str, sequence: int | None) -> CommandRecord:
    effect = keys.effect_key(keys.entity_key("shop-1", "customer", customer), f"contact:{TENANT}")
    payload = person_of("shop-1", customer, name, ensure=sequence is None)
    event = keys.event_key("shop-1", f"customer-{customer}")
    return stream.event("shop-1", f"customer-{customer}", command(event, "contact", effect, payload, sequence=sequence))


On = Literal["write", "look"]


@dataclass(frozen=True)
class Cell:
    """`ills` befall the calls for the subject, one each. `calls` are those that go out, but for reads before a
    decision; `seconds` how long all of it takes. A worker that dies at `dies_at` is replaced after `away_s`."""

    name: str
    ills: tuple[tuple[On, Fault], ...]
    calls: str
    seconds: float
    dies_at: Point | None = None
    away_s: float = 0.0
    refused: int = 0
    key_in_flight: Literal["wait", "409", "400"] = "409"

    @property
    def subjects(self) -> Sequence[Subject]:
        """Each is looked for in its own way; what is only sent again is sent again alike, so two of it will do."""
        return SUBJECTS if "look" in self.calls else (BY_NAME["invoice"], BY_NAME["payment"])


def ill(answer: Any, commit: Any = None, delay_s: float = 0.0, retry_after_s: int | None = None) -> tuple[On, Fault]:
    return "write", Fault(answer=answer, commit=commit, delay_s=delay_s, retry_after_s=retry_after_s)


def blind(answer: Any) -> tuple[On, Fault]:
    return "look", Fault(answer=answer)


CELLS = (
    # It proves that nothing happened: a new call with a new key, when the answer says so.
    Cell("a limit of others", (ill("429-minute", retry_after_s=7),), "write write", 7),
    Cell("too many at once", (ill("429-concurrent"),), "write write", 1),
    Cell("an expired token", (ill("401"),), "write write", 0),
    Cell("no connection", (), "write write", 2, refused=1),
    # Xero's own error is repeated by its key: look at once, and a new call for what is not there.
    Cell("500, nothing kept", (ill("500", "none"),), "write look write", 2),
    Cell("500, kept", (ill("500", "all"),), "write look", 2),
    Cell("offline", (ill("offline"),), "write look write", 2),
    # Nobody answers, or a gateway does: the same bytes under the same key.
    Cell("dropped, kept", (ill("drop", "all"),), "write resend", 1),
    Cell("dropped, nothing kept", (ill("drop", "none"),), "write resend", 1),
    Cell("no answer in time, kept", (ill("hang", "all"),), "write resend", 30),
    Cell("no answer in time, nothing kept", (ill("hang", "none"),), "write resend", 30),
    Cell("502, kept", (ill("502", "all"),), "write resend", 1),
    Cell("502, nothing kept", (ill("502", "none"),), "write resend", 1),
    Cell("504, kept", (ill("504", "all"),), "write resend", 1),
    Cell("504, kept while the key is in flight", (ill("504", "late", 4),), "write resend resend", 6),
    Cell("the same, in other words", (ill("504", "late", 4),), "write resend resend", 6, key_in_flight="400"),
    Cell("the same, and the key waits", (ill("504", "late", 4),), "write resend resend", 31, key_in_flight="wait"),
    Cell(
        "504, kept after the last resend",
        (ill("504", "late", 55),),
        "write resend resend resend look",
        86,
    ),
    # On a resend a refusal decides nothing.
    Cell("then a limit", (ill("drop", "all"), ill("429-minute", retry_after_s=7)), "write resend resend", 8),
    Cell("then an expired token", (ill("drop", "all"), ill("401")), "write resend resend", 6),
    Cell("then its own error", (ill("drop", "none"), ill("500", "none")), "write resend resend resend look write", 60),
    Cell("nobody there for the resend", (ill("drop", "all"), ill("drop", "none")), "write resend resend", 6),
    # The same, later: no key lives any more.
    Cell("the worker died with the answer", (ill("normal"),), "write resend", 0, dies_at="answered", away_s=2),
    Cell("and was long away, kept", (ill("normal"),), "write look", 0, dies_at="answered", away_s=600),
    Cell(
        "and was long away, nothing kept",
        (ill("drop", "none"),),
        "write look write",
        0,
        dies_at="noted",
        away_s=600,
    ),
    Cell("died before it left, long ago", (), "write look write", 0, dies_at="opened", away_s=600),
    # Xero says nothing when it is asked: it is asked again.
    Cell("a look that breaks off", (ill("500", "all"), blind("drop")), "write look look", 32),
    Cell("a look that is refused", (ill("500", "none"), blind("503")), "write look look write", 32),
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a world in which everything is booked that must be there before."""

    async def prepare(folder: Path) -> None:
        async with still_world(folder) as world:
            await world.feed(before(Stream()))
            await world.work()

    folder = tmp_path_factory.mktemp("prepared")
    asyncio.run(prepare(folder))
    return folder


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
async def test_cell(tmp_path: Path, prepared: Path, cell: Cell) -> None:
    switches = Switches(key_in_flight=cell.key_in_flight)
    async with still_world(tmp_path, switches, prepared) as world:
        await try_all(world, cell, cell.subjects)


@pytest.mark.parametrize("cause", ["disconnected", "auth"])
async def test_who_is_shut_out_meanwhile_is_told_and_the_outcome_is_found_later(
    tmp_path: Path, prepared: Path, cause: str
) -> None:
    """It decides nothing about the call, but nothing else would tell a person of it. Xero is asked again less often."""
    async with still_world(tmp_path, after=prepared) as world:
        stream, subject = Stream(), BY_NAME["payment"]
        before(stream)
        world.sandbox.order(aimed("write", Fault(answer="500", commit="all"), subject))
        if cause == "disconnected":
            world.sandbox.order(aimed("look", Fault(answer="403", times=3), subject))
        else:
            world.client.looks_without_token = 3
        await world.feed([stream.payment(subject.order, PART)])
        with capture_logs() as logs:
            await world.work()
        told = [line for line in logs if line["event"] == "stopped"]
        assert {(line["log_level"], line["tenant"]) for line in told} == {("error", TENANT)}
        (stop,) = world.rows("SELECT tenant, cause, remedy FROM stops")
        assert (stop["tenant"], stop["cause"]) == (TENANT, cause)
        assert f"`ledgerstream resume --tenant {TENANT}`" in stop["remedy"]
        assert told[0]["remedy"] == stop["remedy"]
        looks = world.rows("SELECT opened_at FROM calls WHERE purpose = 'look' ORDER BY number")
        times = [dt.datetime.fromisoformat(row["opened_at"]) for row in looks]
        assert [(two - one).total_seconds() for one, two in itertools.pairwise(times)] == [30, 60, 120]
        assert subject.times(world.books()) == 1
        assert world.rows("SELECT 1 FROM commands WHERE state NOT IN ('posted', 'same')") == []


@pytest.mark.all
@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
async def test_cell_with_every_position_of_what_is_not_settled(tmp_path: Path, prepared: Path, cell: Cell) -> None:
    for seed in range(3):
        drawn = Switches.drawn(random.Random(f"{cell.name} {seed}"), keep=("key_in_flight", "day_limit"))
        switches = drawn.changed(key_in_flight=cell.key_in_flight)
        async with still_world(tmp_path / str(seed), switches, prepared) as world:
            await try_all(world, cell, SUBJECTS)


async def try_all(world: StillWorld, cell: Cell, subjects: Sequence[Subject]) -> None:
    stream = Stream()
    before(stream)
    for subject in subjects:
        # So that all slots of the minute are free again, and no reading is too young.
        await world.clock.sleep(120)
        await go_wrong(world, stream, subject, cell)
    assert world.sandbox.throttled["earned"] == 0


async def go_wrong(world: StillWorld, stream: Stream, subject: Subject, cell: Cell) -> None:
    for on, fault in cell.ills:
        world.sandbox.order(aimed(on, fault, subject))
    world.client.is_silent = any(fault.answer == "hang" or fault.delay_s for _, fault in cell.ills)
    (ledger,) = world.rows("SELECT last_call FROM ledger")
    world.client.refused, world.die_at = cell.refused, cell.dies_at
    await world.feed([trial(stream, subject)])
    began = world.clock.now()
    try:
        await world.work()
    except Died:
        await world.clock.sleep(cell.away_s)
        await world.work()
    calls = calls_for(world, subject, ledger["last_call"])
    assert " ".join(calls) == cell.calls, (subject.name, calls)
    took = (world.clock.now() - began).total_seconds() - cell.away_s
    assert took == pytest.approx(cell.seconds, abs=0.01), (subject.name, took)
    assert subject.times(world.books()) == 1, (subject.name, world.books()[subject.kind])
    assert not world.rows("SELECT 1 FROM calls WHERE state = 'open' AND purpose = 'write'")
    assert world.rows("SELECT command_id, state FROM commands WHERE state NOT IN ('posted', 'same')") == []
    world.sandbox.clear_faults()


def aimed(on: On, fault: Fault, subject: Subject) -> Fault:
    """The fault for the subject's write, or for the look that follows; what is changed was read once before."""
    fields = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
    if on == "write":
        return Fault(**{**fields, "method": subject.method, "path": subject.path})
    nth = 2 if subject.is_read_first else 1
    return Fault(**{**fields, "method": "GET", "path": subject.path.rstrip("/$"), "nth": nth})


def calls_for(world: StillWorld, subject: Subject, after: int) -> list[str]:
    """The purposes of the calls that carried the subject's write, or looked for it."""
    found = world.rows("SELECT number, root, purpose, method, path FROM calls WHERE number > ? ORDER BY number", after)
    roots = {
        row["number"]
        for row in found
        if row["purpose"] == "write" and row["method"] == subject.method and re.search(subject.path, row["path"])
    }
    return [row["purpose"] for row in found if row["root"] in roots]
