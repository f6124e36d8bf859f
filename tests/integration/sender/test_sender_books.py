"""What ends up in the books where Xero is well: names, numbers, updates, refunds, refusals, questions."""

import datetime as dt
import json
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.xero.sandbox import Switches
from schemas import keys
from schemas.commands import CommandRecord
from streams.clock import SystemClock
from streams.ledger import open_ledger
from tests.integration.sender.stream import Stream, line, person_of, sixty_orders
from tests.integration.sender.world import World, sender_on, world

DONE = {"posted", "same", "superseded"}


def by_number(books: dict[str, Any], kind: str = "invoices") -> dict[str, Any]:
    return {one["number"]: one for one in books[kind]}


async def admin(w: World, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{w.address.base_url}/_sandbox/{path}", json=body) as response,
    ):
        found = await response.json()
        assert response.status == 200, found
        return found


def _again(record: CommandRecord, _stored: object) -> CommandRecord:
    """What translate makes of a letter's event, which is what it made before."""
    return record


async def test_sixty_orders_with_payments(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.feed(sixty_orders())
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted", "same"}
        books = w.books()
        assert len(books["invoices"]) == 60
        assert {one["status"] for one in books["invoices"]} == {"PAID"}
        assert len(books["payments"]) == 70
        # 40 customers and the one that the sandbox begins with.
        assert len(books["contacts"]) == 41
        assert w.sandbox.throttled == {"ordered": 0, "earned": 0}
        assert len(w.sandbox.calls) < 40


async def test_two_john_smiths_are_two_contacts(tmp_path: Path) -> None:
    stream = Stream()
    stream.order("1001", customer="a", name="John Smith")
    stream.order("1002", customer="b", name="John Smith")
    async with world(tmp_path) as w:
        await w.feed(stream.records)
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}
        names = {one["number"]: one["name"] for one in w.books()["contacts"] if one["number"]}
        assert sorted(names) == ["shop-1:a", "shop-1:b"]
        plain, alias = sorted(names.values(), key=len)
        assert plain == "John Smith"
        assert alias in ("John Smith (shop-1:a)", "John Smith (shop-1:b)")
        invoices = by_number(w.books())
        assert invoices["S1-1001"]["contact_id"] != invoices["S1-1002"]["contact_id"]


async def test_a_name_held_by_an_archived_contact(tmp_path: Path) -> None:
    stream = Stream()
    stream.order("1001", customer="a", name="Old Customer (archived)")
    async with world(tmp_path, switches=Switches(archived_name_is_free=False)) as w:
        await w.feed(stream.records)
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}
        assert "Old Customer (archived) (shop-1:a)" in {one["name"] for one in w.books()["contacts"]}


async def test_two_orders_1001_of_two_shops(tmp_path: Path) -> None:
    stream = Stream()
    stream.order("1001")
    stream.order("1001", source="shop-2", prefix="S2-", price="12.00")
    stream.payment("1001", "22.34")
    async with world(tmp_path) as w:
        await w.feed(stream.records)
        await w.until_quiet()
        found = by_number(w.books())
        assert found["S1-1001"]["status"] == "PAID"
        assert (found["S2-1001"]["status"], found["S2-1001"]["total"]) == ("AUTHORISED", "26.34")


async def test_a_contact_archived_by_a_person_is_a_dead_letter_in_plain_words(tmp_path: Path) -> None:
    stream = Stream()
    async with world(tmp_path) as w:
        await w.feed([stream.order("1001", customer="a")])
        await w.until_quiet()
        contact = next(one for one in w.books()["contacts"] if one["number"] == "shop-1:a")
        await admin(w, "POST", f"organisations/{w.tenant_id}/contacts/{contact['id']}/archive", {})
        await w.feed([stream.order("1002", customer="a"), stream.order("1003", customer="b")])
        await w.until_quiet()
        (letter,) = w.letters()
        assert letter["cause"] == "archived_contact"
        remedy = json.loads(letter["evidence"])["remedy"]
        assert "Restore the contact" in remedy
        assert "merged into another one" in remedy
        assert "S1-1003" in by_number(w.books())


