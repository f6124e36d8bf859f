"""What Shopify says, in domain events. Pure.

A webhook's topic says what its body is; a sweep found the same things by GraphQL. Both are read into the same shapes
(`connectors.shopify.told`) and tell the same facts with the same keys, so that whichever comes first is booked and the
other changes nothing. Source: Shopify's page "Webhooks" for topics and headers, its REST reference for the bodies.
"""

from collections.abc import Callable, Mapping
from typing import Final

from connectors.base import Events, Normalised, SourceConfig
from connectors.shopify.told import found, graphql, shapes
from connectors.shopify.told.facts import Fact, Told
from connectors.shopify.told.orders import order_told, tip_of
from connectors.shopify.told.payments import dispute_told, payment_told, payout_told
from connectors.shopify.told.people import contact_told
from connectors.shopify.told.refunds import refund_told
from schemas.codec import Refused, decoder, shorten, to_json
from schemas.commands import Evidence, Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.events import OrderPlaced, OrderUpdated, decode_event
from schemas.keys import check_identifier
from schemas.raw import RawRecord

TOPIC: Final = "x-shopify-topic"
EVENT_ID: Final = "x-shopify-event-id"
WEBHOOK_ID: Final = "x-shopify-webhook-id"
KEPT_HEADERS: Final = (TOPIC, EVENT_ID, WEBHOOK_ID, "x-shopify-triggered-at")
_REMEDY: Final = (
    "Compare the API version of the webhook, or of the sweep, with the one that deploy/docs/shopify.md names, then "
    "replay."
)
_TEST: Final = "Shopify's test orders do not reach live books"
_THIN: Final = "only names an order that was edited: orders/updated tells the order itself"


def normalise(raw: RawRecord, config: SourceConfig) -> Normalised:
    """The events of one delivery, or of one object that a sweep found; Ignored for what is not booked, a dead letter
    for what does not fit."""
    try:
        if raw.swept is None:
            prefix, told = _delivery_id(raw), _read(raw, config)
        else:
            prefix, told = _found(raw, config)
        if isinstance(told, str):
            return Ignored(told)
        return Events(tuple(_envelope(prefix, at, fact, raw, config) for at, fact in enumerate(told)))
    except Refused as error:
        message = f"Shopify's {error.path} is {error.value}, expected {error.expected}."
        evidence = Evidence(message=message, field=error.path, value=error.value, remedy=_REMEDY)
        return RefusedEvent(cause="data", stage="normalise", evidence=evidence)


def named(raw: RawRecord) -> tuple[str | None, str | None]:
    """A delivery's event key and its topic, as far as they can be read."""
    if raw.swept is not None:
        return None, raw.swept
    topic = raw.headers.get(TOPIC)
    try:
        return _delivery_id(raw), topic
    except Refused:
        return None, topic if topic and check_identifier(topic) is None else None


def _delivery_id(raw: RawRecord) -> str:
    """Event id and topic: several subscriptions to one topic share the first, and one event may have several topics.

    Shopify's page says so of X-Shopify-Event-Id; what is older has X-Shopify-Webhook-Id alone.
    """
    name = EVENT_ID if EVENT_ID in raw.headers else WEBHOOK_ID
    text = f"{raw.headers.get(name, '')}:{raw.headers.get(TOPIC, '')}"
    why = check_identifier(text)
    if why is not None or not raw.headers.get(name) or not raw.headers.get(TOPIC):
        raise Refused(name, shorten(text), why or "a delivery with its event's id and its topic")
    return text


def _envelope(prefix: str, at: int, fact: Fact, raw: RawRecord, config: SourceConfig) -> Envelope:
    envelope = Envelope(
        # The first fact is what the delivery is about; each further one needs an id of its own, the same every time.
        id=prefix if at == 0 else f"{prefix}:{fact.part}",
        source=config.name,
        type=f"com.ledgerstream.{type(fact.data).__name__}.v1",
        time=fact.at.isoformat(),
        subject=fact.subject,
        sequence=None if fact.sequence is None else str(fact.sequence),
        traceparent=raw.traceparent,
        data=to_json(fact.data),
    )
    # Refuses here, with the field, what would not fit the event's own type.
    decode_event(envelope)
    return envelope


