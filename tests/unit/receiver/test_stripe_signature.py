"""Stripe's signature, made by Stripe's own library."""

from dataclasses import replace

import pytest
from stripe import WebhookSignature

from connectors.base import HttpRequest, Unauthentic
from connectors.stripe.verify import verify
from tests.unit.receiver.support import NOW, NOW_S, STRIPE

BODY = '{"id":"evt_1","object":"event","note":"café"}'


def signature(signing_secret: str = STRIPE.secrets[0].reveal(), at: int = NOW_S, body: str = BODY) -> str:
    return str(WebhookSignature.generate_signature_header(body, signing_secret, at))


def check(*headers: str, body: bytes = BODY.encode()) -> None:
    named = tuple(("stripe-signature", header) for header in headers)
    verify(HttpRequest("POST", "/v1/sources/stripe-1", named, body), STRIPE, NOW)


def test_stripe_signs_with_both_secrets_during_a_roll() -> None:
    check(f"{signature('whsec_gone')},{signature().partition(',')[2]}")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        ("garbage",),
        (f"t={NOW_S}",),
        (f"t={NOW_S},v1=",),
        (f"t={NOW_S},v1=é",),
        (f"t=x,{signature().partition(',')[2]}",),
        (signature("whsec_wrong"),),
        (signature(body=BODY + " "),),
        (signature(), signature()),
        (f"{signature()},t={NOW_S}",),
        (f"{signature(at=1)},t={NOW_S}",),
        (f"t={NOW_S},{signature(at=1)}",),
    ],
)
def test_what_stripe_did_not_sign_is_refused(headers: tuple[str, ...]) -> None:
    with pytest.raises(Unauthentic) as caught:
        check(*headers)
    assert not caught.value.stale


def test_a_time_that_only_a_lenient_reader_takes_is_refused() -> None:
    # Python's int() takes underscores and blanks, so the library signs the same number.
    lenient = signature().replace(f"t={NOW_S}", f"t={NOW_S:_}")
    with pytest.raises(Unauthentic):
        check(lenient)


def test_a_body_that_is_not_text_is_refused() -> None:
    with pytest.raises(Unauthentic):
        check(signature(), body=b"\xff\xfe")


def test_a_source_without_secrets_takes_nothing() -> None:
    request = HttpRequest("POST", "/", (("stripe-signature", signature()),), BODY.encode())
    with pytest.raises(Unauthentic):
        verify(request, replace(STRIPE, secrets=()), NOW)
