"""What changes in Xero is heard: by its webhooks, and without them; told once, in order, with whose doing it was."""

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from connectors.xero.sandbox.faults import Answer, Fault
from connectors.xero.sandbox.webhooks.orders import Orders
from tests.integration.sender.ears import Hearing, eventually, hearing
from tests.integration.sender.test_sender_books import admin, by_number

DAY = "2026-11-20"


async def booked(h: Hearing, *numbers: str) -> dict[str, Any]:
    """Orders that are in the books and were told of, and whose webhooks came, where there are any; their invoices by
    number."""
    await calm(h)
    await h.world.feed([h.stream.order(number) for number in numbers])
    await h.world.until_quiet()
    assert await _has(h, "created", 2 * len(numbers))
    await h.world.sandbox.webhook.deliver()
    await calm(h)
    return by_number(h.world.books())


async def by_hand(h: Hearing, method: str, path: str, body: dict[str, Any]) -> Any:
    return await admin(h.world, method, f"organisations/{h.world.tenant_id}/{path}", body)


async def paid_by_hand(h: Hearing, invoice: dict[str, Any], amount: float) -> None:
    payment = {"Invoice": {"InvoiceID": invoice["id"]}, "Account": {"Code": "091"}, "Date": DAY, "Amount": amount}
    await by_hand(h, "POST", "payments", payment)


async def calm(h: Hearing) -> None:
    """Until nothing waits to be read."""

    async def look() -> bool:
        listening = h.world.ledger.listening
        named, surveyed = await listening.due([h.listened])
        return not named and not surveyed and not h.world.rows("SELECT 1 FROM calls WHERE state = 'open'")

    await eventually(look)
    await asyncio.sleep(0.3)
    await eventually(look)


async def equal(h: Hearing) -> bool:
    """Whether the snapshots of invoices are as the sandbox has them."""
    invoices = [(one["id"], one["status"], float(one["amount_due"])) for one in h.world.books()["invoices"]]
    return held(h, "Invoices", "$.Status", "$.AmountDue") == set(invoices)


def all_equal(h: Hearing) -> None:
    """All snapshots are as the sandbox has it, down to payments and contacts."""
    books = h.world.books()
    notes = {(one["id"], one["status"], float(one["total"])) for one in books["credit_notes"]}
    payments = {(one["id"], one["status"], float(one["amount"])) for one in books["payments"]}
    contacts = {(one["id"], one["status"], one["name"]) for one in books["contacts"]}
    invoices = {(one["id"], one["status"], float(one["amount_due"])) for one in books["invoices"]}
    assert held(h, "Invoices", "$.Status", "$.AmountDue") == invoices
    assert held(h, "CreditNotes", "$.Status", "$.Total") == notes
    assert held(h, "Payments", "$.Status", "$.Amount") == payments
    assert held(h, "Contacts", "$.ContactStatus", "$.Name") == contacts


def held(h: Hearing, resource: str, *fields: str) -> set[tuple[Any, ...]]:
    """The snapshots: id, and two fields each, a number as such."""
    statement = (
        "SELECT xero_id, json_extract(body, ?) AS status, json_extract(body, ?) AS value FROM documents "
        "WHERE resource = ?"
    )
    rows = h.world.rows(statement, *fields, resource)
    return {(row["xero_id"], row["status"], _number(row["value"])) for row in rows}


def _number(value: Any) -> Any:
    try:
        return float(value)
    except ValueError:
        return value


