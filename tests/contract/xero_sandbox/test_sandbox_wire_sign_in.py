"""The token endpoint's grants, rotation, revocation, scopes and connections."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from connectors.xero.sandbox import ManualClock, Sandbox
from tests.contract.xero_sandbox.wire_client import Answer, Wire, wired

CALLBACK = "https://app.example/callback"
SCOPES = "offline_access accounting.contacts accounting.settings.read"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 9, 14, 8, tzinfo=UTC))


@pytest_asyncio.fixture
async def wire(clock: ManualClock) -> AsyncIterator[Wire]:
    async with wired(Sandbox(clock=clock)) as wire:
        yield wire


async def consent(wire: Wire, scope: str = SCOPES, redirect: str = CALLBACK, **query: str) -> str:
    """The code that a person's consent brings, or the error word."""
    asked = {
        "response_type": "code",
        "client_id": wire.sandbox.credentials.client_id,
        "redirect_uri": redirect,
        "scope": scope,
        "state": "s1",
        **query,
    }
    url = f"{wire.address.base_url}/identity/connect/authorize"
    async with wire.session.get(url, params=asked, allow_redirects=False) as response:
        if response.status == 400:
            return str((await response.json())["error"])
        found = parse_qs(urlsplit(response.headers["Location"]).query)
        assert found["state"] == ["s1"]
        return found["code"][0]


async def redeem(wire: Wire, code: str, **form: str) -> Answer:
    return await wire.token_call(grant_type="authorization_code", code=code, redirect_uri=CALLBACK, **form)


def error(answer: Answer) -> str:
    assert answer.status == 400
    return str(answer.json["error"])


async def test_a_code_is_redeemed_once(wire: Wire) -> None:
    code = await consent(wire)
    token = (await redeem(wire, code)).json
    assert (token["expires_in"], token["token_type"]) == (1800, "Bearer")
    assert token["access_token"].count(".") == 2
    assert token["refresh_token"]
    assert error(await redeem(wire, code)) == "invalid_grant"


async def test_pkce_needs_the_verifier_and_no_secret(wire: Wire) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).rstrip(b"=").decode()
    client_id = wire.sandbox.credentials.client_id
    for verifier, status in (("wrong", 400), ("verifier", 200)):
        code = await consent(wire, code_challenge=challenge, code_challenge_method="S256")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": client_id,
            "code_verifier": verifier,
        }
        answer = await wire.post_form(form, basic=False)
        assert answer.status == status


async def test_only_https_and_localhost_are_redirected_to(wire: Wire) -> None:
    assert await consent(wire, redirect="http://127.0.0.1/cb") == "invalid_request"
    assert len(await consent(wire, redirect="http://localhost:5000/cb")) > 20


async def test_a_used_refresh_token_works_through_its_grace(wire: Wire, clock: ManualClock) -> None:
    first = (await redeem(wire, await consent(wire))).json["refresh_token"]
    second = (await wire.token_call(grant_type="refresh_token", refresh_token=first)).json["refresh_token"]
    assert second != first
    clock.advance(1799)
    assert (await wire.token_call(grant_type="refresh_token", refresh_token=first)).status == 200
    clock.advance(1)
    assert error(await wire.token_call(grant_type="refresh_token", refresh_token=first)) == "invalid_grant"
    assert (await wire.token_call(grant_type="refresh_token", refresh_token=second)).status == 200


async def test_without_grace_a_used_refresh_token_is_dead_at_once(wire: Wire) -> None:
    wire.sandbox.switches = wire.sandbox.switches.changed(refresh_grace_s=0)
    token = (await redeem(wire, await consent(wire))).json["refresh_token"]
    assert (await wire.token_call(grant_type="refresh_token", refresh_token=token)).status == 200
    assert error(await wire.token_call(grant_type="refresh_token", refresh_token=token)) == "invalid_grant"


async def test_an_unused_refresh_token_dies_after_sixty_days(wire: Wire, clock: ManualClock) -> None:
    token = (await redeem(wire, await consent(wire))).json["refresh_token"]
    clock.advance(60 * 86_400 + 1)
    assert error(await wire.token_call(grant_type="refresh_token", refresh_token=token)) == "invalid_grant"


async def test_revocation_drops_all_connections(wire: Wire) -> None:
    token = (await redeem(wire, await consent(wire))).json
    assert (await wire.call("GET", "/Contacts")).status == 200
    assert (await wire.post_form({"token": token["refresh_token"]}, path="revocation")).status == 200
    assert (await wire.call("GET", "/Contacts")).status == 403
    await redeem(wire, await consent(wire))
    assert (await wire.call("GET", "/Contacts")).status == 200


async def test_an_access_token_lives_for_half_an_hour(wire: Wire, clock: ManualClock) -> None:
    clock.advance(1799)
    assert (await wire.call("GET", "/Contacts")).status == 200
    clock.advance(1)
    answer = await wire.call("GET", "/Contacts")
    assert (answer.status, answer.json["Title"]) == (401, "Unauthorized")
    assert answer.json["Detail"] == "TokenExpired: token expired at 09/14/2026 08:30:00"


async def test_what_the_token_endpoint_refuses(wire: Wire) -> None:
    assert error(await wire.token_call(grant_type="password")) == "unsupported_grant_type"
    asked = {"grant_type": "client_credentials"}
    assert error(await wire.post_form(asked, basic=False)) == "invalid_client"
    wrong = {"client_id": wire.sandbox.credentials.client_id, "client_secret": "guess"}
    assert error(await wire.post_form({**asked, **wrong}, basic=False)) == "invalid_client"
    old = {"grant_type": "client_credentials", "scope": "accounting.transactions"}
    assert error(await wire.token_call(**old)) == "invalid_scope"
    wire.sandbox.switches = wire.sandbox.switches.changed(scopes="mixed")
    assert (await wire.token_call(**old)).status == 200


async def test_a_missing_scope_is_a_401_with_xeros_misspelling(wire: Wire) -> None:
    scope = {"grant_type": "client_credentials", "scope": "accounting.contacts.read accounting.invoices"}
    wire.token = (await wire.token_call(**scope)).json["access_token"]
    assert (await wire.call("GET", "/Contacts")).status == 200
    assert (await wire.call("GET", "/Invoices")).status == 200
    answer = await wire.call("PUT", "/Contacts", {"Name": "Ann"})
    assert answer.status == 401
    assert "insufficent_scope" in answer.headers["WWW-Authenticate"]
    wire.sandbox.switches = wire.sandbox.switches.changed(missing_scope_status="403")
    answer = await wire.call("GET", "/Payments")
    assert (answer.status, answer.json["Detail"]) == (403, "AuthorizationUnsuccessful")


async def test_a_custom_connection_may_leave_the_tenant_out(wire: Wire) -> None:
    answer = await wire.call("GET", "/Organisation", tenant="")
    assert answer.json["Organisations"][0]["OrganisationID"] == wire.tenant
    assert (await wire.call("GET", "/Organisation", tenant="unknown")).status == 403


async def test_a_custom_connection_may_reach_one_organisation(wire: Wire) -> None:
    wire.sandbox.switches = wire.sandbox.switches.changed(client_credentials_reach="one")
    await wire.sign_in()
    assert (await wire.call("GET", "/Contacts")).status == 200
    assert (await wire.call("GET", "/Contacts", tenant=wire.sandbox.organisations[1].tenant_id)).status == 403
