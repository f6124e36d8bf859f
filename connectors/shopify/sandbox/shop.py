"""The shop at work: everything that may happen in it, each with the webhooks that Shopify sends of it.

Under which topics a change is told follows Shopify's page of topics; every change of an order is also
`orders/updated`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from connectors.shopify.sandbox import rest
from connectors.shopify.sandbox.books import (
    BalanceTransaction,
    Customer,
    Dispute,
    Line,
    Order,
    Payout,
    Refund,
    RefundLine,
    Shipping,
    Transaction,
    tax_in,
)
from connectors.shopify.sandbox.catalogue import PEOPLE, PRODUCTS
from connectors.xero.sandbox.clock import Clock
from schemas.money import round_half_up

Tell = Callable[[Sequence[str], Any], None]
"""One event of the shop: the topics that it has, and the body."""

OWN_GATEWAY: Final = "shopify_payments"
_FEE: Final = (Decimal("0.015"), Decimal("0.25"))
_VAT: Final = Decimal("0.2")


class NotPossible(ValueError):
    """The shop has no such thing, or it is in no state for this."""


@dataclass(slots=True)
class Shop:
    """`tell` is told of every change. Ids count up from where a real shop's might be."""

    clock: Clock
    tell: Tell
    currency: str = "GBP"
    orders: dict[int, Order] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    disputes: dict[int, Dispute] = field(default_factory=dict)
    payouts: dict[int, Payout] = field(default_factory=dict)
    balance: list[BalanceTransaction] = field(default_factory=list)
    last_id: int = 6_000_000_000_000

    def place(
        self,
        items: Mapping[str, int],
        *,
        person: int = 0,
        discount: Decimal = Decimal(0),
        shipping: Decimal | None = Decimal("4.95"),
        tip: Decimal = Decimal(0),
        taxes_included: bool = True,
        abroad: tuple[str, Decimal] | None = None,
        test: bool = False,
    ) -> Order:
        """A customer orders so many of each SKU; `discount` is off the first line."""
        now = self._now()
        lines = [self._line(sku, quantity) for sku, quantity in items.items()]
        if not lines:
            raise NotPossible("an order has a line: name what is ordered by its SKU")
        lines[0].discount = discount
        if tip:
            lines.append(Line(self._id(), "Tip", tip, 1, Decimal(0)))
        ways = [] if shipping is None else [Shipping(self._id(), "Standard", shipping, _VAT)]
        customer = self._customer(person)
        order = Order(
            id=self._id(),
            number=1001 + len(self.orders),
            customer=customer,
            person=customer.person,
            lines=lines,
            shipping=ways,
            created=now,
            updated=now,
            currency=self.currency,
            taxes_included=taxes_included,
            test=test,
            tip=tip,
            abroad=abroad,
        )
        self.orders[order.id] = order
        self.tell(("orders/create",), rest.order(order))
        return order

    def pay(
        self,
        order: Order,
        *,
        kind: str = "sale",
        gateway: str = OWN_GATEWAY,
        amount: Decimal | None = None,
        status: str = "success",
    ) -> Transaction:
        """Money comes: the whole rest unless an amount is given. Kind `authorization` only holds it."""
        identifier = self._id()
        paid = order.outstanding if amount is None else amount
        payment = Transaction(identifier, kind, status, gateway, paid, self._now(), f"c{identifier}.1")
        self._moved(order, payment)
        self._changed(order, *(("orders/paid",) if kind != "authorization" and order.outstanding <= 0 else ()))
        return payment

    def settle(self, order: Order, payment: int, status: str = "success") -> None:
        """A transaction that was pending comes through, or fails. No topic tells it but the order's."""
        found = next((one for one in order.transactions if one.id == payment and one.status == "pending"), None)
        if found is None:
            raise NotPossible(f"the order has no pending transaction {payment}")
        found.status = status
        self._credit(order, found)
        self._changed(order)

    def refund(
        self,
        order: Order,
        quantities: Mapping[int, int] | None = None,
        *,
        amount: Decimal | None = None,
        shipping: bool = False,
        status: str = "success",
        gateways: Sequence[str] = (),
        note: str | None = None,
    ) -> Refund:
        """What is left of the order, or so many of each line id, comes back for its worth or for `amount`; nothing at
        all for an amount of 0. Several `gateways` give it back in equal parts."""
        lines = self._returned(order, quantities)
        way = order.shipping[0] if shipping and order.shipping else None
        refund = Refund(self._id(), self._now(), note, lines, way, [])
        worth = self._worth(order, refund)
        paid, owed = worth if amount is None else amount, max(Decimal(0), -order.outstanding)
        refund.lowers = max(Decimal(0), paid - owed) if paid else worth
        payments = [one for one in order.transactions if one.kind in ("sale", "capture") and one.status == "success"]
        if paid and not payments:
            raise NotPossible("nobody has paid for the order: give an amount of 0 to take something off it")
        names = list(gateways) or [payments[0].gateway] if paid else []
        for at, gateway in enumerate(names):
            part = round_half_up(paid / len(names))
            last = paid - part * (len(names) - 1)
            parent = next((one.id for one in payments if one.gateway == gateway), payments[0].id)
            moved = Transaction(
                self._id(), "refund", status, gateway, last if at == len(names) - 1 else part, self._now(), None, parent
            )
            refund.transactions.append(moved)
        order.refunds.append(refund)
        for moved in refund.transactions:
            self._moved(order, moved)
        self.tell(("refunds/create",), rest.refund(refund, order))
        self._changed(order)
        return refund

    def edit(self, order: Order, *, add: Mapping[str, int] | None = None, po_number: str | None = None) -> None:
        """Something is added to the order, or a detail of it changed. `refund` of 0 takes something off."""
        added = [self._line(sku, quantity) for sku, quantity in (add or {}).items()]
        order.lines += added
        order.po_number = po_number or order.po_number
        if added:
            self.tell(("orders/edited",), rest.edited(order, self._id(), added))
        self._changed(order)

    def cancel(self, order: Order, reason: str = "customer") -> None:
        """The order is called off. Its money goes back by `refund`."""
        if order.cancelled is not None:
            raise NotPossible("the order is cancelled already")
        order.cancelled, order.cancel_reason = self._now(), reason
        self._changed(order, "orders/cancelled")

    def dispute(self, order: Order, type_: str = "chargeback") -> Dispute:
        """The customer's bank asks for the money, or only asks."""
        dispute = Dispute(self._id(), order, type_, "needs_response", order.total, self._now())
        self.disputes[dispute.id] = dispute
        self.tell(("disputes/create",), rest.dispute(dispute))
        return dispute

    def decide(self, dispute: Dispute, status: str) -> None:
        """The bank decides: `won`, `lost`, or another of Shopify's words."""
        dispute.status, dispute.finalized = status, self._now()
        self.tell(("disputes/update",), rest.dispute(dispute))

    def pay_out(self, status: str = "paid") -> Payout:
        """Everything that the balance holds goes to the bank. No webhook tells it."""
        parts = [one for one in self.balance if one.payout is None]
        if not parts:
            raise NotPossible("there is nothing to pay out: have an order paid by shopify_payments first")
        payout = Payout(self._id(), status, self._now(), parts)
        for part in parts:
            part.payout = payout
        self.payouts[payout.id] = payout
        return payout

    def rename(self, customer: Customer, email: str) -> None:
        """A customer's details change."""
        customer.person = replace(customer.person, email=email)
        customer.updated = self._now()
        self.tell(("customers/update",), rest.customer(customer))

    def _returned(self, order: Order, quantities: Mapping[int, int] | None) -> list[RefundLine]:
        wanted = {line.id: order.left(line) for line in order.lines} if quantities is None else quantities
        by_id = {line.id: line for line in order.lines}
        found = []
        for identifier, quantity in wanted.items():
            line = by_id.get(identifier)
            if line is None or not 0 <= quantity <= order.left(line):
                raise NotPossible(f"the order has not so many of line {identifier} left")
            if quantity:
                net = line.share(quantity)
                found.append(RefundLine(line, quantity, net, tax_in(net, line.rate, included=order.taxes_included)))
        return found

    def _worth(self, order: Order, refund: Refund) -> Decimal:
        parts = [(one.subtotal, one.tax) for one in refund.lines]
        if (way := refund.shipping) is not None:
            parts.append((way.price, tax_in(way.price, way.rate, included=order.taxes_included)))
        return sum((net if order.taxes_included else net + tax for net, tax in parts), Decimal(0))

    def _moved(self, order: Order, transaction: Transaction) -> None:
        order.transactions.append(transaction)
        self._credit(order, transaction)
        self.tell(("order_transactions/create",), rest.transaction(transaction, order))

    def _credit(self, order: Order, moved: Transaction) -> None:
        """What Shopify's own gateway moved is in the account that is paid out, less a fee for what came."""
        if moved.status != "success" or moved.gateway != OWN_GATEWAY or moved.kind not in ("sale", "capture", "refund"):
            return
        came = moved.kind != "refund"
        fee = round_half_up(moved.amount * _FEE[0]) + _FEE[1] if came else Decimal("0.00")
        amount = moved.amount if came else -moved.amount
        type_ = "CHARGE" if came else "REFUND"
        self.balance.append(BalanceTransaction(self._id(), type_, order, moved, amount, fee, self._now()))

    def _changed(self, order: Order, *topics: str) -> None:
        order.updated = self._now()
        self.tell((*topics, "orders/updated"), rest.order(order))

    def _customer(self, at: int) -> Customer:
        person = PEOPLE[at % len(PEOPLE)]
        known = next((one for one in self.customers.values() if one.person.last_name == person.last_name), None)
        if known is not None:
            return known
        customer = Customer(self._id(), person, self._now(), self._now())
        self.customers[customer.id] = customer
        self.tell(("customers/create",), rest.customer(customer))
        return customer

    def _line(self, sku: str, quantity: int) -> Line:
        product = PRODUCTS.get(sku)
        if product is None or quantity < 1:
            raise NotPossible(f"the shop sells one or more of {', '.join(PRODUCTS)}, not {quantity} of {sku}")
        return Line(self._id(), product.name, product.price, quantity, product.rate, product=product)

    def _id(self) -> int:
        self.last_id += 7
        return self.last_id

    def _now(self) -> datetime:
        # Shopify tells whole seconds.
        return self.clock.now().replace(microsecond=0)
