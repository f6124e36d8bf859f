"""What an account has: its objects as the API shows them, what moved in its balance, and the events that told it."""

import uuid
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final

from connectors.xero.sandbox.clock import Clock

Json = dict[str, Any]
VERSION: Final = "2025-09-30.clover"
EVENTS_KEPT: Final = timedelta(days=30)


class NotPossible(ValueError):
    """The account has no such thing, or it is in no state for this."""


class Book:
    """`tell` is told of every event. `new_id` gives what stands behind the prefix of an id."""

    def __init__(self, clock: Clock, tell: Callable[[Json], None], new_id: Callable[[], str] | None = None) -> None:
        self._clock = clock
        self._tell = tell
        self._new_id = new_id or (lambda: uuid.uuid4().hex[:24])
        self._things: dict[str, Json] = {}
        self.events: list[Json] = []
        # Each balance transaction, with the payout that has it.
        self.balance: list[tuple[Json, str | None]] = []

    def now(self) -> int:
        """Seconds since 1970: Stripe tells whole ones."""
        return int(self._clock.now().timestamp())

    def make(self, prefix: str, kind: str, **fields: Any) -> Json:
        """A new object, with an id."""
        identifier = f"{prefix}_{self._new_id()}"
        self._things[identifier] = {"id": identifier, "object": kind, "created": self.now(), "livemode": True, **fields}
        return self._things[identifier]

    def get(self, identifier: str, kind: str) -> Json:
        """The object with this id."""
        found = self._things.get(identifier)
        if found is None or found["object"] != kind:
            raise NotPossible(f"No such {kind}: '{identifier}'")
        return found

    def thing(self, identifier: str) -> Json:
        """The object with this id, whatever it is."""
        return self._things[identifier]

    def every(self, kind: str) -> list[Json]:
        """All objects of a kind, the oldest first."""
        return [one for one in self._things.values() if one["object"] == kind]

    def moved(self, type_: str, source: str, amount: int, fee: int, currency: str) -> Json:
        """A balance transaction: money that came (or went, below zero), less a fee."""
        transaction = self.make(
            "txn",
            "balance_transaction",
            amount=amount,
            currency=currency,
            exchange_rate=None,
            fee=fee,
            net=amount - fee,
            source=source,
            status="available",
            type=type_,
        )
        self.balance.append((transaction, None))
        return transaction

    def happened(self, type_: str, thing: Json, before: Mapping[str, Any] | None = None) -> Json:
        """An event that shows the object as it is now, and what changed had before."""
        told = deepcopy(thing)
        event = {
            "id": f"evt_{self._new_id()}",
            "object": "event",
            "api_version": VERSION,
            "created": self.now(),
            "data": {"object": told, **({} if before is None else {"previous_attributes": dict(before)})},
            "livemode": thing["livemode"],
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type_,
        }
        self.events.append(event)
        self._tell(event)
        return event

    def named(self, type_: str, thing: Json) -> Json:
        """A thin event of API version 2: it names the object, and the list of events does not have it."""
        event = {
            "id": f"evt_{self._new_id()}",
            "object": "v2.core.event",
            "created": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "livemode": thing["livemode"],
            "related_object": {
                "id": thing["id"],
                "type": thing["object"],
                "url": f"/v1/{thing['object']}s/{thing['id']}",
            },
            "type": type_,
        }
        self._tell(event)
        return event

    def listed_events(self) -> list[Json]:
        """Those that Stripe still has, the oldest first."""
        oldest = self.now() - int(EVENTS_KEPT.total_seconds())
        return [event for event in self.events if event["created"] >= oldest]
