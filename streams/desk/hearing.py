"""How each source stands: whether it is heard, since when it is not, and what is wrong with it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from connectors.base import ConnectorKind
from connectors.registry import REGISTRY
from streams.tenants import FoundSource

# A business day and the night before it. Longer, and somebody should look whether the source still sends.
SILENT_AFTER: Final = timedelta(hours=24)

State = Literal["receiving", "silent", "never heard", "misconfigured", "not asked"]


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """One source in `sources list --json` (a contract). `last_heard` is when the ledger took in what it told last, be
    it an event or what was ignored or refused; `alive_by` says how one learns that it still speaks; `problems` are what
    makes it `misconfigured`."""

    name: str
    connector: ConnectorKind
    state: State
    last_heard: datetime | None
    alive_by: str
    problems: tuple[str, ...] = ()

    @property
    def is_wrong(self) -> bool:
        return self.state in ("silent", "misconfigured")


def views(
    found: Mapping[str, FoundSource], asked: Mapping[str, datetime] | None, now: datetime
) -> Sequence[SourceView]:
    """The configured sources, in the order of their file. `asked` is when the ledger heard each last; None where it
    could not be asked."""
    heard = asked or {}
    return [
        SourceView(
            name=name,
            connector=source.connector,
            state=_state(source, asked is not None, heard.get(name), now),
            last_heard=heard.get(name),
            alive_by=REGISTRY[source.connector].alive,
            problems=source.problems,
        )
        for name, source in found.items()
    ]


def _state(source: FoundSource, asked: bool, last: datetime | None, now: datetime) -> State:
    if source.problems:
        return "misconfigured"
    if not asked:
        return "not asked"
    if last is None:
        return "never heard"
    return "receiving" if now - last <= SILENT_AFTER else "silent"
