"""How each source stands: whether it is heard, since when it is not, and what is wrong with it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from connectors.base import ConnectorKind
from connectors.registry import REGISTRY
from streams.core.finds import Finds
from streams.ledger.sweeps import SweepState
from streams.tenants import FoundSource

# A business day and the night before it. Longer, and somebody should look whether the source still sends.
SILENT_AFTER: Final = timedelta(hours=24)

State = Literal[
    "receiving",
    "silent",
    "never heard",
    "misconfigured",
    "not swept",
    "webhooks off",
    "webhooks failing",
    "not asked",
]
_WRONG: Final[frozenset[State]] = frozenset(
    {"silent", "misconfigured", "not swept", "webhooks off", "webhooks failing"}
)


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """One source in `sources list --json` (a contract). `last_heard` is when the ledger took in what it told last by
    itself, be it an event or what was ignored or refused; `last_swept` when its API last answered a sweep to the end,
    or what is read of Xero each hour was read; `webhooks` what it says of its webhooks to us. `alive_by` says how one
    learns that it still speaks; `problems` are what makes it `misconfigured`, `not swept` or its `webhooks off` or
    `webhooks failing`."""

    name: str
    connector: ConnectorKind
    state: State
    last_heard: datetime | None
    alive_by: str
    last_swept: datetime | None = None
    webhooks: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def is_wrong(self) -> bool:
        return self.state in _WRONG


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows of the sources, by name. `surveyed` is when Xero was last asked what changed there."""

    last: Mapping[str, datetime]
    sweeps: Mapping[str, SweepState]
    finds: Mapping[str, Finds] = {}
    surveyed: datetime | None = None


def views(found: Mapping[str, FoundSource], heard: Heard | None, now: datetime) -> Sequence[SourceView]:
    """The configured sources, in the order of their file. `heard` is None where the ledger could not be asked."""
    return [_view(name, source, heard, now) for name, source in found.items()]


def _view(name: str, source: FoundSource, heard: Heard | None, now: datetime) -> SourceView:
    sweep = heard.sweeps.get(name) if heard else None
    finds = heard.finds.get(name) if heard else None
    last = heard.last.get(name) if heard else None
    swept = sweep.swept_at if sweep else None
    if heard is not None and source.connector == "xero":
        swept = heard.surveyed
    state, problems = "not asked" if heard is None else _state(source, last, swept, now), source.problems
    if source.problems:
        state = "misconfigured"
    elif sweep is not None and sweep.failure is not None:
        state = "not swept"
        problems = (" ".join(part for part in (f"{name}: {sweep.failure}.", sweep.remedy) if part),)
    elif sweep is not None and sweep.is_active is False:
        state, problems = "webhooks off", (f"{name}: {sweep.subscription}",)
    elif finds is not None and finds.webhooks_fail:
        state, problems = "webhooks failing", (f"{name}: {finds.words}",)
    return SourceView(
        name=name,
        connector=source.connector,
        state=state,
        last_heard=last,
        alive_by=REGISTRY[source.connector].alive,
        last_swept=swept,
        webhooks=sweep.subscription if sweep else None,
        problems=problems,
    )


def _state(source: FoundSource, last: datetime | None, swept: datetime | None, now: datetime) -> State:
    """A sweep to the end shows that a source is alive which has nothing to tell."""
    signs = [at for at in (last, swept) if at is not None]
    if not signs:
        return "never heard"
    sign = max(signs)
    if source.expected is not None:
        return "silent" if source.expected.silent_for(sign, now) > source.expected.gap else "receiving"
    return "receiving" if now - sign <= SILENT_AFTER else "silent"
