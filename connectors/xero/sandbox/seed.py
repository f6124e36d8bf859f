"""The ready-made organisations: a British company with its chart, and an Irish one in euro for routing tests."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from connectors.xero.sandbox.books.records import Account, Contact, Currency, Organisation, TaxRate
from connectors.xero.sandbox.books.settings import CLASS_OF_TYPE
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.oauth import Credentials

_NAMESPACE: Final = uuid.UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
_CREATED: Final = datetime(2024, 4, 1, 9, 0, tzinfo=UTC)
_REVENUE: Final = ("ASSET", "EQUITY", "LIABILITY", "REVENUE")
_EXPENSE: Final = ("ASSET", "EQUITY", "EXPENSE", "LIABILITY")
_ALL: Final = ("ASSET", "EQUITY", "EXPENSE", "LIABILITY", "REVENUE")


class _A(NamedTuple):
    """One row of the chart."""

    code: str
    name: str
    type: str
    tax_type: str = "NONE"
    pays: bool = False
    system: str = ""
    status: str = "ACTIVE"


_CHART: Final = (
    _A("090", "Business Bank Account", "BANK"),
    _A("091", "Stripe Clearing", "BANK"),
    _A("092", "Shop Clearing", "BANK"),
    _A("200", "Sales", "REVENUE", "{sales}"),
    _A("201", "Shipping Income", "REVENUE", "{sales}"),
    _A("260", "Other Revenue", "REVENUE", "{sales}"),
    _A("270", "Interest Income", "REVENUE"),
    _A("299", "Old Sales", "REVENUE", "{sales}", status="ARCHIVED"),
    _A("310", "Cost of Goods Sold", "DIRECTCOSTS", "{purchases}"),
    _A("400", "Advertising & Marketing", "OVERHEADS", "{purchases}"),
    _A("404", "Bank Fees", "OVERHEADS"),
    _A("425", "Postage, Freight & Courier", "OVERHEADS", "{purchases}"),
    _A("429", "General Expenses", "OVERHEADS", "{purchases}"),
    _A("463", "IT Software and Consumables", "OVERHEADS", "{purchases}"),
    _A("477", "Salaries", "OVERHEADS"),
    _A("497", "Bank Revaluations", "OVERHEADS", system="BANKCURRENCYGAIN"),
    _A("498", "Unrealised Currency Gains", "OVERHEADS", system="UNREALISEDCURRENCYGAIN"),
    _A("499", "Realised Currency Gains", "OVERHEADS", system="REALISEDCURRENCYGAIN"),
    _A("610", "Accounts Receivable", "CURRENT", system="DEBTORS"),
    _A("620", "Prepayments", "CURRENT"),
    _A("630", "Inventory", "INVENTORY"),
    _A("720", "Computer Equipment", "FIXED", "{purchases}"),
    _A("800", "Accounts Payable", "CURRLIAB", system="CREDITORS"),
    _A("805", "Accruals", "CURRLIAB"),
    _A("820", "VAT", "CURRLIAB", system="GST"),
    _A("835", "Directors' Loan Account", "CURRLIAB", pays=True),
    _A("840", "Historical Adjustment", "CURRLIAB", system="HISTORICAL"),
    _A("850", "Gift Cards", "CURRLIAB", pays=True),
    _A("855", "Suspense", "CURRLIAB"),
    _A("860", "Rounding", "CURRLIAB", system="ROUNDING"),
    _A("960", "Retained Earnings", "EQUITY", system="RETAINEDEARNINGS"),
    _A("970", "Owner A Funds Introduced", "EQUITY", pays=True),
)
_UK_RATES: Final = (
    ("OUTPUT2", "20% (VAT on Income)", "20", _REVENUE),
    ("INPUT2", "20% (VAT on Expenses)", "20", _EXPENSE),
    ("RROUTPUT", "5% (VAT on Income)", "5", _REVENUE),
    ("RRINPUT", "5% (VAT on Expenses)", "5", _EXPENSE),
    ("ZERORATEDOUTPUT", "Zero Rated Income", "0", _REVENUE),
    ("ZERORATEDINPUT", "Zero Rated Expenses", "0", _EXPENSE),
    ("EXEMPTOUTPUT", "Exempt Income", "0", _REVENUE),
    ("EXEMPTINPUT", "Exempt Expenses", "0", _EXPENSE),
    ("ECZROUTPUT", "Zero Rated EC Goods Income", "0", _REVENUE),
    ("ECZROUTPUTSERVICES", "Zero Rated EC Services", "0", _REVENUE),
    ("DRCHARGESUPPLY20", "Domestic Reverse Charge @ 20% (VAT on Income)", "0", _REVENUE),
    ("DRCHARGE20", "Domestic Reverse Charge @ 20% (VAT on Expenses)", "0", _EXPENSE),
    ("CAPEXINPUT2", "20% (VAT on Capital Purchases)", "20", ("ASSET",)),
    ("GSTONIMPORTS", "VAT on Imports", "0", _EXPENSE),
    ("NONE", "No VAT", "0", _ALL),
)
_IE_RATES: Final = (
    ("OUTPUT3", "23% (VAT on Income)", "23", _REVENUE),
    ("INPUT3", "23% (VAT on Expenses)", "23", _EXPENSE),
    ("RROUTPUT", "13.5% (VAT on Income)", "13.5", _REVENUE),
    ("SROUTPUT", "9% (VAT on Income)", "9", _REVENUE),
    ("ZERORATEDOUTPUT", "Zero Rated Income", "0", _REVENUE),
    ("ZERORATEDINPUT", "Zero Rated Expenses", "0", _EXPENSE),
    ("EXEMPTOUTPUT", "Exempt Income", "0", _REVENUE),
    ("ECZROUTPUT", "Zero Rated EC Goods Income", "0", _REVENUE),
    ("NONE", "No VAT", "0", _ALL),
)


def credentials() -> Credentials:
    """The app's: the same on every start, so that a tenant file or an example may name them."""
    return Credentials(_stable("app").replace("-", "").upper(), f"sandbox-{_stable('secret').replace('-', '')}")


