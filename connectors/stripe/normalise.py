"""What a Stripe webhook says, in domain events. Pure.

One payment is told by `payment_intent.succeeded` and by `charge.succeeded`; both become PaymentReceived of the same
payment with the same content, so that whichever comes first is booked and the other changes nothing, and an endpoint
that hears only one of them hears enough. Source of the shapes: Stripe's API reference (Event, Charge, PaymentIntent,
Refund objects); amounts are in minor units.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from connectors.base import Events, Normalised, SourceConfig
from schemas.codec import Refused, load_json, shorten, to_json
from schemas.commands import Evidence, Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.events import PaymentFailed, PaymentReceived, RefundIssued
from schemas.events.fields import Contract, OrderRef
from schemas.money import from_minor, to_text
from schemas.raw import RawRecord

_REMEDY: Final = "Compare the webhook's API version in Stripe with the one that this release knows, then replay."
_BODY_BYTES_MAX: Final = 300_000


def normalise(raw: RawRecord, config: SourceConfig) -> Normalised:
    """The events of one webhook delivery; Ignored for what does not move money, a dead letter for what does not fit."""
    try:
        return _event(load_json(raw.body, _BODY_BYTES_MAX), raw, config)
    except Refused as error:
        evidence = Evidence(
            message=f"Stripe's {error.path} is {error.value}, expected {error.expected}.",
            field=error.path,
            value=error.value,
            remedy=_REMEDY,
        )
        return RefusedEvent(cause="data", stage="normalise", evidence=evidence)


def _event(event: Any, raw: RawRecord, config: SourceConfig) -> Normalised:
    kind = _text(event, "type")
    if config.live and _get(event, "livemode") is not True:
        return Ignored("Stripe's test-mode data does not reach live books")
    build = _BUILDERS.get(kind)
    if build is None:
        return Ignored(f"{kind} moves no money that is booked")
    told = build(_object(event, "data.object"), _moment(event, "created"), config)
    if isinstance(told, Ignored):
        return told
    identifier = _text(event, "id")
    return Events(
        tuple(
            Envelope(
                # One delivery may tell several refunds: each needs an id of its own, the same at every delivery.
                id=identifier if len(told) == 1 else f"{identifier}:{fact.subject.rpartition(':')[2]}",
                source=config.name,
                type=f"com.ledgerstream.{type(fact.data).__name__}.v1",
                time=_moment(event, "created").isoformat(),
                subject=fact.subject,
                traceparent=raw.traceparent,
                data=to_json(fact.data),
            )
            for fact in told
        )
    )


class _Fact(NamedTuple):
    subject: str
    data: Contract


_Told = tuple[_Fact, ...] | Ignored


def _payment(thing: Mapping[str, Any], payment: str, amount_field: str, at: dt.datetime, config: SourceConfig) -> _Told:
    currency = _text(thing, "currency").upper()
    data = PaymentReceived(
        payment_id=payment,
        gateway=config.gateway or config.name,
        amount=_amount(thing, amount_field, currency),
        currency=currency,
        received_at=at,
        order=_order(thing, config),
        reference=payment,
    )
    return (_Fact(f"payment:{payment}", data),)


def _charge_succeeded(charge: Mapping[str, Any], at: dt.datetime, config: SourceConfig) -> _Told:
    intent = _get(charge, "payment_intent")
    payment = intent if isinstance(intent, str) else _text(charge, "id")
    return _payment(charge, payment, "amount", at, config)


def _intent_succeeded(intent: Mapping[str, Any], at: dt.datetime, config: SourceConfig) -> _Told:
    return _payment(intent, _text(intent, "id"), "amount_received", at, config)


def _payment_failed(intent: Mapping[str, Any], at: dt.datetime, config: SourceConfig) -> _Told:
    payment = _text(intent, "id")
    data = PaymentFailed(
        payment_id=payment,
        gateway=config.gateway or config.name,
        failed_at=at,
        kind="declined",
        reason=_reason(intent),
    )
    return (_Fact(f"payment:{payment}", data),)


def _refund_created(refund: Mapping[str, Any], _at: dt.datetime, config: SourceConfig) -> _Told:
    status = _get(refund, "status")
    if status not in ("succeeded", "pending"):
        return Ignored(f"the refund is {shorten(status)}: no money went back")
    return (_refund(refund, _order(refund, config), config),)


def _charge_refunded(charge: Mapping[str, Any], _at: dt.datetime, config: SourceConfig) -> _Told:
    refunds = _get(charge, "refunds.data")
    if not isinstance(refunds, list) or not refunds:
        return Ignored("this API version leaves the refunds out here; refund.created tells them")
    order = _order(charge, config)
    return tuple(_refund(refund, _order(refund, config) or order, config) for refund in refunds)


def _refund(refund: Mapping[str, Any], order: OrderRef | None, config: SourceConfig) -> _Fact:
    identifier = _text(refund, "id")
    currency = _text(refund, "currency").upper()
    payment = _get(refund, "payment_intent") or _get(refund, "charge")
    reason = _get(refund, "reason")
    data = RefundIssued(
        refund_id=identifier,
        gateway=config.gateway or config.name,
        amount=_amount(refund, "amount", currency),
        currency=currency,
        refunded_at=_moment(refund, "created"),
        order=order,
        payment_id=payment if isinstance(payment, str) else None,
        reason=reason if isinstance(reason, str) else None,
    )
    return _Fact(f"refund:{identifier}", data)


_BUILDERS: Final[Mapping[str, Callable[[Mapping[str, Any], dt.datetime, SourceConfig], _Told]]] = {
    "charge.succeeded": _charge_succeeded,
    "payment_intent.succeeded": _intent_succeeded,
    "payment_intent.payment_failed": _payment_failed,
    "refund.created": _refund_created,
    "charge.refunded": _charge_refunded,
}


def _order(thing: Mapping[str, Any], config: SourceConfig) -> OrderRef | None:
    """Which order: the metadata keys of the configuration, then its reference fields (dotted paths)."""
    places = [f"metadata.{key}" for key in config.order_metadata_keys]
    for place in (*places, *config.order_reference_fields):
        found = _get(thing, place)
        if isinstance(found, str) and found.strip() and config.order_source:
            return OrderRef(id=found.strip(), source=config.order_source)
    return None


def _reason(intent: Mapping[str, Any]) -> str | None:
    code = _get(intent, "last_payment_error.code")
    return code if isinstance(code, str) else None


def _get(thing: Any, path: str) -> Any:
    for part in path.split("."):
        thing = thing.get(part) if isinstance(thing, Mapping) else None
    return thing


def _object(thing: Any, path: str) -> Mapping[str, Any]:
    found = _get(thing, path)
    if not isinstance(found, Mapping):
        raise Refused(path, shorten(found), "an object")
    return found


def _text(thing: Any, path: str) -> str:
    found = _get(thing, path)
    if not isinstance(found, str) or not found:
        raise Refused(path, shorten(found), "a text")
    return found


def _whole(thing: Any, path: str) -> int:
    found = _get(thing, path)
    if not isinstance(found, int) or isinstance(found, bool):
        raise Refused(path, shorten(found), "a whole number")
    return found


def _amount(thing: Any, path: str, currency: str) -> str:
    units = _whole(thing, path)
    if units <= 0:
        raise Refused(path, str(units), "more than zero")
    return to_text(from_minor(units, currency))


def _moment(thing: Any, path: str) -> dt.datetime:
    try:
        return dt.datetime.fromtimestamp(_whole(thing, path), tz=dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise Refused(path, shorten(_get(thing, path)), "seconds since 1970") from None
