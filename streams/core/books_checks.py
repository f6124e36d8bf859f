"""What a tenant file and its organisation in Xero contradict: accounts, tax types, currencies. Pure.

Each would be found later too, by a dead letter for every order that meets it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from connectors.xero.wire import amount
from schemas.money import to_text
from streams.core.file_reading import Reading
from streams.core.nearest import nearest
from streams.core.tenant_file import Rate, TenantFile

Body = Mapping[str, Any]
Path = tuple[str | int, ...]

BANK: Final = "BANK"
# Xero takes it everywhere, and need not list it.
_NO_TAX: Final = "NONE"


@dataclass(frozen=True)
class Books:
    """What Xero shows of an organisation: its own record, accounts by code, tax rates by type, currency codes."""

    organisation: Body
    accounts: Mapping[str, Body]
    rates: Mapping[str, Body]
    currencies: frozenset[str]


def books(
    organisation: Sequence[Body], accounts: Sequence[Body], rates: Sequence[Body], codes: Sequence[Body]
) -> Books:
    """The lists as Xero answered them."""
    return Books(
        organisation=organisation[0] if organisation else {},
        accounts={str(one["Code"]): one for one in accounts if one.get("Code")},
        rates={str(one["TaxType"]): one for one in rates if one.get("TaxType")},
        currencies=frozenset(str(one.get("Code")) for one in codes),
    )


def problems(file: Reading[TenantFile], found: Books) -> Iterator[str]:
    """A sentence for each contradiction, with file, line and remedy."""
    yield from _currencies(file, found)
    yield from _line_accounts(file, found)
    yield from _clearing_accounts(file, found)
    yield from _taxes(file, found)


def _currencies(file: Reading[TenantFile], found: Books) -> Iterator[str]:
    base, theirs = file.content.base_currency, found.organisation.get("BaseCurrency")
    if base != theirs:
        name = found.organisation.get("Name")
        yield (
            f"{file.where('base_currency')}: {name} keeps its books in {theirs}, not in {base}. Correct it, or "
            "xero_tenant_id: it may be another organisation's."
        )
    for at, route in enumerate(file.content.routes):
        for currency in route.currencies:
            if currency not in found.currencies | {base}:
                yield (
                    f"{file.where('routes', at, 'currencies')}: {currency} is not enabled in Xero. Add it there "
                    "(Settings > Currencies), or route it elsewhere."
                )


def _line_accounts(file: Reading[TenantFile], found: Books) -> Iterator[str]:
    content = file.content
    places: list[tuple[Path, str]] = [
        *((("accounts", str(kind)), code) for kind, code in content.accounts.items()),
        *((("sku_accounts", sku), code) for sku, code in content.sku_accounts.items()),
        *([(("rounding", "account"), content.rounding.account)] if content.rounding else []),
    ]
    for path, code in places:
        where = file.where(*path)
        account = found.accounts.get(code)
        if account is None or account.get("Status") != "ACTIVE":
            yield _no_account(where, code, account, found)
        elif account.get("Type") == BANK:
            yield f"{where}: {_named(account)} is a bank account, and lines cannot be booked on one. Name another."


def _clearing_accounts(file: Reading[TenantFile], found: Books) -> Iterator[str]:
    for at, entry in enumerate(file.content.payments):
        where = file.where("payments", at, "account")
        account = found.accounts.get(entry.account)
        if account is None or account.get("Status") != "ACTIVE":
            yield _no_account(where, entry.account, account, found)
        elif account.get("Type") != BANK:
            yield (
                f"{where}: {_named(account)} is of type {account.get('Type')}. A clearing account is of type {BANK}: "
                "fees and payouts leave it as they leave a bank. Add a bank account for it in Xero and name that."
            )
        elif account.get("CurrencyCode") not in (entry.currency, None):
            yield (
                f"{where}: {_named(account)} is in {account.get('CurrencyCode')}, and this entry is for "
                f"{entry.currency}. Name an account in {entry.currency}."
            )


def _taxes(file: Reading[TenantFile], found: Books) -> Iterator[str]:
    taxes = file.content.taxes
    places: list[tuple[Path, Rate]] = [
        *((("taxes", "rates", at), rate) for at, rate in enumerate(taxes.rates)),
        *((("taxes", "codes", code), rate) for code, rate in taxes.codes.items()),
        (("taxes", "untaxed"), taxes.untaxed),
    ]
    for path, rate in places:
        problem = None if rate.type == _NO_TAX and rate.type not in found.rates else _rate(rate, found)
        if problem is not None:
            yield f"{file.where(*path)}: {problem}"


def _rate(rate: Rate, found: Books) -> str | None:
    theirs = found.rates.get(rate.type)
    if theirs is None or theirs.get("Status", "ACTIVE") != "ACTIVE":
        return f"Xero has no active tax rate {rate.type}{_near(rate.type, found.rates)}. Correct it, or add it in Xero."
    percent = amount(theirs.get("EffectiveRate")) or Decimal(0)
    if percent != rate.percent:
        return (
            f"{rate.type} is {to_text(percent.normalize())} % in Xero, and {to_text(rate.percent)} % here. Correct the "
            "one that is wrong: documents would differ by the tax."
        )
    if theirs.get("CanApplyToRevenue") is False:
        return f"{rate.type} ({theirs.get('Name')}) cannot be applied to income in Xero. Name one for sales."
    return None


def _no_account(where: str, code: str, account: Body | None, found: Books) -> str:
    if account is not None:
        state = str(account.get("Status")).lower()
        return f"{where}: {_named(account)} is {state} in Xero. Restore it there, or name another."
    return f"{where}: Xero has no account {code}{_near(code, found.accounts)}. Correct it, or add the account in Xero."


def _named(account: Body) -> str:
    return f"{account.get('Code')} ({account.get('Name')})"


def _near(name: str, known: Mapping[str, Body]) -> str:
    hint = nearest(name, known)
    return f"; did you mean {hint}" if hint else ""
