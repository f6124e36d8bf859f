"""ask, pause, resume, stops, trace and audit, as they are typed."""

import re
import sqlite3

import pytest

from schemas.commands import Evidence
from streams.core.results import Asked, Option, Rejected
from streams.core.settle import stop_for
from streams.ledger import Ledger
from tests.support.desk import Office, order
from tests.support.ledger import opened, post_all, posted, settled

INVOICE = "shop-1:e1#invoice"


async def ask_about_the_invoice(ledger: Ledger) -> None:
    [contact] = (await ledger.situation.read("uk")).ready
    ticket = await opened(ledger, contact.command_id)
    await settled(ledger, ticket, posted(contact.command_id, "Contacts"))
    asked = Asked(
        command_id=INVOICE,
        kind="number_taken",
        text="Xero has an invoice S1-1001 that is not ours",
        ours={"Total": "12.00"},
        theirs={"Total": "99.00"},
        options=(Option("keep", "leaves it and books nothing"), Option("discard", "books nothing")),
    )
    await settled(ledger, await opened(ledger, INVOICE), asked)


async def reject_the_contact(ledger: Ledger) -> None:
    [contact] = (await ledger.situation.read("uk")).ready
    evidence = Evidence(
        message="Ada is archived", remedy="Restore it, then `ledgerstream dlq replay ID`.", http_status=400
    )
    rejected = Rejected(command_id=contact.command_id, cause="archived_contact", evidence=evidence)
    await settled(ledger, await opened(ledger), rejected)


def test_a_question_shows_both_sides_and_is_answered(office: Office) -> None:
    office.take_in(order("e1", "1001"))
    office.on_ledger(ask_about_the_invoice)
    [question] = office.type("ledgerstream ask list --json").json
    assert (question["ours"], question["theirs"]) == ({"Total": "12.00"}, {"Total": "99.00"})
    shown = office.type("ledgerstream ask list").out
    command = next(line.strip() for line in shown.splitlines() if line.strip().endswith(" discard"))
    assert "12.00" in shown
    assert "books nothing" in shown
    wrong = office.type(command.removesuffix("discard") + "shred")
    assert (wrong.code, "keep, discard" in wrong.error) == (4, True)
    assert office.type(f"{command} --dry-run --json").json["dry_run"]
    assert len(office.type("ledgerstream ask list --json").json) == 1
    assert office.type(command).code == 0
    assert office.type("ledgerstream ask list --json").json == []
    assert office.type("ledgerstream audit --json").json["dispositions"]["discarded"] == 1


def test_what_is_paused_is_listed_and_resumed(office: Office) -> None:
    office.take_in(order("e1", "1001"))
    wrong = office.type("ledgerstream pause --tenant ux --reason x")
    assert (wrong.code, "uk" in wrong.error) == (2, True)
    assert office.type("ledgerstream pause --tenant uk --reason 'year end' --dry-run").code == 0
    assert office.type("ledgerstream stops --json").json == []
    done = office.type("ledgerstream pause --tenant uk --reason 'year end' --json").json
    assert done == {"tenant": "uk", "source": None, "stopped": True, "changed": True, "dry_run": False}
    [stop] = office.type("ledgerstream stops --json").json
    assert (stop["tenant"], stop["reason"]) == ("uk", "year end")
    assert "organisation uk" in office.type("ledgerstream stops").out
    assert office.type("ledgerstream audit --json").json["waiting"] == {"dependency": 1, "stop": 1}
    missed = office.type("ledgerstream resume")
    assert (missed.code, "organisation uk" in missed.error) == (1, True)
    assert office.type("ledgerstream resume --tenant uk").code == 0
    assert office.type("ledgerstream stops --json").json == []


