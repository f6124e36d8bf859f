"""Which organisation an event belongs to, from the routes of the tenant files."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from streams.core.refusal import Unbookable
from streams.core.tenant_file import Route
from streams.core.tenants import Tenant, Tenants


@dataclass(frozen=True, slots=True)
class Facts:
    """What a route may ask for. None: the event does not say."""

    currency: str | None = None
    country: str | None = None
    channel: str | None = None


def tenant_of(tenants: Tenants, source: str, facts: Facts) -> Tenant | None:
    """The one organisation that the event belongs to, or None if the event says too little to tell.

    Of several that match, the one whose route asks for more wins. Raises Unbookable where no route could match.
    """
    sure: list[tuple[int, Tenant]] = []
    possible = False
    for tenant in tenants.tenants.values():
        for route in tenant.file.routes:
            if route.source != source:
                continue
            conditions = _conditions(route, facts)
            if any(value is not None and value not in wanted for wanted, value in conditions):
                continue
            possible = True
            if all(value is not None for _, value in conditions):
                sure.append((len(conditions), tenant))
    if not possible:
        raise _nowhere(source, facts)
    best = max((specific for specific, _ in sure), default=0)
    winners = {tenant.name: tenant for specific, tenant in sure if specific == best}
    if len(winners) == 1:
        return next(iter(winners.values()))
    return None


def definite_tenant(tenants: Tenants, source: str, facts: Facts) -> Tenant:
    """As `tenant_of`, for an event that is booked by the organisation's own settings; Unbookable if it is not clear."""
    tenant = tenant_of(tenants, source, facts)
    if tenant is None:
        raise Unbookable(
            "source",
            source,
            f"Several organisations could own this event of {source}: its currency, country and channel do not decide.",
            f"Give the routes of {source} in the tenant files currencies, countries or channels that tell them apart, "
            "then replay.",
        )
    return tenant


def _conditions(route: Route, facts: Facts) -> list[tuple[tuple[str, ...], str | None]]:
    pairs = (
        (route.currencies, facts.currency),
        (route.countries, facts.country),
        (route.channels, facts.channel),
    )
    return [pair for pair in pairs if pair[0]]


def _nowhere(source: str, facts: Facts) -> Unbookable:
    known = {"currency": facts.currency, "country": facts.country, "channel": facts.channel}
    said = {name: value for name, value in known.items() if value is not None}
    words = ", ".join(f"{name} {value}" for name, value in said.items()) or "nothing that a route asks for"
    return Unbookable(
        next(iter(said), "source"),
        next(iter(said.values()), source),
        f"No organisation takes this event of {source} with {words}.",
        f"Add a route for {source} to the tenant file of the organisation that it belongs to, then replay.",
    )


def disputed(one: Tenant, other: Tenant, all_tenants: Tenants) -> Iterator[tuple[int, Facts]]:
    """What two organisations claim alike: the number of the first one's route, and an event that nobody can place.

    Routes that ask for equally much overlap; it is no dispute where a route that asks for more decides.
    """
    for at, route in enumerate(one.file.routes):
        for rival in other.file.routes:
            if route.source == rival.source:
                contested = (facts for facts in _shared(route, rival) if _open(all_tenants, route.source, facts))
                if (facts := next(contested, None)) is not None:
                    yield at, facts


def _shared(one: Route, other: Route) -> Iterator[Facts]:
    """The events that both routes take, one for each combination of what they name."""
    pairs = ((one.currencies, other.currencies), (one.countries, other.countries), (one.channels, other.channels))
    both = [[value for value in left if value in right] if left and right else left or right for left, right in pairs]
    nothing_shared = any(left and right and not shared for (left, right), shared in zip(pairs, both, strict=True))
    if not nothing_shared:
        for values in product(*(shared or (None,) for shared in both)):
            yield Facts(*values)


def _open(tenants: Tenants, source: str, facts: Facts) -> bool:
    return tenant_of(tenants, source, facts) is None
