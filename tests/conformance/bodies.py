"""The suite's part on what is read: whatever comes, each fact once, and nothing that does not belong."""

import dataclasses
import json
from typing import Any

import pytest

from connectors.base import Events
from schemas.commands import Ignored, RefusedEvent
from schemas.envelope import Envelope, from_kafka, to_kafka
from schemas.events import decode_event
from tests.conformance.case import Case, Clock, content, keys

GARBAGE = (b"", b"garbage", b"{", b"[]", b"[[]]", b"null", b"7", b'"text"', b"{}", b"\xff\xfe", b"\0", b"[" * 5000)


def with_unknown_fields(value: Any) -> Any:
    """The document with a field in each object that nobody knows."""
    if isinstance(value, dict):
        return {"xunknown": "1", **{name: with_unknown_fields(inner) for name, inner in value.items()}}
    return [with_unknown_fields(inner) for inner in value] if isinstance(value, list) else value


def mangled(value: Any) -> list[Any]:
    """The document with each of its fields, at any depth, once away, once of another kind."""
    found: list[Any] = []
    if isinstance(value, dict):
        for name, inner in value.items():
            found.append({other: kept for other, kept in value.items() if other != name})
            found += [{**value, name: odd} for odd in (None, -1, "", "\ud800 \0", [inner], 10**30)]
            found += [{**value, name: deeper} for deeper in mangled(inner)]
    elif isinstance(value, list):
        found += [[*value[:at], deeper, *value[at + 1 :]] for at, one in enumerate(value) for deeper in mangled(one)]
    return found


def fits(event: Envelope) -> None:
    """Raises Refused or UnknownType where translate could not read the event."""
    _, value, headers = to_kafka(event)
    decode_event(from_kafka(headers, value))


