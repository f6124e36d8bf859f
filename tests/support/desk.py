"""A shop's events through the real rules into a real ledger, and the desk's verbs on it."""

import asyncio
import json
import shlex
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from typer.testing import CliRunner

from schemas import envelope
from schemas.commands import CommandRecord
from schemas.envelope import Envelope
from schemas.topics import TopicName
from streams import tenants
from streams.cli.app import Failed, app, exit_code_of
from streams.clock import SystemClock
from streams.core.translate import translate
from streams.ledger import Ledger, open_ledger

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    f"LEDGERSTREAM_{name}": f"value-of-{name.lower()}"
    for name in ("SECRET_SHOP_1", "SECRET_SHOP_2", "SECRET_CRM_1", "SECRET_JOBS_1", "SECRET_STRIPE_1", "TENANT_UK")
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a verb ended with: its exit code, stdout, and the sentence of its error."""

    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Office:
    """A folder with a ledger and tenant files, and the settings that name them."""

    def __init__(self, folder: Path) -> None:
        self.tenants = folder / "tenants"
        self.tenants.mkdir()
        for name in ("sources.yaml", "uk.yaml"):
            shutil.copy(ROOT / "deploy" / "tenants" / name, self.tenants / name)
        self.url = f"sqlite:///{folder / 'ledger.db'}"
        self.settings = {
            **SECRETS,
            "LEDGERSTREAM_LEDGER_URL": self.url,
            "LEDGERSTREAM_TENANTS": str(self.tenants),
            "LEDGERSTREAM_HOME": str(folder),
        }
        self._offset = 0

    def on_ledger(self, work: Callable[[Ledger], Awaitable[T]]) -> T:
        """Work on the ledger as a worker would, and close it."""

        async def run() -> T:
            ledger = await open_ledger(self.url, SystemClock())
            try:
                return await work(ledger)
            finally:
                await ledger.close()

        return asyncio.run(run())

    def take_in(self, *events: Envelope, topic: TopicName = "events.orders") -> None:
        """Translate the events with today's tenant files and take them in."""
        known = tenants.load(self.tenants, SECRETS)
        records: list[CommandRecord] = []
        for event in events:
            key, value, headers = envelope.to_kafka(event)
            records.append(
                translate(
                    topic=topic,
                    partition=0,
                    offset=self._offset,
                    timestamp_ms=1_795_000_000_000,
                    key=key,
                    value=value,
                    headers=headers,
                    tenants=known,
                )
            )
            self._offset += 1
        self.on_ledger(lambda ledger: ledger.intake.take_in(records, (0, self._offset)))

    def mend(self) -> None:
        """Name the tax type of the rate that the tenant file does not know."""
        file = self.tenants / "uk.yaml"
        text = file.read_text()
        mended = text.replace("  rates:\n", '  rates:\n    - {type: TAX001, percent: "17.5"}\n', 1)
        assert mended != text
        file.write_text(mended)

    def type(self, command: str) -> Typed:
        """Run a command as it is printed, in this process."""
        program, *arguments = shlex.split(command)
        assert program == "ledgerstream"
        result = CliRunner().invoke(app, arguments, env={**self.settings, "COLUMNS": "200"})
        error = result.exception
        if error is None or isinstance(error, SystemExit):
            return Typed(result.exit_code, result.stdout, result.stderr)
        known = error.code if isinstance(error, Failed) else exit_code_of(error)  # type: ignore[arg-type]  # click says BaseException
        if known is None:
            raise error
        return Typed(known, result.stdout, str(error))


def order(
    event: str, number: str, *, rate: str = "20", sequence: int = 1, updated: bool = False, more: Mapping[str, Any] = {}
) -> Envelope:
    """An order of shop-1 over 12.00 with tax included."""
    data = {
        "order_id": number,
        "number": number,
        "currency": "GBP",
        "placed_at": "2026-11-24T09:00:00Z",
        "customer": {"id": "c1", "name": "Ada Lovelace"},
        "taxes_included": True,
        "lines": [{"id": "1", "description": "Tea", "unit_amount": "12.00", "tax_rate": rate}],
        "total": "12.00",
        **more,
    }
    return Envelope(
        id=event,
        source="shop-1",
        type=f"com.ledgerstream.{'OrderUpdated' if updated else 'OrderPlaced'}.v1",
        data=json.dumps(data).encode(),
        time=f"2026-11-24T09:0{sequence}:00Z",
        subject=f"order:{number}",
        sequence=str(sequence),
    )
