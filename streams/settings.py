"""The settings: read from the environment once, here and nowhere else, frozen, and refused with a remedy at start.

Every variable is `LEDGERSTREAM_` and the field's name in capitals, but for KAFKA_BOOTSTRAP_SERVERS, which other
Kafka tools read as well.
"""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError, field_validator

from connectors.addresses import ESCAPED, is_ambiguous, without_password
from schemas.topics import PREFIX

ENV_PREFIX: Final = "LEDGERSTREAM_"
# Names that tenant files refer to may carry our prefix too; they are not settings.
REFERENCED: Final = (f"{ENV_PREFIX}SECRET_", f"{ENV_PREFIX}TENANT_")

_SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")

Port = Annotated[int, Field(ge=0, le=65535)]


class SettingsError(Exception):
    """One or more settings do not fit; the message has a line for each, with the remedy."""


class Settings(BaseModel):
    """All settings with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka_bootstrap_servers: str | None = Field(
        default=None,
        description="host:port of the Kafka cluster, several separated by commas; a local one is started if unset",
    )
    kafka_image: str | None = Field(
        default=None,
        description="the image of the demo's Kafka where a container engine runs; apache/kafka:<version> if unset",
    )
    topic_prefix: str = Field(default=PREFIX, description="what every topic's name begins with")
    consumer_group: str = Field(default="ledgerstream", description="the consumer group of the workers")
    home: Path = Field(default=Path(".ledgerstream"), description="where the local ledger, Kafka and sandbox live")
    ledger_url: str | None = Field(
        default=None,
        repr=False,  # it may hold a password
        description="sqlite:///path or postgresql://user:password@host/database; a file in HOME if unset",
    )
    tenants: Path = Field(default=Path("deploy/tenants"), description="the folder of sources.yaml and the tenant files")
    xero_api_url: HttpUrl = Field(
        default=HttpUrl("https://api.xero.com/api.xro/2.0"), description="Xero's accounting API, or the sandbox's"
    )
    xero_identity_url: HttpUrl = Field(
        default=HttpUrl("https://identity.xero.com"), description="Xero's token endpoint, or the sandbox's"
    )
    xero_client_id: str | None = Field(default=None, description="the app's client id (custom connection)")
    xero_client_secret: SecretStr | None = Field(default=None, description="the app's client secret")
    xero_timeout_s: float = Field(default=30.0, gt=0, le=300, description="how long one call to Xero may take, in all")
    xero_egress_gb: float | None = Field(
        default=None, gt=0, description="what Xero's plan includes a month in GB (Core 10, Plus 50, Advanced 250)"
    )
    receiver_host: str = Field(default="127.0.0.1", description="the address that the receiver listens on")
    receiver_port: Port = Field(default=8080, description="the receiver's port")
    receiver_public_url: HttpUrl | None = Field(
        default=None,
        description="where senders find the receiver if a proxy stands before it; host and port of it if unset",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="the address of the worker's /metrics, /healthz, /readyz"
    )
    metrics_port: Port = Field(default=9464, description="the port of the worker's /metrics, /healthz, /readyz")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least level logged"
    )
    log_format: Literal["json", "console"] = Field(default="json", description="json for machines, console for people")

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _hosts_with_ports(cls, servers: str | None) -> str | None:
        if servers is not None and not all(_SERVER.fullmatch(one.strip()) for one in servers.split(",")):
            raise ValueError("expected host:port, several separated by commas")
        return servers

    @field_validator("ledger_url")
    @classmethod
    def _a_database(cls, url: str | None) -> str | None:
        if url is not None and not _names_a_database(url):
            raise ValueError(f"expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, {ESCAPED}")
        return url

    @field_validator("xero_api_url", "xero_identity_url")
    @classmethod
    def _encrypted_unless_local(cls, url: HttpUrl) -> HttpUrl:
        if url.scheme != "https" and url.host not in ("127.0.0.1", "localhost", "[::1]", "sandbox"):
            raise ValueError("tokens travel there, so it must be https; http is for a sandbox on this machine")
        return url

    def public_url(self) -> str:
        """Where senders find the receiver, without a slash at the end."""
        named = self.receiver_public_url or f"http://{self.receiver_host}:{self.receiver_port}"
        return str(named).rstrip("/")

    def ledger(self) -> str:
        """The ledger's URL."""
        return self.ledger_url or f"sqlite:///{(self.home / 'ledger.db').absolute()}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises SettingsError with a line for each variable that does not fit."""
    everything = os.environ if environ is None else environ
    # Compose files and shells give a variable that nobody set as an empty one.
    found = {name: value for name, value in everything.items() if value.strip()}
    problems = _unknown(found)
    values = {name: found[variable] for name in Settings.model_fields if (variable := variable_of(name)) in found}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors(include_url=False)]
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def environment() -> Mapping[str, str]:
    """The process's environment, for the references in tenant files (bootstrap hands it on)."""
    return os.environ


def variable_of(field: str) -> str:
    """The environment variable of a setting."""
    return "KAFKA_BOOTSTRAP_SERVERS" if field == "kafka_bootstrap_servers" else ENV_PREFIX + field.upper()


def _names_a_database(url: str) -> bool:
    if url.startswith("sqlite:///"):
        return len(url) > len("sqlite:///")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 it raises where the port is no number
    except ValueError:
        return False
    named = bool(parts.hostname) and len(parts.path) > 1
    return parts.scheme in ("postgresql", "postgres") and named and not is_ambiguous(url)


def _unknown(found: Mapping[str, str]) -> list[str]:
    known = [variable_of(name) for name in Settings.model_fields]
    problems = []
    for variable in sorted(found):
        if variable.startswith(ENV_PREFIX) and variable not in known and not variable.startswith(REFERENCED):
            nearest = difflib.get_close_matches(variable, known, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else "README.md lists the settings"
            problems.append(f"{variable}: no such setting; {hint} Unset it or correct its name.")
    return problems


def _problem(detail: Mapping[str, object]) -> str:
    location = detail["loc"]
    field = str(location[0]) if isinstance(location, tuple) and location else "settings"
    value = "(secret)" if "secret" in field else repr(without_password(str(detail.get("input"))))
    words = str(detail["msg"]).removeprefix("Value error, ")
    return f"{variable_of(field)}: got {value}: {words}. Correct it or unset it."