async def test_an_update_a_cancellation_and_what_a_person_changed(tmp_path: Path) -> None:
    stream = Stream()
    async with world(tmp_path) as w:
        await w.feed([stream.order("1001", customer="a"), stream.order("1002", customer="b")])
        await w.feed([stream.order("1003", customer="c")])
        await w.until_quiet()
        before = by_number(w.books())
        await admin(
            w,
            "PATCH",
            f"organisations/{w.tenant_id}/invoices/{before['S1-1001']['id']}",
            {"DueDate": "2026-12-24", "Reference": "a person's words"},
        )
        await w.feed([stream.order("1001", customer="a", price="20.00", sequence=2), stream.cancel("1002")])
        await w.feed(
            [stream.order("1003", customer="c", sequence=2, reference="1003 again", due_date=dt.date(2026, 12, 1))]
        )
        await w.until_quiet()
        assert set(w.commands().values()) <= DONE, (w.commands(), w.letters(), w.questions())
        after = by_number(w.books())
        assert after["S1-1001"]["total"] == "42.34"
        assert after["S1-1001"]["due_date"] == "2026-12-24"
        assert after["S1-1001"]["reference"] == "a person's words"
        assert after["S1-1002"]["status"] == "VOIDED"
        assert after["S1-1003"]["due_date"] == "2026-12-01"
        lines = {number: [one["id"] for one in found["lines"]] for number, found in before.items()}
        assert [one["id"] for one in after["S1-1001"]["lines"]] == lines["S1-1001"]


@pytest.mark.parametrize("is_paid_first", [True, False])
async def test_what_was_paid_and_cancelled_before_anything_was_sent_is_booked(
    tmp_path: Path, is_paid_first: bool
) -> None:
    """As after a pause. The money came for a sale, which a person asks about; a refund of it has an invoice."""
    stream = Stream()
    order, refund = stream.order("1001"), stream.refund("1001", "8.00")
    payment, cancelled = stream.payment("1001", "10.00"), stream.cancel("1001", is_paid=True)
    async with world(tmp_path) as w:
        told = [payment, cancelled] if is_paid_first else [cancelled, refund, payment]
        await w.feed([order, *told, *([refund] if is_paid_first else [])])
        await w.until(lambda: len(w.books()["payments"]) == 2 and w.questions())
        [question] = w.questions()
        assert (question["kind"], question["command_id"]) == ("cancelled_after_payment", "shop-1:cancel-1001#cancel")
        assert not w.letters()
        books = w.books()
        assert [(one["number"], one["total"], one["status"]) for one in books["invoices"]] == [
            ("S1-1001", "22.34", "AUTHORISED")
        ]
        assert [(one["number"], one["total"], one["status"]) for one in books["credit_notes"]] == [
            ("CN-1001", "8.00", "PAID")
        ]
        assert sorted(one["amount"] for one in books["payments"]) == ["10.00", "8.00"]


async def test_a_paid_sale_that_xero_refuses_stays_a_letter_when_its_order_is_cancelled(tmp_path: Path) -> None:
    stream = Stream()
    order = stream.order("1001", lines=(line("Mug", "1", "10.00", "OUTPUT2", account="999"),), total=Decimal("10.00"))
    async with world(tmp_path) as w:
        await w.feed([order, stream.payment("1001", "4.00"), stream.cancel("1001", is_paid=True)])
        await w.until_quiet()
        [letter] = w.letters()
        assert letter["command_id"] == "shop-1:order-1001-1#invoice"
        waiting = {name for name, state in w.commands().items() if state == "pending"}
        assert waiting == {"stripe-1:paid-pi_1001#payment", "shop-1:cancel-1001#cancel"}


