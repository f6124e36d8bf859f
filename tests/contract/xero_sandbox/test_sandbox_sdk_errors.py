"""Sign-in, limits, keys and faults, as the SDK sees them."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3
from xero_python.accounting import models as m
from xero_python.exceptions import AccountingBadRequestException, HTTPStatusException, RateLimitException

from connectors.xero.sandbox import Fault
from tests.contract.xero_sandbox.sdk import Sdk, Served


def contacts(*names: str) -> Any:
    return m.Contacts(contacts=[m.Contact(name=name) for name in names])


def test_connections_are_listed_and_one_is_taken_back(sdk: Sdk) -> None:
    connections = sdk.identity.get_connections()
    assert [connection.tenant_name for connection in connections] == ["Harbour Goods Ltd", "Harbour Goods Europe DAC"]
    assert str(connections[0].tenant_id) == sdk.tenant
    sdk.identity.delete_connection(connections[0].id)
    with pytest.raises(HTTPStatusException) as caught:
        sdk.api.get_organisations(sdk.tenant)
    assert caught.value.status == 403
    assert b"AuthenticationUnsuccessful" in caught.value.body


def test_a_wrong_token_is_unauthorised(served: Served, sdk: Sdk) -> None:
    sdk.token = {"access_token": "forged", "token_type": "Bearer", "expires_in": 1800, "scope": "x"}
    with pytest.raises(HTTPStatusException) as caught:
        sdk.api.get_organisations(sdk.tenant)
    assert caught.value.status == 401


def test_an_expired_token_says_so(served: Served, sdk: Sdk) -> None:
    served.sandbox.order(Fault(answer="401"))
    with pytest.raises(HTTPStatusException) as caught:
        sdk.api.get_organisations(sdk.tenant)
    assert caught.value.status == 401
    assert b"TokenExpired: token expired at" in caught.value.body


def test_the_minute_limit_is_enforced_and_earned(sdk: Sdk, served: Served) -> None:
    served.sandbox.switches = served.sandbox.switches.changed(minute_limit=1)
    sdk.api.update_or_create_contacts(sdk.tenant, contacts("Ann"))
    with pytest.raises(RateLimitException) as caught:
        sdk.api.update_or_create_contacts(sdk.tenant, contacts("Bea"))
    assert caught.value.rate_limit == "minute"
    assert caught.value.headers["X-MinLimit-Remaining"] == "0"
    assert 1 <= int(caught.value.headers["Retry-After"]) <= 60
    assert "Content-Type" not in caught.value.headers
    assert caught.value.body == b""
    assert served.sandbox.throttled == {"ordered": 0, "earned": 1}


@pytest.mark.parametrize("problem", ["minute", "day", "concurrent", "appminute"])
def test_each_kind_of_throttling_can_be_ordered(sdk: Sdk, served: Served, problem: Any) -> None:
    served.sandbox.order(Fault(answer=f"429-{problem}", retry_after_s=7 if problem != "concurrent" else None))  # type: ignore[arg-type]  # Spelled so.
    with pytest.raises(RateLimitException) as caught:
        sdk.api.update_or_create_contacts(sdk.tenant, contacts("Ann"))
    assert caught.value.rate_limit == problem
    assert caught.value.headers.get("Retry-After") == (None if problem == "concurrent" else "7")
    assert served.sandbox.throttled == {"ordered": 1, "earned": 0}


def test_the_sdk_repeats_put_by_itself_when_it_is_throttled(sdk: Sdk, served: Served) -> None:
    served.sandbox.order(Fault(answer="429-minute", method="PUT", times=4, retry_after_s=0))
    with pytest.raises(RateLimitException):
        sdk.api.create_contacts(sdk.tenant, contacts("Ann"))
    assert len([call for call in served.sandbox.calls if call.method == "PUT"]) == 4


def test_a_dropped_answer_makes_the_sdk_create_twice(sdk: Sdk, served: Served) -> None:
    """The trap that this product exists for: no number, no key, one answer lost."""
    contact = sdk.contact()
    served.sandbox.order(Fault(answer="drop", commit="all", method="PUT"))
    sdk.invoice(contact, None)
    assert len(served.sandbox.books(sdk.tenant)["invoices"]) == 2


def test_a_key_makes_the_same_repetition_safe(sdk: Sdk, served: Served) -> None:
    served.sandbox.order(Fault(answer="drop", commit="all", method="PUT"))
    created = sdk.api.create_contacts(sdk.tenant, contacts("Ann"), idempotency_key="key-1").contacts
    assert [contact["id"] for contact in served.sandbox.books(sdk.tenant)["contacts"] if contact["name"] == "Ann"] == [
        created[0].contact_id
    ]


def test_a_key_with_another_request_is_refused(sdk: Sdk) -> None:
    sdk.api.create_contacts(sdk.tenant, contacts("Ann"), idempotency_key="key-1")
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.api.create_contacts(sdk.tenant, contacts("Bea"), idempotency_key="key-1")
    assert "is used with a different request." in caught.value.error_data["Message"]


def test_a_key_that_is_too_long_is_refused(sdk: Sdk) -> None:
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.api.create_contacts(sdk.tenant, contacts("Ann"), idempotency_key="k" * 129)
    assert "with length 129 is too long" in caught.value.error_data["Message"]


def test_half_a_batch_may_be_committed_before_a_500(sdk: Sdk, served: Served) -> None:
    served.sandbox.order(Fault(answer="500", commit="half"))
    with pytest.raises(HTTPStatusException) as caught:
        sdk.api.update_or_create_contacts(sdk.tenant, contacts("A", "B", "C", "D"))
    assert caught.value.status == 500
    assert {row.name for row in sdk.api.get_contacts(sdk.tenant).contacts} == {"A", "B"}


def test_an_organisation_that_is_offline_answers_in_plain_text(sdk: Sdk, served: Served) -> None:
    served.sandbox.set_organisation(sdk.tenant, offline=True)
    with pytest.raises(HTTPStatusException) as caught:
        sdk.api.update_or_create_contacts(sdk.tenant, contacts("Ann"))
    assert (caught.value.status, caught.value.body) == (503, b"The Organisation is offline")
    assert caught.value.headers["Content-Type"].startswith("text/plain")


def test_the_second_organisation_has_books_of_its_own(sdk: Sdk, served: Served) -> None:
    sdk.contact("Ann")
    other = served.sandbox.organisations[1]
    assert sdk.api.get_contacts(other.tenant_id).contacts == []
    assert sdk.api.get_organisations(other.tenant_id).organisations[0].base_currency.value == "EUR"


def test_the_sdk_refreshes_and_revokes_its_token(sdk: Sdk, served: Served) -> None:
    engine_token = _consented(served)
    sdk.token = {**engine_token, "scope": engine_token["scope"].split()}
    sdk.client.refresh_oauth2_token()
    assert sdk.token["refresh_token"] != engine_token["refresh_token"]
    assert sdk.api.get_organisations(sdk.tenant).organisations[0].organisation_id == sdk.tenant
    access = sdk.token["access_token"]
    sdk.client.revoke_oauth2_token()
    sdk.token = {**engine_token, "access_token": access}
    with pytest.raises(HTTPStatusException) as caught:
        sdk.api.get_organisations(sdk.tenant)
    assert caught.value.status == 403


def _consented(served: Served) -> dict[str, Any]:
    """A token set as a person's consent brings it."""
    credentials, callback = served.sandbox.credentials, "https://app.example/callback"
    pool = urllib3.PoolManager()
    asked = {
        "response_type": "code",
        "client_id": credentials.client_id,
        "redirect_uri": callback,
        "scope": "offline_access accounting.settings",
    }
    url = f"{served.address.base_url}/identity/connect/authorize"
    location = pool.request("GET", url, fields=asked, redirect=False).headers["Location"]
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(location).query)["code"][0],
        "redirect_uri": callback,
        **credentials._asdict(),
    }
    token: dict[str, Any] = pool.request(
        "POST", f"{served.address.identity_url}/connect/token", fields=form, encode_multipart=False
    ).json()
    pool.clear()
    return token
