"""Shopify's signature: over the raw bytes, by any of the secrets, and by nothing else."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest

from connectors.base import HttpRequest, Secret, Unauthentic
from connectors.shopify.verify import verify
from tests.unit.receiver.support import NOW
from tests.unit.shopify.payloads import LIVE

BODY = '{"id":1,"note":"café"}'.encode()
SHOP = replace(LIVE, secrets=(Secret("old"), Secret("new")))


def signature(key: str = "new", body: bytes = BODY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def check(*values: str, body: bytes = BODY) -> None:
    headers = tuple(("x-shopify-hmac-sha256", value) for value in values)
    verify(HttpRequest("POST", "/v1/sources/shop-1", headers, body), SHOP, NOW)


@pytest.mark.parametrize("key", ["old", "new"])
def test_either_secret_signs_while_one_is_rotated(key: str) -> None:
    check(signature(key))
    check(signature(key, b"\xff\x00"), body=b"\xff\x00")


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("",),
        ("garbage",),
        ("\udcff\udcfe",),
        (signature("gone"),),
        (signature(body=BODY + b" "),),
        (signature().rstrip("="),),
        (hmac.new(b"new", BODY, hashlib.sha256).hexdigest(),),
        (signature(), signature()),
        (f"{signature('old')}, {signature()}",),
    ],
)
def test_what_shopify_did_not_sign_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(Unauthentic) as caught:
        check(*values)
    assert not caught.value.stale


def test_a_source_without_secrets_takes_nothing() -> None:
    request = HttpRequest("POST", "/", (("x-shopify-hmac-sha256", signature("")),), BODY)
    with pytest.raises(Unauthentic):
        verify(request, replace(SHOP, secrets=()), NOW)
