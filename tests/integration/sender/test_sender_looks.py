"""What is known of Xero is up to date where that matters: before money goes, before a closed period, in each page."""

import datetime as dt
from pathlib import Path

import pytest

from connectors.xero.sandbox.faults import Fault
from connectors.xero.sandbox.webhooks.orders import Orders
from streams.core import surveys
from tests.integration.sender.ears import Hearing, eventually, hearing
from tests.integration.sender.test_sender_books import by_number
from tests.integration.sender.test_sender_hears import booked, by_hand, calm, equal, held, paid_by_hand


async def test_a_payment_by_hand_whose_webhook_was_lost_is_seen_before_ours_goes(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002", "1003")
        h.clock.ahead_s += 60
        h.world.sandbox.webhook.orders = Orders(lose=1)
        await paid_by_hand(h, invoices["S1-1001"], 10.00)
        await h.world.sandbox.webhook.deliver()
        before = len(h.world.sandbox.calls)
        await h.world.feed([h.stream.payment(number, "10.00") for number in ("1001", "1002", "1003")])
        await h.world.until(lambda: h.world.questions())
        await h.world.until_quiet()
        (asked,) = h.world.questions()
        assert (asked["kind"], asked["command_id"]) == ("paid_by_hand", "stripe-1:paid-pi_1001#payment")
        by_name = by_number(h.world.books())
        assert {by_name[f"S1-{number}"]["amount_paid"] for number in ("1001", "1002", "1003")} == {"10.00"}
        calls = [(call.method, call.path.split("/")[-1]) for call in h.world.sandbox.calls[before:]]
        assert calls[:2] == [("GET", "Invoices"), ("PUT", "Payments")], "one reading for all of them"
        # What is paid in full cannot be paid twice: that needs no reading.
        h.clock.ahead_s += 60
        before = len(h.world.sandbox.calls)
        await h.world.feed([h.stream.payment("1002", "12.34", identifier="pi_rest")])
        await h.world.until(lambda: by_number(h.world.books())["S1-1002"]["amount_due"] == "0.00")
        assert h.world.sandbox.calls[before].method == "PUT"


async def test_a_webhook_that_is_made_anew_is_counted_anew(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002", "1003", "1004")
        listening, webhook = h.world.ledger.listening, h.world.sandbox.webhook
        # A gap of the old one, and its first delivery once more, which is as old as it was.
        webhook.orders = Orders(lose=1)
        await paid_by_hand(h, invoices["S1-1001"], 5.00)
        await webhook.deliver()
        await paid_by_hand(h, invoices["S1-1002"], 5.00)
        await webhook.deliver()
        await h.ears.take_in(h.ears.bodies[0])
        (gap,) = h.world.rows("SELECT * FROM gaps")
        assert gap["first"] == gap["last"] > 1

        assert webhook.subscription is not None
        url = webhook.subscription.url
        webhook.unsubscribe()
        h.clock.ahead_s += 60
        await paid_by_hand(h, invoices["S1-1003"], 5.00)
        assert (await webhook.subscribe(url, "the webhook key")).status == "ok"
        webhook.orders = Orders(lose=1)
        for amount in (1.00, 2.00):
            await paid_by_hand(h, invoices["S1-1004"], amount)
            await webhook.deliver()
        (anew,) = h.world.rows("SELECT * FROM gaps")
        assert (anew["first"], anew["last"], anew["since"]) == (0, 1, gap["since"])
        h.clock.ahead_s += 180
        assert await listening.gaps({"xero-1": ["uk"]}) == {"xero-1": 1}
        assert {row["reason"] for row in h.world.rows("SELECT reason FROM surveys WHERE name = 'Invoices'")} == {
            "the webhook of xero-1 was made anew, and the first 1 of it did not come"
        }
        h.world.sender.wake()
        await eventually(lambda: equal(h))
        await calm(h)
        told = await h.told("part_paid")
        assert {one["number"] for one in told} == {"S1-1001", "S1-1002", "S1-1003", "S1-1004"}
        # What is lost from now on leaves a gap as ever.
        webhook.orders = Orders(lose=1)
        for amount in (1.00, 2.00):
            await paid_by_hand(h, invoices["S1-1001"], amount)
            await webhook.deliver()
        (gap,) = h.world.rows("SELECT * FROM gaps")
        assert gap["first"] == gap["last"] == 3


@pytest.mark.parametrize("adviser", [False, True])
async def test_what_stands_in_a_closed_period_is_not_touched(tmp_path: Path, adviser: bool) -> None:
    async with hearing(tmp_path) as h:
        before = await booked(h, "1001", "1002")
        h.world.sandbox.set_organisation(h.world.tenant_id, period_lock_date=dt.date(2026, 11, 22), adviser=adviser)
        # The settings were read ten minutes ago, so they are read anew before anything is written into the past.
        h.clock.ahead_s += 700
        changes = [h.stream.order("1001", sequence=2, price="12.00"), h.stream.cancel("1002"), h.stream.order("1003")]
        sent = len([call for call in h.world.sandbox.calls if call.method != "GET"])
        await h.world.feed(changes)
        await h.world.until(lambda: len(h.world.letters()) == 3)
        found = {(one["cause"], one["stage"]) for one in h.world.letters()}
        assert found == {("period_locked", "plan")}
        after = by_number(h.world.books())
        assert {name: (one["status"], one["total"]) for name, one in after.items()} == {
            name: (one["status"], one["total"]) for name, one in before.items()
        }
        # The customer of the new order is in no period.
        assert len([call for call in h.world.sandbox.calls if call.method != "GET"]) == sent + 1


async def test_what_is_changed_while_its_list_is_read_page_by_page_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "PAGE", 3)
    async with hearing(tmp_path, subscribed=False) as h:
        numbers = [str(1001 + n) for n in range(7)]
        invoices = await booked(h, *numbers)
        for path in ("/Invoices$", "/Contacts$"):
            h.world.sandbox.order(Fault(path=path, method="GET", answer="503", nth=2, retry_after_s=1))
        for number in numbers:
            invoice = invoices[f"S1-{number}"]
            h.clock.ahead_s += 3
            await by_hand(h, "PATCH", f"invoices/{invoice['id']}", {"Status": "VOIDED"})
            await by_hand(h, "PATCH", f"contacts/{invoice['contact_id']}", {"EmailAddress": f"{number}@new.example"})
        h.clock.ahead_s += 3700
        h.world.sender.wake()
        begun = "SELECT 1 FROM surveys WHERE name IN ('Invoices', 'Contacts') AND began_at IS NOT NULL"
        await h.world.until(lambda: len(h.world.rows(begun)) == 2 and not _is_due(h))
        # The second page is asked for in five minutes; what was read of the first moves to the end of the list.
        first = invoices["S1-1001"]
        await by_hand(h, "PATCH", f"contacts/{first['contact_id']}", {"Name": "Ada Newname"})
        await by_hand(h, "PATCH", f"contacts/{first['contact_id']}", {"EmailAddress": "ada@new.example"})
        h.clock.ahead_s += 400
        h.world.sender.wake()
        await h.world.until(lambda: not h.world.rows(begun))
        await calm(h)
        emails = {one["email"] for one in h.world.books()["contacts"]}
        assert {value for _, _, value in held(h, "Contacts", "$.Name", "$.EmailAddress")} >= {
            *(f"{number}@new.example" for number in numbers[1:]),
            "ada@new.example",
        }, emails
        assert await equal(h)
        # No webhook told of any of it, which is counted.
        # The calendar makes an invoice overdue, and no list.
        of_people = [one for _, one in await h.news() if one["by"] == "others" and one["changes"] != ["overdue"]]
        assert h.world.counts.listed["xero-1"] == len(of_people) > 7


def _is_due(h: Hearing) -> bool:
    now = h.clock.now().strftime("%Y-%m-%d %H:%M:%S.%f")
    return bool(h.world.rows("SELECT 1 FROM surveys WHERE next_at <= ?", now))


async def test_what_is_booked_for_a_merged_contact_goes_to_the_one_that_is_left(tmp_path: Path) -> None:
    async with hearing(tmp_path) as h:
        invoices = await booked(h, "1001", "1002", "1003")
        first, second, third = (invoices[f"S1-{number}"]["contact_id"] for number in ("1001", "1002", "1003"))
        merge = "contacts/{}/merge"
        await by_hand(h, "POST", merge.format(first), {"into": second})
        await eventually(lambda: _is_merged(h, 1))
        await h.world.feed([h.stream.order("1004", customer="c1001")])
        await h.world.until_quiet()
        await by_hand(h, "POST", merge.format(second), {"into": third})
        await eventually(lambda: _is_merged(h, 2))
        await h.world.feed([h.stream.order("1005", customer="c1001"), h.stream.order("1006", customer="c1002")])
        await h.world.until_quiet()
        assert h.world.letters() == []
        found = by_number(h.world.books())
        assert [found[f"S1-{number}"]["contact_id"] for number in ("1004", "1005", "1006")] == [second, third, third]


async def _is_merged(h: Hearing, number: int) -> bool:
    merged = "SELECT 1 FROM documents WHERE json_extract(body, '$.MergedToContactID') IS NOT NULL"
    return len(h.world.rows(merged)) == number