async def test_money_for_an_order_that_was_never_booked_is_booked_once_its_source_tells_it_again(
    tmp_path: Path,
) -> None:
    """What the letters say: the source sends the order as it was sold, then the letters are replayed."""
    stream = Stream()
    async with world(tmp_path) as w:
        await w.feed([stream.order("1001"), stream.cancel("1001")])
        await w.until_quiet()
        money = [stream.payment("1001", "22.34"), stream.refund("1001", "10.00")]
        await w.feed(money)
        await w.until_quiet()
        letters = {one["command_id"]: json.loads(one["evidence"]) for one in w.letters()}
        assert set(letters) == {"stripe-1:paid-pi_1001#payment", "stripe-1:refund-1001#credit_note"}
        assert all("an OrderUpdated with a higher sequence" in one["remedy"] for one in letters.values())
        assert "10.00 GBP went back all the same" in letters["stripe-1:refund-1001#credit_note"]["message"]
        await w.feed([stream.order("1001", sequence=10)])
        await w.until_quiet()
        for letter, record in zip(sorted(w.letters(), key=lambda one: one["command_id"]), money, strict=True):
            await w.ledger.replays.replay(letter["dlq_id"], partial(_again, record), "ann")
            w.sender.wake()
            await w.until_quiet()
        assert (w.letters(), w.questions()) == ([], [])
        assert by_number(w.books())["S1-1001"]["status"] == "PAID"
        assert sorted(one["amount"] for one in w.books()["payments"]) == ["10.00", "22.34"]


async def test_a_paid_invoice_is_not_changed_but_asked_about(tmp_path: Path) -> None:
    stream = Stream()
    async with world(tmp_path) as w:
        await w.feed([stream.order("1001", customer="a"), stream.payment("1001", "10.00")])
        await w.until_quiet()
        await w.feed([stream.order("1001", customer="a", price="20.00", sequence=2)])
        await w.until(lambda: w.questions())
        (question,) = w.questions()
        assert question["kind"] == "changed_after_payment"
        assert by_number(w.books())["S1-1001"]["total"] == "22.34"


async def test_a_refund_is_a_credit_note_paid_out_with_the_tax_mirrored(tmp_path: Path) -> None:
    stream = Stream()
    stream.order("1001")
    stream.payment("1001", "22.34")
    stream.refund("1001", "7.77")
    async with world(tmp_path) as w:
        await w.feed(stream.records)
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}, w.letters()
        note = by_number(w.books(), "credit_notes")["CN-1001"]
        assert (note["total"], note["status"]) == ("7.77", "PAID")
        assert {one["tax_type"] for one in note["lines"]} == {"OUTPUT2", "RROUTPUT"}
        assert sorted(one["amount"] for one in w.books()["payments"]) == ["22.34", "7.77"]


async def test_a_payment_taken_back(tmp_path: Path) -> None:
    stream = Stream()
    async with world(tmp_path) as w:
        await w.feed([stream.order("1001"), stream.payment("1001", "22.34", identifier="pi_1")])
        await w.until_quiet()
        await w.feed([stream.reversal("pi_1")])
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}, w.letters()
        assert by_number(w.books())["S1-1001"]["status"] == "AUTHORISED"
        assert [one["status"] for one in w.books()["payments"]] == ["DELETED"]


async def test_a_number_that_somebody_else_used_is_a_question(tmp_path: Path) -> None:
    first, second = Stream(), Stream()
    first.order("1001", source="shop-1", prefix="X-")
    second.records = list(first.records)
    async with world(tmp_path) as w:
        await w.feed(first.records)
        await w.until_quiet()
        await w.feed([second.order("1001", source="shop-2", prefix="X-", price="30.00")])
        await w.until(lambda: w.questions())
        (question,) = w.questions()
        assert question["kind"] == "number_taken"
        assert json.loads(question["theirs"])["InvoiceNumber"] == "X-1001"
        assert by_number(w.books())["X-1001"]["total"] == "22.34"


