"""Planning: what goes together, what goes first, and that nobody starves."""

import datetime as dt
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commands import RecordTransfer, ReversePayment
from streams.core import plan as planning
from streams.core.plan import ReadDocuments, SendWrites, Settle, Wait, next_step
from streams.core.results import Back, Rejected
from streams.core.situation import ReadyCommand
from tests.unit.sender.values import (
    NOW,
    ORDER,
    RATES,
    contact,
    document,
    invoice,
    link,
    payment,
    ready,
    replaced,
    situation,
    standing,
)


def order(place: int, **more: Any) -> ReadyCommand:
    effect = link(f"shop-1:order:{place}#invoice")
    fields: dict[str, Any] = {
        "command_id": f"order-{place}",
        "due": NOW + dt.timedelta(seconds=place),
        "ready_since": NOW - dt.timedelta(seconds=1),
    }
    return ready(invoice(number=f"S1-{place}"), effect, **{**fields, **more})


def person(place: int, name: str) -> ReadyCommand:
    effect = link(f"shop-1:customer:{place}#contact:uk")
    payload = contact(number=f"shop-1:{place}", name=name, alias=f"{name} ({place})")
    return ready(payload, effect, command_id=f"person-{place}", due=NOW + dt.timedelta(seconds=place))


def ids(step: object) -> list[str]:
    assert isinstance(step, SendWrites), step
    return [item.command.command_id for item in step.writes]


def test_one_call_holds_up_to_fifty_in_order_of_need() -> None:
    step = next_step(situation(*(order(place) for place in reversed(range(60)))), RATES)
    assert ids(step) == [f"order-{place}" for place in range(50)]
    assert isinstance(step, SendWrites)
    assert (step.request.method, step.request.path) == ("PUT", "/Invoices")
    assert step.request.query == (("summarizeErrors", "false"), ("unitdp", "4"))
    body = orjson.loads(step.request.body)
    assert [one["InvoiceNumber"] for one in body["Invoices"]] == [f"S1-{place}" for place in range(50)]
    assert body["Invoices"][0]["LineItems"][0]["UnitAmount"] == 10


def test_the_earliest_decides_where_the_call_goes() -> None:
    paid = ready(payment(), link("stripe-1:payment:1#payment"), command_id="paid", due=NOW - dt.timedelta(seconds=1))
    assert ids(next_step(situation(order(1), paid, order(2)), RATES)) == ["paid"]


def test_two_of_one_name_number_or_invoice_never_share_a_call() -> None:
    people = [person(1, "John Smith"), person(2, "john smith"), person(3, "Jane Doe")]
    assert ids(next_step(situation(*people), RATES)) == ["person-1", "person-3"]
    same = [order(1), replaced(order(2), payload=invoice(number="s1-1"))]
    assert ids(next_step(situation(*same), RATES)) == ["order-1"]
    money = [
        ready(payment(amount=Decimal(place)), link(f"p{place}#payment"), command_id=f"p{place}") for place in (1, 2)
    ]
    assert len(ids(next_step(situation(*money), RATES))) == 1


def test_a_hint_makes_the_call_small() -> None:
    hinted = [order(place, hints={"batch_max": "3"}) for place in range(6)]
    assert len(ids(next_step(situation(*hinted), RATES))) == 3


def test_the_body_stays_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "BODY_BYTES_MAX", 1000)
    step = next_step(situation(*(order(place) for place in range(9))), RATES)
    assert isinstance(step, SendWrites)
    assert 1 < len(step.writes) < 9
    assert len(step.request.body) < 1100


def update(place: int) -> ReadyCommand:
    return replaced(order(place), effect=link(f"shop-1:order:{place}#invoice", "Invoices", f"id-{place}"))


def test_reads_go_together_and_not_twice() -> None:
    step = next_step(situation(*(update(place) for place in range(60))), RATES)
    assert isinstance(step, ReadDocuments)
    assert step.ids == tuple(f"id-{place}" for place in range(50))
    assert dict(step.request.query)["IDs"].split(",") == list(step.ids)
    again = next_step(situation(update(1), update(2)), RATES, frozenset({"id-1"}))
    assert isinstance(again, ReadDocuments)
    assert again.ids == ("id-2",)
    assert next_step(situation(update(1)), RATES, frozenset({"id-1"})) == Wait(None)


def test_what_needs_no_call_ends_first() -> None:
    wrong = replaced(order(3), payload=invoice(number="S1-3", total=Decimal(1)))
    step = next_step(situation(order(1), wrong), RATES)
    assert isinstance(step, Settle)
    assert [type(result) for result in step.results] == [Rejected]


def test_code_that_fails_on_a_command_makes_a_dead_letter() -> None:
    step = next_step(situation(replaced(order(1), depends_on=())), RATES)
    assert isinstance(step, Settle)
    (letter,) = step.results
    assert isinstance(letter, Rejected)
    assert letter.cause == "bug"
    assert "KeyError" in (letter.evidence.exception_type or "")


