"""Which ledger belongs to which Kafka: told in the topic `ledger`, compared before a worker does anything.

A ledger that was put back from a backup does not know what Xero was told since; a ledger of another system would
take its own offsets for this one's. Either would book twice or lose, so the worker refuses (design section 6).
"""

import asyncio
from typing import Final, Protocol

import msgspec

from schemas.codec import to_json
from schemas.topics import TOPICS
from streams.kafka.last import last_value
from streams.kafka.producer import Producer
from streams.ledger import Ledger

KEY: Final = b"ledger"
_TELL_S: Final = 1.0


class LedgerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The one record of the topic `ledger`. `highest_call`: the last call that was opened when it was written."""

    ledger_id: str
    highest_call: int
    version: int = 1


class WrongLedger(Exception):
    """This ledger must not be used with this Kafka; the message says why and what to do."""


class OlderLedger(WrongLedger):
    """The ledger was put back from a backup: Xero was told more since, up to the call `highest_call`."""

    def __init__(self, message: str, highest_call: int) -> None:
        super().__init__(message)
        self.highest_call = highest_call


class _Known(Protocol):
    @property
    def ledger_id(self) -> str: ...
    @property
    def highest_call(self) -> int: ...
    @property
    def has_taken_in(self) -> bool: ...


def check(ours: _Known, told: bytes | None) -> None:
    """Compare the ledger with what the topic says. Raises WrongLedger."""
    if told is None:
        if ours.has_taken_in:
            raise WrongLedger(
                f"The ledger {ours.ledger_id} has taken in events, but this Kafka has never heard of it: it is another "
                "cluster, or its topics were deleted. Name the right one in KAFKA_BOOTSTRAP_SERVERS; for a new start, "
                "name a new ledger in LEDGERSTREAM_LEDGER_URL once everything in the old one is posted."
            )
        return
    record = msgspec.json.decode(told, type=LedgerRecord)
    if record.ledger_id != ours.ledger_id:
        raise WrongLedger(
            f"This Kafka belongs to the ledger {record.ledger_id}, and LEDGERSTREAM_LEDGER_URL names another one, "
            f"{ours.ledger_id}. It would book again what the other has booked. Name the right ledger; if it is lost, "
            "put back its last backup."
        )
    if record.highest_call > ours.highest_call:
        raise OlderLedger(
            f"The ledger is older than this Kafka: it knows {ours.highest_call} calls to Xero, the topic `ledger` "
            f"{record.highest_call}. It was put back from a backup, and would send again what was sent since. Put back "
            "the newest copy; if there is none, start with `ledgerstream worker --restored`: everything that is not "
            "known to be posted is then looked for in Xero before it is sent.",
            record.highest_call,
        )


def record_of(ours: _Known) -> bytes:
    """The record to write."""
    return to_json(LedgerRecord(ledger_id=ours.ledger_id, highest_call=ours.highest_call))


class Introduction:
    """Tells Kafka which ledger works here and how far it got: before anything else, then whenever it got further."""

    def __init__(self, ledger: Ledger, producer: Producer, prefix: str) -> None:
        self._ledger = ledger
        self._producer = producer
        self._topic = TOPICS["ledger"].full_name(prefix)
        self._told: bytes | None = None

    async def begin(self, bootstrap: str, *, restored: bool = False) -> None:
        """Compare, then tell. Raises WrongLedger, BrokerUnavailable.

        With `restored` a person says that an older ledger is a backup: what it does not know to be posted is looked
        for in Xero before it is sent.
        """
        try:
            check(await self._ledger.identity.read(), await last_value(bootstrap, self._topic))
        except OlderLedger as older:
            if not restored:
                raise
            await self._ledger.identity.restored(older.highest_call)
        await self.tell()

    async def tell(self) -> None:
        """Write the record if it says something new; returns when it is acknowledged.

        Raises WrongLedger where the database was put back, or another one put in its place, while we worked on it.
        """
        ours = await self._ledger.identity.read()
        record = record_of(ours)
        if record == self._told:
            return
        if self._told is not None:
            check(ours, self._told)
        await self._producer.publish(self._topic, KEY, record)
        self._told = record

    async def run(self) -> None:
        """Tell once a second, until cancelled."""
        while True:
            await asyncio.sleep(_TELL_S)
            await self.tell()
