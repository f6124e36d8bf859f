"""Taking out any one protection is seen: a story goes well with it, and wrong without it.

A protection is taken out by putting another function in its place, here and nowhere else: no setting can.
"""

import datetime as dt
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from connectors.xero import client
from connectors.xero.ticket import Answer, NoAnswer, Ticket
from schemas import keys
from streams.core import after, search
from streams.core.situation import OpenCall
from streams.kafka.delivered import Delivered
from streams.ledger import budget, calls, leases, restored
from streams.ledger.calls import Calls
from streams.ledger.engine import Rollback
from streams.sender.ownership import Ownership
from tests.model import stories
from tests.model.world import World

Patch = pytest.MonkeyPatch


def another_key_each_time(patch: Patch) -> None:
    whole, number = calls.request_of, itertools.count(1)

    def request_of(row: Any) -> Any:
        request = whole(row)
        return msgspec.structs.replace(request, idempotency_key=f"{request.idempotency_key}-{next(number)}")

    patch.setattr(calls, "request_of", request_of)


def nothing_is_ever_seen(patch: Patch) -> None:
    patch.setattr(search, "sightings", lambda items, answer: [[] for _ in items])


def written_after_the_answer(patch: Patch) -> None:
    """The ledger learns of a write when its answer is there."""
    opening, answering = Calls.open, Calls.answered
    unwritten: dict[int, tuple[Any, ...]] = {}

    async def open_(self: Calls, *given: Any, **more: Any) -> Any:
        if given[2] != "write":
            return await opening(self, *given, **more)
        tried: Any = None
        try:
            async with self._store.write() as connection:
                writes, request, purpose, tenant, xero_tenant_id, fence = given
                timeout_s = more.get("timeout_s", 30.0)
                opening_now = calls._Opening(connection, self._clock, tenant, xero_tenant_id, fence, timeout_s)
                tried = await opening_now.open(writes, request, purpose, None, is_urgent=False)
                raise Rollback
        except Rollback:
            unwritten[getattr(tried, "call", 0)] = given
        return tried

    async def answered(self: Calls, ticket: Ticket, answer: Answer | NoAnswer) -> None:
        if (given := unwritten.pop(ticket.call, None)) is not None:
            await opening(self, *given)
        await answering(self, ticket, answer)

    patch.setattr(Calls, "open", open_)
    patch.setattr(Calls, "answered", answered)


def committed_as_soon_as_one_has_ended(patch: Patch) -> None:
    def settle(self: Delivered[str], partition: str) -> None:
        self._safe[partition] = max(run.offset + 1 for run in self._under_way[partition] if run.acked)

    patch.setattr(Delivered, "settle", settle)


def nobody_asks_whose_tenant_it_is(patch: Patch) -> None:
    async def check(*_: object) -> None: ...

    patch.setattr(leases, "check", check)


def a_call_leaves_however_little_of_the_lease_is_left(patch: Patch) -> None:
    patch.setattr(Ownership, "may_leave", lambda self, ticket: True)


def each_event_is_a_fact_of_its_own(patch: Patch) -> None:
    whole, number = keys.effect_key, itertools.count(1)

    def effect_key(entity: str, role: str) -> str:
        return f"{whole(entity, role)}-{next(number)}" if role == "payment" else whole(entity, role)

    patch.setattr(keys, "effect_key", effect_key)


def a_slot_is_free_a_minute_after_it_was_taken(patch: Patch) -> None:
    patch.setattr(budget, "_COUNTS", budget._counts(budget._calls.c.opened_at > budget._MINUTE_AGO))


def the_library_may_repeat(patch: Patch) -> None:
    async def once(request: Any, handler: Any) -> Any:
        return await handler(request)

    patch.setattr(client, "_once", once)


def looked_at_at_once(patch: Patch) -> None:
    def long_ago(call: OpenCall) -> dt.datetime:
        return call.sends[0][0] - dt.timedelta(hours=1)

    patch.setattr(after, "_last_unanswered", long_ago)


def numbered_on_from_the_backup(patch: Patch) -> None:
    whole = restored.begin

    async def begin(connection: Any, now: dt.datetime, highest_call: int) -> int:
        return await whole(connection, now, 0)

    patch.setattr(restored, "begin", begin)


@dataclass(frozen=True)
class Protection:
    """`wrong` is how the story goes wrong without it."""

    name: str
    story: Callable[[World], Awaitable[None]]
    taken_out: Callable[[Patch], None]
    wrong: str


PROTECTIONS = (
    Protection("key", stories.a_payment_whose_answer_is_lost, another_key_each_time, "booked twice"),
    Protection("search", stories.a_payment_is_kept_although_xero_says_500, nothing_is_ever_seen, "booked twice"),
    Protection(
        "write-ahead",
        stories.a_worker_dies_with_the_answer_and_is_replaced_after_ten_minutes,
        written_after_the_answer,
        "booked twice",
    ),
    Protection(
        "safe commit",
        stories.runs_end_out_of_turn_and_the_worker_dies,
        committed_as_soon_as_one_has_ended,
        "lost: ",
    ),
    Protection(
        "fencing",
        stories.a_frozen_owner_wakes_when_another_has_taken_over,
        nobody_asks_whose_tenant_it_is,
        "booked twice",
    ),
    Protection(
        "lease margin",
        stories.an_owner_is_slow_and_its_lease_nearly_over,
        a_call_leaves_however_little_of_the_lease_is_left,
        "two senders at once",
    ),
    Protection("effect key", stories.two_events_tell_of_one_payment, each_event_is_a_fact_of_its_own, "booked 2 times"),
    Protection(
        "slots held past the answer",
        stories.a_backlog_of_calls_that_take_some_seconds,
        a_slot_is_free_a_minute_after_it_was_taken,
        "more calls in a minute",
    ),
    Protection("the client's refusal to repeat", stories.a_server_hangs_up, the_library_may_repeat, "2 requests"),
    Protection(
        "the wait before a look",
        stories.a_payment_is_at_work_for_longer_than_we_send_it,
        looked_at_at_once,
        "booked twice",
    ),
    Protection(
        "the highest call number",
        stories.a_ledger_is_put_back_within_the_life_of_its_keys,
        numbered_on_from_the_backup,
        "one key for two requests",
    ),
)
EACH = pytest.mark.parametrize("protection", PROTECTIONS, ids=[one.name for one in PROTECTIONS])


@EACH
async def test_with_it_the_story_ends_well(world: World, protection: Protection) -> None:
    await protection.story(world)


@EACH
async def test_without_it_the_story_goes_wrong(world: World, monkeypatch: Patch, protection: Protection) -> None:
    protection.taken_out(monkeypatch)
    with pytest.raises(AssertionError, match=protection.wrong):
        await protection.story(world)
