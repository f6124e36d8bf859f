"""Which organisation an event belongs to, and what two organisations claim alike."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.refusal import Unbookable
from streams.core.routing import Facts, definite_tenant, disputed, tenant_of
from streams.core.tenant_file import Route
from streams.core.tenants import Tenant, Tenants
from tests.support.rules import ORDER, TENANTS, commands, evidence
from tests.unit.tenant_file.folder import FILES, load

UK = TENANTS.tenants["uk"]


def organisations(**routes: list[dict[str, Any]]) -> Tenants:
    """Organisations with these routes; all else is the shipped file's."""
    return Tenants(
        {},
        {
            name: Tenant(name, UK.file.model_copy(update={"routes": tuple(Route(**route) for route in some)}))
            for name, some in routes.items()
        },
    )


def shop(**conditions: Any) -> dict[str, Any]:
    return {"source": "shop-1", **conditions}


BY_CURRENCY = organisations(
    uk=[shop(currencies=["GBP"])],
    ie=[shop(currencies=["EUR"]), shop(currencies=["EUR"], countries=["DE"], channels=["web"])],
    de=[shop(currencies=["EUR"], countries=["DE"])],
    rest=[shop()],
)


@pytest.mark.parametrize(
    ("facts", "owner"),
    [
        (Facts(currency="GBP"), "uk"),
        (Facts(currency="GBP", country="DE"), "uk"),
        (Facts(currency="EUR"), "ie"),
        (Facts(currency="EUR", country="FR"), "ie"),
        # Whose route asks for more, wins.
        (Facts(currency="EUR", country="DE"), "de"),
        (Facts(currency="EUR", country="DE", channel="web"), "ie"),
        (Facts(currency="SEK"), "rest"),
        (Facts(), "rest"),
    ],
)
def test_the_route_that_asks_for_most_decides(facts: Facts, owner: str) -> None:
    found = tenant_of(BY_CURRENCY, "shop-1", facts)
    assert found is not None
    assert found.name == owner
    assert definite_tenant(BY_CURRENCY, "shop-1", facts) is found


def test_an_event_that_says_too_little_belongs_to_nobody_yet() -> None:
    by_country = organisations(uk=[shop(countries=["GB"])], ie=[shop(countries=["IE"])])
    assert tenant_of(by_country, "shop-1", Facts(currency="GBP")) is None
    with pytest.raises(Unbookable) as caught:
        definite_tenant(by_country, "shop-1", Facts(currency="GBP"))
    assert (caught.value.field, caught.value.value) == ("source", "shop-1")
    assert caught.value.message == (
        "Several organisations could own this event of shop-1: its currency, country and channel do not decide."
    )
    assert "currencies, countries or channels" in caught.value.remedy


def test_two_that_claim_it_alike_do_not_get_it() -> None:
    both = organisations(uk=[shop(currencies=["GBP"])], ie=[shop(countries=["IE"])])
    assert tenant_of(both, "shop-1", Facts(currency="GBP", country="IE")) is None


@pytest.mark.parametrize(
    ("source", "facts", "field", "value", "words"),
    [
        ("shop-9", Facts(), "source", "shop-9", "nothing that a route asks for"),
        ("shop-9", Facts(currency="GBP", country="GB"), "currency", "GBP", "currency GBP, country GB"),
        ("shop-1", Facts(country="FR", channel="pos"), "country", "FR", "country FR, channel pos"),
    ],
)
def test_what_no_organisation_takes_is_told(source: str, facts: Facts, field: str, value: str, words: str) -> None:
    only = organisations(uk=[shop(countries=["GB"])])
    with pytest.raises(Unbookable) as caught:
        tenant_of(only, source, facts)
    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.message == f"No organisation takes this event of {source} with {words}."
    assert caught.value.remedy == (
        f"Add a route for {source} to the tenant file of the organisation that it belongs to, then replay."
    )


def test_an_order_is_routed_by_where_it_goes_then_by_its_customer(tmp_path: Path) -> None:
    by_country = load(
        tmp_path,
        uk=FILES["uk.yaml"].replace("currencies: [GBP]", "countries: [GB]", 1),
        ie=FILES["ie.yaml"].replace("currencies: [EUR]", "countries: [IE]").replace("23", "20"),
    )
    customer = {"id": "77", "name": "Ada", "address": {"country": "GB"}}

    def owner(**address: Any) -> str | None:
        order = {**ORDER, "customer": customer, **address}
        return commands("OrderPlaced", order, tenants_=by_country)[1].tenant

    assert owner() == "uk"
    assert owner(shipping_address={"city": "Leeds"}) == "uk"
    assert owner(shipping_address={"country": "IE"}) == "ie"
    nowhere = {**ORDER, "shipping_address": {"country": "FR"}}
    assert evidence("OrderPlaced", nowhere, tenants_=by_country).field == "currency"


CODES = {"currencies": ["GBP", "EUR"], "countries": ["GB", "IE"], "channels": ["web", "pos"]}
ROUTES = st.lists(
    st.fixed_dictionaries({"source": st.sampled_from(["shop-1", "shop-2"])}, optional={
        name: st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True) for name, values in CODES.items()
    }),
    min_size=1,
    max_size=3,
)  # fmt: skip
SAID = [
    Facts(currency, country, channel)
    for currency in (None, *CODES["currencies"], "SEK")
    for country in (None, *CODES["countries"], "FR")
    for channel in (None, *CODES["channels"], "fair")
]


def contested(tenants: Tenants, source: str, facts: Facts) -> bool:
    """Whether two organisations have a route that takes the event, and none asks for more."""

    def most(tenant: Tenant) -> int:
        asked = [
            sum(map(bool, pairs))
            for route in tenant.file.routes
            if route.source == source
            for pairs in [(route.currencies, route.countries, route.channels)]
            if all(
                not wanted or value in wanted
                for wanted, value in zip(pairs, (facts.currency, facts.country, facts.channel), strict=True)
            )
        ]
        return max(asked, default=-1)

    best = sorted(most(tenant) for tenant in tenants.tenants.values())
    return best[-1] >= 0 and best[-1] == best[-2]


@given(ROUTES, ROUTES, ROUTES)
def test_a_dispute_is_found_exactly_where_an_event_can_be_contested(
    one: list[dict[str, Any]], other: list[dict[str, Any]], third: list[dict[str, Any]]
) -> None:
    tenants = organisations(one=one, other=other, third=third)
    names = list(tenants.tenants)
    pairs = [(left, right) for at, left in enumerate(names) for right in names[at + 1 :]]
    found = [
        (tenants.tenants[left].file.routes[at].source, facts)
        for left, right in pairs
        for at, facts in disputed(tenants.tenants[left], tenants.tenants[right], tenants)
    ]
    for source, facts in found:
        assert contested(tenants, source, facts)
    possible = {source for source in ("shop-1", "shop-2") for facts in SAID if contested(tenants, source, facts)}
    assert {source for source, _ in found} == possible
