"""What a Stripe webhook says, in domain events. Pure.

One payment is told by `payment_intent.succeeded` and by `charge.succeeded` (or `charge.captured`), one refund by
`refund.created` and `refund.updated`, in old API versions by `charge.refunded`. All become the same event of the same
payment or refund, with the same content, so that whichever comes first is booked and the others change nothing, and
an endpoint that hears only one of them hears enough. Source of the shapes: Stripe's API reference (Event, Charge,
PaymentIntent, Refund objects).
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from connectors.base import Events, Normalised, SourceConfig
from schemas.codec import Refused, load_json, shorten, to_json
from schemas.commands import Evidence, Ignored, RefusedEvent
from schemas.envelope import Envelope
from schemas.events import PaymentFailed, PaymentReceived, RefundIssued
from schemas.events.fields import Contract, OrderRef
from schemas.keys import check_identifier
from schemas.money import from_minor, to_text
from schemas.raw import RawRecord

_REMEDY: Final = "Compare the webhook's API version in Stripe with the one that this release knows, then replay."
_BODY_BYTES_MAX: Final = 300_000
# The first API version that tells every refund by refund.created, refund.updated and refund.failed.
_REFUND_EVENTS: Final = "2024-10-28"
# Amounts are in minor units as ISO 4217 has them, but for these (Stripe's page "Supported currencies").
_WITH_TWO_ZEROS: Final = frozenset({"ISK", "UGX"})
_WHOLE: Final = frozenset({"MGA"})


def normalise(raw: RawRecord, config: SourceConfig) -> Normalised:
    """The events of one webhook delivery; Ignored for what does not move money, a dead letter for what does not fit."""
    try:
        return _event(load_json(raw.body, _BODY_BYTES_MAX), raw, config)
    except Refused as error:
        message = f"Stripe's {error.path} is {error.value}, expected {error.expected}."
        return _letter(message, error.path, error.value, _REMEDY)


def named(raw: RawRecord) -> tuple[str | None, str | None]:
    """The id and the type that Stripe gave what a delivery is about, as far as it can be read."""
    try:
        event = load_json(raw.body, _BODY_BYTES_MAX)
    except Refused:
        return None, None
    id_, type_ = (_get(event, name) for name in ("id", "type"))
    return _name(id_), _name(type_)


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and check_identifier(value) is None else None


def _letter(message: str, field: str, value: str | None, remedy: str) -> RefusedEvent:
    evidence = Evidence(message=message, field=field, value=value, remedy=remedy)
    return RefusedEvent(cause="data", stage="normalise", evidence=evidence)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A Stripe event that is worth reading. `thing` is the object that it tells of, `before` what it said before."""

    type: str
    thing: Mapping[str, Any]
    before: Any
    at: dt.datetime
    api_version: str
    config: SourceConfig

    @property
    def gateway(self) -> str:
        return self.config.gateway or self.config.name

    @property
    def tells_refunds(self) -> bool:
        """Whether this API version has the events of refunds. Versions are dates, some with a name behind."""
        return self.api_version[: len(_REFUND_EVENTS)] >= _REFUND_EVENTS


