"""Tenant files that are mended while we run: read anew when they change, kept as they were while they are broken."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import structlog

from connectors.base import SourceConfig
from streams import tenants as files
from streams.core.tenants import Tenants

BROKEN_FILES: Final = "tenant files cannot be read; the last good ones stay in force"
_LOOK_S: Final = 1.0

_log = structlog.get_logger()

Fingerprint = tuple[tuple[str, int, int], ...]


class Reloading:
    """The configuration in force; calling it gives the newest that could be read. Raises TenantFilesError at first.

    `broken` says what is wrong with files that were changed since; None while they are as they should be.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._seen = _fingerprint(folder)
        self._tenants = files.load(folder, environ)
        self.broken: str | None = None

    def __call__(self) -> Tenants:
        return self._tenants

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            await asyncio.to_thread(self.look)

    def look(self) -> bool:
        """Read the files anew if they changed; whether another configuration is in force since."""
        found = _fingerprint(self._folder)
        if found == self._seen:
            return False
        self._seen = found
        try:
            tenants = files.load(self._folder, self._environ)
        except files.TenantFilesError as error:
            self.broken = str(error)
            _log.error(BROKEN_FILES, reason=self.broken)
            return False
        self.broken = None
        if tenants.version == self._tenants.version:
            return False
        self._tenants = tenants
        _log.info("tenant files are in force", config_version=tenants.version)
        return True


class LiveSources(Mapping[str, SourceConfig]):
    """The sources of the configuration in force at each look-up."""

    def __init__(self, tenants: Callable[[], Tenants]) -> None:
        self._tenants = tenants

    def __getitem__(self, name: str) -> SourceConfig:
        return self._tenants().sources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tenants().sources)

    def __len__(self) -> int:
        return len(self._tenants().sources)


class LivePercents(Mapping[str, Decimal]):
    """The rates of a tenant's tax types, in the configuration in force at each look-up. A rate that is not there is
    looked for in the files: whoever adds it and replays at once must not meet what was in force a moment ago."""

    def __init__(self, configuration: Reloading, tenant: str) -> None:
        self._configuration = configuration
        self._tenant = tenant

    def __getitem__(self, tax_type: str) -> Decimal:
        if tax_type not in self._now():
            self._configuration.look()
        return self._now()[tax_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> Mapping[str, Decimal]:
        # A tenant whose file was taken away while we run has commands left, but no rates any more.
        tenant = self._configuration().tenants.get(self._tenant)
        return tenant.percents if tenant is not None else {}


def _fingerprint(folder: Path) -> Fingerprint:
    found = []
    for file in sorted(folder.glob("*.yaml")):
        try:
            state = file.stat()
        except OSError:
            continue
        found.append((file.name, state.st_mtime_ns, state.st_size))
    return tuple(found)
