"""What the parts of a configuration contradict: within one tenant file, and between the files.

Each would be found later too, by events that wait for ever, become dead letters, or get the wrong account.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from connectors.base import NEEDS
from streams.core.file_reading import Reading
from streams.core.nearest import nearest
from streams.core.routing import Facts, disputed
from streams.core.tenant_file import Source, SourcesFile, TenantFile
from streams.core.tenants import Tenant, Tenants

Files = Mapping[str, Reading[TenantFile]]

# The connectors of payment gateways: they tell of money, not of orders.
_GATEWAYS: Final = frozenset(kind for kind, needs in NEEDS.items() if needs.payments)


def problems(sources: Reading[SourcesFile], files: Files) -> Iterator[str]:
    """A sentence for each contradiction, with file, line and remedy. `files` by the tenant's name."""
    for name in sources.content.sources:
        yield from of_source(sources, name)
    for file in files.values():
        yield from _unknown_sources(file, sources.content.sources)
        yield from _ambiguous_rates(file)
        yield from _repeated_accounts(file)
        yield from _same_prefix(file)
        yield from _payments(file, sources.content.sources)
    yield from _one_organisation_twice(files)
    yield from _disputed_business(files, sources.content.sources)


def warnings(sources: Reading[SourcesFile], files: Files) -> Iterator[str]:
    """What may be meant, and is told once at the start."""
    for name in sources.content.sources:
        yield from unrouted(sources, name, files)


def of_source(sources: Reading[SourcesFile], name: str) -> Iterator[str]:
    """The contradictions within one source of `sources.yaml`."""
    yield from _order_source(sources, name)
    yield from _database(sources, name)
    yield from _webhook_key(sources, name)
    yield from _api(sources, name)


def unrouted(sources: Reading[SourcesFile], name: str, files: Files) -> Iterator[str]:
    """A sentence where a source belongs to no organisation. Xero's webhooks name theirs themselves."""
    if sources.content.sources[name].connector == "xero":
        return
    if not any(route.source == name for file in files.values() for route in file.content.routes):
        yield (
            f"{sources.where('sources', name)}: no tenant file has a route for it, so its events become dead letters. "
            "Add one to the file of the organisation that they belong to."
        )


def _order_source(sources: Reading[SourcesFile], name: str) -> Iterator[str]:
    known = sources.content.sources
    source, where = known[name], sources.where("sources", name, "order_source")
    if source.connector in _GATEWAYS and source.order_source is None:
        yield f"{where} is missing. Name the source whose orders are paid there."
    elif source.order_source is not None and source.order_source not in known:
        yield f"{where}: {_unknown(source.order_source, known)}"
    # An account that has Billing alone names itself: its invoices are its orders.
    elif source.order_source not in (None, name) and known[source.order_source].connector in _GATEWAYS:
        yield f"{where}: {source.order_source} has no orders. Name the source whose orders are paid at {name}."


def _webhook_key(sources: Reading[SourcesFile], name: str) -> Iterator[str]:
    source = sources.content.sources[name]
    secret = NEEDS[source.connector].signs_with
    if secret is not None and not source.secrets:
        yield f"{sources.where('sources', name, 'secrets')} is missing. Add {secret}."


def _api(sources: Reading[SourcesFile], name: str) -> Iterator[str]:
    source = sources.content.sources[name]
    if source.api is not None and not NEEDS[source.connector].api:
        yield (
            f"{sources.where('sources', name, 'api')}: the connector {source.connector} asks no API. Remove it, or "
            "correct the connector."
        )


def _database(sources: Reading[SourcesFile], name: str) -> Iterator[str]:
    source, where = sources.content.sources[name], sources.where("sources", name, "database")
    if source.connector == "outbox" and source.database is None:
        yield f"{where} is missing. Add it, with the url of the database that holds the outbox."
    if source.connector != "outbox" and source.database is not None:
        yield f"{where}: only the connector outbox has one. Remove it, or correct the connector."


def _unknown_sources(file: Reading[TenantFile], known: Mapping[str, Source]) -> Iterator[str]:
    named: list[tuple[tuple[str | int, ...], str]] = [
        *((("routes", at, "source"), route.source) for at, route in enumerate(file.content.routes)),
        *((("numbers", source), source) for source in file.content.numbers),
        *((("contacts", source), source) for source in file.content.contacts),
        *(
            (("payments", at, "source"), entry.source)
            for at, entry in enumerate(file.content.payments)
            if entry.source is not None
        ),
    ]
    for path, source in named:
        if source not in known:
            yield f"{file.where(*path)}: {_unknown(source, known)}"