def _event(event: Any, raw: RawRecord, config: SourceConfig) -> Normalised:
    kind = _text(event, "type")
    if config.live and _get(event, "livemode") is not True:
        return Ignored("Stripe's test-mode data does not reach live books")
    build = _BUILDERS.get(kind)
    if build is None:
        return Ignored(f"{kind} moves no money that is booked")
    at = _moment(event, "created")
    version = _get(event, "api_version")
    told = build(
        _Delivery(
            type=kind,
            thing=_object(event, "data.object"),
            before=_get(event, "data.previous_attributes"),
            at=at,
            api_version=version if isinstance(version, str) else "",
            config=config,
        )
    )
    if not isinstance(told, tuple):
        return told
    identifier = _text(event, "id")
    return Events(
        tuple(
            Envelope(
                # One delivery may tell several refunds: each needs an id of its own, the same at every delivery.
                id=identifier if len(told) == 1 else f"{identifier}:{fact.subject.rpartition(':')[2]}",
                source=config.name,
                type=f"com.ledgerstream.{type(fact.data).__name__}.v1",
                time=at.isoformat(),
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


_Told = tuple[_Fact, ...] | Ignored | RefusedEvent


def _payment(delivery: _Delivery, payment: str, amount_field: str) -> _Told:
    currency = _text(delivery.thing, "currency").upper()
    data = PaymentReceived(
        payment_id=payment,
        gateway=delivery.gateway,
        amount=_amount(delivery.thing, amount_field, currency),
        currency=currency,
        received_at=delivery.at,
        order=_order(delivery.thing, delivery.config),
        reference=payment,
    )
    return (_Fact(f"payment:{payment}", data),)


def _charge_paid(delivery: _Delivery) -> _Told:
    charge = delivery.thing
    if _get(charge, "captured") is False:
        return Ignored("the charge is authorised and not captured: no money moved")
    intent = _get(charge, "payment_intent")
    payment = intent if isinstance(intent, str) and intent else _text(charge, "id")
    # Less may be captured than was authorised.
    return _payment(delivery, payment, "amount" if _get(charge, "amount_captured") is None else "amount_captured")


def _intent_succeeded(delivery: _Delivery) -> _Told:
    return _payment(delivery, _text(delivery.thing, "id"), "amount_received")


def _payment_failed(delivery: _Delivery) -> _Told:
    payment = _text(delivery.thing, "id")
    code = _get(delivery.thing, "last_payment_error.code")
    data = PaymentFailed(
        payment_id=payment,
        gateway=delivery.gateway,
        failed_at=delivery.at,
        kind="declined",
        reason=code if isinstance(code, str) else None,
    )
    return (_Fact(f"payment:{payment}", data),)


def _refund_told(delivery: _Delivery) -> _Told:
    """A refund that was made, changed or failed."""
    refund = delivery.thing
    status = _get(refund, "status")
    if status in _MONEY_WENT_BACK:
        return (_refund(refund, delivery),)
    if _came_undone(delivery, status):
        identifier = _text(refund, "id")
        return _letter(
            f"The refund {identifier} is {status}: the money came back after it may have been booked as gone.",
            "data.object.status",
            str(status),
            f"If the credit note of {identifier} is in Xero, undo it and its payment there by hand; then discard this "
            "letter with a reason.",
        )
    return Ignored(f"the refund is {shorten(status)}: no money went back")


def _came_undone(delivery: _Delivery, status: Any) -> bool:
    if status == "canceled":
        return _get(delivery.before, "status") in _MONEY_WENT_BACK
    # One failure is told by an update too, and must not be two letters.
    failure = "refund.failed" if delivery.tells_refunds else "charge.refund.updated"
    return status == "failed" and delivery.type == failure


def _charge_refunded(delivery: _Delivery) -> _Told:
    refunds = _get(delivery.thing, "refunds.data")
    if isinstance(refunds, list) and refunds:
        gone = [refund for refund in refunds if _get(refund, "status") in _MONEY_WENT_BACK]
        return tuple(_refund(refund, delivery) for refund in gone) or Ignored("no refund of the charge came through")
    if delivery.tells_refunds:
        return Ignored("this API version leaves the refunds out here; refund.created tells them")
    return _letter(
        f"A charge was refunded, and API versions of Stripe before {_REFUND_EVENTS} do not say by which refund.",
        "api_version",
        delivery.api_version or None,
        f"In Stripe, set the webhook endpoint to API version {_REFUND_EVENTS} or later with the event refund.created, "
        "for the next ones. Book this refund in Xero by hand, then discard this letter with a reason.",
    )


def _refund(refund: Any, delivery: _Delivery) -> _Fact:
    identifier = _text(refund, "id")
    currency = _text(refund, "currency").upper()
    payment = _get(refund, "payment_intent") or _get(refund, "charge")
    reason = _get(refund, "reason")
    data = RefundIssued(
        refund_id=identifier,
        gateway=delivery.gateway,
        amount=_amount(refund, "amount", currency),
        currency=currency,
        refunded_at=_moment(refund, "created"),
        # Not the charge's order: refund.created does not know it, and one refund must have one content.
        order=_order(refund, delivery.config),
        payment_id=payment if isinstance(payment, str) else None,
        reason=reason if isinstance(reason, str) else None,
    )
    return _Fact(f"refund:{identifier}", data)


_MONEY_WENT_BACK: Final = ("succeeded", "pending")
_BUILDERS: Final[Mapping[str, Callable[[_Delivery], _Told]]] = {
    "charge.succeeded": _charge_paid,
    "charge.captured": _charge_paid,
    "payment_intent.succeeded": _intent_succeeded,
    "payment_intent.payment_failed": _payment_failed,
    "refund.created": _refund_told,
    "refund.updated": _refund_told,
    "refund.failed": _refund_told,
    "charge.refund.updated": _refund_told,
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
    if currency in _WHOLE:
        units *= 100
    if currency in _WITH_TWO_ZEROS:
        if units % 100:
            raise Refused(path, str(units), f"a multiple of 100: Stripe writes {currency} with two zeros at the end")
        units //= 100
    return to_text(from_minor(units, currency))


def _moment(thing: Any, path: str) -> dt.datetime:
    try:
        return dt.datetime.fromtimestamp(_whole(thing, path), tz=dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise Refused(path, shorten(_get(thing, path)), "seconds since 1970") from None
