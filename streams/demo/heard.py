"""What the topic `events.xero` tells, read as any consumer of Kafka reads it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from streams.kafka.reader import ahead

_TYPE: Final = "ce_type"


@dataclass(frozen=True, slots=True)
class Told:
    """One event: its type in a word, such as InvoiceStatusChanged, and its data."""

    type: str
    data: Mapping[str, Any]

    @property
    def document(self) -> str:
        """The number that people know it by; a contact's name."""
        return str(self.data.get("number") or self.data.get("name"))


Hear = Callable[[], Awaitable[Sequence[Told]]]


async def hear(bootstrap: str, prefix: str) -> list[Told]:
    """Everything that the topic holds now, in the order of each document. Raises BrokerUnavailable."""
    found = []
    async for _, _, record in ahead(bootstrap, prefix, ("events.xero",), {}):
        type_ = dict(record.headers)[_TYPE].decode()
        found.append(Told(type_.split(".")[2], orjson.loads(record.value)))
    return found


def of_people(told: Sequence[Told], number: str) -> list[Told]:
    """What others than we did to an invoice."""
    return [one for one in told if one.data.get("number") == number and one.data["by"] == "others"]
