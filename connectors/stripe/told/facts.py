"""What the parts of the Stripe connector have in common: the delivery that they read, and the facts that they make."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from connectors.base import SourceConfig
from connectors.stripe.told.reading import get
from schemas.commands import Evidence, Ignored, RefusedEvent
from schemas.events.fields import Contract, OrderRef

# Ids of Billing's invoices begin like this.
INVOICE_PREFIX: Final = "in_"
# Where a payment names its invoice: in API versions before 2025-03-31, and in those since.
_INVOICE_FIELDS: Final = ("invoice", "payment_details.order_reference")
_NO_INVOICE: Final = "2025-03-31"
_REFUND_EVENTS: Final = "2024-10-28"


@dataclass(frozen=True, slots=True)
class Delivery:
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

    # Versions are dates, some with a name behind.

    @property
    def tells_refunds(self) -> bool:
        """Whether this API version tells every refund by refund.created, refund.updated and refund.failed."""
        return self.api_version[: len(_REFUND_EVENTS)] >= _REFUND_EVENTS

    @property
    def hides_invoices(self) -> bool:
        """Whether charges of this API version do not name their invoice; their intents still do."""
        return self.api_version[: len(_NO_INVOICE)] >= _NO_INVOICE


class Fact(NamedTuple):
    """One domain event to be. `part` tells it from the others of one delivery, `sequence` is its entity's version."""

    subject: str
    data: Contract
    part: str
    sequence: int | None = None


Told = tuple[Fact, ...] | Ignored | RefusedEvent
"""The facts, at least one; or why there is none."""


def letter(message: str, field: str, value: str | None, remedy: str) -> RefusedEvent:
    """A dead letter."""
    evidence = Evidence(message=message, field=field, value=value, remedy=remedy)
    return RefusedEvent(cause="data", stage="normalise", evidence=evidence)


def order_of(thing: Mapping[str, Any], config: SourceConfig) -> OrderRef | None:
    """Which order: the metadata keys of the configuration, then its reference fields (dotted paths), then the invoice
    of Billing, which is an order of this source."""
    places = [f"metadata.{key}" for key in config.order_metadata_keys]
    for place in (*places, *config.order_reference_fields):
        found = get(thing, place)
        if isinstance(found, str) and found.strip() and config.order_source:
            return OrderRef(id=found.strip(), source=config.order_source)
    for place in _INVOICE_FIELDS:
        found = get(thing, place)
        if isinstance(found, str) and found.startswith(INVOICE_PREFIX):
            return OrderRef(id=found, source=config.name)
    return None
