"""`sources.yaml`: what is wrong with a source, and that no secret is ever repeated."""

from datetime import time, timedelta
from pathlib import Path
from typing import get_args

import pytest

from connectors.base import REQUESTS_PER_MINUTE, ConnectorKind
from streams import tenants
from streams.core.file_reading import read
from streams.core.tenant_file import SourcesFile
from tests.unit.tenant_file.folder import ENVIRON, FILES, changed, load, problems

SHOP = "sources.yaml:6: sources.shop-1.secrets[0]"
STRIPE = "sources.stripe-1"
KINDS = " or ".join(", ".join(repr(kind) for kind in get_args(ConnectorKind)).rsplit(", ", 1))
VARIABLE = "the name of an environment variable in capitals, such as LEDGERSTREAM_SECRET_SHOP_1"
LIST = "expected a list: [a, b], or lines that begin with -"
HIDDEN = "got a value that is not shown"
EMPTY = "a secret is empty: set it to the value that the source signs or authenticates with."
SECRETS = "    secrets:\n      - env: SECRET_SHOP\n"
OF_STRIPE = SECRETS.replace("SHOP", "STRIPE")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "connector: cloudevents",
            "connector: shopware",
            f"sources.yaml:4: sources.shop-1.connector: got 'shopware': expected {KINDS}. Correct it.",
        ),
        (
            "gateway: stripe",
            "gatway: stripe",
            f"sources.yaml:9: {STRIPE}.gatway is not known; did you mean gateway? Correct or remove it.",
        ),
        (
            "gateway: stripe",
            "live: maybe",
            f"sources.yaml:9: {STRIPE}.live: got 'maybe': expected true or false. Correct it.",
        ),
        (
            "gateway: stripe",
            "order_metadata_keys: order_id",
            f"sources.yaml:9: {STRIPE}.order_metadata_keys: got 'order_id': {LIST}. Correct it.",
        ),
        (
            "order_source: shop-1",
            "order_source: shop-9",
            f"sources.yaml:10: {STRIPE}.order_source: sources.yaml has no source shop-9; did you mean shop-1? Correct "
            "it, or add the source there.",
        ),
        (
            "    order_source: shop-1\n",
            "",
            f"sources.yaml:7: {STRIPE}.order_source is missing. Name the source whose orders are paid there.",
        ),
        (
            f"    order_source: shop-1\n{OF_STRIPE}",
            "    order_source: shop-1\n",
            f"sources.yaml:7: {STRIPE}.secrets is missing. Add the signing secret of the webhook endpoint there.",
        ),
        ("env: SECRET_SHOP", "env: whsec_abc", f"{SHOP}.env: {HIDDEN}: expected {VARIABLE}. Correct it."),
        ("- env: SECRET_SHOP", "- whsec_abc", f"{SHOP}: {HIDDEN}: expected names and values beneath it. Correct it."),
        (
            SECRETS,
            "    secrets: whsec_abc\n",
            f"sources.yaml:5: sources.shop-1.secrets: {HIDDEN}: {LIST}. Correct it.",
        ),
        (
            SECRETS,
            "    tokens: {env: whsec_abc}\n",
            f"sources.yaml:5: sources.shop-1.tokens: {HIDDEN}: {LIST}. Correct it.",
        ),
        (SECRETS, "    tokens:\n", f"sources.yaml:5: sources.shop-1.tokens: got nothing: {LIST}. Correct it."),
        (
            "env: SECRET_SHOP",
            "literal: whsec_abc",
            f"{SHOP}.literal is not known; did you mean insecure_literal? Correct or remove it.",
        ),
        (
            "env: SECRET_SHOP",
            "env: SECRET_SHOPP",
            f"{SHOP}: the environment variable SECRET_SHOPP is not set. Set it to the source's secret.",
        ),
        ("env: SECRET_SHOP", "env: EMPTY", f"{SHOP}: {EMPTY}"),
        ("env: SECRET_SHOP", "insecure_literal: ' '", f"{SHOP}: {EMPTY}"),
        (
            "env: SECRET_SHOP",
            "file: /nowhere/secret",
            f"{SHOP}: /nowhere/secret cannot be read (No such file or directory). Write the secret into it, or mend "
            "its rights.",
        ),
        ("- env: SECRET_SHOP", "- {}", f"{SHOP}: name exactly one of env, file and insecure_literal."),
        (
            "env: SECRET_SHOP",
            "env: SECRET_SHOP\n        file: secret",
            f"{SHOP}: name exactly one of env, file and insecure_literal.",
        ),
    ],
)
def test_a_source(tmp_path: Path, old: str, new: str, message: str) -> None:
    found = problems(tmp_path, **changed("sources", old, new))
    assert found == [message]
    assert "whsec_abc" not in found[0]


