"""The suite's part on what a connector asks: it finds what changed, each thing once, and goes on where it ended."""

import pytest

from connectors.base import Events
from connectors.fetching import SourceRefused
from connectors.registry import REGISTRY
from schemas.commands import RefusedEvent
from schemas.envelope import Envelope
from schemas.raw import RawRecord
from tests.conformance.bodies import fits
from tests.conformance.case import Api, Case, content, keys

# What no connector writes into a cursor.
BROKEN = ("", "garbage", "{", "{}", "[]", "null", "7", '"text"', '{"xunknown": 1}', "2026-13-45", "\x00")
_PAGES_MAX = 200


async def everything(api: Api, cursor: str | None = None) -> tuple[list[RawRecord], str]:
    """A whole round of a sweep; what it found, and where the next one begins."""
    found: list[RawRecord] = []
    for _ in range(_PAGES_MAX):
        page = await api.sweeper.page(cursor, api.now())
        found += page.records
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError(f"the sweep says `more` for ever: {_PAGES_MAX} pages")


class Sweeps(Case):
    """Sweeps, for connectors that have one."""

    @property
    def is_swept(self) -> bool:
        return REGISTRY[self.kind].sweep is not None

    def events(self, records: list[RawRecord], api: Api) -> list[Envelope]:
        """What these records tell. What a sweep found fits, as it is asked for in our own words."""
        assert self.connector is not None
        found: list[Envelope] = []
        for record in records:
            assert (record.source, record.connector) == (api.source.name, self.kind)
            assert record.swept, "what no webhook told says how it was found"
            outcome = self.connector.normalise(record, api.source)
            assert not isinstance(outcome, RefusedEvent), outcome
            if isinstance(outcome, Events):
                assert not outcome.unfit
                found += outcome.envelopes
        return found

    async def test_a_first_sweep_finds_what_changed(self) -> None:
        if not self.is_swept:
            return
        async with self.api() as api:
            records, _ = await everything(api)
            events = self.events(records, api)
            assert events, "the case's api needs something that changed in the last week"
            for event in events:
                fits(event)
                assert event.source == api.source.name

    async def test_a_sweep_that_begins_again_tells_the_same(self) -> None:
        if not self.is_swept:
            return
        async with self.api() as api:
            first, _ = await everything(api)
            again, _ = await everything(api)
            by_key = {event.key: event for event in content(self.events(first, api))}
            assert {event.key: event for event in content(self.events(again, api))} == by_key

    async def test_a_sweep_goes_on_where_it_ended(self) -> None:
        if not self.is_swept:
            return
        async with self.api() as api:
            first, cursor = await everything(api)
            before = set(keys(self.events(first, api)))
            idle, cursor = await everything(api, cursor)
            assert set(keys(self.events(idle, api))) <= before, "nothing changed: it may find things again, not others"
            await api.change()
            later, cursor = await everything(api, cursor)
            assert set(keys(self.events(later, api))) - before, "what changed since is found"
            assert len(later) < len(first), "it does not begin from the start each time"

    @pytest.mark.parametrize("cursor", BROKEN)
    async def test_a_cursor_that_it_did_not_write_is_refused(self, cursor: str) -> None:
        if not self.is_swept:
            return
        async with self.api() as api:
            with pytest.raises(SourceRefused) as caught:
                await api.sweeper.page(cursor, api.now())
            assert caught.value.remedy

    async def test_the_state_of_its_webhooks_is_in_words(self) -> None:
        if not self.is_swept:
            return
        async with self.api() as api:
            state = await api.sweeper.subscription()
            assert state is None or state.words or state.active
