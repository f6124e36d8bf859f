"""Literal command records: orders of shops with customers, invoices, payments, refunds."""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from schemas import keys
from schemas.commands import (
    AnyPayload,
    CancelInvoice,
    Command,
    CommandRecord,
    Commands,
    DocumentLine,
    RecordPayment,
    RecordRefund,
    ReversePayment,
    UpsertContact,
    UpsertCreditNote,
    UpsertInvoice,
)

TENANT = "uk"
DAY = dt.date(2026, 11, 20)
MOMENT = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)


class Stream:
    """Numbers the records as Kafka would."""

    def __init__(self) -> None:
        self.records: list[CommandRecord] = []

    def event(self, source: str, event_id: str, *commands: Command) -> CommandRecord:
        record = CommandRecord(
            topic="events.orders",
            partition=0,
            offset=len(self.records),
            timestamp_ms=1_800_000_000_000,
            outcome=Commands(commands),
            event_key=keys.event_key(source, event_id),
            source=source,
            event_id=event_id,
            event_type="com.ledgerstream.OrderPlaced.v1",
            event_time=MOMENT,
            entity_key=commands[0].entity_key,
            digest=keys.digest(event_id.encode()),
            key=b"k",
            value=b"{}",
        )
        self.records.append(record)
        return record

    def order(
        self,
        number: str,
        *,
        source: str = "shop-1",
        customer: str | None = None,
        name: str = "",
        price: str = "10.00",
        sequence: int = 1,
        prefix: str = "S1-",
        contact: UpsertContact | None = None,
        **more: Any,
    ) -> CommandRecord:
        """A customer and an invoice of three lines, 20 % and 5 % tax and a discount."""
        customer = customer or f"c{number}"
        order, person = keys.entity_key(source, "order", number), keys.entity_key(source, "customer", customer)
        contact_effect = keys.effect_key(person, f"contact:{TENANT}")
        event = keys.event_key(source, f"order-{number}-{sequence}")
        payload = invoice(number, contact_effect, price, prefix=prefix, mark=keys.mark(f"{order}#invoice"), **more)
        return self.event(
            source,
            f"order-{number}-{sequence}",
            command(
                event,
                "contact",
                contact_effect,
                contact or person_of(source, customer, name or f"Customer {customer}"),
            ),
            command(event, "invoice", f"{order}#invoice", payload, (contact_effect,), sequence),
        )

    def cancel(self, number: str, *, source: str = "shop-1", sequence: int = 9, is_paid: bool = False) -> CommandRecord:
        effect = f"{keys.entity_key(source, 'order', number)}#invoice"
        event = keys.event_key(source, f"cancel-{number}")
        return self.event(
            source,
            f"cancel-{number}",
            command(event, "cancel", effect, CancelInvoice(paid=is_paid), sequence=sequence),
        )

    def payment(
        self, number: str, amount: str, *, source: str = "shop-1", identifier: str = "", currency: str = "GBP"
    ) -> CommandRecord:
        identifier = identifier or f"pi_{number}"
        effect = f"{keys.entity_key('stripe-1', 'payment', identifier)}#payment"
        invoice_effect = f"{keys.entity_key(source, 'order', number)}#invoice"
        event = keys.event_key("stripe-1", f"paid-{identifier}")
        payload = RecordPayment(
            invoice=invoice_effect,
            account_code="091",
            date=DAY,
            amount=Decimal(amount),
            currency=currency,
            reference=f"{identifier} {keys.mark(effect)}",
        )
        return self.event(
            "stripe-1", f"paid-{identifier}", command(event, "payment", effect, payload, (invoice_effect,))
        )

    def refund(
        self, number: str, amount: str, *, source: str = "shop-1", payment: str = "", part: str = ""
    ) -> CommandRecord:
        """Of an order's invoice, or of what the named payment has paid; `part` tells several refunds apart."""
        credited = f"{keys.entity_key(source, 'order', number)}#invoice"
        if payment:
            credited = f"{keys.entity_key('stripe-1', 'payment', payment)}#payment"
        name = f"{number}{part}"
        entity = keys.entity_key("stripe-1", "refund", f"re_{name}")
        event = keys.event_key("stripe-1", f"refund-{name}")
        note = UpsertCreditNote(
            number=f"CN-{name}",
            invoice=credited,
            date=DAY,
            currency="GBP",
            total=Decimal(amount),
            reference=f"re_{name} {keys.mark(f'{entity}#credit_note')}",
        )
        money = RecordRefund(
            credit_note=f"{entity}#credit_note",
            account_code="091",
            date=DAY,
            amount=Decimal(amount),
            currency="GBP",
            reference=f"re_{name} {keys.mark(f'{entity}#refund')}",
        )
        return self.event(
            "stripe-1",
            f"refund-{name}",
            command(event, "credit_note", f"{entity}#credit_note", note, (credited,), 1),
            command(event, "refund", f"{entity}#refund", money, (f"{entity}#credit_note",)),
        )

    def credited(self, number: str, amount: str, *lines: DocumentLine, source: str = "shop-1") -> CommandRecord:
        """What a refund of the order was for, told after its money."""
        invoice_effect = f"{keys.entity_key(source, 'order', number)}#invoice"
        effect = f"{keys.entity_key('stripe-1', 'refund', f're_{number}')}#credit_note"
        note = UpsertCreditNote(
            number=f"CN-{number}",
            invoice=invoice_effect,
            date=DAY,
            currency="GBP",
            total=Decimal(amount),
            reference=f"{number} {keys.mark(effect)}",
            lines=lines,
        )
        event = keys.event_key("stripe-1", f"credited-{number}")
        return self.event(
            "stripe-1", f"credited-{number}", command(event, "credit_note", effect, note, (invoice_effect,), 2)
        )

    def reversal(self, identifier: str) -> CommandRecord:
        entity = keys.entity_key("stripe-1", "payment", identifier)
        event = keys.event_key("stripe-1", f"failed-{identifier}")
        payload = ReversePayment(payment=f"{entity}#payment", date=DAY)
        return self.event(
            "stripe-1",
            f"failed-{identifier}",
            command(event, "reversal", f"{entity}#reversal", payload, (f"{entity}#payment",)),
        )


