"""Who may speak for a source: every way of forging that we can think of."""

import dataclasses
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta

import pytest

from connectors import auth
from connectors.base import HttpRequest, Secret, SourceConfig, Unauthentic, VerifiedBody
from tests.unit.receiver.support import CRM, NOW, NOW_S, SHOP

SOURCES = {config.name: config for config in (SHOP, CRM)}
BODY = b'{"id":"evt_1"}'
ATTRIBUTES = (("ce-id", "evt_1"), ("ce-source", "shop-1"), ("ce-subject", "caf%C3%A9"))


def request(body: bytes = BODY, headers: tuple[tuple[str, str], ...] = (), method: str = "POST") -> HttpRequest:
    return HttpRequest(method, "/v1/events", headers, body)


def with_header(original: HttpRequest, name: str, value: str) -> HttpRequest:
    return dataclasses.replace(original, headers=(*original.headers, (name.lower(), value)))


def signed(original: HttpRequest, secret: Secret = SHOP.secrets[0], at: int = NOW_S) -> HttpRequest:
    return with_header(original, auth.SIGNATURE_HEADER, auth.sign(secret, original, at))


def names(proven: HttpRequest, sources: Mapping[str, SourceConfig] = SOURCES) -> list[str]:
    return [config.name for config in auth.authenticate(proven, sources, NOW)]


def refused(forged: HttpRequest) -> Unauthentic:
    with pytest.raises(Unauthentic) as caught:
        names(forged)
    return caught.value


@pytest.mark.parametrize("secret", SHOP.secrets)
def test_each_secret_of_a_rotation_signs(secret: Secret) -> None:
    assert names(signed(request(), secret)) == ["shop-1"]


def test_a_header_may_carry_the_signatures_of_both_secrets() -> None:
    old, new = (auth.sign(secret, request(), NOW_S) for secret in (Secret("forgotten"), SHOP.secrets[1]))
    both = f"{old}, v0=ignored, {new.partition(',')[2]}"
    assert names(with_header(request(), auth.SIGNATURE_HEADER, both)) == ["shop-1"]


def test_the_example_of_the_documentation_holds() -> None:
    binary = request(headers=ATTRIBUTES)
    text = b"1767225600.id=evt_1\nsource=shop-1\nsubject=caf%C3%A9\n\n" + BODY

    by_hand = hmac.new(b"s3cret", text, hashlib.sha256).hexdigest()
    assert auth.sign(Secret("s3cret"), binary, 1767225600) == f"t=1767225600,v1={by_hand}"


def test_a_changed_body_is_refused() -> None:
    assert not refused(dataclasses.replace(signed(request()), body=BODY + b" ")).stale


@pytest.mark.parametrize(
    "headers",
    [
        (("ce-id", "evt_2"), *ATTRIBUTES[1:]),
        (*ATTRIBUTES, ("ce-type", "com.ledgerstream.OrderPlaced.v1")),
        (*ATTRIBUTES, ("ce-id", "evt_2")),
        ATTRIBUTES[1:],
        (),
    ],
    ids=["changed", "added", "doubled", "removed", "all removed"],
)
def test_changed_attributes_of_binary_mode_are_refused(headers: tuple[tuple[str, str], ...]) -> None:
    proof = signed(request(headers=ATTRIBUTES)).headers[-1]
    assert not refused(request(headers=(*headers, proof))).stale


def test_the_order_of_attributes_does_not_count() -> None:
    proof = signed(request(headers=ATTRIBUTES)).headers[-1]
    assert names(request(headers=(*reversed(ATTRIBUTES), proof))) == ["shop-1"]


def test_a_body_signature_does_not_carry_attributes() -> None:
    proof = signed(request()).headers[-1]
    refused(request(headers=(*ATTRIBUTES, proof)))


def test_a_get_is_signed_by_its_path() -> None:
    asked = request(b"", method="GET")
    assert names(signed(asked)) == ["shop-1"]
    refused(dataclasses.replace(signed(asked), target="/v1/events/shop-1/evt_2"))
    # A signature over an empty POST is not one over the path.
    refused(dataclasses.replace(signed(request(b"")), method="GET"))


@pytest.mark.parametrize("headers", [(), ATTRIBUTES], ids=["structured", "binary"])
def test_a_signature_for_a_check_sends_nothing(headers: tuple[tuple[str, str], ...]) -> None:
    """Else whoever saw an event being checked could send it in earnest."""
    bare = request(headers=headers)
    checked = dataclasses.replace(bare, target="/v1/events?validate=true")
    proof = signed(checked).headers[-1]
    assert names(with_header(checked, *proof)) == ["shop-1"]
    refused(with_header(bare, *proof))
    refused(with_header(dataclasses.replace(checked, target="/v1/events?validate=false"), *proof))
    # Who signs each event in one way may have it checked as well.
    assert names(with_header(checked, *signed(bare).headers[-1])) == ["shop-1"]


@pytest.mark.parametrize("seconds", [-auth.TOLERANCE_S, auth.TOLERANCE_S])
def test_the_tolerance_is_five_minutes_both_ways(seconds: int) -> None:
    assert names(signed(request(), at=NOW_S + seconds)) == ["shop-1"]
    beyond = seconds + (1 if seconds > 0 else -1)
    assert refused(signed(request(), at=NOW_S + beyond)).stale