@pytest.mark.parametrize("name", ["Shop-1", "shop_1", "shop 1", "-shop", "shop:1", "s" * 64])
def test_a_sources_name_is_part_of_keys(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, **changed("sources", "shop-1:\n", f"{name}:\n")) == [
        f"sources.yaml:3: sources.{name}: got {repr(name) if len(name) < 58 else repr(name)[:59] + '…'}: expected a "
        "source's name in small letters, digits and hyphens, such as shop-1. Correct it."
    ]


def test_no_sources_at_all(tmp_path: Path) -> None:
    assert problems(tmp_path, sources="version: 1\nsources: {}\n") == [
        "sources.yaml:2: sources: got {}: expected at least one; leave the line out if there is none. Correct it."
    ]
    assert problems(tmp_path, **changed("sources", "sources:", "source:")) == [
        "sources.yaml:1: sources is missing. Add it.",
        "sources.yaml:2: source is not known; did you mean sources? Correct or remove it.",
    ]


def test_secrets_come_from_where_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" from a file\n")
    more = (
        f"      - file: {tmp_path / 'secret'}\n      - insecure_literal: hushed\n    tokens: [{{env: SECRET_STRIPE}}]\n"
    )
    found = load(tmp_path, sources=FILES["sources.yaml"] + more)
    stripe = found.sources["stripe-1"]
    assert [secret.reveal() for secret in stripe.secrets] == ["hush too", "from a file", "hushed"]
    assert [token.reveal() for token in stripe.tokens] == ["hush too"]
    assert found.warnings == (
        f"{tmp_path}/sources.yaml:7: sources.stripe-1: a secret stands in the file; for real business use env or file.",
    )


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    shop, stripe = load(tmp_path).sources.values()
    assert (shop.name, shop.connector, shop.gateway, shop.live) == ("shop-1", "cloudevents", "shop-1", True)
    assert (stripe.gateway, stripe.order_source, stripe.order_metadata_keys) == ("stripe", "shop-1", ("order_id",))


def test_a_secret_in_the_file_does_not_show() -> None:
    text = FILES["sources.yaml"] + "      - insecure_literal: hushed\n"
    found, _ = read("sources.yaml", text, SourcesFile, ENVIRON)
    assert found is not None
    assert "hushed" not in repr(found)


def test_a_source_may_come_as_often_as_its_file_says(tmp_path: Path) -> None:
    found = load(tmp_path, **changed("sources", "gateway: stripe", "gateway: stripe\n    requests_per_minute: 120"))
    assert [source.requests_per_minute for source in found.sources.values()] == [REQUESTS_PER_MINUTE, 120]
    assert problems(tmp_path, **changed("sources", "gateway: stripe", "requests_per_minute: 0")) == [
        f"sources.yaml:9: {STRIPE}.requests_per_minute: got '0': expected greater than or equal to 1. Correct it."
    ]


@pytest.mark.parametrize(("written", "live"), [("no", False), ("Off", False), ("FALSE", False), ("yes", True)])
def test_truth_is_written_as_yaml_allows(tmp_path: Path, written: str, live: bool) -> None:
    found = load(tmp_path, **changed("sources", "gateway: stripe", f"gateway: stripe\n    live: {written}"))
    assert found.sources["stripe-1"].live is live


SAME = (
    "sources.yaml:{line}: sources.{where}: {owner} has the same value, so whoever knows it could tell events of both. "
)


@pytest.mark.parametrize(
    ("more", "where", "owner"),
    [
        ("  crm-1:\n    connector: cloudevents\n    tokens: [{env: SECRET_SHOP}]\n", "crm-1.tokens[0]", "shop-1"),
        ("  two-1:\n    connector: cloudevents\n    secrets: [{env: SECRET_STRIPE}]\n", "two-1.secrets[0]", "stripe-1"),
    ],
)
def test_a_secret_is_of_one_source(tmp_path: Path, more: str, where: str, owner: str) -> None:
    """Else whoever signs for the one could tell events of the other."""
    [found] = problems(tmp_path, sources=FILES["sources.yaml"] + more)
    assert found == SAME.format(line=15, where=where, owner=owner) + "Give each source its own."
    assert "hush" not in found
    in_list = tenants.sources_of(tmp_path, ENVIRON)[where.partition(".")[0]].problems
    assert [sentence for sentence in in_list if "the same value" in sentence] == [f"{tmp_path}/{found}"]