async def test_a_payment_by_hand_is_told_and_our_own_writes_are_ours(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002")
        created = await h.told("created")
        ours = [one for one in created if one.get("number", "").startswith("S1-")]
        assert {(one["number"], one["by"]) for one in ours} == {("S1-1001", "us"), ("S1-1002", "us")}
        reads = [call for call in h.world.sandbox.calls if call.method == "GET" and "IDs=" in call.query]
        assert len(reads) <= 1, "what our own write was answered needs no reading"

        await paid_by_hand(h, invoices["S1-1001"], 22.34)
        (paid,) = await h.told("paid")
        assert (paid["number"], paid["status"], paid["previous_status"]) == ("S1-1001", "PAID", "AUTHORISED")
        assert (paid["by"], paid["effect"]) == ("others", "shop-1:order:1001#invoice")
        assert (paid["amount_due"], paid["tenant"]) == ("0.00", "uk")
        assert await equal(h)


async def test_deliveries_that_come_twice_and_in_another_order_tell_nothing_twice(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002", "1003")
        h.world.sandbox.webhook.orders = Orders(double=2, reorder=2)
        for name in ("S1-1001", "S1-1002"):
            await paid_by_hand(h, invoices[name], 1.00)
            await h.world.sandbox.webhook.deliver()
        await eventually(lambda: _has(h, "part_paid", 2))
        for body in list(h.ears.bodies):
            await h.ears.take_in(body)
        await paid_by_hand(h, invoices["S1-1003"], 2.00)
        await eventually(lambda: _has(h, "part_paid", 3))
        await calm(h)
        numbers = [data["number"] for _, data in await h.news() if "part_paid" in data["changes"]]
        assert sorted(numbers) == ["S1-1001", "S1-1002", "S1-1003"]
        assert h.world.rows("SELECT * FROM gaps") == []


async def _has(h: Hearing, word: str, number: int) -> bool:
    return len([1 for _, data in await h.news() if word in data["changes"]]) >= number


async def test_a_persons_edit_and_ours_are_told_apart(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002")
        await by_hand(h, "PATCH", f"invoices/{invoices['S1-1001']['id']}", {"Reference": "asked by phone"})
        await h.world.feed([h.stream.order("1002", sequence=2, price="12.00")])
        await h.world.until_quiet()
        await eventually(lambda: _has(h, "edited", 2))
        await calm(h)
        edits = {data["number"]: data for _, data in await h.news() if "edited" in data["changes"]}
        assert (edits["S1-1001"]["by"], edits["S1-1002"]["by"]) == ("others", "us")
        reference = next(one for one in edits["S1-1001"]["fields"] if one["field"] == "Reference")
        assert reference["after"] == "asked by phone"
        assert reference["before"].startswith("1001 ")


async def test_a_persons_discount_and_tax_are_told_and_never_written_over(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002")
        for number, by_hand_told in (("S1-1001", {"DiscountRate": 10}), ("S1-1002", {"TaxAmount": 0})):
            mug, *others = lines_of(h, invoices[number]["id"])
            lines = [{**mug, **by_hand_told}, *others]
            await by_hand(h, "PATCH", f"invoices/{invoices[number]['id']}", {"LineItems": lines})
        await h.world.sandbox.webhook.deliver()
        await eventually(lambda: _has(h, "edited", 2))
        edits = {one["number"]: one for one in await h.told("edited")}
        assert {one["by"] for one in edits.values()} == {"others"}
        discounted, untaxed = ({one["field"] for one in edits[name]["fields"]} for name in ("S1-1001", "S1-1002"))
        assert discounted == {"LineItems", "Total", "AmountDue"}
        assert untaxed == {"TaxAmount"}
        await h.world.feed([h.stream.order(number, sequence=2, price="11.00") for number in ("1001", "1002")])
        await h.world.until(lambda: len(h.world.questions()) == 2)
        assert {one["kind"] for one in h.world.questions()} == {"changed_in_xero"}
        assert float(lines_of(h, invoices["S1-1001"]["id"])[0]["DiscountRate"]) == 10
        assert float(lines_of(h, invoices["S1-1002"]["id"])[0]["TaxAmount"]) == 0


def lines_of(h: Hearing, invoice_id: str) -> list[dict[str, Any]]:
    """The lines of an invoice as they were seen last, in what an edit of them takes."""
    (row,) = h.world.rows("SELECT body FROM documents WHERE xero_id = ?", invoice_id)
    return [
        {name: value for name, value in line.items() if name != "LineAmount"}
        for line in json.loads(row["body"])["LineItems"]
    ]


async def test_what_is_changed_is_read_many_at_a_time(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        numbers = [str(1000 + n) for n in range(30)]
        invoices = await booked(h, *numbers)
        before = len(h.world.sandbox.calls)
        for number in numbers:
            await paid_by_hand(h, invoices[f"S1-{number}"], 1.00)
        await eventually(lambda: _has(h, "part_paid", 30))
        assert len(h.world.sandbox.calls) - before <= 3
        assert h.world.sandbox.throttled == {"ordered": 0, "earned": 0}


async def test_webhooks_that_never_came_leave_a_gap_that_is_filled(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002")
        h.world.sandbox.webhook.orders = Orders(lose=1)
        await paid_by_hand(h, invoices["S1-1001"], 5.00)
        await h.world.sandbox.webhook.deliver()
        await paid_by_hand(h, invoices["S1-1002"], 5.00)
        await h.world.sandbox.webhook.deliver()
        await eventually(lambda: _has(h, "part_paid", 1))
        assert len(h.world.rows("SELECT * FROM gaps")) == 1
        # Later ones are waited for before the gap counts as one.
        assert await h.world.ledger.listening.gaps({"xero-1": ["uk"]}) == {}
        h.clock.ahead_s += 180
        assert await h.world.ledger.listening.gaps({"xero-1": ["uk"]}) == {"xero-1": 1}
        h.world.sender.wake()
        await eventually(lambda: _has(h, "part_paid", 2))
        await calm(h)
        assert await equal(h)
        assert await h.world.ledger.listening.gaps({"xero-1": ["uk"]}) == {}


async def test_without_any_webhook_the_lists_tell_it(tmp_path: Path) -> None:
    async with hearing(tmp_path, subscribed=False, every=dt.timedelta(minutes=30)) as h:
        await calm(h)
        invoices = await booked(h, "1001")
        h.clock.ahead_s += 1900
        h.world.sender.wake()
        await h.told("created")
        await calm(h)
        # The payment moves no list of invoices by itself in some cases: the list of payments names its invoice.
        await paid_by_hand(h, invoices["S1-1001"], 22.34)
        h.clock.ahead_s += 1900
        h.world.sender.wake()
        (paid,) = await h.told("paid")
        assert paid["number"] == "S1-1001"
        await calm(h)
        assert await equal(h)
        resources = {row["resource"] for row in h.world.rows("SELECT DISTINCT resource FROM documents")}
        assert resources >= {"Invoices", "Contacts", "Payments", "Accounts", "TaxRates", "Organisations"}


async def test_what_was_there_before_is_no_news(tmp_path: Path) -> None:
    async with hearing(tmp_path, subscribed=False) as h:
        await calm(h)
        assert await h.news() == []
        # The sandbox begins with a contact, which is remembered: its next change is news.
        (contact,) = h.world.books()["contacts"]
        await by_hand(h, "POST", f"contacts/{contact['id']}/restore", {})
        await h.world.ledger.listening.resync(["uk"], dt.datetime.now(dt.UTC) - dt.timedelta(hours=1), "asked for")
        h.world.sender.wake()
        (restored,) = await h.told("restored")
        assert (restored["status"], restored["by"]) == ("ACTIVE", "others")


async def test_the_clock_makes_an_invoice_overdue_once(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        # They were due long ago.
        invoices = await booked(h, "1001", "1002")
        await eventually(lambda: _has(h, "overdue", 2))
        # Another reading of one that is still owed tells it no second time, and payment is told as ever.
        await by_hand(h, "PATCH", f"invoices/{invoices['S1-1001']['id']}", {"Reference": "reminded"})
        await paid_by_hand(h, invoices["S1-1002"], 22.34)
        await h.told("edited")
        await h.told("paid")
        await calm(h)
        overdue = await h.told("overdue")
        assert sorted(one["number"] for one in overdue) == ["S1-1001", "S1-1002"]
        assert {one["by"] for one in overdue} == {"others"}


async def test_what_was_paid_in_time_while_nobody_listened_is_never_overdue(tmp_path: Path) -> None:
    async with hearing(tmp_path, subscribed=False) as h:
        await calm(h)
        tomorrow = h.clock.now().date() + dt.timedelta(days=1)
        await h.world.feed([h.stream.order(number, due_date=tomorrow) for number in ("1001", "1002")])
        await h.world.until_quiet()
        await paid_by_hand(h, by_number(h.world.books())["S1-1001"], 22.34)
        h.clock.ahead_s += 4 * 86_400
        h.world.sender.wake()
        (paid,) = await h.told("paid")
        assert paid["changes"] == ["paid"]
        (overdue,) = await h.told("overdue")
        assert (paid["number"], overdue["number"]) == ("S1-1001", "S1-1002")


async def test_a_ledger_that_was_away_while_xero_changed_catches_up(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002", "1003")
        h.ears.deaf = True
        await paid_by_hand(h, invoices["S1-1001"], 22.34)
        await by_hand(h, "PATCH", f"invoices/{invoices['S1-1002']['id']}", {"Status": "VOIDED"})
        customer = invoices["S1-1003"]["contact_id"]
        await by_hand(h, "PATCH", f"contacts/{customer}", {"Name": "Ada Newname", "EmailAddress": "ada@new.example"})
        await h.world.sandbox.webhook.deliver()
        assert not await _has(h, "voided", 1)
        # A day later the hourly lists and the nightly one have told it.
        h.clock.ahead_s += 86_400
        h.world.sender.wake()
        await eventually(lambda: _has(h, "voided", 1))
        await eventually(lambda: _has(h, "paid", 1))
        await calm(h)
        all_equal(h)
        # The webhooks come again, with a gap that tells of the day without them.
        h.ears.deaf = False
        h.world.sandbox.webhook.orders = Orders(lose=1)
        await paid_by_hand(h, invoices["S1-1003"], 5.00)
        await h.world.sandbox.webhook.deliver()
        await paid_by_hand(h, invoices["S1-1003"], 1.00)
        await h.world.sandbox.webhook.deliver()
        await eventually(lambda: _has(h, "part_paid", 1))
        h.clock.ahead_s += 86_400
        h.world.sender.wake()
        await calm(h)
        all_equal(h)


@pytest.mark.parametrize("answer", ["503", "401", "403", "429-minute", "drop"])
async def test_a_reading_that_fails_is_done_again(tmp_path: Path, answer: Answer) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001")
        h.world.sandbox.order(Fault(path="/Invoices", method="GET", answer=answer, retry_after_s=_AGAIN_S.get(answer)))
        await paid_by_hand(h, invoices["S1-1001"], 22.34)
        if answer == "403":
            await eventually(lambda: _is_stopped(h))
            await h.world.ledger.stops.lift(tenant="uk", actor="ada")
            h.world.sender.wake()
        (paid,) = await h.told("paid")
        assert paid["number"] == "S1-1001"


_AGAIN_S = {"429-minute": 1, "503": 1}


async def _is_stopped(h: Hearing) -> bool:
    return bool(await h.world.ledger.stops.list())


async def test_money_that_a_person_recorded_is_not_booked_twice(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002")
        for name in ("S1-1001", "S1-1002"):
            await paid_by_hand(h, invoices[name], 10.00)
        await eventually(lambda: _has(h, "part_paid", 2))
        await h.world.feed([h.stream.payment("1001", "10.00"), h.stream.payment("1002", "10.00")])
        await h.world.until(lambda: len(h.world.questions()) == 2)
        asked = {one["command_id"]: one["question_id"] for one in h.world.questions()}
        assert {one["kind"] for one in h.world.questions()} == {"paid_by_hand"}
        await h.world.ledger.questions.answer(asked["stripe-1:paid-pi_1001#payment"], "adopt", "ada")
        await h.world.ledger.questions.answer(asked["stripe-1:paid-pi_1002#payment"], "source", "ada")
        h.world.sender.wake()
        await h.world.until_quiet()
        by_name = by_number(h.world.books())
        assert (by_name["S1-1001"]["amount_paid"], by_name["S1-1002"]["amount_paid"]) == ("10.00", "20.00")
        # The payment by hand is the effect's document from now on: taken back at the source, it is taken back here.
        await h.world.feed([h.stream.reversal("pi_1001")])
        await h.world.until_quiet()
        assert by_number(h.world.books())["S1-1001"]["amount_paid"] == "0.00"


async def test_a_moved_lock_date_is_noticed_before_the_refusal(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        await booked(h, "1001")
        h.world.sandbox.set_organisation(h.world.tenant_id, period_lock_date=dt.date(2026, 11, 22))
        # What is known of it is hours old, and is read again by the time.
        h.clock.ahead_s += 7 * 3600
        h.world.sender.wake()
        await calm(h)
        refused = len([call for call in h.world.sandbox.calls if call.method == "PUT"])
        await h.world.feed([h.stream.order("1002", customer="c1001")])
        await h.world.until(lambda: h.world.letters())
        (letter,) = h.world.letters()
        assert (letter["cause"], letter["stage"]) == ("period_locked", "plan")
        assert len([call for call in h.world.sandbox.calls if call.method == "PUT"]) == refused
        # It was moved back a moment ago, which is seen before anything is refused by what was known.
        h.world.sandbox.set_organisation(h.world.tenant_id, period_lock_date=None)
        h.clock.ahead_s += 1200
        await h.world.feed([h.stream.order("1003", customer="c1001")])
        await h.world.until(lambda: "S1-1003" in by_number(h.world.books()))
