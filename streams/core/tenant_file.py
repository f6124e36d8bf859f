"""What may stand in `sources.yaml` and in a tenant file.

One tenant file describes one Xero organisation: which sources feed it, and how their business is booked there.
`file_reading` reads them, `tenant_checks` finds what the parts of a file, or several files, contradict. What Xero
alone knows (whether an account exists, what a rate is) is not known here.
"""

import datetime as dt
from decimal import Decimal
from functools import cache
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from connectors.base import REQUESTS_PER_MINUTE, ConnectorKind
from schemas.events.fields import LineKind
from schemas.keys import SOURCE_PATTERN
from streams.core.nearest import nearest
from streams.core.silence import WEEK, Day, Expectation

# What is often written for a country, and its code.
_MEANT: Final = {"UK": "GB", "EL": "GR"}


@cache
def _places() -> frozenset[str]:
    # GMT or EST are zones too, but know no summer: half the year their midnight is not the organisation's.
    return frozenset(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))


def _zone(name: str) -> str:
    places = _places()
    if name not in places:
        hint = nearest(name, places) or nearest(name, places, of=lambda place: place.rpartition("/")[2])
        raise ValueError(f"no such time zone; {f'did you mean {hint}?' if hint else 'expected a place: Europe/London'}")
    return name


def _country(code: str) -> str:
    if code in _MEANT:
        raise ValueError(f"the ISO 3166-1 code is {_MEANT[code]}")
    return code


SourceName = Annotated[
    str,
    Field(pattern=SOURCE_PATTERN, description="a source's name in small letters, digits and hyphens, such as shop-1"),
]
AccountCode = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.\-]{1,10}$", description='an account code of Xero such as "200"')
]
TaxType = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,50}$", description="a tax type of Xero such as OUTPUT2")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="an ISO 4217 code such as GBP")]
CountryCode = Annotated[
    str, Field(pattern=r"^[A-Z]{2}$", description="an ISO 3166-1 code such as GB"), AfterValidator(_country)
]
# Xero takes lists of numbers separated by commas, so a number must not hold one.
Prefix = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9/_.\-]{1,30}$", description="letters, digits and - _ / . such as S1-")
]
EnvironmentName = Annotated[
    str,
    Field(
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="the name of an environment variable in capitals, such as LEDGERSTREAM_SECRET_SHOP_1",
    ),
]
OrganisationId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$", description="the organisation's id in Xero (a tenantId of /connections)"),
]
TableName = Annotated[
    str,
    Field(
        pattern=r"^([a-z_][a-z0-9_]{0,54}\.)?[a-z_][a-z0-9_]{0,39}$",
        description="a table's name in small letters, with its schema or without: outbox or sales.outbox",
    ),
]
WebAddress = Annotated[
    str, Field(pattern=r"^https?://\S+$", description="an address that begins with https:// or http://")
]
ClockTime = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description='a time of day in quotes, such as "08:30"')
]
Percent = Annotated[Decimal, Field(ge=0, le=100)]
Zone = Annotated[str, AfterValidator(_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretRef(_Part):
    """Where a secret is found: in an environment variable or a file. A literal is for demos on one machine only."""

    env: EnvironmentName | None = None
    file: str | None = None
    insecure_literal: SecretStr | None = None


class Database(_Part):
    """A company's own database with an outbox; see connectors.base.OutboxConfig."""

    url: SecretRef
    table: TableName = "outbox"
    poll_s: Annotated[Decimal, Field(ge=Decimal("0.05"), le=60)] = Decimal(1)
    keep_days: Annotated[int, Field(ge=0, le=3650)] = 7


class Api(_Part):
    """A source's own API; see connectors.base.ApiConfig."""

    url: WebAddress
    token: SecretRef
    every_minutes: Annotated[Decimal, Field(gt=0, le=1440)] = Decimal(15)


class Expected(_Part):
    """How often a source speaks (streams.core.silence.Expectation). Without `opens` and `closes`: around the clock."""

    gap_hours: Annotated[Decimal, Field(gt=0, le=744)]
    time_zone: Zone
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = WEEK
    opens: ClockTime = "00:00"
    closes: ClockTime = "00:00"

    def expectation(self) -> Expectation:
        return Expectation(
            gap=dt.timedelta(hours=float(self.gap_hours)),
            days=frozenset(WEEK.index(day) for day in self.days),
            opens=dt.time.fromisoformat(self.opens),
            closes=dt.time.fromisoformat(self.closes),
            zone=ZoneInfo(self.time_zone),
        )


class Source(_Part):
    """One source; see connectors.base.SourceConfig."""

    connector: ConnectorKind
    secrets: tuple[SecretRef, ...] = ()
    tokens: tuple[SecretRef, ...] = ()
    live: bool = True
    order_source: SourceName | None = None
    order_metadata_keys: tuple[str, ...] = ("order_id",)
    order_reference_fields: tuple[str, ...] = ()
    gateway: str | None = None
    database: Database | None = None
    api: Api | None = None
    expected: Expected | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = REQUESTS_PER_MINUTE


class SourcesFile(_Part):
    """`sources.yaml`."""

    version: Literal["1"]
    sources: Annotated[dict[SourceName, Source], Field(min_length=1)]


class Route(_Part):
    """Business of `source` belongs to this tenant, of these currencies, countries and channels if any are named."""

    source: SourceName
    currencies: Annotated[tuple[CurrencyCode, ...], Field(min_length=1)] = ()
    countries: Annotated[tuple[CountryCode, ...], Field(min_length=1)] = ()
    channels: Annotated[tuple[str, ...], Field(min_length=1)] = ()


class Rate(_Part):
    """A tax type of Xero and its percentage there."""

    type: TaxType
    percent: Percent


class Taxes(_Part):
    """Which tax type a line gets: by the source's own tax code, else by the percentage it charged."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1)]
    codes: dict[str, Rate] = {}
    untaxed: Rate


class Posting(_Part):
    """Where an amount goes that includes tax: an account, and the tax type with its percentage in Xero."""

    account: AccountCode
    tax: Rate


class Fees(Posting):
    """What a gateway keeps: booked once for a payout, or for each charge as it comes."""

    booked: Literal["per_payout", "per_charge"] = "per_payout"


class PaymentAccount(_Part):
    """The clearing account of a gateway in one currency, and the one source that reports its money: where others tell
    of the same money, they change nothing. `contact` is who the gateway is in Xero, `payouts_to` the account of the
    bank that it pays out to; `disputes` is where money goes that a customer's bank took back."""

    gateway: str
    currency: CurrencyCode
    account: AccountCode
    source: SourceName | None = None
    contact: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    fees: Fees | None = None
    payouts_to: AccountCode | None = None
    disputes: Posting | None = None


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
    xero_tenant_id: OrganisationId
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
    # How often Xero is asked what was modified, beside what its webhooks tell; four calls each time.
    xero_sweep_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    trace_url: WebAddress | None = None

    def zone(self) -> ZoneInfo:
        """The organisation's zone: a tax date is a date there."""
        return ZoneInfo(self.time_zone)