def test_a_forged_signature_is_not_called_stale() -> None:
    assert not refused(signed(request(), Secret("wrong"), at=0)).stale


def test_another_sources_secret_proves_only_that_source() -> None:
    forged = signed(request(), CRM.secrets[0])
    assert names(forged) == ["crm-1"]
    refused(with_header(forged, auth.SOURCE_HEADER, "shop-1"))


def test_the_named_source_alone_is_asked() -> None:
    named = with_header(signed(request()), auth.SOURCE_HEADER, "shop-1")
    assert names(named) == ["shop-1"]
    refused(with_header(signed(request()), auth.SOURCE_HEADER, "nobody"))


HEX = "0" * 64


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        "t=,v1=",
        f"v1={HEX}",
        f"t={NOW_S}",
        f"t={NOW_S},v1=abc",
        f"t={NOW_S},v1={'A' * 64}",
        f"t={NOW_S},v1={'é' * 64}",
        f"t=-5,v1={HEX}",
        f"t=9999999999999999999,v1={HEX}",
        f"t={NOW_S},t={NOW_S},v1={HEX}",
        f"t={NOW_S},v2={HEX}",
        f"t={NOW_S}," + ",".join([f"v1={HEX}"] * 10_000),
        "\udcff\udcfe",
    ],
)
def test_garbage_in_the_header_is_refused(header: str) -> None:
    assert not refused(with_header(request(), auth.SIGNATURE_HEADER, header)).stale


def test_a_second_timestamp_cannot_make_a_stale_signature_fresh() -> None:
    stale = auth.sign(SHOP.secrets[0], request(), NOW_S - 10_000)
    for header in (f"t={NOW_S},{stale}", f"{stale},t={NOW_S}"):
        refused(with_header(request(), auth.SIGNATURE_HEADER, header))


@pytest.mark.parametrize("name", [auth.SIGNATURE_HEADER, auth.SOURCE_HEADER, "Authorization"])
def test_a_doubled_header_proves_nothing(name: str) -> None:
    known = {auth.SOURCE_HEADER: "shop-1", "Authorization": "Bearer shop-1-token"}
    value = known.get(name) or auth.sign(SHOP.secrets[0], request(), NOW_S)
    once = with_header(request(), name, value)
    if name == auth.SOURCE_HEADER:
        once = signed(once)
    assert names(once) == ["shop-1"]
    refused(with_header(once, name, value))


@pytest.mark.parametrize("token", SHOP.tokens)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_each_token_of_a_rotation_opens(token: Secret, scheme: str) -> None:
    assert names(with_header(request(), "Authorization", f"{scheme} {token.reveal()}")) == ["shop-1"]


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer shop-1-toke",
        "Bearer shop-1-token2",
        "Basic shop-1-token",
        "shop-1-token",
        "Bearer \udcff",
        "Bearer shöp",
    ],
)
def test_wrong_tokens_are_refused(value: str) -> None:
    refused(with_header(request(), "Authorization", value))


def test_a_token_is_good_for_its_own_source_only() -> None:
    crm = with_header(request(), "Authorization", "Bearer crm-1-token")
    assert names(crm) == ["crm-1"]
    refused(with_header(crm, auth.SOURCE_HEADER, "shop-1"))


def test_a_token_beside_a_bad_signature_does_not_help() -> None:
    bad = with_header(request(), auth.SIGNATURE_HEADER, f"t={NOW_S},v1={HEX}")
    refused(with_header(bad, "Authorization", "Bearer shop-1-token"))


def test_no_credentials_are_refused() -> None:
    refused(request())


def test_a_secret_is_no_token() -> None:
    refused(with_header(request(), "Authorization", f"Bearer {SHOP.secrets[0].reveal()}"))


def test_sources_that_share_a_token_are_all_proven() -> None:
    twin = dataclasses.replace(SHOP, name="shop-2")
    opened = with_header(request(), "Authorization", "Bearer shop-1-token")
    assert names(opened, {**SOURCES, "shop-2": twin}) == ["shop-1", "shop-2"]


@pytest.mark.parametrize("empty", ["", " ", "\t\n"])
def test_an_empty_secret_cannot_exist(empty: str) -> None:
    with pytest.raises(ValueError, match="a secret is empty"):
        Secret(empty)


def test_a_secret_does_not_show() -> None:
    config = SourceConfig(name="shop-1", connector="cloudevents", secrets=(Secret("hush"),), tokens=(Secret("quiet"),))
    for shown in (repr(config), str(config), f"{config.secrets[0]} {config.tokens[0]!r} {config.tokens}"):
        assert "hush" not in shown
        assert "quiet" not in shown


def test_a_verified_body_needs_a_verifier_that_proves_a_source() -> None:
    with pytest.raises(Unauthentic):
        VerifiedBody(request(), lambda _: ())
    verified = VerifiedBody(signed(request()), lambda raw: auth.authenticate(raw, SOURCES, NOW + timedelta(seconds=1)))
    assert verified.body == BODY
    assert verified.speaks_for("shop-1")
    assert not verified.speaks_for("crm-1")