def books() -> list[Book]:
    """Both organisations, each with its chart, rates, currencies and an archived contact."""
    british = Organisation(
        tenant_id=_stable("organisation:GB"),
        name="Harbour Goods Ltd",
        base_currency="GBP",
        country_code="GB",
        time_zone="GMTSTANDARDTIME",
        zone="Europe/London",
        short_code="!hBr7G",
        created=_CREATED,
        updated=_CREATED,
    )
    irish = Organisation(
        tenant_id=_stable("organisation:IE"),
        name="Harbour Goods Europe DAC",
        base_currency="EUR",
        country_code="IE",
        time_zone="GMTSTANDARDTIME",
        zone="Europe/Dublin",
        short_code="!eU3rD",
        created=_CREATED,
        updated=_CREATED,
    )
    return [
        _book(
            british, _UK_RATES, "OUTPUT2", "INPUT2", (("EUR", "Euro", "1.15"), ("USD", "United States Dollar", "1.27"))
        ),
        _book(
            irish,
            _IE_RATES,
            "OUTPUT3",
            "INPUT3",
            (("GBP", "British Pound", "0.87"), ("USD", "United States Dollar", "1.1")),
        ),
    ]


def _book(
    organisation: Organisation,
    rates: Sequence[tuple[str, str, str, tuple[str, ...]]],
    sales: str,
    purchases: str,
    foreign: Sequence[tuple[str, str, str]],
) -> Book:
    book = Book(organisation)
    base = organisation.base_currency
    for code, description, rate in ((base, {"GBP": "British Pound", "EUR": "Euro"}[base], "1"), *foreign):
        book.currencies.put(Currency(code=code, description=description, rate=Decimal(rate)))
    for tax_type, name, percent, classes in rates:
        book.tax_rates.put(TaxRate(tax_type=tax_type, name=name, rate=Decimal(percent), classes=classes))
    for number, row in enumerate(_CHART):
        book.accounts.put(
            Account(
                account_id=_stable(f"{organisation.tenant_id}:account:{row.code}"),
                code=row.code,
                name=row.name,
                type=row.type,
                account_class=CLASS_OF_TYPE[row.type],
                tax_type=row.tax_type.format(sales=sales, purchases=purchases),
                status=row.status,
                enable_payments=row.pays,
                system_account=row.system,
                bank_account_number=f"09012{number:09d}" if row.type == "BANK" else "",
                currency=base if row.type == "BANK" else "",
                updated=_CREATED,
            )
        )
    book.contacts.put(
        Contact(
            contact_id=_stable(f"{organisation.tenant_id}:contact:archived"),
            fields={"Name": "Old Customer (archived)", "EmailAddress": "old.customer@example.com"},
            status="ARCHIVED",
            updated=_CREATED,
        )
    )
    return book


def _stable(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))
