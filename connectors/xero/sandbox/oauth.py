"""Sign-in: the token endpoint's three grants with PKCE and rotation, revocation, consent and connections."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

import msgspec

from connectors.xero.sandbox.switches import Switches
from connectors.xero.sandbox.wire import Json, Reply, dump

_BOTH: Final = (
    "accounting.contacts", "accounting.settings", "accounting.invoices", "accounting.payments",
    "accounting.banktransactions", "accounting.manualjournals", "accounting.attachments",
)  # fmt: skip
GRANULAR_SCOPES: Final = frozenset(
    {"openid", "profile", "email", "offline_access", "accounting.journals.read", "accounting.budgets.read"}
    | {scope + suffix for scope in _BOTH for suffix in ("", ".read")}
)
OLD_SCOPES: Final = frozenset({"accounting.transactions", "accounting.transactions.read", "accounting.reports.read"})
_REPORT: Final = re.compile(r"^accounting\.reports\.[a-z0-9]+\.read$")
_REFRESH_LIFE: Final = timedelta(days=60)
_CODE_LIFE: Final = timedelta(minutes=5)


class Credentials(NamedTuple):
    """What an app signs in with."""

    client_id: str
    client_secret: str


class Access(msgspec.Struct, frozen=True):
    """An access token's meaning."""

    scopes: frozenset[str]
    expires: datetime
    auth_event_id: str
    # The one organisation of a custom connection; empty for all that are connected.
    only_tenant: str = ""
    is_custom: bool = False


class Refresh(msgspec.Struct, frozen=True):
    """A refresh token; `used` is when it was rotated."""

    scopes: frozenset[str]
    issued: datetime
    auth_event_id: str
    used: datetime | None = None


class Code(msgspec.Struct, frozen=True):
    """An authorisation code waiting to be redeemed."""

    scopes: frozenset[str]
    expires: datetime
    redirect_uri: str
    challenge: str


class Connection(msgspec.Struct, frozen=True):
    """An organisation that a person connected to the app."""

    connection_id: str
    tenant_id: str
    auth_event_id: str
    created: datetime


class OAuthState(msgspec.Struct):
    """Everything of sign-in that outlives a restart."""

    access: dict[str, Access] = {}
    refresh: dict[str, Refresh] = {}
    codes: dict[str, Code] = {}
    connections: dict[str, Connection] = {}


class OAuthError(Exception):
    """One of OAuth's error words."""