async def test_refusals_of_one_element_do_not_hold_up_the_others(tmp_path: Path) -> None:
    stream = Stream()
    wrong = (line("Mug", "1", "10.00", "OUTPUT2", account="299"),)
    stream.order("1001", lines=wrong, total=Decimal("10.00"))
    stream.order("1002", date=dt.date(2020, 1, 1))
    stream.order("1003", currency="CHF")
    stream.order("1004", contact=person_of("shop-1", "c1004", "Bad Mail", email="not an address"))
    stream.order("1005")
    async with world(tmp_path) as w:
        await admin(w, "PATCH", f"organisations/{w.tenant_id}", {"period_lock_date": "2021-12-31"})
        await w.feed(stream.records)
        await w.until_quiet()
        letters = {row["command_id"]: (row["cause"], json.loads(row["evidence"])) for row in w.letters()}
        causes = {command.split("#")[0].split(":")[1]: found[0] for command, found in letters.items()}
        assert causes == {
            "order-1001-1": "data",
            "order-1002-1": "period_locked",
            "order-1003-1": "data",
            "order-1004-1": "data",
        }
        for _, evidence in letters.values():
            assert "dlq replay" in evidence["remedy"]
            assert evidence["xero_validation"]
            assert evidence["xero_correlation_id"]
        assert list(by_number(w.books())) == ["S1-1005"]


async def test_a_payment_that_is_there_is_not_made_twice_when_xero_calls_it_too_much(tmp_path: Path) -> None:
    """A restored ledger or an operator may send a payment anew: the mark is looked for before anything is said."""
    stream = Stream()
    async with world(tmp_path) as w:
        await w.feed([stream.order("1001")])
        await w.until_quiet()
        invoice = by_number(w.books())["S1-1001"]
        mark = keys.mark("stripe-1:payment:pi_1#payment")
        await admin(
            w,
            "POST",
            f"organisations/{w.tenant_id}/payments",
            {
                "Invoice": {"InvoiceID": invoice["id"]},
                "Account": {"Code": "091"},
                "Date": "2026-11-20",
                "Amount": 22.34,
                "Reference": f"pi_1 {mark}",
            },
        )
        await w.feed([stream.payment("1001", "22.34", identifier="pi_1")])
        await w.until_quiet()
        assert set(w.commands().values()) == {"posted"}, w.letters()
        assert len(w.books()["payments"]) == 1


async def test_what_bears_our_mark_is_adopted_and_brought_up_to_date_by_a_new_ledger(tmp_path: Path) -> None:
    """Nothing is made twice: equal documents are taken over as they are, others updated in place."""
    first, second = Stream(), Stream()
    first.order("1001", customer="a")
    first.order("1002", customer="b")
    first.payment("1001", "22.34")
    second.order("1001", customer="a")
    second.order("1002", customer="b", price="12.00", contact=person_of("shop-1", "b", "Renamed", ensure=False))
    second.payment("1001", "22.34")
    async with world(tmp_path) as w:
        await w.feed(first.records)
        await w.until_quiet()
        before = by_number(w.books())
        ledger = await open_ledger(f"sqlite:///{tmp_path / 'new.db'}", SystemClock())
        async with sender_on(w.sandbox, w.address, ledger) as (sender, counts):
            again = World(w.sandbox, w.address, ledger, tmp_path / "new.db", sender, counts)
            await again.feed(second.records)
            await again.until_quiet()
            assert set(again.commands().values()) == {"posted"}, (again.letters(), again.questions())
        await ledger.close()
        after = by_number(w.books())
        assert {number: one["id"] for number, one in after.items()} == {n: one["id"] for n, one in before.items()}
        assert (after["S1-1001"]["status"], after["S1-1002"]["total"]) == ("PAID", "26.34")
        assert len(w.books()["payments"]) == 1
        assert "Renamed" in {one["name"] for one in w.books()["contacts"]}
        assert len([one for one in w.books()["contacts"] if one["number"]]) == 2
