"""Literals for the sender's pure core."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from schemas import keys
from schemas.commands import AnyPayload, DocumentLine, RecordPayment, UpsertContact, UpsertCreditNote, UpsertInvoice
from streams.core.situation import (
    Budget,
    Document,
    EffectLink,
    OpenWrite,
    PlannedWrite,
    ReadyCommand,
    Resource,
    Situation,
)

NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 20)
RATES = {"OUTPUT2": Decimal(20), "RROUTPUT": Decimal(5)}
ORDER = "shop-1:order:1001#invoice"
CONTACT = "shop-1:customer:c1#contact:uk"
ORDER_MARK = keys.mark(ORDER)


def contact(**more: Any) -> UpsertContact:
    fields: dict[str, Any] = {
        "number": "shop-1:c1",
        "name": "John Smith",
        "alias": "John Smith (shop-1:c1)",
        "ensure": True,
        "email": "john@example.com",
    }
    return UpsertContact(**{**fields, **more})


def line(amount: str = "10.00", quantity: str = "2", tax_type: str = "OUTPUT2", **more: Any) -> DocumentLine:
    return DocumentLine(
        description="Mug",
        quantity=Decimal(quantity),
        unit_amount=Decimal(amount),
        account_code="200",
        tax_type=tax_type,
        **more,
    )


def invoice(**more: Any) -> UpsertInvoice:
    fields: dict[str, Any] = {
        "number": "S1-1001",
        "contact": CONTACT,
        "date": DAY,
        "due_date": DAY,
        "currency": "GBP",
        "line_amount_types": "Inclusive",
        "lines": (line(),),
        "total": Decimal("20.00"),
        "reference": f"1001 {ORDER_MARK}",
    }
    return UpsertInvoice(**{**fields, **more})


def credit_note(**more: Any) -> UpsertCreditNote:
    fields: dict[str, Any] = {
        "number": "CN-1",
        "invoice": ORDER,
        "date": DAY,
        "currency": "GBP",
        "total": Decimal("7.00"),
        "reference": "re_1",
    }
    return UpsertCreditNote(**{**fields, **more})


def payment(**more: Any) -> RecordPayment:
    fields: dict[str, Any] = {
        "invoice": ORDER,
        "account_code": "091",
        "date": DAY,
        "amount": Decimal("20.00"),
        "currency": "GBP",
        "reference": "pi_1",
    }
    return RecordPayment(**{**fields, **more})


def link(effect: str, resource: Resource | None = None, xero_id: str | None = None, **more: Any) -> EffectLink:
    return EffectLink(effect_key=effect, mark=keys.mark(effect), resource=resource, xero_id=xero_id, **more)


def document(resource: Resource, xero_id: str, body: Mapping[str, Any], read_at: dt.datetime = NOW) -> Document:
    return Document(resource=resource, xero_id=xero_id, body=body, read_at=read_at)


def ready(payload: AnyPayload, effect: EffectLink | None = None, **more: Any) -> ReadyCommand:
    effect = effect or link(ORDER)
    fields: dict[str, Any] = {
        "command_id": f"shop-1:evt#{type(payload).__name__}",
        "event_key": "shop-1:evt",
        "effect": effect,
        "entity_key": keys.entity_of_effect(effect.effect_key),
        "source": "shop-1",
        "payload": payload,
        "digest": "new",
        "revision": 1,
        "attempts": 0,
        "taken_in": more.get("ready_since", NOW),
        "ready_since": NOW,
        "due": NOW + dt.timedelta(minutes=2),
        "depends_on": (link(CONTACT, "Contacts", "contact-id"), link(ORDER, "Invoices", "invoice-id")),
    }
    return ReadyCommand(**{**fields, **more})


def open_write(
    command: ReadyCommand,
    element: Mapping[str, Any],
    step: str = "create",
    resource: Resource = "Invoices",
    **more: Any,
) -> OpenWrite:
    write = PlannedWrite(
        command_id=command.command_id,
        effect_key=command.effect.effect_key,
        resource=resource,
        element=element,
        step=step,
        **more,
    )
    return OpenWrite(write=write, command=command, still_current=True)


def budget(**more: Any) -> Budget:
    fields: dict[str, Any] = {
        "in_flight_left": 5,
        "minute_left": 60,
        "day_left": 5000,
        "day_limit": 5000,
        "hour_used": 0,
    }
    return Budget(**{**fields, **more})


def situation(*commands: ReadyCommand, **more: Any) -> Situation:
    return Situation(tenant="uk", now=NOW, ready=commands, budget=budget(**more))


def standing(**more: Any) -> dict[str, Any]:
    """The invoice of `invoice()` as Xero shows it."""
    body: dict[str, Any] = {
        "InvoiceID": "invoice-id",
        "Type": "ACCREC",
        "InvoiceNumber": "S1-1001",
        "Contact": {"ContactID": "contact-id", "Name": "John Smith"},
        "DateString": "2026-11-20T00:00:00",
        "Date": "/Date(1795132800000+0000)/",
        "DueDateString": "2026-11-20T00:00:00",
        "LineAmountTypes": "Inclusive",
        "CurrencyCode": "GBP",
        "Reference": f"1001 {ORDER_MARK}",
        "Status": "AUTHORISED",
        "Total": Decimal("20.00"),
        "AmountPaid": 0,
        "LineItems": [
            {
                "LineItemID": "line-1",
                "Description": "Mug",
                "Quantity": Decimal("2.0"),
                "UnitAmount": Decimal("10.0000"),
                "AccountCode": "200",
                "TaxType": "OUTPUT2",
                "TaxAmount": "3.33",
                "LineAmount": "20.00",
            }
        ],
    }
    return {**body, **more}


def replaced(command: ReadyCommand, **more: Any) -> ReadyCommand:
    return msgspec.structs.replace(command, **more)