class OAuth:
    """The identity service of one app."""

    def __init__(self, credentials: Credentials, tenants: Mapping[str, str], new_id: Callable[[], str]) -> None:
        self.credentials = credentials
        self.state = OAuthState()
        self.is_dirty = False
        self._tenants = tenants
        self._new_id = new_id

    def connect(self, tenant_ids: Sequence[str], now: datetime, auth_event_id: str) -> None:
        """What a person's consent does; a connection that exists keeps its id."""
        for tenant_id in tenant_ids:
            before = self.state.connections.get(tenant_id)
            connection_id = before.connection_id if before else self._new_id()
            self.state.connections[tenant_id] = Connection(connection_id, tenant_id, auth_event_id, now)
        self.is_dirty = True

    def disconnect(self, connection_id: str) -> bool:
        """DELETE /connections/{id}; whether there was one."""
        for tenant_id, connection in list(self.state.connections.items()):
            if connection_id in (connection.connection_id, tenant_id):
                del self.state.connections[tenant_id]
                self.is_dirty = True
                return True
        return False

    def authorize(self, query: Mapping[str, str], now: datetime, switches: Switches) -> str:
        """The address to which consent redirects. There is nobody to ask, so it is given. Raises OAuthError."""
        if query.get("client_id") != self.credentials.client_id or query.get("response_type") != "code":
            raise OAuthError("unauthorized_client")
        target = query.get("redirect_uri", "")
        if not target.startswith(("https://", "http://localhost")):
            # Xero's own rule: https everywhere but on localhost, and 127.0.0.1 is not localhost.
            raise OAuthError("invalid_request")
        code = self._secret()
        scopes = self._scopes(query.get("scope", ""), switches)
        self.state.codes[code] = Code(scopes, now + _CODE_LIFE, target, query.get("code_challenge", ""))
        self.is_dirty = True
        joiner = "&" if "?" in target else "?"
        return f"{target}{joiner}code={code}&state={query.get('state', '')}&session_state={self._new_id()}"

    def token(self, form: Mapping[str, str], authorization: str, now: datetime, switches: Switches) -> Reply:
        """POST /connect/token."""
        try:
            answer = self._grant(form, authorization, now, switches)
        except OAuthError as error:
            return Reply(400, dump({"error": str(error)}))
        self.is_dirty = True
        self._prune(now)
        return Reply(200, dump(answer), headers={"Cache-Control": "no-store"})

    def revoke(self, form: Mapping[str, str], authorization: str) -> Reply:
        """POST /connect/revocation: the refresh token goes, and with it all of the user's connections."""
        try:
            self._authenticate(form, authorization, needs_secret=False)
        except OAuthError as error:
            return Reply(400, dump({"error": str(error)}))
        token = form.get("token", "")
        if self.state.refresh.pop(token, None) is not None:
            self.state.connections.clear()
            self.is_dirty = True
        return Reply(200, b"", None)

    def connections(self, access: Access, auth_event_id: str) -> list[Json]:
        """GET /connections."""
        shown = [
            connection
            for connection in self.state.connections.values()
            if access.only_tenant in ("", connection.tenant_id) and auth_event_id in ("", connection.auth_event_id)
        ]
        return [
            {
                "id": connection.connection_id,
                "authEventId": connection.auth_event_id,
                "tenantId": connection.tenant_id,
                "tenantType": "ORGANISATION",
                "tenantName": self._tenants[connection.tenant_id],
                "createdDateUtc": f"{connection.created:%Y-%m-%dT%H:%M:%S.%f}0",
                "updatedDateUtc": f"{connection.created:%Y-%m-%dT%H:%M:%S.%f}0",
            }
            for connection in shown
        ]

    def reaches(self, access: Access, tenant_id: str) -> bool:
        """Whether the token's app is connected to the organisation."""
        return access.only_tenant in ("", tenant_id) and tenant_id in self.state.connections

    def _grant(self, form: Mapping[str, str], authorization: str, now: datetime, switches: Switches) -> Json:
        kind = form.get("grant_type", "")
        if kind == "client_credentials":
            self._authenticate(form, authorization, needs_secret=True)
            scopes = self._scopes(form.get("scope", ""), switches) - {"offline_access"}
            one = next(iter(self._tenants), "") if switches.client_credentials_reach == "one" else ""
            return self._issue(scopes, now, switches, self._new_id(), only_tenant=one, is_custom=True)
        if kind == "authorization_code":
            return self._redeem(form, authorization, now, switches)
        if kind == "refresh_token":
            return self._rotate(form, authorization, now, switches)
        raise OAuthError("unsupported_grant_type")

    def _redeem(self, form: Mapping[str, str], authorization: str, now: datetime, switches: Switches) -> Json:
        code = self.state.codes.pop(form.get("code", ""), None)
        self._authenticate(form, authorization, needs_secret=code is None or not code.challenge)
        if code is None or code.expires < now or code.redirect_uri != form.get("redirect_uri"):
            raise OAuthError("invalid_grant")
        if code.challenge:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
                raise OAuthError("invalid_grant")
        auth_event_id = self._new_id()
        self.connect(list(self._tenants), now, auth_event_id)
        return self._issue(code.scopes, now, switches, auth_event_id)

    def _rotate(self, form: Mapping[str, str], authorization: str, now: datetime, switches: Switches) -> Json:
        self._authenticate(form, authorization, needs_secret=False)
        token = form.get("refresh_token", "")
        refresh = self.state.refresh.get(token)
        if refresh is None or refresh.issued + _REFRESH_LIFE < now:
            raise OAuthError("invalid_grant")
        if refresh.used is None:
            self.state.refresh[token] = msgspec.structs.replace(refresh, used=now)
        elif now >= refresh.used + timedelta(seconds=switches.refresh_grace_s):
            raise OAuthError("invalid_grant")
        return self._issue(refresh.scopes, now, switches, refresh.auth_event_id)

    def _issue(
        self,
        scopes: frozenset[str],
        now: datetime,
        switches: Switches,
        auth_event_id: str,
        *,
        only_tenant: str = "",
        is_custom: bool = False,
    ) -> Json:
        expires = now + timedelta(seconds=switches.access_token_life_s)
        token = self._jwt(scopes, expires, auth_event_id)
        self.state.access[token] = Access(scopes, expires, auth_event_id, only_tenant, is_custom)
        answer: Json = {
            "access_token": token,
            "expires_in": switches.access_token_life_s,
            "token_type": "Bearer",
            "scope": " ".join(sorted(scopes)),
        }
        if "offline_access" in scopes:
            refresh_token = self._secret()
            self.state.refresh[refresh_token] = Refresh(scopes, now, auth_event_id)
            answer["refresh_token"] = refresh_token
        if "openid" in scopes:
            answer["id_token"] = token
        return answer

    def _authenticate(self, form: Mapping[str, str], authorization: str, *, needs_secret: bool) -> None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.lower().startswith("basic "):
            try:
                text = base64.b64decode(authorization[6:], validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise OAuthError("invalid_client") from None
            client_id, _, secret = (unquote_plus(part) for part in text.partition(":"))
        is_known = hmac.compare_digest(client_id.encode(), self.credentials.client_id.encode())
        is_proven = hmac.compare_digest(secret.encode(), self.credentials.client_secret.encode())
        if not is_known or not (is_proven or (not secret and not needs_secret)):
            raise OAuthError("invalid_client")

    def _scopes(self, text: str, switches: Switches) -> frozenset[str]:
        known = GRANULAR_SCOPES | (OLD_SCOPES if switches.scopes == "mixed" else frozenset())
        asked = frozenset(text.split())
        if not asked:
            return known
        if any(scope not in known and not _REPORT.match(scope) for scope in asked):
            raise OAuthError("invalid_scope")
        return asked

    def _prune(self, now: datetime) -> None:
        """Expired tokens are kept for a day, so that they can be told from forged ones."""
        day = timedelta(days=1)
        for token, access in list(self.state.access.items()):
            if access.expires + day < now:
                del self.state.access[token]

    def _jwt(self, scopes: frozenset[str], expires: datetime, auth_event_id: str) -> str:
        """Shaped like Xero's; clients may read it, nobody can verify it but us."""
        head = {"alg": "RS256", "kid": "1CAF8E66772D6DC028D6726FD0261581570EFC19", "typ": "JWT"}
        claims = {
            "exp": int(expires.timestamp()),
            "iss": "https://identity.xero.com",
            "aud": "https://identity.xero.com/resources",
            "client_id": self.credentials.client_id,
            "authentication_event_id": auth_event_id,
            "scope": sorted(scopes),
            "jti": self._new_id(),
        }
        parts = [base64.urlsafe_b64encode(dump(part)).rstrip(b"=").decode() for part in (head, claims)]
        return ".".join((*parts, self._secret()))

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self._new_id().encode()).digest()).rstrip(b"=").decode()