def _order(order: shapes.Order, config: SourceConfig, kind: type[OrderPlaced] = OrderUpdated) -> Told:
    """The order, and what was paid and given back of it as far as the body has that."""
    if order.test and config.live:
        return _TEST
    parts = [
        order_told(order, kind),
        *(_payment(one, config, order.currency) for one in order.transactions),
        *(_refund(one, config, order.currency, tip_of(order)) for one in order.refunds),
    ]
    facts = tuple(fact for told in parts if not isinstance(told, str) for fact in told)
    return facts or next(told for told in parts if isinstance(told, str))


def _payment(payment: shapes.Transaction, config: SourceConfig, shop: str | None = None) -> Told:
    return _TEST if payment.test and config.live else payment_told(payment, config.name, shop)


def _refund(refund: shapes.Refund, config: SourceConfig, shop: str | None = None, tip: int | None = None) -> Told:
    if config.live and any(one.test for one in refund.transactions):
        return _TEST
    return refund_told(refund, config.name, shop, tip)


_read_order = decoder(shapes.Order)
_read_transaction = decoder(shapes.Transaction)
_read_refund = decoder(shapes.Refund)
_read_customer = decoder(shapes.Customer)
_read_dispute = decoder(shapes.Dispute)


def _changed_order(raw: RawRecord, config: SourceConfig) -> Told:
    return _order(_read_order(raw.body), config)


def _contact(raw: RawRecord, _config: SourceConfig) -> Told:
    return contact_told(_read_customer(raw.body))


def _dispute(raw: RawRecord, _config: SourceConfig) -> Told:
    return dispute_told(_read_dispute(raw.body))


# What happens on a topic is one look-up here.
_TOPICS: Final[Mapping[str, Callable[[RawRecord, SourceConfig], Told]]] = {
    "orders/create": lambda raw, config: _order(_read_order(raw.body), config, OrderPlaced),
    "orders/updated": _changed_order,
    "orders/paid": _changed_order,
    "orders/cancelled": _changed_order,
    "orders/edited": lambda _raw, _config: _THIN,
    "order_transactions/create": lambda raw, config: _payment(_read_transaction(raw.body), config),
    "refunds/create": lambda raw, config: _refund(_read_refund(raw.body), config),
    "customers/create": _contact,
    "customers/update": _contact,
    "disputes/create": _dispute,
    "disputes/update": _dispute,
}


def _read(raw: RawRecord, config: SourceConfig) -> Told:
    topic = raw.headers.get(TOPIC, "")
    read = _TOPICS.get(topic)
    return f"{shorten(topic)} tells nothing that is booked" if read is None else read(raw, config)


def _found(raw: RawRecord, config: SourceConfig) -> tuple[str, Told]:
    """What a sweep found, and the id that its first event has: of this state of this thing."""
    match raw.swept:
        case "orders":
            order = found.order(graphql.read_order(raw.body))
            told, state = _order(order, config), order.updated_at.isoformat()
        case "customers":
            customer = found.customer(graphql.read_customer(raw.body))
            told, state = contact_told(customer), str(customer.updated_at)
        case "disputes":
            dispute = found.dispute(graphql.read_dispute(raw.body))
            told, state = dispute_told(dispute), dispute.status.lower()
        case "payouts":
            payout = graphql.read_payout(raw.body)
            told, state = payout_told(payout), payout.status.lower()
        case "balance_transactions":
            return "", "what a payout is made of: no event of this release tells single fees"
        case _:
            raise Refused("ls_swept", shorten(raw.swept), "orders, customers, disputes, payouts, balance_transactions")
    return ("" if isinstance(told, str) else f"sweep:{told[0].subject}:{state}"), told
