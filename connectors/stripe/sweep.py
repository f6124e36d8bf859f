"""What happened at Stripe, asked of its list of events, since webhooks may be lost, late, or switched off.

The list has the delivered events themselves, so a found event has the same key as its webhook. Two things no event
shows whole are read beside it: the balance transactions of a payout, and the lines of a long invoice. Source: Stripe's
API reference (List all events, List all balance transactions, Retrieve an invoice's line items).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec

from connectors.base import SourceConfig
from connectors.fetching import Fetcher
from connectors.stripe.api import StripeApi
from connectors.stripe.endpoints import state_of_webhooks
from connectors.stripe.normalise import EVENTS, INVOICES, PAYOUTS, TYPES
from connectors.stripe.told.lines import LINE_FIELDS
from connectors.stripe.told.payouts import ITEMS_MAX, movement
from connectors.stripe.told.reading import get
from connectors.sweeping import FIRST_LOOK, Page, Subscription, foreign
from schemas.codec import canonical
from schemas.events.fields import Instant
from schemas.raw import RawRecord

_OVERLAP: Final = timedelta(minutes=10)
# A round that was interrupted so long ago begins anew.
_STALE: Final = timedelta(days=1)
# How long Stripe keeps events.
KEPT: Final = timedelta(days=30)
# Stripe takes at most 20 types in one question.
_ASKED: Final = {f"types[{at}]": type_ for at, type_ in enumerate(TYPES)}


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sweep is. Between two rounds only `since` is set."""

    since: Instant
    until: Instant | None = None
    after: str | None = None


_read_place = msgspec.json.Decoder(_Place).decode


class StripeSweeper:
    """One account; see connectors.sweeping.Sweeper. Within a round the newest events come first, as Stripe lists them:
    the order of facts is the ledger's to find."""

    def __init__(self, config: SourceConfig, fetcher: Fetcher) -> None:
        if config.api is None:
            raise ValueError(f"{config.name} has no api: a sweep needs its address and token")
        self._source = config.name
        self._api = StripeApi(fetcher, config.api.token)
        self._version: str | None = None
        # From when to when events may have been missed, in words.
        self._gap: str | None = None

    async def page(self, cursor: str | None, until: datetime) -> Page:
        """Up to 100 events, and what has to be read beside them."""
        place = _place(cursor, until)
        if place.until is not None and until - place.until > _STALE:
            # The event behind which it would go on may be gone by now, and Stripe refuses one that it does not have.
            place = _Place(since=place.since)
        # A round that was interrupted goes on up to the time that it began with.
        ends = place.until or until
        window = {
            "created[gte]": str(int(self._begins(place.since, until).timestamp())),
            "created[lt]": str(int(ends.timestamp())),
        }
        events, after = await self._api.page("/v1/events", {**window, **_ASKED}, place.after)
        self._version = next((str(one["api_version"]) for one in events if one.get("api_version")), self._version)
        records = [self._record(event, EVENTS, until) for event in reversed(events)]
        records += [self._record(one, PAYOUTS, until) for one in await self._payouts(events)]
        records += [self._record(one, INVOICES, until) for one in await self._invoices(events)]
        if after is None:
            return Page(records=tuple(records), cursor=_text(_Place(since=ends)))
        return Page(records=tuple(records), cursor=_text(_Place(since=place.since, until=ends, after=after)), more=True)

    async def subscription(self) -> Subscription | None:
        """Whether Stripe still sends us webhooks: it disables an endpoint that fails for days, and we enable it."""
        state = await state_of_webhooks(self._api, self._source, self._version)
        return replace(state, words=f"{state.words}; {self._gap}") if self._gap else state

    def _begins(self, since: datetime, until: datetime) -> datetime:
        oldest = until - KEPT
        if since < oldest:
            self._gap = (
                f"events from {_day(since)} to {_day(oldest)} are no longer listed by Stripe: compare its payments and "
                "refunds of that time with the books"
            )
        return max(since - _OVERLAP, oldest)

    async def _payouts(self, events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The automatic payouts of these events that were paid and can be itemised by now, each with its balance
        transactions. One that failed since was paid all the same, and another event tells that it failed."""
        paid = _things(events, ("payout.paid",))
        found: list[Mapping[str, Any]] = []
        for identifier, told in (_things(events, ("payout.reconciliation_completed",)) | paid).items():
            if told.get("automatic") is not True:
                continue
            payout = await self._api.thing("payouts", identifier)
            was_paid = payout.get("status") == "paid" or (payout.get("status") == "failed" and identifier in paid)
            # The later of the two events comes to this place again.
            if was_paid and payout.get("reconciliation_status") == "completed":
                found.append({"payout": payout, "balance_transactions": await self._moved(identifier)})
        return found

    async def _moved(self, payout: str) -> list[Mapping[str, Any]]:
        """What the payout contains; where that is too much for one event, the sums by type."""
        asked = {"payout": payout, "expand[]": "data.source"}
        moved = [movement(one) async for one in self._api.every("/v1/balance_transactions", asked)]
        return moved if len(moved) <= ITEMS_MAX else _sums(moved)

    async def _invoices(self, events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The invoices of these events that have more lines than an event shows, with all of them."""
        found: list[Mapping[str, Any]] = []
        for identifier, invoice in _things(events, ("invoice.finalized", "invoice.paid")).items():
            if get(invoice, "lines.has_more") is not True or not invoice.get("total"):
                continue
            lines = [
                {name: line[name] for name in LINE_FIELDS if name in line}
                async for line in self._api.every(f"/v1/invoices/{quote(identifier, safe='')}/lines", {})
            ]
            found.append({"invoice": {**invoice, "lines": {"data": lines}}})
        return found

    def _record(self, thing: Mapping[str, Any], swept: str, at: datetime) -> RawRecord:
        return RawRecord(
            source=self._source,
            connector="stripe",
            body=canonical(thing),
            received_at=at,
            content_type="application/json",
            swept=swept,
        )


def _sums(moved: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for one in moved:
        type_, currency = str(one.get("type")), str(one.get("currency"))
        total = sums.setdefault((type_, currency), {"type": type_, "currency": currency, "amount": 0, "fee": 0})
        for name in ("amount", "fee"):
            total[name] += one[name] if isinstance(one.get(name), int) else 0
    return list(sums.values())


def _things(events: Iterable[Mapping[str, Any]], types: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
    """What events of these types are about, by id, each once."""
    things = [get(event, "data.object") for event in events if event.get("type") in types]
    return {one["id"]: one for one in things if isinstance(get(one, "id"), str)}


def _place(cursor: str | None, until: datetime) -> _Place:
    if cursor is None:
        return _Place(since=until - FIRST_LOOK)
    try:
        return _read_place(cursor)
    except msgspec.DecodeError:
        raise foreign(cursor) from None


def _text(place: _Place) -> str:
    return msgspec.json.encode(place).decode()


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
