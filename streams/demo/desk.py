"""The desk as the demo uses it: the commands that a person would type, run as they are printed."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.demo import DemoFailed
from streams.demo.processes import run


class DeskFailed(DemoFailed):
    """A command did not do what the demo needs; the message has the command and what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An open dead letter as `dlq list --json` tells it. `command` is the remedy to type."""

    id: str
    entity: str
    what: str
    cause: str
    field: str
    value: str
    message: str
    remedy: str
    command: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A command that was run as it stands, and what it printed."""

    command: str
    code: int
    said: str


class Desk:
    """Runs commands of `ledgerstream` with the stage's environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def letters(self) -> list[Letter]:
        """The open dead letters, oldest first."""
        typed = await self.type("ledgerstream dlq list --json")
        return [_letter(row) for row in json.loads(typed.said)]

    async def audit(self) -> Mapping[str, Any]:
        """`audit --json`; it has the exit code 1 if something is off, and says so."""
        typed = await self.type("ledgerstream audit --json", codes=(0, 1))
        report: Mapping[str, Any] = json.loads(typed.said)
        return report

    async def type(self, command: str, codes: tuple[int, ...] = (0,)) -> Typed:
        """Run the command verbatim. Raises DeskFailed for any other exit code."""
        code, out, err = await run(shlex.split(command), self._environment)
        if code not in codes:
            raise DeskFailed(f"`{command}` ended with exit code {code}: {(err or out).strip()}")
        return Typed(command, code, out.strip())


def _letter(row: Mapping[str, Any]) -> Letter:
    return Letter(
        id=row["id"],
        entity=row["entity_key"],
        what=row["what"],
        cause=row["cause"],
        field=row.get("field") or "",
        value=row.get("value") or "",
        message=row["message"],
        remedy=row.get("remedy") or "",
        command=row["command"],
    )