@pytest.mark.parametrize("remedy", [None, "Check LEDGERSTREAM_XERO_CLIENT_ID and LEDGERSTREAM_XERO_CLIENT_SECRET"])
def test_the_printed_remedy_of_a_stop_lifts_it(office: Office, remedy: str | None) -> None:
    stop = stop_for("auth", "Xero gives no access token (invalid_client)", remedy)

    async def refuse(ledger: Ledger) -> None:
        await ledger.stops.add(tenant="uk", reason="no token", actor="sender", remedy=stop.evidence.remedy)

    office.on_ledger(refuse)
    shown = office.type("ledgerstream stops").out
    assert (remedy or "client id and secret") in shown
    [printed] = re.findall(r"`(ledgerstream resume[^`]*)`", shown)
    assert office.type(printed).code == 0
    assert office.type("ledgerstream stops --json").json == []


@pytest.mark.parametrize("key", ["shop-1:order:1001", "shop-1:e1", INVOICE])
def test_the_story_of_a_posted_order(office: Office, key: str) -> None:
    office.take_in(order("e1", "1001"))
    office.on_ledger(post_all)
    typed = office.type(f"ledgerstream trace {key} --json")
    story = typed.json
    assert typed.code == 0
    assert {one["state"] for one in story["commands"]} == {"posted"}
    assert [one["status"] for one in story["calls"]] == [200, 200]
    assert story["happened"] == sorted(story["happened"], key=lambda one: one["at"])
    told = office.type(f"ledgerstream trace {key}").out
    assert "OrderPlaced came" in told
    assert "correlation id corr-1" in told
    assert " UTC" in told


def test_the_story_of_a_refused_order_names_the_remedy_and_who_waits(office: Office) -> None:
    office.take_in(order("e1", "1001"))
    office.on_ledger(reject_the_contact)
    told = office.type("ledgerstream trace shop-1:order:1001").out
    [letter] = office.type("ledgerstream dlq list --json").json
    assert "dead_dependency" in told
    assert letter["command"] in told
    shown = office.type(f"ledgerstream dlq show {letter['short_id']} --json").json
    assert [one["command_id"] for one in shown["waiting_for_it"]] == [INVOICE]
    refused = office.type(f"ledgerstream dlq discard {letter['id']} --reason gone")
    assert (refused.code, "--followers" in refused.error) == (4, True)
    assert office.type(f"ledgerstream dlq discard {letter['id']} --reason gone --followers").code == 0


def test_an_unknown_key_names_the_nearest(office: Office) -> None:
    office.take_in(order("e1", "1001"))
    typed = office.type("ledgerstream trace shop-1:order:100")
    assert (typed.code, "shop-1:order:1001" in typed.error) == (1, True)
    assert office.type("ledgerstream trace zzz").code == 1


def test_the_sum_of_the_audit_adds_up(office: Office) -> None:
    first = order("e1", "1001")
    office.take_in(first, order("e2", "1002", rate="17.5"), first, order("e3", "1003"))
    typed = office.type("ledgerstream audit --json")
    audit = typed.json
    assert typed.code == 0
    assert set(audit) == {
        "ok",
        "records",
        "events",
        "duplicates",
        "refused",
        "dispositions",
        "waiting",
        "open_dead_letters",
        "open_questions",
        "unpublished",
        "reread",
        "topics",
        "problems",
        "egress",
    }
    assert (audit["records"], audit["events"], audit["duplicates"], audit["refused"]) == (4, 2, 1, 1)
    assert sum(audit["dispositions"].values()) + audit["duplicates"] == audit["records"]
    assert audit["open_dead_letters"] == {"data": 1}
    assert "The audit holds." in office.type("ledgerstream audit").out


def test_an_audit_that_does_not_hold_ends_with_1(office: Office) -> None:
    office.take_in(order("e1", "1001"), order("e2", "1002", rate="17.5"))
    database = sqlite3.connect(office.url.removeprefix("sqlite:///"))
    database.execute("DELETE FROM dead_letters")
    database.commit()
    database.close()
    typed = office.type("ledgerstream audit --json")
    assert typed.code == 1
    assert any("events.orders/0" in problem for problem in typed.json["problems"])
