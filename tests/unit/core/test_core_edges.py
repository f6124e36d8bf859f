"""Small parts of the pure core at their edges."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from streams.core.decide import decide
from streams.core.decisions import NeedsRead
from streams.core.lanes import PERSON_S, target_s
from streams.core.nearest import nearest
from streams.core.rules.context import local_date
from tests.support.rules import LINE, ORDER, TENANTS, commands, evidence
from tests.unit.sender.values import ORDER as INVOICE
from tests.unit.sender.values import RATES, credit_note, link, ready

PAYMENT = "stripe-1:payment:pi_1#payment"
LONDON = TENANTS.tenants["uk"].zone


def test_money_is_sent_before_documents_and_documents_before_contacts() -> None:
    order = sorted(["UpsertContact", "UpsertInvoice", "RecordPayment"], key=target_s)
    assert order == ["RecordPayment", "UpsertInvoice", "UpsertContact"]
    assert target_s("RecordPayment") > PERSON_S


def test_a_credit_note_for_a_payment_is_for_the_invoice_that_it_paid() -> None:
    command = ready(
        credit_note(invoice=PAYMENT),
        link("stripe-1:refund:re_1#credit_note"),
        depends_on=(link(PAYMENT, "Payments", "payment-id"), link(INVOICE, "Invoices", "invoice-id")),
    )
    assert decide(command, RATES) == NeedsRead("Invoices", "invoice-id")


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        # In summer the organisation's day begins an hour before that of UTC.
        (dt.datetime(2026, 6, 30, 23, 30, tzinfo=dt.UTC), dt.date(2026, 7, 1)),
        (dt.datetime(2026, 11, 24, 23, 30, tzinfo=dt.UTC), dt.date(2026, 11, 24)),
        (dt.datetime(1970, 1, 2, tzinfo=dt.UTC), dt.date(1970, 1, 2)),
        (dt.datetime(2999, 12, 31, tzinfo=dt.UTC), dt.date(2999, 12, 31)),
    ],
)
def test_the_tax_date_is_a_date_where_the_organisation_is(moment: dt.datetime, date: dt.date) -> None:
    assert local_date(moment, LONDON, "placed_at") == date


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize(
    ("name", "field", "source", "data"),
    [
        ("OrderPlaced", "placed_at", "shop-1", ORDER),
        ("JobCompleted", "completed_at", "jobs-1", {**ORDER, "job_id": "J-5"}),
        ("PaymentFailed", "failed_at", "stripe-1", {"payment_id": "p", "gateway": "stripe", "kind": "reversed"}),
    ],
)
def test_a_date_that_no_books_have_is_told(
    name: str, field: str, source: str, data: dict[str, Any], moment: str
) -> None:
    told = evidence(name, {**data, field: moment}, source=source)
    assert told.field == field
    assert told.message == "A document is dated between 1970 and 2999."
    assert told.remedy == "Have the source send it again with its real date, under a new id, and discard this one."


@pytest.mark.parametrize("total", ["24.00", "24.05", "23.95"])
def test_a_rounding_line_makes_up_what_the_tenant_allows(total: str) -> None:
    payload: Any = commands("OrderPlaced", {**ORDER, "total": total})[1].payload
    more = payload.lines[1:]
    assert [(line.description, line.unit_amount) for line in more] == (
        [] if total == "24.00" else [("Rounding", Decimal(total) - 24)]
    )


def test_no_rounding_beyond_it() -> None:
    told = evidence("OrderPlaced", {**ORDER, "lines": [LINE], "total": "24.06"})
    assert told.message == "The lines come to 24.00 in Xero (tax 4.00), the source says 24.06: 0.06 apart."


def test_a_source_whose_customers_nobody_placed_is_told() -> None:
    told = evidence("OrderPlaced", ORDER, source="stripe-1")
    assert (told.field, told.value) == ("source", "stripe-1")
    assert told.message == "The tenant file uk.yaml does not say which contacts the customers of stripe-1 become."
    assert told.remedy == "Add stripe-1 under contacts in uk.yaml, then replay."


@pytest.mark.parametrize(
    ("written", "meant"),
    [("shpo-1", "shop-1"), ("SHOP-1", "shop-1"), ("stripe", "stripe-1"), ("zzz", None), ("", None)],
)
def test_the_nearest_name(written: str, meant: str | None) -> None:
    assert nearest(written, ["shop-1", "stripe-1", "crm-1"]) == meant


def test_a_part_of_the_name_may_be_what_is_compared() -> None:
    assert nearest("pariss", ["Europe/Paris", "Asia/Tokyo"], of=lambda name: name.rpartition("/")[2]) == "Europe/Paris"