def test_a_command_of_a_later_release_is_put_off() -> None:
    transfer = RecordTransfer(
        from_code="091", to_code="090", date=NOW.date(), amount=Decimal(1), currency="GBP", reference="x"
    )
    step = next_step(situation(ready(transfer, link("t"))), RATES)
    assert isinstance(step, Settle)
    (back,) = step.results
    assert isinstance(back, Back)
    assert back.cause == "upgrade"
    assert back.not_before is not None
    assert back.not_before > NOW


def test_scarce_calls_wait_to_be_filled_until_the_earliest_is_due() -> None:
    few = order(100)
    assert ids(next_step(situation(few), RATES)) == ["order-100"]
    held = next_step(situation(few, minute_left=3), RATES)
    assert isinstance(held, Wait)
    assert held.until is not None
    assert NOW < held.until < few.due
    assert ids(next_step(situation(replaced(few, due=NOW), minute_left=3), RATES)) == ["order-100"]
    full = [order(100 + place) for place in range(50)]
    assert len(ids(next_step(situation(*full, minute_left=3), RATES))) == 50


def test_what_xero_asked_for_is_waited_for() -> None:
    later = NOW + dt.timedelta(seconds=20)
    assert next_step(situation(order(1), not_before=later), RATES) == Wait(later)


def test_nothing_ready_is_nothing_to_do() -> None:
    assert next_step(situation(), RATES) == Wait(None)


def test_an_update_posts_by_id() -> None:
    effect = link(ORDER, "Invoices", "invoice-id", document=document("Invoices", "invoice-id", standing()))
    step = next_step(situation(ready(invoice(due_date=dt.date(2027, 1, 1)), effect)), RATES)
    assert isinstance(step, SendWrites)
    assert (step.request.method, step.request.path) == ("POST", "/Invoices")


_kinds = st.sampled_from(["order", "person", "payment", "update", "wrong"])


@given(st.lists(st.tuples(_kinds, st.integers(0, 20), st.integers(-300, 300)), max_size=80))
def test_every_command_gets_its_turn_and_none_twice(rows: list[tuple[str, int, int]]) -> None:
    """Calls are carried out one after another until nothing is left: each in order of need, no entity twice in one."""
    waiting = {command.command_id: command for command in map(_made, range(len(rows)), rows)}
    calls = 0
    while waiting:
        head = min(waiting.values(), key=lambda command: (command.due, command.ready_since, command.command_id))
        step = next_step(situation(*waiting.values()), RATES)
        calls += 1
        assert calls <= 4 * len(rows) + 4
        if isinstance(step, Settle):
            for result in step.results:
                del waiting[result.command_id]
            continue
        if isinstance(step, ReadDocuments):
            for command in list(waiting.values()):
                if command.effect.xero_id in step.ids:
                    seen = document(
                        "Invoices", command.effect.xero_id or "", standing(InvoiceID=command.effect.xero_id)
                    )
                    effect = link(command.effect.effect_key, "Invoices", command.effect.xero_id, document=seen)
                    waiting[command.command_id] = replaced(command, effect=effect)
            continue
        assert isinstance(step, SendWrites), step
        sent = [item.command for item in step.writes]
        assert len(sent) <= 50
        assert len({command.entity_key for command in sent}) == len(sent)
        order_of_need = [(command.due, command.ready_since, command.command_id) for command in sent]
        assert order_of_need == sorted(order_of_need)
        assert sent[0].command_id == head.command_id
        for command in sent:
            del waiting[command.command_id]


def _made(place: int, row: tuple[str, int, int]) -> ReadyCommand:
    kind, key, due = row
    more: dict[str, Any] = {"command_id": f"c{place:03}", "due": NOW + dt.timedelta(seconds=due), "ready_since": NOW}
    if kind == "person":
        return replaced(person(key, f"Name {key % 3}"), **more)
    if kind == "payment":
        return ready(payment(), link(f"stripe-1:payment:{key}#payment"), **more)
    if kind == "update":
        made = replaced(order(key), effect=link(f"shop-1:order:{key}#invoice", "Invoices", f"id-{key}"), **more)
        return replaced(made, payload=invoice(number=f"S1-{key}", due_date=dt.date(2027, 1, 1)))
    if kind == "wrong":
        return replaced(order(key), payload=invoice(total=Decimal(1)), **more)
    return replaced(order(key), **more)


def test_a_reversal_goes_alone_to_its_payments_path() -> None:
    paid = "stripe-1:payment:pi_1#payment"
    payload = ReversePayment(payment=paid, date=NOW.date())
    reversals = [
        ready(
            payload,
            link(f"x{place}#reversal"),
            command_id=f"x{place}",
            depends_on=(link(paid, "Payments", "payment-id"),),
        )
        for place in (1, 2)
    ]
    step = next_step(situation(*reversals), RATES)
    assert ids(step) == ["x1"]
    assert isinstance(step, SendWrites)
    assert (step.request.path, step.request.body) == ("/Payments/payment-id", b'{"Status":"DELETED"}')
