"""`ledgerstream sources list`, on a real ledger."""

import datetime as dt

import msgspec

from schemas.commands import Evidence, Ignored, RefusedEvent
from schemas.envelope import VIA_SWEEP
from streams import tenants
from streams.desk.hearing import SILENT_AFTER, Heard, views
from streams.ledger import Ledger
from streams.tenants import FoundSource
from tests.support.desk import SECRETS, Office, order
from tests.support.ledger import order_placed, record, take_in


def take_in_one_of_each(office: Office) -> None:
    """An order of shop-1, a request of stripe-1 that was ignored, and a dead letter of crm-1."""

    async def work(ledger: Ledger) -> None:
        ignored = record("evt_1", Ignored("moves no money"), 0, topic="raw", source="stripe-1")
        evidence = Evidence(message="no name", field="name", value=None, remedy="add it")
        letter = RefusedEvent(cause="data", stage="translate", evidence=evidence)
        await take_in(
            ledger,
            msgspec.structs.replace(ignored, event_key=None),
            record("c1", letter, 1, topic="events.contacts", source="crm-1"),
            at=10,
        )

    office.take_in(order("e1", "1001"))
    office.on_ledger(work)


def test_each_source_is_listed_with_what_was_heard_of_it(office: Office) -> None:
    take_in_one_of_each(office)
    listed = office.type("ledgerstream sources list --json")
    assert listed.code == 0, listed.error
    assert [(one["name"], one["connector"], one["state"]) for one in listed.json] == [
        ("shop-1", "cloudevents", "receiving"),
        ("shop-2", "cloudevents", "never heard"),
        ("crm-1", "cloudevents", "receiving"),
        ("jobs-1", "cloudevents", "never heard"),
        ("stripe-1", "stripe", "receiving"),
    ]
    shop, silent, *_, stripe = listed.json
    last = dt.datetime.fromisoformat(shop["last_heard"])
    assert abs(dt.datetime.now(dt.UTC) - last) < dt.timedelta(minutes=5)
    assert silent["last_heard"] is None
    assert stripe["alive_by"] == "by the webhooks that it sends, and by a sweep where it has an api"
    shown = office.type("ledgerstream sources list").out
    assert f"shop-1    cloudevents  receiving    {last:%Y-%m-%d %H:%M:%S} UTC" in shown


def test_a_source_that_was_heard_and_is_not_any_more_is_silent(office: Office) -> None:
    take_in_one_of_each(office)
    heard = office.on_ledger(lambda ledger: ledger.figures.last_heard())
    assert set(heard) == {"shop-1", "stripe-1", "crm-1"}
    configured = tenants.sources_of(office.tenants, SECRETS)
    for later, state in ((dt.timedelta(0), "receiving"), (dt.timedelta(seconds=1), "silent")):
        shop, never, *_ = views(configured, Heard(last=heard, sweeps={}), heard["shop-1"] + SILENT_AFTER + later)
        assert (shop.state, never.state) == (state, "never heard")


def test_a_source_is_silent_by_its_own_hours_of_business(office: Office) -> None:
    take_in_one_of_each(office)
    sources = office.tenants / "sources.yaml"
    hours = "{gap_hours: 2, time_zone: Europe/London, days: [mon, tue, wed, thu, fri], opens: '09:00', closes: '17:00'}"
    sources.write_text(sources.read_text().replace("  shop-1:\n", f"  shop-1:\n    expected: {hours}\n"))
    configured = tenants.sources_of(office.tenants, SECRETS)
    friday = dt.datetime(2026, 11, 27, 16, 0, tzinfo=dt.UTC)
    heard = Heard(last={"shop-1": friday}, sweeps={})
    for now, state in (
        (friday + dt.timedelta(days=2), "receiving"),
        (dt.datetime(2026, 11, 30, 9, 59, tzinfo=dt.UTC), "receiving"),
        (dt.datetime(2026, 11, 30, 10, 1, tzinfo=dt.UTC), "silent"),
    ):
        assert views(configured, heard, now)[0].state == state


def test_an_api_that_fails_or_has_switched_our_webhooks_off_is_told(office: Office) -> None:
    take_in_one_of_each(office)

    async def swept(ledger: Ledger, **state: bool | None) -> None:
        await ledger.sweeps.lead("shop-2", "one", 60)
        await ledger.sweeps.ended("shop-2", "one", is_active=True, subscription="on")
        await ledger.sweeps.lead("jobs-1", "one", 60)
        await ledger.sweeps.ended("jobs-1", "one", is_active=False, subscription="the shop deleted our webhooks")
        await ledger.sweeps.lead("crm-1", "one", 60)
        await ledger.sweeps.failed("crm-1", "one", "crm.example answered 401", "Put a valid token there.")

    office.on_ledger(swept)
    listed = office.type("ledgerstream sources list --json")
    assert listed.code == 1
    by_name = {one["name"]: one for one in listed.json}
    # Never heard, and alive all the same: it answers, and has nothing to tell.
    assert (by_name["shop-2"]["state"], by_name["shop-2"]["last_heard"]) == ("receiving", None)
    assert by_name["shop-2"]["last_swept"] is not None
    assert (by_name["jobs-1"]["state"], by_name["crm-1"]["state"]) == ("webhooks off", "not swept")
    assert by_name["crm-1"]["problems"] == ["crm-1: crm.example answered 401. Put a valid token there."]
    assert "the shop deleted our webhooks" in office.type("ledgerstream sources list").out


