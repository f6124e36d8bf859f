"""What Xero answers to a write of ours is told at once, so that what people do next is told as theirs."""

import datetime as dt
from pathlib import Path

from streams.desk.story import story_of
from tests.integration.sender.ears import Hearing, hearing
from tests.integration.sender.test_sender_hears import booked, by_hand, calm

HALF_HOUR = dt.timedelta(minutes=30)


async def swept(h: Hearing) -> None:
    """Half an hour passes, and the lists are read."""
    h.clock.ahead_s += 1900
    h.world.sender.wake()
    await calm(h)


async def told_of(h: Hearing, document: str) -> list[tuple[tuple[str, ...], str]]:
    """What is told of one document, in order: the changes, and by whom. All are due long ago, which the clock tells."""
    return [
        (tuple(data["changes"]), data["by"])
        for _, data in await h.news()
        if data["changes"] != ["overdue"]
        and document in (data.get("invoice_id"), data.get("contact_id") if "name" in data else None)
    ]


async def test_without_webhooks_what_people_do_after_our_write_is_told_and_not_what_we_did(tmp_path: Path) -> None:
    async with hearing(tmp_path, subscribed=False, every=HALF_HOUR) as h:
        invoices = await booked(h, "1001", "1002", "1003")
        told = [(data["changes"], data["by"]) for _, data in await h.news() if data["changes"] != ["overdue"]]
        assert told == [(["created"], "us")] * 6
        first, second, third = (invoices[f"S1-100{n}"] for n in (1, 2, 3))
        await by_hand(h, "PATCH", f"invoices/{first['id']}", {"Reference": "asked by phone"})
        await by_hand(h, "PATCH", f"invoices/{second['id']}", {"SentToContact": True, "DueDate": "2027-01-01"})
        await by_hand(h, "PATCH", f"contacts/{first['contact_id']}", {"FirstName": "Ada"})
        await by_hand(h, "POST", f"contacts/{third['contact_id']}/archive", {})
        await by_hand(h, "POST", f"contacts/{second['contact_id']}/merge", {"into": first["contact_id"]})
        await swept(h)
        created = (("created",), "us")
        assert await told_of(h, first["id"]) == [created, (("edited",), "others")]
        assert await told_of(h, second["id"]) == [created, (("sent", "edited"), "others")]
        assert await told_of(h, first["contact_id"]) == [created, (("edited",), "others")]
        assert await told_of(h, third["contact_id"]) == [created, (("archived",), "others")]
        assert await told_of(h, second["contact_id"]) == [created, (("merged",), "others")]
        story = story_of("S1-1002", await h.world.ledger.timeline.trace("S1-1002"), h.clock.now())
        shown = [(one.about, one.text) for one in story.happened if one.text.startswith("in Xero, not by us: sent")]
        before = invoices["S1-1002"]["due_date"]
        assert shown == [
            (
                "S1-1002",
                "in Xero, not by us: sent, edited: "
                f"DueDate {before} → 2027-01-01; SentToContact False → True; overdue True → False",
            )
        ]


async def test_what_planning_reads_of_a_persons_edit_is_told_before_our_own_change(tmp_path: Path) -> None:
    async with hearing(tmp_path, subscribed=False, every=HALF_HOUR) as h:
        invoice = (await booked(h, "1001"))["S1-1001"]
        await by_hand(h, "PATCH", f"invoices/{invoice['id']}", {"Reference": "asked by phone"})
        await h.world.feed([h.stream.order("1001", sequence=2, price="12.00")])
        await h.world.until_quiet()
        await h.world.feed([h.stream.cancel("1001", sequence=3)])
        await h.world.until_quiet()
        changes = [(("created",), "us"), (("edited",), "others"), (("edited",), "us"), (("voided",), "us")]
        assert await told_of(h, invoice["id"]) == changes
        by_a_person, by_us = await h.told("edited")
        assert [one["field"] for one in by_a_person["fields"]] == ["Reference"]
        assert "Reference" not in {one["field"] for one in by_us["fields"]}
        # Nothing of it is told again when the lists show it.
        await swept(h)
        assert await told_of(h, invoice["id"]) == changes
