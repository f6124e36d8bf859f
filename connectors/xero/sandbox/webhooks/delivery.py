"""What is kept of the subscription and of each delivery."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from connectors.xero.sandbox.webhooks.orders import Fate
from connectors.xero.sandbox.webhooks.posting import Try
from connectors.xero.sandbox.wire import Json

# "ok": what changes is told. "disabled": nothing is, until a person enables it.
Status = Literal["ok", "disabled"]
# "waiting" for its first or next try; "held" until others overtake it; "lost" by order; "dropped" with the webhook.
Progress = Literal["waiting", "held", "delivered", "lost", "dropped"]


class Subscription(msgspec.Struct, kw_only=True):
    """The app's one webhook. `next_sequence` is the number of the next event; `wrong` says why it is disabled."""

    url: str
    key: str
    status: Status
    wrong: str = ""
    next_sequence: int = 1

    def shown(self) -> Json:
        """For the admin surface: all but the key."""
        return {"url": self.url, "status": self.status, "wrong": self.wrong, "next_sequence": self.next_sequence}


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One body with consecutive events. `tried` is set once its first try is over, or when it will have none."""

    number: int
    events: list[Json]
    first_sequence: int
    body: bytes
    fate: Fate
    progress: Progress = "waiting"
    tries: list[Try] = field(default_factory=list)
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, progress: Progress) -> None:
        """Its last word."""
        self.progress = progress
        self.tried.set()

    def shown(self) -> Json:
        """For the admin surface."""
        return {
            "number": self.number,
            "first_sequence": self.first_sequence,
            "last_sequence": self.first_sequence + len(self.events) - 1,
            "progress": self.progress,
            "tries": [msgspec.structs.asdict(tried) for tried in self.tries],
            "events": self.events,
        }
