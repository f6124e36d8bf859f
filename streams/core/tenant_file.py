"""What may stand in `sources.yaml` and in a tenant file, checked whole: every problem with its line and remedy.

One tenant file describes one Xero organisation: which sources feed it, and how their business is booked there. What
Xero alone knows (whether an account exists, what a rate is) is checked by `ledgerstream check`, not here.
"""

import datetime as dt
import difflib
import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from schemas.events.fields import LineKind
from schemas.keys import SOURCE_PATTERN
from streams.core.yaml_lines import Parsed, YamlError

M = TypeVar("M", bound=BaseModel)


def _zone(name: str) -> str:
    if name not in available_timezones():
        nearest = difflib.get_close_matches(name, available_timezones(), 1)
        raise ValueError(f"no such time zone; {f'did you mean {nearest[0]}?' if nearest else 'such as Europe/London'}")
    return name


SourceName = Annotated[str, Field(pattern=SOURCE_PATTERN)]
AccountCode = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.\-]{1,10}$", description='an account code of Xero such as "200"')
]
TaxType = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,50}$", description="a tax type of Xero such as OUTPUT2")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="an ISO 4217 code such as GBP")]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="an ISO 3166-1 code such as GB")]
# Xero takes lists of numbers separated by commas, so a number must not hold one.
Prefix = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9/_.\-]{1,30}$", description="letters, digits and - _ / . such as S1-")
]
Percent = Annotated[Decimal, Field(ge=0, le=100)]
Zone = Annotated[str, AfterValidator(_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretRef(_Part):
    """Where a secret is found: in an environment variable or a file. A literal is for demos on one machine only."""

    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    file: str | None = None
    insecure_literal: str | None = None


class Source(_Part):
    """One source; see connectors.base.SourceConfig."""

    connector: Literal["cloudevents", "stripe"]
    secrets: tuple[SecretRef, ...] = ()
    tokens: tuple[SecretRef, ...] = ()
    live: bool = True
    order_source: SourceName | None = None
    order_metadata_keys: tuple[str, ...] = ("order_id",)
    order_reference_fields: tuple[str, ...] = ()
    gateway: str | None = None


class SourcesFile(_Part):
    """`sources.yaml`."""

    version: Literal["1"]
    sources: Annotated[dict[SourceName, Source], Field(min_length=1)]


class Route(_Part):
    """Business of `source` belongs to this tenant, of these currencies, countries and channels if any are named."""

    source: SourceName
    currencies: tuple[CurrencyCode, ...] = ()
    countries: tuple[CountryCode, ...] = ()
    channels: tuple[str, ...] = ()


class Rate(_Part):
    """A tax type of Xero and its percentage there."""

    type: TaxType
    percent: Percent


class Taxes(_Part):
    """Which tax type a line gets: by the source's own tax code, else by the percentage it charged."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1)]
    codes: dict[str, Rate] = {}
    untaxed: Rate


class PaymentAccount(_Part):
    """The clearing account of a gateway in one currency."""

    gateway: str
    currency: CurrencyCode
    account: AccountCode


class Numbers(_Part):
    """What document numbers of one source begin with."""

    invoice: Prefix
    credit_note: Prefix


class Contacts(_Part):
    """Which contact a customer of one source becomes."""

    policy: Literal["per_customer", "per_channel"] = "per_customer"
    guests: Literal["per_email", "per_channel"] = "per_email"
    channel_name: Annotated[str, Field(min_length=1, max_length=200)]


class Rounding(_Part):
    """Where a difference of the source's rounding goes, up to `max` in the document's currency."""

    account: AccountCode
    max: Annotated[Decimal, Field(gt=0, le=1)]


class TenantFile(_Part):
    """One organisation."""

    version: Literal["1"]
    valid_from: dt.date
    xero_tenant_id: Annotated[str, Field(min_length=1)]
    time_zone: Zone
    base_currency: CurrencyCode
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    accounts: dict[LineKind, AccountCode]
    sku_accounts: dict[str, AccountCode] = {}
    taxes: Taxes
    payments: tuple[PaymentAccount, ...] = ()
    numbers: dict[SourceName, Numbers]
    contacts: dict[SourceName, Contacts]
    terms_days: Annotated[int, Field(ge=0, le=365)] = 14
    status: Literal["DRAFT", "SUBMITTED", "AUTHORISED"] = "AUTHORISED"
    rounding: Rounding | None = None
    trace_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None

    def zone(self) -> ZoneInfo:
        """The organisation's zone: a tax date is a date there."""
        return ZoneInfo(self.time_zone)


_REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def references(text: str) -> set[str]:
    """The environment variables that a file refers to as ${NAME}."""
    return set(_REFERENCE.findall(text))


def read(name: str, text: str, kind: type[M], environ: dict[str, str]) -> tuple[M | None, list[str]]:
    """The file's content, or every problem in it as `file:line: what`. `environ` resolves ${NAME}."""
    try:
        parsed = Parsed(text)
    except YamlError as error:
        return None, [f"{name}:{error.line}: not YAML: {error}. Correct the indentation or quoting there."]
    problems = [
        f"{name}:{line}: {_dotted(path)} stands here a second time. Remove one of the two."
        for path, line in parsed.repeated
    ]
    document = _resolved(name, parsed, parsed.document, (), environ, problems)
    try:
        content = kind.model_validate(document)
    except ValidationError as error:
        problems += [_problem(name, parsed, kind, dict(detail)) for detail in error.errors(include_url=False)]
        return None, problems
    return (None, problems) if problems else (content, [])


def _resolved(
    name: str, parsed: Parsed, value: Any, path: tuple[str | int, ...], environ: dict[str, str], problems: list[str]
) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(name, parsed, item, (*path, key), environ, problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(name, parsed, item, (*path, at), environ, problems) for at, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for variable in references(value):
        if variable not in environ:
            problems.append(
                f"{name}:{parsed.line_of(path)}: {_dotted(path)}: the environment variable {variable} is not set. "
                "Set it, or write the value here."
            )
    return _REFERENCE.sub(lambda match: environ.get(match[1], match[0]), value)


def _problem(name: str, parsed: Parsed, kind: type[BaseModel], detail: dict[str, Any]) -> str:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    where = f"{name}:{parsed.line_of(path)}: {_dotted(path)}"
    match detail["type"]:
        case "missing":
            return f"{where} is missing. Add it."
        case "extra_forbidden":
            known = _known(kind, path[:-1])
            nearest = difflib.get_close_matches(str(path[-1]), known, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known here: {', '.join(sorted(known))}."
            return f"{where} is not known; {hint} Correct or remove it."
        case _:
            return f"{where}: got {_short(detail['input'])}: {_expected(detail)}. Correct it."


def _expected(detail: dict[str, Any]) -> str:
    if detail["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(detail["ctx"]["pattern"], f"expected text like {detail['ctx']['pattern']}")
    return str(detail["msg"]).removeprefix("Value error, ")


_PATTERNS: Final = {
    field.pattern: f"expected {info.description}"
    for alias in (AccountCode, TaxType, CurrencyCode, CountryCode, Prefix)
    for info in get_args(alias)[1:]
    for field in info.metadata
} | {SOURCE_PATTERN: "expected a source's name in small letters, digits and hyphens, such as shop-1"}


def _known(kind: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The names that may stand at a path, by walking the models."""
    models = [kind]
    for part in path:
        inner = [model for model in models if str(part) in model.model_fields]
        if inner:
            models = _models_in(inner[0].model_fields[str(part)].annotation)
    return [name for model in models for name in model.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "the file"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
