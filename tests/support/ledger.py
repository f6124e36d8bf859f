"""Command records and results as literals, for tests of the ledger."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from connectors.xero.ticket import Answer, Ticket, XeroRequest
from schemas import keys
from schemas.commands import (
    CancelInvoice,
    Command,
    CommandRecord,
    Commands,
    Evidence,
    Outcome,
    RecordPayment,
    RefusedEvent,
    ReversePayment,
    UpsertContact,
    UpsertInvoice,
)
from streams.core.results import Posted, Result
from streams.core.situation import PlannedWrite, ReadyCommand, Resource
from streams.ledger import Ledger
from streams.ledger.calls import Wait

DAY = dt.date(2026, 11, 24)
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
REQUEST = XeroRequest(method="PUT", path="/Invoices", query=(("unitdp", "4"),), body=b'{"Invoices":[]}')
RESOURCES: dict[str, Resource] = {
    "UpsertContact": "Contacts",
    "UpsertInvoice": "Invoices",
    "CancelInvoice": "Invoices",
    "RecordPayment": "Payments",
}


def contact_effect(customer: str, tenant: str = "uk", source: str = "shop-1") -> str:
    return keys.effect_key(keys.entity_key(source, "customer", customer), f"contact:{tenant}")


def invoice_effect(order: str, source: str = "shop-1") -> str:
    return keys.effect_key(keys.entity_key(source, "order", order), "invoice")


def record(
    event: str,
    outcome: Outcome,
    offset: int,
    *,
    entity: str | None = None,
    content: str = "",
    topic: str = "events.orders",
    partition: int = 0,
    time: dt.datetime = NOON,
    sequence: int | None = None,
    source: str = "shop-1",
    value: bytes | None = b"{}",
) -> CommandRecord:
    """The record of one event; `content` makes another digest."""
    return CommandRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp_ms=1_795_000_000_000 + offset,
        outcome=outcome,
        event_key=keys.event_key(source, event),
        source=source,
        event_id=event,
        event_type="com.ledgerstream.order.v1",
        event_time=time,
        entity_key=entity,
        sequence=sequence,
        digest=f"{event}/{content}",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        key=b"order:1",
        value=value,
        headers=(("ce_id", event.encode()),),
    )


def contact(
    event: str,
    customer: str = "c1",
    *,
    tenant: str | None = "uk",
    ensure: bool = True,
    name: str = "Ada",
    sequence: int | None = None,
) -> Command:
    number = keys.entity_key("shop-1", "customer", customer)
    return Command(
        command_id=keys.command_id(keys.event_key("shop-1", event), "contact"),
        effect_key=contact_effect(customer, tenant or "uk"),
        entity_key=number,
        tenant=tenant,
        payload=UpsertContact(number=number, name=name, alias=f"{name} ({customer})", ensure=ensure),
        sequence=sequence,
    )


def invoice(
    event: str,
    order: str = "1001",
    *,
    sequence: int = 1,
    total: str = "12.50",
    tenant: str | None = "uk",
    depends_on: tuple[str, ...] = (),
) -> Command:
    entity = keys.entity_key("shop-1", "order", order)
    return Command(
        command_id=keys.command_id(keys.event_key("shop-1", event), "invoice"),
        effect_key=keys.effect_key(entity, "invoice"),
        entity_key=entity,
        tenant=tenant,
        payload=UpsertInvoice(
            number=f"S1-{order}",
            contact=depends_on[0] if depends_on else contact_effect("c1"),
            date=DAY,
            due_date=DAY,
            currency="GBP",
            line_amount_types="Inclusive",
            lines=(),
            total=Decimal(total),
            reference=order,
        ),
        depends_on=depends_on,
        sequence=sequence,
    )


def cancel(
    event: str, order: str = "1001", *, sequence: int, tenant: str | None = "uk", is_paid: bool = False
) -> Command:
    entity = keys.entity_key("shop-1", "order", order)
    return Command(
        command_id=keys.command_id(keys.event_key("shop-1", event), "cancel"),
        effect_key=keys.effect_key(entity, "invoice"),
        entity_key=entity,
        tenant=tenant,
        payload=CancelInvoice(reason="asked", paid=is_paid),
        sequence=sequence,
    )


def payment(
    event: str, pay: str = "p1", *, order: str = "1001", amount: str = "12.50", tenant: str | None = None
) -> Command:
    entity = keys.entity_key("stripe-1", "payment", pay)
    return Command(
        command_id=keys.command_id(keys.event_key("shop-1", event), "payment"),
        effect_key=keys.effect_key(entity, "payment"),
        entity_key=entity,
        tenant=tenant,
        payload=RecordPayment(
            invoice=invoice_effect(order),
            account_code="091",
            date=DAY,
            amount=Decimal(amount),
            currency="GBP",
            reference=pay,
        ),
        depends_on=(invoice_effect(order),),
    )


def reversal(event: str, pay: str = "p1") -> Command:
    entity = keys.entity_key("stripe-1", "payment", pay)
    return Command(
        command_id=keys.command_id(keys.event_key("shop-1", event), "reversal"),
        effect_key=keys.effect_key(entity, "reversal"),
        entity_key=entity,
        tenant=None,
        payload=ReversePayment(payment=keys.effect_key(entity, "payment"), date=DAY),
        depends_on=(keys.effect_key(entity, "payment"),),
    )


def order_placed(
    event: str, order: str, offset: int, *, customer: str = "c1", sequence: int = 1, total: str = "12.50"
) -> CommandRecord:
    """An order with its contact and invoice."""
    effect = contact_effect(customer)
    commands = (
        contact(event, customer),
        invoice(event, order, sequence=sequence, total=total, depends_on=(effect,)),
    )
    entity = keys.entity_key("shop-1", "order", order)
    time = NOON + dt.timedelta(minutes=sequence)
    return record(event, Commands(commands), offset, entity=entity, content=f"{sequence}/{total}", time=time)


def of(command: Command, offset: int, *, content: str = "", time: dt.datetime = NOON) -> CommandRecord:
    """The record of an event with one command."""
    event = command.command_id.partition("#")[0].partition(":")[2]
    return record(
        event,
        Commands((command,)),
        offset,
        entity=command.entity_key,
        content=content,
        time=time,
        sequence=command.sequence,
    )


def refused(event: str, offset: int, *, entity: str | None = None, sequence: int | None = None) -> CommandRecord:
    evidence = Evidence(message="no tax type for 17.5", field="lines[0].tax_rate", value="17.5", remedy="add it")
    return record(
        event,
        RefusedEvent(cause="data", stage="translate", evidence=evidence),
        offset,
        entity=entity,
        sequence=sequence,
    )


async def take_in(ledger: Ledger, *records: CommandRecord, at: int = 0) -> None:
    """Take the records in as one run that begins at offset `at` of partition 0 of `commands`."""
    await ledger.intake.take_in(records, (0, at + len(records)))


def planned(ready: Sequence[ReadyCommand]) -> list[PlannedWrite]:
    return [
        PlannedWrite(
            command_id=one.command_id,
            effect_key=one.effect.effect_key,
            resource=RESOURCES[one.kind],
            element={"Reference": one.effect.mark, "Total": Decimal("12.50")},
            step="create",
            number=None,
        )
        for one in ready
    ]


async def fence(ledger: Ledger, tenant: str = "uk") -> int:
    lease = await ledger.leases.acquire(tenant, "w1", 60.0)
    assert lease is not None
    return lease.fence


async def ready(ledger: Ledger, tenant: str = "uk") -> list[str]:
    """The ids of the ready commands, earliest due first."""
    return [one.command_id for one in (await ledger.situation.read(tenant)).ready]


async def opened(ledger: Ledger, *command_ids: str, tenant: str = "uk") -> Ticket:
    """Open a call with these ready commands; all that are ready without any."""
    found = (await ledger.situation.read(tenant)).ready
    chosen = [one for one in found if not command_ids or one.command_id in command_ids]
    ticket = await ledger.calls.open(
        planned(chosen), REQUEST, "write", tenant, "xero-uk-1", await fence(ledger, tenant)
    )
    assert not isinstance(ticket, Wait), ticket
    return ticket


def posted(command_id: str, resource: Resource, xero_id: str | None = None) -> Posted:
    return Posted(
        command_id=command_id,
        resource=resource,
        xero_id=xero_id or f"id-{command_id}",
        number=None,
        document=None,
        sent={"Reference": command_id},
        reason="created",
    )


async def settled(ledger: Ledger, ticket: Ticket, *results: Result) -> None:
    await ledger.calls.answered(ticket, Answer(status=200, body=b"{}", correlation_id="corr-1"))
    await ledger.results.settle(ticket.root, results, ticket.fence)


async def post_all(ledger: Ledger, tenant: str = "uk") -> int:
    """Post whatever is ready until nothing is; how many commands that was."""
    number = 0
    while found := (await ledger.situation.read(tenant)).ready:
        ticket = await ledger.calls.open(
            planned(found), REQUEST, "write", tenant, "xero-uk-1", await fence(ledger, tenant)
        )
        assert not isinstance(ticket, Wait), ticket
        await settled(
            ledger, ticket, *(posted(one.command_id, RESOURCES[one.kind], one.effect.xero_id) for one in found)
        )
        number += len(found)
    return number


async def states(ledger: Ledger, key: str) -> dict[str, str]:
    """Command id → state, of everything that the key's story holds."""
    return {one.command_id: one.state for one in (await ledger.timeline.trace(key)).commands}
