"""What becomes an event of the sandbox's webhook, and what it looks like."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.base import HttpRequest, Secret, SourceConfig
from connectors.xero.verify import verify
from connectors.xero.webhook import parse
from tests.contract.xero_sandbox.ear import KEY, START, Line, line, until

INVOICE: dict[str, Any] = {
    "Type": "ACCREC",
    "Status": "AUTHORISED",
    "Contact": {"Name": "Ann"},
    "InvoiceNumber": "A-1",
    "Date": "2026-09-14",
    "DueDate": "2026-09-30",
    "LineItems": [{"Description": "Mug", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}],
}
BILL = {**INVOICE, "Type": "ACCPAY", "InvoiceNumber": "B-1"}
NOTE = {**INVOICE, "Type": "ACCRECCREDIT", "CreditNoteNumber": "N-1"}
PAY = {"Invoice": {"InvoiceNumber": "A-1"}, "Account": {"Code": "090"}, "Amount": 4, "Date": "2026-09-15"}


async def test_an_event_says_where_what_and_when_and_nothing_of_the_content() -> None:
    async with line() as talk:
        note = (await talk.wire.call("PUT", "/CreditNotes", NOTE)).json["CreditNotes"][0]
        await talk.deliver()
        [body] = talk.ear.deliveries
        contact, credit = body["events"]
        assert credit == {
            "resourceUrl": f"{talk.wire.address.api_url}/CreditNotes/{note['CreditNoteID']}",
            "resourceId": note["CreditNoteID"],
            "tenantId": talk.wire.tenant,
            "tenantType": "ORGANISATION",
            "eventCategory": "CREDITNOTE",
            "eventType": "CREATE",
            "eventDateUtc": "2026-09-14T08:00:00.123",
            "data": {"Type": "ACCRECCREDIT", "Status": "AUTHORISED"},
        }
        assert (contact["resourceId"], "data" in contact) == (note["Contact"]["ContactID"], False)
        assert {name: type(value) for name, value in body.items()} == {
            "events": list, "firstEventSequence": int, "lastEventSequence": int, "entropy": str
        }  # fmt: skip


Act = Callable[[Line, dict[str, str]], Awaitable[Any]]


async def prepared(talk: Line) -> dict[str, str]:
    """Ids of a contact, an invoice with a payment of 4, a bill and a credit note, all of them told already."""
    ids = {}
    for name, path, document in (
        ("bill", "Invoices", BILL),
        ("note", "CreditNotes", NOTE),
        ("invoice", "Invoices", INVOICE),
    ):
        made = (await talk.wire.call("PUT", f"/{path}", document)).json[path][0]
        ids[name] = made[f"{path[:-1]}ID"]
        ids["contact"] = made["Contact"]["ContactID"]
    ids["payment"] = (await talk.wire.call("PUT", "/Payments", PAY)).json["Payments"][0]["PaymentID"]
    ids["other"] = await talk.contact("Bea")
    await talk.deliver()
    talk.ear.posts.clear()
    return ids


async def by_api(talk: Line, path: str, body: Any, method: str = "POST") -> None:
    assert (await talk.wire.call(method, path, body)).status == 200


async def by_hand(talk: Line, method: str, path: str, body: Any = None) -> None:
    assert (await talk.wire.admin(method, f"/organisations/{talk.wire.tenant}{path}", body)).status == 200


UPDATED_INVOICE = [("INVOICE", "UPDATE")]
UPDATED_CONTACT = [("CONTACT", "UPDATE")]


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda t, i: by_api(t, f"/Invoices/{i['invoice']}", {"Reference": "x"}), UPDATED_INVOICE),
        (lambda t, i: by_api(t, f"/Invoices/{i['bill']}", {"Status": "VOIDED"}), UPDATED_INVOICE),
        (lambda t, i: by_api(t, f"/Payments/{i['payment']}", {"Status": "DELETED"}), UPDATED_INVOICE),
        (lambda t, i: by_api(t, "/Payments", {**PAY, "Amount": 8}, "PUT"), UPDATED_INVOICE),
        (lambda t, i: by_api(t, f"/CreditNotes/{i['note']}", {"Status": "VOIDED"}), [("CREDITNOTE", "UPDATE")]),
        (
            lambda t, i: by_api(t, "/Payments", {**PAY, "Invoice": None, "CreditNote": {"CreditNoteNumber": "N-1"}}),
            [("CREDITNOTE", "UPDATE")],
        ),
        (lambda t, i: by_api(t, f"/Contacts/{i['contact']}", {"FirstName": "A."}), UPDATED_CONTACT),
        (lambda t, i: by_api(t, f"/Contacts/{i['other']}", {"ContactStatus": "ARCHIVED"}), UPDATED_CONTACT),
        # One call, one event for each document, however often it was touched.
        (
            lambda t, i: by_api(t, "/Payments", {"Payments": [{**PAY, "Amount": 1}, {**PAY, "Amount": 2}]}, "PUT"),
            UPDATED_INVOICE,
        ),
        (lambda t, i: by_hand(t, "PATCH", f"/invoices/{i['invoice']}", {"Reference": "by hand"}), UPDATED_INVOICE),
        (lambda t, i: by_hand(t, "POST", "/payments", {**PAY, "Amount": 1}), UPDATED_INVOICE),
        (lambda t, i: by_hand(t, "PATCH", f"/payments/{i['payment']}", {"Status": "DELETED"}), UPDATED_INVOICE),
        (lambda t, i: by_hand(t, "POST", f"/contacts/{i['other']}/archive"), UPDATED_CONTACT),
        (lambda t, i: by_hand(t, "POST", f"/contacts/{i['other']}/merge", {"into": i["contact"]}), UPDATED_CONTACT),
        # What has no events in Xero.
        (lambda t, i: by_hand(t, "POST", f"/payments/{i['payment']}/reconcile", {}), []),
        (lambda t, i: by_api(t, "/TaxRates", {"Name": "New", "TaxComponents": [{"Name": "V", "Rate": 7}]}), []),
    ],
)
async def test_every_change_is_told_whoever_made_it(act: Act, told: list[tuple[str, str]]) -> None:
    async with line() as talk:
        ids = await prepared(talk)
        talk.clock.advance(60)
        talk.ear.posts.clear()
        await act(talk, ids)
        await talk.deliver()
        assert talk.ear.told == told


async def test_a_contact_that_a_person_takes_out_of_the_archive_is_told() -> None:
    async with line() as talk:
        contact = await talk.contact("Ann")
        await by_hand(talk, "POST", f"/contacts/{contact}/archive")
        await by_hand(talk, "POST", f"/contacts/{contact}/restore")
        await talk.deliver()
        assert talk.ear.told == [("CONTACT", "CREATE"), *UPDATED_CONTACT, *UPDATED_CONTACT]


async def test_becoming_a_customer_is_no_change_and_only_credit_notes_have_data() -> None:
    async with line() as talk:
        contact = await talk.contact("Ann")
        await by_api(talk, "/Invoices", {**INVOICE, "Contact": {"ContactID": contact}}, "PUT")
        await talk.deliver()
        assert talk.ear.told == [("CONTACT", "CREATE"), ("INVOICE", "CREATE")]
        await by_api(talk, "/Invoices", {**BILL, "Contact": {"ContactID": contact}}, "PUT")
        await talk.deliver()
        assert talk.ear.told[2:] == [("INVOICE", "CREATE")]
        assert not any("data" in event for body in talk.ear.deliveries for event in body["events"])


async def test_a_credit_note_tells_the_status_that_it_has_now() -> None:
    async with line() as talk:
        ids = await prepared(talk)
        await by_api(talk, f"/CreditNotes/{ids['note']}", {"Status": "VOIDED"})
        await talk.deliver()
        [event] = talk.ear.deliveries[0]["events"]
        assert event["data"] == {"Type": "ACCRECCREDIT", "Status": "VOIDED"}


async def test_what_was_refused_is_not_told() -> None:
    async with line() as talk:
        batch = {"Invoices": [INVOICE, {**INVOICE, "Contact": {"Name": "Zoe"}}, {**INVOICE, "InvoiceNumber": "A-2"}]}
        answer = await talk.wire.call("PUT", "/Invoices?summarizeErrors=false", batch)
        assert [bool(row.get("ValidationErrors")) for row in answer.json["Invoices"]] == [False, True, False]
        assert (await talk.wire.call("PUT", "/Invoices", batch)).status == 400
        assert (await talk.wire.call("POST", "/Invoices/nobody", {"Reference": "x"})).status == 404
        refused = await talk.wire.admin("PATCH", f"/organisations/{talk.wire.tenant}/invoices/A-1", {"Status": "PAID"})
        assert refused.status == 400
        await talk.wire.call("GET", "/Invoices")
        await talk.deliver()
        assert talk.ear.told == [("CONTACT", "CREATE"), ("INVOICE", "CREATE"), ("INVOICE", "CREATE")]


async def test_a_call_whose_answer_was_lost_is_told_and_its_replay_is_not() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/faults", {"answer": "504", "commit": "all"})
        lost = await talk.wire.call("PUT", "/Contacts", {"Name": "Ann"}, key="k1")
        again = await talk.wire.call("PUT", "/Contacts", {"Name": "Ann"}, key="k1")
        assert (lost.status, again.status) == (504, 200)
        await talk.deliver()
        assert talk.ear.told == [("CONTACT", "CREATE")]


@pytest.mark.parametrize("is_told", [False, True])
async def test_a_change_that_does_not_move_the_modified_date_is_told_by_switch(is_told: bool) -> None:
    async with line(webhook_of_silent_changes=is_told) as talk:
        ids = await prepared(talk)
        talk.clock.advance(60)
        await by_api(talk, f"/Invoices/{ids['invoice']}", {"DueDate": "2026-10-31"})
        await talk.deliver()
        assert talk.ear.told == (UPDATED_INVOICE if is_told else [])


async def test_organisations_share_a_delivery_and_one_that_is_disconnected_is_not_told() -> None:
    async with line() as talk:
        irish = talk.sandbox.organisations[1].tenant_id
        await talk.contact("Ann")
        await talk.contact("Bea", tenant=irish)
        await talk.deliver()
        [body] = talk.ear.deliveries
        assert [event["tenantId"] for event in body["events"]] == [talk.wire.tenant, irish]
        note = await talk.wire.admin("PATCH", f"/organisations/{irish}", {"connected": False})
        assert not note.json["connected"]
        known = body["events"][1]["resourceId"]
        await talk.wire.admin("POST", f"/organisations/{irish}/contacts/{known}/archive")
        await talk.deliver()
        assert len(talk.ear.deliveries) == 1


async def test_what_changes_within_a_moment_is_one_delivery_and_numbers_go_on() -> None:
    async with line(webhook_gather_ms=1_500) as talk:
        await talk.contact("Ann")
        talk.clock.advance(1.4)
        await talk.contact("Bea")
        assert (talk.ear.spans, (await talk.state())["gathered"]) == ([], 2)
        await talk.after(0.1, lambda: talk.ear.spans == [(1, 2)])
        await talk.contact("Cid")
        await talk.after(1.5, lambda: talk.ear.spans == [(1, 2), (3, 3)])
        assert len({body["entropy"] for body in talk.ear.deliveries}) == 2


async def test_what_is_sent_early_leaves_the_next_moment_whole() -> None:
    async with line() as talk:
        await talk.contact("Ann")
        talk.clock.advance(0.5)
        await talk.deliver()
        await talk.contact("Bea")
        talk.clock.advance(0.5)
        await asyncio.sleep(0.02)
        assert talk.ear.spans == [(1, 1)]
        await talk.after(0.5, lambda: talk.ear.spans == [(1, 1), (2, 2)])


async def test_a_delivery_has_a_hundred_events_at_most() -> None:
    async with line() as talk:
        await talk.wire.call("PUT", "/Contacts", {"Contacts": [{"Name": f"C {n}"} for n in range(250)]})
        await talk.deliver()
        assert talk.ear.spans == [(1, 100), (101, 200), (201, 250)]


async def test_without_a_subscription_nothing_is_recorded() -> None:
    async with line() as talk:
        await talk.wire.admin("DELETE", "/webhooks")
        await talk.contact("Ann")
        await talk.subscribe()
        state = await talk.state()
        assert (state["gathered"], state["deliveries"], state["subscription"]["next_sequence"]) == (0, [], 1)


@pytest.mark.parametrize("case", ["upper", "title"])
async def test_the_connector_reads_what_the_sandbox_sends(case: str) -> None:
    """Two readings of one documentation: neither knows the other's code."""
    source = SourceConfig(name="xero-1", connector="cloudevents", secrets=(Secret(KEY),))
    async with line(webhook_case=case) as talk:
        ids = await prepared(talk)
        await by_api(talk, f"/CreditNotes/{ids['note']}", {"Status": "VOIDED"})
        await talk.contact("Cid")
        await talk.deliver()
        await until(lambda: bool(talk.ear.deliveries))
        for heard in talk.ear.posts:
            headers = tuple((name.lower(), value) for name, value in heard.headers.items())
            verify(HttpRequest("POST", heard.path, headers, heard.body), source, START)
        told = parse(talk.ear.posts[-1].body)
        assert [(c.tenant_id, c.resource, c.type, c.at, c.document_type, c.status) for c in told.changes] == [
            (talk.wire.tenant, "CreditNotes", "UPDATE", START, "ACCRECCREDIT", "VOIDED"),
            (talk.wire.tenant, "Contacts", "CREATE", START, None, None),
        ]
        assert (told.changes[0].resource_id, told.skipped) == (ids["note"], 0)
        assert talk.ear.told[0] == (("CREDITNOTE", "UPDATE") if case == "upper" else ("Creditnote", "Update"))
