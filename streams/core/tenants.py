"""The configuration in force: sources and tenants, ready for look-ups on the hot path."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from connectors.base import SourceConfig
from streams.core.silence import Expectation
from streams.core.tenant_file import PaymentAccount, Rate, Route, TenantFile


@dataclass(frozen=True)
class Tenant:
    """One organisation with its file. `name` is the file's name without its ending."""

    name: str
    file: TenantFile

    @cached_property
    def zone(self) -> ZoneInfo:
        return self.file.zone()

    @cached_property
    def by_percent(self) -> Mapping[Decimal, Rate]:
        return {rate.percent: rate for rate in self.file.taxes.rates}

    @cached_property
    def percents(self) -> Mapping[str, Decimal]:
        """The percentage of every tax type that the file names: what totals are predicted with."""
        taxes = self.file.taxes
        return {rate.type: rate.percent for rate in (*taxes.rates, *taxes.codes.values(), taxes.untaxed)}

    @cached_property
    def clearing(self) -> Mapping[tuple[str, str], PaymentAccount]:
        return {(account.gateway, account.currency): account for account in self.file.payments}


@dataclass(frozen=True)
class Tenants:
    """All sources and tenants. `version` changes with the content of any file. `expected` says, by source, how often it
    speaks, where the files do."""

    sources: Mapping[str, SourceConfig]
    tenants: Mapping[str, Tenant]
    version: str = ""
    warnings: tuple[str, ...] = field(default=())
    expected: Mapping[str, Expectation] = field(default_factory=dict)

    @cached_property
    def routes(self) -> Mapping[str, tuple[tuple[Tenant, Route], ...]]:
        """By source, every route that names it, with the organisation whose route it is; in the order of the files."""
        found: dict[str, list[tuple[Tenant, Route]]] = {}
        for tenant in self.tenants.values():
            for route in tenant.file.routes:
                found.setdefault(route.source, []).append((tenant, route))
        return {source: tuple(some) for source, some in found.items()}