def test_webhooks_that_do_not_come_are_told_of_by_what_the_sweep_finds(office: Office) -> None:
    take_in_one_of_each(office)
    before = office.on_ledger(lambda ledger: ledger.figures.last_heard())["shop-1"]

    async def swept(ledger: Ledger) -> None:
        now = dt.datetime.now(dt.UTC)
        await ledger.sweeps.lead("shop-1", "one", 60)
        await ledger.sweeps.ended("shop-1", "one", is_active=True, subscription="on")
        found = [
            msgspec.structs.replace(order_placed(f"s{n}", f"20{n}", 10 + n), headers=(VIA_SWEEP,), event_time=now)
            for n in range(4)
        ]
        request = record("asked", Ignored("a draft"), 20, topic="raw")
        ignored = msgspec.structs.replace(request, event_key=None, headers=(("ls_swept", b"orders"),))
        await take_in(ledger, *found, ignored, at=100)

    office.on_ledger(swept)
    listed = office.type("ledgerstream sources list --json")
    assert listed.code == 1
    [shop] = [one for one in listed.json if one["name"] == "shop-1"]
    assert shop["state"] == "webhooks failing"
    assert shop["problems"][0].startswith("shop-1: 4 of the 5 events of the last 24 hours were found by the sweep")
    # What the sweep found is not what the source told.
    assert dt.datetime.fromisoformat(shop["last_heard"]) == before
    assert dt.datetime.fromisoformat(shop["last_swept"]) > before
    assert "4 of the 5 events" in office.type("ledgerstream sources list").out


def test_what_is_read_of_xero_is_its_sweep() -> None:
    found = {"xero-1": FoundSource(connector="xero", problems=())}
    now = dt.datetime(2026, 11, 28, 12, 0, tzinfo=dt.UTC)
    long_ago, lately = now - dt.timedelta(hours=30), now - dt.timedelta(minutes=20)
    (silent,) = views(found, Heard(last={"xero-1": long_ago}, sweeps={}), now)
    (alive,) = views(found, Heard(last={"xero-1": long_ago}, sweeps={}, surveyed=lately), now)
    assert (silent.state, silent.last_swept) == ("silent", None)
    assert (alive.state, alive.last_swept, alive.last_heard) == ("receiving", lately, long_ago)
    (unasked,) = views(found, None, now)
    assert (unasked.state, unasked.last_swept) == ("not asked", None)


def test_what_keeps_a_source_from_being_heard_is_told_beside_the_others(office: Office) -> None:
    take_in_one_of_each(office)
    del office.settings["LEDGERSTREAM_SECRET_STRIPE_1"]
    sources = office.tenants / "sources.yaml"
    sources.write_text(sources.read_text() + "  erp-1:\n    connector: outbox\n")
    listed = office.type("ledgerstream sources list --json")
    assert listed.code == 1
    by_name = {one["name"]: one for one in listed.json}
    assert by_name["shop-1"]["state"] == "receiving"
    assert (by_name["stripe-1"]["state"], by_name["erp-1"]["state"]) == ("misconfigured", "misconfigured")
    [unset] = by_name["stripe-1"]["problems"]
    assert "the environment variable LEDGERSTREAM_SECRET_STRIPE_1 is not set" in unset
    no_database, no_route = by_name["erp-1"]["problems"]
    assert "sources.erp-1.database is missing" in no_database
    assert "no tenant file has a route for it" in no_route
    shown = office.type("ledgerstream sources list")
    assert shown.code == 1
    assert f"✗ {unset[:60]}" in shown.out


def test_a_tenant_file_that_is_broken_hides_no_source(office: Office) -> None:
    take_in_one_of_each(office)
    (office.tenants / "uk.yaml").write_text("version: 1\n")
    listed = office.type("ledgerstream sources list --json")
    assert [one["state"] for one in listed.json][:2] == ["receiving", "never heard"], "the route may be in that file"
    (office.tenants / "sources.yaml").write_text("sources: 7\n")
    broken = office.type("ledgerstream sources list --json")
    assert (broken.code, "sources.yaml" in broken.error) == (2, True)


def test_what_is_misconfigured_is_told_before_there_is_a_ledger(office: Office) -> None:
    del office.settings["LEDGERSTREAM_SECRET_STRIPE_1"]
    listed = office.type("ledgerstream sources list")
    assert (listed.code, "There is no ledger at" in listed.error) == (3, True)
    assert listed.out.count("not asked") == 4
    assert "the environment variable LEDGERSTREAM_SECRET_STRIPE_1 is not set" in " ".join(listed.out.split())
