"""A tenant file beside what Xero shows of its organisation: one thing wrong, one sentence."""

from typing import Any

import pytest

from streams.core.books_checks import Books, books, problems
from streams.core.file_reading import read
from streams.core.tenant_file import TenantFile
from tests.unit.tenant_file.folder import FILES

ORGANISATION = {"Name": "Harbour Goods Ltd", "BaseCurrency": "GBP"}
SALES = {"Code": "0200", "Name": "Sales", "Type": "REVENUE", "Status": "ACTIVE"}
STRIPE = {"Code": "091", "Name": "Stripe Clearing", "Type": "BANK", "Status": "ACTIVE", "CurrencyCode": "GBP"}
ROUNDING = {"Code": "860", "Name": "Rounding", "Type": "CURRLIAB", "Status": "ACTIVE"}
RATES: tuple[dict[str, Any], ...] = (
    {"TaxType": "OUTPUT2", "Name": "20%", "Status": "ACTIVE", "EffectiveRate": "20.0000", "CanApplyToRevenue": True},
    {"TaxType": "ZERORATEDOUTPUT", "Name": "Zero", "Status": "ACTIVE", "EffectiveRate": "0.0"},
    {"TaxType": "EXEMPTOUTPUT", "Name": "Exempt", "Status": "ACTIVE", "EffectiveRate": "0"},
)
MORE = 'sku_accounts: {MUG: "0200"}\nrounding: {account: "860", max: "0.05"}\n'


def in_xero(
    organisation: dict[str, Any] | None = None, accounts: Any = (SALES, STRIPE, ROUNDING), rates: Any = RATES
) -> Books:
    return books([ORGANISATION if organisation is None else organisation], accounts, rates, [{"Code": "GBP"}])


def told(found: Books, text: str = FILES["uk.yaml"] + MORE) -> list[str]:
    file, wrong = read("uk.yaml", text, TenantFile, {"TENANT_UK": "xero-uk"})
    assert file is not None, wrong
    return list(problems(file, found))


def line_of(words: str) -> int:
    return (FILES["uk.yaml"] + MORE).splitlines().index(words) + 1


def test_a_file_that_fits_has_no_problem_and_needs_no_rate_for_no_tax() -> None:
    assert told(in_xero()) == []


def changed(account: dict[str, Any], **more: Any) -> Any:
    return [{**one, **more} if one is account else one for one in (SALES, STRIPE, ROUNDING)]


def rates(place: int, **more: Any) -> Any:
    return [{**one, **more} if at == place else one for at, one in enumerate(RATES)]


def place(words: str) -> str:
    return f"uk.yaml:{line_of(words)}"


GOODS = place('  goods: "0200"') + ": accounts.goods: "
PAID = place('  - {gateway: stripe, currency: GBP, account: "091"}') + ": payments[0].account: "
TAXED = place('    - {type: OUTPUT2, percent: "20"}') + ": taxes.rates[0]: "


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            in_xero({"Name": "Bo Ltd", "BaseCurrency": "EUR"}),
            place("base_currency: GBP") + ": base_currency: Bo Ltd keeps its books in EUR, not in GBP. "
            "Correct it, or xero_tenant_id: it may be another organisation's.",
        ),
        (
            in_xero(accounts=changed(SALES, Status="ARCHIVED")),
            f"{GOODS}0200 (Sales) is archived in Xero. Restore it there, or name another.",
        ),
        (
            in_xero(accounts=changed(SALES, Code="02001")),
            f"{GOODS}Xero has no account 0200; did you mean 02001. Correct it, or add the account in Xero.",
        ),
        (
            in_xero(accounts=changed(SALES, Type="BANK")),
            f"{GOODS}0200 (Sales) is a bank account, and lines cannot be booked on one. Name another.",
        ),
        (
            in_xero(accounts=changed(STRIPE, Type="CURRLIAB")),
            f"{PAID}091 (Stripe Clearing) is of type CURRLIAB. A clearing account is of type BANK: fees and payouts "
            "leave it as they leave a bank. Add a bank account for it in Xero and name that.",
        ),
        (
            in_xero(accounts=[SALES, ROUNDING]),
            f"{PAID}Xero has no account 091. Correct it, or add the account in Xero.",
        ),
        (
            in_xero(accounts=changed(STRIPE, CurrencyCode="EUR")),
            f"{PAID}091 (Stripe Clearing) is in EUR, and this entry is for GBP. Name an account in GBP.",
        ),
        (
            in_xero(rates=rates(0, EffectiveRate="17.5000")),
            f"{TAXED}OUTPUT2 is 17.5 % in Xero, and 20 % here. Correct the one that is wrong: documents would differ "
            "by the tax.",
        ),
        (
            in_xero(rates=rates(0, CanApplyToRevenue=False)),
            f"{TAXED}OUTPUT2 (20%) cannot be applied to income in Xero. Name one for sales.",
        ),
        (
            in_xero(rates=rates(0, TaxType="OUTPUT3")),
            f"{TAXED}Xero has no active tax rate OUTPUT2; did you mean OUTPUT3. Correct it, or add it in Xero.",
        ),
        (
            in_xero(rates=rates(0, Status="DELETED")),
            f"{TAXED}Xero has no active tax rate OUTPUT2; did you mean OUTPUT2. Correct it, or add it in Xero.",
        ),
    ],
)
def test_what_xero_has_otherwise(found: Books, sentence: str) -> None:
    assert sentence in told(found)


def test_a_currency_that_xero_does_not_know_and_an_organisation_that_says_nothing() -> None:
    text = FILES["uk.yaml"].replace("currencies: [GBP]", "currencies: [GBP, SEK]", 1)
    [sentence] = told(in_xero(), text)
    assert "routes[0].currencies: SEK is not enabled in Xero. Add it there (Settings > Currencies)" in sentence
    silent = books([], [SALES, STRIPE, ROUNDING], RATES, [])
    assert "None keeps its books in None, not in GBP" in told(silent)[0]