def _unknown(source: str, known: Mapping[str, Source]) -> str:
    hint = nearest(source, known)
    words = f"did you mean {hint}?" if hint else f"known there: {', '.join(known)}."
    return f"sources.yaml has no source {source}; {words} Correct it, or add the source there."


def _ambiguous_rates(file: Reading[TenantFile]) -> Iterator[str]:
    taxes = file.content.taxes
    for (_, one), (at, other) in combinations(enumerate(taxes.rates), 2):
        if one.percent == other.percent:
            yield (
                f"{file.where('taxes', 'rates', at)}: {other.type} and {one.type} are both {other.percent} %, so it is "
                "not clear which a line gets. Keep one; give the other a name under taxes.codes."
            )
    places: list[tuple[tuple[str | int, ...], str, object]] = [
        *((("taxes", "rates", at), rate.type, rate.percent) for at, rate in enumerate(taxes.rates)),
        *((("taxes", "codes", code), rate.type, rate.percent) for code, rate in taxes.codes.items()),
        (("taxes", "untaxed"), taxes.untaxed.type, taxes.untaxed.percent),
    ]
    first: dict[str, object] = {}
    for path, type_, percent in places:
        if first.setdefault(type_, percent) != percent:
            yield (
                f"{file.where(*path)}: {type_} is {percent} % here and {first[type_]} % above. A tax type of Xero has "
                "one rate: correct the one that is wrong."
            )


def _repeated_accounts(file: Reading[TenantFile]) -> Iterator[str]:
    seen: dict[tuple[str, str], str] = {}
    for at, entry in enumerate(file.content.payments):
        if seen.setdefault((entry.gateway, entry.currency), entry.account) != entry.account:
            yield (
                f"{file.where('payments', at)}: {entry.gateway} in {entry.currency} has a clearing account above, "
                f"{seen[entry.gateway, entry.currency]}. Remove one of the two."
            )


def _same_prefix(file: Reading[TenantFile]) -> Iterator[str]:
    numbers = file.content.numbers
    for (left, one), (right, other) in combinations(numbers.items(), 2):
        for kind in ("invoice", "credit_note"):
            if getattr(one, kind) == getattr(other, kind):
                yield (
                    f"{file.where('numbers', right, kind)}: {left} has {getattr(one, kind)} too, so two orders 1001 "
                    "would get one number. Give each source a prefix of its own."
                )


def _payments(file: Reading[TenantFile], known: Mapping[str, Source]) -> Iterator[str]:
    """Whether the payments that are routed here can be booked."""
    there = {(entry.gateway, entry.currency) for entry in file.content.payments}
    for at, route in enumerate(file.content.routes):
        source = known.get(route.source)
        if source is None or source.connector not in _GATEWAYS:
            continue
        gateway = source.gateway or route.source
        for currency in route.currencies or (file.content.base_currency,):
            if (gateway, currency) not in there:
                yield (
                    f"{file.where('routes', at)}: payments has no clearing account of gateway {gateway} in {currency}, "
                    f"and payments of {route.source} belong here. Add one there."
                )


def _one_organisation_twice(files: Files) -> Iterator[str]:
    for one, other in combinations(files.values(), 2):
        if one.content.xero_tenant_id == other.content.xero_tenant_id:
            yield f"{other.where('xero_tenant_id')}: {one.name} has it too. Give each organisation one file."


def _disputed_business(files: Files, known: Mapping[str, Source]) -> Iterator[str]:
    tenants = Tenants({}, {name: Tenant(name, file.content) for name, file in files.items()})
    for one, other in combinations(files, 2):
        for at, facts in disputed(tenants.tenants[one], tenants.tenants[other], tenants):
            source = files[one].content.routes[at].source
            # Two organisations may share a gateway: money belongs to whoever owns the invoice that it pays.
            if source in known and known[source].connector in _GATEWAYS:
                continue
            yield (
                f"{files[one].where('routes', at)}: {files[other].name} claims the same business of "
                f"{source}{_example(facts)}. Tell them apart by currencies, countries or channels."
            )


def _example(facts: Facts) -> str:
    named = {"currency": facts.currency, "country": facts.country, "channel": facts.channel}
    words = [f"{name} {value}" for name, value in named.items() if value is not None]
    return f", such as {', '.join(words)}" if words else ""
