"""What Stripe says, in domain events. Pure.

One payment is told by `payment_intent.succeeded` and by `charge.succeeded` (or `charge.captured`), one refund by
`refund.created` and `refund.updated`, in old API versions by `charge.refunded`, one dispute by each of its events. All
become the same event of the same thing, with the same content, so that whichever comes first is booked and the others
change nothing, and an endpoint that hears only one of them hears enough. A sweep finds the delivered events themselves,
and reads whole what no event shows whole. Source of the shapes: Stripe's API reference.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from connectors.base import Events, Normalised, SourceConfig
from connectors.stripe.told.credit_notes import credit_note_told
from connectors.stripe.told.disputes import dispute_told
from connectors.stripe.told.facts import Delivery, Fact, Told, letter
from connectors.stripe.told.invoices import invoice_told, invoice_voided, placed
from connectors.stripe.told.payments import charge_paid, intent_succeeded, payment_failed
from connectors.stripe.told.payouts import payout_failed, payout_swept, payout_told
from connectors.stripe.told.reading import get, mapping, moment, text
from connectors.stripe.told.refunds import charge_refunded, refund_told
from schemas.codec import Refused, load_json, shorten, to_json
from schemas.commands import Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.events import decode_event
from schemas.keys import check_identifier
from schemas.raw import RawRecord

_REMEDY: Final = "Compare the webhook's API version in Stripe with the one that this release knows, then replay."
_BODY_BYTES_MAX: Final = 300_000
_OF_OLD_API: Final = "v1."
_TEST: Final = Ignored("Stripe's test-mode data does not reach live books")
# What a sweep asks for, by the name that its raw records have.
EVENTS: Final = "events"
INVOICES: Final = "invoices"
PAYOUTS: Final = "payouts"

# What happens on a type is one look-up here.
_TYPES: Final[Mapping[str, Callable[[Delivery], Told]]] = {
    "charge.succeeded": charge_paid,
    "charge.captured": charge_paid,
    "payment_intent.succeeded": intent_succeeded,
    "payment_intent.payment_failed": payment_failed,
    "refund.created": refund_told,
    "refund.updated": refund_told,
    "refund.failed": refund_told,
    "charge.refund.updated": refund_told,
    "charge.refunded": charge_refunded,
    "charge.dispute.created": dispute_told,
    "charge.dispute.funds_withdrawn": dispute_told,
    "charge.dispute.funds_reinstated": dispute_told,
    "charge.dispute.closed": dispute_told,
    "payout.paid": payout_told,
    "payout.reconciliation_completed": payout_told,
    "payout.failed": payout_failed,
    "invoice.finalized": invoice_told,
    "invoice.paid": invoice_told,
    "invoice.voided": invoice_voided,
    "credit_note.created": credit_note_told,
}
TYPES: Final = tuple(_TYPES)


def normalise(raw: RawRecord, config: SourceConfig) -> Normalised:
    """The events of one webhook delivery, or of what a sweep found; Ignored for what is not booked, a dead letter for
    what does not fit."""
    try:
        document = load_json(raw.body, _BODY_BYTES_MAX)
        if raw.swept in (None, EVENTS):
            return _event(document, raw, config)
        return _found(document, raw, config)
    except Refused as error:
        message = f"Stripe's {error.path} is {error.value}, expected {error.expected}."
        return letter(message, error.path, error.value, _REMEDY)


def named(raw: RawRecord) -> tuple[str | None, str | None]:
    """The id and the type that Stripe gave what a delivery is about, as far as it can be read."""
    try:
        event = load_json(raw.body, _BODY_BYTES_MAX)
    except Refused:
        return None, None
    id_, type_ = (get(event, name) for name in ("id", "type"))
    return _name(id_), _name(type_)


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and check_identifier(value) is None else None


def _event(event: Any, raw: RawRecord, config: SourceConfig) -> Normalised:
    kind = text(event, "type")
    if config.live and get(event, "livemode") is not True:
        return _TEST
    if get(event, "object") == "v2.core.event":
        return _thin(kind, event, config)
    build = _TYPES.get(kind)
    if build is None:
        return Ignored(f"{kind} moves no money that is booked")
    at = moment(event, "created")
    version = get(event, "api_version")
    thing = mapping(event, "data.object")
    told = build(
        Delivery(
            type=kind,
            thing=thing,
            before=get(event, "data.previous_attributes"),
            at=at,
            api_version=version if isinstance(version, str) else "",
            config=config,
        )
    )
    if isinstance(told, RefusedEvent):
        # Several events and each sweep bring the same thing; what is wrong with it is wrong once.
        return msgspec.structs.replace(told, about=f"{get(thing, 'object')}:{get(thing, 'id')}")
    if isinstance(told, Ignored):
        return told
    identifier = text(event, "id")
    # One delivery may tell several facts: each needs an id of its own, the same at every delivery.
    ids = [identifier if len(told) == 1 else f"{identifier}:{fact.part}" for fact in told]
    return Events(tuple(_envelope(id_, at, fact, raw, config) for id_, fact in zip(ids, told, strict=True)))


def _thin(kind: str, event: Any, config: SourceConfig) -> Normalised:
    """A thin event has the type that tells the thing whole, after the version of its API."""
    if kind.removeprefix(_OF_OLD_API) not in _TYPES:
        return Ignored(f"{shorten(kind)} only names a thing, and none that is booked")
    if config.api is not None:
        return Ignored(f"{shorten(kind)} only names a thing: the sweep finds what happened to it")
    thing = get(event, "related_object.id")
    return letter(
        f"Stripe's event {shorten(kind)} only names {shorten(thing)}, and does not tell it.",
        "type",
        shorten(kind),
        "In Stripe, give the endpoint snapshot events in place of thin ones, or give the source an api in sources.yaml "
        "(deploy/docs/stripe.md): its sweep finds what happened. Book this in Xero by hand if the sweep does not bring "
        "it, then discard this letter with a reason.",
    )


def _found(document: Any, raw: RawRecord, config: SourceConfig) -> Normalised:
    """What a sweep read whole, under an id of the thing's own: no event of Stripe tells it."""
    if raw.swept == PAYOUTS:
        thing = mapping(document, "payout")
        fact, at = payout_swept(document, config.gateway or config.name)
    elif raw.swept == INVOICES:
        thing = mapping(document, "invoice")
        fact = placed(thing)
        at = moment(thing, "created")
    else:
        raise Refused("ls_swept", shorten(raw.swept), f"{EVENTS}, {INVOICES} or {PAYOUTS}")
    if config.live and get(thing, "livemode") is not True:
        return _TEST
    return Events((_envelope(f"sweep:{fact.subject}", at, fact, raw, config),))


def _envelope(identifier: str, at: dt.datetime, fact: Fact, raw: RawRecord, config: SourceConfig) -> Envelope:
    envelope = Envelope(
        id=identifier,
        source=config.name,
        type=f"com.ledgerstream.{type(fact.data).__name__}.v1",
        time=at.isoformat(),
        subject=fact.subject,
        sequence=None if fact.sequence is None else str(fact.sequence),
        traceparent=raw.traceparent,
        data=to_json(fact.data),
    )
    # Refuses here, with the field, what would not fit the event's own type.
    decode_event(envelope)
    return envelope