def person_of(source: str, customer: str, name: str, **more: Any) -> UpsertContact:
    number = f"{source}:{customer}"
    fields: dict[str, Any] = {"ensure": True, **more}
    return UpsertContact(number=number, name=name, alias=f"{name} ({number})", **fields)


def invoice(number: str, contact: str, price: str, *, prefix: str, mark: str, **more: Any) -> UpsertInvoice:
    """2 x price at 20 %, one of 3.33 at 5 %, a discount of 0.99 at 20 %."""
    lines = (
        line("Mug", "2", price, "OUTPUT2"),
        line("Tea", "1", "3.33", "RROUTPUT"),
        line("Voucher", "1", "-0.99", "OUTPUT2"),
    )
    total = Decimal(2) * Decimal(price) + Decimal("3.33") - Decimal("0.99")
    fields: dict[str, Any] = {
        "number": f"{prefix}{number}",
        "contact": contact,
        "date": DAY,
        "due_date": DAY,
        "currency": "GBP",
        "line_amount_types": "Inclusive",
        "lines": lines,
        "total": total,
        "reference": f"{number} {mark}",
    }
    return UpsertInvoice(**{**fields, **more})


def line(description: str, quantity: str, amount: str, tax_type: str, account: str = "200") -> DocumentLine:
    return DocumentLine(
        description=description,
        quantity=Decimal(quantity),
        unit_amount=Decimal(amount),
        account_code=account,
        tax_type=tax_type,
    )


def command(
    event: str,
    role: str,
    effect: str,
    payload: AnyPayload,
    depends_on: tuple[str, ...] = (),
    sequence: int | None = None,
) -> Command:
    return Command(
        command_id=keys.command_id(event, role),
        effect_key=effect,
        entity_key=keys.entity_of_effect(effect),
        tenant=TENANT,
        payload=payload,
        depends_on=depends_on,
        sequence=sequence,
    )


def sixty_orders() -> list[CommandRecord]:
    """60 orders of 40 customers (8 of them called John Smith), each paid in full; every sixth in two parts."""
    stream = Stream()
    for place in range(60):
        customer = f"c{place % 40}"
        name = "John Smith" if place % 40 % 5 == 0 else f"Customer {customer}"
        price = f"{10 + place}.{place:02d}"
        stream.order(str(1000 + place), customer=customer, name=name, price=price)
        total = 2 * Decimal(price) + Decimal("2.34")
        if place % 6:
            stream.payment(str(1000 + place), str(total))
        else:
            stream.payment(str(1000 + place), "5.00", identifier=f"pi_{place}a")
            stream.payment(str(1000 + place), str(total - 5), identifier=f"pi_{place}b")
    return stream.records


def encoded(records: Iterable[CommandRecord]) -> bytes:
    return b"\n".join(msgspec.json.encode(record) for record in records)


def decoded(body: bytes) -> Iterator[CommandRecord]:
    decoder = msgspec.json.Decoder(CommandRecord)
    return (decoder.decode(row) for row in body.splitlines())