def test_one_app_of_shopify_signs_for_every_shop_that_it_is_in(tmp_path: Path) -> None:
    two = "".join(f"  s-{n}:\n    connector: shopify\n    secrets: [{{env: SECRET_XERO}}]\n" for n in (1, 2))
    assert problems(tmp_path, sources=FILES["sources.yaml"] + two) == []


XERO = "  xero-1:\n    connector: xero\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            XERO,
            "sources.yaml:13: sources.xero-1.secrets is missing. Add the key of the webhook in Xero's developer "
            "portal.",
        ),
        (
            XERO
            + "    secrets: [{insecure_literal: w}]\n    api: {url: 'https://x.example', token: {env: SECRET_SHOP}}\n",
            "sources.yaml:16: sources.xero-1.api: the connector xero asks no API. Remove it, or correct the connector.",
        ),
    ],
)
def test_what_a_source_of_xero_lacks_or_has_too_much(tmp_path: Path, more: str, message: str) -> None:
    assert problems(tmp_path, sources=FILES["sources.yaml"] + more) == [message]


def test_xero_needs_no_route(tmp_path: Path) -> None:
    found = load(tmp_path, sources=FILES["sources.yaml"] + XERO + "    secrets: [{env: SECRET_XERO}]\n")
    assert found.warnings == ()


API = "    api:\n      url: https://api.example.com/\n      token: {env: SECRET_SHOP}\n      every_minutes: 5\n"
HOURS = "    expected: {gap_hours: 4, time_zone: Europe/London, days: [mon, fri], opens: '08:30', closes: '18:00'}\n"


def shopify(more: str) -> str:
    """The sources, of which shop-1 is one of Shopify and has more lines."""
    return (
        FILES["sources.yaml"]
        .replace("connector: cloudevents", "connector: shopify")
        .replace(SECRETS, SECRETS + more, 1)
    )


def test_an_api_and_its_token(tmp_path: Path) -> None:
    found = load(tmp_path, sources=shopify(API)).sources["shop-1"].api
    assert found is not None
    assert (found.url, found.token.reveal(), found.every_s) == ("https://api.example.com", "hush", 300.0)
    assert "hush" not in repr(found)


def test_how_often_a_source_speaks(tmp_path: Path) -> None:
    found = load(tmp_path, **changed("sources", SECRETS, SECRETS + HOURS)).expected
    assert set(found) == {"shop-1"}
    one = found["shop-1"]
    assert (one.gap, one.days, one.opens, one.closes) == (timedelta(hours=4), frozenset({0, 4}), time(8, 30), time(18))
    always = "    expected: {gap_hours: 0.5, time_zone: Europe/London}\n"
    other = load(tmp_path, **changed("sources", SECRETS, SECRETS + always)).expected["shop-1"]
    assert (other.days, other.opens, other.closes) == (frozenset(range(7)), time(0), time(0))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            API.replace("{env: SECRET_SHOP}", "shpat_abc"),
            f"sources.yaml:9: sources.shop-1.api.token: {HIDDEN}: expected names and values beneath it. Correct it.",
        ),
        (
            API.replace("SECRET_SHOP", "SHOPP"),
            "sources.yaml:9: sources.shop-1.api.token: the environment variable SHOPP is not set. Set it to the "
            "source's secret.",
        ),
        (
            HOURS.replace("'08:30'", "'8.30'"),
            "sources.yaml:7: sources.shop-1.expected.opens: got '8.30': expected a time of day in quotes, such as "
            '"08:30". Correct it.',
        ),
        (
            HOURS.replace("mon", "monday"),
            "sources.yaml:7: sources.shop-1.expected.days[0]: got 'monday': expected 'mon', 'tue', 'wed', 'thu', "
            "'fri', 'sat' or 'sun'. Correct it.",
        ),
        (
            HOURS.replace("Europe/London", "London"),
            "sources.yaml:7: sources.shop-1.expected.time_zone: got 'London': no such time zone; did you mean "
            "Europe/London? Correct it.",
        ),
    ],
)
def test_what_is_wrong_with_them(tmp_path: Path, more: str, message: str) -> None:
    assert problems(tmp_path, sources=shopify(more)) == [message]
