"""Which organisation an event belongs to, from the routes of the tenant files."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from streams.core.refusal import Unbookable
from streams.core.tenant_file import Route
from streams.core.tenants import Tenant, Tenants


class Facts(NamedTuple):
    """What a route may ask for. None: the event does not say."""

    currency: str | None = None
    country: str | None = None
    channel: str | None = None


class _Match(NamedTuple):
    """A route that may take an event: for how many things it asks, and whether the event says all of them."""

    tenant: Tenant
    asks: int
    is_sure: bool


def tenant_of(tenants: Tenants, source: str, facts: Facts) -> Tenant | None:
    """The one organisation that the event belongs to, or None if the event says too little to tell.

    Of several that match, the one whose route asks for more wins. Raises Unbookable where no route could match.
    """
    sure = [match for match in _matches(tenants, source, facts) if match.is_sure]
    best = max((match.asks for match in sure), default=0)
    winners = {match.tenant.name: match.tenant for match in sure if match.asks == best}
    if len(winners) == 1:
        return next(iter(winners.values()))
    return None


def possible_tenants(tenants: Tenants, source: str, facts: Facts) -> tuple[Tenant, ...]:
    """Every organisation that the event may belong to. Raises Unbookable where no route could match."""
    return tuple({match.tenant.name: match.tenant for match in _matches(tenants, source, facts)}.values())


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


def _matches(tenants: Tenants, source: str, facts: Facts) -> list[_Match]:
    """The routes that the facts do not rule out."""
    routes = tenants.routes.get(source, ())
    found = [match for tenant, route in routes if (match := _match(tenant, route, facts)) is not None]
    if not found:
        raise _nowhere(source, facts)
    return found


def _match(tenant: Tenant, route: Route, facts: Facts) -> _Match | None:
    """What the route has to do with the event; None if it rules it out. Every event is asked about, so no lists."""
    asks, is_sure = 0, True
    for wanted, value in (
        (route.currencies, facts.currency),
        (route.countries, facts.country),
        (route.channels, facts.channel),
    ):
        if wanted:
            if value is not None and value not in wanted:
                return None
            asks += 1
            is_sure = is_sure and value is not None
    return _Match(tenant, asks, is_sure)


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
