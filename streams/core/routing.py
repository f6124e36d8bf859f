"""Which organisation an event belongs to, from the routes of the tenant files."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from streams.core.refusal import Unbookable
from streams.core.tenant_file import Route
from streams.core.tenants import Tenant, Tenants

_Conditions = list[tuple[tuple[str, ...], str | None]]


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
    sure = [
        (len(conditions), tenant)
        for tenant, conditions in _matches(tenants, source, facts)
        if all(value is not None for _, value in conditions)
    ]
    best = max((specific for specific, _ in sure), default=0)
    winners = {tenant.name: tenant for specific, tenant in sure if specific == best}
    if len(winners) == 1:
        return next(iter(winners.values()))
    return None


def possible_tenants(tenants: Tenants, source: str, facts: Facts) -> tuple[Tenant, ...]:
    """Every organisation that the event may belong to. Raises Unbookable where no route could match."""
    return tuple({tenant.name: tenant for tenant, _ in _matches(tenants, source, facts)}.values())


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


def _matches(tenants: Tenants, source: str, facts: Facts) -> list[tuple[Tenant, _Conditions]]:
    """The routes that the facts do not rule out, with what each asks for."""
    asked = [(tenant, _conditions(route, facts)) for tenant, route in tenants.routes.get(source, ())]
    found = [
        (tenant, conditions)
        for tenant, conditions in asked
        if all(value is None or value in wanted for wanted, value in conditions)
    ]
    if not found:
        raise _nowhere(source, facts)
    return found


def _conditions(route: Route, facts: Facts) -> _Conditions:
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
