"""Events as they go over the wire: CloudEvents of a shop, CRM or job system, and Stripe's webhooks."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Way = Literal["single", "batch", "webhook", "kafka", "outbox"]


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery: the way it takes, who sends it, and its document."""

    way: Way
    source: str
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def type(self) -> str:
        """OrderPlaced, ... or Stripe's own word."""
        name = str(self.document["type"])
        return name.split(".")[2] if name.startswith("com.ledgerstream.") else name


def cloud_event(
    name: str,
    data: Mapping[str, Any],
    *,
    source: str,
    id: str,
    time: dt.datetime,
    sequence: int | None = None,
    way: Way = "batch",
) -> Event:
    """A CloudEvent in structured form."""
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": f"com.ledgerstream.{name}.v1",
        "time": time.isoformat(),
        "data": data,
    }
    return Event(way, source, document if sequence is None else document | {"sequence": str(sequence)})


def stripe_payment(
    id: str, amount: Decimal, when: dt.datetime, *, order: str | None, live: bool = True, charge: bool = False
) -> Event:
    """`payment_intent.succeeded` for an order, or the `charge.succeeded` by which Stripe tells the same payment."""
    metadata = {"order_id": order} if order else {}
    money = {"currency": "gbp", "created": int(when.timestamp()), "livemode": live, "metadata": metadata}
    if charge:
        thing = {"id": f"ch_{id}", "object": "charge", "amount": _minor(amount), "payment_intent": f"pi_{id}"}
        return _stripe("charge.succeeded", f"evt_ch_{id}", {**thing, **money, "status": "succeeded"}, when, live)
    thing = {"id": f"pi_{id}", "object": "payment_intent", "amount": _minor(amount), "amount_received": _minor(amount)}
    return _stripe("payment_intent.succeeded", f"evt_pi_{id}", {**thing, **money, "status": "succeeded"}, when, live)


def stripe_refund(id: str, payment: str, amount: Decimal, when: dt.datetime, order: str) -> Event:
    """`refund.created` of a payment made by `stripe_payment`."""
    thing = {
        "id": f"re_{id}",
        "object": "refund",
        "amount": _minor(amount),
        "currency": "gbp",
        "created": int(when.timestamp()),
        "payment_intent": f"pi_{payment}",
        "metadata": {"order_id": order},
        "reason": "requested_by_customer",
        "status": "succeeded",
    }
    return _stripe("refund.created", f"evt_re_{id}", thing, when, live=True)


def _stripe(type_: str, id: str, thing: Mapping[str, Any], when: dt.datetime, live: bool) -> Event:
    document = {
        "id": id,
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": int(when.timestamp()),
        "livemode": live,
        "type": type_,
        "data": {"object": thing},
    }
    return Event("webhook", "stripe-1", document)


def _minor(amount: Decimal) -> int:
    return int(amount * 100)