class Bodies(Case):
    """Bodies: what they tell, however they come."""

    async def test_each_sample_tells_its_events(self) -> None:
        async with self.receiver() as receiver:
            for sample in self.samples:
                assert (await self.post(receiver, sample.body)).status == self.accepted
        events = self.heard(receiver)
        assert keys(events) == [key for sample in self.samples for key in sample.keys]
        for event in events:
            fits(event)
            assert event.subject
            assert event.time
            assert event.source == self.source.name, "nobody tells the events of another source"

    async def test_a_delivery_that_comes_twice_tells_the_same(self) -> None:
        clock = Clock()
        async with self.receiver(clock=clock) as receiver:
            for sample in (*self.samples, *self.samples):
                assert (await self.post(receiver, sample.body)).status == self.accepted
                clock.elapsed_s += 10
        events = content(self.heard(receiver))
        once = len(events) // 2
        assert events[:once] == events[once:], "else the ledger would take the second for another fact"

    async def test_deliveries_in_another_order_tell_the_same(self) -> None:
        clock = Clock()
        async with self.receiver(clock=clock) as receiver:
            for sample in (*self.samples, *reversed(self.samples)):
                await self.post(receiver, sample.body)
                clock.elapsed_s += 10
        events = content(self.heard(receiver))
        once = len(events) // 2
        by_key = dict(zip(keys(events[:once]), events[:once], strict=True))
        assert by_key == dict(zip(keys(events[once:]), events[once:], strict=True))

    async def test_a_batch_tells_all_its_events_in_order(self) -> None:
        async with self.receiver() as receiver:
            if self.batch is None:
                # A list where the source never sends one is not taken apart, and is not lost either.
                body = b"[" + b",".join(sample.body for sample in self.samples) + b"]"
                reply = await self.post(receiver, body)
                assert self.heard(receiver) == []
                assert reply.status >= 400 or isinstance(self.told(receiver.publisher.records[0]), RefusedEvent)
                return
            reply = await self.post(receiver, self.batch.body, self.batch_headers(self.batch.body))
            assert 200 <= reply.status < 300
            assert keys(self.heard(receiver)) == list(self.batch.keys)
            assert len(self.batch.keys) > 1
            assert len(set(self.batch.keys)) == len(self.batch.keys)

    async def test_an_event_that_does_not_fit_keeps_no_other_of_its_batch_back(self) -> None:
        if self.batch is None:
            return
        assert self.partly is not None, "the case needs a batch of which one event does not fit"
        async with self.receiver() as receiver:
            reply = await self.post(receiver, self.partly.body, self.batch_headers(self.partly.body))
            assert 200 <= reply.status < 300
            assert keys(self.heard(receiver)) == list(self.partly.keys)
            if self.connector is None:
                assert 400 in [result["status"] for result in reply.json], "the sender is told which of them"
                return
            [record] = receiver.publisher.records
            told = self.told(record)
            assert isinstance(told, Events)
            [unfit] = told.unfit
            assert unfit.id
            assert unfit.refused.evidence.remedy

    def batch_headers(self, body: bytes) -> dict[str, str]:
        """The headers of a batch's request."""
        return self.headers(body)

    async def test_fields_that_nobody_knows_change_nothing(self) -> None:
        async with self.receiver() as receiver:
            for sample in self.samples:
                body = json.dumps(with_unknown_fields(json.loads(sample.body))).encode()
                assert (await self.post(receiver, body)).status == self.accepted
        assert keys(self.heard(receiver)) == [key for sample in self.samples for key in sample.keys]

    async def test_a_type_that_nobody_knows_books_nothing_and_says_why(self) -> None:
        assert self.unknown, "the case needs a body of an unknown type"
        for body in self.unknown:
            await self.books_nothing(body)

    async def test_a_thing_that_is_only_named_books_nothing_by_itself(self) -> None:
        if self.thin is not None:
            await self.books_nothing(self.thin)

    async def books_nothing(self, body: bytes) -> None:
        """What is refused is told to the sender; what is accepted ends as ignored, with the reason."""
        async with self.receiver() as receiver:
            reply = await self.post(receiver, body)
            if reply.status >= 400:
                assert (reply.status, receiver.publisher.records) == (400, [])
                assert reply.json["remedy"]
                return
            [record] = receiver.publisher.records
            outcome = self.told(record)
            assert isinstance(outcome, Ignored)
            assert outcome.reason

    async def test_test_mode_never_reaches_live_books(self) -> None:
        if self.test_mode is None:
            return
        async with self.receiver() as receiver:
            assert (await self.post(receiver, self.test_mode.body)).status == self.accepted
            [record] = receiver.publisher.records
            assert isinstance(self.told(record), Ignored), "accepted, so that the source is content, and not booked"
            told = self.told(record, dataclasses.replace(self.source, live=False))
            assert isinstance(told, Events), "a source that says `live: false` is there for such business"
            assert keys(told.envelopes) == list(self.test_mode.keys)

    @pytest.mark.parametrize("body", GARBAGE, ids=[repr(body[:8]) for body in GARBAGE])
    async def test_signed_garbage_is_refused_or_a_dead_letter(self, body: bytes) -> None:
        async with self.receiver() as receiver:
            try:
                headers = self.headers(body)
            except UnicodeDecodeError:
                # A library that signs texts cannot sign this, and so the source cannot send it.
                headers = self.headers(b"")
            reply = await self.post(receiver, body, headers)
            assert reply.status < 500
            assert (reply.status == self.accepted) is (len(receiver.publisher.records) == 1)
            for record in receiver.publisher.records:
                outcome = self.told(record)
                assert isinstance(outcome, RefusedEvent)
                assert outcome.evidence.remedy

    async def test_what_the_source_may_have_changed_is_an_event_a_reason_or_a_letter(self) -> None:
        """Each field away, or of another kind: never an exception, and never an event that does not fit its type."""
        connector = self.connector
        if connector is None:
            return  # tests/unit/receiver/test_any_input.py sends any document to the events' own door
        async with self.receiver() as receiver:
            await self.post(receiver, self.samples[0].body)
        [(topic, key, _, headers)] = receiver.publisher.records
        for sample in self.samples:
            for odd in mangled(json.loads(sample.body)):
                outcome = self.told((topic, key, json.dumps(odd).encode(), headers))
                if isinstance(outcome, Events):
                    for event in outcome.envelopes:
                        fits(event)
